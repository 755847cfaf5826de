# SPDX-License-Identifier: Apache-2.0
"""The report's page: one HTML file, no scripts, nothing loaded; light and dark as the reader has it."""
import html
import re

from report_blame import Diagnosis, step_name
from report_data import Run, enum_names, flow_of, rel
from report_draw import frame_words
from report_tables import words

FRAMES_SHOWN, EVENTS_SHOWN, HOST_SHOWN = 400, 160, 150
CAUSE_BEFORE, CAUSE_AFTER = 12, 6  # cycles around where it began
MOMENT = re.compile(r".*_at_us|delack_us|sent_us|stuck_us")  # members that are points in time
FLOWS_MOST = 16  # that a table can be narrowed to

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #5c6670; --paper: #fbfbf9; --card: #ffffff; --line: #d9dcdf; --bad: #b3261e;
  --badbg: #fdeceb; --good: #1a7f37; --goodbg: #e9f6ec; --link: #1f5fbf; --mark: #fff3cd; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --dim: #9aa4ae; --paper: #14171a; --card: #1b1f23; --line: #363c42;
  --bad: #ff8a80; --badbg: #3a1d1c; --good: #6fd58b; --goodbg: #17301e; --link: #8ab4ff; --mark: #4a3f14; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 0 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
nav { position: sticky; top: 0; background: var(--paper); border-bottom: 1px solid var(--line); padding: .5rem 0; margin-bottom: 1rem;
  z-index: 2; }
nav a { margin-right: 1rem; white-space: nowrap; }
a { color: var(--link); }
a:focus-visible, [tabindex]:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line);
  padding-bottom: .2rem; scroll-margin-top: 3rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; scroll-margin-top: 3rem; }
p { max-width: 90ch; } .dim { color: var(--dim); } code, pre, .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace;
  font-size: .86em; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; }
