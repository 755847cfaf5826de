// SPDX-License-Identifier: Apache-2.0
#include "sock/conn.h"

#include <assert.h>
#include <stdlib.h>

#include "sock/connect.h"
#include "sock/flow.h"
#include "sock/handshake.h"
#include "sock/stack_priv.h"

enum { CHALLENGE_GAP_US = 500000 };

bool conn_table_init(struct stack *s, const uint8_t key[static 16])
{
  struct conn_table *t = &s->conns;
  t->n = s->engine->num_flows;
  t->conns = calloc(t->n, sizeof t->conns[0]);
  if (!t->conns || !tuple_map_init(&t->map, t->n, key) || !timers_init(&t->timers, t->n)) return false;
  for (size_t i = t->n; i-- > 0;) {
    t->conns[i].flow = (uint16_t)i;
    t->conns[i].next_free = t->free;
    t->free = &t->conns[i];
  }
  return true;
}

void conn_table_free(struct stack *s)
{
  timers_free(&s->conns.timers);
  tuple_map_free(&s->conns.map);
  free(s->conns.conns);
}

struct conn *conn_find(const struct stack *s, const struct tuple *t)
{
  return (struct conn *)(void *)tuple_map_find(&s->conns.map, t);
}

struct conn *conn_take(struct stack *s, const struct tuple *t)
{
  struct conn *c = s->conns.free;
  if (!c) return NULL;
  assert(!conn_find(s, t));
  s->conns.free = c->next_free;
  *c = (struct conn){.node.tuple = *t, .state = CONN_SYN_RCVD, .flow = c->flow};
  tuple_map_insert(&s->conns.map, &c->node);
  s->stat[ST_CONN_NOW]++;
  return c;
}

void conn_give(struct stack *s, struct conn *c)
{
  assert(c->state != CONN_FREE && !c->sock && !c->listener && c->held.n == 0);
  timers_cancel(&s->conns.timers, &c->timer);
  tuple_map_remove(&s->conns.map, &c->node);
  c->state = CONN_FREE;
  c->next_free = s->conns.free;
  s->conns.free = c;
  s->stat[ST_CONN_NOW]--;
}

void conn_half_open(struct stack *s, struct conn *c)
{
  struct conn_table *t = &s->conns;
  c->since_us = s->now_us;
  c->queue_prev = t->half_last;
  c->queue_next = NULL;
  *(t->half_last ? &t->half_last->queue_next : &t->half_first) = c;
  t->half_last = c;
  t->n_half_open++;
}

void conn_not_half_open(struct stack *s, struct conn *c)
{
  struct conn_table *t = &s->conns;
  *(c->queue_prev ? &c->queue_prev->queue_next : &t->half_first) = c->queue_next;
  *(c->queue_next ? &c->queue_next->queue_prev : &t->half_last) = c->queue_prev;
  t->n_half_open--;
}

static struct conn *conn_of_timer(struct timer *t) { return (struct conn *)(void *)((char *)t - offsetof(struct conn, timer)); }

void conn_run_timers(struct stack *s)
{
  while (timers_deadline(&s->conns.timers) <= s->now_us) {
    struct conn *c = conn_of_timer(timers_first(&s->conns.timers));
    timers_cancel(&s->conns.timers, &c->timer);
    if (c->state == CONN_SYN_SENT)
      connect_timeout(s, c);
    else if (c->state == CONN_SYN_RCVD)
      handshake_timeout(s, c);
    else
      flow_orphan_timeout(s, c);
  }
}

bool conn_may_challenge(struct conn *c, uint64_t now_us)
{
  if (c->challenge_us && now_us - c->challenge_us < CHALLENGE_GAP_US) return false;
  c->challenge_us = now_us;
  return true;
}
