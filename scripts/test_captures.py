#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Captures of every kind, made here, are replayed: what they say of the connections comes out of each."""
import argparse
import json
import logging
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from scapy.config import conf
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap, wrpcapng

from testing import expect, run_tests, tests_of

ROOT = Path(__file__).resolve().parent.parent
CLIENT, SERVER, FAR, NEAR = "10.1.0.1", "10.1.0.2", 3_000_000_000, 4_294_967_000   # the server's numbers wrap
REQUEST, REPLY = b"GET\n", b"answer " * 700
DLT_NULL, DLT_RAW, DLT_SLL2 = 0, 101, 276
MSS = 1400


def talk(client: str = CLIENT, server: str = SERVER, sport: int = 40000, far: int = FAR, near: int = NEAR) -> list[Packet]:
    """A request, its answer, and the end, begun by the server."""
    def c(flags: str, seq: int, ack: int = 0, data: bytes = b"", **more) -> Packet:
        return IP(src=client, dst=server, id=1) / TCP(sport=sport, dport=80, flags=flags, seq=(far + seq) % 2**32, ack=(near + ack) % 2**32 if "A" in flags else 0, window=60000, **more) / Raw(data)

    def s(flags: str, seq: int, ack: int, data: bytes = b"", **more) -> Packet:
        return IP(src=server, dst=client, id=1) / TCP(sport=80, dport=sport, flags=flags, seq=(near + seq) % 2**32, ack=(far + ack) % 2**32, window=60000, **more) / Raw(data)

    out = [c("S", 0, options=[("MSS", 1460)]), s("SA", 0, 1, options=[("MSS", 1460)]), c("A", 1, 1), c("PA", 1, 1, REQUEST), s("A", 1, 1 + len(REQUEST))]
    for at in range(0, len(REPLY), MSS):
        out.append(s("A", 1 + at, 1 + len(REQUEST), REPLY[at:at + MSS]))
    q, r = 1 + len(REQUEST), 1 + len(REPLY)
    return [*out, c("A", q, r), s("FA", r, q), c("FA", q, r + 1), s("A", r + 1, q + 1)]


