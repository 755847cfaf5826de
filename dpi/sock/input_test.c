// SPDX-License-Identifier: Apache-2.0
// What comes in below TCP, and malformed frames of every kind.
#include "net/arp.h"
#include "net/icmp.h"
#include "sock/testbed.h"

// Gives the stack exactly len bytes, so that ASan sees any read beyond them.
static void input_exact(struct bed *b, const uint8_t *frame, size_t len)
{
  uint8_t *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  memcpy(copy, frame, len);
  stack_input(b->s, copy, len, b->now_us);
  free(copy);
}

static size_t syn_frame(const struct bed *b, uint8_t out[2048], bool ip_options)
{
  return bed_frame(out, PEER_PORT, &(struct segment){.seq = {b->start.irs}, .flags = TCP_SYN,
                                                     .opt = {true, true, true, true, 1460, 7, 1, 0}}, ip_options);
}

static void set_ip_checksum(uint8_t *frame)
{
  size_t hdr = (size_t)(frame[14] & 15) * 4;
  put_be16(frame + 24, 0);
  uint32_t sum = 0;
  for (size_t i = 0; i < hdr; i += 2) sum += get_be16(frame + 14 + i);
  put_be16(frame + 24, (uint16_t)~(sum % 0xffff));
}

static uint64_t sum_of_counters(const struct bed *b)
{
  uint64_t sum = 0;
  for (unsigned i = 0; i < ST_N; i++) sum += stack_stat(b->s, (enum stack_stat)i);
  return sum;
}

// Under this name and no other.
static void expect_dropped_as(struct bed *b, const uint8_t *frame, size_t len, enum stack_stat why)
{
  uint64_t before = stack_stat(b->s, why), sum = sum_of_counters(b);
  input_exact(b, frame, len);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, why), before + 1);
  assert_int_equal(sum_of_counters(b), sum + 1);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
}

static void test_cut_frames_are_dropped_at_every_length(void **state)
{
  struct bed *b = *state;
  for (int options = 0; options < 2; options++) {
    uint8_t frame[2048];
    size_t len = syn_frame(b, frame, options);
    for (size_t cut = 0; cut < len; cut++) expect_dropped_as(b, frame, cut, cut < 14 ? ST_ETH_BAD : ST_IP_BAD);
  }
}

static void test_segments_cut_by_the_ip_length_are_dropped_at_every_length(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048];
  size_t len = syn_frame(b, frame, false);
  for (size_t cut = 0; cut < len - 34; cut++) {
    put_be16(frame + 16, (uint16_t)(20 + cut));
    set_ip_checksum(frame);
    expect_dropped_as(b, frame, len, ST_TCP_BAD);
  }
}

static void test_padding_is_no_payload(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048] = {0};
  size_t len = syn_frame(b, frame, false);
  memset(frame + len, 0xee, 20);
  input_exact(b, frame, len + 20);
  assert_int_equal(bed_expect_out(b).ack.v, b->start.irs + 1);
}

static void test_wrong_bits_never_open_a_connection(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048];
  size_t len = syn_frame(b, frame, false);
  for (size_t bit = 8 * 6; bit < 8 * len; bit++) {
    if (bit / 8 < 12) continue;                     // the source MAC is nobody's but the sender's
    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    input_exact(b, frame, len);
    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  assert_int_equal(stack_stat(b->s, ST_TCP_CHECKSUM) > 0, true);
}

static void test_frames_for_others_are_dropped_by_name(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048];
  size_t len = syn_frame(b, frame, false);
  frame[5] ^= 0x40;
  expect_dropped_as(b, frame, len, ST_NOT_OUR_MAC);
  memset(frame, 0xff, 6);
  expect_dropped_as(b, frame, len, ST_NOT_OUR_MAC);
  memcpy(frame, bed_mac, 6);
  frame[6] |= 1;
  expect_dropped_as(b, frame, len, ST_ETH_BAD);
  memcpy(frame + 6, peer_mac, 6);
  put_be16(frame + 12, ETH_TYPE_VLAN);
  expect_dropped_as(b, frame, len, ST_VLAN);
  put_be16(frame + 12, ETH_TYPE_IPV6);
  expect_dropped_as(b, frame, len, ST_OTHER_ETHERTYPE);
  put_be16(frame + 12, 100);
  expect_dropped_as(b, frame, len, ST_ETH_BAD);
  put_be16(frame + 12, ETH_TYPE_IPV4);
  put_be32(frame + 30, BED_IP + 9);
  set_ip_checksum(frame);
  expect_dropped_as(b, frame, len, ST_IP_NOT_OURS);
  put_be32(frame + 30, BED_IP);
}

