// SPDX-License-Identifier: Apache-2.0
// End to end: two whole hosts in virtual time, from connect to the end of TIME-WAIT.
#include "base/bytes.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "sock/netbed.h"

// --- opening ---

static void test_connection_carries_bytes_both_ways_and_ends_in_order(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 200000);
  assert_int_equal(sock_shutdown(n->h[0].s, p.sid[0]), 0);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 1, p.sid[1]), 0);
  // Half-closed: the other way goes on.
  struct net_way w = {.from = 1, .to = 0, .from_sid = p.sid[1], .to_sid = p.sid[0], .total = 50000};
  net_move(n, &w, 1, 10 * SECOND);
  assert_int_equal(sock_close(n->h[1].s, p.sid[1]), 0);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 0, p.sid[0]), 0);
  assert_int_equal(sock_close(n->h[0].s, p.sid[0]), 0);
  net_expect_clean(n, 1, 0);   // who closed first waits
  net_run(n, NET_TW_US);
  net_expect_clean(n, 0, 0);
  assert_int_equal(net_next(n), UINT64_MAX);
}

static void test_names_are_those_of_both_ends(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  struct sock_addr a, b;
  assert_int_equal(sock_getsockname(n->h[0].s, p.sid[0], &a), 0);
  assert_int_equal(sock_getpeername(n->h[1].s, p.sid[1], &b), 0);
  assert_int_equal(a.ip, NET_IP_0);
  assert_int_equal(a.port, CLIENT_PORT);
  assert_memory_equal(&a, &b, sizeof a);
  assert_int_equal(sock_getsockname(n->h[1].s, p.sid[1], &a), 0);
  assert_int_equal(sock_getpeername(n->h[0].s, p.sid[0], &b), 0);
  assert_int_equal(a.ip, NET_IP_1);
  assert_int_equal(a.port, SERVER_PORT);
  assert_memory_equal(&a, &b, sizeof a);
  assert_int_equal(sock_getsockname(n->h[1].s, p.listener, &a), 0);
  assert_int_equal(a.ip, 0);
  assert_int_equal(a.port, SERVER_PORT);
  assert_int_equal(sock_getpeername(n->h[1].s, p.listener, &a), -ENOTCONN);
  assert_int_equal(sock_getsockname(n->h[1].s, 99, &a), -EBADF);
  assert_int_equal(sock_getpeername(n->h[1].s, 99, &a), -EBADF);
}

static bool lose_first_of_each_kind(struct net *n, int from, const struct segment *seg)
{
  unsigned kind = seg->flags & TCP_SYN ? (seg->flags & TCP_ACK ? 1 : 0) : 2;
  (void)from;
  if (n->count >> kind & 1) return false;
  n->count |= 1u << kind;
  return true;
}

static void test_handshake_survives_the_loss_of_each_of_its_segments(void **state)
{
  struct net *n = *state;
  n->lose = lose_first_of_each_kind;
  struct net_pair p = {.listener = net_listen(n, 1, SERVER_PORT, 8)};
  p.sid[0] = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, 10 * SECOND);
  assert_int_equal(n->count, 7);
  p.sid[1] = sock_accept(n->h[1].s, p.listener, NULL);
  assert_true(p.sid[1] >= 0);
  net_transfer(n, &p, 100000);
}

static void test_crossing_connects_become_one_connection(void **state)
{
  struct net *n = *state;
  struct net_pair p = {0};
  p.sid[0] = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, 2 * LINK_US);   // ARP is through, the SYN is on its way
  p.sid[1] = net_dial(n, 1, SERVER_PORT, NET_IP_0, CLIENT_PORT);
  net_run(n, SECOND / 10);
  assert_int_equal(sock_poll(n->h[0].s, p.sid[0]), SOCK_OUT);
  assert_int_equal(sock_poll(n->h[1].s, p.sid[1]), SOCK_OUT);
  net_transfer(n, &p, 100000);
  sock_close(n->h[0].s, p.sid[0]);
  sock_close(n->h[1].s, p.sid[1]);
  net_run(n, SECOND);
  net_run(n, NET_TW_US);
  net_expect_clean(n, 0, 0);
}

