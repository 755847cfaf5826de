// SPDX-License-Identifier: Apache-2.0
// The receive pipeline: owns the receive half of every flow (rcv_ctx_t).
//
//     descriptor --+
//     read event --+->[L0: hash, table read]->[L1: match; context read]->[E: step, write back]-> verdict FIFO -> rx_mover
//     timer -------+                                                        |                -> dd_incoming FIFO
//     token -------+                                                        +-> ACK bit, D-SACK, wake-up, receive mirror
//     (open, release)                                                       +-> timers (a delayed ACK's deadline)
//
// One event a cycle, back to back, also for the same flow (the context store forwards). Nothing stalls inside: a segment or
// token starts only when both FIFOs have room for all that is under way; reads and timers need none. Order: events leave as
// they entered. Tokens and timers go before segments: both are rare (a timer fires once in 40 ms a flow), so none starves.
`default_nettype none
`include "nic_types.svh"
module rx_pipe #(
    parameter int NumFlows = 64,
    parameter int RxBufBytes = 32768,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic             clk_i,
    input  wire logic             rst_ni,
    input  wire logic [127:0]     key_i,
    output logic                  busy_o,          // after reset: stores are being swept, no command yet
    input  wire logic [63:0]      now_us_i,
    output logic                  idle_o,          // nothing in any stage or FIFO, no timer due, all stores swept
    // When a timer is due next.
    output logic                  timer_valid_o,
    output logic [63:0]           timer_us_o,
    // Descriptors of committed frames.
    input  wire logic             desc_valid_i,
    output logic                  desc_ready_o,
    input  rx_desc_t              desc_i,
    // The host consumed bytes of a flow.
    input  wire logic             read_valid_i,
    output logic                  read_ready_o,
    input  wire logic [11:0]      read_flow_i,
    // Tokens; tok_cmd_i holds still from tok_valid_i to the tok_done_o of its token.
    input  wire logic             tok_valid_i,
    output logic                  tok_ready_o,
    input  host_cmd_t             tok_cmd_i,
    output logic                  tok_done_o,
    // Read ports of others' stores: address in L1, data in E.
    output logic                  rd_en_o,
    output logic [LgN-1:0]        rd_flow_o,
    input  snd_mirror_t           snd_mirror_i,
    input  sent_mirror_t          sent_mirror_i,
    input  wire logic [31:0]      consumed_i,
    // ACK bitvector set port and scheduler wake-up, in E.
    output logic                  ack_valid_o,
    output logic [11:0]           ack_flow_o,
    output logic                  ack_bit_o,
    output logic                  ack_now_o,
    output logic                  ack_init_o,      // open: clear instead
    output dsack_t                dsack_o,         // bytes that came twice: to be reported
    output logic                  wake_o,
    // Receive mirror write port.
    output logic                  mirror_we_o,
    output logic [LgN-1:0]        mirror_flow_o,
    output rcv_mirror_t           mirror_o,
    // Out.
    output logic                  verdict_valid_o,
    input  wire logic             verdict_ready_i,
    output rx_verdict_t           verdict_o,
    output logic                  dd_valid_o,
    input  wire logic             dd_ready_i,
    output dd_segment_t           dd_o,
    // Every event once.
    output logic                  stat_valid_o,
    output logic [3:0]            stat_class_o,
    output logic [13:0]           stat_bytes_o     // payload taken
);
  localparam int LgFifo = 4;

  // --- L0: choose, hash ---------------------------------------------------------------------------------------------
  logic room, can_token, can_fire, can_read, can_segment, l0_valid, table_busy, timers_busy, timers_idle, fire_valid;
  logic [LgFifo:0] verdict_count, dd_count;
  logic [2:0] l0_kind;
  logic [95:0] l0_tuple;
  logic [11:0] l0_flow, fire_flow;

  assign busy_o = table_busy || timers_busy;
  assign room   = (verdict_count < (LgFifo + 1)'(12)) && (dd_count < (LgFifo + 1)'(12)) && !busy_o;

  assign can_token    = tok_valid_i && room;
  assign can_fire     = fire_valid && !busy_o && !can_token;
  assign can_read     = read_valid_i && !busy_o && !can_token && !can_fire;
  assign can_segment  = desc_valid_i && desc_ready_o;
  assign tok_ready_o  = room;
  assign read_ready_o = !busy_o && !can_token && !can_fire;
  assign desc_ready_o = room && !tok_valid_i && !fire_valid && !read_valid_i;
  assign l0_valid     = can_token || can_fire || can_read || can_segment;
  assign l0_tuple     = tok_valid_i ? {tok_cmd_i.remote_ip, tok_cmd_i.local_ip, tok_cmd_i.remote_port, tok_cmd_i.local_port}
                      : {desc_i.remote_ip, desc_i.local_ip, desc_i.remote_port, desc_i.local_port};
  always @* begin
    l0_kind = RevSegment;
    l0_flow = read_flow_i;
    if (can_token) begin
      l0_kind = (tok_cmd_i.kind == CmdOpen) ? RevOpen : RevRelease;
      l0_flow = tok_cmd_i.flow;
    end else if (can_fire) begin
      l0_kind = RevTimeout;
      l0_flow = fire_flow;
    end else if (can_read) begin
      l0_kind = RevRead;
    end
  end

  logic l1_hit, l1_ok;
  logic [11:0] l1_table_flow;
  flow_table #(.NumFlows(NumFlows)) u_table (
      .clk_i(clk_i), .rst_ni(rst_ni), .key_i(key_i), .busy_o(table_busy),
      .req_i(can_token || can_segment), .insert_i(l0_kind == RevOpen), .remove_i(l0_kind == RevRelease),
      .tuple_i(l0_tuple), .flow_i(l0_flow),
      .hit_o(l1_hit), .flow_o(l1_table_flow), .ok_o(l1_ok));

  // --- L1: match, context read --------------------------------------------------------------------------------------
  logic l1_valid_q, e_valid_q, e_hit_q, e_ok_q;
  logic [2:0] l1_kind_q, e_kind_q;
  logic [11:0] l1_flow_q, l1_flow, e_flow_q;
  rx_desc_t l1_desc_q, e_desc_q;
  logic [63:0] e_now_q;

  assign l1_flow   = (l1_kind_q == RevSegment) ? l1_table_flow : l1_flow_q;
  assign rd_en_o   = l1_valid_q;
  assign rd_flow_o = l1_flow[LgN-1:0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      l1_valid_q <= 1'b0;
      e_valid_q  <= 1'b0;
    end else begin
      l1_valid_q <= l0_valid;
      e_valid_q  <= l1_valid_q;
    end
    if (l0_valid) begin
      l1_kind_q <= l0_kind;
      l1_flow_q <= l0_flow;
      if (can_segment) l1_desc_q <= desc_i;
    end
    if (l1_valid_q) begin
      e_kind_q <= l1_kind_q;
      e_flow_q <= l1_flow;
      e_hit_q  <= l1_hit && l1_desc_q.class_id == RxLookup;
      e_ok_q   <= l1_ok;
      e_now_q  <= now_us_i;
      if (l1_kind_q == RevSegment) e_desc_q <= l1_desc_q;
    end
  end

  // --- E: the step --------------------------------------------------------------------------------------------------
  rcv_ctx_t ctx, ctx_next;
  logic [nic_pkg::RcvCtxW-1:0] ctx_bits;
  logic ctx_we, e_token, verdict_push, dd_push;
  rx_verdict_t verdict;
  dd_segment_t dd;

  assign ctx = ctx_bits;
  ram_1r1w #(.W(nic_pkg::RcvCtxW), .Depth(NumFlows)) u_ctx (
      .clk_i(clk_i), .we_i(ctx_we), .waddr_i(e_flow_q[LgN-1:0]), .wdata_i(ctx_next),
      .re_i(l1_valid_q), .raddr_i(l1_flow[LgN-1:0]), .rdata_o(ctx_bits));

  rcv_step #(.RxBufBytes(RxBufBytes)) u_step (
      .valid_i(e_valid_q), .kind_i(e_kind_q), .flow_i(e_flow_q), .hit_i(e_hit_q), .ok_i(e_ok_q), .desc_i(e_desc_q), .cmd_i(tok_cmd_i),
      .now_us_i(e_now_q), .ctx_i(ctx), .snd_i(snd_mirror_i), .sent_i(sent_mirror_i), .consumed_i(consumed_i), .we_o(ctx_we),
      .ctx_o(ctx_next), .mirror_o(mirror_o), .owed_o(ack_bit_o), .now_o(ack_now_o), .dup_o(dsack_o), .verdict_push_o(verdict_push),
      .verdict_o(verdict), .dd_push_o(dd_push), .dd_o(dd), .class_o(stat_class_o), .bytes_o(stat_bytes_o));

  assign e_token       = (e_kind_q == RevOpen || e_kind_q == RevRelease);
  assign tok_done_o    = e_valid_q && e_token;
  assign mirror_we_o   = ctx_we;
  assign mirror_flow_o = e_flow_q[LgN-1:0];
  assign ack_flow_o    = e_flow_q;
  assign ack_init_o    = e_valid_q && e_kind_q == RevOpen;
  assign ack_valid_o   = ack_bit_o || ack_init_o;
  assign wake_o        = ack_bit_o;
  assign stat_valid_o  = e_valid_q;

  timers #(.NumFlows(NumFlows)) u_timers (
      .clk_i(clk_i), .rst_ni(rst_ni), .now_us_i(now_us_i), .wr_i(ctx_we), .wr_flow_i(e_flow_q[LgN-1:0]),
      .wr_valid_i(ctx_next.delack_vld), .wr_at_us_i(ctx_next.delack_us), .fire_valid_o(fire_valid), .fire_ready_i(can_fire),
      .fire_flow_o(fire_flow), .next_valid_o(timer_valid_o), .next_us_o(timer_us_o), .idle_o(timers_idle), .busy_o(timers_busy));

  // --- out ----------------------------------------------------------------------------------------------------------
  logic verdict_in_ready, dd_in_ready;
  logic [nic_pkg::RxVerdictW-1:0] verdict_bits;
  logic [nic_pkg::DdSegmentW-1:0] dd_bits;
  fifo #(.W(nic_pkg::RxVerdictW), .Depth(1 << LgFifo)) u_verdicts (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(verdict_push), .ready_o(verdict_in_ready), .data_i(verdict),
      .valid_o(verdict_valid_o), .ready_i(verdict_ready_i), .data_o(verdict_bits), .count_o(verdict_count));
  fifo #(.W(nic_pkg::DdSegmentW), .Depth(1 << LgFifo)) u_dd_incoming (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(dd_push), .ready_o(dd_in_ready), .data_i(dd),
      .valid_o(dd_valid_o), .ready_i(dd_ready_i), .data_o(dd_bits), .count_o(dd_count));
  assign verdict_o = verdict_bits;
  assign dd_o      = dd_bits;

  assign idle_o = !table_busy && timers_idle && !l1_valid_q && !e_valid_q && verdict_count == '0 && dd_count == '0;

  always @(posedge clk_i) begin
    if (rst_ni) begin
      assert(!verdict_push || verdict_in_ready);
      assert(!dd_push || dd_in_ready);
    end
  end
endmodule
`default_nettype wire
