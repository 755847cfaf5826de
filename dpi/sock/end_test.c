// SPDX-License-Identifier: Apache-2.0
// How connections end: TIME-WAIT (timewait.c), and the ways there and around it (flow.c).
#include "sock/testbed.h"

// We close, our FIN is acknowledged, the peer closes: the connection is in TIME-WAIT, and the engine was told to release its flow.
static struct peer close_first(struct bed *b, uint16_t port)
{
  struct peer p = bed_connect(b, port);
  sock_close(b->s, p.sid);
  bed_expect_call(b, CALL_CLOSE);
  bed_fin_acked(b, p.flow);
  bed_expect_no_call(b);
  bed_peer_fin(b, p.flow);
  assert_int_equal(bed_expect_call(b, CALL_RELEASE)->flow, p.flow);
  p.snd_nxt = seq_add(p.snd_nxt, 1);
  p.rcv_nxt = seq_add(p.rcv_nxt, 1);
  return p;
}

// It has done so.
static struct peer active_close(struct bed *b, uint16_t port)
{
  struct peer p = close_first(b, port);
  bed_released(b, p.flow);
  return p;
}

static void expect_final_ack(struct bed *b, const struct peer *p)
{
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_ACK);
  assert_int_equal(out.seq.v, p->rcv_nxt.v);
  assert_int_equal(out.ack.v, p->snd_nxt.v);
  assert_int_equal(out.window, BED_RING - 1);   // the edge that data took up to the FIN had: it has a place in the window
  bed_expect_silence(b);
}

static struct segment last_fin(const struct peer *p)
{
  struct segment fin = bed_ack(p);
  fin.seq = seq_add(fin.seq, UINT32_MAX);
  fin.flags |= TCP_FIN;
  return fin;
}

static void test_closing_first_enters_time_wait_before_the_release(void **state)
{
  struct bed *b = *state;
  struct peer p = close_first(b, PEER_PORT);
  assert_int_equal(b->calls[b->n_calls - 1].time_wait_now, 1);
  struct segment fin = last_fin(&p);
  bed_send(b, PEER_PORT, &fin);   // before `released` an answer would overtake what the engine has still to send
  bed_expect_silence(b);
  bed_released(b, p.flow);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
  bed_send(b, PEER_PORT, &fin);
  expect_final_ack(b, &p);
}

static void test_final_numbers_count_all_data_and_both_fins(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_send(b->s, p.sid, b->scratch, 1000);
  bed_data(b, p.flow, 500);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 500), 500);
  sock_shutdown(b->s, p.sid);
  bed_freed(b, p.flow, 1000);
  bed_fin_acked(b, p.flow);
  bed_peer_fin(b, p.flow);
  p.snd_nxt = seq_add(p.snd_nxt, 501);
  p.rcv_nxt = seq_add(p.rcv_nxt, 1001);
  bed_released(b, p.flow);
  struct segment fin = last_fin(&p);
  bed_send(b, PEER_PORT, &fin);
  expect_final_ack(b, &p);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 1), 0);
  assert_int_equal(sock_poll(b->s, p.sid), SOCK_IN | SOCK_HUP);
  assert_int_equal(sock_send(b->s, p.sid, "x", 1), -EPIPE);
  assert_int_equal(sock_close(b->s, p.sid), 0);
}

static void test_closing_second_needs_no_time_wait(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  bed_peer_fin(b, p.flow);
  sock_close(b->s, p.sid);
  bed_expect_call(b, CALL_CLOSE);
  bed_fin_acked(b, p.flow);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 0);
  p.snd_nxt = seq_add(p.snd_nxt, 1);
  struct segment fin = last_fin(&p);
  bed_send(b, PEER_PORT, &fin);
  bed_expect_silence(b);   // until released: what is still on its way is nobody's fault
  bed_released(b, p.flow);
  bed_send(b, PEER_PORT, &fin);
  assert_int_equal(bed_expect_out(b).flags, TCP_RST);
}

static void test_simultaneous_close_enters_time_wait(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_close(b->s, p.sid);
  bed_peer_fin(b, p.flow);       // before ours was acknowledged
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 0);
  bed_fin_acked(b, p.flow);
  bed_expect_call(b, CALL_CLOSE);
  bed_expect_call(b, CALL_RELEASE);
  bed_expect_no_call(b);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
}