static void test_closed_port_refuses(void **state)
{
  struct net *n = *state;
  int sid = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 0, sid), -ECONNREFUSED);
  net_expect_clean(n, 0, 0);
}

static void test_cut_link_is_unreachable(void **state)
{
  struct net *n = *state;
  n->cut = true;
  int sid = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, 4 * SECOND);
  assert_int_equal(net_recv(n, 0, sid), -EHOSTUNREACH);
  net_expect_clean(n, 0, 0);
  assert_int_equal(net_next(n), UINT64_MAX);
}

// --- ending ---

static void test_server_that_closes_first_keeps_time_wait(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  sock_close(n->h[1].s, p.sid[1]);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 0, p.sid[0]), 0);
  sock_close(n->h[0].s, p.sid[0]);
  net_run(n, SECOND / 10);
  net_expect_clean(n, 0, 1);
}

static void test_simultaneous_close_leaves_both_in_time_wait(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  sock_close(n->h[0].s, p.sid[0]);
  sock_close(n->h[1].s, p.sid[1]);
  net_run(n, SECOND / 10);
  net_expect_clean(n, 1, 1);
  net_run(n, NET_TW_US);
  net_expect_clean(n, 0, 0);
}

static void test_abort_resets_the_peer(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  sock_abort(n->h[0].s, p.sid[0]);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 1, p.sid[1]), -ECONNRESET);
  net_expect_clean(n, 0, 0);
}

static void test_same_pair_connects_anew_once_time_wait_is_over(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  sock_close(n->h[0].s, p.sid[0]);
  sock_close(n->h[1].s, p.sid[1]);
  net_run(n, SECOND / 10);
  int sid = sock_socket(n->h[0].s, SOCK_TCP);
  assert_int_equal(sock_bind(n->h[0].s, sid, 0, CLIENT_PORT), 0);
  assert_int_equal(sock_connect(n->h[0].s, sid, NET_IP_1, SERVER_PORT), -EADDRINUSE);
  net_run(n, NET_TW_US);
  assert_int_equal(sock_connect(n->h[0].s, sid, NET_IP_1, SERVER_PORT), -EINPROGRESS);
  net_run(n, SECOND / 10);
  assert_int_equal(sock_poll(n->h[0].s, sid), SOCK_OUT);
}

// A segment of the connection from CLIENT_PORT, by hand, straight into one of the two.
static void stray_segment(struct net *n, int to, uint32_t seq, uint8_t flags, uint32_t tsval)
{
  uint8_t frame[128];
  struct segment seg = {.src_port = to ? CLIENT_PORT : SERVER_PORT, .dst_port = to ? SERVER_PORT : CLIENT_PORT, .seq = seq_of(seq),
                        .flags = flags, .window = 100, .opt = {.has_timestamps = true, .tsval = tsval}};
  uint32_t src = to ? NET_IP_0 : NET_IP_1, dst = to ? NET_IP_1 : NET_IP_0;
  memcpy(frame, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(to + 1), 2, 0, 0, 0, 0, (uint8_t)(2 - to), 8, 0}, 14);
  size_t len = segment_emit(&seg, src, dst, frame + 34, sizeof frame - 34);
  ipv4_emit(frame + 14, 20, src, dst, IPV4_PROTO_TCP, 0, len);
  stack_input(n->h[to].s, frame, 34 + len, n->now_us);
}

// What the last segments of the connection had counts, not what its handshake had.
static void test_time_wait_knows_the_last_time_stamp_that_the_engine_took(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_run(n, SECOND);
  net_transfer(n, &p, 1000);
  sock_close(n->h[1].s, p.sid[1]);
  net_run(n, SECOND / 10);
  sock_close(n->h[0].s, p.sid[0]);
  uint32_t last = core_tsval(n->now_us);
  net_run(n, SECOND / 10);
  net_expect_clean(n, 0, 1);
  stray_segment(n, 1, 1, TCP_SYN, last - 500);
  net_expect_clean(n, 0, 1);
  stray_segment(n, 1, 1, TCP_SYN, last + 1);
  assert_int_equal(net_stat(n, 1, ST_TIME_WAIT_NOW), 0);
  assert_int_equal(net_stat(n, 1, ST_CONN_NOW), 1);
}

