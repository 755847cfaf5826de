// SPDX-License-Identifier: Apache-2.0
// What every bench shares: its ports, its check, its random numbers. A bench is a module clocked from outside, so that one
// model of Verilator (without --timing) and one of Icarus run them all at once; see tb/README.md.
`ifndef TB_SVH
`define TB_SVH

// Opens a bench. It raises done_o when it is through; errors_o counts failed checks.
`define BENCH(name) \
  module name (input wire logic clk_i, output logic done_o, output logic [31:0] errors_o); \
  initial begin done_o = 1'b0; errors_o = 0; end \
  function automatic logic [63:0] rnd64(input logic [63:0] s); \
    logic [63:0] x; \
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x; \
  endfunction

`define BENCH_END endmodule

// For clocked code: counts a failure and says where; an X is a failure.
`define CHECK(cond, msg) \
  if ((cond) !== 1'b1) begin \
    errors_o = errors_o + 1; \
    if (errors_o < 10) $display("%m:%0d: %s", `__LINE__, msg); \
  end
`endif
