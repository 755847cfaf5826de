// SPDX-License-Identifier: Apache-2.0
// The receive pipeline's step when a delayed ACK's deadline may have passed (RFC 1122 section 4.2.3.2); combinational. The C
// twin is rcv_timeout(). Of a deadline that has been moved or dropped since, nothing comes.
`default_nettype none
`include "nic_types.svh"
module rcv_timeout (
    input  wire logic         en_i,
    input  rcv_ctx_t          ctx_i,
    input  sent_mirror_t      sent_i,      // what the peer was last told
    input  wire logic [63:0]  now_us_i,
    output rcv_ctx_t          ctx_o,
    output logic              ack_o        // no header has acknowledged it meanwhile
);
  logic due;
  always @* begin
    due   = 1'b0;
    ack_o = 1'b0;
    ctx_o = 'x;
    if (en_i) begin
      due   = ctx_i.open && ctx_i.delack_vld && now_us_i >= ctx_i.delack_us;
      ack_o = due && ctx_i.nxt != sent_i.ack;
      ctx_o = ctx_i;
      if (due) ctx_o.delack_vld = 1'b0;
    end
  end
endmodule
`default_nettype wire
