// SPDX-License-Identifier: Apache-2.0
// Descriptors of committed frames, from the parser to the receive pipeline, each joined with what its TCP options say.
//
//     descriptor --+----------------------->[FIFO: without options]--+
//     options -----+->[tcp_options: read]-->[FIFO: options]----------+-> descriptor
//
// Only a list of 12 bytes or more can hold what we look for (a time stamp takes 10 bytes, so does a SACK block); a descriptor
// without one waits for no other but those before it. Frames are committed to the frame FIFO before their options are read:
// nothing is read there before its descriptor has come out here. Order is kept. Latency 1 cycle, also with a usual layout of
// options, else 6 (see tcp_options); one a cycle. count_o: descriptors held, the ones whose options are still being read too.
`default_nettype none
`include "nic_types.svh"
module rx_descs #(
    parameter int Depth = 64,
    parameter int LgDepth = $clog2(Depth)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic         in_valid_i,
    output logic              in_ready_o,
    input  rx_desc_t          in_i,           // its options are not read
    input  wire logic [319:0] opt_bytes_i,
    input  wire logic [5:0]   opt_len_i,
    output logic              out_valid_o,
    input  wire logic         out_ready_i,
    output rx_desc_t          out_o,
    output logic [LgDepth:0]  count_o
);
  localparam int OptW = 1 + 2 * 32 + 3 + 8 * 32;               // has_ts and all behind it in rx_desc_t
  localparam int HeadW = nic_pkg::RxDescW - OptW;

  logic [nic_pkg::RxDescW-1:0] in_bits;
  logic with_opt, head_valid, head_opt, opt_done, opt_valid, opt_in_ready, opt_pop;
  logic [HeadW-1:0] head;
  logic [OptW-1:0] opt_read, opt;
  logic [LgDepth:0] opt_count;

  assign in_bits  = in_i;
  assign with_opt = in_valid_i && in_i.class_id == RxLookup && opt_len_i >= 6'd12;

  tcp_options #(.OptW(OptW)) u_options (
      .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(in_ready_o && with_opt), .in_bytes_i(opt_bytes_i),
      .in_len_i(opt_len_i), .out_valid_o(opt_done), .out_o(opt_read));
  fifo #(.W(HeadW + 1), .Depth(Depth)) u_heads (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(in_valid_i), .ready_o(in_ready_o),
      .data_i({with_opt, in_bits[nic_pkg::RxDescW-1 -: HeadW]}), .valid_o(head_valid), .ready_i(out_valid_o && out_ready_i),
      .data_o({head_opt, head}), .count_o(count_o));
  fifo #(.W(OptW), .Depth(Depth)) u_opts (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(opt_done), .ready_o(opt_in_ready), .data_i(opt_read), .valid_o(opt_valid),
      .ready_i(opt_pop), .data_o(opt), .count_o(opt_count));

  assign out_valid_o = head_valid && (!head_opt || opt_valid);
  assign opt_pop     = out_valid_o && out_ready_i && head_opt;
  assign out_o       = {head, head_opt ? opt : {OptW{1'b0}}};

  // Each list belongs to a descriptor that is held.
  always @(posedge clk_i) begin
    if (rst_ni) begin
      assert(!opt_done || opt_in_ready);
      assert(opt_count <= count_o);
    end
  end
endmodule
`default_nettype wire
