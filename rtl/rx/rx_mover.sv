// SPDX-License-Identifier: Apache-2.0
// Carries each committed frame where its verdict says: the accepted range into the receive ring, the whole frame onto
// the slow path, or nowhere. In order, one verdict a frame; then tells the host.
//
//     verdict ->[M0: beat out of the frame FIFO]->[M1: rotate]->[M2: ring write; status]
//                                                      \-> slow path stream (frames and fences)
//
// A beat a cycle; a discarded frame takes one cycle. "Data ready" follows the last beat written.
`default_nettype none
`include "nic_types.svh"
module rx_mover #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int RxBufBytes = 32768,
    parameter int LgB = $clog2(DataW / 8),
    parameter int LgN = $clog2(NumFlows),
    parameter int AddrW = LgN + $clog2(RxBufBytes) - LgB - 1
) (
    input  wire logic               clk_i,
    input  wire logic               rst_ni,
    output logic                    idle_o,
    input  wire logic               verdict_valid_i,
    output logic                    verdict_ready_o,
    input  rx_verdict_t             verdict_i,
    // Frame FIFO read side.
    output logic                    fifo_re_o,
    output logic [10:0]             fifo_adv_o,
    input  wire logic [DataW-1:0]   fifo_rdata_i,
    // Receive ring memory, write port.
    output logic                    ring_we_o,
    output logic [AddrW-1:0]        ring_addr0_o,
    output logic [AddrW-1:0]        ring_addr1_o,
    output logic [DataW/8-1:0]      ring_be0_o,
    output logic [DataW/8-1:0]      ring_be1_o,
    output logic [DataW-1:0]        ring_data_o,
    // Slow path stream out. A fence is one item without data: flow and ok.
    output logic                    slow_valid_o,
    input  wire logic               slow_ready_i,
    output logic [DataW-1:0]        slow_data_o,
    output logic [LgB:0]            slow_nbytes_o,
    output logic                    slow_last_o,
    output logic                    slow_fence_o,
    output logic [11:0]             slow_flow_o,
    output logic                    slow_ok_o,
    // Receive status write port and the event that tells of it.
    output logic                    status_we_o,
    output logic [11:0]             status_flow_o,
    output rx_status_t              status_o
);
  localparam int B = DataW / 8;
  localparam int SlowW = DataW + LgB + 1 + 1 + 1 + 12 + 1;

  // --- M0 -----------------------------------------------------------------------------------------------------------
  logic [10:0] beat_q;
  logic go, done, slow_room, taken;
  logic [17:0] pos;                       // frame byte in lane 0 of this beat
  logic [2:0] slow_count;

  assign pos = 18'({beat_q, {LgB{1'b0}}});
  assign slow_room = (slow_count < 3'd3);

  always @* begin
    go   = verdict_valid_i;
    done = 1'b1;
    case (verdict_i.kind)
      VerdictRing: done = (pos + 18'(B) >= 18'(verdict_i.hi));
      VerdictSlow: begin
        go   = verdict_valid_i && slow_room;
        done = (beat_q + 11'd1 == verdict_i.beats);
      end
      VerdictFence: go = verdict_valid_i && slow_room;
      default: ;
    endcase
  end
  assign taken           = go && done;
  assign verdict_ready_o = go && done;
  assign fifo_re_o       = go && (verdict_i.kind == VerdictRing || verdict_i.kind == VerdictSlow);
  assign fifo_adv_o      = !go ? 11'd0 : done ? verdict_i.beats - beat_q : 11'd1;

  // --- M1 -----------------------------------------------------------------------------------------------------------
  logic m1_ring_q, m1_slow_q, m1_last_q, m1_fence_q, m1_tell_q;
  logic [LgB:0] m1_lo_q, m1_hi_q, m1_nbytes_q;
  logic [31:0] m1_seq_q;
  logic [11:0] m1_flow_q;
  logic m1_ok_q;
  rx_status_t m1_status_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q     <= '0;
      m1_ring_q  <= 1'b0;
      m1_slow_q  <= 1'b0;
      m1_fence_q <= 1'b0;
      m1_tell_q  <= 1'b0;
    end else begin
      if (go) beat_q <= done ? '0 : beat_q + 11'd1;
      m1_ring_q  <= go && verdict_i.kind == VerdictRing;
      m1_slow_q  <= go && (verdict_i.kind == VerdictSlow || verdict_i.kind == VerdictFence);
      m1_fence_q <= go && verdict_i.kind == VerdictFence;
      m1_tell_q  <= taken && verdict_i.tell;
    end
    if (go) begin
      m1_last_q   <= done;
      m1_lo_q     <= (18'(verdict_i.lo) <= pos) ? '0
                   : (18'(verdict_i.lo) - pos >= 18'(B)) ? (LgB + 1)'(B) : (LgB + 1)'(18'(verdict_i.lo) - pos);
      m1_hi_q     <= (18'(verdict_i.hi) - pos >= 18'(B)) ? (LgB + 1)'(B) : (LgB + 1)'(18'(verdict_i.hi) - pos);
      m1_nbytes_q <= done ? (LgB + 1)'(18'(verdict_i.frame_len) - pos) : (LgB + 1)'(B);
      m1_seq_q    <= verdict_i.base + 32'(pos);
      m1_flow_q   <= verdict_i.flow;
      m1_ok_q     <= verdict_i.ok;
      m1_status_q.ready       <= verdict_i.ready;
      m1_status_q.peer_closed <= verdict_i.peer_closed;
      m1_status_q.ts_recent   <= verdict_i.ts_recent;
      m1_status_q.rx_reset    <= verdict_i.rx_reset;
      m1_status_q.rx_released <= verdict_i.rx_released;
    end
  end

  ring_write #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RxBufBytes)) u_write (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(m1_ring_q), .flow_i(m1_flow_q), .seq_i(m1_seq_q), .data_i(fifo_rdata_i),
      .lo_i(m1_lo_q), .hi_i(m1_hi_q), .we_o(ring_we_o), .addr0_o(ring_addr0_o), .addr1_o(ring_addr1_o),
      .be0_o(ring_be0_o), .be1_o(ring_be1_o), .data_o(ring_data_o));

  logic slow_in_ready;
  fifo #(.W(SlowW), .Depth(4)) u_slow (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(m1_slow_q), .ready_o(slow_in_ready),
      .data_i({fifo_rdata_i, m1_nbytes_q, m1_last_q, m1_fence_q, m1_flow_q, m1_ok_q}),
      .valid_o(slow_valid_o), .ready_i(slow_ready_i),
      .data_o({slow_data_o, slow_nbytes_o, slow_last_o, slow_fence_o, slow_flow_o, slow_ok_o}), .count_o(slow_count));

  // --- M2 -----------------------------------------------------------------------------------------------------------
  always_ff @(posedge clk_i) begin
    status_we_o <= rst_ni && m1_tell_q;
    if (m1_tell_q) begin
      status_flow_o <= m1_flow_q;
      status_o      <= m1_status_q;
    end
  end

  assign idle_o = !verdict_valid_i && !m1_ring_q && !m1_slow_q && !m1_tell_q && !ring_we_o && !status_we_o
                && slow_count == '0;

  always @(posedge clk_i) if (rst_ni) assert(!m1_slow_q || slow_in_ready);
endmodule
`default_nettype wire
