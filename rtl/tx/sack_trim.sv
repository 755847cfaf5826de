// SPDX-License-Identifier: Apache-2.0
// Scoreboard: forgets all below an edge, as SND.UNA advances; combinational. The list is in rising order; places beyond n hold
// 0. Which intervals lie below is found at once; the others move down together.
`default_nettype none
module sack_trim (
    input  wire logic         en_i,         // else the outputs mean nothing
    input  wire logic [127:0] start_i,
    input  wire logic [127:0] end_i,
    input  wire logic [2:0]   n_i,
    input  wire logic [31:0]  edge_i,
    output logic [127:0]      start_o,
    output logic [127:0]      end_o,
    output logic [2:0]        n_o
);
  logic [3:0] gone, cut;
  logic [2:0] removed;
  logic [127:0] start;

  always @* begin
    {gone, cut, removed, start} = 'x;
    {start_o, end_o, n_o} = 'x;
    if (en_i) begin
      gone  = '0;
      cut   = '0;
      start = start_i;
      for (int i = 0; i < 4; i++) begin
        gone[i] = (3'(i) < n_i) && nic_pkg::seq_leq(end_i[32*i +: 32], edge_i);
        cut[i]  = (3'(i) < n_i) && nic_pkg::seq_lt(start_i[32*i +: 32], edge_i);
        if (cut[i]) start[32*i +: 32] = edge_i;
      end
      removed = 3'(gone[0]) + 3'(gone[1]) + 3'(gone[2]) + 3'(gone[3]);
      n_o     = n_i - removed;
      case (removed)
        3'd0: begin start_o = start; end_o = end_i; end
        3'd1: begin start_o = 128'(start[127:32]); end_o = 128'(end_i[127:32]); end
        3'd2: begin start_o = 128'(start[127:64]); end_o = 128'(end_i[127:64]); end
        3'd3: begin start_o = 128'(start[127:96]); end_o = 128'(end_i[127:96]); end
        default: begin start_o = '0; end_o = '0; end
      endcase
    end
  end
endmodule
`default_nettype wire
