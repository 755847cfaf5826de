# SPDX-License-Identifier: Apache-2.0
"""Group forward: a real redis-server behind the NIC, and what becomes of connections when there is none."""
import contextlib
import errno
import re
import socket
import subprocess

from live.common import MIB, NIC_IP, NIC_IF, PEER_IP, connect, expect, expect_equal, finish_nc, kernel_echo, must, on_nic_host, recv_exactly, run, start_nc
from testing import redis_server, until
from live.nic import LEFT, stat

SILENT_IP, SILENT = "10.77.0.2", 81   # on a network of the NIC host's kernel where nobody is
REDIS, ECHO, NOBODY, BEHIND, BEHIND_ECHO, BEHIND_NOBODY = 6379, 7, 9, 6380, 7777, 9999


@contextlib.contextmanager
def real_redis(t):
    """On the NIC host's loopback."""
    with open(t.work / "redis.log", "wb") as log:
        p = subprocess.Popen(on_nic_host(redis_server(t.work), "--port", str(BEHIND), "--bind", "127.0.0.1", "--save", "", "--dir", str(t.work)),
                             stdout=log, stderr=log)
    try:
        until(lambda: run(*on_nic_host("redis-cli", "-p", str(BEHIND), "ping")).stdout == "PONG\n" or p.poll() is not None, 20, "redis-server")
        yield
    finally:
        p.kill()
        p.wait()


@contextlib.contextmanager
def silent_network():
    must(*on_nic_host("ip", "addr", "add", "10.77.0.1/24", "dev", NIC_IF))
    try:
        yield
    finally:
        must(*on_nic_host("ip", "addr", "del", "10.77.0.1/24", "dev", NIC_IF))


def redis(*args, **kw):
    return must("redis-cli", "-h", NIC_IP, *args, **kw)


def test_redis_cli(t):
    value = "".join(chr(33 + b % 90) for b in t.data(200_000))
    expect("redis_version" in redis("info", "server"), "it is a real redis")
    expect_equal(redis("-x", "set", "big", input=value), "OK\n", "SET big")
    expect(redis("get", "big") == value + "\n", "GET big differs")
    expect_equal(redis("flushall"), "OK\n", "FLUSHALL")


def test_redis_benchmark(clients):
    out = run("redis-benchmark", "-h", NIC_IP, "-t", "ping,set,get", "-c", str(clients), "-n", "5000", "-q", seconds=120)
    lines = [x for x in re.split(r"[\r\n]+", out.stdout) if "requests per second" in x]
    expect_equal(out.returncode, 0, f"redis-benchmark's status ({out.stderr.strip()[-200:]})")
    expect_equal(len(lines), 4, "results of redis-benchmark")
    expect(not re.search(r"err|fail", out.stdout + out.stderr, re.I), f"redis-benchmark: {out.stdout}{out.stderr}")


def test_bulk(t):
    """Both ways at once, with a half-close at the end of each."""
    jobs = [start_nc(t, f"forward{i}", t.data(4 * MIB)) for i in range(3)]
    for job in jobs:
        finish_nc(job, 60)


def test_nobody_there(t, port):
    with socket.socket() as s:
        s.bind((PEER_IP, 0))
        t.ports["reset"].add(s.getsockname()[1])
        s.settimeout(15)
        with contextlib.suppress(ConnectionResetError):
            s.connect((NIC_IP, port))
            expect_equal(s.recv(1), None, "instead of a reset came")


def test_servers_reset(t):
    """redis resets nobody by itself: SHUTDOWN while a client waits ends its connection."""
    with connect((NIC_IP, REDIS)) as s:
        t.ports["reset"].add(s.getsockname()[1])
        s.sendall(b"PING\r\n")
        expect_equal(recv_exactly(s, 7), b"+PONG\r\n", "PING")
        run("redis-cli", "-h", NIC_IP, "shutdown", "nosave")
        try:
            expect_equal(s.recv(1), b"", "after SHUTDOWN")
        except OSError as e:
            expect_equal(e.errno, errno.ECONNRESET, "after SHUTDOWN")


def test_nothing_left(nic):
    expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)
    lines = [x for x in nic.stderr().splitlines() if "forward" in x and "ready" not in x]
    expect_equal(lines, [f"lockwire: forward:{NOBODY}: to 127.0.0.1:{BEHIND_NOBODY}: Connection refused",
                         f"lockwire: forward:{SILENT}: to {SILENT_IP}:80: No route to host"], "what was said of servers")


def group(t):
    apps = {REDIS: BEHIND, ECHO: BEHIND_ECHO, NOBODY: BEHIND_NOBODY}
    options = [x for port, to in apps.items() for x in ("--app", f"forward:{port}=127.0.0.1:{to}")]
    options += ["--app", f"forward:{SILENT}={SILENT_IP}:80"]
    with silent_network(), real_redis(t), kernel_echo(on_nic_host, "127.0.0.1", BEHIND_ECHO), t.run_of("forward", *options) as nic:
        if not nic:
            return
        t.case("forward_redis_cli", test_redis_cli, t)
        t.case("forward_redis_benchmark_16_clients", test_redis_benchmark, 16)
        t.case("forward_redis_benchmark_50_clients", test_redis_benchmark, 50)
        t.case("forward_echoes_4_mib_through_a_kernel_server", test_bulk, t)
        t.case("forward_resets_when_nobody_is_there", test_nobody_there, t, NOBODY)
        t.case("forward_resets_when_nobody_answers", test_nobody_there, t, SILENT)
        t.case("forward_passes_the_servers_end_on", test_servers_reset, t)
        t.case("forward_leaves_nothing", test_nothing_left, nic)
