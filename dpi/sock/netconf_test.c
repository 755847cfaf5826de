// SPDX-License-Identifier: Apache-2.0
// Addresses, routes and neighbours changed while the stack runs, against a peer of hand-written frames.
#include "sock/netconf.h"

#include "net/icmp.h"
#include "net/udp.h"
#include "sock/out.h"
#include "sock/testbed.h"

enum { SECOND_IP = 0x0a090007, OTHER_NET_IP = 0x0a140105, OTHER_PEER = 0x0a140109, GATEWAY_IP = 0x0a0900fe, FAR_IP = 0x08080808 };

static const uint8_t stranger_mac[6] = {2, 0, 0, 0, 0, 9};

// --- helpers ---

static struct arp_packet expect_arp(struct bed *b)
{
  uint8_t frame[2048];
  struct arp_packet a;
  size_t len = stack_output(b->s, frame, sizeof frame);
  assert_int_equal(len, ARP_FRAME_BYTES);
  assert_int_equal(arp_parse(frame + 14, len - 14, &a), ARP_OK);
  assert_memory_equal(a.sender_mac, bed_mac, 6);
  if (a.op == ARP_OP_REQUEST) assert_true(eth_is_broadcast(frame));
  return a;
}

static void expect_announced(struct bed *b, uint32_t ip)
{
  struct arp_packet a = expect_arp(b);
  assert_int_equal(a.op, ARP_OP_REQUEST);
  assert_int_equal(a.sender_ip, ip);
  assert_int_equal(a.target_ip, ip);
}

static void expect_probed_and_announced(struct bed *b, uint32_t ip)
{
  struct arp_packet a = expect_arp(b);
  assert_int_equal(a.op, ARP_OP_REQUEST);
  assert_int_equal(a.sender_ip, 0);
  assert_int_equal(a.target_ip, ip);
  expect_announced(b, ip);
}

static void hear_arp(struct bed *b, uint16_t op, const uint8_t mac[6], uint32_t sender, uint32_t target)
{
  uint8_t frame[ARP_FRAME_BYTES];
  struct eth_hdr eth = {.type = ETH_TYPE_ARP};
  struct arp_packet a = {.op = op, .sender_ip = sender, .target_ip = target};
  memset(eth.dst, 0xff, 6);
  memcpy(eth.src, mac, 6);
  memcpy(a.sender_mac, mac, 6);
  size_t n = eth_emit(frame, sizeof frame, &eth);
  arp_emit(frame + n, sizeof frame - n, &a);
  stack_input(b->s, frame, sizeof frame, b->now_us);
}

// A ping from the peer to one of our addresses, and whether it was answered from there.
static bool answers_ping(struct bed *b, uint32_t ip)
{
  uint8_t frame[128];
  struct ipv4_hdr h;
  struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST, .id = 1, .seq = 2};
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(frame, 14, &eth);
  ipv4_emit(frame + 14, 20, PEER_IP, ip, IPV4_PROTO_ICMP, 0, icmp_emit(frame + 34, 94, &m));
  stack_input(b->s, frame, 42, b->now_us);
  size_t len = stack_output(b->s, frame, sizeof frame);
  if (len == 0) return false;
  assert_int_equal(ipv4_parse(frame + 14, len - 14, &h), IPV4_OK);
  assert_int_equal(h.src, ip);
  assert_int_equal(h.dst, PEER_IP);
  assert_int_equal(icmp_parse(frame + 34, h.payload_len, &m), ICMP_OK);
  assert_int_equal(m.type, ICMP_TYPE_ECHO_REPLY);
  return true;
}

// The peer's segment to one of our addresses; the flags of the answer, which comes from there, 0 when there is none.
static uint8_t answer_to(struct bed *b, uint32_t ip, uint16_t port, uint8_t flags)
{
  uint8_t frame[2048];
  struct ipv4_hdr h;
  struct segment g = {.src_port = PEER_PORT, .dst_port = port, .seq = {b->start.irs}, .flags = flags, .window = 1000};
  bed_frame(frame, PEER_PORT, &g, false);
  size_t n = segment_emit(&g, PEER_IP, ip, frame + 34, sizeof frame - 34);
  ipv4_emit(frame + 14, 20, PEER_IP, ip, IPV4_PROTO_TCP, 0, n);
  stack_input(b->s, frame, 34 + n, b->now_us);
  size_t len = stack_output(b->s, frame, sizeof frame);
  if (len == 0) return 0;
  assert_int_equal(ipv4_parse(frame + 14, len - 14, &h), IPV4_OK);
  assert_int_equal(h.src, ip);
  assert_int_equal(segment_parse(&g, h.src, h.dst, frame + 34, h.payload_len), SEGMENT_OK);
  return g.flags;
}

