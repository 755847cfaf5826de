// SPDX-License-Identifier: Apache-2.0
// snd: what the send half sends, what an ACK and a timeout do to it (RFC 9293 sections 3.8 and 3.10.7.4, RFC 6298).
// Numbers are offsets from the first byte sent; every test runs at several ISNs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "tcp/core/core.h"

enum { MSS = 1000, WND = 10000, CWND = 4000, T0 = 5000000 };

static const struct core_caps caps = {.rx_ring_bytes = 8192, .cwnd_bytes = CWND};

struct bed {
  struct seq base;
  struct snd_ctx c;
  struct snd_view v;
  uint64_t now_us;
};

static struct bed bed_of(void **state, uint32_t wnd)
{
  const uint32_t *isn = *state;
  struct host_cmd o = {.kind = CMD_OPEN, .snd_nxt = seq_of(*isn), .snd_wnd = wnd, .mss = MSS, .rcv_mss = 1400,
                       .nagle_off = true};
  struct bed b = {.base = seq_of(*isn), .v = {.tail = seq_of(*isn)}, .now_us = T0};
  snd_open(&caps, &b.c, &o);
  return b;
}

static void enqueue(struct bed *b, uint32_t len) { b->v.tail = seq_add(b->v.tail, len); }

static void close_behind(struct bed *b)
{
  b->v.fin = true;
  b->v.tail = seq_add(b->v.tail, 1);
}

static struct snd_actions next(struct bed *b) { return snd_next(&caps, &b->c, &b->v, b->now_us); }

static struct snd_actions timeout_at(struct bed *b, uint64_t us)
{
  b->now_us = us;
  return snd_timeout(&caps, &b->c, us);
}

static struct snd_actions ack_to(struct bed *b, int32_t at)
{
  struct dd_in ev = {.kind = DD_ACK, .ack = seq_add(b->base, (uint32_t)at), .no_data = true};
  return snd_ack(&caps, &b->c, &ev, b->now_us);
}

static struct snd_actions ack_wnd(struct bed *b, int32_t at, uint32_t wnd)
{
  struct dd_in ev = {.kind = DD_ACK, .ack = seq_add(b->base, (uint32_t)at), .no_data = true, .wnd_vld = true, .wnd = wnd};
  return snd_ack(&caps, &b->c, &ev, b->now_us);
}

static int32_t off(const struct bed *b, struct seq s) { return seq_diff(s, b->base); }

static void assert_pointers(const struct bed *b, int32_t una, int32_t nxt, int32_t max)
{
  if (off(b, b->c.una) != una || off(b, b->c.nxt) != nxt || off(b, b->c.max) != max)
    fail_msg("una %d nxt %d max %d, not %d %d %d", off(b, b->c.una), off(b, b->c.nxt), off(b, b->c.max), una, nxt, max);
}

// A data segment [at, at + len), with FIN or not; and whether another would follow.
static void assert_data(const struct bed *b, struct snd_actions a, int32_t at, uint32_t len, bool fin, bool more)
{
  assert_true(a.emit);
  assert_int_equal(a.desc.kind, TX_DATA);
  if (off(b, a.desc.seq) != at || a.desc.len != len || a.desc.fin != fin || a.more != more)
    fail_msg("data at %d, %u bytes, fin %d, more %d", off(b, a.desc.seq), a.desc.len, a.desc.fin, a.more);
  assert_true(a.wake == a.more);
}

// All that may leave now; returns its number of bytes and FIN.
static uint32_t send_all(struct bed *b)
{
  struct seq was = b->c.nxt;
  for (struct snd_actions a = next(b); a.more; a = next(b)) assert_true(a.emit);
  return (uint32_t)seq_diff(b->c.nxt, was);
}

static void assert_nothing(struct snd_actions a)
{
  assert_true(!a.emit && !a.more && !a.wake && !a.desc.tell);
}

