# SPDX-License-Identifier: Apache-2.0
"""Builds with 64, 1024 and 4096 flows, all in use in turn, by nic_rate: what a segment takes of processor time, and memory per flow."""
import json
from pathlib import Path

from benches.common import UNCHECKED, Bench, Job, make, output

NAME, LIVE, NEEDS = "scale", False, ("nic_rate",)
FLOWS, FRAMES = (64, 1024, 4096), (64, 1514)
WAYS = {"receive": "received", "send": "sent", "both": "both ways at once"}


def cost(frame: int, way: str, flows: int) -> str:
    return f"a segment of a {frame}-byte frame {WAYS[way]}, {flows} flows"


def memory(flows: int) -> str:
    return f"resident memory by flows, {flows} flows, all rings filled"


FIGURES = {cost(frame, way, flows): "us" for frame in FRAMES for way in WAYS for flows in FLOWS} | {memory(flows): "KiB" for flows in FLOWS}


def build(b: Bench, flows: int) -> Path:
    return b.build if b.quick else b.out / f"flows-{flows}"


def prepare(b: Bench) -> None:
    for flows in () if b.quick else FLOWS:
        make(["nic_rate"], build(b, flows), f"NUM_FLOWS={flows}")


def measure(b: Bench, flows: int) -> dict[str, float]:
    """The first row is that of a process that has had no other NIC, with both rings of each flow filled."""
    rows = json.loads(output(str(build(b, flows) / "nic_rate"), "--json", "--scale", seconds=3600))
    return {cost(r["frame_bytes"], r["way"], flows): r["ns"] * 1e-3 for r in rows} | {memory(flows): rows[0]["resident_kib"] / flows}


def jobs(b: Bench) -> list[Job]:
    return [Job(UNCHECKED, f"{flows} flows", lambda n=flows: measure(b, n)) for flows in ((64,) if b.quick else FLOWS)]