static void test_end_waits_until_the_program_has_fetched_all(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  for (int i = 0; i < 3; i++) bed_data(b, p.flow, 30000);   // more than the socket's buffer
  sock_shutdown(b->s, p.sid);
  bed_fin_acked(b, p.flow);
  bed_peer_fin(b, p.flow);
  for (int i = 0; i < 3; i++) bed_expect_call(b, CALL_CONSUME);
  bed_expect_call(b, CALL_CLOSE);
  bed_expect_no_call(b);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 65536);
  bed_expect_call(b, CALL_CONSUME);
  bed_expect_no_call(b);
  stack_poll(b->s, b->now_us);   // the rest arrives: now the flow may go, the socket keeps it
  bed_expect_call(b, CALL_RELEASE);
  bed_released(b, p.flow);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 90000 - 65536);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 0);
}

static void test_unread_data_after_an_orderly_end_may_be_closed_away(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  bed_data(b, p.flow, 10);
  sock_shutdown(b->s, p.sid);
  bed_fin_acked(b, p.flow);
  bed_peer_fin(b, p.flow);
  b->seen = b->n_calls;
  assert_int_equal(sock_close(b->s, p.sid), 0);
  bed_expect_no_call(b);
}

static void test_end_and_reset_in_one_event_is_an_end(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_shutdown(b->s, p.sid);
  b->level[p.flow].peer_closed = b->level[p.flow].reset = true;
  bed_fin_acked(b, p.flow);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 1), 0);
}

static void test_reset_after_both_ends_leaves_what_was_not_fetched(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  for (int i = 0; i < 3; i++) bed_data(b, p.flow, 30000);   // more than the socket's buffer
  sock_shutdown(b->s, p.sid);
  bed_fin_acked(b, p.flow);
  bed_peer_fin(b, p.flow);
  b->level[p.flow].reset = true;
  bed_tell(b, p.flow);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 65536);
  stack_poll(b->s, b->now_us);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 90000 - 65536);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 0);
}

// --- FIN-WAIT-2 ---
static void test_orphan_in_fin_wait_2_is_given_up(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_close(b->s, p.sid);
  bed_expect_call(b, CALL_CLOSE);
  assert_int_equal(stack_unacked(b->s), 1);
  bed_fin_acked(b, p.flow);
  assert_int_equal(stack_unacked(b->s), 0);
  assert_true(stack_next_deadline(b->s) == b->now_us + 60 * SECOND);
  bed_pass(b, SECOND);
  bed_freed(b, p.flow, 0);         // another event does not prolong it
  bed_pass(b, 59 * SECOND - 1);
  bed_expect_no_call(b);
  bed_pass(b, 1);
  bed_expect_call(b, CALL_ABORT);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(stack_stat(b->s, ST_ORPHAN_TIMEOUT), 1);
  bed_released(b, p.flow);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
}

static void test_orphan_whose_data_nobody_takes_is_given_up(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_send(b->s, p.sid, b->scratch, 1000);
  bed_expect_call(b, CALL_PAYLOAD);
  sock_close(b->s, p.sid);
  bed_expect_call(b, CALL_CLOSE);
  assert_int_equal(stack_unacked(b->s), 1);
  for (int i = 0; i < 5; i++) {
    bed_pass(b, 900 * SECOND - 1);
    bed_freed(b, p.flow, 100);     // slow, but not dead
  }
  bed_pass(b, 450 * SECOND);
  bed_freed(b, p.flow, 0);         // the window is closed, as probes say again and again
  bed_pass(b, 450 * SECOND - 1);
  bed_expect_no_call(b);
  bed_pass(b, 1);
  bed_expect_call(b, CALL_ABORT);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(stack_stat(b->s, ST_ORPHAN_TIMEOUT), 1);
  bed_released(b, p.flow);
}

static void test_orphan_in_last_ack_is_given_up(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  bed_peer_fin(b, p.flow);
  sock_close(b->s, p.sid);
  bed_expect_call(b, CALL_CLOSE);
  bed_pass(b, 900 * SECOND);
  bed_expect_call(b, CALL_ABORT);
  bed_expect_call(b, CALL_RELEASE);
  bed_released(b, p.flow);
}

static void test_half_close_in_fin_wait_2_has_no_limit_until_the_socket_is_closed(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_shutdown(b->s, p.sid);
  bed_fin_acked(b, p.flow);
  assert_true(stack_next_deadline(b->s) == UINT64_MAX);
  sock_close(b->s, p.sid);
  assert_true(stack_next_deadline(b->s) == b->now_us + 60 * SECOND);
  bed_peer_fin(b, p.flow);
  assert_true(stack_next_deadline(b->s) == b->now_us + TW_US);
}

