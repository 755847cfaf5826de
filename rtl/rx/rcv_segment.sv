// SPDX-License-Identifier: Apache-2.0
// The receive pipeline's step for one segment of an established flow (RFC 9293 section 3.10.7.4); combinational. The C
// twin is rcv_segment() in dpi/tcp/core.
//   In: context, segment, what the send pipeline published (una, max). Out: next context and what is to be done.
//   accept: frame bytes [lo, hi) go to the ring. ack: an ACK is owed; ack_now: one that must not merge with others.
`default_nettype none
`include "nic_types.svh"
module rcv_segment (
    input  rcv_ctx_t          ctx_i,
    input  rx_desc_t          seg_i,
    input  snd_mirror_t       snd_i,
    output rcv_ctx_t          ctx_o,
    output logic [3:0]        class_o,     // rcv_class_e
    output logic [13:0]       lo_o,
    output logic [13:0]       hi_o,
    output logic              fin_o,       // the peer's FIN was taken
    output logic              reset_o,
    output logic              ack_o,
    output logic              ack_now_o,
    output logic              fwd_o,       // tell the send pipeline
    output logic              wnd_vld_o,
    output logic [31:0]       wnd_o
);
  logic fin, syn, rst, ack;
  logic [31:0] pay, seg_len, seg_end, wnd, start, stop, data_end;
  logic in_window, acceptable, zero_window, new_ack, in_order, update, behind_probe, use_ack;

  assign fin = seg_i.flags[nic_pkg::FlagFin];
  assign syn = seg_i.flags[nic_pkg::FlagSyn];
  assign rst = seg_i.flags[nic_pkg::FlagRst];
  assign ack = seg_i.flags[nic_pkg::FlagAck];

  assign pay      = 32'(seg_i.pay_len);
  assign seg_len  = pay + 32'(fin) + 32'(syn);
  assign data_end = seg_i.seq + pay;
  assign seg_end  = seg_i.seq + seg_len;
  assign wnd      = ctx_i.wnd_end - ctx_i.nxt;

  // Table 6 of RFC 9293: some part of the segment lies inside the window.
  assign in_window  = (seg_i.seq - ctx_i.nxt) < wnd;
  // A segment of length 0 at the very edge counts, too: there stand all ACKs of a peer that has filled the window with a
  // segment lost on the way, and without them our own sending would wait for the hole to close.
  assign acceptable = (seg_len == '0) ? (seg_i.seq - ctx_i.nxt) <= wnd
                    : wnd != '0 && nic_pkg::seq_lt(seg_i.seq, ctx_i.wnd_end) && nic_pkg::seq_lt(ctx_i.nxt, seg_end);
  // With a closed window the ACK of the next expected segment still counts (section 3.10.7.4, MUST-66).
  assign zero_window = (wnd == '0) && (seg_i.seq == ctx_i.nxt);

  assign start    = nic_pkg::seq_max(seg_i.seq, ctx_i.nxt);
  assign stop     = nic_pkg::seq_lt(ctx_i.wnd_end, data_end) ? ctx_i.wnd_end : data_end;
  assign in_order = nic_pkg::seq_leq(seg_i.seq, ctx_i.nxt);

  assign wnd_o   = 32'(seg_i.wnd) << ctx_i.snd_wscale;
  assign new_ack = nic_pkg::seq_lt(ctx_i.ack_fwd, seg_i.ack);
  // SND.WND update rule, on the segment as tailored to the window. Also what repairs a hole has news when it acknowledges
  // more: WL1 may stand ahead of it.
  assign update  = nic_pkg::seq_leq(snd_i.una, seg_i.ack)
                   && (new_ack || nic_pkg::seq_lt(ctx_i.wl1, start) || (ctx_i.wl1 == start && nic_pkg::seq_leq(ctx_i.wl2, seg_i.ack)));
  // A segment without data, one below RCV.NXT, that acknowledges more than was known: its sender has a window probe out that
  // we took, and has not heard so. Were its ACK refused with it (section 3.10.7.4), two ends that probe each other would
  // refuse each other's ACKs for ever.
  assign behind_probe = seg_len == '0 && seg_i.seq + 32'd1 == ctx_i.nxt && ack && new_ack && nic_pkg::seq_leq(seg_i.ack, snd_i.max);

  always @* begin
    ctx_o = ctx_i;
    class_o = RcvPureAck;
    lo_o = '0;
    hi_o = '0;
    fin_o = 1'b0;
    reset_o = 1'b0;
    ack_o = 1'b0;
    ack_now_o = 1'b0;
    fwd_o = 1'b0;
    wnd_vld_o = 1'b0;
    use_ack = 1'b0;

    if (!ctx_i.open) begin
      class_o = RcvDead;
    end else if (rst) begin
      // RFC 5961 section 3.2: exactly at RCV.NXT resets, elsewhere in the window is challenged.
      if (seg_i.seq == ctx_i.nxt) begin
        class_o = RcvReset;
        reset_o = 1'b1;
        fwd_o = 1'b1;
        ctx_o.open = 1'b0;
      end else if (in_window) begin
        class_o = RcvChallenge;
        ack_now_o = 1'b1;
      end else begin
        class_o = RcvDropRst;
      end
    end else if (syn) begin
      class_o = RcvChallenge;              // RFC 5961 section 4.2
      ack_now_o = 1'b1;
    end else if (!acceptable && !zero_window) begin
      class_o = nic_pkg::seq_leq(seg_end, ctx_i.nxt) ? RcvDuplicate : RcvOutOfWindow;
      ack_now_o = 1'b1;
      use_ack = behind_probe;
    end else if (!ack) begin
      class_o = RcvNoAck;
    end else if (nic_pkg::seq_lt(snd_i.max, seg_i.ack)) begin
      class_o = RcvChallenge;              // acknowledges what was never sent: RFC 5961 section 5.2
      ack_now_o = 1'b1;
    end else begin
      use_ack = 1'b1;
      if (seg_len != '0) begin
        if (!acceptable) begin
          class_o = RcvOutOfWindow;
          ack_now_o = 1'b1;
        end else if (ctx_i.fin_done) begin
          class_o = RcvAfterFin;           // a peer that sent FIN has no more to say (section 3.10.7.4, seventh)
          ack_now_o = 1'b1;
        end else if (!in_order) begin
          class_o = RcvOutOfOrder;
          ack_now_o = 1'b1;
        end else begin
          class_o = RcvAccept;
          ack_o = 1'b1;
          lo_o = 14'(seg_i.pay_off) + 14'(start - seg_i.seq);
          hi_o = 14'(seg_i.pay_off) + 14'(stop - seg_i.seq);
          ctx_o.nxt = stop;
          // The FIN has a place in the window like any byte.
          if (fin && stop == data_end && nic_pkg::seq_lt(data_end, ctx_i.wnd_end)) begin
            fin_o = 1'b1;
            ctx_o.fin_done = 1'b1;
            ctx_o.nxt = stop + 32'd1;
          end
        end
      end
    end
    if (use_ack) begin
      if (update) begin
        wnd_vld_o = 1'b1;
        ctx_o.wl1 = start;
        ctx_o.wl2 = seg_i.ack;
        ctx_o.wnd_fwd = wnd_o;
      end
      if (new_ack) ctx_o.ack_fwd = seg_i.ack;
      // What changes nothing and is no duplicate ACK does not enter the send side.
      fwd_o = new_ack || (update && wnd_o != ctx_i.wnd_fwd) || seg_len == '0;
    end
  end
endmodule
`default_nettype wire
