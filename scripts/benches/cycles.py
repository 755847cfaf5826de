# SPDX-License-Identifier: Apache-2.0
"""What the NIC does in a cycle, by nic_rate: exact, the same in each run, and without a network."""
import json

from benches.common import CHECKED, Bench, Job, output

NAME, LIVE, NEEDS = "cycles", False, ("nic_rate",)
PAYLOAD, FRAME, LEAST_FRAME = 1460, 1514, 64
BEATS = -(-FRAME // 64)
# Ways as nic_rate names them, and the side that is looked at.
WORDS = {("receive", "in"): "received, one way", ("send", "out"): "sent, one way", ("both", "in"): "received, both ways at once", ("both", "out"): "sent, both ways at once"}
FLOWS = (1, 64)
DELAYS = {(f"{what}, {n} byte{'s' * (n > 1)}"): (said, n) for n in (1, 64)
          for what, said in (("write to segment", "write to segment"), ("ACK to the segment it lets go", "ACK to segment"), ("segment to its ACK", "segment to its ACK"),
                             ("request to its answer by way of the program", "request to its answer, by way of the program"))}
REQUEST = [d for d in DELAYS if d.startswith("request")]


def segment(way: str, side: str, flows: int) -> str:
    return f"a {PAYLOAD}-byte segment {WORDS[way, side]}, {flows} flow{'s' * (flows > 1)}"


def least(way: str, side: str, flows: int) -> str:
    return f"{LEAST_FRAME}-byte frames {WORDS[way, side]}, {flows} flow{'s' * (flows > 1)}"


AT = [(way, side, flows) for way, side in WORDS for flows in FLOWS]
FIGURES = dict.fromkeys((segment(*at) for at in AT), "cycles") | dict.fromkeys((least(*at) for at in AT), "per cycle") | dict.fromkeys(DELAYS, "cycles")


def measure(b: Bench) -> dict[str, float]:
    rows = json.loads(output(b.tool("nic_rate"), "--json", "--cycles"))
    rates = {(r["frame_bytes"], r["way"], side, r["flows"]): r[f"segments_{side}"] for r in rows if "way" in r for side in ("in", "out")}
    delays = {(r["what"], r["payload_bytes"]): r["cycles"] for r in rows if "what" in r}
    return ({segment(*at): 1 / rates[FRAME, *at] for at in AT} | {least(*at): rates[LEAST_FRAME, *at] for at in AT}
            | {f: delays[at] for f, at in DELAYS.items()})


def jobs(b: Bench) -> list[Job]:
    return [Job(CHECKED, "cycles", lambda: measure(b), runs=1)]