// --- in TIME-WAIT ---
static void test_time_wait_ends_after_two_msl(void **state)
{
  struct bed *b = *state;
  struct peer p = active_close(b, PEER_PORT);
  assert_true(stack_next_deadline(b->s) == b->now_us + TW_US);
  bed_pass(b, TW_US - 1);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
  bed_pass(b, 1);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 0);
  struct segment fin = last_fin(&p);
  bed_send(b, PEER_PORT, &fin);
  assert_int_equal(bed_expect_out(b).flags, TCP_RST);
}

static void test_time_wait_starts_over_with_the_peers_fin_and_nothing_else(void **state)
{
  struct bed *b = *state;
  struct peer p = active_close(b, PEER_PORT);
  uint64_t due = stack_next_deadline(b->s);
  bed_pass(b, SECOND);
  struct segment data = bed_ack(&p);
  data.payload = (const uint8_t *)"x";
  data.payload_len = 1;
  bed_send(b, PEER_PORT, &data);
  expect_final_ack(b, &p);
  data.flags |= TCP_FIN;              // a FIN elsewhere is not the peer's
  bed_send(b, PEER_PORT, &data);
  expect_final_ack(b, &p);
  assert_true(stack_next_deadline(b->s) == due);
  struct segment fin = last_fin(&p);
  bed_send(b, PEER_PORT, &fin);
  expect_final_ack(b, &p);
  assert_true(stack_next_deadline(b->s) == b->now_us + TW_US);
}

static void test_time_wait_answers_old_acks_and_is_silent_to_fitting_ones(void **state)
{
  struct bed *b = *state;
  struct peer p = active_close(b, PEER_PORT);
  struct segment ack = bed_ack(&p);
  bed_send(b, PEER_PORT, &ack);
  bed_expect_silence(b);              // or two stacks in TIME-WAIT would talk for ever
  ack.seq = seq_add(ack.seq, UINT32_MAX);
  bed_send(b, PEER_PORT, &ack);       // as a keep-alive
  expect_final_ack(b, &p);
}

// A connection with time stamps that we closed first. Its peer's were 70 at first and `last` at the end.
static struct peer active_close_stamped(struct bed *b, uint16_t port, uint32_t last)
{
  struct peer p = bed_connect_stamped(b, port, 70);
  sock_close(b->s, p.sid);
  bed_fin_acked(b, p.flow);
  b->level[p.flow].ts_recent = last;
  bed_peer_fin(b, p.flow);
  p.snd_nxt = seq_add(p.snd_nxt, 1);
  p.rcv_nxt = seq_add(p.rcv_nxt, 1);
  b->seen = b->n_calls;
  bed_released(b, p.flow);
  return p;
}

static void test_time_wait_answers_with_timestamps_when_they_were_agreed(void **state)
{
  struct bed *b = *state;
  const struct { uint32_t tsval, echo; } fins[] = {{79, 80}, {90, 90}, {80, 90}, {91, 91}};
  struct peer p = active_close_stamped(b, PEER_PORT, 80);
  for (size_t i = 0; i < 4; i++) {   // our ACK of the FIN was lost
    struct segment fin = last_fin(&p);
    fin.opt = (struct segment_options){.has_timestamps = true, .tsval = fins[i].tsval};
    bed_send(b, PEER_PORT, &fin);
    struct segment out = bed_expect_out(b);
    assert_int_equal(out.flags, TCP_ACK);
    assert_true(out.opt.has_timestamps);
    assert_int_equal(out.opt.tsecr, fins[i].echo);
    assert_int_equal(out.opt.tsval, b->now_us >> 10 & UINT32_MAX);
  }
}

static void test_time_wait_ignores_rst(void **state)
{
  struct bed *b = *state;
  struct peer p = active_close(b, PEER_PORT);
  bed_send(b, PEER_PORT, &(struct segment){.seq = p.snd_nxt, .flags = TCP_RST});
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
}

