// SPDX-License-Identifier: Apache-2.0
// fifo: nothing is lost, invented, changed or overtaken. Any one word is tagged as it is pushed; it comes out unchanged after
// exactly the words that were before it. With Through it may leave in the cycle in which it comes.
//
//@ rtl rtl/prim/fifo.sv
//@ prove pdr Depth=4
//@ prove pdr Depth=8
//@ prove pdr Depth=4 Through=1
//@ mutant rtl/prim/fifo.sv `!count_o[LgDepth]` `1'b1` : takes a word when full
//@ mutant rtl/prim/fifo.sv `!empty && ready_i` `ready_i` : pops when empty
//@ mutant rtl/prim/fifo.sv `mem[wr_q[LgDepth-1:0]] <= data_i` `mem[rd_q[LgDepth-1:0]] <= data_i` : writes the wrong word
//@ mutant rtl/prim/fifo.sv `&& ready_o && !(Through && empty && ready_i)` `&& ready_o` : what passed through stays, too : 3
`default_nettype none
`include "fv.svh"
module fifo_fv #(
    parameter int W = 1,
    parameter int Depth = 4,
    parameter bit Through = 1'b0,
    parameter int LgDepth = $clog2(Depth)
) (
    input wire logic         clk_i,
    input wire logic         valid_i,
    input wire logic         ready_i,
    input wire logic [W-1:0] data_i,
    input wire logic         tag_i       // tag the word of this cycle
);
  `FV_RESET
  logic ready, valid, push, pop, through;
  logic [W-1:0] data;
  logic [LgDepth:0] count;
  fifo #(.W(W), .Depth(Depth), .Through(Through)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .valid_i(valid_i), .ready_o(ready), .data_i(data_i), .valid_o(valid), .ready_i(ready_i),
      .data_o(data), .count_o(count));
  stream_rule #(.W(W), .Give(0)) u_in (.clk_i(clk_i), .rst_n(rst_n), .valid_i(valid_i), .ready_i(ready), .data_i(data_i));
  stream_rule #(.W(W)) u_out (.clk_i(clk_i), .rst_n(rst_n), .valid_i(valid), .ready_i(ready_i), .data_i(data));

  logic [LgDepth:0] held, ahead;         // words inside; words before the tagged one
  logic tagged;
  logic [W-1:0] word;
  assign through = Through && held == '0;  // the word at the output is the word at the input
  assign push = valid_i && ready && !(through && ready_i);
  assign pop  = valid && ready_i && !through;
  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      held   <= '0;
      tagged <= 1'b0;
    end else begin
      held <= held + (LgDepth + 1)'(push) - (LgDepth + 1)'(pop);
      if (!tagged && tag_i && push) begin
        tagged <= 1'b1;
        word   <= data_i;
        ahead  <= held - (LgDepth + 1)'(pop);
      end else if (tagged && pop) begin
        tagged <= (ahead != '0);
        ahead  <= ahead - 1'b1;
      end
    end
  end
  `FV_ASSERT(count == held)
  `FV_ASSERT(ready == (held != (LgDepth + 1)'(Depth)))
  `FV_ASSERT(valid == (held != '0 || (through && valid_i)))
  `FV_ASSERT(!(through && valid_i) || data == data_i)
  `FV_ASSERT(!tagged || ahead < held)
  `FV_ASSERT(!tagged || ahead != '0 || data == word)
endmodule
`default_nettype wire
