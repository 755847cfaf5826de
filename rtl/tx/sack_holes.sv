// SPDX-License-Identifier: Apache-2.0
// Scoreboard: how many bytes of [from, to) are not SACKed; combinational. The four intervals are cut to the range at once.
`default_nettype none
module sack_holes (
    input  wire logic         en_i,         // else the output means nothing
    input  wire logic [127:0] start_i,      // disjoint
    input  wire logic [127:0] end_i,
    input  wire logic [2:0]   n_i,
    input  wire logic [31:0]  from_i,
    input  wire logic [31:0]  to_i,         // not above `from`: 0 bytes
    output logic [31:0]       bytes_o
);
  logic [127:0] covered;
  logic [31:0] lo, hi, sum, range;

  always @* begin
    {covered, lo, hi, sum, range} = 'x;
    bytes_o = 'x;
    if (en_i) begin
      covered = '0;
      for (int i = 0; i < 4; i++) begin
        lo = nic_pkg::seq_max(start_i[32*i +: 32], from_i);
        hi = nic_pkg::seq_min(end_i[32*i +: 32], to_i);
        if ((3'(i) < n_i) && nic_pkg::seq_lt(lo, hi)) covered[32*i +: 32] = hi - lo;
      end
      range   = to_i - from_i;
      sum     = (covered[31:0] + covered[63:32]) + (covered[95:64] + covered[127:96]);
      bytes_o = nic_pkg::seq_lt(from_i, to_i) ? range - sum : '0;
    end
  end
endmodule
`default_nettype wire
