# SPDX-License-Identifier: Apache-2.0
"""Where wrong bytes come from: holds what left the NIC against the streams that entered it, byte by byte."""
from report_data import Frame, ip_text, rel
from report_tables import PRIM, RX, TX

LEAST = 4  # so many bytes are looked for elsewhere; less is found anywhere
FIELDS = {
    "window": [(TX + "rcv_sample.sv", "the window field: the edge that is offered, silly windows avoided, never back")],
    "acknowledgment": [(TX + "tx_header.sv", "puts the sampled RCV.NXT into the header")],
    "sequence number": [(TX + "tx_header.sv", "puts the descriptor's seq into the header")],
    "IP checksum": [(TX + "tx_header.sv", "the IPv4 checksum")],
    "offset, flags": [(TX + "tx_header.sv", "header length and flags")],
    "length": [(TX + "tx_header.sv", "how long the header is")],
    "IP length": [(TX + "tx_header.sv", "lengths")],
}


class Seen:
    """The streams as they entered, up to a cycle: frames, payload of both ways."""

    def __init__(self, run):
        self.run = run
        self.rx, self.tx, self.begin = {}, {}, {}  # flow: bytes from the open on; flow: (snd_nxt, rcv_nxt)
        self.segments = []  # (cycle, flow, class, offset, payload, frame's bytes, where in it the payload begins)
        self.frames_in, self.last_tx, self.last_out, self.last_slow = [], (0, b""), None, (0, b"")
        self.parts = {"rx": b"", "tx": b"", "slow_out": b""}
        self.waiting, self.verified = [], []
        self.beat = run.manifest.get("data_bits", 512) // 8
        for e in run.events:
            if e["cycle"] > run.check["cycle"]:
                break
            if e["event"] == "beat":
                self.on_beat(e)
            elif e["event"] == "frame" and self.waiting:
                frame = self.waiting.pop(0)
                if not e["class"].startswith("RxDrop"):
                    self.verified.append(frame)
            elif e.get("kind") == "RevSegment":
                self.on_segment(e)

    def on_beat(self, e: dict) -> None:
        port = e["port"]
        if port == "command" and e["kind"] == "CmdOpen":
            c = e["command"]
            flow = c.get("flow", 0)
            self.begin[flow] = (c.get("snd_nxt", 0), c.get("rcv_nxt", 0))
            self.rx[flow], self.tx[flow] = bytearray(), bytearray()
        elif port == "payload_in":
            self.tx.setdefault(e["flow"], bytearray()).extend(bytes.fromhex(e["data"]))
        elif port == "payload_out":
            self.last_out = (e["cycle"], e["flow"], bytes.fromhex(e["data"]))
        elif port in self.parts:
            self.parts[port] += bytes.fromhex(e["data"])
            if e["last"]:
                whole, self.parts[port] = self.parts[port], b""
                self.on_frame(port, e["cycle"], whole)

    def on_frame(self, port: str, cycle: int, whole: bytes) -> None:
        if port == "rx":
            self.waiting.append(whole)
            self.frames_in.append((cycle, whole))
        elif port == "tx":
            self.last_tx = (cycle, whole)
        else:
            self.last_slow = (cycle, whole)

    def on_segment(self, e: dict) -> None:
        s = e["segment"]
        while self.verified and len(self.verified[0]) != s.get("frame_len", 0):  # the log began in the middle
            self.verified.pop(0)
        frame = self.verified.pop(0) if self.verified else b""
        if not e.get("hit") or e["flow"] not in self.begin:
            return
        flow, at = e["flow"], rel(s.get("seq", 0), self.begin[e["flow"]][1])
        data = frame[s.get("pay_off", 0) : s.get("pay_off", 0) + s.get("pay_len", 0)]
        self.segments.append((e["cycle"], flow, e["class"], at, data, frame, s.get("pay_off", 0)))
        stream = self.rx[flow]
        if e["class"] in ("RcvAccept", "RcvOutOfOrder") and at + len(data) > 0 and at < len(stream) + (1 << 20):
            if at < 0:
                at, data = 0, data[-at:]
            stream.extend(bytes(max(0, at + len(data) - len(stream))))
            stream[at : at + len(data)] = data


