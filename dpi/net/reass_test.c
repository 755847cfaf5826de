// SPDX-License-Identifier: Apache-2.0
// reass: datagrams cut anywhere and put together in any order; what is refused; the bounds.
#include "net/reass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "base/rng.h"
#include "net/eth.h"

enum { PLACES = 3, SRC = 0x0a090002, DST = 0x0a090001, SECOND = 1000000, START = 5000 };

static uint8_t byte_at(uint16_t id, size_t i) { return (uint8_t)(i * 31 + (i >> 8) + id * 7u); }

struct bed {
  struct reass *r;
  uint64_t now_us;
  uint32_t src;
  uint8_t proto, hdr_len, tos;
  bool evicted;            // by the last fragment
  struct reass_result last;
};

static int setup(void **state)
{
  struct bed *b = calloc(1, sizeof *b);
  *b = (struct bed){.r = reass_open(PLACES), .now_us = START, .src = SRC, .proto = IPV4_PROTO_UDP, .hdr_len = 20};
  *state = b;
  return b->r ? 0 : -1;
}

static int teardown(void **state)
{
  struct bed *b = *state;
  reass_close(b->r);
  free(b);
  return 0;
}

// A fragment in memory of just its size, so that ASan sees any read beyond it; byte `spoil` of its payload wrong, -1 for none.
static enum reass_kind give_spoilt(struct bed *b, uint16_t id, size_t offset, size_t len, bool more, int spoil)
{
  size_t headers = ETH_HDR_BYTES + (size_t)b->hdr_len;
  uint8_t *f = calloc(1, headers + len);
  struct ipv4_hdr ip;
  memset(f, 0xe0, ETH_HDR_BYTES);
  uint8_t *h = f + ETH_HDR_BYTES;
  memset(h + 20, 1, b->hdr_len - 20u);    // no-operations
  h[0] = (uint8_t)(0x40 | b->hdr_len / 4);
  h[1] = b->tos;
  put_be16(h + 2, (uint16_t)(b->hdr_len + len));
  put_be16(h + 4, id);
  put_be16(h + 6, (uint16_t)((more ? 0x2000 : 0) | offset / 8));
  h[8] = 64;
  h[9] = b->proto;
  put_be32(h + 12, b->src);
  put_be32(h + 16, DST);
  put_be16(h + 10, cksum_fold(cksum_add(0, h, b->hdr_len)));
  for (size_t i = 0; i < len; i++) f[headers + i] = byte_at(id, offset + i);
  if (spoil >= 0) f[headers + (size_t)spoil] ^= 1;
  assert_int_equal(ipv4_parse(h, b->hdr_len + len, &ip), IPV4_OK);
  b->last = reass_input(b->r, f, &ip, b->now_us);
  free(f);
  return b->last.kind;
}

static enum reass_kind give(struct bed *b, uint16_t id, size_t offset, size_t len, bool more)
{
  return give_spoilt(b, id, offset, len, more, -1);
}

static void expect_whole(const struct bed *b, uint16_t id, size_t len)
{
  struct ipv4_hdr ip;
  const uint8_t *p = b->last.frame + ETH_HDR_BYTES;
  assert_int_equal(b->last.kind, REASS_WHOLE);
  assert_int_equal(b->last.frame[0], 0xe0);
  assert_int_equal(ipv4_parse(p, b->last.len - ETH_HDR_BYTES, &ip), IPV4_OK);
  assert_false(ip.fragment);
  assert_int_equal(ip.payload_len, len);
  assert_int_equal(b->last.len, ETH_HDR_BYTES + ip.hdr_len + len);
  assert_true(ip.src == b->src && ip.dst == DST && ip.proto == b->proto && ip.id == id);
  for (size_t i = 0; i < len; i++) assert_int_equal(p[ip.hdr_len + i], byte_at(id, i));
}

