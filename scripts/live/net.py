# SPDX-License-Identifier: Apache-2.0
"""Groups net and path: pings either way, also through a router, and what routers and hosts say of packets; what is longer than a frame, in fragments
each way; a path that comes to take less than the link; a second station with our address."""
import contextlib
import re
import socket
import struct
import subprocess

from live.common import (ECHO, MIB, NIC_IP, PEER_IP, PEER_IF, expect, expect_equal, finish_nc, must, own_mac, packet_socket,
                         segment_of, sha256, start_nc)
from testing import until
from live.far import FAR_IP, ROUTER_IP, far_host
from live.nic import LEFT, Nic, stat
from live.tools import tool

LONGEST = 65507
SMALL_MTU = 1280
NOBODY_IP = "10.98.0.77"   # in the far network


def ping(on, size, count=5):
    out = must(*on("ping", "-q", "-c", str(count), "-i", "0.1", "-W", "5", "-s", str(size), NIC_IP))
    expect(" 0% packet loss" in out, out)


def here(*cmd):
    return list(cmd)


def test_pings(on):
    for size in (1472, 1473, 60000, LONGEST):
        ping(on, size)


def test_our_pings(t):
    """Ours, of Linux's: near, and beyond the router, which takes one of the time to live."""
    for ip, ttl, way in ((PEER_IP, 64, ()), (FAR_IP, 63, ("--gw", PEER_IP))):
        for size in (56, 60000):
            out, _ = tool(t, f"ping_{ip}_{size}", "ping", ip, "count=3", "interval=100", f"size={size}", *way)
            out = out.decode()
            expect_equal(len(re.findall(rf"^{size + 8} bytes from {ip}: icmp_seq=\d ttl={ttl} time=", out, re.M)), 3, f"answers in {out}")
            expect("3 packets transmitted, 3 received, 0% packet loss" in out, out)


def test_to_ourselves(t):
    """By our address and by the loopback's: from socket to socket, and nothing of it on the wire."""
    for ip in (NIC_IP, "127.0.0.1"):
        nic = Nic(t, f"to_{ip}", "--app", f"echo:{ECHO}", "--app", f"echo-client:4000,to={ip}:{ECHO},bytes=1M")
        with packet_socket() as wire:
            r = nic.run_through()
            wire.settimeout(0.2)
            seen = []
            with contextlib.suppress(TimeoutError):
                while True:
                    seen.append(segment_of(wire.recv(65536)))
        expect_equal(r.returncode, 0, f"status ({r.stderr.strip()[-300:]})")
        expect(f"{MIB} bytes came back" in r.stderr, r.stderr)
        expect(seen and not any(seen), f"{len(seen)} frames on the wire, {sum(map(bool, seen))} of TCP")


def test_port_unreachable():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((NIC_IP, 9))
        s.send(b"anybody?")
        try:
            s.recv(100)
            expect(False, "somebody answers")
        except ConnectionRefusedError:
            pass


def test_flood():
    out = must("ping", "-q", "-f", "-c", "300", "-W", "5", "-s", "20000", NIC_IP)
    expect(" 0% packet loss" in out, out)


def test_datagrams(t):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((NIC_IP, ECHO))
        for size in (1472, 1473, 9000, 60000, LONGEST):
            data = t.data(size)
            s.send(data)
            expect(s.recv(LONGEST + 1) == data, f"a datagram of {size} bytes came back otherwise")


def test_fragmented_segments(t, far):
    """The far host lets the router cut its segments; the NIC puts them together and has them carried like any others."""
    must(*far.on("sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=1"))
    must(*far.on("ip", "route", "change", "default", "via", ROUTER_IP, "advmss", "740"))   # what the NIC sends passes whole
    must("ip", "link", "set", PEER_IF, "mtu", "800")
    try:
        finish_nc(start_nc(t, "fragmented", t.data(MIB), on=far.on), 100)
    finally:
        must("ip", "link", "set", PEER_IF, "mtu", "1500")
        must(*far.on("ip", "route", "change", "default", "via", ROUTER_IP))
        must(*far.on("sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=0"))


def test_counters(nic):
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)
    # Each ping of 5 but the shortest, the flood, four datagrams, a MiB in segments of 1448.
    expect(stat(stats, "ip_reassembled") > 2 * 3 * 5 + 300 + 4 + 700, f"{stat(stats, 'ip_reassembled')} put together")
    expect_equal([stat(stats, n) for n in ("ip_fragment_bad", "ip_fragment_refused", "ip_reassembly_timeout", "tcp_too_long")], [0] * 4, "drops")


