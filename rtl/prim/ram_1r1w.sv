// SPDX-License-Identifier: Apache-2.0
// Memory with one write and one read port and forwarding: a read sees the write of its own cycle.
//   rdata_o is valid in the cycle after re_i and holds until the next re_i.
`default_nettype none
module ram_1r1w #(
    parameter int W = 8,
    parameter int Depth = 64,
    parameter int AddrW = $clog2(Depth)
) (
    input  wire logic             clk_i,
    input  wire logic             we_i,
    input  wire logic [AddrW-1:0] waddr_i,
    input  wire logic [W-1:0]     wdata_i,
    input  wire logic             re_i,
    input  wire logic [AddrW-1:0] raddr_i,
    output logic [W-1:0]          rdata_o
);
  logic [W-1:0] mem [0:Depth-1];
  logic [W-1:0] rdata_q, fwd_q;
  logic hit_q;

  // Not `?:`, which a simulator chooses by anew for each word of it.
  always @* begin
    rdata_o = rdata_q;
    if (hit_q) rdata_o = fwd_q;
  end

  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
    if (re_i) begin
      rdata_q <= mem[raddr_i];
      hit_q   <= we_i && (waddr_i == raddr_i);
      if (we_i) fwd_q <= wdata_i;
    end
  end
endmodule
`default_nettype wire
