// SPDX-License-Identifier: Apache-2.0
// dd_incoming against a model that computes with distances from SND.UNA instead of sequence numbers: ACKs below, at, inside
// and above the valid range (up to max, also when a timeout has pulled nxt back), windows opened, closed and grown, the
// timer's restart and stop, resets, release tokens, closed flows; una near 2^31 and 2^32. Directed cases first, with numbers
// written out. Every member of the context that a rule does not name must stay.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(dd_incoming_tb)
  snd_ctx_t c, v, x, got;
  dd_in_t e, w;
  logic [63:0] now = 0;
  logic wake, xwake, adv;
  logic [63:0] r = 64'h5555_1234_9876_abc1;
  logic [31:0] base, to_nxt, to_max, to_ack, left;
  logic [1279:0] junk;
  int n = 0;
  int advances = 0;
  int ignored = 0;
  int pulled = 0;

  dd_incoming u_dut (.ctx_i(c), .ev_i(e), .now_us_i(now), .ctx_o(got), .wake_o(wake));

  // An open flow with 1000 .. 3000 in flight and nxt at 2000 above `base`.
  task automatic flow(input logic [31:0] at);
    v = '0;
    v.open = 1'b1;
    v.una = at + 32'd1000;
    v.nxt = at + 32'd2000;
    v.max = at + 32'd3000;
    v.wnd = 32'd5000;
    v.max_wnd = 32'd6000;
    v.rto_vld = 1'b1;
    v.rto_at_us = 64'd777;
    v.rto_us = 32'd800000;
    v.backoff = 4'd2;
    v.retries = 4'd5;
    w = '0;
    w.kind = DdAck;
    w.wnd_vld = 1'b1;
    w.wnd = 32'd5000;
  endtask

  always @(posedge clk_i) begin
    n <= n + 1;
    now <= 64'h1_0000_0000;
    // --- what the inputs of the cycle before gave
    if (n > 0 && n < 40) begin
      case (n - 1)
        0, 10, 20: begin
          `CHECK(wake, "an ACK wakes")
          `CHECK(got.una == e.ack && got.nxt == c.nxt && got.max == c.max, "advance inside nxt")
          `CHECK(got.rto_vld && got.rto_at_us == 64'h1_0003_0d40 && got.rto_us == 200000 && got.backoff == 0, "restart")
          `CHECK(got.retries == 0 && got.wnd == 5000 && got.max_wnd == 6000, "advance: the rest")
        end
        1, 11, 21: begin
          `CHECK(got.una == e.ack && got.nxt == e.ack && got.max == c.max, "ACK above nxt pulls nxt along")
          `CHECK(got.rto_vld && got.rto_us == 200000, "still in flight: timer stays")
        end
        2, 12, 22: begin
          `CHECK(got.una == e.ack && got.nxt == e.ack && got.max == e.ack, "ACK of all")
          `CHECK(!got.rto_vld, "all acknowledged: timer off")
        end
        3, 13, 23: begin
          `CHECK(got.una == c.una && got.nxt == c.nxt && got.max == c.max, "ACK beyond max ignored")
          `CHECK(got.rto_vld && got.rto_at_us == 777 && got.rto_us == 800000 && got.backoff == 2, "timer untouched")
        end
        4, 14, 24: `CHECK(got.una == c.una && got.nxt == c.nxt && got.rto_at_us == 777, "old ACK changes nothing")
        5, 15, 25: begin
          `CHECK(got.una == c.una && got.nxt == c.nxt && got.rto_at_us == 777, "duplicate ACK: pointers and timer")
          `CHECK(got.wnd == 9000 && got.max_wnd == 9000 && !got.probe, "window opened")
        end
        6, 16, 26: `CHECK(got.wnd == 0 && got.max_wnd == 6000 && got.probe && got.rto_vld, "window closed")
        7, 17, 27: `CHECK(got.wnd == 5000 && got.max_wnd == 6000, "no window in the event")
        8, 18, 28: `CHECK(got.rto_vld && got.probe && got.retries == 0, "closed window keeps its probe timer")
        9, 19, 29: `CHECK(!got.rto_vld && !got.probe && got.wnd == 1, "window opens with nothing in flight: timer off")
        30: `CHECK(!got.open && !got.rto_vld && got.una == c.una && !wake, "reset")
        31: `CHECK(got === c && !wake, "release is the pipeline's business")
        32: `CHECK(got === c && !wake, "closed flow: ACK")
        33: `CHECK(got === c && !wake, "closed flow: reset")
        default: ;
      endcase
    end
    if (n > 40) begin
      // The model.
      x = c;
      xwake = 1'b0;
      to_nxt = c.nxt - c.una;
      to_max = c.max - c.una;
      to_ack = e.ack - c.una;
      adv = to_ack != 0 && to_ack <= to_max;
      if (c.open && e.kind == DdReset) begin
        x.open = 1'b0;
        x.rto_vld = 1'b0;
      end
      if (c.open && !c.gave_up && e.kind == DdAck) begin
        xwake = 1'b1;
        x.retries = 4'd0;
        left = to_max;
        if (adv) begin
          x.una = e.ack;
          if (to_ack > to_nxt) x.nxt = e.ack;
          x.backoff = 4'd0;
          x.rto_us = 32'd200000;
          x.rto_vld = 1'b1;
          x.rto_at_us = now + 64'd200000;
          left = to_max - to_ack;
          advances = advances + 1;
          if (to_ack > to_nxt) pulled = pulled + 1;
        end else if (to_ack != 0) ignored = ignored + 1;
        if (e.wnd_vld) begin
          x.wnd = e.wnd;
          if (c.max_wnd < e.wnd) x.max_wnd = e.wnd;
          if (e.wnd > 0) x.probe = 1'b0;
        end
        if (left == 0 && adv) x.rto_vld = 1'b0;
        if (left == 0 && !adv && x.wnd > 0) x.rto_vld = 1'b0;
      end
      `CHECK(got === x, "context against the model")
      `CHECK(wake === xwake, "wake against the model")
    end
    // --- the next inputs
    base = (n < 10) ? 32'd0 : (n < 20) ? 32'hffff_f800 : (n < 30) ? 32'h7fff_f400 : 32'hffff_0000;
    flow(base);
    if (n < 40) begin
      case (n)
        0, 10, 20: w.ack = base + 32'd1500;
        1, 11, 21: w.ack = base + 32'd2500;
        2, 12, 22: w.ack = base + 32'd3000;
        3, 13, 23: w.ack = base + 32'd3001;
        4, 14, 24: w.ack = base + 32'd900;
        5, 15, 25: begin w.ack = base + 32'd1000; w.wnd = 32'd9000; v.probe = 1'b1; end
        6, 16, 26: begin w.ack = base + 32'd1000; w.wnd = 32'd0; v.probe = 1'b1; end
        7, 17, 27: begin w.ack = base + 32'd1500; w.wnd = 32'd9999; w.wnd_vld = 1'b0; end
        8, 18, 28: begin v.una = v.max; v.nxt = v.max; w.ack = v.max; w.wnd = 0; v.wnd = 0; v.probe = 1'b1; end
        9, 19, 29: begin v.una = v.max; v.nxt = v.max; w.ack = v.max; w.wnd = 1; v.wnd = 0; v.probe = 1'b1; end
        30: begin w.kind = DdReset; w.ack = base + 32'd1500; end
        31: begin w.kind = DdRelease; w.ack = base + 32'd1500; end
        32: begin v.open = 1'b0; w.ack = base + 32'd1500; end
        33: begin v.open = 1'b0; w.kind = DdReset; end
        default: ;
      endcase
    end else begin
      // All of the context random, then the pointers in order and near an edge.
      for (int i = 0; i < 20; i++) begin
        r = rnd64(r);
        junk[64*i +: 64] = r;
      end
      v = junk[nic_pkg::SndCtxW-1:0];
      v.gave_up = (junk[1279:1277] == 3'd0);
      r = rnd64(r);
      v.open = r[3:0] != 0;
      v.una = (r[5:4] == 0) ? 32'hffff_ff00 + 32'(r[15:8]) : (r[5:4] == 1) ? 32'h7fff_ff00 + 32'(r[15:8])
            : (r[5:4] == 2) ? 32'h0 : r[63:32];
      to_max = (r[17:16] == 0) ? 32'd0 : (r[17:16] == 1) ? 32'(r[23:20]) : 32'(r[31:20]);
      r = rnd64(r);
      to_nxt = (r[1:0] == 0) ? 32'd0 : (r[1:0] == 1) ? to_max : to_max & r[63:32];
      v.nxt = v.una + to_nxt;
      v.max = v.una + to_max;
      if (r[3:2] == 0) v.wnd = 32'd0;
      w.kind = (r[8:4] == 0) ? DdReset : (r[8:4] == 1) ? DdRelease : DdAck;
      case (r[11:9])
        0: w.ack = v.una;
        1: w.ack = v.max;
        2: w.ack = v.max + 32'd1;
        3: w.ack = v.nxt;
        4: w.ack = v.una - 32'(r[63:56]);
        5: w.ack = v.max + 32'(r[63:56]);
        default: w.ack = v.una + (to_max & r[63:32]);
      endcase
      r = rnd64(r);
      w.wnd_vld = r[0];
      w.wnd = (r[2:1] == 0) ? 32'd0 : (r[2:1] == 1) ? v.max_wnd : (r[2:1] == 2) ? 32'(r[19:4]) : 32'(r[33:4]);
      w.no_data = r[3];
      w.flow = r[51:40];
      r = rnd64(r);
      now <= r[0] ? r : 64'(r[47:16]);
    end
    c <= v;
    e <= w;
    if (n == 5000) begin
      `CHECK(advances > 1000 && ignored > 500 && pulled > 200, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
