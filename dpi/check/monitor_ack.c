// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_priv.h"

// RFC 7323 section 2.2: the window of a SYN is not scaled.
static unsigned shift_of(const struct look *l) { return l->f->scale && !(l->s->flags & MSEG_SYN) ? l->x->mine.shift : 0; }

// The right edge that a segment offers.
static struct seq offered(const struct look *l) { return seq_add(l->s->ack, (uint32_t)l->s->window << shift_of(l)); }

static void judge_ack(const struct look *l)
{
  const struct half *x = l->x;
  struct seq ack = l->s->ack;
  if (open_flow(l) && !x->torn)
    judge(l, MONITOR_ACK_TRUTH, seq_leq(ack, x->in.next), "an ACK of no more than what came, up to", x->in.next.v, "ACK", ack.v);
  if (near(l) && x->seen) judge(l, MONITOR_ACK_BACK, seq_leq(x->acked, ack), "an ACK of at least", x->acked.v, "ACK", ack.v);
}

// RFC 9293 section 3.8.6, SHLD-14. A window that is scaled may have to end a little earlier than before, for want of bits (RFC
// 7323 section 2.4).
static void judge_edge(const struct look *l)
{
  struct seq edge = offered(l);
  uint32_t slack = l->m->cfg.strict ? 0 : (UINT32_C(1) << shift_of(l)) - 1;
  if (!near(l) || !open_flow(l)) return;
  judge(l, MONITOR_EDGE, seq_leq(l->x->edge, seq_add(edge, slack)), "a window that ends no earlier than at", l->x->edge.v, "one that ends at", edge.v);
}

// A first block that lies below the ACK or inside the second block is a D-SACK (RFC 2883 section 4).
static bool is_dsack(const struct mseg *s, unsigned i)
{
  if (i != 0) return false;
  if (seq_lt(s->sack_from[0], s->ack)) return true;
  return s->n_sack > 1 && seq_leq(s->sack_from[1], s->sack_from[0]) && seq_leq(s->sack_to[0], s->sack_to[1]);
}

static void judge_block(const struct look *l, unsigned i)
{
  const struct mseg *s = l->s;
  const struct arrived *in = &l->x->in;
  struct seq from = s->sack_from[i], to = s->sack_to[i];
  bool known = open_flow(l) && !l->x->torn && arrived_reaches(in, from);
  if (!judge(l, MONITOR_SACK_FORM, seq_lt(from, to), "a block that begins before its end at", to.v, "a block from", from.v)) return;
  if (is_dsack(s, i)) {
    bool below = seq_lt(from, s->ack);
    judge(l, MONITOR_SACK_FORM, !below || seq_leq(to, s->ack), "a block on one side of the ACK", s->ack.v, "a block up to", to.v);
    // What passed here once may have been doubled on its way to who is far.
    bool came = near(l) ? arrived_twice(in, from, to) : arrived_has(in, from, to);
    if (known) judge(l, MONITOR_DSACK, came, "as first block only what came twice, up to", to.v, "a block from", from.v);
    return;
  }
  judge(l, MONITOR_SACK_FORM, seq_lt(s->ack, from), "a block behind the ACK", s->ack.v, "a block from", from.v);
  if (known) judge(l, MONITOR_SACK_TRUTH, arrived_has(in, from, to), "a block only of what came, up to", to.v, "a block from", from.v);
}

void ack_judge(const struct look *l)
{
  const struct mseg *s = l->s;
  bool has = s->flags & MSEG_ACK;
  if (!(s->flags & MSEG_SYN)) judge(l, MONITOR_ACK_FLAG, has, "flags with ACK", MSEG_ACK, "flags", s->flags);
  if (!has) return;
  judge_ack(l);
  judge_edge(l);
  for (unsigned i = 0; i < s->n_sack; i++) judge_block(l, i);
}

// What was acknowledged is kept no longer.
static void acknowledge(const struct look *l)
{
  struct half *y = l->y;
  struct seq ack = l->s->ack;
  if (open_flow(l) ? !flow_was_sent(y, ack) : !y->seen) return;
  if (seq_leq(ack, y->una)) return;
  store_forget(l->m->store, &y->stored, y->una, ack);
  y->una = ack;
  y->answered = true;
  y->max = seq_max(y->max, ack);    // changes it midway only
}

// An offer counts when the ACK it comes with can be one; of one who is judged, that was asked already.
static void offer(const struct look *l)
{
  struct half *x = l->x;
  if (!open_flow(l) || (!near(l) && !flow_was_sent(l->y, l->s->ack))) return;
  x->edge = seq_max(x->edge, offered(l));
  if (l->s->window || (x->closed && seq_lt(l->s->ack, x->closed_at))) return;   // an older one comes late
  x->closed = true;
  x->closed_at = l->s->ack;
}

void ack_feed(const struct look *l)
{
  struct half *x = l->x;
  struct seq ack = l->s->ack;
  if (!(l->s->flags & MSEG_ACK)) return;
  acknowledge(l);
  offer(l);
  if (seq_lt(x->acked, ack)) x->active = true;
  x->acked = x->seen ? seq_max(x->acked, ack) : ack;
  if (open_flow(l) && l->role != MONITOR_IGNORED && seq_lt(x->in.next, ack)) arrived_add(&x->in, x->in.next, ack);  // reported once
}
