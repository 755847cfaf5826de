// SPDX-License-Identifier: Apache-2.0
// rcv_read: when a window update is owed (RFC 9293 section 3.8.6.2.2), by numbers on both sides of each limit, and at random
// against the rule in distances from RCV.NXT; RCV.NXT near 2^31, near 2^32 and anywhere. Nothing but the edge changes. A second one
// has a ring that the window field cannot say without a scale.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(rcv_read_tb)
  localparam int Ring = 8192;
  rcv_ctx_t c, got, want;
  sent_mirror_t e;
  logic [31:0] consumed = 0;
  logic update, expected = 0;
  rcv_read #(.RxBufBytes(Ring)) u_dut (.en_i(1'b1), .ctx_i(c), .consumed_i(consumed), .sent_i(e), .ctx_o(got), .update_o(update));

  localparam int Large = 262144;
  rcv_ctx_t got_large;
  logic update_large, expected_large = 0;
  int most, reach, yes_large = 0;
  rcv_read #(.RxBufBytes(Large)) u_large (.en_i(1'b1), .ctx_i(c), .consumed_i(consumed), .sent_i(e), .ctx_o(got_large), .update_o(update_large));

  function automatic logic owed(input logic [31:0] more, input logic [31:0] half);
    owed = c.open && !c.fin_done && (more >= half || (more >= 32'(c.mss) && int'(e.wnd_end - c.nxt) < 2 * int'(c.mss)));
  endfunction

  // RCV.NXT, from it back to what was consumed, from it on to the edge the peer knows, MSS.
  task automatic set(input logic [31:0] nxt, input int unread, input int seen, input int mss, input logic open, input logic fin);
    c = {r, r ^ 64'h5a5a, ~r, r, r, r, ~r, r, r, r, r};
    c.open = open;
    c.fin_done = fin;
    c.nxt = nxt;
    c.mss = 16'(mss);
    e = '0;
    e.wnd_end = nxt + seen;
    e.ack = r[31:0];
    consumed = nxt - unread;
    want = c;
    want.wnd_end = nxt - unread + Ring;
    gained = Ring - unread - seen;
    expected = open && !fin && gained >= 0 && (gained >= Ring / 2 || (gained >= mss && seen < 2 * mss));
  endtask

  logic [63:0] r = 64'h1bad_cafe_1357_2468;
  logic [31:0] at;
  int n = 0, gained, yes = 0;
  always @(posedge clk_i) begin
    n <= n + 1;
    r = rnd64(r);
    if (n > 0) begin
      `CHECK(update === expected, "update owed")
      `CHECK(got === want, "the edge alone")
      yes = yes + 32'(update);
      `CHECK(update_large === expected_large, "update owed of a large ring")
      `CHECK(got_large.wnd_end === consumed + Large, "its edge")
      yes_large = yes_large + 32'(update_large);
    end
    at = (n % 3 == 0) ? 32'h8000_0000 - 32'(r[10:0]) : (n % 3 == 1) ? -32'(r[10:0]) : r[63:32];
    case (n / 3)
      0: begin set(at, 0, Ring / 2, 1000, 1'b1, 1'b0); `CHECK(expected, "half the ring") end
      1: begin set(at, 1, Ring / 2, 1000, 1'b1, 1'b0); `CHECK(!expected, "a byte less") end
      2: begin set(at, 5193, 1999, 1000, 1'b1, 1'b0); `CHECK(expected, "a segment, for one who sees less than two") end
      3: begin set(at, 5194, 1999, 1000, 1'b1, 1'b0); `CHECK(!expected, "a byte less") end
      4: begin set(at, 5192, 2000, 1000, 1'b1, 1'b0); `CHECK(!expected, "one who sees two can go on") end
      5: begin set(at, 7000, -5, 1000, 1'b1, 1'b0); `CHECK(expected, "the peer probes beyond what it knows") end
      6: begin set(at, 0, 0, 1000, 1'b1, 1'b1); `CHECK(!expected, "after its FIN") end
      7: begin set(at, 0, 0, 1000, 1'b0, 1'b0); `CHECK(!expected, "closed") end
      default: begin
        gained = (r[3:0] == 0) ? Ring / 2 : int'(r[17:4]) % Ring;
        set(at, int'(r[30:18]) % (Ring - gained + 1), 0, 1 + int'(r[41:31]), r[45:42] != 0, r[49:46] == 0);
        e.wnd_end = want.wnd_end - gained;
      end
    endcase
    most = (c.rcv_wscale < 4'd3) ? 32'h0000_ffff << c.rcv_wscale : Large;
    reach = int'(consumed - c.nxt) + Large;
    if (reach > most) reach = most;
    // As often near the limits of the large ring as near those of the other.
    if (n[0]) e.wnd_end = c.nxt + reach - ((r[51:50] == 0) ? most / 2 : (r[51:50] == 1) ? most / 2 - 1 : int'(r[63:52]));
    expected = owed(want.wnd_end - e.wnd_end, Ring / 2);
    expected_large = owed(c.nxt + reach - e.wnd_end, most / 2);
    if (n == 3000) begin
      `CHECK(yes_large > 500 && yes_large < 2900, "exercised, the large ring")
      `CHECK(yes > 500 && yes < 2900, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
