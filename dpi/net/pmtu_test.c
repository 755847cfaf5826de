// SPDX-License-Identifier: Apache-2.0
// pmtu: what is taken of a router's word, and for how long.
#include "net/pmtu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants those above first
#include <cmocka.h>

enum { A = 0x0a000001, LINK = 1500, PLACES = 3, START = 7, SECOND = 1000000 };

static int setup(void **state)
{
  *state = pmtu_open(PLACES, LINK);
  return *state ? 0 : -1;
}

static int teardown(void **state)
{
  pmtu_close(*state);
  return 0;
}

static void test_pmtu_is_the_links_until_a_router_says_less(void **state)
{
  struct pmtu_table *t = *state;
  assert_int_equal(pmtu_get(t, A, START), LINK);
  assert_true(pmtu_lower(t, A, 1400, 1500, START));
  assert_int_equal(pmtu_get(t, A, START), 1400);
  assert_int_equal(pmtu_get(t, A + 1, START), LINK);
  assert_true(pmtu_lower(t, A, 1300, 1400, START));
  assert_int_equal(pmtu_get(t, A, START), 1300);
}

static void test_pmtu_never_grows_by_a_routers_word(void **state)
{
  struct pmtu_table *t = *state;
  assert_true(pmtu_lower(t, A, 1300, 1500, START));
  assert_false(pmtu_lower(t, A, 1400, 1500, START));   // of a packet that was on its way
  assert_false(pmtu_lower(t, A, 1400, 1300, START));
  assert_false(pmtu_lower(t, A, 1300, 1300, START));
  assert_false(pmtu_lower(t, A, 1200, 1100, START));   // would have passed
  assert_int_equal(pmtu_get(t, A, START), 1300);
}

static void test_pmtu_is_never_below_its_least(void **state)
{
  struct pmtu_table *t = *state;
  assert_true(pmtu_lower(t, A, 68, 1500, START));
  assert_int_equal(pmtu_get(t, A, START), 552);
  assert_false(pmtu_lower(t, A, 68, 552, START));
}

static void test_pmtu_takes_the_usual_one_below_when_the_router_names_none(void **state)
{
  struct pmtu_table *t = *state;
  static const unsigned steps[] = {1500, 1492, 1006, 552};
  for (size_t i = 0; i < 3; i++) {
    assert_true(pmtu_lower(t, A, 0, steps[i], START));
    assert_int_equal(pmtu_get(t, A, START), steps[i + 1]);
  }
  struct pmtu_table *jumbo = pmtu_open(1, 9000);
  assert_true(pmtu_lower(jumbo, A, 0, 9000, START));
  assert_int_equal(pmtu_get(jumbo, A, START), 8166);
  pmtu_close(jumbo);
}

static void test_pmtu_holds_for_ten_minutes(void **state)
{
  struct pmtu_table *t = *state;
  assert_true(pmtu_lower(t, A, 1300, 1500, START));
  assert_int_equal(pmtu_get(t, A, START + 600ull * SECOND - 1), 1300);
  assert_int_equal(pmtu_get(t, A, START + 600ull * SECOND), LINK);
  assert_true(pmtu_lower(t, A, 1400, 1500, START + 600ull * SECOND));
  assert_int_equal(pmtu_get(t, A, START + 600ull * SECOND), 1400);
}

static void test_pmtu_forgets_the_one_told_longest_ago_when_full(void **state)
{
  struct pmtu_table *t = *state;
  for (uint32_t i = 0; i < PLACES; i++) assert_true(pmtu_lower(t, A + i, 1300, 1500, START + i));
  assert_true(pmtu_lower(t, A, 1200, 1300, START + 10));
  assert_true(pmtu_lower(t, A + 9, 1300, 1500, START + 11));
  assert_int_equal(pmtu_get(t, A, START + 11), 1200);
  assert_int_equal(pmtu_get(t, A + 1, START + 11), LINK);
  assert_int_equal(pmtu_get(t, A + 2, START + 11), 1300);
  assert_int_equal(pmtu_get(t, A + 9, START + 11), 1300);
  uint64_t later = START + 2 + 600ull * SECOND;
  assert_true(pmtu_lower(t, A + 5, 1300, 1500, later));   // in the place of one that no longer holds
  assert_int_equal(pmtu_get(t, A, later), 1200);
  assert_int_equal(pmtu_get(t, A + 9, later), 1300);
}

#define PMTU_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
    PMTU_TEST(test_pmtu_is_the_links_until_a_router_says_less),
    PMTU_TEST(test_pmtu_never_grows_by_a_routers_word),
    PMTU_TEST(test_pmtu_is_never_below_its_least),
    PMTU_TEST(test_pmtu_takes_the_usual_one_below_when_the_router_names_none),
    PMTU_TEST(test_pmtu_holds_for_ten_minutes),
    PMTU_TEST(test_pmtu_forgets_the_one_told_longest_ago_when_full),
  };
  return cmocka_run_group_tests_name("pmtu", tests, NULL, NULL);
}
