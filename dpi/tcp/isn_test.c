// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/isn.h"

static struct isn generator(uint64_t seed)
{
  struct rng r;
  struct isn g;
  rng_seed(&r, seed);
  isn_init(&g, &r);
  return g;
}

static uint32_t at(struct isn *g, uint64_t now_us) { return isn_make(g, 0x0a090001, 7, 0x0a090002, 4000, now_us).v; }

static void test_isn_same_seed_gives_same_number_other_seed_another(void **state)
{
  (void)state;
  struct isn a = generator(1), b = generator(1), c = generator(2);
  assert_int_equal(at(&a, 100), at(&b, 100));
  assert_int_not_equal(at(&a, 100), at(&c, 100));
}

static void test_isn_grows_by_one_every_4_us_also_over_the_wrap(void **state)
{
  (void)state;
  struct isn g = generator(3);
  uint32_t first = at(&g, 0);
  assert_int_equal(at(&g, 7), first + 1);
  assert_int_equal(at(&g, 8), first + 2);
  assert_int_equal(at(&g, 4ull << 32), first);              // once around: 4.77 hours
  assert_int_equal(at(&g, (4ull << 32) + 400), first + 100);
}

// A connection that was reset at once, and the next of its tuple.
static void test_isn_grows_also_while_the_clock_stands_still(void **state)
{
  (void)state;
  for (int near = 0; near < 2; near++) {
    struct isn g = generator(6);
    g.near = near;
    uint32_t first = at(&g, 1000);
    assert_int_equal(at(&g, 1000), first + 1);
    assert_int_equal(at(&g, 1003), first + 2);
    assert_int_equal(at(&g, 1012), first + 3);
  }
}

static void test_isn_differs_when_any_part_of_the_tuple_differs(void **state)
{
  (void)state;
  struct isn g = generator(4);
  uint32_t base = isn_make(&g, 1, 2, 3, 4, 0).v;
  assert_int_not_equal(isn_make(&g, 9, 2, 3, 4, 0).v, base);
  assert_int_not_equal(isn_make(&g, 1, 9, 3, 4, 0).v, base);
  assert_int_not_equal(isn_make(&g, 1, 2, 9, 4, 0).v, base);
  assert_int_not_equal(isn_make(&g, 1, 2, 3, 9, 0).v, base);
}

static void test_isn_stays_near_its_base_when_a_test_asks_for_it(void **state)
{
  (void)state;
  struct isn g = generator(5);
  g.near = true;
  g.base = 0xffff8000;
  for (uint64_t t = 0; t < 1000000; t += 99991) assert_true(at(&g, t) - g.base < 0x10000);
  assert_int_not_equal(isn_make(&g, 1, 2, 3, 4, 0).v, isn_make(&g, 1, 2, 3, 5, 0).v);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_isn_same_seed_gives_same_number_other_seed_another),
    cmocka_unit_test(test_isn_grows_by_one_every_4_us_also_over_the_wrap),
    cmocka_unit_test(test_isn_grows_also_while_the_clock_stands_still),
    cmocka_unit_test(test_isn_differs_when_any_part_of_the_tuple_differs),
    cmocka_unit_test(test_isn_stays_near_its_base_when_a_test_asks_for_it),
  };
  return cmocka_run_group_tests_name("tcp/isn", tests, NULL, NULL);
}
