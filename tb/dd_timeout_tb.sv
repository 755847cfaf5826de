// SPDX-License-Identifier: Apache-2.0
// dd_timeout: a deadline that has not passed, passes now, or passed long ago; a stale hit (closed flow, no deadline, deadline
// moved on); back-off doubling from 200 ms to 60 s and staying there; giving up after 12 retries, or by the user timeout, be it
// shorter or longer; nxt back to una; recovery and scoreboard forgotten, what congestion control hears; the probe of a closed
// window; time beyond 2^32 and 2^63. First whole lives of timeouts fed back, then random contexts against a model.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(dd_timeout_tb)
  snd_ctx_t c, v, x, got;
  logic [63:0] now = 0, t = 0;
  logic wake, due, expired, tokens;
  cc_in_t cc;
  logic [63:0] r = 64'h7777_1234_9876_abc1;
  logic [1535:0] junk;
  logic [63:0] rto;
  int n = 0;
  int fired = 0;
  int gave = 0;
  int users = 0, ticks = 0, probes = 0;
  logic waits, user;
  logic [63:0] user_at;
  logic [3:0] xkind;

  dd_timeout u_dut (.en_i(1'b1), .ctx_i(c), .now_us_i(now), .ctx_o(got), .cc_o(cc), .expired_o(expired), .wake_o(wake));

  always @(posedge clk_i) begin
    n <= n + 1;
    if (n == 0) begin
      v = '0;
      v.open = 1'b1;
      v.una = 32'hffff_fff0;
      v.nxt = 32'h0000_0010;
      v.max = 32'h0000_0020;
      v.wnd = 32'd100;
      v.rto_vld = 1'b1;
      v.rto_us = 32'd200000;
      t = 64'hffff_f000;
      v.rto_at_us = t;
      c <= v;
      now <= t - 64'd1;
    end else if (n == 1) begin
      `CHECK(got === c && !wake, "one microsecond early")
      now <= t;
    end else if (n >= 2 && n < 14) begin
      // The (n - 2)th timeout.
      rto = 64'd200000 << (n - 1);
      if (rto > 64'd60000000) rto = 64'd60000000;
      x = c;
      x.nxt = 32'hffff_fff0;
      x.rto_us = rto[31:0];
      x.rto_at_us = t + rto;
      x.retries = 4'(n - 1);
      x.backoff = 4'(n - 1);
      x.recover = 32'h0000_0020;
      `CHECK(got === x && wake, "a timeout of the series")
      `CHECK(cc.kind == CcTimeout && cc.flight == 48 && cc.first == (n == 2), "the window hears of it, and which is the first")
      `CHECK(!got.gave_up, "not yet given up")
      v = got;
      v.nxt = 32'h0000_0010;
      c <= v;
      t = t + rto;
      now <= t;
    end else if (n == 14) begin
      `CHECK(c.retries == 12 && c.rto_us == 60000000, "twelve retries, back-off at its ceiling")
      x = c;
      x.gave_up = 1'b1;
      x.told_flags = 1'b0;
      x.rto_vld = 1'b0;
      `CHECK(got === x && wake, "gives up: no deadline, news, pointers stay")
      c <= got;
      now <= t + 64'd1000;
    end else if (n == 15) begin
      `CHECK(got === c && !wake, "no deadline")
      v = c; v.rto_vld = 1'b1; v.open = 1'b0;
      c <= v;
    end else if (n == 16) begin
      `CHECK(got === c && !wake, "closed flow")
      v = c; v.open = 1'b1; v.retries = 0; v.wnd = 0; v.probe = 1'b0; v.gave_up = 1'b0;
      c <= v;
    end else if (n == 17) begin
      `CHECK(got.probe && got.nxt == got.una && wake, "closed window: probe")
      v = c; v.wnd = 1; v.probe = 1'b1;
      c <= v;
    end else if (n == 18) begin
      `CHECK(!got.probe && got.nxt == got.una && wake, "open window: no probe")
      // A user timeout of 1 s; stuck since 10 s, RTO 300 ms.
      v = c;
      v.user_timeout_ms = 32'd1000; v.stuck_us = 64'd10000000; v.retries = 0; v.backoff = 0; v.rto_us = 32'd300000;
      v.rto_vld = 1'b1; v.rto_at_us = 64'd10300000; v.recovery = 1'b1; v.rxt_first = 1'b1; v.dup_acks = 4'd3; v.sack_n = 3'd1;
      v.sack0_start = 32'd5; v.sack0_end = 32'd9;
      c <= v;
      now <= 64'd10300000;
    end else if (n == 19) begin
      `CHECK(got.rto_at_us == 64'd10900000 && got.retries == 1 && !got.gave_up, "the first: 600 ms, no later than the user timeout")
      `CHECK(!got.recovery && !got.rxt_first && got.dup_acks == 0 && got.recover == got.max, "recovery is over")
      `CHECK(got.sack_n == 0 && got.sack0_start == 0 && got.sack0_end == 0, "the scoreboard is forgotten")
      c <= got;
      now <= 64'd10900000;
    end else if (n == 20) begin
      `CHECK(got.rto_us == 1200000 && got.rto_at_us == 64'd11000000 && got.retries == 2, "the second: at the user timeout")
      c <= got;
      now <= 64'd11000000;
    end else if (n == 21) begin
      `CHECK(got.gave_up && !got.rto_vld, "the user timeout has run out")
      v = c; v.user_timeout_ms = 32'd100; v.retries = 0; v.rto_us = 32'd300000; v.rto_at_us = 64'd11000000;
      c <= v;
    end else if (n == 22) begin
      `CHECK(!got.gave_up && got.rto_at_us == 64'd11300000, "what goes again first has its RTO")
      v = c; v.user_timeout_ms = 32'd100000; v.retries = 4'd15; v.rto_us = 32'd300000; v.backoff = 4'd15;
      c <= v;
    end else if (n == 23) begin
      `CHECK(!got.gave_up && got.retries == 15 && got.backoff == 15 && got.rto_at_us == 64'd11600000, "longer than twelve retransmissions")
      v = c; v.una = v.max; v.wnd = 32'd0; v.user_timeout_ms = 32'd1; v.retries = 4'd3;
      c <= v;
    end else if (n == 24) begin
      `CHECK(!got.gave_up && got.probe && cc.kind == CcQuiet && got.rto_at_us == 64'd11600000, "probes are not given up by it")
    end else if (n >= 30) begin
      if (n > 30) begin
        due = c.open && c.rto_vld && !(now < c.rto_at_us);
        x = c;
        waits = (c.max - c.una) != 0;
        user = c.user_timeout_ms != 0;
        user_at = c.stuck_us + 64'(c.user_timeout_ms) * 64'd1000;
        xkind = CcQuiet;
        if (due) begin
          fired = fired + 1;
          if (user ? waits && c.retries > 0 && now >= user_at : c.retries >= 4'd12) begin
            gave = gave + 1;
            x.gave_up = 1'b1; x.told_flags = 1'b0; x.rto_vld = 1'b0;
          end else begin
            x.nxt = c.una;
            x.probe = (c.wnd == 0) || !waits;
            rto = 64'(c.rto_us) + 64'(c.rto_us);
            if (rto > 64'd60000000) rto = 64'd60000000;
            x.rto_us = rto[31:0];
            x.rto_at_us = now + rto;
            if (user && waits) begin
              if (c.retries == 0 && user_at < now + 64'(c.rto_us)) user_at = now + 64'(c.rto_us);
              if (user_at < now) user_at = now;
              if (user_at < x.rto_at_us) begin x.rto_at_us = user_at; users = users + 1; end
            end
            if (c.retries != 4'd15) x.retries = c.retries + 4'd1;
            if (c.backoff != 4'd15) x.backoff = c.backoff + 4'd1;
            if (waits) begin
              x.recovery = 1'b0; x.rxt_first = 1'b0; x.recover = c.max; x.dup_acks = 4'd0; x.sack_n = 3'd0;
              x.sack0_start = 0; x.sack1_start = 0; x.sack2_start = 0; x.sack3_start = 0;
              x.sack0_end = 0; x.sack1_end = 0; x.sack2_end = 0; x.sack3_end = 0;
              if (c.nxt != c.una) xkind = CcTimeout;         // not for a probe alone
              else probes = probes + 1;
            end
          end
        end
        `CHECK(cc.kind === xkind, "what congestion control hears")
        if (xkind == CcTimeout) begin `CHECK(cc.flight === c.max - c.una && cc.first === (c.backoff == 0) && cc.sack === c.sack_ok, "and how much was out") end
        tokens = c.open && c.pace_wait && now >= c.pace_at_us;
        if (tokens) x.pace_wait = 1'b0;
        if (tokens && !due) ticks = ticks + 1;
        `CHECK(got === x, "context against the model")
        `CHECK(wake === (due || tokens) && expired === due, "wakes when due")
      end
      for (int i = 0; i < 24; i++) begin
        r = rnd64(r);
        junk[64*i +: 64] = r;
      end
      v = junk[nic_pkg::SndCtxW-1:0];
      r = rnd64(r);
      v.open = r[2:0] != 0;
      v.rto_vld = r[5:4] != 0;
      if (r[6]) v.wnd = 0;
      if (r[7]) v.rto_us = 32'd60000000 - 32'(r[19:8]);
      else v.rto_us = 32'd200000 << r[10:8];
      if (r[63:61] == 0) v.retries = 4'd12;
      if (r[60:59] == 0) v.una = v.max;
      if (r[30:28] == 0) v.nxt = v.una;
      if (r[58:57] == 0) v.user_timeout_ms = 32'd0;
      else v.user_timeout_ms = 32'(r[56:44] >> r[43:41]) + 32'd1;
      if (r[40:39] == 0) v.backoff = 4'd0;
      t = r[21] ? v.rto_at_us + 64'(r[31:24]) : r[22] ? v.rto_at_us - 64'(r[31:24]) : r[23] ? v.rto_at_us : junk[1279:1216];
      // The distance is small, so an edge of 64 bits is not crossed but those of 32 and 63 are.
      if (r[20]) begin
        v.rto_at_us = (r[32] ? 64'h7fff_ffff_ffff_ff80 : 64'h0000_0000_ffff_ff80) + 64'(r[39:32]);
        t = v.rto_at_us + 64'(r[47:40]) - 64'd128;
      end
      v.pace_at_us = (r[32:31] == 0) ? t : t - 64'd1 + 64'(r[31:30]);
      v.stuck_us = t - 64'(r[56:33]) + 64'd1000000;
      now <= t;
      c <= v;
    end
    if (n == 4000) begin
      `CHECK(fired > 1000 && gave > 100 && users > 50 && ticks > 100 && probes > 10, "exercised")
      if (errors_o != 0) $display("fired %0d gave %0d users %0d ticks %0d probes %0d", fired, gave, users, ticks, probes);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
