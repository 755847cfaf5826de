// SPDX-License-Identifier: Apache-2.0
#include "sock/testbed.h"

static int next_ready(struct bed *b, unsigned *events)
{
  int sid = -1;
  unsigned ev = 0;
  bool any = sock_next_ready(b->s, &sid, &ev);
  if (events) *events = ev;
  return any ? sid : -1;
}

// --- arguments and errors ---
static void test_calls_on_no_socket_return_ebadf(void **state)
{
  struct bed *b = *state;
  const int bad[] = {-1, 99, 1 << 30};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(sock_bind(b->s, bad[i], 0, 80), -EBADF);
    assert_int_equal(sock_listen(b->s, bad[i], 1), -EBADF);
    assert_int_equal(sock_accept(b->s, bad[i], NULL), -EBADF);
    assert_int_equal(sock_send(b->s, bad[i], "x", 1), -EBADF);
    assert_int_equal(sock_recv(b->s, bad[i], b->scratch, 1), -EBADF);
    assert_int_equal(sock_shutdown(b->s, bad[i]), -EBADF);
    assert_int_equal(sock_close(b->s, bad[i]), -EBADF);
    assert_int_equal(sock_abort(b->s, bad[i]), -EBADF);
    assert_int_equal(sock_poll(b->s, bad[i]), 0);
    assert_int_equal(sock_room(b->s, bad[i]), 0);
    assert_null(sock_user(b->s, bad[i]));
    sock_set_user(b->s, bad[i], b);
  }
}

static void test_bind_and_listen_refuse_what_makes_no_sense(void **state)
{
  struct bed *b = *state;
  assert_int_equal(sock_socket(b->s, (enum sock_type)7), -EPROTONOSUPPORT);
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_listen(b->s, sid, 1), -EINVAL);
  assert_int_equal(sock_bind(b->s, sid, 0, 0), -EINVAL);
  assert_int_equal(sock_bind(b->s, sid, PEER_IP, 80), -EINVAL);
  assert_int_equal(sock_bind(b->s, sid, 0, BED_PORT), -EADDRINUSE);
  assert_int_equal(sock_bind(b->s, sid, BED_IP, 80), 0);
  assert_int_equal(sock_bind(b->s, sid, 0, 81), -EINVAL);
  assert_int_equal(sock_accept(b->s, sid, NULL), -EINVAL);
  assert_int_equal(sock_listen(b->s, sid, 0), 0);
  assert_int_equal(sock_accept(b->s, sid, NULL), -EAGAIN);
  assert_int_equal(sock_close(b->s, sid), 0);
  int again = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(again, sid);   // small numbers
  assert_int_equal(sock_bind(b->s, again, 0, 80), 0);
}

static void test_connection_calls_on_a_listener_return_enotconn(void **state)
{
  struct bed *b = *state;
  assert_int_equal(sock_send(b->s, b->listener, "x", 1), -ENOTCONN);
  assert_int_equal(sock_recv(b->s, b->listener, b->scratch, 1), -ENOTCONN);
  assert_int_equal(sock_shutdown(b->s, b->listener), -ENOTCONN);
  assert_int_equal(sock_room(b->s, b->listener), 0);
}

static void test_listen_on_a_connection_returns_einval(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  assert_int_equal(sock_listen(b->s, p.sid, 1), -EINVAL);
  assert_int_equal(sock_bind(b->s, p.sid, 0, 99), -EINVAL);
  assert_int_equal(sock_accept(b->s, p.sid, NULL), -EINVAL);
}

static void test_sid_numbers_grow_and_are_used_again(void **state)
{
  struct bed *b = *state;
  int first = sock_socket(b->s, SOCK_TCP);
  for (int i = 1; i < 300; i++) assert_int_equal(sock_socket(b->s, SOCK_TCP), first + i);
  assert_int_equal(sock_close(b->s, first + 100), 0);
  assert_int_equal(sock_socket(b->s, SOCK_TCP), first + 100);
}

