# SPDX-License-Identifier: Apache-2.0
"""How connections begin, and what comes to a port without one."""
from craft import case
from craft.talk import NEAR, NEAR_MAC, SACK_OK, Connection, mss, option, wscale

AS = f"--as {NEAR}"


@case("RFC 9293 section 3.5")
def syn_echo(c):
    """The plain conversation that all others vary: handshake, a line each way, the peer's end and ours."""
    k = c.connect(sack=True, ts=True, scale=7)
    k.far("PA", b"hello\n").near("PA", b"hello\n").far().closes()


@case("RFC 9293 section 3.8.1")
def syn_again(c):
    """The peer's SYN comes three times before it hears our SYN-ACK: each is answered by the same SYN-ACK, and one connection comes of it."""
    k = Connection(c).syn().syn(seq=0).syn(seq=0).syn_ack().far()
    k.still_echoes()


@case("RFC 9293 section 3.8.1; RFC 6298 section 2.1")
def syn_ack_again(c):
    """Our SYN-ACK is not heard for 3.5 s: it is sent again after 1 s and after 3 s, and the ACK that comes at last is good for all of them."""
    k = Connection(c).syn().syn_ack().wait(3500).far()
    k.still_echoes()


@case("RFC 9293 section 3.8.3")
def syn_never_finished(c):
    """A handshake of which the last ACK never comes: the SYN-ACK is sent again a few times, then the connection is given up, and a late ACK
    gets a reset. The ping at the end only keeps the clock going."""
    k = Connection(c).syn().syn_ack().wait(200_000)
    k.far(lost=True)
    c.alive()


@case("RFC 9293 section 3.10.7.4")
def syn_data_on_ack(c):
    """The first data comes with the ACK of the handshake: it is delivered though the flow is only just being opened in hardware."""
    k = Connection(c).syn().syn_ack()
    k.far("PA", b"first words").near().still_echoes()


@case("RFC 9293 section 3.10.7.2")
def syn_data_on_syn(c):
    """Data on the SYN itself, without TCP Fast Open: the SYN alone is acknowledged, and the peer sends the data again."""
    k = Connection(c)
    k.far("S", b"too early", seq=0, options=k.offer(), lost=True)
    k.advance("far", 0, 1)
    k.syn_ack().far().far("PA", b"too early").near().still_echoes()


@case("RFC 9293 section 3.10.7.4")
def syn_no_ack_but_data(c):
    """The handshake's ACK is lost, and data with the ACK comes in its place."""
    k = Connection(c).syn().syn_ack()
    k.far("PA", 300, seq=1).near().far("PA", 300).near().closes()


@case("RFC 3168 section 6.1.1")
def syn_ecn(c):
    """An ECN-setup SYN. Neither the NIC nor the reference beside it agrees to ECN here, so the SYN-ACK says nothing of it and no packet of ours
    is marked as capable; a peer that marks its own all the same, and a router's mark on one, change nothing."""
    k = c.connect(ecn=True)
    k.far("PA", 500, ip={"tos": 2}).far("PA", 500, ip={"tos": 3}).near()
    k.far("PAC", 500, ip={"tos": 2}).near()
    k.writes(2920).far("AE").writes(1460).far().closes()


@case("RFC 9293 section 3.1")
def syn_reserved_bits(c):
    """Every reserved bit of the header set, in the handshake and in data: they are ignored, and ours are zero."""
    k = Connection(c)
    k.syn(reserved=7).syn_ack().far(reserved=7).far("PA", 40, reserved=7).near("PA", 40).far(reserved=7).closes()


@case("RFC 9293 section 3.7.1 (MUST-15)")
def syn_no_options(c):
    """A SYN without any option: no segment of ours is longer than 536 bytes."""
    k = Connection(c)
    k.syn(options=b"").syn_ack(options=mss(1460)).far().writes(1200, 536).far().closes()


@case("RFC 9293 section 3.7.1")
def syn_small_mss(c):
    """The peer takes 64 bytes at a time: what the program writes is cut into so many."""
    k = c.connect(mss_=64)
    k.writes(400, 64).far().closes()


@case("RFC 9293 section 3.7.1")
def syn_zero_mss(c):
    """An MSS of 0 cannot be meant: the connection works."""
    k = Connection(c, mss_=0)
    k.syn().syn_ack().far().writes(600, 536).far().closes()


@case("RFC 9293 section 3.7.1")
def syn_large_mss(c):
    """The peer would take 9000 bytes: we send no more than our own wire's 1460."""
    k = c.connect(mss_=8960)
    k.writes(4000).far().closes()


@case("RFC 7323 section 2.3")
def syn_wscale_above_14(c):
    """A window scale of 15, which nobody may use: taken as 14, so the window of 4 means 65536 bytes."""
    k = c.connect(scale=15, window=4)
    k.far(win=4).writes(2920).far(win=4).closes()


