#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings and their replay, without a network: the same seed makes the same bytes, whole ones replay, broken ones are told."""
import argparse
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

SEEDS = 8
FILES = ("stimulus.bin", "wire.pcapng", "faults.log", "manifest.json", "report.json")


class Fail(Exception):
    """A test found something wrong."""


def expect(ok: bool, text: str) -> None:
    if not ok:
        raise Fail(text)


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.lockwire, self.work, self.rng = a.lockwire, Path(a.work), random.Random(a.seed)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def run(self, *args) -> subprocess.CompletedProcess:
        return subprocess.run([self.lockwire, *map(str, args)], capture_output=True, text=True, timeout=120)

    def record(self, seed: int, name: str) -> Path:
        folder = self.work / name
        r = self.run("run", "--wire", "pair", "--seed", seed, "--record", folder)
        expect(r.returncode == 0, f"seed {seed}: status {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
        return folder

    def replay(self, folder: Path, status: int, words: str, *options) -> str:
        r = self.run("replay", folder, *options)
        said = r.stdout + r.stderr
        expect(r.returncode == status and words in said, f"status {r.returncode}, wanted {status} and '{words}': {said[-400:]}")
        expect(status != 2 or said.count("\n") == 1, f"more than one line: {said}")
        return said

    def test_same_seed_gives_the_same_recording(self):
        for seed in range(1, SEEDS + 1):
            one, two = self.record(seed, "one"), self.record(seed, "two")
            for name in FILES:
                same = (one / name).read_bytes() == (two / name).read_bytes()
                expect(same, f"seed {seed}: {name} differs")

    def test_recordings_replay(self):
        for seed in range(100, 100 + SEEDS):
            self.replay(self.record(seed, "whole"), 0, "the same")

    def test_cut_off_recording_replays_to_its_last_whole_block(self):
        folder = self.record(2, "cut")
        whole = (folder / "stimulus.bin").read_bytes()
        cycles = []
        for part in (0.2, 0.5, 0.9, 0.999):
            (folder / "stimulus.bin").write_bytes(whole[:int(len(whole) * part)])
            cycles.append(int(re.search(r"whole up to cycle (\d+)", self.replay(folder, 0, "has no end")).group(1)))
        expect(cycles == sorted(cycles) and cycles[0] < cycles[-1], f"cycles {cycles}")

    def test_changed_byte_turns_the_replay_red(self):
        folder = self.record(2, "changed")
        whole = (folder / "stimulus.bin").read_bytes()
        for _ in range(20):
            at = self.rng.randrange(200, len(whole))
            (folder / "stimulus.bin").write_bytes(whole[:at] + bytes([whole[at] ^ 1 << self.rng.randrange(8)]) + whole[at + 1:])
            r = self.run("replay", folder)
            said = r.stdout + r.stderr
            expect(r.returncode == 1, f"byte {at} of {len(whole)}: status {r.returncode}: {said[-300:]}")

    def test_foreign_recordings_are_refused(self):
        folder = self.record(3, "foreign")
        whole = (folder / "stimulus.bin").read_bytes()
        for data, words in ((b"", "cut off"), (whole[:50], "cut off"), (self.rng.randbytes(1000), "not a recording"),
                            (whole[:12] + b"0" * 64 + whole[76:], "another build")):
            (folder / "stimulus.bin").write_bytes(data)
            self.replay(folder, 2, words)
        self.replay(folder, 0, "the same", "--force")   # the last: only the name of its build was wrong
        self.replay(self.work / "nowhere", 2, "No such file")

    def test_full_disk_and_bad_places_are_told(self):
        folder = self.work / "full"
        folder.mkdir()
        (folder / "stimulus.bin").symlink_to("/dev/full")
        r = self.run("run", "--wire", "pair", "--seed", 2, "--record", folder)
        expect("No space left" in r.stdout + r.stderr and r.returncode == 2, f"status {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
        (self.work / "file").write_text("")
        for place in (self.work / "file" / "x", "/proc/x"):
            r = self.run("run", "--wire", "pair", "--seed", 2, "--record", place)
            expect(r.returncode == 2 and str(place) in r.stdout + r.stderr, f"{place}: status {r.returncode}: {r.stdout}{r.stderr}")

    def test_usage(self):
        for args, words in (((), "which recording"), (("a", "b"), "not understood"), (("--check", "maybe", "a"), "not understood")):
            r = self.run("replay", *args)
            expect((r.returncode, r.stderr.count("\n")) == (2, 1) and words in r.stderr, f"{args}: {r.returncode} {r.stderr}")
        expect(self.run("replay", "--help").returncode == 0, "--help")


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--lockwire", default="build/lockwire")
    p.add_argument("--work", default="build/test_replay", help="where recordings go; deleted when all is well")
    p.add_argument("--seed", type=int, default=1, help="of the damage done")
    a = p.parse_args()
    t, passed, failed = Tests(a), 0, 0
    for name in [n for n in dir(t) if n.startswith("test_")]:
        try:
            getattr(t, name)()
            print(f"ok {name[5:]}", flush=True)
            passed += 1
        except (Fail, OSError, AttributeError, subprocess.TimeoutExpired) as e:
            print(f"FAIL {name[5:]} (seed {a.seed}): {e}", flush=True)
            failed += 1
    if not failed:
        shutil.rmtree(t.work)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
