// SPDX-License-Identifier: Apache-2.0
// Echo sockets: requests out, answers and errors in, against a peer of hand-written frames.
#include "net/icmp.h"
#include "sock/testbed.h"

enum { ID = 77, ROUTER_IP = 0x0a0900fe, LONGEST = 65507, RX_BYTES = 65536, RECORD = 10 };

static const struct sock_addr peer_1 = {PEER_IP, 1};

// --- helpers ---

static int echo_socket(struct bed *b, uint16_t id)
{
  int sid = sock_socket(b->s, SOCK_ICMP);
  assert_true(sid >= 0);
  assert_int_equal(sock_bind(b->s, sid, 0, id), 0);
  return sid;
}

static void hear(struct bed *b, uint32_t from, uint8_t ttl, const struct icmp_msg *m)
{
  uint8_t frame[2048];
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(frame, 14, &eth);
  size_t n = icmp_emit(frame + 34, sizeof frame - 34, m);
  ipv4_emit(frame + 14, 20, from, BED_IP, IPV4_PROTO_ICMP, 0, n);
  ipv4_choose(frame + 14, (struct ipv4_choice){.ttl = ttl});
  stack_input(b->s, frame, 34 + n, b->now_us);
}

static void reply(struct bed *b, uint32_t from, uint8_t ttl, uint16_t id, uint16_t seq, const char *data)
{
  hear(b, from, ttl, &(struct icmp_msg){.type = ICMP_TYPE_ECHO_REPLY, .id = id, .seq = seq, .data = (const uint8_t *)data, .data_len = strlen(data)});
}

// An error about a request of ours to the peer.
static void error(struct bed *b, uint8_t type, uint8_t code, uint8_t quoted_type, uint16_t id, uint16_t seq)
{
  uint8_t q[28] = {0};
  ipv4_emit(q, 20, BED_IP, PEER_IP, IPV4_PROTO_ICMP, 0, 64);
  q[20] = quoted_type;
  put_be16(q + 24, id);
  put_be16(q + 26, seq);
  hear(b, ROUTER_IP, 64, &(struct icmp_msg){.type = type, .code = code, .data = q, .data_len = sizeof q});
}

// The next frame is an echo request to the peer; its time to live.
static uint8_t expect_request(struct bed *b, uint16_t id, uint16_t seq, const void *data, size_t len)
{
  static uint8_t frame[2048];
  struct ipv4_hdr ip;
  struct icmp_msg m;
  size_t n = stack_output(b->s, frame, sizeof frame);
  assert_int_equal(n, 14 + 20 + 8 + len);
  assert_int_equal(ipv4_parse(frame + 14, n - 14, &ip), IPV4_OK);
  assert_true(ip.src == BED_IP && ip.dst == PEER_IP && ip.proto == IPV4_PROTO_ICMP);
  assert_int_equal(icmp_parse(frame + 34, ip.payload_len, &m), ICMP_OK);
  assert_true(m.type == ICMP_TYPE_ECHO_REQUEST && m.id == id && m.seq == seq);
  if (len) assert_memory_equal(m.data, data, len);
  return ip.ttl;
}

static void expect_heard(struct bed *b, int sid, uint32_t from_ip, uint16_t seq, int ttl, const char *data)
{
  struct sock_addr from;
  char buf[64];
  int value;
  assert_int_equal(sock_recvfrom(b->s, sid, buf, sizeof buf, &from), strlen(data));
  assert_memory_equal(buf, data, strlen(data));
  assert_true(from.ip == from_ip && from.port == seq);
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_RECV_TTL, &value), 0);
  assert_int_equal(value, ttl);
}

static void expect_nothing(struct bed *b, int sid)
{
  char byte;
  assert_int_equal(sock_poll(b->s, sid), SOCK_OUT);
  assert_int_equal(sock_recv(b->s, sid, &byte, 1), -EAGAIN);
}

static uint64_t stat(const struct bed *b, enum stack_stat i) { return stack_stat(b->s, i); }

// --- requests and answers ---

static void test_echo_request_goes_out_and_its_answer_comes_in(void **state)
{
  struct bed *b = *state;
  int sid = echo_socket(b, ID), who;
  unsigned events;
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_sendto(b->s, sid, "hello", 5, &peer_1), 5);
  assert_int_equal(expect_request(b, ID, 1, "hello", 5), 64);
  assert_int_equal(sock_setsockopt(b->s, sid, SOCK_OPT_TTL, 3), 0);
  assert_int_equal(sock_sendto(b->s, sid, NULL, 0, &(struct sock_addr){PEER_IP, 0}), 0);
  assert_int_equal(expect_request(b, ID, 0, "", 0), 3);
  expect_nothing(b, sid);
  reply(b, PEER_IP, 57, ID, 1, "hello");
  reply(b, PEER_IP + 1, 255, ID, 0, "");
  assert_true(sock_next_ready(b->s, &who, &events));
  assert_int_equal(who, sid);
  expect_heard(b, sid, PEER_IP, 1, 57, "hello");
  expect_heard(b, sid, PEER_IP + 1, 0, 255, "");
  expect_nothing(b, sid);
  assert_true(stat(b, ST_PING_OUT) == 2 && stat(b, ST_PING_IN) == 2 && stat(b, ST_ICMP_OTHER) == 0);
}

