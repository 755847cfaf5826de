// SPDX-License-Identifier: Apache-2.0
// Conversations over the NIC of which every step is asked for: a tool says what the peer sends, what the host does, what time it is,
// and in which cycle. What the NIC answers is only noted, until talk_finish() brings a conversation to its end.
// Each stream is counted in octets from where it begins, its FIN as one more; what an octet is follows from where it
// stands, and in which conversation.
#ifndef LW_TALK_H
#define LW_TALK_H
#include "tools/hand.h"

enum { TALK_OCTETS = 1024, TALK_MSS = 32, TALK_MOST = 2, TALK_WRONG = 200 };

struct talk_options {
  struct seq snd, rcv;         // where the NIC's stream begins, and the peer's
  bool options;                // time stamps and SACK were agreed
  uint8_t scale;               // of the peer's window; of the NIC's as far as its ring allows
  uint32_t user_timeout_ms;
};

struct talk {
  struct talk_options o;
  uint32_t number;             // of all, from the first on
  uint16_t flow;
  // The peer.
  bool sent[TALK_OCTETS];      // what the NIC must have taken
  unsigned top;                // the end of it
  bool fin_sent;               // behind top
  unsigned acked;              // of the NIC's stream, as the peer said last
  uint16_t wnd;                // its window, as it stands in a header
  bool came[TALK_OCTETS];      // of the NIC's stream
  bool fin_came, rst_came;
  unsigned fin_at;
  unsigned told;               // of its own, as the NIC said last
  uint32_t tsecr;
  // The host.
  unsigned written, asked, given;   // octets to send; octets asked for, octets that came
  bool closed, aborted, let_go;
  struct engine_event now;     // as it was told last
};

struct scene {
  struct nic *nic;
  uint64_t now_us;
  struct talk talk[TALK_MOST];
  unsigned talks;
  uint32_t opened;             // conversations so far
  char wrong[TALK_WRONG];      // the first thing that must not be; empty: nothing
};

// Something that happens to a flow, and the port by which it comes.
struct event {
  enum event_port { BY_FRAME, BY_PAYLOAD, BY_COMMAND, BY_TIME } port;
  uint16_t flow;
  uint8_t data[256];           // of a frame, of payload
  size_t len;
  enum host_cmd_e command;     // close, abort, release, consume or tune
  uint32_t amount;             // to consume
  struct flow_tuning tuning;
  uint64_t us;                 // that the clock jumps
};

// How a conversation ended, as far as it does not depend on when the NIC came to what. Of two reasons the greater counts.
struct talk_end {
  enum talk_how { TALK_WHOLE, TALK_TIMED_OUT, TALK_ABORTED, TALK_RESET, TALK_RELEASED } how;
  unsigned ready;              // octets that the host was told of (0 with TALK_RELEASED, as all that follows)
  bool peer_closed, rst_came;
};

bool scene_wrong(struct scene *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));   // false
// False from here on: s->wrong has a reason, or the checker has one.
bool scene_open(struct scene *s, const struct talk_options *o);   // the next flow
bool scene_cycle(struct scene *s);
bool scene_rest(struct scene *s);      // until nothing is under way; what came out is noted
bool scene_finish(struct scene *s, struct talk *t, struct talk_end *end);   // all that is left is said, heard and checked
bool scene_drop(struct scene *s);      // nothing more is said: the flows are let go of
bool talk_ends_equal(const struct talk_end *a, const struct talk_end *b);

void event_put(struct scene *s, const struct event *e);           // in this cycle, or from this cycle on
unsigned event_cycles(const struct scene *s, const struct event *e);   // that it takes to enter

// What the peer may send: the next segment without octets; its stream's next in order; the frame, with payload_len octets from seq on.
struct segment talk_segment(const struct talk *t);
unsigned talk_next(const struct talk *t);
void talk_frame(struct scene *s, const struct talk *t, struct event *e, const struct segment *seg);
void talk_mark(struct talk *t, unsigned from, unsigned len);      // octets that the NIC must take
void talk_write(struct talk *t, struct event *e, unsigned len);
#endif
