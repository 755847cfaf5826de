#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what is too long for CI, one item after another, and keeps a ledger of what passed at which commit.

An item that passed at this commit with a clean tree is not run again; --again runs all."""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

LIVE_REF = ["scripts/netns.sh", "scripts/test_live.py", "--engine", "ref", "--work", "build/accept/live"]
LIVE = ["scripts/netns.sh", "scripts/test_live.py", "--engine", "rtl", "--work", "build/accept/live"]
# name, command: each ends with status 0 when all is well.
ITEMS = [
    ("regress-5000", ["make", "regress", "N=5000"]),
    # a regression as a Slurm array, on a controller and a node of its own: as over processes, also when a task is lost
    ("shards-slurm", ["scripts/slurm.sh", "build/accept/slurm", "scripts/test_shards.py", "--slurm", "--work", "build/accept/test_shards"]),
    ("regress-slurm", ["scripts/slurm.sh", "build/accept/slurm", "make", "regress", "N=500", "ENGINE=slurm"]),
    # 100 MiB each way, clean and at 0.1 % loss; MTU 576 and 9000; 4 MiB each way at 1 and 5 % loss with reordering, duplicates
    ("transfers-reference", [*LIVE_REF, "bulk", "lossy"]),
    # the same with the NIC; SACK and time stamps on and off; each loss of a long transfer matched to what repaired it
    ("transfers-nic", [*LIVE, "bulk", "lossy", "agreed", "repair"]),
    # real clients with lockwire under valgrind
    ("memcheck-reference", [*LIVE_REF, "memcheck"]),
    # redis-benchmark and bulk for a minute with faults: the recording replays in less time, also after SIGKILL
    ("minute", [*LIVE, "minute"]),
    # every two events at every distance, each pair in all eight ways to open a flow
    ("hazards-all", ["make", "hazards", "ALL=1"]),
    # ten million inputs for each parser, on from where it was interrupted; the whole stack takes a thousand times as long for one
    ("fuzz", ["make", "fuzz-parsers", "RUNS=10000000", "ONLY=net/net net/reass tcp/segment check/monitor_segment app/kv_resp app/http"]),
    ("fuzz-stack", ["make", "fuzz-parsers", "RUNS=1000000", "ONLY=check/stack"]),
    # an hour of the NIC, on from where it was interrupted; and of twelve broken ones each shows within a minute
    ("fuzz-nic", ["make", "fuzz", "TIME=3600", "RESUME=1"]),
    ("fuzz-nic-mutants", ["scripts/fuzz_nic.py", "--mutants", "all", "--seconds", "60"]),
    # everything at once for half an hour, over a wire that does harm: clean, memory flat
    ("soak", [*LIVE, "soak"]),
    # eight builds with other numbers of flows, widths, rings, congestion control
    ("params", ["make", "params"]),
    # four-state: every recording of the live echo and kv groups, and twenty seeds of the pair, replayed on Icarus without an X
    ("icarus-live", ["make", "test-icarus-live"]),
    ("icarus-seeds", ["make", "test-icarus", "SEEDS=20"]),
    # neither checker nor monitor raises a false alarm where the machine has other work
    ("live-loaded", ["scripts/loaded.sh", *LIVE]),
    # what holds for every input
    ("formal", ["make", "formal"]),
    # the NIC with 184 faults, the core with 7, one at a time, under checker and wire monitor
    ("mutate", ["make", "mutate"]),
    ("mutate-core", ["scripts/mutate_core.py"]),
    # every line of the RTL is gone through, or has its reason why not
    ("coverage", ["make", "coverage"]),
    # size at 16 and 1024 flows, the longest path of each pipeline stage
    ("synth-large", ["make", "synth", "FLOWS=16 1024"]),
    ("synth-timing", ["make", "synth-timing"]),
]


def git(*args: str) -> str:
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default="build/accept", help="where ledger.json and the logs go")
    ap.add_argument("--again", action="store_true")
    ap.add_argument("items", nargs="*", help=f"of {', '.join(n for n, _ in ITEMS)} (default: all)")
    a = ap.parse_args()
    unknown = set(a.items) - {n for n, _ in ITEMS}
    if unknown:
        ap.error(f"no item called {unknown.pop()}")
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    book = out / "ledger.json"
    ledger = json.loads(book.read_text()) if book.exists() else {}
    commit = git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    failed = passed = 0
    for name, cmd in ITEMS:
        if a.items and name not in a.items:
            continue
        done = ledger.get(name, {})
        if not a.again and done.get("passed") and done.get("commit") == commit and not commit.endswith("+changes"):
            print(f"ok {name} (at this commit already, {done['seconds']} s)")
            passed += 1
            continue
        print(f"   {name}: {' '.join(cmd)}", flush=True)
        began = time.monotonic()
        with open(out / f"{name}.log", "w", encoding="utf-8") as log:
            status = subprocess.run(cmd, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
        seconds = round(time.monotonic() - began)
        ledger[name] = {"commit": commit, "passed": status == 0, "seconds": seconds}
        book.write_text(json.dumps(ledger, indent=2) + "\n", encoding="ascii")
        print(f"{'FAIL' if status else 'ok'} {name} ({seconds} s; {out}/{name}.log)", flush=True)
        failed += status != 0
        passed += status == 0
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
