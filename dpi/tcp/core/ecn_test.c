// SPDX-License-Identifier: Apache-2.0
// ECN beside the core: each rule of RFC 3168 by name. Numbers are offsets from the first byte sent; every test runs at several ISNs,
// with 2^31 and 2^32 inside the window.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "tcp/core/core.h"

enum { MSS = 1000, IW = 10 * MSS, WND = 200000, S = 1000000 };

static const uint32_t isns[] = {1000, 0x80000000u - 4500, 0u - 4500, 0xffffffffu};

struct bed {
  struct core_caps caps;
  struct seq base;
  struct snd_ctx c;
  struct core_ecn e;
  struct snd_view v;
  uint64_t now_us;
};

static struct bed bed_of(void **state, bool sack)
{
  const uint32_t *isn = *state;
  struct host_cmd o = {.kind = CMD_OPEN, .snd_nxt = seq_of(*isn), .snd_wnd = WND, .mss = MSS, .rcv_mss = 1400, .nagle_off = true, .sack_ok = sack};
  struct bed b = {.caps = core_caps_full(8192), .base = o.snd_nxt, .e = {.echoes = true, .marks = true}, .v = {.tail = o.snd_nxt}, .now_us = 5 * S};
  snd_open(&b.caps, &b.c, &o);
  return b;
}

static struct seq at(const struct bed *b, uint32_t off) { return seq_add(b->base, off); }

// What leaves next, with its header: true when there was something.
static bool leaves(struct bed *b, struct ecn_header *h)
{
  struct snd_actions a = snd_next(&b->caps, &b->c, &b->v, b->now_us);
  bool data = a.emit && a.desc.kind == TX_DATA;
  *h = data ? ecn_leaves(&b->e, &b->c, &a.desc, a.rexmit) : (struct ecn_header){0};
  return data;
}

static void leave_with(struct bed *b, bool capable, bool cwr)
{
  struct ecn_header h;
  assert_true(leaves(b, &h));
  assert_int_equal(h.capable, capable);
  assert_int_equal(h.cwr, cwr);
}

// n new segments, cwnd being what they take; the flow has sent all it has then.
static void fly(struct bed *b, uint32_t n, bool cwr)
{
  b->v.tail = seq_add(b->v.tail, n * MSS);
  b->c.cwnd = (uint32_t)seq_diff(b->v.tail, b->c.una);
  for (uint32_t i = 0; i < n; i++) leave_with(b, true, cwr && i == 0);
}

static void segment(struct bed *b, enum rcv_class_e class_id, bool forward, uint32_t ack, struct ecn_arrival s)
{
  struct rcv_actions r = {.class_id = class_id, .forward = forward, .dd = {.kind = DD_ACK, .ack = at(b, ack), .no_data = !s.len}};
  ecn_segment(&b->caps, &b->e, &b->c, &s, &r, b->now_us);
}

static void ack(struct bed *b, uint32_t to, bool ece) { segment(b, RCV_PURE_ACK, true, to, (struct ecn_arrival){.ece = ece}); }

static void data(struct bed *b, enum rcv_class_e class_id, bool ce, bool cwr)
{
  segment(b, class_id, false, 0, (struct ecn_arrival){.len = 100, .ce = ce, .cwr = cwr});
}

static bool echoes(struct bed *b, uint8_t kind)
{
  return ecn_leaves(&b->e, &b->c, &(struct tx_desc){.kind = kind, .len = kind == TX_DATA ? 1 : 0}, true).ece;
}

static void assert_window(const struct bed *b, uint32_t cwnd, uint32_t ssthresh)
{
  if (b->c.cwnd != cwnd || b->c.ssthresh != ssthresh) fail_msg("cwnd %u ssthresh %u, not %u %u", b->c.cwnd, b->c.ssthresh, cwnd, ssthresh);
}

// --- the receiver: section 6.1.3 ---------------------------------------------------------------------------------------

static void test_ecn_echoes_a_mark_until_the_peer_slowed_down(void **state)
{
  struct bed b = bed_of(state, false);
  data(&b, RCV_ACCEPT, false, false);
  assert_false(echoes(&b, TX_ACK));
  data(&b, RCV_ACCEPT, true, false);
  data(&b, RCV_ACCEPT, false, false);
  assert_true(echoes(&b, TX_ACK) && echoes(&b, TX_ACK) && echoes(&b, TX_DATA));
  assert_false(echoes(&b, TX_RST));
  data(&b, RCV_ACCEPT, true, true);     // slowed down, but not enough
  assert_true(echoes(&b, TX_ACK));
  data(&b, RCV_OUT_OF_ORDER, false, true);
  assert_false(echoes(&b, TX_ACK));
}

