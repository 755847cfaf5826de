#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures, in one run: the NIC with and without its checker, the reference, Linux' own stack, and an RTL that only loops frames back.

A round runs each job of each group once, so that what is compared met the same machine; every figure is the median of the rounds, with the
lowest and the highest. Writes report.md, one table and then the targets, and report.json. Groups, of which --only names some:
{groups}"""
import argparse
import contextlib
import fcntl
import importlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from benches import targets
from benches.common import ROOT, SUBJECTS, Bench, Job, make, say
from processes import stop_on_signals
from testing import Fail

GROUPS = [importlib.import_module(f"benches.{name}") for name in ("cycles", "goodput", "redis", "loop", "http", "idle", "speed", "replay", "scale", "builds")]

Values = dict[str, dict[str, list[float]]]   # figure -> subject -> of each run
WORK = "work-"                               # a folder beside the report, while we measure


# --- measuring -------------------------------------------------------------------------------------------------------

def told(what: str, e: Exception) -> str:
    say(text := f"{what}: {'' if isinstance(e, Fail) else type(e).__name__ + ': '}{e}")
    return text


def prepare(groups: Iterable[ModuleType], b: Bench) -> tuple[list[ModuleType], list[str]]:
    """The groups that can be measured, and what went wrong with the others."""
    ready, wrong = [], []
    for g in groups:
        try:
            if hasattr(g, "prepare"):
                g.prepare(b)
            ready.append(g)
        except Exception as e:   # whatever it is, the others go on
            wrong.append(told(g.NAME, e))
    return ready, wrong


def collect(groups: Iterable[ModuleType], b: Bench, runs: int) -> tuple[Values, list[str]]:
    """Round by round; a job has at most so many runs as it says. Also what went wrong: one run that fails does not take the others with it."""
    wrong = []
    values: Values = {figure: {} for g in groups for figure in g.FIGURES}
    work: list[Job] = [j for g in groups for j in g.jobs(b)]
    for i in range(runs):
        of_round: dict[str, dict[str, float]] = {}
        for job in work:
            if i >= job.runs:
                continue
            say(f"{i + 1} of {min(runs, job.runs)}: {job.what}: {job.subject}")
            try:
                figures = job.run()
            except Exception as e:
                wrong.append(told(f"{job.what}, {job.subject}, run {i + 1}", e))
                continue
            for figure, value in figures.items():
                of_round.setdefault(figure, {})[job.subject] = float(value)
        for g in groups:
            of_round |= g.derive(of_round) if hasattr(g, "derive") else {}
        for figure, of in of_round.items():
            for subject, value in of.items():
                values.setdefault(figure, {}).setdefault(subject, []).append(value)
    return values, wrong


# --- the report ------------------------------------------------------------------------------------------------------

def number(x: float) -> str:
    """Three digits, or all before the point."""
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.{1 if abs(x) >= 10 else 2 if abs(x) >= 1 else 3}f}"


def cell(runs: list[float]) -> str:
    spread = f" ({number(min(runs))}..{number(max(runs))})" if len(runs) > 1 else ""
    return number(statistics.median(runs)) + spread


def table(values: Values, units: dict[str, str]) -> list[str]:
    subjects = [s for s in SUBJECTS if any(s in of for of in values.values())]
    lines = [f"| figure | unit | {' | '.join(subjects)} |", "|---|---|" + "---|" * len(subjects)]
    return lines + [f"| {f} | {units[f]} | " + " | ".join(cell(of[s]) if s in of else "" for s in subjects) + " |" for f, of in values.items() if of]


def target_table(rows: list[dict]) -> list[str]:
    lines = ["| target | at | measured | unit | held? |", "|---|---|---|---|---|"]
    for r in rows:
        limit, value = ("" if r[k] is None else number(r[k]) for k in ("limit", "measured"))
        lines.append(f"| {r['what']} | {'at least' if r['at_least'] else 'at most'} {limit} | {value} | {r['unit']} | {r['verdict']} |")
    return lines


def machine() -> dict:
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(), "commit": git.stdout.strip(),
            "load": os.getloadavg()[0]}


def write(out: Path, values: Values, units: dict[str, str], judged: list[dict], wrong: list[str], head: dict) -> str:
    figures = {f: {"unit": units[f], "subjects": {s: {"median": statistics.median(r), "low": min(r), "high": max(r), "runs": r} for s, r in of.items()}}
               for f, of in values.items() if of}
    text = "\n".join([f"Commit {head['commit']}, {head['cores']} cores of {head['cpu']}, Linux {head['kernel']}, load {head['load']:.1f} at the start; "
                      f"medians of {head['runs']} runs (lowest..highest); {head['minutes']:.0f} minutes.", "", *table(values, units), "",
                      *target_table(judged), *([""] if wrong else []), *(f"- failed: {w}" for w in wrong)]) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(text, encoding="utf-8")
    (out / "report.json").write_text(json.dumps({"format": 2, **head, "figures": figures, "targets": judged, "failed": wrong}, indent=2) + "\n", encoding="ascii")
    return text


def status(judged: list[dict], hold: bool, all_groups: bool) -> int:
    """With --hold: what was measured must be held, and when nothing was left out all must be measured."""
    bad = {targets.MISSED, targets.UNKNOWN} if all_groups else {targets.MISSED}
    return int(hold and any(r["verdict"] in bad for r in judged))


def arguments() -> argparse.Namespace:
    names = {g.NAME: g for g in GROUPS}
    listed = "\n".join(f"  {n:9} {g.__doc__.splitlines()[0]}" for n, g in names.items())
    ap = argparse.ArgumentParser(description=__doc__.replace("{groups}", listed), formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default=str(ROOT / "build"), help="where what is measured is built")
    ap.add_argument("--out", default=str(ROOT / "build" / "bench"))
    ap.add_argument("--runs", type=int, default=5, help="rounds (default: %(default)s)")
    ap.add_argument("--only", type=lambda s: s.split(","), metavar="GROUP,...", help="these groups")
    ap.add_argument("--hold", action="store_true", help="status 1 when a target is not held")
    ap.add_argument("--quick", action="store_true", help="small sizes: to see that it works, the figures are worth nothing")
    a = ap.parse_args()
    if unknown := set(a.only or ()) - set(names):
        ap.error(f"no group called {unknown.pop()}; there are {', '.join(names)}")
    if a.runs < 1:
        ap.error("--runs: at least one")
    a.groups = [g for g in GROUPS if not a.only or g.NAME in a.only]
    return a


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Nobody else measures into this folder, and what one who was killed has left there goes."""
    folder = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise Fail(f"{out}: another one measures into it") from e
        for left in out.glob(WORK + "*"):
            shutil.rmtree(left)
        yield
    finally:
        os.close(folder)


