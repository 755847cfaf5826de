// SPDX-License-Identifier: Apache-2.0
// Passive open, RFC 9293 sections 3.10.7.2 (LISTEN) and 3.10.7.4 (SYN-RECEIVED).
#ifndef LW_HANDSHAKE_H
#define LW_HANDSHAKE_H
#include <stdbool.h>

#include "sock/conn.h"

struct arrival;

// A SYN for a listener. False when it stays unanswered (backlog full, no flow free): counted, the peer tries again.
// With `above` our initial sequence number is chosen beyond it: it belonged to the tuple's last connection.
bool handshake_syn(struct stack *s, const struct arrival *a, struct sock *listener, const struct seq *above);
// A segment for a connection in CONN_SYN_RCVD.
void handshake_input(struct stack *s, struct conn *c, const struct arrival *a);
// No answer to our SYN-ACK: sends it again, or gives up.
void handshake_timeout(struct stack *s, struct conn *c);
// Forgets a half-open connection: silently, its flow was never opened.
void handshake_drop(struct stack *s, struct conn *c);
// RFC 9293 section 3.10.7.4, first check: does the segment touch the receive window?
bool segment_acceptable(const struct arrival *a, struct seq rcv_nxt, uint32_t rcv_wnd);
#endif
