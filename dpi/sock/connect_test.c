// SPDX-License-Identifier: Apache-2.0
// Active open against a peer of hand-written frames: what goes out, what is believed, and how each failure is told.
#include "net/icmp.h"
#include "sock/testbed.h"

enum { GATEWAY_IP = 0x0a0900fe, FAR_IP = 0x08080808 };

static int setup(void **state)
{
  *state = bed_open(*state, (struct bed_opts){.no_listener = true});
  return 0;
}

#define CONNECT_TEST(f) \
  {#f, f, setup, bed_teardown, (void *)(uintptr_t)&start_plain}, \
  {#f " (near 2^32)", f, setup, bed_teardown, (void *)(uintptr_t)&start_wrap}

// --- helpers ---

static void expect_arp_request(struct bed *b, uint32_t ip)
{
  uint8_t frame[2048];
  struct arp_packet a;
  assert_int_equal(stack_output(b->s, frame, sizeof frame), ARP_FRAME_BYTES);
  assert_int_equal(arp_parse(frame + 14, ARP_PACKET_BYTES, &a), ARP_OK);
  assert_int_equal(a.op, ARP_OP_REQUEST);
  assert_int_equal(a.target_ip, ip);
  assert_int_equal(a.sender_ip, BED_IP);
}

// A socket on BED_PORT connecting to the peer, whose MAC is known.
static int dial(struct bed *b)
{
  bed_answer_arp(b, PEER_IP);
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, sid, 0, BED_PORT), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
  return sid;
}

static int dial_and_see_syn(struct bed *b)
{
  int sid = dial(b);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_SYN);
  assert_int_equal(out.seq.v, b->start.iss);
  return sid;
}

static struct seq after_iss(const struct bed *b) { return seq_of(b->start.iss + 1); }
static struct seq after_irs(const struct bed *b) { return seq_of(b->start.irs + 1); }

static void synack(struct bed *b, struct segment_options o, uint16_t window)
{
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .ack = after_iss(b), .flags = TCP_SYN | TCP_ACK,
                                           .opt = o, .window = window});
}

static void expect_ready(struct bed *b, int sid, unsigned events)
{
  int who;
  unsigned what;
  assert_true(sock_next_ready(b->s, &who, &what));
  assert_int_equal(who, sid);
  assert_int_equal(what, events);
  assert_false(sock_next_ready(b->s, &who, &what));
}

static void expect_failed(struct bed *b, int sid, int err)
{
  expect_ready(b, sid, SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_ERR);
  uint8_t byte = 0;
  assert_int_equal(sock_send(b->s, sid, &byte, 1), -err);
  assert_int_equal(sock_recv(b->s, sid, &byte, 1), -err);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -err);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_int_equal(sock_close(b->s, sid), 0);
}

static void expect_rst(struct bed *b, struct seq seq)
{
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_RST);
  assert_int_equal(out.seq.v, seq.v);
}

// --- the SYN and its answer ---

static void test_syn_offers_what_the_engine_can(void **state)
{
  struct bed *b = *state;
  b->engine.sack = b->engine.timestamps = true;
  dial(b);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_SYN);
  assert_int_equal(out.src_port, BED_PORT);
  assert_int_equal(out.dst_port, PEER_PORT);
  assert_int_equal(out.window, BED_RING);
  assert_int_equal(out.opt.mss, BED_MTU - 40);
  assert_true(out.opt.has_wscale && out.opt.sack_permitted && out.opt.has_timestamps);
  assert_int_equal(out.opt.tsval, (uint32_t)(b->now_us >> 10));
  assert_int_equal(out.opt.tsecr, 0);
}

static void test_syn_offers_neither_sack_nor_timestamps_to_a_plain_engine(void **state)
{
  struct bed *b = *state;
  dial(b);
  struct segment out = bed_expect_out(b);
  assert_true(out.opt.has_mss && out.opt.has_wscale);
  assert_false(out.opt.sack_permitted || out.opt.has_timestamps);
}

