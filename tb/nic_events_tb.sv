// SPDX-License-Identifier: Apache-2.0
// nic_events: levels against a model. After reset all flows read as released. An event carries what stood when it was taken
// out; any number of changes before that make one event; a change in the cycle of the pop or after makes another; a status
// without tell makes none, but its value is in the next. At rest the host has seen the last state of every flow that was told.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(nic_events_tb)
  localparam int N = 16;
  logic rst_n = 1'b0;
  logic busy, idle, rx_we = 1'b0, tx_we = 1'b0, tx_tell = 1'b0, valid, ready = 1'b0;
  logic [11:0] rx_flow = 0, tx_flow = 0;
  rx_status_t rx, rv;
  tx_status_t tx, tv;
  host_event_t ev, was;
  logic [66:0] m_rx [0:N-1];              // what stands
  logic [34:0] m_tx [0:N-1];
  logic [101:0] seen [0:N-1];              // what the host saw last
  logic [N-1:0] owed = '0;                // told since the last event of the flow was taken out
  logic [N-1:0] told = '0;
  logic was_held = 1'b0, fresh;
  logic [63:0] r = 64'h9e37_79b9_7f4a_7c15;
  logic rx_last_we = 1'b0, tx_last_tell = 1'b0;
  logic [3:0] rx_last = 0, tx_last = 0;
  logic [3:0] f;
  int n = 0, start = 0, k, events = 0, tells = 0, quiet = 0;
  int five = 0, six = 0;

  nic_events #(.NumFlows(N)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .busy_o(busy), .idle_o(idle), .rx_we_i(rx_we), .rx_flow_i(rx_flow), .rx_i(rx),
      .tx_we_i(tx_we), .tx_tell_i(tx_tell), .tx_flow_i(tx_flow), .tx_i(tx), .event_valid_o(valid), .event_ready_i(ready),
      .event_o(ev));

  initial begin
    rx = '0;
    tx = '0;
    for (int i = 0; i < N; i++) begin
      m_rx[i] = 67'd1;                    // rx_released
      m_tx[i] = 35'd1;                    // tx_released
      seen[i] = '0;
    end
  end

  task automatic put_rx(input logic [3:0] id, input logic [66:0] bits);
    rv = bits;
    rx <= rv;
    rx_flow <= {8'd0, id};
    rx_we <= 1'b1;
  endtask
  task automatic put_tx(input logic [3:0] id, input logic [34:0] bits, input logic tell);
    tv = bits;
    tx <= tv;
    tx_flow <= {8'd0, id};
    tx_we <= 1'b1;
    tx_tell <= tell;
  endtask

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    rx_we <= 1'b0;
    tx_we <= 1'b0;
    if (n > 4 && start == 0) begin
      if (!busy) start <= n;
      `CHECK(!valid && n < 40, "sweep")
    end
    if (start != 0 && !done_o) begin
      k = n - start;
      if (valid) begin `CHECK(!idle, "idle with an event") end
      // --- events. One that stands here for the first time was taken out in the last cycle, with that cycle's writes, which
      // the model took then.
      fresh = valid && !was_held;
      if (was_held) begin `CHECK(valid && ev === was, "held until ready") end
      if (fresh) begin
        f = ev.flow[3:0];
        `CHECK(ev.flow < 12'(N), "flow in range")
        `CHECK({ev.rx_ready, ev.peer_closed, ev.rx_reset, ev.ts_recent, ev.rx_released} === m_rx[f], "receive levels")
        `CHECK({ev.tx_freed, ev.fin_acked, ev.timed_out, ev.tx_released} === m_tx[f], "transmit levels")
        `CHECK(owed[f], "an event without news")
        // The last cycle's write re-marks the flow: one more event is due then.
        owed[f] = (rx_last_we && rx_last == f) || (tx_last_tell && tx_last == f);
        seen[f] = {m_rx[f], m_tx[f]};
        events = events + 1;
        if (f == 5) five = five + 1;
        if (f == 6) six = six + 1;
      end
      was_held = valid && !ready;
      was = ev;
      // --- the model takes this cycle's writes
      rx_last_we = rx_we;
      rx_last = rx_flow[3:0];
      tx_last_tell = tx_we && tx_tell;
      tx_last = tx_flow[3:0];
      if (rx_we) begin m_rx[rx_last] = rx; owed[rx_last] = 1'b1; told[rx_last] = 1'b1; tells = tells + 1; end
      if (tx_we) begin
        m_tx[tx_last] = tx;
        if (tx_tell) begin owed[tx_last] = 1'b1; told[tx_last] = 1'b1; tells = tells + 1; end
      end
      // --- stimulus
      r = rnd64(r);
      if (k < 100) begin
        // Flow 6 takes the one place; ten changes of flow 5 then make one event, with the last values.
        ready <= (k > 40);
        if (k == 2) put_rx(4'd6, {32'd600, 35'd0});
        if (k >= 10 && k < 20) put_rx(4'd5, {32'd500 + 32'(k), 35'd0});
        if (k >= 12 && k < 18) put_tx(4'd5, {32'd700 + 32'(k), 3'd0}, 1'b1);
        if (k == 30) put_tx(4'd7, {32'd7, 3'd0}, 1'b0);
        if (k == 60) begin
          `CHECK(six == 1 && five == 1 && events == 2, "a burst makes one event, a status without tell none")
          `CHECK(seen[5] === {32'd519, 35'd0, 32'd717, 3'd0}, "the last of the burst")
          `CHECK(seen[6] === {32'd600, 35'd0, 32'd0, 3'd1}, "other side as after reset: released")
          put_rx(4'd7, {32'd8, 2'd2, 32'd77, 1'b0});
        end
        if (k == 70) begin `CHECK(events == 3 && seen[7] === {32'd8, 2'd2, 32'd77, 1'b0, 32'd7, 3'd0}, "what was not told is in the next event") end
      end else if (k < 6000) begin
        if (r[2:0] < 3'd3 && k % 512 < 400) put_rx({r[3] & r[4], r[7:5]}, {r[39:8], r[41:40], r[63:32], r[42]});
        r = rnd64(r);
        if (r[2:0] < 3'd3 && k % 512 < 400) put_tx({r[3] & r[4], r[7:5]}, {r[39:8], r[42:40]}, r[43]);
        r = rnd64(r);
        case ((k / 128) % 4)
          0: ready <= 1'b1;
          1: ready <= r[0];
          2: ready <= r[3:0] == 0;
          default: ready <= k % 128 > 100;
        endcase
        if (k % 512 >= 400) ready <= 1'b1;
        if (k % 512 == 505) begin
          quiet = quiet + 1;
          `CHECK(idle && !valid && owed == 0, "all told")
          for (int i = 0; i < N; i++) if (told[i]) begin
            `CHECK(seen[i][101:35] === m_rx[i], "the host has the last receive status")
          end
        end
      end
      if (k == 6000) begin
        `CHECK(events > 800 && events < tells && quiet > 5, "exercised")
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
