// SPDX-License-Identifier: Apache-2.0
// A wire around a wire that slips frames of its own between those received, as anyone on a network can: resets and SYNs that
// miss, ACKs of what was never sent, old and far data, frames damaged in one field with checksums that fit, other protocols.
// Each is made from the frame before it, and none may change what two correct ends say to each other: at most, when it plays a
// router on the way, how long the segments are in which they say it.
#ifndef LW_STRANGER_H
#define LW_STRANGER_H
#include "base/seq.h"
#include "wire/wire.h"

struct stranger_opts {
  uint32_t per_mille;      // of the frames received one follows; 0: never. Of the first few frames every second, whatever it is
  bool strips;             // as some boxes on the way do, it takes SACK, the time stamp or both out of some of the SYNs received
  uint64_t seed;
  // Of a frame received: the end of all that its sender has sent so far on its connection, which is open at both ends; false:
  // it belongs to none. A segment in the window must lie behind that, or it might be what is expected next.
  bool (*sent_to)(void *user, const uint8_t *frame, size_t len, struct seq *end);
  void *user;
};

// Takes over `inner` (also on error, where it is closed).
struct wire *stranger_open(struct wire *inner, const struct stranger_opts *o, char err[static WIRE_ERR_LEN]);
uint64_t stranger_count(const struct wire *w);   // frames of its own, of a stranger wire
#endif
