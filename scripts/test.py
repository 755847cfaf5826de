#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of `make test` one after another, and some beside them, shows how each went, and ends with `N passed, M failed`."""
import argparse
import concurrent.futures
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
    ("hazards", "hazards", "closing"),
    ("regressions in shares", "test-shards", "lines"),
    ("recordings", "test-replay", "lines"),
    ("captures", "test-captures", "lines"),
    ("cases of pcaps", "replay", "closing"),
    ("their runner", "test-cases", "lines"),
    ("build, waves", "build-wave", "stage"),
    ("waves", "test-wave", "lines"),
    ("co-simulation on Icarus", "test-icarus", "lines"),
    ("reports", "test-report", "lines"),
    ("packetdrill's interface", "test-packetdrill", "lines"),
    ("the smallest build", "params-ci", "closing"),
    ("live", "test-live", "lines"),
    ("live, reference", "test-live-ref", "lines"),
    ("make bench", "test-bench", "lines"),
    ("synthesis", "synth", "stage"),
    ("parsers fuzzed", "fuzz-parsers", "lines"),
    ("the NIC fuzzed", "fuzz-nic-ci", "closing"),
]
# Stages of one core's work that need nothing of the others run beside them, each with the time that they leave: its niceness. The second
# takes the same time however little it gets.
BESIDE = {"synth": 10, "fuzz-parsers": 14, "fuzz-nic-ci": 10}
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


def run_stage(name: str, target: str, how: str, log: str, say=print, nice: int = 0) -> dict:
    began = time.monotonic()
    say(f"== {name}")
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **({"JOBS": "1"} if nice else {}))
    lines = []
    with open(log, "w", encoding="utf-8", errors="replace") as f:
        p = subprocess.Popen(["nice", f"-n{nice}", "make", "--no-print-directory", target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, env=env, text=True, errors="replace")
        for line in p.stdout:
            f.write(line)
            lines.append(line.rstrip())
            if BAD.match(line) or target.startswith("test-live"):
                say("   " + line.rstrip())
    status = p.wait()
    passed, failed = count(lines, status, how)
    seconds = time.monotonic() - began
    say(f"   {passed} passed, {failed} failed ({seconds:.0f} s)")
    if failed:
        say("\n     ".join([f"   the end of {log}:", *lines[-25:]]))
    return {"stage": name, "passed": passed, "failed": failed, "seconds": round(seconds, 1), "log": log}


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--build", default="build", help="where logs and report.json go (under test/)")
    ap.add_argument("stages", nargs="*", help="make targets of the stages to run (default: all)")
    args = ap.parse_args()
    if unknown := set(args.stages) - {t for _, t, _ in STAGES}:
        ap.error(f"no stage called {unknown.pop()}")
    sys.stdout.reconfigure(line_buffering=True)
    out = os.path.join(args.build, "test")
    os.makedirs(out, exist_ok=True)
    stages = [(n, t, h, os.path.join(out, t + ".log")) for n, t, h in STAGES if not args.stages or t in args.stages]
    said: dict[str, list[str]] = {t: [] for _, t, _, _ in stages if t in BESIDE}
    with concurrent.futures.ThreadPoolExecutor(len(BESIDE)) as beside:
        started = [beside.submit(run_stage, *s, said[s[1]].append, BESIDE[s[1]]) for s in stages if s[1] in BESIDE]
        results = [run_stage(*s) for s in stages if s[1] not in BESIDE]
        results += [f.result() for f in started]
    for lines in said.values():
        print(*lines, sep="\n")
    passed = sum(r["passed"] for r in results)
    failed = sum(r["failed"] for r in results)
    with open(os.path.join(out, "report.json"), "w", encoding="ascii") as f:
        json.dump({"passed": passed, "failed": failed, "stages": results}, f, indent=2)
        f.write("\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
