// SPDX-License-Identifier: Apache-2.0
// The calls that programs make. Each finds its socket, looks at its kind, and leaves the rest to flow.c or datagram.c.
#include "sock/sock.h"

#include <errno.h>
#include <stdlib.h>

#include "sock/connect.h"
#include "sock/datagram.h"
#include "sock/flow.h"
#include "sock/handshake.h"
#include "sock/stack_priv.h"

static bool is_datagram(const struct sock *k) { return k->kind == SOCK_KIND_DATAGRAM; }

// Connecting: the handshake is not through.
static bool half_open(const struct sock *k) { return k->conn && !flow_carried(k->conn); }

int sock_socket(struct stack *s, enum sock_type type)
{
  static const enum socks_space space[] = {[SOCK_TCP] = SOCKS_TCP, [SOCK_UDP] = SOCKS_UDP, [SOCK_ICMP] = SOCKS_ECHO};
  if (type != SOCK_TCP && type != SOCK_UDP && type != SOCK_ICMP) return -EPROTONOSUPPORT;
  if (type != SOCK_TCP && s->cfg.shared_ip) return -EPROTONOSUPPORT;   // the kernel has all of that there
  int err;
  struct sock *k = socks_new(s, &err);
  if (!k) return err;
  k->space = space[type];
  if (type == SOCK_TCP || datagram_open(k)) return k->sid;
  socks_delete(s, k);
  return -ENOMEM;
}

int sock_bind(struct stack *s, int sid, uint32_t ip, uint16_t port)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (k->port != 0 || (ip != 0 && !route_is_ours(&s->net, ip))) return -EINVAL;
  if (is_datagram(k)) return datagram_bind(s, k, ip, port);
  if (k->kind != SOCK_KIND_IDLE || port == 0) return -EINVAL;
  if (!socks_port_free(s, k, ip, port)) return -EADDRINUSE;
  socks_bind(s, k, ip, port);
  return 0;
}

int sock_listen(struct stack *s, int sid, int backlog)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (is_datagram(k)) return -EOPNOTSUPP;
  if (k->kind == SOCK_KIND_CONN || k->port == 0) return -EINVAL;
  k->kind = SOCK_KIND_LISTENER;
  k->backlog = backlog < 1 ? 1 : (unsigned)backlog;
  return 0;
}

int sock_set_policy(struct stack *s, int sid, sock_policy policy, void *arg)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (k->kind == SOCK_KIND_CONN || is_datagram(k)) return -EINVAL;
  k->policy = policy;
  k->policy_arg = arg;
  return 0;
}

static int second_connect(const struct sock *k)
{
  if (k->err) return -k->err;
  return half_open(k) ? -EALREADY : -EISCONN;
}

int sock_connect(struct stack *s, int sid, uint32_t ip, uint16_t port)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (is_datagram(k)) return datagram_connect(s, k, (struct sock_addr){ip, port});
  if (k->kind == SOCK_KIND_CONN) return second_connect(k);
  if (k->kind != SOCK_KIND_IDLE || port == 0) return -EINVAL;
  return connect_begin(s, k, (struct sock_addr){ip, port});
}

int sock_accept(struct stack *s, int sid, struct sock_addr *peer)
{
  struct sock *l = socks_get(s, sid);
  if (!l) return -EBADF;
  if (l->kind != SOCK_KIND_LISTENER) return is_datagram(l) ? -EOPNOTSUPP : -EINVAL;
  struct conn *c = l->queue_first;
  if (!c) return -EAGAIN;
  int err;
  struct sock *k = socks_new(s, &err);
  if (!k) return err;
  k->rx = malloc(SOCKS_RX_BYTES);
  if (!k->rx) {
    socks_delete(s, k);
    return -ENOMEM;
  }
  socks_dequeue(c);
  k->kind = SOCK_KIND_CONN;
  k->port = l->port;
  k->ip = c->node.tuple.local_ip;
  k->opt = l->opt;
  k->user = l->user;
  k->peer = (struct sock_addr){c->node.tuple.remote_ip, c->node.tuple.remote_port};
  k->conn = c;
  c->sock = k;
  if (peer) *peer = k->peer;
  socks_mark_ready(s, k);   // room to send, and perhaps an end that came before it was accepted
  flow_pull(s, c);
  return k->sid;
}

ssize_t sock_send(struct stack *s, int sid, const void *data, size_t len) { return sock_sendto(s, sid, data, len, NULL); }

