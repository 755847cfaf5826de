// SPDX-License-Identifier: Apache-2.0
// The send pipeline: owns the send half of every flow (snd_ctx_t).
//
//     dd_incoming (ACK information) --+
//     dd_timeout  (timers) -----------+->[D: choose, read context, tail]->[E: step, write back]-> descriptor FIFO
//     dd_next     (scheduler) --------+                                      |                 -> send mirror, timers
//     open, abort, tune (host) -------+                                      +-> wake-up / re-queue
//
// In E a step says what the congestion window is to hear of it (cc_in_t); cc_*, chosen by Cc, then has the last word on cwnd.
// One event a cycle, back to back, also for the same flow (the context store forwards). ACK processing never waits for
// transmit: only what emits a descriptor (dd_next, open, abort, a release token) needs room in its FIFO.
// When dd_incoming and dd_next both wait they alternate. Before a release token its flow is asked once more, for the ACK that it may owe.
`default_nettype none
`include "nic_types.svh"
module send_pipe #(
    parameter int NumFlows = 64,
    parameter int Cc = nic_pkg::CcNewreno,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic           clk_i,
    input  wire logic           rst_ni,
    input  wire logic [63:0]    now_us_i,
    output logic                busy_o,           // after reset: stores are being swept, no command yet
    output logic                idle_o,
    // From the receive pipeline.
    input  wire logic           dd_valid_i,
    output logic                dd_ready_o,
    input  dd_in_t              dd_i,
    // Host: open, abort or tune; cmd_i holds still until cmd_done_o.
    input  wire logic           cmd_valid_i,
    output logic                cmd_ready_o,
    input  host_cmd_t           cmd_i,
    output logic                cmd_done_o,
    // Wake-ups from elsewhere: payload written, ACK owed.
    input  wire logic           write_wake_i,
    input  wire logic [11:0]    write_flow_i,
    input  wire logic           ack_wake_i,
    input  wire logic [11:0]    ack_flow_i,
    // Host-owned tail: address in D, data in E.
    output logic                tail_en_o,
    output logic [LgN-1:0]      tail_flow_o,
    input  wire logic [31:0]    tail_i,
    input  wire logic           fin_i,
    // ACK bitvector, in E.
    output logic [11:0]         owed_flow_o,
    input  wire logic           owed_i,
    input  wire logic [1:0]     owed_now_i,
    // Send mirror write port.
    output logic                mirror_we_o,
    output logic [LgN-1:0]      mirror_flow_o,
    output snd_mirror_t         mirror_o,
    // Descriptors to the assembler.
    output logic                desc_valid_o,
    input  wire logic           desc_ready_i,
    output tx_desc_t            desc_o,
    // When a timer is due next.
    output logic                timer_valid_o,
    output logic [63:0]         timer_us_o,
    // Statistics, in E.
    output logic                stat_timeout_o,   // a retransmission or probe timer ran out
    output logic                stat_rexmit_o     // a segment leaves that begins below the highest sent
);
  localparam int LgFifo = 4;

  // --- D: choose ----------------------------------------------------------------------------------------------------
  logic next_valid, next_ready, fire_valid, fire_ready, timers_idle;
  logic [11:0] next_flow, fire_flow, ready_flow;
  logic ready_valid, room, dd_release, dd_can, prefer_next_q, ask, asked_q;
  logic [LgFifo:0] desc_count;
  logic [2:0] d_kind;
  logic [11:0] d_flow;

  assign room       = (desc_count < (LgFifo + 1)'((1 << LgFifo) - 2));   // one in E, one chosen now
  assign dd_release = (dd_i.kind == DdRelease);
  assign dd_can     = dd_valid_i && (room || !dd_release);

  always @* begin
    d_kind = SevNone;
    d_flow = dd_i.flow;
    ask    = 1'b0;
    if (cmd_valid_i && room) begin
      d_kind = (cmd_i.kind == CmdOpen) ? SevOpen : (cmd_i.kind == CmdTune) ? SevTune : SevAbort;
      d_flow = cmd_i.flow;
    end else if (dd_can && !(prefer_next_q && next_valid && room)) begin
      ask    = dd_release && !asked_q;
      d_kind = ask ? SevNext : SevIncoming;
    end else if (fire_valid) begin
      d_kind = SevTimeout;
      d_flow = fire_flow;
    end else if (next_valid && room) begin
      d_kind = SevNext;
      d_flow = next_flow;
    end
  end
  assign cmd_ready_o = room;
  assign dd_ready_o  = (d_kind == SevIncoming);
  assign fire_ready  = (d_kind == SevTimeout);
  assign next_ready  = (d_kind == SevNext) && !ask;
  assign tail_en_o   = (d_kind != SevNone);
  assign tail_flow_o = d_flow[LgN-1:0];

  // --- E: step ------------------------------------------------------------------------------------------------------
  logic [2:0] e_kind_q;
  logic [11:0] e_flow_q;
  logic [63:0] e_now_q;
  dd_in_t e_dd_q;
  snd_ctx_t ctx, ctx_in, ctx_to, ctx_nx, ctx_step, ctx_next;
  cc_in_t cc_in, cc_to, cc_nx, cc;
  cc_own_t own, own_next;
  logic [31:0] cwnd, ssthresh;
  logic [nic_pkg::SndCtxW-1:0] ctx_bits;
  logic expired, wake_in, wake_to, emit_nx, more_nx, wake, emit, ctx_we, e_next;
  tx_desc_t desc_nx, desc;
  logic [31:0] idle_seq;

  assign ctx = ctx_bits;
  ram_1r1w #(.W(nic_pkg::SndCtxW), .Depth(NumFlows)) u_ctx (
      .clk_i(clk_i), .we_i(ctx_we), .waddr_i(e_flow_q[LgN-1:0]), .wdata_i(ctx_next),
      .re_i(tail_en_o), .raddr_i(d_flow[LgN-1:0]), .rdata_o(ctx_bits));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      e_kind_q <= SevNone;
      prefer_next_q <= 1'b0;
      asked_q <= 1'b0;
    end else begin
      e_kind_q <= d_kind;
      prefer_next_q <= (d_kind == SevIncoming);
      if (ask || dd_ready_o) asked_q <= ask;
    end
    if (d_kind != SevNone) begin
      e_flow_q <= d_flow;
      e_now_q <= now_us_i;
    end
    if (d_kind == SevIncoming) e_dd_q <= dd_i;
  end

  dd_incoming #(.Cc(Cc)) u_incoming (
      .en_i(e_kind_q == SevIncoming), .ctx_i(ctx), .ev_i(e_dd_q), .now_us_i(e_now_q), .ctx_o(ctx_in), .cc_o(cc_in),
      .wake_o(wake_in));
  dd_timeout u_timeout (
      .en_i(e_kind_q == SevTimeout), .ctx_i(ctx), .now_us_i(e_now_q), .ctx_o(ctx_to), .cc_o(cc_to), .expired_o(expired),
      .wake_o(wake_to));
  dd_next u_next (
      .en_i(e_next || e_kind_q == SevAbort), .ctx_i(ctx), .tail_i(tail_i), .fin_i(fin_i), .ack_owed_i(owed_i),
      .ack_now_i(owed_now_i), .now_us_i(e_now_q), .ctx_o(ctx_nx), .cc_o(cc_nx), .emit_o(emit_nx), .desc_o(desc_nx),
      .more_o(more_nx), .idle_seq_o(idle_seq));

  logic [63:0] tune_at_us;
  assign e_next      = (e_kind_q == SevNext);
  assign owed_flow_o = e_flow_q;
  assign cmd_done_o  = (e_kind_q == SevOpen || e_kind_q == SevAbort || e_kind_q == SevTune);

  always @* begin
    ctx_step = ctx;
    ctx_we   = (e_kind_q != SevNone);
    wake     = 1'b0;
    emit     = 1'b0;
    desc     = '0;
    cc       = '0;
    tune_at_us = 'x;
    case (e_kind_q)
      SevIncoming: begin
        ctx_step = ctx_in;
        wake     = wake_in;
        cc       = cc_in;
        if (e_dd_q.kind == DdRelease) begin
          ctx_step.open    = 1'b0;
          ctx_step.rto_vld = 1'b0;
          desc.kind = TxRelease;
          emit      = 1'b1;
        end
      end
      SevTimeout: begin
        ctx_step = ctx_to;
        wake     = wake_to;
        cc       = cc_to;
      end
      SevNext: begin
        ctx_step = ctx_nx;
        wake     = more_nx && !(next_ready && !ready_valid);
        emit     = emit_nx;
        desc     = desc_nx;
        cc       = cc_nx;
      end
      SevOpen: begin
        ctx_step           = '0;
        ctx_step.open      = 1'b1;
        ctx_step.una       = cmd_i.snd_nxt;
        ctx_step.nxt       = cmd_i.snd_nxt;
        ctx_step.max       = cmd_i.snd_nxt;
        ctx_step.told      = cmd_i.snd_nxt;
        ctx_step.wnd       = cmd_i.snd_wnd;
        ctx_step.max_wnd   = cmd_i.snd_wnd;
        ctx_step.mss       = cmd_i.mss;
        ctx_step.recover   = cmd_i.snd_nxt - 32'd1;
        ctx_step.rto_us    = cmd_i.syn_again ? 32'(nic_pkg::RtoSlowUs) : 32'(nic_pkg::RtoFirstUs);
        cc.kind            = CcOpen;
        ctx_step.nagle_off = cmd_i.nagle_off;
        ctx_step.ts_ok     = cmd_i.ts_ok;
        ctx_step.sack_ok   = cmd_i.sack_ok;
        ctx_step.user_timeout_ms = cmd_i.user_timeout_ms;
        ctx_step.pace_rate  = cmd_i.pace_rate;
        ctx_step.pace_burst = nic_pkg::min32(cmd_i.pace_burst, 32'(nic_pkg::CwndMax));
        desc.kind = TxOpen;
        desc.seq  = cmd_i.rcv_nxt;
        desc.una  = cmd_i.snd_nxt;
        emit      = 1'b1;
      end
      SevTune: begin                                   // the C twin is snd_tune()
        ctx_step.nagle_off       = cmd_i.nagle_off;
        ctx_step.user_timeout_ms = cmd_i.user_timeout_ms;
        if (cmd_i.mss != '0 && cmd_i.mss < ctx.mss) begin   // the path has dropped what is out (RFC 1191 section 6.5)
          ctx_step.mss = cmd_i.mss;
          if (!ctx.recovery) ctx_step.nxt = ctx.una;
        end
        ctx_step.pace_rate       = cmd_i.pace_rate;
        ctx_step.pace_burst      = nic_pkg::min32(cmd_i.pace_burst, 32'(nic_pkg::CwndMax));
        tune_at_us = nic_pkg::user_deadline(ctx.stuck_us, cmd_i.user_timeout_ms);
        if (cmd_i.user_timeout_ms != '0 && ctx.retries != '0 && ctx.una != ctx.max)
          ctx_step.rto_at_us = nic_pkg::min64(ctx.rto_at_us, nic_pkg::max64(tune_at_us, e_now_q));
        wake = 1'b1;                                   // what Nagle held back may leave
      end
      SevAbort: begin
        ctx_step.open    = 1'b0;
        ctx_step.rto_vld = 1'b0;
        desc.kind = TxRst;
        desc.seq  = idle_seq;                          // RFC 9293 section 3.10.5: SND.NXT
        desc.una  = ctx.una;
        emit      = ctx.open;
      end
      default: ;
    endcase
    desc.flow = e_flow_q;
  end

  // --- congestion control -------------------------------------------------------------------------------------------
  always @* begin
    own = 'x;
    if (ctx_we) begin
      own.a    = ctx_step.cc_a;
      own.b    = ctx_step.cc_b;
      own.c    = ctx_step.cc_c;
      own.d    = ctx_step.cc_d;
      own.k    = ctx_step.cc_k;
      own.tick = ctx_step.cc_tick;
      own.on   = ctx_step.cc_on;
    end
  end
  generate
    if (Cc == nic_pkg::CcNone) begin : gen_none
      cc_none u_cc (
          .ev_i(cc), .mss_i(ctx_step.mss), .srtt_us_i(ctx_step.srtt_us), .cwnd_i(ctx_step.cwnd), .ssthresh_i(ctx_step.ssthresh),
          .own_i(own), .cwnd_o(cwnd), .ssthresh_o(ssthresh), .own_o(own_next));
    end else if (Cc == nic_pkg::CcReno) begin : gen_reno
      cc_reno u_cc (
          .ev_i(cc), .mss_i(ctx_step.mss), .srtt_us_i(ctx_step.srtt_us), .cwnd_i(ctx_step.cwnd), .ssthresh_i(ctx_step.ssthresh),
          .own_i(own), .cwnd_o(cwnd), .ssthresh_o(ssthresh), .own_o(own_next));
    end else if (Cc == nic_pkg::CcNewreno) begin : gen_newreno
      cc_newreno u_cc (
          .ev_i(cc), .mss_i(ctx_step.mss), .srtt_us_i(ctx_step.srtt_us), .cwnd_i(ctx_step.cwnd), .ssthresh_i(ctx_step.ssthresh),
          .own_i(own), .cwnd_o(cwnd), .ssthresh_o(ssthresh), .own_o(own_next));
    end else if (Cc == nic_pkg::CcCubic) begin : gen_cubic
      cc_cubic u_cc (
          .ev_i(cc), .mss_i(ctx_step.mss), .srtt_us_i(ctx_step.srtt_us), .cwnd_i(ctx_step.cwnd), .ssthresh_i(ctx_step.ssthresh),
          .own_i(own), .cwnd_o(cwnd), .ssthresh_o(ssthresh), .own_o(own_next));
    end else begin : gen_bad
      ERROR_Cc x_cc ();
    end
  endgenerate

  // What becomes of the flow, and when its timer runs out: the earlier of retransmission (or probe) and pacing; the C twin is
  // snd_deadline().
  logic timer_on, by_pace;
  logic [63:0] timer_at_us;
  always @* begin
    ctx_next = 'x;
    mirror_o = 'x;
    {timer_on, by_pace, timer_at_us} = 'x;
    if (ctx_we) begin
      ctx_next          = ctx_step;
      ctx_next.cwnd     = cwnd;
      ctx_next.ssthresh = ssthresh;
      ctx_next.cc_a     = own_next.a;
      ctx_next.cc_b     = own_next.b;
      ctx_next.cc_c     = own_next.c;
      ctx_next.cc_d     = own_next.d;
      ctx_next.cc_k     = own_next.k;
      ctx_next.cc_tick  = own_next.tick;
      ctx_next.cc_on    = own_next.on;

      mirror_o.una = ctx_next.una;
      mirror_o.max = ctx_next.max;

      timer_on    = ctx_next.open && (ctx_next.rto_vld || ctx_next.pace_wait);
      by_pace     = ctx_next.pace_wait && (!ctx_next.rto_vld || ctx_next.pace_at_us < ctx_next.rto_at_us);
      timer_at_us = by_pace ? ctx_next.pace_at_us : ctx_next.rto_at_us;
    end
  end
  assign mirror_we_o   = ctx_we;
  assign mirror_flow_o = e_flow_q[LgN-1:0];

  // --- scheduler ----------------------------------------------------------------------------------------------------
  // Its sources: payload written, ACK owed, and from E: window opened, timeout, re-queue (never two in a cycle).
  ready_set #(.NumFlows(NumFlows)) u_ready (
      .clk_i(clk_i), .rst_ni(rst_ni), .set0_i(write_wake_i), .flow0_i(write_flow_i), .set1_i(ack_wake_i),
      .flow1_i(ack_flow_i), .set2_i(wake), .flow2_i(e_flow_q), .valid_o(ready_valid), .ready_i(next_ready && ready_valid),
      .flow_o(ready_flow));

  // A flow alone goes on back to back: while no other flow is ready, the one whose dd_next says that it has more is asked
  // again in the same cycle; otherwise its ready bit is set again and it waits its turn.
  assign next_valid = ready_valid || (e_next && more_nx);
  assign next_flow  = ready_valid ? ready_flow : e_flow_q;

  // --- timers, descriptors ------------------------------------------------------------------------------------------
  timers #(.NumFlows(NumFlows)) u_timers (
      .clk_i(clk_i), .rst_ni(rst_ni), .now_us_i(now_us_i), .wr_i(ctx_we), .wr_flow_i(e_flow_q[LgN-1:0]),
      .wr_valid_i(timer_on), .wr_at_us_i(timer_at_us), .fire_valid_o(fire_valid),
      .fire_ready_i(fire_ready), .fire_flow_o(fire_flow), .next_valid_o(timer_valid_o), .next_us_o(timer_us_o),
      .idle_o(timers_idle), .busy_o(busy_o));

  logic desc_in_ready;
  logic [nic_pkg::TxDescW-1:0] desc_bits;
  fifo #(.W(nic_pkg::TxDescW), .Depth(1 << LgFifo)) u_descs (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(emit), .ready_o(desc_in_ready), .data_i(desc),
      .valid_o(desc_valid_o), .ready_i(desc_ready_i), .data_o(desc_bits), .count_o(desc_count));
  assign desc_o = desc_bits;

  assign idle_o = e_kind_q == SevNone && !ready_valid && timers_idle && desc_count == '0;

  assign stat_timeout_o = (e_kind_q == SevTimeout) && expired;
  assign stat_rexmit_o  = e_next && emit && desc.kind == TxData && nic_pkg::seq_lt(desc.seq, ctx.max);

  always @(posedge clk_i) if (rst_ni) assert(!emit || desc_in_ready);
endmodule
`default_nettype wire
