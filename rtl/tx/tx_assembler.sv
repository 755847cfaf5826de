// SPDX-License-Identifier: Apache-2.0
// Descriptors -> frames: reads the payload out of the transmit ring, samples the receive side for the header, sums, and
// sends header and payload as one frame.
//
//     descriptor ->[A0: flow's header, receive mirror read]->[A1: sample; ring reads, one per frame beat]
//                ->[A2: align]->[A3: mask, sum]->[A4: frame sum]-> payload FIFO + header FIFO ->[OUT: merge]-> tx stream
//
// The ring is read where the frame's beats will lie (at seq - header length), so payload needs no second rotation and the
// header is merged into lanes that are zero. A frame starts to leave when its last byte was summed; a beat a cycle, also
// for one-beat frames back to back. Header layout: see rx_parser. Frames are not padded: that is the MAC's.
// A1's first cycle is the *sample*: RCV.NXT and window are read, the ACK bit is cleared, the sent mirror is written.
`default_nettype none
`include "nic_types.svh"
module tx_assembler #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int TxBufBytes = 32768,
    parameter int RxBufBytes = 32768,
    parameter int LgB = $clog2(DataW / 8),
    parameter int LgN = $clog2(NumFlows),
    parameter int AddrW = LgN + $clog2(TxBufBytes) - LgB - 1
) (
    input  wire logic               clk_i,
    input  wire logic               rst_ni,
    input  wire logic [63:0]        now_us_i,
    output logic                    idle_o,
    input  wire logic               desc_valid_i,
    output logic                    desc_ready_o,
    input  tx_desc_t                desc_i,
    // Header store: the host port writes it before a flow's TxOpen.
    input  wire logic               hdr_we_i,
    input  wire logic [LgN-1:0]     hdr_flow_i,
    input  tx_hdr_t                 hdr_i,
    // Receive mirror: written by the receive pipeline, sampled here.
    input  wire logic               rcv_we_i,
    input  wire logic [LgN-1:0]     rcv_flow_i,
    input  rcv_mirror_t             rcv_i,
    // ACK bitvector clear port, in the sample cycle.
    output logic                    clr_valid_o,
    output logic [11:0]             clr_flow_o,
    output logic                    clr_pure_o,
    output logic                    clr_bare_o,      // a header without payload: takes the D-SACK
    input  wire logic               clr_owed_i,
    input  dsack_t                  dsack_i,         // of clr_flow_o
    // Sent mirror write port, in the sample cycle.
    output logic                    sent_we_o,
    output logic [LgN-1:0]          sent_flow_o,
    output sent_mirror_t            sent_o,
    // Transmit ring memory, read port.
    output logic                    ring_re_o,
    output logic [AddrW-1:0]        ring_addr0_o,
    output logic [AddrW-1:0]        ring_addr1_o,
    input  wire logic [DataW-1:0]   ring_rdata0_i,
    input  wire logic [DataW-1:0]   ring_rdata1_i,
    // Transmit status write port and the event that tells of it: behind every read of the ring that came before.
    output logic                    status_we_o,
    output logic                    status_tell_o,   // news to the host; otherwise only the first value of a flow
    output logic [11:0]             status_flow_o,
    output tx_status_t              status_o,
    // Frames.
    output logic                    tx_valid_o,
    input  wire logic               tx_ready_i,
    output logic [DataW-1:0]        tx_data_o,
    output logic [LgB:0]            tx_nbytes_o,
    output logic                    tx_last_o,
    // Statistics: a frame was sampled.
    output logic                    stat_frame_o,
    output logic                    stat_pure_o
);
  localparam int B = DataW / 8;
  localparam int HdrLen = 54;                                   // without options
  localparam int HdrBeats = (HdrLen + B - 1) / B;
  localparam int PayDepth = 32768 / B;                          // two of the largest frames
  localparam int LgPay = $clog2(PayDepth);

  logic unused_options;                    // the options come next
  assign unused_options = ^{now_us_i, dsack_i};

  // --- A0 -----------------------------------------------------------------------------------------------------------
  logic a0_take, a1_valid_q, a1_done;
  tx_desc_t a1_q;
  logic [nic_pkg::TxHdrW-1:0] hdr_bits;
  logic [nic_pkg::RcvMirrorW-1:0] rcv_bits;
  tx_hdr_t hdr;
  rcv_mirror_t rcv;

  assign desc_ready_o = !a1_valid_q || a1_done;
  assign a0_take      = desc_valid_i && desc_ready_o;
  assign hdr          = hdr_bits;
  assign rcv          = rcv_bits;

  ram_1r1w #(.W(nic_pkg::TxHdrW), .Depth(NumFlows)) u_hdr (
      .clk_i(clk_i), .we_i(hdr_we_i), .waddr_i(hdr_flow_i), .wdata_i(hdr_i),
      .re_i(a0_take), .raddr_i(desc_i.flow[LgN-1:0]), .rdata_o(hdr_bits));
  // Read anew in every cycle that A1 waits for room: what is sampled is what stands then, or an ACK would be lost.
  ram_1r1w #(.W(nic_pkg::RcvMirrorW), .Depth(NumFlows)) u_rcv_mirror (
      .clk_i(clk_i), .we_i(rcv_we_i), .waddr_i(rcv_flow_i), .wdata_i(rcv_i),
      .re_i(a0_take || (a1_valid_q && a1_first_q)), .raddr_i(a0_take ? desc_i.flow[LgN-1:0] : a1_q.flow[LgN-1:0]),
      .rdata_o(rcv_bits));
  // What this flow's peer was last told: the sent mirror's other copy.
  logic [nic_pkg::SentMirrorW-1:0] sent_bits;
  sent_mirror_t sent_own;
  assign sent_own = sent_bits;
  ram_1r1w #(.W(nic_pkg::SentMirrorW), .Depth(NumFlows)) u_sent_own (
      .clk_i(clk_i), .we_i(sent_we_o), .waddr_i(sent_flow_o), .wdata_i(sent_o), .re_i(a0_take),
      .raddr_i(desc_i.flow[LgN-1:0]), .rdata_o(sent_bits));

  // --- A1: sample, walk the frame's beats ---------------------------------------------------------------------------
  logic a1_first_q, a1_step, a1_frame, a1_last, a1_room, a1_read, a1_odd, sample, drained;
  logic [10:0] a1_beat_q;
  logic [14:0] a1_total, a1_pos;
  logic [31:0] a1_at;
  logic [LgB-1:0] a1_off;
  logic [LgPay:0] pay_count;
  logic [3:0] hdr_count;
  logic [31:0] wnd_edge, wnd_unit, wnd_room, wnd_gap, wnd_known, wnd_least, wnd_wide, wnd_keep, wnd_offer, wnd_units;
  logic wnd_hold;
  logic [15:0] wnd_field, id_q;
  logic [4:0] flags;

  // What was not sampled yet may turn out not to be owed any more.
  assign a1_frame = (a1_q.kind == TxData) || (a1_q.kind == TxRst) || (a1_q.kind == TxAck && (clr_owed_i || !a1_first_q));
  assign a1_total = 15'(HdrLen) + 15'(a1_q.len);
  assign a1_pos   = 15'({a1_beat_q, {LgB{1'b0}}});
  assign a1_last  = !a1_frame || a1_pos + 15'(B) >= a1_total;
  assign a1_room  = (pay_count < (LgPay + 1)'(PayDepth - 4)) && (hdr_count < 4'd4);
  // A release waits until all frames have left: told before, the slow path's answer to the tuple's next frame would overtake them.
  assign a1_step  = a1_valid_q && (a1_frame ? a1_room : (a1_q.kind != TxRelease || drained));
  assign a1_done  = a1_step && a1_last;
  assign a1_read  = a1_step && a1_frame && a1_q.len != '0 && a1_pos + 15'(B) > 15'(HdrLen);
  assign sample   = a1_step && a1_frame && a1_first_q;

  assign a1_at = a1_q.seq - 32'(HdrLen) + 32'(a1_pos);
  ring_addr #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(TxBufBytes)) u_addr (
      .flow_i(a1_q.flow), .seq_i(a1_at), .addr0_o(ring_addr0_o), .addr1_o(ring_addr1_o), .odd_o(a1_odd),
      .off_o(a1_off));
  assign ring_re_o = a1_read;

  // The window field, in units of our shift, at most 16 bits (RFC 7323 section 2.3). The edge the peer knows stays where it is
  // until it can move by a full segment or half the ring (RFC 9293 section 3.8.6.2.2), and never goes back: an edge that the
  // scale cannot say is rounded up, for which a little is held back. C twin: rcv_sample().
  assign wnd_unit  = (32'd1 << rcv.wscale) - 32'd1;
  assign wnd_room  = rcv.wnd_end - rcv.nxt;
  assign wnd_gap   = sent_own.wnd_end - rcv.nxt;
  assign wnd_known = wnd_gap[31] ? '0 : wnd_gap;
  assign wnd_least = nic_pkg::min32(32'(RxBufBytes / 2), 32'(rcv.mss));
  assign wnd_wide  = wnd_room - wnd_unit;
  assign wnd_keep  = wnd_known + wnd_unit;
  assign wnd_hold  = nic_pkg::seq_lt(wnd_wide - wnd_known, wnd_least);
  assign wnd_offer = !wnd_hold ? wnd_wide : nic_pkg::seq_leq(wnd_keep, wnd_room) ? wnd_keep : wnd_room;
  assign wnd_units = wnd_offer >> rcv.wscale;
  assign wnd_field = (wnd_units > 32'hffff) ? 16'hffff : wnd_units[15:0];
  assign wnd_edge  = rcv.nxt + (32'(wnd_field) << rcv.wscale);

  assign clr_valid_o = sample;
  assign clr_flow_o  = a1_q.flow;
  assign clr_pure_o  = (a1_q.kind == TxAck);
  assign clr_bare_o  = (a1_q.len == '0);
  assign sent_we_o   = sample || (a1_step && a1_q.kind == TxOpen);
  assign sent_flow_o = a1_q.flow[LgN-1:0];
  always @* begin
    sent_o         = '0;
    sent_o.ack     = (a1_q.kind == TxOpen) ? a1_q.seq : rcv.nxt;
    sent_o.wnd_end = (a1_q.kind == TxOpen) ? a1_q.seq + nic_pkg::min32(32'(RxBufBytes), 32'd65535) : wnd_edge;
  end

  always @* begin
    flags = '0;
    flags[nic_pkg::FlagAck] = 1'b1;
    flags[nic_pkg::FlagFin] = (a1_q.kind == TxData) && a1_q.fin;
    flags[nic_pkg::FlagPsh] = (a1_q.kind == TxData) && a1_q.psh;
    flags[nic_pkg::FlagRst] = (a1_q.kind == TxRst);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      a1_valid_q <= 1'b0;
      id_q       <= '0;
    end else begin
      if (a0_take) a1_valid_q <= 1'b1;
      else if (a1_done) a1_valid_q <= 1'b0;
      if (sample) id_q <= id_q + 16'd1;
    end
    if (a0_take) begin
      a1_q       <= desc_i;
      a1_beat_q  <= '0;
      a1_first_q <= 1'b1;
    end else if (a1_step) begin
      a1_beat_q  <= a1_beat_q + 11'd1;
      a1_first_q <= 1'b0;
    end
  end

  // Told when the descriptor has made its last read: the host cannot refill what is still to be read.
  always_ff @(posedge clk_i) begin
    status_we_o <= rst_ni && a1_done && (a1_q.tell || a1_q.kind == TxOpen || a1_q.kind == TxRelease);
    if (a1_done) begin
      status_tell_o      <= (a1_q.kind != TxOpen);
      status_flow_o      <= a1_q.flow;
      status_o.freed     <= a1_q.una;
      status_o.fin_acked <= a1_q.fin_acked;
      status_o.timed_out <= a1_q.timed_out;
      status_o.tx_released <= (a1_q.kind == TxRelease);
    end
  end

  // --- A2: align; the header's own sums -----------------------------------------------------------------------------
  // One item per frame beat; the header fields travel with the frame's first beat and stay in A2's registers.
  logic a2_valid_q, a2_last_q, a2_first_q, a2_read_q, a2_odd_q;
  logic [LgB-1:0] a2_off_q;
  logic [LgB:0] a2_lo_q, a2_hi_q;
  tx_hdr_t a2_hdr_q;
  logic [31:0] a2_seq_q, a2_ack_q;
  logic [15:0] a2_wnd_q, a2_id_q;
  logic [13:0] a2_len_q;
  logic [4:0] a2_flags_q;
  logic [DataW-1:0] aligned;

  always_ff @(posedge clk_i) begin
    a2_valid_q <= rst_ni && a1_step && a1_frame;
    if (a1_step && a1_frame) begin
      a2_last_q  <= a1_last;
      a2_first_q <= a1_first_q;
      a2_read_q  <= a1_read;
      a2_odd_q   <= a1_odd;
      a2_off_q   <= a1_off;
      a2_lo_q    <= (a1_pos >= 15'(HdrLen)) ? '0
                  : (15'(HdrLen) - a1_pos >= 15'(B)) ? (LgB + 1)'(B) : (LgB + 1)'(15'(HdrLen) - a1_pos);
      a2_hi_q    <= (a1_total - a1_pos >= 15'(B)) ? (LgB + 1)'(B) : (LgB + 1)'(a1_total - a1_pos);
      if (a1_first_q) begin
        a2_hdr_q   <= hdr;
        a2_seq_q   <= a1_q.seq;
        a2_ack_q   <= rcv.nxt;
        a2_wnd_q   <= wnd_field;
        a2_id_q    <= id_q;
        a2_len_q   <= a1_q.len;
        a2_flags_q <= flags;
      end
    end
  end

  ring_align #(.DataW(DataW)) u_align (
      .rdata0_i(ring_rdata0_i), .rdata1_i(ring_rdata1_i), .odd_i(a2_odd_q), .off_i(a2_off_q), .data_o(aligned));

  logic [15:0] ip_len, ip_fold;
  logic [39:0] ip_sum, tcp_sum;
  assign ip_fold = nic_pkg::csum_fold(ip_sum);
  assign ip_len  = 16'd40 + 16'(a2_len_q);
  assign ip_sum  = 40'h4500 + 40'(ip_len) + 40'(a2_id_q) + 40'h4000 + 40'h4006 + 40'(a2_hdr_q.local_ip) + 40'(a2_hdr_q.remote_ip);
  assign tcp_sum = 40'd6 + 40'd20 + 40'(a2_len_q) + 40'(a2_hdr_q.local_ip) + 40'(a2_hdr_q.remote_ip)
                 + 40'({a2_hdr_q.local_port, a2_hdr_q.remote_port}) + 40'(a2_seq_q) + 40'(a2_ack_q)
                 + 40'({4'd5, 7'd0, a2_flags_q, a2_wnd_q});

  // --- A3: mask, sum ------------------------------------------------------------------------------------------------
  logic a3_valid_q, a3_last_q, a3_first_q, a3_read_q;
  logic [LgB:0] a3_lo_q, a3_hi_q;
  logic [DataW-1:0] a3_data_q, masked;
  logic [39:0] beat_sum;

  always_ff @(posedge clk_i) begin
    a3_valid_q <= rst_ni && a2_valid_q;
    if (a2_valid_q) begin
      a3_last_q  <= a2_last_q;
      a3_first_q <= a2_first_q;
      a3_read_q  <= a2_read_q;
      a3_lo_q    <= a2_lo_q;
      a3_hi_q    <= a2_hi_q;
      if (a2_read_q) a3_data_q <= aligned;
    end
  end

  csum_beat #(.DataW(DataW)) u_sum (
      .data_i(a3_data_q), .lo_i(a3_lo_q), .hi_i(a3_hi_q), .data_o(masked), .sum_o(beat_sum));

  // --- A4: frame sum, then header -----------------------------------------------------------------------------------
  // The header's fields as they were at the frame's last beat: A2 may already hold the next frame's.
  logic a4_valid_q, a4_last_q, a4_first_q;
  logic [39:0] a4_sum_q, acc_q, acc;
  tx_hdr_t a3_hdr_q, a4_hdr_q;
  logic [31:0] a3_seq_q, a3_ack_q, a4_seq_q, a4_ack_q;
  logic [15:0] a3_wnd_q, a3_id_q, a3_ipcs_q, a3_tcpcs_q, a4_wnd_q, a4_id_q, a4_ipcs_q, a4_tcpcs_q;
  logic [13:0] a3_len_q, a4_len_q;
  logic [4:0] a3_flags_q, a4_flags_q;

  always_ff @(posedge clk_i) begin
    a4_valid_q <= rst_ni && a3_valid_q;
    if (a2_valid_q && a2_last_q) begin
      a3_hdr_q   <= a2_hdr_q;
      a3_seq_q   <= a2_seq_q;
      a3_ack_q   <= a2_ack_q;
      a3_wnd_q   <= a2_wnd_q;
      a3_id_q    <= a2_id_q;
      a3_len_q   <= a2_len_q;
      a3_flags_q <= a2_flags_q;
      a3_ipcs_q  <= ~ip_fold;
      a3_tcpcs_q <= nic_pkg::csum_fold(tcp_sum);
    end
    if (a3_valid_q) begin
      a4_last_q  <= a3_last_q;
      a4_first_q <= a3_first_q;
      a4_sum_q   <= a3_read_q ? beat_sum : '0;
    end
    if (a3_valid_q && a3_last_q) begin
      a4_hdr_q   <= a3_hdr_q;
      a4_seq_q   <= a3_seq_q;
      a4_ack_q   <= a3_ack_q;
      a4_wnd_q   <= a3_wnd_q;
      a4_id_q    <= a3_id_q;
      a4_len_q   <= a3_len_q;
      a4_flags_q <= a3_flags_q;
      a4_ipcs_q  <= a3_ipcs_q;
      a4_tcpcs_q <= a3_tcpcs_q;
    end
    if (a4_valid_q) acc_q <= acc;
  end
  assign acc = (a4_first_q ? 40'd0 : acc_q) + {24'd0, nic_pkg::csum_fold(a4_sum_q)};

  // Lanes hold bytes in wire order, so the payload's sum is byte-swapped against the header's.
  logic [15:0] pay_sum, tcp_fold, tcp_csum;
  logic [39:0] tcp_total;
  assign pay_sum   = nic_pkg::csum_fold(acc);
  assign tcp_total = 40'(a4_tcpcs_q) + {24'd0, pay_sum[7:0], pay_sum[15:8]};
  assign tcp_fold  = nic_pkg::csum_fold(tcp_total);
  assign tcp_csum  = ~tcp_fold;

  logic [8*HdrLen-1:0] hdr_wire;
  assign hdr_wire = {
      16'd0,
      nic_pkg::swap16(tcp_csum), nic_pkg::swap16(a4_wnd_q), {3'd0, a4_flags_q}, 8'h50,
      nic_pkg::swap32(a4_ack_q), nic_pkg::swap32(a4_seq_q),
      nic_pkg::swap16(a4_hdr_q.remote_port), nic_pkg::swap16(a4_hdr_q.local_port),
      nic_pkg::swap32(a4_hdr_q.remote_ip), nic_pkg::swap32(a4_hdr_q.local_ip),
      nic_pkg::swap16(a4_ipcs_q), 8'd6, 8'd64, 16'h0040, nic_pkg::swap16(a4_id_q),
      nic_pkg::swap16(16'd40 + 16'(a4_len_q)), 16'h0045,
      16'h0008, nic_pkg::swap48(a4_hdr_q.local_mac), nic_pkg::swap48(a4_hdr_q.remote_mac)};

  logic pay_in_ready, hdr_in_ready, pay_valid, pay_pop, hdr_valid, hdr_pop;
  logic [DataW-1:0] pay_data;
  logic [8*HdrLen-1:0] out_hdr;
  logic [13:0] out_len;
  fifo #(.W(DataW), .Depth(PayDepth)) u_pay (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(a3_valid_q && a3_read_q), .ready_o(pay_in_ready), .data_i(masked),
      .valid_o(pay_valid), .ready_i(pay_pop), .data_o(pay_data), .count_o(pay_count));
  fifo #(.W(8 * HdrLen + 14), .Depth(8)) u_hdrs (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(a4_valid_q && a4_last_q), .ready_o(hdr_in_ready),
      .data_i({hdr_wire, a4_len_q}), .valid_o(hdr_valid), .ready_i(hdr_pop), .data_o({out_hdr, out_len}),
      .count_o(hdr_count));

  // --- OUT: merge ---------------------------------------------------------------------------------------------------
  logic en, out_read, out_last;
  logic [10:0] out_beat_q;
  logic [14:0] out_total, out_pos;
  logic [DataW-1:0] hdr_lanes;

  assign en        = !tx_valid_o || tx_ready_i;
  assign out_total = 15'(HdrLen) + 15'(out_len);
  assign out_pos   = 15'({out_beat_q, {LgB{1'b0}}});
  assign out_last  = (out_pos + 15'(B) >= out_total);
  assign out_read  = (out_len != '0) && (out_pos + 15'(B) > 15'(HdrLen));
  assign pay_pop   = en && hdr_valid && out_read;
  assign hdr_pop   = en && hdr_valid && out_last;

  always @* begin
    hdr_lanes = '0;
    for (int i = 0; i < HdrBeats; i++)
      if (out_beat_q == 11'(i)) hdr_lanes = DataW'({{(HdrBeats * DataW - 8 * HdrLen){1'b0}}, out_hdr} >> (DataW * i));
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tx_valid_o <= 1'b0;
      out_beat_q <= '0;
    end else if (en) begin
      tx_valid_o <= hdr_valid;
      if (hdr_valid) out_beat_q <= out_last ? '0 : out_beat_q + 11'd1;
    end
    if (en && hdr_valid) begin
      tx_data_o   <= out_read ? (pay_data | hdr_lanes) : hdr_lanes;
      tx_nbytes_o <= out_last ? (LgB + 1)'(out_total - out_pos) : (LgB + 1)'(B);
      tx_last_o   <= out_last;
    end
  end

  assign drained = !a2_valid_q && !a3_valid_q && !a4_valid_q && !hdr_valid && !tx_valid_o;
  assign idle_o  = !desc_valid_i && !a1_valid_q && drained && !status_we_o;
  assign stat_frame_o = sample;
  assign stat_pure_o  = sample && a1_q.len == '0;

  always @(posedge clk_i) begin
    if (rst_ni) begin
      assert(!(a3_valid_q && a3_read_q) || pay_in_ready);
      assert(!(a4_valid_q && a4_last_q) || hdr_in_ready);
      assert(!pay_pop || pay_valid);
    end
  end
endmodule
`default_nettype wire
