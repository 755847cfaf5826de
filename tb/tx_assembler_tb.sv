// SPDX-License-Identifier: Apache-2.0
// tx_assembler at 512 and 64 bits. Every frame is taken apart byte by byte and held against a header built here and against
// payload bytes that are a function of flow and ring place; both checksums are summed up byte-wise.
//   Payload 0..200 and around 1460; payload across the ring's end and across 2^32; descriptors of all kinds with gaps.
//   Transmit side always ready, random, and in long stalls, so that the first stage waits for room.
//   Sampling, with a real ack_bits beside it: the receive mirror is written while a descriptor waits and in the very cycle of
//   the sample, its ACK bit set with it: bit clear means that the last header carried the current RCV.NXT. The frame shows
//   what was sampled, and the sent mirror says what the frame shows. A pure ACK that nobody is owed makes no frame.
//   Status comes in order, behind its descriptor's last ring read; of a release, behind the last beat of every frame before it. One-beat frames leave in a row, one a cycle.
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
  localparam int AddrW = 4 + LgRing - LgB - 1;
  localparam int Flows = 16;
  localparam int Lens = 201;                      // 0..200
  localparam int Big = Lens + 18;                 // 1450..1467
  localparam int Mix = Big + Mixed;
  localparam int Row = Mix + 40;                  // one-beat frames in a row

  // The byte at a place of all rings together.
  function automatic logic [7:0] ring_byte(input logic [15:0] place);
    ring_byte = place[7:0] * 8'd29 + place[15:8] * 8'd71 + 8'd5;
  endfunction

  // --- device ---------------------------------------------------------------------------------------------------------
  logic rst_n = 1'b0;
  logic idle, desc_valid = 1'b0, desc_ready, hdr_we = 1'b0, rcv_we = 1'b0, clr_valid, clr_pure, clr_owed, sent_we;
  logic ring_re, status_we, status_tell, tx_valid, tx_ready = 1'b0, tx_last, stat_frame, stat_pure;
  tx_desc_t desc, d;
  logic [3:0] hdr_flow = 0, rcv_flow = 0, sent_flow;
  tx_hdr_t hdr, h;
  rcv_mirror_t rcv;
  sent_mirror_t sent;
  dsack_t dsack;
  logic clr_bare;
  tx_status_t status;
  logic [11:0] clr_flow, status_flow;
  logic [AddrW-1:0] addr0, addr1;
  logic [DataW-1:0] rdata0, rdata1, tx_data, was_data;
  logic [LgB:0] tx_nbytes, was_nbytes;
  logic set_valid = 1'b0, set_now = 1'b0, poll_owed;
  logic [1:0] poll_now;
  logic [11:0] poll = 0;

  tx_assembler #(.DataW(DataW), .NumFlows(Flows), .TxBufBytes(Ring), .RxBufBytes(32768)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .now_us_i(64'd0), .idle_o(idle), .desc_valid_i(desc_valid), .desc_ready_o(desc_ready), .desc_i(desc),
      .hdr_we_i(hdr_we), .hdr_flow_i(hdr_flow), .hdr_i(hdr), .rcv_we_i(rcv_we), .rcv_flow_i(rcv_flow), .rcv_i(rcv),
      .clr_valid_o(clr_valid), .clr_flow_o(clr_flow), .clr_pure_o(clr_pure), .clr_bare_o(clr_bare), .clr_owed_i(clr_owed), .dsack_i(dsack), .sent_we_o(sent_we),
      .sent_flow_o(sent_flow), .sent_o(sent), .ring_re_o(ring_re), .ring_addr0_o(addr0), .ring_addr1_o(addr1),
      .ring_rdata0_i(rdata0), .ring_rdata1_i(rdata1), .status_we_o(status_we), .status_tell_o(status_tell),
      .status_flow_o(status_flow), .status_o(status), .tx_valid_o(tx_valid), .tx_ready_i(tx_ready), .tx_data_o(tx_data),
      .tx_nbytes_o(tx_nbytes), .tx_last_o(tx_last), .stat_frame_o(stat_frame), .stat_pure_o(stat_pure));
  ack_bits #(.NumFlows(Flows)) u_bits (
      .clk_i(clk_i), .rst_ni(rst_n), .set_valid_i(set_valid), .set_flow_i({8'd0, rcv_flow}), .set_bit_i(1'b1),
      .set_now_i(set_now), .set_init_i(1'b0), .clr_valid_i(clr_valid), .clr_flow_i(clr_flow), .clr_pure_i(clr_pure),
      .clr_owed_o(clr_owed), .next_flow_i(poll), .next_owed_o(poll_owed), .next_now_o(poll_now));

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
  logic [31:0] m_nxt [0:Flows-1];                 // receive mirror, writes up to the last cycle
  logic [31:0] m_end [0:Flows-1];
  logic [31:0] m_said [0:Flows-1];                // RCV.NXT as last sampled
  logic [Flows-1:0] m_seen = '0;

  // What was sampled, by frame; what status is to come.
  logic [97:0] q_desc [0:63];
  logic [31:0] q_ack [0:63];
  logic [15:0] q_wnd [0:63];
  logic [48:0] s_what [0:63];
  int q_in = 0, q_out = 0, s_in = 0, s_out = 0;

  // The descriptor in A1.
  tx_desc_t cur, fd;
  logic cur_valid = 1'b0;
  int samples, reads, want, total;

  logic [63:0] r = Seed;
  logic [31:0] nxt, edge_v, sum_ip, sum_tcp;
  logic [15:0] field;
  logic [48:0] st;
  logic [431:0] hv;
  logic [191:0] hb;
  logic [3:0] wf;
  logic [7:0] got, exp;
  logic [4:0] fl;
  int n = 0, k = 0, pos = 0, frames = 0, pures = 0, stat_frames = 0, stat_pures = 0, at_sample = 0, at_wait = 0, skipped = 0;
  int statuses = 0, row_first = 0, row_at = 0, wraps = 0, i_, stop = 0;
  logic was_held = 1'b0, was_last, wrapped;

  // Shifts by flow: most exact, some scaled.
  function automatic logic [3:0] scale_of(input logic [3:0] f);
    scale_of = (f == 4'd3) ? 4'd7 : (f == 4'd4) ? 4'd2 : (f == 4'd5) ? 4'd14 : 4'd0;
  endfunction

  function automatic logic [15:0] field_of(input logic [31:0] a, input logic [31:0] b, input logic [3:0] f);
    logic [31:0] w;
    w = (b - a) >> scale_of(f);
    field_of = (w > 32'd65535) ? 16'hffff : w[15:0];
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
    if (k < Lens) d.len = 14'(k);
    else if (k < Big) d.len = 14'(1450 + k - Lens);
    else if (k < Mix) begin
      case (r[13:10])
        0, 1, 2, 3: d.kind = TxAck;
        4: d.kind = TxFree;
        5: d.kind = TxRst;
        6: d.kind = TxOpen;
        7: d.kind = TxRelease;
        default: begin
          d.len = 14'(r[21:14]);
          if (r[25:22] == 0) d.len = 14'(r[24:14]);
        end
      endcase
      if (d.kind == TxAck && !r[26]) d.flow = {8'd0, rcv_flow};
    end else begin
      d.len = 14'd1;
      d.tell = 1'b0;
    end
    if (d.kind != TxData) begin
      d.fin = 1'b0;
      d.psh = 1'b0;
    end else if (d.len == 0) d.fin = 1'b1;
    if (d.kind == TxFree) d.tell = 1'b1;
    r = rnd64(r);
    d.seq = r[31:0];
    // Across 2^32, across the ring's end, so that a byte or all but one lie before it.
    if (r[33:32] == 0) d.seq = 32'd0 - (r[35:34] == 0 ? 32'd1 : r[35:34] == 1 ? 32'(d.len) - 32'd1 : 32'(r[45:36]) & 32'h3ff);
    if (r[33:32] == 1) d.seq = {r[31:12], 12'd0} - 32'(r[41:36]);
    desc <= d;
  endtask

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    hdr_we <= 1'b0;
    rcv_we <= 1'b0;
    set_valid <= 1'b0;
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
      rcv.nxt <= (i_ == 0) ? 32'hffff_ff80 : r[31:0];
      rcv.wnd_end <= ((i_ == 0) ? 32'hffff_ff80 : r[31:0]) + 32'd32768;
      rcv.wscale <= scale_of(4'(i_));
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
      // --- ring reads belong to the descriptor in A1
      if (ring_re) begin
        reads = reads + 1;
        `CHECK(cur_valid && cur.kind == TxData, "ring read for nothing")
      end
      // --- sample
      `CHECK(stat_frame === clr_valid, "stat_frame_o with the sample")
      if (stat_frame) stat_frames = stat_frames + 1;
      if (stat_pure) stat_pures = stat_pures + 1;
      if (clr_valid) begin
        `CHECK(cur_valid && (cur.kind == TxData || cur.kind == TxAck || cur.kind == TxRst), "sample without a frame")
        `CHECK(clr_flow === cur.flow && clr_pure === (cur.kind == TxAck), "clear port")
        `CHECK(cur.kind != TxAck || clr_owed, "a pure ACK that nobody is owed")
        `CHECK(samples == 0, "sampled once")
        `CHECK(sent_we && sent_flow === cur.flow[3:0], "sent mirror is written with the sample")
        samples = samples + 1;
        nxt = m_nxt[cur.flow[3:0]];
        edge_v = m_end[cur.flow[3:0]];
        // A write of this very cycle may be seen or not: its ACK bit outlives this clear.
        if (rcv_we && rcv_flow == cur.flow[3:0]) begin
          at_sample = at_sample + 1;
          field = field_of(rcv.nxt, rcv.wnd_end, cur.flow[3:0]);
          if (sent.ack === rcv.nxt && sent.wnd_end === rcv.nxt + (32'(field) << scale_of(cur.flow[3:0]))) begin
            nxt = rcv.nxt;
            edge_v = rcv.wnd_end;
          end
        end
        `CHECK(sent.ack === nxt, "RCV.NXT sampled")
        field = field_of(nxt, edge_v, cur.flow[3:0]);
        `CHECK(sent.wnd_end === nxt + (32'(field) << scale_of(cur.flow[3:0])), "edge as the peer will see it")
        q_desc[q_in % 64] = cur;
        q_ack[q_in % 64] = nxt;
        q_wnd[q_in % 64] = field;
        q_in = q_in + 1;
        m_said[cur.flow[3:0]] = nxt;
        m_seen[cur.flow[3:0]] = 1'b1;
      end else if (sent_we) begin
        `CHECK(cur_valid && cur.kind == TxOpen && sent_flow === cur.flow[3:0], "sent mirror without a sample: open only")
        `CHECK(sent.ack === cur.seq && sent.wnd_end === cur.seq + 32'd32768, "sent mirror at open")
      end
      // --- status, before this cycle's descriptor end: it comes one cycle later at the earliest
      if (status_we) begin
        `CHECK(s_in != s_out, "status before its descriptor was through")
        st = s_what[s_out % 64];
        `CHECK({status_tell, status_flow, status.freed, status.fin_acked, status.timed_out, status.tx_released} === st[47:0], "status")
        s_out = s_out + 1;
        statuses = statuses + 1;
      end
      // --- a descriptor leaves A1
      if (cur_valid && !desc_ready && rcv_we && rcv_flow == cur.flow[3:0] && samples == 0) at_wait = at_wait + 1;
      if (cur_valid && desc_ready) begin
        case (cur.kind)
          TxData, TxRst: `CHECK(samples == 1, "a frame is sampled")
          TxAck: if (samples == 0) begin
            `CHECK(!clr_owed, "an owed ACK is not skipped")
            skipped = skipped + 1;
          end
          TxRelease: `CHECK(samples == 0 && q_in == q_out && !tx_valid, "a release goes when all frames before it have left")
          default: `CHECK(samples == 0, "no frame")
        endcase
        want = (cur.len == 0) ? 0 : (54 + int'(cur.len) - 1) / B - 54 / B + 1;
        `CHECK(reads == want, "ring reads of the descriptor")
        if (cur.tell || cur.kind == TxOpen || cur.kind == TxRelease) begin
          s_what[s_in % 64] = {1'b0, cur.kind != TxOpen, cur.flow, cur.una, cur.fin_acked, cur.timed_out, cur.kind == TxRelease};
          s_in = s_in + 1;
        end
        cur_valid = 1'b0;
      end
      // --- frames
      if (was_held) begin
        `CHECK(tx_valid && tx_data === was_data && tx_nbytes === was_nbytes && tx_last === was_last, "held until ready")
      end
      was_held = tx_valid && !tx_ready;
      was_data = tx_data;
      was_nbytes = tx_nbytes;
      was_last = tx_last;
      if (tx_valid && tx_ready) begin
        `CHECK(q_in != q_out, "a frame from nothing")
        fd = q_desc[q_out % 64];
        h = m_hdr[fd.flow[3:0]];
        total = 54 + int'(fd.len);
        fl = 5'd16;
        if (fd.kind == TxRst) fl = 5'd20;
        if (fd.kind == TxData && fd.fin) fl = fl | 5'd1;
        if (fd.kind == TxData && fd.psh) fl = fl | 5'd8;
        hv = {h.remote_mac, h.local_mac, 16'h0800, 8'h45, 8'h00, 16'(total - 14), 16'(frames), 16'h4000, 8'd64, 8'd6,
              16'd0, h.local_ip, h.remote_ip, h.local_port, h.remote_port, fd.seq, q_ack[q_out % 64], 8'h50, {3'd0, fl},
              q_wnd[q_out % 64], 16'd0, 16'd0};
        if (pos == 0) begin
          sum_ip = 0;
          sum_tcp = 32'd6 + 32'(total - 34) + 32'(h.local_ip[31:16]) + 32'(h.local_ip[15:0]) + 32'(h.remote_ip[31:16])
                  + 32'(h.remote_ip[15:0]);
        end
        `CHECK(tx_last === (pos + B >= total), "last beat")
        `CHECK(int'(tx_nbytes) == ((total - pos < B) ? total - pos : B), "bytes of the beat")
        for (int i = 0; i < B; i++) begin
          if (pos + i < total) begin
            got = tx_data[8*i +: 8];
            if (pos + i < 54) exp = hv[8*(53 - pos - i) +: 8];
            else exp = ring_byte({fd.flow[3:0], 12'(fd.seq + 32'(pos + i - 54))});
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
          wrapped = 33'(fd.seq) + 33'(fd.len) > 33'h1_0000_0000;
          if (wrapped) wraps = wraps + 1;
          if (fd.len == 0) pures = pures + 1;
          if (k > Mix && frames == row_at) row_first = n;
          if (k > Mix && frames == row_at + 39) begin
            `CHECK(n - row_first == 39 * ((55 + B - 1) / B), "frames in a row, a beat a cycle")
          end
          frames = frames + 1;
          q_out = q_out + 1;
          pos = 0;
        end
      end
      // --- writes of this cycle take effect
      if (rcv_we) begin
        m_nxt[rcv_flow] = rcv.nxt;
        m_end[rcv_flow] = rcv.wnd_end;
      end
      if (n >= 5 + Flows) begin
        // --- next descriptor
        if (desc_valid && desc_ready) begin
          cur = desc;
          cur_valid = 1'b1;
          samples = 0;
          reads = 0;
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
        if (k >= Mix) tx_ready <= 1'b1;
        // --- receive side: mostly where it hurts
        r = rnd64(r);
        if (r[1:0] == 0 && k < Mix) begin
          // RCV.NXT moves and its ACK is owed, or only the window's edge does.
          wf = (r[2] && cur_valid) ? cur.flow[3:0] : r[3] ? desc.flow[3:0] : r[7:4];
          nxt = m_nxt[wf] + ((r[9:8] == 0) ? 32'd0 : 32'(r[20:10]));
          case (r[23:21])
            0: edge_v = nxt;
            1: edge_v = nxt + 32'd65535 + 32'(r[25:24]) - 32'd1;
            2: edge_v = nxt + 32'(r[53:24]);
            default: edge_v = nxt + 32'(r[38:24]);
          endcase
          rcv_we <= 1'b1;
          rcv_flow <= wf;
          rcv.nxt <= nxt;
          rcv.wnd_end <= edge_v;
          rcv.wscale <= scale_of(wf);
          set_valid <= (nxt != m_nxt[wf]) || r[54];
          set_now <= r[56:55] == 0;
        end
        r = rnd64(r);
        poll <= r[0] && cur_valid ? cur.flow : {8'd0, r[11:8]};
      end
      // --- the end
      if (k == Row && idle && !desc_valid && !cur_valid && stop == 0) stop = n;
      if (stop != 0 && n == stop + 20) begin
        `CHECK(idle && q_in == q_out && s_in == s_out && pos == 0, "all came out")
        `CHECK(stat_frames == frames && stat_pures == pures, "statistics")
        `CHECK(at_sample > 5 && at_wait > 5 && (skipped > 2 || DataW != 512) && wraps > 20 && statuses > 50, "exercised")
        if (errors_o != 0) $display("%0d cycles, %0d frames, mirror at sample %0d, waiting %0d, skipped %0d, wraps %0d", n, frames, at_sample, at_wait, skipped, wraps);
        done_o <= 1'b1;
      end
    end
  end
endmodule

`BENCH(tx_assembler_tb)
  logic done512, done64;
  logic [31:0] errors512, errors64;
  assembler_check #(.DataW(512), .Mixed(900), .Seed(64'h2468_ace0_1357_9bdf)) u_512 (
      .clk_i(clk_i), .done_o(done512), .errors_o(errors512));
  assembler_check #(.DataW(64), .Mixed(250), .Seed(64'h0123_4567_89ab_cdef)) u_64 (
      .clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o <= errors512 + errors64;
    done_o <= done512 && done64;
  end
`BENCH_END
`default_nettype wire
