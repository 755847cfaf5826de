// SPDX-License-Identifier: Apache-2.0
#include "sock/timewait.h"

#include <stdlib.h>
#include <string.h>

#include "sock/handshake.h"
#include "sock/out.h"
#include "sock/stack_priv.h"
#include "tcp/core/core.h"

bool tw_table_init(struct stack *s, const uint8_t key[static 16])
{
  struct tw_table *t = &s->tw;
  t->slots = calloc(TW_MAX, sizeof t->slots[0]);
  if (!t->slots || !tuple_map_init(&t->map, TW_MAX, key) || !timers_init(&t->timers, TW_MAX)) return false;
  for (size_t i = TW_MAX; i-- > 0;) {
    t->slots[i].next_free = t->free;
    t->free = &t->slots[i];
  }
  return true;
}

void tw_table_free(struct stack *s)
{
  timers_free(&s->tw.timers);
  tuple_map_free(&s->tw.map);
  free(s->tw.slots);
}

struct tw *tw_find(const struct stack *s, const struct tuple *t)
{
  return (struct tw *)(void *)tuple_map_find(&s->tw.map, t);
}

static struct tw *first_to_end(const struct stack *s)
{
  struct timer *t = timers_first(&s->tw.timers);
  return t ? (struct tw *)(void *)((char *)t - offsetof(struct tw, timer)) : NULL;
}

static void drop(struct stack *s, struct tw *w)
{
  timers_cancel(&s->tw.timers, &w->timer);
  tuple_map_remove(&s->tw.map, &w->node);
  w->next_free = s->tw.free;
  s->tw.free = w;
  s->stat[ST_TIME_WAIT_NOW]--;
}

static void restart(struct stack *s, struct tw *w) { timers_set(&s->tw.timers, &w->timer, s->now_us + s->cfg.time_wait_us); }

void tw_enter(struct stack *s, const struct conn *c)
{
  if (!s->tw.free) {
    s->stat[ST_TIME_WAIT_RECYCLED]++;
    drop(s, first_to_end(s));
  }
  struct tw *w = s->tw.free;
  s->tw.free = w->next_free;
  *w = (struct tw){
    .node.tuple = c->node.tuple,
    .snd_nxt = c->tx_freed,
    .rcv_nxt = seq_add(c->rx_ready, 1),
    .rcv_wscale = c->rcv_wscale,
    .ts_ok = c->ts_ok,
    .ts_recent = c->ts_recent,
    .ip = c->ip,
  };
  memcpy(w->remote_mac, c->remote_mac, sizeof w->remote_mac);
  tuple_map_insert(&s->tw.map, &w->node);
  restart(s, w);
  s->stat[ST_TIME_WAIT_NOW]++;
}

// RFC 7323 section 3.2: with the option, or a peer that has not heard our last ACK yet may refuse this one.
static void answer(struct stack *s, const struct tw *w)
{
  const struct segment seg = {
    .seq = w->snd_nxt, .ack = w->rcv_nxt, .flags = TCP_ACK, .window = out_window_after(s, w->rcv_wscale, 1),   // the FIN's place
    .opt = {.has_timestamps = w->ts_ok, .tsval = core_tsval(s->now_us), .tsecr = w->ts_recent}};
  out_segment(s, w->remote_mac, &w->node.tuple, w->ip, &seg);
}

// RFC 6191 section 2: whether a SYN is of a new connection and no old duplicate, by its time stamp where both have them.
static bool syn_is_new(const struct stack *s, const struct tw *w, const struct segment *syn)
{
  bool higher = seq_leq(w->rcv_nxt, syn->seq);
  if (!s->engine->timestamps || !syn->opt.has_timestamps) return higher;
  if (!w->ts_ok) return true;   // PAWS keeps the old connection's segments from the new one: they have no time stamps
  int32_t later = (int32_t)(syn->opt.tsval - w->ts_recent);
  return later > 0 || (later == 0 && higher);
}

// RFC 9293 section 3.10.7.4, TIME-WAIT.
void tw_input(struct stack *s, struct tw *w, const struct arrival *a)
{
  const struct segment *seg = &a->seg;
  if (seg->flags & TCP_RST) return;   // RFC 1337: a RST must not assassinate TIME-WAIT
  struct sock *listener = socks_listener(s, &a->tuple);
  bool pure_syn = (seg->flags & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN;
  if (pure_syn && listener && syn_is_new(s, w, seg)) {
    if (handshake_syn(s, a, listener, &w->snd_nxt)) drop(s, w);
    return;
  }
  // RFC 7323 section 4.3.
  bool newer = seg->opt.has_timestamps && (int32_t)(seg->opt.tsval - w->ts_recent) >= 0;
  if (newer && seq_leq(seg->seq, w->rcv_nxt)) w->ts_recent = seg->opt.tsval;
  uint32_t len = segment_seq_len(seg);
  if (seg->flags & TCP_FIN && seq_eq(seq_add(seg->seq, len), w->rcv_nxt)) restart(s, w);   // our ACK of it was lost
  // An ACK that fits is answered by nothing, or two of us would answer each other for ever.
  if (len > 0 || !segment_acceptable(a, w->rcv_nxt, s->engine->rx_ring_bytes)) answer(s, w);
}

void tw_run_timers(struct stack *s)
{
  while (timers_deadline(&s->tw.timers) <= s->now_us) drop(s, first_to_end(s));
}