@case("RFC 9293 section 3.10.7.1")
def syn_closed_port(c):
    """A SYN for a port at which nobody listens: a reset that acknowledges it."""
    k = Connection(c, dport=81)
    k.syn()
    k.near("RA", seq=-k.near_isn, ack=1, win=0, options=b"")


@case("RFC 9293 section 3.10.7.2")
def syn_ack_to_listener(c):
    """An ACK out of nowhere to a port at which somebody listens: a reset with the number that it acknowledged. Then a real connection."""
    b = c.builder(sport=41000)
    c.add(b.ether() / b.ip() / b.tcp(flags="A", seq=777, ack=4242))
    c.connect().still_echoes()


@case("RFC 9293 section 3.10.7.2", AS)
def syn_syn_ack_to_listener(c):
    """A SYN-ACK that answers nothing of ours: a reset, as half-open peers need it."""
    b = c.builder(sport=41000)
    c.add(b.ether() / b.ip() / b.tcp(flags="SA", seq=777, ack=4242))
    c.connect().still_echoes()


@case("RFC 9293 section 3.10.7.2")
def syn_reset_to_listener(c):
    """Resets out of nowhere, with and without ACK, to a port at which somebody listens and to one where nobody does: never answered."""
    for dport in 7, 81:
        for flags in "R", "RA":
            b = c.builder(sport=41000, dport=dport)
            c.add(b.ether() / b.ip() / b.tcp(flags=flags, seq=777, ack=4242))
    c.connect().still_echoes()


@case("RFC 9293 section 3.10.7.2")
def syn_odd_flags(c):
    """What scanners send to a listener: no flag at all, FIN alone, SYN with FIN, SYN with RST, FIN with PSH and URG (Xmas), all flags. None opens
    a connection; those with ACK get a reset, those with RST nothing."""
    for i, flags in enumerate(("", "F", "SF", "SR", "FPU", "FSRPAUEC", "FA")):
        b = c.builder(sport=41000 + i)
        c.add(b.ether() / b.ip() / b.tcp(flags=flags, seq=777, ack=0))
    c.connect().still_echoes()


@case("RFC 9293 section 3.10.7.1")
def syn_odd_flags_closed_port(c):
    """The same to a port at which nobody listens: a reset for each but those that are resets themselves."""
    for i, flags in enumerate(("", "F", "SF", "SR", "FPU", "FSRPAUEC", "A")):
        b = c.builder(sport=41000 + i, dport=81)
        c.add(b.ether() / b.ip() / b.tcp(flags=flags, seq=777, ack=0))
    c.alive()


@case("RFC 9293 section 3.10.7.4; RFC 5961 section 3.2")
def syn_received_reset(c):
    """A reset at exactly RCV.NXT while the handshake is under way: the half-open connection is gone, so data for it gets a reset."""
    k = Connection(c).syn().syn_ack()
    k.far("R", ack=0)
    k.far("PA", 10, lost=True)


@case("RFC 5961 section 3.2")
def syn_received_reset_in_window(c):
    """A reset inside the window but not at RCV.NXT while the handshake is under way: a challenge ACK, and the handshake goes on."""
    k = Connection(c).syn().syn_ack()
    k.far("R", seq=1000, ack=0, lost=True).far("R", seq=100_000, ack=0, lost=True)
    k.far().still_echoes()


@case("RFC 9293 section 3.10.7.4")
def syn_received_bad_ack(c):
    """The handshake's ACK acknowledges what was never sent: a reset for that segment, and the right one still opens the connection."""
    k = Connection(c).syn().syn_ack()
    k.far(ack=500, lost=True).far(ack=-500, lost=True)
    k.far().still_echoes()


@case("RFC 9293 section 3.10.7.4, fourth")
def syn_received_other_syn(c):
    """While the handshake is under way a SYN of another number inside the window comes: the half-open connection returns to LISTEN, and the peer
    that began anew is served when it tries again."""
    k = Connection(c).syn().syn_ack()
    k.far("S", seq=2000, options=mss(1460), lost=True).wait(500)
    k.far("S", seq=0, options=mss(1460), lost=True).wait(100).far().still_echoes()


@case("RFC 9293 section 3.10.7.4, fifth")
def syn_received_no_ack(c):
    """A segment without ACK in place of the handshake's last one: ignored."""
    k = Connection(c).syn().syn_ack()
    k.far("P", 20, seq=1, lost=True)
    k.far().far("PA", 20, seq=1).near().closes()


@case("RFC 9293 section 3.9.2.3 (MUST-57, MUST-63); RFC 1122 section 3.2.1.3")
def syn_land(c):
    """LAND: a SYN from our own address and port to itself, from a loopback address, from a group, from the broadcast address, from nobody:
    none is answered, or we would talk to ourselves or to everybody."""
    for src in NEAR, "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "240.0.0.1", "10.99.0.255":
        b = c.builder(src_ip=src, sport=7)
        c.add(b.ether() / b.ip() / b.tcp(flags="S", seq=1))
    c.connect().still_echoes()


