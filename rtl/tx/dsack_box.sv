// SPDX-License-Identifier: Apache-2.0
// The D-SACK mailbox: of each flow the newest range that came twice, until a header without payload takes it (RFC 2883).
//   put port: the receive pipeline, in the cycle of its context write; a flow's open empties it.
//   take port: the assembler, in the cycle of the sample. A put wins over a take of the same cycle.
`default_nettype none
`include "nic_types.svh"
module dsack_box #(
    parameter int NumFlows = 64,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic [11:0]  put_flow_i,
    input  dsack_t            put_i,         // vld: put it
    input  wire logic         put_init_i,    // instead: empty the flow's
    input  wire logic         take_i,
    input  wire logic [11:0]  take_flow_i,
    output dsack_t            dsack_o        // of take_flow_i; combinational
);
  logic [63:0] mem [0:NumFlows-1];
  logic [NumFlows-1:0] vld_q;
  logic [LgN-1:0] put_f, take_f;
  logic [63:0] range;

  assign put_f  = put_flow_i[LgN-1:0];
  assign take_f = take_flow_i[LgN-1:0];
  assign range  = mem[take_f];
  always @* begin
    dsack_o       = '0;
    dsack_o.vld   = vld_q[take_f];
    dsack_o.start = range[63:32];
    dsack_o.stop  = range[31:0];
  end

  always_ff @(posedge clk_i) begin
    if (put_i.vld && !put_init_i) mem[put_f] <= {put_i.start, put_i.stop};
    if (!rst_ni) vld_q <= '0;
    else begin
      if (take_i) vld_q[take_f] <= 1'b0;
      if (put_init_i) vld_q[put_f] <= 1'b0;
      else if (put_i.vld) vld_q[put_f] <= 1'b1;
    end
  end
endmodule
`default_nettype wire
