// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_priv.h"

#include <string.h>

enum { DEFAULT_MSS = 536, SHIFT_MAX = 14, NEW_ISN_US = 3000000 };

bool flow_was_sent(const struct half *x, struct seq v)
{
  uint32_t back = x->max.v - v.v;
  return back <= REACH && (x->reached || back <= x->max.v - x->mine.isn.v);
}

static bool established(const struct flow *f) { return f->half[0].answered && f->half[1].answered; }

// --- numbers a RST may answer to --------------------------------------------------------------------------------------

static void answerable_add(struct answerable *a, struct seq v)
{
  if (a->n && seq_eq(a->v[(a->n - 1) % ANSWERABLE], v)) return;
  a->v[a->n++ % ANSWERABLE] = v;
}

static bool answerable_has(const struct answerable *a, struct seq v)
{
  for (uint32_t i = 0; i < a->n && i < ANSWERABLE; i++)
    if (seq_eq(a->v[i], v)) return true;
  return false;
}

// y hears the segment. ACKs inside its stream need not be remembered, a RST there is taken for one anyway.
static void hear(const struct look *l)
{
  l->y->heard = true;
  if (!(l->s->flags & MSEG_ACK)) answerable_add(&l->y->ends, mseg_end(l->s));
  else if (!open_flow(l) || !flow_was_sent(l->y, l->s->ack)) answerable_add(&l->y->acks, l->s->ack);
}

// --- SYNs ------------------------------------------------------------------------------------------------------------

static bool offers_fast_open(const struct mseg *s)
{
  return mseg_has(&s->kinds, MSEG_OPT_FAST_OPEN) || mseg_has(&s->kinds, MSEG_OPT_EXPERIMENT);
}

static void read_syn(struct syn *c, const struct mseg *s)
{
  c->has_ack = s->flags & MSEG_ACK;
  c->ack = s->ack;
  c->sack = s->sack_permitted;
  c->ts = s->has_ts;
  c->scale = s->has_scale;
  c->shift = s->scale < SHIFT_MAX ? s->scale : SHIFT_MAX;
  c->mss = s->has_mss && s->mss ? s->mss : DEFAULT_MSS;   // nobody can mean 0
  c->fast_open = offers_fast_open(s);
  c->ecn = s->flags & (MSEG_ECE | MSEG_CWR | MSEG_AE);
  c->window = s->window;
}

// The same ISN again: what either had counts as offered. But once a SYN has become a SYN-ACK that answers something, the options of that count.
static void read_syn_again(struct syn *c, const struct mseg *s)
{
  struct syn before = *c;
  bool ack = s->flags & MSEG_ACK;
  if (c->answers && !ack) return;
  read_syn(c, s);
  if (c->window < before.window) c->window = before.window;
  if (c->mss < before.mss) c->mss = before.mss;
  c->ecn |= before.ecn;
  c->fast_open |= before.fast_open;
  if (before.has_ack != ack) return;
  c->varied |= c->sack != before.sack || c->ts != before.ts || c->scale != before.scale || c->shift != before.shift;
  c->sack |= before.sack;
  c->ts |= before.ts;
  c->scale |= before.scale;
}

// The SYN of y that an acknowledgment takes in: its ISN + 1, or up to the end of what it carried (RFC 7413).
static const struct syn *acknowledged(const struct look *l)
{
  for (unsigned i = 0; i < SYNS; i++) {
    const struct syn *c = &l->y->syn[i];
    if (c->count && l->s->ack.v - c->isn.v - 1 <= c->data_len) return c;
  }
  return NULL;
}

