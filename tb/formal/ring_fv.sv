// SPDX-License-Identifier: Apache-2.0
// ring_write, ring_addr, ring_align: of any one place of a flow's ring. A beat writes it exactly if one of its valid lanes has that
// place as the low bits of its sequence number, and with that lane's byte; no other place, no other flow. A read finds the byte
// of a place in the lane of its sequence number.
//
//@ rtl rtl/prim/rotl_bytes.sv rtl/prim/ring_addr.sv rtl/prim/ring_align.sv rtl/prim/ring_write.sv
//@ prove induct 2 DataW=64 NumFlows=4 RingBytes=64
//@ prove pdr DataW=16 NumFlows=2 RingBytes=8
//@ mutant rtl/prim/ring_addr.sv `line + LineW'(line[0])` `line` : the even bank's line is one too low : 2
//@ mutant rtl/prim/ring_write.sv `odd ? spread[2*B-1:B] : spread[B-1:0]` `spread[B-1:0]` : writes the wrong bank : 2
//@ mutant rtl/prim/ring_write.sv `& ~({B{1'b1}} << hi_i)` `` : writes lanes beyond the end : 2
//@ mutant rtl/prim/ring_align.sv `odd_i ? rdata1_i : rdata0_i` `rdata0_i` : reads the wrong bank first : 2
`default_nettype none
`include "fv.svh"
module ring_fv #(
    parameter int DataW = 16,
    parameter int NumFlows = 2,
    parameter int RingBytes = 8,
    parameter int LgB = $clog2(DataW / 8),
    parameter int LgN = $clog2(NumFlows),
    parameter int LgR = $clog2(RingBytes),
    parameter int AddrW = LgN + LgR - LgB - 1
) (
    input wire logic             clk_i,
    input wire logic             valid_i,
    input wire logic [LgN-1:0]   flow_i,
    input wire logic [31:0]      seq_i,
    input wire logic [DataW-1:0] data_i,
    input wire logic [LgB:0]     lo_i,
    input wire logic [LgB:0]     hi_i,
    input wire logic [LgN-1:0]   rd_flow_i,
    input wire logic [31:0]      rd_seq_i,
    input wire logic [DataW-1:0] rdata0_i,
    input wire logic [DataW-1:0] rdata1_i
);
  `FV_RESET
  wire [LgN-1:0] mine = $anyconst;       // the place
  wire [LgR-1:0] place = $anyconst;
  localparam int B = DataW / 8;
  `FV_ASSUME(lo_i <= (LgB + 1)'(B) && hi_i <= (LgB + 1)'(B))

  // --- write --------------------------------------------------------------------------------------------------------
  logic we, hits;
  logic [AddrW-1:0] addr0, addr1, addr, line;
  logic [B-1:0] be0, be1, be;
  logic [DataW-1:0] data;
  logic [7:0] hit_byte;
  ring_write #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RingBytes)) u_write (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(valid_i), .flow_i(12'(flow_i)), .seq_i(seq_i), .data_i(data_i), .lo_i(lo_i), .hi_i(hi_i),
      .we_o(we), .addr0_o(addr0), .addr1_o(addr1), .be0_o(be0), .be1_o(be1), .data_o(data));
  assign line     = {mine, place[LgR-1:LgB+1]};
  assign addr     = place[LgB] ? addr1 : addr0;
  assign be       = place[LgB] ? be1 : be0;
  assign hits     = we && addr == line && be[place[LgB-1:0]];
  assign hit_byte = data[8*place[LgB-1:0] +: 8];

  logic want_q;
  logic [7:0] want_byte_q;
  logic [LgR-1:0] lane;                  // the lane whose sequence number has this place
  assign lane = place - seq_i[LgR-1:0];
  always_ff @(posedge clk_i) begin
    want_q      <= rst_n && valid_i && flow_i == mine && lane >= LgR'(lo_i) && (LgR + 1)'(lane) < (LgR + 1)'(hi_i);
    want_byte_q <= data_i[8*lane[LgB-1:0] +: 8];
  end
  initial want_q = 1'b0;
  `FV_ASSERT(hits == want_q)
  `FV_ASSERT(!want_q || hit_byte == want_byte_q)

  // --- read ---------------------------------------------------------------------------------------------------------
  logic [AddrW-1:0] raddr0, raddr1, raddr;
  logic odd;
  logic [LgB-1:0] off;
  logic [DataW-1:0] aligned, bank;
  logic [LgR-1:0] rd_lane;
  ring_addr #(.DataW(DataW), .NumFlows(NumFlows), .RingBytes(RingBytes)) u_addr (
      .flow_i(12'(rd_flow_i)), .seq_i(rd_seq_i), .addr0_o(raddr0), .addr1_o(raddr1), .odd_o(odd), .off_o(off));
  ring_align #(.DataW(DataW)) u_align (.rdata0_i(rdata0_i), .rdata1_i(rdata1_i), .odd_i(odd), .off_i(off), .data_o(aligned));
  assign rd_lane = place - rd_seq_i[LgR-1:0];
  assign raddr   = place[LgB] ? raddr1 : raddr0;
  assign bank    = place[LgB] ? rdata1_i : rdata0_i;
  `FV_ASSERT(rd_flow_i != mine || rd_lane >= LgR'(B) || (raddr == line && aligned[8*rd_lane[LgB-1:0] +: 8] == bank[8*place[LgB-1:0] +: 8]))
endmodule
`default_nettype wire
