// SPDX-License-Identifier: Apache-2.0
// The NIC: TCP over IPv4 over Ethernet for NumFlows established flows; all else goes to the host by the slow path.
//
//   rx stream -> parser -> frame FIFO -> receive pipeline -> mover -> rx ring -> reader -> payload out
//                                          |  \-> slow path out (frames of nobody's flow, fences)
//                             dd_incoming, ACK bits, mirrors
//                                          v
//   payload in -> writer -> tx ring -> send pipeline -> assembler -> tx stream <- slow path in
//
// Streams are valid/ready; once valid, data holds until ready. Bytes lie from lane 0 upwards; nbytes counts those of a
// packet's last beat. The rx stream has no ready: a MAC cannot be held. The payload rings' memories are outside, each
// with a read and a write port of two banks (prim/ring_mem.sv has the contract).
// Time is an input in microseconds that never runs backwards; the NIC has no other clock of its own. quiescent_o: nothing
// is valid, queued, ready or pending anywhere, so no cycle changes anything before next_us_o (if next_valid_o) or input.
`default_nettype none
`include "nic_types.svh"
module nic_top #(
    parameter int DataW = 512,            // 64, 128, 256, 512
    parameter int NumFlows = 64,          // a power of two, 16 to 4096
    parameter int TxBufBytes = 32768,     // ring per flow, powers of two
    parameter int RxBufBytes = 32768,
    parameter int Cc = nic_pkg::CcNewreno,   // congestion control: nic_pkg::CcNone, CcReno, CcNewreno, CcCubic
    parameter int LgB = $clog2(DataW / 8),
    parameter int RxAddrW = $clog2(NumFlows) + $clog2(RxBufBytes) - LgB - 1,
    parameter int TxAddrW = $clog2(NumFlows) + $clog2(TxBufBytes) - LgB - 1
) (
    input  wire logic               clk_i,
    input  wire logic               rst_ni,
    // Configuration: static after reset.
    input  wire logic [47:0]        mac_i,
    input  wire logic [13:0]        max_frame_i,
    input  wire logic [127:0]       hash_key_i,
    // Time.
    input  wire logic [63:0]        now_us_i,
    output logic                    next_valid_o,
    output logic [63:0]             next_us_o,
    output logic                    quiescent_o,
    // Wire, in and out.
    input  wire logic               rx_valid_i,
    input  wire logic [DataW-1:0]   rx_data_i,
    input  wire logic [LgB:0]       rx_nbytes_i,
    input  wire logic               rx_last_i,
    output logic                    tx_valid_o,
    input  wire logic               tx_ready_i,
    output logic [DataW-1:0]        tx_data_o,
    output logic [LgB:0]            tx_nbytes_o,
    output logic                    tx_last_o,
    // Slow path, to the host and from it. A fence is one item without data: flow and ok.
    output logic                    slow_valid_o,
    input  wire logic               slow_ready_i,
    output logic [DataW-1:0]        slow_data_o,
    output logic [LgB:0]            slow_nbytes_o,
    output logic                    slow_last_o,
    output logic                    slow_fence_o,
    output logic [11:0]             slow_flow_o,
    output logic                    slow_ok_o,
    input  wire logic               slow_valid_i,
    output logic                    slow_ready_o,
    input  wire logic [DataW-1:0]   slow_data_i,
    input  wire logic [LgB:0]       slow_nbytes_i,
    input  wire logic               slow_last_i,
    // Host port: commands, payload in, payload out, events. Commands and payload are taken side by side: a flow's payload may
    // come only after the fence of its open, its close and release only after its payload.
    input  wire logic               cmd_valid_i,
    output logic                    cmd_ready_o,
    input  host_cmd_t               cmd_i,
    input  wire logic               pin_valid_i,
    output logic                    pin_ready_o,
    input  wire logic [11:0]        pin_flow_i,
    input  wire logic [DataW-1:0]   pin_data_i,
    input  wire logic [LgB:0]       pin_nbytes_i,
    input  wire logic               pin_last_i,
    output logic                    pout_valid_o,
    input  wire logic               pout_ready_i,
    output logic [11:0]             pout_flow_o,
    output logic [DataW-1:0]        pout_data_o,
    output logic [LgB:0]            pout_nbytes_o,
    output logic                    pout_last_o,
    output logic                    event_valid_o,
    input  wire logic               event_ready_i,
    output host_event_t             event_o,
    // Counters.
    input  wire logic [5:0]         cnt_addr_i,
    output logic [63:0]             cnt_data_o,
    // Receive ring memory.
    output logic                    rxm_we_o,
    output logic [RxAddrW-1:0]      rxm_waddr0_o,
    output logic [RxAddrW-1:0]      rxm_waddr1_o,
    output logic [DataW/8-1:0]      rxm_wbe0_o,
    output logic [DataW/8-1:0]      rxm_wbe1_o,
    output logic [DataW-1:0]        rxm_wdata_o,
    output logic                    rxm_re_o,
    output logic [RxAddrW-1:0]      rxm_raddr0_o,
    output logic [RxAddrW-1:0]      rxm_raddr1_o,
    input  wire logic [DataW-1:0]   rxm_rdata0_i,
    input  wire logic [DataW-1:0]   rxm_rdata1_i,
    // Transmit ring memory.
    output logic                    txm_we_o,
    output logic [TxAddrW-1:0]      txm_waddr0_o,
    output logic [TxAddrW-1:0]      txm_waddr1_o,
    output logic [DataW/8-1:0]      txm_wbe0_o,
    output logic [DataW/8-1:0]      txm_wbe1_o,
    output logic [DataW-1:0]        txm_wdata_o,
    output logic                    txm_re_o,
    output logic [TxAddrW-1:0]      txm_raddr0_o,
    output logic [TxAddrW-1:0]      txm_raddr1_o,
    input  wire logic [DataW-1:0]   txm_rdata0_i,
    input  wire logic [DataW-1:0]   txm_rdata1_i
);
  localparam int LgN = $clog2(NumFlows);
  localparam int FrameDepth = 32768 / (DataW / 8);              // three of the largest frames
  localparam int DescDepth = 64;

  generate
    if (NumFlows < 16 || NumFlows > 4096 || (1 << LgN) != NumFlows) ERROR_NumFlows x_num_flows ();
    if (DataW != 64 && DataW != 128 && DataW != 256 && DataW != 512) ERROR_DataW x_data_w ();
    if ((1 << $clog2(TxBufBytes)) != TxBufBytes || TxBufBytes < 4096) ERROR_TxBufBytes x_tx_buf ();
    if ((1 << $clog2(RxBufBytes)) != RxBufBytes || RxBufBytes < 4096) ERROR_RxBufBytes x_rx_buf ();
  endgenerate

  // --- host port ----------------------------------------------------------------------------------------------------
  host_cmd_t cmd;
  logic txs_we, txs_tell;   // the assembler's status; not `tell`: of an open
  logic host_idle, writer_valid, writer_ready, reader_valid, reader_ready, reader_idle, hdr_we, snd_valid, snd_ready, snd_done;
  logic tok_valid, tok_ready, tok_done, rcv_busy, snd_busy, ev_busy;
  tx_hdr_t hdr;

  nic_host u_host (
      .clk_i(clk_i), .rst_ni(rst_ni), .idle_o(host_idle), .busy_i(rcv_busy || snd_busy || ev_busy), .cmd_valid_i(cmd_valid_i),
      .cmd_ready_o(cmd_ready_o), .cmd_i(cmd_i), .cmd_o(cmd), .writer_valid_o(writer_valid),
      .writer_ready_i(writer_ready), .reader_valid_o(reader_valid), .reader_ready_i(reader_ready),
      .reader_idle_i(reader_idle), .hdr_we_o(hdr_we),
      .snd_valid_o(snd_valid), .snd_ready_i(snd_ready), .snd_done_i(snd_done), .opened_i(txs_we && !txs_tell), .tok_valid_o(tok_valid),
      .tok_ready_i(tok_ready), .tok_done_i(tok_done));

  always @* begin
    hdr = 'x;
    if (hdr_we) begin
      hdr.local_mac   = cmd.local_mac;
      hdr.remote_mac  = cmd.remote_mac;
      hdr.local_ip    = cmd.local_ip;
      hdr.remote_ip   = cmd.remote_ip;
      hdr.local_port  = cmd.local_port;
      hdr.remote_port = cmd.remote_port;
    end
  end

  // --- receive: parser, frame FIFO, descriptors ---------------------------------------------------------------------
  logic w_valid, w_commit, w_drop, fifo_full, w_full, desc_in_ready, frames_empty;
  logic [DataW-1:0] w_data;
  rx_desc_t parsed, rx_desc;
  logic [319:0] opt_bytes;
  logic [5:0] opt_len;
  logic rx_desc_valid, rx_desc_ready, rx_stat_valid;
  logic [4:0] rx_stat_class;
  logic [6:0] rx_desc_count;
  logic parser_idle;
  logic fifo_re;
  logic [10:0] fifo_adv;
  logic [DataW-1:0] fifo_rdata;

  assign w_full = fifo_full || !desc_in_ready;
  rx_parser #(.DataW(DataW)) u_parser (
      .clk_i(clk_i), .rst_ni(rst_ni), .mac_i(mac_i), .max_frame_i(max_frame_i), .valid_i(rx_valid_i),
      .data_i(rx_data_i), .nbytes_i(rx_nbytes_i), .last_i(rx_last_i), .w_valid_o(w_valid), .w_data_o(w_data),
      .w_commit_o(w_commit), .w_drop_o(w_drop), .w_full_i(w_full), .desc_o(parsed), .opt_bytes_o(opt_bytes), .opt_len_o(opt_len),
      .stat_valid_o(rx_stat_valid),
      .stat_class_o(rx_stat_class), .idle_o(parser_idle));
  rx_frame_fifo #(.DataW(DataW), .Depth(FrameDepth)) u_frames (
      .clk_i(clk_i), .rst_ni(rst_ni), .w_valid_i(w_valid), .w_data_i(w_data), .w_commit_i(w_commit), .w_drop_i(w_drop),
      .w_full_o(fifo_full), .re_i(fifo_re), .adv_i(fifo_adv), .rdata_o(fifo_rdata), .empty_o(frames_empty));
  rx_descs #(.Depth(DescDepth)) u_rx_descs (
      .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(w_commit), .in_ready_o(desc_in_ready), .in_i(parsed), .opt_bytes_i(opt_bytes),
      .opt_len_i(opt_len), .out_valid_o(rx_desc_valid), .out_ready_i(rx_desc_ready), .out_o(rx_desc), .count_o(rx_desc_count));

  // --- receive pipeline ---------------------------------------------------------------------------------------------
  logic rcv_idle, rcv_timer_valid, read_valid, read_ready, rcv_rd_en, ack_valid, ack_bit, ack_now, ack_init, ack_wake, rcvm_we;
  logic [11:0] read_flow, ack_flow;
  logic [LgN-1:0] rcv_rd_flow, rcvm_flow;
  logic [31:0] consumed;
  logic [63:0] rcv_timer_us;
  rcv_mirror_t rcvm;
  logic [nic_pkg::SndMirrorW-1:0] sndm_bits;
  logic [nic_pkg::SentMirrorW-1:0] sentm_bits;
  snd_mirror_t sndm_rd, sndm;
  sent_mirror_t sentm_rd, sentm;
  logic sndm_we, sentm_we;
  logic [LgN-1:0] sndm_flow, sentm_flow;
  logic verdict_valid, verdict_ready, dd_valid, dd_ready, rcv_stat_valid;
  rx_verdict_t verdict;
  dd_segment_t dd_segment;
  dd_in_t dd;
  logic dd_segment_valid, dd_segment_ready;
  dsack_t dup, dsack;
  logic [3:0] rcv_stat_class;
  logic [13:0] rcv_stat_bytes;

  assign sndm_rd  = sndm_bits;
  assign sentm_rd = sentm_bits;
  ram_1r1w #(.W(nic_pkg::SndMirrorW), .Depth(NumFlows)) u_snd_mirror (
      .clk_i(clk_i), .we_i(sndm_we), .waddr_i(sndm_flow), .wdata_i(sndm), .re_i(rcv_rd_en), .raddr_i(rcv_rd_flow),
      .rdata_o(sndm_bits));
  ram_1r1w #(.W(nic_pkg::SentMirrorW), .Depth(NumFlows)) u_sent_mirror (
      .clk_i(clk_i), .we_i(sentm_we), .waddr_i(sentm_flow), .wdata_i(sentm), .re_i(rcv_rd_en), .raddr_i(rcv_rd_flow),
      .rdata_o(sentm_bits));

  rx_pipe #(.NumFlows(NumFlows), .RxBufBytes(RxBufBytes)) u_rx_pipe (
      .clk_i(clk_i), .rst_ni(rst_ni), .key_i(hash_key_i), .busy_o(rcv_busy), .now_us_i(now_us_i), .idle_o(rcv_idle),
      .timer_valid_o(rcv_timer_valid), .timer_us_o(rcv_timer_us),
      .desc_valid_i(rx_desc_valid), .desc_ready_o(rx_desc_ready), .desc_i(rx_desc), .read_valid_i(read_valid),
      .read_ready_o(read_ready), .read_flow_i(read_flow), .tok_valid_i(tok_valid), .tok_ready_o(tok_ready),
      .tok_cmd_i(cmd), .tok_done_o(tok_done), .rd_en_o(rcv_rd_en), .rd_flow_o(rcv_rd_flow), .snd_mirror_i(sndm_rd),
      .sent_mirror_i(sentm_rd), .consumed_i(consumed), .ack_valid_o(ack_valid), .ack_flow_o(ack_flow),
      .ack_bit_o(ack_bit), .ack_now_o(ack_now), .ack_init_o(ack_init), .dsack_o(dup), .wake_o(ack_wake), .mirror_we_o(rcvm_we),
      .mirror_flow_o(rcvm_flow), .mirror_o(rcvm), .verdict_valid_o(verdict_valid), .verdict_ready_i(verdict_ready),
      .verdict_o(verdict), .dd_valid_o(dd_segment_valid), .dd_ready_i(dd_segment_ready), .dd_o(dd_segment), .stat_valid_o(rcv_stat_valid),
      .stat_class_o(rcv_stat_class), .stat_bytes_o(rcv_stat_bytes));

  logic mover_idle, rxs_we;
  logic [11:0] rxs_flow;
  rx_status_t rxs;
  rx_mover #(.DataW(DataW), .NumFlows(NumFlows), .RxBufBytes(RxBufBytes)) u_mover (
      .clk_i(clk_i), .rst_ni(rst_ni), .idle_o(mover_idle), .verdict_valid_i(verdict_valid),
      .verdict_ready_o(verdict_ready), .verdict_i(verdict), .fifo_re_o(fifo_re), .fifo_adv_o(fifo_adv),
      .fifo_rdata_i(fifo_rdata), .ring_we_o(rxm_we_o), .ring_addr0_o(rxm_waddr0_o), .ring_addr1_o(rxm_waddr1_o),
      .ring_be0_o(rxm_wbe0_o), .ring_be1_o(rxm_wbe1_o), .ring_data_o(rxm_wdata_o), .slow_valid_o(slow_valid_o),
      .slow_ready_i(slow_ready_i), .slow_data_o(slow_data_o), .slow_nbytes_o(slow_nbytes_o),
      .slow_last_o(slow_last_o), .slow_fence_o(slow_fence_o), .slow_flow_o(slow_flow_o), .slow_ok_o(slow_ok_o),
      .status_we_o(rxs_we), .status_flow_o(rxs_flow), .status_o(rxs));

  rx_reader #(.DataW(DataW), .NumFlows(NumFlows), .RxBufBytes(RxBufBytes)) u_reader (
      .clk_i(clk_i), .rst_ni(rst_ni), .idle_o(reader_idle), .cmd_valid_i(reader_valid), .cmd_ready_o(reader_ready),
      .init_i(cmd.kind == CmdOpen), .flow_i(cmd.flow), .len_i((cmd.kind == CmdOpen) ? cmd.rcv_nxt : cmd.len),
      .ring_re_o(rxm_re_o), .ring_addr0_o(rxm_raddr0_o), .ring_addr1_o(rxm_raddr1_o), .ring_rdata0_i(rxm_rdata0_i),
      .ring_rdata1_i(rxm_rdata1_i), .out_valid_o(pout_valid_o), .out_ready_i(pout_ready_i), .out_flow_o(pout_flow_o),
      .out_data_o(pout_data_o), .out_nbytes_o(pout_nbytes_o), .out_last_o(pout_last_o), .read_valid_o(read_valid),
      .read_ready_i(read_ready), .read_flow_o(read_flow), .rd_en_i(rcv_rd_en), .rd_flow_i(rcv_rd_flow),
      .rd_consumed_o(consumed));

  // --- send ---------------------------------------------------------------------------------------------------------
  logic writer_idle, write_wake, tail_en, fin, snd_idle, clr_valid, clr_pure, clr_bare, clr_owed, next_owed;
  logic [11:0] write_flow, clr_flow, owed_flow;
  logic [1:0] next_now;
  logic [LgN-1:0] tail_flow;
  logic [31:0] tail;
  logic [LgB:0] in_bytes;
  logic txd_valid, txd_ready, timeout, rexmit, snd_timer_valid;
  logic [63:0] snd_timer_us;
  tx_desc_t txd;

  tx_writer #(.DataW(DataW), .NumFlows(NumFlows), .TxBufBytes(TxBufBytes)) u_writer (
      .clk_i(clk_i), .rst_ni(rst_ni), .idle_o(writer_idle), .in_valid_i(pin_valid_i), .in_ready_o(pin_ready_o),
      .in_flow_i(pin_flow_i), .in_data_i(pin_data_i), .in_nbytes_i(pin_nbytes_i), .in_last_i(pin_last_i),
      .ctl_valid_i(writer_valid), .ctl_ready_o(writer_ready), .ctl_init_i(cmd.kind == CmdOpen), .ctl_flow_i(cmd.flow),
      .ctl_seq_i(cmd.snd_nxt), .ring_we_o(txm_we_o), .ring_addr0_o(txm_waddr0_o), .ring_addr1_o(txm_waddr1_o),
      .ring_be0_o(txm_wbe0_o), .ring_be1_o(txm_wbe1_o), .ring_data_o(txm_wdata_o), .wake_o(write_wake),
      .wake_flow_o(write_flow), .rd_en_i(tail_en), .rd_flow_i(tail_flow), .rd_tail_o(tail), .rd_fin_o(fin),
      .stat_bytes_o(in_bytes));

  ack_bits #(.NumFlows(NumFlows)) u_ack_bits (
      .clk_i(clk_i), .rst_ni(rst_ni), .set_valid_i(ack_valid), .set_flow_i(ack_flow), .set_bit_i(ack_bit),
      .set_now_i(ack_now), .set_init_i(ack_init), .clr_valid_i(clr_valid), .clr_flow_i(clr_flow),
      .clr_pure_i(clr_pure), .clr_owed_o(clr_owed), .next_flow_i(owed_flow), .next_owed_o(next_owed),
      .next_now_o(next_now));

  dsack_box #(.NumFlows(NumFlows)) u_dsack_box (
      .clk_i(clk_i), .rst_ni(rst_ni), .put_flow_i(ack_flow), .put_i(dup), .put_init_i(ack_init), .take_i(clr_valid && clr_bare),
      .take_flow_i(clr_flow), .dsack_o(dsack));

  dd_blocks u_blocks (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(dd_segment_valid), .ready_o(dd_segment_ready), .segment_i(dd_segment),
      .valid_o(dd_valid), .ready_i(dd_ready), .dd_o(dd));

  send_pipe #(.NumFlows(NumFlows), .Cc(Cc)) u_send_pipe (
      .clk_i(clk_i), .rst_ni(rst_ni), .now_us_i(now_us_i), .busy_o(snd_busy), .idle_o(snd_idle), .dd_valid_i(dd_valid),
      .dd_ready_o(dd_ready), .dd_i(dd), .cmd_valid_i(snd_valid), .cmd_ready_o(snd_ready), .cmd_i(cmd),
      .cmd_done_o(snd_done), .write_wake_i(write_wake), .write_flow_i(write_flow), .ack_wake_i(ack_wake),
      .ack_flow_i(ack_flow), .tail_en_o(tail_en), .tail_flow_o(tail_flow), .tail_i(tail), .fin_i(fin),
      .owed_flow_o(owed_flow), .owed_i(next_owed), .owed_now_i(next_now), .mirror_we_o(sndm_we),
      .mirror_flow_o(sndm_flow), .mirror_o(sndm), .desc_valid_o(txd_valid), .desc_ready_i(txd_ready), .desc_o(txd),
      .timer_valid_o(snd_timer_valid), .timer_us_o(snd_timer_us), .stat_timeout_o(timeout), .stat_rexmit_o(rexmit));

  logic asm_idle, asm_valid, asm_ready, asm_last, stat_frame, stat_pure;
  logic [11:0] txs_flow;
  tx_status_t txs;
  logic [DataW-1:0] asm_data;
  logic [LgB:0] asm_nbytes;
  tx_assembler #(.DataW(DataW), .NumFlows(NumFlows), .TxBufBytes(TxBufBytes), .RxBufBytes(RxBufBytes)) u_assembler (
      .clk_i(clk_i), .rst_ni(rst_ni), .now_us_i(now_us_i), .idle_o(asm_idle), .desc_valid_i(txd_valid), .desc_ready_o(txd_ready),
      .desc_i(txd), .hdr_we_i(hdr_we), .hdr_flow_i(cmd.flow[LgN-1:0]), .hdr_i(hdr), .rcv_we_i(rcvm_we),
      .rcv_flow_i(rcvm_flow), .rcv_i(rcvm), .clr_valid_o(clr_valid), .clr_flow_o(clr_flow), .clr_pure_o(clr_pure),
      .clr_bare_o(clr_bare), .clr_owed_i(clr_owed), .dsack_i(dsack), .sent_we_o(sentm_we), .sent_flow_o(sentm_flow), .sent_o(sentm), .ring_re_o(txm_re_o),
      .ring_addr0_o(txm_raddr0_o), .ring_addr1_o(txm_raddr1_o), .ring_rdata0_i(txm_rdata0_i),
      .ring_rdata1_i(txm_rdata1_i), .status_we_o(txs_we), .status_tell_o(txs_tell), .status_flow_o(txs_flow),
      .status_o(txs), .tx_valid_o(asm_valid), .tx_ready_i(asm_ready), .tx_data_o(asm_data), .tx_nbytes_o(asm_nbytes),
      .tx_last_o(asm_last), .stat_frame_o(stat_frame), .stat_pure_o(stat_pure));

  logic mux_idle;
  tx_mux #(.DataW(DataW)) u_mux (
      .clk_i(clk_i), .rst_ni(rst_ni), .a_valid_i(asm_valid), .a_ready_o(asm_ready), .a_data_i(asm_data),
      .a_nbytes_i(asm_nbytes), .a_last_i(asm_last), .b_valid_i(slow_valid_i), .b_ready_o(slow_ready_o),
      .b_data_i(slow_data_i), .b_nbytes_i(slow_nbytes_i), .b_last_i(slow_last_i), .valid_o(tx_valid_o),
      .ready_i(tx_ready_i), .data_o(tx_data_o), .nbytes_o(tx_nbytes_o), .last_o(tx_last_o), .idle_o(mux_idle));

  // --- events, counters ---------------------------------------------------------------------------------------------
  logic events_idle;
  nic_events #(.NumFlows(NumFlows)) u_events (
      .clk_i(clk_i), .rst_ni(rst_ni), .busy_o(ev_busy), .idle_o(events_idle), .rx_we_i(rxs_we), .rx_flow_i(rxs_flow), .rx_i(rxs),
      .tx_we_i(txs_we), .tx_tell_i(txs_tell), .tx_flow_i(txs_flow), .tx_i(txs), .event_valid_o(event_valid_o),
      .event_ready_i(event_ready_i), .event_o(event_o));

  nic_counters u_counters (
      .clk_i(clk_i), .rst_ni(rst_ni), .rx_valid_i(rx_stat_valid), .rx_class_i(rx_stat_class),
      .rcv_valid_i(rcv_stat_valid), .rcv_class_i(rcv_stat_class), .rcv_bytes_i(rcv_stat_bytes),
      .in_bytes_i(14'(in_bytes)), .tx_frame_i(stat_frame), .tx_pure_i(stat_pure),
      .tx_slow_i(slow_valid_i && slow_ready_o && slow_last_i), .timeout_i(timeout), .rexmit_i(rexmit),
      .addr_i(cnt_addr_i), .data_o(cnt_data_o));

  // The earlier of the two pipelines' timers.
  assign next_valid_o = rcv_timer_valid || snd_timer_valid;
  assign next_us_o    = (rcv_timer_valid && (!snd_timer_valid || rcv_timer_us < snd_timer_us)) ? rcv_timer_us : snd_timer_us;
  // While there is input a simulator need not ask the rest.
  always @* begin
    quiescent_o = 1'b0;
    if (!rx_valid_i && !cmd_valid_i && !pin_valid_i)
      quiescent_o = host_idle && parser_idle && frames_empty && rx_desc_count == '0 && rcv_idle && mover_idle
                  && reader_idle && writer_idle && snd_idle && asm_idle && mux_idle && events_idle;
  end
endmodule
`default_nettype wire
