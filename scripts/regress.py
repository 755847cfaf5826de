#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs many seeds of `lockwire run --wire pair` over all cores, and reduces each failure to its seed and the command to rerun it."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

CHUNK = 10


def run_chunk(tool: list[str], first: int, count: int, twice: bool, limit_s: float) -> list[dict]:
    """The results of some seeds; one that ends the process (a crash, a hang) is a failure of its own, the others go on."""
    rows: list[dict] = []
    while len(rows) < count:
        seed = first + len(rows)
        command = tool + [str(seed), str(count - len(rows))] + (["--twice"] if twice else [])
        try:
            p = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
            out, err, how = p.stdout, p.stderr, f"status {p.returncode}"
        except subprocess.TimeoutExpired as e:
            out = (e.stdout or b"").decode()
            err, how = (e.stderr or b"").decode(), f"no end after {limit_s:.0f} s"
        rows += [json.loads(line) for line in out.splitlines() if line.endswith("}")]
        if len(rows) < count:
            words = [line for line in err.splitlines() if "ERROR" in line or "runtime error" in line or "ssert" in line or "out of memory" in line]
            rows.append({"seed": first + len(rows), "ok": False, "why": f"{how}: {(words or err.splitlines() or [''])[0]}"})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--tool", default="build/pair_seeds")
    parser.add_argument("--twice", action="store_true", help="run each seed twice and compare the hashes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=120, help="seconds for %d seeds" % CHUNK)
    parser.add_argument("--memory", type=int, default=2000, help="MB of address space a process may have; 0: any (sanitizers)")
    parser.add_argument("--out", default="build/regress", help="directory of the JSON")
    a = parser.parse_args()
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    began, done, rows = time.monotonic(), 0, []
    tool = (["prlimit", f"--as={a.memory * 1000000}"] if a.memory else []) + [a.tool]
    tty = sys.stderr.isatty()
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        firsts = range(a.first, a.first + a.n, CHUNK)
        jobs = [pool.submit(run_chunk, tool, f, min(CHUNK, a.first + a.n - f), a.twice, a.limit) for f in firsts]
        for job in concurrent.futures.as_completed(jobs):
            rows += job.result()
            done = len(rows)
            if tty:
                bad = sum(not r["ok"] for r in rows)
                print(f"\rregress: {done} of {a.n}, {bad} failed ", end="", file=sys.stderr, flush=True)
    if tty:
        print("\r\033[K", end="", file=sys.stderr)
    rows.sort(key=lambda r: r["seed"])
    failed = [r for r in rows if not r["ok"]]
    for r in failed:
        r["rerun"] = f"build/lockwire run --wire pair --seed {r['seed']}"
        print(f"FAIL seed {r['seed']}: {r['why']}\n     {r['rerun']}")
    sums = {k: sum(r.get(k, 0) for r in rows) for k in ("connections", "ended_early", "retried", "bytes", "frames", "retransmissions",
                                                        "timeouts", "lost", "duplicated", "reordered", "corrupted", "virtual_us")}
    report = {"first": a.first, "n": a.n, "passed": len(rows) - len(failed), "failed": len(failed), "sums": sums, "seeds": rows}
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"{sums['connections']} connections, {sums['bytes'] / 1e6:.0f} MB in {sums['frames']} frames, {sums['retransmissions']} "
          f"retransmissions, {sums['lost']} lost, {sums['duplicated']} doubled, {sums['reordered']} reordered, {sums['corrupted']} "
          f"damaged, {sums['virtual_us'] / 3.6e9:.1f} h of virtual time in {time.monotonic() - began:.1f} s")
    print(f"{len(rows) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