static void test_answer_goes_to_the_socket_of_its_identifier(void **state)
{
  struct bed *b = *state;
  int sid = echo_socket(b, ID), other = echo_socket(b, ID + 1), any = sock_socket(b->s, SOCK_ICMP);
  struct sock_addr a;
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_bind(b->s, any, 0, ID), -EADDRINUSE);
  assert_int_equal(sock_sendto(b->s, any, "x", 1, &peer_1), 1);   // chooses one
  assert_int_equal(sock_getsockname(b->s, any, &a), 0);
  assert_true(a.port != 0 && a.port != ID && a.port != ID + 1);
  expect_request(b, a.port, 1, "x", 1);
  reply(b, PEER_IP, 64, ID + 1, 1, "mine");
  expect_nothing(b, sid);
  expect_heard(b, other, PEER_IP, 1, 64, "mine");
  reply(b, PEER_IP, 64, ID + 2, 1, "nobody's");
  assert_int_equal(stat(b, ST_ICMP_OTHER), 1);
  assert_int_equal(sock_close(b->s, other), 0);
  reply(b, PEER_IP, 64, ID + 1, 1, "gone");
  assert_int_equal(stat(b, ST_ICMP_OTHER), 2);
  bed_expect_silence(b);
}

static void test_connected_echo_socket_hears_its_peer_alone(void **state)
{
  struct bed *b = *state;
  int sid = echo_socket(b, ID);
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 9), 0);
  assert_int_equal(sock_send(b->s, sid, "x", 1), 1);
  expect_request(b, ID, 9, "x", 1);
  reply(b, PEER_IP, 64, ID, 12, "any number");
  reply(b, PEER_IP + 1, 64, ID, 9, "x");
  expect_heard(b, sid, PEER_IP, 12, 64, "any number");
  expect_nothing(b, sid);
}

static void test_echo_to_ourselves_is_answered_at_once(void **state)
{
  struct bed *b = *state;
  static const uint32_t to[] = {BED_IP, 0x7f000001};
  int sid = echo_socket(b, ID);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(sock_sendto(b->s, sid, "me", 2, &(struct sock_addr){to[i], 5}), 2);
    expect_heard(b, sid, to[i], 5, 64, "me");
  }
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_ICMP_ECHO), 2);
}

static void test_long_echo_requests_leave_in_fragments(void **state)
{
  struct bed *b = *state;
  static uint8_t data[LONGEST + 1], got[LONGEST + 8], frame[2048];
  struct icmp_msg m;
  struct ipv4_hdr ip;
  size_t at = 0;
  int sid = echo_socket(b, ID);
  for (uint32_t i = 0; i < LONGEST; i++) data[i] = bed_byte(i);
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_sendto(b->s, sid, data, LONGEST + 1, &peer_1), -EMSGSIZE);
  assert_int_equal(sock_sendto(b->s, sid, data, LONGEST, &peer_1), LONGEST);
  for (size_t n; (n = stack_output(b->s, frame, sizeof frame)) > 0; at += ip.payload_len) {
    assert_int_equal(ipv4_parse(frame + 14, n - 14, &ip), IPV4_OK);
    assert_true(n <= 1514 && ip.frag_offset == at);
    memcpy(got + at, frame + 34, ip.payload_len);
  }
  assert_int_equal(icmp_parse(got, at, &m), ICMP_OK);
  assert_int_equal(m.data_len, LONGEST);
  assert_memory_equal(m.data, data, LONGEST);
}

static void test_answers_that_nobody_reads_are_bounded(void **state)
{
  struct bed *b = *state;
  int sid = echo_socket(b, ID);
  unsigned fit = RX_BYTES / (RECORD + 4);
  for (unsigned i = 0; i < fit + 3; i++) reply(b, PEER_IP, 64, ID, (uint16_t)i, "four");
  assert_true(stat(b, ST_PING_IN) == fit && stat(b, ST_PING_QUEUE_FULL) == 3);
  expect_heard(b, sid, PEER_IP, 0, 64, "four");
}

// --- errors ---

