// SPDX-License-Identifier: Apache-2.0
// The flows' deadlines: fires for each that has passed, and says when the next can be. Each pipeline has one.
//
//   A deadline per flow in RAM; a lower bound per group of GroupW flows in registers; one lower bound over all. A write only
//   ever lowers the bounds, so they may be early, never late. When the overall bound has passed, a walk visits each group
//   whose bound has passed, reads its flows (one a cycle), fires those that are due and makes the bounds exact again.
//   A fired flow's deadline is rechecked and rewritten by the pipeline when its event commits.
`default_nettype none
module timers #(
    parameter int NumFlows = 64,
    parameter int TimeW = 64,
    parameter int GroupW = 16,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic           clk_i,
    input  wire logic           rst_ni,
    input  wire logic [TimeW-1:0] now_us_i,
    // The pipeline's write port: the flow's deadline, or none.
    input  wire logic           wr_i,
    input  wire logic [LgN-1:0] wr_flow_i,
    input  wire logic           wr_valid_i,
    input  wire logic [TimeW-1:0] wr_at_us_i,
    // Timeout requests.
    output logic                fire_valid_o,
    input  wire logic           fire_ready_i,
    output logic [11:0]         fire_flow_o,
    // Clocking matters again at this time at the latest, if next_valid_o and idle_o.
    output logic                next_valid_o,
    output logic [TimeW-1:0]    next_us_o,
    output logic                idle_o,
    output logic                busy_o          // after reset, while the deadlines are swept: no write now
);
  localparam int LgW = $clog2(GroupW);
  localparam int Groups = NumFlows / GroupW;
  localparam int LgGroups = (Groups > 1) ? $clog2(Groups) : 1;

  typedef enum logic [1:0] {Sweep = 0, Idle = 1, Walk = 2, Scan = 3} state_e;
  logic [1:0] state_q;
  logic [Groups-1:0] bound_vld_q;
  logic [TimeW-1:0] bound_q [0:Groups-1];
  logic min_vld_q;
  logic [TimeW-1:0] min_q;
  logic [LgGroups-1:0] group_q, wr_group;
  logic [LgN:0] sweep_q;
  logic [LgW:0] read_q;                   // flows of the group read so far
  logic [LgW-1:0] seen_q;                 // the flow whose deadline is at the RAM's output
  logic seen_vld_q, hold;
  logic walk_vld_q, group_vld_q;          // bounds under construction
  logic [TimeW-1:0] walk_q, group_min_q;
  logic [TimeW:0] slot, wdata;
  logic we;
  logic [LgN-1:0] waddr, raddr;
  logic due, min_due, group_due, last_group, re;

  generate
    if (Groups > 1) begin : gen_groups
      assign wr_group = wr_flow_i[LgN-1:LgW];
      assign raddr = {group_q, read_q[LgW-1:0]};
      assign fire_flow_o = 12'({group_q, seen_q});
    end else begin : gen_group
      assign wr_group = '0;
      assign raddr = read_q[LgW-1:0];
      assign fire_flow_o = 12'(seen_q);
    end
  endgenerate

  assign we    = wr_i || state_q == Sweep;
  assign waddr = wr_i ? wr_flow_i : sweep_q[LgN-1:0];
  assign wdata = wr_i ? {wr_valid_i, wr_at_us_i} : '0;
  ram_1r1w #(.W(TimeW + 1), .Depth(NumFlows)) u_deadline (
      .clk_i(clk_i), .we_i(we), .waddr_i(waddr), .wdata_i(wdata), .re_i(re), .raddr_i(raddr), .rdata_o(slot));

  // Times are compared only where it matters, so that a simulator has nothing to do in the other states.
  always @* begin
    due       = 1'b0;
    min_due   = 1'b0;
    group_due = 1'b0;
    if (seen_vld_q) due = slot[TimeW] && now_us_i >= slot[TimeW-1:0];
    if (min_vld_q) min_due = now_us_i >= min_q;
    if (state_q == Walk) group_due = bound_vld_q[group_q] && now_us_i >= bound_q[group_q];
  end
  assign fire_valid_o = due;
  assign hold         = due && !fire_ready_i;
  assign re           = state_q == Scan && !hold && read_q != (LgW + 1)'(GroupW);
  assign last_group   = (group_q == LgGroups'(Groups - 1));

  assign next_valid_o = min_vld_q;
  assign next_us_o    = min_q;
  assign busy_o       = (state_q == Sweep);
  assign idle_o       = (state_q == Idle) && !min_due && !wr_i;

  // Bounds take in a deadline only to come down.
  logic in_vld, in_scan_vld;
  logic [TimeW-1:0] walk_next, group_next;
  logic walk_vld_next, group_vld_next, walks;
  assign in_vld      = wr_i && wr_valid_i;
  assign in_scan_vld = seen_vld_q && slot[TimeW] && !due;
  assign walks       = (state_q == Walk || state_q == Scan);     // Idle begins both anew

  always @* begin
    group_vld_next = group_vld_q;
    group_next = group_min_q;
    walk_vld_next = walk_vld_q;
    walk_next = walk_q;
    if (walks) begin
      if (in_scan_vld && (!group_vld_next || slot[TimeW-1:0] < group_next)) begin
        group_vld_next = 1'b1;
        group_next = slot[TimeW-1:0];
      end
      if (in_vld && wr_group == group_q && (!group_vld_next || wr_at_us_i < group_next)) begin
        group_vld_next = 1'b1;
        group_next = wr_at_us_i;
      end
      if (in_vld && (!walk_vld_next || wr_at_us_i < walk_next)) begin
        walk_vld_next = 1'b1;
        walk_next = wr_at_us_i;
      end
      if (state_q == Walk && !group_due && bound_vld_q[group_q]
          && (!walk_vld_next || bound_q[group_q] < walk_next)) begin
        walk_vld_next = 1'b1;
        walk_next = bound_q[group_q];
      end
      if (state_q == Scan && in_scan_vld && (!walk_vld_next || slot[TimeW-1:0] < walk_next)) begin
        walk_vld_next = 1'b1;
        walk_next = slot[TimeW-1:0];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Sweep;
      sweep_q <= '0;
      bound_vld_q <= '0;
      min_vld_q <= 1'b0;
      group_q <= '0;
      read_q <= '0;
      seen_vld_q <= 1'b0;
      walk_vld_q <= 1'b0;
      group_vld_q <= 1'b0;
    end else begin
      if (in_vld) begin
        if (!bound_vld_q[wr_group] || wr_at_us_i < bound_q[wr_group]) begin
          bound_vld_q[wr_group] <= 1'b1;
          bound_q[wr_group] <= wr_at_us_i;
        end
        if (!min_vld_q || wr_at_us_i < min_q) begin
          min_vld_q <= 1'b1;
          min_q <= wr_at_us_i;
        end
      end
      walk_vld_q <= walk_vld_next;
      walk_q <= walk_next;
      group_vld_q <= group_vld_next;
      group_min_q <= group_next;
      case (state_q)
        Sweep: begin
          sweep_q <= sweep_q + 1'b1;
          if (sweep_q[LgN]) state_q <= Idle;
        end
        Idle: begin
          walk_vld_q <= 1'b0;
          group_vld_q <= 1'b0;
          group_q <= '0;
          read_q <= '0;
          if (min_due) begin
            state_q <= Walk;
            walk_vld_q <= in_vld;
            walk_q <= wr_at_us_i;
          end
        end
        Walk: begin
          read_q <= '0;
          if (group_due) begin
            state_q <= Scan;
            group_vld_q <= in_vld && wr_group == group_q;
            group_min_q <= wr_at_us_i;
          end else if (last_group) begin
            state_q <= Idle;
            min_vld_q <= walk_vld_next;
            min_q <= walk_next;
          end else begin
            group_q <= group_q + 1'b1;
          end
        end
        default: begin                     // Scan
          if (re) begin
            seen_q <= read_q[LgW-1:0];
            read_q <= read_q + 1'b1;
          end
          if (!hold) seen_vld_q <= re;
          if (read_q == (LgW + 1)'(GroupW) && !hold) begin
            bound_vld_q[group_q] <= group_vld_next;
            bound_q[group_q] <= group_next;
            state_q <= last_group ? Idle : Walk;
            if (last_group) begin
              min_vld_q <= walk_vld_next;
              min_q <= walk_next;
            end else begin
              group_q <= group_q + 1'b1;
            end
          end
        end
      endcase
    end
  end
endmodule
`default_nettype wire
