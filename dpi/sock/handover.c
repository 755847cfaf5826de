// SPDX-License-Identifier: Apache-2.0
#include "sock/handover.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/eth.h"
#include "net/ipv4.h"
#include "sock/flow.h"
#include "sock/out.h"
#include "sock/sockopt.h"
#include "sock/stack_priv.h"
#include "tcp/core/core.h"

static void open_flow(struct stack *s, struct conn *c, const struct segment *last)
{
  uint16_t path = out_path_mss(s, c->node.tuple.remote_ip, c->ts_ok);
  c->tuning = sockopt_tuning(c->listener ? &c->listener->opt : &c->sock->opt);
  c->tuning.mss = c->snd_mss < path ? c->snd_mss : path;
  struct flow_open o = {
    .flow = c->flow,
    .local_ip = c->node.tuple.local_ip,
    .remote_ip = c->node.tuple.remote_ip,
    .local_port = c->node.tuple.local_port,
    .remote_port = c->node.tuple.remote_port,
    .snd_nxt = seq_add(c->iss, 1),
    .rcv_nxt = seq_add(c->irs, 1),
    // RFC 7323 section 2.2: a SYN's window is never scaled.
    .snd_wnd = (uint32_t)last->window << (last->flags & TCP_SYN ? 0 : c->snd_wscale),
    .mss = c->tuning.mss,
    .rcv_mss = out_mss(s),
    .snd_wscale = c->snd_wscale,
    .rcv_wscale = c->rcv_wscale,
    .ts_ok = c->ts_ok,
    .sack_ok = c->sack_ok,
    .ecn_echoes = c->ecn_echoes,
    .ecn_marks = c->ecn_marks,
    .syn_again = c->tries > 1,
    .ts_recent = c->ts_recent,
    .tuning = c->tuning,
  };
  memcpy(o.local_mac, s->cfg.mac, sizeof o.local_mac);
  memcpy(o.remote_mac, c->remote_mac, sizeof o.remote_mac);
  s->engine->ops->open(s->engine, &o);
}

// Longer than we have announced to take, and than the engine takes: pieces of it came in fragments, or its IP header had options.
static bool too_long(struct stack *s, const struct arrival *a)
{
  bool is = IPV4_HDR_BYTES + a->ip_len - a->ip_header_len > s->cfg.mtu;
  if (is) s->stat[ST_TCP_TOO_LONG]++;
  return is;
}

// The frame as the engine's receive side takes it, one that is not too long: without IP options, which it would send back to us. NULL: there
// is no buffer.
static struct frame *plain_frame(struct stack *s, const struct arrival *a)
{
  size_t payload_len = a->ip_len - a->ip_header_len;
  assert(ETH_HDR_BYTES + IPV4_HDR_BYTES + payload_len <= s->hold_pool.cap_bytes);
  struct frame *f = frame_take(&s->hold_pool);
  if (!f) return NULL;
  uint8_t *ip = f->bytes + ETH_HDR_BYTES;
  memcpy(f->bytes, a->frame, ETH_HDR_BYTES + IPV4_HDR_BYTES);
  memcpy(ip + IPV4_HDR_BYTES, a->frame + ETH_HDR_BYTES + a->ip_header_len, payload_len);
  f->len = ETH_HDR_BYTES + IPV4_HDR_BYTES + payload_len;
  if (a->ip_header_len > IPV4_HDR_BYTES) {
    ip[0] = 0x45;
    put_be16(ip + 2, (uint16_t)(IPV4_HDR_BYTES + payload_len));
    put_be16(ip + 10, 0);
    put_be16(ip + 10, cksum_fold(cksum_add(0, ip, IPV4_HDR_BYTES)));
  }
  return f;
}

static void hold(struct stack *s, struct conn *c, const struct arrival *a)
{
  struct frame *f = c->held.n < HANDOVER_HELD_MAX ? plain_frame(s, a) : NULL;
  if (!f) {
    s->stat[ST_HANDOVER_DROPPED]++;
    return;
  }
  frame_push(&c->held, f);
  s->stat[ST_HANDOVER_HELD]++;
}