static void test_ecn_sees_marks_in_the_window_alone(void **state)
{
  struct bed b = bed_of(state, false);
  const enum rcv_class_e in[] = {RCV_ACCEPT, RCV_OUT_OF_ORDER, RCV_NO_INTERVAL};
  const enum rcv_class_e out[] = {RCV_DUPLICATE, RCV_OUT_OF_WINDOW, RCV_CHALLENGE, RCV_PAWS, RCV_NO_ACK, RCV_PURE_ACK};
  for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
    data(&b, in[i], true, false);
    assert_true(echoes(&b, TX_ACK));
    data(&b, in[i], false, true);
    assert_false(echoes(&b, TX_ACK));
  }
  for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
    data(&b, out[i], true, false);
    assert_false(echoes(&b, TX_ACK));
    b.e.echo = true;
    data(&b, out[i], false, true);
    assert_true(echoes(&b, TX_ACK));
    b.e.echo = false;
  }
  segment(&b, RCV_ACCEPT, false, 0, (struct ecn_arrival){.ce = true});   // a FIN alone
  assert_false(echoes(&b, TX_ACK));
}

static void test_ecn_is_nothing_to_a_flow_that_has_not_agreed(void **state)
{
  struct bed b = bed_of(state, false);
  struct ecn_header h;
  b.e = (struct core_ecn){0};
  data(&b, RCV_ACCEPT, true, false);
  assert_false(echoes(&b, TX_ACK));
  b.v.tail = seq_add(b.v.tail, 4 * MSS);
  for (int i = 0; i < 4; i++) {
    assert_true(leaves(&b, &h));
    assert_false(h.capable || h.cwr || h.ece);
  }
  ack(&b, MSS, true);
  assert_int_equal(b.c.una.v, at(&b, MSS).v);
  assert_window(&b, IW, NIC_CWND_MAX);
  b.now_us = b.c.rto_at_us;
  assert_true(ecn_timeout(&b.caps, &b.e, &b.c, b.now_us).expired);
  assert_false(b.e.cwr || b.e.slow);
}

// Marks may come from a peer that heard us ask; what we send must be unmarked.
static void test_ecn_echoes_to_a_peer_that_it_may_not_mark_for(void **state)
{
  struct bed b = bed_of(state, false);
  struct ecn_header h;
  b.e.marks = false;
  data(&b, RCV_ACCEPT, true, false);
  assert_true(echoes(&b, TX_ACK));
  b.v.tail = seq_add(b.v.tail, MSS);
  assert_true(leaves(&b, &h));
  assert_false(h.capable);
}

// --- what leaves: sections 6.1.4, 6.1.5, 6.1.6 ---------------------------------------------------------------------------

static void test_ecn_marks_new_data_alone(void **state)
{
  struct bed b = bed_of(state, false);
  const struct { struct tx_desc d; bool rexmit; uint32_t wnd; bool capable; } rows[] = {
    {{.kind = TX_DATA, .len = 1}, false, 1, true},
    {{.kind = TX_DATA, .len = 1, .fin = true}, false, 1, true},
    {{.kind = TX_DATA, .fin = true}, false, 1, false},
    {{.kind = TX_DATA, .len = 1}, true, 1, false},
    {{.kind = TX_DATA, .len = 1}, false, 0, false},   // a probe
    {{.kind = TX_ACK}, false, 1, false},
    {{.kind = TX_RST}, false, 1, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    b.e.cwr = true;
    b.c.wnd = rows[i].wnd;
    struct ecn_header h = ecn_leaves(&b.e, &b.c, &rows[i].d, rows[i].rexmit);
    assert_int_equal(h.capable, rows[i].capable);
    assert_int_equal(h.cwr, rows[i].capable);      // CWR goes with what may be marked, or waits for it
    assert_int_equal(b.e.cwr, !rows[i].capable);
  }
}

// --- the sender: section 6.1.2 -------------------------------------------------------------------------------------------

static void test_ecn_halves_the_window_for_an_echo_and_says_so_once(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 10, false);
  ack(&b, 2 * MSS, true);
  assert_window(&b, 5 * MSS, 5 * MSS);
  assert_false(b.c.recovery);
  b.v.tail = seq_add(b.v.tail, 20 * MSS);
  ack(&b, 8 * MSS, false);
  leave_with(&b, true, true);
  leave_with(&b, true, false);
}

static void test_ecn_counts_what_was_out_before_the_ack_that_echoes(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 8, false);
  ack(&b, 8 * MSS, true);
  assert_window(&b, 4 * MSS, 4 * MSS);
}

