// SPDX-License-Identifier: Apache-2.0
// SYN cookies: what they remember, for how long, and that a flood leaves room for a real client and takes no memory.
#include "sock/netbed.h"

#include "base/rng.h"
#include "net/eth.h"
#include "sock/cookie.h"

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);   // its header is not with every gcc
static size_t allocated_bytes(void) { return __sanitizer_get_current_allocated_bytes(); }
#else
#include <malloc.h>
static size_t allocated_bytes(void) { return mallinfo2().uordblks; }
#endif

static const uint8_t key[16] = {1, 2, 3}, other_key[16] = {9};
static const struct tuple tuple = {0x0a000001, 0x0a000002, 80, 40000};

// --- the numbers ---

static void test_cookie_remembers_the_largest_mss_of_its_table(void **state)
{
  (void)state;
  struct { uint16_t said, kept; } rows[] = {{1, 48}, {48, 48}, {535, 216}, {536, 536}, {1459, 1400}, {1460, 1460},
                                            {8959, 1460}, {8960, 8960}, {65535, 8960}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint16_t mss = 0;
    struct seq irs = seq_of(0xfffffffe);
    struct seq iss = cookie_make(key, &tuple, irs, rows[i].said, 12345678);
    assert_true(cookie_check(key, &tuple, irs, iss, 12345678, &mss));
    assert_int_equal(mss, rows[i].kept);
  }
}

static void test_cookie_holds_for_one_to_two_periods(void **state)
{
  (void)state;
  uint16_t mss;
  for (uint64_t at = 0; at < 64ull * 64000000; at += 7777777) {
    struct seq iss = cookie_make(key, &tuple, seq_of(5), 1460, at);
    assert_true(cookie_check(key, &tuple, seq_of(5), iss, at + COOKIE_LIFE_US / 2, &mss));
    assert_false(cookie_check(key, &tuple, seq_of(5), iss, at + COOKIE_LIFE_US, &mss));
  }
}

static void test_cookie_is_refused_when_anything_differs(void **state)
{
  (void)state;
  uint16_t mss;
  struct seq irs = seq_of(7), iss = cookie_make(key, &tuple, irs, 1460, 0);
  for (unsigned bit = 0; bit < 32; bit++) {
    assert_false(cookie_check(key, &tuple, irs, seq_of(iss.v ^ 1u << bit), 0, &mss));
    assert_false(cookie_check(key, &tuple, seq_of(irs.v ^ 1u << bit), iss, 0, &mss));
  }
  struct tuple t[4] = {tuple, tuple, tuple, tuple};
  t[0].local_ip++, t[1].remote_ip++, t[2].local_port++, t[3].remote_port++;
  for (size_t i = 0; i < 4; i++) assert_false(cookie_check(key, &t[i], irs, iss, 0, &mss));
  assert_false(cookie_check(other_key, &tuple, irs, iss, 0, &mss));
}

static void test_timestamp_remembers_scale_and_sack_and_is_never_ahead(void **state)
{
  (void)state;
  for (uint64_t now = 1ull << 32; now < (1ull << 32) + 100000; now += 321) {
    for (int scale = -1; scale <= 15; scale++) {
      struct segment_options o = {.has_wscale = scale >= 0, .wscale = (uint8_t)(scale < 0 ? 0 : scale),
                                  .sack_permitted = scale & 1};
      uint32_t ts = cookie_tsval(&o, now);
      struct segment_options back = {.has_mss = true, .mss = 99};
      cookie_recall(ts, &back);
      assert_in_range(core_tsval(now) - ts, 0, 32);
      assert_int_equal(back.has_wscale, o.has_wscale);
      assert_int_equal(back.wscale, o.wscale > 14 ? 14 : o.wscale);
      assert_int_equal(back.sack_permitted, o.sack_permitted);
      assert_int_equal(back.mss, 99);
    }
  }
}

// --- in the stack ---

// A SYN to host 1 from a stranger behind host 0's MAC.
static void stranger_syn(struct net *n, uint32_t ip, uint16_t port, uint32_t seq)
{
  uint8_t frame[128] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
  struct segment s = {.src_port = port, .dst_port = SERVER_PORT, .seq = seq_of(seq), .flags = TCP_SYN, .window = 1000,
                      .opt = {.has_mss = true, .mss = 1460}};
  size_t len = segment_emit(&s, ip, NET_IP_1, frame + 34, sizeof frame - 34);
  ipv4_emit(frame + 14, 20, ip, NET_IP_1, IPV4_PROTO_TCP, 0, len);
  stack_input(n->h[1].s, frame, 34 + len, n->now_us);
}

static void flood(struct net *n, unsigned syns, uint64_t gap_us)
{
  struct rng r;
  uint8_t frame[NET_FRAME];
  rng_seed(&r, 99);
  for (unsigned i = 0; i < syns; i++) {
    stranger_syn(n, 0x14000000 + rng_below(&r, 1u << 24), (uint16_t)(1024 + rng_below(&r, 60000)), (uint32_t)rng_next(&r));
    n->now_us += gap_us;
    stack_poll(n->h[1].s, n->now_us);
    while (stack_output(n->h[1].s, frame, sizeof frame) > 0) {}   // to nowhere
  }
}

