// SPDX-License-Identifier: Apache-2.0
// Scoreboard: IsLost of RFC 6675 section 4, as an edge: all that is not SACKed below it has three SACKed ranges or more than
// two MSS of SACKed bytes above; combinational. Without such, the edge is SND.UNA.
//
//     una      [####]      [##]     [######]        sums of the lengths from the top, each in a tree of its own;
//              ^ edge: three ranges stand here      the highest interval that has enough gives its start
`default_nettype none
module sack_lost (
    input  wire logic         en_i,         // else the output means nothing
    input  wire logic [127:0] start_i,      // in rising order; places beyond n hold 0
    input  wire logic [127:0] end_i,
    input  wire logic [2:0]   n_i,
    input  wire logic [15:0]  mss_i,
    input  wire logic [31:0]  una_i,
    output logic [31:0]       edge_o
);
  logic [31:0] l0, l1, l2, l3, enough;
  logic [3:0] is_edge;

  always @* begin
    {l0, l1, l2, l3, enough} = 'x;
    is_edge = 'x;
    edge_o  = 'x;
    if (en_i) begin
      l0     = end_i[31:0] - start_i[31:0];
      l1     = end_i[63:32] - start_i[63:32];
      l2     = end_i[95:64] - start_i[95:64];
      l3     = end_i[127:96] - start_i[127:96];
      enough = {15'd0, mss_i, 1'b0};

      is_edge[3] = (n_i > 3'd3) && l3 > enough;
      is_edge[2] = (n_i > 3'd2) && l2 + l3 > enough;
      is_edge[1] = (n_i > 3'd3) || ((n_i > 3'd1) && l1 + l2 + l3 > enough);
      is_edge[0] = (n_i > 3'd2) || ((n_i > 3'd0) && (l0 + l1) + (l2 + l3) > enough);

      edge_o = is_edge[3] ? start_i[127:96] : is_edge[2] ? start_i[95:64] : is_edge[1] ? start_i[63:32]
             : is_edge[0] ? start_i[31:0] : una_i;
    end
  end
endmodule
`default_nettype wire
