// SPDX-License-Identifier: Apache-2.0
// snd with everything built in: fast recovery with SACK (RFC 6675) and without (RFC 6582), limited transmit (RFC 3042), slow
// start and avoidance (RFC 5681), RTT and RTO (RFC 6298, 7323), Nagle and silly windows (RFC 9293), the user timeout.
// Numbers are offsets from the first byte sent; every test runs at several ISNs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "tcp/core/core.h"

enum { MSS = 1000, IW = 10 * MSS, WND = 200000, MS = 1000, S = 1000000 };

static const uint32_t isns[] = {1000, 0x80000000u - 4500, 0u - 4500, 0xffffffffu};

struct bed {
  struct core_caps caps;
  struct seq base;
  struct snd_ctx c;
  struct snd_view v;
  uint64_t now_us;
};

static struct bed bed_of(void **state)
{
  const uint32_t *isn = *state;
  struct host_cmd o = {.kind = CMD_OPEN, .snd_nxt = seq_of(*isn), .snd_wnd = WND, .mss = MSS, .rcv_mss = 1400,
                       .nagle_off = true};
  struct bed b = {.caps = core_caps_full(8192), .base = o.snd_nxt, .v = {.tail = o.snd_nxt}, .now_us = 5 * S};
  snd_open(&b.caps, &b.c, &o);
  return b;
}

static struct bed sack_bed_of(void **state)
{
  struct bed b = bed_of(state);
  b.c.sack_ok = true;
  return b;
}

static void enqueue(struct bed *b, uint32_t len) { b->v.tail = seq_add(b->v.tail, len); }

static void close_behind(struct bed *b)
{
  b->v.fin = true;
  b->v.tail = seq_add(b->v.tail, 1);
}

static int32_t off(const struct bed *b, struct seq s) { return seq_diff(s, b->base); }

// One dd_next that must send [at, at + len).
static void sends(struct bed *b, int32_t at, uint32_t len)
{
  bool again = at < off(b, b->c.max);
  struct snd_actions a = snd_next(&b->caps, &b->c, &b->v, b->now_us);
  if (!a.emit || a.desc.kind != TX_DATA) fail_msg("nothing sent, not %d", at);
  if (off(b, a.desc.seq) != at || a.desc.len != len || a.desc.fin)
    fail_msg("%d bytes at %d, fin %d; not %u at %d", a.desc.len, off(b, a.desc.seq), a.desc.fin, len, at);
  assert_int_equal(a.rexmit, again);
  assert_true(b->c.rto_vld);
}

static void sends_no_data(struct bed *b)
{
  struct snd_actions a = snd_next(&b->caps, &b->c, &b->v, b->now_us);
  if (a.emit && a.desc.kind == TX_DATA) fail_msg("%d bytes at %d, fin %d", a.desc.len, off(b, a.desc.seq), a.desc.fin);
}

// Enqueues and sends n full segments, cwnd being what they take.
static void fly(struct bed *b, uint32_t n)
{
  int32_t at = off(b, b->c.nxt);
  b->c.cwnd = (uint32_t)(at - off(b, b->c.una)) + n * MSS;
  enqueue(b, n * MSS);
  for (uint32_t i = 0; i < n; i++, at += MSS) sends(b, at, MSS);
  sends_no_data(b);
}

static void ack_event(struct bed *b, int32_t at, struct dd_in ev)
{
  ev.kind = DD_ACK;
  ev.ack = seq_add(b->base, (uint32_t)at);
  ev.no_data = true;
  assert_true(snd_ack(&b->caps, &b->c, &ev, b->now_us).wake);
}

static void ack(struct bed *b, int32_t at) { ack_event(b, at, (struct dd_in){0}); }
static void ack_wnd(struct bed *b, int32_t at, uint32_t wnd) { ack_event(b, at, (struct dd_in){.wnd_vld = true, .wnd = wnd}); }

static void dups(struct bed *b, int n)
{
  for (int i = 0; i < n; i++) ack(b, off(b, b->c.una));
}

static void block(struct bed *b, int32_t from, int32_t to)
{
  snd_sack(&b->caps, &b->c, (struct core_block){seq_add(b->base, (uint32_t)from), seq_add(b->base, (uint32_t)to)});
}

// An ACK with one block.
static void sack(struct bed *b, int32_t at, int32_t from, int32_t to)
{
  block(b, from, to);
  ack(b, at);
}

static void fire(struct bed *b)
{
  b->now_us = b->c.rto_at_us;
  assert_true(snd_timeout(&b->caps, &b->c, b->now_us).wake);
}

static void assert_cwnd(const struct bed *b, uint32_t cwnd, uint32_t ssthresh)
{
  if (b->c.cwnd != cwnd || b->c.ssthresh != ssthresh)
    fail_msg("cwnd %u ssthresh %u, not %u %u", b->c.cwnd, b->c.ssthresh, cwnd, ssthresh);
}

// --- the congestion window (RFC 5681, 6928) -----------------------------------------------------------------------------

static void test_snd_starts_with_the_initial_window_of_rfc_6928(void **state)
{
  static const struct { uint16_t mss; uint32_t iw; } rows[] = {
    {536, 5360}, {1000, 10000}, {1460, 14600}, {2000, 14600}, {7300, 14600}, {7301, 14602}, {9000, 18000},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b = bed_of(state);
    struct host_cmd o = {.snd_nxt = b.base, .snd_wnd = WND, .mss = rows[i].mss};
    snd_open(&b.caps, &b.c, &o);
    assert_int_equal(b.c.cwnd, rows[i].iw);
    assert_true(b.c.ssthresh >= WND);
    assert_int_equal(b.c.rto_us, 1 * S);
  }
}

static void test_snd_slow_start_grows_by_what_is_acked_at_most_a_segment(void **state)
{
  struct bed b = bed_of(state);
  uint32_t high = b.c.ssthresh;
  fly(&b, 10);
  ack(&b, 1000);
  assert_cwnd(&b, 11000, high);
  ack(&b, 3000);                      // a delayed ACK
  assert_cwnd(&b, 12000, high);
  ack(&b, 3300);
  assert_cwnd(&b, 12300, high);
  ack(&b, 3300);                      // a duplicate
  assert_cwnd(&b, 12300, high);
}

static void test_snd_does_not_grow_when_the_window_is_not_used(void **state)
{
  struct bed b = bed_of(state);
  enqueue(&b, 4999);
  for (int i = 0; i < 5; i++) snd_next(&b.caps, &b.c, &b.v, b.now_us);
  ack(&b, 1000);
  assert_int_equal(b.c.cwnd, IW);
  struct bed d = bed_of(state);
  enqueue(&d, 5000);
  for (int i = 0; i < 5; i++) snd_next(&d.caps, &d.c, &d.v, d.now_us);
  ack(&d, 1000);
  assert_int_equal(d.c.cwnd, IW + MSS);
}

static void test_snd_avoidance_grows_by_a_segment_per_window(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  b.c.ssthresh = 10000;
  for (int i = 1; i <= 9; i++) {
    ack(&b, i * 1000);
    assert_cwnd(&b, 10000, 10000);
    enqueue(&b, MSS);
    sends(&b, 9000 + i * 1000, MSS);
  }
  ack(&b, 10000);
  assert_cwnd(&b, 11000, 10000);
  enqueue(&b, 2 * MSS);
  sends(&b, 19000, MSS);
  sends(&b, 20000, MSS);
  ack(&b, 20999);                     // 10999 of 11000
  assert_cwnd(&b, 11000, 10000);
  fly(&b, 11);
  b.c.cwnd = 11000;
  ack(&b, 21000);
  assert_cwnd(&b, 12000, 10000);
}

static void test_snd_slow_start_ends_at_ssthresh(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  b.c.ssthresh = 10001;
  ack(&b, 1000);
  assert_cwnd(&b, 11000, 10001);
  ack(&b, 2000);
  assert_cwnd(&b, 11000, 10001);
}

static void test_snd_timeout_collapses_to_one_segment_and_half_the_flight(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  ack(&b, 1000);
  fire(&b);
  assert_cwnd(&b, 1000, 4500);
  assert_true(!b.c.dup_acks && !b.c.recovery);
  sends(&b, 1000, MSS);
  sends_no_data(&b);
  fire(&b);                           // the same segment again: RFC 5681 section 3.1 holds ssthresh
  assert_cwnd(&b, 1000, 4500);
  sends(&b, 1000, MSS);
  ack(&b, 2000);                      // slow start: 2, 3 ...
  assert_cwnd(&b, 2000, 4500);
  sends(&b, 2000, MSS);
  sends(&b, 3000, MSS);
  sends_no_data(&b);
}

// What avoidance had counted belongs to the window that was.
static void test_snd_forgets_what_avoidance_has_counted_when_the_window_shrinks(void **state)
{
  enum { TIMEOUT, LOSS, IDLE, WAYS };
  for (int way = 0; way < WAYS; way++) {
    struct bed b = bed_of(state);
    fly(&b, 14);
    b.c.ssthresh = 14000;
    ack(&b, 13000);
    assert_int_equal(b.c.cc_a, 13000);
    if (way == TIMEOUT) fire(&b);
    if (way == LOSS) dups(&b, 3);
    if (way == IDLE) {
      ack(&b, 14000);
      b.now_us += 10 * S;
      enqueue(&b, MSS);
      sends(&b, 14000, MSS);
    }
    assert_int_equal(b.c.cc_a, 0);
  }
}

static void test_snd_ssthresh_is_two_segments_at_least(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 3);
  fire(&b);
  assert_cwnd(&b, 1000, 2000);
}

