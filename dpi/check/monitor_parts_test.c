// SPDX-License-Identifier: Apache-2.0
// monitor: its parts by themselves. Ranges against a plain array of bytes, the store of bytes in flight, the segment parser.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "check/monitor_segment.h"
#include "check/monitor_spans.h"
#include "check/monitor_store.h"

enum { BYTES = 600, PAGE = 16384 };

static const uint32_t begins[] = {1000, 0xffffff00, 0x7fffff00};

// How often each byte arrived is counted in an array; the ranges must say the same.
static void test_arrived_says_what_came_and_what_came_twice(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 3);
  for (unsigned round = 0; round < 300; round++) {
    struct seq base = seq_of(begins[round % 3]);
    struct arrived a;
    uint8_t times[BYTES] = {0};
    uint32_t next = 0;
    arrived_begin(&a, base);
    for (unsigned i = 0; i < 40; i++) {
      uint32_t from = rng_below(&r, BYTES - 20), len = rng_below(&r, 20);
      arrived_add(&a, seq_add(base, from), seq_add(base, from + len));
      for (uint32_t k = from; k < from + len; k++) times[k]++;
      while (times[next]) next++;
      assert_int_equal(seq_diff(a.next, base), next);
      from = rng_below(&r, BYTES - 20), len = 1 + rng_below(&r, 20);
      bool came = true, twice = true;
      for (uint32_t k = from; k < from + len; k++) came &= times[k] > 0, twice &= times[k] > 1;
      assert_int_equal(arrived_has(&a, seq_add(base, from), seq_add(base, from + len)), came);
      assert_int_equal(arrived_twice(&a, seq_add(base, from), seq_add(base, from + len)), twice);
    }
  }
}

static void test_spans_join_the_nearest_when_full(void **state)
{
  (void)state;
  struct spans p = {0};
  for (uint32_t i = 0; i < SPANS_MAX; i++) spans_add(&p, seq_of(i * 100 + (i == 50 ? 5 : 0)), seq_of(i * 100 + 10));
  assert_int_equal(p.n, SPANS_MAX);
  assert_false(spans_cover(&p, seq_of(5105), seq_of(5195)));
  spans_add(&p, seq_of(20000), seq_of(20010));          // the gap from 5010 to 5100 is not the smallest: those of 90 before it are
  assert_int_equal(p.n, SPANS_MAX);
  assert_true(spans_cover(&p, seq_of(20000), seq_of(20010)));
  assert_true(spans_cover(&p, seq_of(0), seq_of(110)));
  assert_false(spans_cover(&p, seq_of(100), seq_of(210)));
  spans_add(&p, seq_of(4020), seq_of(4090));            // leaves gaps of 10
  assert_true(spans_cover(&p, seq_of(100), seq_of(210)));
  spans_add(&p, seq_of(30000), seq_of(30010));
  assert_true(spans_cover(&p, seq_of(4000), seq_of(4090)));
  assert_false(spans_cover(&p, seq_of(200), seq_of(310)));
}

static void test_spans_forget_what_ends_before(void **state)
{
  (void)state;
  struct spans p = {0};
  spans_add(&p, seq_of(0xfffffff0), seq_of(0xfffffff8));
  spans_add(&p, seq_of(0xfffffffc), seq_of(4));
  spans_forget(&p, seq_of(0xfffffff7));
  assert_int_equal(p.n, 2);
  spans_forget(&p, seq_of(0xfffffff8));
  assert_int_equal(p.n, 1);
  spans_forget(&p, seq_of(3));
  assert_int_equal(p.n, 1);
  spans_forget(&p, seq_of(4));
  assert_int_equal(p.n, 0);
}

