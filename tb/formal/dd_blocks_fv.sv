// SPDX-License-Identifier: Apache-2.0
// dd_blocks: of each segment every SACK block leaves once, in order, then its ACK; both sides keep the stream's contract.
//
//@ rtl rtl/tx/dd_blocks.sv
//@ prove induct 2
//@ mutant rtl/tx/dd_blocks.sv `ready_i && !block` `ready_i` : the segment goes with its first block
//@ mutant rtl/tx/dd_blocks.sv `else if (valid_i && ready_i)` `else if (valid_i)` : a block not taken is lost
//@ mutant rtl/tx/dd_blocks.sv `2'd1: begin dd_o.ack = segment_i.sack1_start` `2'd1: begin dd_o.ack = segment_i.sack0_start` : a block twice
`default_nettype none
`include "nic_types.svh"
`include "fv.svh"
module dd_blocks_fv (
    input wire logic                          clk_i,
    input wire logic                          valid_i,
    input wire logic [nic_pkg::DdSegmentW-1:0] segment_i,
    input wire logic                          ready_i
);
  `FV_RESET
  dd_segment_t seg;
  dd_in_t dd;
  logic ready, valid;
  assign seg = segment_i;
  dd_blocks u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(valid_i), .ready_o(ready), .segment_i(seg), .valid_o(valid), .ready_i(ready_i),
      .dd_o(dd));
  stream_rule #(.W(nic_pkg::DdSegmentW), .Give(0)) u_in (
      .clk_i(clk_i), .rst_n(rst_n), .valid_i(valid_i), .ready_i(ready), .data_i(segment_i));
  stream_rule #(.W(nic_pkg::DdInW)) u_out (.clk_i(clk_i), .rst_n(rst_n), .valid_i(valid), .ready_i(ready_i), .data_i(dd));
  `FV_ASSUME(seg.n_sack <= 3'd4 && seg.kind != DdSack)

  logic [2:0] gone;                      // blocks of this segment that have left
  always_ff @(posedge clk_i) begin
    if (!rst_n) gone <= '0;
    else if (valid && ready_i) gone <= (dd.kind == DdSack) ? gone + 3'd1 : '0;
  end
  logic last;
  logic [31:0] start, stop;
  assign last = (gone == seg.n_sack);
  always @* begin
    start = seg.sack0_start;
    stop  = seg.sack0_end;
    if (gone == 3'd1) begin start = seg.sack1_start; stop = seg.sack1_end; end
    if (gone == 3'd2) begin start = seg.sack2_start; stop = seg.sack2_end; end
    if (gone == 3'd3) begin start = seg.sack3_start; stop = seg.sack3_end; end
  end
  `FV_ASSERT(valid == valid_i)
  `FV_ASSERT(!valid || gone <= seg.n_sack)
  `FV_ASSERT(!valid || dd.flow == seg.flow)
  `FV_ASSERT(!valid || last || (dd.kind == DdSack && dd.ack == start && dd.sack_end == stop))
  `FV_ASSERT(!valid || !last || (dd.kind == seg.kind && dd.ack == seg.ack && dd.wnd == seg.wnd && dd.wnd_vld == seg.wnd_vld
             && dd.no_data == seg.no_data && dd.ts_vld == seg.ts_vld && dd.tsecr == seg.tsecr))
  `FV_ASSERT((valid_i && ready) == (valid && ready_i && last))
  `FV_ASSERT(valid || gone == '0)
  (* hierconn *) wire [2:0] \u_dut.sent_q ;
  `FV_ASSERT(\u_dut.sent_q == gone)        // for the induction
endmodule
`default_nettype wire
