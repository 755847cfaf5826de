// SPDX-License-Identifier: Apache-2.0
// Datagram sockets against a peer of hand-written frames.
#include "net/icmp.h"
#include "net/udp.h"
#include "sock/testbed.h"

enum { UDP_PORT = 9, MAX_DATA = BED_MTU - 28, LONGEST = 65507, RX_BYTES = 65536, RECORD = 10 };   // MAX_DATA: in one frame

#define UDP_TEST(f) cmocka_unit_test_prestate_setup_teardown(f, bed_setup, bed_teardown, (void *)(uintptr_t)&start_plain)

// --- helpers ---

// A datagram of the peer's as a frame. IP options of 4 bytes when wanted.
static size_t udp_frame(uint8_t out[2048], uint16_t from, uint16_t to, const void *data, size_t len, bool ip_options)
{
  const struct udp_datagram u = {.src_port = from, .dst_port = to, .data = data, .data_len = len};
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(out, 14, &eth);
  size_t hdr = ip_options ? 24 : 20;
  size_t n = udp_emit(out + 14 + hdr, 2048 - 14 - hdr, PEER_IP, BED_IP, &u);
  assert_true(n > 0);
  ipv4_emit(out + 14, 20, PEER_IP, BED_IP, IPV4_PROTO_UDP, 7, n + hdr - 20);
  if (ip_options) {
    memset(out + 34, 1, 4);   // four no-operations
    out[14] = 0x46;
  }
  return 14 + hdr + n;
}

static void seal_ip(uint8_t *frame)
{
  size_t hdr = (size_t)(frame[14] & 15) * 4;
  put_be16(frame + 24, 0);
  uint32_t sum = 0;
  for (size_t i = 0; i < hdr; i += 2) sum += get_be16(frame + 14 + i);
  put_be16(frame + 24, (uint16_t)~(sum % 0xffff));
}

// Exactly len bytes, so that ASan sees any read beyond them.
static void input_exact(struct bed *b, const uint8_t *frame, size_t len)
{
  uint8_t *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  memcpy(copy, frame, len);
  stack_input(b->s, copy, len, b->now_us);
  free(copy);
}

static void say(struct bed *b, uint16_t from, uint16_t to, const void *data, size_t len)
{
  uint8_t frame[2048];
  input_exact(b, frame, udp_frame(frame, from, to, data, len, false));
}

static int bound(struct bed *b, uint16_t port, bool reuse)
{
  int sid = sock_socket(b->s, SOCK_UDP);
  assert_true(sid >= 0);
  if (reuse) assert_int_equal(sock_setsockopt(b->s, sid, SOCK_OPT_REUSEADDR, 1), 0);
  assert_int_equal(sock_bind(b->s, sid, 0, port), 0);
  return sid;
}

static uint16_t port_of(struct bed *b, int sid)
{
  struct sock_addr a;
  assert_int_equal(sock_getsockname(b->s, sid, &a), 0);
  return a.port;
}

static void expect_heard(struct bed *b, int sid, uint16_t from_port, const char *text)
{
  struct sock_addr from;
  char buf[64];
  assert_int_equal(sock_poll(b->s, sid), SOCK_IN | SOCK_OUT);
  assert_int_equal(sock_recvfrom(b->s, sid, buf, sizeof buf, &from), strlen(text));
  assert_memory_equal(buf, text, strlen(text));
  assert_int_equal(from.ip, PEER_IP);
  assert_int_equal(from.port, from_port);
}

static void expect_nothing(struct bed *b, int sid)
{
  char buf[4];
  assert_int_equal(sock_poll(b->s, sid), SOCK_OUT);
  assert_int_equal(sock_recv(b->s, sid, buf, sizeof buf), -EAGAIN);
}

// The IP payload of the next frame, which is from us to the peer, whole and right.
static size_t expect_ip(struct bed *b, uint8_t proto, uint8_t out[2048])
{
  static uint8_t frame[16384];
  struct ipv4_hdr ip;
  size_t len = stack_output(b->s, frame, sizeof frame);
  assert_true(len > 34);
  assert_memory_equal(frame, peer_mac, 6);
  assert_memory_equal(frame + 6, bed_mac, 6);
  assert_int_equal(ipv4_parse(frame + 14, len - 14, &ip), IPV4_OK);
  assert_int_equal(ip.proto, proto);
  assert_int_equal(ip.src, BED_IP);
  assert_int_equal(ip.dst, PEER_IP);
  assert_int_equal(34 + ip.payload_len, len);
  memcpy(out, frame + 34, ip.payload_len);
  return ip.payload_len;
}

static struct udp_datagram expect_said(struct bed *b, uint16_t to, const void *data, size_t len)
{
  static uint8_t p[2048];
  struct udp_datagram u;
  size_t n = expect_ip(b, IPV4_PROTO_UDP, p);
  assert_true(get_be16(p + 6) != 0);   // RFC 1122 section 4.1.3.4
  assert_int_equal(udp_parse(p, n, BED_IP, PEER_IP, &u), UDP_OK);
  assert_int_equal(u.dst_port, to);
  assert_int_equal(u.data_len, len);
  assert_int_equal(n, 8 + len);
  if (len) assert_memory_equal(u.data, data, len);
  return u;
}

