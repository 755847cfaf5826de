// SPDX-License-Identifier: Apache-2.0
// Congestion control of RFC 9438 (CUBIC) in fixed point; combinational. Ports as in cc_newreno.sv, which does all that is the
// same: slow start, recovery, idleness. The C twin is in dpi/tcp/core/cc.c.
//
//     avoidance, per ACK:   curve at t + RTT -> target in cwnd .. 1.5 cwnd -> d += acked * (target - cwnd); cwnd * MSS of it make
//                           a segment more (section 4.4)
//                           W_est += alpha MSS a window; cwnd is never below it (section 4.3)
//     an ACK while the window is not used ends the epoch: time stands still (section 5.8)
//
//   Own numbers: b W_max; of an epoch (on) tick when it began, k, c W_est, a acknowledged towards its next segment, d as above
//   in units of 2^14.
`default_nettype none
`include "nic_types.svh"
module cc_cubic (
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
  // --- what NewReno does --------------------------------------------------------------------------------------------
  logic [31:0] base_cwnd, base_ssthresh;
  cc_own_t base_own;
  cc_newreno u_base (
      .ev_i(ev_i), .mss_i(mss_i), .srtt_us_i(srtt_us_i), .cwnd_i(cwnd_i), .ssthresh_i(ssthresh_i), .own_i(own_i),
      .cwnd_o(base_cwnd), .ssthresh_o(base_ssthresh), .own_o(base_own));

  // --- a loss: sections 4.6 (beta 0.7) and 4.7 (fast convergence) ---------------------------------------------------
  logic [31:0] mss, out, two, flight_part, out_part, w_less;
  logic [39:0] flight_scaled, out_scaled, cwnd_scaled, est_scaled;
  assign mss           = 32'(mss_i);
  assign two           = {15'd0, mss_i, 1'b0};
  assign out           = nic_pkg::min32(ev_i.flight, cwnd_i);
  assign flight_scaled = 40'(ev_i.flight) * 40'd179;
  assign out_scaled    = 40'(out) * 40'd179;
  assign cwnd_scaled   = 40'(cwnd_i) * 40'd218;
  assign flight_part   = nic_pkg::max32(flight_scaled[39:8], two);
  assign out_part      = nic_pkg::max32(out_scaled[39:8], two);
  assign w_less        = (cwnd_i < own_i.b) ? cwnd_scaled[39:8] : cwnd_i;

  // --- avoidance ----------------------------------------------------------------------------------------------------
  // The epoch as it stands, or as it begins now.
  cc_own_t epoch;
  logic [31:0] k_new, window, target, gap, acked, alpha, count, w_est, step, part, sum, left;
  logic [23:0] alpha_scaled;
  logic [47:0] step_scaled, part_scaled;
  always @* begin
    epoch = own_i;
    if (!own_i.on) begin
      epoch.on   = 1'b1;
      epoch.tick = ev_i.tick;
      epoch.k    = (cwnd_i < own_i.b) ? k_new : '0;
      epoch.b    = nic_pkg::max32(own_i.b, cwnd_i);
      epoch.c    = cwnd_i;
      epoch.a    = '0;
      epoch.d    = '0;
    end
  end
  cubic_curve u_curve (
      .mss_i(mss_i), .below_i(own_i.b - cwnd_i), .k_o(k_new), .w_max_i(epoch.b), .k_i(epoch.k),
      .ticks_i(ev_i.tick - epoch.tick + {13'd0, srtt_us_i[31:13]}), .window_o(window));
  assign target       = nic_pkg::min32(nic_pkg::max32(window, cwnd_i), cwnd_i + {1'b0, cwnd_i[31:1]});
  assign gap          = target - cwnd_i;
  assign acked        = nic_pkg::min32(ev_i.acked, 32'd65535);
  assign alpha_scaled = 24'(acked[15:0]) * 24'd136;
  assign est_scaled   = 40'(epoch.c) * 40'd179;          // alpha is 0.53 until W_est is back at the window of which ssthresh is 0.7
  assign alpha        = (est_scaled[39:8] < ssthresh_i) ? {16'd0, alpha_scaled[23:8]} : acked;
  assign count        = epoch.a + alpha;
  assign w_est        = (count < cwnd_i) ? epoch.c : nic_pkg::min32(epoch.c + mss, 32'(nic_pkg::CwndMax));
  assign step_scaled  = 48'(cwnd_i) * 48'(mss_i);
  assign step         = (step_scaled[45:14] == '0) ? 32'd1 : step_scaled[45:14];
  assign part_scaled  = 48'(acked[15:0]) * 48'(gap);
  assign part         = part_scaled[45:14];
  assign sum          = epoch.d + part;
  assign left         = sum - step;

  // --- the step -----------------------------------------------------------------------------------------------------
  always @* begin
    cwnd_o     = base_cwnd;
    ssthresh_o = base_ssthresh;
    own_o      = base_own;
    case (ev_i.kind)
      CcAck:
        if (ev_i.flight < {1'b0, cwnd_i[31:1]}) begin
          own_o.on = 1'b0;                               // below W_max the next epoch goes on where this one was
        end else if (cwnd_i >= ssthresh_i) begin
          own_o   = epoch;
          own_o.a = (count < cwnd_i) ? count : count - cwnd_i;
          own_o.c = w_est;
          own_o.d = (sum < step) ? sum : nic_pkg::min32(left, step);
          cwnd_o  = nic_pkg::max32((sum < step) ? cwnd_i : nic_pkg::min32(cwnd_i + mss, 32'(nic_pkg::CwndMax)), w_est);
        end
      CcLoss: begin
        own_o.b    = w_less;
        own_o.on   = 1'b0;
        ssthresh_o = out_part;
        cwnd_o     = ev_i.sack ? out_part : out_part + mss + {mss[30:0], 1'b0};
      end
      CcTimeout: begin
        own_o.b = '0;                                      // section 4.8: W_max is the window that the next epoch begins with
        if (ev_i.first) ssthresh_o = flight_part;
      end
      default: ;
    endcase
  end
endmodule
`default_nettype wire