.verdict { border-radius: 8px; padding: .8rem 1rem; border: 1px solid var(--line); margin: .8rem 0; }
.bad { border-color: var(--bad); background: var(--badbg); } .good { border-color: var(--good); background: var(--goodbg); }
.verdict strong { font-size: 1.08rem; } .bad strong { color: var(--bad); } .good strong { color: var(--good); }
.scroll { overflow: auto; max-height: 30rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { text-align: left; padding: .2rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { position: sticky; top: 0; background: var(--card); }
td.n, th.n { text-align: right; font-family: ui-monospace, "DejaVu Sans Mono", monospace; white-space: nowrap; } td.t { white-space: nowrap; }
tr.wrong td { background: var(--badbg); } tr.wrong td:first-child { color: var(--bad); font-weight: 600; }
  tr.here td, tr:target td { background: var(--mark); }
figure { margin: .6rem 0 1.4rem; } figure svg { width: 100%; height: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 6px; color: var(--ink); }
.pick > label { margin-right: .7rem; } .pick > .scroll { margin-top: .4rem; }
figcaption { color: var(--dim); font-size: .86rem; } ol li { margin: .25rem 0; } details { margin: .5rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; } dt { color: var(--dim); } dd { margin: 0;
  overflow-wrap: anywhere; }
""" + "".join(f".pick > input:nth-of-type({i + 2}):checked ~ .scroll tbody tr:not(.k{i}) {{ display: none; }}\n" for i in range(FLOWS_MOST))


def esc(x) -> str:
    return html.escape(str(x), quote=True)


def table(head: list, rows: list, classes: list | None = None, scroll: bool = True, label: str = "") -> str:
    """Cells are HTML already; a column whose head ends in # holds numbers."""
    kinds = ["n" if h.endswith("#") else "" for h in head]
    out = [f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(label)}">' if scroll else "", "<table><thead><tr>"]
    out += [f'<th scope="col" class="{k}">{esc(h.rstrip("#"))}</th>' for h, k in zip(head, kinds)]
    out.append("</tr></thead><tbody>")
    for i, row in enumerate(rows):
        attr = classes[i] if classes else ""
        out.append(f"<tr{attr}>" + "".join(f'<td class="{k}">{c}</td>' for c, k in zip(row, kinds)) + "</tr>")
    return "".join(out) + "</tbody></table>" + ("</div>" if scroll else "")


def figure(svg: str, name: str, text: str) -> str:
    return (
        f'<figure role="img" aria-label="{esc(text)}">{svg}<figcaption>{esc(text)} (<code>{esc(name)}</code> beside this page)</figcaption></figure>'
    )


# --- what went wrong -------------------------------------------------------------------------------------------------------


def number(v, base, seq: bool) -> str:
    if v is None:
        return "?"
    return f"{v}" + (f' <span class="dim">({rel(v, base):+d})</span>' if seq and base is not None else "")


def value(name: str, v, names: dict) -> str:
    """An enumeration's name beside its number."""
    kind = {"class": "rcv_class", "kind": "tx_desc", "class_id": "rx_class"}.get(name)
    return f" {names[kind][v]}" if kind and v in names.get(kind, {}) else ""


def difference(d: Diagnosis, rule: str) -> str:
    """Field by field."""
    names = enum_names()
    if rule == "frame class":
        names["rcv_class"] = names["rx_class"]
    rows, classes = [], []
    labels = {"microseconds": "when clocking matters next, us"}
    receives = {"wnd_end", "wl1", "consumed", "ready"}
    peers = d.step is not None and d.step["event"] == "receive"
    for r in d.rows:
        peer = (peers and r["name"] not in ("ack_fwd", "una", "max")) or (not peers and r["name"] in receives)
        base = d.conn.base(peer) if d.conn and d.conn.frames else None
        gap = ""
        if r["bad"]:
            by = rel(r["got"], r["want"]) if r["seq"] else r["got"] - r["want"]
            gap = "kept" if r["before"] is not None and r["got"] == r["before"] else f"{by:+d}" if abs(by) < 1 << 40 else "other"
        rows.append(
            [
                esc(labels.get(r["name"], r["name"])),
                number(r["before"], base, r["seq"]) if r["before"] is not None else "",
                number(r["want"], base, r["seq"]) + esc(value(r["name"], r["want"], names)),
                number(r["got"], base, r["seq"]) + esc(value(r["name"], r["got"], names)),
                gap,
                ("differs" if r["bad"] else "right") + ("" if r["rule"] == rule else f", found in the same cycle by the rule: {esc(r['rule'])}"),
            ]
        )
        classes.append(' class="wrong"' if r["bad"] else "")
    if not rows:
        return ""
    return (
        table(["field", "before the step#", "expected#", "got#", "got - expected#", ""], rows, classes, False)
        + '<p class="dim">In brackets, and on all of this page where a number is short: relative to the stream\'s initial sequence number, so that the'
        ' first octet has 1. "Kept": the value from before the step. Right: what the checker compared, or what the step changed, as it must be.</p>'
    )


def dump(name: str, members: dict) -> str:
    return f"<dt>{esc(name)}</dt><dd class=mono>{esc(', '.join(f'{k} {v}' for k, v in members.items() if v) or 'all 0')}</dd>"


def step_details(d: Diagnosis) -> str:
    e = d.step
    if not e:
        return ""
    plain = {k: v for k, v in e.items() if not isinstance(v, dict) and k not in ("event", "flow")}
    out = [
        (
            f"<h3>The step</h3><p>What the NIC retired in cycle {e['cycle']}: <strong>{esc(e['event'])} {esc(step_name(e))}</strong> of flow"
            f" {e.get('flow', '?')}.</p><dl>"
        ),
        dump("as retired", plain),
    ]
    out += [
        dump(
            {"segment": "the segment", "dd": "what was told", "desc": "descriptor", "rcv": "receive side, as sampled", "dup": "came twice"}.get(k, k),
            e[k],
        )
        for k in ("segment", "dd", "desc", "rcv", "dup")
        if k in e
    ]
    if d.before:
        out.append(dump("context before", d.before))
        out.append(dump("changed to (NIC)", {k: v for k, v in e.get("ctx", {}).items() if d.before.get(k) != v}) if e.get("ctx") else "")
    return "".join(out) + "</dl>"


def failure(run: Run, d: Diagnosis) -> str:
    c = run.check
    out = [
        '<section><h2 id="failure">What went wrong</h2>',
        f"<p><strong>{esc(c['rule'])}</strong>: {esc(c['what'])}</p>",
        (
            f"<p class=dim>Cycle {c['cycle']}, {c['now_us']} us, after {c['checked']['frames_in']} frames had entered the receive"
            f" stream{', flow ' + str(c['flow']) if c['flow'] >= 0 else ''}. The checker takes each step that the NIC commits with the transport"
            " core, from the same state, and stops at the first that is not the same: all before was right.</p>"
        ),
        difference(d, c["rule"]),
    ]
    if d.stage:
        out.append(f"<h3>Which RTL commits that</h3><p>Stage: <strong>{esc(d.stage)}</strong>. Most likely first:</p><ol>")
        out += [f"<li><code>{esc(m)}</code>: {esc(w)}</li>" for m, w in d.modules]
        out.append("</ol>")
    said = [t for t in d.evidence if t]
    if said:
        out.append("<h3>What speaks for it</h3><ul>" + "".join(f"<li>{esc(t)}</li>" for t in said) + "</ul>")
    out.append(step_details(d))
    if c["history"]:
        out.append(
            f"<h3>The flow's last {len(c['history'])} events</h3>"
            + table(
                ["cycle#", "us to the failure#", "event"],
                [[str(h["cycle"]), f"{h['now_us'] - c['now_us']:+d}", f"<span class=mono>{esc(h['event'])}</span>"] for h in c["history"]],
                label="last events",
            )
        )
    return "".join(out) + "</section>"


def commands(run: Run) -> str:
    folder = esc(run.folder)
    again = f"build/lockwire replay {folder}"
    lines = [
        ("a waveform around that cycle", f"make wave RUN={folder} CYCLE={run.focus}"),
        ("the same cycles, without a network", again),
        ("what retires there, as JSON", f"{again} --events FILE --from {max(0, run.focus - 200)} --to {run.focus + 50}"),
        ("this page around another frame", f"make report RUN={folder} FRAME=N"),
    ]
    return (
        '<section><h2 id="commands">See it again</h2><dl>' + "".join(f"<dt>{w}</dt><dd><code>{c}</code></dd>" for w, c in lines) + "</dl></section>"
    )


# --- by cycle --------------------------------------------------------------------------------------------------------------


def member(e: dict, name: str, v) -> str:
    """A member of a context in words; a point in time as so many microseconds from the step on."""
    return f"{name} {v}" if not v or not MOMENT.fullmatch(name) else f"{name} {v - e['us']:+d} us"


def told(e: dict) -> tuple[str, str]:
    """(what, words) of an event for the list by cycle."""
    kind = e["event"]
    if kind == "beat":
        words = f"{e['bytes']} octets{', last' if e['last'] else ''}" if "bytes" in e else e.get("kind", "")
        inside = {k: v for k, v in (e.get("command") or e.get("host_event") or {}).items() if v and k not in ("kind", "local_mac", "remote_mac")}
        return f"{e['port']}", words + (": " if inside and words else "") + ", ".join(f"{k} {v}" for k, v in inside.items())
    ctx = ", ".join(member(e, k, v) for k, v in e.get("ctx", {}).items())
    owes = "; sets the ACK bit" * bool(e.get("ack")) + ", at once: counts one more" * bool(e.get("ack_now"))
    ctx = f" → {ctx}" if 0 < len(e.get("ctx", {})) < 24 else " → (whole context)" if ctx else ""
    if kind == "receive" and "segment" in e:
        s = e["segment"]
        return (
            "receive pipeline",
            (
                f"segment {e['class']}: seq {s.get('seq', 0)} len {s.get('pay_len', 0)} ack {s.get('ack', 0)}{owes}{ctx}"
            ),
        )
    if kind == "receive":
        return "receive pipeline", f"{e['kind']}{owes}{ctx}"
    if kind == "send":
        dd = ", ".join(f"{k} {v}" for k, v in e.get("dd", {}).items() if k not in ("kind", "flow"))
        desc = f"; emits {e['desc_kind']} " + ", ".join(f"{k} {v}" for k, v in e["desc"].items() if k != "kind") if e.get("emit") else ""
        return "send pipeline", f"{step_name(e)} {dd}{desc}{ctx}"
    if kind == "sample":
        idle = "nothing is owed any more, so no frame" if e["desc_kind"] == "TxAck" else "no frame"
        return "assembler", f"{e['desc_kind']}{', sampled, clears the ACK bit' if e.get('frame') else ', ' + idle}: " + ", ".join(
            f"{k} {v}" for k, v in e["desc"].items() if k not in ("kind", "flow")
        )
    if kind == "frame":
        return "parser", e["class"]
    return f"store {kind}", ", ".join(
        f"{k} {v}" for k, v in {**e, **e.get("status", {})}.items() if k not in ("cycle", "us", "event", "flow", "status")
    )


def picks(flows: list) -> dict:
    """The flows that a table can be narrowed to, each with its place among the buttons."""
    there = sorted({f for f in flows if f is not None})
    return {f: i for i, f in enumerate(there)} if 1 < len(there) <= FLOWS_MOST else {}


def narrowed(name: str, pick: dict, html_of_table: str) -> str:
    """A table with buttons that leave one flow's rows, without scripts."""
    if not pick:
        return html_of_table
    out = [f'<div class=pick><span class=dim>of flow</span> <input type=radio name="{name}" id="{name}" checked><label for="{name}">all</label>']
    out += [f'<input type=radio name="{name}" id="{name}{i}"><label for="{name}{i}">{f}</label>' for f, i in pick.items()]
    return "".join(out) + html_of_table + "</div>"


def row_class(pick: dict, flow, here: bool) -> str:
    names = ["here"] * here + [f"k{pick.get(flow)}"] * (flow in pick)
    return f' class="{" ".join(names)}"' if names else ""


def event_table(name: str, events: list, here: int) -> str:
    pick = picks([flow_of(e) for e in events])
    rows = [[str(e["cycle"]), "" if flow_of(e) is None else str(flow_of(e)), *map(esc, told(e))] for e in events]
    classes = [row_class(pick, flow_of(e), e["cycle"] == here) for e in events]
    return narrowed(name, pick, table(["cycle#", "flow#", "where", "what"], rows, classes, label="events by cycle"))


def cause(run: Run, cycle: int | None, shown_from: int) -> str:
    """Where it began, when the cycles around the failure do not reach back to it."""
    if cycle is None or cycle >= shown_from:
        return ""
    near = [e for e in run.events if cycle - CAUSE_BEFORE <= e["cycle"] <= cycle + CAUSE_AFTER]
    return f"<h3>Where it began: cycle {cycle}</h3>" + event_table("began", near, cycle)


def window(run: Run, d: Diagnosis | None, lo: int, hi: int, svg: str, png: str) -> str:
    near = [e for e in run.events if lo <= e["cycle"] <= hi]
    left = len(near) - EVENTS_SHOWN
    if left > 0:
        near = sorted(sorted(near, key=lambda e: abs(e["cycle"] - run.focus))[:EVENTS_SHOWN], key=lambda e: e["cycle"])
    return (
        '<section><h2 id="cycles">Cycle by'
        f' cycle</h2>{figure(svg, png, f"Transfers on the ports and what retired, cycles {lo} to {hi}; cycle {run.focus} is marked")}<p class=dim>A'
        " transfer is a cycle in which valid and ready were both set. All that retires in one cycle read the stores as they stood before"
        f' it.{f" {left} events further off are left out." if left > 0 else ""}</p>'
        + event_table("cycle", near, run.focus)
        + cause(run, d.cause if d else None, lo)
        + "</section>"
    )


# --- flows, frames, host, counters -----------------------------------------------------------------------------------------


def conn_rows(conns: list) -> str:
    rows = []
    for c in conns:
        rx, tx = [f for f in c.frames if f.rx], [f for f in c.frames if not f.rx]
        last = max((f for f in tx), key=lambda f: f.cycle, default=None)
        rows.append(
            [
                esc(c.flow if c.flow is not None else "-"),
                f'<span style="white-space: nowrap">{esc(c.name.split(": ")[-1])}</span>',
                str(c.opened or ""),
                str(len(rx)),
                str(len(tx)),
                str(sum(f.pay for f in rx)),
                str(sum(f.pay for f in tx)),
                str(sum(f.again for f in rx)),
                str(sum(f.again for f in tx)),
                esc(last.flag_text() if last else ""),
            ]
        )
    return table(
        ["flow#", "connection", "opened in cycle#", "frames in#", "out#", "payload in#", "out#", "sent again in#", "out#", "last flags out"],
        rows,
        label="connections",
    )


def frame_line(f) -> str:
    """A frame in a line, with its ports."""
    if not f.key:
        return f.text
    source, target = (f.key[3], f.key[1]) if f.rx else (f.key[1], f.key[3])
    return f"{source} > {target} {frame_words(f, f.conn)}"


def frame_rows(run: Run, mark: str | None) -> str:
    at = next((i for i, f in enumerate(run.frames) if f.cycle > run.focus), len(run.frames))
    lo = max(0, at - FRAMES_SHOWN * 3 // 4)
    shown = run.frames[lo : lo + FRAMES_SHOWN]
    first = run.frames[0].us if run.frames else 0
    rows = [
        [
            f.name,
            str(f.cycle),
            str(f.at) if f.at != f.cycle else "",
            f"{(f.us - first) / 1e6:.6f}",
            "in" if f.rx else "out",
            "-" if f.flow is None else str(f.flow),
            str(f.length),
            f"<span class=mono>{esc(frame_line(f))}</span>",
        ]
        for f in shown
    ]
    pick = picks([f.flow for f in shown])
    classes = [f' id="f{f.name}"' + row_class(pick, f.flow, f.name == mark) for f in shown]
    total = run.total["rx"] + run.total["tx"]
    left = (
        f"The recording has {total} frames ({run.total['rx']} in, {run.total['tx']} out); shown are {shown[0].name} to {shown[-1].name}."
        if shown
        else "No frames."
    )
    in_segments = "" if 0 in run.wires else ", S:N is frame N of wire-S.pcapng"
    return (
        f"<p class=dim>{left} Numbers are those of Wireshark{in_segments}, sequence numbers relative to the connection's. Ports are source &gt; destination."
        " Cycle: of the wire, as in the frame's comment; stream: when the NIC took or gave its last beat.</p>"
        + narrowed(
            "frame",
            pick,
            table(["frame#", "cycle#", "stream#", "s#", "", "flow#", "bytes#", "what"], rows, classes, label="frames"),
        )
    )


def host_rows(run: Run) -> str:
    host = [e for e in run.events if e["event"] == "beat" and e["port"] in ("command", "event", "fence")]
    at = next((i for i, e in enumerate(host) if e["cycle"] > run.focus), len(host)) if run.failed or run.asked is not None else HOST_SHOWN
    shown = host[max(0, at - HOST_SHOWN) : at + 20]
    rows = [
        [
            str(e["cycle"]),
            "to the NIC" if e["port"] == "command" else "from the NIC",
            str((e.get("command") or e.get("host_event") or e).get("flow", 0)),
            esc(e.get("kind", e["port"])),
            esc(", ".join(f"{k} {v}" for k, v in (e.get("command") or e.get("host_event") or {}).items() if v and k not in ("kind", "flow"))),
        ]
        for e in shown
    ]
    return f"<p class=dim>{len(host)} in the cycles looked at, {len(shown)} shown. An event has a flow's state as levels.</p>" + table(
        ["cycle#", "", "flow#", "kind", "members that are not 0"], rows, label="host port"
    )


def counter_rows(run: Run) -> str:
    c = run.replay.stats["counters"]
    return table(["counter", "value#"], [[esc(k), str(v)] for k, v in c.items() if v or k.startswith("nic.")], label="counters")


def summary(run: Run, d: Diagnosis | None) -> str:
    m, r = run.manifest, run.replay
    if run.failed:
        flow = f", {d.conn.name}" if d and d.conn and d.conn.frames else ""
        verdict = (
            f'<div class="verdict bad"><strong>FAILED: {esc(run.check["rule"])}</strong> at cycle'
            f' {run.check["cycle"]}{esc(flow)}<br>{esc(run.check["what"])}</div>'
        )
    elif run.has_nic and r.status != 0:
        verdict = f'<div class="verdict bad"><strong>The recording does not replay as it was</strong><pre>{esc(r.said)}</pre></div>'
    else:
        judged = "every step of the NIC was as the transport core has it" if run.check else "nothing was checked step by step"
        verdict = f'<div class="verdict good"><strong>Nothing wrong was found</strong>: {judged}.</div>'
    facts = [
        ("command", m.get("command")),
        (
            (
                "build",
                (
                    f"{m.get('identity', '?')[:16]}, {m.get('data_bits')} bits, {m.get('flows')} flows, rings {m.get('tx_ring_bytes')} (transmit) and"
                    f" {m.get('rx_ring_bytes')} bytes"
                ),
            )
            if m.get("identity")
            else ("engine", "the reference: no NIC")
        ),
        ("frames", f"{run.total['rx']} in, {run.total['tx']} out"),
        ("connections", f"{len([c for c in run.conns if c.flow is not None])} with a flow of the NIC, {len(run.conns)} in all, as far as looked at"),
    ]
    if run.check:
        facts.append(("compared", ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in run.check["checked"].items())))
    if r.stats:
        facts.append(
            (
                "replayed",
                f"cycles {r.stats['from_cycle']} to {r.stats['from_cycle'] + r.stats['cycles']}: {'the same' if r.stats['same'] else 'NOT the same'}",
            )
        )
    return verdict + "<dl>" + "".join(f"<dt>{esc(k)}</dt><dd>{esc(v)}</dd>" for k, v in facts if v) + "</dl>"


def left_out(run: Run) -> str:
    said = []
    if len(run.frames) < run.total["rx"] + run.total["tx"]:
        said.append(
            f"Of {run.total['rx'] + run.total['tx']} frames {len(run.frames)} around the focus were looked at: connections, plots and sums are of"
            " these."
        )
    if run.has_nic and run.replay.stats:
        said.append(f"The NIC's inside was looked at in cycles {run.first} to {run.last}, where there are any.")
    if run.failed and not run.reached:
        said.append("The replay did not come to the failure; it is told as the run itself told it (report.json).")
    if run.has_nic and not run.replay.stats:
        said.append("The recording could not be replayed, so nothing is said of the NIC's inside: " + run.replay.said)
    if not run.has_nic:
        said.append("It is a recording of the reference: there is no NIC to look into.")
    return (
        "<section><h2 id=left>What is left out</h2><ul>"
        + "".join(f"<li>{esc(s)}</li>" for s in said or ["Nothing but frames and events further off than the tables say."])
        + "</ul></section>"
    )


def glossary() -> str:
    rows = [[f"<code>{esc(name)}</code>", esc(text)] for name, text in words()]
    return (
        '<section><h2 id="words">Words</h2><details><summary>Blocks, steps and classes by the names that the RTL has for them</summary>'
        + table(["name", "what it is"], rows, label="words")
        + "</details></section>"
    )


def page(run: Run, d: Diagnosis | None, parts: dict) -> str:
    """parts: HTML of the pictures' sections, by name."""
    title = f"{run.folder.name}: {'failed, ' + run.check['rule'] if run.failed else 'recording'}"
    links = [("failure", "What went wrong")] * run.failed + [
        ("commands", "Commands"),
        ("cycles", "Cycles"),
        ("flows", "Flows"),
        ("frames", "Frames"),
        ("host", "Host port"),
        ("counters", "Counters"),
        ("monitor", "Wire monitor"),
        ("words", "Words"),
        ("left", "Left out"),
    ]
    links = [(i, n) for i, n in links if (i not in ("cycles", "host", "counters") or run.events) and (i != "monitor" or parts["monitor"])]
    body = [
        f'<h1>Lockwire: {esc(title)}</h1><nav aria-label="sections">' + "".join(f'<a href="#{i}">{esc(n)}</a>' for i, n in links) + "</nav><main>",
        summary(run, d),
    ]
    if run.failed:
        body.append(failure(run, d))
    body += [
        commands(run) if run.has_nic else "",
        parts["cycles"],
        parts["flows"],
        '<section><h2 id="frames">Frames</h2>',
        frame_rows(run, parts["mark"]),
        "</section>",
    ]
    if run.events:
        body += ['<section><h2 id="host">Host port: commands and events</h2>', host_rows(run), "</section>"]
    if run.replay.stats:
        body += ['<section><h2 id="counters">Counters</h2>', counter_rows(run), "</section>"]
    body += [parts["monitor"], glossary(), left_out(run), "</main>"]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Lockwire: {esc(title)}</title><style>{STYLE}</style></head><body>"
        + "\n".join(body)
        + "</body></html>\n"
    )
