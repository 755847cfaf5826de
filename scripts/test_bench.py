#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make bench itself: it tells targets that are held from those that are not, and a short run of it has every figure it should."""
import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import bench
from benches import goodput, targets
from benches.common import LOOP, SUBJECTS, UNCHECKED
from testing import Fail, expect, run_tests, tests_of

# Of figures that a quick run leaves out, for the time they take.
LEFT_OUT = re.compile(r"1024 flows|4096 flows|on Icarus|^build ")
LEAST, MOST = targets.at_least("speed", "NIC", 100, "1/s"), targets.at_most("delay", "NIC", 5, "ms")


def measured(**of: float):
    return lambda figure, subject: of.get(figure) if subject in ("NIC", UNCHECKED) else of.get(f"{figure}_{subject.replace('-', '')}")


def figures_of(t: targets.Target) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []
    for part in (t.limit, t.value):
        part(lambda figure, subject: asked.append((figure, subject)) or 1.0)
    return asked


def left_of(work: Path) -> list[str]:
    """Processes that were called with something of it, or are in it, but for those that run this test."""
    found = []
    for p in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(p.name) not in (os.getpid(), os.getppid()) and (str(work) in (p / "cmdline").read_text() or Path(os.readlink(p / "cwd")).is_relative_to(work)):
                found.append((p / "cmdline").read_text().replace("\0", " "))
    return found


