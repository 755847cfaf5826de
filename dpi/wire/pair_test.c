// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first
#include <cmocka.h>

#include "wire/wire.h"

static uint8_t buf[WIRE_FRAME_MAX];

static void pair_of(struct wire *end[static 2], size_t max_bytes)
{
  char err[WIRE_ERR_LEN];
  assert_true(wire_pair_open(end, max_bytes, err));
}

static void test_pair_delivers_each_way_in_order(void **state)
{
  (void)state;
  struct wire *e[2];
  pair_of(e, 1 << 20);
  assert_int_equal(wire_recv(e[0], buf, sizeof buf), 0);
  for (int i = 1; i <= 100; i++) {
    memset(buf, i, sizeof buf);
    assert_true(wire_send(e[0], buf, (size_t)(60 + i)));
    assert_true(wire_send(e[1], buf, (size_t)(600 + i)));
  }
  for (int i = 1; i <= 100; i++) {
    assert_int_equal(wire_recv(e[1], buf, sizeof buf), 60 + i);
    assert_int_equal(buf[59 + i], i);
    assert_int_equal(wire_recv(e[0], buf, sizeof buf), 600 + i);
  }
  assert_int_equal(wire_recv(e[0], buf, sizeof buf), 0);
  assert_int_equal(wire_recv(e[1], buf, sizeof buf), 0);
  assert_int_equal(e[0]->tx_frames, 100);
  assert_int_equal(e[1]->rx_frames, 100);
  assert_int_equal(e[0]->tx_bytes, e[1]->rx_bytes);
  assert_int_equal(wire_fd(e[0]), -1);
  assert_true(wire_deadline(e[0]) == UINT64_MAX);
  wire_close(e[0]);
  wire_close(e[1]);
}

static void test_pair_refuses_and_counts_when_the_queue_is_full(void **state)
{
  (void)state;
  struct wire *e[2];
  unsigned taken = 0;
  pair_of(e, 10000);
  while (wire_send(e[0], buf, 1000)) taken++;
  assert_in_range(taken, 8, 10);
  assert_int_equal(e[0]->tx_drops, 1);
  assert_false(e[0]->dead);
  assert_true(wire_send(e[1], buf, 1000));   // the other way has a queue of its own
  assert_int_equal(wire_recv(e[1], buf, sizeof buf), 1000);
  assert_true(wire_send(e[0], buf, 1000));
  wire_close(e[1]);
  wire_close(e[0]);
}

static void test_pair_counts_drops_when_the_other_end_is_closed(void **state)
{
  (void)state;
  struct wire *e[2];
  pair_of(e, 10000);
  assert_true(wire_send(e[1], buf, 60));
  wire_close(e[1]);
  assert_int_equal(wire_recv(e[0], buf, sizeof buf), 60);
  assert_false(wire_send(e[0], buf, 60));
  assert_int_equal(e[0]->tx_drops, 1);
  assert_int_equal(wire_recv(e[0], buf, sizeof buf), 0);
  wire_close(e[0]);
}

static void test_pair_refuses_a_frame_that_is_none(void **state)
{
  (void)state;
  struct wire *e[2];
  uint8_t *big = calloc(1, WIRE_FRAME_MAX + 1);
  assert_non_null(big);
  pair_of(e, 1 << 20);
  assert_false(wire_send(e[0], big, 0));
  assert_false(wire_send(e[0], big, WIRE_FRAME_MAX + 1));
  assert_true(wire_send(e[0], big, WIRE_FRAME_MAX));
  assert_int_equal(wire_recv(e[1], buf, sizeof buf), WIRE_FRAME_MAX);
  free(big);
  wire_close(e[0]);
  wire_close(e[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pair_delivers_each_way_in_order),
    cmocka_unit_test(test_pair_refuses_and_counts_when_the_queue_is_full),
    cmocka_unit_test(test_pair_counts_drops_when_the_other_end_is_closed),
    cmocka_unit_test(test_pair_refuses_a_frame_that_is_none),
  };
  return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