static uint64_t stat(const struct bed *b, enum stack_stat i) { return stack_stat(b->s, i); }

static const struct sock_addr peer_9 = {PEER_IP, 9};

// --- in ---

static void test_datagrams_come_whole_in_order_and_with_their_sender(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, BED_PORT, false), who;   // TCP's listener has the same number
  unsigned events;
  expect_nothing(b, sid);
  say(b, 1000, BED_PORT, "one", 3);
  say(b, 1001, BED_PORT, "", 0);
  say(b, 0, BED_PORT, "three", 5);   // RFC 768: who wants no answer has no port
  assert_true(sock_next_ready(b->s, &who, &events));
  assert_int_equal(who, sid);
  assert_int_equal(events, SOCK_IN | SOCK_OUT);
  assert_false(sock_next_ready(b->s, &who, &events));
  expect_heard(b, sid, 1000, "one");
  expect_heard(b, sid, 1001, "");
  expect_heard(b, sid, 0, "three");
  expect_nothing(b, sid);
  assert_int_equal(stat(b, ST_UDP_IN), 3);
  bed_expect_silence(b);
}

static void test_what_exceeds_the_callers_buffer_is_lost(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  char buf[4] = "....";
  say(b, 1000, UDP_PORT, "abcdef", 6);
  say(b, 1000, UDP_PORT, "gone", 4);
  say(b, 1000, UDP_PORT, "next", 4);
  assert_int_equal(sock_recv(b->s, sid, buf, 3), 3);
  assert_memory_equal(buf, "abc.", 4);
  assert_int_equal(sock_recv(b->s, sid, NULL, 0), 0);
  expect_heard(b, sid, 1000, "next");
}

static void test_receive_buffer_is_bounded_and_drops_are_counted(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false), other = bound(b, UDP_PORT + 1, false);
  uint8_t data[1000] = {0}, byte;
  unsigned fit = RX_BYTES / (RECORD + sizeof data);
  for (unsigned i = 0; i < fit + 5; i++) {
    data[0] = (uint8_t)i;
    say(b, 1000, UDP_PORT, data, sizeof data);
  }
  assert_int_equal(stat(b, ST_UDP_IN), fit);
  assert_int_equal(stat(b, ST_UDP_QUEUE_FULL), 5);
  say(b, 1000, UDP_PORT + 1, "other", 5);
  expect_heard(b, other, 1000, "other");
  for (unsigned i = 0; i < fit; i++) {
    assert_int_equal(sock_recv(b->s, sid, &byte, 1), 1);
    assert_int_equal(byte, (uint8_t)i);
  }
  expect_nothing(b, sid);
  for (unsigned i = 0; i < RX_BYTES / RECORD + 1; i++) say(b, 1000, UDP_PORT, "", 0);   // these cost something too
  assert_int_equal(stat(b, ST_UDP_QUEUE_FULL), 6);
  assert_int_equal(stat(b, ST_UDP_NO_PORT), 0);
}

static void test_datagrams_of_every_length_pass_the_ends_of_the_buffer(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  uint8_t data[MAX_DATA], got[MAX_DATA];
  say(b, 1, UDP_PORT, "x", 1);   // one always waits
  for (size_t len = 0; len <= MAX_DATA; len++) {
    for (size_t i = 0; i < len; i++) data[i] = bed_byte((uint32_t)(len + i));
    say(b, 2, UDP_PORT, data, len);
    ssize_t before = sock_recv(b->s, sid, got, sizeof got);
    assert_int_equal(before, len ? len - 1 : 1);
    for (ssize_t i = 0; len && i < before; i++) assert_int_equal(got[i], bed_byte((uint32_t)(before + i)));
  }
}

static void test_malformed_datagrams_are_dropped_by_name(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  uint8_t frame[2048];
  size_t len = udp_frame(frame, 1000, UDP_PORT, "hello", 5, false);
  for (unsigned cut = 0; cut < 13; cut++) {   // by IP's length
    put_be16(frame + 16, (uint16_t)(20 + cut));
    seal_ip(frame);
    input_exact(b, frame, len);
    assert_int_equal(stat(b, ST_UDP_BAD), cut + 1);
  }
  put_be16(frame + 16, 33);
  seal_ip(frame);
  frame[42] ^= 1;
  input_exact(b, frame, len);
  assert_int_equal(stat(b, ST_UDP_CHECKSUM), 1);
  expect_nothing(b, sid);
  put_be16(frame + 40, 0);   // no checksum: nothing to be wrong
  input_exact(b, frame, len);
  expect_heard(b, sid, 1000, "iello");
  bed_expect_silence(b);
}

