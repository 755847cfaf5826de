// SPDX-License-Identifier: Apache-2.0
// The contract of every stream, once: what is offered stays, with the same data, until it is taken. As a proof's duty (Give = 1) or
// as what it may expect of its environment (Give = 0).
`default_nettype none
`include "fv.svh"
module stream_rule #(
    parameter int W = 1,
    parameter int Give = 1
) (
    input wire logic         clk_i,
    input wire logic         rst_n,
    input wire logic         valid_i,
    input wire logic         ready_i,
    input wire logic [W-1:0] data_i
);
  logic waits_q;
  logic [W-1:0] data_q;
  initial waits_q = 1'b0;
  always_ff @(posedge clk_i) begin
    waits_q <= rst_n && valid_i && !ready_i;
    data_q  <= data_i;
  end
  generate
    if (Give != 0) begin : gen_give
      `FV_ASSERT(!waits_q || (valid_i && data_i == data_q))
    end else begin : gen_expect
      `FV_ASSUME(!waits_q || (valid_i && data_i == data_q))
    end
  endgenerate
endmodule
`default_nettype wire
