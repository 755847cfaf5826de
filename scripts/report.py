#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a page of a recording that can be read without any tool: DIR/report.html, and its pictures as PNG beside it.

What is shown stands around the failure, or around the frame or cycle asked for, or at the beginning. The NIC's inside comes from `lockwire
replay --events`, so a build as it is will do; the module that is named after a failure comes from report_blame.py.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

import report_blame
import report_data
import report_page

HERE = Path(__file__).resolve().parent
BEFORE, AFTER = 56, 16  # cycles of the signals around the focus
LADDER, CLOSE = 40, 60  # frames of a ladder, of the plot close up


def chosen(run, d, most: int) -> list:
    """The connections to be drawn: that of the failure, or of the frame asked for, then those with the most payload."""
    first = [d.conn] if d and d.conn and d.conn.frames else []
    if run.asked is not None:
        first += [f.conn for f in run.frames if f.cycle == run.asked and f.conn]
    rest = sorted((c for c in run.conns if c.frames and c.flow is not None), key=lambda c: -sum(f.pay for f in c.frames))
    rest = rest or [c for c in run.conns if c.frames]
    found = []
    for c in first + rest:
        if c not in found:
            found.append(c)
    return found[:most]


def near(frames: list, focus, count: int) -> list:
    """So many around a cycle, most of them before it; from the beginning without one."""
    if focus is None:
        return frames[:count]
    at = next((i for i, f in enumerate(frames) if f.cycle > focus), len(frames))
    lo = max(0, min(at - count * 3 // 4, len(frames) - count))
    return frames[lo : lo + count]


def flow_part(run, conn, draw, mark) -> str:
    """One connection's pictures."""
    focus = run.focus if run.failed or run.asked is not None else None
    stem = f"flow{conn.flow if conn.flow is not None else 'x'}-{conn.key[1]}-{conn.key[3]}-{conn.frames[0].name.replace(':', '.')}"
    out = [f"<h3>{report_page.esc(conn.name)}</h3>"]
    path = run.folder / f"{stem}-sequence.png"
    shown = conn.frames[-draw.SEGMENTS_MOST :] if focus is None else near(conn.frames, focus, draw.SEGMENTS_MOST)
    text = f"Time-sequence plot of both directions, frames {shown[0].name} to {shown[-1].name}"
    if len(shown) < len(conn.frames):
        text += f"; {len(conn.frames) - len(shown)} frames further off are left out"
    out.append(report_page.figure(draw.time_sequence(conn, shown, focus, path, conn.name), path.name, text))
    few = near(conn.frames, focus, CLOSE)
    if focus is not None and len(few) < len(shown):
        path = run.folder / f"{stem}-close.png"
        out.append(
            report_page.figure(
                draw.time_sequence(conn, few, focus, path, conn.name), path.name, f"The same, close up: frames {few[0].name} to {few[-1].name}"
            )
        )
    rungs = near(conn.frames, focus, LADDER)
    path = run.folder / f"{stem}-ladder.png"
    out.append(
        report_page.figure(
            draw.ladder(conn, rungs, path, mark),
            path.name,
            f"Packet ladder: frames {rungs[0].name} to {rungs[-1].name} of this connection, relative sequence numbers",
        )
    )
    return "".join(out)


def cycles_part(run, d, draw) -> str:
    lo, hi = run.focus - BEFORE, run.focus + AFTER
    if not any(lo <= e["cycle"] <= hi for e in run.events):
        return ""
    path = run.folder / "cycles.png"
    return report_page.window(run, d, lo, hi, draw.signals(run.events, run.focus, lo, hi, path, f"cycles {lo} to {hi}"), path.name)


def monitor_part(lockwire: str, run) -> str:
    """What the wire monitor says of the frames that the NIC sent."""
    ours = next((f.key[0] for f in run.frames if f.key and not f.rx), None)
    if ours is None:
        return ""
    out = []
    for path in run.wires.values():
        at = report_data.ip_text(ours)
        p = subprocess.run([lockwire, "monitor", str(path), "--at", at, "--host", at], capture_output=True, text=True, errors="replace", check=False)
        said = (p.stdout + p.stderr).strip().splitlines()
        out.append(
            f"<p>{report_page.esc(path.name)}:</p><pre>"
            + report_page.esc("\n".join(said[:30] + (["..."] + said[-1:] if len(said) > 31 else [])))
            + "</pre>"
        )
    return (
        '<section><h2 id="monitor">The wire monitor</h2><p class=dim>A second judge, which sees only the frames and knows only the RFCs: '
        "of what the NIC sent.</p>"
        + "".join(out)
        + "</section>"
    )


def write(a) -> Path:
    run = report_data.Run(Path(a.run), a.lockwire, a.frame, a.cycle)
    d = report_blame.diagnose(run) if run.failed else None
    if run.failed and a.cycle is None and a.frame is None:
        run.focus = run.check["cycle"]
    os.environ.setdefault("MPLCONFIGDIR", str(HERE.parent / "build/matplotlib"))
    import report_draw  # pylint: disable=import-outside-toplevel  # it wants that directory

    for old in [p for kind in ("sequence", "close", "ladder") for p in run.folder.glob(f"flow*-{kind}.png")] + [run.folder / "cycles.png"]:
        old.unlink(missing_ok=True)  # of an earlier page
    mark = str(a.frame) if a.frame else None
    conns = chosen(run, d, a.flows)
    flows = [
        '<section><h2 id="flows">Flows</h2>',
        report_page.conn_rows(sorted(run.conns, key=lambda c: c.frames[0].order if c.frames else 1 << 60)),
    ]
    flows += [flow_part(run, c, report_draw, mark) for c in conns]
    parts = {"cycles": cycles_part(run, d, report_draw), "flows": "".join(flows) + "</section>", "monitor": monitor_part(a.lockwire, run), "mark": mark}
    path = run.folder / "report.html"
    path.write_text(report_page.page(run, d, parts), encoding="utf-8")
    return path


def frame_name(text: str) -> report_data.FrameName:
    try:
        return report_data.FrameName.parse(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from e


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run", metavar="DIR", help="what lockwire run --record DIR has written")
    p.add_argument("--frame", metavar="N|S:N", type=frame_name, help="look at this frame of wire.pcapng, or of wire-S.pcapng: Wireshark's number")
    p.add_argument("--cycle", type=int, help="look at this clock cycle")
    p.add_argument("--flows", type=int, default=3, help="so many connections are drawn (3)")
    p.add_argument("--lockwire", default="build/lockwire")
    a = p.parse_args()
    try:
        print(f"report: {write(a)}")
    except (report_data.Unreadable, OSError) as e:
        print(f"report: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
