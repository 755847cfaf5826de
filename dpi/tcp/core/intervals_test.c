// SPDX-License-Identifier: Apache-2.0
// intervals: held against a bitmap, at random, with 0, 2^31 and 2^32 inside the range.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/rng.h"
#include "tcp/core/core.h"

enum { SPAN = 64, ROUNDS = 3000, STEPS = 40 };

static const uint32_t bases[] = {0, 0x80000000u - SPAN / 2, 0u - SPAN / 2, 123456};

struct run {
  unsigned from, to;
};

// The model: what is covered, its runs in rising order.
static unsigned runs_of(const bool *map, struct run *r)
{
  unsigned n = 0;
  for (unsigned i = 0; i < SPAN; i++) {
    if (!map[i]) continue;
    if (!i || !map[i - 1]) r[n++].from = i;
    r[n - 1].to = i + 1;
  }
  return n;
}

static struct core_block block(uint32_t base, unsigned from, unsigned to)
{
  return (struct core_block){seq_of(base + from), seq_of(base + to)};
}

static unsigned count(const bool *map, unsigned from, unsigned to)
{
  unsigned n = 0;
  for (unsigned i = from; i < to; i++) n += map[i];
  return n;
}

static void assert_is(const struct intervals *v, uint32_t base, const bool *map)
{
  struct run r[SPAN];
  assert_int_equal(v->n, runs_of(map, r));
  for (unsigned i = 0; i < v->n; i++) {
    assert_int_equal(v->b[i].start.v, base + r[i].from);
    assert_int_equal(v->b[i].end.v, base + r[i].to);
  }
}

// What the bitmap says of an addition; returns the index, or -1 when it is refused.
static int model_add(bool *map, unsigned room, bool keep_low, struct run b, unsigned *fresh)
{
  bool was[SPAN];
  struct run r[SPAN];
  memcpy(was, map, sizeof was);
  *fresh = b.to - b.from - count(map, b.from, b.to);
  for (unsigned i = b.from; i < b.to; i++) map[i] = true;
  unsigned n = runs_of(map, r), at = 0;
  while (r[at].to < b.to) at++;
  if (n <= room) return (int)at;
  if (!keep_low || at == n - 1) {
    memcpy(map, was, sizeof was);
    *fresh = 0;
    return -1;
  }
  for (unsigned i = r[n - 1].from; i < r[n - 1].to; i++) map[i] = false;
  return (int)at;
}

static void step(struct rng *rng, struct intervals *v, bool *map, uint32_t base, unsigned room, bool keep_low)
{
  unsigned from = rng_below(rng, SPAN), to = from + 1 + rng_below(rng, SPAN - from < 12 ? SPAN - from : 12);
  unsigned want, what = rng_below(rng, 8);
  uint32_t fresh = 99;
  if (what == 0) {
    intervals_trim(v, seq_of(base + from));
    memset(map, 0, from * sizeof *map);
  } else {
    int at = model_add(map, room, keep_low, (struct run){from, to}, &want);
    assert_int_equal(intervals_add(v, room, keep_low, block(base, from, to), &fresh), at);
    assert_int_equal(fresh, want);
  }
  assert_is(v, base, map);
  from = rng_below(rng, SPAN);
  to = from + rng_below(rng, SPAN - from + 1);
  assert_int_equal(intervals_bytes(v, seq_of(base + from), seq_of(base + to)), count(map, from, to));
}

static void test_intervals_agree_with_a_bitmap_at_random(void **state)
{
  struct rng rng;
  (void)state;
  rng_seed(&rng, 1);
  for (int round = 0; round < ROUNDS; round++) {
    uint32_t base = bases[round % 4];
    struct intervals v = {.n = 0};
    bool map[SPAN] = {false};
    for (int i = 0; i < STEPS; i++) step(&rng, &v, map, base, 1 + (unsigned)round / 8 % CORE_INTERVALS, round & 4);
  }
}

