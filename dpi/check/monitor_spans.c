// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_spans.h"

#include <assert.h>
#include <string.h>

enum { MOST_AHEAD = 1 << 30, MOST_BEHIND = 1 << 29 };   // so that all in a set lies within 2^31

static void remove_at(struct spans *p, unsigned i)
{
  memmove(&p->s[i], &p->s[i + 1], (size_t)(--p->n - i) * sizeof p->s[0]);
}

// Joins the two neighbours with the smallest gap.
static void join_nearest(struct spans *p)
{
  unsigned best = 0;
  for (unsigned i = 1; i + 1 < p->n; i++)
    if (seq_diff(p->s[i + 1].from, p->s[i].to) < seq_diff(p->s[best + 1].from, p->s[best].to)) best = i;
  p->s[best].to = p->s[best + 1].to;
  remove_at(p, best + 1);
}

void spans_add(struct spans *p, struct seq from, struct seq to)
{
  assert(seq_lt(from, to));
  unsigned i = 0;
  while (i < p->n && seq_lt(p->s[i].to, from)) i++;
  while (i < p->n && seq_leq(p->s[i].from, to)) {      // overlapping or touching: swallowed
    from = seq_min(from, p->s[i].from);
    to = seq_max(to, p->s[i].to);
    remove_at(p, i);
  }
  if (p->n == SPANS_MAX) {
    join_nearest(p);
    spans_add(p, from, to);
    return;
  }
  memmove(&p->s[i + 1], &p->s[i], (size_t)(p->n++ - i) * sizeof p->s[0]);
  p->s[i] = (struct span){from, to};
}

bool spans_cover(const struct spans *p, struct seq from, struct seq to)
{
  for (unsigned i = 0; i < p->n; i++)
    if (seq_leq(p->s[i].from, from) && seq_leq(to, p->s[i].to)) return true;
  return false;
}

void spans_forget(struct spans *p, struct seq before)
{
  while (p->n && seq_leq(p->s[0].to, before)) remove_at(p, 0);
}

void arrived_begin(struct arrived *a, struct seq next)
{
  a->next = next;
  a->ahead.n = a->twice.n = 0;
}

static void note_twice(struct arrived *a, struct seq from, struct seq to)
{
  if (seq_lt(from, to)) spans_add(&a->twice, from, to);
}

bool arrived_reaches(const struct arrived *a, struct seq from)
{
  int32_t off = seq_diff(from, a->next);
  return off >= -MOST_BEHIND && off <= MOST_AHEAD;
}

void arrived_add(struct arrived *a, struct seq from, struct seq to)
{
  if (!arrived_reaches(a, from) || !seq_lt(from, to)) return;
  spans_forget(&a->twice, seq_add(a->next, -(uint32_t)MOST_BEHIND));
  note_twice(a, from, seq_min(to, a->next));
  for (unsigned i = 0; i < a->ahead.n; i++)
    note_twice(a, seq_max(from, a->ahead.s[i].from), seq_min(to, a->ahead.s[i].to));
  if (seq_lt(from, a->next)) from = a->next;
  if (seq_lt(from, to)) spans_add(&a->ahead, from, to);
  while (a->ahead.n && seq_leq(a->ahead.s[0].from, a->next)) {
    a->next = seq_max(a->next, a->ahead.s[0].to);
    remove_at(&a->ahead, 0);
  }
}

bool arrived_has(const struct arrived *a, struct seq from, struct seq to)
{
  if (seq_leq(to, a->next)) return true;
  return spans_cover(&a->ahead, from, to);
}

bool arrived_twice(const struct arrived *a, struct seq from, struct seq to) { return spans_cover(&a->twice, from, to); }
