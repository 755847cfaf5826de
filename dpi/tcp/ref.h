// SPDX-License-Identifier: Apache-2.0
// The reference engine: the transport core with rings, timers and frames around it, so that it carries flows by itself. An
// engine like the NIC (tcp/engine.h), in C alone: frames in, frames out, time and seed as arguments; no I/O, no clock.
#ifndef LW_REF_H
#define LW_REF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/core/core.h"
#include "tcp/engine.h"

struct ref;

struct ref_config {
  uint16_t num_flows;                       // flows at once, at most 4096
  uint32_t tx_ring_bytes, rx_ring_bytes;    // per flow, powers of two; allocated while a flow is open
  struct core_caps caps;
  uint64_t seed;
};

struct ref *ref_open(const struct ref_config *c);   // NULL: out of memory
void ref_close(struct ref *r);                      // NULL is allowed
struct engine *ref_engine(struct ref *r);           // borrowed, lives as long as r

// A frame from the wire. True when it belongs to an open flow and was taken; the others are the stack's.
bool ref_input(struct ref *r, const uint8_t *frame, size_t len, uint64_t now_us);
// What became due, and what the engine calls and frames since the last time have made possible. Call after a batch of them.
void ref_run(struct ref *r, uint64_t now_us);
// The next frame to send; valid until the next call into the engine.
bool ref_next_frame(struct ref *r, const uint8_t **frame, size_t *len);
// The fence of an open(), see stack_fence; an open here never fails but for want of memory.
bool ref_next_fence(struct ref *r, uint16_t *flow, bool *ok);
uint64_t ref_next_deadline(const struct ref *r);    // UINT64_MAX: never
// Something waits for the owner now: a flow to be run, an event, payload, a fence. Frames do not count.
bool ref_pending(const struct ref *r);

struct ref_stats {
  uint64_t segments_in, segments_out, pure_acks_out, retransmissions, timeouts, rx_bytes, tx_bytes;
};
const struct ref_stats *ref_stats(const struct ref *r);
// A flow's contexts, for inspection; NULL when it is not open.
const struct rcv_ctx *ref_rcv_ctx(const struct ref *r, uint16_t flow);
const struct snd_ctx *ref_snd_ctx(const struct ref *r, uint16_t flow);
#endif
