# SPDX-License-Identifier: Apache-2.0
"""A recording as report.py needs it: its frames, connections and what its replay tells of the NIC's inside, as much as a page can hold."""
import json
import mmap
import os
import re
import struct
import subprocess
import tempfile
from pathlib import Path

import gen_layout

HERE = Path(__file__).resolve().parent
TYPES = HERE.parent / "rtl/nic_types.svh"
CYCLES_BEFORE, CYCLES_AFTER = 400_000, 20_000  # of the replay's events around the focus
FRAMES_BEFORE, FRAMES_AFTER = 20_000, 2_000  # of the frames, likewise
FLAG_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
FIN, SYN, RST, ACK = 1, 2, 4, 16
MOD = 1 << 32


class Unreadable(Exception):
    """That is no recording."""


def rel(seq: int, base: int) -> int:
    """How far a sequence number lies behind another, or, below 0, before it."""
    return (seq - base + MOD // 2) % MOD - MOD // 2


def ip_text(v: int) -> str:
    return ".".join(str(v >> s & 255) for s in (24, 16, 8, 0))


def seq_members() -> set[str]:
    """The members of the RTL's structs that are sequence numbers."""
    return {m for _, members in gen_layout.structs(TYPES.read_text(encoding="ascii")) for m, _, seq in members if seq}


def enum_names() -> dict[str, dict[int, str]]:
    return {
        name: {int(v): n for n, v in re.findall(r"(\w+) = (\d+)", gen_layout.strip(body))}
        for body, name in gen_layout.ENUM.findall(TYPES.read_text(encoding="ascii"))
    }


class FrameName:
    """Which frame of a recording: N of wire.pcapng, or S:N, frame N of wire-S.pcapng, as `lockwire replay --frame` takes them (sim/wave.c).

    N is the number that Wireshark shows, which begins with 1 in each file. As text: "812", "3:812"."""

    def __init__(self, segment: int, number: int):
        self.segment, self.number = segment, number

    @classmethod
    def parse(cls, text: str):
        m = re.fullmatch(r"(?:([0-9]+):)?([0-9]+)", text)
        if not m or int(m[1] or 1) < 1 or int(m[2]) < 1:
            raise ValueError(f"{text}: N, or SEGMENT:N, from 1")
        return cls(int(m[1] or 0), int(m[2]))

    def __str__(self) -> str:
        return f"{self.segment}:{self.number}" if self.segment else str(self.number)


# --- frames --------------------------------------------------------------------------------------------------------------


class Frame:
    """One frame of the wire, its headers taken apart."""

    __slots__ = (
        "name",
        "order",
        "cycle",
        "us",
        "rx",
        "flow",
        "length",
        "key",
        "seq",
        "ack",
        "flags",
        "window",
        "pay",
        "options",
        "sack",
        "text",
        "again",
        "conn",
        "at",
        "print",
    )

    def __init__(self, name: str, order: int, us: int, comment: str, data: bytes):
        said = dict(p.split("=", 1) for p in comment.split() if "=" in p)
        self.name, self.order, self.us, self.length = name, order, us, len(data)  # order: among all of the recording
        self.cycle, self.rx = int(said.get("cycle", 0)), said.get("dir") == "rx"
        self.flow = int(said["flow"]) if said.get("flow", "-").isdigit() else None
        self.key, self.sack, self.options, self.again, self.conn = None, [], [], False, None
        self.at, self.print = self.cycle, (self.length, data[:64])  # at: when the NIC took or gave its last beat, where that is known
        self.text = self.take_apart(data)

    def take_apart(self, data: bytes) -> str:
        """Its text; fields and `key`, the connection seen from the NIC, when it is TCP."""
        if len(data) < 14:
            return "runt"
        kind = data[12] << 8 | data[13]
        if kind == 0x0806 and len(data) >= 42:
            asks = data[21] == 1
            sender, target = (".".join(map(str, data[i : i + 4])) for i in (28, 38))
            return f"ARP who has {target}? tell {sender}" if asks else f"ARP {sender} is here"
        if kind != 0x0800 or len(data) < 34:
            return f"EtherType 0x{kind:04x}"
        head, total, proto = (data[14] & 15) * 4, data[16] << 8 | data[17], data[23]
        src, dst = struct.unpack_from("!II", data, 26)
        at, end = 14 + head, min(14 + total, len(data))
        if (data[20] << 8 | data[21]) & 0x3FFF:
            return f"IPv4 {ip_text(src)} > {ip_text(dst)} fragment"
        if proto != 6 or end - at < 20:
            return (
                f"IPv4 {ip_text(src)} >"
                f" {ip_text(dst)} {'ICMP' if proto == 1 else 'UDP' if proto == 17 else f'protocol {proto}' if proto != 6 else 'TCP, cut off'}"
            )
        sport, dport, self.seq, self.ack = struct.unpack_from("!HHII", data, at)
        offset, self.flags, self.window = data[at + 12] >> 4, data[at + 13], data[at + 14] << 8 | data[at + 15]
        self.pay = max(0, end - at - 4 * offset)
        self.key = (dst, dport, src, sport) if self.rx else (src, sport, dst, dport)
        self.read_options(data[at + 20 : at + 4 * offset])
        return ""

    def read_options(self, o: bytes) -> None:
        i = 0
        while i < len(o) and o[i]:
            if o[i] == 1:
                i += 1
                continue
            n = o[i + 1] if i + 1 < len(o) else 0
            if n < 2 or i + n > len(o):
                self.options.append("malformed")
                return
            v = o[i + 2 : i + n]
            if o[i] == 2 and n == 4:
                self.options.append(f"MSS {v[0] << 8 | v[1]}")
            elif o[i] == 3 and n == 3:
                self.options.append(f"scale {v[0]}")
            elif o[i] == 4:
                self.options.append("SACK ok")
            elif o[i] == 8 and n == 10:
                self.options.append("TS {} {}".format(*struct.unpack("!II", v)))
            elif o[i] == 5:
                self.sack = [struct.unpack_from("!II", v, k) for k in range(0, len(v) - 7, 8)]
            else:
                self.options.append(f"option {o[i]}")
            i += n

    def flag_text(self) -> str:
        return " ".join(n for i, n in enumerate(FLAG_NAMES) if self.flags >> i & 1) or "none"


def blocks(path: Path):
    """(microseconds, comment, bytes) of each whole frame in a pcapng of ours."""
    with open(path, "rb") as f:
        if not os.fstat(f.fileno()).st_size:
            return
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            at, size = 0, len(m)
            if m[:4] != b"\n\r\r\n":
                raise Unreadable(f"{path}: not a pcapng of lockwire's")
            while at + 12 <= size:
                kind, length = struct.unpack_from("<II", m, at)
                if length < 12 or at + length > size:
                    return
                if kind == 6:
                    high, low, caught, _ = struct.unpack_from("<IIII", m, at + 12)
                    data = m[at + 28 : at + 28 + caught]
                    o, end, comment = at + 28 + caught + (-caught & 3), at + length - 4, ""
                    while o + 4 <= end:
                        code, n = struct.unpack_from("<HH", m, o)
                        if code == 1:
                            comment = m[o + 4 : o + 4 + n].decode("ascii", "replace")
                        if code == 0:
                            break
                        o += 4 + n + (-n & 3)
                    yield high << 32 | low, comment, data
                at += length


CYCLE = re.compile(r"cycle=(\d+) dir=(rx|tx)")


def wires(folder: Path) -> dict[int, Path]:
    """The segments' files by number, in their order; wire.pcapng as 0."""
    found = {int(p.stem.removeprefix("wire-")): p for p in folder.glob("wire-*.pcapng") if p.stem.removeprefix("wire-").isdigit()}
    found = found or {0: folder / "wire.pcapng"}
    if not all(p.exists() for p in found.values()):
        raise Unreadable(f"{folder}: no recording of lockwire run --record (no wire.pcapng)")
    return dict(sorted(found.items()))


# --- the replay ------------------------------------------------------------------------------------------------------------


class Replay:
    """What `lockwire replay` made of it: its words, its --stats (None: it did not come so far), its events."""

    def __init__(self):
        self.status, self.said, self.stats, self.events = 2, "", None, []

    @property
    def check(self):
        return self.stats and self.stats.get("check")


def run_replay(lockwire: str, folder: Path, first: int, last: int, with_events: bool) -> Replay:
    r = Replay()
    with tempfile.TemporaryDirectory(prefix="lockwire-report-") as tmp:
        stats, events = Path(tmp) / "stats.json", Path(tmp) / "events.jsonl"
        command = [lockwire, "replay", str(folder), "--stats", str(stats)]
        if with_events:
            command += ["--events", str(events), "--from", str(first), "--to", str(last)]
        p = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        r.status, r.said = p.returncode, (p.stdout + p.stderr).strip()
        if stats.exists():
            r.stats = json.loads(stats.read_text())
        if events.exists():
            with open(events, encoding="ascii") as f:
                r.events = [json.loads(line) for line in f if line.endswith("}\n")]
    return r


# --- connections -----------------------------------------------------------------------------------------------------------


class Conn:
    """A connection: its frames, and the flow that the NIC gave it (None: it had none)."""

    def __init__(self, key: tuple, opened: dict | None = None):
        c = opened["command"] if opened else {}
        self.key, self.frames, self.events = key, [], []
        self.flow = c.get("flow", 0) if opened else None
        self.opened = opened["cycle"] if opened else None
        self.iss = (c.get("snd_nxt", 0) - 1) % MOD if opened else None
        self.irs = (c.get("rcv_nxt", 0) - 1) % MOD if opened else None
        self.snd_scale, self.rcv_scale = c.get("snd_wscale", 0), c.get("rcv_wscale", 0)

    def base(self, of_peer: bool) -> int:
        return (self.irs if of_peer else self.iss) or 0

    @property
    def name(self) -> str:
        lip, lport, rip, rport = self.key
        flow = f"flow {self.flow}: " if self.flow is not None else ""
        return f"{flow}{ip_text(lip)}:{lport} (NIC) - {ip_text(rip)}:{rport} (peer)"

    def add(self, f: Frame) -> None:
        f.conn = self
        self.frames.append(f)
        if f.flow is not None and self.flow is None:
            self.flow = f.flow
        first = f.seq if f.flags & SYN else (f.seq - 1) % MOD
        if f.rx and self.irs is None:
            self.irs = first
        if not f.rx and self.iss is None:
            self.iss = first


def opens_in(events: list) -> dict:
    """Connections by their 4-tuple, in the order in which the NIC opened them."""
    found = {}
    for e in events:
        if e.get("kind") == "CmdOpen":
            c = e["command"]
            key = tuple(c.get(n, 0) for n in ("local_ip", "local_port", "remote_ip", "remote_port"))
            found.setdefault(key, []).append(Conn(key, e))
    return found


def of_frame(conns: list, f: Frame) -> Conn:
    """The one of a tuple's connections that it belongs to: a SYN comes before its open."""
    if f.flags & SYN:
        for c in conns:
            if f.seq == (c.irs if f.rx else c.iss):
                return c
    return next((c for c in reversed(conns) if c.opened is not None and c.opened <= f.cycle), conns[0])


def mark_again(conn: Conn) -> None:
    """What carries octets that its side has sent before, as far as the wire shows."""
    most = {True: None, False: None}
    for f in conn.frames:
        end = f.seq + f.pay + bool(f.flags & FIN) + bool(f.flags & SYN)
        if f.seq == end or f.flags & RST:
            continue
        base = conn.base(f.rx)
        start, stop = rel(f.seq, base), rel(end % MOD, base)
        f.again = most[f.rx] is not None and start < most[f.rx]
        if most[f.rx] is None or (stop > most[f.rx] and stop - most[f.rx] < 1 << 24):
            most[f.rx] = stop


def flow_of(e: dict):
    """The flow that an event is of; None: no flow's."""
    if e["event"] == "frame" or e.get("port") in ("rx", "tx", "slow_in", "slow_out") or (e.get("kind") == "RevSegment" and not e.get("hit")):
        return None
    inside = e.get("command") or e.get("host_event")
    return inside.get("flow", 0) if inside is not None else e["flow"]


def connect(frames: list, events: list) -> list[Conn]:
    """Gives each TCP frame its connection, and each connection the events of its flow."""
    known = opens_in(events)
    for f in frames:
        if f.key:
            of_frame(known.setdefault(f.key, [Conn(f.key)]), f).add(f)
    conns = [c for same in known.values() for c in same]
    current = {c.flow: c for c in conns if c.flow is not None and c.opened is None}
    opening = {(c.flow, c.opened): c for c in conns if c.opened is not None}
    for e in events:
        flow = flow_of(e)
        if e.get("kind") == "CmdOpen":
            current[flow] = opening[flow, e["cycle"]]
        if flow is not None and flow in current:
            current[flow].events.append(e)
    for c in conns:
        mark_again(c)
    return conns


def place(frames: list, events: list) -> None:
    """When each frame passed the NIC's stream; the wire's cycle is before that on the way in and behind it on the way out."""
    waiting: dict = {}
    for f in frames:
        waiting.setdefault((f.rx, f.print), []).append(f)
    parts = {"rx": b"", "tx": b""}
    for e in events:
        port = e.get("port")
        if port not in parts:
            continue
        parts[port] += bytes.fromhex(e["data"])
        if not e["last"]:
            continue
        same = waiting.get((port == "rx", (len(parts[port]), parts[port][:64])), [])
        parts[port] = b""
        if same and (same[0].cycle <= e["cycle"] if port == "rx" else same[0].cycle >= e["cycle"]):
            same.pop(0).at = e["cycle"]


# --- all of it -------------------------------------------------------------------------------------------------------------


class Run:
    """A recording, around the focus: the failure, or the frame or cycle that was asked for, or where it begins."""

    def __init__(self, folder: Path, lockwire: str, frame: FrameName | None = None, cycle: int | None = None):
        """frame: as FrameName has it."""
        self.folder = folder
        self.manifest = self.load("manifest.json") or {}
        self.wires = wires(folder)
        self.total = {"rx": 0, "tx": 0}
        cycles, begins = self.count()
        if not self.manifest and not cycles:
            raise Unreadable(f"{folder}: no recording of lockwire run --record")
        self.asked = cycles[self.index(frame, begins)] if frame else cycle
        found = self.load("report.json")
        self.has_nic = any(folder.glob("stimulus*.bin"))
        if self.has_nic and not found:
            found = run_replay(lockwire, folder, 0, 0, False).check
        failed = found and not found["ok"]
        self.focus = self.asked if self.asked is not None else found["cycle"] if failed else None
        at = self.focus or 0
        self.first, self.last = max(0, at - CYCLES_BEFORE), at + CYCLES_AFTER if self.focus else CYCLES_BEFORE
        self.replay = run_replay(lockwire, folder, self.first, self.last, True) if self.has_nic else Replay()
        self.check = self.replay.check or found
        self.reached = not failed or not self.check["ok"]  # the replay came to the run's own failure
        if not self.reached:
            self.check = found
        self.frames = self.around(cycles, at)
        self.events = self.replay.events
        place(self.frames, self.events)
        self.conns = connect(self.frames, self.events)
        if self.focus is None:
            self.focus = next((f.cycle for f in self.frames if f.key and f.pay and f.flow is not None), self.frames[0].cycle if self.frames else 0)

    @property
    def failed(self) -> bool:
        return bool(self.check and not self.check["ok"])

    def load(self, name: str):
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def count(self) -> tuple[list[int], list[int]]:
        """The cycle of each frame, over all segments; how many there are before each of these, and at last in all."""
        cycles, begins = [], []
        for path in self.wires.values():
            begins.append(len(cycles))
            for _, comment, _ in blocks(path):
                m = CYCLE.match(comment)
                cycles.append(int(m.group(1)) if m else 0)
                self.total[m.group(2) if m else "rx"] += 1
        return cycles, begins + [len(cycles)]

    def index(self, frame: FrameName, begins: list[int]) -> int:
        """Where it stands among all."""
        if frame.segment not in self.wires:
            segments = list(self.wires)
            which = f"segments {segments[0]} to {segments[-1]}: SEGMENT:N is frame N of wire-SEGMENT.pcapng" if segments[0] else "no segments"
            raise Unreadable(f"{self.folder}: frame {frame}: there is no such; the recording has {which}")
        at = list(self.wires).index(frame.segment)
        if frame.number > begins[at + 1] - begins[at]:
            raise Unreadable(f"{self.folder}: frame {frame}: there is no such; {self.wires[frame.segment].name} has {begins[at + 1] - begins[at]}")
        return begins[at] + frame.number - 1

    def around(self, cycles: list[int], at: int) -> list[Frame]:
        mid = next((i for i, c in enumerate(cycles) if c > at), len(cycles)) if at else 0
        lo, hi = max(0, mid - FRAMES_BEFORE), mid + (FRAMES_AFTER if at else FRAMES_BEFORE)
        found, i = [], 0
        for segment, path in self.wires.items():
            for n, (us, comment, data) in enumerate(blocks(path), 1):
                if lo <= i < hi:
                    found.append(Frame(str(FrameName(segment, n)), i, us, comment, bytes(data)))
                i += 1
        return found
