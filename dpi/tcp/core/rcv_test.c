// SPDX-License-Identifier: Apache-2.0
// rcv: what the receive half makes of a segment (RFC 9293 section 3.10.7.4, RFC 5961) and of a read. Numbers are offsets:
// sequence numbers from RCV.NXT at the open, acknowledgments from SND.UNA; every test runs at several ISNs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "tcp/core/core.h"

enum { RING = 8192, MSS = 1000, SENT = 1000, WND = 1250, SCALE = 2 };
enum { FIN = 1 << NIC_FLAG_FIN, SYN = 1 << NIC_FLAG_SYN, RST = 1 << NIC_FLAG_RST, ACK = 1 << NIC_FLAG_ACK };

struct isns {
  uint32_t ours, theirs;
};

static const struct core_caps caps = {.rx_ring_bytes = RING, .cwnd_bytes = 16384};

struct bed {
  struct seq peer, us;     // RCV.NXT and SND.UNA at the open
  struct rcv_ctx c;
  struct snd_mirror snd;   // SENT bytes in flight
};

static struct host_cmd open_cmd(const struct isns *i)
{
  return (struct host_cmd){.kind = CMD_OPEN, .flow = 3, .snd_nxt = seq_of(i->ours), .rcv_nxt = seq_of(i->theirs),
                           .snd_wnd = WND << SCALE, .mss = 1400, .rcv_mss = MSS, .snd_wscale = SCALE, .rcv_wscale = 1,
                           .sack_ok = true};
}

// An open flow with a receive window of `window` bytes.
static struct bed bed_of(void **state, uint32_t window)
{
  const struct isns *i = *state;
  struct host_cmd o = open_cmd(i);
  struct bed b = {.peer = seq_of(i->theirs), .us = seq_of(i->ours)};
  rcv_open(&caps, &b.c, &o, 0);
  b.c.wnd_end = seq_add(b.peer, window);
  b.snd = (struct snd_mirror){.una = b.us, .max = seq_add(b.us, SENT)};
  return b;
}

static struct core_segment seg(const struct bed *b, int32_t at, uint32_t len, unsigned flags)
{
  return (struct core_segment){.seq = seq_add(b->peer, (uint32_t)at), .ack = b->us, .len = len, .wnd = WND,
                               .flags = (uint8_t)flags};
}

static struct rcv_actions take_at(struct bed *b, int32_t at, uint32_t len, unsigned flags)
{
  struct core_segment s = seg(b, at, len, flags);
  return rcv_segment(&caps, &b->c, &s, &b->snd, &(struct sent_mirror){.ack = b->c.nxt}, 0);
}

static struct rcv_actions take_ack(struct bed *b, int32_t at, uint32_t len, int32_t ack, uint16_t wnd)
{
  struct core_segment s = seg(b, at, len, ACK);
  s.ack = seq_add(b->us, (uint32_t)ack);
  s.wnd = wnd;
  return rcv_segment(&caps, &b->c, &s, &b->snd, &(struct sent_mirror){.ack = b->c.nxt}, 0);
}

static int32_t nxt_of(const struct bed *b) { return seq_diff(b->c.nxt, b->peer); }

#define ASSERT_SAME_CTX(a, b) assert_true(same_ctx(a, b))
static bool same_ctx(const struct rcv_ctx *a, const struct rcv_ctx *b)
{
  uint32_t x[RCV_CTX_WORDS] = {0}, y[RCV_CTX_WORDS] = {0};
  rcv_ctx_pack(a, x);
  rcv_ctx_pack(b, y);
  return memcmp(x, y, sizeof x) == 0;
}

// --- open -----------------------------------------------------------------------------------------------------------
static void test_rcv_open_starts_from_the_command(void **state)
{
  struct host_cmd o = open_cmd(*state);
  struct rcv_ctx c;
  rcv_open(&caps, &c, &o, 5000000);
  assert_true(c.open && !c.fin_done && c.sack_ok && !c.ts_ok && !c.fin_vld && !c.delack_vld);
  assert_int_equal(c.nxt.v, o.rcv_nxt.v);
  assert_int_equal(seq_diff(c.wnd_end, c.nxt), RING);
  assert_int_equal(c.wl1.v, o.rcv_nxt.v);
  assert_int_equal(c.ack_fwd.v, o.snd_nxt.v);
  assert_int_equal(c.wnd_fwd, WND << SCALE);
  assert_int_equal(c.mss, MSS);
  assert_int_equal(c.snd_wscale, SCALE);
  assert_int_equal(c.rcv_wscale, 1);
  assert_int_equal(c.ooo_n, 0);
  assert_int_equal(c.ts_age, 5000000 >> 20);
}

