# SPDX-License-Identifier: Apache-2.0
"""Builds with 64, 1024 and 4096 flows, all in use in turn, by nic_rate: what a segment takes of processor time, and memory per flow."""
import json

from benches.common import UNCHECKED, Bench, Job, make, output

NAME, LIVE, NEEDS = "scale", False, ()
FLOWS, FRAMES = (64, 1024, 4096), (64, 1514)
WAYS = {"receive": "received", "send": "sent", "both": "both ways at once"}


def cost(frame: int, way: str, flows: int) -> str:
    return f"a segment of a {frame}-byte frame {WAYS[way]}, {flows} flows"


def memory(flows: int) -> str:
    return f"memory per flow, {flows} flows, all rings filled"


FIGURES = {cost(frame, way, flows): "us" for frame in FRAMES for way in WAYS for flows in FLOWS} | {memory(flows): "KiB" for flows in FLOWS}


def builds(b: Bench) -> list[int]:
    return [64] if b.quick else list(FLOWS)


def prepare(b: Bench) -> None:
    for flows in builds(b):
        make(["nic_rate"], b.out / f"flows-{flows}", f"NUM_FLOWS={flows}")


def measure(b: Bench, flows: int) -> dict[str, float]:
    """The first row is that of a process that has had no other NIC, with both rings of each flow filled."""
    rows = json.loads(output(str(b.out / f"flows-{flows}" / "nic_rate"), "--json", "--scale", seconds=3600))
    return {cost(r["frame_bytes"], r["way"], flows): r["ns"] * 1e-3 for r in rows} | {memory(flows): rows[0]["resident_kib"] / flows}


def jobs(b: Bench) -> list[Job]:
    return [Job(UNCHECKED, f"{flows} flows", lambda n=flows: measure(b, n)) for flows in builds(b)]
