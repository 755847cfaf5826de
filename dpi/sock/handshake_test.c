// SPDX-License-Identifier: Apache-2.0
#include "sock/testbed.h"

static struct seq irs(const struct bed *b) { return seq_of(b->start.irs); }

static void send_syn(struct bed *b, uint16_t port, struct segment_options o)
{
  bed_send(b, port, &(struct segment){.seq = irs(b), .flags = TCP_SYN, .opt = o});
}

static void test_syn_is_answered_with_mss_and_our_isn(void **state)
{
  struct bed *b = *state;
  send_syn(b, PEER_PORT, (struct segment_options){.has_mss = true, .mss = 1460});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
  assert_int_equal(out.src_port, BED_PORT);
  assert_int_equal(out.dst_port, PEER_PORT);
  assert_int_equal(out.seq.v, b->start.iss);
  assert_int_equal(out.ack.v, b->start.irs + 1);
  assert_int_equal(out.window, BED_RING);
  assert_true(out.opt.has_mss);
  assert_int_equal(out.opt.mss, BED_MTU - 40);
  assert_false(out.opt.has_wscale || out.opt.sack_permitted || out.opt.has_timestamps);
  bed_expect_silence(b);
  bed_expect_no_call(b);
}

static void test_syn_offering_all_options_gets_mss_and_window_scale_only(void **state)
{
  struct bed *b = *state;
  send_syn(b, PEER_PORT, (struct segment_options){true, true, true, true, 1460, 7, 5, 0, 0, {{{0}, {0}}}});
  struct segment out = bed_expect_out(b);
  assert_true(out.opt.has_wscale);
  assert_int_equal(out.opt.wscale, 0);
  assert_false(out.opt.sack_permitted || out.opt.has_timestamps);
}

static void test_minimal_options_agree_to_the_mss_alone(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.rx_ring = 262144, .options = STACK_OPTIONS_MINIMAL});
  b->engine.sack = b->engine.timestamps = true;
  send_syn(b, PEER_PORT, (struct segment_options){true, true, true, true, 1460, 7, 5, 0, 0, {{{0}, {0}}}});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.opt.mss, BED_MTU - 40);
  assert_false(out.opt.has_wscale || out.opt.sack_permitted || out.opt.has_timestamps);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(irs(b), 1), .ack = seq_add(out.seq, 1), .flags = TCP_ACK});
  const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
  assert_false(o->sack_ok || o->ts_ok || o->snd_wscale || o->rcv_wscale);
  bed_close(b);
}

static void test_large_ring_is_offered_by_the_smallest_shift_and_not_scaled_in_the_syn(void **state)
{
  (void)state;
  struct { uint32_t ring; uint8_t shift; } rows[] = {{65535, 0}, {65536, 1}, {262144, 3}, {1u << 30, 14}};
  for (size_t i = 0; i < 4; i++) {
    struct bed *b = bed_open(&start_plain, (struct bed_opts){.rx_ring = rows[i].ring});
    send_syn(b, PEER_PORT, (struct segment_options){.has_wscale = true, .wscale = 2});
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.opt.wscale, rows[i].shift);
    assert_int_equal(out.window, 65535);
    send_syn(b, PEER_PORT + 1, (struct segment_options){0});
    assert_false(bed_expect_out(b).opt.has_wscale);
    bed_close(b);
  }
}

// The flow_open of a connection whose SYN had these options and whose ACK this window.
static struct flow_open open_with(struct segment_options o, uint16_t window)
{
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.rx_ring = 262144});
  send_syn(b, PEER_PORT, o);
  struct segment out = bed_expect_out(b);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(irs(b), 1), .ack = seq_add(out.seq, 1), .flags = TCP_ACK, .window = window});
  struct flow_open open = bed_expect_call(b, CALL_OPEN)->open;
  bed_close(b);
  return open;
}