static void test_snd_restarts_from_the_initial_window_when_idle_for_an_rto(void **state)
{
  for (int late = 0; late < 2; late++) {
    struct bed b = bed_of(state);
    fly(&b, 20);
    ack(&b, 20000);
    uint32_t cwnd = b.c.cwnd, thresh = b.c.ssthresh;
    assert_true(cwnd > IW);
    b.now_us += b.c.rto_us + (unsigned)late;
    enqueue(&b, 30000);
    sends(&b, 20000, MSS);
    assert_cwnd(&b, late ? IW : cwnd, thresh);
    b.now_us += 10 * S;               // not idle: data are out
    sends(&b, 21000, MSS);
    assert_cwnd(&b, late ? IW : cwnd, thresh);
  }
}

static void test_snd_restart_never_enlarges_the_window(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 3);
  ack(&b, 3000);
  b.c.cwnd = 3000;
  b.now_us += 10 * S;
  enqueue(&b, 1000);
  sends(&b, 3000, MSS);
  assert_int_equal(b.c.cwnd, 3000);
}

// --- limited transmit (RFC 3042) ------------------------------------------------------------------------------------------

static void test_snd_limited_transmit_sends_one_new_segment_per_duplicate_ack(void **state)
{
  for (int with_sack = 0; with_sack < 2; with_sack++) {
    struct bed b = with_sack ? sack_bed_of(state) : bed_of(state);
    fly(&b, 6);
    enqueue(&b, 10000);
    for (int i = 0; i < 2; i++) {
      if (with_sack) sack(&b, 0, 1000 + 2000 * i, 2000 + 2000 * i);
      else dups(&b, 1);
      sends(&b, 6000 + 1000 * i, MSS);
      sends_no_data(&b);
      assert_int_equal(b.c.cwnd, 6000);
    }
    if (with_sack) sack(&b, 0, 5000, 6000);
    else dups(&b, 1);
    assert_true(b.c.recovery);
    assert_int_equal(b.c.ssthresh, 3000);   // half of 6, not of 8 (RFC 5681 section 3.2 step 2)
    sends(&b, 0, MSS);
  }
}

static void test_snd_limited_transmit_keeps_to_the_peers_window(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 6);
  enqueue(&b, 10000);
  b.c.wnd = 7000;
  dups(&b, 2);
  sends(&b, 6000, MSS);
  sends_no_data(&b);
}

static void test_snd_limited_transmit_is_for_new_data_alone(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 6);
  fire(&b);
  sends(&b, 0, MSS);
  dups(&b, 2);
  sends_no_data(&b);
}

static void test_snd_limited_transmit_ends_when_recovery_is_not_allowed(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 4);
  fire(&b);
  sends(&b, 0, MSS);
  ack(&b, 4000);
  b.c.cwnd = 4000;
  fly(&b, 4);
  enqueue(&b, 10000);
  dups(&b, 3);                        // right at recover: no entry, and no more than two segments beyond
  assert_true(!b.c.recovery);
  sends_no_data(&b);
}

// --- recovery without SACK (RFC 6582) ----------------------------------------------------------------------------------------

static void test_snd_newreno_retransmits_at_the_third_duplicate(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  dups(&b, 2);
  sends_no_data(&b);
  assert_true(!b.c.recovery);
  dups(&b, 1);
  assert_true(b.c.recovery);
  assert_cwnd(&b, 5000 + 3000, 5000);
  sends(&b, 0, MSS);
  sends_no_data(&b);
  enqueue(&b, 20000);
  dups(&b, 2);                        // 10000
  assert_cwnd(&b, 10000, 5000);
  sends_no_data(&b);
  dups(&b, 1);
  sends(&b, 10000, MSS);
  sends_no_data(&b);
}

static void test_snd_newreno_partial_ack_shows_the_next_hole(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  dups(&b, 3);
  sends(&b, 0, MSS);
  dups(&b, 4);
  assert_cwnd(&b, 12000, 5000);
  b.now_us += 50 * MS;
  ack(&b, 3000);                      // less 3000, plus one segment
  assert_true(b.c.recovery);
  assert_cwnd(&b, 10000, 5000);
  assert_true(b.c.rto_at_us == b.now_us + b.c.rto_us);
  sends(&b, 3000, MSS);
  sends_no_data(&b);
  ack(&b, 3400);                      // less than a segment: nothing is added
  assert_cwnd(&b, 9600, 5000);
  sends(&b, 3400, MSS);
  ack(&b, 4400);
  assert_cwnd(&b, 9600, 5000);
}

static void test_snd_newreno_window_stays_one_segment_at_least(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 20);
  dups(&b, 3);
  sends(&b, 0, MSS);
  ack(&b, 19000);
  assert_cwnd(&b, 1000, 10000);
  sends(&b, 19000, MSS);
  ack(&b, 19400);
  assert_cwnd(&b, 1000, 10000);
}

static void test_snd_newreno_full_ack_ends_recovery(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  dups(&b, 3);
  sends(&b, 0, MSS);
  ack(&b, 9999);
  assert_true(b.c.recovery);
  sends(&b, 9999, 1);
  ack(&b, 10000);
  assert_true(!b.c.recovery && !b.c.dup_acks && !b.c.rxt_first);
  assert_cwnd(&b, 2000, 5000);        // min(ssthresh, max(0, SMSS) + SMSS)
  struct bed d = bed_of(state);
  fly(&d, 10);
  dups(&d, 3);
  sends(&d, 0, MSS);
  enqueue(&d, 20000);
  dups(&d, 8);
  for (int i = 0; i < 6; i++) sends(&d, 10000 + i * 1000, MSS);
  ack(&d, 10000);
  assert_cwnd(&d, 5000, 5000);
}

// What duplicates right at `recover` mean is unknown (section 4): no second reduction.
static void test_snd_newreno_does_not_begin_again_at_recover(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  dups(&b, 3);
  sends(&b, 0, MSS);
  ack(&b, 10000);
  fly(&b, 6);
  dups(&b, 5);
  assert_true(!b.c.recovery);
  ack(&b, 11000);
  dups(&b, 3);
  assert_true(b.c.recovery);
}

static void test_snd_newreno_does_not_begin_until_past_what_a_timeout_sends_again(void **state)
{
  static const struct { int32_t una; bool enters; } rows[] = {{1000, false}, {5000, false}, {5001, true}};
  for (size_t i = 0; i < 3; i++) {
    struct bed b = bed_of(state);
    fly(&b, 5);
    fire(&b);
    sends(&b, 0, MSS);
    ack(&b, rows[i].una < 5000 ? rows[i].una : 5000);
    b.c.cwnd = 30000;
    while (off(&b, b.c.nxt) < 5000) sends(&b, off(&b, b.c.nxt), MSS);
    fly(&b, 6);
    if (rows[i].una > 5000) ack(&b, rows[i].una);
    dups(&b, 4);
    assert_int_equal(b.c.recovery, rows[i].enters);
  }
}

// So that it never lies 2^31 behind una and seems to be ahead.
static void test_snd_draws_the_recovery_point_along_with_una(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  ack(&b, 1000);
  assert_int_equal(off(&b, b.c.recover), 999);
  dups(&b, 3);
  sends(&b, 1000, MSS);
  ack(&b, 5000);
  assert_int_equal(off(&b, b.c.recover), 10000);   // not in a recovery
  ack(&b, 10000);
  assert_int_equal(off(&b, b.c.recover), 10000);
}

static void test_snd_counts_only_true_duplicates(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 6);
  struct dd_in data = {.kind = DD_ACK, .ack = b.c.una};
  for (int i = 0; i < 4; i++) snd_ack(&b.caps, &b.c, &data, b.now_us);
  for (uint32_t i = 0; i < 4; i++) ack_wnd(&b, 0, WND + i + 1);   // window updates
  ack(&b, -1);
  ack(&b, 7000);                                                  // never sent
  assert_true(!b.c.recovery && !b.c.dup_acks);
  for (int i = 0; i < 3; i++) ack_wnd(&b, 0, WND + 4);            // the window as it was
  assert_true(b.c.recovery);
  struct bed d = bed_of(state);
  fly(&d, 1);
  ack(&d, 1000);
  dups(&d, 5);                                                    // nothing is out
  assert_true(!d.c.recovery && !d.c.dup_acks);
}

static void test_snd_forgets_duplicates_when_the_ack_advances(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  dups(&b, 2);
  ack(&b, 1000);
  dups(&b, 2);
  assert_true(!b.c.recovery);
  dups(&b, 1);
  assert_true(b.c.recovery);
}

static void test_snd_counts_duplicates_without_overflow(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 4);
  fire(&b);
  sends(&b, 0, MSS);
  dups(&b, 40);
  assert_int_equal(b.c.dup_acks, 15);
  assert_true(!b.c.recovery);
}

static void test_snd_recovery_sends_fin_again_when_it_is_the_hole(void **state)
{
  struct bed b = bed_of(state);
  enqueue(&b, 5500);
  close_behind(&b);
  for (int i = 0; i < 5; i++) sends(&b, i * 1000, MSS);
  struct snd_actions a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.desc.fin && a.desc.len == 500);
  dups(&b, 3);
  sends(&b, 0, MSS);
  ack(&b, 5500);
  a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.emit && a.rexmit && a.desc.fin && !a.desc.len && off(&b, a.desc.seq) == 5500);
  ack(&b, 5501);
  assert_true(!b.c.recovery && !b.c.rto_vld);
}

static void test_snd_recovery_leaves_out_a_fin_that_was_never_sent(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 4);
  dups(&b, 3);
  sends(&b, 0, MSS);
  ack(&b, 3000);
  close_behind(&b);
  sends(&b, 3000, MSS);                          // no FIN with it: it is new, and bound by the windows
  assert_int_equal(off(&b, b.c.max), 4000);
}

