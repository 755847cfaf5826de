// SPDX-License-Identifier: Apache-2.0
// fifo at depths 4 and 1 << 4, and with Through, against a model: order, count, valid and ready through full, empty, both at once and the wrap
// of its pointers; data offered while full is not taken; a reset in the middle empties it.
`default_nettype none
`include "tb.svh"
`BENCH(fifo_tb)
  logic rst_n = 1'b0;
  logic push, pop, ready4, valid4, ready16, valid16, ready_t, valid_t;
  logic [15:0] in4 = 0, in16 = 0, out4, out16, next4 = 0, next16 = 0, in_t = 0, out_t, next_t = 0;
  logic [2:0] count4, count_t;
  logic [4:0] count16;
  logic [63:0] r = 64'h1234_5678_9abc_def1;
  int cycle = 0;
  int full = 0;
  int moved = 0;
  int passed = 0;                         // never held

  fifo #(.W(16), .Depth(4)) u_4 (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(push), .ready_o(ready4), .data_i(in4), .valid_o(valid4), .ready_i(pop),
      .data_o(out4), .count_o(count4));
  fifo #(.W(16), .Depth(16)) u_16 (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(push), .ready_o(ready16), .data_i(in16), .valid_o(valid16), .ready_i(pop),
      .data_o(out16), .count_o(count16));

  fifo #(.W(16), .Depth(4), .Through(1'b1)) u_t (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(push), .ready_o(ready_t), .data_i(in_t), .valid_o(valid_t), .ready_i(pop),
      .data_o(out_t), .count_o(count_t));

  // Phases of 64 cycles: fill, drain, random, both always.
  assign push = (cycle[7:6] == 2'd0) ? 1'b1 : (cycle[7:6] == 2'd1) ? 1'b0 : (cycle[7:6] == 2'd2) ? r[3] : 1'b1;
  assign pop = (cycle[7:6] == 2'd0) ? 1'b0 : (cycle[7:6] == 2'd1) ? 1'b1 : (cycle[7:6] == 2'd2) ? r[7] : 1'b1;

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    rst_n <= cycle > 1 && !(cycle > 3000 && cycle < 3003);
    if (rst_n) begin
      `CHECK(count4 === 3'(in4 - next4), "count, depth 4")
      `CHECK(ready4 === (in4 - next4 != 16'd4), "ready when not full, depth 4")
      `CHECK(valid4 === (in4 != next4), "valid when not empty, depth 4")
      if (valid4) begin `CHECK(out4 === next4, "order, depth 4") end
      `CHECK(count16 === 5'(in16 - next16), "count, depth 16")
      `CHECK(ready16 === (in16 - next16 != 16'd16), "ready when not full, depth 16")
      `CHECK(valid16 === (in16 != next16), "valid when not empty, depth 16")
      if (valid16) begin `CHECK(out16 === next16, "order, depth 16") end
      `CHECK(count_t === 3'(in_t - next_t) && ready_t === (in_t - next_t != 16'd4), "count and ready, through")
      `CHECK(valid_t === (in_t != next_t || push), "valid at once, through")
      if (valid_t) begin `CHECK(out_t === next_t, "order, through") end
      if (in_t == next_t && push && pop) passed = passed + 1;
      if (push && ready_t) in_t <= in_t + 16'd1;
      if (pop && valid_t) next_t <= next_t + 16'd1;
      if (push && !ready16) full = full + 1;
      if (pop && valid16) moved = moved + 1;
      if (push && ready4) in4 <= in4 + 16'd1;
      if (pop && valid4) next4 <= next4 + 16'd1;
      if (push && ready16) in16 <= in16 + 16'd1;
      if (pop && valid16) next16 <= next16 + 16'd1;
    end else if (cycle > 3000) begin
      next4 <= in4;
      next_t <= in_t;
      next16 <= in16;
    end
    if (cycle == 6000) begin
      `CHECK(full > 500 && moved > 2000 && passed > 500, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