// Keeps the SYN among those of its side.
static struct syn *note_syn(const struct look *l)
{
  const struct mseg *s = l->s;
  struct half *x = l->x;
  struct syn *c = NULL;
  for (unsigned i = 0; i < SYNS; i++)
    if (x->syn[i].count && seq_eq(x->syn[i].isn, s->seq)) c = &x->syn[i];
  if (!c) {
    c = &x->syn[x->n_syn++ % SYNS];
    *c = (struct syn){.isn = s->seq, .order = x->n_syn, .ts_first = s->tsval};
    read_syn(c, s);
  } else {
    read_syn_again(c, s);
  }
  c->answers |= s->flags & MSEG_ACK && acknowledged(l);
  c->count++;
  c->ts_last = s->tsval;
  c->at_us = l->m->now_us;
  if (s->payload_len > c->data_len) c->data_len = s->payload_len;
  for (unsigned i = 0; i < 4; i++) c->kinds.bits[i] |= s->kinds.bits[i];
  return c;
}

// Who calls again or answers again keeps its ISN (RFC 9293 section 3.8.1: what is retransmitted is the same). Another ISN is
// another attempt; a program may make one without a trace on the wire, but hardly at once.
static void judge_isn(const struct look *l)
{
  const struct half *x = l->x;
  if (!near(l) || !x->n_syn || x->heard) return;
  const struct syn *last = &x->syn[(x->n_syn - 1) % SYNS];
  if (!(l->s->flags & MSEG_ACK) && l->m->now_us - last->at_us > NEW_ISN_US) return;
  judge(l, MONITOR_HANDSHAKE, seq_eq(l->s->seq, last->isn), "its SYN again with the ISN", last->isn.v, "the ISN", l->s->seq.v);
}

// x took part in the connection that the SYN of y asked for, and nothing has ended it.
static bool takes_part(const struct look *l, const struct syn *asked)
{
  const struct half *x = l->x;
  return open_flow(l) && seq_eq(asked->isn, l->y->mine.isn) && x->active && !x->has_fin && !x->rst && !x->reset;
}

// After data of its own it is established, and has no more to say about its SYN. Who has reset it may take up another whose
// ISN the clock has left the same.
static void judge_syn_late(const struct look *l)
{
  const struct half *x = l->x;
  if (!near(l) || !open_flow(l) || !seq_eq(l->s->seq, x->mine.isn) || l->f->fast_open || x->rst) return;
  struct seq end = seq_add(x->mine.isn, 1 + x->mine.data_len);
  bool data = x->has_fin ? !seq_eq(x->fin, end) : !seq_eq(x->max, end);
  judge(l, MONITOR_HANDSHAKE, !data, "no SYN after data, which went up to", x->max.v, "a SYN at", l->s->seq.v);
}

// A SYN-ACK answers a SYN that came, and takes up options only that were in it (RFC 7323 sections 2.2 and 3.2).
static void judge_syn_ack(const struct look *l, const struct syn *answered)
{
  const struct half *y = l->y;
  bool missed = y->n_syn > SYNS || (!y->n_syn && !l->m->cfg.from_start) || l->x->torn || l->m->counts.forgotten;
  if (!answered && missed) return;
  judge(l, MONITOR_HANDSHAKE, answered, "an ACK of the SYN that came, ISN + 1", y->n_syn ? y->syn[(y->n_syn - 1) % SYNS].isn.v + 1 : 0, "ACK",
        l->s->ack.v);
  if (!answered) return;
  if (near(l) && takes_part(l, answered))
    judge(l, MONITOR_HANDSHAKE, seq_eq(l->s->seq, l->x->mine.isn), "its SYN again with the ISN", l->x->mine.isn.v, "the ISN", l->s->seq.v);
  if (l->s->has_scale)
    judge_text(l, MONITOR_OPTION_AGREED, answered->scale, "a window scale only in answer to one", "one unasked for");
  if (l->s->has_ts) judge_text(l, MONITOR_OPTION_AGREED, answered->ts, "time stamps only in answer to some", "some unasked for");
}

// --- a connection begins ---------------------------------------------------------------------------------------------

