// SPDX-License-Identifier: Apache-2.0
// ICMP's errors: which are believed, and what they do to connections and datagrams; the path MTU.
#include "net/icmp.h"
#include "net/udp.h"
#include "sock/testbed.h"

enum { ROUTER_IP = 0x0a0900fe, UDP_PORT = 9 };

// --- helpers ---

// An error from a router, and the packet that it quotes: by default one of ours to the peer, quoted as shortly as may be.
struct error {
  uint8_t type, code;
  uint16_t mtu;            // of "too big"
  uint8_t proto;
  uint32_t src, dst;       // 0: ours, the peer's
  uint16_t from, to, total_len, frag;
  uint32_t word;           // behind the ports
  size_t quoted;           // bytes; 0: 28
};

static size_t error_frame(uint8_t out[128], const struct error *e)
{
  uint8_t q[28];
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  ipv4_emit(q, sizeof q, e->src ? e->src : BED_IP, e->dst ? e->dst : PEER_IP, e->proto, 0, (e->total_len ? e->total_len : 1500u) - 20u);
  put_be16(q + 6, e->frag);
  put_be16(q + 20, e->from);
  put_be16(q + 22, e->to);
  put_be32(q + 24, e->word);
  const struct icmp_msg m = {.type = e->type, .code = e->code, .seq = e->mtu, .data = q, .data_len = e->quoted ? e->quoted : sizeof q};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(out, 14, &eth);
  size_t n = icmp_emit(out + 34, 94, &m);
  ipv4_emit(out + 14, 20, ROUTER_IP, BED_IP, IPV4_PROTO_ICMP, 0, n);
  return 34 + n;
}

static void hear(struct bed *b, const struct error *e)
{
  uint8_t frame[128];
  size_t n = error_frame(frame, e);
  uint8_t *copy = malloc(n);
  assert_non_null(copy);
  memcpy(copy, frame, n);
  stack_input(b->s, copy, n, b->now_us);
  free(copy);
}

static uint64_t stat(const struct bed *b, enum stack_stat i) { return stack_stat(b->s, i); }

static int soft_error(struct bed *b, int sid)
{
  int value = -1;
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_SOFT_ERROR, &value), 0);
  return value;
}

// Of the peer's connection, `at` bytes behind what it has acknowledged.
static struct error about(const struct peer *p, uint8_t type, uint8_t code, uint32_t at)
{
  return (struct error){.type = type, .code = code, .proto = IPV4_PROTO_TCP, .from = BED_PORT, .to = p->port, .word = p->rcv_nxt.v + at};
}

// --- connections ---

static void test_error_of_an_open_connection_is_soft_whatever_it_is(void **state)
{
  struct bed *b = *state;
  static const struct { uint8_t type, code; int err; } t[] = {
    {3, 0, ENETUNREACH}, {3, 1, EHOSTUNREACH}, {3, 2, ECONNREFUSED}, {3, 3, ECONNREFUSED}, {3, 5, EHOSTUNREACH}, {3, 13, EHOSTUNREACH},
    {11, 0, EHOSTUNREACH}, {11, 1, EHOSTUNREACH}, {12, 0, EPROTO}};
  struct peer p = bed_connect(b, PEER_PORT);
  uint8_t data[1000] = {0};
  int value;
  assert_int_equal(sock_send(b->s, p.sid, data, sizeof data), sizeof data);
  bed_expect_call(b, CALL_PAYLOAD);
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
    struct error e = about(&p, t[i].type, t[i].code, 0);
    hear(b, &e);
    assert_int_equal(soft_error(b, p.sid), t[i].err);
    assert_int_equal(stat(b, ST_ICMP_ERROR), i + 1);
    assert_int_equal(sock_poll(b->s, p.sid), SOCK_OUT);
  }
  struct error big = about(&p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_TOO_BIG, 0);
  hear(b, &big);
  assert_int_equal(soft_error(b, p.sid), EPROTO);   // that says nothing of the connection
  bed_expect_no_call(b);
  assert_int_equal(sock_getsockopt(b->s, p.sid, SOCK_OPT_ERROR, &value), 0);
  assert_int_equal(value, 0);
  bed_freed(b, p.flow, 1);
  assert_int_equal(soft_error(b, p.sid), 0);   // it makes way
  assert_int_equal(sock_setsockopt(b->s, p.sid, SOCK_OPT_SOFT_ERROR, 0), -ENOPROTOOPT);
}

