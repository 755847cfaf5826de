// SPDX-License-Identifier: Apache-2.0
// rx_intervals: for every list that is well formed (disjoint, not touching, inside (RCV.NXT, wnd_end]; places not in use hold 0) the
// result is, too; RCV.NXT never moves back, nor beyond the window; and the list holds what it is to hold: any one byte is held
// afterwards exactly if it was held or is in the segment, and lies ahead of RCV.NXT. Nothing is lost, nothing invented.
// The module only compares and moves, and there are 13 points (ends of ranges, of segment and window, the byte and the next): windows
// of 32 bytes show every order that these can have. RCV.NXT is 0, and just below 2^32 and 2^31 so that the window wraps.
//
//@ rtl rtl/rx/rx_intervals.sv tb/formal/rcv_list.sv
//@ prove comb Join=0
//@ prove comb Join=1
//@ prove comb Join=0 Nxt=32'hfffffff0
//@ prove comb Join=1 Nxt=32'hfffffff0
//@ prove comb Join=0 Nxt=32'h7ffffff0
//@ prove comb Join=1 Nxt=32'h7ffffff0
//@ mutant rtl/rx/rx_intervals.sv `used[i] && !nic_pkg::seq_lt(last, start_i)` `used[i] && nic_pkg::seq_lt(start_i, last)` : ranges that touch are kept apart
//@ mutant rtl/rx/rx_intervals.sv `(right != '0) ? right_end : stop_i` `stop_i` : what lay beyond the segment is forgotten
//@ mutant rtl/rx/rx_intervals.sv `keep == '1` `keep == 4'd7` : the oldest is thrown out when there is no room
//@ mutant rtl/rx/rx_intervals.sv `(ahead != '0) ? ahead_end : stop_i` `stop_i` : RCV.NXT stops inside a range, which is gone : 2
`default_nettype none
module rx_intervals_fv #(
    parameter int Join = 0,
    parameter int Nxt = 0,               // RCV.NXT; what the module does depends on distances alone
    parameter int WndW = 5               // a window is below 2^WndW: room for any order of the points there are
) (
    // In distances from RCV.NXT.
    input wire logic [WndW-1:0]   wnd_i,
    input wire logic [2:0]        n_i,
    input wire logic [8*WndW-1:0] list_i,
    input wire logic [WndW-1:0]   start_i,
    input wire logic [WndW-1:0]   stop_i,
    input wire logic [WndW-1:0]   byte_i   // any byte
);
  localparam logic [31:0] At = 32'(Nxt);
  logic [255:0] old;
  always @* begin
    for (int i = 0; i < 8; i++) old[32*i +: 32] = (3'(i / 2) < n_i) ? At + 32'(list_i[WndW*i +: WndW]) : '0;
  end
  logic [2:0] n;
  logic [255:0] list;
  logic full, held, dup, ok, ok_next, there, there_next, mine, pre;
  logic [31:0] edge_seq, dup_start, dup_stop, nxt, nxt_next;
  rx_intervals u_dut (
      .en_i(1'b1),
      .n_i(n_i), .list_i(old), .join_i(Join != 0), .start_i(At + 32'(start_i)), .stop_i(At + 32'(stop_i)), .n_o(n), .list_o(list),
      .full_o(full), .held_o(held), .edge_o(edge_seq), .dup_from_i(At + 32'(start_i)), .dup_to_i(At + 32'(stop_i)), .dup_o(dup),
      .dup_start_o(dup_start), .dup_stop_o(dup_stop));
  assign nxt      = (Join != 0) ? edge_seq : At;
  assign nxt_next = nxt - At;
  rcv_list u_before (
      .nxt_i(At), .end_i(At + 32'(wnd_i)), .n_i(n_i), .list_i(old), .byte_i(At + 32'(byte_i)), .ok_o(ok), .there_o(there));
  rcv_list u_after (
      .nxt_i(nxt), .end_i(At + 32'(wnd_i)), .n_i(n), .list_i(list), .byte_i(At + 32'(byte_i)), .ok_o(ok_next),
      .there_o(there_next));

  assign mine = byte_i >= start_i && byte_i < stop_i;
  always @* begin
    pre = ok && stop_i <= wnd_i && ((Join != 0) ? start_i == '0 : start_i != '0 && start_i < stop_i);
    assert(!pre || ok_next);
    assert(!pre || nxt_next <= 32'(wnd_i));
    if (pre && byte_i < wnd_i) begin
      if (32'(byte_i) >= nxt_next) assert(there_next == (there || (mine && !full)));
      else assert(there || mine);
      if (held && Join == 0) assert(!mine || there);
      if (full) assert(list == old && n == n_i);
    end
    // What is reported as a duplicate was there, and none of the segment's bytes before it.
    if (pre && Join == 0) begin
      if (dup && 32'(byte_i) >= dup_start - At && 32'(byte_i) < dup_stop - At) assert(there && mine);
      if (mine && there) assert(dup && 32'(byte_i) >= dup_start - At);
    end
  end
endmodule
`default_nettype wire