// --- to ourselves ---

static void stays_inside(struct net *n, uint32_t ip)
{
  struct stack *s = n->h[0].s;
  int listener = net_listen(n, 0, SERVER_PORT, 8), a = net_dial(n, 0, 0, ip, SERVER_PORT);
  net_run(n, SECOND / 10);
  int b = sock_accept(s, listener, NULL);
  assert_true(b >= 0);
  struct net_way w[2] = {{.from_sid = a, .to_sid = b, .total = 100000}, {.from_sid = b, .to_sid = a, .total = 100000}};
  net_move(n, w, 2, 10 * SECOND);
  sock_close(s, a);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 0, b), 0);
  sock_close(s, b);
  net_run(n, SECOND / 10);
  net_expect_clean(n, 1, 0);
  net_run(n, NET_TW_US);
  net_expect_clean(n, 0, 0);
  assert_int_equal(n->sent[0], 0);
}

static void test_connection_to_our_own_address_stays_inside(void **state) { stays_inside(*state, NET_IP_0); }

static void test_connection_to_the_loopback_address_stays_inside(void **state)
{
  struct net *n = *state;
  stays_inside(n, 0x7f000001);
  assert_int_equal(sock_bind(n->h[0].s, sock_socket(n->h[0].s, SOCK_TCP), 0x7f000001, 99), 0);
}

static void test_loopback_address_talks_to_itself_alone(void **state)
{
  struct net *n = *state;
  struct stack *s = n->h[0].s;
  static const struct { uint32_t from, to; } t[] = {{0x7f000001, NET_IP_1}, {NET_IP_0, 0x7f000001}};
  static const enum sock_type type[] = {SOCK_TCP, SOCK_UDP};
  for (size_t i = 0; i < 4; i++) {
    int sid = sock_socket(s, type[i / 2]);
    assert_int_equal(sock_bind(s, sid, t[i % 2].from, 99), 0);
    assert_int_equal(sock_connect(s, sid, t[i % 2].to, SERVER_PORT), -ENETUNREACH);
    if (i / 2) assert_int_equal(sock_sendto(s, sid, "x", 1, &(struct sock_addr){t[i % 2].to, SERVER_PORT}), -ENETUNREACH);
    sock_close(s, sid);
  }
  net_run(n, SECOND / 10);
  assert_int_equal(n->sent[0], 0);
}

static void test_our_own_closed_port_refuses(void **state)
{
  struct net *n = *state;
  int sid = net_dial(n, 0, 0, NET_IP_0, SERVER_PORT);
  net_run(n, SECOND / 10);
  assert_int_equal(net_recv(n, 0, sid), -ECONNREFUSED);
  net_expect_clean(n, 0, 0);
  assert_int_equal(n->sent[0], 0);
}

static void test_socket_may_connect_to_itself(void **state)
{
  struct net *n = *state;
  int sid = net_dial(n, 0, SERVER_PORT, NET_IP_0, SERVER_PORT);
  net_run(n, SECOND / 10);
  assert_int_equal(sock_poll(n->h[0].s, sid), SOCK_OUT);
  struct net_way w = {.from_sid = sid, .to_sid = sid, .total = 50000};
  net_move(n, &w, 1, 10 * SECOND);
  sock_close(n->h[0].s, sid);
  net_run(n, SECOND / 10);
  assert_int_equal(net_stat(n, 0, ST_CONN_NOW), 0);
  net_run(n, NET_TW_US);
  net_expect_clean(n, 0, 0);
}

