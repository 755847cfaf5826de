// SPDX-License-Identifier: Apache-2.0
// arp packets: a known request and reply, each field broken alone, every truncation.
#include "net/arp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

static const uint8_t us[6] = {2, 0, 0, 0, 0, 1}, them[6] = {2, 0, 0, 0, 0, 2};
enum { OUR_IP = 0x0a090001, THEIR_IP = 0x0a090002 };

// them, 10.9.0.2, asks who has 10.9.0.1
static const uint8_t request[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 8, 6,          //
                                    0,   1,   8,   0,   6,   4,   0, 1, 2, 0, 0, 0, 0, 2, 10, 9, 0, 2,  //
                                    0,   0,   0,   0,   0,   0,   10, 9, 0, 1};
static const uint8_t reply[42] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6,           //
                                  0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1, 10, 9, 0, 1,  //
                                  2, 0, 0, 0, 0, 2, 10, 9, 0, 2};

static void test_arp_parses_known_request(void **state)
{
  (void)state;
  struct arp_packet a;
  assert_int_equal(arp_parse(request + 14, 28, &a), ARP_OK);
  assert_int_equal(a.op, ARP_OP_REQUEST);
  assert_memory_equal(a.sender_mac, them, 6);
  assert_int_equal(a.sender_ip, THEIR_IP);
  assert_int_equal(a.target_ip, OUR_IP);
}

static void test_arp_emits_known_request_and_reply(void **state)
{
  (void)state;
  uint8_t f[42];
  struct arp_packet a;
  assert_int_equal(arp_emit_request(f, sizeof f, them, THEIR_IP, OUR_IP), 42);
  assert_memory_equal(f, request, 42);
  assert_int_equal(arp_parse(f + 14, 28, &a), ARP_OK);
  assert_int_equal(arp_emit_reply(f, sizeof f, us, &a), 42);
  assert_memory_equal(f, reply, 42);
}

static void test_arp_reply_may_be_written_over_request_frame(void **state)
{
  (void)state;
  uint8_t f[42];
  struct arp_packet a;
  memcpy(f, request, sizeof f);
  assert_int_equal(arp_parse(f + 14, 28, &a), ARP_OK);
  assert_int_equal(arp_emit_reply(f, sizeof f, us, &a), 42);
  assert_memory_equal(f, reply, 42);
}

static void test_arp_takes_padding_and_probe(void **state)
{
  (void)state;
  uint8_t f[60] = {0};
  struct arp_packet a;
  assert_int_equal(arp_emit_request(f, sizeof f, them, 0, OUR_IP), 42);
  assert_int_equal(arp_parse(f + 14, 46, &a), ARP_OK);
  assert_int_equal(a.sender_ip, 0);
}

static void test_arp_refuses_every_truncation(void **state)
{
  (void)state;
  for (size_t len = 0; len < ARP_FRAME_BYTES; len++) {
    uint8_t *p = malloc(len ? len : 1);  // exactly sized, so that ASan sees a read or write past the end
    struct arp_packet a = {.op = 9};
    assert_non_null(p);
    assert_int_equal(arp_emit_request(p, len, them, THEIR_IP, OUR_IP), 0);
    if (len < ARP_PACKET_BYTES) {
      assert_int_equal(arp_emit(p, len, &a), 0);
      memcpy(p, request + 14, len);
      assert_int_equal(arp_parse(p, len, &a), ARP_SHORT);
      assert_int_equal(a.op, 9);
    }
    free(p);
  }
}

static void test_arp_names_each_fault(void **state)
{
  (void)state;
  static const struct {
    size_t at;
    uint8_t value;
    enum arp_result want;
  } t[] = {{0, 1, ARP_NOT_ETHERNET}, {1, 6, ARP_NOT_ETHERNET}, {4, 8, ARP_NOT_ETHERNET}, {2, 0x86, ARP_NOT_IPV4},
           {3, 1, ARP_NOT_IPV4},     {5, 16, ARP_NOT_IPV4},    {7, 0, ARP_BAD_OP},       {7, 3, ARP_BAD_OP},
           {6, 1, ARP_BAD_OP},       {8, 3, ARP_BAD_SENDER}};
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    uint8_t p[28];
    struct arp_packet a;
    memcpy(p, request + 14, sizeof p);
    p[t[i].at] = t[i].value;
    assert_int_equal(arp_parse(p, sizeof p, &a), t[i].want);
  }
  uint8_t p[28];
  struct arp_packet a;
  memcpy(p, request + 14, sizeof p);
  memset(p + 8, 0, 6);
  assert_int_equal(arp_parse(p, sizeof p, &a), ARP_BAD_SENDER);
}

static void test_arp_results_have_texts(void **state)
{
  (void)state;
  for (enum arp_result r = ARP_OK; r <= ARP_BAD_SENDER; r++) assert_true(strlen(arp_result_text(r)) > 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_arp_parses_known_request),
    cmocka_unit_test(test_arp_emits_known_request_and_reply),
    cmocka_unit_test(test_arp_reply_may_be_written_over_request_frame),
    cmocka_unit_test(test_arp_takes_padding_and_probe),
    cmocka_unit_test(test_arp_refuses_every_truncation),
    cmocka_unit_test(test_arp_names_each_fault),
    cmocka_unit_test(test_arp_results_have_texts),
  };
  return cmocka_run_group_tests_name("arp", tests, NULL, NULL);
}