@case("RFC 9293 section 3.9.2.3 (MUST-57)", AS)
def syn_to_group(c):
    """SYN with FIN in a frame to everybody, to a multicast address, and to a multicast address in a frame to us: not even looked at."""
    for mac, dst in ("ff:ff:ff:ff:ff:ff", NEAR), ("01:00:5e:00:00:01", "224.0.0.1"), (NEAR_MAC, "224.0.0.1"):
        b = c.builder(dst_mac=mac, dst_ip=dst, sport=41000)
        c.add(b.ether() / b.ip() / b.tcp(flags="SF", seq=1))
    c.connect().still_echoes()


@case("RFC 9293 section 3.5", AS)
def syn_active(c):
    """The recorded endpoint opens the connection, and its program speaks first."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460) + SACK_OK + k.stamp("near", True) + wscale(7)).far("SA", seq=0, options=mss(1460)).near()
    k.near("PA", b"GET\n").far("PA", b"got\n").near().closes()


@case("RFC 9293 section 3.10.7.3", AS)
def syn_active_refused(c):
    """Our SYN is answered by a reset that acknowledges it: the connection fails. Resets that acknowledge something else are ignored."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460))
    k.far("RA", seq=0, ack=99, lost=True).far("R", seq=0, lost=True).far("RA", seq=0, ack=1, options=b"")
    c.alive()


@case("RFC 9293 section 3.10.7.3", AS)
def syn_active_bad_ack(c):
    """A SYN-ACK that acknowledges what was never sent, as from an old connection: a reset with that number, and the right one still counts."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460))
    k.far("SA", seq=0, ack=4000, options=mss(1460), lost=True)
    k.far("SA", seq=0, ack=1, options=mss(1460)).near().still_echoes()


@case("RFC 9293 section 3.8.1; RFC 6298 section 5", AS)
def syn_active_unanswered(c):
    """Nobody answers our SYN for 8 s: it goes out again after 1, 3 and 7 s, the same each time, and the SYN-ACK that comes at last is taken."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460)).wait(8000).far("SA", seq=0, options=mss(1460)).near().still_echoes()


@case("RFC 9293 section 3.5, figure 7", AS)
def syn_simultaneous(c):
    """Both sides send a SYN at once: each answers with a SYN-ACK, and one connection stands."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460)).far("S", seq=0, options=mss(1460)).near("SA", seq=0, options=mss(1460))
    k.far("SA", seq=0, ack=1, options=mss(1460)).near().still_echoes()


@case("RFC 9293 section 3.10.7.3", AS)
def syn_active_data_on_syn_ack(c):
    """Data on the SYN-ACK: its SYN is acknowledged, and the data counts once it has come."""
    k = Connection(c, sport=80, dport=40000)
    k.near("S", seq=0, options=mss(1460)).far("SA", b"welcome", seq=0, options=mss(1460)).near(ack=1)
    k.far("PA", b"welcome", seq=1).near().still_echoes()


@case("RFC 4987 section 3.6")
def syn_flood(c):
    """Seventy peers begin handshakes and do not finish: from the 57th on they get SYN cookies, which cost no memory. Eight who bring theirs back
    get the flows that are left, a forged cookie gets a reset, a ninth finds no room. When it tries again a second later the oldest half-open
    handshake gives its flow."""
    ks = [Connection(c, sport=30000 + i, isn=9000 * (i + 1)) for i in range(70)]
    for k in ks:
        k.syn().syn_ack()
    for k in ks[56:64]:
        k.far()
    ks[69].far(ack=33, lost=True)
    ks[64].far().wait(1500).far()
    ks[63].still_echoes()
    ks[64].still_echoes()


@case("")
def syn_no_flow_free(c):
    """All 64 flows of the NIC are open when two more peers try: they are left unanswered and counted, and one that tries again after a flow has
    become free is served. Another build's number of flows gives other counts."""
    ks = [c.connect(sport=30000 + i, isn=9000 * (i + 1)) for i in range(64)]
    late = Connection(c, sport=31000)
    late.far("S", seq=0, options=mss(1460), lost=True)
    ks[0].closes()
    c.wait(100)
    late.syn().syn_ack().far().still_echoes()


@case("RFC 9293 section 3.10.7.4")
def syn_handshake_reordered(c):
    """The handshake's ACK comes behind the first two segments of data, and once more: nothing is lost or doubled."""
    k = Connection(c).syn().syn_ack()
    k.far("PA", 100, seq=101).far("PA", 100, seq=1).far(seq=1).near().far(seq=1).closes()


@case("RFC 7323 section 1.3; RFC 2018 section 2")
def syn_ack_options(c):
    """SACK, time stamps and window scale are each agreed to only by those who offered them: a SYN with each alone."""
    for i, opts in enumerate((SACK_OK, option(8, bytes(8)), wscale(3))):
        k = Connection(c, sport=40000 + i)
        k.syn(options=mss(1460) + opts).near("SA", seq=0, options=mss(1460) + opts)
        k.far(options=b"" if i != 1 else option(8, bytes([0, 0, 0, 9, 0, 0, 0, 0])))
