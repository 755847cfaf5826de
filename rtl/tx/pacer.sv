// SPDX-License-Identifier: Apache-2.0
// Pacing: what a flow's token bucket holds now; combinational. The C twin is tokens() in dpi/tcp/core/snd.c.
//
//     tokens at pace_tick + pace_rate bytes for each tick of 1.024 ms since, at most pace_burst
//
//   Data may leave while the bucket holds 0 or more; what leaves may make it less, which later ticks pay back. What nobody used
//   for a second is lost. Rate 0: no pacing.
`default_nettype none
module pacer (
    input  wire logic [31:0] rate_i,        // bytes a tick
    input  wire logic [31:0] burst_i,       // bytes, below 2^31
    input  wire logic [31:0] tokens_i,      // two's complement
    input  wire logic [31:0] tick_i,
    input  wire logic [31:0] now_tick_i,
    output logic [31:0]      tokens_o,      // means nothing without pacing
    output logic             open_o         // data may leave
);
  logic [31:0] since;
  logic [9:0] ticks;
  logic [43:0] sum;

  always @* begin
    {since, ticks, sum} = 'x;
    tokens_o = 'x;
    open_o   = 1'b1;
    if (rate_i != '0) begin
      since    = now_tick_i - tick_i;
      ticks    = (since > 32'd1023) ? 10'd1023 : since[9:0];
      sum      = {{12{tokens_i[31]}}, tokens_i} + 44'(rate_i) * 44'(ticks);
      tokens_o = (!sum[43] && sum > 44'(burst_i)) ? burst_i : sum[31:0];
      open_o   = !tokens_o[31];
    end
  end
endmodule
`default_nettype wire
