# SPDX-License-Identifier: Apache-2.0
"""The peer's window, and what of ours is lost on the way."""
from craft import case
from craft.talk import option

PROBE = "RFC 9293 section 3.8.6.1"


@case(PROBE)
def win_zero(c):
    """The peer's window closes with data of ours waiting: it is probed, further and further apart, until it opens; then all goes out."""
    k = c.connect(window=1000)
    k.near("PA", 1000).far(win=0).near("PA", 500, lost=True).wait(6000)
    k.far(win=65535).near("PA", 500).far(win=65535).closes()


@case(PROBE)
def win_zero_answered(c):
    """Each probe of a closed window is answered: the connection lives on, whatever the time."""
    k = c.connect(window=1000)
    k.near("PA", 1000).far(win=0).near("PA", 500, lost=True)
    for _ in range(12):
        k.wait(1500).far(win=0, ack=1001)
    k.far(win=65535).near("PA", 500).far(win=65535).closes()


@case(PROBE)
def win_zero_from_start(c):
    """The handshake's ACK offers no window at all."""
    k = c.connect(window=0)
    k.window = 65535
    k.near("PA", 300, lost=True).wait(1000).far().near("PA", 300).far().closes()


@case("RFC 9293 section 3.8.6")
def win_shrinks(c):
    """The peer takes back window that it had offered: nothing more is sent behind the new edge, what is out there is sent again when it opens."""
    k = c.connect(window=8000)
    k.writes(2920).far(ack=1461, win=500).wait(10).near("PA", 100, lost=True).wait(2000)
    k.far(ack=2921, win=8000).near("PA", 100).far(win=8000).closes()


@case("RFC 9293 section 3.8.6.2.1")
def win_silly(c):
    """The peer opens its window by a few bytes at a time: we do not fill each of them, but wait for a segment's worth or half the window."""
    k = c.connect(window=1460)
    k.near("PA", 1460).far(win=0).near("A", 1460, lost=True).near("PA", 540, seq=2921, lost=True).wait(5)
    for i in range(1, 11):
        k.far(win=10 * i, ack=1461).wait(5)
    k.far(win=8000).near("A", 1460).near("PA", 540).far(win=8000).closes()


@case("RFC 9293 section 3.10.7.4, fifth")
def win_old_update(c):
    """Window updates that come in another order than they were sent: the older one does not count (SND.WL1, SND.WL2)."""
    k = c.connect(window=4000)
    k.near("PA", 1000).far("PA", 100, win=3000).near().far("PA", 100, win=8000)
    k.far(seq=101, ack=1001, win=0).writes(2920).far(win=8000).closes()


@case("RFC 7323 section 2")
def win_scaled(c):
    """A window of 200 scaled by 7 is 25600 bytes: that much goes out in flight as slow start allows, and not scaled in the SYN."""
    k = c.connect(scale=7, window=200)
    k.writes(8 * 1460)
    k.far(ack=2921).far(ack=5841).far(ack=8761).far().closes()


@case("RFC 5681 section 3.1; RFC 6928")
def loss_slow_start(c):
    """The congestion window opens by what is acknowledged: ten segments first, then three for each ACK of two, by one segment more than was
    acknowledged."""
    k = c.connect()
    k.writes(20 * 1460)
    for i in range(1, 11):
        k.far(ack=1 + i * 2920)
    k.closes()


@case("RFC 6298 section 5")
def loss_timeout(c):
    """None of our segments is acknowledged: the first goes out again after the timeout, then after twice that, and the ACK that comes at last
    covers all."""
    k = c.connect()
    k.near("PA", 500).wait(2000).far().closes()


@case("RFC 9293 section 3.8.3; RFC 1122 section 4.2.3.5")
def loss_given_up(c):
    """The peer has vanished: our data goes out again and again, further and further apart up to a minute, until the connection is given up. The
    peer that comes back after an hour gets a reset."""
    k = c.connect()
    k.near("PA", 500).wait(3_600_000).far("PA", 10, ack=1, lost=True)


@case("RFC 6298 section 5")
def loss_timeout_in_flight(c):
    """Several segments are lost together: after the timeout only the first goes out again, the rest as its ACKs come."""
    k = c.connect()
    k.writes(5840).wait(1500).far(ack=1461).far(ack=4381).far().closes()


@case("RFC 5681 section 3.2; RFC 6582")
def loss_fast_retransmit(c):
    """Three duplicate ACKs without SACK: the missing segment goes out again at once."""
    k = c.connect()
    k.writes(7300).far(ack=1461)
    for _ in range(3):
        k.far(ack=1461)
    k.wait(20).far(ack=7301).closes()