static void begin_half(struct monitor *m, struct half *h, const struct syn *mine, const struct syn *other)
{
  store_clear(m->store, &h->stored);
  h->mine = *mine;
  h->seen = true;
  h->max = seq_add(mine->isn, 1 + mine->data_len);
  h->una = other->has_ack && other->ack.v - mine->isn.v - 1 <= mine->data_len ? other->ack : mine->isn;
  h->answered = !seq_eq(h->una, mine->isn);
  h->reached = h->active = h->has_data = h->has_fin = h->rst = h->reset = h->ts = h->torn = h->beheaded = false;
  stamps_begin(&h->stamps, mine);
  arrived_begin(&h->in, seq_add(other->isn, 1 + other->data_len));
  if (other->count > 1) spans_add(&h->in.twice, other->isn, h->in.next);
  h->acked = seq_add(other->isn, 1);
  h->edge = seq_add(h->acked, mine->window);
  h->closed = mine->window == 0;
  h->closed_at = h->acked;
}

// The SYNs x and y (copies) make a connection. When one of them was sent with changing options, nobody but the two can know
// what was agreed, and it is followed like one that began before the capture.
static void begin(const struct look *l, struct syn x, struct syn y)
{
  struct flow *f = l->f;
  begin_half(l->m, l->x, &x, &y);
  begin_half(l->m, l->y, &y, &x);
  f->sack = x.sack && y.sack;
  f->ts = x.ts && y.ts;
  f->scale = x.scale && y.scale;
  f->ecn = x.ecn && y.ecn;
  f->fast_open = x.fast_open || y.fast_open;
  f->state = FLOW_OPEN;
  l->m->counts.connections++;
  if (!x.varied && !y.varied) return;
  f->state = FLOW_MIDWAY;
  l->x->ts = l->y->ts = false;
  l->m->counts.midway++;
}

static void begin_midway(const struct look *l)
{
  l->f->state = FLOW_MIDWAY;
  l->m->counts.midway++;
  for (int i = 0; i < 2; i++) {
    struct half *h = &l->f->half[i];
    store_clear(l->m->store, &h->stored);
    h->seen = h->has_data = h->has_fin = h->rst = h->ts = h->closed = false;
    h->mine = (struct syn){0};
    h->stamps = (struct stamps){0};
  }
}

// Does the SYN-ACK `mine`, which answers `answered`, begin a connection (anew)? When the answer to one SYN has two ISNs, then of
// who is near the newer counts unless it takes part with the older; see other_answer. A late answer to an old SYN begins nothing.
static bool begins(const struct look *l, const struct syn *mine, const struct syn *answered)
{
  const struct flow *f = l->f;
  if (f->state != FLOW_OPEN) return true;
  if (seq_eq(answered->isn, l->y->mine.isn)) return !seq_eq(mine->isn, l->x->mine.isn) && near(l) && !takes_part(l, answered);
  return near(l) || answered->order > l->y->mine.order;
}

// Another SYN-ACK of h than the one that counts, which answers the same SYN of the other and whose first number is `first`.
static const struct syn *other_syn_ack(const struct half *h, const struct half *other, struct seq first)
{
  for (unsigned i = 0; i < SYNS; i++) {
    const struct syn *c = &h->syn[i];
    bool same = c->count && c->has_ack && c->ack.v - other->mine.isn.v - 1 <= other->mine.data_len;
    if (same && !seq_eq(c->isn, h->mine.isn) && first.v == c->isn.v + 1) return c;
  }
  return NULL;
}

// A SYN that was answered twice, with two ISNs: which answer counts shows when who called acknowledges. But who is near and
// answers (from cookies, without a memory) may go on with the older whatever it heard since: of that connection too much was missed.
static void other_answer(const struct look *l)
{
  const struct syn *c;
  if (!open_flow(l) || !(l->s->flags & MSEG_ACK)) return;
  if (near(l) && !l->x->active && !flow_was_sent(l->x, l->s->seq) && other_syn_ack(l->x, l->y, l->s->seq)) {
    begin_midway(l);
  } else if (l->m->role[!l->way] != MONITOR_NEAR && !established(l->f) && (c = other_syn_ack(l->y, l->x, l->s->ack))) {
    begin(l, l->x->mine, *c);
  }
}

// --- segments --------------------------------------------------------------------------------------------------------

static void judge_all(const struct look *l)
{
  if (l->role == MONITOR_IGNORED) return;
  options_judge(l);
  stream_judge(l);
  ack_judge(l);
}

