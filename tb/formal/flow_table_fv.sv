// SPDX-License-Identifier: Apache-2.0
// flow_table: of any one tuple, there are never two entries; it is found exactly from its insert to its remove, with its flow; an
// insert of what is there, or into two full buckets, changes nothing; a remove in another flow's name takes out nothing. For every
// key of the hash. Two buckets a bank; tuples of 4 bits: all collisions there are.
//
//@ rtl rtl/prim/ram_1r1w.sv rtl/rx/flow_table.sv
//@ prove induct 2 TupleW=4
//@ mutant rtl/rx/flow_table.sv `!busy_q && !hit_o && (slot != '0)` `!busy_q && (slot != '0)` : a tuple is inserted twice
//@ mutant rtl/rx/flow_table.sv `pick1 ? ~valid1 : ~valid0` `~valid0` : an insert overwrites an entry
//@ mutant rtl/rx/flow_table.sv `new1[WayW*w + TupleW + 12] = 1'b0` `new1[WayW*w + TupleW + 12] = 1'b1` : a remove in bank 1 leaves the entry
//@ mutant rtl/rx/flow_table.sv `waddr1 = idx1_q` `waddr1 = idx0_q` : writes to the other bank's bucket
`default_nettype none
`include "fv.svh"
module flow_table_fv #(
    parameter int NumFlows = 2,
    parameter int TupleW = 4,
    parameter int LgN = $clog2(NumFlows)
) (
    input wire logic              clk_i,
    input wire logic              req_i,
    input wire logic              insert_i,
    input wire logic              remove_i,
    input wire logic [TupleW-1:0] tuple_i,
    input wire logic              flow_i
);
  `FV_RESET
  wire [TupleW-1:0] mine = $anyconst;
  wire [127:0] key = $anyconst;
  logic busy, hit, ok;
  logic [11:0] flow;
  flow_table #(.NumFlows(NumFlows), .TupleW(TupleW)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .key_i(key), .busy_o(busy), .req_i(req_i), .insert_i(insert_i), .remove_i(remove_i),
      .tuple_i(tuple_i), .flow_i(12'(flow_i)), .hit_o(hit), .flow_o(flow), .ok_o(ok));
  (* hierconn *) wire [3:0] \u_dut.match0 ;
  (* hierconn *) wire [3:0] \u_dut.match1 ;
  `FV_ASSUME(!(insert_i && remove_i))

  logic mine_q, insert_q, remove_q, flow_q;
  logic there, there_flow;
  logic [7:0] match;
  assign match = {\u_dut.match1 , \u_dut.match0 };
  always_ff @(posedge clk_i) begin
    mine_q   <= rst_n && req_i && tuple_i == mine;
    insert_q <= insert_i;
    remove_q <= remove_i;
    flow_q   <= flow_i;
    if (!rst_n) begin
      there <= 1'b0;
    end else if (mine_q) begin
      if (insert_q && ok) begin
        there      <= 1'b1;
        there_flow <= flow_q;
      end
      if (remove_q && there && !busy && there_flow == flow_q) there <= 1'b0;
    end
  end
  `FV_ASSERT(!mine_q || busy || hit == there)
  `FV_ASSERT(!mine_q || busy || (match & (match - 8'd1)) == '0)
  `FV_ASSERT(!mine_q || busy || !there || flow == 12'(there_flow))
  `FV_ASSERT(!mine_q || !busy || (!hit && !ok))
  `FV_ASSERT(!mine_q || !ok || (insert_q && !there))
  `FV_ASSERT(!busy || !there)

  // --- for the induction: an entry of the tuple stands in no bucket but its two, and there exactly once ----------------
  localparam int WayW = 1 + 12 + TupleW;
  (* hierconn *) wire [4*WayW-1:0] \u_dut.u_bank0.mem[0] ;
  (* hierconn *) wire [4*WayW-1:0] \u_dut.u_bank0.mem[1] ;
  (* hierconn *) wire [4*WayW-1:0] \u_dut.u_bank1.mem[0] ;
  (* hierconn *) wire [4*WayW-1:0] \u_dut.u_bank1.mem[1] ;
  (* hierconn *) wire [4*WayW-1:0] \u_dut.bucket0 ;
  (* hierconn *) wire [4*WayW-1:0] \u_dut.bucket1 ;
  (* hierconn *) wire [TupleW-1:0] \u_dut.tuple_q ;
  (* hierconn *) wire \u_dut.idx0_q ;
  (* hierconn *) wire \u_dut.idx1_q ;
  (* hierconn *) wire \u_dut.req_q ;
  (* hierconn *) wire \u_dut.sweep_q ;
  logic [16*WayW-1:0] all;               // both banks' buckets: 0, 1 of bank 0, then of bank 1
  logic [15:0] holds, right, used;
  assign all = {\u_dut.u_bank1.mem[1] , \u_dut.u_bank1.mem[0] , \u_dut.u_bank0.mem[1] , \u_dut.u_bank0.mem[0] };
  always @* begin
    for (int i = 0; i < 16; i++) begin
      used[i]  = all[WayW*i + TupleW + 12];
      holds[i] = used[i] && all[WayW*i +: TupleW] == mine;
      right[i] = all[WayW*i + TupleW +: 12] == 12'(there_flow);
    end
  end
  logic home0, home1;
  assign home0 = ^(mine & key[0 +: TupleW]);
  assign home1 = ^(mine & key[16 +: TupleW]);
  `FV_ASSERT(busy || (holds != '0) == there)
  `FV_ASSERT(busy || (holds & (holds - 16'd1)) == '0)
  `FV_ASSERT(busy || (holds & ~right) == '0)
  `FV_ASSERT(busy || (home0 ? holds[3:0] : holds[7:4]) == '0)
  `FV_ASSERT(busy || (home1 ? holds[11:8] : holds[15:12]) == '0)
  `FV_ASSERT(!busy || !\u_dut.sweep_q || {used[11:8], used[3:0]} == '0)
  `FV_ASSERT(!\u_dut.req_q || (\u_dut.bucket0 == (\u_dut.idx0_q ? \u_dut.u_bank0.mem[1] : \u_dut.u_bank0.mem[0] )
             && \u_dut.bucket1 == (\u_dut.idx1_q ? \u_dut.u_bank1.mem[1] : \u_dut.u_bank1.mem[0] )))
  `FV_ASSERT(!\u_dut.req_q || (\u_dut.idx0_q == ^(\u_dut.tuple_q & key[0 +: TupleW])
             && \u_dut.idx1_q == ^(\u_dut.tuple_q & key[16 +: TupleW])))
  `FV_ASSERT(mine_q == (\u_dut.req_q && \u_dut.tuple_q == mine))
endmodule
`default_nettype wire
