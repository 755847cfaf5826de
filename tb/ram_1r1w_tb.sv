// SPDX-License-Identifier: Apache-2.0
// ram_1r1w against an array: a read sees the write of its own cycle, all earlier ones, and no later one; it holds until the
// next read. Few addresses, so that writes and reads meet in every distance.
`default_nettype none
`include "tb.svh"
`BENCH(ram_1r1w_tb)
  logic we = 1'b0, re = 1'b0, live = 1'b0;
  logic [3:0] waddr = 0, raddr = 0;
  logic [39:0] wdata = 0, rdata, expected;
  logic [39:0] model [0:15];
  logic [63:0] r = 64'h0123_4567_89ab_cdef;
  int cycle = 0;
  int forwards = 0;
  int holds = 0;

  ram_1r1w #(.W(40), .Depth(16)) u_dut (
      .clk_i(clk_i), .we_i(we), .waddr_i(waddr), .wdata_i(wdata), .re_i(re), .raddr_i(raddr), .rdata_o(rdata));

  // The first 16 cycles write all words; then phases over 16, 4 and 1 addresses.
  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    we <= (cycle < 16) || r[0];
    re <= (cycle > 17) && (r[2:1] != 2'b00);
    waddr <= (cycle < 16) ? 4'(cycle) : (cycle < 1500) ? r[7:4] : (cycle < 3500) ? {2'b10, r[5:4]} : 4'd15;
    raddr <= (cycle < 1500) ? r[11:8] : (cycle < 3500) ? {2'b10, r[9:8]} : {3'b111, r[8]};
    wdata <= r[63:24];

    if (live) begin `CHECK(rdata === expected, "read data") end
    if (live && !re && we) holds = holds + 1;
    if (re) begin
      expected = (we && waddr == raddr) ? wdata : model[raddr];
      if (we && waddr == raddr) forwards = forwards + 1;
      live = 1'b1;
    end
    if (we) model[waddr] = wdata;
    if (cycle == 5000) begin
      `CHECK(forwards > 500 && holds > 200, "forwarding and holding were exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
