// SPDX-License-Identifier: Apache-2.0
// ready_set: for any one flow, a set is never lost (the bit stands until the flow is popped), nothing is popped that was not
// set, and a flow that is ready is popped within NumFlows pops.
//
//@ rtl rtl/prim/first_one.sv rtl/prim/ready_set.sv
//@ prove pdr NumFlows=4
//@ prove pdr NumFlows=8 GroupW=2
//@ prove induct 2 NumFlows=128 GroupW=64 Fair=0
//@ mutant rtl/prim/ready_set.sv `bits_q[flow0_i[LgN-1:0]] <= 1'b1` `bits_q[flow0_i[LgN-1:0]] <= !pop` : a set beside a pop is lost
//@ mutant rtl/prim/ready_set.sv `use_ahead ? ahead :` `use_ahead ? here :` : always the lowest of a group: others starve
//@ mutant rtl/prim/ready_set.sv `if (left == '0) any_q` `if (word == '0) any_q` : an empty group stands as one with a ready flow
//@ mutant rtl/prim/ready_set.sv `if (set1_i) any_q` `if (set1_i && !pop) any_q` : a group that gets a flow as its last one is popped is forgotten
//@ mutant rtl/prim/ready_set.sv `bits_q[flow_o[LgN-1:0]] <= 1'b0` `bits_q[last_q] <= 1'b0` : clears another flow's bit
`default_nettype none
`include "fv.svh"
module ready_set_fv #(
    parameter int NumFlows = 4,
    parameter int GroupW = NumFlows,
    parameter int Fair = 1,              // 0: without the last claim, which does not close at full size
    parameter int LgN = $clog2(NumFlows)
) (
    input wire logic           clk_i,
    input wire logic           set0_i,
    input wire logic           set1_i,
    input wire logic           set2_i,
    input wire logic [LgN-1:0] flow0_i,
    input wire logic [LgN-1:0] flow1_i,
    input wire logic [LgN-1:0] flow2_i,
    input wire logic           ready_i
);
  `FV_RESET
  logic valid;
  logic [11:0] flow;
  ready_set #(.NumFlows(NumFlows), .GroupW(GroupW)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .set0_i(set0_i), .flow0_i(12'(flow0_i)), .set1_i(set1_i), .flow1_i(12'(flow1_i)),
      .set2_i(set2_i), .flow2_i(12'(flow2_i)), .valid_o(valid), .ready_i(ready_i), .flow_o(flow));
  localparam int Groups = NumFlows / GroupW;
  (* hierconn *) wire [NumFlows-1:0] \u_dut.bits_q ;
  (* hierconn *) wire [Groups-1:0] \u_dut.any_q ;

  wire [LgN-1:0] mine = $anyconst;
  logic set, pop, ready;                 // ready: mine was set and not popped since
  logic [LgN:0] passed;                  // pops of others since
  assign set = (set0_i && flow0_i == mine) || (set1_i && flow1_i == mine) || (set2_i && flow2_i == mine);
  assign pop = valid && ready_i;
  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      ready  <= 1'b0;
      passed <= '0;
    end else begin
      if (pop && flow == 12'(mine)) ready <= 1'b0;
      if (set) ready <= 1'b1;
      passed <= (!ready || (pop && flow == 12'(mine))) ? '0 : passed + (LgN + 1)'(pop);
    end
  end
  `FV_ASSERT(\u_dut.bits_q [mine] == ready)
  generate
    for (genvar g = 0; g < Groups; g++) begin : gen_any
      `FV_ASSERT(\u_dut.any_q [g] == |\u_dut.bits_q [GroupW*g +: GroupW])
    end
  endgenerate
  `FV_ASSERT(!ready || valid)
  `FV_ASSERT(!pop || flow != 12'(mine) || ready)
  `FV_ASSERT(!valid || flow < 12'(NumFlows))
  generate
    if (Fair != 0) begin : gen_fair
      `FV_ASSERT(passed < (LgN + 1)'(NumFlows))
    end
  endgenerate
endmodule
`default_nettype wire
