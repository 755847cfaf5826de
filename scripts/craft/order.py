# SPDX-License-Identifier: Apache-2.0
"""Data in every order, overlap and place in sequence space."""
from craft import case
from craft.talk import stream

RULE = "RFC 9293 section 3.10.7.4, seventh"


def opened(c, **how):
    """300 bytes are there already."""
    return c.connect(**how).data(300)


def after(k):
    """All is acknowledged by now; it ends in order."""
    k.near().closes()


@case(f"{RULE}; RFC 5681 section 4.2")
def order_gap(c):
    """A segment is missing: the one behind it is held and answered at once by a duplicate ACK, and when the gap is filled all is acknowledged at
    once."""
    k = opened(c)
    k.far("PA", 100, seq=401).near().far("PA", 100, seq=301)
    after(k)


@case(f"{RULE}; RFC 2018 section 4")
def order_gap_sack(c):
    """The same with SACK: the duplicate ACK says what is held."""
    k = opened(c, sack=True, ts=True)
    k.far("PA", 100, seq=401).near().far("PA", 100, seq=301)
    after(k)


@case(RULE)
def order_duplicate(c):
    """A segment comes twice, whole and in part: each duplicate is answered at once, nothing is delivered twice."""
    k = opened(c)
    k.far("PA", 300, seq=1).far("PA", 100, seq=101).far("PA", 1, seq=300)
    after(k)


@case("RFC 2883 section 4")
def order_duplicate_sack(c):
    """The same with SACK: each answer reports the duplicate as its first block (D-SACK)."""
    k = opened(c, sack=True)
    k.far("PA", 300, seq=1).far("PA", 100, seq=101).far("PA", 1, seq=300)
    after(k)


@case(RULE)
def order_overlap_behind(c):
    """A segment begins in what is there and ends in what is new: just the new part is taken."""
    k = opened(c)
    k.far("PA", 200, seq=201).near().far("PA", 100, seq=401)
    after(k)


@case("RFC 2883 section 4.1")
def order_overlap_behind_sack(c):
    """The same with SACK: the doubled part is reported."""
    k = opened(c, sack=True, ts=True)
    k.far("PA", 200, seq=201).near().far("PA", 100, seq=401)
    after(k)


@case(RULE)
def order_overlap_held(c):
    """New data against what is held out of order (501 to 600), while the gap in front stays open: before it and into it, into it and behind it,
    inside it, around it, exactly it, right before it, right behind it."""
    k = opened(c)
    k.far("PA", 100, seq=501)
    for seq, n in (451, 100), (551, 100), (521, 50), (431, 240), (431, 240), (421, 10), (671, 10):
        k.far("PA", n, seq=seq)
    k.near(ack=301).far("PA", 120, seq=301)
    after(k)


@case("RFC 2018 section 4; RFC 2883 section 4.2")
def order_overlap_held_sack(c):
    """The same with SACK: the interval grows, each part that came twice is reported before it."""
    k = opened(c, sack=True, ts=True)
    k.far("PA", 100, seq=501)
    for seq, n in (451, 100), (551, 100), (521, 50), (431, 240), (431, 240), (421, 10), (671, 10):
        k.far("PA", n, seq=seq)
    k.near(ack=301).far("PA", 120, seq=301)
    after(k)


@case(RULE)
def order_fill_overlaps(c):
    """What fills the gap reaches into what is held, then past its end: in one step everything up to the next gap is delivered."""
    k = opened(c)
    k.far("PA", 100, seq=401).far("PA", 100, seq=601).near(ack=301)
    k.far("PA", 150, seq=301).near().far("PA", 300, seq=481)
    after(k)


@case(RULE)
def order_bridge(c):
    """Two held intervals are joined by what lies between them, by exactly that and by more, while a gap in front stays."""
    k = opened(c, sack=True)
    k.far("PA", 100, seq=401).far("PA", 100, seq=601).far("PA", 100, seq=501)
    k.far("PA", 100, seq=801).far("PA", 300, seq=651).near(ack=301).far("PA", 100, seq=301)
    after(k)


@case(RULE)
def order_around_many(c):
    """One segment covers three held intervals and the gaps between them."""
    k = opened(c, sack=True)
    k.far("PA", 50, seq=401).far("PA", 50, seq=501).far("PA", 50, seq=601).far("PA", 400, seq=351).near(ack=301).far("PA", 50, seq=301)
    after(k)


@case(f"{RULE}; RFC 2018 section 8")
def order_five_gaps(c):
    """Five islands out of order. The NIC holds four; the fifth is refused, nothing is given up for it, and the peer sends it again. The reference
    is built with the same four."""
    k = opened(c, sack=True)
    for seq in 401, 601, 801, 1001:
        k.far("PA", 100, seq=seq)
    k.far("PA", 100, seq=1201, lost=True).near(ack=301)
    for seq in 301, 501, 701, 901, 1101, 1201:
        k.far("PA", 100, seq=seq)
    after(k)


@case(RULE)
def order_reverse(c):
    """Five segments come last first: each but the last to come is answered by a duplicate ACK."""
    k = opened(c, sack=True)
    for seq in 701, 601, 501, 401, 301:
        k.far("PA", 100, seq=seq)
    after(k)


@case(RULE)
def order_odds_then_evens(c):
    """Every second segment, then the others, so that intervals vanish one by one from the front."""
    k = opened(c, sack=True, ts=True)
    for seq in 351, 451, 551, 651, 301, 401, 501, 601:
        k.far("PA", 50, seq=seq)
    after(k)


