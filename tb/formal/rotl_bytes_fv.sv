// SPDX-License-Identifier: Apache-2.0
// rotl_bytes: whatever byte i one looks at, it is at i + n, modulo the number of bytes.
//
//@ rtl rtl/prim/rotl_bytes.sv
//@ prove comb DataW=512
//@ prove comb DataW=64
//@ mutant rtl/prim/rotl_bytes.sv `{1'b0, n_i, 3'b000}` `{1'b0, n_i, 3'b001}` : a bit too far
//@ mutant rtl/prim/rotl_bytes.sv `| (data_i >> right)` `| (data_i >> left)` : the bytes that leave above do not come back below
`default_nettype none
module rotl_bytes_fv #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input wire logic [DataW-1:0] data_i,
    input wire logic [LgB-1:0]   n_i,
    input wire logic [LgB-1:0]   i_i
);
  logic [DataW-1:0] data;
  logic [LgB-1:0] to;
  rotl_bytes #(.DataW(DataW)) u_dut (.data_i(data_i), .n_i(n_i), .data_o(data));
  assign to = i_i + n_i;
  always @* assert(data[8*to +: 8] == data_i[8*i_i +: 8]);
endmodule
`default_nettype wire
