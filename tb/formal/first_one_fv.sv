// SPDX-License-Identifier: Apache-2.0
// first_one: the bit it names is set and none below it is; 0 when no bit is set.
//
//@ rtl rtl/prim/first_one.sv
//@ prove comb W=64
//@ prove comb W=4
//@ mutant rtl/prim/first_one.sv `s >= 0` `s >= 1` : forgets the lowest index bit
`default_nettype none
module first_one_fv #(
    parameter int W = 64,
    parameter int LgW = $clog2(W)
) (
    input wire logic [W-1:0] bits_i
);
  logic [LgW-1:0] index;
  first_one #(.W(W)) u_dut (.bits_i(bits_i), .index_o(index));
  always @* begin
    if (bits_i == '0) assert(index == '0);
    else begin
      assert(bits_i[index]);
      assert((bits_i & ~({W{1'b1}} << index)) == '0);
    end
  end
endmodule
`default_nettype wire
