// SPDX-License-Identifier: Apache-2.0
// monitor: the frame, its headers and options, the handshake: for every rule a conversation that keeps it and one that breaks
// it. What is not known, bounds, and any frame.
#include "check/monitor_bed.h"
#include "base/rng.h"

static void test_monitor_passes_a_whole_connection(void **state)
{
  (void)state;
  passes(fine_exchange);
  passes_as(&ours_strict, fine_exchange);
  passes_as(&theirs, fine_exchange);
  passes_as(&both, fine_exchange);
}

// Nobody is blind: each rule was asked.
static void asked(struct bed *b)
{
  fine_exchange(b);
  RECEIVED(b, .flags = ACK | FIN, .seq = 501, .ack = 1002);
  SENT(b, .flags = ACK, .seq = 1002, .ack = 502, .n_sack = 1, .sack = {501, 502});
  SENT(b, .flags = ACK, .seq = 900, .len = 50, .ack = 502, .other_bytes = true);    // acknowledged: may be anything
  SENT(b, .flags = RST, .seq = 1002);
  b->port++, b->agreed = 0;
  handshake(b, SACK);
  SENT(b, .flags = ACK, .seq = 1, .len = 50, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 50, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 5, .len = 5, .ack = 1);
  SENT(b, .flags = ACK, .seq = 51, .ack = 1, .n_sack = 1, .sack = {5, 10});
  const struct monitor_counts *c = monitor_counts(b->m);
  uint64_t sum = 0;
  for (enum monitor_rule r = 0; r < MONITOR_RULES; sum += c->checks[r++])
    if (!c->checks[r]) fail_msg("%s was not asked", monitor_rule_name(r));
  assert_int_equal(sum, c->all_checks);
  assert_int_equal(c->compared_bytes, 50);
  assert_int_equal(c->connections, 2);
  assert_int_equal(c->tcp, c->frames);
}

static void test_monitor_counts_what_it_asked(void **state)
{
  (void)state;
  passes_as(&ours_strict, asked);
}

static void wrong_all_along(struct bed *b)
{
  handshake(b, 0);
  for (unsigned i = 0; i < 10; i++) SENT(b, .flags = ACK, .seq = 1, .ack = 100);
  assert_int_equal(monitor_counts(b->m)->all_wrong, 1);
}

static void test_monitor_says_once_that_too_much_was_acknowledged(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    struct bed b;
    talk(&ours, i, wrong_all_along, &b);
    monitor_close(b.m);
  }
}

// --- frame, IP, header -----------------------------------------------------------------------------------------------

static void lengthen(uint8_t *f, size_t *len)
{
  memset(f + *len, 0, 20);
  *len += 20;
}
static void to_sixty(uint8_t *f, size_t *len)
{
  memset(f + *len, 0, 60 - *len);
  *len = 60;
}
static void group_source(uint8_t *f, size_t *len) { (void)len, f[6] = 3; }
static void no_ttl(uint8_t *f, size_t *len) { (void)len, f[22] = 0; }
static void reserved_ip_flag(uint8_t *f, size_t *len) { (void)len, f[20] |= 0x80; }
static void bad_ip_sum(uint8_t *f, size_t *len) { (void)len, f[25] ^= 1; }
static void bad_tcp_sum(uint8_t *f, size_t *len) { (void)len, f[50] ^= 1; }
static void reserved_bits(uint8_t *f, size_t *len) { (void)len, f[46] |= 2; }
static void short_offset(uint8_t *f, size_t *len) { (void)len, f[46] = 0x40; }
static void long_offset(uint8_t *f, size_t *len) { (void)len, f[46] = 0x60; }
static void accurate_ecn(uint8_t *f, size_t *len) { (void)len, f[46] |= 1; }

static void unfinished_sum(uint8_t *f, size_t *len)
{
  (void)len;
  uint32_t sum = cksum_add(0, f + 26, 8) + 6 + get_be16(f + 16) - 20u;
  put_be16(f + 50, (uint16_t)~cksum_fold(sum));
}

static void padded(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .spoil = to_sixty); }
static void trailed(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .spoil = lengthen); }
static void from_group(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .spoil = group_source); }
static void dead_on_arrival(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .twist = no_ttl); }
static void evil(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .twist = reserved_ip_flag); }
static void ip_sum_wrong(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .spoil = bad_ip_sum); }
static void sum_wrong(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .len = 9, .ack = 1, .spoil = bad_tcp_sum); }
static void sum_unfinished(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .len = 9, .ack = 1, .spoil = unfinished_sum); }
static void reserved(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .twist = reserved_bits); }
static void offset_short(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .twist = short_offset); }
static void offset_long(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .twist = long_offset); }
static void rst_and_fin(struct bed *b) { handshake(b, 0), SENT(b, .flags = RST | FIN, .seq = 1); }
static void rst_and_syn(struct bed *b) { handshake(b, 0), SENT(b, .flags = RST | SYN, .seq = 1); }

static void test_monitor_judges_frame_and_headers(void **state)
{
  (void)state;
  passes(padded);
  caught(trailed, MONITOR_ETHERNET);
  caught(from_group, MONITOR_ETHERNET);
  caught(dead_on_arrival, MONITOR_IP);
  caught(evil, MONITOR_IP);
  caught(ip_sum_wrong, MONITOR_IP);
  caught(sum_wrong, MONITOR_CHECKSUM);
  caught(sum_unfinished, MONITOR_CHECKSUM);
  caught(reserved, MONITOR_HEADER);
  caught(offset_short, MONITOR_HEADER);
  caught(offset_long, MONITOR_HEADER);
  caught(rst_and_fin, MONITOR_HEADER);
  caught(rst_and_syn, MONITOR_HEADER);
}

