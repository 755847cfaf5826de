// SPDX-License-Identifier: Apache-2.0
// lockwire replay FILE: a capture from anywhere, played to the NIC (or to the reference) in virtual time, with the checker and the wire
// monitor following; at the end what the NIC did against what the recorded endpoint did.
#ifndef LW_CAPTURE_REPLAY_H
#define LW_CAPTURE_REPLAY_H
#include "capture.h"
#include "pair.h"
#include "sock/stack.h"

struct capture_options {
  const char *file, *stats, *text, *record;
  bool engine_ref, no_check, keep_vlan;
  uint32_t as;                     // the host for which the NIC stands in; 0: who listens
  unsigned mtu;
  uint64_t seed;
  enum stack_options options;
};

// The exit status. *wrong_frame (may be NULL) is set when the wire monitor found one: its number in the recording's wire.pcapng.
int capture_replay(const struct capture_options *o, const struct pair_nic *nic, uint64_t *wrong_frame);
#endif