static void test_reass_puts_fragments_together_in_every_order(void **state)
{
  struct bed *b = *state;
  static const struct { size_t at, len; } f[3] = {{0, 16}, {16, 24}, {40, 5}};
  static const int order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (uint16_t o = 0; o < 6; o++)
    for (int k = 0; k < 3; k++) {
      int i = order[o][k];
      assert_int_equal(give(b, o, f[i].at, f[i].len, i < 2), k < 2 ? REASS_WAITS : REASS_WHOLE);
      if (k == 2) expect_whole(b, o, 45);
    }
  assert_int_equal(reass_deadline(b->r), UINT64_MAX);
}

static void test_reass_puts_together_what_was_cut_and_mixed_at_random(void **state)
{
  struct bed *b = *state;
  struct rng r;
  rng_seed(&r, 3);
  for (uint16_t id = 0; id < 300; id++) {
    size_t len = 9 + rng_below(&r, id % 10 ? 4000 : 65506), at[9000], n = 0;
    for (size_t p = 0; p < len; p += 8 * (1 + rng_below(&r, 200))) at[n++] = p;
    at[n] = len;
    if (n == 1) continue;
    size_t left[9000];
    for (size_t i = 0; i < n; i++) left[i] = i;
    for (size_t k = n; k > 0; k--) {
      size_t pick = rng_below(&r, (uint32_t)k), i = left[pick];
      left[pick] = left[k - 1];
      assert_int_equal(give(b, id, at[i], at[i + 1] - at[i], i + 1 < n), k > 1 ? REASS_WAITS : REASS_WHOLE);
      if (k > 1 && rng_below(&r, 4) == 0) assert_int_equal(give(b, id, at[i], at[i + 1] - at[i], i + 1 < n), REASS_DUPLICATE);
    }
    expect_whole(b, id, len);
  }
}

static void test_reass_keeps_datagrams_apart(void **state)
{
  struct bed *b = *state;
  assert_int_equal(give(b, 1, 0, 16, true), REASS_WAITS);
  assert_int_equal(give(b, 2, 16, 4, false), REASS_WAITS);
  b->proto = IPV4_PROTO_ICMP;
  assert_int_equal(give(b, 1, 16, 4, false), REASS_WAITS);
  b->proto = IPV4_PROTO_UDP;
  assert_int_equal(give(b, 1, 16, 4, false), REASS_WHOLE);
  expect_whole(b, 1, 20);
  b->src = SRC + 1;
  assert_int_equal(give(b, 2, 0, 16, true), REASS_WAITS);
  b->src = SRC;
  assert_int_equal(give(b, 2, 0, 16, true), REASS_WHOLE);
  expect_whole(b, 2, 20);
}

static void test_reass_takes_the_header_of_the_first_fragment(void **state)
{
  struct bed *b = *state;
  assert_int_equal(give(b, 1, 16, 4, false), REASS_WAITS);
  b->hdr_len = 60;
  assert_int_equal(give(b, 1, 0, 16, true), REASS_WHOLE);
  expect_whole(b, 1, 20);
  assert_int_equal(b->last.len, 14 + 60 + 20);
}

static void test_reass_takes_the_longest_packet_and_none_longer(void **state)
{
  struct bed *b = *state;
  for (int too_long = 0; too_long < 2; too_long++) {
    b->hdr_len = 20;
    assert_int_equal(give(b, 1, 65496, 19, false), REASS_WAITS);
    assert_int_equal(give(b, 1, 32768, 32728, true), REASS_WAITS);
    b->hdr_len = too_long ? 24 : 20;
    assert_int_equal(give(b, 1, 0, 32768, true), too_long ? REASS_BAD : REASS_WHOLE);
    if (!too_long) expect_whole(b, 1, 65515);
  }
}

static void test_reass_refuses_what_can_be_no_fragment(void **state)
{
  struct bed *b = *state;
  assert_int_equal(give(b, 1, 0, 0, true), REASS_BAD);
  assert_int_equal(give(b, 1, 8, 0, false), REASS_BAD);
  assert_int_equal(give(b, 1, 0, 12, true), REASS_BAD);
  assert_int_equal(reass_deadline(b->r), UINT64_MAX);   // nothing was begun
}