// Of who is not here at the capture, a damaged frame proves nothing; and it brought nothing.
static void damaged_from_them(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 9, .ack = 1, .spoil = bad_tcp_sum);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 9, .ack = 1, .spoil = bad_ip_sum);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1, .twist = short_offset);
  assert_int_equal(monitor_counts(b->m)->damaged, 3);
}
static void damaged_acked(struct bed *b) { damaged_from_them(b), SENT(b, .flags = ACK, .seq = 1, .ack = 10); }
static void unfinished_acked(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 9, .ack = 1, .spoil = unfinished_sum);
  SENT(b, .flags = ACK, .seq = 1, .ack = 10);
  assert_int_equal(monitor_counts(b->m)->unfinished, 1);
}

static void test_monitor_takes_damaged_frames_for_nothing(void **state)
{
  (void)state;
  passes(damaged_from_them);
  passes_as(&theirs, damaged_from_them);
  caught(damaged_acked, MONITOR_ACK_TRUTH);
  passes(unfinished_acked);
}

static void offloaded(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 3000, .ack = 1, .spoil = unfinished_sum);
}

static void test_monitor_leaves_checksum_and_mss_to_offloads(void **state)
{
  (void)state;
  static const struct monitor_config offloads = {.sent = MONITOR_NEAR, .offloads = true};
  passes_as(&offloads, offloaded);
  caught(offloaded, MONITOR_CHECKSUM);
}

// --- options ---------------------------------------------------------------------------------------------------------

static void padding_zero(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\1\0\0\0")); }
static void padding_not_zero(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\1\0\0\1")); }
static void length_one(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\10\1\1\1")); }
static void length_beyond(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\1\1\10\12")); }
static void length_missing(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\1\1\1\10")); }
static void mss_too_long(struct bed *b)
{
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1, RAW("\2\5\4\0\0\0\0\0"));
}
static void sack_of_half_a_block(struct bed *b)
{
  handshake(b, SACK);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\5\6\0\0\0\0\0\0"));
}

static void test_monitor_judges_form_of_options(void **state)
{
  (void)state;
  passes(padding_zero);
  caught(padding_not_zero, MONITOR_OPTION_FORM);
  caught(length_one, MONITOR_OPTION_FORM);
  caught(length_beyond, MONITOR_OPTION_FORM);
  caught(length_missing, MONITOR_OPTION_FORM);
  caught(mss_too_long, MONITOR_OPTION_FORM);
  caught(sack_of_half_a_block, MONITOR_OPTION_FORM);
}

static void mss_later(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\2\4\4\0")); }
static void scale_later(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\3\3\4\0")); }
static void rst_with_ts(struct bed *b) { handshake(b, 0), SENT(b, .flags = RST, .seq = 1, RAW("\10\12\0\0\0\0\0\0\0\0\1\1")); }
static void permit_later(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\4\2\0\0")); }

static void test_monitor_judges_place_of_options(void **state)
{
  (void)state;
  caught(mss_later, MONITOR_OPTION_PLACE);
  caught(scale_later, MONITOR_OPTION_PLACE);
  caught(permit_later, MONITOR_OPTION_PLACE);
}

// A SYN-ACK that answers nothing, then a SYN with the same number: what that offers counts.
static void scale_asked_after_a_stray(struct bed *b)
{
  RECEIVED(b, .flags = SYN | ACK, .ack = 5);
  RECEIVED(b, .flags = SYN, .offers = SCALE);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SCALE);
}
static void scale_unasked(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SCALE); }
static void ts_unasked(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = SYN | ACK, .ack = 1, .offers = TS); }
static void less_than_asked(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .offers = TS | SACK | SCALE);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = 0);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
}
static void sack_unagreed(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .offers = 0);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SACK);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 101, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {101, 201});
}
static void ts_unagreed(struct bed *b) { less_than_asked(b), b->agreed = TS, SENT(b, .flags = ACK, .seq = 101, .ack = 1); }
static void unknown_option(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\36\4\0\0")); }
static void unknown_option_in_syn(struct bed *b)
{
  RECEIVED(b, .flags = SYN, RAW("\36\4\0\0"));
  SENT(b, .flags = SYN | ACK, .ack = 1, RAW("\36\4\0\0"));
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\36\4\0\0"));
}
static void permit_by_them_alone(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .offers = SACK);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 101, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .n_sack = 1, .sack = {101, 201});
}
static void high_option(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\376\4\0\0")); }
static void high_option_in_their_second_syn(struct bed *b)
{
  RECEIVED(b, .flags = SYN);
  RECEIVED(b, .flags = SYN, RAW("\2\4\3\350\376\4\0\0"));
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\376\4\0\0"));
}
static void user_timeout(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, RAW("\34\4\0\144")); }

static void test_monitor_judges_what_was_agreed(void **state)
{
  (void)state;
  passes(less_than_asked);
  passes(scale_asked_after_a_stray);
  caught(scale_unasked, MONITOR_OPTION_AGREED);
  caught(ts_unasked, MONITOR_OPTION_AGREED);
  caught(sack_unagreed, MONITOR_OPTION_AGREED);
  caught(ts_unagreed, MONITOR_OPTION_AGREED);
  caught(rst_with_ts, MONITOR_OPTION_AGREED);
  caught(permit_by_them_alone, MONITOR_OPTION_AGREED);
  caught(high_option, MONITOR_OPTION_AGREED);
  passes(high_option_in_their_second_syn);
  caught(unknown_option, MONITOR_OPTION_AGREED);
  passes(unknown_option_in_syn);
  passes(user_timeout);
}

