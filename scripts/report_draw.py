# SPDX-License-Identifier: Apache-2.0
"""The report's pictures: time-sequence plot, packet ladder, signals by cycle; each as a PNG and as SVG for the page."""
import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.collections import LineCollection  # noqa: E402
from matplotlib.patches import FancyArrowPatch  # noqa: E402

from report_data import ACK, FIN, RST, SYN, Conn, rel  # noqa: E402

INK, PAPER = "#1b1f24", "#ffffff"
BLUE, RED, GREEN, ORANGE, PURPLE, GREY, TEAL = "#2f6fd0", "#d1372c", "#23914a", "#c77700", "#8e4ec6", "#8a939c", "#0f8b8d"
SEGMENTS_MOST = 1500  # in one plot
ASIDE = 1 << 17  # octets
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "lockwire",
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.edgecolor": INK,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "savefig.facecolor": PAPER,
    }
)


def save(fig, path: Path) -> str:
    """The PNG beside the page; the same as SVG whose ink follows the page's colours. Bytes depend on the picture alone."""
    fig.savefig(path, dpi=130, metadata={"Software": None})
    matplotlib.rcParams["svg.hashsalt"] = path.name
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    plt.close(fig)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'\s(width|height)="[^"]*pt"', "", svg, count=2)
    return (
        re.sub(r'\bid="([^"]+)"', lambda m: f'id="{path.stem}-{m.group(1)}"', svg)
        .replace("url(#", f"url(#{path.stem}-")
        .replace('href="#', f'href="#{path.stem}-')
    )


# --- time-sequence ---------------------------------------------------------------------------------------------------------


class Steps:
    """A value by cycle, drawn as steps."""

    def __init__(self):
        self.x, self.y = [], []

    def add(self, cycle: int, value: int) -> None:
        if self.y and self.y[-1] == value:
            return
        self.x.append(cycle)
        self.y.append(value)

    def draw(self, ax, last: int, color: str, label: str, style: str = "-") -> None:
        if self.x:
            ax.step(self.x + [max(last, self.x[-1])], self.y + [self.y[-1]], where="post", color=color, lw=1.1, ls=style, label=label)


def sending(conn: Conn, lo: int, hi: int) -> dict:
    """Head, send, tail, window edge of what the NIC sends, from its contexts; without them head and edge from the peer's frames."""
    s = {name: Steps() for name in ("head", "send", "tail", "edge")}
    ctx, base, seen = {}, conn.base(False), False
    for e in conn.events:
        if e["event"] == "send":
            ctx = {**ctx, **e["ctx"]}
            seen = True
        if lo <= e["cycle"] <= hi and e["event"] == "send" and {"una", "nxt", "wnd"} <= ctx.keys():
            s["head"].add(e["cycle"], rel(ctx["una"], base))
            s["send"].add(e["cycle"], rel(ctx["nxt"], base))
            s["edge"].add(e["cycle"], rel(ctx["una"], base) + ctx["wnd"])
        if lo <= e["cycle"] <= hi and e["event"] == "tail":
            s["tail"].add(e["cycle"], rel(e["tail"], base))
    for f in conn.frames if not seen else []:
        if f.rx and f.flags & ACK and lo <= f.at <= hi:
            s["head"].add(f.at, rel(f.ack, base))
            s["edge"].add(f.at, rel(f.ack, base) + (f.window << (0 if f.flags & SYN else conn.snd_scale)))
    return s


def receiving(conn: Conn, lo: int, hi: int) -> dict:
    s = {name: Steps() for name in ("head", "edge", "read")}
    ctx, base, seen = {}, conn.base(True), False
    for e in conn.events:
        if e["event"] == "receive":
            ctx = {**ctx, **e.get("ctx", {})}
            seen = True
        if lo <= e["cycle"] <= hi and e["event"] == "receive" and {"nxt", "wnd_end"} <= ctx.keys():
            s["head"].add(e["cycle"], rel(ctx["nxt"], base))
            s["edge"].add(e["cycle"], rel(ctx["wnd_end"], base))
        if lo <= e["cycle"] <= hi and e["event"] == "consumed":
            s["read"].add(e["cycle"], rel(e["consumed"], base))
    for f in conn.frames if not seen else []:
        if not f.rx and f.flags & ACK and lo <= f.at <= hi:
            s["head"].add(f.at, rel(f.ack, base))
            s["edge"].add(f.at, rel(f.ack, base) + (f.window << (0 if f.flags & SYN else conn.rcv_scale)))
    return s


