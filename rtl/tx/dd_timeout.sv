// SPDX-License-Identifier: Apache-2.0
// Send pipeline step: the flow's deadline has passed (RFC 6298 section 5.4 to 5.6; RFC 9293 section 3.8.6.1 for the probe
// of a closed window); combinational. A stale hit changes nothing. The C twin is snd_timeout() in dpi/tcp/core.
`default_nettype none
`include "nic_types.svh"
module dd_timeout (
    input  snd_ctx_t          ctx_i,
    input  wire logic [63:0]  now_us_i,
    output snd_ctx_t          ctx_o,
    output logic              wake_o
);
  logic due;
  logic [31:0] doubled;

  assign due     = ctx_i.open && ctx_i.rto_vld && now_us_i >= ctx_i.rto_at_us;
  assign doubled = nic_pkg::min32({ctx_i.rto_us[30:0], 1'b0}, 32'(nic_pkg::RtoMaxUs));

  always @* begin
    ctx_o = ctx_i;
    wake_o = due;
    if (due) begin
      if (ctx_i.retries == 4'(nic_pkg::MaxRetries)) begin
        ctx_o.gave_up    = 1'b1;                       // dd_next tells the host
        ctx_o.told_flags = 1'b0;
        ctx_o.rto_vld    = 1'b0;
      end else begin
        ctx_o.nxt       = ctx_i.una;                   // go back: what is cut anew carries the same bytes
        ctx_o.probe     = (ctx_i.wnd == '0);
        ctx_o.rto_us    = doubled;
        ctx_o.rto_at_us = now_us_i + 64'(doubled);
        ctx_o.retries   = ctx_i.retries + 4'd1;
        if (ctx_i.backoff != '1) ctx_o.backoff = ctx_i.backoff + 4'd1;
      end
    end
  end
endmodule
`default_nettype wire
