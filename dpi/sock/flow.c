// SPDX-License-Identifier: Apache-2.0
#include "sock/flow.h"

#include <assert.h>
#include <errno.h>

#include "sock/out.h"
#include "sock/stack_priv.h"

// How long a connection without a socket waits for the peer's FIN once ours is acknowledged, and before that for anything to be
// acknowledged: about as long as the engine tries by itself where nobody answers at all. RFC 9293 knows no limit in FIN-WAIT-2, nor for
// a window that stays closed (section 3.8.6.1; but see RFC 6429); without one, such a peer keeps a flow for ever. Linux: tcp_fin_timeout,
// tcp_orphan_retries.
enum { FIN_WAIT_2_US = 60000000, STUCK_US = 900000000 };

bool flow_carried(const struct conn *c) { return c->state == CONN_OPENING || c->state == CONN_OPEN; }
static bool orphan(const struct conn *c) { return !c->sock && !c->listener; }

// From now on only `released` matters. Before the fence the release waits for it (handover_fence), so that a flow id is
// never free while a marker of its last use is still on its way.
static void leave(struct stack *s, struct conn *c)
{
  timers_cancel(&s->conns.timers, &c->timer);
  if (c->listener) socks_dequeue(c);
  if (c->sock) c->sock->conn = NULL;
  c->sock = NULL;
  c->state = CONN_RELEASING;
  if (c->fenced) s->engine->ops->release(s->engine, c->flow);
}

void flow_fail(struct stack *s, struct conn *c, int err)
{
  if (c->sock) socks_ended(s, c->sock, err);
  leave(s, c);
}

void flow_abort(struct stack *s, struct conn *c)
{
  s->engine->ops->abort(s->engine, c->flow);
  leave(s, c);
}

void flow_check_end(struct stack *s, struct conn *c)
{
  if (c->state != CONN_OPEN || !c->fin_acked) return;
  if (!c->peer_closed || !seq_eq(c->rx_got, c->rx_ready)) return;   // what was not fetched would be lost with the flow
  // In TIME-WAIT before the release: a frame on its way to us must find it there as soon as the flow is gone.
  if (c->closed_first) tw_enter(s, c);
  if (c->sock) socks_ended(s, c->sock, 0);
  leave(s, c);
}

void flow_close(struct stack *s, struct conn *c)
{
  if (c->close_given) return;
  c->close_given = true;
  c->closed_first = !c->peer_closed;
  s->engine->ops->close(s->engine, c->flow);
}

// An orphan has so long until the peer gets on.
static void await_peer(struct stack *s, struct conn *c)
{
  timers_set(&s->conns.timers, &c->timer, s->now_us + (c->fin_acked ? FIN_WAIT_2_US : STUCK_US));
}

void flow_orphan(struct stack *s, struct conn *c)
{
  c->sock = NULL;
  flow_close(s, c);
  await_peer(s, c);
  flow_check_end(s, c);
}

void flow_orphan_timeout(struct stack *s, struct conn *c)
{
  s->stat[ST_ORPHAN_TIMEOUT]++;
  flow_abort(s, c);
}

uint32_t flow_credit(const struct stack *s, const struct conn *c)
{
  if (!flow_carried(c)) return 0;
  struct seq freed = seq_min(c->tx_freed, c->snd_end);   // tx_freed counts our FIN, snd_end does not
  uint32_t in_ring = (uint32_t)seq_diff(c->snd_end, freed);
  assert(in_ring <= s->engine->tx_ring_bytes);
  return s->engine->tx_ring_bytes - in_ring;
}

void flow_tune(struct stack *s, struct conn *c, const struct flow_tuning *t)
{
  c->tuning = *t;
  if (flow_carried(c) && s->engine->ops->tune) s->engine->ops->tune(s->engine, c->flow, t);
}

void flow_path_mtu(struct stack *s, uint32_t dst_ip)
{
  for (size_t i = 0; i < s->conns.n; i++) {
    struct conn *c = &s->conns.conns[i];
    uint16_t mss = out_path_mss(s, dst_ip, c->ts_ok);
    if (!flow_carried(c) || c->node.tuple.remote_ip != dst_ip || c->tuning.mss <= mss) continue;
    struct flow_tuning t = c->tuning;
    t.mss = mss;
    flow_tune(s, c, &t);
  }
}

void flow_pull(struct stack *s, struct conn *c)
{
  if (!c->sock || !flow_carried(c)) return;
  uint32_t there = (uint32_t)seq_diff(c->rx_ready, c->rx_asked);
  uint32_t coming = (uint32_t)seq_diff(c->rx_asked, c->rx_got);
  uint32_t room = socks_rx_room(c->sock) - coming;
  uint32_t n = there < room ? there : room;
  if (n == 0) return;
  c->rx_asked = seq_add(c->rx_asked, n);
  s->engine->ops->consume(s->engine, c->flow, n);
}

// What is new in an event, into the connection. True when the socket may read, write or end differently than before.
static bool take_levels(struct conn *c, const struct engine_event *ev)
{
  bool news = false;
  if (seq_lt(c->tx_freed, ev->tx_freed)) {
    c->tx_freed = ev->tx_freed;
    c->soft_err = 0;
    news = true;
  }
  c->rx_ready = seq_max(c->rx_ready, ev->rx_ready);   // payload itself is news when it has arrived
  if (c->ts_ok) c->ts_recent = ev->ts_recent;
  if (ev->peer_closed && !c->peer_closed) {
    c->peer_closed = true;
    news = true;
  }
  if (ev->stalled != c->stalled) {
    c->stalled = ev->stalled;
    news = true;
  }
  c->fin_acked |= ev->fin_acked;
  return news;
}

void flow_event(struct stack *s, const struct engine_event *ev)
{
  struct conn *c = &s->conns.conns[ev->flow];
  if (ev->released && c->state == CONN_RELEASING) {
    s->stat[ST_FLOWS_CLOSED]++;
    conn_give(s, c);
    return;
  }
  if (!flow_carried(c)) return;
  struct seq freed = c->tx_freed;
  bool news = take_levels(c, ev);
  if (orphan(c) && !seq_eq(c->tx_freed, freed)) await_peer(s, c);
  if (news && c->sock) socks_mark_ready(s, c->sock);
  if (orphan(c) && !seq_eq(c->rx_ready, c->rx_got)) {   // nobody will read it: RFC 1122 section 4.2.2.13, RFC 2525 section 2.17
    flow_abort(s, c);
    return;
  }
  flow_pull(s, c);
  flow_check_end(s, c);
  if (!flow_carried(c)) return;
  // Both ends are there and just the program has not fetched everything: what comes now, as the RST by which a peer in
  // CLOSED answers a doubled ACK, ends nothing that is not over (RFC 9293 section 3.10.7.4, CLOSING to TIME-WAIT).
  if (c->peer_closed && c->fin_acked) return;
  if (ev->reset) {
    flow_fail(s, c, ECONNRESET);
  } else if (ev->timed_out) {
    s->stat[ST_TCP_TIMED_OUT]++;
    flow_fail(s, c, c->soft_err ? c->soft_err : ETIMEDOUT);
  }
}

void flow_payload(struct stack *s, uint16_t flow, const uint8_t *data, size_t len)
{
  struct conn *c = &s->conns.conns[flow];
  if (!flow_carried(c)) return;
  assert(len <= (uint32_t)seq_diff(c->rx_asked, c->rx_got));
  c->rx_got = seq_add(c->rx_got, (uint32_t)len);
  if (c->sock) {
    socks_rx_append(c->sock, data, len);
    socks_mark_ready(s, c->sock);
  }
  flow_check_end(s, c);
}
