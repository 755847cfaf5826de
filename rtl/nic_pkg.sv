// SPDX-License-Identifier: Apache-2.0
// Constants and vector functions of the NIC; scripts/gen_layout.py reads the literal localparams for the C side.
`default_nettype none
package nic_pkg;
  localparam int FlowW = 12;              // a flow id on every port, whatever NumFlows is (at most 4096)
  localparam int TupleW = 96;             // {remote_ip, local_ip, remote_port, local_port}
  localparam int LenW = 14;               // bytes of a frame, of a segment
  localparam int BeatsW = 11;             // beats of a frame: 9014 bytes at 8 bytes a beat

  // Widths of the structs in nic_types.svh, by hand because $bits in a parameter is not portable; held against the
  // structs at elaboration (sim/cosim_top.sv) and by scripts/gen_layout.py.
  localparam int RcvCtxW = 649;
  localparam int SndCtxW = 1453;
  localparam int HostCmdW = 507;
  localparam int HostEventW = 114;
  localparam int RxDescW = 556;
  localparam int RxVerdictW = 168;
  localparam int DdSegmentW = 372;
  localparam int DdInW = 145;
  localparam int CcInW = 102;
  localparam int CcOwnW = 193;
  localparam int TxDescW = 98;
  localparam int TxHdrW = 192;
  localparam int RcvMirrorW = 377;
  localparam int SndMirrorW = 64;
  localparam int SentMirrorW = 64;
  localparam int DsackW = 65;
  localparam int RxStatusW = 67;
  localparam int TxStatusW = 35;

  localparam int CsumW = 40;              // running ones' complement sum, unfolded

  // TCP header flags, RFC 9293 section 3.1.
  localparam int FlagFin = 0;
  localparam int FlagSyn = 1;
  localparam int FlagRst = 2;
  localparam int FlagPsh = 3;
  localparam int FlagAck = 4;

  // Times in microseconds.
  localparam int RtoInitUs = 200000;      // floor of the RTO; fixed RTO of an engine that does not measure
  localparam int RtoFirstUs = 1000000;    // before the first measurement (RFC 6298 section 2.1)
  localparam int RtoSlowUs = 3000000;     // likewise, where the handshake's timer ran out (RFC 6298 section 5.7)
  localparam int DelackUs = 40000;        // a delayed ACK waits no longer
  localparam int RtoMaxUs = 60000000;
  localparam int PawsIdlePeriods = 1977539; // 24 days in 2^20 us: then TS.Recent says nothing any more (RFC 7323 section 5.5)
  localparam int Challenges = 10;         // challenge ACKs in 2^20 us (RFC 5961 section 7)
  localparam int MaxRetries = 12;         // unanswered retransmissions before the flow is given up
  localparam int RtoGranularityUs = 1000; // RFC 6298: G
  localparam int CwndBytes = 16384;       // what may be in flight without congestion control
  localparam int CwndMax = 1073741824;    // RFC 5681 section 3.1: "arbitrarily high"
  localparam int DupThresh = 3;           // RFC 5681 section 3.2, RFC 6675 section 2

  // Congestion control, parameter Cc of nic_top.
  localparam int CcNone = 0;
  localparam int CcReno = 1;              // RFC 5681
  localparam int CcNewreno = 2;           // RFC 5681, 6582
  localparam int CcCubic = 3;             // RFC 9438

  // Counter indices behind those of rx_class_e (from 0) and rcv_class_e (from CntRcv).
  localparam int CntRcv = 32;
  localparam int CntRxRingBytes = 48;     // payload bytes written to receive rings
  localparam int CntTxRingBytes = 49;     // payload bytes written to transmit rings
  localparam int CntTxFrames = 50;        // frames the assembler built
  localparam int CntTxPureAcks = 51;      // of these without payload
  localparam int CntTxSlow = 52;          // slow path frames sent
  localparam int CntTimeouts = 53;        // retransmission or probe timers that ran out
  localparam int CntRexmits = 54;         // segments sent from below the highest sent

  // Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4), never with `<`.
  function automatic logic seq_lt(input logic [31:0] a, input logic [31:0] b);
    logic [31:0] d;
    d = a - b;
    seq_lt = d[31];
  endfunction

  function automatic logic seq_leq(input logic [31:0] a, input logic [31:0] b);
    logic [31:0] d;
    d = b - a;
    seq_leq = !d[31];
  endfunction

  function automatic logic [31:0] seq_max(input logic [31:0] a, input logic [31:0] b);
    seq_max = seq_lt(a, b) ? b : a;
  endfunction

  function automatic logic [31:0] seq_min(input logic [31:0] a, input logic [31:0] b);
    seq_min = seq_lt(a, b) ? a : b;
  endfunction

  function automatic logic [31:0] min32(input logic [31:0] a, input logic [31:0] b);
    min32 = (a < b) ? a : b;
  endfunction

  function automatic logic [31:0] max32(input logic [31:0] a, input logic [31:0] b);
    max32 = (a < b) ? b : a;
  endfunction

  function automatic logic [63:0] min64(input logic [63:0] a, input logic [63:0] b);
    min64 = (a < b) ? a : b;
  endfunction

  function automatic logic [63:0] max64(input logic [63:0] a, input logic [63:0] b);
    max64 = (a < b) ? b : a;
  endfunction

  // The user timeout (RFC 9293 section 3.9.1): when what waits for its ACK since `stuck` is given up.
  function automatic logic [63:0] user_deadline(input logic [63:0] stuck_us, input logic [31:0] timeout_ms);
    user_deadline = stuck_us + 64'(timeout_ms) * 64'd1000;
  endfunction

  // RFC 6298 sections 2.2 to 2.5: RTO of srtt (times 8) and rttvar (times 4).
  function automatic logic [31:0] rto_of(input logic [31:0] srtt, input logic [31:0] rttvar);
    logic [31:0] rto;
    rto = {3'd0, srtt[31:3]} + max32(rttvar, 32'(RtoGranularityUs));
    rto_of = min32(max32(rto, 32'(RtoInitUs)), 32'(RtoMaxUs));
  endfunction

  // RFC 6928.
  function automatic logic [31:0] initial_window(input logic [15:0] mss);
    logic [31:0] two, ten;
    two = {15'd0, mss, 1'b0};
    ten = {13'd0, mss, 3'd0} + two;
    initial_window = min32(ten, max32(two, 32'd14600));
  endfunction

  // Folds a running sum to 16 bits; ones' complement addition is closed under it (RFC 1071 section 2).
  function automatic logic [15:0] csum_fold(input logic [39:0] s);
    logic [18:0] a;
    logic [16:0] b;
    a = 19'(s[15:0]) + 19'(s[31:16]) + 19'(s[39:32]);
    b = 17'(a[15:0]) + 17'(a[18:16]);
    csum_fold = b[15:0] + 16'(b[16]);
  endfunction

  function automatic logic [15:0] swap16(input logic [15:0] x);
    swap16 = {x[7:0], x[15:8]};
  endfunction

  function automatic logic [31:0] swap32(input logic [31:0] x);
    swap32 = {x[7:0], x[15:8], x[23:16], x[31:24]};
  endfunction

  function automatic logic [47:0] swap48(input logic [47:0] x);
    swap48 = {x[7:0], x[15:8], x[23:16], x[31:24], x[39:32], x[47:40]};
  endfunction
endpackage
`default_nettype wire
