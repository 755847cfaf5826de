// SPDX-License-Identifier: Apache-2.0
// CUBIC's curve against the formula of RFC 9438 in floating point, and a window's way along it: down, back to W_max in K, and up.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants these first
#include <cmocka.h>

#include "tcp/core/core.h"

static const double TICK_S = 1.024e-3;

static double k_seconds(double below_max, double mss) { return cbrt(below_max / mss / 0.4); }

static double window(double w_max, double k_s, double t_s, double mss)
{
  double w = w_max + 0.4 * mss * (t_s - k_s) * (t_s - k_s) * (t_s - k_s);
  return fmin(fmax(w, 0), NIC_CWND_MAX);
}

static void test_cubic_k_is_the_cube_root_within_a_percent(void **state)
{
  (void)state;
  static const uint32_t mss[] = {1, 88, 536, 1000, 1460, 8960};
  for (size_t i = 0; i < sizeof mss / sizeof *mss; i++) {
    assert_int_equal(cubic_k(0, mss[i]), 0);
    for (uint64_t d = mss[i]; d <= NIC_CWND_MAX; d += d / 7 + 1) {
      double want = k_seconds((double)d, mss[i]) / TICK_S, got = cubic_k((uint32_t)d, mss[i]);
      if (fabs(got - want) > 0.01 * want) fail_msg("K of %u below, MSS %u: %g ticks, not %g", (unsigned)d, mss[i], got, want);
    }
  }
}

static void test_cubic_window_follows_the_formula(void **state)
{
  (void)state;
  static const uint32_t mss[] = {536, 1460, 8960}, maxima[] = {10, 60, 1000, 20000};
  for (size_t i = 0; i < 3; i++) {
    for (size_t j = 0; j < 4; j++) {
      uint32_t w_max = maxima[j] * mss[i], k = cubic_k(w_max * 3 / 10, mss[i]);
      for (uint32_t t = 0; t < 4 * k; t += 1 + k / 97) {
        double want = window(w_max, k * TICK_S, t * TICK_S, mss[i]), got = cubic_window(w_max, k, t, mss[i]);
        if (fabs(got - want) > 0.001 * want + 2) fail_msg("MSS %u, W_max %u, tick %u of K %u: %g, not %g", mss[i], w_max, t, k, got, want);
      }
      assert_int_equal(cubic_window(w_max, k, k, mss[i]), w_max);
    }
  }
}

static void test_cubic_window_stays_inside_its_bounds(void **state)
{
  (void)state;
  assert_int_equal(cubic_window(NIC_CWND_MAX, 0, 0, 1460), NIC_CWND_MAX);
  assert_int_equal(cubic_window(10000, 0, UINT32_MAX, 1460), NIC_CWND_MAX);
  assert_int_equal(cubic_window(10000, UINT32_MAX, 0, 8960), 0);
  assert_int_equal(cubic_window(1, 0, 1 << 20, 1), cubic_window(1, 0, (1 << 20) - 1, 1));   // time stands still after 18 minutes
}

enum { MSS = 1460, RTT_TICKS = 50 };

static void step(struct snd_ctx *c, uint8_t kind, uint32_t acked, uint32_t tick)
{
  const struct core_caps caps = {.congestion = CORE_CC_CUBIC};
  cc_step(&caps, c, &(struct cc_in){.kind = kind, .sack = true, .first = true, .acked = acked, .flight = c->cwnd, .tick = tick});
}

// A round trip in which a whole window is acknowledged, segment by segment.
static void round_trip(struct snd_ctx *c, uint32_t tick)
{
  for (uint32_t n = c->cwnd / MSS; n-- > 0;) step(c, CC_ACK, MSS, tick);
}

static void test_cubic_comes_back_along_the_curve_and_goes_on(void **state)
{
  (void)state;
  struct snd_ctx c = {.mss = MSS, .srtt_us = RTT_TICKS << 13, .cwnd = 600 * MSS, .ssthresh = 1};
  uint32_t tick = 0xfffff000u, w_max = c.cwnd;
  step(&c, CC_LOSS, 0, tick);
  step(&c, CC_EXIT, 0, tick);
  assert_true(c.cc_b == w_max && c.cwnd == c.ssthresh && c.cwnd == (uint32_t)((uint64_t)w_max * 179 >> 8));
  double k_s = k_seconds(w_max - c.cwnd, MSS);
  for (uint32_t t = 0; t * TICK_S < 1.7 * k_s; t += RTT_TICKS, tick += RTT_TICKS) {
    round_trip(&c, tick);
    double want = window(w_max, k_s, (t + RTT_TICKS) * TICK_S, MSS);
    if (fabs(c.cwnd - want) > 0.02 * want + MSS) fail_msg("after %u ticks %u bytes, not %g", t, c.cwnd, want);
  }
  assert_true(c.cwnd > w_max + 20 * MSS);
}

static void test_cubic_is_never_slower_than_reno_would_be(void **state)
{
  (void)state;
  struct snd_ctx c = {.mss = MSS, .srtt_us = 1 << 13, .cwnd = 10 * MSS, .ssthresh = 1};
  step(&c, CC_LOSS, 0, 0);
  step(&c, CC_EXIT, 0, 0);
  uint32_t before = c.cwnd;
  for (uint32_t t = 0; t < 20; t++) round_trip(&c, t);   // 20 round trips of a tick: the curve has hardly moved
  assert_true(c.cwnd >= before + 9 * MSS && c.cwnd <= before + 21 * MSS);
}