static void test_reass_ignores_a_repetition_and_refuses_one_that_differs(void **state)
{
  struct bed *b = *state;
  for (uint16_t id = 0; id < 3; id++) {
    bool last = id == 1;
    size_t len = last ? 19 : 24;
    assert_int_equal(give(b, id, 8, len, !last), REASS_WAITS);
    assert_int_equal(give(b, id, 8, len, !last), REASS_DUPLICATE);
    assert_int_equal(give_spoilt(b, id, 8, len, !last, id == 2 ? 0 : 18), REASS_REFUSED);
    assert_int_equal(give(b, id, 0, 8, true), REASS_REFUSED);    // with all that still comes
    assert_int_equal(give(b, id, 8, len, !last), REASS_REFUSED);
    assert_false(b->last.evicted);
  }
}

static void test_reass_refuses_overlaps(void **state)
{
  struct bed *b = *state;
  static const struct { size_t at, len; bool more; } bad[] = {
    {8, 16, true}, {24, 16, true}, {8, 40, true},      // over [16, 32): its left, its right, both
    {8, 24, true}, {0, 24, true}, {24, 8, false},      // with an end in common; the end of all inside
    {0, 9, false}};
  for (uint16_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(give(b, i, 16, 16, true), REASS_WAITS);
    assert_int_equal(give(b, i, bad[i].at, bad[i].len, bad[i].more), REASS_REFUSED);
    assert_int_equal(give(b, i, 0, 16, true), REASS_REFUSED);
  }
}

// What the last datagram in the same place has left behind is not there.
static void test_reass_refuses_overlaps_whatever_stands_in_the_gap(void **state)
{
  struct bed *b = *state;
  for (int turn = 0; turn < 2; turn++) {
    assert_int_equal(give(b, 1, 0, 16, true), REASS_WAITS);
    if (turn == 0) assert_int_equal(give(b, 1, 16, 16, false), REASS_WHOLE);
    else assert_int_equal(give(b, 1, 8, 16, true), REASS_REFUSED);
  }
}

static void test_reass_refuses_two_ends(void **state)
{
  struct bed *b = *state;
  assert_int_equal(give(b, 1, 16, 5, false), REASS_WAITS);
  assert_int_equal(give(b, 1, 24, 5, false), REASS_REFUSED);
  assert_int_equal(give(b, 2, 16, 5, false), REASS_WAITS);
  assert_int_equal(give(b, 2, 24, 8, true), REASS_REFUSED);
  assert_int_equal(give(b, 3, 24, 8, true), REASS_WAITS);
  assert_int_equal(give(b, 3, 8, 5, false), REASS_REFUSED);
  assert_int_equal(give(b, 4, 16, 5, false), REASS_WAITS);
  assert_int_equal(give(b, 4, 16, 4, false), REASS_REFUSED);
  assert_int_equal(give(b, 5, 16, 8, false), REASS_WAITS);
  assert_int_equal(give(b, 5, 16, 8, true), REASS_REFUSED);   // the same bytes, and more to come
  assert_int_equal(give(b, 6, 16, 8, true), REASS_WAITS);
  assert_int_equal(give(b, 6, 16, 8, false), REASS_REFUSED);
}

static void test_reass_gives_up_after_30_seconds_from_the_first(void **state)
{
  struct bed *b = *state;
  const uint8_t *frame = NULL;
  struct ipv4_hdr ip;
  b->hdr_len = 24;
  assert_int_equal(give(b, 7, 0, 16, true), REASS_WAITS);
  b->now_us += SECOND;
  assert_int_equal(give(b, 8, 8, 16, true), REASS_WAITS);
  assert_int_equal(give(b, 9, 8, 16, true), REASS_WAITS);
  assert_int_equal(give(b, 9, 0, 16, true), REASS_REFUSED);
  b->now_us = START + 29ull * SECOND;
  assert_int_equal(give(b, 7, 24, 16, true), REASS_WAITS);   // no news of it lengthens its time
  assert_int_equal(reass_deadline(b->r), START + 30ull * SECOND);
  assert_int_equal(reass_expire(b->r, START + 30ull * SECOND - 1, &frame), REASS_NONE);
  assert_int_equal(reass_expire(b->r, START + 30ull * SECOND, &frame), REASS_LATE_FIRST);
  assert_int_equal(ipv4_parse_quoted(frame + 14, 24 + 8, &ip), IPV4_OK);
  assert_true(ip.src == SRC && ip.id == 7 && ip.more_fragments && ip.hdr_len == 24);
  for (size_t i = 0; i < 16; i++) assert_int_equal(frame[14 + 24 + i], byte_at(7, i));
  assert_int_equal(reass_expire(b->r, START + 30ull * SECOND, &frame), REASS_NONE);
  enum reass_given_up a = reass_expire(b->r, START + 31ull * SECOND, &frame), c = reass_expire(b->r, START + 31ull * SECOND, &frame);
  assert_true(a == REASS_LATE && c == REASS_FORGOTTEN);
  assert_int_equal(reass_deadline(b->r), UINT64_MAX);
  b->now_us = START + 31ull * SECOND;
  assert_int_equal(give(b, 9, 0, 16, true), REASS_WAITS);    // the name is free again
}

