// SPDX-License-Identifier: Apache-2.0
// rcv_segment: whatever segment comes, in whatever context that is well formed (rcv_list: ranges disjoint, not touching, inside
// (RCV.NXT, wnd_end]), the next context is, too; RCV.NXT never moves back nor beyond the window, the window's edge stays; what goes
// to the ring lies inside the window, is of the segment, and is what the context then holds: RCV.NXT passes, and an interval
// takes in, only bytes that were held or are written now; and a byte that was held is never forgotten. Behind the peer's FIN
// nothing is taken any more, and nothing is held of what a peer that contradicts itself had sent beyond its own FIN.
//
//@ rtl rtl/rx/rx_intervals.sv rtl/rx/rcv_segment.sv tb/formal/rcv_list.sv
//@ prove comb
//@ prove comb Nxt=32'hfffffff0
//@ prove comb Nxt=32'h7ffffff0
//@ mutant rtl/rx/rcv_segment.sv `nic_pkg::seq_lt(ctx_i.wnd_end, data_end) ? ctx_i.wnd_end : data_end` `data_end` : writes beyond the window
//@ mutant rtl/rx/rcv_segment.sv `start    = nic_pkg::seq_max(seg_i.seq, ctx_i.nxt)` `start    = seg_i.seq` : writes what the host has
//@ mutant rtl/rx/rcv_segment.sv `fin_fits = fin &&` `fin_fits = fin ||` : a FIN that is not there
//@ mutant rtl/rx/rcv_segment.sv `if (taken || (put && !iv_held)) begin` `if (taken) begin` : an interval without its bytes
`default_nettype none
`include "nic_types.svh"
module rcv_segment_fv #(
    parameter int Nxt = 0,
    parameter int WndW = 5               // as in rx_intervals_fv: the window, and what of the segment is in reach of it
) (
    input wire logic [nic_pkg::RcvCtxW-1:0]     ctx_bits_i,
    input wire logic [nic_pkg::RxDescW-1:0]     seg_bits_i,
    input wire logic [nic_pkg::SndMirrorW-1:0]  snd_i,
    input wire logic [nic_pkg::SentMirrorW-1:0] sent_i,
    input wire logic [63:0]                     now_us_i,
    input wire logic [8*WndW-1:0]               list_i,     // in distances from RCV.NXT
    input wire logic [WndW-1:0]                 wnd_i,
    input wire logic [WndW-1:0]                 fin_i,
    input wire logic [WndW-1:0]                 byte_i      // any byte of the window
);
  localparam logic [31:0] At = 32'(Nxt);
  rcv_ctx_t ctx, ctx_next;
  rx_desc_t seg;
  snd_mirror_t snd;
  sent_mirror_t sent;
  dsack_t dup;
  logic [3:0] class_id;
  logic [13:0] lo, hi;
  logic [31:0] wnd, base;
  logic tell, reset, ack, ack_now, fwd, wnd_vld, ts_vld;
  assign seg  = seg_bits_i;
  assign snd  = snd_i;
  assign sent = sent_i;
  always @* begin
    ctx         = ctx_bits_i;
    ctx.nxt     = At;
    ctx.wnd_end = At + 32'(wnd_i);
    ctx.ooo0_start = (ctx.ooo_n > 3'd0) ? At + 32'(list_i[0 +: WndW]) : '0;
    ctx.ooo0_end   = (ctx.ooo_n > 3'd0) ? At + 32'(list_i[WndW +: WndW]) : '0;
    ctx.ooo1_start = (ctx.ooo_n > 3'd1) ? At + 32'(list_i[2*WndW +: WndW]) : '0;
    ctx.ooo1_end   = (ctx.ooo_n > 3'd1) ? At + 32'(list_i[3*WndW +: WndW]) : '0;
    ctx.ooo2_start = (ctx.ooo_n > 3'd2) ? At + 32'(list_i[4*WndW +: WndW]) : '0;
    ctx.ooo2_end   = (ctx.ooo_n > 3'd2) ? At + 32'(list_i[5*WndW +: WndW]) : '0;
    ctx.ooo3_start = (ctx.ooo_n > 3'd3) ? At + 32'(list_i[6*WndW +: WndW]) : '0;
    ctx.ooo3_end   = (ctx.ooo_n > 3'd3) ? At + 32'(list_i[7*WndW +: WndW]) : '0;
    ctx.fin_seq = At + 32'(fin_i);
  end
  rcv_segment u_dut (
      .en_i(1'b1),
      .ctx_i(ctx), .seg_i(seg), .snd_i(snd), .sent_i(sent), .now_us_i(now_us_i), .ctx_o(ctx_next), .class_o(class_id), .lo_o(lo),
      .hi_o(hi), .tell_o(tell), .reset_o(reset), .ack_o(ack), .ack_now_o(ack_now), .dup_o(dup), .fwd_o(fwd), .wnd_vld_o(wnd_vld),
      .wnd_o(wnd), .ts_vld_o(ts_vld));

  logic ok, ok_next, there, there_next, written, pre, fin_now;
  logic [31:0] moved, first, last;
  rcv_list u_before (
      .nxt_i(At), .end_i(ctx.wnd_end), .n_i(ctx.ooo_n), .byte_i(At + 32'(byte_i)), .ok_o(ok), .there_o(there),
      .list_i({ctx.ooo3_start, ctx.ooo3_end, ctx.ooo2_start, ctx.ooo2_end, ctx.ooo1_start, ctx.ooo1_end, ctx.ooo0_start, ctx.ooo0_end}));
  rcv_list u_after (
      .nxt_i(ctx_next.nxt), .end_i(ctx.wnd_end), .n_i(ctx_next.ooo_n), .byte_i(At + 32'(byte_i)), .ok_o(ok_next), .there_o(there_next),
      .list_i({ctx_next.ooo3_start, ctx_next.ooo3_end, ctx_next.ooo2_start, ctx_next.ooo2_end, ctx_next.ooo1_start,
               ctx_next.ooo1_end, ctx_next.ooo0_start, ctx_next.ooo0_end}));

  assign base    = seg.seq - 32'(seg.pay_off);           // sequence number that frame byte 0 would have
  assign moved   = ctx_next.nxt - At;
  assign first   = base + 32'(lo) - At;
  assign last    = base + 32'(hi) - At;
  assign written = lo != hi && 32'(byte_i) >= first && 32'(byte_i) < last;
  assign fin_now = ctx_next.fin_done && !ctx.fin_done;   // the FIN's place is the last that RCV.NXT passed
  always @* begin
    pre = ok && (!ctx.fin_done || ctx.ooo_n == '0) && seg.pay_len <= 14'd9000
        && !(ctx.fin_vld && ctx.fin_done) && (!ctx.fin_vld || fin_i < wnd_i);
    assert(!pre || (ok_next && (!ctx_next.fin_done || ctx_next.ooo_n == '0)));
    assert(!pre || !ctx.fin_done || (moved == '0 && lo == hi && ctx_next.fin_done));
    assert(!pre || (moved <= 32'(wnd_i) && ctx_next.wnd_end == ctx.wnd_end));
    assert(!pre || lo == hi || (first < last && last <= 32'(wnd_i) && lo >= 14'(seg.pay_off)
           && 32'(hi) <= 32'(seg.pay_off) + 32'(seg.pay_len)));
    assert(!pre || !(ctx_next.fin_vld && ctx_next.fin_done));
    assert(!pre || !ctx_next.fin_vld || ctx_next.fin_seq - At < 32'(wnd_i));
    if (pre && !ctx.fin_done && byte_i < wnd_i) begin
      if (32'(byte_i) < moved) assert(there || written || (fin_now && 32'(byte_i) + 32'd1 == moved));
      else assert(there_next == (!fin_now && (there || written)));
    end
    // A FIN is taken only where one was seen: this segment's end, or the place remembered.
    if (pre && fin_now)
      assert((seg.flags[nic_pkg::FlagFin] && seg.seq + 32'(seg.pay_len) + 32'd1 == ctx_next.nxt)
             || (ctx.fin_vld && ctx.fin_seq + 32'd1 == ctx_next.nxt));
  end
endmodule
`default_nettype wire
