// SPDX-License-Identifier: Apache-2.0
// The receive half of the transport core.
#include "tcp/core/core.h"

// Time by the context's own coarse clock, a power of two of a microsecond: hardware does not divide.
static uint32_t periods(uint64_t now_us) { return (uint32_t)(now_us >> 20); }

struct core_caps core_caps_full(uint32_t rx_ring_bytes)
{
  return (struct core_caps){.rx_ring_bytes = rx_ring_bytes, .ooo = CORE_INTERVALS, .sack = true, .timestamps = true,
                            .delayed_ack = true, .recovery = true, .congestion = CORE_CC_NEWRENO, .rtt = true, .silly = true,
                            .challenge_limit = true, .old_acks = true, .rescue = true, .user_timeout = true, .pacing = true};
}

static bool flag(const struct core_segment *s, unsigned bit) { return s->flags >> bit & 1; }

static struct intervals load(const struct rcv_ctx *c)
{
  return (struct intervals){.n = c->ooo_n,
                            .b = {{c->ooo0_start, c->ooo0_end}, {c->ooo1_start, c->ooo1_end},
                                  {c->ooo2_start, c->ooo2_end}, {c->ooo3_start, c->ooo3_end}}};
}

static void store(struct rcv_ctx *c, const struct intervals *v)
{
  struct core_block b[CORE_INTERVALS] = {{{0}, {0}}};
  for (unsigned i = 0; i < v->n; i++) b[i] = v->b[i];
  c->ooo_n = (uint8_t)v->n;
  c->ooo0_start = b[0].start, c->ooo0_end = b[0].end;
  c->ooo1_start = b[1].start, c->ooo1_end = b[1].end;
  c->ooo2_start = b[2].start, c->ooo2_end = b[2].end;
  c->ooo3_start = b[3].start, c->ooo3_end = b[3].end;
}

void rcv_open(const struct core_caps *caps, struct rcv_ctx *c, const struct host_cmd *o, uint64_t now_us)
{
  *c = (struct rcv_ctx){
      .open = true, .nxt = o->rcv_nxt, .wnd_end = seq_add(o->rcv_nxt, caps->rx_ring_bytes), .wl1 = o->rcv_nxt,
      .ack_fwd = o->snd_nxt, .wnd_fwd = o->snd_wnd, .mss = o->rcv_mss, .snd_wscale = o->snd_wscale,
      .rcv_wscale = o->rcv_wscale, .ts_ok = o->ts_ok, .sack_ok = o->sack_ok, .ts_recent = o->ts_recent,
      .ts_age = periods(now_us),
  };
}

bool rcv_read(const struct core_caps *caps, struct rcv_ctx *c, struct seq consumed, const struct sent_mirror *sent)
{
  c->wnd_end = seq_add(consumed, caps->rx_ring_bytes);
  // What a header can offer: the ring, or as much of it as the field says without a scale.
  uint32_t field = (uint32_t)UINT16_MAX << c->rcv_wscale, most = field < caps->rx_ring_bytes ? field : caps->rx_ring_bytes;
  uint32_t room = (uint32_t)seq_diff(c->wnd_end, c->nxt);
  int32_t seen = seq_diff(sent->wnd_end, c->nxt);
  uint32_t gained = (room < most ? room : most) - (uint32_t)seen;
  // After the peer's FIN nothing can come into the window; and the peer may be gone, and answer the update with RST.
  return c->open && !c->fin_done && (gained >= most / 2 || (gained >= c->mss && seen < 2 * (int32_t)c->mss));
}

bool rcv_timeout(struct rcv_ctx *c, const struct sent_mirror *sent, uint64_t now_us)
{
  if (!c->open || !c->delack_vld || now_us < c->delack_us) return false;
  c->delack_vld = false;
  return !seq_eq(c->nxt, sent->ack);
}