static void test_flood_of_200000_syns_takes_no_memory_and_a_client_still_connects(void **state)
{
  struct net *n = *state;
  struct net_pair p = {.listener = net_listen(n, 1, SERVER_PORT, 4)};
  flood(n, 100, 10);
  size_t before = allocated_bytes();
  flood(n, 200000, 10);
  assert_int_equal(allocated_bytes(), before);
  assert_true(net_stat(n, 1, ST_CONN_NOW) <= 4);
  assert_true(net_stat(n, 1, ST_TCP_COOKIE_SENT) > 190000);
  p.sid[0] = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 10);
  p.sid[1] = sock_accept(n->h[1].s, p.listener, NULL);
  assert_true(p.sid[1] >= 0);
  assert_int_equal(net_stat(n, 1, ST_TCP_COOKIE_ACCEPTED), 1);
  net_transfer(n, &p, 100000);
}

static void test_client_gets_a_flow_though_half_open_ones_would_take_all(void **state)
{
  struct net *n = *state;
  struct net_pair p = {.listener = net_listen(n, 1, SERVER_PORT, 1000)};
  flood(n, 100, 10);
  assert_int_equal(net_stat(n, 1, ST_CONN_NOW), NET_FLOWS - NET_FLOWS / 8);
  for (uint16_t i = 0; i < 4; i++) {   // the first takes what was left, the others evict
    n->now_us += 2 * SECOND;
    p.sid[0] = net_dial(n, 0, (uint16_t)(CLIENT_PORT + i), NET_IP_1, SERVER_PORT);
    net_run(n, SECOND / 10);
    p.sid[1] = sock_accept(n->h[1].s, p.listener, NULL);
    assert_true(p.sid[1] >= 0);
    net_transfer(n, &p, 1000);
  }
  assert_int_equal(net_stat(n, 1, ST_TCP_HALF_OPEN_EVICTED), 3);
  assert_int_equal(net_stat(n, 1, ST_CONN_NOW), NET_FLOWS);
}

static void test_cookie_keeps_mss_scale_sack_and_timestamps(void **state)
{
  struct net *n = *state;
  int listener = net_listen(n, 1, SERVER_PORT, 1);
  stranger_syn(n, 0x14000001, 1024, 1);
  net_run(n, 0);
  net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 10);
  assert_true(sock_accept(n->h[1].s, listener, NULL) >= 0);
  assert_int_equal(net_stat(n, 1, ST_TCP_COOKIE_ACCEPTED), 1);
  unsigned found = 0;
  for (uint16_t f = 0; f < NET_FLOWS; f++) {
    const struct snd_ctx *c = ref_snd_ctx(n->h[1].ref, f);
    if (!c) continue;
    found++;
    assert_true(c->ts_ok && c->sack_ok);
    assert_int_equal(c->mss, 1448);
  }
  assert_int_equal(found, 1);
}

static void test_cookie_without_timestamps_offers_mss_alone(void **state)
{
  struct net *n = *state;
  uint8_t frame[128] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, out[NET_FRAME];
  net_listen(n, 1, SERVER_PORT, 1);
  stranger_syn(n, 0x14000001, 1024, 1);
  while (stack_output(n->h[1].s, out, sizeof out) > 0) {}
  struct segment s = {.src_port = 5, .dst_port = SERVER_PORT, .seq = seq_of(0xffffffff), .flags = TCP_SYN, .window = 1000,
                      .opt = {.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true}};
  size_t len = segment_emit(&s, NET_IP_0, NET_IP_1, frame + 34, sizeof frame - 34);
  ipv4_emit(frame + 14, 20, NET_IP_0, NET_IP_1, IPV4_PROTO_TCP, 0, len);
  stack_input(n->h[1].s, frame, 34 + len, n->now_us);
  len = stack_output(n->h[1].s, out, sizeof out);
  assert_int_equal(segment_parse(&s, NET_IP_1, NET_IP_0, out + 34, len - 34), SEGMENT_OK);
  assert_int_equal(s.flags, TCP_SYN | TCP_ACK);
  assert_true(s.opt.has_mss);
  assert_false(s.opt.has_wscale || s.opt.sack_permitted || s.opt.has_timestamps);
}

// An ACK with these numbers to the listener; what comes back, 0 flags for silence.
static uint8_t stray_ack(struct net *n, uint32_t seq, uint32_t ack)
{
  uint8_t frame[128] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, out[NET_FRAME];
  struct segment s = {.src_port = 5, .dst_port = SERVER_PORT, .seq = seq_of(seq), .ack = seq_of(ack), .flags = TCP_ACK,
                      .window = 1000};
  size_t len = segment_emit(&s, NET_IP_0, NET_IP_1, frame + 34, sizeof frame - 34);
  ipv4_emit(frame + 14, 20, NET_IP_0, NET_IP_1, IPV4_PROTO_TCP, 0, len);
  stack_input(n->h[1].s, frame, 34 + len, n->now_us);
  len = stack_output(n->h[1].s, out, sizeof out);
  if (len == 0) return 0;
  assert_int_equal(segment_parse(&s, NET_IP_1, NET_IP_0, out + 34, len - 34), SEGMENT_OK);
  return s.flags;
}