static void test_snd_takes_no_refusal_of_a_probe_for_a_duplicate(void **state)
{
  struct bed b = bed_of(state);
  ack_wnd(&b, 0, 0);
  enqueue(&b, 4 * MSS);
  sends_no_data(&b);
  fire(&b);
  sends(&b, 0, 1);
  for (int i = 0; i < 4; i++) ack_wnd(&b, 0, 0);
  dups(&b, 4);
  assert_true(!b.c.recovery && !b.c.dup_acks);
  ack_wnd(&b, 0, WND);                           // a window update
  assert_int_equal(b.c.dup_acks, 0);
  ack_wnd(&b, 0, WND);
  assert_int_equal(b.c.dup_acks, 1);
}

// A probe leaves nxt behind max. Should a recovery begin before the window that has opened is used, what is sent from nxt on
// is no repair, and moves nxt and max.
static void test_snd_recovery_goes_on_from_a_probe_when_the_window_opens(void **state)
{
  struct bed b = bed_of(state);
  ack_wnd(&b, 0, 0);
  enqueue(&b, 4 * MSS);
  sends_no_data(&b);
  fire(&b);
  sends(&b, 0, 1);
  ack_wnd(&b, 0, 3 * MSS);
  dups(&b, 3);
  assert_true(b.c.recovery);
  sends(&b, 0, 1);
  for (int32_t i = 0; i < 3; i++) {
    sends(&b, i * MSS, MSS);
    assert_int_equal(off(&b, b.c.nxt), (i + 1) * MSS);
    assert_int_equal(off(&b, b.c.max), (i + 1) * MSS);
  }
  sends_no_data(&b);
}

static void test_snd_does_nothing_of_recovery_when_not_built_in(void **state)
{
  struct bed b = bed_of(state);
  b.caps.recovery = false;
  b.caps.congestion = CORE_CC_NONE;
  fly(&b, 6);
  dups(&b, 8);
  assert_true(!b.c.recovery && !b.c.dup_acks);
  b.caps.recovery = true;
  dups(&b, 3);
  assert_true(b.c.recovery);
  assert_int_equal(b.c.cwnd, 6000);              // no congestion window to change
  sends(&b, 0, MSS);
  ack(&b, 2000);
  sends(&b, 2000, MSS);
  ack(&b, 6000);
  assert_int_equal(b.c.cwnd, 6000);
}

// --- recovery with SACK (RFC 6675) --------------------------------------------------------------------------------------------

static void test_snd_sack_enters_at_three_duplicates(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 1100);
  sack(&b, 0, 1100, 1200);
  assert_true(!b.c.recovery);
  sack(&b, 0, 1200, 1300);
  assert_true(b.c.recovery);
  assert_cwnd(&b, 5000, 5000);
  sends(&b, 0, MSS);
  sack(&b, 0, 1300, 1400);
  assert_cwnd(&b, 5000, 5000);        // pipe shrinks, the window does not grow
}

static void test_snd_sack_enters_at_once_when_the_first_byte_is_lost(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 3000);                       // (DupThresh - 1) * SMSS: not more
  assert_true(!b.c.recovery);
  sack(&b, 0, 1000, 3001);
  assert_true(b.c.recovery);
  struct bed d = sack_bed_of(state);
  fly(&d, 10);
  block(&d, 1000, 1001);
  block(&d, 3000, 3001);
  ack(&d, 0);
  assert_true(!d.c.recovery);
  struct bed e = sack_bed_of(state);
  fly(&e, 10);
  block(&e, 5000, 5001);
  block(&e, 1000, 1001);
  block(&e, 3000, 3001);                         // three separate ranges
  ack(&e, 0);
  assert_true(e.c.recovery);
  struct bed f = sack_bed_of(state);
  fly(&f, 10);
  block(&f, 5000, 6000);
  block(&f, 1000, 2001);                         // together more than that
  ack(&f, 0);
  assert_true(f.c.recovery);
}

static void test_snd_sack_counts_only_news(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  dups(&b, 5);                                   // without a block: no duplicate
  assert_true(!b.c.recovery && !b.c.dup_acks);
  for (int i = 0; i < 5; i++) sack(&b, 0, 1000, 1500);
  assert_int_equal(b.c.dup_acks, 1);
  struct dd_in data = {.kind = DD_ACK, .ack = b.c.una, .wnd_vld = true, .wnd = WND + 5};
  block(&b, 1500, 1600);                         // on data and with a new window, too
  snd_ack(&b.caps, &b.c, &data, b.now_us);
  assert_int_equal(b.c.dup_acks, 2);
}

static void test_snd_sack_ignores_blocks_that_cannot_be(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 5);
  ack(&b, 1000);
  block(&b, 0, 500);                             // a D-SACK
  block(&b, 500, 1500);
  block(&b, 3000, 5001);                         // never sent
  block(&b, 3000, 3000);
  block(&b, 4000, 3000);
  block(&b, 0x60000000, (int32_t)0xd0000000);    // each of its ends fits by itself, modulo 2^32
  assert_true(!b.c.sack_n && !b.c.sack_new);
  block(&b, 1000, 2000);                         // una itself: the peer may say so
  block(&b, 4000, 5000);
  assert_true(b.c.sack_n == 2 && b.c.sack_new);
  b.c.sack_n = 0;
  b.c.sack_ok = false;
  block(&b, 2000, 3000);
  b.c.sack_ok = true;
  b.caps.sack = false;
  block(&b, 2000, 3000);
  b.caps.sack = true;
  b.c.open = false;
  block(&b, 2000, 3000);
  assert_int_equal(b.c.sack_n, 0);
}

static void test_snd_sack_keeps_the_lowest_four(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 12);
  for (int i = 5; i > 0; i--) block(&b, 2000 * i, 2000 * i + 500);
  assert_int_equal(b.c.sack_n, 4);
  assert_int_equal(off(&b, b.c.sack0_start), 2000);
  assert_int_equal(off(&b, b.c.sack3_start), 8000);
  assert_int_equal(off(&b, b.c.sack3_end), 8500);
  ack(&b, 2200);
  assert_int_equal(off(&b, b.c.sack0_start), 2200);
  ack(&b, 6500);
  assert_int_equal(b.c.sack_n, 1);
}

// SetPipe, step by step.
static void test_snd_sack_pipe_counts_what_is_neither_sacked_nor_lost_and_what_went_again(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  assert_int_equal(snd_pipe(&b.caps, &b.c), 10000);
  sack(&b, 0, 2000, 3000);
  assert_int_equal(snd_pipe(&b.caps, &b.c), 9000);
  sack(&b, 0, 4000, 6500);
  assert_true(b.c.recovery);
  // Lost: below 4000, for 2500 bytes lie above. In the pipe: 6500..10000.
  assert_int_equal(snd_pipe(&b.caps, &b.c), 3500);
  sends(&b, 0, MSS);
  assert_int_equal(snd_pipe(&b.caps, &b.c), 4500);
  sends_no_data(&b);                             // cwnd 5000: less than a segment free
  sack(&b, 0, 6500, 7000);
  assert_int_equal(snd_pipe(&b.caps, &b.c), 4000);
  sends(&b, 1000, MSS);
  assert_int_equal(snd_pipe(&b.caps, &b.c), 5000);
  ack(&b, 1000);                                 // partial: HighRxt stays
  assert_int_equal(snd_pipe(&b.caps, &b.c), 4000);
  sends(&b, 3000, MSS);
  assert_int_equal(snd_pipe(&b.caps, &b.c), 5000);
  assert_true(b.c.recovery);
}

static struct bed four_holes(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 20);
  block(&b, 1000, 2000);
  block(&b, 3000, 4000);
  block(&b, 5000, 6000);
  block(&b, 8000, 9000);
  ack(&b, 0);
  assert_true(b.c.recovery);                     // lost: below 3000
  assert_cwnd(&b, 10000, 10000);
  b.c.cwnd = 100000;
  return b;
}

static void test_snd_sack_next_seg_takes_lost_holes_then_new_data_then_other_holes(void **state)
{
  struct bed b = four_holes(state);
  enqueue(&b, 1500);
  sends(&b, 0, MSS);
  sends(&b, 2000, MSS);                          // rule 1
  sends(&b, 20000, MSS);                         // rule 2
  sends(&b, 21000, 500);
  sends(&b, 4000, MSS);                          // rule 3
  sends(&b, 6000, MSS);
  sends(&b, 7000, MSS);
  sends_no_data(&b);                             // above the highest block nothing is known to be missing
  sack(&b, 0, 9000, 12000);                      // news makes 4000..5000 and 6000..8000 lost: sent already
  sends_no_data(&b);
}

// A hole at una that is not known to be lost comes after new data, also when a partial ACK has uncovered it.
static void test_snd_sack_next_seg_prefers_new_data_to_a_hole_at_una_that_is_not_lost(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 20);
  sack(&b, 0, 1000, 5000);
  b.c.cwnd = 100000;
  sends(&b, 0, MSS);
  sack(&b, 5000, 6000, 7000);
  assert_true(b.c.recovery);
  enqueue(&b, 1000);
  sends(&b, 20000, MSS);
  sends(&b, 5000, MSS);
  sends(&b, 20000, MSS);                         // the rescue
  sends_no_data(&b);
}

static void test_snd_sack_new_data_in_recovery_keeps_to_the_peers_window(void **state)
{
  struct bed b = four_holes(state);
  enqueue(&b, 5000);
  b.c.wnd = 21000;
  sends(&b, 0, MSS);
  sends(&b, 2000, MSS);
  sends(&b, 20000, MSS);
  sends(&b, 4000, MSS);
}