static void scale_14(struct bed *b) { SENT(b, .flags = SYN, .offers = SCALE, .shift = 14); }
static void scale_15(struct bed *b) { SENT(b, .flags = SYN, .offers = SCALE, .shift = 15); }

static void test_monitor_judges_window_scale(void **state)
{
  (void)state;
  passes(scale_14);
  caught(scale_15, MONITOR_WINDOW_SCALE);
}

static void ts_missing(struct bed *b) { handshake(b, TS), SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1, .no_ts = true); }
static void ts_not_on_rst(struct bed *b) { handshake(b, TS), SENT(b, .flags = RST, .seq = 1); }
static void ts_forward(struct bed *b)
{
  handshake(b, TS);
  b->tsval[OURS] += 0x7fffffff;
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
}
static void ts_back(struct bed *b) { handshake(b, TS), b->tsval[OURS]--, SENT(b, .flags = ACK, .seq = 1, .ack = 1); }

static void test_monitor_judges_presence_and_clock_of_time_stamps(void **state)
{
  (void)state;
  caught(ts_missing, MONITOR_TS_PRESENT);
  passes(ts_not_on_rst);
  passes(ts_forward);
  caught(ts_back, MONITOR_TS_VALUE);
}

static void echo_of_an_older(struct bed *b)
{
  uint32_t first = b->tsval[THEIRS];
  handshake(b, TS);
  b->tsval[THEIRS] = first + 10;
  RECEIVED(b, .flags = ACK, .seq = 101, .len = 100, .ack = 1);   // behind a hole: TS.Recent stays
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .set_ecr = true, .tsecr = first);
}
static void echo_between(struct bed *b)
{
  uint32_t first = b->tsval[THEIRS];
  handshake(b, TS);
  b->tsval[THEIRS] = first + 10;
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .set_ecr = true, .tsecr = first + 5);
}
static void echo_ahead(struct bed *b)
{
  handshake(b, TS);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .set_ecr = true, .tsecr = b->tsval[THEIRS] + 1);
}
// More stamps than are known exactly.
static void many_stamps(struct bed *b)
{
  handshake(b, TS);
  for (int i = 0; i < 200; i++) b->tsval[THEIRS] += 3, RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
}
static void echo_long_ago(struct bed *b)
{
  uint32_t first = b->tsval[THEIRS];
  many_stamps(b);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .set_ecr = true, .tsecr = first + 30);
}
static void echo_between_late(struct bed *b)
{
  many_stamps(b);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .set_ecr = true, .tsecr = b->tsval[THEIRS] - 31);
}
static void echo_before_all(struct bed *b)
{
  uint32_t first = b->tsval[THEIRS];
  many_stamps(b);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .set_ecr = true, .tsecr = first - 1);
}
static void echo_of_a_fragment(struct bed *b)
{
  handshake(b, TS);
  b->tsval[THEIRS] += 9;
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 96, .ack = 1, .twist = torn);
  SENT(b, .flags = ACK, .seq = 1, .ack = 97);
}
static void echo_ahead_of_a_fragment(struct bed *b)
{
  echo_of_a_fragment(b);
  SENT(b, .flags = ACK, .seq = 1, .ack = 97, .set_ecr = true, .tsecr = b->tsval[THEIRS] + 1);
}
static void echo_of_a_header_in_pieces(struct bed *b)    // is not known
{
  echo_of_a_fragment(b);
  b->tsval[THEIRS] += 9;
  RECEIVED(b, .flags = ACK, .seq = 97, .len = 96, .ack = 1, .twist = beheaded);
  SENT(b, .flags = ACK, .seq = 1, .ack = 193);
}
static void syn_echoes(struct bed *b) { SENT(b, .flags = SYN, .offers = TS, .set_ecr = true, .tsecr = 5); }

static void test_monitor_judges_echo_of_time_stamps(void **state)
{
  (void)state;
  passes(echo_of_an_older);
  caught(echo_between, MONITOR_TS_ECHO);
  caught(echo_ahead, MONITOR_TS_ECHO);
  passes(echo_long_ago);
  caught(echo_between_late, MONITOR_TS_ECHO);
  caught(echo_before_all, MONITOR_TS_ECHO);
  passes(echo_of_a_fragment);
  caught(echo_ahead_of_a_fragment, MONITOR_TS_ECHO);
  passes(echo_of_a_header_in_pieces);
  passes(syn_echoes);
  caught_as(&ours_strict, syn_echoes, MONITOR_TS_ECHO);
}

static void ecn_agreed(struct bed *b)
{
  RECEIVED(b, .flags = SYN | ECE | CWR);
  SENT(b, .flags = SYN | ACK | ECE, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK | ECE, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK | CWR, .seq = 1, .len = 10, .ack = 1);
}
static void ecn_unagreed(struct bed *b)
{
  RECEIVED(b, .flags = SYN | ECE | CWR);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK | ECE, .seq = 1, .ack = 1);
}
static void ecn_asked_once(struct bed *b)    // and no more when there was no answer (RFC 3168 section 6.1.1.1)
{
  SENT(b, .flags = SYN | ECE | CWR);
  SENT(b, .flags = SYN);
  RECEIVED(b, .flags = SYN | ACK | ECE, .ack = 1);
  SENT(b, .flags = ACK | ECE, .seq = 1, .ack = 1);
}
static void accurate_ecn_unagreed(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 1, .twist = accurate_ecn); }

static void test_monitor_judges_ecn(void **state)
{
  (void)state;
  passes(ecn_agreed);
  passes(ecn_asked_once);
  caught(ecn_unagreed, MONITOR_ECN);
  caught(accurate_ecn_unagreed, MONITOR_ECN);
}

// --- handshake -------------------------------------------------------------------------------------------------------

