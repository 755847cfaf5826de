// SPDX-License-Identifier: Apache-2.0
// A whole endpoint: the stack, what carries its flows, and the order in which they take turns. Whoever owns it brings frames
// and time, runs the programs when asked, and sends what comes out.
#ifndef LW_ENDPOINT_H
#define LW_ENDPOINT_H
#include "base/recq.h"
#include "carrier.h"
#include "sock/stack.h"
#include "wire/wire.h"

struct endpoint_owner {
  void (*serve)(void *arg);                                        // sockets may be ready
  void (*send)(void *arg, const uint8_t *frame, size_t len);       // to the wire
  void *arg;
};

struct endpoint {
  struct stack *stack;
  struct carrier *carrier;
  struct endpoint_owner owner;
  struct recq looped;        // frames from us to us: they never see the wire
  uint64_t now_us;
  bool poked;                // the stack has something to do
  uint8_t frame[WIRE_FRAME_MAX];
};

// Takes over the carrier, also when it fails (NULL: out of memory).
bool endpoint_open(struct endpoint *e, const struct stack_config *c, struct carrier *carrier, const struct endpoint_owner *owner,
                   uint64_t now_us);
void endpoint_close(struct endpoint *e);
// A frame from the wire.
void endpoint_input(struct endpoint *e, const uint8_t *frame, size_t len, uint64_t now_us);
// The next turn runs the programs, whatever else there is to do.
void endpoint_poke(struct endpoint *e);
// Carrier, stack and programs in turn until nothing is left to do at this time, or the carrier has made `budget` steps. False:
// there was nothing to do.
bool endpoint_turn(struct endpoint *e, uint64_t now_us, unsigned budget);
// When endpoint_turn has something to do by time alone; UINT64_MAX: never.
uint64_t endpoint_deadline(const struct endpoint *e);
#endif
