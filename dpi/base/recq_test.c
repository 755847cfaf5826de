// SPDX-License-Identifier: Apache-2.0
// recq: records come out whole, in order and with their tags, however they were written and wherever the buffer moved.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/recq.h"
#include "base/rng.h"

// Byte i of the record numbered n.
static uint8_t byte_of(uint32_t n, size_t i) { return (uint8_t)(n * 31 + i * 7 + i / 256); }

static void fill(uint8_t *to, uint32_t n, size_t from, size_t len)
{
  for (size_t i = 0; i < len; i++) to[i] = byte_of(n, from + i);
}

static void put(struct recq *q, uint32_t n, size_t len)
{
  uint8_t data[16384];
  assert_true(len <= sizeof data);
  fill(data, n, 0, len);
  recq_put(q, n, data, len);
}

// The oldest record is number n, len bytes long; takes it.
static void take(struct recq *q, uint32_t n, size_t len)
{
  uint32_t tag = ~n;
  const uint8_t *data;
  size_t got;
  assert_true(recq_peek(q, &tag, &data, &got));
  assert_int_equal(tag, n);
  assert_int_equal(got, len);
  for (size_t i = 0; i < len; i++)
    if (data[i] != byte_of(n, i)) fail_msg("record %u: byte %zu", n, i);
  recq_pop(q);
}

static void assert_empty(const struct recq *q)
{
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  assert_true(recq_empty(q) && recq_bytes(q) == 0);
  assert_false(recq_peek(q, &tag, &data, &len));
}

static void test_recq_is_empty_when_zeroed_and_after_free(void **state)
{
  (void)state;
  struct recq q = {0};
  assert_empty(&q);
  put(&q, 1, 100);
  recq_free(&q);
  assert_empty(&q);
  put(&q, 2, 100);   // of use again
  take(&q, 2, 100);
  recq_free(&q);
}

static void test_recq_gives_records_back_in_order_at_every_length(void **state)
{
  (void)state;
  struct recq q = {0};
  for (uint32_t len = 0; len <= 70; len++) put(&q, len, len);   // also the empty one
  for (uint32_t len = 0; len <= 70; len++) take(&q, len, len);
  assert_empty(&q);
  recq_free(&q);
}

static void test_recq_peek_gives_the_same_record_until_pop(void **state)
{
  (void)state;
  struct recq q = {0};
  uint32_t tag[2];
  const uint8_t *data[2];
  size_t len[2];
  put(&q, 0xfedcba98, 5);
  put(&q, 2, 6);
  for (int i = 0; i < 2; i++) assert_true(recq_peek(&q, &tag[i], &data[i], &len[i]));
  assert_true(tag[0] == tag[1] && data[0] == data[1] && len[0] == len[1]);
  take(&q, 0xfedcba98, 5);
  take(&q, 2, 6);
  recq_free(&q);
}

static void test_recq_joins_the_pieces_of_a_record(void **state)
{
  (void)state;
  struct recq q = {0};
  static const size_t piece[] = {1, 0, 8, 7, 64, 3, 5000, 2};
  uint8_t data[5000];
  size_t len = 0;
  recq_begin(&q, 9);
  for (size_t i = 0; i < sizeof piece / sizeof *piece; i++) {
    fill(data, 9, len, piece[i]);
    recq_append(&q, data, piece[i]);
    len += piece[i];
  }
  recq_commit(&q);
  take(&q, 9, len);
  assert_empty(&q);
  recq_free(&q);
}

static void test_recq_hides_a_record_until_commit(void **state)
{
  (void)state;
  struct recq q = {0};
  recq_begin(&q, 1);
  assert_empty(&q);
  recq_append(&q, "abc", 3);
  assert_empty(&q);
  recq_commit(&q);
  assert_false(recq_empty(&q));
  recq_free(&q);
}

static void test_recq_keeps_the_open_record_when_others_are_popped(void **state)
{
  (void)state;
  struct recq q = {0};
  uint8_t data[300];
  put(&q, 1, 200);
  recq_begin(&q, 2);
  fill(data, 2, 0, 100);
  recq_append(&q, data, 100);
  take(&q, 1, 200);            // the last committed one: nothing may move under the open record
  fill(data, 2, 100, 200);
  recq_append(&q, data, 200);
  recq_commit(&q);
  take(&q, 2, 300);
  assert_empty(&q);
  recq_free(&q);
}

