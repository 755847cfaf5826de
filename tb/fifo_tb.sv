// SPDX-License-Identifier: Apache-2.0
// fifo against a model: random pushes and pops, so that it runs full, empty and through its wrap.
`default_nettype none
`include "tb.svh"
`BENCH(fifo_tb)
  logic rst_n = 1'b0;
  logic push, pop, in_ready, out_valid;
  logic [15:0] in_data, out_data, next_in = 0, next_out = 0;
  logic [2:0] count;
  logic [63:0] r = 64'h1234_5678_9abc_def1;
  int cycle = 0;

  fifo #(.W(16), .Depth(4)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(push), .ready_o(in_ready), .data_i(in_data), .valid_o(out_valid),
      .ready_i(pop), .data_o(out_data), .count_o(count));

  // Phases of 64 cycles that fill, drain, or do both.
  assign in_data = next_in;
  assign push = (cycle[7:6] == 2'd0) ? 1'b1 : (cycle[7:6] == 2'd1) ? 1'b0 : r[3];
  assign pop = (cycle[7:6] == 2'd0) ? 1'b0 : (cycle[7:6] == 2'd1) ? 1'b1 : r[7];

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (rst_n) begin
      `CHECK(count === 3'(next_in - next_out), "count")
      `CHECK(in_ready === (count != 3'd4), "ready when not full")
      `CHECK(out_valid === (count != 3'd0), "valid when not empty")
      if (out_valid) begin `CHECK(out_data === next_out, "order") end
      if (push && in_ready) next_in <= next_in + 16'd1;
      if (pop && out_valid) next_out <= next_out + 16'd1;
    end
    if (cycle == 5000) begin
      `CHECK(next_out > 16'd1000, "made progress")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
