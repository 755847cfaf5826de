// SPDX-License-Identifier: Apache-2.0
// The checker's state, shared by its files.
#ifndef LW_CHECK_PRIV_H
#define LW_CHECK_PRIV_H
#include "base/recq.h"
#include "check/check.h"
#include "net/tuple.h"

enum {
  TABLE_WAYS = 4,            // so many tuples a bucket of the flow table holds: with fewer flows no open fails for want of room
  STATUS_LOG = 4,            // writes of a status that an event may still have read
  HISTORY = 20,              // events of a flow that a report shows
  DIFF_ROWS = 24,
  WHAT_LEN = 400,
};

// A store that one side writes and another reads: within a cycle the reader sees what stood before it.
struct late {
  uint64_t cycle;
  uint32_t now, before;
};

// Likewise what the assembler sees of the receive context.
struct late_mirror {
  uint64_t cycle;
  struct rcv_mirror now, before;
};

// One line of a flow's history, put into words only when it is reported.
struct note {
  uint64_t cycle, now_us, frame;
  char kind;                 // r: receive pipeline, s: send pipeline, a: assembler
  uint8_t sub, class_id, flags;
  uint32_t seq, ack, len, wnd, nxt, una, max;
};

// What the NIC may owe a flow. `since` is the first cycle in which it was owed without a break; 0: not owed.
enum duty { DUTY_ACK, DUTY_DELACK, DUTY_TIMEOUT, DUTY_SEND, DUTY_RX_EVENT, DUTY_TX_EVENT, DUTY_N };

struct check_flow {
  struct tuple_node node;    // first: found by its tuple while it is in the flow table
  bool live;                 // between the open and the release
  struct host_cmd open;
  struct rcv_ctx rcv;
  struct snd_ctx snd;
  struct late_mirror mirror;
  struct dsack dup;          // to be reported by the next header without payload
  struct late una, max, sent_ack, sent_end, consumed, tail, fin, owed_bit, owed_now;
  struct seq pin_at;         // where the next byte from the host stands
  struct seq out_at;         // the next byte to the host
  // What was written to the status stores last, [0] the newest, and when: an event may have read it some cycles before it leaves.
  struct rx_status rx_status[STATUS_LOG];
  struct tx_status tx_status[STATUS_LOG];
  uint64_t rx_written[STATUS_LOG], tx_written[STATUS_LOG];
  bool rx_news, tx_news;     // written since the host was told
  uint8_t *tx, *rx;          // rings of what was given to send, and of what was received
  uint64_t since[DUTY_N];
  bool touched;              // since the last look at the duties
  struct check_flow *next_touched;
  struct note history[HISTORY];
  unsigned n_history;
};

struct diff_row {
  const char *rule;          // of the same step, perhaps of another than the first
  char name[24];
  uint64_t want, got;
  bool hex;
};

struct check {
  struct check_config cfg;
  struct check_flow *flows;
  struct check_flow *touched;
  struct tuple_map map;                   // the flows in the flow table, in_table of them
  unsigned in_table;
  uint64_t cycle, now_us, before_us;      // time in this cycle and in the one before
  uint64_t next_scan;                     // cycle of the next look at the duties
  uint64_t quiet_us;                      // the NIC has said that clocking cannot matter before this time; 0: no longer
  uint64_t duty_cycles;                   // how long anything may be owed
  uint16_t ip_id;
  // Under way, oldest first; each record's tag is the cycle (low 32 bits) since when.
  struct recq rx_frame;                   // frames on the receive stream, until the parser is done with them
  struct recq segments;                   // frames committed, until the receive pipeline retires them
  struct recq slow_out;                   // frames and fences for the slow path
  struct recq tx_slow, tx_frame;          // frames expected on the transmit stream, from the slow path and the assembler
  struct recq dd, descs;                  // struct dd_in, struct tx_desc between stages
  struct recq rx_told, tx_told;           // struct told_rx, told_tx: status writes to come
  struct recq opens, aborts, tunes, closes, releases;   // struct host_cmd, taken but not retired
  struct recq consumes, consumed, packets;       // struct amount: to be read out; of these, pointers to be written; to be enqueued
  struct recq in_rx, in_slow, in_tx, in_slow_out;   // packets under way on a stream, gathered beat by beat
  uint32_t packet_bytes;                  // of the payload packet that is coming in
  uint32_t out_left;                      // of the payload packet that is going out
  struct check_counts counts;
  // The first difference.
  bool failed;
  char rule[32], what[WHAT_LEN];
  const char *telling;                    // the rule that rows are of
  struct diff_row row[DIFF_ROWS];
  unsigned rows;
  int bad_flow;                           // -1: none
};

