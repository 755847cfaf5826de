// SPDX-License-Identifier: Apache-2.0
// icmp: a known echo request, its reply, truncations, flipped bits.
#include "net/icmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

#include "base/bytes.h"
#include "base/cksum.h"

// Echo request, identifier 0x1234, sequence 7, five bytes of data: an odd length.
static const uint8_t request[13] = {8, 0, 0xe5, 0xf3, 0x12, 0x34, 0, 7, 'p', 'i', 'n', 'g', '!'};

static void test_icmp_parses_known_echo_request(void **state)
{
  (void)state;
  struct icmp_msg m;
  assert_int_equal(icmp_parse(request, sizeof request, &m), ICMP_OK);
  assert_int_equal(m.type, ICMP_TYPE_ECHO_REQUEST);
  assert_int_equal(m.code, 0);
  assert_int_equal(m.id, 0x1234);
  assert_int_equal(m.seq, 7);
  assert_int_equal(m.data_len, 5);
  assert_memory_equal(m.data, "ping!", 5);
}

static void test_icmp_emits_known_echo_request(void **state)
{
  (void)state;
  uint8_t out[13];
  struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST, .id = 0x1234, .seq = 7, .data = (const uint8_t *)"ping!", .data_len = 5};
  assert_int_equal(icmp_emit(out, sizeof out, &m), 13);
  assert_memory_equal(out, request, 13);
}

static void test_icmp_echo_reply_can_be_written_over_request(void **state)
{
  (void)state;
  uint8_t p[13];
  struct icmp_msg m, r;
  memcpy(p, request, 13);
  assert_int_equal(icmp_parse(p, sizeof p, &m), ICMP_OK);
  m.type = ICMP_TYPE_ECHO_REPLY;
  assert_int_equal(icmp_emit(p, sizeof p, &m), 13);
  assert_int_equal(icmp_parse(p, sizeof p, &r), ICMP_OK);
  assert_true(r.type == ICMP_TYPE_ECHO_REPLY && r.id == 0x1234 && r.seq == 7 && r.data_len == 5);
  assert_memory_equal(r.data, "ping!", 5);
}

static void test_icmp_refuses_every_truncation(void **state)
{
  (void)state;
  for (size_t len = 0; len < sizeof request; len++) {
    uint8_t *p = malloc(len ? len : 1);  // exactly sized, so that ASan sees a read or write past the end
    struct icmp_msg m = {.id = 9}, full = {.type = 8, .data = request + 8, .data_len = 5};
    assert_non_null(p);
    memcpy(p, request, len);
    assert_int_equal(icmp_parse(p, len, &m), len < 8 ? ICMP_SHORT : ICMP_BAD_CHECKSUM);
    assert_int_equal(m.id, 9);
    assert_int_equal(icmp_emit(p, len, &full), 0);
    free(p);
  }
}

static void test_icmp_refuses_every_flipped_bit(void **state)
{
  (void)state;
  for (size_t bit = 0; bit < 8 * sizeof request; bit++) {
    uint8_t p[13];
    struct icmp_msg m;
    memcpy(p, request, sizeof p);
    p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(icmp_parse(p, sizeof p, &m), ICMP_BAD_CHECKSUM);
  }
}

static void test_icmp_refuses_echo_with_code_and_reads_other_types(void **state)
{
  (void)state;
  uint8_t p[8] = {8, 1};
  struct icmp_msg m;
  put_be16(p + 2, cksum_fold(cksum_add(0, p, sizeof p)));
  assert_int_equal(icmp_parse(p, sizeof p, &m), ICMP_BAD_CODE);
  p[0] = 3;
  put_be16(p + 2, 0);
  put_be16(p + 2, cksum_fold(cksum_add(0, p, sizeof p)));
  assert_int_equal(icmp_parse(p, sizeof p, &m), ICMP_OK);
  assert_int_equal(m.type, ICMP_TYPE_UNREACHABLE);
  assert_int_equal(m.code, 1);
}

static void test_icmp_results_have_texts(void **state)
{
  (void)state;
  for (enum icmp_result r = ICMP_OK; r <= ICMP_BAD_CODE; r++) assert_true(strlen(icmp_result_text(r)) > 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_icmp_parses_known_echo_request),
    cmocka_unit_test(test_icmp_emits_known_echo_request),
    cmocka_unit_test(test_icmp_echo_reply_can_be_written_over_request),
    cmocka_unit_test(test_icmp_refuses_every_truncation),
    cmocka_unit_test(test_icmp_refuses_every_flipped_bit),
    cmocka_unit_test(test_icmp_refuses_echo_with_code_and_reads_other_types),
    cmocka_unit_test(test_icmp_results_have_texts),
  };
  return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
