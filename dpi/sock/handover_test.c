// SPDX-License-Identifier: Apache-2.0
#include "sock/testbed.h"

static void send_byte(struct bed *b, const struct peer *p, uint32_t off, bool ip_options)
{
  const uint8_t byte = (uint8_t)off;
  struct segment seg = bed_ack(p);
  seg.seq = seq_add(seg.seq, off);
  seg.flags |= TCP_PSH;
  seg.payload = &byte;
  seg.payload_len = 1;
  uint8_t frame[2048];
  size_t len = bed_frame(frame, p->port, &seg, ip_options);
  stack_input(b->s, frame, len, b->now_us);
}

// A frame as the engine got it: a plain IP header, all checksums right.
static struct segment engine_got(const struct call *c)
{
  struct ipv4_hdr ip;
  struct segment seg;
  assert_int_equal(ipv4_parse(c->bytes + 14, c->len - 14, &ip), IPV4_OK);
  assert_int_equal(ip.hdr_len, 20);
  assert_int_equal(14 + ip.hdr_len + ip.payload_len, c->len);
  assert_int_equal(segment_parse(&seg, ip.src, ip.dst, c->bytes + 34, ip.payload_len), SEGMENT_OK);
  return seg;
}

static void test_open_tells_the_engine_everything(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  struct segment ack = bed_ack(&p);
  ack.window = 501;
  bed_send(b, PEER_PORT, &ack);
  const struct flow_open *o = &bed_expect_call(b, CALL_OPEN)->open;
  assert_memory_equal(o->local_mac, bed_mac, 6);
  assert_memory_equal(o->remote_mac, peer_mac, 6);
  assert_int_equal(o->local_ip, BED_IP);
  assert_int_equal(o->remote_ip, PEER_IP);
  assert_int_equal(o->local_port, BED_PORT);
  assert_int_equal(o->remote_port, PEER_PORT);
  assert_int_equal(o->snd_nxt.v, b->start.iss + 1);
  assert_int_equal(o->rcv_nxt.v, b->start.irs + 1);
  assert_int_equal(o->snd_wnd, 501);
  assert_true(stack_next_deadline(b->s) == UINT64_MAX);
  assert_int_equal(stack_stat(b->s, ST_TCP_SYN), 1);
  assert_int_equal(stack_stat(b->s, ST_FLOWS_OPENED), 1);
  assert_int_equal(stack_stat(b->s, ST_FLOWS_CLOSED), 0);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  bed_expect_no_call(b);
}

static void test_frames_before_the_fence_reach_the_engine_once_in_order(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  const uint32_t off[] = {0, 1, 5, 2, 2};   // with a hole and a repetition: the stack does not judge
  for (size_t i = 0; i < 5; i++) send_byte(b, &p, off[i], i == 3);
  bed_expect_silence(b);                    // nothing is acknowledged here
  bed_expect_no_call(b);
  stack_fence(b->s, (uint16_t)p.flow, true, b->now_us);
  assert_int_equal(engine_got(bed_expect_call(b, CALL_INPUT)).payload_len, 0);   // the handshake's ACK
  for (size_t i = 0; i < 5; i++) {
    struct segment seg = engine_got(bed_expect_call(b, CALL_INPUT));
    assert_int_equal(seg.seq.v, p.snd_nxt.v + off[i]);
    assert_int_equal(seg.payload[0], off[i]);
  }
  stack_fence(b->s, (uint16_t)p.flow, true, b->now_us);   // a second fence would be an engine's fault: nothing twice
  bed_expect_no_call(b);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_HANDOVER_HELD), 6);
}

static void test_held_frames_are_the_same_bytes(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  struct segment seg = bed_ack(&p);
  seg.flags |= TCP_FIN | TCP_URG;
  seg.urgent = 3;
  seg.opt = (struct segment_options){.has_timestamps = true, .tsval = 1, .tsecr = 2};
  seg.payload = b->scratch;
  seg.payload_len = 1400;
  uint8_t frame[2048];
  size_t len = bed_frame(frame, PEER_PORT, &seg, false);
  stack_input(b->s, frame, len, b->now_us);
  bed_fence(b, &p);
  const struct call *c = bed_expect_call(b, CALL_INPUT);
  assert_int_equal(c->len, len);
  assert_memory_equal(c->bytes, frame, len);
}