// A stranger's SYN in our own name must not have us talk to ourselves (the "land" attack).
static void test_syn_in_our_own_name_is_dropped(void **state)
{
  struct net *n = *state;
  uint8_t frame[64];
  net_listen(n, 0, SERVER_PORT, 8);
  struct segment seg = {.src_port = SERVER_PORT, .dst_port = SERVER_PORT, .flags = TCP_SYN, .window = 100};
  memcpy(frame, (const uint8_t[]){2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0}, 14);
  size_t len = segment_emit(&seg, NET_IP_0, NET_IP_0, frame + 34, sizeof frame - 34);
  ipv4_emit(frame + 14, 20, NET_IP_0, NET_IP_0, IPV4_PROTO_TCP, 0, len);
  stack_input(n->h[0].s, frame, 34 + len, n->now_us);
  assert_int_equal(net_stat(n, 0, ST_IP_BAD), 1);
  net_expect_clean(n, 0, 0);
}

// --- options ---

static void set(struct net *n, int host, int sid, enum sock_opt opt, int value)
{
  int back = -1;
  assert_int_equal(sock_setsockopt(n->h[host].s, sid, opt, value), 0);
  assert_int_equal(sock_getsockopt(n->h[host].s, sid, opt, &back), 0);
  assert_int_equal(back, value);
}

static void test_keep_alive_ends_a_connection_whose_peer_vanished(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  set(n, 0, p.sid[0], SOCK_OPT_KEEP_IDLE_MS, 10000);
  set(n, 0, p.sid[0], SOCK_OPT_KEEP_INTERVAL_MS, 2000);
  set(n, 0, p.sid[0], SOCK_OPT_KEEP_COUNT, 3);
  set(n, 0, p.sid[0], SOCK_OPT_KEEPALIVE, 1);
  net_run(n, 100 * SECOND);                          // the peer answers each probe
  assert_int_equal(net_recv(n, 0, p.sid[0]), -EAGAIN);
  unsigned before = n->sent[0];
  net_run(n, 100 * SECOND);
  assert_in_range(n->sent[0] - before, 9, 10);       // one each 10 s, no more
  net_transfer(n, &p, 10);   // the silence begins here
  net_run(n, SECOND / 10);
  n->cut = true;
  before = n->sent[0];
  net_run(n, 15 * SECOND);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -EAGAIN);
  net_run(n, 5 * SECOND);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -ETIMEDOUT);
  assert_int_equal(n->sent[0] - before, 3 + 1);   // and RST
  assert_int_equal(net_stat(n, 0, ST_CONN_NOW), 0);
}

static bool lose_all_of_host_1(struct net *n, int from, const struct segment *seg)
{
  (void)n;
  (void)seg;
  return from == 1;
}

static void test_keep_alive_resets_a_peer_that_lives_and_is_not_heard(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  net_run(n, SECOND);
  set(n, 0, p.sid[0], SOCK_OPT_KEEP_IDLE_MS, 10000);
  set(n, 0, p.sid[0], SOCK_OPT_KEEP_INTERVAL_MS, 2000);
  set(n, 0, p.sid[0], SOCK_OPT_KEEP_COUNT, 3);
  set(n, 0, p.sid[0], SOCK_OPT_KEEPALIVE, 1);
  n->lose = lose_all_of_host_1;
  net_run(n, 16 * SECOND - 1);
  assert_int_equal(net_recv(n, 1, p.sid[1]), -EAGAIN);
  net_run(n, SECOND);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -ETIMEDOUT);
  assert_int_equal(net_recv(n, 1, p.sid[1]), -ECONNRESET);
  net_expect_clean(n, 0, 0);
}

static void test_keep_alive_waits_two_hours_at_first(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  net_run(n, SECOND);
  set(n, 0, p.sid[0], SOCK_OPT_KEEPALIVE, 1);
  unsigned before = n->sent[0];
  net_run(n, 7200ull * SECOND - 1);
  assert_int_equal(n->sent[0], before);
  net_run(n, SECOND);
  assert_int_equal(n->sent[0], before + 1);
  net_run(n, 7200ull * SECOND);
  assert_int_equal(n->sent[0], before + 2);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -EAGAIN);
}

static void test_keep_alive_is_silent_unless_asked_for(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  net_run(n, SECOND);
  unsigned before = n->sent[0];
  net_run(n, 100000ull * SECOND);
  assert_int_equal(n->sent[0], before);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -EAGAIN);
}

