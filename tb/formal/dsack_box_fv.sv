// SPDX-License-Identifier: Apache-2.0
// dsack_box: for any one flow, what a take finds is the newest range put since the last take or the flow's open.
//
//@ rtl rtl/tx/dsack_box.sv
//@ prove pdr NumFlows=2
//@ mutant rtl/tx/dsack_box.sv `else if (put_i.vld) vld_q` `else if (put_i.vld && !take_i) vld_q` : a put beside a take is lost
//@ mutant rtl/tx/dsack_box.sv `if (put_init_i) vld_q[put_f] <= 1'b0` `if (put_init_i) vld_q[take_f] <= 1'b0` : an open leaves the old range
`default_nettype none
`include "nic_types.svh"
`include "fv.svh"
module dsack_box_fv #(
    parameter int NumFlows = 2,
    parameter int LgN = $clog2(NumFlows)
) (
    input wire logic           clk_i,
    input wire logic [LgN-1:0] put_flow_i,
    input wire logic           put_vld_i,
    input wire logic [1:0]     put_start_i,
    input wire logic [1:0]     put_stop_i,
    input wire logic           put_init_i,
    input wire logic           take_i,
    input wire logic [LgN-1:0] take_flow_i
);
  `FV_RESET
  wire [LgN-1:0] mine = $anyconst;
  dsack_t put, got;
  always @* begin
    put       = '0;
    put.vld   = put_vld_i;
    put.start = 32'(put_start_i);
    put.stop  = 32'(put_stop_i);
  end
  dsack_box #(.NumFlows(NumFlows)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .put_flow_i(12'(put_flow_i)), .put_i(put), .put_init_i(put_init_i), .take_i(take_i),
      .take_flow_i(12'(take_flow_i)), .dsack_o(got));

  logic vld;
  logic [1:0] start, stop;
  always_ff @(posedge clk_i) begin
    if (!rst_n) vld <= 1'b0;
    else begin
      if (take_i && take_flow_i == mine) vld <= 1'b0;
      if (put_init_i && put_flow_i == mine) vld <= 1'b0;
      else if (put_vld_i && put_flow_i == mine) begin
        vld   <= 1'b1;
        start <= put_start_i;
        stop  <= put_stop_i;
      end
    end
  end
  `FV_ASSERT(take_flow_i != mine || got.vld == vld)
  `FV_ASSERT(take_flow_i != mine || !vld || (got.start == 32'(start) && got.stop == 32'(stop)))
endmodule
`default_nettype wire
