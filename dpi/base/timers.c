// SPDX-License-Identifier: Apache-2.0
#include "base/timers.h"

#include <assert.h>
#include <stdlib.h>

bool timers_init(struct timers *t, size_t cap)
{
  *t = (struct timers){.heap = calloc(cap, sizeof t->heap[0]), .cap = cap};
  return t->heap != NULL;
}

void timers_free(struct timers *t)
{
  free(t->heap);
  *t = (struct timers){0};
}

static void put(struct timers *t, size_t i, struct timer *x)
{
  t->heap[i] = x;
  x->place = i + 1;
}

static void sift_up(struct timers *t, size_t i)
{
  struct timer *x = t->heap[i];
  for (; i > 0 && x->deadline_us < t->heap[(i - 1) / 2]->deadline_us; i = (i - 1) / 2) put(t, i, t->heap[(i - 1) / 2]);
  put(t, i, x);
}

static void sift_down(struct timers *t, size_t i)
{
  struct timer *x = t->heap[i];
  for (size_t child = 2 * i + 1; child < t->n; child = 2 * i + 1) {
    if (child + 1 < t->n && t->heap[child + 1]->deadline_us < t->heap[child]->deadline_us) child++;
    if (x->deadline_us <= t->heap[child]->deadline_us) break;
    put(t, i, t->heap[child]);
    i = child;
  }
  put(t, i, x);
}

void timers_set(struct timers *t, struct timer *x, uint64_t deadline_us)
{
  x->deadline_us = deadline_us;
  if (x->place == 0) {
    assert(t->n < t->cap);
    put(t, t->n++, x);
  }
  sift_up(t, x->place - 1);
  sift_down(t, x->place - 1);
}

void timers_cancel(struct timers *t, struct timer *x)
{
  if (x->place == 0) return;
  size_t i = x->place - 1;
  x->place = 0;
  struct timer *last = t->heap[--t->n];
  if (last == x) return;
  put(t, i, last);
  sift_up(t, i);
  sift_down(t, last->place - 1);
}

struct timer *timers_first(const struct timers *t) { return t->n > 0 ? t->heap[0] : NULL; }

uint64_t timers_deadline(const struct timers *t) { return t->n > 0 ? t->heap[0]->deadline_us : UINT64_MAX; }
