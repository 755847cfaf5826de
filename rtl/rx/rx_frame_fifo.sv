// SPDX-License-Identifier: Apache-2.0
// Whole frames, committed or dropped at their end; nothing uncommitted can be read.
//
//     write beats ... commit: they become readable      read side: the owner of the verdict walks `beats` of a frame,
//                 ... drop:   the write pointer returns            or skips what is left of it in one cycle
//
// Read latency 1 cycle (re_i -> rdata_o). Depth in beats, a power of two.
`default_nettype none
module rx_frame_fifo #(
    parameter int DataW = 512,
    parameter int Depth = 512,
    parameter int LgDepth = $clog2(Depth)
) (
    input  wire logic             clk_i,
    input  wire logic             rst_ni,
    input  wire logic             w_valid_i,   // ignored when w_full_o
    input  wire logic [DataW-1:0] w_data_i,
    input  wire logic             w_commit_i,  // with or after the last beat
    input  wire logic             w_drop_i,
    output logic                  w_full_o,
    input  wire logic             re_i,        // the beat at the read pointer comes out in the next cycle
    input  wire logic [10:0]      adv_i,       // the read pointer moves on by this much
    output logic [DataW-1:0]      rdata_o,
    output logic                  empty_o      // nothing written, committed or not
);
  logic [DataW-1:0] mem [0:Depth-1];
  logic [LgDepth:0] wr_q, commit_q, rd_q, wr_next, used;

  assign used     = wr_q - rd_q;
  assign w_full_o = used[LgDepth];
  assign empty_o  = (used == '0);
  assign wr_next  = wr_q + (LgDepth + 1)'(w_valid_i && !w_full_o);

  always_ff @(posedge clk_i) begin
    if (w_valid_i && !w_full_o) mem[wr_q[LgDepth-1:0]] <= w_data_i;
    if (re_i) rdata_o <= mem[rd_q[LgDepth-1:0]];
    if (!rst_ni) begin
      wr_q <= '0;
      commit_q <= '0;
      rd_q <= '0;
    end else begin
      wr_q <= w_drop_i ? commit_q : wr_next;
      if (w_commit_i) commit_q <= wr_next;
      rd_q <= rd_q + (LgDepth + 1)'(adv_i);
    end
  end
endmodule
`default_nettype wire