static void test_peer_mss_bounds_ours(void **state)
{
  (void)state;
  struct { bool has; uint16_t peer, ours; } rows[] = {
    {true, 1460, 1460}, {true, 1459, 1459}, {true, 8960, 1460}, {false, 0, 536}, {true, 0, 536}, {true, 1, 48}, {true, 65535, 1460}};
  for (size_t i = 0; i < 7; i++) {
    struct flow_open o = open_with((struct segment_options){.has_mss = rows[i].has, .mss = rows[i].peer}, 100);
    assert_int_equal(o.mss, rows[i].ours);
    assert_int_equal(o.rcv_mss, BED_MTU - 40);
  }
}

static void test_mss_is_what_the_mtu_leaves(void **state)
{
  (void)state;
  static const unsigned mtu[] = {576, 1280, 1500, 9000};
  for (size_t i = 0; i < 4; i++) {
    struct bed *b = bed_open(&start_plain, (struct bed_opts){.mtu = mtu[i]});
    send_syn(b, PEER_PORT, (struct segment_options){.has_mss = true, .mss = 65535});
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.opt.mss, mtu[i] - 40);
    bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(irs(b), 1), .ack = seq_add(out.seq, 1), .flags = TCP_ACK});
    const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
    assert_int_equal(o->mss, mtu[i] - 40);
    assert_int_equal(o->rcv_mss, mtu[i] - 40);
    bed_close(b);
  }
}

static void test_window_scale_applies_from_the_ack_on_and_only_when_offered(void **state)
{
  (void)state;
  struct flow_open o = open_with((struct segment_options){.has_wscale = true, .wscale = 7}, 501);
  assert_int_equal(o.snd_wscale, 7);
  assert_int_equal(o.rcv_wscale, 3);
  assert_int_equal(o.snd_wnd, 501 << 7);
  o = open_with((struct segment_options){.has_wscale = true, .wscale = 15}, 65535);
  assert_int_equal(o.snd_wscale, 14);
  assert_int_equal(o.snd_wnd, 65535 << 14);
  o = open_with((struct segment_options){0}, 501);
  assert_int_equal(o.snd_wscale, 0);
  assert_int_equal(o.rcv_wscale, 0);
  assert_int_equal(o.snd_wnd, 501);
}

static void test_syn_ack_is_sent_again_with_back_off_then_given_up(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  for (unsigned i = 0; i < 5; i++) {
    uint64_t gap = (uint64_t)SECOND << i;
    assert_true(stack_next_deadline(b->s) == b->now_us + gap);
    bed_pass(b, gap - 1);
    bed_expect_silence(b);
    bed_pass(b, 1);
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(out.seq.v + 1, p.rcv_nxt.v);
  }
  bed_pass(b, 32 * SECOND);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_int_equal(stack_stat(b->s, ST_TCP_HANDSHAKE_TIMEOUT), 1);
  assert_true(stack_next_deadline(b->s) == UINT64_MAX);
}

static void test_engine_hears_that_the_syn_ack_was_sent_again(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  bed_pass(b, SECOND);
  bed_expect_out(b);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(irs(b), 1), .ack = p.rcv_nxt, .flags = TCP_ACK});
  assert_true(bed_expect_call(b, CALL_OPEN)->open.syn_again);
  assert_false(open_with((struct segment_options){0}, 501).syn_again);
}

static void test_repeated_syn_gets_the_same_syn_ack_and_leaves_the_timer(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  uint64_t due = stack_next_deadline(b->s);
  bed_pass(b, SECOND / 2);
  send_syn(b, PEER_PORT, (struct segment_options){0});
  assert_int_equal(bed_expect_out(b).seq.v + 1, p.rcv_nxt.v);
  assert_true(stack_next_deadline(b->s) == due);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  struct segment ack = bed_ack(&p);
  bed_send(b, PEER_PORT, &ack);
  bed_expect_call(b, CALL_OPEN);
}

