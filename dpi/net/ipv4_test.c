// SPDX-License-Identifier: Apache-2.0
// ipv4: a known packet, every single check broken alone, every truncation, every flipped header bit.
#include "net/ipv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

#include "base/bytes.h"
#include "base/cksum.h"

// 10.9.0.2 > 10.9.0.1, UDP, 8 bytes of payload; the checksum comes from a separate program.
static const uint8_t packet[28] = {0x45, 0x10, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x00, 0x40, 0x11, 0x14, 0x79, 0x0a, 0x09,
                                   0x00, 0x02, 0x0a, 0x09, 0x00, 0x01, 1,    2,    3,    4,    5,    6,    7,    8};

static void seal(uint8_t *p)
{
  put_be16(p + 10, 0);
  put_be16(p + 10, cksum_fold(cksum_add(0, p, (size_t)(p[0] & 15) * 4)));
}

static void test_ipv4_parses_known_packet(void **state)
{
  (void)state;
  struct ipv4_hdr h;
  assert_int_equal(ipv4_parse(packet, sizeof packet, &h), IPV4_OK);
  assert_int_equal(h.hdr_len, 20);
  assert_int_equal(h.options_len, 0);
  assert_int_equal(h.tos, 0x10);
  assert_int_equal(h.ttl, 64);
  assert_int_equal(h.proto, IPV4_PROTO_UDP);
  assert_int_equal(h.id, 0x1234);
  assert_true(h.dont_fragment);
  assert_false(h.fragment || h.more_fragments);
  assert_int_equal(h.frag_offset, 0);
  assert_int_equal(h.payload_len, 8);
  assert_int_equal(h.src, 0x0a090002);
  assert_int_equal(h.dst, 0x0a090001);
}

static void test_ipv4_payload_excludes_ethernet_padding(void **state)
{
  (void)state;
  uint8_t p[46] = {0};
  struct ipv4_hdr h;
  memcpy(p, packet, sizeof packet);
  assert_int_equal(ipv4_parse(p, sizeof p, &h), IPV4_OK);
  assert_int_equal(h.payload_len, 8);
}

static void test_ipv4_refuses_every_truncation(void **state)
{
  (void)state;
  for (size_t len = 0; len < sizeof packet; len++) {
    uint8_t *p = malloc(len ? len : 1);  // exactly sized, so that ASan sees a read past the end
    struct ipv4_hdr h = {.id = 7};
    assert_non_null(p);
    memcpy(p, packet, len);
    assert_int_equal(ipv4_parse(p, len, &h), len < 20 ? IPV4_SHORT : IPV4_TRUNCATED);
    assert_int_equal(h.id, 7);
    free(p);
  }
}

static void test_ipv4_names_each_fault(void **state)
{
  (void)state;
  static const struct {
    size_t at;
    uint16_t value;
    enum ipv4_result want;
  } t[] = {
    {0, 0x6510, IPV4_BAD_VERSION},   {0, 0x0510, IPV4_BAD_VERSION},   {0, 0x4410, IPV4_BAD_IHL},
    {0, 0x4010, IPV4_BAD_IHL},       {0, 0x4810, IPV4_BAD_IHL},  // 32 bytes of header in a packet of 28
    {2, 19, IPV4_BAD_TOTAL_LEN},     {2, 0, IPV4_BAD_TOTAL_LEN},      {2, 29, IPV4_TRUNCATED},
    {2, 65535, IPV4_TRUNCATED},      {6, 0x1fff, IPV4_BAD_FRAGMENT},  {6, 0x3ffd, IPV4_BAD_FRAGMENT},
    {2, 20, IPV4_OK},                {6, 0x1ffc, IPV4_OK},  // 65504 + 28 bytes still fit
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    uint8_t p[28];
    struct ipv4_hdr h;
    memcpy(p, packet, sizeof p);
    put_be16(p + t[i].at, t[i].value);
    if ((p[0] & 15) <= 7) seal(p);
    assert_int_equal(ipv4_parse(p, sizeof p, &h), t[i].want);
  }
}

static void test_ipv4_refuses_every_flipped_header_bit(void **state)
{
  (void)state;
  for (size_t bit = 0; bit < 160; bit++) {
    uint8_t p[28];
    struct ipv4_hdr h;
    memcpy(p, packet, sizeof p);
    p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(ipv4_parse(p, sizeof p, &h), IPV4_OK);
    if (bit >= 32) assert_int_equal(ipv4_parse(p, sizeof p, &h), IPV4_BAD_CHECKSUM);
  }
}

static void test_ipv4_gives_options_length(void **state)
{
  (void)state;
  uint8_t p[28];
  struct ipv4_hdr h;
  memcpy(p, packet, sizeof p);
  p[0] = 0x47;
  seal(p);
  assert_int_equal(ipv4_parse(p, sizeof p, &h), IPV4_OK);
  assert_int_equal(h.hdr_len, 28);
  assert_int_equal(h.options_len, 8);
  assert_int_equal(h.payload_len, 0);
}

static void test_ipv4_tells_fragments(void **state)
{
  (void)state;
  uint8_t p[28];
  struct ipv4_hdr h;
  memcpy(p, packet, sizeof p);
  put_be16(p + 6, 0x2000);
  seal(p);
  assert_int_equal(ipv4_parse(p, sizeof p, &h), IPV4_OK);
  assert_true(h.fragment && h.more_fragments && !h.dont_fragment);
  put_be16(p + 6, 0x0003);
  seal(p);
  assert_int_equal(ipv4_parse(p, sizeof p, &h), IPV4_OK);
  assert_true(h.fragment && !h.more_fragments);
  assert_int_equal(h.frag_offset, 24);
}