static void test_other_protocols_are_unreachable(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048], out[2048];
  struct icmp_msg m;
  size_t len = syn_frame(b, frame, false);
  frame[23] = 99;
  set_ip_checksum(frame);
  input_exact(b, frame, len);
  assert_int_equal(stack_stat(b->s, ST_OTHER_PROTO), 1);
  assert_int_equal(stack_stat(b->s, ST_ICMP_UNREACHABLE_SENT), 1);
  assert_int_equal(stack_output(b->s, out, sizeof out), 14 + 20 + 8 + 28);
  assert_int_equal(icmp_parse(out + 34, 36, &m), ICMP_OK);
  assert_true(m.type == ICMP_TYPE_UNREACHABLE && m.code == ICMP_CODE_PROTOCOL);
  assert_memory_equal(m.data, frame + 14, 28);
  put_be16(frame + 16, 27);   // with less than an error quotes
  set_ip_checksum(frame);
  expect_dropped_as(b, frame, len, ST_OTHER_PROTO);
}

static void test_source_routes_are_refused(void **state)
{
  struct bed *b = *state;
  static const struct { uint8_t options[4]; enum stack_stat why; } t[] = {
    {{131, 3, 4, 0}, ST_IP_SOURCE_ROUTE}, {{137, 3, 4, 0}, ST_IP_SOURCE_ROUTE}, {{1, 131, 3, 4}, ST_IP_SOURCE_ROUTE},
    {{7, 3, 131, 131}, ST_IP_SOURCE_ROUTE}, {{0, 2, 131, 3}, ST_IP_OPTIONS}, {{7, 4, 131, 131}, ST_IP_OPTIONS},
    {{7, 1, 131, 3}, ST_IP_OPTIONS}, {{1, 1, 1, 7}, ST_IP_OPTIONS}, {{7, 255, 131, 3}, ST_IP_OPTIONS}};
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
    uint8_t frame[2048], out[2048];
    uint64_t before = stack_stat(b->s, t[i].why);
    size_t len = syn_frame(b, frame, true);
    memcpy(frame + 34, t[i].options, 4);
    set_ip_checksum(frame);
    input_exact(b, frame, len);
    assert_int_equal(stack_stat(b->s, t[i].why), before + 1);
    assert_int_equal(stack_output(b->s, out, sizeof out) > 0, t[i].why == ST_IP_OPTIONS);
    put_be16(frame + 16, 24);   // options, and no more
    set_ip_checksum(frame);
    input_exact(b, frame, 38);
    assert_int_equal(stack_stat(b->s, t[i].why), before + 2);
  }
}

static void test_sources_that_no_host_can_have_are_dropped(void **state)
{
  struct bed *b = *state;
  const uint32_t bad[] = {BED_IP, 0, 0x00000001, 0x7f000001, 0xe0000001, 0xffffffff, 0x0a0900ff};
  uint8_t frame[2048];
  size_t len = syn_frame(b, frame, false);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    put_be32(frame + 26, bad[i]);
    set_ip_checksum(frame);
    expect_dropped_as(b, frame, len, ST_IP_BAD);
  }
}

static void test_loopback_addresses_do_not_come_from_the_wire(void **state)
{
  struct bed *b = *state;
  static const struct { uint32_t src, dst; bool own_mac; } t[] = {
    {PEER_IP, 0x7f000001, false}, {0x7f000001, BED_IP, true}, {0x7f000001, 0x7f000001, false}, {0x7f000001, 0x7f000001, true}, {BED_IP, 0x7f000001, true}};
  uint8_t frame[2048];
  for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
    struct segment syn = {.src_port = PEER_PORT, .dst_port = BED_PORT, .seq = {b->start.irs}, .flags = TCP_SYN, .window = 1000};
    bed_frame(frame, PEER_PORT, &syn, false);
    size_t n = segment_emit(&syn, t[i].src, t[i].dst, frame + 34, sizeof frame - 34);
    put_be32(frame + 26, t[i].src);
    put_be32(frame + 30, t[i].dst);
    if (t[i].own_mac) memcpy(frame + 6, bed_mac, 6);
    set_ip_checksum(frame);
    expect_dropped_as(b, frame, 34 + n, ST_IP_BAD);
  }
}

