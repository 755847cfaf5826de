// SPDX-License-Identifier: Apache-2.0
// nic_host: random commands against the list of steps each must take, in order, with takers that answer at random or at once.
// An open goes on when its descriptor has passed the assembler, not before. A release waits until the reader has streamed
// out all that was consumed. One command at a time; what is offered stays until taken, the command stays until its last
// step is done; open writes the header before the send context; nothing is accepted while the stores are swept; close and
// consume take two cycles.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(nic_host_tb)
  // Steps: 1 writer, 2 reader, 3 send, 4 send done, 5 token, 6 token done, 7 reader idle, 8 opened.
  logic rst_n = 1'b0;
  logic idle, busy = 1'b1, cmd_valid = 1'b0, cmd_ready, writer_valid, writer_ready = 1'b0, reader_valid, reader_ready = 1'b0;
  logic reader_idle = 1'b0, hdr_we, snd_valid, snd_ready = 1'b0, snd_done = 1'b0, opened = 1'b0, tok_valid, tok_ready = 1'b0, tok_done = 1'b0;
  host_cmd_t cmd, held, cur, v;
  logic [511:0] junk;
  logic [63:0] r = 64'h0f0f_1234_aaaa_5551;
  int n = 0, want = 0, pos = 0, taken_at = 0, done = 0, hdrs = 0, fast = 0, wait_snd = 0, wait_tok = 0, got;
  int kinds [0:7];
  logic active = 1'b0, fire;
  logic last_w = 1'b0, last_r = 1'b0, last_s = 1'b0, last_t = 1'b0;

  nic_host u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .busy_i(busy), .cmd_valid_i(cmd_valid), .cmd_ready_o(cmd_ready),
      .cmd_i(cmd), .cmd_o(held), .writer_valid_o(writer_valid), .writer_ready_i(writer_ready),
      .reader_valid_o(reader_valid), .reader_ready_i(reader_ready), .reader_idle_i(reader_idle), .hdr_we_o(hdr_we), .snd_valid_o(snd_valid),
      .snd_ready_i(snd_ready), .snd_done_i(snd_done), .opened_i(opened), .tok_valid_o(tok_valid), .tok_ready_i(tok_ready),
      .tok_done_i(tok_done));

  initial for (int i = 0; i < 8; i++) kinds[i] = 0;

  // The step at place p of a command; 0 behind its last.
  function automatic int step_of(input logic [2:0] kind, input int p);
    step_of = 0;
    case (kind)
      CmdOpen: step_of = (p == 3) ? 8 : (p < 6) ? p + 1 : 0;
      CmdClose: step_of = (p == 0) ? 1 : 0;
      CmdConsume: step_of = (p == 0) ? 2 : 0;
      CmdAbort, CmdTune: step_of = (p == 0) ? 3 : (p == 1) ? 4 : 0;
      CmdRelease: step_of = (p == 0) ? 7 : (p == 1) ? 5 : (p == 2) ? 6 : 0;
      default: ;
    endcase
  endfunction

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    snd_done <= 1'b0;
    opened <= 1'b0;
    tok_done <= 1'b0;
    if (n > 4) begin
      if (busy) begin `CHECK(!cmd_ready && !idle, "swept first") end
      `CHECK(cmd_ready === (!active && !busy), "one command at a time")
      `CHECK(idle === (!active && !busy), "idle between commands")
      want = active ? step_of(cur.kind, pos) : 0;
      `CHECK(writer_valid === (want == 1), "offer to the writer")
      `CHECK(reader_valid === (want == 2), "offer to the reader")
      `CHECK(snd_valid === (want == 3), "offer to the send pipeline")
      `CHECK(tok_valid === (want == 5), "offer of the token")
      `CHECK(hdr_we === (want == 1 && cur.kind == CmdOpen), "header is written with an open's first step")
      if (active) begin `CHECK(held === cur, "the command stands still") end
      if (hdr_we) hdrs = hdrs + 1;
      fire = (want == 1 && writer_ready) || (want == 2 && reader_ready) || (want == 3 && snd_ready) || (want == 4 && snd_done)
             || (want == 8 && opened) || (want == 5 && tok_ready) || (want == 6 && tok_done) || (want == 7 && reader_idle);
      if (fire) begin
        pos = pos + 1;
        if (step_of(cur.kind, pos) == 0) begin
          active = 1'b0;
          done = done + 1;
          if (n == taken_at + 1 && (cur.kind == CmdClose || cur.kind == CmdConsume)) fast = fast + 1;
        end
      end
      if (cmd_valid && cmd_ready) begin
        kinds[cmd.kind] = kinds[cmd.kind] + 1;
        if (step_of(cmd.kind, 0) != 0) begin
          active = 1'b1;
          pos = 0;
          cur = cmd;
          taken_at = n;
        end
        cmd_valid <= 1'b0;
      end
      // --- stimulus
      r = rnd64(r);
      busy <= n < 60;
      got = active ? step_of(cur.kind, pos) : 0;
      // Done comes a cycle or more after it was accepted, never unasked; an open's send context is done before it is opened.
      snd_done <= (got == 4 || got == 8) && (r[0] || n < 800);
      opened <= (got == 8) && r[11:10] != 0;
      tok_done <= (got == 6) && (r[1] || n < 800);
      writer_ready <= r[2] || n < 800;
      reader_ready <= r[3] || n < 800;
      snd_ready <= r[4] || n < 800;
      tok_ready <= r[5] || n < 800;
      reader_idle <= r[9:8] != 0 || n < 800;
      if ((!cmd_valid || cmd_ready) && (r[7:6] != 0 || n < 800) && n < 5900) begin
        for (int i = 0; i < 8; i++) begin
          r = rnd64(r);
          junk[64*i +: 64] = r;
        end
        v = junk[nic_pkg::HostCmdW-1:0];
        v.kind = (r[2:0] > 3'd5) ? CmdOpen : r[2:0];
        cmd <= v;
        cmd_valid <= 1'b1;
      end
      if (n == 6000) begin
        `CHECK(idle && !active && !cmd_valid, "through")
        for (int i = 0; i < 6; i++) begin `CHECK(kinds[i] > 50, "every kind") end
        `CHECK(done > 400 && hdrs >= kinds[CmdOpen] && fast > 50, "exercised; close and consume in two cycles")
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
