// SPDX-License-Identifier: Apache-2.0
// rcv with everything built in: reassembly, SACK (RFC 2018) and D-SACK (RFC 2883), time stamps (RFC 7323), delayed ACKs (RFC
// 1122, 5681), the challenge limit and old ACKs (RFC 5961). Numbers are offsets from RCV.NXT at the open; every test runs at
// several ISNs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/rng.h"
#include "tcp/core/core.h"

enum { RING = 16384, MSS = 1000, WND = 1250, TS0 = 1000000 };
enum { FIN = 1 << NIC_FLAG_FIN, SYN = 1 << NIC_FLAG_SYN, RST = 1 << NIC_FLAG_RST, ACK = 1 << NIC_FLAG_ACK };
#define DAY_US (UINT64_C(24) * 3600 * 1000000)

static const uint32_t isns[] = {1000, 0x80000000u - 2200, 0u - 2200, 0xffffffffu};

struct bed {
  struct core_caps caps;
  struct seq peer, us;
  struct rcv_ctx c;
  struct snd_mirror snd;
  struct sent_mirror sent;
  uint64_t now_us;
  bool has_ts;
  uint32_t tsval;
  bool written[RING];      // payload bytes that went to the ring, by offset
};

static struct bed bed_of(void **state)
{
  const uint32_t *isn = *state;
  struct host_cmd o = {.kind = CMD_OPEN, .snd_nxt = seq_of(*isn + 77), .rcv_nxt = seq_of(*isn), .snd_wnd = WND, .mss = 1400,
                       .rcv_mss = MSS, .sack_ok = true, .ts_recent = TS0};
  struct bed b = {.caps = core_caps_full(RING), .peer = seq_of(*isn), .us = o.snd_nxt, .now_us = 5000000, .tsval = TS0};
  rcv_open(&b.caps, &b.c, &o, b.now_us);
  b.snd = (struct snd_mirror){.una = b.us, .max = b.us};
  b.sent = (struct sent_mirror){.ack = b.peer, .wnd_end = b.c.wnd_end};
  return b;
}

static struct bed ts_bed_of(void **state)
{
  struct bed b = bed_of(state);
  b.c.ts_ok = b.has_ts = true;
  return b;
}

static struct rcv_actions take_seg(struct bed *b, int32_t at, uint32_t len, unsigned flags)
{
  struct core_segment s = {.seq = seq_add(b->peer, (uint32_t)at), .ack = b->us, .len = len, .wnd = WND, .flags = (uint8_t)flags,
                           .has_ts = b->has_ts, .tsval = b->tsval};
  struct rcv_actions a = rcv_segment(&b->caps, &b->c, &s, &b->snd, &b->sent, b->now_us);
  if (!a.len) return a;
  assert_true(seq_eq(a.at, seq_add(s.seq, a.off)));      // no byte lands where another belongs
  assert_true(a.off + a.len <= s.len);
  assert_true(seq_leq(seq_add(a.at, a.len), b->c.wnd_end));
  for (uint32_t i = 0; i < a.len; i++) b->written[(uint32_t)seq_diff(a.at, b->peer) + i] = true;
  return a;
}

static struct rcv_actions take(struct bed *b, int32_t at, uint32_t len) { return take_seg(b, at, len, ACK); }

// An ACK leaves: all is told.
static void pay(struct bed *b)
{
  b->sent = (struct sent_mirror){.ack = b->c.nxt, .wnd_end = b->c.wnd_end};
}

static int32_t off(const struct bed *b, struct seq s) { return seq_diff(s, b->peer); }
static int32_t nxt_of(const struct bed *b) { return off(b, b->c.nxt); }

static bool same_ctx(const struct rcv_ctx *a, const struct rcv_ctx *b)
{
  uint32_t x[RCV_CTX_WORDS] = {0}, y[RCV_CTX_WORDS] = {0};
  rcv_ctx_pack(a, x);
  rcv_ctx_pack(b, y);
  return memcmp(x, y, sizeof x) == 0;
}

struct range {
  int32_t start, end;
};

// The header of an ACK sent now. With time stamps there is room for three blocks.
static struct rcv_header header(const struct bed *b)
{
  struct rcv_mirror m = rcv_mirror_of(&b->c);
  return rcv_sample(&b->caps, &m, &b->sent, true, &(struct dsack){0});
}

// The blocks of an ACK, in this order; `want` ends with {0, 0}.
static void assert_sack(const struct bed *b, const struct range *want)
{
  struct rcv_header h = header(b);
  const struct core_block *out = h.sack;
  size_t n = h.n_sack, i = 0;
  for (; i < n; i++)
    if (off(b, out[i].start) != want[i].start || off(b, out[i].end) != want[i].end)
      fail_msg("block %zu is %d-%d, not %d-%d", i, off(b, out[i].start), off(b, out[i].end), want[i].start, want[i].end);
  if (want[i].end) fail_msg("%zu blocks, %d-%d is missing", n, want[i].start, want[i].end);
}
#define ASSERT_SACK(b, ...) assert_sack(b, (const struct range[]){__VA_ARGS__, {0, 0}})
#define ASSERT_NO_SACK(b) assert_sack(b, (const struct range[]){{0, 0}})

static void assert_dup(const struct bed *b, struct rcv_actions a, int32_t start, int32_t end)
{
  assert_true(a.dup.vld && (a.ack || a.ack_now));
  if (off(b, a.dup.start) != start || off(b, a.dup.stop) != end)
    fail_msg("D-SACK %d-%d, not %d-%d", off(b, a.dup.start), off(b, a.dup.stop), start, end);
}

// --- reassembly -------------------------------------------------------------------------------------------------------

