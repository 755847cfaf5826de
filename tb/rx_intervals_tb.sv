// SPDX-License-Identifier: Apache-2.0
// rx_intervals against a bitmap: a bit for each of 96 places above RCV.NXT says what is held, a number beside it when its range
// was touched last. Ranges are added and joined at random, short and long, so that they overlap, touch, cover and miss what is
// held in every arrangement; expected lists are the runs of the bitmap by their numbers. RCV.NXT walks over 2^31 and 2^32.
// First every pair of an interval and a range among 8 places: each of the 13 ways in which two ranges can lie.
`default_nettype none
`include "tb.svh"
`BENCH(rx_intervals_tb)
  localparam int N = 96;
  localparam int Pairs = 36 * 36;          // ranges among 8 places
  localparam int Last = 5000;

  logic [2:0] n = 0, n_out;
  logic [255:0] list = 0, list_out;
  logic join_in = 0, full, held, dup;
  logic [31:0] start = 0, stop = 0, edge_out, dup_from = 0, dup_to = 0, dup_start, dup_stop;
  rx_intervals u_dut (
      .en_i(1'b1),
      .n_i(n), .list_i(list), .join_i(join_in), .start_i(start), .stop_i(stop), .n_o(n_out), .list_o(list_out), .full_o(full),
      .held_o(held), .edge_o(edge_out), .dup_from_i(dup_from), .dup_to_i(dup_to), .dup_o(dup), .dup_start_o(dup_start),
      .dup_stop_o(dup_stop));

  // --- the model ----------------------------------------------------------------------------------------------------
  logic [31:0] base = 32'h7fff_f000;       // place 0: RCV.NXT
  logic [N-1:0] map = '0, map_next;
  int stamp [0:N-1];
  int stamp_next [0:N-1];
  int tick = 0;
  // The runs of map_next, by number, the newest first.
  logic [2:0] want_n;
  logic [255:0] want_list;
  int runs;
  task automatic list_of;
    int at, last, best, best_end, below;
    runs = 0;
    for (int i = 0; i < N; i++) if (map_next[i] && (i == 0 || !map_next[i-1])) runs = runs + 1;
    want_n = 3'(runs);
    want_list = '0;
    below = 32'h7fffffff;
    for (int p = 0; p < 4 && p < runs; p++) begin
      best = -1;
      best_end = 0;
      for (at = 0; at < N; at++) if (map_next[at] && (at == 0 || !map_next[at-1])) begin
        if (stamp_next[at] < below && (best < 0 || stamp_next[at] > stamp_next[best])) begin
          best = at;
          for (last = at; last < N && map_next[last]; last++) best_end = last + 1;
        end
      end
      below = stamp_next[best];
      want_list[64*p +: 64] = {base + best, base + best_end};
    end
  endtask

  logic want_full, want_held, want_dup, fresh_bench;
  int want_edge, want_ds, want_de, a, b, da, db, x;
  task automatic add;                      // [a, b)
    map_next = map;
    for (int i = 0; i < N; i++) stamp_next[i] = stamp[i];
    want_held = 1'b1;
    for (int i = a; i < b; i++) if (!map[i]) want_held = 1'b0;
    for (int i = a; i < b; i++) map_next[i] = 1'b1;
    tick = tick + 1;
    for (x = a; x > 0 && map_next[x-1]; x--) stamp_next[x-1] = tick;
    for (x = a; x < N && map_next[x]; x++) stamp_next[x] = tick;
    list_of();
    want_full = runs > 4;
    if (want_full) begin
      map_next = map;
      for (int i = 0; i < N; i++) stamp_next[i] = stamp[i];
      list_of();
    end
  endtask

  task automatic take_in;                  // [0, b)
    map_next = map;
    for (int i = 0; i < N; i++) stamp_next[i] = stamp[i];
    want_edge = b;
    while (want_edge < N && map[want_edge]) want_edge = want_edge + 1;
    for (int i = 0; i < want_edge; i++) map_next[i] = 1'b0;
    list_of();
  endtask

  task automatic lowest;                   // of [da, db)
    want_ds = da;
    while (want_ds < db && !map[want_ds]) want_ds = want_ds + 1;
    want_dup = want_ds < db;
    want_de = want_ds;
    while (want_de < db && map[want_de]) want_de = want_de + 1;
  endtask

  int cycle = 0, span;
  int fulls = 0, helds = 0, merges = 0, joins = 0, dups = 0, swallows = 0, wraps = 0;
  int f0, f1;
  logic [63:0] r = 64'h0ddc_0ffe_e123_4567;
  initial for (int i = 0; i < N; i++) begin stamp[i] = 0; stamp_next[i] = 0; end

  // Range number x among 8 places: not empty.
  task automatic range_no(input int k);
    f0 = 0;
    f1 = 1;
    for (int i = 0; i < k; i++) begin
      f1 = f1 + 1;
      if (f1 > 8) begin
        f0 = f0 + 1;
        f1 = f0 + 1;
      end
    end
  endtask

  always @(posedge clk_i) begin
    cycle <= cycle + 1;
    r = rnd64(r);
    if (cycle > 0) begin
      `CHECK(n_out === want_n && list_out === want_list, "list")
      if (!join_in) begin
        `CHECK(full === want_full, "full")
        `CHECK(held === want_held, "held")
        fulls = fulls + 32'(want_full);
        helds = helds + 32'(want_held);
        merges = merges + 32'(want_n < n);
      end else begin
        `CHECK(edge_out === base + want_edge, "edge")
        `CHECK(!full, "a join needs no room")
        joins = joins + 32'(want_edge > b);
        swallows = swallows + 32'(int'(n) - int'(want_n) > 1);
      end
      `CHECK(dup === want_dup, "duplicate")
      if (want_dup) begin
        `CHECK(dup_start === base + want_ds && dup_stop === base + want_de, "duplicate: range")
        dups = dups + 1;
      end
      // The model goes on; what was joined is below RCV.NXT now.
      map = map_next;
      for (int i = 0; i < N; i++) stamp[i] = stamp_next[i];
      if (join_in) begin
        x = want_edge;
        map = map >> x;
        for (int i = 0; i < N; i++) stamp[i] = (i + x < N) ? stamp[i+x] : 0;
        if (base + x < base) wraps = wraps + 1;
        base = base + x;
      end
    end
    if (cycle < Pairs) begin               // one interval alone, then a range
      map = '0;
      range_no(cycle % 36);
      for (int i = f0; i < f1; i++) begin map[1+i] = 1'b1; stamp[1+i] = 1; end
      base = (cycle % 2 == 0) ? 32'hffff_fffc : 32'h7fff_fffc;
      range_no(cycle / 36);
      a = 1 + f0;
      b = 1 + f1;
      tick = 1;
    end else begin
      if (cycle == Pairs || r[7:0] == 0) begin
        base = r[63] ? 32'hffff_ffc0 - 32'(r[57:51]) : 32'h7fff_ffc0 - 32'(r[57:51]);
        map = '0;
      end
      span = (r[12:11] == 2'd0) ? 12 : (r[12:11] == 2'd1) ? 40 : 80;
      a = 1 + int'(r[31:16]) % span;
      b = a + 1 + int'(r[47:32]) % ((r[13]) ? 8 : (r[14]) ? 30 : 3);
      if (b > 90) b = 90;
      if (a >= b) a = b - 1;
    end
    da = (r[15]) ? a : 1 + int'(r[40:34]) % 40;
    db = (r[15]) ? b : da + 1 + int'(r[27:21]) % 40;
    lowest();
    join_in <= 1'b0;
    fresh_bench = cycle >= Pairs && r[62:60] == 3'd0;
    // What the list is now.
    map_next = map;
    for (int i = 0; i < N; i++) stamp_next[i] = stamp[i];
    list_of();
    n <= want_n;
    list <= want_list;
    if (fresh_bench) begin
      b = int'(r[47:32]) % ((r[58]) ? 5 : 60);
      join_in <= 1'b1;
      start <= base;
      take_in();
    end else begin
      start <= base + a;
      add();
    end
    stop <= base + b;
    dup_from <= base + da;
    dup_to <= base + db;
    if (cycle == Last) begin
      `CHECK(fulls > 200 && helds > 300 && merges > 100 && joins > 100 && dups > 1000 && swallows > 30 && wraps > 5, "exercised")
      if (errors_o != 0) $display("full %0d held %0d merged %0d joined %0d %0d duplicates %0d wraps %0d", fulls, helds, merges, joins, swallows, dups, wraps);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
