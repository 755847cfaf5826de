// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/tuple.h"

enum { N = 500 };

static const uint8_t key[16] = {1, 2, 3};

// Tuples that differ in one part each.
static struct tuple tuple_no(uint32_t i)
{
  struct tuple t = {10, 20, 30, 40};
  uint32_t by = i / 4 + 1;
  if (i % 4 == 0) t.local_ip += by;
  if (i % 4 == 1) t.remote_ip += by;
  if (i % 4 == 2) t.local_port = (uint16_t)(t.local_port + by);
  if (i % 4 == 3) t.remote_port = (uint16_t)(t.remote_port + by);
  return t;
}

static void test_map_finds_what_was_inserted_and_not_what_was_removed(void **state)
{
  (void)state;
  struct tuple_map m;
  static struct tuple_node n[N];
  assert_true(tuple_map_init(&m, 8, key));   // far fewer buckets than nodes: every bucket is a chain
  for (uint32_t i = 0; i < N; i++) {
    n[i] = (struct tuple_node){.tuple = tuple_no(i)};
    assert_null(tuple_map_find(&m, &n[i].tuple));
    tuple_map_insert(&m, &n[i]);
  }
  for (uint32_t i = 0; i < N; i += 3) tuple_map_remove(&m, &n[i]);
  for (uint32_t i = 0; i < N; i += 3) tuple_map_remove(&m, &n[i]);   // once more: nothing
  for (uint32_t i = 0; i < N; i++) {
    struct tuple t = tuple_no(i);
    assert_ptr_equal(tuple_map_find(&m, &t), i % 3 == 0 ? NULL : &n[i]);
  }
  tuple_map_insert(&m, &n[0]);
  assert_ptr_equal(tuple_map_find(&m, &n[0].tuple), &n[0]);
  tuple_map_free(&m);
}

static void test_map_spreads_by_key(void **state)
{
  (void)state;
  struct tuple_map m;
  static struct tuple_node n[N];
  assert_true(tuple_map_init(&m, N, key));
  assert_int_equal(m.mask, 1023);
  size_t longest = 0;
  for (uint32_t i = 0; i < N; i++) {
    n[i] = (struct tuple_node){.tuple = tuple_no(i)};
    tuple_map_insert(&m, &n[i]);
  }
  for (size_t i = 0; i <= m.mask; i++) {
    size_t len = 0;
    for (const struct tuple_node *x = m.bucket[i]; x; x = x->next) len++;
    if (len > longest) longest = len;
  }
  assert_true(longest <= 8);
  tuple_map_free(&m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_map_finds_what_was_inserted_and_not_what_was_removed),
    cmocka_unit_test(test_map_spreads_by_key),
  };
  return cmocka_run_group_tests_name("sock/tuple", tests, NULL, NULL);
}
