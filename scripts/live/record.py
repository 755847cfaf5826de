# SPDX-License-Identifier: Apache-2.0
"""Group record: --record and --for."""
import re
import shutil
import time

from live.common import APP, ECHO, IP, WIRE, connect, echo_once, expect, expect_equal, on_nic_host, run, spread, tshark


def test_record(t, nic, folder):
    with connect() as s:
        echo_once(s, t.data(100_000))
    stats = nic.end_when_quiet()
    out = tshark(folder / "wire.pcapng", "-T", "fields", "-e", "frame.comment", "-e", "frame.len")
    lines = [line.split("\t") for line in out.splitlines()]
    odd = [c for c, _ in lines if not re.fullmatch(r"cycle=\d+ dir=(rx|tx) flow=(\d+|-)", c)]
    expect(not odd, f"frames without a proper comment, the first has '{odd[0] if odd else ''}'")
    for way in "rx", "tx":
        sizes = [int(n) for c, n in lines if f"dir={way}" in c]
        expect_equal((len(sizes), sum(sizes)), (stats[f"wire.{way}_frames"], stats[f"wire.{way}_bytes"]), way)
    cycles = [int(re.match(r"cycle=(\d+)", c).group(1)) for c, _ in lines]
    expect(cycles == sorted(cycles), "cycles run backwards")
    expect([c for c, _ in lines if c.endswith("flow=0")], "no frame belongs to a flow")


def test_for(t):
    began = time.monotonic()
    r = run(*on_nic_host(t.lockwire, "run", *spread(WIRE, IP, APP, "--for=1")), seconds=15)
    expect_equal((r.returncode, r.stderr.count("ready")), (0, 1), "status and ready")
    expect(0.9 < time.monotonic() - began < 5, f"--for 1 took {time.monotonic() - began:.1f} s")


def group(t):
    folder = t.work / "record"
    shutil.rmtree(folder, ignore_errors=True)
    with t.run_of("record_run", "--app", f"echo:{ECHO}", "--record", str(folder)) as nic:
        if nic:
            t.case("record_has_every_frame_with_cycle_direction_and_flow", test_record, t, nic, folder)
    t.case("for_ends_the_run_by_itself", test_for, t)
