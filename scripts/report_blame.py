# SPDX-License-Identifier: Apache-2.0
"""From the checker's first difference to the RTL that commits what differs: which stage, which module, and what speaks for it.

The checker stops at the first commit that is wrong, so what it names was right until then, and so was all that it was computed from.
"""
import re

import report_origin
from report_data import MOD, Conn, Run, rel, seq_members
from report_tables import CC, DESC, DUTIES, HEADER, PRIM, RCV_E, RCV_STEPS, RULES, RX, SAMPLE, SND_E, SND_STEPS, TX


class Diagnosis:
    """What the page says of a failure."""

    def __init__(self):
        self.stage, self.modules, self.evidence = "", [], []
        self.rows = []  # name, before, expected, got, what the difference is
        self.step, self.before = None, {}
        self.cause = None  # a cycle long before the failure in which it began
        self.conn = None

    def suspect(self, module: str, why: str) -> None:
        if all(m != module for m, _ in self.modules):
            self.modules.append((module, why))

    def accuse(self, module: str, why: str) -> None:
        """More than what was suspected so far."""
        self.modules = [(module, why)] + [(m, w) for m, w in self.modules if m != module]


def contexts(conn: Conn, pipeline: str):
    """Each step of a flow's pipeline with the contexts before and after it."""
    ctx: dict = {}
    for e in conn.events:
        if e["event"] == pipeline and "ctx" in e:
            before, ctx = ctx, {**ctx, **e["ctx"]}
            yield e, before, ctx


def by_table(table: list, names: list[str]) -> list:
    """(module, why, how many of the names) that a table has for members, most first."""
    found: dict = {}
    for name in names:
        for pattern, module, why in table:
            if re.fullmatch(pattern, name):
                found.setdefault((module, why), []).append(name)
                break
    return sorted(((m, w, len(n)) for (m, w), n in found.items()), key=lambda x: -x[2])


def find_step(d: Diagnosis, conn: Conn, cycle: int, pipeline: str) -> list:
    """The step that failed; all of the flow's pipeline up to it."""
    steps = [s for s in contexts(conn, pipeline) if s[0]["cycle"] <= cycle]
    if steps and steps[-1][0]["cycle"] == cycle:
        d.step, d.before = steps[-1][0], steps[-1][1]
    return steps


def step_name(e: dict) -> str:
    return e["dd_kind"] if e.get("kind") == "SevIncoming" else e.get("kind", "")


def stale(d: Diagnosis, steps: list, differs: list) -> None:
    """Whether the step began from a context that had been overwritten: what the store's forwarding is there for."""
    if len(steps) < 3 or not d.step:
        return
    last, older = steps[-2][0], steps[-2][1]
    gap = d.step["cycle"] - last["cycle"]
    old = [r["name"] for r in differs if r["name"] in older and older[r["name"]] != d.before.get(r["name"]) and r["got"] == older[r["name"]]]
    survived = [n for n in older if older[n] != d.before.get(n) and {**d.before, **d.step["ctx"]}.get(n) == d.before.get(n)]
    if gap <= 2 and old and not survived:
        d.evidence.append(
            f"The flow's step before this one was {gap} cycle{'s' * (gap > 1)} ago ({step_name(last)}, cycle {last['cycle']}), and"
            f" {', '.join(old)} came out as if that had never been written: the step began from the context of before. Back to back, a context comes"
            " by the store's forwarding."
        )
        d.accuse(PRIM + "ram_1r1w.sv", "the context store: a read sees the write of its own cycle (forwarding)")


def untouched(d: Diagnosis, table: list, differs: list) -> None:
    """Members that this kind of step never writes point at the store, not at the step."""
    odd = [r["name"] for r in differs if not any(re.fullmatch(p, r["name"]) for p, _, _ in table)]
    if odd:
        d.evidence.append(f"{', '.join(odd)}: no part of this step writes that, so the context that it began from was not the flow's.")
        d.suspect(PRIM + "ram_1r1w.sv", "the context store")


