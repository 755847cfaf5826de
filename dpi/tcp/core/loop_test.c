// SPDX-License-Identifier: Apache-2.0
// Two flows of the core joined by a network in memory, in virtual time: each end is a receive half, a send half, and what
// the NIC has around them (ACK bits, mirrors, tail, scheduler's wake-up). After every step the invariants must hold; in the
// end each side must have got every byte and the FIN of the other, with or without loss, duplicates and reordering.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/rng.h"
#include "tcp/core/core.h"

enum { NET_MAX = 256, RING = 8192, TX_RING = 8192, CWND = 6000, TOTAL = 40000, STEPS = 200000 };

static const struct core_caps caps = {.rx_ring_bytes = RING, .cwnd_bytes = CWND};

struct end {
  struct rcv_ctx rcv;
  struct snd_ctx snd;
  struct snd_view view;
  struct sent_mirror sent;
  struct seq consumed, freed, fin_at;   // fin_at: one past the last byte this end will ever enqueue
  bool ack_bit, ready, peer_done, fin_acked;
};

struct net {
  struct core_segment seg[NET_MAX];
  int n;
};

struct world {
  struct rng rng;
  uint64_t seed, now_us;
  struct end e[2];
  struct net to[2];
  uint32_t loss, dup, reorder;   // in 1000
  long timeouts;
};

