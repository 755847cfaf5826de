// SPDX-License-Identifier: Apache-2.0
// timers with 16 flows (one group; time crosses 2^63) and 64 (four groups; time crosses 2^32), against a model that keeps
// every deadline: what fires is due (or was rewritten since it was read), is offered until it is taken and then goes silent
// until its new deadline; nothing due waits long; when idle, next_us_o is no later than any deadline. Phases: writes during
// walks with slow and fast time, jumps of the time to just before and exactly next_us_o, many due at once, long jumps, a
// stalled taker, all cancelled.
`default_nettype none
`include "tb.svh"
module timers_check #(
    parameter int NumFlows = 64,
    parameter int LgN = $clog2(NumFlows),
    parameter logic [63:0] Start = 64'd0,
    parameter logic [63:0] Seed = 64'd1
) (
    input wire logic clk_i, output logic done_o, output logic [31:0] errors_o
);
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction

  localparam int Phase = 768;
  localparam int Phases = 12;
  localparam int LateLimit = 4 * NumFlows + 64;   // two walks, most flows due, a slow taker

  logic rst_n = 1'b0;
  logic [63:0] now = Start, t, next_us;
  logic wr = 1'b0, wr_valid = 1'b0, fire_valid, fire_ready = 1'b0, next_valid, idle, busy;
  logic [LgN-1:0] wr_flow = 0, f;
  logic [63:0] wr_at = 0;
  logic [11:0] fire_flow, e_flow = 0, held_flow = 0;
  logic [NumFlows-1:0] vld = 0;                   // the model
  logic [63:0] at [0:NumFlows-1];
  int wrote [0:NumFlows-1];
  int waits [0:NumFlows-1];
  logic e_take = 1'b0, held = 1'b0, jump, early;
  logic [63:0] r = Seed;
  int n = 0;
  int start = 0;                                  // first cycle after the sweep
  int offered = 0;                                // cycle in which the fire at hand was first offered
  int k, phase, kind, fires = 0, stale = 0, jumps = 0, most = 0, jump_fires = 0, cancelled = 0;

  initial for (int i = 0; i < NumFlows; i++) begin at[i] = 0; wrote[i] = 0; waits[i] = 0; end

  timers #(.NumFlows(NumFlows)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .now_us_i(now), .wr_i(wr), .wr_flow_i(wr_flow), .wr_valid_i(wr_valid),
      .wr_at_us_i(wr_at), .fire_valid_o(fire_valid), .fire_ready_i(fire_ready), .fire_flow_o(fire_flow),
      .next_valid_o(next_valid), .next_us_o(next_us), .idle_o(idle), .busy_o(busy));

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    wr <= 1'b0;
    fire_ready <= 1'b0;
    e_take = 1'b0;
    if (n > 4 && start == 0) begin
      if (!busy) start <= n + 1;
      `CHECK(n < NumFlows + 10, "swept")
      `CHECK(!fire_valid, "no fire from the sweep")
    end
    if (start != 0 && !done_o) begin
      k = n - start;
      phase = k / Phase;
      kind = phase % 6;
      // --- what fires
      if (fire_valid) begin
        f = fire_flow[LgN-1:0];
        `CHECK(fire_flow < 12'(NumFlows), "flow in range")
        if (!held) offered = n;
        else begin `CHECK(fire_flow === held_flow, "offered until taken") end
        if (!(vld[f] && now >= at[f])) begin
          `CHECK(wrote[f] >= offered, "fired without being due")
          stale = stale + 1;
        end
        if (fire_ready) begin
          e_take = 1'b1;
          e_flow = fire_flow;
          fires = fires + 1;
          if (kind == 1) jump_fires = jump_fires + 1;
          waits[f] = 0;
        end
        held = !fire_ready;
        held_flow = fire_flow;
      end else begin
        `CHECK(!held, "withdrawn before it was taken")
        held = 1'b0;
      end
      // --- nothing waits, and the bound is no later than any deadline
      for (int i = 0; i < NumFlows; i++) begin
        if (vld[i] && now >= at[i]) begin
          waits[i] = waits[i] + 1;
          if (waits[i] > most) most = waits[i];
          if (waits[i] == LateLimit) begin `CHECK(1'b0, "late") end
        end else waits[i] = 0;
        if (idle && vld[i]) begin
          `CHECK(next_valid, "a deadline, but none said")
          `CHECK(next_us <= at[i], "next_us_o is late")
          `CHECK(now < at[i], "idle although one is due")
        end
      end
      // --- the model takes this cycle's write
      if (wr) begin
        vld[wr_flow] = wr_valid;
        at[wr_flow] = wr_at;
        wrote[wr_flow] = n;
      end
      // --- next cycle: time
      r = rnd64(r);
      jump = 1'b0;
      t = now;
      case (kind)
        0: t = now + 64'(r[1:0]);
        1: if (idle && next_valid && !wr && next_us > now) begin      // just before, then exactly
            t = (next_us - 64'd1 > now) ? next_us - 64'd1 : next_us;
            jumps = jumps + 1;
          end
        2: t = now + 64'(r[7:0] == 0 ? r[20:8] : 13'd1);
        3: t = (k % 256 == 255) ? now + 64'd5000 : now;
        4: t = now + 64'(r[6:0] == 0);
        default: t = now + 64'(r[4:0]);
      endcase
      if (phase >= Phases) t = (k == Phases * Phase + 2 * NumFlows) ? now + 64'h0100_0000_0000_0000 : now + 64'd1000;
      now <= t;
      // --- the taker
      r = rnd64(r);
      case (kind)
        2: fire_ready <= r[0];
        4: fire_ready <= k % 64 > 16;
        default: fire_ready <= 1'b1;
      endcase
      // --- writes: as the send pipeline, a cycle after the fire was taken; otherwise at random
      r = rnd64(r);
      if (e_take) begin
        f = e_flow[LgN-1:0];
        wr <= 1'b1;
        wr_flow <= f;
        wr_valid <= vld[f];
        wr_at <= at[f];
        if (vld[f] && now >= at[f]) begin
          wr_valid <= r[2:0] != 0 && phase < Phases;
          wr_at <= (kind == 3) ? now + 64'd5000 : now + 64'd1 + 64'(r[3] ? r[11:4] : r[15:4]);
        end
      end else if (phase >= Phases) begin         // cancel all
        if (cancelled < NumFlows) begin
          wr <= 1'b1;
          wr_flow <= LgN'(cancelled);
          wr_valid <= 1'b0;
          wr_at <= now + 64'd1;
          cancelled = cancelled + 1;
        end
      end else if (held && r[60]) begin           // what is offered moves on or is cancelled: a stale hit
        wr <= 1'b1;
        wr_flow <= held_flow[LgN-1:0];
        wr_valid <= r[61];
        wr_at <= now + 64'd20;
      end else if (kind == 3 && k % 256 < NumFlows) begin
        wr <= 1'b1;                               // all the same deadline
        wr_flow <= LgN'(k % 256);
        wr_valid <= 1'b1;
        wr_at <= now + 64'd4000;
      end else if (kind != 3 && (kind == 1 ? r[5:0] == 0 : kind == 5 ? r[0] : r[2:0] == 0)) begin
        wr <= 1'b1;
        wr_flow <= r[16 +: LgN];
        wr_valid <= r[31:30] != 0;
        case (r[34:32])
          0: wr_at <= now;                        // due at once
          1: wr_at <= now + 64'd1;
          2: wr_at <= now + 64'(r[47:36]);
          3: wr_at <= now + {12'd0, r[55:36], 32'd0};   // far beyond 32 bits
          default: wr_at <= now + 64'(r[43:36]);
        endcase
      end
      if (k == Phases * Phase + 6 * NumFlows + 100) begin
        `CHECK(vld == 0, "all cancelled")
        `CHECK(idle && !next_valid && !fire_valid, "no deadline left")
        `CHECK(fires > 500 && stale > 10 && jumps > 20 && jump_fires > 20, "exercised")
        `CHECK(now > Start + 64'd12000, "time went on")
        if (errors_o != 0) $display("fires %0d stale %0d jumps %0d %0d longest wait %0d now %h", fires, stale, jumps, jump_fires, most, now);
        done_o <= 1'b1;
      end
    end
  end
endmodule

`BENCH(timers_tb)
  logic done16, done64;
  logic [31:0] errors16, errors64;
  timers_check #(.NumFlows(16), .Start(64'h7fff_ffff_ffff_f000), .Seed(64'h1357_9bdf_0246_8ace)) u_16 (
      .clk_i(clk_i), .done_o(done16), .errors_o(errors16));
  timers_check #(.NumFlows(64), .Start(64'h0000_0000_ffff_f000), .Seed(64'h0f1e_2d3c_4b5a_6978)) u_64 (
      .clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o <= errors16 + errors64;
    done_o <= done16 && done64;
  end
`BENCH_END
`default_nettype wire
