#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings and their replay, without a network: the same seed makes the same bytes, whole ones replay, broken ones are told."""
import argparse
import json
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

from testing import expect, run_tests, tests_of

SEEDS = 8
LIMIT = 12      # MiB: a restart point of a pair takes up to 1.9
STIM_END = 10  # sim/stimulus.h
ROTATING = 5    # seeds that need more than that
FILES = ("stimulus.bin", "wire.pcapng", "faults.log", "manifest.json", "report.json")


def numbers(folder: Path) -> list[int]:
    """Of the segments that are there."""
    return sorted(int(f.name[9:15]) for f in folder.glob("stimulus-*.bin"))


def small_files() -> None:
    """A disk that is soon full, for the process that is about to begin."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def size(folder: Path) -> int:
    """Of its files, bytes, while they come and go."""
    total = 0
    for f in folder.iterdir() if folder.exists() else ():
        try:
            total += f.stat().st_size
        except FileNotFoundError:
            pass
    return total


def summed(data: bytes) -> bytes:
    """With the checksum that a restart point ends in."""
    return data + zlib.crc32(data).to_bytes(4, "little")


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.lockwire, self.work, self.rng = a.lockwire, Path(a.work), random.Random(a.seed)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.rotating: list[int] = []    # seeds whose recordings pass LIMIT, that with the most segments first

    def run(self, *args) -> subprocess.CompletedProcess:
        return subprocess.run([self.lockwire, *map(str, args)], capture_output=True, text=True, timeout=120)

    def record(self, seed: int, name: str, *options) -> Path:
        folder = self.work / name
        r = self.run("run", "--wire", "pair", "--seed", seed, "--record", folder, *options)
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

    def test_killed_between_two_blocks_replays(self):
        folder = self.record(2, "blocks")
        whole = (folder / "stimulus.bin").read_bytes()
        at, ends = 12 + int.from_bytes(whole[8:12], "little"), []
        while at < len(whole):
            ends.append(at)
            block = at + 12
            at = block + int.from_bytes(whole[at:at + 4], "little")
            length = next(i for i in range(10) if whole[block + i] < 0x80) + 1
            item = sum((whole[block + i] & 0x7f) << 7 * i for i in range(length))
            expect(len(ends) == 1 or item >> 4 or item == STIM_END, f"seed 2: block {len(ends)} goes on with the cycle of the one before")
        expect(len(ends) > 20, f"{len(ends)} blocks")
        for end in self.rng.sample(ends[1:], 5):
            (folder / "stimulus.bin").write_bytes(whole[:end])
            self.replay(folder, 0, "has no end")

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
        r = subprocess.run([self.lockwire, "run", "--wire", "pair", "--engine", "ref", "--seed", "2", "--record", str(self.work / "short")],
                           capture_output=True, text=True, timeout=120, preexec_fn=small_files)
        expect("in full" in r.stdout + r.stderr and r.returncode == 2, f"status {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
        (self.work / "file").write_text("")
        for place in (self.work / "file" / "x", "/proc/x"):
            r = self.run("run", "--wire", "pair", "--seed", 2, "--record", place)
            expect(r.returncode == 2 and str(place) in r.stdout + r.stderr, f"{place}: status {r.returncode}: {r.stdout}{r.stderr}")

    # --- with --record-limit ---

    def seeds(self) -> list[int]:
        """What the seeds draw changes now and then, so they are looked for."""
        found, seed = {}, 0
        while not self.rotating and len(found) < ROTATING:
            seed += 1
            expect(seed < 2000, f"of 2000 seeds {len(found)} rotate")
            segments = numbers(self.record(seed, "search", "--record-limit", LIMIT))
            if segments[0] > 2:
                found[seed] = segments[-1]
        self.rotating = self.rotating or sorted(found, key=lambda n: -found[n])
        return self.rotating

    def limited(self, name: str, seed: int = 0) -> Path:
        folder = self.record(seed or self.seeds()[0], name, "--record-limit", LIMIT)
        expect(len(numbers(folder)) > 1 and numbers(folder)[0] > 1, f"seed {seed}: segments {numbers(folder)}")
        return folder

    def replay_part(self, folder: Path, *options) -> tuple[int, int]:
        """From which cycle, to which."""
        said = self.replay(folder, 0, "the same", *options)
        began = int(re.search(r"begins after cycle (\d+)", said).group(1))
        return began, began + int(re.search(r"replayed (\d+) cycles", said).group(1))

    def test_limited_recording_stays_below_its_limit(self):
        folder, most = self.work / "bound", 0
        for seed in self.seeds():
            p = subprocess.Popen([self.lockwire, "run", "--wire", "pair", "--seed", str(seed), "--record", folder, "--record-limit", str(LIMIT)],
                                 stdout=subprocess.DEVNULL)
            while p.poll() is None:
                most = max(most, size(folder))
                time.sleep(0.001)
            expect(p.returncode == 0, f"seed {seed}: status {p.returncode}")
            expect(LIMIT << 18 < max(most, size(folder)) < LIMIT << 20, f"seed {seed}: {most} bytes, limit {LIMIT} MiB")

    def test_limited_recording_replays_its_last_part(self):
        for seed in self.seeds():
            whole = int(re.search(r"replayed (\d+) cycles", self.replay(self.record(seed, "whole"), 0, "the same")).group(1))
            began, ended = self.replay_part(self.limited("limited", seed))
            expect(0 < began < ended == whole, f"seed {seed}: cycles {began} to {ended} of {whole}")

    def test_limited_recording_replays_from_each_segment_on(self):
        folder, before = self.limited("oldest"), 0
        for n in numbers(folder):
            began, _ = self.replay_part(folder)
            expect(began > before, f"segment {n} begins after cycle {began}, the one before after {before}")
            before = began
            for f in folder.glob(f"*-{n:06}.*"):
                f.unlink()
        self.replay(folder, 2, "No such file")

    def test_same_seed_gives_the_same_limited_recording(self):
        for seed in self.seeds():
            one, two = self.limited("one", seed), self.limited("two", seed)
            names = sorted(f.name for f in one.iterdir())
            expect(names == sorted(f.name for f in two.iterdir()), f"seed {seed}: {names}")
            for name in names:
                expect((one / name).read_bytes() == (two / name).read_bytes(), f"seed {seed}: {name} differs")

    def test_changed_byte_in_a_later_segment_turns_the_replay_red(self):
        folder = self.limited("changed")
        for n in numbers(folder)[1:]:
            path = folder / f"stimulus-{n:06}.bin"
            whole = path.read_bytes()
            for _ in range(4):
                at = self.rng.randrange(200, len(whole))
                path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << self.rng.randrange(8)]) + whole[at + 1:])
                r = self.run("replay", folder)
                expect(r.returncode == 1, f"byte {at} of {path.name}: status {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
            path.write_bytes(whole[:len(whole) // 2])
            r = self.run("replay", folder)
            cut = n != numbers(folder)[-1]       # the last one has no end, then
            expect(r.returncode == cut and ("damaged" if cut else "no end") in r.stdout, f"{path.name} cut: {r.returncode} {r.stdout}")
            path.write_bytes(whole)

    def test_bad_restart_points_are_refused(self):
        folder = self.limited("restart")
        path = folder / f"restart-{numbers(folder)[0]:06}.bin"
        whole = path.read_bytes()
        for data, words in ((whole[:len(whole) // 2], "cut off"), (b"", "cut off"), (whole[:3], "cut off"), (self.rng.randbytes(1000), "cut off"),
                            (summed(b"something else"), "not a restart point"), (summed(whole[:12]), "not a restart point"),
                            (summed(whole[:16] + b"0" * 64 + whole[80:-4]), "this build"), (summed(whole[:100000]), "this build")):
            path.write_bytes(data)
            self.replay(folder, 2, words)
        path.unlink()
        self.replay(folder, 2, "No such file")
        path.write_bytes(whole)
        self.replay(folder, 0, "the same")

    def test_restart_point_of_another_checker_replays_without_it(self):
        folder = self.limited("checker")
        path = folder / f"restart-{numbers(folder)[0]:06}.bin"
        whole = path.read_bytes()
        at = [m for m in re.finditer(rb"[0-9a-f]{64}\0", whole)][1].start()
        path.write_bytes(summed(whole[:at] + b"0" * 64 + whole[at + 64:-4]))
        self.replay(folder, 2, "--check off")
        self.replay(folder, 0, "the same", "--check", "off")

    def test_segments_that_do_not_belong_together_are_refused(self):
        folder = self.limited("mixed")
        n = numbers(folder)[1]
        path = folder / f"stimulus-{n:06}.bin"
        whole = path.read_bytes()
        path.write_bytes((self.record(self.seeds()[1], "other") / "stimulus.bin").read_bytes())
        self.replay(folder, 2, "different recordings")
        path.unlink()
        self.replay(folder, 2, f"{path.name}: is missing")
        path.write_bytes(whole)
        self.replay(folder, 0, "the same")

    def test_killed_between_two_segments_replays(self):
        folder = self.limited("between")
        first, last = numbers(folder)[0], numbers(folder)[-1]
        path = folder / f"restart-{last:06}.bin"
        path.rename(f"{path}.tmp")                              # not yet complete
        self.replay_part(folder)
        (folder / f"stimulus-{last:06}.bin").write_bytes(b"")    # just made
        self.replay_part(folder)
        (folder / f"stimulus-{first:06}.bin").unlink()           # and the oldest on its way out
        self.replay_part(folder)

    def test_killed_limited_recording_replays(self):
        last = numbers(self.limited("long"))[-1]
        for i in range(12):
            folder = self.work / f"killed{i}"
            p = subprocess.Popen([self.lockwire, "run", "--wire", "pair", "--seed", str(self.seeds()[0]), "--record", folder,
                                  "--record-limit", str(LIMIT)],
                                 stdout=subprocess.DEVNULL)
            while not folder.exists() or max(numbers(folder), default=0) < last - 1 - i % 3:
                expect(p.poll() is None, f"the run ended with status {p.returncode}")
            time.sleep(self.rng.random() / 50)
            p.kill()
            p.wait()
            self.replay_part(folder)

    def test_restart_point_that_cannot_be_written_is_told(self):
        for name in "restart-000003.bin.tmp", "restart-000003.bin":    # cannot be opened; cannot be renamed, which shows later
            folder = self.work / f"unwritten-{name}"
            (folder / name).mkdir(parents=True)
            r = self.run("run", "--wire", "pair", "--seed", self.seeds()[0], "--record", folder, "--record-limit", LIMIT)
            said = r.stdout + r.stderr
            expect(r.returncode == 2 and "Is a directory" in said, f"{name}: status {r.returncode}: {said[-300:]}")
            self.replay(folder, 0, "the same")
        r = self.run("run", "--wire", "pair", "--seed", self.seeds()[0], "--record", self.work / "small", "--record-limit", 1)
        expect(r.returncode == 2 and "recording: " in r.stdout + r.stderr, f"limit too small: status {r.returncode}")

    def test_a_new_recording_takes_the_place_of_the_old(self):
        folder = self.limited("again")
        self.record(self.seeds()[1], "again")
        expect(not numbers(folder) and not list(folder.glob("*-0*")), f"left over: {sorted(f.name for f in folder.iterdir())}")
        self.replay(folder, 0, "the same")
        self.limited("again")
        expect(not (folder / "stimulus.bin").exists(), "stimulus.bin is left over")
        self.replay_part(folder)

    def test_usage(self):
        for args, words in (((), "which recording"), (("a", "b"), "not understood"), (("--check", "maybe", "a"), "not understood")):
            r = self.run("replay", *args)
            expect((r.returncode, r.stderr.count("\n")) == (2, 1) and words in r.stderr, f"{args}: {r.returncode} {r.stderr}")
        r = self.run("replay", "--help")
        expect(r.returncode == 0 and all(f"{n}: " in r.stdout for n in range(3)), "--help, or its statuses")

    def test_options_that_would_do_nothing_are_refused(self):
        folder, file = self.record(2, "options"), self.work / "asked-for"
        for options, words in ((["--from", 1], "--from is for --events"), (["--check", "on", "--to", 9], "--to is for --events"), (["--stats", file, "--frame", 7], "only looked up"),
                               (["--cycle", 7, "--stats", file], "only looked up"), (["--wave", "foo", "--cycle", 7], "--wave foo: the name of a file of waves ends in .fst")):
            self.replay(folder, 2, words, *options)
        r = self.run("replay", "--wave", "foo", folder)
        expect(r.returncode == 2 and "--wave foo: " in r.stderr, f"{r.returncode} {r.stderr}")
        expect(not file.exists(), "written all the same")
        self.replay(folder, 0, "the same", "--stats", file, "--events", self.work / "events", "--from", 5, "--to", 50)
        expect(json.loads(file.read_text())["same"], "not the same")

    def test_stats_of_a_difference_are_json(self):
        """Whatever is wrong: here a NIC that is given another recording's beats."""
        folder, stats = self.record(2, "differs"), self.work / "stats.json"
        data = bytearray((folder / "stimulus.bin").read_bytes())
        at = 12 + int.from_bytes(data[8:12], "little")
        at += 12 + int.from_bytes(data[at:at + 4], "little")
        (folder / "stimulus.bin").write_bytes(data[:12 + int.from_bytes(data[8:12], "little")] + data[at:])
        self.replay(folder, 1, "DIFFERS", "--check", "off", "--stats", stats)
        expect(json.loads(stats.read_text())["why"].startswith("at cycle"), stats.read_text()[:200])


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--lockwire", default="build/lockwire")
    p.add_argument("--work", default="build/test_replay", help="where recordings go; deleted when all is well")
    p.add_argument("--seed", type=int, default=1, help="of the damage done")
    p.add_argument("tests", nargs="*", help="names, or parts of them (default: all)")
    a = p.parse_args()
    t = Tests(a)
    good = run_tests(tests_of(t, a.tests))
    if good:
        shutil.rmtree(t.work)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
