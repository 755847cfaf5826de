// SPDX-License-Identifier: Apache-2.0
// Sockets as the stack sees them: the table by number, listeners by port, the receive buffer, and the queue of those
// whose readiness changed. The calls that programs make are in sock.c.
#ifndef LW_SOCKS_H
#define LW_SOCKS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ipv4.h"
#include "net/tuple.h"
#include "sock/sock.h"

struct stack;
struct conn;

enum {
  SOCKS_RX_BYTES = 65536,   // receive buffer; a power of two, its place is the low bits of a running count
  SOCKS_MAX = 65536,        // numbers
  SOCKS_DYNAMIC_FIRST = 49152,   // RFC 6335 section 6: ports of those who asked for none
  SOCKS_DYNAMIC_N = 65536 - SOCKS_DYNAMIC_FIRST,
  SOCKS_PORTS = 65536,
  SOCKS_BUCKETS = 256
};

enum socks_space { SOCKS_TCP, SOCKS_UDP, SOCKS_ECHO, SOCKS_SPACES };   // each has ports of its own; of echo, identifiers

// What a program has chosen, as it was told; the engine gets it as struct flow_tuning.
struct sock_options {
  bool nodelay, keepalive;
  bool reuse;                             // of a datagram socket: its port may be shared
  uint32_t pacing_bytes_per_s, user_timeout_ms, keep_idle_ms, keep_interval_ms;
  uint8_t keep_count;
  struct ipv4_choice ip;
};

enum sock_kind { SOCK_KIND_IDLE, SOCK_KIND_LISTENER, SOCK_KIND_CONN, SOCK_KIND_DATAGRAM };

struct sock {
  int sid;
  enum sock_kind kind;
  enum socks_space space;
  uint16_t port;                          // 0: none
  uint32_t ip;                            // 0: any of ours
  uint32_t bound_ip;                      // the same as bind said
  bool bound;                             // in the list of its port
  struct sock *port_next;                 // the next there
  struct sock_options opt;
  void *user;
  bool ready;                             // in the queue of changed ones
  struct sock *ready_prev, *ready_next;

  // Listener. Children: half-open connections and those queued, established; neither half-open nor queued exceed backlog.
  unsigned backlog, children, queued;
  sock_policy policy;                     // NULL: all are let in
  void *policy_arg;
  bool cookies;                           // one was sent, the last at cookie_us
  uint64_t cookie_us;
  struct conn *queue_first, *queue_last;

  // Connection.
  struct conn *conn;                      // NULL once it ended
  struct sock_addr peer;
  int err;                                // why it ended, positive errno; 0: in order
  bool shut;                              // our side is closed
  uint8_t *rx;
  uint32_t rx_put, rx_taken;              // running counts of bytes

  // Datagrams: peer, err, shut and rx as above, but err is told once.
  bool connected;                         // to peer; false of every other kind
  uint8_t got_ttl;                        // of the datagram received last; 0: none
};

struct socks {
  struct sock **of;                       // by sid
  int *free;                              // sids given back, the last first
  size_t n, n_free, cap;
  struct sock *port[SOCKS_SPACES][SOCKS_BUCKETS];  // those bound, by port modulo buckets, the last bound first
  uint8_t tcp_was_ours[SOCKS_PORTS / 8];
  struct sock *ready_first, *ready_last;
};

void socks_free(struct stack *s);
struct sock *socks_new(struct stack *s, int *err);                 // NULL: *err is a negative errno
void socks_delete(struct stack *s, struct sock *k);                // nothing may refer to it any more
struct sock *socks_get(const struct stack *s, int sid);            // NULL: no such socket

// Nobody has the port on this address (0: any) but who shares it, if both say so.
bool socks_port_free(const struct stack *s, const struct sock *k, uint32_t ip, uint16_t port);
void socks_bind(struct stack *s, struct sock *k, uint32_t ip, uint16_t port);   // it is free
// Whose a packet to us is: of those bound to its port the one connected to its sender, else one that is not connected, bound
// to just our address or to any, the last bound. NULL: nobody's.
struct sock *socks_find(const struct stack *s, enum socks_space space, const struct tuple *t);
struct sock *socks_listener(const struct stack *s, const struct tuple *t);      // likewise; NULL: nobody listens
void socks_tcp_port_used(struct stack *s, uint16_t port);
bool socks_tcp_port_was_ours(const struct stack *s, uint16_t port);             // somebody is or was bound to it

void socks_mark_ready(struct stack *s, struct sock *k);            // its readiness changed; it is queued once
struct sock *socks_take_ready(struct stack *s);                    // NULL: none

void socks_enqueue(struct stack *s, struct conn *c);               // established: into its listener's queue
void socks_dequeue(struct conn *c);                                // out of it again; c->listener is NULL then

uint32_t socks_rx_used(const struct sock *k);
uint32_t socks_rx_room(const struct sock *k);
void socks_rx_append(struct sock *k, const uint8_t *data, size_t len);         // there is room
size_t socks_rx_take(struct sock *k, uint8_t *buf, size_t cap);
// The connection is over and about to leave: in order (err 0: what arrived can still be read) or not (it is discarded, as
// Linux does).
void socks_ended(struct stack *s, struct sock *k, int err);
#endif
