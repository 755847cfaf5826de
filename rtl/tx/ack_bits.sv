// SPDX-License-Identifier: Apache-2.0
// The ACK bitvector: one bit a flow, "an ACK is owed", with two write ports, and beside it how many immediate ACKs are
// owed (those must not merge: a peer without SACK counts duplicates, RFC 5681 section 3.2).
//
//   set port: the receive pipeline, in the cycle of its context write.
//   clear port: the send side, in the very cycle in which the assembler samples RCV.NXT for a header.
//   Set wins over clear in the same cycle for the same flow, so: bit clear means the last sampled RCV.NXT is current.
//
// A pure ACK pays one immediate ACK; a header with data pays none (it is no duplicate ACK) but clears the bit.
// The immediate count saturates at 3. Read ports are combinational.
`default_nettype none
module ack_bits #(
    parameter int NumFlows = 64,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    // Set port.
    input  wire logic         set_valid_i,
    input  wire logic [11:0]  set_flow_i,
    input  wire logic         set_bit_i,
    input  wire logic         set_now_i,     // one more immediate ACK
    input  wire logic         set_init_i,    // instead: nothing owed
    // Clear port.
    input  wire logic         clr_valid_i,
    input  wire logic [11:0]  clr_flow_i,
    input  wire logic         clr_pure_i,    // the header is a pure ACK
    // Read port of the assembler (its flow is clr_flow_i) and of dd_next.
    output logic              clr_owed_o,
    input  wire logic [11:0]  next_flow_i,
    output logic              next_owed_o,
    output logic [1:0]        next_now_o     // immediate ACKs owed
);
  logic [NumFlows-1:0] bit_q;
  logic [2*NumFlows-1:0] now_q;
  logic [LgN-1:0] set_f, clr_f, next_f;
  logic [1:0] set_now, clr_now, after_clr;
  logic same;

  assign set_f   = set_flow_i[LgN-1:0];
  assign clr_f   = clr_flow_i[LgN-1:0];
  assign next_f  = next_flow_i[LgN-1:0];
  assign clr_now = now_q[2*clr_f +: 2];
  assign same    = clr_valid_i && clr_f == set_f;

  assign clr_owed_o  = bit_q[clr_f] || clr_now != '0;
  assign next_owed_o = bit_q[next_f] || now_q[2*next_f +: 2] != '0;
  assign next_now_o  = now_q[2*next_f +: 2];

  assign after_clr = clr_now - 2'(clr_pure_i && clr_now != '0);
  assign set_now   = same ? after_clr : now_q[2*set_f +: 2];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bit_q <= '0;
      now_q <= '0;
    end else begin
      if (clr_valid_i) begin
        bit_q[clr_f] <= 1'b0;
        now_q[2*clr_f +: 2] <= after_clr;
      end
      if (set_valid_i) begin
        if (set_init_i) begin
          bit_q[set_f] <= 1'b0;
          now_q[2*set_f +: 2] <= '0;
        end else begin
          if (set_bit_i) bit_q[set_f] <= 1'b1;
          if (set_now_i) now_q[2*set_f +: 2] <= (set_now == '1) ? set_now : set_now + 2'd1;
        end
      end
    end
  end
endmodule
`default_nettype wire