#define CHECK(w, cond) \
  do { \
    if (!(cond)) fail_msg("seed %llu, t %llu us: not %s", (unsigned long long)(w)->seed, (unsigned long long)(w)->now_us, #cond); \
  } while (0)

static bool chance(struct world *w, uint32_t per_mille) { return rng_below(&w->rng, 1000) < per_mille; }

static void check_invariants(struct world *w, const struct end *e)
{
  const struct snd_ctx *s = &e->snd;
  CHECK(w, seq_leq(s->una, s->nxt));
  CHECK(w, seq_leq(s->nxt, s->max));
  CHECK(w, seq_leq(s->max, e->view.tail));
  CHECK(w, seq_leq(s->told, s->una));
  CHECK(w, seq_leq(e->freed, s->una));
  CHECK(w, seq_eq(s->una, s->max) || s->rto_vld);                  // what is in flight has a timer
  CHECK(w, seq_leq(e->consumed, e->rcv.nxt));
  CHECK(w, seq_diff(e->rcv.nxt, e->rcv.wnd_end) <= 0);
  CHECK(w, seq_leq(e->rcv.ack_fwd, s->max));
}

// A segment leaves only inside both windows and what the peer really has room for, or as a probe of one byte.
static void check_data(struct world *w, const struct end *e, const struct end *peer, const struct snd_ctx *was,
                       const struct tx_desc *d)
{
  uint32_t len = d->len + (uint32_t)d->fin, wnd = was->wnd < was->cwnd ? was->wnd : was->cwnd;
  struct seq end = seq_add(d->seq, len);
  CHECK(w, len > 0 && d->len <= was->mss);
  CHECK(w, seq_leq(end, e->view.tail));
  CHECK(w, seq_leq(was->una, d->seq));
  CHECK(w, (uint32_t)seq_diff(d->seq, was->una) + len <= wnd || (was->wnd == 0 && len == 1 && seq_eq(d->seq, was->una)));
  CHECK(w, seq_leq(end, peer->rcv.wnd_end) || was->wnd == 0);
  CHECK(w, d->fin == (e->view.fin && seq_eq(end, e->view.tail)));
}

static void put_segment(struct world *w, int to, const struct core_segment *s)
{
  if (chance(w, w->loss)) return;
  for (int copies = chance(w, w->dup) ? 2 : 1; copies && w->to[to].n < NET_MAX; copies--) w->to[to].seg[w->to[to].n++] = *s;
}

// What the assembler does with a descriptor: samples the receive side, pays the ACKs owed, tells the host.
static void assemble(struct world *w, int from, const struct tx_desc *d)
{
  struct end *e = &w->e[from];
  if (d->tell) {
    e->freed = d->una;
    e->fin_acked = d->fin_acked;
    CHECK(w, !d->timed_out);
  }
  if (d->kind == TX_FREE) return;
  uint32_t wnd = (uint32_t)seq_diff(e->rcv.wnd_end, e->rcv.nxt) >> e->rcv.rcv_wscale;
  struct core_segment s = {.seq = d->seq, .ack = e->rcv.nxt, .len = d->len, .wnd = (uint16_t)wnd,
                           .flags = (uint8_t)(1u << NIC_FLAG_ACK | (unsigned)d->fin << NIC_FLAG_FIN)};
  struct seq edge = seq_add(e->rcv.nxt, wnd << e->rcv.rcv_wscale);
  CHECK(w, e->rcv.rcv_wscale || seq_leq(e->sent.wnd_end, edge));   // the edge never retreats
  e->sent = (struct sent_mirror){.ack = e->rcv.nxt, .wnd_end = edge};
  e->ack_bit = false;
  if (d->kind == TX_ACK && e->view.ack_now) e->view.ack_now--;
  put_segment(w, !from, &s);
}

// One dd_next, when the scheduler knows the flow as ready.
static void dispatch(struct world *w, int i)
{
  struct end *e = &w->e[i];
  struct snd_ctx was = e->snd;
  if (!e->ready) return;
  e->view.ack_owed = e->ack_bit || e->view.ack_now;
  struct snd_actions a = snd_next(&caps, &e->snd, &e->view, w->now_us);
  e->ready = a.wake;
  CHECK(w, a.emit || !a.more);
  if (a.emit && a.desc.kind == TX_DATA) check_data(w, e, &w->e[!i], &was, &a.desc);
  if (a.emit) assemble(w, i, &a.desc);
  check_invariants(w, e);
}

static void deliver(struct world *w, int i)
{
  struct end *e = &w->e[i];
  struct net *n = &w->to[i];
  if (!n->n) return;
  int k = chance(w, w->reorder) ? (int)rng_below(&w->rng, (uint32_t)n->n) : 0;
  struct core_segment s = n->seg[k];
  memmove(&n->seg[k], &n->seg[k + 1], sizeof n->seg[0] * (size_t)(n->n - 1 - k));
  n->n--;
  struct snd_mirror m = {.una = e->snd.una, .max = e->snd.max};
  struct seq was = e->rcv.nxt;
  struct rcv_actions a = rcv_segment(&caps, &e->rcv, &s, &m, &e->sent, w->now_us);
  CHECK(w, a.len == 0 || seq_eq(seq_add(s.seq, a.off), was));      // in order, no gap, nothing twice
  CHECK(w, a.off + a.len <= s.len);
  CHECK(w, seq_diff(e->rcv.nxt, was) == (int32_t)a.len + a.fin);
  CHECK(w, !(a.fin && e->peer_done));
  e->peer_done |= a.fin;
  if (a.ack_now && e->view.ack_now < 3) e->view.ack_now++;
  e->ack_bit |= a.ack || a.ack_now;
  e->ready |= a.ack || a.ack_now;
  if (a.forward) e->ready |= snd_ack(&caps, &e->snd, &a.dd, w->now_us).wake;
  check_invariants(w, e);
}

// The host: reads some, writes some, closes at the end.
static void host(struct world *w, int i, bool all)
{
  struct end *e = &w->e[i];
  struct seq data_end = seq_add(e->rcv.nxt, -(uint32_t)e->rcv.fin_done);
  uint32_t there = (uint32_t)seq_diff(data_end, e->consumed);
  uint32_t len = all ? there : rng_below(&w->rng, there + 1);
  if (len) {
    e->consumed = seq_add(e->consumed, len);
    if (rcv_read(&caps, &e->rcv, e->consumed, &e->sent)) e->ack_bit = e->ready = true;
  }
  if (e->view.fin) return;
  uint32_t left = (uint32_t)seq_diff(e->fin_at, e->view.tail);
  uint32_t room = TX_RING - (uint32_t)seq_diff(e->view.tail, e->freed);
  uint32_t most = left < room ? left : room;
  uint32_t put = all ? most : rng_below(&w->rng, most + 1);
  e->view.tail = seq_add(e->view.tail, put);
  if (!left) {
    e->view.fin = true;
    e->view.tail = seq_add(e->view.tail, 1);
  }
  e->ready |= put || !left;   // only then: a wake-up that the core forgets must show
  check_invariants(w, e);
}

static bool idle(const struct world *w)
{
  return !w->to[0].n && !w->to[1].n && !w->e[0].ready && !w->e[1].ready;
}

static bool over(const struct world *w)
{
  return w->e[0].peer_done && w->e[1].peer_done && w->e[0].fin_acked && w->e[1].fin_acked;
}

// Nothing moves by itself: the clock goes to the next deadline.
static void advance(struct world *w)
{
  uint64_t at = UINT64_MAX;
  for (int i = 0; i < 2; i++)
    if (w->e[i].snd.rto_vld && w->e[i].snd.rto_at_us < at) at = w->e[i].snd.rto_at_us;
  if (at == UINT64_MAX) {                                          // then the host must have something to do
    for (int i = 0; i < 2; i++) host(w, i, true);
    CHECK(w, !idle(w));
    return;
  }
  if (at > w->now_us) w->now_us = at;
  for (int i = 0; i < 2; i++) {
    bool due = w->e[i].snd.rto_vld && w->now_us >= w->e[i].snd.rto_at_us;
    bool woken = snd_timeout(&caps, &w->e[i].snd, w->now_us).wake;
    CHECK(w, woken == due);
    CHECK(w, !w->e[i].snd.gave_up);
    w->e[i].ready |= woken;
    w->timeouts += woken;
    check_invariants(w, &w->e[i]);
  }
}

static void open_ends(struct world *w)
{
  static const uint32_t near[] = {0, 0x80000000u, 1000000};
  uint32_t isn[2];
  for (int i = 0; i < 2; i++) isn[i] = near[rng_below(&w->rng, 3)] - rng_below(&w->rng, TOTAL + 10);
  for (int i = 0; i < 2; i++) {
    struct host_cmd o = {.kind = CMD_OPEN, .snd_nxt = seq_of(isn[i]), .rcv_nxt = seq_of(isn[!i]), .snd_wnd = RING,
                         .mss = (uint16_t)(1 + rng_below(&w->rng, 1460)), .rcv_mss = 1460};
    struct end *e = &w->e[i];
    rcv_open(&caps, &e->rcv, &o, 0);
    snd_open(&caps, &e->snd, &o);
    if (o.mss < 100) o.mss = e->snd.mss = 100;
    e->view.tail = e->freed = o.snd_nxt;
    e->consumed = o.rcv_nxt;
    e->sent = (struct sent_mirror){.ack = o.rcv_nxt, .wnd_end = seq_add(o.rcv_nxt, RING)};
    e->fin_at = seq_add(o.snd_nxt, rng_below(&w->rng, TOTAL + 1));
  }
}

static void run_world(struct world *w)
{
  open_ends(w);
  struct seq want[2] = {seq_add(w->e[1].fin_at, 1), seq_add(w->e[0].fin_at, 1)};
  for (long step = 0; !over(w); step++) {
    CHECK(w, step < STEPS);
    int i = (int)rng_below(&w->rng, 2);
    uint32_t what = rng_below(&w->rng, 8);
    w->now_us += rng_below(&w->rng, 20);
    if (what < 3) dispatch(w, i);
    else if (what < 6) deliver(w, i);
    else if (what == 6 || !idle(w)) {
      if (chance(w, 300)) host(w, i, false);
    } else if (chance(w, 500)) {
      advance(w);
    } else {
      host(w, i, true);
    }
  }
  for (int i = 0; i < 2; i++) CHECK(w, seq_eq(w->e[i].rcv.nxt, want[i]) && seq_eq(w->e[i].snd.una, w->e[i].view.tail));
}

static void test_loop_delivers_everything_when_segments_arrive_at_random_times(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct world w = {.seed = seed, .now_us = 1000};
    rng_seed(&w.rng, seed);
    run_world(&w);
  }
}

