// SPDX-License-Identifier: Apache-2.0
// Scoreboard: a block goes in (RFC 6675 section 4, Update); combinational. The list is in rising order, its intervals disjoint
// and not touching; places beyond n hold 0.
//
//     before block | touch it: swallowed | after it         all comparisons at once; each place of the result
//     [0 .. below) |  [below .. +touch)  | the rest         then takes one of: old place k, the block, an old place beyond
//
//   With four intervals, and none that the block touches, the highest of the five is dropped.
`default_nettype none
module sack_insert (
    input  wire logic         en_i,         // else the outputs mean nothing
    input  wire logic [127:0] start_i,
    input  wire logic [127:0] end_i,
    input  wire logic [2:0]   n_i,
    input  wire logic [31:0]  from_i,       // the block [from, to), not empty
    input  wire logic [31:0]  to_i,
    output logic [127:0]      start_o,
    output logic [127:0]      end_o,
    output logic [2:0]        n_o,
    output logic              fresh_o       // it brought something that was not there
);
  logic [3:0] used, under, touch, known, low, high;
  logic [2:0] below, touched, count;
  logic [31:0] from, to;

  always @* begin
    {used, under, touch, known, low, high} = 'x;
    {below, touched, count, from, to} = 'x;
    {start_o, end_o, n_o, fresh_o} = 'x;
    if (en_i) begin
      used  = {n_i > 3'd3, n_i > 3'd2, n_i > 3'd1, n_i > 3'd0};
      under = '0;
      touch = '0;
      known = '0;
      low   = '0;
      high  = '0;
      for (int i = 0; i < 4; i++) begin
        under[i] = used[i] && nic_pkg::seq_lt(end_i[32*i +: 32], from_i);
        touch[i] = used[i] && !under[i] && nic_pkg::seq_leq(start_i[32*i +: 32], to_i);
        low[i]   = touch[i] && nic_pkg::seq_lt(start_i[32*i +: 32], from_i);
        high[i]  = touch[i] && nic_pkg::seq_lt(to_i, end_i[32*i +: 32]);
        known[i] = touch[i] && nic_pkg::seq_leq(start_i[32*i +: 32], from_i) && nic_pkg::seq_leq(to_i, end_i[32*i +: 32]);
      end

      // Only the first that is touched can begin below the block, only the last end above it.
      from = from_i;
      to   = to_i;
      for (int i = 0; i < 4; i++) begin
        if (low[i]) from = start_i[32*i +: 32];
        if (high[i]) to = end_i[32*i +: 32];
      end

      below   = 3'(under[0]) + 3'(under[1]) + 3'(under[2]) + 3'(under[3]);
      touched = 3'(touch[0]) + 3'(touch[1]) + 3'(touch[2]) + 3'(touch[3]);
      count   = n_i - touched + 3'd1;
      n_o     = (count > 3'd4) ? 3'd4 : count;
      fresh_o = (known == '0) && (below != 3'd4);

      start_o = '0;
      end_o   = '0;
      for (int k = 0; k < 4; k++) begin
        if (3'(k) < below) begin
          start_o[32*k +: 32] = start_i[32*k +: 32];
          end_o[32*k +: 32]   = end_i[32*k +: 32];
        end else if (3'(k) == below) begin
          start_o[32*k +: 32] = from;
          end_o[32*k +: 32]   = to;
        end else if (3'(k) < n_o) begin
          for (int i = 0; i < 4; i++) begin
            if (3'(i) + 3'd1 == 3'(k) + touched) begin
              start_o[32*k +: 32] = start_i[32*i +: 32];
              end_o[32*k +: 32]   = end_i[32*i +: 32];
            end
          end
        end
      end
    end
  end
endmodule
`default_nettype wire