def verdicts(judged: list[dict]) -> list[str]:
    return [r["verdict"] for r in judged]


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.build, self.work = Path(a.build).resolve(), Path(a.work).resolve()

    def judge(self, want: list[str], targets_: list[targets.Target], **of: float) -> None:
        got = verdicts(targets.judge(targets_, measured(**of)))
        expect(got == want, f"{of}: {got}, wanted {want}")

    def test_limits_are_held_from_the_limit_on(self):
        self.judge([targets.HELD, targets.HELD], [LEAST, MOST], speed=100, delay=5)
        self.judge([targets.MISSED, targets.MISSED], [LEAST, MOST], speed=99.9, delay=5.1)
        self.judge([targets.UNKNOWN, targets.HELD], [LEAST, MOST], delay=0)

    def test_half_of_the_loop_back_is_wanted(self):
        t = [targets.beside_loop("speed", "frames", "1/s")]
        self.judge([targets.HELD], t, speed=50, speed_loopback=100)
        self.judge([targets.MISSED], t, speed=49, speed_loopback=100)
        self.judge([targets.UNKNOWN], t, speed=49)
        expect(LOOP == "loop-back", "the name that the test uses")

    def test_costs_are_compared(self):
        t = [targets.Target("many", False, targets.constant(1.2), targets.ratio("many", "few", UNCHECKED), "times")]
        self.judge([targets.HELD], t, many=12, few=10)
        self.judge([targets.MISSED], t, many=12.1, few=10)
        self.judge([targets.UNKNOWN], t, many=12)

    def test_status_follows_with_hold_alone(self):
        rows = {v: [{"verdict": v}] for v in (targets.HELD, targets.MISSED, targets.UNKNOWN)}
        for verdict, hold, whole, want in ((targets.MISSED, False, True, 0), (targets.MISSED, True, True, 1), (targets.MISSED, True, False, 1),
                                           (targets.HELD, True, True, 0), (targets.UNKNOWN, True, True, 1), (targets.UNKNOWN, True, False, 0)):
            got = bench.status(rows[targets.HELD] + rows[verdict], hold, whole)
            expect(got == want, f"{verdict}, hold {hold}, all groups {whole}: status {got}")

    def test_every_target_is_of_figures_that_there_are(self):
        known = {f for g in bench.GROUPS for f in g.FIGURES}
        asked = [a for t in targets.TARGETS for a in figures_of(t)]
        expect(len(asked) >= len(targets.TARGETS), f"only {len(asked)} figures are asked for")
        for figure, subject in asked:
            expect(figure in known and subject in SUBJECTS, f"{figure} of {subject}")

    def test_medians_and_spreads(self):
        expect(bench.cell([3.0, 1.0, 200.0]) == "3.00 (1.00..200)", bench.cell([3.0, 1.0, 200.0]))
        expect(bench.cell([12345.6]) == "12,346", bench.cell([12345.6]))
        values = {"b": {LOOP: [2.0], "NIC": [1.0]}, "a": {}}
        expect(bench.table(values, {"a": "s", "b": "ms"}) == ["| figure | unit | NIC | loop-back |", "|---|---|---|---|", "| b | ms | 1.00 | 2.00 |"],
               bench.table(values, {"a": "s", "b": "ms"}))

    def test_a_round_runs_each_job_once_and_no_more_than_it_wants(self):
        class Group:
            FIGURES, said = {"x": "s"}, []

            @classmethod
            def jobs(cls, b):
                return [bench.Job(s, s, lambda s=s: cls.said.append(s) or {"x": len(cls.said)}, n) for s, n in (("NIC", 9), ("Linux", 1))]
        values, wrong = bench.collect([Group], None, 3)
        expect(not wrong and Group.said == ["NIC", "Linux", "NIC", "NIC"] and values == {"x": {"NIC": [1, 3, 4], "Linux": [2]}}, f"{Group.said} {values}")

    def test_what_a_run_costs_is_of_one_round(self):
        given = {"NIC, --check off": iter([100, 150, 200]), "NIC": iter([90, 0, 180])}

        def rate(s):
            if not (r := next(given[s])):
                raise Fail("broken")
            return {goodput.TO: r}

        class Group:
            FIGURES, derive = {goodput.TO: "Mbit/s"} | dict.fromkeys(goodput.COSTS, "%"), goodput.derive

            @staticmethod
            def jobs(b):
                return [bench.Job(s, s, lambda s=s: rate(s)) for s in given]
        values, wrong = bench.collect([Group], None, 3)
        expect([round(v) for v in values[next(iter(goodput.COSTS))]["NIC"]] == [10, 10] and len(wrong) == 1, f"{values} {wrong}")

    def test_a_group_that_cannot_be_prepared_is_told_and_the_others_go_on(self):
        class Bad:
            NAME = "bad"

            @staticmethod
            def prepare(b):
                raise ZeroDivisionError("nothing")

        class Good:
            NAME = "good"
        expect(bench.prepare([Bad, Good], None) == ([Good], ["bad: ZeroDivisionError: nothing"]), "not so")

    def test_two_do_not_measure_into_one_folder(self):
        with bench.alone(self.work):
            r = self.run_bench("--only", "cycles")
        expect(r.returncode == 2 and "another one measures into it" in r.stderr, f"status {r.returncode}: {r.stderr}")

    def test_what_a_killed_one_left_goes(self):
        (self.work / "work-old" / "tree").mkdir(parents=True)
        with bench.alone(self.work):
            expect(not (self.work / "work-old").exists(), "it is still there")

    def test_a_run_that_fails_is_told_and_the_others_go_on(self):
        def fails():
            raise Fail("broken")

        class Group:
            FIGURES = {"x": "s"}

            @staticmethod
            def jobs(b):
                return [bench.Job("NIC", "bad", fails), bench.Job("Linux", "good", lambda: {"x": 1})]
        values, wrong = bench.collect([Group], None, 2)
        expect(values == {"x": {"Linux": [1, 1]}} and wrong == ["bad, NIC, run 1: broken", "bad, NIC, run 2: broken"], f"{values} {wrong}")

    # --- live ---

    def run_bench(self, *args: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, bench.__file__, "--build", str(self.build), "--out", str(self.work), *args], capture_output=True, text=True, timeout=300)

    def test_a_quick_run_has_every_figure(self):
        groups = [g for g in bench.GROUPS if g.NAME != "builds"]
        r = self.run_bench("--runs", "1", "--quick", "--only", ",".join(g.NAME for g in groups))
        expect(r.returncode == 0, f"status {r.returncode}: {(r.stdout + r.stderr)[-600:]}")
        report = json.loads((self.work / "report.json").read_text())
        missing = {f for g in groups for f in g.FIGURES if not LEFT_OUT.search(f)} - set(report["figures"])
        expect(not missing, f"not measured: {sorted(missing)[:5]}")
        for g in groups:
            wanted = {j.subject for j in g.jobs(bench.Bench(self.build, self.work, self.work, True))}
            got = {s for f in g.FIGURES if f in report["figures"] for s in report["figures"][f]["subjects"]}
            expect(wanted <= got, f"{g.NAME}: nothing of {wanted - got}")
        for name, figure in report["figures"].items():
            for subject, of in figure["subjects"].items():
                expect(of["low"] <= of["median"] <= of["high"] and (of["median"] > 0 or figure["unit"].startswith("%")), f"{name}, {subject}: {of}")
        wanted = {t.what for t in targets.TARGETS if not any(LEFT_OUT.search(f) for f, _ in figures_of(t))}
        judged = {t["what"] for t in report["targets"]}
        expect(judged == wanted, f"targets that were not measured, or should not have been: {wanted ^ judged}")
        expect(report["failed"] == [], report["failed"])
        text = (self.work / "report.md").read_text()
        expect(text == r.stdout and all(f"| {name} | " in text for name in report["figures"]), "the table has not what the JSON has")
        expect(sorted(f.name for f in self.work.iterdir()) == ["report.json", "report.md"], "files are left behind")

    def test_a_group_that_is_not_there_is_refused(self):
        r = self.run_bench("--only", "goodput,nonsense")
        expect(r.returncode == 2 and "no group called nonsense" in r.stderr, f"status {r.returncode}: {r.stderr}")

    def interrupted(self, group: str, seconds: float) -> None:
        """As Ctrl-C does it: everything that the terminal has is told."""
        # Who runs this in the background has SIGINT ignored, and we with it.
        p = subprocess.Popen(["env", "--default-signal=INT", sys.executable, bench.__file__, "--build", str(self.build), "--out", str(self.work), "--only", group], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, process_group=0)
        for line in p.stderr:
            if "1 of" in line:
                break
        time.sleep(seconds)
        os.killpg(p.pid, signal.SIGINT)
        p.communicate(timeout=30)
        left = left_of(self.work)
        expect(p.returncode in (130, 143) and not left, f"{group}: status {p.returncode}, processes left: {left}")
        expect(not list(self.work.glob("work-*")), f"{group}: files are left behind")

    def test_interrupted_it_leaves_nothing(self):
        self.interrupted("goodput", 1)

    def test_interrupted_in_a_build_it_leaves_nothing(self):
        self.interrupted("builds", 2)


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--build", default=str(bench.ROOT / "build"))
    ap.add_argument("--work", default=str(bench.ROOT / "build" / "test_bench"))
    t = Tests(ap.parse_args())
    t.work.mkdir(parents=True, exist_ok=True)
    return 0 if run_tests(tests_of(t, prefix="bench_")) else 1


if __name__ == "__main__":
    sys.exit(main())
