// SPDX-License-Identifier: Apache-2.0
// Send pipeline step: the flow's deadline has passed (RFC 6298 section 5.4 to 5.7; RFC 9293 section 3.8.6.1 for the probe of a
// closed window, section 3.9.1 for the user timeout), or the tick that brings tokens; combinational. A stale hit changes nothing. The C twin is snd_timeout()
// in dpi/tcp/core.
//   What is out goes again from una on, as one segment; loss recovery and scoreboard are forgotten. The flow is given up after
//   MaxRetries retransmissions, or when the user timeout has run out, where there is one.
`default_nettype none
`include "nic_types.svh"
module dd_timeout (
    input  wire logic         en_i,        // there is an event; else the outputs mean nothing
    input  snd_ctx_t          ctx_i,
    input  wire logic [63:0]  now_us_i,
    output snd_ctx_t          ctx_o,       // without what congestion control makes of cc_o
    output cc_in_t            cc_o,
    output logic              expired_o,   // a retransmission or probe timer ran out
    output logic              wake_o
);
  logic due, tokens, waits, gives_up;
  logic [31:0] doubled;
  logic [63:0] user_at_us, rto_at_us, least_us;

  always @* begin
    {due, tokens, waits, gives_up, doubled, user_at_us, rto_at_us, least_us} = 'x;
    {expired_o, wake_o} = 'x;
    ctx_o = 'x;
    cc_o  = 'x;
    if (en_i) begin
      due        = ctx_i.open && ctx_i.rto_vld && now_us_i >= ctx_i.rto_at_us;
      tokens     = ctx_i.open && ctx_i.pace_wait && now_us_i >= ctx_i.pace_at_us;
      expired_o  = due;
      waits      = (ctx_i.una != ctx_i.max);
      doubled    = nic_pkg::min32({ctx_i.rto_us[30:0], 1'b0}, 32'(nic_pkg::RtoMaxUs));
      user_at_us = nic_pkg::user_deadline(ctx_i.stuck_us, ctx_i.user_timeout_ms);
      gives_up   = (ctx_i.user_timeout_ms != '0) ? waits && ctx_i.retries != '0 && now_us_i >= user_at_us
                                                 : ctx_i.retries >= 4'(nic_pkg::MaxRetries);
      // What goes again for the first time has its RTO to be acknowledged before the user timeout counts.
      least_us   = now_us_i + ((ctx_i.retries == '0) ? 64'(ctx_i.rto_us) : 64'd0);
      rto_at_us  = now_us_i + 64'(doubled);

      ctx_o       = ctx_i;
      cc_o        = '0;
      cc_o.sack   = ctx_i.sack_ok;
      cc_o.first  = (ctx_i.backoff == '0);
      cc_o.flight = ctx_i.max - ctx_i.una;
      wake_o      = due || tokens;
      if (tokens) ctx_o.pace_wait = 1'b0;
      if (due && gives_up) begin
        ctx_o.gave_up    = 1'b1;                         // dd_next tells the host
        ctx_o.told_flags = 1'b0;
        ctx_o.rto_vld    = 1'b0;
      end else if (due) begin
        ctx_o.nxt       = ctx_i.una;                     // go back: what is cut anew carries the same bytes
        ctx_o.probe     = (ctx_i.wnd == '0) || !waits;
        ctx_o.rto_us    = doubled;
        ctx_o.rto_at_us = nic_pkg::min64(rto_at_us, (ctx_i.user_timeout_ms != '0 && waits) ? nic_pkg::max64(user_at_us, least_us)
                                                                                             : rto_at_us);
        if (ctx_i.retries != '1) ctx_o.retries = ctx_i.retries + 4'd1;
        if (ctx_i.backoff != '1) ctx_o.backoff = ctx_i.backoff + 4'd1;
        if (waits) begin
          ctx_o.recovery    = 1'b0;
          ctx_o.rxt_first   = 1'b0;
          ctx_o.recover     = ctx_i.max;
          ctx_o.dup_acks    = '0;
          ctx_o.sack_n      = '0;                        // the receiver may have thrown it away (RFC 2018 section 8)
          ctx_o.sack0_start = '0;
          ctx_o.sack0_end   = '0;
          ctx_o.sack1_start = '0;
          ctx_o.sack1_end   = '0;
          ctx_o.sack2_start = '0;
          ctx_o.sack2_end   = '0;
          ctx_o.sack3_start = '0;
          ctx_o.sack3_end   = '0;
          if (ctx_i.nxt != ctx_i.una) cc_o.kind = CcTimeout;   // else a probe alone was refused: that tells nothing of the network
        end
      end
    end
  end
endmodule
`default_nettype wire