// Two ends that probe each other's closed window: both probes are taken, and all that follows is sent from below them.
static void test_rcv_hears_the_ack_of_one_who_stands_behind_its_probe(void **state)
{
  struct bed b = bed_of(state, RING);
  b.c.rcv_wscale = 0;
  assert_int_equal(take_at(&b, 0, 1, ACK).len, 1);
  struct rcv_ctx was = b.c;
  struct rcv_actions a = take_ack(&b, 0, 0, SENT + 1, WND);   // of what was never sent
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && !a.forward);
  a = take_ack(&b, 0, 0, 0, WND);                             // no news: a keep-alive
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && !a.forward);
  a = take_ack(&b, -1, 0, SENT, WND);                         // older
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && !a.forward);
  a = take_ack(&b, 0, 1, SENT, WND);                          // with data: a repetition
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && !a.forward);
  ASSERT_SAME_CTX(&was, &b.c);
  a = take_ack(&b, 0, 0, SENT, WND);
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && a.forward && a.dd.wnd_vld);
  assert_int_equal(seq_diff(a.dd.ack, b.us), SENT);
  assert_int_equal(a.dd.wnd, WND << SCALE);
  assert_int_equal(nxt_of(&b), 1);
}

// A peer that was shown an edge 7 bytes further, and has filled it: the scale of 3 has taken it back since.
static void test_rcv_hears_the_ack_of_one_who_stands_behind_an_edge_that_went_back(void **state)
{
  struct bed b = bed_of(state, RING);
  b.c.rcv_wscale = 3;
  assert_int_equal(take_at(&b, 0, 9, ACK).len, 9);
  struct rcv_actions a = take_ack(&b, 0, 0, SENT, WND);       // 9 behind: older
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && !a.forward);
  a = take_ack(&b, 1, 0, SENT, WND);
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && a.forward);
  assert_int_equal(seq_diff(a.dd.ack, b.us), SENT);
}

// --- acceptance (RFC 9293 section 3.4, table 6) ---------------------------------------------------------------------
struct place_row {
  const char *what;
  uint32_t window;
  int32_t at;
  uint32_t len;
  enum rcv_class_e class_id;
  uint32_t off, taken;
};

static const struct place_row places[] = {
    {"pure, at nxt", 100, 0, 0, RCV_PURE_ACK, 0, 0},
    {"pure, last place of the window", 100, 99, 0, RCV_PURE_ACK, 0, 0},
    {"pure, at the edge", 100, 100, 0, RCV_PURE_ACK, 0, 0},
    {"pure, past the edge", 100, 101, 0, RCV_OUT_OF_WINDOW, 0, 0},
    {"pure, below nxt", 100, -1, 0, RCV_DUPLICATE, 0, 0},
    {"pure, far below", 100, -0x40000000, 0, RCV_DUPLICATE, 0, 0},
    {"pure, far above", 100, 0x40000000, 0, RCV_OUT_OF_WINDOW, 0, 0},
    {"data, in order", 100, 0, 10, RCV_ACCEPT, 0, 10},
    {"data, fills the window", 100, 0, 100, RCV_ACCEPT, 0, 100},
    {"data, one byte more", 100, 0, 101, RCV_ACCEPT, 0, 100},
    {"data, ends at nxt", 100, -10, 10, RCV_DUPLICATE, 0, 0},
    {"data, ends below nxt", 100, -11, 10, RCV_DUPLICATE, 0, 0},
    {"data, last byte new", 100, -9, 10, RCV_ACCEPT, 9, 1},
    {"data, covers the window", 100, -50, 200, RCV_ACCEPT, 50, 100},
    {"data, one byte ahead", 100, 1, 10, RCV_OUT_OF_ORDER, 0, 0},
    {"data, begins at the last place", 100, 99, 10, RCV_OUT_OF_ORDER, 0, 0},
    {"data, begins at the edge", 100, 100, 1, RCV_OUT_OF_WINDOW, 0, 0},
    {"data, far below", 100, -0x40000000, 10, RCV_DUPLICATE, 0, 0},
    {"data, far above", 100, 0x40000000, 10, RCV_OUT_OF_WINDOW, 0, 0},
    {"window of one: its byte", 1, 0, 5, RCV_ACCEPT, 0, 1},
    {"zero window: pure, at nxt", 0, 0, 0, RCV_PURE_ACK, 0, 0},
    {"zero window: pure, above", 0, 1, 0, RCV_OUT_OF_WINDOW, 0, 0},
    {"zero window: pure, below", 0, -1, 0, RCV_DUPLICATE, 0, 0},
    {"zero window: data at nxt", 0, 0, 1, RCV_OUT_OF_WINDOW, 0, 0},
    {"zero window: data above", 0, 1, 1, RCV_OUT_OF_WINDOW, 0, 0},
    {"zero window: data below", 0, -5, 5, RCV_DUPLICATE, 0, 0},
};

