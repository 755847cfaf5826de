// SPDX-License-Identifier: Apache-2.0
// A run of the NIC between a host and a peer played by hand, as step.h has it, and its judges: the checker follows each step; the wire
// monitor sees every frame, with a handshake made up for each flow; whatever enters, the NIC comes to rest; with honest hosts what is
// open comes to its end; and at last each flow can be let go of.
#ifndef LW_BED_H
#define LW_BED_H
#include "check/monitor.h"
#include "fuzz/step.h"
#include "nic.h"

enum { BED_WHY = 400 };

// Who watches. Each may be NULL.
struct bed_watch {
  void (*frame)(void *user, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t now_us);
  void (*says)(void *user, const char *text);   // what host, peer and clock do, a line
  void *user;
};

// Until it is at rest after its reset. False: it does not come to rest.
bool bed_settle(struct nic *n);
// With a NIC that has just settled. False with why it failed; when the checker has found a difference, hand_failed() tells more.
// With LW_FUZZ_LIE in the environment the handshakes lie, which is soon found: for the test of the tools.
bool bed_run(struct nic *n, const uint8_t *data, size_t size, const struct bed_watch *w, char why[static BED_WHY]);
#endif