// The model: a map of the bytes there are. True when it holds no more runs above nxt than there are intervals.
static bool model_take(bool *map, uint32_t from, uint32_t to)
{
  bool was[RING];
  uint32_t runs = 0, i = 0;
  memcpy(was, map, sizeof was);
  for (uint32_t k = from; k < to; k++) map[k] = true;
  while (i < RING && map[i]) i++;
  for (; i < RING; i++) runs += map[i] && !map[i - 1];
  if (runs <= CORE_INTERVALS) return true;
  memcpy(map, was, sizeof was);
  return false;
}

// RCV.NXT and the intervals are what the map says, and no byte they claim was left unwritten.
static void assert_map(const struct bed *b, const bool *map, uint32_t size)
{
  struct rcv_header h = header(b);
  const struct core_block *out = h.sack;
  uint32_t nxt = 0, covered = 0, have = 0;
  while (nxt < size && map[nxt]) nxt++;
  assert_int_equal(nxt_of(b) - b->c.fin_done, nxt);
  for (size_t i = 0; i < h.n_sack; i++) {
    assert_true(seq_lt(b->c.nxt, out[i].start) && seq_lt(out[i].start, out[i].end));
    for (int32_t k = off(b, out[i].start); k < off(b, out[i].end); k++, covered++) assert_true(map[k]);
  }
  for (uint32_t k = nxt; k < size; k++) have += map[k];
  assert_int_equal(covered, have);
  for (uint32_t k = 0; k < size; k++) assert_true(!map[k] || b->written[k]);
}

// Segments 0..n of uneven length, in the order `perm` gives; the last with FIN.
static void arrange(void **state, const unsigned *perm, unsigned n)
{
  static const uint32_t edge[] = {0, 10, 25, 26, 60, 64, 80};
  struct bed b = bed_of(state);
  bool map[RING] = {false}, fin = false;
  uint32_t size = edge[n];
  for (unsigned i = 0; i < n; i++) {
    uint32_t from = edge[perm[i]], to = edge[perm[i] + 1], was = (uint32_t)nxt_of(&b);
    bool gap = b.c.ooo_n != 0, last = perm[i] + 1 == n;
    struct rcv_actions a = take_seg(&b, (int32_t)from, to - from, last ? ACK | FIN : ACK);
    fin |= last;
    assert_int_equal(a.class_id, from == was ? RCV_ACCEPT : RCV_OUT_OF_ORDER);
    assert_int_equal(a.len, to - from);
    assert_int_equal(a.off, 0);
    if (from != was) assert_true(a.ack_now && !a.ack);
    else if (gap) assert_true(a.ack && !a.ack_now);
    assert_true(!a.dup.vld);
    model_take(map, from, to);
    assert_map(&b, map, size);
    pay(&b);
    bool whole = nxt_of(&b) >= (int32_t)size;
    assert_int_equal(a.fin, fin && whole);
    if (a.fin) assert_true(a.ack);
  }
  assert_int_equal(nxt_of(&b), size + 1);
  assert_true(b.c.fin_done && b.c.ooo_n == 0 && !b.c.fin_vld);
}

static void permute(void **state, unsigned *perm, unsigned k, unsigned n)
{
  if (k == n) arrange(state, perm, n);
  for (unsigned i = k; i < n; i++) {
    unsigned t = perm[k];
    perm[k] = perm[i], perm[i] = t;
    permute(state, perm, k + 1, n);
    t = perm[k], perm[k] = perm[i], perm[i] = t;
  }
}

static void test_rcv_puts_two_to_six_segments_together_in_every_order(void **state)
{
  for (unsigned n = 2; n <= 6; n++) {
    unsigned perm[] = {0, 1, 2, 3, 4, 5};
    permute(state, perm, 0, n);
  }
}

static void test_rcv_agrees_with_a_byte_map_when_segments_overlap_at_random(void **state)
{
  enum { SIZE = 300 };
  struct rng rng;
  rng_seed(&rng, 3);
  for (int round = 0; round < 400; round++) {
    struct bed b = bed_of(state);
    bool map[RING] = {false};
    for (int i = 0; i < 60; i++) {
      uint32_t from = rng_below(&rng, SIZE), len = 1 + rng_below(&rng, 30), to = from + len < SIZE ? from + len : SIZE;
      bool fin = to == SIZE, dup = false, fin_was = b.c.fin_done;
      uint32_t nxt = (uint32_t)nxt_of(&b);
      struct rcv_ctx was = b.c;
      for (uint32_t k = from; k < to; k++) dup |= map[k];
      bool room = model_take(map, from, to);
      struct rcv_actions a = take_seg(&b, (int32_t)from, to - from, fin ? ACK | FIN : ACK);
      if (fin_was) {
        assert_true((a.class_id == RCV_DUPLICATE || a.class_id == RCV_AFTER_FIN) && a.ack_now && !a.len);
        continue;
      }
      if (!room) {
        assert_true(a.class_id == RCV_NO_INTERVAL && !a.len && a.ack_now);
        was.fin_vld = b.c.fin_vld, was.fin_seq = b.c.fin_seq;
        was.wl1 = b.c.wl1;
        assert_true(same_ctx(&b.c, &was));
      }
      if (to <= nxt && !fin) assert_int_equal(a.class_id, RCV_DUPLICATE);
      assert_int_equal(a.dup.vld, dup);
      assert_map(&b, map, SIZE);
      pay(&b);
    }
  }
}

