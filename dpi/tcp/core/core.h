// SPDX-License-Identifier: Apache-2.0
// The transport core: the executable specification of what an engine does to a flow. A flow's state is two structs, struct
// rcv_ctx and struct snd_ctx, made field for field from rtl/nic_types.svh; each function is one event: context, event and
// time in; context and actions out. Integers only; no allocation, no I/O, no clock, no sockets.
// The RTL's twins: rcv_segment.sv and rx_pipe.sv (rcv_*), dd_incoming.sv, dd_timeout.sv, dd_next.sv (snd_*).
//
// What an engine can do is its caps. The reference has them all; the checker steps with those of the RTL's build.
#ifndef LW_CORE_H
#define LW_CORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic_layout.h"

enum { CORE_INTERVALS = 4 };

// Congestion control, as in parameter Cc of the NIC: the arithmetic of the window (cc.c). What is lost is found apart from it.
enum core_cc { CORE_CC_NONE, CORE_CC_RENO, CORE_CC_NEWRENO, CORE_CC_CUBIC };

struct core_caps {
  uint32_t rx_ring_bytes;
  uint32_t cwnd_bytes;      // in flight at most, where there is no congestion control; 0 with it
  uint8_t ooo;              // out-of-order intervals kept, 0..CORE_INTERVALS
  bool sack;                // RFC 2018, 2883, 6675 (where the flow has negotiated it)
  bool timestamps;          // RFC 7323 (likewise)
  bool delayed_ack;         // RFC 1122 section 4.2.3.2
  bool recovery;            // fast retransmit and recovery, limited transmit: RFC 5681, 6582, 3042
  enum core_cc congestion;  // slow start, congestion avoidance, restart after idle: RFC 5681, 6928, 6582, 9438
  bool rtt;                 // RFC 6298 from measurements; without it the RTO starts from a constant
  bool silly;               // Nagle and the sender's silly-window avoidance: RFC 9293 section 3.7.4, 3.8.6.2.1
  bool challenge_limit;     // RFC 5961 section 7
  bool old_acks;            // RFC 5961 section 5.2: a segment with an ACK from long ago is refused
  bool rescue;              // with SACK: the fourth rule of NextSeg, RFC 6675 section 4
  bool user_timeout;        // RFC 9293 section 3.9.1, RFC 5482
  bool pacing;              // a token bucket per flow
  bool ecn;                 // RFC 3168 (where the flow has agreed to it); never among core_caps_full: it is asked for
};

// Everything the core can do unasked.
struct core_caps core_caps_full(uint32_t rx_ring_bytes);

// A segment as the receive side sees it: header fields in host order, payload by length alone.
struct core_segment {
  struct seq seq, ack;
  uint32_t len;             // payload bytes
  uint16_t wnd;             // as in the header, not scaled
  uint8_t flags;            // bits NIC_FLAG_*
  bool has_ts;
  uint32_t tsval, tsecr;
  uint8_t n_sack;           // SACK blocks the segment carries; they go to snd_sack one by one
};

struct core_block {
  struct seq start, end;    // [start, end)
};

struct rcv_actions {
  enum rcv_class_e class_id;
  struct seq at;            // payload bytes [off, off + len) of the segment go to the ring from here on; len 0: none
  uint32_t off, len;
  bool fin;                 // the peer's FIN was taken, in order
  bool ack, ack_now;        // an ACK is owed; one that must not merge with others (RFC 5681 section 3.2)
  struct dsack dup;         // RFC 2883: the ACK's first block reports a duplicate
  bool forward;             // the send side hears of it, as `dd`; its SACK blocks before it, by snd_sack
  struct dd_in dd;
};

// What a header says of the receive side.
struct rcv_header {
  struct seq ack, wnd_end;  // wnd_end: the edge that it offers
  uint16_t wnd;             // the field
  bool has_ts;
  uint32_t tsecr;
  uint8_t n_sack;
  struct core_block sack[CORE_INTERVALS];
};

struct snd_actions {
  bool wake;                // the flow may have something to send, or news for the host
  bool expired;             // snd_timeout: a retransmission or probe timer ran out
  bool emit, more;          // snd_next: `desc` leaves; another snd_next may send again (or find nothing)
  bool rexmit;              // it begins below the highest sent
  struct tx_desc desc;
};

// What the other owners show the send step: the host's tail, the ACKs owed.
struct snd_view {
  struct seq tail;          // end of what was enqueued; with fin one phantom byte behind the data
  bool fin;
  bool ack_owed;
  uint8_t ack_now;          // immediate ACKs owed
};

// One time stamp clock for C and RTL (RFC 7323 section 5.4): 1.024 ms a tick.
static inline uint32_t core_tsval(uint64_t now_us) { return (uint32_t)(now_us >> 10); }

// --- receive ---------------------------------------------------------------------------------------------------------
void rcv_open(const struct core_caps *caps, struct rcv_ctx *c, const struct host_cmd *open, uint64_t now_us);
// A segment of the flow (RFC 9293 section 3.10.7.4). `snd` is what the send side published, `sent` what the peer was told.
struct rcv_actions rcv_segment(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s,
                               const struct snd_mirror *snd, const struct sent_mirror *sent, uint64_t now_us);