static void test_held_frames_are_bounded(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  for (uint32_t i = 0; i < 70; i++) send_byte(b, &p, i, false);
  assert_int_equal(stack_stat(b->s, ST_HANDOVER_HELD), 64);
  assert_int_equal(stack_stat(b->s, ST_HANDOVER_DROPPED), 7);
  bed_fence(b, &p);
  for (uint32_t i = 0; i < 63; i++) assert_int_equal(engine_got(bed_expect_call(b, CALL_INPUT)).seq.v, p.snd_nxt.v + i);
  bed_expect_no_call(b);
}

static void test_accept_and_send_work_before_the_fence(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  struct sock_addr from;
  int sid = sock_accept(b->s, b->listener, &from);
  assert_true(sid >= 0);
  assert_int_equal(from.ip, PEER_IP);
  assert_int_equal(from.port, PEER_PORT);
  assert_int_equal(sock_send(b->s, sid, "hello", 5), 5);
  const struct call *c = bed_expect_call(b, CALL_PAYLOAD);
  assert_int_equal(c->flow, p.flow);
  assert_memory_equal(c->bytes, "hello", 5);
  bed_fence(b, &p);
}

static void test_no_room_in_the_flow_table_resets_the_connection(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  int sid = sock_accept(b->s, b->listener, NULL);
  send_byte(b, &p, 0, false);
  stack_fence(b->s, (uint16_t)p.flow, false, b->now_us);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_RST | TCP_ACK);
  assert_int_equal(out.seq.v, p.rcv_nxt.v);
  assert_int_equal(out.ack.v, p.snd_nxt.v);
  bed_expect_call(b, CALL_RELEASE);
  bed_expect_no_call(b);
  assert_int_equal(sock_recv(b->s, sid, b->scratch, 1), -ECONNRESET);
  bed_released(b, p.flow);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
}

static void test_no_room_in_the_flow_table_takes_an_unaccepted_connection_off_the_queue(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  stack_fence(b->s, (uint16_t)p.flow, false, b->now_us);
  assert_int_equal(bed_expect_out(b).flags, TCP_RST | TCP_ACK);
  assert_int_equal(sock_accept(b->s, b->listener, NULL), -EAGAIN);
  assert_int_equal(sock_poll(b->s, b->listener), 0);
}

static void test_abort_before_the_fence_releases_only_after_it(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  int sid = sock_accept(b->s, b->listener, NULL);
  assert_int_equal(sock_abort(b->s, sid), 0);
  bed_expect_call(b, CALL_ABORT);
  send_byte(b, &p, 0, false);
  bed_expect_no_call(b);
  stack_fence(b->s, (uint16_t)p.flow, true, b->now_us);
  bed_expect_call(b, CALL_RELEASE);
  bed_expect_no_call(b);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  stack_fence(b->s, (uint16_t)p.flow, true, b->now_us);   // as above: one fence too many does nothing
  bed_expect_no_call(b);
  bed_released(b, p.flow);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  bed_released(b, p.flow);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_int_equal(stack_stat(b->s, ST_FLOWS_CLOSED), 1);
}

static void test_abort_before_a_fence_that_failed_still_sends_rst(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  sock_abort(b->s, sock_accept(b->s, b->listener, NULL));
  bed_expect_call(b, CALL_ABORT);
  stack_fence(b->s, (uint16_t)p.flow, false, b->now_us);
  assert_int_equal(bed_expect_out(b).flags, TCP_RST | TCP_ACK);
  bed_expect_silence(b);
  bed_expect_call(b, CALL_RELEASE);
}

static void test_end_before_the_fence_waits_for_it(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  sock_close(b->s, sock_accept(b->s, b->listener, NULL));
  bed_expect_call(b, CALL_CLOSE);
  b->level[p.flow].peer_closed = true;
  bed_fin_acked(b, p.flow);
  bed_expect_no_call(b);
  bed_fence(b, &p);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
}

