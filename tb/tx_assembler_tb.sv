// SPDX-License-Identifier: Apache-2.0
// tx_assembler at 64, 128, 256 and 512 bits. Every frame is taken apart byte by byte and held against a header built here and
// against payload bytes that are a function of flow and ring place; both checksums are summed up byte-wise.
//   Payload 0..200 and around 1460, each with and without a time stamp; headers without payload with every number of SACK blocks,
//   a D-SACK before them or not; payload across the ring's end, 2^31 and 2^32; descriptors of all kinds with gaps.
//   Transmit side always ready, random, and in long stalls, so that descriptors wait for room.
//   Sampling, with a real ack_bits and dsack_box beside it: the receive mirror is written while a descriptor waits and in the very
//   cycle of the sample, its ACK bit set with it: bit clear means that the last header carried the current RCV.NXT. The frame shows
//   what was sampled, and the sent mirror says what the frame shows. A pure ACK that nobody is owed makes no frame.
//   Status comes in order, behind its descriptor's last ring read; of a release, behind the last beat of every frame before it.
//   One-beat frames leave in a row, one a cycle; the first beat of a frame with at most one beat of payload leaves 3 cycles after its
//   descriptor came.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
module assembler_check #(
    parameter int DataW = 512,
    parameter int Mixed = 250,                    // descriptors of the random part
    parameter logic [63:0] Seed = 64'd1,
    parameter int LgB = $clog2(DataW / 8)
) (
    input wire logic clk_i, output logic done_o, output logic [31:0] errors_o
);
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction

  localparam int B = DataW / 8;
  localparam int Ring = 4096;
  localparam int LgRing = 12;
  localparam int RxRing = 32768;
  localparam int AddrW = 4 + LgRing - LgB - 1;
  localparam int Flows = 16;                      // flow[0]: with time stamps, flow[1]: with SACK
  localparam int Lens = Flows + 2 * 201;          // first an open of each; 0..200
  localparam int Big = Lens + 2 * 18;             // 1450..1467
  localparam int Mix = Big + Mixed;
  localparam int Row = Mix + 40;                  // small frames in a row

  // The byte at a place of all rings together.
  function automatic logic [7:0] ring_byte(input logic [15:0] place);
    ring_byte = place[7:0] * 8'd29 + place[15:8] * 8'd71 + 8'd5;
  endfunction

  // --- device ---------------------------------------------------------------------------------------------------------
  logic rst_n = 1'b0;
  logic idle, desc_valid = 1'b0, desc_ready, hdr_we = 1'b0, rcv_we = 1'b0, clr_valid, clr_pure, clr_bare, clr_owed, sent_we;
  logic ring_re, status_we, status_tell, tx_valid, tx_ready = 1'b0, tx_last, stat_frame, stat_pure;
  tx_desc_t desc, d;
  logic [3:0] hdr_flow = 0, rcv_flow = 0, sent_flow;
  tx_hdr_t hdr, h;
  rcv_mirror_t rcv, m;
  sent_mirror_t sent;
  dsack_t put, dsack, dup;
  tx_status_t status;
  logic [63:0] now_us = 64'd0;
  logic [11:0] clr_flow, status_flow;
  logic [AddrW-1:0] addr0, addr1;
  logic [DataW-1:0] rdata0, rdata1, tx_data, was_data;
  logic [LgB:0] tx_nbytes, was_nbytes;
  logic set_valid = 1'b0, set_now = 1'b0, poll_owed;
  logic [1:0] poll_now;
  logic [11:0] poll = 0;
  initial put = '0;

  tx_assembler #(.DataW(DataW), .NumFlows(Flows), .TxBufBytes(Ring), .RxBufBytes(RxRing)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .now_us_i(now_us), .idle_o(idle), .desc_valid_i(desc_valid), .desc_ready_o(desc_ready),
      .desc_i(desc), .hdr_we_i(hdr_we), .hdr_flow_i(hdr_flow), .hdr_i(hdr), .rcv_we_i(rcv_we), .rcv_flow_i(rcv_flow),
      .rcv_i(rcv), .clr_valid_o(clr_valid), .clr_flow_o(clr_flow), .clr_pure_o(clr_pure), .clr_bare_o(clr_bare),
      .clr_owed_i(clr_owed), .dsack_i(dsack), .sent_we_o(sent_we), .sent_flow_o(sent_flow), .sent_o(sent),
      .ring_re_o(ring_re), .ring_addr0_o(addr0), .ring_addr1_o(addr1), .ring_rdata0_i(rdata0), .ring_rdata1_i(rdata1),
      .status_we_o(status_we), .status_tell_o(status_tell), .status_flow_o(status_flow), .status_o(status),
      .tx_valid_o(tx_valid), .tx_ready_i(tx_ready), .tx_data_o(tx_data), .tx_nbytes_o(tx_nbytes), .tx_last_o(tx_last),
      .stat_frame_o(stat_frame), .stat_pure_o(stat_pure));
  ack_bits #(.NumFlows(Flows)) u_bits (
      .clk_i(clk_i), .rst_ni(rst_n), .set_valid_i(set_valid), .set_flow_i({8'd0, rcv_flow}), .set_bit_i(1'b1),
      .set_now_i(set_now), .set_init_i(1'b0), .clr_valid_i(clr_valid), .clr_flow_i(clr_flow), .clr_pure_i(clr_pure),
      .clr_owed_o(clr_owed), .next_flow_i(poll), .next_owed_o(poll_owed), .next_now_o(poll_now));
  dsack_box #(.NumFlows(Flows)) u_dsack (
      .clk_i(clk_i), .rst_ni(rst_n), .put_flow_i({8'd0, rcv_flow}), .put_i(put), .put_init_i(1'b0),
      .take_i(clr_valid && clr_bare), .take_flow_i(clr_flow), .dsack_o(dsack));

  always @(posedge clk_i) begin
    if (ring_re) begin
      for (int i = 0; i < B; i++) begin
        rdata0[8*i +: 8] <= ring_byte(16'({addr0, 1'b0, {LgB{1'b0}}}) + 16'(i));
        rdata1[8*i +: 8] <= ring_byte(16'({addr1, 1'b1, {LgB{1'b0}}}) + 16'(i));
      end
    end
  end

  // --- model ----------------------------------------------------------------------------------------------------------
  logic [191:0] m_hdr [0:Flows-1];
  logic [nic_pkg::RcvMirrorW-1:0] m_rcv [0:Flows-1];   // receive mirror, writes up to the last cycle
  logic [31:0] m_nxt [0:Flows-1];                 // its RCV.NXT
  logic [64:0] m_dup [0:Flows-1];                 // D-SACK to be told: valid, start, end
  logic [31:0] m_edge [0:Flows-1];                // the edge last told
  logic [31:0] m_said [0:Flows-1];                // RCV.NXT as last sampled
  logic [Flows-1:0] m_seen = '0;
  initial for (int i = 0; i < Flows; i++) m_dup[i] = 65'd0;

  // What was sampled, by frame: the header, checksums and id 0, its first byte on top; what status is to come.
  logic [97:0] q_desc [0:63];
  logic [751:0] q_hdr [0:63];
  logic [6:0] q_len [0:63];
  logic [48:0] s_what [0:63];
  int q_in = 0, q_out = 0, s_in = 0, s_out = 0;

  // The step in A1.
  tx_desc_t cur, fd;
  logic cur_valid = 1'b0, cur_first, cur_last, step;
  int reads = 0, want, total;

  logic [63:0] r = Seed;
  logic [31:0] nxt, edge_v, sum_ip, sum_tcp;
  logic [15:0] field;
  logic [48:0] st;
  logic [751:0] hv;
  logic [319:0] opts;
  logic [287:0] sackv;
  logic [255:0] blk;
  logic [191:0] hb;
  logic [6:0] hlen;
  logic [3:0] wf;
  logic [7:0] got, exp;
  logic [4:0] fl;
  int ns;
  logic [31:0] pos32;
  int n = 0, k = 0, pos = 0, frames = 0, pures = 0, stat_frames = 0, stat_pures = 0, at_sample = 0, at_wait = 0, skipped = 0;
  int statuses = 0, row_seen = 0, row_first = 0, row_at = 0, row_beats = 0, wraps = 0, halves = 0, cut = 0, dups = 0, held = 0;
  int i_, stop = 0;
  logic [94:0] lens_ts = '0, lens_no = '0;        // header lengths seen, with and without time stamp
  logic was_held = 1'b0, was_last;

  // Shifts by flow: most exact, some scaled.
  function automatic logic [3:0] scale_of(input logic [3:0] f);
    scale_of = (f == 4'd3) ? 4'd7 : (f == 4'd4) ? 4'd2 : (f == 4'd5) ? 4'd14 : 4'd0;
  endfunction

  // The window field by the rule, in plain numbers.
  function automatic logic [15:0] field_of(input logic [31:0] a, input logic [31:0] e, input logic [31:0] told,
                                           input logic [15:0] mss, input logic [3:0] shift);
    integer unit, room, known, offer, least;
    unit = 1 << shift;
    room = e - a;
    known = told - a;
    if (known < 0) known = 0;
    offer = room - (unit - 1);
    least = (32'(mss) < RxRing / 2) ? 32'(mss) : RxRing / 2;
    if (offer - known < least) offer = (known + unit - 1 <= room) ? known + unit - 1 : room;
    offer = offer >>> shift;
    field_of = (offer > 65535) ? 16'hffff : offer[15:0];
  endfunction

  // The next descriptor into `d`.
  task automatic choose;
    r = rnd64(r);
    d = '0;
    d.flow = 12'(r[3:0]);
    d.una = r[63:32];
    d.fin = r[4];
    d.psh = r[5];
    d.tell = (r[7:6] == 0);
    d.fin_acked = r[8];
    d.timed_out = r[9];
    d.kind = TxData;
    if (k < Flows) begin
      d.kind = TxOpen;
      d.flow = 12'(k);
    end else if (k < Lens) d.len = 14'((k - Flows) / 2);
    else if (k < Big) d.len = 14'(1450 + (k - Lens) / 2);
    else if (k < Mix) begin
      case (r[13:10])
        0, 1, 2, 3: d.kind = TxAck;
        4: d.kind = TxFree;
        5: d.kind = TxRst;
        6: d.kind = TxOpen;
        7: d.kind = TxRelease;
        8: d.len = '0;
        default: begin
          d.len = (DataW == 64) ? 14'(r[19:14]) : 14'(r[21:14]);
          if (r[25:22] == 0) d.len = 14'(r[24:14]);
        end
      endcase
      if (d.kind == TxAck) d.flow = r[26] ? d.flow : r[27] ? {8'd0, rcv_flow} : desc.flow;
    end else begin
      d.len = (k == Mix) ? 14'd1 : 14'(r[14]);
      d.tell = 1'b0;
    end
    if (k >= Flows && k < Big) d.flow[0] = 1'(k);
    if (d.kind != TxData) begin
      d.fin = 1'b0;
      d.psh = 1'b0;
    end else if (d.len == 0) d.fin = 1'b1;
    if (d.kind == TxFree) d.tell = 1'b1;
    r = rnd64(r);
    d.seq = r[31:0];
    // Across 2^32 or 2^31, across the ring's end, so that a byte or all but one lie before it.
    if (r[33:32] == 0) d.seq = {r[46], 31'd0} - (r[35:34] == 0 ? 32'd1 : r[35:34] == 1 ? 32'(d.len) - 32'd1 : 32'(r[45:36]) & 32'h3ff);
    if (r[33:32] == 1) d.seq = {r[31:12], 12'd0} - 32'(r[41:36]);
    desc <= d;
  endtask

  // The header that the sample of `cur` must give, from m, dup, nxt and field.
  task automatic build;
    ns = 0;
    blk = '0;
    if (cur.len == 0 && m.sack_ok) begin
      if (dup.vld) begin
        blk[255:192] = {dup.start, dup.stop};
        ns = 1;
        dups = dups + 1;
      end
      for (int i = 0; i < 4; i++) begin
        if (i < m.ooo_n) begin
          if (ns < (m.ts_ok ? 3 : 4)) begin
            blk = blk | ({(i == 0) ? {m.ooo0_start, m.ooo0_end} : (i == 1) ? {m.ooo1_start, m.ooo1_end}
                        : (i == 2) ? {m.ooo2_start, m.ooo2_end} : {m.ooo3_start, m.ooo3_end}, 192'd0} >> (64 * ns));
            ns = ns + 1;
          end else cut = cut + 1;
        end
      end
    end
    opts = '0;
    if (m.ts_ok) opts[319:224] = {32'h0101_080a, now_us[41:10], m.ts_recent};
    sackv = (ns == 0) ? 288'd0 : {16'h0101, 8'd5, 8'(2 + 8 * ns), blk};
    opts = opts | ({sackv, 32'd0} >> (m.ts_ok ? 96 : 0));
    hlen = 7'(54 + (m.ts_ok ? 12 : 0) + (ns == 0 ? 0 : 4 + 8 * ns));
    if (cur.len == 0 && m.ts_ok) lens_ts[hlen] = 1'b1;
    if (cur.len == 0 && !m.ts_ok) lens_no[hlen] = 1'b1;
    h = m_hdr[cur.flow[3:0]];
    fl = 5'd16;
    if (cur.kind == TxRst) fl = 5'd20;
    if (cur.kind == TxData && cur.fin) fl = fl | 5'd1;
    if (cur.kind == TxData && cur.psh) fl = fl | 5'd8;
    hv = {h.remote_mac, h.local_mac, 16'h0800, 8'h45, 8'h00, 16'(32'(hlen) + 32'(cur.len) - 14), 16'd0, 16'h4000, 8'd64, 8'd6,
          16'd0, h.local_ip, h.remote_ip, h.local_port, h.remote_port, cur.seq, nxt, 4'((32'(hlen) - 34) / 4), 4'd0, {3'd0, fl},
          field, 16'd0, 16'd0, opts};
    q_desc[q_in % 64] = cur;
    q_hdr[q_in % 64] = hv;
    q_len[q_in % 64] = hlen;
    q_in = q_in + 1;
  endtask

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    hdr_we <= 1'b0;
    rcv_we <= 1'b0;
    set_valid <= 1'b0;
    put.vld <= 1'b0;
    if (n >= 5 && n < 5 + Flows) begin
      // Header store and first receive mirror of every flow.
      i_ = n - 5;
      for (int w = 0; w < 3; w++) begin
        r = rnd64(r);
        hb[64*w +: 64] = r;
      end
      if (i_ == 1) hb = 192'd0;
      if (i_ == 2) hb = ~192'd0;
      m_hdr[i_] = hb;
      h = hb;
      hdr <= h;
      hdr_we <= 1'b1;
      hdr_flow <= 4'(i_);
      r = rnd64(r);
      rcv_we <= 1'b1;
      set_valid <= 1'b1;
      rcv_flow <= 4'(i_);
      m = '0;
      m.nxt = (i_ == 0) ? 32'hffff_ff80 : (i_ == 1) ? 32'h7fff_ff80 : r[31:0];
      m.wnd_end = m.nxt + 32'd32768;
      m.wscale = scale_of(4'(i_));
      m.mss = 16'd1460;
      m.ts_ok = i_[0];
      m.sack_ok = i_[1];
      m.ts_recent = r[63:32];
      rcv <= m;
      if (i_ == Flows - 1) begin
        choose;
        desc_valid <= 1'b1;
      end
    end
    if (n >= 5 && !done_o) begin
      // --- the bit's promise, on one flow a cycle
      if (m_seen[poll[3:0]] && !poll_owed) begin
        `CHECK(m_said[poll[3:0]] === m_nxt[poll[3:0]], "ACK bit clear, but RCV.NXT was never told")
      end
      // --- status: at the earliest in the cycle after its descriptor's last step in A1
      if (status_we) begin
        `CHECK(s_in != s_out, "status before its descriptor was through")
        st = s_what[s_out % 64];
        `CHECK({status_tell, status_flow, status.freed, status.fin_acked, status.timed_out, status.tx_released} === st[47:0], "status")
        s_out = s_out + 1;
        statuses = statuses + 1;
      end
      // --- sample
      `CHECK(stat_frame === clr_valid, "stat_frame_o with the sample")
      if (stat_frame) stat_frames = stat_frames + 1;
      if (stat_pure) stat_pures = stat_pures + 1;
      if (cur_valid && cur_first) begin
        case (cur.kind)
          TxData, TxRst: `CHECK(clr_valid, "a frame is sampled")
          TxAck: begin
            `CHECK(clr_valid === clr_owed, "a pure ACK leaves just when one is owed")
            if (!clr_valid) skipped = skipped + 1;
          end
          TxRelease: `CHECK(!clr_valid && q_in == q_out && !tx_valid, "a release goes when all frames before it have left")
          default: `CHECK(!clr_valid, "no frame")
        endcase
        `CHECK(clr_flow === cur.flow, "clear port: flow")
      end else `CHECK(!clr_valid, "sampled once")
      if (clr_valid) begin
        `CHECK(clr_pure === (cur.kind == TxAck) && clr_bare === (cur.len == 0), "clear port")
        `CHECK(sent_we && sent_flow === cur.flow[3:0], "sent mirror is written with the sample")
        if (rcv_we && rcv_flow == cur.flow[3:0]) at_sample = at_sample + 1;
        m = m_rcv[cur.flow[3:0]];
        dup = m_dup[cur.flow[3:0]];
        nxt = m.nxt;
        field = field_of(m.nxt, m.wnd_end, m_edge[cur.flow[3:0]], m.mss, m.wscale);
        if (m.wnd_end != nxt && nxt + (32'(field) << m.wscale) == m_edge[cur.flow[3:0]]) held = held + 1;
        `CHECK(sent.ack === nxt, "RCV.NXT sampled")
        `CHECK(sent.wnd_end === nxt + (32'(field) << m.wscale), "edge as the peer will see it")
        build;
        m_edge[cur.flow[3:0]] = nxt + (32'(field) << m.wscale);
        m_said[cur.flow[3:0]] = nxt;
        m_seen[cur.flow[3:0]] = 1'b1;
        if (cur.len == 0) m_dup[cur.flow[3:0]] = 65'd0;
      end else if (sent_we) begin
        `CHECK(cur_valid && cur.kind == TxOpen && sent_flow === cur.flow[3:0], "sent mirror without a sample: open only")
        `CHECK(sent.ack === cur.seq && sent.wnd_end === cur.seq + 32'd32768, "sent mirror at open")
        m_edge[cur.flow[3:0]] = cur.seq + 32'd32768;
      end else begin
        `CHECK(!(cur_valid && cur.kind == TxOpen), "sent mirror at every open")
      end
      if (cur_valid && cur_last && (cur.tell || cur.kind == TxOpen || cur.kind == TxRelease)) begin
        s_what[s_in % 64] = {1'b0, cur.kind != TxOpen, cur.flow, cur.una, cur.fin_acked, cur.timed_out, cur.kind == TxRelease};
        s_in = s_in + 1;
      end
      // --- A0: ring reads belong to the descriptor at the input
      if (desc_valid && !desc_ready && rcv_we && rcv_flow == desc.flow[3:0] && reads == 0) at_wait = at_wait + 1;
      if (ring_re) begin `CHECK(desc_valid && desc.kind == TxData && desc.len != 0, "ring read for nothing") end
      step = ring_re || (desc_valid && desc_ready);
      cur_valid = step;
      if (step) begin
        cur = desc;
        cur_first = (reads == 0);
        cur_last = desc_ready;
        if (ring_re) reads = reads + 1;
        if (desc_ready) begin
          i_ = desc.flow[0] ? 66 : 54;
          want = (desc.len == 0) ? 0 : (i_ + int'(desc.len) - 1) / B - i_ / B + 1;
          `CHECK(reads == want, "ring reads of the descriptor")
          reads = 0;
        end
      end
      // --- frames
      if (was_held) begin
        `CHECK(tx_valid && tx_data === was_data && tx_nbytes === was_nbytes && tx_last === was_last, "held until ready")
      end
      was_held = tx_valid && !tx_ready;
      was_data = tx_data;
      was_nbytes = tx_nbytes;
      was_last = tx_last;
      if (k == Mix && desc_valid && row_seen == 0) row_seen = n;
      if (row_seen != 0 && frames == row_at && pos == 0) begin
        `CHECK(tx_valid === (n - row_seen >= 3), "first beat 3 cycles after the descriptor")
      end
      if (tx_valid && tx_ready) begin
        `CHECK(q_in != q_out, "a frame from nothing")
        fd = q_desc[q_out % 64];
        hv = q_hdr[q_out % 64];
        i_ = int'(q_len[q_out % 64]);
        hv[751 - 8*18 -: 16] = 16'(frames);
        total = i_ + int'(fd.len);
        if (pos == 0) begin
          sum_ip = 0;
          sum_tcp = 32'd6 + 32'(total - 34);
          for (int i = 26; i < 34; i++) sum_tcp = sum_tcp + ((i % 2 == 0) ? {16'd0, hv[751 - 8*i -: 8], 8'd0} : {24'd0, hv[751 - 8*i -: 8]});
          row_beats = row_beats + (total + B - 1) / B;
        end
        `CHECK(tx_last === (pos + B >= total), "last beat")
        `CHECK(int'(tx_nbytes) == ((total - pos < B) ? total - pos : B), "bytes of the beat")
        for (int i = 0; i < B; i++) begin
          if (pos + i < total) begin
            got = tx_data[8*i +: 8];
            if (pos + i < i_) exp = hv[751 - 8*(pos + i) -: 8];
            else exp = ring_byte({fd.flow[3:0], 12'(fd.seq + 32'(pos + i - i_))});
            if (pos + i != 24 && pos + i != 25 && pos + i != 50 && pos + i != 51) begin
              if (got !== exp) begin `CHECK(1'b0, "byte of a frame") end
            end
            if (pos + i >= 14 && pos + i < 34) sum_ip = sum_ip + (((pos + i) % 2 == 0) ? {16'd0, got, 8'd0} : {24'd0, got});
            if (pos + i >= 34) sum_tcp = sum_tcp + (((pos + i) % 2 == 0) ? {16'd0, got, 8'd0} : {24'd0, got});
          end
        end
        pos = pos + B;
        if (tx_last) begin
          sum_ip = 32'(sum_ip[15:0]) + 32'(sum_ip[31:16]);
          sum_ip = 32'(sum_ip[15:0]) + 32'(sum_ip[31:16]);
          sum_tcp = 32'(sum_tcp[15:0]) + 32'(sum_tcp[31:16]);
          sum_tcp = 32'(sum_tcp[15:0]) + 32'(sum_tcp[31:16]);
          `CHECK(sum_ip === 32'hffff, "IPv4 checksum")
          `CHECK(sum_tcp === 32'hffff, "TCP checksum")
          if (33'(fd.seq) + 33'(fd.len) > 33'h1_0000_0000) wraps = wraps + 1;
          pos32 = fd.seq + 32'(fd.len);
          if (!fd.seq[31] && pos32[31]) halves = halves + 1;
          if (fd.len == 0) pures = pures + 1;
          if (k > Mix && frames == row_at) begin
            row_first = n;
            row_beats = 0;
          end
          if (k > Mix && frames == row_at + 39) begin
            `CHECK(n - row_first == row_beats, "frames in a row, a beat a cycle")
          end
          frames = frames + 1;
          q_out = q_out + 1;
          pos = 0;
        end
      end
      // --- writes of this cycle take effect
      if (rcv_we) begin
        m_rcv[rcv_flow] = rcv;
        m_nxt[rcv_flow] = rcv.nxt;
      end
      if (put.vld) m_dup[rcv_flow] = put;
      if (n >= 5 + Flows) begin
        // --- next descriptor
        if (desc_valid && desc_ready) begin
          k = k + 1;
          desc_valid <= 1'b0;
        end
        r = rnd64(r);
        if (k < Row && (!desc_valid || desc_ready)) begin
          if (k >= Mix ? (k > Mix || (idle && !cur_valid)) : (r[1:0] != 0)) begin
            if (k == Mix) row_at = frames;
            choose;
            desc_valid <= 1'b1;
          end
        end
        // --- transmit side
        r = rnd64(r);
        case ((n / 512) % 4)
          0: tx_ready <= 1'b1;
          1: tx_ready <= r[0];
          2: tx_ready <= n % 128 > 90;
          default: tx_ready <= r[1:0] != 0;
        endcase
        if (k >= Mix || (k < Lens && DataW < 256)) tx_ready <= 1'b1;
        // --- time
        r = rnd64(r);
        now_us <= (r[3:0] == 0) ? {20'd0, r[63:20]} : now_us + 64'(r[15:4]);
        // --- receive side: mostly where it hurts
        r = rnd64(r);
        if (r[1:0] == 0 && k < Mix && !(k >= Big && k[4])) begin
          // RCV.NXT moves and its ACK is owed, or only the window's edge does.
          wf = (r[2] && cur_valid) ? cur.flow[3:0] : r[3] ? desc.flow[3:0] : r[7:4];
          m = m_rcv[wf];
          m.nxt = m_nxt[wf] + ((r[9:8] == 0) ? 32'd0 : 32'(r[20:10]));
          case (r[23:21])
            0: edge_v = m.nxt;
            1: edge_v = m.nxt + 32'd65535 + 32'(r[25:24]) - 32'd1;
            2: edge_v = m.nxt + 32'(r[53:24]);
            3, 4: edge_v = m_edge[wf] + 32'(r[34:24]);
            default: edge_v = m.nxt + 32'(r[38:24]);
          endcase
          if (edge_v - m.nxt > 32'h4000_0000) edge_v = m.nxt;
          m.wnd_end = edge_v;
          set_valid <= (m.nxt != m_nxt[wf]) || r[54];
          set_now <= r[56:55] == 0;
          put.vld <= r[58:57] == 0;
          m.ooo_n = (r[61:59] == 3'd7) ? 3'd0 : (r[61:59] > 3'd4) ? 3'd4 : r[61:59];
          r = rnd64(r);
          m.mss = (r[1:0] == 0) ? 16'd1460 : (r[1:0] == 1) ? 16'd536 : (r[1:0] == 2) ? 16'd20000 : r[47:32];
          m.ts_recent = r[31:0];
          put.start <= r[63:32];
          put.stop <= {r[15:0], r[31:16]};
          r = rnd64(r);
          {m.ooo0_start, m.ooo0_end} = r;
          r = rnd64(r);
          {m.ooo1_start, m.ooo1_end} = r;
          r = rnd64(r);
          {m.ooo2_start, m.ooo2_end} = r;
          r = rnd64(r);
          {m.ooo3_start, m.ooo3_end} = r;
          rcv_we <= 1'b1;
          rcv_flow <= wf;
          rcv <= m;
        end
        r = rnd64(r);
        poll <= r[0] && cur_valid ? cur.flow : {8'd0, r[11:8]};
      end
      // --- the end
      if (k == Row && idle && !desc_valid && !cur_valid && stop == 0) stop = n;
      if (stop != 0 && n == stop + 20) begin
        `CHECK(idle && q_in == q_out && s_in == s_out && pos == 0, "all came out")
        `CHECK(stat_frames == frames && stat_pures == pures, "statistics")
        `CHECK(at_sample > 5 && at_wait > 5 && skipped > 2 && wraps > 20 && halves > 20 && statuses > 50, "exercised")
        `CHECK(lens_no[54] && lens_no[66] && lens_no[74] && lens_no[82] && lens_no[90], "every header without a time stamp")
        `CHECK(lens_ts[66] && lens_ts[78] && lens_ts[86] && lens_ts[94] && cut > 5 && dups > 5 && held > 5, "every header with one")
        if (errors_o != 0)
          $display("%0d bits: %0d cycles, %0d frames, mirror at sample %0d, waiting %0d, skipped %0d, wraps %0d %0d, cut %0d, dups %0d, held %0d, %h %h",
                   DataW, n, frames, at_sample, at_wait, skipped, wraps, halves, cut, dups, held, lens_no, lens_ts);
        done_o <= 1'b1;
      end
    end
  end
endmodule

`BENCH(tx_assembler_tb)
  logic [3:0] done;
  logic [31:0] errors512, errors256, errors128, errors64;
  assembler_check #(.DataW(512), .Mixed(900), .Seed(64'h2468_ace0_1357_9bdf)) u_512 (
      .clk_i(clk_i), .done_o(done[0]), .errors_o(errors512));
  assembler_check #(.DataW(256), .Mixed(500), .Seed(64'h0f1e_2d3c_4b5a_6978)) u_256 (
      .clk_i(clk_i), .done_o(done[1]), .errors_o(errors256));
  assembler_check #(.DataW(128), .Mixed(400), .Seed(64'h1122_3344_5566_7788)) u_128 (
      .clk_i(clk_i), .done_o(done[2]), .errors_o(errors128));
  assembler_check #(.DataW(64), .Mixed(300), .Seed(64'h0123_4567_89ab_cdef)) u_64 (
      .clk_i(clk_i), .done_o(done[3]), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o <= errors512 + errors256 + errors128 + errors64;
    done_o <= (done == '1);
  end
`BENCH_END
`default_nettype wire