static bool same_ctx(const struct snd_ctx *a, const struct snd_ctx *b)
{
  uint32_t x[SND_CTX_WORDS] = {0}, y[SND_CTX_WORDS] = {0};
  snd_ctx_pack(a, x);
  snd_ctx_pack(b, y);
  return memcmp(x, y, sizeof x) == 0;
}

// --- open, spurious -------------------------------------------------------------------------------------------------
static void test_snd_open_starts_from_the_command(void **state)
{
  struct bed b = bed_of(state, WND);
  assert_true(b.c.open && !b.c.probe && !b.c.gave_up && !b.c.told_flags && !b.c.rto_vld && b.c.nagle_off);
  assert_pointers(&b, 0, 0, 0);
  assert_int_equal(off(&b, b.c.told), 0);
  assert_int_equal(b.c.wnd, WND);
  assert_int_equal(b.c.max_wnd, WND);
  assert_int_equal(b.c.mss, MSS);
  assert_int_equal(b.c.cwnd, CWND);
  assert_int_equal(b.c.rto_us, NIC_RTO_INIT_US);
  assert_int_equal(b.c.retries + b.c.backoff, 0);
}

static void test_snd_next_does_nothing_when_there_is_nothing(void **state)
{
  struct bed b = bed_of(state, WND);
  struct snd_ctx was = b.c;
  assert_nothing(next(&b));
  assert_true(same_ctx(&b.c, &was));
  enqueue(&b, 100);
  send_all(&b);
  was = b.c;
  assert_nothing(next(&b));   // spurious, with data in flight
  assert_true(same_ctx(&b.c, &was));
}

static void test_snd_does_nothing_when_flow_is_closed(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 5000);
  send_all(&b);
  ack_to(&b, 1000);          // room to send, and news
  b.c.open = false;
  b.v.ack_owed = true;
  b.v.ack_now = 3;
  struct snd_ctx was = b.c;
  assert_nothing(next(&b));
  assert_false(ack_wnd(&b, 2000, 5).wake);
  assert_false(timeout_at(&b, T0 + 1000000000).wake);
  assert_true(same_ctx(&b.c, &was));
}

// --- cutting --------------------------------------------------------------------------------------------------------
static void test_snd_cuts_at_mss_and_pushes_at_the_end(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 2 * MSS + 10);
  struct snd_actions a = next(&b);
  assert_data(&b, a, 0, MSS, false, true);
  assert_false(a.desc.psh);
  a = next(&b);
  assert_data(&b, a, MSS, MSS, false, true);
  assert_false(a.desc.psh);
  a = next(&b);
  assert_data(&b, a, 2 * MSS, 10, false, false);
  assert_true(a.desc.psh);
  assert_pointers(&b, 0, 2010, 2010);
  assert_nothing(next(&b));
}

static void test_snd_pushes_when_one_segment_is_all(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, MSS);
  struct snd_actions a = next(&b);
  assert_data(&b, a, 0, MSS, false, false);
  assert_true(a.desc.psh);
}

static void test_snd_stops_at_the_peers_window(void **state)
{
  struct bed b = bed_of(state, 1500);
  enqueue(&b, 5000);
  assert_data(&b, next(&b), 0, MSS, false, true);
  struct snd_actions a = next(&b);
  assert_data(&b, a, MSS, 500, false, false);
  assert_false(a.desc.psh);
  assert_nothing(next(&b));
  ack_wnd(&b, 1000, 1500);   // the window slides
  assert_data(&b, next(&b), 1500, 1000, false, false);
}

static void test_snd_stops_at_the_congestion_window(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 9000);
  assert_int_equal(send_all(&b), CWND);
  assert_nothing(next(&b));
  ack_to(&b, 1000);
  assert_int_equal(send_all(&b), 1000);
}