static void test_data_completes_the_handshake_when_the_ack_was_lost(void **state)
{
  struct bed *b = *state;
  for (uint32_t ahead = 0; ahead < 200; ahead += 100) {   // in order; and after the hole of another lost segment
    struct peer p = bed_syn(b, (uint16_t)(PEER_PORT + ahead));
    struct segment seg = bed_ack(&p);
    seg.seq = seq_add(seg.seq, ahead);
    seg.payload = (const uint8_t *)"data";
    seg.payload_len = 4;
    bed_send(b, p.port, &seg);
    bed_expect_call(b, CALL_OPEN);
    bed_expect_silence(b);
  }
  assert_int_equal(stack_stat(b->s, ST_TCP_ACCEPTED), 2);
}

// RFC 9293 section 3.10.7.4: one byte inside the window is enough; all before it, or all behind it, is not.
static void test_overlap_with_the_window_decides_in_syn_rcvd(void **state)
{
  struct bed *b = *state;
  const struct { uint32_t off; size_t len; bool opens; } rows[] = {
    {(uint32_t)-4, 4, false}, {(uint32_t)-4, 5, true}, {BED_RING - 1, 100, true}, {BED_RING, 1, false}};
  for (size_t i = 0; i < 4; i++) {
    struct peer p = bed_syn(b, (uint16_t)(PEER_PORT + i));
    struct segment seg = bed_ack(&p);
    seg.seq = seq_add(seg.seq, rows[i].off);
    seg.payload = b->scratch;
    seg.payload_len = rows[i].len;
    bed_send(b, p.port, &seg);
    if (rows[i].opens)
      bed_expect_call(b, CALL_OPEN);
    else
      assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
    bed_expect_no_call(b);
    bed_expect_silence(b);
  }
}

static void test_closing_one_listener_leaves_the_others_connections(void **state)
{
  struct bed *b = *state;
  int other = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, other, 0, 80), 0);
  assert_int_equal(sock_listen(b->s, other, 4), 0);
  bed_syn(b, PEER_PORT);
  struct segment syn = {.seq = irs(b), .dst_port = 80, .flags = TCP_SYN};
  bed_send(b, PEER_PORT + 1, &syn);
  bed_expect_out(b);
  assert_int_equal(sock_close(b->s, other), 0);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  bed_syn(b, PEER_PORT);   // still half open: the SYN-ACK again
  assert_int_equal(stack_stat(b->s, ST_TCP_SYN), 2);
}

static void test_data_in_the_syn_is_not_acknowledged(void **state)
{
  struct bed *b = *state;
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .flags = TCP_SYN, .payload = (const uint8_t *)"early", .payload_len = 5});
  assert_int_equal(bed_expect_out(b).ack.v, b->start.irs + 1);
}

static void test_wrong_ack_in_syn_rcvd_gets_rst_and_the_right_one_still_opens(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  for (int off = -1; off <= 1; off += 2) {
    struct segment bad = bed_ack(&p);
    bad.ack = seq_add(bad.ack, (uint32_t)off);
    bed_send(b, PEER_PORT, &bad);
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.flags, TCP_RST);
    assert_int_equal(out.seq.v, bad.ack.v);
  }
  struct segment good = bed_ack(&p);
  bed_send(b, PEER_PORT, &good);
  bed_expect_call(b, CALL_OPEN);
}

static void test_segment_outside_the_window_in_syn_rcvd_gets_an_ack(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  const uint32_t off[] = {(uint32_t)-1, BED_RING, 0x80000000};
  for (size_t i = 0; i < 3; i++) {
    struct segment seg = bed_ack(&p);
    seg.seq = seq_add(seg.seq, off[i]);
    bed_send(b, PEER_PORT, &seg);
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.flags, TCP_ACK);
    assert_int_equal(out.seq.v, p.rcv_nxt.v);
    assert_int_equal(out.ack.v, p.snd_nxt.v);
    b->now_us += 500000;
  }
  bed_expect_no_call(b);
}

// The other end may be a connection that stands and knows nothing of our handshake: it answers each of ours, too.
static void test_acks_for_segments_outside_in_syn_rcvd_do_not_make_a_storm(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  struct segment seg = bed_ack(&p);
  seg.seq = seq_add(seg.seq, 0x80000000);
  bed_send(b, PEER_PORT, &seg);
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  bed_send(b, PEER_PORT, &seg);
  bed_expect_silence(b);
  b->now_us += 499999;
  bed_send(b, PEER_PORT, &seg);
  bed_expect_silence(b);
  b->now_us++;
  bed_send(b, PEER_PORT, &seg);
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
}