def checksum_right(frame: bytes) -> bool:
    """Of the TCP over the bytes as they are."""
    head = (frame[14] & 15) * 4
    tcp = frame[14 + head : 14 + (frame[16] << 8 | frame[17])]
    data = frame[26:34] + bytes([0, 6]) + len(tcp).to_bytes(2, "big") + tcp + bytes(len(tcp) % 2)
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def runs_of(want: bytes, got: bytes) -> list:
    """Where they differ: [from, to), gaps of up to 3 equal bytes closed."""
    found = []
    for i in (i for i in range(min(len(want), len(got))) if want[i] != got[i]):
        if found and i - found[-1][1] <= 3:
            found[-1][1] = i + 1
        else:
            found.append([i, i + 1])
    return found


def search(stream: bytes, piece: bytes, near: int) -> int | None:
    """The nearest place of it."""
    best, at = None, stream.find(piece)
    while at >= 0:
        if best is None or abs(at - near) < abs(best - near):
            best = at
        at = stream.find(piece, at + 1)
    return best


def origin(seen: Seen, streams: dict, flow: int, at: int, got: bytes, ring: int) -> tuple[str, str]:
    """(kind, what the page says) of wrong bytes that should be those at `at` of a flow's stream."""
    piece = got[:16]
    if not any(got):
        return "zero", "The wrong bytes are all 0: nothing was ever written where they were read."
    if len(piece) < LEAST:
        return "few", ""
    here = search(streams.get(flow, b""), piece, at)
    if here is not None and here != at:
        off = here - at
        if off % ring == 0:
            return (
                "lap",
                (
                    f"They are those of {-off} octets before in the same stream: what stood in the ring a lap ago, so the new bytes were not in the"
                    " ring when it was read."
                ),
            )
        steps = f", that is {abs(off) // seen.beat} lines of the ring" if off % seen.beat == 0 else ", no multiple of a line"
        return (
            "line" if off % seen.beat == 0 else "shift"
        ), f"They are those of {abs(off)} octets {'further on' if off > 0 else 'before'} in the same stream{steps}."
    for other, stream in streams.items():
        found = search(stream, piece, at) if other != flow else None
        if found is not None:
            return "other", f"They are those of another flow: flow {other}, octet {found + 1} of its stream."
    for cycle, other, name, start, data, frame, off in reversed(seen.segments):
        found = frame.find(piece)
        if found < 0:
            continue
        said = (
            f"They are bytes {found} on of {frame_number(seen.run, frame, cycle)} (cycle {cycle}, flow {other}, {name}, its payload"
            f" is {octets(start, len(data))} and begins with byte {off}): "
            + (
                "nothing of that segment was to be written."
                if name not in ("RcvAccept", "RcvOutOfOrder")
                else "not of its payload alone, so the range of it that was written was wrong."
            )
        )
        if other == flow and (start + found - off - at) % ring == 0:
            said += (
                " They lie where that frame's bytes fall when its payload is put in its right place: it was written where it belongs, but from which"
                " byte to which (lo, hi) was wrong."
            )
        if streams is seen.rx:
            said += " What the host had already been given does not show, so the range that was written over may begin earlier."
        return "frame", said
    return "nowhere", "They are nowhere in what entered in these cycles."


def octets(start: int, count: int) -> str:
    """A range of a stream by relative numbers, as everywhere on the page: its first octet has 1."""
    return f"octets [{start + 1}, {start + count + 1})"


def hexes(b: bytes) -> str:
    return b[:16].hex(" ") + (" ..." if len(b) > 16 else "")


