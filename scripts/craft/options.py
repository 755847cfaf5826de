# SPDX-License-Identifier: Apache-2.0
"""TCP options of every length, legal and not, and time stamps."""
from craft import case
from craft.talk import SACK_OK, Connection, mss, option, stamps, wscale

LENGTHS = "RFC 9293 section 3.1 (MUST-7)"


def syns(c, *options, writes=0, agreed=b"", at=None):
    """A connection for each set of options in its SYN. near agrees to nothing but an MSS, in number `at` to more; its program writes."""
    for i, o in enumerate(options):
        k = Connection(c, sport=40000 + i, isn=1000 + 5000 * i)
        k.syn(options=o).near("SA", seq=0, options=mss(1460) + (agreed if i == at else b"")).far()
        if writes:
            k.writes(writes).far().closes()


@case(LENGTHS)
def opt_mss_lengths(c):
    """The MSS option with lengths 0 to 6 on a SYN: only 4 is one; with the others no MSS was announced, so segments have at most 536 bytes, and an
    impossible length ends the list."""
    syns(c, *(option(2, (1000).to_bytes(2, "big") + b"\1\1", n) for n in range(7)), writes=600)


@case(LENGTHS)
def opt_wscale_lengths(c):
    """The window scale option with lengths 0 to 5: only 3 is one."""
    syns(c, *(mss(1460) + option(3, b"\7\1\1", n) for n in range(6)), agreed=wscale(0), at=3)


@case(LENGTHS)
def opt_sack_permitted_lengths(c):
    """SACK-permitted with lengths 0 to 4: only 2 is one."""
    syns(c, *(mss(1460) + option(4, b"\1\1", n) for n in range(5)), agreed=SACK_OK, at=2)


@case(LENGTHS)
def opt_stamps_lengths(c):
    """The time stamp option with lengths 2, 9, 11, 12 and 0: none of them is one, so none is agreed to."""
    syns(c, *(mss(1460) + option(8, bytes(10), n) for n in (2, 9, 11, 12, 0)))


@case(LENGTHS)
def opt_sack_lengths(c):
    """SACK blocks of each length from 0 to 40 on an ACK, whole numbers of blocks and others: the first are understood, the others skipped or the
    end of the list, and never read beyond the header."""
    k = c.connect(sack=True)
    k.writes(2920)
    for n in range(41):
        if n in (1, 39, 40):
            continue
        body = b"".join((k.near_isn + x).to_bytes(4, "big") for x in (1461, 2921) * 5)[:max(n - 2, 0)]
        k.far(ack=1461, options=lambda ts, n=n, body=body: option(5, body, n))
    k.far().closes()


@case(LENGTHS)
def opt_beyond_header(c):
    """Options whose length reaches beyond the header, and kinds without a length byte as the last byte: ignored, the segment is taken."""
    k = Connection(c)
    k.syn(options=mss(1000) + option(3, b"\7", 30)).near("SA", seq=0, options=mss(1460)).far()
    for o in (option(8, bytes(2), 10), b"\1\1\1\x08", b"\1\1\1\x05", option(5, bytes(6), 18), option(254, b"", 255), option(19, bytes(2), 18)):
        k.far("PA", 10, options=o)
    k.near().closes()


@case(LENGTHS)
def opt_unknown(c):
    """Options that nobody here knows (among them TCP-MD5, TCP-AO, Fast Open, MPTCP, experiments), on SYN and data: skipped by their length, and what
    stands behind them is read."""
    k = Connection(c, sack=True)
    unknown = (19, bytes(16)), (34, b""), (30, bytes(10)), (253, b"\xf9\x89"), (69, b"xy")
    k.syn(options=option(34) + option(253, b"\xf9\x89ab") + SACK_OK + option(28, b"\0\1") + mss(1000)).syn_ack().far()
    for kind, body in unknown:
        k.far("PA", 10, options=option(kind, body))
    k.near().writes(1500, 1000).far().closes()


