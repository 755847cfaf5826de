// SPDX-License-Identifier: Apache-2.0
// cc_none, cc_reno, cc_newreno and cc_cubic, each at the same port list: first the life of a window with numbers written out (RFC 6928,
// slow start, avoidance, fast recovery, a partial ACK, a timeout twice, idleness), then random windows against a model in 64
// bits, from 1 byte to the ceiling of 2^30 and with numbers of all 32 bits; CUBIC's curve against the formula in real numbers.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(cc_tb)
  cc_in_t e, d;
  logic [15:0] mss = 16'd1000, d_mss;
  logic [31:0] cwnd = 0, ssthresh = 0, a = 0, b = 0, srtt = 0, d_cwnd, d_ssthresh, d_a;
  logic [31:0] cwnd0, ssthresh0, a0, b0, cwnd1, ssthresh1, a1, b1, cwnd2, ssthresh2, a2, b2, cwnd3, ssthresh3;
  cc_own_t own, own0, own1, own2, own3, x_own;
  logic [31:0] c = 0, dd = 0, kk = 0, tick = 0;
  logic on = 1'b0;
  always @* begin
    own = '0;
    own.a = a; own.b = b; own.c = c; own.d = dd; own.k = kk; own.tick = tick; own.on = on;
  end
  assign a0 = own0.a;
  assign b0 = own0.b;
  assign a1 = own1.a;
  assign b1 = own1.b;
  assign a2 = own2.a;
  assign b2 = own2.b;
  logic [63:0] r = 64'h0f1e_2d3c_4b5a_6978;
  longint u, w, st, est, ac, up;
  real lo_k, hi_k, real_t, real_w, slack;
  longint n_k, n_below, n_cwnd, n_t, n_max, n_d;
  int epochs = 0, ups = 0, stays = 0;
  longint x_cwnd, x_ssthresh, x_a, x_reno, mx, iw, h, fl;
  int n = 0, kinds [0:15];

  cc_none u_none (
      .ev_i(e), .mss_i(mss), .srtt_us_i(srtt), .cwnd_i(cwnd), .ssthresh_i(ssthresh), .own_i(own), .cwnd_o(cwnd0),
      .ssthresh_o(ssthresh0), .own_o(own0));
  cc_reno u_reno (
      .ev_i(e), .mss_i(mss), .srtt_us_i(srtt), .cwnd_i(cwnd), .ssthresh_i(ssthresh), .own_i(own), .cwnd_o(cwnd1),
      .ssthresh_o(ssthresh1), .own_o(own1));
  cc_newreno u_newreno (
      .ev_i(e), .mss_i(mss), .srtt_us_i(srtt), .cwnd_i(cwnd), .ssthresh_i(ssthresh), .own_i(own), .cwnd_o(cwnd2),
      .ssthresh_o(ssthresh2), .own_o(own2));
  cc_cubic u_cubic (
      .ev_i(e), .mss_i(mss), .srtt_us_i(srtt), .cwnd_i(cwnd), .ssthresh_i(ssthresh), .own_i(own), .cwnd_o(cwnd3),
      .ssthresh_o(ssthresh3), .own_o(own3));
  initial for (int i = 0; i < 16; i++) kinds[i] = 0;

  // The script: event i and the NewReno window after it, which is the one before event i + 1.
  `define AFTER(w, t, msg) `CHECK(cwnd2 == 32'(w) && ssthresh2 == 32'(t), msg)
  always @(posedge clk_i) begin
    n <= n + 1;
    if (n > 0 && n < 30) begin
      case (n - 1)
        0: begin `AFTER(10000, 32'h4000_0000, "ten segments") `CHECK(cwnd0 == 32'd16384, "none: a constant") end
        1: `AFTER(11000, 32'h4000_0000, "slow start: at most a segment an ACK")
        2: `AFTER(11500, 32'h4000_0000, "slow start: what was acknowledged")
        3: `AFTER(11500, 32'h4000_0000, "half of the window is not out: no growth")
        4: begin `AFTER(8750, 5750, "a loss: half, and three segments") `CHECK(cwnd1 == 32'd8750, "Reno: likewise") end
        5: `AFTER(9750, 5750, "a duplicate: a segment")
        6: `AFTER(8750, 5750, "a partial ACK of two: less two, one more")
        7: `AFTER(8250, 5750, "a partial ACK of half a segment")
        8: begin `AFTER(4000, 5750, "over: not more than is out and a segment")
             `CHECK(cwnd1 == 32'd5750, "Reno: the threshold") end
        9: `AFTER(5000, 5750, "slow start up to the threshold")
        10: `AFTER(6000, 5750, "and past it")
        11: begin `AFTER(6000, 5750, "avoidance: not yet a window") `CHECK(a2 == 32'd4000, "counted") end
        12: begin `AFTER(7000, 5750, "avoidance: a window, a segment") `CHECK(a2 == 32'd1000, "the rest is kept") end
        13: begin `AFTER(1000, 3500, "timeout: one segment") `CHECK(a2 == '0, "counted anew") end
        14: `AFTER(1000, 3500, "again: the threshold stays")
        15: `AFTER(2000, 2000, "with SACK: half, at least two segments, and no more")
        16: `AFTER(2000, 2000, "with SACK over: the threshold")
        17: `AFTER(2000, 2000, "idle: a small window stays")
        18: `AFTER(32'h4000_0000, 32'h4000_0000, "the ceiling")
        19: `AFTER(10000, 32'h4000_0000, "idle: the initial window")
        default: ;
      endcase
    end
    if (n > 40) begin
      // The model.
      x_cwnd = longint'({32'd0, cwnd}); x_ssthresh = longint'({32'd0, ssthresh}); x_a = longint'({32'd0, a});
      mx = 64'h4000_0000;
      iw = 10 * longint'({48'd0, mss});
      if (iw > 14600) iw = (mss > 16'd7300) ? 2 * longint'({48'd0, mss}) : 14600;
      fl = longint'({32'd0, e.flight});
      x_reno = -1;
      case (e.kind)
        CcOpen: begin x_cwnd = iw; x_ssthresh = mx; end
        CcAck: if (fl >= x_cwnd / 2) begin
          if (x_cwnd < x_ssthresh) x_cwnd = x_cwnd + ((e.acked < 32'(mss)) ? longint'({32'd0, e.acked}) : longint'({48'd0, mss}));
          else if (x_a + longint'({32'd0, e.acked}) < x_cwnd) x_a = x_a + longint'({32'd0, e.acked});
          else begin x_a = x_a + longint'({32'd0, e.acked}) - x_cwnd; x_cwnd = x_cwnd + longint'({48'd0, mss}); end
          if (x_cwnd > mx) x_cwnd = mx;
        end
        CcLoss: begin
          h = ((fl < x_cwnd) ? fl : x_cwnd) / 2;
          x_ssthresh = (h > 2 * longint'({48'd0, mss})) ? h : 2 * longint'({48'd0, mss});
          x_cwnd = x_ssthresh + (e.sack ? 0 : 3 * longint'({48'd0, mss}));
          x_a = 0;
        end
        CcDup: begin x_cwnd = x_cwnd + longint'({48'd0, mss}); if (x_cwnd > mx) x_cwnd = mx; end
        CcPartial: begin
          x_cwnd = x_cwnd - longint'({32'd0, e.acked});
          if (x_cwnd < 0) x_cwnd = 0;
          if (e.acked >= 32'(mss)) x_cwnd = x_cwnd + longint'({48'd0, mss});
          if (x_cwnd < longint'({48'd0, mss})) x_cwnd = longint'({48'd0, mss});
        end
        CcExit: begin
          h = ((fl > longint'({48'd0, mss})) ? fl : longint'({48'd0, mss})) + longint'({48'd0, mss});
          x_reno = x_ssthresh;
          x_cwnd = (e.sack || h > x_ssthresh) ? x_ssthresh : h;
        end
        CcTimeout: begin
          h = fl / 2;
          if (e.first) x_ssthresh = (h > 2 * longint'({48'd0, mss})) ? h : 2 * longint'({48'd0, mss});
          x_cwnd = longint'({48'd0, mss});
          x_a = 0;
        end
        CcIdle: begin if (x_cwnd > iw) x_cwnd = iw; x_a = 0; end
        default: ;
      endcase
      if (x_reno < 0) x_reno = x_cwnd;
      `CHECK(cwnd2 === x_cwnd[31:0] && ssthresh2 === x_ssthresh[31:0] && a2 === x_a[31:0] && b2 === b, "NewReno")
      `CHECK(cwnd1 === x_reno[31:0] && ssthresh1 === x_ssthresh[31:0] && a1 === x_a[31:0] && b1 === b, "Reno")
      `CHECK(cwnd0 === ((e.kind == CcOpen) ? 32'd16384 : cwnd) && ssthresh0 === ssthresh && a0 === a && b0 === b, "none")
      kinds[e.kind] = kinds[e.kind] + 1;
      // CUBIC.
      x_own = own;
      u = longint'({48'd0, mss});
      h = (e.kind == CcTimeout || fl < longint'({32'd0, cwnd})) ? fl : longint'({32'd0, cwnd});
      h = h * 179 / 256;
      if (h < 2 * u) h = 2 * u;
      w = (cwnd < b) ? longint'({32'd0, cwnd}) * 218 / 256 : longint'({32'd0, cwnd});
      if (e.kind == CcLoss) begin
        x_own.a = 0;
        x_own.b = w[31:0];
        x_own.on = 1'b0;
        `CHECK(ssthresh3 === h[31:0] && cwnd3 === h[31:0] + (e.sack ? 32'd0 : 32'(3 * u)) && own3 === x_own, "CUBIC: loss")
      end else if (e.kind == CcTimeout) begin
        x_own.a = 0;
        x_own.on = 1'b0;
        x_own.b = 0;
        `CHECK(ssthresh3 === (e.first ? h[31:0] : ssthresh) && cwnd3 === 32'(mss) && own3 === x_own, "CUBIC: timeout")
      end else if (e.kind == CcAck && fl >= longint'({32'd0, cwnd}) / 2 && cwnd >= ssthresh) begin
        n_k = longint'({32'd0, own3.k});
        n_below = longint'({32'd0, b - cwnd});
        n_cwnd = longint'({32'd0, cwnd});
        if (!on) begin
          x_own.on = 1'b1;
          x_own.tick = e.tick;
          x_own.c = cwnd;
          x_own.a = 0;
          x_own.d = 0;
          x_own.k = 0;
          if (cwnd < b) begin
            // K is right within a percent, or a tick.
            `CHECK(n_k < 64'h20_0000, "CUBIC: K in its range")
            lo_k = (n_k - 1.0) / 1.01;
            hi_k = (n_k + 1.0) / 0.99;
            if (lo_k < 0.0) lo_k = 0.0;
            `CHECK(lo_k * lo_k * lo_k * 4.294967296e-10 * u <= n_below && hi_k * hi_k * hi_k * 4.294967296e-10 * u >= n_below, "CUBIC: K")
            x_own.k = own3.k;
            epochs = epochs + 1;
          end else x_own.b = cwnd;
        end
        `CHECK(own3.b === x_own.b && own3.k === x_own.k && own3.tick === x_own.tick && own3.on, "CUBIC: epoch")
        ac = longint'({32'd0, e.acked});
        if (ac > 65535) ac = 65535;
        // The curve by real numbers; cwnd goes a segment up or stays.
        n_t = longint'({32'd0, e.tick - x_own.tick + (srtt >> 13)}) - longint'({32'd0, x_own.k});
        if (n_t < -1048575) n_t = -1048575;
        n_max = longint'({32'd0, x_own.b});
        n_d = longint'({32'd0, x_own.d});
        real_t = n_t;
        slack = 4.294967296e-10 * u * real_t * real_t * real_t;
        real_w = n_max + slack;
        // What is off by a thousandth of the way to W_max moves the sum by so much.
        if (slack < 0.0) slack = -slack;
        slack = slack * 0.001 * ac / 16384.0 + 4.0;
        if (real_w > 1073741824.0) real_w = 1073741824.0;
        if (real_w > 1.5 * n_cwnd) real_w = 1.5 * n_cwnd;
        if (real_w < n_cwnd) real_w = n_cwnd;
        real_w = (real_w - n_cwnd) * ac / 16384.0 + n_d;
        st = longint'({32'd0, cwnd}) * u / 16384;
        if (st < 1) st = 1;
        est = longint'({32'd0, x_own.c});
        w = longint'({32'd0, x_own.a}) + ((longint'({32'd0, x_own.c}) * 179 / 256 < longint'({32'd0, ssthresh})) ? ac * 136 / 256 : ac);
        if (w >= longint'({32'd0, cwnd})) begin
          w = w - longint'({32'd0, cwnd});
          est = est + u;
          if (est > mx) est = mx;
        end
        `CHECK(own3.a === w[31:0] && own3.c === est[31:0], "CUBIC: W_est")
        up = longint'({32'd0, cwnd}) + u;
        if (up > mx) up = mx;
        if (real_w > st + slack) begin `CHECK(cwnd3 === ((est > up) ? est[31:0] : up[31:0]), "CUBIC: up") ups = ups + 1; end
        else if (real_w < st - slack) begin `CHECK(cwnd3 === ((est > longint'({32'd0, cwnd})) ? est[31:0] : cwnd), "CUBIC: stays") stays = stays + 1; end
      end else begin
        if (e.kind == CcIdle) x_own.a = 0;
        if (e.kind == CcIdle || (e.kind == CcAck && fl < longint'({32'd0, cwnd}) / 2)) x_own.on = 1'b0;
        `CHECK(cwnd3 === cwnd2 && ssthresh3 === ssthresh2 && own3 === x_own, "CUBIC: as NewReno")
      end
    end
    // --- the next inputs
    d = '0;
    d_mss = 16'd1000;
    d_cwnd = cwnd2; d_ssthresh = ssthresh2; d_a = a2;
    if (n == 0) begin d_cwnd = 32'd5; d_ssthresh = 32'd7; d_a = '0; end
    if (n < 40) begin
      case (n)
        0: d.kind = CcOpen;
        1: begin d.kind = CcAck; d.acked = 32'd3000; d.flight = 32'd10000; end
        2: begin d.kind = CcAck; d.acked = 32'd500; d.flight = 32'd5500; end
        3: begin d.kind = CcAck; d.acked = 32'd500; d.flight = 32'd5749; end
        4: begin d.kind = CcLoss; d.flight = 32'd13500; end
        5: d.kind = CcDup;
        6: begin d.kind = CcPartial; d.acked = 32'd2000; end
        7: begin d.kind = CcPartial; d.acked = 32'd500; end
        8: begin d.kind = CcExit; d.flight = 32'd3000; end
        9: begin d.kind = CcAck; d.acked = 32'd1000; d.flight = 32'd4000; end
        10: begin d.kind = CcAck; d.acked = 32'd1000; d.flight = 32'd4000; end
        11: begin d.kind = CcAck; d.acked = 32'd4000; d.flight = 32'd6000; end
        12: begin d.kind = CcAck; d.acked = 32'd3000; d.flight = 32'd6000; end
        13: begin d.kind = CcTimeout; d.first = 1'b1; d.flight = 32'd7000; end
        14: begin d.kind = CcTimeout; d.flight = 32'd1000; end
        15: begin d.kind = CcLoss; d.sack = 1'b1; d.flight = 32'd3000; end
        16: begin d.kind = CcExit; d.sack = 1'b1; d.flight = 32'd100; end
        17: d.kind = CcIdle;
        18: begin d.kind = CcAck; d.acked = 32'd1000; d.flight = 32'h4000_0000; d_cwnd = 32'h3fff_ffff; d_ssthresh = 32'h4000_0000; end
        19: d.kind = CcIdle;
        default: ;
      endcase
    end else begin
      r = rnd64(r);
      d.kind = r[3:0] % 4'd9;
      d.sack = r[4];
      d.first = r[5];
      d_mss = (r[7:6] == 0) ? 16'd1 : (r[7:6] == 1) ? 16'd8960 : r[23:8];
      if (d_mss == '0) d_mss = 16'd536;
      d_cwnd = (r[25:24] == 0) ? 32'h4000_0000 - 32'(r[35:26]) : (r[25:24] == 1) ? 32'(r[35:26]) : 32'(r[55:26]);
      r = rnd64(r);
      d.acked = (r[1:0] == 0) ? 32'(d_mss) : (r[1:0] == 1) ? d_cwnd : 32'(r[31:2] >> r[36:32]);
      d.flight = (r[38:37] == 0) ? d_cwnd : (r[38:37] == 1) ? {1'b0, d_cwnd[31:1]} - 32'(r[39]) : {2'd0, r[63:34]};
      r = rnd64(r);
      d_ssthresh = (r[1:0] == 0) ? d_cwnd : (r[1:0] == 1) ? d_cwnd + 32'd1 : {2'd0, r[31:2]};
      d_a = (r[33:32] == 0) ? d_cwnd - 32'd1 : 32'(r[63:34]);
      if (d_cwnd == '0) d_a = '0;
    end
    e <= d;
    mss <= d_mss;
    cwnd <= d_cwnd;
    ssthresh <= d_ssthresh;
    a <= d_a;
    b <= (r[33:32] == 0) ? d_cwnd : (r[33:32] == 1) ? {2'd0, d_cwnd[29:0]} + 32'(r[50:34]) : {2'd0, r[31:2]};
    r = rnd64(r);
    on <= r[0];
    // 2^32 ticks and 2^31 ticks pass.
    tick <= (r[1] ? 32'hffff_ff00 : 32'h7fff_ff00) + 32'(r[9:2]);
    e.tick <= (r[1] ? 32'hffff_ff00 : 32'h7fff_ff00) + 32'(r[9:2]) + (32'(r[25:10]) >> r[29:26]);
    kk <= 32'(r[45:30]) >> r[49:46];
    c <= {2'd0, r[63:50], 16'd0} >> r[49:46];
    srtt <= {8'd0, r[33:10]};
    dd <= {1'b0, r[40:10]} >> r[8:4];
    if (n == 6000) begin
      for (int i = 0; i < 9; i++) begin `CHECK(kinds[i] > 300, "each kind of event was there") end
      `CHECK(epochs > 20 && ups > 20 && stays > 20, "CUBIC exercised")
      if (errors_o != 0) $display("epochs %0d ups %0d stays %0d", epochs, ups, stays);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`undef AFTER
`default_nettype wire
