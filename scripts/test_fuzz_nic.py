#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the NIC's fuzzer, from its seeds: it finds nothing wrong, does the same again, and what it finds becomes a case that can be looked at.
Before them what it once found: each input in sim/fuzz/found/, with which nothing may be wrong any more."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fuzz_nic
from testing import Fail, expect, run_tests

ROOT = Path(__file__).resolve().parent.parent
RUNS, RUNS_TWICE = 2000, 300
LIE = {"LW_FUZZ_LIE": "1"}   # sim/fuzz/bed.h


class Bed:
    def __init__(self, a):
        self.build, self.out = a.build, a.out
        shutil.rmtree(a.out, ignore_errors=True)

    def run(self, *command, env=None):
        return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              env={**os.environ, **(env or {})})

    def fuzz(self, runs, name, env=None):
        return self.run(ROOT / "scripts/fuzz_nic.py", "--build", self.build, "--out", self.out / name, "--runs", runs, "--minimise", 30, env=env)

    def case(self, *args, env=None):
        return self.run(self.build / "nic_case", *args, env=env)


def regression(b, folder):
    """One of what was found."""
    expect((folder / "why.md").read_text(encoding="utf-8").strip(), f"{folder}/why.md says nothing")
    r = b.case(folder / "input")
    expect(r.returncode == 0, f"{folder}/input: {fuzz_nic.reason(r.stdout, r.returncode)}: {b.build}/nic_case shows it")


class Liar:
    """The same bed with handshakes that lie."""

    def __init__(self, b):
        self.build, self.case = b.build, lambda *args: b.case(*args, env=LIE)


def test_finds_nothing(b):
    r = b.fuzz(RUNS, "clean")
    expect(r.returncode == 0 and "ok fuzz-nic: " in r.stdout, r.stdout)
    print("  " + r.stdout.strip())


def test_same_again(b):
    said = [b.fuzz(RUNS_TWICE, f"again{i}").stdout for i in range(2)]
    expect(said[0] == said[1] and "ok fuzz-nic" in said[0], f"{said}")


def test_case_again(b):
    for i in (0, 1):
        expect(b.case(b.out / "clean/seeds/0007", b.out / f"case{i}").returncode == 0, "a seed fails")
    for name in ("steps.txt", "wire.pcapng", "stimulus.bin"):
        was, now = ((b.out / f"case{i}" / name).read_bytes() for i in (0, 1))
        expect(was == now and was, f"{name} of the same input differs")


def test_replay(b):
    r = b.run(b.build / "lockwire_san", "replay", b.out / "case0")
    expect(r.returncode == 0, r.stdout)
    r = b.run(b.build / "lockwire_san", "monitor", b.out / "case0/wire.pcapng", "--at", "10.0.0.1", "--host", "10.0.0.1", "--from-start")
    expect(r.returncode == 0 and " 0 checks" not in r.stdout, r.stdout)


def test_finding(b):
    """With handshakes that lie: found, cut down, kept as a case in which others see the same; and tried again next time."""
    r = b.fuzz(RUNS, "lie", env=LIE)
    expect(r.returncode == 1 and "FAIL fuzz-nic: wire monitor: " in r.stdout, r.stdout)
    folders = list((b.out / "lie/found").iterdir())
    expect(len(folders) == 1, f"found: {folders}")
    folder = folders[0]
    steps = len((folder / "input").read_bytes()) // 20 - 1
    expect(1 < steps <= 3, f"an input of {steps} steps: open and write would do")
    text = (folder / "steps.txt").read_text()
    expect("host opens flow" in text and "wrong: wire monitor" in text, text)
    r = b.run(b.build / "lockwire_san", "monitor", folder / "wire.pcapng", "--at", "10.0.0.1", "--host", "10.0.0.1")
    expect(r.returncode == 1 and "mss" in r.stdout, r.stdout)
    expect(b.run(b.build / "lockwire_san", "replay", folder).returncode == 0, "its recording does not replay")
    r = b.fuzz(10, "lie", env=LIE)
    expect(r.returncode == 1 and str(folder) in r.stdout, r.stdout)
    r = b.fuzz(10, "lie")
    expect(r.returncode == 0 and "is well now" in r.stdout, r.stdout)


