// SPDX-License-Identifier: Apache-2.0
// tx_writer: of any one flow and any one place of its ring. The host's bytes land at their sequence numbers, in order; the tail that
// the send pipeline reads moves only over bytes that are on their way into the ring, by what was enqueued, and by one for the FIN;
// while the host keeps its credit (never more than a ring beyond what was freed), nothing between the two is overwritten.
//
//@ rtl rtl/prim/ram_1r1w.sv rtl/prim/rotl_bytes.sv rtl/prim/ring_addr.sv rtl/prim/ring_write.sv rtl/tx/tx_writer.sv
//@ prove induct 4
//@ mutant rtl/tx/tx_writer.sv `{1'b0, at + 32'(w1_nbytes_q)}` `{1'b0, at + 32'd2}` : a short beat counts as a whole one
//@ mutant rtl/tx/tx_writer.sv `w1_first_q  <= !in_packet_q` `w1_first_q  <= 1'b1` : each beat of a packet at its beginning
//@ mutant rtl/tx/tx_writer.sv `32'(!tail_bits[32])` `32'd1` : a second close moves the tail again
//@ mutant rtl/tx/tx_writer.sv `assign ctl_ready_o = !in_packet_q` `assign ctl_ready_o = 1'b1` : a close inside a packet
`default_nettype none
`include "fv.svh"
module tx_writer_fv #(
    parameter int DataW = 16,
    parameter int NumFlows = 2,
    parameter int TxBufBytes = 8,
    parameter int LgB = $clog2(DataW / 8),
    parameter int LgN = $clog2(NumFlows),
    parameter int LgR = $clog2(TxBufBytes),
    parameter int AddrW = LgN + LgR - LgB - 1
) (
    input wire logic             clk_i,
    input wire logic             in_valid_i,
    input wire logic [LgN-1:0]   in_flow_i,
    input wire logic [DataW-1:0] in_data_i,
    input wire logic [LgB:0]     in_nbytes_i,
    input wire logic             in_last_i,
    input wire logic             ctl_valid_i,
    input wire logic             ctl_init_i,
    input wire logic [LgN-1:0]   ctl_flow_i,
    input wire logic [31:0]      ctl_seq_i,
    input wire logic             rd_en_i,
    input wire logic [LgN-1:0]   rd_flow_i,
    input wire logic [2:0]       free_i        // bytes freed in this cycle
);
  `FV_RESET
  wire [LgN-1:0] mine = $anyconst;
  wire [LgR-1:0] place = $anyconst;
  localparam int B = DataW / 8;
  logic idle, in_ready, ctl_ready, we, wake, rd_fin;
  logic [AddrW-1:0] addr0, addr1;
  logic [B-1:0] be0, be1, be;
  logic [DataW-1:0] data;
  logic [11:0] wake_flow;
  logic [31:0] rd_tail;
  logic [LgB:0] stat;
  tx_writer #(.DataW(DataW), .NumFlows(NumFlows), .TxBufBytes(TxBufBytes)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_flow_i(12'(in_flow_i)),
      .in_data_i(in_data_i), .in_nbytes_i(in_nbytes_i), .in_last_i(in_last_i), .ctl_valid_i(ctl_valid_i), .ctl_ready_o(ctl_ready),
      .ctl_init_i(ctl_init_i), .ctl_flow_i(12'(ctl_flow_i)), .ctl_seq_i(ctl_seq_i), .ring_we_o(we), .ring_addr0_o(addr0),
      .ring_addr1_o(addr1), .ring_be0_o(be0), .ring_be1_o(be1), .ring_data_o(data), .wake_o(wake), .wake_flow_o(wake_flow),
      .rd_en_i(rd_en_i), .rd_flow_i(rd_flow_i), .rd_tail_o(rd_tail), .rd_fin_o(rd_fin), .stat_bytes_o(stat));

  // --- what comes in ------------------------------------------------------------------------------------------------
  logic take_in, take_ctl, my_in, my_ctl, packet_q;
  logic [LgN-1:0] packet_flow_q;
  logic open_q, fin_q;                   // the model of the flow: opened, closed,
  logic [31:0] at_q, freed_q;            // end of what came in, of what was freed
  assign take_in  = in_valid_i && in_ready;
  assign take_ctl = ctl_valid_i && ctl_ready;
  assign my_in    = take_in && in_flow_i == mine;
  assign my_ctl   = take_ctl && ctl_flow_i == mine;
  `FV_ASSUME(in_nbytes_i <= (LgB + 1)'(B) && in_nbytes_i != '0 && (in_last_i || in_nbytes_i == (LgB + 1)'(B)))
  `FV_ASSUME(!packet_q || in_flow_i == packet_flow_q)
  `FV_ASSUME(!my_in || (open_q && !fin_q && at_q - freed_q + 32'(in_nbytes_i) <= 32'(TxBufBytes)))   // credit
  `FV_ASSUME(!my_ctl || open_q || ctl_init_i)
  `FV_ASSUME(32'(free_i) <= at_q - freed_q)

  // One stage on: the tail moves. Two stages on: the byte is written, if a lane of the beat has the place.
  logic [LgR-1:0] lane;
  logic w1_mine_q, w1_hit_q, w2_hit_q, w1_tail_q, tail_vld_q, tail_fin_q, rd_q;
  logic [7:0] w1_byte_q, w2_byte_q;
  logic [31:0] tail_q;
  assign lane = place - at_q[LgR-1:0];
  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      packet_q   <= 1'b0;
      open_q     <= 1'b0;
      w1_mine_q  <= 1'b0;
      w1_hit_q   <= 1'b0;
      w2_hit_q   <= 1'b0;
      w1_tail_q  <= 1'b0;
      tail_vld_q <= 1'b0;
      rd_q       <= 1'b0;
    end else begin
      if (take_in) packet_q <= !in_last_i;
      if (my_ctl) open_q <= 1'b1;
      w1_mine_q <= my_in;
      w1_hit_q  <= my_in && (LgR + 1)'(lane) < (LgR + 1)'(in_nbytes_i);
      w2_hit_q  <= w1_hit_q;
      w1_tail_q <= my_ctl || (my_in && in_last_i);
      if (w1_tail_q) tail_vld_q <= 1'b1;
      rd_q      <= rd_en_i && rd_flow_i == mine;
    end
    if (take_in) packet_flow_q <= in_flow_i;
    w1_byte_q <= in_data_i[8*lane[LgB-1:0] +: 8];
    w2_byte_q <= w1_byte_q;
    if (my_in) at_q <= at_q + 32'(in_nbytes_i);
    freed_q <= freed_q + 32'(free_i);
    if (my_ctl && ctl_init_i) begin
      at_q    <= ctl_seq_i;
      freed_q <= ctl_seq_i;
      fin_q   <= 1'b0;
    end else if (my_ctl) begin
      fin_q <= 1'b1;
    end
    if (w1_tail_q) begin
      tail_q     <= at_q + 32'(fin_q);     // of the item in W1: the next is not in them yet
      tail_fin_q <= fin_q;
    end
  end

  logic hits;
  assign be   = place[LgB] ? be1 : be0;
  assign hits = we && (place[LgB] ? addr1 : addr0) == {mine, place[LgR-1:LgB+1]} && be[place[LgB-1:0]];
  `FV_ASSERT(hits == w2_hit_q)
  `FV_ASSERT(!hits || data[8*place[LgB-1:0] +: 8] == w2_byte_q)
  `FV_ASSERT(!rd_q || !tail_vld_q || (rd_tail == tail_q && rd_fin == tail_fin_q))
  `FV_ASSERT(ctl_ready == !packet_q)
  // Nothing between freed and the end is overwritten: a byte there whose place is written was there before.
  wire [31:0] old = $anyconst;
  logic [31:0] w1_from_q, w2_from_q, w1_freed_q, w2_freed_q;   // as the beat in W1, W2 came in
  always_ff @(posedge clk_i) begin
    w1_from_q <= at_q;
    w2_from_q <= w1_from_q;
    w1_freed_q <= freed_q;
    w2_freed_q <= w1_freed_q;
  end
  `FV_ASSERT(!hits || old[LgR-1:0] != place || old - w2_freed_q >= w2_from_q - w2_freed_q)

  // --- for the induction: what the stores and the position inside a packet hold --------------------------------------
  (* hierconn *) wire [32:0] \u_dut.u_tail.mem[0] ;
  (* hierconn *) wire [32:0] \u_dut.u_tail.mem[1] ;
  (* hierconn *) wire [32:0] \u_dut.u_tail_snd.mem[0] ;
  (* hierconn *) wire [32:0] \u_dut.u_tail_snd.mem[1] ;
  (* hierconn *) wire [31:0] \u_dut.at_q ;
  (* hierconn *) wire [31:0] \u_dut.at ;
  (* hierconn *) wire [LgB:0] \u_dut.w1_nbytes_q ;
  logic [32:0] word, word_snd;
  assign word     = mine[0] ? \u_dut.u_tail.mem[1] : \u_dut.u_tail.mem[0] ;
  assign word_snd = mine[0] ? \u_dut.u_tail_snd.mem[1] : \u_dut.u_tail_snd.mem[0] ;
  `FV_ASSERT(!tail_vld_q || (word == {tail_fin_q, tail_q} && word_snd == word))
  `FV_ASSERT(!w1_mine_q || \u_dut.at + 32'(\u_dut.w1_nbytes_q ) == at_q)
  `FV_ASSERT(!packet_q || packet_flow_q != mine || w1_mine_q || \u_dut.at_q == at_q)
  `FV_ASSERT(packet_q && packet_flow_q == mine || w1_tail_q || !tail_vld_q || (tail_q == at_q + 32'(fin_q) && tail_fin_q == fin_q))
  `FV_ASSERT(!open_q || at_q - freed_q <= 32'(TxBufBytes))
  `FV_ASSERT(!packet_q || packet_flow_q != mine || (open_q && !fin_q))
  `FV_ASSERT(!open_q || tail_vld_q || w1_tail_q)
endmodule
`default_nettype wire
