// SPDX-License-Identifier: Apache-2.0
// The send half of the transport core.
#include "tcp/core/core.h"

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

void snd_open(const struct core_caps *caps, struct snd_ctx *c, const struct host_cmd *o)
{
  *c = (struct snd_ctx){
      .open = true, .una = o->snd_nxt, .nxt = o->snd_nxt, .max = o->snd_nxt, .told = o->snd_nxt, .wnd = o->snd_wnd,
      .max_wnd = o->snd_wnd, .mss = o->mss, .cwnd = caps->cwnd_bytes, .rto_us = NIC_RTO_INIT_US,
      .nagle_off = o->nagle_off, .ts_ok = o->ts_ok, .sack_ok = o->sack_ok,
  };
}

static void arm(struct snd_ctx *c, uint64_t now_us)
{
  c->rto_vld = true;
  c->rto_at_us = now_us + c->rto_us;
}

struct snd_actions snd_ack(struct snd_ctx *c, const struct dd_in *ev, uint64_t now_us)
{
  struct snd_actions a = {0};
  if (!c->open) return a;
  if (ev->kind == DD_RESET) {
    c->open = c->rto_vld = false;
    return a;
  }
  if (ev->kind != DD_ACK) return a;   // a release token closes the flow in send_pipe.sv
  // Valid up to the highest ever sent, also when a timeout has pulled nxt back.
  bool advance = seq_lt(c->una, ev->ack) && seq_leq(ev->ack, c->max);
  a.wake = true;
  c->retries = 0;
  if (advance) {
    c->una = ev->ack;
    c->nxt = seq_max(c->nxt, c->una);
    c->backoff = 0;
    c->rto_us = NIC_RTO_INIT_US;
    arm(c, now_us);   // RFC 6298 section 5.3
  }
  if (ev->wnd_vld) {
    c->wnd = ev->wnd;
    if (ev->wnd > c->max_wnd) c->max_wnd = ev->wnd;
    if (ev->wnd) c->probe = false;
  }
  // All acknowledged: RFC 6298 section 5.2. A closed window keeps its probe timer.
  if (seq_eq(c->una, c->max) && (advance || c->wnd)) c->rto_vld = false;
  return a;
}

struct snd_actions snd_timeout(struct snd_ctx *c, uint64_t now_us)
{
  struct snd_actions a = {.wake = c->open && c->rto_vld && now_us >= c->rto_at_us};
  if (!a.wake) return a;
  if (c->retries == NIC_MAX_RETRIES) {
    c->gave_up = true;
    c->told_flags = c->rto_vld = false;
    return a;
  }
  c->nxt = c->una;   // go back: what is cut anew carries the same bytes
  c->probe = !c->wnd;
  c->rto_us = min_u32(c->rto_us * 2, NIC_RTO_MAX_US);
  arm(c, now_us);
  c->retries++;
  if (c->backoff != 15) c->backoff++;
  return a;
}

// What there is to send and what may be sent, from nxt on.
struct offer {
  uint32_t avail, room, len;
  bool fin_pending, fin_now;
};

static struct offer offer_of(const struct snd_ctx *c, const struct snd_view *v)
{
  struct offer o = {.fin_pending = v->fin && !seq_eq(c->nxt, v->tail)};
  struct seq data_end = seq_add(v->tail, -(uint32_t)v->fin);
  struct seq edge = seq_add(c->una, min_u32(c->wnd, c->cwnd));
  if (!v->fin || o.fin_pending) o.avail = (uint32_t)seq_diff(data_end, c->nxt);
  if (c->probe && seq_eq(c->nxt, c->una)) o.room = 1;   // one byte beyond a closed window: RFC 9293 section 3.8.6.1
  else if (seq_lt(c->nxt, edge)) o.room = (uint32_t)seq_diff(edge, c->nxt);
  o.len = min_u32(min_u32(o.avail, c->mss), o.room);
  o.fin_now = o.fin_pending && o.len == o.avail && o.len < o.room;
  return o;
}

static void send_segment(struct snd_ctx *c, const struct offer *o, struct snd_actions *a, uint64_t now_us)
{
  struct seq after = seq_add(c->nxt, o->len + o->fin_now);
  a->emit = true;
  a->desc = (struct tx_desc){.kind = TX_DATA, .seq = c->nxt, .len = (uint16_t)o->len, .fin = o->fin_now,
                             .psh = o->len && o->len == o->avail};
  c->nxt = after;
  c->max = seq_max(c->max, after);
  c->probe = false;
  if (!c->rto_vld) arm(c, now_us);   // RFC 6298 section 5.1
}

struct snd_actions snd_next(struct snd_ctx *c, const struct snd_view *v, uint64_t now_us)
{
  struct snd_actions a = {.desc = {.kind = TX_FREE, .seq = c->max}};
  struct offer o = offer_of(c, v);
  bool live = c->open && !c->gave_up;
  bool fin_acked = v->fin && seq_eq(c->una, v->tail);
  bool news = c->open && (!seq_eq(c->una, c->told) || ((fin_acked || c->gave_up) && !c->told_flags));

  if (live && (o.len || o.fin_now)) {
    send_segment(c, &o, &a, now_us);
    a.more = (o.avail != o.len && o.room != o.len) || v->ack_now;
  } else {
    bool blocked = live && (o.avail || o.fin_pending) && seq_eq(c->una, c->max);
    if (blocked && !c->rto_vld) arm(c, now_us);   // the probe timer
    a.emit = news || (live && v->ack_owed);
    if (live && v->ack_owed) {
      a.desc.kind = TX_ACK;
      a.more = v->ack_now > 1;
    }
  }
  a.desc.una = c->una;
  a.desc.tell = news;
  a.desc.fin_acked = fin_acked;
  a.desc.timed_out = c->gave_up;
  if (a.emit) {
    c->told = c->una;
    c->told_flags = fin_acked || c->gave_up;
  }
  a.wake = a.more;
  return a;
}