static void test_arrived_takes_nothing_out_of_reach(void **state)
{
  (void)state;
  struct arrived a;
  for (unsigned i = 0; i < 3; i++) {
    struct seq base = seq_of(begins[i]);
    arrived_begin(&a, base);
    arrived_add(&a, seq_add(base, 1u << 30), seq_add(base, (1u << 30) + 9));
    assert_int_equal(a.ahead.n, 1);
    arrived_add(&a, seq_add(base, (1u << 30) + 1), seq_add(base, (1u << 30) + 99));
    assert_false(arrived_has(&a, seq_add(base, 1u << 30), seq_add(base, (1u << 30) + 10)));
    arrived_add(&a, seq_add(base, -(1u << 29)), seq_add(base, 9 - (1u << 29)));
    assert_int_equal(a.twice.n, 1);
    arrived_add(&a, seq_add(base, -(1u << 29) - 1), seq_add(base, 99 - (1u << 29)));
    assert_false(arrived_twice(&a, seq_add(base, -(1u << 29)), seq_add(base, 10 - (1u << 29))));
    assert_true(arrived_reaches(&a, seq_add(base, 1u << 30)) && arrived_reaches(&a, seq_add(base, -(1u << 29))));
    assert_false(arrived_reaches(&a, seq_add(base, (1u << 30) + 1)) || arrived_reaches(&a, seq_add(base, -(1u << 29) - 1)));
    arrived_add(&a, base, seq_add(base, 9));
    arrived_add(&a, base, base);                        // what came twice is forgotten when it is out of reach
    arrived_add(&a, seq_add(base, 9), seq_add(base, 10));
    assert_int_equal(a.twice.n, 0);
  }
}

static const uint8_t letters[] = "abcdefghijklmnopqrstuvwxyz";

static void test_store_compares_what_it_keeps(void **state)
{
  (void)state;
  struct store *s = store_open(10 * PAGE);
  assert_non_null(s);
  for (unsigned i = 0; i < 3; i++) {
    struct stored d = {{0}};
    struct seq at = seq_of(begins[i] / PAGE * PAGE + PAGE - 10);      // over the edge of a page
    struct store_result r = store_put(s, &d, at, letters, 26);
    assert_int_equal(r.compared + r.unstored, 0);
    r = store_put(s, &d, seq_add(at, 30), letters, 26);              // leaves a gap of 4
    assert_int_equal(r.compared, 0);
    r = store_put(s, &d, seq_add(at, 20), letters + 20, 6);
    assert_int_equal(r.compared, 6);
    assert_false(r.differs);
    uint8_t more[20] = "yz....abcdefghij";
    r = store_put(s, &d, seq_add(at, 24), more, 16);
    assert_int_equal(r.compared, 12);
    assert_false(r.differs);
    r = store_put(s, &d, seq_add(at, 5), (const uint8_t *)"fgXYj", 5);
    assert_int_equal(r.compared, 5);
    assert_true(r.differs);
    assert_int_equal(seq_diff(r.at, at), 7);
    assert_int_equal(r.was, 'h');
    assert_int_equal(r.is, 'X');
    store_clear(s, &d);
    r = store_put(s, &d, at, letters, 26);
    assert_int_equal(r.compared, 0);
    store_clear(s, &d);
  }
  store_close(s);
}

// Ten thousand pages pass through a pool of three.
static void test_store_gives_pages_back(void **state)
{
  (void)state;
  struct store *s = store_open(2 * (PAGE + PAGE / 8 + 8));
  struct stored d = {{0}};
  struct seq at = seq_of(0xfff00000), una = at;
  for (unsigned i = 0; i < 10000; i++, at = seq_add(at, PAGE / 2)) {
    struct store_result r = store_put(s, &d, at, letters, 26);
    assert_int_equal(r.unstored, 0);
    store_forget(s, &d, una, seq_add(at, 20));
    una = seq_add(at, 20);
    r = store_put(s, &d, seq_add(at, 20), letters + 20, 6);
    assert_int_equal(r.compared, 6);                                  // what is not acknowledged is still there
  }
  assert_int_equal(store_put(s, &d, seq_add(at, PAGE), letters, 26).unstored, 0);
  assert_int_equal(store_put(s, &d, seq_add(at, 2 * PAGE), letters, 26).unstored, 0);
  assert_int_equal(store_put(s, &d, seq_add(at, 3 * PAGE), letters, 26).unstored, 26);
  store_forget(s, &d, una, seq_add(at, 0x40000000));                  // far on: everything before is given back
  for (uint32_t i = 0; i < 3; i++) assert_int_equal(store_put(s, &d, seq_add(at, i * PAGE), letters, 26).unstored, 0);
  store_close(s);
}

