# SPDX-License-Identifier: Apache-2.0
"""Simulated cycles per second of processor time, by nic_rate: nothing to do, and both streams full, with one flow and with all."""
import json

from benches.common import CHECKED, UNCHECKED, Bench, Job, output

NAME, LIVE, NEEDS = "speed", False, ("nic_rate",)
LOADS = {"idle": "pipelines idle", "full, 1514 bytes": "pipelines full of 1514-byte frames", "full, 64 bytes": "pipelines full of 64-byte frames"}
FLOWS = (1, 64)


def figure(load: str, flows: int) -> str:
    return f"simulated cycles, {LOADS[load]}, {flows} flow{'s' * (flows > 1)}"


FIGURES = {figure(load, flows): "1/s" for load in LOADS for flows in FLOWS}


def measure(b: Bench, subject: str) -> dict[str, float]:
    rows = json.loads(output(b.tool("nic_rate"), "--json", "--speed", "on" if subject == CHECKED else "off"))
    return {figure(r["load"], r["flows"]): r["cycles_per_second"] for r in rows}


def jobs(b: Bench) -> list[Job]:
    return [Job(s, "simulated cycles", lambda s=s: measure(b, s)) for s in (UNCHECKED, CHECKED)]
