# SPDX-License-Identifier: Apache-2.0
"""The two ends of a crafted capture. `far` is the peer, whose frames are played to the NIC; `near` is what a recorded endpoint answered,
as far as it says when its program wrote and which numbers the peer's acknowledgements speak of. Numbers are counted from each side's ISN."""
import argparse

from scapy.layers.inet import ICMP
from scapy.layers.l2 import ARP
from scapy.packet import Raw

from frames import Builder

FAR_MAC, NEAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
FAR, NEAR = "10.99.0.1", "10.99.0.2"
WINDOW = 32768      # what the NIC offers, as does the endpoint that is played
NEAR_ISN = 5_000_000
GAP_US = 1000


# --- options as bytes --------------------------------------------------------------------------------------------------

def option(kind, body=b"", length=None):
    return bytes([kind, len(body) + 2 if length is None else length]) + body


def mss(n):
    return option(2, n.to_bytes(2, "big"))


def wscale(n):
    return option(3, bytes([n]))


SACK_OK = option(4)


def stamps(val, ecr):
    return option(8, (val % 2**32).to_bytes(4, "big") + (ecr % 2**32).to_bytes(4, "big"))


def padded(options):
    """To a multiple of four, by NOPs in front."""
    return b"\x01" * (-len(options) % 4) + options


def stream(offset, n):
    """Bytes of a stream: the same at the same place whenever they are sent."""
    return bytes((i * 7 + (i >> 8) + 0x21) & 0xFF for i in range(offset, offset + n))


class Capture:
    """Frames and a clock."""

    def __init__(self):
        self.frames, self.now_us, self.gap_us = [], 0, GAP_US

    def add(self, frame):
        self.frames.append((self.now_us, bytes(frame)))
        self.now_us += self.gap_us

    def wait(self, ms):
        self.now_us += int(ms * 1000)

    def at_once(self, *sends):
        """What these functions send comes back to back."""
        gap, self.gap_us = self.gap_us, 0
        for send in sends:
            send()
        self.gap_us = gap
        self.now_us += gap

    def builder(self, near=False, **fields):
        """Of frames of the far side, or of the near one; see frames.py."""
        ends = {"src_mac": FAR_MAC, "dst_mac": NEAR_MAC, "src_ip": FAR, "dst_ip": NEAR, "sport": 40000, "dport": 7}
        back = {"src_mac": NEAR_MAC, "dst_mac": FAR_MAC, "src_ip": NEAR, "dst_ip": FAR, "sport": 7, "dport": 40000}
        return Builder(argparse.Namespace(**{**(back if near else ends), "seq": 1, "ack": 1, "mtu": 1500, **fields}))

    def ip(self, body, near=False, ends=None, **fields):
        """A packet that belongs to no connection. ends: what of addresses is another (see builder)."""
        b = self.builder(near, **(ends or {}))
        self.add(b.ether() / b.ip(**fields) / body)

    def raw(self, data):
        self.add(data)

    def ping(self, n=8, near=False, **fields):
        """Shows that the NIC lives, and keeps the clock going until now."""
        self.ip(ICMP(type=0 if near else 8, id=1, seq=1) / Raw(stream(0, n)), near=near, **fields)

    def alive(self):
        self.ping()
        self.ping(near=True)

    def arp(self, op=1, hwsrc=FAR_MAC, psrc=FAR, pdst=NEAR, dst="ff:ff:ff:ff:ff:ff", **fields):
        b = self.builder()
        ether = b.ether()
        ether.dst = dst
        self.add(ether / ARP(op=op, hwsrc=hwsrc, psrc=psrc, pdst=pdst, **fields))

    def connect(self, **how):
        return Connection(self, **how).handshake()


