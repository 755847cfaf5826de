// SPDX-License-Identifier: Apache-2.0
// route: whose address it is, which way a packet goes, changes and their errors.
#include "net/route.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants those above first
#include <cmocka.h>

enum { OURS = 0x0a090001, SECOND = 0x0a140005, INNER = 0x0a090081, GW = 0x0a0900fe, FAR = 0x08080808 };

// 10.9.0.1/24, 10.20.0.5/16, and 10.9.0.129/25 within the first; the default by 10.9.0.254.
static struct route_table table(void)
{
  struct route_table t = {0};
  assert_int_equal(route_addr_add(&t, (struct route_addr){OURS, 24}), 0);
  assert_int_equal(route_addr_add(&t, (struct route_addr){SECOND, 16}), 0);
  assert_int_equal(route_addr_add(&t, (struct route_addr){INNER, 25}), 0);
  assert_int_equal(route_add(&t, (struct route){0, 0, GW}), 0);
  return t;
}

static void expect_way(const struct route_table *t, uint32_t dst, uint32_t hop, uint32_t src)
{
  struct route_way w;
  assert_true(route_find(t, dst, &w));
  assert_int_equal(w.hop, hop);
  assert_int_equal(w.src, src);
}

static void expect_no_way(const struct route_table *t, uint32_t dst)
{
  struct route_way w;
  assert_false(route_find(t, dst, &w));
}

static void test_route_knows_our_addresses(void **state)
{
  (void)state;
  struct route_table t = table();
  assert_true(route_is_ours(&t, OURS) && route_is_ours(&t, SECOND) && route_is_ours(&t, INNER));
  assert_true(route_is_ours(&t, 0x7f000001) && route_is_ours(&t, 0x7fffffff));
  assert_false(route_is_ours(&t, OURS + 1) || route_is_ours(&t, GW) || route_is_ours(&t, 0));
}

static void test_route_knows_what_no_host_has(void **state)
{
  (void)state;
  struct route_table t = table();
  const uint32_t none[] = {0, 1, 0xe0000001, 0xf0000001, 0xffffffff, 0x0a0900ff, 0x0a14ffff};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_true(route_is_no_host(&t, none[i]));
  assert_false(route_is_no_host(&t, OURS) || route_is_no_host(&t, FAR) || route_is_no_host(&t, 0x0a14000a));
}

static void test_route_takes_the_longest_prefix_and_comes_from_its_network(void **state)
{
  (void)state;
  struct route_table t = table();
  expect_way(&t, OURS + 1, OURS + 1, OURS);
  expect_way(&t, 0x0a090090, 0x0a090090, INNER);    // in both networks
  expect_way(&t, 0x0a147777, 0x0a147777, SECOND);
  expect_way(&t, FAR, GW, INNER);                   // from the network that has the gateway
  expect_way(&t, OURS, OURS, OURS);
  expect_way(&t, 0x7f000001, 0x7f000001, 0x7f000001);
  assert_int_equal(route_add(&t, (struct route){0x08080000, 16, 0x0a140001}), 0);
  assert_int_equal(route_add(&t, (struct route){0x08000000, 8, OURS + 7}), 0);
  expect_way(&t, FAR, 0x0a140001, SECOND);
  expect_way(&t, 0x08090000, OURS + 7, OURS);
  assert_int_equal(route_add(&t, (struct route){0x0a090000, 24, OURS + 7}), 0);
  expect_way(&t, OURS + 1, OURS + 1, OURS);         // as long as the network itself
  assert_int_equal(route_add(&t, (struct route){0x0a090002, 32, OURS + 7}), 0);
  expect_way(&t, OURS + 1, OURS + 7, OURS);         // a host's own route
}

static void test_route_finds_nobody_at_no_hosts_address(void **state)
{
  (void)state;
  struct route_table t = table(), none = {0};
  const uint32_t bad[] = {0, 0xe0000001, 0xffffffff, 0x0a090000, 0x0a0900ff, 0x0a090080, 0x0a140000, 0x0a14ffff};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_no_way(&t, bad[i]);
  expect_no_way(&none, FAR);
  assert_int_equal(route_add(&none, (struct route){FAR, 32, 0}), 0);
  expect_no_way(&none, FAR);                        // nobody to come from
  assert_int_equal(route_del(&none, (struct route){FAR, 32, 0}), 0);
  assert_int_equal(route_addr_add(&none, (struct route_addr){OURS, 24}), 0);
  expect_no_way(&none, FAR);
}

static void test_route_on_a_link_of_two_both_are_hosts(void **state)
{
  (void)state;
  struct route_table t = {0};
  assert_int_equal(route_addr_add(&t, (struct route_addr){0x0a090000, 31}), 0);
  expect_way(&t, 0x0a090001, 0x0a090001, 0x0a090000);
  assert_false(route_is_no_host(&t, 0x0a090001));
}

