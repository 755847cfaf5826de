// SPDX-License-Identifier: Apache-2.0
// Every flow's timer due in the same microsecond, while traffic goes on on one flow: delayed ACKs, retransmissions, then both; and
// every flow owing several ACKs. Each flow must do what is due once, not twice, and the last of them within so many cycles a flow.
#ifndef LW_AT_ONCE_H
#define LW_AT_ONCE_H
#include "tools/hand.h"

enum { AT_ONCE_LINE = 200 };

// With a NIC just opened, at time now_us. `line` says how long it took, or what went wrong.
bool at_once(struct nic *n, uint64_t now_us, char line[static AT_ONCE_LINE]);
#endif
