// SPDX-License-Identifier: Apache-2.0
// fault around a small wire made here: a queue of frames to receive, and a list of those sent. Frames carry their number.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first
#include <cmocka.h>

#include "base/bytes.h"
#include "wire/wire.h"

enum { TOY_MAX = 20000, LEN = 60, NUMBER_AT = 20 };

struct toy {
  struct wire w;
  uint32_t waiting, next;   // frames to be received: how many, and the next one's number
  uint16_t ethertype;
  uint8_t sent[TOY_MAX][LEN];
  uint32_t n_sent;
  bool refuse;
};

static void make_frame(uint8_t *f, uint32_t number, uint16_t ethertype)
{
  memset(f, 0x55, LEN);
  put_be16(f + 12, ethertype);
  put_be32(f + NUMBER_AT, number);
}

static int toy_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct toy *t = (struct toy *)w;
  if (w->dead) return -1;
  if (!t->waiting) return 0;
  assert_true(cap >= LEN);
  t->waiting--;
  w->rx_frames++;
  make_frame(buf, t->next++, t->ethertype);
  return LEN;
}

static bool toy_send(struct wire *w, const uint8_t *frame, size_t len)
{
  struct toy *t = (struct toy *)w;
  assert_int_equal(len, LEN);
  assert_true(t->n_sent < TOY_MAX);
  if (t->refuse) {
    w->tx_drops++;
    return false;
  }
  memcpy(t->sent[t->n_sent++], frame, len);
  w->tx_frames++;
  return true;
}

static int toy_fd(struct wire *w)
{
  (void)w;
  return 77;
}

static int toys_closed;

static void toy_close(struct wire *w)
{
  toys_closed++;
  free(w);
}

static const struct wire_ops toy_ops = {toy_recv, toy_send, toy_fd, toy_close, NULL};

struct bed {
  struct toy *toy;
  struct wire *w;
  uint64_t now_us;
  char *text;          // of the log
  size_t text_len;
  FILE *log;
};

static void bed_open(struct bed *b, const char *spec)
{
  char err[WIRE_ERR_LEN];
  struct wire_fault_opts o = {0};
  *b = (struct bed){.now_us = 1000};
  assert_true(wire_fault_parse(&o, spec, err));
  b->toy = calloc(1, sizeof *b->toy);
  assert_non_null(b->toy);
  b->toy->w.ops = &toy_ops;
  b->toy->ethertype = 0x0800;
  b->log = open_memstream(&b->text, &b->text_len);
  b->w = wire_fault_open(&b->toy->w, &o, &b->now_us, b->log, err);
  assert_non_null(b->w);
}

static void bed_close(struct bed *b)
{
  wire_close(b->w);
  fclose(b->log);
  free(b->text);
}

static void send_number(struct bed *b, uint32_t number)
{
  uint8_t f[LEN];
  make_frame(f, number, b->toy->ethertype);
  assert_true(wire_send(b->w, f, sizeof f));
}

static uint32_t sent_number(const struct bed *b, uint32_t i) { return get_be32(b->toy->sent[i] + NUMBER_AT); }

// The next number received, or -1 for none.
static long recv_number(struct bed *b)
{
  uint8_t f[WIRE_FRAME_MAX];
  int n = wire_recv(b->w, f, sizeof f);
  if (n <= 0) return -1;
  assert_int_equal(n, LEN);
  return get_be32(f + NUMBER_AT);
}

static const struct wire_fault_stats *rx(const struct bed *b) { return wire_fault_stats(b->w, WIRE_FAULT_RX); }
static const struct wire_fault_stats *tx(const struct bed *b) { return wire_fault_stats(b->w, WIRE_FAULT_TX); }

static unsigned count_text(struct bed *b, const char *what)
{
  unsigned n = 0;
  fflush(b->log);
  for (const char *p = b->text; p && (p = strstr(p, what)); p++) n++;
  return n;
}

static void test_fault_passes_everything_when_nothing_is_asked_of_a_direction(void **state)
{
  (void)state;
  struct bed b;
  bed_open(&b, "tx:loss=1");
  b.toy->waiting = 3;
  for (int i = 0; i < 3; i++) assert_int_equal(recv_number(&b), i);
  assert_int_equal(recv_number(&b), -1);
  for (uint32_t i = 0; i < 3; i++) send_number(&b, i);
  assert_int_equal(b.toy->n_sent, 0);
  assert_int_equal(tx(&b)->lost, 3);
  assert_int_equal(rx(&b)->lost, 0);
  assert_int_equal(b.w->rx_frames, 3);   // the cable's own counters
  assert_int_equal(b.w->tx_frames, 0);
  assert_int_equal(wire_fd(b.w), 77);
  assert_true(wire_deadline(b.w) == UINT64_MAX);
  bed_close(&b);
}

