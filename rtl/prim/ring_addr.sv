// SPDX-License-Identifier: Apache-2.0
// Where the bytes from a sequence number on lie in a payload ring; combinational.
//   A byte's place is the low bits of its sequence number. Lines of DataW bits alternate between two banks, so the DataW
//   bits that start at any byte are in line L (one bank) and L + 1 (the other, wrapping inside the flow's ring).
`default_nettype none
module ring_addr #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int RingBytes = 32768,
    parameter int LgB = $clog2(DataW / 8),
    parameter int AddrW = $clog2(NumFlows) + $clog2(RingBytes) - LgB - 1
) (
    input  wire logic [11:0]      flow_i,
    input  wire logic [31:0]      seq_i,
    output logic [AddrW-1:0]      addr0_o,    // even bank
    output logic [AddrW-1:0]      addr1_o,    // odd bank
    output logic                  odd_o,      // line L is in the odd bank
    output logic [LgB-1:0]        off_o       // of the first byte in line L
);
  localparam int LineW = $clog2(RingBytes) - LgB;
  localparam int LgN = $clog2(NumFlows);
  logic [LineW-1:0] line;
  logic [LineW-1:0] even;

  assign line    = seq_i[LgB +: LineW];
  assign even    = line + LineW'(line[0]);
  assign off_o   = seq_i[LgB-1:0];
  assign odd_o   = line[0];
  assign addr0_o = {flow_i[LgN-1:0], even[LineW-1:1]};
  assign addr1_o = {flow_i[LgN-1:0], line[LineW-1:1]};
endmodule
`default_nettype wire
