// SPDX-License-Identifier: Apache-2.0
// The recorded endpoint's program, played: it listens and connects where the capture says so, writes what the near side wrote, once
// what it had read by then has come and the time is there, reads all that comes, and ends as it did then.
#ifndef LW_PLAYED_H
#define LW_PLAYED_H
#include "conv.h"
#include "peers.h"
#include "sock/stack.h"

struct played;

struct played *played_open(const struct convs *v, struct peers *p, struct stack *s);   // all lent; NULL: out of memory
void played_close(struct played *p);                                                   // NULL is allowed
bool played_serve(struct played *p, uint64_t now_us);      // true when something was done
uint64_t played_deadline(const struct played *p, uint64_t now_us);   // by time alone, after now_us; UINT64_MAX: never
struct played_result {
  uint64_t delivered, written;   // bytes
  uint64_t other;                // of those delivered: not what the capture has there
  int err;                       // how the connection failed, a positive errno
  bool end;                      // the far side's end was read
} played_result(const struct played *p, size_t conv);
#endif