static void test_rcv_refuses_a_fifth_interval_but_not_what_touches_one(void **state)
{
  struct bed b = bed_of(state);
  for (int i = 1; i <= 4; i++) assert_int_equal(take(&b, 1000 * i, 100).len, 100);
  struct rcv_actions a = take(&b, 5000, 100);
  assert_int_equal(a.class_id, RCV_NO_INTERVAL);
  assert_true(a.ack_now && !a.len && !a.dup.vld);
  ASSERT_SACK(&b, {4000, 4100}, {3000, 3100}, {2000, 2100}, {1000, 1100});
  assert_int_equal(take(&b, 500, 100).class_id, RCV_NO_INTERVAL);   // nor is a higher one evicted
  assert_int_equal(take(&b, 2100, 50).class_id, RCV_OUT_OF_ORDER);
  assert_int_equal(take(&b, 1950, 50).class_id, RCV_OUT_OF_ORDER);
  a = take(&b, 2050, 1000);                                          // joins two
  assert_int_equal(a.class_id, RCV_OUT_OF_ORDER);
  ASSERT_SACK(&b, {1950, 3100}, {4000, 4100}, {1000, 1100});
  assert_int_equal(take(&b, 5000, 100).class_id, RCV_OUT_OF_ORDER);
}

static void test_rcv_trims_to_the_window_when_out_of_order(void **state)
{
  struct bed b = bed_of(state);
  struct rcv_actions a = take(&b, RING - 50, 100);
  assert_int_equal(a.class_id, RCV_OUT_OF_ORDER);
  assert_int_equal(a.len, 50);
  assert_int_equal(a.off, 0);
  ASSERT_SACK(&b, {RING - 50, RING});
  a = take(&b, 0, RING);
  assert_int_equal(a.class_id, RCV_ACCEPT);
  assert_int_equal(nxt_of(&b), RING);
  ASSERT_NO_SACK(&b);
}

static void test_rcv_joins_intervals_when_the_segment_in_order_covers_them(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 100, 50);
  take(&b, 200, 50);
  take(&b, 400, 50);
  struct rcv_actions a = take(&b, 0, 220);
  assert_int_equal(a.len, 220);
  assert_int_equal(nxt_of(&b), 250);
  assert_true(a.ack);
  assert_dup(&b, a, 100, 150);   // the first of its duplicate parts (RFC 2883 section 4.2.2)
  ASSERT_SACK(&b, {400, 450});
}

// --- FIN out of order -------------------------------------------------------------------------------------------------

static void test_rcv_keeps_fin_until_all_before_it_is_there(void **state)
{
  struct bed b = bed_of(state);
  struct rcv_actions a = take_seg(&b, 300, 0, ACK | FIN);   // alone
  assert_true(a.ack_now && !a.fin && !a.len && b.c.fin_vld);
  ASSERT_NO_SACK(&b);
  a = take(&b, 0, 200);
  assert_true(!a.fin);
  a = take(&b, 200, 100);
  assert_true(a.fin && a.ack && b.c.fin_done && !b.c.fin_vld);
  assert_int_equal(nxt_of(&b), 301);
  assert_int_equal(take_seg(&b, 300, 0, ACK | FIN).class_id, RCV_DUPLICATE);
  assert_int_equal(nxt_of(&b), 301);
}

static void test_rcv_takes_fin_when_the_gap_before_its_data_closes(void **state)
{
  struct bed b = bed_of(state);
  struct rcv_actions a = take_seg(&b, 200, 100, ACK | FIN);
  assert_true(!a.fin && a.len == 100);
  ASSERT_SACK(&b, {200, 300});                              // a FIN is no byte of an interval
  a = take(&b, 0, 200);
  assert_true(a.fin && a.ack);
  assert_int_equal(nxt_of(&b), 301);
}

// A peer that contradicts itself: what it sent beyond its own FIN is nobody's, and no block tells of it.
static void test_rcv_forgets_what_lies_beyond_the_fin(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 1, 64);
  ASSERT_SACK(&b, {1, 65});
  struct rcv_actions a = take_seg(&b, 0, 0, ACK | FIN);
  assert_true(a.fin && b.c.fin_done && !b.c.ooo_n);
  ASSERT_NO_SACK(&b);
}

static void test_rcv_leaves_fin_out_of_order_when_outside_the_window(void **state)
{
  struct bed b = bed_of(state);
  take_seg(&b, RING - 10, 10, ACK | FIN);
  assert_true(!b.c.fin_vld);
  take_seg(&b, RING - 11, 10, ACK | FIN);
  assert_true(b.c.fin_vld);
  assert_int_equal(off(&b, b.c.fin_seq), RING - 1);
}

static void test_rcv_leaves_fin_when_there_are_no_intervals(void **state)
{
  struct bed b = bed_of(state);
  b.caps.ooo = 0;
  struct rcv_actions a = take_seg(&b, 200, 100, ACK | FIN);
  assert_int_equal(a.class_id, RCV_OUT_OF_ORDER);
  assert_true(!b.c.fin_vld && !a.len && a.ack_now);
  ASSERT_NO_SACK(&b);
}

// --- SACK (RFC 2018 section 4 and its examples of section 6) ------------------------------------------------------------

// Case 2: the first of eight is lost.
static void test_rcv_sack_names_one_growing_block_when_the_first_is_lost(void **state)
{
  struct bed b = bed_of(state);
  for (int i = 1; i < 8; i++) {
    take(&b, 500 * i, 500);
    ASSERT_SACK(&b, {500, 500 * i + 500});
  }
}