static void add(struct bed *b, uint32_t ip, uint8_t prefix_len)
{
  assert_int_equal(netconf_addr_add(b->s, (struct route_addr){ip, prefix_len}), 0);
  uint8_t frame[2048];
  while (stack_output(b->s, frame, sizeof frame) > 0) {}
}

static int bound_to(struct bed *b, enum sock_type type, uint32_t ip, uint16_t port)
{
  int sid = sock_socket(b->s, type), err = sock_bind(b->s, sid, ip, port);
  if (!err) return sid;
  sock_close(b->s, sid);
  return err;
}

// --- addresses ---

static void test_address_added_is_announced_twice_and_answers(void **state)
{
  struct bed *b = *state;
  assert_false(answers_ping(b, SECOND_IP));
  hear_arp(b, ARP_OP_REQUEST, peer_mac, PEER_IP, SECOND_IP);
  bed_expect_silence(b);
  assert_int_equal(netconf_addr_add(b->s, (struct route_addr){SECOND_IP, 24}), 0);
  for (int i = 0; i < 2; i++) {
    (i ? expect_announced : expect_probed_and_announced)(b, BED_IP);
    (i ? expect_announced : expect_probed_and_announced)(b, SECOND_IP);
    bed_expect_silence(b);
    if (i == 0) assert_int_equal(stack_next_deadline(b->s), b->now_us + 2 * SECOND);
    bed_pass(b, 2 * SECOND - 1);
    bed_expect_silence(b);
    bed_pass(b, 1);
  }
  bed_expect_silence(b);
  assert_true(answers_ping(b, SECOND_IP) && answers_ping(b, BED_IP));
  hear_arp(b, ARP_OP_REQUEST, peer_mac, PEER_IP, SECOND_IP);
  assert_int_equal(expect_arp(b).sender_ip, SECOND_IP);
  assert_int_equal(answer_to(b, SECOND_IP, BED_PORT, TCP_SYN), TCP_SYN | TCP_ACK);   // the listener has any of ours
  assert_int_equal(answer_to(b, SECOND_IP, BED_PORT + 1, TCP_SYN), TCP_RST | TCP_ACK);
}

// Regression: what was due to neighbours between two fragments took the last frames, and the second fragment was written to none.
static void test_fragments_bear_that_announcements_take_the_last_frames(void **state)
{
  enum { ELSEWHERE = BED_IP + 70, LEFT = 2 };
  static const uint8_t data[2000];
  uint8_t frame[2048];
  struct bed *b = *state;
  assert_int_equal(netconf_addr_add(b->s, (struct route_addr){SECOND_IP, 24}), 0);
  while (stack_output(b->s, frame, sizeof frame) > 0) {}
  int sid = sock_socket(b->s, SOCK_UDP);
  bed_answer_arp(b, PEER_IP);
  for (int i = 0; i < OUT_FRAMES - LEFT; i++) assert_int_equal(sock_sendto(b->s, sid, data, 1, &(struct sock_addr){PEER_IP, 9}), 1);
  b->now_us += 2 * SECOND;
  stack_input(b->s, data, 1, b->now_us);
  assert_int_equal(sock_sendto(b->s, sid, data, sizeof data, &(struct sock_addr){ELSEWHERE, 9}), -ENOBUFS);
}

static void test_first_address_is_announced_when_wanted(void **state)
{
  struct bed *b = *state;
  struct stack_config c = {.ip = BED_IP, .prefix_len = 24, .mtu = BED_MTU, .announce = true};
  bed_expect_silence(b);
  stack_close(b->s);
  memcpy(c.mac, bed_mac, 6);
  b->s = stack_open(&c, &b->engine, b->now_us);
  expect_probed_and_announced(b, BED_IP);
  stack_close(b->s);
  c.shared_ip = true;   // that is the kernel's
  b->s = stack_open(&c, &b->engine, b->now_us);
  bed_expect_silence(b);
  assert_int_equal(netconf_addr_add(b->s, (struct route_addr){SECOND_IP, 24}), -EPERM);
  assert_int_equal(netconf_addr_del(b->s, BED_IP), -EPERM);
  assert_true(netconf_link(b->s).shared_ip);
}

static void test_stack_without_an_address_takes_one_later(void **state)
{
  struct bed *b = *state;
  struct stack_config c = {.mtu = BED_MTU};
  stack_close(b->s);
  memcpy(c.mac, bed_mac, 6);
  b->s = stack_open(&c, &b->engine, b->now_us);
  assert_false(answers_ping(b, BED_IP));
  int sid = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){PEER_IP, 9}), -ENETUNREACH);
  add(b, BED_IP, 24);
  assert_true(answers_ping(b, BED_IP));
}

