# SPDX-License-Identifier: Apache-2.0
"""Groups lossy and bulk: a wire that does harm, much data, other MTUs."""
import contextlib

from live.common import CASE_SECONDS, ECHO, MIB, expect, expect_equal, finish_nc, packet_socket, set_mtu, start_nc
from live.nic import LEFT, stat

LOSSY = {"0.1_percent": "loss=0.001", "1_percent": "loss=0.01,dup=0.01,reorder=0.02",
         "5_percent": "loss=0.05,dup=0.02,reorder=0.05", "damaged": "corrupt=0.01"}
COUNTED = {"loss": "lost", "dup": "duplicated", "reorder": "reordered", "corrupt": "corrupted"}   # in --stats


def test_transfer(t, nic, mib, fault=""):
    """So many MiB to echo and back; every kind of harm was really done."""
    finish_nc(start_nc(t, nic.name, t.data(mib * MIB)), CASE_SECONDS - 10)
    stats = nic.end_when_quiet(lossy=bool(fault))
    expect_equal(stat(stats, LEFT), 0, LEFT)
    for kind in (part.split("=")[0] for part in fault.split(",") if part):
        done = [stat(stats, f"{way}_{COUNTED[kind]}") for way in ("rx", "tx")]
        expect(any(done), f"no frame was {COUNTED[kind]}")


def run_transfer(t, name, mib, fault=""):
    options = ["--fault", f"{fault},seed={t.seed}"] if fault else []
    with t.run_of(name, "--app", f"echo:{ECHO}", *options) as nic:
        if nic:
            t.case(f"{name}_echo_{mib}_mib_by_nc", test_transfer, t, nic, mib, fault)


def group_lossy(t):
    """4 MiB each way over loss, duplication, reordering and damage, both ways, by a seed."""
    for name, fault in LOSSY.items():
        run_transfer(t, f"lossy_{name}", 4, fault)


def test_mtu(t, nic, mtu):
    """The handshake's MSS follows the MTU, and no frame is longer."""
    with packet_socket() as sniffer:
        finish_nc(start_nc(t, nic.name, t.data(MIB)), 60)
        sniffer.settimeout(0.2)
        longest = 0
        with contextlib.suppress(TimeoutError):
            while True:
                longest = max(longest, len(sniffer.recv(65536)))
    expect(mtu - 60 < longest <= mtu + 14, f"the longest frame has {longest} bytes")
    expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)


def group_bulk(t):
    """100 MiB each way, clean and at 0.1 % loss (too long for every run); small and jumbo MTU."""
    for mtu in (576, 9000):
        set_mtu(mtu)
        try:
            with t.run_of(f"bulk_mtu_{mtu}", "--app", f"echo:{ECHO}") as nic:
                if nic:
                    t.case(f"bulk_mtu_{mtu}_echo_1_mib_by_nc", test_mtu, t, nic, mtu)
        finally:
            set_mtu(1500)
    run_transfer(t, "bulk_clean", 100)
    run_transfer(t, "bulk_lossy", 100, "loss=0.001")