void handover_begin(struct stack *s, struct conn *c, const struct arrival *a)
{
  timers_cancel(&s->conns.timers, &c->timer);
  c->state = CONN_OPENING;
  c->stalled = false;
  c->snd_end = c->tx_freed = seq_add(c->iss, 1);
  c->rx_ready = c->rx_asked = c->rx_got = seq_add(c->irs, 1);
  s->stat[c->listener ? ST_TCP_ACCEPTED : ST_TCP_CONNECTED]++;
  s->stat[ST_FLOWS_OPENED]++;
  open_flow(s, c, &a->seg);
  if (!(a->seg.flags & TCP_SYN) && !too_long(s, a)) hold(s, c, a);
  if (c->listener) {
    conn_not_half_open(s, c);
    socks_enqueue(s, c);
  } else {
    socks_mark_ready(s, c->sock);
  }
}

// RFC 5961 section 4: a SYN on a synchronized connection is answered by an ACK. The engine, had it wanted this SYN, would
// not have sent it our way. What it told us last is old at worst: a living peer answers by a duplicate ACK, one that has
// restarted by the RST that ends the connection.
static void challenge(struct stack *s, struct conn *c)
{
  if (!conn_may_challenge(c, s->now_us)) return;
  struct seq ack = seq_add(c->rx_ready, c->peer_closed ? 1 : 0);
  const struct segment seg = {
    .seq = c->tx_freed, .ack = ack, .flags = TCP_ACK, .window = out_window_after(s, c->rcv_wscale, (uint32_t)seq_diff(ack, c->rx_asked)),
    .opt = {.has_timestamps = c->ts_ok, .tsval = core_tsval(s->now_us), .tsecr = c->ts_recent},   // RFC 7323 section 3.2
  };
  out_segment(s, c->remote_mac, &c->node.tuple, c->ip, &seg);
}

// After the fence only what the engine cannot take comes our way. It gets back what we made digestible and nothing
// else, so a frame can never go round.
static void pass_on(struct stack *s, struct conn *c, const struct arrival *a)
{
  s->stat[ST_AFTER_FENCE]++;
  if (a->remade || a->ip_header_len > IPV4_HDR_BYTES) {
    struct frame *f = plain_frame(s, a);
    if (!f) {
      s->stat[ST_HANDOVER_DROPPED]++;
      return;
    }
    s->engine->ops->input(s->engine, f->bytes, f->len);
    frame_give(&s->hold_pool, f);
  } else if (a->seg.flags & TCP_SYN) {
    challenge(s, c);
  }
}

void handover_input(struct stack *s, struct conn *c, const struct arrival *a)
{
  if (too_long(s, a)) return;
  if (c->state == CONN_OPENING)
    hold(s, c, a);
  else
    pass_on(s, c, a);
}

// The flow table had no room: the engine never knew this connection, so its RST is ours to send.
static void refuse(struct stack *s, struct conn *c)
{
  const struct segment seg = {
    .seq = seq_add(c->iss, 1), .ack = seq_add(c->irs, 1), .flags = TCP_RST | TCP_ACK};
  out_segment(s, c->remote_mac, &c->node.tuple, c->ip, &seg);
  s->stat[ST_TCP_RST_SENT]++;
}

void handover_fence(struct stack *s, struct conn *c, bool ok)
{
  if (c->fenced || (c->state != CONN_OPENING && c->state != CONN_RELEASING)) return;
  c->fenced = true;
  bool give = ok && c->state == CONN_OPENING;
  struct frame *f;
  while ((f = frame_pop(&c->held))) {
    if (give) s->engine->ops->input(s->engine, f->bytes, f->len);
    frame_give(&s->hold_pool, f);
  }
  if (!ok) refuse(s, c);
  if (c->state == CONN_RELEASING) {   // ended while the fence was on its way
    s->engine->ops->release(s->engine, c->flow);
  } else if (!ok) {
    flow_fail(s, c, ECONNRESET);
  } else {
    c->state = CONN_OPEN;
    flow_check_end(s, c);
  }
}
