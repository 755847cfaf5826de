// SPDX-License-Identifier: Apache-2.0
// What a flow in recovery sends again, and whether that comes before new data; combinational. The C twins are cut_again(),
// cut_rescue() and cut_sack() in dpi/tcp/core.
//
//     first of all    the hole at una, as recovery begins or a partial ACK shows it (RFC 6582 section 3.2 steps 2 and 3)
//     with SACK       NextSeg of RFC 6675 section 4, while cwnd has room for a segment: 1. lost holes, 2. new data, 3. other
//                     holes, 4. once, when an ACK has passed what recovery sent first, the end of the highest hole
//
// Each rule's hole is found at the same time; one cutter cuts a segment from the hole that is chosen.
`default_nettype none
`include "nic_types.svh"
module cut_repair (
    input  wire logic         en_i,          // the flow is in recovery; else nothing is used or held, the rest means nothing
    input  snd_ctx_t          ctx_i,
    input  wire logic [127:0] starts_i,      // the scoreboard
    input  wire logic [127:0] ends_i,
    input  wire logic [31:0]  tail_i,
    input  wire logic         fin_i,
    input  wire logic [31:0]  pipe_i,
    input  wire logic [31:0]  lost_edge_i,
    input  wire logic         new_i,         // new data may leave
    output logic              use_o,         // this segment, not new data
    output logic              hold_o,        // neither
    output logic [31:0]       seq_o,
    output logic [31:0]       len_o,
    output logic              fin_o,
    output logic              rescue_o       // it is the fourth rule's
);
  logic first, by_sack, gate, there, urgent, rescue;
  logic [31:0] top_start, top_end, under_end, from, limit, hole_start, hole_end;
  logic [31:0] resc_low, resc_start, resc_end, seq, cut_end, data_end, stop, left;
  logic top_at_max;

  // Rules 1 and 3, and the first, look from where they have come; the highest interval, and the end of the one below it.
  always @* begin
    {first, by_sack, gate, from, limit, top_start, top_end, under_end} = 'x;
    if (en_i) begin
      first   = ctx_i.rxt_first;
      by_sack = ctx_i.sack_ok && !ctx_i.rxt_first;
      gate    = by_sack && ctx_i.cwnd >= pipe_i + 32'(ctx_i.mss);

      top_start = ctx_i.una;
      top_end   = ctx_i.una;
      under_end = ctx_i.una;
      case (ctx_i.sack_n)
        3'd0: ;
        3'd1: begin top_start = starts_i[31:0]; top_end = ends_i[31:0]; end
        3'd2: begin top_start = starts_i[63:32]; top_end = ends_i[63:32]; under_end = ends_i[31:0]; end
        3'd3: begin top_start = starts_i[95:64]; top_end = ends_i[95:64]; under_end = ends_i[63:32]; end
        default: begin top_start = starts_i[127:96]; top_end = ends_i[127:96]; under_end = ends_i[95:64]; end
      endcase
      from  = first ? ctx_i.una : nic_pkg::seq_max(ctx_i.high_rxt, ctx_i.una);
      limit = first ? ctx_i.max : top_start;
    end
  end
  sack_next u_hole (
      .en_i(en_i), .start_i(starts_i), .end_i(ends_i), .n_i(ctx_i.sack_n), .from_i(from), .limit_i(limit),
      .start_o(hole_start), .end_o(hole_end));

  always @* begin
    {there, urgent, top_at_max, resc_end, resc_low, resc_start, rescue} = 'x;
    {seq, cut_end, data_end, stop, left} = 'x;
    {seq_o, len_o, fin_o, rescue_o} = 'x;
    use_o  = 1'b0;
    hold_o = 1'b0;
    if (en_i) begin
      there  = nic_pkg::seq_lt(hole_start, top_start);
      urgent = there && nic_pkg::seq_lt(hole_start, lost_edge_i);

      // Rule 4: lost at the end of a window, it has nothing behind it to make it a hole that is known to be one, and without new
      // data no ACK would come any more.
      top_at_max = (ctx_i.sack_n != '0) && top_end == ctx_i.max;
      resc_end   = top_at_max ? top_start : ctx_i.max;
      resc_low   = top_at_max ? under_end : top_end;
      resc_start = nic_pkg::seq_max(resc_low, resc_end - 32'(ctx_i.mss));
      rescue     = !there && nic_pkg::seq_lt(ctx_i.rescue_rxt, ctx_i.una);

      use_o    = first || (gate && (urgent || (!new_i && (there || rescue))));
      hold_o   = by_sack && !gate;
      rescue_o = !first && rescue;

      // At most a segment of the hole. The FIN was sent when the hole reaches beyond the data.
      seq      = (first || there) ? hole_start : resc_start;
      cut_end  = (first || there) ? hole_end : resc_end;
      data_end = tail_i - 32'(fin_i);
      stop     = nic_pkg::seq_min(cut_end, data_end);
      left     = stop - seq;
      seq_o    = seq;
      len_o    = nic_pkg::seq_lt(seq, stop) ? nic_pkg::min32(left, 32'(ctx_i.mss)) : '0;
      fin_o    = fin_i && seq + len_o == data_end && nic_pkg::seq_lt(data_end, cut_end);
    end
  end
endmodule
`default_nettype wire
