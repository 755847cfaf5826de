// SPDX-License-Identifier: Apache-2.0
// Send pipeline step: the scheduler asks a flow for its next segment; combinational. The C twin is snd_next() in
// dpi/tcp/core.
//
//     scoreboard -> sack_pipe --+--> cut_new    from SND.NXT on --------+--> the segment, or the pure ACK that is owed, or news
//                               +--> cut_repair what recovery repeats --+    for the host without a frame, or nothing
//
//   Data waits for tokens where the flow is paced (pacer).
//   A spurious dd_next is legal and changes nothing. `more_o` is never wrongly 0.
`default_nettype none
`include "nic_types.svh"
module dd_next (
    input  wire logic         en_i,          // the flow is asked; else the outputs mean nothing
    input  snd_ctx_t          ctx_i,
    input  wire logic [31:0]  tail_i,        // end of what the host enqueued; with fin_i one phantom byte behind the data
    input  wire logic         fin_i,
    input  wire logic         ack_owed_i,
    input  wire logic [1:0]   ack_now_i,     // immediate ACKs owed: only pure ACKs pay them
    input  wire logic [63:0]  now_us_i,
    output snd_ctx_t          ctx_o,         // without what congestion control makes of cc_o
    output cc_in_t            cc_o,
    output logic              emit_o,
    output tx_desc_t          desc_o,        // its flow is filled in by the pipeline
    output logic              more_o,        // another dd_next may send again
    output logic [31:0]       idle_seq_o     // where a segment without data stands
);
  // --- the segment --------------------------------------------------------------------------------------------------
  logic [127:0] starts, ends;
  logic [31:0] pipe, lost_edge, new_seq, new_len, rep_seq, rep_len, seq, len, after, data_end;
  logic new_fin, new_rexmit, new_more, new_sends, probe, blocked, rep_use, rep_hold, rep_fin, rep_rescue, fin, rexmit, rescue, idle;
  logic live, wants, paced, send;
  logic [31:0] tokens;

  always @* begin
    {starts, ends} = 'x;
    if (en_i) begin
      starts = {ctx_i.sack3_start, ctx_i.sack2_start, ctx_i.sack1_start, ctx_i.sack0_start};
      ends   = {ctx_i.sack3_end, ctx_i.sack2_end, ctx_i.sack1_end, ctx_i.sack0_end};
    end
  end
  sack_pipe u_pipe (.en_i(en_i), .ctx_i(ctx_i), .starts_i(starts), .ends_i(ends), .pipe_o(pipe), .lost_edge_o(lost_edge));
  cut_new u_new (
      .en_i(en_i), .ctx_i(ctx_i), .starts_i(starts), .ends_i(ends), .tail_i(tail_i), .fin_i(fin_i), .pipe_i(pipe),
      .seq_o(new_seq), .len_o(new_len), .fin_o(new_fin), .rexmit_o(new_rexmit), .probe_o(probe), .more_o(new_more),
      .blocked_o(blocked));
  assign new_sends = new_len != '0 || new_fin;
  cut_repair u_repair (
      .en_i(en_i && ctx_i.recovery), .ctx_i(ctx_i), .starts_i(starts), .ends_i(ends), .tail_i(tail_i), .fin_i(fin_i),
      .pipe_i(pipe), .lost_edge_i(lost_edge), .new_i(new_sends), .use_o(rep_use), .hold_o(rep_hold), .seq_o(rep_seq),
      .len_o(rep_len), .fin_o(rep_fin), .rescue_o(rep_rescue));
  pacer u_pacer (
      .rate_i(ctx_i.pace_rate), .burst_i(ctx_i.pace_burst), .tokens_i(ctx_i.tokens), .tick_i(ctx_i.pace_tick),
      .now_tick_i(now_us_i[41:10]), .tokens_o(tokens), .open_o(paced));

  // --- the step -----------------------------------------------------------------------------------------------------
  logic [31:0] idle_seq, wnd_edge;
  logic fin_acked, news;

  always @* begin
    {live, seq, len, fin, rexmit, rescue, wants, send, after, data_end, idle} = 'x;
    {idle_seq, wnd_edge, fin_acked, news} = 'x;
    {emit_o, more_o} = 'x;
    ctx_o  = 'x;
    cc_o   = 'x;
    desc_o = 'x;
    if (en_i) begin
      live     = ctx_i.open && !ctx_i.gave_up;
      seq      = rep_use ? rep_seq : new_seq;
      len      = rep_use ? rep_len : new_len;
      fin      = rep_use ? rep_fin : new_fin;
      rexmit   = rep_use || new_rexmit;
      rescue   = rep_use && rep_rescue;
      wants    = live && (rep_use ? rep_len != '0 || rep_fin : new_sends && !rep_hold);
      send     = wants && paced;
      after    = seq + len + 32'(fin);
      data_end = tail_i - 32'(fin_i);
      // RFC 5681 section 4.1: after an idle RTO the window starts anew.
      idle     = ctx_i.una == ctx_i.max && ctx_i.sent_us != '0 && now_us_i - ctx_i.sent_us > 64'(ctx_i.rto_us);

      // News, and where a segment without data stands: at the highest sent, but inside the peer's window, or it would be
      // refused there.
      wnd_edge  = ctx_i.una + ctx_i.wnd;
      idle_seq  = nic_pkg::seq_lt(wnd_edge, ctx_i.max) ? wnd_edge : ctx_i.max;
      fin_acked = fin_i && ctx_i.una == tail_i;
      news      = ctx_i.open && (ctx_i.una != ctx_i.told || ((fin_acked || ctx_i.gave_up) && !ctx_i.told_flags));

      ctx_o       = ctx_i;
      cc_o        = '0;
      desc_o      = '0;
      emit_o      = 1'b0;
      more_o      = 1'b0;
      desc_o.kind = TxFree;
      desc_o.seq  = idle_seq;
      if (wants && !paced && !ctx_i.pace_wait) begin       // at the next tick the bucket is asked again
        ctx_o.pace_wait  = 1'b1;
        ctx_o.pace_at_us = {now_us_i[63:10] + 54'd1, 10'd0};
        ctx_o.tokens     = tokens;                         // though nothing leaves: a debt may take longer than a second
        ctx_o.pace_tick  = now_us_i[41:10];
      end
      if (send) begin
        emit_o        = 1'b1;
        desc_o.kind   = TxData;
        desc_o.seq    = seq;
        desc_o.len    = len[13:0];
        desc_o.fin    = fin;
        desc_o.psh    = (len != '0) && seq + len == data_end;
        ctx_o.probe   = 1'b0;
        ctx_o.sent_us = now_us_i;
        if (idle) cc_o.kind = CcIdle;
        if (ctx_i.pace_rate != '0) begin
          ctx_o.tokens    = tokens - len - 32'(fin);
          ctx_o.pace_tick = now_us_i[41:10];
        end
        if (ctx_i.una == ctx_i.max) ctx_o.stuck_us = now_us_i;
        if (rescue) begin
          ctx_o.rescue_rxt = ctx_i.recover;
        end else if (rep_use) begin
          if (ctx_i.rxt_first) ctx_o.rescue_rxt = after;   // no rescue before an ACK has passed it
          ctx_o.rxt_first = 1'b0;
          ctx_o.high_rxt  = nic_pkg::seq_max(ctx_i.high_rxt, after);
        end else begin
          // A probe leaves nxt where it is: when the window opens without taking it, all is sent from una on.
          if (!probe) ctx_o.nxt = after;
          ctx_o.max = nic_pkg::seq_max(ctx_i.max, after);
        end
        if (rexmit) begin
          ctx_o.rtt_vld = 1'b0;                            // Karn
        end else if (!ctx_i.rtt_vld) begin
          ctx_o.rtt_vld   = 1'b1;
          ctx_o.rtt_seq   = after;
          ctx_o.rtt_at_us = now_us_i;
        end
        more_o = rep_use || new_more || (ctx_i.recovery && ctx_i.sack_ok) || ack_now_i != '0;
      end else if (live && ack_owed_i) begin
        emit_o      = 1'b1;
        desc_o.kind = TxAck;
        more_o      = ack_now_i[1];
      end else begin
        emit_o = news;
      end
      // RFC 6298 section 5.1; what is blocked with nothing out starts the probe timer.
      if (!ctx_i.rto_vld && (send || (live && blocked && ctx_i.una == ctx_i.max))) begin
        ctx_o.rto_vld   = 1'b1;
        ctx_o.rto_at_us = now_us_i + 64'(ctx_i.rto_us);
      end
      desc_o.una       = ctx_i.una;
      desc_o.tell      = news;
      desc_o.fin_acked = fin_acked;
      desc_o.timed_out = ctx_i.gave_up;
      if (emit_o) begin
        ctx_o.told       = ctx_i.una;
        ctx_o.told_flags = fin_acked || ctx_i.gave_up;
      end
    end
  end
  assign idle_seq_o = idle_seq;
endmodule
`default_nettype wire
