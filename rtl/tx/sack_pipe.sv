// SPDX-License-Identifier: Apache-2.0
// Bytes thought to be in the network (RFC 6675 section 4, SetPipe), and the edge below which holes count as lost; combinational.
//   In recovery with SACK: what is neither SACKed nor lost, and what was sent again. Otherwise: what is out and not SACKed.
// The C twin is snd_pipe() in dpi/tcp/core.
`default_nettype none
`include "nic_types.svh"
module sack_pipe (
    input  wire logic         en_i,        // else the outputs mean nothing
    input  snd_ctx_t          ctx_i,
    input  wire logic [127:0] starts_i,
    input  wire logic [127:0] ends_i,
    output logic [31:0]       pipe_o,
    output logic [31:0]       lost_edge_o  // in recovery with SACK
);
  logic by_sack;
  logic [31:0] high_rxt, out, again;

  always @* begin
    {by_sack, high_rxt} = 'x;
    if (en_i) begin
      by_sack  = ctx_i.recovery && ctx_i.sack_ok;
      high_rxt = nic_pkg::seq_max(ctx_i.high_rxt, ctx_i.una);
    end
  end
  sack_lost u_lost (
      .en_i(by_sack), .start_i(starts_i), .end_i(ends_i), .n_i(ctx_i.sack_n), .mss_i(ctx_i.mss), .una_i(ctx_i.una),
      .edge_o(lost_edge_o));
  sack_holes u_out (
      .en_i(en_i), .start_i(starts_i), .end_i(ends_i), .n_i(ctx_i.sack_n), .from_i(by_sack ? lost_edge_o : ctx_i.una),
      .to_i(by_sack ? ctx_i.max : ctx_i.nxt), .bytes_o(out));
  sack_holes u_again (
      .en_i(by_sack), .start_i(starts_i), .end_i(ends_i), .n_i(ctx_i.sack_n), .from_i(ctx_i.una), .to_i(high_rxt),
      .bytes_o(again));
  assign pipe_o = by_sack ? out + again : out;
endmodule
`default_nettype wire