static void we_call(struct bed *b)
{
  SENT(b, .flags = SYN, .offers = TS | SACK);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1, .offers = TS | SACK);
  b->agreed = TS | SACK;
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
}
static void we_call_again(struct bed *b)
{
  SENT(b, .flags = SYN, .offers = TS);
  b->tsval[OURS] += 1000;
  b->now_us += 1000000;
  SENT(b, .flags = SYN, .offers = TS);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1, .offers = TS);
  b->agreed = TS;
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  assert_int_equal(monitor_counts(b->m)->midway, 0);
}
static void other_isn(struct bed *b)
{
  SENT(b, .flags = SYN);
  b->now_us += 1000000;
  SENT(b, .flags = SYN, .seq = 7);
}
static void other_isn_much_later(struct bed *b)
{
  SENT(b, .flags = SYN);
  b->now_us += 60000000;
  SENT(b, .flags = SYN, .seq = 7);
}
static void other_isn_in_answer(struct bed *b)
{
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  b->now_us += 60000000;
  SENT(b, .flags = SYN | ACK, .seq = 7, .ack = 1);
}
// A server without memory of half-open connections may answer each SYN as if it were the first.
static void cookies(struct bed *b)
{
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .seq = 7, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 8);
  SENT(b, .flags = ACK, .seq = 8, .len = 10, .ack = 1);
}
static void other_isn_after_3_s(struct bed *b)    // of the third SYN, soon after the second
{
  SENT(b, .flags = SYN);
  b->now_us += 60000000;
  SENT(b, .flags = SYN);
  b->now_us += 2000000;
  SENT(b, .flags = SYN, .seq = 7);
}
static void other_isn_once_refused(struct bed *b)
{
  SENT(b, .flags = SYN);
  RECEIVED(b, .flags = RST | ACK, .ack = 1);
  SENT(b, .flags = SYN, .seq = 7);
}
static void answer_after_many(struct bed *b)    // which of more SYNs than are kept is not known
{
  for (uint32_t i = 0; i < 5; i++) RECEIVED(b, .flags = SYN, .seq = 1000 * i);
  SENT(b, .flags = SYN | ACK, .ack = 1);
}
static void answer_wrong_after_four(struct bed *b)
{
  for (uint32_t i = 0; i < 4; i++) RECEIVED(b, .flags = SYN, .seq = 1000 * i);
  SENT(b, .flags = SYN | ACK, .ack = 2);
}
static void answer_to_the_first_of_four(struct bed *b)
{
  for (uint32_t i = 0; i < 4; i++) RECEIVED(b, .flags = SYN, .seq = 1000 * i);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 11);
}
static void cookies_the_first_taken(struct bed *b)
{
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .seq = 7000, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 101);
  assert_int_equal(monitor_counts(b->m)->midway, 1);
}
static void cookies_the_second_taken(struct bed *b)    // whatever somebody says
{
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .seq = 7000, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 7001);
  SENT(b, .flags = ACK, .seq = 7001, .len = 10, .ack = 1);
  assert_int_equal(monitor_counts(b->m)->midway, 0);
}
// The first answer was not taken up before the peer called once more.
static void answer_anew(struct bed *b)
{
  handshake(b, 0);
  RECEIVED(b, .flags = SYN);
  b->isn[OURS] += 5000;
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
}
static void answer_anew_after_data(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  RECEIVED(b, .flags = SYN);
  b->isn[OURS] += 5000;
  SENT(b, .flags = SYN | ACK, .ack = 1);
}
static void answer_anew_after_an_end(struct bed *b, int way, unsigned flags)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  put(b, way, &(struct seg){.flags = flags, .seq = way == OURS ? 11 : 1, .ack = way == OURS ? 1 : 11});
  RECEIVED(b, .flags = SYN);
  b->isn[OURS] += 5000;
  SENT(b, .flags = SYN | ACK, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1, .other_bytes = true);
}
static void answer_anew_after_rst(struct bed *b) { answer_anew_after_an_end(b, OURS, RST); }
static void answer_anew_after_their_rst(struct bed *b) { answer_anew_after_an_end(b, THEIRS, RST); }
static void answer_anew_after_fin(struct bed *b) { answer_anew_after_an_end(b, OURS, FIN | ACK); }
static void answer_wrong(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = SYN | ACK, .ack = 2); }
static void answer_unasked(struct bed *b) { SENT(b, .flags = SYN | ACK, .ack = 1); }

static void test_monitor_judges_the_handshake(void **state)
{
  (void)state;
  passes(we_call);
  passes(we_call_again);
  caught(other_isn, MONITOR_HANDSHAKE);
  passes(other_isn_much_later);
  caught(other_isn_in_answer, MONITOR_HANDSHAKE);
  passes(cookies);
  passes(cookies_the_first_taken);
  passes(cookies_the_second_taken);
  caught(other_isn_after_3_s, MONITOR_HANDSHAKE);
  passes(other_isn_once_refused);
  passes(answer_after_many);
  caught(answer_wrong_after_four, MONITOR_HANDSHAKE);
  passes(answer_to_the_first_of_four);
  passes(answer_anew);
  caught(answer_anew_after_data, MONITOR_HANDSHAKE);
  passes(answer_anew_after_rst);
  passes(answer_anew_after_their_rst);
  passes(answer_anew_after_fin);
  caught(answer_wrong, MONITOR_HANDSHAKE);
  caught_as(&ours_strict, answer_unasked, MONITOR_HANDSHAKE);
}

