// SPDX-License-Identifier: Apache-2.0
// The host port's event side: what changed about which flow. An event carries the flow's state as levels, read when it
// leaves, so any number of changes makes one event and none is lost; a flow waits at most once.
//
//     receive status (rx_mover) ---> store --+
//     transmit status (assembler) -> store --+--> event {flow, levels}
//     either: flow's dirty bit -> round robin -^
`default_nettype none
`include "nic_types.svh"
module nic_events #(
    parameter int NumFlows = 64,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    output logic              busy_o,        // after reset: every flow is being marked as released
    output logic              idle_o,
    input  wire logic         rx_we_i,
    input  wire logic [11:0]  rx_flow_i,
    input  rx_status_t        rx_i,
    input  wire logic         tx_we_i,
    input  wire logic         tx_tell_i,
    input  wire logic [11:0]  tx_flow_i,
    input  tx_status_t        tx_i,
    output logic              event_valid_o,
    input  wire logic         event_ready_i,
    output host_event_t       event_o
);
  logic ready_valid, pop;
  logic [11:0] ready_flow, flow_q;
  logic [nic_pkg::RxStatusW-1:0] rx_bits;
  logic [nic_pkg::TxStatusW-1:0] tx_bits;
  rx_status_t rx;
  tx_status_t tx;

  ready_set #(.NumFlows(NumFlows)) u_dirty (
      .clk_i(clk_i), .rst_ni(rst_ni), .set0_i(rx_we_i), .flow0_i(rx_flow_i), .set1_i(tx_we_i && tx_tell_i),
      .flow1_i(tx_flow_i), .set2_i(1'b0), .flow2_i(12'd0), .valid_o(ready_valid), .ready_i(pop), .flow_o(ready_flow));
  assign pop = ready_valid && (!event_valid_o || event_ready_i);

  // Until a flow's first open both sides read as released, so that half an open is not taken for news.
  logic busy_q;
  logic [LgN-1:0] sweep_q;
  rx_status_t rx_clear, rx_w;
  tx_status_t tx_clear, tx_w;
  assign busy_o = busy_q;
  always @* begin
    rx_clear = '0;
    rx_clear.rx_released = 1'b1;
    tx_clear = '0;
    tx_clear.tx_released = 1'b1;
    rx_w = busy_q ? rx_clear : rx_i;
    tx_w = busy_q ? tx_clear : tx_i;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b1;
      sweep_q <= '0;
    end else begin
      sweep_q <= sweep_q + 1'b1;
      if (sweep_q == '1) busy_q <= 1'b0;
    end
  end

  ram_1r1w #(.W(nic_pkg::RxStatusW), .Depth(NumFlows)) u_rx (
      .clk_i(clk_i), .we_i(rx_we_i || busy_q), .waddr_i(busy_q ? sweep_q : rx_flow_i[LgN-1:0]), .wdata_i(rx_w), .re_i(pop),
      .raddr_i(ready_flow[LgN-1:0]), .rdata_o(rx_bits));
  ram_1r1w #(.W(nic_pkg::TxStatusW), .Depth(NumFlows)) u_tx (
      .clk_i(clk_i), .we_i(tx_we_i || busy_q), .waddr_i(busy_q ? sweep_q : tx_flow_i[LgN-1:0]), .wdata_i(tx_w), .re_i(pop),
      .raddr_i(ready_flow[LgN-1:0]), .rdata_o(tx_bits));
  assign rx = rx_bits;
  assign tx = tx_bits;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) event_valid_o <= 1'b0;
    else if (pop) event_valid_o <= 1'b1;
    else if (event_ready_i) event_valid_o <= 1'b0;
    if (pop) flow_q <= ready_flow;
  end

  always @* begin
    event_o             = '0;
    event_o.flow        = flow_q;
    event_o.rx_ready    = rx.ready;
    event_o.peer_closed = rx.peer_closed;
    event_o.rx_reset    = rx.rx_reset;
    event_o.ts_recent   = rx.ts_recent;
    event_o.rx_released = rx.rx_released;
    event_o.tx_freed    = tx.freed;
    event_o.fin_acked   = tx.fin_acked;
    event_o.timed_out   = tx.timed_out;
    event_o.tx_released = tx.tx_released;
  end

  assign idle_o = !ready_valid && !event_valid_o;
endmodule
`default_nettype wire