static void test_accept_without_a_number_left_keeps_the_connection_queued(void **state)
{
  struct bed *b = *state;
  int sid, last = -1;
  while ((sid = sock_socket(b->s, SOCK_TCP)) >= 0) last = sid;
  assert_int_equal(sid, -EMFILE);
  assert_int_equal(last, 65535);
  bed_handshake(b, PEER_PORT);
  assert_int_equal(sock_accept(b->s, b->listener, NULL), -EMFILE);
  assert_int_equal(sock_close(b->s, 1000), 0);
  assert_int_equal(sock_accept(b->s, b->listener, NULL), 1000);
}

static void test_accepted_sockets_inherit_the_user_pointer(void **state)
{
  struct bed *b = *state;
  sock_set_user(b->s, b->listener, &b->now_us);
  struct peer p = bed_connect(b, PEER_PORT);
  assert_ptr_equal(sock_user(b->s, p.sid), &b->now_us);
}

// --- sending ---
static void test_send_takes_what_there_is_room_for(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  assert_int_equal(sock_room(b->s, p.sid), BED_RING);
  assert_int_equal(sock_send(b->s, p.sid, b->scratch, 0), 0);
  assert_int_equal(sock_send(b->s, p.sid, b->scratch, 30000), 30000);
  assert_int_equal(sock_send(b->s, p.sid, b->scratch, 30000), 2768);
  assert_int_equal(sock_send(b->s, p.sid, b->scratch, 1), -EAGAIN);
  assert_int_equal(sock_poll(b->s, p.sid), 0);
  assert_int_equal(bed_expect_call(b, CALL_PAYLOAD)->len, 30000);
  assert_int_equal(bed_expect_call(b, CALL_PAYLOAD)->len, 2768);
  bed_freed(b, p.flow, 1000);
  unsigned events;
  assert_int_equal(next_ready(b, &events), p.sid);
  assert_int_equal(events, SOCK_OUT);
  assert_int_equal(sock_room(b->s, p.sid), 1000);
  assert_int_equal(sock_send(b->s, p.sid, b->scratch, 5000), 1000);
  assert_int_equal(bed_expect_call(b, CALL_PAYLOAD)->len, 1000);
  bed_expect_no_call(b);
}

static void test_send_keeps_no_more_than_the_ring_over_many_turns(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  uint32_t given = 0, freed = 0;
  for (uint32_t i = 1; i < 400; i++) {
    ssize_t n = sock_send(b->s, p.sid, b->scratch, i * 97 % 5000 + 1);
    if (n > 0) given += (uint32_t)n;
    assert_true(given - freed <= BED_RING);
    assert_int_equal(sock_room(b->s, p.sid), BED_RING - (given - freed));
    uint32_t step = (given - freed) * (i % 3) / 2;
    freed += step;
    bed_freed(b, p.flow, step);
  }
  assert_true(given > 3 * BED_RING);
}

static void test_shutdown_sends_fin_once_and_reading_goes_on(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  assert_int_equal(sock_send(b->s, p.sid, "bye", 3), 3);
  assert_int_equal(sock_shutdown(b->s, p.sid), 0);
  assert_int_equal(sock_shutdown(b->s, p.sid), 0);
  bed_expect_call(b, CALL_PAYLOAD);
  bed_expect_call(b, CALL_CLOSE);
  bed_expect_no_call(b);
  assert_int_equal(sock_send(b->s, p.sid, "x", 1), -EPIPE);
  assert_int_equal(sock_room(b->s, p.sid), 0);
  bed_freed(b, p.flow, 3);
  bed_fin_acked(b, p.flow);
  bed_data(b, p.flow, 10);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), 10);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), -EAGAIN);
  assert_int_equal(sock_close(b->s, p.sid), 0);
  bed_expect_call(b, CALL_CONSUME);
  bed_expect_no_call(b);   // the FIN is not sent again
}