static void data_too_early(struct bed *b) { half_open(b), SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1); }
static void fin_early(struct bed *b) { half_open(b), SENT(b, .flags = ACK | FIN, .seq = 1, .ack = 1); }    // RFC 9293 section 3.10.4
static void syn_ack_again(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = SYN | ACK, .ack = 1);    // their ACK was lost on its last step
}
static void syn_ack_after_data(struct bed *b)
{
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  SENT(b, .flags = SYN | ACK, .ack = 1);
}
#define FAST_OPEN "\42\2\1\1"
static void fast_open(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .len = 50, RAW(FAST_OPEN));
  SENT(b, .flags = SYN | ACK, .ack = 51);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 51);
  RECEIVED(b, .flags = ACK, .seq = 51, .ack = 101);
  SENT(b, .flags = ACK, .seq = 101, .len = 100, .ack = 51);
}

static void test_monitor_judges_what_is_early_and_late(void **state)
{
  (void)state;
  caught(data_too_early, MONITOR_HANDSHAKE);
  passes(fin_early);
  passes(syn_ack_again);
  caught(syn_ack_after_data, MONITOR_HANDSHAKE);
  passes(fast_open);
}

static void both_call(struct bed *b)
{
  SENT(b, .flags = SYN, .offers = TS | SACK | SCALE);
  RECEIVED(b, .flags = SYN, .offers = TS | SACK | SCALE);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = TS | SACK | SCALE);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1, .offers = TS | SACK | SCALE);
  b->agreed = TS | SACK | SCALE;
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 20, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 20, .ack = 21, .n_sack = 0);
}
static void both_call_one_without(struct bed *b)
{
  SENT(b, .flags = SYN, .offers = SCALE);
  RECEIVED(b, .flags = SYN);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SCALE);
}

static void test_monitor_follows_simultaneous_open(void **state)
{
  (void)state;
  passes(both_call);
  passes_as(&both, both_call);
  caught(both_call_one_without, MONITOR_OPTION_AGREED);
}

// The first SYN-ACK that came was lost on its last step; we took the second, of another ISN.
static void second_answer(struct bed *b)
{
  SENT(b, .flags = SYN);
  RECEIVED(b, .flags = SYN | ACK, .ack = 1);
  SENT(b, .flags = SYN);
  b->isn[THEIRS] += 1000000;
  RECEIVED(b, .flags = SYN | ACK, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 11);
}
// A late answer to a call that was given up: the connection that stands goes on.
static void stale_answer(struct bed *b)
{
  SENT(b, .flags = SYN, .seq = (uint32_t)-5000);
  RECEIVED(b, .flags = RST | ACK, .ack = (uint32_t)-4999);
  we_call(b);
  RECEIVED(b, .flags = SYN | ACK, .seq = 77777, .ack = (uint32_t)-4999);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 101);
  SENT(b, .flags = ACK, .seq = 101, .ack = 11);
}
static void stale_answer_and_gap(struct bed *b) { stale_answer(b), SENT(b, .flags = ACK, .seq = 102, .ack = 11); }
// A second answer to the call, when the first was taken already, is nobody's.
static void answered_again(struct bed *b)
{
  we_call(b);
  RECEIVED(b, .flags = SYN | ACK, .seq = 99, .ack = 1);
  SENT(b, .flags = ACK, .seq = 101, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 99, .ack = 101);
  SENT(b, .flags = ACK, .seq = 101, .ack = 100);
  SENT(b, .flags = ACK, .seq = 101, .len = 5, .ack = 100);
}
static void answered_again_and_gap(struct bed *b) { answered_again(b), SENT(b, .flags = ACK, .seq = 107, .ack = 100); }
// They lost all memory of us and call again; we answer that we are still here, they reset, call, and are heard.
static void call_of_the_forgetful(struct bed *b)
{
  handshake(b, TS);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  b->isn[THEIRS] += 9999;
  RECEIVED(b, .flags = SYN, .offers = TS);
  b->isn[THEIRS] -= 9999;
  SENT(b, .flags = ACK, .seq = 101, .ack = 1);
  RECEIVED(b, .flags = RST, .seq = 1);
  b->isn[THEIRS] += 9999, b->isn[OURS] += 777, b->agreed = 0;
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 100, .ack = 1, .other_bytes = true);
  assert_int_equal(monitor_counts(b->m)->connections, 2);
}
// The same ports again: after an end, with and without it having been seen.
static void reuse(struct bed *b)
{
  fine_exchange(b);
  b->isn[OURS] += 300000, b->isn[THEIRS] += 5000000, b->agreed = 0, b->tsval[THEIRS] -= 77, b->tsval[OURS] -= 99;
  fine_exchange(b);
  b->isn[OURS] -= 300000, b->isn[THEIRS] += 7000000, b->agreed = 0;
  handshake(b, 0);
  SENT(b, .flags = ACK, .seq = 1, .len = 50, .ack = 1, .other_bytes = true);
  assert_int_equal(monitor_counts(b->m)->connections, 3);
}
// A SYN inside a connection changes nothing until it is answered by a SYN-ACK (RFC 5961 section 4).
static void forged_syn(struct bed *b)
{
  handshake(b, TS);
  RECEIVED(b, .flags = SYN, .seq = 10);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .ack = 11);
}
static void forged_syn_acked(struct bed *b) { handshake(b, 0), RECEIVED(b, .flags = SYN, .seq = 1), SENT(b, .flags = ACK, .seq = 1, .ack = 2); }

static void test_monitor_finds_out_which_syns_make_the_connection(void **state)
{
  (void)state;
  passes(second_answer);
  passes(reuse);
  passes_as(&ours_strict, reuse);
  passes(stale_answer);
  caught(stale_answer_and_gap, MONITOR_SEQUENCE);
  passes(answered_again);
  caught(answered_again_and_gap, MONITOR_SEQUENCE);
  passes(call_of_the_forgetful);
  passes(forged_syn);
  caught(forged_syn_acked, MONITOR_ACK_TRUTH);
}

