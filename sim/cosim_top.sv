// SPDX-License-Identifier: Apache-2.0
// The NIC between C and its payload memories: what the simulator runs.
//
// In each cycle C sees the outputs of this cycle and supplies the inputs of the next, in a fixed order and through
// registers, so that no combinational path leads through C: transmit beat, slow path out, payload out, event; then
// receive beat, slow path in, payload in, command. A function is called only when it has something to say: outputs when
// they are valid, inputs when C has announced them (have_*_i) and there is room. C takes every output at once.
// The socket is opened by lw_open as the simulation starts.
`default_nettype none
`include "nic_types.svh"
module cosim_top #(
    parameter int DataW = 512,
    parameter int NumFlows = 64,
    parameter int TxBufBytes = 32768,
    parameter int RxBufBytes = 32768,
    parameter int Cc = nic_pkg::CcNewreno,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic [63:0]  host_i,          // struct glue of the C side, as a number
    input  wire logic         check_i,         // retired events are reported (nic_retire.sv)
    input  wire logic [47:0]  mac_i,
    input  wire logic [13:0]  max_frame_i,
    input  wire logic [127:0] hash_key_i,
    input  wire logic [63:0]  now_us_i,
    input  wire logic         have_rx_i,
    input  wire logic         have_slow_i,
    input  wire logic         have_pin_i,
    input  wire logic         have_cmd_i,
    output logic              quiescent_o,
    output logic              next_valid_o,
    output logic [63:0]       next_us_o,
    input  wire logic [5:0]   cnt_addr_i,
    output logic [63:0]       cnt_data_o
);
  localparam int RxAddrW = $clog2(NumFlows) + $clog2(RxBufBytes) - LgB - 1;
  localparam int TxAddrW = $clog2(NumFlows) + $clog2(TxBufBytes) - LgB - 1;

  import "DPI-C" function void lw_open(input longint unsigned host);
  import "DPI-C" function void lw_close(input longint unsigned host);
  import "DPI-C" function void lw_tx(input longint unsigned host, input bit [DataW-1:0] data, input int nbytes, input bit last);
  import "DPI-C" function void lw_slow_out(input longint unsigned host, input bit [DataW-1:0] data, input int nbytes, input bit last);
  import "DPI-C" function void lw_fence(input longint unsigned host, input int flow, input bit ok);
  import "DPI-C" function void lw_payload_out(
      input longint unsigned host, input int flow, input bit [DataW-1:0] data, input int nbytes, input bit last);
  import "DPI-C" function void lw_event(input longint unsigned host, input bit [nic_pkg::HostEventW-1:0] ev);
  import "DPI-C" function void lw_rx(
      input longint unsigned host, output bit [DataW-1:0] data, output int nbytes, output bit last);
  import "DPI-C" function void lw_slow_in(
      input longint unsigned host, output bit [DataW-1:0] data, output int nbytes, output bit last);
  import "DPI-C" function void lw_payload_in(
      input longint unsigned host, output int flow, output bit [DataW-1:0] data, output int nbytes, output bit last);
  import "DPI-C" function void lw_command(input longint unsigned host, output bit [nic_pkg::HostCmdW-1:0] cmd);

  // The widths written by hand in nic_pkg, held against the structs they stand for.
  generate
    if ($bits(rcv_ctx_t) != nic_pkg::RcvCtxW || $bits(snd_ctx_t) != nic_pkg::SndCtxW
        || $bits(host_cmd_t) != nic_pkg::HostCmdW || $bits(host_event_t) != nic_pkg::HostEventW
        || $bits(rx_desc_t) != nic_pkg::RxDescW || $bits(rx_verdict_t) != nic_pkg::RxVerdictW
        || $bits(dd_in_t) != nic_pkg::DdInW || $bits(dd_segment_t) != nic_pkg::DdSegmentW || $bits(dsack_t) != nic_pkg::DsackW
        || $bits(tx_desc_t) != nic_pkg::TxDescW || $bits(cc_in_t) != nic_pkg::CcInW
        || $bits(cc_own_t) != nic_pkg::CcOwnW
        || $bits(tx_hdr_t) != nic_pkg::TxHdrW || $bits(rcv_mirror_t) != nic_pkg::RcvMirrorW
        || $bits(snd_mirror_t) != nic_pkg::SndMirrorW || $bits(sent_mirror_t) != nic_pkg::SentMirrorW
        || $bits(rx_status_t) != nic_pkg::RxStatusW || $bits(tx_status_t) != nic_pkg::TxStatusW)
      ERROR_struct_width_in_nic_pkg x_widths ();
  endgenerate

  // From registers, so that the simulator does not look twice in a cycle at what follows from them: with new inputs, and then
  // after the edge.
  logic [47:0] mac_q;
  logic [13:0] max_frame_q;
  logic [127:0] hash_key_q;
  logic [63:0] now_us_q;
  always @(posedge clk_i) begin
    mac_q       <= mac_i;
    max_frame_q <= max_frame_i;
    hash_key_q  <= hash_key_i;
    now_us_q    <= now_us_i;
  end

  // --- NIC and memories ---------------------------------------------------------------------------------------------
  logic rx_valid_q, rx_last_q, slow_valid_q, slow_last_q, slow_ready, pin_valid_q, pin_last_q, pin_ready;
  logic cmd_valid_q, cmd_ready;
  logic [DataW-1:0] rx_data_q, slow_data_q, pin_data_q;
  logic [LgB:0] rx_nbytes_q, slow_nbytes_q, pin_nbytes_q;
  logic [11:0] pin_flow_q;
  host_cmd_t cmd_q;
  logic tx_valid, tx_last, slow_valid, slow_last, slow_fence, slow_ok, pout_valid, pout_last, event_valid;
  logic [DataW-1:0] tx_data, slow_data, pout_data;
  logic [LgB:0] tx_nbytes, slow_nbytes, pout_nbytes;
  logic [11:0] slow_flow, pout_flow;
  host_event_t ev;
  logic rxm_we, rxm_re, txm_we, txm_re;
  logic [RxAddrW-1:0] rxm_waddr0, rxm_waddr1, rxm_raddr0, rxm_raddr1;
  logic [TxAddrW-1:0] txm_waddr0, txm_waddr1, txm_raddr0, txm_raddr1;
  logic [DataW/8-1:0] rxm_wbe0, rxm_wbe1, txm_wbe0, txm_wbe1;
  logic [DataW-1:0] rxm_wdata, rxm_rdata0, rxm_rdata1, txm_wdata, txm_rdata0, txm_rdata1;
  logic nic_quiescent;

  nic_top #(.DataW(DataW), .NumFlows(NumFlows), .TxBufBytes(TxBufBytes), .RxBufBytes(RxBufBytes), .Cc(Cc)) u_nic (
      .clk_i(clk_i), .rst_ni(rst_ni), .mac_i(mac_q), .max_frame_i(max_frame_q), .hash_key_i(hash_key_q),
      .now_us_i(now_us_q), .next_valid_o(next_valid_o), .next_us_o(next_us_o), .quiescent_o(nic_quiescent),
      .rx_valid_i(rx_valid_q), .rx_data_i(rx_data_q), .rx_nbytes_i(rx_nbytes_q), .rx_last_i(rx_last_q),
      .tx_valid_o(tx_valid), .tx_ready_i(1'b1), .tx_data_o(tx_data), .tx_nbytes_o(tx_nbytes), .tx_last_o(tx_last),
      .slow_valid_o(slow_valid), .slow_ready_i(1'b1), .slow_data_o(slow_data), .slow_nbytes_o(slow_nbytes),
      .slow_last_o(slow_last), .slow_fence_o(slow_fence), .slow_flow_o(slow_flow), .slow_ok_o(slow_ok),
      .slow_valid_i(slow_valid_q), .slow_ready_o(slow_ready), .slow_data_i(slow_data_q),
      .slow_nbytes_i(slow_nbytes_q), .slow_last_i(slow_last_q), .cmd_valid_i(cmd_valid_q), .cmd_ready_o(cmd_ready),
      .cmd_i(cmd_q), .pin_valid_i(pin_valid_q), .pin_ready_o(pin_ready), .pin_flow_i(pin_flow_q),
      .pin_data_i(pin_data_q), .pin_nbytes_i(pin_nbytes_q), .pin_last_i(pin_last_q), .pout_valid_o(pout_valid),
      .pout_ready_i(1'b1), .pout_flow_o(pout_flow), .pout_data_o(pout_data), .pout_nbytes_o(pout_nbytes),
      .pout_last_o(pout_last), .event_valid_o(event_valid), .event_ready_i(1'b1), .event_o(ev),
      .cnt_addr_i(cnt_addr_i), .cnt_data_o(cnt_data_o),
      .rxm_we_o(rxm_we), .rxm_waddr0_o(rxm_waddr0), .rxm_waddr1_o(rxm_waddr1), .rxm_wbe0_o(rxm_wbe0),
      .rxm_wbe1_o(rxm_wbe1), .rxm_wdata_o(rxm_wdata), .rxm_re_o(rxm_re), .rxm_raddr0_o(rxm_raddr0),
      .rxm_raddr1_o(rxm_raddr1), .rxm_rdata0_i(rxm_rdata0), .rxm_rdata1_i(rxm_rdata1),
      .txm_we_o(txm_we), .txm_waddr0_o(txm_waddr0), .txm_waddr1_o(txm_waddr1), .txm_wbe0_o(txm_wbe0),
      .txm_wbe1_o(txm_wbe1), .txm_wdata_o(txm_wdata), .txm_re_o(txm_re), .txm_raddr0_o(txm_raddr0),
      .txm_raddr1_o(txm_raddr1), .txm_rdata0_i(txm_rdata0), .txm_rdata1_i(txm_rdata1));

  ring_mem #(.DataW(DataW), .AddrW(RxAddrW)) u_rx_mem (
      .clk_i(clk_i), .we_i(rxm_we), .waddr0_i(rxm_waddr0), .waddr1_i(rxm_waddr1), .wbe0_i(rxm_wbe0),
      .wbe1_i(rxm_wbe1), .wdata_i(rxm_wdata), .re_i(rxm_re), .raddr0_i(rxm_raddr0), .raddr1_i(rxm_raddr1),
      .rdata0_o(rxm_rdata0), .rdata1_o(rxm_rdata1));
  ring_mem #(.DataW(DataW), .AddrW(TxAddrW)) u_tx_mem (
      .clk_i(clk_i), .we_i(txm_we), .waddr0_i(txm_waddr0), .waddr1_i(txm_waddr1), .wbe0_i(txm_wbe0),
      .wbe1_i(txm_wbe1), .wdata_i(txm_wdata), .re_i(txm_re), .raddr0_i(txm_raddr0), .raddr1_i(txm_raddr1),
      .rdata0_o(txm_rdata0), .rdata1_o(txm_rdata1));

  // A valid input register is work under way, too.
  assign quiescent_o = nic_quiescent && !slow_valid_q;

  // --- the exchange with C ------------------------------------------------------------------------------------------
  initial lw_open(host_i);
  final lw_close(host_i);

  bit [DataW-1:0] rx_data, slow_in_data, pin_data;
  int rx_nbytes, slow_in_nbytes, pin_nbytes, pin_flow;
  bit rx_last, slow_in_last, pin_last;
  bit [nic_pkg::HostCmdW-1:0] cmd_bits;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      rx_valid_q   <= 1'b0;
      slow_valid_q <= 1'b0;
      pin_valid_q  <= 1'b0;
      cmd_valid_q  <= 1'b0;
    end else begin
      if (tx_valid) lw_tx(host_i, tx_data, 32'(tx_nbytes), tx_last);
      if (slow_valid && !slow_fence) lw_slow_out(host_i, slow_data, 32'(slow_nbytes), slow_last);
      if (slow_valid && slow_fence) lw_fence(host_i, 32'(slow_flow), slow_ok);
      if (pout_valid) lw_payload_out(host_i, 32'(pout_flow), pout_data, 32'(pout_nbytes), pout_last);
      if (event_valid) lw_event(host_i, ev);

      rx_valid_q <= have_rx_i;
      if (have_rx_i) begin
        lw_rx(host_i, rx_data, rx_nbytes, rx_last);
        rx_data_q   <= rx_data;
        rx_nbytes_q <= (LgB + 1)'(rx_nbytes);
        rx_last_q   <= rx_last;
      end
      if (!slow_valid_q || slow_ready) begin
        slow_valid_q <= have_slow_i;
        if (have_slow_i) begin
          lw_slow_in(host_i, slow_in_data, slow_in_nbytes, slow_in_last);
          slow_data_q   <= slow_in_data;
          slow_nbytes_q <= (LgB + 1)'(slow_in_nbytes);
          slow_last_q   <= slow_in_last;
        end
      end
      if (!pin_valid_q || pin_ready) begin
        pin_valid_q <= have_pin_i;
        if (have_pin_i) begin
          lw_payload_in(host_i, pin_flow, pin_data, pin_nbytes, pin_last);
          pin_flow_q   <= 12'(pin_flow);
          pin_data_q   <= pin_data;
          pin_nbytes_q <= (LgB + 1)'(pin_nbytes);
          pin_last_q   <= pin_last;
        end
      end
      if (!cmd_valid_q || cmd_ready) begin
        cmd_valid_q <= have_cmd_i;
        if (have_cmd_i) begin
          lw_command(host_i, cmd_bits);
          cmd_q <= cmd_bits;
        end
      end
    end
  end
endmodule
`default_nettype wire
