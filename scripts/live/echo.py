# SPDX-License-Identifier: Apache-2.0
"""Group echo: clients of the echo service, one and many, and the counters that must follow."""
import contextlib
import socket
import threading

from live.common import (ECHO, FLOWS, LOCAL, MIB, NIC_IP, connect, echo_once, expect, expect_equal, finish_nc, must, start_nc)
from testing import until
from live.nic import AFTER_FENCE, CLOSED, LEFT, OPENED, RX_RING, TX_RING, stat


class EchoBytes:
    """How many bytes and connections the echo run has seen, to be held against its counters."""

    bytes = connections = 0

    def add(self, n, connections=1):
        self.bytes += n
        self.connections += connections


def test_ping():
    out = must("ping", "-q", "-c", "5", "-i", "0.1", "-W", "2", NIC_IP)
    expect(" 0% packet loss" in out, out)


def test_nc_16_mib(t, seen):
    finish_nc(start_nc(t, "nc", t.data(16 * MIB)), 120)
    seen.add(16 * MIB)


def test_nc_eight_at_once(t, seen):
    jobs = [start_nc(t, f"nc{i}", t.data(16 * MIB)) for i in range(8)]
    for job in jobs:
        finish_nc(job, 140)
        seen.add(16 * MIB)


def test_500_in_sequence(t, seen):
    for i in range(500):
        data = t.data(1 + i % 3000)
        with connect() as s:
            echo_once(s, data)
            s.shutdown(socket.SHUT_WR)
            expect_equal(s.recv(1), b"", f"end of connection {i}")
        seen.add(len(data))


def test_65_at_once(t, seen):
    data = t.data(1000)
    with contextlib.ExitStack() as stack:
        open_ones = []
        for _ in range(FLOWS):
            s = stack.enter_context(connect())
            echo_once(s, data)
            open_ones.append(s)
        # The one too many gets no answer until a flow is free, and is served in the end: its kernel tries again.
        last = stack.enter_context(socket.socket())
        last.setblocking(False)
        last.connect_ex(LOCAL)
        for s in open_ones:
            echo_once(s, data)
        expect(last.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, "the connection too many was refused")
        expect(not is_connected(last), f"{FLOWS + 1} connections on {FLOWS} flows: is FLOWS right?")
        open_ones.pop().close()
        until(lambda: is_connected(last), 30, "the connection too many is served")
        last.settimeout(15)
        echo_once(last, data)
        for s in open_ones:
            echo_once(s, data)
    seen.add(len(data) * (FLOWS + FLOWS + FLOWS - 1 + 1), FLOWS + 1)


def is_connected(s):
    try:
        s.getpeername()
        return True
    except OSError:
        return False


def test_half_closed_peer_gets_the_rest(t, seen):
    """The peer sends much and its FIN, reads nothing for a while: the window closes, nothing is lost."""
    data = t.data(MIB)
    with connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        sender.start()
        got = bytearray()
        while chunk := s.recv(777):
            got += chunk
        sender.join(30)
    expect(bytes(got) == data, f"{len(got)} of {len(data)} bytes came back, or differ")
    seen.add(len(data))


def test_echo_counters(nic, seen):
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect_equal(stat(stats, RX_RING), seen.bytes, RX_RING)
    expect_equal(stat(stats, TX_RING), seen.bytes, TX_RING)
    expect_equal(stat(stats, AFTER_FENCE), 0, AFTER_FENCE)
    expect_equal(stat(stats, OPENED), seen.connections, OPENED)
    expect_equal(stat(stats, CLOSED), seen.connections, CLOSED)


def group(t):
    seen = EchoBytes()
    with t.run_of("echo", "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("ping", test_ping)
        # Counters are exact only if all of these ran to their end.
        ok = [
            t.case("echo_16_mib_by_nc", test_nc_16_mib, t, seen),
            t.case("echo_16_mib_by_eight_nc_at_once", test_nc_eight_at_once, t, seen),
            t.case("echo_500_connections_in_sequence", test_500_in_sequence, t, seen),
            t.case("echo_65_connections_at_once_on_64_flows", test_65_at_once, t, seen),
            t.case("echo_half_closed_slow_peer_gets_the_rest", test_half_closed_peer_gets_the_rest, t, seen),
        ]
        if all(ok):
            t.case("echo_every_payload_byte_crossed_both_rings_and_no_flow_is_left", test_echo_counters, nic, seen)
