# SPDX-License-Identifier: Apache-2.0
"""The judge: a capture at the peer's end during the tests, then what tshark's expert has against the NIC's frames."""
import json
import re
import signal
import struct
import subprocess
import sys

from live.common import ECHO, NIC_IP, PEER_IF, SCRIPTS, SHARED_IP, expect, expect_equal, must, own_mac, tshark
from testing import until

# What the judge may find in the NIC's frames, and why that is no fault: the beginning of the message; of which of the
# peer's ports (see Runner.ports), None for all; the reason.
ALLOWED = [
    ("TCP window specified by the receiver is now completely full", None,
     "the NIC fills a window that the peer offered: its right"),
    ("TCP Zero Window segment", None, "a ring is full because the peer does not read its echo: flow control at work"),
    ("Connection reset (RST)", "reset", "the answer to a closed port, or to a connection that was ended by us"),
    ("ACKed segment that wasn't captured", "forged", "tshark takes forged segments, which the NIC drops, for the peer's"),
    ("D-SACK Sequence", None, "the peer sent something again that had come: its tail loss probe, when our process did not run"),
]


class Judge:
    """dumpcap at the peer's end during all tests, then tshark over what it saw."""

    def __init__(self, t):
        self.path = t.work / "peer.pcapng"
        self.log = t.work / "dumpcap.stderr"
        with open(self.log, "wb") as err:
            self.proc = subprocess.Popen(["dumpcap", "-q", "-i", PEER_IF, "-B", "256", "-w", str(self.path)], stderr=err)
        until(lambda: b"File:" in self.log.read_bytes() or self.proc.poll() is not None, 20, "dumpcap is up")

    def stop(self):
        self.proc.send_signal(signal.SIGINT)
        self.proc.wait(30)
        text = self.log.read_text()
        m = re.search(r"received/dropped on interface '[^']*': (\d+)/(\d+)", text)
        expect(m, f"dumpcap: {text[-300:]}")
        expect_equal(int(m.group(2)), 0, "frames that dumpcap lost")


def verdicts(path, source):
    """(number of frames, [(frame, TCP destination port, severity, message)]) of those that a display filter picks; a time to
    live that is not 64 counts as an error. Payload is just that: what is random looks like a faulty Thrift now and then."""
    out = tshark(path, "-d", "tcp.port==1-65535,data", "-d", "udp.port==1-65535,data",
                 "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
                 "-Y", source, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", "-e", "frame.number",
                 "-e", "tcp.dstport", "-e", "ip.ttl", "-e", "_ws.expert.severity", "-e", "_ws.expert.message")
    found, lines = [], out.splitlines()
    for line in lines:
        number, port, ttl, severities, messages = (line.split("\t") + ["", "", "", ""])[:5]
        if ttl.split("|")[0] not in ("", "64"):   # behind it, that of a packet which an ICMP message quotes
            found.append((int(number), int(port or 0), "error", f"time to live {ttl}"))
        for severity, message in zip(severities.split("|"), messages.split("|")):
            if severity and int(severity, 0) >= 0x600000:  # warning 0x600000, error 0x800000
                kind = "error" if int(severity, 0) >= 0x800000 else "warning"
                found.append((int(number), int(port or 0), kind, message))
    return len(lines), found


def test_finds_nothing(t, judge):
    judge.stop()
    nic = f"ip.src == {NIC_IP} || arp.src.proto_ipv4 == {NIC_IP} || (ip.src == {SHARED_IP} && tcp.srcport == {ECHO})"
    # A router's ICMP quotes the NIC's headers: not the NIC's frame.
    frames, found = verdicts(judge.path, f"({nic}) && eth.src != {own_mac()}")
    expect(frames > 20, f"the judge saw only {frames} frames of the NIC")
    bad, allowed = {}, {}
    for number, port, severity, message in found:
        known = next((a for a, which, _ in ALLOWED
                      if message.startswith(a) and (which is None or port in t.ports[which])), None)
        if known:
            allowed[known] = allowed.get(known, 0) + 1
        else:
            bad.setdefault(f"{severity}: {message}", []).append(number)
    expect(not bad, "; ".join(f"{k} ({len(n)} times, first in frame {n[0]})" for k, n in bad.items()) + f" of {judge.path}")
    print(f"  the judge read {frames} frames of the NIC; allowed: "
          + (", ".join(f"{n} x '{a}'" for a, n in allowed.items()) or "nothing needed to be"))


def test_judges(t):
    """The judge is awake: a frame with a wrong checksum, as if from the NIC, is found."""
    out = must(sys.executable, str(SCRIPTS / "frames.py"), "--src-ip", "10.99.0.77")
    frame = next(json.loads(x)["hex"] for x in out.splitlines() if '"tcp_checksum"' in x)
    path = t.work / "judge.pcap"
    data = bytes.fromhex(frame)
    pcap = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 0, 0, len(data), len(data))
    path.write_bytes(pcap + data)
    frames, found = verdicts(path, "ip.src == 10.99.0.77")
    expect_equal(frames, 1, "frames")
    expect(any("checksum" in f[3].lower() for f in found), f"the judge did not see a wrong checksum: {found}")
