// SPDX-License-Identifier: Apache-2.0
// rotl_bytes at 64 and 512 bits: every count, random data, byte by byte.
`default_nettype none
`include "tb.svh"
`BENCH(rotl_bytes_tb)
  logic [511:0] data = '0, out512;
  logic [63:0] out64;
  logic [5:0] n = 0;
  logic [63:0] r = 64'h5555_1234_9abc_def1;
  int cycle = 0;

  rotl_bytes #(.DataW(512)) u_512 (.data_i(data), .n_i(n), .data_o(out512));
  rotl_bytes #(.DataW(64)) u_64 (.data_i(data[63:0]), .n_i(n[2:0]), .data_o(out64));

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    data <= {data[447:0], r};
    n <= 6'(cycle);
    if (cycle > 8) begin
      for (int i = 0; i < 64; i++) begin
        `CHECK(out512[8*((i + int'(n)) % 64) +: 8] === data[8*i +: 8], "512")
      end
      for (int i = 0; i < 8; i++) begin
        `CHECK(out64[8*((i + int'(n)) % 8) +: 8] === data[8*i +: 8], "64")
      end
    end
    if (cycle == 400) done_o <= 1'b1;
  end
`BENCH_END
`default_nettype wire
