# SPDX-License-Identifier: Apache-2.0
"""Group flood: SYNs from invented addresses, far more than there is room for, while real clients come and go. Before it: connections
that have ended keep no memory."""
import contextlib
import multiprocessing
import random
import socket
import struct
import time
from socket import inet_aton

from live.common import ECHO, NIC_IP, connect, echo_once, expect, expect_equal, mac_of, own_mac, packet_socket
from live.nic import LEFT, stat
from testing import until

# engine: SYNs in all, and a second; the simulated NIC has to look at each of them.
FLOOD = {"ref": (200_000, 40_000), "rtl": (100_000, 20_000)}
FIRST = 0.1             # of them, after which memory is measured for the first time
GROWTH_KIB = 256        # that is allowed from then on: less than 8 bytes a SYN, by far
CLIENT_SECONDS = 1.0    # for connection and echo of a real client
CROWD = 20              # connections at once; each goes once round both its rings
SYN, RST = 2, 4
OPTIONS = bytes.fromhex("020405b4" "0402" "080a00000001" "00000000" "01" "030307")   # as Linux sends them


def ones_sum(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def fold(n):
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return n ^ 0xFFFF


class Frames:
    """Frames of strangers in 198.18.0.0/15, the network for such tests; the same for the same seed."""

    def __init__(self, seed, src_mac, dst_mac):
        mac = bytes.fromhex((dst_mac + src_mac).replace(":", ""))
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(OPTIONS), 0, 0x4000, 64, 6, 0, bytes(4), inet_aton(NIC_IP))
        tcp = struct.pack("!HHIIBBHHH", 0, ECHO, 0, 0, (20 + len(OPTIONS)) // 4 << 4, 0, 64240, 0, 0) + OPTIONS
        self.template = mac + b"\x08\x00" + ip + tcp
        self.ip_sum = ones_sum(ip)
        self.tcp_sum = ones_sum(tcp) + ones_sum(inet_aton(NIC_IP)) + 6 + len(tcp)
        self.seed = seed

    def make(self, n, flags, ahead=0):
        """n of them; ahead is added to the sequence numbers."""
        rng = random.Random(self.seed)
        for _ in range(n):
            ip, port, seq = 0xC6120000 | rng.getrandbits(17), rng.randint(1024, 65535), (rng.getrandbits(32) + ahead) & 0xFFFFFFFF
            f = bytearray(self.template)
            ip_sum = (ip >> 16) + (ip & 0xFFFF)
            struct.pack_into("!H", f, 24, fold(self.ip_sum + ip_sum))
            struct.pack_into("!I", f, 26, ip)
            struct.pack_into("!HHI", f, 34, port, ECHO, seq)
            f[47] = flags
            struct.pack_into("!H", f, 50, fold(self.tcp_sum + ip_sum + port + (seq >> 16) + (seq & 0xFFFF) + flags))
            yield f


def pour(frames, a_second):
    """Sends them at that rate, in bursts of a hundredth of a second."""
    with packet_socket() as raw:
        began, burst = time.monotonic(), a_second // 100
        for n, frame in enumerate(frames):
            if n % burst == 0:
                time.sleep(max(0, began + n / a_second - time.monotonic()))
            raw.send(frame)


def flood(seed, n, a_second, flags, ahead=0):
    """A process that sends n of them, so that it and the clients do not wait for each other."""
    frames = Frames(seed, own_mac(), mac_of(NIC_IP))
    p = multiprocessing.Process(target=lambda: pour(frames.make(n, flags, ahead), a_second), daemon=True)
    p.start()
    return p


def serve_real_clients(t, flooding):
    """One after another until that process has ended; how long each took, and the process' own status."""
    took = []
    while flooding.is_alive():
        began = time.monotonic()
        with connect() as s:
            echo_once(s, t.data(1000))
        took.append(time.monotonic() - began)
        flooding.join(0.02)
    expect_equal(flooding.exitcode, 0, "status of the flood")
    return took


def test_ended(t, nic):
    """What came last stays open, and before it in memory are all the others' rings. (With RTL these are the model's.)"""
    with connect() as s:        # an allocator that learns of large pieces learns from the first that ends
        echo_once(s, t.data(1000))
        s.shutdown(socket.SHUT_WR)
        expect_equal(s.recv(1), b"", "what comes behind the echo")
    before = nic.resident_kib()
    with contextlib.ExitStack() as last:
        with contextlib.ExitStack() as crowd:
            for n in range(CROWD):
                s = (crowd if n < CROWD - 1 else last).enter_context(connect())
                for _ in range(3):
                    echo_once(s, t.data(100_000))
            most = nic.resident_kib()
        allowed = before + (most - before) // 4    # one and its rings, and what is small of all of them
        until(lambda: nic.resident_kib() <= allowed, 10, f"resident {most} KiB with {CROWD} connections, {allowed} KiB or less with one")
        print(f"  resident {before} KiB, {most} KiB with {CROWD} connections, then {nic.resident_kib()} KiB with one")
        echo_once(s, t.data(1000))


def test_flood(t, nic):
    total, a_second = FLOOD[t.engine]
    first = int(total * FIRST)
    with connect() as old:
        took = serve_real_clients(t, flood(t.seed, first, a_second, SYN))
        before = nic.resident_kib()
        began = time.monotonic()
        took += serve_real_clients(t, flood(t.seed + 1, total - first, a_second, SYN))
        spent, after = time.monotonic() - began, nic.resident_kib()
        echo_once(old, t.data(100_000))
    print(f"  {(total - first) / spent:.0f} SYNs a second; {len(took)} real clients, the slowest {max(took) * 1e3:.0f} ms; "
          f"resident {before} KiB, then {after} KiB")
    expect(max(took) < CLIENT_SECONDS, f"a real client waited {max(took):.2f} s")
    expect(len(took) > 10, f"only {len(took)} real clients came through")
    expect(after - before <= GROWTH_KIB, f"memory grew by {after - before} KiB")


def test_after(t, nic):
    """The half-open connections there are end by RST, and then there is nothing left of it all."""
    total, a_second = FLOOD[t.engine]
    resets = flood(t.seed, int(total * FIRST), a_second, RST, ahead=1)
    resets.join(30)
    expect_equal(resets.exitcode, 0, "status of the resets")
    stats = nic.end_when_quiet()
    print("  " + ", ".join(f"{k.partition('.')[2]} {stats[k]}" for k in sorted(stats) if k.startswith("stack.tcp_") and stats[k]))
    expect(stat(stats, "tcp_syn") >= 0.99 * total, f"only {stat(stats, 'tcp_syn')} of {total} SYNs arrived")
    expect(stat(stats, "tcp_cookie_accepted") > 10, "no real client came by a cookie")
    expect_equal((stat(stats, "conn_now"), stat(stats, LEFT)), (0, 0), "connections and flows left")


def group(t):
    with t.run_of("flood", "--app", f"echo:{ECHO}", recorded=False) as nic:
        if nic and t.engine == "ref":
            t.case("connections_that_ended_keep_no_memory", test_ended, t, nic)
        if nic and t.case("flood_of_syns_takes_no_memory_and_no_real_client_waits", test_flood, t, nic):
            t.case("flood_leaves_no_connection_half_open", test_after, t, nic)
