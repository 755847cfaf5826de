// SPDX-License-Identifier: Apache-2.0
// monitor: what an established connection sends and acknowledges, and its resets: for every rule a conversation that keeps it
// and one that breaks it.
#include "check/monitor_bed.h"

// --- what is sent ----------------------------------------------------------------------------------------------------

static void sends_again(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 900, .ack = 1);
  SENT(b, .flags = ACK, .seq = 901, .len = 900, .ack = 1);
  SENT(b, .flags = ACK, .seq = 401, .len = 1000, .ack = 1);    // cut elsewhere
  SENT(b, .flags = ACK, .seq = 1, .len = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1501, .len = 600, .ack = 1);    // old and new in one
}
static void gap(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 2, .len = 10, .ack = 1); }
static void gap_in_ack(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 2, .ack = 1); }
static void before_isn(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = (uint32_t)-1, .ack = 1); }
static void far_before_isn(struct bed *b) { handshake(b, 0), RECEIVED(b, .flags = ACK, .seq = (uint32_t)-1, .ack = 1); }
static void keep_alive(struct bed *b)
{
  sends_again(b);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 2101);
  SENT(b, .flags = ACK, .seq = 2100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 2100, .len = 1, .ack = 1, .other_bytes = true);    // an octet of garbage (RFC 9293 section 3.8.4)
}
// Of who is far, frames may be missing, or late.
static void far_gap(struct bed *b)
{
  handshake(b, TS);
  RECEIVED(b, .flags = ACK, .seq = 501, .len = 100, .ack = 1, .window = 4000);
  b->tsval[THEIRS]--;
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1, .window = 3000);
}

static void test_monitor_judges_sequence_numbers(void **state)
{
  (void)state;
  passes(sends_again);
  caught(gap, MONITOR_SEQUENCE);
  caught(gap_in_ack, MONITOR_SEQUENCE);
  caught(before_isn, MONITOR_SEQUENCE);
  passes(keep_alive);
  passes_as(&theirs, far_gap);
  caught_as(&theirs, far_before_isn, MONITOR_SEQUENCE);
}

static void mss_filled(struct bed *b) { handshake(b, TS), SENT(b, .flags = ACK, .seq = 1, .len = MSS - 12, .ack = 1); }
static void mss_exceeded(struct bed *b) { handshake(b, TS), SENT(b, .flags = ACK, .seq = 1, .len = MSS - 11, .ack = 1); }
static void first_data(struct bed *b, uint32_t len)
{
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = len, .ack = 1);
}
static void default_mss(struct bed *b, uint32_t len) { RECEIVED(b, .flags = SYN, RAW("\1\1\1\1")), first_data(b, len); }
static void zero_mss(struct bed *b, uint32_t len) { RECEIVED(b, .flags = SYN, RAW("\2\4\0\0")), first_data(b, len); }
static void tiny_mss(struct bed *b, uint32_t len) { RECEIVED(b, .flags = SYN, RAW("\2\4\0\4")), first_data(b, len); }
static void default_mss_filled(struct bed *b) { default_mss(b, 536); }
static void default_mss_exceeded(struct bed *b) { default_mss(b, 537); }
static void zero_mss_filled(struct bed *b) { zero_mss(b, 536); }
static void zero_mss_exceeded(struct bed *b) { zero_mss(b, 537); }
static void tiny_mss_filled(struct bed *b) { tiny_mss(b, 48); }
static void tiny_mss_exceeded(struct bed *b) { tiny_mss(b, 49); }

static void test_monitor_judges_mss(void **state)
{
  (void)state;
  passes(mss_filled);
  caught(mss_exceeded, MONITOR_MSS);
  passes(default_mss_filled);
  caught(default_mss_exceeded, MONITOR_MSS);
  passes(zero_mss_filled);
  caught(zero_mss_exceeded, MONITOR_MSS);
  passes(tiny_mss_filled);
  caught(tiny_mss_exceeded, MONITOR_MSS);
  caught_as(&ours_strict, tiny_mss_filled, MONITOR_MSS);
}

