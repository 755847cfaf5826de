// SPDX-License-Identifier: Apache-2.0
// tx_writer at 512 and 64 bits, with ring_mem behind it, against a model of every flow's tail and of the rings' bytes.
//   Packets of any length from any offset, ring wrap, 2^32 wrap, flows in turn by packet with gaps in them; close and init
//   between packets, pressed while a packet is under way; a FIN's phantom byte once, also when close comes twice.
//   The send side's read port is asked every cycle: the tail is exactly what was taken until the cycle before, and the bytes
//   before it are in the ring when an assembler could read them, three cycles later. One wake-up for each packet and close.
`default_nettype none
`include "tb.svh"
module writer_check #(
    parameter int DataW = 512,
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
  localparam int N = 16;
  localparam int Ring = 4096;
  localparam int AddrW = 4 + 12 - LgB - 1;

  logic rst_n = 1'b0;
  logic idle, in_valid = 1'b0, in_ready, in_last = 1'b0, ctl_valid = 1'b0, ctl_ready, ctl_init = 1'b0, we, wake;
  logic rd_en = 1'b0, rd_fin, rd_en_q = 1'b0;
  logic [11:0] in_flow = 0, ctl_flow = 0, wake_flow;
  logic [DataW-1:0] in_data = 0, wdata, rdata0, rdata1;
  logic [LgB:0] in_nbytes = 0, stat_bytes;
  logic [31:0] ctl_seq = 0, rd_tail;
  logic [AddrW-1:0] waddr0, waddr1, raddr0, raddr1;
  logic [B-1:0] be0, be1;
  logic [3:0] rd_flow = 0;
  logic ring_re = 1'b0;

  tx_writer #(.DataW(DataW), .NumFlows(N), .TxBufBytes(Ring)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .in_valid_i(in_valid), .in_ready_o(in_ready), .in_flow_i(in_flow),
      .in_data_i(in_data), .in_nbytes_i(in_nbytes), .in_last_i(in_last), .ctl_valid_i(ctl_valid), .ctl_ready_o(ctl_ready),
      .ctl_init_i(ctl_init), .ctl_flow_i(ctl_flow), .ctl_seq_i(ctl_seq), .ring_we_o(we), .ring_addr0_o(waddr0),
      .ring_addr1_o(waddr1), .ring_be0_o(be0), .ring_be1_o(be1), .ring_data_o(wdata), .wake_o(wake),
      .wake_flow_o(wake_flow), .rd_en_i(rd_en), .rd_flow_i(rd_flow), .rd_tail_o(rd_tail), .rd_fin_o(rd_fin),
      .stat_bytes_o(stat_bytes));
  ring_mem #(.DataW(DataW), .AddrW(AddrW)) u_mem (
      .clk_i(clk_i), .we_i(we), .waddr0_i(waddr0), .waddr1_i(waddr1), .wbe0_i(be0), .wbe1_i(be1), .wdata_i(wdata),
      .re_i(ring_re), .raddr0_i(raddr0), .raddr1_i(raddr1), .rdata0_o(rdata0), .rdata1_o(rdata1));

  // --- model ----------------------------------------------------------------------------------------------------------
  logic [31:0] m_tail [0:N-1];            // behind the last packet taken
  logic [31:0] m_start [0:N-1];           // where the flow's bytes begin
  logic m_fin [0:N-1];
  logic [7:0] m_byte [0:N*Ring-1];
  logic [N-1:0] m_init = '0;
  logic [31:0] at;                        // next byte of the packet under way
  logic in_packet = 1'b0;
  logic want_wake = 1'b0;
  logic [3:0] want_flow = 0;
  int want_bytes = 0, total = 0, stat_total = 0;
  // The read pipeline: D in cycle 0, tail in 1, ring read in 3, data in 4. A check of the last bytes before that tail.
  logic [31:0] exp_tail, t1, t2, t3, from;
  logic exp_fin, v1 = 1'b0, v2 = 1'b0, v3 = 1'b0, v4 = 1'b0;
  logic [3:0] f0, f1, f2, f3, f4;
  int have1, have2, have3, have4;
  logic [31:0] tail4;
  int left = 0, pkt = 0, n = 0, k, packets = 0, wraps = 0, ring_wraps = 0, closes = 0, inits = 0, reads = 0, waited = 0, w;
  logic [31:0] line;
  logic [3:0] f, pf = 0;          // pf: flow of the packet at the input
  logic [63:0] r = Seed;
  logic [7:0] got;
  logic [DataW-1:0] beat;
  logic stop = 1'b0, twice = 1'b0;

  initial for (int i = 0; i < N; i++) begin m_tail[i] = 0; m_start[i] = 0; m_fin[i] = 1'b0; end

  // Bytes of flow id that are the model's: at most what the line before the tail can show.
  function automatic int have_of(input logic [31:0] a, input logic [31:0] b);
    have_of = (a - b > 32'(B)) ? B : int'(a - b);
  endfunction

  always @(posedge clk_i) begin
    n <= n + 1;
    rst_n <= n > 2;
    if (n > 4 && !done_o) begin
      // --- wake-ups and statistics: in the cycle after
      `CHECK(wake === want_wake, "one wake-up for each packet and close, in the next cycle")
      if (wake) begin `CHECK(wake_flow === {8'd0, want_flow}, "wake-up of the flow") end
      `CHECK(int'(stat_bytes) == want_bytes, "bytes counted")
      stat_total = stat_total + int'(stat_bytes);
      want_wake = 1'b0;
      want_bytes = 0;
      `CHECK(in_ready === (in_packet || !ctl_valid) && ctl_ready === !in_packet, "control between packets, and first")
      // --- read port
      v4 = v3; f4 = f3; tail4 = t3; have4 = have3;
      v3 = v2; f3 = f2; t3 = t2; have3 = have2;
      v2 = v1; f2 = f1; t2 = t1; have2 = have1;
      if (v4) begin
        for (int i = 0; i < B; i++) begin
          if (i < have4) begin
            line = tail4 - 32'd1 - 32'(i);
            got = line[LgB] ? rdata1[8*line[LgB-1:0] +: 8] : rdata0[8*line[LgB-1:0] +: 8];
            if (got !== m_byte[{f4, line[11:0]}]) begin `CHECK(1'b0, "bytes before the tail are in the ring") end
          end
        end
        reads = reads + 1;
      end
      v1 = 1'b0;
      if (rd_en_q) begin
        `CHECK(rd_tail === exp_tail && rd_fin === exp_fin, "tail and FIN as taken until the cycle before")
        v1 = 1'b1;
        f1 = f0;
        t1 = rd_tail - 32'(rd_fin);
        have1 = have_of(t1, from);
      end
      rd_en_q <= rd_en && m_init[rd_flow];
      if (rd_en) begin
        f0 = rd_flow;
        from = m_start[rd_flow];
        exp_tail = m_tail[rd_flow] + 32'(m_fin[rd_flow]);
        exp_fin = m_fin[rd_flow];
      end
      // --- taken in this cycle
      if (ctl_valid && ctl_ready) begin
        f = ctl_flow[3:0];
        if (ctl_init) begin
          m_tail[f] = ctl_seq;
          m_start[f] = ctl_seq;
          m_fin[f] = 1'b0;
          m_init[f] = 1'b1;
          inits = inits + 1;
        end else begin
          m_fin[f] = 1'b1;
          want_wake = 1'b1;
          want_flow = f;
          closes = closes + 1;
        end
        ctl_valid <= 1'b0;
      end
      if (ctl_valid && !ctl_ready) waited = waited + 1;
      if (in_valid && in_ready) begin
        f = in_flow[3:0];
        if (!in_packet) at = m_tail[f];
        for (int i = 0; i < B; i++) begin
          if (i < int'(in_nbytes)) begin
            line = at + 32'(i);
            m_byte[{f, line[11:0]}] = in_data[8*i +: 8];
          end
        end
        line = at + 32'(in_nbytes);
        if (line < at) wraps = wraps + 1;
        if (line[11:0] < at[11:0]) ring_wraps = ring_wraps + 1;
        at = line;
        want_bytes = int'(in_nbytes);
        total = total + int'(in_nbytes);
        in_packet = !in_last;
        if (in_last) begin
          m_tail[f] = at;
          want_wake = 1'b1;
          want_flow = f;
          packets = packets + 1;
        end
        left = left - int'(in_nbytes);
        in_valid <= 1'b0;
      end
      // --- stimulus
      r = rnd64(r);
      stop = n > 6000;
      if (n < 5 + 2 * N) begin
        if (!ctl_valid) begin
          ctl_valid <= 1'b1;
          ctl_init <= 1'b1;
          ctl_flow <= 12'((n - 5) / 2);
          ctl_seq <= r[0] ? 32'hffff_ffff - 32'(r[12:1]) : r[44:13];
        end
      end else begin
        // Payload: full lanes but in the last beat; sometimes a gap inside a packet.
        if ((!in_valid || in_ready) && (r[2:0] != 0) && !(stop && left == 0)) begin
          if (left == 0) begin
            pf = r[6:3];
            in_flow <= {8'd0, pf};
            if (!m_init[r[6:3]] || m_fin[r[6:3]] || (ctl_valid && !ctl_ready && ctl_flow[3:0] == r[6:3])) left = 0;
            else left = (r[8:7] == 0) ? 1 + int'(r[10:9]) : (r[8:7] == 1) ? B * (1 + int'(r[10:9])) : 1 + int'(r[16:9]);
          end
          if (left > 0) begin
            for (int i = 0; i < DataW / 64; i++) begin
              r = rnd64(r);
              beat[64*i +: 64] = r;
            end
            in_data <= beat;
            in_valid <= 1'b1;
            in_nbytes <= (left >= B) ? (LgB + 1)'(B) : (LgB + 1)'(left);
            in_last <= left <= B;
          end
        end
        // Close and a new life; a flow that has closed gets no more payload.
        r = rnd64(r);
        if ((!ctl_valid || ctl_ready) && !stop && r[4:0] == 0) begin
          f = r[8:5];
          if (!((left > 0 || in_packet) && pf == f)) begin
            ctl_valid <= 1'b1;
            ctl_flow <= {8'd0, f};
            ctl_init <= m_fin[f] && r[9];
            ctl_seq <= r[10] ? 32'hffff_ffff - 32'(r[22:11]) : r[54:23];
            if (m_fin[f] && !r[9]) twice = 1'b1;
          end
        end
        // Reads: often of the flow that is being written.
        rd_en <= r[60] || r[61];
        rd_flow <= r[62] ? want_flow : r[63] ? in_flow[3:0] : r[59:56];
      end
      // The ring read of the tail seen two cycles ago: the lines that end at the byte before it.
      ring_re <= v2;
      if (v2) begin
        line = t2 - 32'(B);
        raddr0 <= {f2, 12'(line + 32'(B) * 32'(line[LgB]))} >> (LgB + 1);
        raddr1 <= {f2, 12'(line)} >> (LgB + 1);
      end
      if (n == 6100) begin
        `CHECK(idle && !in_packet && total == stat_total, "idle, all counted")
        `CHECK(packets > 300 && wraps > 1 && ring_wraps > 4 && closes > 40 && inits > 40 && waited > 10 && twice && reads > 1000, "exercised")
        if (errors_o != 0) $display("packets %0d wraps %0d %0d closes %0d inits %0d waited %0d reads %0d", packets, wraps, ring_wraps, closes, inits, waited, reads);
        done_o <= 1'b1;
      end
    end
  end
endmodule

`BENCH(tx_writer_tb)
  logic done512, done64;
  logic [31:0] errors512, errors64;
  writer_check #(.DataW(512), .Seed(64'h3c6e_f372_fe94_f82b)) u_512 (
      .clk_i(clk_i), .done_o(done512), .errors_o(errors512));
  writer_check #(.DataW(64), .Seed(64'h510e_527f_ade6_82d1)) u_64 (
      .clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o <= errors512 + errors64;
    done_o <= done512 && done64;
  end
`BENCH_END
`default_nettype wire