static void test_loop_delivers_everything_when_segments_are_lost_doubled_and_reordered(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct world w = {.seed = seed, .now_us = 1000};
    rng_seed(&w.rng, seed);
    w.loss = rng_below(&w.rng, 150);
    w.dup = rng_below(&w.rng, 100);
    w.reorder = rng_below(&w.rng, 300);
    run_world(&w);
  }
}

// Lock-step: whatever leaves arrives at once, and the host reads and writes all it can: no timer may ever run out.
static void test_loop_needs_no_timeout_when_in_lock_step(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct world w = {.seed = seed, .now_us = 1000};
    rng_seed(&w.rng, seed);
    open_ends(&w);
    for (int turn = 0; !over(&w); turn++) {
      struct world *p = &w;
      CHECK(p, turn < 10000);
      for (int i = 0; i < 2; i++) {
        dispatch(&w, i);
        deliver(&w, !i);
        if (chance(&w, 300)) host(&w, i, true);
      }
    }
    assert_int_equal(w.timeouts, 0);
    for (int i = 0; i < 2; i++) assert_int_equal(w.e[i].rcv.nxt.v, w.e[!i].view.tail.v);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_loop_needs_no_timeout_when_in_lock_step),
    cmocka_unit_test(test_loop_delivers_everything_when_segments_arrive_at_random_times),
    cmocka_unit_test(test_loop_delivers_everything_when_segments_are_lost_doubled_and_reordered),
  };
  return cmocka_run_group_tests_name("core_loop", tests, NULL, NULL);
}
