# SPDX-License-Identifier: Apache-2.0
"""Cycles per second of a replay: of a recording of bulk both ways; and of a short one also as waves and on Icarus."""
import json
import time
from pathlib import Path

from benches import goodput
from benches.common import CHECKED, MIB, OPTIONS, SINK, SOURCE, UNCHECKED, Bench, Job, nic, nic_ip, output

NAME, LIVE, NEEDS = "replay", True, ("lockwire", "wave/lockwire", "icarus/lockwire")
REPLAY, WAVES, ICARUS = "cycles of a replay", "cycles of a replay written as waves", "cycles of a replay on Icarus"
FIGURES = {REPLAY: "1/s", WAVES: "1/s", ICARUS: "1/s"}
WAVE_CYCLES = 2000


def record(b: Bench, name: str, mib: int) -> Path:
    folder = b.work / name
    with nic(b, CHECKED, "--app", f"sink:{SINK}", "--app", f"source:{SOURCE}", keep=folder):
        goodput.both(nic_ip(), mib * MIB)
    return folder


def prepare(b: Bench) -> None:
    record(b, "long", int(b.size(8, 1)))
    record(b, "short", 1)


def per_second(b: Bench, subject: str, program: str, name: str) -> float:
    stats, began = b.work / "replay.json", time.monotonic()
    output(b.tool(program), "replay", str(b.work / name), "--stats", str(stats), *OPTIONS[subject])
    return json.loads(stats.read_text())["cycles"] / (time.monotonic() - began)


def waves_per_second(b: Bench) -> float:
    """From the first cycle on, so that nothing else is replayed."""
    began = time.monotonic()
    output(b.tool("lockwire"), "replay", str(b.work / "short"), "--wave", str(b.work / "wave.fst"), "--cycle", str(WAVE_CYCLES // 2),
           "--around", str(WAVE_CYCLES // 2))
    return WAVE_CYCLES / (time.monotonic() - began)


def measure(b: Bench, subject: str) -> dict[str, float]:
    f = {REPLAY: per_second(b, subject, "lockwire", "long")}
    if subject == CHECKED:
        f[WAVES] = waves_per_second(b)
        if not b.quick:
            f[ICARUS] = per_second(b, subject, "icarus/lockwire", "short")
    return f


def jobs(b: Bench) -> list[Job]:
    return [Job(s, NAME, lambda s=s: measure(b, s)) for s in (UNCHECKED, CHECKED)]