static void rst_of_strays(struct bed *b)
{
  RECEIVED(b, .flags = ACK, .seq = 500, .len = 10, .ack = 900);
  SENT(b, .flags = RST, .seq = 900);
}
static void data_of_no_connection(struct bed *b) { SENT(b, .flags = ACK, .seq = 500, .len = 10, .ack = 900); }

static void test_monitor_knows_strays_when_there_from_the_start(void **state)
{
  (void)state;
  passes_as(&ours_strict, rst_of_strays);
  caught_as(&ours_strict, data_of_no_connection, MONITOR_STRAY);
  passes(data_of_no_connection);
}

// --- what is not known -----------------------------------------------------------------------------------------------

// The capture begins in the middle: data, ACKs and blocks for what came before it.
static void midway(struct bed *b)
{
  b->agreed = TS | SACK;
  SENT(b, .flags = ACK, .seq = 3000, .len = 900, .ack = 40000, .n_sack = 1, .sack = {41000, 42000});
  RECEIVED(b, .flags = ACK, .seq = 60000, .len = 2000, .ack = 2500);
  SENT(b, .flags = ACK, .seq = 9000, .len = 900, .ack = 50000, .closed = true);
  SENT(b, .flags = ACK, .seq = 2500, .len = 900, .ack = 50000, .window = 1);
  RECEIVED(b, .flags = ACK, .seq = 62000, .ack = 20000);
  SENT(b, .flags = RST, .seq = 77777);
  assert_int_equal(monitor_counts(b->m)->midway, 1);
}
static void midway_begin(struct bed *b) { SENT(b, .flags = ACK, .seq = 3000, .len = 900, .ack = 40000); }
static void midway_bytes(struct bed *b) { midway_begin(b), SENT(b, .flags = ACK, .seq = 3500, .len = 900, .ack = 40000, .other_bytes = true); }
static void midway_back(struct bed *b) { midway_begin(b), SENT(b, .flags = ACK, .seq = 3900, .ack = 39999); }
static void midway_acked(struct bed *b)
{
  midway_begin(b);
  RECEIVED(b, .flags = ACK, .seq = 40000, .ack = 3900);
  SENT(b, .flags = ACK, .seq = 3500, .len = 400, .ack = 40000, .other_bytes = true);    // acknowledged: may be anything
  RECEIVED(b, .flags = ACK, .seq = 40000, .ack = 9000);                                 // sent before we looked
  SENT(b, .flags = ACK | FIN, .seq = 9000, .ack = 40000);
}
static void midway_fin_amid(struct bed *b)
{
  midway_begin(b);
  RECEIVED(b, .flags = ACK, .seq = 40000, .ack = 3900);
  RECEIVED(b, .flags = ACK, .seq = 40000, .ack = 9000);
  SENT(b, .flags = ACK, .seq = 9000, .len = 10, .ack = 40000);
  SENT(b, .flags = ACK | FIN, .seq = 9005, .ack = 40000);
}
static void midway_ts_back(struct bed *b) { b->agreed = TS, midway_begin(b), b->tsval[OURS]--, SENT(b, .flags = ACK, .seq = 3900, .ack = 40000); }
static void midway_fin(struct bed *b)
{
  midway_begin(b);
  SENT(b, .flags = ACK | FIN, .seq = 3900, .ack = 40000);
  SENT(b, .flags = ACK, .seq = 3900, .len = 1, .ack = 40000);
}
static void midway_ts(struct bed *b) { b->agreed = TS, midway_begin(b), SENT(b, .flags = ACK, .seq = 3900, .ack = 40000, .no_ts = true); }
static void midway_then_whole(struct bed *b) { midway(b), b->agreed = 0, handshake(b, 0), SENT(b, .flags = ACK, .seq = 2, .ack = 1); }

static void test_monitor_judges_midway_by_what_it_knows(void **state)
{
  (void)state;
  passes(midway);
  passes_as(&both, midway);
  caught(midway_bytes, MONITOR_BYTES);
  caught(midway_back, MONITOR_ACK_BACK);
  passes(midway_acked);
  caught(midway_fin_amid, MONITOR_FIN);
  caught(midway_ts_back, MONITOR_TS_VALUE);
  caught(midway_fin, MONITOR_FIN);
  caught(midway_ts, MONITOR_TS_PRESENT);
  caught(midway_then_whole, MONITOR_SEQUENCE);
}

// A SYN-ACK that changed its mind: which of the two counts, only the peers know.
static void changed_its_mind(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .offers = TS | SCALE);
  RECEIVED(b, .flags = SYN, .offers = 0);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = TS | SCALE);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 10, .ack = 1);
}

static void changed_scale(struct bed *b)    // the window of the second would be the smaller
{
  RECEIVED(b, .flags = SYN, .offers = SCALE, .shift = 4);
  RECEIVED(b, .flags = SYN, .offers = SCALE, .shift = 1);
  RECEIVED(b, .flags = SYN, .offers = SCALE, .shift = 1);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SCALE);
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1, .window = 10);
  SENT(b, .flags = ACK, .seq = 1, .len = 160, .ack = 1);
  assert_int_equal(monitor_counts(b->m)->midway, 1);
}
static void urgent(struct bed *b) { handshake(b, 0), SENT(b, .flags = ACK | URG, .seq = 1, .len = 10, .ack = 1); }
static void vlan(uint8_t *f, size_t *len) { (void)len, put_be16(f + 12, 0x8100); }
static void arp(uint8_t *f, size_t *len) { (void)len, put_be16(f + 12, 0x0806); }
static void ipv6(uint8_t *f, size_t *len) { (void)len, put_be16(f + 12, 0x86dd); }
static void udp(uint8_t *f, size_t *len) { (void)len, f[23] = 17; }
static void icmp(uint8_t *f, size_t *len) { (void)len, f[23] = 1; }
static void sctp(uint8_t *f, size_t *len) { (void)len, f[23] = 132; }
static void others(struct bed *b)
{
  static void (*const kind[])(uint8_t *, size_t *) = {vlan, arp, ipv6, udp, icmp, sctp};
  for (unsigned i = 0; i < 6; i++) SENT(b, .seq = 5, .spoil = kind[i], .twist = kind[i]);
  const struct monitor_counts *c = monitor_counts(b->m);
  assert_int_equal(c->vlan, 1);
  assert_int_equal(c->arp, 1);
  assert_int_equal(c->udp, 1);
  assert_int_equal(c->icmp, 1);
  assert_int_equal(c->other, 2);
  assert_int_equal(c->tcp, 0);
  monitor_frame(b->m, MONITOR_NEITHER, (const uint8_t *)"", 0, 0);
  assert_int_equal(c->neither, 1);
}

