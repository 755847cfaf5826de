// SPDX-License-Identifier: Apache-2.0
// tx_mux: the beats of each source come out unchanged, in order, whole frames together; a frame that waits sees at most one of the
// other source's before it; the output keeps the stream's contract.
//
//@ rtl rtl/tx/tx_mux.sv
//@ prove pdr
//@ mutant rtl/tx/tx_mux.sv `busy_q ? sel_b_q : ` `` : frames interleave
//@ mutant rtl/tx/tx_mux.sv `(!a_valid_i || !sel_b_q)` `1'b1` : the slow path starves the assembler
//@ mutant rtl/tx/tx_mux.sv `assign en        = !valid_o || ready_i` `assign en        = 1'b1` : a beat that waits is overwritten
`default_nettype none
`include "fv.svh"
module tx_mux_fv (
    input wire logic       clk_i,
    input wire logic       a_valid_i,
    input wire logic [2:0] a_data_i,     // the beat without its source: two bits of data, one of nbytes
    input wire logic       a_last_i,
    input wire logic       b_valid_i,
    input wire logic [2:0] b_data_i,
    input wire logic       b_last_i,
    input wire logic       ready_i
);
  `FV_RESET
  localparam int DataW = 16;
  logic a_ready, b_ready, valid, last, idle;
  logic [DataW-1:0] data;
  logic [1:0] nbytes;
  // Lane 1 says the source.
  tx_mux #(.DataW(DataW)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n),
      .a_valid_i(a_valid_i), .a_ready_o(a_ready), .a_data_i({8'd0, 6'd0, a_data_i[1:0]}), .a_nbytes_i({1'b1, a_data_i[2]}), .a_last_i(a_last_i),
      .b_valid_i(b_valid_i), .b_ready_o(b_ready), .b_data_i({8'd1, 6'd0, b_data_i[1:0]}), .b_nbytes_i({1'b1, b_data_i[2]}), .b_last_i(b_last_i),
      .valid_o(valid), .ready_i(ready_i), .data_o(data), .nbytes_o(nbytes), .last_o(last), .idle_o(idle));
  stream_rule #(.W(4), .Give(0)) u_a (.clk_i(clk_i), .rst_n(rst_n), .valid_i(a_valid_i), .ready_i(a_ready), .data_i({a_data_i, a_last_i}));
  stream_rule #(.W(4), .Give(0)) u_b (.clk_i(clk_i), .rst_n(rst_n), .valid_i(b_valid_i), .ready_i(b_ready), .data_i({b_data_i, b_last_i}));
  stream_rule #(.W(DataW + 3)) u_out (.clk_i(clk_i), .rst_n(rst_n), .valid_i(valid), .ready_i(ready_i), .data_i({data, nbytes, last}));

  logic a_take, b_take, out, from_b;
  assign a_take = a_valid_i && a_ready;
  assign b_take = b_valid_i && b_ready;
  assign out    = valid && ready_i;
  assign from_b = data[8];

  logic held, held_b, held_last;         // the beat inside, by the model
  logic [2:0] held_data;
  logic mid, mid_b;                      // inside a frame at the output, and whose
  logic [1:0] a_waits, b_waits;          // frames of the other that began while this one waited
  logic in_mid;                          // inside a frame at the input
  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      held    <= 1'b0;
      mid     <= 1'b0;
      in_mid  <= 1'b0;
      a_waits <= '0;
      b_waits <= '0;
    end else begin
      if (out) held <= 1'b0;
      if (a_take || b_take) begin
        held      <= 1'b1;
        held_b    <= b_take;
        held_data <= b_take ? b_data_i : a_data_i;
        held_last <= b_take ? b_last_i : a_last_i;
        in_mid    <= !(b_take ? b_last_i : a_last_i);
      end
      if (out) begin
        mid   <= !last;
        mid_b <= from_b;
      end
      a_waits <= (!a_valid_i || a_take) ? '0 : a_waits + 2'(b_take && !in_mid);
      b_waits <= (!b_valid_i || b_take) ? '0 : b_waits + 2'(a_take && !in_mid);
    end
  end
  `FV_ASSERT(!(a_take && b_take))
  `FV_ASSERT(valid == held)
  `FV_ASSERT(!valid || (from_b == held_b && {nbytes[0], data[1:0]} == held_data && last == held_last))
  `FV_ASSERT(!valid || !mid || from_b == mid_b)
  `FV_ASSERT(a_waits <= 2'd1 && b_waits <= 2'd1)
  `FV_ASSERT(!idle || (!held && !mid))
  // Nobody waits while the output is free.
  `FV_ASSERT(!(a_valid_i && b_valid_i) || a_take || b_take || (valid && !ready_i))
endmodule
`default_nettype wire
