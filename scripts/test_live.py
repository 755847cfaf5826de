#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Live end-to-end tests: real clients against build/lockwire, inside `scripts/netns.sh scripts/test_live.py`."""
import argparse
import os
import signal
import sys
from pathlib import Path

from live import agreed, bad, bridge, brief, bulk, client, echo, ecn, flood, forward, hostile, httpd, judge, kv, memcheck, minute, net, record, repair, routed, shared, shell, soak, tools, vanish, window
from live.nic import Runner, on_alarm

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {"echo": echo.group, "kv": kv.group, "record": record.group, "hostile": hostile.group, "shared": shared.group,
          "client": client.group, "httpd": httpd.group, "forward": forward.group, "tools": tools.group, "shell": shell.group,
          "routed": routed.group, "window": window.group, "bad": bad.group, "net": net.group, "vanish": vanish.group}
REF_ONLY = ("vanish", "memcheck")
# Only when asked for, and after the judge, who would have too much to read, or sees harm done behind the engine's back.
LATE = {"flood": flood.group, "stopped": record.group_stopped, "lossy": bulk.group_lossy, "bulk": bulk.group_bulk, "memcheck": memcheck.group,
        "minute": minute.group, "soak": soak.group, "brief": brief.group, "agreed": agreed.group, "repair": repair.group, "ecn": ecn.group, "bridge": bridge.group, "path": net.group_path}


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("groups", nargs="*", help=f"which of {' '.join(GROUPS)} (default: all), {' '.join(LATE)}")
    p.add_argument("--lockwire", default=str(ROOT / "build" / "lockwire"))
    p.add_argument("--also", help="another build of it, of the same RTL, that replays each recording too (Icarus; hours where millions of cycles are)")
    p.add_argument("--engine", choices=["rtl", "ref"], default="rtl", help="what carries the data")
    p.add_argument("--work", default=str(ROOT / "build" / "test_live"), help="where files of the tests go")
    p.add_argument("--seed", type=int, default=1, help="of the data sent")
    p.add_argument("--soak", type=int, default=1800, metavar="SECONDS", help="that group soak lasts (1800)")
    p.add_argument("--keep", action="store_true", help="keep the capture also when all is well")
    a = p.parse_args()
    unknown = [g for g in a.groups if g not in GROUPS and g not in LATE]
    if unknown:
        p.error(f"no group called {unknown[0]}")
    out_of_place = [g for g in a.groups if g in REF_ONLY and a.engine != "ref"]
    if out_of_place:
        p.error(f"group {out_of_place[0]} wants --engine ref")
    if "LW_NIC_HOLDER" not in os.environ:
        p.error("run it as: scripts/netns.sh scripts/test_live.py")
    if not os.access(a.lockwire, os.X_OK):
        p.error(f"there is no {a.lockwire}: run `make build`")

    signal.signal(signal.SIGALRM, on_alarm)
    t = Runner(a)
    judged = [g for g in a.groups if g in GROUPS] if a.groups else [g for g in GROUPS if a.engine == "ref" or g not in REF_ONLY]
    watch = judge.Judge(t) if judged else None
    for name in judged:
        GROUPS[name](t)
    if judged:
        t.case("judge_sees_a_wrong_checksum", judge.test_judges, t)
    if judged and t.case("judge_finds_nothing_wrong_with_the_nic", judge.test_finds_nothing, t, watch) and not a.keep:
        watch.path.unlink()
    for name in [g for g in a.groups if g in LATE]:
        LATE[name](t)
    print(f"{t.passed} passed, {t.failed} failed")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