static void test_cubic_gives_way_when_the_window_did_not_come_back(void **state)
{
  (void)state;
  struct snd_ctx c = {.mss = MSS, .cwnd = 100 * MSS, .ssthresh = 1};
  step(&c, CC_LOSS, 0, 0);
  uint32_t low = c.cwnd;
  step(&c, CC_LOSS, 0, 10);
  assert_int_equal(c.cc_b, (uint64_t)low * 218 >> 8);   // (1 + beta) / 2 of what it was
  assert_int_equal(c.ssthresh, (uint64_t)low * 179 >> 8);
  step(&c, CC_TIMEOUT, 0, 20);
  assert_true(c.cwnd == MSS && !c.cc_on);
}

static void test_cubic_does_not_grow_when_the_window_is_not_used(void **state)
{
  (void)state;
  const struct core_caps caps = {.congestion = CORE_CC_CUBIC};
  struct snd_ctx c = {.mss = MSS, .cwnd = 100 * MSS, .ssthresh = 1};
  cc_step(&caps, &c, &(struct cc_in){.kind = CC_ACK, .acked = MSS, .flight = 50 * MSS - 1, .tick = 5});
  assert_true(c.cwnd == 100 * MSS && !c.cc_on);
}

// Section 4.2 and 5.8: otherwise the window would jump by half when it is used again.
static void test_cubic_time_stands_still_while_the_window_is_not_used(void **state)
{
  (void)state;
  const struct core_caps caps = {.congestion = CORE_CC_CUBIC};
  struct snd_ctx c = {.mss = MSS, .srtt_us = RTT_TICKS << 13, .cwnd = 600 * MSS, .ssthresh = 1}, d;
  uint32_t tick = 0, limited = 60000;
  step(&c, CC_LOSS, 0, tick);
  for (; tick < 3000; tick += RTT_TICKS) round_trip(&c, tick);
  assert_true(c.cwnd < 600 * MSS);
  d = c;
  for (uint32_t t = 0; t < limited; t += RTT_TICKS)
    cc_step(&caps, &d, &(struct cc_in){.kind = CC_ACK, .acked = MSS, .flight = 10 * MSS, .tick = tick + t});
  assert_int_equal(d.cwnd, c.cwnd);
  for (; tick < 7000; tick += RTT_TICKS) {
    round_trip(&c, tick);
    round_trip(&d, tick + limited);
    if (fabs((double)c.cwnd - d.cwnd) > 0.02 * c.cwnd) fail_msg("at %u ticks %u bytes, not %u", tick, d.cwnd, c.cwnd);
  }
}

// Section 4.8.
static void test_cubic_begins_with_the_window_it_has_after_a_timeout(void **state)
{
  (void)state;
  struct snd_ctx c = {.mss = MSS, .srtt_us = 1 << 13, .cwnd = 100 * MSS, .ssthresh = 1, .cc_b = 200 * MSS};
  step(&c, CC_TIMEOUT, 0, 0);
  while (c.cwnd < c.ssthresh) step(&c, CC_ACK, MSS, 10);
  uint32_t before = c.cwnd;
  step(&c, CC_ACK, MSS, 20);
  assert_true(c.cc_on && c.cc_k == 0 && c.cc_b == before);
}

// Section 4.3: alpha is 0.53 up to the window before the loss, though fast convergence has W_max lower.
static void test_cubic_estimates_reno_up_to_the_window_before_the_loss(void **state)
{
  (void)state;
  struct snd_ctx c = {.mss = MSS, .srtt_us = 1 << 13, .cwnd = 100 * MSS, .ssthresh = 1};
  step(&c, CC_LOSS, 0, 0);
  step(&c, CC_LOSS, 0, 0);
  assert_true(c.cc_b < 60 * MSS && c.cwnd > 48 * MSS);
  struct snd_ctx d = c;
  step(&d, CC_ACK, MSS, 0);
  assert_int_equal(d.cc_a, MSS * 136 >> 8);
  d.cc_c = 70 * MSS;                  // back at the window before: exactly
  d.cwnd = d.ssthresh = (uint32_t)((uint64_t)d.cc_c * 179 >> 8);
  d.cc_a = 0;
  step(&d, CC_ACK, MSS, 0);
  assert_int_equal(d.cc_a, MSS);
  for (int i = 0; i < 34; i++) round_trip(&c, 0);
  assert_true(c.cwnd >= 65 * MSS && c.cwnd <= 68 * MSS);
  for (int i = 0; i < 20; i++) round_trip(&c, 0);
  assert_true(c.cwnd >= 80 * MSS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cubic_k_is_the_cube_root_within_a_percent),
    cmocka_unit_test(test_cubic_window_follows_the_formula),
    cmocka_unit_test(test_cubic_window_stays_inside_its_bounds),
    cmocka_unit_test(test_cubic_comes_back_along_the_curve_and_goes_on),
    cmocka_unit_test(test_cubic_is_never_slower_than_reno_would_be),
    cmocka_unit_test(test_cubic_gives_way_when_the_window_did_not_come_back),
    cmocka_unit_test(test_cubic_does_not_grow_when_the_window_is_not_used),
    cmocka_unit_test(test_cubic_time_stands_still_while_the_window_is_not_used),
    cmocka_unit_test(test_cubic_begins_with_the_window_it_has_after_a_timeout),
    cmocka_unit_test(test_cubic_estimates_reno_up_to_the_window_before_the_loss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
