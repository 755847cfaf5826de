// SPDX-License-Identifier: Apache-2.0
// flow_table against one bit per tuple: insert, lookup, remove, re-insert of 64 tuples of which half differ from another in
// one bit; the same tuple twice is refused and keeps its flow; a remove in another flow's name changes nothing; all 64 at once; an operation in every cycle on one or a few
// tuples, so that each sees the write of the one before; gaps; nothing hits while the table is being swept.
// Once with a random key, where 64 tuples always fit, and once with key 0, which hashes all to one bucket of each bank: eight
// fit, the ninth is refused, so the key matters; there every way of a bucket comes and goes.
`default_nettype none
`include "tb.svh"
module flow_table_check #(
    parameter logic [127:0] Key = 128'd0,
    parameter int Room = 64,
    parameter logic [63:0] Seed = 64'd1
) (
    input  wire logic clk_i,
    output logic done_o,
    output logic [31:0] errors_o
);
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction

  logic rst_n = 1'b0, busy, req = 0, insert = 0, remove = 0, hit, ok;
  logic [95:0] tuple = 0;
  logic [11:0] flow = 0, hit_flow;
  logic [95:0] pool [0:63];
  logic [11:0] flows [0:63];
  logic [63:0] in = '0;
  logic [63:0] r = Seed;
  logic [63:0] s = ~Seed;
  logic [5:0] p = 0;
  logic near = 0;                         // the tuple of this cycle is no pool tuple
  logic check_q = 0, want_hit, want_ok;
  logic [11:0] want_flow;
  int cycle = 0;
  int used = 0;
  int most = 0;
  int refused = 0;
  int twice = 0;
  int swept = 0;
  int others = 0;
  int phase;

  flow_table #(.NumFlows(64)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .key_i(Key), .busy_o(busy), .req_i(req), .insert_i(insert), .remove_i(remove),
      .tuple_i(tuple), .flow_i(flow), .hit_o(hit), .flow_o(hit_flow), .ok_o(ok));

  // Tuple 2k is random; 2k + 1 is the same but for one bit.
  logic [63:0] t;
  initial begin
    t = ~Seed ^ 64'h5bd1_e995_5bd1_e995;
    for (int i = 0; i < 64; i++) begin
      t = rnd64(rnd64(t));
      pool[i] = {t, t[40:9]};
      t = rnd64(t);
      pool[i][95:64] = t[31:0];
      if ((i % 2) == 1) pool[i] = pool[i-1] ^ (96'd1 << (3 * (i / 2)));
      flows[i] = '0;
    end
  end

  logic [5:0] pick;
  logic [95:0] flip;
  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(s);
    cycle <= cycle + 1;
    rst_n <= cycle > 2;
    if (cycle > 2) begin
      if (rst_n && busy) swept = swept + 1;
      if (check_q) begin
        `CHECK(hit === want_hit, "hit")
        `CHECK(ok === want_ok, "ok")
        if (want_hit) begin `CHECK(hit_flow === want_flow, "flow") end
      end else if (cycle > 6) begin
        `CHECK(hit === 1'b0 && ok === 1'b0, "nothing without a request")
      end
      check_q <= rst_n && req;
      if (rst_n && req) begin
        want_hit = !near && in[p] && cycle > 80;
        want_flow = flows[p];
        want_ok = insert && !want_hit && used < Room && cycle > 80;
        if (insert && want_hit) twice = twice + 1;
        if (insert && !want_hit && !want_ok) refused = refused + 1;
        if (want_ok) begin in[p] = 1'b1; flows[p] = flow; used = used + 1; end
        if (remove && want_hit && flow != flows[p]) others = others + 1;
        else if (remove && want_hit) begin in[p] = 1'b0; used = used - 1; end
        if (used > most) most = used;
      end

      phase = (cycle / 700) % 5;
      // Which tuple: any, one, two near ones, four.
      case (phase)
        0: pick = r[5:0];
        1: pick = {5'd7, r[0]};
        2: pick = r[5:0];
        3: pick = 6'd20;
        default: pick = {r[8:6] == 3'd0 ? r[5:2] : 4'd9, r[1:0]};
      endcase
      p <= pick;
      near <= 1'b0;
      tuple <= pool[pick];
      req <= (cycle > 90) ? (phase != 2) || r[9] : (cycle < 40 && r[9]);      // while it is swept: lookups, all miss
      flow <= s[11:0];
      insert <= 1'b0;
      remove <= 1'b0;
      if (cycle > 90) begin
        // Phase 0 fills up, phase 2 empties again, the others do both.
        case (s[14:12])
          3'd0, 3'd1: insert <= 1'b1;
          3'd2: if (phase == 0) insert <= 1'b1; else begin remove <= 1'b1; flow <= flows[pick]; end
          3'd3: begin                                                         // also in the name of another flow
            if (phase == 0) insert <= s[15]; else remove <= 1'b1;
            if (s[24]) flow <= flows[pick];
          end
          3'd4: begin                                                         // a lookup or removal of a near tuple
            near <= 1'b1;
            for (int i = 0; i < 64; i++) if (in[6'(i)] && (s[25] || !in[pick])) pick = 6'(i);
            flip = 96'd1 << (cycle % 96);
            if (pool[pick ^ 6'd1] == (pool[pick] ^ flip)) flip = 96'd3 << 90;
            tuple <= pool[pick] ^ flip;
            p <= pick;
            remove <= s[23];
            flow <= flows[pick];
          end
          default: ;
        endcase
      end
    end
    if (cycle == 90) begin
      `CHECK(busy === 1'b0 && swept >= 64 && swept < 70, "swept once")
    end
    if (cycle == 12000) begin
      `CHECK(most == Room, "filled up")
      `CHECK(twice > 200, "the same tuple twice")
      `CHECK(others > 5, "remove of another flow's tuple")
      `CHECK((Room == 64) ? refused == 0 : refused > 500, "refused")
      done_o <= 1'b1;
    end
  end
endmodule

`BENCH(flow_table_tb)
  logic done_a, done_b;
  logic [31:0] errors_a, errors_b;
  flow_table_check #(.Key(128'h0c6f_51e3_9d27_84ab_f36a_90c5_2b7e_d418), .Room(64), .Seed(64'h0bad_cafe_1234_5678)) u_random (
      .clk_i(clk_i), .done_o(done_a), .errors_o(errors_a));
  flow_table_check #(.Key(128'd0), .Room(8), .Seed(64'h1bad_cafe_1234_5678)) u_zero (
      .clk_i(clk_i), .done_o(done_b), .errors_o(errors_b));
  always @(posedge clk_i) begin
    errors_o = errors_a + errors_b;
    done_o <= done_a && done_b;
  end
`BENCH_END
`default_nettype wire
