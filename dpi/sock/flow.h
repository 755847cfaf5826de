// SPDX-License-Identifier: Apache-2.0
// A connection while the engine carries it: the engine's events and payload coming in, and how it ends.
#ifndef LW_FLOW_H
#define LW_FLOW_H
#include "sock/conn.h"
#include "tcp/engine.h"

void flow_event(struct stack *s, const struct engine_event *ev);
void flow_payload(struct stack *s, uint16_t flow, const uint8_t *data, size_t len);

// Asks the engine for as much as is there and the socket has room for.
void flow_pull(struct stack *s, struct conn *c);
// The engine has it, from open() on.
bool flow_carried(const struct conn *c);
// Bytes that may be given to the engine now.
uint32_t flow_credit(const struct stack *s, const struct conn *c);
// The path MTU to this address is less than it was: its connections send shorter segments, and what is out once more.
void flow_path_mtu(struct stack *s, uint32_t dst_ip);
// What is chosen for a connection, as the engine is to hear it now; nothing of the kind before it carries it.
void flow_tune(struct stack *s, struct conn *c, const struct flow_tuning *t);
// Our FIN, behind all given so far; once.
void flow_close(struct stack *s, struct conn *c);
// RST; the connection leaves its socket or listener.
void flow_abort(struct stack *s, struct conn *c);
// It ended for this reason (a positive errno), which the socket is told.
void flow_fail(struct stack *s, struct conn *c, int err);
// Its socket was closed: the rest goes on without one.
void flow_orphan(struct stack *s, struct conn *c);
void flow_orphan_timeout(struct stack *s, struct conn *c);
// Ends it when both directions are done: to TIME-WAIT or CLOSED (RFC 9293 section 3.6).
void flow_check_end(struct stack *s, struct conn *c);
#endif