// --- receiving ---
static void test_recv_gives_the_stream_in_pieces_of_any_size(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  static uint8_t buf[70000];
  uint32_t sent = 0, got = 0;
  for (uint32_t i = 1; got < 300000; i++) {   // several times around the buffer of 64 KiB
    uint32_t in_engine = sent - got > 65536 ? sent - got - 65536 : 0;
    uint32_t n = i * 7919 % 20000;
    if (in_engine + n <= BED_RING) {
      sent += n;
      bed_data(b, p.flow, n);
    }
    ssize_t r = sock_recv(b->s, p.sid, buf, i * 104729 % 30000 + 1);
    stack_poll(b->s, b->now_us);
    if (r == -EAGAIN) continue;
    assert_true(r > 0);
    for (ssize_t k = 0; k < r; k++) assert_int_equal(buf[k], bed_byte(got + (uint32_t)k));
    got += (uint32_t)r;
  }
}

static void test_consume_stops_when_the_socket_buffer_is_full(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  bed_data(b, p.flow, 32768);
  bed_data(b, p.flow, 30000);
  bed_data(b, p.flow, 32768);
  assert_int_equal(bed_expect_call(b, CALL_CONSUME)->len, 32768);
  assert_int_equal(bed_expect_call(b, CALL_CONSUME)->len, 30000);
  assert_int_equal(bed_expect_call(b, CALL_CONSUME)->len, 65536 - 62768);
  bed_expect_no_call(b);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), 100);
  assert_int_equal(bed_expect_call(b, CALL_CONSUME)->len, 100);
}

static void test_consume_counts_what_is_still_on_its_way(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  b->hold_payload = true;
  bed_data(b, p.flow, 32768);
  bed_data(b, p.flow, 32000);
  bed_data(b, p.flow, 32768);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), -EAGAIN);
  uint32_t asked = 0;
  for (int i = 0; i < 3; i++) asked += (uint32_t)bed_expect_call(b, CALL_CONSUME)->len;
  assert_int_equal(asked, 65536);
  bed_expect_no_call(b);
  assert_int_equal(next_ready(b, NULL), -1);
  b->hold_payload = false;
  stack_poll(b->s, b->now_us);
  assert_int_equal(next_ready(b, NULL), p.sid);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 65536), 65536);
}

static void test_nothing_is_consumed_before_accept(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  bed_fence(b, &p);
  bed_data(b, p.flow, 5);
  bed_peer_fin(b, p.flow);
  bed_expect_no_call(b);
  int sid = sock_accept(b->s, b->listener, NULL);
  assert_int_equal(bed_expect_call(b, CALL_CONSUME)->len, 5);
  assert_int_equal(sock_recv(b->s, sid, b->scratch, 9), -EAGAIN);   // not 0: it is on its way
  stack_poll(b->s, b->now_us);
  assert_int_equal(sock_recv(b->s, sid, b->scratch, 9), 5);
  assert_int_equal(sock_recv(b->s, sid, b->scratch, 9), 0);
}

static void test_end_of_stream_comes_after_all_data(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  b->hold_payload = true;
  b->level[p.flow].peer_closed = true;
  bed_data(b, p.flow, 10);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 4), -EAGAIN);
  b->hold_payload = false;
  stack_poll(b->s, b->now_us);
  assert_int_equal(sock_poll(b->s, p.sid), SOCK_IN | SOCK_OUT | SOCK_HUP);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 4), 4);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), 6);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), 0);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), 0);
  assert_int_equal(sock_send(b->s, p.sid, "still open", 10), 10);   // half-closed by the peer
}

