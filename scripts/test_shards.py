#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of work in shares: every way comes to the same, what is lost is run again, what fails is told, no run takes another's results, and
a stop, however it comes, leaves nothing behind."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import processes
import shards
from testing import expect, expect_equal, run_tests, tests_of, until

ROOT = Path(__file__).resolve().parent.parent
SEEDS = 45
# In lockwire's place: takes the worker that called it along, as a machine that goes down does, so many times as there are files.
KILLS = """#!/bin/bash
for f in {folder}/*; do
  [[ -e $f ]] && rm "$f" && kill -9 $PPID && exit
done
exec {lockwire} "$@"
"""
TELLS = """#!/bin/bash
echo $$ >> {folder}/pids
exec sleep 600
"""
# The second ten of seeds go wrong.
GONE = """#!/bin/bash
(($2 > 10)) && kill -9 $PPID && exit
exec {lockwire} "$@"
"""
LIES = """#!/bin/bash
(($2 > 10)) && for ((i = 0; i < $3; i++)); do echo '{{"seed": 1, "ok": true}}'; done && exit
exec {lockwire} "$@"
"""
# Begun, they wait for a file.
LATE = """#!/bin/bash
touch {folder}/begun
until [[ -e {folder}/go ]]; do sleep 0.05; done
exec {lockwire} "$@"
"""
# The first seeds are lost when there is that file, the others fail.
FAILS = """#!/bin/bash
[[ $1 != seeds || $2 != 1 ]] && exit 3
touch {folder}/begun
until [[ -e {folder}/go ]]; do sleep 0.05; done
kill -9 $PPID
"""
SBATCH = """#!/bin/bash
echo $$ > {folder}/pid
exec sleep 600
"""
SCANCEL = """#!/bin/bash
kill -0 $(< {folder}/pid) 2> {folder}/is-gone
echo "$@" > {folder}/cancelled
"""