struct rcv_mirror rcv_mirror_of(const struct rcv_ctx *c)
{
  return (struct rcv_mirror){
      .nxt = c->nxt, .wnd_end = c->wnd_end, .mss = c->mss, .wscale = c->rcv_wscale, .ts_ok = c->ts_ok, .sack_ok = c->sack_ok,
      .ts_recent = c->ts_recent, .ooo_n = c->ooo_n, .ooo0_start = c->ooo0_start, .ooo0_end = c->ooo0_end,
      .ooo1_start = c->ooo1_start, .ooo1_end = c->ooo1_end, .ooo2_start = c->ooo2_start, .ooo2_end = c->ooo2_end,
      .ooo3_start = c->ooo3_start, .ooo3_end = c->ooo3_end,
  };
}

// The window field. The edge the peer knows stays where it is until it can move by a full segment or half the ring (RFC 9293
// section 3.8.6.2.2), and does not go back: an edge that the scale cannot say is rounded up, for which a little is held back. Only
// where segments that are no multiple of its unit have used that up does it go back, by less than a unit (RFC 7323 section 2.4);
// what any edge has offered is taken. Nor does it move by less than a unit: rounded down, it would go back once more.
static uint16_t window_field(const struct core_caps *caps, const struct rcv_mirror *m, const struct sent_mirror *sent)
{
  int32_t rest = (1 << m->wscale) - 1, room = seq_diff(m->wnd_end, m->nxt);
  int32_t known = seq_diff(sent->wnd_end, m->nxt), offer = room - rest;
  uint32_t half = caps->rx_ring_bytes / 2, least = half < m->mss ? half : m->mss;
  if (least < (uint32_t)rest) least = (uint32_t)rest;
  if (known < 0) known = 0;
  if (offer - known < (int32_t)least) offer = known + rest <= room ? known + rest : room;
  uint32_t field = (uint32_t)offer >> m->wscale;
  return (uint16_t)(field > UINT16_MAX ? UINT16_MAX : field);
}

struct rcv_header rcv_sample(const struct core_caps *caps, const struct rcv_mirror *m, const struct sent_mirror *sent, bool bare,
                             const struct dsack *dup)
{
  const struct core_block held[CORE_INTERVALS] = {{m->ooo0_start, m->ooo0_end}, {m->ooo1_start, m->ooo1_end},
                                                  {m->ooo2_start, m->ooo2_end}, {m->ooo3_start, m->ooo3_end}};
  struct rcv_header h = {.ack = m->nxt, .wnd = window_field(caps, m, sent), .has_ts = caps->timestamps && m->ts_ok, .tsecr = m->ts_recent};
  unsigned max = h.has_ts ? 3 : 4;     // blocks that the options have room for
  h.wnd_end = seq_add(h.ack, (uint32_t)h.wnd << m->wscale);
  if (!caps->sack || !m->sack_ok || !bare) return h;
  if (dup->vld) h.sack[h.n_sack++] = (struct core_block){dup->start, dup->stop};
  for (unsigned i = 0; i < m->ooo_n && h.n_sack < max; i++) h.sack[h.n_sack++] = held[i];
  return h;
}

// Where a segment lies against the window (RFC 9293 section 3.4, table 6).
struct place {
  struct seq data_end, end;
  bool in_window, acceptable, zero_window;
};

static struct place place_of(const struct rcv_ctx *c, const struct core_segment *s)
{
  struct place p = {.data_end = seq_add(s->seq, s->len), .end = seq_add(s->seq, s->len + flag(s, NIC_FLAG_FIN))};
  uint32_t wnd = (uint32_t)seq_diff(c->wnd_end, c->nxt);
  p.in_window = (uint32_t)seq_diff(s->seq, c->nxt) < wnd;
  // A segment of length 0 at the very edge counts, too: there stand all ACKs of a peer that has filled the window with a
  // segment lost on the way, and without them our own sending would wait for the hole to close.
  p.acceptable = seq_eq(p.end, s->seq) ? (uint32_t)seq_diff(s->seq, c->nxt) <= wnd
                                       : wnd && seq_lt(s->seq, c->wnd_end) && seq_lt(c->nxt, p.end);
  p.zero_window = !wnd && seq_eq(s->seq, c->nxt);
  return p;
}

