// SPDX-License-Identifier: Apache-2.0
// What the receive pipeline has to say of one segment, as the send pipeline's micro-events: each SACK block as a DdSack, then
// the ACK. An event a cycle; without blocks it passes straight through.
`default_nettype none
`include "nic_types.svh"
module dd_blocks (
    input  wire logic     clk_i,
    input  wire logic     rst_ni,
    input  wire logic     valid_i,
    output logic          ready_o,
    input  dd_segment_t   segment_i,
    output logic          valid_o,
    input  wire logic     ready_i,
    output dd_in_t        dd_o
);
  logic [2:0] sent_q;                      // blocks of this segment that have gone
  logic block;

  assign block   = (sent_q != segment_i.n_sack);
  assign valid_o = valid_i;
  assign ready_o = ready_i && !block;

  always @* begin
    dd_o         = '0;
    dd_o.kind    = segment_i.kind;
    dd_o.flow    = segment_i.flow;
    dd_o.ack     = segment_i.ack;
    dd_o.wnd     = segment_i.wnd;
    dd_o.wnd_vld = segment_i.wnd_vld;
    dd_o.no_data = segment_i.no_data;
    dd_o.ts_vld  = segment_i.ts_vld;
    dd_o.tsecr   = segment_i.tsecr;
    if (block) begin
      dd_o      = '0;
      dd_o.kind = DdSack;
      dd_o.flow = segment_i.flow;
      case (sent_q[1:0])
        2'd0: begin dd_o.ack = segment_i.sack0_start; dd_o.sack_end = segment_i.sack0_end; end
        2'd1: begin dd_o.ack = segment_i.sack1_start; dd_o.sack_end = segment_i.sack1_end; end
        2'd2: begin dd_o.ack = segment_i.sack2_start; dd_o.sack_end = segment_i.sack2_end; end
        default: begin dd_o.ack = segment_i.sack3_start; dd_o.sack_end = segment_i.sack3_end; end
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) sent_q <= '0;
    else if (valid_i && ready_i) sent_q <= block ? sent_q + 3'd1 : '0;
  end
endmodule
`default_nettype wire
