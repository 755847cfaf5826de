// SPDX-License-Identifier: Apache-2.0
// Exact match of a 4-tuple to a flow: two banks of four-way buckets, each bank with its own keyed hash; an insert goes to
// the emptier of its two buckets. The tables hold 8 ways for each flow that can exist, so an insert all but never fails.
//
//     cycle 0: op, tuple -> hashes -> both buckets read      cycle 1: eight exact compares; insert and remove write back
//
// Throughput one operation a cycle (a write is seen by the next cycle's read). The hash is a Toeplitz one: each index bit
// is the parity of the tuple under a mask cut from key_i, so that collisions depend on the key.
// After reset the buckets are swept clean: until busy_o falls, every lookup misses.
`default_nettype none
module flow_table #(
    parameter int NumFlows = 64,
    parameter int TupleW = 96,
    parameter int LgN = $clog2(NumFlows)
) (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    input  wire logic [127:0] key_i,       // static after reset
    output logic              busy_o,
    input  wire logic         req_i,
    input  wire logic         insert_i,
    input  wire logic         remove_i,    // neither: look up
    input  wire logic [TupleW-1:0] tuple_i,
    input  wire logic [11:0]  flow_i,      // insert; remove takes out only this flow's entry
    // One cycle later:
    output logic              hit_o,       // the tuple was there (before an insert or remove)
    output logic [11:0]       flow_o,      // its flow
    output logic              ok_o         // insert: there was room, and the tuple was new
);
  localparam int WayW = 1 + 12 + TupleW;
  localparam int BucketW = 4 * WayW;

  logic [LgN-1:0] hash0, hash1, idx0_q, idx1_q, sweep_q, waddr0, waddr1;
  logic busy_q, req_q, insert_q, remove_q, we0, we1;
  logic [TupleW-1:0] tuple_q;
  logic [11:0] flow_q;
  logic [BucketW-1:0] bucket0, bucket1, new0, new1;

  assign busy_o = busy_q;

  always @* begin
    hash0 = '0;
    hash1 = '0;
    if (req_i) begin
      for (int i = 0; i < LgN; i++) begin
        hash0[i] = ^(tuple_i & key_i[i +: TupleW]);
        hash1[i] = ^(tuple_i & key_i[16 + i +: TupleW]);
      end
    end
  end

  ram_1r1w #(.W(BucketW), .Depth(NumFlows)) u_bank0 (
      .clk_i(clk_i), .we_i(we0), .waddr_i(waddr0), .wdata_i(new0),
      .re_i(req_i), .raddr_i(hash0), .rdata_o(bucket0));
  ram_1r1w #(.W(BucketW), .Depth(NumFlows)) u_bank1 (
      .clk_i(clk_i), .we_i(we1), .waddr_i(waddr1), .wdata_i(new1),
      .re_i(req_i), .raddr_i(hash1), .rdata_o(bucket1));

  logic [3:0] valid0, valid1, match0, match1;
  logic [3:0] mine0, mine1;               // what a remove takes out: tuple and flow match
  logic [2:0] used0, used1;
  logic pick1;
  logic [3:0] free, slot;                 // one-hot way of an insert

  always @* begin
    hit_o = 1'b0;
    flow_o = '0;
    used0 = '0;
    used1 = '0;
    valid0 = '0;
    valid1 = '0;
    match0 = '0;
    match1 = '0;
    mine0 = '0;
    mine1 = '0;
    pick1 = 1'b0;
    free = '0;
    slot = '0;
    ok_o = 1'b0;
    if (req_q) begin
      for (int w = 0; w < 4; w++) begin
        valid0[w] = bucket0[WayW*w + TupleW + 12];
        valid1[w] = bucket1[WayW*w + TupleW + 12];
        match0[w] = valid0[w] && bucket0[WayW*w +: TupleW] == tuple_q;
        match1[w] = valid1[w] && bucket1[WayW*w +: TupleW] == tuple_q;
        used0 = used0 + 3'(valid0[w]);
        used1 = used1 + 3'(valid1[w]);
        mine0[w] = remove_q && match0[w] && bucket0[WayW*w + TupleW +: 12] == flow_q;
        mine1[w] = remove_q && match1[w] && bucket1[WayW*w + TupleW +: 12] == flow_q;
        if (match0[w]) flow_o = flow_o | bucket0[WayW*w + TupleW +: 12];
        if (match1[w]) flow_o = flow_o | bucket1[WayW*w + TupleW +: 12];
      end
      hit_o = !busy_q && (match0 != '0 || match1 != '0);
      pick1 = used1 < used0;
      free  = pick1 ? ~valid1 : ~valid0;
      slot  = free & (~free + 4'd1);
      ok_o  = insert_q && !busy_q && !hit_o && (slot != '0);
    end
  end

  // All zero while the sweep writes.
  always @* begin
    new0 = '0;
    new1 = '0;
    if (!busy_q && (insert_q || remove_q)) begin
      new0 = bucket0;
      new1 = bucket1;
      for (int w = 0; w < 4; w++) begin
        if (insert_q && slot[w]) begin
          if (pick1) new1[WayW*w +: WayW] = {1'b1, flow_q, tuple_q};
          else new0[WayW*w +: WayW] = {1'b1, flow_q, tuple_q};
        end
        if (mine0[w]) new0[WayW*w + TupleW + 12] = 1'b0;
        if (mine1[w]) new1[WayW*w + TupleW + 12] = 1'b0;
      end
    end
    we0 = (ok_o && !pick1) || mine0 != '0;
    we1 = (ok_o && pick1) || mine1 != '0;
    waddr0 = idx0_q;
    waddr1 = idx1_q;
    if (busy_q) begin
      we0 = 1'b1;
      we1 = 1'b1;
      waddr0 = sweep_q;
      waddr1 = sweep_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b1;
      sweep_q <= '0;
      req_q <= 1'b0;
      insert_q <= 1'b0;
      remove_q <= 1'b0;
    end else begin
      sweep_q <= sweep_q + 1'b1;
      if (sweep_q == '1) busy_q <= 1'b0;
      req_q <= req_i;
      insert_q <= req_i && insert_i;
      remove_q <= req_i && remove_i;
    end
    if (req_i) begin
      idx0_q <= hash0;
      idx1_q <= hash1;
      tuple_q <= tuple_i;
      flow_q <= flow_i;
    end
  end
endmodule
`default_nettype wire