static void test_snd_sends_nothing_when_the_window_shrank_behind_nxt(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 9000);
  send_all(&b);
  ack_wnd(&b, 1000, 500);    // 3000 in flight, 500 allowed
  assert_int_equal(next(&b).desc.kind, TX_FREE);
  assert_nothing(next(&b));
  assert_pointers(&b, 1000, 4000, 4000);
  timeout_at(&b, b.c.rto_at_us);
  assert_data(&b, next(&b), 1000, 500, false, false);   // what is sent again keeps to it
  assert_nothing(next(&b));
}

static void test_snd_sends_at_most_one_byte_when_the_window_is_one(void **state)
{
  struct bed b = bed_of(state, 1);
  enqueue(&b, 10);
  close_behind(&b);
  assert_data(&b, next(&b), 0, 1, false, false);
  assert_nothing(next(&b));
}

// --- FIN ------------------------------------------------------------------------------------------------------------
static void test_snd_fin_rides_on_the_last_data(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 1500);
  close_behind(&b);
  assert_data(&b, next(&b), 0, MSS, false, true);
  struct snd_actions a = next(&b);
  assert_data(&b, a, MSS, 500, true, false);
  assert_true(a.desc.psh);
  assert_pointers(&b, 0, 1501, 1501);
  assert_nothing(next(&b));
}

static void test_snd_fin_rides_when_the_last_segment_is_full(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, MSS);
  close_behind(&b);
  assert_data(&b, next(&b), 0, MSS, true, false);
}

static void test_snd_fin_goes_alone_when_no_data_is_left(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 10);
  send_all(&b);
  close_behind(&b);
  struct snd_actions a = next(&b);
  assert_data(&b, a, 10, 0, true, false);
  assert_false(a.desc.psh);
  assert_pointers(&b, 0, 11, 11);
  assert_nothing(next(&b));
}

static void test_snd_fin_waits_when_data_fills_the_window(void **state)
{
  struct bed b = bed_of(state, 500);
  enqueue(&b, 500);
  close_behind(&b);
  struct snd_actions a = next(&b);
  assert_data(&b, a, 0, 500, false, false);
  assert_true(a.desc.psh);
  assert_nothing(next(&b));
  ack_wnd(&b, 500, 1);
  assert_data(&b, next(&b), 500, 0, true, false);
}

static void test_snd_fin_is_sent_again_when_lost(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 10);
  close_behind(&b);
  send_all(&b);
  ack_to(&b, 10);            // all but the FIN
  assert_true(b.c.rto_vld);
  timeout_at(&b, b.c.rto_at_us);
  assert_data(&b, next(&b), 10, 0, true, false);
  ack_to(&b, 11);
  assert_false(b.c.rto_vld);
}

// --- zero window ----------------------------------------------------------------------------------------------------
static void test_snd_probes_with_one_byte_when_the_window_stays_closed(void **state)
{
  struct bed b = bed_of(state, 0);
  enqueue(&b, 100);
  assert_nothing(next(&b));
  assert_true(b.c.rto_vld);                                // the probe timer
  assert_int_equal(b.c.rto_at_us, T0 + NIC_RTO_INIT_US);
  assert_nothing(next(&b));
  assert_true(timeout_at(&b, b.c.rto_at_us).wake);
  assert_data(&b, next(&b), 0, 1, false, false);
  assert_int_equal(off(&b, b.c.max), 1);
  assert_nothing(next(&b));                                // one a timeout
}

static void test_snd_probe_timer_keeps_its_deadline_when_asked_again(void **state)
{
  struct bed b = bed_of(state, 0);
  enqueue(&b, 100);
  next(&b);
  b.now_us += 100000;
  next(&b);
  assert_int_equal(b.c.rto_at_us, T0 + NIC_RTO_INIT_US);
}

static void test_snd_probe_timer_runs_on_when_the_window_is_closed_once_more(void **state)
{
  struct bed b = bed_of(state, 0);
  enqueue(&b, 100);
  next(&b);
  b.now_us += 100000;
  ack_wnd(&b, 0, 0);
  assert_true(b.c.rto_vld);
  assert_int_equal(b.c.rto_at_us, T0 + NIC_RTO_INIT_US);
  timeout_at(&b, b.c.rto_at_us);
  ack_wnd(&b, 0, 0);                                       // between timeout and probe
  assert_data(&b, next(&b), 0, 1, false, false);
}

