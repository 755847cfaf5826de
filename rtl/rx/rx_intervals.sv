// SPDX-License-Identifier: Apache-2.0
// What a flow holds out of order: up to four ranges [start, end) of sequence numbers, the latest first (RFC 2018 section 4 wants
// its blocks so); combinational. The C twins are intervals_add_recent(), intervals_join(), note_duplicate() in dpi/tcp/core.
//
//   add:   ==a==   ==b==        ==c==     join:  RCV.NXT  ==a==   ==b==
//             [start --- stop)                   [start -- stop)
//          ==========n=========  (first) ==c==   ====edge=======  ==b==
//
// The ranges are disjoint, do not touch, and lie ahead of RCV.NXT by less than half the sequence space. So of those that a new
// range touches at most one begins before it and at most one ends behind it, and what it swallows makes it reach no other: all
// four are compared side by side. Entries beyond n are 0.
`default_nettype none
module rx_intervals (
    input  wire logic         en_i,       // something is asked: else the outputs mean nothing
    input  wire logic [2:0]   n_i,
    input  wire logic [255:0] list_i,     // {start, end} of number i from bit 64 i
    // The segment's text, cut to the window. Not empty, or with join_i.
    input  wire logic         join_i,     // it begins at RCV.NXT: takes out what it reaches; else it is added
    input  wire logic [31:0]  start_i,
    input  wire logic [31:0]  stop_i,
    output logic [2:0]        n_o,
    output logic [255:0]      list_o,
    output logic              full_o,     // add: it is new, and there is no room; the list stays
    output logic              held_o,     // add: all of it was there
    output logic [31:0]       edge_o,     // join: where RCV.NXT moves to
    // The lowest part of [dup_from_i, dup_to_i) that is held (RFC 2883 section 4).
    input  wire logic [31:0]  dup_from_i,
    input  wire logic [31:0]  dup_to_i,
    output logic              dup_o,
    output logic [31:0]       dup_start_o,
    output logic [31:0]       dup_stop_o
);
  logic [3:0] used, touch, left, right, reach, ahead, covers, over, lowest, keep, lower;
  logic [127:0] over_start, over_stop;
  logic [31:0] first, last, left_start, right_end, ahead_end;
  logic [7:0] rank;
  logic [2:0] kept_n;
  logic [255:0] kept;
  logic [63:0] merged;

  // All under `en_i`, so that a simulator has nothing to do in a cycle without a segment.
  always @* begin
    used       = '0;
    touch      = '0;
    left       = '0;
    right      = '0;
    reach      = '0;
    ahead      = '0;
    covers     = '0;
    over       = '0;
    lowest     = '0;
    lower      = '0;
    keep       = '0;
    over_start = 'x;
    over_stop  = 'x;
    first      = 'x;
    last       = 'x;
    left_start = '0;
    right_end  = '0;
    ahead_end  = '0;
    rank       = 'x;
    kept_n     = 'x;
    kept       = '0;
    merged     = 'x;
    n_o         = 'x;
    list_o      = 'x;
    full_o      = 1'b0;
    held_o      = 1'b0;
    edge_o      = 'x;
    dup_o       = 1'b0;
    dup_start_o = '0;
    dup_stop_o  = '0;
    if (en_i) begin
      for (int i = 0; i < 4; i++) begin
        first = list_i[64*i+32 +: 32];
        last  = list_i[64*i +: 32];
        used[i]   = (n_i > 3'(i));
        touch[i]  = used[i] && !nic_pkg::seq_lt(last, start_i) && !nic_pkg::seq_lt(stop_i, first);
        left[i]   = touch[i] && nic_pkg::seq_lt(first, start_i);
        right[i]  = touch[i] && nic_pkg::seq_lt(stop_i, last);
        covers[i] = used[i] && nic_pkg::seq_leq(first, start_i) && nic_pkg::seq_leq(stop_i, last);
        reach[i]  = used[i] && !nic_pkg::seq_lt(stop_i, first);
        ahead[i]  = reach[i] && nic_pkg::seq_lt(stop_i, last);
        keep[i]   = used[i] && !(join_i ? reach[i] : touch[i]);
        over_start[32*i +: 32] = nic_pkg::seq_lt(first, dup_from_i) ? dup_from_i : first;
        over_stop[32*i +: 32]  = nic_pkg::seq_lt(last, dup_to_i) ? last : dup_to_i;
        over[i]   = used[i] && nic_pkg::seq_lt(over_start[32*i +: 32], over_stop[32*i +: 32]);
      end
      for (int i = 0; i < 4; i++) begin
        lower = '0;                        // those that begin before number i
        for (int j = 0; j < 4; j++)
          if (i != j) lower[j] = over[j] && nic_pkg::seq_lt(over_start[32*j +: 32], over_start[32*i +: 32]);
        lowest[i] = over[i] && lower == '0;
      end
      // One of each at most: and, then or.
      for (int i = 0; i < 4; i++) begin
        left_start  = left_start | ({32{left[i]}} & list_i[64*i+32 +: 32]);
        right_end   = right_end | ({32{right[i]}} & list_i[64*i +: 32]);
        ahead_end   = ahead_end | ({32{ahead[i]}} & list_i[64*i +: 32]);
        dup_start_o = dup_start_o | ({32{lowest[i]}} & over_start[32*i +: 32]);
        dup_stop_o  = dup_stop_o | ({32{lowest[i]}} & over_stop[32*i +: 32]);
      end
      dup_o  = (over != '0);
      edge_o = (ahead != '0) ? ahead_end : stop_i;

      // What stays moves together: its place is the number of those that stay before it.
      rank[1:0] = 2'd0;
      rank[3:2] = 2'(keep[0]);
      rank[5:4] = 2'(keep[0]) + 2'(keep[1]);
      rank[7:6] = 2'(keep[0]) + 2'(keep[1]) + 2'(keep[2]);
      kept_n    = 3'(keep[0]) + 3'(keep[1]) + 3'(keep[2]) + 3'(keep[3]);
      for (int p = 0; p < 4; p++)
        for (int i = p; i < 4; i++)
          if (keep[i] && rank[2*i +: 2] == 2'(p)) kept[64*p +: 64] = kept[64*p +: 64] | list_i[64*i +: 64];
      merged = {(left != '0) ? left_start : start_i, (right != '0) ? right_end : stop_i};

      full_o = !join_i && keep == '1;
      held_o = (covers != '0);
      n_o    = kept_n + 3'd1;
      list_o = {kept[191:0], merged};
      if (join_i) begin
        n_o    = kept_n;
        list_o = kept;
      end else if (full_o) begin
        n_o    = n_i;
        list_o = list_i;
      end
    end
  end
endmodule
`default_nettype wire
