// SPDX-License-Identifier: Apache-2.0
// Up to four byte ranges of the sequence space: what the receive side holds out of order, the send side's scoreboard.
#include "tcp/core/core.h"

static void remove_at(struct intervals *v, unsigned i)
{
  for (v->n--; i < v->n; i++) v->b[i] = v->b[i + 1];
}

int intervals_add(struct intervals *v, unsigned room, bool keep_low, struct core_block b, uint32_t *fresh)
{
  unsigned i = 0;
  *fresh = (uint32_t)seq_diff(b.end, b.start) - intervals_bytes(v, b.start, b.end);
  while (i < v->n && seq_lt(v->b[i].end, b.start)) i++;
  if (i < v->n && seq_leq(v->b[i].start, b.end)) {   // touches: grow, then swallow what follows
    v->b[i].start = seq_min(v->b[i].start, b.start);
    v->b[i].end = seq_max(v->b[i].end, b.end);
    while (i + 1 < v->n && seq_leq(v->b[i + 1].start, v->b[i].end)) {
      v->b[i].end = seq_max(v->b[i].end, v->b[i + 1].end);
      remove_at(v, i + 1);
    }
    return (int)i;
  }
  if (v->n == room) {
    if (!keep_low || i == v->n) {
      *fresh = 0;
      return -1;
    }
    v->n--;
  }
  for (unsigned k = v->n; k > i; k--) v->b[k] = v->b[k - 1];
  v->b[i] = b;
  v->n++;
  return (int)i;
}

bool intervals_add_recent(struct intervals *v, unsigned room, struct core_block b, uint32_t *fresh)
{
  *fresh = (uint32_t)seq_diff(b.end, b.start) - intervals_bytes(v, b.start, b.end);
  for (unsigned i = 0; i < v->n;) {   // none touches another, so what is swallowed makes it touch no more
    if (seq_lt(v->b[i].end, b.start) || seq_lt(b.end, v->b[i].start)) {
      i++;
      continue;
    }
    b.start = seq_min(b.start, v->b[i].start);
    b.end = seq_max(b.end, v->b[i].end);
    remove_at(v, i);
  }
  if (v->n == room) {
    *fresh = 0;
    return false;
  }
  for (unsigned k = v->n; k > 0; k--) v->b[k] = v->b[k - 1];
  v->b[0] = b;
  v->n++;
  return true;
}

void intervals_join(struct intervals *v, struct seq *edge)
{
  for (unsigned i = 0; i < v->n;) {   // likewise: what *edge grows by reaches no other
    if (seq_lt(*edge, v->b[i].start)) {
      i++;
      continue;
    }
    *edge = seq_max(*edge, v->b[i].end);
    remove_at(v, i);
  }
}

void intervals_trim(struct intervals *v, struct seq edge)
{
  while (v->n && seq_leq(v->b[0].end, edge)) remove_at(v, 0);
  if (v->n) v->b[0].start = seq_max(v->b[0].start, edge);
}

uint32_t intervals_bytes(const struct intervals *v, struct seq from, struct seq to)
{
  uint32_t sum = 0;
  for (unsigned i = 0; i < v->n; i++) {
    int32_t n = seq_diff(seq_min(v->b[i].end, to), seq_max(v->b[i].start, from));
    if (n > 0) sum += (uint32_t)n;
  }
  return sum;
}