def lines(ax, segments: list, color: str, label: str, width: float = 1.6) -> None:
    if segments:
        ax.add_collection(LineCollection(segments, colors=color, linewidths=width, label=label, capstyle="butt"))


def draw_half(ax, conn: Conn, frames: list, rx: bool, steps: dict, last: int) -> None:
    base, sacks_of = conn.base(rx), [f for f in frames if f.rx != rx and f.sack]
    known = [y for s in steps.values() for y in s.y] or sorted(rel(f.seq, base) for f in frames if f.rx == rx)[: len(frames) * 3 // 4] or [0]
    floor, top = min(known) - ASIDE, max(known) + ASIDE  # what lies further off is forged, or damaged
    new, again, control = [], [], []
    for f in (f for f in frames if f.rx == rx):
        y = rel(f.seq, base)
        if not floor <= y <= top:
            continue
        if f.flags & (SYN | FIN | RST):
            control.append((f.at, y + f.pay, "SYN" if f.flags & SYN else "RST" if f.flags & RST else "FIN"))
        if f.pay:
            (again if f.again else new).append([(f.at, y), (f.at, y + f.pay)])
    lines(ax, new, BLUE, "data")
    lines(ax, again, RED, "sent again", 2.4)
    blocks = [[(f.at, rel(a, base)), (f.at, rel(b, base))] for f in sacks_of for a, b in f.sack if floor <= rel(a, base) <= rel(b, base) <= top]
    lines(ax, blocks, PURPLE, "SACK blocks", 3.2)
    names = ("RCV.NXT", "window edge", "read by the host") if rx else ("head (una)", "send (nxt)", "tail", "peer's window edge")
    for (key, color, style), name in zip(
        (
            (("head", GREEN, "-"), ("edge", ORANGE, "-"), ("read", GREY, ":"))
            if rx
            else (("head", GREEN, "-"), ("send", TEAL, "--"), ("tail", GREY, ":"), ("edge", ORANGE, "-"))
        ),
        names,
    ):
        steps[key].draw(ax, last, color, name, style)
    for x, y, name in control[:60]:
        ax.annotate(name, (x, y), fontsize=6.5, color=INK, ha="center", va="bottom", xytext=(0, 2), textcoords="offset points")
    tops = [p[1] for part in (new, again, blocks) for seg in part for p in seg] + [
        y for k in ("head", "read", "send") if k in steps for y in steps[k].y
    ]
    if tops:
        lo, hi = min(tops), max(tops)
        edges = [y for y in steps["edge"].y if y <= hi + 3 * max(hi - lo, 3000)]
        hi = max([hi] + edges)
        ax.set_ylim(lo - 0.05 * (hi - lo) - 10, hi + 0.07 * (hi - lo) + 10)
    ax.set_ylabel("peer to NIC\noctets of the stream" if rx else "NIC to peer\noctets of the stream")
    ax.grid(True, color=GREY, alpha=0.25, lw=0.5)
    ax.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:,.0f}".replace(",", " ")))


def time_sequence(conn: Conn, frames: list, focus: int | None, path: Path, title: str) -> str:
    frames = frames[-SEGMENTS_MOST:]
    lo, hi = frames[0].at, max(f.at for f in frames)
    if focus is not None and lo - 5000 <= focus <= hi + 5000:
        lo, hi = min(lo, focus), max(hi, focus)
    fig, axes = plt.subplots(2, 1, figsize=(11, 7.2), sharex=True, constrained_layout=True)
    draw_half(axes[0], conn, frames, False, sending(conn, lo, hi), hi)
    draw_half(axes[1], conn, frames, True, receiving(conn, lo, hi), hi)
    for ax in axes:
        ax.set_xlim(lo - 0.02 * (hi - lo) - 1, hi + 0.02 * (hi - lo) + 1)
        if focus is not None and lo <= focus <= hi:
            ax.axvline(focus, color=RED, lw=0.9, ls=(0, (2, 2)), label=f"cycle {focus}")
        handles, labels = ax.get_legend_handles_labels()
        if handles:
            ax.legend(handles, labels, loc="upper left", fontsize=7.5, ncol=4)
    axes[1].set_xlabel("clock cycle (time is at the top; cycles that nothing needs are not clocked)")
    axes[1].xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:.0f}"))
    clock(axes[0], frames, lo, hi)
    fig.suptitle(title, fontsize=10)
    return save(fig, path)


