// SPDX-License-Identifier: Apache-2.0
// ack_bits against a model: each rule once with the numbers written out (set, clear, both in one cycle for the same flow and
// for two, saturation at 3, what a pure ACK pays and a header with data does not, init), then random traffic on few flows,
// so that the ports meet often.
`default_nettype none
`include "tb.svh"
`BENCH(ack_bits_tb)
  logic rst_n = 1'b0;
  logic set_valid = 1'b0, set_bit = 1'b0, set_now = 1'b0, set_init = 1'b0, clr_valid = 1'b0, clr_pure = 1'b0;
  logic clr_owed, next_owed;
  logic [11:0] set_flow = 0, clr_flow = 0, next_flow = 0;
  logic [1:0] next_now;
  logic [63:0] r = 64'h0bad_cafe_1234_5671;
  logic [15:0] bits = 0;                  // the model
  logic [1:0] now [0:15];
  logic [1:0] left;
  int n = 0;
  int both = 0;
  int full = 0;

  ack_bits #(.NumFlows(16)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .set_valid_i(set_valid), .set_flow_i(set_flow), .set_bit_i(set_bit),
      .set_now_i(set_now), .set_init_i(set_init), .clr_valid_i(clr_valid), .clr_flow_i(clr_flow), .clr_pure_i(clr_pure),
      .clr_owed_o(clr_owed), .next_flow_i(next_flow), .next_owed_o(next_owed), .next_now_o(next_now));

  initial for (int i = 0; i < 16; i++) now[i] = '0;

  task automatic set(input logic [11:0] f, input logic b, input logic w, input logic i);
    set_valid <= 1'b1; set_flow <= f; set_bit <= b; set_now <= w; set_init <= i;
  endtask
  task automatic clear(input logic [11:0] f, input logic p);
    clr_valid <= 1'b1; clr_flow <= f; clr_pure <= p;
  endtask

  `define IS(owed, count, msg) `CHECK(next_owed === owed && next_now === count, msg)

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 1;
    set_valid <= 1'b0;
    clr_valid <= 1'b0;
    if (n < 100) begin
      case (n)
        6: begin next_flow <= 12'd3; set(12'd3, 1'b1, 1'b0, 1'b0); end
        8: begin `IS(1'b1, 2'd0, "set") clear(12'd3, 1'b0); end
        9: `CHECK(clr_owed, "owed in the cycle of the clear")
        10: begin `IS(1'b0, 2'd0, "clear") set(12'd3, 1'b1, 1'b0, 1'b0); clear(12'd3, 1'b1); end
        12: begin `IS(1'b1, 2'd0, "set wins over clear") set(12'd5, 1'b1, 1'b0, 1'b0); clear(12'd3, 1'b0); end
        14: begin `IS(1'b0, 2'd0, "set of another flow does not hold the clear") next_flow <= 12'd5; end
        16: begin `IS(1'b1, 2'd0, "set beside the clear of another flow") set(12'd5, 1'b1, 1'b1, 1'b0); end
        18: begin `IS(1'b1, 2'd1, "one immediate") set(12'd5, 1'b1, 1'b1, 1'b0); clear(12'd5, 1'b1); end
        20: begin `IS(1'b1, 2'd1, "one paid, one more owed") set(12'd5, 1'b1, 1'b1, 1'b0); clear(12'd5, 1'b0); end
        22: begin `IS(1'b1, 2'd2, "data pays no immediate ACK") set(12'd5, 1'b1, 1'b1, 1'b0); end
        24: begin `IS(1'b1, 2'd3, "three") set(12'd5, 1'b1, 1'b1, 1'b0); end
        26: begin `IS(1'b1, 2'd3, "saturates") set(12'd5, 1'b1, 1'b1, 1'b0); clear(12'd5, 1'b1); end
        28: begin `IS(1'b1, 2'd3, "full: one paid, one more") clear(12'd5, 1'b1); end
        30: begin `IS(1'b1, 2'd2, "first paid: the bit is clear, the count is not") clear(12'd5, 1'b1); end
        32: begin `IS(1'b1, 2'd1, "second paid") clear(12'd5, 1'b0); end
        34: begin `IS(1'b1, 2'd1, "a header with data pays none") clear(12'd5, 1'b1); end
        36: begin `IS(1'b0, 2'd0, "all paid") clear(12'd5, 1'b1); end
        38: begin `IS(1'b0, 2'd0, "nothing to pay") set(12'd5, 1'b1, 1'b1, 1'b0); end
        40: begin `IS(1'b1, 2'd1, "owed again") set(12'd5, 1'b0, 1'b0, 1'b1); end
        42: begin `IS(1'b0, 2'd0, "init") set(12'd5, 1'b1, 1'b1, 1'b0); end
        44: begin set(12'd5, 1'b0, 1'b0, 1'b1); clear(12'd5, 1'b1); end
        46: begin `IS(1'b0, 2'd0, "init beside a clear") set(12'd15, 1'b1, 1'b1, 1'b0); end
        48: begin `IS(1'b0, 2'd0, "another flow is untouched") next_flow <= 12'd15; end
        50: begin `IS(1'b1, 2'd1, "last flow") clear(12'd15, 1'b1); end
        52: `IS(1'b0, 2'd0, "last flow paid")
        default: ;
      endcase
    end else if (n < 6000) begin
      `CHECK(next_owed === (bits[next_flow[3:0]] || now[next_flow[3:0]] != 0), "owed, to dd_next")
      `CHECK(next_now === now[next_flow[3:0]], "immediate count")
      `CHECK(clr_owed === (bits[clr_flow[3:0]] || now[clr_flow[3:0]] != 0), "owed, to the assembler")
      if (now[next_flow[3:0]] == 2'd3) full = full + 1;
      if (set_valid && clr_valid && set_flow == clr_flow) both = both + 1;
      // The model: clear first, then set.
      if (clr_valid) begin
        left = now[clr_flow[3:0]];
        bits[clr_flow[3:0]] = 1'b0;
        if (clr_pure && left > 0) now[clr_flow[3:0]] = left - 2'd1;
      end
      if (set_valid && set_init) begin
        bits[set_flow[3:0]] = 1'b0;
        now[set_flow[3:0]] = 2'd0;
      end else if (set_valid) begin
        if (set_bit) bits[set_flow[3:0]] = 1'b1;
        left = now[set_flow[3:0]];
        if (set_now && left < 3) now[set_flow[3:0]] = left + 2'd1;
      end
      r = rnd64(r);
      set_valid <= r[0] || r[1];
      set_flow <= 12'(r[4:2] == 0 ? r[11:8] : {2'b01, r[9:8]});
      set_bit <= r[12];
      set_now <= r[13];
      set_init <= r[18:14] == 0;
      clr_valid <= r[20];
      clr_flow <= 12'(r[24:22] == 0 ? r[31:28] : {2'b01, r[29:28]});
      clr_pure <= r[32];
      next_flow <= 12'(r[36] ? {2'b01, r[41:40]} : r[43:40]);
    end else if (n == 6000) begin
      `CHECK(both > 200 && full > 200, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`undef IS
`default_nettype wire