static void challenge(const struct core_caps *caps, struct rcv_ctx *c, struct rcv_actions *a, uint64_t now_us)
{
  a->class_id = RCV_CHALLENGE;
  a->ack_now = true;
  if (!caps->challenge_limit) return;
  if (c->chal_period != (uint16_t)periods(now_us)) {
    c->chal_period = (uint16_t)periods(now_us);
    c->chal_n = 0;
  }
  a->ack_now = c->chal_n < NIC_CHALLENGES;
  if (a->ack_now) c->chal_n++;
}

// RFC 5961 section 3.2.
static void on_rst(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s, const struct place *p,
                   struct rcv_actions *a, uint64_t now_us)
{
  if (seq_eq(s->seq, c->nxt)) {
    a->class_id = RCV_RESET;
    a->forward = true;
    a->dd.kind = DD_RESET;
    c->open = c->delack_vld = false;
  } else if (p->in_window) {
    challenge(caps, c, a, now_us);
  } else {
    a->class_id = RCV_DROP_RST;
  }
}

// RFC 7323 section 5.3, R1: an old duplicate; section 3.2: a segment without the option it must have. But any SYN is challenged
// (RFC 5961 section 4.2): it may come from a peer that begins anew, and time stamps are then to be agreed on anew.
static bool paws_refuses(const struct core_caps *caps, const struct rcv_ctx *c, const struct core_segment *s,
                         struct rcv_actions *a, uint64_t now_us)
{
  if (!caps->timestamps || !c->ts_ok || flag(s, NIC_FLAG_RST)) return false;
  if (!s->has_ts) {
    if (flag(s, NIC_FLAG_SYN)) return false;
    a->class_id = RCV_NO_TIMESTAMP;
    return true;
  }
  bool old = (int32_t)(s->tsval - c->ts_recent) < 0;
  if (!old || periods(now_us) - c->ts_age > NIC_PAWS_IDLE_PERIODS) return false;
  a->class_id = RCV_PAWS;
  a->ack_now = true;
  return true;
}

static void update_ts_recent(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s,
                             const struct sent_mirror *sent, uint64_t now_us)
{
  if (!caps->timestamps || !c->ts_ok || !s->has_ts || seq_lt(sent->ack, s->seq)) return;
  c->ts_recent = s->tsval;   // not older: PAWS has passed it
  c->ts_age = periods(now_us);
}

// The window update rule, on the segment as tailored to the window, and what the send side must hear. In the place of SND.UNA and SND.WL2
// the highest ACK that was forwarded: where it is still on its way, the send side is about to count windows from it.
static void on_ack(struct rcv_ctx *c, const struct core_segment *s, const struct place *p, struct rcv_actions *a)
{
  struct seq start = seq_max(s->seq, c->nxt);
  uint32_t wnd = (uint32_t)s->wnd << c->snd_wscale, wnd_was = c->wnd_fwd;
  bool new_ack = seq_lt(c->ack_fwd, s->ack);
  // Also what repairs a hole has news when it acknowledges more: WL1 may stand ahead of it.
  if (new_ack || (seq_eq(c->ack_fwd, s->ack) && seq_leq(c->wl1, start))) {
    a->dd.wnd_vld = true;
    c->wl1 = start;
    c->wnd_fwd = wnd;
  }
  if (new_ack) c->ack_fwd = s->ack;
  a->forward = new_ack || (a->dd.wnd_vld && wnd != wnd_was) || seq_eq(p->end, s->seq) || s->n_sack
               || !wnd_was;    // each sign of life counts where probes are out (section 3.8.6.1)
}