static void test_connection_that_times_out_says_what_icmp_said(void **state)
{
  struct bed *b = *state;
  char byte;
  for (int heard = 0; heard < 2; heard++) {
    struct peer p = bed_connect(b, (uint16_t)(PEER_PORT + heard));
    assert_int_equal(sock_send(b->s, p.sid, "x", 1), 1);
    struct error e = about(&p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_HOST, 0);
    if (heard) hear(b, &e);
    b->level[p.flow].timed_out = true;
    bed_tell(b, p.flow);
    assert_int_equal(sock_recv(b->s, p.sid, &byte, 1), heard ? -EHOSTUNREACH : -ETIMEDOUT);
    b->seen = b->n_calls;
  }
}

// RFC 5927 section 4.1: SND.UNA <= SEG.SEQ < SND.NXT.
static void test_error_counts_only_for_what_may_be_in_flight(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  uint8_t data[1000] = {0};
  struct error e = about(&p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_HOST, 0);
  hear(b, &e);                                 // nothing is
  assert_int_equal(soft_error(b, p.sid), 0);
  assert_int_equal(sock_send(b->s, p.sid, data, sizeof data), sizeof data);
  bed_freed(b, p.flow, 100);
  static const struct { uint32_t at; bool in; } t[] = {{99, false}, {100, true}, {999, true}, {1000, false}, {0, false}, {0x80000000, false}};
  uint64_t stray = 1, counted = 0;
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
    e = about(&p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_HOST, t[i].at);
    hear(b, &e);
    *(t[i].in ? &counted : &stray) += 1;
    assert_int_equal(stat(b, ST_ICMP_ERROR), counted);
    assert_int_equal(stat(b, ST_ICMP_ERROR_STRAY), stray);
  }
  assert_int_equal(sock_shutdown(b->s, p.sid), 0);
  e = about(&p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_HOST, 1000);   // our FIN
  hear(b, &e);
  assert_int_equal(stat(b, ST_ICMP_ERROR), counted + 1);
}

static void test_error_that_quotes_nothing_of_ours_is_not_believed(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  int udp = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(sock_bind(b->s, udp, 0, UDP_PORT), 0);
  assert_int_equal(sock_send(b->s, p.sid, "x", 1), 1);
  for (int i = 0; i < 11; i++) {
    struct error e = about(&p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_HOST, 0);
    if (i == 0) e.src = PEER_IP;
    if (i == 1) e.dst = PEER_IP + 1;
    if (i == 2) e.from++;
    if (i == 3) e.to++;
    if (i == 4) e.proto = IPV4_PROTO_UDP;
    if (i == 5) e.proto = 99;
    if (i == 6) e.frag = 1;
    if (i == 7) e.quoted = 27;
    if (i == 8) e.quoted = 19;
    if (i == 9) e.src = 0x7f000001;
    if (i == 10) e.src = BED_IP + 1, e.proto = IPV4_PROTO_UDP, e.from = UDP_PORT;
    hear(b, &e);
    assert_int_equal(stat(b, ST_ICMP_ERROR_STRAY), i + 1);
  }
  assert_int_equal(stat(b, ST_ICMP_ERROR), 0);
  assert_int_equal(soft_error(b, p.sid), 0);
  static const uint8_t others[] = {0, 4, 5, 9, 13, 255};   // an answer to no question, source quench (RFC 6633), redirects
  for (size_t i = 0; i < sizeof others; i++) {
    struct error e = about(&p, others[i], 0, 0);
    hear(b, &e);
    assert_int_equal(stat(b, ST_ICMP_OTHER), i + 1);
  }
  bed_expect_silence(b);   // and no error is answered
}

// --- datagrams ---

