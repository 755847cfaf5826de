// SPDX-License-Identifier: Apache-2.0
// Round trip time and retransmission timeout by RFC 6298 section 2, a measurement at a time; combinational. srtt is kept
// times 8 and rttvar times 4; srtt 0 means that nothing was measured yet.
`default_nettype none
module rtt_estimate (
    input  wire logic        en_i,          // else the outputs mean nothing
    input  wire logic [31:0] srtt_i,
    input  wire logic [31:0] rttvar_i,
    input  wire logic [31:0] rtt_i,         // microseconds, at most RtoMaxUs
    output logic [31:0]      srtt_o,
    output logic [31:0]      rttvar_o,
    output logic [31:0]      rto_o
);
  logic [31:0] delta, apart;

  always @* begin
    {delta, apart} = 'x;
    {srtt_o, rttvar_o, rto_o} = 'x;
    if (en_i) begin
      delta = rtt_i - {3'd0, srtt_i[31:3]};
      apart = delta[31] ? 32'd0 - delta : delta;
      if (srtt_i == '0) begin                          // the first: section 2.2
        srtt_o   = (rtt_i == '0) ? 32'd1 : {rtt_i[28:0], 3'd0};
        rttvar_o = {rtt_i[30:0], 1'b0};
      end else begin                                   // section 2.3
        srtt_o   = srtt_i + delta;
        rttvar_o = rttvar_i + apart - {2'd0, rttvar_i[31:2]};
      end
      rto_o = nic_pkg::rto_of(srtt_o, rttvar_o);
    end
  end
endmodule
`default_nettype wire
