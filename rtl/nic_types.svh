// SPDX-License-Identifier: Apache-2.0
// Every packed struct and enum that crosses a module boundary or reaches C; scripts/gen_layout.py makes the C side from
// this file, so each member stands on its own line with a literal width; a comment that begins with `seq` marks a
// sequence number, which C keeps in a type of its own. Flat on purpose: that is what all three tools read alike.
`ifndef NIC_TYPES_SVH
`define NIC_TYPES_SVH

// --- enumerations ---------------------------------------------------------------------------------------------------

typedef enum logic [2:0] {
  CmdNone = 0,
  CmdOpen = 1,     // all of host_cmd_t; comes back as a fence on the slow path
  CmdClose = 2,    // FIN after the bytes enqueued so far
  CmdAbort = 3,    // RST now
  CmdRelease = 4,  // with the tuple: forget the flow
  CmdConsume = 5,  // deliver and free the next len bytes
  CmdTune = 6      // nagle_off, user_timeout_ms and pace_* anew, and mss when it is less, but not 0
} host_cmd_e;

// What the parser makes of a frame. Drops are counted by this number; so is each way onto the slow path.
typedef enum logic [4:0] {
  RxLookup = 0,         // TCP over IPv4, verified: the flow table decides
  RxSlowEthertype = 1,  // not IPv4: ARP and all else
  RxSlowOptions = 2,    // IPv4 options
  RxSlowFragment = 3,
  RxSlowProto = 4,      // not TCP
  RxDropRunt = 8,       // shorter than an Ethernet header
  RxDropOversize = 9,   // longer than the MTU allows: jumbo, or a GSO super-frame
  RxDropNotOurMac = 10,
  RxDropVlan = 11,
  RxDropIpHeader = 12,  // version or header length
  RxDropTruncated = 13, // total length beyond what arrived, or shorter than its headers
  RxDropIpCsum = 14,
  RxDropTcpHeader = 15, // data offset
  RxDropTcpCsum = 16,
  RxDropFifoFull = 17
} rx_class_e;

// What the receive pipeline made of a segment (or of a token).
typedef enum logic [3:0] {
  RcvAccept = 0,        // data or FIN taken, in order
  RcvPureAck = 1,       // acceptable, nothing to deliver
  RcvNoFlow = 2,        // not in the table: slow path
  RcvDuplicate = 3,     // all of it before RCV.NXT
  RcvOutOfOrder = 4,    // a gap before it: kept in an interval (a bare FIN: remembered), duplicate ACK
  RcvOutOfWindow = 5,
  RcvReset = 6,
  RcvChallenge = 7,     // RFC 5961: RST or SYN in window, ACK of what was never sent, or of long ago
  RcvNoAck = 8,         // no ACK flag
  RcvDropRst = 9,       // RST outside the window
  RcvAfterFin = 10,     // data behind the peer's FIN
  RcvDead = 11,         // flow closed by reset or abort, not yet released
  RcvToken = 12,        // open, release, read: no segment
  RcvNoTimestamp = 13,  // without the option it must have (RFC 7323 section 3.2)
  RcvPaws = 14,         // an old duplicate by its time stamp (RFC 7323 section 5.3)
  RcvNoInterval = 15    // out of order, and no interval left for it
} rcv_class_e;

typedef enum logic [2:0] {
  RevSegment = 0,
  RevRead = 1,     // the host consumed: the window may have moved
  RevOpen = 2,
  RevRelease = 3,
  RevTimeout = 4   // the delayed ACK's deadline has passed
} rcv_ev_e;

typedef enum logic [1:0] {
  VerdictDiscard = 0,
  VerdictRing = 1,
  VerdictSlow = 2,
  VerdictFence = 3
} verdict_e;

typedef enum logic [1:0] {
  DdAck = 0,
  DdReset = 1,
  DdRelease = 2,
  DdSack = 3       // one SACK block of the segment whose DdAck follows
} dd_in_e;

typedef enum logic [2:0] {
  SevNone = 0,
  SevIncoming = 1,
  SevTimeout = 2,
  SevNext = 3,
  SevOpen = 4,
  SevAbort = 5,
  SevTune = 6
} snd_ev_e;

// What congestion control hears of a flow (cc_in_t).
typedef enum logic [3:0] {
  CcQuiet = 0,     // nothing: all stays
  CcOpen = 1,      // the flow begins
  CcAck = 2,       // `acked` bytes were acknowledged, outside recovery; `flight` were out
  CcLoss = 3,      // a loss was found: recovery begins, with `flight` out
  CcDup = 4,       // recovery without SACK: another duplicate ACK, so a segment has left the network
  CcPartial = 5,   // recovery without SACK: `acked` bytes were acknowledged, but not all
  CcExit = 6,      // recovery is over, with `flight` out
  CcTimeout = 7,   // a retransmission timer ran out, with `flight` out
  CcIdle = 8       // the first segment after an idle RTO
} cc_ev_e;