static void test_error_about_a_datagram_is_told_to_the_connected(void **state)
{
  struct bed *b = *state;
  static const struct { uint8_t type, code; int err; } t[] = {{11, 0, EHOSTUNREACH}, {11, 1, EHOSTUNREACH}, {12, 0, EPROTO}};
  int sid = sock_socket(b->s, SOCK_UDP);
  char byte;
  assert_int_equal(sock_bind(b->s, sid, 0, UDP_PORT), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 7), 0);
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
    hear(b, &(struct error){.type = t[i].type, .code = t[i].code, .proto = IPV4_PROTO_UDP, .from = UDP_PORT, .to = 7});
    assert_int_equal(sock_recv(b->s, sid, &byte, 1), -t[i].err);
  }
}

static void test_datagrams_shrink_to_the_path(void **state)
{
  struct bed *b = *state;
  static const uint8_t data[1472];
  uint8_t frame[2048];
  struct ipv4_hdr ip;
  int sid = sock_socket(b->s, SOCK_UDP);
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_bind(b->s, sid, 0, UDP_PORT), 0);
  struct error e = {.type = ICMP_TYPE_UNREACHABLE, .code = ICMP_CODE_TOO_BIG, .mtu = 1000, .proto = IPV4_PROTO_UDP, .from = UDP_PORT + 1, .to = 7};
  hear(b, &e);   // of nobody
  assert_int_equal(stat(b, ST_PATH_MTU_LOWERED), 0);
  e.from = UDP_PORT;
  hear(b, &e);
  assert_int_equal(stat(b, ST_PATH_MTU_LOWERED), 1);
  assert_int_equal(sock_sendto(b->s, sid, data, sizeof data, &(struct sock_addr){PEER_IP, 7}), sizeof data);
  for (size_t at = 0; at < 1480; at += ip.payload_len) {
    size_t n = stack_output(b->s, frame, sizeof frame);
    assert_int_equal(ipv4_parse(frame + 14, n - 14, &ip), IPV4_OK);
    assert_true(n <= 1014 && ip.frag_offset == at && !ip.dont_fragment);
  }
  assert_int_equal(sock_sendto(b->s, sid, data, 972, &(struct sock_addr){PEER_IP, 7}), 972);
  assert_int_equal(stack_output(b->s, frame, sizeof frame), 1014);
  assert_int_equal(ipv4_parse(frame + 14, 1000, &ip), IPV4_OK);
  assert_true(ip.dont_fragment);
  hear(b, &e);   // old news
  e.mtu = 1400;
  e.total_len = 1000;
  hear(b, &e);
  assert_int_equal(stat(b, ST_PATH_MTU_LOWERED), 1);
}

static void test_connection_opens_with_what_the_path_takes(void **state)
{
  struct bed *b = *state;
  int sid = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(sock_bind(b->s, sid, 0, UDP_PORT), 0);
  hear(b, &(struct error){.type = ICMP_TYPE_UNREACHABLE, .code = ICMP_CODE_TOO_BIG, .mtu = 1000, .proto = IPV4_PROTO_UDP, .from = UDP_PORT});
  bed_send(b, PEER_PORT, &(struct segment){.seq = {b->start.irs}, .flags = TCP_SYN, .opt = {.has_mss = true, .mss = 1460}});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.opt.mss, BED_MTU - 40);   // what we take is another matter
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs + 1), .ack = seq_add(out.seq, 1), .flags = TCP_ACK});
  const struct call *open = bed_expect_call(b, CALL_OPEN);
  assert_int_equal(open->open.mss, 960);
  assert_int_equal(open->open.rcv_mss, BED_MTU - 40);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_error_of_an_open_connection_is_soft_whatever_it_is),
    BED_TEST(test_connection_that_times_out_says_what_icmp_said),
    BED_TEST(test_error_counts_only_for_what_may_be_in_flight),
    BED_TEST(test_error_that_quotes_nothing_of_ours_is_not_believed),
    BED_TEST(test_error_about_a_datagram_is_told_to_the_connected),
    BED_TEST(test_datagrams_shrink_to_the_path),
    BED_TEST(test_connection_opens_with_what_the_path_takes),
  };
  return cmocka_run_group_tests_name("sock/icmperr", tests, NULL, NULL);
}