@case("RFC 9293 section 3.4")
def order_other_bytes(c):
    """An overlap whose bytes are not those that came first, as an attacker sends them to be seen by one and not by the other: what came first is
    delivered, before RCV.NXT as well as out of order."""
    k = opened(c)
    k.far("PA", b"X" * 100, seq=201).far("PA", 100, seq=401).far("PA", b"Y" * 100, seq=401).near(ack=301).far("PA", 100, seq=301)
    after(k)


@case(f"{RULE}; section 3.10.7.4, eighth")
def order_fin_first(c):
    """The peer's FIN overtakes its data: remembered, acknowledged when everything before it has come."""
    k = opened(c)
    k.far("FA", 100, seq=401).near(ack=301).far("PA", 100, seq=301).near("FA").far()


@case(f"{RULE}; section 3.10.7.4, eighth")
def order_bare_fin_first(c):
    """A FIN without data, far ahead of a gap: remembered, and duplicate ACKs until the gap is filled."""
    k = opened(c, sack=True)
    k.far("FA", seq=501).near(ack=301).far("PA", 100, seq=401).far("PA", 100, seq=301).near("FA").far()


@case("RFC 9293 section 3.10.7.4")
def order_after_fin(c):
    """Data behind the peer's own FIN: acknowledged as not taken, delivered never."""
    k = opened(c)
    k.far("FA").near().far("PA", b"ghost", seq=302, lost=True).far("PA", b"ghost", seq=301, lost=True).near("FA").far()


@case("RFC 9293 section 3.10.7.4, first")
def order_beyond_window(c):
    """Data wholly behind the window's edge is refused and answered; of a segment across the edge only what lies inside is held. Then the gap is
    filled by segments that reach up to it."""
    k = c.connect()
    k.far("PA", stream(40000, 100), seq=40001, lost=True).far("PA", stream(32767, 100), seq=32768, lost=True)
    k.far("PA", 100, seq=32669)
    k.far("PA", stream(32768, 100), seq=32769, lost=True).near(ack=1)
    for seq in range(1, 32669, 1452):
        k.far("PA", 1452, seq=seq)
        if seq % 2 == 0:
            k.near()
    after(k)


@case("RFC 9293 section 3.10.7.4, first")
def order_across_edge(c):
    """A segment that begins inside the window and ends 50 bytes beyond: the part inside is held, the rest comes again."""
    k = c.connect(sack=True)
    k.far("PA", stream(32668, 150), seq=32669, lost=True).near(ack=1)
    for seq in range(1, 34000, 1452):
        k.far("PA", 1452, seq=seq)
        if seq % 2 == 0:
            k.near()
    after(k)


@case("RFC 9293 section 3.4.1")
def seq_wrap_32(c):
    """The peer's numbers wrap at 2^32 in the middle of a segment, with a gap, an overlap and its end on either side of it."""
    k = c.connect(isn=2**32 - 400, sack=True, ts=True)
    k.far("PA", 300).near().far("PA", 200, seq=501).far("PA", 200, seq=301).near().far("PA", 250, seq=551)
    after(k)


@case("RFC 9293 section 3.4.1")
def seq_wrap_31(c):
    """The same where numbers change their sign at 2^31."""
    k = c.connect(isn=2**31 - 400, sack=True, ts=True)
    k.far("PA", 300).near().far("PA", 200, seq=501).far("PA", 200, seq=301).near().far("PA", 250, seq=551)
    after(k)


@case("RFC 9293 section 3.4.1")
def seq_wrap_exactly(c):
    """A segment ends with the last number of all, the next begins at 0; then the FIN of another connection is the last number itself."""
    k = c.connect(isn=2**32 - 101)
    k.far("PA", 100).near().far("PA", 100).near().closes()
    k = c.connect(isn=2**32 - 102, sport=40001)
    k.far("PA", 100).near().closes()


@case("RFC 9293 section 3.4.1")
def seq_isn_zero(c):
    """The peer's first sequence number is 0, then 2^32 - 1 with a SYN that wraps by itself."""
    c.connect(isn=0).still_echoes()
    c.connect(isn=2**32 - 1, sport=40001).still_echoes()


@case("RFC 9293 section 3.8.5")
def urg_data(c):
    """Urgent data, with the pointer inside the segment, at its end and far behind it: delivered in its place like any other, never apart. Urgent
    pointers without URG mean nothing."""
    k = opened(c)
    k.far("PAU", 100, urgptr=50).near().far("PAU", 100, urgptr=100).far("PAU", 100, urgptr=65535).far("PA", 10, urgptr=5).far("AU", urgptr=1)
    after(k)


@case("RFC 9293 section 3.8.4; RFC 1122 section 4.2.3.6")
def keep_alive(c):
    """The peer's keep-alives, one number below what is expected, empty and with a byte of garbage: each is answered, none delivers anything."""
    k = opened(c).wait(1000)
    k.far(seq=300).near().wait(1000)
    k.far("A", b"\0", seq=300, lost=True).near().wait(1000)
    k.far(seq=300).near().still_echoes()


@case("RFC 5681 section 4.2; RFC 9293 section 3.8.6.3")
def ack_delayed(c):
    """Single segments are acknowledged after 40 ms, two full ones at once, whatever they carry of PSH; an answer carries the ACK of what came
    before it."""
    k = c.connect()
    k.far("A", 1460).wait(100).near()
    k.far("A", 1460).far("A", 1460).near().wait(100)
    k.far("PA", 10).wait(100).near().far("PA", 10).far("PA", 10).wait(10).near("PA", 5).far()
    k.closes()


@case("RFC 9293 section 3.10.7.4, fifth")
def ack_missing(c):
    """Segments without the ACK flag on an established connection, with data, with FIN and with nothing: dropped."""
    k = opened(c)
    k.far("P", 100, lost=True).far("F", 100, lost=True).far("", lost=True)
    k.far("PA", 100)
    after(k)