static void test_minimal_options_are_the_mss_alone_also_when_the_answer_has_more(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.no_listener = true, .options = STACK_OPTIONS_MINIMAL});
  b->engine.sack = b->engine.timestamps = true;
  dial(b);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.opt.mss, BED_MTU - 40);
  assert_false(out.opt.has_wscale || out.opt.sack_permitted || out.opt.has_timestamps);
  synack(b, (struct segment_options){true, true, true, true, 1460, 7, 5, 0, 0, {{{0}, {0}}}}, 5000);
  const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
  assert_false(o->sack_ok || o->ts_ok || o->snd_wscale || o->rcv_wscale);
  assert_int_equal(o->mss, 1460);
  bed_close(b);
}

static void test_syn_ack_establishes_and_is_acknowledged(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  assert_int_equal(sock_poll(b->s, sid), 0);
  uint8_t byte = 0;
  assert_int_equal(sock_send(b->s, sid, &byte, 1), -EAGAIN);
  assert_int_equal(sock_recv(b->s, sid, &byte, 1), -EAGAIN);
  assert_int_equal(sock_shutdown(b->s, sid), -ENOTCONN);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EALREADY);
  synack(b, (struct segment_options){.has_mss = true, .mss = 1000, .has_wscale = true, .wscale = 4}, 5000);
  const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
  assert_int_equal(o->snd_nxt.v, after_iss(b).v);
  assert_int_equal(o->rcv_nxt.v, after_irs(b).v);
  assert_int_equal(o->snd_wnd, 5000);   // not scaled in a SYN
  assert_int_equal(o->mss, 1000);
  assert_int_equal(o->snd_wscale, 4);
  assert_memory_equal(o->remote_mac, peer_mac, 6);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_ACK);
  assert_int_equal(out.seq.v, after_iss(b).v);
  assert_int_equal(out.ack.v, after_irs(b).v);
  expect_ready(b, sid, SOCK_OUT);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EISCONN);
  assert_int_equal(stack_stat(b->s, ST_TCP_CONNECTED), 1);
  stack_fence(b->s, o->flow, true, b->now_us);
  bed_expect_no_call(b);   // the SYN-ACK is not the engine's business
  bed_pass(b, 300 * SECOND);
  bed_expect_silence(b);
}

static void test_engine_hears_that_the_syn_was_sent_again(void **state)
{
  (void)state;
  for (int again = 0; again < 2; again++) {
    struct bed *b = bed_open(&start_plain, (struct bed_opts){.no_listener = true});
    dial_and_see_syn(b);
    if (again) {
      bed_pass(b, SECOND);
      bed_expect_out(b);
    }
    synack(b, (struct segment_options){0}, 5000);
    assert_int_equal(bed_expect_call(b, CALL_OPEN)->open.syn_again, again);
    bed_close(b);
  }
}

// Regression: the engine takes up from what an unscaled SYN could offer, so an ACK of ours that offers more sees the edge go back.
static void test_ack_of_the_handshake_offers_no_more_than_the_syn_did(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.no_listener = true, .rx_ring = 262144});
  dial_and_see_syn(b);
  synack(b, (struct segment_options){.has_mss = true, .mss = 1000, .has_wscale = true, .wscale = 4}, 5000);
  const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
  assert_int_equal(o->rcv_wscale, 3);
  assert_int_equal(bed_expect_out(b).window, 65535 >> 3);
  bed_close(b);
}

static void test_options_hold_only_when_both_sides_offer_them(void **state)
{
  struct bed *b = *state;
  b->engine.sack = b->engine.timestamps = true;
  dial_and_see_syn(b);
  synack(b, (struct segment_options){.sack_permitted = true, .has_timestamps = true, .tsval = 77}, 5000);
  const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
  assert_true(o->sack_ok && o->ts_ok);
  assert_int_equal(o->ts_recent, 77);
  assert_int_equal(o->mss, 536 - 12);   // no MSS option: RFC 9293 section 3.7.1
  assert_int_equal(o->rcv_wscale, 0);   // no window scale in the SYN-ACK
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.opt.tsecr, 77);
}