// --- errors from below ---
static void test_reset_discards_what_was_not_read_and_stays(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  bed_data(b, p.flow, 10);
  b->level[p.flow].reset = true;
  bed_tell(b, p.flow);
  bed_expect_call(b, CALL_CONSUME);
  bed_expect_call(b, CALL_RELEASE);
  unsigned events;
  assert_int_equal(next_ready(b, &events), p.sid);
  assert_int_equal(events, SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_ERR);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), -ECONNRESET);
    assert_int_equal(sock_send(b->s, p.sid, "x", 1), -ECONNRESET);
  }
  assert_int_equal(sock_shutdown(b->s, p.sid), -ENOTCONN);
  bed_released(b, p.flow);
  assert_int_equal(sock_close(b->s, p.sid), 0);
  bed_expect_no_call(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_int_equal(stack_stat(b->s, ST_TIME_WAIT_NOW), 0);
}

static void test_time_out_is_told(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  b->level[p.flow].timed_out = true;
  bed_tell(b, p.flow);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 100), -ETIMEDOUT);
  assert_int_equal(sock_send(b->s, p.sid, "x", 1), -ETIMEDOUT);
  assert_int_equal(stack_stat(b->s, ST_TCP_TIMED_OUT), 1);
}

static void test_reset_takes_an_unaccepted_connection_off_the_queue(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT), q = bed_syn(b, PEER_PORT + 1);
  bed_fence(b, &p);
  struct segment ack = bed_ack(&q);
  bed_send(b, PEER_PORT + 1, &ack);
  b->level[p.flow].reset = true;
  bed_tell(b, p.flow);
  struct sock_addr from;
  assert_true(sock_accept(b->s, b->listener, &from) >= 0);
  assert_int_equal(from.port, PEER_PORT + 1);
  assert_int_equal(sock_accept(b->s, b->listener, NULL), -EAGAIN);
}

// --- closing ---
static void test_close_sends_fin_after_the_data(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_send(b->s, p.sid, "abc", 3);
  assert_int_equal(sock_close(b->s, p.sid), 0);
  bed_expect_call(b, CALL_PAYLOAD);
  bed_expect_call(b, CALL_CLOSE);
  bed_expect_no_call(b);
  assert_int_equal(sock_recv(b->s, p.sid, b->scratch, 1), -EBADF);
}

static void test_close_with_unread_data_resets(void **state)
{
  struct bed *b = *state;
  for (int where = 0; where < 2; where++) {   // in the socket's buffer; and on the way from the engine
    struct peer p = bed_connect(b, (uint16_t)(PEER_PORT + where));
    b->hold_payload = where == 1;
    bed_data(b, p.flow, 4);
    bed_expect_call(b, CALL_CONSUME);
    sock_close(b->s, p.sid);
    assert_int_equal(bed_expect_call(b, CALL_ABORT)->flow, p.flow);
    assert_int_equal(bed_expect_call(b, CALL_RELEASE)->flow, p.flow);
    b->hold_payload = false;
    bed_released(b, p.flow);
    bed_expect_no_call(b);
  }
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
}

static void test_data_after_close_resets(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  sock_close(b->s, p.sid);
  bed_expect_call(b, CALL_CLOSE);
  bed_freed(b, p.flow, 0);   // an event without data is nothing
  bed_expect_no_call(b);
  bed_data(b, p.flow, 1);
  bed_expect_call(b, CALL_ABORT);
  bed_expect_call(b, CALL_RELEASE);
}

static void test_abort_resets_and_the_sid_is_gone(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  assert_int_equal(sock_abort(b->s, p.sid), 0);
  bed_expect_call(b, CALL_ABORT);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(sock_abort(b->s, p.sid), -EBADF);
  b->level[p.flow].reset = true;
  bed_tell(b, p.flow);
  bed_expect_no_call(b);
}

// --- readiness ---
static void test_ready_reports_each_socket_once_until_it_changes_again(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT), q = bed_connect(b, PEER_PORT + 1);
  bed_data(b, q.flow, 1);
  bed_data(b, p.flow, 1);
  bed_data(b, q.flow, 1);
  unsigned events;
  assert_int_equal(next_ready(b, &events), q.sid);
  assert_int_equal(events, SOCK_IN | SOCK_OUT);
  assert_int_equal(next_ready(b, NULL), p.sid);
  assert_int_equal(next_ready(b, NULL), -1);   // still readable, and told already
  bed_data(b, q.flow, 1);
  assert_int_equal(next_ready(b, NULL), q.sid);
}