static void test_ip_options_are_counted_and_the_syn_is_answered(void **state)
{
  struct bed *b = *state;
  uint8_t frame[2048];
  input_exact(b, frame, syn_frame(b, frame, true));
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN | TCP_ACK);
  assert_int_equal(stack_stat(b->s, ST_IP_OPTIONS), 1);
}

// --- ARP ---
static const uint8_t no_mac[6] = {0};

static void ask_arp(struct bed *b, uint32_t target)
{
  uint8_t frame[ARP_FRAME_BYTES];
  size_t len = arp_emit_request(frame, sizeof frame, peer_mac, PEER_IP, target);
  input_exact(b, frame, len);
}

static void test_arp_request_for_us_is_answered(void **state)
{
  struct bed *b = *state;
  ask_arp(b, BED_IP);
  uint8_t frame[2048];
  size_t len = stack_output(b->s, frame, sizeof frame);
  struct arp_packet a;
  assert_int_equal(len, ARP_FRAME_BYTES);
  assert_memory_equal(frame, peer_mac, 6);
  assert_memory_equal(frame + 6, bed_mac, 6);
  assert_int_equal(arp_parse(frame + 14, len - 14, &a), ARP_OK);
  assert_int_equal(a.op, ARP_OP_REPLY);
  assert_int_equal(a.sender_ip, BED_IP);
  assert_memory_equal(a.sender_mac, bed_mac, 6);
  assert_int_equal(a.target_ip, PEER_IP);
  ask_arp(b, BED_IP + 1);
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_ARP_IN), 2);
}

static void test_arp_garbage_is_dropped_at_every_length(void **state)
{
  struct bed *b = *state;
  uint8_t frame[ARP_FRAME_BYTES];
  size_t len = arp_emit_request(frame, sizeof frame, peer_mac, PEER_IP, BED_IP);
  for (size_t cut = 14; cut < len; cut++) expect_dropped_as(b, frame, cut, ST_ARP_BAD);
  memcpy(frame + 22, no_mac, 6);
  expect_dropped_as(b, frame, len, ST_ARP_BAD);
  memcpy(frame + 22, peer_mac, 6);
  frame[5] = 0xfe;
  frame[0] = 2;
  expect_dropped_as(b, frame, len, ST_NOT_OUR_MAC);
}

// --- ICMP ---
static size_t ping_frame(uint8_t out[2048], size_t n, bool reply)
{
  static const uint8_t data[1600] = "abcdefgh";
  const struct icmp_msg m = {.type = reply ? ICMP_TYPE_ECHO_REPLY : ICMP_TYPE_ECHO_REQUEST, .id = 1, .seq = 2, .data = data, .data_len = n};
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(out, 14, &eth);
  size_t len = icmp_emit(out + 34, 2000, &m);
  ipv4_emit(out + 14, 20, PEER_IP, BED_IP, IPV4_PROTO_ICMP, 0, len);
  return 34 + len;
}

static void test_ping_is_answered_with_its_data(void **state)
{
  struct bed *b = *state;
  const size_t sizes[] = {0, 1, 56, BED_MTU - 28};
  for (size_t i = 0; i < 4; i++) {
    uint8_t in[2048], out[2048];
    size_t len = ping_frame(in, sizes[i], false);
    input_exact(b, in, len);
    struct icmp_msg m;
    assert_int_equal(stack_output(b->s, out, sizeof out), len);
    assert_memory_equal(out, peer_mac, 6);
    assert_int_equal(icmp_parse(out + 34, len - 34, &m), ICMP_OK);
    assert_int_equal(m.type, ICMP_TYPE_ECHO_REPLY);
    assert_int_equal(m.data_len, sizes[i]);
    assert_memory_equal(out + 38, in + 38, len - 38);
    assert_int_equal(get_be16(out + 14 + 6), 0);   // may be cut on its way: nobody would send it again, shorter
  }
}

static void test_ping_that_cannot_be_answered_is_dropped(void **state)
{
  struct bed *b = *state;
  uint8_t in[2048];
  size_t len = ping_frame(in, 8, true);
  expect_dropped_as(b, in, len, ST_ICMP_OTHER);
  len = ping_frame(in, 8, false);
  in[40] ^= 1;
  expect_dropped_as(b, in, len, ST_ICMP_BAD);
}

static void test_shared_address_leaves_arp_and_ping_to_the_kernel(void **state)
{
  (void)state;
  struct bed *b = bed_open(&start_plain, (struct bed_opts){.shared_ip = true});
  uint8_t in[2048];
  ask_arp(b, BED_IP);
  input_exact(b, in, ping_frame(in, 8, false));
  bed_expect_silence(b);
  assert_int_equal(stack_stat(b->s, ST_ARP_IN), 1);
  assert_int_equal(stack_stat(b->s, ST_ICMP_ECHO), 1);
  bed_syn(b, PEER_PORT);
  bed_close(b);
}