static void open_small(struct bed *b, unsigned agreed)    // their window: 100 octets
{
  RECEIVED(b, .flags = SYN, .offers = agreed, .window = 100);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = agreed);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1, .window = agreed & SCALE ? 12 : 100);
}
static void window_filled(struct bed *b) { open_small(b, 0), SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1); }
static void window_exceeded(struct bed *b) { open_small(b, 0), SENT(b, .flags = ACK, .seq = 1, .len = 101, .ack = 1); }
static void window_exceeded_by_fin(struct bed *b) { open_small(b, 0), SENT(b, .flags = ACK | FIN, .seq = 1, .len = 100, .ack = 1); }
static void window_of_syn_scaled(struct bed *b) { open_small(b, SCALE), SENT(b, .flags = ACK, .seq = 1, .len = 101, .ack = 1); }
static void window_shrunk(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1, .window = 10);
  SENT(b, .flags = ACK, .seq = 1, .len = 500, .ack = 1);    // it was offered once
}
static void window_scaled(struct bed *b)
{
  handshake(b, SCALE);
  for (uint32_t at = 1; at < 40001; at += 1000) SENT(b, .flags = ACK, .seq = at, .len = 1000, .ack = 1);
}
static void window_scaled_exceeded(struct bed *b) { window_scaled(b), SENT(b, .flags = ACK, .seq = 40001, .len = 1, .ack = 1); }
static void shut(struct bed *b)
{
  open_small(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 101, .closed = true);
}
static void probe(struct bed *b)
{
  shut(b);
  SENT(b, .flags = ACK, .seq = 101, .len = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 101, .len = 1, .ack = 1);
}
static void probe_after_a_late_ack(struct bed *b)
{
  open_small(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 101, .closed = true);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 51, .closed = true);    // sent before the other
  SENT(b, .flags = ACK, .seq = 101, .len = 1, .ack = 1);
}
static void probe_of_two(struct bed *b) { shut(b), SENT(b, .flags = ACK, .seq = 101, .len = 2, .ack = 1); }
static void probe_behind_probe(struct bed *b) { probe(b), SENT(b, .flags = ACK, .seq = 102, .len = 1, .ack = 1); }
static void probe_unneeded(struct bed *b) { window_filled(b), SENT(b, .flags = ACK, .seq = 101, .len = 1, .ack = 1); }
static void edge_of_forged_ack(struct bed *b)
{
  open_small(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 500);    // acknowledges what was never sent: offers nothing
  SENT(b, .flags = ACK, .seq = 1, .len = 101, .ack = 1);
}

static void window_of_a_fragment(struct bed *b)
{
  open_small(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 96, .ack = 101, .window = 100, .twist = torn);
  SENT(b, .flags = ACK, .seq = 101, .len = 100, .ack = 1);
}
static void window_of_a_fragment_exceeded(struct bed *b) { window_of_a_fragment(b), SENT(b, .flags = ACK, .seq = 201, .len = 1, .ack = 1); }
static void window_of_a_header_in_pieces(struct bed *b)    // is not known
{
  window_of_a_fragment(b);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 96, .ack = 201, .twist = beheaded);
  SENT(b, .flags = ACK, .seq = 201, .len = 100, .ack = 1);
}

static void test_monitor_judges_the_window(void **state)
{
  (void)state;
  passes(window_filled);
  caught(window_exceeded, MONITOR_WINDOW);
  caught(window_exceeded_by_fin, MONITOR_WINDOW);
  caught(window_of_syn_scaled, MONITOR_WINDOW);
  passes(window_shrunk);
  passes(window_scaled);
  caught(window_scaled_exceeded, MONITOR_WINDOW);
  passes(probe);
  passes(probe_after_a_late_ack);
  caught(probe_of_two, MONITOR_WINDOW);
  caught(probe_behind_probe, MONITOR_WINDOW);
  caught(probe_unneeded, MONITOR_WINDOW);
  caught(edge_of_forged_ack, MONITOR_WINDOW);
  passes(window_of_a_fragment);
  caught(window_of_a_fragment_exceeded, MONITOR_WINDOW);
  passes(window_of_a_header_in_pieces);
}