static void test_what_we_send_comes_from_the_address_near_its_destination(void **state)
{
  struct bed *b = *state;
  struct sock_addr a;
  add(b, OTHER_NET_IP, 24);
  int sid = sock_socket(b->s, SOCK_TCP), bound = bound_to(b, SOCK_TCP, BED_IP, 4000);
  assert_int_equal(sock_connect(b->s, sid, OTHER_PEER, 80), -EINPROGRESS);
  assert_int_equal(expect_arp(b).sender_ip, OTHER_NET_IP);
  sock_getsockname(b->s, sid, &a);
  assert_int_equal(a.ip, OTHER_NET_IP);
  assert_int_equal(sock_connect(b->s, bound, OTHER_PEER, 81), -EINPROGRESS);
  sock_getsockname(b->s, bound, &a);
  assert_int_equal(a.ip, BED_IP);
  int udp = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(sock_connect(b->s, udp, OTHER_PEER, 9), 0);
  sock_getsockname(b->s, udp, &a);
  assert_int_equal(a.ip, OTHER_NET_IP);
  assert_int_equal(sock_connect(b->s, udp, PEER_IP, 9), 0);   // chosen anew
  sock_getsockname(b->s, udp, &a);
  assert_int_equal(a.ip, BED_IP);
  assert_int_equal(sock_connect(b->s, udp, 0, 0), 0);
  sock_getsockname(b->s, udp, &a);
  assert_int_equal(a.ip, 0);
  int udp_bound = bound_to(b, SOCK_UDP, BED_IP, 4000);
  assert_int_equal(sock_connect(b->s, udp_bound, OTHER_PEER, 9), 0);
  sock_getsockname(b->s, udp_bound, &a);
  assert_int_equal(a.ip, BED_IP);
}

static void test_two_may_have_one_port_apart_by_address(void **state)
{
  struct bed *b = *state;
  add(b, SECOND_IP, 24);
  for (enum sock_type type = SOCK_TCP; type <= SOCK_UDP; type++) {
    int first = bound_to(b, type, BED_IP, 90);
    assert_true(first >= 0);
    assert_int_equal(bound_to(b, type, BED_IP, 90), -EADDRINUSE);
    assert_int_equal(bound_to(b, type, 0, 90), -EADDRINUSE);
    int second = bound_to(b, type, SECOND_IP, 90);
    assert_true(second >= 0);
    assert_int_equal(sock_close(b->s, first), 0);
    assert_int_equal(bound_to(b, type, 0, 90), -EADDRINUSE);
    assert_int_equal(sock_close(b->s, second), 0);
    int any = bound_to(b, type, 0, 90);
    assert_true(any >= 0);
    assert_int_equal(bound_to(b, type, SECOND_IP, 90), -EADDRINUSE);
    assert_int_equal(sock_close(b->s, any), 0);
  }
}

static void test_listener_hears_only_what_is_for_its_address(void **state)
{
  struct bed *b = *state;
  add(b, SECOND_IP, 24);
  int here = bound_to(b, SOCK_TCP, SECOND_IP, 90), there = bound_to(b, SOCK_TCP, BED_IP, 90);
  assert_int_equal(sock_listen(b->s, here, 4), 0);
  assert_int_equal(answer_to(b, BED_IP, 90, TCP_SYN), TCP_RST | TCP_ACK);   // bound there, and nobody listens
  assert_int_equal(answer_to(b, SECOND_IP, 90, TCP_SYN), TCP_SYN | TCP_ACK);
  assert_int_equal(sock_listen(b->s, there, 4), 0);
  assert_int_equal(answer_to(b, BED_IP, 90, TCP_SYN), TCP_SYN | TCP_ACK);
}

static void test_datagram_goes_to_the_socket_of_its_address_before_that_of_any(void **state)
{
  struct bed *b = *state;
  char buf[8];
  add(b, SECOND_IP, 24);
  int from = sock_socket(b->s, SOCK_UDP);
  int both[3];
  for (int i = 0; i < 3; i++) {
    both[i] = sock_socket(b->s, SOCK_UDP);
    assert_int_equal(sock_setsockopt(b->s, both[i], SOCK_OPT_REUSEADDR, 1), 0);
    assert_int_equal(sock_bind(b->s, both[i], i == 1 ? SECOND_IP : 0, 90), 0);
  }
  assert_int_equal(sock_sendto(b->s, from, "a", 1, &(struct sock_addr){SECOND_IP, 90}), 1);
  assert_int_equal(sock_recv(b->s, both[1], buf, sizeof buf), 1);
  assert_int_equal(sock_sendto(b->s, from, "a", 1, &(struct sock_addr){BED_IP, 90}), 1);
  assert_int_equal(sock_recv(b->s, both[2], buf, sizeof buf), 1);
}