// RFC 2883 section 4: the part of the segment that was there before, below RCV.NXT or in an interval.
static void note_duplicate(const struct core_caps *caps, const struct rcv_ctx *c, const struct core_segment *s,
                           const struct place *p, struct rcv_actions *a)
{
  if (!caps->sack || !c->sack_ok || !s->len) return;
  if (seq_lt(s->seq, c->nxt)) {
    a->dup = (struct dsack){true, s->seq, seq_min(p->data_end, c->nxt)};
    return;
  }
  struct intervals v = load(c);
  for (unsigned i = 0; i < v.n; i++) {   // the lowest, they are not in rising order
    struct dsack o = {true, seq_max(v.b[i].start, s->seq), seq_min(v.b[i].end, p->data_end)};
    if (!seq_lt(o.start, o.stop) || (a->dup.vld && seq_lt(a->dup.start, o.start))) continue;
    a->dup = o;
  }
}

// When an in-order segment is acknowledged: every second full one at once, the rest within 40 ms (RFC 1122 section
// 4.2.3.2, RFC 5681 section 4.2). What is full is learnt from the largest seen.
static void delay_ack(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s, struct seq was,
                      const struct sent_mirror *sent, struct rcv_actions *a, uint64_t now_us)
{
  if (caps->delayed_ack && s->len > c->seg_max) c->seg_max = (uint16_t)s->len;
  if (!caps->delayed_ack || a->fin || (uint32_t)seq_diff(c->nxt, sent->ack) >= 2u * c->seg_max) {
    a->ack = true;
  } else if (!c->delack_vld || seq_eq(sent->ack, was)) {
    c->delack_vld = true;
    c->delack_us = now_us + NIC_DELACK_US;
  }
}

// A FIN counts once everything before it is there; only one inside the window was remembered. What a peer sent beyond its own FIN is
// nobody's.
static void take_fin(struct rcv_ctx *c, struct rcv_actions *a)
{
  if (!c->fin_vld || !seq_eq(c->fin_seq, c->nxt)) return;
  a->fin = c->fin_done = true;
  c->fin_vld = false;
  c->fin_seq = seq_of(0);
  c->nxt = seq_add(c->nxt, 1);
  store(c, &(struct intervals){0});
}

static void take_in_order(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s,
                          const struct place *p, const struct sent_mirror *sent, struct rcv_actions *a, uint64_t now_us)
{
  struct seq start = c->nxt, stop = seq_min(c->wnd_end, p->data_end);
  struct intervals v = load(c);
  bool gap = v.n != 0;
  a->class_id = RCV_ACCEPT;
  a->at = start;
  a->off = (uint32_t)seq_diff(start, s->seq);
  a->len = (uint32_t)seq_diff(stop, start);
  intervals_join(&v, &stop);   // the gap closes
  c->nxt = stop;
  store(c, &v);
  take_fin(c, a);
  if (gap) a->ack = true;   // RFC 5681 section 4.2: at once when it fills a gap
  else delay_ack(caps, c, s, start, sent, a, now_us);
}

static void keep_out_of_order(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s,
                              const struct place *p, struct rcv_actions *a)
{
  struct intervals v = load(c);
  struct seq stop = seq_min(c->wnd_end, p->data_end);
  uint32_t fresh;
  a->class_id = RCV_OUT_OF_ORDER;
  a->ack_now = true;
  if (!s->len || !caps->ooo) return;
  if (!intervals_add_recent(&v, caps->ooo, (struct core_block){s->seq, stop}, &fresh)) {
    a->class_id = RCV_NO_INTERVAL;   // refused: nothing is evicted
    return;
  }
  store(c, &v);
  if (!fresh) return;
  a->at = s->seq;
  a->len = (uint32_t)seq_diff(stop, s->seq);
}

