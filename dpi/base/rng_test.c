// SPDX-License-Identifier: Apache-2.0
// rng: the published sequence, repeatability, and the range and evenness of rng_below.
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first
#include <cmocka.h>

static void test_rng_gives_reference_sequence_of_xoshiro256starstar(void **state)
{
  (void)state;
  // The authors' code with the state 1, 2, 3, 4 begins with these.
  static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
  struct rng r = {{1, 2, 3, 4}};
  for (int i = 0; i < 4; i++) assert_int_equal(rng_next(&r), want[i]);
}

static void test_rng_seed_fills_state_by_splitmix64(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 1234567);  // the well-known first outputs of splitmix64 for this seed
  assert_int_equal(r.s[0], 6457827717110365317u);
  assert_int_equal(r.s[1], 3203168211198807973u);
  assert_int_equal(r.s[2], 9817491932198370423u);
  assert_int_equal(r.s[3], 4593380528125082431u);
}

static void test_rng_repeats_for_same_seed_and_differs_for_another(void **state)
{
  (void)state;
  struct rng a, b, c;
  rng_seed(&a, 0);
  rng_seed(&b, 0);
  rng_seed(&c, 1);
  int same = 0;
  for (int i = 0; i < 1000; i++) {
    uint64_t v = rng_next(&a);
    assert_int_equal(v, rng_next(&b));
    same += v == rng_next(&c);
  }
  assert_int_equal(same, 0);
}

static void test_rng_below_stays_in_range_and_is_even(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 42);
  int seen[7] = {0};
  for (int i = 0; i < 70000; i++) seen[rng_below(&r, 7)]++;  // UBSan: an index out of range ends the test
  for (int i = 0; i < 7; i++) assert_in_range(seen[i], 9600, 10400);
  assert_int_equal(rng_below(&r, 1), 0);
  for (int i = 0; i < 1000; i++) assert_true(rng_below(&r, UINT32_MAX) < UINT32_MAX);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rng_gives_reference_sequence_of_xoshiro256starstar),
    cmocka_unit_test(test_rng_seed_fills_state_by_splitmix64),
    cmocka_unit_test(test_rng_repeats_for_same_seed_and_differs_for_another),
    cmocka_unit_test(test_rng_below_stays_in_range_and_is_even),
  };
  return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
