# SPDX-License-Identifier: Apache-2.0
"""Group minute: redis-benchmark and bulk for a minute over a wire that does harm; what was recorded replays in less time."""
import threading
import time

from live.common import ECHO, KV, MIB, NIC_IP, expect, finish_nc, run, start_nc
from live.nic import replay

SECONDS = 60
FAULT = "loss=0.001,dup=0.01,reorder=0.01,corrupt=0.0005"


def load(t, seconds):
    """Clients one after another until the time is over, of two kinds at once; what each of them found wrong, as text."""
    until, wrong = time.monotonic() + seconds, []

    def requests():
        while time.monotonic() < until:
            r = run("redis-benchmark", "-h", NIC_IP, "-t", "set,get", "-c", "16", "-n", "20000", "-q", seconds=60)
            if r.returncode != 0:
                wrong.append(f"redis-benchmark: status {r.returncode}: {r.stderr.strip()[-200:]}")

    def bulk():
        while time.monotonic() < until:
            finish_nc(start_nc(t, "minute", t.data(4 * MIB)), 60)

    def guarded(job):
        try:
            job()
        except Exception as e:   # a thread's own: told by the test, or expected by it
            wrong.append(str(e))

    threads = [threading.Thread(target=guarded, args=(job,)) for job in (requests, bulk)]
    for thread in threads:
        thread.start()
    return threads, wrong


def test_whole(t, nic):
    began = time.monotonic()
    threads, wrong = load(t, SECONDS)
    for thread in threads:
        thread.join()
    nic.end_when_quiet(lossy=True)
    took = time.monotonic() - began - nic.judged_seconds
    expect(not wrong, "; ".join(wrong))
    expect(nic.replayed_seconds < took, f"the run took {took:.0f} s, its replay {nic.replayed_seconds:.0f} s")


def test_killed(t, nic):
    threads, _ = load(t, SECONDS)
    time.sleep(SECONDS)
    nic.proc.kill()
    nic.proc.wait()
    seconds, r = replay(nic)
    for thread in threads:       # their connections are gone, which they learn when their time is over
        thread.join()
    expect((r.returncode, "has no end" in r.stdout) == (0, True), f"status {r.returncode}: {r.stdout}{r.stderr}")
    expect(seconds < SECONDS, f"the run took {SECONDS} s, its replay {seconds:.0f} s")


def group(t):
    for name, test in ("minute", test_whole), ("minute_killed", test_killed):
        with t.run_of(name, "--app", f"echo:{ECHO}", "--app", f"kv:{KV}", "--fault", f"{FAULT},seed={t.seed}") as nic:
            if nic:
                t.case(f"{name}_replays_in_less_time", test, t, nic)