ssize_t sock_sendto(struct stack *s, int sid, const void *data, size_t len, const struct sock_addr *to)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (is_datagram(k)) return datagram_send(s, k, data, len, to);
  if (k->kind != SOCK_KIND_CONN) return -ENOTCONN;
  if (k->err) return -k->err;
  if (k->shut || !k->conn) return -EPIPE;
  size_t room = flow_credit(s, k->conn);
  size_t n = len < room ? len : room;
  if (n == 0) return len == 0 ? 0 : -EAGAIN;
  k->conn->snd_end = seq_add(k->conn->snd_end, (uint32_t)n);
  s->engine->ops->payload(s->engine, k->conn->flow, data, n);
  return (ssize_t)n;
}

// The peer will send no more, and all it sent has arrived here.
static bool at_end(const struct sock *k)
{
  return !k->conn || (k->conn->peer_closed && seq_eq(k->conn->rx_got, k->conn->rx_ready));
}

ssize_t sock_recv(struct stack *s, int sid, void *buf, size_t cap) { return sock_recvfrom(s, sid, buf, cap, NULL); }

ssize_t sock_recvfrom(struct stack *s, int sid, void *buf, size_t cap, struct sock_addr *from)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (is_datagram(k)) return datagram_recv(k, buf, cap, from);
  if (k->kind != SOCK_KIND_CONN) return -ENOTCONN;
  if (k->err) return -k->err;
  if (socks_rx_used(k) == 0) return at_end(k) || cap == 0 ? 0 : -EAGAIN;
  size_t n = socks_rx_take(k, buf, cap);
  if (k->conn) flow_pull(s, k->conn);
  return (ssize_t)n;
}

int sock_shutdown(struct stack *s, int sid)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  bool there = is_datagram(k) ? k->connected : k->kind == SOCK_KIND_CONN && !k->err && !half_open(k);
  if (!there) return -ENOTCONN;
  k->shut = true;
  if (k->conn) flow_close(s, k->conn);
  return 0;
}

static void close_children(struct stack *s, struct sock *l)
{
  for (size_t i = 0; i < s->conns.n && l->children > 0; i++) {
    struct conn *c = &s->conns.conns[i];
    if (c->listener != l) continue;
    if (c->state == CONN_SYN_RCVD)
      handshake_drop(s, c, 0);
    else
      flow_abort(s, c);   // established, and nobody will accept it: as Linux does
  }
}

int sock_close(struct stack *s, int sid)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  struct conn *c = k->conn;
  k->conn = NULL;
  if (k->kind == SOCK_KIND_LISTENER) {
    close_children(s, k);
  } else if (c && !flow_carried(c)) {
    connect_cancel(s, c);
  } else if (c && (socks_rx_used(k) > 0 || !seq_eq(c->rx_got, c->rx_ready))) {
    flow_abort(s, c);       // RFC 2525 section 2.17: unread data is lost, the peer must learn it
  } else if (c) {
    flow_orphan(s, c);
  }
  socks_delete(s, k);
  return 0;
}

int sock_abort(struct stack *s, int sid)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (k->kind == SOCK_KIND_LISTENER) close_children(s, k);
  if (half_open(k))
    connect_cancel(s, k->conn);
  else if (k->conn)
    flow_abort(s, k->conn);
  socks_delete(s, k);
  return 0;
}

unsigned sock_poll(struct stack *s, int sid)
{
  const struct sock *k = socks_get(s, sid);
  if (!k) return 0;
  if (is_datagram(k)) return datagram_poll(k);
  if (k->kind == SOCK_KIND_LISTENER) return k->queue_first ? SOCK_IN : 0;
  if (k->kind != SOCK_KIND_CONN) return 0;
  if (k->err) return SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_ERR;
  unsigned events = 0;
  if (socks_rx_used(k) > 0 || at_end(k)) events |= SOCK_IN;
  if (!k->conn || k->conn->peer_closed) events |= SOCK_HUP;
  if (!k->shut && k->conn && flow_credit(s, k->conn) > 0) events |= SOCK_OUT;
  if (k->conn && k->conn->stalled) events |= SOCK_STALL;
  return events;
}

void sock_set_user(struct stack *s, int sid, void *user)
{
  struct sock *k = socks_get(s, sid);
  if (k) k->user = user;
}

void *sock_user(struct stack *s, int sid)
{
  const struct sock *k = socks_get(s, sid);
  return k ? k->user : NULL;
}

size_t sock_room(struct stack *s, int sid)
{
  const struct sock *k = socks_get(s, sid);
  if (!k || k->shut) return 0;
  if (is_datagram(k)) return datagram_max();
  return k->conn ? flow_credit(s, k->conn) : 0;
}

bool sock_next_ready(struct stack *s, int *sid, unsigned *events)
{
  struct sock *k;
  while ((k = socks_take_ready(s))) {
    unsigned now = sock_poll(s, k->sid);
    if (now == 0) continue;   // it passed again before anybody looked
    *sid = k->sid;
    *events = now;
    return true;
  }
  return false;
}