static void test_snd_timer_stops_when_all_is_acknowledged_and_the_window_closes(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 100);
  send_all(&b);
  ack_wnd(&b, 100, 0);
  assert_false(b.c.rto_vld);
  next(&b);
  assert_false(b.c.rto_vld);                               // nothing to send: no probe
}

static void test_snd_probe_backs_off_and_never_gives_up_when_answered(void **state)
{
  struct bed b = bed_of(state, 0);
  enqueue(&b, 100);
  next(&b);
  uint64_t gap = NIC_RTO_INIT_US;
  for (int i = 0; i < 40; i++) {
    gap = gap * 2 < NIC_RTO_MAX_US ? gap * 2 : NIC_RTO_MAX_US;
    assert_true(timeout_at(&b, b.c.rto_at_us).wake);
    assert_int_equal(b.c.rto_at_us - b.now_us, gap);
    assert_data(&b, next(&b), 0, 1, false, false);
    b.now_us += 10;
    ack_wnd(&b, 0, 0);                                     // refused
    assert_nothing(next(&b));
    assert_true(b.c.rto_vld && !b.c.gave_up && b.c.retries == 0);
    assert_int_equal(b.c.rto_us, gap);
  }
}

static void test_snd_goes_on_when_the_probe_was_taken(void **state)
{
  struct bed b = bed_of(state, 0);
  enqueue(&b, 100);
  next(&b);
  timeout_at(&b, b.c.rto_at_us);
  next(&b);
  ack_wnd(&b, 1, 0);                                       // taken, and closed again
  assert_pointers(&b, 1, 1, 1);
  assert_int_equal(b.c.rto_us, NIC_RTO_INIT_US);
  struct snd_actions a = next(&b);
  assert_true(a.desc.kind == TX_FREE && b.c.rto_vld);      // news for the host; the probe timer again
  ack_wnd(&b, 1, 5000);
  assert_false(b.c.rto_vld);
  assert_data(&b, next(&b), 1, 99, false, false);
}

static void test_snd_probes_with_fin_when_only_fin_is_left(void **state)
{
  struct bed b = bed_of(state, 0);
  close_behind(&b);
  assert_nothing(next(&b));
  timeout_at(&b, b.c.rto_at_us);
  assert_data(&b, next(&b), 0, 0, true, false);
}

static void test_snd_probe_is_dropped_when_the_window_opens_first(void **state)
{
  struct bed b = bed_of(state, 0);
  enqueue(&b, 5000);
  next(&b);
  timeout_at(&b, b.c.rto_at_us);
  assert_true(b.c.probe);
  ack_wnd(&b, 0, 600);
  assert_false(b.c.probe);
  assert_data(&b, next(&b), 0, 600, false, false);
}

static void test_snd_probes_when_the_window_closes_on_data_in_flight(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  ack_wnd(&b, 1000, 0);
  assert_true(b.c.rto_vld);
  assert_true(timeout_at(&b, b.c.rto_at_us).wake);
  assert_data(&b, next(&b), 1000, 1, false, false);
  assert_int_equal(off(&b, b.c.max), 3000);
}

// --- ACKs -----------------------------------------------------------------------------------------------------------
static void test_snd_ack_moves_una_and_restarts_the_timer(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  assert_int_equal(b.c.rto_at_us, T0 + NIC_RTO_INIT_US);
  b.now_us += 50000;
  assert_true(ack_to(&b, 1000).wake);
  assert_pointers(&b, 1000, 3000, 3000);
  assert_true(b.c.rto_vld);
  assert_int_equal(b.c.rto_at_us, T0 + 50000 + NIC_RTO_INIT_US);
}

static void test_snd_ack_stops_the_timer_when_all_is_acknowledged(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  ack_to(&b, 3000);
  assert_pointers(&b, 3000, 3000, 3000);
  assert_false(b.c.rto_vld);
}