static void test_snd_sack_cuts_what_it_sends_again_at_the_block(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  block(&b, 1500, 1600);
  block(&b, 1700, 1800);
  block(&b, 3000, 3100);
  ack(&b, 0);
  b.c.cwnd = 100000;
  sends(&b, 0, MSS);
  sends(&b, 1000, 500);
  sends(&b, 1600, 100);
  sends(&b, 1800, MSS);
  sends(&b, 2800, 200);
  sends_no_data(&b);
}

static void test_snd_sack_starts_no_lower_than_una_when_it_passes_what_went_again(void **state)
{
  struct bed b = four_holes(state);
  sends(&b, 0, MSS);
  ack(&b, 7000);
  assert_true(b.c.recovery);
  sends(&b, 7000, MSS);
  sends(&b, 19000, MSS);                         // the rescue
  sends_no_data(&b);
}

// Rule 4. Nothing but the RTO would find out that the end of the window is lost.
static void test_snd_sack_rescues_the_highest_hole_once_when_an_ack_has_passed_the_first_repair(void **state)
{
  static const struct { int32_t top, max, at; uint32_t len; } rows[] = {
    {9000, 10000, 9000, 1000}, {9400, 10000, 9400, 600}, {8000, 12000, 11000, 1000}, {9999, 10000, 9999, 1}, {10000, 10000, 1001, 999},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b = sack_bed_of(state);
    fly(&b, (uint32_t)rows[i].max / 1000);
    sack(&b, 0, 2000, rows[i].top);
    sends(&b, 0, MSS);
    sends(&b, 1000, MSS);
    sends_no_data(&b);
    ack(&b, 1000);                               // not beyond it
    sends_no_data(&b);
    ack(&b, 1001);
    b.c.cwnd = snd_pipe(&b.caps, &b.c) + MSS - 1;
    sends_no_data(&b);
    b.c.cwnd++;
    sends(&b, rows[i].at, rows[i].len);
    assert_int_equal(off(&b, b.c.high_rxt), 2000);
    b.c.cwnd = 100000;
    sends_no_data(&b);
    ack(&b, 1500);
    sends_no_data(&b);                           // once
    assert_true(b.c.recovery);
  }
}

static void test_snd_sack_rescues_again_in_the_next_recovery_and_not_when_it_is_not_built_in(void **state)
{
  struct bed b = sack_bed_of(state);
  for (int32_t at = 0; at < 20000; at += 10000) {
    fly(&b, 10);
    sack(&b, at, at + 1000, at + 9000);
    b.c.cwnd = 100000;
    sends(&b, at, MSS);
    sends_no_data(&b);
    ack(&b, at + 9000);
    sends(&b, at + 9000, MSS);
    sends_no_data(&b);
    ack(&b, at + 10000);
    assert_true(!b.c.recovery);
  }
  b.caps.rescue = false;
  fly(&b, 10);
  sack(&b, 20000, 21000, 29000);
  sends(&b, 20000, MSS);
  ack(&b, 29000);
  sends_no_data(&b);
}

static void test_snd_sack_rescue_takes_fin_along_and_comes_after_new_data(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 9000);
  sends(&b, 0, MSS);
  ack(&b, 9000);
  enqueue(&b, 100);
  close_behind(&b);
  struct snd_actions a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(!a.rexmit && a.desc.fin && a.desc.len == 100 && off(&b, a.desc.seq) == 10000);
  a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.emit && a.rexmit && a.desc.fin && a.desc.len == 999 && off(&b, a.desc.seq) == 9101);
  sends_no_data(&b);
}

static void test_snd_sack_full_ack_ends_recovery_at_ssthresh(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 9000);
  sends(&b, 0, MSS);
  ack(&b, 9000);
  assert_true(b.c.recovery);
  ack(&b, 10000);
  assert_true(!b.c.recovery && !b.c.sack_n && !b.c.dup_acks);
  assert_cwnd(&b, 5000, 5000);
}

// The next loss may stand right at the recovery point: a block above it is news, not an echo.
static void test_snd_sack_begins_again_right_at_the_recovery_point(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 10000);
  sends(&b, 0, MSS);
  ack(&b, 10000);
  fly(&b, 10);
  sack(&b, 10000, 11000, 15000);
  assert_true(b.c.recovery);
  sends(&b, 10000, MSS);
}

// Where all duplicates before it were lost, the ACK that advances is the only one to tell of the hole (RFC 6675 section 2).
static void test_snd_sack_enters_when_the_ack_that_advances_shows_the_loss(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 1000, 2000, 10000);
  assert_true(b.c.recovery && !b.c.rtt_vld);
  assert_int_equal(off(&b, b.c.recover), 10000);
  assert_cwnd(&b, 4500, 4500);                   // half of what is out now; no growth before
  sends(&b, 1000, MSS);
  ack(&b, 10000);
  assert_true(!b.c.recovery);
}

static void test_snd_sack_counts_news_of_acks_that_advance_or_were_overtaken(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 1000, 2000, 2100);
  assert_true(b.c.dup_acks == 1 && b.c.cwnd == 11000);
  sack(&b, 500, 2100, 2200);                     // overtaken by the one before
  assert_int_equal(b.c.dup_acks, 2);
  sack(&b, 500, 2100, 2200);
  sack(&b, 1000, 2000, 2200);                    // no news
  assert_true(b.c.dup_acks == 2 && !b.c.recovery);
  sack(&b, 500, 2200, 2300);
  assert_true(b.c.recovery && b.c.dup_acks == 3);
  sends(&b, 1000, MSS);
  struct bed d = sack_bed_of(state);
  fly(&d, 10);
  sack(&d, 3000, 1000, 2000);                    // a D-SACK below its own ACK
  assert_int_equal(d.c.dup_acks, 0);
}

static void test_snd_sack_begins_again_with_the_ack_that_ends_recovery(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 10000);
  sends(&b, 0, MSS);
  enqueue(&b, 4000);
  for (int i = 0; i < 4; i++) sends(&b, 10000 + 1000 * i, MSS);
  sack(&b, 10000, 11000, 14000);
  assert_true(b.c.recovery && b.c.rxt_first);
  assert_int_equal(off(&b, b.c.recover), 14000);
  assert_cwnd(&b, 2000, 2000);                   // half of the 4 segments out
  sends(&b, 10000, MSS);
  struct bed d = sack_bed_of(state);             // not by one block of a segment
  fly(&d, 10);
  sack(&d, 0, 1000, 10000);
  sends(&d, 0, MSS);
  enqueue(&d, 4000);
  for (int i = 0; i < 4; i++) sends(&d, 10000 + 1000 * i, MSS);
  sack(&d, 10000, 11000, 12000);
  assert_true(!d.c.recovery && d.c.dup_acks == 1);
  assert_cwnd(&d, 5000, 5000);
}

// RFC 6675 section 5.1.
static void test_snd_sack_timeout_ends_recovery_and_keeps_the_point(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  sack(&b, 0, 1000, 9000);
  sends(&b, 0, MSS);
  fire(&b);
  assert_true(!b.c.recovery && !b.c.sack_n && !b.c.dup_acks && !b.c.rxt_first);
  assert_cwnd(&b, 1000, 5000);
  sends(&b, 0, MSS);
  sack(&b, 0, 5000, 9000);
  assert_true(!b.c.recovery);
  ack(&b, 9999);
  block(&b, 9999, 10000);
  ack(&b, 9999);
  assert_true(!b.c.recovery);
  ack(&b, 10000);
  fly(&b, 10);
  sack(&b, 10000, 11000, 15000);
  assert_true(b.c.recovery);
}

static void test_snd_skips_what_is_sacked_after_a_timeout(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 10);
  fire(&b);
  block(&b, 500, 2000);
  block(&b, 2500, 9000);
  ack(&b, 0);
  b.c.cwnd = 20000;
  sends(&b, 0, 500);
  sends(&b, 2000, 500);
  sends(&b, 9000, MSS);
  enqueue(&b, 500);
  sends(&b, 10000, 500);
  sends_no_data(&b);
}

static void test_snd_skips_to_new_data_when_all_the_rest_is_sacked(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 4);
  fire(&b);
  sack(&b, 0, 1000, 4000);
  b.c.cwnd = 20000;
  enqueue(&b, 300);
  sends(&b, 0, MSS);
  sends(&b, 4000, 300);
}

static void test_snd_sack_sends_fin_again_when_it_is_the_hole(void **state)
{
  struct bed b = sack_bed_of(state);
  enqueue(&b, 4900);
  close_behind(&b);
  b.c.cwnd = 100000;
  for (int i = 0; i < 4; i++) sends(&b, i * 1000, MSS);
  assert_true(snd_next(&b.caps, &b.c, &b.v, b.now_us).desc.fin);
  sack(&b, 0, 1000, 4000);
  sends(&b, 0, MSS);
  ack(&b, 4000);
  fire(&b);
  struct snd_actions a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.rexmit && a.desc.fin && a.desc.len == 900 && a.desc.psh);
  ack(&b, 4900);
  fire(&b);
  a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.rexmit && a.desc.fin && !a.desc.len && !a.desc.psh && off(&b, a.desc.seq) == 4900);
}

// --- RTT and RTO (RFC 6298) ------------------------------------------------------------------------------------------------------

// One segment of a byte, acknowledged after so long.
static void round_trip(struct bed *b, uint32_t us)
{
  int32_t at = off(b, b->c.nxt);
  enqueue(b, 1);
  sends(b, at, 1);
  b->now_us += us;
  ack(b, at + 1);
}

static void test_snd_rto_follows_the_measurements(void **state)
{
  struct bed b = bed_of(state);
  round_trip(&b, 100 * MS);
  assert_int_equal(b.c.rto_us, 300000);      // R + 4 * R/2
  round_trip(&b, 200 * MS);                  // RTTVAR 62.5, SRTT 112.5
  assert_int_equal(b.c.rto_us, 362500);
  round_trip(&b, 50 * MS);                   // RTTVAR 46.875 + 15.625 = 62.5, SRTT 104.6875
  assert_in_range(b.c.rto_us, 354685, 354690);
}

