// SPDX-License-Identifier: Apache-2.0
// What any NIC under this simulator is bounded by: in the place of sim/cosim_top.sv, with its ports and the imports of the wire, an
// RTL that sends each frame back as it came, with its two Ethernet addresses swapped. The rest of the program is the same.
//
//     lw_rx --> rx_*_q --> addresses of the first beat swapped --> lw_tx      one beat per cycle, one cycle late
//
// What the stack itself sends (it announces its address) has nowhere to go: it is taken and dropped.
`default_nettype none
module cosim_top #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic [63:0]  host_i,
    input  wire logic         check_i,
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
  generate
    if (DataW < 96) ERROR_both_addresses_are_wanted_in_the_first_beat x_data_w ();
  endgenerate

  import "DPI-C" function void lw_open(input longint unsigned host);
  import "DPI-C" function void lw_close(input longint unsigned host);
  import "DPI-C" function void lw_tx(input longint unsigned host, input bit [DataW-1:0] data, input int nbytes, input bit last);
  import "DPI-C" function void lw_rx(
      input longint unsigned host, output bit [DataW-1:0] data, output int nbytes, output bit last);
  import "DPI-C" function void lw_slow_in(
      input longint unsigned host, output bit [DataW-1:0] data, output int nbytes, output bit last);

  initial lw_open(host_i);
  final lw_close(host_i);

  logic rx_valid_q, rx_last_q, first_q;
  logic [DataW-1:0] rx_data_q, swapped;
  logic [LgB:0] rx_nbytes_q;
  bit [DataW-1:0] rx_data, slow_data;
  int rx_nbytes, slow_nbytes;
  bit rx_last, slow_last;

  assign swapped = first_q ? {rx_data_q[DataW-1:96], rx_data_q[47:0], rx_data_q[95:48]} : rx_data_q;
  assign quiescent_o = !rx_valid_q;
  assign next_valid_o = 1'b0;
  assign next_us_o = '0;
  assign cnt_data_o = '0;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      rx_valid_q <= 1'b0;
      first_q    <= 1'b1;
    end else begin
      if (rx_valid_q) begin
        lw_tx(host_i, swapped, 32'(rx_nbytes_q), rx_last_q);
        first_q <= rx_last_q;
      end
      rx_valid_q <= have_rx_i;
      if (have_rx_i) begin
        lw_rx(host_i, rx_data, rx_nbytes, rx_last);
        rx_data_q   <= rx_data;
        rx_nbytes_q <= (LgB + 1)'(rx_nbytes);
        rx_last_q   <= rx_last;
      end
      if (have_slow_i) lw_slow_in(host_i, slow_data, slow_nbytes, slow_last);
    end
  end
endmodule
`default_nettype wire
