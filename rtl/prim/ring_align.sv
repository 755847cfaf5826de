// SPDX-License-Identifier: Apache-2.0
// Takes DataW bits that start at any byte out of the two lines a ring read returned; combinational.
`default_nettype none
module ring_align #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic [DataW-1:0] rdata0_i,
    input  wire logic [DataW-1:0] rdata1_i,
    input  wire logic             odd_i,      // the first byte is in bank 1
    input  wire logic [LgB-1:0]   off_i,
    output logic [DataW-1:0]      data_o
);
  logic [DataW-1:0] first, second;
  logic [LgB+3:0] down, up;
  assign first  = odd_i ? rdata1_i : rdata0_i;
  assign second = odd_i ? rdata0_i : rdata1_i;
  assign down   = {1'b0, off_i, 3'b000};
  assign up     = (LgB + 4)'(DataW) - down;
  assign data_o = (first >> down) | (second << up);
endmodule
`default_nettype wire
