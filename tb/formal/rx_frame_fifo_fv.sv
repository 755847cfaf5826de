// SPDX-License-Identifier: Apache-2.0
// rx_frame_fifo: the committed beats come out in order and unchanged, those of a dropped frame never, and a drop gives back
// exactly the room that the frame took. The reader keeps its side: it asks only for committed beats (a verdict follows a commit).
//
//@ rtl rtl/rx/rx_frame_fifo.sv
//@ prove pdr Depth=4
//@ mutant rtl/rx/rx_frame_fifo.sv `w_drop_i ? commit_q : wr_next` `wr_next` : a dropped frame stays
//@ mutant rtl/rx/rx_frame_fifo.sv `if (w_commit_i) commit_q` `commit_q` : a drop gives back only its last beat
//@ mutant rtl/rx/rx_frame_fifo.sv `assign w_full_o = used[LgDepth]` `assign w_full_o = 1'b0` : overwrites what is unread
`default_nettype none
`include "fv.svh"
module rx_frame_fifo_fv #(
    parameter int Depth = 4,
    parameter int LgDepth = $clog2(Depth)
) (
    input wire logic             clk_i,
    input wire logic             w_valid_i,
    input wire logic             w_data_i,
    input wire logic             w_commit_i,
    input wire logic             w_drop_i,
    input wire logic             re_i,
    input wire logic [LgDepth:0] adv_i,
    input wire logic             tag_i       // tag the beat of this cycle
);
  `FV_RESET
  logic full, rdata, empty, push;
  rx_frame_fifo #(.DataW(1), .Depth(Depth)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .w_valid_i(w_valid_i), .w_data_i(w_data_i), .w_commit_i(w_commit_i), .w_drop_i(w_drop_i),
      .w_full_o(full), .re_i(re_i), .adv_i(11'(adv_i)), .rdata_o(rdata), .empty_o(empty));

  logic [LgDepth:0] done, open, ahead;   // beats committed and unread; of the frame being written; before the tagged one
  logic tagged, tag_open, word;          // tag_open: its frame is not committed yet
  logic expect_q, expect_word_q;         // rdata_o is the tagged beat's
  `FV_ASSUME(!(w_commit_i && w_drop_i))
  `FV_ASSUME(adv_i <= done)
  `FV_ASSUME(!re_i || done != '0)

  assign push = w_valid_i && !full;
  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      done     <= '0;
      open     <= '0;
      tagged   <= 1'b0;
      expect_q <= 1'b0;
    end else begin
      done <= done - adv_i + (w_commit_i ? open + (LgDepth + 1)'(push) : '0);
      open <= (w_drop_i || w_commit_i) ? '0 : open + (LgDepth + 1)'(push);
      if (!tagged) begin
        tagged   <= tag_i && push && !w_drop_i;
        tag_open <= !w_commit_i;
        word     <= w_data_i;
        ahead    <= done + open - adv_i;
      end else begin
        if (w_commit_i) tag_open <= 1'b0;
        if ((tag_open && w_drop_i) || adv_i > ahead) tagged <= 1'b0;
        ahead <= ahead - adv_i;
      end
      if (re_i) begin
        expect_q      <= tagged && ahead == '0;
        expect_word_q <= word;
      end
    end
  end
  `FV_ASSERT(full == (done + open == (LgDepth + 1)'(Depth)))
  `FV_ASSERT(empty == (done + open == '0))
  `FV_ASSERT(!tagged || (tag_open ? ahead >= done && ahead < done + open : ahead < done))
  `FV_ASSERT(!expect_q || rdata == expect_word_q)
endmodule
`default_nettype wire
