// SPDX-License-Identifier: Apache-2.0
// CUBIC's curve (RFC 9438 section 4.2) in integers, time in ticks of 1.024 ms, windows in bytes; combinational. The C twin is
// dpi/tcp/core/cubic.c.
//
//     W(t) = C * (t - K)^3 + W_max, C = 0.4 segments / s^3       C * (1.024 ms)^3 = 472 / 2^40 segments
//     K    = cbrt((W_max - cwnd) / (C * MSS)), by logarithms:    2^((log2 (W_max - cwnd) - log2 MSS + 31.12) / 3)
//
//   log2 is the place of the leading one and a table of 64 for the six bits behind it; 2^x likewise. K is within 1 %.
`default_nettype none
module cubic_curve (
    input  wire logic [15:0] mss_i,
    input  wire logic [31:0] below_i,      // W_max - cwnd, as an epoch begins
    output logic [31:0]      k_o,          // 0 when below_i is 0
    input  wire logic [31:0] w_max_i,
    input  wire logic [31:0] k_i,
    input  wire logic [31:0] ticks_i,
    output logic [31:0]      window_o      // at most CwndMax
);
  // round(256 * log2(1 + (i + 0.5) / 64)) and round(256 * 2^((i + 0.5) / 64)), entry 0 in the lowest bits.
  logic [511:0] log2_rom;
  logic [575:0] exp2_rom;
  assign log2_rom = {
    8'd255, 8'd252, 8'd249, 8'd246, 8'd243, 8'd240, 8'd237, 8'd234, 8'd231, 8'd228, 8'd224, 8'd221, 8'd218, 8'd215, 8'd212, 8'd208,
    8'd205, 8'd202, 8'd198, 8'd195, 8'd192, 8'd188, 8'd185, 8'd181, 8'd178, 8'd174, 8'd170, 8'd167, 8'd163, 8'd159, 8'd155, 8'd152,
    8'd148, 8'd144, 8'd140, 8'd136, 8'd132, 8'd128, 8'd124, 8'd120, 8'd116, 8'd111, 8'd107, 8'd103, 8'd98, 8'd94, 8'd89, 8'd85,
    8'd80, 8'd75, 8'd71, 8'd66, 8'd61, 8'd56, 8'd51, 8'd46, 8'd41, 8'd36, 8'd30, 8'd25, 8'd20, 8'd14, 8'd9, 8'd3};
  assign exp2_rom = {
    9'd509, 9'd504, 9'd498, 9'd493, 9'd488, 9'd482, 9'd477, 9'd472, 9'd467, 9'd462, 9'd457, 9'd452, 9'd447, 9'd442, 9'd438, 9'd433,
    9'd428, 9'd424, 9'd419, 9'd415, 9'd410, 9'd406, 9'd401, 9'd397, 9'd393, 9'd388, 9'd384, 9'd380, 9'd376, 9'd372, 9'd368, 9'd364,
    9'd360, 9'd356, 9'd352, 9'd349, 9'd345, 9'd341, 9'd337, 9'd334, 9'd330, 9'd327, 9'd323, 9'd320, 9'd316, 9'd313, 9'd309, 9'd306,
    9'd303, 9'd300, 9'd296, 9'd293, 9'd290, 9'd287, 9'd284, 9'd281, 9'd278, 9'd275, 9'd272, 9'd269, 9'd266, 9'd263, 9'd260, 9'd257};

  // --- K ------------------------------------------------------------------------------------------------------------
  // The operands shifted so that the leading one stands at bit 31; how far is the characteristic.
  logic [31:0] below, mss;
  logic [4:0] below_e, mss_e, shift;
  logic [13:0] below_log, mss_log, log;
  logic [29:0] third;
  logic [39:0] power;
  assign below_log = {1'b0, below_e, 8'd0} + 14'(log2_rom[8*below[30:25] +: 8]);
  assign mss_log   = {1'b0, mss_e, 8'd0} + 14'(log2_rom[8*mss[30:25] +: 8]);
  assign log       = below_log + 14'd7966 - mss_log;
  assign third     = 30'(log) * 30'd21846;
  assign shift     = third[28:24];
  assign power     = 40'(exp2_rom[9*third[23:18] +: 9]) << shift;
  assign k_o       = (below_i == '0) ? '0 : power[39:8];

  always @* begin
    below   = below_i;
    below_e = 5'd31;
    mss     = {16'd0, mss_i};
    mss_e   = 5'd31;
    for (int s = 4; s >= 0; s--) begin
      if ((below >> (32 - (1 << s))) == '0) begin
        below   = below << (1 << s);
        below_e = below_e - 5'(1 << s);
      end
      if ((mss >> (32 - (1 << s))) == '0) begin
        mss   = mss << (1 << s);
        mss_e = mss_e - 5'(1 << s);
      end
    end
  end

  // --- the window ---------------------------------------------------------------------------------------------------
  logic early;
  logic [31:0] apart, v;
  logic [19:0] d;
  logic [39:0] square;
  logic [49:0] cube;
  logic [56:0] scaled;
  logic [36:0] offset, up;
  assign early    = ticks_i < k_i;
  assign apart    = early ? k_i - ticks_i : ticks_i - k_i;
  assign d        = (apart > 32'hf_ffff) ? 20'hf_ffff : apart[19:0];
  assign square   = 40'(d) * 40'(d);
  assign cube     = 50'(square[39:10]) * 50'(d);
  assign v        = (cube[49:42] != '0) ? 32'hffff_ffff : cube[41:10];
  assign scaled   = 57'(v) * 57'(mss_i) * 57'd472;
  assign offset   = scaled[56:20];
  assign up       = offset + 37'(w_max_i);
  assign window_o = early ? ((offset < 37'(w_max_i)) ? w_max_i - offset[31:0] : '0)
                          : ((up < 37'(nic_pkg::CwndMax)) ? up[31:0] : 32'(nic_pkg::CwndMax));
endmodule
`default_nettype wire