def kept(d: Diagnosis, differs: list) -> None:
    same = [r["name"] for r in differs if r["before"] is not None and r["got"] == r["before"] and r["want"] != r["before"]]
    moved = [r["name"] for r in differs if r["before"] is not None and r["want"] == r["before"] and r["got"] != r["before"]]
    if len(same) == len(differs) > 2 and d.step:
        d.evidence.append("All that had to change stayed: what the step gives was not taken over at all.")
        d.suspect(RX + "rcv_step.sv" if d.step["event"] == "receive" else TX + "send_pipe.sv", "chooses what the context becomes by the event's kind")
    if same:
        d.evidence.append(f"Kept its old value where it had to change: {', '.join(same)}.")
    if moved:
        d.evidence.append(f"Changed where it had to stay: {', '.join(moved)}.")


def context_rule(d: Diagnosis, run: Run, pipeline: str) -> None:
    steps = find_step(d, d.conn, run.check["cycle"], pipeline)
    d.stage = RCV_E if pipeline == "receive" else SND_E
    step = step_name(d.step) if d.step else ""
    table = (RCV_STEPS if pipeline == "receive" else SND_STEPS).get(step, [])
    differs = fill_rows(d, run.check["differs"])
    for module, why, _ in by_table(table, [r["name"] for r in differs]):
        d.suspect(
            module,
            why.format(step=TX + {"DdAck": "dd_incoming.sv", "SevTimeout": "dd_timeout.sv", "SevNext": "dd_next.sv"}.get(step, "send_pipe.sv")),
        )
    names = {r["name"] for r in differs}
    if d.step:
        {"RevSegment": of_segment, "DdAck": of_ack, "DdSack": of_block, "SevNext": of_next}.get(step, lambda *_: None)(d, names)
        congestion(d, step, differs)
        wrap(d)
    kept(d, differs)
    untouched(d, table, differs)
    stale(d, steps, differs)


def row_of(d: Diagnosis, name: str) -> dict:
    return next((r for r in d.rows if r["name"] == name), {"want": 0, "got": 0, "before": 0})


def after(d: Diagnosis, name: str) -> int:
    """A member as the NIC left it."""
    return {**d.before, **d.step["ctx"]}.get(name, 0)


def of_segment(d: Diagnosis, names: set) -> None:
    """What joins intervals explains both the list and how far the data reaches."""
    if RX + "rx_intervals.sv" in {m for m, _ in d.modules} and "fin_done" not in names:
        d.accuse(*next((m, w) for m, w in d.modules if m == RX + "rx_intervals.sv"))
        d.suspect(RX + "rcv_segment.sv", "takes that list into the context, when the segment is taken or kept")
        taken_over(d, r"ooo.*", RX + "rcv_segment.sv")
    if "nxt" not in names:
        return
    s, nxt = d.step["segment"], row_of(d, "nxt")
    end, had = (s.get("seq", 0) + s.get("pay_len", 0)) % MOD, d.before.get("ooo_n", 0)
    base = d.conn.base(True)
    held = ", ".join(f"[{rel(d.before[f'ooo{i}_start'], base)}, {rel(d.before[f'ooo{i}_end'], base)})" for i in range(had)) or "none"
    d.evidence.append(
        f"The segment covers [{rel(s.get('seq', 0), base)}, {rel(end, base)}), intervals held: {held}; RCV.NXT"
        f" must go from {rel(d.before.get('nxt', 0), base)} to {rel(nxt['want'], base)}, it went to {rel(nxt['got'], base)}."
    )
    if had and rel(nxt["want"], end) > 1 and names <= {"nxt"}:
        d.accuse(
            RX + "rx_intervals.sv",
            "edge_o: how far the data reaches once the interval that it touches is joined (rcv_segment.sv takes RCV.NXT from it)",
        )


def taken_over(d: Diagnosis, pattern: str, taker: str) -> None:
    """Of what a part computes and the step takes: whether it was wrong, or taken wrongly."""
    mine = [r for r in d.rows if r["bad"] and r["before"] is not None and re.fullmatch(pattern, r["name"])]
    well = [n for n, v in d.step["ctx"].items() if re.fullmatch(pattern, n) and d.before.get(n) != v and all(n != r["name"] for r in mine)]
    if mine and all(r["got"] == r["before"] for r in mine) and len(mine) <= 2 and well:
        d.evidence.append(f"{' and '.join(r['name'] for r in mine)} kept the old value while the rest of the list is right: it was not taken over.")
    elif mine and all(r["want"] == r["before"] for r in mine) and not well:
        d.evidence.append("Nothing of it had to change in this step: it was taken over when it must not be.")
    else:
        return
    d.accuse(*next((m, w) for m, w in d.modules if m == taker))


