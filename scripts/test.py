#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of `make test` one after another, shows how each went, and ends with `N passed, M failed`."""
import argparse
import json
import os
import re
import subprocess
import sys
import time

# name, make target, how its output counts: each line `ok ...` / `FAIL ...` / `not ok ...`, its own closing line, or the
# stage as one.
STAGES = [
    ("lint", "lint", "stage"),
    ("unit", "unit", "lines"),
    ("benches on Icarus", "bench-icarus", "lines"),
    ("benches on Verilator", "bench-verilator", "lines"),
    ("build", "build", "stage"),
    ("pair in virtual time", "regress-ci", "closing"),
    ("the NIC in virtual time", "regress-nic-ci", "closing"),
    ("recordings", "test-replay", "lines"),
    ("the smallest build", "params-ci", "closing"),
    ("live", "test-live", "lines"),
    ("live, reference", "test-live-ref", "lines"),
    ("synthesis", "synth", "stage"),
]
GOOD = re.compile(r"^ok\b")
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed")
BAD = re.compile(r"^(not ok|FAIL)\b")


def count(lines: list[str], status: int, how: str) -> tuple[int, int]:
    if how == "stage":
        return (1, 0) if status == 0 else (0, 1)
    if how == "closing":
        found = [m for m in map(CLOSING.match, lines) if m]
        passed, failed = map(int, found[-1].groups()) if found else (0, 0)
        return passed, failed or int(status != 0 or passed == 0)
    passed = sum(bool(GOOD.match(line)) for line in lines)
    failed = sum(bool(BAD.match(line)) for line in lines)
    # A stage that ends badly without naming a test, or that ran none, has failed.
    if (status != 0 and not failed) or passed + failed == 0:
        failed += 1
    return passed, failed


def run_stage(name: str, target: str, how: str, log: str) -> dict:
    began = time.monotonic()
    print(f"== {name}", flush=True)
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    lines = []
    with open(log, "w", encoding="utf-8", errors="replace") as f:
        p = subprocess.Popen(["make", "--no-print-directory", target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, env=env, text=True, errors="replace")
        for line in p.stdout:
            f.write(line)
            lines.append(line.rstrip())
            if BAD.match(line) or target.startswith("test-live"):
                print("   " + line.rstrip(), flush=True)
    status = p.wait()
    passed, failed = count(lines, status, how)
    seconds = time.monotonic() - began
    print(f"   {passed} passed, {failed} failed ({seconds:.0f} s)", flush=True)
    if failed:
        print(f"   the end of {log}:", *lines[-25:], sep="\n     ", flush=True)
    return {"stage": name, "passed": passed, "failed": failed, "seconds": round(seconds, 1), "log": log}


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--build", default="build", help="where logs and report.json go (under test/)")
    ap.add_argument("stages", nargs="*", help="make targets of the stages to run (default: all)")
    args = ap.parse_args()
    out = os.path.join(args.build, "test")
    os.makedirs(out, exist_ok=True)
    results = [run_stage(n, t, h, os.path.join(out, t + ".log")) for n, t, h in STAGES if not args.stages or t in args.stages]
    passed = sum(r["passed"] for r in results)
    failed = sum(r["failed"] for r in results)
    with open(os.path.join(out, "report.json"), "w", encoding="ascii") as f:
        json.dump({"passed": passed, "failed": failed, "stages": results}, f, indent=2)
        f.write("\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
