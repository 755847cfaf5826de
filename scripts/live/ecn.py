# SPDX-License-Identifier: Apache-2.0
"""Group ecn: a peer that asks for ECN and one that does not, with packets marked as congested in its namespace, each way."""
import contextlib

from live.agreed import peer_has
from live.common import ECHO, MIB, NIC_IP, PEER_IP, expect, expect_equal, finish_nc, kernel_echo, must, on_nic_host, run, start_nc, tshark
from live.nic import LEFT, Nic, stat

MIB_SENT = 8
SYN, ACK, ECE, CWR = 2, 16, 0x40, 0x80
NOT_CAPABLE, ECT0, CE = 0, 2, 3


RULES = """
table ip marks {
  chain leaves {
    type filter hook output priority 0;
    ip ecn ect0 numgen random mod 50 == 0 ip ecn set ce
  }
  chain comes {
    type filter hook prerouting priority -300;
    ip ecn ect0 numgen random mod 50 == 0 ip ecn set ce
  }
}
"""


@contextlib.contextmanager
def marked():
    """One in fifty of the packets that may be marked, on their way out of the peer host and into it."""
    must("nft", RULES)
    try:
        yield
    finally:
        must("nft", "delete", "table", "ip", "marks")


class Seen:
    """Of one end's frames in a recording: flags of its SYNs, marks of what has payload and of what has none, ECE and CWR behind the SYNs."""

    def __init__(self, record, ip):
        rows = tshark(record / "wire.pcapng", "-Y", f"tcp && ip.src == {ip}", "-T", "fields", "-e", "tcp.flags", "-e", "ip.dsfield.ecn", "-e", "tcp.len")
        frames = [(int(f, 0), int(e, 0), int(n)) for f, e, n in (row.split("\t") for row in rows.splitlines())]
        expect(frames, f"no frames of {ip}")
        self.syns = [f & (ECE | CWR) for f, _, _ in frames if f & SYN]
        self.data = {e for f, e, n in frames if n and not f & SYN}
        self.other = {e for f, e, n in frames if not n or f & SYN}
        self.ece = sum(bool(f & ECE) for f, _, _ in frames if not f & SYN)
        self.cwr = sum(bool(f & CWR) for f, _, _ in frames if not f & SYN)


def expect_used(record):
    """Both ends mark data and nothing else, echo what was marked, and slow down."""
    ours, theirs = Seen(record, NIC_IP), Seen(record, PEER_IP)
    expect(ECT0 in ours.data and ours.data <= {NOT_CAPABLE, ECT0}, f"our data: {ours.data}")
    expect_equal(ours.other, {NOT_CAPABLE}, "what we send without data")
    expect(CE in theirs.data, "nothing of the peer's was marked")
    expect(ours.ece and theirs.cwr, f"we echo {ours.ece} times, the peer slows down {theirs.cwr} times")
    expect(theirs.ece and ours.cwr, f"the peer echoes {theirs.ece} times, we slow down {ours.cwr} times")
    return ours, theirs


def test_peer_asks(t, nic):
    with marked():
        finish_nc(start_nc(t, nic.name, t.data(MIB_SENT * MIB)), 60)
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect_equal(stat(stats, "retransmissions"), 0, "segments sent again")
    ours, theirs = expect_used(nic.record)
    expect_equal((theirs.syns, ours.syns), ([ECE | CWR], [ECE]), "ECE and CWR of SYN and SYN-ACK")


def client(t, name, *options):
    """Our echo-client against the kernel's server; the peer's frames and ours."""
    nic = Nic(t, name, "--app", f"echo-client:4000,to={PEER_IP}:{ECHO},bytes={MIB_SENT}M", *options)
    with kernel_echo(lambda *cmd: list(cmd), PEER_IP, ECHO), marked():
        r = run(*on_nic_host(*nic.cmd), seconds=60)
    expect_equal(r.returncode, 0, f"status ({r.stderr.strip()[-300:]})")
    nic.judge()
    return nic


def test_we_ask(t):
    nic = client(t, "ecn_client", "--ecn")
    ours, theirs = expect_used(nic.record)
    expect_equal((ours.syns, theirs.syns), ([ECE | CWR], [ECE]), "ECE and CWR of SYN and SYN-ACK")


def expect_unused(record):
    for who in (Seen(record, NIC_IP), Seen(record, PEER_IP)):
        expect_equal((who.data | who.other, who.ece, who.cwr), ({NOT_CAPABLE}, 0, 0), "marks, ECE, CWR")


def test_peer_refuses(t):
    nic = client(t, "ecn_refused", "--ecn")
    expect_unused(nic.record)
    expect_equal((Seen(nic.record, NIC_IP).syns, Seen(nic.record, PEER_IP).syns), ([ECE | CWR], [0]), "ECE and CWR of SYN and SYN-ACK")


def test_asked_in_vain(t, nic):
    with marked():
        finish_nc(start_nc(t, nic.name, t.data(MIB)), 60)
    expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)
    expect_unused(nic.record)
    expect_equal((Seen(nic.record, PEER_IP).syns, Seen(nic.record, NIC_IP).syns), ([ECE | CWR], [0]), "ECE and CWR of SYN and SYN-ACK")


def group(t):
    with peer_has(ecn=1):
        with t.run_of("ecn_off", "--app", f"echo:{ECHO}") as nic:
            if nic:
                t.case("ecn_is_not_agreed_to_unless_asked_for", test_asked_in_vain, t, nic)
        if t.engine != "ref":
            return
        with t.run_of("ecn", "--app", f"echo:{ECHO}", "--ecn") as nic:
            if nic:
                t.case("ecn_of_a_peer_that_asks_8_mib_each_way", test_peer_asks, t, nic)
        t.case("ecn_of_a_peer_that_we_ask_8_mib_each_way", test_we_ask, t)
    with peer_has(ecn=0):
        t.case("ecn_is_not_used_with_a_peer_that_refuses", test_peer_refuses, t)