static void test_snd_rto_has_floor_ceiling_and_granularity(void **state)
{
  struct bed b = bed_of(state);
  round_trip(&b, 1 * MS);
  assert_int_equal(b.c.rto_us, 200000);
  round_trip(&b, 0);
  assert_true(b.c.srtt_us > 0);
  struct bed d = bed_of(state);
  round_trip(&d, 30 * S);
  assert_int_equal(d.c.rto_us, 60 * S);
  struct bed e = bed_of(state);
  for (int i = 0; i < 100; i++) round_trip(&e, 500 * MS);
  assert_int_equal(e.c.rto_us, 501 * MS);    // RTTVAR has died away: SRTT + G
  struct bed f = bed_of(state);
  enqueue(&f, 1);
  sends(&f, 0, 1);
  f.now_us += (uint64_t)5000 * S;            // beyond 32 bits of microseconds
  ack(&f, 1);
  assert_int_equal(f.c.rto_us, 60 * S);
  assert_int_equal(f.c.srtt_us >> 3, 60 * S);
  struct bed g = bed_of(state);
  round_trip(&g, 0);
  assert_int_equal(g.c.srtt_us, 1);          // 0 is none
  round_trip(&g, 8 * MS);
  assert_int_equal(g.c.srtt_us, 1 + 8 * MS); // an eighth of it
}

// RFC 6298 section 5.7.
static void test_snd_first_rto_is_3_s_when_the_handshake_had_to_be_repeated(void **state)
{
  struct bed b = bed_of(state);
  struct host_cmd o = {.snd_nxt = b.base, .snd_wnd = WND, .mss = MSS, .syn_again = true};
  snd_open(&b.caps, &b.c, &o);
  enqueue(&b, 1000);
  sends(&b, 0, 1000);
  assert_true(b.c.rto_at_us == b.now_us + 3 * S);
}

static void test_snd_measures_one_segment_at_a_time(void **state)
{
  struct bed b = bed_of(state);
  enqueue(&b, 2000);
  sends(&b, 0, MSS);
  b.now_us += 50 * MS;
  sends(&b, 1000, MSS);
  b.now_us += 50 * MS;
  ack(&b, 999);                              // not all of the measured one
  assert_int_equal(b.c.srtt_us, 0);
  ack(&b, 2000);
  assert_int_equal(b.c.srtt_us >> 3, 100 * MS);
  assert_true(!b.c.rtt_vld);
}

// Karn, and RFC 6298 section 5: no measurement from what was sent again, and a doubled RTO until there is one.
static void test_snd_karn_takes_no_measurement_from_what_was_sent_again(void **state)
{
  struct bed b = bed_of(state);
  round_trip(&b, 100 * MS);
  enqueue(&b, 1000);
  sends(&b, 1, MSS);
  fire(&b);
  sends(&b, 1, MSS);
  assert_int_equal(b.c.rto_us, 600000);
  b.now_us += 400 * MS;
  ack(&b, 1001);
  assert_int_equal(b.c.srtt_us >> 3, 100 * MS);
  assert_int_equal(b.c.rto_us, 600000);
  assert_int_equal(b.c.backoff + b.c.retries, 0);
  round_trip(&b, 100 * MS);                  // RTTVAR 37.5
  assert_int_equal(b.c.rto_us, 250000);
}

static void test_snd_karn_holds_in_recovery(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 6);
  assert_true(b.c.rtt_vld);
  dups(&b, 3);
  assert_true(!b.c.rtt_vld);
  sends(&b, 0, MSS);
  b.now_us += 1 * S;
  ack(&b, 6000);
  assert_int_equal(b.c.srtt_us, 0);
}

static void ack_echo(struct bed *b, int32_t at, uint64_t sent_us)
{
  ack_event(b, at, (struct dd_in){.ts_vld = true, .tsecr = core_tsval(sent_us)});
}

static void test_snd_time_stamps_measure_what_was_sent_again(void **state)
{
  struct bed b = bed_of(state);
  enqueue(&b, 1000);
  sends(&b, 0, MSS);
  fire(&b);
  sends(&b, 0, MSS);
  uint64_t sent = b.now_us;
  b.now_us += 100 * 1024;
  ack_echo(&b, 1000, sent);
  assert_int_equal(b.c.srtt_us >> 3, 100 * 1024);
  assert_int_equal(b.c.rto_us, 300 * 1024);
  ack_echo(&b, 1000, sent);                  // only when it advances (RFC 7323 section 4.1)
  assert_int_equal(b.c.srtt_us >> 3, 100 * 1024);
}

static void test_snd_time_stamps_never_give_more_than_the_ceiling(void **state)
{
  static const uint32_t ago[] = {60u << 10, 1u << 22, (1u << 22) + 1, 0x7fffffff, 0xffffffff};
  for (size_t i = 0; i < sizeof ago / sizeof *ago; i++) {
    struct bed b = bed_of(state);
    enqueue(&b, 1000);
    sends(&b, 0, MSS);
    b.c.rtt_vld = false;
    ack_event(&b, 1000, (struct dd_in){.ts_vld = true, .tsecr = core_tsval(b.now_us) - ago[i]});
    assert_int_equal(b.c.rto_us, 60 * S);
    assert_int_equal(b.c.srtt_us >> 3, 60 * S >> 10 << 10);
  }
}

static void test_snd_backs_off_to_the_ceiling(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 2);
  uint32_t want = 1 * S;
  for (int i = 0; i < 12; i++) {
    assert_int_equal(b.c.rto_us, want);
    assert_true(b.c.rto_at_us == b.now_us + want);
    fire(&b);
    assert_true(!b.c.gave_up);
    sends(&b, 0, MSS);
    want = want * 2 > 60 * S ? 60 * S : want * 2;
  }
  fire(&b);
  assert_true(b.c.gave_up && !b.c.rto_vld);
}

static void test_snd_ack_that_advances_starts_the_timer_anew(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 2);
  b.now_us += 300 * MS;
  ack(&b, 1000);
  assert_true(b.c.rto_vld && b.c.rto_at_us == b.now_us + b.c.rto_us);
  uint64_t at = b.c.rto_at_us;
  b.now_us += 10 * MS;
  ack(&b, 1000);
  assert_true(b.c.rto_at_us == at);
  ack(&b, 2000);
  assert_true(!b.c.rto_vld);
}

// --- closed windows (RFC 9293 section 3.8.6.1) ------------------------------------------------------------------------------------

static void test_snd_probes_forever_while_they_are_answered(void **state)
{
  struct bed b = bed_of(state);
  round_trip(&b, 100 * MS);
  enqueue(&b, 1000);
  ack_wnd(&b, 1, 0);
  sends_no_data(&b);
  for (int i = 0; i < 40; i++) {
    assert_true(b.c.rto_vld);
    fire(&b);
    sends(&b, 1, 1);
    ack_wnd(&b, 1, 0);
    assert_true(!b.c.gave_up && !b.c.retries);
  }
  assert_int_equal(b.c.rto_us, 60 * S);
  b.now_us += 1 * S;
  ack_wnd(&b, 1, 5000);                      // open: the pace of probes is not the RTO
  assert_true(b.c.rto_vld && b.c.rto_us == 300 * MS && b.c.rto_at_us == b.now_us + 300 * MS);
  assert_int_equal(b.c.backoff, 0);
  sends(&b, 1, MSS);
}

// The ACK that opens the window may take the probe, too; or the probe was taken before.
static void test_snd_pace_of_probes_ends_when_the_window_opens_though_a_probe_was_taken(void **state)
{
  for (int before = 0; before < 2; before++) {
    struct bed b = bed_of(state);
    round_trip(&b, 100 * MS);
    enqueue(&b, 1000);
    ack_wnd(&b, 1, 0);
    sends_no_data(&b);
    for (int i = 0; i < 5; i++) {
      fire(&b);
      sends(&b, 1, 1);
      if (i < 4) ack_wnd(&b, 1, 0);
    }
    assert_int_equal(b.c.rto_us, 9600 * MS);
    if (before) {
      ack_wnd(&b, 2, 0);                     // still closed: the pace stays
      assert_int_equal(b.c.rto_us, 9600 * MS);
      sends_no_data(&b);
      assert_true(b.c.rto_at_us == b.now_us + 9600 * MS);
    }
    ack_wnd(&b, 2, 5000);
    assert_true(b.c.rto_us == 300 * MS && !b.c.backoff);
    sends(&b, 2, 999);
    assert_true(b.c.rto_at_us == b.now_us + 300 * MS);
  }
}

static void test_snd_measurement_ends_the_pace_of_probes_though_the_window_stays_closed(void **state)
{
  struct bed b = bed_of(state);
  enqueue(&b, 1000);
  ack_wnd(&b, 0, 0);
  sends_no_data(&b);
  for (int i = 0; i < 3; i++) {
    fire(&b);
    sends(&b, 0, 1);
  }
  ack_event(&b, 1, (struct dd_in){.ts_vld = true, .tsecr = core_tsval(b.now_us), .wnd_vld = true});
  assert_true(!b.c.backoff && b.c.rto_us == 200 * MS);
}

// RFC 5681 section 3.1 is about loss; a closed window refuses probes.
static void test_snd_probes_that_are_refused_leave_the_congestion_window(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 10);
  ack_wnd(&b, 10000, 0);
  enqueue(&b, 20000);
  sends_no_data(&b);
  uint32_t cwnd = b.c.cwnd, thresh = b.c.ssthresh;
  for (int i = 0; i < 4; i++) {
    fire(&b);
    sends(&b, 10000, 1);
    assert_cwnd(&b, cwnd, thresh);
    ack_wnd(&b, 10000, 0);
  }
  ack_wnd(&b, 10000, WND);
  sends(&b, 10000, MSS);
  fire(&b);                                  // that was no probe
  assert_cwnd(&b, MSS, 2 * MSS);
}

