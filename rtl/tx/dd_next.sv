// SPDX-License-Identifier: Apache-2.0
// Send pipeline step: the scheduler asks a flow for its next segment; combinational. The C twin is snd_next() in
// dpi/tcp/core.
//   Sends what the peer's window, the congestion window and the data allow: a data segment (with FIN at the tail), else
//   the pure ACK that is owed, else news for the host without a frame, else nothing: a spurious dd_next is legal.
`default_nettype none
`include "nic_types.svh"
module dd_next (
    input  snd_ctx_t          ctx_i,
    input  wire logic [31:0]  tail_i,        // end of what the host enqueued; with fin_i one phantom byte behind the data
    input  wire logic         fin_i,
    input  wire logic         ack_owed_i,
    input  wire logic [1:0]   ack_now_i,     // immediate ACKs owed: only pure ACKs pay them
    input  wire logic [63:0]  now_us_i,
    output snd_ctx_t          ctx_o,
    output logic              emit_o,
    output tx_desc_t          desc_o,        // its flow is filled in by the pipeline
    output logic              more_o,        // another dd_next would send again
    output logic [31:0]       idle_seq_o     // where a segment without data stands
);
  logic [31:0] data_end, avail, wnd, room, open_room, edge_room, len, after, idle_seq, wnd_edge;
  logic probe;
  logic fin_pending, fin_now, send, blocked, fin_acked, news, live;

  assign live        = ctx_i.open && !ctx_i.gave_up;
  assign data_end    = tail_i - 32'(fin_i);
  assign fin_pending = fin_i && ctx_i.nxt != tail_i;
  // Behind the FIN nothing is left: nxt is then one past data_end.
  assign avail       = (fin_i && !fin_pending) ? '0 : data_end - ctx_i.nxt;

  assign wnd         = nic_pkg::min32(ctx_i.wnd, ctx_i.cwnd);
  assign edge_room   = ctx_i.una + wnd - ctx_i.nxt;
  assign open_room   = edge_room[31] ? '0 : edge_room;                      // the window may have shrunk behind nxt
  assign probe       = ctx_i.probe && ctx_i.nxt == ctx_i.una && open_room == '0;
  assign room        = probe ? 32'd1 : open_room;                           // a probe: one byte beyond a closed window
  assign len         = nic_pkg::min32(nic_pkg::min32(avail, 32'(ctx_i.mss)), room);
  assign fin_now     = fin_pending && len == avail && len < room;
  assign send        = live && (len != '0 || fin_now);
  assign after       = ctx_i.nxt + len + 32'(fin_now);
  assign blocked     = live && !send && (avail != '0 || fin_pending) && ctx_i.una == ctx_i.max;

  // Where a segment without data stands: at the highest sent, but inside the peer's window, or it would be refused there.
  assign wnd_edge    = ctx_i.una + ctx_i.wnd;
  assign idle_seq    = nic_pkg::seq_lt(wnd_edge, ctx_i.max) ? wnd_edge : ctx_i.max;
  assign idle_seq_o  = idle_seq;

  assign fin_acked   = fin_i && ctx_i.una == tail_i;
  assign news        = ctx_i.open && (ctx_i.una != ctx_i.told || ((fin_acked || ctx_i.gave_up) && !ctx_i.told_flags));

  always @* begin
    ctx_o = ctx_i;
    desc_o = '0;
    emit_o = 1'b0;
    more_o = 1'b0;
    desc_o.kind = TxFree;
    desc_o.seq  = idle_seq;
    if (send) begin
      emit_o      = 1'b1;
      desc_o.kind = TxData;
      desc_o.seq  = ctx_i.nxt;
      desc_o.len  = len[13:0];
      desc_o.fin  = fin_now;
      desc_o.psh  = (len != '0) && len == avail;
      // A probe leaves nxt where it is: when the window opens without taking it, all is sent from una on.
      if (!probe) ctx_o.nxt = after;
      ctx_o.max   = nic_pkg::seq_max(ctx_i.max, after);
      ctx_o.probe = 1'b0;
      if (!ctx_i.rto_vld) begin
        ctx_o.rto_vld   = 1'b1;
        ctx_o.rto_at_us = now_us_i + 64'(ctx_i.rto_us);
      end
      more_o = (avail != len && room != len) || ack_now_i != '0;
    end else begin
      if (blocked && !ctx_i.rto_vld) begin
        ctx_o.rto_vld   = 1'b1;                        // the probe timer
        ctx_o.rto_at_us = now_us_i + 64'(ctx_i.rto_us);
      end
      if (live && ack_owed_i) begin
        emit_o      = 1'b1;
        desc_o.kind = TxAck;
        more_o      = ack_now_i[1];
      end else begin
        emit_o = news;
      end
    end
    desc_o.una       = ctx_i.una;
    desc_o.tell      = news;
    desc_o.fin_acked = fin_acked;
    desc_o.timed_out = ctx_i.gave_up;
    if (emit_o) begin
      ctx_o.told       = ctx_i.una;
      ctx_o.told_flags = fin_acked || ctx_i.gave_up;
    end
  end
endmodule
`default_nettype wire