static void test_groups_fragments_and_our_own_name_reach_no_socket(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  uint8_t frame[2048];
  static const struct { uint8_t at; uint32_t value; enum stack_stat why; } t[] = {
    {0, 0xffffffff, ST_NOT_OUR_MAC}, {0, 0x01005e00, ST_NOT_OUR_MAC}, {30, 0xffffffff, ST_IP_NOT_OURS}, {30, 0xe0000001, ST_IP_NOT_OURS},
    {30, 0x0a0900ff, ST_IP_NOT_OURS}, {18, 0x00072000, ST_IP_FRAGMENT}, {18, 0x00070001, ST_IP_FRAGMENT},
    {26, BED_IP, ST_IP_BAD}, {26, 0xffffffff, ST_IP_BAD}, {26, 0xe0000001, ST_IP_BAD}, {26, 0x0a0900ff, ST_IP_BAD},
  };
  for (int known = 0; known < 2; known++)
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
      uint64_t before = stat(b, t[i].why);
      size_t len = udp_frame(frame, 1000, known ? UDP_PORT : UDP_PORT + 1, "hello", 5, false);
      put_be32(frame + t[i].at, t[i].value);
      if (t[i].at == 0) put_be16(frame + 4, 0xffff);
      if (t[i].value == BED_IP) memcpy(frame + 6, bed_mac, 6);   // well forged
      put_be16(frame + 40, 0);   // the pseudo header's addresses are not what is tested
      seal_ip(frame);
      input_exact(b, frame, len);
      assert_int_equal(stat(b, t[i].why), before + 1);
    }
  expect_nothing(b, sid);
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_UDP_NO_PORT), 0);
}

// --- out ---

static void test_sendto_goes_out_with_checksum_from_a_port_of_its_own(void **state)
{
  struct bed *b = *state;
  bed_answer_arp(b, PEER_IP);
  int sid = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(port_of(b, sid), 0);
  assert_int_equal(sock_sendto(b->s, sid, "hi", 2, &peer_9), 2);
  uint16_t port = port_of(b, sid);
  assert_true(port >= 49152);
  assert_int_equal(expect_said(b, 9, "hi", 2).src_port, port);
  assert_int_equal(sock_sendto(b->s, sid, NULL, 0, &peer_9), 0);
  assert_int_equal(expect_said(b, 9, "", 0).src_port, port);
  say(b, 9, port, "back", 4);
  expect_heard(b, sid, 9, "back");
  assert_int_equal(stat(b, ST_UDP_OUT), 2);
}

static void test_send_says_what_is_wrong(void **state)
{
  struct bed *b = *state;
  static const uint8_t data[LONGEST + 1];
  static const uint32_t none[] = {0, 0xe0000001, 0xffffffff, 0x0a0900ff, 0x08080808};
  bed_answer_arp(b, PEER_IP);
  int sid = bound(b, UDP_PORT, false), value;
  assert_int_equal(sock_send(b->s, sid, "x", 1), -EDESTADDRREQ);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){PEER_IP, 0}), -EINVAL);
  for (size_t i = 0; i < 5; i++) assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){none[i], 9}), -ENETUNREACH);
  assert_int_equal(sock_sendto(b->s, sid, data, LONGEST + 1, &peer_9), -EMSGSIZE);
  bed_expect_silence(b);
  assert_int_equal(sock_sendto(b->s, sid, data, MAX_DATA, &peer_9), MAX_DATA);
  expect_said(b, 9, data, MAX_DATA);
  assert_int_equal(sock_room(b->s, sid), LONGEST);
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_SNDBUF, &value), 0);
  assert_int_equal(value, LONGEST);
  assert_int_equal(sock_sendto(b->s, 99, "x", 1, &peer_9), -EBADF);
  assert_int_equal(sock_recvfrom(b->s, 99, &value, 1, NULL), -EBADF);
}

static void test_full_output_queue_is_told(void **state)
{
  struct bed *b = *state;
  bed_answer_arp(b, PEER_IP);
  int sid = bound(b, UDP_PORT, false);
  for (int i = 0; i < 256; i++) assert_int_equal(sock_sendto(b->s, sid, "x", 1, &peer_9), 1);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &peer_9), -ENOBUFS);
  assert_int_equal(stat(b, ST_OUT_DROPPED), 1);
  assert_int_equal(stat(b, ST_UDP_OUT), 256);
  expect_said(b, 9, "x", 1);
  assert_int_equal(sock_sendto(b->s, sid, "y", 1, &peer_9), 1);
}

static void expect_arp_request(struct bed *b)
{
  uint8_t frame[2048];
  assert_int_equal(stack_output(b->s, frame, sizeof frame), ARP_FRAME_BYTES);
}

static void test_datagrams_wait_for_an_unknown_neighbour_in_order(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  assert_int_equal(sock_sendto(b->s, sid, "old", 3, &peer_9), 3);
  expect_arp_request(b);
  assert_int_equal(sock_sendto(b->s, sid, "new", 3, &peer_9), 3);
  bed_expect_silence(b);
  bed_answer_arp(b, PEER_IP);
  expect_said(b, 9, "old", 3);
  expect_said(b, 9, "new", 3);
  bed_expect_silence(b);
}

static void test_waiting_datagrams_are_bounded_and_the_oldest_go(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  for (int i = 0; i <= ARP_QUEUE; i++) {
    assert_int_equal(sock_sendto(b->s, sid, &(uint8_t){(uint8_t)i}, 1, &peer_9), 1);
    if (i == 0) expect_arp_request(b);
  }
  assert_int_equal(stat(b, ST_ARP_DROPPED), 1);
  bed_answer_arp(b, PEER_IP);
  for (int i = 1; i <= ARP_QUEUE; i++) expect_said(b, 9, &(uint8_t){(uint8_t)i}, 1);
  bed_expect_silence(b);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){PEER_IP + 1, 9}), 1);
  for (int i = 0; i < 3; i++) {
    expect_arp_request(b);
    bed_pass(b, SECOND);
  }
  assert_int_equal(stat(b, ST_ARP_DROPPED), 2);   // in vain
  assert_int_equal(stat(b, ST_OUT_DROPPED), 0);
}

