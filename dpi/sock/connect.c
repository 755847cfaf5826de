// SPDX-License-Identifier: Apache-2.0
#include "sock/connect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "sock/handover.h"
#include "sock/handshake.h"
#include "sock/neigh.h"
#include "sock/out.h"
#include "sock/stack_priv.h"
#include "tcp/core/core.h"

enum {
  SYN_RTO_US = 1000000,       // RFC 6298 section 2.1; doubled each time
  SYN_RTO_MAX_US = 60000000,
  SYN_MAX = 8,                // given up after 183 s: RFC 1122 section 4.2.3.5 wants 180 s at least
  SYN_R1 = 4                  // the program hears of it: RFC 9293 section 3.8.3
};

// --- a port of our own -----------------------------------------------------------------------------------------------

static bool in_use(const struct stack *s, const struct tuple *t) { return conn_find(s, t) || tw_find(s, t); }

// RFC 6056 section 3.3.3, algorithm 3: a counter that starts elsewhere for each destination. 0: all are in use.
static uint16_t choose_port(struct stack *s, struct tuple t)
{
  const struct sock alone = {.space = SOCKS_TCP};
  uint8_t to[10];
  put_be32(to, t.local_ip);
  put_be32(to + 4, t.remote_ip);
  put_be16(to + 8, t.remote_port);
  uint32_t offset = (uint32_t)siphash24(s->port_key, to, sizeof to);
  for (unsigned i = 0; i < SOCKS_DYNAMIC_N; i++) {
    t.local_port = (uint16_t)(SOCKS_DYNAMIC_FIRST + (offset + s->port_step++) % SOCKS_DYNAMIC_N);
    bool to_itself = t.remote_ip == t.local_ip && t.remote_port == t.local_port;
    if (socks_port_free(s, &alone, 0, t.local_port) && !to_itself && !in_use(s, &t)) return t.local_port;
  }
  return 0;
}

// --- our SYN ---------------------------------------------------------------------------------------------------------

static void send_syn(struct stack *s, struct conn *c)
{
  const struct segment seg = {
    .seq = c->iss,
    // RFC 3168 section 6.1.1.1: what gets no answer may have been dropped for asking.
    .flags = (uint8_t)(TCP_SYN | (s->engine->ecn && c->tries == 0 ? TCP_ECE | TCP_CWR : 0)),
    .window = out_window(s, 0),   // RFC 7323 section 2.2: never scaled
    .opt = handshake_offer(s),
  };
  uint64_t rto = (uint64_t)SYN_RTO_US << c->tries++;
  timers_set(&s->conns.timers, &c->timer, s->now_us + (rto < SYN_RTO_MAX_US ? rto : SYN_RTO_MAX_US));
  out_segment_routed(s, &c->node.tuple, c->ip, &seg);
}

// What can be said without a connection: 0, or a negative errno.
static int check(struct stack *s, const struct sock *k, struct tuple *t)
{
  if (k->bound_ip && !route_is_ours(&s->net, k->bound_ip)) return -EADDRNOTAVAIL;
  if (!route_source(&s->net, k->bound_ip, t->remote_ip, &t->local_ip)) return -ENETUNREACH;
  // On a shared address the kernel would answer on a port that was not taken from it at the start.
  if (k->port == 0 && s->cfg.shared_ip) return -EADDRNOTAVAIL;
  t->local_port = k->port ? k->port : choose_port(s, *t);
  if (t->local_port == 0) return -EADDRNOTAVAIL;
  return in_use(s, t) ? -EADDRINUSE : 0;
}

int connect_begin(struct stack *s, struct sock *k, struct sock_addr to)
{
  struct tuple t = {0, to.ip, k->port, to.port};
  int err = check(s, k, &t);
  if (err) return err;
  if (!s->conns.free) {
    s->stat[ST_TCP_NO_FLOW_FREE]++;
    return -ENOBUFS;
  }
  k->rx = malloc(SOCKS_RX_BYTES);
  if (!k->rx) return -ENOMEM;
  struct conn *c = conn_take(s, &t);
  c->state = CONN_SYN_SENT;
  c->sock = k;
  c->ip = k->opt.ip;
  c->iss = isn_make(&s->isn, t.local_ip, t.local_port, t.remote_ip, t.remote_port, s->now_us);
  k->kind = SOCK_KIND_CONN;
  k->conn = c;
  k->port = t.local_port;
  k->ip = t.local_ip;
  k->peer = to;
  socks_tcp_port_used(s, t.local_port);
  send_syn(s, c);
  return -EINPROGRESS;
}

// --- what comes back -------------------------------------------------------------------------------------------------

// SYN-ACK, or a SYN that crossed ours.
static void answered(struct stack *s, struct conn *c, const struct arrival *a)
{
  handshake_agree(s, c, &a->seg);
  c->state = CONN_SYN_RCVD;   // a SYN of ours that waited in vain for another next hop is given up below, and means nothing any more
  if (!neigh_mac(s, c->node.tuple.remote_ip, c->remote_mac)) {
    memcpy(c->remote_mac, arrival_mac(a), sizeof c->remote_mac);
    neigh_answered(s, c->node.tuple.remote_ip, c->remote_mac);
  }
  if (a->seg.flags & TCP_ACK) {
    handover_begin(s, c, a);
    handshake_send_ack(s, c);
  } else {
    handshake_answer(s, c);
  }
}

void connect_input(struct stack *s, struct conn *c, const struct arrival *a)
{
  uint8_t flags = a->seg.flags;
  bool acks_syn = flags & TCP_ACK && seq_eq(a->seg.ack, seq_add(c->iss, 1));   // there is nothing else to acknowledge
  if (flags & TCP_ACK && !acks_syn) {                        // first
    if (!(flags & TCP_RST)) out_reset_reply(s, a);
  } else if (flags & TCP_RST) {                              // second; without ACK it proves nothing
    if (acks_syn) handshake_drop(s, c, ECONNREFUSED);
  } else if (flags & TCP_SYN) {                              // fourth
    answered(s, c, a);
  }
}

void connect_timeout(struct stack *s, struct conn *c)
{
  if (c->tries < SYN_MAX) {
    c->stalled = c->tries + 1 >= SYN_R1;
    if (c->tries + 1 == SYN_R1) socks_mark_ready(s, c->sock);
    send_syn(s, c);   // may be the end of it
    return;
  }
  s->stat[ST_TCP_HANDSHAKE_TIMEOUT]++;
  handshake_drop(s, c, ETIMEDOUT);
}

void connect_cancel(struct stack *s, struct conn *c)
{
  c->sock->conn = NULL;
  c->sock = NULL;
  if (c->state == CONN_SYN_RCVD) {   // the peer believes in it already
    const struct segment seg = {.seq = seq_add(c->iss, 1), .ack = seq_add(c->irs, 1), .flags = TCP_RST | TCP_ACK};
    out_segment(s, c->remote_mac, &c->node.tuple, c->ip, &seg);
    s->stat[ST_TCP_RST_SENT]++;
  }
  handshake_drop(s, c, 0);
}
