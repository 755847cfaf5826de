#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs many seeds of `lockwire run --wire pair`, and cases of pcaps/, over all cores or over machines (--over), and reduces each failure to its
seed or name and the command to rerun it."""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

import shards
from cases import Case
from processes import WITH_US, stop_on_signals

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
        command = WITH_US + tool + [str(seed), str(count - len(rows))] + options
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
        p = subprocess.run(WITH_US + row["rerun"].split(), capture_output=True, text=True, timeout=limit_s, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    row["wave"] = next((line for line in p.stderr.splitlines() if line.startswith("gtkwave ") or "make wave" in line), "")


# --- shares: seeds of one engine, or cases --------------------------------------------------------------------------------


def cut(things: list, shares: int) -> list[list]:
    """Cut into so many pieces of at least CHUNK."""
    size = max(CHUNK, -(-len(things) // shares))
    return [things[i:i + size] for i in range(0, len(things), size)]


def all_shares(a: argparse.Namespace) -> list[dict]:
    tool = (["prlimit", f"--as={a.memory * 1000000}"] if a.memory else []) + ([a.tool] if a.tool else [a.lockwire, "seeds"])
    out = []
    for engine in ["ref", "rtl"] if a.engine == "both" else [a.engine]:
        options = (["--twice"] if a.twice else []) + ([] if a.tool else ["--engine", engine])
        out += [{"engine": engine, "tool": tool, "options": options, "first": seeds[0], "count": len(seeds), "limit": a.limit}
                for seeds in cut(list(range(a.first, a.first + a.n)), a.shares)]
    if a.pcaps:
        out += [{"cases": names, "pcaps": str(a.pcaps), "lockwire": a.lockwire, "out": a.out}
                for names in cut(sorted(f.parent.name for f in a.pcaps.glob("*/in.pcap")), a.shares)]
    return out


def run_cases(share: dict) -> list[dict]:
    out, rows = pathlib.Path(share["out"]) / "cases", []
    out.mkdir(parents=True, exist_ok=True)
    for name in share["cases"]:
        case = Case(pathlib.Path(share["pcaps"]) / name)
        case.run(share["lockwire"], out)
        case.judge()
        rows.append({"case": name, "ok": not case.wrong, "why": "\n     ".join(case.wrong[:40]), "seconds": round(case.seconds, 3)})
    return rows


def work(file: pathlib.Path) -> int:
    """What a worker does: one share."""
    share = json.loads(file.read_text(encoding="utf-8"))
    if "cases" in share:
        rows = run_cases(share)
    else:
        rows = []
        for first in range(share["first"], share["first"] + share["count"], CHUNK):
            rows += run_chunk(share["tool"], share["options"], first, min(CHUNK, share["first"] + share["count"] - first), share["limit"])
        rows = [r | {"engine": share["engine"]} for r in rows]
    shards.finish(file, rows)
    return 0


def whole(share: dict, rows: list[dict]) -> bool:
    """Whether the rows are those of this share, and all of them."""
    if "cases" in share:
        return [r.get("case") for r in rows] == share["cases"]
    return [r.get("seed") for r in rows] == list(range(share["first"], share["first"] + share["count"]))


def lost(share: dict) -> list[dict]:
    why = f"its share was lost {shards.TRIES} times"
    if "cases" in share:
        return [{"case": name, "ok": False, "share_lost": True, "why": why} for name in share["cases"]]
    return [{"engine": share["engine"], "seed": share["first"] + i, "ok": False, "share_lost": True, "why": why} for i in range(share["count"])]


# --- what came of it ------------------------------------------------------------------------------------------------------


def tell_failure(r: dict, a: argparse.Namespace) -> None:
    if "case" in r:
        r["rerun"] = f"make replay CASE={r['case']}"
        print(f"FAIL {r['case']}: {r['why']}\n     {r['rerun']}")
        return
    r["rerun"] = f"{a.lockwire} run --wire pair --engine {r['engine']} --seed {r['seed']}"
    folder = pathlib.Path(a.out) / f"{r['engine']}-{r['seed']}"
    if not r.get("share_lost"):
        keep_recording(r, folder, a.limit)
    shown = [r["wave"]] if r.get("wave") else []
    shown += [f"make report RUN={folder}"] if r["engine"] == "rtl" and not r.get("share_lost") else []
    print("\n     ".join([f"FAIL seed {r['seed']}: {r['why']}", r["rerun"], *shown]))


def tell(rows: list[dict], a: argparse.Namespace) -> int:
    """Each failure, a line of sums for each engine; the number of failures."""
    for r in rows:
        if not r["ok"]:
            tell_failure(r, a)
    for engine in ("ref", "rtl"):
        of = [r for r in rows if r.get("engine") == engine]
        sums = {k: sum(r.get(k, 0) for r in of) for k in SUMS}
        if of:
            print(f"{engine}: {sums['connections']} connections, {sums['bytes'] / 1e6:.0f} MB in {sums['frames']} frames, {sums['retransmissions']} "
                  f"retransmissions, {sums['lost']} lost, {sums['duplicated']} doubled, {sums['reordered']} reordered, {sums['corrupted']} "
                  f"damaged, {sums['forged']} forged, {sums['virtual_us'] / 3.6e9:.1f} h of virtual time")
    if cases := [r for r in rows if "case" in r]:
        print(f"cases: {len(cases)} of {a.pcaps}/, {sum(r.get('seconds', 0) for r in cases):.1f} s")
    return sum(not r["ok"] for r in rows)


@contextlib.contextmanager
def alone_in(out: pathlib.Path) -> Iterator[pathlib.Path]:
    """Two runs do not share a directory."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise shards.NotRun(f"another run works in {out}") from None
        yield out


