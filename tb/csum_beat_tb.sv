// SPDX-License-Identifier: Apache-2.0
// csum_beat at 64 and 512 bits: every pair of bounds at 64 bits, random ones at 512, also empty, inverted and full ranges;
// the folded sum is compared with the Internet checksum of the bytes in network order (RFC 1071), the mask byte by byte.
`default_nettype none
`include "tb.svh"
`BENCH(csum_beat_tb)
  logic [511:0] data = '0, out512;
  logic [63:0] out64;
  logic [6:0] lo = 0, hi = 0;
  logic [3:0] lo8 = 0, hi8 = 0;
  logic [39:0] sum512, sum64;
  logic [31:0] ref512, ref64;
  logic [63:0] r = 64'h7777_1234_9abc_0001;
  logic [7:0] b;
  logic take;
  int cycle = 0;

  csum_beat #(.DataW(512)) u_512 (.data_i(data), .lo_i(lo), .hi_i(hi), .data_o(out512), .sum_o(sum512));
  csum_beat #(.DataW(64)) u_64 (.data_i(data[63:0]), .lo_i(lo8), .hi_i(hi8), .data_o(out64), .sum_o(sum64));

  function automatic logic [31:0] fold(input logic [31:0] s);
    logic [31:0] x;
    x = (s & 32'hffff) + (s >> 16);
    fold = (x & 32'hffff) + (x >> 16);
  endfunction

  function automatic logic [31:0] swap(input logic [31:0] s);
    swap = {16'd0, s[7:0], s[15:8]};
  endfunction

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    data <= (cycle[7:0] == 8'hff) ? {512{1'b1}} : {data[447:0], r};
    lo <= (r[3:0] == 4'd0) ? 7'd64 : (r[3:0] == 4'd1) ? 7'd0 : {1'b0, r[13:8]};
    hi <= (r[7:4] == 4'd0) ? 7'd0 : (r[7:4] < 4'd3) ? 7'd64 : {1'b0, r[21:16]};
    lo8 <= 4'(cycle % 9);
    hi8 <= 4'((cycle / 9) % 9);
    if (cycle > 8) begin
      ref512 = 0;
      ref64 = 0;
      for (int i = 0; i < 64; i++) begin
        take = i >= int'(lo) && i < int'(hi);
        b = take ? data[8*i +: 8] : 8'd0;
        `CHECK(out512[8*i +: 8] === b, "mask 512")
        ref512 = ref512 + (((i % 2) == 0) ? {16'd0, b, 8'd0} : {24'd0, b});
      end
      for (int i = 0; i < 8; i++) begin
        take = i >= int'(lo8) && i < int'(hi8);
        b = take ? data[8*i +: 8] : 8'd0;
        `CHECK(out64[8*i +: 8] === b, "mask 64")
        ref64 = ref64 + (((i % 2) == 0) ? {16'd0, b, 8'd0} : {24'd0, b});
      end
      `CHECK(swap({16'd0, nic_pkg::csum_fold(sum512)}) === fold(ref512), "sum 512")
      `CHECK(swap({16'd0, nic_pkg::csum_fold(sum64)}) === fold(ref64), "sum 64")
    end
    if (cycle == 1000) done_o <= 1'b1;
  end
`BENCH_END
`default_nettype wire