def test_finding_added(b):
    """It becomes a regression, and such a one sees what is wrong."""
    source, into = next((b.out / "lie/found").iterdir()), b.out / "added"
    shutil.rmtree(into, ignore_errors=True)

    def add(*args):
        return b.run(ROOT / "scripts/fuzz_nic.py", "--build", b.build, "--regressions", into, "--add", source, *args)
    for args in (["--name", "a-lie"], ["--name", "A lie", "--why", "x"], ["--name", "a-lie", "--why", "x\ny"]):
        expect(add(*args).returncode == 2 and not into.exists(), f"{args}: taken")
    r = add("--name", "a-lie", "--why", "The handshake lies.")
    expect(r.returncode == 0 and "nothing wrong with it" in r.stdout, r.stdout)
    expect(add("--name", "a-lie", "--why", "again").returncode == 2, "one takes the place of another")
    regression(b, into / "a-lie")
    try:
        regression(Liar(b), into / "a-lie")
    except Fail as e:
        expect("wire monitor" in str(e), e)
    else:
        raise Fail("it passes with what made it fail")


def test_hunt(b):
    """What counts as a broken NIC that was found: an input that fails with it, and with the sound one does not."""
    sound, liar, work = fuzz_nic.Tool(b.build), fuzz_nic.Tool(b.build, LIE), b.out / "hunt"

    def hunt(tool, than=sound):
        return fuzz_nic.hunt(tool, than, work, 2)

    def other(name, script):
        tool = fuzz_nic.Tool(b.build)
        tool.fuzz = b.out / name
        tool.fuzz.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        tool.fuzz.chmod(0o755)
        return tool
    found, _, else_ = hunt(liar)
    expect(found.startswith("wire monitor: ") and not else_, f"{found}, {else_}")
    for tool, than, what in ((sound, sound, "nothing"), (liar, liar, "a sound NIC does it, too"), (other("starts_badly", "exit 71"), sound, "status 71 without an input"),
                             (other("blames_a_good_one", f"cp {work}/seeds/0007 {work}/oom-1; echo 'Test unit written to {work}/oom-1'; exit 71"), sound,
                              "nic_case does not see it")):
        found, _, else_ = hunt(tool, than)
        expect(not found and else_.startswith(what), f"{found}, {else_}: not {what}")


def test_time_counts_on(b):
    def run():
        r = b.run(ROOT / "scripts/fuzz_nic.py", "--build", b.build, "--out", b.out / "on", "--seconds", 2, "--resume")
        expect(r.returncode == 0, r.stdout)
        return json.loads((b.out / "on/done.json").read_text())["runs"], re.search(r"in (\d+) s", r.stdout).group(1)
    expect(run() == run(), "what was done is done again")


def test_refusals(b):
    for args in ([], [b.out / "none"], ["--seeds"], ["a", "b", "c", "d"]):
        expect(b.case(*args).returncode == 2, f"nic_case {args}")


TESTS = {f.__name__.removeprefix("test_"): f for f in (test_finds_nothing, test_same_again, test_case_again, test_replay, test_finding,
                                                           test_finding_added, test_hunt, test_time_counts_on, test_refusals)}


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", type=Path, default=ROOT / "build/fuzz-nic")
    p.add_argument("--out", type=Path, default=ROOT / "build/fuzz-nic/ci", help="emptied first")
    b = Bed(p.parse_args())
    tests = [(f"fuzz_nic_found_{f.name}", lambda f=f: regression(b, f)) for f in sorted(fuzz_nic.REGRESSIONS.iterdir())]
    return 0 if run_tests(tests + [(f"fuzz_nic_{name}", lambda test=test: test(b)) for name, test in TESTS.items()]) else 1


if __name__ == "__main__":
    sys.exit(main())
