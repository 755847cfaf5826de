// SPDX-License-Identifier: Apache-2.0
// Index of the lowest set bit; combinational, by halving. index_o is 0 when no bit is set. W is a power of two.
`default_nettype none
module first_one #(
    parameter int W = 64,
    parameter int LgW = $clog2(W)
) (
    input  wire logic [W-1:0]   bits_i,
    output logic [LgW-1:0]      index_o
);
  logic [W-1:0] rest, half;
  always_comb begin
    rest = bits_i;
    index_o = '0;
    half = '0;
    if (bits_i != '0) begin
      for (int s = LgW - 1; s >= 0; s--) begin
        half = rest << (W - (1 << s));
        if (half == '0) begin
          index_o[s] = 1'b1;
          rest = rest >> (1 << s);
        end
      end
    end
  end
endmodule
`default_nettype wire
