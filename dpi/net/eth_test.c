// SPDX-License-Identifier: Apache-2.0
// eth: what is emitted parses back; every truncation is refused.
#include "net/eth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

static const uint8_t frame[] = {2, 0, 0x5e, 0, 0, 1, 2, 0, 0x5e, 0, 0, 2, 0x08, 0x06, 0xaa};

static void test_eth_parses_known_frame(void **state)
{
  (void)state;
  struct eth_hdr h;
  assert_int_equal(eth_parse(frame, sizeof frame, &h), ETH_OK);
  assert_memory_equal(h.dst, frame, 6);
  assert_memory_equal(h.src, frame + 6, 6);
  assert_int_equal(h.type, ETH_TYPE_ARP);
}

static void test_eth_emits_what_it_parsed(void **state)
{
  (void)state;
  struct eth_hdr h;
  uint8_t out[ETH_HDR_BYTES];
  assert_int_equal(eth_parse(frame, sizeof frame, &h), ETH_OK);
  assert_int_equal(eth_emit(out, sizeof out, &h), 14);
  assert_memory_equal(out, frame, 14);
}

static void test_eth_refuses_every_truncation(void **state)
{
  (void)state;
  for (size_t len = 0; len < ETH_HDR_BYTES; len++) {
    uint8_t *p = malloc(len ? len : 1);  // exactly sized, so that ASan sees a read or write past the end
    struct eth_hdr h = {.type = 7};
    assert_non_null(p);
    memcpy(p, frame, len);
    assert_int_equal(eth_parse(p, len, &h), ETH_SHORT);
    assert_int_equal(h.type, 7);
    assert_int_equal(eth_emit(p, len, &h), 0);
    free(p);
  }
  struct eth_hdr h;
  assert_int_equal(eth_parse(frame, 14, &h), ETH_OK);
}

static void test_eth_refuses_802_3_length(void **state)
{
  (void)state;
  uint8_t f[14] = {0};
  struct eth_hdr h;
  f[12] = 0x05;
  f[13] = 0xff;
  assert_int_equal(eth_parse(f, sizeof f, &h), ETH_NO_TYPE);
  f[12] = 0x06;
  f[13] = 0x00;
  assert_int_equal(eth_parse(f, sizeof f, &h), ETH_OK);
}

static void test_eth_knows_group_and_broadcast_addresses(void **state)
{
  (void)state;
  static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, group[6] = {1, 0, 0x5e, 0, 0, 1}, one[6] = {2, 255, 255, 255, 255, 255};
  assert_true(eth_is_group(all) && eth_is_group(group) && !eth_is_group(one));
  static const uint8_t nearly[6] = {255, 255, 255, 255, 255, 254};
  assert_true(eth_is_broadcast(all) && !eth_is_broadcast(group) && !eth_is_broadcast(one) && !eth_is_broadcast(nearly));
}

static void test_eth_results_have_texts(void **state)
{
  (void)state;
  for (enum eth_result r = ETH_OK; r <= ETH_NO_TYPE; r++) assert_true(strlen(eth_result_text(r)) > 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_eth_parses_known_frame),
    cmocka_unit_test(test_eth_emits_what_it_parsed),
    cmocka_unit_test(test_eth_refuses_every_truncation),
    cmocka_unit_test(test_eth_refuses_802_3_length),
    cmocka_unit_test(test_eth_knows_group_and_broadcast_addresses),
    cmocka_unit_test(test_eth_results_have_texts),
  };
  return cmocka_run_group_tests_name("eth", tests, NULL, NULL);
}
