# SPDX-License-Identifier: Apache-2.0
"""The mutants that were made by hand, each a mistake somebody could make.

(name, file, what stands there, what the mutant has): what stands there must be in the file once. Only what stands between two @@ is
replaced, or all of it; what ends with a semicolon is statements, all else an expression.
"""
BY_HAND = [
    # Sequence numbers.
    ("wrap-compared-as-numbers", "rtl/nic_pkg.sv", "seq_lt = @@d[31]@@;", "a < b"),
    ("ack-beyond-max-taken", "rtl/rx/rcv_segment.sv", "nic_pkg::seq_lt(snd_i.max, seg_i.ack)", "1'b0"),
    # ACKs owed.
    ("ack-clear-wins-over-set", "rtl/tx/ack_bits.sv", "if (@@set_bit_i@@) bit_q[set_f] <= 1'b1;", "set_bit_i && !same"),
    ("ack-cleared-at-frame-end", "rtl/tx/tx_assembler.sv", "assign clr_valid_o = @@sample@@;", "a1_valid_q && a1_last_q && a1_frame"),
    ("duplicate-acks-merged", "rtl/tx/ack_bits.sv", "(set_now == '1) ? set_now : set_now + 2'd1", "2'd1"),
    ("reset-in-window-taken", "rtl/rx/rcv_segment.sv", "reset_o   = @@(seg_i.seq == ctx_i.nxt)@@;", "in_window"),
    # Stores and mirrors.
    ("send-context-not-forwarded", "rtl/prim/ram_1r1w.sv", "we_i && (waddr_i == raddr_i)",
     "we_i && (waddr_i == raddr_i) && W != nic_pkg::SndCtxW"),
    ("mirror-not-written-on-send", "rtl/tx/send_pipe.sv", "assign mirror_we_o   = @@ctx_we@@;", "ctx_we && !e_next"),
    # Windows, and the host's space.
    ("window-scale-off-by-one", "rtl/rx/rcv_segment.sv", "32'(seg_i.wnd) << @@ctx_i.snd_wscale@@;", "(ctx_i.snd_wscale + 4'd1)"),
    ("space-freed-when-sent", "rtl/tx/dd_next.sv", "desc_o.una       = @@ctx_i.una@@;", "ctx_i.nxt"),
    ("refused-segment-written", "rtl/rx/rcv_segment.sv", "hi_o = '0;", "hi_o = (seg_i.pay_len == '0) ? '0 : 14'(seg_i.pay_off) + seg_i.pay_len;"),
    # Rings.
    ("ring-line-off-by-one", "rtl/prim/ring_addr.sv", "line + @@LineW'(line[0])@@", "LineW'(!line[0])"),
    ("payload-of-the-last-flow", "rtl/tx/tx_assembler.sv", ".flow_i(@@desc_i.flow@@), .seq_i(a0_at)", "a1_q.flow"),
    ("tail-past-the-bytes", "rtl/tx/tx_writer.sv", "{1'b0, at + @@32'(w1_nbytes_q)@@}", "32'(DataW / 8)"),
    # FIN.
    ("fin-counted-as-a-byte", "rtl/rx/rcv_step.sv", "ctx_o.nxt - @@32'(ctx_o.fin_done)@@", "32'd0"),
    ("fin-acked-before-it-was-sent", "rtl/tx/dd_next.sv", "fin_i && ctx_i.una == @@tail_i@@;", "data_end"),
    # Timers.
    ("rto-not-backed-off", "rtl/tx/dd_timeout.sv", "ctx_o.rto_us    = doubled;", ";"),
    ("timer-not-cleared", "rtl/tx/dd_incoming.sv", "all_acked && (advance || (ev_i.wnd_vld && ev_i.wnd != '0 && ev_i.wnd != ctx_i.wnd))", "1'b0"),
    ("probe-never-sent", "rtl/tx/cut_new.sv", "@@ctx_i.probe@@ && ctx_i.nxt == ctx_i.una", "1'b0"),
    # Frames, events.
    ("odd-byte-not-summed", "rtl/rx/rx_parser.sv", ".hi_i(@@sum_hi@@)", "{sum_hi[LgB:1], 1'b0}"),
    ("checksum-carry-lost", "rtl/rx/rx_parser.sv", "{24'd0, @@nic_pkg::csum_fold(s2_sum_q)@@};",
     "16'(s2_sum_q[15:0] + s2_sum_q[31:16] + 16'(s2_sum_q[39:32]))"),
    ("psh-missing", "rtl/tx/tx_header.sv", "flags[nic_pkg::FlagPsh] = @@(desc_i.kind == TxData) && desc_i.psh@@;", "1'b0"),
    ("verdict-of-the-next-frame", "rtl/rx/rx_pipe.sv", ".data_i(@@verdict@@)",
     "{verdict.kind, verdict.flow, l1_desc_q.beats, verdict[142:0]}"),
    ("fin-not-told", "rtl/rx/rcv_segment.sv", "tell_o    = @@taken@@ || reset_o;", "(taken && lo_o != hi_o)"),
    ("released-with-the-receive-side", "rtl/nic_events.sv", "event_o.tx_released = @@tx.tx_released@@;", "rx.rx_released"),
    # What comes out of order, and twice.
    ("interval-cut-where-the-new-ends", "rtl/rx/rx_intervals.sv", "@@(right != '0) ? right_end : stop_i@@}", "stop_i"),
    ("interval-held-twice", "rtl/rx/rx_intervals.sv", "!(join_i ? reach[i] : @@touch[i]@@)", "covers[i]"),
    ("interval-not-reached", "rtl/rx/rx_intervals.sv", "edge_o = @@(ahead != '0) ? ahead_end : stop_i@@;", "stop_i"),
    ("latest-interval-not-first", "rtl/rx/rx_intervals.sv", "list_o = @@{kept[191:0], merged}@@;",
     "(kept_n == 3'd1) ? {kept[255:128], merged, kept[63:0]} : {kept[191:0], merged}"),
    ("fin-out-of-order-taken", "rtl/rx/rcv_segment.sv", "if (text && fin_fits) begin\n        @@ctx_o.fin_vld = 1'b1;@@", "ctx_o.fin_done = 1'b1;"),
    ("dsack-not-noted", "rtl/rx/rcv_segment.sv", "dup_o.vld   = @@1'b1@@;", "1'b0"),
    ("dsack-told-twice", "rtl/tx/dsack_box.sv", "if (@@take_i@@) vld_q[take_f] <= 1'b0;", "1'b0"),
    # Windows, as they are told.
    ("window-edge-goes-back", "rtl/tx/rcv_sample.sv", "keep  = @@known + unit@@;", "(known == '0 ? known : known - 32'd1)"),
    ("window-byte-by-byte", "rtl/tx/rcv_sample.sv", "hold  = @@nic_pkg::seq_lt(wide - known, least)@@;", "1'b0"),
    # Time stamps, options.
    ("tsecr-stale", "rtl/rx/rcv_step.sv", "mirror_o.ts_recent  = @@ctx_o.ts_recent@@;", "ctx_i.ts_recent"),
    ("time-stamp-learnt-behind-a-gap", "rtl/rx/rcv_segment.sv", "@@!nic_pkg::seq_lt(sent_i.ack, seg_i.seq)@@;", "1'b1"),
    ("paws-off", "rtl/rx/rcv_segment.sv", "ts_old     = @@ctx_i.ts_ok@@ &&", "1'b0"),
    ("missing-time-stamp-taken", "rtl/rx/rcv_segment.sv", "ts_missing = @@ctx_i.ts_ok@@ &&", "1'b0"),
    ("options-overtake", "rtl/rx/tcp_options.sv", "in_valid_i && usual && @@!walking@@;", "1'b1"),
    ("header-too-short-for-the-time-stamp", "rtl/tx/tx_header.sv", "sack_len + (@@ts_i@@ ? 7'd12 : 7'd0)", "1'b0"),
    ("blocks-beside-payload", "rtl/tx/rcv_sample.sv", "!(@@bare_i@@ && rcv_i.sack_ok)", "1'b1"),
    # ACKs delayed.
    ("delayed-ack-never-sent", "rtl/rx/rcv_timeout.sv", "ack_o = @@due@@ &&", "1'b0"),
    ("delayed-ack-not-cleared", "rtl/rx/rcv_timeout.sv", "if (due) @@ctx_o.delack_vld = 1'b0;@@", ";"),
    ("delayed-ack-put-off", "rtl/rx/rcv_segment.sv", "(@@!ctx_i.delack_vld || sent_i.ack == ctx_i.nxt@@)", "1'b1"),
    # Loss, and what is known of it.
    ("sack-block-dropped", "rtl/tx/dd_blocks.sv", "(sent_q != @@segment_i.n_sack@@);", "(segment_i.n_sack - 3'(segment_i.n_sack > 3'd1))"),
    ("sack-blocks-backwards", "rtl/tx/dd_blocks.sv", "case (@@sent_q[1:0]@@)", "2'(segment_i.n_sack - 3'd1 - sent_q)"),
    ("scoreboard-cut-at-the-block", "rtl/tx/sack_insert.sv", "if (@@high[i]@@) to =", "1'b0"),
    ("scoreboard-not-trimmed", "rtl/tx/dd_incoming.sv", "ctx_o.sack_n      = @@cut_n@@;", "ctx_i.sack_n"),
    ("scoreboard-outlives-timeout", "rtl/tx/dd_timeout.sv", "ctx_o.sack_n      = '0;", ";"),
    ("lost-behind-two-ranges", "rtl/tx/sack_lost.sv", "is_edge[0] = (n_i > @@3'd2@@)", "3'd1"),
    ("pipe-counts-what-was-sacked", "rtl/tx/sack_holes.sv", "range - @@sum@@ : '0;", "32'd0"),
    ("duplicates-counted-to-two", "rtl/tx/dd_incoming.sv", "dup_acks >= 4'(@@nic_pkg::DupThresh@@)", "nic_pkg::DupThresh - 1"),
    ("recovery-point-not-set", "rtl/tx/dd_incoming.sv", "ctx_o.recover   = ctx_i.max;", ";"),
    ("high-rxt-stands", "rtl/tx/dd_next.sv", "ctx_o.high_rxt  = nic_pkg::seq_max(ctx_i.high_rxt, after);", ";"),
    ("rescued-again-and-again", "rtl/tx/dd_next.sv", "ctx_o.rescue_rxt = @@ctx_i.recover@@;", "ctx_i.rescue_rxt"),
    ("limited-transmit-missing", "rtl/tx/cut_new.sv", "ctx_i.cwnd + @@spread@@;", "32'd0"),
    # The congestion window.
    ("window-not-halved", "rtl/tx/cc_newreno.sv", "lost_half = nic_pkg::max32(@@{1'b0, out[31:1]}@@,", "out"),
    ("threshold-below-two-segments", "rtl/tx/cc_newreno.sv", "half      = nic_pkg::max32({1'b0, ev_i.flight[31:1]}, @@{15'd0, mss_i, 1'b0}@@);", "32'd0"),
    ("window-grows-in-recovery", "rtl/tx/dd_incoming.sv", "cc_o.kind       = @@CcPartial@@;", "CcAck"),
    ("no-restart-after-idle", "rtl/tx/dd_next.sv", "if (@@idle@@) cc_o.kind = CcIdle;", "1'b0"),
    # Round trips.
    ("karn-ignored", "rtl/tx/dd_next.sv", "if (@@rexmit@@) begin", "1'b0"),
    ("rttvar-shifted-by-three", "rtl/tx/rtt_estimate.sv", "@@{2'd0, rttvar_i[31:2]}@@;", "{3'd0, rttvar_i[31:3]}"),
    ("rto-without-floor", "rtl/nic_pkg.sv", "min32(@@max32(rto, 32'(RtoInitUs))@@,", "rto"),
    ("probes-not-backed-off", "rtl/tx/dd_timeout.sv", "ctx_o.rto_us    = @@doubled@@;", "(ctx_i.wnd == '0) ? ctx_i.rto_us : doubled"),
    # What the program chose.
    ("nagle-ignored", "rtl/tx/cut_new.sv", "((@@ctx_i.nagle_off@@ ||", "1'b1"),
    ("user-timeout-ignored", "rtl/tx/send_pipe.sv",
     "cmd_i.nagle_off;\n        @@ctx_step.user_timeout_ms = cmd_i.user_timeout_ms;@@\n        if (cmd_i.mss", ";"),
    ("tokens-not-spent", "rtl/tx/dd_next.sv", "ctx_o.tokens    = @@tokens - len - 32'(fin)@@;", "tokens"),
    ("choice-not-applied", "rtl/tx/send_pipe.sv", "ctx_step.nagle_off       = cmd_i.nagle_off;", ";"),
    # Counters, and rest.
    ("odd-byte-not-counted", "rtl/nic_counters.sv", "rx_bytes_q + 64'(@@rcv_bytes_i@@);", "(rcv_bytes_i & 14'h3ffe)"),
    ("asleep-with-a-flow-ready", "rtl/tx/send_pipe.sv", "e_kind_q == SevNone && @@!ready_valid@@ &&", "1'b1"),
]