@case(LENGTHS)
def opt_end_of_list(c):
    """Behind the end-of-list option anything may stand: a second MSS there does not count. A first one twice counts as the last one said."""
    syns(c, mss(1000) + b"\0" + b"\2\4\2\0" + b"\0\0\0", b"\0" + mss(100) + b"\0\0\0", mss(1000) + mss(700), writes=900)


@case("RFC 9293 section 3.1")
def opt_longest_header(c):
    """A header of 60 bytes: 40 bytes of NOPs, and 40 bytes of four SACK blocks' room."""
    k = Connection(c)
    k.syn(options=mss(1460) + b"\1" * 36).syn_ack().far(options=b"\1" * 40).far("PA", 100, options=b"\1" * 40)
    k.far("PA", 100, options=option(5, bytes(32)) + b"\1" * 6).near().closes()


@case("RFC 9293 section 3.1")
def opt_syn_options_later(c):
    """MSS, window scale and SACK-permitted on an established connection: they mean something on a SYN only."""
    k = c.connect(mss_=1460)
    k.far("PA", 10, options=mss(100) + wscale(14) + SACK_OK).near().writes(1460).far(win=1000).writes(500).far().closes()


@case("RFC 7323 section 3.2")
def ts_missing(c):
    """Time stamps were agreed to, and segments come without: dropped. A reset needs none."""
    k = c.connect(ts=True).data(100)
    k.far("PA", 100, options=b"", lost=True).far(options=b"", lost=True).far("PA", 100).near()
    k.far("R", ack=0, options=b"").wait(10)
    c.alive()


@case("RFC 7323 section 5.3")
def ts_paws(c):
    """Data in sequence with a time stamp older than the last: an old duplicate from the last round of sequence numbers, so it is dropped and
    answered by an ACK. The same with a time stamp that is not older is taken."""
    k = c.connect(ts=True).data(100)

    def old(_):
        return stamps(99_000, 0)
    k.far("PA", 100, options=old, lost=True).far(options=old, lost=True).far("FA", options=old, lost=True).wait(10)
    k.far("PA", 100).near().closes()


@case("RFC 7323 section 5.3")
def ts_paws_reset(c):
    """A reset with an old time stamp is judged by its sequence number alone: inside the window it is challenged, exact it counts."""
    k = c.connect(ts=True).data(100)
    k.far("R", seq=500, ack=0, options=stamps(50_000, 0), lost=True).wait(10).far("R", ack=0, options=stamps(50_000, 0)).wait(10)
    c.alive()


@case("RFC 7323 section 5.5")
def ts_paws_idle(c):
    """The connection is idle for 25 days, in which the peer's clock of time stamps may have wrapped: an older time stamp is believed again."""
    k = c.connect(ts=True).data(100)
    k.wait(25 * 86_400_000)

    def old(_):
        return stamps(60_000, 0)
    k.far("PA", 100, options=old).near().far("FA", options=old).near("FA").far(options=old)


@case("RFC 7323 section 5.2")
def ts_wrap(c):
    """The peer's time stamps wrap at 2^32, then pass 2^31: later is later, modulo 2^32."""
    k = c.connect(ts=True, ts_val=2**32 - 3)
    k.data(100).data(100).data(100).data(100).closes()
    k = c.connect(ts=True, ts_val=2**31 - 3 - c.now_us // 1000, sport=40001)
    k.data(100).data(100).data(100).closes()


@case("RFC 7323 section 4.3")
def ts_echo_behind_gap(c):
    """What is echoed: of a segment behind a gap the time stamp is not, of the one that fills it it is; of a delayed ACK's two segments the
    first's."""
    k = c.connect(ts=True, sack=True).data(100)
    k.far("PA", 100, seq=201).near(ack=101).far("PA", 100, seq=101).near().far("A", 1448).far("A", 1448).near().closes()


@case("RFC 7323 section 3.2")
def ts_not_agreed(c):
    """The peer did not offer time stamps and sends them all the same, old ones too: they mean nothing."""
    k = c.connect().data(100)
    k.far("PA", 100, options=stamps(5000, 7)).far("PA", 100, options=stamps(4000, 7)).near().closes()
