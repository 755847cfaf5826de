// SPDX-License-Identifier: Apache-2.0
// nic_counters: random increments of all inputs at once against a model of 55 counters; every index read while it counts and
// at rest; byte counters add up beyond 2^16; indices above the last read as a number, not as X.
`default_nettype none
`include "tb.svh"
`BENCH(nic_counters_tb)
  logic rst_n = 1'b0;
  logic rx_valid = 1'b0, rcv_valid = 1'b0, tx_frame = 1'b0, tx_pure = 1'b0, tx_slow = 1'b0, timeout = 1'b0, rexmit = 1'b0;
  logic [4:0] rx_class = 0;
  logic [3:0] rcv_class = 0;
  logic [13:0] rcv_bytes = 0, in_bytes = 0;
  logic [5:0] addr = 0;
  logic [63:0] data;
  logic [63:0] m [0:63];
  logic [63:0] r = 64'h0123_cafe_4567_beef;
  int n = 0;

  nic_counters u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .rx_valid_i(rx_valid), .rx_class_i(rx_class), .rcv_valid_i(rcv_valid),
      .rcv_class_i(rcv_class), .rcv_bytes_i(rcv_bytes), .in_bytes_i(in_bytes), .tx_frame_i(tx_frame), .tx_pure_i(tx_pure),
      .tx_slow_i(tx_slow), .timeout_i(timeout), .rexmit_i(rexmit), .addr_i(addr), .data_o(data));

  initial for (int i = 0; i < 64; i++) m[i] = 0;

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    if (n > 4) begin
      if (addr < 6'd55) begin `CHECK(data === m[addr], "count") end
      else begin `CHECK(^data !== 1'bx, "an unused index is no X") end
      if (rx_valid) m[rx_class] = m[rx_class] + 1;
      if (rcv_valid) m[32 + rcv_class] = m[32 + rcv_class] + 1;
      m[48] = m[48] + 64'(rcv_bytes);
      m[49] = m[49] + 64'(in_bytes);
      if (tx_frame) m[50] = m[50] + 1;
      if (tx_pure) m[51] = m[51] + 1;
      if (tx_slow) m[52] = m[52] + 1;
      if (timeout) m[53] = m[53] + 1;
      if (rexmit) m[54] = m[54] + 1;
      r = rnd64(r);
      addr <= (n < 3000) ? r[5:0] : 6'(n);
      r = rnd64(r);
      rx_valid <= r[0] && n < 3000;
      rx_class <= r[5:1];
      rcv_valid <= r[6] && n < 3000;
      rcv_class <= r[10:7];
      rcv_bytes <= (r[11] && n < 3000) ? r[25:12] : 14'd0;
      in_bytes <= (r[26] && n < 3000) ? r[40:27] : 14'd0;
      tx_frame <= r[41] && n < 3000;
      tx_pure <= r[43:42] == 0 && n < 3000;
      tx_slow <= r[46:44] == 0 && n < 3000;
      timeout <= r[50:47] == 0 && n < 3000;
      rexmit <= r[54:51] == 1 && n < 3000;
      if (n == 3100) begin
        for (int i = 0; i < 55; i++) begin `CHECK(m[i] > 20, "exercised") end
        `CHECK(m[48] > 65536 && nic_pkg::CntRxRingBytes == 48 && nic_pkg::CntRexmits == 54, "where the index says")
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
