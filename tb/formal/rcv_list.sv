// SPDX-License-Identifier: Apache-2.0
// The ranges that a flow holds ahead of RCV.NXT: whether the list is well formed (disjoint, not touching, inside (RCV.NXT, end of
// window]; places not in use hold 0), and whether a byte is in it; combinational. All in distances from RCV.NXT.
`default_nettype none
module rcv_list (
    input  wire logic [31:0]  nxt_i,
    input  wire logic [31:0]  end_i,     // of the window
    input  wire logic [2:0]   n_i,
    input  wire logic [255:0] list_i,
    input  wire logic [31:0]  byte_i,
    output logic              ok_o,
    output logic              there_o
);
  logic [31:0] a, b, c, d;
  always @* begin
    ok_o    = (n_i <= 3'd4);
    there_o = 1'b0;
    a = '0;
    b = '0;
    c = '0;
    d = '0;
    for (int i = 0; i < 4; i++) begin
      a = list_i[64*i+32 +: 32] - nxt_i;
      b = list_i[64*i +: 32] - nxt_i;
      if (3'(i) >= n_i) begin
        if (list_i[64*i +: 64] != '0) ok_o = 1'b0;
      end else begin
        if (a == '0 || a >= b || b > end_i - nxt_i) ok_o = 1'b0;
        if (byte_i - nxt_i >= a && byte_i - nxt_i < b) there_o = 1'b1;
        for (int j = 0; j < i; j++) begin
          c = list_i[64*j+32 +: 32] - nxt_i;
          d = list_i[64*j +: 32] - nxt_i;
          if (!(b < c || d < a)) ok_o = 1'b0;
        end
      end
    end
  end
endmodule
`default_nettype wire
