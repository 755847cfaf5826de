# SPDX-License-Identifier: Apache-2.0
"""Group routed: a client in another network, with the peer host as the router between it and the NIC."""
import re

from live.common import ECHO, MIB, NIC_IP, PEER_IP, expect, expect_equal, finish_nc, kernel_echo, must, start_nc
from live.far import FAR_IP, far_host
from live.nic import LEFT, Nic, stat


def test_ping(far):
    """Each hop takes one of the time to live, so what it was at the start is seen here."""
    out = must(*far.on("ping", "-c", "3", "-i", "0.1", "-W", "2", NIC_IP))
    expect_equal(re.findall(r"ttl=(\d+)", out), ["63"] * 3, f"answers to ping, with their time to live, in: {out}")


def test_bulk(t, far, mtu):
    """The far network's MTU reaches the NIC as the client's MSS."""
    far.set_mtu(mtu)
    finish_nc(start_nc(t, f"routed_{mtu}", t.data(16 * MIB), on=far.on), 120)


def test_many(t, far):
    jobs = [start_nc(t, f"routed_{i}", t.data(MIB), on=far.on if i % 2 else None) for i in range(8)]
    for job in jobs:
        finish_nc(job, 60)


def test_client(t, far):
    """Who answers sends back to where it was asked from; a client has to find the way by itself."""
    nic = Nic(t, "routed_client", "--gw", PEER_IP, "--app", f"echo-client:4000,to={FAR_IP}:{ECHO},bytes=4M")
    with kernel_echo(far.on, FAR_IP, ECHO):
        r = nic.run_through()
    expect_equal(r.returncode, 0, f"status ({r.stderr.strip()[-300:]})")
    expect(f"{4 * MIB} bytes came back" in r.stderr, r.stderr)


def test_counters(nic):
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)


def group(t):
    with far_host() as far, t.run_of("routed", "--gw", PEER_IP, "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("routed_ping_is_answered_with_time_to_live_64", test_ping, far)
        t.case("routed_echo_16_mib_by_nc", test_bulk, t, far, 1500)
        t.case("routed_echo_16_mib_by_nc_from_a_link_of_smaller_mtu", test_bulk, t, far, 1280)
        t.case("routed_and_local_connections_at_once", test_many, t, far)
        if t.case("routed_no_flow_is_left", test_counters, nic):
            t.case("routed_client_of_ours_goes_through_the_gateway", test_client, t, far)
