// SPDX-License-Identifier: Apache-2.0
// The retire port: tells C of every step that the NIC commits, with its inputs, what it sampled of others' stores, and the
// flow's context after it. Bound to nic_top, which does not know; simulation only; silent unless check_i is set.
//
//   frame    the parser is done with a frame        rcv      a receive pipeline event      snd   a send pipeline event
//   sample   a descriptor in the assembler: a header is made, or it needs no frame
//   tail, consumed, rx_status, tx_status            the stores of host port and events are written
//
// All that commits in one cycle is reported in that cycle; each store is read as it stood before the cycle, so their order
// says nothing, but for the ACK bits: where a set and a clear meet, the set wins, so `sample` comes before `rcv`.
`default_nettype none
`include "nic_types.svh"
module nic_retire (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic         check_i,
    input  wire logic [63:0]  host_i,          // struct glue of the C side
    input  wire logic         frame_valid_i,
    input  wire logic [4:0]   frame_class_i,
    // Receive pipeline, stage E.
    input  wire logic         rcv_valid_i,
    input  wire logic [2:0]   rcv_kind_i,
    input  wire logic [11:0]  rcv_flow_i,
    input  wire logic         rcv_hit_i,
    input  wire logic         rcv_ok_i,
    input  rx_desc_t          rcv_desc_i,
    input  snd_mirror_t       rcv_snd_i,
    input  sent_mirror_t      rcv_sent_i,
    input  wire logic [31:0]  rcv_consumed_i,
    input  rcv_ctx_t          rcv_ctx_i,
    input  wire logic [3:0]   rcv_class_i,
    input  wire logic         rcv_ack_bit_i,
    input  wire logic         rcv_ack_now_i,
    input  wire logic         rcv_ack_init_i,
    input  wire logic         rcv_dd_valid_i,
    input  dd_segment_t       rcv_dd_i,
    input  dsack_t            rcv_dup_i,
    input  wire logic [63:0]  rcv_now_us_i,
    // Send pipeline, stage E.
    input  wire logic [2:0]   snd_kind_i,
    input  wire logic [11:0]  snd_flow_i,
    input  wire logic [63:0]  snd_now_us_i,
    input  dd_in_t            snd_dd_i,
    input  wire logic [31:0]  snd_tail_i,
    input  wire logic         snd_fin_i,
    input  wire logic         snd_owed_i,
    input  wire logic [1:0]   snd_owed_now_i,
    input  snd_ctx_t          snd_ctx_i,
    input  wire logic         snd_emit_i,
    input  tx_desc_t          snd_desc_i,
    // Assembler, stage A1 at a descriptor's first step.
    input  wire logic         sample_valid_i,
    input  tx_desc_t          sample_desc_i,
    input  wire logic         sample_frame_i,
    input  rcv_mirror_t       sample_rcv_i,
    input  wire logic         sample_owed_i,
    input  dsack_t            sample_dup_i,
    // Stores.
    input  wire logic         tail_we_i,
    input  wire logic [11:0]  tail_flow_i,
    input  wire logic [32:0]  tail_i,          // {FIN enqueued, tail}
    input  wire logic [1:0]   tail_kind_i,     // 0 payload, 1 close, 2 open
    input  wire logic         consumed_we_i,
    input  wire logic [11:0]  consumed_flow_i,
    input  wire logic         consumed_init_i, // of an open
    input  wire logic [31:0]  consumed_i,
    input  wire logic         rx_status_we_i,
    input  wire logic [11:0]  rx_status_flow_i,
    input  rx_status_t        rx_status_i,
    input  wire logic         tx_status_we_i,
    input  wire logic         tx_status_tell_i,
    input  wire logic [11:0]  tx_status_flow_i,
    input  tx_status_t        tx_status_i
);
  import "DPI-C" function void lw_retire_frame(input longint unsigned host, input int class_id);
  import "DPI-C" function void lw_retire_rcv(
      input longint unsigned host, input int kind, input int flow, input int flags, input int class_id,
      input bit [nic_pkg::RxDescW-1:0] desc, input bit [nic_pkg::SndMirrorW-1:0] snd,
      input bit [nic_pkg::SentMirrorW-1:0] sent, input int consumed, input bit [nic_pkg::RcvCtxW-1:0] ctx,
      input bit [nic_pkg::DdSegmentW-1:0] dd, input bit [nic_pkg::DsackW-1:0] dup, input longint unsigned now_us);
  import "DPI-C" function void lw_retire_snd(
      input longint unsigned host, input int kind, input int flow, input longint unsigned now_us,
      input bit [nic_pkg::DdInW-1:0] dd, input int tail, input int flags, input bit [nic_pkg::SndCtxW-1:0] ctx,
      input bit [nic_pkg::TxDescW-1:0] desc);
  import "DPI-C" function void lw_retire_sample(
      input longint unsigned host, input bit [nic_pkg::TxDescW-1:0] desc, input int flags,
      input bit [nic_pkg::RcvMirrorW-1:0] rcv, input bit [nic_pkg::DsackW-1:0] dup);
  import "DPI-C" function void lw_retire_tail(input longint unsigned host, input int flow, input int kind, input int tail, input bit fin);
  import "DPI-C" function void lw_retire_consumed(input longint unsigned host, input int flow, input bit init, input int consumed);
  import "DPI-C" function void lw_retire_rx_status(
      input longint unsigned host, input int flow, input bit [nic_pkg::RxStatusW-1:0] status);
  import "DPI-C" function void lw_retire_tx_status(
      input longint unsigned host, input int flow, input bit tell, input bit [nic_pkg::TxStatusW-1:0] status);

  always @(posedge clk_i) begin
    if (rst_ni && check_i) begin
      if (frame_valid_i) lw_retire_frame(host_i, 32'(frame_class_i));
      if (sample_valid_i)
        lw_retire_sample(host_i, sample_desc_i, 32'({sample_owed_i, sample_frame_i}), sample_rcv_i, sample_dup_i);
      if (rcv_valid_i)
        lw_retire_rcv(host_i, 32'(rcv_kind_i), 32'(rcv_flow_i),
                      32'({rcv_dd_valid_i, rcv_ack_init_i, rcv_ack_now_i, rcv_ack_bit_i, rcv_ok_i, rcv_hit_i}), 32'(rcv_class_i),
                      rcv_desc_i, rcv_snd_i, rcv_sent_i, rcv_consumed_i, rcv_ctx_i, rcv_dd_i, rcv_dup_i, rcv_now_us_i);
      if (snd_kind_i != SevNone)
        lw_retire_snd(host_i, 32'(snd_kind_i), 32'(snd_flow_i), snd_now_us_i, snd_dd_i, snd_tail_i,
                      32'({snd_owed_now_i, snd_owed_i, snd_fin_i, snd_emit_i}), snd_ctx_i, snd_desc_i);
      if (tail_we_i) lw_retire_tail(host_i, 32'(tail_flow_i), 32'(tail_kind_i), tail_i[31:0], tail_i[32]);
      if (consumed_we_i) lw_retire_consumed(host_i, 32'(consumed_flow_i), consumed_init_i, consumed_i);
      if (rx_status_we_i) lw_retire_rx_status(host_i, 32'(rx_status_flow_i), rx_status_i);
      if (tx_status_we_i) lw_retire_tx_status(host_i, 32'(tx_status_flow_i), tx_status_tell_i, tx_status_i);
    end
  end
endmodule

bind nic_top nic_retire u_retire (
    .clk_i(clk_i), .rst_ni(rst_ni), .check_i(cosim_top.check_i), .host_i(cosim_top.host_i),
    .frame_valid_i(rx_stat_valid), .frame_class_i(rx_stat_class),
    .rcv_valid_i(u_rx_pipe.e_valid_q), .rcv_kind_i(u_rx_pipe.e_kind_q), .rcv_flow_i(u_rx_pipe.e_flow_q),
    .rcv_hit_i(u_rx_pipe.e_hit_q), .rcv_ok_i(u_rx_pipe.e_ok_q), .rcv_desc_i(u_rx_pipe.e_desc_q),
    .rcv_snd_i(sndm_rd), .rcv_sent_i(sentm_rd), .rcv_consumed_i(consumed), .rcv_ctx_i(u_rx_pipe.ctx_next),
    .rcv_class_i(rcv_stat_class), .rcv_ack_bit_i(ack_bit), .rcv_ack_now_i(ack_now), .rcv_ack_init_i(ack_init),
    .rcv_dd_valid_i(u_rx_pipe.dd_push), .rcv_dd_i(u_rx_pipe.dd),
    .rcv_dup_i(dup), .rcv_now_us_i(u_rx_pipe.e_now_q),
    .snd_kind_i(u_send_pipe.e_kind_q), .snd_flow_i(u_send_pipe.e_flow_q), .snd_now_us_i(u_send_pipe.e_now_q),
    .snd_dd_i(u_send_pipe.e_dd_q), .snd_tail_i(tail), .snd_fin_i(fin), .snd_owed_i(next_owed), .snd_owed_now_i(next_now),
    .snd_ctx_i(u_send_pipe.ctx_next), .snd_emit_i(u_send_pipe.emit), .snd_desc_i(u_send_pipe.desc),
    .sample_valid_i(u_assembler.a1_valid_q && u_assembler.a1_first_q), .sample_desc_i(u_assembler.a1_q),
    .sample_frame_i(u_assembler.a1_frame), .sample_rcv_i(u_assembler.rcv), .sample_owed_i(clr_owed),
    .sample_dup_i(dsack),
    .tail_we_i(u_writer.tail_we), .tail_flow_i(u_writer.w1_flow_q), .tail_i(u_writer.tail_next),
    .tail_kind_i(u_writer.w1_init_q ? 2'd2 : u_writer.w1_close_q ? 2'd1 : 2'd0),
    .consumed_we_i(u_reader.ptr_we), .consumed_flow_i(u_reader.c1_flow_q), .consumed_init_i(u_reader.c1_init_q),
    .consumed_i(u_reader.ptr_next),
    .rx_status_we_i(rxs_we), .rx_status_flow_i(rxs_flow), .rx_status_i(rxs),
    .tx_status_we_i(txs_we), .tx_status_tell_i(txs_tell), .tx_status_flow_i(txs_flow), .tx_status_i(txs));
`default_nettype wire