static void test_frames_that_come_before_the_fence_are_held(void **state)
{
  struct bed *b = *state;
  dial_and_see_syn(b);
  synack(b, (struct segment_options){0}, 5000);
  uint16_t flow = bed_expect_call(b, CALL_OPEN)->flow;
  bed_send(b, PEER_PORT, &(struct segment){.seq = after_irs(b), .ack = after_iss(b), .flags = TCP_ACK | TCP_PSH,
                                           .payload = (const uint8_t *)"hello", .payload_len = 5});
  bed_expect_no_call(b);
  stack_fence(b->s, flow, true, b->now_us);
  assert_int_equal(bed_expect_call(b, CALL_INPUT)->len, 14 + 20 + 20 + 5);
}

// --- what is not believed ---

static void test_ack_of_something_else_is_reset_and_ignored(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  static const int32_t off[] = {0, 2, -100, 1000};   // from ISS: not ours to acknowledge (3.10.7.3, first)
  for (size_t i = 0; i < 4; i++) {
    struct seq ack = seq_of(b->start.iss + (uint32_t)off[i]);
    bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .ack = ack, .flags = TCP_SYN | TCP_ACK});
    expect_rst(b, ack);
    bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .ack = ack, .flags = TCP_RST | TCP_ACK});
    bed_expect_silence(b);
  }
  assert_int_equal(sock_poll(b->s, sid), 0);
  bed_expect_no_call(b);
}

static void test_rst_without_ack_and_ack_without_syn_change_nothing(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .flags = TCP_RST});
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .ack = after_iss(b), .flags = TCP_ACK});
  bed_expect_silence(b);
  bed_expect_no_call(b);
  assert_int_equal(sock_poll(b->s, sid), 0);
}

static void test_rst_with_our_ack_is_connection_refused(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  bed_send(b, PEER_PORT, &(struct segment){.ack = after_iss(b), .flags = TCP_RST | TCP_ACK});
  expect_failed(b, sid, ECONNREFUSED);
  bed_expect_silence(b);
}

// --- time ---

static void test_syn_is_sent_again_with_back_off_and_given_up_after_three_minutes(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  uint64_t begin = b->now_us;
  static const unsigned at[] = {1, 3, 7, 15, 31, 63, 123};
  for (size_t i = 0; i < 7; i++) {
    assert_int_equal(stack_next_deadline(b->s), begin + at[i] * (uint64_t)SECOND);
    bed_pass(b, stack_next_deadline(b->s) - b->now_us - 1);
    bed_expect_silence(b);
    bed_pass(b, 1);
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.flags, TCP_SYN);
    assert_int_equal(out.seq.v, b->start.iss);
    int ready = -1;
    unsigned events = 0;
    assert_int_equal(sock_next_ready(b->s, &ready, &events), i == 2);   // R1: the third
    if (i == 2) assert_int_equal(ready, sid);
    assert_int_equal(events, i == 2 ? SOCK_STALL : 0);
    assert_int_equal(sock_poll(b->s, sid), i < 2 ? 0 : SOCK_STALL);
  }
  bed_pass(b, 60 * SECOND);
  bed_expect_silence(b);
  expect_failed(b, sid, ETIMEDOUT);
}

static void test_late_answer_ends_the_stall(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  for (int i = 0; i < 3; i++) {
    bed_pass(b, SECOND << i);
    bed_expect_out(b);
  }
  assert_int_equal(sock_poll(b->s, sid), SOCK_STALL);
  synack(b, (struct segment_options){0}, 100);
  bed_expect_out(b);
  assert_int_equal(sock_poll(b->s, sid), SOCK_OUT);
}

static void test_close_before_the_answer_forgets_silently(void **state)
{
  struct bed *b = *state;
  assert_int_equal(sock_close(b->s, dial_and_see_syn(b)), 0);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  bed_expect_silence(b);
  bed_pass(b, 300 * SECOND);
  bed_expect_silence(b);
  synack(b, (struct segment_options){0}, 100);   // now it is nobody's
  expect_rst(b, after_iss(b));
}

// --- simultaneous open (RFC 9293 section 3.5, figure 7) ---

static int cross(struct bed *b)
{
  int sid = dial_and_see_syn(b);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .flags = TCP_SYN});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
  assert_int_equal(out.seq.v, b->start.iss);
  assert_int_equal(out.ack.v, after_irs(b).v);
  assert_int_equal(sock_poll(b->s, sid), 0);
  return sid;
}

