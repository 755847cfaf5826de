// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/timers.h"

enum { N = 200 };

static void test_first_is_the_earliest_through_random_sets_moves_and_cancels(void **state)
{
  (void)state;
  struct timers t;
  struct timer x[N] = {0};
  struct rng r;
  rng_seed(&r, 1);
  assert_true(timers_init(&t, N));
  assert_null(timers_first(&t));
  assert_true(timers_deadline(&t) == UINT64_MAX);
  for (int step = 0; step < 20000; step++) {
    struct timer *one = &x[rng_below(&r, N)];
    if (rng_below(&r, 3) == 0)
      timers_cancel(&t, one);   // also one that does not run
    else
      timers_set(&t, one, rng_below(&r, 1000));
    uint64_t min = UINT64_MAX;
    size_t running = 0;
    for (int i = 0; i < N; i++) {
      if (x[i].place == 0) continue;
      running++;
      if (x[i].deadline_us < min) min = x[i].deadline_us;
    }
    assert_int_equal(t.n, running);
    assert_true(timers_deadline(&t) == min);
    if (running > 0) assert_true(timers_first(&t)->deadline_us == min);
  }
  timers_free(&t);
}

static void test_timers_come_out_in_order(void **state)
{
  (void)state;
  struct timers t;
  struct timer x[N] = {0};
  struct rng r;
  rng_seed(&r, 2);
  assert_true(timers_init(&t, N));
  for (int i = 0; i < N; i++) timers_set(&t, &x[i], rng_below(&r, 50));
  uint64_t last = 0;
  for (int i = 0; i < N; i++) {
    struct timer *first = timers_first(&t);
    assert_true(first->deadline_us >= last);
    last = first->deadline_us;
    timers_cancel(&t, first);
    assert_int_equal(first->place, 0);
  }
  assert_null(timers_first(&t));
  timers_free(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_first_is_the_earliest_through_random_sets_moves_and_cancels),
    cmocka_unit_test(test_timers_come_out_in_order),
  };
  return cmocka_run_group_tests_name("sock/timers", tests, NULL, NULL);
}
