// SPDX-License-Identifier: Apache-2.0
// What comes in fragments: put together and handled like any other packet, or dropped under a name.
#include "net/icmp.h"
#include "net/reass.h"
#include "net/udp.h"
#include "sock/testbed.h"

enum { LONGEST = 65507, PIECE = 1480 };

// --- helpers ---

// A packet of the peer's, cut: what[i] is the i-th fragment's place in the payload.
struct cut {
  uint8_t proto;
  uint16_t id;
  const uint8_t *payload;
  size_t len;
};

// One fragment, [at, at + n) of the payload, in memory of just its size. 24 bytes of header with options.
static void give(struct bed *b, const struct cut *c, size_t at, size_t n, bool options)
{
  size_t hdr = options ? 24 : 20;
  uint8_t *f = malloc(14 + hdr + n);
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  assert_non_null(f);
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(f, 14, &eth);
  ipv4_emit(f + 14, 20, PEER_IP, BED_IP, c->proto, 0, n + hdr - 20);
  ipv4_make_fragment(f + 14, c->id, at, at + n < c->len);
  if (options) {
    memset(f + 34, 1, 4);
    f[14] = 0x46;
    put_be16(f + 24, 0);
    uint32_t sum = 0;
    for (size_t i = 0; i < hdr; i += 2) sum += get_be16(f + 14 + i);
    put_be16(f + 24, (uint16_t)~(sum % 0xffff));
  }
  memcpy(f + 14 + hdr, c->payload + at, n);
  stack_input(b->s, f, 14 + hdr + n, b->now_us);
  free(f);
}

static void give_all(struct bed *b, const struct cut *c, size_t piece)
{
  for (size_t at = 0; at < c->len; at += piece) give(b, c, at, c->len - at < piece ? c->len - at : piece, false);
}

static uint64_t stat(const struct bed *b, enum stack_stat i) { return stack_stat(b->s, i); }

// --- whole again ---

static void test_ping_in_fragments_is_answered_in_fragments(void **state)
{
  struct bed *b = *state;
  static uint8_t data[LONGEST], ping[LONGEST + 8], got[LONGEST + 8], frame[2048];
  static const size_t sizes[] = {1473, 60000, LONGEST};
  for (uint32_t i = 0; i < LONGEST; i++) data[i] = bed_byte(i);
  for (uint16_t k = 0; k < 3; k++) {
    const struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST, .id = 7, .seq = k, .data = data, .data_len = sizes[k]};
    const struct cut c = {IPV4_PROTO_ICMP, k, ping, icmp_emit(ping, sizeof ping, &m)};
    struct icmp_msg reply;
    size_t at = 0;
    give_all(b, &c, PIECE);
    for (size_t n; (n = stack_output(b->s, frame, sizeof frame)) > 0; at += n - 34) {
      struct ipv4_hdr ip;
      assert_int_equal(ipv4_parse(frame + 14, n - 14, &ip), IPV4_OK);
      assert_true(n <= 1514 && ip.frag_offset == at);
      memcpy(got + at, frame + 34, n - 34);
    }
    assert_int_equal(at, c.len);
    assert_int_equal(icmp_parse(got, at, &reply), ICMP_OK);
    assert_true(reply.type == ICMP_TYPE_ECHO_REPLY && reply.id == 7 && reply.seq == k && reply.data_len == sizes[k]);
    assert_memory_equal(reply.data, data, sizes[k]);
  }
  assert_int_equal(stat(b, ST_IP_REASSEMBLED), 3);
  assert_int_equal(stat(b, ST_ICMP_ECHO), 3);
}

static void test_datagram_in_fragments_reaches_its_socket(void **state)
{
  struct bed *b = *state;
  static uint8_t data[LONGEST], udp[LONGEST + 8], got[LONGEST];
  int sid = sock_socket(b->s, SOCK_UDP);
  assert_int_equal(sock_bind(b->s, sid, 0, 9), 0);
  for (uint32_t i = 0; i < LONGEST; i++) data[i] = bed_byte(i);
  const struct udp_datagram u = {.src_port = 1000, .dst_port = 9, .data = data, .data_len = LONGEST};
  const struct cut c = {IPV4_PROTO_UDP, 1, udp, udp_emit(udp, sizeof udp, PEER_IP, BED_IP, &u)};
  give_all(b, &c, 8);
  assert_int_equal(sock_recv(b->s, sid, got, sizeof got), LONGEST);
  assert_memory_equal(got, data, LONGEST);
}