static void test_snd_window_that_opens_in_time_leaves_the_timer(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 2);
  uint64_t at = b.c.rto_at_us;
  ack_wnd(&b, 0, 0);
  b.now_us += 100 * MS;
  ack_wnd(&b, 0, 5000);
  assert_true(b.c.rto_at_us == at);
}

static void test_snd_window_opens_before_any_measurement(void **state)
{
  struct bed b = bed_of(state);
  enqueue(&b, 1000);
  ack_wnd(&b, 0, 0);
  sends_no_data(&b);
  fire(&b);
  sends(&b, 0, 1);
  ack_wnd(&b, 0, 5000);
  assert_int_equal(b.c.rto_us, 1 * S);
  sends(&b, 0, MSS);
}

// --- giving up (RFC 9293 section 3.8.3) ----------------------------------------------------------------------------------------------

// A peer that closes its window has answered (section 3.8.6, SHLD-17).
static void test_snd_counts_retransmissions_anew_when_the_window_closes_or_opens(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 2);
  for (int i = 0; i < 3; i++) {
    fire(&b);
    sends(&b, 0, MSS);
  }
  ack(&b, 0);
  assert_int_equal(b.c.retries, 3);
  ack_wnd(&b, 0, 0);
  assert_int_equal(b.c.retries, 0);
  fire(&b);
  assert_int_equal(b.c.retries, 1);
  ack_wnd(&b, 0, WND);
  assert_int_equal(b.c.retries, 0);
}

static void test_snd_gives_up_though_the_peer_still_talks(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 2);
  for (int i = 0; i < 12; i++) {
    fire(&b);
    sends(&b, 0, MSS);
    ack(&b, 0);                              // no progress
  }
  fire(&b);
  assert_true(b.c.gave_up);
}

// Lets time pass, everything being lost, until the flow is given up.
static uint64_t lose_all(struct bed *b)
{
  uint64_t begin = b->now_us;
  while (!b->c.gave_up) {
    fire(b);
    if (b->c.gave_up) break;
    assert_true(b->c.rto_at_us > b->now_us);
    sends(b, off(b, b->c.una), b->c.wnd ? MSS : 1);
  }
  struct snd_actions a = snd_next(&b->caps, &b->c, &b->v, b->now_us);
  assert_true(a.emit && a.desc.kind == TX_FREE && a.desc.tell && a.desc.timed_out);
  return b->now_us - begin;
}

static void test_snd_user_timeout_gives_up_in_its_time_but_not_before_a_second_try(void **state)
{
  static const struct { uint32_t timeout_ms; uint64_t after_us; } rows[] = {
    {100, 2 * S}, {1999, 2 * S}, {2001, 2 * S + MS}, {5000, 5 * S}, {7000, 7 * S}, {100000, UINT64_C(100) * S},
    {2000000, UINT64_C(2000) * S}, {0, UINT64_C(483) * S},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b = bed_of(state);
    b.c.user_timeout_ms = rows[i].timeout_ms;
    fly(&b, 2);
    assert_true(lose_all(&b) == rows[i].after_us);
    if (rows[i].after_us > 1000 * S) assert_int_equal(b.c.retries, 15);
    struct bed d = bed_of(state);                // not built in
    d.caps.user_timeout = false;
    d.c.user_timeout_ms = rows[i].timeout_ms;
    fly(&d, 2);
    assert_true(lose_all(&d) == UINT64_C(483) * S && !d.c.stuck_us);
  }
}

static void test_snd_user_timeout_counts_from_the_last_progress(void **state)
{
  struct bed b = bed_of(state);
  b.c.user_timeout_ms = 5000;
  b.now_us += 100 * S;                           // nothing is out: nobody waits
  fly(&b, 6);
  for (int i = 1; i <= 5; i++) {
    fire(&b);
    sends(&b, (i - 1) * 1000, MSS);
    b.now_us += 3 * S;
    ack(&b, i * 1000);
    assert_true(!b.c.gave_up);
    b.c.rto_us = 1 * S;
  }
  fire(&b);
  sends(&b, 5000, MSS);
  uint64_t since = b.c.stuck_us;
  ack(&b, 5000);                                 // no progress
  sends_no_data(&b);
  lose_all(&b);
  assert_true(b.now_us == since + 5 * S);
}

// What was held back for want of a window worth it (section 3.8.6.2.1) has not waited for an ACK.
static void test_snd_user_timeout_is_not_for_what_was_never_sent(void **state)
{
  struct bed b = bed_of(state);
  b.c.user_timeout_ms = 1000;
  b.c.wnd = 600;
  enqueue(&b, 5000);
  sends_no_data(&b);
  fire(&b);
  assert_true(b.c.rto_at_us == b.now_us + b.c.rto_us);
  sends(&b, 0, 600);
  assert_true(b.c.stuck_us == b.now_us);
}

static void test_snd_user_timeout_is_not_for_probes_that_are_answered(void **state)
{
  for (int opens = 0; opens < 2; opens++) {
    struct bed b = bed_of(state);
    b.c.user_timeout_ms = 5000;
    enqueue(&b, MSS);
    ack_wnd(&b, 0, 0);
    sends_no_data(&b);
    for (int i = 0; i < 20; i++) {
      fire(&b);
      sends(&b, 0, 1);
      b.now_us += 10 * MS;
      ack_wnd(&b, 0, 0);
    }
    assert_true(!b.c.gave_up && b.c.rto_us == 60 * S);
    if (opens) {
      b.now_us += 20 * S;
      ack_wnd(&b, 0, WND);
      sends(&b, 0, MSS);
      assert_true(lose_all(&b) == 5 * S);
    } else {
      lose_all(&b);                              // the last probe has its interval
      assert_true(b.now_us == b.c.stuck_us + 2 * 60 * S - 10 * MS);
    }
  }
}

// --- pacing -----------------------------------------------------------------------------------------------------------------

static struct bed paced_bed_of(void **state, uint32_t rate, uint32_t burst)
{
  struct bed b = bed_of(state);
  b.now_us = 5000 * 1024;
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .pace_rate = rate, .pace_burst = burst}, b.now_us);
  b.c.cwnd = 100 * MSS;
  enqueue(&b, 50 * MSS);
  return b;
}

static void test_snd_pacing_lets_a_burst_go_and_then_what_a_tick_brings(void **state)
{
  struct bed b = paced_bed_of(state, 500, 2 * MSS);
  for (int32_t i = 0; i < 3; i++) sends(&b, i * MSS, MSS);   // the third on credit
  sends_no_data(&b);
  assert_true(b.c.pace_wait && snd_deadline(&b.c) == 5001 * 1024);
  int32_t sent = 3;
  for (int tick = 1; tick <= 40; tick++) {
    b.now_us = (5000 + (uint64_t)tick) * 1024;
    assert_true(snd_timeout(&b.caps, &b.c, b.now_us).wake && !b.c.pace_wait);
    if (tick % 2 == 0) sends(&b, MSS * sent++, MSS);          // 500 bytes a tick, a segment in two
    sends_no_data(&b);
    assert_true(b.c.pace_wait && snd_deadline(&b.c) == b.now_us + 1024);
  }
}

static void test_snd_pacing_fills_the_bucket_to_its_burst_and_no_further(void **state)
{
  struct bed b = paced_bed_of(state, 500, 2 * MSS);
  for (int32_t i = 0; i < 3; i++) sends(&b, i * MSS, MSS);
  b.now_us += 900 * S;
  b.c.rto_at_us = b.now_us + S;
  for (int32_t i = 3; i < 6; i++) sends(&b, i * MSS, MSS);
  sends_no_data(&b);
}

static void test_snd_pacing_changes_nothing_twice_in_a_tick(void **state)
{
  struct bed b = paced_bed_of(state, 500, 0);
  sends(&b, 0, MSS);
  sends_no_data(&b);
  struct snd_ctx was = b.c;
  b.now_us += 1023;
  sends_no_data(&b);
  assert_true(snd_ctx_equal(&was, &b.c));
  assert_false(snd_timeout(&b.caps, &b.c, b.now_us).wake);
}

static void test_snd_pacing_holds_no_ack_and_is_off_at_rate_0(void **state)
{
  struct bed b = paced_bed_of(state, 1, 0);
  sends(&b, 0, MSS);
  b.v.ack_owed = true;
  struct snd_actions a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.emit && a.desc.kind == TX_ACK && b.c.pace_wait);
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true}, b.now_us);
  sends(&b, MSS, MSS);
  struct bed d = paced_bed_of(state, 1, 0);
  d.caps.pacing = false;
  for (int32_t i = 0; i < 20; i++) sends(&d, i * MSS, MSS);
}

// Regression: what a debt is paid back with counted from the last segment, and a second's worth at most: less than a segment at a rate of one.
static void test_snd_pacing_pays_back_a_debt_of_more_than_a_second(void **state)
{
  struct bed b = paced_bed_of(state, 1, 0);
  sends(&b, 0, MSS);
  b.c.tokens = (uint32_t)-3000;
  struct dd_in all = {.kind = DD_ACK, .ack = b.c.max, .wnd = b.c.wnd};
  snd_ack(&b.caps, &b.c, &all, b.now_us);
  snd_next(&b.caps, &b.c, &b.v, b.now_us);   // tells the host
  unsigned ticks = 0;
  while (ticks < 4000 && !snd_next(&b.caps, &b.c, &b.v, b.now_us).emit) {
    b.now_us += 1024;
    snd_timeout(&b.caps, &b.c, b.now_us);
    ticks++;
  }
  assert_int_equal(ticks, 3000);
}

