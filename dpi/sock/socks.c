// SPDX-License-Identifier: Apache-2.0
#include "sock/socks.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sock/stack_priv.h"

enum { FIRST_CAP = 64 };

void socks_free(struct stack *s)
{
  struct socks *t = &s->socks;
  for (size_t i = 0; i < t->n; i++) {
    if (!t->of[i]) continue;
    free(t->of[i]->rx);
    free(t->of[i]);
  }
  free(t->of);
  free(t->free);
}

static bool grow(struct socks *t)
{
  size_t cap = t->cap ? 2 * t->cap : FIRST_CAP;
  struct sock **of = realloc(t->of, cap * sizeof *of);
  if (of) t->of = of;
  int *list = realloc(t->free, cap * sizeof *list);
  if (list) t->free = list;
  if (!of || !list) return false;
  t->cap = cap;
  return true;
}

struct sock *socks_new(struct stack *s, int *err)
{
  struct socks *t = &s->socks;
  *err = -EMFILE;
  if (t->n_free == 0 && t->n == SOCKS_MAX) return NULL;
  *err = -ENOMEM;
  if (t->n_free == 0 && t->n == t->cap && !grow(t)) return NULL;
  struct sock *k = calloc(1, sizeof *k);
  if (!k) return NULL;
  k->opt = (struct sock_options){.keep_idle_ms = 7200000, .keep_interval_ms = 75000, .keep_count = 9};   // RFC 9293 MUST-28
  k->sid = t->n_free > 0 ? t->free[--t->n_free] : (int)t->n++;
  t->of[k->sid] = k;
  return k;
}

static void unready(struct socks *t, struct sock *k)
{
  if (!k->ready) return;
  *(k->ready_prev ? &k->ready_prev->ready_next : &t->ready_first) = k->ready_next;
  *(k->ready_next ? &k->ready_next->ready_prev : &t->ready_last) = k->ready_prev;
  k->ready = false;
}

static struct sock **bucket(struct socks *t, enum socks_space space, uint16_t port) { return &t->port[space][port % SOCKS_BUCKETS]; }

static void unbind(struct socks *t, struct sock *k)
{
  struct sock **at = bucket(t, k->space, k->port);
  while (*at != k) at = &(*at)->port_next;
  *at = k->port_next;
  k->bound = false;
}

void socks_delete(struct stack *s, struct sock *k)
{
  struct socks *t = &s->socks;
  assert(!k->conn && k->children == 0);
  unready(t, k);
  if (k->bound) unbind(t, k);
  t->of[k->sid] = NULL;
  t->free[t->n_free++] = k->sid;
  free(k->rx);
  free(k);
}

struct sock *socks_get(const struct stack *s, int sid)
{
  return sid >= 0 && (size_t)sid < s->socks.n ? s->socks.of[sid] : NULL;
}

// --- ports -----------------------------------------------------------------------------------------------------------

bool socks_port_free(const struct stack *s, const struct sock *k, uint32_t ip, uint16_t port)
{
  for (const struct sock *x = s->socks.port[k->space][port % SOCKS_BUCKETS]; x; x = x->port_next) {
    bool same = x->port == port && (x->bound_ip == ip || !x->bound_ip || !ip);
    if (same && !(x->opt.reuse && k->opt.reuse)) return false;
  }
  return true;
}

void socks_bind(struct stack *s, struct sock *k, uint32_t ip, uint16_t port)
{
  struct sock **first = bucket(&s->socks, k->space, port);
  k->ip = k->bound_ip = ip;
  k->port = port;
  k->bound = true;
  k->port_next = *first;
  *first = k;
  if (k->space == SOCKS_TCP) socks_tcp_port_used(s, port);
}

// How well a socket fits; 0: not at all.
static int fits(const struct sock *k, const struct tuple *t)
{
  if (k->port != t->local_port || (k->ip && k->ip != t->local_ip)) return 0;
  bool from_peer = k->peer.ip == t->remote_ip && (k->space == SOCKS_ECHO || k->peer.port == t->remote_port);
  if (k->connected) return from_peer ? 3 : 0;
  return k->ip ? 2 : 1;
}

