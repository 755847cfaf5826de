// SPDX-License-Identifier: Apache-2.0
// timers: never late. Of any one flow: while it has a deadline, next_us_o is not later; and once time has reached the deadline, the
// unit is not idle until the flow has fired. A fire stays until it is taken; it hands the deadline over: the pipeline writes it anew
// when its event commits.
//
//@ rtl rtl/prim/ram_1r1w.sv rtl/prim/timers.sv
//@ prove pdr
//@ prove pdr NumFlows=8 GroupW=4 TimeW=3
//@ mutant rtl/prim/timers.sv `if (in_vld && (!walk_vld_next || wr_at_us_i < walk_next)) begin` `if (1'b0) begin` : a write during a walk is forgotten
//@ mutant rtl/prim/timers.sv `if (in_vld && wr_group == group_q && (!group_vld_next || wr_at_us_i < group_next)) begin` `if (1'b0) begin` : a write into the group that is scanned is forgotten
//@ mutant rtl/prim/timers.sv `assign hold         = due && !fire_ready_i` `assign hold         = 1'b0` : a fire that is not taken is lost
//@ mutant rtl/prim/timers.sv `if (!min_vld_q || wr_at_us_i < min_q) begin` `if (!min_vld_q) begin` : an earlier deadline does not lower the bound
`default_nettype none
`include "fv.svh"
module timers_fv #(
    parameter int NumFlows = 4,
    parameter int GroupW = 2,
    parameter int TimeW = 2,
    parameter int LgN = $clog2(NumFlows)
) (
    input wire logic             clk_i,
    input wire logic [TimeW-1:0] now_i,
    input wire logic             wr_i,
    input wire logic [LgN-1:0]   wr_flow_i,
    input wire logic             wr_valid_i,
    input wire logic [TimeW-1:0] wr_at_i,
    input wire logic             fire_ready_i
);
  `FV_RESET
  wire [LgN-1:0] mine = $anyconst;
  logic fire, next_vld, idle, busy;
  logic [11:0] flow;
  logic [TimeW-1:0] next;
  timers #(.NumFlows(NumFlows), .GroupW(GroupW), .TimeW(TimeW)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .now_us_i(now_i), .wr_i(wr_i), .wr_flow_i(wr_flow_i), .wr_valid_i(wr_valid_i), .wr_at_us_i(wr_at_i),
      .fire_valid_o(fire), .fire_ready_i(fire_ready_i), .fire_flow_o(flow), .next_valid_o(next_vld), .next_us_o(next), .idle_o(idle),
      .busy_o(busy));

  logic [TimeW-1:0] then_q;
  `FV_ASSUME(now_i >= then_q)            // time does not run back
  `FV_ASSUME(!busy || !wr_i)             // no flow is open while the deadlines are swept

  logic has_q, waits_q;
  logic [TimeW-1:0] at_q;
  logic [11:0] flow_q;
  always_ff @(posedge clk_i) begin
    then_q  <= rst_n ? now_i : '0;
    waits_q <= rst_n && fire && !fire_ready_i;
    flow_q  <= flow;
    if (!rst_n) begin
      has_q <= 1'b0;
    end else begin
      if (fire && fire_ready_i && flow == 12'(mine)) has_q <= 1'b0;
      if (wr_i && wr_flow_i == mine) begin
        has_q <= wr_valid_i;
        at_q  <= wr_at_i;
      end
    end
  end
  `FV_ASSERT(!has_q || (next_vld && next <= at_q))
  `FV_ASSERT(!has_q || now_i < at_q || !idle)
  `FV_ASSERT(!waits_q || (fire && flow == flow_q))
endmodule
`default_nettype wire
