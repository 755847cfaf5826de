#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The runner of pcaps/: it adds cases, tells what is wrong with one, and its self-test sees a comparison that looks away."""
import argparse
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cases
from testing import expect, run_tests, tests_of

SCRIPTS = Path(__file__).resolve().parent


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.lockwire, self.work = a.lockwire, Path(a.work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.pcaps = self.work / "pcaps"
        self.pcaps.mkdir(parents=True)
        shutil.copy(SCRIPTS.parent / "pcaps/README.md", self.pcaps)
        shutil.copytree(SCRIPTS.parent / "pcaps/syn-echo", self.pcaps / "syn-echo")

    def run(self, status: int, words: str, *args) -> str:
        cmd = [sys.executable, SCRIPTS / "cases.py", "--lockwire", self.lockwire, "--pcaps", self.pcaps, "--out", self.work / "out", "--root", SCRIPTS.parent]
        r = subprocess.run([*map(str, cmd), *map(str, args)], capture_output=True, text=True, timeout=120)
        said = r.stdout + r.stderr
        expect(r.returncode == status and words in said, f"status {r.returncode}, wanted {status} and '{words}': {said[-400:]}")
        return said

    def test_adds_a_case_from_a_recorded_run(self):
        r = subprocess.run([self.lockwire, "run", "--wire", "pair", "--seed", "7", "--record", self.work / "run"], capture_output=True, text=True, timeout=120)
        expect(r.returncode == 0, r.stderr)
        said = self.run(0, "2 passed, 0 failed", "--add", self.work / "run", "--name", "pair-seven", "--why", "Seed 7.")
        expect("== frames" in said, f"the expectation was not shown: {said[-300:]}")
        expect((self.pcaps / "pair-seven/why.md").read_text() == "Seed 7.\n", "why.md")
        self.run(0, "2 passed, 0 failed", "pair-seven")

    def test_adds_a_case_from_a_capture_with_options(self):
        self.run(0, "2 passed", "--add", SCRIPTS.parent / "pcaps/syn-active/in.pcap", "--name", "syn-other", "--why", "Ours.", "--args=--as 10.99.0.2")
        expect((self.pcaps / "syn-other/args").read_text() == "--as 10.99.0.2\n", "args")
        expect("`syn-other` | Ours" in (self.pcaps / "README.md").read_text(), "not in the table")

    def test_refuses_what_is_no_case(self):
        for words, *args in (("--name", "--add", "x", "--name", "Bad"), ("--why", "--add", "x", "--name", "a-b"),
                             ("no such file", "--add", self.work / "none", "--name", "a-b", "--why", "x"),
                             ("there already", "--add", "x", "--name", "syn-echo", "--why", "x"), ("no case called", "nothing-like-it")):
            self.run(2, words, *args)

    def test_adds_nothing_that_does_not_replay(self):
        self.run(1, "is not added", "--add", SCRIPTS / "cases.py", "--name", "no-capture", "--why", "x")
        expect(not (self.pcaps / "no-capture").exists() and "no-capture" not in (self.pcaps / "README.md").read_text(), "it is there")

    def test_tells_a_difference_and_golden_mends_it(self):
        f = self.pcaps / "syn-echo/expect.txt"
        good = f.read_text()
        f.write_text(good.replace("win 32762", "win 32763"))
        said = self.run(1, "FAIL syn-echo", "syn-echo")
        expect("-0.004000" in said and "+0.004000" in said, f"no difference was shown: {said}")
        expect('<failure message=' in (self.work / "out/junit.xml").read_text(), "not in junit.xml")
        self.run(0, "win 32762", "--update", "syn-echo")
        expect(f.read_text() == good, "not mended")

    def test_tells_what_is_missing(self):
        for name, words in ("expect.txt", "no expect.txt"), ("why.md", "no why.md"):
            f = self.pcaps / "syn-echo" / name
            text = f.read_text()
            f.unlink()
            self.run(1, words, "syn-echo")
            f.write_text(text)

    def test_tells_counters_that_nothing_reaches(self):
        self.run(1, "drops.runt is reached by no case")

    def test_self_test_sees_a_comparison_that_looks_away(self):
        c = cases.Case(self.pcaps / "syn-echo")
        (self.work / "out").mkdir()
        c.run(self.lockwire, self.work / "out")
        c.judge()
        expect(not c.wrong, f"{c.wrong}")
        honest = cases.difference
        for part in cases.PARTS:
            def blind(want, got, part=part):
                hide = re.compile(rf"^== {part}, .*?(?=^== |\Z)", re.S | re.M)
                return [] if hide.sub("", want) == hide.sub("", cases.render(got)) else ["x"]
            cases.difference = blind
            missed = cases.self_test([c])[1]
            cases.difference = honest
            expect(missed, f"a comparison blind to {part} went unseen")
        expect(not cases.self_test([c])[1], "the honest one was blamed")

    def test_perturbed_differs_in_each_kind(self):
        text = (self.pcaps / "syn-echo/expect.txt").read_text()
        for kind in cases.KINDS:
            for seed in range(20):
                expect(cases.perturbed(text, kind, random.Random(seed)) not in (text, None), f"{kind}, seed {seed}: nothing changed")


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--lockwire", default="build/lockwire")
    ap.add_argument("--work", default="build/test_cases")
    a = ap.parse_args()
    good = run_tests((name, lambda test=test: test(Tests(a))) for name, test in tests_of(Tests))
    shutil.rmtree(a.work, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