def of_block(d: Diagnosis, names: set) -> None:
    d.suspect(TX + "dd_incoming.sv", "takes the list into the context, when the block is one to be kept (block_ok)")
    taken_over(d, r"sack.*", TX + "dd_incoming.sv")


def of_ack(d: Diagnosis, names: set) -> None:
    if names == {"sack_n"}:
        d.accuse(TX + "dd_incoming.sv", "takes sack_trim.sv's list into the context: the intervals are right, only their number is not")
    elif any(n.startswith("sack") for n in names):
        d.suspect(TX + "dd_incoming.sv", "puts the trimmed scoreboard into the context")
        taken_over(d, r"sack.*", TX + "dd_incoming.sv")
    if names & {"srtt_us", "rttvar_us"}:
        d.suspect(TX + "dd_incoming.sv", "when a measurement counts (timed, echoed), and which")
        if all(row_of(d, n)["before"] in (row_of(d, n)["want"], row_of(d, n)["got"]) for n in names & {"srtt_us", "rttvar_us"}):
            d.evidence.append(
                "The estimate moved where it had to stay, or stayed where it had to move: the question is whether this ACK was a measurement."
            )
            d.accuse(*next((m, w) for m, w in d.modules if m == TX + "dd_incoming.sv"))
    if names <= {"rto_us", "rto_at_us"}:
        rto, at = row_of(d, "rto_us"), row_of(d, "rto_at_us")
        if "rto_us" in names:
            d.evidence.append(
                f"srtt {after(d, 'srtt_us') / 8:.0f} us and rttvar {after(d, 'rttvar_us') / 4:.0f} us are right, and the deadline follows the RTO:"
                f" what is wrong is the RTO made of them, {rto['got']} in place of {rto['want']} us (floor 200000, ceiling 60000000)."
            )
            d.accuse("rtl/nic_pkg.sv", "rto_of(): RTO of srtt and rttvar, with floor and ceiling (used by rtt_estimate.sv and dd_incoming.sv)")
        elif at["want"] != at["got"]:
            d.accuse(TX + "dd_incoming.sv", "when the timer is restarted, and for how long")
    if names & {"recovery", "recover", "rxt_first"}:
        n, iss = d.before.get("sack_n", 0), d.conn.base(False)
        board = ", ".join(f"[{rel(d.before[f'sack{i}_start'], iss)}, {rel(d.before[f'sack{i}_end'], iss)})" for i in range(n)) or "empty"
        d.evidence.append(
            f"Loss: duplicate ACKs {d.before.get('dup_acks', 0)} before this one and {after(d, 'dup_acks')} with it (recovery begins with the third);"
            f" SACK {'agreed' if d.before.get('sack_ok') else 'not agreed'}; una {rel(after(d, 'una'), iss)}, scoreboard: {board}, MSS"
            f" {d.before.get('mss', 0)} (lost is what has three ranges, or more than two MSS of SACKed octets, above it)."
        )
        if "recovery" in names and n >= 2:
            d.suspect(TX + "sack_lost.sv", "what the scoreboard shows as lost: with fewer than three duplicates only that can begin recovery")


def of_next(d: Diagnosis, names: set) -> None:
    if "tokens" in names and d.step.get("emit"):
        more, len_ = row_of(d, "tokens")["got"] - row_of(d, "tokens")["want"], d.step["desc"].get("len", 0) + d.step["desc"].get("fin", 0)
        d.evidence.append(f"tokens differs by {more} of what it must be; the segment that left has {len_} octets.")
        if more == len_ or row_of(d, "tokens")["got"] == row_of(d, "tokens")["before"]:
            d.accuse(TX + "dd_next.sv", "spends the tokens of what leaves (pacer.sv gives how many there are)")
    d.evidence += next_evidence(d.step, d.before, d.conn.base(False))


