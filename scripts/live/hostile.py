# SPDX-License-Identifier: Apache-2.0
"""Group hostile: frames of frames.py into a live connection, each kind counted under its name."""
import contextlib
import json
import struct
import sys

from live.common import (ECHO, NIC_IP, PEER_IF, PEER_IP, SCRIPTS, connect, echo_once, expect, expect_equal, mac_of, must,
                         own_mac, packet_socket, segment_of, set_mtu)
from live.nic import LEFT, stat

# What frames.py calls a counter, where it has other names in --stats. What goes up the slow path is counted twice: by
# the NIC as it leaves that way, by the stack for what it is; each must have them all.
COUNTERS = {
    "ip_options": ["slow_ip_options", "ip_options"],
    "ip_fragment": ["slow_fragment", "ip_fragment"],
    "ip_fragment_beyond_64k": ["slow_fragment", "ip_bad"],
    "other_proto": ["slow_protocol", "other_proto"],
    "other_ethertype": ["slow_ethertype", "other_ethertype"],
}
# The reference has no parser of the NIC's in front: the stack counts, under fewer names, and what is longer than the MTU
# is a segment like any other.
COUNTERS_REF = {
    "oversize": [], "ip_header": ["ip_bad"], "truncated": ["ip_bad"],
    "ip_checksum": ["ip_bad"], "tcp_header": ["tcp_bad"], "tcp_checksum": ["tcp_checksum"],
    "ip_fragment_beyond_64k": ["ip_bad"], "ip_options": ["ip_options"],
}


def next_numbers(s, talk):
    """Sequence numbers of a quiet connection: what its peer sends next, and expects next. talk() makes it speak."""
    port = s.getsockname()[1]
    with packet_socket() as sniffer:
        talk()
        seq = ack = None
        sniffer.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                x = segment_of(sniffer.recv(65536))
                if x and x.src_port == port:
                    seq, ack = (x.seq + x.length) % (1 << 32), x.ack
    expect(seq is not None, "no frame of the connection was seen")
    return seq, ack


def hostile_frames(t, s):
    t.ports["forged"].add(s.getsockname()[1])
    seq, ack = next_numbers(s, lambda: echo_once(s, b"hello"))
    out = must(sys.executable, str(SCRIPTS / "frames.py"), "--src-mac", own_mac(), "--dst-mac", mac_of(NIC_IP),
               "--src-ip", PEER_IP, "--dst-ip", NIC_IP, "--sport", str(s.getsockname()[1]), "--dport", str(ECHO),
               "--seq", str(seq), "--ack", str(ack))
    return [json.loads(line) for line in out.splitlines()]


def test_hostile(t, sent):
    """Sends every hostile frame thrice into a live connection, which must not notice, nor any other."""
    set_mtu(9000)   # both ends must let a jumbo frame through
    try:
        with connect() as s, packet_socket() as raw:
            frames = hostile_frames(t, s)
            for _ in range(3):
                for f in frames:
                    if "gso_size" in f:
                        continue
                    raw.send(bytes.fromhex(f["hex"]))
                    sent[f["counter"]] = sent.get(f["counter"], 0) + 1
            echo_once(s, t.data(5000))
            with connect() as other:
                echo_once(other, t.data(5000))
    finally:
        set_mtu(1500)


def test_super_frames(t, nic, sent):
    """Offload on at the peer: super-frames with unfinished checksums, as a careless user would have them."""
    with connect() as s, packet_socket(vnet_hdr=True) as raw:
        frame = next(f for f in hostile_frames(t, s) if "gso_size" in f)
        header = struct.pack("<BBHHHH", 1, 1, 54, frame["gso_size"], 34, 16)  # NEEDS_CSUM, TCPV4
        must("ethtool", "-K", PEER_IF, "tx", "on")
        try:
            for _ in range(3):
                raw.send(header + bytes.fromhex(frame["hex"]))
                sent[frame["counter"]] = sent.get(frame["counter"], 0) + 1
        finally:
            must("ethtool", "-K", PEER_IF, "tx", "off")
        echo_once(s, t.data(5000))
    cures = [line for line in nic.stderr().splitlines() if "ethtool -K" in line]
    expect_equal(len(cures), 1, "lines on stderr that name the cure")


def test_hostile_counters(engine, nic, sent):
    counters = COUNTERS if engine == "rtl" else COUNTERS_REF
    stats = nic.end_when_quiet()
    wrong = []
    for counter, n in sorted(sent.items()):
        for name in counters.get(counter, [counter]):
            if stat(stats, name) < n:
                wrong.append(f"{name}: {stat(stats, name)} of {n}")
    expect(not wrong, "counted too few: " + ", ".join(wrong))
    expect_equal(stat(stats, LEFT), 0, LEFT)


def group(t):
    sent = {}
    with t.run_of("hostile", "--app", f"echo:{ECHO}", forged=True) as nic:
        if not nic:
            return
        ok = [
            t.case("hostile_frames_disturb_no_connection", test_hostile, t, sent),
            t.case("hostile_super_frames_are_dropped_and_the_cure_named_once", test_super_frames, t, nic, sent),
        ]
        if all(ok):
            t.case("hostile_each_kind_is_counted_under_its_name", test_hostile_counters, t.engine, nic, sent)