static void test_options_of_a_listener_go_to_what_it_accepts(void **state)
{
  struct net *n = *state;
  int listener = net_listen(n, 1, SERVER_PORT, 8), value;
  set(n, 1, listener, SOCK_OPT_KEEP_IDLE_MS, 5000);
  set(n, 1, listener, SOCK_OPT_KEEP_INTERVAL_MS, 1000);
  set(n, 1, listener, SOCK_OPT_KEEP_COUNT, 2);
  set(n, 1, listener, SOCK_OPT_KEEPALIVE, 1);
  net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 10);
  int sid = sock_accept(n->h[1].s, listener, NULL);
  assert_int_equal(sock_getsockopt(n->h[1].s, sid, SOCK_OPT_KEEP_IDLE_MS, &value), 0);
  assert_int_equal(value, 5000);
  n->cut = true;
  net_run(n, 8 * SECOND);
  assert_int_equal(net_recv(n, 1, sid), -ETIMEDOUT);
}

// --- a router between them --------------------------------------------------------------------------------------------------

enum { ROUTER_IP = NET_IP_0 + 100, ROUTER_MTU = 1000 };

static uint16_t router_mtu, said_mtu;  // what it passes, and what it says

// It passes little, and says so to who sent more.
static bool router(struct net *n, int from, const struct segment *seg)
{
  const struct ipv4_hdr *ip = &n->ip[from];
  unsigned len = ip->hdr_len + (unsigned)ip->payload_len;
  uint8_t quote[28], frame[128];
  if (len <= router_mtu) return false;
  assert_true(ip->dont_fragment);
  n->count++;
  ipv4_emit(quote, 20, ip->src, ip->dst, IPV4_PROTO_TCP, 0, len - 20);
  put_be16(quote + 20, seg->src_port);
  put_be16(quote + 22, seg->dst_port);
  put_be32(quote + 24, seg->seq.v);
  const struct icmp_msg m = {.type = ICMP_TYPE_UNREACHABLE, .code = ICMP_CODE_TOO_BIG, .seq = said_mtu, .data = quote, .data_len = sizeof quote};
  const struct eth_hdr eth = {.dst = {2, 0, 0, 0, 0, (uint8_t)(from + 1)}, .src = {2, 0, 0, 0, 0, 9}, .type = ETH_TYPE_IPV4};
  eth_emit(frame, 14, &eth);
  size_t icmp_len = icmp_emit(frame + 34, sizeof frame - 34, &m);
  ipv4_emit(frame + 14, 20, ROUTER_IP, ip->src, IPV4_PROTO_ICMP, 0, icmp_len);
  net_put(n, from, n->now_us + LINK_US, frame, 34 + icmp_len);
  return true;
}

// What is out when the news comes goes again at once: no time is lost in waiting for a timer.
static void moves_through_the_router(struct net *n, const struct net_pair *p)
{
  uint64_t begin_us = n->now_us;
  n->count = 0;
  net_transfer(n, p, 200000);
  assert_true(n->now_us - begin_us < SECOND);
}

static void test_path_of_smaller_mtu_shortens_what_is_sent_both_ways(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  said_mtu = router_mtu = ROUTER_MTU;
  n->lose = router;
  moves_through_the_router(n, &p);
  assert_true(n->count > 0 && n->count < 30);
  assert_true(net_stat(n, 0, ST_PATH_MTU_LOWERED) == 1 && net_stat(n, 1, ST_PATH_MTU_LOWERED) == 1);
  struct sock_info i;
  assert_int_equal(sock_info(n->h[0].s, p.sid[0], &i), 0);
  assert_int_equal(i.mss, ROUTER_MTU - 40 - 12);
  moves_through_the_router(n, &p);
  assert_int_equal(n->count, 0);
  set(n, 0, p.sid[0], SOCK_OPT_NODELAY, 1);        // and no other choice makes them long again
  moves_through_the_router(n, &p);
  assert_int_equal(n->count, 0);
  said_mtu = router_mtu = 800;
  moves_through_the_router(n, &p);
  assert_true(net_stat(n, 0, ST_PATH_MTU_LOWERED) == 2 && net_stat(n, 1, ST_PATH_MTU_LOWERED) == 2);
}