// --- in fragments ---

// The fragments of the next datagram put together: each as large as may be, in order; their identification is returned.
static uint16_t expect_fragments(struct bed *b, uint8_t proto, uint8_t *out, size_t len, unsigned mtu)
{
  static uint8_t frame[16384];
  struct ipv4_hdr ip = {.more_fragments = true};
  uint16_t id = 0;
  for (size_t at = 0; at < len; at += ip.payload_len) {
    assert_true(ip.more_fragments);
    size_t n = stack_output(b->s, frame, sizeof frame);
    assert_true(n > 34 && n <= 14 + mtu);
    assert_memory_equal(frame, peer_mac, 6);
    assert_int_equal(ipv4_parse(frame + 14, n - 14, &ip), IPV4_OK);
    assert_true(ip.fragment && !ip.dont_fragment && ip.proto == proto && ip.src == BED_IP && ip.dst == PEER_IP);
    assert_int_equal(ip.frag_offset, at);
    if (at == 0) id = ip.id;
    assert_int_equal(ip.id, id);
    if (ip.more_fragments) assert_int_equal(ip.payload_len, (mtu - 20) / 8 * 8);
    memcpy(out + at, frame + 34, ip.payload_len);
    assert_true(at + ip.payload_len <= len);
  }
  assert_false(ip.more_fragments);
  return id;
}

static void test_long_datagrams_leave_in_fragments(void **state)
{
  (void)state;
  static uint8_t data[LONGEST], got[LONGEST + 8];
  static const size_t lengths[] = {MAX_DATA + 1, 1480 * 2 - 8, 1480 * 2 - 7, 60000, LONGEST};
  static const unsigned mtus[] = {576, 1500, 1501, 9000};
  for (uint32_t i = 0; i < LONGEST; i++) data[i] = bed_byte(i);
  for (size_t m = 0; m < 4; m++) {
    struct bed *b = bed_open(&start_plain, (struct bed_opts){.mtu = mtus[m]});
    int sid = bound(b, UDP_PORT, false);
    uint16_t last = 0;
    bed_answer_arp(b, PEER_IP);
    for (size_t i = 0; i < 5; i++) {
      struct udp_datagram u;
      assert_int_equal(sock_sendto(b->s, sid, data, lengths[i], &peer_9), lengths[i]);
      if (lengths[i] + 28 <= mtus[m]) {
        uint8_t frame[9014];
        assert_int_equal(stack_output(b->s, frame, sizeof frame), 42 + lengths[i]);
        continue;
      }
      uint16_t id = expect_fragments(b, IPV4_PROTO_UDP, got, 8 + lengths[i], mtus[m]);
      if (i) assert_int_not_equal(id, last);
      last = id;
      assert_int_equal(udp_parse(got, 8 + lengths[i], BED_IP, PEER_IP, &u), UDP_OK);
      assert_memory_equal(u.data, data, lengths[i]);
      bed_expect_silence(b);
    }
    bed_close(b);
  }
}

static void test_fragments_leave_all_or_none(void **state)
{
  struct bed *b = *state;
  static const uint8_t data[1480 * 6 - 8];
  bed_answer_arp(b, PEER_IP);
  int sid = bound(b, UDP_PORT, false), n = 0;
  for (int i = 0; i < 251; i++) assert_int_equal(sock_sendto(b->s, sid, "x", 1, &peer_9), 1);
  assert_int_equal(sock_sendto(b->s, sid, data, sizeof data, &peer_9), -ENOBUFS);
  assert_int_equal(stat(b, ST_OUT_DROPPED), 1);
  assert_int_equal(sock_sendto(b->s, sid, data, sizeof data - 1480, &peer_9), sizeof data - 1480);
  for (uint8_t frame[2048]; stack_output(b->s, frame, sizeof frame) > 0; n++) {}
  assert_int_equal(n, 256);
}

static void test_fragments_wait_for_an_unknown_neighbour_together(void **state)
{
  struct bed *b = *state;
  static const uint8_t data[LONGEST];
  static uint8_t got[LONGEST + 8];
  int sid = bound(b, UDP_PORT, false);
  assert_int_equal(sock_sendto(b->s, sid, data, LONGEST, &peer_9), LONGEST);
  expect_arp_request(b);
  bed_expect_silence(b);
  bed_answer_arp(b, PEER_IP);
  expect_fragments(b, IPV4_PROTO_UDP, got, LONGEST + 8, BED_MTU);
  bed_expect_silence(b);
}

