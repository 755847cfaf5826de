// SPDX-License-Identifier: Apache-2.0
// A ready bit per flow with three set ports and a round-robin pop: the arbiter in which wake-ups meet.
//
//     set0 set1 set2            bits are cleared at the pop, before the popped flow's state is read; set wins over the
//       \   |   /               clear of the same cycle, so no wake-up is lost and a second visit may be spurious.
//      [ bit per flow ] --pop-> valid_o, flow_o (combinational from the bits; taken when ready_i)
//
// Two-level round robin: within the group of the last flow, then the next group with a bit set. Every flow that stays
// ready is served within NumFlows pops. Latency 1 cycle from set to valid_o; one pop a cycle.
`default_nettype none
module ready_set #(
    parameter int NumFlows = 64,
    parameter int GroupW = (NumFlows < 64) ? NumFlows : 64
) (
    input  wire logic        clk_i,
    input  wire logic        rst_ni,
    input  wire logic        set0_i,
    input  wire logic [11:0] flow0_i,
    input  wire logic        set1_i,
    input  wire logic [11:0] flow1_i,
    input  wire logic        set2_i,
    input  wire logic [11:0] flow2_i,
    output logic             valid_o,
    input  wire logic        ready_i,
    output logic [11:0]      flow_o
);
  localparam int LgN = $clog2(NumFlows);
  localparam int LgG = $clog2(GroupW);
  localparam int Groups = NumFlows / GroupW;
  localparam int LgGroups = (Groups > 1) ? $clog2(Groups) : 1;

  logic [NumFlows-1:0] bits_q;
  logic [Groups-1:0] any_q, later;        // any_q: the group has a bit set
  logic [LgN-1:0] last_q;
  logic [LgGroups-1:0] last_group, later_group, first_group, group;
  logic [GroupW-1:0] here, ahead, chosen, word, left;
  logic [LgG-1:0] index;
  logic use_ahead, use_later;
  logic pop;

  generate
    if (Groups > 1) begin : gen_groups
      assign last_group = last_q[LgN-1:LgG];
      assign later = any_q & ~(({Groups{1'b1}} >> (LgGroups'(Groups - 1) - last_group)));
      first_one #(.W(Groups)) u_later (.bits_i(later), .index_o(later_group));
      first_one #(.W(Groups)) u_first (.bits_i(any_q), .index_o(first_group));
    end else begin : gen_one
      assign last_group = '0;
      assign later = '0;
      assign later_group = '0;
      assign first_group = '0;
    end
  endgenerate

  function automatic [LgGroups-1:0] group_of(input logic [11:0] flow);
    group_of = (Groups > 1) ? LgGroups'(flow[LgN-1:0] >> LgG) : '0;
  endfunction

  assign here      = bits_q[GroupW*last_group +: GroupW];
  assign ahead     = here & ~({GroupW{1'b1}} >> (LgG'(GroupW - 1) - last_q[LgG-1:0]));
  assign use_ahead = (ahead != '0);
  assign use_later = (later != '0);
  assign group     = use_ahead ? last_group : use_later ? later_group : first_group;
  assign chosen    = bits_q[GroupW*group +: GroupW];
  assign word      = use_ahead ? ahead : chosen;
  first_one #(.W(GroupW)) u_index (.bits_i(word), .index_o(index));

  assign valid_o = (any_q != '0);
  generate
    if (Groups > 1) begin : gen_flow_groups
      assign flow_o = 12'({group, index});
    end else begin : gen_flow_one
      assign flow_o = 12'(index);
    end
  endgenerate
  assign pop  = valid_o && ready_i;
  assign left = chosen & ~(GroupW'(1) << index);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bits_q <= '0;
      any_q  <= '0;
      last_q <= '0;
    end else begin
      if (pop) begin
        bits_q[flow_o[LgN-1:0]] <= 1'b0;
        if (left == '0) any_q[group] <= 1'b0;
        last_q <= flow_o[LgN-1:0];
      end
      if (set0_i) bits_q[flow0_i[LgN-1:0]] <= 1'b1;
      if (set1_i) bits_q[flow1_i[LgN-1:0]] <= 1'b1;
      if (set2_i) bits_q[flow2_i[LgN-1:0]] <= 1'b1;
      if (set0_i) any_q[group_of(flow0_i)] <= 1'b1;
      if (set1_i) any_q[group_of(flow1_i)] <= 1'b1;
      if (set2_i) any_q[group_of(flow2_i)] <= 1'b1;
    end
  end
endmodule
`default_nettype wire
