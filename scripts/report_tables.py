# SPDX-License-Identifier: Apache-2.0
"""Which RTL module commits what the checker compares: tables of its rules, and of the contexts' members by step.

They follow rtl/README.md, rtl/rx/README.md and rtl/tx/README.md: who writes what.
"""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RX, TX, PRIM = "rtl/rx/", "rtl/tx/", "rtl/prim/"
RCV_E = "receive pipeline, stage E (rx_pipe.sv, rcv_step.sv)"
SND_E = "send pipeline, stage E (send_pipe.sv)"
SAMPLE = "assembler, stage A1: the sample (tx_assembler.sv)"
HEADER = "assembler, stages A1 and A2: the frame (tx_assembler.sv, tx_merge.sv, tx_mux.sv)"

# Of a step of the receive pipeline: members of rcv_ctx_t, the module that computes them, how. The first row that fits all or most counts.
RCV_SEGMENT = [
    (r"ooo\d?_.*", RX + "rx_intervals.sv", "adds to, joins and orders the out-of-order intervals (instantiated in rcv_segment.sv)"),
    (r"nxt", RX + "rcv_segment.sv", "moves RCV.NXT: to the end of what rx_intervals.sv joined (edge_o), and over a FIN"),
    (r"ts_recent|ts_age", RX + "rcv_segment.sv", "when the peer's time stamp is learnt (ts_learn, RFC 7323 section 4.3)"),
    (r"wl1|ack_fwd|wnd_fwd", RX + "rcv_segment.sv", "the ACK and window that the send side hears of (update, new_ack, wnd_o)"),
    (r"delack_.*|seg_max", RX + "rcv_segment.sv", "when a delayed ACK is due, and what counts as a full segment"),
    (r"chal_.*", RX + "rcv_segment.sv", "the challenge ACK's limit (RFC 5961 section 7)"),
    (r"fin_.*", RX + "rcv_segment.sv", "the peer's FIN: remembered out of order, taken in order"),
    (r"open", RX + "rcv_segment.sv", "whether a RST resets (RFC 5961 section 3)"),
]
RCV_STEPS = {
    "RevSegment": RCV_SEGMENT,
    "RevRead": [(r"wnd_end", RX + "rcv_read.sv", "the window's right edge, consumed + ring")],
    "RevTimeout": [(r"delack_.*", RX + "rcv_timeout.sv", "clears the delayed ACK when its deadline has passed")],
    "RevOpen": [(r".*", RX + "rcv_step.sv", "a flow's first context (RevOpen)")],
    "RevRelease": [(r"open|delack_vld", RX + "rcv_step.sv", "a flow's end (RevRelease)")],
}
CC = (
    r"cwnd|ssthresh|cc_.*",
    TX + "cc_newreno.sv",
    "has the last word on the congestion window, or whichever cc_*.sv was built in; what it is to hear (cc_o) says the step: {step}",
)
SND_STEPS = {
    "DdSack": [(r"sack\d?_.*", TX + "sack_insert.sv", "puts the block into the scoreboard (instantiated in dd_incoming.sv)")],
    "DdAck": [
        CC,
        (r"srtt_us|rttvar_us", TX + "rtt_estimate.sv", "the round trip's estimate (instantiated in dd_incoming.sv)"),
        (r"rto_us|rto_at_us", TX + "rtt_estimate.sv", "the RTO of a measurement; dd_incoming.sv says when it counts and sets the deadline"),
        (
            r"sack_n|sack\d_.*",
            TX + "sack_trim.sv",
            "cuts what is acknowledged out of the scoreboard (instantiated in dd_incoming.sv, which takes its result)",
        ),
        (
            r"recovery|recover|rxt_first|high_rxt|dup_acks|sack_new",
            TX + "dd_incoming.sv",
            "loss: duplicates counted, recovery begun and ended (sack_lost.sv says what the scoreboard shows)",
        ),
        (r"una|nxt|wnd|max_wnd|probe|rto_vld|retries|backoff|stuck_us|rtt_.*", TX + "dd_incoming.sv", "what an ACK does to head, window and timers"),
    ],
    "DdReset": [(r"open|rto_vld", TX + "dd_incoming.sv", "the peer's reset")],
    "DdRelease": [(r"open|rto_vld", TX + "send_pipe.sv", "the flow is let go of")],
    "SevTimeout": [
        CC,
        (
            r"nxt|probe|rto_.*|retries|backoff|recover.*|rxt_first|dup_acks|sack.*|gave_up|told_flags|pace_wait",
            TX + "dd_timeout.sv",
            "what a deadline that has passed does",
        ),
    ],
    "SevNext": [
        CC,
        (r"tokens|pace_.*", TX + "pacer.sv", "the token bucket; dd_next.sv takes from it what leaves"),
        (r"high_rxt|rescue_rxt|rxt_first", TX + "dd_next.sv", "how far recovery has sent again"),
        (r"rtt_.*", TX + "dd_next.sv", "which segment is timed (Karn: none that was sent again)"),
        (r"rto_.*|probe|sent_us|stuck_us", TX + "dd_next.sv", "timers that sending starts"),
        (r"told|told_flags", TX + "dd_next.sv", "what the host was told"),
        (r"nxt|max", TX + "dd_next.sv", "moves send and max over what leaves (its length says cut_new.sv)"),
    ],
    "SevOpen": [CC, (r".*", TX + "send_pipe.sv", "a flow's first context (SevOpen)")],
    "SevTune": [(r".*", TX + "send_pipe.sv", "what the program chose anew (SevTune)")],
    "SevAbort": [(r"open|rto_vld", TX + "send_pipe.sv", "the program's abort (SevAbort)")],
}
DESC = [
    (r"seq|len|fin", TX + "cut_new.sv", "cuts the segment that leaves from SND.NXT on"),
    (r"una|tell|fin_acked|timed_out", TX + "dd_next.sv", "what the host is told with it"),
    (r"psh|kind", TX + "dd_next.sv", "kind and PSH of what leaves"),
    (r"flow", TX + "send_pipe.sv", "the descriptor's flow"),
]
DUTIES = [
    (
        r"an ACK is owed",
        [
            (PRIM + "ready_set.sv", "the scheduler's ready bits: the flow was to be asked"),
            (TX + "ack_bits.sv", "the ACK owed"),
            (TX + "dd_next.sv", "an ACK owed is to be emitted"),
        ],
    ),
    (
        r"delayed ACK's deadline",
        [(PRIM + "timers.sv", "the receive pipeline's timers: the deadline was to fire"), (RX + "rx_pipe.sv", "takes the timer that fires")],
    ),
    (
        r"timer of retransmission",
        [(PRIM + "timers.sv", "the send pipeline's timers: the deadline was to fire"), (TX + "send_pipe.sv", "takes the timer that fires")],
    ),
    (
        r"something to send",
        [
            (PRIM + "ready_set.sv", "the scheduler's ready bits"),
            (TX + "send_pipe.sv", "wake-ups and re-queueing of a flow that has more"),
            (TX + "dd_next.sv", "more_o"),
            (TX + "cut_new.sv", "more_o of new data"),
        ],
    ),
    (
        r"told what was received",
        [
            ("rtl/nic_events.sv", "pending events"),
            (RX + "rx_mover.sv", "writes the receive status"),
            (RX + "rcv_segment.sv", "tell_o: whether the host is to be told"),
        ],
    ),
    (r"told what was acknowledged", [("rtl/nic_events.sv", "pending events"), (TX + "tx_assembler.sv", "writes the transmit status")]),
    (
        r"receive status was not written",
        [(RX + "rcv_segment.sv", "tell_o: whether the host is to be told"), (RX + "rx_mover.sv", "writes the receive status behind the last beat")],
    ),
    (r"transmit status was not written", [(TX + "tx_assembler.sv", "writes the transmit status behind the last read")]),
    (r"parser is not done", [(RX + "rx_parser.sv", "commits or drops each frame")]),
    (
        r"waits for the receive pipeline",
        [
            (RX + "rx_descs.sv", "descriptors of committed frames"),
            (RX + "tcp_options.sv", "joins the options"),
            (RX + "rx_pipe.sv", "takes descriptors"),
        ],
    ),
    (r"slow path has not left", [(RX + "rx_mover.sv", "carries frames onto the slow path")]),
    (r"slow path has not been sent", [(TX + "tx_mux.sv", "the slow path's frames onto the stream")]),
    (
        r"header was sampled",
        [
            (TX + "tx_merge.sv", "header and payload onto the stream"),
            (TX + "tx_payload.sv", "the payload's beats"),
            (TX + "tx_mux.sv", "onto one stream"),
        ],
    ),
    (r"ACK waits for the send pipeline", [(TX + "dd_blocks.sv", "a segment's blocks and ACK as events"), (TX + "send_pipe.sv", "takes them")]),
    (r"waits for the assembler", [(TX + "tx_assembler.sv", "takes descriptors")]),
    (r"asked for was not (given|read)", [(RX + "rx_reader.sv", "reads the ring for the host")]),
    (r"was not enqueued|a close was", [(TX + "tx_writer.sv", "payload and FIN behind the tail")]),
    (
        r"(open|abort|tune|release) was not",
        [("rtl/nic_host.sv", "takes commands apart"), (RX + "rx_pipe.sv", "tokens of open and release"), (TX + "send_pipe.sv", "open, abort, tune")],
    ),
    (r"receive pipeline retires", [(RX + "rx_pipe.sv", "idle_o: no event on its way")]),
    (r"send pipeline retires", [(TX + "send_pipe.sv", "idle_o: no event on its way, and no flow ready")]),
    (r"assembler samples", [(TX + "tx_assembler.sv", "whether it is idle")]),
    (r"leaves by the slow path", [(RX + "rx_mover.sv", "whether it is idle")]),
    (r"a frame leaves", [(TX + "tx_mux.sv", "whether it is idle")]),
    (r"given payload|given in part", [(RX + "rx_reader.sv", "whether it is idle")]),
    (r"host is told something", [("rtl/nic_events.sv", "whether it is idle")]),
    (r".*", [("rtl/nic_top.sv", "quiescent_o and next_deadline_us_o"), (PRIM + "timers.sv", "the next deadline")]),
]
COUNTERS = ("rtl/nic_counters.sv", "adds up")
# Of everything else: rule, words of its text, stage, modules with what they do.
RULES = [
    ("flow", "receive pipeline", "receive pipeline", [(RX + "rx_pipe.sv", "chooses the next event and its flow (stage L0)")]),
    ("flow", "send pipeline", "send pipeline", [(TX + "send_pipe.sv", "chooses the next event and its flow")]),
    ("flow", "assembler", "assembler", [(TX + "tx_assembler.sv", "the descriptor's flow")]),
    ("flow", "receive status", "mover", [(RX + "rx_mover.sv", "the verdict's flow")]),
    ("flow", "transmit status", "assembler", [(TX + "tx_assembler.sv", "the descriptor's flow")]),
    ("flow", "event", "event side of the host port", [("rtl/nic_events.sv", "the event's flow")]),
    ("flow", "tail", "transmit writer", [(TX + "tx_writer.sv", "the packet's flow")]),
    ("flow", "", "reader", [(RX + "rx_reader.sv", "the command's flow")]),
    (
        "frame FIFO",
        "",
        "parser",
        [
            (RX + "rx_parser.sv", "drops only when there is no room"),
            (RX + "rx_frame_fifo.sv", "how full it is"),
            (RX + "rx_descs.sv", "how full it is"),
        ],
    ),
    ("counter", "payload received", "counters", [(RX + "rcv_step.sv", "bytes_o: payload taken"), COUNTERS]),
    ("counter", "payload from the host", "counters", [(TX + "tx_writer.sv", "stat_bytes_o: payload enqueued"), COUNTERS]),
    ("counter", "assembled", "counters", [(TX + "tx_assembler.sv", "stat_frame_o, stat_pure_o"), COUNTERS]),
    ("counter", "slow path", "counters", [("rtl/nic_top.sv", "the slow path's last beat"), COUNTERS]),
    ("counter", "timers", "counters", [(TX + "dd_timeout.sv", "expired_o"), (TX + "send_pipe.sv", "stat_timeout_o"), COUNTERS]),
    ("counter", "sent again", "counters", [(TX + "send_pipe.sv", "stat_rexmit_o"), COUNTERS]),
    ("counter", "parser", "counters", [(RX + "rx_parser.sv", "stat_valid_o, stat_class_o"), COUNTERS]),
    ("counter", "", "counters", [(RX + "rcv_step.sv", "class_o: what becomes of an event"), COUNTERS]),
    ("frame", "", "parser", [(RX + "rx_parser.sv", "one verdict a frame")]),
    (
        "frame class",
        "",
        "parser",
        [(RX + "rx_parser.sv", "headers and checksums: what a frame is"), (PRIM + "csum_beat.sv", "the checksum's sum over a beat")],
    ),
    ("segment class", "", RCV_E, [(RX + "rcv_segment.sv", "what becomes of a segment (RFC 9293 section 3.10.7.4, 5961, 7323)")]),
    (
        "D-SACK",
        "",
        RCV_E,
        [(RX + "rcv_segment.sv", "dup_o: what came twice, below RCV.NXT"), (RX + "rx_intervals.sv", "dup_o: what came twice, in an interval")],
    ),
    ("segment", "", "receive pipeline", [(RX + "rx_descs.sv", "one descriptor a frame"), (RX + "rx_pipe.sv", "takes descriptors")]),
    ("flow table", "", "receive pipeline, stage L1", [(RX + "flow_table.sv", "exact match of a 4-tuple")]),
    ("fence", "", "slow path", [(RX + "rx_mover.sv", "fences and frames in their order"), (RX + "rx_pipe.sv", "the verdict FIFO")]),
    (
        "receive status",
        "is wrong",
        "mover",
        [
            (RX + "rcv_step.sv", "the verdict: ready (RCV.NXT without the phantom byte of a FIN), peer_closed, reset, ts_recent"),
            (RX + "rx_mover.sv", "writes the status behind the last beat"),
            (RX + "rx_pipe.sv", "the verdict FIFO"),
        ],
    ),
    ("tail", "", "transmit writer", [(TX + "tx_writer.sv", "owns tail: the end of what the host gave, and FIN")]),
    (
        "assembler",
        "",
        "descriptor FIFO",
        [(TX + "send_pipe.sv", "the descriptor FIFO (fifo.sv)"), (TX + "tx_assembler.sv", "takes descriptors in order")],
    ),
    (
        "dd_incoming",
        "receive pipeline told",
        "between the pipelines",
        [
            (TX + "dd_blocks.sv", "takes a segment's SACK blocks and ACK apart, one event each, in order"),
            (RX + "rx_pipe.sv", "the FIFO in front of it"),
        ],
    ),
    (
        "dd_incoming",
        "did not tell next",
        "between the pipelines",
        [
            (TX + "dd_blocks.sv", "takes a segment's SACK blocks and ACK apart, one event each, in order"),
            (RX + "rx_pipe.sv", "the FIFO in front of it"),
        ],
    ),
    (
        "dd_incoming",
        "",
        RCV_E,
        [
            (RX + "rcv_segment.sv", "fwd_o, wnd_vld_o, wnd_o, ts_vld_o: what the send side is told of a segment"),
            (RX + "rcv_step.sv", "puts it together"),
        ],
    ),
    ("open", "", "host port", [("rtl/nic_host.sv", "takes the command apart"), (RX + "rx_pipe.sv", "tokens"), (TX + "send_pipe.sv", "SevOpen")]),
    ("release", "", "host port", [("rtl/nic_host.sv", "takes the command apart"), (RX + "rx_pipe.sv", "tokens")]),
    ("abort", "", "host port", [("rtl/nic_host.sv", "takes the command apart"), (TX + "send_pipe.sv", "SevAbort")]),
    ("tune", "", "host port", [("rtl/nic_host.sv", "takes the command apart"), (TX + "send_pipe.sv", "SevTune")]),
    ("time", "receive", "receive pipeline", [(RX + "rx_pipe.sv", "the time of a step is that of its entry")]),
    ("time", "", "send pipeline", [(TX + "send_pipe.sv", "the time of a step is that of its entry")]),
    (
        "receive status",
        "",
        "mover",
        [
            (RX + "rx_mover.sv", "writes the receive status in the order of the verdicts"),
            (RX + "rcv_step.sv", "the verdict: ready, peer_closed, reset"),
            (RX + "rx_pipe.sv", "the verdict FIFO"),
        ],
    ),
    ("transmit status", "", "assembler", [(TX + "tx_assembler.sv", "writes the transmit status in the order of the descriptors")]),
    ("event", "", "event side of the host port", [("rtl/nic_events.sv", "reads both statuses and tells the host")]),
    ("consumed", "pointer to what the host has read", "reader", [(RX + "rx_reader.sv", "owns consumed")]),
    (
        "consumed",
        "",
        "store between reader and receive pipeline",
        [(RX + "rx_reader.sv", "writes consumed"), (PRIM + "ram_1r1w.sv", "the store, with its forwarding")],
    ),
]

