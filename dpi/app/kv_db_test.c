// SPDX-License-Identifier: Apache-2.0
#include "app/kv_db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t HASH_KEY[16] = {1, 2, 3};

struct fixture {
  struct kv_mem mem;
  struct kv_db *db;
};

static int setup(void **state)
{
  static struct fixture f;
  f.mem = (struct kv_mem){.max = 4 << 20};
  f.db = kv_db_open(&f.mem, HASH_KEY);
  *state = &f;
  return f.db ? 0 : -1;
}

static int teardown(void **state)
{
  struct fixture *f = *state;
  kv_db_close(f->db);
  return f->mem.used == 0 ? 0 : -1;  // whatever a test did, nothing is left
}

static void expect(const struct fixture *f, const char *key, size_t key_len, const char *want, size_t len)
{
  const struct kv_value *v = kv_db_get(f->db, key, key_len);
  assert_non_null(v);
  assert_int_equal(v->len, len);
  assert_memory_equal(v->data, want, len);
}

static void test_db_sets_overwrites_and_deletes(void **state)
{
  struct fixture *f = *state;
  assert_null(kv_db_get(f->db, "a", 1));
  assert_true(kv_db_set(f->db, "a", 1, "one", 3));
  assert_true(kv_db_set(f->db, "b", 1, "two", 3));
  expect(f, "a", 1, "one", 3);
  assert_true(kv_db_set(f->db, "a", 1, "a longer one", 12));
  expect(f, "a", 1, "a longer one", 12);
  assert_true(kv_db_set(f->db, "a", 1, "", 0));
  expect(f, "a", 1, "", 0);
  assert_int_equal(kv_db_count(f->db), 2);
  assert_true(kv_db_del(f->db, "a", 1));
  assert_false(kv_db_del(f->db, "a", 1));
  assert_null(kv_db_get(f->db, "a", 1));
  assert_int_equal(kv_db_count(f->db), 1);
}

static void test_db_takes_any_bytes_in_keys(void **state)
{
  struct fixture *f = *state;
  assert_true(kv_db_set(f->db, "", 0, "empty", 5));
  assert_true(kv_db_set(f->db, "\0", 1, "nul", 3));
  assert_true(kv_db_set(f->db, "\0\0", 2, "two nuls", 8));
  expect(f, "", 0, "empty", 5);
  expect(f, "\0", 1, "nul", 3);
  expect(f, "\0\0", 2, "two nuls", 8);
  assert_int_equal(kv_db_count(f->db), 3);
}

static void test_db_grows_over_many_keys_and_owes_nothing_after_clear(void **state)
{
  struct fixture *f = *state;
  char key[16];
  for (int i = 0; i < 20000; i++) {
    int n = snprintf(key, sizeof key, "key:%d", i);
    assert_true(kv_db_set(f->db, key, (size_t)n, &i, sizeof i));
  }
  assert_int_equal(kv_db_count(f->db), 20000);
  for (int i = 0; i < 20000; i++) {
    int n = snprintf(key, sizeof key, "key:%d", i);
    expect(f, key, (size_t)n, (const char *)&i, sizeof i);
    if (i % 2) assert_true(kv_db_del(f->db, key, (size_t)n));
  }
  assert_int_equal(kv_db_count(f->db), 10000);
  kv_db_clear(f->db);
  assert_int_equal(kv_db_count(f->db), 0);
  assert_null(kv_db_get(f->db, "key:0", 5));
}

static void test_db_refuses_over_budget_and_changes_nothing(void **state)
{
  struct fixture *f = *state;
  static char big[3 << 20];
  size_t len;
  assert_true(kv_db_set(f->db, "a", 1, "small", 5));
  assert_true(kv_db_set(f->db, "b", 1, big, sizeof big));
  size_t used = f->mem.used;
  assert_false(kv_db_set(f->db, "a", 1, big, sizeof big));
  assert_false(kv_db_set(f->db, "c", 1, big, sizeof big));
  assert_false(kv_db_append(f->db, "a", 1, big, sizeof big, &len));
  assert_false(kv_db_append(f->db, "c", 1, big, sizeof big, &len));
  assert_int_equal(f->mem.used, used);
  assert_int_equal(kv_db_count(f->db), 2);
  expect(f, "a", 1, "small", 5);
  assert_true(kv_db_set(f->db, "b", 1, big, sizeof big));  // in place
  assert_true(kv_db_del(f->db, "b", 1));
  assert_true(kv_db_set(f->db, "c", 1, big, sizeof big));
}

static void test_db_filled_with_small_keys_stops_at_budget(void **state)
{
  struct fixture *f = *state;
  size_t n = 0;
  while (kv_db_set(f->db, &n, sizeof n, "v", 1)) n++;
  assert_true(n > 10000);
  assert_true(f->mem.used <= f->mem.max && f->mem.max - f->mem.used < 1024);
  for (size_t i = 0; i < n; i++) assert_non_null(kv_db_get(f->db, &i, sizeof i));
}

static void test_db_cost_is_what_a_new_key_takes(void **state)
{
  struct fixture *f = *state;
  assert_true(kv_db_set(f->db, "key", 3, "value", 5));
  assert_int_equal(f->mem.used, kv_db_cost(3, 5));
}

static void test_append_extends_and_creates(void **state)
{
  struct fixture *f = *state;
  size_t len, used;
  assert_true(kv_db_append(f->db, "a", 1, "ab", 2, &len));
  assert_int_equal(len, 2);
  for (int i = 0; i < 10000; i++) assert_true(kv_db_append(f->db, "a", 1, "0123456789", 10, &len));
  assert_int_equal(len, 100002);
  assert_int_equal(kv_db_get(f->db, "a", 1)->data[100001], '9');
  used = f->mem.used;
  assert_true(kv_db_append(f->db, "a", 1, "", 0, &len));
  assert_int_equal(len, 100002);
  assert_int_equal(f->mem.used, used);
  assert_true(used <= 2 * kv_db_cost(1, len));
}

// A reply under way keeps the old bytes, whatever is done to the key.
static void test_value_held_elsewhere_never_changes(void **state)
{
  struct fixture *f = *state;
  size_t len;
  assert_true(kv_db_set(f->db, "k", 1, "before", 6));
  struct kv_value *v = kv_value_ref(kv_db_get(f->db, "k", 1));
  assert_true(kv_db_append(f->db, "k", 1, "+", 1, &len));
  expect(f, "k", 1, "before+", 7);
  struct kv_value *w = kv_value_ref(kv_db_get(f->db, "k", 1));
  assert_true(kv_db_set(f->db, "k", 1, "after!!", 7));
  expect(f, "k", 1, "after!!", 7);
  kv_db_clear(f->db);
  assert_memory_equal(v->data, "before", 6);
  assert_memory_equal(w->data, "before+", 7);
  kv_value_unref(&f->mem, v);
  kv_value_unref(&f->mem, w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_db_sets_overwrites_and_deletes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_db_takes_any_bytes_in_keys, setup, teardown),
      cmocka_unit_test_setup_teardown(test_db_grows_over_many_keys_and_owes_nothing_after_clear, setup, teardown),
      cmocka_unit_test_setup_teardown(test_db_refuses_over_budget_and_changes_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(test_db_filled_with_small_keys_stops_at_budget, setup, teardown),
      cmocka_unit_test_setup_teardown(test_db_cost_is_what_a_new_key_takes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_append_extends_and_creates, setup, teardown),
      cmocka_unit_test_setup_teardown(test_value_held_elsewhere_never_changes, setup, teardown),
  };
  return cmocka_run_group_tests_name("kv_db", tests, NULL, NULL);
}