static void test_crossing_syns_are_completed_by_the_peers_syn_ack(void **state)
{
  struct bed *b = *state;
  int sid = cross(b);
  synack(b, (struct segment_options){0}, 5000);
  bed_expect_call(b, CALL_OPEN);
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  expect_ready(b, sid, SOCK_OUT);
}

static void test_crossing_syns_are_completed_by_an_ack(void **state)
{
  struct bed *b = *state;
  int sid = cross(b);
  bed_send(b, PEER_PORT, &(struct segment){.seq = after_irs(b), .ack = after_iss(b), .flags = TCP_ACK});
  bed_expect_call(b, CALL_OPEN);
  bed_expect_silence(b);
  expect_ready(b, sid, SOCK_OUT);
}

static void test_crossing_syns_lost_answer_is_repeated_then_given_up(void **state)
{
  struct bed *b = *state;
  int sid = cross(b);
  for (unsigned i = 0; i < 5; i++) {
    bed_pass(b, SECOND << i);
    assert_int_equal(bed_expect_out(b).flags, TCP_SYN | TCP_ACK);
  }
  bed_pass(b, 32 * SECOND);
  bed_expect_silence(b);
  expect_failed(b, sid, ETIMEDOUT);
}

static void test_crossing_syns_rst_is_refusal_and_new_syn_is_challenged(void **state)
{
  struct bed *b = *state;
  int sid = cross(b);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(after_irs(b), 9), .flags = TCP_SYN});
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  b->now_us += 500000;
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(after_irs(b), 9), .flags = TCP_RST});
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  assert_int_equal(sock_poll(b->s, sid), 0);
  bed_send(b, PEER_PORT, &(struct segment){.seq = after_irs(b), .flags = TCP_RST});
  expect_failed(b, sid, ECONNREFUSED);
}

static void test_close_of_crossed_syns_resets_the_peer(void **state)
{
  struct bed *b = *state;
  assert_int_equal(sock_abort(b->s, cross(b)), 0);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_RST | TCP_ACK);
  assert_int_equal(out.seq.v, after_iss(b).v);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
}

// --- the way there ---

// Both ask for the other's MAC, and both answers are slow: the SYN that waits must not leave behind the answer to the peer's.
static void test_waiting_syn_leaves_before_the_answer_to_one_that_crossed_it(void **state)
{
  struct bed *b = *state;
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, sid, 0, BED_PORT), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
  expect_arp_request(b, PEER_IP);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .flags = TCP_SYN});
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN);
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN | TCP_ACK);
  bed_answer_arp(b, PEER_IP);
  bed_expect_silence(b);
}

static void test_unknown_neighbour_is_asked_for_and_the_syn_waits(void **state)
{
  struct bed *b = *state;
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
  expect_arp_request(b, PEER_IP);
  bed_expect_silence(b);
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN);
  bed_expect_silence(b);
}

static void test_silent_neighbour_is_host_unreachable_after_three_requests(void **state)
{
  struct bed *b = *state;
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
  for (unsigned i = 0; i < 3; i++) {
    expect_arp_request(b, PEER_IP);
    bed_expect_silence(b);
    assert_int_equal(sock_poll(b->s, sid), 0);
    assert_true(stack_next_deadline(b->s) <= b->now_us + SECOND);
    bed_pass(b, SECOND);
  }
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_ARP_NO_ANSWER), 1);
  expect_failed(b, sid, EHOSTUNREACH);
  assert_int_equal(stack_next_deadline(b->s), UINT64_MAX);
}

static void test_far_address_goes_by_the_gateway_or_not_at_all(void **state)
{
  (void)state;
  for (int with = 0; with < 2; with++) {
    struct bed *b = bed_open(&start_plain, (struct bed_opts){.no_listener = true, .gateway = with ? GATEWAY_IP : 0});
    int sid = sock_socket(b->s, SOCK_TCP);
    assert_int_equal(sock_connect(b->s, sid, FAR_IP, 80), with ? -EINPROGRESS : -ENETUNREACH);
    if (with) expect_arp_request(b, GATEWAY_IP);
    else assert_int_equal(sock_connect(b->s, sid, PEER_IP, 80), -EINPROGRESS);   // the socket is as it was
    bed_close(b);
  }
}