static void test_after_the_fence_only_what_was_remade_goes_to_the_engine(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  send_byte(b, &p, 0, false);   // the engine has refused this one: giving it back could go round for ever
  bed_expect_no_call(b);
  send_byte(b, &p, 1, true);
  assert_int_equal(engine_got(bed_expect_call(b, CALL_INPUT)).seq.v, p.snd_nxt.v + 1);
  bed_expect_no_call(b);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_AFTER_FENCE), 2);
}

static void test_syn_on_an_open_flow_gets_a_challenge_ack_not_too_often(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  const struct segment syn = {.seq = {b->start.irs + 12345}, .flags = TCP_SYN};
  bed_pass(b, SECOND);
  bed_send(b, PEER_PORT, &syn);
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_ACK);
  assert_int_equal(out.seq.v, p.rcv_nxt.v);
  assert_int_equal(out.ack.v, p.snd_nxt.v);
  bed_send(b, PEER_PORT, &syn);
  bed_expect_silence(b);
  bed_pass(b, SECOND);
  bed_send(b, PEER_PORT, &syn);
  assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
  bed_expect_no_call(b);
}

static void test_challenge_ack_has_time_stamps_where_they_were_agreed(void **state)
{
  struct bed *b = *state;
  bed_connect_stamped(b, PEER_PORT, 70);
  bed_pass(b, SECOND);
  bed_send(b, PEER_PORT, &(struct segment){.seq = {b->start.irs + 12345}, .flags = TCP_SYN});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_ACK);
  assert_true(out.opt.has_timestamps && out.opt.tsecr == 70);
}

static void test_flow_of_a_frame_is_found_in_both_directions(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  uint8_t frame[2048];
  struct segment seg = bed_ack(&p);
  size_t len = bed_frame(frame, PEER_PORT, &seg, false);
  assert_int_equal(stack_flow_of(b->s, frame, len), p.flow);
  for (size_t cut = 0; cut < len; cut++) {
    uint8_t *copy = malloc(cut + 1);   // exactly what arrived, so that ASan sees any read beyond
    assert_non_null(copy);
    memcpy(copy, frame, cut);
    uint8_t *exact = realloc(copy, cut ? cut : 1);
    assert_int_equal(stack_flow_of(b->s, exact, cut), -1);
    free(exact);
  }
  size_t n = segment_emit(&(struct segment){.src_port = BED_PORT, .dst_port = PEER_PORT, .flags = TCP_ACK}, BED_IP, PEER_IP, frame + 34, 100);
  ipv4_emit(frame + 14, 20, BED_IP, PEER_IP, IPV4_PROTO_TCP, 0, n);
  assert_int_equal(stack_flow_of(b->s, frame, 34 + n), p.flow);
  len = bed_frame(frame, PEER_PORT + 1, &seg, false);
  assert_int_equal(stack_flow_of(b->s, frame, len), -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_open_tells_the_engine_everything),
    BED_TEST(test_frames_before_the_fence_reach_the_engine_once_in_order),
    BED_TEST(test_held_frames_are_the_same_bytes),
    BED_TEST(test_held_frames_are_bounded),
    BED_TEST(test_accept_and_send_work_before_the_fence),
    BED_TEST(test_no_room_in_the_flow_table_resets_the_connection),
    BED_TEST(test_no_room_in_the_flow_table_takes_an_unaccepted_connection_off_the_queue),
    BED_TEST(test_abort_before_the_fence_releases_only_after_it),
    BED_TEST(test_abort_before_a_fence_that_failed_still_sends_rst),
    BED_TEST(test_end_before_the_fence_waits_for_it),
    BED_TEST(test_after_the_fence_only_what_was_remade_goes_to_the_engine),
    BED_TEST(test_syn_on_an_open_flow_gets_a_challenge_ack_not_too_often),
    BED_TEST(test_challenge_ack_has_time_stamps_where_they_were_agreed),
    BED_TEST(test_flow_of_a_frame_is_found_in_both_directions),
  };
  return cmocka_run_group_tests_name("sock/handover", tests, NULL, NULL);
}