static void bytes_changed(struct bed *b) { sends_again(b), SENT(b, .flags = ACK, .seq = 700, .len = 2, .ack = 1, .other_bytes = true); }
static void bytes_changed_once_acked(struct bed *b)
{
  sends_again(b);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 701);
  SENT(b, .flags = ACK, .seq = 650, .len = 51, .ack = 1, .other_bytes = true);
}
static void bytes_changed_behind_ack(struct bed *b)
{
  sends_again(b);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 701);
  SENT(b, .flags = ACK, .seq = 650, .len = 52, .ack = 1, .other_bytes = true);
}
static void far_bytes_in_a_gap(struct bed *b)
{
  far_gap(b);
  RECEIVED(b, .flags = ACK, .seq = 101, .len = 400, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 401, .len = 200, .ack = 1);
}
static void far_bytes_changed(struct bed *b) { far_bytes_in_a_gap(b), RECEIVED(b, .flags = ACK, .seq = 300, .len = 1, .ack = 1, .other_bytes = true); }

static void test_monitor_judges_bytes_sent_again(void **state)
{
  (void)state;
  caught(bytes_changed, MONITOR_BYTES);
  passes(bytes_changed_once_acked);
  caught(bytes_changed_behind_ack, MONITOR_BYTES);
  passes_as(&theirs, far_bytes_in_a_gap);
  caught_as(&theirs, far_bytes_changed, MONITOR_BYTES);
}

static void ended(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK | FIN, .seq = 101, .len = 50, .ack = 1);
}
static void fin_again(struct bed *b)
{
  ended(b);
  SENT(b, .flags = ACK, .seq = 1, .len = 120, .ack = 1);
  SENT(b, .flags = ACK | FIN, .seq = 1, .len = 150, .ack = 1);
  SENT(b, .flags = ACK | FIN, .seq = 151, .ack = 1);
  SENT(b, .flags = ACK, .seq = 152, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 152);
  SENT(b, .flags = ACK, .seq = 151, .len = 1, .ack = 1);    // a keep-alive
}
static void fin_moved_on(struct bed *b) { ended(b), SENT(b, .flags = ACK | FIN, .seq = 152, .ack = 1); }
static void fin_moved_back(struct bed *b) { ended(b), SENT(b, .flags = ACK | FIN, .seq = 1, .len = 100, .ack = 1); }
static void data_behind_fin(struct bed *b) { ended(b), SENT(b, .flags = ACK, .seq = 101, .len = 51, .ack = 1); }
static void fin_amid_data(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK | FIN, .seq = 1, .len = 99, .ack = 1);
}

static void far_fin_late(struct bed *b)    // the ACK of theirs came before it
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 11, .ack = 1);
  RECEIVED(b, .flags = ACK | FIN, .seq = 1, .len = 9, .ack = 1);
}

static void test_monitor_judges_the_fin(void **state)
{
  (void)state;
  passes(fin_again);
  passes_as(&theirs, far_fin_late);
  caught(fin_moved_on, MONITOR_FIN);
  caught(fin_moved_back, MONITOR_FIN);
  caught(data_behind_fin, MONITOR_FIN);
  caught(fin_amid_data, MONITOR_FIN);
}

// --- what is acknowledged --------------------------------------------------------------------------------------------

static void no_ack_flag(struct bed *b) { handshake(b, 0), SENT(b, .flags = PSH, .seq = 1, .len = 10); }
static void no_flags(struct bed *b) { handshake(b, 0), SENT(b, .flags = 0, .seq = 1); }

static void test_monitor_judges_the_ack_flag(void **state)
{
  (void)state;
  caught(no_ack_flag, MONITOR_ACK_FLAG);
  caught(no_flags, MONITOR_ACK_FLAG);
}

static void in_pieces(struct bed *b)
{
  handshake(b, TS | SACK);
  RECEIVED(b, .flags = ACK, .seq = 301, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 101, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK | FIN, .seq = 501, .len = 100, .ack = 1);
}
static void in_pieces_acked(struct bed *b)
{
  in_pieces(b);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 201);
  RECEIVED(b, .flags = ACK, .seq = 150, .len = 200, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 401);
  RECEIVED(b, .flags = ACK, .seq = 401, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 602);              // the FIN, too
}
static void over_a_hole(struct bed *b) { in_pieces(b), SENT(b, .flags = ACK, .seq = 1, .ack = 201); }
static void too_much_by_one(struct bed *b) { in_pieces_acked(b), SENT(b, .flags = ACK, .seq = 1, .ack = 603); }
static void ack_of_nothing(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 2); }
static void goes_back(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 101);
  SENT(b, .flags = ACK, .seq = 1, .ack = 100);
}
static void far_goes_back(struct bed *b)    // of who is far: an older one may come late
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 101);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1, .window = 3);
}
static void far_acks_too_much(struct bed *b) { far_goes_back(b), RECEIVED(b, .flags = ACK, .seq = 1, .ack = 102); }
static void in_fragments(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 96, .ack = 1, .twist = torn);
  SENT(b, .flags = ACK, .seq = 1, .ack = 301);
  assert_int_equal(monitor_counts(b->m)->fragments, 1);
}