static void test_snd_ack_changes_no_pointer_when_old_or_duplicate(void **state)
{
  static const int32_t at[] = {1000, 999, 0, -1, -0x40000000};
  for (size_t i = 0; i < 5; i++) {
    struct bed b = bed_of(state, WND);
    enqueue(&b, 3000);
    send_all(&b);
    ack_to(&b, 1000);
    uint64_t due = b.c.rto_at_us;
    b.now_us += 1000;
    assert_true(ack_to(&b, at[i]).wake);
    assert_pointers(&b, 1000, 3000, 3000);
    assert_true(b.c.rto_vld && b.c.rto_at_us == due);
  }
}

static void test_snd_ack_pulls_nxt_along_when_above_it_up_to_max(void **state)
{
  static const int32_t at[] = {500, 2000, 3000};
  for (size_t i = 0; i < 3; i++) {
    struct bed b = bed_of(state, WND);
    enqueue(&b, 9000);
    send_all(&b);
    timeout_at(&b, b.c.rto_at_us);
    assert_pointers(&b, 0, 0, CWND);
    assert_data(&b, next(&b), 0, MSS, false, true);
    ack_to(&b, at[i]);
    assert_pointers(&b, at[i], at[i] > MSS ? at[i] : MSS, CWND);
    assert_true(b.c.rto_vld);
  }
}

static void test_snd_ack_is_ignored_when_beyond_max(void **state)
{
  static const int32_t at[] = {3001, 4000, 0x40000000};
  for (size_t i = 0; i < 3; i++) {
    struct bed b = bed_of(state, WND);
    enqueue(&b, 3500);
    b.c.cwnd = 3000;
    send_all(&b);
    uint64_t due = b.c.rto_at_us;
    b.now_us += 1000;
    ack_to(&b, at[i]);
    assert_pointers(&b, 0, 3000, 3000);
    assert_int_equal(b.c.rto_at_us, due);
  }
}

static void test_snd_ack_takes_the_window_only_when_valid(void **state)
{
  struct bed b = bed_of(state, WND);
  struct dd_in ev = {.kind = DD_ACK, .ack = b.base, .wnd = 77};
  snd_ack(&caps, &b.c, &ev, b.now_us);
  assert_int_equal(b.c.wnd, WND);
  ack_wnd(&b, 0, 77);
  assert_int_equal(b.c.wnd, 77);
  assert_int_equal(b.c.max_wnd, WND);
  ack_wnd(&b, 0, WND + 1);
  assert_int_equal(b.c.max_wnd, WND + 1);
}

static void test_snd_closes_when_the_receive_side_was_reset(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  struct dd_in ev = {.kind = DD_RESET, .ack = seq_add(b.base, 1000), .wnd_vld = true, .wnd = 1};
  assert_false(snd_ack(&caps, &b.c, &ev, b.now_us).wake);
  assert_true(!b.c.open && !b.c.rto_vld);
  assert_pointers(&b, 0, 3000, 3000);
  assert_nothing(next(&b));
}

static void test_snd_ack_leaves_all_as_it_is_when_event_is_a_release(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  b.c.retries = 3;
  struct snd_ctx was = b.c;
  struct dd_in ev = {.kind = DD_RELEASE, .ack = seq_add(b.base, 1000), .wnd_vld = true, .wnd = 1};
  assert_false(snd_ack(&caps, &b.c, &ev, b.now_us).wake);   // send_pipe closes the flow; dd_incoming does not
  assert_true(same_ctx(&b.c, &was));
}

// --- timeouts -------------------------------------------------------------------------------------------------------
static void test_snd_timer_starts_with_the_first_data_in_flight(void **state)
{
  struct bed b = bed_of(state, WND);
  assert_false(b.c.rto_vld);
  enqueue(&b, 3000);
  next(&b);
  assert_int_equal(b.c.rto_at_us, T0 + NIC_RTO_INIT_US);
  b.now_us += 1000;
  next(&b);                                                // more data does not move it
  assert_int_equal(b.c.rto_at_us, T0 + NIC_RTO_INIT_US);
}

