# SPDX-License-Identifier: Apache-2.0
"""Blind attacks on an established connection (RFC 5961), and resets that are meant."""
from craft import case
from craft.talk import stream

RST, SYN, DATA = "RFC 5961 section 3.2", "RFC 5961 section 4.2", "RFC 5961 section 5.2"


def opened(c, **how):
    return c.connect(**how).data(300)


@case(RST)
def rst_exact(c):
    """A reset at exactly RCV.NXT ends the connection: nothing is answered, and what comes for it later gets a reset."""
    k = opened(c)
    k.far("R", ack=0).wait(10)
    k.far("PA", 100, lost=True)


@case(RST)
def rst_exact_with_ack(c):
    """RST with ACK at exactly RCV.NXT, and its ACK number is nonsense: it ends the connection all the same."""
    opened(c).far("RA", ack=0x10000000).wait(10)
    c.alive()


@case(RST)
def rst_in_window(c):
    """Resets inside the window: one above RCV.NXT, in the middle, at its last number. Each is challenged by an ACK and nothing else happens; a
    peer that has really forgotten the connection answers with the exact number."""
    k = opened(c)
    for seq in 302, 16000, 300 + 32768 - 300:
        k.far("R", seq=seq, ack=0, lost=True).near().wait(10)
    k.still_echoes()


@case(RST)
def rst_outside(c):
    """Resets outside the window: one below RCV.NXT, right behind the window, half the space away, at the ISN. Dropped without a word."""
    k = opened(c)
    for seq in 300, 301 + 32768, 301 + 2**31, 0:
        k.far("R", seq=seq, ack=0, lost=True).wait(10)
    k.still_echoes()


@case(f"{RST}; section 7")
def rst_challenge_limit(c):
    """A hundred resets inside the window within 100 ms: challenges are limited, so the flood is not reflected; the connection stands."""
    k = opened(c)
    for i in range(100):
        k.far("R", seq=1000 + i, ack=0, lost=True)
    k.near().wait(2000).far("R", seq=1000, ack=0, lost=True).near().still_echoes()


@case("RFC 9293 section 3.10.7.4, second")
def rst_with_data(c):
    """A reset with data in it (an ASCII text that says why, RFC 1122 section 4.2.2.12), at exactly RCV.NXT: it ends the connection, and nothing of
    it is delivered."""
    opened(c).far("R", b"go away", ack=0, lost=True).wait(10)
    c.alive()


@case(RST)
def rst_behind_gap(c):
    """A reset behind a gap, where the data before it was lost: a challenge, and the reset that follows it at exactly RCV.NXT counts."""
    k = opened(c)
    k.far("PA", 100, seq=401).near(ack=301).far("R", seq=501, ack=0, lost=True).near(ack=301).far("R", seq=301, ack=0, lost=True).wait(10)
    c.alive()


@case(RST)
def rst_then_data_at_once(c):
    """Reset, data and ACK back to back: the flow is dead in hardware before the host has let go of it, and what follows the reset is dropped and
    counted, answered by nobody."""
    k = opened(c)
    c.at_once(lambda: k.far("R", seq=301, ack=0, lost=True), lambda: k.far("PA", 100, seq=301, lost=True), lambda: k.far(seq=301, lost=True))
    c.wait(10)
    c.alive()


@case("RFC 9293 section 3.10.7.4")
def rst_in_closing(c):
    """The peer resets after our FIN: the connection is over at once, without TIME-WAIT."""
    k = opened(c)
    k.near("FA").far().far("R", ack=0).wait(10)
    c.alive()


@case("RFC 9293 section 3.10.4")
def rst_by_us(c):
    """The recorded program aborted with data unread by the peer: our reset has the number that comes next."""
    k = opened(c)
    k.near("PA", 200).far().near("RA", lost=True).wait(10)
    k.far("PA", 10, lost=True)


@case(SYN)
def rfc5961_syn_in_window(c):
    """A SYN inside the window of an established connection, at RCV.NXT and above it: a challenge ACK each, the connection stands."""
    k = opened(c)
    k.far("S", seq=301, ack=0, lost=True).near().wait(10).far("S", seq=5000, ack=0, lost=True).near().wait(10)
    k.still_echoes()


@case(SYN)
def rfc5961_syn_outside(c):
    """A SYN outside the window, as of a peer that has lost its memory and begins anew: the same challenge ACK, which such a peer answers with a
    reset at exactly RCV.NXT. Then its next SYN opens a new connection."""
    k = opened(c)
    k.far("S", seq=900_000, ack=0, options=k.offer(), lost=True).near().far("R", seq=301, ack=0).wait(100)
    c.connect(isn=900_000 + k.isn, near_isn=7_000_000).still_echoes()


@case(SYN)
def rfc5961_syn_again(c):
    """The SYN of the connection itself comes again, late: a challenge ACK."""
    k = opened(c)
    k.far("S", seq=0, ack=0, options=k.offer(), lost=True).wait(10)
    k.still_echoes()


@case(SYN)
def rfc5961_syn_ack_and_data(c):
    """SYN with ACK, SYN with data, SYN with FIN on an established connection: challenged, and nothing in them counts."""
    k = opened(c)
    k.far("SA", seq=301, lost=True).wait(10).far("SA", stream(301, 100), seq=301, lost=True).wait(10).far("SFA", seq=301, lost=True).wait(10)
    k.far("PA", 100, seq=301).near().still_echoes()


@case(DATA)
def rfc5961_ack_beyond(c):
    """An ACK of what was never sent, empty and with data: answered by an ACK, the data is not taken. Without this a blind attacker could put data
    into the stream without knowing our numbers."""
    k = opened(c)
    k.far(ack=1000, lost=True).wait(10).far("PA", 100, seq=301, ack=2, lost=True).wait(10).far("PA", 100, seq=301, ack=2**31 - 5, lost=True).wait(10)
    k.far("PA", 100, seq=301).near().still_echoes()


@case(DATA)
def rfc5961_ack_too_old(c):
    """Data whose ACK lies further back than any window was large: answered by an ACK, not taken."""
    k = opened(c)
    k.near("PA", 100).far()
    k.far("PA", 100, seq=301, ack=101 - 70_000, lost=True).wait(10).far("PA", 100, seq=301, ack=101 - 2**31 + 1, lost=True).wait(10)
    k.far("PA", 100, seq=301).near().still_echoes()


@case(DATA)
def rfc5961_ack_old_but_plausible(c):
    """An old ACK, but within the largest window that the peer ever offered: its data is taken, the ACK itself says nothing new."""
    k = opened(c)
    k.near("PA", 100).far()
    k.far("PA", 100, seq=301, ack=1).near().far("PA", 100, seq=401, ack=101 - 60_000).near()
    k.still_echoes()


@case(f"{RST}; {SYN}; {DATA}")
def rfc5961_scaled(c):
    """The same three attacks where the peer's window is scaled by 14, so that an ACK from a gigabyte back is plausible."""
    k = opened(c, scale=14, window=4)
    k.near("PA", 100).far()
    k.far("R", seq=2000, ack=0, lost=True).near().wait(10).far("S", seq=2000, ack=0, lost=True).near().wait(10)
    k.far("PA", 100, seq=301, ack=101 - 2**30 + 20_000).near().far("PA", 100, seq=401, ack=101 - 2**30 - 2**29, lost=True).wait(10)
    k.far("PA", 100, seq=401).near().still_echoes()