// Case 3: 2nd, 4th, 6th and 8th are lost; then the 4th comes, then the 2nd.
static void test_rcv_sack_names_the_latest_block_first_as_rfc_2018_shows(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 500);
  take(&b, 1000, 500);
  ASSERT_SACK(&b, {1000, 1500});
  take(&b, 2000, 500);
  ASSERT_SACK(&b, {2000, 2500}, {1000, 1500});
  take(&b, 3000, 500);
  ASSERT_SACK(&b, {3000, 3500}, {2000, 2500}, {1000, 1500});
  take(&b, 1500, 500);
  ASSERT_SACK(&b, {1000, 2500}, {3000, 3500});
  take(&b, 500, 500);
  assert_int_equal(nxt_of(&b), 2500);
  ASSERT_SACK(&b, {3000, 3500});
}

static void test_rcv_sack_repeats_the_most_recent_blocks(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 1000, 100);
  take(&b, 4000, 100);
  take(&b, 2000, 100);
  take(&b, 3000, 100);
  ASSERT_SACK(&b, {3000, 3100}, {2000, 2100}, {4000, 4100}, {1000, 1100});
  b.c.ts_ok = true;         // time stamps leave room for three (RFC 7323), a D-SACK takes the first
  ASSERT_SACK(&b, {3000, 3100}, {2000, 2100}, {4000, 4100});
  struct rcv_mirror m = rcv_mirror_of(&b.c);
  struct rcv_header h = rcv_sample(&b.caps, &m, &b.sent, true, &(struct dsack){true, seq_of(1), seq_of(2)});
  assert_int_equal(h.n_sack, 3);
  assert_int_equal(h.sack[0].end.v, 2);
  assert_int_equal(rcv_sample(&b.caps, &m, &b.sent, false, &(struct dsack){0}).n_sack, 0);   // none beside payload
  b.c.ts_ok = false;
  take(&b, 4100, 100);      // the block of the segment that triggers the ACK
  ASSERT_SACK(&b, {4000, 4200}, {3000, 3100}, {2000, 2100}, {1000, 1100});
  take(&b, 1050, 50);       // also when it brings nothing new
  ASSERT_SACK(&b, {1000, 1100}, {4000, 4200}, {3000, 3100}, {2000, 2100});
  take(&b, 0, 500);         // what advances the ACK changes nothing in their order
  ASSERT_SACK(&b, {1000, 1100}, {4000, 4200}, {3000, 3100}, {2000, 2100});
  take(&b, 500, 500);
  ASSERT_SACK(&b, {4000, 4200}, {3000, 3100}, {2000, 2100});
}

// --- D-SACK (RFC 2883 section 4) ------------------------------------------------------------------------------------------

// 4.1.1
static void test_rcv_dsack_reports_a_duplicate_segment(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 500);
  take(&b, 500, 500);
  struct rcv_actions a = take(&b, 0, 500);
  assert_int_equal(a.class_id, RCV_DUPLICATE);
  assert_dup(&b, a, 0, 500);
  assert_true(!a.len);
  ASSERT_NO_SACK(&b);
}

// 4.1.2
static void test_rcv_dsack_reports_a_duplicate_beside_a_gap(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 500);
  take(&b, 500, 500);
  take(&b, 1500, 500);
  assert_dup(&b, take(&b, 0, 500), 0, 500);
  ASSERT_SACK(&b, {1500, 2000});
}

// 4.1.3
static void test_rcv_dsack_reports_a_duplicate_that_is_out_of_order(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 500);
  take(&b, 1000, 500);
  struct rcv_actions a = take(&b, 1000, 500);
  assert_int_equal(a.class_id, RCV_OUT_OF_ORDER);
  assert_dup(&b, a, 1000, 1500);
  assert_true(!a.len);
  ASSERT_SACK(&b, {1000, 1500});
  assert_true(!take(&b, 1500, 500).dup.vld);
  assert_dup(&b, take(&b, 1500, 500), 1500, 2000);
  ASSERT_SACK(&b, {1000, 2000});       // the larger block it is in comes second
}

// 4.2.1: the sender has made one segment of two.
static void test_rcv_dsack_reports_the_part_that_was_there(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 500);
  take(&b, 1500, 500);
  struct rcv_actions a = take(&b, 500, 1000);
  assert_true(!a.dup.vld);
  assert_int_equal(nxt_of(&b), 2000);
  assert_dup(&b, take(&b, 500, 500), 500, 1000);
  a = take(&b, 1500, 1000);            // half of it below RCV.NXT
  assert_dup(&b, a, 1500, 2000);
  assert_true(a.off == 500 && a.len == 500 && a.ack);
  assert_int_equal(nxt_of(&b), 2500);
}

// What would wait for its delayed ACK is told at once when part of it was there.
static void test_rcv_dsack_is_not_delayed(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 1000);
  pay(&b);
  assert_true(!take(&b, 1000, 100).ack);
  pay(&b);
  struct rcv_actions a = take(&b, 1000, 200);
  assert_true(a.dup.vld && a.ack && a.len == 100);
}

// 4.2.2: two separate parts were there: the first alone, whichever came last.
static void test_rcv_dsack_reports_only_the_first_of_two_parts(void **state)
{
  for (int turn = 0; turn < 2; turn++) {
    struct bed b = bed_of(state);
    take(&b, turn ? 2000 : 1000, 500);
    take(&b, turn ? 1000 : 2000, 500);
    assert_dup(&b, take(&b, 1000, 2000), 1000, 1500);
    ASSERT_SACK(&b, {1000, 3000});
  }
}

// 4.2.3: one part below the cumulative ACK, one above: the one below.
static void test_rcv_dsack_prefers_what_lies_below_the_ack(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 500);
  take(&b, 1000, 500);
  assert_dup(&b, take(&b, 0, 2000), 0, 500);
  assert_int_equal(nxt_of(&b), 2000);
}

