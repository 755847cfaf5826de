// SPDX-License-Identifier: Apache-2.0
// What a header says of the receive side; combinational. The C twin is rcv_sample() in dpi/tcp/core.
//   The window field is in units of our shift, at most 16 bits (RFC 7323 section 2.3). The edge that the peer knows stays where it is
//   until it can move by a full segment or half the ring (RFC 9293 section 3.8.6.2.2), and does not go back: an edge that the
//   scale cannot say is rounded up, for which a little is held back. Only where segments that are no multiple of its unit have
//   used that up does it go back, by less than a unit (RFC 7323 section 2.4); what any edge has offered is taken. Nor does it move by
//   less than a unit: rounded down, it would go back once more.
//   A header without payload has room for SACK blocks: what came twice first (RFC 2883), then what lies beyond a hole, the
//   latest first (RFC 2018 section 4); beside a time stamp three, else four.
`default_nettype none
`include "nic_types.svh"
module rcv_sample #(
    parameter int RxBufBytes = 32768
) (
    input  wire logic          en_i,        // else the outputs mean nothing
    input  rcv_mirror_t        rcv_i,
    input  sent_mirror_t       sent_i,      // what the peer was last told
    input  dsack_t             dsack_i,
    input  wire logic          bare_i,      // the header has no payload
    output logic [15:0]        wnd_o,       // the field
    output logic [31:0]        wnd_end_o,   // the edge that it offers
    output logic [2:0]         n_sack_o,
    output logic [255:0]       blocks_o     // {start, end} of block i at 64*i; 0 beyond n_sack_o
);
  // --- window -------------------------------------------------------------------------------------------------------
  logic [31:0] unit, room, gap, known, least, wide, keep, offer, units;
  logic hold;

  logic [63:0] dup, held0, held1, held2, held3;
  logic [2:0] have, most;

  always @* begin
    {unit, room, gap, known, least, wide, keep, offer, units, hold} = 'x;
    {wnd_o, wnd_end_o} = 'x;
    if (en_i) begin
      unit  = (32'd1 << rcv_i.wscale) - 32'd1;
      room  = rcv_i.wnd_end - rcv_i.nxt;
      gap   = sent_i.wnd_end - rcv_i.nxt;
      known = gap[31] ? '0 : gap;
      least = nic_pkg::max32(nic_pkg::min32(32'(RxBufBytes / 2), 32'(rcv_i.mss)), unit);
      wide  = room - unit;
      keep  = known + unit;
      hold  = nic_pkg::seq_lt(wide - known, least);
      offer = !hold ? wide : nic_pkg::seq_leq(keep, room) ? keep : room;
      units = offer >> rcv_i.wscale;

      wnd_o     = (units > 32'hffff) ? 16'hffff : units[15:0];
      wnd_end_o = rcv_i.nxt + (32'(wnd_o) << rcv_i.wscale);
    end
  end

  // --- SACK blocks --------------------------------------------------------------------------------------------------
  always @* begin
    {dup, held0, held1, held2, held3, have, most} = 'x;
    {n_sack_o, blocks_o} = 'x;
    if (en_i) begin
      dup   = {dsack_i.start, dsack_i.stop};
      held0 = {rcv_i.ooo0_start, rcv_i.ooo0_end};
      held1 = {rcv_i.ooo1_start, rcv_i.ooo1_end};
      held2 = {rcv_i.ooo2_start, rcv_i.ooo2_end};
      held3 = {rcv_i.ooo3_start, rcv_i.ooo3_end};
      have  = rcv_i.ooo_n + 3'(dsack_i.vld);
      most  = rcv_i.ts_ok ? 3'd3 : 3'd4;

      n_sack_o = !(bare_i && rcv_i.sack_ok) ? 3'd0 : (have > most) ? most : have;
      blocks_o = '0;
      if (n_sack_o > 3'd0) blocks_o[63:0]    = dsack_i.vld ? dup : held0;
      if (n_sack_o > 3'd1) blocks_o[127:64]  = dsack_i.vld ? held0 : held1;
      if (n_sack_o > 3'd2) blocks_o[191:128] = dsack_i.vld ? held1 : held2;
      if (n_sack_o > 3'd3) blocks_o[255:192] = dsack_i.vld ? held2 : held3;
    end
  end
endmodule
`default_nettype wire
