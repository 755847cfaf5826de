# SPDX-License-Identifier: Apache-2.0
"""Every way in which a connection comes to its end, TIME-WAIT, and the same ports once more."""
from craft import case
from craft.talk import Connection, mss

FIN = "RFC 9293 section 3.6"
TIME_WAIT = "RFC 9293 section 3.10.7.4"


def opened(c, **how):
    return c.connect(**how).data(100)


def ended(c, **how):
    """We have closed first and are in TIME-WAIT; the peer's next number is 102."""
    k = opened(c, **how)
    k.near("FA").far().far("FA").near()
    return k


@case(FIN)
def close_peer_first(c):
    """The peer closes, we close: no TIME-WAIT on our side."""
    opened(c).closes()


@case(FIN)
def close_we_first(c):
    """We close, the peer closes: its FIN is acknowledged from TIME-WAIT."""
    ended(c).wait(10)
    c.alive()


@case("RFC 9293 section 3.6, figure 13")
def close_simultaneous(c):
    """Both FINs are on their way at once: CLOSING, then TIME-WAIT when ours is acknowledged."""
    k = opened(c)
    k.near("FA").far("FA", ack=1).near().far().wait(10)
    c.alive()


@case(FIN)
def close_fin_of_both_in_one(c):
    """The peer's FIN carries the ACK of ours: straight from FIN-WAIT-1 to TIME-WAIT."""
    k = opened(c)
    k.near("FA").far("FA").near().wait(10)
    c.alive()


@case(FIN)
def close_with_data(c):
    """FIN and data in one segment, either way."""
    k = opened(c)
    k.far("FPA", 50).near("FPA", 80).far()


@case(FIN)
def close_half_by_peer(c):
    """The peer closes its half and goes on reading: what our program writes afterwards reaches it, then we close."""
    k = opened(c)
    k.far("FA").near().wait(300).writes(3000).far().wait(300).near("PA", 500).far().near("FA").far()


@case(FIN)
def close_half_by_us(c):
    """We close our half and go on reading: what the peer sends afterwards is delivered, then it closes."""
    k = opened(c)
    k.near("FA").far().wait(300).far("PA", 1000).near().far("PA", 1000, seq=2101).near(ack=1101)
    k.far("PA", 1000, seq=1101).near().far("FA").near().wait(10)
    c.alive()


@case(FIN)
def close_fin_unacknowledged(c):
    """Nobody acknowledges our FIN: it is sent again with the retransmission timer."""
    k = opened(c)
    k.near("FA").wait(1500).far().far("FA").near()


@case(f"{FIN}; RFC 9293 section 3.8.1")
def close_last_data_lost(c):
    """The ACK covers our last data, not the FIN that went with it: just the FIN goes out again."""
    k = opened(c)
    k.near("FPA", 200).far(ack=201).wait(1000).far().far("FA").near()


@case(TIME_WAIT)
def time_wait_fin_again(c):
    """The peer's FIN comes again because our last ACK was lost: acknowledged again, and the wait begins anew."""
    k = ended(c)
    k.far("FA", seq=101).wait(1000).far("FA", seq=101).wait(10)
    c.alive()


@case("RFC 1337; RFC 9293 section 3.10.7.4")
def time_wait_assassination(c):
    """A reset in TIME-WAIT, exact: ignored, or an old duplicate's answer could end the wait. The FIN that comes behind it is still answered."""
    k = ended(c)
    k.far("R", seq=102, ack=0).far("RA", seq=102).far("FA", seq=101).wait(10)
    c.alive()


@case("RFC 1337")
def time_wait_old_data(c):
    """Old data, old ACKs and data from the future in TIME-WAIT: answered by the last ACK, except an ACK that is exactly right."""
    k = ended(c)
    k.far("PA", 100, seq=1, lost=True).far("A", seq=50, lost=True).far("PA", b"x" * 10, seq=102, lost=True).far(seq=102).wait(10)
    c.alive()


@case(f"{TIME_WAIT}; RFC 9293 section 3.6.1")
def time_wait_new_syn(c):
    """The same ports again while we are in TIME-WAIT, with a sequence number above the last: a new connection."""
    k = ended(c)
    c.connect(isn=k.isn + 50_000, near_isn=k.near_isn + 100_000).still_echoes()


@case(TIME_WAIT)
def time_wait_old_syn(c):
    """The same ports again while we are in TIME-WAIT, with a sequence number below the last: an old duplicate, answered by the last ACK, and its
    sender resets itself. A minute later the ports are free."""
    k = ended(c)
    k.far("S", seq=-500, ack=0, options=mss(1460), lost=True).wait(61_000)
    c.connect(isn=k.isn - 500, near_isn=k.near_isn + 100_000).still_echoes()


@case("RFC 6191 section 2")
def time_wait_new_syn_by_stamp(c):
    """The same ports again with a lower sequence number, but a later time stamp: a new connection."""
    k = ended(c, ts=True)
    c.wait(100)
    c.connect(isn=k.isn - 5000, near_isn=k.near_isn + 100_000, ts=True).still_echoes()


@case("RFC 6191 section 2")
def time_wait_old_syn_by_stamp(c):
    """A higher sequence number, but an earlier time stamp: not a new connection."""
    k = ended(c, ts=True)
    old = Connection(c, isn=k.isn + 5000, ts=True, ts_val=50_000)
    old.far("S", seq=0, options=old.offer(), lost=True).wait(100)
    c.alive()


@case(TIME_WAIT)
def close_port_reused(c):
    """The peer has waited, not we: the same ports at once, with any sequence number, three times over."""
    for isn in 100_000, 90_000, 200_000:
        c.connect(isn=isn, near_isn=isn * 3).data(100).closes()


@case("RFC 9293 section 3.10.7.1")
def close_then_data(c):
    """Data for a connection that has ended in order, with no TIME-WAIT on our side: a reset."""
    k = opened(c).closes()
    k.wait(10).far("PA", b"late", lost=True)


@case("RFC 9293 section 3.10.7.4, fifth")
def close_last_ack_wrong(c):
    """In LAST-ACK an ACK of too much comes: challenged, the connection waits on until the right one."""
    k = opened(c)
    k.far("FA").near().near("FA").far(ack=5000, lost=True).far()