static void test_router_that_names_no_mtu_is_asked_again(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  router_mtu = ROUTER_MTU;
  said_mtu = 0;
  n->lose = router;
  net_transfer(n, &p, 200000);
  assert_int_equal(net_stat(n, 0, ST_PATH_MTU_LOWERED), 3);   // 1492, 1006, 552
  moves_through_the_router(n, &p);
  assert_int_equal(n->count, 0);
}

static void test_path_mtu_holds_for_other_connections_and_is_tried_anew_in_ten_minutes(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  said_mtu = router_mtu = ROUTER_MTU;
  n->lose = router;
  moves_through_the_router(n, &p);
  for (int later = 0; later < 2; later++) {
    struct net_pair q = {.sid = {net_dial(n, 0, 0, NET_IP_1, SERVER_PORT)}};
    net_run(n, SECOND / 10);
    q.sid[1] = sock_accept(n->h[1].s, p.listener, NULL);
    moves_through_the_router(n, &q);
    assert_int_equal(n->count > 0, later);
    sock_close(n->h[0].s, q.sid[0]);
    net_run(n, later ? SECOND : 600 * (uint64_t)SECOND);
  }
}

// R1: three retransmissions, at 200, 600 and 1400 ms.
static void test_program_hears_when_the_peer_does_not_answer_three_retransmissions(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  struct stack *s = n->h[0].s;
  int sid;
  unsigned events;
  net_transfer(n, &p, 1000);
  net_run(n, SECOND);
  while (sock_next_ready(s, &sid, &events)) {}
  n->cut = true;
  assert_int_equal(sock_send(s, p.sid[0], "x", 1), 1);
  net_run(n, 1200000);
  assert_false(sock_next_ready(s, &sid, &events));
  assert_int_equal(sock_poll(s, p.sid[0]), SOCK_OUT);
  net_run(n, 300000);
  assert_true(sock_next_ready(s, &sid, &events));
  assert_int_equal(sid, p.sid[0]);
  assert_int_equal(events, SOCK_OUT | SOCK_STALL);
  net_run(n, 100 * SECOND);
  assert_false(sock_next_ready(s, &sid, &events));   // once
  n->cut = false;
  net_run(n, 60 * SECOND);
  assert_int_equal(sock_poll(s, p.sid[0]), SOCK_OUT);
  net_run(n, 60 * SECOND);
  assert_int_equal(net_recv(n, 1, p.sid[1]), 1);
}

static void test_user_timeout_bounds_the_retransmissions(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  net_run(n, SECOND);        // all is acknowledged
  set(n, 0, p.sid[0], SOCK_OPT_USER_TIMEOUT_MS, 3000);
  n->cut = true;
  assert_int_equal(sock_send(n->h[0].s, p.sid[0], "x", 1), 1);
  net_run(n, 3 * SECOND - 1);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -EAGAIN);
  net_run(n, 1);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -ETIMEDOUT);
}

static void test_user_timeout_may_be_chosen_while_data_wait(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  net_run(n, SECOND);        // all is acknowledged
  n->cut = true;
  assert_int_equal(sock_send(n->h[0].s, p.sid[0], "x", 1), 1);
  net_run(n, 8 * SECOND);
  set(n, 0, p.sid[0], SOCK_OPT_USER_TIMEOUT_MS, 9000);
  net_run(n, SECOND - 1);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -EAGAIN);
  net_run(n, 1);
  assert_int_equal(net_recv(n, 0, p.sid[0]), -ETIMEDOUT);
}

// Frames that leave for three small writes before any is acknowledged.
static unsigned frames_of_small_writes(struct net *n, const struct net_pair *p)
{
  unsigned before = n->sent[0];
  for (int i = 0; i < 3; i++) {
    assert_int_equal(sock_send(n->h[0].s, p->sid[0], "abc", 3), 3);
    net_run(n, 10);
  }
  unsigned frames = n->sent[0] - before;
  net_run(n, SECOND);
  return frames;
}