static void test_ipv4_emits_header_that_parses(void **state)
{
  (void)state;
  uint8_t p[28];
  struct ipv4_hdr h;
  memset(p, 0xff, sizeof p);
  assert_int_equal(ipv4_emit(p, sizeof p, 0x0a090002, 0x0a090001, IPV4_PROTO_UDP, 0x1234, 8), 20);
  p[1] = packet[1];  // all but the TOS, which we leave 0
  seal(p);
  assert_memory_equal(p, packet, 20);
  assert_int_equal(ipv4_emit(p, sizeof p, 1, 2, IPV4_PROTO_TCP, 0, 8), 20);
  assert_int_equal(ipv4_parse(p, sizeof p, &h), IPV4_OK);
  assert_int_equal(h.tos, 0);
  assert_int_equal(h.ttl, 64);
  assert_true(h.dont_fragment && !h.fragment);
}

static void test_ipv4_choose_sets_diffserv_and_ttl_and_leaves_the_rest(void **state)
{
  (void)state;
  uint8_t p[20], was[20];
  struct ipv4_hdr h;
  ipv4_emit(p, sizeof p, 0x0a090002, 0x0a090001, IPV4_PROTO_UDP, 0x1234, 8);
  memcpy(was, p, sizeof p);
  ipv4_choose(p, (struct ipv4_choice){0});
  assert_memory_equal(p, was, 20);
  ipv4_choose(p, (struct ipv4_choice){.dscp = 4});   // TOS 0x10, as the known packet has
  assert_memory_equal(p, packet, 20);
  ipv4_choose(p, (struct ipv4_choice){.dscp = 63, .ttl = 1});
  assert_int_equal(p[1], 0xfc);
  assert_int_equal(p[8], 1);
  p[1] = 0x10, p[8] = 64;
  seal(p);
  assert_memory_equal(p, packet, 20);
  ipv4_choose(p, (struct ipv4_choice){.ttl = 255});
  uint8_t whole[28];
  memcpy(whole, packet, sizeof whole);
  memcpy(whole, p, 20);
  assert_int_equal(ipv4_parse(whole, sizeof whole, &h), IPV4_OK);   // its checksum is right
  assert_true(h.tos == 0 && h.ttl == 255);
}

static void test_ipv4_set_ecn_changes_its_two_bits_alone(void **state)
{
  (void)state;
  uint8_t p[20], was[20];
  ipv4_emit(p, sizeof p, 0x0a090002, 0x0a090001, IPV4_PROTO_UDP, 0x1234, 8);
  ipv4_choose(p, (struct ipv4_choice){.dscp = 4});
  memcpy(was, p, sizeof p);
  for (uint8_t ecn = 1; ecn <= IPV4_ECN_CE; ecn++) {
    uint8_t whole[28] = {0};
    struct ipv4_hdr h;
    ipv4_set_ecn(p, ecn);
    memcpy(whole, p, 20);
    assert_int_equal(ipv4_parse(whole, sizeof whole, &h), IPV4_OK);
    assert_int_equal(h.tos, 0x10 | ecn);
  }
  ipv4_set_ecn(p, 0);
  assert_memory_equal(p, was, 20);
}

static void test_ipv4_emit_refuses_what_does_not_fit(void **state)
{
  (void)state;
  uint8_t p[20];
  assert_int_equal(ipv4_emit(p, 19, 1, 2, 6, 0, 0), 0);
  assert_int_equal(ipv4_emit(p, 20, 1, 2, 6, 0, 65516), 0);
  assert_int_equal(ipv4_emit(p, 20, 1, 2, 6, 0, SIZE_MAX), 0);
  assert_int_equal(ipv4_emit(p, 20, 1, 2, 6, 0, 65515), 20);
  assert_int_equal(get_be16(p + 2), 65535);
}

static void test_ipv4_pseudo_sum_equals_sum_of_pseudo_header(void **state)
{
  (void)state;
  uint8_t p[12] = {0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0, 6, 0xff, 0xff};
  assert_int_equal(cksum_fold(ipv4_pseudo_sum(0xfffefdfc, 0xfbfaf9f8, 6, 0xffff)), cksum_fold(cksum_add(0, p, sizeof p)));
}

static void test_ipv4_results_have_texts(void **state)
{
  (void)state;
  for (enum ipv4_result r = IPV4_OK; r <= IPV4_BAD_FRAGMENT; r++) assert_true(strlen(ipv4_result_text(r)) > 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ipv4_parses_known_packet),
    cmocka_unit_test(test_ipv4_payload_excludes_ethernet_padding),
    cmocka_unit_test(test_ipv4_refuses_every_truncation),
    cmocka_unit_test(test_ipv4_names_each_fault),
    cmocka_unit_test(test_ipv4_refuses_every_flipped_header_bit),
    cmocka_unit_test(test_ipv4_gives_options_length),
    cmocka_unit_test(test_ipv4_tells_fragments),
    cmocka_unit_test(test_ipv4_emits_header_that_parses),
    cmocka_unit_test(test_ipv4_choose_sets_diffserv_and_ttl_and_leaves_the_rest),
    cmocka_unit_test(test_ipv4_set_ecn_changes_its_two_bits_alone),
    cmocka_unit_test(test_ipv4_emit_refuses_what_does_not_fit),
    cmocka_unit_test(test_ipv4_pseudo_sum_equals_sum_of_pseudo_header),
    cmocka_unit_test(test_ipv4_results_have_texts),
  };
  return cmocka_run_group_tests_name("ipv4", tests, NULL, NULL);
}
