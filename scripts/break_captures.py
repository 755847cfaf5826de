#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replays captures with the reference under ASan and UBSan, each as it is and then broken in small ways, every other one as pcapng, and every
third with the simulated NIC under the checker: none may crash it, hang it, or make the stack or the NIC break a rule.

What is broken follows from the seed and the number alone; a capture that fails is kept, with the command that shows it."""
import argparse
import concurrent.futures
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

GLOBAL_HEADER, RECORD_HEADER = 24, 16    # of pcap
BLOCK_HEADER, PACKET_HEADER, PACKET = 8, 28, 6   # of pcapng: of any block; of one with a packet, of that type
SECTION = b"\x0a\x0d\x0d\x0a"
LIMIT_S = 60
# A status of 2 is a file that cannot be read; not a replay that stands still, nor what the sanitizers say.
BAD = b"ERROR: ", b"runtime error", b"without the clock moving on"


class Record(NamedTuple):
    """A packet's place in a file: from begin to end with all that is its own, its n bytes at `at`."""

    begin: int
    at: int
    n: int
    end: int


def pcap_records(data: bytes) -> list[Record]:
    order = "little" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else "big"
    at, out = GLOBAL_HEADER, []
    while at + RECORD_HEADER <= len(data):
        n = int.from_bytes(data[at + 8:at + 12], order)
        if at + RECORD_HEADER + n > len(data):
            break
        out.append(Record(at, at + RECORD_HEADER, n, at + RECORD_HEADER + n))
        at += RECORD_HEADER + n
    return out


def pcapng_records(data: bytes) -> list[Record]:
    order = "big" if data[8:12] == b"\x1a\x2b\x3c\x4d" else "little"
    at, out = 0, []
    while at + BLOCK_HEADER <= len(data):
        kind, size = (int.from_bytes(data[at + k:at + k + 4], order) for k in (0, 4))
        if size < BLOCK_HEADER or at + size > len(data):
            break
        n = int.from_bytes(data[at + 20:at + 24], order)
        if kind == PACKET and PACKET_HEADER + n <= size:
            out.append(Record(at, at + PACKET_HEADER, n, at + size))
        at += size
    return out


def records(data: bytes) -> list[Record]:
    return pcapng_records(data) if data[:4] == SECTION else pcap_records(data)


def as_pcapng(data: bytes) -> bytes:
    """A pcap file's packets, each with a comment."""
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + size + body + size

    if data[:4] == SECTION:
        return data
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    snap, link = struct.unpack(order + "II", data[16:24])
    out = [block(int.from_bytes(SECTION, "little"), struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", link & 0xFFFF, 0, snap))]
    for r in records(data):
        seconds, parts, n, length = struct.unpack(order + "IIII", data[r.begin:r.at])
        us = seconds * 10**6 + parts
        frame = data[r.at:r.at + r.n] + bytes(-r.n % 4)
        out.append(block(PACKET, struct.pack("<IIIII", 0, us >> 32, us & 0xFFFFFFFF, n, length) + frame + struct.pack("<HH4sHH", 1, 4, b"said", 0, 0)))
    return b"".join(out)


def broken(data: bytes, rng: random.Random) -> bytes:
    """Up to eight changes: bytes of headers or anywhere, also of the file's own, a frame left out, doubled, or moved; the file cut short."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        frames = records(bytes(out))
        if not frames:
            break
        r, what = rng.choice(frames), rng.randrange(9)
        if what < 4 and r.n:
            out[r.at + rng.randrange(min(r.n, 80))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif what == 4 and r.n:
            out[r.at + rng.randrange(r.n)] ^= 1 << rng.randrange(8)
        elif what == 5:
            del out[r.begin:r.end]
        elif what == 6:
            to = rng.choice(frames).end
            out[to:to] = out[r.begin:r.end]
        elif what == 7 and rng.randrange(2):
            own = [*range(frames[0].begin), *range(r.begin, r.at), *range(r.at + r.n, r.end)]
            out[rng.choice(own)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif rng.randrange(4) == 0:
            del out[rng.randrange(frames[0].begin, len(out)):]
    return bytes(out)


class Job(NamedTuple):
    """A capture; i: the number of its changes, None: it stays as it is."""

    source: Path
    i: int | None
    pcapng: bool = False
    nic: bool = False


def one(a: argparse.Namespace, job: Job) -> str | None:
    """What is wrong with it."""
    source, i = job.source, job.i
    data = as_pcapng(source.read_bytes()) if job.pcapng else source.read_bytes()
    command = [a.nic, "replay"] if job.nic else [a.tool]
    path = a.out / f"{source.parent.name}-{source.stem}-{a.seed}-{'whole' if i is None else i}.{'pcapng' if data[:4] == SECTION else 'pcap'}"
    path.write_bytes(data if i is None else broken(data, random.Random(f"{a.seed} {i}")))
    try:
        p = subprocess.run([*command, path], capture_output=True, timeout=LIMIT_S, check=False)
        good = p.returncode in (0, 2) and not any(w in p.stderr for w in BAD)
        why = "" if good else f"status {p.returncode}\n" + (p.stderr + p.stdout).decode(errors="replace")[-1500:]
    except subprocess.TimeoutExpired:
        why = f"not over after {LIMIT_S} s"
    if not why:
        path.unlink()
        return None
    return f"FAIL {source}, {'as it is' if i is None else f'seed {a.seed}, number {i}'}: {' '.join(command)} {path}\n{why}"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tool", default="build/replay_san")
    ap.add_argument("--nic", default="build/lockwire")
    ap.add_argument("--out", type=Path, default=Path("build/break_captures"), help="where what fails is kept")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--number", type=int, default=300, help="how many broken ones, all captures together")
    ap.add_argument("captures", nargs="*", type=Path, help="pcap or pcapng files (default: pcaps/*/in.pcap)")
    a = ap.parse_args()
    sources = a.captures or sorted(Path("pcaps").glob("*/in.pcap"))
    if not sources:
        ap.error("there are no captures")
    a.out.mkdir(parents=True, exist_ok=True)
    failed, jobs = 0, [Job(s, None) for s in sources] + [Job(sources[i % len(sources)], i, i % 2 == 1, i % 3 == 2) for i in range(a.number)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for said in pool.map(lambda job: one(a, job), jobs):
            if said:
                failed += 1
                print(said, flush=True)
    if not failed:
        print(f"ok {len(sources)} captures as they are, {a.number} broken ones, {sum(j.pcapng for j in jobs)} of them pcapng, {sum(j.nic for j in jobs)} with the NIC")
    print(f"{len(jobs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
