// SPDX-License-Identifier: Apache-2.0
// A payload ring as a whole: ring_write into ring_mem, read back through ring_addr and ring_align, against an array of bytes;
// at 512 and 64 bits. Any offset and any lanes, streams of beats and single bytes, the wrap of the ring and of 2^32, two flows
// next to each other; at the end every byte of every flow is held against the model, so nothing else was touched.
`default_nettype none
`include "tb.svh"
module ring_check #(
    parameter int DataW = 512,
    parameter int RingBytes = 1024,
    parameter logic [63:0] Seed = 64'd1
) (
    input  wire logic clk_i,
    output logic done_o,
    output logic [31:0] errors_o
);
  localparam int NumFlows = 4;
  localparam int B = DataW / 8;
  localparam int LgB = $clog2(B);
  localparam int LgR = $clog2(RingBytes);
  localparam int AddrW = 2 + LgR - LgB - 1;
  localparam int Fill = NumFlows * RingBytes / B;
  localparam int Work = Fill + 2500;
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction

  logic rst_n = 1'b0, valid = 1'b0, we, re = 1'b0, check_q = 1'b0, odd, odd_q;
  logic [11:0] flow = 0, rflow = 0;
  logic [31:0] seq = 0, rseq = 0, at, place;
  logic [DataW-1:0] data = '0, wdata, rdata0, rdata1, aligned, expected;
  logic [LgB:0] lo = 0, hi = 0;
  logic [AddrW-1:0] w0, w1, r0, r1;
  logic [B-1:0] be0, be1;
  logic [LgB-1:0] off, off_q;
  logic [7:0] model [0:NumFlows*RingBytes-1];
  logic [63:0] r = Seed;
  logic [63:0] s = ~Seed;
  int cycle = 0;
  int k = 0;

  ring_write #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RingBytes)) u_write (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(valid), .flow_i(flow), .seq_i(seq), .data_i(data), .lo_i(lo), .hi_i(hi),
      .we_o(we), .addr0_o(w0), .addr1_o(w1), .be0_o(be0), .be1_o(be1), .data_o(wdata));
  ring_mem #(.DataW(DataW), .AddrW(AddrW)) u_mem (
      .clk_i(clk_i), .we_i(we), .waddr0_i(w0), .waddr1_i(w1), .wbe0_i(be0), .wbe1_i(be1), .wdata_i(wdata), .re_i(re),
      .raddr0_i(r0), .raddr1_i(r1), .rdata0_o(rdata0), .rdata1_o(rdata1));
  ring_addr #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RingBytes)) u_addr (
      .flow_i(rflow), .seq_i(rseq), .addr0_o(r0), .addr1_o(r1), .odd_o(odd), .off_o(off));
  ring_align #(.DataW(DataW)) u_align (
      .rdata0_i(rdata0), .rdata1_i(rdata1), .odd_i(odd_q), .off_i(off_q), .data_o(aligned));

  // The write that ring_write holds: in the memory after this edge.
  logic held = 1'b0;
  logic [11:0] held_flow;
  logic [31:0] held_seq;
  logic [DataW-1:0] held_data;
  logic [LgB:0] held_lo, held_hi;

  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(s);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    k = cycle - 4;
    // Stimulus: fill all rings line by line, then random, then read everything back.
    valid <= k >= 0 && (k < Fill || (k < Work && r[1:0] != 2'd0));
    data <= (data << 64) ^ DataW'(s);
    if (k < Fill) begin
      flow <= 12'(k / (RingBytes / B));
      seq <= 32'((k % (RingBytes / B)) * B);
      lo <= '0;
      hi <= (LgB + 1)'(B);
    end else begin
      // A beat of a stream, or somewhere new: near 2^32, near the ring's end, anywhere. Mostly flows 1 and 2.
      flow <= (r[5:2] == 4'd0) ? 12'(r[7:6]) : (r[10:8] != 3'd0) ? flow : (flow == 12'd1) ? 12'd2 : 12'd1;
      if (r[12:11] != 2'd0) seq <= seq + 32'(B);
      else if (r[13]) seq <= 32'hffff_ffff - 32'(r[14 +: LgB + 1]);
      else if (r[14]) seq <= {r[63:32]} | 32'(RingBytes - 2 * B);
      else seq <= r[63:32];
      case (r[17:16])
        2'd0: begin lo <= '0; hi <= (LgB + 1)'(B); end
        2'd1: begin lo <= (LgB + 1)'(r[18 +: LgB]); hi <= (LgB + 1)'(B); end
        2'd2: begin lo <= '0; hi <= (LgB + 1)'(r[18 +: LgB]); end
        default: begin lo <= (LgB + 1)'(r[18 +: LgB]); hi <= (LgB + 1)'(r[18 +: LgB]) + (LgB + 1)'(r[30] && r[18 +: LgB] != '1); end
      endcase
    end
    re <= k > Fill + 2 && k < Work + Fill && (k >= Work || s[1:0] != 2'd0);
    if (k < Work) begin
      rflow <= (s[2]) ? flow : 12'(s[4:3]);
      rseq <= s[5] ? seq - 32'(s[8 +: LgB + 1]) : s[6] ? 32'hffff_ffff - 32'(s[8 +: LgB + 1]) : s[63:32];
    end else begin
      rflow <= 12'((k - Work) / (RingBytes / B));
      rseq <= 32'(((k - Work) % (RingBytes / B)) * B);
    end

    if (check_q) begin `CHECK(aligned === expected, "bytes read") end
    check_q <= re;
    if (re) begin
      odd_q <= odd;
      off_q <= off;
      for (int i = 0; i < B; i++) begin
        at = rseq + 32'(i);
        place = 32'(rflow) * RingBytes + (at & 32'(RingBytes - 1));
        expected[8*i +: 8] = model[place];
      end
    end
    if (held) begin
      for (int i = 0; i < B; i++) if (i >= int'(held_lo) && i < int'(held_hi)) begin
        at = held_seq + 32'(i);
        place = 32'(held_flow) * RingBytes + (at & 32'(RingBytes - 1));
        model[place] = held_data[8*i +: 8];
      end
    end
    `CHECK(!rst_n || cycle < 4 || we === held, "one write for each beat, one cycle later")
    held = valid;
    held_flow = flow;
    held_seq = seq;
    held_data = data;
    held_lo = lo;
    held_hi = hi;
    if (k == Work + Fill + 4) done_o <= 1'b1;
  end
endmodule

`BENCH(ring_tb)
  logic done512, done64;
  logic [31:0] errors512, errors64;
  ring_check #(.DataW(512), .RingBytes(1024), .Seed(64'h2468_1357_0f1e_2d3c)) u_512 (
      .clk_i(clk_i), .done_o(done512), .errors_o(errors512));
  ring_check #(.DataW(64), .RingBytes(128), .Seed(64'h9999_1357_0f1e_2d3c)) u_64 (
      .clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o = errors512 + errors64;
    done_o <= done512 && done64;
  end
`BENCH_END
`default_nettype wire