def congestion(d: Diagnosis, step: str, differs: list) -> None:
    """Whether the algorithm reckoned wrongly, or was told wrongly."""
    giver = {"DdAck": "dd_incoming.sv", "SevTimeout": "dd_timeout.sv", "SevNext": "dd_next.sv"}.get(step)
    mine = [r for r in differs if re.fullmatch(CC[0], r["name"])]
    if not giver or not mine:
        return
    told = (
        "tells congestion control what happened (cc_o: "
        + {"dd_incoming.sv": "CcAck, CcLoss, CcDup, CcPartial, CcExit", "dd_timeout.sv": "CcTimeout", "dd_next.sv": "CcIdle"}[giver]
        + ")"
    )
    if len(mine) < len(differs):
        d.evidence.append(
            "The congestion window differs, and so does what the step itself decides; a step that decides otherwise tells congestion control"
            " otherwise."
        )
        first = next(((m, w) for m, w in d.modules if "cc_newreno" not in m), (TX + giver, told))
        d.accuse(*first)
        return
    c = d.before
    d.evidence.append(
        "Only the congestion window differs; all that the step itself decides (recovery, pointers, timers) is right. Before the step: cwnd"
        f" {c.get('cwnd')}, ssthresh {c.get('ssthresh')}, MSS {c.get('mss')}, in flight {rel(c.get('max', 0), c.get('una', 0))}, dup_acks"
        f" {c.get('dup_acks')}, recovery {c.get('recovery')}, SACK {c.get('sack_ok')}; after it una moved by {rel(after(d, 'una'), c.get('una', 0))},"
        f" recovery {after(d, 'recovery')}."
    )
    d.suspect(TX + giver, told)
    if all(r["got"] == r["before"] for r in mine):
        d.evidence.append("The window stayed as if nothing had happened: congestion control was not told, or did nothing.")
        if step == "SevNext":
            d.accuse(TX + giver, told)
    elif c.get("recovery") and after(d, "recovery"):
        d.evidence.append("The ACK is a partial one, inside recovery: the window is to hear CcPartial there (or CcDup), not CcAck.")
        d.accuse(TX + giver, told)


def wrap(d: Diagnosis) -> None:
    """Sequence numbers that compare otherwise as plain numbers."""
    s, c = d.step.get("segment") or d.step.get("dd") or {}, d.before
    pairs = [
        ("seq", s.get("seq"), "nxt", c.get("nxt")),
        ("seq", s.get("seq"), "wnd_end", c.get("wnd_end")),
        ("ack", s.get("ack"), "una", d.step.get("una", c.get("una"))),
        ("ack", s.get("ack"), "max", d.step.get("max", c.get("max"))),
        ("tsval", s.get("tsval"), "ts_recent", c.get("ts_recent")),
    ]
    across = [f"{a} {x} and {b} {y}" for a, x, b, y in pairs if x is not None and y is not None and (x < y) != (rel(x, y) < 0) and x != y]
    if across:
        d.evidence.append(f"The wrap of 2^32 lies between {'; '.join(across)}: as plain numbers they compare the other way round.")
        d.suspect("rtl/nic_pkg.sv", "seq_lt() and its kin: comparison modulo 2^32")


def run_rule(differs: list) -> str:
    """The rule that failed first; the rest is what else is wrong with the step."""
    return differs[0]["rule"] if differs else ""


def fill_rows(d: Diagnosis, differs: list) -> list:
    seqs = seq_members()
    for r in differs:
        before, want, got = d.before.get(r["name"]) if r["rule"].endswith("context") else None, r["expected"], r["got"]
        seq = r["name"] in seqs and r["rule"] not in ("ACK owed", "sampled")
        d.rows.append({"name": r["name"], "rule": r["rule"], "before": before, "want": want, "got": got, "seq": seq, "bad": want != got})
    if run_rule(differs).endswith("context") and d.step and d.before:  # what else the step changed: that was right
        said = {r["name"] for r in d.rows}
        for name, now in d.step.get("ctx", {}).items():
            if name not in said and d.before.get(name) != now:
                row = {"name": name, "rule": run_rule(differs), "before": d.before.get(name), "want": now, "got": now}
                d.rows.append(row | {"seq": name in seqs, "bad": False})
    return [r for r in d.rows if r["bad"] and r["rule"] == run_rule(differs)]


