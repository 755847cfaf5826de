// SPDX-License-Identifier: Apache-2.0
// lockwire replay: drives the NIC from a recording alone and holds every beat that leaves against it; or from a capture
// (capture_replay.h).
#ifndef LW_REPLAY_H
#define LW_REPLAY_H
#include "pair.h"

// The exit status.
int replay_main(int argc, char **argv, const struct pair_nic *nic);
#endif