// Pages that are wholly acknowledged are given back, and just these.
static void test_store_forgets_up_to_the_acknowledgment(void **state)
{
  (void)state;
  struct store *s = store_open(7 * (PAGE + PAGE / 8 + 8));            // eight pages
  struct stored d = {{0}};
  struct seq at = seq_of(-(uint32_t)3 * PAGE);                        // five pages in a row, over the wrap, and one far on
  for (uint32_t i = 0; i < 5; i++) store_put(s, &d, seq_add(at, i * PAGE), letters, 26);
  store_put(s, &d, seq_add(at, 255 * PAGE), letters, 26);
  store_forget(s, &d, at, seq_add(at, 3 * PAGE));
  for (uint32_t i = 0; i < 5; i++)
    assert_int_equal(store_put(s, &d, seq_add(at, i * PAGE), letters, 26).compared, i < 3 ? 0 : 26);
  for (uint32_t i = 5; i < 7; i++) assert_int_equal(store_put(s, &d, seq_add(at, i * PAGE), letters, 26).unstored, 0);
  assert_int_equal(store_put(s, &d, seq_add(at, 7 * PAGE), letters, 26).unstored, 26);
  store_forget(s, &d, seq_add(at, -(uint32_t)100 * PAGE), seq_add(at, 255 * PAGE + 10));     // more pages than places
  assert_int_equal(store_put(s, &d, seq_add(at, 255 * PAGE), letters, 26).compared, 26);
  assert_int_equal(store_put(s, &d, seq_add(at, 6 * PAGE), letters, 26).compared, 0);
  store_close(s);
}

static void test_store_keeps_4_mib_a_flow(void **state)
{
  (void)state;
  struct store *s = store_open(300 * PAGE);
  struct stored d = {{0}};
  assert_int_equal(store_put(s, &d, seq_of(0), letters, 26).unstored, 0);
  assert_int_equal(store_put(s, &d, seq_of(STORE_SLOTS * PAGE - 1), letters, 26).unstored, 25);
  assert_int_equal(store_put(s, &d, seq_of(0), letters, 26).compared, 26);
  store_close(s);
}

// --- the parser ------------------------------------------------------------------------------------------------------

static void test_mseg_reads_every_field(void **state)
{
  (void)state;
  static const uint8_t p[] = {0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4, 5, 6, 7, 8, 0xf3, 0x9b, 0xaa, 0xbb, 0, 0, 9, 9,
                              2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 7, 1,
                              5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 'h', 'i'};
  struct mseg s;
  assert_null(mseg_parse(&s, p, sizeof p));
  assert_int_equal(s.src_port, 0x1234);
  assert_int_equal(s.dst_port, 0x5678);
  assert_int_equal(s.seq.v, 0x01020304);
  assert_int_equal(s.ack.v, 0x05060708);
  assert_int_equal(s.flags, 0x39b);
  assert_int_equal(s.window, 0xaabb);
  assert_null(s.options_wrong);
  assert_true(s.has_mss && s.sack_permitted && s.has_ts && s.has_scale);
  assert_int_equal(s.mss, 1460);
  assert_int_equal(s.scale, 7);
  assert_int_equal(s.tsval, 0x01010101);
  assert_int_equal(s.tsecr, 0x02020202);
  assert_int_equal(s.n_sack, 2);
  assert_int_equal(s.sack_from[1].v, 3);
  assert_int_equal(s.sack_to[1].v, 4);
  assert_int_equal(s.options_len, 40);
  assert_int_equal(s.payload_len, 2);
  assert_int_equal(s.payload[0], 'h');
  assert_int_equal(mseg_len(&s), 4);                                  // SYN and FIN
  assert_int_equal(mseg_data(&s).v, 0x01020305);
  assert_int_equal(mseg_data_end(&s).v, 0x01020307);
  assert_int_equal(mseg_end(&s).v, 0x01020308);
  for (unsigned kind = 0; kind < 256; kind++)
    assert_int_equal(mseg_has(&s.kinds, (uint8_t)kind), kind == 2 || kind == 3 || kind == 4 || kind == 5 || kind == 8);
}

