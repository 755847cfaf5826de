// SPDX-License-Identifier: Apache-2.0
// The receive pipeline's step when the host has consumed bytes of a flow; combinational. The C twin is rcv_read().
// The window's right edge follows what was consumed. An update is owed when it gains half the ring, or gets a peer going
// that sees less than two segments (RFC 9293 section 3.8.6.2.2: no silly windows).
`default_nettype none
`include "nic_types.svh"
module rcv_read #(
    parameter int RxBufBytes = 32768
) (
    input  rcv_ctx_t          ctx_i,
    input  wire logic [31:0]  consumed_i,
    input  sent_mirror_t      sent_i,      // what the peer was last told
    output rcv_ctx_t          ctx_o,
    output logic              update_o     // a window update is owed
);
  logic [31:0] edge_new, gained, seen;
  assign edge_new = consumed_i + 32'(RxBufBytes);
  assign gained   = edge_new - sent_i.wnd_end;
  assign seen     = sent_i.wnd_end - ctx_i.nxt;
  // After its FIN the peer sends nothing, and may answer with RST.
  assign update_o = ctx_i.open && !ctx_i.fin_done && (gained >= 32'(RxBufBytes / 2)
                    || (gained >= 32'(ctx_i.mss) && (seen < {15'd0, ctx_i.mss, 1'b0} || seen[31])));
  always @* begin
    ctx_o         = ctx_i;
    ctx_o.wnd_end = edge_new;
  end
endmodule
`default_nettype wire