typedef enum logic [2:0] {
  TxData = 0,
  TxAck = 1,      // pure ACK: leaves only when one is still owed as it passes the assembler
  TxFree = 2,     // no frame: carries una and flags to the host, behind all that might still read the ring
  TxRst = 3,
  TxOpen = 4,
  TxRelease = 5
} tx_desc_e;

// --- host port ------------------------------------------------------------------------------------------------------

typedef struct packed {
  logic [2:0] kind;         // host_cmd_e
  logic [11:0] flow;
  logic [31:0] len;         // consume: bytes
  logic [31:0] local_ip;    // open, release
  logic [31:0] remote_ip;
  logic [15:0] local_port;
  logic [15:0] remote_port;
  logic [47:0] local_mac;   // open
  logic [47:0] remote_mac;
  logic [31:0] snd_nxt;     // seq: ISS + 1
  logic [31:0] rcv_nxt;     // seq: IRS + 1
  logic [31:0] snd_wnd;     // peer's window in bytes
  logic [15:0] mss;         // largest payload to the peer; tune
  logic [15:0] rcv_mss;     // largest payload we announced
  logic [3:0] snd_wscale;   // peer's shift
  logic [3:0] rcv_wscale;   // ours
  logic ts_ok;
  logic sack_ok;
  logic nagle_off;
  logic syn_again;          // open: our SYN or SYN-ACK had to be sent again
  logic [31:0] ts_recent;   // peer's last TSval
  logic [31:0] user_timeout_ms;
  logic [31:0] pace_rate;   // bytes a tick of 1.024 ms; 0: no pacing
  logic [31:0] pace_burst;  // bytes
} host_cmd_t;

// A flow's state as levels; whoever gets it compares with what it knew. See rx_status_t and tx_status_t.
typedef struct packed {
  logic [11:0] flow;
  logic [31:0] rx_ready; // seq
  logic peer_closed;
  logic rx_reset;
  logic [31:0] ts_recent;
  logic rx_released;
  logic [31:0] tx_freed; // seq
  logic fin_acked;
  logic timed_out;
  logic tx_released;        // with rx_released: the flow id is free
} host_event_t;

typedef struct packed {
  logic [31:0] ready;       // seq: all before it can be consumed
  logic peer_closed;        // FIN taken, at `ready`
  logic rx_reset;
  logic [31:0] ts_recent;   // the peer's time stamp as of then: TIME-WAIT goes on echoing it
  logic rx_released;        // the receive side has let go of the flow; the rest means nothing then
} rx_status_t;

typedef struct packed {
  logic [31:0] freed;       // seq: all before it is acknowledged and no longer read; counts our FIN
  logic fin_acked;
  logic timed_out;
  logic tx_released;        // the send side has let go of the flow
} tx_status_t;

// --- flow contexts: the receive pipeline's and the send pipeline's half of a flow -----------------------------------
// Whatever congestion control is built: cc_c to cc_on are CUBIC's alone.

typedef struct packed {
  logic open;
  logic fin_done;           // peer's FIN taken; RCV.NXT stands behind it
  logic [31:0] nxt;         // seq: RCV.NXT
  logic [31:0] wnd_end;     // seq: right edge of the receive window: consumed + ring
  logic [31:0] wl1;         // seq: SND.WL1: trimmed sequence number of the last window update (RFC 9293 section 3.10.7.4)
  logic [31:0] ack_fwd;     // seq: newest ACK passed to the send pipeline; also what SND.WL2 is for
  logic [31:0] wnd_fwd;     // last window passed to the send pipeline, bytes
  logic [15:0] mss;         // largest payload the peer may send us
  logic [3:0] snd_wscale;
  logic [3:0] rcv_wscale;
  logic ts_ok;
  logic sack_ok;
  logic fin_vld;            // FIN seen out of order
  logic [31:0] fin_seq;     // seq
  logic [2:0] ooo_n;        // out-of-order intervals in use, the latest first; those beyond are 0
  logic [31:0] ooo0_start;  // seq
  logic [31:0] ooo0_end;    // seq
  logic [31:0] ooo1_start;  // seq
  logic [31:0] ooo1_end;    // seq
  logic [31:0] ooo2_start;  // seq
  logic [31:0] ooo2_end;    // seq
  logic [31:0] ooo3_start;  // seq
  logic [31:0] ooo3_end;    // seq
  logic [31:0] ts_recent;   // RFC 7323
  logic [31:0] ts_age;      // when ts_recent was taken, in periods of 2^20 us
  logic delack_vld;
  logic [63:0] delack_us;   // deadline
  logic [15:0] seg_max;     // largest segment seen: what counts as full for delayed ACKs
  logic [7:0] chal_n;       // challenge ACKs sent in chal_period (RFC 5961 section 7)
  logic [15:0] chal_period; // of 2^20 us
} rcv_ctx_t;