static void syn_in_fragments(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .len = 96, .twist = torn);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
}

static void test_monitor_judges_acknowledgments(void **state)
{
  (void)state;
  passes(in_pieces_acked);
  passes_as(&ours_strict, in_pieces_acked);
  caught(over_a_hole, MONITOR_ACK_TRUTH);
  caught(too_much_by_one, MONITOR_ACK_TRUTH);
  caught(ack_of_nothing, MONITOR_ACK_TRUTH);
  caught(goes_back, MONITOR_ACK_BACK);
  passes_as(&theirs, far_goes_back);
  caught_as(&theirs, far_acks_too_much, MONITOR_ACK_TRUTH);
  passes(in_fragments);
  passes_as(&ours_strict, syn_in_fragments);
}

static void edge_kept(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 101, .window = 4900);
  RECEIVED(b, .flags = ACK, .seq = 101, .len = 1000, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1101, .window = 3900);
}
static void edge_back(struct bed *b) { edge_kept(b), SENT(b, .flags = ACK, .seq = 1, .ack = 1101, .window = 3899); }
static void edge_back_from_syn(struct bed *b)
{
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1, .window = 6000);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 5999);
}
static void edge_rounded(struct bed *b)    // by 7, at a scale of 8
{
  handshake(b, SCALE);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 5000);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 2, .window = 4999);
}
static void edge_back_by_scale(struct bed *b)    // by 8
{
  handshake(b, SCALE);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 5000);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 4999);
}
static void widest(struct bed *b)    // 65535 << 14
{
  RECEIVED(b, .flags = SYN, .offers = SCALE);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SCALE, .shift = 14);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 65535);
}
static void widest_back(struct bed *b) { widest(b), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 65534); }

static void test_monitor_judges_the_edge_of_the_window(void **state)
{
  (void)state;
  passes(edge_kept);
  caught(edge_back, MONITOR_EDGE);
  caught(edge_back_from_syn, MONITOR_EDGE);
  passes(edge_rounded);
  caught_as(&ours_strict, edge_rounded, MONITOR_EDGE);
  caught(edge_back_by_scale, MONITOR_EDGE);
  passes(widest);
  caught(widest_back, MONITOR_EDGE);
}

static void sack_true(struct bed *b)
{
  in_pieces(b);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 3, .sack = {501, 602, 101, 201, 301, 401});
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {350, 360});
}
static void sack_untrue(struct bed *b) { in_pieces(b), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 2, .sack = {101, 201, 301, 402}); }
static void sack_joined(struct bed *b) { in_pieces(b), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {101, 401}); }
static void sack_empty(struct bed *b) { in_pieces(b), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {101, 101}); }
static void sack_inverted(struct bed *b) { in_pieces(b), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {201, 101}); }
static void sack_at_ack(struct bed *b)
{
  handshake(b, SACK);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {1, 101});
}
static void second_block_below(struct bed *b)
{
  in_pieces(b);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 201, .n_sack = 2, .sack = {301, 401, 1, 101});
}

static void test_monitor_judges_sack_blocks(void **state)
{
  (void)state;
  passes(sack_true);
  caught(sack_untrue, MONITOR_SACK_TRUTH);
  caught(sack_joined, MONITOR_SACK_TRUTH);
  caught(sack_empty, MONITOR_SACK_FORM);
  caught(sack_inverted, MONITOR_SACK_FORM);
  caught(sack_at_ack, MONITOR_SACK_FORM);
  caught(second_block_below, MONITOR_SACK_FORM);
}

