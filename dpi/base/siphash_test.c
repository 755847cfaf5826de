// SPDX-License-Identifier: Apache-2.0
// siphash24: the paper's vector, and rows of the authors' table (key 00..0f, input 00, 01, .., len-1).
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
// cmocka wants the four above first
#include <cmocka.h>

static uint64_t of_len(size_t len)
{
  uint8_t key[16], *b = malloc(len ? len : 1);  // exactly sized, so that ASan sees a read past the end
  assert_non_null(b);
  for (uint8_t i = 0; i < 16; i++) key[i] = i;
  for (size_t i = 0; i < len; i++) b[i] = (uint8_t)i;
  uint64_t h = siphash24(key, b, len);
  free(b);
  return h;
}

static void test_siphash_gives_vector_of_paper(void **state)
{
  (void)state;
  assert_int_equal(of_len(15), 0xa129ca6149be45e5u);  // appendix A
}

static void test_siphash_gives_authors_table_for_lengths_0_to_8(void **state)
{
  (void)state;
  static const uint64_t want[] = {0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au,
                                  0x85676696d7fb7e2du, 0xcf2794e0277187b7u, 0x18765564cd99a68du,
                                  0xcbc9466e58fee3ceu, 0xab0200f58b01d137u, 0x93f5f5799a932462u};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_int_equal(of_len(i), want[i]);
}

static void test_siphash_depends_on_every_key_byte(void **state)
{
  (void)state;
  uint8_t key[16] = {0};
  uint64_t zero = siphash24(key, "lockwire", 8);
  for (int i = 0; i < 16; i++) {
    key[i] = 1;
    assert_true(siphash24(key, "lockwire", 8) != zero);
    key[i] = 0;
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_siphash_gives_vector_of_paper),
    cmocka_unit_test(test_siphash_gives_authors_table_for_lengths_0_to_8),
    cmocka_unit_test(test_siphash_depends_on_every_key_byte),
  };
  return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
