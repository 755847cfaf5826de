// SPDX-License-Identifier: Apache-2.0
// dd_incoming against a model that computes with distances from SND.UNA instead of sequence numbers, and keeps the scoreboard
// as a bitmap: ACKs below, at, inside and above the valid range (up to max, also when a timeout has pulled nxt back), windows
// opened, closed and grown, the timer's restart and stop, RTT by timing and by echo, duplicate ACKs and SACK blocks, recovery
// that begins, goes on and ends, what congestion control hears, resets, release tokens, closed flows; una near 2^31 and 2^32.
// Directed cases first, with numbers written out. Every member of the context that a rule does not name must stay.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(dd_incoming_tb)
  snd_ctx_t c, v, x, got;
  dd_in_t e, w;
  cc_in_t cc;
  logic [63:0] now = 0;
  logic wake, xwake, adv;
  logic [63:0] r = 64'h5555_1234_9876_abc1;
  logic [31:0] base, to_nxt, to_max, to_ack, left;
  logic [1535:0] junk;
  cc_in_t xcc;
  logic [63:0] map, was;
  logic [127:0] xs, xe;
  logic [2:0] xn;
  logic [31:0] to_recover, back;
  logic [63:0] now_v;
  logic shut, run;
  longint rtt, err;
  int timed = 0, echoed = 0, ended = 0, dups = 0, begun = 0, opened = 0, blocks = 0, fifth = 0, shown = 0, renewed = 0, at;
  int n = 0;
  int advances = 0;
  int ignored = 0;
  int pulled = 0;

  dd_incoming u_dut (.en_i(1'b1), .ctx_i(c), .ev_i(e), .now_us_i(now), .ctx_o(got), .cc_o(cc), .wake_o(wake));

  // The scoreboard as a bitmap of the 64 bytes from una on, and back: the lowest four runs, into x.
  function automatic logic [63:0] map_of(input logic [127:0] s, input logic [127:0] t, input logic [2:0] k, input logic [31:0] una);
    map_of = '0;
    for (int i = 0; i < 64; i++)
      for (int j = 0; j < 4; j++)
        if (3'(j) < k && 32'(i) >= s[32*j +: 32] - una && 32'(i) < t[32*j +: 32] - una) map_of[i] = 1'b1;
  endfunction
  task automatic list_map(input logic [31:0] una);
    xs = '0;
    xe = '0;
    at = 0;
    run = 1'b0;
    for (int i = 0; i < 64; i++) begin
      if (map[i] && !run) begin
        at = at + 1;
        if (at <= 4) xs[32*(at-1) +: 32] = una + 32'(i);
      end
      if (map[i] && at <= 4) xe[32*(at-1) +: 32] = una + 32'(i) + 32'd1;
      run = map[i];
    end
    xn = (at > 4) ? 3'd4 : 3'(at);
  endtask
  task automatic put_map(input logic [31:0] una);
    list_map(una);
    x.sack_n = xn;
    x.sack0_start = xs[31:0]; x.sack1_start = xs[63:32]; x.sack2_start = xs[95:64]; x.sack3_start = xs[127:96];
    x.sack0_end = xe[31:0]; x.sack1_end = xe[63:32]; x.sack2_end = xe[95:64]; x.sack3_end = xe[127:96];
  endtask
  // A hole at una with three runs above it, or more than two segments.
  function automatic logic lost(input logic [63:0] m, input logic [15:0] mss);
    int ones, runs;
    ones = 0;
    runs = 0;
    for (int i = 0; i < 64; i++) begin
      if (m[i]) ones = ones + 1;
      if (m[i] && (i == 0 || !m[i-1])) runs = runs + 1;
    end
    // Of what begins at una the edge says nothing.
    if (m[0]) begin
      runs = runs - 1;
      for (int i = 0; i < 64; i++) if (m[i] && (m & ((64'd2 << i) - 64'd1)) == (64'd2 << i) - 64'd1) ones = ones - 1;
    end
    lost = runs >= 3 || ones > 2 * int'(mss);
  endfunction
  function automatic logic [31:0] rto_of(input logic [31:0] srtt, input logic [31:0] rttvar);
    longint v;
    v = longint'({32'd0, srtt}) / 8 + ((rttvar < 1000) ? 1000 : longint'({32'd0, rttvar}));
    rto_of = (v < 200000) ? 32'd200000 : (v > 60000000) ? 32'd60000000 : v[31:0];
  endfunction

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
          `CHECK(got.rto_vld && got.rto_at_us == 64'h1_000c_3500 && got.rto_us == 800000 && got.backoff == 0, "restart: what backed off stays until it is measured")
          `CHECK(cc.kind == CcAck && cc.acked == 500 && cc.flight == 2000 && !cc.sack, "the window hears of it")
          `CHECK(got.retries == 0 && got.wnd == 5000 && got.max_wnd == 6000, "advance: the rest")
        end
        1, 11, 21: begin
          `CHECK(got.una == e.ack && got.nxt == e.ack && got.max == c.max, "ACK above nxt pulls nxt along")
          `CHECK(got.rto_vld && got.rto_us == 800000, "still in flight: timer stays")
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
    if (n >= 50 && n < 100) begin
      // One flow's life, each result the next context.
      case (n - 1)
        50: `CHECK(got.srtt_us == 800000 && got.rttvar_us == 200000 && got.rto_us == 300000 && !got.rtt_vld, "the first measurement: 100 ms")
        51: `CHECK(got.srtt_us == 780000 && got.rttvar_us == 170000 && got.rto_us == 267500, "the second: 80 ms")
        52: `CHECK(got.srtt_us == 780000 && got.rto_us == 267500 && got.rtt_vld, "not yet the byte that is timed")
        53: `CHECK(got.srtt_us == c.srtt_us + 32'd1024 * 100 - 32'd97500 && !got.rtt_vld, "an echo: 100 ticks")
        54: `CHECK(got.dup_acks == 1 && !got.recovery && cc.kind == CcQuiet, "a duplicate")
        55: `CHECK(got.dup_acks == 2 && !got.recovery && cc.kind == CcQuiet, "two")
        56: begin `CHECK(got.dup_acks == 3 && got.recovery && got.rxt_first && got.recover == c.max && got.high_rxt == c.una, "three")
              `CHECK(cc.kind == CcLoss && cc.flight == c.max - c.una, "a loss") end
        57: `CHECK(got.recovery && got.dup_acks == 3 && cc.kind == CcDup, "one more: the window is inflated")
        58: begin `CHECK(got.recovery && got.rxt_first && got.una == e.ack && cc.kind == CcPartial && cc.acked == 100, "a partial ACK")
              `CHECK(got.retries == 0, "progress") end
        59: begin `CHECK(!got.recovery && got.dup_acks == 0 && got.recover == c.recover, "all of it: over")
              `CHECK(cc.kind == CcExit && cc.flight == 1000, "what is still out") end
        60: `CHECK(got.recover == got.una - 32'd1 && cc.kind == CcAck, "what lies behind una holds nothing back")
        61: `CHECK(!got.recovery && got.dup_acks == 3, "right at recover: after what went again in vain")
        62: `CHECK(got.sack_n == 1 && got.sack0_start == e.ack && got.sack0_end == e.sack_end && got.sack_new && !wake, "a block")
        63: `CHECK(got.sack_n == 2 && got.sack_new, "a second block")
        64: `CHECK(got.recovery && !got.sack_new && cc.kind == CcLoss && cc.sack, "more than two segments above the hole: lost")
        65: `CHECK(got === c, "a D-SACK says nothing of what is missing")
        66: `CHECK(got === c, "a block beyond max")
        67: begin `CHECK(got.recovery && !got.rxt_first && cc.kind == CcQuiet && got.high_rxt == e.ack, "a partial ACK with SACK: the pipe knows")
              `CHECK(got.sack_n == 1 && got.sack0_start == c.sack1_start && got.sack1_start == 0, "una has passed a block") end
        68: `CHECK(got.backoff == 0 && got.rto_us == 267500 && got.rto_at_us == now + 64'd267500, "window opens: probes' back-off is forgotten")
        69: `CHECK(got.backoff == 0 && got.rto_us == 1000000, "window opens, nothing measured: the first RTO")
        default: ;
      endcase
    end
    if (n > 100) begin
      // The model.
      x = c;
      xcc = '0;
      xcc.sack = c.sack_ok;
      xwake = 1'b0;
      to_nxt = c.nxt - c.una;
      to_max = c.max - c.una;
      to_ack = e.ack - c.una;
      to_recover = c.recover - c.una;
      adv = to_ack != 0 && to_ack <= to_max;
      map = map_of({c.sack3_start, c.sack2_start, c.sack1_start, c.sack0_start}, {c.sack3_end, c.sack2_end, c.sack1_end, c.sack0_end}, c.sack_n, c.una);
      if (c.open && e.kind == DdReset) begin
        x.open = 1'b0;
        x.rto_vld = 1'b0;
      end
      if (c.open && c.sack_ok && e.kind == DdSack && to_ack < to_max && e.sack_end - c.una > to_ack && e.sack_end - c.una <= to_max) begin
        was = map;
        for (int i = 0; i < 64; i++) if (i >= int'(to_ack) && i < int'(e.sack_end - c.una)) map[i] = 1'b1;
        put_map(c.una);
        // News, unless the block is beyond four intervals.
        if ((map & ~was) != 0 && xe[127:96] - c.una - 32'd1 >= to_ack || xn < 3'd4 && (map & ~was) != 0) x.sack_new = 1'b1;
        else if (map != was) fifth = fifth + 1;
        blocks = blocks + 1;
      end
      if (c.open && !c.gave_up && e.kind == DdAck) begin
        xwake = 1'b1;
        left = to_max;
        shut = c.wnd == 0 || (e.wnd_vld && e.wnd == 0);
        x.sack_new = 1'b0;
        if (adv) begin
          x.una = e.ack;
          if (to_ack > to_nxt) x.nxt = e.ack;
          // RTT in numbers that cannot wrap.
          rtt = -1;
          if (c.rtt_vld && c.rtt_seq - c.una <= to_ack) begin
            rtt = longint'({32'd0, now[31:0] - c.rtt_at_us[31:0]});
            x.rtt_vld = 1'b0;
            timed = timed + 1;
          end else if (!c.rtt_vld && e.ts_vld) begin
            rtt = longint'({32'd0, now[41:10] - e.tsecr});
            rtt = (rtt > 58593) ? 58593 * 1024 : rtt * 1024;
            echoed = echoed + 1;
          end
          if (rtt > 60000000) rtt = 60000000;
          if (rtt >= 0) begin
            if (c.srtt_us == 0) begin
              x.srtt_us = (rtt == 0) ? 32'd1 : 32'(8 * rtt);
              x.rttvar_us = 32'(2 * rtt);
            end else begin
              err = rtt - longint'({32'd0, c.srtt_us}) / 8;
              x.srtt_us = c.srtt_us + 32'(err);
              x.rttvar_us = c.rttvar_us - c.rttvar_us / 4 + ((err < 0) ? 32'(-err) : 32'(err));
            end
            x.rto_us = rto_of(x.srtt_us, x.rttvar_us);
          end else if (c.wnd == 0 && e.wnd_vld && e.wnd != 0 && c.backoff != 0) begin
            x.rto_us = (c.srtt_us == 0) ? 32'd1000000 : rto_of(c.srtt_us, c.rttvar_us);
            opened = opened + 1;
          end
          // That of a closed window stays until it opens.
          if (rtt >= 0 || c.wnd != 0 || (e.wnd_vld && e.wnd != 0)) x.backoff = 4'd0;
          x.rto_vld = 1'b1;
          x.rto_at_us = now + 64'(x.rto_us);
          x.stuck_us = now;
          for (int i = 0; i < 64; i++) if (i < int'(to_ack)) map[i] = 1'b0;
          put_map(c.una);
          left = to_max - to_ack;
          advances = advances + 1;
          if (to_ack > to_nxt) pulled = pulled + 1;
          xcc.acked = to_ack;
          xcc.flight = to_max;
          if (!c.recovery || to_recover <= to_ack || to_recover[31]) begin
            xcc.kind = CcAck;
            if (c.recovery) begin
              x.recovery = 1'b0;
              x.rxt_first = 1'b0;
              xcc.kind = CcExit;
              xcc.flight = left;
              ended = ended + 1;
            end
            // SACK news counts as a duplicate, too.
            x.dup_acks = (c.sack_new && map != 0) ? 4'd1 : 4'd0;
            if (c.sack_new && c.sack_ok && lost(map >> to_ack, c.mss) && (to_recover <= to_ack || to_recover[31])) begin
              x.recovery = 1'b1;
              x.rxt_first = 1'b1;
              x.recover = c.max;
              x.high_rxt = e.ack;
              x.rtt_vld = 1'b0;
              xcc.kind = CcLoss;
              xcc.flight = left;
              if (c.recovery) renewed = renewed + 1;
              else shown = shown + 1;
            end
          end else begin
            if ((c.high_rxt - c.una) < to_ack || (c.high_rxt - c.una) > 32'h8000_0000) x.high_rxt = e.ack;
            if (!c.sack_ok) begin
              x.rxt_first = 1'b1;
              xcc.kind = CcPartial;
            end
          end
          if (!x.recovery && (to_recover < to_ack || to_recover[31])) x.recover = e.ack - 32'd1;
        end else begin
          if (to_ack != 0) ignored = ignored + 1;
          // A duplicate.
          back = c.una - e.ack;
          if (!back[31] && to_max != 0
              && (c.sack_ok ? c.sack_new : to_ack == 0 && e.no_data && c.wnd != 0 && (!e.wnd_vld || e.wnd == c.wnd))) begin
            if (c.recovery) begin
              if (!c.sack_ok) xcc.kind = CcDup;
            end else begin
              if (c.dup_acks != 4'd15) x.dup_acks = c.dup_acks + 4'd1;
              dups = dups + 1;
              if ((x.dup_acks >= 4'd3 || (c.sack_ok && lost(map, c.mss)))
                  && (to_recover[31] || (to_recover == 0 && c.sack_ok))) begin
                x.recovery = 1'b1;
                x.rxt_first = 1'b1;
                x.recover = c.max;
                x.high_rxt = c.una;
                x.rtt_vld = 1'b0;
                xcc.kind = CcLoss;
                xcc.flight = to_max;
                begun = begun + 1;
              end
            end
          end
          if (e.wnd_vld && c.wnd == 0 && e.wnd != 0 && c.backoff != 0) begin
            x.backoff = 4'd0;
            x.rto_us = (c.srtt_us == 0) ? 32'd1000000 : rto_of(c.srtt_us, c.rttvar_us);
            if (c.rto_vld) x.rto_at_us = now + 64'(x.rto_us);
            opened = opened + 1;
          end
        end
        if (adv || left == 0 || shut) x.retries = 4'd0;
        if (shut) x.stuck_us = now;
        if (e.wnd_vld) begin
          x.wnd = e.wnd;
          if (c.max_wnd < e.wnd) x.max_wnd = e.wnd;
          if (e.wnd > 0) x.probe = 1'b0;
        end
        if (left == 0 && adv) x.rto_vld = 1'b0;
        if (left == 0 && !adv && e.wnd_vld && e.wnd != 0 && e.wnd != c.wnd) x.rto_vld = 1'b0;   // else it is that of a probe, or of what is held back
      end
      `CHECK(got === x, "context against the model")
      `CHECK(wake === xwake, "wake against the model")
      `CHECK(cc.kind === xcc.kind, "what congestion control hears")
      if (xcc.kind == CcAck || xcc.kind == CcPartial) begin `CHECK(cc.acked === xcc.acked, "acknowledged bytes") end
      if (xcc.kind == CcAck || xcc.kind == CcLoss || xcc.kind == CcExit) begin `CHECK(cc.flight === xcc.flight && cc.sack === xcc.sack, "bytes out") end
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
    end else if (n < 100) begin
      // The life of a flow, from its first measurement on: numbers above the first byte.
      v = got;
      w.wnd_vld = 1'b0;
      w.no_data = 1'b1;
      case (n)
        50: begin flow(32'hffff_f000); v.sack_ok = 1'b0; v.recover = v.una - 32'd1; w.wnd_vld = 1'b0; v.rtt_vld = 1'b1; v.rtt_seq = v.una + 32'd100;
              v.rtt_at_us = 64'd4294867296; v.mss = 16'd100; w.ack = v.una + 32'd100; end
        51: begin v.rtt_vld = 1'b1; v.rtt_seq = v.una + 32'd100; v.rtt_at_us = 64'd4294887296; w.ack = v.una + 32'd100; end
        52: begin v.rtt_vld = 1'b1; v.rtt_seq = v.una + 32'd101; w.ts_vld = 1'b1; w.ack = v.una + 32'd100; end
        53: begin v.rtt_vld = 1'b0; w.ts_vld = 1'b1; w.tsecr = now[41:10] - 32'd100; w.ack = v.una + 32'd100; end
        54, 55, 56, 57: w.ack = v.una;
        58: begin v.rxt_first = 1'b0; v.retries = 4'd3; w.ack = v.una + 32'd100; end
        59: begin v.max = v.recover + 32'd1000; w.ack = v.recover; end
        60: w.ack = v.una + 32'd100;
        61: begin v.dup_acks = 4'd2; v.recover = v.una; w.ack = v.una; end
        62: begin v.sack_ok = 1'b1; w.kind = DdSack; w.ack = v.una + 32'd100; w.sack_end = v.una + 32'd200; end
        63: begin w.kind = DdSack; w.ack = v.una + 32'd300; w.sack_end = v.una + 32'd401; end
        64: begin v.dup_acks = 4'd0; w.ack = v.una; end
        65: begin w.kind = DdSack; w.ack = v.una - 32'd100; w.sack_end = v.una - 32'd1; end
        66: begin w.kind = DdSack; w.ack = v.max - 32'd1; w.sack_end = v.max + 32'd1; end
        67: begin v.rxt_first = 1'b0; w.ack = v.una + 32'd200; end
        68: begin v.wnd = 32'd0; v.backoff = 4'd3; v.srtt_us = 32'd780000; v.rttvar_us = 32'd170000; v.rto_us = 32'd999999; v.rto_vld = 1'b1;
              w.wnd_vld = 1'b1; w.wnd = 32'd7000; w.ack = v.una; end
        69: begin v.wnd = 32'd0; v.backoff = 4'd3; v.srtt_us = 32'd0; w.wnd_vld = 1'b1; w.wnd = 32'd7000; w.ack = v.una; end
        default: ;
      endcase
    end else begin
      // All of the context random, then the pointers in order and near an edge.
      for (int i = 0; i < 24; i++) begin
        r = rnd64(r);
        junk[64*i +: 64] = r;
      end
      v = junk[nic_pkg::SndCtxW-1:0];
      x = '0;
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
      now_v = r[0] ? r : 64'(r[47:16]);
      // Times and measurements as they can be; now and then an old one.
      v.rtt_at_us = now_v - ((r[2:1] == 0) ? {32'd0, r[63:32]} : 64'(r[26:3]));
      w.ts_vld = r[27];
      w.tsecr = now_v[41:10] - ((r[29:28] == 0) ? 32'(r[63:32]) : 32'(r[44:30]));
      r = rnd64(r);
      v.rtt_vld = r[0];
      v.rtt_seq = v.una + 32'd1 + 32'(r[7:1]);
      if (r[9:8] != 0) v.srtt_us = (r[10]) ? 32'd0 : 32'(r[39:11] % 480000000);
      else v.srtt_us = 32'(r[33:11]);
      r = rnd64(r);
      v.rttvar_us = 32'(r[25:0]);
      if (r[26]) v.wnd = w.wnd;
      if (r[29:27] == 0) v.backoff = 4'd0;
      v.dup_acks = r[30] ? 4'(r[32:31]) : r[36:33];
      // Recovery: recover is ahead of una in it, and anywhere near outside.
      v.recovery = r[37] && v.una != v.max;
      v.recover = v.recovery ? v.una + 32'd1 + ((v.max - v.una - 32'd1) & {10'd0, r[59:38]}) : v.una - 32'd2 + 32'(r[39:38]);
      v.high_rxt = v.una - 32'd3 + 32'(r[43:41]);
      v.rxt_first = v.recovery && r[60];
      // With SACK all happens within 64 bytes.
      v.sack_n = '0;
      v.sack0_start = '0; v.sack1_start = '0; v.sack2_start = '0; v.sack3_start = '0;
      v.sack0_end = '0; v.sack1_end = '0; v.sack2_end = '0; v.sack3_end = '0;
      if (v.sack_ok && r[62:61] != 0) begin
        r = rnd64(r);
        v.max = v.una + 32'd8 + 32'(r[5:0] % 56);
        v.nxt = v.una + (32'(r[11:6]) % (v.max - v.una + 32'd1));
        if (v.recovery) v.recover = v.una + 32'd1 + 32'(r[17:12]) % (v.max - v.una);
        v.mss = 16'(r[19:18]) * 16'd4 + 16'd1;
        w.ack = v.una + ((r[21:20] == 0) ? 32'd0 : 32'(r[27:22]));
        w.sack_end = w.ack + 32'(r[30:28]) - 32'(r[33:31] == 0);
        if (r[34]) w.kind = DdSack;
        r = rnd64(r);
        map = (r & {r[62:0], r[63]}) << r[2:0];
        for (int i = 0; i < 64; i++) if (32'(i) >= v.max - v.una) map[i] = 1'b0;
        list_map(v.una);
        v.sack_n = xn;
        v.sack0_start = xs[31:0]; v.sack1_start = xs[63:32]; v.sack2_start = xs[95:64]; v.sack3_start = xs[127:96];
        v.sack0_end = xe[31:0]; v.sack1_end = xe[63:32]; v.sack2_end = xe[95:64]; v.sack3_end = xe[127:96];
      end
      now <= now_v;
    end
    c <= v;
    e <= w;
    if (n == 9000) begin
      `CHECK(advances > 1000 && ignored > 500 && pulled > 200, "exercised")
      `CHECK(timed > 100 && echoed > 200 && dups > 100 && begun > 50 && ended > 100 && opened > 20 && blocks > 200 && fifth > 5 && shown > 10 && renewed > 2, "exercised")
      if (errors_o != 0) $display("timed %0d echoed %0d dups %0d begun %0d ended %0d opened %0d blocks %0d fifth %0d shown %0d renewed %0d", timed, echoed, dups, begun, ended, opened, blocks, fifth, shown, renewed);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