def group(t):
    t.case("net_connections_to_ourselves_stay_inside", test_to_ourselves, t)
    with far_host():
        t.case("net_our_pings_of_linux_and_through_a_router", test_our_pings, t)
    with far_host() as far, t.run_of("net", "--gw", PEER_IP, "--app", f"echo:{ECHO},udp") as nic:
        if not nic:
            return
        ok = [t.case("net_pings_of_up_to_65507_bytes", test_pings, here),
              t.case("net_pings_through_a_router", test_pings, far.on),
              t.case("net_flood_of_pings_in_fragments", test_flood),
              t.case("net_datagrams_of_up_to_65507_bytes", test_datagrams, t),
              t.case("net_port_unreachable_is_told_to_linux", test_port_unreachable),
              t.case("net_segments_in_fragments_are_carried", test_fragmented_segments, t, far)]
        if all(ok):
            t.case("net_fragments_are_counted_and_none_is_lost", test_counters, nic)


# --- after the judge: to tshark a path that has shrunk looks like a wild one, a time to live of 1 likewise --------------------------------------------------


def test_our_pings_in_vain(t):
    """What the router says of them: too far, and nobody there."""
    for name, ip, ttl, text in (("far", FAR_IP, 1, "No route to host"), ("none", NOBODY_IP, 64, "No route to host")):
        out, _ = tool(t, f"ping_{name}", "ping", ip, "count=1", "timeout=8000", f"ttl={ttl}", "--gw", PEER_IP, status=1)
        expect(f"From {PEER_IP} icmp_seq=1 {text}" in out.decode(), out.decode())


def test_path_mtu(t, far):
    """While a connection is open the link behind the router comes to take less; its ICMP must make our segments shorter."""
    before, after = t.data(32768), t.data(4 * MIB)
    client = subprocess.Popen(far.on("nc", "-N", NIC_IP, str(ECHO)), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        client.stdin.write(before)
        client.stdin.flush()
        expect(client.stdout.read(len(before)) == before, "echo differs")
        must(*far.on("ip", "route", "change", "default", "via", ROUTER_IP, "mtu", "lock", str(SMALL_MTU), "advmss", "1460"))
        must("ip", "link", "set", "far1", "mtu", str(SMALL_MTU))
        out, _ = client.communicate(after, timeout=60)
        expect_equal((client.returncode, sha256(out)), (0, sha256(after)), "status, and what came back over the shorter path")
        ping(far.on, 60000)                      # no smaller for it: fragments may be cut again
    finally:
        client.kill()
        must("ip", "link", "set", "far1", "mtu", "1500")
        must(*far.on("ip", "route", "change", "default", "via", ROUTER_IP))


def test_path_counters(nic):
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect_equal(stat(stats, "path_mtu_lowered"), 1, "path_mtu_lowered")
    expect(stat(stats, "icmp_error") >= 1, "no ICMP error was heeded")


def arp_packet(op, mac, sender, target):
    return (b"\xff" * 6 + mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + mac + socket.inet_aton(sender)
            + bytes(6) + socket.inet_aton(target))


def test_conflict(nic):
    """Somebody else announces our address: we say so, and announce it, too."""
    stranger = b"\x02\x00\x00\x00\x00\x99"
    with packet_socket() as raw:
        raw.send(arp_packet(1, stranger, NIC_IP, NIC_IP))
        nic_mac(raw)
    until(lambda: re.search(r"warning: 02:00:00:00:00:99 says that it has our address " + re.escape(NIC_IP), nic.stderr()), 5, "the warning")


def test_conflict_at_start(t):
    """The kernel of another host has our address already: it says so only when it is asked."""
    must("ip", "addr", "add", f"{NIC_IP}/32", "dev", PEER_IF)
    nic = Nic(t, "conflict", "--app", f"echo:{ECHO}")
    try:
        nic.start()
        until(lambda: f"warning: {own_mac()} says that it has our address {NIC_IP}" in nic.stderr(), 5, "the warning")
        nic.end()
    finally:
        nic.kill()
        must("ip", "addr", "del", f"{NIC_IP}/32", "dev", PEER_IF)


def nic_mac(raw):
    """Who announces the NIC's address, but for the stranger."""
    own = bytes.fromhex(own_mac().replace(":", ""))
    while True:
        f = raw.recv(65536)
        if f[12:14] == b"\x08\x06" and f[28:32] == f[38:42] == socket.inet_aton(NIC_IP) and f[6:12] not in (own, b"\x02\x00\x00\x00\x00\x99"):
            return f[6:12]


def group_path(t):
    t.case("path_conflict_is_told_at_the_start", test_conflict_at_start, t)
    with far_host():
        t.case("path_our_pings_hear_what_the_router_says", test_our_pings_in_vain, t)
    with far_host() as far, t.run_of("path", "--gw", PEER_IP, "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("path_of_smaller_mtu_shortens_our_segments", test_path_mtu, t, far)
        t.case("path_conflict_is_told_and_the_address_defended", test_conflict, nic)
        t.case("path_mtu_was_lowered_once", test_path_counters, nic)