static void test_higher_syn_opens_anew_with_a_higher_isn(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  // More was sent than the clock of initial numbers advanced: 100000 bytes in no time.
  for (int i = 0; i < 4; i++) {
    sock_send(b->s, p.sid, b->scratch, 25000);
    bed_freed(b, p.flow, 25000);
  }
  sock_close(b->s, p.sid);
  bed_fin_acked(b, p.flow);
  bed_peer_fin(b, p.flow);
  p.rcv_nxt = seq_add(p.rcv_nxt, 100001);
  p.snd_nxt = seq_add(p.snd_nxt, 1);
  b->seen = b->n_calls;
  bed_released(b, p.flow);
  bed_send(b, PEER_PORT, &(struct segment){.seq = p.snd_nxt, .flags = TCP_SYN});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
  assert_true(seq_lt(p.rcv_nxt, out.seq));
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 0);
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_add(p.snd_nxt, 1), .ack = seq_add(out.seq, 1), .flags = TCP_ACK});
  bed_expect_call(b, CALL_OPEN);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
}

static void test_lower_syn_in_time_wait_gets_an_ack(void **state)
{
  struct bed *b = *state;
  struct peer p = active_close(b, PEER_PORT);
  struct segment syn = {.seq = seq_add(p.snd_nxt, UINT32_MAX), .flags = TCP_SYN};
  bed_send(b, PEER_PORT, &syn);
  expect_final_ack(b, &p);
  syn.opt = (struct segment_options){.has_timestamps = true, .tsval = 1};   // which the engine cannot use
  bed_send(b, PEER_PORT, &syn);
  expect_final_ack(b, &p);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
}

// RFC 6191 section 2, line by line. Without time stamps: test_higher_syn..., test_lower_syn...
static void test_syn_in_time_wait_opens_anew_by_its_time_stamp(void **state)
{
  struct bed *b = *state;
  // When the old one had them, 90 was the last; 0: the new one has none.
  static const struct { bool old_has; uint32_t tsval; int32_t seq; bool opens; } rows[] = {
    {true, 91, -1000, true}, {true, 90, 0, true}, {true, 90, -1, false}, {true, 89, 1000, false}, {true, 0x80000059, -1, true},
    {true, 0x8000005a, 1, false}, {true, 0, 0, true}, {true, 0, -1, false}, {false, 0x80000001, -1000, true}, {false, 0, -1, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint16_t port = (uint16_t)(PEER_PORT + i);
    struct peer p = rows[i].old_has ? active_close_stamped(b, port, 90) : active_close(b, port);
    b->engine.timestamps = true;
    struct segment syn = {.seq = seq_add(p.snd_nxt, (uint32_t)rows[i].seq), .flags = TCP_SYN,
                          .opt = {.has_timestamps = rows[i].tsval != 0, .tsval = rows[i].tsval}};
    bed_send(b, port, &syn);
    struct segment out = bed_expect_out(b);
    if (out.flags != (rows[i].opens ? TCP_SYN | TCP_ACK : TCP_ACK)) fail_msg("row %zu: flags %x", i, out.flags);
    assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), !rows[i].opens);
    if (rows[i].opens) assert_true(seq_lt(p.rcv_nxt, out.seq));
    syn.seq = seq_add(syn.seq, 1);
    syn.flags = TCP_RST;
    bed_send(b, port, &syn);   // its flow is free again
    b->engine.timestamps = false;
    bed_pass(b, TW_US);
  }
}

static void test_higher_syn_in_time_wait_is_unanswered_without_a_flow_and_acked_without_a_listener(void **state)
{
  struct bed *b = *state;
  struct peer p = active_close(b, PEER_PORT);
  for (uint16_t i = 1; i <= BED_FLOWS; i++) bed_syn(b, (uint16_t)(PEER_PORT + i));
  const struct segment syn = {.seq = seq_add(p.snd_nxt, 1), .flags = TCP_SYN};
  bed_send(b, PEER_PORT, &syn);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 1);
  assert_int_equal(stack_stat(b->s, ST_TCP_NO_FLOW_FREE), 1);
  sock_close(b->s, b->listener);
  bed_send(b, PEER_PORT, &syn);
  expect_final_ack(b, &p);
}

