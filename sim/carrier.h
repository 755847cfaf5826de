// SPDX-License-Identifier: Apache-2.0
// What carries an endpoint's flows, seen from beside its engine: frames in and out, the slow path, time. Two kinds: the
// simulated NIC (nic.h) and the reference (carrier_ref.c).
#ifndef LW_CARRIER_H
#define LW_CARRIER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/engine.h"

struct carrier;
struct check;
struct ref;

// What comes to the stack by the slow path: a frame that is no flow's business, or the fence of an open.
struct slow_item {
  bool fence, ok;            // ok: of a fence, the flow table had room
  uint16_t flow;
  const uint8_t *frame;      // NULL for a fence; valid until the carrier is next called
  size_t len;
};

struct carrier_figures {
  uint64_t rx_bytes, tx_bytes;             // payload through the rings
  uint64_t timeouts, retransmissions;
};

struct carrier_ops {
  // A frame from the wire; copied.
  void (*input)(struct carrier *c, const uint8_t *frame, size_t len, uint64_t now_us);
  // A frame of the stack's, on its way to the wire; copied.
  void (*slow_input)(struct carrier *c, const uint8_t *frame, size_t len);
  // run() would do something now.
  bool (*due)(struct carrier *c, uint64_t now_us);
  // Works until something came out or nothing is left to do, for at most *budget steps (of the NIC: cycles), which it
  // counts down. False: nothing is left to do.
  bool (*run)(struct carrier *c, uint64_t now_us, unsigned *budget);
  bool (*next_slow)(struct carrier *c, struct slow_item *it);
  // The next frame for the wire, valid until the carrier is next called.
  bool (*next_frame)(struct carrier *c, const uint8_t **frame, size_t *len);
  uint64_t (*deadline)(struct carrier *c);   // us; UINT64_MAX: never
  struct carrier_figures (*figures)(struct carrier *c);
  // The checker has found a difference: the carrier does nothing any more. NULL: it has none.
  struct check *(*failed)(struct carrier *c);
  // Why it cannot go on, a line; NULL: it can.
  const char *(*broken)(struct carrier *c);
  void (*close)(struct carrier *c);
};

struct carrier {
  const struct carrier_ops *ops;
  struct engine *engine;
};

// The reference as a carrier; takes over r. NULL: out of memory.
struct carrier *carrier_ref_open(struct ref *r);
#endif