class Connection:
    """A connection between far and near. Its frames advance it, but those that are `lost`: the recorded endpoint did not take them."""

    def __init__(self, c, sport=40000, dport=7, isn=1000, near_isn=NEAR_ISN, mss_=1460, sack=False, ts=False, scale=None, window=65535, far_ip=FAR,
                 ts_val=100_000, ecn=False):
        self.c, self.sport, self.dport, self.isn, self.near_isn, self.far_ip, self.ecn = c, sport, dport, isn, near_isn, far_ip, ecn
        self.mss, self.sack, self.ts, self.scale, self.window, self.ts_base = mss_, sack, ts, scale, window, ts_val
        self.far_next = self.near_next = 0      # of what was sent
        self.near_ack = self.far_ack = 0        # of what was taken
        self.held = []                          # spans that near holds out of order
        self.last_ts = {"far": 0, "near": 0}

    # --- frames ---
    def stamp(self, who, syn):
        if not self.ts:
            return b""
        val = self.ts_base + self.c.now_us // 1000 if who == "far" else 900_000 + self.c.now_us // 1000
        other = "near" if who == "far" else "far"
        ecr = 0 if syn and who == "far" and not self.last_ts[other] else self.last_ts[other]
        self.last_ts[who] = val
        return stamps(val, ecr)

    def segment(self, who, flags, seq, ack, window, options, data, ip=None, **tcp):
        """The packet's bytes, Ethernet and all."""
        far = who == "far"
        own, other = (self.isn, self.near_isn) if far else (self.near_isn, self.isn)
        ends = {"sport": self.sport, "dport": self.dport} if far else {"sport": self.dport, "dport": self.sport}
        b = self.c.builder(not far, **({"src_ip": self.far_ip} if far else {"dst_ip": self.far_ip}), **ends)
        header = b.tcp(flags=flags, seq=(own + seq) % 2**32, ack=(other + ack) % 2**32 if "A" in flags else tcp.pop("raw_ack", 0), window=window,
                       dataofs=5 + len(options) // 4, **tcp)
        return b.ether() / b.ip(proto=6, **(ip or {})) / header / Raw(options + data)

    def put(self, who, flags, data, seq, ack, window, options, pad, lost, **more):
        mine = self.far_next if who == "far" else self.near_next
        seq = mine if seq is None else seq
        ack = (self.far_ack if who == "far" else self.near_ack) if ack is None else ack
        syn = "S" in flags
        if isinstance(data, int):
            data = stream(seq - 1, data)
        if options is None:
            options = self.stamp(who, syn)
        elif callable(options):
            options = options(self.stamp(who, syn))
        frame = bytes(self.segment(who, flags, seq, ack, window, padded(options), data, **more))
        self.c.add(frame + b"\0" * max(0, pad - len(frame)))
        if not lost:
            self.advance(who, seq, seq + len(data) + ("S" in flags) + ("F" in flags))
        return self

    def advance(self, who, start, end):
        if who == "near":
            self.near_next = max(self.near_next, end)
            self.far_ack = self.near_next
            return
        self.far_next = max(self.far_next, end)
        self.held.append((start, end))
        for start, end in sorted(self.held):
            if start <= self.near_ack:
                self.near_ack = max(self.near_ack, end)
        self.held = [(s, e) for s, e in self.held if e > self.near_ack]

    def far(self, flags="A", data=b"", seq=None, ack=None, win=None, options=None, pad=0, lost=False, **more):
        """A segment of the peer. data: bytes, or how many of its stream; pad: the frame's length at least."""
        return self.put("far", flags, data, seq, ack, self.window if win is None else win, options, pad, lost, **more)

    def near(self, flags="A", data=b"", seq=None, ack=None, win=None, options=None, pad=0, lost=False, **more):
        """A segment of the recorded endpoint: data of it makes the program write."""
        return self.put("near", flags, data, seq, ack, WINDOW if win is None else win, options, pad, lost, **more)

    # --- what is common ---
    def offer(self):
        def options(ts):
            return mss(self.mss) + (SACK_OK if self.sack else b"") + ts + (b"" if self.scale is None else wscale(self.scale))
        return options

    def answer(self):
        def options(ts):
            return mss(1460) + (SACK_OK if self.sack else b"") + ts + (b"" if self.scale is None else wscale(0))
        return options

    def syn(self, **more):
        return self.far("SEC" if self.ecn else "S", **{"seq": 0, "options": self.offer(), **more})

    def syn_ack(self, **more):
        return self.near("SAE" if self.ecn else "SA", **{"seq": 0, "options": self.answer(), **more})

    def handshake(self):
        return self.syn().syn_ack().far()

    def data(self, n):
        """The peer says n bytes, and near acknowledges them."""
        return self.far("PA", n).near()

    def writes(self, n, size=1460):
        """Near's program writes n bytes."""
        while n > 0:
            self.near("PA" if n <= size else "A", min(n, size))
            n -= size
        return self

    def wait(self, ms):
        self.c.wait(ms)
        return self

    def closes(self):
        """In order, the peer first."""
        return self.far("FA").near("FA").far()

    def still_echoes(self):
        """It stands as before: a byte both ways, then its end."""
        return self.far("PA", 1).near("PA", 1).far().closes()