static void test_segment_without_ack_in_syn_rcvd_is_dropped(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  bed_send(b, PEER_PORT, &(struct segment){.seq = p.snd_nxt, .flags = TCP_PSH, .payload = (const uint8_t *)"x", .payload_len = 1});
  bed_expect_silence(b);
  bed_expect_no_call(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
}

static void test_exact_rst_in_syn_rcvd_returns_to_listen(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(p.snd_nxt, BED_RING), .flags = TCP_RST});   // outside: nothing
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(p.snd_nxt, 1), .flags = TCP_RST});          // inside: challenge
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  bed_send(b, PEER_PORT, &(struct segment){.seq = p.snd_nxt, .flags = TCP_RST});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_true(stack_next_deadline(b->s) == UINT64_MAX);
  bed_syn(b, PEER_PORT);
}

static void test_syn_inside_the_window_in_syn_rcvd_returns_to_listen(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(p.snd_nxt, 10), .flags = TCP_SYN});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  p = bed_syn(b, PEER_PORT);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(p.snd_nxt, 0x40000000), .flags = TCP_SYN});   // outside
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
}

static void test_syn_is_left_unanswered_when_no_flow_is_free(void **state)
{
  struct bed *b = *state;
  for (uint16_t i = 0; i < BED_FLOWS; i++) bed_syn(b, (uint16_t)(PEER_PORT + i));
  send_syn(b, PEER_PORT + 100, (struct segment_options){0});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_TCP_NO_FLOW_FREE), 1);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(irs(b), 1), .flags = TCP_RST});
  bed_syn(b, PEER_PORT + 100);   // the retry
}

static void test_syn_is_left_unanswered_when_the_backlog_waits_to_be_accepted(void **state)
{
  struct bed *b = *state;
  assert_int_equal(sock_listen(b->s, b->listener, 2), 0);
  bed_handshake(b, PEER_PORT);
  struct peer p = bed_handshake(b, PEER_PORT + 1);
  send_syn(b, PEER_PORT + 2, (struct segment_options){0});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_TCP_BACKLOG_FULL), 1);
  assert_int_equal(p.port, PEER_PORT + 1);
  assert_true(sock_accept(b->s, b->listener, NULL) >= 0);
  bed_syn(b, PEER_PORT + 2);
}

static void test_closed_port_answers_rst_by_the_rules(void **state)
{
  struct bed *b = *state;
  const struct segment syn = {.seq = irs(b), .dst_port = 8, .flags = TCP_SYN, .payload = (const uint8_t *)"xyz", .payload_len = 3};
  bed_send(b, PEER_PORT, &syn);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_RST | TCP_ACK);
  assert_int_equal(out.seq.v, 0);
  assert_int_equal(out.ack.v, b->start.irs + 4);
  assert_int_equal(out.src_port, 8);
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .ack = {77}, .dst_port = 8, .flags = TCP_ACK | TCP_FIN});
  out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_RST);
  assert_int_equal(out.seq.v, 77);
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .dst_port = 8, .flags = TCP_RST});
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .dst_port = 8, .flags = TCP_RST | TCP_ACK});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_TCP_RST_SENT), 2);
}

static void test_listening_port_answers_only_syn_and_stray_ack(void **state)
{
  struct bed *b = *state;
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .ack = {99}, .flags = TCP_ACK});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_RST);
  assert_int_equal(out.seq.v, 99);
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .ack = {99}, .flags = TCP_SYN | TCP_ACK});
  assert_int_equal(bed_expect_out(b).flags, TCP_RST);
  const uint8_t silent[] = {TCP_RST, TCP_RST | TCP_SYN, TCP_SYN | TCP_FIN, TCP_FIN, 0};
  for (size_t i = 0; i < sizeof silent; i++) bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .flags = silent[i]});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
}

