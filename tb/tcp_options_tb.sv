// SPDX-License-Identifier: Apache-2.0
// tcp_options against a model that reads a list byte by byte, as RFC 9293 section 3.1 has it. Lists every cycle and with gaps, of
// 0 to 40 bytes: the usual layouts; the same with one byte changed, cut or longer than they need; NOPs alone; options of two bytes
// alone; random options with good and bad lengths, duplicates, ends in the middle; noise made of kinds and lengths that mean
// something; bytes behind the list are noise. Every answer once, in order: at once for a usual layout with nothing ahead, else 5
// cycles later.
`default_nettype none
`include "tb.svh"
`BENCH(tcp_options_tb)
  localparam int OptW = 324;
  localparam int Lists = 3000;
  logic rst_n = 1'b0, in_valid = 1'b0, out_valid;
  logic [319:0] in_bytes = '0;
  logic [5:0] in_len = 0;
  logic [OptW-1:0] out;
  tcp_options u_dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid), .in_bytes_i(in_bytes), .in_len_i(in_len), .out_valid_o(out_valid),
      .out_o(out));

  logic [63:0] r = 64'h0f0e_1d2c_3b4a_5968;
  logic [7:0] b [0:47];
  int len = 0, at = 0, l = 0, kind = 0;

  // --- lists --------------------------------------------------------------------------------------------------------
  task automatic stamp;                    // at `at`
    b[at] = 8'd1; b[at+1] = 8'd1; b[at+2] = 8'd8; b[at+3] = 8'd10;
    at = at + 12;
  endtask
  task automatic blocks(input int n);
    b[at] = 8'd1; b[at+1] = 8'd1; b[at+2] = 8'd5; b[at+3] = 8'(2 + 8 * n);
    at = at + 4 + 8 * n;
  endtask

  task automatic make;
    for (int i = 0; i < 6; i++) begin
      r = rnd64(r);
      for (int j = 0; j < 8; j++) b[8*i + j] = r[8*j +: 8];
    end
    r = rnd64(r);
    at = 0;
    kind = int'(r[2:0]);
    case (kind)
      0, 1: begin                          // usual, and nearly
        if (r[3]) stamp;
        if (r[4] || at == 0) blocks(1 + int'(r[6:5]) % (at == 0 ? 4 : 3));
        len = at;
        if (kind == 1) begin
          if (r[8:7] == 0) b[r[14:9] % 6'd40] = r[22:15];
          if (r[8:7] == 1) b[r[10:9]] = {5'd0, r[17:15]};
          if (r[8:7] == 2) len = 4 * int'(r[14:9] % 6'd11);
          if (r[8:7] == 2 && r[16:15] == 0) begin          // behind a short list it looks as if one went on
            len = 8;
            at = 0;
            stamp;
            blocks(7);
          end
          if (r[8:7] == 3 && len < 40) begin
            len = len + 4;
            for (int i = 0; i < 4; i++) b[len - 1 - i] = {7'd0, r[9]};
          end
        end
      end
      2: begin                             // one kind alone, something at its end
        len = 4 * int'(r[9:6] % 4'd11);
        for (int i = 0; i < len; i++) b[i] = r[3] ? 8'd1 : (i % 2 == 0) ? 8'd4 : 8'd2;
        if (len >= 16 && r[4]) begin
          b[len - 10] = r[5] ? 8'd8 : 8'd5;
          b[len - 9] = 8'd10;
        end
      end
      3: begin                             // noise of what means something
        len = 4 * int'(r[9:6] % 4'd11);
        for (int i = 0; i < 40; i++) begin
          r = rnd64(r);
          case (r[3:0])
            0, 1, 2: b[i] = 8'd1;
            3, 4: b[i] = 8'd5;
            5, 6: b[i] = 8'd8;
            7, 8, 9: b[i] = 8'd10;
            10: b[i] = 8'd2;
            11: b[i] = 8'd18;
            12: b[i] = (r[6:4] == 0) ? 8'd0 : 8'd3;
            default: ;
          endcase
        end
      end
      default: begin                       // options one after another
        len = 4 * int'(r[9:6] % 4'd11);
        while (at < len) begin
          r = rnd64(r);
          case (r[3:0])
            0, 1, 2, 3: begin b[at] = 8'd1; l = 1; end
            4, 5, 6, 7: begin b[at] = 8'd8; b[at+1] = 8'd10; l = 10; end
            8, 9, 10: begin b[at] = 8'd5; l = 2 + 8 * (1 + int'(r[5:4])); b[at+1] = 8'(l); end
            11: begin b[at] = 8'd5; l = 2 + int'(r[9:4] % 6'd38); b[at+1] = 8'(l); end
            12: begin b[at] = 8'd8; l = 2 + int'(r[9:4] % 6'd16); b[at+1] = 8'(l); end
            13: begin b[at] = r[13:6]; l = 2 + int'(r[5:4]); b[at+1] = 8'(l); end
            14: begin b[at] = 8'd2; l = 4; b[at+1] = 8'd4; end
            default: begin b[at] = r[8:4] == 0 ? 8'd0 : 8'd253; l = 2 + int'(r[5:4]); b[at+1] = (r[12:9] == 0) ? r[20:13] : 8'(l); end
          endcase
          at = at + l;
        end
      end
    endcase
  endtask

  // --- model --------------------------------------------------------------------------------------------------------
  function automatic logic [31:0] get32(input int i);
    get32 = {b[i], b[i+1], b[i+2], b[i+3]};
  endfunction
  logic ts, going, usual;
  logic [63:0] tsv;
  logic [255:0] blk;
  int n, p, ol, two = 0;
  task automatic read;
    ts = 1'b0;
    tsv = '0;
    blk = '0;
    n = 0;
    p = 0;
    going = 1'b1;
    while (going && p < len) begin
      if (b[p] == 8'd0) going = 1'b0;
      else if (b[p] == 8'd1) p = p + 1;
      else if (len - p < 2) going = 1'b0;
      else begin
        ol = int'(b[p+1]);
        if (ol < 2 || ol > len - p) going = 1'b0;
        else begin
          if (b[p] == 8'd8 && ol == 10) begin
            if (ts) two = two + 1;
            ts = 1'b1;
            tsv = {get32(p + 2), get32(p + 6)};
          end
          if (b[p] == 8'd5 && ol > 2 && ol <= 34 && ol % 8 == 2) begin
            if (n != 0) two = two + 1;
            n = ol / 8;
            blk = '0;
            for (int i = 0; i < n; i++) blk[255 - 64*i -: 64] = {get32(p + 2 + 8*i), get32(p + 6 + 8*i)};
          end
          p = p + ol;
        end
      end
    end
    // What RFC 7323 appendix A recommends: known at once.
    usual = 1'b0;
    p = 0;
    if (len >= 12 && get32(0) == 32'h0101_080a) p = 12;
    if (p == 12 && len == 12) usual = 1'b1;
    for (int i = 0; i <= 4; i++)
      if (len == p + 4 + 8 * i && get32(p) == {24'h01_0105, 8'(2 + 8 * i)}) usual = 1'b1;
  endtask

  // --- drive and compare --------------------------------------------------------------------------------------------
  logic [OptW-1:0] queue [0:15];
  int due [0:15];
  int put = 0, got = 0, cycle = 0, lists = 0, quick = 0, with_ts = 0, with_sack = 0, none = 0, last_slow = -100, after = 0;
  logic [OptW-1:0] want = '0;
  logic want_usual = 1'b0;

  always @(posedge clk_i) begin
    cycle <= cycle + 1;
    rst_n <= cycle > 1;
    if (cycle > 3) begin
      // The list at the input is expected now, or five cycles from now.
      if (in_valid) begin
        queue[put % 16] = want;
        due[put % 16] = cycle + 5;
        if (want_usual && cycle > last_slow + 5) begin
          due[put % 16] = cycle;
          quick = quick + 1;
        end else last_slow = cycle;
        put = put + 1;
      end
      `CHECK(out_valid === (put != got && due[got % 16] == cycle), "an answer when it is due")
      if (out_valid && put != got) begin
        `CHECK(out === queue[got % 16], "what the options say")
        if (out !== queue[got % 16] && errors_o < 10) $display("  got %h\n want %h", out, queue[got % 16]);
        got = got + 1;
      end
      r = rnd64(r);
      in_valid <= 1'b0;
      if (lists < Lists && (lists % 512 < 256 || r[2:0] == 0)) begin
        make;
        read;
        want = {ts, tsv, 3'(n), blk};
        want_usual = usual;
        if (ts) with_ts = with_ts + 1;
        if (n != 0) with_sack = with_sack + 1;
        if (!ts && n == 0) none = none + 1;
        lists = lists + 1;
        in_valid <= 1'b1;
        in_len <= 6'(len);
        for (int i = 0; i < 40; i++) in_bytes[8*i +: 8] <= b[i];
      end
      if (lists == Lists && !in_valid) after = after + 1;
      if (after == 12) begin
        `CHECK(put == got && quick > 100 && with_ts > 500 && with_sack > 500 && none > 250 && two > 25, "exercised")
        if (errors_o != 0) $display("%0d quick, %0d ts, %0d sack, %0d none, %0d twice", quick, with_ts, with_sack, none, two);
        done_o <= 1'b1;
      end
    end
  end
`BENCH_END
`default_nettype wire
