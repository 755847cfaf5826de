# SPDX-License-Identifier: Apache-2.0
"""The targets of `make bench`, and how what was measured is held against them."""
from collections.abc import Callable
from dataclasses import dataclass

from benches import builds, cycles, goodput, idle, redis, scale
from benches.common import CHECKED, LOOP, UNCHECKED

# A figure of a subject, by its median; None: it was not measured.
Measured = Callable[[str, str], float | None]


@dataclass
class Target:
    what: str
    at_least: bool                            # else at most
    limit: Callable[[Measured], float | None]
    value: Callable[[Measured], float | None]
    unit: str


def constant(limit: float) -> Callable[[Measured], float | None]:
    return lambda m: limit


def of(figure: str, subject: str) -> Callable[[Measured], float | None]:
    return lambda m: m(figure, subject)


def ratio(figure: str, base: str, subject: str) -> Callable[[Measured], float | None]:
    def quotient(m: Measured) -> float | None:
        a, b = m(figure, subject), m(base, subject)
        return a / b if a is not None and b else None
    return quotient


def half_of_loop(figure: str) -> Callable[[Measured], float | None]:
    def half(m: Measured) -> float | None:
        bound = m(figure, LOOP)
        return None if bound is None else bound / 2
    return half


def at_least(figure: str, subject: str, limit: float, unit: str) -> Target:
    return Target(f"{figure}, {subject}", True, constant(limit), of(figure, subject), unit)


def at_most(figure: str, subject: str, limit: float, unit: str) -> Target:
    return Target(f"{figure}, {subject}", False, constant(limit), of(figure, subject), unit)


def beside_loop(figure: str, what: str, unit: str) -> Target:
    return Target(f"{what}, {UNCHECKED}: half of what the loop-back does", True, half_of_loop(figure), of(figure, UNCHECKED), unit)


REQUESTS = [redis.figure(c, 16, 1) for c in redis.COMMANDS]
TARGETS = [
    *(at_least(f, s, limit, "Mbit/s") for s, limit in ((UNCHECKED, 300), (CHECKED, 150)) for f in (goodput.TO, goodput.FROM)),
    beside_loop(goodput.TO_FRAMES, "full frames to the NIC", "1/s"),
    beside_loop(goodput.FROM_FRAMES, "full frames from the NIC", "1/s"),
    *(at_least(f, UNCHECKED, 15000, "1/s") for f in REQUESTS),
    *(beside_loop(f, f, "1/s") for f in REQUESTS),
    *(at_most(cycles.segment("both", side, flows), CHECKED, 1.2 * cycles.BEATS, "cycles") for side in ("in", "out") for flows in cycles.FLOWS),
    *(at_most(f, CHECKED, 99, "cycles") for f in cycles.REQUEST),
    *(Target(f"{scale.cost(frame, way, 4096)}, against 64 flows", False, constant(1.2), ratio(scale.cost(frame, way, 4096), scale.cost(frame, way, 64), UNCHECKED), "times")
      for frame in scale.FRAMES for way in scale.WAYS),
    *(at_most(f, CHECKED, 1, "% CPU") for f in (idle.ALONE, idle.OPEN)),
    *(at_most(f, CHECKED, limit, "s") for f, limit in ((builds.CLEAN, 180), (builds.C_FILE, 5), (builds.RTL_LINE, 30))),
]
HELD, MISSED, UNKNOWN = "held", "NOT HELD", "not measured"


def judge(targets: list[Target], m: Measured) -> list[dict]:
    rows = []
    for t in targets:
        limit, value = t.limit(m), t.value(m)
        verdict = UNKNOWN
        if limit is not None and value is not None:
            verdict = HELD if (value >= limit if t.at_least else value <= limit) else MISSED
        rows.append({"what": t.what, "at_least": t.at_least, "limit": limit, "measured": value, "unit": t.unit, "verdict": verdict})
    return rows