def descriptor_rule(d: Diagnosis, run: Run) -> None:
    if "parser" in run.check["what"]:
        d.stage = "parser (rx_parser.sv, tcp_options.sv)"
        names = [r["name"] for r in fill_rows(d, run.check["differs"]) if r["bad"]]
        if any(re.match(r"has_ts|tsval|tsecr|n_sack|sack\d", n) for n in names):
            d.suspect(RX + "tcp_options.sv", "reads time stamp and SACK blocks, a list a cycle where it is laid out as usual")
            d.suspect(RX + "tcp_options_step.sv", "one step of it through any other list")
            d.suspect(RX + "rx_descs.sv", "joins a frame with its options")
        if {"frame_len", "beats"} <= set(names):
            d.evidence.append("Even the frame's length is another's: it is the description of another frame, or of none.")
            d.suspect(RX + "rx_pipe.sv", "carries the description along its stages")
            d.suspect(RX + "rx_descs.sv", "descriptions in the order of their frames")
        d.suspect(RX + "rx_parser.sv", "takes the headers apart")
        return
    steps = find_step(d, d.conn, run.check["cycle"], "send")
    d.stage, step = SND_E, step_name(d.step) if d.step else ""
    differs = fill_rows(d, run.check["differs"])
    names = {r["name"] for r in differs}
    ctx = steps[-1][1] if steps else {}
    if step == "SevNext":
        d.evidence += next_evidence(d.step, ctx, d.conn.base(False))
        cut(d, names, ctx)
    else:
        d.suspect(TX + "send_pipe.sv", f"the descriptor of {step or 'the step'}")
    stale(d, steps, differs)


def cut(d: Diagnosis, names: set, ctx: dict) -> None:
    """A descriptor of dd_next: what cuts it, what decides on the rest."""
    kind, emit = row_of(d, "kind"), row_of(d, "emit")
    data = (kind["want"] if emit["want"] else kind["got"]) == 0 if "emit" in names else names & {"len", "fin", "seq"}
    if data and (ctx.get("recovery") or ctx.get("sack_n")):
        d.suspect(TX + "cut_repair.sv", "what recovery sends again, and when")
        d.suspect(TX + "sack_next.sv", "the next hole, for cut_repair.sv and cut_new.sv")
        d.suspect(TX + "sack_pipe.sv", "octets in the network: how much of cwnd is used")
        d.suspect(TX + "sack_holes.sv", "octets that are missing between the intervals, for sack_pipe.sv")
        d.suspect(TX + "sack_lost.sv", "below where holes count as lost, for sack_pipe.sv")
    if data:
        d.suspect(
            TX + "cut_new.sv",
            "cuts the segment that leaves from SND.NXT on: MSS, windows, Nagle, silly windows, limited transmit, probes; or says that none may",
        )
    if data and ctx.get("pace_rate"):
        d.suspect(TX + "pacer.sv", "whether there are tokens")
    for module, why, _ in by_table(DESC, sorted(names)):
        d.suspect(module, why)
    d.suspect(TX + "dd_next.sv", "puts the descriptor together")


def next_evidence(e: dict, c: dict, iss: int) -> list[str]:
    """What the windows permitted, as numbers."""
    if not c:
        return []
    base = c["una"]
    fin = e.get("fin", 0)
    flight, edge, avail = rel(c["max"], base), rel((base + c["wnd"]) % MOD, c["nxt"]), rel(e.get("tail", 0), c["nxt"]) - fin
    state = [
        word for word, holds in (("in recovery", c["recovery"]), ("probe due", c["probe"]), ("sent again from una on", c["nxt"] != c["max"])) if holds
    ]
    said = [
        f"What dd_next saw: {avail} octets not yet sent from nxt on{' and a FIN' if fin else ''}; the peer's window leaves {edge}, cwnd is"
        f" {c['cwnd']} with {flight} out; MSS {c['mss']};{''.join(' ' + word + ';' for word in state)}"
        f" ACK owed: {e.get('owed', 0)}, at once: {e.get('owed_now', 0)}."
    ]
    if c.get("sack_n"):
        held = ", ".join(f"[{rel(c[f'sack{i}_start'], iss)}, {rel(c[f'sack{i}_end'], iss)})" for i in range(c["sack_n"]))
        said.append(f"Scoreboard: {held}; una {rel(base, iss)}, high_rxt {rel(c['high_rxt'], iss)}, recover {rel(c['recover'], iss)}.")
    return said


