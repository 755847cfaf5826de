// SPDX-License-Identifier: Apache-2.0
// rx_descs: descriptors with and without options come out in the order they came in, each whole and with its own options; the
// options of what is no segment, and lists too short to say anything, are not waited for. In phases: one every cycle and always
// taken, so that nothing piles up beyond what waits for a list; full; random. Latency 1 when nothing is ahead, 6 behind a list
// that is not laid out as usual; count_o is what is inside.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(rx_descs_tb)
  localparam int OptW = 324;
  localparam int Depth = 16;
  logic rst_n = 1'b0, in_valid = 1'b0, in_ready, out_valid, out_ready = 1'b0;
  rx_desc_t in, out, e;
  logic [319:0] opt_bytes = '0;
  logic [5:0] opt_len = 0;
  logic [4:0] count;
  logic [nic_pkg::RxDescW-1:0] bits, queue [0:63];
  logic [575:0] noise;
  int due [0:63];
  rx_descs #(.Depth(Depth)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid), .in_ready_o(in_ready), .in_i(in), .opt_bytes_i(opt_bytes),
      .opt_len_i(opt_len), .out_valid_o(out_valid), .out_ready_i(out_ready), .out_o(out), .count_o(count));

  logic [63:0] r = 64'h1357_9bdf_0246_8ace;
  int cycle = 0, put = 0, got = 0, full = 0, most = 0, at_once = 0, late = 0, lists = 0, slow_at = -100, what = 0;
  logic is_seg, has;
  logic [63:0] stamp;
  logic [255:0] blk;

  task automatic next;
    for (int i = 0; i < 9; i++) begin
      r = rnd64(r);
      noise[64*i +: 64] = r;
    end
    bits = noise[nic_pkg::RxDescW-1:0];
    in <= bits;
    e = bits;
    r = rnd64(r);
    is_seg = r[1:0] != 0;
    e.class_id = is_seg ? RxLookup : RxSlowProto;
    in.class_id <= e.class_id;
    stamp = {r[31:0], r[63:32]};
    what = int'(r[4:2]);
    for (int i = 0; i < 5; i++) begin
      r = rnd64(r);
      opt_bytes[64*i +: 64] <= r;
    end
    has = 1'b0;
    blk = '0;
    case (what)
      0, 1: begin                          // usual
        opt_len <= 6'd12;
        opt_bytes[95:0] <= {nic_pkg::swap32(stamp[31:0]), nic_pkg::swap32(stamp[63:32]), 32'h0a08_0101};
        has = 1'b1;
      end
      2, 3: begin                          // the same the other way round
        opt_len <= 6'd12;
        opt_bytes[95:0] <= {16'h0101, nic_pkg::swap32(stamp[31:0]), nic_pkg::swap32(stamp[63:32]), 16'h0a08};
        has = 1'b1;
      end
      4: begin opt_len <= 6'd8; opt_bytes[15:0] <= 16'h0a08; end
      5: opt_len <= 6'd4;
      default: opt_len <= 6'd0;
    endcase
    has = has && is_seg;
    // What the answer is made of: the descriptor up to its options, then these.
    bits = e;
    bits[OptW-1:0] = has ? {1'b1, stamp, 3'd0, 256'd0} : {OptW{1'b0}};
  endtask

  logic [nic_pkg::RxDescW-1:0] next_bits = '0;
  logic next_has = 1'b0, next_slow = 1'b0;

  always @(posedge clk_i) begin
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (cycle > 3) begin
      `CHECK(count === 5'(put - got) && in_ready === (put - got < Depth), "count")
      if (out_valid) begin
        `CHECK(put != got, "a descriptor from nothing")
        `CHECK(cycle >= due[got % 64], "options before they were read")
        `CHECK(out === queue[got % 64], "descriptor and its options")
      end else if (put != got) begin
        `CHECK(cycle < due[got % 64], "ready when its options are")
      end
      if (out_valid && out_ready) begin
        if (cycle == due[got % 64]) at_once = at_once + 1;
        got = got + 1;
      end
      if (put - got > most && cycle % 1024 < 400 && cycle % 1024 > 20) most = put - got;
      if (in_valid && !in_ready) full = full + 1;
      if (in_valid && in_ready) begin
        queue[put % 64] = next_bits;
        due[put % 64] = cycle + 1;
        if (next_has) begin
          lists = lists + 1;
          if (next_slow || cycle <= slow_at + 5) begin
            due[put % 64] = cycle + 6;
            slow_at = cycle;
            late = late + 1;
          end
        end
        put = put + 1;
      end
      // --- next
      if (!in_valid || in_ready) begin
        r = rnd64(r);
        in_valid <= 1'b0;
        if (cycle < 8000 && cycle % 1024 < 980 && (cycle % 1024 < 400 || r[0])) begin
          next;
          next_bits = bits;
          next_has = has;
          next_slow = (what == 2 || what == 3);
          in_valid <= 1'b1;
        end
      end
      r = rnd64(r);
      out_ready <= (cycle % 1024 < 400 || cycle % 1024 >= 980) ? 1'b1 : (cycle % 1024 < 700) ? r[3:0] == 0 : r[0] || r[1];
      if (cycle == 8100) begin
        `CHECK(put == got && !out_valid, "all came out")
        `CHECK(full > 100 && most > 4 && most < 9 && at_once > 500 && late > 500 && lists - late > 100, "exercised")
        if (errors_o != 0) $display("full %0d, most %0d, at once %0d, late %0d of %0d", full, most, at_once, late, lists);
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
