#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds hostile Ethernet frames for a TCP connection and prints them, one JSON object a line."""
import argparse
import json
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

EVIL = b"EVIL" * 16  # in the window: a frame taken by mistake shows in the stream


class Builder:
    """The frames of one connection, as seen from the peer. Each method returns [(name, counter, bytes)]."""

    def __init__(self, a):
        self.a = a

    def ether(self, **fields):
        return Ether(src=self.a.src_mac, dst=self.a.dst_mac, **fields)

    def ip(self, **fields):
        return IP(src=self.a.src_ip, dst=self.a.dst_ip, id=0x4C57, **fields)

    def tcp(self, **fields):
        wanted = {"flags": "PA", "seq": self.a.seq, "ack": self.a.ack, "window": 512}
        return TCP(sport=self.a.sport, dport=self.a.dport, **{**wanted, **fields})

    def segment(self, payload=EVIL):
        """A good data segment, the next in sequence."""
        return bytes(self.ether() / self.ip() / self.tcp() / Raw(payload))

    def changed(self, offset, value):
        """The good segment with one byte set, nothing else repaired."""
        frame = bytearray(self.segment())
        if frame[offset] == value:
            raise ValueError(f"byte {offset} is {value:#x} already")
        frame[offset] = value
        return bytes(frame)

    def with_total_length(self, n):
        """The good segment with another IP total length and a right header checksum."""
        return bytes(self.ether() / self.ip(len=n) / self.tcp() / Raw(EVIL))

    def lengths(self):
        good = self.segment()
        return [
            ("header_only", "truncated", good[:14] + good[14:20]),
            ("cut_in_ip_header", "truncated", good[:33]),
            ("cut_in_tcp_header", "truncated", good[:40]),
            ("cut_in_payload", "truncated", good[:-1]),
            ("total_length_below_header", "truncated", self.with_total_length(19)),
            ("total_length_without_tcp", "truncated", self.with_total_length(39)),
            ("total_length_beyond_frame", "truncated", self.with_total_length(65535)),
            ("jumbo", "oversize", self.segment(EVIL * 100)),
            ("one_byte_too_long", "oversize", self.segment(b"E" * (self.a.mtu - 39))),
        ]

    def headers(self):
        return [
            ("ip_version_6", "ip_header", self.changed(14, 0x65)),
            ("ip_header_length_4", "ip_header", self.changed(14, 0x44)),
            ("ip_checksum", "ip_checksum", self.changed(24, self.segment()[24] ^ 0xFF)),
            ("ttl_changed", "ip_checksum", self.changed(22, 1)),
            ("tcp_checksum", "tcp_checksum", self.changed(50, self.segment()[50] ^ 0x01)),
            ("payload_bit_flipped", "tcp_checksum", self.changed(60, self.segment()[60] ^ 0x80)),
            ("data_offset_4", "tcp_header", bytes(self.ether() / self.ip() / self.tcp(dataofs=4) / Raw(EVIL))),
            ("data_offset_beyond", "tcp_header", bytes(self.ether() / self.ip() / self.tcp(dataofs=15) / Raw(b"EVIL"))),
        ]

    def links(self):
        inner = self.ip() / self.tcp() / Raw(EVIL)
        mac = self.a.dst_mac
        other = mac[:-1] + ("0" if mac[-1] != "0" else "1")
        return [
            ("vlan", "vlan", bytes(self.ether() / Dot1Q(vlan=7) / inner)),
            ("vlan_priority_only", "vlan", bytes(self.ether() / Dot1Q(vlan=0, prio=5) / inner)),
            ("double_tag", "vlan", bytes(self.ether() / Dot1AD(vlan=7) / Dot1Q(vlan=8) / inner)),
            ("other_mac", "not_our_mac", bytes(Ether(src=self.a.src_mac, dst=other) / inner)),
            ("lldp", "other_ethertype", bytes(self.ether(type=0x88CC) / Raw(b"\x02\x07" + bytes(50)))),
            ("ipv6", "other_ethertype", bytes(self.ether() / IPv6(src="fe80::1", dst="fe80::2") / UDP() / Raw(b"x" * 20))),
        ]

    def slow(self):
        payload = bytes(self.tcp() / Raw(EVIL))
        nop_options = self.ip(options=[b"\x01\x01\x01\x00"])
        fragment = self.ip(proto=6, flags="MF")
        last = self.ip(proto=6, frag=5)  # with a gap: never whole, also for one who reassembles
        return [
            ("ip_options", "ip_options", bytes(self.ether() / nop_options / self.tcp(flags="A"))),
            ("ip_options_long", "ip_options", bytes(self.ether() / self.ip(options=[b"\x01" * 40]) / self.tcp(flags="A"))),
            ("first_fragment", "ip_fragment", bytes(self.ether() / fragment / Raw(payload[:32]))),
            ("last_fragment", "ip_fragment", bytes(self.ether() / last / Raw(payload[32:]))),
            ("fragment_beyond_64k", "ip_fragment_beyond_64k", bytes(self.ether() / self.ip(proto=6, frag=8191) / Raw(bytes(64)))),
            ("igmp", "other_proto", bytes(self.ether() / self.ip(proto=2) / Raw(bytes(24)))),
            ("icmp_bad_checksum", "icmp_bad", bytes(self.ether() / self.ip() / ICMP(chksum=1) / Raw(b"x" * 20))),
        ]

    def all(self):
        return self.lengths() + self.headers() + self.links() + self.slow()

    def super_frame(self):
        """What a kernel with offload on hands over: far longer than the MTU, the checksum left unfinished."""
        return self.segment(EVIL * 300)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--src-mac", default="02:00:00:00:00:01")
    p.add_argument("--dst-mac", default="02:00:00:00:00:02")
    p.add_argument("--src-ip", default="10.99.0.1")
    p.add_argument("--dst-ip", default="10.99.0.2")
    p.add_argument("--sport", type=int, default=40000)
    p.add_argument("--dport", type=int, default=7)
    p.add_argument("--seq", type=int, default=1, help="the next sequence number of the peer")
    p.add_argument("--ack", type=int, default=1, help="the next sequence number of the NIC")
    p.add_argument("--mtu", type=int, default=1500)
    p.add_argument("--pcap", help="also write them to this file")
    a = p.parse_args()
    frames = Builder(a).all()
    for name, counter, data in frames:
        print(json.dumps({"name": name, "counter": counter, "hex": data.hex()}))
    # To be sent as one GSO packet (PACKET_VNET_HDR) of segments of gso_size bytes.
    gso = {"name": "gso_super_frame", "counter": "oversize", "gso_size": a.mtu - 52, "hex": Builder(a).super_frame().hex()}
    print(json.dumps(gso))
    if a.pcap:
        wrpcap(a.pcap, [Ether(data) for _, _, data in frames])
    return 0


if __name__ == "__main__":
    sys.exit(main())
