#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the libFuzzer targets dpi/*/*_fuzz.c from seeds that it makes, all cores at work, a line for each target.

What a run finds stays in OUT/corpus for the next; an input that breaks a target is kept in OUT/found, with the command that shows it. --runs goes
on where a run of the same target was interrupted (OUT/done)."""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

OURS, PEER = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
OUR_IP, PEER_IP = bytes([10, 9, 0, 1]), bytes([10, 9, 0, 2])
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SYN_OPTIONS = bytes.fromhex("020405b40402080a000000010000000001030307")
RIGHT, RELATIVE = 3, 4  # flags of stack_fuzz.c: checksums put right; numbers that count from the stack's own
UNREACHABLE, ECHO_REQUEST = 3, 8


# --- packets; checksums are the targets' affair -----------------------------------------------------------------------------


def ether(payload: bytes, kind: int = 0x0800, to: bytes = OURS) -> bytes:
    return to + PEER + struct.pack(">H", kind) + payload


def arp(op: int, target: bytes = OUR_IP) -> bytes:
    return struct.pack(">HHBBH", 1, 0x0800, 6, 4, op) + PEER + PEER_IP + bytes(6) + target


def ipv4(proto: int, payload: bytes, options: bytes = b"", frag: int = 0x4000, source: bytes = PEER_IP, dest: bytes = OUR_IP) -> bytes:
    size = 20 + len(options) + len(payload)
    return struct.pack(">BBHHHBBH", 0x40 | (5 + len(options) // 4), 0, size, 7, frag, 64, proto, 0) + source + dest + options + payload


def tcp(flags: int, seq: int = 0, ack: int = 0, payload: bytes = b"", options: bytes = b"", ports: tuple[int, int] = (40000, 7), window: int = 1000) -> bytes:
    head = struct.pack(">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, (5 + len(options) // 4) << 4, flags, window, 0, 0)
    return head + options + payload


def udp(payload: bytes, ports: tuple[int, int] = (5000, 9)) -> bytes:
    return struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload


def icmp(kind: int, code: int, payload: bytes) -> bytes:
    return struct.pack(">BBHHH", kind, code, 0, 77, 1) + payload


def stamps(value: int) -> bytes:
    return b"\x01\x01" + struct.pack(">BBII", 8, 10, value, 1)


def sack(*blocks: tuple[int, int]) -> bytes:
    return b"\x01\x01" + struct.pack(">BB", 5, 2 + 8 * len(blocks)) + b"".join(struct.pack(">II", *b) for b in blocks)


# --- seeds --------------------------------------------------------------------------------------------------------------------


def net_seeds() -> list[bytes]:
    data = bytes(range(32))
    packets = [(0, ether(data)), (1, arp(1)), (1, arp(2)), (2, ipv4(6, data)), (2, ipv4(17, data, b"\x01\x01\x01\x00")), (2, ipv4(1, data, frag=0x2003)),
               (3, icmp(ECHO_REQUEST, 0, data)), (3, icmp(UNREACHABLE, 4, ipv4(6, data))), (4, udp(data))]
    return [bytes([right | kind]) + p for kind, p in packets for right in (0, 0x80)]


def segments() -> list[bytes]:
    return [tcp(SYN, 1, options=SYN_OPTIONS), tcp(ACK, 2, 3, b"data"), tcp(ACK | PSH, 2, 3, b"data", stamps(9)), tcp(FIN | ACK, 2, 3, options=sack((9, 12), (20, 29))),
            tcp(RST), tcp(ACK, 2, 3, options=stamps(5) + sack((9, 12), (20, 29), (40, 41))), tcp(SYN | ACK, 1, 2, options=bytes.fromhex("0303ff02040218010000"[:16]))]


def segment_seeds() -> list[bytes]:
    return [bytes([kind]) + s for kind in (1, 2) for s in segments()] + [b"\0" + s[20:60] for s in segments()]


def resp_seeds() -> list[bytes]:
    def request(*words: bytes) -> bytes:
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    streams = [request(b"PING"), request(b"SET", b"k", b"v") + request(b"GET", b"k") + request(b"DEL", b"k"), request(b"MSET", b"a", b"1", b"b", b"2") + request(b"MGET", b"a", b"b", b"c"),
               request(b"INCRBY", b"n", b"-9223372036854775808"), request(b"APPEND", b"k", b"x" * 600) * 3 + request(b"STRLEN", b"k"), b"set k \"a\\x41b\"\r\nget 'k'\r\n", b"*-1\r\n*0\r\n\r\n*1\r\n$-1\r\n",
               b"*2\r\n$3\r\nGET\r\n$999999999999\r\n", request(b"KEYS", b"*") + request(b"CONFIG", b"GET", b"*") + request(b"COMMAND"), request(b"EXISTS", b"a", b"a") + b"*1\r\n+x\r\n"]
    return [bytes([budget, piece]) + s for s in streams for budget, piece in ((0, 0), (4, 7), (7, 255))]


def reass_seeds() -> list[bytes]:
    def piece(first: int, end: int, more: bool, number: int = 1, other: bool = False, options: bool = False, ecn: int = 0, time: int = 0) -> bytes:
        return struct.pack(">BBHH", more | other << 1 | options << 2 | ecn << 3 | time << 6, number, first // 8, end - first)

    parts = [piece(0, 1480, True), piece(1480, 2960, True), piece(2960, 3333, False)]
    longest = [piece(at, min(at + 1480, 65515), at + 1480 < 65515) for at in range(0, 65515, 1480)]
    runs = [parts, parts[::-1], parts[:2] * 2 + parts[2:], [*parts[:2], piece(800, 1600, True), parts[2]], [parts[0], piece(0, 1480, True, other=True)], [parts[2], piece(2960, 3336, True)],
            [piece(0, 8, True, n) for n in range(6)] + [piece(8, 9, False, n, n == 3, time=1) for n in range(6)], [parts[0], piece(8, 16, True, 2, time=3)],
            longest, [piece(0, 1480, True, options=True), *longest[1:]], [piece(0, 0, True), piece(0, 7, True), piece(8, 16, False, time=2)]]
    for marks in ((2, 3, 2), (2, 1, 1), (0, 2, 3)):   # capable and marked; capable; one that may not be marked, beside one that is
        runs.append([piece(8 * i, 8 * i + 8, i < 2, ecn=ecn) for i, ecn in enumerate(marks)])
    return [bytes([room]) + b"".join(r) for r in runs for room in (0, 3)]


def http_seeds() -> list[bytes]:
    def request(target: bytes, *fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
        return b"\r\n".join([method + b" " + target + b" HTTP/" + version, b"Host: a", *fields, b"", b""])

    date, tag = b"Tue, 05 Nov 1985 00:53:20 GMT", b'"64-6f05b59d3b20000"'
    streams = [request(b"/a.txt"), request(b"/b%20c.html", b"Range: bytes=1-5,-7,2900-") * 2, request(b"/a.txt", b"Range: bytes=10-19", b"If-Range: " + tag), request(b"/d", method=b"HEAD"), request(b"/d/") + request(b"/e/?x"),
               request(b"/../out/etc/passwd"), request(b"/out/"), request(b"/%2e%2e/%2f"), request(b"http://h:8/empty", b"Connection: close"), request(b"/empty", b"Range: bytes=0-"), request(b"/a.txt", b"If-None-Match: *"),
               request(b"/a.txt", b"If-Modified-Since: " + date), request(b"/a.txt", b"Content-Length: 3") + b"abc", request(b"/", version=b"1.0") + b"\r\n" + request(b"/", b"Connection: keep-alive", version=b"1.0"),
               request(b"/", method=b"PUT"), request(b"/", version=b"2.0"), request(b"/" + b"x" * 300, *[b"a: \t b \t"] * 70), b"HTTP/1.1 206 Partial Content\ncontent-length:5\n\nhello"]
    texts = [b"bytes=0-0,5-,-3", b"bytes= ,1-2 , 9999999999999999999-", b"%41%2f%zz", b"close , keep-alive,", date, b"Tuesday, 05-Nov-85 00:53:20 GMT", b"Tue Nov  5 00:53:20 1985", b"Tue Nov  5 00:53:20 0", b"9223372036854775807", b"000", b"<a href=\"&\">"]
    return [bytes([0, piece]) + s for s in streams for piece in (0, 30)] + [bytes([9, size]) + t for t in texts for size in (0, 9)]


def record(flags: int, pause: int, frame: bytes) -> bytes:
    return struct.pack(">BBH", flags, pause, len(frame)) + frame


def stack_seeds() -> list[bytes]:
    def segment(flags: int, *args, pause: int = 1, relative: bool = True, **more) -> bytes:
        return record(RIGHT | (RELATIVE if relative else 0), pause, ether(ipv4(6, tcp(flags, *args, **more))))

    opened = segment(SYN, 1000, relative=False, options=SYN_OPTIONS) + segment(ACK, options=stamps(2))
    plain = segment(SYN, 1000, relative=False) + segment(ACK)
    talk = segment(ACK | PSH, 0, 0, b"hello") + segment(ACK, 5, 5) + segment(FIN | ACK, 5, 5) + segment(ACK, 6, 6)
    holes = segment(ACK, 10, 0, b"later") + segment(ACK, 0, 0, bytes(10)) + segment(ACK, 15, -5, options=sack((3, 5)), pause=200)
    client = segment(SYN | ACK, 500, 0, relative=False, ports=(80, 1000)) + segment(SYN | ACK, 500, ports=(80, 1000)) + segment(ACK, 0, 0, b"answer", ports=(80, 1000))
    echo = record(RIGHT, 1, ether(ipv4(1, icmp(ECHO_REQUEST, 0, bytes(20))))) + record(RIGHT, 1, ether(ipv4(17, udp(b"datagram"))))
    quoted = ipv4(17, udp(b"x", (9, 5000)), source=OUR_IP, dest=PEER_IP)
    errors = [record(RIGHT, 1, ether(ipv4(1, icmp(UNREACHABLE, code, quoted)))) for code in (3, 4)]
    pieces = [record(RIGHT, 1, ether(ipv4(17, udp(bytes(64))[at:at + 24], frag=(0x2000 if at < 48 else 0) | at // 8))) for at in (0, 24, 48)]
    asks = record(0, 1, ether(arp(1), 0x0806, b"\xff" * 6)) + record(0, 1, ether(arp(2), 0x0806))
    options = record(RIGHT | RELATIVE, 1, ether(ipv4(6, tcp(ACK, payload=b"odd way"), b"\x01\x01\x01\x00")))
    runs = [opened + talk, plain + talk, plain + holes, opened + holes + talk, client, echo, b"".join(errors), b"".join(pieces), asks + client, plain + options, opened + segment(RST), opened + segment(SYN),
            plain + segment(ACK, 0, 0, window=0) + segment(ACK, 0, 0, b"q" * 400, window=0, pause=200) + segment(ACK, 400, 1, window=500), plain + b"".join(segment(ACK, 100 * i, 0, bytes(100)) for i in range(8))]
    return [bytes([choice]) + r for r in runs for choice in (0, 3)]


# target: its seeds, the longest input
TARGETS = {"net/net": (net_seeds, 1600), "net/reass": (reass_seeds, 300), "tcp/segment": (segment_seeds, 1600), "check/monitor_segment": (segments, 1600),
           "app/kv_resp": (resp_seeds, 2048), "app/http": (http_seeds, 2048), "check/stack": (stack_seeds, 8192)}


PIECE = 500_000  # executions, after which --runs may go on later

# --- running ------------------------------------------------------------------------------------------------------------------


def last(pattern: str, text: str, otherwise: str) -> str:
    found = re.findall(pattern, text)
    return found[-1] if found else otherwise


def fuzz(target: pathlib.Path, name: str, a: argparse.Namespace) -> bool:
    """Runs one target; says how it went."""
    short = name.replace("/", "_")
    corpus, seeds, found, done = a.out / "corpus" / short, a.out / "seeds" / short, a.out / "found", a.out / "done" / f"{short}.json"
    for folder in (corpus, seeds, found, done.parent):
        folder.mkdir(parents=True, exist_ok=True)
    make_seeds, longest = TARGETS[name]
    for i, data in enumerate(make_seeds()):
        (seeds / f"{i:03}").write_bytes(data)
    identity = hashlib.sha256(target.read_bytes()).hexdigest()
    before = json.loads(done.read_text()) if a.runs and done.exists() else {}
    runs = before["runs"] if before.get("target") == identity else 0
    log, edges, ok = a.out / f"{short}.log", before.get("edges", "?"), True
    while ok and runs < max(a.runs, 1):
        wanted = min(a.runs - runs, PIECE) if a.runs else -1
        command = [target, f"-runs={wanted}", f"-max_total_time={a.seconds}", f"-max_len={longest}", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={found}/{short}-", corpus, seeds]
        with open(log, "wb") as out:
            status = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
        text = log.read_text(encoding="utf-8", errors="replace")
        went = int(last(r"stat::number_of_executed_units: (\d+)", text, "0"))
        edges = last(r"cov: (\d+)", text, "?")
        ok = status == 0 and went >= max(wanted, 1)
        runs += went
        if ok and a.runs:
            done.write_text(json.dumps({"target": identity, "runs": runs, "edges": edges}) + "\n", encoding="ascii")
    print(f"{'ok' if ok else 'FAIL'} fuzz {name}: {runs} executions, {edges} edges", flush=True)
    if not ok:
        kept = last(r"Test unit written to (\S+)", text, "")
        print("\n".join("     " + line for line in text.splitlines()[-40:] if not line.startswith("#")))
        print(f"     {target} {kept}   (all it said: {log})", flush=True)
    return ok


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=0, help="for each target")
    p.add_argument("--runs", type=int, default=0, help="executions of each target, in place of a time")
    p.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/fuzz"), help="where the targets are: ROOM/NAME_fuzz")
    p.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/fuzz"), help="for corpora, logs, what was found")
    p.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)} (default: all)")
    a = p.parse_args()
    if bool(a.seconds) == bool(a.runs):
        p.error("either --seconds or --runs")
    built = sorted(f"{t.parent.name}/{t.name.removesuffix('_fuzz')}" for t in a.build.glob("*/*_fuzz"))
    if set(a.targets or TARGETS) - set(built) or set(built) - set(TARGETS):
        p.error(f"targets {a.targets or list(TARGETS)}, built are {built}, seeds there are for {list(TARGETS)}")
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        results = list(pool.map(lambda name: fuzz(a.build / f"{name}_fuzz", name, a), a.targets or TARGETS))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
