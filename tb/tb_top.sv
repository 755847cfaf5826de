// SPDX-License-Identifier: Apache-2.0
// Runs every bench at once and says of each whether it passed; fails when one has errors or does not end.
// +only=fifo_tb runs that one alone: the others get no clock, nor does one that is through.
`default_nettype none
module tb_top #(
    parameter int Limit = 400000          // cycles until a bench counts as hung
) (
`ifdef VERILATOR
    input wire logic clk_i
`endif
);
`ifndef VERILATOR
  logic clk_i = 1'b0;
  always #1 clk_i = !clk_i;
`endif

  localparam int N = 35;
  logic [N-1:0] done;
  logic [31:0] errors [0:N-1];
  logic [N-1:0] said = '0;
  int cycle = 0;
  int passed = 0;
  int failed = 0;

  logic [8*32-1:0] only = '0;
  logic [N-1:0] on;
  initial if (!$value$plusargs("only=%s", only)) only = '0;

  `define RUN(i, name) \
    assign on[i] = (only == '0 || only == `"name`"); \
    name u_``name (.clk_i(clk_i && on[i] && !said[i]), .done_o(done[i]), .errors_o(errors[i])); \
    always @(posedge clk_i) if (on[i] && !said[i] && (done[i] || cycle == Limit)) begin \
      said[i] <= 1'b1; \
      if (done[i] && errors[i] == 0) begin passed = passed + 1; $display("ok %s", `"name`"); end \
      else begin failed = failed + 1; $display("FAIL %s: %0d errors%s", `"name`", errors[i], done[i] ? "" : ", not done"); end \
    end

  `RUN(0, fifo_tb)
  `RUN(1, ram_1r1w_tb)
  `RUN(2, rotl_bytes_tb)
  `RUN(3, csum_beat_tb)
  `RUN(4, first_one_tb)
  `RUN(5, ready_set_tb)
  `RUN(6, ack_bits_tb)
  `RUN(7, dd_incoming_tb)
  `RUN(8, dd_timeout_tb)
  `RUN(9, dd_next_tb)
  `RUN(10, timers_tb)
  `RUN(11, ring_tb)
  `RUN(12, rx_frame_fifo_tb)
  `RUN(13, flow_table_tb)
  `RUN(14, rx_mover_tb)
  `RUN(15, rx_reader_tb)
  `RUN(16, tx_assembler_tb)
  `RUN(17, rcv_segment_tb)
  `RUN(18, tx_mux_tb)
  `RUN(19, nic_events_tb)
  `RUN(20, nic_counters_tb)
  `RUN(21, nic_host_tb)
  `RUN(22, tx_writer_tb)
  `RUN(23, send_pipe_tb)
  `RUN(24, nic_top_tb)
  `RUN(25, rx_parser_tb)
  `RUN(26, rx_pipe_tb)
  `RUN(27, rx_intervals_tb)
  `RUN(28, scoreboard_tb)
  `RUN(29, cc_tb)
  `RUN(30, rcv_read_tb)
  `RUN(31, rcv_timeout_tb)
  `RUN(32, tcp_options_tb)
  `RUN(33, rx_descs_tb)
  `RUN(34, dd_blocks_tb)

  always @(posedge clk_i) begin
    cycle <= cycle + 1;
    if ((said | ~on) == '1) begin
      $display("%0d passed, %0d failed", passed, failed);
      if (failed != 0 || passed == 0) $fatal(1, "benches failed");
      $finish;
    end
  end
endmodule
`default_nettype wire