static void test_rcv_places_a_segment_by_the_acceptance_table(void **state)
{
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const struct place_row *r = &places[i];
    struct bed b = bed_of(state, r->window);
    struct rcv_actions a = take_at(&b, r->at, r->len, ACK);
    if (a.class_id != r->class_id || a.off != r->off || a.len != r->taken || nxt_of(&b) != (int32_t)r->taken)
      fail_msg("%s: class %d, off %u, len %u, nxt %d", r->what, (int)a.class_id, a.off, a.len, nxt_of(&b));
    bool refused = r->class_id != RCV_ACCEPT && r->class_id != RCV_PURE_ACK;
    if (a.ack != (r->class_id == RCV_ACCEPT) || a.ack_now != refused || a.fin)
      fail_msg("%s: ack %d, ack_now %d", r->what, a.ack, a.ack_now);
  }
}

static void test_rcv_takes_nothing_when_an_overlap_meets_a_zero_window(void **state)
{
  struct bed b = bed_of(state, 0);
  struct rcv_actions a = take_at(&b, -1, 2, ACK);
  assert_true(a.len == 0 && !a.fin && (a.ack || a.ack_now));
  assert_int_equal(nxt_of(&b), 0);
}

static void test_rcv_uses_the_ack_of_a_probe_when_window_is_zero(void **state)
{
  struct bed b = bed_of(state, 0);
  struct rcv_actions a = take_ack(&b, 0, 1, 400, 77);
  assert_int_equal(a.class_id, RCV_OUT_OF_WINDOW);
  assert_true(a.ack_now && a.forward && a.dd.wnd_vld);
  assert_int_equal(seq_diff(a.dd.ack, b.us), 400);
  assert_int_equal(a.dd.wnd, 77 << SCALE);
}

static void test_rcv_ignores_the_ack_of_a_segment_outside_the_window(void **state)
{
  static const int32_t at[] = {-2, 101, 5000};   // -1: test_rcv_hears_the_ack_of_one_who_stands_behind_its_probe
  for (size_t i = 0; i < 3; i++) {
    struct bed b = bed_of(state, 100);
    b.c.rcv_wscale = 0;
    struct rcv_ctx was = b.c;
    struct rcv_actions a = take_ack(&b, at[i], 0, 400, 9);
    assert_true(a.ack_now && !a.forward && !a.ack);
    ASSERT_SAME_CTX(&b.c, &was);
  }
}

static void test_rcv_goes_on_across_segments_in_order(void **state)
{
  struct bed b = bed_of(state, RING);
  for (int32_t at = 0; at < RING; at += 512) {
    assert_int_equal(take_at(&b, at, 512, ACK).class_id, RCV_ACCEPT);
    assert_int_equal(nxt_of(&b), at + 512);
  }
  assert_int_equal(take_at(&b, RING, 1, ACK).class_id, RCV_OUT_OF_WINDOW);
  assert_int_equal(take_at(&b, 512, 512, ACK).class_id, RCV_DUPLICATE);
}

// --- FIN ------------------------------------------------------------------------------------------------------------
static void test_rcv_takes_fin_when_in_order(void **state)
{
  struct bed b = bed_of(state, RING);
  struct rcv_actions a = take_at(&b, 0, 10, ACK | FIN);
  assert_true(a.class_id == RCV_ACCEPT && a.fin && a.ack && !a.ack_now && a.len == 10 && b.c.fin_done);
  assert_int_equal(nxt_of(&b), 11);
  b = bed_of(state, RING);
  a = take_at(&b, 0, 0, ACK | FIN);
  assert_true(a.class_id == RCV_ACCEPT && a.fin && a.len == 0);
  assert_int_equal(nxt_of(&b), 1);
}

static void test_rcv_takes_fin_when_its_data_came_before(void **state)
{
  struct bed b = bed_of(state, RING);
  take_at(&b, 0, 10, ACK);
  struct rcv_actions a = take_at(&b, 0, 10, ACK | FIN);
  assert_true(a.class_id == RCV_ACCEPT && a.fin && a.len == 0);
  assert_int_equal(nxt_of(&b), 11);
}

