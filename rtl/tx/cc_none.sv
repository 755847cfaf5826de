// SPDX-License-Identifier: Apache-2.0
// No congestion control: a window of a constant size, which nothing moves; combinational. Ports as in cc_newreno.sv.
`default_nettype none
`include "nic_types.svh"
module cc_none (
    input  cc_in_t            ev_i,
    input  wire logic [15:0]  mss_i,
    input  wire logic [31:0]  srtt_us_i,     // times 8
    input  wire logic [31:0]  cwnd_i,
    input  wire logic [31:0]  ssthresh_i,
    input  cc_own_t           own_i,
    output logic [31:0]       cwnd_o,
    output logic [31:0]       ssthresh_o,
    output cc_own_t           own_o
);
  assign cwnd_o     = (ev_i.kind == CcOpen) ? 32'(nic_pkg::CwndBytes) : cwnd_i;
  assign ssthresh_o = ssthresh_i;
  assign own_o      = own_i;
endmodule
`default_nettype wire
