#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Waves of recordings, read back out of the FST by fst2vcd: the marker stands where the frame is, wherever the replay began."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from report_data import CYCLE, blocks
from testing import Fail, expect, run_tests, tests_of

ROOT = Path(__file__).resolve().parent.parent
CYCLE_NS = 10        # sim/model.h
BEAT = 64            # bytes, as the NIC is built by default
LIMIT = 12           # MiB: some seeds turn segments then (test_replay.py)
TOP = "cosim.cosim_top."


class Frame:
    """A packet of wire.pcapng."""

    def __init__(self, number: int, data: bytes, comment: str):
        self.number, self.data = number, data
        cycle, way = CYCLE.match(comment).groups()
        self.cycle, self.out = int(cycle), way == "tx"


def frames(path: Path) -> list[Frame]:
    return [Frame(i, data, comment) for i, (_, comment, data) in enumerate(blocks(path), 1)]


class Wave:
    """An FST and its save file."""

    def __init__(self, fst: Path):
        self.save = fst.with_suffix(".gtkw").read_text()
        self.marker, *named = [int(x) for x in re.search(r"^\*-\S+ (.*)$", self.save, re.M)[1].split()]
        self.named = named[:2]
        self.vcd = subprocess.run(["fst2vcd", "-f", fst], capture_output=True, text=True, check=True, timeout=60).stdout
        self.signals: dict[str, str] = {}
        scope: list[str] = []
        for kind, name in re.findall(r"^\$(scope \w+|upscope|var \w+ \d+)(?: (.*?))? ?\$end$", self.vcd, re.M):
            if kind.startswith("scope"):
                scope.append(name)
            elif kind == "upscope":
                scope.pop()
            else:
                code, rest = name.split(" ", 1)
                self.signals[".".join([*scope, rest.replace(" ", "")])] = code

    def changes(self) -> str:
        return self.vcd[self.vcd.index("$enddefinitions"):]

    def state(self, *without) -> list[str]:
        """All that is the NIC's, line by line: no address of this process, no variables of loops, no signals of those last names."""
        last = {n: n.rpartition(".")[2].partition("[")[0] for n in self.signals}
        codes = {self.signals[n] for n, name in last.items() if name in ("host_i", *without) or (len(name) == 1 and ".unnamedblk" in n)}
        lines = self.changes().splitlines()
        return [line for line in lines if (line.split(" ")[-1] if line[:1] == "b" else line[1:]) not in codes]

    def code(self, name: str) -> str:
        return next(c for n, c in self.signals.items() if n.partition("[")[0] == TOP + name)

    def values(self, *names: str) -> dict[int, list[int]]:
        """At each time at which anything changes, the value of each signal."""
        codes, now, out, at = {self.code(n): i for i, n in enumerate(names)}, [0] * len(names), {}, 0
        for line in self.changes().splitlines():
            if line[:1] == "#":
                out[at] = list(now)
                at = int(line[1:])
            elif line[:1] == "b" and line.split(" ")[-1] in codes:
                now[codes[line.split(" ")[-1]]] = int(line[1:].split(" ")[0].replace("x", "0"), 2)
            elif line[:1] in ("0", "1") and line[1:] in codes:
                now[codes[line[1:]]] = int(line[0])
        out[at] = list(now)
        return out

    def texts(self, name: str) -> set[str]:
        return {v[0].to_bytes(512, "big").lstrip(b"\0").decode() for v in self.values(name).values()}


