// SPDX-License-Identifier: Apache-2.0
// Congestion control of RFC 5681 (window and slow start threshold), 6582 (without SACK) and 6928 (initial window);
// combinational. The C twin is cc_step() in dpi/tcp/core/cc.c.
//
// The port list is that of every cc_* module: what happened to the flow (cc_in_t), its MSS and RTT, the window as it stands with
// the algorithm's own numbers; out comes the window as it is from now on. What is lost, and when, is not decided here.
//   a: bytes acknowledged in avoidance that have not yet made a segment more
`default_nettype none
`include "nic_types.svh"
module cc_newreno #(
    parameter int Reno = 0                   // 1: RFC 5681 alone (cc_reno.sv)
) (
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
  logic [31:0] mss, more, slow, out, half, lost_half, count, deflated, partial, refill;

  always @* begin
    {mss, more, slow, out, half, lost_half, count, deflated, partial, refill} = 'x;
    cwnd_o     = cwnd_i;
    ssthresh_o = ssthresh_i;
    own_o      = own_i;
    if (ev_i.kind != CcQuiet) begin
      mss       = 32'(mss_i);
      more      = nic_pkg::min32(cwnd_i + mss, 32'(nic_pkg::CwndMax));
      slow      = nic_pkg::min32(cwnd_i + nic_pkg::min32(ev_i.acked, mss), 32'(nic_pkg::CwndMax));
      count     = own_i.a + ev_i.acked;
      // RFC 5681 equation 4. At a loss, what went beyond the window by limited transmit does not count (section 3.2 step 2).
      out       = nic_pkg::min32(ev_i.flight, cwnd_i);
      half      = nic_pkg::max32({1'b0, ev_i.flight[31:1]}, {15'd0, mss_i, 1'b0});
      lost_half = nic_pkg::max32({1'b0, out[31:1]}, {15'd0, mss_i, 1'b0});
      // RFC 6582 section 3.2 step 3: what was acknowledged has left the network, too.
      deflated  = cwnd_i - nic_pkg::min32(ev_i.acked, cwnd_i);
      partial   = nic_pkg::max32((ev_i.acked >= mss) ? deflated + mss : deflated, mss);
      refill    = nic_pkg::max32(ev_i.flight, mss) + mss;

      case (ev_i.kind)
        CcOpen: begin
          cwnd_o     = nic_pkg::initial_window(mss_i);
          ssthresh_o = 32'(nic_pkg::CwndMax);
        end
        CcAck:
          if (ev_i.flight >= {1'b0, cwnd_i[31:1]}) begin   // else the window is not what limits the flow
            if (cwnd_i < ssthresh_i) begin                 // slow start: section 3.1
              cwnd_o = slow;
            end else if (count < cwnd_i) begin             // avoidance: an MSS per window's worth of bytes
              own_o.a = count;
            end else begin
              own_o.a = count - cwnd_i;
              cwnd_o  = more;
            end
          end
        CcLoss: begin
          // The segments that left the network open the window without SACK; with it the pipe knows (RFC 6675 section 5).
          ssthresh_o = lost_half;
          cwnd_o     = ev_i.sack ? lost_half : lost_half + mss + {mss[30:0], 1'b0};
          own_o.a    = '0;                                 // what was counted belongs to the window that was
        end
        CcDup: cwnd_o = more;                              // section 3.2 step 4
        CcPartial: cwnd_o = partial;
        // RFC 6675 section 5, RFC 5681 section 3.2 step 6; NewReno sends no burst (RFC 6582 section 3.2 step 3, the first way).
        CcExit: cwnd_o = (ev_i.sack || Reno != 0) ? ssthresh_i : nic_pkg::min32(ssthresh_i, refill);
        CcTimeout: begin
          if (ev_i.first) ssthresh_o = half;               // not again for the same segment (section 3.1)
          cwnd_o   = mss;
          own_o.a  = '0;
          own_o.on = 1'b0;
        end
        CcIdle: begin                                      // section 4.1
          cwnd_o   = nic_pkg::min32(cwnd_i, nic_pkg::initial_window(mss_i));
          own_o.a  = '0;
          own_o.on = 1'b0;
        end
        default: ;
      endcase
    end
  end
endmodule
`default_nettype wire
