// SPDX-License-Identifier: Apache-2.0
// Rotates a beat left (towards higher lanes) by n_i bytes; combinational.
`default_nettype none
module rotl_bytes #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic [DataW-1:0] data_i,
    input  wire logic [LgB-1:0]   n_i,
    output logic [DataW-1:0]      data_o
);
  logic [LgB+3:0] left, right;
  assign left   = {1'b0, n_i, 3'b000};
  assign right  = (LgB + 4)'(DataW) - left;
  assign data_o = (data_i << left) | (data_i >> right);
endmodule
`default_nettype wire
