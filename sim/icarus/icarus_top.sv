// SPDX-License-Identifier: Apache-2.0
// The NIC between C and its payload memories on Icarus: what cosim_top.sv is to Verilator, cycle by cycle, with system tasks of
// lockwire.vpi (tasks.c) in the place of DPI imports and icarus_tap.sv in the place of the bind.
//
//   $lw_turn hands control to C and comes back with the inputs of one cycle (model.c); time has no unit, two steps are a cycle.
//
// The order of what C sees in a cycle is that of cosim_top.sv: outputs, then inputs; what is bound there comes last. An output's
// valid, and each other line that stands alone, is a bit of `control`: none may be unknown in any cycle after reset.
`default_nettype none
`include "nic_types.svh"
module icarus_top;
  parameter int DataW = 512;
  parameter int NumFlows = 64;
  parameter int TxBufBytes = 32768;
  parameter int RxBufBytes = 32768;
  parameter int Cc = nic_pkg::CcNewreno;
  localparam int LgB = $clog2(DataW / 8);
  localparam int RxAddrW = $clog2(NumFlows) + $clog2(RxBufBytes) - LgB - 1;
  localparam int TxAddrW = $clog2(NumFlows) + $clog2(TxBufBytes) - LgB - 1;

  // --- what C sets in $lw_turn, and reads there ---------------------------------------------------------------------
  logic clk = 1'b0, rst_n = 1'b0;
  logic clocked;                           // a cycle; else only the settling of what changed
  logic [47:0] mac;
  logic [13:0] max_frame;
  logic [127:0] hash_key;
  logic [63:0] now_us, now_us_q;           // the latter: as in cosim_top, a cycle later
  logic [3:0] have;                        // for the next cycle: rx, slow path, payload, command
  logic [5:0] cnt_addr;                    // another one in each cycle, so that all are looked at
  wire [63:0] cnt_data, next_us;
  wire next_valid, quiescent;

  // --- NIC and memories ---------------------------------------------------------------------------------------------
  logic rx_valid_q, rx_last_q, slow_valid_q, slow_last_q, pin_valid_q, pin_last_q, cmd_valid_q;
  logic [DataW-1:0] rx_data_q, slow_data_q, pin_data_q;
  logic [LgB:0] rx_nbytes_q, slow_nbytes_q, pin_nbytes_q;
  logic [11:0] pin_flow_q;
  host_cmd_t cmd_q;
  wire nic_quiescent, slow_ready, pin_ready, cmd_ready;
  wire tx_valid, tx_last, slow_valid, slow_last, slow_fence, slow_ok, pout_valid, pout_last, event_valid;
  wire [DataW-1:0] tx_data, slow_data, pout_data;
  wire [LgB:0] tx_nbytes, slow_nbytes, pout_nbytes;
  wire [11:0] slow_flow, pout_flow;
  wire [nic_pkg::HostEventW-1:0] ev;
  wire rxm_we, rxm_re, txm_we, txm_re;
  wire [RxAddrW-1:0] rxm_waddr0, rxm_waddr1, rxm_raddr0, rxm_raddr1;
  wire [TxAddrW-1:0] txm_waddr0, txm_waddr1, txm_raddr0, txm_raddr1;
  wire [DataW/8-1:0] rxm_wbe0, rxm_wbe1, txm_wbe0, txm_wbe1;
  wire [DataW-1:0] rxm_wdata, rxm_rdata0, rxm_rdata1, txm_wdata, txm_rdata0, txm_rdata1;

  nic_top #(.DataW(DataW), .NumFlows(NumFlows), .TxBufBytes(TxBufBytes), .RxBufBytes(RxBufBytes), .Cc(Cc)) u_nic (
      .clk_i(clk), .rst_ni(rst_n), .mac_i(mac), .max_frame_i(max_frame), .hash_key_i(hash_key),
      .now_us_i(now_us_q), .next_valid_o(next_valid), .next_us_o(next_us), .quiescent_o(nic_quiescent),
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
      .cnt_addr_i(cnt_addr), .cnt_data_o(cnt_data),
      .rxm_we_o(rxm_we), .rxm_waddr0_o(rxm_waddr0), .rxm_waddr1_o(rxm_waddr1), .rxm_wbe0_o(rxm_wbe0),
      .rxm_wbe1_o(rxm_wbe1), .rxm_wdata_o(rxm_wdata), .rxm_re_o(rxm_re), .rxm_raddr0_o(rxm_raddr0),
      .rxm_raddr1_o(rxm_raddr1), .rxm_rdata0_i(rxm_rdata0), .rxm_rdata1_i(rxm_rdata1),
      .txm_we_o(txm_we), .txm_waddr0_o(txm_waddr0), .txm_waddr1_o(txm_waddr1), .txm_wbe0_o(txm_wbe0),
      .txm_wbe1_o(txm_wbe1), .txm_wdata_o(txm_wdata), .txm_re_o(txm_re), .txm_raddr0_o(txm_raddr0),
      .txm_raddr1_o(txm_raddr1), .txm_rdata0_i(txm_rdata0), .txm_rdata1_i(txm_rdata1));

  ring_mem #(.DataW(DataW), .AddrW(RxAddrW)) u_rx_mem (
      .clk_i(clk), .we_i(rxm_we), .waddr0_i(rxm_waddr0), .waddr1_i(rxm_waddr1), .wbe0_i(rxm_wbe0),
      .wbe1_i(rxm_wbe1), .wdata_i(rxm_wdata), .re_i(rxm_re), .raddr0_i(rxm_raddr0), .raddr1_i(rxm_raddr1),
      .rdata0_o(rxm_rdata0), .rdata1_o(rxm_rdata1));
  ring_mem #(.DataW(DataW), .AddrW(TxAddrW)) u_tx_mem (
      .clk_i(clk), .we_i(txm_we), .waddr0_i(txm_waddr0), .waddr1_i(txm_waddr1), .wbe0_i(txm_wbe0),
      .wbe1_i(txm_wbe1), .wdata_i(txm_wdata), .re_i(txm_re), .raddr0_i(txm_raddr0), .raddr1_i(txm_raddr1),
      .rdata0_o(txm_rdata0), .rdata1_o(txm_rdata1));

  // A valid input register is work under way, too.
  assign quiescent = nic_quiescent && !slow_valid_q;

  always @(posedge clk) now_us_q <= now_us;

  icarus_tap u_tap (.clk_i(clk), .rst_ni(rst_n));

  // --- the exchange with C ------------------------------------------------------------------------------------------
  // The names stand in the same order in tasks.c.
  wire [15:0] control = {quiescent, next_valid, tx_valid, slow_valid, pout_valid, event_valid, slow_ready, pin_ready, cmd_ready,
                         rxm_we, rxm_re, txm_we, txm_re, slow_valid && slow_fence, next_valid && (^next_us),
                         ^cnt_data};

  initial begin
    forever begin
      $lw_turn(clocked, rst_n, mac, max_frame, hash_key, now_us, have, cnt_addr, quiescent, next_valid, next_us, cnt_data);
      if (clocked) begin
        #1 clk = 1'b1;
        #1 clk = 1'b0;
      end
      #1;
    end
  end

  logic [DataW-1:0] in_data;
  logic [31:0] in_nbytes, in_flow;
  logic in_last;
  logic [nic_pkg::HostCmdW-1:0] in_cmd;

  always @(posedge clk) begin
    if (!rst_n) begin
      rx_valid_q   <= 1'b0;
      slow_valid_q <= 1'b0;
      pin_valid_q  <= 1'b0;
      cmd_valid_q  <= 1'b0;
    end else begin
      if (^control === 1'bx) $lw_control(control);
      if (tx_valid) $lw_tx(tx_nbytes, tx_last, tx_data);
      if (slow_valid && !slow_fence) $lw_slow_out(slow_nbytes, slow_last, slow_data);
      if (slow_valid && slow_fence) $lw_fence(slow_flow, slow_ok);
      if (pout_valid) $lw_payload_out(pout_flow, pout_nbytes, pout_last, pout_data);
      if (event_valid) $lw_event(ev);
      if (rxm_we) $lw_ring_write(0, rxm_wbe0, rxm_wbe1, rxm_waddr0, rxm_waddr1, rxm_wdata);
      if (txm_we) $lw_ring_write(1, txm_wbe0, txm_wbe1, txm_waddr0, txm_waddr1, txm_wdata);
      if (rxm_re) $lw_ring_read(0, rxm_raddr0, rxm_raddr1);
      if (txm_re) $lw_ring_read(1, txm_raddr0, txm_raddr1);

      rx_valid_q <= have[0];
      if (have[0]) begin
        $lw_rx(in_nbytes, in_last, in_data);
        rx_data_q   <= in_data;
        rx_nbytes_q <= in_nbytes[LgB:0];
        rx_last_q   <= in_last;
      end
      if (!slow_valid_q || slow_ready) begin
        slow_valid_q <= have[1];
        if (have[1]) begin
          $lw_slow_in(in_nbytes, in_last, in_data);
          slow_data_q   <= in_data;
          slow_nbytes_q <= in_nbytes[LgB:0];
          slow_last_q   <= in_last;
        end
      end
      if (!pin_valid_q || pin_ready) begin
        pin_valid_q <= have[2];
        if (have[2]) begin
          $lw_payload_in(in_flow, in_nbytes, in_last, in_data);
          pin_flow_q   <= in_flow[11:0];
          pin_data_q   <= in_data;
          pin_nbytes_q <= in_nbytes[LgB:0];
          pin_last_q   <= in_last;
        end
      end
      if (!cmd_valid_q || cmd_ready) begin
        cmd_valid_q <= have[3];
        if (have[3]) begin
          $lw_command(in_cmd);
          cmd_q <= in_cmd;
        end
      end
    end
  end
endmodule
`default_nettype wire