def owed_rule(d: Diagnosis, run: Run) -> None:
    fill_rows(d, run.check["differs"])
    if "assembler" in run.check["what"]:
        d.stage = SAMPLE
        d.suspect(TX + "ack_bits.sv", "the ACK bits and the count of ACKs at once: set by the receive pipeline, cleared by the sample, set wins")
        d.suspect(TX + "tx_assembler.sv", "clears them in the very cycle of the sample")
        duty_history(d, run)
        return
    find_step(d, d.conn, run.check["cycle"], "receive")
    d.stage = RCV_E
    step = step_name(d.step) if d.step else ""
    module = {"RevSegment": "rcv_segment.sv", "RevRead": "rcv_read.sv", "RevTimeout": "rcv_timeout.sv"}.get(step, "rcv_step.sv")
    why = {
        "RevSegment": "ack_o, ack_now_o: when an ACK is due (RFC 5681 section 4.2)",
        "RevRead": "update_o: whether a window update is worth an ACK",
        "RevTimeout": "ack_o: a delayed ACK's deadline has passed and something is not acknowledged yet",
    }.get(step, "owed_o")
    d.suspect(RX + module, why)
    d.suspect(RX + "rcv_step.sv", "chooses by the event's kind")


def duty_history(d: Diagnosis, run: Run) -> None:
    """ACK bits of the flow: who set and cleared them last."""
    said = []
    for e in d.conn.events if d.conn else []:
        if e["cycle"] > run.check["cycle"]:
            break
        if e["event"] == "receive" and (e.get("ack") or e.get("ack_now")):
            said.append((e["cycle"], f"set by {e['kind']}" + (" (at once)" if e.get("ack_now") else "")))
        elif e["event"] == "sample" and e.get("frame"):
            said.append((e["cycle"], f"cleared by the sample of a {e['desc_kind']}"))
    if said:
        row, last = row_of(d, "ACK owed" if "ACK owed" in {r["name"] for r in d.rows} else "owed"), said[-1]
        meets = [c for (c, t), (c2, t2) in zip(said, said[1:]) if c == c2 and t[:3] != t2[:3]]
        if row["got"] and not row["want"] and last[1].startswith("cleared") and all(c < last[0] - 3 for c in meets):
            ago = run.check["cycle"] - last[0]
            if ago <= 16:
                d.evidence.append(
                    f"The bit is read as set {ago} cycle(s) after the sample that must clear it at once: it is cleared too late, or not at all."
                )
                d.accuse(TX + "tx_assembler.sv", "clears them (clr_valid_o), in the very cycle of the sample")
            else:
                d.evidence.append(
                    f"The bit was cleared {ago} cycles ago, and no step of the flow that retired since owes an ACK: something else has set it."
                )
                d.accuse(RX + "rcv_step.sv", "owed_o, now_o: sets them, with a step of the flow")
        d.evidence.append("The flow's ACK bits, last: " + "; ".join(f"cycle {c}: {t}" for c, t in said[-8:]) + ".")
        if meets:
            d.evidence.append(f"Set and cleared in the same cycle ({', '.join(map(str, meets[-3:]))}): there the set must win.")


def sampled_rule(d: Diagnosis, run: Run) -> None:
    find_step(d, d.conn, run.check["cycle"], "send")
    d.stage = "what dd_next reads of others (send pipeline, stage E)"
    names = {r["name"] for r in fill_rows(d, run.check["differs"]) if r["bad"]}
    if names & {"ACK owed", "ACKs at once"}:
        d.suspect(TX + "ack_bits.sv", "the ACK bits and the count of ACKs at once, which dd_next reads")
        d.suspect(TX + "tx_assembler.sv", "when they are cleared: in the cycle of the sample")
        duty_history(d, run)
    if names & {"tail", "FIN enqueued"}:
        last = [e for e in d.conn.events if e["event"] == "tail" and e["cycle"] <= run.check["cycle"]]
        if last and run.check["cycle"] - last[-1]["cycle"] <= 2:
            d.evidence.append(
                f"The tail was written {run.check['cycle'] - last[-1]['cycle']} cycle(s) before it was read: it comes by the store's forwarding."
            )
            d.suspect(PRIM + "ram_1r1w.sv", "the tail's store: a read sees the write of its own cycle")
        d.suspect(TX + "tx_writer.sv", "owns tail and FIN")