static void test_rcv_takes_fin_when_at_the_last_place_of_the_window(void **state)
{
  struct bed b = bed_of(state, 100);
  assert_true(take_at(&b, 0, 99, ACK | FIN).fin);
  assert_int_equal(nxt_of(&b), 100);
}

static void test_rcv_leaves_fin_when_outside_the_window(void **state)
{
  struct bed b = bed_of(state, 100);
  struct rcv_actions a = take_at(&b, 0, 100, ACK | FIN);   // the data fills it
  assert_true(a.len == 100 && !a.fin && !b.c.fin_done);
  assert_int_equal(nxt_of(&b), 100);
  b = bed_of(state, 100);
  a = take_at(&b, 0, 150, ACK | FIN);                      // trimmed on the right
  assert_true(a.len == 100 && !a.fin && !b.c.fin_done);
  b = bed_of(state, 0);
  a = take_at(&b, 0, 0, ACK | FIN);
  assert_true(a.class_id == RCV_OUT_OF_WINDOW && a.ack_now && !a.fin && !b.c.fin_done);
}

static void test_rcv_leaves_fin_when_out_of_order(void **state)
{
  struct bed b = bed_of(state, 100);
  struct rcv_actions a = take_at(&b, 5, 0, ACK | FIN);
  assert_true(a.class_id == RCV_OUT_OF_ORDER && a.ack_now && !a.fin && !b.c.fin_done);
  assert_int_equal(nxt_of(&b), 0);
}

static void test_rcv_acks_at_once_when_fin_comes_again(void **state)
{
  struct bed b = bed_of(state, RING);
  take_at(&b, 0, 0, ACK | FIN);
  struct rcv_actions a = take_at(&b, 0, 0, ACK | FIN);
  assert_true(a.class_id == RCV_DUPLICATE && a.ack_now && !a.fin);
  assert_int_equal(nxt_of(&b), 1);
}

static void test_rcv_refuses_data_when_fin_was_taken(void **state)
{
  struct bed b = bed_of(state, RING);
  take_at(&b, 0, 0, ACK | FIN);
  struct rcv_actions a = take_at(&b, 1, 10, ACK);
  assert_true(a.class_id == RCV_AFTER_FIN && a.ack_now && !a.ack && a.len == 0);
  assert_int_equal(nxt_of(&b), 1);
}

static void test_rcv_forwards_acks_when_fin_was_taken(void **state)
{
  struct bed b = bed_of(state, RING);
  take_at(&b, 0, 0, ACK | FIN);
  struct rcv_actions a = take_ack(&b, 1, 0, 300, WND);
  assert_true(a.class_id == RCV_PURE_ACK && a.forward);
  assert_int_equal(seq_diff(a.dd.ack, b.us), 300);
}

// --- RFC 5961 -------------------------------------------------------------------------------------------------------
static void test_rcv_resets_when_rst_is_exactly_at_nxt(void **state)
{
  static const unsigned with[] = {0, ACK, SYN, FIN | ACK};
  static const uint32_t window[] = {100, 0};
  for (size_t i = 0; i < 8; i++) {
    struct bed b = bed_of(state, window[i & 1]);
    struct rcv_actions a = take_at(&b, 0, 0, RST | with[i / 2]);
    assert_int_equal(a.class_id, RCV_RESET);
    assert_true(a.forward && a.dd.kind == DD_RESET && !b.c.open && a.dd.wnd == WND << SCALE);
    assert_true(!a.ack && !a.ack_now && a.len == 0 && !a.fin);
    assert_int_equal(nxt_of(&b), 0);
  }
}

static void test_rcv_challenges_when_rst_is_elsewhere_in_the_window(void **state)
{
  static const int32_t at[] = {1, 50, 99};
  for (size_t i = 0; i < 3; i++) {
    struct bed b = bed_of(state, 100);
    struct rcv_ctx was = b.c;
    struct rcv_actions a = take_at(&b, at[i], 0, RST | ACK);
    assert_true(a.class_id == RCV_CHALLENGE && a.ack_now && !a.forward);
    ASSERT_SAME_CTX(&b.c, &was);
  }
}

