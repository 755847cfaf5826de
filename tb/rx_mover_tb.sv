// SPDX-License-Identifier: Apache-2.0
// rx_mover at 512 and 64 bits with a frame FIFO and a byte model of the receive rings. Random verdicts of every kind, back to
// back and with gaps:
//   ring     exactly the frame bytes [lo, hi), each once and in order, at their place in their flow's ring, none elsewhere
//   slow     the whole frame beat by beat, with nbytes and last, held while the host is not ready, in order with fences
//   fence    one item with flow and ok; no beat is taken from the FIFO
//   discard  nothing anywhere; the FIFO moves on by the frame's beats in one cycle
//   status   for each verdict that tells, in order, never before the last beat of its frame and of those before it
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
module rx_mover_check #(
    parameter int DataW = 512,
    parameter int RxBufBytes = 1024,
    parameter logic [63:0] Seed = 64'd1
) (
    input  wire logic clk_i,
    output logic done_o,
    output logic [31:0] errors_o
);
  localparam int NumFlows = 16;
  localparam int B = DataW / 8;
  localparam int LgB = $clog2(B);
  localparam int AddrW = 4 + $clog2(RxBufBytes) - LgB - 1;
  localparam int Q = 64;                  // verdicts under way, at most
  localparam int Last = 6000;
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction
  // Lane of a beat in the FIFO; beats are numbered from reset.
  function automatic logic [7:0] lane_of(input logic [31:0] beat, input logic [31:0] lane);
    logic [31:0] x;
    x = beat * 32'd2654435761 + lane * 32'd40503;
    lane_of = x[15:8] ^ x[31:24];
  endfunction

  logic rst_n = 1'b0, idle, v_valid = 0, v_ready, fifo_re, ring_we, slow_valid, slow_ready = 0, slow_last, slow_fence, slow_ok;
  logic status_we;
  rx_verdict_t v;
  logic [nic_pkg::RxVerdictW-1:0] v_bits, q_bits;
  rx_verdict_t head;
  logic [10:0] fifo_adv;
  logic [DataW-1:0] rdata, ring_data, slow_data;
  logic [AddrW-1:0] addr0, addr1;
  logic [B-1:0] be0, be1;
  logic [LgB:0] slow_nbytes;
  logic [11:0] slow_flow, status_flow;
  rx_status_t status;

  assign v = v_bits;
  rx_mover #(.DataW(DataW), .NumFlows(NumFlows), .RxBufBytes(RxBufBytes)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .verdict_valid_i(v_valid), .verdict_ready_o(v_ready), .verdict_i(v),
      .fifo_re_o(fifo_re), .fifo_adv_o(fifo_adv), .fifo_rdata_i(rdata), .ring_we_o(ring_we), .ring_addr0_o(addr0),
      .ring_addr1_o(addr1), .ring_be0_o(be0), .ring_be1_o(be1), .ring_data_o(ring_data), .slow_valid_o(slow_valid),
      .slow_ready_i(slow_ready), .slow_data_o(slow_data), .slow_nbytes_o(slow_nbytes), .slow_last_o(slow_last),
      .slow_fence_o(slow_fence), .slow_flow_o(slow_flow), .slow_ok_o(slow_ok), .status_we_o(status_we),
      .status_flow_o(status_flow), .status_o(status));

  // Verdicts by number, and the FIFO beat at which each frame starts.
  logic [nic_pkg::RxVerdictW-1:0] queue [0:Q-1];
  logic [31:0] start [0:Q-1];
  int made = 0;                           // verdicts offered, the one at the input included
  int taken = 0;
  int ring_at = 0;                        // next verdict with bytes still to be written, and the byte
  int slow_at = 0;
  int tell_at = 0;
  logic [31:0] ring_byte = 0, slow_beat = 0, fifo_rd = 0, next_start = 0, frame_beats, at;
  logic fresh = 1'b1;                     // ring_byte is not set yet
  logic walking = 1'b0;
  int n = 0;
  int cycle = 0;
  int rings = 0;
  int slows = 0;
  int fences = 0;
  int tells = 0;
  int tight = 0;
  logic [63:0] r = Seed;
  logic [63:0] s = ~Seed;
  rx_verdict_t next;
  logic [DataW-1:0] data;
  logic stable_q = 1'b0;
  logic [DataW+LgB+15:0] slow_q;
  logic [31:0] line, lane;
  logic b0, b1;

  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(s);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (cycle <= 1) v_valid <= 1'b0;
    if (rst_n) begin
      // Ring writes: all enabled lanes are the next bytes of the next ring verdict.
      if (ring_we && (be0 | be1) != '0) begin
        while (ring_at < made && queue[ring_at % Q][nic_pkg::RxVerdictW-1 -: 2] != VerdictRing) ring_at = ring_at + 1;
        `CHECK(ring_at < made, "a write without a verdict")
        q_bits = queue[ring_at % Q];
        head = q_bits;
        if (fresh) ring_byte = 32'(head.lo);
        fresh = 1'b0;
        n = 0;
        for (int i = 0; i < B; i++) n = n + int'(be0[i]) + int'(be1[i]);
        `CHECK((be0 & be1) == '0, "a lane in both banks")
        for (int i = 0; i < n; i++) begin
          at = head.base + ring_byte + 32'(i);
          line = (at & 32'(RxBufBytes - 1)) >> LgB;
          lane = at & 32'(B - 1);
          b0 = be0[lane[LgB-1:0]];
          b1 = be1[lane[LgB-1:0]];
          `CHECK((line[0] ? b1 : b0) === 1'b1, "the lane of the next byte is written")
          `CHECK(32'(line[0] ? addr1 : addr0) === 32'(head.flow) * (RxBufBytes / B / 2) + (line >> 1), "ring address")
          `CHECK(ring_data[8*lane[LgB-1:0] +: 8] === lane_of(start[ring_at % Q] + ((ring_byte + 32'(i)) >> LgB),
                 (ring_byte + 32'(i)) & 32'(B - 1)), "byte written")
        end
        ring_byte = ring_byte + 32'(n);
        `CHECK(ring_byte <= 32'(head.hi), "past hi")
        if (ring_byte >= 32'(head.hi)) begin
          ring_at = ring_at + 1;
          fresh = 1'b1;
          rings = rings + 1;
        end
      end

      // Slow path stream.
      if (stable_q) begin
        `CHECK(slow_valid && slow_q === {slow_data, slow_nbytes, slow_last, slow_fence, slow_flow, slow_ok}, "slow path holds")
      end
      stable_q <= slow_valid && !slow_ready;
      slow_q <= {slow_data, slow_nbytes, slow_last, slow_fence, slow_flow, slow_ok};
      if (slow_valid && slow_ready) begin
        while (slow_at < made && queue[slow_at % Q][nic_pkg::RxVerdictW-1 -: 2] < VerdictSlow) slow_at = slow_at + 1;
        `CHECK(slow_at < made, "slow path without a verdict")
        q_bits = queue[slow_at % Q];
        head = q_bits;
        if (head.kind == VerdictFence) begin
          `CHECK(slow_fence && slow_last && slow_flow === head.flow && slow_ok === head.ok, "fence")
          fences = fences + 1;
          slow_at = slow_at + 1;
        end else begin
          `CHECK(!slow_fence, "a frame, no fence")
          `CHECK(slow_last === (slow_beat + 1 == 32'(head.beats)), "last")
          if (slow_last) begin
            `CHECK(32'(slow_nbytes) === 32'(head.frame_len) - slow_beat * B, "nbytes of the last beat")
          end
          for (int i = 0; i < B; i++) data[8*i +: 8] = lane_of(start[slow_at % Q] + slow_beat, 32'(i));
          `CHECK(slow_data === data, "slow path data")
          slow_beat = slow_beat + 1;
          if (slow_beat == 32'(head.beats)) begin
            slow_beat = 0;
            slow_at = slow_at + 1;
            slows = slows + 1;
          end
        end
      end

      // Status: order, and everything of its frame is in the ring (this cycle's write counts).
      if (status_we) begin
        while (tell_at < made) begin
          q_bits = queue[tell_at % Q];
          head = q_bits;
          if (head.tell) begin
            `CHECK(tell_at < taken, "status of a verdict that was taken")
            if (head.kind == VerdictRing) begin `CHECK(ring_at > tell_at, "status after the last beat") end
            `CHECK(status_flow === head.flow && status.ready === head.ready && status.ts_recent === head.ts_recent && status.peer_closed === head.peer_closed
                   && status.rx_reset === head.rx_reset && status.rx_released === head.rx_released, "status")
            tells = tells + 1;
            tell_at = tell_at + 1 + Q * 1024;                                 // leave the loop
          end else tell_at = tell_at + 1;
        end
        `CHECK(tell_at >= Q * 1024, "status without a verdict")
        if (tell_at >= Q * 1024) tell_at = tell_at - Q * 1024;
      end

      // The frame FIFO.
      if (fifo_re) begin
        for (int i = 0; i < B; i++) rdata[8*i +: 8] <= lane_of(fifo_rd, 32'(i));
      end else rdata <= 'x;
      fifo_rd = fifo_rd + 32'(fifo_adv);
      if (v_valid && v_ready) begin
        q_bits = queue[taken % Q];
        head = q_bits;
        `CHECK(fifo_rd === start[taken % Q] + 32'(head.beats), "the FIFO stands behind the frame")
        taken = taken + 1;
        if (head.kind == VerdictDiscard) begin `CHECK(!walking, "a discard takes one cycle") end
        if (!walking) tight = tight + 1;
      end
      if (v_valid) walking = !v_ready;
      if (v_valid && v.kind == VerdictDiscard) begin `CHECK(v_ready, "a discard waits for nothing") end

      // The next verdict.
      if (!v_valid || v_ready) begin
        v_valid <= 1'b0;
        if (made - slow_at < Q - 2 && made - ring_at < Q - 2 && made - tell_at < Q - 2 && cycle < Last - 300
            && (cycle[9] || r[0])) begin
          next = '0;
          next.kind = (r[3:1] < 3'd4) ? VerdictRing : (r[3:1] < 3'd6) ? VerdictSlow : (r[3:1] == 3'd6) ? VerdictFence
                    : VerdictDiscard;
          next.flow = (r[4]) ? {8'd0, 3'd3, r[5]} : {8'd0, r[8:5]};
          frame_beats = (next.kind == VerdictFence) ? 0 : (r[11:9] == 0) ? 1 + 32'(r[14:12]) : (DataW == 64) ? 8 : 1 + 32'(r[9]);
          next.beats = 11'(frame_beats);
          next.frame_len = 14'(frame_beats * B) - 14'(32'(r[20:15]) % B);
          next.base = r[21] ? 32'hffff_ffff - 32'(r[29:22]) : r[63:32];
          next.lo = 14'(32'(s[13:0]) % (32'(next.frame_len) + 1));
          next.hi = next.lo + 14'(s[14] ? 32'(next.frame_len) - 32'(next.lo) : 32'(s[30:17]) % (32'(next.frame_len) - 32'(next.lo) + 1));
          if (next.kind != VerdictRing) next.hi = next.lo;
          else if (next.lo == next.hi) next.kind = VerdictDiscard;
          next.tell = s[31] || next.kind == VerdictFence;
          next.ready = s[63:32];
          next.peer_closed = s[32];
          next.rx_reset = s[33];
          next.ts_recent = s[31:0];
          next.rx_released = s[34];
          next.ok = s[35];
          v_bits <= next;
          v_valid <= 1'b1;
          queue[made % Q] = next;
          start[made % Q] = next_start;
          next_start = next_start + frame_beats;
          made = made + 1;
        end
      end
      slow_ready <= (cycle[8:7] == 2'd0) ? s[2:0] == 3'd0 : (cycle[8:7] == 2'd1) ? s[0] : 1'b1;
    end
    if (cycle == Last) begin
      // What is left in the queue must be without effect.
      while (slow_at < made && queue[slow_at % Q][nic_pkg::RxVerdictW-1 -: 2] < VerdictSlow) slow_at = slow_at + 1;
      while (ring_at < made && queue[ring_at % Q][nic_pkg::RxVerdictW-1 -: 2] != VerdictRing) ring_at = ring_at + 1;
      `CHECK(idle === 1'b1 && taken == made && slow_at == made && ring_at == made, "all done")
      `CHECK(rings > 200 && slows > 100 && fences > 50 && tells > 200 && tight > 100, "exercised")
      done_o <= 1'b1;
    end
  end
endmodule

`BENCH(rx_mover_tb)
  logic done512, done64;
  logic [31:0] errors512, errors64;
  rx_mover_check #(.DataW(512), .RxBufBytes(1024), .Seed(64'h3141_5926_5358_9793)) u_512 (
      .clk_i(clk_i), .done_o(done512), .errors_o(errors512));
  rx_mover_check #(.DataW(64), .RxBufBytes(128), .Seed(64'h2718_2818_2845_9045)) u_64 (
      .clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o = errors512 + errors64;
    done_o <= done512 && done64;
  end
`BENCH_END
`default_nettype wire
