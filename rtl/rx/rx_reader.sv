// SPDX-License-Identifier: Apache-2.0
// Delivers received bytes: each consume command streams the next len bytes of a flow out of the receive ring, then frees
// them and tells the receive pipeline. Owns the `consumed` pointer of every flow; its one writer.
//
//     command ->[C0: pointer read]->[C1: ring reads, a beat a cycle]->[C2: align]-> payload out
//
// The stream: bytes from lane 0, all lanes full but in a packet's last beat; a packet a command, in command order.
`default_nettype none
`include "nic_types.svh"
module rx_reader #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int RxBufBytes = 32768,
    parameter int LgB = $clog2(DataW / 8),
    parameter int LgN = $clog2(NumFlows),
    parameter int AddrW = LgN + $clog2(RxBufBytes) - LgB - 1
) (
    input  wire logic               clk_i,
    input  wire logic               rst_ni,
    output logic                    idle_o,
    // Consume (len_i > 0), or with init_i the pointer's first value.
    input  wire logic               cmd_valid_i,
    output logic                    cmd_ready_o,
    input  wire logic               init_i,
    input  wire logic [11:0]        flow_i,
    input  wire logic [31:0]        len_i,       // init: the pointer
    // Receive ring memory, read port.
    output logic                    ring_re_o,
    output logic [AddrW-1:0]        ring_addr0_o,
    output logic [AddrW-1:0]        ring_addr1_o,
    input  wire logic [DataW-1:0]   ring_rdata0_i,
    input  wire logic [DataW-1:0]   ring_rdata1_i,
    // Payload out.
    output logic                    out_valid_o,
    input  wire logic               out_ready_i,
    output logic [11:0]             out_flow_o,
    output logic [DataW-1:0]        out_data_o,
    output logic [LgB:0]            out_nbytes_o,
    output logic                    out_last_o,
    // To the receive pipeline: the window may have moved.
    output logic                    read_valid_o,
    input  wire logic               read_ready_i,
    output logic [11:0]             read_flow_o,
    // The receive pipeline's read port of `consumed`.
    input  wire logic               rd_en_i,
    input  wire logic [LgN-1:0]     rd_flow_i,
    output logic [31:0]             rd_consumed_o
);
  localparam int B = DataW / 8;

  // --- C0: accept, read the pointer ---------------------------------------------------------------------------------
  logic c1_valid_q, c1_first_q, c1_init_q, c1_done, c1_step, c0_take, en;
  logic [11:0] c1_flow_q;
  logic [31:0] c1_left_q, c1_at_q, at, pointer;

  assign c0_take     = cmd_valid_i && cmd_ready_o;
  assign cmd_ready_o = !c1_valid_q || c1_done;

  // The pointer is kept twice: a store has one read port, and two stages ask for it.
  logic ptr_we;
  logic [31:0] ptr_next;
  ram_1r1w #(.W(32), .Depth(NumFlows)) u_consumed (
      .clk_i(clk_i), .we_i(ptr_we), .waddr_i(c1_flow_q[LgN-1:0]), .wdata_i(ptr_next),
      .re_i(c0_take), .raddr_i(flow_i[LgN-1:0]), .rdata_o(pointer));
  ram_1r1w #(.W(32), .Depth(NumFlows)) u_consumed_rcv (
      .clk_i(clk_i), .we_i(ptr_we), .waddr_i(c1_flow_q[LgN-1:0]), .wdata_i(ptr_next),
      .re_i(rd_en_i), .raddr_i(rd_flow_i), .rdata_o(rd_consumed_o));

  // --- C1: walk the ring --------------------------------------------------------------------------------------------
  logic odd, last, read_room;
  logic [LgB-1:0] off;
  logic [2:0] read_count;

  assign at        = c1_first_q ? pointer : c1_at_q;
  assign last      = (c1_left_q <= 32'(B));
  assign read_room = (read_count < 3'd3);
  assign c1_step   = c1_valid_q && !c1_init_q && en && (!last || read_room);
  assign c1_done   = c1_init_q || (c1_step && last);
  assign ring_re_o = c1_step;
  assign ptr_we    = c1_valid_q && (c1_init_q || (c1_step && last));
  assign ptr_next  = c1_init_q ? c1_left_q : at + c1_left_q;

  ring_addr #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RxBufBytes)) u_addr (
      .flow_i(c1_flow_q), .seq_i(at), .addr0_o(ring_addr0_o), .addr1_o(ring_addr1_o), .odd_o(odd), .off_o(off));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      c1_valid_q <= 1'b0;
    end else begin
      if (c0_take) c1_valid_q <= 1'b1;
      else if (c1_valid_q && c1_done) c1_valid_q <= 1'b0;
    end
    if (c0_take) begin
      c1_flow_q  <= flow_i;
      c1_left_q  <= len_i;
      c1_init_q  <= init_i;
      c1_first_q <= 1'b1;
    end else if (c1_step) begin
      c1_first_q <= 1'b0;
      c1_at_q    <= at + 32'(B);
      c1_left_q  <= c1_left_q - 32'(B);
    end
  end

  // --- C2: align; C3: out -------------------------------------------------------------------------------------------
  logic c2_valid_q, c2_last_q, c2_odd_q;
  logic [LgB-1:0] c2_off_q;
  logic [LgB:0] c2_nbytes_q;
  logic [11:0] c2_flow_q;
  logic [DataW-1:0] aligned;

  assign en = !out_valid_o || out_ready_i;       // moves C2 and C3; C1 with them
  ring_align #(.DataW(DataW)) u_align (
      .rdata0_i(ring_rdata0_i), .rdata1_i(ring_rdata1_i), .odd_i(c2_odd_q), .off_i(c2_off_q), .data_o(aligned));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      c2_valid_q  <= 1'b0;
      out_valid_o <= 1'b0;
    end else if (en) begin
      c2_valid_q  <= c1_step;
      out_valid_o <= c2_valid_q;
    end
    if (en && c1_step) begin
      c2_last_q   <= last;
      c2_odd_q    <= odd;
      c2_off_q    <= off;
      c2_flow_q   <= c1_flow_q;
      c2_nbytes_q <= last ? c1_left_q[LgB:0] : (LgB + 1)'(B);
    end
    if (en && c2_valid_q) begin
      out_data_o   <= aligned;
      out_nbytes_o <= c2_nbytes_q;
      out_last_o   <= c2_last_q;
      out_flow_o   <= c2_flow_q;
    end
  end

  // The pointer is written in the cycle of the last ring read, whose data the next cycle takes: no write can come between.
  logic read_in_ready;
  fifo #(.W(12), .Depth(4)) u_reads (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(c1_step && last), .ready_o(read_in_ready), .data_i(c1_flow_q),
      .valid_o(read_valid_o), .ready_i(read_ready_i), .data_o(read_flow_o), .count_o(read_count));

  assign idle_o = !c1_valid_q && !c2_valid_q && !out_valid_o && read_count == '0;

  always @(posedge clk_i) if (rst_ni) assert(!(c1_step && last) || read_in_ready);
endmodule
`default_nettype wire