static void test_snd_timeout_goes_back_to_una_and_doubles(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  ack_to(&b, 1000);
  assert_true(timeout_at(&b, b.c.rto_at_us).wake);
  assert_pointers(&b, 1000, 1000, 3000);
  assert_true(!b.c.probe && b.c.rto_vld && b.c.retries == 1 && b.c.backoff == 1);
  assert_int_equal(b.c.rto_us, 2 * NIC_RTO_INIT_US);
  assert_int_equal(b.c.rto_at_us, b.now_us + 2 * NIC_RTO_INIT_US);
  assert_int_equal(send_all(&b), 2000);
  assert_pointers(&b, 1000, 3000, 3000);
}

static void test_snd_timeout_changes_nothing_when_stale(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  struct snd_ctx was = b.c;
  assert_false(timeout_at(&b, b.c.rto_at_us - 1).wake);   // moved since the hit
  assert_true(same_ctx(&b.c, &was));
  ack_to(&b, 3000);
  was = b.c;
  assert_false(timeout_at(&b, T0 + 90000000).wake);       // stopped since the hit
  assert_true(same_ctx(&b.c, &was));
}

static void test_snd_backs_off_to_the_ceiling_then_gives_up_after_max_retries(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  uint64_t gap = NIC_RTO_INIT_US;
  for (int i = 0; i < NIC_MAX_RETRIES; i++) {
    gap = gap * 2 < NIC_RTO_MAX_US ? gap * 2 : NIC_RTO_MAX_US;
    assert_true(timeout_at(&b, b.c.rto_at_us).wake);
    assert_int_equal(b.c.rto_at_us - b.now_us, gap);
    assert_true(b.c.retries == i + 1 && !b.c.gave_up);
    send_all(&b);
  }
  assert_int_equal(gap, NIC_RTO_MAX_US);
  b.c.told_flags = true;
  assert_true(timeout_at(&b, b.c.rto_at_us).wake);
  assert_true(b.c.gave_up && !b.c.rto_vld && !b.c.told_flags);
  b.v.ack_owed = true;
  enqueue(&b, 500);
  struct snd_actions a = next(&b);
  assert_true(a.emit && a.desc.kind == TX_FREE && a.desc.tell && a.desc.timed_out && !a.desc.fin_acked);
  assert_nothing(next(&b));                                // told once; sends no more, not even an ACK
}

static void test_snd_gives_no_thought_to_giving_up_when_anything_was_heard(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  for (int i = 0; i < 2 * NIC_MAX_RETRIES; i++) {
    if (i % 10 == 9) ack_to(&b, 0);
    assert_true(timeout_at(&b, b.c.rto_at_us).wake);
  }
  assert_false(b.c.gave_up);
  assert_int_equal(b.c.backoff, 15);                       // it stays there
}

static void test_snd_ack_of_new_data_ends_the_back_off(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  for (int i = 0; i < 3; i++) timeout_at(&b, b.c.rto_at_us);
  assert_int_equal(b.c.rto_us, 8 * NIC_RTO_INIT_US);
  ack_to(&b, 0);                                           // a duplicate does not
  assert_int_equal(b.c.rto_us, 8 * NIC_RTO_INIT_US);
  ack_to(&b, 500);
  assert_true(b.c.rto_us == NIC_RTO_INIT_US && b.c.backoff == 0 && b.c.retries == 0);
  assert_int_equal(b.c.rto_at_us, b.now_us + NIC_RTO_INIT_US);
}