def regress(a: argparse.Namespace, out: pathlib.Path) -> int:
    began = time.monotonic()
    shares, tty = all_shares(a), sys.stderr.isatty()

    def told(done: int) -> None:
        if tty:
            print(f"\r\033[Kregress: {done} of {len(shares)} shares ", end="", file=sys.stderr, flush=True)

    worker = [sys.executable, str(pathlib.Path(__file__).resolve()), "--share"]
    try:
        results = shards.run(shares, worker, out / "shares", a.over, a.jobs, whole, told)
    finally:
        if tty:
            print("\r\033[K", end="", file=sys.stderr)
    rows = [r for share, result in zip(shares, results) for r in (lost(share) if result is None else result)]
    failed = tell(rows, a)
    report = {"first": a.first, "n": a.n, "passed": len(rows) - failed, "failed": failed, "over": a.over, "seconds": round(time.monotonic() - began, 1),
              "sums": {k: sum(r.get(k, 0) for r in rows) for k in SUMS}, "seeds": [r for r in rows if "seed" in r],
              "cases": [r for r in rows if "case" in r]}
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, nargs="?", help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--engine", choices=["rtl", "ref", "both"], default="both", help="at host 0's end; the other is the reference")
    parser.add_argument("--lockwire", default="build/lockwire")
    parser.add_argument("--tool", help="in place of `lockwire seeds`: what runs FIRST COUNT seeds of the reference")
    parser.add_argument("--twice", action="store_true", help="run each seed twice and compare the hashes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=120, help="seconds for %d seeds" % CHUNK)
    parser.add_argument("--memory", type=int, default=2000, help="MB of address space a process may have; 0: any (sanitizers)")
    parser.add_argument("--out", default="build/regress", help="directory of the JSON")
    parser.add_argument("--pcaps", type=pathlib.Path, help="run its cases, too")
    parser.add_argument("--over", choices=shards.WAYS, default="local", help="processes of this machine; GNU parallel, over the machines "
                        "that $MACHINES names (ssh) or this one; an array of Slurm")
    parser.add_argument("--shares", type=int, default=200, help="of one kind, at most (200)")
    parser.add_argument("--share", type=pathlib.Path, help=argparse.SUPPRESS)   # what a worker is called with
    a = parser.parse_args()
    if a.share:
        return work(a.share)
    for least, what in ((a.n or 0, "seed"), (a.shares, "share"), (a.jobs, "job")):
        if least < 1:
            raise shards.NotRun(f"there is at least one {what}")
    if why := shards.missing(a.over):
        raise shards.NotRun(why)
    with alone_in(pathlib.Path(a.out)) as out:
        return regress(a, out)


if __name__ == "__main__":
    stop_on_signals()
    try:
        sys.exit(main())
    except shards.NotRun as e:
        print(f"regress: {e}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