static void test_rcv_dsack_says_nothing_when_nothing_was_there(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 1000, 500);
  assert_true(!take(&b, 500, 500).dup.vld);     // only touches
  assert_true(!take(&b, 1500, 500).dup.vld);
  assert_true(!take(&b, 0, 500).dup.vld);
  assert_true(!take(&b, 2500, 100).dup.vld);
  assert_true(!take_seg(&b, 1999, 0, ACK).dup.vld);   // a keep-alive
  b.c.sack_ok = false;
  assert_true(!take(&b, 0, 500).dup.vld);
  b.c.sack_ok = true;
  b.caps.sack = false;
  assert_true(!take(&b, 0, 500).dup.vld);
}

// --- time stamps (RFC 7323) -----------------------------------------------------------------------------------------------

static void test_rcv_paws_refuses_an_older_time_stamp(void **state)
{
  struct bed b = ts_bed_of(state);
  assert_int_equal(take(&b, 0, 100).class_id, RCV_ACCEPT);
  b.tsval = TS0 - 1;
  struct rcv_ctx was = b.c;
  struct rcv_actions a = take(&b, 100, 100);
  assert_int_equal(a.class_id, RCV_PAWS);
  assert_true(a.ack_now && !a.ack && !a.len && !a.forward && !a.fin);
  assert_true(same_ctx(&b.c, &was));
  a = take_seg(&b, 100, 0, ACK);
  assert_int_equal(a.class_id, RCV_PAWS);
  b.tsval = TS0;
  assert_int_equal(take(&b, 100, 100).class_id, RCV_ACCEPT);
}

static void test_rcv_paws_compares_time_stamps_modulo_2_to_the_32(void **state)
{
  struct bed b = ts_bed_of(state);
  b.c.ts_recent = 0xfffffff0u;
  b.tsval = 5;
  assert_int_equal(take(&b, 0, 100).class_id, RCV_ACCEPT);
  pay(&b);
  assert_int_equal(b.c.ts_recent, 5);
  b.tsval = 0xfffffff0u;
  assert_int_equal(take(&b, 100, 100).class_id, RCV_PAWS);
  b.tsval = 5 + 0x7fffffffu;
  assert_int_equal(take(&b, 100, 100).class_id, RCV_ACCEPT);
  b.c.ts_recent = 5;
  b.tsval = 5 + 0x80000001u;
  assert_int_equal(take(&b, 200, 100).class_id, RCV_PAWS);
}

static void test_rcv_paws_lets_a_reset_pass(void **state)
{
  struct bed b = ts_bed_of(state);
  b.tsval = TS0 - 5;
  assert_int_equal(take_seg(&b, 1, 0, RST).class_id, RCV_CHALLENGE);
  b.has_ts = false;
  assert_int_equal(take_seg(&b, 0, 0, RST).class_id, RCV_RESET);
}

static void test_rcv_resets_when_rst_carries_data(void **state)
{
  struct bed b = bed_of(state);
  struct rcv_actions a = take_seg(&b, 0, 20, RST | ACK);
  assert_int_equal(a.class_id, RCV_RESET);
  assert_true(!a.len && !a.ack && !b.c.open);
}

static void test_rcv_paws_forgets_after_24_days_idle(void **state)
{
  struct bed b = ts_bed_of(state);
  take(&b, 0, 100);
  pay(&b);
  b.tsval = TS0 - 1;
  b.now_us += 24 * DAY_US;
  assert_int_equal(take(&b, 100, 100).class_id, RCV_PAWS);
  b.now_us += 1000000;
  assert_int_equal(take(&b, 100, 100).class_id, RCV_ACCEPT);
  pay(&b);
  assert_int_equal(b.c.ts_recent, TS0 - 1);        // and learns anew
  b.tsval -= 1;
  b.now_us += DAY_US;
  assert_int_equal(take(&b, 200, 100).class_id, RCV_PAWS);
  b.now_us += 60 * DAY_US;                         // more than 2^32 ticks of a time stamp clock
  assert_int_equal(take(&b, 200, 100).class_id, RCV_ACCEPT);
}

static void test_rcv_drops_in_silence_when_the_time_stamp_is_missing(void **state)
{
  struct bed b = ts_bed_of(state);
  b.has_ts = false;
  struct rcv_ctx was = b.c;
  struct rcv_actions a = take(&b, 0, 100);
  assert_int_equal(a.class_id, RCV_NO_TIMESTAMP);
  assert_true(!a.ack && !a.ack_now && !a.len && !a.forward);
  assert_true(same_ctx(&b.c, &was));
}

// RFC 5961 section 4.2: a peer that begins anew may not want them any more.
static void test_rcv_challenges_a_syn_without_a_time_stamp(void **state)
{
  struct bed b = ts_bed_of(state);
  b.has_ts = false;
  struct rcv_actions a = take_seg(&b, 5000, 0, SYN);
  assert_true(a.class_id == RCV_CHALLENGE && a.ack_now && !a.forward);
}

static void test_rcv_ignores_time_stamps_when_not_negotiated_or_not_built_in(void **state)
{
  struct bed b = ts_bed_of(state);
  b.c.ts_ok = false;
  b.tsval = TS0 - 1;
  assert_int_equal(take(&b, 0, 100).class_id, RCV_ACCEPT);
  b.has_ts = false;
  assert_int_equal(take(&b, 100, 100).class_id, RCV_ACCEPT);
  b.c.ts_ok = true;
  b.caps.timestamps = false;
  assert_int_equal(take(&b, 200, 100).class_id, RCV_ACCEPT);
  assert_int_equal(b.c.ts_recent, TS0);
}