static void on_text(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s, const struct place *p,
                    const struct sent_mirror *sent, struct rcv_actions *a, uint64_t now_us)
{
  bool fin = flag(s, NIC_FLAG_FIN);
  if (!p->acceptable || c->fin_done) {
    a->class_id = p->acceptable ? RCV_AFTER_FIN : RCV_OUT_OF_WINDOW;
    a->ack_now = true;
    return;
  }
  note_duplicate(caps, c, s, p, a);
  bool in_order = seq_leq(s->seq, c->nxt);
  // A FIN is remembered when it lies inside the window, and out of order only where there are intervals.
  if (fin && seq_lt(p->data_end, c->wnd_end) && (in_order || caps->ooo)) {
    c->fin_vld = true;
    c->fin_seq = p->data_end;
  }
  if (in_order) take_in_order(caps, c, s, p, sent, a, now_us);
  else keep_out_of_order(caps, c, s, p, a);
  if (a->dup.vld) a->ack = true;
}

// A segment without data, right below RCV.NXT, that acknowledges more than was known: its sender stands at the edge that it knows,
// has a byte out behind that, a window probe, or those by which our scale took the edge back (window_field), and has not heard
// that we took them. Were its ACK refused with it (RFC 9293 section 3.10.7.4), two ends of which each stands so would refuse each
// other's ACKs for ever, each sent below what the other has.
static bool behind_its_edge(const struct rcv_ctx *c, const struct core_segment *s, const struct place *p, const struct snd_mirror *snd)
{
  return seq_eq(p->end, s->seq) && (uint32_t)seq_diff(c->nxt, s->seq) - 1 < 1u << c->rcv_wscale && flag(s, NIC_FLAG_ACK) && seq_lt(c->ack_fwd, s->ack)
         && seq_leq(s->ack, snd->max);
}

// RFC 5961 section 5.2: who guesses sequence numbers has to guess the ACK, too. MAX.SND.WND may be the largest window there
// can be (RFC 9293 section 3.10.7.4), which takes no state.
static bool ack_too_old(const struct core_caps *caps, const struct rcv_ctx *c, const struct core_segment *s, const struct snd_mirror *snd)
{
  return caps->old_acks && seq_lt(s->ack, seq_add(snd->una, -((uint32_t)UINT16_MAX << c->snd_wscale)));
}

struct rcv_actions rcv_segment(const struct core_caps *caps, struct rcv_ctx *c, const struct core_segment *s,
                               const struct snd_mirror *snd, const struct sent_mirror *sent, uint64_t now_us)
{
  struct place p = place_of(c, s);
  struct rcv_actions a = {.class_id = RCV_PURE_ACK,
                          .dd = {.kind = DD_ACK, .ack = s->ack, .no_data = !s->len, .wnd = (uint32_t)s->wnd << c->snd_wscale}};
  if (!c->open) {
    a.class_id = RCV_DEAD;
  } else if (paws_refuses(caps, c, s, &a, now_us)) {
    ;
  } else if (flag(s, NIC_FLAG_RST)) {
    on_rst(caps, c, s, &p, &a, now_us);
  } else if (flag(s, NIC_FLAG_SYN)) {
    challenge(caps, c, &a, now_us);   // RFC 5961 section 4.2
  } else if (!p.acceptable && !p.zero_window) {
    a.class_id = seq_leq(p.end, c->nxt) ? RCV_DUPLICATE : RCV_OUT_OF_WINDOW;
    a.ack_now = true;
    if (a.class_id == RCV_DUPLICATE) note_duplicate(caps, c, s, &p, &a);
    if (behind_its_edge(c, s, &p, snd)) on_ack(c, s, &p, &a);
  } else if (!flag(s, NIC_FLAG_ACK)) {
    a.class_id = RCV_NO_ACK;
  } else if (seq_lt(snd->max, s->ack) || ack_too_old(caps, c, s, snd)) {
    challenge(caps, c, &a, now_us);   // RFC 5961 section 5.2
  } else {
    update_ts_recent(caps, c, s, sent, now_us);
    on_ack(c, s, &p, &a);
    a.dd.ts_vld = caps->timestamps && c->ts_ok && s->has_ts;
    if (a.dd.ts_vld) a.dd.tsecr = s->tsecr;
    if (!seq_eq(p.end, s->seq)) on_text(caps, c, s, &p, sent, &a, now_us);
  }
  return a;
}