static void test_address_removed_resets_its_connections_and_no_others(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  add(b, SECOND_IP, 24);
  assert_int_equal(answer_to(b, SECOND_IP, BED_PORT, TCP_SYN), TCP_SYN | TCP_ACK);
  int dialling = bound_to(b, SOCK_TCP, SECOND_IP, 4000), udp = bound_to(b, SOCK_UDP, SECOND_IP, 91);
  assert_int_equal(sock_connect(b->s, dialling, PEER_IP, 80), -EINPROGRESS);
  uint8_t frame[2048];
  while (stack_output(b->s, frame, sizeof frame) > 0) {}
  assert_int_equal(netconf_addr_del(b->s, SECOND_IP), 0);
  bed_expect_no_call(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 1);
  assert_int_equal(sock_send(b->s, dialling, "x", 1), -ECONNABORTED);
  assert_int_equal(sock_sendto(b->s, udp, "x", 1, &(struct sock_addr){PEER_IP, 9}), -EADDRNOTAVAIL);
  assert_int_equal(sock_send(b->s, p.sid, "x", 1), 1);
  bed_expect_call(b, CALL_PAYLOAD);
  assert_false(answers_ping(b, SECOND_IP));
  assert_int_equal(netconf_addr_del(b->s, SECOND_IP), -ENOENT);
  assert_int_equal(netconf_addr_del(b->s, BED_IP), 0);
  bed_expect_call(b, CALL_ABORT);
  bed_expect_call(b, CALL_RELEASE);
  assert_int_equal(sock_recv(b->s, p.sid, frame, 1), -ECONNABORTED);
  assert_int_equal(sock_bind(b->s, sock_socket(b->s, SOCK_UDP), BED_IP, 92), -EINVAL);
}

// --- conflicts ---

static void test_conflict_is_told_and_the_address_defended_once_in_ten_seconds(void **state)
{
  struct bed *b = *state;
  uint32_t ip;
  uint8_t mac[6];
  hear_arp(b, ARP_OP_REQUEST, stranger_mac, 0, BED_IP);       // a probe is a question, and is answered
  assert_int_equal(expect_arp(b).op, ARP_OP_REPLY);
  hear_arp(b, ARP_OP_REQUEST, bed_mac, BED_IP, BED_IP);       // our own, come back
  assert_false(stack_take_conflict(b->s, &ip, mac));
  for (int turn = 0; turn < 2; turn++) {
    hear_arp(b, turn ? ARP_OP_REPLY : ARP_OP_REQUEST, stranger_mac, BED_IP, turn ? PEER_IP : BED_IP);
    expect_announced(b, BED_IP);
    bed_expect_silence(b);
    assert_true(stack_take_conflict(b->s, &ip, mac));
    assert_int_equal(ip, BED_IP);
    assert_memory_equal(mac, stranger_mac, 6);
    assert_false(stack_take_conflict(b->s, &ip, mac));
    bed_pass(b, 10 * SECOND - 1);
    hear_arp(b, ARP_OP_REPLY, stranger_mac, BED_IP, PEER_IP);
    bed_expect_silence(b);
    assert_false(stack_take_conflict(b->s, &ip, mac));
    bed_pass(b, 1);
  }
  assert_int_equal(stack_stat(b->s, ST_ARP_CONFLICT), 4);
}

static void test_gratuitous_news_of_a_known_neighbour_count_and_of_others_do_not(void **state)
{
  struct bed *b = *state;
  struct arp_neighbour n;
  hear_arp(b, ARP_OP_REQUEST, stranger_mac, PEER_IP, PEER_IP);
  assert_false(netconf_neighbour(b->s, 0, &n));
  hear_arp(b, ARP_OP_REQUEST, peer_mac, PEER_IP, BED_IP);
  assert_int_equal(expect_arp(b).op, ARP_OP_REPLY);
  assert_true(netconf_neighbour(b->s, 0, &n));
  assert_memory_equal(n.mac, peer_mac, 6);
  hear_arp(b, ARP_OP_REPLY, stranger_mac, PEER_IP, PEER_IP);
  assert_true(netconf_neighbour(b->s, 0, &n));
  assert_true(n.known && n.ip == PEER_IP);
  assert_memory_equal(n.mac, stranger_mac, 6);
  assert_true(netconf_neighbours(b->s) > 1);
  assert_false(netconf_neighbour(b->s, 1, &n));
}