static void test_nodelay_sends_small_writes_at_once(void **state)
{
  struct net *n = *state;
  struct net_pair p = net_connect(n);
  assert_int_equal(frames_of_small_writes(n, &p), 1);
  set(n, 0, p.sid[0], SOCK_OPT_NODELAY, 1);
  assert_int_equal(frames_of_small_writes(n, &p), 3);
  set(n, 0, p.sid[0], SOCK_OPT_NODELAY, 0);
  assert_int_equal(frames_of_small_writes(n, &p), 1);
}

static struct ipv4_choice marks[2];   // what every packet of each host is to have

static bool hold_against_marks(struct net *n, int from, const struct segment *seg)
{
  (void)seg;
  assert_int_equal(n->ip[from].tos, marks[from].dscp << 2);
  assert_int_equal(n->ip[from].ttl, marks[from].ttl);
  n->count++;
  return false;
}

static void test_every_packet_has_the_diffserv_field_and_ttl_that_were_chosen(void **state)
{
  struct net *n = *state;
  struct net_pair p = {.listener = net_listen(n, 1, SERVER_PORT, 8)};
  marks[0] = (struct ipv4_choice){46, 3};
  marks[1] = (struct ipv4_choice){10, 200};
  n->lose = hold_against_marks;
  set(n, 1, p.listener, SOCK_OPT_DSCP, 10);
  set(n, 1, p.listener, SOCK_OPT_TTL, 200);
  p.sid[0] = sock_socket(n->h[0].s, SOCK_TCP);
  set(n, 0, p.sid[0], SOCK_OPT_DSCP, 46);
  set(n, 0, p.sid[0], SOCK_OPT_TTL, 3);
  assert_int_equal(sock_bind(n->h[0].s, p.sid[0], 0, CLIENT_PORT), 0);
  assert_int_equal(sock_connect(n->h[0].s, p.sid[0], NET_IP_1, SERVER_PORT), -EINPROGRESS);
  net_run(n, SECOND / 10);
  assert_int_equal(n->count, 3);
  p.sid[1] = sock_accept(n->h[1].s, p.listener, NULL);
  net_transfer(n, &p, 10000);
  net_run(n, SECOND);
  marks[0].dscp = 0;                     // may change under way
  set(n, 0, p.sid[0], SOCK_OPT_DSCP, 0);
  net_transfer(n, &p, 10000);
  sock_close(n->h[0].s, p.sid[0]);
  net_run(n, SECOND / 10);
  sock_close(n->h[1].s, p.sid[1]);
  net_run(n, SECOND / 10);
  net_expect_clean(n, 1, 0);
  stray_segment(n, 0, 1, TCP_FIN | TCP_ACK, 0);   // answered out of TIME-WAIT, and that by a RST of no socket
  marks[1] = (struct ipv4_choice){0, 64};
  unsigned before = n->count;
  net_run(n, SECOND / 10);
  assert_int_equal(n->count, before + 2);
}

static void test_ttl_is_64_at_first(void **state)
{
  struct net *n = *state;
  int sid = sock_socket(n->h[0].s, SOCK_TCP), value;
  assert_int_equal(sock_getsockopt(n->h[0].s, sid, SOCK_OPT_TTL, &value), 0);
  assert_int_equal(value, 64);
  marks[0] = marks[1] = (struct ipv4_choice){0, 64};
  n->lose = hold_against_marks;
  struct net_pair p = net_connect(n);
  net_transfer(n, &p, 1000);
  assert_true(n->count > 3);
}

static void test_options_refuse_what_makes_no_sense(void **state)
{
  struct net *n = *state;
  struct stack *s = n->h[0].s;
  int sid = sock_socket(s, SOCK_TCP), value;
  assert_int_equal(sock_setsockopt(s, 99, SOCK_OPT_NODELAY, 1), -EBADF);
  assert_int_equal(sock_getsockopt(s, 99, SOCK_OPT_NODELAY, &value), -EBADF);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_NODELAY, 2), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_USER_TIMEOUT_MS, -1), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_KEEP_IDLE_MS, 0), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_KEEP_COUNT, 256), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_DSCP, 64), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_TTL, 0), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_TTL, 256), -EINVAL);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_RCVBUF, 1000), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_ERROR, 0), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_N, 0), -ENOPROTOOPT);
  assert_int_equal(sock_getsockopt(s, sid, SOCK_OPT_N, &value), -ENOPROTOOPT);
  assert_int_equal(sock_getsockopt(s, sid, SOCK_OPT_SNDBUF, &value), 0);
  assert_int_equal(value, NET_RING);
}