static void drop_the_listener(struct bed *b, int (*how)(struct stack *s, int sid))
{
  struct peer half = bed_syn(b, PEER_PORT);
  struct peer full = bed_handshake(b, PEER_PORT + 1);
  bed_fence(b, &full);
  assert_int_equal(how(b->s, b->listener), 0);
  assert_int_equal(bed_expect_call(b, CALL_ABORT)->flow, full.flow);
  assert_int_equal(bed_expect_call(b, CALL_RELEASE)->flow, full.flow);
  bed_released(b, full.flow);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  struct segment ack = bed_ack(&half);
  bed_send(b, PEER_PORT, &ack);
  assert_int_equal(bed_expect_out(b).flags, TCP_RST);
}

static void test_closing_the_listener_drops_half_open_and_resets_unaccepted(void **state) { drop_the_listener(*state, sock_close); }
static void test_aborting_the_listener_does_the_same(void **state) { drop_the_listener(*state, sock_abort); }

static void test_shared_address_resets_only_ports_that_are_or_were_ours(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.shared_ip = true});
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .dst_port = 22, .flags = TCP_SYN});
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .dst_port = 22, .flags = TCP_ACK});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_TCP_IGNORED), 2);
  sock_close(b->s, b->listener);
  bed_send(b, PEER_PORT, &(struct segment){.seq = irs(b), .flags = TCP_SYN});
  assert_int_equal(bed_expect_out(b).flags, TCP_RST | TCP_ACK);
  bed_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_syn_is_answered_with_mss_and_our_isn),
    BED_TEST(test_syn_offering_all_options_gets_mss_and_window_scale_only),
    cmocka_unit_test(test_minimal_options_agree_to_the_mss_alone),
    cmocka_unit_test(test_large_ring_is_offered_by_the_smallest_shift_and_not_scaled_in_the_syn),
    cmocka_unit_test(test_peer_mss_bounds_ours),
    cmocka_unit_test(test_mss_is_what_the_mtu_leaves),
    cmocka_unit_test(test_window_scale_applies_from_the_ack_on_and_only_when_offered),
    BED_TEST(test_engine_hears_that_the_syn_ack_was_sent_again),
    BED_TEST(test_syn_ack_is_sent_again_with_back_off_then_given_up),
    BED_TEST(test_repeated_syn_gets_the_same_syn_ack_and_leaves_the_timer),
    BED_TEST(test_data_completes_the_handshake_when_the_ack_was_lost),
    BED_TEST(test_overlap_with_the_window_decides_in_syn_rcvd),
    BED_TEST(test_closing_one_listener_leaves_the_others_connections),
    BED_TEST(test_data_in_the_syn_is_not_acknowledged),
    BED_TEST(test_wrong_ack_in_syn_rcvd_gets_rst_and_the_right_one_still_opens),
    BED_TEST(test_segment_outside_the_window_in_syn_rcvd_gets_an_ack),
    BED_TEST(test_acks_for_segments_outside_in_syn_rcvd_do_not_make_a_storm),
    BED_TEST(test_segment_without_ack_in_syn_rcvd_is_dropped),
    BED_TEST(test_exact_rst_in_syn_rcvd_returns_to_listen),
    BED_TEST(test_syn_inside_the_window_in_syn_rcvd_returns_to_listen),
    BED_TEST(test_syn_is_left_unanswered_when_no_flow_is_free),
    BED_TEST(test_syn_is_left_unanswered_when_the_backlog_waits_to_be_accepted),
    BED_TEST(test_closed_port_answers_rst_by_the_rules),
    BED_TEST(test_listening_port_answers_only_syn_and_stray_ack),
    BED_TEST(test_closing_the_listener_drops_half_open_and_resets_unaccepted),
    BED_TEST(test_aborting_the_listener_does_the_same),
    cmocka_unit_test(test_shared_address_resets_only_ports_that_are_or_were_ours),
  };
  return cmocka_run_group_tests_name("sock/handshake", tests, NULL, NULL);
}
