// SPDX-License-Identifier: Apache-2.0
// The receive pipeline's step for one segment of a flow (RFC 9293 section 3.10.7.4, 5961, 7323, 2018, 2883, 5681); combinational.
// The C twin is rcv_segment() in dpi/tcp/core.
//
//   context ---+-> place against the window, time stamp, RST, SYN, ACK -> class -+-> next context
//   segment ---+-> intervals: touch, cover, join, duplicate ---------------------+-> bytes, ACK, news for the send side
//   mirrors ---+-> window update, what is not acknowledged yet ------------------+
//
//   In: context, segment, what the send pipeline published (una, max), what the peer was last told, time.
//   Out: next context and what is to be done. Frame bytes [lo, hi) go to the ring, at their sequence numbers; they lie inside
//   RCV.NXT .. the right edge. ack: an ACK is owed; ack_now: one that must not merge with others (RFC 5681 section 3.2).
`default_nettype none
`include "nic_types.svh"
module rcv_segment (
    input  wire logic         en_i,        // there is a segment: else nothing is asked, and nothing is done
    input  rcv_ctx_t          ctx_i,
    input  rx_desc_t          seg_i,
    input  snd_mirror_t       snd_i,
    input  sent_mirror_t      sent_i,
    input  wire logic [63:0]  now_us_i,
    output rcv_ctx_t          ctx_o,
    output logic [3:0]        class_o,     // rcv_class_e
    output logic [13:0]       lo_o,
    output logic [13:0]       hi_o,
    output logic              tell_o,      // the host: RCV.NXT moved, or the peer reset
    output logic              reset_o,
    output logic              ack_o,
    output logic              ack_now_o,
    output dsack_t            dup_o,       // bytes that came twice: to be reported
    output logic              fwd_o,       // tell the send pipeline
    output logic              wnd_vld_o,
    output logic [31:0]       wnd_o,
    output logic              ts_vld_o     // with the echo of our time stamp
);
  logic fin, syn, rst, ack, empty, in_window, acceptable, zero_window, in_order, ts_missing, ts_old, ts_learn;
  logic new_ack, update, behind_edge, ack_beyond, ack_ancient;
  logic [31:0] pay, seg_end, wnd, start, stop, data_end, ts_idle, ack_oldest;
  logic [2:0] iv_n, held_n;
  logic [255:0] ooo, iv_list, held;
  logic iv_full, iv_held, iv_dup;
  logic [31:0] iv_edge, iv_dup_start, iv_dup_stop;
  logic fin_fits, fin_next, full_two, gap, live, heard, use_ack, taken, text, challenge, put;
  logic [15:0] seg_max, period;
  logic [7:0] chal_n;

  // All under `en_i`, so that a simulator has nothing to do in a cycle without a segment.
  always @* begin
    {fin, syn, rst, ack, empty, in_window, acceptable, zero_window, in_order, ts_missing, ts_old, ts_learn} = 'x;
    {new_ack, update, behind_edge, ack_beyond, ack_ancient} = 'x;
    {pay, seg_end, wnd, start, stop, data_end, ts_idle, ack_oldest, wnd_o, ooo} = 'x;
    if (en_i) begin
      // --- where it lies ------------------------------------------------------------------------------------------------
      fin = seg_i.flags[nic_pkg::FlagFin];
      syn = seg_i.flags[nic_pkg::FlagSyn];
      rst = seg_i.flags[nic_pkg::FlagRst];
      ack = seg_i.flags[nic_pkg::FlagAck];

      pay      = 32'(seg_i.pay_len);
      empty    = (pay == '0) && !fin;
      data_end = seg_i.seq + pay;
      seg_end  = data_end + 32'(fin);
      wnd      = ctx_i.wnd_end - ctx_i.nxt;

      // Table 6 of RFC 9293: some part of the segment lies inside the window.
      in_window  = (seg_i.seq - ctx_i.nxt) < wnd;
      // A segment of length 0 at the very edge counts, too: there stand all ACKs of a peer that has filled the window with a
      // segment lost on the way, and without them our own sending would wait for the hole to close.
      acceptable = empty ? (seg_i.seq - ctx_i.nxt) <= wnd
                 : wnd != '0 && nic_pkg::seq_lt(seg_i.seq, ctx_i.wnd_end) && nic_pkg::seq_lt(ctx_i.nxt, seg_end);
      // With a closed window the ACK of the next expected segment still counts (section 3.10.7.4, MUST-66).
      zero_window = (wnd == '0) && (seg_i.seq == ctx_i.nxt);

      start    = nic_pkg::seq_max(seg_i.seq, ctx_i.nxt);
      stop     = nic_pkg::seq_lt(ctx_i.wnd_end, data_end) ? ctx_i.wnd_end : data_end;
      in_order = nic_pkg::seq_leq(seg_i.seq, ctx_i.nxt);
      ooo      = {ctx_i.ooo3_start, ctx_i.ooo3_end, ctx_i.ooo2_start, ctx_i.ooo2_end, ctx_i.ooo1_start, ctx_i.ooo1_end,
                  ctx_i.ooo0_start, ctx_i.ooo0_end};

      // --- time stamp (RFC 7323) ----------------------------------------------------------------------------------------
      ts_idle    = now_us_i[51:20] - ctx_i.ts_age;
      ts_missing = ctx_i.ts_ok && !seg_i.has_ts && !syn;          // section 3.2; but any SYN is challenged (RFC 5961 section 4)
      ts_old     = ctx_i.ts_ok && seg_i.has_ts && nic_pkg::seq_lt(seg_i.tsval, ctx_i.ts_recent)
                   && ts_idle <= 32'(nic_pkg::PawsIdlePeriods);                           // section 5.3, R1; 5.5
      ts_learn   = ctx_i.ts_ok && seg_i.has_ts && !nic_pkg::seq_lt(sent_i.ack, seg_i.seq); // section 4.3; R3

      // --- its ACK ------------------------------------------------------------------------------------------------------
      wnd_o   = 32'(seg_i.wnd) << ctx_i.snd_wscale;
      new_ack = nic_pkg::seq_lt(ctx_i.ack_fwd, seg_i.ack);
      // SND.WND update rule, on the segment as tailored to the window. Also what repairs a hole has news when it acknowledges
      // more: WL1 may stand ahead of it. In the place of SND.UNA and SND.WL2 the highest ACK that was forwarded, which may be on
      // its way still.
      update  = new_ack || (ctx_i.ack_fwd == seg_i.ack && nic_pkg::seq_leq(ctx_i.wl1, start));
      // RFC 5961 section 5.2: of what was never sent, or from further back than any window (of which MAX.SND.WND may be the
      // largest there can be: RFC 9293 section 3.10.7.4).
      ack_oldest  = snd_i.una - (32'h0000ffff << ctx_i.snd_wscale);
      ack_beyond  = nic_pkg::seq_lt(snd_i.max, seg_i.ack);
      ack_ancient = nic_pkg::seq_lt(seg_i.ack, ack_oldest);
      // A segment without data, right below RCV.NXT, that acknowledges more than was known: its sender stands at the edge that it
      // knows, has a byte out behind that, a window probe, or those by which our scale took the edge back (RFC 7323 section 2.4),
      // and has not heard that we took them. Were its ACK refused with it (section 3.10.7.4), two ends of which each stands so
      // would refuse each other's ACKs for ever.
      behind_edge = empty && ctx_i.nxt - seg_i.seq - 32'd1 < (32'd1 << ctx_i.rcv_wscale) && ack && new_ack && !ack_beyond;
    end
  end

  // --- what is held out of order ------------------------------------------------------------------------------------
  rx_intervals u_intervals (
      .en_i(en_i), .n_i(ctx_i.ooo_n),
      .list_i(ooo), .join_i(in_order), .start_i(start), .stop_i(stop), .n_o(iv_n), .list_o(iv_list), .full_o(iv_full), .held_o(iv_held),
      .edge_o(iv_edge), .dup_from_i(seg_i.seq), .dup_to_i(data_end), .dup_o(iv_dup), .dup_start_o(iv_dup_start),
      .dup_stop_o(iv_dup_stop));

  always @* begin
    {fin_fits, fin_next, full_two, gap, live, heard, use_ack, taken, text, challenge, put} = 'x;
    {seg_max, period, chal_n, held_n, held} = 'x;
    ctx_o     = 'x;
    class_o   = 'x;
    lo_o      = '0;
    hi_o      = '0;
    tell_o    = 1'b0;
    reset_o   = 1'b0;
    ack_o     = 1'b0;
    ack_now_o = 1'b0;
    dup_o     = '0;
    fwd_o     = 1'b0;
    wnd_vld_o = 1'b0;
    ts_vld_o  = 1'b0;
    if (en_i) begin
      // --- FIN, and when an ACK is due ----------------------------------------------------------------------------------
      // The FIN has a place in the window like any byte; it counts once everything before it is there.
      fin_fits = fin && nic_pkg::seq_lt(data_end, ctx_i.wnd_end);
      fin_next = fin_fits ? data_end == iv_edge : ctx_i.fin_vld && ctx_i.fin_seq == iv_edge;
      // Every second full segment at once, the rest within 40 ms (RFC 1122 section 4.2.3.2, RFC 5681 section 4.2). What is full is
      // learnt from the largest seen.
      gap      = (ctx_i.ooo_n != '0);
      seg_max  = (16'(seg_i.pay_len) > ctx_i.seg_max) ? 16'(seg_i.pay_len) : ctx_i.seg_max;
      full_two = (iv_edge - sent_i.ack) >= 32'({seg_max, 1'b0});

      // --- what becomes of it -------------------------------------------------------------------------------------------
      period = now_us_i[35:20];
      chal_n = (ctx_i.chal_period == period) ? ctx_i.chal_n : '0;

      class_o   = RcvPureAck;
      heard     = 1'b0;                      // acceptable, and so is its ACK
      challenge = 1'b0;
      live      = ctx_i.open;
      if (!live) begin
        class_o = RcvDead;
      end else if (!rst && ts_missing) begin
        class_o = RcvNoTimestamp;
      end else if (!rst && ts_old) begin
        class_o = RcvPaws;
      end else if (rst) begin
        // RFC 5961 section 3.2: exactly at RCV.NXT resets, elsewhere in the window is challenged.
        reset_o   = (seg_i.seq == ctx_i.nxt);
        challenge = !reset_o && in_window;
        class_o   = RcvDropRst;
        if (reset_o) class_o = RcvReset;
        if (challenge) class_o = RcvChallenge;
      end else if (syn) begin
        class_o   = RcvChallenge;            // RFC 5961 section 4.2
        challenge = 1'b1;
      end else if (!acceptable && !zero_window) begin
        class_o = RcvOutOfWindow;
        if (nic_pkg::seq_leq(seg_end, ctx_i.nxt)) class_o = RcvDuplicate;
      end else if (!ack) begin
        class_o = RcvNoAck;
      end else if (ack_beyond || ack_ancient) begin
        class_o   = RcvChallenge;            // RFC 5961 section 5.2
        challenge = 1'b1;
      end else begin
        heard = 1'b1;
        if (empty) class_o = RcvPureAck;
        else if (!acceptable) class_o = RcvOutOfWindow;
        else if (ctx_i.fin_done) class_o = RcvAfterFin;   // who sent FIN has no more to say (section 3.10.7.4, seventh)
        else if (in_order) class_o = RcvAccept;
        else if (pay != '0 && iv_full) class_o = RcvNoInterval;   // nothing is evicted
        else class_o = RcvOutOfOrder;
      end

      text    = heard && !empty && acceptable && !ctx_i.fin_done;
      taken   = text && in_order;
      put     = text && !in_order && pay != '0 && !iv_full;
      use_ack = heard || (class_o == RcvDuplicate && behind_edge);

      // RFC 2883 section 4: the part that was there before, below RCV.NXT or in an interval.
      if (ctx_i.sack_ok && pay != '0 && (text || class_o == RcvDuplicate)) begin
        if (nic_pkg::seq_lt(seg_i.seq, ctx_i.nxt)) begin
          dup_o.vld   = 1'b1;
          dup_o.start = seg_i.seq;
          dup_o.stop  = nic_pkg::seq_lt(data_end, ctx_i.nxt) ? data_end : ctx_i.nxt;
        end else begin
          dup_o.vld   = iv_dup;
          dup_o.start = iv_dup_start;
          dup_o.stop  = iv_dup_stop;
        end
      end

      // RFC 5681 section 4.2: at once when it leaves or fills a gap; RFC 9293 section 3.10.7.4: for what is refused.
      ack_now_o = challenge ? chal_n < 8'(nic_pkg::Challenges)
                : class_o == RcvPaws || class_o == RcvDuplicate || class_o == RcvOutOfWindow || class_o == RcvAfterFin
                  || class_o == RcvOutOfOrder || class_o == RcvNoInterval;
      ack_o     = (taken && (gap || fin_next || full_two)) || dup_o.vld && text;
      tell_o    = taken || reset_o;
      wnd_vld_o = use_ack && update;
      ts_vld_o  = heard && ctx_i.ts_ok && seg_i.has_ts;
      // What changes nothing and is no duplicate ACK does not enter the send side.
      fwd_o     = reset_o || (use_ack && (new_ack || (update && wnd_o != ctx_i.wnd_fwd) || empty || seg_i.n_sack != '0
                                          || ctx_i.wnd_fwd == '0));   // each sign of life counts where probes are out (section 3.8.6.1)

      lo_o = '0;
      hi_o = '0;
      if (taken || (put && !iv_held)) begin
        lo_o = 14'(seg_i.pay_off) + 14'(start - seg_i.seq);
        hi_o = 14'(seg_i.pay_off) + 14'(stop - seg_i.seq);
      end

      // What a peer sent beyond its own FIN is nobody's.
      held_n = (taken && fin_next) ? '0 : iv_n;
      held   = (taken && fin_next) ? '0 : iv_list;

      ctx_o = ctx_i;
      if (reset_o) begin
        ctx_o.open       = 1'b0;
        ctx_o.delack_vld = 1'b0;
      end
      if (challenge) begin
        ctx_o.chal_period = period;
        ctx_o.chal_n      = chal_n + 8'(ack_now_o);
      end
      if (heard && ts_learn) begin
        ctx_o.ts_recent = seg_i.tsval;       // not older: PAWS has passed it
        ctx_o.ts_age    = now_us_i[51:20];
      end
      if (wnd_vld_o) begin
        ctx_o.wl1     = start;
        ctx_o.wnd_fwd = wnd_o;
      end
      if (use_ack && new_ack) ctx_o.ack_fwd = seg_i.ack;
      if (text && fin_fits) begin
        ctx_o.fin_vld = 1'b1;
        ctx_o.fin_seq = data_end;
      end
      if (taken || put) begin
        ctx_o.ooo_n      = held_n;
        ctx_o.ooo0_start = held[63:32];
        ctx_o.ooo0_end   = held[31:0];
        ctx_o.ooo1_start = held[127:96];
        ctx_o.ooo1_end   = held[95:64];
        ctx_o.ooo2_start = held[191:160];
        ctx_o.ooo2_end   = held[159:128];
        ctx_o.ooo3_start = held[255:224];
        ctx_o.ooo3_end   = held[223:192];
      end
      if (taken) begin
        ctx_o.nxt = iv_edge + 32'(fin_next);
        if (fin_next) begin
          ctx_o.fin_done = 1'b1;
          ctx_o.fin_vld  = 1'b0;
          ctx_o.fin_seq  = '0;
        end
        if (!gap) begin
          ctx_o.seg_max = seg_max;
          // A new wait begins where all before was acknowledged; it is not put off by what comes during it.
          if (!fin_next && !full_two && (!ctx_i.delack_vld || sent_i.ack == ctx_i.nxt)) begin
            ctx_o.delack_vld = 1'b1;
            ctx_o.delack_us  = now_us_i + 64'(nic_pkg::DelackUs);
          end
        end
      end
    end
  end
endmodule
`default_nettype wire