// --- ACKs owed, news for the host -----------------------------------------------------------------------------------
static void test_snd_sends_a_pure_ack_when_owed_and_no_data(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 100);
  send_all(&b);
  timeout_at(&b, b.c.rto_at_us);
  b.c.cwnd = 0;                                            // nothing may go
  b.v.ack_owed = true;
  struct snd_actions a = next(&b);
  assert_true(a.emit && a.desc.kind == TX_ACK && a.desc.len == 0 && !a.desc.fin && !a.more);
  assert_int_equal(off(&b, a.desc.seq), 100);              // at the highest sent, not where nxt went back to
  b.c.wnd = 40;                                            // but never outside the window: it would be refused
  assert_int_equal(off(&b, next(&b).desc.seq), 40);
}

static void test_snd_asks_for_more_when_several_immediate_acks_are_owed(void **state)
{
  struct bed b = bed_of(state, WND);
  b.v = (struct snd_view){.tail = b.base, .ack_owed = true, .ack_now = 3};
  assert_true(next(&b).more);
  b.v.ack_now = 2;
  assert_true(next(&b).more);
  b.v.ack_now = 1;
  struct snd_actions a = next(&b);
  assert_true(a.desc.kind == TX_ACK && !a.more);
}

static void test_snd_asks_for_more_when_data_leaves_an_immediate_ack_unpaid(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 100);
  b.v.ack_owed = true;
  assert_data(&b, next(&b), 0, 100, false, false);         // data pays an ordinary ACK
  enqueue(&b, 100);
  b.v.ack_now = 1;
  assert_data(&b, next(&b), 100, 100, false, true);
  assert_int_equal(next(&b).desc.kind, TX_ACK);
}

static void test_snd_tells_the_host_once_when_una_moved(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  send_all(&b);
  ack_to(&b, 3000);
  struct snd_actions a = next(&b);
  assert_true(a.emit && a.desc.kind == TX_FREE && a.desc.tell && !a.more);
  assert_int_equal(off(&b, a.desc.una), 3000);
  assert_nothing(next(&b));
}

static void test_snd_tells_the_host_on_data_and_on_acks_too(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 3000);
  next(&b);
  ack_to(&b, 1000);
  struct snd_actions a = next(&b);
  assert_true(a.desc.kind == TX_DATA && a.desc.tell && off(&b, a.desc.una) == 1000);
  assert_false(next(&b).desc.tell);
  ack_to(&b, 3000);
  b.v.ack_owed = true;
  a = next(&b);
  assert_true(a.desc.kind == TX_ACK && a.desc.tell && off(&b, a.desc.una) == 3000);
  assert_false(next(&b).desc.tell);
}

static void test_snd_tells_fin_acked_once_and_only_then(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 10);
  close_behind(&b);
  send_all(&b);
  ack_to(&b, 10);
  struct snd_actions a = next(&b);
  assert_true(a.desc.tell && !a.desc.fin_acked);
  ack_to(&b, 11);
  a = next(&b);
  assert_true(a.emit && a.desc.tell && a.desc.fin_acked && a.desc.kind == TX_FREE && !a.desc.timed_out);
  assert_nothing(next(&b));
}

static void test_snd_tells_fin_acked_when_close_came_after_the_ack_was_told(void **state)
{
  struct bed b = bed_of(state, WND);
  enqueue(&b, 10);
  send_all(&b);
  ack_to(&b, 10);
  next(&b);
  close_behind(&b);
  assert_data(&b, next(&b), 10, 0, true, false);
  ack_to(&b, 11);
  assert_true(next(&b).desc.fin_acked);
}

// At plain numbers, with 2^31 and with 2^32 in the flight, and at the very edge.
static const uint32_t isns[] = {1000, 0x80000000u - 1500, 0u - 1500, 0xffffffffu};
#define AT(f, i) {#f " (isn " #i ")", f, NULL, NULL, (void *)(uintptr_t)&isns[i]}
#define SEQ_TEST(f) AT(f, 0), AT(f, 1), AT(f, 2), AT(f, 3)