static void test_fault_loses_the_share_asked_for_and_keeps_the_order_of_the_rest(void **state)
{
  (void)state;
  struct bed b;
  bed_open(&b, "loss=0.1,seed=3");
  long last = -1;
  b.toy->waiting = 10000;
  for (long n; (n = recv_number(&b)) >= 0; last = n) assert_true(n > last);
  for (uint32_t i = 0; i < 10000; i++) send_number(&b, i);
  assert_in_range(rx(&b)->lost, 800, 1200);
  assert_in_range(tx(&b)->lost, 800, 1200);
  assert_int_not_equal(rx(&b)->lost, tx(&b)->lost);   // the directions do not share their numbers
  assert_int_equal(b.toy->n_sent + tx(&b)->lost, 10000);
  assert_int_equal(count_text(&b, "dir=rx"), rx(&b)->lost);
  assert_int_equal(count_text(&b, "dir=tx"), tx(&b)->lost);
  assert_int_equal(count_text(&b, "fault=loss len=60 head="), rx(&b)->lost + tx(&b)->lost);
  bed_close(&b);
}

static void test_fault_doubles_a_frame_right_behind_it(void **state)
{
  (void)state;
  struct bed b;
  bed_open(&b, "dup=1");
  b.toy->waiting = 3;
  for (int i = 0; i < 6; i++) assert_int_equal(recv_number(&b), i / 2);
  assert_int_equal(recv_number(&b), -1);
  send_number(&b, 9);
  assert_int_equal(b.toy->n_sent, 2);
  assert_int_equal(rx(&b)->duplicated, 3);
  assert_int_equal(count_text(&b, "dir=rx frame=2 fault=dup"), 1);
  bed_close(&b);
}

static void test_fault_flips_exactly_one_bit_behind_the_addresses(void **state)
{
  (void)state;
  struct bed b;
  uint8_t whole[LEN];
  unsigned low = LEN * 8, high = 0;
  bed_open(&b, "tx:corrupt=1,seed=7");
  for (uint32_t i = 0; i < 3000; i++) {
    send_number(&b, i);
    make_frame(whole, i, 0x0800);
    unsigned flipped = 0, at = 0;
    for (unsigned k = 0; k < LEN * 8; k++)
      if ((whole[k / 8] ^ b.toy->sent[i][k / 8]) & (0x80 >> (k % 8))) flipped++, at = k;
    assert_int_equal(flipped, 1);
    low = at < low ? at : low;
    high = at > high ? at : high;
    if (i == 0) {
      char want[64];
      snprintf(want, sizeof want, "frame=1 fault=corrupt len=60 bit=%u ", at);
      assert_int_equal(count_text(&b, want), 1);
    }
  }
  assert_int_equal(low, 12 * 8);
  assert_int_equal(high, LEN * 8 - 1);
  b.toy->ethertype = 0x0806;   // nothing in ARP would notice
  send_number(&b, 1);
  make_frame(whole, 1, 0x0806);
  assert_memory_equal(whole, b.toy->sent[3000], LEN);
  assert_int_equal(tx(&b)->corrupted, 3000);
  bed_close(&b);
}

static void test_fault_lets_one_to_four_frames_pass_a_reordered_one(void **state)
{
  (void)state;
  struct bed b;
  unsigned seen[5] = {0};
  bed_open(&b, "rx:reorder=0.05,seed=1");
  b.toy->waiting = 20000;
  long next = 0;
  uint8_t *got = calloc(20000, 1);
  assert_non_null(got);
  for (long n; (n = recv_number(&b)) >= 0;) {
    assert_false(got[n]);
    got[n] = 1;
    if (n < next) {
      long late = next - n - 1;   // about how many passed it: other reordered ones may stand between
      assert_in_range(late, 1, 20);
      if (late <= 4) seen[late]++;
    } else {
      next = n + 1;
    }
  }
  for (int i = 1; i <= 4; i++) assert_true(seen[i] > 100);
  assert_in_range(rx(&b)->reordered, 800, 1200);
  b.now_us += 10000;   // the last may still be held
  while (recv_number(&b) >= 0) {}
  assert_true(wire_deadline(b.w) == UINT64_MAX);
  free(got);
  bed_close(&b);
}

