// SPDX-License-Identifier: Apache-2.0
// No congestion control: a window of a constant size, which nothing moves; combinational. Ports as in cc_newreno.sv.
`default_nettype none
`include "nic_types.svh"
module cc_none (
    input  cc_in_t            ev_i,
    input  wire logic [15:0]  mss_i,
    input  wire logic [31:0]  cwnd_i,
    input  wire logic [31:0]  ssthresh_i,
    input  wire logic [31:0]  a_i,
    input  wire logic [31:0]  b_i,
    output logic [31:0]       cwnd_o,
    output logic [31:0]       ssthresh_o,
    output logic [31:0]       a_o,
    output logic [31:0]       b_o
);
  assign cwnd_o     = (ev_i.kind == CcOpen) ? 32'(nic_pkg::CwndBytes) : cwnd_i;
  assign ssthresh_o = ssthresh_i;
  assign a_o        = a_i;
  assign b_o        = b_i;
endmodule
`default_nettype wire
