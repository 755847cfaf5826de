// SPDX-License-Identifier: Apache-2.0
// udp: a known datagram, every truncation, every length, every flipped bit, and the two zeros of its checksum.
#include "net/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

#include "base/bytes.h"

enum { SRC = 0x0a090002, DST = 0x0a090001 };

// 10.9.0.2:40000 > 10.9.0.1:7, five bytes: an odd length. The checksums here come from a separate program.
static const uint8_t known[13] = {0x9c, 0x40, 0, 7, 0, 13, 0x0b, 0xa6, 'h', 'e', 'l', 'l', 'o'};
// The same ports with two bytes that make the checksum compute to 0.
static const uint8_t sum_zero[10] = {0x9c, 0x40, 0, 7, 0, 10, 0xff, 0xff, 0x4f, 0x7e};

static void test_udp_parses_known_datagram(void **state)
{
  (void)state;
  struct udp_datagram u;
  assert_int_equal(udp_parse(known, sizeof known, SRC, DST, &u), UDP_OK);
  assert_int_equal(u.src_port, 40000);
  assert_int_equal(u.dst_port, 7);
  assert_int_equal(u.data_len, 5);
  assert_ptr_equal(u.data, known + 8);
}

static void test_udp_emits_known_datagrams(void **state)
{
  (void)state;
  uint8_t p[13];
  struct udp_datagram u = {.src_port = 40000, .dst_port = 7, .data = known + 8, .data_len = 5};
  assert_int_equal(udp_emit(p, sizeof p, SRC, DST, &u), 13);
  assert_memory_equal(p, known, 13);
  u.data = sum_zero + 8;
  u.data_len = 2;
  assert_int_equal(udp_emit(p, sizeof p, SRC, DST, &u), 10);
  assert_memory_equal(p, sum_zero, 10);
  assert_int_equal(udp_parse(p, 10, SRC, DST, &u), UDP_OK);
}

static void test_udp_carries_an_empty_datagram(void **state)
{
  (void)state;
  uint8_t p[8];
  struct udp_datagram u = {.src_port = 0, .dst_port = 9}, back;
  assert_int_equal(udp_emit(p, sizeof p, SRC, DST, &u), 8);
  assert_int_equal(udp_parse(p, 8, SRC, DST, &back), UDP_OK);
  assert_int_equal(back.data_len, 0);
  assert_int_equal(back.src_port, 0);
}

static void test_udp_data_may_lie_where_it_goes(void **state)
{
  (void)state;
  uint8_t p[13];
  memcpy(p + 8, "hello", 5);
  struct udp_datagram u = {.src_port = 40000, .dst_port = 7, .data = p + 8, .data_len = 5};
  assert_int_equal(udp_emit(p, sizeof p, SRC, DST, &u), 13);
  assert_memory_equal(p, known, 13);
}

static void test_udp_refuses_every_truncation(void **state)
{
  (void)state;
  for (size_t len = 0; len < sizeof known; len++) {
    uint8_t *p = malloc(len ? len : 1);  // exactly sized, so that ASan sees a read or write past the end
    struct udp_datagram u = {.src_port = 9}, full = {.data = known + 8, .data_len = 5};
    assert_non_null(p);
    memcpy(p, known, len);
    assert_int_equal(udp_parse(p, len, SRC, DST, &u), len < 8 ? UDP_SHORT : UDP_TRUNCATED);
    assert_int_equal(u.src_port, 9);
    assert_int_equal(udp_emit(p, len, SRC, DST, &full), 0);
    free(p);
  }
}

static void test_udp_holds_its_length_against_what_arrived(void **state)
{
  (void)state;
  for (unsigned len = 0; len < 65536; len++) {
    uint8_t p[13];
    struct udp_datagram u;
    memcpy(p, known, sizeof p);
    put_be16(p + 4, (uint16_t)len);
    put_be16(p + 6, 0);
    enum udp_result r = udp_parse(p, sizeof p, SRC, DST, &u);
    assert_int_equal(r, len < 8 ? UDP_BAD_LENGTH : len > 13 ? UDP_TRUNCATED : UDP_OK);
    if (r == UDP_OK) assert_int_equal(u.data_len, len - 8);
  }
}

static void test_udp_ignores_what_follows_its_length(void **state)
{
  (void)state;
  uint8_t p[20];
  struct udp_datagram u;
  memset(p, 0xee, sizeof p);
  memcpy(p, known, sizeof known);
  assert_int_equal(udp_parse(p, sizeof p, SRC, DST, &u), UDP_OK);
  assert_int_equal(u.data_len, 5);
}

// Also of the addresses, which the pseudo header covers. A flipped length is named for what it is.
static void test_udp_refuses_every_flipped_bit(void **state)
{
  (void)state;
  for (size_t bit = 0; bit < 8 * sizeof known; bit++) {
    uint8_t p[13];
    struct udp_datagram u;
    memcpy(p, known, sizeof p);
    p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(udp_parse(p, sizeof p, SRC, DST, &u), UDP_OK);
  }
  for (unsigned bit = 0; bit < 32; bit++) {
    struct udp_datagram u;
    assert_int_equal(udp_parse(known, sizeof known, SRC ^ 1u << bit, DST, &u), UDP_BAD_CHECKSUM);
    assert_int_equal(udp_parse(known, sizeof known, SRC, DST ^ 1u << bit, &u), UDP_BAD_CHECKSUM);
  }
}

static void test_udp_without_checksum_is_believed(void **state)
{
  (void)state;
  uint8_t p[13];
  struct udp_datagram u;
  memcpy(p, known, sizeof p);
  put_be16(p + 6, 0);
  p[9] = 'u';
  assert_int_equal(udp_parse(p, sizeof p, SRC, DST, &u), UDP_OK);
}

static void test_udp_emits_up_to_65535_bytes(void **state)
{
  (void)state;
  static uint8_t p[70000];
  struct udp_datagram u = {.src_port = 1, .dst_port = 2, .data = p + 8, .data_len = 65535 - 8}, back;
  assert_int_equal(udp_emit(p, sizeof p, SRC, DST, &u), 65535);
  assert_int_equal(udp_parse(p, 65535, SRC, DST, &back), UDP_OK);
  u.data_len++;
  assert_int_equal(udp_emit(p, sizeof p, SRC, DST, &u), 0);
}

static void test_udp_results_have_texts(void **state)
{
  (void)state;
  for (enum udp_result r = UDP_OK; r <= UDP_BAD_CHECKSUM; r++) assert_true(strlen(udp_result_text(r)) > 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_udp_parses_known_datagram),
    cmocka_unit_test(test_udp_emits_known_datagrams),
    cmocka_unit_test(test_udp_carries_an_empty_datagram),
    cmocka_unit_test(test_udp_data_may_lie_where_it_goes),
    cmocka_unit_test(test_udp_refuses_every_truncation),
    cmocka_unit_test(test_udp_holds_its_length_against_what_arrived),
    cmocka_unit_test(test_udp_ignores_what_follows_its_length),
    cmocka_unit_test(test_udp_refuses_every_flipped_bit),
    cmocka_unit_test(test_udp_without_checksum_is_believed),
    cmocka_unit_test(test_udp_emits_up_to_65535_bytes),
    cmocka_unit_test(test_udp_results_have_texts),
  };
  return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