// The same for the list that remembers who came last: the newest first, the others in the order they had.
static void model_recent(struct run *order, unsigned *n, struct run b)
{
  struct run kept[SPAN];
  unsigned k = 0;
  for (bool again = true; again;) {
    again = false;
    for (unsigned i = 0; i < *n; i++) {
      bool inside = order[i].from >= b.from && order[i].to <= b.to;
      if (inside || order[i].to < b.from || b.to < order[i].from) continue;
      b.from = b.from < order[i].from ? b.from : order[i].from;
      b.to = b.to > order[i].to ? b.to : order[i].to;
      again = true;
    }
  }
  for (unsigned i = 0; i < *n; i++)
    if (order[i].to < b.from || b.to < order[i].from) kept[k++] = order[i];
  order[0] = b;
  memcpy(order + 1, kept, k * sizeof *kept);
  *n = k + 1;
}

static void test_intervals_remember_who_came_last(void **state)
{
  struct rng rng;
  (void)state;
  rng_seed(&rng, 2);
  for (int round = 0; round < ROUNDS; round++) {
    uint32_t base = bases[round % 4];
    struct intervals v = {.n = 0};
    bool map[SPAN] = {false};
    struct run order[SPAN];
    unsigned n = 0, room = 1 + (unsigned)round / 8 % CORE_INTERVALS;
    for (int i = 0; i < STEPS; i++) {
      unsigned from = rng_below(&rng, SPAN), to = from + 1 + rng_below(&rng, SPAN - from < 12 ? SPAN - from : 12), want;
      uint32_t fresh = 99;
      int at = model_add(map, room, false, (struct run){from, to}, &want);
      assert_int_equal(intervals_add_recent(&v, room, block(base, from, to), &fresh), at >= 0);
      assert_int_equal(fresh, want);
      if (at >= 0) model_recent(order, &n, (struct run){from, to});
      assert_int_equal(v.n, n);
      for (unsigned k = 0; k < n; k++) {
        assert_int_equal(v.b[k].start.v, base + order[k].from);
        assert_int_equal(v.b[k].end.v, base + order[k].to);
      }
    }
  }
}

static void test_intervals_merge_when_they_only_touch(void **state)
{
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    struct intervals v = {.n = 0};
    uint32_t fresh;
    assert_int_equal(intervals_add(&v, 4, false, block(bases[k], 10, 20), &fresh), 0);
    assert_int_equal(intervals_add(&v, 4, false, block(bases[k], 30, 40), &fresh), 1);
    assert_int_equal(intervals_add(&v, 4, false, block(bases[k], 20, 30), &fresh), 0);
    assert_int_equal(fresh, 10);
    assert_int_equal(v.n, 1);
    assert_int_equal(seq_diff(v.b[0].end, v.b[0].start), 30);
  }
}

static void test_intervals_trim_cuts_the_one_at_the_edge(void **state)
{
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    struct intervals v = {.n = 2, .b = {block(bases[k], 10, 20), block(bases[k], 30, 40)}};
    intervals_trim(&v, seq_of(bases[k] + 10));
    assert_int_equal(v.n, 2);
    intervals_trim(&v, seq_of(bases[k] + 19));
    assert_int_equal(v.b[0].start.v, bases[k] + 19);
    intervals_trim(&v, seq_of(bases[k] + 20));
    assert_int_equal(v.n, 1);
    assert_int_equal(v.b[0].start.v, bases[k] + 30);
    intervals_trim(&v, seq_of(bases[k] + 40));
    assert_int_equal(v.n, 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_intervals_agree_with_a_bitmap_at_random),
    cmocka_unit_test(test_intervals_remember_who_came_last),
    cmocka_unit_test(test_intervals_merge_when_they_only_touch),
    cmocka_unit_test(test_intervals_trim_cuts_the_one_at_the_edge),
  };
  return cmocka_run_group_tests_name("core_intervals", tests, NULL, NULL);
}