def clock(ax, frames: list, lo: int, hi: int) -> None:
    """The time of some cycles along the top."""
    top = ax.secondary_xaxis("top")
    at = [lo + (hi - lo) * i / 6 for i in range(7)] if hi > lo else [lo]
    times = [next((f.us for f in reversed(frames) if f.at <= x), frames[0].us) - frames[0].us for x in at]
    top.set_xticks(at)
    top.set_xticklabels([f"{t / 1000:.3f} ms" if t < 10_000_000 else f"{t / 1e6:.2f} s" for t in times], fontsize=7)


# --- ladder ----------------------------------------------------------------------------------------------------------------


def frame_words(f, conn: Conn) -> str:
    """A frame's TCP in a line; numbers relative to the initial ones."""
    mine, other = conn.base(f.rx), conn.base(not f.rx)
    parts = [f.flag_text(), f"seq {rel(f.seq, mine)}" + (f":{rel(f.seq, mine) + f.pay}" if f.pay else "")]
    if f.flags & ACK:
        parts.append(f"ack {rel(f.ack, other)}")
    parts.append(f"len {f.pay}, win {f.window << (0 if f.flags & SYN else conn.snd_scale if f.rx else conn.rcv_scale)}")
    if f.sack:
        parts.append("SACK " + " ".join(f"{rel(a, other)}:{rel(b, other)}" for a, b in f.sack))
    parts += f.options
    if f.again:
        parts.append("(sent again)")
    return ", ".join(parts)


def ladder(conn: Conn, frames: list, path: Path, mark: str | None) -> str:
    n = len(frames)
    fig, ax = plt.subplots(figsize=(11, 1.0 + 0.30 * n))
    fig.subplots_adjust(left=0.01, right=0.99, top=1 - 0.35 / (1.0 + 0.30 * n), bottom=0.1 / (1.0 + 0.30 * n))
    ax.set_xlim(0, 100)
    ax.set_ylim(n + 0.2, -1.4)
    ax.axis("off")
    left, right = 24, 97
    for x, name in ((left, "NIC"), (right, "peer")):
        ax.plot([x, x], [-0.5, n], color=INK, lw=1.2)
        ax.text(x, -0.8, name, ha="center", fontweight="bold")
    columns = (5.0, 12.5, 21.0)
    for x, name in zip(columns, ("frame", "cycle", "+us")):
        ax.text(x, -0.8, name, ha="right", fontsize=7.5)
    last = frames[0].us
    for i, f in enumerate(frames):
        color = RED if f.again else TEAL if f.pay else GREY
        start, stop = (right, left) if f.rx else (left, right)
        ax.add_patch(FancyArrowPatch((start, i), (stop, i + 0.35), arrowstyle="-|>", mutation_scale=8, color=color, lw=1.1, shrinkA=0, shrinkB=0))
        ax.text((left + right) / 2, i - 0.02, frame_words(f, conn)[:118], ha="center", va="bottom", fontsize=6.8)
        for x, v in zip(columns, (f.name, f.at, f.us - last)):
            ax.text(x, i + 0.15, str(v), family="DejaVu Sans Mono", fontsize=7.5, ha="right", va="center", color=RED if mark == f.name else INK)
        last = f.us
    return save(fig, path)


# --- signals ---------------------------------------------------------------------------------------------------------------

SIGNALS = (  # from the wire to the host and back
    "rx transfer",
    "rx last",
    "parser: frame done",
    "receive pipeline",
    "slow_out transfer",
    "slow_out last",
    "fence",
    "store: rx_status",
    "store: consumed",
    "payload_out transfer",
    "payload_out last",
    "host event",
    "command",
    "payload_in transfer",
    "payload_in last",
    "store: tail",
    "send pipeline",
    "assembler: sample",
    "store: tx_status",
    "slow_in transfer",
    "slow_in last",
    "tx transfer",
    "tx last",
)
PORTS = ("rx", "tx", "slow_in", "slow_out", "payload_in", "payload_out")