def mirror_rule(d: Diagnosis, run: Run) -> None:
    find_step(d, d.conn, run.check["cycle"], "receive")
    d.stage = "what the receive pipeline reads of the send side"
    names = {r["name"] for r in fill_rows(d, run.check["differs"]) if r["bad"]}
    if names & {"una", "max"}:
        d.suspect(TX + "send_pipe.sv", "writes the send mirror (mirror_we_o, mirror_o) with each step's context")
        last = [e for e in d.conn.events if e["event"] == "send" and e["cycle"] < run.check["cycle"]]
        if last:
            d.evidence.append(f"The send pipeline's last step of the flow was {last[-1]['kind']} in cycle {last[-1]['cycle']}.")
            wrote = [e for e in last if names & {n for n in ("una", "max") if n in e["ctx"]}]
            if wrote:
                d.evidence.append(
                    f"{' and '.join(sorted(names & {'una', 'max'}))} changed last in cycle {wrote[-1]['cycle']}, by {wrote[-1]['kind']}: that is what"
                    " the mirror misses."
                )
    if any(n.startswith("last ") for n in names):
        d.suspect(TX + "tx_assembler.sv", "writes the sent mirror in the cycle of the sample")
        if "last edge sent" in names:
            d.accuse(TX + "rcv_sample.sv", "the window edge that a header offers (wnd_end_o), which the sent mirror remembers")
    d.suspect(PRIM + "ram_1r1w.sv", "the mirror's store")


def sample_rule(d: Diagnosis, run: Run) -> None:
    d.stage = SAMPLE
    names = {r["name"] for r in fill_rows(d, run.check["differs"]) if r["bad"]}
    d.step = next((e for e in reversed(d.conn.events) if e["event"] == "sample" and e["cycle"] == run.check["cycle"]), None)
    if "D-SACK" in names or not names:
        d.suspect(TX + "dsack_box.sv", "per flow the newest range that came twice, until a header without payload takes it")
    if names - {"D-SACK"}:
        d.suspect(RX + "rcv_step.sv", "mirror_o: what others are shown of the receive context")
        d.suspect(PRIM + "ram_1r1w.sv", "the mirror's store")


def sent_rule(d: Diagnosis, run: Run) -> None:
    d.stage = HEADER
    names = [r["name"] for r in fill_rows(d, run.check["differs"]) if r["bad"]]
    report_origin.sent_frame(d, run, names)


def out_rule(d: Diagnosis, run: Run) -> None:
    d.stage = "receive ring to the host (rx_mover.sv writes, rx_reader.sv reads)"
    fill_rows(d, run.check["differs"])
    report_origin.payload_out(d, run)


def slow_rule(d: Diagnosis, run: Run) -> None:
    d.stage = "slow path (rx_mover.sv)"
    fill_rows(d, run.check["differs"])
    report_origin.slow_frame(d, run)
    d.suspect(RX + "rx_mover.sv", "carries each frame where its verdict says")
    d.suspect(RX + "rx_pipe.sv", "the verdict FIFO: kind, length and beats of each frame")
    d.suspect(RX + "rcv_step.sv", "the verdict")
    d.suspect(RX + "rx_frame_fifo.sv", "holds the frames until their verdict")


def duty_rule(d: Diagnosis, run: Run) -> None:
    d.stage = "rest: something happens after the NIC has called itself quiescent" if "has said" in run.check["what"] else "a duty: something was owed and did not happen"
    fill_rows(d, run.check["differs"])
    for words, modules in DUTIES:
        if re.search(words, run.check["what"]):
            for m, why in modules:
                d.suspect(m, why)
            break
    if "ACK" in run.check["what"]:
        duty_history(d, run)
    if "timer of" in run.check["what"] or run.check["rule"] == "deadline":
        deadline(d, run)
    if d.conn:
        steps = list(contexts(d.conn, "send"))
        nexts = [s for s in steps if s[0]["kind"] == "SevNext"]
        if nexts:
            d.evidence += [
                f"The flow's last dd_next was in cycle {nexts[-1][0]['cycle']}, {run.check['cycle'] - nexts[-1][0]['cycle']} cycles before: it"
                f" emitted {nexts[-1][0].get('desc_kind', 'nothing')}."
            ]
            d.evidence += next_evidence(nexts[-1][0], steps[-1][2], d.conn.base(False))
            if "something to send" in run.check["what"]:
                woken(d, nexts[-1][0])