// Section 4.3: only from a segment that reaches back to the last ACK sent, so that a delayed ACK echoes the first.
static void test_rcv_learns_the_time_stamp_only_at_the_last_ack_sent(void **state)
{
  struct bed b = ts_bed_of(state);
  b.tsval = TS0 + 10;
  take(&b, 0, 100);
  assert_int_equal(b.c.ts_recent, TS0 + 10);
  assert_int_equal(b.c.ts_age, b.now_us >> 20);
  b.tsval = TS0 + 20;
  b.now_us += 5000;
  take(&b, 100, 100);                              // the ACK of the first is still owed
  assert_int_equal(b.c.ts_recent, TS0 + 10);
  pay(&b);
  b.tsval = TS0 + 30;
  take(&b, 300, 100);                              // out of order
  assert_int_equal(b.c.ts_recent, TS0 + 10);
  b.tsval = TS0 + 40;
  take(&b, 200, 100);                              // fills the gap
  assert_int_equal(b.c.ts_recent, TS0 + 40);
  assert_int_equal(b.c.ts_age, b.now_us >> 20);
  pay(&b);
  b.tsval = TS0 + 50;
  take_seg(&b, 400, 0, ACK);                       // a pure ACK counts as well
  assert_int_equal(b.c.ts_recent, TS0 + 50);
}

static void test_rcv_learns_no_time_stamp_from_what_it_refuses(void **state)
{
  struct bed b = ts_bed_of(state);
  b.tsval = TS0 + 10;
  take(&b, -100, 50);                              // before the window
  take(&b, RING, 50);                              // behind it
  take_seg(&b, 0, 10, 0);                          // no ACK
  take_seg(&b, 0, 0, SYN | ACK);
  take_seg(&b, 1, 0, RST);
  b.us = seq_add(b.us, 1);                         // acknowledges what was never sent
  take(&b, 0, 10);
  assert_int_equal(b.c.ts_recent, TS0);
  assert_int_equal(nxt_of(&b), 0);
}

static void test_rcv_hands_the_echo_to_the_send_side(void **state)
{
  struct bed b = ts_bed_of(state);
  struct core_segment s = {.seq = b.peer, .ack = b.us, .wnd = WND, .flags = ACK, .has_ts = true, .tsval = TS0, .tsecr = 4711};
  struct rcv_actions a = rcv_segment(&b.caps, &b.c, &s, &b.snd, &b.sent, b.now_us);
  assert_true(a.forward && a.dd.ts_vld);
  assert_int_equal(a.dd.tsecr, 4711);
  b.c.ts_ok = false;
  a = rcv_segment(&b.caps, &b.c, &s, &b.snd, &b.sent, b.now_us);
  assert_true(a.forward && !a.dd.ts_vld);
}

static void test_rcv_forwards_data_that_carries_sack_blocks(void **state)
{
  struct bed b = bed_of(state);
  struct core_segment s = {.seq = b.peer, .ack = b.us, .wnd = WND, .flags = ACK, .len = 10};
  assert_true(!rcv_segment(&b.caps, &b.c, &s, &b.snd, &b.sent, b.now_us).forward);
  s.seq = seq_add(s.seq, 10);
  s.n_sack = 1;
  assert_true(rcv_segment(&b.caps, &b.c, &s, &b.snd, &b.sent, b.now_us).forward);
}

// --- the window's edge (RFC 9293 section 3.8.6.2.2, RFC 7323 section 2.4) ---------------------------------------------------------

// A program that reads nothing, and segments of any size, each acknowledged.
static void test_rcv_edge_goes_back_by_less_than_a_unit_of_the_scale(void **state)
{
  bool back = false;
  for (unsigned scale = 0; scale <= 4; scale++) {
    struct bed b = bed_of(state);
    struct rng rng;
    struct seq high = b.peer;
    rng_seed(&rng, scale);
    b.c.rcv_wscale = (uint8_t)scale;
    b.sent.wnd_end = b.peer;
    while (!seq_eq(b.c.nxt, b.c.wnd_end)) {
      struct rcv_header h = header(&b);
      if (seq_diff(high, h.wnd_end) >= 1 << scale) fail_msg("scale %u: the edge goes back by %d", scale, seq_diff(high, h.wnd_end));
      assert_true(seq_leq(h.wnd_end, b.c.wnd_end));
      back = back || seq_lt(h.wnd_end, high);
      high = seq_max(high, h.wnd_end);
      b.sent = (struct sent_mirror){.ack = h.ack, .wnd_end = h.wnd_end};
      take(&b, nxt_of(&b), 1 + rng_below(&rng, 100));
    }
  }
  assert_true(back);
}

// A program that reads now and then, down to segments that are smaller than a unit.
static void test_rcv_edge_stays_where_the_unit_exceeds_a_segment(void **state)
{
  for (unsigned scale = 0; scale <= 14; scale++) {
    struct bed b = bed_of(state);
    struct rng rng;
    struct seq high = b.sent.wnd_end, consumed = b.peer;   // what the SYN said, which has no scale
    rng_seed(&rng, scale);
    b.c.rcv_wscale = (uint8_t)scale;
    b.c.mss = 32;
    for (unsigned i = 0; i < 5000; i++) {
      struct rcv_header h = header(&b);
      if (seq_diff(high, h.wnd_end) >= 1 << scale) fail_msg("scale %u, turn %u: the edge goes back by %d", scale, i, seq_diff(high, h.wnd_end));
      assert_true(seq_leq(h.wnd_end, b.c.wnd_end));
      high = seq_max(high, h.wnd_end);
      b.sent = (struct sent_mirror){.ack = h.ack, .wnd_end = h.wnd_end};
      struct core_segment s = {.seq = b.c.nxt, .ack = b.us, .len = 1 + rng_below(&rng, 100), .wnd = WND, .flags = ACK};
      rcv_segment(&b.caps, &b.c, &s, &b.snd, &b.sent, b.now_us);
      if (rng_below(&rng, 4)) continue;
      consumed = seq_add(consumed, rng_below(&rng, (uint32_t)seq_diff(b.c.nxt, consumed) + 1));
      rcv_read(&b.caps, &b.c, consumed, &b.sent);
    }
    assert_true(seq_lt(b.peer, consumed));
  }
}