static struct sock *best(const struct stack *s, enum socks_space space, const struct tuple *t, bool listens)
{
  struct sock *best = NULL;
  int how = 0;
  for (struct sock *k = s->socks.port[space][t->local_port % SOCKS_BUCKETS]; k; k = k->port_next) {
    int fit = listens && k->kind != SOCK_KIND_LISTENER ? 0 : fits(k, t);
    if (fit > how) best = k, how = fit;
  }
  return best;
}

struct sock *socks_find(const struct stack *s, enum socks_space space, const struct tuple *t) { return best(s, space, t, false); }

struct sock *socks_listener(const struct stack *s, const struct tuple *t) { return best(s, SOCKS_TCP, t, true); }

void socks_tcp_port_used(struct stack *s, uint16_t port) { s->socks.tcp_was_ours[port / 8] |= (uint8_t)(1 << port % 8); }

bool socks_tcp_port_was_ours(const struct stack *s, uint16_t port) { return s->socks.tcp_was_ours[port / 8] >> port % 8 & 1; }

// --- readiness, queues, buffers --------------------------------------------------------------------------------------

void socks_mark_ready(struct stack *s, struct sock *k)
{
  struct socks *t = &s->socks;
  if (k->ready) return;
  k->ready = true;
  k->ready_next = NULL;
  k->ready_prev = t->ready_last;
  *(t->ready_last ? &t->ready_last->ready_next : &t->ready_first) = k;
  t->ready_last = k;
}

struct sock *socks_take_ready(struct stack *s)
{
  struct sock *k = s->socks.ready_first;
  if (k) unready(&s->socks, k);
  return k;
}

void socks_enqueue(struct stack *s, struct conn *c)
{
  struct sock *l = c->listener;
  l->queued++;
  c->queue_prev = l->queue_last;
  c->queue_next = NULL;
  *(l->queue_last ? &l->queue_last->queue_next : &l->queue_first) = c;
  l->queue_last = c;
  socks_mark_ready(s, l);
}

void socks_dequeue(struct conn *c)
{
  struct sock *l = c->listener;
  *(c->queue_prev ? &c->queue_prev->queue_next : &l->queue_first) = c->queue_next;
  *(c->queue_next ? &c->queue_next->queue_prev : &l->queue_last) = c->queue_prev;
  c->listener = NULL;
  l->children--;
  l->queued--;
}

uint32_t socks_rx_used(const struct sock *k) { return k->rx_put - k->rx_taken; }
uint32_t socks_rx_room(const struct sock *k) { return SOCKS_RX_BYTES - socks_rx_used(k); }

void socks_rx_append(struct sock *k, const uint8_t *data, size_t len)
{
  assert(len <= socks_rx_room(k));
  if (len == 0) return;   // data may be NULL then
  size_t at = k->rx_put % SOCKS_RX_BYTES;
  size_t first = len < SOCKS_RX_BYTES - at ? len : SOCKS_RX_BYTES - at;
  memcpy(k->rx + at, data, first);
  memcpy(k->rx, data + first, len - first);
  k->rx_put += (uint32_t)len;
}

size_t socks_rx_take(struct sock *k, uint8_t *buf, size_t cap)
{
  size_t n = cap < socks_rx_used(k) ? cap : socks_rx_used(k);
  if (n == 0) return 0;   // buf may be NULL then
  size_t at = k->rx_taken % SOCKS_RX_BYTES;
  size_t first = n < SOCKS_RX_BYTES - at ? n : SOCKS_RX_BYTES - at;
  memcpy(buf, k->rx + at, first);
  memcpy(buf + first, k->rx, n - first);
  k->rx_taken += (uint32_t)n;
  return n;
}

void socks_ended(struct stack *s, struct sock *k, int err)
{
  k->err = err;
  if (err) k->rx_taken = k->rx_put;
  socks_mark_ready(s, k);
}
