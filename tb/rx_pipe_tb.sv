// SPDX-License-Identifier: Apache-2.0
// rx_pipe against a model that takes the events in the order in which they enter, one at a time, and has its own contexts and
// table; only the step of a segment is taken from rcv_segment, which has a bench of its own. Random traffic of up to 16 flows:
//   segments back to back for one flow (forwarding) and for several, in order and anywhere, FIN, RST, SYN; unknown and near
//   tuples and frames of the slow classes under an open flow's tuple (slow path); open, refused open, release also of a
//   refused open, reopening; read events and the window update rule; delayed ACKs whose deadlines pass while segments come back
//   to back or both outputs are held; SACK blocks and time stamps; both outputs held now and then. Time crosses 2^32 us.
// What enters from inside, a timer's event, is seen at the read port in L1. Checked: each event's step two cycles after its entry
// (class, ACK bits, D-SACK, wake-up, mirror, token done), verdicts and dd_incoming field by field and in order, the read ports of
// the other stores, one event a cycle while nothing is held, no deadline passed for long, and none behind timer_us_o when idle.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(rx_pipe_tb)
  localparam int Ring = 4096;
  localparam int Last = 18000;
  localparam logic [127:0] Key = 128'h93a1_55c0_7e2f_d846_1b9c_e307_6a4d_f218;

  logic rst_n = 1'b0, busy, idle, desc_valid = 0, desc_ready, read_valid = 0, read_ready, tok_valid = 0, tok_ready, tok_done;
  logic rd_en, ack_valid, ack_bit, ack_now, ack_init, wake, mirror_we, verdict_valid, verdict_ready = 0, dd_valid, dd_ready = 0;
  logic stat_valid, timer_valid;
  logic [63:0] now = 64'h0000_0000_ff80_0000, timer_us, now_e = 0;
  logic [nic_pkg::RxDescW-1:0] desc_bits = '0;
  logic [nic_pkg::HostCmdW-1:0] cmd_bits = '0;
  logic [nic_pkg::SndMirrorW-1:0] snd_bits = '0;
  logic [nic_pkg::SentMirrorW-1:0] sent_bits = '0;
  logic [nic_pkg::RcvCtxW-1:0] ref_bits;
  logic [31:0] consumed_q = 0;
  logic [11:0] read_flow = 0, ack_flow;
  logic [3:0] rd_flow, mirror_flow, stat_class;
  logic [13:0] stat_bytes;
  rx_desc_t desc, seg, d;
  host_cmd_t cmd, k;
  snd_mirror_t snd_mirror;
  sent_mirror_t sent_mirror;
  rcv_mirror_t mirror;
  rx_verdict_t verdict, v, wv;
  dd_segment_t dd, wd;
  dsack_t dup;
  assign desc = desc_bits;
  assign cmd = cmd_bits;
  assign snd_mirror = snd_bits;
  assign sent_mirror = sent_bits;

  rx_pipe #(.NumFlows(16), .RxBufBytes(Ring)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .key_i(Key), .busy_o(busy), .now_us_i(now), .idle_o(idle), .timer_valid_o(timer_valid),
      .timer_us_o(timer_us), .desc_valid_i(desc_valid),
      .desc_ready_o(desc_ready), .desc_i(desc), .read_valid_i(read_valid), .read_ready_o(read_ready),
      .read_flow_i(read_flow), .tok_valid_i(tok_valid), .tok_ready_o(tok_ready), .tok_cmd_i(cmd), .tok_done_o(tok_done),
      .rd_en_o(rd_en), .rd_flow_o(rd_flow), .snd_mirror_i(snd_mirror), .sent_mirror_i(sent_mirror),
      .consumed_i(consumed_q), .ack_valid_o(ack_valid), .ack_flow_o(ack_flow), .ack_bit_o(ack_bit), .ack_now_o(ack_now),
      .ack_init_o(ack_init), .dsack_o(dup), .wake_o(wake), .mirror_we_o(mirror_we), .mirror_flow_o(mirror_flow), .mirror_o(mirror),
      .verdict_valid_o(verdict_valid), .verdict_ready_i(verdict_ready), .verdict_o(verdict), .dd_valid_o(dd_valid),
      .dd_ready_i(dd_ready), .dd_o(dd), .stat_valid_o(stat_valid), .stat_class_o(stat_class), .stat_bytes_o(stat_bytes));

  // --- the model's state ----------------------------------------------------------------------------------------------
  logic [nic_pkg::RcvCtxW-1:0] ctxm [0:15];
  logic [95:0] tuple [0:15];              // as in the flow's open
  logic [15:0] in_table = '0;             // as of the events entered
  logic [15:0] life = '0;                 // opened (or refused) and not released, host's view
  logic [15:0] started = '0;              // its open has passed
  logic [15:0] shut = '0;                 // its open was refused
  int shut_reads = 0;
  logic [31:0] una [0:15];
  logic [31:0] max [0:15];
  logic [31:0] consumed [0:15];
  logic [31:0] told [0:15];               // window edge the peer was last told
  logic [31:0] gen [0:15];                // where the next segment of the flow starts if all was taken
  // Events under way, by number.
  logic [2:0] e_kind [0:7];
  logic [3:0] e_flow [0:7];
  logic e_hit [0:7];                      // in the table (open: was accepted)
  logic [nic_pkg::RxDescW-1:0] e_desc [0:7];
  int n = 0;
  logic v1 = 0, v2 = 0, p1 = 0;           // an event in L1, in E; in L1 from a port
  logic [2:0] ip = 0, i1 = 0, i2 = 0;
  // Expected outputs.
  logic [nic_pkg::RxVerdictW-1:0] vq [0:63];
  logic [nic_pkg::DdSegmentW-1:0] dq [0:63];
  logic [nic_pkg::RxVerdictW-1:0] v_bits;
  logic [nic_pkg::DdSegmentW-1:0] d_bits;
  int v_put = 0;
  int v_got = 0;
  int d_put = 0;
  int d_got = 0;

  // The reference step of the event that retires now.
  rcv_ctx_t rc, rn, c;
  logic [3:0] r_class;
  logic [13:0] r_lo, r_hi;
  logic r_tell, r_reset, r_ack, r_now, r_fwd, r_wv, r_ts;
  logic [31:0] r_wnd;
  dsack_t r_dup;
  logic [nic_pkg::RxDescW-1:0] seg_bits;
  assign ref_bits = ctxm[e_flow[i2]];
  assign rc = ref_bits;
  assign seg_bits = e_desc[i2];
  assign seg = seg_bits;
  rcv_segment u_ref (
      .en_i(1'b1),
      .ctx_i(rc), .seg_i(seg), .snd_i(snd_mirror), .sent_i(sent_mirror), .now_us_i(now_e), .ctx_o(rn), .class_o(r_class), .lo_o(r_lo),
      .hi_o(r_hi), .tell_o(r_tell), .reset_o(r_reset), .ack_o(r_ack), .ack_now_o(r_now), .dup_o(r_dup), .fwd_o(r_fwd),
      .wnd_vld_o(r_wv), .wnd_o(r_wnd), .ts_vld_o(r_ts));

  logic [63:0] r = 64'h600d_5eed_1234_5678;
  logic [63:0] s = 64'h0dd5_eed1_8765_4321;
  logic [63:0] t = 64'h7777_eed1_8765_4321;
  logic [63:0] u = 64'h9999_eed1_8765_4321;
  int cycle = 0;
  int entered = 0;
  int same = 0;
  int updates = 0;
  int quiet_reads = 0;
  int slows = 0;
  int refused = 0;
  int accepted = 0, kept = 0, echoes = 0, blocks = 0;
  int lives = 0;
  logic [31:0] open_end, gained, seen_wnd, room;
  logic want_bit, tok_wait = 0, held;
  logic [3:0] f, last_flow = 0;
  logic [nic_pkg::RcvCtxW-1:0] v_ctx;
  logic [95:0] tu;
  logic [15:0] classes = '0;
  int fast = 0, missed = 0, timeouts = 0, timer_acks = 0, moot = 0, busy_fires = 0, held_fires = 0, dups = 0;
  int waits [0:15];
  logic [31:0] acked [0:15];              // RCV.NXT as the peer was last told

  initial for (int i = 0; i < 16; i++) begin
    ctxm[i] = '0;
    tuple[i] = '0;
    una[i] = 0;
    max[i] = 0;
    consumed[i] = 0;
    told[i] = 0;
    gen[i] = 0;
    acked[i] = 0;
    waits[i] = 0;
  end

  task automatic enter(input logic [2:0] kind, input logic [3:0] flow, input logic hit);
    e_kind[n % 8] = kind;
    e_flow[n % 8] = flow;
    e_hit[n % 8] = hit;
    e_desc[n % 8] = desc_bits;
    p1 <= 1'b1;
    ip <= 3'(n);
    n = n + 1;
  endtask

  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(rnd64(s));
    t <= rnd64(rnd64(rnd64(t)));
    u <= rnd64(u);
    cycle <= cycle + 1;
    now <= now + 64'(r[53:44]);
    rst_n <= cycle > 1;
    if (rst_n && cycle > 4) begin
      // --- outputs -----------------------------------------------------------------------------------------------------
      if (verdict_valid && verdict_ready) begin
        `CHECK(v_got < v_put, "a verdict without an event")
        v_bits = vq[v_got % 64];
        wv = v_bits;
        `CHECK(verdict.kind === wv.kind && verdict.beats === wv.beats && verdict.tell === wv.tell, "verdict: kind, beats, tell")
        if (wv.kind != VerdictSlow) begin `CHECK(verdict.flow === wv.flow, "verdict: flow") end
        if (wv.kind == VerdictRing) begin `CHECK(verdict.base === wv.base && verdict.lo === wv.lo && verdict.hi === wv.hi, "verdict: range") end
        if (wv.kind == VerdictSlow) begin `CHECK(verdict.frame_len === wv.frame_len, "verdict: length") end
        if (wv.kind == VerdictFence) begin `CHECK(verdict.ok === wv.ok, "verdict: ok") end
        if (wv.tell) begin
          `CHECK(verdict.rx_released === wv.rx_released, "verdict: released")
          if (!wv.rx_released) begin
            `CHECK(verdict.ready === wv.ready && verdict.peer_closed === wv.peer_closed && verdict.rx_reset === wv.rx_reset
                   && verdict.ts_recent === wv.ts_recent, "verdict: status")
          end
        end
        v_got = v_got + 1;
      end
      if (dd_valid && dd_ready) begin
        `CHECK(d_got < d_put, "dd_incoming without an event")
        d_bits = dq[d_got % 64];
        wd = d_bits;
        `CHECK(dd.kind === wd.kind && dd.flow === wd.flow, "dd_incoming: kind, flow")
        if (wd.kind == DdAck) begin
          `CHECK(dd.ack === wd.ack && dd.wnd_vld === wd.wnd_vld && dd.no_data === wd.no_data, "dd_incoming: ack")
          if (wd.wnd_vld) begin `CHECK(dd.wnd === wd.wnd, "dd_incoming: window") end
          `CHECK(dd.ts_vld === wd.ts_vld && dd.tsecr === wd.tsecr, "dd_incoming: echo")
          `CHECK({dd.n_sack, dd.sack0_start, dd.sack0_end, dd.sack1_start, dd.sack1_end}
                 === {wd.n_sack, wd.sack0_start, wd.sack0_end, wd.sack1_start, wd.sack1_end}, "dd_incoming: SACK blocks")
          `CHECK({dd.sack2_start, dd.sack2_end, dd.sack3_start, dd.sack3_end}
                 === {wd.sack2_start, wd.sack2_end, wd.sack3_start, wd.sack3_end}, "dd_incoming: more SACK blocks")
          echoes = echoes + 32'(dd.ts_vld);
          blocks = blocks + 32'(dd.n_sack != '0);
        end else begin
          `CHECK(dd.n_sack === 3'd0 && !dd.ts_vld, "dd_incoming: an end has nothing else")
        end
        d_got = d_got + 1;
      end

      // --- L1: the read ports ------------------------------------------------------------------------------------------
      i1 = ip;
      `CHECK(!p1 || rd_en, "read enable")
      if (p1 && (e_kind[i1] != RevSegment || e_hit[i1])) begin `CHECK(rd_flow === e_flow[i1], "read flow") end
      v1 = p1;
      if (rd_en && !p1) begin                                                 // nothing entered by a port: a timer's
        e_kind[n % 8] = RevTimeout;
        e_flow[n % 8] = rd_flow;
        e_hit[n % 8] = 1'b1;
        i1 = 3'(n);
        v1 = 1'b1;
        n = n + 1;
      end
      if (rd_en) begin
        snd_bits <= {una[rd_flow], max[rd_flow]};
        sent_bits <= {acked[rd_flow], told[rd_flow]};
        consumed_q <= consumed[rd_flow];
        now_e <= now;
      end
      // A segment was ready, and nothing was in its way: then it was a timer's turn.
      if (missed == 1) begin
        `CHECK(v1 && e_kind[i1] == RevTimeout, "one event a cycle when nothing is held")
        busy_fires = busy_fires + 1;
      end
      missed = 0;

      // --- E: the step -------------------------------------------------------------------------------------------------
      `CHECK(stat_valid === v2, "each event once, two cycles after its entry")
      if (v2) begin
        f = e_flow[i2];
        c = rc;
        wv = '0;
        wd = '0;
        wv.flow = 12'(f);
        wd.flow = 12'(f);
        want_bit = 1'b0;
        case (e_kind[i2])
          RevSegment: begin
            if (e_hit[i2]) begin
              `CHECK(stat_class === r_class && stat_bytes === r_hi - r_lo, "class, bytes")
              classes[r_class] = 1'b1;
              c = rn;
              want_bit = r_ack || r_now;
              `CHECK(ack_now === r_now, "immediate ACK")
              if (r_lo != r_hi) wv.kind = VerdictRing;
              wv.tell = r_tell;
              if (r_lo != r_hi && !r_tell) kept = kept + 1;
              `CHECK(dup === r_dup, "D-SACK")
              dups = dups + 32'(r_dup.vld);
              wv.rx_reset = r_reset;
              if (r_class == RcvAccept) accepted = accepted + 1;
              if (r_fwd) begin
                wd.kind = r_reset ? DdReset : DdAck;
                wd.ack = seg.ack;
                wd.wnd = r_wnd;
                wd.wnd_vld = r_wv;
                wd.no_data = seg.pay_len == 0;
                wd.ts_vld = r_ts;
                if (r_ts) wd.tsecr = seg.tsecr;
                if (!r_reset) begin
                  wd.n_sack = seg.n_sack;
                  {wd.sack0_start, wd.sack0_end, wd.sack1_start, wd.sack1_end} = {seg.sack0_start, seg.sack0_end, seg.sack1_start, seg.sack1_end};
                  {wd.sack2_start, wd.sack2_end, wd.sack3_start, wd.sack3_end} = {seg.sack2_start, seg.sack2_end, seg.sack3_start, seg.sack3_end};
                end
                dq[d_put % 64] = wd;
                d_put = d_put + 1;
              end
            end else begin
              `CHECK(stat_class === RcvNoFlow && stat_bytes === 14'd0, "no flow")
              wv.kind = VerdictSlow;
              slows = slows + 1;
            end
            wv.base = seg.seq - 32'(seg.pay_off);
            wv.lo = r_lo;
            wv.hi = r_hi;
            wv.beats = seg.beats;
            wv.frame_len = seg.frame_len;
          end
          RevRead: begin
            open_end = consumed_q + Ring;
            gained = open_end - sent_mirror.wnd_end;
            seen_wnd = sent_mirror.wnd_end - c.nxt;
            // RFC 9293 section 3.8.6.2.2, as the module words it: half the ring, or a segment for a peer that sees less
            // than two; after its FIN the peer sends nothing, and may answer with RST.
            want_bit = c.open && !c.fin_done && (int'(gained) >= Ring / 2
                                  || (int'(gained) >= int'(c.mss) && int'(seen_wnd) < 2 * int'(c.mss)));
            c.wnd_end = open_end;
            if (want_bit) updates = updates + 1;
            else quiet_reads = quiet_reads + 1;
            `CHECK(ack_now === 1'b0, "a window update may merge")
          end
          RevTimeout: begin
            // RFC 1122 section 4.2.3.2: what no header has acknowledged meanwhile.
            want_bit = 1'b0;
            if (c.open && c.delack_vld && c.delack_us <= now_e) begin
              want_bit = c.nxt != sent_mirror.ack;
              c.delack_vld = 1'b0;
              timeouts = timeouts + 1;
              held_fires = held_fires + 32'(verdict_valid && !verdict_ready);
              timer_acks = timer_acks + 32'(want_bit);
            end else moot = moot + 1;
            `CHECK(ack_now === 1'b0, "a delayed ACK may merge")
          end
          RevOpen: begin
            k = cmd_bits;
            c = '0;
            c.open = e_hit[i2];
            c.nxt = k.rcv_nxt;
            c.wnd_end = k.rcv_nxt + Ring;
            c.wl1 = k.rcv_nxt;
            c.ack_fwd = k.snd_nxt;
            c.wnd_fwd = k.snd_wnd;
            c.mss = k.rcv_mss;
            c.snd_wscale = k.snd_wscale;
            c.rcv_wscale = k.rcv_wscale;
            c.ts_ok = k.ts_ok;
            c.sack_ok = k.sack_ok;
            c.ts_recent = k.ts_recent;
            c.ts_age = now_e[51:20];
            wv.kind = VerdictFence;
            wv.tell = 1'b1;
            wv.ok = e_hit[i2];
          end
          default: begin
            c.open = 1'b0;
            c.delack_vld = 1'b0;
            wv.tell = 1'b1;
            wv.rx_released = 1'b1;
            wd.kind = DdRelease;
            dq[d_put % 64] = wd;
            d_put = d_put + 1;
          end
        endcase
        wv.ready = c.nxt - 32'(c.fin_done);
        wv.peer_closed = c.fin_done;
        wv.ts_recent = c.ts_recent;
        if (e_kind[i2] != RevRead && e_kind[i2] != RevTimeout) begin
          vq[v_put % 64] = wv;
          v_put = v_put + 1;
        end
        if (e_kind[i2] != RevSegment) begin `CHECK(stat_class === RcvToken && !dup.vld, "token") end
        `CHECK(ack_bit === want_bit && wake === want_bit, "ACK bit and wake-up")
        `CHECK(ack_init === (e_kind[i2] == RevOpen), "ACK bits of a new flow are cleared")
        `CHECK(ack_valid === (want_bit || e_kind[i2] == RevOpen), "ACK port")
        if (ack_valid) begin `CHECK(ack_flow === 12'(f), "ACK flow") end
        `CHECK(tok_done === (e_kind[i2] == RevOpen || e_kind[i2] == RevRelease), "token done")
        `CHECK(mirror_we === (e_kind[i2] != RevSegment || e_hit[i2]), "mirror")
        if (mirror_we) begin
          `CHECK(mirror_flow === f && mirror.nxt === c.nxt && mirror.wnd_end === c.wnd_end && mirror.wscale === c.rcv_wscale, "mirror data")
          `CHECK(mirror.mss === c.mss && mirror.ts_ok === c.ts_ok && mirror.sack_ok === c.sack_ok && mirror.ts_recent === c.ts_recent, "mirror: options")
          `CHECK(mirror.ooo_n === c.ooo_n && {mirror.ooo0_start, mirror.ooo0_end, mirror.ooo1_start, mirror.ooo1_end}
                 === {c.ooo0_start, c.ooo0_end, c.ooo1_start, c.ooo1_end}, "mirror: intervals")
          `CHECK({mirror.ooo2_start, mirror.ooo2_end, mirror.ooo3_start, mirror.ooo3_end}
                 === {c.ooo2_start, c.ooo2_end, c.ooo3_start, c.ooo3_end}, "mirror: older intervals")
          `CHECK(u_dut.ctx_next === c, "next context")                       // also what nobody else is shown
          ctxm[f] = c;
        end
        if (e_kind[i2] == RevOpen) begin
          consumed[f] = c.nxt;
          told[f] = c.wnd_end;
          acked[f] = c.nxt;
          gen[f] = c.nxt;
          una[f] = c.ack_fwd;
          max[f] = c.ack_fwd;
          started[f] = e_hit[i2];
          lives = lives + 1;
          shut[f] = !e_hit[i2];
          if (!e_hit[i2]) refused = refused + 1;
        end
        if (e_kind[i2] == RevRelease) life[f] = 1'b0;
        if (tok_done) tok_wait = 1'b0;
      end else begin
        `CHECK(!ack_valid && !ack_bit && !ack_now && !ack_init && !wake && !mirror_we && !tok_done, "nothing without an event")
      end

      // --- L0: what enters now -----------------------------------------------------------------------------------------
      // Deadlines: not passed for long, and none behind what is told.
      for (int i = 0; i < 16; i++) begin
        v_ctx = ctxm[i];
        c = v_ctx;
        waits[i] = (c.delack_vld && c.delack_us <= now) ? waits[i] + 1 : 0;
        if (waits[i] == 200) begin `CHECK(1'b0, "a deadline has passed and nothing comes") end
        if (idle && c.delack_vld) begin `CHECK(timer_valid && timer_us <= c.delack_us && c.delack_us > now, "next deadline") end
      end
      v2 <= v1;
      i2 <= i1;
      p1 <= 1'b0;
      `CHECK(32'(tok_valid && tok_ready) + 32'(read_valid && read_ready) + 32'(desc_valid && desc_ready) < 32'd2, "one event a cycle")
      if (tok_valid && tok_ready) begin
        k = cmd_bits;
        tu = {k.remote_ip, k.local_ip, k.remote_port, k.local_port};
        f = k.flow[3:0];
        held = 1'b0;
        for (int i = 0; i < 16; i++) if (in_table[i] && tuple[i] == tu) held = 1'b1;
        if (k.kind == CmdOpen) begin
          enter(RevOpen, f, !held);
          in_table[f] = !held;
          tuple[f] = tu;
        end else begin
          enter(RevRelease, f, 1'b0);
          in_table[f] = 1'b0;
          started[f] = 1'b0;
          shut[f] = 1'b0;
        end
        tok_valid <= 1'b0;
      end
      if (read_valid && read_ready) begin
        enter(RevRead, read_flow[3:0], 1'b0);
        read_valid <= 1'b0;
      end
      if (desc_valid && desc_ready) begin
        tu = {desc.remote_ip, desc.local_ip, desc.remote_port, desc.local_port};
        held = 1'b0;
        f = '0;
        for (int i = 0; i < 16; i++) if (in_table[i] && tuple[i] == tu) begin held = 1'b1; f = 4'(i); end
        held = held && desc.class_id == RxLookup;
        if (held && v1 && e_hit[i1] && e_flow[i1] == f) same = same + 1;
        enter(RevSegment, f, held);
        entered = entered + 1;
      end
      if (desc_valid && verdict_ready && dd_ready && !tok_valid && !read_valid) fast = fast + 1;
      else fast = 0;
      if (fast > 20 && !desc_ready) missed = 1;

      // --- the next inputs ---------------------------------------------------------------------------------------------
      // Others move on: what was sent and acknowledged, what the peer was told.
      if (t[1:0] == 2'd0) max[t[5:2]] = max[t[5:2]] + 32'(t[14:6]);
      if (t[16:15] == 2'd0) una[t[5:2]] = max[t[5:2]] - 32'(t[20:17]) % (max[t[5:2]] - una[t[5:2]] + 1);
      if (t[22:21] == 2'd0 && t[60:59] == 2'd0) begin
        v_bits = '0;
        c = ctxm[t[26:23]];
        told[t[26:23]] = c.wnd_end;
        acked[t[26:23]] = c.nxt;
      end
      if (u[2:0] == 3'd0) begin                                               // a header without news of the window
        v_ctx = ctxm[u[6:3]];
        c = v_ctx;
        acked[u[6:3]] = c.nxt;
      end

      if ((!desc_valid || desc_ready) && cycle < Last - 200) begin
        desc_valid <= !busy && ((cycle[10:9] == 2'd1) ? 1'b1 : r[1:0] != 2'd0);
        f = (r[4:2] != 3'd0) ? last_flow : r[8:5];                            // runs of one flow
        if (!started[f]) f = r[12:9];
        last_flow = f;
        c = ctxm[f];
        if (s[3:0] == 4'd0) gen[f] = c.nxt;
        d = '0;
        d.class_id = (r[16:13] == 4'd0) ? 5'd1 + 5'(r[18:17]) : RxLookup;
        tu = tuple[f];
        if (r[23:19] == 5'd0) tu = tu ^ (96'd1 << (r[30:24] % 7'd96));
        {d.remote_ip, d.local_ip, d.remote_port, d.local_port} = tu;
        d.pay_len = (s[5:4] == 2'd0) ? 14'd0 : (s[6]) ? 14'(s[16:7]) : 14'(s[11:7]);
        d.pay_off = 7'd54 + {s[19:17], 2'b00};
        d.frame_len = 14'(d.pay_off) + d.pay_len;
        d.beats = 11'd1 + 11'(d.frame_len >> 6);
        d.flags = {s[25:20] != 6'd0, s[26], r[63:58] == 6'd0, s[37:32] == 6'd0, s[43:38] == 6'd0};
        if (f[0] && u[12:10] != 3'd0) d.flags = d.flags & 5'b11010;           // half of the flows live long, mostly in order
        d.has_ts = s[63:62] != 2'd0;
        d.tsval = c.ts_recent + 32'(t[3:0]) - 32'd2;
        d.tsecr = r[47:16];
        d.n_sack = (t[7:4] == 4'd0) ? t[10:8] % 3'd5 : 3'd0;
        {d.sack0_start, d.sack0_end, d.sack1_start, d.sack1_end} = {r, s};
        {d.sack2_start, d.sack2_end, d.sack3_start, d.sack3_end} = {t, r ^ s};
        d.seq = gen[f];
        if (!f[0] || u[8:6] == 3'd0) begin
          if (s[31:29] == 3'd0) d.seq = c.nxt - 32'(s[47:44]);
          if (s[31:29] == 3'd1) d.seq = gen[f] + 32'(s[47:44]);
          if (s[31:29] == 3'd2) d.seq = c.nxt + 32'(s[50:41]);
          if (s[31:27] == 5'd8) d.seq = c.wnd_end - 32'(s[47:44]);
        end
        gen[f] = d.seq + 32'(d.pay_len);
        d.ack = max[f] - 32'(s[51:48]);
        d.wnd = (s[52]) ? 16'd8000 : {8'd0, s[60:53]};
        desc_bits <= d;
      end else if (desc_ready) desc_valid <= 1'b0;

      if (!read_valid && !tok_wait && shut != '0 && t[57:53] == 5'd0) begin     // reads of a refused flow owe nobody an ACK
        for (int i = 0; i < 16; i++) if (shut[i]) f = 4'(i);
        consumed[f] = consumed[f] + 32'd3000;
        shut_reads = shut_reads + 1;
        read_valid <= 1'b1;
        read_flow <= 12'(f);
      end else if (!read_valid && !tok_wait) begin
        f = t[30:27];
        c = ctxm[f];
        room = c.nxt - 32'(c.fin_done) - consumed[f];
        if (started[f] && room != 0 && cycle[10:9] != 2'd1 && t[31]) begin
          consumed[f] = consumed[f] + ((t[32]) ? room : 1 + 32'(t[44:33]) % room);
          read_valid <= 1'b1;
          read_flow <= 12'(f);
        end
      end

      if (!tok_wait && !tok_valid && !busy && t[48:45] == 4'd0 && cycle < Last - 200 && (cycle[10:9] != 2'd1 || t[55:52] == 4'd0)) begin
        f = t[52:49];
        k = '0;
        k.flow = 12'(f);
        tu = {r ^ t, s[63:32]};
        if (!life[f]) begin
          k.kind = CmdOpen;
          if (s[63:61] == 3'd0) for (int i = 0; i < 16; i++) if (in_table[i]) tu = tuple[i];
          {k.remote_ip, k.local_ip, k.remote_port, k.local_port} = tu;
          k.rcv_nxt = (t[53]) ? 32'hffff_ffff - 32'(t[63:54]) : r[31:0];
          k.snd_nxt = (t[54]) ? 32'hffff_ffff - 32'(t[63:56]) : r[40:9];
          k.snd_wnd = 32'd8000;
          k.mss = 16'd1460;
          k.rcv_mss = (t[55]) ? 16'd1460 : 16'd536;
          k.snd_wscale = t[59:56];
          k.rcv_wscale = t[63:60];
          k.ts_ok = (t[51:50] == 2'd0);
          k.sack_ok = t[52];
          k.ts_recent = r[63:32];
          life[f] = 1'b1;
          cmd_bits <= k;
          tok_valid <= 1'b1;
          tok_wait = 1'b1;
        end else if (t[55:54] == 2'd0 && !(read_valid && read_flow[3:0] == f)) begin
          k.kind = CmdRelease;
          {k.remote_ip, k.local_ip, k.remote_port, k.local_port} = tuple[f];
          cmd_bits <= k;
          tok_valid <= 1'b1;
          tok_wait = 1'b1;
        end
      end
      verdict_ready <= (cycle[8:7] == 2'd0) ? r[36:33] == 4'd0 : (cycle[8:7] == 2'd1) ? r[33] : 1'b1;
      dd_ready <= (cycle[11:10] == 2'd2) ? r[40:37] == 4'd0 : (cycle[8:7] != 2'd2) || r[37];
      if (cycle[10:8] == 3'd3) begin verdict_ready <= 1'b1; dd_ready <= 1'b1; end
      if (cycle > Last - 200) begin verdict_ready <= 1'b1; dd_ready <= 1'b1; end
    end
    if (cycle == Last) begin
      `CHECK(idle && v_put == v_got && d_put == d_got && !tok_wait, "all done")
      `CHECK(entered > 3000 && same > 300 && accepted > 500 && slows > 200, "segments were exercised")
      `CHECK(updates > 50 && quiet_reads > 50, "reads were exercised")
      `CHECK(lives > 40 && refused > 3 && shut_reads > 10, "tokens were exercised")
      `CHECK((classes & 16'hefdb) === 16'hefdb, "classes were reached")
      `CHECK(moot < 20, "a deadline that is gone fires no more")
      `CHECK(timeouts > 60 && timer_acks > 25 && busy_fires > 2 && held_fires > 3 && kept > 200 && dups > 200 && echoes > 50 && blocks > 20, "timers, intervals and D-SACK were exercised")
      if (errors_o != 0) $display("timeouts %0d acks %0d moot %0d busy %0d held %0d kept %0d dups %0d classes %h", timeouts, timer_acks, moot, busy_fires, held_fires, kept, dups, classes);
      done_o <= 1'b1;
    end
  end
`BENCH_END
`default_nettype wire
