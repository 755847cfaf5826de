// SPDX-License-Identifier: Apache-2.0
// What every program that serves a TCP port needs: the listening socket, and a map from socket number to the program's
// own record of that connection.
#ifndef LW_CONNS_H
#define LW_CONNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/app.h"

struct conns {
  int listener;  // sid, -1 when there is none
  void **of;     // by sid; NULL where the socket is not ours
  size_t n;
};

// Listens on `port` of all our addresses, with `a` as the sockets' user pointer and its common options set on them. False with
// one line in err. `a` must be filled in.
bool conns_listen(struct conns *c, struct app *a, uint16_t port, char err[static APP_ERR_LEN]);
// Remembers conn as the record of sid; false: out of memory.
bool conns_put(struct conns *c, int sid, void *conn);
// The record of sid, or NULL.
void *conns_get(const struct conns *c, int sid);
// Forgets sid (sockets and records are the caller's to close).
void conns_drop(struct conns *c, int sid);
// Frees the map and closes the listener.
void conns_close(struct conns *c, struct stack *s);
#endif