@case("RFC 6582 section 3.2")
def loss_partial_ack(c):
    """Two segments are lost: the ACK of the first one's repair is partial, and brings the second at once (NewReno)."""
    k = c.connect()
    k.writes(8760).far(ack=1461)
    for _ in range(4):
        k.far(ack=1461)
    k.wait(20).far(ack=4381).wait(20).far(ack=8761).closes()


@case("RFC 3042")
def loss_limited_transmit(c):
    """The first two duplicate ACKs each let a new segment out, so that a third can come."""
    k = c.connect()
    k.writes(18 * 1460).far(ack=1461).far(ack=1461).far(ack=1461).far(ack=1461).wait(20).far(ack=14 * 1460 + 1).far(ack=16 * 1460 + 1).far().closes()


@case("RFC 6675")
def loss_sack(c):
    """Two holes told by SACK: both are filled in one round trip, nothing that has arrived is sent again. The ACK that covers only the first brings
    the one rescue retransmission of the last octets that are missing (NextSeg, rule 4)."""
    k = c.connect(sack=True)

    def sack(*spans):
        return lambda ts: ts + option(5, b"".join(((k.near_isn + n) % 2**32).to_bytes(4, "big") for span in spans for n in span))
    k.writes(8 * 1460)
    k.far(ack=1461, options=sack((2921, 4381))).far(ack=1461, options=sack((2921, 5841)))
    k.far(ack=1461, options=sack((7301, 8761), (2921, 5841))).far(ack=1461, options=sack((7301, 11681), (2921, 5841)))
    k.wait(20).far(ack=5841, options=sack((7301, 11681))).far(ack=11681).closes()


@case("RFC 2018 section 8")
def loss_sack_reneging(c):
    """The peer has told by SACK what it held, and throws it away: after the timeout everything is sent again, as if no SACK had come."""
    k = c.connect(sack=True)

    def sack(a, b):
        return lambda ts: ts + option(5, (k.near_isn + a).to_bytes(4, "big") + (k.near_isn + b).to_bytes(4, "big"))
    k.writes(5840).far(ack=1, options=sack(1461, 5841)).wait(1000).far(ack=1461).far(ack=2921).far(ack=5841).closes()


@case("RFC 2883; RFC 5681")
def loss_dsack(c):
    """A segment of ours was sent again for nothing, and the peer says so by D-SACK: no more is sent again because of it."""
    k = c.connect(sack=True)
    k.writes(2920).wait(1500)
    k.far(ack=2921).far(ack=2921, options=lambda ts: ts + option(5, (k.near_isn + 1).to_bytes(4, "big") + (k.near_isn + 1461).to_bytes(4, "big")))
    k.writes(1460).far().closes()


@case("RFC 2018; RFC 6675")
def loss_sack_nonsense(c):
    """SACK blocks of what was never sent, of what is acknowledged, upside down, empty, and half a block: they mean nothing and break nothing."""
    k = c.connect(sack=True)

    def sack(*numbers, length=None):
        return lambda ts: ts + option(5, b"".join(((k.near_isn + n) % 2**32).to_bytes(4, "big") for n in numbers), length)
    k.writes(2920)
    for numbers in (50_000, 60_000), (1, 2921), (2921, 1461), (1461, 1461), (1461 + 2**31, 2921 + 2**31), (1461, 90_000), (1461,), ():
        k.far(ack=1461, options=sack(*numbers))
    k.far().closes()


@case("RFC 5681 section 3.2")
def loss_ack_lost(c):
    """Some of the peer's ACKs are lost: the next one covers them, and nothing is sent again."""
    k = c.connect()
    k.writes(4 * 1460).far(ack=4 * 1460 + 1).writes(4 * 1460).far(ack=5 * 1460 + 1).far(ack=8 * 1460 + 1).closes()


@case("RFC 5681 section 2")
def loss_not_duplicate_acks(c):
    """ACKs that look like duplicates and are none: with data, with another window. No retransmission comes of them."""
    k = c.connect()
    k.writes(5840).far(ack=1461).far("PA", 10, ack=1461).far("PA", 10, ack=1461).far("PA", 10, ack=1461)
    k.far(ack=1461, win=60000).far(ack=1461, win=61000).far(ack=1461, win=62000).near().far(ack=5841).closes()


@case("RFC 9293 section 3.8.1")
def loss_peer_sends_again(c):
    """Our ACK is lost and the peer sends the same data again after its timeout, alone and with more behind it: acknowledged again, delivered
    once."""
    k = c.connect()
    k.far("PA", 500).wait(1000).far("PA", 500, seq=1).wait(1000).far("PA", 900, seq=1).near().closes()
