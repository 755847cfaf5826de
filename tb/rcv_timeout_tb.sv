// SPDX-License-Identifier: Apache-2.0
// rcv_timeout: a microsecond before, at and after the deadline, with and without something to acknowledge, closed and without a
// deadline; sequence numbers and time near 2^31, 2^32 and 2^63. Nothing but delack_vld changes.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(rcv_timeout_tb)
  rcv_ctx_t c, got, want;
  sent_mirror_t e;
  logic [63:0] now = 0;
  logic ack, due;
  rcv_timeout u_dut (.en_i(1'b1), .ctx_i(c), .sent_i(e), .now_us_i(now), .ctx_o(got), .ack_o(ack));

  logic [63:0] r = 64'hfeed_beef_1357_2468;
  int n = 0, dues = 0, acks = 0;
  always @(posedge clk_i) begin
    n <= n + 1;
    r = rnd64(r);
    if (n > 0) begin
      `CHECK(ack === (due && c.nxt != e.ack), "ACK owed")
      `CHECK(got === want, "the deadline alone")
      dues = dues + 32'(due);
      acks = acks + 32'(ack);
    end
    c = {r, r ^ 64'h5a5a, ~r, r, r, r, ~r, r, r, r, r};
    c.open = r[2:0] != 0;
    c.delack_vld = r[5:3] != 0;
    c.nxt = r[6] ? 32'h8000_0000 - 32'(r[8:7]) : r[9] ? 32'd1 - 32'(r[8:7]) : r[42:11];
    e = '0;
    e.wnd_end = r[63:32];
    e.ack = r[43] ? c.nxt : c.nxt - 32'd1 - 32'(r[54:44]);
    c.delack_us = (r[56:55] == 0) ? 64'h7fff_ffff_ffff_ffff : (r[56:55] == 1) ? 64'h1_0000_0000 : (r[56:55] == 2) ? 64'h8000_0000 : {2'd0, r[63:2]};
    now = c.delack_us + 64'(r[58:57]) - 64'd2;                              // two before .. one after
    if (r[62:59] == 0) now = c.delack_us ^ 64'h1_0000_0000;
    due = c.open && c.delack_vld && now >= c.delack_us;
    want = c;
    if (due) want.delack_vld = 1'b0;
    if (n == 3000) begin
      `CHECK(dues > 500 && acks > 200 && acks < dues, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
