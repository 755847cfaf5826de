// SPDX-License-Identifier: Apache-2.0
// What a wave is read by: the cycle and the frames on the wire, told by C, and what passes in the NIC with names and in words.
// Bound to the co-simulation of the build that traces alone (make wave); no part of any other, and not of the RTL's identity.
//
// Words are ASCII in vectors, for GTKWave's data format of that name; nothing is put into words while `on` is 0.
`default_nettype none
`include "nic_types.svh"
module nic_view (
    // Parser, receive pipeline (nic_retire.sv has what these say).
    input  wire logic         frame_valid_i,
    input  wire logic [4:0]   frame_class_i,
    input  wire logic         rcv_valid_i,
    input  wire logic [2:0]   rcv_kind_i,
    input  wire logic [11:0]  rcv_flow_i,
    input  rx_desc_t          rcv_desc_i,
    input  wire logic [3:0]   rcv_class_i,
    input  rcv_ctx_t          rcv_ctx_i,
    input  wire logic         verdict_valid_i,
    input  rx_verdict_t       verdict_i,
    // Send pipeline, assembler.
    input  wire logic [2:0]   snd_kind_i,
    input  wire logic [11:0]  snd_flow_i,
    input  dd_in_t            snd_dd_i,
    input  cc_in_t            snd_cc_i,
    input  snd_ctx_t          snd_ctx_i,
    input  wire logic         snd_emit_i,
    input  tx_desc_t          snd_desc_i,
    input  wire logic         sample_valid_i,
    input  tx_desc_t          sample_desc_i,
    input  wire logic         sample_frame_i,
    input  rcv_mirror_t       sample_rcv_i,
    // Host port.
    input  wire logic         cmd_valid_i,
    input  host_cmd_t         cmd_i,
    input  wire logic         event_valid_i,
    input  host_event_t       event_i
);
  localparam int TextW = 8 * 112;

  // From C, for the cycle that is shown.
  logic on /*verilator public_flat_rw*/ = 1'b0;
  logic [63:0] cycle /*verilator public_flat_rw*/ = '0;
  logic [31:0] rx_frame /*verilator public_flat_rw*/ = '0;     // number in wire.pcapng of the frame on the receive stream; 0: none
  logic [31:0] tx_frame /*verilator public_flat_rw*/ = '0;
  logic [TextW-1:0] rx_text /*verilator public_flat_rw*/ = '0;
  logic [TextW-1:0] tx_text /*verilator public_flat_rw*/ = '0;

  // --- names --------------------------------------------------------------------------------------------------------
  rx_class_e  frame_class;
  rcv_ev_e    rcv_event;
  rcv_class_e rcv_class;
  verdict_e   verdict;
  snd_ev_e    snd_event;
  dd_in_e     snd_dd;
  cc_ev_e     snd_cc;
  tx_desc_e   snd_desc;
  tx_desc_e   sample_desc;
  host_cmd_e  command;

  assign frame_class = rx_class_e'(frame_class_i);
  assign rcv_event   = rcv_ev_e'(rcv_kind_i);
  assign rcv_class   = rcv_class_e'(rcv_class_i);
  assign verdict     = verdict_e'(verdict_i.kind);
  assign snd_event   = snd_ev_e'(snd_kind_i);
  assign snd_dd      = dd_in_e'(snd_dd_i.kind);
  assign snd_cc      = cc_ev_e'(snd_cc_i.kind);
  assign snd_desc    = tx_desc_e'(snd_desc_i.kind);
  assign sample_desc = tx_desc_e'(sample_desc_i.kind);
  assign command     = host_cmd_e'(cmd_i.kind);

  // --- words --------------------------------------------------------------------------------------------------------
  logic [TextW-1:0] frame_text, rcv_text, verdict_text, snd_text, sample_text, cmd_text, event_text;
  logic [8*21-1:0] rcv_peer, rcv_here, cmd_peer, cmd_here;
  logic [8*5-1:0] rcv_flags;

  function automatic logic [39:0] flags_of(input logic [4:0] f);
    flags_of = {f[0] ? "F" : "-", f[1] ? "S" : "-", f[2] ? "R" : "-", f[3] ? "P" : "-", f[4] ? "A" : "-"};
  endfunction

  assign rcv_flags = flags_of(rcv_desc_i.flags);

  always_comb begin
    {rcv_peer, rcv_here, cmd_peer, cmd_here} = '0;
    if (on && rcv_valid_i && rcv_event == RevSegment) begin
      $sformat(rcv_peer, "%0d.%0d.%0d.%0d:%0d", rcv_desc_i.remote_ip[31:24], rcv_desc_i.remote_ip[23:16], rcv_desc_i.remote_ip[15:8],
               rcv_desc_i.remote_ip[7:0], rcv_desc_i.remote_port);
      $sformat(rcv_here, "%0d.%0d.%0d.%0d:%0d", rcv_desc_i.local_ip[31:24], rcv_desc_i.local_ip[23:16], rcv_desc_i.local_ip[15:8],
               rcv_desc_i.local_ip[7:0], rcv_desc_i.local_port);
    end
    if (on && cmd_valid_i && (command == CmdOpen || command == CmdRelease)) begin
      $sformat(cmd_peer, "%0d.%0d.%0d.%0d:%0d", cmd_i.remote_ip[31:24], cmd_i.remote_ip[23:16], cmd_i.remote_ip[15:8], cmd_i.remote_ip[7:0],
               cmd_i.remote_port);
      $sformat(cmd_here, "%0d.%0d.%0d.%0d:%0d", cmd_i.local_ip[31:24], cmd_i.local_ip[23:16], cmd_i.local_ip[15:8], cmd_i.local_ip[7:0],
               cmd_i.local_port);
    end
  end

  always_comb begin
    frame_text = '0;
    if (on && frame_valid_i) $sformat(frame_text, "%s", frame_class.name());
  end

  always_comb begin
    rcv_text = '0;
    if (on && rcv_valid_i && rcv_event == RevSegment)
      $sformat(rcv_text, "%s f%0d %s seq %0d len %0d ack %0d wnd %0d -> nxt %0d", rcv_class.name(), rcv_flow_i, rcv_flags, rcv_desc_i.seq,
               rcv_desc_i.pay_len, rcv_desc_i.ack, rcv_desc_i.wnd, rcv_ctx_i.nxt);
    else if (on && rcv_valid_i)
      $sformat(rcv_text, "%s f%0d -> nxt %0d wnd_end %0d", rcv_event.name(), rcv_flow_i, rcv_ctx_i.nxt, rcv_ctx_i.wnd_end);
  end

  always_comb begin
    verdict_text = '0;
    if (on && verdict_valid_i)
      $sformat(verdict_text, "%s f%0d bytes %0d to %0d of %0d%s%s%s", verdict.name(), verdict_i.flow, verdict_i.lo, verdict_i.hi, verdict_i.frame_len,
               verdict_i.peer_closed ? " closed" : "", verdict_i.rx_reset ? " reset" : "", verdict_i.rx_released ? " released" : "");
  end

  always_comb begin
    snd_text = '0;
    if (on && snd_event == SevIncoming)
      $sformat(snd_text, "%s f%0d ack %0d wnd %0d -> una %0d nxt %0d max %0d cwnd %0d", snd_dd.name(), snd_flow_i, snd_dd_i.ack, snd_dd_i.wnd,
               snd_ctx_i.una, snd_ctx_i.nxt, snd_ctx_i.max, snd_ctx_i.cwnd);
    else if (on && snd_event != SevNone && snd_emit_i)
      $sformat(snd_text, "%s f%0d emits %s seq %0d len %0d -> una %0d nxt %0d max %0d cwnd %0d", snd_event.name(), snd_flow_i, snd_desc.name(),
               snd_desc_i.seq, snd_desc_i.len, snd_ctx_i.una, snd_ctx_i.nxt, snd_ctx_i.max, snd_ctx_i.cwnd);
    else if (on && snd_event != SevNone)
      $sformat(snd_text, "%s f%0d -> una %0d nxt %0d max %0d cwnd %0d", snd_event.name(), snd_flow_i, snd_ctx_i.una, snd_ctx_i.nxt, snd_ctx_i.max,
               snd_ctx_i.cwnd);
  end

  always_comb begin
    sample_text = '0;
    if (on && sample_valid_i)
      $sformat(sample_text, "%s f%0d seq %0d len %0d ack %0d wnd_end %0d%s", sample_desc.name(), sample_desc_i.flow, sample_desc_i.seq, sample_desc_i.len,
               sample_rcv_i.nxt, sample_rcv_i.wnd_end, sample_frame_i ? "" : " (no frame)");
  end

  always_comb begin
    cmd_text = '0;
    if (on && cmd_valid_i && command == CmdConsume) $sformat(cmd_text, "%s f%0d %0d bytes", command.name(), cmd_i.flow, cmd_i.len);
    else if (on && cmd_valid_i && (command == CmdOpen || command == CmdRelease))
      $sformat(cmd_text, "%s f%0d %s to %s", command.name(), cmd_i.flow, cmd_here, cmd_peer);
    else if (on && cmd_valid_i) $sformat(cmd_text, "%s f%0d", command.name(), cmd_i.flow);
  end

  always_comb begin
    event_text = '0;
    if (on && event_valid_i)
      $sformat(event_text, "f%0d ready to %0d freed to %0d%s%s%s%s%s", event_i.flow, event_i.rx_ready, event_i.tx_freed,
               event_i.peer_closed ? " closed" : "", event_i.rx_reset ? " reset" : "", event_i.fin_acked ? " fin-acked" : "",
               event_i.timed_out ? " timed-out" : "", (event_i.rx_released && event_i.tx_released) ? " released" : "");
  end