#define CHECK_QUEUES(k, all)                                                                                                          \
  struct recq *all[] = {&(k)->rx_frame, &(k)->segments, &(k)->slow_out, &(k)->tx_slow, &(k)->tx_frame, &(k)->dd, &(k)->descs,       \
                        &(k)->rx_told, &(k)->tx_told, &(k)->opens, &(k)->aborts, &(k)->tunes, &(k)->closes, &(k)->releases,          \
                        &(k)->consumes, &(k)->consumed, &(k)->packets, &(k)->in_rx, &(k)->in_slow, &(k)->in_tx, &(k)->in_slow_out}

struct told_rx {
  uint16_t flow;
  struct rx_status s;
};

struct told_tx {
  uint16_t flow;
  bool tell;
  struct tx_status s;
};

struct amount {
  uint16_t flow;
  uint32_t bytes;
};

// --- late stores ---
static inline void late_init(struct late *l, uint32_t v) { *l = (struct late){0, v, v}; }

static inline void late_set(const struct check *k, struct late *l, uint32_t v)
{
  if (l->cycle != k->cycle) l->before = l->now;
  l->cycle = k->cycle;
  l->now = v;
}

static inline uint32_t late_get(const struct check *k, const struct late *l) { return l->cycle == k->cycle ? l->before : l->now; }

static inline void late_mirror_set(const struct check *k, struct late_mirror *l, const struct rcv_ctx *c)
{
  if (l->cycle != k->cycle) l->before = l->now;
  l->cycle = k->cycle;
  l->now = rcv_mirror_of(c);
}

static inline const struct rcv_mirror *late_mirror_get(const struct check *k, const struct late_mirror *l)
{
  return l->cycle == k->cycle ? &l->before : &l->now;
}

// --- diff.c ---
// The first difference: rule is a short name, a literal, the rest one paragraph. Rows (diff_row) may follow while it is being reported;
// so may those of what else is wrong with the same step.
void diff(struct check *k, int flow, const char *rule, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void diff_row(struct check *k, const char *name, uint64_t want, uint64_t got, bool hex);
// A row for each member in which two packed structs differ.
void diff_fields(struct check *k, const struct nic_field *f, size_t n, const uint32_t *want, const uint32_t *got);
void note_put(struct check *k, struct check_flow *f, const struct note *n);
#define N_FIELDS(t) (sizeof(t) / sizeof *(t))

// --- queues ---
static inline void put(struct check *k, struct recq *q, const void *data, size_t len) { recq_put(q, (uint32_t)k->cycle, data, len); }
bool take(struct recq *q, void *to, size_t len);   // false: there is none
// A beat of a packet; true with the whole packet at its last.
bool gather(struct recq *q, const uint8_t *beat, unsigned nbytes, bool last, const uint8_t **data, size_t *len);

static inline int flow_id(const struct check *k, const struct check_flow *f) { return (int)(f - k->flows); }
struct check_flow *flow_at(struct check *k, unsigned flow, const char *who);   // NULL, and a difference, when there is none
void touch(struct check *k, struct check_flow *f);

// --- frame.c: frames by their bytes alone ---
// What the parser must make of it; *d is whole for RX_LOOKUP, without the header's fields for all else.
enum rx_class_e frame_class(const struct check_config *c, const uint8_t *frame, size_t len, struct rx_desc *d);
// The frame that the assembler must make of a descriptor; returns its length. `out` has room for the largest.
size_t frame_make(const struct check *k, const struct check_flow *f, const struct tx_desc *d, const struct rcv_header *h, uint8_t *out);
// Compares and reports; true when they are the same.
bool frame_same(struct check *k, int flow, const char *rule, const uint8_t *want, size_t want_len, const uint8_t *got, size_t got_len);

void ring_store(uint8_t *ring, uint32_t bytes, struct seq at, const uint8_t *data, size_t len);
void ring_load(const uint8_t *ring, uint32_t bytes, struct seq at, uint8_t *out, size_t len);

// --- host.c ---
bool check_flow_rings(const struct check *k, struct check_flow *f);   // allocated, when they are not; false: out of memory

// --- duty.c ---
void duty_scan(struct check *k);
void duty_moved(struct check *k, int flow, const char *what);   // something retires or leaves; flow -1: of none, or not known
#endif
