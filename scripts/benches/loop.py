# SPDX-License-Identifier: Apache-2.0
"""The same program with an RTL that only loops frames back (sim/loop): frames per second, beside the goodput and the requests of the same size."""
import json

from benches import goodput, redis
from benches.common import FULL_FRAME, LOOP, REQUEST_FRAME, Bench, Job, found, nic, output, peer_if
from testing import Fail

NAME, LIVE, NEEDS = "loop", True, ("loop/lockwire", "frame_load")
LEAST_FRAME, CLIENTS = 64, 16
IN_FLIGHT = 256                  # more do not make it faster
LEAST = f"frames of {LEAST_FRAME} bytes"
FIGURES = {LEAST: "1/s"}


def load(b: Bench, mac: str, size: int, in_flight: int) -> float:
    f = json.loads(output(b.tool("frame_load"), peer_if(), mac, str(size), str(b.size(2, 0.3)), str(in_flight)))
    if f["lost"]:
        raise Fail(f"the loop-back loses frames: {f}")
    return f["back_per_second"]


def measure(b: Bench) -> dict[str, float]:
    """Of requests as many are on their way as there are clients."""
    with nic(b, LOOP, program="loop/lockwire") as n:
        mac = found(r"\b([0-9a-f]{2}(?::[0-9a-f]{2}){5})\b", n.said)
        full, request = load(b, mac, FULL_FRAME, IN_FLIGHT), load(b, mac, REQUEST_FRAME, CLIENTS)
        f = {LEAST: load(b, mac, LEAST_FRAME, IN_FLIGHT)}
    return f | {goodput.TO_FRAMES: full, goodput.FROM_FRAMES: full} | {redis.figure(c, CLIENTS, 1): request for c in redis.COMMANDS}


def jobs(b: Bench) -> list[Job]:
    return [Job(LOOP, "frames", lambda: measure(b))]
