// SPDX-License-Identifier: Apache-2.0
// dd_blocks against a count: each SACK block of a segment leaves once, in order, then its ACK, of none to four blocks; taken at once
// and late, back to back and with gaps. An event a cycle.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(dd_blocks_tb)
  logic rst_n = 1'b0, valid = 1'b0, ready, out_valid, out_ready = 1'b0;
  dd_segment_t seg;
  dd_in_t dd, e;
  dd_blocks u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(valid), .ready_o(ready), .segment_i(seg), .valid_o(out_valid), .ready_i(out_ready),
      .dd_o(dd));

  logic [63:0] r = 64'h2545_f491_4f6c_dd1d;
  logic [nic_pkg::DdSegmentW-1:0] bits;
  int cycle = 0, sent = 0, k, four = 0, waited = 0;

  task automatic next;
    for (int i = 0; i < nic_pkg::DdSegmentW; i = i + 32) begin
      r = rnd64(r);
      bits = {bits[nic_pkg::DdSegmentW-33:0], r[31:0]};
    end
    seg <= bits;
    seg.kind <= (r[34:32] == 0) ? DdReset : DdAck;
    seg.n_sack <= (r[39:37] > 3'd4) ? 3'd4 : r[39:37];
  endtask

  always @(posedge clk_i) begin
    cycle <= cycle + 1;
    rst_n <= cycle > 2;
    if (rst_n && !done_o) begin
      `CHECK(out_valid === valid, "nothing waits")
      if (valid) begin
        e = '0;
        e.flow = seg.flow;
        if (sent < int'(seg.n_sack)) begin
          e.kind = DdSack;
          case (sent)
            0: begin e.ack = seg.sack0_start; e.sack_end = seg.sack0_end; end
            1: begin e.ack = seg.sack1_start; e.sack_end = seg.sack1_end; end
            2: begin e.ack = seg.sack2_start; e.sack_end = seg.sack2_end; end
            default: begin e.ack = seg.sack3_start; e.sack_end = seg.sack3_end; end
          endcase
        end else begin
          e.kind = seg.kind;
          e.ack = seg.ack;
          e.wnd = seg.wnd;
          e.wnd_vld = seg.wnd_vld;
          e.no_data = seg.no_data;
          e.ts_vld = seg.ts_vld;
          e.tsecr = seg.tsecr;
        end
        `CHECK(dd === e, "the next event of the segment")
        `CHECK(ready === (out_ready && sent == int'(seg.n_sack)), "it goes with its ACK")
        if (out_ready) sent = sent + 1; else waited = waited + 1;
        if (ready) begin
          if (seg.n_sack == 3'd4) four = four + 1;
          sent = 0;
        end
      end
      r = rnd64(r);
      k = cycle / 512 % 3;                 // everything at once; a slow send pipeline; gaps
      out_ready <= (k != 1) || r[1:0] == 0;
      if (!valid || ready) begin
        valid <= (k != 2) || r[2];
        next;
      end
      if (cycle == 6000) begin
        `CHECK(four > 300 && waited > 1000, "exercised")
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
