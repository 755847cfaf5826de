// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "sock/flow.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

const char *sock_state_name(enum sock_state s)
{
  static const char *const name[] = {"CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                     "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
  return (size_t)s < sizeof name / sizeof name[0] ? name[s] : "?";
}

// RFC 9293 section 3.3.2, by who closed first.
static enum sock_state carried_state(const struct conn *c)
{
  if (!c->close_given) return c->peer_closed ? SOCK_CLOSE_WAIT : SOCK_ESTABLISHED;
  if (!c->closed_first) return SOCK_LAST_ACK;
  if (c->peer_closed) return c->fin_acked ? SOCK_TIME_WAIT : SOCK_CLOSING;
  return c->fin_acked ? SOCK_FIN_WAIT_2 : SOCK_FIN_WAIT_1;
}

static enum sock_state state_of(const struct stack *s, const struct sock *k)
{
  const struct tuple t = {k->ip, k->peer.ip, k->port, k->peer.port};
  if (k->kind == SOCK_KIND_LISTENER) return SOCK_LISTENS;
  if (k->kind == SOCK_KIND_DATAGRAM) return k->connected ? SOCK_ESTABLISHED : SOCK_CLOSED;
  if (k->kind != SOCK_KIND_CONN) return SOCK_CLOSED;
  if (!k->conn) return !k->err && tw_find(s, &t) ? SOCK_TIME_WAIT : SOCK_CLOSED;
  if (k->conn->state == CONN_SYN_SENT) return SOCK_SYN_SENT;
  return flow_carried(k->conn) ? carried_state(k->conn) : SOCK_SYN_RECEIVED;
}

static void tell_carried(struct stack *s, const struct conn *c, struct sock_info *i)
{
  i->unread += (uint32_t)seq_diff(c->rx_ready, c->rx_got);
  i->unacked = s->engine->tx_ring_bytes - flow_credit(s, c);
  i->flow = c->flow;
  i->iss = c->iss;
  i->irs = c->irs;
  i->mss = c->tuning.mss;
  i->rcv_mss = out_mss(s);
  i->wscale = c->wscale_ok;
  i->sack = c->sack_ok;
  i->timestamps = c->ts_ok;
  i->snd_wscale = c->snd_wscale;
  i->rcv_wscale = c->rcv_wscale;
  if (s->engine->contexts && !s->engine->contexts(s->engine, c->flow, &i->rcv, &i->snd)) i->rcv = NULL, i->snd = NULL;
}

int sock_info_next(const struct stack *s, int sid)
{
  for (size_t i = (size_t)(sid + 1); i < s->socks.n; i++)
    if (s->socks.of[i]) return (int)i;
  return -1;
}

int sock_info(struct stack *s, int sid, struct sock_info *i)
{
  const struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  static const enum sock_type type[] = {[SOCKS_TCP] = SOCK_TCP, [SOCKS_UDP] = SOCK_UDP, [SOCKS_ECHO] = SOCK_ICMP};
  *i = (struct sock_info){.type = type[k->space], .state = state_of(s, k), .err = k->err, .shut = k->shut,
                          .local = {k->ip, k->port}, .waiting = k->queued, .unread = k->rx ? socks_rx_used(k) : 0};
  if (k->kind == SOCK_KIND_CONN || k->connected) i->peer = k->peer;
  if (k->conn && flow_carried(k->conn)) tell_carried(s, k->conn, i);
  return 0;
}