endmodule

bind cosim_top nic_view u_view (
    .frame_valid_i(u_nic.rx_stat_valid), .frame_class_i(u_nic.rx_stat_class), .rcv_valid_i(u_nic.u_rx_pipe.e_valid_q),
    .rcv_kind_i(u_nic.u_rx_pipe.e_kind_q), .rcv_flow_i(u_nic.u_rx_pipe.e_flow_q), .rcv_desc_i(u_nic.u_rx_pipe.e_desc_q),
    .rcv_class_i(u_nic.rcv_stat_class), .rcv_ctx_i(u_nic.u_rx_pipe.ctx_next), .verdict_valid_i(u_nic.verdict_valid), .verdict_i(u_nic.verdict),
    .snd_kind_i(u_nic.u_send_pipe.e_kind_q), .snd_flow_i(u_nic.u_send_pipe.e_flow_q), .snd_dd_i(u_nic.u_send_pipe.e_dd_q),
    .snd_cc_i(u_nic.u_send_pipe.cc), .snd_ctx_i(u_nic.u_send_pipe.ctx_next), .snd_emit_i(u_nic.u_send_pipe.emit),
    .snd_desc_i(u_nic.u_send_pipe.desc), .sample_valid_i(u_nic.u_assembler.a1_valid_q && u_nic.u_assembler.a1_first_q),
    .sample_desc_i(u_nic.u_assembler.a1_q), .sample_frame_i(u_nic.u_assembler.a1_frame), .sample_rcv_i(u_nic.u_assembler.rcv),
    .cmd_valid_i(cmd_valid_q && cmd_ready), .cmd_i(cmd_q), .event_valid_i(event_valid), .event_i(ev));
`default_nettype wire