static void test_time_wait_table_is_bounded_and_the_oldest_makes_room(void **state)
{
  struct bed *b = *state;
  struct peer first = {0}, second = {0};
  for (uint32_t i = 0; i <= 4096; i++) {
    struct peer p = active_close(b, (uint16_t)(10000 + i));
    if (i == 0) first = p;
    if (i == 1) second = p;
    bed_pass(b, 1);
    b->n_calls = b->seen = 0;
  }
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 4096);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_RECYCLED), 1);
  struct segment fin = last_fin(&second);
  bed_send(b, second.port, &fin);
  expect_final_ack(b, &second);
  fin = last_fin(&first);
  bed_send(b, first.port, &fin);
  assert_int_equal(bed_expect_out(b).flags, TCP_RST);
  bed_pass(b, 2 * TW_US);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 0);
}

// --- between release and `released` ---
static void test_syn_before_released_waits_for_the_next(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_abort(b->s, p.sid);
  bed_send(b, PEER_PORT, &(struct segment){.seq = {1}, .flags = TCP_SYN});   // data and RST of the old one have not left yet
  bed_expect_silence(b);
  bed_released(b, p.flow);
  b->seen = b->n_calls;
  struct peer q = bed_handshake(b, PEER_PORT);
  bed_fence(b, &q);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  bed_data(b, q.flow, 3);
  int sid = sock_accept(b->s, b->listener, NULL);
  stack_poll(b->s, b->now_us);
  assert_int_equal(sock_recv(b->s, sid, b->scratch, 9), 3);
}

static void test_flow_is_not_used_again_before_released(void **state)
{
  struct bed *b = *state;
  struct peer p[BED_FLOWS];
  for (uint16_t i = 0; i < BED_FLOWS; i++) p[i] = bed_connect(b, (uint16_t)(PEER_PORT + i));
  sock_abort(b->s, p[2].sid);
  bed_send(b, PEER_PORT + 9, &(struct segment){.seq = {1}, .flags = TCP_SYN});
  bed_expect_silence(b);
  bed_released(b, p[2].flow);
  b->seen = b->n_calls;
  struct peer q = bed_handshake(b, PEER_PORT + 9);
  assert_int_equal(q.flow, p[2].flow);
}

static void test_late_payload_and_events_of_an_ended_flow_are_nothing(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  b->hold_payload = true;
  bed_data(b, p.flow, 100);
  sock_abort(b->s, p.sid);
  b->seen = b->n_calls;
  b->hold_payload = false;
  bed_data(b, p.flow, 100);
  bed_expect_no_call(b);
  bed_released(b, p.flow);
  bed_expect_no_call(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_closing_first_enters_time_wait_before_the_release),
    BED_TEST(test_final_numbers_count_all_data_and_both_fins),
    BED_TEST(test_closing_second_needs_no_time_wait),
    BED_TEST(test_simultaneous_close_enters_time_wait),
    BED_TEST(test_end_waits_until_the_program_has_fetched_all),
    BED_TEST(test_unread_data_after_an_orderly_end_may_be_closed_away),
    BED_TEST(test_end_and_reset_in_one_event_is_an_end),
    BED_TEST(test_reset_after_both_ends_leaves_what_was_not_fetched),
    BED_TEST(test_orphan_in_fin_wait_2_is_given_up),
    BED_TEST(test_orphan_whose_data_nobody_takes_is_given_up),
    BED_TEST(test_orphan_in_last_ack_is_given_up),
    BED_TEST(test_half_close_in_fin_wait_2_has_no_limit_until_the_socket_is_closed),
    BED_TEST(test_time_wait_ends_after_two_msl),
    BED_TEST(test_time_wait_starts_over_with_the_peers_fin_and_nothing_else),
    BED_TEST(test_time_wait_answers_old_acks_and_is_silent_to_fitting_ones),
    BED_TEST(test_time_wait_answers_with_timestamps_when_they_were_agreed),
    BED_TEST(test_time_wait_ignores_rst),
    BED_TEST(test_higher_syn_opens_anew_with_a_higher_isn),
    BED_TEST(test_lower_syn_in_time_wait_gets_an_ack),
    BED_TEST(test_syn_in_time_wait_opens_anew_by_its_time_stamp),
    BED_TEST(test_higher_syn_in_time_wait_is_unanswered_without_a_flow_and_acked_without_a_listener),
    BED_TEST(test_time_wait_table_is_bounded_and_the_oldest_makes_room),
    BED_TEST(test_syn_before_released_waits_for_the_next),
    BED_TEST(test_flow_is_not_used_again_before_released),
    BED_TEST(test_late_payload_and_events_of_an_ended_flow_are_nothing),
  };
  return cmocka_run_group_tests_name("sock/end", tests, NULL, NULL);
}
