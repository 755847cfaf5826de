// SPDX-License-Identifier: Apache-2.0
// Beats of payload out of the transmit ring, as they will lie in the frame, and the payload's sum.
//
//     ring read issued ->[A0: lanes]->[A1: the two lines come; aligned, and beside it summed as they lie]->[A2: frame sum]->
//
// A sum does not care about order, but for odd and even bytes (RFC 1071 section 2): so a beat is summed in the ring's lanes
// while it is turned into the frame's, and the fold of the whole is swapped once when the two differ by an odd number.
// Latency 2 cycles from the read to data_o; a beat a cycle. Lanes outside [lo_i, hi_i) come out 0.
`default_nettype none
module tx_payload #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic             clk_i,
    input  wire logic             rst_ni,
    // A0: a read is issued.
    input  wire logic             read_i,
    input  wire logic             first_i,     // of its frame
    input  wire logic             odd_i,       // ring_addr's
    input  wire logic [LgB-1:0]   off_i,
    input  wire logic [LgB:0]     lo_i,        // the beat's payload, in the frame's lanes
    input  wire logic [LgB:0]     hi_i,
    // A1.
    input  wire logic [DataW-1:0] rdata0_i,
    input  wire logic [DataW-1:0] rdata1_i,
    // A2.
    output logic                  valid_o,
    output logic [DataW-1:0]      data_o,
    output logic [15:0]           sum_o        // of the frame's payload up to and with this beat, folded, in the frame's lanes
);
  localparam int B = DataW / 8;

  // --- A0: which ring lanes the beat is in, and which of them are payload -----------------------------------------------
  logic [B-1:0] lanes, ahead;
  logic [2*B-1:0] spread;
  always @* begin
    {lanes, ahead, spread} = 'x;
    if (read_i) begin
      lanes  = ({B{1'b1}} << lo_i) & ~({B{1'b1}} << hi_i);
      spread = {{B{1'b0}}, lanes} << off_i;
      ahead  = {B{1'b1}} << off_i;
    end
  end

  // --- A1 -----------------------------------------------------------------------------------------------------------
  logic a1_valid_q, a1_first_q, a1_odd_q;
  logic [LgB-1:0] a1_off_q;
  logic [B-1:0] a1_line0_q, a1_line1_q;    // lanes wanted of each bank
  logic [DataW-1:0] line0, line1, aligned, unused_data;
  logic [39:0] beat_sum;

  always_ff @(posedge clk_i) begin
    a1_valid_q <= rst_ni && read_i;
    if (read_i) begin
      a1_first_q <= first_i;
      a1_odd_q   <= odd_i;
      a1_off_q   <= off_i;
      a1_line0_q <= odd_i ? spread[2*B-1:B] : (spread[B-1:0] & ahead);
      a1_line1_q <= odd_i ? (spread[B-1:0] & ahead) : spread[2*B-1:B];
    end
  end

  always @* begin
    {line0, line1} = 'x;
    if (a1_valid_q) begin
      for (int i = 0; i < B; i++) begin
        line0[8*i +: 8] = rdata0_i[8*i +: 8] & {8{a1_line0_q[i]}};
        line1[8*i +: 8] = rdata1_i[8*i +: 8] & {8{a1_line1_q[i]}};
      end
    end
  end
  ring_align #(.DataW(DataW)) u_align (
      .rdata0_i(line0), .rdata1_i(line1), .odd_i(a1_odd_q), .off_i(a1_off_q), .data_o(aligned));
  // No lane is wanted of both lines.
  csum_beat #(.DataW(DataW)) u_sum (
      .data_i(line0 | line1), .lo_i({(LgB + 1){1'b0}}), .hi_i((LgB + 1)'(B)), .data_o(unused_data), .sum_o(beat_sum));

  // --- A2 -----------------------------------------------------------------------------------------------------------
  logic a2_valid_q, a2_first_q, a2_swap_q;
  logic [39:0] a2_sum_q;
  logic [15:0] acc_q, acc;
  logic [39:0] total;

  always_ff @(posedge clk_i) begin
    a2_valid_q <= rst_ni && a1_valid_q;
    if (a1_valid_q) begin
      a2_first_q <= a1_first_q;
      a2_swap_q  <= a1_off_q[0];
      a2_sum_q   <= beat_sum;
      data_o     <= aligned;
    end
    if (a2_valid_q) acc_q <= acc;
  end
  always @* begin
    {total, acc} = 'x;
    sum_o = 'x;
    if (a2_valid_q) begin
      total = a2_sum_q + (a2_first_q ? 40'd0 : 40'(acc_q));
      acc   = nic_pkg::csum_fold(total);
      sum_o = a2_swap_q ? nic_pkg::swap16(acc) : acc;
    end
  end
  assign valid_o = a2_valid_q;
endmodule
`default_nettype wire
