// SPDX-License-Identifier: Apache-2.0
// The payload pointers: each step of the send pipeline keeps snd_inv (una <= nxt <= max <= tail modulo 2^32, at most a ring), for
// every context that has it and every event there can be; so does the host when it enqueues, closes or opens. Together that is
// an induction over all events, at full width. And:
//
//   una and max never move back; a segment's bytes lie inside una .. end of data (nothing is read outside head .. tail) and
//   below the new max; new ones inside the peer's window, but for a probe's one byte; FIN only at the very end of the data.
//   Its descriptor says the una of its time, from which the host's credit comes: see README.md.
//
//@ rtl rtl/tx/cut_new.sv rtl/tx/cut_repair.sv rtl/tx/sack_holes.sv rtl/tx/sack_insert.sv rtl/tx/sack_lost.sv
//@ rtl rtl/tx/sack_next.sv rtl/tx/sack_pipe.sv rtl/tx/sack_trim.sv rtl/tx/rtt_estimate.sv rtl/tx/pacer.sv
//@ rtl rtl/tx/dd_incoming.sv rtl/tx/dd_next.sv rtl/tx/dd_timeout.sv tb/formal/snd_inv.sv
//@ prove comb Step=0 Free=1
//@ prove comb Step=1 TxBufBytes=32
//@ prove comb Step=2 Free=1
//@ prove comb Step=3
//@ prove comb Step=1 TxBufBytes=32 Una=32'hfffffff0
//@ prove comb Step=1 TxBufBytes=32 Una=32'h7ffffff0
//@ prove comb Step=3 TxBufBytes=64 Una=32'hfffffff0
//@ prove comb Step=3 TxBufBytes=64 Una=32'h7ffffff0
//@ mutant rtl/tx/dd_incoming.sv `nic_pkg::seq_leq(ev_i.ack, ctx_i.max)` `nic_pkg::seq_leq(ev_i.ack, ctx_i.nxt + 32'd1)` : an ACK beyond what was sent : 2
//@ mutant rtl/tx/dd_incoming.sv `&& nic_pkg::seq_lt(ev_i.ack, ctx_i.max)` `` : a SACK block half around the sequence space : 2
//@ mutant rtl/tx/dd_incoming.sv `ctx_o.nxt         = nic_pkg::seq_max(ctx_i.nxt, una)` `ctx_o.nxt         = ctx_i.nxt` : nxt stays behind una : 2
//@ mutant rtl/tx/sack_insert.sv `nic_pkg::seq_leq(start_i[32*i +: 32], to_i)` `nic_pkg::seq_lt(start_i[32*i +: 32], to_i)` : intervals that touch are kept apart : 2
//@ mutant rtl/tx/dd_timeout.sv `ctx_o.nxt       = ctx_i.una` `ctx_o.nxt       = ctx_i.una - 32'd1` : goes back too far : 3
//@ mutant rtl/tx/dd_next.sv `ctx_o.max = nic_pkg::seq_max(ctx_i.max, after)` `ctx_o.max = after` : max moves back when something is sent again : 4
//@ mutant rtl/tx/cut_new.sv `len == avail && len < room` `len == avail` : a FIN beyond the peer's window : 4
//@ mutant rtl/tx/cut_repair.sv `nic_pkg::seq_min(cut_end, data_end)` `cut_end` : reads the FIN's place as data : 4
`default_nettype none
`include "nic_types.svh"
module snd_steps_fv #(
    parameter int Step = 0,
    parameter int Free = 0,              // una may be anything; else it is
    parameter int Una = 0,
    parameter int TxBufBytes = 32768,
    parameter int OffW = $clog2(TxBufBytes) + 1
) (
    input wire logic [nic_pkg::SndCtxW-1:0] ctx_bits_i,
    input wire logic [31:0]                 tail_i,
    input wire logic                        fin_i,
    input wire logic [nic_pkg::DdInW-1:0]   ev_i,
    input wire logic                        owed_i,
    input wire logic [1:0]                  owed_now_i,
    input wire logic [63:0]                 now_us_i,
    input wire logic [31:0]                 more_i,      // what the host does: enqueue so much, or open here
    input wire logic                        close_i,
    input wire logic                        open_i
);
  snd_ctx_t ctx, ctx_next;
  dd_in_t ev;
  logic [31:0] tail_next;
  logic fin_next, ok, ok_next, pre, emit;
  tx_desc_t desc;
  logic [31:0] from, to, data_end;
  snd_ctx_t raw;
  assign raw = ctx_bits_i;
  // The pointers as una and distances of OffW bits: all that snd_inv allows can be said so, and the solver has less to find out.
  always @* begin
    ctx      = raw;
    ctx.una  = (Free != 0) ? raw.una : 32'(Una);
    ctx.nxt  = ctx.una + 32'(raw.nxt[OffW-1:0]);
    ctx.max  = ctx.una + 32'(raw.max[OffW-1:0]);
    ctx.sack0_start = (raw.sack_n > 3'd0) ? ctx.una + 32'(raw.sack0_start[OffW-1:0]) : '0;
    ctx.sack0_end   = (raw.sack_n > 3'd0) ? ctx.una + 32'(raw.sack0_end[OffW-1:0]) : '0;
    ctx.sack1_start = (raw.sack_n > 3'd1) ? ctx.una + 32'(raw.sack1_start[OffW-1:0]) : '0;
    ctx.sack1_end   = (raw.sack_n > 3'd1) ? ctx.una + 32'(raw.sack1_end[OffW-1:0]) : '0;
    ctx.sack2_start = (raw.sack_n > 3'd2) ? ctx.una + 32'(raw.sack2_start[OffW-1:0]) : '0;
    ctx.sack2_end   = (raw.sack_n > 3'd2) ? ctx.una + 32'(raw.sack2_end[OffW-1:0]) : '0;
    ctx.sack3_start = (raw.sack_n > 3'd3) ? ctx.una + 32'(raw.sack3_start[OffW-1:0]) : '0;
    ctx.sack3_end   = (raw.sack_n > 3'd3) ? ctx.una + 32'(raw.sack3_end[OffW-1:0]) : '0;
  end
  logic [31:0] tail_seq;
  assign tail_seq = ctx.una + 32'(tail_i[OffW-1:0]);
  assign ev  = ev_i;

  snd_inv #(.TxBufBytes(TxBufBytes)) u_before (.ctx_i(ctx), .tail_i(tail_seq), .fin_i(fin_i), .ok_o(ok));
  snd_inv #(.TxBufBytes(TxBufBytes)) u_after (.ctx_i(ctx_next), .tail_i(tail_next), .fin_i(fin_next), .ok_o(ok_next));
  always @* begin
    pre = (ok || (Step == 0 && open_i))
        && ctx.mss != '0 && ctx.mss <= 16'd9000          // what the host opens with
        && (Step != 0 || (more_i <= 32'(TxBufBytes) && tail_seq - ctx.una + more_i <= 32'(TxBufBytes)));   // its credit
    assert(!pre || ok_next);
    assert(!pre || (Step == 0 && open_i) || (ctx_next.una - ctx.una <= ctx.max - ctx.una && ctx_next.max - ctx.una >= ctx.max - ctx.una));
  end

  generate
    if (Step == 0) begin : gen_host
      always @* begin
        ctx_next  = ctx;
        tail_next = tail_seq;
        fin_next  = fin_i;
        if (open_i) begin                                // send_pipe, SevOpen
          ctx_next     = '0;
          ctx_next.una = more_i;
          ctx_next.nxt = more_i;
          ctx_next.max = more_i;
          tail_next    = more_i;
          fin_next     = 1'b0;
        end else if (!fin_i) begin
          tail_next = tail_seq + more_i + 32'(close_i);
          fin_next  = close_i;
        end
      end
    end else begin : gen_step
      always @* begin
        tail_next = tail_seq;
        fin_next  = fin_i;
      end
    end

    if (Step == 1) begin : gen_incoming
      cc_in_t cc;
      logic wake;
      dd_incoming u_dut (.en_i(1'b1), .ctx_i(ctx), .ev_i(ev), .now_us_i(now_us_i), .ctx_o(ctx_next), .cc_o(cc), .wake_o(wake));
    end
    if (Step == 2) begin : gen_timeout
      cc_in_t cc;
      logic expired, wake;
      dd_timeout u_dut (
          .en_i(1'b1), .ctx_i(ctx), .now_us_i(now_us_i), .ctx_o(ctx_next), .cc_o(cc), .expired_o(expired), .wake_o(wake));
    end
    if (Step == 3) begin : gen_next
      cc_in_t cc;
      logic more;
      logic [31:0] idle_seq;
      dd_next u_dut (
          .en_i(1'b1), .ctx_i(ctx), .tail_i(tail_seq), .fin_i(fin_i), .ack_owed_i(owed_i), .ack_now_i(owed_now_i), .now_us_i(now_us_i),
          .ctx_o(ctx_next), .cc_o(cc), .emit_o(emit), .desc_o(desc), .more_o(more), .idle_seq_o(idle_seq));
    end else begin : gen_silent
      assign emit = 1'b0;
      assign desc = '0;
    end
  endgenerate

  assign from     = desc.seq - ctx.una;
  assign to       = from + 32'(desc.len);
  assign data_end = tail_seq - 32'(fin_i) - ctx.una;
  always @* begin
    if (pre && emit) begin
      assert(desc.una == ctx.una);
      if (desc.kind != TxData) assert(desc.len == '0 && !desc.fin);
      else begin
        assert(desc.len != '0 || desc.fin);
        if (desc.len != '0) assert(from < data_end && to <= data_end);
        if (desc.fin) assert(fin_i && to == data_end);
        assert(to + 32'(desc.fin) <= ctx_next.max - ctx.una);
        if (to + 32'(desc.fin) > ctx.max - ctx.una && !(ctx.probe && desc.len + 14'(desc.fin) == 14'd1))
          assert(to + 32'(desc.fin) <= ctx.wnd);
      end
    end
  end
endmodule
`default_nettype wire
