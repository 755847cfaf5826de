#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The co-simulation on Icarus: it does what Verilator's does, cycle for cycle, and an X is seen in a NIC that has one; without a network."""
import argparse
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from test_replay import FILES
from testing import expect, run_tests, tests_of

ROOT = Path(__file__).resolve().parent.parent
SMALL, MIDDLE = 35, 71     # seeds of the pair: 400 and 2,000 cycles

# What is broken, in which file, by which replacements, and what must be said of it. All but the last is not seen by a simulator that begins
# with zeros.
BROKEN = (
    ("a valid without a reset", "rtl/tx/tx_mux.sv", [("      valid_o <= 1'b0;\n", "")], r"at cycle 1: X in tx_valid_o \(1'hx\)"),
    ("a counter without a reset", "rtl/nic_counters.sv", [("      slow_q     <= '0;\n", "")], r"X in cnt_data_o"),
    ("an output that is not connected", "rtl/nic_top.sv", [(", .slow_ok_o(slow_ok_o)", ""), ("output logic                    slow_ok_o", "output wire logic slow_ok_o")],
     r"flow \d+: X in slow_ok_o \(1'hz\)"),
    ("a receive context that an open leaves as it was", "rtl/rx/rcv_step.sv", [("        ctx_o              = '0;\n", "")],
     r"flow \d+: X in rcv_ctx\.\w+ \("),
    ("a send context that an open leaves as it was", "rtl/tx/send_pipe.sv", [("        ctx_step           = '0;\n", "")],
     r"flow \d+: X in snd_ctx\.\w+ \("),
    ("an input of an event that is never loaded", "rtl/tx/send_pipe.sv", [("    if (d_kind == SevIncoming) e_dd_q <= dd_i;\n", "")],
     r"flow \d+: X in snd dd_in\.\w+ \("),
    ("a payload lane that is never written", "rtl/prim/ring_write.sv", [("~({B{1'b1}} << hi_i)", "~({B{1'b1}} << hi_i) & ~(B'(1) << 9)")],
     r"X in (tx|pout)_data_o\[\d+:\d+\] \(8'h[0-9a-fxX]{2}\)"),
    ("an assertion that does not hold", "rtl/rx/rx_pipe.sv", [("assert(!dd_push || dd_in_ready)", "assert(!dd_push)")],
     r"at cycle \d+: the assertion in line \d+ of rx_pipe.sv does not hold"),
)