static void test_silent_neighbour_is_told_to_the_connected_that_sent(void **state)
{
  struct bed *b = *state;
  int open = bound(b, UDP_PORT, false), sid = sock_socket(b->s, SOCK_UDP), elsewhere = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 9), 0);
  assert_int_equal(sock_connect(b->s, elsewhere, PEER_IP, 9), 0);
  assert_int_equal(sock_sendto(b->s, open, "x", 1, &peer_9), 1);
  assert_int_equal(sock_send(b->s, sid, "x", 1), 1);
  for (int i = 0; i < 3; i++) {
    expect_arp_request(b);
    assert_int_equal(sock_poll(b->s, sid), SOCK_OUT);
    bed_pass(b, SECOND);
  }
  assert_int_equal(sock_send(b->s, sid, "x", 1), -EHOSTUNREACH);
  assert_int_equal(sock_poll(b->s, sid), SOCK_OUT);
  assert_int_equal(sock_poll(b->s, open), SOCK_OUT);
  assert_int_equal(sock_poll(b->s, elsewhere), SOCK_OUT);
}

static void test_datagram_to_ourselves_stays_inside(void **state)
{
  struct bed *b = *state;
  int server = bound(b, UDP_PORT, false), client = sock_socket(b->s, SOCK_UDP);
  struct sock_addr from;
  char buf[8];
  assert_int_equal(sock_connect(b->s, client, BED_IP, UDP_PORT), 0);
  assert_int_equal(sock_send(b->s, client, "ping", 4), 4);
  assert_int_equal(sock_recvfrom(b->s, server, buf, sizeof buf, &from), 4);
  assert_memory_equal(buf, "ping", 4);
  assert_int_equal(from.ip, BED_IP);
  assert_int_equal(from.port, port_of(b, client));
  assert_int_equal(sock_sendto(b->s, server, "pong", 4, &from), 4);
  assert_int_equal(sock_sendto(b->s, server, NULL, 0, &from), 0);
  assert_int_equal(sock_recv(b->s, client, buf, sizeof buf), 4);
  assert_int_equal(sock_recv(b->s, client, buf, sizeof buf), 0);
  assert_int_equal(sock_close(b->s, server), 0);
  assert_int_equal(sock_send(b->s, client, "ping", 4), 4);
  assert_int_equal(sock_recv(b->s, client, buf, sizeof buf), -ECONNREFUSED);
  assert_int_equal(sock_recv(b->s, client, buf, sizeof buf), -EAGAIN);
  bed_expect_silence(b);
}

// --- ports and peers ---

static void test_ports_are_chosen_and_not_shared_unasked(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, true), other = sock_socket(b->s, SOCK_UDP), a = bound(b, 0, false), c = bound(b, 0, false);
  assert_true(port_of(b, a) >= 49152 && port_of(b, c) >= 49152);
  assert_int_not_equal(port_of(b, a), port_of(b, c));
  assert_int_equal(sock_bind(b->s, other, 0, UDP_PORT), -EADDRINUSE);   // only the one that has it would share
  assert_int_equal(sock_setsockopt(b->s, other, SOCK_OPT_REUSEADDR, 1), 0);
  assert_int_equal(sock_bind(b->s, other, 0, port_of(b, a)), -EADDRINUSE);   // only the one that wants it
  assert_int_equal(sock_bind(b->s, other, PEER_IP, 80), -EINVAL);
  assert_int_equal(sock_bind(b->s, other, 0, UDP_PORT + 256), 0);       // another port of the same bucket
  assert_int_equal(sock_bind(b->s, other, 0, 81), -EINVAL);
  say(b, 1, UDP_PORT, "mine", 4);
  expect_heard(b, sid, 1, "mine");
  expect_nothing(b, other);
  assert_int_equal(sock_close(b->s, sid), 0);
  say(b, 1, UDP_PORT + 256, "other", 5);
  expect_heard(b, other, 1, "other");
  assert_int_equal(sock_abort(b->s, other), 0);
  bound(b, UDP_PORT, false);
  bound(b, UDP_PORT + 256, false);
}

static void test_port_that_is_taken_is_not_chosen(void **state)
{
  struct bed *b = *state;
  uint16_t port = port_of(b, bound(b, 0, false));
  bed_close(b);
  *state = b = bed_open(&start_plain, (struct bed_opts){0});   // the same seed
  bound(b, port, true);
  assert_int_not_equal(port_of(b, bound(b, 0, true)), port);
}

static void test_connected_socket_goes_before_the_one_bound_last(void **state)
{
  struct bed *b = *state;
  int connected = bound(b, UDP_PORT, true), first = bound(b, UDP_PORT, true), last = bound(b, UDP_PORT, true);
  assert_int_equal(sock_connect(b->s, connected, PEER_IP, 1000), 0);
  say(b, 1000, UDP_PORT, "to it", 5);
  say(b, 1001, UDP_PORT, "to last", 7);
  expect_heard(b, connected, 1000, "to it");
  expect_heard(b, last, 1001, "to last");
  expect_nothing(b, first);
  assert_int_equal(sock_close(b->s, last), 0);
  say(b, 1001, UDP_PORT, "to first", 8);
  expect_heard(b, first, 1001, "to first");
  assert_int_equal(sock_close(b->s, connected), 0);
  say(b, 1000, UDP_PORT, "to first", 8);
  expect_heard(b, first, 1000, "to first");
}

