# SPDX-License-Identifier: Apache-2.0
"""Groups lossy and bulk: a wire that does harm, much data, other MTUs."""
import contextlib

from live.common import (CASE_SECONDS, ECHO, MIB, NIC_IF, PEER_IF, expect, expect_equal, finish_nc, must, on_nic_host,
                         packet_socket, start_nc)
from live.nic import LEFT, stat

LOSSY = {"0.1_percent": "loss=0.001", "1_percent": "loss=0.01,dup=0.01,reorder=0.02",
         "5_percent": "loss=0.05,dup=0.02,reorder=0.05", "damaged": "corrupt=0.01"}


def test_lossy(t, nic):
    finish_nc(start_nc(t, nic.name, t.data(4 * MIB)), CASE_SECONDS - 10)
    stats = nic.end_when_quiet()
    expect(any(stat(stats, f"{way}_{harm}") for way in ("rx", "tx") for harm in ("lost", "corrupted")), "no frame was harmed")
    expect_equal(stat(stats, LEFT), 0, LEFT)


def group_lossy(t):
    """4 MiB each way over loss, duplication, reordering and damage, both ways, by a seed."""
    for name, fault in LOSSY.items():
        with t.run_of(f"lossy_{name}", "--app", f"echo:{ECHO}", "--fault", f"{fault},seed={t.seed}") as nic:
            if nic:
                t.case(f"lossy_{name}_echo_4_mib_by_nc", test_lossy, t, nic)


def test_bulk(t, nic, mib):
    finish_nc(start_nc(t, nic.name, t.data(mib * MIB)), CASE_SECONDS - 10)
    expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)


def test_mtu(t, mtu):
    """Both ends with another MTU: the handshake's MSS follows it, and no frame is longer."""
    for host in ([], on_nic_host()):
        must(*host, "ip", "link", "set", NIC_IF if host else PEER_IF, "mtu", str(mtu))
    try:
        with contextlib.closing(packet_socket()) as sniffer, t.run_of(f"mtu_{mtu}", "--app", f"echo:{ECHO}") as nic:
            finish_nc(start_nc(t, nic.name, t.data(MIB)), 60)
            sniffer.settimeout(0.2)
            longest = 0
            with contextlib.suppress(TimeoutError):
                while True:
                    longest = max(longest, len(sniffer.recv(65536)))
            expect(mtu - 60 < longest <= mtu + 14, f"the longest frame has {longest} bytes")
            expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)
    finally:
        for host in ([], on_nic_host()):
            must(*host, "ip", "link", "set", NIC_IF if host else PEER_IF, "mtu", "1500")


def group_bulk(t):
    """100 MiB each way, clean and at 0.1 % loss (too long for every run); small and jumbo MTU."""
    for mtu in (576, 9000):
        t.case(f"bulk_mtu_{mtu}", test_mtu, t, mtu)
    for name, options in (("clean", []), ("lossy", ["--fault", f"loss=0.001,seed={t.seed}"])):
        with t.run_of(f"bulk_{name}", "--app", f"echo:{ECHO}", *options) as nic:
            if nic:
                t.case(f"bulk_{name}_echo_100_mib_by_nc", test_bulk, t, nic, 100)
