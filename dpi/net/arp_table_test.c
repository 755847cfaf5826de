// SPDX-License-Identifier: Apache-2.0
// The ARP table in virtual time: no test waits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka wants those above first
#include <cmocka.h>

#include "net/arp.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};
enum { IP_A = 0x0a09000a, IP_B = 0x0a09000b, ENTRIES = 4, FRAMES = 140, FRAME_BYTES = 100, START = 1000, SECOND = 1000000 };

static int open_table(void **state)
{
  *state = arp_table_open(ENTRIES, FRAMES, FRAME_BYTES);
  return *state ? 0 : -1;
}

static int close_table(void **state)
{
  arp_table_close(*state);
  return 0;
}

static bool knows(struct arp_table *t, uint32_t ip, const uint8_t *want, uint64_t now_us)
{
  uint8_t mac[6];
  return arp_lookup(t, ip, mac, now_us) && memcmp(mac, want, 6) == 0;
}

static enum arp_parked park_how(struct arp_table *t, uint32_t ip, uint8_t mark, uint64_t now_us)
{
  uint8_t f[60];
  memset(f, mark, sizeof f);
  return arp_park(t, ip, f, sizeof f, now_us);
}

static bool park(struct arp_table *t, uint32_t ip, uint8_t mark, uint64_t now_us) { return park_how(t, ip, mark, now_us) == ARP_PARKED; }

static void expect(struct arp_table *t, enum arp_due_kind kind, uint32_t ip, uint64_t now_us)
{
  struct arp_due d = arp_next(t, now_us);
  assert_int_equal(d.kind, kind);
  if (kind != ARP_DUE_NOTHING) assert_int_equal(d.ip, ip);
}

static void expect_frame(struct arp_table *t, const uint8_t *mac, uint8_t mark, uint64_t now_us)
{
  struct arp_due d = arp_next(t, now_us);
  assert_int_equal(d.kind, ARP_DUE_FRAME);
  assert_int_equal(d.frame_len, 60);
  assert_memory_equal(d.frame, mac, 6);
  for (size_t i = 6; i < 60; i++) assert_int_equal(d.frame[i], mark);
}

static void test_arp_entry_expires_after_300_seconds(void **state)
{
  struct arp_table *t = *state;
  assert_false(knows(t, IP_A, mac_a, START));
  arp_learn(t, IP_A, mac_a, true, START);
  assert_true(knows(t, IP_A, mac_a, START));
  assert_true(knows(t, IP_A, mac_a, START + 300ull * SECOND - 1));
  assert_false(knows(t, IP_A, mac_a, START + 300ull * SECOND));
}

static void test_arp_entry_lives_on_when_heard_again(void **state)
{
  struct arp_table *t = *state;
  arp_learn(t, IP_A, mac_a, true, START);
  arp_learn(t, IP_A, mac_b, false, START + 200ull * SECOND);
  assert_true(knows(t, IP_A, mac_b, START + 499ull * SECOND));
}

static void test_arp_learns_stranger_only_when_told_to_create(void **state)
{
  struct arp_table *t = *state;
  arp_learn(t, IP_A, mac_a, false, START);
  assert_false(knows(t, IP_A, mac_a, START));
}

static void test_arp_does_not_learn_what_is_no_station(void **state)
{
  struct arp_table *t = *state;
  static const uint8_t group[6] = {3};
  static const uint32_t bad[] = {0, 0xffffffff, 0xe0000001, 0xf0000001};
  for (size_t i = 0; i < 4; i++) {
    arp_learn(t, bad[i], mac_a, true, START);
    assert_false(knows(t, bad[i], mac_a, START));
  }
  arp_learn(t, IP_A, group, true, START);
  assert_false(knows(t, IP_A, group, START));
}

static void test_arp_evicts_entry_heard_longest_ago_when_full(void **state)
{
  struct arp_table *t = *state;
  for (uint32_t i = 0; i < ENTRIES; i++) arp_learn(t, IP_A + i, mac_a, true, START + i);
  arp_learn(t, IP_A, mac_a, true, START + 10);  // the first is now the youngest
  arp_learn(t, IP_A + 100, mac_b, true, START + 11);
  assert_true(knows(t, IP_A + 100, mac_b, START + 11));
  assert_true(knows(t, IP_A, mac_a, START + 11));
  assert_false(knows(t, IP_A + 1, mac_a, START + 11));
  assert_true(knows(t, IP_A + 2, mac_a, START + 11));
}

static void test_arp_parked_frame_goes_out_when_address_is_learnt(void **state)
{
  struct arp_table *t = *state;
  assert_true(park(t, IP_A, 0x55, START));
  expect(t, ARP_DUE_REQUEST, IP_A, START);
  expect(t, ARP_DUE_NOTHING, 0, START);
  arp_learn(t, IP_A, mac_a, false, START + 500);  // without create: we asked for it
  assert_int_equal(arp_next_deadline(t), 0);
  expect_frame(t, mac_a, 0x55, START + 500);
  expect(t, ARP_DUE_NOTHING, 0, START + 500);
  assert_true(knows(t, IP_A, mac_a, START + 500));
  assert_int_equal(arp_next_deadline(t), UINT64_MAX);
}