static void test_rcv_is_silent_when_rst_is_outside_the_window(void **state)
{
  static const int32_t at[] = {-1, 100, 5000, -0x40000000};
  for (size_t i = 0; i < 4; i++) {
    struct bed b = bed_of(state, 100);
    struct rcv_ctx was = b.c;
    struct rcv_actions a = take_at(&b, at[i], 0, RST | ACK);
    assert_true(a.class_id == RCV_DROP_RST && !a.ack_now && !a.ack && !a.forward);
    ASSERT_SAME_CTX(&b.c, &was);
  }
}

static void test_rcv_challenges_when_syn_comes_wherever_it_lies(void **state)
{
  static const int32_t at[] = {0, -1, 50, 100, -0x40000000};
  for (size_t i = 0; i < 10; i++) {
    struct bed b = bed_of(state, 100);
    struct rcv_ctx was = b.c;
    struct rcv_actions a = take_at(&b, at[i / 2], 0, i & 1 ? SYN : SYN | ACK);
    assert_true(a.class_id == RCV_CHALLENGE && a.ack_now && !a.forward && a.len == 0);
    ASSERT_SAME_CTX(&b.c, &was);
  }
}

static void test_rcv_challenges_when_ack_is_of_what_was_never_sent(void **state)
{
  static const int32_t beyond[] = {SENT + 1, SENT + 5000, 0x7fffffff};
  for (size_t i = 0; i < 3; i++) {
    struct bed b = bed_of(state, 100);
    struct rcv_ctx was = b.c;
    struct rcv_actions a = take_ack(&b, 0, 10, beyond[i], 9);
    assert_true(a.class_id == RCV_CHALLENGE && a.ack_now && !a.forward && a.len == 0);
    ASSERT_SAME_CTX(&b.c, &was);
  }
}

static void test_rcv_accepts_ack_when_up_to_the_highest_ever_sent(void **state)
{
  struct bed b = bed_of(state, 100);
  struct rcv_actions a = take_ack(&b, 0, 10, SENT, WND);
  assert_true(a.class_id == RCV_ACCEPT && a.forward && a.len == 10);
  assert_int_equal(seq_diff(a.dd.ack, b.us), SENT);
}

static void test_rcv_drops_when_there_is_no_ack_flag(void **state)
{
  struct bed b = bed_of(state, 100);
  struct rcv_ctx was = b.c;
  struct rcv_actions a = take_at(&b, 0, 10, FIN);
  assert_true(a.class_id == RCV_NO_ACK && !a.ack && !a.ack_now && !a.forward && a.len == 0 && !a.fin);
  ASSERT_SAME_CTX(&b.c, &was);
}

static void test_rcv_does_nothing_when_flow_is_closed(void **state)
{
  static const unsigned flags[] = {ACK, ACK | FIN, RST, SYN};
  for (size_t i = 0; i < 4; i++) {
    struct bed b = bed_of(state, 100);
    b.c.open = false;
    struct rcv_ctx was = b.c;
    struct rcv_actions a = take_at(&b, 0, 10, flags[i]);
    assert_true(a.class_id == RCV_DEAD && !a.ack && !a.ack_now && !a.forward && a.len == 0 && !a.fin);
    ASSERT_SAME_CTX(&b.c, &was);
  }
}

// --- the window update rule -----------------------------------------------------------------------------------------
struct wl_row {
  const char *what;
  int32_t ack_fwd, wl1;    // as they stand; RCV.NXT is 0
  int32_t at;
  uint32_t len;
  int32_t ack;
  bool updates;
  int32_t wl1_after;
};

static const struct wl_row wl_rows[] = {
    {"newer sequence number", 100, -5, 0, 0, 100, true, 0},
    {"same, newer ACK", 100, 0, 0, 0, 200, true, 0},
    {"same, same ACK", 100, 0, 0, 0, 100, true, 0},
    {"same, older ACK: reordered", 200, 0, 0, 0, 100, false, 0},
    {"older sequence number, newer ACK", 100, 50, 0, 0, 200, true, 0},
    {"older ACK", 150, -5, 0, 0, 149, false, -5},
    {"overlap counts from RCV.NXT", 100, -5, -20, 40, 100, true, 0},
    {"overlap, same place, older ACK", 200, 0, -20, 40, 100, false, 0},
    {"out of order", 100, 0, 30, 10, 100, true, 30},
    {"in order again, behind an update from further on", 100, 30, 0, 10, 200, true, 0},
    {"older sequence number, same ACK", 100, 50, 0, 0, 100, false, 50},
};