// The peer's next segment of so many bytes.
static struct cut segment_cut(struct bed *b, const struct peer *p, size_t len, bool damaged)
{
  static uint8_t data[9000], segment[9100];
  static uint16_t id;
  for (uint32_t i = 0; i < len; i++) data[i] = bed_byte(i);
  struct segment g = {.src_port = p->port, .dst_port = BED_PORT, .seq = p->snd_nxt, .ack = p->rcv_nxt, .flags = TCP_ACK, .window = 1000,
                      .payload = data, .payload_len = len};
  (void)b;
  struct cut c = {IPV4_PROTO_TCP, ++id, segment, segment_emit(&g, PEER_IP, BED_IP, segment, sizeof segment)};
  if (damaged) segment[c.len - 1] ^= 1;
  return c;
}

// The engine was given this segment, in one packet and without options.
static void expect_input(struct bed *b, const struct cut *c)
{
  const struct call *call = bed_expect_call(b, CALL_INPUT);
  struct ipv4_hdr ip;
  assert_int_equal(call->len, 34 + c->len);
  assert_int_equal(ipv4_parse(call->bytes + 14, call->len - 14, &ip), IPV4_OK);
  assert_true(!ip.fragment && ip.hdr_len == 20 && ip.src == PEER_IP && ip.dst == BED_IP);
  assert_memory_equal(call->bytes, bed_mac, 6);
  assert_memory_equal(call->bytes + 34, c->payload, c->len);
}

static void test_segment_in_fragments_goes_to_the_engine_of_its_flow(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  for (int options = 0; options < 2; options++) {
    struct cut c = segment_cut(b, &p, 1400, false);
    give(b, &c, 512, c.len - 512, options);
    bed_expect_no_call(b);
    give(b, &c, 0, 512, options);
    expect_input(b, &c);
    give(b, &c, 0, 512, options);   // once
    bed_expect_no_call(b);
  }
  bed_expect_silence(b);
}

static void test_segment_in_fragments_is_held_until_the_fence(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_handshake(b, PEER_PORT);
  struct cut c = segment_cut(b, &p, 600, false);
  give_all(b, &c, 256);
  bed_expect_no_call(b);
  bed_fence(b, &p);   // the ACK of the handshake
  expect_input(b, &c);
}

static void test_segment_longer_than_the_mtu_is_refused_by_name(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  struct cut c = segment_cut(b, &p, BED_MTU - 40, false);
  give_all(b, &c, 800);
  expect_input(b, &c);
  c = segment_cut(b, &p, BED_MTU - 39, false);
  give_all(b, &c, 800);
  struct peer q = bed_handshake(b, PEER_PORT + 1);   // and so before the fence
  struct cut d = segment_cut(b, &q, BED_MTU - 39, false);
  give_all(b, &d, 800);
  bed_expect_no_call(b);
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_TCP_TOO_LONG), 2);
}

// Regression: what ended the handshake was held whatever its length, in a frame of the MTU's.
static void test_segment_longer_than_the_mtu_opens_and_is_not_held(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_syn(b, PEER_PORT);
  struct cut c = segment_cut(b, &p, 8000, false);
  give_all(b, &c, 800);
  p.flow = bed_expect_call(b, CALL_OPEN)->flow;
  stack_fence(b->s, (uint16_t)p.flow, true, b->now_us);
  bed_expect_no_call(b);
  assert_int_equal(stat(b, ST_TCP_TOO_LONG), 1);
  assert_int_equal(stat(b, ST_HANDOVER_HELD), 0);
}

static void test_damaged_segment_in_fragments_is_dropped(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  struct cut c = segment_cut(b, &p, 600, true);
  give_all(b, &c, 256);
  bed_expect_no_call(b);
  assert_int_equal(stat(b, ST_TCP_CHECKSUM), 1);
}

static void test_syn_in_fragments_opens_a_connection(void **state)
{
  struct bed *b = *state;
  uint8_t syn[64];
  struct segment g = {.src_port = PEER_PORT, .dst_port = BED_PORT, .seq = {b->start.irs}, .flags = TCP_SYN, .window = 1000, .opt = {.has_mss = true, .mss = 1000}};
  const struct cut c = {IPV4_PROTO_TCP, 5, syn, segment_emit(&g, PEER_IP, BED_IP, syn, sizeof syn)};
  give_all(b, &c, 8);
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN | TCP_ACK);
}

// --- not whole ---