class Tests:
    def __init__(self, lockwire: str, work: str, broken: str = ""):
        self.lockwire, self.work, self.broken = Path(lockwire).resolve(), Path(work), Path(broken)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.recorded: dict[str, Path] = {}

    def run(self, *args, lockwire: Path | None = None) -> subprocess.CompletedProcess:
        return subprocess.run([lockwire or self.lockwire, *map(str, args)], capture_output=True, text=True, timeout=120)

    def record(self, seed: int, *options) -> Path:
        """The recording of a seed, made once; tests leave it as it is."""
        name = "-".join(map(str, [seed, *options]))
        if name not in self.recorded:
            r = self.run("run", "--wire", "pair", "--seed", seed, "--record", self.work / name, *options)
            expect(r.returncode == 0, f"seed {seed}: status {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
            self.recorded[name] = self.work / name
        return self.recorded[name]

    def search(self, last: str, *options) -> tuple[int, Path]:
        """The first seed whose recording has this file, and not its beginning if it is one of segments."""
        for seed in range(1, 60):
            folder = self.record(seed, *options)
            if (folder / last).exists() and not (folder / "stimulus-000001.bin").exists():
                return seed, folder
        raise Fail(f"no seed's recording has {last}")

    def wave(self, folder: Path, *options) -> Wave:
        fst = self.work / "wave.fst"
        r = self.run("replay", folder, "--wave", fst, "--around", 20, *options)
        opened = f"gtkwave {fst} {fst.with_suffix('.gtkw')}"
        expect(r.returncode == 0 and opened in r.stdout, f"status {r.returncode}: {r.stdout[-200:]}{r.stderr[-300:]}")
        return Wave(fst)

    def refused(self, words: str, *args, lockwire: Path | None = None) -> None:
        r = self.run("replay", *args, lockwire=lockwire)
        expect((r.returncode, r.stderr.count("\n")) == (2, 1) and words in r.stderr, f"{args}: status {r.returncode}, wanted '{words}': {r.stderr}")

    def marker_is_on(self, folder: Path, frame: Frame, name: str) -> None:
        """Frame and NIC agree: at the marker its first beat is on its stream, at B its last; its comment has a cycle before, or the last."""
        w = self.wave(folder, "--frame", name)
        way, end = ("tx", "o") if frame.out else ("rx", "i")
        seen = w.values(f"u_nic.{way}_valid_{end}", f"u_nic.{way}_data_{end}", f"u_nic.{way}_last_{end}", f"u_view.{way}_frame", "u_view.cycle")
        valid, data, last, number, cycle = seen[w.marker]
        expect((valid, number, cycle) == (1, frame.number, w.marker // CYCLE_NS), f"frame {name}: valid {valid}, frame {number}, cycle {cycle}")
        beat = frame.data[:BEAT]
        expect(data.to_bytes(BEAT, "little")[:len(beat)] == beat, f"frame {name}: another frame's bytes at the marker")
        valid, _, last, number, cycle = seen[w.named[1]]
        expect(w.named[0] == w.marker and (valid, last, number) == (1, 1, frame.number), f"frame {name}: valid {valid}, last {last}, frame {number} at B")
        expect(cycle == frame.cycle if frame.out else w.marker // CYCLE_NS > frame.cycle, f"frame {name}: cycles {w.named}, the comment says {frame.cycle}")

    def test_marker_stands_on_the_frame(self):
        folder = self.record(2)
        all_frames = frames(folder / "wire.pcapng")
        for f in [*all_frames[:2], *all_frames[1000:9000:4000], *[f for f in all_frames if f.out][500:4000:3000]]:
            self.marker_is_on(folder, f, str(f.number))

    def test_marker_stands_on_each_of_equal_frames(self):
        """A doubled frame is the same bytes twice: each has a cycle of its own."""
        folder = self.record(2)
        all_frames = [f for f in frames(folder / "wire.pcapng") if not f.out]
        pair = next((a, b) for a, b in zip(all_frames[300:], all_frames[301:]) if a.data == b.data)
        cycles = []
        for f in pair:
            self.marker_is_on(folder, f, str(f.number))
            cycles.append(self.wave(folder, "--frame", f.number).marker)
        expect(cycles[0] < cycles[1], f"frames {pair[0].number}, {pair[1].number}: {cycles}")

    def test_marker_stands_on_the_frame_of_a_replayed_capture(self):
        folder = self.work / "capture"
        r = self.run("replay", ROOT / "pcaps/real-curl/in.pcap", "--record", folder)
        expect(r.returncode == 0, f"status {r.returncode}: {r.stderr}")
        for f in frames(folder / "wire.pcapng")[::5]:
            self.marker_is_on(folder, f, str(f.number))

    def test_marker_stands_on_the_frame_of_a_segment(self):
        _, folder = self.search("stimulus-000005.bin", "--record-limit", LIMIT)
        for path in sorted(folder.glob("wire-*.pcapng"))[:2]:
            in_file = frames(path)
            for f in in_file[100], in_file[-100]:
                self.marker_is_on(folder, f, f"{int(path.stem[5:])}:{f.number}")
        self.refused("no such", folder, "--frame", 5)
        self.refused("no such", folder, "--frame", "1:5")
        self.refused("begins later", folder, "--cycle", 100)

    def same(self, one: Path, two: Path, cycle: int, *without) -> None:
        a, b = self.wave(one, "--cycle", cycle), self.wave(two, "--cycle", cycle)
        expect(a.state(*without) == b.state(*without), f"cycle {cycle}: {one.name} and {two.name} differ")
        expect(len(a.signals) > 1000, f"{len(a.signals)} signals")

    def test_wave_is_the_same_from_a_segment_as_from_the_beginning(self):
        seed, limited = self.search("stimulus-000005.bin", "--record-limit", LIMIT)
        for path in sorted(limited.glob("wire-*.pcapng"))[:2]:
            f = frames(path)[300]
            self.same(limited, self.record(seed), f.cycle, "rx_frame", "tx_frame")

    def test_wave_is_the_same_from_a_point_on_the_way(self):
        _, folder = self.search("restart-000001.bin")
        without = self.work / "without"
        shutil.copytree(folder, without)
        for f in without.glob("restart-*"):
            f.unlink()
        cycles = [f.cycle for f in frames(folder / "wire.pcapng") if f.cycle > 1 << 19]
        for cycle in (1 << 19) + 100, cycles[len(cycles) // 2]:
            self.same(folder, without, cycle)

    def test_cycle_leads_back_to_the_frame(self):
        folder = self.record(2)
        for f in frames(folder / "wire.pcapng")[500:15000:3000]:
            there = re.search(rf"^> +{f.number} .*cycles (\d+)-(\d+)", self.run("replay", folder, "--frame", f.number).stdout, re.M)
            expect(there, f"frame {f.number} is not told")
            for cycle in there.groups():
                back = self.run("replay", folder, "--cycle", cycle, "--around", 5).stdout
                expect(re.search(rf"^ +{f.number} .*cycles {there[1]}-{there[2]}", back, re.M), f"cycle {cycle}, frame {f.number}: {back}")

    def test_what_the_checker_found_is_shown(self):
        folder = self.work / "failed"
        shutil.copytree(self.record(2), folder)
        self.refused("found nothing wrong", folder, "--wave")
        report = folder / "report.json"
        was = json.loads(report.read_text())
        report.write_text(json.dumps({"ok": False, "cycle": 5000, **{k: v for k, v in was.items() if k not in ("ok", "cycle")}}))
        r = self.run("replay", folder, "--wave")
        expect(r.returncode == 0, r.stderr)
        w = Wave(folder / "wave-cycle-5000.fst")
        expect(w.values("u_view.cycle")[w.marker] == [5000], f"marker {w.marker}")

    def test_a_run_that_fails_makes_its_wave(self):
        """By itself: of what the checker found, and of the frame that the wire monitor found; else it names what does."""
        run = ["run", "--wire", "pair", "--seed", 2]
        replay = ["replay", ROOT / "pcaps/real-curl/in.pcap"]
        for args, judge, mark in ((run, "checker", "cycle"), (replay, "checker", "cycle"), (replay, "monitor", "frame")):
            for traces in False, True:
                name = f"{args[0]}-{judge}{'-traces' * traces}"
                folder, here = self.work / name, self.work / f"{name}-build"
                here.mkdir()
                shutil.copy(self.broken, here / "lockwire")
                if traces:
                    (here / "wave").symlink_to(self.lockwire.parent / "wave")
                r = subprocess.run([here / "lockwire", *map(str, args), "--record", folder], capture_output=True, text=True, timeout=120, env={**os.environ, "LW_BROKEN": judge})
                made = list(folder.glob("wave-*.fst"))
                expect(r.returncode == 1 and len(made) == traces, f"{name}: status {r.returncode}, {made}: {r.stdout[-500:]}{r.stderr}")
                if not traces:
                    at = r" FRAME=\d+" if mark == "frame" else ""
                    expect(re.search(rf"make wave RUN={folder}{at}$", r.stderr, re.M), f"{name}: {r.stderr}")
                    continue
                number = json.loads((folder / "report.json").read_text())["cycle"] if mark == "cycle" else int(made[0].stem.rpartition("-")[2])
                expect(made[0].stem == f"wave-{mark}-{number}" and f"gtkwave {made[0]}" in r.stderr, f"{name}: {made}: {r.stderr}")
                w = Wave(made[0])
                shown = w.values("u_view.cycle", "u_view.tx_frame")[w.marker]
                expect(number == shown[mark == "frame"], f"{name}: {number}, the marker is at {shown}")
                if mark == "frame":
                    expect(f"frame {number} at" in r.stdout, f"{name}: {r.stdout[-400:]}")

    def test_save_file_names_what_is_there(self):
        folder = self.record(2)
        f = next(f for f in frames(folder / "wire.pcapng")[3000:] if f.out)
        w = self.wave(folder, "--frame", f.number, "--around", 100)
        named = [line for line in w.save.splitlines() if line.startswith("cosim.")]
        missing = [n for n in named if n not in w.signals]
        expect(not missing and len(named) > 250, f"{len(named)} signals, not there: {missing[:5]}")
        groups = [int(line[1:], 16) for line in w.save.splitlines() if line.startswith("@")]
        opened, ended = sum(bool(g & 0x800000) for g in groups), sum(bool(g & 0x1000000) for g in groups)
        expect(opened == ended > 10, f"{opened} groups begin, {ended} end")
        for group in "frames on the wire", "receive pipeline", "send pipeline", "assembler", "host port", "retire":
            part = w.save.partition(f"-{group}")[2].partition("\n-")[0]
            expect(group in w.save and part.count("cosim.") > 2, f"group {group}: {part.count('cosim.')} signals")
        for name, words in (("rcv_text", r"RcvAccept f\d+ [-FSRPA]{5} seq \d+"), ("snd_text", r"SevNext f\d+ emits Tx\w+ seq \d+"),
                            ("sample_text", r"Tx\w+ f\d+ seq \d+"), ("event_text", r"f\d+ ready to \d+"), ("rcv_peer", r"10\.\d+\.\d+\.\d+:\d+"),
                            ("tx_text", r"10\.\d+\.\d+\.\d+\.\d+ > 10.* \[[SFRP.]+\] \d+:\d+\(\d+\) ")):
            expect(any(re.match(words, t) for t in w.texts("u_view." + name)), f"{name}: {sorted(w.texts('u_view.' + name))[:3]}")

    def test_plain_build_alone_names_make_wave(self):
        alone = self.work / "lockwire"
        shutil.copy(self.lockwire, alone)
        for options, words in (["--frame", "7"], " FRAME=7"), (["--cycle", "9"], " CYCLE=9"), ([], ""):
            self.refused(f"make wave RUN={self.record(2)}{words}\n", self.record(2), "--wave", *options, lockwire=alone)
        expect(self.run("replay", self.record(2), "--cycle", 9, lockwire=alone).returncode == 0, "without --wave it needs none")

    def test_wave_that_ends_before_its_marker_says_so(self):
        folder = self.record(2)
        last = int(re.search(r"replayed (\d+) cycles", self.run("replay", folder).stdout)[1])
        for cycle, says in (last, False), (last + 5, True):
            r = self.run("replay", folder, "--wave", self.work / "end.fst", "--around", 20, "--cycle", cycle)
            expect(r.returncode == 0 and (f"ended at cycle {last}, before the marker" in r.stdout) == says, f"{cycle}: {r.stdout[-300:]}{r.stderr}")

    def test_changed_header_rebuilds_both_models(self):
        build = os.path.relpath(Path(self.lockwire).parent, ROOT)
        for target in ("obj/sim/model.o", "wave/model.o"):
            for header, wanted in (("dpi/base/blob.h", True), ("sim/model.h", True), ("sim/run.h", False)):
                r = subprocess.run(["make", "-n", f"B={build}", "-o", f"{build}/gen/parameters", "-W", header, f"{build}/{target}"], cwd=ROOT, capture_output=True,
                                   text=True, check=True)
                expect(("model.cpp" in r.stdout) == wanted, f"{target}, {header} changed: {r.stdout[-300:]}")

    def test_usage(self):
        folder = self.record(2)
        last = int(re.search(r"replayed (\d+) cycles", self.run("replay", folder).stdout)[1])
        for words, *args in (("not understood", "--frame", "x"), ("not understood", "--frame", 0), ("not understood", "--cycle", ""),
                             ("not understood", "--frame"), ("not understood", "--around", 0, "--cycle", 5), ("either", "--frame", 1, "--cycle", 1), ("no such", "--frame", 99999999),
                             ("no such", "--frame", "2:1"), ("ended before", "--wave", self.work / "late.fst", "--cycle", last + 1000),
                             ("No such file", "--wave", self.work / "no/where.fst", "--cycle", 5), ("which recording", )):
            self.refused(words, *([folder] if args else []), *args)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--lockwire", default="build/lockwire", help="with the build that traces beside it, as wave/lockwire")
    p.add_argument("--broken", default="build/broken/lockwire", help="the build that tells a judge something wrong")
    p.add_argument("--work", default="build/test_wave", help="where recordings go; deleted when all is well")
    p.add_argument("tests", nargs="*", help="names, or parts of them (default: all)")
    a = p.parse_args()
    t = Tests(a.lockwire, a.work, a.broken)
    good = run_tests(tests_of(t, a.tests))
    if good:
        shutil.rmtree(t.work)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