static void test_rcv_updates_the_window_by_wl1_and_ack_fwd(void **state)
{
  for (size_t i = 0; i < sizeof wl_rows / sizeof *wl_rows; i++) {
    const struct wl_row *r = &wl_rows[i];
    struct bed b = bed_of(state, 100);
    b.c.wl1 = seq_add(b.peer, (uint32_t)r->wl1);
    b.c.ack_fwd = seq_add(b.us, (uint32_t)r->ack_fwd);
    struct rcv_actions a = take_ack(&b, r->at, r->len, r->ack, 3);
    int32_t wl1 = seq_diff(b.c.wl1, b.peer);
    if (a.dd.wnd_vld != r->updates || wl1 != r->wl1_after
        || b.c.wnd_fwd != (r->updates ? 3u << SCALE : WND << SCALE) || a.dd.wnd != 3 << SCALE)
      fail_msg("%s: valid %d, wl1 %d, forwarded %u", r->what, a.dd.wnd_vld, wl1, b.c.wnd_fwd);
  }
}

static void test_rcv_scales_the_window_by_the_peers_shift(void **state)
{
  struct bed b = bed_of(state, 100);
  b.c.snd_wscale = 14;
  assert_int_equal(take_ack(&b, 0, 0, 0, 65535).dd.wnd, 65535u << 14);
  b.c.snd_wscale = 0;
  assert_int_equal(take_ack(&b, 0, 0, 0, 65535).dd.wnd, 65535);
}

// --- what the send side hears ---------------------------------------------------------------------------------------
static void test_rcv_forwards_every_pure_ack(void **state)
{
  struct bed b = bed_of(state, 100);
  for (int i = 0; i < 3; i++) {   // duplicates count in the send side
    struct rcv_actions a = take_ack(&b, 0, 0, 0, WND);
    assert_true(a.class_id == RCV_PURE_ACK && a.forward && a.dd.no_data && a.dd.kind == DD_ACK);
  }
}

static void test_rcv_forwards_data_only_when_ack_or_window_is_new(void **state)
{
  struct bed b = bed_of(state, 100);
  assert_false(take_ack(&b, 0, 10, 0, WND).forward);
  struct rcv_actions a = take_ack(&b, 10, 10, 100, WND);
  assert_true(a.forward && !a.dd.no_data);
  assert_false(take_ack(&b, 20, 10, 100, WND).forward);
  assert_true(take_ack(&b, 30, 10, 100, WND - 1).forward);
  assert_false(take_ack(&b, 40, 10, 100, WND - 1).forward);
  assert_true(take_ack(&b, 60, 10, 101, WND - 1).forward);    // out of order: its ACK counts
  assert_int_equal(nxt_of(&b), 50);
}

// Regression: the answers to our window probes may ride on the peer's data (RFC 9293 section 3.8.6.1): a peer that sent all the while was given up.
static void test_rcv_forwards_data_that_says_the_window_is_still_closed(void **state)
{
  struct bed b = bed_of(state, 100);
  assert_true(take_ack(&b, 0, 10, 0, 0).forward);
  struct rcv_actions a = take_ack(&b, 10, 10, 0, 0);
  assert_true(a.forward && !a.dd.no_data && a.dd.wnd == 0);
  assert_true(take_ack(&b, 20, 10, 0, 1).forward);
  assert_false(take_ack(&b, 30, 10, 0, 1).forward);
}

static void test_rcv_does_not_forward_when_an_old_segment_brings_an_old_window(void **state)
{
  struct bed b = bed_of(state, 100);
  assert_true(take_ack(&b, 0, 10, 200, WND).forward);
  struct rcv_actions a = take_ack(&b, 5, 10, 100, 1);   // sent before, with an older ACK: overlap, trimmed to 10
  assert_true(a.len == 5);
  assert_int_equal(seq_diff(b.c.ack_fwd, b.us), 200);
  b.c.wl1 = seq_add(b.peer, 50);
  a = take_ack(&b, 15, 10, 200, 2);                    // a window that is not the newest
  assert_true(a.len == 10 && !a.dd.wnd_vld && !a.forward);
}

static void test_rcv_ack_forwarded_never_retreats(void **state)
{
  struct bed b = bed_of(state, 100);
  take_ack(&b, 0, 0, 700, WND);
  take_ack(&b, 0, 0, 300, WND);
  assert_int_equal(seq_diff(b.c.ack_fwd, b.us), 700);
  struct rcv_actions a = take_ack(&b, 0, 10, 500, WND);
  assert_false(a.forward);
}

