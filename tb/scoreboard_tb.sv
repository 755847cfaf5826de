// SPDX-License-Identifier: Apache-2.0
// The scoreboard's parts (sack_insert, sack_trim, sack_lost, sack_holes, sack_next, sack_pipe) against a bitmap: a bit for each
// of 48 units of the sequence space, runs of ones for intervals. Random lists of none to four intervals, units of 1 byte to
// 1 MiB, una anywhere and near 2^31 and 2^32; blocks that are new, known, touch, join and swallow, and a list that is full.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(scoreboard_tb)
  localparam int Bits = 48;
  logic [63:0] r = 64'h1357_9bdf_2468_ace1;
  // Inputs, and what they were made of.
  logic [Bits-1:0] map = '0, mask = '0, want, fit;
  logic [31:0] una = 0, unit = 1, at0, at1;
  logic [15:0] mss = 1;
  logic [Bits-1:0] d_map;
  logic [31:0] d_una, d_unit;
  logic [5:0] d_a, d_b;
  logic [5:0] a = 0, b = 1, cut = 0, from = 0, to = 0, high = 0;
  logic by_sack = 1'b0;
  logic [127:0] starts = '0, ends = '0, xs, xe;
  logic [2:0] num = '0, xn;
  // Outputs.
  logic [127:0] ins_s, ins_e, trim_s, trim_e;
  logic [2:0] ins_n, trim_n;
  logic fresh;
  logic [31:0] lost, holes, next_s, next_e, pipe, pipe_edge;
  snd_ctx_t c;
  int runs, k, bytes, ranges, n = 0, full = 0, joins = 0, known = 0, dropped = 0, found = 0;
  logic done, kept, prev;
  int xlost, xfrom, xto, xcount;

  sack_insert u_insert (
      .en_i(1'b1), .start_i(starts), .end_i(ends), .n_i(num), .from_i(una + unit * 32'(a)), .to_i(una + unit * 32'(b)), .start_o(ins_s),
      .end_o(ins_e), .n_o(ins_n), .fresh_o(fresh));
  sack_trim u_trim (
      .en_i(1'b1), .start_i(starts), .end_i(ends), .n_i(num), .edge_i(una + unit * 32'(cut)), .start_o(trim_s), .end_o(trim_e),
      .n_o(trim_n));
  sack_lost u_lost (.en_i(1'b1), .start_i(starts), .end_i(ends), .n_i(num), .mss_i(mss), .una_i(una), .edge_o(lost));
  sack_holes u_holes (
      .en_i(1'b1), .start_i(starts), .end_i(ends), .n_i(num), .from_i(una + unit * 32'(from)), .to_i(una + unit * 32'(to)), .bytes_o(holes));
  sack_next u_next (
      .en_i(1'b1), .start_i(starts), .end_i(ends), .n_i(num), .from_i(una + unit * 32'(from)), .limit_i(una + unit * 32'(to)),
      .start_o(next_s), .end_o(next_e));
  sack_pipe u_pipe (.en_i(1'b1), .ctx_i(c), .starts_i(starts), .ends_i(ends), .pipe_o(pipe), .lost_edge_o(pipe_edge));

  always @* begin
    c          = '0;
    c.una      = una;
    c.nxt      = una + unit * 32'(to);
    c.max      = una + unit * 32'(Bits);
    c.high_rxt = una + unit * 32'(high) - ((high == '0) ? unit : 32'd0);   // una may have passed it
    c.mss      = mss;
    c.sack_n   = num;
    c.sack_ok  = 1'b1;
    c.recovery = by_sack;
  end

  // The runs of a bitmap as a list: xs, xe, xn; `runs` counts those beyond four, too.
  task automatic list_of(input logic [Bits-1:0] m, input logic [31:0] base, input logic [31:0] u);
    xs = '0;
    xe = '0;
    runs = 0;
    prev = 1'b0;
    for (int i = 0; i < Bits; i++) begin
      if (m[i] && !prev) begin
        if (runs < 4) xs[32*runs +: 32] = base + u * 32'(i);
        runs = runs + 1;
      end
      if (m[i] && runs <= 4) xe[32*(runs-1) +: 32] = base + u * 32'(i + 1);
      prev = m[i];
    end
    xn = (runs > 4) ? 3'd4 : 3'(runs);
  endtask

  function automatic int zeros(input logic [Bits-1:0] m, input int lo, input int hi);
    zeros = 0;
    for (int i = 0; i < Bits; i++) if (i >= lo && i < hi && !m[i]) zeros = zeros + 1;
  endfunction

  always @(posedge clk_i) begin
    n <= n + 1;
    if (n > 0) begin
      // insert
      want = map | mask;
      list_of(want, una, unit);
      kept = 1'b0;
      for (int i = 0; i < 4; i++) begin
        at0 = xs[32*i +: 32] - una;
        at1 = xe[32*i +: 32] - una;
        if (3'(i) < xn && at0 <= unit * 32'(a) && at1 >= unit * 32'(b)) kept = 1'b1;
      end
      `CHECK(ins_n === xn && ins_s === xs && ins_e === xe, "insert")
      `CHECK(fresh === (kept && (mask & ~map) != '0), "insert: news")
      if (runs > 4) full = full + 1;
      if (!kept) dropped = dropped + 1;
      if ((mask & ~map) == '0) known = known + 1;
      if (3'(runs) < num) joins = joins + 1;
      // trim
      fit = (cut == '0) ? {Bits{1'b1}} : {Bits{1'b1}} << cut;
      list_of(map & fit, una, unit);
      `CHECK(trim_n === xn && trim_s === xs && trim_e === xe, "trim")
      // lost
      bytes = 0;
      ranges = 0;
      xlost = 0;
      done = 1'b0;
      for (int i = Bits - 1; i >= 0; i--) begin
        if (map[i] && !done) begin
          bytes = bytes + 1;
          if (i == 0 || !map[i-1]) begin
            ranges = ranges + 1;
            if (ranges == 3 || 64'(bytes) * 64'(unit) > 2 * 64'(mss)) begin
              xlost = i;
              done = 1'b1;
            end
          end
        end
      end
      `CHECK(lost === una + unit * 32'(xlost), "lost edge")
      if (by_sack) `CHECK(pipe_edge === lost, "lost edge of the pipe")
      if (done) found = found + 1;
      // holes, next
      `CHECK(holes === unit * 32'(zeros(map, int'(from), int'(to))), "holes")
      xfrom = int'(from);
      while (xfrom < Bits && map[xfrom]) xfrom = xfrom + 1;
      xto = xfrom;
      while (xto < Bits && !map[xto]) xto = xto + 1;
      if (xto == Bits || xto > int'(to)) xto = int'(to);
      `CHECK(next_s === una + unit * 32'(xfrom) && next_e === una + unit * 32'(xto), "next hole")
      // pipe: not lost and not SACKed, and what was sent again
      xcount = by_sack ? zeros(map, xlost, Bits) + zeros(map, 0, int'(high)) : zeros(map, 0, int'(to));
      `CHECK(pipe === unit * 32'(xcount), "pipe")
    end
    // --- the next inputs
    r = rnd64(r);
    case (r[4:2])
      0: d_unit = 32'd1;
      1: d_unit = 32'd1048576;
      2: d_unit = 32'd536;
      default: d_unit = 32'd1460;
    endcase
    d_una = (r[7:6] == 0) ? 32'h0 - d_unit * 32'(r[12:8]) : (r[7:6] == 1) ? 32'h8000_0000 - d_unit * 32'(r[12:8]) : r[63:32];
    mss <= (r[4:2] == 1) ? 16'hffff : r[5] ? d_unit[15:0] : d_unit[15:0] * 16'd3;
    // None to four runs, not touching.
    r = rnd64(r);
    d_map = '0;
    k = int'(r[2:0]);
    for (int i = 0; i < 4; i++) begin
      if (r[34] || i < int'(r[33:32])) begin
        for (int j = 0; j < 8; j++) if (j <= int'(r[4*i+4 +: 3]) && k + j < Bits) d_map[k + j] = 1'b1;
        k = k + 2 + int'(r[4*i+4 +: 3]) + int'(r[3*i+40 +: 2]);
      end
    end
    r = rnd64(r);
    d_a = r[0] ? 6'(r[8:4] % 48) : r[2] ? 6'(r[8:3] % 48) : 6'(k % 44);
    d_b = d_a + 6'd1 + (r[1] ? 6'(r[12:9]) : 6'd0);
    if (d_b > 6'd48) d_b = 6'd48;
    for (int i = 0; i < Bits; i++) mask[i] <= (6'(i) >= d_a && 6'(i) < d_b);
    list_of(d_map, d_una, d_unit);
    una <= d_una;
    unit <= d_unit;
    map <= d_map;
    starts <= xs;
    ends <= xe;
    num <= xn;
    a <= d_a;
    b <= d_b;
    cut <= 6'(r[18:13] % 49);
    from <= 6'(r[24:19] % 48);
    to <= 6'(r[30:25] % 49);
    high <= r[31] ? 6'd0 : 6'(r[37:32] % 49);
    by_sack <= r[38];
    if (n == 6000) begin
      `CHECK(full > 100 && joins > 200 && known > 200 && dropped > 20 && found > 1000, "exercised")
      if (errors_o != 0) $display("full %0d joins %0d known %0d dropped %0d found %0d", full, joins, known, dropped, found);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