static void test_error_comes_in_its_turn_with_who_says_so(void **state)
{
  struct bed *b = *state;
  static const struct { uint8_t type, code; int err; } t[] = {
    {11, 0, EHOSTUNREACH}, {11, 1, EHOSTUNREACH}, {3, 0, ENETUNREACH}, {3, 1, EHOSTUNREACH}, {3, 3, ECONNREFUSED}, {3, 4, EMSGSIZE}, {12, 0, EPROTO}};
  struct sock_addr from;
  char byte;
  int sid = echo_socket(b, ID), value;
  reply(b, PEER_IP, 64, ID, 1, "one");
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) error(b, t[i].type, t[i].code, ICMP_TYPE_ECHO_REQUEST, ID, (uint16_t)(2 + i));
  reply(b, PEER_IP, 64, ID, 100, "last");
  expect_heard(b, sid, PEER_IP, 1, 64, "one");
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
    assert_int_equal(sock_poll(b->s, sid), SOCK_IN | SOCK_OUT);
    assert_int_equal(sock_recvfrom(b->s, sid, &byte, 1, &from), -t[i].err);
    assert_true(from.ip == ROUTER_IP && from.port == 2 + i);
  }
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_ERROR, &value), 0);
  assert_int_equal(value, 0);
  expect_heard(b, sid, PEER_IP, 100, 64, "last");
}

static void test_error_about_no_request_of_ours_reaches_nobody(void **state)
{
  struct bed *b = *state;
  int sid = echo_socket(b, ID);
  error(b, ICMP_TYPE_TIME_EXCEEDED, 0, ICMP_TYPE_ECHO_REQUEST, ID + 1, 1);
  error(b, ICMP_TYPE_TIME_EXCEEDED, 0, ICMP_TYPE_ECHO_REPLY, ID, 1);
  expect_nothing(b, sid);
  assert_int_equal(stat(b, ST_ICMP_ERROR_STRAY), 2);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP + 1, 1), 0);
  error(b, ICMP_TYPE_TIME_EXCEEDED, 0, ICMP_TYPE_ECHO_REQUEST, ID, 1);   // it is connected elsewhere
  expect_nothing(b, sid);
}

static void test_silent_neighbour_is_told_in_its_turn_too(void **state)
{
  struct bed *b = *state;
  struct sock_addr from;
  uint8_t frame[2048];
  int sid = echo_socket(b, ID);
  for (uint16_t seq = 1; seq < 3; seq++) assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){PEER_IP, seq}), 1);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(stack_output(b->s, frame, sizeof frame), ARP_FRAME_BYTES);
    bed_expect_silence(b);
    expect_nothing(b, sid);
    bed_pass(b, SECOND);
  }
  for (uint16_t seq = 1; seq < 3; seq++) {
    assert_int_equal(sock_recvfrom(b->s, sid, frame, 1, &from), -EHOSTUNREACH);
    assert_true(from.ip == BED_IP && from.port == seq);   // nobody else has said so
  }
  assert_int_equal(stat(b, ST_ICMP_ERROR_STRAY), 0);
}

static void test_echo_sockets_refuse_what_belongs_to_connections(void **state)
{
  struct bed *b = *state;
  int sid = echo_socket(b, ID), value;
  assert_int_equal(sock_listen(b->s, sid, 1), -EOPNOTSUPP);
  assert_int_equal(sock_send(b->s, sid, "x", 1), -EDESTADDRREQ);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){0x08080808, 1}), -ENETUNREACH);
  assert_int_equal(sock_setsockopt(b->s, sid, SOCK_OPT_RECV_TTL, 1), -ENOPROTOOPT);
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_RECV_TTL, &value), 0);
  assert_int_equal(value, 0);
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_SNDBUF, &value), 0);
  assert_int_equal(value, LONGEST);
  assert_int_equal(sock_getsockopt(b->s, b->listener, SOCK_OPT_RECV_TTL, &value), -ENOPROTOOPT);
}

static void test_shared_address_has_no_echo_sockets(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.shared_ip = true});
  assert_int_equal(sock_socket(b->s, SOCK_ICMP), -EPROTONOSUPPORT);
  bed_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_echo_request_goes_out_and_its_answer_comes_in),
    BED_TEST(test_answer_goes_to_the_socket_of_its_identifier),
    BED_TEST(test_connected_echo_socket_hears_its_peer_alone),
    BED_TEST(test_echo_to_ourselves_is_answered_at_once),
    BED_TEST(test_long_echo_requests_leave_in_fragments),
    BED_TEST(test_answers_that_nobody_reads_are_bounded),
    BED_TEST(test_error_comes_in_its_turn_with_who_says_so),
    BED_TEST(test_error_about_no_request_of_ours_reaches_nobody),
    BED_TEST(test_silent_neighbour_is_told_in_its_turn_too),
    BED_TEST(test_echo_sockets_refuse_what_belongs_to_connections),
    cmocka_unit_test(test_shared_address_has_no_echo_sockets),
  };
  return cmocka_run_group_tests_name("sock/ping", tests, NULL, NULL);
}
