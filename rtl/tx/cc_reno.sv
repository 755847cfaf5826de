// SPDX-License-Identifier: Apache-2.0
// Congestion control of RFC 5681 alone: as NewReno, but that recovery ends with the first ACK that advances (dd_incoming does
// that), and the window is then the threshold; combinational. Ports as in cc_newreno.sv.
`default_nettype none
`include "nic_types.svh"
module cc_reno (
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
  cc_newreno #(.Reno(1)) u_cc (
      .ev_i(ev_i), .mss_i(mss_i), .srtt_us_i(srtt_us_i), .cwnd_i(cwnd_i), .ssthresh_i(ssthresh_i), .own_i(own_i),
      .cwnd_o(cwnd_o), .ssthresh_o(ssthresh_o), .own_o(own_o));
endmodule
`default_nettype wire