static void test_snd_pacing_and_retransmission_share_the_timer(void **state)
{
  struct bed b = paced_bed_of(state, 1, 0);
  sends(&b, 0, MSS);
  sends_no_data(&b);
  assert_int_equal(snd_deadline(&b.c), b.now_us + 1024);
  struct snd_actions a = snd_timeout(&b.caps, &b.c, b.now_us + 1024);
  assert_true(a.wake && !a.expired && !b.c.retries);
  assert_int_equal(snd_deadline(&b.c), b.c.rto_at_us);
  sends_no_data(&b);
  a = snd_timeout(&b.caps, &b.c, b.c.rto_at_us);
  assert_true(a.wake && a.expired && !b.c.pace_wait && b.c.retries == 1);
  b.c.open = false;
  b.c.pace_wait = true;
  assert_true(snd_deadline(&b.c) == UINT64_MAX);
}

static void test_snd_tune_moves_the_user_timeout_of_what_waits(void **state)
{
  static const struct { uint32_t timeout_ms; uint64_t after_us; } rows[] = {
    {100, 10 * S}, {9999, 10 * S}, {10001, 10 * S + MS}, {12000, 12 * S}, {16000, 16 * S}, {0, UINT64_C(483) * S},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b = bed_of(state);
    fly(&b, 2);
    uint64_t begin = b.now_us;
    for (int k = 0; k < 3; k++) {                // at 1, 3 and 7 s; the next at 15
      fire(&b);
      sends(&b, 0, MSS);
    }
    b.now_us = begin + 10 * S;
    snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .user_timeout_ms = rows[i].timeout_ms}, b.now_us);
    lose_all(&b);
    assert_true(b.now_us - begin == rows[i].after_us);
  }
  struct bed d = bed_of(state);
  fly(&d, 1);
  uint64_t at = d.c.rto_at_us;
  snd_tune(&d.caps, &d.c, &(struct host_cmd){.user_timeout_ms = 1}, d.now_us);   // not sent again yet
  assert_true(!d.c.nagle_off && d.c.rto_at_us == at);
  ack(&d, 1000);
  assert_true(!d.c.rto_vld);
}

// RFC 1191 section 6.5: what is out was dropped on the way, and goes again, cut anew; it is no sign of congestion.
static void test_snd_tune_to_a_shorter_path_sends_again_what_is_out(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 4);
  ack(&b, 1000);
  struct snd_ctx before = b.c;
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .mss = 700}, b.now_us);
  for (int32_t at = 1000; at < 3800; at += 700) sends(&b, at, 700);
  sends(&b, 3800, 200);
  sends_no_data(&b);
  assert_true(b.c.mss == 700 && b.c.cwnd == before.cwnd && b.c.ssthresh == before.ssthresh && !b.c.recovery && !b.c.retries);
  assert_true(b.c.rto_at_us == before.rto_at_us && off(&b, b.c.max) == 4000);
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .mss = 700}, b.now_us);
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .mss = 1400}, b.now_us);
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true}, b.now_us);
  sends_no_data(&b);
  assert_int_equal(b.c.mss, 700);
  ack(&b, 4000);
  enqueue(&b, 900);
  sends(&b, 4000, 700);
  sends(&b, 4700, 200);
}

static void test_snd_tune_to_a_shorter_path_leaves_out_what_is_sacked(void **state)
{
  struct bed b = sack_bed_of(state);
  fly(&b, 4);
  sack(&b, 0, 2000, 3000);
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .mss = 700}, b.now_us);
  static const struct { int32_t at; uint32_t len; } want[] = {{0, 700}, {700, 700}, {1400, 600}, {3000, 700}, {3700, 300}};
  for (size_t i = 0; i < 5; i++) sends(&b, want[i].at, want[i].len);
  sends_no_data(&b);
}

// Recovery has its own order, and cuts what it sends again by the new length.
static void test_snd_tune_to_a_shorter_path_leaves_recovery_its_order(void **state)
{
  struct bed b = bed_of(state);
  fly(&b, 6);
  dups(&b, 3);
  assert_true(b.c.recovery);
  struct seq nxt = b.c.nxt;
  snd_tune(&b.caps, &b.c, &(struct host_cmd){.nagle_off = true, .mss = 700}, b.now_us);
  assert_true(seq_eq(b.c.nxt, nxt));
  sends(&b, 0, 700);
  ack(&b, 700);                       // partial: the next piece of what was one segment
  sends(&b, 700, 700);
}

// A probe that is taken is a measurement of its own.
static void test_snd_measures_a_probe_from_when_it_was_sent(void **state)
{
  struct bed b = bed_of(state);
  round_trip(&b, 100 * MS);
  ack_wnd(&b, 1, 0);
  enqueue(&b, 1000);
  sends_no_data(&b);
  b.now_us += 7 * S;
  fire(&b);
  sends(&b, 1, 1);
  b.now_us += 100 * MS;
  ack_wnd(&b, 2, 0);
  assert_int_equal(b.c.srtt_us >> 3, 100 * MS);
}

// The user timeout of the open command; 0 has the engine's own.
static void test_snd_open_takes_the_user_timeout(void **state)
{
  struct bed b = bed_of(state);
  struct host_cmd o = {.snd_nxt = b.base, .mss = MSS, .snd_wnd = WND, .user_timeout_ms = 7000};
  snd_open(&b.caps, &b.c, &o);
  assert_int_equal(b.c.user_timeout_ms, 7000);
}

// --- Nagle and silly windows (RFC 9293 sections 3.7.4 and 3.8.6.2.1) ------------------------------------------------------------------

static struct bed nagle_bed_of(void **state)
{
  struct bed b = bed_of(state);
  b.c.nagle_off = false;
  return b;
}

static void test_snd_nagle_holds_small_data_while_data_are_out(void **state)
{
  struct bed b = nagle_bed_of(state);
  enqueue(&b, 300);
  sends(&b, 0, 300);                         // idle: at once
  enqueue(&b, 300);
  sends_no_data(&b);
  enqueue(&b, 699);
  sends_no_data(&b);
  enqueue(&b, 2);
  sends(&b, 300, MSS);                       // a full segment may go
  sends_no_data(&b);
  ack(&b, 300);
  sends_no_data(&b);
  ack(&b, 1300);
  sends(&b, 1300, 1);
}

static void test_snd_nagle_off_sends_small_data_at_once(void **state)
{
  struct bed b = bed_of(state);
  for (int i = 0; i < 5; i++) {
    enqueue(&b, 10);
    sends(&b, i * 10, 10);
  }
}

static void test_snd_nagle_lets_the_last_data_go_with_fin(void **state)
{
  struct bed b = nagle_bed_of(state);
  enqueue(&b, 300);
  sends(&b, 0, 300);
  enqueue(&b, 1200);
  sends(&b, 300, MSS);
  sends_no_data(&b);
  close_behind(&b);
  struct snd_actions a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.emit && a.desc.len == 200 && a.desc.fin);
}

static void test_snd_nagle_never_holds_a_bare_fin(void **state)
{
  struct bed b = nagle_bed_of(state);
  enqueue(&b, 300);
  sends(&b, 0, 300);
  close_behind(&b);
  struct snd_actions a = snd_next(&b.caps, &b.c, &b.v, b.now_us);
  assert_true(a.emit && !a.desc.len && a.desc.fin);
}

static void test_snd_nagle_does_not_hold_what_is_sent_again(void **state)
{
  struct bed b = nagle_bed_of(state);
  enqueue(&b, 1300);
  sends(&b, 0, MSS);
  ack(&b, 1000);
  sends(&b, 1000, 300);
  fire(&b);
  sends(&b, 1000, 300);
}

static void test_snd_does_not_fill_a_small_window_with_a_small_piece(void **state)
{
  struct bed b = bed_of(state);
  b.c.max_wnd = 4000;
  b.c.wnd = 600;                             // less than a segment, less than half the largest window
  enqueue(&b, 5000);
  sends_no_data(&b);
  assert_true(b.c.rto_vld);                  // but not for ever: the override timer
  fire(&b);
  sends(&b, 0, 600);
  ack(&b, 600);
  b.c.wnd = 2000;
  sends(&b, 600, MSS);
  sends(&b, 1600, MSS);
}

// What came is no news: were the timer put off by it, a peer that sends more often than it runs out would never see a byte.
static void test_snd_override_timer_is_not_put_off_by_acks(void **state)
{
  struct bed b = bed_of(state);
  b.c.max_wnd = 4000;
  b.c.wnd = 600;
  enqueue(&b, 5000);
  sends_no_data(&b);
  uint64_t at_us = b.c.rto_at_us;
  b.now_us = at_us - 1;
  ack(&b, 0);
  ack_wnd(&b, 0, 600);
  sends_no_data(&b);
  assert_true(b.c.rto_vld);
  assert_int_equal(b.c.rto_at_us, at_us);
  ack_wnd(&b, 0, 601);                       // it waits anew for a window that moves
  sends_no_data(&b);
  assert_true(b.c.rto_at_us > at_us);
  fire(&b);
  sends(&b, 0, 601);
}

static void test_snd_fills_half_the_largest_window(void **state)
{
  struct bed b = bed_of(state);
  b.c.max_wnd = 1200;
  b.c.wnd = 599;
  enqueue(&b, 5000);
  sends_no_data(&b);
  b.c.wnd = 600;
  sends(&b, 0, 600);
}

static void test_snd_sends_all_there_is_into_a_small_window(void **state)
{
  struct bed b = bed_of(state);
  b.c.max_wnd = 4000;
  b.c.wnd = 600;
  enqueue(&b, 600);
  sends(&b, 0, 600);
}

