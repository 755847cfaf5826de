#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replays captures with the reference under ASan and UBSan, each as it is and then broken in small ways: none may crash it, hang it, or make the
stack break a rule.

What is broken follows from the seed and the number alone; a capture that fails is kept, with the command that shows it."""
import argparse
import concurrent.futures
import os
import random
import subprocess
import sys
from pathlib import Path

GLOBAL_HEADER, RECORD_HEADER = 24, 16
LIMIT_S = 60
# A status of 2 is a file that cannot be read; not a replay that stands still, nor what the sanitizers say.
BAD = b"ERROR: ", b"runtime error", b"without the clock moving on"


def records(data: bytes) -> list[tuple[int, int]]:
    """Where each frame of a pcap file lies: offset and length of its bytes."""
    order = "little" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else "big"
    at, out = GLOBAL_HEADER, []
    while at + RECORD_HEADER <= len(data):
        n = int.from_bytes(data[at + 8:at + 12], order)
        if at + RECORD_HEADER + n > len(data):
            break
        out.append((at + RECORD_HEADER, n))
        at += RECORD_HEADER + n
    return out


def broken(data: bytes, rng: random.Random) -> bytes:
    """Up to eight changes: bytes of headers or anywhere, a frame left out, doubled, or moved; the file cut short."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        frames = records(bytes(out))
        if not frames:
            break
        at, n = rng.choice(frames)
        what = rng.randrange(8)
        if what < 4 and n:
            out[at + rng.randrange(min(n, 80))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif what == 4 and n:
            out[at + rng.randrange(n)] ^= 1 << rng.randrange(8)
        elif what == 5:
            del out[at - RECORD_HEADER:at + n]
        elif what == 6:
            copy = bytes(out[at - RECORD_HEADER:at + n])
            to, m = rng.choice(frames)
            out[to + m:to + m] = copy
        elif rng.randrange(4) == 0:
            del out[rng.randrange(GLOBAL_HEADER, len(out)):]
    return bytes(out)


def one(tool: str, source: Path, work: Path, seed: int, i: int | None) -> str | None:
    """What is wrong with it; i: the number of its changes, None: it stays as it is."""
    path = work / f"{source.parent.name}-{source.stem}-{seed}-{'whole' if i is None else i}.pcap"
    path.write_bytes(source.read_bytes() if i is None else broken(source.read_bytes(), random.Random(f"{seed} {i}")))
    try:
        p = subprocess.run([tool, path], capture_output=True, timeout=LIMIT_S, check=False)
        why = "" if p.returncode in (0, 2) and not any(w in p.stderr for w in BAD) else (p.stderr + p.stdout).decode(errors="replace")[-1500:]
    except subprocess.TimeoutExpired:
        why = f"not over after {LIMIT_S} s"
    if not why:
        path.unlink()
        return None
    return f"FAIL {source}, {'as it is' if i is None else f'seed {seed}, number {i}'}: {tool} {path}\n{why}"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tool", default="build/replay_san")
    ap.add_argument("--out", type=Path, default=Path("build/break_captures"), help="where what fails is kept")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--number", type=int, default=300, help="how many broken ones, all captures together")
    ap.add_argument("captures", nargs="*", type=Path, help="pcap files (default: pcaps/*/in.pcap)")
    a = ap.parse_args()
    sources = a.captures or sorted(Path("pcaps").glob("*/in.pcap"))
    if not sources:
        ap.error("there are no captures")
    a.out.mkdir(parents=True, exist_ok=True)
    failed, jobs = 0, [(s, None) for s in sources] + [(sources[i % len(sources)], i) for i in range(a.number)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for said in pool.map(lambda job: one(a.tool, job[0], a.out, a.seed, job[1]), jobs):
            if said:
                failed += 1
                print(said, flush=True)
    if not failed:
        print(f"ok {len(sources)} captures as they are, {a.number} broken ones")
    print(f"{len(jobs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