static void test_fault_releases_a_reordered_frame_when_nothing_comes_to_pass_it(void **state)
{
  (void)state;
  struct bed b;
  bed_open(&b, "reorder=1");
  send_number(&b, 5);
  assert_int_equal(b.toy->n_sent, 0);
  assert_int_equal(wire_deadline(b.w), 1000 + 10000);
  b.now_us = wire_deadline(b.w) - 1;
  assert_int_equal(recv_number(&b), -1);
  assert_int_equal(b.toy->n_sent, 0);
  b.now_us++;
  assert_int_equal(recv_number(&b), -1);   // recv moves both directions on
  assert_int_equal(b.toy->n_sent, 1);
  assert_true(wire_deadline(b.w) == UINT64_MAX);
  bed_close(&b);
}

static void test_fault_delays_each_frame_and_keeps_their_order(void **state)
{
  (void)state;
  struct bed b;
  bed_open(&b, "delay=500");
  b.toy->waiting = 2;
  assert_int_equal(recv_number(&b), -1);
  send_number(&b, 1);
  b.now_us += 100;
  send_number(&b, 2);
  b.toy->waiting = 1;
  assert_int_equal(recv_number(&b), -1);
  assert_int_equal(wire_deadline(b.w), 1500);
  b.now_us = 1500;
  assert_int_equal(recv_number(&b), 0);
  assert_int_equal(recv_number(&b), 1);
  assert_int_equal(recv_number(&b), -1);
  assert_int_equal(b.toy->n_sent, 1);
  assert_int_equal(wire_deadline(b.w), 1600);
  b.now_us = 1600;
  assert_int_equal(recv_number(&b), 2);
  assert_int_equal(b.toy->n_sent, 2);
  assert_int_equal(sent_number(&b, 0), 1);
  assert_int_equal(sent_number(&b, 1), 2);
  assert_int_equal(rx(&b)->delayed, 3);
  bed_close(&b);
}

static void run_all_faults(const char *spec, struct bed *b)
{
  bed_open(b, spec);
  for (uint32_t i = 0; i < 2000; i++) {
    send_number(b, i);
    b->now_us += 37;
    recv_number(b);
  }
}

static void test_fault_does_the_same_when_the_seed_is_the_same(void **state)
{
  (void)state;
  struct bed a, b, c;
  run_all_faults("loss=0.1,dup=0.1,reorder=0.1,corrupt=0.1,delay=100,seed=11", &a);
  run_all_faults("loss=0.1,dup=0.1,reorder=0.1,corrupt=0.1,delay=100,seed=11", &b);
  run_all_faults("loss=0.1,dup=0.1,reorder=0.1,corrupt=0.1,delay=100,seed=12", &c);
  assert_int_equal(a.toy->n_sent, b.toy->n_sent);
  assert_memory_equal(a.toy->sent, b.toy->sent, sizeof a.toy->sent);
  fflush(a.log);
  fflush(b.log);
  assert_string_equal(a.text, b.text);
  assert_memory_not_equal(a.toy->sent, c.toy->sent, sizeof a.toy->sent);
  bed_close(&a);
  bed_close(&b);
  bed_close(&c);
}

// What is lost does not depend on what else is asked for.
static void test_fault_loses_the_same_frames_when_other_faults_are_added(void **state)
{
  (void)state;
  struct bed a, b;
  bed_open(&a, "tx:loss=0.05,seed=4");
  bed_open(&b, "tx:loss=0.05,dup=0.3,corrupt=0.2,delay=10,seed=4");
  for (uint32_t i = 0; i < 1000; i++) {
    send_number(&a, i);
    send_number(&b, i);
    assert_int_equal(tx(&a)->lost, tx(&b)->lost);
  }
  assert_true(tx(&a)->lost > 0);
  bed_close(&a);
  bed_close(&b);
}

static void test_fault_drops_and_counts_when_too_much_is_held(void **state)
{
  (void)state;
  struct bed b;
  bed_open(&b, "tx:delay=1000");
  for (uint32_t i = 0; i < 4100; i++) send_number(&b, i);
  assert_int_equal(tx(&b)->overflow, 4);
  assert_int_equal(count_text(&b, "fault=overflow"), 4);
  b.now_us += 1000;
  recv_number(&b);
  assert_int_equal(b.toy->n_sent, 4096);
  send_number(&b, 1);
  assert_int_equal(tx(&b)->overflow, 4);   // there is room again
  bed_close(&b);
}