static void test_connect_fixes_the_peer_and_lets_nobody_else_in(void **state)
{
  struct bed *b = *state;
  bed_answer_arp(b, PEER_IP);
  int sid = bound(b, UDP_PORT, false);
  struct sock_addr a;
  uint8_t icmp[2048];
  assert_int_equal(sock_getpeername(b->s, sid, &a), -ENOTCONN);
  assert_int_equal(sock_shutdown(b->s, sid), -ENOTCONN);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 0), -EINVAL);
  assert_int_equal(sock_connect(b->s, sid, 0xffffffff, 9), -ENETUNREACH);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 1000), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 9), 0);
  assert_int_equal(sock_getpeername(b->s, sid, &a), 0);
  assert_int_equal(a.ip, PEER_IP);
  assert_int_equal(a.port, 9);
  assert_int_equal(sock_getsockname(b->s, sid, &a), 0);
  assert_int_equal(a.ip, BED_IP);
  say(b, 1000, UDP_PORT, "no", 2);
  expect_ip(b, IPV4_PROTO_ICMP, icmp);
  say(b, 9, UDP_PORT, "yes", 3);
  expect_heard(b, sid, 9, "yes");
  assert_int_equal(sock_send(b->s, sid, "x", 1), 1);
  expect_said(b, 9, "x", 1);
  assert_int_equal(sock_sendto(b->s, sid, "x", 1, &(struct sock_addr){PEER_IP, 10}), 1);   // as Linux does
  expect_said(b, 10, "x", 1);
  assert_int_equal(sock_connect(b->s, sid, 0, 0), 0);
  assert_int_equal(sock_send(b->s, sid, "x", 1), -EDESTADDRREQ);
  say(b, 1000, UDP_PORT, "yes", 3);
  expect_heard(b, sid, 1000, "yes");
}

static void test_shutdown_ends_sending_only(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 9), 0);
  assert_int_equal(sock_shutdown(b->s, sid), 0);
  assert_int_equal(sock_send(b->s, sid, "x", 1), -EPIPE);
  assert_int_equal(sock_room(b->s, sid), 0);
  assert_int_equal(sock_poll(b->s, sid), 0);
  say(b, 9, UDP_PORT, "x", 1);
  assert_int_equal(sock_poll(b->s, sid), SOCK_IN);
}

// --- port unreachable, sent ---

static void test_unbound_port_is_answered_with_the_packet_it_is_about(void **state)
{
  struct bed *b = *state;
  for (int options = 0; options < 2; options++) {
    uint8_t frame[2048], p[2048];
    struct icmp_msg m;
    size_t hdr = options ? 24 : 20, len = udp_frame(frame, 1000, UDP_PORT, "hello", 5, options);
    seal_ip(frame);
    input_exact(b, frame, len);
    assert_int_equal(icmp_parse(p, expect_ip(b, IPV4_PROTO_ICMP, p), &m), ICMP_OK);
    assert_int_equal(m.type, 3);
    assert_int_equal(m.code, 3);
    assert_int_equal(m.id | m.seq, 0);   // unused
    assert_int_equal(m.data_len, hdr + 8);
    assert_memory_equal(m.data, frame + 14, hdr + 8);
  }
  assert_int_equal(stat(b, ST_UDP_NO_PORT), 2);
  assert_int_equal(stat(b, ST_ICMP_UNREACHABLE_SENT), 2);
}

static unsigned answers(struct bed *b)
{
  uint8_t frame[2048];
  unsigned n = 0;
  while (stack_output(b->s, frame, sizeof frame) > 0) n++;
  return n;
}

static void test_answers_to_unbound_ports_are_bounded_by_time(void **state)
{
  struct bed *b = *state;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 150; i++) say(b, 1000, UDP_PORT, "x", 1);
    assert_int_equal(answers(b), 100);
    bed_pass(b, SECOND - 1);
    say(b, 1000, UDP_PORT, "x", 1);
    assert_int_equal(answers(b), 0);
    bed_pass(b, 1);
  }
  assert_int_equal(stat(b, ST_UDP_NO_PORT), 3 * 151);
  assert_int_equal(stat(b, ST_ICMP_UNREACHABLE_SENT), 300);
}

static void test_shared_address_leaves_udp_to_the_kernel(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.shared_ip = true});
  assert_int_equal(sock_socket(b->s, SOCK_UDP), -EPROTONOSUPPORT);
  say(b, 1000, UDP_PORT, "x", 1);
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_UDP_NO_PORT), 1);
  bed_close(b);
}

// --- unreachable, received ---

struct quote {
  uint32_t src, dst;
  uint16_t from, to;
  uint8_t proto, code;
  uint16_t frag;
  size_t len;          // how much is quoted
};

// About a datagram from UDP_PORT to the peer's port 9.
static const struct quote ours = {BED_IP, PEER_IP, UDP_PORT, 9, IPV4_PROTO_UDP, ICMP_CODE_PORT, 0, 28};

