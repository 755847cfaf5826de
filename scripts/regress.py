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
SUMS = ("connections", "ended_early", "retried", "bytes", "frames", "retransmissions", "timeouts", "lost", "duplicated", "reordered",
        "corrupted", "forged", "virtual_us")


def telling_line(err: str) -> str:
    lines = err.splitlines() or [""]
    return next((line for line in lines if "ERROR" in line or "runtime error" in line or "ssert" in line or "out of memory" in line), lines[0])


def run_chunk(tool: list[str], options: list[str], first: int, count: int, limit_s: float) -> list[dict]:
    """The results of some seeds; one that ends the process (a crash, a hang) is a failure of its own, the others go on."""
    rows: list[dict] = []
    status = 0
    while len(rows) < count:
        seed = first + len(rows)
        command = tool + [str(seed), str(count - len(rows))] + options
        try:
            p = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
            out, err, how, status = p.stdout, p.stderr, f"status {p.returncode}", p.returncode
        except subprocess.TimeoutExpired as e:
            out = (e.stdout or b"").decode()
            err, how = (e.stderr or b"").decode(), f"no end after {limit_s:.0f} s"
        rows += [json.loads(line) for line in out.splitlines() if line.endswith("}")]
        if len(rows) < count:
            rows.append({"seed": first + len(rows), "ok": False, "why": f"{how}: {telling_line(err)}"})
    if status and all(r["ok"] for r in rows):   # as LeakSanitizer ends a process
        rows[-1] |= {"ok": False, "why": f"all {count} seeds from {first} on are well, but {how}: {telling_line(err)}"}
    return rows


def keep_recording(row: dict, folder: pathlib.Path, limit_s: float) -> None:
    """Runs a seed that failed once more, recorded; what the checker found is then shown in waves, or how to see it is said."""
    row["rerun"] += f" --record {folder}"
    try:
        p = subprocess.run(row["rerun"].split(), capture_output=True, text=True, timeout=limit_s, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    row["wave"] = next((line for line in p.stderr.splitlines() if line.startswith("gtkwave ") or "make wave" in line), "")


def run_engine(engine: str, a: argparse.Namespace) -> list[dict]:
    """All seeds with one engine at host 0's end; prints each failure as its seed and the command to rerun it, then the sums."""
    began, rows = time.monotonic(), []
    tool = (["prlimit", f"--as={a.memory * 1000000}"] if a.memory else []) + ([a.tool] if a.tool else [a.lockwire, "seeds"])
    options = (["--twice"] if a.twice else []) + ([] if a.tool else ["--engine", engine])
    tty = sys.stderr.isatty()
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        firsts = range(a.first, a.first + a.n, CHUNK)
        jobs = [pool.submit(run_chunk, tool, options, f, min(CHUNK, a.first + a.n - f), a.limit) for f in firsts]
        for job in concurrent.futures.as_completed(jobs):
            rows += job.result()
            if tty:
                bad = sum(not r["ok"] for r in rows)
                print(f"\rregress: {engine}: {len(rows)} of {a.n}, {bad} failed ", end="", file=sys.stderr, flush=True)
    if tty:
        print("\r\033[K", end="", file=sys.stderr)
    rows.sort(key=lambda r: r["seed"])
    for r in rows:
        r["engine"] = engine
        if not r["ok"]:
            r["rerun"] = f"{a.lockwire} run --wire pair --engine {engine} --seed {r['seed']}"
            keep_recording(r, pathlib.Path(a.out) / f"{engine}-{r['seed']}", a.limit)
            shown = [r["wave"]] if r.get("wave") else []
            shown += [f"make report RUN={pathlib.Path(a.out) / engine}-{r['seed']}"] if engine == "rtl" else []
            print("\n     ".join([f"FAIL seed {r['seed']}: {r['why']}", r["rerun"], *shown]))
    sums = {k: sum(r.get(k, 0) for r in rows) for k in SUMS}
    print(f"{engine}: {sums['connections']} connections, {sums['bytes'] / 1e6:.0f} MB in {sums['frames']} frames, {sums['retransmissions']} "
          f"retransmissions, {sums['lost']} lost, {sums['duplicated']} doubled, {sums['reordered']} reordered, {sums['corrupted']} "
          f"damaged, {sums['forged']} forged, {sums['virtual_us'] / 3.6e9:.1f} h of virtual time in {time.monotonic() - began:.1f} s", flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--engine", choices=["rtl", "ref", "both"], default="both", help="at host 0's end; the other is the reference")
    parser.add_argument("--lockwire", default="build/lockwire")
    parser.add_argument("--tool", help="in place of `lockwire seeds`: what runs FIRST COUNT seeds of the reference")
    parser.add_argument("--twice", action="store_true", help="run each seed twice and compare the hashes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=120, help="seconds for %d seeds" % CHUNK)
    parser.add_argument("--memory", type=int, default=2000, help="MB of address space a process may have; 0: any (sanitizers)")
    parser.add_argument("--out", default="build/regress", help="directory of the JSON")
    a = parser.parse_args()
    if a.n < 1:
        parser.error("there is at least one seed to run")
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    rows = [r for e in (["ref", "rtl"] if a.engine == "both" else [a.engine]) for r in run_engine(e, a)]
    failed = sum(not r["ok"] for r in rows)
    report = {"first": a.first, "n": a.n, "passed": len(rows) - failed, "failed": failed,
              "sums": {k: sum(r.get(k, 0) for r in rows) for k in SUMS}, "seeds": rows}
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