static void test_addresses_of_no_single_host_are_unreachable(void **state)
{
  struct bed *b = *state;
  static const uint32_t none[] = {0, 0xe0000001, 0xffffffff, 0x0a0900ff, 0x0a090000};
  int sid = sock_socket(b->s, SOCK_TCP);
  for (size_t i = 0; i < 5; i++) assert_int_equal(sock_connect(b->s, sid, none[i], 80), -ENETUNREACH);
  bed_expect_silence(b);
}

static void icmp_unreachable(struct bed *b, uint8_t code, struct seq seq, uint16_t port)
{
  uint8_t quoted[28], frame[128];
  ipv4_emit(quoted, sizeof quoted, BED_IP, PEER_IP, IPV4_PROTO_TCP, 0, 44);   // longer than what is quoted
  put_be16(quoted + 20, BED_PORT);
  put_be16(quoted + 22, port);
  put_be32(quoted + 24, seq.v);
  struct icmp_msg m = {.type = ICMP_TYPE_UNREACHABLE, .code = code, .data = quoted, .data_len = sizeof quoted};
  size_t n = icmp_emit(frame + 34, sizeof frame - 34, &m);
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(frame, 14, &eth);
  ipv4_emit(frame + 14, 20, GATEWAY_IP, BED_IP, IPV4_PROTO_ICMP, 0, n);
  stack_input(b->s, frame, 34 + n, b->now_us);
}

static void test_icmp_unreachable_ends_only_the_attempt_it_quotes(void **state)
{
  (void)state;
  struct { uint8_t code; int err; } rows[] = {{0, ENETUNREACH}, {1, EHOSTUNREACH}, {3, ECONNREFUSED}, {13, EHOSTUNREACH}};
  for (size_t i = 0; i < 4; i++) {
    struct bed *b = bed_open(&start_wrap, (struct bed_opts){.no_listener = true});
    int sid = dial_and_see_syn(b);
    icmp_unreachable(b, rows[i].code, after_iss(b), PEER_PORT);              // a guess
    icmp_unreachable(b, rows[i].code, seq_of(b->start.iss), PEER_PORT + 1);  // another connection
    icmp_unreachable(b, 4, seq_of(b->start.iss), PEER_PORT);                 // too big: not the end
    assert_int_equal(sock_poll(b->s, sid), 0);
    icmp_unreachable(b, rows[i].code, seq_of(b->start.iss), PEER_PORT);
    expect_failed(b, sid, rows[i].err);
    bed_close(b);
  }
}

static void test_icmp_unreachable_does_not_touch_an_established_connection(void **state)
{
  struct bed *b = *state;
  int sid = dial_and_see_syn(b);
  synack(b, (struct segment_options){0}, 5000);
  icmp_unreachable(b, 3, seq_of(b->start.iss), PEER_PORT);
  assert_int_equal(sock_poll(b->s, sid), SOCK_OUT);
}

// --- ports, and what is refused at once ---

static void test_ports_are_dynamic_and_differ_for_one_destination(void **state)
{
  struct bed *b = *state;
  bed_answer_arp(b, PEER_IP);
  uint16_t port[BED_FLOWS];
  for (int i = 0; i < BED_FLOWS; i++) {
    assert_int_equal(sock_connect(b->s, sock_socket(b->s, SOCK_TCP), PEER_IP, 80), -EINPROGRESS);
    port[i] = bed_expect_out(b).src_port;
    assert_true(port[i] >= 49152);
    for (int j = 0; j < i; j++) assert_int_not_equal(port[i], port[j]);
  }
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 80), -ENOBUFS);
  assert_int_equal(stack_stat(b->s, ST_TCP_NO_FLOW_FREE), 1);
}