static void test_overlapping_fragments_are_refused_and_doubled_ones_ignored(void **state)
{
  struct bed *b = *state;
  struct peer p = bed_connect(b, PEER_PORT);
  struct cut c = segment_cut(b, &p, 600, false);
  give(b, &c, 0, 256, false);
  give(b, &c, 0, 256, false);
  assert_int_equal(stat(b, ST_IP_FRAGMENT_DUPLICATE), 1);
  give(b, &c, 128, 256, false);
  assert_int_equal(stat(b, ST_IP_FRAGMENT_REFUSED), 1);
  give(b, &c, 256, c.len - 256, false);
  assert_int_equal(stat(b, ST_IP_FRAGMENT_REFUSED), 2);
  give(b, &(struct cut){IPV4_PROTO_TCP, 9, c.payload, c.len}, 0, 12, false);
  assert_int_equal(stat(b, ST_IP_FRAGMENT_BAD), 1);
  bed_expect_no_call(b);
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_IP_FRAGMENT), 5);
  bed_pass(b, 30ull * SECOND);   // nobody hears of what was refused
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_IP_REASSEMBLY_TIMEOUT), 0);
}

static void test_missing_fragments_are_time_exceeded_if_the_first_came(void **state)
{
  struct bed *b = *state;
  static uint8_t ping[3000], frame[2048];
  const struct icmp_msg echo = {.type = ICMP_TYPE_ECHO_REQUEST, .data = ping + 8, .data_len = 2000}, error = {.type = ICMP_TYPE_UNREACHABLE, .data = ping + 8, .data_len = 2000};
  struct cut c = {IPV4_PROTO_ICMP, 1, ping, icmp_emit(ping, sizeof ping, &echo)};
  struct icmp_msg m;
  give(b, &c, 0, 1000, true);
  c.id = 2;
  give(b, &c, 1000, 1008, false);
  c.id = 3;
  icmp_emit(ping, sizeof ping, &error);
  give(b, &c, 0, 1000, false);
  assert_int_equal(stack_next_deadline(b->s), b->now_us + 30ull * SECOND);
  bed_pass(b, 30ull * SECOND - 1);
  bed_expect_silence(b);
  bed_pass(b, 1);
  assert_int_equal(stack_output(b->s, frame, sizeof frame), 14 + 20 + 8 + 24 + 8);   // of the first one alone
  assert_memory_equal(frame, peer_mac, 6);
  assert_int_equal(icmp_parse(frame + 34, 40, &m), ICMP_OK);
  assert_true(m.type == ICMP_TYPE_TIME_EXCEEDED && m.code == ICMP_CODE_REASSEMBLY);
  assert_int_equal(get_be16(m.data + 4), 1);          // its identification
  assert_int_equal(m.data[24], ICMP_TYPE_ECHO_REQUEST);
  bed_expect_silence(b);
  assert_int_equal(stat(b, ST_IP_REASSEMBLY_TIMEOUT), 3);
  assert_int_equal(stat(b, ST_ICMP_TIME_EXCEEDED_SENT), 1);
  assert_int_equal(stack_next_deadline(b->s), UINT64_MAX);
}

static void test_datagrams_put_together_at_once_are_bounded(void **state)
{
  struct bed *b = *state;
  static uint8_t data[64];
  struct cut c = {IPV4_PROTO_UDP, 0, data, sizeof data};
  for (; c.id < 100; c.id++) give(b, &c, 0, 32, false);
  assert_int_equal(stat(b, ST_IP_REASSEMBLY_EVICTED), 100 - 32);
  bed_expect_silence(b);
}

static void test_shared_address_leaves_fragments_alone(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.shared_ip = true});
  static uint8_t data[64];
  const struct cut c = {IPV4_PROTO_UDP, 1, data, sizeof data};
  give(b, &c, 0, 32, false);
  assert_int_equal(stat(b, ST_IP_FRAGMENT), 1);
  assert_int_equal(stack_next_deadline(b->s), UINT64_MAX);
  bed_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_ping_in_fragments_is_answered_in_fragments),
    BED_TEST(test_datagram_in_fragments_reaches_its_socket),
    BED_TEST(test_segment_in_fragments_goes_to_the_engine_of_its_flow),
    BED_TEST(test_segment_in_fragments_is_held_until_the_fence),
    BED_TEST(test_segment_longer_than_the_mtu_is_refused_by_name),
    BED_TEST(test_segment_longer_than_the_mtu_opens_and_is_not_held),
    BED_TEST(test_damaged_segment_in_fragments_is_dropped),
    BED_TEST(test_syn_in_fragments_opens_a_connection),
    BED_TEST(test_overlapping_fragments_are_refused_and_doubled_ones_ignored),
    BED_TEST(test_missing_fragments_are_time_exceeded_if_the_first_came),
    BED_TEST(test_datagrams_put_together_at_once_are_bounded),
    cmocka_unit_test(test_shared_address_leaves_fragments_alone),
  };
  return cmocka_run_group_tests_name("sock/fragment", tests, NULL, NULL);
}