static void test_reass_forgets_the_one_begun_first_when_full(void **state)
{
  struct bed *b = *state;
  for (uint16_t id = 0; id < PLACES; id++, b->now_us++) {
    assert_int_equal(give(b, id, 0, 16, true), REASS_WAITS);
    assert_false(b->last.evicted);
  }
  assert_int_equal(give(b, 100, 0, 16, true), REASS_WAITS);
  assert_true(b->last.evicted);
  assert_int_equal(give(b, 1, 16, 5, false), REASS_WHOLE);
  expect_whole(b, 1, 21);
  assert_int_equal(give(b, 0, 16, 5, false), REASS_WAITS);   // forgotten: begins anew, where there is room
  assert_false(b->last.evicted);
}

static void test_reass_hands_on_a_congestion_mark_of_any_fragment(void **state)
{
  struct bed *b = *state;
  enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DSCP = 0x28 };
  static const struct { uint8_t ecn[3], is; bool refused; } rows[] = {
    {{NOT, NOT, NOT}, NOT, false}, {{ECT0, ECT0, ECT0}, ECT0, false}, {{ECT0, CE, ECT0}, CE, false}, {{ECT0, ECT0, CE}, CE, false},
    {{CE, ECT0, ECT1}, CE, false}, {{CE, CE, CE}, CE, false}, {{NOT, ECT0, ECT0}, NOT, false}, {{NOT, CE, ECT0}, 0, true}, {{CE, ECT0, NOT}, 0, true}};
  for (uint16_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (size_t k = 0; k < 3; k++) {
      b->tos = DSCP | rows[i].ecn[k];
      give(b, i, 16 * k, 16, k < 2);
    }
    assert_int_equal(b->last.kind, rows[i].refused ? REASS_REFUSED : REASS_WHOLE);
    if (rows[i].refused) continue;
    expect_whole(b, i, 48);
    assert_int_equal(b->last.frame[ETH_HDR_BYTES + 1], DSCP | rows[i].is);
  }
  assert_int_equal(reass_deadline(b->r), UINT64_MAX);
}

#define REASS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
    REASS_TEST(test_reass_puts_fragments_together_in_every_order),
    REASS_TEST(test_reass_puts_together_what_was_cut_and_mixed_at_random),
    REASS_TEST(test_reass_keeps_datagrams_apart),
    REASS_TEST(test_reass_takes_the_header_of_the_first_fragment),
    REASS_TEST(test_reass_takes_the_longest_packet_and_none_longer),
    REASS_TEST(test_reass_refuses_what_can_be_no_fragment),
    REASS_TEST(test_reass_ignores_a_repetition_and_refuses_one_that_differs),
    REASS_TEST(test_reass_refuses_overlaps),
    REASS_TEST(test_reass_refuses_overlaps_whatever_stands_in_the_gap),
    REASS_TEST(test_reass_refuses_two_ends),
    REASS_TEST(test_reass_hands_on_a_congestion_mark_of_any_fragment),
    REASS_TEST(test_reass_gives_up_after_30_seconds_from_the_first),
    REASS_TEST(test_reass_forgets_the_one_begun_first_when_full),
  };
  return cmocka_run_group_tests_name("reass", tests, NULL, NULL);
}