static void test_connect_refuses_what_makes_no_sense(void **state)
{
  struct bed *b = *state;
  assert_int_equal(sock_connect(b->s, 99, PEER_IP, 80), -EBADF);
  int sid = dial_and_see_syn(b);
  int listener = sock_socket(b->s, SOCK_TCP), other = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, listener, 0, 80), 0);
  assert_int_equal(sock_listen(b->s, listener, 1), 0);
  assert_int_equal(sock_connect(b->s, listener, PEER_IP, 80), -EINVAL);
  assert_int_equal(sock_connect(b->s, other, PEER_IP, 0), -EINVAL);
  assert_int_equal(sock_listen(b->s, sid, 1), -EINVAL);
  assert_int_equal(sock_bind(b->s, sid, 0, 99), -EINVAL);
}

static void test_same_pair_of_addresses_is_in_use(void **state)
{
  struct bed *b = *state;
  bed_close(b);
  *state = b = bed_open(&start_plain, (struct bed_opts){0});
  struct peer p = bed_connect(b, PEER_PORT);
  sock_close(b->s, b->listener);
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, sid, 0, BED_PORT), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EADDRINUSE);
  sock_abort(b->s, p.sid);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EADDRINUSE);   // the old one's RST is still to leave
  bed_released(b, p.flow);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
}

static void test_shared_address_needs_a_bound_port(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.no_listener = true, .shared_ip = true});
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 80), -EADDRNOTAVAIL);
  assert_int_equal(sock_bind(b->s, sid, 0, 1234), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 80), -EINPROGRESS);
  bed_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    CONNECT_TEST(test_syn_offers_what_the_engine_can),
    CONNECT_TEST(test_syn_offers_neither_sack_nor_timestamps_to_a_plain_engine),
    cmocka_unit_test(test_minimal_options_are_the_mss_alone_also_when_the_answer_has_more),
    CONNECT_TEST(test_syn_ack_establishes_and_is_acknowledged),
    CONNECT_TEST(test_ack_of_the_handshake_offers_no_more_than_the_syn_did),
    CONNECT_TEST(test_options_hold_only_when_both_sides_offer_them),
    CONNECT_TEST(test_frames_that_come_before_the_fence_are_held),
    CONNECT_TEST(test_ack_of_something_else_is_reset_and_ignored),
    CONNECT_TEST(test_rst_without_ack_and_ack_without_syn_change_nothing),
    CONNECT_TEST(test_rst_with_our_ack_is_connection_refused),
    cmocka_unit_test(test_engine_hears_that_the_syn_was_sent_again),
    CONNECT_TEST(test_syn_is_sent_again_with_back_off_and_given_up_after_three_minutes),
    CONNECT_TEST(test_late_answer_ends_the_stall),
    CONNECT_TEST(test_close_before_the_answer_forgets_silently),
    CONNECT_TEST(test_crossing_syns_are_completed_by_the_peers_syn_ack),
    CONNECT_TEST(test_crossing_syns_are_completed_by_an_ack),
    CONNECT_TEST(test_crossing_syns_lost_answer_is_repeated_then_given_up),
    CONNECT_TEST(test_crossing_syns_rst_is_refusal_and_new_syn_is_challenged),
    CONNECT_TEST(test_close_of_crossed_syns_resets_the_peer),
    CONNECT_TEST(test_waiting_syn_leaves_before_the_answer_to_one_that_crossed_it),
    CONNECT_TEST(test_unknown_neighbour_is_asked_for_and_the_syn_waits),
    CONNECT_TEST(test_silent_neighbour_is_host_unreachable_after_three_requests),
    cmocka_unit_test(test_far_address_goes_by_the_gateway_or_not_at_all),
    CONNECT_TEST(test_addresses_of_no_single_host_are_unreachable),
    cmocka_unit_test(test_icmp_unreachable_ends_only_the_attempt_it_quotes),
    CONNECT_TEST(test_icmp_unreachable_does_not_touch_an_established_connection),
    CONNECT_TEST(test_ports_are_dynamic_and_differ_for_one_destination),
    CONNECT_TEST(test_connect_refuses_what_makes_no_sense),
    CONNECT_TEST(test_same_pair_of_addresses_is_in_use),
    cmocka_unit_test(test_shared_address_needs_a_bound_port),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