def main() -> int:
    a = arguments()
    if any(g.LIVE for g in a.groups) and "LW_NIC_HOLDER" not in os.environ:
        os.execv(str(ROOT / "scripts" / "netns.sh"), ["netns.sh", *sys.argv])
    began, head = time.monotonic(), machine()
    out, build = Path(a.out).resolve(), Path(a.build).resolve()
    out.mkdir(parents=True, exist_ok=True)
    with alone(out), tempfile.TemporaryDirectory(prefix=WORK, dir=out) as work:
        b = Bench(build, out, Path(work), a.quick)
        if needs := sorted({n for g in a.groups for n in g.NEEDS}):
            make(needs, build)
        groups, wrong = prepare(a.groups, b)
        values, failed = collect(groups, b, a.runs)
        wrong += failed

    def measured(figure: str, subject: str) -> float | None:
        runs = values.get(figure, {}).get(subject)
        return statistics.median(runs) if runs else None
    judged = targets.judge(targets.TARGETS, measured)
    if a.only:
        judged = [r for r in judged if r["verdict"] != targets.UNKNOWN]
    units = {f: u for g in GROUPS for f, u in g.FIGURES.items()}
    print(write(out, values, units, judged, wrong, head | {"runs": a.runs, "minutes": (time.monotonic() - began) / 60}), end="")
    return 2 if wrong else status(judged, a.hold, not a.only)


if __name__ == "__main__":
    stop_on_signals()
    try:
        sys.exit(main())
    except Fail as e:
        say(str(e))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