// The host consumed up to `consumed`; true when a window update is owed (RFC 9293 section 3.8.6.2.2).
bool rcv_read(const struct core_caps *caps, struct rcv_ctx *c, struct seq consumed, const struct sent_mirror *sent);
// The delayed ACK's deadline passed; true when an ACK is owed.
bool rcv_timeout(struct rcv_ctx *c, const struct sent_mirror *sent, uint64_t now_us);
// What others are shown of the context.
struct rcv_mirror rcv_mirror_of(const struct rcv_ctx *c);
// The sample of the receive side for a header. `bare`: it has no payload, so it has room for SACK blocks, the most recent first
// (RFC 2018 section 4) behind *dup, when that is there (RFC 2883).
struct rcv_header rcv_sample(const struct core_caps *caps, const struct rcv_mirror *m, const struct sent_mirror *sent, bool bare,
                             const struct dsack *dup);

// --- send ------------------------------------------------------------------------------------------------------------
void snd_open(const struct core_caps *caps, struct snd_ctx *c, const struct host_cmd *open);
// One SACK block of a segment, before the segment's snd_ack.
void snd_sack(const struct core_caps *caps, struct snd_ctx *c, struct core_block b);
struct snd_actions snd_ack(const struct core_caps *caps, struct snd_ctx *c, const struct dd_in *ev, uint64_t now_us);
struct snd_actions snd_timeout(const struct core_caps *caps, struct snd_ctx *c, uint64_t now_us);
// The program has chosen anew.
void snd_tune(const struct core_caps *caps, struct snd_ctx *c, const struct host_cmd *t, uint64_t now_us);
struct snd_actions snd_next(const struct core_caps *caps, struct snd_ctx *c, const struct snd_view *v, uint64_t now_us);
// The program aborts: true when *d, a RST, is to be sent.
bool snd_abort(struct snd_ctx *c, struct tx_desc *d);
// The flow is let go of; the descriptor follows all that were emitted before.
struct tx_desc snd_release(struct snd_ctx *c);
// Where a segment without data stands: at the highest sent, but inside the peer's window, or it would be refused there
// (RFC 9293 section 3.10.5 has SND.NXT for RST).
static inline struct seq snd_idle_seq(const struct snd_ctx *c) { return seq_min(c->max, seq_add(c->una, c->wnd)); }
// When the flow's next snd_timeout is due; UINT64_MAX: it has no deadline.
static inline uint64_t snd_deadline(const struct snd_ctx *c)
{
  uint64_t at = c->open && c->rto_vld ? c->rto_at_us : UINT64_MAX;
  return c->open && c->pace_wait && c->pace_at_us < at ? c->pace_at_us : at;
}
// Bytes thought to be in the network (RFC 6675 section 4, SetPipe).
uint32_t snd_pipe(const struct core_caps *caps, const struct snd_ctx *c);

// --- ECN (ecn.c) -------------------------------------------------------------------------------------------------------
// What a flow keeps for it. Apart from its contexts, since the RTL has none of it yet.
struct core_ecn {
  bool echoes;              // agreed: what comes may be marked, and the peer is told
  bool marks;               // agreed: what leaves may be marked, and the peer tells us
  bool echo;                // marked data came, and the peer has not said that it slowed down
  bool cwr;                 // the next new data says that we did
  bool slow;                // we did: not again before something behind `until` is acknowledged
  struct seq until;
};
// Of a segment that comes: its payload, whether its packet was marked on the way, what its header says.
struct ecn_arrival {
  uint32_t len;
  bool ce, cwr, ece;
};
struct ecn_header {
  bool capable;             // IP: ECT(0)
  bool cwr, ece;            // TCP
};
// After rcv_segment, whose actions are *r, and in the place of snd_ack: calls it if the send side must hear.
void ecn_segment(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, const struct ecn_arrival *s, const struct rcv_actions *r,
                 uint64_t now_us);
// In the place of snd_timeout, which it calls.
struct snd_actions ecn_timeout(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, uint64_t now_us);
// For the header of a segment that leaves.
struct ecn_header ecn_leaves(struct core_ecn *e, const struct snd_ctx *c, const struct tx_desc *d, bool rexmit);

// --- congestion control (cc.c) -----------------------------------------------------------------------------------------
// What happened to the flow, in terms of the window: cwnd, ssthresh and the algorithm's own members follow.
void cc_step(const struct core_caps *caps, struct snd_ctx *c, const struct cc_in *e);

// CUBIC's curve (cubic.c), in ticks of 1.024 ms and bytes: K for a window so far below w_max, and the window at a time.
uint32_t cubic_k(uint32_t below_max, uint32_t mss);
uint32_t cubic_window(uint32_t w_max, uint32_t k, uint32_t ticks, uint32_t mss);

// --- intervals (intervals.c): disjoint, not touching ---------------------------------------------------------------------
struct intervals {
  struct core_block b[CORE_INTERVALS];
  unsigned n;
};
// For a list in rising order: adds [start, end); returns the index of the interval it is now part of, or -1 when it is new
// and there is no room (`keep_low`: then the highest gives way to a lower one). *fresh: bytes that no interval covered.
int intervals_add(struct intervals *v, unsigned room, bool keep_low, struct core_block b, uint32_t *fresh);
// For a list with the latest first: the interval that [start, end) is now part of goes to the front, the others keep their
// order. False when it is new and there is no room.
bool intervals_add_recent(struct intervals *v, unsigned room, struct core_block b, uint32_t *fresh);
// Takes out all that [.., *edge] touches, in whatever order; *edge moves to the end of what was taken.
void intervals_join(struct intervals *v, struct seq *edge);
// In rising order: forgets all below `edge`.
void intervals_trim(struct intervals *v, struct seq edge);
uint32_t intervals_bytes(const struct intervals *v, struct seq from, struct seq to);   // covered in [from, to)
#endif