def ether(p: Packet) -> Packet:
    there = p[IP].src == CLIENT
    return Ether(src=f"02:00:00:00:00:0{1 if there else 2}", dst=f"02:00:00:00:00:0{2 if there else 1}") / p


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.lockwire, self.work, self.engine = a.lockwire, Path(a.work), a.engine
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def run(self, *args) -> subprocess.CompletedProcess:
        return subprocess.run([self.lockwire, "replay", *map(str, args)], capture_output=True, text=True, timeout=120, check=False)

    def file(self, packets: list[Packet], linktype: int | None = None, instant: tuple = ()) -> Path:
        """Those of `instant` at the time of the first of them."""
        for i, p in enumerate(packets):
            p.time = 1000 + (instant[0] if i in instant else i) * 0.01
        path = self.work / "in.pcap"
        wrpcap(str(path), packets, linktype=linktype, nano=False)
        return path

    def replay(self, path: Path, *options) -> dict:
        stats = self.work / "stats.json"
        r = self.run(path, "--engine", self.engine, "--stats", stats, *options)
        expect(r.returncode == 0, f"status {r.returncode}: {r.stdout}{r.stderr}")
        return json.loads(stats.read_text())

    def served(self, path: Path, *options, frames: int | None = None, made_up: bool = False) -> dict:
        """The conversation came out whole."""
        j = self.replay(path, *options)
        expect(len(j["connections"]) == 1, f"connections: {j}")
        c = j["connections"][0]
        expect(c["opened"] and (c["made_up"] > 0) == made_up, f"made up: {c}")
        expect(not j["unused"], f"not played: {j['unused']}")
        want = {"bytes": len(REPLY), "acked": len(REPLY), "end": "FIN"}
        for who in ("nic", "recorded"):
            expect({k: c[who][k] for k in want} == want, f"{who}: {c[who]}")
        expect(c["delivered"] == len(REQUEST), f"delivered {c['delivered']}")
        if frames is not None:
            expect(j["played"] == frames, f"played {j['played']} of {frames}")
        return j

    def test_ethernet(self):
        self.served(self.file([ether(p) for p in talk()]), frames=5)

    def test_vlan_tags_are_taken_off(self):
        tagged = [Ether(bytes(ether(p))[:12] + b"\x81\x00\x00\x07" + bytes(ether(p))[12:]) for p in talk()]
        expect(Dot1Q in tagged[0], "no tag")
        self.served(self.file(tagged), frames=5)
        j = self.replay(self.file(tagged), "--keep-vlan")
        expect(not j["connections"] and j["played"] == len(tagged), f"with their tags: {j}")

    def test_raw_ip(self):
        self.served(self.file(talk(), DLT_RAW), frames=5)

    def test_linux_cooked(self):
        self.served(self.file([CookedLinux(proto=0x800) / p for p in talk()]), frames=5)
        self.served(self.file([CookedLinuxV2(proto=0x800) / p for p in talk()], DLT_SLL2), frames=5)

    def test_bsd_loopback(self):
        self.served(self.file([Raw(b"\x02\0\0\0" + bytes(p)) for p in talk()], DLT_NULL), frames=5)

    def test_pcapng(self):
        path = self.work / "in.pcapng"
        wrpcapng(str(path), [ether(p) for p in talk()])
        self.served(path, frames=5)

    def test_captured_on_loopback(self):
        """One address for both ends, and checksums that nobody made."""
        packets = [Ether(dst="00:00:00:00:00:00", src="00:00:00:00:00:00") / p for p in talk("127.0.0.1", "127.0.0.1")]
        for p in packets:
            p[TCP].chksum = 0xFE30
        self.served(self.file(packets), frames=5)

    def test_strays_on_loopback(self):
        """Segments of no connection, datagrams and fragments: what nobody made a checksum of has one, what had one a right one."""
        def ends(there: bool) -> dict:
            return {"sport": 40001, "dport": 81} if there else {"sport": 81, "dport": 40001}

        lo = {"src": "127.0.0.1", "dst": "127.0.0.1"}
        strays = [IP(**lo) / TCP(**ends(True), flags="A", seq=5, ack=7, chksum=0xFE28), IP(**lo) / UDP(**ends(True), chksum=0xFE1B) / Raw(b"datagram"),
                  IP(**lo) / UDP(**ends(True), chksum=0) / Raw(b"none"), *fragment(IP(**lo, id=3) / UDP(**ends(True)) / Raw(bytes(range(100))), 64)]
        packets = [Ether(dst="00:00:00:00:00:00", src="00:00:00:00:00:00") / p for p in [*talk("127.0.0.1", "127.0.0.1"), *strays]]
        self.served(self.file(packets), "--text", self.work / "text", frames=5 + len(strays))
        text = (self.work / "text").read_text()
        expect("stack.udp_no_port 3" in text and "stack.tcp_rst_sent 1" in text, text[-800:])
        expect("checksum" not in text and "ip_bad" not in text, text[-800:])

    def test_snapped(self):
        frames = [bytes(ether(p)) for p in talk()]
        self.file([Ether(f) for f in frames])
        data, out = (self.work / "in.pcap").read_bytes(), bytearray()
        out += data[:24]
        at = 24
        while at < len(data):
            n = int.from_bytes(data[at + 8:at + 12], "little")
            out += data[at:at + 8] + min(n, 60).to_bytes(4, "little") + data[at + 12:at + 16] + data[at + 16:at + 16 + min(n, 60)]
            at += 16 + n
        (self.work / "in.pcap").write_bytes(out)
        self.served(self.work / "in.pcap", frames=5)

    def test_handshake_in_another_order(self):
        p = [ether(p) for p in talk()]
        self.served(self.file([p[1], p[0], *p[2:]]), frames=5)

    def test_the_other_side(self):
        """The NIC as the client: it opens the connection, the server's frames are played."""
        j = self.replay(self.file([ether(p) for p in talk()]), "--as", CLIENT)
        c = j["connections"][0]
        expect(c["opened"] and c["delivered"] == len(REPLY) and c["nic"]["acked"] == len(REQUEST) and c["nic"]["end"] == "FIN" and not j["unused"], f"{j}")

    def test_one_side_alone(self):
        """The server's frames were not captured: what it sent follows from what is acknowledged."""
        for options in (), ("--as", SERVER):
            j = self.replay(self.file([ether(p) for p in talk() if p[IP].src == CLIENT]), *options)
            c = j["connections"][0]
            expect(c["opened"] and c["delivered"] == len(REQUEST) and c["nic"]["acked"] >= len(REPLY) and not j["unused"], f"{options}: {j}")

    def test_begun_before_the_capture(self):
        j = self.replay(self.file([ether(p) for p in talk()[3:]]))
        c = j["connections"][0]
        expect(c["opened"] and c["delivered"] == len(REQUEST) and c["nic"]["acked"] == len(REPLY) and c["made_up"] and not j["unused"], f"{j}")

    def test_fragments_of_segments(self):
        p = talk()
        pieces = fragment(IP(bytes(p[3])), 8)
        expect(len(pieces) > 2, "no fragments")
        self.served(self.file([ether(q) for q in [*p[:3], *pieces, *p[4:]]]), frames=5)

    def test_checksums(self):
        """Left to an adapter: finished. Wrong: stays wrong, and the peer sends again."""
        offloaded = [ether(p) for p in talk()]
        for p in offloaded:
            if p[IP].src == CLIENT:
                p[TCP].chksum = 0x1111
        self.served(self.file(offloaded), frames=5)
        p = talk()
        bad = p[3].copy()
        bad[TCP].chksum = 0x1111
        self.served(self.file([ether(q) for q in [*p[:3], bad, *p[3:]]]), frames=6)

    def test_no_total_length(self):
        """Segments left to an adapter to cut, or put together by one, may have an IP length of 0: theirs is the frame's, on either side."""
        p, big = talk(), 3 * 65536
        for at in [i for i, q in enumerate(p) if q[IP].src == SERVER and q[Raw].load]:
            p[at][IP].len = 0
        self.served(self.file([ether(q) for q in p]), frames=5)
        j = self.replay(self.file([ether(q) for q in p]), "--as", CLIENT)
        expect(j["connections"][0]["delivered"] == len(REPLY) and j["near"] == 5 and not j["unused"], f"the other side: {j}")
        q = talk()[:5]   # longer than any packet, from either side
        for syn in q[:2]:
            syn[TCP].options = [("MSS", 1460), ("NOP", None), ("WScale", 3)]
        for src in (SERVER, CLIENT):
            there, back = (1, 1 + len(REQUEST)) if src == SERVER else (1 + len(REQUEST), 1)
            ports = {"sport": 80, "dport": 40000} if src == SERVER else {"sport": 40000, "dport": 80}
            base = (NEAR, FAR) if src == SERVER else (FAR, NEAR)
            long = IP(src=src, dst=CLIENT if src == SERVER else SERVER, len=0) / TCP(**ports, flags="PA", seq=(base[0] + there) % 2**32, ack=(base[1] + back) % 2**32, window=60000) / Raw(b"x" * big)
            ack = IP(src=long[IP].dst, dst=src) / TCP(sport=ports["dport"], dport=ports["sport"], flags="A", seq=long[TCP].ack, ack=(long[TCP].seq + big) % 2**32, window=60000)
            c = self.replay(self.file([ether(x) for x in [*q, long, ack]]))["connections"][0]
            got = c["nic"]["acked"] if src == SERVER else c["delivered"] - len(REQUEST)
            expect(got == big, f"{src}: {got} of {big} bytes")

    def test_what_the_near_side_sent_is_not_played(self):
        """Also where its IP header is none: that is said, whether stations or only addresses tell whose it was."""
        for how in ({"ihl": 4}, {"len": 9999}, {"version": 7}):
            p = talk()
            for at in (5, 7):
                p[at] = IP(bytes(p[at]))
                for field, value in how.items():
                    setattr(p[at][IP], field, value)
            for packets, link in (([ether(q) for q in p], None), ([Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00") / q for q in p], None), (p, DLT_RAW)):
                if link and "version" in how:
                    continue   # then it is no IPv4 at all
                j = self.replay(self.file(packets, link))
                expect((j["played"], j["near"]) == (5, 6) and j["unused"] == {"no possible TCP or IP header": 2}, f"{how}, {link}: {j}")

    def test_many_at_once_and_one_after_another(self):
        packets = [p for i in range(20) for p in [talk(sport=40000 + i)]]
        mixed = [p for row in zip(*packets) for p in row]
        j = self.replay(self.file([ether(p) for p in mixed]))
        expect(len(j["connections"]) == 20 and all(c["nic"]["acked"] == len(REPLY) and c["nic"]["end"] == "FIN" for c in j["connections"]), f"{j}")
        j = self.replay(self.file([ether(p) for p in [*talk(), *talk(far=FAR + 10**6, near=NEAR + 10**6)]]))
        expect(len(j["connections"]) == 2 and all(c["nic"]["acked"] == len(REPLY) for c in j["connections"]), f"one after another: {j}")

    def test_a_connection_after_one_that_never_stood(self):
        """Of the same addresses and ports: it has its own program, not that of the other."""
        rst = IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=80, flags="R", seq=(FAR + 1) % 2**32)
        j = self.replay(self.file([ether(p) for p in [*talk()[:2], rst, *talk(far=FAR + 10**6, near=NEAR + 10**6)]]))
        first, second = j["connections"]
        expect(not first["opened"] and second["nic"] == second["recorded"] and second["delivered"] == len(REQUEST) and not j["unused"], f"{j}")

    def test_a_connection_in_the_instant_in_which_one_is_reset(self):
        """The NIC calls from the port of the connection before, whose flow is given back only when the RST has left."""
        cut = talk()[:8]
        rst = IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=80, flags="RA", seq=(FAR + 1 + len(REQUEST)) % 2**32, ack=(NEAR + 1 + 3 * MSS) % 2**32)
        j = self.replay(self.file([ether(p) for p in [*cut, rst, *talk(far=FAR + 10**6, near=NEAR + 10**6)]], instant=(8, 9)), "--as", CLIENT)
        first, second = j["connections"]
        expect(first["nic"]["end"] == "RST" and second["opened"] and second["delivered"] == len(REPLY) and not j["unused"], f"{j}")

    def test_a_flood_takes_seconds(self):
        """20,000 connections, each from a host of its own, and one whole one among them; minutes, were each looked at for each frame."""
        syn, whole, many = bytearray(bytes(ether(talk()[0]))), [bytes(ether(p)) for p in talk(sport=50000)], 20000
        path = self.file([ether(talk()[0])])
        out = bytearray(path.read_bytes()[:24])
        for i in range(many):
            syn[26:30] = bytes([10, 2, i >> 8, i & 255])
            for frame in [syn, *([whole.pop(0)] if whole and i > many // 2 else [])]:
                out += (1000 + i // 10000).to_bytes(4, "little") + (i % 10000 * 100).to_bytes(4, "little") + len(frame).to_bytes(4, "little") * 2 + frame
        path.write_bytes(out)
        began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        j = self.replay(path, "--engine", "ref")
        took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began
        opened = [c for c in j["connections"] if c["opened"]]
        expect(len(j["connections"]) == many + 1 and [c["nic"]["acked"] for c in opened] == [len(REPLY)] and not j["unused"], f"{j['played']} played, opened: {opened}")
        expect(took < 15, f"{took:.1f} s of processor time")

    def test_a_recording_is_a_capture_and_a_capture_is_recorded(self):
        folder = self.work / "recorded"
        self.served(self.file([ether(p) for p in talk()]), "--record", folder)
        self.served(folder / "wire.pcapng")
        if self.engine == "rtl":
            r = self.run(folder)
            expect(r.returncode == 0 and "the same" in r.stdout, f"{r.stdout}{r.stderr}")

    def test_the_same_text_twice(self):
        texts = []
        for _ in range(2):
            self.replay(self.file([ether(p) for p in talk()]), "--text", self.work / "text")
            texts.append((self.work / "text").read_text())
        expect(texts[0] == texts[1] and "[FP.]" in texts[0] or "[F.]" in texts[0], texts[0])

    def test_a_folder(self):
        """All that is in it, on both engines: served, or refused with a reason."""
        folder = self.work / "folder"
        (folder / "below").mkdir(parents=True)
        shutil.copy(self.file([ether(p) for p in talk()]), folder / "a.pcap")
        wrpcapng(str(folder / "below/b.pcapng"), [ether(p) for p in talk()])
        (folder / "c.cap").write_bytes(b"no capture")
        (folder / "d.txt").write_bytes(b"nor this")
        r = subprocess.run([sys.executable, ROOT / "scripts/replay_folder.py", "--lockwire", self.lockwire, folder], capture_output=True, text=True, timeout=120, check=False)
        expect(r.returncode == 0 and r.stdout.endswith("6 passed, 0 failed\n"), f"{r.stdout}{r.stderr}")
        expect(r.stdout.count("13 frames: 5 played, 8 of the recorded host; 1 of 1 connections\n") == 4 and r.stdout.count("refused: ") == 2 and "d.txt" not in r.stdout, r.stdout)
        r = subprocess.run([sys.executable, ROOT / "scripts/replay_folder.py", "--lockwire", "/bin/false", folder], capture_output=True, text=True, timeout=120, check=False)
        expect(r.returncode == 1 and r.stdout.endswith("0 passed, 6 failed\n"), f"{r.stdout}{r.stderr}")

    def test_what_is_no_capture(self):
        (self.work / "none").write_bytes(b"hello, this is no capture at all")
        (self.work / "cut").write_bytes(self.file([ether(p) for p in talk()]).read_bytes()[:-7])
        (self.work / "empty").write_bytes(self.file([ether(p) for p in talk()]).read_bytes()[:24])
        self.file([Raw(b"x" * 60)], 105)   # 802.11
        for name, words in (("none", "unknown file format"), ("cut", "after frame"), ("empty", "no frames"), ("in.pcap", "not understood"), ("absent", "absent")):
            r = self.run(self.work / name, "--engine", self.engine)
            expect((r.returncode, r.stderr.count("\n")) == (2, 1) and words in r.stderr, f"{name}: {r.returncode} {r.stderr}")
        for args in (("--as", "1.2.3"), ("--as", "9.9.9.9"), ("--mtu", "10"), ("--engine", "x"), ("--options", "x"), ("--seed", "x"), ("--force",)):
            r = self.run(self.file([ether(p) for p in talk()]), *args)
            expect((r.returncode, r.stderr.count("\n")) == (2, 1), f"{args}: {r.returncode} {r.stderr}")


# Frames that scapy knows as bytes alone have no link type of theirs.
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--lockwire", default="build/lockwire")
    ap.add_argument("--engine", choices=("rtl", "ref"), default="rtl")
    ap.add_argument("--work", default="build/test_captures", help="deleted when all is well")
    a = ap.parse_args()
    conf.verb = 0
    t = Tests(a)
    good = run_tests(tests_of(t))
    if good:
        shutil.rmtree(t.work)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
