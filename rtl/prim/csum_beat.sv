// SPDX-License-Identifier: Apache-2.0
// Ones' complement sum of one beat, bytes outside [lo_i, hi_i) taken as zero; combinational.
//   Words are summed as they lie (little-endian 32-bit lanes): the sum is byte-order independent (RFC 1071 section 2.B),
//   so the result is swapped once at the end of the frame. data_o is the masked beat.
`default_nettype none
module csum_beat #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic [DataW-1:0] data_i,
    input  wire logic [LgB:0]     lo_i,     // first byte that counts, 0..B
    input  wire logic [LgB:0]     hi_i,     // one past the last, 0..B
    output logic [DataW-1:0]      data_o,
    output logic [39:0]           sum_o
);
  localparam logic [LgB:0] B = (LgB + 1)'(DataW / 8);
  logic [DataW-1:0] low, high;
  logic [DataW-1:0] ones;
  assign ones = {DataW{1'b1}};

  always_comb begin
    low    = ones;
    high   = ones;
    data_o = '0;
    sum_o  = '0;
    if (hi_i != '0) begin                // else a simulator has nothing to do
      if (lo_i != '0) low = ones << {lo_i, 3'b000};
      if (hi_i != B) high = ~(ones << {hi_i, 3'b000});
      data_o = data_i & low & high;
      for (int i = 0; i < DataW / 32; i++) sum_o = sum_o + 40'(data_o[32*i +: 32]);
    end
  end
endmodule
`default_nettype wire