static void test_route_on_the_link_serves_an_address_without_a_network(void **state)
{
  (void)state;
  struct route_table t = {0};
  assert_int_equal(route_addr_add(&t, (struct route_addr){OURS, 32}), 0);
  expect_no_way(&t, GW);
  assert_int_equal(route_add(&t, (struct route){0, 0, GW}), -ENETUNREACH);
  assert_int_equal(route_add(&t, (struct route){GW, 32, 0}), 0);
  assert_int_equal(route_add(&t, (struct route){0, 0, GW}), 0);
  expect_way(&t, GW, GW, OURS);
  expect_way(&t, FAR, GW, OURS);
}

static void test_route_loses_its_gateway_with_the_address(void **state)
{
  (void)state;
  struct route_table t = table();
  assert_int_equal(route_add(&t, (struct route){0x08000000, 8, 0x0a140001}), 0);
  assert_int_equal(route_addr_del(&t, SECOND), 0);
  assert_int_equal(t.n_routes, 1);
  expect_way(&t, FAR, GW, INNER);
  assert_int_equal(route_addr_del(&t, INNER), 0);
  expect_way(&t, FAR, GW, OURS);                    // the wider network has the gateway, too
  assert_int_equal(route_addr_del(&t, OURS), 0);
  assert_int_equal(t.n_routes, 0);
  expect_no_way(&t, FAR);
  assert_int_equal(route_addr_del(&t, OURS), -ENOENT);
}

static void test_route_can_be_taken_back(void **state)
{
  (void)state;
  struct route_table t = table();
  assert_int_equal(route_del(&t, (struct route){0x08000000, 8, 0}), -ENOENT);
  assert_int_equal(route_del(&t, (struct route){0, 0, 0}), 0);
  expect_no_way(&t, FAR);
  assert_int_equal(route_del(&t, (struct route){0, 0, 0}), -ENOENT);
}

static void test_route_refuses_what_makes_no_sense(void **state)
{
  (void)state;
  struct route_table t = table();
  const struct route_addr bad[] = {{0, 24}, {0xe0000001, 24}, {0xffffffff, 32}, {0x7f000001, 8}, {OURS + 4, 33}, {0x0b000000, 24}, {0x0b0000ff, 24}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(route_addr_add(&t, bad[i]), -EINVAL);
  const struct route worse[] = {{0, 33, GW}, {1, 24, GW}, {0x0b000001, 24, GW}, {0xe0000000, 8, GW}, {0x7f000000, 8, GW},
                                {0x0b000000, 8, OURS}, {0x0b000000, 8, 0x7f000001}, {0x0b000000, 8, 0xe0000001}};
  for (size_t i = 0; i < sizeof worse / sizeof *worse; i++) assert_int_equal(route_add(&t, worse[i]), -EINVAL);
  assert_int_equal(route_add(&t, (struct route){0x0b000000, 8, FAR}), -ENETUNREACH);
  assert_int_equal(route_add(&t, (struct route){0x0b000000, 8, 0x0a0900ff}), -ENETUNREACH);
  assert_int_equal(route_add(&t, (struct route){0, 0, OURS + 1}), -EEXIST);
  assert_int_equal(route_addr_add(&t, (struct route_addr){OURS, 16}), -EEXIST);
  assert_int_equal(t.n_addrs, 3);
  assert_int_equal(t.n_routes, 1);
}

static void test_route_tables_are_bounded(void **state)
{
  (void)state;
  struct route_table t = {0};
  for (uint32_t i = 0; i < ROUTE_ADDRS; i++) assert_int_equal(route_addr_add(&t, (struct route_addr){OURS + i, 24}), 0);
  assert_int_equal(route_addr_add(&t, (struct route_addr){OURS + 200, 24}), -ENOBUFS);
  for (uint32_t i = 0; i < ROUTE_ROUTES; i++) assert_int_equal(route_add(&t, (struct route){0x0b000000 + (i << 8), 24, GW}), 0);
  assert_int_equal(route_add(&t, (struct route){0, 0, GW}), -ENOBUFS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_route_knows_our_addresses),
    cmocka_unit_test(test_route_knows_what_no_host_has),
    cmocka_unit_test(test_route_takes_the_longest_prefix_and_comes_from_its_network),
    cmocka_unit_test(test_route_finds_nobody_at_no_hosts_address),
    cmocka_unit_test(test_route_on_a_link_of_two_both_are_hosts),
    cmocka_unit_test(test_route_on_the_link_serves_an_address_without_a_network),
    cmocka_unit_test(test_route_loses_its_gateway_with_the_address),
    cmocka_unit_test(test_route_can_be_taken_back),
    cmocka_unit_test(test_route_refuses_what_makes_no_sense),
    cmocka_unit_test(test_route_tables_are_bounded),
  };
  return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