# Two things too near to one another: nic_hazards has to find these, the seeds need not.
HAZARDS = [
    # Stores and mailboxes that are read in the cycle in which they are written.
    ("receive-context-not-forwarded", "rtl/prim/ram_1r1w.sv", "we_i && (waddr_i == raddr_i)",
     "we_i && (waddr_i == raddr_i) && W != nic_pkg::RcvCtxW"),
    ("tail-not-forwarded", "rtl/prim/ram_1r1w.sv", "we_i && (waddr_i == raddr_i)", "we_i && (waddr_i == raddr_i) && W != 33"),
    ("consumed-not-forwarded", "rtl/prim/ram_1r1w.sv", "we_i && (waddr_i == raddr_i)", "we_i && (waddr_i == raddr_i) && W != 32"),
    ("ack-at-once-set-past-a-clear", "rtl/tx/ack_bits.sv", "set_now   = @@same@@ ?", "1'b0"),
    ("acks-owed-outlive-the-flow", "rtl/tx/ack_bits.sv", "if (@@set_init_i@@) begin", "1'b0"),
    ("dsack-taken-as-it-is-put", "rtl/tx/dsack_box.sv", "else if (@@put_i.vld@@) vld_q", "put_i.vld && !(take_i && take_f == put_f)"),
    ("close-inside-a-packet", "rtl/tx/tx_writer.sv", "ctl_ready_o = @@!in_packet_q@@;", "1'b1"),
    ("release-before-the-frames", "rtl/tx/tx_assembler.sv", "assign drained    = @@!a1_valid_q && !a2_end_q && merge_idle@@;", "1'b1"),
    ("shorter-path-leaves-what-is-out", "rtl/tx/send_pipe.sv", "if (@@!ctx.recovery@@) ctx_step.nxt = ctx.una;", "1'b0"),
    # Whose turn it is.
    ("flow-with-more-forgotten", "rtl/tx/send_pipe.sv", "wake     = @@more_nx && !(next_ready && !ready_valid)@@;", "more_nx && !next_ready"),
    ("round-robin-stuck", "rtl/prim/ready_set.sv", "assign use_ahead = @@(ahead != '0)@@;", "1'b0"),
    # Timers.
    ("retransmission-not-rechecked", "rtl/tx/dd_timeout.sv", "now_us_i >= ctx_i.rto_at_us", "1'b1"),
    ("delayed-ack-not-rechecked", "rtl/rx/rcv_timeout.sv", "now_us_i >= ctx_i.delack_us", "1'b1"),
    ("deadline-of-the-walk-missed", "rtl/prim/timers.sv", "if (@@in_vld && wr_group == group_q@@ && (!group_vld_next", "1'b0"),
    ("due-timer-not-held", "rtl/prim/timers.sv", "assign hold         = @@due && !fire_ready_i@@;", "1'b0"),
    ("time-of-the-step-not-of-the-entry", "rtl/tx/send_pipe.sv", ".ctx_i(ctx), .now_us_i(@@e_now_q@@), .ctx_o(ctx_to)", "now_us_i"),
]

