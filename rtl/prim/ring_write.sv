// SPDX-License-Identifier: Apache-2.0
// Lines up lanes [lo_i, hi_i) of a beat with a payload ring; registered, latency 1, one beat a cycle.
//   seq_i is the sequence number of lane 0 (also when lane 0 itself is not written).
`default_nettype none
module ring_write #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int RingBytes = 32768,
    parameter int LgB = $clog2(DataW / 8),
    parameter int AddrW = $clog2(NumFlows) + $clog2(RingBytes) - LgB - 1
) (
    input  wire logic               clk_i,
    input  wire logic               rst_ni,
    input  wire logic               valid_i,
    input  wire logic [11:0]        flow_i,
    input  wire logic [31:0]        seq_i,
    input  wire logic [DataW-1:0]   data_i,
    input  wire logic [LgB:0]       lo_i,
    input  wire logic [LgB:0]       hi_i,
    output logic                    we_o,
    output logic [AddrW-1:0]        addr0_o,
    output logic [AddrW-1:0]        addr1_o,
    output logic [DataW/8-1:0]      be0_o,
    output logic [DataW/8-1:0]      be1_o,
    output logic [DataW-1:0]        data_o
);
  localparam int B = DataW / 8;
  logic [AddrW-1:0] addr0, addr1;
  logic odd;
  logic [LgB-1:0] off;
  logic [DataW-1:0] rotated;
  logic [B-1:0] lanes;
  logic [2*B-1:0] spread;

  ring_addr #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RingBytes)) u_addr (
      .flow_i(flow_i), .seq_i(seq_i), .addr0_o(addr0), .addr1_o(addr1), .odd_o(odd), .off_o(off));
  rotl_bytes #(.DataW(DataW)) u_rot (.data_i(data_i), .n_i(off), .data_o(rotated));

  always @* begin
    lanes  = 'x;
    spread = 'x;
    if (valid_i) begin
      lanes  = ({B{1'b1}} << lo_i) & ~({B{1'b1}} << hi_i);
      spread = {{B{1'b0}}, lanes} << off;
    end
  end

  always_ff @(posedge clk_i) begin
    we_o <= rst_ni && valid_i;
    if (valid_i) begin
      addr0_o <= addr0;
      addr1_o <= addr1;
      data_o  <= rotated;
      be0_o   <= odd ? spread[2*B-1:B] : spread[B-1:0];
      be1_o   <= odd ? spread[B-1:0] : spread[2*B-1:B];
    end
  end
endmodule
`default_nettype wire
