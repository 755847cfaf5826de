// SPDX-License-Identifier: Apache-2.0
// First-word-fall-through FIFO over a plain memory.
//   push: valid_i and ready_o. pop: valid_o and ready_i. Latency 1 cycle, one in and one out per cycle, also when full
//   is left and empty is entered in the same cycle. count_o: words held. Depth is a power of two.
//   Through: a word that finds it empty is offered in the same cycle (combinational), and held only if it is not taken.
`default_nettype none
module fifo #(
    parameter int W = 8,
    parameter int Depth = 4,
    parameter bit Through = 1'b0,
    parameter int LgDepth = $clog2(Depth)
) (
    input  wire logic             clk_i,
    input  wire logic             rst_ni,
    input  wire logic             valid_i,
    output logic                  ready_o,
    input  wire logic [W-1:0]     data_i,
    output logic                  valid_o,
    input  wire logic             ready_i,
    output logic [W-1:0]          data_o,
    output logic [LgDepth:0]      count_o
);
  logic [W-1:0] mem [0:Depth-1];
  logic [LgDepth:0] wr_q, rd_q;
  logic push, pop, empty;

  assign count_o = wr_q - rd_q;
  assign ready_o = !count_o[LgDepth];
  assign empty   = (count_o == '0);
  assign valid_o = !empty || (Through && valid_i);
  assign data_o  = (Through && empty) ? data_i : mem[rd_q[LgDepth-1:0]];
  assign push    = valid_i && ready_o && !(Through && empty && ready_i);
  assign pop     = !empty && ready_i;

  always_ff @(posedge clk_i) begin
    if (push) mem[wr_q[LgDepth-1:0]] <= data_i;
    if (!rst_ni) begin
      wr_q <= '0;
      rd_q <= '0;
    end else begin
      if (push) wr_q <= wr_q + 1'b1;
      if (pop) rd_q <= rd_q + 1'b1;
    end
  end

`ifdef FORMAL
  always @(posedge clk_i) if (rst_ni) assert(count_o <= (LgDepth + 1)'(Depth));
`endif
endmodule
`default_nettype wire
