// SPDX-License-Identifier: Apache-2.0
// Merges the slow path's frames with the assembler's onto the transmit stream, whole frames in turn; registered, a beat a
// cycle.
`default_nettype none
module tx_mux #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic             clk_i,
    input  wire logic             rst_ni,
    input  wire logic             a_valid_i,
    output logic                  a_ready_o,
    input  wire logic [DataW-1:0] a_data_i,
    input  wire logic [LgB:0]     a_nbytes_i,
    input  wire logic             a_last_i,
    input  wire logic             b_valid_i,
    output logic                  b_ready_o,
    input  wire logic [DataW-1:0] b_data_i,
    input  wire logic [LgB:0]     b_nbytes_i,
    input  wire logic             b_last_i,
    output logic                  valid_o,
    input  wire logic             ready_i,
    output logic [DataW-1:0]      data_o,
    output logic [LgB:0]          nbytes_o,
    output logic                  last_o,
    output logic                  idle_o
);
  logic busy_q, sel_b_q, sel_b, en, take;

  // Mid-frame the choice stands; between frames whoever did not go last has the turn.
  assign sel_b     = busy_q ? sel_b_q : (b_valid_i && (!a_valid_i || !sel_b_q));
  assign en        = !valid_o || ready_i;
  assign a_ready_o = en && !sel_b;
  assign b_ready_o = en && sel_b;
  assign take      = en && (sel_b ? b_valid_i : a_valid_i);
  assign idle_o    = !valid_o && !busy_q && !a_valid_i && !b_valid_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      sel_b_q <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      if (en) valid_o <= take;
      if (take) begin
        busy_q  <= sel_b ? !b_last_i : !a_last_i;
        sel_b_q <= sel_b;
      end
    end
    if (take) begin
      data_o   <= sel_b ? b_data_i : a_data_i;
      nbytes_o <= sel_b ? b_nbytes_i : a_nbytes_i;
      last_o   <= sel_b ? b_last_i : a_last_i;
    end
  end
endmodule
`default_nettype wire
