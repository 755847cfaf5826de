// SPDX-License-Identifier: Apache-2.0
// csum_beat: the beat is masked byte by byte, at full width; and at small width its sum, folded and swapped, is the ones'
// complement sum of RFC 1071 taken byte by byte: even bytes are the high halves of words, odd ones the low halves. Sums of several
// lanes are plain additions; their folding is proven for every sum there can be.
//
//@ rtl rtl/nic_pkg.sv rtl/prim/csum_beat.sv
//@ prove comb DataW=512 Sum=0
//@ prove comb DataW=32
//@ mutant rtl/prim/csum_beat.sv `if (hi_i != B)` `if (hi_i == B)` : the wrong bytes masked
//@ mutant rtl/nic_pkg.sv `csum_fold = b[15:0] + 16'(b[16])` `csum_fold = b[15:0]` : the last carry lost : 2
`default_nettype none
module csum_beat_fv #(
    parameter int DataW = 32,
    parameter int Sum = 1,
    parameter int LgB = $clog2(DataW / 8)
) (
    input wire logic [DataW-1:0] data_i,
    input wire logic [LgB:0]     lo_i,
    input wire logic [LgB:0]     hi_i,
    input wire logic [39:0]      any_i       // any running sum
);
  localparam int B = DataW / 8;
  logic [DataW-1:0] data, masked;
  logic [39:0] sum;
  logic [23:0] plain;
  logic pre;
  csum_beat #(.DataW(DataW)) u_dut (.data_i(data_i), .lo_i(lo_i), .hi_i(hi_i), .data_o(data), .sum_o(sum));

  always @* begin
    masked = '0;
    plain  = '0;
    for (int i = 0; i < B; i++) begin
      if (i >= lo_i && i < hi_i) masked[8*i +: 8] = data_i[8*i +: 8];
      if (Sum != 0) plain = plain + ((i % 2 == 0) ? 24'({masked[8*i +: 8], 8'd0}) : 24'(masked[8*i +: 8]));
    end
    // End-around carry until nothing is left above 16 bits.
    plain = 24'(plain[15:0]) + 24'(plain[23:16]);
    plain = 24'(plain[15:0]) + 24'(plain[23:16]);
  end
  // The folding by itself, for every sum: end-around carry until nothing is left above 16 bits.
  logic [23:0] once, twice, thrice;
  assign once   = 24'(any_i[15:0]) + 24'(any_i[31:16]) + 24'(any_i[39:32]);
  assign twice  = 24'(once[15:0]) + 24'(once[23:16]);
  assign thrice = 24'(twice[15:0]) + 24'(twice[23:16]);
  always @* assert({8'd0, nic_pkg::csum_fold(any_i)} == thrice);

  always @* begin
    pre = lo_i <= (LgB + 1)'(B) && hi_i <= (LgB + 1)'(B);
    assert(!pre || data == masked);
    if (Sum != 0) assert(!pre || nic_pkg::swap16(nic_pkg::csum_fold(sum)) == plain[15:0]);
  end
endmodule
`default_nettype wire