// Regression: an ACK that was overtaken by one still on its way to the send side, which thus had not moved una yet, brought its window: the
// send side counted it from the newer ACK, and sent beyond what was ever offered.
static void test_rcv_takes_no_window_from_an_ack_below_one_that_was_forwarded(void **state)
{
  struct bed b = bed_of(state, 100);
  assert_true(take_ack(&b, 0, 0, 700, 300).forward);
  struct rcv_actions a = take_ack(&b, 10, 10, 200, 800);    // its segment is newer, its ACK older
  assert_true(!a.dd.wnd_vld && !a.forward);
  a = take_ack(&b, 0, 5, 700, 300);
  assert_true(a.dd.wnd_vld && b.c.wnd_fwd == 300 << SCALE);
  a = take_ack(&b, 5, 5, 700, 250);
  assert_true(a.dd.wnd_vld && a.dd.wnd == 250 << SCALE);
}

// --- read -----------------------------------------------------------------------------------------------------------
struct read_row {
  const char *what;
  int32_t gained, seen;   // beyond what the peer was told; what the peer still sees
  bool update;
};

static const struct read_row reads[] = {
    {"half the ring", RING / 2, 4096, true},
    {"just below half, peer sees enough", RING / 2 - 1, 4000, false},
    {"one segment, peer sees less than two", MSS, 2 * MSS - 1, true},
    {"one segment, peer sees two", MSS, 2 * MSS, false},
    {"less than a segment, peer sees nothing", MSS - 1, 0, false},
    {"one segment, peer sees nothing", MSS, 0, true},
    {"one segment, RCV.NXT beyond what was told", MSS, -10, true},
    {"nothing", 0, 0, false},
};

static void test_rcv_read_owes_an_update_by_the_silly_window_rule(void **state)
{
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    const struct read_row *r = &reads[i];
    struct bed b = bed_of(state, RING);
    struct sent_mirror sent = {.ack = b.c.nxt, .wnd_end = seq_add(b.c.nxt, (uint32_t)r->seen)};
    struct seq consumed = seq_add(sent.wnd_end, (uint32_t)(r->gained - RING));
    if (rcv_read(&caps, &b.c, consumed, &sent) != r->update) fail_msg("%s: not %d", r->what, r->update);
    assert_int_equal(seq_diff(b.c.wnd_end, consumed), RING);
  }
}