static void feed_all(const struct look *l, bool begun)
{
  options_feed(l);
  if (!begun) stream_feed(l);      // what begins a flow is taken in by that
  ack_feed(l);
  l->x->seen = true;
}

static void syn_segment(const struct look *l)
{
  bool judged = l->role != MONITOR_IGNORED;
  const struct syn *answered = l->s->flags & MSEG_ACK ? acknowledged(l) : NULL;
  if (judged) judge_isn(l);
  if (judged) judge_syn_late(l);
  if (judged && l->s->flags & MSEG_ACK) judge_syn_ack(l, answered);
  const struct syn *mine = note_syn(l);
  l->x->heard = false;
  bool begun = answered && begins(l, mine, answered);
  if (begun) begin(l, *mine, *answered);
  if (l->f->state != FLOW_NEW && seq_eq(l->s->seq, l->x->mine.isn)) {
    judge_all(l);
    feed_all(l, begun);
  } else if (judged) {
    options_judge(l);
  }
}

// RFC 9293 section 3.10.7.1: a RST that answers a segment takes its sequence number from its ACK; where there was none it is
// zero, and the RST acknowledges the segment. One that ends a connection has a place in its stream (3.10.5).
static void judge_rst(const struct look *l)
{
  const struct half *x = l->x;
  const struct mseg *s = l->s;
  bool unseen = !near(l) && seq_lt(x->max, s->seq) && seq_leq(s->seq, seq_add(l->y->edge, 1));   // what it sent before did not come here
  bool within = open_flow(l) && (unseen || flow_was_sent(x, s->seq));
  bool good;
  if (!open_flow(l) && (l->f->state != FLOW_NEW || !l->m->cfg.from_start || l->m->counts.forgotten)) return;
  if (x->acks.n > ANSWERABLE || x->ends.n > ANSWERABLE || (x->torn && !open_flow(l))) return;
  if (s->flags & MSEG_ACK)
    good = (within && (x->torn || seq_leq(s->ack, x->in.next))) || (s->seq.v == 0 && answerable_has(&x->ends, s->ack));
  else
    good = within || answerable_has(&x->acks, s->seq);
  judge(l, MONITOR_RST, good, "a RST with the ACK of what it answers, or in the stream that ends at", x->max.v, "one at", s->seq.v);
}

static void rst_segment(const struct look *l)
{
  struct half *x = l->x;
  if (l->role != MONITOR_IGNORED) {
    options_judge(l);
    judge_rst(l);
  }
  if (open_flow(l) && x->active) x->rst = true;    // before, an endpoint answers what does not fit with a RST and goes on
}

static void plain_segment(const struct look *l)
{
  bool judged = l->role != MONITOR_IGNORED;
  if (judged && l->m->cfg.from_start && !l->x->torn && !l->y->torn && !l->m->counts.forgotten)
    judge(l, MONITOR_STRAY, l->f->state != FLOW_NEW, "segments only of a connection that was opened, flags", MSEG_RST, "flags", l->s->flags);
  if (l->f->state == FLOW_NEW) begin_midway(l);
  other_answer(l);
  if (judged && near(l) && open_flow(l))
    judge(l, MONITOR_AFTER_RST, !l->x->rst, "silence after its RST; flags", 0, "flags", l->s->flags);
  judge_all(l);
  feed_all(l, false);
}

void flow_segment(const struct look *l)
{
  if (l->s->flags & MSEG_RST) {
    rst_segment(l);
    l->y->heard = l->y->reset = true;
    return;
  }
  if (l->s->flags & MSEG_SYN) syn_segment(l);
  else plain_segment(l);
  hear(l);
}

void flow_clear(struct monitor *m, struct flow *f)
{
  for (int i = 0; i < 2; i++) store_clear(m->store, &f->half[i].stored);
  memset(f->half, 0, sizeof f->half);
  f->state = FLOW_NEW;
  f->sack = f->ts = f->scale = f->ecn = f->fast_open = false;
}