def said(r: subprocess.CompletedProcess) -> str:
    return f"status {r.returncode}: {(r.stdout + r.stderr)[-500:]}"


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.verilator, self.icarus, self.work = a.lockwire, Path(a.icarus), Path(a.work)
        self.iverilog, self.seeds = shlex.split(a.iverilog), a.seeds
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def run(self, program, *args, seconds=100) -> subprocess.CompletedProcess:
        return subprocess.run([str(program), *map(str, args)], capture_output=True, text=True, timeout=seconds)

    def record(self, seed: int, name: str, program=None, *options) -> tuple[Path, str]:
        """The recording of a seed's run, and what the run said."""
        folder = self.work / name
        r = self.run(program or self.verilator, "run", "--wire", "pair", "--seed", seed, "--record", folder, *options)
        expect(r.returncode == 0, said(r))
        return folder, r.stdout

    def replays(self, folder: Path, *options, seconds=100) -> None:
        """On both simulators with the same result."""
        stats = []
        for program, name in ((self.verilator, "verilator.json"), (self.icarus, "icarus.json")):
            r = self.run(program, "replay", folder, "--stats", self.work / name, *options, seconds=seconds)
            expect(r.returncode == 0 and "the same" in r.stdout, said(r))
            stats.append(json.loads((self.work / name).read_text()))
        expect(stats[0] == stats[1] and stats[0]["beats_out"] > 0, f"{stats}")

    def test_replays_what_verilator_recorded(self):
        for seed in SMALL, MIDDLE:
            self.replays(self.record(seed, "recorded")[0])
        self.replays(self.work / "recorded", "--check", "off")

    def test_writes_down_the_events_that_verilator_has(self):
        """Cycle by cycle; within a cycle in an order of its own."""
        folder, said_of = self.record(MIDDLE, "events")[0], []
        for program in self.verilator, self.icarus:
            r = self.run(program, "replay", folder, "--events", self.work / "events.json")
            expect(r.returncode == 0, said(r))
            said_of.append(sorted((self.work / "events.json").read_text().splitlines()))
        expect(said_of[0] == said_of[1] and len(said_of[0]) > 1000, f"{len(said_of[0])} and {len(said_of[1])} events")

    def test_records_what_verilator_records(self):
        one, two = self.record(MIDDLE, "same"), None
        one[0].rename(self.work / "verilator")
        two = self.record(MIDDLE, "same", self.icarus)
        expect(one[1] == two[1], f"{one[1]}{two[1]}")
        for name in FILES:
            expect((self.work / "verilator" / name).read_bytes() == (two[0] / name).read_bytes(), f"{name} differs")

    def test_a_second_model_in_the_process_does_the_same(self):
        r = self.run(self.icarus, "seeds", SMALL, 1, "--twice")
        expect(r.returncode == 0 and json.loads(r.stdout.splitlines()[0])["ok"], said(r))

    def test_changed_stimulus_turns_the_replay_red(self):
        folder = self.record(SMALL, "changed")[0]
        whole = bytearray((folder / "stimulus.bin").read_bytes())
        whole[len(whole) // 2] ^= 4
        (folder / "stimulus.bin").write_bytes(whole)
        r = self.run(self.icarus, "replay", folder)
        expect(r.returncode == 1 and "X in" not in r.stdout, said(r))

    def test_exit_status_gets_through(self):
        limited = self.work / "limited"
        for status, words, args in ((0, "usage", ("replay", "--help")), (2, "no such command", ("nonsense",)), (2, "No such file", ("replay", self.work / "nowhere")),
                                    (2, "no restart points", ("run", "--wire", "pair", "--seed", SMALL, "--record", limited, "--record-limit", "1"))):
            r = self.run(self.icarus, *args)
            expect(r.returncode == status and words in r.stdout + r.stderr, f"{args}: {said(r)}")
            expect(status == 0 or (r.stdout + r.stderr).count("\n") == 1, f"{args}: more than one line: {said(r)}")

    def test_interrupted_replay_ends_as_any_program(self):
        folder = self.record(4, "long")[0]
        for sig in signal.SIGINT, signal.SIGTERM:
            # What a shell has started in the background ignores SIGINT, and so would this.
            p = subprocess.Popen([str(self.icarus), "replay", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            time.sleep(0.5)
            p.send_signal(sig)
            text = p.communicate(timeout=10)[0]
            expect(p.returncode == -sig, f"status {p.returncode} after {sig.name}: {text}")

    # --- an X is seen -----------------------------------------------------------------------------------------------

    def build_broken(self, file: str, edits: list[tuple[str, str]]) -> Path:
        """The Icarus build with some text of one file replaced."""
        tree = self.work / "broken"
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(ROOT / "rtl", tree / "rtl")
        for name in "lockwire", "lockwire.vpi":
            shutil.copy(self.icarus.parent / name, tree)
        text = (tree / file).read_text(encoding="ascii")
        for old, new in edits:
            expect(text.count(old) == 1, f"{file} has '{old.strip()}' {text.count(old)} times")
            text = text.replace(old, new)
        (tree / file).write_text(text, encoding="ascii")
        sources = [str(tree / line) for line in (ROOT / "rtl" / "nic.f").read_text().split()] + [str(tree / "rtl/prim/ring_mem.sv")]
        tops = sorted(map(str, (ROOT / "sim" / "icarus").glob("*.sv")))
        r = self.run(self.iverilog[0], *self.iverilog[1:], f"-I{tree / 'rtl'}", "-s", "icarus_top", "-o", tree / "lockwire.vvp", *sources, *tops)
        expect(r.returncode == 0, said(r))
        return tree / "lockwire"

    def unknown_is_seen(self, file: str, edits: list[tuple[str, str]], words: str) -> None:
        broken, folder = self.build_broken(file, edits), self.work / "x"
        if not folder.exists():
            self.record(MIDDLE, "x")
        for options in ((), ("--check", "off")):
            r = self.run(broken, "replay", folder, *options)
            lines = [line for line in r.stdout.splitlines() if "DIFFERS" in line]
            expect(r.returncode == 1 and len(lines) == 1 and re.search(words, lines[0]), f"{' '.join(options)} wanted '{words}': {said(r)}")
            expect(len(r.stdout.splitlines()) == 2 and "at cycle" in lines[0] and not r.stderr, said(r))
        r = self.run(broken, "run", "--wire", "pair", "--seed", MIDDLE)
        expect(r.returncode == 1 and re.search(words, r.stderr) and r.stderr.count("\n") == 1, said(r))

    # --- longer, for `make accept` ----------------------------------------------------------------------------------

    def seed_replays(self, seed: int) -> None:
        self.replays(self.record(seed, "seed")[0], seconds=3600)

    def all(self) -> bool:
        if self.seeds:
            return run_tests((f"seed_{n}_replays_on_icarus", lambda n=n: self.seed_replays(n)) for n in range(1, self.seeds + 1))
        broken = [(f"icarus_sees_{b[0].replace(' ', '_')}", lambda b=b: self.unknown_is_seen(*b[1:])) for b in BROKEN]
        return run_tests(tests_of(self, prefix="icarus_") + broken)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--lockwire", default=str(ROOT / "build/lockwire"), help="with Verilator's model")
    p.add_argument("--icarus", default=str(ROOT / "build/icarus/lockwire"), help="with Icarus")
    p.add_argument("--iverilog", default="iverilog -g2012", help="the command that compiles the RTL for it, with the build's parameters")
    p.add_argument("--seeds", type=int, default=0, help="instead: so many seeds of the pair, recorded by the one and replayed by the other")
    p.add_argument("--work", default=str(ROOT / "build/test_icarus"), help="where files of the tests go")
    return 0 if Tests(p.parse_args()).all() else 1


if __name__ == "__main__":
    sys.exit(main())
