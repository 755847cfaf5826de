// SPDX-License-Identifier: Apache-2.0
// Wire -> verified frames: parses Ethernet II, IPv4 and TCP headers, verifies both checksums, and commits or drops the
// whole frame in the frame FIFO behind it. TCP options go out as they are: reading them takes its time (rx_descs).
//
//     beat ->[S1: header window, masked word sum]->[S2: frame sum, verdict]-> frame FIFO write + commit/drop, descriptor
//
//   offset  field (network order)              offset  field
//        0  destination MAC      6 bytes           34  TCP source port, destination port
//        6  source MAC           6                 38  sequence number
//       12  ethertype            2                 42  acknowledgment number
//       14  version, IHL         1                 46  data offset (4 bits), flags
//       16  total length         2                 48  window
//       18  id, flags+fragment   4                 50  checksum, urgent pointer
//       22  TTL, protocol, sum   4                 54  options
//       26  source, destination  8
//
// Latency 2 cycles from a frame's last beat to its descriptor; one beat a cycle, also with one-beat frames back to back.
// A MAC cannot be held: there is no ready. What finds no room is dropped whole, under RxDropFifoFull.
`default_nettype none
`include "nic_types.svh"
module rx_parser #(
    parameter int DataW = 512,
    parameter int LgB = $clog2(DataW / 8)
) (
    input  wire logic             clk_i,
    input  wire logic             rst_ni,
    // Configuration: static while frames pass.
    input  wire logic [47:0]      mac_i,
    input  wire logic [13:0]      max_frame_i,   // longest frame taken, bytes without FCS
    // Receive stream: bytes from lane 0 upwards; nbytes_i of them in the last beat, all in the others.
    input  wire logic             valid_i,
    input  wire logic [DataW-1:0] data_i,
    input  wire logic [LgB:0]     nbytes_i,
    input  wire logic             last_i,
    // Frame FIFO: one beat; with its last either commit (and the descriptor) or drop.
    output logic                  w_valid_o,
    output logic [DataW-1:0]      w_data_o,
    output logic                  w_commit_o,
    output logic                  w_drop_o,
    input  wire logic             w_full_i,      // no room for the beat offered now, or for a descriptor
    output rx_desc_t              desc_o,        // valid with w_commit_o; its options are not read (rx_descs does)
    output logic [319:0]          opt_bytes_o,   // valid with w_commit_o of RxLookup: the TCP options, in lanes
    output logic [5:0]            opt_len_o,
    // Every frame once, at its end.
    output logic                  stat_valid_o,
    output logic [4:0]            stat_class_o,
    output logic                  idle_o
);
  localparam int B = DataW / 8;
  localparam int HdrBeats = (96 + B - 1) / B;
  localparam int HdrW = HdrBeats * DataW;

  // --- S0 -> S1: collect the header window, count -------------------------------------------------------------------
  logic [10:0] beat_q;                    // index of the beat at the input, saturating
  logic over_q;                           // the frame at the input is longer than any we take
  logic [HdrW-1:0] hdr_q;
  logic s1_valid_q, s1_last_q, s1_over_q;
  logic [DataW-1:0] s1_data_q;
  logic [LgB:0] s1_nbytes_q;
  logic [10:0] s1_beat_q;
  logic [17:0] end_of_beat;               // bytes of the frame up to and with this beat

  assign end_of_beat = 18'({beat_q, {LgB{1'b0}}}) + (last_i ? 18'(nbytes_i) : 18'(B));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      s1_valid_q <= 1'b0;
      beat_q <= '0;
      over_q <= 1'b0;
    end else begin
      s1_valid_q <= valid_i;
      if (valid_i) begin
        beat_q <= last_i ? '0 : (beat_q == '1) ? beat_q : beat_q + 1'b1;
        over_q <= !last_i && (over_q || end_of_beat > 18'(max_frame_i));
      end
    end
    if (valid_i) begin
      for (int i = 0; i < HdrBeats; i++) if (beat_q == 11'(i)) hdr_q[DataW*i +: DataW] <= data_i;
      s1_data_q   <= data_i;
      s1_nbytes_q <= nbytes_i;
      s1_last_q   <= last_i;
      s1_beat_q   <= beat_q;
      s1_over_q   <= over_q || end_of_beat > 18'(max_frame_i);
    end
  end

  // --- S1: fields, masked sum ---------------------------------------------------------------------------------------
  logic [13:0] frame_len, ip_end, tcp_hdr;
  logic [15:0] ethertype, total_len, frag, ip_room;
  logic [3:0] version, ihl, doff;
  logic [7:0] proto;
  logic [47:0] dst_mac;
  logic [39:0] ip_sum;
  logic [16:0] pos;                       // of lane 0 of this beat
  logic [LgB:0] sum_lo, sum_hi;
  logic [DataW-1:0] masked_unused;
  logic [39:0] beat_sum;
  logic [4:0] s1_class;
  rx_desc_t s1_desc;

  // TCP bytes of this beat: frame bytes [34, 14 + total length); Ethernet padding does not count.
  // What follows is under the beat's valid and `last`, so that a simulator has nothing to do in other cycles.
  assign total_len = nic_pkg::swap16(hdr_q[8*16 +: 16]);
  always @* begin
    {ip_end, pos} = 'x;
    sum_lo = '0;
    sum_hi = '0;
    if (s1_valid_q) begin
      ip_end = 14'd14 + total_len[13:0];
      pos    = 17'({s1_beat_q, {LgB{1'b0}}});
      sum_hi = (LgB + 1)'(B);
      if (pos < 17'd34) sum_lo = (17'd34 - pos > 17'(B)) ? (LgB + 1)'(B) : (LgB + 1)'(17'd34 - pos);
      if (17'(ip_end) < pos + 17'(B)) sum_hi = (17'(ip_end) > pos) ? (LgB + 1)'(17'(ip_end) - pos) : '0;
      if (s1_last_q && sum_hi > s1_nbytes_q) sum_hi = s1_nbytes_q;
      if (sum_lo > sum_hi) sum_lo = sum_hi;
    end
  end
  csum_beat #(.DataW(DataW)) u_sum (
      .data_i(s1_data_q), .lo_i(sum_lo), .hi_i(sum_hi), .data_o(masked_unused), .sum_o(beat_sum));

  always @* begin
    {dst_mac, ethertype, ihl, version, frag, proto, doff, frame_len, ip_room, ip_sum} = 'x;
    tcp_hdr  = 'x;
    s1_class = 'x;
    s1_desc  = 'x;
    if (s1_valid_q && s1_last_q) begin
      dst_mac   = nic_pkg::swap48(hdr_q[47:0]);
      ethertype = nic_pkg::swap16(hdr_q[8*12 +: 16]);
      ihl       = hdr_q[8*14 +: 4];
      version   = hdr_q[8*14+4 +: 4];
      frag      = nic_pkg::swap16(hdr_q[8*20 +: 16]);
      proto     = hdr_q[8*23 +: 8];
      doff      = hdr_q[8*46+4 +: 4];
      frame_len = 14'({s1_beat_q, {LgB{1'b0}}}) + 14'(s1_nbytes_q);
      ip_room   = {2'b00, frame_len} - 16'd14;
      tcp_hdr   = {8'd0, doff, 2'b00};
      ip_sum    = '0;
      for (int i = 0; i < 5; i++) ip_sum = ip_sum + 40'(hdr_q[8*14 + 32*i +: 32]);

      // Everything that the header alone decides, in the order in which a layer could be trusted.
      s1_class = RxLookup;
      if (s1_over_q) s1_class = RxDropOversize;
      else if (frame_len < 14'd14) s1_class = RxDropRunt;
      else if (dst_mac != mac_i && !hdr_q[0]) s1_class = RxDropNotOurMac;
      else if (ethertype == 16'h8100 || ethertype == 16'h88a8) s1_class = RxDropVlan;
      else if (ethertype != 16'h0800) s1_class = RxSlowEthertype;
      else if (frame_len < 14'd34) s1_class = RxDropTruncated;
      else if (version != 4'd4 || ihl < 4'd5) s1_class = RxDropIpHeader;
      else if (total_len < 16'({ihl, 2'b00}) || total_len > ip_room) s1_class = RxDropTruncated;
      else if (ihl != 4'd5) s1_class = RxSlowOptions;
      else if (nic_pkg::csum_fold(ip_sum) != 16'hffff) s1_class = RxDropIpCsum;
      else if (frag[13] || frag[12:0] != '0) s1_class = RxSlowFragment;
      else if (proto != 8'd6) s1_class = RxSlowProto;
      else if (total_len < 16'd40) s1_class = RxDropTruncated;
      else if (doff < 4'd5 || tcp_hdr > total_len[13:0] - 14'd20) s1_class = RxDropTcpHeader;

      s1_desc = '0;
      s1_desc.class_id    = s1_class;
      s1_desc.beats       = s1_beat_q + 1'b1;
      s1_desc.frame_len   = frame_len;
      s1_desc.remote_ip   = nic_pkg::swap32(hdr_q[8*26 +: 32]);
      s1_desc.local_ip    = nic_pkg::swap32(hdr_q[8*30 +: 32]);
      s1_desc.remote_port = nic_pkg::swap16(hdr_q[8*34 +: 16]);
      s1_desc.local_port  = nic_pkg::swap16(hdr_q[8*36 +: 16]);
      s1_desc.seq         = nic_pkg::swap32(hdr_q[8*38 +: 32]);
      s1_desc.ack         = nic_pkg::swap32(hdr_q[8*42 +: 32]);
      s1_desc.flags       = hdr_q[8*47 +: 5];
      s1_desc.wnd         = nic_pkg::swap16(hdr_q[8*48 +: 16]);
      s1_desc.pay_len     = total_len[13:0] - 14'd20 - tcp_hdr;
      s1_desc.pay_off     = 7'd34 + tcp_hdr[6:0];
    end
  end

  // --- S2: sum over the frame, decide at its last beat --------------------------------------------------------------
  logic s2_valid_q, s2_last_q, s2_first_q, s2_over_q, lost_q;
  logic [DataW-1:0] s2_data_q;
  logic [39:0] s2_sum_q, acc_q, acc, total;
  logic [31:0] s2_pseudo_q;
  logic [319:0] s2_opt_q;
  logic [5:0] s2_opt_len_q;
  rx_desc_t s2_desc_q;
  logic drop, full;

  always_ff @(posedge clk_i) begin
    s2_valid_q <= rst_ni && s1_valid_q;
    if (s1_valid_q) begin
      s2_data_q  <= s1_data_q;
      s2_last_q  <= s1_last_q;
      s2_first_q <= (s1_beat_q == '0);
      s2_over_q  <= s1_over_q;
      s2_sum_q   <= beat_sum;
      if (s1_last_q) begin
        s2_desc_q    <= s1_desc;
        s2_opt_q     <= hdr_q[8*54 +: 320];
        s2_opt_len_q <= tcp_hdr[5:0] - 6'd20;
        // Pseudo header (RFC 9293 section 3.1), in the lanes' byte order.
        s2_pseudo_q <= 32'(hdr_q[8*26 +: 16]) + 32'(hdr_q[8*28 +: 16]) + 32'(hdr_q[8*30 +: 16]) + 32'(hdr_q[8*32 +: 16])
                     + 32'(16'h0600) + {16'd0, nic_pkg::swap16(total_len - 16'd20)};
      end
    end
  end

  assign full = w_full_i || (lost_q && !s2_first_q);

  always @* begin
    desc_o = s2_desc_q;
    drop   = 1'b0;
    acc    = 'x;
    total  = 'x;
    if (s2_valid_q) acc = (s2_first_q ? 40'd0 : acc_q) + {24'd0, nic_pkg::csum_fold(s2_sum_q)};
    if (s2_valid_q && s2_last_q) begin
      total = acc + 40'(s2_pseudo_q);
      if (s2_desc_q.class_id == RxLookup && nic_pkg::csum_fold(total) != 16'hffff) desc_o.class_id = RxDropTcpCsum;
      if (desc_o.class_id < RxDropRunt && full) desc_o.class_id = RxDropFifoFull;
      drop = (desc_o.class_id >= RxDropRunt);
    end
  end

  assign w_valid_o    = s2_valid_q && !full && !s2_over_q;
  assign w_data_o     = s2_data_q;
  assign w_commit_o   = s2_valid_q && s2_last_q && !drop;
  assign w_drop_o     = s2_valid_q && s2_last_q && drop;
  assign stat_valid_o = s2_valid_q && s2_last_q;
  assign stat_class_o = desc_o.class_id;
  assign opt_bytes_o  = s2_opt_q;
  assign opt_len_o    = s2_opt_len_q;
  assign idle_o       = !s1_valid_q && !s2_valid_q;

  always_ff @(posedge clk_i) begin
    if (s2_valid_q) begin
      acc_q  <= acc;
      lost_q <= full;
    end
  end
endmodule
`default_nettype wire