static void test_arp_asks_three_times_a_second_apart_then_gives_up(void **state)
{
  struct arp_table *t = *state;
  assert_int_equal(arp_next_deadline(t), UINT64_MAX);
  assert_true(park(t, IP_A, 1, START));
  assert_int_equal(arp_next_deadline(t), START);
  for (uint64_t i = 0; i < 3; i++) {
    uint64_t due = START + i * SECOND;
    if (i) expect(t, ARP_DUE_NOTHING, 0, due - 1);
    expect(t, ARP_DUE_REQUEST, IP_A, due);
    expect(t, ARP_DUE_NOTHING, 0, due);
    assert_int_equal(arp_next_deadline(t), due + SECOND);
  }
  expect(t, ARP_DUE_GAVE_UP, IP_A, START + 3 * SECOND);
  assert_int_equal(arp_next_deadline(t), 0);
  expect(t, ARP_DUE_LOST, IP_A, START + 3 * SECOND);
  expect(t, ARP_DUE_NOTHING, 0, START + 3 * SECOND);
  assert_int_equal(arp_next_deadline(t), UINT64_MAX);
  arp_learn(t, IP_A, mac_a, false, START + 4 * SECOND);  // too late: not asked for any more
  expect(t, ARP_DUE_NOTHING, 0, START + 4 * SECOND);
  assert_true(park(t, IP_A, 2, START + 5 * SECOND));  // a new frame begins anew
  expect(t, ARP_DUE_REQUEST, IP_A, START + 5 * SECOND);
}

static void test_arp_parked_frames_go_out_in_order_without_new_request(void **state)
{
  struct arp_table *t = *state;
  assert_true(park(t, IP_A, 1, START));
  expect(t, ARP_DUE_REQUEST, IP_A, START);
  assert_true(park(t, IP_A, 2, START + 10));
  assert_true(park(t, IP_B, 3, START + 10));
  expect(t, ARP_DUE_REQUEST, IP_B, START + 10);
  expect(t, ARP_DUE_NOTHING, 0, START + 10);
  arp_learn(t, IP_A, mac_a, true, START + 20);
  expect_frame(t, mac_a, 1, START + 20);
  assert_int_equal(arp_next_deadline(t), 0);
  expect_frame(t, mac_a, 2, START + 20);
  expect(t, ARP_DUE_NOTHING, 0, START + 20);
}

static void test_arp_oldest_frame_makes_room_for_the_newest(void **state)
{
  struct arp_table *t = *state;
  for (unsigned i = 0; i < ARP_QUEUE; i++) assert_true(park(t, IP_A, (uint8_t)i, START));
  assert_int_equal(park_how(t, IP_A, ARP_QUEUE, START), ARP_PARKED_FOR_OLDER);
  for (unsigned i = ARP_QUEUE; i < FRAMES; i++) assert_true(park(t, IP_B, (uint8_t)i, START));
  assert_int_equal(park_how(t, IP_B, FRAMES, START), ARP_PARKED_FOR_OLDER);   // no room but its own
  assert_int_equal(park_how(t, IP_B + 1, 0, START), ARP_NOT_PARKED);
  arp_learn(t, IP_A, mac_a, true, START);
  arp_learn(t, IP_B, mac_b, true, START);
  for (unsigned i = 1; i <= ARP_QUEUE; i++) expect_frame(t, mac_a, (uint8_t)i, START);
  for (unsigned i = ARP_QUEUE + 1; i <= FRAMES; i++) expect_frame(t, mac_b, (uint8_t)i, START);
  expect(t, ARP_DUE_NOTHING, 0, START);
  for (unsigned i = 0; i < ARP_QUEUE; i++) assert_true(park(t, IP_B + 1, (uint8_t)i, START));   // and all room is free again
}

static void test_arp_frames_come_back_as_lost_when_nobody_answers(void **state)
{
  struct arp_table *t = *state;
  for (uint8_t i = 0; i < 5; i++) assert_true(park(t, IP_A, i, START));
  for (unsigned i = 0; i < 3; i++) expect(t, ARP_DUE_REQUEST, IP_A, START + i * SECOND);
  expect(t, ARP_DUE_GAVE_UP, IP_A, START + 3 * SECOND);
  for (uint8_t i = 0; i < 5; i++) {
    struct arp_due d = arp_next(t, START + 3 * SECOND);
    assert_int_equal(d.kind, ARP_DUE_LOST);
    assert_int_equal(d.frame_len, 60);
    assert_int_equal(d.frame[59], i);
  }
  expect(t, ARP_DUE_NOTHING, 0, START + 3 * SECOND);
  for (unsigned i = 0; i < FRAMES - 12; i++) assert_true(park(t, IP_B, 2, START + 3 * SECOND));
  for (unsigned i = 0; i < 12; i++) assert_true(park(t, IP_B + 1, 2, START + 3 * SECOND));
}