def rows_of(events: list) -> list:
    """(name, kind, {cycle: (label, last, flow)}) of what stirred in the window."""
    rows: dict = {}

    def put(name: str, kind: str, e: dict, label: str) -> None:
        rows.setdefault((name, kind), {}).setdefault(e["cycle"], []).append(label)

    for e in events:
        if e["event"] == "beat" and e["port"] in PORTS:
            put(f"{e['port']} transfer", "level", e, "")
            if e["last"]:
                put(f"{e['port']} last", "level", e, "")
        elif e["event"] == "beat":
            put(
                "command" if e["port"] == "command" else "host event" if e["port"] == "event" else e["port"],
                "bus",
                e,
                e.get("kind", e["port"])[3 if "kind" in e else 0 :],
            )
        elif e["event"] == "frame":
            put("parser: frame done", "bus", e, e["class"][2:])
        elif e["event"] == "receive":
            put("receive pipeline", "bus", e, e["class"][3:] if e["kind"] == "RevSegment" else e["kind"][3:])
        elif e["event"] == "send":
            put("send pipeline", "bus", e, e.get("dd_kind", e["kind"][3:]) + (">" + e["desc_kind"][2:] if e.get("emit") else ""))
        elif e["event"] == "sample":
            put("assembler: sample", "bus", e, e["desc_kind"][2:] + ("" if e.get("frame") else " -"))
        else:
            put(f"store: {e['event']}", "level", e, "")
    return sorted(((n, k, v) for (n, k), v in rows.items()), key=lambda r: SIGNALS.index(r[0]) if r[0] in SIGNALS else 99)


def signals(events: list, focus: int, lo: int, hi: int, path: Path, title: str) -> str:
    rows = rows_of([e for e in events if lo <= e["cycle"] <= hi])
    fig, ax = plt.subplots(figsize=(13, 0.9 + 0.42 * max(1, len(rows))), constrained_layout=True)
    for i, (name, kind, at) in enumerate(rows):
        y = -i
        if kind == "level":
            xs, ys = [lo], [y]
            for c in sorted(at):
                xs += ([c] if c - 1 in at else [c, c]) + ([c + 1] if c + 1 in at else [c + 1, c + 1])
                ys += ([y + 0.6] if c - 1 in at else [y, y + 0.6]) + ([y + 0.6] if c + 1 in at else [y + 0.6, y])
            ax.plot(xs + [hi + 1], ys + [y], color=GREEN if "last" not in name else ORANGE, lw=1.2)
        else:
            ax.plot([lo, hi + 1], [y + 0.3, y + 0.3], color=GREY, lw=0.6)
            cycles = sorted(at)
            for j, (c, labels) in enumerate(sorted(at.items())):
                ax.fill_between([c, c + 1], y, y + 0.6, color=RED if c == focus else BLUE, alpha=0.35, lw=0)
                ax.plot([c, c, c + 1, c + 1, c], [y, y + 0.6, y + 0.6, y, y], color=INK, lw=0.6)
                text, space = " / ".join(labels), (cycles[j + 1] if j + 1 < len(cycles) else hi + 14) - c
                room = max(1, int(space * 72 * 10.5 / (hi - lo + 1) / 3.9))
                ax.text(
                    c + 0.15,
                    y + 0.3,
                    text if len(text) <= room else text[: max(1, room - 1)] + ("." if room > 2 else ""),
                    fontsize=6.5,
                    va="center",
                    clip_on=True,
                )
    ax.set_yticks([-i + 0.3 for i in range(len(rows))])
    ax.set_yticklabels([r[0] for r in rows], fontsize=8)
    ax.set_xlim(lo, hi + 1)
    ax.set_ylim(-len(rows) + 0.7, 1)
    ax.axvspan(focus, focus + 1, color=RED, alpha=0.12, lw=0)
    ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(16, integer=True))
    ax.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:.0f}"))
    ax.grid(True, axis="x", color=GREY, alpha=0.25, lw=0.5)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("clock cycle")
    ax.set_title(title, fontsize=9.5, loc="left")
    return save(fig, path)