static void unreachable(struct bed *b, struct quote q)
{
  uint8_t quoted[28], frame[128];
  ipv4_emit(quoted, sizeof quoted, q.src, q.dst, q.proto, 0, 300);   // longer than what is quoted
  put_be16(quoted + 6, q.frag);
  put_be16(quoted + 20, q.from);
  put_be16(quoted + 22, q.to);
  put_be16(quoted + 24, 300);
  put_be16(quoted + 26, 0x1234);
  struct icmp_msg m = {.type = ICMP_TYPE_UNREACHABLE, .code = q.code, .data = quoted, .data_len = q.len};
  size_t n = icmp_emit(frame + 34, sizeof frame - 34, &m);
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(frame, 14, &eth);
  ipv4_emit(frame + 14, 20, PEER_IP, BED_IP, IPV4_PROTO_ICMP, 0, n);
  input_exact(b, frame, 34 + n);
}

static void test_unreachable_is_told_once_to_who_is_connected_there(void **state)
{
  struct bed *b = *state;
  static const struct { uint8_t code; int err; } t[] = {
    {0, ENETUNREACH}, {1, EHOSTUNREACH}, {2, ECONNREFUSED}, {3, ECONNREFUSED}, {4, EMSGSIZE}, {6, ENETUNREACH}, {13, EHOSTUNREACH}};
  int sid = bound(b, UDP_PORT, false), who, value;
  unsigned events;
  char byte;
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 9), 0);
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    struct quote q = ours;
    q.code = t[i].code;
    unreachable(b, q);
    assert_true(sock_next_ready(b->s, &who, &events));
    assert_int_equal(who, sid);
    assert_int_equal(events, SOCK_IN | SOCK_OUT | SOCK_ERR);
    assert_int_equal(sock_recv(b->s, sid, &byte, 1), -t[i].err);
    expect_nothing(b, sid);
    unreachable(b, q);
    assert_int_equal(sock_send(b->s, sid, "x", 1), -t[i].err);
    assert_int_equal(sock_send(b->s, sid, "x", 1), 1);
    unreachable(b, q);
    assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_ERROR, &value), 0);
    assert_int_equal(value, t[i].err);
    assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_ERROR, &value), 0);
    assert_int_equal(value, 0);
    while (sock_next_ready(b->s, &who, &events)) {}
  }
  unreachable(b, ours);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 10), 0);   // another peer, another matter
  expect_nothing(b, sid);
}

static void test_unreachable_of_anything_else_is_not_believed(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false), other = bound(b, UDP_PORT + 1, false);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, 9), 0);
  struct quote q[] = {ours, ours, ours, ours, ours, ours, ours};
  q[0].src = BED_IP + 1;
  q[1].dst = PEER_IP + 1;
  q[2].from = UDP_PORT + 1;   // not connected
  q[3].from = UDP_PORT + 2;   // nobody's
  q[4].to = 10;
  q[5].proto = IPV4_PROTO_TCP;
  q[6].frag = 1;              // no ports in there
  for (size_t i = 0; i < sizeof q / sizeof *q; i++) unreachable(b, q[i]);
  for (size_t len = 0; len < 28; len++) {
    struct quote cut = ours;
    cut.len = len;
    unreachable(b, cut);
  }
  expect_nothing(b, sid);
  expect_nothing(b, other);
  unreachable(b, ours);
  assert_int_equal(sock_poll(b->s, sid), SOCK_IN | SOCK_OUT | SOCK_ERR);
  bed_expect_silence(b);   // RFC 1122 section 3.2.2: no error about an error
}

// --- calls of the other kind ---

static void test_datagram_sockets_refuse_what_belongs_to_connections(void **state)
{
  struct bed *b = *state;
  int sid = bound(b, UDP_PORT, false), value;
  assert_int_equal(sock_listen(b->s, sid, 1), -EOPNOTSUPP);
  assert_int_equal(sock_accept(b->s, sid, NULL), -EOPNOTSUPP);
  assert_int_equal(sock_set_policy(b->s, sid, NULL, NULL), -EINVAL);
  for (enum sock_opt o = SOCK_OPT_NODELAY; o < SOCK_OPT_REUSEADDR; o++) {
    assert_int_equal(sock_setsockopt(b->s, sid, o, 1), -ENOPROTOOPT);
    assert_int_equal(sock_getsockopt(b->s, sid, o, &value), -ENOPROTOOPT);
  }
  assert_int_equal(sock_setsockopt(b->s, sid, SOCK_OPT_REUSEADDR, 2), -EINVAL);
  assert_int_equal(sock_setsockopt(b->s, sid, SOCK_OPT_RCVBUF, 100), -ENOPROTOOPT);
  assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_RCVBUF, &value), 0);
  assert_int_equal(value, RX_BYTES);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(sock_getsockopt(b->s, sid, SOCK_OPT_REUSEADDR, &value), 0);
    assert_int_equal(value, i);
    assert_int_equal(sock_setsockopt(b->s, sid, SOCK_OPT_REUSEADDR, 1), 0);
  }
}