# In the transport core. It is the checker's model and host 1's engine as well, so these run as the reference against itself, and
# only the wire monitor counts, which has no line in common with them.
IN_CORE = [
    # What is sent.
    ("window-ignored", "dpi/tcp/core/snd.c", "room = @@min_u32((uint32_t)seq_diff(edge, k.seq), cwnd - pipe)@@;", "cwnd - pipe"),
    ("probe-of-two-bytes", "dpi/tcp/core/snd.c", "if (k.probe) room = @@1@@;", "2"),
    ("fin-counted-unsent", "dpi/tcp/core/snd.c", "after = seq_add(k->seq, @@k->len + k->fin@@);", "k->len + v->fin"),
    ("fin-before-the-last-byte", "dpi/tcp/core/snd.c", "k.fin = @@fin_pending && k.len == avail && k.len < room@@;", "fin_pending && k.len < room"),
    ("segment-one-byte-too-long", "dpi/tcp/core/snd.c", "min_u32(min_u32(avail, @@c->mss@@), room)", "c->mss + 1u"),
    # What is heard and said.
    ("core-scale-off-by-one", "dpi/tcp/core/rcv.c", ".wnd = (uint32_t)s->wnd << @@c->snd_wscale@@}", "(c->snd_wscale + 1)"),
    ("half-the-ring-after-a-read", "dpi/tcp/core/rcv.c", "c->wnd_end = seq_add(consumed, @@caps->rx_ring_bytes@@);",
     "caps->rx_ring_bytes / 2"),
]