static void test_fault_reports_the_inner_wires_death_and_refusals(void **state)
{
  (void)state;
  struct bed b;
  uint8_t f[LEN], buf[WIRE_FRAME_MAX];
  bed_open(&b, "corrupt=0.5");
  b.toy->refuse = true;
  make_frame(f, 1, 0x0800);
  assert_false(wire_send(b.w, f, LEN));
  assert_int_equal(b.w->tx_drops, 1);
  b.toy->w.dead = true;
  strcpy(b.toy->w.err, "gone");
  assert_int_equal(wire_recv(b.w, buf, sizeof buf), -1);
  assert_true(b.w->dead);
  assert_string_equal(b.w->err, "gone");
  int before = toys_closed;
  bed_close(&b);
  assert_int_equal(toys_closed, before + 1);
}

static void test_fault_parse_sets_one_direction_or_both(void **state)
{
  (void)state;
  char err[WIRE_ERR_LEN];
  struct wire_fault_opts o = {0};
  assert_true(wire_fault_parse(&o, "loss=0.01,dup=.5,reorder=1,corrupt=1e-3,delay=60000000,seed=18446744073709551615", err));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(o.dir[i].loss_ppb, 10000000);
    assert_int_equal(o.dir[i].dup_ppb, 500000000);
    assert_int_equal(o.dir[i].reorder_ppb, 1000000000);
    assert_int_equal(o.dir[i].corrupt_ppb, 1000000);
    assert_int_equal(o.dir[i].delay_us, 60000000);
    assert_true(o.dir[i].seed == UINT64_MAX && o.dir[i].have_seed);
  }
  assert_true(wire_fault_parse(&o, "tx:loss=0", err));
  assert_true(wire_fault_parse(&o, "rx:delay=7", err));
  assert_int_equal(o.dir[0].loss_ppb, 10000000);
  assert_int_equal(o.dir[1].loss_ppb, 0);
  assert_int_equal(o.dir[0].delay_us, 7);
  assert_int_equal(o.dir[1].delay_us, 60000000);
}

static void test_fault_parse_refuses_what_it_does_not_know(void **state)
{
  (void)state;
  static const char *const bad[] = {"", "rx:", "up:loss=1", "loss", "loss=", "loss=x", "loss=1.1", "loss=-0.1", "loss=nan",
                                    "loss=0x1", "loss= 1", "delay=1.5", "delay=60000001", "delay=-1", "seed=", "colour=1",
                                    "loss=0.1;dup=0.1", "loss=0.5,up"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char err[WIRE_ERR_LEN] = "";
    struct wire_fault_opts o = {0};
    if (wire_fault_parse(&o, bad[i], err)) fail_msg("taken: %s", bad[i]);
    assert_true(err[0] && !strchr(err, '\n'));
  }
}

static void test_fault_parse_refuses_what_is_too_long(void **state)
{
  (void)state;
  char err[WIRE_ERR_LEN], spec[210] = "seed=";
  struct wire_fault_opts o = {0};
  memset(spec + 5, '0', 193);
  spec[198] = '7';
  assert_true(wire_fault_parse(&o, spec, err));      // 199 characters
  assert_int_equal(o.dir[0].seed, 7);
  memcpy(spec + 198, "07", 2);
  assert_false(wire_fault_parse(&o, spec, err));     // not as seed=0
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fault_passes_everything_when_nothing_is_asked_of_a_direction),
    cmocka_unit_test(test_fault_loses_the_share_asked_for_and_keeps_the_order_of_the_rest),
    cmocka_unit_test(test_fault_doubles_a_frame_right_behind_it),
    cmocka_unit_test(test_fault_flips_exactly_one_bit_behind_the_addresses),
    cmocka_unit_test(test_fault_lets_one_to_four_frames_pass_a_reordered_one),
    cmocka_unit_test(test_fault_releases_a_reordered_frame_when_nothing_comes_to_pass_it),
    cmocka_unit_test(test_fault_delays_each_frame_and_keeps_their_order),
    cmocka_unit_test(test_fault_does_the_same_when_the_seed_is_the_same),
    cmocka_unit_test(test_fault_loses_the_same_frames_when_other_faults_are_added),
    cmocka_unit_test(test_fault_drops_and_counts_when_too_much_is_held),
    cmocka_unit_test(test_fault_reports_the_inner_wires_death_and_refusals),
    cmocka_unit_test(test_fault_parse_sets_one_direction_or_both),
    cmocka_unit_test(test_fault_parse_refuses_what_it_does_not_know),
    cmocka_unit_test(test_fault_parse_refuses_what_is_too_long),
  };
  return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
