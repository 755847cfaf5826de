# SPDX-License-Identifier: Apache-2.0
"""Group record: --record and --for."""
import re
import shutil
import signal
import time

from live.common import (APP, ECHO, IP, MIB, WIRE, connect, echo_once, expect, expect_equal, finish_nc, on_nic_host, run,
                         spread, start_nc, tshark)
from live.nic import replay
from test_wave import Tests as WaveTests
from test_wave import frames


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


def test_wave(t, folder):
    """From a frame that a real client sent, or got, to the cycle in which it is on the NIC's stream."""
    waves, recorded = WaveTests(t.lockwire, t.work / "waves"), frames(folder / "wire.pcapng")
    data = [f for f in recorded if len(f.data) > 500]
    for f in next(f for f in data if f.out), next(f for f in data[len(data) // 2:] if not f.out):
        waves.marker_is_on(folder, f, str(f.number))
    shutil.rmtree(waves.work)


def test_for(t):
    began = time.monotonic()
    r = run(*on_nic_host(t.lockwire, "run", *spread(WIRE, IP, APP, "--for=1")), seconds=15)
    expect_equal((r.returncode, r.stderr.count("ready")), (0, 1), "status and ready")
    expect(0.9 < time.monotonic() - began < 5, f"--for 1 took {time.monotonic() - began:.1f} s")


def test_killed(t, nic):
    """What was recorded up to the last whole second before SIGKILL replays."""
    with connect() as s:
        until = time.monotonic() + 3.5
        while time.monotonic() < until:
            echo_once(s, t.data(20_000))
            t.ports["reset"].add(s.getsockname()[1])
        nic.proc.kill()
        nic.proc.wait()
    r = replay(nic)[1]
    expect((r.returncode, "has no end" in r.stdout) == (0, True), f"status {r.returncode}: {r.stdout}{r.stderr}")
    cycles = int(re.search(r"replayed (\d+) cycles", r.stdout).group(1))
    stamps = tshark(nic.record / "wire.pcapng", "-T", "fields", "-e", "frame.comment", "-e", "frame.time_relative").splitlines()
    last = max(float(line.split("\t")[1]) for line in stamps if int(re.match(r"cycle=(\d+)", line).group(1)) <= cycles)
    expect(last > 2, f"the replay ends {last} s after the first frame, the run was killed after 3.5 s")


LIMIT = 80   # MiB


def test_limited(t, nic):
    """A run with a limit keeps its last part, which replays, also after SIGKILL."""
    def segments():
        return sorted(int(f.name[9:15]) for f in nic.record.glob("stimulus-*.bin"))

    def size():
        return int(run("du", "-sb", str(nic.record)).stdout.split()[0])

    most, until = 0, time.monotonic() + 60
    with connect() as s:
        t.ports["reset"].add(s.getsockname()[1])
        while segments()[-1] < 20 and time.monotonic() < until:
            echo_once(s, t.data(500_000))
            most = max(most, size())
        nic.proc.kill()
        nic.proc.wait()
    expect(segments()[0] > 2 and segments()[-1] >= 20, f"segments {segments()}")
    expect(LIMIT << 19 < most < LIMIT << 20, f"{most} bytes, limit {LIMIT} MiB")
    r = run(t.lockwire, "replay", str(nic.record))
    expect((r.returncode, "begins after cycle" in r.stdout) == (0, True), f"status {r.returncode}: {r.stdout}{r.stderr}")
    last = nic.record / f"wire-{segments()[-2]:06}.pcapng"
    expect(tshark(last, "-T", "fields", "-e", "frame.comment").startswith("cycle="), f"{last.name} cannot be read by itself")


def test_stopped(t, nic):
    """A host that is held up raises no alarm of the checker."""
    job = start_nc(t, "stopped", t.data(16 * MIB))
    for _ in range(2):
        time.sleep(0.1)
        nic.proc.send_signal(signal.SIGSTOP)
        time.sleep(1)
        nic.proc.send_signal(signal.SIGCONT)
    finish_nc(job, 60)


def test_end(nic):
    nic.end_when_quiet()


def group(t):
    folder = t.work / "record"
    shutil.rmtree(folder, ignore_errors=True)
    with t.run_of("record_run", "--app", f"echo:{ECHO}", "--record", str(folder)) as nic:
        if nic:
            t.case("record_has_every_frame_with_cycle_direction_and_flow", test_record, t, nic, folder)
            if t.engine == "rtl":
                t.case("wave_marker_stands_on_a_live_frame", test_wave, t, folder)
    t.case("for_ends_the_run_by_itself", test_for, t)
    if t.engine != "rtl":
        return
    with t.run_of("killed", "--app", f"echo:{ECHO}") as nic:
        if nic:
            t.case("killed_recording_replays_to_its_last_second", test_killed, t, nic)
    with t.run_of("limited", "--app", f"echo:{ECHO}", "--record-limit", str(LIMIT)) as nic:
        if nic:
            t.case("limited_recording_keeps_its_last_part", test_limited, t, nic)


def group_stopped(t):
    with t.run_of("stopped", "--app", f"echo:{ECHO}") as nic:
        if nic:
            t.case("stopped_for_a_second_and_goes_on", test_stopped, t, nic)
            t.case("stopped_ends_well", test_end, nic)