static void test_engine_without_a_feature_says_so(void **state)
{
  struct net *n = *state;
  struct stack *s = n->h[0].s;
  struct engine *e = ref_engine(n->h[0].ref);
  e->nagle = e->user_timeout = e->keepalive = e->ip_choice = false;
  int sid = sock_socket(s, SOCK_TCP);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_KEEPALIVE, 1), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_USER_TIMEOUT_MS, 1), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_DSCP, 1), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_TTL, 1), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_NODELAY, 0), -ENOPROTOOPT);
  assert_int_equal(sock_setsockopt(s, sid, SOCK_OPT_NODELAY, 1), 0);
}

static void test_error_of_a_failed_connection_stays_readable(void **state)
{
  struct net *n = *state;
  int sid = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT), value = -1;
  net_run(n, SECOND / 10);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(sock_getsockopt(n->h[0].s, sid, SOCK_OPT_ERROR, &value), 0);
    assert_int_equal(value, ECONNREFUSED);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    NET_TEST(test_connection_carries_bytes_both_ways_and_ends_in_order),
    NET_TEST(test_names_are_those_of_both_ends),
    NET_TEST(test_handshake_survives_the_loss_of_each_of_its_segments),
    NET_TEST(test_crossing_connects_become_one_connection),
    NET_TEST(test_closed_port_refuses),
    NET_TEST(test_cut_link_is_unreachable),
    NET_TEST(test_server_that_closes_first_keeps_time_wait),
    NET_TEST(test_simultaneous_close_leaves_both_in_time_wait),
    NET_TEST(test_abort_resets_the_peer),
    NET_TEST(test_same_pair_connects_anew_once_time_wait_is_over),
    NET_TEST(test_time_wait_knows_the_last_time_stamp_that_the_engine_took),
    NET_TEST(test_connection_to_our_own_address_stays_inside),
    NET_TEST(test_connection_to_the_loopback_address_stays_inside),
    NET_TEST(test_loopback_address_talks_to_itself_alone),
    NET_TEST(test_our_own_closed_port_refuses),
    NET_TEST(test_socket_may_connect_to_itself),
    NET_TEST(test_syn_in_our_own_name_is_dropped),
    NET_TEST(test_keep_alive_ends_a_connection_whose_peer_vanished),
    NET_TEST(test_keep_alive_resets_a_peer_that_lives_and_is_not_heard),
    NET_TEST(test_keep_alive_waits_two_hours_at_first),
    NET_TEST(test_keep_alive_is_silent_unless_asked_for),
    NET_TEST(test_options_of_a_listener_go_to_what_it_accepts),
    NET_TEST(test_path_of_smaller_mtu_shortens_what_is_sent_both_ways),
    NET_TEST(test_router_that_names_no_mtu_is_asked_again),
    NET_TEST(test_path_mtu_holds_for_other_connections_and_is_tried_anew_in_ten_minutes),
    NET_TEST(test_program_hears_when_the_peer_does_not_answer_three_retransmissions),
    NET_TEST(test_user_timeout_bounds_the_retransmissions),
    NET_TEST(test_user_timeout_may_be_chosen_while_data_wait),
    NET_TEST(test_nodelay_sends_small_writes_at_once),
    NET_TEST(test_every_packet_has_the_diffserv_field_and_ttl_that_were_chosen),
    NET_TEST(test_ttl_is_64_at_first),
    NET_TEST(test_options_refuse_what_makes_no_sense),
    NET_TEST(test_engine_without_a_feature_says_so),
    NET_TEST(test_error_of_a_failed_connection_stays_readable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
