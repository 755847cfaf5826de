// SPDX-License-Identifier: Apache-2.0
// dd_next against a model that computes with distances from SND.UNA and keeps the scoreboard as a bitmap: MSS cut, PSH at the
// tail, window limits (peer's and congestion window), a window that shrank behind nxt, the zero-window probe and its timer, FIN
// with data, alone, cut off and outside the window, FIN sent before (nxt at and below the tail), Nagle and silly windows,
// limited transmit, what recovery sends again with SACK (all four rules) and without, what is timed (Karn), restart after idle,
// pure ACKs owed, news for the host, a flow given up, a spurious call; una near 2^31 and 2^32. Directed cases first, with
// numbers written out. `more` may be wrongly 1, never wrongly 0: what another call would send is asked of the model.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(dd_next_tb)
  snd_ctx_t c, v, x, got;
  tx_desc_t desc, xd;
  cc_in_t cc;
  logic [31:0] tail = 0, tail_v;
  logic fin = 0, owed = 0, fin_v, owed_v;
  logic [1:0] owed_now = 0, owed_now_v;
  logic [63:0] now = 0, now_v;
  logic emit, more, xemit, xmore;
  logic [63:0] r = 64'h3333_1234_9876_abc1;
  logic [1535:0] junk;
  logic [31:0] base;
  // Distances from una, wide enough that nothing wraps.
  longint s_nxt, s_max, s_tail, s_data, s_room, s_left, s_end;
  logic [31:0] idle_seq;
  logic x_fin_left, x_send, x_acked, x_news, x_live;
  int n = 0;
  int data = 0;
  int fins = 0;
  int probes = 0;
  int acks = 0;
  int frees = 0;
  int nothing = 0;

  dd_next u_dut (
      .en_i(1'b1), .ctx_i(c), .tail_i(tail), .fin_i(fin), .ack_owed_i(owed), .ack_now_i(owed_now), .now_us_i(now), .ctx_o(got), .cc_o(cc),
      .emit_o(emit), .desc_o(desc), .more_o(more), .idle_seq_o(idle_seq));

  // Open, all before base + 1000 acknowledged and told, nothing in flight, 5000 bytes of window, nothing enqueued.
  task automatic flow(input logic [31:0] at);
    v = '0;
    v.open = 1'b1;
    v.una = at + 32'd1000;
    v.nxt = v.una;
    v.max = v.una;
    v.told = v.una;
    v.wnd = 32'd5000;
    v.cwnd = 32'd16384;
    v.mss = 16'd1460;
    v.rto_us = 32'd400000;
    v.nagle_off = 1'b1;
    v.recover = v.una - 32'd1;
    v.rescue_rxt = v.una;
    tail_v = v.una;
    fin_v = 1'b0;
    owed_v = 1'b0;
    owed_now_v = 2'd0;
  endtask

  // --- the model: what flow k sends next, in distances from its una
  logic [63:0] map;
  longint s_high, s_lost, s_pipe, s_top, y_seq, y_len, lo, hi, m_nxt, m_max, m_rescue, s_spread;
  logic y_fin, y_repair, y_rescue, y_again, y_probe, y_blocked, y_held, there, x_arm, open_end;
  logic [3:0] xkind;
  snd_ctx_t k;
  longint bucket, ticks;
  int ones, runs, starved = 0, repairs = 0, rescues = 0, held = 0, spurious = 0, goes_on = 0, at;

  function automatic longint apart(input logic [31:0] a, input logic [31:0] una);
    logic [31:0] d;
    d = a - una;
    apart = {{32{d[31]}}, d};
  endfunction
  function automatic longint least(input longint a, input longint b);
    least = (a < b) ? a : b;
  endfunction
  // Bytes of [from, to) that are not SACKed.
  function automatic longint zeros(input logic [63:0] m, input longint from, input longint upto);
    zeros = (from < upto) ? upto - from : 0;
    for (int i = 0; i < 64; i++) if (m[i] && 48'(i) >= from && 48'(i) < upto) zeros = zeros - 1;
  endfunction
  // The hole from lo on: [lo, hi), at most to `limit`.
  task automatic hole(input longint from, input longint limit);
    lo = from;
    for (int i = 0; i < 64; i++) if (48'(i) == lo && map[i]) lo = lo + 1;
    hi = limit;
    for (int i = 63; i >= 0; i--) if (48'(i) > lo && map[i] && 48'(i) < hi) hi = 48'(i);
  endtask
  task automatic cut_hole;
    y_repair = 1'b1;
    y_again = 1'b1;
    y_blocked = 1'b0;
    y_seq = lo;
    y_len = least(hi, s_data) - lo;
    if (y_len < 0) y_len = 0;
    y_len = least(y_len, 48'(k.mss));
    y_fin = fin && lo + y_len == s_data && s_data < hi;
  endtask
  task automatic cut_nxt;
    y_repair = 1'b0;
    y_again = m_nxt < m_max;
    hole(m_nxt, m_max);
    if (!y_again) lo = m_nxt;
    if (lo >= m_max) y_again = 1'b0;
    y_seq = lo;
    s_spread = (!k.sack_ok && !k.recovery && !(m_nxt < m_max) && k.dup_acks < 3) ? 48'(k.dup_acks) * 48'(k.mss) : 0;
    s_room = least(48'(k.wnd) - lo, 48'(k.cwnd) + s_spread - s_pipe);
    if (s_room < 0) s_room = 0;
    y_probe = k.probe && m_nxt == 0 && s_room == 0;
    if (y_probe) s_room = 1;
    s_left = (lo < s_data) ? s_data - lo : 0;
    y_len = least(least(s_left, 48'(k.mss)), s_room);
    if (y_again && hi < m_max) y_len = least(y_len, hi - lo);
    y_held = 1'b0;
    if (!y_again && y_len > 0 && y_len < 48'(k.mss) && !k.probe) begin
      if (!k.nagle_off && m_nxt != 0 && !(fin && y_len == s_left)) y_held = 1'b1;
      if (y_len < s_left && y_len < 48'(k.max_wnd / 2)) y_held = 1'b1;
      if (y_held) y_len = 0;
    end
    x_fin_left = fin && lo <= s_data;
    y_fin = x_fin_left && lo + y_len == s_data && s_room > y_len;
    y_blocked = (s_left > 0 || x_fin_left) && y_len == 0 && !y_fin;
  endtask
  task automatic choose;
    y_rescue = 1'b0;
    y_held = 1'b0;
    // Lost: three runs above, or more than two segments.
    s_lost = 0;
    s_top = 0;
    ones = 0;
    runs = 0;
    open_end = 1'b0;
    for (int i = 63; i >= 0; i--) begin
      if (map[i] && !open_end) begin
        ones = ones + 1;
        if (i == 0 || !map[i-1]) begin
          runs = runs + 1;
          if (runs == 1) s_top = 48'(i);
          if (runs == 3 || ones > 2 * int'(k.mss)) begin s_lost = 48'(i); open_end = 1'b1; end
        end
      end
    end
    if (k.recovery && k.sack_ok) s_pipe = zeros(map, s_lost, m_max) + zeros(map, 0, s_high);
    else s_pipe = zeros(map, 0, m_nxt);
    if (k.recovery && k.rxt_first) begin
      hole(0, m_max);
      cut_hole;
      y_probe = 1'b0;
    end else if (k.recovery && k.sack_ok) begin
      y_probe = 1'b0;
      if (48'(k.cwnd) < s_pipe + 48'(k.mss)) begin
        y_len = 0; y_fin = 1'b0; y_blocked = 1'b0;
      end else begin
        hole((s_high > 0) ? s_high : 0, s_top);
        there = lo < s_top;
        if (there && lo < s_lost) cut_hole;
        else begin
          cut_nxt;
          if (y_len == 0 && !y_fin) begin
            if (there) begin
              hole((s_high > 0) ? s_high : 0, s_top);
              cut_hole;
            end else if (m_rescue < 0) begin
              // The highest hole below max.
              hi = m_max;
              while (hi > 0 && hi <= 64 && map[hi-1]) hi = hi - 1;
              lo = hi;
              while (lo > 0 && !(lo <= 64 && map[lo-1]) && hi - lo < 48'(k.mss)) lo = lo - 1;
              cut_hole;
              y_rescue = 1'b1;
            end
          end
        end
      end
    end else cut_nxt;
  endtask
  task automatic measure_x;                // the moving distances of k
    m_nxt = apart(k.nxt, k.una);
    m_max = apart(k.max, k.una);
    s_high = apart(k.high_rxt, k.una);
    m_rescue = apart(k.rescue_rxt, k.una);
  endtask
  task automatic measure_ctx;
    k = c;
    s_nxt = apart(c.nxt, c.una);
    s_max = apart(c.max, c.una);
    s_tail = apart(tail, c.una);
    s_data = s_tail - (fin ? 1 : 0);
    map = '0;
    for (int i = 0; i < 64; i++) begin
      if (c.sack_n > 0 && 32'(i) >= c.sack0_start - c.una && 32'(i) < c.sack0_end - c.una) map[i] = 1'b1;
      if (c.sack_n > 1 && 32'(i) >= c.sack1_start - c.una && 32'(i) < c.sack1_end - c.una) map[i] = 1'b1;
      if (c.sack_n > 2 && 32'(i) >= c.sack2_start - c.una && 32'(i) < c.sack2_end - c.una) map[i] = 1'b1;
      if (c.sack_n > 3 && 32'(i) >= c.sack3_start - c.una && 32'(i) < c.sack3_end - c.una) map[i] = 1'b1;
    end
    measure_x;
  endtask

  // A data segment of a directed case: sequence number, length, FIN, PSH, and whether another call would send again.
  `define SENT(s, l, f, p, m, msg) \
    `CHECK(emit && desc.kind == TxData && desc.seq == base + 32'(s) && desc.len == l && desc.fin == f && desc.psh == p && more == m, msg)
  `define QUIET(msg) `CHECK(!emit && !more && got.nxt == c.nxt && got.max == c.max, msg)

  function automatic logic [31:0] start_of(input int k);
    start_of = (k / 40 == 0) ? 32'd0 : (k / 40 == 1) ? 32'hffff_fc00 : (k / 40 == 2) ? 32'h7fff_fc00 : 32'hffff_f000;
  endfunction

  always @(posedge clk_i) begin
    n <= n + 1;
    // --- what the inputs of the cycle before gave
    base = start_of(n - 1);
    if (n > 0 && n < 160) begin
      case ((n - 1) % 40)
        0: begin `SENT(1000, 14'd300, 1'b0, 1'b1, 1'b0, "all there is, with PSH")
             `CHECK(got.nxt == base + 32'd1300 && got.max == got.nxt, "nxt and max move")
             `CHECK(got.rto_vld && got.rto_at_us == 64'd400500, "timer starts") end
        1: begin `SENT(1000, 14'd1460, 1'b0, 1'b0, 1'b1, "cut at the MSS: no PSH, more")
             `CHECK(got.rto_at_us == 64'd123, "a running timer stays") end
        2: `SENT(1000, 14'd1460, 1'b0, 1'b1, 1'b0, "exactly one MSS")
        3: begin `SENT(5500, 14'd500, 1'b0, 1'b0, 1'b0, "cut at the window")
             `CHECK(got.nxt == base + 32'd6000 && got.max == base + 32'd6000, "up to the window's edge") end
        4: begin `QUIET("window full") `CHECK(!got.rto_vld, "in flight: no probe timer") end
        5: `QUIET("window shrank behind nxt")
        6: begin `QUIET("window closed") `CHECK(got.rto_vld && got.rto_at_us == 64'd400500, "probe timer starts") end
        7: begin `QUIET("window closed") `CHECK(got.rto_at_us == 64'd123, "a running probe timer stays") end
        8: begin `SENT(1000, 14'd1, 1'b0, 1'b0, 1'b0, "probe: one byte") `CHECK(!got.probe, "probe sent") end
        9: `SENT(1000, 14'd1, 1'b0, 1'b1, 1'b0, "probe with the only byte")
        10: `SENT(1000, 14'd0, 1'b1, 1'b0, 1'b0, "probe with the FIN")
        11: `SENT(1000, 14'd100, 1'b1, 1'b1, 1'b0, "FIN with data")
        12: begin `SENT(1000, 14'd0, 1'b1, 1'b0, 1'b0, "FIN alone")
              `CHECK(got.nxt == base + 32'd1001 && got.max == got.nxt && got.rto_vld, "FIN counts one") end
        13: `SENT(1000, 14'd1460, 1'b0, 1'b0, 1'b1, "FIN waits for the last cut")
        14: `SENT(1000, 14'd1460, 1'b1, 1'b1, 1'b0, "FIN beside a whole MSS")
        15: `SENT(1000, 14'd100, 1'b0, 1'b1, 1'b0, "FIN is outside the window")
        16: begin `QUIET("FIN is outside the window, nothing else") `CHECK(!got.rto_vld, "in flight") end
        17: begin `QUIET("FIN against a closed window") `CHECK(got.rto_vld, "probe timer starts") end
        18: `QUIET("FIN sent, not acknowledged")
        19: `SENT(1000, 14'd100, 1'b1, 1'b1, 1'b0, "FIN again with data after a timeout")
        20: begin `SENT(1100, 14'd0, 1'b1, 1'b0, 1'b0, "FIN again alone after a timeout")
              `CHECK(got.max == base + 32'd1101, "max stays") end
        21: begin `CHECK(emit && desc.kind == TxFree && desc.tell && desc.fin_acked && !desc.timed_out, "FIN acknowledged: told")
              `CHECK(desc.una == base + 32'd1101 && got.told == desc.una && got.told_flags && !more, "told") end
        22: `QUIET("told once")
        23: begin `CHECK(emit && desc.kind == TxAck && !more && desc.len == 0 && !desc.tell, "pure ACK")
              `CHECK(got.nxt == c.nxt && !got.rto_vld, "a pure ACK moves nothing") end
        24: `CHECK(emit && desc.kind == TxAck && more, "two immediate ACKs owed")
        25: `CHECK(emit && desc.kind == TxAck && !more, "one immediate ACK owed")
        26: `SENT(1000, 14'd300, 1'b0, 1'b1, 1'b1, "data pays no immediate ACK: more")
        27: `SENT(1000, 14'd300, 1'b0, 1'b1, 1'b0, "data carries the ACK")
        28: begin `CHECK(emit && desc.kind == TxFree && desc.tell && desc.una == base + 32'd1000 && !desc.fin_acked, "space freed")
              `CHECK(got.told == base + 32'd1000 && got.nxt == c.nxt, "told") end
        29: `CHECK(emit && desc.kind == TxData && desc.tell && desc.una == base + 32'd1000 && got.told == desc.una, "news with data")
        30: `CHECK(emit && desc.kind == TxAck && desc.tell && desc.una == base + 32'd1000 && got.told == desc.una, "news with an ACK")
        31: begin `CHECK(emit && desc.kind == TxFree && desc.timed_out && desc.tell && !more, "given up: told")
              `CHECK(got.told_flags && got.nxt == c.nxt && !got.rto_vld, "given up: nothing sent, no timer") end
        32: `QUIET("given up, told")
        33: `QUIET("closed flow sends nothing, tells nothing")
        34: begin `QUIET("spurious call") `CHECK(got === c, "spurious call changes nothing") end
        35: `SENT(1500, 14'd1460, 1'b0, 1'b0, 1'b1, "pulled back: from nxt, below max")
        36: `SENT(1000, 14'd1384, 1'b0, 1'b0, 1'b0, "congestion window")
        37: `SENT(1000, 14'd536, 1'b0, 1'b0, 1'b1, "a probe that finds the window open is still one segment")
        default: ;
      endcase
    end
    if (n > 160 && n < 200) begin
      base = 32'hffff_f800;
      case (n - 1)
        160: `QUIET("Nagle: less than a segment waits while something is out")
        161: `SENT(1100, 14'd1460, 1'b0, 1'b0, 1'b1, "Nagle: a whole segment goes")
        162: `SENT(1100, 14'd300, 1'b1, 1'b1, 1'b0, "Nagle: the last before the FIN goes")
        163: `SENT(1000, 14'd300, 1'b0, 1'b1, 1'b0, "Nagle: nothing out")
        164: `QUIET("a silly window: less than half of the largest")
        165: `SENT(1100, 14'd700, 1'b0, 1'b0, 1'b0, "half of the largest window")
        166: begin `SENT(1100, 14'd100, 1'b0, 1'b0, 1'b1, "sent again: Nagle does not hold it") `CHECK(!got.rtt_vld, "Karn") end
        167: begin `SENT(4000, 14'd1000, 1'b0, 1'b1, 1'b0, "limited transmit: a segment beyond cwnd") `CHECK(got.rtt_vld && got.rtt_seq == base + 32'd5000, "timed") end
        168: `QUIET("limited transmit: one duplicate, one segment")
        169: begin `SENT(1000, 14'd1000, 1'b0, 1'b0, 1'b1, "recovery begins: the segment at una")
               `CHECK(!got.rxt_first && got.high_rxt == base + 32'd2000 && got.nxt == c.nxt && got.max == c.max && !got.rtt_vld, "nxt stays") end
        170: `SENT(4000, 14'd500, 1'b0, 1'b1, 1'b0, "recovery without SACK: new data, as far as the window is inflated")
        171: begin `SENT(3000, 14'd1000, 1'b0, 1'b0, 1'b1, "rule 1: the lost hole behind what was repeated") `CHECK(got.high_rxt == base + 32'd4000, "HighRxt") end
        172: `SENT(7000, 14'd1000, 1'b0, 1'b1, 1'b1, "rule 2: new data before a hole that is not known to be lost")
        173: `SENT(3000, 14'd1000, 1'b0, 1'b0, 1'b1, "rule 3: such a hole")
        174: begin `SENT(6000, 14'd1000, 1'b0, 1'b1, 1'b1, "rule 4: the end of the highest hole, once")
               `CHECK(got.rescue_rxt == c.recover && got.high_rxt == c.high_rxt, "RescueRxt") end
        175: `QUIET("rule 4: once only")
        176: `QUIET("the pipe is full")
        177: begin `SENT(1000, 14'd300, 1'b0, 1'b1, 1'b0, "after an idle RTO") `CHECK(cc.kind == CcIdle && got.sent_us == 500000 && got.stuck_us == 500000, "the window starts anew") end
        178: begin `SENT(1000, 14'd300, 1'b0, 1'b1, 1'b0, "not quite an idle RTO") `CHECK(cc.kind == CcQuiet, "the window stays") end
        179: begin `SENT(3000, 14'd1000, 1'b0, 1'b0, 1'b1, "after a timeout: over what is SACKed") `CHECK(got.nxt == base + 32'd4000, "nxt") end
        180: `SENT(1000, 14'd500, 1'b1, 1'b1, 1'b1, "recovery: the last segment again, with its FIN")
        default: ;
      endcase
    end
    if (n > 200) begin
      // The model.
      x = c;
      xd = '0;
      xmore = 1'b0;
      xkind = CcQuiet;
      measure_ctx;
      x_live = c.open && !c.gave_up;
      choose;
      x_send = x_live && (y_len > 0 || y_fin);
      // The token bucket, in numbers that do not wrap.
      bucket = longint'({{32{c.tokens[31]}}, c.tokens});
      ticks = longint'({32'd0, now[41:10] - c.pace_tick});
      bucket = bucket + longint'({32'd0, c.pace_rate}) * ((ticks > 1023) ? 1023 : ticks);
      if (bucket > longint'({32'd0, c.pace_burst})) bucket = longint'({32'd0, c.pace_burst});
      if (x_send && c.pace_rate != 0 && bucket < 0) begin
        x_send = 1'b0;
        starved = starved + 1;
        if (!c.pace_wait) begin
          x.pace_wait = 1'b1;
          x.pace_at_us = (now / 64'd1024 + 64'd1) * 64'd1024;
          x.tokens = bucket[31:0];
          x.pace_tick = now[41:10];
        end
        y_blocked = 1'b0;
      end
      if (x_live && y_held) held = held + 1;
      x_acked = fin && s_tail == 0;
      x_news = c.open && (c.told != c.una || (!c.told_flags && (x_acked || c.gave_up)));
      xd.una = c.una;
      xd.tell = x_news;
      xd.fin_acked = x_acked;
      xd.timed_out = c.gave_up;
      xemit = 1'b1;
      x_arm = x_send || (x_live && y_blocked && s_max == 0);
      if (x_send) begin
        s_end = y_seq + y_len + (y_fin ? 1 : 0);
        xd.kind = TxData;
        xd.seq = c.una + y_seq[31:0];
        xd.len = y_len[13:0];
        xd.fin = y_fin;
        xd.psh = y_len > 0 && y_seq + y_len == s_data;
        if (s_max == 0) begin
          x.stuck_us = now;
          if (c.sent_us != 0 && now - c.sent_us > 64'(c.rto_us)) xkind = CcIdle;
        end
        x.sent_us = now;
        if (c.pace_rate != 0) begin
          bucket = bucket - y_len - (y_fin ? 1 : 0);
          x.tokens = bucket[31:0];
          x.pace_tick = now[41:10];
        end
        if (y_rescue) begin
          x.rescue_rxt = c.recover;
          rescues = rescues + 1;
        end else if (y_repair) begin
          if (c.rxt_first) x.rescue_rxt = c.una + s_end[31:0];
          x.rxt_first = 1'b0;
          if (s_end > s_high) x.high_rxt = c.una + s_end[31:0];
          repairs = repairs + 1;
        end else begin
          if (!y_probe) x.nxt = c.una + s_end[31:0];
          if (s_end > s_max) x.max = c.una + s_end[31:0];
        end
        if (y_again) x.rtt_vld = 1'b0;
        else if (!c.rtt_vld) begin
          x.rtt_vld = 1'b1;
          x.rtt_seq = c.una + s_end[31:0];
          x.rtt_at_us = now;
        end
        x.probe = 1'b0;
        data = data + 1;
        if (y_fin) fins = fins + 1;
        if (y_probe) probes = probes + 1;
      end else if (x_live && owed) begin
        xd.kind = TxAck;
        xmore = owed_now > 1;
        acks = acks + 1;
      end else if (x_news) begin
        xd.kind = TxFree;
        frees = frees + 1;
      end else begin
        xemit = 1'b0;
        nothing = nothing + 1;
      end
      if (!x.rto_vld && x_arm) begin
        x.rto_vld = 1'b1;
        x.rto_at_us = now + 64'(c.rto_us);
      end
      if (xemit) begin
        x.told = c.una;
        x.told_flags = x_acked || c.gave_up;
      end
      `CHECK(emit === xemit, "emit against the model")
      `CHECK(got === x, "context against the model")
      `CHECK(cc.kind === xkind, "what congestion control hears")
      if (xemit) begin
        `CHECK(desc.kind === xd.kind && desc.una === xd.una && desc.tell === xd.tell, "descriptor: kind, una, tell")
        `CHECK(desc.fin_acked === xd.fin_acked && desc.timed_out === xd.timed_out, "descriptor: flags to the host")
        `CHECK(desc.len === xd.len && desc.fin === xd.fin && desc.psh === xd.psh, "descriptor: len, FIN, PSH")
        if (x_send) begin `CHECK(desc.seq === xd.seq, "descriptor: seq") end
        else if (c.wnd[31:30] == 2'd0) begin `CHECK(desc.seq === c.una + ((48'(c.wnd) < s_max) ? c.wnd : s_max[31:0]), "without data: inside the window") end
      end
      // Another call, on the context that this one left.
      if (x_send) begin
        k = x;
        measure_x;
        choose;
        xmore = y_len > 0 || y_fin || owed_now > 0;
        `CHECK(more || !xmore, "more: never wrongly 0")
        if (more && !xmore) spurious = spurious + 1;
        if (more) goes_on = goes_on + 1;
      end else begin `CHECK(more === xmore, "more, of ACKs") end
    end
    // --- the next inputs
    base = start_of(n);
    flow(base);
    now <= 64'd500;
    if (n < 160) begin
      case (n % 40)
        0: tail_v = base + 32'd1300;
        1: begin tail_v = base + 32'd4000; v.rto_vld = 1'b1; v.rto_at_us = 64'd123; end
        2: tail_v = base + 32'd2460;
        3: begin v.nxt = base + 32'd5500; v.max = v.nxt; v.rto_vld = 1'b1; tail_v = base + 32'd9000; end
        4: begin v.nxt = base + 32'd6000; v.max = v.nxt; tail_v = base + 32'd9000; end
        5: begin v.nxt = base + 32'd6500; v.max = v.nxt; tail_v = base + 32'd9000; end
        6: begin v.wnd = 0; tail_v = base + 32'd1300; end
        7: begin v.wnd = 0; tail_v = base + 32'd1300; v.rto_vld = 1'b1; v.rto_at_us = 64'd123; end
        8: begin v.wnd = 0; v.probe = 1'b1; tail_v = base + 32'd1300; end
        9: begin v.wnd = 0; v.probe = 1'b1; tail_v = base + 32'd1002; fin_v = 1'b1; end
        10: begin v.wnd = 0; v.probe = 1'b1; tail_v = base + 32'd1001; fin_v = 1'b1; end
        11: begin tail_v = base + 32'd1101; fin_v = 1'b1; end
        12: begin tail_v = base + 32'd1001; fin_v = 1'b1; end
        13: begin tail_v = base + 32'd2462; fin_v = 1'b1; end
        14: begin tail_v = base + 32'd2461; fin_v = 1'b1; end
        15: begin v.wnd = 32'd100; tail_v = base + 32'd1101; fin_v = 1'b1; end
        16: begin v.wnd = 32'd100; v.nxt = base + 32'd1100; v.max = v.nxt; tail_v = base + 32'd1101; fin_v = 1'b1; end
        17: begin v.wnd = 0; tail_v = base + 32'd1001; fin_v = 1'b1; end
        18: begin v.nxt = base + 32'd1101; v.max = v.nxt; v.rto_vld = 1'b1; tail_v = base + 32'd1101; fin_v = 1'b1; end
        19: begin v.max = base + 32'd1101; v.rto_vld = 1'b1; tail_v = base + 32'd1101; fin_v = 1'b1; end
        20: begin v.una = base + 32'd1100; v.told = v.una; v.nxt = v.una; v.max = base + 32'd1101; tail_v = base + 32'd1101; fin_v = 1'b1; end
        21: begin v.una = base + 32'd1101; v.nxt = v.una; v.max = v.una; tail_v = v.una; fin_v = 1'b1; end
        22: begin v.una = base + 32'd1101; v.nxt = v.una; v.max = v.una; v.told = v.una; v.told_flags = 1'b1; tail_v = v.una; fin_v = 1'b1; end
        23: owed_v = 1'b1;
        24: begin owed_v = 1'b1; owed_now_v = 2'd2; end
        25: begin owed_v = 1'b1; owed_now_v = 2'd1; end
        26: begin owed_v = 1'b1; owed_now_v = 2'd1; tail_v = base + 32'd1300; end
        27: begin owed_v = 1'b1; tail_v = base + 32'd1300; end
        28: v.told = base + 32'd900;
        29: begin v.told = base + 32'd900; tail_v = base + 32'd1300; end
        30: begin v.told = base + 32'd900; owed_v = 1'b1; end
        31: begin v.gave_up = 1'b1; tail_v = base + 32'd1300; owed_v = 1'b1; owed_now_v = 2'd3; end
        32: begin v.gave_up = 1'b1; v.told_flags = 1'b1; tail_v = base + 32'd1300; owed_v = 1'b1; end
        33: begin v.open = 1'b0; v.told = base; tail_v = base + 32'd1300; owed_v = 1'b1; owed_now_v = 2'd3; end
        35: begin v.nxt = base + 32'd1500; v.max = base + 32'd3000; tail_v = base + 32'd4000; end
        36: begin v.cwnd = 32'd1384; v.wnd = 32'd60000; tail_v = base + 32'd9000; end
        37: begin v.mss = 16'd536; tail_v = base + 32'd9000; end
        default: ;
      endcase
    end else if (n < 200) begin
      // 1000 is una, 5000 bytes of window, MSS 1460, unless said otherwise.
      flow(32'hffff_f800);
      base = 32'hffff_f800;
      v.max_wnd = 32'd5000;
      v.rto_vld = 1'b1;
      case (n)
        160: begin v.nagle_off = 1'b0; v.nxt = base + 32'd1100; v.max = v.nxt; tail_v = base + 32'd1400; end
        161: begin v.nagle_off = 1'b0; v.nxt = base + 32'd1100; v.max = v.nxt; tail_v = base + 32'd2600; end
        162: begin v.nagle_off = 1'b0; v.nxt = base + 32'd1100; v.max = v.nxt; tail_v = base + 32'd1401; fin_v = 1'b1; end
        163: begin v.nagle_off = 1'b0; tail_v = base + 32'd1300; end
        164: begin v.wnd = 32'd799; v.max_wnd = 32'd1400; v.nxt = base + 32'd1100; v.max = v.nxt; tail_v = base + 32'd9000; end
        165: begin v.wnd = 32'd800; v.max_wnd = 32'd1400; v.nxt = base + 32'd1100; v.max = v.nxt; tail_v = base + 32'd9000; end
        166: begin v.nagle_off = 1'b0; v.nxt = base + 32'd1100; v.max = base + 32'd1200; v.mss = 16'd100; tail_v = base + 32'd1250; v.rtt_vld = 1'b1; end
        167, 168: begin v.mss = 16'd1000; v.dup_acks = 4'd1; v.cwnd = 32'd3000; v.nxt = base + ((n == 167) ? 32'd4000 : 32'd5000); v.max = v.nxt;
               tail_v = base + ((n == 167) ? 32'd5000 : 32'd6000); end
        169, 170: begin v.mss = 16'd1000; v.dup_acks = 4'd3; v.recovery = 1'b1; v.rxt_first = (n == 169); v.high_rxt = v.una; v.cwnd = 32'd3500;
               v.nxt = base + 32'd4000; v.max = v.nxt; v.recover = v.max; v.rtt_vld = 1'b1; tail_v = base + 32'd4500; end
        171, 172, 173, 174, 175, 176: begin
               // 1000..7000 out, MSS 1000; SACKed 2000..3000 and from 4000 on.
               v.mss = 16'd1000; v.sack_ok = 1'b1; v.recovery = 1'b1; v.nxt = base + 32'd7000; v.max = v.nxt; v.recover = v.max; v.wnd = 32'd9000;
               v.sack_n = 3'd2; v.sack0_start = base + 32'd2000; v.sack0_end = base + 32'd3000; v.sack1_start = base + 32'd4000;
               v.sack1_end = base + ((n == 171 || n == 176) ? 32'd6001 : 32'd6000);
               v.high_rxt = base + ((n == 174 || n == 175) ? 32'd4000 : 32'd2000);
               v.cwnd = (n == 176) ? 32'd2998 : 32'd20000;
               v.rescue_rxt = (n == 174) ? v.una - 32'd1 : v.una;
               tail_v = base + ((n == 172) ? 32'd8000 : 32'd7000); end
        177, 178: begin now <= 64'd500000; v.sent_us = (n == 177) ? 64'd99999 : 64'd100000; tail_v = base + 32'd1300; end
        179: begin v.mss = 16'd1000; v.sack_ok = 1'b1; v.nxt = base + 32'd2000; v.max = base + 32'd7000; v.sack_n = 3'd2; v.wnd = 32'd9000; v.cwnd = 32'd9000;
               v.sack0_start = base + 32'd1500; v.sack0_end = base + 32'd3000; v.sack1_start = base + 32'd4000; v.sack1_end = base + 32'd5000;
               tail_v = base + 32'd8000; end
        180: begin v.recovery = 1'b1; v.rxt_first = 1'b1; v.nxt = base + 32'd1501; v.max = v.nxt; v.recover = v.max; v.high_rxt = v.una;
               tail_v = base + 32'd1501; fin_v = 1'b1; end
        default: ;
      endcase
    end else begin
      for (int i = 0; i < 24; i++) begin
        r = rnd64(r);
        junk[64*i +: 64] = r;
      end
      v = junk[nic_pkg::SndCtxW-1:0];
      r = rnd64(r);
      v.open = r[3:0] != 0;
      v.gave_up = r[7:4] == 0;
      v.una = (r[9:8] == 0) ? 32'hffff_ff00 + 32'(r[17:10]) : (r[9:8] == 1) ? 32'h7fff_ff00 + 32'(r[17:10])
            : (r[9:8] == 2) ? 32'h0 : r[63:32];
      // una <= nxt <= max <= tail, each step often zero; the FIN's byte is past the data.
      fin_v = r[18];
      s_max = (r[20:19] == 0) ? 0 : (r[20:19] == 1) ? 48'(r[25:21]) : 48'(r[31:21]);
      s_tail = s_max + ((r[33:32] == 0) ? 0 : (r[33:32] == 1) ? 1 : (r[33:32] == 2) ? 48'(r[37:34]) : 48'(r[48:34]));
      if (r[49]) s_max = s_tail;
      if (r[50] && s_tail > 0) s_max = s_tail - 1;
      r = rnd64(r);
      s_nxt = (r[1:0] == 0) ? 0 : (r[1:0] == 1) ? s_max : (r[2] && s_max > 0) ? s_max - 1 : s_max & 48'(r[63:40]);
      if (s_tail == 0 && !r[3]) fin_v = 1'b0;
      v.nxt = v.una + s_nxt[31:0];
      v.max = v.una + s_max[31:0];
      tail_v = v.una + s_tail[31:0];
      v.told = r[4] ? v.una : v.una - 32'(r[12:5]);
      v.mss = r[13] ? 16'd1460 : r[14] ? 16'd1 + 16'(r[19:15]) : 16'd8960;
      // Windows near what matters: nothing, nxt, the end of the data.
      case (r[22:20])
        0: v.wnd = 32'd0;
        1: v.wnd = s_nxt[31:0];
        2: v.wnd = s_nxt[31:0] + 32'(r[24:23]);
        3: v.wnd = s_tail[31:0];
        4: v.wnd = s_tail[31:0] - 32'(fin_v);
        5: v.wnd = 32'(r[31:25]);
        default: v.wnd = 32'(r[35:25]) << r[39:36];
      endcase
      r = rnd64(r);
      v.cwnd = r[0] ? 32'd16384 : r[1] ? 32'(r[15:4]) : 32'h3fff_ffff;
      v.probe = r[3:2] == 0;
      v.rto_vld = r[16];
      owed_v = r[17];
      owed_now_v = (owed_v && r[18]) ? r[20:19] : 2'd0;
      now_v = {r[21] ? 32'd0 : r[63:32], r[59:28]};
      now <= now_v;
      v.sent_us = r[22] ? 64'd0 : now_v - 64'(v.rto_us) + 64'd1 - 64'(r[24:23]);
      r = rnd64(r);
      v.max_wnd = r[0] ? v.wnd : 32'(r[15:1]);
      v.pace_rate = (r[59:57] != 0) ? 32'd0 : (r[56]) ? 32'(r[55:46]) : 32'hffff_ffff;
      v.pace_burst = 32'(r[55:40]);
      v.pace_tick = now_v[41:10] - ((r[63]) ? 32'(r[62:60]) : 32'hffff_ff00);
      v.tokens = r[39] ? 32'd0 - 32'(r[38:28]) : 32'(r[38:28]);
      v.dup_acks = r[16] ? 4'd0 : 4'(r[19:18]);
      v.recovery = r[20] && v.una != v.max;
      v.rxt_first = v.recovery && r[21];
      if (v.recovery && r[23:22] != 0) v.nxt = v.max;
      v.recover = v.max;
      v.high_rxt = v.una - 32'd3 + 32'(r[33:24] % 10'd12);
      v.rescue_rxt = v.una - 32'd1 + 32'(r[35:34] == 0);
      v.sack_n = '0;
      v.sack0_start = '0; v.sack1_start = '0; v.sack2_start = '0; v.sack3_start = '0;
      v.sack0_end = '0; v.sack1_end = '0; v.sack2_end = '0; v.sack3_end = '0;
      // With SACK all happens within 64 bytes.
      if (v.sack_ok) begin
        v.max = v.una + 32'd8 + 32'(r[41:36] % 6'd56);
        v.nxt = (v.recovery || r[42]) ? v.max : v.una + 32'(r[48:43]) % (v.max - v.una + 32'd1);
        v.recover = v.max;
        tail_v = v.max + ((r[50:49] == 0) ? 32'd0 : 32'(r[56:51]));
        if (r[57]) fin_v = 1'b0;
        v.mss = 16'(r[60:58]) + 16'd1;
        v.high_rxt = v.una - 32'd3 + 32'(r[33:24] % 10'd68);
        r = rnd64(r);
        v.cwnd = r[0] ? 32'(r[7:2]) : 32'd1000;
        v.wnd = r[1] ? 32'(r[14:8]) : 32'd1000;
        v.max_wnd = 32'(r[18:15]);
        r = rnd64(r);
        map = (r & {r[62:0], r[63]}) << r[2:0];
        for (int i = 0; i < 64; i++) if (32'(i) >= v.max - v.una || (i == 0 && r[3])) map[i] = 1'b0;
        at = 0;
        for (int i = 0; i < 64; i++) begin
          if (map[i] && (i == 0 || !map[i-1])) at = at + 1;
          if (map[i] && at <= 4) begin
            if (i == 0 || !map[i-1]) begin
              case (at)
                1: v.sack0_start = v.una + 32'(i);
                2: v.sack1_start = v.una + 32'(i);
                3: v.sack2_start = v.una + 32'(i);
                default: v.sack3_start = v.una + 32'(i);
              endcase
            end
            case (at)
              1: v.sack0_end = v.una + 32'(i) + 32'd1;
              2: v.sack1_end = v.una + 32'(i) + 32'd1;
              3: v.sack2_end = v.una + 32'(i) + 32'd1;
              default: v.sack3_end = v.una + 32'(i) + 32'd1;
            endcase
          end
        end
        v.sack_n = (at > 4) ? 3'd4 : 3'(at);
      end
    end
    c <= v;
    tail <= tail_v;
    fin <= fin_v;
    owed <= owed_v;
    owed_now <= owed_now_v;
    if (n == 12000) begin
      `CHECK(repairs > 300 && rescues > 30 && held > 100 && starved > 50 && goes_on > 500 && 3 * spurious < goes_on, "exercised")
      if (errors_o != 0) $display("repairs %0d rescues %0d held %0d more %0d spurious %0d", repairs, rescues, held, goes_on, spurious);
      `CHECK(data > 1000 && fins > 200 && probes > 50 && acks > 300 && frees > 200 && nothing > 300, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`undef SENT
`undef QUIET
`default_nettype wire
