// SPDX-License-Identifier: Apache-2.0
// The receive pipeline's step when the host has consumed bytes of a flow; combinational. The C twin is rcv_read().
// The window's right edge follows what was consumed. An update is owed when it gains half the ring, or gets a peer going
// that sees less than two segments (RFC 9293 section 3.8.6.2.2: no silly windows). Of a ring larger than the window field can say
// without a scale it is what the field can say that counts.
`default_nettype none
`include "nic_types.svh"
module rcv_read #(
    parameter int RxBufBytes = 32768
) (
    input  wire logic         en_i,
    input  rcv_ctx_t          ctx_i,
    input  wire logic [31:0]  consumed_i,
    input  sent_mirror_t      sent_i,      // what the peer was last told
    output rcv_ctx_t          ctx_o,
    output logic              update_o     // a window update is owed
);
  logic [31:0] edge_new, gained, seen, half, field, most, room;
  always @* begin
    {edge_new, gained, seen, half, field, most, room} = 'x;
    ctx_o    = 'x;
    update_o = 1'b0;
    if (en_i) begin
      edge_new = consumed_i + 32'(RxBufBytes);
      seen     = sent_i.wnd_end - ctx_i.nxt;
      if (RxBufBytes <= 65535) begin
        half   = 32'(RxBufBytes / 2);
        gained = edge_new - sent_i.wnd_end;
      end else begin
        field  = 32'h0000_ffff << ctx_i.rcv_wscale;
        most   = field < 32'(RxBufBytes) ? field : 32'(RxBufBytes);
        room   = edge_new - ctx_i.nxt;
        half   = {1'b0, most[31:1]};
        gained = (room < most ? room : most) - seen;
      end
      // After its FIN the peer sends nothing, and may answer with RST.
      update_o = ctx_i.open && !ctx_i.fin_done && (gained >= half
                 || (gained >= 32'(ctx_i.mss) && (seen < {15'd0, ctx_i.mss, 1'b0} || seen[31])));
      ctx_o         = ctx_i;
      ctx_o.wnd_end = edge_new;
    end
  end
endmodule
`default_nettype wire
