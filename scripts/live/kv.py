# SPDX-License-Identifier: Apache-2.0
"""Group kv: redis' own clients, ends of connections in many ways, idleness, SIGTERM."""
import contextlib
import errno
import re
import signal
import socket
import struct
import threading
import time

from live.common import ECHO, FLOWS, KV, MIB, NIC_IP, PEER_IP, ask, connect, expect, expect_equal, must, recv_exactly, run
from live.nic import AFTER_FENCE, LEFT, stat

SMALL_KV = 6380   # with maxmem=1M


def redis(*args, **kw):
    return must("redis-cli", "-h", NIC_IP, *args, **kw)


def test_redis_cli(t):
    value = "".join(chr(33 + b % 90) for b in t.data(200_000))
    expect_equal(redis("-x", "set", "big", input=value), "OK\n", "SET big")
    expect(redis("get", "big") == value + "\n", "GET big differs")
    expect_equal(redis("strlen", "big"), f"{len(value)}\n", "STRLEN big")
    expect_equal(redis("append", "n", "41"), "2\n", "APPEND n")
    expect_equal(redis("incr", "n"), "42\n", "INCR n")
    expect_equal(redis("mset", "a", "1", "b", "2"), "OK\n", "MSET")
    expect_equal(redis("mget", "a", "none", "b"), "1\n\n2\n", "MGET")
    expect_equal(redis("exists", "a", "b", "c"), "2\n", "EXISTS")
    expect_equal(redis("del", "a"), "1\n", "DEL")
    expect_equal(redis("dbsize"), "3\n", "DBSIZE")
    expect(redis("get").startswith("ERR wrong number of arguments"), "GET without a key")
    many = "".join(f"set key:{i} {i}\nget key:{i}\n" for i in range(500))
    expect_equal(redis(input=many), "".join(f"OK\n{i}\n" for i in range(500)), "500 SET and GET in one connection")
    expect_equal(redis("flushall"), "OK\n", "FLUSHALL")


def test_redis_benchmark():
    args = ["-h", NIC_IP, "-t", "ping,set,get", "-c", "16", "-n", "5000", "-q"]
    out = run("redis-benchmark", *args, seconds=120)
    lines = [x for x in re.split(r"[\r\n]+", out.stdout) if "requests per second" in x]
    expect_equal(out.returncode, 0, f"redis-benchmark's status ({out.stderr.strip()[-200:]})")
    expect_equal(len(lines), 4, "results of redis-benchmark")
    expect(not re.search(r"err|fail", out.stdout + out.stderr, re.I), f"redis-benchmark: {out.stdout}{out.stderr}")


