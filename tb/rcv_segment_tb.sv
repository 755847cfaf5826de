// SPDX-License-Identifier: Apache-2.0
// rcv_segment, in two ways.
//   Directed: each rule of RFC 9293 section 3.10.7.4 and RFC 5961 once, with the expected result written out, at three places
//   of the sequence space (plain, over the wrap of 2^31, over that of 2^32); each rcv_class_e of a segment is reached.
//   Random: against a model that knows only distances from RCV.NXT as signed numbers, from corner values on both sides of
//   every edge (window, segment ends, una, max, WL1, WL2, half of the sequence space); the whole next context is compared.
// Where the module means to be wider than the RFC's text, so is the model: a segment of length 0 at the right edge is taken,
// a new ACK updates the window whatever WL1 says, and one from behind its own window probe counts.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(rcv_segment_tb)
  rcv_ctx_t ctx, ctx_out, want_ctx;
  rx_desc_t seg;
  snd_mirror_t snd;
  logic [nic_pkg::RcvCtxW-1:0] ctx_bits = '0;
  logic [nic_pkg::RxDescW-1:0] seg_bits = '0;
  logic [nic_pkg::SndMirrorW-1:0] snd_bits = '0;
  logic [3:0] cls;
  logic [13:0] lo, hi;
  logic fin, reset, ack, ack_now, fwd, wnd_vld;
  logic [31:0] wnd;

  assign ctx = ctx_bits;
  assign seg = seg_bits;
  assign snd = snd_bits;
  rcv_segment u_dut (
      .ctx_i(ctx), .seg_i(seg), .snd_i(snd), .ctx_o(ctx_out), .class_o(cls), .lo_o(lo), .hi_o(hi), .fin_o(fin),
      .reset_o(reset), .ack_o(ack), .ack_now_o(ack_now), .fwd_o(fwd), .wnd_vld_o(wnd_vld), .wnd_o(wnd));

  localparam logic [4:0] F = 5'd1, S = 5'd2, R = 5'd4, A = 5'd16;
  localparam logic [5:0] Fin = 6'd32, Reset = 6'd16, Ack = 6'd8, Now = 6'd4, Fwd = 6'd2, Wnd = 6'd1;

  // --- directed -----------------------------------------------------------------------------------------------------
  // Around: window w, una = ack_fwd = wl2, max = una + 1000, wl1 = nxt, peer's window last told 1000 (scale 0).
  logic [31:0] anchor;
  logic [3:0] want_class;
  int want_lo, want_hi, want_adv;
  logic [5:0] want_bits;
  int line;
  rcv_ctx_t c;
  rx_desc_t g;
  snd_mirror_t m;
  task automatic d(input int s, input int pay, input logic [4:0] flags, input int w, input int a, input int peer_wnd,
                   input logic [3:0] k, input int l, input int h, input int adv, input logic [5:0] bits);
    c = '0;
    c.open = 1'b1;
    c.nxt = anchor;
    c.wnd_end = anchor + w;
    c.wl1 = anchor;
    c.wl2 = anchor + 32'd77;
    c.ack_fwd = anchor + 32'd77;
    c.wnd_fwd = 32'd1000;
    c.mss = 16'd1460;
    m = '0;
    m.una = anchor + 32'd77;
    m.max = anchor + 32'd1077;
    g = '0;
    g.seq = anchor + s;
    g.ack = anchor + 32'd77 + a;
    g.pay_len = 14'(pay);
    g.pay_off = 7'd66;
    g.flags = flags;
    g.wnd = 16'(peer_wnd);
    want_class = k;
    want_lo = l;
    want_hi = h;
    want_adv = adv;
    want_bits = bits;
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
      10: d(1999, 1, A, 2000, 0, 1000, RcvOutOfOrder, 0, 0, 0, Now | Wnd);
      11: d(2000, 1, A, 2000, 0, 1000, RcvOutOfWindow, 0, 0, 0, Now);
      12: d(1, 100, A, 2000, 0, 1000, RcvOutOfOrder, 0, 0, 0, Now | Wnd);
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
      25: d(1, 0, A | F, 2000, 0, 1000, RcvOutOfOrder, 0, 0, 0, Now | Wnd);
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
      default: begin d(0, 0, S, 2000, 0, 1000, RcvDead, 0, 0, 0, 6'd0); c.open = 1'b0; end
    endcase
  endtask
  localparam int Cases = 57;

  // --- random -------------------------------------------------------------------------------------------------------
  logic [63:0] r = 64'h1234_5678_9abc_def1;
  logic [63:0] s = 64'h8765_4321_9abc_def1;
  logic [63:0] t = 64'h1111_4321_9abc_def1;
  int cycle = 0;
  logic [15:0] seen = '0;
  int zero_windows = 0;
  int halves = 0;

  function automatic logic [31:0] near(input logic [3:0] x);               // -8..7
    near = {{28{x[3]}}, x};
  endfunction

  task automatic random;
    c = {s, r, t, s ^ t, r ^ t, r ^ s, ~s, ~r, ~t, r + s, s + t[40:0]};      // also what must not change
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
    c.snd_wscale = (r[20]) ? 4'd0 : 4'(s[63:60] % 4'd15);
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
    m.una = (t[7:6] == 2'd0) ? near(t[11:8]) : r[47:16];
    m.max = m.una + ((t[12]) ? 32'(t[15:13]) : 32'(t[26:13]));
    case (s[56:54])
      3'd0: g.ack = m.max + near(t[30:27]);
      3'd1: g.ack = m.una - 32'(t[30:27]);
      3'd2: g.ack = m.una + 32'h8000_0000 + near(t[30:27]);
      3'd3: g.ack = m.max;
      default: g.ack = m.una + near(t[30:27]);
    endcase
    c.ack_fwd = m.una + near({2'b00, t[32:31]}) - (t[31] ? 32'd1 : 32'd0);
    c.wl1 = (t[33]) ? c.nxt + near(t[37:34]) : g.seq + near({{2{t[34]}}, t[35:34]});
    c.wl2 = g.ack + near({{2{t[38]}}, t[39:38]});
    if (t[40]) c.wnd_fwd = 32'(g.wnd) << c.snd_wscale;
  endtask

  // The model. All positions are distances from RCV.NXT; what is exactly half the space away has no order and is not asked.
  logic want_fin, want_reset, want_ack, want_now, want_fwd, want_wnd, no_order;
  logic [31:0] want_l, want_h;
  int at, w, len, pay, first, past, beyond, below, wl, wa, nu;
  task automatic use_ack;
    if (below >= 0 && (nu > 0 || wl > 0 || (wl == 0 && wa >= 0))) begin
      want_wnd = 1'b1;
      want_ctx.wl1 = c.nxt + first;
      want_ctx.wl2 = g.ack;
      want_ctx.wnd_fwd = 32'(g.wnd) << c.snd_wscale;
    end
    if (nu > 0) want_ctx.ack_fwd = g.ack;
    want_fwd = nu > 0 || len == 0 || (want_wnd && want_ctx.wnd_fwd != c.wnd_fwd);
  endtask

  task automatic model;
    want_ctx = c;
    want_class = RcvPureAck;
    {want_fin, want_reset, want_ack, want_now, want_fwd, want_wnd, no_order} = '0;
    want_l = '0;
    want_h = '0;
    at = int'(g.seq - c.nxt);
    w = int'(c.wnd_end - c.nxt);
    pay = int'(g.pay_len);
    len = pay + int'(g.flags[nic_pkg::FlagFin]) + int'(g.flags[nic_pkg::FlagSyn]);
    beyond = int'(g.ack - m.max);
    below = int'(g.ack - m.una);
    nu = int'(g.ack - c.ack_fwd);
    first = (at < 0) ? 0 : at;                                                // tailored to the window on the left
    wl = int'(c.nxt + first - c.wl1);
    wa = int'(g.ack - c.wl2);
    no_order = at == 32'sh80000000 || at + len == 32'sh80000000 || beyond == 32'sh80000000 || below == 32'sh80000000
             || nu == 32'sh80000000 || wl == 32'sh80000000 || wa == 32'sh80000000;
    if (!c.open) want_class = RcvDead;
    else if (g.flags[nic_pkg::FlagRst]) begin
      if (at == 0) begin
        want_class = RcvReset;
        want_reset = 1'b1;
        want_fwd = 1'b1;
        want_ctx.open = 1'b0;
      end else if (at > 0 && at < w) begin
        want_class = RcvChallenge;
        want_now = 1'b1;
      end else want_class = RcvDropRst;
    end else if (g.flags[nic_pkg::FlagSyn]) begin
      want_class = RcvChallenge;
      want_now = 1'b1;
    end else if (!((len == 0) ? (at >= 0 && at <= w) : (w > 0 && at < w && at + len > 0 && at + len > at))
                 && !(w == 0 && at == 0)) begin
      want_class = (at + len <= 0) ? RcvDuplicate : RcvOutOfWindow;
      want_now = 1'b1;
      if (len == 0 && at == -1 && g.flags[nic_pkg::FlagAck] && nu > 0 && beyond <= 0) use_ack();
    end else if (!g.flags[nic_pkg::FlagAck]) want_class = RcvNoAck;
    else if (beyond > 0) begin
      want_class = RcvChallenge;
      want_now = 1'b1;
    end else begin
      use_ack();
      if (len != 0) begin
        want_now = 1'b1;
        if (w == 0) want_class = RcvOutOfWindow;
        else if (c.fin_done) want_class = RcvAfterFin;
        else if (at > 0) want_class = RcvOutOfOrder;
        else begin
          want_class = RcvAccept;
          want_now = 1'b0;
          want_ack = 1'b1;
          past = (at + pay > w) ? w : at + pay;
          want_l = 32'(g.pay_off) + 32'(-at);
          want_h = 32'(g.pay_off) + 32'(past - at);
          want_ctx.nxt = c.nxt + past;
          if (g.flags[nic_pkg::FlagFin] && at + pay < w) begin
            want_fin = 1'b1;
            want_ctx.fin_done = 1'b1;
            want_ctx.nxt = c.nxt + past + 1;
          end
        end
      end
    end
  endtask

  logic dir_q = 1'b0;
  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(rnd64(s));
    t <= rnd64(rnd64(rnd64(t)));
    cycle <= cycle + 1;
    if (cycle > 0) begin
      if (dir_q) begin
        `CHECK(cls === want_class, "directed: class")
        `CHECK({fin, reset, ack, ack_now, fwd, wnd_vld} === want_bits, "directed: fin reset ack now fwd wnd")
        `CHECK(32'(hi) - 32'(lo) === want_hi - want_lo, "directed: bytes taken")
        if (want_hi != want_lo) begin `CHECK(32'(lo) === 66 + want_lo, "directed: first byte taken") end
        `CHECK(ctx_out.nxt === anchor + want_adv, "directed: RCV.NXT")
        `CHECK(ctx_out.fin_done === (c.fin_done || want_bits[5]) && ctx_out.open === (c.open && !want_bits[4]), "directed: open, fin_done")
        seen[cls] = 1'b1;
        if (errors_o != 0 && cls !== want_class && errors_o < 10) $display("  case %0d, anchor %h: class %0d, wanted %0d", line, anchor, cls, want_class);
      end else if (!no_order) begin
        `CHECK(cls === want_class, "class")
        `CHECK(fin === want_fin && reset === want_reset, "fin, reset")
        `CHECK(ack === want_ack && ack_now === want_now, "ACK owed")
        `CHECK(fwd === want_fwd && wnd_vld === want_wnd, "forwarding")
        `CHECK(wnd === 32'(seg.wnd) << ctx.snd_wscale, "window")
        `CHECK(want_class != RcvAccept || (32'(lo) === want_l && 32'(hi) === want_h), "range")
        `CHECK(want_class == RcvAccept || lo === hi, "nothing taken")
        `CHECK(ctx_out === want_ctx, "next context")
        if (c.wnd_end == c.nxt) zero_windows = zero_windows + 1;
        if (at > 32'sh7fffff00 || at < -32'sh7fffff00) halves = halves + 1;
        if (errors_o != 0 && cls !== want_class && errors_o < 10)
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
    if (cycle == 15000) begin
      `CHECK(seen === 16'h0ffb, "every class of a segment, directed")
      `CHECK(zero_windows > 500 && halves > 500, "exercised")
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
