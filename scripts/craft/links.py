# SPDX-License-Identifier: Apache-2.0
"""Ethernet, IP, ICMP, UDP and ARP: what never reaches a connection, and what must not harm one."""
from scapy.layers.inet import ICMP, IP, UDP
from scapy.packet import Raw

from craft import case
from craft.talk import FAR, NEAR, Connection, mss, option, stream

OTHER_MAC = "02:00:00:00:00:77"


def opened(c, **how):
    return c.connect(**how).data(300)


def hostile(c, k, table, *names):
    """Frames of frames.py with the next number of the connection, which must not be taken."""
    b = c.builder(sport=k.sport, seq=k.isn + k.far_next, ack=k.near_isn + k.far_ack)
    for name, _, data in getattr(b, table)():
        if name in names:
            c.add(data)


def fragments(c, packet, *spans, near=False, ident=0x5555):
    """An IP packet in pieces: (first, end) of its payload, the last one without MF unless end is short of it."""
    packet = IP(bytes(packet))
    body = bytes(packet)[20:]
    b = c.builder(near)
    head = packet.copy()
    head.remove_payload()
    for first, end, *more in spans:
        flags = "MF" if (more[0] if more else end < len(body)) else 0
        c.add(b.ether() / IP(src=head.src, dst=head.dst, id=ident, proto=head.proto, flags=flags, frag=first // 8) / Raw(body[first:end]))


# --- what the parser drops ----------------------------------------------------------------------------------------------

@case("IEEE 802.3")
def drop_runt(c):
    """Frames of 1, 6 and 13 bytes, in which not even an Ethernet header has room."""
    k = opened(c)
    for n in 1, 6, 13:
        c.raw(bytes.fromhex("020000000002020000000001080045")[:n])
    k.still_echoes()


@case("")
def drop_oversize(c):
    """Segments of the connection in frames that are longer than the MTU allows, with a trailer behind them: the NIC drops them whole.
    Sent again in a frame that fits, the data is taken. The reference knows no such limit, so it has it from the first."""
    k = opened(c)
    for n in 1519, 4000, 9000:
        k.far("PA", 100, pad=n, lost=True)
    k.far("PA", 100, pad=1514).near().still_echoes()


@case("")
def drop_not_our_mac(c):
    """Pings and an ACK in frames for another station, to our own IP address."""
    k = opened(c)
    c.ping(ends={"dst_mac": OTHER_MAC})
    b = c.builder(dst_mac=OTHER_MAC, sport=41000)
    c.add(b.ether() / b.ip() / b.tcp(flags="A", seq=5))
    k.still_echoes()


@case("IEEE 802.1Q", "--keep-vlan")
def drop_vlan(c):
    """Frames with a VLAN tag, with a priority tag, with two tags, of the connection itself: the NIC knows no VLANs and drops them by name."""
    k = opened(c)
    hostile(c, k, "links", "vlan", "vlan_priority_only", "double_tag")
    k.still_echoes()


@case("")
def vlan_taken_off(c):
    """The same capture's kind without --keep-vlan: a conversation recorded inside VLAN 7 is played without its tags."""
    k = opened(c)
    k.still_echoes()
    c.frames = [(us, f[:12] + bytes.fromhex("81000007") + f[12:]) for us, f in c.frames]


@case("RFC 1122 section 3.2.1.1")
def drop_ip_header(c):
    """IP version 6 in a frame of type IPv4, and a header length of 16 bytes."""
    k = opened(c)
    hostile(c, k, "headers", "ip_version_6", "ip_header_length_4")
    k.still_echoes()


@case("RFC 1122 section 3.2.1.2")
def drop_ip_checksum(c):
    """A wrong IP header checksum, and a TTL that was changed without mending it, in segments of the connection."""
    k = opened(c)
    hostile(c, k, "headers", "ip_checksum", "ttl_changed")
    k.far("PA", 64).still_echoes()


@case("RFC 9293 section 3.1 (MUST-3)")
def drop_tcp_checksum(c):
    """A wrong TCP checksum, a payload bit flipped: the peer sends again, and that is taken."""
    k = opened(c)
    hostile(c, k, "headers", "tcp_checksum", "payload_bit_flipped")
    k.far("PA", 64).still_echoes()


@case("RFC 9293 section 3.1")
def drop_tcp_header(c):
    """A TCP data offset below 5, and one beyond the segment."""
    k = opened(c)
    hostile(c, k, "headers", "data_offset_4", "data_offset_beyond")
    k.still_echoes()


@case("RFC 791 section 3.2; RFC 9293 section 3.1")
def drop_truncated(c):
    """Frames cut off in the IP header, in the TCP header, in the payload; a total length below the headers, and one beyond the frame."""
    k = opened(c)
    hostile(c, k, "lengths", "header_only", "cut_in_ip_header", "cut_in_tcp_header", "cut_in_payload", "total_length_below_header",
            "total_length_without_tcp", "total_length_beyond_frame")
    k.still_echoes()


@case("IEEE 802.3; RFC 1122 section 2.3.3")
def ip_padding(c):
    """Short frames with the padding that Ethernet adds, zeros and old memory, and a trailer behind a long one: the IP length counts, the padding is
    no data."""
    k = Connection(c)
    k.syn(pad=60).syn_ack(pad=60).far(pad=60).far("PA", 1, pad=60).near("PA", 1).far(pad=64)
    frame = bytes(k.segment("far", "PA", 2, 2, 65535, b"", stream(1, 2)))
    c.add(frame + b"\xaa" * (60 - len(frame)))
    k.advance("far", 2, 4)
    k.near().far("PA", 200, pad=14 + 40 + 200 + 7).near().closes()


@case("")
def drop_fifo_full(c):
    """Seven connections send 64 ACKs each with four SACK blocks, back to back. Each block takes the send side a cycle, so they come faster than
    they can be worked on: the frame FIFO fills, what does not fit is dropped whole and counted, and all connections go on."""
    ks = [c.connect(sport=40000 + i, isn=1000 + 100_000 * i, sack=True) for i in range(7)]
    for k in ks:
        k.writes(14600)
    blocks = [1461 * n for n in (1, 2, 3, 4, 5, 6, 7, 8)]

    def burst(k):
        body = b"".join((k.near_isn + n).to_bytes(4, "big") for n in blocks)
        for _ in range(64):
            k.far(ack=1, options=option(5, body))
    c.at_once(*[lambda k=k: burst(k) for k in ks])
    c.wait(3000)
    for k in ks:
        k.far().closes()


# --- IP ------------------------------------------------------------------------------------------------------------------

@case("RFC 791; RFC 1122 section 3.2.1.8")
def ip_options(c):
    """Segments with IP options (NOPs, a time stamp, router alert), also 40 bytes of them: they go the slow way and arrive like any other."""
    k = opened(c)
    for o in b"\x01\x01\x01\x00", b"\x44\x0c\x05\x00" + bytes(8), b"\x94\x04\x00\x00", b"\x01" * 40:
        frame = bytes(k.segment("far", "PA", k.far_next, k.far_ack, 65535, b"", stream(k.far_next - 1, 50)))
        c.add(with_ip_options(frame, o))
        k.advance("far", k.far_next, k.far_next + 50)
    k.near().closes()


def with_ip_options(frame, options):
    packet = IP(frame[14:34])
    packet.ihl, packet.len, packet.chksum = 5 + len(options) // 4, packet.len + len(options), None
    head = bytearray(bytes(packet)[:20] + options)
    head[10:12] = b"\0\0"
    total = sum(int.from_bytes(head[i:i + 2], "big") for i in range(0, len(head), 2))
    total = (total & 0xFFFF) + (total >> 16)
    head[10:12] = ((total & 0xFFFF) + (total >> 16) ^ 0xFFFF).to_bytes(2, "big")
    return frame[:14] + bytes(head) + frame[34:]


@case("RFC 7126 section 4.3")
def ip_source_route(c):
    """Loose and strict source routes: dropped, whatever they carry."""
    k = opened(c)
    for o in b"\x83\x07\x04" + bytes([10, 99, 0, 2]) + b"\0", b"\x89\x07\x08" + bytes([10, 99, 0, 1]) + b"\0":
        b = c.builder(sport=41000)
        c.add(with_ip_options(bytes(b.ether() / b.ip(proto=1) / ICMP(type=8)), o))
    k.still_echoes()


@case("RFC 791; RFC 815")
def ip_fragments(c):
    """A segment of the connection in three fragments, in order, then one in another order: whole again, it is given to the NIC and delivered."""
    k = opened(c)
    for i, order in enumerate(((0, 1, 2), (2, 0, 1))):
        packet = k.segment("far", "PA", k.far_next, k.far_ack, 65535, b"", stream(k.far_next - 1, 400))[IP]
        spans = [(0, 160), (160, 320), (320, 420)]
        fragments(c, packet, *(spans[n] for n in order), ident=0x100 + i)
        k.advance("far", k.far_next, k.far_next + 400)
        k.near()
    k.closes()


@case("RFC 791")
def ip_fragments_ping(c):
    """A ping of 4000 bytes in three fragments, answered in fragments; and the same with one fragment twice."""
    packet = c.builder().ip() / ICMP(type=8, id=1, seq=1) / Raw(stream(0, 4000))
    fragments(c, packet, (0, 1480), (1480, 2960), (2960, 4008), ident=1)
    fragments(c, packet, (0, 1480), (1480, 2960), (1480, 2960), (2960, 4008), ident=2)
    c.alive()


@case("RFC 1858 section 3; RFC 9293 section 3.1")
def ip_fragments_tiny(c):
    """A datagram in two pieces that together have 16 bytes, less than a TCP header: whole again, it is no segment. The connection goes on."""
    k = opened(c)
    fragments(c, c.builder().ip(proto=6) / Raw(stream(0, 16)), (0, 8), (8, 16))
    k.data(100)


@case("RFC 5722; RFC 1858; RFC 3128")
def ip_fragments_overlap(c):
    """Fragments that overlap or contradict each other, as attacks on filters do (teardrop, two ends): the whole datagram is refused. A piece that
    lies inside another and says the same is only a duplicate."""
    packet = c.builder().ip() / ICMP(type=8, id=1, seq=1) / Raw(stream(0, 400))
    fragments(c, packet, (0, 200), (160, 408), ident=1)
    fragments(c, packet, (0, 200), (104, 160, True), (200, 408), ident=2)
    fragments(c, packet, (200, 408), (200, 304, False), (0, 200), ident=3)
    c.alive()


@case("RFC 791")
def ip_fragments_bad(c):
    """Fragments that reach beyond 64 KiB (ping of death), and a middle one whose length is no multiple of eight."""
    b = c.builder()
    c.add(b.ether() / b.ip(proto=1, frag=8191) / Raw(bytes(64)))
    c.add(b.ether() / b.ip(proto=1, flags="MF", frag=0) / Raw(bytes(21)))
    c.alive()


@case("RFC 1122 section 3.3.2; RFC 792")
def ip_fragments_missing(c):
    """A fragment never comes: the datagram is given up after its time and, since its first piece is there, time exceeded is told. Without the
    first piece nobody is told."""
    packet = c.builder().ip() / ICMP(type=8, id=1, seq=1) / Raw(stream(0, 400))
    fragments(c, packet, (0, 200), ident=1)
    fragments(c, packet, (200, 408), ident=2)
    c.wait(65_000)
    c.alive()


@case("RFC 815")
def ip_fragments_many(c):
    """Two hundred datagrams of which only the first piece comes: the table is bounded, the oldest make room, and a whole one still gets through."""
    packet = c.builder().ip() / ICMP(type=8, id=1, seq=1) / Raw(stream(0, 400))
    for i in range(200):
        fragments(c, packet, (0, 200), ident=100 + i)
    fragments(c, packet, (0, 200), (200, 408), ident=1)
    c.alive()


@case("RFC 9293 section 3.7.1")
def ip_fragments_too_long(c):
    """A segment of 3000 bytes for an established connection in fragments: whole again it is longer than the NIC has announced to take, so it is
    dropped, and the peer cuts it smaller."""
    k = opened(c)
    packet = k.segment("far", "PA", 301, 1, 65535, b"", stream(300, 3000))[IP]
    fragments(c, packet, (0, 1480), (1480, 2960), (2960, 3020))
    k.near().far("A", 1460).far("A", 1460).far("PA", 80).near().closes()


@case("RFC 1122 section 3.2.1.3")
def ip_bad_source(c):
    """Pings from addresses that no host can have: nobody, loopback, a group, the broadcast address, ourselves. Not answered."""
    for src in "0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", NEAR:
        c.ping(ends={"src_ip": src})
    c.alive()


@case("RFC 1122 section 3.2.1.3", f"--as {NEAR}")
def ip_not_ours(c):
    """Pings in frames for us, to a group and to everybody: we do not answer for them."""
    for dst in "224.0.0.1", "255.255.255.255":
        c.ping(ends={"dst_ip": dst})
    c.alive()


@case("RFC 1122 section 3.2.2.1; RFC 792")
def ip_other_protocol(c):
    """Protocols that nobody here speaks: protocol unreachable."""
    for proto in 2, 47, 132, 255:
        c.ip(Raw(bytes(24)), proto=proto)
    c.alive()


@case("RFC 1122 section 3.2.1.7")
def ip_ttl_one(c):
    """A TTL of 1 and of 0 in segments for us: a host does not care."""
    k = opened(c)
    k.far("PA", 10, ip={"ttl": 1}).far("PA", 10, ip={"ttl": 0}).near().closes()


@case("RFC 2474; RFC 791")
def ip_marks(c):
    """Every bit of the type of service, DF, the reserved flag: nothing of it matters to a segment."""
    k = opened(c)
    for tos, flags in (0xFC, "DF"), (0x01, "evil"), (0x10, "DF+evil"):
        k.far("PA", 10, ip={"tos": tos, "flags": flags})
    k.near().closes()


# --- ICMP, UDP, ARP --------------------------------------------------------------------------------------------------------

@case("RFC 1122 section 3.2.2.6")
def icmp_echo(c):
    """Pings of every kind of length: empty, odd, full. Each is answered with its own bytes."""
    for n in 0, 1, 57, 1472:
        c.ping(n)
    c.alive()


@case("RFC 792")
def icmp_bad(c):
    """ICMP with a wrong checksum, cut short, and errors that quote too little."""
    b = c.builder()
    c.add(b.ether() / b.ip() / ICMP(type=8, chksum=0x1111) / Raw(b"x" * 20))
    c.add(b.ether() / b.ip(proto=1) / Raw(b"\x08\x00\xf7\xff"))
    c.add(b.ether() / b.ip(proto=1) / ICMP(type=3, code=1) / Raw(b"E\0\0\x14"))
    c.alive()


def icmp(kind):
    """A message of 36 bytes of which only the type is said."""
    return bytes([kind, 0]) + (0xFFFF - (kind << 8)).to_bytes(2, "big") + bytes(32)


@case("RFC 6633; RFC 1122 section 3.2.2.2")
def icmp_other(c):
    """Source quench, redirect, time stamp and mask requests, an answer to a ping that nobody sent: ignored."""
    for kind in 4, 5, 13, 17, 0, 9:
        b = c.builder()
        c.add(b.ether() / b.ip(proto=1) / Raw(icmp(kind)))
    c.alive()


def quote(k, seq, length=1460):
    """What an ICMP error quotes of a segment of ours: its IP header and eight bytes."""
    return Raw(bytes(k.segment("near", "PA", seq, k.far_next, 32768, b"", stream(0, length), ip={"flags": "DF"}))[14:42])


@case("RFC 1122 section 4.2.3.9; RFC 5927")
def icmp_soft_errors(c):
    """Host, network and port unreachable, time exceeded, parameter problem for an established connection: hints, the connection stands."""
    k = opened(c)
    k.near("PA", 100)
    for kind, code in (3, 0), (3, 1), (3, 2), (3, 3), (11, 0), (12, 0):
        c.ip(ICMP(type=kind, code=code) / quote(k, 1))
    k.far().closes()


@case("RFC 5927 section 4")
def icmp_stray(c):
    """Errors that quote what was never sent: a number outside of what is in flight, another connection, another protocol."""
    k = opened(c)
    other = Connection(c, sport=44444)
    c.ip(ICMP(type=3, code=1) / quote(other, 1))
    c.ip(ICMP(type=3, code=4) / quote(other, 1))
    c.ip(ICMP(type=3, code=3) / IP(src=NEAR, dst=FAR) / UDP(sport=5, dport=6) / Raw(b"x"))
    k.still_echoes()


@case("RFC 1191; RFC 8899")
def icmp_too_big(c):
    """A router says that 1000 bytes are the most: what is in flight goes out again in pieces that fit, and so does all that follows."""
    k = c.connect()
    k.writes(2920)
    c.ip(ICMP(type=3, code=4, nexthopmtu=1000) / quote(k, 1))
    k.wait(100).far(ack=961).far(ack=2921).writes(2000).far().closes()


@case("RFC 1191 section 3; RFC 5927 section 7")
def icmp_too_big_forged(c):
    """Too-big messages that name an absurd size, or none: the path is not taken below the least that we send, and data flows."""
    k = c.connect()
    k.writes(1460)
    for mtu in 0, 68, 20, 1500, 9000:
        c.ip(ICMP(type=3, code=4, nexthopmtu=mtu) / quote(k, 1))
    k.wait(100).far().writes(1460).wait(500).far().closes()


@case("RFC 5461 section 4.1; RFC 1122 section 4.2.3.9", f"--as {NEAR}")
def icmp_refuses_connect(c):
    """Our SYN is answered by host unreachable: the connection fails at once, as with most stacks, where RFC 1122 would have it try on. The port
    unreachable that follows finds nobody any more."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460))
    syn = Raw(bytes(k.segment("near", "S", 0, 0, 32768, b"", b""))[14:42])
    c.ip(ICMP(type=3, code=1) / syn)
    c.wait(100)
    c.ip(ICMP(type=3, code=3) / syn)
    c.wait(3000)
    c.alive()


@case("RFC 1122 section 4.1.3.1")
def udp_no_port(c):
    """A datagram to a port at which nobody listens: port unreachable, which quotes it."""
    c.ip(UDP(sport=1000, dport=9) / Raw(b"anybody there?"))
    c.alive()


@case("RFC 768; RFC 1122 section 4.1.3.4")
def udp_bad(c):
    """Datagrams with a wrong checksum, with none, shorter than their header, longer than their packet."""
    c.ip(UDP(sport=1000, dport=9, chksum=0x1234) / Raw(b"x"))
    c.ip(UDP(sport=1000, dport=9, chksum=0) / Raw(b"x"))
    c.ip(Raw(b"\x03\xe8\0\x09"), proto=17)
    c.ip(Raw(b"\x03\xe8\0\x09\0\x04\0\0"), proto=17)
    c.ip(Raw(b"\x03\xe8\0\x09\0\xff\0\0x"), proto=17)
    c.alive()


@case("RFC 826", f"--as {NEAR}")
def arp_asks(c):
    """Who has our address is told, by broadcast and by a frame to us; who asks for another is not."""
    c.ping(near=True)
    c.arp()
    c.arp(dst="02:00:00:00:00:02")
    c.arp(pdst="10.99.0.77")
    c.arp(psrc="0.0.0.0")
    c.alive()


@case("RFC 826")
def arp_bad(c):
    """ARP for another hardware, another protocol, with other lengths, cut short, of no known operation."""
    c.alive()
    c.arp(hwtype=6)
    c.arp(ptype=0x86DD)
    c.arp(hwlen=8)
    c.raw(bytes.fromhex("ffffffffffff0200000000010806") + bytes.fromhex("0001080006040001"))
    c.arp(op=9)
    c.alive()


@case("RFC 5227 section 2.4")
def arp_conflict(c):
    """Another station says that our address is its own: it is defended, once, and noted."""
    c.alive()
    c.arp(hwsrc=OTHER_MAC, psrc=NEAR, pdst=NEAR)
    c.wait(500)
    c.arp(op=2, hwsrc=OTHER_MAC, psrc=NEAR, pdst=FAR)
    c.alive()


@case("RFC 1122 section 2.3.2")
def arp_from_group(c):
    """Frames sent by a group address, which no station has."""
    b = c.builder(src_mac="03:00:00:00:00:01")
    c.add(b.ether() / b.ip() / ICMP(type=8))
    c.alive()
