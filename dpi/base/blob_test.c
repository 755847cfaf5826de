// SPDX-License-Identifier: Apache-2.0
// blob: what was put comes back, zeros cheaply, and nothing is read that is not there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/blob.h"
#include "base/rng.h"

static void test_blob_gives_back_what_was_put(void **state)
{
  (void)state;
  static uint8_t data[100000], got[sizeof data];
  struct blob b = {0};
  struct rng r;
  rng_seed(&r, 1);
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)rng_next(&r);
  assert_non_null(blob_room(&b, 0));
  for (int round = 0; round < 2; round++) {
    blob_clear(&b);
    for (size_t n = 0; n < 300; n++) blob_put(&b, data, n);
    blob_put(&b, data, sizeof data);
    for (size_t n = 0; n < 300; n++) {
      assert_true(blob_get(&b, got, n));
      assert_memory_equal(got, data, n);
    }
    assert_true(blob_get(&b, got, sizeof got));
    assert_memory_equal(got, data, sizeof got);
    assert_false(blob_get(&b, got, 1));
    assert_true(b.bad);
  }
  blob_free(&b);
}

static void test_blob_keeps_zeros_cheaply_at_every_length_and_place(void **state)
{
  (void)state;
  static uint8_t data[5000], got[sizeof data];
  struct blob b = {0};
  for (size_t n = 0; n <= sizeof data; n += 499) {
    for (size_t one = 0; one <= n; one += 97) {   // one == n: all zeros
      memset(data, 0, n);
      if (one < n) data[one] = 7;
      memset(got, 1, sizeof got);
      blob_clear(&b);
      blob_put_sparse(&b, data, n);
      assert_true(b.n <= 20 + (one < n ? 512u : 0u));
      assert_true(blob_get_sparse(&b, got, n));
      assert_memory_equal(got, data, n);
      assert_int_equal(b.at, b.n);
    }
  }
  blob_free(&b);
}

static void test_blob_refuses_to_read_sparse_bytes_that_are_cut_off(void **state)
{
  (void)state;
  uint8_t data[3000], got[sizeof data];
  struct blob b = {0};
  memset(data, 5, sizeof data);
  blob_put_sparse(&b, data, sizeof data);
  size_t whole = b.n;
  for (size_t n = 0; n < whole; n += 7) {
    b.n = n;
    b.at = 0;
    b.bad = false;
    assert_false(blob_get_sparse(&b, got, sizeof got));
    assert_true(b.bad);
  }
  blob_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blob_gives_back_what_was_put),
      cmocka_unit_test(test_blob_keeps_zeros_cheaply_at_every_length_and_place),
      cmocka_unit_test(test_blob_refuses_to_read_sparse_bytes_that_are_cut_off),
  };
  return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