static void test_ecn_reduces_once_a_window(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 10, false);
  ack(&b, 1 * MSS, true);
  assert_window(&b, 5 * MSS, 5 * MSS);
  for (uint32_t n = 2; n <= 10; n++) ack(&b, n * MSS, true);
  assert_window(&b, 5 * MSS, 5 * MSS);     // nor does it grow
  fly(&b, 4, true);
  ack(&b, 10 * MSS, true);                 // nothing that left behind the reduction
  assert_window(&b, 4 * MSS, 5 * MSS);
  ack(&b, 11 * MSS, true);
  assert_window(&b, 2 * MSS, 2 * MSS);
}

static void test_ecn_grows_by_no_ack_that_echoes(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 10, false);
  ack(&b, 1 * MSS, true);
  b.c.ssthresh = NIC_CWND_MAX;
  b.c.cwnd = 9 * MSS;
  ack(&b, 2 * MSS, true);
  assert_window(&b, 9 * MSS, NIC_CWND_MAX);
  ack(&b, 3 * MSS, false);
  assert_window(&b, 10 * MSS, NIC_CWND_MAX);
}

static void test_ecn_never_widens_the_window(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 1, false);
  b.c.cwnd = MSS;
  ack(&b, MSS, true);
  assert_window(&b, MSS, 2 * MSS);
}

static void test_ecn_heeds_a_mark_long_after_the_last(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 4, false);
  ack(&b, 4 * MSS, true);
  fly(&b, 1, true);
  ack(&b, 5 * MSS, false);
  struct seq far = seq_add(b.c.una, 0x80000000u + MSS);   // as far again
  b.c.una = b.c.nxt = b.c.max = b.c.told = b.v.tail = far;
  b.c.recover = seq_add(far, UINT32_MAX);
  fly(&b, 8, false);
  ack(&b, (uint32_t)seq_diff(far, b.base) + MSS, true);
  assert_window(&b, 4 * MSS, 4 * MSS);
}

static void test_ecn_heeds_no_echo_that_proves_nothing(void **state)
{
  struct bed b = bed_of(state, false);
  const struct ecn_arrival ece = {.ece = true};
  fly(&b, 10, false);
  ack(&b, 2 * MSS, false);
  b.c.cwnd = 8 * MSS;
  segment(&b, RCV_PURE_ACK, true, MSS, ece);              // overtaken by the one before
  segment(&b, RCV_DUPLICATE, false, 3 * MSS, ece);
  segment(&b, RCV_OUT_OF_WINDOW, false, 3 * MSS, ece);
  segment(&b, RCV_CHALLENGE, false, 3 * MSS, ece);
  assert_int_equal(b.c.cwnd, 8 * MSS);
  segment(&b, RCV_ACCEPT, false, 2 * MSS, (struct ecn_arrival){.len = 1, .ece = true});   // nothing else is new in it
  assert_window(&b, 4 * MSS, 4 * MSS);
}

static void lose(struct bed *b, uint32_t una)
{
  for (uint32_t n = 1; n <= 3; n++) {
    if (b->c.sack_ok) snd_sack(&b->caps, &b->c, (struct core_block){at(b, una + MSS), at(b, una + (n + 1) * MSS)});
    ack(b, una, false);
  }
  assert_true(b->c.recovery);
}

static void loss_in_the_marked_window(void **state, bool sack)
{
  struct bed b = bed_of(state, sack);
  fly(&b, 12, false);
  ack(&b, 2 * MSS, true);
  assert_window(&b, 6 * MSS, 6 * MSS);
  lose(&b, 2 * MSS);
  assert_window(&b, sack ? 6 * MSS : 9 * MSS, 6 * MSS);   // without SACK three segments have left
}

static void test_ecn_is_no_second_reason_for_loss_in_the_same_window(void **state)
{
  loss_in_the_marked_window(state, false);
  loss_in_the_marked_window(state, true);
}

static void test_ecn_lets_a_later_loss_reduce(void **state)
{
  struct bed b = bed_of(state, true);
  fly(&b, 8, false);
  ack(&b, 1 * MSS, true);
  ack(&b, 8 * MSS, false);
  fly(&b, 6, true);
  lose(&b, 8 * MSS);
  assert_window(&b, 3 * MSS, 3 * MSS);
}

