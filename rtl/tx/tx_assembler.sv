// SPDX-License-Identifier: Apache-2.0
// Descriptors -> frames: reads the payload out of the transmit ring, samples the receive side for the header, sums, and
// sends header and payload as one frame.
//
//     descriptor ->[A0: stores read; ring reads, one per payload beat]->[A1: sample]->[A2: checksum]-> merge -> tx stream
//                                          \ rcv_sample.sv, tx_header.sv (A1, A2), tx_payload.sv (A0..A2), tx_merge.sv
//
// The ring is read where the frame's beats will lie (at seq - header length), so payload needs no second rotation. How long a
// header with payload is, is known before the sample: SACK blocks go only into headers without. A frame starts to leave when
// its last byte was summed: 3 cycles after its descriptor, and one for each payload beat beyond the first; a beat a cycle,
// also for one-beat frames back to back. Frames are not padded: that is the MAC's.
// A1 of a descriptor's first step is the *sample*: RCV.NXT, window, time stamp and SACK blocks are read, the ACK bit is
// cleared, the D-SACK taken, the sent mirror written. A descriptor waits for room before A0, so what is sampled is current.
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
  localparam int HdrMax = 94;

  // --- A0: walk the beats that have payload; others have one step ---------------------------------------------------
  logic a0_step, a0_first_q, a0_last, a0_frame, a0_read, a0_odd, room, drained, a1_valid_q, a2_end_q, merge_idle;
  logic [6:0] a0_hdr_len;
  logic [14:0] a0_total, a0_pos, a0_pos_q;
  logic [31:0] a0_at;
  logic [LgB-1:0] a0_off;
  logic [LgB:0] a0_lo, a0_hi;
  logic a0_ts;
  logic ts_mem [0:NumFlows-1];             // time stamps agreed upon; constant while a flow has payload

  // A release waits until all frames have left: told before, the slow path's answer to the tuple's next frame would overtake them.
  assign drained    = !a1_valid_q && !a2_end_q && merge_idle;
  always @* begin
    a0_step = 1'b0;
    a0_read = 1'b0;
    {a0_frame, a0_ts, a0_hdr_len, a0_total, a0_pos, a0_last, a0_lo, a0_hi, a0_at} = 'x;
    if (desc_valid_i) begin
      a0_frame   = (desc_i.kind == TxData) || (desc_i.kind == TxRst) || (desc_i.kind == TxAck);
      a0_step    = a0_frame ? room : (desc_i.kind != TxRelease || drained);
      a0_read    = a0_step && desc_i.len != '0;
      a0_ts      = ts_mem[desc_i.flow[LgN-1:0]];
      a0_hdr_len = a0_ts ? 7'd66 : 7'd54;
      a0_total   = 15'(a0_hdr_len) + 15'(desc_i.len);
      a0_pos     = a0_first_q ? a0_ts ? 15'(66 / B * B) : 15'(54 / B * B) : a0_pos_q;
      a0_last    = desc_i.len == '0 || a0_pos + 15'(B) >= a0_total;
      a0_lo      = a0_first_q ? {1'b0, LgB'(a0_hdr_len)} : '0;
      a0_hi      = a0_last ? (LgB + 1)'(a0_total - a0_pos) : (LgB + 1)'(B);
      a0_at      = desc_i.seq - 32'(a0_hdr_len) + 32'(a0_pos);
    end
  end
  assign desc_ready_o = a0_step && a0_last;
  assign ring_re_o    = a0_read;

  ring_addr #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(TxBufBytes)) u_addr (
      .flow_i(desc_i.flow), .seq_i(a0_at), .addr0_o(ring_addr0_o), .addr1_o(ring_addr1_o), .odd_o(a0_odd), .off_o(a0_off));

  logic [nic_pkg::TxHdrW-1:0] hdr_bits;
  logic [nic_pkg::RcvMirrorW-1:0] rcv_bits;
  logic [nic_pkg::SentMirrorW-1:0] sent_bits;
  tx_hdr_t hdr;
  rcv_mirror_t rcv;
  sent_mirror_t sent_own;                  // what this flow's peer was last told: the sent mirror's other copy
  logic a0_look;
  assign hdr      = hdr_bits;
  assign rcv      = rcv_bits;
  assign sent_own = sent_bits;
  assign a0_look  = a0_step && a0_first_q;

  ram_1r1w #(.W(nic_pkg::TxHdrW), .Depth(NumFlows)) u_hdr (
      .clk_i(clk_i), .we_i(hdr_we_i), .waddr_i(hdr_flow_i), .wdata_i(hdr_i),
      .re_i(a0_look), .raddr_i(desc_i.flow[LgN-1:0]), .rdata_o(hdr_bits));
  ram_1r1w #(.W(nic_pkg::RcvMirrorW), .Depth(NumFlows)) u_rcv_mirror (
      .clk_i(clk_i), .we_i(rcv_we_i), .waddr_i(rcv_flow_i), .wdata_i(rcv_i),
      .re_i(a0_look), .raddr_i(desc_i.flow[LgN-1:0]), .rdata_o(rcv_bits));
  ram_1r1w #(.W(nic_pkg::SentMirrorW), .Depth(NumFlows)) u_sent_own (
      .clk_i(clk_i), .we_i(sent_we_o), .waddr_i(sent_flow_o), .wdata_i(sent_o),
      .re_i(a0_look), .raddr_i(desc_i.flow[LgN-1:0]), .rdata_o(sent_bits));

  // --- A1: sample ---------------------------------------------------------------------------------------------------
  logic a1_first_q, a1_last_q, a1_ts_q, a1_frame, sample;
  tx_desc_t a1_q;
  logic [31:0] wnd_edge;
  logic [15:0] wnd_field, id_q;
  logic [2:0] n_sack;
  logic [255:0] blocks;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      a0_first_q <= 1'b1;
      a1_valid_q <= 1'b0;
      a2_end_q   <= 1'b0;
      id_q       <= '0;
    end else begin
      if (a0_step) a0_first_q <= a0_last;
      a1_valid_q <= a0_step;
      a2_end_q   <= a1_valid_q && a1_last_q && a1_frame;
      if (sample) id_q <= id_q + 16'd1;
    end
    if (a0_step) begin
      a0_pos_q   <= a0_pos + 15'(B);
      a1_first_q <= a0_first_q;
      a1_last_q  <= a0_last;
      a1_ts_q    <= a0_ts;
      a1_q       <= desc_i;
    end
    if (rcv_we_i) ts_mem[rcv_flow_i] <= rcv_i.ts_ok;
  end

  // A pure ACK may turn out not to be owed any more.
  assign a1_frame = (a1_q.kind == TxData) || (a1_q.kind == TxRst) || (a1_q.kind == TxAck && clr_owed_i);
  assign sample   = a1_valid_q && a1_first_q && a1_frame;

  assign clr_valid_o = sample;
  assign clr_flow_o  = a1_q.flow;
  assign clr_pure_o  = (a1_q.kind == TxAck);
  assign clr_bare_o  = (a1_q.len == '0);
  rcv_sample #(.RxBufBytes(RxBufBytes)) u_sample (
      .en_i(sample), .rcv_i(rcv), .sent_i(sent_own), .dsack_i(dsack_i), .bare_i(clr_bare_o), .wnd_o(wnd_field),
      .wnd_end_o(wnd_edge), .n_sack_o(n_sack), .blocks_o(blocks));

  assign sent_we_o   = sample || (a1_valid_q && a1_q.kind == TxOpen);
  assign sent_flow_o = a1_q.flow[LgN-1:0];
  always @* begin
    sent_o = 'x;
    if (sent_we_o) begin
      sent_o.ack     = (a1_q.kind == TxOpen) ? a1_q.seq : rcv.nxt;
      sent_o.wnd_end = (a1_q.kind == TxOpen) ? a1_q.seq + nic_pkg::min32(32'(RxBufBytes), 32'd65535) : wnd_edge;
    end
  end

  // Told when the descriptor has made its last read: the host cannot refill what is still to be read.
  always_ff @(posedge clk_i) begin
    status_we_o <= rst_ni && a1_valid_q && a1_last_q && (a1_q.tell || a1_q.kind == TxOpen || a1_q.kind == TxRelease);
    if (a1_valid_q) begin
      status_tell_o        <= (a1_q.kind != TxOpen);
      status_flow_o        <= a1_q.flow;
      status_o.freed       <= a1_q.una;
      status_o.fin_acked   <= a1_q.fin_acked;
      status_o.timed_out   <= a1_q.timed_out;
      status_o.tx_released <= (a1_q.kind == TxRelease);
    end
  end

  // --- A1, A2: header and payload, merged ---------------------------------------------------------------------------
  logic pay_valid;
  logic [DataW-1:0] pay_data;
  logic [15:0] pay_sum, hdr_pay_sum;
  logic [8*HdrMax-1:0] hdr_wire;
  logic [6:0] hdr_len;
  logic [13:0] pay_len;

  tx_payload #(.DataW(DataW)) u_payload (
      .clk_i(clk_i), .rst_ni(rst_ni), .read_i(a0_read), .first_i(a0_first_q), .odd_i(a0_odd), .off_i(a0_off), .lo_i(a0_lo),
      .hi_i(a0_hi), .rdata0_i(ring_rdata0_i), .rdata1_i(ring_rdata1_i), .valid_o(pay_valid), .data_o(pay_data),
      .sum_o(pay_sum));

  // Lanes hold bytes in wire order, so the payload's sum is byte-swapped against the header's.
  assign hdr_pay_sum = (pay_len == '0) ? 16'd0 : nic_pkg::swap16(pay_sum);
  tx_header u_header (
      .clk_i(clk_i), .sample_i(sample), .desc_i(a1_q), .hdr_i(hdr), .id_i(id_q), .ack_i(rcv.nxt), .wnd_i(wnd_field),
      .ts_i(rcv.ts_ok), .tsval_i(now_us_i[41:10]), .tsecr_i(rcv.ts_recent), .n_sack_i(n_sack), .blocks_i(blocks),
      .end_i(a2_end_q), .pay_sum_i(hdr_pay_sum), .hdr_o(hdr_wire), .hdr_len_o(hdr_len), .len_o(pay_len));

  tx_merge #(.DataW(DataW), .HdrMax(HdrMax)) u_merge (
      .clk_i(clk_i), .rst_ni(rst_ni), .room_o(room), .pay_valid_i(pay_valid), .pay_data_i(pay_data),
      .hdr_valid_i(a2_end_q), .hdr_i(hdr_wire), .hdr_len_i(hdr_len), .len_i(pay_len), .tx_valid_o(tx_valid_o),
      .tx_ready_i(tx_ready_i), .tx_data_o(tx_data_o), .tx_nbytes_o(tx_nbytes_o), .tx_last_o(tx_last_o),
      .idle_o(merge_idle));

  assign idle_o = !desc_valid_i && drained && !status_we_o;
  assign stat_frame_o = sample;
  assign stat_pure_o  = sample && a1_q.len == '0;

  always @(posedge clk_i) begin
    if (rst_ni) begin
      assert(!(sample && a1_q.len != '0) || a1_ts_q == rcv.ts_ok);
    end
  end
endmodule
`default_nettype wire