typedef struct packed {
  logic open;
  logic probe;              // a zero-window probe is due
  logic gave_up;            // too many retransmissions: tell the host
  logic told_flags;         // fin_acked or timed_out was told
  logic [31:0] una;         // seq: head: SND.UNA
  logic [31:0] nxt;         // seq: send: SND.NXT, back to una on a timeout
  logic [31:0] max;         // seq: highest ever sent
  logic [31:0] told;        // seq: una as last told to the host
  logic [31:0] wnd;         // SND.WND, bytes
  logic [31:0] max_wnd;     // largest window the peer ever offered
  logic [15:0] mss;
  logic [31:0] cwnd;
  logic [31:0] ssthresh;
  logic rto_vld;
  logic [63:0] rto_at_us;   // deadline of retransmission or probe
  logic [31:0] rto_us;
  logic [3:0] backoff;
  logic [3:0] retries;      // timeouts since anything was heard
  logic nagle_off;
  logic ts_ok;
  logic sack_ok;
  logic [31:0] srtt_us;
  logic [31:0] rttvar_us;
  logic rtt_vld;            // a segment is being timed
  logic [31:0] rtt_seq;     // seq
  logic [63:0] rtt_at_us;
  logic [3:0] dup_acks;
  logic recovery;
  logic rxt_first;          // recovery: the first hole is to be sent again now
  logic sack_new;           // the segment at hand SACKed something new
  logic [31:0] recover;     // seq
  logic [2:0] sack_n;
  logic [31:0] sack0_start; // seq
  logic [31:0] sack0_end;   // seq
  logic [31:0] sack1_start; // seq
  logic [31:0] sack1_end;   // seq
  logic [31:0] sack2_start; // seq
  logic [31:0] sack2_end;   // seq
  logic [31:0] sack3_start; // seq
  logic [31:0] sack3_end;   // seq
  logic [31:0] high_rxt;    // seq: RFC 6675: HighRxt, and RescueRxt; each a byte further
  logic [31:0] rescue_rxt;  // seq
  logic [31:0] cc_a;        // congestion control's own: see cc_*.sv
  logic [31:0] cc_b;
  logic [31:0] cc_c;
  logic [31:0] cc_d;
  logic [31:0] cc_k;
  logic [31:0] cc_tick;
  logic cc_on;
  logic [31:0] pace_rate;   // pacing: bytes a tick of 1.024 ms; 0: off
  logic [31:0] pace_burst;  // bytes that may leave at once
  logic [31:0] tokens;      // bytes that might leave at pace_tick; below 0 (two's complement) by what has left too early
  logic [31:0] pace_tick;
  logic pace_wait;          // there is something, but no tokens: until pace_at_us
  logic [63:0] pace_at_us;
  logic [63:0] sent_us;     // when something was sent last: restart after idle
  logic [63:0] stuck_us;    // since when what is out waits for its ACK
  logic [31:0] user_timeout_ms; // give up after this; 0: by the number of retries alone
} snd_ctx_t;

// --- what crosses between the pipelines -----------------------------------------------------------------------------

// Written by the send pipeline, read by the receive pipeline for ACK acceptance.
typedef struct packed {
  logic [31:0] una; // seq
  logic [31:0] max; // seq
} snd_mirror_t;

// Written by the receive pipeline, sampled by the assembler for a header.
typedef struct packed {
  logic [31:0] nxt;         // seq
  logic [31:0] wnd_end;     // seq
  logic [15:0] mss;
  logic [3:0] wscale;
  logic ts_ok;
  logic sack_ok;
  logic [31:0] ts_recent;
  logic [2:0] ooo_n;        // the latest first, as RFC 2018 section 4 wants the SACK blocks
  logic [31:0] ooo0_start;  // seq
  logic [31:0] ooo0_end;    // seq
  logic [31:0] ooo1_start;  // seq
  logic [31:0] ooo1_end;    // seq
  logic [31:0] ooo2_start;  // seq
  logic [31:0] ooo2_end;    // seq
  logic [31:0] ooo3_start;  // seq
  logic [31:0] ooo3_end;    // seq
} rcv_mirror_t;

// Written by the assembler, read by the receive pipeline: what the peer was last told.
typedef struct packed {
  logic [31:0] ack; // seq
  logic [31:0] wnd_end; // seq
} sent_mirror_t;

// What the next header without payload is to report first (RFC 2883): bytes that came twice. Set by the receive pipeline, the
// newest counts; taken at the sample.
typedef struct packed {
  logic vld;
  logic [31:0] start;       // seq
  logic [31:0] stop;        // seq
} dsack_t;