// Regression: of a ring larger than an unscaled window every read gained half the ring, and no ACK was ever delayed.
static void test_rcv_read_counts_what_the_window_field_can_say(void **state)
{
  enum { LARGE = 4 * 65536 };
  const struct core_caps large = {.rx_ring_bytes = LARGE, .cwnd_bytes = 16384};
  static const struct { uint8_t scale; int32_t seen, unread; bool update; } rows[] = {
      {0, 65535 - MSS, 0, false},       {0, 65535 - 32766, 0, false}, {0, 65535 - 32767, 0, true},       {0, 2 * MSS - 1, 0, true},
      {0, 65535 - MSS, LARGE - 70000, false}, {0, 1000, LARGE - 2000, true}, {3, LARGE - MSS, 0, false}, {3, LARGE / 2, 0, true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b = bed_of(state, 0);
    b.c.rcv_wscale = rows[i].scale;
    struct sent_mirror sent = {.ack = b.c.nxt, .wnd_end = seq_add(b.c.nxt, (uint32_t)rows[i].seen)};
    if (rcv_read(&large, &b.c, seq_add(b.c.nxt, -(uint32_t)rows[i].unread), &sent) != rows[i].update) fail_msg("row %zu", i);
  }
}

static void test_rcv_read_owes_nothing_when_flow_is_closed(void **state)
{
  struct bed b = bed_of(state, 0);
  struct sent_mirror sent = {.ack = b.c.nxt, .wnd_end = b.c.nxt};
  b.c.open = false;
  assert_false(rcv_read(&caps, &b.c, b.c.nxt, &sent));
}

static void test_rcv_read_owes_nothing_when_the_peer_has_finished(void **state)
{
  struct bed b = bed_of(state, RING);
  struct sent_mirror sent = {.ack = b.c.nxt, .wnd_end = b.c.nxt};
  assert_true(take_at(&b, 0, 0, ACK | FIN).fin);
  assert_false(rcv_read(&caps, &b.c, b.c.nxt, &sent));
}

static void test_rcv_accepts_again_when_a_read_reopened_the_window(void **state)
{
  struct bed b = bed_of(state, RING);
  struct sent_mirror sent = {.ack = b.c.nxt, .wnd_end = b.c.wnd_end};
  assert_int_equal(take_at(&b, 0, RING, ACK).len, RING);
  sent.wnd_end = b.c.nxt;
  assert_int_equal(take_at(&b, RING, 10, ACK).class_id, RCV_OUT_OF_WINDOW);
  assert_true(rcv_read(&caps, &b.c, b.c.nxt, &sent));
  assert_int_equal(take_at(&b, RING, 10, ACK).len, 10);
}

// At plain numbers, with 2^31 and with 2^32 inside window and flight, and at the very edge.
static const struct isns isns[] = {
    {1000, 70000}, {0x7fffffff - 300, 0x80000000u - 40}, {0xffffffffu - 300, 0u - 40}, {0xffffffffu, 0xffffffffu},
};
#define AT(f, i) {#f " (isn " #i ")", f, NULL, NULL, (void *)(uintptr_t)&isns[i]}
#define SEQ_TEST(f) AT(f, 0), AT(f, 1), AT(f, 2), AT(f, 3)

int main(void)
{
  const struct CMUnitTest tests[] = {
    SEQ_TEST(test_rcv_open_starts_from_the_command),
    SEQ_TEST(test_rcv_hears_the_ack_of_one_who_stands_behind_its_probe),
    SEQ_TEST(test_rcv_hears_the_ack_of_one_who_stands_behind_an_edge_that_went_back),
    SEQ_TEST(test_rcv_places_a_segment_by_the_acceptance_table),
    SEQ_TEST(test_rcv_takes_nothing_when_an_overlap_meets_a_zero_window),
    SEQ_TEST(test_rcv_uses_the_ack_of_a_probe_when_window_is_zero),
    SEQ_TEST(test_rcv_ignores_the_ack_of_a_segment_outside_the_window),
    SEQ_TEST(test_rcv_goes_on_across_segments_in_order),
    SEQ_TEST(test_rcv_takes_fin_when_in_order),
    SEQ_TEST(test_rcv_takes_fin_when_its_data_came_before),
    SEQ_TEST(test_rcv_takes_fin_when_at_the_last_place_of_the_window),
    SEQ_TEST(test_rcv_leaves_fin_when_outside_the_window),
    SEQ_TEST(test_rcv_leaves_fin_when_out_of_order),
    SEQ_TEST(test_rcv_acks_at_once_when_fin_comes_again),
    SEQ_TEST(test_rcv_refuses_data_when_fin_was_taken),
    SEQ_TEST(test_rcv_forwards_acks_when_fin_was_taken),
    SEQ_TEST(test_rcv_resets_when_rst_is_exactly_at_nxt),
    SEQ_TEST(test_rcv_challenges_when_rst_is_elsewhere_in_the_window),
    SEQ_TEST(test_rcv_is_silent_when_rst_is_outside_the_window),
    SEQ_TEST(test_rcv_challenges_when_syn_comes_wherever_it_lies),
    SEQ_TEST(test_rcv_challenges_when_ack_is_of_what_was_never_sent),
    SEQ_TEST(test_rcv_accepts_ack_when_up_to_the_highest_ever_sent),
    SEQ_TEST(test_rcv_drops_when_there_is_no_ack_flag),
    SEQ_TEST(test_rcv_does_nothing_when_flow_is_closed),
    SEQ_TEST(test_rcv_updates_the_window_by_wl1_and_ack_fwd),
    SEQ_TEST(test_rcv_scales_the_window_by_the_peers_shift),
    SEQ_TEST(test_rcv_forwards_every_pure_ack),
    SEQ_TEST(test_rcv_forwards_data_only_when_ack_or_window_is_new),
    SEQ_TEST(test_rcv_forwards_data_that_says_the_window_is_still_closed),
    SEQ_TEST(test_rcv_does_not_forward_when_an_old_segment_brings_an_old_window),
    SEQ_TEST(test_rcv_ack_forwarded_never_retreats),
    SEQ_TEST(test_rcv_takes_no_window_from_an_ack_below_one_that_was_forwarded),
    SEQ_TEST(test_rcv_read_owes_an_update_by_the_silly_window_rule),
    SEQ_TEST(test_rcv_read_counts_what_the_window_field_can_say),
    SEQ_TEST(test_rcv_read_owes_nothing_when_flow_is_closed),
    SEQ_TEST(test_rcv_read_owes_nothing_when_the_peer_has_finished),
    SEQ_TEST(test_rcv_accepts_again_when_a_read_reopened_the_window),
  };
  return cmocka_run_group_tests_name("core_rcv", tests, NULL, NULL);
}