static void test_ready_reports_listener_and_accepted_socket(void **state)
{
  struct bed *b = *state;
  bed_handshake(b, PEER_PORT);
  unsigned events;
  assert_int_equal(next_ready(b, &events), b->listener);
  assert_int_equal(events, SOCK_IN);
  int sid = sock_accept(b->s, b->listener, NULL);
  assert_int_equal(next_ready(b, &events), sid);
  assert_int_equal(events, SOCK_OUT);
}

static void test_ready_forgets_closed_sockets_anywhere_in_the_queue(void **state)
{
  struct bed *b = *state;
  for (int victim = 0; victim < 3; victim++) {
    struct peer p[3];
    for (int i = 0; i < 3; i++) p[i] = bed_connect(b, (uint16_t)(PEER_PORT + i));
    for (int i = 0; i < 3; i++) bed_data(b, p[i].flow, 1);
    sock_abort(b->s, p[victim].sid);
    for (int i = 0; i < 3; i++)
      if (i != victim) assert_int_equal(next_ready(b, NULL), p[i].sid);
    assert_int_equal(next_ready(b, NULL), -1);
    for (int i = 0; i < 3; i++)
      if (i != victim) sock_abort(b->s, p[i].sid);
    for (int i = 0; i < 3; i++) bed_released(b, p[i].flow);
    b->seen = b->n_calls;
  }
}

static void test_ready_skips_what_has_passed(void **state)
{
  struct bed *b = *state;
  bed_handshake(b, PEER_PORT);
  int sid = sock_accept(b->s, b->listener, NULL);   // before anybody asked for the listener
  assert_int_equal(next_ready(b, NULL), sid);
  assert_int_equal(next_ready(b, NULL), -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_calls_on_no_socket_return_ebadf),
    BED_TEST(test_bind_and_listen_refuse_what_makes_no_sense),
    BED_TEST(test_connection_calls_on_a_listener_return_enotconn),
    BED_TEST(test_listen_on_a_connection_returns_einval),
    BED_TEST(test_sid_numbers_grow_and_are_used_again),
    BED_TEST(test_accept_without_a_number_left_keeps_the_connection_queued),
    BED_TEST(test_accepted_sockets_inherit_the_user_pointer),
    BED_TEST(test_send_takes_what_there_is_room_for),
    BED_TEST(test_send_keeps_no_more_than_the_ring_over_many_turns),
    BED_TEST(test_shutdown_sends_fin_once_and_reading_goes_on),
    BED_TEST(test_recv_gives_the_stream_in_pieces_of_any_size),
    BED_TEST(test_consume_stops_when_the_socket_buffer_is_full),
    BED_TEST(test_consume_counts_what_is_still_on_its_way),
    BED_TEST(test_nothing_is_consumed_before_accept),
    BED_TEST(test_end_of_stream_comes_after_all_data),
    BED_TEST(test_reset_discards_what_was_not_read_and_stays),
    BED_TEST(test_time_out_is_told),
    BED_TEST(test_reset_takes_an_unaccepted_connection_off_the_queue),
    BED_TEST(test_close_sends_fin_after_the_data),
    BED_TEST(test_close_with_unread_data_resets),
    BED_TEST(test_data_after_close_resets),
    BED_TEST(test_abort_resets_and_the_sid_is_gone),
    BED_TEST(test_ready_reports_each_socket_once_until_it_changes_again),
    BED_TEST(test_ready_reports_listener_and_accepted_socket),
    BED_TEST(test_ready_forgets_closed_sockets_anywhere_in_the_queue),
    BED_TEST(test_ready_skips_what_has_passed),
  };
  return cmocka_run_group_tests_name("sock/sock", tests, NULL, NULL);
}