static void test_arp_shows_its_neighbours(void **state)
{
  struct arp_table *t = *state;
  struct arp_neighbour n;
  assert_int_equal(arp_table_size(t), ENTRIES);
  assert_false(arp_neighbour_at(t, 0, &n, START));
  arp_learn(t, IP_A, mac_a, true, START);
  park(t, IP_B, 1, START);
  assert_true(arp_neighbour_at(t, 0, &n, START + SECOND));
  assert_true(n.known);
  assert_int_equal(n.ip, IP_A);
  assert_int_equal(n.heard_us, START);
  assert_memory_equal(n.mac, mac_a, 6);
  assert_true(arp_neighbour_at(t, 1, &n, START + SECOND));
  assert_int_equal(n.ip, IP_B);
  assert_false(n.known);
  assert_false(arp_neighbour_at(t, 0, &n, START + 300ull * SECOND));
  assert_false(arp_neighbour_at(t, 2, &n, START));
}

static void test_arp_frame_parked_for_known_address_goes_out_at_once(void **state)
{
  struct arp_table *t = *state;
  arp_learn(t, IP_A, mac_a, true, START);
  assert_true(park(t, IP_A, 9, START + 1));
  expect_frame(t, mac_a, 9, START + 1);
}

static void test_arp_asks_again_for_expired_address(void **state)
{
  struct arp_table *t = *state;
  uint64_t later = START + 300ull * SECOND;
  arp_learn(t, IP_A, mac_a, true, START);
  assert_true(park(t, IP_A, 9, later));
  expect(t, ARP_DUE_REQUEST, IP_A, later);
  assert_false(knows(t, IP_A, mac_a, later));
  arp_learn(t, IP_A, mac_b, true, later + 1);
  expect_frame(t, mac_b, 9, later + 1);
}

static void test_arp_refuses_to_park_when_every_entry_is_being_asked_for(void **state)
{
  struct arp_table *t = *state;
  for (uint32_t i = 0; i < ENTRIES; i++) assert_true(park(t, IP_A + i, 1, START));
  assert_int_equal(park_how(t, IP_A + ENTRIES, 1, START), ARP_NOT_PARKED);
  arp_learn(t, IP_A + 50, mac_b, true, START);  // nor does learning push one out
  assert_false(knows(t, IP_A + 50, mac_b, START));
  for (uint32_t i = 0; i < ENTRIES; i++) expect(t, ARP_DUE_REQUEST, IP_A + i, START);
  arp_learn(t, IP_A, mac_a, true, START);
  expect_frame(t, mac_a, 1, START);
  assert_true(park(t, IP_A + ENTRIES, 1, START));  // the known one makes room
}

static void test_arp_refuses_to_park_frame_of_impossible_length(void **state)
{
  static uint8_t big[FRAME_BYTES + 1];
  struct arp_table *t = *state;
  assert_int_equal(arp_park(t, IP_A, big, sizeof big, START), ARP_NOT_PARKED);
  assert_int_equal(arp_park(t, IP_A, big, 13, START), ARP_NOT_PARKED);
  assert_int_equal(arp_park(t, IP_A, big, sizeof big - 1, START), ARP_PARKED);
  assert_int_equal(arp_park(t, IP_B, big, 14, START), ARP_PARKED);
}

#define TABLE_TEST(f) cmocka_unit_test_setup_teardown(f, open_table, close_table)

int main(void)
{
  const struct CMUnitTest tests[] = {
    TABLE_TEST(test_arp_entry_expires_after_300_seconds),
    TABLE_TEST(test_arp_entry_lives_on_when_heard_again),
    TABLE_TEST(test_arp_learns_stranger_only_when_told_to_create),
    TABLE_TEST(test_arp_does_not_learn_what_is_no_station),
    TABLE_TEST(test_arp_evicts_entry_heard_longest_ago_when_full),
    TABLE_TEST(test_arp_parked_frame_goes_out_when_address_is_learnt),
    TABLE_TEST(test_arp_asks_three_times_a_second_apart_then_gives_up),
    TABLE_TEST(test_arp_parked_frames_go_out_in_order_without_new_request),
    TABLE_TEST(test_arp_oldest_frame_makes_room_for_the_newest),
    TABLE_TEST(test_arp_frames_come_back_as_lost_when_nobody_answers),
    TABLE_TEST(test_arp_shows_its_neighbours),
    TABLE_TEST(test_arp_frame_parked_for_known_address_goes_out_at_once),
    TABLE_TEST(test_arp_asks_again_for_expired_address),
    TABLE_TEST(test_arp_refuses_to_park_when_every_entry_is_being_asked_for),
    TABLE_TEST(test_arp_refuses_to_park_frame_of_impossible_length),
  };
  return cmocka_run_group_tests_name("arp table", tests, NULL, NULL);
}
