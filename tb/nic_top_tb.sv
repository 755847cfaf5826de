// SPDX-License-Identifier: Apache-2.0
// The whole NIC (512 bits, 16 flows, rings of 4 KiB in ring_mem) through two lives of a flow, as wire and host see it.
//   Receive: in order, duplicate, overlap, wrong checksum, out of order twice, across 2^32; consume; window update.
//   Send: segments across 2^32, partial ACK, retransmission on time-out, ACK of all; FIN both ways; release.
//   Re-open of the same id with another tuple; reset by the peer; abort; unknown tuple and ARP to the slow path; frames from
//   it out; the slow path is held up until the frame FIFO is full. quiescent_o between the steps and at the end; counters.
// Payload is a function of its sequence number. Every frame out is checked byte-wise, checksums included.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
`BENCH(nic_top_tb)
  localparam logic [47:0] OurMac = 48'h02_00_00_00_00_02, PeerMac = 48'h02_00_00_00_00_01;
  localparam logic [31:0] OurIp = 32'h0a00_0002, PeerIp = 32'h0a00_0001;
  localparam logic [31:0] R0 = 32'hffff_fe00, S0 = 32'hffff_fc00;     // first life
  localparam logic [31:0] R1 = 32'h7fff_fff0, S1 = 32'hffff_fff8;     // second
  localparam int AddrW = 4 + 12 - 6 - 1;
  localparam logic [4:0] Ack = 5'h10, AckPsh = 5'h18, AckFin = 5'h11, AckRst = 5'h14;

  logic rst_n = 1'b0;
  logic [63:0] now = 64'hffff_0000, next_us;
  logic next_valid, quiescent;
  logic rx_valid = 1'b0, rx_last = 1'b0, tx_valid, tx_ready = 1'b0, tx_last;
  logic [511:0] rx_data = 0, tx_data, slow_data, slow_in_data = 0, pin_data = 0, pout_data;
  logic [6:0] rx_nbytes = 0, tx_nbytes, slow_nbytes, slow_in_nbytes = 0, pin_nbytes = 0, pout_nbytes;
  logic slow_valid, slow_ready = 1'b1, slow_last, slow_fence, slow_ok, slow_in_valid = 1'b0, slow_in_ready, slow_in_last = 1'b0;
  logic cmd_valid = 1'b0, cmd_ready, pin_valid = 1'b0, pin_ready, pin_last = 1'b0, pout_valid, pout_ready = 1'b0, pout_last;
  logic event_valid, event_ready = 1'b0;
  logic [11:0] slow_flow, pin_flow = 0, pout_flow;
  host_cmd_t cmd, cv;
  host_event_t ev;
  logic [5:0] cnt_addr = 0;
  logic [63:0] cnt;
  logic rxw_we, rxr_re, txw_we, txr_re;
  logic [AddrW-1:0] rxw0, rxw1, rxr0, rxr1, txw0, txw1, txr0, txr1;
  logic [63:0] rxb0, rxb1, txb0, txb1;
  logic [511:0] rxwd, rxd0, rxd1, txwd, txd0, txd1;

  nic_top #(.DataW(512), .NumFlows(16), .TxBufBytes(4096), .RxBufBytes(4096)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .mac_i(OurMac), .max_frame_i(14'd1514),
      .hash_key_i(128'h0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978), .now_us_i(now), .next_valid_o(next_valid),
      .next_us_o(next_us), .quiescent_o(quiescent), .rx_valid_i(rx_valid), .rx_data_i(rx_data), .rx_nbytes_i(rx_nbytes),
      .rx_last_i(rx_last), .tx_valid_o(tx_valid), .tx_ready_i(tx_ready), .tx_data_o(tx_data), .tx_nbytes_o(tx_nbytes),
      .tx_last_o(tx_last), .slow_valid_o(slow_valid), .slow_ready_i(slow_ready), .slow_data_o(slow_data),
      .slow_nbytes_o(slow_nbytes), .slow_last_o(slow_last), .slow_fence_o(slow_fence), .slow_flow_o(slow_flow),
      .slow_ok_o(slow_ok), .slow_valid_i(slow_in_valid), .slow_ready_o(slow_in_ready), .slow_data_i(slow_in_data),
      .slow_nbytes_i(slow_in_nbytes), .slow_last_i(slow_in_last), .cmd_valid_i(cmd_valid), .cmd_ready_o(cmd_ready),
      .cmd_i(cmd), .pin_valid_i(pin_valid), .pin_ready_o(pin_ready), .pin_flow_i(pin_flow), .pin_data_i(pin_data),
      .pin_nbytes_i(pin_nbytes), .pin_last_i(pin_last), .pout_valid_o(pout_valid), .pout_ready_i(pout_ready),
      .pout_flow_o(pout_flow), .pout_data_o(pout_data), .pout_nbytes_o(pout_nbytes), .pout_last_o(pout_last),
      .event_valid_o(event_valid), .event_ready_i(event_ready), .event_o(ev), .cnt_addr_i(cnt_addr), .cnt_data_o(cnt),
      .rxm_we_o(rxw_we), .rxm_waddr0_o(rxw0), .rxm_waddr1_o(rxw1), .rxm_wbe0_o(rxb0), .rxm_wbe1_o(rxb1),
      .rxm_wdata_o(rxwd), .rxm_re_o(rxr_re), .rxm_raddr0_o(rxr0), .rxm_raddr1_o(rxr1), .rxm_rdata0_i(rxd0),
      .rxm_rdata1_i(rxd1), .txm_we_o(txw_we), .txm_waddr0_o(txw0), .txm_waddr1_o(txw1), .txm_wbe0_o(txb0),
      .txm_wbe1_o(txb1), .txm_wdata_o(txwd), .txm_re_o(txr_re), .txm_raddr0_o(txr0), .txm_raddr1_o(txr1),
      .txm_rdata0_i(txd0), .txm_rdata1_i(txd1));
  ring_mem #(.DataW(512), .AddrW(AddrW)) u_rx (
      .clk_i(clk_i), .we_i(rxw_we), .waddr0_i(rxw0), .waddr1_i(rxw1), .wbe0_i(rxb0), .wbe1_i(rxb1), .wdata_i(rxwd),
      .re_i(rxr_re), .raddr0_i(rxr0), .raddr1_i(rxr1), .rdata0_o(rxd0), .rdata1_o(rxd1));
  ring_mem #(.DataW(512), .AddrW(AddrW)) u_tx (
      .clk_i(clk_i), .we_i(txw_we), .waddr0_i(txw0), .waddr1_i(txw1), .wbe0_i(txb0), .wbe1_i(txb1), .wdata_i(txwd),
      .re_i(txr_re), .raddr0_i(txr0), .raddr1_i(txr1), .rdata0_o(txd0), .rdata1_o(txd1));

  // The byte that has this sequence number: the peer's, ours.
  function automatic logic [7:0] peer_byte(input logic [31:0] s);
    peer_byte = s[7:0] * 8'd37 + s[15:8] * 8'd11 + 8'd3;
  endfunction
  function automatic logic [7:0] our_byte(input logic [31:0] s);
    our_byte = s[7:0] * 8'd53 + s[15:8] * 8'd17 + 8'd9;
  endfunction

  // --- wire in: one frame, as bytes -----------------------------------------------------------------------------------
  logic [7:0] frame [0:2047];
  int frame_len = 0, frame_pos = 0;
  int alter = 0;                                  // so many first bytes of the payload differ from what was sent before
  logic sending = 1'b0;
  int again = 0;                                  // so many times more

  // Header words are big endian.
  task automatic put(input int at, input int bytes, input logic [47:0] x);
    for (int i = 0; i < bytes; i++) frame[at + i] = x[8*(bytes - 1 - i) +: 8];
  endtask
  // A segment from the peer: payload by sequence number, checksums right; `spoil` breaks the TCP checksum.
  task automatic segment(input logic [15:0] port, input logic [31:0] seq, input logic [31:0] ack, input logic [4:0] flags,
                         input int len, input logic spoil);
    logic [31:0] s;
    put(0, 6, OurMac);
    put(6, 6, PeerMac);
    put(12, 2, 48'h0800);
    put(14, 4, {16'd0, 16'h4500, 16'(40 + len)});
    put(18, 4, {16'd0, 16'(n), 16'h4000});
    put(22, 4, 48'h4006_0000);
    put(26, 4, {16'd0, PeerIp});
    put(30, 4, {16'd0, OurIp});
    put(34, 4, {16'd0, port, 16'd7});
    put(38, 4, {16'd0, seq});
    put(42, 4, {16'd0, ack});
    put(46, 4, {16'd0, 8'h50, 3'd0, flags, 16'd8192});
    put(50, 4, 48'd0);
    for (int i = 0; i < len; i++) frame[54 + i] = peer_byte(seq + 32'(i)) ^ ((i < alter) ? 8'h55 : 8'h00);
    frame[54 + len] = 8'd0;
    s = 0;
    for (int i = 14; i < 34; i = i + 2) s = s + {16'd0, frame[i], frame[i + 1]};
    s = 32'(s[15:0]) + 32'(s[31:16]);
    s = 32'(s[15:0]) + 32'(s[31:16]);
    put(24, 2, {32'd0, ~s[15:0]});
    s = 32'd6 + 32'(20 + len);
    for (int i = 26; i < 54 + len; i = i + 2) s = s + {16'd0, frame[i], frame[i + 1]};
    s = 32'(s[15:0]) + 32'(s[31:16]);
    s = 32'(s[15:0]) + 32'(s[31:16]);
    put(50, 2, {32'd0, ~s[15:0] ^ {15'd0, spoil}});
    frame_len = 54 + len;
    frame_pos = 0;
    sending = 1'b1;
  endtask

  // --- wire out: the last frames, taken apart -------------------------------------------------------------------------
  logic [7:0] o [0:2047];
  int o_len = 0, frames = 0, raw_frames = 0;      // frames: of TCP since the step began
  int all_frames = 0;
  logic [31:0] g_seq [0:15];
  logic [31:0] g_ack [0:15];
  logic [15:0] g_wnd [0:15];
  logic [15:0] g_port [0:15];
  logic [4:0] g_flags [0:15];
  int g_len [0:15];
  logic [31:0] sum, gs;
  int len;

  // --- the host -------------------------------------------------------------------------------------------------------
  int pin_left = 0;
  logic [31:0] pin_seq = 0;
  logic [31:0] pout_seq = 0;                      // of the next byte out
  int pout_bytes = 0, events = 0, fences = 0, slow_frames = 0, slow_pos = 0;
  logic [31:0] e_ready = 0, e_freed = 0;
  logic e_closed = 0, e_reset = 0, e_rx_rel = 1, e_fin = 0, e_timed = 0, e_tx_rel = 1, fence_ok = 0;
  logic [11:0] e_flow = 0, fence_flow = 0;

  logic [63:0] r = 64'hbb67_ae85_84ca_a73b;
  int n = 0, step = 0, since = 0, k = 0;
  logic was_quiet = 1'b0;
  logic [63:0] was_now = 0;

  task automatic go;
    step = step + 1;
    since = 0;
    frames = 0;
    raw_frames = 0;
    events = 0;
    fences = 0;
    slow_frames = 0;
    pout_bytes = 0;
  endtask
  task automatic command(input host_cmd_e kind, input logic [11:0] id, input logic [31:0] l, input logic [15:0] port,
                         input logic [31:0] snd, input logic [31:0] rcv);
    cv = '0;
    cv.kind = kind;
    cv.flow = id;
    cv.len = l;
    cv.local_ip = OurIp;
    cv.remote_ip = PeerIp;
    cv.local_port = 16'd7;
    cv.remote_port = port;
    cv.local_mac = OurMac;
    cv.remote_mac = PeerMac;
    cv.snd_nxt = snd;
    cv.rcv_nxt = rcv;
    cv.snd_wnd = 32'd8192;
    cv.mss = 16'd500;
    cv.nagle_off = 1'b1;
    cv.rcv_mss = 16'd1460;
    cmd <= cv;
    cmd_valid <= 1'b1;
  endtask

  `define FRAME(i, s, a, w, f, l, msg) \
    `CHECK(g_seq[i] === s && g_ack[i] === a && g_wnd[i] === 16'(w) && g_flags[i] === f && g_len[i] == l, msg)
  `define REST(fr, e, msg) \
    `CHECK(frames == fr && events == e, msg) \
    `CHECK(quiescent && raw_frames == 0, "quiet again")

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    since = since + 1;
    if (n > 4 && !done_o) begin
      // --- quiet is quiet: without an input nothing begins
      if (was_quiet && was_now == now && !rx_valid && !cmd_valid && !pin_valid && !slow_in_valid) begin
        `CHECK(quiescent && !tx_valid && !event_valid && !pout_valid && !slow_valid, "quiescent, but something came")
      end
      was_quiet = quiescent;
      was_now = now;
      // --- frames out
      if (tx_valid && tx_ready) begin
        for (int i = 0; i < 64; i++) if (i < int'(tx_nbytes)) o[o_len + i] = tx_data[8*i +: 8];
        o_len = o_len + int'(tx_nbytes);
        if (tx_last) begin
          if ({o[12], o[13]} !== 16'h0800) raw_frames = raw_frames + 1;
          else begin
            len = int'({o[16], o[17]}) - 40;
            `CHECK(o_len == 54 + len, "length of a frame out")
            `CHECK({o[0], o[1], o[2], o[3], o[4], o[5]} === PeerMac && {o[6], o[7], o[8], o[9], o[10], o[11]} === OurMac, "MACs")
            `CHECK({o[26], o[27], o[28], o[29]} === OurIp && {o[30], o[31], o[32], o[33]} === PeerIp, "addresses")
            `CHECK({o[14], o[15], o[20], o[21], o[22], o[23]} === 48'h4500_4000_4006 && {o[34], o[35]} === 16'd7, "IPv4 header")
            sum = 0;
            for (int i = 14; i < 34; i = i + 2) sum = sum + {16'd0, o[i], o[i + 1]};
            sum = 32'(sum[15:0]) + 32'(sum[31:16]);
            `CHECK(sum === 32'hffff, "IPv4 checksum")
            o[o_len] = 8'd0;
            sum = 32'd6 + 32'(20 + len);
            for (int i = 26; i < o_len; i = i + 2) sum = sum + {16'd0, o[i], o[i + 1]};
            sum = 32'(sum[15:0]) + 32'(sum[31:16]);
            sum = 32'(sum[15:0]) + 32'(sum[31:16]);
            `CHECK(sum === 32'hffff, "TCP checksum")
            gs = {o[38], o[39], o[40], o[41]};
            for (int i = 0; i < len; i++) begin
              if (o[54 + i] !== our_byte(gs + 32'(i))) begin `CHECK(1'b0, "payload byte out") end
            end
            if (frames < 16) begin
              g_seq[frames] = gs;
              g_ack[frames] = {o[42], o[43], o[44], o[45]};
              g_wnd[frames] = {o[48], o[49]};
              g_port[frames] = {o[36], o[37]};
              g_flags[frames] = o[47][4:0];
              g_len[frames] = len;
            end
            frames = frames + 1;
            all_frames = all_frames + 1;
          end
          o_len = 0;
        end
      end
      // --- slow path out: what was sent last, as it was
      if (slow_valid && slow_ready) begin
        if (slow_fence) begin
          fences = fences + 1;
          fence_flow = slow_flow;
          fence_ok = slow_ok;
        end else begin
          for (int i = 0; i < 64; i++) if (i < int'(slow_nbytes)) begin
            if (slow_data[8*i +: 8] !== frame[slow_pos + i]) begin `CHECK(1'b0, "byte to the slow path") end
          end
          slow_pos = slow_pos + int'(slow_nbytes);
          if (slow_last) begin
            `CHECK(slow_pos == frame_len, "length to the slow path")
            slow_frames = slow_frames + 1;
            slow_pos = 0;
          end
        end
      end
      // --- payload out, events
      if (pout_valid && pout_ready) begin
        `CHECK(pout_flow === 12'd3, "payload of the flow")
        for (int i = 0; i < 64; i++) if (i < int'(pout_nbytes)) begin
          if (pout_data[8*i +: 8] !== peer_byte(pout_seq + 32'(i))) begin `CHECK(1'b0, "payload byte to the host") end
        end
        pout_seq = pout_seq + 32'(pout_nbytes);
        pout_bytes = pout_bytes + int'(pout_nbytes);
      end
      if (event_valid && event_ready) begin
        events = events + 1;
        e_flow = ev.flow;
        e_ready = ev.rx_ready;
        e_closed = ev.peer_closed;
        e_reset = ev.rx_reset;
        e_rx_rel = ev.rx_released;
        e_freed = ev.tx_freed;
        e_fin = ev.fin_acked;
        e_timed = ev.timed_out;
        e_tx_rel = ev.tx_released;
      end
      if (cmd_valid && cmd_ready) cmd_valid <= 1'b0;

      // --- the script; a step has 150 cycles
      case (step)
        0: if (since == 100) begin
          `CHECK(quiescent && !next_valid && cmd_ready, "swept and quiet")
          go;
          command(CmdOpen, 12'd3, 0, 16'd40000, S0, R0);
          pout_seq = R0;
        end
        1: if (since == 150) begin
          `CHECK(fences == 1 && fence_flow == 3 && fence_ok, "open comes back as a fence")
          `CHECK(e_flow == 3 && e_ready == R0 && !e_rx_rel, "open: receive levels")
          `CHECK(frames == 0 && quiescent, "open sends nothing")
          go;
          segment(16'd40000, R0, S0, AckPsh, 300, 1'b0);
        end
        2: begin
          if (since == 60) begin
            `REST(0, 1, "in order: one event, no ACK yet")
            `CHECK(next_valid && next_us <= now + 40000, "the delayed ACK's timer is on")
            now <= now + 39900;
          end
          if (since == 100) begin
            `CHECK(frames == 0, "not too early")
            now <= now + 100;
          end
          if (since == 150) begin
            `REST(1, 1, "after 40 ms: one ACK")
            `FRAME(0, S0, R0 + 300, 4096 - 300, Ack, 0, "ACK of 300 bytes")
            `CHECK(e_ready == R0 + 300 && g_port[0] == 40000, "ready")
            go;
            alter = 300;
            segment(16'd40000, R0, S0, AckPsh, 300, 1'b0);
          end
        end
        3: if (since == 150) begin
          `REST(1, 0, "duplicate: an ACK, no event")
          `FRAME(0, S0, R0 + 300, 4096 - 300, Ack, 0, "ACK again")
          go;
          alter = 100;
          segment(16'd40000, R0 + 200, S0, AckPsh, 200, 1'b0);
          alter = 0;
        end
        4: begin
          if (since == 80) now <= now + 40000;                         // the delayed ACK
          if (since == 150) begin
            `REST(1, 1, "overlap")
            `FRAME(0, S0, R0 + 400, 4096 - 400, Ack, 0, "overlap: only what is new")
            `CHECK(e_ready == R0 + 400, "overlap: ready")
            go;
            segment(16'd40000, R0 + 400, S0, AckPsh, 101, 1'b1);
            cnt_addr <= 6'(RxDropTcpCsum);
          end
        end
        5: if (since == 150) begin
          `REST(0, 0, "wrong checksum: silence")
          `CHECK(cnt == 1, "wrong checksum: counted")
          go;
          segment(16'd40000, R0 + 600, S0, AckPsh, 10, 1'b0);
        end
        6: begin
          // One beat each, back to back: their ACKs must not merge.
          if (since == 1) segment(16'd40000, R0 + 700, S0, AckPsh, 10, 1'b0);
          if (since == 150) begin
            `REST(2, 0, "out of order twice: two duplicate ACKs")
            `FRAME(0, S0, R0 + 400, 4096 - 400, Ack, 0, "first duplicate ACK")
            `FRAME(1, S0, R0 + 400, 4096 - 400, Ack, 0, "second duplicate ACK")
            go;
            command(CmdConsume, 12'd3, 250, 16'd0, 0, 0);
          end
        end
        7: if (since == 150) begin
          `REST(0, 0, "consume: nothing to tell the peer yet")
          `CHECK(pout_bytes == 250 && pout_seq == R0 + 250, "250 bytes delivered")
          go;
          segment(16'd40000, R0 + 400, S0, AckPsh, 500, 1'b0);      // across 2^32
        end
        8: begin
          if (since == 40) segment(16'd40000, R0 + 900, S0, Ack, 1460, 1'b0);
          if (since == 80) segment(16'd40000, R0 + 2360, S0, Ack, 1340, 1'b0);
          if (since == 120) now <= now + 40000;
          if (since == 180) begin
            `CHECK(frames == 2 && events == 3 && e_ready == R0 + 3700 && quiescent, "three segments, across 2^32: the first fills a gap")
            `FRAME(0, S0, R0 + 900, 4096 - 900, Ack, 0, "at once; the edge stays")
            `FRAME(1, S0, R0 + 3700, 4096 - 3700, Ack, 0, "the window shrinks by what lies in the ring")
            go;
            command(CmdConsume, 12'd3, 3450, 16'd0, 0, 0);
          end
        end
        9: if (since == 200) begin
          `CHECK(pout_bytes == 3450 && pout_seq == R0 + 3700, "the rest delivered")
          `REST(1, 0, "window update")
          `FRAME(0, S0, R0 + 3700, 4096, Ack, 0, "whole ring free again")
          go;
          pin_left = 1200;
          pin_seq = S0;
        end
        10: if (since == 150) begin
          `CHECK(frames == 3 && quiescent, "three segments out")
          `FRAME(0, S0, R0 + 3700, 4096, Ack, 500, "first")
          `FRAME(1, S0 + 500, R0 + 3700, 4096, Ack, 500, "second")
          `FRAME(2, S0 + 1000, R0 + 3700, 4096, AckPsh, 200, "third, with PSH")
          `CHECK(next_valid && next_us <= now + 1000000, "a timer is on")
          go;
          segment(16'd40000, R0 + 3700, S0 + 500, Ack, 0, 1'b0);
        end
        11: if (since == 150) begin
          `REST(0, 1, "partial ACK: told, nothing sent")
          `CHECK(e_freed == S0 + 500 && !e_fin && !e_tx_rel && !e_rx_rel, "partial ACK: freed")
          go;
          now <= now + 199999;
        end
        12: begin
          if (since == 80) begin
            `CHECK(frames == 0, "not too early")
            now <= now + 1;
          end
          if (since == 200) begin
            `REST(1, 0, "retransmission on time-out: the window is one segment")
            `FRAME(0, S0 + 500, R0 + 3700, 4096, Ack, 500, "retransmission")
            go;
            segment(16'd40000, R0 + 3700, S0 + 1200, Ack, 0, 1'b0);
            cnt_addr <= 6'(nic_pkg::CntRexmits);
          end
        end
        13: begin
          if (since == 80) begin
            `CHECK(e_freed == S0 + 1200 && cnt == 1, "all acknowledged; one retransmission counted")
            now <= now + 10000000;
          end
          if (since == 250) begin
            `REST(0, 1, "nothing in flight: no time-out")
            go;
            command(CmdClose, 12'd3, 0, 16'd0, 0, 0);
          end
        end
        14: begin
          if (since == 80) begin
            `FRAME(0, S0 + 1200, R0 + 3700, 4096, AckFin, 0, "our FIN")
            segment(16'd40000, R0 + 3700, S0 + 1201, Ack, 0, 1'b0);
          end
          if (since == 150) begin
            `REST(1, 1, "FIN once")
            `CHECK(e_fin && e_freed == S0 + 1201, "FIN acknowledged")
            go;
            segment(16'd40000, R0 + 3700, S0 + 1201, AckFin, 0, 1'b0);
          end
        end
        15: if (since == 150) begin
          `REST(1, 1, "the peer's FIN")
          `FRAME(0, S0 + 1201, R0 + 3701, 4095, Ack, 0, "ACK of the FIN")
          `CHECK(e_closed && e_ready == R0 + 3700 && e_fin, "peer closed")
          go;
          command(CmdRelease, 12'd3, 0, 16'd40000, 0, 0);
        end
        16: begin
          if (since == 80) begin
            `CHECK(e_rx_rel && e_tx_rel && e_flow == 3 && frames == 0, "released")
            segment(16'd40000, R0 + 3701, S0 + 1201, Ack, 10, 1'b0);
          end
          if (since == 150) begin
            `CHECK(slow_frames == 1 && frames == 0 && quiescent, "the old tuple is the slow path's")
            go;
            command(CmdOpen, 12'd3, 0, 16'd50001, S1, R1);
            pout_seq = R1;
          end
        end
        17: begin
          if (since == 80) begin
            `CHECK(fences == 1 && fence_ok && e_ready == R1 && !e_rx_rel && !e_closed, "second life")
            segment(16'd50001, R1, S1, AckPsh, 100, 1'b0);
            pin_left = 64;
            pin_seq = S1;
          end
          if (since == 130) now <= now + 40000;
          if (since == 200) begin
            `CHECK(e_ready == R1 + 100 && quiescent, "second life: received across 2^31")
            k = frames;
            `CHECK(k >= 1 && k <= 2, "data and its ACK, together or not")
            `CHECK(g_port[k - 1] == 50001 && g_ack[k - 1] == R1 + 100, "ACK")
            `CHECK((g_len[0] == 64 && g_seq[0] == S1) || (g_len[k - 1] == 64 && g_seq[k - 1] == S1), "sent across 2^32")
            go;
            command(CmdConsume, 12'd3, 100, 16'd0, 0, 0);
          end
        end
        18: begin
          if (since == 60) segment(16'd50001, R1 + 100, S1 + 64, Ack, 0, 1'b0);
          if (since == 120) begin
            `CHECK(pout_bytes == 100 && e_freed == S1 + 64 && !e_tx_rel, "delivered; acknowledged")
            segment(16'd50001, R1 + 100, S1 + 64, AckRst, 0, 1'b0);
          end
          if (since == 200) begin
            `CHECK(e_reset && frames == 0 && quiescent, "reset by the peer: told, no answer")
            pin_left = 10;
            pin_seq = S1 + 64;
          end
          if (since == 280) begin
            `CHECK(frames == 0 && quiescent, "after a reset nothing is sent")
            go;
            command(CmdRelease, 12'd3, 0, 16'd50001, 0, 0);
          end
        end
        // Abort of another flow.
        19: begin
          if (since == 80) begin
            `CHECK(e_rx_rel && e_tx_rel, "released again")
            command(CmdOpen, 12'd15, 0, 16'd60000, 32'd1000, 32'd2000);
          end
          if (since == 140) command(CmdAbort, 12'd15, 0, 16'd0, 0, 0);
          if (since == 220) begin
            `CHECK(frames == 1, "abort: one RST")
            `FRAME(0, 1000, 2000, 4096, AckRst, 0, "abort: RST")
            command(CmdRelease, 12'd15, 0, 16'd60000, 0, 0);
          end
          if (since == 300) begin
            `CHECK(e_flow == 15 && e_rx_rel && e_tx_rel && quiescent, "aborted flow released")
            go;
            segment(16'd12345, 32'd1, 32'd2, Ack, 77, 1'b0);
          end
        end
        20: begin
          if (since == 80) begin
            `CHECK(slow_frames == 1, "unknown tuple: slow path")
            put(0, 6, 48'hffff_ffff_ffff);
            put(12, 2, 48'h0806);
            frame_len = 60;
            frame_pos = 0;
            sending = 1'b1;
          end
          if (since == 150) begin
            `CHECK(slow_frames == 2 && frames == 0 && quiescent, "ARP: slow path")
            go;
            // Two beats from the slow path out.
            for (int i = 0; i < 64; i++) slow_in_data[8*i +: 8] <= frame[i];
            slow_in_nbytes <= 7'd64;
            slow_in_last <= 1'b0;
            slow_in_valid <= 1'b1;
          end
        end
        21: begin
          if (slow_in_valid && slow_in_ready) begin
            slow_in_nbytes <= 7'd13;
            slow_in_last <= 1'b1;
            if (slow_in_last) slow_in_valid <= 1'b0;
          end
          if (since == 100) begin
            `CHECK(raw_frames == 1, "a frame from the slow path left")
            for (int i = 0; i < 77; i++) if (o[i] !== frame[i % 64]) begin `CHECK(1'b0, "byte from the slow path") end
            cnt_addr <= 6'(nic_pkg::CntTxFrames);
          end
          if (since == 110) begin
            `CHECK(cnt == 64'(all_frames), "frames counted")
            `CHECK(quiescent, "quiescent again")
            go;
            slow_ready <= 1'b0;
            frame_len = 1514;                     // an ARP frame still, 24 beats
            again = 30;
            cnt_addr <= 6'(RxDropFifoFull);
          end
        end
        // Nobody takes what is on the slow path: of the frames that wait 21 fit, whoever finds no room is dropped whole.
        22: begin
          if (since == 800) begin
            `CHECK(again == 0 && slow_frames == 0 && cnt > 6 && cnt < 10, "full: dropped under a name")
            slow_ready <= 1'b1;
          end
          if (since == 1600) begin
            `CHECK(64'(slow_frames) + cnt == 64'd30 && quiescent, "all others come out")
            again = 1;
          end
          if (since == 1700) begin
            `CHECK(64'(slow_frames) + cnt == 64'd31 && quiescent, "and the next")
            done_o <= 1'b1;
          end
        end
        default: ;
      endcase

      // --- wire in
      if (again > 0 && !sending) begin
        again = again - 1;
        frame_pos = 0;
        sending = 1'b1;
      end
      rx_valid <= sending;
      if (sending) begin
        for (int i = 0; i < 64; i++) rx_data[8*i +: 8] <= frame[frame_pos + i];
        rx_last <= frame_len - frame_pos <= 64;
        rx_nbytes <= (frame_len - frame_pos <= 64) ? 7'(frame_len - frame_pos) : 7'd64;
        if (frame_len - frame_pos <= 64) sending = 1'b0;
        frame_pos = frame_pos + 64;
      end
      // --- host in
      if (pin_valid && pin_ready) pin_valid <= 1'b0;
      if (pin_left > 0 && (!pin_valid || pin_ready)) begin
        for (int i = 0; i < 64; i++) pin_data[8*i +: 8] <= our_byte(pin_seq + 32'(i));
        pin_flow <= 12'd3;
        pin_nbytes <= (pin_left > 64) ? 7'd64 : 7'(pin_left);
        pin_last <= pin_left <= 64;
        pin_valid <= 1'b1;
        pin_seq = pin_seq + 32'd64;
        pin_left = (pin_left > 64) ? pin_left - 64 : 0;
      end
      r = rnd64(r);
      tx_ready <= r[1:0] != 0;
      pout_ready <= r[3:2] != 0;
      event_ready <= r[4];
    end
  end
`BENCH_END
`undef FRAME
`undef REST
`default_nettype wire
