// SPDX-License-Identifier: Apache-2.0
// Passive open, RFC 9293 sections 3.10.7.2 (LISTEN) and 3.10.7.4 (SYN-RECEIVED); also SYN-RECEIVED after simultaneous open.
#ifndef LW_HANDSHAKE_H
#define LW_HANDSHAKE_H
#include <stdbool.h>

#include "sock/conn.h"
#include "tcp/segment.h"

struct arrival;

// A SYN for a listener. False when no connection comes of it now: the listener's policy is against it; its accept queue
// is full or all flows carry connections (unanswered, counted: the peer tries again); or its backlog or the flows are taken
// by half-open connections (answered by a cookie).
// With `above` our initial sequence number is chosen beyond it: it belonged to the tuple's last connection.
bool handshake_syn(struct stack *s, const struct arrival *a, struct sock *listener, const struct seq *above);
// A segment with ACK for a listener, of no connection. True when it brought a cookie back, whether there was room or not.
bool handshake_cookie(struct stack *s, const struct arrival *a, struct sock *listener);
// A segment for a connection in CONN_SYN_RCVD.
void handshake_input(struct stack *s, struct conn *c, const struct arrival *a);
// No answer to our SYN-ACK: sends it again, or gives up.
void handshake_timeout(struct stack *s, struct conn *c);
// Forgets a half-open connection: silently, its flow was never opened. Its socket, if it has one, is told `err`.
void handshake_drop(struct stack *s, struct conn *c, int err);

// What both ways of opening share.
// The options of a SYN of ours.
struct segment_options handshake_offer(const struct stack *s);
// Takes over what the peer's SYN offers and we offer too: IRS, MSS, scales, time stamps, SACK, ECN.
void handshake_agree(struct stack *s, struct conn *c, const struct segment *syn);
// SYN-RECEIVED: the SYN-ACK goes out, again and again until it is answered.
void handshake_answer(struct stack *s, struct conn *c);
void handshake_send_ack(struct stack *s, const struct conn *c);
// RFC 9293 section 3.10.7.4, first check: does the segment touch the receive window?
bool segment_acceptable(const struct arrival *a, struct seq rcv_nxt, uint32_t rcv_wnd);
#endif