def deadline(d: Diagnosis, run: Run) -> None:
    """When the timer that was missed was set, and by what."""
    steps = [s for s in contexts(d.conn, "send") if s[0]["cycle"] <= run.check["cycle"]]
    for on, at in (("rto_vld", "rto_at_us"), ("pace_wait", "pace_at_us")):
        ctx = steps[-1][2] if steps else {}
        if ctx.get(on) and ctx.get(at, 0) <= run.check["now_us"]:
            by = next((e for e, before, now in reversed(steps) if before.get(on) != now[on] or before.get(at) != now[at]), steps[-1][0])
            d.cause = by["cycle"]
            d.evidence.append(
                f"The timer: {at} was {run.check['now_us'] - ctx[at]} us ago, set in cycle {by['cycle']} by {step_name(by)}. Since then no"
                " SevTimeout of the flow retired; the context itself is right, so it is the timers beside the pipeline that lost it, or hold it"
                " back."
            )
    later = next((r for r in d.rows if r["name"] == "microseconds"), None)
    if later:
        d.evidence.append(
            f"next_deadline_us_o is {later['got'] - run.check['now_us']} us ahead: not before that would clocking matter, as the timers have it; the"
            f" timer is due in {later['want'] - run.check['now_us']} us."
        )


def woken(d: Diagnosis, last: dict) -> None:
    """What should have asked the flow again after its last dd_next."""
    said = [
        f"cycle {e['cycle']}: {e.get('by') or e.get('kind')}"
        for e in d.conn.events
        if e["cycle"] >= last["cycle"] and e is not last and (e["event"] == "tail" or e.get("kind") in ("SevIncoming", "SevTimeout") or e.get("ack"))
    ]
    d.evidence.append(
        "What wakes a flow, since then: " + ("; ".join(said[-6:]) or "nothing, so it had to be asked again because dd_next had more (re-queue)") + "."
    )
    if not said and last.get("emit"):
        d.accuse(TX + "send_pipe.sv", "asks a flow again that has more to send (wake, more_nx), back to back or by its ready bit")


def tail_rule(d: Diagnosis, run: Run) -> None:
    d.stage = "transmit writer"
    fill_rows(d, run.check["differs"])
    d.suspect(TX + "tx_writer.sv", "owns tail: the end of what the host gave, and FIN")
    tails = [e for e in d.conn.events if e["event"] == "tail" and e["cycle"] <= run.check["cycle"]]
    if len(tails) < 3:
        return
    at = [t["tail"] for t in tails[-3:]]
    gap = tails[-1]["cycle"] - tails[-2]["cycle"]
    row = row_of(d, "tail")
    d.evidence.append(
        f"The writes of tail before: cycles {tails[-3]['cycle']} and {tails[-2]['cycle']}, then this one in {tails[-1]['cycle']}; it moves by"
        f" {rel(at[2], at[1])} and must move by {rel(row['want'], at[1])}."
    )
    if gap <= 2 and rel(row["want"], at[2]) == rel(at[1], at[0]):
        d.evidence.append(
            f"It came {gap} cycle(s) after the one before, and what it misses is just what that one had added: it began from the tail of before."
        )
        d.accuse(PRIM + "ram_1r1w.sv", "the tail's store: a read sees the write of its own cycle")


BY_RULE = {
    "tail": tail_rule,
    "receive context": lambda d, run: context_rule(d, run, "receive"),
    "send context": lambda d, run: context_rule(d, run, "send"),
    "descriptor": descriptor_rule,
    "ACK owed": owed_rule,
    "sampled": sampled_rule,
    "mirror": mirror_rule,
    "sample": sample_rule,
    "frame sent": sent_rule,
    "payload out": out_rule,
    "slow path": slow_rule,
    "duty": duty_rule,
    "quiescent": duty_rule,
    "deadline": duty_rule,
}


def diagnose(run: Run) -> Diagnosis:
    d, check = Diagnosis(), run.check
    at = [c for c in run.conns if c.flow == check["flow"] and (c.opened or 0) <= check["cycle"]]
    d.conn = max(at, key=lambda c: c.opened or 0, default=None) or Conn((0, 0, 0, 0))
    if check["rule"] in BY_RULE:
        BY_RULE[check["rule"]](d, run)
        return d
    for rule, words, stage, modules in RULES:
        if rule == check["rule"] and words in check["what"]:
            d.stage = stage
            find_step(d, d.conn, check["cycle"], "receive" if "receive" in stage else "send")
            fill_rows(d, check["differs"])
            for m, why in modules:
                d.suspect(m, why)
            if rule == "segment class" and d.step:
                wrap(d)
            break
    return d
