// SPDX-License-Identifier: Apache-2.0
// The memory behind a payload ring's port, for simulation: what in a real NIC is an external memory. Not part of
// nic_top. Two banks (even and odd lines), so that any DataW bits at any byte offset are one access.
//   Write: byte enables per bank, one shared data word (a lane is enabled in one bank at most). Read: both banks, data in
//   the cycle after re_i, held until the next.
`default_nettype none
module ring_mem #(
    parameter int DataW = 512,
    parameter int AddrW = 14              // lines of one bank, over all flows
) (
    input  wire logic               clk_i,
    input  wire logic               we_i,
    input  wire logic [AddrW-1:0]   waddr0_i,
    input  wire logic [AddrW-1:0]   waddr1_i,
    input  wire logic [DataW/8-1:0] wbe0_i,
    input  wire logic [DataW/8-1:0] wbe1_i,
    input  wire logic [DataW-1:0]   wdata_i,
    input  wire logic               re_i,
    input  wire logic [AddrW-1:0]   raddr0_i,
    input  wire logic [AddrW-1:0]   raddr1_i,
    output logic [DataW-1:0]        rdata0_o,
    output logic [DataW-1:0]        rdata1_o
);
  logic [DataW-1:0] bank0 [0:(1<<AddrW)-1];
  logic [DataW-1:0] bank1 [0:(1<<AddrW)-1];
  logic [DataW-1:0] mask0, mask1;

  // A whole line is merged and written at once: one indexed write a bank is what the simulators are fast at. Within a packet each
  // lane is written in one bank or the other, so that the second mask is the first one's complement.
  always_comb begin
    mask0 = '0;
    mask1 = '0;
    if (we_i) begin
      for (int i = 0; i < DataW / 8; i++) mask0[8*i +: 8] = {8{wbe0_i[i]}};
      if (wbe1_i == ~wbe0_i) mask1 = ~mask0;
      else for (int i = 0; i < DataW / 8; i++) mask1[8*i +: 8] = {8{wbe1_i[i]}};
    end
  end

  always_ff @(posedge clk_i) begin
    if (we_i && wbe0_i != '0) bank0[waddr0_i] <= (bank0[waddr0_i] & ~mask0) | (wdata_i & mask0);
    if (we_i && wbe1_i != '0) bank1[waddr1_i] <= (bank1[waddr1_i] & ~mask1) | (wdata_i & mask1);
    if (re_i) begin
      rdata0_o <= bank0[raddr0_i];
      rdata1_o <= bank1[raddr1_i];
    end
  end
endmodule
`default_nettype wire
