// SPDX-License-Identifier: Apache-2.0
// The retire port on Icarus, which has no bind: the same signals as nic_retire.sv, and its order, looked at by their places inside
// the NIC. All of them are looked at in each run, also where no checker follows: none that counts may be unknown.
`default_nettype none
`include "nic_types.svh"
module icarus_tap (
    input wire logic clk_i,
    input wire logic rst_ni
);
  // Structs as vectors of the widths in nic_pkg: of a struct seen from outside Icarus does not tell the width right.
  wire [nic_pkg::RxDescW-1:0]     rcv_desc    = icarus_top.u_nic.u_rx_pipe.e_desc_q;
  wire [nic_pkg::SndMirrorW-1:0]  rcv_snd     = icarus_top.u_nic.sndm_bits;
  wire [nic_pkg::SentMirrorW-1:0] rcv_sent    = icarus_top.u_nic.sentm_bits;
  wire [nic_pkg::RcvCtxW-1:0]     rcv_ctx     = icarus_top.u_nic.u_rx_pipe.ctx_next;
  wire [nic_pkg::DdSegmentW-1:0]  rcv_dd      = icarus_top.u_nic.u_rx_pipe.dd;
  wire [nic_pkg::DsackW-1:0]      rcv_dup     = icarus_top.u_nic.dup;
  wire [nic_pkg::DdInW-1:0]       snd_dd      = icarus_top.u_nic.u_send_pipe.e_dd_q;
  wire [nic_pkg::SndCtxW-1:0]     snd_ctx     = icarus_top.u_nic.u_send_pipe.ctx_next;
  wire [nic_pkg::TxDescW-1:0]     snd_desc    = icarus_top.u_nic.u_send_pipe.desc;
  wire [nic_pkg::TxDescW-1:0]     sample_desc = icarus_top.u_nic.u_assembler.a1_q;
  wire [nic_pkg::RcvMirrorW-1:0]  sample_rcv  = icarus_top.u_nic.u_assembler.rcv;
  wire [nic_pkg::DsackW-1:0]      sample_dup  = icarus_top.u_nic.dsack;
  wire [nic_pkg::RxStatusW-1:0]   rx_status   = icarus_top.u_nic.rxs;
  wire [nic_pkg::TxStatusW-1:0]   tx_status   = icarus_top.u_nic.txs;

  wire frame_valid  = icarus_top.u_nic.rx_stat_valid;
  wire rcv_valid    = icarus_top.u_nic.u_rx_pipe.e_valid_q;
  wire [2:0] snd_kind = icarus_top.u_nic.u_send_pipe.e_kind_q;
  wire sample_valid = icarus_top.u_nic.u_assembler.a1_valid_q && icarus_top.u_nic.u_assembler.a1_first_q;
  wire tail_we      = icarus_top.u_nic.u_writer.tail_we;
  wire consumed_we  = icarus_top.u_nic.u_reader.ptr_we;
  wire rx_status_we = icarus_top.u_nic.rxs_we;
  wire tx_status_we = icarus_top.u_nic.txs_we;

  // {dd_valid, ack_init, ack_now, ack_bit, ok, hit}; {owed_now, owed, fin, emit}; {owed, frame}; {FIN enqueued, tail}
  wire [5:0] rcv_flags = {icarus_top.u_nic.u_rx_pipe.dd_push, icarus_top.u_nic.ack_init, icarus_top.u_nic.ack_now,
                          icarus_top.u_nic.ack_bit, icarus_top.u_nic.u_rx_pipe.e_ok_q, icarus_top.u_nic.u_rx_pipe.e_hit_q};
  wire [4:0] snd_flags = {icarus_top.u_nic.next_now, icarus_top.u_nic.next_owed, icarus_top.u_nic.fin,
                          icarus_top.u_nic.u_send_pipe.emit};
  wire [1:0] sample_flags = {icarus_top.u_nic.clr_owed, icarus_top.u_nic.u_assembler.a1_frame};
  wire [32:0] tail        = icarus_top.u_nic.u_writer.tail_next;
  wire [1:0] tail_kind    = icarus_top.u_nic.u_writer.w1_init_q ? 2'd2 : icarus_top.u_nic.u_writer.w1_close_q ? 2'd1 : 2'd0;

  // The names stand in the same order in tasks.c.
  wire [9:0] control = {frame_valid, rcv_valid, snd_kind, sample_valid, tail_we, consumed_we, rx_status_we, tx_status_we};

  always @(posedge clk_i) begin
    if (rst_ni) begin
      if (^control === 1'bx) $lw_retire_control(control);
      if (frame_valid) $lw_retire_frame(icarus_top.u_nic.rx_stat_class);
      if (sample_valid) $lw_retire_sample(sample_flags, sample_desc, sample_rcv, sample_dup);
      if (rcv_valid)
        $lw_retire_rcv(icarus_top.u_nic.u_rx_pipe.e_kind_q, icarus_top.u_nic.u_rx_pipe.e_flow_q, rcv_flags,
                       icarus_top.u_nic.rcv_stat_class, icarus_top.u_nic.u_rx_pipe.e_now_q, rcv_desc, rcv_snd, rcv_sent,
                       icarus_top.u_nic.consumed, rcv_ctx, rcv_dd, rcv_dup);
      if (snd_kind != SevNone)
        $lw_retire_snd(snd_kind, icarus_top.u_nic.u_send_pipe.e_flow_q, snd_flags, icarus_top.u_nic.u_send_pipe.e_now_q, snd_dd,
                       icarus_top.u_nic.tail, snd_ctx, snd_desc);
      if (tail_we) $lw_retire_tail(icarus_top.u_nic.u_writer.w1_flow_q, tail_kind, tail);
      if (consumed_we)
        $lw_retire_consumed(icarus_top.u_nic.u_reader.c1_flow_q, icarus_top.u_nic.u_reader.c1_init_q,
                            icarus_top.u_nic.u_reader.ptr_next);
      if (rx_status_we) $lw_retire_rx_status(icarus_top.u_nic.rxs_flow, rx_status);
      if (tx_status_we) $lw_retire_tx_status(icarus_top.u_nic.txs_flow, icarus_top.u_nic.txs_tell, tx_status);
    end
  end
endmodule
`default_nettype wire
