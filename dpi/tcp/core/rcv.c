// SPDX-License-Identifier: Apache-2.0
// The receive half of the transport core.
#include "tcp/core/core.h"

static bool flag(const struct core_segment *s, unsigned bit) { return s->flags >> bit & 1; }

void rcv_open(const struct core_caps *caps, struct rcv_ctx *c, const struct host_cmd *o)
{
  *c = (struct rcv_ctx){
      .open = true, .nxt = o->rcv_nxt, .wnd_end = seq_add(o->rcv_nxt, caps->rx_ring_bytes), .wl1 = o->rcv_nxt,
      .wl2 = o->snd_nxt, .ack_fwd = o->snd_nxt, .wnd_fwd = o->snd_wnd, .mss = o->rcv_mss, .snd_wscale = o->snd_wscale,
      .rcv_wscale = o->rcv_wscale, .ts_ok = o->ts_ok, .sack_ok = o->sack_ok,
  };
}

bool rcv_read(const struct core_caps *caps, struct rcv_ctx *c, struct seq consumed, const struct sent_mirror *sent)
{
  c->wnd_end = seq_add(consumed, caps->rx_ring_bytes);
  uint32_t gained = (uint32_t)seq_diff(c->wnd_end, sent->wnd_end);
  int32_t seen = seq_diff(sent->wnd_end, c->nxt);
  return c->open && (gained >= caps->rx_ring_bytes / 2 || (gained >= c->mss && seen < 2 * (int32_t)c->mss));
}

// Where a segment lies against the window (RFC 9293 section 3.4, table 6).
struct place {
  struct seq data_end, end;
  bool in_window, acceptable, zero_window;
};

static struct place place_of(const struct rcv_ctx *c, const struct core_segment *s)
{
  uint32_t fin = flag(s, NIC_FLAG_FIN), syn = flag(s, NIC_FLAG_SYN);
  struct place p = {.data_end = seq_add(s->seq, s->len), .end = seq_add(s->seq, s->len + fin + syn)};
  uint32_t wnd = (uint32_t)seq_diff(c->wnd_end, c->nxt);
  p.in_window = (uint32_t)seq_diff(s->seq, c->nxt) < wnd;
  p.acceptable = seq_eq(p.end, s->seq) ? p.in_window || seq_eq(s->seq, c->nxt)
                                       : wnd && seq_lt(s->seq, c->wnd_end) && seq_lt(c->nxt, p.end);
  p.zero_window = !wnd && seq_eq(s->seq, c->nxt);
  return p;
}

// RFC 5961 section 3.2.
static void on_rst(struct rcv_ctx *c, const struct core_segment *s, const struct place *p, struct rcv_actions *a)
{
  if (seq_eq(s->seq, c->nxt)) {
    a->class_id = RCV_RESET;
    a->forward = true;
    a->dd.kind = DD_RESET;
    c->open = false;
  } else {
    a->class_id = p->in_window ? RCV_CHALLENGE : RCV_DROP_RST;
    a->ack_now = p->in_window;
  }
}

// The window update rule, on the segment as tailored to the window, and what the send side must hear.
static void on_ack(struct rcv_ctx *c, const struct core_segment *s, const struct place *p, const struct snd_mirror *snd,
                   struct rcv_actions *a)
{
  struct seq start = seq_max(s->seq, c->nxt);
  uint32_t wnd = a->dd.wnd, wnd_was = c->wnd_fwd;
  bool new_ack = seq_lt(c->ack_fwd, s->ack);
  if (seq_leq(snd->una, s->ack) && (seq_lt(c->wl1, start) || (seq_eq(c->wl1, start) && seq_leq(c->wl2, s->ack)))) {
    a->dd.wnd_vld = true;
    c->wl1 = start;
    c->wl2 = s->ack;
    c->wnd_fwd = wnd;
  }
  if (new_ack) c->ack_fwd = s->ack;
  a->forward = new_ack || (a->dd.wnd_vld && wnd != wnd_was) || seq_eq(p->end, s->seq);
}

static void take(struct rcv_ctx *c, const struct core_segment *s, const struct place *p, struct rcv_actions *a)
{
  struct seq start = seq_max(s->seq, c->nxt), stop = seq_min(c->wnd_end, p->data_end);
  a->class_id = RCV_ACCEPT;
  a->ack = true;
  a->off = (uint32_t)seq_diff(start, s->seq);
  a->len = (uint32_t)seq_diff(stop, start);
  c->nxt = stop;
  // The FIN has a place in the window like any byte.
  if (flag(s, NIC_FLAG_FIN) && seq_eq(stop, p->data_end) && seq_lt(p->data_end, c->wnd_end)) {
    a->fin = c->fin_done = true;
    c->nxt = seq_add(stop, 1);
  }
}

static void on_text(struct rcv_ctx *c, const struct core_segment *s, const struct place *p, struct rcv_actions *a)
{
  a->ack_now = true;
  if (!p->acceptable) a->class_id = RCV_OUT_OF_WINDOW;
  else if (c->fin_done) a->class_id = RCV_AFTER_FIN;
  else if (seq_lt(c->nxt, s->seq)) a->class_id = RCV_OUT_OF_ORDER;
  else {
    a->ack_now = false;
    take(c, s, p, a);
  }
}

struct rcv_actions rcv_segment(struct rcv_ctx *c, const struct core_segment *s, const struct snd_mirror *snd)
{
  struct place p = place_of(c, s);
  struct rcv_actions a = {.class_id = RCV_PURE_ACK, .dd = {.kind = DD_ACK, .ack = s->ack, .no_data = !s->len}};
  a.dd.wnd = (uint32_t)s->wnd << c->snd_wscale;
  if (!c->open) {
    a.class_id = RCV_DEAD;
  } else if (flag(s, NIC_FLAG_RST)) {
    on_rst(c, s, &p, &a);
  } else if (flag(s, NIC_FLAG_SYN)) {
    a.class_id = RCV_CHALLENGE;   // RFC 5961 section 4.2
    a.ack_now = true;
  } else if (!p.acceptable && !p.zero_window) {
    a.class_id = seq_leq(p.end, c->nxt) ? RCV_DUPLICATE : RCV_OUT_OF_WINDOW;
    a.ack_now = true;
  } else if (!flag(s, NIC_FLAG_ACK)) {
    a.class_id = RCV_NO_ACK;
  } else if (seq_lt(snd->max, s->ack)) {
    a.class_id = RCV_CHALLENGE;   // RFC 5961 section 5.2
    a.ack_now = true;
  } else {
    on_ack(c, s, &p, snd, &a);
    if (!seq_eq(p.end, s->seq)) on_text(c, s, &p, &a);
  }
  return a;
}
