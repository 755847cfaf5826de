// SPDX-License-Identifier: Apache-2.0
// rx_parser at 64, 128, 256 and 512 bits against a model that reads the frame byte by byte.
//   Sweeps: a TCP frame cut at every length and padded with non-zero bytes beyond its end; total length 0 to 90 in that frame;
//   data offset and IHL 0 to 15; options of 0 to 40 bytes with payloads of 0 to 5; a bit flipped in every byte; lengths at the
//   edge of the MTU; every header with payload 0 to 200 at 512 bits, 0 to twice the beat at the others, and one of them each
//   with payload 0 to 200 and around 1460. Random frames of every kind, among them each rx_class_e, with no gaps (one-beat frames back to
//   back), with gaps, and with a FIFO that is full now and then, for one beat or many.
//   Checked: each beat as it came, commit or drop and the class once a frame in the right cycle, every descriptor field and
//   byte of options, nothing beside. nbytes_i is random in beats that are not the last, as its contract allows.
`default_nettype none
`include "tb.svh"
`include "nic_types.svh"
module rx_parser_check #(
    parameter int DataW = 512,
    parameter logic [63:0] Seed = 64'd1
) (
    input  wire logic clk_i,
    output logic done_o,
    output logic [31:0] errors_o
);
  localparam int B = DataW / 8;
  localparam int LgB = $clog2(B);
  localparam int Max = 1514;
  localparam int Mixed = 1100;            // frames; then sweeps of header length and payload
  localparam int Pays = (DataW == 512) ? 201 : 2 * B;
  localparam int Cross = Mixed + 11 * Pays;
  localparam int Long = Cross + 201;
  localparam int Total = Long + 3 * 16;   // 1450 to 1465
  localparam logic [47:0] Mac = 48'h02_4c_57_00_00_a7;
  initial begin done_o = 1'b0; errors_o = 0; end
  function automatic logic [63:0] rnd64(input logic [63:0] s);
    logic [63:0] x;
    x = s ^ (s << 13); x = x ^ (x >> 7); x = x ^ (x << 17); rnd64 = x;
  endfunction

  logic rst_n = 1'b0, valid = 1'b0, last = 1'b0, w_valid, w_commit, w_drop, w_full = 1'b0, stat_valid, idle;
  logic [DataW-1:0] data = '0, w_data;
  logic [LgB:0] nbytes = 0;
  logic [4:0] stat_class;
  rx_desc_t desc, e;
  logic [319:0] opt_bytes, opt_mask;
  logic [5:0] opt_len;
  logic [nic_pkg::RxDescW-1:0] bits;
  rx_parser #(.DataW(DataW)) u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .mac_i(Mac), .max_frame_i(14'(Max)), .valid_i(valid), .data_i(data), .nbytes_i(nbytes),
      .last_i(last), .w_valid_o(w_valid), .w_data_o(w_data), .w_commit_o(w_commit), .w_drop_o(w_drop), .w_full_i(w_full),
      .desc_o(desc), .opt_bytes_o(opt_bytes), .opt_len_o(opt_len), .stat_valid_o(stat_valid), .stat_class_o(stat_class), .idle_o(idle));

  // --- the frame: bytes, and how they are made ----------------------------------------------------------------------
  logic [7:0] fb [0:2047];
  int flen = 0;
  logic [63:0] r = Seed;
  logic [63:0] x;

  function automatic logic [15:0] get16(input int i);
    get16 = {fb[i], fb[i+1]};
  endfunction
  function automatic logic [31:0] get32(input int i);
    get32 = {fb[i], fb[i+1], fb[i+2], fb[i+3]};
  endfunction
  task automatic put16(input int i, input logic [15:0] v);
    fb[i] = v[15:8];
    fb[i+1] = v[7:0];
  endtask
  // Ones' complement sum of the bytes [from, to) in network order, folded.
  function automatic logic [15:0] sum(input int from, input int to, input logic [31:0] start);
    logic [31:0] a;
    a = start;
    for (int i = from; i < to; i++) a = a + ((((i - from) % 2) == 0) ? {16'd0, fb[i], 8'd0} : {24'd0, fb[i]});
    a = (a & 32'hffff) + (a >> 16);
    a = (a & 32'hffff) + (a >> 16);
    sum = a[15:0];
  endfunction
  function automatic logic [31:0] pseudo(input int len);
    pseudo = 32'(get16(26)) + 32'(get16(28)) + 32'(get16(30)) + 32'(get16(32)) + 32'd6 + len;
  endfunction
  task automatic ip_csum;
    put16(24, 16'd0);
    put16(24, ~sum(14, 34, 0));
  endtask
  task automatic tcp_csum(input int len);
    put16(50, 16'd0);
    put16(50, ~sum(34, 34 + len, pseudo(len)));
  endtask

  // A good TCP frame with opt words of options and pay bytes, then padding up to `len` bytes if that is longer.
  task automatic good(input int opt, input int pay, input int len);
    flen = 54 + 4 * opt + pay;
    if (len > flen) flen = len;
    for (int i = 0; i < flen + 64; i = i + 1) begin
      if ((i % 8) == 0) x = rnd64(x);
      fb[i] = x[8*(i%8) +: 8];
    end
    for (int i = 0; i < 6; i++) fb[i] = Mac[8*(5-i) +: 8];
    put16(12, 16'h0800);
    fb[14] = 8'h45;
    put16(16, 16'(40 + 4 * opt + pay));
    put16(20, {1'b0, x[0], 14'd0});                                          // DF is nobody's business
    fb[23] = 8'd6;
    ip_csum();
    fb[46] = {4'(5 + opt), x[4:1]};
    tcp_csum(20 + 4 * opt + pay);
  endtask

  int k;
  task automatic make(input int n);
    x = rnd64(r ^ {32'(n), 32'(n)});
    k = n;
    if (k >= Long) good((k - Long) / 16 * 5, 1450 + (k - Long) % 16 - (k - Long) / 16 * 20, 0);
    else if (k >= Cross) good(1 + (k - Cross) * 7 % 10, k - Cross, 0);
    else if (k >= Mixed) good((k - Mixed) / Pays, (k - Mixed) % Pays, 0);
    else if (k < 120) begin good(2, 20, 120); flen = k + 1; end                   // cut or padded: 82 bytes are IP
    else if (k < 186) good((k - 120) / 6, (k - 120) % 6, (x[0]) ? 60 : 0);
    else if (k < 277) begin good(2, 20, x[0] ? 90 : 0); put16(16, 16'(k - 186)); ip_csum(); end
    else if (k < 293) begin good(2, 20, 0); fb[46][7:4] = 4'(k - 277); tcp_csum(48); end
    else if (k < 309) begin good(2, 20, 0); fb[14][3:0] = 4'(k - 293); ip_csum(); end
    else if (k < 313) good(0, 1459 + (k - 309), 0);                           // 1513 to 1516
    else if (k < 317) good(0, 10, 1512 + (k - 313));                          // padded to 1512 to 1515
    else if (k < 318) good(0, 2048 - 54 - 64, 0);
    else if (k < 318 + 164) begin
      good(2, 20, 0);
      fb[(k - 318) / 2] = fb[(k - 318) / 2] ^ (8'd1 << x[42:40]);
    end else begin
      if (k >= 900 && k < 1000) good(x[1:0], 32'(x[3:2]) % (11 - 4 * 32'(x[1:0] % 2)), 60);
      else good(32'(x[11:8]) % 11, (x[16:12] == 5'd0) ? 32'(x[31:17]) % 1400 : 32'(x[31:17]) % 130, (x[32]) ? 60 : 0);
      case (x[44:40])
        5'd0: put16(12, (x[45]) ? 16'h0806 : x[63:48] | 16'h9000);
        5'd1: begin fb[14] = 8'h46 + 8'(x[47:45]); ip_csum(); end
        5'd2: begin put16(20, (x[45]) ? 16'h2000 : 16'h0001 << (x[49:46] % 4'd13)); ip_csum(); end
        5'd3: begin fb[23] = (x[45]) ? 8'd17 : x[53:46]; ip_csum(); end
        5'd4: flen = 1 + 32'(x[49:46]);
        5'd5: if (x[46:45] == 2'd0) good(0, 1461 + 32'(x[48:47]), 0);
        5'd6: fb[0] = fb[0] ^ 8'h04;
        5'd7: fb[5] = fb[5] ^ 8'h01;
        5'd8: fb[0] = x[45] ? 8'hff : 8'h01;
        5'd9: put16(12, x[45] ? 16'h8100 : 16'h88a8);
        5'd10: begin fb[14][7:4] = x[48:45]; ip_csum(); end
        5'd11: put16(24, get16(24) ^ (16'd1 << x[48:45]));
        5'd12: put16(50, get16(50) ^ (16'd1 << x[48:45]));
        5'd13: begin put16(16, {4'd0, x[56:45]}); ip_csum(); end
        5'd14: begin put16(16, get16(16) - 16'(x[47:45])); ip_csum(); end
        5'd15: begin fb[46][7:4] = x[48:45]; tcp_csum(32'(get16(16)) - 20); end
        5'd16: flen = 14 + 32'(x[63:50]) % flen;
        5'd17: fb[x[63:50] % flen] = x[52:45];
        5'd18: begin put16(16, {3'd1, x[57:45]}); ip_csum(); end
        default: ;
      endcase
    end
  endtask

  // --- the model: the class of a frame that finds room ---------------------------------------------------------------
  logic [4:0] cls;
  int total, hdr;
  task automatic classify;
    total = 32'(get16(16));
    hdr = 4 * 32'(fb[46][7:4]);
    if (flen > Max) cls = RxDropOversize;
    else if (flen < 14) cls = RxDropRunt;
    else if (!fb[0][0] && {fb[0], fb[1], fb[2], fb[3], fb[4], fb[5]} != Mac) cls = RxDropNotOurMac;
    else if (get16(12) == 16'h8100 || get16(12) == 16'h88a8) cls = RxDropVlan;
    else if (get16(12) != 16'h0800) cls = RxSlowEthertype;
    else if (flen < 34) cls = RxDropTruncated;
    else if (fb[14][7:4] != 4'd4 || fb[14][3:0] < 4'd5) cls = RxDropIpHeader;
    else if (total < 4 * 32'(fb[14][3:0]) || 14 + total > flen) cls = RxDropTruncated;
    else if (fb[14][3:0] > 4'd5) cls = RxSlowOptions;
    else if (sum(14, 34, 0) != 16'hffff) cls = RxDropIpCsum;
    else if ((get16(20) & 16'h3fff) != 16'd0) cls = RxSlowFragment;
    else if (fb[23] != 8'd6) cls = RxSlowProto;
    else if (total < 40) cls = RxDropTruncated;
    else if (hdr < 20 || 20 + hdr > total) cls = RxDropTcpHeader;
    else if (sum(34, 14 + total, pseudo(total - 20)) != 16'hffff) cls = RxDropTcpCsum;
    else cls = RxLookup;
    e = '0;
    e.class_id = cls;
    e.beats = 11'((flen + B - 1) / B);
    e.frame_len = 14'(flen);
    e.remote_ip = get32(26);
    e.local_ip = get32(30);
    e.remote_port = get16(34);
    e.local_port = get16(36);
    e.seq = get32(38);
    e.ack = get32(42);
    e.wnd = get16(48);
    e.flags = fb[47][4:0];
    e.pay_len = 14'(total - 20 - hdr);
    e.pay_off = 7'(34 + hdr);
  endtask

  // --- drive, and compare two cycles later ----------------------------------------------------------------------------
  logic [nic_pkg::RxDescW-1:0] queue [0:7];
  logic [319:0] opts [0:7];               // of each; with its length
  logic [5:0] opt_lens [0:7];
  int frame = 0;                          // the one being sent
  int sent = 0;                           // its bytes so far
  logic busy = 1'b0;
  logic v1 = 0, v2 = 0, l1 = 0, l2 = 0;
  logic [DataW-1:0] d1, d2;
  logic [2:0] f0, f1, f2;
  int at0 = 0;
  int at1 = 0;
  int at2 = 0;
  logic lost = 1'b0, go;
  logic [31:0] seen = '0;
  int cycle = 0;
  int fulls = 0;
  int after = 0;

  always @(posedge clk_i) begin
    r <= rnd64(r);
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (rst_n) begin
      // What must come out now: the beat of two cycles ago.
      `CHECK(idle === !(v1 || v2), "idle")
      if (v2) begin
        bits = queue[f2];
        e = bits;
        if (at2 == 0) lost = 1'b0;
        lost = lost || w_full;
        if (e.class_id != RxDropOversize) begin
          `CHECK(w_valid === !lost, "a beat is written when there is room")
        end else if (at2 >= Max) begin
          `CHECK(!w_valid, "nothing is written beyond the longest frame")
        end
        if (w_valid) begin `CHECK(w_data === d2, "beat") end
        `CHECK(stat_valid === l2, "one verdict a frame")
        if (l2) begin
          if (e.class_id < RxDropRunt && lost) begin
            e.class_id = RxDropFifoFull;
            fulls = fulls + 1;
          end
          seen[e.class_id] = 1'b1;
          `CHECK(stat_class === e.class_id, "class")
          if (errors_o != 0 && errors_o < 10 && stat_class !== e.class_id)
            $display("  %0d bits, frame of %0d bytes: class %0d, wanted %0d", DataW, e.frame_len, stat_class, e.class_id);
          `CHECK(w_commit === (e.class_id < RxDropRunt) && w_drop === !(e.class_id < RxDropRunt), "commit or drop")
          if (e.class_id < RxDropRunt) begin
            `CHECK(desc.class_id === e.class_id && desc.beats === e.beats && desc.frame_len === e.frame_len, "descriptor: frame")
          end
          if (e.class_id == RxLookup) begin
            `CHECK(desc === e, "descriptor: segment")
            `CHECK(opt_len === opt_lens[f2], "options: length")
            opt_mask = ~({320{1'b1}} << (8 * opt_lens[f2]));
            `CHECK(((opt_bytes ^ opts[f2]) & opt_mask) === 320'd0, "options: bytes")
          end
        end else begin
          `CHECK(!w_commit && !w_drop, "no verdict before the end")
        end
      end else begin
        `CHECK(!w_valid && !w_commit && !w_drop && !stat_valid, "nothing without a beat")
      end
      {v2, l2, d2, f2} <= {v1, l1, d1, f1};
      at2 <= at1;
      {v1, l1, d1, f1} <= {valid, last, data, f0};
      at1 <= at0;

      // The next beat.
      go = (frame < 318) ? r[5:0] != 6'd0 : (frame < 600) ? r[0] : (frame < 700) ? r[2:0] == 3'd0 : (frame < 1000 || frame >= Mixed) ? r[11:6] != 6'd0 || frame < 1000 : r[7:6] != 2'd0;
      valid <= 1'b0;
      last <= r[8];
      nbytes <= r[9 +: LgB + 1];
      if (go && !busy && frame < Total) begin
        make(frame);
        classify();
        queue[frame % 8] = e;
        opt_lens[frame % 8] = 6'(hdr - 20);
        for (int i = 0; i < 40; i++) opts[frame % 8][8*i +: 8] = fb[54 + i];
        busy = 1'b1;
        sent = 0;
      end
      if (go && busy) begin
        valid <= 1'b1;
        at0 <= sent;
        f0 <= 3'(frame);
        for (int i = 0; i < B; i++) data[8*i +: 8] <= (sent + i < flen + 64 && sent + i < 2048) ? fb[sent + i] : 8'h5a;
        last <= 1'b0;
        if (sent + B >= flen) begin
          last <= 1'b1;
          nbytes <= (LgB + 1)'(flen - sent);
          busy = 1'b0;
          frame = frame + 1;
        end
        sent = sent + B;
      end
      w_full <= (frame > 750 && frame < 900) ? ((frame % 8) == 0 ? r[20] : r[24:20] == 5'd0) : (frame > 1050 && frame < Mixed) ? r[25:20] == 6'd0 : 1'b0;
      if (frame == Total && !busy) after = after + 1;
      if (after == 20) begin
        `CHECK(seen === 32'h0003_ff1f, "every class was reached")
        `CHECK(fulls > 20, "exercised")
        if (seen !== 32'h0003_ff1f) $display("  classes %h", seen);
        done_o <= 1'b1;
      end
    end
  end
endmodule

`BENCH(rx_parser_tb)
  logic [3:0] done;
  logic [31:0] errors512, errors256, errors128, errors64;
  rx_parser_check #(.DataW(512), .Seed(64'h0dec_afba_d123_4567)) u_512 (.clk_i(clk_i), .done_o(done[0]), .errors_o(errors512));
  rx_parser_check #(.DataW(256), .Seed(64'h0bad_cafe_5123_4567)) u_256 (.clk_i(clk_i), .done_o(done[1]), .errors_o(errors256));
  rx_parser_check #(.DataW(128), .Seed(64'h0fee_d0d0_a123_4567)) u_128 (.clk_i(clk_i), .done_o(done[2]), .errors_o(errors128));
  rx_parser_check #(.DataW(64), .Seed(64'h0ddc_0ffe_e123_4567)) u_64 (.clk_i(clk_i), .done_o(done[3]), .errors_o(errors64));
  always @(posedge clk_i) begin
    errors_o = errors512 + errors256 + errors128 + errors64;
    done_o <= (done == '1);
  end
`BENCH_END
`default_nettype wire