def test_pipeline_cut_anywhere(t):
    """Many requests in pieces of any size; the replies come back whole and in order."""
    requests = b"".join(b"*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (n, b"x" * n) for n in range(0, 2000, 7))
    want = b"".join(b"$%d\r\n%s\r\n" % (n, b"x" * n) for n in range(0, 2000, 7))
    with connect((NIC_IP, KV)) as s:
        def send():
            at = 0
            while at < len(requests):
                n = t.rng.randint(1, 3000)
                s.sendall(requests[at:at + n])
                at += n

        sender = threading.Thread(target=send)
        sender.start()
        got = recv_exactly(s, len(want))
        sender.join(30)
    expect(got == want, "replies differ")


def test_server_closes_first():
    """After QUIT the closing side is ours: its TIME-WAIT must not hold a flow."""
    for _ in range(2 * FLOWS):
        with connect((NIC_IP, KV)) as s:
            s.sendall(b"QUIT\r\n")
            expect_equal(recv_exactly(s, 5), b"+OK\r\n", "QUIT")
            expect_equal(s.recv(1), b"", "end after QUIT")


def test_resets_leave_nothing(t):
    """Peers that vanish with RST, with bytes under way in both directions."""
    for _ in range(100):
        s = connect((NIC_IP, KV))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(b"SET k " + t.data(4).hex().encode() * 100 + b"\r\nGET k\r\nGET")
        s.close()
    test_server_closes_first()


def test_closed_port(t):
    with socket.socket() as s:
        s.bind((PEER_IP, 0))
        t.ports["reset"].add(s.getsockname()[1])
        s.settimeout(5)
        expect_equal(s.connect_ex((NIC_IP, 81)), errno.ECONNREFUSED, "connecting to port 81")


def test_malformed():
    """What is no RESP is refused in a line, and the connection ends; who speaks it is served."""
    with connect((NIC_IP, KV)) as other:
        for request in (b"*x\r\n", b"*1048577\r\n", b"*99999999999999999999\r\n", b"*1\r\n+PING\r\n", b"*1\r\n$-5\r\n", b"*1\r\n$536870913\r\n",
                        b"*1\r\n$4\r\nPINGxx", b"*1\r\n$4x\r\n", b"*1\r\n$" + b"0" * 30 + b"\r\n", b"GET \"x\r\n", b"x" * 65537):
            got = ask((NIC_IP, KV), request)
            expect(got.startswith(b"-ERR Protocol error: ") and got.count(b"\r\n") == 1 and got.endswith(b"\r\n"), f"{request[:40]!r}: {got[:80]!r}")
            other.sendall(b"PING\r\n")
            expect_equal(recv_exactly(other, 7), b"+PONG\r\n", f"PING elsewhere after {request[:40]!r}")


def test_memory_limit(nic):
    """A store that is full says so, reads, deletes, and takes again; the process does not grow with what is sent."""
    def set_(key, value):
        return b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value)

    before = nic.resident_kib()
    with connect((NIC_IP, SMALL_KV)) as s:
        said = []
        for i in range(200):
            s.sendall(set_(b"key%d" % i, b"x" * 10000))
            said.append(recv_exactly(s, 5))
            if said[-1] != b"+OK\r\n":
                expect(said[-1] == b"-OOM " and s.recv(1000).endswith(b"\r\n"), f"the refusal was {said[-1]!r}")
        room = said.count(b"+OK\r\n")
        expect(80 < room < 105 and b"-OOM " not in said[:room], f"{room} values of 10 kB fit into a MiB")
        s.sendall(set_(b"huge", b"x" * (8 * MIB)) + b"PING\r\n")
        expect(recv_exactly(s, 5) == b"-OOM ", "8 MiB were taken")
        while not (got := s.recv(1000)).endswith(b"+PONG\r\n"):
            expect(got, "no answer behind what was too large")
        s.sendall(b"DBSIZE\r\nDEL key0 key1\r\n" + set_(b"again", b"y" * 10000) + b"STRLEN again\r\n")
        want = b":%d\r\n:2\r\n+OK\r\n:10000\r\n" % room
        expect_equal(recv_exactly(s, len(want)), want, "when there was room again")
    grown = nic.resident_kib() - before
    expect(grown < 4096, f"{grown} KiB more, with maxmem=1M")


def test_idle(nic):
    """Two percent of one core over ten seconds, with connections open."""
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            s = stack.enter_context(connect((NIC_IP, KV)))
            s.sendall(b"PING\r\n")
            recv_exactly(s, 7)
        before = nic.cpu_seconds()
        time.sleep(10)  # the span that is measured, not a wait for something
        spent = nic.cpu_seconds() - before
        expect(spent < 0.2, f"{spent:.2f} s of CPU in 10 s of idleness")


def test_sigterm_with_open_connections(t, nic):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect((NIC_IP, KV))) for _ in range(8)]
        for s in clients:
            t.ports["reset"].add(s.getsockname()[1])
            s.sendall(b"PING\r\n")
            recv_exactly(s, 7)
        stats = nic.end(signal.SIGTERM)
        for s in clients:   # each was told that it is over
            s.settimeout(1)
            try:
                expect(False, f"{s.recv(1)} in place of a reset")
            except ConnectionResetError:
                pass
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect_equal(stat(stats, AFTER_FENCE), 0, AFTER_FENCE)


def group(t):
    with t.run_of("kv", "--app", f"kv:{KV}", "--app", f"kv:{SMALL_KV},maxmem=1M", "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("kv_redis_cli", test_redis_cli, t)
        t.case("kv_redis_benchmark", test_redis_benchmark)
        t.case("kv_pipeline_cut_anywhere", test_pipeline_cut_anywhere, t)
        t.case("kv_time_wait_holds_no_flow", test_server_closes_first)
        t.case("kv_resets_leave_nothing", test_resets_leave_nothing, t)
        t.case("kv_refuses_what_is_no_resp", test_malformed)
        t.case("kv_keeps_to_its_memory", test_memory_limit, nic)
        t.case("closed_port_refuses", test_closed_port, t)
        t.case("idle_with_connections_open_costs_less_than_2_percent", test_idle, nic)
        t.case("sigterm_ends_cleanly_with_connections_open", test_sigterm_with_open_connections, t, nic)