class Shards:
    def __init__(self, a):
        self.lockwire, self.work, self.ways = a.lockwire.resolve(), a.work.resolve(), ["local", "parallel"] + ["slurm"] * a.slurm
        shutil.rmtree(a.work, ignore_errors=True)
        a.work.mkdir(parents=True)

    def command(self, name, *args, lockwire=None):
        return [sys.executable, ROOT / "scripts/regress.py", "--engine", "ref", "--lockwire", lockwire or self.lockwire, "--out", self.work / name,
                *map(str, args)]

    def regress(self, name, *args, lockwire=None):
        r = subprocess.run(self.command(name, *args, lockwire=lockwire), capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
        report = self.work / name / "report.json"
        return r, json.loads(report.read_text()) if report.exists() else None

    def instead(self, name, text):
        """A script in lockwire's place, with a folder of its own."""
        folder, script = self.work / f"{name}-files", self.work / f"{name}-lockwire"
        folder.mkdir()
        script.write_text(text.format(folder=folder, lockwire=self.lockwire))
        script.chmod(0o755)
        return script, folder

    def in_path(self, name, **scripts):
        """These commands before all others, with a folder of their own: (the environment, the folder)."""
        folder = self.work / f"{name}-files"
        folder.mkdir()
        for command, text in scripts.items():
            (folder / command).write_text(text.format(folder=folder))
            (folder / command).chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}, folder

    def test_every_way_comes_to_the_same(self):
        pcaps = self.work / "same-pcaps"
        for case in ("ack-delayed", "rst-exact", "syn-again"):
            shutil.copytree(ROOT / "pcaps" / case, pcaps / case)
        seen = {}
        for way, shares in zip(self.ways, (200, 2, 3)):
            r, report = self.regress(f"same-{way}", "--over", way, "--shares", shares, "--pcaps", pcaps, SEEDS)
            expect(r.returncode == 0 and f"{SEEDS + 3} passed, 0 failed" in r.stdout, f"{way}: {r.stdout}{r.stderr}")
            seen[way] = report["seeds"], [{**c, "seconds": 0} for c in report["cases"]]
            expect_equal([s["seed"] for s in report["seeds"]], list(range(1, SEEDS + 1)), f"{way}: seeds, in order")
        for way in self.ways[1:]:
            expect(seen[way] == seen[self.ways[0]], f"{way} came to something else than {self.ways[0]}")

    def test_what_is_lost_is_run_again(self):
        for way in self.ways:
            script, folder = self.instead(f"lost-{way}", KILLS)
            (folder / "1").touch()
            r, _ = self.regress(f"lost-{way}", "--over", way, SEEDS, lockwire=script)
            expect("1 of 5 shares were lost and are run again" in r.stdout and f"{SEEDS} passed, 0 failed" in r.stdout, f"{way}: {r.stdout}{r.stderr}")

    def test_what_is_lost_for_good_has_failed(self):
        for name, text in (("gone", GONE), ("lies", LIES)):
            script, _ = self.instead(name, text)
            r, report = self.regress(name, 20, lockwire=script)
            expect_equal(r.returncode, 1, "status")
            expect("was lost 3 times" in r.stdout and "10 passed, 10 failed" in r.stdout, f"{name}: {r.stdout}{r.stderr}")
            frames = sum(s["lost"] for s in report["seeds"] if s["ok"])
            expect_equal((report["failed"], report["sums"]["lost"]), (10, frames), "failed in report.json, frames lost")

    def test_a_way_that_does_not_work_is_told_once(self):
        env, _ = self.in_path("refuses", sbatch="#!/bin/bash\necho sbatch: error: no partition >&2\nexit 1\n")
        r = subprocess.run(self.command("refuses", "--over", "slurm", 100), capture_output=True, text=True, check=False, cwd=ROOT, env=env)
        expect_equal((r.returncode, r.stdout, r.stderr), (2, 2 * "10 of 10 shares were lost and are run again\n", "regress: slurm: no share was done: sbatch: error: no partition\n"),
                     "status, what is said")

    def test_what_cannot_be_is_told_in_a_line(self):
        for what, args in (("seed", (0,)), ("share", ("--shares", 0, 10)), ("job", ("--jobs", 0, 10))):
            r, _ = self.regress("none", *args)
            expect_equal((r.returncode, r.stderr), (2, f"regress: there is at least one {what}\n"), "status, what is said")

    def test_an_earlier_run_is_not_taken_for_this_one(self):
        late, folder = self.instead("earlier", LATE)
        fails, its = self.instead("later", FAILS)
        earlier = subprocess.Popen(self.command("earlier", "--jobs", 1, 20, lockwire=late), stdout=subprocess.DEVNULL, cwd=ROOT)
        until((folder / "begun").exists, 30, "a run begins")
        (folder / "begun").unlink()
        share = next((self.work / "earlier/shares").rglob("0.json"))
        # On a machine that was cut off; this run's own worker is not asked.
        worker = subprocess.Popen([sys.executable, ROOT / "scripts/regress.py", "--share", share], stderr=subprocess.DEVNULL, cwd=ROOT)
        try:
            until((folder / "begun").exists, 30, "its worker begins")
            earlier.kill()
            earlier.wait()
            later = subprocess.Popen(self.command("earlier", "--jobs", 1, 20, lockwire=fails), stdout=subprocess.PIPE, text=True, cwd=ROOT)
            until((its / "begun").exists, 30, "the next run begins")
            (folder / "go").touch()
            worker.wait(30)
            (its / "go").touch()
            out = later.communicate(timeout=60)[0]
        finally:
            (folder / "go").touch()
            (its / "go").touch()
            earlier.kill()
        expect("\n0 passed, 20 failed" in out, out)

    def test_two_runs_do_not_share_a_directory(self):
        script, folder = self.instead("shared", LATE)
        first = subprocess.Popen(self.command("shared", 10, lockwire=script), stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            until((folder / "begun").exists, 30, "a run begins")
            r, _ = self.regress("shared", 10)
            expect_equal((r.returncode, r.stderr), (2, f"regress: another run works in {self.work}/shared\n"), "status, what is said")
        finally:
            (folder / "go").touch()
            out = first.communicate(timeout=60)[0]
        expect("10 passed, 0 failed" in out, out)

    def test_two_workers_of_a_share_do_not_write_one_file(self):
        share = self.work / "twice/0.json"
        share.parent.mkdir()
        with mock.patch.object(Path, "rename"):
            shards.finish(share, [])
            with mock.patch("os.getpid", lambda: 1):
                shards.finish(share, [])
        expect_equal(len(list(share.parent.iterdir())), 2, "files")

    def test_what_fails_is_told(self):
        pcaps = self.work / "wrong-pcaps"
        shutil.copytree(ROOT / "pcaps/rst-exact", pcaps / "rst-exact")
        (pcaps / "rst-exact/expect.txt").write_text("nothing\n")
        r, _ = self.regress("wrong", "--pcaps", pcaps, 10)
        expect(r.returncode == 1 and "FAIL rst-exact: " in r.stdout and "10 passed, 1 failed" in r.stdout, r.stdout + r.stderr)

    def stop(self, way, sig):
        script, folder = self.instead(f"stop-{way}-{sig.name}", TELLS)
        # Who runs this in the background has SIGINT ignored, and we with it.
        command = ["env", "--default-signal=INT,HUP", *self.command(f"stop-{way}", "--over", way, "--jobs", 2, 30, lockwire=script)]
        pids, p = folder / "pids", subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            until(lambda: pids.exists() and len(pids.read_text().split()) == 2, 30, f"{way}: two shares begin")
            p.send_signal(sig)
            err = p.communicate(timeout=20)[1]
        finally:
            p.kill()
            p.wait()
        expect_equal(p.returncode, -9 if sig == signal.SIGKILL else 130, f"{way}: status")
        expect("Traceback" not in err, err)
        until(lambda: not any(Path(f"/proc/{n}").exists() for n in pids.read_text().split()), 10, f"{way}, {sig.name}: nothing is left of them")
        expect_equal(len(pids.read_text().split()), 2, f"{way}: how many had begun")

    def test_a_stop_leaves_nothing(self):
        for way in self.ways:
            for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
                self.stop(way, sig)

    def test_a_stop_ends_sbatch_before_what_it_submitted(self):
        for sig in (signal.SIGINT, signal.SIGKILL):
            env, folder = self.in_path(f"submits-{sig.name}", sbatch=SBATCH, scancel=SCANCEL)
            p = subprocess.Popen(["env", "--default-signal=INT", *self.command("submits", "--over", "slurm", 10)], cwd=ROOT, env=env)
            until(lambda: (folder / "pid").exists() and (folder / "pid").read_text(), 30, "sbatch is called")
            p.send_signal(sig)
            p.wait(20)
            said = until(lambda: (folder / "cancelled").exists() and (folder / "cancelled").read_text(), 10, "scancel is called")
            expect("--name=lockwire-" in said and "No such process" in (folder / "is-gone").read_text(), f"{sig.name}: {said}")

    def test_one_that_has_just_ended_does_not_keep_the_others(self):
        runs = processes.Runs()
        all_of = [runs.start(["sleep", "60" if i == 5 else "0"]) for i in range(10)]
        for i, p in enumerate(all_of):
            if i != 5:
                p.wait()
                p.poll = lambda: None      # as it was a moment ago
        runs.end()
        expect_equal(all_of[5].wait(5), -signal.SIGKILL, "how the one that ran ended")

    def test_a_stop_takes_what_is_about_to_begin(self):
        popen, begins = subprocess.Popen, threading.Event()

        def slow(*args, **kw):
            begins.set()
            time.sleep(0.5)
            return popen(*args, **kw)
        (self.work / "begins").mkdir()
        crew, began = shards.Local(["bash", "-c", "exec sleep 20"], [self.work / "begins/0", self.work / "begins/1"], 1, self.work), time.monotonic()
        with mock.patch("subprocess.Popen", slow):
            crew.start()
            begins.wait(10)
            crew.stop()
        expect(time.monotonic() - began < 10, "it was waited for")
        expect(not (self.work / "begins/1.log").exists(), "another one has begun")

    def test_slurm_keeps_what_is_not_its_own(self):
        folder = self.work / "kept"
        folder.mkdir()
        (folder / "slurm.conf").write_text("ClusterName=theirs\n")
        r = subprocess.run([ROOT / "scripts/slurm.sh", folder, "true"], capture_output=True, text=True, check=False)
        expect_equal((r.returncode, r.stderr), (2, f"slurm: {folder} is neither empty nor made by this script\n"), "status, what is said")
        expect((folder / "slurm.conf").exists(), "it was deleted")

    def test_a_way_that_is_not_there_is_told(self):
        r = subprocess.run(self.command("none", "--over", "slurm", 10), capture_output=True, text=True, check=False, cwd=ROOT, env={"PATH": "/nowhere"})
        expect_equal((r.returncode, r.stderr.count("\n"), "no sbatch on this machine" in r.stderr), (2, 1, True), "status and what is said")


class WithSlurm(Shards):
    def test_a_stop_of_slurm_leaves_nothing(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            folder = self.work / f"nested-{sig.name}"
            p = subprocess.Popen([ROOT / "scripts/slurm.sh", folder, "sh", "-c", f"trap 'touch {folder}/told; exit 3' TERM; touch {folder}/up; sleep 600 & wait"])
            until((folder / "up").exists, 60, "it is up")
            p.send_signal(sig)
            expect_equal(p.wait(20), 3 if sig == signal.SIGTERM else -9, "status")
            expect_equal((folder / "told").exists(), sig == signal.SIGTERM, "the command is told")
            until(lambda: subprocess.run(["pgrep", "-f", folder], stdout=subprocess.DEVNULL).returncode == 1, 10, f"{sig.name}: nothing is left")


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--lockwire", type=Path, default=Path("build/lockwire"))
    ap.add_argument("--work", type=Path, default=Path("build/test_shards"))
    ap.add_argument("--slurm", action="store_true", help="over Slurm, too, which must be there (scripts/slurm.sh)")
    ap.add_argument("tests", nargs="*", help="parts of names (default: all)")
    a = ap.parse_args()
    os.environ.pop("MACHINES", None)
    return 0 if run_tests(tests_of(WithSlurm(a) if a.slurm else Shards(a), a.tests)) else 1


if __name__ == "__main__":
    sys.exit(main())