static void twice_below(struct bed *b)
{
  handshake(b, SACK);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 51, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 151, .n_sack = 1, .sack = {51, 101});
}
static void twice_above(struct bed *b)
{
  in_pieces(b);
  RECEIVED(b, .flags = ACK, .seq = 301, .len = 50, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 3, .sack = {301, 351, 301, 401, 101, 201});
}
static void twice_the_same(struct bed *b)
{
  in_pieces(b);
  RECEIVED(b, .flags = ACK, .seq = 301, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 2, .sack = {301, 401, 301, 401});
}
static void once_below(struct bed *b)
{
  handshake(b, SACK);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 101, .n_sack = 1, .sack = {51, 101});
}
static void long_gone(struct bed *b)    // no memory goes there, neither theirs nor ours
{
  handshake(b, SACK);
  RECEIVED(b, .flags = ACK, .seq = 0xd0000000, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {0xd0000000, 0xd0000064});
}
static void before_the_syn(struct bed *b)    // what the connection before this had noted may not be told in this one
{
  RECEIVED(b, .flags = ACK, .seq = (uint32_t)-500, .len = 100, .ack = 1);
  handshake(b, SACK);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {(uint32_t)-500, (uint32_t)-400});
}
static void once_above(struct bed *b)
{
  in_pieces(b);
  RECEIVED(b, .flags = ACK, .seq = 301, .len = 50, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 2, .sack = {301, 352, 301, 401});
}
static void astride(struct bed *b)
{
  twice_below(b);
  RECEIVED(b, .flags = ACK, .seq = 51, .len = 200, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 151, .n_sack = 1, .sack = {51, 152});
}
static void syn_ack_twice(struct bed *b)    // some count the SYN among what came twice
{
  SENT(b, .flags = SYN, .offers = SACK);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1, .offers = SACK);
  b->agreed = SACK;
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1, .offers = SACK);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {0, 1});
}
static void syn_ack_once(struct bed *b)
{
  SENT(b, .flags = SYN, .offers = SACK);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1, .offers = SACK);
  b->agreed = SACK;
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {0, 1});
}
static void syn_twice(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .offers = SACK);
  RECEIVED(b, .flags = SYN, .offers = SACK);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SACK);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {0, 1});
}
static void far_once_below(struct bed *b)    // what passed here once may be doubled behind
{
  handshake(b, SACK);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 101, .n_sack = 1, .sack = {51, 101});
}
static void far_never(struct bed *b)
{
  handshake(b, SACK);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 2, .sack = {101, 151, 101, 201});
}

static void test_monitor_judges_dsack(void **state)
{
  (void)state;
  passes(twice_below);
  passes(twice_above);
  passes(twice_the_same);
  caught(once_below, MONITOR_DSACK);
  caught(once_above, MONITOR_DSACK);
  passes(long_gone);
  caught(before_the_syn, MONITOR_DSACK);
  caught(astride, MONITOR_SACK_FORM);
  passes(syn_ack_twice);
  passes(syn_twice);
  caught(syn_ack_once, MONITOR_DSACK);
  passes_as(&theirs, far_once_below);
  caught_as(&theirs, far_never, MONITOR_DSACK);
}

// More holes than ranges are kept: what is judged is then a little more than what came, never less.
static void many_holes(struct bed *b)
{
  handshake(b, SACK);
  for (uint32_t i = 0; i < 300; i++) RECEIVED(b, .flags = ACK, .seq = 11 + 20 * (i * 7 % 300), .len = 10, .ack = 1);
  for (uint32_t i = 0; i < 300; i++)
    SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {11 + 20 * i, 21 + 20 * i});
  for (uint32_t i = 0; i < 300; i++) RECEIVED(b, .flags = ACK, .seq = 1 + 20 * i, .len = 10, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 6001);
}
static void many_holes_and_beyond(struct bed *b) { many_holes(b), SENT(b, .flags = ACK, .seq = 1, .ack = 6002); }

static void test_monitor_bears_more_holes_than_it_keeps(void **state)
{
  (void)state;
  passes(many_holes);
  caught(many_holes_and_beyond, MONITOR_ACK_TRUTH);
}

// --- RST -------------------------------------------------------------------------------------------------------------

