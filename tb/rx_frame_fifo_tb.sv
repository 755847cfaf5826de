// SPDX-License-Identifier: Apache-2.0
// rx_frame_fifo against a model of pointers: random frames, committed with or after their last beat, dropped with, after or
// before any beat, beats offered while full (not taken), a reader that walks or skips committed beats only, full and empty,
// many wraps; the reader sees exactly the committed beats.
`default_nettype none
`include "tb.svh"
`BENCH(rx_frame_fifo_tb)
  localparam int Depth = 16;
  logic rst_n = 1'b0;
  logic w_valid = 0, w_commit = 0, w_drop = 0, full, re = 0, empty, check_q = 0;
  logic [63:0] w_data = '0, rdata, expected;
  logic [10:0] adv = 0;
  logic [63:0] mem [0:Depth-1];
  int wr = 0;                             // model: beats written, committed, read
  int commit = 0;
  int rd = 0;
  int left;
  int cycle = 0;
  int fulls = 0;
  int drops = 0;
  int reads = 0;
  logic [63:0] r = 64'h4321_5678_9abc_def1;
  logic [63:0] s = 64'hfeed_5678_9abc_def1;
  int ops;

  rx_frame_fifo #(.DataW(64), .Depth(Depth)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .w_valid_i(w_valid), .w_data_i(w_data), .w_commit_i(w_commit), .w_drop_i(w_drop),
      .w_full_o(full), .re_i(re), .adv_i(adv), .rdata_o(rdata), .empty_o(empty));

  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(s);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (rst_n) begin
      `CHECK(full === (wr - rd == Depth), "full")
      `CHECK(empty === (wr == rd), "empty")
      if (check_q) begin `CHECK(rdata === expected, "beat read") end
      check_q <= re;
      if (re) begin expected = mem[rd % Depth]; reads = reads + 1; end
      // The model's step for the inputs of this cycle.
      left = wr - rd;
      rd = rd + int'(adv);
      if (w_valid) begin
        if (left < Depth) begin
          mem[wr % Depth] = w_data;
          wr = wr + 1;
        end else fulls = fulls + 1;
      end
      if (w_commit) commit = wr;
      if (w_drop) begin
        if (wr != commit) drops = drops + 1;
        wr = commit;
      end
      // The next inputs. Phases: writer faster, even, reader faster; commits come seldom in some so that one frame fills all.
      ops = (cycle / 400) % 4;
      w_valid <= (ops == 0) ? 1'b1 : (ops == 3) ? r[1:0] == 2'd0 : r[0];
      w_data <= r ^ {s[31:0], s[63:32]};
      w_commit <= (ops == 2) ? r[10:6] == 5'd0 : r[7:6] == 2'd0;
      w_drop <= (r[7:6] != 2'd0) && ((ops == 2) ? r[16:12] == 5'd0 : r[14:12] == 3'd0);
      re <= 1'b0;
      adv <= '0;
      left = commit - rd;
      if (left > 0) begin
        re <= s[0];
        case (s[3:1])
          3'd0: adv <= 11'(left);                                                     // skip all there is
          3'd1: adv <= 11'(1 + int'(s[20:16]) % left);
          default: adv <= 11'((ops == 0) ? s[7:4] == 4'd0 : s[4] || ops == 3);
        endcase
      end
    end
    if (cycle == 8000) begin
      `CHECK(fulls > 100 && drops > 100 && reads > 1000, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