// --- delayed ACK (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2) -------------------------------------------------------------

static void test_rcv_acks_every_second_full_segment(void **state)
{
  struct bed b = bed_of(state);
  for (int i = 0; i < 10; i += 2) {
    struct rcv_actions a = take(&b, i * MSS, MSS);
    assert_true(!a.ack && !a.ack_now && b.c.delack_vld);
    a = take(&b, (i + 1) * MSS, MSS);
    assert_true(a.ack && !a.ack_now);
    pay(&b);
  }
}

static void test_rcv_acks_within_40_ms(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, MSS);
  assert_true(b.c.delack_vld && b.c.delack_us == b.now_us + 40000);
  b.now_us += 10000;
  take(&b, MSS, 100);                                // less than two full ones
  assert_true(b.c.delack_us == b.now_us + 30000);    // counted from the first that waits
  assert_true(!rcv_timeout(&b.c, &b.sent, b.now_us + 29999));
  assert_true(b.c.delack_vld);
  assert_true(rcv_timeout(&b.c, &b.sent, b.now_us + 30000));
  assert_true(!b.c.delack_vld);
  assert_true(!rcv_timeout(&b.c, &b.sent, b.now_us + 30001));
}

static void test_rcv_owes_nothing_at_the_deadline_when_an_ack_went_before(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, MSS);
  pay(&b);                                           // data of ours carried it
  uint64_t first = b.c.delack_us;
  b.now_us += 10000;
  take(&b, MSS, 100);
  assert_true(b.c.delack_vld && b.c.delack_us == first + 10000);   // its own 40 ms
  pay(&b);
  assert_true(!rcv_timeout(&b.c, &b.sent, b.c.delack_us));
  assert_true(!b.c.delack_vld);
}

static void test_rcv_delays_one_ack_at_most_when_segments_are_small(void **state)
{
  struct bed b = bed_of(state);
  assert_true(!take(&b, 0, 10).ack);
  assert_true(take(&b, 10, 10).ack);                 // two of what the peer sends
  pay(&b);
  assert_true(!take(&b, 20, 15).ack);
  assert_true(!take(&b, 35, 14).ack);
  assert_true(take(&b, 49, 1).ack);
}

static void test_rcv_acks_at_once_when_a_gap_is_filled_in_part_or_whole(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 200, 100);
  assert_true(take(&b, 0, 100).ack);
  assert_true(take(&b, 100, 100).ack);
  pay(&b);
  struct rcv_actions a = take(&b, 300, 10);
  assert_true(!a.ack && !a.ack_now);                 // all is in order again
}

static void test_rcv_acks_at_once_when_fin_comes(void **state)
{
  struct bed b = bed_of(state);
  struct rcv_actions a = take_seg(&b, 0, 10, ACK | FIN);
  assert_true(a.fin && a.ack);
}

static void test_rcv_acks_each_segment_when_delay_is_not_built_in(void **state)
{
  struct bed b = bed_of(state);
  b.caps.delayed_ack = false;
  assert_true(take(&b, 0, 10).ack);
  assert_true(!b.c.delack_vld && !b.c.seg_max);
}

static void test_rcv_forgets_the_deadline_when_the_flow_is_reset(void **state)
{
  struct bed b = bed_of(state);
  take(&b, 0, 10);
  assert_true(b.c.delack_vld);
  assert_int_equal(take_seg(&b, 10, 0, RST).class_id, RCV_RESET);
  assert_true(!b.c.delack_vld);                      // or its owner's timer would never come to rest
  assert_true(!rcv_timeout(&b.c, &b.sent, b.now_us + 40000));
}

// --- challenge limit (RFC 5961 section 7) ---------------------------------------------------------------------------------------

static unsigned challenges(struct bed *b, unsigned n)
{
  unsigned sent = 0;
  for (unsigned i = 0; i < n; i++) {
    struct rcv_actions a = i % 3 == 0 ? take_seg(b, 0, 0, SYN) : i % 3 == 1 ? take_seg(b, 5, 0, RST) : (struct rcv_actions){0};
    if (i % 3 == 2) {
      b->us = seq_add(b->us, 1);
      a = take_seg(b, 0, 0, ACK);
      b->us = seq_add(b->us, UINT32_MAX);
    }
    assert_int_equal(a.class_id, RCV_CHALLENGE);
    assert_true(!a.ack && !a.forward && !a.len);
    sent += a.ack_now;
  }
  return sent;
}

static void test_rcv_sends_ten_challenges_a_period(void **state)
{
  struct bed b = bed_of(state);
  b.now_us = 5 << 20;                              // a period is 2^20 us
  assert_int_equal(challenges(&b, 9), 9);
  b.now_us += (1 << 20) - 1;
  assert_int_equal(challenges(&b, 100), 1);
  b.now_us += 1;
  assert_int_equal(challenges(&b, 100), 10);
  b.now_us += 3 << 20;
  assert_int_equal(challenges(&b, 100), 10);
  assert_true(b.c.open);
  b.caps.challenge_limit = false;
  assert_int_equal(challenges(&b, 100), 100);
}