static void test_monitor_takes_nothing_strange_for_a_fault(void **state)
{
  (void)state;
  passes(changed_its_mind);
  passes(changed_scale);
  passes(urgent);
  passes(others);
}

// --- bounds ----------------------------------------------------------------------------------------------------------

static void test_monitor_forgets_the_oldest_connection_when_full(void **state)
{
  (void)state;
  static const struct monitor_config few = {.sent = MONITOR_NEAR, .max_flows = 3, .from_start = true};
  struct bed b;
  talk(&few, 0, fine_exchange, &b);
  for (b.port = 3000; b.port < 3004; b.port++) {
    b.agreed = 0;
    handshake(&b, 0);
    SENT(&b, .flags = ACK, .seq = 1, .len = 100, .ack = 1);
  }
  assert_int_equal(monitor_counts(b.m)->forgotten, 2);
  static const uint16_t order[] = {3002, 3001, 3003, 3001};  // 3002 is then the one silent for longest
  for (unsigned i = 0; i < 4; i++) b.port = order[i], SENT(&b, .flags = ACK, .seq = 101, .ack = 1);
  assert_int_equal(monitor_counts(b.m)->midway, 0);
  b.port = 2000, b.agreed = TS;
  SENT(&b, .flags = ACK, .seq = 1002, .ack = 502);          // of the forgotten one: no longer a stray
  assert_int_equal(monitor_counts(b.m)->midway, 1);
  b.agreed = 0;
  for (b.port = 3001; b.port < 3004; b.port += 2) SENT(&b, .flags = ACK, .seq = 101, .ack = 1);
  assert_int_equal(monitor_counts(b.m)->midway, 1);
  b.port = 3002;
  SENT(&b, .flags = ACK, .seq = 101, .ack = 1);
  assert_int_equal(monitor_counts(b.m)->midway, 2);
  assert_null(monitor_verdict(b.m));
  monitor_close(b.m);
}

static void test_monitor_compares_what_its_memory_holds(void **state)
{
  (void)state;
  static const struct monitor_config small = {.sent = MONITOR_NEAR, .store_bytes = 20000};    // two pages of 16 KiB
  struct bed b;
  talk(&small, 0, fine_exchange, &b);
  b.port = 3000, b.agreed = 0;
  RECEIVED(&b, .flags = SYN, .offers = SCALE, .shift = 10);
  SENT(&b, .flags = SYN | ACK, .ack = 1, .offers = SCALE);
  RECEIVED(&b, .flags = ACK, .seq = 1, .ack = 1);
  for (uint32_t at = 1; at < 100001; at += 1000) SENT(&b, .flags = ACK, .seq = at, .len = 1000, .ack = 1);
  assert_true(monitor_counts(b.m)->unstored_bytes >= 100000 - 32768);
  SENT(&b, .flags = ACK, .seq = 90001, .len = 1000, .ack = 1, .other_bytes = true);
  assert_null(monitor_verdict(b.m));
  RECEIVED(&b, .flags = ACK, .seq = 1, .ack = 100001);       // gives the pages back
  uint64_t lost = monitor_counts(b.m)->unstored_bytes;
  SENT(&b, .flags = ACK, .seq = 100001, .len = 1000, .ack = 1);
  assert_int_equal(monitor_counts(b.m)->unstored_bytes, lost);
  SENT(&b, .flags = ACK, .seq = 100001, .len = 1000, .ack = 1, .other_bytes = true);
  assert_int_equal(monitor_verdict(b.m)->rule, MONITOR_BYTES);
  monitor_close(b.m);
}

// A far sender of 10 GiB, of which one octet in 2^28 passes here: sequence numbers, window and memory wrap twice.
static void ten_gib(struct bed *b)
{
  RECEIVED(b, .flags = SYN, .offers = SCALE);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = SCALE, .shift = 14);
  SENT(b, .flags = ACK, .seq = 1, .ack = 1, .window = 65535);
  for (unsigned i = 0; i < 40; i++) {
    b->isn[THEIRS] += 1 << 28;    // numbers count from here, each time
    RECEIVED(b, .flags = ACK, .seq = (uint32_t)-10, .len = 10, .ack = 1);
    RECEIVED(b, .flags = ACK, .seq = (uint32_t)-20, .len = 15, .ack = 1);
    SENT(b, .flags = ACK, .seq = 1, .ack = 0, .window = 65535);
  }
}
static void ten_gib_and_far_back(struct bed *b) { ten_gib(b), RECEIVED(b, .flags = ACK, .seq = -(3u << 29), .len = 10, .ack = 1); }
static void ten_gib_and_beyond(struct bed *b) { ten_gib(b), RECEIVED(b, .flags = ACK, .seq = 1 << 30, .len = 1, .ack = 1); }
static void ten_gib_and_other_bytes(struct bed *b)
{
  ten_gib(b);
  RECEIVED(b, .flags = ACK, .seq = 1 << 28, .len = 10, .ack = 1);
  RECEIVED(b, .flags = ACK, .seq = (1 << 28) + 9, .len = 10, .ack = 1, .other_bytes = true);
}