// --- the stack as a whole ---
static void test_output_queue_is_bounded(void **state)
{
  struct bed *b = *state;
  for (int i = 0; i < 300; i++) ask_arp(b, BED_IP);
  uint8_t frame[2048];
  int n = 0;
  while (stack_output(b->s, frame, sizeof frame) > 0) n++;
  assert_int_equal(n, 256);
  assert_int_equal(stack_stat(b->s, ST_OUT_DROPPED), 44);
  for (int i = 0; i < 300; i++) input_exact(b, frame, ping_frame(frame, 8, false));
  for (n = 0; stack_output(b->s, frame, sizeof frame) > 0; n++) {}
  assert_int_equal(n, 256);
  struct segment syn = {.seq = {b->start.irs}, .flags = TCP_SYN};
  for (int i = 0; i < 300; i++) bed_send(b, PEER_PORT, &syn);
  for (n = 0; stack_output(b->s, frame, sizeof frame) > 0; n++) {}
  assert_int_equal(n, 256);
  assert_int_equal(stack_stat(b->s, ST_OUT_DROPPED), 3 * 44);
}

static void test_every_counter_has_a_name_of_its_own(void **state)
{
  struct bed *b = *state;
  for (unsigned i = 0; i < ST_N; i++) {
    assert_non_null(stack_stat_name((enum stack_stat)i));
    for (unsigned k = 0; k < i; k++) assert_string_not_equal(stack_stat_name((enum stack_stat)i), stack_stat_name((enum stack_stat)k));
    assert_int_equal(stack_stat(b->s, (enum stack_stat)i), 0);
  }
  assert_string_equal(stack_stat_name(ST_N), "?");
}

static void test_strangers_leave_no_state_but_in_the_connection_table(void **state)
{
  struct bed *b = *state;
  struct rng r;
  rng_seed(&r, 7);
  uint8_t frame[2048], out[2048];
  for (int i = 0; i < 20000; i++) {
    struct segment seg = {.src_port = (uint16_t)rng_next(&r), .dst_port = rng_below(&r, 2) ? BED_PORT : (uint16_t)rng_next(&r),
                          .seq = {(uint32_t)rng_next(&r)}, .ack = {(uint32_t)rng_next(&r)}, .flags = (uint8_t)rng_below(&r, 64)};
    size_t len = bed_frame(frame, 1, &seg, rng_below(&r, 8) == 0);
    input_exact(b, frame, len);
    while (stack_output(b->s, out, sizeof out) > 0) {}
    bed_pass(b, rng_below(&r, 1000));
  }
  assert_true(stack_stat(b->s, ST_CONN_NOW) <= BED_FLOWS);
  for (int i = 0; i < 6; i++) bed_pass(b, 32ull * SECOND);   // every SYN-ACK is given up
  assert_int_equal(stack_stat(b->s, ST_CONN_NOW), 0);
  bed_expect_no_call(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    BED_TEST(test_cut_frames_are_dropped_at_every_length),
    BED_TEST(test_segments_cut_by_the_ip_length_are_dropped_at_every_length),
    BED_TEST(test_padding_is_no_payload),
    BED_TEST(test_wrong_bits_never_open_a_connection),
    BED_TEST(test_frames_for_others_are_dropped_by_name),
    BED_TEST(test_other_protocols_are_unreachable),
    BED_TEST(test_source_routes_are_refused),
    BED_TEST(test_sources_that_no_host_can_have_are_dropped),
    BED_TEST(test_loopback_addresses_do_not_come_from_the_wire),
    BED_TEST(test_ip_options_are_counted_and_the_syn_is_answered),
    BED_TEST(test_arp_request_for_us_is_answered),
    BED_TEST(test_arp_garbage_is_dropped_at_every_length),
    BED_TEST(test_ping_is_answered_with_its_data),
    BED_TEST(test_ping_that_cannot_be_answered_is_dropped),
    cmocka_unit_test(test_shared_address_leaves_arp_and_ping_to_the_kernel),
    BED_TEST(test_output_queue_is_bounded),
    BED_TEST(test_every_counter_has_a_name_of_its_own),
    BED_TEST(test_strangers_leave_no_state_but_in_the_connection_table),
  };
  return cmocka_run_group_tests_name("sock/input", tests, NULL, NULL);
}