static void test_snd_sends_small_pieces_when_silly_is_not_built_in(void **state)
{
  struct bed b = nagle_bed_of(state);
  b.caps.silly = false;
  b.c.max_wnd = 4000;
  b.c.wnd = 600;
  enqueue(&b, 300);
  sends(&b, 0, 300);
  enqueue(&b, 5000);
  sends(&b, 300, 300);
}

#define AT(f, i) {#f " (isn " #i ")", f, NULL, NULL, (void *)(uintptr_t)&isns[i]}
#define SEQ_TEST(f) AT(f, 0), AT(f, 1), AT(f, 2), AT(f, 3)

int main(void)
{
  const struct CMUnitTest tests[] = {
    SEQ_TEST(test_snd_starts_with_the_initial_window_of_rfc_6928),
    SEQ_TEST(test_snd_slow_start_grows_by_what_is_acked_at_most_a_segment),
    SEQ_TEST(test_snd_does_not_grow_when_the_window_is_not_used),
    SEQ_TEST(test_snd_avoidance_grows_by_a_segment_per_window),
    SEQ_TEST(test_snd_slow_start_ends_at_ssthresh),
    SEQ_TEST(test_snd_timeout_collapses_to_one_segment_and_half_the_flight),
    SEQ_TEST(test_snd_forgets_what_avoidance_has_counted_when_the_window_shrinks),
    SEQ_TEST(test_snd_ssthresh_is_two_segments_at_least),
    SEQ_TEST(test_snd_restarts_from_the_initial_window_when_idle_for_an_rto),
    SEQ_TEST(test_snd_restart_never_enlarges_the_window),
    SEQ_TEST(test_snd_limited_transmit_sends_one_new_segment_per_duplicate_ack),
    SEQ_TEST(test_snd_limited_transmit_keeps_to_the_peers_window),
    SEQ_TEST(test_snd_limited_transmit_is_for_new_data_alone),
    SEQ_TEST(test_snd_limited_transmit_ends_when_recovery_is_not_allowed),
    SEQ_TEST(test_snd_newreno_retransmits_at_the_third_duplicate),
    SEQ_TEST(test_snd_newreno_partial_ack_shows_the_next_hole),
    SEQ_TEST(test_snd_newreno_window_stays_one_segment_at_least),
    SEQ_TEST(test_snd_newreno_full_ack_ends_recovery),
    SEQ_TEST(test_snd_newreno_does_not_begin_again_at_recover),
    SEQ_TEST(test_snd_newreno_does_not_begin_until_past_what_a_timeout_sends_again),
    SEQ_TEST(test_snd_draws_the_recovery_point_along_with_una),
    SEQ_TEST(test_snd_counts_only_true_duplicates),
    SEQ_TEST(test_snd_forgets_duplicates_when_the_ack_advances),
    SEQ_TEST(test_snd_counts_duplicates_without_overflow),
    SEQ_TEST(test_snd_recovery_sends_fin_again_when_it_is_the_hole),
    SEQ_TEST(test_snd_recovery_leaves_out_a_fin_that_was_never_sent),
    SEQ_TEST(test_snd_takes_no_refusal_of_a_probe_for_a_duplicate),
    SEQ_TEST(test_snd_recovery_goes_on_from_a_probe_when_the_window_opens),
    SEQ_TEST(test_snd_does_nothing_of_recovery_when_not_built_in),
    SEQ_TEST(test_snd_sack_enters_at_three_duplicates),
    SEQ_TEST(test_snd_sack_enters_at_once_when_the_first_byte_is_lost),
    SEQ_TEST(test_snd_sack_counts_only_news),
    SEQ_TEST(test_snd_sack_ignores_blocks_that_cannot_be),
    SEQ_TEST(test_snd_sack_keeps_the_lowest_four),
    SEQ_TEST(test_snd_sack_pipe_counts_what_is_neither_sacked_nor_lost_and_what_went_again),
    SEQ_TEST(test_snd_sack_next_seg_takes_lost_holes_then_new_data_then_other_holes),
    SEQ_TEST(test_snd_sack_next_seg_prefers_new_data_to_a_hole_at_una_that_is_not_lost),
    SEQ_TEST(test_snd_sack_new_data_in_recovery_keeps_to_the_peers_window),
    SEQ_TEST(test_snd_sack_cuts_what_it_sends_again_at_the_block),
    SEQ_TEST(test_snd_sack_starts_no_lower_than_una_when_it_passes_what_went_again),
    SEQ_TEST(test_snd_sack_rescues_the_highest_hole_once_when_an_ack_has_passed_the_first_repair),
    SEQ_TEST(test_snd_sack_rescues_again_in_the_next_recovery_and_not_when_it_is_not_built_in),
    SEQ_TEST(test_snd_sack_rescue_takes_fin_along_and_comes_after_new_data),
    SEQ_TEST(test_snd_sack_full_ack_ends_recovery_at_ssthresh),
    SEQ_TEST(test_snd_sack_begins_again_right_at_the_recovery_point),
    SEQ_TEST(test_snd_sack_enters_when_the_ack_that_advances_shows_the_loss),
    SEQ_TEST(test_snd_sack_counts_news_of_acks_that_advance_or_were_overtaken),
    SEQ_TEST(test_snd_sack_begins_again_with_the_ack_that_ends_recovery),
    SEQ_TEST(test_snd_sack_timeout_ends_recovery_and_keeps_the_point),
    SEQ_TEST(test_snd_skips_what_is_sacked_after_a_timeout),
    SEQ_TEST(test_snd_skips_to_new_data_when_all_the_rest_is_sacked),
    SEQ_TEST(test_snd_sack_sends_fin_again_when_it_is_the_hole),
    SEQ_TEST(test_snd_rto_follows_the_measurements),
    SEQ_TEST(test_snd_rto_has_floor_ceiling_and_granularity),
    SEQ_TEST(test_snd_first_rto_is_3_s_when_the_handshake_had_to_be_repeated),
    SEQ_TEST(test_snd_measures_one_segment_at_a_time),
    SEQ_TEST(test_snd_karn_takes_no_measurement_from_what_was_sent_again),
    SEQ_TEST(test_snd_karn_holds_in_recovery),
    SEQ_TEST(test_snd_time_stamps_measure_what_was_sent_again),
    SEQ_TEST(test_snd_time_stamps_never_give_more_than_the_ceiling),
    SEQ_TEST(test_snd_backs_off_to_the_ceiling),
    SEQ_TEST(test_snd_ack_that_advances_starts_the_timer_anew),
    SEQ_TEST(test_snd_probes_forever_while_they_are_answered),
    SEQ_TEST(test_snd_pace_of_probes_ends_when_the_window_opens_though_a_probe_was_taken),
    SEQ_TEST(test_snd_measurement_ends_the_pace_of_probes_though_the_window_stays_closed),
    SEQ_TEST(test_snd_probes_that_are_refused_leave_the_congestion_window),
    SEQ_TEST(test_snd_window_that_opens_in_time_leaves_the_timer),
    SEQ_TEST(test_snd_window_opens_before_any_measurement),
    SEQ_TEST(test_snd_counts_retransmissions_anew_when_the_window_closes_or_opens),
    SEQ_TEST(test_snd_gives_up_though_the_peer_still_talks),
    SEQ_TEST(test_snd_user_timeout_gives_up_in_its_time_but_not_before_a_second_try),
    SEQ_TEST(test_snd_user_timeout_counts_from_the_last_progress),
    SEQ_TEST(test_snd_user_timeout_is_not_for_what_was_never_sent),
    SEQ_TEST(test_snd_user_timeout_is_not_for_probes_that_are_answered),
    SEQ_TEST(test_snd_pacing_lets_a_burst_go_and_then_what_a_tick_brings),
    SEQ_TEST(test_snd_pacing_fills_the_bucket_to_its_burst_and_no_further),
    SEQ_TEST(test_snd_pacing_changes_nothing_twice_in_a_tick),
    SEQ_TEST(test_snd_pacing_holds_no_ack_and_is_off_at_rate_0),
    SEQ_TEST(test_snd_pacing_pays_back_a_debt_of_more_than_a_second),
    SEQ_TEST(test_snd_pacing_and_retransmission_share_the_timer),
    SEQ_TEST(test_snd_tune_moves_the_user_timeout_of_what_waits),
    SEQ_TEST(test_snd_tune_to_a_shorter_path_sends_again_what_is_out),
    SEQ_TEST(test_snd_tune_to_a_shorter_path_leaves_out_what_is_sacked),
    SEQ_TEST(test_snd_tune_to_a_shorter_path_leaves_recovery_its_order),
    SEQ_TEST(test_snd_measures_a_probe_from_when_it_was_sent),
    SEQ_TEST(test_snd_open_takes_the_user_timeout),
    SEQ_TEST(test_snd_nagle_holds_small_data_while_data_are_out),
    SEQ_TEST(test_snd_nagle_off_sends_small_data_at_once),
    SEQ_TEST(test_snd_nagle_lets_the_last_data_go_with_fin),
    SEQ_TEST(test_snd_nagle_never_holds_a_bare_fin),
    SEQ_TEST(test_snd_nagle_does_not_hold_what_is_sent_again),
    SEQ_TEST(test_snd_does_not_fill_a_small_window_with_a_small_piece),
    SEQ_TEST(test_snd_override_timer_is_not_put_off_by_acks),
    SEQ_TEST(test_snd_fills_half_the_largest_window),
    SEQ_TEST(test_snd_sends_all_there_is_into_a_small_window),
    SEQ_TEST(test_snd_sends_small_pieces_when_silly_is_not_built_in),
  };
  return cmocka_run_group_tests_name("core_snd_full", tests, NULL, NULL);
}
