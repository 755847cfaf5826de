// SPDX-License-Identifier: Apache-2.0
// first_one at 2, 4, 16 and 64 bits: zero, each single bit, each bit with anything above it, random.
`default_nettype none
`include "tb.svh"
`BENCH(first_one_tb)
  logic [63:0] bits = '0, lowest;
  logic [5:0] i64;
  logic [3:0] i16;
  logic [1:0] i4;
  logic [0:0] i2;
  logic [63:0] r = 64'h1111_1234_9abc_0001;
  int cycle = 0;

  first_one #(.W(64)) u_64 (.bits_i(bits), .index_o(i64));
  first_one #(.W(16)) u_16 (.bits_i(bits[15:0]), .index_o(i16));
  first_one #(.W(4)) u_4 (.bits_i(bits[3:0]), .index_o(i4));
  first_one #(.W(2)) u_2 (.bits_i(bits[1:0]), .index_o(i2));

  function automatic logic [5:0] lowest_of(input logic [63:0] x);
    lowest_of = '0;
    for (int i = 63; i >= 0; i--) if (x[i]) lowest_of = 6'(i);
  endfunction

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    if (cycle < 64) bits <= 64'd1 << cycle;
    else if (cycle < 320) bits <= (64'd1 << (cycle % 64)) | (r << (cycle % 64));
    else if (cycle < 330) bits <= '0;
    else bits <= r & ({64{r[5]}} | (r >> 7)) & ({64{r[6]}} | (r << 9));
    `CHECK(i64 === lowest_of(bits), "64")
    lowest = {48'd0, bits[15:0]};
    `CHECK(6'(i16) === lowest_of(lowest), "16")
    lowest = {60'd0, bits[3:0]};
    `CHECK(6'(i4) === lowest_of(lowest), "4")
    lowest = {62'd0, bits[1:0]};
    `CHECK(6'(i2) === lowest_of(lowest), "2")
    if (cycle == 800) done_o <= 1'b1;
  end
`BENCH_END
`default_nettype wire
