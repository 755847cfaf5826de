// SPDX-License-Identifier: Apache-2.0
// What a flow may send from SND.NXT on: new data, all that follows una after a timeout, or a probe; combinational. The C twin is
// cut_at_nxt() in dpi/tcp/core.
//
//     una       nxt          max      tail          the segment ends at the first of: MSS, the peer's window, the congestion
//      |#########|###....#####|........|            window less what is in the network, the end of the data; sent again, at
//                ^ holes only, up to max            the end of its hole. FIN goes along where it fits.
`default_nettype none
`include "nic_types.svh"
module cut_new (
    input  wire logic         en_i,          // else the outputs mean nothing
    input  snd_ctx_t          ctx_i,
    input  wire logic [127:0] starts_i,      // the scoreboard
    input  wire logic [127:0] ends_i,
    input  wire logic [31:0]  tail_i,        // end of what the host enqueued; with fin_i one phantom byte behind the data
    input  wire logic         fin_i,
    input  wire logic [31:0]  pipe_i,        // bytes thought to be in the network
    output logic [31:0]       seq_o,
    output logic [31:0]       len_o,
    output logic              fin_o,         // nothing may be sent: len 0, no FIN
    output logic              rexmit_o,
    output logic              probe_o,       // one byte (or the FIN) beyond a closed window
    output logic              more_o,        // when it has left, another may; never wrongly 0
    output logic              blocked_o      // there is something, but nothing may be sent
);
  logic again, rexmit, fin_pending, probe, small_ok, whole;
  logic [31:0] hole_start, hole_end, seq, avail, spread, cwnd, edge_room, cwnd_room, room, len, hole_len;

  assign again = en_i && nic_pkg::seq_lt(ctx_i.nxt, ctx_i.max);
  sack_next u_hole (
      .en_i(again), .start_i(starts_i), .end_i(ends_i), .n_i(ctx_i.sack_n), .from_i(ctx_i.nxt), .limit_i(ctx_i.max),
      .start_o(hole_start), .end_o(hole_end));

  always @* begin
    {rexmit, fin_pending, probe, small_ok, whole} = 'x;
    {seq, avail, spread, cwnd, edge_room, cwnd_room, room, len, hole_len} = 'x;
    {fin_o, more_o, blocked_o} = 'x;
    if (en_i) begin
      seq         = again ? hole_start : ctx_i.nxt;
      rexmit      = again && nic_pkg::seq_lt(hole_start, ctx_i.max);
      hole_len    = hole_end - hole_start;

      fin_pending = fin_i && seq != tail_i;
      avail       = (fin_i && !fin_pending) ? '0 : tail_i - 32'(fin_i) - seq;

      // RFC 3042: new data beyond cwnd. With SACK the pipe has shrunk already by what a duplicate ACK reports (RFC 6675 section 5).
      spread      = (ctx_i.sack_ok || again || ctx_i.recovery) ? '0
                  : (ctx_i.dup_acks == 4'd1) ? {16'd0, ctx_i.mss} : (ctx_i.dup_acks == 4'd2) ? {15'd0, ctx_i.mss, 1'b0} : '0;
      cwnd        = ctx_i.cwnd + spread;
      cwnd_room   = (pipe_i < cwnd) ? cwnd - pipe_i : '0;
      edge_room   = ctx_i.una + ctx_i.wnd - seq;         // the window may have shrunk behind seq
      probe       = ctx_i.probe && ctx_i.nxt == ctx_i.una && (edge_room[31] || edge_room == '0 || cwnd_room == '0);
      room        = probe ? 32'd1 : edge_room[31] ? '0 : nic_pkg::min32(edge_room, cwnd_room);

      // RFC 9293 section 3.8.6.2.1 (silly windows) and 3.7.4 (Nagle): whether less than a full segment may leave.
      whole       = nic_pkg::min32(avail, 32'(ctx_i.mss)) <= room;
      small_ok    = ctx_i.probe || rexmit
                    || ((ctx_i.nagle_off || ctx_i.nxt == ctx_i.una || (fin_i && whole && avail <= 32'(ctx_i.mss)))
                        && ((whole && avail <= 32'(ctx_i.mss)) || room >= {1'b0, ctx_i.max_wnd[31:1]}));

      len = nic_pkg::min32(nic_pkg::min32(avail, 32'(ctx_i.mss)), room);
      if (rexmit && hole_end != ctx_i.max) len = nic_pkg::min32(len, hole_len);
      if (len < 32'(ctx_i.mss) && !small_ok) len = '0;

      fin_o     = fin_pending && len == avail && len < room;
      // Where nxt reaches max, limited transmit may widen the window.
      more_o    = (len != avail || (fin_pending && !fin_o)) && (len != room || (again && ctx_i.dup_acks != '0));
      blocked_o = (avail != '0 || fin_pending) && len == '0 && !fin_o;
    end
  end

  assign seq_o    = seq;
  assign len_o    = len;
  assign rexmit_o = rexmit;
  assign probe_o  = probe;
endmodule
`default_nettype wire