// --- routes ---

static void test_routes_change_the_way_of_what_comes_after(void **state)
{
  struct bed *b = *state;
  int sid = sock_socket(b->s, SOCK_UDP);
  const struct sock_addr far = {FAR_IP, 9};
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &far), -ENETUNREACH);
  assert_int_equal(netconf_route_add(b->s, (struct route){0, 0, GATEWAY_IP}), 0);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &far), 1);
  assert_int_equal(expect_arp(b).target_ip, GATEWAY_IP);
  assert_int_equal(netconf_route_add(b->s, (struct route){0x08080000, 16, PEER_IP}), 0);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &far), 1);
  assert_int_equal(expect_arp(b).target_ip, PEER_IP);
  assert_int_equal(netconf_route_del(b->s, (struct route){0x08080000, 16, 0}), 0);
  assert_int_equal(netconf_route_del(b->s, (struct route){0, 0, 0}), 0);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &far), -ENETUNREACH);
  assert_int_equal(netconf_route_add(b->s, (struct route){0, 0, FAR_IP}), -ENETUNREACH);
}

// Regression: our SYN that waited in vain for a neighbour was given up while the SYN that crossed it was being answered, and with it the
// connection that was about to answer.
static void test_crossing_syn_outlives_our_own_on_an_abandoned_way(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048];
  const struct route detour = {PEER_IP, 32, GATEWAY_IP};
  struct sock_addr own;
  int sid = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(netconf_route_add(b->s, detour), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
  assert_int_equal(netconf_route_del(b->s, detour), 0);
  while (stack_output(b->s, frame, sizeof frame) > 0) {}
  sock_getsockname(b->s, sid, &own);
  for (int i = 0; i < 2; i++) {
    bed_pass(b, SECOND);
    while (stack_output(b->s, frame, sizeof frame) > 0) {}
  }
  b->now_us += 2 * SECOND;             // the neighbour's time is over, and the stack has not been asked since
  bed_send(b, PEER_PORT, &(struct segment){.dst_port = own.port, .seq = seq_of(b->start.irs), .flags = TCP_SYN, .window = 1000});
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN);   // ours, on the way there is now
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN | TCP_ACK);
  assert_false(sock_poll(b->s, sid) & SOCK_ERR);
}

static void test_everything_can_be_seen(void **state)
{
  struct bed *b = *state;
  struct route_addr a;
  struct route r;
  add(b, OTHER_NET_IP, 16);
  assert_int_equal(netconf_route_add(b->s, (struct route){0x08080000, 16, PEER_IP}), 0);
  assert_true(netconf_addr(b->s, 0, &a));
  assert_true(a.ip == BED_IP && a.prefix_len == 24);
  assert_true(netconf_addr(b->s, 1, &a));
  assert_true(a.ip == OTHER_NET_IP && a.prefix_len == 16);
  assert_false(netconf_addr(b->s, 2, &a));
  assert_true(netconf_route(b->s, 0, &r));
  assert_true(r.net == 0x08080000 && r.prefix_len == 16 && r.gateway == PEER_IP);
  assert_false(netconf_route(b->s, 1, &r));
  struct netconf_link l = netconf_link(b->s);
  assert_memory_equal(l.mac, bed_mac, 6);
  assert_int_equal(l.mtu, BED_MTU);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_address_added_is_announced_twice_and_answers),
    BED_TEST(test_fragments_bear_that_announcements_take_the_last_frames),
    BED_TEST(test_first_address_is_announced_when_wanted),
    BED_TEST(test_stack_without_an_address_takes_one_later),
    BED_TEST(test_what_we_send_comes_from_the_address_near_its_destination),
    BED_TEST(test_two_may_have_one_port_apart_by_address),
    BED_TEST(test_listener_hears_only_what_is_for_its_address),
    BED_TEST(test_datagram_goes_to_the_socket_of_its_address_before_that_of_any),
    BED_TEST(test_address_removed_resets_its_connections_and_no_others),
    BED_TEST(test_conflict_is_told_and_the_address_defended_once_in_ten_seconds),
    BED_TEST(test_gratuitous_news_of_a_known_neighbour_count_and_of_others_do_not),
    BED_TEST(test_routes_change_the_way_of_what_comes_after),
    BED_TEST(test_crossing_syn_outlives_our_own_on_an_abandoned_way),
    BED_TEST(test_everything_can_be_seen),
  };
  return cmocka_run_group_tests_name("sock/netconf", tests, NULL, NULL);
}