// Each option in a header of its own, padded with zeros.
static void test_mseg_names_what_is_wrong_with_options(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t len;
    bool good;
  } t[] = {
    {"\1\1\1\1", 4, true},      {"\0\0\0\0", 4, true},    {"\0\0\0\1", 4, false},  {"\2\4\1\1", 4, true},    {"\2\3\1\0", 4, false},
    {"\3\3\1\0", 4, true},      {"\3\2\0\0", 4, false},   {"\3\4\1\1", 4, false},  {"\4\2\0\0", 4, true},    {"\4\3\0\0", 4, false},
    {"\5\2\0\0", 4, false},     {"\1\1\1\5", 4, false},   {"\1\1\5\2", 4, false},  {"\36\2\0\0", 4, true},   {"\36\1\0\0", 4, false},
    {"\36\0\0\0", 4, false},    {"\36\5\0\0", 4, false},  {"\36\4\0\0", 4, true},
    {"\10\12\0\0\0\0\0\0\0\0\0\0", 12, true},  {"\10\11\0\0\0\0\0\0\0\0\0\0", 12, false},  {"\10\13\0\0\0\0\0\0\0\0\0\0", 12, false},
    {"\5\12\0\0\0\0\0\0\0\0\0\0", 12, true},   {"\5\11\0\0\0\0\0\0\0\0\0\0", 12, false},   {"\5\13\0\0\0\0\0\0\0\0\0\0", 12, false},
    {"\3\4\1\1\2\4\1\1", 8, false},    // the first counts, not the last
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    uint8_t *p = calloc(1, 20 + t[i].len);    // exactly sized, so that ASan sees a read past the end
    struct mseg s;
    assert_non_null(p);
    p[12] = (uint8_t)((20 + t[i].len) / 4 << 4);
    memcpy(p + 20, t[i].bytes, t[i].len);
    assert_null(mseg_parse(&s, p, 20 + t[i].len));
    if (!s.options_wrong != t[i].good) fail_msg("case %zu: %s", i, s.options_wrong ? s.options_wrong : "nothing wrong");
    free(p);
  }
}

static void test_mseg_refuses_bad_lengths(void **state)
{
  (void)state;
  uint8_t p[60] = {0};
  struct mseg s;
  for (unsigned words = 0; words < 16; words++)
    for (size_t len = 0; len <= sizeof p; len++) {
      p[12] = (uint8_t)(words << 4);
      assert_int_equal(!mseg_parse(&s, p, len), words >= 5 && len >= words * 4);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_arrived_says_what_came_and_what_came_twice),
    cmocka_unit_test(test_spans_join_the_nearest_when_full),
    cmocka_unit_test(test_spans_forget_what_ends_before),
    cmocka_unit_test(test_arrived_takes_nothing_out_of_reach),
    cmocka_unit_test(test_store_compares_what_it_keeps),
    cmocka_unit_test(test_store_gives_pages_back),
    cmocka_unit_test(test_store_forgets_up_to_the_acknowledgment),
    cmocka_unit_test(test_store_keeps_4_mib_a_flow),
    cmocka_unit_test(test_mseg_reads_every_field),
    cmocka_unit_test(test_mseg_names_what_is_wrong_with_options),
    cmocka_unit_test(test_mseg_refuses_bad_lengths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