def frame_number(run, whole: bytes, cycle: int) -> str:
    """Of a frame that came in, by its TCP header: the newest."""
    f = Frame("", 0, 0, "cycle=0 dir=rx flow=-", whole)
    same = [
        g
        for g in run.frames
        if g.rx and g.cycle <= cycle and g.key == f.key and g.length == f.length and (not f.key or (g.seq, g.ack, g.flags) == (f.seq, f.ack, f.flags))
    ]
    return f"frame {same[-1].name}" if same else "a frame"


def tell_ranges(d, want: bytes, got: bytes, base: int, seq: int, beat: int, where: str) -> list:
    ranges = runs_of(want, got)
    wrong = sum(b - a for a, b in ranges)
    d.evidence.append(
        f"{wrong} of {len(got)} payload octets {where} are wrong, in {len(ranges)} range(s), counted from 0 in its payload: "
        + ", ".join(
            f"[{a}, {b}) (byte {base + a} on, beat {(base + a) // beat} lane {(base + a) % beat}; seq mod line: {(seq + a) % beat})"
            for a, b in ranges[:4]
        )
        + "."
    )
    if ranges:
        a, b = ranges[0]
        d.evidence.append(f"The first of them: expected {hexes(want[a:b])}, got {hexes(got[a:b])}.")
    return ranges


def sent_frame(d, run, names: list) -> None:
    """A frame that left is not what it must be."""
    seen = Seen(run)
    whole = seen.last_tx[1]
    f = Frame("", 0, 0, "cycle=0 dir=tx flow=-", whole) if len(whole) >= 54 else None
    if not f or not f.key:
        d.suspect(TX + "tx_mux.sv", "puts the frames of assembler and slow path onto one stream")
        d.suspect(TX + "tx_header.sv", "the header")
        return
    conn = next((c for c in reversed(run.conns) if c.key == f.key and (c.opened or 0) <= run.check["cycle"]), None)
    if conn:
        d.conn = conn
    flow = conn.flow if conn else -1
    right = checksum_right(whole)
    tell_frame(d, f, conn, right)
    if "window" in names:
        window_evidence(d, run, f)
    stream, at = seen.tx.get(flow, b""), rel(f.seq, seen.begin[flow][0]) if flow in seen.begin else None
    got, want = whole[len(whole) - f.pay :], b""
    if at is not None and f.pay:
        want = bytes(stream[max(at, 0) : at + f.pay])
    if want and len(want) == len(got) and want != got and not wrong_length(d, f):
        wrong_payload(d, run, seen, flow, at, want, got, len(whole) - f.pay, f.seq, right)
    elif not right and all(n in ("TCP checksum", "first byte") for n in names):
        d.suspect(TX + "tx_payload.sv", "sums the payload")
        d.suspect(TX + "tx_header.sv", "sums the header, and puts the checksum in")
        if want == got:
            d.evidence.append("Every octet but the checksum is right.")
    for n in (n for n in names if n not in ("TCP checksum", "first byte")):
        for m, why in FIELDS.get(n, [(TX + "tx_header.sv", f"the field: {n}")]):
            d.suspect(m, why)
    if "offset, flags" in names:
        d.evidence.append(flags_evidence(d))
    d.suspect(TX + "tx_header.sv", "the header: fields, options, lengths, checksums")


def tell_frame(d, f, conn, right: bool) -> None:
    options = f.options + [f"SACK {rel(a, conn.base(True) if conn else 0)}-{rel(b, conn.base(True) if conn else 0)}" for a, b in f.sack]
    d.evidence.append(
        f"The frame that left: {ip_text(f.key[0])}:{f.key[1]} > {ip_text(f.key[2])}:{f.key[3]}, {f.flag_text()}, seq"
        f" {rel(f.seq, conn.base(False)) if conn else f.seq}, ack {rel(f.ack, conn.base(True)) if conn else f.ack}, {f.pay} octets of payload, window"
        f" field {f.window}, options: {', '.join(options) or 'none'}."
    )
    d.evidence.append(
        "Its TCP checksum fits the bytes that it has: header, payload and sum agree with one another."
        if right
        else "Its TCP checksum does not fit the bytes that it has."
    )


