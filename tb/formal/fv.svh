// SPDX-License-Identifier: Apache-2.0
// What every proof shares: one cycle of reset, then statements that hold in each cycle. They are combinational on purpose: a clocked
// assert costs yosys two registers and a cycle of delay, and induction has to reason about both.
`ifndef FV_SVH
`define FV_SVH

// Opens the body of a proof: rst_n is low in the first cycle only.
`define FV_RESET \
  logic rst_n; \
  initial rst_n = 1'b0; \
  always_ff @(posedge clk_i) rst_n <= 1'b1;

`define FV_ASSERT(cond) always @* if (rst_n) assert(cond);
`define FV_ASSUME(cond) always @* if (rst_n) assume(cond);
`endif
