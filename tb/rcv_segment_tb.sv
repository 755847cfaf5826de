// SPDX-License-Identifier: Apache-2.0
// rcv_segment, in two ways.
//   Directed: each rule of RFC 9293 section 3.10.7.4, 5961, 7323, 2018, 2883 and 5681 once, with the expected result written
//   out, at three places of the sequence space (plain, over the wrap of 2^31, over that of 2^32); each rcv_class_e of a
//   segment is reached.
//   Random: against a model that knows only distances from RCV.NXT as signed numbers and takes the held intervals one by one,
//   from corner values on both sides of every edge (window, segment ends, intervals, una, max, WL1, WL2, what was last
//   acknowledged, time stamps, half of the sequence space); the whole next context is compared.
// Where the module means to be wider than the RFC's text, so is the model: a segment of length 0 at the right edge is taken,
// a new ACK updates the window whatever WL1 says, and one from behind its own window probe, or an edge that went back, counts.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(rcv_segment_tb)
  rcv_ctx_t ctx, ctx_out, want_ctx;
  rx_desc_t seg;
  snd_mirror_t snd;
  sent_mirror_t sent;
  dsack_t dup, want_dup;
  logic [nic_pkg::RcvCtxW-1:0] ctx_bits = '0;
  logic [nic_pkg::RxDescW-1:0] seg_bits = '0;
  logic [nic_pkg::SndMirrorW-1:0] snd_bits = '0;
  logic [nic_pkg::SentMirrorW-1:0] sent_bits = '0;
  logic [63:0] now = 0;
  logic [3:0] cls;
  logic [13:0] lo, hi;
  logic tell, reset, ack, ack_now, fwd, wnd_vld, ts_vld;
  logic [31:0] wnd;

  assign ctx = ctx_bits;
  assign seg = seg_bits;
  assign snd = snd_bits;
  assign sent = sent_bits;
  rcv_segment u_dut (
      .en_i(1'b1),
      .ctx_i(ctx), .seg_i(seg), .snd_i(snd), .sent_i(sent), .now_us_i(now), .ctx_o(ctx_out), .class_o(cls), .lo_o(lo), .hi_o(hi),
      .tell_o(tell), .reset_o(reset), .ack_o(ack), .ack_now_o(ack_now), .dup_o(dup), .fwd_o(fwd), .wnd_vld_o(wnd_vld), .wnd_o(wnd),
      .ts_vld_o(ts_vld));

  localparam logic [4:0] F = 5'd1, S = 5'd2, R = 5'd4, A = 5'd16;
  localparam logic [6:0] Ts = 7'd64, Fin = 7'd32, Reset = 7'd16, Ack = 7'd8, Now = 7'd4, Fwd = 7'd2, Wnd = 7'd1;
  localparam logic [63:0] T0 = 64'h1_7fff_fc00;                            // us: a tick begins, near 2^31 of them... and not near a period
  localparam int Delack = nic_pkg::DelackUs;

  // --- directed -----------------------------------------------------------------------------------------------------
  // Around: window w, una = ack_fwd, max = una + 1000, wl1 = nxt, peer's window last told 1000 (scale 0), 5000 bytes not
  // acknowledged yet, so that an ACK is due. What a case does not name in x_* stays as it was.
  logic [31:0] anchor;
  logic [3:0] want_class;
  int want_lo, want_hi, want_adv;
  logic [6:0] want_bits;
  int line;
  rcv_ctx_t c;
  rx_desc_t g;
  snd_mirror_t m;
  sent_mirror_t e;
  logic [63:0] tm;
  int x_iv, x_start, x_end, x_fin, x_delack, x_learn, x_chal, x_dup, x_dup_start, x_dup_stop, x_seg_max;
  task automatic d(input int s, input int pay, input logic [4:0] flags, input int w, input int a, input int peer_wnd,
                   input logic [3:0] k, input int l, input int h, input int adv, input logic [6:0] bits);
    c = '0;
    c.open = 1'b1;
    c.nxt = anchor;
    c.wnd_end = anchor + w;
    c.wl1 = anchor;
    c.ack_fwd = anchor + 32'd77;
    c.wnd_fwd = 32'd1000;
    c.mss = 16'd1460;
    c.ts_recent = 32'hffff_fff0;
    c.ts_age = T0[51:20] - 32'd7;
    c.chal_period = T0[35:20];
    m = '0;
    m.una = anchor + 32'd77;
    m.max = anchor + 32'd1077;
    e = '0;
    e.ack = anchor - 32'd5000;
    tm = T0;
    g = '0;
    g.seq = anchor + s;
    g.ack = anchor + 32'd77 + a;
    g.pay_len = 14'(pay);
    g.pay_off = 7'd66;
    g.flags = flags;
    g.wnd = 16'(peer_wnd);
    g.tsecr = 32'd4711;
    want_class = k;
    want_lo = l;
    want_hi = h;
    want_adv = adv;
    want_bits = bits;
    x_iv = -1;
    x_start = 0;
    x_end = 0;
    x_fin = -1;
    x_delack = 0;
    x_learn = 0;
    x_chal = -1;
    x_dup = 0;
    x_dup_start = 0;
    x_dup_stop = 0;
    x_seg_max = -1;
  endtask
  // So many intervals afterwards, the first of them this.
  task automatic iv(input int n, input int from, input int to);
    x_iv = n;
    x_start = from;
    x_end = to;
  endtask
  task automatic twice(input int from, input int to);
    x_dup = 1;
    x_dup_start = from;
    x_dup_stop = to;
  endtask
  // Up to four intervals of 10 bytes are held: at 100, 200, 300, 400.
  task automatic hold(input int n);
    c.ooo_n = 3'(n);
    if (n > 0) {c.ooo0_start, c.ooo0_end} = {anchor + 32'd100, anchor + 32'd110};
    if (n > 1) {c.ooo1_start, c.ooo1_end} = {anchor + 32'd200, anchor + 32'd210};
    if (n > 2) {c.ooo2_start, c.ooo2_end} = {anchor + 32'd300, anchor + 32'd310};
    if (n > 3) {c.ooo3_start, c.ooo3_end} = {anchor + 32'd400, anchor + 32'd410};
  endtask
  task automatic stamped(input int at);                                      // with a time stamp so much later
    c.ts_ok = 1'b1;
    g.has_ts = 1'b1;
    g.tsval = c.ts_recent + at;
  endtask

  task automatic directed(input int n);
    case (n)
      // in order, ACKs, window updates
      0:  d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 100, Ack | Wnd);
      1:  d(0, 0, A, 2000, 100, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd);
      2:  d(0, 0, A, 2000, 0, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd);         // perhaps a duplicate ACK
      3:  d(0, 100, A, 2000, 0, 999, RcvAccept, 0, 100, 100, Ack | Fwd | Wnd);
      4:  d(0, 100, A, 2000, 1000, 1000, RcvAccept, 0, 100, 100, Ack | Fwd | Wnd);
      5:  d(0, 100, A, 2000, -10, 999, RcvAccept, 0, 100, 100, Ack);         // an old ACK moves no window
      6:  d(5, 0, A, 2000, 0, 999, RcvPureAck, 0, 0, 0, Fwd | Wnd);
      // left and right edge
      7:  d(-100, 100, A, 2000, 0, 1000, RcvDuplicate, 0, 0, 0, Now);
      8:  d(-100, 101, A, 2000, 0, 1000, RcvAccept, 100, 101, 1, Ack | Wnd);
      9:  d(-50, 100, A, 2000, 0, 1000, RcvAccept, 50, 100, 50, Ack | Wnd);
      10: begin d(1999, 1, A, 2000, 0, 1000, RcvOutOfOrder, 0, 1, 0, Now | Wnd); iv(1, 1999, 2000); end
      11: d(2000, 1, A, 2000, 0, 1000, RcvOutOfWindow, 0, 0, 0, Now);
      12: begin d(1, 100, A, 2000, 0, 1000, RcvOutOfOrder, 0, 100, 0, Now | Wnd); iv(1, 1, 101); end
      13: d(0, 2000, A, 2000, 0, 1000, RcvAccept, 0, 2000, 2000, Ack | Wnd);
      14: d(0, 2001, A, 2000, 0, 1000, RcvAccept, 0, 2000, 2000, Ack | Wnd);
      15: d(-10, 2100, A, 2000, 0, 1000, RcvAccept, 10, 2010, 2000, Ack | Wnd);
      16: d(-1, 0, A, 2000, 0, 1000, RcvDuplicate, 0, 0, 0, Now);            // keep-alive
      17: d(2001, 0, A, 2000, 0, 1000, RcvOutOfWindow, 0, 0, 0, Now);
      18: d(2000, 0, A, 2000, 0, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd);          // at the very edge: its ACK counts
      // FIN
      19: d(0, 0, A | F, 2000, 0, 1000, RcvAccept, 0, 0, 1, Fin | Ack | Wnd);
      20: d(0, 100, A | F, 2000, 0, 1000, RcvAccept, 0, 100, 101, Fin | Ack | Wnd);
      21: d(0, 1999, A | F, 2000, 0, 1000, RcvAccept, 0, 1999, 2000, Fin | Ack | Wnd);
      22: d(0, 2000, A | F, 2000, 0, 1000, RcvAccept, 0, 2000, 2000, Ack | Wnd);  // no room for the FIN
      23: d(0, 2100, A | F, 2000, 0, 1000, RcvAccept, 0, 2000, 2000, Ack | Wnd);
      24: d(-100, 100, A | F, 2000, 0, 1000, RcvAccept, 100, 100, 1, Fin | Ack | Wnd);
      25: begin d(1, 0, A | F, 2000, 0, 1000, RcvOutOfOrder, 0, 0, 0, Now | Wnd); x_fin = 1; end
      26: d(-1, 0, A | F, 2000, 0, 1000, RcvDuplicate, 0, 0, 0, Now);
      27: begin d(0, 10, A, 2000, 0, 1000, RcvAfterFin, 0, 0, 0, Now | Wnd); c.fin_done = 1'b1; end
      28: begin d(0, 0, A, 2000, 5, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd); c.fin_done = 1'b1; end
      29: begin d(-1, 0, A | F, 2000, 0, 1000, RcvDuplicate, 0, 0, 0, Now); c.fin_done = 1'b1; end
      // window closed
      30: d(0, 1, A, 0, 10, 1000, RcvOutOfWindow, 0, 0, 0, Now | Fwd | Wnd);  // MUST-66: its ACK counts
      31: d(0, 0, A, 0, 10, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd);
      32: d(1, 0, A, 0, 10, 1000, RcvOutOfWindow, 0, 0, 0, Now);
      33: d(-1, 1, A, 0, 0, 1000, RcvDuplicate, 0, 0, 0, Now);
      34: d(0, 0, A | F, 0, 0, 1000, RcvOutOfWindow, 0, 0, 0, Now | Wnd);
      35: d(-50, 100, A, 0, 0, 1000, RcvOutOfWindow, 0, 0, 0, Now);          // table 6: length > 0, window 0: not acceptable
      // RST and SYN: RFC 5961
      36: d(0, 0, R, 2000, 0, 1000, RcvReset, 0, 0, 0, Reset | Fwd);
      37: d(0, 0, R | A, 0, 0, 1000, RcvReset, 0, 0, 0, Reset | Fwd);
      38: d(1, 0, R | A, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now);
      39: d(1999, 0, R, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now);
      40: d(2000, 0, R, 2000, 0, 1000, RcvDropRst, 0, 0, 0, 6'd0);
      41: d(-1, 0, R, 2000, 0, 1000, RcvDropRst, 0, 0, 0, 6'd0);
      42: d(1, 0, R, 0, 0, 1000, RcvDropRst, 0, 0, 0, 6'd0);
      43: d(0, 0, S, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now);
      44: d(-1, 0, S, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now);
      45: d(90000, 0, S | A, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now);
      46: d(0, 0, R | S, 2000, 0, 1000, RcvReset, 0, 0, 0, Reset | Fwd);
      // ACK
      47: d(0, 100, 5'd0, 2000, 0, 1000, RcvNoAck, 0, 0, 0, 6'd0);
      48: d(0, 100, A, 2000, 1001, 1000, RcvChallenge, 0, 0, 0, Now);
      49: d(0, 0, A, 2000, 1001, 1000, RcvChallenge, 0, 0, 0, Now);
      // behind its own window probe
      50: d(-1, 0, A, 2000, 100, 999, RcvDuplicate, 0, 0, 0, Now | Fwd | Wnd);
      51: d(-1, 0, A, 2000, 1001, 999, RcvDuplicate, 0, 0, 0, Now);
      52: d(-2, 0, A, 2000, 100, 999, RcvDuplicate, 0, 0, 0, Now);
      53: d(-1, 0, A | F, 2000, 100, 999, RcvDuplicate, 0, 0, 0, Now);
      // closed already
      54: begin d(0, 100, A, 2000, 0, 1000, RcvDead, 0, 0, 0, 6'd0); c.open = 1'b0; end
      55: begin d(0, 0, R, 2000, 0, 1000, RcvDead, 0, 0, 0, 6'd0); c.open = 1'b0; end
      // held out of order
      56: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 110, Ack | Wnd); hold(1); iv(0, 0, 0); end      // closes the gap
      57: begin d(0, 50, A, 2000, 0, 1000, RcvAccept, 0, 50, 50, Ack | Wnd); hold(1); iv(1, 100, 110); e.ack = anchor; end // in part: at once, too
      58: begin d(0, 205, A, 2000, 0, 1000, RcvAccept, 0, 205, 210, Ack | Wnd); hold(2); iv(0, 0, 0); end      // over one, into the next
      59: begin d(500, 10, A, 2000, 0, 1000, RcvNoInterval, 0, 0, 0, Now | Wnd); hold(4); end
      60: begin d(410, 10, A, 2000, 0, 1000, RcvOutOfOrder, 0, 10, 0, Now | Wnd); hold(4); iv(4, 400, 420); end
      61: begin d(105, 300, A, 2000, 0, 1000, RcvOutOfOrder, 0, 300, 0, Now | Wnd); hold(4); iv(1, 100, 410); end
      62: begin d(202, 8, A, 2000, 0, 1000, RcvOutOfOrder, 0, 0, 0, Now | Wnd); hold(2); iv(2, 200, 210); end  // all of it was there
      63: begin d(500, 10, A | F, 2000, 0, 1000, RcvNoInterval, 0, 0, 0, Now | Wnd); hold(4); x_fin = 510; end
      64: begin d(1990, 20, A, 2000, 0, 1000, RcvOutOfOrder, 0, 10, 0, Now | Wnd); iv(1, 1990, 2000); end      // trimmed to the window
      // FIN out of order
      65: begin d(100, 50, A | F, 2000, 0, 1000, RcvOutOfOrder, 0, 50, 0, Now | Wnd); iv(1, 100, 150); x_fin = 150; end
      66: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 101, Fin | Ack | Wnd); c.fin_vld = 1'b1; c.fin_seq = anchor + 100; end
      67: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 111, Fin | Ack | Wnd); hold(1); c.fin_vld = 1'b1; c.fin_seq = anchor + 110; iv(0, 0, 0); end
      68: begin d(1990, 10, A | F, 2000, 0, 1000, RcvOutOfOrder, 0, 10, 0, Now | Wnd); iv(1, 1990, 2000); end  // no place for the FIN
      69: begin d(0, 99, A, 2000, 0, 1000, RcvAccept, 0, 99, 99, Ack | Wnd); c.fin_vld = 1'b1; c.fin_seq = anchor + 100; x_fin = 100; end
      // delayed ACK
      70: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 100, Wnd); e.ack = anchor; x_delack = 1; x_seg_max = 100; end
      71: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 100, Ack | Wnd); e.ack = anchor - 100; c.seg_max = 16'd100; end
      72: begin d(0, 99, A, 2000, 0, 1000, RcvAccept, 0, 99, 99, Wnd); e.ack = anchor - 100; c.seg_max = 16'd100; x_delack = 1; end
      73: begin d(0, 99, A, 2000, 0, 1000, RcvAccept, 0, 99, 99, Wnd); e.ack = anchor - 100; c.seg_max = 16'd100; c.delack_vld = 1'b1; c.delack_us = T0 + 9; end
      74: begin d(0, 99, A, 2000, 0, 1000, RcvAccept, 0, 99, 99, Wnd); e.ack = anchor; c.seg_max = 16'd100; c.delack_vld = 1'b1; c.delack_us = T0 + 9; x_delack = 1; end
      75: begin d(0, 100, A | F, 2000, 0, 1000, RcvAccept, 0, 100, 101, Fin | Ack | Wnd); e.ack = anchor; x_seg_max = 100; end
      76: begin d(0, 0, R, 2000, 0, 1000, RcvReset, 0, 0, 0, Reset | Fwd); c.delack_vld = 1'b1; x_delack = -1; end
      // D-SACK
      77: begin d(-100, 100, A, 2000, 0, 1000, RcvDuplicate, 0, 0, 0, Now); c.sack_ok = 1'b1; twice(-100, 0); end
      78: begin d(-50, 100, A, 2000, 0, 1000, RcvAccept, 50, 100, 50, Ack | Wnd); c.sack_ok = 1'b1; e.ack = anchor; x_delack = 1; x_seg_max = 100; twice(-50, 0); end
      79: begin d(105, 200, A, 2000, 0, 1000, RcvOutOfOrder, 0, 200, 0, Ack | Now | Wnd); c.sack_ok = 1'b1; hold(4); iv(2, 100, 310); twice(105, 110); end
      80: begin d(0, 105, A, 2000, 0, 1000, RcvAccept, 0, 105, 110, Ack | Wnd); c.sack_ok = 1'b1; hold(1); iv(0, 0, 0); twice(100, 105); end
      81: begin d(210, 90, A, 2000, 0, 1000, RcvOutOfOrder, 0, 90, 0, Now | Wnd); c.sack_ok = 1'b1; hold(4); iv(3, 200, 310); end
      82: begin d(-1, 0, A, 2000, 0, 1000, RcvDuplicate, 0, 0, 0, Now); c.sack_ok = 1'b1; end                   // keep-alive: no bytes
      83: begin d(202, 8, A, 2000, 0, 1000, RcvOutOfOrder, 0, 0, 0, Ack | Now | Wnd); c.sack_ok = 1'b1; hold(2); iv(2, 200, 210); twice(202, 210); end
      // time stamps
      84: begin d(0, 100, A, 2000, 0, 1000, RcvPaws, 0, 0, 0, Now); stamped(-1); end
      85: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 100, Ack | Wnd | Ts); stamped(0); e.ack = anchor - 1; c.delack_vld = 1'b1; c.seg_max = 16'd50; x_seg_max = 100; want_bits = Wnd | Ts; end
      86: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 100, Wnd | Ts); stamped(100); e.ack = anchor; x_learn = 1; x_delack = 1; x_seg_max = 100; end
      87: begin d(0, 0, A, 2000, 0, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd | Ts); stamped(100); e.ack = anchor; x_learn = 1; end
      88: begin d(0, 100, A, 2000, 0, 1000, RcvNoTimestamp, 0, 0, 0, 7'd0); c.ts_ok = 1'b1; end
      89: begin d(0, 0, R, 2000, 0, 1000, RcvReset, 0, 0, 0, Reset | Fwd); c.ts_ok = 1'b1; end
      90: begin d(0, 0, R, 2000, 0, 1000, RcvReset, 0, 0, 0, Reset | Fwd); stamped(-100); end
      91: begin d(0, 0, A, 2000, 0, 1000, RcvPaws, 0, 0, 0, Now); stamped(-1); c.ts_age = T0[51:20] - 32'd1977539; end
      92: begin d(0, 0, A, 2000, 0, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd | Ts); stamped(-1); e.ack = anchor; c.ts_age = T0[51:20] - 32'd1977540; x_learn = 1; end
      93: begin d(-100, 150, A, 2000, 0, 1000, RcvAccept, 100, 150, 50, Ack | Wnd | Ts); stamped(5); x_learn = 0; end
      94: begin d(0, 0, A, 2000, 0, 1000, RcvPureAck, 0, 0, 0, Fwd | Wnd); stamped(-5); c.ts_ok = 1'b0; end
      // challenges, old ACKs
      95: begin d(0, 0, S, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now); c.chal_n = 8'd9; x_chal = 10; end
      96: begin d(0, 0, S, 2000, 0, 1000, RcvChallenge, 0, 0, 0, 7'd0); c.chal_n = 8'd10; x_chal = 10; end
      97: begin d(1, 0, R, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now); c.chal_n = 8'd10; c.chal_period = 16'd3; x_chal = 1; end
      98: begin d(0, 100, A, 2000, -65536, 1000, RcvChallenge, 0, 0, 0, Now); end
      99: begin d(0, 100, A, 2000, -65535, 1000, RcvAccept, 0, 100, 100, Ack); end
      100: begin d(0, 100, A, 2000, -(65535 << 14) - 1, 0, RcvChallenge, 0, 0, 0, Now); c.snd_wscale = 4'd14; end
      101: begin d(0, 100, A, 2000, -(65535 << 14), 0, RcvAccept, 0, 100, 100, Ack); c.snd_wscale = 4'd14; end
      102: begin d(0, 100, A, 2000, 0, 1000, RcvAccept, 0, 100, 100, Ack | Fwd | Wnd); g.n_sack = 3'd1; end
      103: begin d(9000, 0, S, 2000, 0, 1000, RcvChallenge, 0, 0, 0, Now); c.ts_ok = 1'b1; end
      // behind an edge that the scale took back
      104: begin d(-8, 0, A, 2000, 100, 999, RcvDuplicate, 0, 0, 0, Now | Fwd | Wnd); c.rcv_wscale = 4'd3; end
      105: begin d(-9, 0, A, 2000, 100, 999, RcvDuplicate, 0, 0, 0, Now); c.rcv_wscale = 4'd3; end
      default: begin d(0, 0, S, 2000, 0, 1000, RcvDead, 0, 0, 0, 7'd0); c.open = 1'b0; end
    endcase
  endtask
  localparam int Cases = 107;

  // --- random -------------------------------------------------------------------------------------------------------
  logic [63:0] r = 64'h1234_5678_9abc_def1;
  logic [63:0] s = 64'h8765_4321_9abc_def1;
  logic [63:0] t = 64'h1111_4321_9abc_def1;
  logic [63:0] u = 64'h2222_4321_9abc_def1;
  int cycle = 0;
  logic [15:0] seen = '0;
  int zero_windows = 0;
  int halves = 0, merges = 0, fins = 0, dups = 0, delays = 0, pawses = 0;

  function automatic logic [31:0] near(input logic [3:0] x);               // -8..7
    near = {{28{x[3]}}, x};
  endfunction

  // Held intervals: n of them, hs..he, in rising order at first.
  int hn;
  int hs [0:7];
  int he [0:7];
  int ks [0:7];
  int ke [0:7];
  int kn, q, rot;
  task automatic store;                    // hs, he -> want_ctx
    want_ctx.ooo_n = 3'(hn);
    {want_ctx.ooo0_start, want_ctx.ooo0_end} = (hn > 0) ? {c.nxt + hs[0], c.nxt + he[0]} : 64'd0;
    {want_ctx.ooo1_start, want_ctx.ooo1_end} = (hn > 1) ? {c.nxt + hs[1], c.nxt + he[1]} : 64'd0;
    {want_ctx.ooo2_start, want_ctx.ooo2_end} = (hn > 2) ? {c.nxt + hs[2], c.nxt + he[2]} : 64'd0;
    {want_ctx.ooo3_start, want_ctx.ooo3_end} = (hn > 3) ? {c.nxt + hs[3], c.nxt + he[3]} : 64'd0;
  endtask

  task automatic random;
    c = {u, s, r, t, s ^ t, r ^ t, r ^ s, ~s, ~r, ~t, u ^ r, r + s};         // also what must not change
    c.open = (r[3:0] != 4'd0);
    c.fin_done = (r[6:4] == 3'd0);
    c.nxt = (r[8:7] == 2'd0) ? near(r[12:9]) : (r[8:7] == 2'd1) ? 32'h8000_0000 + near(r[12:9]) : r[63:32];
    case (r[15:13])
      3'd0: c.wnd_end = c.nxt;
      3'd1, 3'd2, 3'd3: c.wnd_end = c.nxt + 32'(r[19:16]);
      3'd4: c.wnd_end = c.nxt + 32'(r[30:16]);
      3'd5: c.wnd_end = c.nxt + {2'b00, t[63:34]};
      default: c.wnd_end = c.nxt + 32'd32768;
    endcase
    w = int'(c.wnd_end - c.nxt);
    hn = 0;                                                                 // in the window, not touching RCV.NXT, nor each other
    q = 1 + ((u[0]) ? int'(u[2:1]) : int'(u[13:1]));
    for (int i = 0; i < 4; i++) if (i < int'(u[16:14]) && q < w && !c.fin_done) begin
      hs[i] = q;
      he[i] = q + 1 + ((u[17+i]) ? int'(u[24+4*i +: 2]) : int'(u[24+4*i +: 12]));
      if (he[i] > w) he[i] = w;
      q = he[i] + 1 + int'(u[44+2*i +: 2]);
      hn = i + 1;
    end
    rot = int'(u[61:60]);                                                   // in some order
    if (hn > 1) for (int i = 0; i < rot; i++) begin
      q = hs[0]; hs[0] = hs[hn-1]; hs[hn-1] = q;
      q = he[0]; he[0] = he[hn-1]; he[hn-1] = q;
      if (hn > 2) begin
        q = hs[1]; hs[1] = hs[hn-1]; hs[hn-1] = q;
        q = he[1]; he[1] = he[hn-1]; he[hn-1] = q;
      end
    end
    want_ctx = c;
    store();
    c = want_ctx;
    c.snd_wscale = (r[20]) ? 4'd0 : 4'(s[63:60] % 4'd15);
    c.rcv_wscale = {2'd0, s[58:57]};
    g = '0;
    g.class_id = RxLookup;
    g.pay_off = 7'd54 + 7'({s[3:0] % 4'd11, 2'b00});
    g.pay_len = (s[4]) ? 14'd0 : (s[5]) ? 14'(s[8:6]) : (s[6]) ? 14'(s[22:9] % 14'd8961) : 14'd1460;
    g.flags = {s[25:23] != 3'd0, s[26], s[30:27] == 4'd0, s[34:31] == 4'd0, s[36:35] == 2'd0};
    g.wnd = s[37] ? 16'd0 : s[53:38];
    case (t[2:0])
      3'd0: g.seq = c.nxt;
      3'd1: g.seq = c.nxt + near(t[6:3]);
      3'd2: g.seq = c.nxt - 32'(g.pay_len) + near({2'b00, t[4:3]}) - 32'd2;
      3'd3: g.seq = c.wnd_end + near(t[6:3]);
      3'd4: g.seq = c.wnd_end - 32'(g.pay_len) + near({2'b00, t[4:3]}) - 32'd2;
      3'd5: g.seq = c.nxt - 32'(t[20:7]);
      3'd6: g.seq = c.nxt + 32'h8000_0000 + near(t[6:3]);
      default: g.seq = (t[3]) ? c.nxt : t[63:32];
    endcase
    // Near the ends of what is held, at either end of the segment.
    if (hn > 0 && u[52]) begin
      q = int'(u[54:53]) % hn;
      g.seq = c.nxt + ((u[55]) ? hs[q] : he[q]) - ((u[56]) ? int'(g.pay_len) : 0) + int'(near({{2{u[58]}}, u[58:57]}));
    end
    m.una = (t[7:6] == 2'd0) ? near(t[11:8]) : r[47:16];
    m.max = m.una + ((t[12]) ? 32'(t[15:13]) : 32'(t[26:13]));
    case (s[56:54])
      3'd0: g.ack = m.max + near(t[30:27]);
      3'd1: g.ack = (t[27]) ? m.una - 32'(t[30:27]) : m.una - (32'd65535 << c.snd_wscale) + near(t[31:28]);
      3'd2: g.ack = m.una + 32'h8000_0000 + near(t[30:27]);
      3'd3: g.ack = m.max;
      default: g.ack = m.una + near(t[30:27]);
    endcase
    c.ack_fwd = m.una + near({2'b00, t[32:31]}) - (t[31] ? 32'd1 : 32'd0);
    c.wl1 = (t[33]) ? c.nxt + near(t[37:34]) : g.seq + near({{2{t[34]}}, t[35:34]});
    if (t[40]) c.wnd_fwd = 32'(g.wnd) << c.snd_wscale;
    else if (t[39]) c.wnd_fwd = 32'd0;
    // FIN, time stamps, delayed ACKs, challenges.
    c.fin_vld = (t[42:41] == 2'd0) && !c.fin_done;
    c.fin_seq = (!c.fin_vld) ? 32'd0 : (t[43]) ? g.seq + 32'(g.pay_len) + near({{2{t[45]}}, t[45:44]})
              : (hn > 0) ? c.nxt + he[hn-1] : c.nxt + 32'(t[51:44]);
    tm = {22'd0, u[41:0] ^ s[41:0]};
    c.ts_ok = (t[48:46] >= 3'd5);
    g.has_ts = (t[51:49] != 3'd0);
    g.tsval = (u[63]) ? c.ts_recent + near(t[55:52]) : (u[62]) ? c.ts_recent + 32'h8000_0000 + near(t[55:52]) : c.ts_recent + 32'(t[59:52]);
    c.ts_age = tm[51:20] - ((u[59]) ? 32'(t[63:56]) : 32'd1977539 + near(t[59:56]));
    e.ack = (u[8]) ? c.nxt : (u[9]) ? g.seq + near(u[13:10]) : c.nxt - 32'(u[22:10]);
    e.wnd_end = ~c.wnd_end;
    c.delack_vld = u[23];
    c.seg_max = (u[24]) ? 16'(u[34:25]) : 16'(g.pay_len) + near(u[28:25]);
    c.chal_period = (u[36]) ? tm[35:20] : u[51:36];
    c.chal_n = (u[37]) ? 8'(u[41:38]) : u[45:38];
    g.n_sack = (u[47:46] == 2'd0) ? u[50:48] % 3'd5 : 3'd0;
  endtask

  // The model. All positions are distances from RCV.NXT; what is exactly half the space away has no order and is not asked.
  logic want_tell, want_reset, want_ack, want_now, want_fwd, want_wnd, want_ts, no_order, joined;
  logic [31:0] want_l, want_h;
  int at, w, len, pay, first, past, beyond, wl, nu, ts, told, oldest, lo_edge, hi_edge;
  task automatic use_ack;
    if (nu >= 0 && (nu > 0 || wl >= 0)) begin
      want_wnd = 1'b1;
      want_ctx.wl1 = c.nxt + first;
      want_ctx.wnd_fwd = 32'(g.wnd) << c.snd_wscale;
    end
    if (nu > 0) want_ctx.ack_fwd = g.ack;
    want_fwd = nu > 0 || len == 0 || (want_wnd && want_ctx.wnd_fwd != c.wnd_fwd) || g.n_sack != 0 || c.wnd_fwd == 0;
  endtask

  task automatic challenged;
    want_class = RcvChallenge;
    if (c.chal_period != tm[35:20]) want_ctx.chal_n = 8'd0;
    want_ctx.chal_period = tm[35:20];
    want_now = want_ctx.chal_n < 8'd10;
    if (want_now) want_ctx.chal_n = want_ctx.chal_n + 8'd1;
  endtask

  task automatic duplicate;                // the lowest bytes of it that were there
    if (c.sack_ok && pay > 0) begin
      lo_edge = 0;
      hi_edge = 0;
      if (at < 0) begin
        lo_edge = at;
        hi_edge = (at + pay < 0) ? at + pay : 0;
      end else for (int i = 0; i < hn; i++)
        if (hs[i] < at + pay && he[i] > at && (hi_edge == 0 || hs[i] < lo_edge)) begin
          lo_edge = (hs[i] < at) ? at : hs[i];
          hi_edge = (he[i] > at + pay) ? at + pay : he[i];
        end
      if (lo_edge < hi_edge) begin
        want_dup.vld = 1'b1;
        want_dup.start = c.nxt + lo_edge;
        want_dup.stop = c.nxt + hi_edge;
      end
    end
  endtask

  task automatic take_text;
    duplicate();
    if (g.flags[nic_pkg::FlagFin] && at + pay < w) begin
      want_ctx.fin_vld = 1'b1;
      want_ctx.fin_seq = g.seq + pay;
    end
    past = (at + pay > w) ? w : at + pay;
    kn = 0;
    if (at <= 0) begin
      want_class = RcvAccept;
      want_tell = 1'b1;
      want_l = 32'(g.pay_off) + 32'(-at);
      want_h = 32'(g.pay_off) + 32'(past - at);
      lo_edge = hn;
      for (int i = 0; i < hn; i++)
        if (hs[i] <= past) past = (he[i] > past) ? he[i] : past;
        else begin ks[kn] = hs[i]; ke[kn] = he[i]; kn = kn + 1; end
      hn = kn;
      for (int i = 0; i < kn; i++) begin hs[i] = ks[i]; he[i] = ke[i]; end
      store();
      want_ctx.nxt = c.nxt + past;
      if (want_ctx.fin_vld && want_ctx.fin_seq == want_ctx.nxt) begin
        want_ctx.fin_vld = 1'b0;
        want_ctx.fin_seq = '0;
        want_ctx.fin_done = 1'b1;
        want_ctx.nxt = want_ctx.nxt + 32'd1;
        hn = 0;                                                             // beyond its own FIN the peer has nothing
        store();
        fins = fins + 1;
      end
      if (lo_edge > 0) want_ack = 1'b1;
      else begin
        if (pay > int'(c.seg_max)) want_ctx.seg_max = 16'(pay);
        if (want_ctx.fin_done || past + told >= 2 * int'(want_ctx.seg_max)) want_ack = 1'b1;
        else begin
          delays = delays + 1;
          if (!c.delack_vld || told == 0) begin
            want_ctx.delack_vld = 1'b1;
            want_ctx.delack_us = tm + 64'(Delack);
          end
        end
      end
    end else begin
      want_class = RcvOutOfOrder;
      want_now = 1'b1;
      if (pay > 0) begin
        ks[0] = at;
        ke[0] = past;
        kn = 1;
        joined = 1'b0;                                                      // all of it in one
        for (int i = 0; i < hn; i++)
          if (he[i] < at || past < hs[i]) begin ks[kn] = hs[i]; ke[kn] = he[i]; kn = kn + 1; end
          else begin
            if (hs[i] <= at && past <= he[i]) joined = 1'b1;
            if (hs[i] < ks[0]) ks[0] = hs[i];
            if (he[i] > ke[0]) ke[0] = he[i];
            merges = merges + 1;
          end
        if (kn > 4) want_class = RcvNoInterval;
        else begin
          hn = kn;
          for (int i = 0; i < kn; i++) begin hs[i] = ks[i]; he[i] = ke[i]; end
          store();
          if (!joined) begin
            want_l = 32'(g.pay_off);
            want_h = 32'(g.pay_off) + 32'(past - at);
          end
        end
      end
    end
    if (want_dup.vld) want_ack = 1'b1;
  endtask

  task automatic model;
    want_ctx = c;
    want_class = RcvPureAck;
    want_dup = '0;
    {want_tell, want_reset, want_ack, want_now, want_fwd, want_wnd, want_ts, no_order} = '0;
    want_l = '0;
    want_h = '0;
    at = int'(g.seq - c.nxt);
    w = int'(c.wnd_end - c.nxt);
    pay = int'(g.pay_len);
    len = pay + int'(g.flags[nic_pkg::FlagFin]);
    beyond = int'(g.ack - m.max);
    oldest = int'(g.ack - m.una + (32'd65535 << c.snd_wscale));
    nu = int'(g.ack - c.ack_fwd);
    first = (at < 0) ? 0 : at;                                                // tailored to the window on the left
    wl = int'(c.nxt + first - c.wl1);
    ts = int'(g.tsval - c.ts_recent);
    told = int'(c.nxt - e.ack);                                               // bytes not acknowledged yet
    no_order = at == 32'sh80000000 || at + len == 32'sh80000000 || beyond == 32'sh80000000
             || nu == 32'sh80000000 || wl == 32'sh80000000 || ts == 32'sh80000000 || oldest == 32'sh80000000
             || at + told == 32'sh80000000 || told < 0
             || (at > 0 && at + len < 0);                                     // over the half
    if (!c.open) want_class = RcvDead;
    else if (!g.flags[nic_pkg::FlagRst] && c.ts_ok && !g.has_ts && !g.flags[nic_pkg::FlagSyn]) want_class = RcvNoTimestamp;
    else if (!g.flags[nic_pkg::FlagRst] && c.ts_ok && g.has_ts && ts < 0 && tm[51:20] - c.ts_age <= 32'd1977539) begin
      want_class = RcvPaws;
      want_now = 1'b1;
      pawses = pawses + 1;
    end else if (g.flags[nic_pkg::FlagRst]) begin
      if (at == 0) begin
        want_class = RcvReset;
        want_reset = 1'b1;
        want_tell = 1'b1;
        want_fwd = 1'b1;
        want_ctx.open = 1'b0;
        want_ctx.delack_vld = 1'b0;
      end else if (at > 0 && at < w) challenged();
      else want_class = RcvDropRst;
    end else if (g.flags[nic_pkg::FlagSyn]) challenged();
    else if (!((len == 0) ? (at >= 0 && at <= w) : (w > 0 && at < w && at + len > 0 && at + len > at))
                 && !(w == 0 && at == 0)) begin
      want_class = (at + len <= 0) ? RcvDuplicate : RcvOutOfWindow;
      want_now = 1'b1;
      if (want_class == RcvDuplicate) duplicate();
      if (len == 0 && at < 0 && at >= -(1 << c.rcv_wscale) && g.flags[nic_pkg::FlagAck] && nu > 0 && beyond <= 0) use_ack();
    end else if (!g.flags[nic_pkg::FlagAck]) want_class = RcvNoAck;
    else if (beyond > 0 || oldest < 0) challenged();
    else begin
      if (c.ts_ok && g.has_ts) begin
        want_ts = 1'b1;
        if (at + told <= 0) begin
          want_ctx.ts_recent = g.tsval;
          want_ctx.ts_age = tm[51:20];
        end
      end
      use_ack();
      if (len != 0) begin
        want_now = w == 0 || c.fin_done;
        if (w == 0) want_class = RcvOutOfWindow;
        else if (c.fin_done) want_class = RcvAfterFin;
        else take_text();
      end
    end
    dups = dups + 32'(want_dup.vld);
  endtask

  logic dir_q = 1'b0;
  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(rnd64(s));
    t <= rnd64(rnd64(rnd64(t)));
    u <= rnd64(u);
    cycle <= cycle + 1;
    if (cycle > 0) begin
      if (dir_q) begin
        `CHECK(cls === want_class, "directed: class")
        `CHECK({ts_vld, ctx_out.fin_done && !c.fin_done, reset, ack, ack_now, fwd, wnd_vld} === want_bits, "directed: ts fin reset ack now fwd wnd")
        `CHECK(tell === (want_adv != 0 || want_bits[4]), "directed: tell")
        `CHECK(32'(hi) - 32'(lo) === want_hi - want_lo, "directed: bytes taken")
        if (want_hi != want_lo) begin `CHECK(32'(lo) === 66 + want_lo, "directed: first byte taken") end
        `CHECK(ctx_out.nxt === anchor + want_adv, "directed: RCV.NXT")
        `CHECK(ctx_out.fin_done === (c.fin_done || want_bits[5]) && ctx_out.open === (c.open && !want_bits[4]), "directed: open, fin_done")
        if (x_iv < 0) begin
          `CHECK({ctx_out.ooo_n, ctx_out.ooo0_start, ctx_out.ooo0_end, ctx_out.ooo3_start, ctx_out.ooo3_end}
                 === {c.ooo_n, c.ooo0_start, c.ooo0_end, c.ooo3_start, c.ooo3_end}, "directed: intervals stay")
        end else begin
          `CHECK(ctx_out.ooo_n === 3'(x_iv), "directed: intervals")
          if (x_iv > 0) begin `CHECK({ctx_out.ooo0_start, ctx_out.ooo0_end} === {anchor + x_start, anchor + x_end}, "directed: latest interval") end
        end
        if (x_fin >= 0) begin `CHECK(ctx_out.fin_vld && ctx_out.fin_seq === anchor + x_fin, "directed: FIN remembered") end
        else begin `CHECK(!ctx_out.fin_vld, "directed: no FIN remembered") end
        if (x_delack > 0) begin `CHECK(ctx_out.delack_vld && ctx_out.delack_us === T0 + 64'd40000, "directed: delayed") end
        else if (x_delack < 0) begin `CHECK(!ctx_out.delack_vld, "directed: no delay any more") end
        else begin `CHECK(ctx_out.delack_vld === c.delack_vld && ctx_out.delack_us === c.delack_us, "directed: deadline stays") end
        if (x_seg_max >= 0) begin `CHECK(32'(ctx_out.seg_max) === x_seg_max, "directed: largest segment") end
        `CHECK(ctx_out.ts_recent === ((x_learn != 0) ? g.tsval : c.ts_recent), "directed: TS.Recent")
        `CHECK(ctx_out.ts_age === ((x_learn != 0) ? T0[51:20] : c.ts_age), "directed: its age")
        if (x_chal >= 0) begin `CHECK(32'(ctx_out.chal_n) === x_chal && ctx_out.chal_period === T0[35:20], "directed: challenges") end
        `CHECK(dup.vld === (x_dup != 0), "directed: duplicate")
        if (x_dup != 0) begin `CHECK(dup.start === anchor + x_dup_start && dup.stop === anchor + x_dup_stop, "directed: its range") end
        seen[cls] = 1'b1;
        if (errors_o != 0 && errors_o < 4) $display("  after case %0d, anchor %h: class %0d, wanted %0d", line, anchor, cls, want_class);
      end else if (!no_order) begin
        `CHECK(cls === want_class, "class")
        `CHECK(tell === want_tell && reset === want_reset, "tell, reset")
        `CHECK(ack === want_ack && ack_now === want_now, "ACK owed")
        `CHECK(fwd === want_fwd && wnd_vld === want_wnd && ts_vld === want_ts, "forwarding")
        `CHECK(wnd === 32'(seg.wnd) << ctx.snd_wscale, "window")
        `CHECK((want_l === want_h) ? lo === hi : (32'(lo) === want_l && 32'(hi) === want_h), "range")
        `CHECK(dup === want_dup, "duplicate")
        `CHECK(ctx_out === want_ctx, "next context")
        if (c.wnd_end == c.nxt) zero_windows = zero_windows + 1;
        if (at > 32'sh7fffff00 || at < -32'sh7fffff00) halves = halves + 1;
        if (errors_o != 0 && errors_o < 4)
          $display("  at %0d len %0d window %0d flags %b: class %0d, wanted %0d", at, len, w, seg.flags, cls, want_class);
      end
    end
    if (cycle < 3 * Cases) begin
      anchor = (cycle < Cases) ? 32'd100000 : (cycle < 2 * Cases) ? 32'h7fff_fff0 : 32'hffff_fff0;
      line = cycle % Cases;
      directed(line);
      dir_q <= 1'b1;
    end else begin
      random();
      model();
      dir_q <= 1'b0;
    end
    ctx_bits <= c;
    seg_bits <= g;
    snd_bits <= m;
    sent_bits <= e;
    now <= tm;
    if (cycle == 18000) begin
      `CHECK(seen === 16'heffb, "every class of a segment, directed")
      `CHECK(zero_windows > 500 && halves > 500 && merges > 500 && fins > 100 && dups > 500 && delays > 200 && pawses > 500, "exercised")
      if (errors_o != 0) $display("zero %0d half %0d merge %0d fin %0d dup %0d delay %0d paws %0d", zero_windows, halves, merges, fins, dups, delays, pawses);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