static void rst_aborts(struct bed *b) { sends_again(b), SENT(b, .flags = RST | ACK, .seq = 2101, .ack = 1); }
static void rst_to_bad_ack(struct bed *b) { half_open(b), RECEIVED(b, .flags = ACK, .seq = 1, .ack = 77), SENT(b, .flags = RST, .seq = 77); }
static void rst_elsewhere(struct bed *b) { half_open(b), RECEIVED(b, .flags = ACK, .seq = 1, .ack = 77), SENT(b, .flags = RST, .seq = 78); }
static void rst_beyond(struct bed *b) { sends_again(b), SENT(b, .flags = RST, .seq = 2102); }
static void rst_acks_too_much(struct bed *b) { sends_again(b), SENT(b, .flags = RST | ACK, .seq = 2101, .ack = 2); }
static void at_zero(uint8_t *f, size_t *len) { (void)len, put_be32(f + 38, 0); }
static void far_rst_beyond(struct bed *b) { handshake(b, 0), RECEIVED(b, .flags = RST, .seq = 5001); }    // at the edge of our window
static void far_rst_far_beyond(struct bed *b) { handshake(b, 0), RECEIVED(b, .flags = RST, .seq = 5003); }
static void closed_port(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = RST | ACK, .ack = 1, .twist = at_zero); }
static void closed_port_wrong(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = RST | ACK, .ack = 2, .twist = at_zero); }
static void closed_port_without_ack(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = RST, .seq = 1); }
static void rst_of_a_stray_wrong(struct bed *b)
{
  RECEIVED(b, .flags = SYN | ACK, .seq = 500, .ack = 900);
  SENT(b, .flags = RST, .seq = 901);
}

static void test_monitor_judges_rst(void **state)
{
  (void)state;
  passes(rst_aborts);
  passes(rst_to_bad_ack);
  caught(rst_elsewhere, MONITOR_RST);
  caught(rst_beyond, MONITOR_RST);
  caught(rst_acks_too_much, MONITOR_RST);
  passes_as(&theirs, far_rst_beyond);
  caught_as(&theirs, far_rst_far_beyond, MONITOR_RST);
  passes_as(&ours_strict, closed_port);
  caught_as(&ours_strict, closed_port_wrong, MONITOR_RST);
  caught_as(&ours_strict, closed_port_without_ack, MONITOR_RST);
  caught_as(&ours_strict, rst_of_a_stray_wrong, MONITOR_RST);
}

static void speaks_after_rst(struct bed *b) { rst_aborts(b), SENT(b, .flags = ACK, .seq = 2101, .ack = 1); }
static void rst_again_after_rst(struct bed *b) { rst_aborts(b), RECEIVED(b, .flags = ACK, .seq = 1, .ack = 3), SENT(b, .flags = RST, .seq = 3); }
static void far_speaks_after_rst(struct bed *b)    // it may have been overtaken
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  RECEIVED(b, .flags = RST, .seq = 11);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
}
static void speaks_after_rst_having_only_heard(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 11);
  SENT(b, .flags = RST, .seq = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 11);
}
static void answers_another_call_after_rst(struct bed *b)    // with the ISN that it had, its clock has not moved on
{
  rst_aborts(b);
  RECEIVED(b, .flags = SYN, .seq = 1000000);
  SENT(b, .flags = SYN | ACK, .ack = 1000001);
}
static void answers_again_after_data(struct bed *b)
{
  sends_again(b);
  SENT(b, .flags = SYN | ACK, .ack = 1);
}
static void goes_on_half_open(struct bed *b)
{
  rst_to_bad_ack(b);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
}

static void test_monitor_judges_silence_after_rst(void **state)
{
  (void)state;
  caught(speaks_after_rst, MONITOR_AFTER_RST);
  caught(speaks_after_rst_having_only_heard, MONITOR_AFTER_RST);
  passes_as(&theirs, far_speaks_after_rst);
  passes(rst_again_after_rst);
  passes(goes_on_half_open);
  passes(answers_another_call_after_rst);
  caught(answers_again_after_data, MONITOR_HANDSHAKE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_monitor_judges_sequence_numbers),
    cmocka_unit_test(test_monitor_judges_mss),
    cmocka_unit_test(test_monitor_judges_the_window),
    cmocka_unit_test(test_monitor_judges_bytes_sent_again),
    cmocka_unit_test(test_monitor_judges_the_fin),
    cmocka_unit_test(test_monitor_judges_the_ack_flag),
    cmocka_unit_test(test_monitor_judges_acknowledgments),
    cmocka_unit_test(test_monitor_judges_the_edge_of_the_window),
    cmocka_unit_test(test_monitor_judges_sack_blocks),
    cmocka_unit_test(test_monitor_judges_dsack),
    cmocka_unit_test(test_monitor_bears_more_holes_than_it_keeps),
    cmocka_unit_test(test_monitor_judges_rst),
    cmocka_unit_test(test_monitor_judges_silence_after_rst),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
