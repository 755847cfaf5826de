// SPDX-License-Identifier: Apache-2.0
// ack_bits: for any one flow, a set is never lost and a clear comes only with an ACK that left. Said by what it is for: the receive
// side's news (`told`: RCV.NXT as a number that changes with each set) is sampled by each header, as it stood before that cycle's
// set; nothing owed means that the last sample is current. And the immediate ACKs are counted: each owed until a pure ACK pays it.
//
//@ rtl rtl/tx/ack_bits.sv
//@ prove pdr NumFlows=2
//@ prove induct 2 NumFlows=64
//@ mutant rtl/tx/ack_bits.sv `if (set_bit_i) bit_q[set_f] <= 1'b1` `if (set_bit_i && !same) bit_q[set_f] <= 1'b1` : clear wins over set
//@ mutant rtl/tx/ack_bits.sv `bit_q[clr_f] <= 1'b0` `bit_q[set_f] <= 1'b0` : another flow's ACK clears
//@ mutant rtl/tx/ack_bits.sv `same ? after_clr : now_q` `same ? clr_now : now_q` : an ACK paid in the cycle of a set is owed again
//@ mutant rtl/tx/ack_bits.sv `(set_now == '1) ? set_now :` `` : the count wraps and all is forgotten
`default_nettype none
`include "fv.svh"
module ack_bits_fv #(
    parameter int NumFlows = 2,
    parameter int LgN = $clog2(NumFlows)
) (
    input wire logic           clk_i,
    input wire logic           set_valid_i,
    input wire logic [LgN-1:0] set_flow_i,
    input wire logic           set_bit_i,
    input wire logic           set_now_i,
    input wire logic           set_init_i,
    input wire logic           clr_valid_i,
    input wire logic [LgN-1:0] clr_flow_i,
    input wire logic           clr_pure_i,
    input wire logic [3:0]     news_i      // what RCV.NXT becomes with a set
);
  `FV_RESET
  wire [LgN-1:0] mine = $anyconst;
  logic clr_owed, next_owed;
  logic [1:0] next_now;
  ack_bits #(.NumFlows(NumFlows)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .set_valid_i(set_valid_i), .set_flow_i(12'(set_flow_i)), .set_bit_i(set_bit_i),
      .set_now_i(set_now_i), .set_init_i(set_init_i), .clr_valid_i(clr_valid_i), .clr_flow_i(12'(clr_flow_i)),
      .clr_pure_i(clr_pure_i), .clr_owed_o(clr_owed), .next_flow_i(12'(mine)), .next_owed_o(next_owed), .next_now_o(next_now));
  (* hierconn *) wire [NumFlows-1:0] \u_dut.bit_q ;

  logic set, clr, init;
  logic [3:0] told, sampled;
  logic [1:0] paid;                      // immediate ACKs owed, by the model
  assign set  = set_valid_i && set_flow_i == mine && !set_init_i;
  assign init = set_valid_i && set_flow_i == mine && set_init_i;
  assign clr  = clr_valid_i && clr_flow_i == mine;
  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      told    <= '0;
      sampled <= '0;
      paid    <= '0;
    end else begin
      if (clr) sampled <= told;
      if (set && set_bit_i) told <= news_i;
      if (init) sampled <= told;
      paid <= init ? '0 : (clr && clr_pure_i && paid != '0) ? ((set && set_now_i) ? paid : paid - 2'd1)
            : (set && set_now_i && paid != 2'd3) ? paid + 2'd1 : paid;
    end
  end
  `FV_ASSERT(\u_dut.bit_q [mine] || sampled == told)
  `FV_ASSERT(next_now == paid)
  `FV_ASSERT(next_owed == (\u_dut.bit_q [mine] || paid != '0))
  `FV_ASSERT(clr_flow_i != mine || clr_owed == next_owed)
endmodule
`default_nettype wire
