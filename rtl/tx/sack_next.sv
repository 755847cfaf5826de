// SPDX-License-Identifier: Apache-2.0
// Scoreboard: the first hole from a sequence number on; combinational.
//
//     from:   inside an interval -> the hole begins at its end          the hole ends at the lowest start above `from`,
//             else               -> it begins at `from`                 at most at `limit`; it may be empty
`default_nettype none
module sack_next (
    input  wire logic         en_i,         // else the outputs mean nothing
    input  wire logic [127:0] start_i,      // in rising order, disjoint and not touching
    input  wire logic [127:0] end_i,
    input  wire logic [2:0]   n_i,
    input  wire logic [31:0]  from_i,
    input  wire logic [31:0]  limit_i,
    output logic [31:0]       start_o,
    output logic [31:0]       end_o
);
  logic [3:0] holds, above;

  always @* begin
    {holds, above} = 'x;
    {start_o, end_o} = 'x;
    if (en_i) begin
      for (int i = 0; i < 4; i++) begin
        above[i] = (3'(i) < n_i) && nic_pkg::seq_lt(from_i, start_i[32*i +: 32]);
        holds[i] = (3'(i) < n_i) && !above[i] && nic_pkg::seq_lt(from_i, end_i[32*i +: 32]);
      end
      start_o = holds[0] ? end_i[31:0] : holds[1] ? end_i[63:32] : holds[2] ? end_i[95:64] : holds[3] ? end_i[127:96] : from_i;
      end_o   = limit_i;
      if (above[0]) end_o = nic_pkg::seq_min(limit_i, start_i[31:0]);
      else if (above[1]) end_o = nic_pkg::seq_min(limit_i, start_i[63:32]);
      else if (above[2]) end_o = nic_pkg::seq_min(limit_i, start_i[95:64]);
      else if (above[3]) end_o = nic_pkg::seq_min(limit_i, start_i[127:96]);
    end
  end
endmodule
`default_nettype wire
