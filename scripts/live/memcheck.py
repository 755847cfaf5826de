# SPDX-License-Identifier: Apache-2.0
"""Group memcheck: real clients over a wire that does harm, with lockwire under valgrind: no error and no leak. Slow."""
import shutil
import subprocess

from live import kv
from live.common import ECHO, KV, MIB, NIC_IP, PEER_IP, expect, expect_equal, finish_nc, kernel_echo, start_nc
from live.nic import LEFT, stat
from live.tools import NOBODY, Tool, make_root, real_nginx

VALGRIND = ["valgrind", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]
FAULT = "loss=0.01,dup=0.01,reorder=0.02,corrupt=0.005"


def test_nc(t):
    jobs = [start_nc(t, f"memcheck{i}", t.data(MIB)) for i in range(4)]
    for job in jobs:
        finish_nc(job, 120)


def client(t, name, *args, stdin=subprocess.DEVNULL, status=0):
    """One of our clients under valgrind, whose status is 9 when it has something to say."""
    tool = Tool(t, f"memcheck_{name}", name, *args, under=VALGRIND).begin(stdin)
    if stdin == subprocess.PIPE:
        with tool.proc.stdin as i:
            i.write(f"a 4000\nnonsense\nc {NIC_IP} 4000\nls\nst 1\ns 1 x\nifconfig add 10.99.0.9/24\nlr\ncl 1\n".encode())
        tool.proc.stdin = None
    _, err = tool.finish(status)
    expect("ERROR SUMMARY: 0 errors" in err, f"valgrind has not looked: {err[-200:]}")


def test_clients(t):
    root, out = make_root(t), t.work / "memcheck.out"
    with real_nginx(t, root, 8080):
        client(t, "wget", f"http://{PEER_IP}:8080/big.bin", f"out={out}")
        out.unlink()
    with kernel_echo(lambda *cmd: cmd, PEER_IP, ECHO), open(root / "big.bin", "rb") as data:
        client(t, "nc", f"{PEER_IP}:{ECHO}", stdin=data)
    client(t, "wget", f"http://{PEER_IP}:{NOBODY}/", f"out={out}", status=2)
    client(t, "ping", PEER_IP, "count=3", "interval=10", "size=60000")
    client(t, "udpecho", f"{PEER_IP}:{NOBODY}", "count=1", "timeout=100", status=1)
    client(t, "shell", stdin=subprocess.PIPE, status=2)


def test_end(nic):
    """Its status is 9 when valgrind has something to say."""
    stats = nic.end_when_quiet(lossy=True)
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect("ERROR SUMMARY: 0 errors" in nic.stderr(), "valgrind has not looked")


def group(t):
    t.case("memcheck_clients", test_clients, t)
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
