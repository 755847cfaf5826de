// SPDX-License-Identifier: Apache-2.0
// ready_set with 16, 64 and 256 flows (256: four groups) against one bit per flow:
//   no wake-up lost and none invented; a set in the very cycle of the flow's pop wins; several ports on one flow;
//   round robin exactly as written; a flow that stays ready is served within NumFlows pops; nothing pops without ready_i.
`default_nettype none
`include "tb.svh"
module ready_set_check #(
    parameter int NumFlows = 64,
    parameter logic [63:0] Seed = 64'd1
) (
    input  wire logic clk_i,
    output logic done_o,
    output logic [31:0] errors_o
);
  localparam int LgN = $clog2(NumFlows);
  localparam int Last = 6000;
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction

  logic rst_n = 1'b0;
  logic set0 = 0, set1 = 0, set2 = 0, again = 0, ready = 0, valid, set2_now;
  logic [11:0] flow0 = 0, flow1 = 0, flow2 = 0, flow, flow2_now;
  logic [63:0] r = Seed;
  logic [NumFlows-1:0] bits = '0, ahead, first, one;
  logic [LgN-1:0] last = '0, watched = '0;
  int cycle = 0;
  int pops = 0;
  int waited = 0;
  int wins = 0;
  int phase;

  assign one = {{(NumFlows-1){1'b0}}, 1'b1};
  // Port 2 can name the flow that is being popped: the case in which set must win.
  assign set2_now = again ? valid : set2;
  assign flow2_now = again ? flow : flow2;
  ready_set #(.NumFlows(NumFlows)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .set0_i(set0), .flow0_i(flow0), .set1_i(set1), .flow1_i(flow1), .set2_i(set2_now),
      .flow2_i(flow2_now), .valid_o(valid), .ready_i(ready), .flow_o(flow));

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    // Phases: sparse, dense, pops rare, pops always; at the end a drain.
    phase = (cycle / 500) % 4;
    set0 <= rst_n && cycle < Last - 600 && ((phase == 0) ? r[3:0] == 4'd0 : (phase == 1) ? r[0] : r[1:0] == 2'd0);
    set1 <= rst_n && cycle < Last - 600 && ((phase == 0) ? r[7:4] == 4'd0 : (phase == 1) ? r[4] : r[5:4] == 2'd0);
    set2 <= rst_n && cycle < Last - 600 && ((phase == 0) ? r[11:8] == 4'd0 : (phase == 1) ? r[8] : 1'b0);
    again <= rst_n && cycle < Last - 600 && r[14:12] == 3'd0;
    flow0 <= 12'(r[16 +: LgN]);
    flow1 <= r[63] ? 12'(r[16 +: LgN]) : 12'(r[28 +: LgN]);
    flow2 <= r[62] ? 12'(r[16 +: LgN]) : 12'(r[40 +: LgN]);
    ready <= (cycle > Last - 600) || ((phase == 2) ? r[52:50] == 3'd0 : (phase == 3) || r[50]);

    if (rst_n) begin
      `CHECK(valid === (bits != '0), "valid")
      if (bits != '0) begin
        ahead = bits & ~(({NumFlows{1'b1}}) >> (NumFlows - 1 - int'(last)));
        first = (ahead != '0) ? ahead : bits;
        first = first & (~first + one);
        `CHECK((one << flow) === first, "round robin")
      end
      // The bound, apart from the order: pops of others while one flow stays ready.
      if (!bits[watched] || (valid && ready && flow == 12'(watched))) begin
        waited = 0;
        watched = r[48 +: LgN];
      end else if (valid && ready) begin
        waited = waited + 1;
        `CHECK(waited < NumFlows, "fairness")
      end
      if (valid && ready) begin
        bits[flow[LgN-1:0]] = 1'b0;
        last = flow[LgN-1:0];
        pops = pops + 1;
        if (again) wins = wins + 1;
      end
      if (set0) bits[flow0[LgN-1:0]] = 1'b1;
      if (set1) bits[flow1[LgN-1:0]] = 1'b1;
      if (set2_now) bits[flow2_now[LgN-1:0]] = 1'b1;
    end
    if (cycle == Last) begin
      `CHECK(bits == '0 && !valid, "drained")
      `CHECK(pops > 1000 && wins > 100, "exercised")
      done_o <= 1'b1;
    end
  end
endmodule

`BENCH(ready_set_tb)
  logic done16, done64, done256;
  logic [31:0] errors16, errors64, errors256;
  ready_set_check #(.NumFlows(16), .Seed(64'h1357_9bdf_0246_8ace)) u_16 (.clk_i(clk_i), .done_o(done16), .errors_o(errors16));
  ready_set_check #(.NumFlows(64), .Seed(64'h0f0f_1234_0246_8ace)) u_64 (.clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  ready_set_check #(.NumFlows(256), .Seed(64'habcd_9bdf_5678_8ace)) u_256 (.clk_i(clk_i), .done_o(done256), .errors_o(errors256));
  always @(posedge clk_i) begin
    errors_o = errors16 + errors64 + errors256;
    done_o <= done16 && done64 && done256;
  end
`BENCH_END
`default_nettype wire