def wrong_length(d, f) -> bool:
    """A header that is not as long as it must be, or has what belongs into those without payload, so the payload lies elsewhere."""
    lengths = next((((r["want"] >> 12) * 4, (r["got"] >> 12) * 4) for r in d.rows if r["name"] == "offset, flags"), (0, 0))
    if lengths[1] > lengths[0] and f.pay:
        d.evidence.append(
            "The header is too long, so its last bytes and the payload stand over one another. SACK blocks, the only option that comes and goes,"
            " belong into headers without payload."
        )
        d.suspect(TX + "rcv_sample.sv", "whether a header has SACK blocks, and which (n_sack_o, blocks_o): none beside payload")
    elif lengths[1] != lengths[0]:
        d.suspect(TX + "tx_header.sv", "how long the header is, by its options")
    elif f.sack and f.pay:
        d.evidence.append("It has SACK blocks beside payload; blocks belong into headers without.")
        d.suspect(TX + "rcv_sample.sv", "whether a header has SACK blocks, and which (n_sack_o, blocks_o)")
    else:
        return False
    return True


def flags_evidence(d) -> str:
    row = next(r for r in d.rows if r["name"] == "offset, flags")
    flip = row["want"] ^ row["got"]
    names = [n for i, n in enumerate(("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")) if flip >> i & 1]
    words = (row["want"] >> 12) * 4, (row["got"] >> 12) * 4
    said = f"Flags that differ: {', '.join(names)} ({'missing' if row['want'] & flip & 255 else 'too many'})." if names else "The flags are right."
    if words[0] != words[1]:
        said += (
            f" The header is to be {words[0]} bytes long and says {words[1]}: {abs(words[0] - words[1])} bytes of options"
            f" {'are missing' if words[1] < words[0] else 'too many'} (12 are a time stamp, or one SACK block with its padding)."
        )
    return said


