// SPDX-License-Identifier: Apache-2.0
// Headers and payload beats -> frames: holds the payload until its header, which carries its checksum, comes with the
// last of it; then merges them into the stream.
//
//     payload beats ->[FIFO]--+
//     headers ------->[FIFO]--+->[merge]-> tx stream
//
// The payload lies in the lanes it will have, and lanes of the header are 0 in it and the other way round: merging is an OR.
// Latency 1 cycle from the header to the frame's first beat, a beat a cycle: what finds its FIFO empty need not stay in it.
`default_nettype none
module tx_merge #(
    parameter int DataW = 512,
    parameter int HdrMax = 94,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic                clk_i,
    input  wire logic                rst_ni,
    output logic                     room_o,     // for one frame's header and two more, for a beat and two more
    input  wire logic                pay_valid_i,
    input  wire logic [DataW-1:0]    pay_data_i,
    input  wire logic                hdr_valid_i,
    input  wire logic [8*HdrMax-1:0] hdr_i,
    input  wire logic [6:0]          hdr_len_i,
    input  wire logic [13:0]         len_i,      // payload
    output logic                     tx_valid_o,
    input  wire logic                tx_ready_i,
    output logic [DataW-1:0]         tx_data_o,
    output logic [LgB:0]             tx_nbytes_o,
    output logic                     tx_last_o,
    output logic                     idle_o
);
  localparam int B = DataW / 8;
  localparam int HdrBeats = (HdrMax + B - 1) / B;
  localparam int PayDepth = 32768 / B;                          // two of the largest frames
  localparam int LgPay = $clog2(PayDepth);

  logic pay_ready, hdr_ready, pay_valid, pay_pop, hdr_valid, hdr_pop;
  logic [DataW-1:0] pay_data;
  logic [8*HdrMax-1:0] hdr;
  logic [8*HdrMax+20:0] hdr_in;
  logic [6:0] hdr_len;
  logic [13:0] len;
  logic [LgPay:0] pay_count;
  logic [3:0] hdr_count;

  fifo #(.W(DataW), .Depth(PayDepth), .Through(1'b1)) u_pay (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(pay_valid_i), .ready_o(pay_ready), .data_i(pay_data_i),
      .valid_o(pay_valid), .ready_i(pay_pop), .data_o(pay_data), .count_o(pay_count));
  always @* begin
    hdr_in = 'x;
    if (hdr_valid_i) hdr_in = {hdr_i, hdr_len_i, len_i};
  end
  fifo #(.W(8 * HdrMax + 21), .Depth(8), .Through(1'b1)) u_hdrs (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(hdr_valid_i), .ready_o(hdr_ready), .data_i(hdr_in),
      .valid_o(hdr_valid), .ready_i(hdr_pop), .data_o({hdr, hdr_len, len}), .count_o(hdr_count));
  assign room_o = (pay_count < (LgPay + 1)'(PayDepth - 4)) && (hdr_count < 4'd4);

  logic en, read, last;
  logic [10:0] beat_q;
  logic [14:0] total, pos;
  logic [DataW-1:0] hdr_lanes;

  assign en      = !tx_valid_o || tx_ready_i;
  assign total   = 15'(hdr_len) + 15'(len);
  assign pos     = 15'({beat_q, {LgB{1'b0}}});
  assign last    = (pos + 15'(B) >= total);
  assign read    = (len != '0) && (pos + 15'(B) > 15'(hdr_len));
  assign pay_pop = en && hdr_valid && read;
  assign hdr_pop = en && hdr_valid && last;

  always @* begin
    hdr_lanes = 'x;
    if (hdr_valid) begin
      hdr_lanes = '0;
      for (int i = 0; i < HdrBeats; i++)
        if (beat_q == 11'(i)) hdr_lanes = DataW'({{(HdrBeats * DataW - 8 * HdrMax){1'b0}}, hdr} >> (DataW * i));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tx_valid_o <= 1'b0;
      beat_q     <= '0;
    end else if (en) begin
      tx_valid_o <= hdr_valid;
      if (hdr_valid) beat_q <= last ? '0 : beat_q + 11'd1;
    end
    if (en && hdr_valid) begin
      tx_data_o   <= read ? (pay_data | hdr_lanes) : hdr_lanes;
      tx_nbytes_o <= last ? (LgB + 1)'(total - pos) : (LgB + 1)'(B);
      tx_last_o   <= last;
    end
  end

  assign idle_o = !hdr_valid && !pay_valid && !tx_valid_o;

  always @(posedge clk_i) begin
    if (rst_ni) begin
      assert(!pay_valid_i || pay_ready);
      assert(!hdr_valid_i || hdr_ready);
      assert(!pay_pop || pay_valid);
    end
  end
endmodule
`default_nettype wire
