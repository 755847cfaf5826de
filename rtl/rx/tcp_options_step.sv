// SPDX-License-Identifier: Apache-2.0
// Eight bytes of a TCP header's options: which of them begin an option, and what they say; combinational.
//   Decoded for each byte side by side: were it the first of an option, would the list end here, how far is it to the next one?
//   Then a chain of eight steps, an AND and an OR each, finds the bytes that do begin one.
`default_nettype none
module tcp_options_step #(
    parameter int First = 0                  // place of byte 0 in the list
) (
    input  wire logic         active_i,      // there is a list
    input  wire logic [71:0]  bytes_i,       // and the one behind them
    input  wire logic [5:0]   len_i,         // of the list
    input  wire logic [5:0]   pos_i,         // where the next option begins; none begins before these bytes
    output logic [5:0]        pos_o,         // 0, where none does any more, when the list ends here
    output logic              ts_o,          // a time stamp begins at ts_at_o
    output logic [5:0]        ts_at_o,
    output logic              sack_o,        // SACK blocks begin at sack_at_o
    output logic [5:0]        sack_at_o
);
  logic [7:0] begins, stop, is_ts, is_sack, kind, len;
  logic [6*8-1:0] skip;
  logic [5:0] rest;

  // All under `active_i`, so that a simulator has nothing to do while no list is here.
  always @* begin
    begins    = '0;
    stop      = '0;
    is_ts     = '0;
    is_sack   = '0;
    skip      = '0;
    kind      = '0;
    len       = '0;
    rest      = '0;
    pos_o     = '0;
    ts_at_o   = '0;
    sack_at_o = '0;
    ts_o      = 1'b0;
    sack_o    = 1'b0;
    if (active_i) begin
      for (int i = 0; i < 8; i++) begin
        kind = bytes_i[8*i +: 8];
        len  = bytes_i[8*i + 8 +: 8];
        rest = len_i - 6'(First + i);
        begins[i] = pos_i == 6'(First + i);
        // RFC 9293 section 3.2, MUST-7: illegal lengths. Where rest is 1 there is no length byte, and none fits.
        stop[i]        = len_i <= 6'(First + i) || kind == 8'd0 || !(kind == 8'd1 || (len >= 8'd2 && len <= {2'd0, rest}));
        skip[6*i +: 6] = (kind == 8'd1) ? 6'd1 : len[5:0];
        is_ts[i]       = kind == 8'd8 && len == 8'd10;
        is_sack[i]     = kind == 8'd5 && (len == 8'd10 || len == 8'd18 || len == 8'd26 || len == 8'd34);
      end
      for (int i = 1; i < 8; i++)
        for (int j = 0; j < i; j++)
          if (begins[j] && !stop[j] && skip[6*j +: 6] == 6'(i - j)) begins[i] = 1'b1;
      // One at most leaves these bytes; none that is ten bytes long begins twice in them.
      for (int i = 0; i < 8; i++) begin
        if (begins[i] && !stop[i] && skip[6*i +: 6] >= 6'(8 - i)) pos_o = pos_o | (6'(First + i) + skip[6*i +: 6]);
        if (begins[i] && !stop[i] && is_ts[i]) ts_at_o = ts_at_o | 6'(First + i);
        if (begins[i] && !stop[i] && is_sack[i]) sack_at_o = sack_at_o | 6'(First + i);
      end
      if (begins == '0) pos_o = pos_i;
      ts_o   = (begins & ~stop & is_ts) != '0;
      sack_o = (begins & ~stop & is_sack) != '0;
    end
  end
endmodule
`default_nettype wire
