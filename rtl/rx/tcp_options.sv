// SPDX-License-Identifier: Apache-2.0
// Reads time stamp and SACK blocks out of a TCP header's options; the C twin is segment_parse_options() in dpi/tcp/segment.c.
//
//     in_* --+--[a usual layout, nothing ahead]---------------------------------------------------+-> out_*, in order
//            +->[W0..W4: 8 bytes each, tcp_options_step.sv: which begin an option]->[W5: take]----+
//
//   kind  length      one after another (RFC 9293 section 3.1):
//   0     -           the end of the list
//   1     -           nothing
//   5     2 + 8n      SACK blocks, n = 1..4 (RFC 2018 section 3)
//   8     10          time stamp (RFC 7323 section 3.2)
//   else  any >= 2    skipped by its length (MUST-6), as is a known one of another length; of two good ones the last counts.
//   A length below 2 or beyond the header ends the list; what came before it counts (MUST-7).
//
// Where an option begins depends on all before it, so a list of 40 bytes is a chain of up to 40 steps. Here 8 of them are one
// stage, and a list enters every cycle, whatever is in it: no arrangement of options can make it lose a frame. The layouts that
// stacks send (RFC 7323 appendix A: NOP NOP time stamp; NOP NOP SACK; one behind the other) are known by comparison and come out
// at once while no other list is in the stages. Latency 0 cycles for these, else 5.
`default_nettype none
module tcp_options #(
    parameter int OptW = 1 + 2 * 32 + 3 + 8 * 32
) (
    input  wire logic            clk_i,
    input  wire logic            rst_ni,
    input  wire logic            in_valid_i,
    input  wire logic [319:0]    in_bytes_i,    // in lanes; beyond in_len_i anything
    input  wire logic [5:0]      in_len_i,      // 0..40
    output logic                 out_valid_o,
    output logic [OptW-1:0]      out_o          // {has_ts, tsval, tsecr, n_sack, start and end of blocks 0..3}, as in rx_desc_t
);
  localparam int Stages = 5;

  // From lanes to numbers: 8 bytes of a time stamp, up to 32 of blocks.
  function automatic logic [OptW-1:0] answer(input logic ts, input logic [63:0] stamp, input logic [2:0] n,
                                             input logic [255:0] blocks);
    logic [255:0] b;
    logic [63:0] t;
    b = '0;
    t = '0;
    for (int i = 0; i < 4; i++)
      if (3'(i) < n)
        b[255 - 64*i -: 64] = {nic_pkg::swap32(blocks[64*i +: 32]), nic_pkg::swap32(blocks[64*i + 32 +: 32])};
    if (ts) t = {nic_pkg::swap32(stamp[31:0]), nic_pkg::swap32(stamp[63:32])};
    answer = {ts, t, n, b};
  endfunction

  // --- the usual layouts --------------------------------------------------------------------------------------------
  logic [31:0] word0, word3;
  logic stamp0, sack0, sack3, usual, walking, direct;
  logic [2:0] n0, n3, n_quick;
  logic [255:0] blocks_quick;

  // The blocks fill the rest of the list: it is 4 + 8 n0 bytes long, or with a time stamp 16 + 8 n3.
  // Under `in_valid_i`, and the answer below under its own, so that a simulator has nothing to do while no list is here.
  always @* begin
    {word0, word3, n0, n3, n_quick, blocks_quick} = 'x;
    {stamp0, sack0, sack3, usual} = 'x;
    direct = 1'b0;
    if (in_valid_i) begin
      word0   = in_bytes_i[31:0];
      word3   = in_bytes_i[127:96];
      n0      = in_len_i[5:3];
      n3      = in_len_i[5:3] - 3'd2;
      stamp0  = word0 == 32'h0a08_0101 && in_len_i >= 6'd12;
      sack0   = word0 == {2'd0, n0, 3'd2, 24'h05_0101} && in_len_i[2:0] == 3'd4;
      sack3   = word3 == {2'd0, n3, 3'd2, 24'h05_0101} && in_len_i[2:0] == 3'd0;
      usual   = sack0 || (stamp0 && (in_len_i == 6'd12 || sack3));
      direct  = in_valid_i && usual && !walking;
      n_quick = sack0 ? n0 : sack3 ? n3 : 3'd0;
      blocks_quick = sack0 ? in_bytes_i[287:32] : {64'd0, in_bytes_i[319:128]};
    end
  end

  // --- W0..W4 -------------------------------------------------------------------------------------------------------
  logic [Stages-1:0] walk_q;               // a list is in the registers behind stage s
  logic [Stages-1:0] enter;

  assign enter          = {walk_q[Stages-2:0], in_valid_i && !direct};
  assign walking        = (walk_q != '0);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) walk_q <= '0;
    else walk_q <= enter;
  end

  generate
    for (genvar s = 0; s < Stages; s++) begin : gen_stage
      logic [319:0] bytes, bytes_q;
      logic [5:0] len, pos, ts_at, sack_at, pos_next, ts_here, sack_here;
      logic ts, sack, found_ts, found_sack;
      logic [25:0] at, at_q;               // {ts, ts_at, sack, sack_at, len, pos}
      logic [327:0] here;                  // the last byte has none behind it
      if (s == 0) begin : gen_in
        assign bytes = in_bytes_i;
        assign at    = {14'd0, in_len_i, 6'd0};
      end else begin : gen_before
        assign bytes = gen_stage[s-1].bytes_q;
        assign at    = gen_stage[s-1].at_q;
      end
      assign {ts, ts_at, sack, sack_at, len, pos} = at;
      assign here = {8'd0, bytes};
      tcp_options_step #(.First(8 * s)) u_step (
          .active_i(enter[s]), .bytes_i(here[64*s +: 72]), .len_i(len), .pos_i(pos), .pos_o(pos_next), .ts_o(found_ts),
          .ts_at_o(ts_here), .sack_o(found_sack), .sack_at_o(sack_here));
      always_ff @(posedge clk_i) begin
        if (enter[s]) begin
          bytes_q <= bytes;
          at_q    <= {ts || found_ts, found_ts ? ts_here : ts_at, sack || found_sack, found_sack ? sack_here : sack_at, len, pos_next};
        end
      end
    end
  endgenerate

  // --- W5: take the bytes, behind kind and length ---------------------------------------------------------------------
  logic [319:0] w_bytes, w_stamp, w_sack;
  logic [2:0] n_walk;
  logic w_ts, w_has;
  logic [5:0] w_ts_at, w_sack_at;
  assign out_valid_o = direct || walk_q[Stages-1];
  always @* begin
    {w_bytes, w_stamp, w_sack, n_walk, w_ts, w_has, w_ts_at, w_sack_at} = 'x;
    out_o = 'x;
    if (walk_q[Stages-1]) begin
      w_bytes = gen_stage[Stages-1].bytes_q;
      {w_ts, w_ts_at, w_has, w_sack_at} = gen_stage[Stages-1].at_q[25:12];
      w_stamp = w_bytes >> {w_ts_at, 3'b000};
      w_sack  = w_bytes >> {w_sack_at, 3'b000};
      n_walk  = w_has ? w_sack[13:11] : 3'd0;          // of the length byte, 2 + 8n
      out_o   = answer(w_ts, w_stamp[79:16], n_walk, w_sack[271:16]);
    end else if (direct) begin
      out_o = answer(stamp0, in_bytes_i[95:32], n_quick, blocks_quick);
    end
  end
endmodule
`default_nettype wire
