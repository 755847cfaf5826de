// SPDX-License-Identifier: Apache-2.0
// From handshake to engine (DESIGN section 5, "Hand-over"): between open() and the fence the frames of the tuple that
// reach us are held, and at the fence given to the engine's receive side, in order, each once. None is acknowledged here.
#ifndef LW_HANDOVER_H
#define LW_HANDOVER_H
#include <stdbool.h>

#include "sock/conn.h"

struct arrival;

enum { HANDOVER_HELD_MAX = 64 };   // frames a connection; what comes beyond is dropped and counted: TCP bears it

// The segment that completes the handshake: the connection is established and the engine opens its flow. An ACK is the
// first frame held; a SYN-ACK is not the engine's business: the caller acknowledges it.
void handover_begin(struct stack *s, struct conn *c, const struct arrival *a);
// A segment for a connection in CONN_OPENING or CONN_OPEN.
void handover_input(struct stack *s, struct conn *c, const struct arrival *a);
void handover_fence(struct stack *s, struct conn *c, bool ok);
#endif
