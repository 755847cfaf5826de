// SPDX-License-Identifier: Apache-2.0
// Builds a frame's Ethernet, IPv4 and TCP header from what was sampled, with both checksums; layout as in rx_parser.
//
//     sample_i ->[A1: sums of the fields]->[A2: the payload's sum, checksum]-> hdr_o
//
//   options     bytes   (byte for byte segment_emit() in dpi/tcp/segment.c)
//   time stamp  12      NOP NOP 8 10 TSval TSecr               RFC 7323 section 3.2, appendix A
//   SACK        4 + 8n  NOP NOP 5 2+8n start end ...           RFC 2018 section 3
//
// Latency 1 cycle. What was sampled stays in A2 until the next sample, so it waits there for the payload's last beat.
`default_nettype none
`include "nic_types.svh"
module tx_header (
    input  wire logic          clk_i,
    // A1.
    input  wire logic          sample_i,
    input  tx_desc_t           desc_i,
    input  tx_hdr_t            hdr_i,
    input  wire logic [15:0]   id_i,
    input  wire logic [31:0]   ack_i,
    input  wire logic [15:0]   wnd_i,
    input  wire logic          ts_i,          // with a time stamp
    input  wire logic [31:0]   tsval_i,
    input  wire logic [31:0]   tsecr_i,
    input  wire logic [2:0]    n_sack_i,
    input  wire logic [255:0]  blocks_i,      // {start, end} of block i at 64*i; 0 beyond n_sack_i
    // A2.
    input  wire logic          end_i,         // the frame's last step: else hdr_o means nothing
    input  wire logic [15:0]   pay_sum_i,     // of the whole payload, as its first byte were the upper half of a word
    output logic [8*94-1:0]    hdr_o,         // in lanes; 0 beyond hdr_len_o
    output logic [6:0]         hdr_len_o,     // 54..94
    output logic [13:0]        len_o          // payload
);
  // --- A1 -----------------------------------------------------------------------------------------------------------
  logic [6:0] sack_len, opt_len;
  logic [4:0] flags;
  logic [15:0] ip_len, tcp_len, off_flags, sack_word;
  logic [39:0] addr_sum, ip_sum, flow_sum, ack_sum, block_sum;

  // The sums, side by side, each folded before it is kept: the pseudo header and ports, what is acknowledged and the time
  // stamp, the SACK blocks (RFC 1071, RFC 9293 section 3.1).
  always @* begin
    {sack_len, sack_word, opt_len, tcp_len, ip_len, off_flags, flags} = 'x;
    {addr_sum, ip_sum, flow_sum, ack_sum, block_sum} = 'x;
    if (sample_i) begin
      flags = '0;
      flags[nic_pkg::FlagAck] = 1'b1;
      flags[nic_pkg::FlagFin] = (desc_i.kind == TxData) && desc_i.fin;
      flags[nic_pkg::FlagPsh] = (desc_i.kind == TxData) && desc_i.psh;
      flags[nic_pkg::FlagRst] = (desc_i.kind == TxRst);

      sack_len  = (n_sack_i == '0) ? 7'd0 : 7'd4 + {1'b0, n_sack_i, 3'b000};
      sack_word = {8'd5, 2'd0, n_sack_i, 3'd2};         // kind, length
      opt_len   = sack_len + (ts_i ? 7'd12 : 7'd0);
      tcp_len   = 16'd20 + 16'(opt_len) + 16'(desc_i.len);
      ip_len    = 16'd20 + tcp_len;
      off_flags = {4'd5 + opt_len[5:2], 7'd0, flags};

      addr_sum  = 40'(hdr_i.local_ip) + 40'(hdr_i.remote_ip);
      ip_sum    = addr_sum + 40'h4500 + 40'(ip_len) + 40'(id_i) + 40'h4000 + 40'h4006;
      flow_sum  = addr_sum + 40'd6 + 40'(tcp_len) + 40'({hdr_i.local_port, hdr_i.remote_port}) + 40'(desc_i.seq)
                  + 40'(off_flags);
      ack_sum   = 40'(ack_i) + (ts_i ? 40'(tsval_i) + 40'(tsecr_i) + 40'h0101_080a : 40'd0)
                  + ((n_sack_i != '0) ? 40'({16'h0101, sack_word}) : 40'd0);
      block_sum = '0;
      for (int i = 0; i < 8; i++) block_sum = block_sum + 40'(blocks_i[32*i +: 32]);
    end
  end

  // --- A2 -----------------------------------------------------------------------------------------------------------
  tx_hdr_t hdr_q;
  logic [31:0] seq_q, ack_q, tsval_q, tsecr_q;
  logic [15:0] wnd_q, id_q, ip_len_q, off_flags_q, ip_fold_q, flow_fold_q, ack_fold_q, block_fold_q;
  logic [6:0] hdr_len_q;
  logic [2:0] n_sack_q;
  logic [13:0] len_q;
  logic ts_q;
  logic [255:0] blocks_q;

  always_ff @(posedge clk_i) begin
    if (sample_i) begin
      hdr_q        <= hdr_i;
      seq_q        <= desc_i.seq;
      len_q        <= desc_i.len;
      ack_q        <= ack_i;
      wnd_q        <= wnd_i;
      id_q         <= id_i;
      ts_q         <= ts_i;
      tsval_q      <= tsval_i;
      tsecr_q      <= tsecr_i;
      blocks_q     <= blocks_i;
      n_sack_q     <= n_sack_i;
      hdr_len_q    <= 7'd54 + opt_len;
      ip_len_q     <= ip_len;
      off_flags_q  <= off_flags;
      ip_fold_q    <= nic_pkg::csum_fold(ip_sum);
      flow_fold_q  <= nic_pkg::csum_fold(flow_sum);
      ack_fold_q   <= nic_pkg::csum_fold(ack_sum);
      block_fold_q <= nic_pkg::csum_fold(block_sum);
    end
  end

  logic [39:0] tcp_sum;
  logic [15:0] tcp_fold, ip_csum, tcp_csum;
  // Lanes: the first byte is the lowest.
  logic [8*12-1:0] ts_wire;
  logic [8*36-1:0] sack_wire;
  logic [8*40-1:0] opt_wire;

  always @* begin
    {tcp_sum, tcp_fold, ip_csum, tcp_csum, ts_wire, sack_wire, opt_wire} = 'x;
    hdr_o = 'x;
    if (end_i) begin
      tcp_sum  = 40'(flow_fold_q) + 40'(ack_fold_q) + 40'(block_fold_q) + 40'(wnd_q) + 40'(pay_sum_i);
      tcp_fold = nic_pkg::csum_fold(tcp_sum);
      tcp_csum = ~tcp_fold;
      ip_csum  = ~ip_fold_q;

      ts_wire   = {nic_pkg::swap32(tsecr_q), nic_pkg::swap32(tsval_q), 32'h0a08_0101};
      sack_wire = '0;
      if (n_sack_q != '0) sack_wire[31:0] = {2'd0, n_sack_q, 3'd2, 24'h05_0101};
      for (int i = 0; i < 4; i++)
        sack_wire[32 + 64*i +: 64] = {nic_pkg::swap32(blocks_q[64*i +: 32]), nic_pkg::swap32(blocks_q[64*i + 32 +: 32])};
      opt_wire  = ts_q ? {sack_wire[8*28-1:0], ts_wire} : {32'd0, sack_wire};

      hdr_o = {
          opt_wire,
          16'd0,
          nic_pkg::swap16(tcp_csum), nic_pkg::swap16(wnd_q), nic_pkg::swap16(off_flags_q),
          nic_pkg::swap32(ack_q), nic_pkg::swap32(seq_q),
          nic_pkg::swap16(hdr_q.remote_port), nic_pkg::swap16(hdr_q.local_port),
          nic_pkg::swap32(hdr_q.remote_ip), nic_pkg::swap32(hdr_q.local_ip),
          nic_pkg::swap16(ip_csum), 8'd6, 8'd64, 16'h0040, nic_pkg::swap16(id_q),
          nic_pkg::swap16(ip_len_q), 16'h0045,
          16'h0008, nic_pkg::swap48(hdr_q.local_mac), nic_pkg::swap48(hdr_q.remote_mac)};
    end
  end
  assign hdr_len_o = hdr_len_q;
  assign len_o     = len_q;
endmodule
`default_nettype wire