// --- items between stages -------------------------------------------------------------------------------------------

// A verified frame at the head of the receive pipeline.
typedef struct packed {
  logic [4:0] class_id;     // rx_class_e
  logic [10:0] beats;       // in the frame FIFO
  logic [13:0] frame_len;
  logic [31:0] remote_ip;
  logic [31:0] local_ip;
  logic [15:0] remote_port;
  logic [15:0] local_port;
  logic [31:0] seq; // seq
  logic [31:0] ack; // seq
  logic [15:0] wnd;
  logic [4:0] flags;        // FlagFin..FlagAck
  logic [13:0] pay_len;
  logic [6:0] pay_off;      // of the payload in the frame
  logic has_ts;             // RFC 7323
  logic [31:0] tsval;
  logic [31:0] tsecr;
  logic [2:0] n_sack;       // SACK blocks as they stand in the option; those beyond n_sack are 0
  logic [31:0] sack0_start; // seq
  logic [31:0] sack0_end;   // seq
  logic [31:0] sack1_start; // seq
  logic [31:0] sack1_end;   // seq
  logic [31:0] sack2_start; // seq
  logic [31:0] sack2_end;   // seq
  logic [31:0] sack3_start; // seq
  logic [31:0] sack3_end;   // seq
} rx_desc_t;

// What becomes of a frame that waits in the frame FIFO; one for each, in order.
typedef struct packed {
  logic [1:0] kind;         // verdict_e
  logic [11:0] flow;
  logic [10:0] beats;
  logic [13:0] frame_len;
  logic [31:0] base;        // seq: sequence number that byte 0 of the frame would have
  logic [13:0] lo;          // first frame byte taken
  logic [13:0] hi;          // one past the last
  logic tell;               // write rx_status when done
  logic [31:0] ready; // seq
  logic peer_closed;
  logic rx_reset;
  logic [31:0] ts_recent;
  logic rx_released;
  logic ok;                 // fence: the flow table had room
} rx_verdict_t;

// From the receive pipeline, one item for a segment: its SACK blocks and its ACK.
typedef struct packed {
  logic [1:0] kind;         // dd_in_e
  logic [11:0] flow;
  logic [31:0] ack; // seq
  logic [31:0] wnd;         // bytes
  logic wnd_vld;
  logic no_data;            // may be a duplicate ACK
  logic ts_vld;
  logic [31:0] tsecr;
  logic [2:0] n_sack;
  logic [31:0] sack0_start; // seq
  logic [31:0] sack0_end;   // seq
  logic [31:0] sack1_start; // seq
  logic [31:0] sack1_end;   // seq
  logic [31:0] sack2_start; // seq
  logic [31:0] sack2_end;   // seq
  logic [31:0] sack3_start; // seq
  logic [31:0] sack3_end;   // seq
} dd_segment_t;

// To the send pipeline: one event each.
typedef struct packed {
  logic [1:0] kind;         // dd_in_e
  logic [11:0] flow;
  logic [31:0] ack;         // seq: of DdSack: the block is [ack, sack_end)
  logic [31:0] wnd;         // bytes
  logic wnd_vld;
  logic no_data;            // may be a duplicate ACK
  logic ts_vld;
  logic [31:0] tsecr;
  logic [31:0] sack_end;    // seq
} dd_in_t;

// From the send pipeline's steps to congestion control.
typedef struct packed {
  logic [3:0] kind;         // cc_ev_e
  logic sack;               // the flow has SACK
  logic first;              // timeout: the first of this segment
  logic [31:0] acked;       // bytes
  logic [31:0] flight;      // bytes
  logic [31:0] tick;        // of an ACK: time in ticks of 1.024 ms
} cc_in_t;

// What an algorithm keeps of its own between events: cc_a to cc_on of snd_ctx_t.
typedef struct packed {
  logic [31:0] a;
  logic [31:0] b;
  logic [31:0] c;
  logic [31:0] d;
  logic [31:0] k;
  logic [31:0] tick;
  logic on;
} cc_own_t;

// From the send pipeline to the assembler.
typedef struct packed {
  logic [2:0] kind;         // tx_desc_e
  logic [11:0] flow;
  logic [31:0] seq; // seq
  logic [13:0] len;
  logic fin;
  logic psh;
  logic tell;               // una or the flags below are news to the host
  logic fin_acked;
  logic timed_out;
  logic [31:0] una; // seq
} tx_desc_t;

// A flow's part of every header.
typedef struct packed {
  logic [47:0] local_mac;
  logic [47:0] remote_mac;
  logic [31:0] local_ip;
  logic [31:0] remote_ip;
  logic [15:0] local_port;
  logic [15:0] remote_port;
} tx_hdr_t;
`endif