static void test_monitor_follows_a_long_connection(void **state)
{
  (void)state;
  passes_as(&theirs, ten_gib);
  caught_as(&theirs, ten_gib_and_far_back, MONITOR_SEQUENCE);
  caught_as(&theirs, ten_gib_and_beyond, MONITOR_WINDOW);
  caught_as(&theirs, ten_gib_and_other_bytes, MONITOR_BYTES);
}

static void ack_of_nothing(struct bed *b) { b->now_us = 2000000000000, handshake(b, 0), SENT(b, .flags = ACK, .seq = 1, .ack = 2); }

static void test_monitor_says_what_is_wrong(void **state)
{
  (void)state;
  struct bed b;
  char text[500] = {0};
  talk(&ours, 0, ack_of_nothing, &b);
  FILE *f = fmemopen(text, sizeof text, "w");
  assert_non_null(f);
  monitor_print(f, monitor_verdict(b.m));
  fclose(f);
  assert_string_equal(text, "frame 4 at 2000000.003000 s, 10.0.0.1:1000 > 10.0.0.2:2000, ack-truth: expected an ACK of no more than what came, up to "
                            "50001, got ACK 50002 (RFC 9293 section 3.4: only what came, and all before it, is acknowledged)");
  monitor_close(b.m);
  for (enum monitor_rule r = 0; r < MONITOR_RULES; r++) {
    assert_true(strlen(monitor_rule_name(r)) > 1);
    assert_true(strlen(monitor_rule_rfc(r)) > 5);
    assert_true(strlen(monitor_rule_text(r)) > 10);
  }
}

// Frames of random bytes, and good ones with random damage, both ways and of any role: nothing is read past the end.
static void scribble(uint8_t *f, size_t *len)
{
  static struct rng r;
  if (!r.s[0] && !r.s[1]) rng_seed(&r, 7);
  for (uint32_t n = rng_below(&r, 4); n; n--) f[rng_below(&r, (uint32_t)*len)] = (uint8_t)rng_next(&r);
  if (!rng_below(&r, 4)) *len = rng_below(&r, (uint32_t)*len) + 1;
}

static void test_monitor_bears_any_frame(void **state)
{
  (void)state;
  struct rng r;
  struct bed b;
  rng_seed(&r, 1);
  talk(&both, 0, fine_exchange, &b);
  for (int i = 0; i < 200000; i++) {
    struct seg s = {.flags = rng_below(&r, 256), .seq = rng_below(&r, 3000), .len = rng_below(&r, 300), .ack = rng_below(&r, 3000)};
    if (rng_below(&r, 100) == 0) s.seq = (uint32_t)rng_next(&r);
    if (rng_below(&r, 100) == 0) s.ack = (uint32_t)rng_next(&r);
    s.window = (uint16_t)rng_next(&r);
    s.offers = rng_below(&r, 8);
    s.n_sack = rng_below(&r, 4) && !(s.flags & SYN) ? 0 : rng_below(&r, 2);
    s.sack[0] = rng_below(&r, 3000), s.sack[1] = rng_below(&r, 3000);
    *(rng_below(&r, 2) ? &s.twist : &s.spoil) = rng_below(&r, 3) ? NULL : scribble;
    b.port = (uint16_t)(2000 + rng_below(&r, 5));
    put(&b, (int)rng_below(&r, 2), &s);
  }
  assert_true(monitor_counts(b.m)->all_wrong > 1000);
  monitor_close(b.m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_monitor_passes_a_whole_connection),
    cmocka_unit_test(test_monitor_counts_what_it_asked),
    cmocka_unit_test(test_monitor_says_once_that_too_much_was_acknowledged),
    cmocka_unit_test(test_monitor_judges_frame_and_headers),
    cmocka_unit_test(test_monitor_takes_damaged_frames_for_nothing),
    cmocka_unit_test(test_monitor_leaves_checksum_and_mss_to_offloads),
    cmocka_unit_test(test_monitor_judges_form_of_options),
    cmocka_unit_test(test_monitor_judges_place_of_options),
    cmocka_unit_test(test_monitor_judges_what_was_agreed),
    cmocka_unit_test(test_monitor_judges_window_scale),
    cmocka_unit_test(test_monitor_judges_presence_and_clock_of_time_stamps),
    cmocka_unit_test(test_monitor_judges_echo_of_time_stamps),
    cmocka_unit_test(test_monitor_judges_ecn),
    cmocka_unit_test(test_monitor_judges_the_handshake),
    cmocka_unit_test(test_monitor_judges_what_is_early_and_late),
    cmocka_unit_test(test_monitor_follows_simultaneous_open),
    cmocka_unit_test(test_monitor_finds_out_which_syns_make_the_connection),
    cmocka_unit_test(test_monitor_knows_strays_when_there_from_the_start),
    cmocka_unit_test(test_monitor_judges_midway_by_what_it_knows),
    cmocka_unit_test(test_monitor_takes_nothing_strange_for_a_fault),
    cmocka_unit_test(test_monitor_forgets_the_oldest_connection_when_full),
    cmocka_unit_test(test_monitor_compares_what_its_memory_holds),
    cmocka_unit_test(test_monitor_follows_a_long_connection),
    cmocka_unit_test(test_monitor_says_what_is_wrong),
    cmocka_unit_test(test_monitor_bears_any_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
