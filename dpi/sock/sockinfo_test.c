// SPDX-License-Identifier: Apache-2.0
#include "sock/netbed.h"
#include "tcp/core/core.h"

static struct sock_info info(struct net *n, int host, int sid)
{
  struct sock_info i;
  assert_int_equal(sock_info(n->h[host].s, sid, &i), 0);
  return i;
}

static void expect_states(struct net *n, const struct net_pair *p, enum sock_state client, enum sock_state server)
{
  assert_string_equal(sock_state_name(info(n, 0, p->sid[0]).state), sock_state_name(client));
  assert_string_equal(sock_state_name(info(n, 1, p->sid[1]).state), sock_state_name(server));
}

static bool lose_all(struct net *n, int from, const struct segment *seg)
{
  (void)n;
  (void)from;
  (void)seg;
  return true;
}

static void test_states_of_an_orderly_end(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  assert_int_equal(info(n, 1, p.listener).state, SOCK_LISTENS);
  expect_states(n, &p, SOCK_ESTABLISHED, SOCK_ESTABLISHED);
  sock_shutdown(n->h[0].s, p.sid[0]);
  expect_states(n, &p, SOCK_FIN_WAIT_1, SOCK_ESTABLISHED);
  assert_true(info(n, 0, p.sid[0]).shut);
  net_run(n, SECOND);
  expect_states(n, &p, SOCK_FIN_WAIT_2, SOCK_CLOSE_WAIT);
  sock_shutdown(n->h[1].s, p.sid[1]);
  expect_states(n, &p, SOCK_FIN_WAIT_2, SOCK_LAST_ACK);
  net_run(n, SECOND);
  expect_states(n, &p, SOCK_TIME_WAIT, SOCK_CLOSED);
  net_run(n, NET_TW_US);
  expect_states(n, &p, SOCK_CLOSED, SOCK_CLOSED);
  assert_int_equal(info(n, 0, p.sid[0]).err, 0);
}

static void test_states_when_both_close_at_once(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  sock_shutdown(n->h[0].s, p.sid[0]);
  sock_shutdown(n->h[1].s, p.sid[1]);
  net_run(n, LINK_US + LINK_US / 2);   // the FINs have come, their ACKs have not
  expect_states(n, &p, SOCK_CLOSING, SOCK_CLOSING);
  net_run(n, SECOND);
  expect_states(n, &p, SOCK_TIME_WAIT, SOCK_TIME_WAIT);
}

static void test_states_of_a_handshake_and_its_failure(void **state)
{
  struct net *n = *state;
  int idle = sock_socket(n->h[0].s, SOCK_TCP), sid;
  assert_int_equal(info(n, 0, idle).state, SOCK_CLOSED);
  sid = net_dial(n, 0, 0, NET_IP_1, SERVER_PORT);   // nobody listens there
  assert_int_equal(info(n, 0, sid).state, SOCK_SYN_SENT);
  net_run(n, SECOND);
  assert_int_equal(info(n, 0, sid).state, SOCK_CLOSED);
  assert_int_equal(info(n, 0, sid).err, ECONNREFUSED);
  struct sock_info i;
  assert_int_equal(sock_info(n->h[0].s, 999, &i), -EBADF);
}

static void test_what_is_unread_and_unacknowledged_is_counted(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  uint8_t data[3000] = {0};
  n->lose = lose_all;
  assert_int_equal(sock_send(n->h[0].s, p.sid[0], data, sizeof data), sizeof data);
  net_run(n, LINK_US);
  assert_int_equal(info(n, 0, p.sid[0]).unacked, sizeof data);
  assert_int_equal(info(n, 1, p.sid[1]).unread, 0);
  n->lose = NULL;
  net_run(n, 2 * SECOND);
  assert_int_equal(info(n, 0, p.sid[0]).unacked, 0);
  assert_int_equal(info(n, 1, p.sid[1]).unread, sizeof data);
  assert_int_equal(sock_recv(n->h[1].s, p.sid[1], data, 1000), 1000);
  assert_int_equal(info(n, 1, p.sid[1]).unread, sizeof data - 1000);
}

static void test_what_waits_in_the_engine_is_unread_too(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  enum { TOTAL = 90000 };   // more than the socket's own buffer
  static const uint8_t data[TOTAL];
  for (uint32_t put = 0; put < TOTAL; net_run(n, SECOND)) {
    ssize_t k = sock_send(n->h[0].s, p.sid[0], data + put, TOTAL - put);
    assert_true(k > 0);
    put += (uint32_t)k;
  }
  assert_int_equal(info(n, 1, p.sid[1]).unread, TOTAL);
}

static void test_what_was_agreed_is_told_with_the_contexts_while_it_stands(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  struct sock_info i = info(n, 0, p.sid[0]);
  assert_true(i.sack && i.timestamps && i.wscale);
  assert_int_equal(i.mss, NET_MTU - 40 - 12);
  assert_int_equal(i.rcv_mss, NET_MTU - 40);
  assert_int_equal(i.snd->mss, i.mss);
  assert_true(i.rcv->open && i.snd->open);
  assert_int_equal(i.type, SOCK_TCP);
  sock_abort(n->h[0].s, p.sid[0]);
  net_run(n, SECOND);
  i = info(n, 1, p.sid[1]);
  assert_int_equal(i.err, ECONNRESET);
  assert_null(i.snd);
  assert_int_equal(i.mss, 0);
}

static void test_datagram_sockets_are_told_too(void **state)
{
  struct net *n = *state;
  int sid = sock_socket(n->h[0].s, SOCK_UDP), there = sock_socket(n->h[1].s, SOCK_UDP);
  assert_int_equal(info(n, 0, sid).state, SOCK_CLOSED);
  assert_int_equal(info(n, 0, sid).type, SOCK_UDP);
  assert_int_equal(sock_bind(n->h[1].s, there, 0, 9), 0);
  assert_int_equal(sock_connect(n->h[0].s, sid, NET_IP_1, 9), 0);
  assert_int_equal(info(n, 0, sid).state, SOCK_ESTABLISHED);
  assert_int_equal(sock_send(n->h[0].s, sid, "four", 4), 4);
  net_run(n, SECOND);
  assert_int_equal(info(n, 1, there).unread, 4 + 10);
  assert_int_equal(info(n, 0, sock_socket(n->h[0].s, SOCK_ICMP)).type, SOCK_ICMP);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    NET_TEST(test_states_of_an_orderly_end),
    NET_TEST(test_states_when_both_close_at_once),
    NET_TEST(test_states_of_a_handshake_and_its_failure),
    NET_TEST(test_what_is_unread_and_unacknowledged_is_counted),
    NET_TEST(test_what_waits_in_the_engine_is_unread_too),
    NET_TEST(test_what_was_agreed_is_told_with_the_contexts_while_it_stands),
    NET_TEST(test_datagram_sockets_are_told_too),
  };
  return cmocka_run_group_tests_name("sock/sockinfo", tests, NULL, NULL);
}