def window_evidence(d, run, f) -> None:
    """What the sample had to say it from."""
    sample = next(
        (
            e
            for e in reversed(d.conn.events)
            if e["event"] == "sample" and e.get("frame") and e["cycle"] <= run.check["cycle"]
            and (e["desc"].get("seq", 0), e["desc"].get("len", 0)) == (f.seq, f.pay)
        ),
        None,
    )
    sent = [e for e in d.conn.frames if not e.rx and e.cycle < run.check["cycle"]]
    if not sample:
        return
    rcv, row = sample["rcv"], next(r for r in d.rows if r["name"] == "window")
    scale, irs = rcv.get("wscale", 0), d.conn.base(True)
    nxt, edge = rcv.get("nxt", 0), rcv.get("wnd_end", 0)
    said = (
        f"The sample, cycle {sample['cycle']}: RCV.NXT {rel(nxt, irs)}, edge {rel(edge, irs)}, scale {scale}. The field must offer the edge "
        f"{rel(nxt, irs) + (row['want'] << scale)}, it offers {rel(nxt, irs) + (row['got'] << scale)}."
    )
    if sent and not sent[-1].flags & 2:
        last = rel(sent[-1].ack, irs) + (sent[-1].window << scale)
        least = min(run.manifest.get("rx_ring_bytes", 32768) // 2, rcv.get("mss", 0))
        said += (
            f" The frame before offered {last}, so the edge could move by {rel(edge, irs) - last}; it is to stay until it can by a full segment or half"
            f" the ring, here {least} octets (RFC 9293 section 3.8.6.2.2), and never goes back."
        )
    d.evidence.append(said)


def wrong_payload(d, run, seen, flow, at, want, got, base, seq, right) -> None:
    ring = run.manifest.get("tx_ring_bytes", 32768)
    ranges = tell_ranges(d, want, got, base, seq, seen.beat, "of the frame that left")
    a, b = ranges[0]
    kind, said = origin(seen, seen.tx, flow, at + a, got[a:b], ring)
    d.evidence.append(said)
    if not right:
        d.suspect(TX + "tx_merge.sv", "payload onto the stream, behind the sum")
    inside = [r for r in ranges if (base + r[0]) // seen.beat == base // seen.beat]
    strides = {b[0] - a[0] for a, b in zip(ranges, ranges[1:])}
    if len(strides) == 1 and min(strides) % seen.beat == 0 and len(ranges) > 1:
        d.evidence.append(
            f"They recur every {min(strides)} octets, that is every {min(strides) // seen.beat} lines of the ring (lines lie in two banks in turn):"
            " which line of which bank is read or written goes wrong."
        )
        kind = "line"
    elif len(inside) == len(ranges) == 1 and kind in ("zero", "other", "nowhere"):
        first_beat(d, run, flow)
        kind = "other"
    if kind == "other":
        d.suspect(TX + "tx_assembler.sv", "says whose ring is read (ring_addr: flow_i)")
        d.suspect(PRIM + "ring_addr.sv", "flow and place in the ring")
    elif kind in ("line", "lap", "nowhere"):
        d.suspect(PRIM + "ring_addr.sv", "which line of which bank: bytes lie at whole lines from where they belong")
        d.suspect(TX + "tx_writer.sv", "writes the ring and moves the tail behind it (ring_write.sv)")
        if kind == "lap":
            d.accuse(TX + "tx_writer.sv", "the tail moved over bytes that it had not written (ring_write.sv)")
    elif kind in ("shift", "few", "zero"):
        d.suspect(TX + "tx_writer.sv", "where a packet's bytes go in the ring (ring_write.sv)")
        d.suspect(TX + "tx_payload.sv", "takes them out at any byte offset (ring_align.sv)")
    d.suspect(TX + "tx_payload.sv", "takes the payload out of the ring")


def first_beat(d, run, flow) -> None:
    before = [e for e in run.events if e["event"] == "sample" and e["cycle"] < run.check["cycle"]]
    mine = next((i for i in reversed(range(len(before))) if before[i]["flow"] == flow and before[i]["desc"].get("len")), 0)
    said = f" (the one before it was of flow {before[mine - 1]['flow']}, {before[mine - 1]['desc_kind']})" if mine else ""
    d.evidence.append(
        "Just the first beat with payload is wrong, all that follow are right: the ring was read elsewhere in the step that begins a"
        f" descriptor{said}, as if with another's flow or place."
    )


def payload_out(d, run) -> None:
    """A byte given to the host is not the one that came in."""
    seen = Seen(run)
    words = [w.rstrip(".") for w in run.check["what"].split()]
    flow = run.check["flow"]
    if "number" in words and seen.last_out and flow in seen.begin:
        seq = int(words[words.index("number") + 1])
        at = rel(seq, seen.begin[flow][1])
        want, got = shown(seen, flow, at, run)
        if want and got:
            kind, said = blame_out(d, run, seen, flow, at, want, got, seq)
            d.evidence.append(said)
            by_kind(d, kind)
    d.suspect(RX + "rx_mover.sv", "writes the accepted range into the ring (ring_write.sv)")
    d.suspect(RX + "rx_reader.sv", "reads the ring for the host (ring_align.sv)")
    d.suspect(PRIM + "ring_addr.sv", "which line of which bank")


def shown(seen, flow, at, run) -> tuple[bytes, bytes]:
    """From the first wrong byte on, expected and got, as far as the beat goes."""
    row = run.check["differs"][0] if run.check["differs"] else None
    beat, stream = seen.last_out[2], seen.rx.get(flow, b"")
    for i, b in enumerate(beat):  # the checker says the first that differs
        if row and b == row["got"] and bytes(stream[max(at - i, 0) : at]) == beat[max(i - at, 0) : i]:
            return bytes(stream[at : at + len(beat) - i]), beat[i:]
    return b"", b""


def blame_out(d, run, seen, flow, at, want, got, seq) -> tuple[str, str]:
    ranges = runs_of(want, got)
    if not ranges:
        return "few", ""
    b = ranges[0][1]
    d.evidence.append(
        f"From octet {at + 1} of the peer's stream on, {b} octets in a row are wrong (place in the ring's line: {seq % seen.beat}): expected"
        f" {hexes(want[:b])}, got {hexes(got[:b])}."
    )
    over = [s for s in seen.segments if s[1] == flow and s[3] <= at < s[3] + len(s[4])]
    for cycle, _, name, start, data, frame, _ in over[-5:]:
        same = data[at - start : at - start + b] == got[:b][: len(data) - (at - start)]
        d.evidence.append(
            f"That octet came with {frame_number(run, frame, cycle)}, cycle {cycle}: {name}, {octets(start, len(data))}"
            + (": these are the bytes that the host got." if same else ".")
        )
        if same and name not in ("RcvAccept", "RcvOutOfOrder"):
            return (
                "refused",
                f"The host got bytes of a segment that was refused ({name}): they were written into the ring although nothing of it was to be taken.",
            )
        if same and cycle != over[0][0]:
            return "again", "The host got the bytes of a segment that came later over the same octets: more of it was written than was to be taken."
    for cycle, other, name, start, data, frame, _ in reversed(seen.segments):
        found = data.find(got[: min(b, 16)]) if b >= LEAST else -1
        if found >= 0 and name not in ("RcvAccept", "RcvOutOfOrder"):
            return (
                "refused",
                (
                    f"The bytes that the host got are those of {frame_number(run, frame, cycle)}, cycle {cycle}, flow {other}, octet {start + found + 1}:"
                    f" a segment that was refused ({name}), of which nothing was to be written into the ring."
                ),
            )
    return origin(seen, seen.rx, flow, at, got[:b], run.manifest.get("rx_ring_bytes", 32768))


def by_kind(d, kind: str) -> None:
    if kind in ("refused", "again", "frame"):
        d.suspect(RX + "rcv_segment.sv", "lo_o, hi_o: the range of a segment that goes into the ring")
        d.suspect(RX + "rcv_step.sv", "the verdict that carries it")
    elif kind == "lap":
        d.suspect(RX + "rx_mover.sv", "tells the host when the last beat is written")
        d.suspect(RX + "rx_reader.sv", "reads no further than it may")
    elif kind == "other":
        d.suspect(RX + "rx_pipe.sv", "the verdict FIFO: whose ring a frame goes to")
    elif kind == "shift":
        d.suspect(RX + "rx_reader.sv", "where the host's next octet lies: consumed")
        d.suspect(PRIM + "ram_1r1w.sv", "the store of consumed: a read sees the write of its own cycle")
    elif kind == "line":
        d.suspect(PRIM + "ring_addr.sv", "which line of which bank")


def slow_frame(d, run) -> None:
    """A frame on the slow path is not the one that came in."""
    seen = Seen(run)
    cycle, got = seen.last_slow
    if not got:
        return
    best = max(
        seen.frames_in[-200:],
        default=None,
        key=lambda f: (next((i for i, (x, y) in enumerate(zip(f[1], got)) if x != y), min(len(f[1]), len(got))), f[0]),
    )
    if not best:
        return
    at = next((i for i, (x, y) in enumerate(zip(best[1], got)) if x != y), min(len(best[1]), len(got)))
    d.evidence.append(
        f"The frame that left begins as {frame_number(run, best[1], cycle)} ({len(best[1])} bytes, in since cycle {best[0]}) does, up to byte {at},"
        f" which is beat {at // seen.beat} lane {at % seen.beat}."
    )
    for when, other in reversed(seen.frames_in):
        found = other.find(got[at : at + 16]) if len(got) - at >= LEAST else -1
        if found >= 0 and other is not best[1]:
            d.evidence.append(
                f"From there on it is {frame_number(run, other, cycle)}, byte {found} (beat {found // seen.beat}), in since cycle {when}: "
                "the frame FIFO was read at another frame's beats, so the number of beats that a verdict takes off it was wrong."
            )
            d.suspect(RX + "rx_pipe.sv", "the verdict FIFO: what becomes of a frame, with its number of beats")
            break
