# SPDX-License-Identifier: Apache-2.0
"""Group memcheck: real clients over a wire that does harm, with lockwire under valgrind: no error and no leak. Slow."""
import shutil

from live import kv
from live.common import ECHO, KV, MIB, expect, expect_equal, finish_nc, start_nc
from live.nic import LEFT, stat

VALGRIND = ["valgrind", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]
FAULT = "loss=0.01,dup=0.01,reorder=0.02,corrupt=0.005"


def test_nc(t):
    jobs = [start_nc(t, f"memcheck{i}", t.data(MIB)) for i in range(4)]
    for job in jobs:
        finish_nc(job, 120)


def test_end(nic):
    """Its status is 9 when valgrind has something to say."""
    stats = nic.end_when_quiet(lossy=True)
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect("ERROR SUMMARY: 0 errors" in nic.stderr(), "valgrind has not looked")


def group(t):
    folder = t.work / "memcheck"
    shutil.rmtree(folder, ignore_errors=True)
    options = ["--app", f"echo:{ECHO}", "--app", f"kv:{KV}", "--fault", f"{FAULT},seed={t.seed}", "--record", str(folder)]
    with t.run_of("memcheck_run", *options, under=VALGRIND) as nic:
        if not nic:
            return
        t.case("memcheck_echo_1_mib_by_four_nc_at_once", test_nc, t)
        t.case("memcheck_redis_cli", kv.test_redis_cli, t)
        t.case("memcheck_resets", kv.test_resets_leave_nothing, t)
        t.case("memcheck_finds_nothing", test_end, nic)
