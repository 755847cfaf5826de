# SPDX-License-Identifier: Apache-2.0
"""Group brief: ping, echo of some size, several at once, a peer that reads late; for builds that are not the default (params.py)."""
from live.common import ECHO, MIB, connect, echo_once, finish_nc, start_nc
from live.echo import EchoBytes, test_echo_counters, test_half_closed_peer_gets_the_rest, test_ping

AT_ONCE, BYTES = 8, 1000


def test_nc_4_mib(t, seen):
    finish_nc(start_nc(t, "nc", t.data(4 * MIB)), 120)
    seen.add(4 * MIB)


def test_eight_at_once(t, seen):
    data = t.data(BYTES)
    sockets = [connect() for _ in range(AT_ONCE)]
    for _ in range(2):
        for s in sockets:
            echo_once(s, data)
    for s in sockets:
        s.close()
    seen.add(2 * BYTES * AT_ONCE, AT_ONCE)


def group(t):
    seen = EchoBytes()
    with t.run_of("brief", "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("ping", test_ping)
        # Counters are exact only if all of these ran to their end.
        ok = [
            t.case("echo_4_mib_by_nc", test_nc_4_mib, t, seen),
            t.case("echo_eight_connections_at_once", test_eight_at_once, t, seen),
            t.case("echo_half_closed_slow_peer_gets_the_rest", test_half_closed_peer_gets_the_rest, t, seen),
        ]
        if all(ok):
            t.case("every_payload_byte_crossed_both_rings_and_no_flow_is_left", test_echo_counters, nic, seen)
