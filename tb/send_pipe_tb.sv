// SPDX-License-Identifier: Apache-2.0
// send_pipe with a real ack_bits, and tail store, assembler, peer and clock played by the bench.
//   First a script with numbers written out: open; a flow alone sends a segment a cycle; four ACKs of one flow back to back
//   (forwarding); a timeout pulls nxt back, another doubles; an ACK above nxt; dd_incoming and dd_next alternate; a stalled
//   assembler holds segments but no ACK and loses no descriptor; abort, reset, release, re-open with other numbers; a path
//   that takes shorter segments from now on; a peer that is gone: twelve retransmissions and the flow is given up after 483 s.
//   Then twelve flows at once against a peer that loses segments, closes windows and answers late: sequence numbers in order,
//   windows kept, MSS kept. In the end, with no more stimulus than time and the peer's answers, every byte and FIN has
//   arrived, every owed ACK has left, the host was told, and the pipe is idle: no wake-up was lost. And a flow that is tuned.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(send_pipe_tb)
  localparam int N = 16;
  logic rst_n = 1'b0;
  logic [63:0] now = 64'd1000000, timer_us, t0;
  logic busy, idle, dd_valid = 1'b0, dd_ready, cmd_valid = 1'b0, cmd_ready, cmd_done, write_wake = 1'b0, ack_wake = 1'b0;
  logic tail_en, fin = 1'b0, owed, mirror_we, desc_valid, desc_ready = 1'b0, timer_valid, stat_timeout, stat_rexmit;
  logic set_now = 1'b0, clr_valid = 1'b0, clr_pure = 1'b0, clr_owed;
  logic [11:0] write_flow = 0, ack_flow = 0, owed_flow, clr_flow = 0;
  logic [1:0] owed_now;
  logic [3:0] tail_flow, mirror_flow, f, g;
  logic [31:0] tail = 0, write_tail = 0;
  logic write_fin = 1'b0;
  dd_in_t dd, dv;
  host_cmd_t cmd, cv;
  snd_mirror_t mirror;
  tx_desc_t desc;

  send_pipe #(.NumFlows(N), .Cc(nic_pkg::CcNone)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .now_us_i(now), .busy_o(busy), .idle_o(idle), .dd_valid_i(dd_valid),
      .dd_ready_o(dd_ready), .dd_i(dd), .cmd_valid_i(cmd_valid), .cmd_ready_o(cmd_ready), .cmd_i(cmd),
      .cmd_done_o(cmd_done), .write_wake_i(write_wake), .write_flow_i(write_flow), .ack_wake_i(ack_wake),
      .ack_flow_i(ack_flow), .tail_en_o(tail_en), .tail_flow_o(tail_flow), .tail_i(tail), .fin_i(fin),
      .owed_flow_o(owed_flow), .owed_i(owed), .owed_now_i(owed_now), .mirror_we_o(mirror_we), .mirror_flow_o(mirror_flow),
      .mirror_o(mirror), .desc_valid_o(desc_valid), .desc_ready_i(desc_ready), .desc_o(desc), .timer_valid_o(timer_valid),
      .timer_us_o(timer_us), .stat_timeout_o(stat_timeout), .stat_rexmit_o(stat_rexmit));
  ack_bits #(.NumFlows(N)) u_bits (
      .clk_i(clk_i), .rst_ni(rst_n), .set_valid_i(ack_wake), .set_flow_i(ack_flow), .set_bit_i(1'b1), .set_now_i(set_now),
      .set_init_i(1'b0), .clr_valid_i(clr_valid && (!clr_pure || clr_owed)), .clr_flow_i(clr_flow), .clr_pure_i(clr_pure),
      .clr_owed_o(clr_owed), .next_flow_i(owed_flow), .next_owed_o(owed), .next_now_o(owed_now));

  logic [63:0] r = 64'h6a09_e667_f3bc_c908;
  int n = 0, step = 0, since = 0, ran = 0;
  // Host-owned tail.
  logic [31:0] m_tail [0:N-1];
  logic m_fin [0:N-1];
  // Log of accepted descriptors, from the last `fresh` on.
  int ln = 0;
  logic [97:0] l_desc [0:255];
  int l_at [0:255];
  tx_desc_t a, b;
  int timeouts = 0, rexmits = 0, dds = 0, dones = 0, want_rexmits = 0, mirrors = 0;
  logic [31:0] m_una [0:7];               // mirror writes, from the last `fresh` on
  logic [31:0] x_una [0:N-1];             // mirror as it stands
  logic [31:0] x_max [0:N-1];
  logic random_on = 1'b0, loss = 1'b0, draining = 1'b0;
  // The peer, and what was sent, by flow.
  logic [31:0] p_nxt [0:N-1];             // next byte expected
  logic [31:0] p_edge [0:N-1];            // furthest edge ever offered
  logic [31:0] p_ack [0:N-1];             // highest ACK handed over
  logic [31:0] s_exp [0:N-1];             // where the next segment begins
  logic [31:0] s_hi [0:N-1];              // end of the highest sent
  logic [31:0] s_mss [0:N-1];
  logic [31:0] h_freed [0:N-1];
  logic h_fin [0:N-1];
  int s_back [0:N-1];
  int p_dup [0:N-1];                      // duplicate ACKs the peer has still to send
  int s_dups [0:N-1];                     // and has sent since all was acknowledged
  logic repair;
  logic [31:0] s_alt [0:N-1];             // where else it may begin
  logic [N-1:0] pend = '0, known = '0;
  logic [31:0] len, stop, base, v;
  int segments = 0, repairs = 0, acks = 0, lost = 0, shut = 0, jumps = 0, left = 0, k, tries = 0;
  logic lull = 1'b0;

  initial for (int i = 0; i < N; i++) begin
    m_tail[i] = 0; m_fin[i] = 1'b0; p_nxt[i] = 0; p_edge[i] = 0; p_ack[i] = 0; p_dup[i] = 0; s_dups[i] = 0; s_alt[i] = 0; s_exp[i] = 0; s_hi[i] = 0; s_mss[i] = 0;
    h_freed[i] = 0; h_fin[i] = 1'b0; s_back[i] = 0; x_una[i] = 0; x_max[i] = 0;
  end

  task automatic go;                      // next step, with an empty log
    step = step + 1;
    since = 0;
    ln = 0;
    timeouts = 0;
    rexmits = 0;
    dds = 0;
    dones = 0;
    mirrors = 0;
  endtask
  task automatic open(input logic [3:0] id, input logic [31:0] snd, input logic [31:0] rcv, input logic [31:0] w, input logic [15:0] mss);
    cv = '0;
    cv.kind = CmdOpen;
    cv.flow = {8'd0, id};
    cv.snd_nxt = snd;
    cv.rcv_nxt = rcv;
    cv.snd_wnd = w;
    cv.mss = mss;
    cv.nagle_off = (id < 4'd4) || id[0];
    cv.syn_again = (id == 4'd1);
    cmd <= cv;
    cmd_valid <= 1'b1;
    m_tail[id] = snd;
    m_fin[id] = 1'b0;
    p_nxt[id] = snd;
    p_ack[id] = snd;
    p_edge[id] = snd + w;
    s_exp[id] = snd;
    s_hi[id] = snd;
    s_mss[id] = {16'd0, mss};
    s_back[id] = 0;
    p_dup[id] = 0;
    s_alt[id] = snd;
    s_dups[id] = 0;
    h_freed[id] = snd;
    h_fin[id] = 1'b0;
    known[id] = 1'b1;
  endtask
  task automatic tune(input logic [3:0] id, input logic [31:0] timeout_ms);
    cv = '0;
    cv.kind = CmdTune;
    cv.flow = {8'd0, id};
    cv.nagle_off = 1'b1;
    cv.user_timeout_ms = timeout_ms;
    cmd <= cv;
    cmd_valid <= 1'b1;
  endtask
  task automatic write(input logic [3:0] id, input logic [31:0] at, input logic close);
    write_wake <= 1'b1;
    write_flow <= {8'd0, id};
    write_tail <= at;
    write_fin <= close;
  endtask
  task automatic send_dd(input dd_in_e kind, input logic [3:0] id, input logic [31:0] ack, input logic [31:0] w);
    dv = '0;
    dv.kind = kind;
    dv.flow = {8'd0, id};
    dv.ack = ack;
    dv.wnd = w;
    dv.wnd_vld = 1'b1;
    dd <= dv;
    dd_valid <= 1'b1;
  endtask

  // Segment i of the log: flow, sequence number, length.
  `define SEG(i, fl, s, l, msg) \
    a = l_desc[i]; \
    `CHECK(a.kind == TxData && a.flow == fl && a.seq == s && a.len == l, msg)

  localparam logic [31:0] B1 = 32'hffff_f000;     // flow 1: 2^32 after 4096 bytes
  localparam logic [31:0] B2 = 32'h7fff_ff00;

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    since = since + 1;
    write_wake <= 1'b0;
    ack_wake <= 1'b0;
    clr_valid <= 1'b0;
    if (rst_n && n > 4) begin
      // --- tail store: a read sees the write of its cycle
      if (write_wake) begin
        m_tail[write_flow[3:0]] = write_tail;
        m_fin[write_flow[3:0]] = write_fin;
      end
      if (tail_en) begin
        tail <= m_tail[tail_flow];
        fin <= m_fin[tail_flow];
      end
      // --- what the pipe says
      if (stat_timeout) begin
        timeouts = timeouts + 1;
        s_back[mirror_flow] = s_back[mirror_flow] + 1;
        `CHECK(mirror_we, "a timeout writes back")
      end
      if (stat_rexmit) begin rexmits = rexmits + 1; want_rexmits = want_rexmits - 1; end
      if (cmd_done) dones = dones + 1;
      if (mirror_we && known[mirror_flow]) begin
        if (mirrors < 8) m_una[mirrors] = mirror.una;
        mirrors = mirrors + 1;
        v = mirror.max - mirror.una;
        `CHECK(!v[31], "una beyond max")
        if (random_on) begin
          v = mirror.una - x_una[mirror_flow];
          `CHECK(!v[31], "una moved back")
          v = mirror.max - x_max[mirror_flow];
          `CHECK(!v[31], "max moved back")
          v = m_tail[mirror_flow] - mirror.max;
          `CHECK(!v[31], "max beyond tail")
        end
        x_una[mirror_flow] = mirror.una;
        x_max[mirror_flow] = mirror.max;
      end
      if (idle) begin `CHECK(!desc_valid, "idle with a descriptor") end
      if (dd_valid && dd_ready) begin
        dds = dds + 1;
        dd_valid <= 1'b0;
      end
      if (cmd_valid && cmd_ready) cmd_valid <= 1'b0;
      // --- descriptors
      if (desc_valid && desc_ready) begin
        if (ln < 256) begin
          l_desc[ln] = desc;
          l_at[ln] = n;
          ln = ln + 1;
        end
        f = desc.flow[3:0];
        if (desc.tell) begin
          h_freed[f] = desc.una;
          if (desc.fin_acked) h_fin[f] = 1'b1;
        end
        if (desc.kind == TxData) begin
          len = 32'(desc.len) + 32'(desc.fin);
          stop = desc.seq + len;
          `CHECK(len != 0, "empty segment")
          `CHECK(32'(desc.len) <= s_mss[f], "longer than the MSS")
          // Recovery: the segment at una, while nxt stays.
          v = s_hi[f] - desc.seq;
          repair = s_dups[f] > 2 && desc.seq == desc.una && desc.seq != s_exp[f] && v != 0 && !v[31];
          if (repair) begin
            repairs = repairs + 1;
            s_alt[f] = s_exp[f];                           // or it was sent by a timeout: then nxt is behind it
          end else if (desc.seq == s_alt[f] || desc.seq == s_alt[f] + 32'd1) begin
            s_alt[f] = s_exp[f];
          end else if (desc.seq != s_exp[f] && desc.seq != s_exp[f] + 32'd1) begin
            v = p_ack[f] - desc.seq;
            if (!v[31] && desc.seq == p_ack[f] && s_back[f] == 0) begin
              v = desc.seq - s_exp[f];
              `CHECK(!v[31], "begins too early")
            end else begin
              `CHECK(s_back[f] > 0, "not where the last segment ended, and no timeout")
              s_back[f] = s_back[f] - 1;
              v = s_hi[f] - desc.seq;
              `CHECK(!v[31], "begins beyond what was sent")
            end
          end
          v = m_tail[f] - stop;
          `CHECK(!v[31], "beyond the tail")
          `CHECK(!desc.fin || (m_fin[f] && stop == m_tail[f]), "FIN at the tail")
          v = p_edge[f] + 32'd1 - stop;
          `CHECK(!v[31], "beyond the window")
          v = p_ack[f] + 32'd16384 + {s_mss[f][30:0], 1'b0} - stop;   // limited transmit
          `CHECK(!v[31], "beyond the congestion window")
          v = desc.seq - s_hi[f];
          if (v[31]) want_rexmits = want_rexmits + 1;
          s_exp[f] = (len == 32'd1) ? desc.seq : stop;     // a probe does not move nxt
          v = stop - s_hi[f];
          if (!v[31]) s_hi[f] = stop;
          segments = segments + 1;
          // The peer takes what is in order.
          r = rnd64(r);
          if (random_on && loss && !lull && r[2:0] == 0) lost = lost + 1;
          else begin
            v = p_nxt[f] - desc.seq;
            if (v < len) p_nxt[f] = stop;
            else if (random_on && v[31]) p_dup[f] = p_dup[f] + 1;
            pend[f] = 1'b1;
          end
        end
        if (desc.kind == TxAck) acks = acks + 1;
        clr_valid <= (desc.kind == TxData || desc.kind == TxAck);
        clr_flow <= desc.flow;
        clr_pure <= (desc.kind == TxAck);
      end

      // --- the script
      case (step)
        0: if (!busy) begin go; desc_ready <= 1'b1; open(4'd1, B1, 32'h1234_5678, 32'd65535, 16'd1000); end
        1: if (since == 20) begin
          a = l_desc[0];
          `CHECK(ln == 1 && a.kind == TxOpen && a.flow == 1 && a.seq == 32'h1234_5678 && a.una == B1, "open")
          `CHECK(dones == 1 && idle && x_una[1] == B1 && x_max[1] == B1, "open: done, mirror")
          go;
          write(4'd1, B1 + 32'd16384, 1'b0);
        end
        2: if (since == 60) begin
          `CHECK(ln == 17, "a congestion window of segments")
          for (int i = 0; i < 16; i++) begin
            `SEG(i, 12'd1, B1 + 32'(1000 * i), 14'd1000, "a segment in its place")
            `CHECK(l_at[i] == l_at[0] + i, "a segment a cycle")
            `CHECK(!a.psh && !a.fin, "no PSH inside")
          end
          `SEG(16, 12'd1, B1 + 32'd16000, 14'd384, "the last, cut")
          `CHECK(a.psh && l_at[16] == l_at[0] + 16, "PSH at the tail")
          `CHECK(x_max[1] == B1 + 32'd16384 && x_una[1] == B1 && rexmits == 0, "mirror")
          `CHECK(timer_valid && timer_us > now + 64'd2000000 && timer_us <= now + 64'd3000000, "timer is on: 3 s, the SYN was sent again")
          go;
          send_dd(DdAck, 4'd1, B1 + 32'd1000, 32'd65535);
        end
        3: begin
          // Back to back: each is in the context before the next one is taken.
          if (dd_valid && dd_ready && dds < 4) send_dd(DdAck, 4'd1, B1 + 32'(1000 * (dds + 1)), 32'd65535);
          if (since == 30) begin
            `CHECK(dds == 4, "four ACKs taken")
            k = 0;
            for (int i = 0; i < 8; i++) if (i < mirrors && m_una[i] == B1 + 32'(1000 * (k + 1))) k = k + 1;
            `CHECK(k == 4, "each of the four moved una")
            `CHECK(ln >= 1 && h_freed[1] == B1 + 32'd4000 && segments == 17, "freed space told, nothing sent")
            for (int i = 0; i < ln; i++) begin a = l_desc[i]; `CHECK(a.kind == TxFree && a.tell, "told without a frame") end
            t0 = now;
            go;
            now <= now + 64'd199999;
          end
        end
        4: if (since == 100) begin
          `CHECK(timeouts == 0 && ln == 0, "not a microsecond early")
          go;
          now <= t0 + 64'd200000;
        end
        5: if (since == 100) begin
          `CHECK(timeouts == 1 && ln == 13 && rexmits == 13, "timeout: from una, all again")
          for (int i = 0; i < 12; i++) begin `SEG(i, 12'd1, B1 + 32'(4000 + 1000 * i), 14'd1000, "again") end
          `SEG(12, 12'd1, B1 + 32'd16000, 14'd384, "again, the last")
          go;
          now <= t0 + 64'd599999;
        end
        6: if (since == 100) begin
          `CHECK(timeouts == 0 && ln == 0, "back-off: 400 ms, not before")
          go;
          desc_ready <= 1'b0;             // so that the ACK finds nxt below it
          now <= t0 + 64'd600000;
        end
        7: begin
          if (since == 100) begin
            `CHECK(timeouts == 1, "second timeout")
            send_dd(DdAck, 4'd1, B1 + 32'd16384, 32'd65535);
          end
          if (since == 105) desc_ready <= 1'b1;
          if (since == 160) begin
            `CHECK(x_una[1] == B1 + 32'd16384 && x_max[1] == B1 + 32'd16384, "ACK above nxt, up to max")
            `CHECK(h_freed[1] == B1 + 32'd16384, "freed")
            k = ln;
            `CHECK(k < 20 && idle, "ACK pulled nxt along: nothing more to send")
            s_back[1] = 0;
            s_exp[1] = B1 + 32'd16384;
            p_ack[1] = s_exp[1];
            p_edge[1] = s_exp[1] + 32'd65535;
            now <= now + 64'd100000000;
          end
          if (since == 260) begin
            `CHECK(timeouts == 1 && ln == k, "all acknowledged: no more timeouts")
            go;
            open(4'd9, 32'd5, 32'd6, 32'd1000, 16'd500);
          end
        end
        8: if (since == 20) begin
          go;
          cv = '0; cv.kind = CmdAbort; cv.flow = 12'd9; cmd <= cv; cmd_valid <= 1'b1;
        end
        9: if (since == 20) begin
          a = l_desc[0];
          `CHECK(ln == 1 && dones == 1 && a.kind == TxRst && a.flow == 9 && a.seq == 32'd5, "abort: RST at SND.NXT")
          go;
          cmd_valid <= 1'b1;              // once more
        end
        10: if (since == 20) begin
          `CHECK(ln == 0 && dones == 1, "abort of a closed flow: done, no RST")
          go;
          write(4'd9, 32'd100, 1'b0);
        end
        11: if (since == 20) begin
          `CHECK(ln == 0, "an aborted flow sends nothing")
          go;
          open(4'd2, B2, 32'd77, 32'd65535, 16'd100);
        end
        // Alternation: ACKs without end (for a closed flow, so that they wake nobody) against a flow with much to send.
        12: begin
          if (since == 20) write(4'd2, B2 + 32'd16000, 1'b0);
          if (since > 22 && since < 100 && (!dd_valid || dd_ready)) send_dd(DdAck, 4'd9, 32'd5, 32'd1000);
          if (since == 30) begin dds = 0; ln = 0; end
          if (since == 70) begin
            `CHECK(dds >= 19 && dds <= 21, "every second cycle an ACK")
            `CHECK(ln >= 19 && ln <= 21, "every second cycle a segment")
          end
          if (since == 300) begin
            `CHECK(x_max[2] == B2 + 32'd16000, "all sent")
            go;
            desc_ready <= 1'b0;
            write(4'd1, B1 + 32'd30000, 1'b0);
          end
        end
        // Stalled assembler: the FIFO fills, dd_next stops, ACKs go on; a release token waits for room.
        13: begin
          if (since == 60) begin
            dds = 0;
            send_dd(DdAck, 4'd2, B2 + 32'd8000, 32'd65535);
          end
          if (since == 63) begin
            `CHECK(dds == 1 && x_una[2] == B2 + 32'd8000, "an ACK does not wait for transmit")
            p_ack[2] = B2 + 32'd8000;
            `CHECK(!cmd_ready, "a command that emits does")
            write(4'd2, B2 + 32'd20000, 1'b0);
          end
          if (since == 70) send_dd(DdRelease, 4'd9, 32'd0, 32'd0);
          if (since == 100) begin
            `CHECK(dds == 1 && dd_valid, "a release token waits for room")
            desc_ready <= 1'b1;
          end
          if (since == 300) begin
            // In-order, complete: checked at each descriptor; here that all arrived.
            `CHECK(dds == 2 && s_hi[1] == B1 + 32'd30000 && s_hi[2] == B2 + 32'd20000, "no descriptor lost in the stall")
            k = 0;
            for (int i = 0; i < ln; i++) begin a = l_desc[i]; if (a.kind == TxRelease && a.flow == 9) k = k + 1; end
            `CHECK(k == 1, "release came through")
            go;
            cv = '0; cv.kind = CmdAbort; cv.flow = 12'd1; cmd <= cv; cmd_valid <= 1'b1;
          end
        end
        14: begin
          if (since == 20) begin
            a = l_desc[0];
            `CHECK(ln == 1 && a.kind == TxRst && a.seq == B1 + 32'd30000 && a.una == B1 + 32'd16384, "abort in flight: RST at SND.MAX")
            send_dd(DdReset, 4'd2, 32'd0, 32'd0);
          end
          if (since == 30) write(4'd1, B1 + 32'd31000, 1'b0);
          if (since == 31) write(4'd2, B2 + 32'd21000, 1'b0);
          if (since == 32) begin ack_wake <= 1'b1; ack_flow <= 12'd2; end
          if (since == 40) now <= now + 64'd1000000;
          if (since == 41) send_dd(DdAck, 4'd2, B2 + 32'd9000, 32'd65535);
          if (since == 150) begin
            `CHECK(ln == 1 && timeouts == 0, "aborted and reset flows: silence, no timers")
            go;
            send_dd(DdRelease, 4'd2, 32'd0, 32'd0);
          end
        end
        15: if (since == 20) begin
          a = l_desc[0];
          `CHECK(ln == 1 && a.kind == TxRelease && a.flow == 2 && !a.tell, "release")
          clr_valid <= 1'b1; clr_flow <= 12'd2; clr_pure <= 1'b0;
          go;
          open(4'd2, 32'hffff_ffff, 32'd9, 32'd3000, 16'd1460);
        end
        16: begin
          if (since == 20) begin
            a = l_desc[0];
            `CHECK(ln == 1 && a.kind == TxOpen && a.una == 32'hffff_ffff && a.seq == 32'd9, "re-open")
            write(4'd2, 32'd1000, 1'b0);
            t0 = now;
          end
          if (since == 60) begin
            `SEG(1, 12'd2, 32'hffff_ffff, 14'd1001, "from its new first number")
            `CHECK(ln == 2 && x_una[2] == 32'hffff_ffff && x_max[2] == 32'd1000, "new pointers")
            go;
          end
        end
        // The path takes less than it did: what is out goes again, cut anew, and no timer has run out.
        17: begin
          if (since == 1) open(4'd3, B1, 32'd1, 32'd65535, 16'd1000);
          if (since == 20) write(4'd3, B1 + 32'd3000, 1'b0);
          if (since == 60) begin
            `CHECK(ln == 4, "three segments")
            cv = '0; cv.kind = CmdTune; cv.flow = 12'd3; cv.nagle_off = 1'b1; cv.mss = 16'd600; cmd <= cv; cmd_valid <= 1'b1;
            s_mss[3] = 32'd600;
            s_back[3] = 1;
          end
          if (since == 100) begin
            `CHECK(ln == 9 && rexmits == 5 && timeouts == 0, "again, shorter")
            for (int i = 0; i < 5; i++) begin `SEG(4 + i, 12'd3, B1 + 32'(600 * i), 14'd600, "cut anew") end
            `CHECK(x_una[3] == B1 && x_max[3] == B1 + 32'd3000, "mirror as it was")
            cv.mss = 16'd2000; cmd <= cv; cmd_valid <= 1'b1;   // never longer
          end
          if (since == 120) begin cv.mss = 16'd0; cmd <= cv; cmd_valid <= 1'b1; end
          if (since == 140) begin
            `CHECK(ln == 9 && dones == 4, "nothing by another tune")
            write(4'd3, B1 + 32'd4000, 1'b0);
          end
          if (since == 160) begin
            `CHECK(ln == 11, "the rest")
            `SEG(9, 12'd3, B1 + 32'd3000, 14'd600, "no longer either")
            // Nobody has asked the flow yet for the ACK that it owes when the release token comes.
            ack_wake <= 1'b1;
            ack_flow <= 12'd3;
            send_dd(DdRelease, 4'd3, 32'd0, 32'd0);
          end
          if (since == 180) begin
            a = l_desc[11];
            b = l_desc[12];
            `CHECK(ln == 13 && a.kind == TxAck && a.flow == 12'd3 && b.kind == TxRelease, "what is owed leaves before the flow does")
            go;
          end
        end
        // The peer is gone.
        18: begin
          if (idle && timer_valid && since % 8 == 0 && timer_us > now) now <= timer_us;
          if (since == 1500) begin
            k = 0;
            for (int i = 0; i < ln; i++) begin
              a = l_desc[i];
              if (a.kind == TxData) begin
                k = k + 1;
                `CHECK(a.seq == 32'hffff_ffff && a.len == 14'd1001, "the same bytes again")
              end
            end
            b = l_desc[ln - 1];
            `CHECK(k == 12 && ln == 13 && timeouts == 13, "twelve retransmissions")
            `CHECK(b.kind == TxFree && b.timed_out && b.tell, "given up: told")
            `CHECK(now == t0 + 64'd483000000 || now == t0 + 64'd483000001, "after 1+2+..+32+7*60 s")
            `CHECK(want_rexmits == 0, "each segment from below the highest counts")
            go;
          end
        end
        // Random: twelve flows.
        19: if (since > 2 && !cmd_valid && cmd_done || since == 1) begin
          k = ran;
          if (k < 12) begin
            r = rnd64(r);
            base = r[0] ? 32'hffff_ffff - 32'(r[13:1]) : r[14] ? 32'h7fff_ffff - 32'(r[13:1]) : r[47:16];
            open(4'(4 + k), base, 32'(k), 32'd1000 * 32'(k), (k == 0) ? 16'd1 : 16'(100 + 120 * k));
            ran = ran + 1;
          end else begin
            go;
            random_on = 1'b1;
            loss = 1'b1;
          end
        end
        // In the end a peer that is gone while the host tunes its flow: Nagle off; a user timeout, which counts once something was sent again.
        22: begin
          if (since == 1) open(4'd10, 32'd100, 32'd9, 32'd3000, 16'd500);
          if (since == 20) begin write(4'd10, 32'd700, 1'b0); t0 = now; end
          if (since == 60) begin
            `CHECK(ln == 2 && x_max[10] == 32'd600, "Nagle holds back what is short")
            tune(4'd10, 32'd500);
          end
          if (since == 80) begin
            `CHECK(dones == 2 && ln == 3 && x_max[10] == 32'd700, "tuned: it leaves")
            now <= t0 + 64'd999999;
          end
          if (since == 120) begin
            `CHECK(timeouts == 0, "the first timeout is where it was")
            now <= t0 + 64'd1000000;
            tune(4'd10, 32'd1500);
          end
          if (since == 180) begin
            `CHECK(timeouts == 1 && rexmits == 2, "all is sent again")
            tune(4'd10, 32'd1500);
          end
          if (since == 200) begin
            k = ln;
            now <= t0 + 64'd1499999;
          end
          if (since == 300) begin
            `CHECK(timeouts == 1 && ln == k, "not a microsecond early")
            now <= t0 + 64'd1500000;
          end
          if (since == 400) begin
            b = l_desc[k];
            `CHECK(timeouts == 2 && ln == k + 1 && b.kind == TxFree && b.timed_out && b.tell, "tuned: given up before the second timeout")
            done_o <= 1'b1;
          end
        end
        default: ;
      endcase

      // --- random traffic
      if (random_on) begin
        // Lulls, in which nothing but the peer's answers and time may move what is left: a lost wake-up stays lost.
        lull = (since % 4096 >= 2000);
        if (since % 4096 == 4095 && step == 20 && !draining) begin
          for (int i = 4; i < N; i++) begin
            `CHECK(x_max[i] == m_tail[i] && h_freed[i] == m_tail[i], "in a lull all is sent, answered and told")
          end
        end
        r = rnd64(r);
        // Host: bytes now and then, never more than 8192 unacknowledged; at the end FIN.
        f = 4'd4 + 4'((r[7:0] * 12) >> 8);
        v = m_tail[f] - h_freed[f];
        if (r[9:8] == 0 && (!lull || draining) && !m_fin[f] && !(write_wake && write_flow[3:0] == f) && v < 32'd8192) begin
          if (!draining) write(f, m_tail[f] + ((f == 4) ? 32'(r[13:10]) : 32'(r[20:10])), 1'b0);
          else write(f, m_tail[f] + 32'd1, 1'b1);
        end
        // ACKs owed.
        if (r[24:22] == 0 && !draining && !lull) begin
          ack_wake <= 1'b1;
          ack_flow <= 12'd4 + 12'((r[32:25] * 12) >> 8);
          set_now <= r[33];
        end
        // Assembler: fast, slow, stalled.
        r = rnd64(r);
        case ((n / 256) % 4)
          0: desc_ready <= 1'b1;
          1: desc_ready <= r[0];
          2: desc_ready <= n % 64 > 50;
          default: desc_ready <= r[1:0] != 0;
        endcase
        if (lull) desc_ready <= 1'b1;
        // Peer: ACKs of what it has; some windows small or closed while traffic goes on.
        r = rnd64(r);
        if ((!dd_valid || dd_ready) && (r[0] || (n / 512) % 2 == 0)) begin
          g = 4'd4 + 4'((r[16:9] * 12) >> 8);
          if (p_dup[g] != 0 && p_ack[g] == p_nxt[g]) begin
            send_dd(DdAck, g, p_nxt[g], 32'd0);
            dv.wnd_vld = 1'b0;
            dv.no_data = 1'b1;
            dd <= dv;
            p_dup[g] = p_dup[g] - 1;
            s_dups[g] = s_dups[g] + 1;
          end else if (pend[g] || (r[19:17] == 0 && !lull && !draining)) begin
            v = (r[22:20] == 0 && !draining && !lull) ? 32'd0 : (r[22:20] == 1 && !draining && !lull) ? 32'(r[33:26]) : 32'd4000 + 32'(r[37:26]);
            if (v == 0) shut = shut + 1;
            send_dd(DdAck, g, p_nxt[g], v);
            if (p_nxt[g] == s_hi[g]) s_dups[g] = 0;
            pend[g] = (v < 32'd4000);
            p_ack[g] = p_nxt[g];
            stop = p_nxt[g] + v - p_edge[g];
            if (!stop[31]) p_edge[g] = p_nxt[g] + v;
          end
        end
        // Time: slow, or a jump to the next timer when nothing else moves.
        now <= now + 64'(r[40]);
        if (timer_valid && timer_us > now && (r[47:41] == 0 || (idle && (draining || lull) && pend[N-1:4] == 0 && !dd_valid))) begin
          now <= timer_us;
          jumps = jumps + 1;
        end
        if (since > 12300) draining = 1'b1;
        if (since > 12800) loss = 1'b0;
        left = 0;
        for (int i = 4; i < N; i++) begin
          if (!m_fin[i] || h_freed[i] != m_tail[i] || !h_fin[i] || p_nxt[i] != m_tail[i]) left = left + 1;
        end
        if (step == 20 && draining && left == 0 && idle && !dd_valid) go;
        if (step == 20 && since == 20000) begin
          `CHECK(1'b0, "flows do not come to their end: a wake-up was lost")
          for (int i = 4; i < N; i++)
            $display("  flow %0d: tail %h fin %b freed %h peer has %h", i, m_tail[i], m_fin[i], h_freed[i], p_nxt[i]);
          go;
        end
        if (step == 21) begin
          // All that is owed has left: ask every flow.
          desc_ready <= 1'b1;
          write_wake <= 1'b0;
          dd_valid <= 1'b0;
          // Idle flows: nothing else wakes them.
          ack_wake <= (since >= 30 && since < 42);
          ack_flow <= 12'(since - 26);
          set_now <= since[0];
          if (since == 29) begin `CHECK(idle, "idle before the last ACKs") ln = 0; end
          if (since == 100) begin
            `CHECK(ln == 12, "a pure ACK for each idle flow that owes one")
            random_on = 1'b0;
          end
        end
      end
      if (step == 21 && since > 120 && since < 120 + N) begin
        clr_flow <= 12'(since - 121);
        clr_pure <= 1'b1;
        if (since > 121) begin `CHECK(!clr_owed, "an owed ACK never left") end
      end
      if (step == 21 && since == 160) begin
        `CHECK(idle && !desc_valid && !dd_valid, "idle in the end")
        `CHECK(want_rexmits == 0, "retransmissions counted")
        `CHECK(segments > 1500 && acks > 200 && lost > 100 && shut > 50 && jumps > 30 && repairs > 20, "exercised")
        if (errors_o != 0) $display("repairs %0d segments %0d acks %0d lost %0d shut %0d jumps %0d want %0d", repairs, segments, acks, lost, shut, jumps, want_rexmits);
        go;
      end
    end
  end
`BENCH_END
`undef SEG
`default_nettype wire
