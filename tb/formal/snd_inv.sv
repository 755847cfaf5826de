// SPDX-License-Identifier: Apache-2.0
// What is always true of a flow's send context, the end of what the host enqueued, and its FIN; combinational. All is said in
// distances from una, so that it holds modulo 2^32.
//
//     una <= nxt <= max <= tail, and at most a ring of data from una to tail
//     the scoreboard: in rising order, disjoint, not touching, inside una .. max; places not in use hold 0
//     in recovery: una <= high_rxt <= max
`default_nettype none
`include "nic_types.svh"
module snd_inv #(
    parameter int TxBufBytes = 32768
) (
    input  snd_ctx_t         ctx_i,
    input  wire logic [31:0] tail_i,
    input  wire logic        fin_i,
    output logic             ok_o
);
  logic [31:0] nxt, max, tail, start, stop, edge_q;
  logic [127:0] starts, ends;
  assign starts = {ctx_i.sack3_start, ctx_i.sack2_start, ctx_i.sack1_start, ctx_i.sack0_start};
  assign ends   = {ctx_i.sack3_end, ctx_i.sack2_end, ctx_i.sack1_end, ctx_i.sack0_end};
  assign nxt    = ctx_i.nxt - ctx_i.una;
  assign max    = ctx_i.max - ctx_i.una;
  assign tail   = tail_i - ctx_i.una;
  always @* begin
    ok_o   = nxt <= max && max <= tail && tail <= 32'(TxBufBytes) + 32'(fin_i) && ctx_i.sack_n <= 3'd4;
    edge_q = '0;
    start  = '0;
    stop   = '0;
    for (int i = 0; i < 4; i++) begin
      start = starts[32*i +: 32] - ctx_i.una;
      stop  = ends[32*i +: 32] - ctx_i.una;
      if (3'(i) < ctx_i.sack_n) begin
        if (i == 0 ? start > max : start <= edge_q) ok_o = 1'b0;
        if (start >= stop || stop > max) ok_o = 1'b0;
      end else if (starts[32*i +: 32] != '0 || ends[32*i +: 32] != '0) begin
        ok_o = 1'b0;
      end
      edge_q = stop;
    end
    if (ctx_i.recovery && ctx_i.high_rxt - ctx_i.una > max) ok_o = 1'b0;
  end
endmodule
`default_nettype wire