static void test_rcv_challenges_when_the_ack_is_older_than_any_window(void **state)
{
  static const uint8_t scales[] = {0, 7, 14};
  for (size_t i = 0; i < 3; i++) {
    uint32_t most = 65535u << scales[i];
    for (uint32_t older = 0; older < 2; older++) {
      struct bed b = bed_of(state);
      b.c.snd_wscale = scales[i];
      b.us = seq_add(b.us, -most - older);
      struct rcv_ctx was = b.c;
      struct rcv_actions a = take(&b, 0, 10);
      assert_int_equal(a.class_id, older ? RCV_CHALLENGE : RCV_ACCEPT);
      assert_int_equal(a.ack_now, older);
      assert_int_equal(a.len, older ? 0 : 10);
      was.chal_n = b.c.chal_n, was.chal_period = b.c.chal_period;
      if (older) assert_true(same_ctx(&b.c, &was) && !a.forward);
      b.caps.old_acks = false;
      assert_int_equal(take(&b, nxt_of(&b), 10).class_id, RCV_ACCEPT);
    }
  }
}

#define AT(f, i) {#f " (isn " #i ")", f, NULL, NULL, (void *)(uintptr_t)&isns[i]}
#define SEQ_TEST(f) AT(f, 0), AT(f, 1), AT(f, 2), AT(f, 3)

int main(void)
{
  const struct CMUnitTest tests[] = {
    SEQ_TEST(test_rcv_puts_two_to_six_segments_together_in_every_order),
    SEQ_TEST(test_rcv_agrees_with_a_byte_map_when_segments_overlap_at_random),
    SEQ_TEST(test_rcv_refuses_a_fifth_interval_but_not_what_touches_one),
    SEQ_TEST(test_rcv_trims_to_the_window_when_out_of_order),
    SEQ_TEST(test_rcv_joins_intervals_when_the_segment_in_order_covers_them),
    SEQ_TEST(test_rcv_keeps_fin_until_all_before_it_is_there),
    SEQ_TEST(test_rcv_takes_fin_when_the_gap_before_its_data_closes),
    SEQ_TEST(test_rcv_forgets_what_lies_beyond_the_fin),
    SEQ_TEST(test_rcv_leaves_fin_out_of_order_when_outside_the_window),
    SEQ_TEST(test_rcv_leaves_fin_when_there_are_no_intervals),
    SEQ_TEST(test_rcv_sack_names_one_growing_block_when_the_first_is_lost),
    SEQ_TEST(test_rcv_sack_names_the_latest_block_first_as_rfc_2018_shows),
    SEQ_TEST(test_rcv_sack_repeats_the_most_recent_blocks),
    SEQ_TEST(test_rcv_dsack_reports_a_duplicate_segment),
    SEQ_TEST(test_rcv_dsack_reports_a_duplicate_beside_a_gap),
    SEQ_TEST(test_rcv_dsack_reports_a_duplicate_that_is_out_of_order),
    SEQ_TEST(test_rcv_dsack_reports_the_part_that_was_there),
    SEQ_TEST(test_rcv_dsack_is_not_delayed),
    SEQ_TEST(test_rcv_dsack_reports_only_the_first_of_two_parts),
    SEQ_TEST(test_rcv_dsack_prefers_what_lies_below_the_ack),
    SEQ_TEST(test_rcv_dsack_says_nothing_when_nothing_was_there),
    SEQ_TEST(test_rcv_paws_refuses_an_older_time_stamp),
    SEQ_TEST(test_rcv_paws_compares_time_stamps_modulo_2_to_the_32),
    SEQ_TEST(test_rcv_paws_lets_a_reset_pass),
    SEQ_TEST(test_rcv_resets_when_rst_carries_data),
    SEQ_TEST(test_rcv_paws_forgets_after_24_days_idle),
    SEQ_TEST(test_rcv_drops_in_silence_when_the_time_stamp_is_missing),
    SEQ_TEST(test_rcv_challenges_a_syn_without_a_time_stamp),
    SEQ_TEST(test_rcv_ignores_time_stamps_when_not_negotiated_or_not_built_in),
    SEQ_TEST(test_rcv_learns_the_time_stamp_only_at_the_last_ack_sent),
    SEQ_TEST(test_rcv_learns_no_time_stamp_from_what_it_refuses),
    SEQ_TEST(test_rcv_hands_the_echo_to_the_send_side),
    SEQ_TEST(test_rcv_forwards_data_that_carries_sack_blocks),
    SEQ_TEST(test_rcv_edge_goes_back_by_less_than_a_unit_of_the_scale),
    SEQ_TEST(test_rcv_edge_stays_where_the_unit_exceeds_a_segment),
    SEQ_TEST(test_rcv_acks_every_second_full_segment),
    SEQ_TEST(test_rcv_acks_within_40_ms),
    SEQ_TEST(test_rcv_owes_nothing_at_the_deadline_when_an_ack_went_before),
    SEQ_TEST(test_rcv_delays_one_ack_at_most_when_segments_are_small),
    SEQ_TEST(test_rcv_acks_at_once_when_a_gap_is_filled_in_part_or_whole),
    SEQ_TEST(test_rcv_acks_at_once_when_fin_comes),
    SEQ_TEST(test_rcv_acks_each_segment_when_delay_is_not_built_in),
    SEQ_TEST(test_rcv_forgets_the_deadline_when_the_flow_is_reset),
    SEQ_TEST(test_rcv_sends_ten_challenges_a_period),
    SEQ_TEST(test_rcv_challenges_when_the_ack_is_older_than_any_window),
  };
  return cmocka_run_group_tests_name("core_rcv_full", tests, NULL, NULL);
}