static void test_connections_look_at_no_address(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  struct sock_addr a = {1, 2};
  uint8_t buf[4];
  int value;
  assert_int_equal(sock_sendto(b->s, p.sid, "abc", 3, &a), 3);
  assert_int_equal(bed_expect_call(b, CALL_PAYLOAD)->len, 3);
  bed_data(b, p.flow, 4);
  assert_int_equal(sock_recvfrom(b->s, p.sid, buf, sizeof buf, &a), 4);
  assert_int_equal(buf[1], bed_byte(1));
  assert_true(a.ip == 1 && a.port == 2);
  assert_int_equal(sock_sendto(b->s, b->listener, "x", 1, &peer_9), -ENOTCONN);
  assert_int_equal(sock_recvfrom(b->s, b->listener, buf, 1, &a), -ENOTCONN);
  assert_int_equal(sock_getsockopt(b->s, p.sid, SOCK_OPT_REUSEADDR, &value), 0);
  assert_int_equal(value, 1);
  assert_int_equal(sock_setsockopt(b->s, p.sid, SOCK_OPT_REUSEADDR, 1), 0);
  assert_int_equal(sock_setsockopt(b->s, p.sid, SOCK_OPT_REUSEADDR, 0), -ENOPROTOOPT);
}

// --- all of it at random ---

static void test_strangers_and_errors_at_random_harm_nothing(void **state)
{
  struct bed *b = *state;
  struct rng r;
  rng_seed(&r, 11);
  bed_answer_arp(b, PEER_IP);
  int sid[8];
  uint8_t buf[64], frame[2048];
  for (int i = 0; i < 8; i++) sid[i] = bound(b, (uint16_t)(UDP_PORT + i / 2), true);
  for (int step = 0; step < 20000; step++) {
    int k = (int)rng_below(&r, 8);
    uint16_t from = (uint16_t)rng_below(&r, 4), to = (uint16_t)(UDP_PORT + rng_below(&r, 6));
    struct quote q = {BED_IP, PEER_IP, to, from, IPV4_PROTO_UDP, (uint8_t)rng_below(&r, 16), 0, rng_below(&r, 29)};
    switch (rng_below(&r, 6)) {
      case 0: say(b, from, to, buf, rng_below(&r, sizeof buf)); break;
      case 1: unreachable(b, q); break;
      case 2: sock_connect(b->s, sid[k], from ? PEER_IP : 0, from); break;
      case 3: sock_sendto(b->s, sid[k], buf, rng_below(&r, sizeof buf), &(struct sock_addr){PEER_IP - rng_below(&r, 2), to}); break;
      case 4: sock_recv(b->s, sid[k], buf, rng_below(&r, sizeof buf)); break;
      case 5:
        sock_close(b->s, sid[k]);
        sid[k] = bound(b, (uint16_t)(UDP_PORT + rng_below(&r, 4)), true);
    }
    while (stack_output(b->s, frame, sizeof frame) > 0) {}
    bed_pass(b, rng_below(&r, 100000));
  }
  assert_true(stat(b, ST_UDP_IN) > 1000 && stat(b, ST_UDP_OUT) > 1000 && stat(b, ST_UDP_NO_PORT) > 100);
  assert_int_equal(stat(b, ST_UDP_BAD) + stat(b, ST_UDP_CHECKSUM) + stat(b, ST_OUT_DROPPED), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    UDP_TEST(test_datagrams_come_whole_in_order_and_with_their_sender),
    UDP_TEST(test_what_exceeds_the_callers_buffer_is_lost),
    UDP_TEST(test_receive_buffer_is_bounded_and_drops_are_counted),
    UDP_TEST(test_datagrams_of_every_length_pass_the_ends_of_the_buffer),
    UDP_TEST(test_malformed_datagrams_are_dropped_by_name),
    UDP_TEST(test_groups_fragments_and_our_own_name_reach_no_socket),
    UDP_TEST(test_sendto_goes_out_with_checksum_from_a_port_of_its_own),
    UDP_TEST(test_send_says_what_is_wrong),
    UDP_TEST(test_full_output_queue_is_told),
    UDP_TEST(test_datagrams_wait_for_an_unknown_neighbour_in_order),
    UDP_TEST(test_waiting_datagrams_are_bounded_and_the_oldest_go),
    UDP_TEST(test_long_datagrams_leave_in_fragments),
    UDP_TEST(test_fragments_leave_all_or_none),
    UDP_TEST(test_fragments_wait_for_an_unknown_neighbour_together),
    UDP_TEST(test_silent_neighbour_is_told_to_the_connected_that_sent),
    UDP_TEST(test_datagram_to_ourselves_stays_inside),
    UDP_TEST(test_ports_are_chosen_and_not_shared_unasked),
    UDP_TEST(test_port_that_is_taken_is_not_chosen),
    UDP_TEST(test_connected_socket_goes_before_the_one_bound_last),
    UDP_TEST(test_connect_fixes_the_peer_and_lets_nobody_else_in),
    UDP_TEST(test_shutdown_ends_sending_only),
    UDP_TEST(test_unbound_port_is_answered_with_the_packet_it_is_about),
    UDP_TEST(test_answers_to_unbound_ports_are_bounded_by_time),
    cmocka_unit_test(test_shared_address_leaves_udp_to_the_kernel),
    UDP_TEST(test_unreachable_is_told_once_to_who_is_connected_there),
    UDP_TEST(test_unreachable_of_anything_else_is_not_believed),
    UDP_TEST(test_datagram_sockets_refuse_what_belongs_to_connections),
    UDP_TEST(test_connections_look_at_no_address),
    UDP_TEST(test_strangers_and_errors_at_random_harm_nothing),
  };
  return cmocka_run_group_tests_name("sock/datagram", tests, NULL, NULL);
}
