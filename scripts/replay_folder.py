#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replays every capture of folders on the NIC under checker and wire monitor, and on the reference, a line for each. Ends with
`N passed, M failed`: it passes when it replays to its end and no rule is broken, or is refused with a reason."""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ENGINES = ("rtl", "ref")
LIMIT_S = 600
SUFFIXES = ".pcap", ".pcapng", ".cap"


def said(stats: dict) -> str:
    out = [f"{stats['frames']} frames: {stats['played']} played, {stats['near']} of the recorded host; {sum(c['opened'] for c in stats['connections'])} of {len(stats['connections'])} connections"]
    return "; ".join(out + [f"{n} not played: {why}" for why, n in stats["unused"].items()])


def one(lockwire: str, path: Path, engine: str) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory() as work:
        stats = Path(work) / "stats.json"
        try:
            p = subprocess.run([lockwire, "replay", path, "--engine", engine, "--stats", stats], capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return False, f"not over after {LIMIT_S} s"
        last = (p.stderr or p.stdout or "no word").strip().splitlines()
        if p.returncode == 2 and not stats.exists() and len(last) == 1:
            return True, f"refused: {last[0].removeprefix('lockwire: ')}"
        if p.returncode:
            return False, f"status {p.returncode}: " + "\n".join((p.stdout + p.stderr).strip().splitlines()[-12:])
        return True, said(json.loads(stats.read_text()))


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--lockwire", default="build/lockwire")
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    ap.add_argument("captures", nargs="+", type=Path, help=f"files, or folders: what ends in {', '.join(SUFFIXES)} below them")
    a = ap.parse_args()
    files = [f for c in a.captures for f in (sorted(p for p in c.rglob("*") if p.suffix in SUFFIXES) if c.is_dir() else [c])]
    if not files:
        ap.error("there are no captures")
    jobs, failed = [(f, e) for f in files for e in ENGINES], 0
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for (f, engine), (good, words) in zip(jobs, pool.map(lambda job: one(a.lockwire, *job), jobs)):
            print(f"{'ok' if good else 'FAIL'} {f}, {engine}: {words}", flush=True)
            failed += not good
    print(f"{len(jobs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