int main(void)
{
  const struct CMUnitTest tests[] = {
    SEQ_TEST(test_snd_open_starts_from_the_command),
    SEQ_TEST(test_snd_next_does_nothing_when_there_is_nothing),
    SEQ_TEST(test_snd_does_nothing_when_flow_is_closed),
    SEQ_TEST(test_snd_cuts_at_mss_and_pushes_at_the_end),
    SEQ_TEST(test_snd_pushes_when_one_segment_is_all),
    SEQ_TEST(test_snd_stops_at_the_peers_window),
    SEQ_TEST(test_snd_stops_at_the_congestion_window),
    SEQ_TEST(test_snd_sends_nothing_when_the_window_shrank_behind_nxt),
    SEQ_TEST(test_snd_sends_at_most_one_byte_when_the_window_is_one),
    SEQ_TEST(test_snd_fin_rides_on_the_last_data),
    SEQ_TEST(test_snd_fin_rides_when_the_last_segment_is_full),
    SEQ_TEST(test_snd_fin_goes_alone_when_no_data_is_left),
    SEQ_TEST(test_snd_fin_waits_when_data_fills_the_window),
    SEQ_TEST(test_snd_fin_is_sent_again_when_lost),
    SEQ_TEST(test_snd_probes_with_one_byte_when_the_window_stays_closed),
    SEQ_TEST(test_snd_probe_timer_keeps_its_deadline_when_asked_again),
    SEQ_TEST(test_snd_probe_timer_runs_on_when_the_window_is_closed_once_more),
    SEQ_TEST(test_snd_timer_stops_when_all_is_acknowledged_and_the_window_closes),
    SEQ_TEST(test_snd_probe_backs_off_and_never_gives_up_when_answered),
    SEQ_TEST(test_snd_goes_on_when_the_probe_was_taken),
    SEQ_TEST(test_snd_probes_with_fin_when_only_fin_is_left),
    SEQ_TEST(test_snd_probe_is_dropped_when_the_window_opens_first),
    SEQ_TEST(test_snd_probes_when_the_window_closes_on_data_in_flight),
    SEQ_TEST(test_snd_ack_moves_una_and_restarts_the_timer),
    SEQ_TEST(test_snd_ack_stops_the_timer_when_all_is_acknowledged),
    SEQ_TEST(test_snd_ack_changes_no_pointer_when_old_or_duplicate),
    SEQ_TEST(test_snd_ack_pulls_nxt_along_when_above_it_up_to_max),
    SEQ_TEST(test_snd_ack_is_ignored_when_beyond_max),
    SEQ_TEST(test_snd_ack_takes_the_window_only_when_valid),
    SEQ_TEST(test_snd_closes_when_the_receive_side_was_reset),
    SEQ_TEST(test_snd_ack_leaves_all_as_it_is_when_event_is_a_release),
    SEQ_TEST(test_snd_timer_starts_with_the_first_data_in_flight),
    SEQ_TEST(test_snd_timeout_goes_back_to_una_and_doubles),
    SEQ_TEST(test_snd_timeout_changes_nothing_when_stale),
    SEQ_TEST(test_snd_backs_off_to_the_ceiling_then_gives_up_after_max_retries),
    SEQ_TEST(test_snd_gives_no_thought_to_giving_up_when_anything_was_heard),
    SEQ_TEST(test_snd_ack_of_new_data_ends_the_back_off),
    SEQ_TEST(test_snd_sends_a_pure_ack_when_owed_and_no_data),
    SEQ_TEST(test_snd_asks_for_more_when_several_immediate_acks_are_owed),
    SEQ_TEST(test_snd_asks_for_more_when_data_leaves_an_immediate_ack_unpaid),
    SEQ_TEST(test_snd_tells_the_host_once_when_una_moved),
    SEQ_TEST(test_snd_tells_the_host_on_data_and_on_acks_too),
    SEQ_TEST(test_snd_tells_fin_acked_once_and_only_then),
    SEQ_TEST(test_snd_tells_fin_acked_when_close_came_after_the_ack_was_told),
  };
  return cmocka_run_group_tests_name("core_snd", tests, NULL, NULL);
}
