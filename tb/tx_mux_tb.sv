// SPDX-License-Identifier: Apache-2.0
// tx_mux: two sources of random frames, each beat marked with source, frame and place. Every frame comes out whole, in its
// source's order, with its byte counts; nobody waits for more than the frame at hand and one more; what is offered is held;
// a beat a cycle when both have all and the sink is ready; idle only when nothing is inside.
`default_nettype none
`include "tb.svh"
`BENCH(tx_mux_tb)
  logic rst_n = 1'b0;
  logic a_valid = 1'b0, a_ready, a_last = 1'b0, b_valid = 1'b0, b_ready, b_last = 1'b0, valid, ready = 1'b0, last, idle;
  logic [63:0] a_data = 0, b_data = 0, data, was_data;
  logic [3:0] a_nbytes = 0, b_nbytes = 0, nbytes, was_nbytes;
  logic was_held = 1'b0, was_last;
  logic [63:0] r = 64'h2545_f491_4f6c_dd1d;
  int n = 0;
  // Per source: frame and beat at the input, at the output; frames the other got while this one waited.
  int in_frame [0:1];
  int in_beat [0:1];
  int out_frame [0:1];
  int out_beat [0:1];
  int passed_by [0:1];
  int cur = -1, src, beats = 0, held_back = 0, turns = 0, prev = -1, row = 0;
  logic drain = 1'b0;

  tx_mux #(.DataW(64)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .a_valid_i(a_valid), .a_ready_o(a_ready), .a_data_i(a_data), .a_nbytes_i(a_nbytes),
      .a_last_i(a_last), .b_valid_i(b_valid), .b_ready_o(b_ready), .b_data_i(b_data), .b_nbytes_i(b_nbytes),
      .b_last_i(b_last), .valid_o(valid), .ready_i(ready), .data_o(data), .nbytes_o(nbytes), .last_o(last), .idle_o(idle));

  initial for (int i = 0; i < 2; i++) begin
    in_frame[i] = 0; in_beat[i] = 0; out_frame[i] = 0; out_beat[i] = 0; passed_by[i] = 0;
  end

  // Length of a frame in beats, and bytes of its last one.
  function automatic int beats_of(input int s, input int f);
    beats_of = ((f * 7 + s * 3) % 5 == 0) ? 1 : 1 + (f * 5 + s) % 9;
  endfunction
  function automatic logic [3:0] tail_of(input int s, input int f);
    tail_of = 4'(1 + (f * 3 + s) % 8);
  endfunction

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    if (n > 4) begin
      // --- out
      if (was_held) begin `CHECK(valid && data === was_data && nbytes === was_nbytes && last === was_last, "held until ready") end
      was_held = valid && !ready;
      was_data = data;
      was_nbytes = nbytes;
      was_last = last;
      `CHECK(!(a_ready && b_ready), "one at a time")
      if (valid) begin `CHECK(!idle, "idle with a beat inside") end
      if (valid && ready) begin
        beats = beats + 1;
        src = data[63] ? 1 : 0;
        `CHECK(cur == -1 || cur == src, "a frame is not cut by another")
        `CHECK(data[62:32] == 31'(out_frame[src]) && data[31:0] == 32'(out_beat[src]), "in order")
        `CHECK(last === (out_beat[src] == beats_of(src, out_frame[src]) - 1), "last")
        `CHECK(nbytes === (last ? tail_of(src, out_frame[src]) : 4'd8), "bytes")
        cur = last ? -1 : src;
        if (last) begin
          out_frame[src] = out_frame[src] + 1;
          out_beat[src] = 0;
        end else out_beat[src] = out_beat[src] + 1;
      end
      // --- turns, at the input: whoever waits sees at most the rest of one frame go by and no whole frame after it
      if (a_valid && a_ready && a_last && b_valid) begin passed_by[1] = passed_by[1] + 1; turns = turns + 1; end
      if (b_valid && b_ready && b_last && a_valid) passed_by[0] = passed_by[0] + 1;
      if (b_valid && b_ready) passed_by[1] = 0;
      if (a_valid && a_ready) passed_by[0] = 0;
      `CHECK(passed_by[0] <= 1 && passed_by[1] <= 1, "turns")
      // --- in
      r = rnd64(r);
      drain = n > 5000;
      if (!a_valid || a_ready) begin
        if (a_valid) begin
          if (a_last) begin in_frame[0] = in_frame[0] + 1; in_beat[0] = 0; end
          else in_beat[0] = in_beat[0] + 1;
        end
        a_valid <= (n % 1024 < 256 || r[1:0] != 0) && !(drain && in_beat[0] == 0);
        a_data <= {1'b0, 31'(in_frame[0]), 32'(in_beat[0])};
        a_last <= in_beat[0] == beats_of(0, in_frame[0]) - 1;
        a_nbytes <= (in_beat[0] == beats_of(0, in_frame[0]) - 1) ? tail_of(0, in_frame[0]) : 4'd8;
      end
      if (!b_valid || b_ready) begin
        if (b_valid) begin
          if (b_last) begin in_frame[1] = in_frame[1] + 1; in_beat[1] = 0; end
          else in_beat[1] = in_beat[1] + 1;
        end
        b_valid <= (n % 1024 < 256 || r[3:2] == 0) && !(drain && in_beat[1] == 0);
        b_data <= {1'b1, 31'(in_frame[1]), 32'(in_beat[1])};
        b_last <= in_beat[1] == beats_of(1, in_frame[1]) - 1;
        b_nbytes <= (in_beat[1] == beats_of(1, in_frame[1]) - 1) ? tail_of(1, in_frame[1]) : 4'd8;
      end
      case ((n / 256) % 4)
        0: ready <= 1'b1;
        1: ready <= r[4];
        2: ready <= n % 32 > 24;
        default: ready <= r[5:4] != 0;
      endcase
      if (n % 1024 == 16) row = beats;
      if (n % 1024 == 216 && n < 5000) begin `CHECK(beats == row + 200, "a beat a cycle") end
      if (n == 5100) begin
        `CHECK(idle && !valid && cur == -1 && out_frame[0] == in_frame[0] && out_frame[1] == in_frame[1], "all came out")
        `CHECK(out_frame[0] > 200 && out_frame[1] > 150 && turns > 100, "exercised")
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
