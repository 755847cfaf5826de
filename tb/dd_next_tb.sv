// SPDX-License-Identifier: Apache-2.0
// dd_next against a model that computes with distances from SND.UNA: MSS cut, PSH at the tail, window limits (peer's and
// congestion window), a window that shrank behind nxt, the zero-window probe and its timer, FIN with data, alone, cut off
// and outside the window, FIN sent before (nxt at and below the tail), pure ACKs owed, news for the host, a flow given up,
// a spurious call; una near 2^31 and 2^32. Directed cases first, with numbers written out.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(dd_next_tb)
  snd_ctx_t c, v, x, got;
  tx_desc_t desc, xd;
  logic [31:0] tail = 0, tail_v;
  logic fin = 0, owed = 0, fin_v, owed_v;
  logic [1:0] owed_now = 0, owed_now_v;
  logic [63:0] now = 0;
  logic emit, more, xemit, xmore;
  logic [63:0] r = 64'h3333_1234_9876_abc1;
  logic [1279:0] junk;
  logic [31:0] base;
  // Distances from una, wide enough that nothing wraps.
  logic signed [47:0] s_nxt, s_max, s_tail, s_data, s_edge, s_room, s_left, s_len, s_end;
  logic [31:0] idle_seq;
  logic x_probe, x_fin_left, x_fin, x_send, x_acked, x_news, x_live;
  int n = 0;
  int data = 0;
  int fins = 0;
  int probes = 0;
  int acks = 0;
  int frees = 0;
  int nothing = 0;

  dd_next u_dut (
      .ctx_i(c), .tail_i(tail), .fin_i(fin), .ack_owed_i(owed), .ack_now_i(owed_now), .now_us_i(now), .ctx_o(got),
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
    tail_v = v.una;
    fin_v = 1'b0;
    owed_v = 1'b0;
    owed_now_v = 2'd0;
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
    if (n > 160) begin
      // The model.
      x = c;
      xd = '0;
      xmore = 1'b0;
      s_nxt = 48'(32'(c.nxt - c.una));
      s_max = 48'(32'(c.max - c.una));
      s_tail = 48'(32'(tail - c.una));
      s_data = s_tail - (fin ? 1 : 0);
      s_edge = (c.wnd < c.cwnd) ? 48'(c.wnd) : 48'(c.cwnd);
      s_room = (s_edge > s_nxt) ? s_edge - s_nxt : 0;
      x_probe = c.probe && s_nxt == 0 && s_room == 0;
      if (x_probe) s_room = 1;
      s_left = (s_nxt < s_data) ? s_data - s_nxt : 0;
      s_len = s_left;
      if (s_len > 48'(c.mss)) s_len = 48'(c.mss);
      if (s_len > s_room) s_len = s_room;
      x_fin_left = fin && s_nxt <= s_data;
      x_fin = x_fin_left && s_nxt + s_len == s_data && s_room > s_len;
      x_live = c.open && !c.gave_up;
      x_send = x_live && (s_len > 0 || x_fin);
      x_acked = fin && s_tail == 0;
      x_news = c.open && (c.told != c.una || (!c.told_flags && (x_acked || c.gave_up)));
      xd.una = c.una;
      xd.tell = x_news;
      xd.fin_acked = x_acked;
      xd.timed_out = c.gave_up;
      xemit = 1'b1;
      if (x_send) begin
        s_end = s_nxt + s_len + (x_fin ? 1 : 0);
        xd.kind = TxData;
        xd.seq = c.nxt;
        xd.len = s_len[13:0];
        xd.fin = x_fin;
        xd.psh = s_len > 0 && s_nxt + s_len == s_data;
        if (!x_probe) x.nxt = c.una + s_end[31:0];
        if (s_end > s_max) x.max = c.una + s_end[31:0];
        x.probe = 1'b0;
        xmore = owed_now > 0 || (s_len < s_left && s_len < s_room);
        data = data + 1;
        if (x_fin) fins = fins + 1;
        if (x_probe) probes = probes + 1;
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
      if (!x.rto_vld && (x_send || (x_live && s_max == 0 && (s_left > 0 || x_fin_left)))) begin
        x.rto_vld = 1'b1;
        x.rto_at_us = now + 64'(c.rto_us);
      end
      if (xemit) begin
        x.told = c.una;
        x.told_flags = x_acked || c.gave_up;
      end
      `CHECK(emit === xemit && more === xmore, "emit and more against the model")
      `CHECK(got === x, "context against the model")
      if (xemit) begin
        `CHECK(desc.kind === xd.kind && desc.una === xd.una && desc.tell === xd.tell, "descriptor: kind, una, tell")
        `CHECK(desc.fin_acked === xd.fin_acked && desc.timed_out === xd.timed_out, "descriptor: flags to the host")
        `CHECK(desc.len === xd.len && desc.fin === xd.fin && desc.psh === xd.psh, "descriptor: len, FIN, PSH")
        if (x_send) begin `CHECK(desc.seq === xd.seq, "descriptor: seq") end
        else if (c.wnd[31:30] == 2'd0) begin `CHECK(desc.seq === c.una + ((48'(c.wnd) < s_max) ? c.wnd : s_max[31:0]), "without data: inside the window") end
      end
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
    end else begin
      for (int i = 0; i < 20; i++) begin
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
      now <= {r[21] ? 32'd0 : r[63:32], r[59:28]};
    end
    c <= v;
    tail <= tail_v;
    fin <= fin_v;
    owed <= owed_v;
    owed_now <= owed_now_v;
    if (n == 8000) begin
      `CHECK(data > 1000 && fins > 200 && probes > 50 && acks > 300 && frees > 200 && nothing > 300, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`undef SENT
`undef QUIET
`default_nettype wire
