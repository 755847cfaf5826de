// SPDX-License-Identifier: Apache-2.0
// Send pipeline step: what the receive pipeline tells of a segment, a SACK block (DdSack) or its ACK (DdAck; RFC 9293 section
// 3.10.7.4, fifth), or that the peer has reset; combinational. The C twins are snd_sack() and snd_ack() in dpi/tcp/core.
//
//     ACK --> advance: RTT and RTO (rtt_estimate), scoreboard trimmed, in recovery: over, or the next hole ---> cc_o: what
//         \-> duplicate: counted; recovery begins with the third, or when the scoreboard shows a loss      --/ the window is
//     then in both cases: the peer's window, the timer                                                         to hear of it
`default_nettype none
`include "nic_types.svh"
module dd_incoming #(
    parameter int Cc = nic_pkg::CcNewreno
) (
    input  wire logic         en_i,        // there is an event; else the outputs mean nothing
    input  snd_ctx_t          ctx_i,
    input  dd_in_t            ev_i,
    input  wire logic [63:0]  now_us_i,
    output snd_ctx_t          ctx_o,       // without what congestion control makes of cc_o
    output cc_in_t            cc_o,
    output logic              wake_o       // something may be sent, or told to the host
);
  // --- what the ACK is ----------------------------------------------------------------------------------------------
  logic live, advance, duplicate, shut, all_acked;
  logic [31:0] una, flight;

  // --- scoreboard ---------------------------------------------------------------------------------------------------
  logic [127:0] starts, ends, ins_starts, ins_ends, cut_starts, cut_ends;
  logic [2:0] ins_n, cut_n;
  logic block_ok, fresh;
  logic [31:0] lost_edge;

  // --- RTT (RFC 6298 section 3, Karn; RFC 7323 section 4) -----------------------------------------------------------
  logic timed, echoed, measured;
  logic [31:0] since_sent, since_echo, rtt, srtt, rttvar, rto;

  always @* begin
    {live, advance, duplicate, all_acked, una, flight} = 'x;
    {starts, ends, block_ok} = 'x;
    {timed, echoed, measured, since_sent, since_echo, rtt} = 'x;
    if (en_i) begin
      live      = ctx_i.open && !ctx_i.gave_up;
      // Valid up to the highest ever sent, also when a timeout has pulled nxt back.
      advance   = nic_pkg::seq_lt(ctx_i.una, ev_i.ack) && nic_pkg::seq_leq(ev_i.ack, ctx_i.max);
      una       = advance ? ev_i.ack : ctx_i.una;
      all_acked = (una == ctx_i.max);
      flight    = ctx_i.max - ctx_i.una;
      // RFC 5681 section 2 for a flow without SACK; with it, news in the scoreboard, also by an ACK that was overtaken (RFC 6675
      // section 2). The refusals of probes all look alike, too, and tell of a closed window, not of loss.
      duplicate = nic_pkg::seq_leq(ev_i.ack, ctx_i.una) && ctx_i.una != ctx_i.max
                  && (ctx_i.sack_ok ? ctx_i.sack_new
                      : ev_i.ack == ctx_i.una && ev_i.no_data && ctx_i.wnd != '0 && !(ev_i.wnd_vld && ev_i.wnd != ctx_i.wnd));

      starts   = {ctx_i.sack3_start, ctx_i.sack2_start, ctx_i.sack1_start, ctx_i.sack0_start};
      ends     = {ctx_i.sack3_end, ctx_i.sack2_end, ctx_i.sack1_end, ctx_i.sack0_end};
      // A block below una is a D-SACK (RFC 2883), one beyond max a lie. Both ends are held against max: else a block gets through
      // that reaches half around the sequence space, from beyond max to behind una.
      block_ok = ev_i.kind == DdSack && ctx_i.open && ctx_i.sack_ok && nic_pkg::seq_lt(ev_i.ack, ev_i.sack_end)
                 && nic_pkg::seq_leq(ctx_i.una, ev_i.ack) && nic_pkg::seq_lt(ev_i.ack, ctx_i.max)
                 && nic_pkg::seq_leq(ev_i.sack_end, ctx_i.max);

      timed      = ctx_i.rtt_vld && nic_pkg::seq_leq(ctx_i.rtt_seq, ev_i.ack);
      // An echo is also right for what was sent twice: it tells which.
      echoed     = ev_i.ts_vld && !ctx_i.rtt_vld;
      measured   = advance && (timed || echoed);
      since_sent = now_us_i[31:0] - ctx_i.rtt_at_us[31:0];
      since_echo = nic_pkg::min32(now_us_i[41:10] - ev_i.tsecr, 32'(nic_pkg::RtoMaxUs >> 10));
      rtt        = timed ? nic_pkg::min32(since_sent, 32'(nic_pkg::RtoMaxUs)) : {since_echo[21:0], 10'd0};
    end
  end
  sack_insert u_insert (
      .en_i(block_ok), .start_i(starts), .end_i(ends), .n_i(ctx_i.sack_n), .from_i(ev_i.ack), .to_i(ev_i.sack_end),
      .start_o(ins_starts), .end_o(ins_ends), .n_o(ins_n), .fresh_o(fresh));
  sack_trim u_trim (
      .en_i(advance), .start_i(starts), .end_i(ends), .n_i(ctx_i.sack_n), .edge_i(ev_i.ack), .start_o(cut_starts),
      .end_o(cut_ends), .n_o(cut_n));
  sack_lost u_lost (
      .en_i(en_i), .start_i(starts), .end_i(ends), .n_i(ctx_i.sack_n), .mss_i(ctx_i.mss), .una_i(ctx_i.una),
      .edge_o(lost_edge));
  rtt_estimate u_rtt (
      .en_i(measured), .srtt_i(ctx_i.srtt_us), .rttvar_i(ctx_i.rttvar_us), .rtt_i(rtt), .srtt_o(srtt), .rttvar_o(rttvar),
      .rto_o(rto));

  // --- the step -----------------------------------------------------------------------------------------------------
  logic whole, over, past, lost, begins, again, opens;
  logic [3:0] dup_acks;
  logic [31:0] rto_now;
  logic [63:0] at_us;

  always @* begin
    {whole, over, past, lost, begins, again, dup_acks} = 'x;
    {opens, rto_now, at_us, shut} = 'x;
    ctx_o  = 'x;
    cc_o   = 'x;
    wake_o = 'x;
    if (en_i) begin
      // Loss.
      whole    = nic_pkg::seq_leq(ctx_i.recover, una);         // all that was out when recovery began
      // Reno's recovery ends with the first ACK that advances (RFC 5681 section 3.2 step 6).
      over     = whole || (Cc == nic_pkg::CcReno && !ctx_i.sack_ok);
      // An ACK that advances, with SACK news, counts, too (RFC 6675 section 2). It may be the only one to come, when those before
      // it were lost; in this it is like one that ends recovery and shows what was lost since that began.
      again    = advance && ctx_i.sack_new && cut_n != '0;
      dup_acks = advance ? {3'd0, again} : (ctx_i.dup_acks == '1) ? ctx_i.dup_acks : ctx_i.dup_acks + 4'd1;
      lost     = ctx_i.sack_ok && nic_pkg::seq_lt(una, lost_edge);   // the edge may lie below what was just acknowledged
      // Not again for what a timeout or an earlier recovery has taken care of. Without SACK, duplicate ACKs right at `recover`
      // may come from what was sent again in vain (RFC 6582 sections 3.2 step 2 and 4); news of SACK cannot (RFC 6675 section 5.1).
      past     = whole && (ctx_i.sack_ok || ctx_i.recover != ctx_i.una);
      begins   = (dup_acks >= 4'(nic_pkg::DupThresh) || lost) && past;

      // Without a measurement a backed-off RTO stays. When a closed window opens it does not: what backed off was the pace of
      // probes, which says nothing of the network.
      opens   = ctx_i.wnd == '0 && ev_i.wnd_vld && ev_i.wnd != '0 && ctx_i.backoff != '0;
      rto_now = ctx_i.rto_us;
      if (measured) rto_now = rto;
      else if (opens) rto_now = (ctx_i.srtt_us == '0) ? 32'(nic_pkg::RtoFirstUs) : nic_pkg::rto_of(ctx_i.srtt_us, ctx_i.rttvar_us);
      at_us = now_us_i + 64'(rto_now);

      ctx_o       = ctx_i;
      cc_o        = '0;
      cc_o.sack   = ctx_i.sack_ok;
      cc_o.acked  = ev_i.ack - ctx_i.una;
      cc_o.flight = flight;
      cc_o.tick   = now_us_i[41:10];
      wake_o      = 1'b0;
      shut        = (ctx_i.wnd == '0);
      if (ctx_i.open && ev_i.kind == DdReset) begin
        ctx_o.open    = 1'b0;
        ctx_o.rto_vld = 1'b0;
      end else if (block_ok) begin
        ctx_o.sack_n      = ins_n;
        ctx_o.sack0_start = ins_starts[31:0];
        ctx_o.sack0_end   = ins_ends[31:0];
        ctx_o.sack1_start = ins_starts[63:32];
        ctx_o.sack1_end   = ins_ends[63:32];
        ctx_o.sack2_start = ins_starts[95:64];
        ctx_o.sack2_end   = ins_ends[95:64];
        ctx_o.sack3_start = ins_starts[127:96];
        ctx_o.sack3_end   = ins_ends[127:96];
        if (fresh) ctx_o.sack_new = 1'b1;
      end else if (live && ev_i.kind == DdAck) begin
        wake_o         = 1'b1;
        ctx_o.sack_new = 1'b0;
        if (advance) begin
          ctx_o.una         = una;
          ctx_o.nxt         = nic_pkg::seq_max(ctx_i.nxt, una);
          ctx_o.sack_n      = cut_n;
          ctx_o.sack0_start = cut_starts[31:0];
          ctx_o.sack0_end   = cut_ends[31:0];
          ctx_o.sack1_start = cut_starts[63:32];
          ctx_o.sack1_end   = cut_ends[63:32];
          ctx_o.sack2_start = cut_starts[95:64];
          ctx_o.sack2_end   = cut_ends[95:64];
          ctx_o.sack3_start = cut_starts[127:96];
          ctx_o.sack3_end   = cut_ends[127:96];
          ctx_o.rto_us      = rto_now;
          ctx_o.rto_vld     = 1'b1;                      // RFC 6298 section 5.3: restart
          ctx_o.rto_at_us   = at_us;
          ctx_o.stuck_us    = now_us_i;
          if (timed) ctx_o.rtt_vld = 1'b0;
          if (timed || echoed || ctx_i.wnd != '0) ctx_o.backoff = '0;
          if (timed || echoed) begin
            ctx_o.srtt_us   = srtt;
            ctx_o.rttvar_us = rttvar;
          end
          if (!ctx_i.recovery || over) begin
            ctx_o.recovery  = 1'b0;
            ctx_o.rxt_first = 1'b0;
            ctx_o.dup_acks  = dup_acks;
            cc_o.kind       = CcAck;
            if (ctx_i.recovery) begin
              cc_o.kind   = CcExit;
              cc_o.flight = ctx_i.max - una;
            end
            // What lies behind una never holds back a later recovery; nor does one of Reno's.
            if (nic_pkg::seq_lt(ctx_i.recover, una) || (ctx_i.recovery && !whole)) ctx_o.recover = una - 32'd1;
          end else begin
            ctx_o.high_rxt = nic_pkg::seq_max(ctx_i.high_rxt, una);
            if (!ctx_i.sack_ok) begin
              ctx_o.rxt_first = 1'b1;                    // a partial ACK shows the next hole (RFC 6582 section 3.2 step 3)
              cc_o.kind       = CcPartial;
            end
          end
        end else if (duplicate) begin
          if (!ctx_i.recovery) ctx_o.dup_acks = dup_acks;
          else if (!ctx_i.sack_ok) cc_o.kind = CcDup;
        end
        if (begins && (advance ? again && (!ctx_i.recovery || over) : duplicate && !ctx_i.recovery)) begin
          ctx_o.recovery  = 1'b1;
          ctx_o.rxt_first = 1'b1;
          ctx_o.recover   = ctx_i.max;
          ctx_o.high_rxt  = una;
          ctx_o.rtt_vld   = 1'b0;                        // Karn
          cc_o.kind       = CcLoss;                      // with SACK, the window of a recovery that ends is ssthresh already
          cc_o.flight     = ctx_i.max - una;
        end
        if (ev_i.wnd_vld) begin
          if (opens) begin
            ctx_o.backoff = '0;
            ctx_o.rto_us  = rto_now;
            if (ctx_i.rto_vld) ctx_o.rto_at_us = at_us;
          end
          ctx_o.wnd = ev_i.wnd;
          if (ev_i.wnd > ctx_i.max_wnd) ctx_o.max_wnd = ev_i.wnd;
          if (ev_i.wnd != '0) ctx_o.probe = 1'b0;
          if (ev_i.wnd == '0) shut = 1'b1;
        end
        // How often the same segment went in vain (RFC 9293 section 3.8.3); answered probes are not in vain (section 3.8.6.1).
        if (advance || shut || all_acked) ctx_o.retries = '0;
        if (shut) ctx_o.stuck_us = now_us_i;
        // All acknowledged: section 5.2. With nothing out the timer is that of a probe, or of a piece that would make a silly window
        // (RFC 9293 section 3.8.6.2.1): an ACK that has no news does not put it off.
        if (all_acked && (advance || (ev_i.wnd_vld && ev_i.wnd != '0 && ev_i.wnd != ctx_i.wnd))) ctx_o.rto_vld = 1'b0;
      end
    end
  end
endmodule
`default_nettype wire
