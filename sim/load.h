// SPDX-License-Identifier: Apache-2.0
// What the programs at both ends of `--wire pair` do, drawn from a seed: connections opened either way or from both sides at
// once, random writes, reads and pauses, readers that begin late, half-closes, aborts, early closes; and the proof that every
// byte came right.
#ifndef LW_LOAD_H
#define LW_LOAD_H
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "sock/stack.h"

enum { LOAD_CONNS = 24, LOAD_WHY = 200, LOAD_CHUNK = 65536 };

// How a side means to end its connection.
enum load_end {
  LOAD_CLOSE,        // sends all, reads all, closes
  LOAD_ABORT,        // resets it when so many bytes are written
  LOAD_EARLY         // closes it then, whatever the other side still sends
};

// One side of one connection.
struct load_side {
  unsigned conn, host;
  int sid;                     // -1: none
  bool active;                 // connects; both sides may
  bool up, kicked, shut, eof, done;
  bool waits;                  // ends its own stream only after the other's
  enum load_end end;
  int err;                     // why it failed, positive errno
  unsigned tries;
  uint64_t key, total, end_at; // its stream; bytes written before an abort or early close
  uint64_t sent, got;
  uint32_t write_max, read_max, pause_per_mille, pause_max_us;
  uint64_t late_us;                               // so long after the connection stands nothing is read
  uint64_t write_at, read_at;                     // us: pauses until then
  uint64_t start_at, wake_at, give_up_at;         // us; UINT64_MAX: no such time
  struct rng rng;
};

struct load {
  struct stack *stack[2];      // borrowed
  uint32_t ip[2];
  int listener[2];
  unsigned n;
  struct load_side side[LOAD_CONNS][2];
  uint64_t bytes;              // read, all sides
  unsigned aborted, retried;
  bool cut;                    // from now on a connection may fail
  char why[LOAD_WHY];          // the first thing that went wrong; empty: nothing
  uint8_t out[LOAD_CHUNK], in[LOAD_CHUNK];
};

// Draws the plan and opens the listeners. flows: so many connections either host can have at once. crossing: connections opened from
// both sides at once are possible (an instant wire delivers a SYN before the other side has begun).
void load_open(struct load *l, struct stack *stack[static 2], const uint32_t ip[static 2], unsigned flows, struct rng *rng, bool crossing,
               bool hard, uint64_t now_us);
// Lets the programs of a host do what their sockets and the time permit; to be called after the stack was polled with now_us.
void load_serve(struct load *l, unsigned host, uint64_t now_us);
uint64_t load_deadline(const struct load *l);
// Nothing comes through between the hosts any more: every connection fails in the end, or is given up.
void load_cut(struct load *l, uint64_t now_us);
// Every connection ended as planned, and its sockets are closed.
bool load_over(const struct load *l);
// Closes the listeners, once.
void load_close(struct load *l);
// What is not over yet, for a message; returns out.
const char *load_state(const struct load *l, char out[static LOAD_WHY]);
#endif
