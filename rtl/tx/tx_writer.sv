// SPDX-License-Identifier: Apache-2.0
// Payload in -> transmit ring. Owns the `tail` of every flow (end of what the host enqueued; FIN counts as one phantom
// byte behind the data) and is its one writer.
//
//     beat ->[W0: tail read]->[W1: rotate]->[W2: ring write; tail write and wake-up with the last beat]
//
// A beat a cycle. The host has credit: it never sends past the ring. A packet is all of one flow; close_i and init_i
// take the same way as a beat, so they keep their place behind the payload accepted before.
`default_nettype none
`include "nic_types.svh"
module tx_writer #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int TxBufBytes = 32768,
    parameter int LgB = $clog2(DataW / 8),
    parameter int LgN = $clog2(NumFlows),
    parameter int AddrW = LgN + $clog2(TxBufBytes) - LgB - 1
) (
    input  wire logic               clk_i,
    input  wire logic               rst_ni,
    output logic                    idle_o,
    // Payload in; a packet is one flow's bytes, lanes full but in its last beat.
    input  wire logic               in_valid_i,
    output logic                    in_ready_o,
    input  wire logic [11:0]        in_flow_i,
    input  wire logic [DataW-1:0]   in_data_i,
    input  wire logic [LgB:0]       in_nbytes_i,
    input  wire logic               in_last_i,
    // Host control, taken between packets.
    input  wire logic               ctl_valid_i,
    output logic                    ctl_ready_o,
    input  wire logic               ctl_init_i,   // tail := ctl_seq_i, no FIN; otherwise close: FIN behind the tail
    input  wire logic [11:0]        ctl_flow_i,
    input  wire logic [31:0]        ctl_seq_i,
    // Transmit ring memory, write port.
    output logic                    ring_we_o,
    output logic [AddrW-1:0]        ring_addr0_o,
    output logic [AddrW-1:0]        ring_addr1_o,
    output logic [DataW/8-1:0]      ring_be0_o,
    output logic [DataW/8-1:0]      ring_be1_o,
    output logic [DataW-1:0]        ring_data_o,
    // Scheduler wake-up.
    output logic                    wake_o,
    output logic [11:0]             wake_flow_o,
    // The send pipeline's read port: address now, data in the next cycle.
    input  wire logic               rd_en_i,
    input  wire logic [LgN-1:0]     rd_flow_i,
    output logic [31:0]             rd_tail_o,
    output logic                    rd_fin_o,
    // Payload bytes enqueued, in W2.
    output logic [LgB:0]            stat_bytes_o
);
  // --- W0 -----------------------------------------------------------------------------------------------------------
  logic in_packet_q, take_ctl, take_in;
  logic [11:0] w0_flow;

  assign ctl_ready_o = !in_packet_q;
  assign in_ready_o  = in_packet_q || !ctl_valid_i;
  assign take_ctl    = ctl_valid_i && ctl_ready_o;
  assign take_in     = in_valid_i && in_ready_o;
  assign w0_flow     = take_ctl ? ctl_flow_i : in_flow_i;

  // --- W1 -----------------------------------------------------------------------------------------------------------
  logic w1_data_q, w1_close_q, w1_init_q, w1_first_q, w1_last_q;
  logic [11:0] w1_flow_q;
  logic [LgB:0] w1_nbytes_q;
  logic [31:0] w1_seq_q, at_q, at;
  logic [DataW-1:0] w1_beat_q;
  logic [32:0] tail_bits;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_packet_q <= 1'b0;
      w1_data_q   <= 1'b0;
      w1_close_q  <= 1'b0;
      w1_init_q   <= 1'b0;
    end else begin
      if (take_in) in_packet_q <= !in_last_i;
      w1_data_q  <= take_in;
      w1_close_q <= take_ctl && !ctl_init_i;
      w1_init_q  <= take_ctl && ctl_init_i;
    end
    if (take_in) begin
      w1_beat_q   <= in_data_i;
      w1_nbytes_q <= in_nbytes_i;
      w1_last_q   <= in_last_i;
      w1_first_q  <= !in_packet_q;
    end
    if (take_in || take_ctl) w1_flow_q <= w0_flow;
    if (take_ctl) w1_seq_q <= ctl_seq_i;
    if (w1_data_q) at_q <= at + 32'(w1_nbytes_q);
  end

  assign at = w1_first_q ? tail_bits[31:0] : at_q;
  ring_write #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(TxBufBytes)) u_write (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(w1_data_q), .flow_i(w1_flow_q), .seq_i(at), .data_i(w1_beat_q),
      .lo_i({(LgB + 1){1'b0}}), .hi_i(w1_nbytes_q), .we_o(ring_we_o), .addr0_o(ring_addr0_o), .addr1_o(ring_addr1_o),
      .be0_o(ring_be0_o), .be1_o(ring_be1_o), .data_o(ring_data_o));

  // The tail moves in W1, one cycle before the bytes are in the ring; whoever reads the tail now reads the ring two
  // cycles later at the earliest (send pipeline, descriptor FIFO).
  logic tail_we;
  logic [32:0] tail_next;
  assign tail_we   = (w1_data_q && w1_last_q) || w1_close_q || w1_init_q;
  always @* begin
    tail_next = 'x;
    if (w1_init_q) tail_next = {1'b0, w1_seq_q};
    else if (w1_close_q) tail_next = {1'b1, tail_bits[31:0] + 32'(!tail_bits[32])};
    else if (w1_data_q) tail_next = {1'b0, at + 32'(w1_nbytes_q)};
  end

  ram_1r1w #(.W(33), .Depth(NumFlows)) u_tail (
      .clk_i(clk_i), .we_i(tail_we), .waddr_i(w1_flow_q[LgN-1:0]), .wdata_i(tail_next),
      .re_i((take_in && !in_packet_q) || take_ctl), .raddr_i(w0_flow[LgN-1:0]), .rdata_o(tail_bits));
  logic [32:0] rd_bits;
  ram_1r1w #(.W(33), .Depth(NumFlows)) u_tail_snd (
      .clk_i(clk_i), .we_i(tail_we), .waddr_i(w1_flow_q[LgN-1:0]), .wdata_i(tail_next),
      .re_i(rd_en_i), .raddr_i(rd_flow_i), .rdata_o(rd_bits));
  assign rd_tail_o = rd_bits[31:0];
  assign rd_fin_o  = rd_bits[32];

  assign wake_o       = (w1_data_q && w1_last_q) || w1_close_q;
  assign wake_flow_o  = w1_flow_q;
  assign stat_bytes_o = w1_data_q ? w1_nbytes_q : '0;
  assign idle_o       = !w1_data_q && !w1_close_q && !w1_init_q && !in_packet_q && !ring_we_o;
endmodule
`default_nettype wire
