# SPDX-License-Identifier: Apache-2.0
"""Group shared: --shared-ip, the NIC at the host's own address beside the kernel's TCP."""
import contextlib
import shutil
import socket

from live.common import (ECHO, MIB, NIC_IF, SHARED_IP, Fail, connect, echo_once, expect, expect_equal, finish_nc, kernel_echo, must,
                         on_nic_host, packet_socket, run, segment_of, start_nc)

def test_shared_echo(t):
    finish_nc(start_nc(t, "shared", t.data(4 * MIB), (SHARED_IP, ECHO)), 60)


def test_shared_no_rst(t):
    """No RST comes from our port, whatever happens on it."""
    with packet_socket() as sniffer:
        for _ in range(20):
            with connect((SHARED_IP, ECHO)) as s:
                echo_once(s, t.data(3000))
                s.shutdown(socket.SHUT_WR)
                expect_equal(s.recv(1), b"", "end")
        sniffer.settimeout(0.3)
        segments = []
        with contextlib.suppress(TimeoutError):
            while True:
                segments.append(segment_of(sniffer.recv(65536)))
    ours = [x for x in segments if x and (x.src_ip, x.src_port) == (SHARED_IP, ECHO)]
    # ACKs are delayed, so SYN-ACK, data, FIN and an ACK are all it must send.
    expect(len(ours) >= 80, f"only {len(ours)} frames from our port were seen")
    expect(not [x for x in ours if x.flags & 4], "a RST came from our port")


def test_shared_other_ports(t):
    must("ping", "-c", "1", "-W", "2", SHARED_IP)
    with kernel_echo(on_nic_host, SHARED_IP, 8000), connect((SHARED_IP, 8000)) as s:
        echo_once(s, t.data(100_000))
    try:
        connect((SHARED_IP, 81), seconds=5).close()
        raise Fail("port 81 should refuse")
    except ConnectionRefusedError:
        pass


def host_state():
    """What of sockets and rules the NIC host has."""
    state = {"packet sockets": must(*on_nic_host("cat", "/proc/net/packet")).splitlines()[1:]}
    tcp = must(*on_nic_host("cat", "/proc/net/tcp")).splitlines()[1:]
    state["listeners"] = [x for x in tcp if x.split()[3] == "0A"]
    if shutil.which("nft"):
        state["nft"] = must(*on_nic_host("nft", "list", "ruleset")).splitlines()
    state["addresses"] = must(*on_nic_host("ip", "-br", "addr")).splitlines()
    return state


def test_shared_kill(t, nic, before):
    """SIGKILL, in the middle of a connection: nothing of ours is left, and the kernel has its port again."""
    with connect((SHARED_IP, ECHO)) as s:
        t.ports["reset"].add(s.getsockname()[1])  # by the kernel, once the port is its own again
        echo_once(s, b"x")
        nic.proc.kill()
        nic.proc.wait()
        expect_equal(host_state(), before, "the NIC host's sockets and rules")
    with kernel_echo(on_nic_host, SHARED_IP, ECHO), connect((SHARED_IP, ECHO)) as s:
        echo_once(s, t.data(1000))


def group(t):
    before = {}
    try:
        must(*on_nic_host("ip", "addr", "add", f"{SHARED_IP}/24", "dev", NIC_IF))
        before = host_state()
        with t.run_of("shared_ip", "--shared-ip", "--app", f"echo:{ECHO}", ip=SHARED_IP) as nic:
            if not nic:
                return
            t.case("shared_ip_echo_4_mib", test_shared_echo, t)
            t.case("shared_ip_kernel_sends_no_rst", test_shared_no_rst, t)
            t.case("shared_ip_other_ports_work_as_before", test_shared_other_ports, t)
            t.case("shared_ip_kill_9_leaves_nothing", test_shared_kill, t, nic, before)
    finally:
        run(*on_nic_host("ip", "addr", "del", f"{SHARED_IP}/24", "dev", NIC_IF))