static void test_recq_keeps_the_open_record_when_the_buffer_moves_or_grows(void **state)
{
  (void)state;
  struct recq q = {0};
  uint8_t data[9000];
  put(&q, 1, 2600);
  put(&q, 2, 700);
  recq_begin(&q, 3);
  fill(data, 3, 0, 9000);
  recq_append(&q, data, 500);
  take(&q, 1, 2600);           // more than half of the first 4096 bytes is free below
  size_t cap = q.cap;
  recq_append(&q, data + 500, 500);
  assert_int_equal(q.cap, cap);
  assert_int_equal(q.head, 0);
  recq_append(&q, data + 1000, 8000);
  assert_true(q.cap > cap);
  recq_commit(&q);
  take(&q, 2, 700);
  take(&q, 3, 9000);
  recq_free(&q);
}

static void test_recq_does_not_grow_in_the_steady_state(void **state)
{
  (void)state;
  struct recq q = {0};
  put(&q, 0, 1514);
  put(&q, 1, 1514);
  for (uint32_t n = 2; n < 1000; n++) {
    put(&q, n, 1514);
    take(&q, n - 2, 1514);
  }
  assert_true(q.cap <= 16384);
  recq_free(&q);
}

static void test_recq_agrees_with_a_plain_list_when_used_at_random(void **state)
{
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct rng r;
    rng_seed(&r, seed);
    struct recq q = {0};
    static uint32_t lens[4000];
    uint32_t in = 0, out = 0;
    while (in < 4000) {
      bool pop = in != out && rng_below(&r, in - out > 20 ? 2 : 5) == 0;
      if (pop) {
        take(&q, out, lens[out]);
        out++;
      } else {
        lens[in] = rng_below(&r, 8) ? rng_below(&r, 100) : rng_below(&r, 9001);
        put(&q, in, lens[in]);
        in++;
      }
      if (recq_empty(&q) != (in == out)) fail_msg("seed %llu: empty at %u of %u", (unsigned long long)seed, out, in);
    }
    for (; out < in; out++) take(&q, out, lens[out]);
    assert_empty(&q);
    recq_free(&q);
  }
}

static void test_recq_is_the_same_after_save_and_load(void **state)
{
  (void)state;
  for (unsigned taken = 0; taken <= 20; taken += 5) {
    for (int writing = 0; writing < 2; writing++) {
      struct recq q = {0}, back = {0};
      struct blob b = {0};
      uint8_t half[100];
      for (uint32_t n = 0; n < 20; n++) put(&q, n, n * 37 % 300);
      for (uint32_t n = 0; n < taken; n++) take(&q, n, n * 37 % 300);
      fill(half, 20, 0, sizeof half);
      if (writing) {
        recq_begin(&q, 20);
        recq_append(&q, half, 33);
      }
      recq_save(&q, &b);
      for (size_t cut = 0; cut < b.n; cut += 11) {
        struct blob part = {.buf = b.buf, .n = cut};
        struct recq none = {0};
        assert_false(recq_load(&none, &part));
        recq_free(&none);
      }
      assert_true(recq_load(&back, &b));
      assert_int_equal(b.at, b.n);
      if (writing) {
        recq_append(&back, half + 33, 67);
        recq_commit(&back);
      }
      for (uint32_t n = taken; n < 20; n++) take(&back, n, n * 37 % 300);
      if (writing) take(&back, 20, 100);
      assert_empty(&back);
      recq_free(&q);
      recq_free(&back);
      blob_free(&b);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_recq_is_empty_when_zeroed_and_after_free),
    cmocka_unit_test(test_recq_gives_records_back_in_order_at_every_length),
    cmocka_unit_test(test_recq_peek_gives_the_same_record_until_pop),
    cmocka_unit_test(test_recq_joins_the_pieces_of_a_record),
    cmocka_unit_test(test_recq_hides_a_record_until_commit),
    cmocka_unit_test(test_recq_keeps_the_open_record_when_others_are_popped),
    cmocka_unit_test(test_recq_keeps_the_open_record_when_the_buffer_moves_or_grows),
    cmocka_unit_test(test_recq_does_not_grow_in_the_steady_state),
    cmocka_unit_test(test_recq_agrees_with_a_plain_list_when_used_at_random),
    cmocka_unit_test(test_recq_is_the_same_after_save_and_load),
  };
  return cmocka_run_group_tests_name("recq", tests, NULL, NULL);
}
