// SPDX-License-Identifier: Apache-2.0
// Stage E of the receive pipeline: what one event does to its flow's context, and what leaves because of it; combinational.
//
//   context --+-> rcv_segment --+
//   event ----+-> rcv_read -----+-> by kind -> next context -> mirror
//   mirrors --+-> rcv_timeout --+          \-> ACK owed, D-SACK, verdict for rx_mover, news for the send pipeline
//             +-> open, release +
`default_nettype none
`include "nic_types.svh"
module rcv_step #(
    parameter int RxBufBytes = 32768
) (
    input  wire logic         valid_i,
    input  wire logic [2:0]   kind_i,        // rcv_ev_e
    input  wire logic [11:0]  flow_i,
    input  wire logic         hit_i,         // segment: it is the flow's; else the slow path's
    input  wire logic         ok_i,          // open: the flow table had room
    input  rx_desc_t          desc_i,        // of a segment
    input  host_cmd_t         cmd_i,         // of a token
    input  wire logic [63:0]  now_us_i,
    input  rcv_ctx_t          ctx_i,
    input  snd_mirror_t       snd_i,
    input  sent_mirror_t      sent_i,
    input  wire logic [31:0]  consumed_i,
    output logic              we_o,
    output rcv_ctx_t          ctx_o,
    output rcv_mirror_t       mirror_o,
    output logic              owed_o,        // an ACK
    output logic              now_o,         // one that must not merge with others
    output dsack_t            dup_o,
    output logic              verdict_push_o,
    output rx_verdict_t       verdict_o,
    output logic              dd_push_o,
    output dd_segment_t       dd_o,
    output logic [3:0]        class_o,       // rcv_class_e
    output logic [13:0]       bytes_o        // payload taken
);
  rcv_ctx_t seg_ctx, read_ctx, late_ctx;
  logic [3:0] seg_class;
  logic [13:0] seg_lo, seg_hi;
  logic seg_tell, seg_reset, seg_ack, seg_ack_now, seg_fwd, seg_wnd_vld, seg_ts_vld, segment, owed, read_update, late_ack;
  logic [31:0] seg_wnd;
  dsack_t seg_dup;

  assign segment = valid_i && kind_i == RevSegment && hit_i;

  rcv_segment u_segment (
      .en_i(segment), .ctx_i(ctx_i), .seg_i(desc_i), .snd_i(snd_i), .sent_i(sent_i), .now_us_i(now_us_i), .ctx_o(seg_ctx), .class_o(seg_class),
      .lo_o(seg_lo), .hi_o(seg_hi), .tell_o(seg_tell), .reset_o(seg_reset), .ack_o(seg_ack), .ack_now_o(seg_ack_now),
      .dup_o(seg_dup), .fwd_o(seg_fwd), .wnd_vld_o(seg_wnd_vld), .wnd_o(seg_wnd), .ts_vld_o(seg_ts_vld));
  rcv_read #(.RxBufBytes(RxBufBytes)) u_read (
      .en_i(valid_i && kind_i == RevRead), .ctx_i(ctx_i), .consumed_i(consumed_i), .sent_i(sent_i), .ctx_o(read_ctx), .update_o(read_update));
  rcv_timeout u_timeout (
      .en_i(valid_i && kind_i == RevTimeout), .ctx_i(ctx_i), .sent_i(sent_i), .now_us_i(now_us_i), .ctx_o(late_ctx), .ack_o(late_ack));

  // All under `valid_i`, so that a simulator has nothing to do in a cycle without an event.
  always @* begin
    ctx_o     = 'x;
    mirror_o  = 'x;
    verdict_o = 'x;
    dd_o      = 'x;
    dup_o     = '0;
    bytes_o   = '0;
    class_o   = 'x;
    we_o      = 1'b0;
    owed      = 1'b0;
    verdict_push_o = 1'b0;
    dd_push_o      = 1'b0;
    if (valid_i) begin
      ctx_o = ctx_i;
      we_o  = 1'b1;
      case (kind_i)
        RevSegment: begin
          if (hit_i) ctx_o = seg_ctx;
          we_o  = hit_i;
          owed  = seg_ack || seg_ack_now;
        end
        RevRead: begin
          ctx_o = read_ctx;
          owed  = read_update;
        end
        RevTimeout: begin
          ctx_o = late_ctx;
          owed  = late_ack;
        end
        RevOpen: begin
          ctx_o              = '0;
          ctx_o.open         = ok_i;
          ctx_o.nxt          = cmd_i.rcv_nxt;
          ctx_o.wnd_end      = cmd_i.rcv_nxt + 32'(RxBufBytes);
          ctx_o.wl1          = cmd_i.rcv_nxt;
          ctx_o.ack_fwd      = cmd_i.snd_nxt;
          ctx_o.wnd_fwd      = cmd_i.snd_wnd;
          ctx_o.mss          = cmd_i.rcv_mss;
          ctx_o.snd_wscale   = cmd_i.snd_wscale;
          ctx_o.rcv_wscale   = cmd_i.rcv_wscale;
          ctx_o.ts_ok        = cmd_i.ts_ok;
          ctx_o.sack_ok      = cmd_i.sack_ok;
          ctx_o.ts_recent    = cmd_i.ts_recent;
          ctx_o.ts_age       = now_us_i[51:20];
        end
        default: begin                         // RevRelease
          ctx_o.open       = 1'b0;
          ctx_o.delack_vld = 1'b0;
        end
      endcase

      // What others are shown of it: rcv_mirror_of().
      mirror_o            = '0;
      mirror_o.nxt        = ctx_o.nxt;
      mirror_o.wnd_end    = ctx_o.wnd_end;
      mirror_o.mss        = ctx_o.mss;
      mirror_o.wscale     = ctx_o.rcv_wscale;
      mirror_o.ts_ok      = ctx_o.ts_ok;
      mirror_o.sack_ok    = ctx_o.sack_ok;
      mirror_o.ts_recent  = ctx_o.ts_recent;
      mirror_o.ooo_n      = ctx_o.ooo_n;
      mirror_o.ooo0_start = ctx_o.ooo0_start;
      mirror_o.ooo0_end   = ctx_o.ooo0_end;
      mirror_o.ooo1_start = ctx_o.ooo1_start;
      mirror_o.ooo1_end   = ctx_o.ooo1_end;
      mirror_o.ooo2_start = ctx_o.ooo2_start;
      mirror_o.ooo2_end   = ctx_o.ooo2_end;
      mirror_o.ooo3_start = ctx_o.ooo3_start;
      mirror_o.ooo3_end   = ctx_o.ooo3_end;

      // One verdict for each frame, in order; tokens walk behind them.
      verdict_push_o        = kind_i != RevRead && kind_i != RevTimeout;
      verdict_o             = '0;
      verdict_o.kind        = VerdictDiscard;
      verdict_o.flow        = flow_i;
      verdict_o.beats       = desc_i.beats;
      verdict_o.frame_len   = desc_i.frame_len;
      verdict_o.base        = desc_i.seq - 32'(desc_i.pay_off);
      verdict_o.lo          = seg_lo;
      verdict_o.hi          = seg_hi;
      verdict_o.ready       = ctx_o.nxt - 32'(ctx_o.fin_done);
      verdict_o.peer_closed = ctx_o.fin_done;
      verdict_o.rx_reset    = seg_reset;
      verdict_o.ts_recent   = ctx_o.ts_recent;
      verdict_o.ok          = ok_i;
      if (kind_i == RevOpen) begin
        verdict_o.kind  = VerdictFence;
        verdict_o.beats = '0;
        verdict_o.tell  = 1'b1;
      end else if (kind_i == RevRelease) begin
        verdict_o.beats       = '0;
        verdict_o.tell        = 1'b1;
        verdict_o.rx_released = 1'b1;
      end else if (!hit_i) begin
        verdict_o.kind = VerdictSlow;
      end else begin
        if (seg_lo != seg_hi) verdict_o.kind = VerdictRing;
        verdict_o.tell = seg_tell;             // not for what waits behind a gap
      end

      dd_push_o    = seg_fwd || kind_i == RevRelease;
      dd_o         = '0;
      dd_o.kind    = DdAck;
      dd_o.flow    = flow_i;
      dd_o.ack     = desc_i.ack;
      dd_o.wnd     = seg_wnd;
      dd_o.wnd_vld = seg_wnd_vld;
      dd_o.no_data = (desc_i.pay_len == '0);
      dd_o.ts_vld  = seg_ts_vld;
      dd_o.tsecr   = seg_ts_vld ? desc_i.tsecr : '0;
      dd_o.n_sack  = desc_i.n_sack;
      dd_o.sack0_start = desc_i.sack0_start;
      dd_o.sack0_end   = desc_i.sack0_end;
      dd_o.sack1_start = desc_i.sack1_start;
      dd_o.sack1_end   = desc_i.sack1_end;
      dd_o.sack2_start = desc_i.sack2_start;
      dd_o.sack2_end   = desc_i.sack2_end;
      dd_o.sack3_start = desc_i.sack3_start;
      dd_o.sack3_end   = desc_i.sack3_end;
      // These end the flow: nothing else of the segment counts.
      if (kind_i == RevRelease || seg_reset) begin
        dd_o      = '0;
        dd_o.kind = DdReset;
        if (kind_i == RevRelease) dd_o.kind = DdRelease;
        dd_o.flow = flow_i;
      end

      class_o = (kind_i != RevSegment) ? RcvToken : !hit_i ? RcvNoFlow : seg_class;
      bytes_o = seg_hi - seg_lo;
      dup_o   = seg_dup;
    end
  end

  assign owed_o = we_o && owed;
  assign now_o  = seg_ack_now;
endmodule
`default_nettype wire
