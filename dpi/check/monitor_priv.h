// SPDX-License-Identifier: Apache-2.0
// What the monitor's files share and nobody else sees.
//
//   monitor.c          frames to segments, the table of flows, what is reported
//   monitor_flow.c     which SYNs make a connection; SYN and RST
//   monitor_options.c  options: what was agreed, timestamps, ECN
//   monitor_stream.c   what is sent: sequence, window, MSS, bytes, FIN
//   monitor_ack.c      what is said of what came: ACK, window edge, SACK
//
// Each of the last three has a _judge, asked before the segment has had any effect, and a _feed, which lets both halves of the
// flow know what it says. Only _judge depends on the roles.
#ifndef LW_MONITOR_PRIV_H
#define LW_MONITOR_PRIV_H
#include "check/monitor.h"
#include "check/monitor_segment.h"
#include "check/monitor_spans.h"
#include "check/monitor_store.h"

enum {
  SYNS = 4,              // kept a side: which of them count shows later
  TS_KEPT = 64,          // distinct time stamps known exactly
  ANSWERABLE = 16,       // numbers to which a RST may answer
  REACH = (1 << 30) + 65536   // no sequence number that is of use is further behind the highest sent
};

// A SYN, or a SYN-ACK, and what it offers. Sent again, it is the same with `count` higher.
struct syn {
  bool has_ack, sack, ts, scale, fast_open;
  bool answers;                    // with its ACK it took in a SYN of the other side
  bool varied;                     // sent again with other options: what was agreed cannot be known
  unsigned count, order;           // order: which of its side's SYNs, from 1; 0: none
  uint64_t at_us;                  // last sent
  struct seq isn, ack;
  uint32_t data_len;
  uint16_t window, mss;            // mss: 536 when there was no option
  uint16_t ecn;                    // ECE, CWR, AE
  uint8_t shift;                   // at most 14
  uint32_t ts_first, ts_last;
  struct mseg_kinds kinds;
};

// Time stamps that one side sent: the last ones exactly, the older ones as a range.
struct stamps {
  uint32_t v[TS_KEPT], n;          // n: ever added; v is a ring
  uint32_t first, last;
  bool gone;                       // some are no longer in the ring,
  uint32_t highest_gone;           // up to this one
};

// Numbers from segments that came: ACKs, or ends of segments without ACK.
struct answerable {
  struct seq v[ANSWERABLE];
  uint32_t n;                      // ever added
};

// One side of a flow.
struct half {
  struct syn syn[SYNS];
  unsigned n_syn;                  // ever seen; syn is a ring
  bool heard;                      // a segment came since its last SYN
  struct answerable acks, ends;    // that came

  // as a sender, since the flow began
  struct syn mine;                 // the SYN that counts
  bool seen;                       // max and acked are known
  struct seq max;                  // one behind the highest sequence number sent, as far as it shows
  bool has_data;
  struct seq data;                 // one behind the last octet of payload that passed
  bool reached;                    // max is so far on that the ISN no longer says where it began
  struct seq una;                  // the highest acknowledgment that may have come
  bool answered;                   // one for its SYN was among them
  bool active;                     // it sent data, or acknowledged some: it took the handshake for complete
  bool has_fin, rst, ts;           // ts: time stamps on its segments
  bool reset;                      // a RST came
  struct seq fin;                  // its place
  struct stamps stamps;
  struct stored stored;

  // as a receiver
  struct arrived in;               // in sequence numbers of the other side
  bool torn;                       // fragments came: `in` does not hold all
  bool beheaded;                   // some that cut the header: nor is all known that the other offered and stamped
  struct seq acked;                // the highest ACK it sent
  struct seq edge;                 // the right edge of the window it offered, at its highest
  bool closed;                     // it offered a window of zero at closed_at
  struct seq closed_at;
};

enum flow_state {
  FLOW_NEW,       // SYNs and RSTs only
  FLOW_MIDWAY,    // segments without a handshake that was seen
  FLOW_OPEN       // with it
};

struct flow {
  struct tuple_node node;          // first: local is who is MONITOR_SENT
  struct flow *older, *younger;    // by when they were last heard of
  enum flow_state state;
  struct half half[2];             // by way
  bool sack, ts, scale, ecn, fast_open;   // agreed
};

struct monitor {
  struct monitor_config cfg;
  enum monitor_role role[2];
  struct monitor_counts counts;
  struct monitor_violation first;
  uint64_t now_us;
  struct tuple_map map;
  struct flow *flows;
  unsigned n_flows;
  struct flow *oldest, *youngest;
  struct store *store;
};

// One segment under judgment. x is who sent it, y to whom.
struct look {
  struct monitor *m;
  struct flow *f;
  struct half *x, *y;
  const struct mseg *s;
  struct tuple tuple;
  enum monitor_way way;
  enum monitor_role role;          // of x
};

static inline bool near(const struct look *l) { return l->role == MONITOR_NEAR; }
static inline bool open_flow(const struct look *l) { return l->f->state == FLOW_OPEN; }

// Counts the check, and reports when it is not good; returns good. Not to be called for MONITOR_IGNORED.
bool judge(const struct look *l, enum monitor_rule rule, bool good, const char *expected, uint32_t expected_value, const char *got,
           uint32_t got_value);
bool judge_text(const struct look *l, enum monitor_rule rule, bool good, const char *expected, const char *got);   // no numbers

// monitor_flow.c
void flow_segment(const struct look *l);                  // the one way in
bool flow_was_sent(const struct half *x, struct seq v);   // v lies between x's ISN and the highest it sent
void flow_clear(struct monitor *m, struct flow *f);       // gives back what its halves hold, and zeroes all but the node

// monitor_options.c
void options_judge(const struct look *l);
void options_feed(const struct look *l);
void stamps_begin(struct stamps *t, const struct syn *mine);
// monitor_stream.c
void stream_judge(const struct look *l);
void stream_feed(const struct look *l);
// monitor_ack.c
void ack_judge(const struct look *l);
void ack_feed(const struct look *l);
#endif
