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
    ("timer-not-cleared", "rtl/tx/dd_incoming.sv", "all_acked && (advance || ctx_o.wnd != '0)", "1'b0"),
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