static void test_ecn_tells_the_peer_of_recovery_and_reduces_no_further_in_it(void **state)
{
  struct bed b = bed_of(state, true);
  fly(&b, 8, false);
  lose(&b, 0);
  assert_window(&b, 4 * MSS, 4 * MSS);
  leave_with(&b, false, false);
  ack(&b, 1 * MSS, true);
  assert_window(&b, 4 * MSS, 4 * MSS);
  ack(&b, 8 * MSS, true);
  assert_false(b.c.recovery);
  assert_window(&b, 4 * MSS, 4 * MSS);
  b.v.tail = seq_add(b.v.tail, MSS);
  leave_with(&b, true, true);
}

// The ACK that ends it shows a loss in what was sent since, and the next one begins with it.
static void test_ecn_tells_the_peer_of_recovery_behind_recovery(void **state)
{
  struct bed b = bed_of(state, true);
  fly(&b, 8, false);
  lose(&b, 0);
  b.v.tail = seq_add(b.v.tail, 8 * MSS);
  b.c.cwnd = 20 * MSS;
  leave_with(&b, false, false);
  for (int i = 0; i < 8; i++) leave_with(&b, true, i == 0);
  snd_sack(&b.caps, &b.c, (struct core_block){at(&b, 9 * MSS), at(&b, 13 * MSS)});
  ack(&b, 8 * MSS, false);
  assert_true(b.c.recovery && b.e.cwr);
  assert_int_equal(b.e.until.v, at(&b, 16 * MSS).v);
}

static void test_ecn_tells_the_peer_of_a_timeout(void **state)
{
  struct bed b = bed_of(state, false);
  fly(&b, 4, false);
  b.now_us = b.c.rto_at_us;
  assert_true(ecn_timeout(&b.caps, &b.e, &b.c, b.now_us).expired);
  assert_int_equal(b.c.cwnd, MSS);
  assert_true(b.e.cwr && b.e.slow);
  leave_with(&b, false, false);
  b.v.tail = seq_add(b.v.tail, 4 * MSS);
  ack(&b, 4 * MSS, true);                                  // of the window that timed out
  assert_int_equal(b.c.cwnd, MSS);
  leave_with(&b, true, true);
}

static void test_ecn_takes_no_probe_for_loss(void **state)
{
  struct bed b = bed_of(state, false);
  struct ecn_header h;
  segment(&b, RCV_PURE_ACK, true, 0, (struct ecn_arrival){0});
  b.c.wnd = 0;
  b.v.tail = seq_add(b.v.tail, 2 * MSS);
  assert_false(leaves(&b, &h));
  for (int i = 0; i < 3; i++) {
    b.now_us = b.c.rto_at_us;
    assert_true(ecn_timeout(&b.caps, &b.e, &b.c, b.now_us).expired);
    leave_with(&b, false, false);
  }
  assert_false(b.e.cwr || b.e.slow);
}

#define ROWS(f) {#f " at 1000", f, NULL, NULL, (void *)(uintptr_t)&isns[0]}, {#f " near 2^31", f, NULL, NULL, (void *)(uintptr_t)&isns[1]}, \
                {#f " near 2^32", f, NULL, NULL, (void *)(uintptr_t)&isns[2]}, {#f " at 2^32 - 1", f, NULL, NULL, (void *)(uintptr_t)&isns[3]}

int main(void)
{
  const struct CMUnitTest tests[] = {
    ROWS(test_ecn_echoes_a_mark_until_the_peer_slowed_down),
    ROWS(test_ecn_sees_marks_in_the_window_alone),
    ROWS(test_ecn_is_nothing_to_a_flow_that_has_not_agreed),
    ROWS(test_ecn_echoes_to_a_peer_that_it_may_not_mark_for),
    ROWS(test_ecn_marks_new_data_alone),
    ROWS(test_ecn_halves_the_window_for_an_echo_and_says_so_once),
    ROWS(test_ecn_counts_what_was_out_before_the_ack_that_echoes),
    ROWS(test_ecn_reduces_once_a_window),
    ROWS(test_ecn_grows_by_no_ack_that_echoes),
    ROWS(test_ecn_never_widens_the_window),
    ROWS(test_ecn_heeds_a_mark_long_after_the_last),
    ROWS(test_ecn_heeds_no_echo_that_proves_nothing),
    ROWS(test_ecn_is_no_second_reason_for_loss_in_the_same_window),
    ROWS(test_ecn_lets_a_later_loss_reduce),
    ROWS(test_ecn_tells_the_peer_of_recovery_and_reduces_no_further_in_it),
    ROWS(test_ecn_tells_the_peer_of_recovery_behind_recovery),
    ROWS(test_ecn_tells_the_peer_of_a_timeout),
    ROWS(test_ecn_takes_no_probe_for_loss),
  };
  return cmocka_run_group_tests_name("core_ecn", tests, NULL, NULL);
}
