# SPDX-License-Identifier: Apache-2.0
"""Group client: connections that we open, to ourselves, to Linux, and to who does not want them; and datagrams."""
import contextlib
import socket
import threading

from live.common import ECHO, MIB, NIC_IP, PEER_IP, expect, expect_equal, kernel_echo
from live.nic import LEFT, Nic, stat

REFUSED, SPOILT = 9, 10


def run_client(t, name, to, *options, size="4M"):
    nic = Nic(t, name, "--app", f"echo-client:4000,to={to},bytes={size}", *options)
    return nic, nic.run_through()


def test_self(t):
    """The frames never see the wire; what does is the address, asked for and announced."""
    nic, r = run_client(t, "client_self", f"{NIC_IP}:{ECHO}", "--app", f"echo:{ECHO}", size="16M")
    expect_equal(r.returncode, 0, f"status ({r.stderr.strip()[-300:]})")
    expect(f"{16 * MIB} bytes came back" in r.stderr, r.stderr)
    stats = nic.stats()
    expect(stats["wire.tx_frames"] in (2, 3), f"{stats['wire.tx_frames']} frames on the wire")   # asked for and announced, and again 2 s later
    expect_equal(stat(stats, LEFT), 0, LEFT)


def test_linux(t):
    with kernel_echo(lambda *cmd: cmd, PEER_IP, ECHO):
        _, r = run_client(t, "client_linux", f"{PEER_IP}:{ECHO}", size="16M")
    expect_equal(r.returncode, 0, f"status ({r.stderr.strip()[-300:]})")


def test_refused(t):
    _, r = run_client(t, "client_refused", f"{PEER_IP}:{REFUSED}")
    expect_equal((r.returncode, "Connection refused" in r.stderr), (2, True), r.stderr)


@contextlib.contextmanager
def spoiling_echo(port, place):
    """An echo of one connection that turns a bit of the byte at `place`."""
    def serve():
        with contextlib.suppress(OSError):
            c, _ = server.accept()
            done = 0
            while data := bytearray(c.recv(4096)):
                if done <= place < done + len(data):
                    data[place - done] ^= 1
                done += len(data)
                c.sendall(data)
    with socket.create_server((PEER_IP, port)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_spoilt(t):
    t.ports["reset"].add(SPOILT)
    with spoiling_echo(SPOILT, 100_000):
        _, r = run_client(t, "client_spoilt", f"{PEER_IP}:{SPOILT}")
    expect_equal((r.returncode, "byte 100000 came back as" in r.stderr), (1, True), r.stderr)


def test_datagrams(t):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((NIC_IP, ECHO))
        for size in (0, 1, 100, 1471, 1472):
            data = t.data(size)
            s.send(data)
            expect(s.recv(2000) == data, f"a datagram of {size} bytes came back otherwise")


def test_datagram_refused():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((NIC_IP, REFUSED))
        s.send(b"x")
        try:
            s.recv(10)
            expect(False, "a closed port answered")
        except ConnectionRefusedError:
            pass


def test_counters(nic):
    stats = nic.end()
    expect_equal([stat(stats, n) for n in ("udp_in", "udp_out", "udp_no_port", "icmp_unreachable_sent")], [5, 5, 1, 1], "datagrams")


def group(t):
    t.case("client_of_ours_connects_to_ourselves", test_self, t)
    t.case("client_of_ours_connects_to_linux", test_linux, t)
    t.case("client_of_ours_is_refused_with_status_2", test_refused, t)
    t.case("client_of_ours_tells_a_wrong_byte_with_status_1", test_spoilt, t)
    with t.run_of("datagrams", "--app", f"echo:{ECHO},udp") as nic:
        if nic:
            t.case("datagrams_are_echoed", test_datagrams, t)
            t.case("datagram_to_a_closed_port_is_refused", test_datagram_refused)
            t.case("datagrams_are_counted", test_counters, nic)
