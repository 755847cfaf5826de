// SPDX-License-Identifier: Apache-2.0
// Counters, read one at a time by index; 64 bits each, from zero at reset.
//   0..31 frames by rx_class_e; 32..47 events by rcv_class_e; 48.. see CntX in nic_pkg.
`default_nettype none
module nic_counters (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic         rx_valid_i,
    input  wire logic [4:0]   rx_class_i,
    input  wire logic         rcv_valid_i,
    input  wire logic [3:0]   rcv_class_i,
    input  wire logic [13:0]  rcv_bytes_i,
    input  wire logic [13:0]  in_bytes_i,
    input  wire logic         tx_frame_i,
    input  wire logic         tx_pure_i,
    input  wire logic         tx_slow_i,
    input  wire logic         timeout_i,
    input  wire logic         rexmit_i,
    input  wire logic [5:0]   addr_i,
    output logic [63:0]       data_o
);
  logic [63:0] rx_q [0:31];
  logic [63:0] rcv_q [0:15];
  logic [63:0] rx_bytes_q, tx_bytes_q, frames_q, pure_q, slow_q, timeouts_q, rexmits_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int i = 0; i < 32; i++) rx_q[i] <= '0;
      for (int i = 0; i < 16; i++) rcv_q[i] <= '0;
      rx_bytes_q <= '0;
      tx_bytes_q <= '0;
      frames_q   <= '0;
      pure_q     <= '0;
      slow_q     <= '0;
      timeouts_q <= '0;
      rexmits_q  <= '0;
    end else begin
      if (rx_valid_i) rx_q[rx_class_i] <= rx_q[rx_class_i] + 64'd1;
      if (rcv_valid_i) rcv_q[rcv_class_i] <= rcv_q[rcv_class_i] + 64'd1;
      rx_bytes_q <= rx_bytes_q + 64'(rcv_bytes_i);
      tx_bytes_q <= tx_bytes_q + 64'(in_bytes_i);
      if (tx_frame_i) frames_q <= frames_q + 64'd1;
      if (tx_pure_i) pure_q <= pure_q + 64'd1;
      if (tx_slow_i) slow_q <= slow_q + 64'd1;
      if (timeout_i) timeouts_q <= timeouts_q + 64'd1;
      if (rexmit_i) rexmits_q <= rexmits_q + 64'd1;
    end
  end

  always @* begin
    data_o = addr_i[5] ? rcv_q[addr_i[3:0]] : rx_q[addr_i[4:0]];
    case (addr_i)
      6'(nic_pkg::CntRxRingBytes): data_o = rx_bytes_q;
      6'(nic_pkg::CntTxRingBytes): data_o = tx_bytes_q;
      6'(nic_pkg::CntTxFrames): data_o = frames_q;
      6'(nic_pkg::CntTxPureAcks): data_o = pure_q;
      6'(nic_pkg::CntTxSlow): data_o = slow_q;
      6'(nic_pkg::CntTimeouts): data_o = timeouts_q;
      6'(nic_pkg::CntRexmits): data_o = rexmits_q;
      default: ;
    endcase
  end
endmodule
`default_nettype wire
