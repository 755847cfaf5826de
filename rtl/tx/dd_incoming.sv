// SPDX-License-Identifier: Apache-2.0
// Send pipeline step: ACK information from the receive pipeline (RFC 9293 section 3.10.7.4, fifth); combinational. The C
// twin is snd_ack() in dpi/tcp/core.
`default_nettype none
`include "nic_types.svh"
module dd_incoming (
    input  snd_ctx_t          ctx_i,
    input  dd_in_t            ev_i,
    input  wire logic [63:0]  now_us_i,
    output snd_ctx_t          ctx_o,
    output logic              wake_o       // something may be sent, or told to the host
);
  logic advance;
  logic [31:0] una;

  // Valid up to the highest ever sent, also when a timeout has pulled nxt back.
  assign advance = nic_pkg::seq_lt(ctx_i.una, ev_i.ack) && nic_pkg::seq_leq(ev_i.ack, ctx_i.max);
  assign una     = advance ? ev_i.ack : ctx_i.una;

  always @* begin
    ctx_o = ctx_i;
    wake_o = 1'b0;
    if (ctx_i.open && ev_i.kind == DdReset) begin
      ctx_o.open    = 1'b0;
      ctx_o.rto_vld = 1'b0;
    end else if (ctx_i.open && !ctx_i.gave_up && ev_i.kind == DdAck) begin
      wake_o        = 1'b1;
      ctx_o.retries = '0;
      if (advance) begin
        ctx_o.una       = una;
        ctx_o.nxt       = nic_pkg::seq_max(ctx_i.nxt, una);
        ctx_o.backoff   = '0;
        ctx_o.rto_us    = 32'(nic_pkg::RtoInitUs);
        ctx_o.rto_vld   = 1'b1;                        // RFC 6298 section 5.3: restart
        ctx_o.rto_at_us = now_us_i + 64'(nic_pkg::RtoInitUs);
      end
      if (ev_i.wnd_vld) begin
        ctx_o.wnd = ev_i.wnd;
        if (ev_i.wnd > ctx_i.max_wnd) ctx_o.max_wnd = ev_i.wnd;
        if (ev_i.wnd != '0) ctx_o.probe = 1'b0;
      end
      // All acknowledged: section 5.2. A closed window keeps its probe timer.
      if (una == ctx_i.max && (advance || ctx_o.wnd != '0)) ctx_o.rto_vld = 1'b0;
    end
  end
endmodule
`default_nettype wire
