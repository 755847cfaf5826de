// SPDX-License-Identifier: Apache-2.0
// rx_reader at 512 and 64 bits on a ring memory whose bytes are a function of flow and place. Random consume commands, back to
// back on the same flow and on neighbours, any offset, lengths from one byte to the whole ring, over the wrap of the ring and
// of 2^32; back-pressure on the payload and on the read events. Checked: every byte and its order, full lanes but in the last
// beat, last, flow; a stalled beat holds; one read event a command, in order, after the pointer moved; the pointer is never
// ahead of the commands and never behind an event; init sets it.
`default_nettype none
`include "tb.svh"
module rx_reader_check #(
    parameter int DataW = 512,
    parameter int RxBufBytes = 1024,
    parameter logic [63:0] Seed = 64'd1
) (
    input  wire logic clk_i,
    output logic done_o,
    output logic [31:0] errors_o
);
  localparam int NumFlows = 16;
  localparam int B = DataW / 8;
  localparam int LgB = $clog2(B);
  localparam int AddrW = 4 + $clog2(RxBufBytes) - LgB - 1;
  localparam int Lines = RxBufBytes / B / 2;
  localparam int Q = 64;
  localparam int Last = 7000;
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction
  function automatic logic [7:0] byte_at(input logic [31:0] flow, input logic [31:0] place);
    logic [31:0] x;
    x = (flow * 32'd65537 + place + 32'd1) * 32'd2654435761;
    byte_at = x[15:8] ^ x[31:24];
  endfunction

  logic rst_n = 1'b0, idle, c_valid = 0, c_ready, init = 0, ring_re, out_valid, out_ready = 0, out_last, rev_valid, rev_ready = 0;
  logic rd_en = 0, rd_q = 0;
  logic [11:0] c_flow = 0, out_flow, rev_flow;
  logic [31:0] c_len = 0, rd_consumed;
  logic [AddrW-1:0] addr0, addr1;
  logic [DataW-1:0] rdata0, rdata1, out_data;
  logic [LgB:0] out_nbytes;
  logic [3:0] rd_flow = 0, rd_flow_q = 0;
  rx_reader #(.DataW(DataW), .NumFlows(NumFlows), .RxBufBytes(RxBufBytes)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .idle_o(idle), .cmd_valid_i(c_valid), .cmd_ready_o(c_ready), .init_i(init),
      .flow_i(c_flow), .len_i(c_len), .ring_re_o(ring_re), .ring_addr0_o(addr0), .ring_addr1_o(addr1),
      .ring_rdata0_i(rdata0), .ring_rdata1_i(rdata1), .out_valid_o(out_valid), .out_ready_i(out_ready),
      .out_flow_o(out_flow), .out_data_o(out_data), .out_nbytes_o(out_nbytes), .out_last_o(out_last),
      .read_valid_o(rev_valid), .read_ready_i(rev_ready), .read_flow_o(rev_flow), .rd_en_i(rd_en), .rd_flow_i(rd_flow),
      .rd_consumed_o(rd_consumed));

  // Commands accepted, by number: flow, first sequence number, length.
  logic [11:0] q_flow [0:Q-1];
  logic [31:0] q_seq [0:Q-1];
  logic [31:0] q_len [0:Q-1];
  logic [31:0] ahead [0:NumFlows-1];      // pointer behind all accepted commands
  logic [31:0] told [0:NumFlows-1];       // pointer as of the last read event (or init)
  logic [15:0] known = '0;
  int put = 0;
  int got = 0;
  int events = 0;
  logic [31:0] off = 0, want, behind;
  logic [63:0] r = Seed;
  logic [63:0] s = ~Seed;
  logic hold_q = 0, init_q = 0;
  logic [DataW+LgB+13:0] out_q;
  int cycle = 0;
  int wraps = 0;
  int stalls = 0;
  int beats = 0;
  logic [3:0] f;

  always @(posedge clk_i) begin
    r <= rnd64(r);
    s <= rnd64(s);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (rst_n) begin
      // Ring memory.
      if (ring_re) begin
        for (int i = 0; i < B; i++) begin
          rdata0[8*i +: 8] <= byte_at(32'(addr0) / Lines, (32'(addr0) % Lines) * (2 * B) + 32'(i));
          rdata1[8*i +: 8] <= byte_at(32'(addr1) / Lines, (32'(addr1) % Lines) * (2 * B) + 32'(B + i));
        end
      end

      // Payload out.
      if (hold_q) begin `CHECK(out_valid && out_q === {out_flow, out_last, out_nbytes, out_data}, "payload holds") end
      hold_q <= out_valid && !out_ready;
      if (out_valid && !out_ready) stalls = stalls + 1;
      out_q <= {out_flow, out_last, out_nbytes, out_data};
      if (out_valid && out_ready) begin
        beats = beats + 1;
        `CHECK(got < put, "payload without a command")
        want = q_len[got % Q] - off;
        `CHECK(out_flow === q_flow[got % Q], "flow")
        `CHECK(out_last === (want <= 32'(B)), "last")
        `CHECK(32'(out_nbytes) === ((want <= 32'(B)) ? want : 32'(B)), "nbytes")
        for (int i = 0; i < B; i++) if (32'(i) < want) begin
          `CHECK(out_data[8*i +: 8] === byte_at(32'(q_flow[got % Q]), (q_seq[got % Q] + off + 32'(i)) & 32'(RxBufBytes - 1)), "byte")
        end
        off = off + 32'(B);
        if (off >= q_len[got % Q]) begin
          off = 0;
          got = got + 1;
        end
      end

      // The pointer's read port: at least what was told, at most what was asked for.
      if (rd_q && known[rd_flow_q] && !init_q) begin
        behind = rd_consumed - told[rd_flow_q];
        want = ahead[rd_flow_q] - told[rd_flow_q];
        `CHECK(behind <= want, "pointer")
      end
      init_q <= c_valid && c_ready && init;                                  // a read of that cycle sees the old one
      rd_q <= rd_en;
      rd_flow_q <= rd_flow;
      rd_en <= s[0];
      rd_flow <= (s[1] && rev_valid) ? rev_flow[3:0] : s[5:2];

      // Read events. The pointer is read a cycle after, so `told` moves when the event is taken.
      if (rev_valid && rev_ready) begin
        `CHECK(events < put && rev_flow === q_flow[events % Q], "read event")
        told[rev_flow[3:0]] = q_seq[events % Q] + q_len[events % Q];
        events = events + 1;
      end
      rev_ready <= (cycle[10:9] == 2'd1) ? s[9:6] == 4'd0 : (cycle[10:9] == 2'd2) || s[6];

      // Commands.
      if (c_valid && c_ready) begin
        f = c_flow[3:0];
        if (init) begin
          ahead[f] = c_len;
          told[f] = c_len;
        end else begin
          q_flow[put % Q] = c_flow;
          q_seq[put % Q] = ahead[f];
          q_len[put % Q] = c_len;
          if (ahead[f] + c_len < ahead[f]) wraps = wraps + 1;
          ahead[f] = ahead[f] + c_len;
          put = put + 1;
        end
      end
      if (!c_valid || c_ready) begin
        c_valid <= 1'b0;
        init <= 1'b0;
        if (cycle < 8 + 16 * 2) begin                                        // every flow's first value
          if (known != '1) begin
            c_valid <= 1'b1;
            init <= 1'b1;
            for (int i = 15; i >= 0; i--) if (!known[i]) f = 4'(i);
            known[f] = 1'b1;
            ahead[f] = '0;
            told[f] = '0;
            c_flow <= 12'(f);
            c_len <= 32'hffff_ffff - 32'(r[8:0]);
          end
        end else if (put - got < Q - 2 && put - events < Q - 2 && cycle < Last - 400 && (cycle[7] || r[0])) begin
          c_valid <= 1'b1;
          c_flow <= r[1] ? c_flow : r[2] ? {11'd2, r[3]} : {8'd0, r[7:4]};
          case (r[10:8])
            3'd0: c_len <= 32'd1 + 32'(r[11 +: $clog2(RxBufBytes)]);
            3'd1: c_len <= 32'(B);
            3'd2: c_len <= 32'(B) + 32'd1;
            3'd3: c_len <= 32'd1;
            default: c_len <= 32'd1 + 32'(r[11 +: LgB + 1]);
          endcase
        end else if (put == got && put == events && idle && r[6:0] == 7'd0) begin // a new life of a flow
          c_valid <= 1'b1;
          init <= 1'b1;
          c_flow <= {8'd0, r[10:7]};
          c_len <= r[63:32];
        end
      end
      out_ready <= (cycle[8:7] == 2'd1) ? s[18:16] == 3'd0 : (cycle[8:7] == 2'd2) || s[16];
    end
    if (cycle == Last) begin
      `CHECK(idle === 1'b1 && put == got && put == events, "all done")
      `CHECK(put > 500 && wraps > 10 && stalls > 500 && beats > 1000, "exercised")
      done_o <= 1'b1;
    end
  end
endmodule

`BENCH(rx_reader_tb)
  logic done512, done64;
  logic [31:0] errors512, errors64;
  rx_reader_check #(.DataW(512), .RxBufBytes(1024), .Seed(64'h1618_0339_8874_9894)) u_512 (
      .clk_i(clk_i), .done_o(done512), .errors_o(errors512));
  rx_reader_check #(.DataW(64), .RxBufBytes(128), .Seed(64'h5772_1566_4901_5328)) u_64 (
      .clk_i(clk_i), .done_o(done64), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o = errors512 + errors64;
    done_o <= done512 && done64;
  end
`BENCH_END
`default_nettype wire