static void test_forged_ack_is_reset_like_any_stray_one(void **state)
{
  struct net *n = *state;
  uint8_t out[NET_FRAME];
  net_listen(n, 1, SERVER_PORT, 1);
  assert_int_equal(stray_ack(n, 1, 1), TCP_RST);
  assert_int_equal(net_stat(n, 1, ST_TCP_COOKIE_BAD), 0);   // none was ever sent
  for (uint16_t i = 0; i < 3; i++) stranger_syn(n, 0x14000001, (uint16_t)(1024 + i), 1);
  while (stack_output(n->h[1].s, out, sizeof out) > 0) {}
  assert_int_equal(stray_ack(n, 1, 1), TCP_RST);
  assert_int_equal(net_stat(n, 1, ST_TCP_COOKIE_BAD), 1);
  net_run(n, 2 * (uint64_t)COOKIE_LIFE_US);
  assert_int_equal(stray_ack(n, 1, 1), TCP_RST);
  assert_int_equal(net_stat(n, 1, ST_TCP_COOKIE_BAD), 1);   // not even looked at any more
}

// --- what else a listener does at a SYN ---

struct judge {
  enum sock_verdict verdict;
  struct sock_addr peer, local;
  unsigned asked;
};

static enum sock_verdict judge(void *arg, const struct sock_addr *peer, const struct sock_addr *local)
{
  struct judge *j = arg;
  j->peer = *peer;
  j->local = *local;
  j->asked++;
  return j->verdict;
}

static void test_policy_lets_in_ignores_or_refuses(void **state)
{
  struct net *n = *state;
  struct judge j = {.verdict = SOCK_IGNORE};
  int listener = net_listen(n, 1, SERVER_PORT, 4);
  assert_int_equal(sock_set_policy(n->h[1].s, listener, judge, &j), 0);
  assert_int_equal(sock_set_policy(n->h[1].s, 99, judge, &j), -EBADF);
  int sid = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 2);
  assert_int_equal(sock_poll(n->h[0].s, sid), 0);
  assert_int_equal(j.asked, 1);
  assert_int_equal(j.peer.ip, NET_IP_0);
  assert_int_equal(j.peer.port, CLIENT_PORT);
  assert_int_equal(j.local.ip, NET_IP_1);
  assert_int_equal(j.local.port, SERVER_PORT);
  j.verdict = SOCK_LET_IN;
  net_run(n, 2 * SECOND);   // the next SYN
  assert_int_equal(sock_poll(n->h[0].s, sid), SOCK_OUT);
  j.verdict = SOCK_REFUSE;
  sid = net_dial(n, 0, CLIENT_PORT + 1, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 2);
  assert_int_equal(net_recv(n, 0, sid), -ECONNREFUSED);
  assert_int_equal(net_stat(n, 1, ST_TCP_POLICY_REFUSED), 2);
  assert_int_equal(net_stat(n, 1, ST_CONN_NOW), 1);
}

static void test_cookie_has_the_listeners_diffserv_field(void **state)
{
  struct net *n = *state;
  int listener = net_listen(n, 1, SERVER_PORT, 1);
  assert_int_equal(sock_setsockopt(n->h[1].s, listener, SOCK_OPT_DSCP, 10), 0);
  for (uint16_t i = 0; i < 2; i++) {
    n->ip[1].tos = 0;
    stranger_syn(n, 0x14000001, (uint16_t)(1024 + i), 1);
    net_run(n, LINK_US);
    assert_int_equal(net_stat(n, 1, ST_TCP_COOKIE_SENT), i);
    assert_int_equal(n->ip[1].tos, 10 << 2);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cookie_remembers_the_largest_mss_of_its_table),
    cmocka_unit_test(test_cookie_holds_for_one_to_two_periods),
    cmocka_unit_test(test_cookie_is_refused_when_anything_differs),
    cmocka_unit_test(test_timestamp_remembers_scale_and_sack_and_is_never_ahead),
    NET_TEST(test_flood_of_200000_syns_takes_no_memory_and_a_client_still_connects),
    NET_TEST(test_client_gets_a_flow_though_half_open_ones_would_take_all),
    NET_TEST(test_cookie_keeps_mss_scale_sack_and_timestamps),
    NET_TEST(test_cookie_without_timestamps_offers_mss_alone),
    NET_TEST(test_forged_ack_is_reset_like_any_stray_one),
    NET_TEST(test_cookie_has_the_listeners_diffserv_field),
    NET_TEST(test_policy_lets_in_ignores_or_refuses),
  };
  return cmocka_run_group_tests_name("sock/cookie", tests, NULL, NULL);
}
