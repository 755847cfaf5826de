// SPDX-License-Identifier: Apache-2.0
// The stream's contract on the ports of modules that have no proof of their own: 0 nic_events' events, 1 rx_reader's payload and its
// notes to the receive pipeline, 2 rx_mover's slow path, whatever the rest of the module is given to do.
//
//@ rtl rtl/prim/first_one.sv rtl/prim/ready_set.sv rtl/prim/ram_1r1w.sv rtl/prim/fifo.sv rtl/prim/rotl_bytes.sv
//@ rtl rtl/prim/ring_addr.sv rtl/prim/ring_align.sv rtl/prim/ring_write.sv
//@ rtl rtl/nic_events.sv rtl/rx/rx_reader.sv rtl/rx/rx_mover.sv
//@ prove pdr Port=0
//@ prove pdr Port=1
//@ prove pdr Port=2
//@ mutant rtl/nic_events.sv `(!event_valid_o || event_ready_i)` `1'b1` : an event that waits is overwritten
//@ mutant rtl/nic_events.sv `.wdata_i(tx_w), .re_i(pop)` `.wdata_i(tx_w), .re_i(1'b1)` : its levels change while it waits
//@ mutant rtl/rx/rx_reader.sv `assign en = !out_valid_o || out_ready_i` `assign en = 1'b1` : payload that waits is overwritten : 2
//@ mutant rtl/rx/rx_mover.sv `slow_room = (slow_count < 3'd3)` `slow_room = (slow_count < 3'd5)` : more frames than there is room for : 3
`default_nettype none
`include "nic_types.svh"
`include "fv.svh"
module stream_ports_fv #(
    parameter int Port = 0
) (
    input wire logic         clk_i,
    input wire logic [255:0] any_i,      // all other inputs
    input wire logic         ready_i,
    input wire logic         ready2_i
);
  `FV_RESET
  generate
    if (Port == 0) begin : gen_events
      logic busy, idle, valid;
      rx_status_t rx;
      tx_status_t tx;
      host_event_t ev;
      assign rx = any_i[nic_pkg::RxStatusW-1:0];
      assign tx = any_i[100 +: nic_pkg::TxStatusW];
      nic_events #(.NumFlows(2)) u_dut (
          .clk_i(clk_i), .rst_ni(rst_n), .busy_o(busy), .idle_o(idle), .rx_we_i(any_i[200]), .rx_flow_i({11'd0, any_i[201]}), .rx_i(rx),
          .tx_we_i(any_i[202]), .tx_tell_i(any_i[203]), .tx_flow_i({11'd0, any_i[204]}), .tx_i(tx), .event_valid_o(valid),
          .event_ready_i(ready_i), .event_o(ev));
      stream_rule #(.W(nic_pkg::HostEventW)) u_rule (
          .clk_i(clk_i), .rst_n(rst_n), .valid_i(valid), .ready_i(ready_i), .data_i(ev));
    end
    if (Port == 1) begin : gen_reader
      logic idle, cmd_ready, re, valid, last, rvalid;
      logic [1:0] addr0, addr1, nbytes;
      logic [11:0] flow, rflow;
      logic [15:0] data;
      logic [31:0] consumed;
      rx_reader #(.DataW(16), .NumFlows(2), .RxBufBytes(8)) u_dut (
          .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .cmd_valid_i(any_i[0]), .cmd_ready_o(cmd_ready), .init_i(any_i[1]),
          .flow_i({11'd0, any_i[2]}), .len_i(any_i[63:32]), .ring_re_o(re), .ring_addr0_o(addr0), .ring_addr1_o(addr1),
          .ring_rdata0_i(any_i[79:64]), .ring_rdata1_i(any_i[95:80]), .out_valid_o(valid), .out_ready_i(ready_i),
          .out_flow_o(flow), .out_data_o(data), .out_nbytes_o(nbytes), .out_last_o(last), .read_valid_o(rvalid),
          .read_ready_i(ready2_i), .read_flow_o(rflow), .rd_en_i(any_i[96]), .rd_flow_i(any_i[97]), .rd_consumed_o(consumed));
      stream_rule #(.W(31)) u_out (
          .clk_i(clk_i), .rst_n(rst_n), .valid_i(valid), .ready_i(ready_i), .data_i({flow, data, nbytes, last}));
      stream_rule #(.W(12)) u_read (.clk_i(clk_i), .rst_n(rst_n), .valid_i(rvalid), .ready_i(ready2_i), .data_i(rflow));
    end
    if (Port == 2) begin : gen_mover
      logic idle, vready, re, we, valid, last, fence, ok, swe;
      logic [10:0] adv;
      logic [1:0] addr0, addr1, be0, be1, nbytes;
      logic [11:0] flow, sflow;
      logic [15:0] wdata, data;
      rx_verdict_t verdict;
      rx_status_t status;
      assign verdict = any_i[nic_pkg::RxVerdictW-1:0];
      rx_mover #(.DataW(16), .NumFlows(2), .RxBufBytes(8)) u_dut (
          .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .verdict_valid_i(any_i[200]), .verdict_ready_o(vready), .verdict_i(verdict),
          .fifo_re_o(re), .fifo_adv_o(adv), .fifo_rdata_i(any_i[216:201]), .ring_we_o(we), .ring_addr0_o(addr0),
          .ring_addr1_o(addr1), .ring_be0_o(be0), .ring_be1_o(be1), .ring_data_o(wdata), .slow_valid_o(valid),
          .slow_ready_i(ready_i), .slow_data_o(data), .slow_nbytes_o(nbytes), .slow_last_o(last), .slow_fence_o(fence),
          .slow_flow_o(flow), .slow_ok_o(ok), .status_we_o(swe), .status_flow_o(sflow), .status_o(status));
      stream_rule #(.W(33)) u_rule (
          .clk_i(clk_i), .rst_n(rst_n), .valid_i(valid), .ready_i(ready_i), .data_i({data, nbytes, last, fence, flow, ok}));
    end
  endgenerate
endmodule
`default_nettype wire
