// SPDX-License-Identifier: Apache-2.0
// Active open: SYN-SENT (RFC 9293 section 3.10.7.3), and what can end it before it stands. What becomes of it when the
// peer's SYN crosses ours is SYN-RECEIVED, in handshake.h.
#ifndef LW_CONNECT_H
#define LW_CONNECT_H
#include "sock/conn.h"
#include "sock/sock.h"

struct arrival;

// -EINPROGRESS, or why not (sock_connect). With an error the socket is as it was.
int connect_begin(struct stack *s, struct sock *k, struct sock_addr to);
// A segment for a connection in CONN_SYN_SENT.
void connect_input(struct stack *s, struct conn *c, const struct arrival *a);
// No answer to our SYN: sends it again, or gives up.
void connect_timeout(struct stack *s, struct conn *c);
// Its socket goes away before it stands.
void connect_cancel(struct stack *s, struct conn *c);
#endif
