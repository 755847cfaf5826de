// SPDX-License-Identifier: Apache-2.0
// cksum: the example of RFC 1071, a known IPv4 header, every length against the definition, pieces, and large sums.
#include "base/cksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "base/rng.h"

// Word by word, straight from the definition.
static uint16_t slow(const uint8_t *b, size_t len)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < len; i++) {
    sum += i % 2 ? (uint32_t)b[i] : (uint32_t)b[i] << 8;
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return (uint16_t)~sum;
}

static void test_cksum_gives_rfc1071_example(void **state)
{
  (void)state;
  static const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};  // RFC 1071 section 3: the sum is ddf2
  assert_int_equal(cksum_fold(cksum_add(0, b, sizeof b)), 0xffff & ~0xddf2);
}

static void test_cksum_gives_known_ipv4_header(void **state)
{
  (void)state;
  uint8_t b[] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
  assert_int_equal(cksum_fold(cksum_add(0, b, sizeof b)), 0xb861);
  b[10] = 0xb8;
  b[11] = 0x61;
  assert_int_equal(cksum_fold(cksum_add(0, b, sizeof b)), 0);
}

static void test_cksum_of_nothing_is_all_ones(void **state)
{
  (void)state;
  assert_int_equal(cksum_fold(cksum_add(0, "", 0)), 0xffff);
}

static void test_cksum_matches_definition_for_every_length_and_offset(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 1);
  for (size_t off = 0; off < 4; off++) {
    for (size_t len = 0; len <= 200; len++) {
      uint8_t *b = malloc(off + len ? off + len : 1);  // exactly sized, so that ASan sees a read past the end
      assert_non_null(b);
      for (size_t i = 0; i < off + len; i++) b[i] = (uint8_t)rng_next(&r);
      assert_int_equal(cksum_fold(cksum_add(0, b + off, len)), slow(b + off, len));
      free(b);
    }
  }
}

static void test_cksum_of_pieces_equals_whole_when_pieces_are_even(void **state)
{
  (void)state;
  uint8_t b[101];
  struct rng r;
  rng_seed(&r, 2);
  for (size_t i = 0; i < sizeof b; i++) b[i] = (uint8_t)rng_next(&r);
  uint16_t whole = cksum_fold(cksum_add(0, b, sizeof b));
  for (size_t cut = 0; cut <= sizeof b; cut += 2)
    assert_int_equal(cksum_fold(cksum_add(cksum_add(0, b, cut), b + cut, sizeof b - cut)), whole);
}

static void test_cksum_carries_do_not_overflow_on_megabytes_of_ones(void **state)
{
  (void)state;
  size_t len = 4 << 20;
  uint8_t *b = malloc(len);
  assert_non_null(b);
  memset(b, 0xff, len);
  uint32_t acc = 0;
  for (int i = 0; i < 100; i++) acc = cksum_add(acc, b, len);
  assert_int_equal(cksum_fold(acc), 0);
  assert_int_equal(cksum_fold(UINT32_MAX), 0);
  free(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cksum_gives_rfc1071_example),
    cmocka_unit_test(test_cksum_gives_known_ipv4_header),
    cmocka_unit_test(test_cksum_of_nothing_is_all_ones),
    cmocka_unit_test(test_cksum_matches_definition_for_every_length_and_offset),
    cmocka_unit_test(test_cksum_of_pieces_equals_whole_when_pieces_are_even),
    cmocka_unit_test(test_cksum_carries_do_not_overflow_on_megabytes_of_ones),
  };
  return cmocka_run_group_tests_name("cksum", tests, NULL, NULL);
}