# What the RTL's own comments leave unsaid.
WORDS = [
    ("step", "an event that a pipeline takes for a flow: reads its context, writes it anew, and is reported (retires); one a cycle"),
    ("dd_incoming", "the send pipeline's step for ACK information that the receive pipeline passes on"),
    ("dd_next", "the send pipeline's step for the scheduler's question what the flow sends next; nothing is a legal answer"),
    ("dd_timeout", "the send pipeline's step for a deadline that has passed"),
    ("sample", "the assembler takes a descriptor and reads, for the header, how far the receive side is; that clears the flow's ACK bit"),
    ("descriptor", "what the send pipeline gives the assembler: a frame to be made, or word for the host"),
    ("ACK bit", "an ACK is owed to the flow's peer; beside it a count of those that are owed at once"),
    ("mirror", "a small store by which one pipeline shows others what it has"),
    ("verdict", "what becomes of a frame in the frame FIFO: the range [lo, hi) of it goes into the ring, or it goes to the slow path, or nowhere"),
    ("una, nxt, max, tail", "send side: oldest not acknowledged, next to be sent, highest ever sent, end of what the host gave"),
    ("SevIncoming", "send pipeline: a step dd_incoming; DdAck, DdSack, DdReset, DdRelease say what for"),
    ("SevNext, SevTimeout", "send pipeline: a step dd_next, dd_timeout"),
    ("SevOpen, SevAbort, SevTune", "send pipeline: a flow begins; the host ends it; the host chooses options anew"),
    ("RevSegment", "receive pipeline: a segment; Rcv... says what became of it"),
    ("RevOpen, RevRelease", "receive pipeline: a flow begins, is let go of"),
]


def words() -> list[tuple[str, str]]:
    """Names and what they mean: ours, those of the RTL's enumerations that have a comment, and the modules."""
    found = list(WORDS)
    types = (ROOT / "rtl/nic_types.svh").read_text(encoding="ascii")
    found += re.findall(r"^ +((?:Rx|Rcv|Rev|Sev|Dd|Tx|Cmd|Cc)[A-Z]\w+) = \d+,? *// (.+)$", types, re.M)
    for folder in ("rtl/rx", "rtl/tx", "rtl/prim", "rtl"):
        for line in (ROOT / folder / "README.md").read_text(encoding="utf-8").splitlines():
            row = re.match(r"\| (`\w+\.sv`.*?) \| (.+?) \|$", line)
            if row:
                found.append((row[1].replace("`", ""), row[2].replace("`", "")))
    return found
