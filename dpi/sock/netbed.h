// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: two whole hosts, each a stack over the reference engine, joined by a link in virtual time.
// Nothing in it is a double. Frames take LINK_US; a test may look at each and lose it.
#ifndef LW_NETBED_H
#define LW_NETBED_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "net/ipv4.h"
#include "sock/sock.h"
#include "sock/stack.h"
#include "tcp/isn.h"
#include "tcp/ref.h"
#include "tcp/segment.h"

enum { NET_IP_0 = 0x0a090001, NET_IP_1 = 0x0a090002, CLIENT_PORT = 40000, SERVER_PORT = 7 };
enum { LINK_US = 1000, NET_FLOWS = 8, NET_RING = 32768, NET_TW_US = 10000000, NET_MTU = 1500, NET_FRAME = 1600, SECOND = 1000000 };

struct net_frame {
  struct net_frame *next;
  uint64_t at_us;
  int to;
  size_t len;
  uint8_t bytes[NET_FRAME];
};

struct host {
  struct ref *ref;
  struct stack *s;
};

struct net {
  struct host h[2];
  uint64_t now_us;
  struct net_frame *first;            // by time
  // True: the frame is lost. Asked for each that a host sends to the other.
  bool (*lose)(struct net *n, int from, const struct segment *seg);
  bool cut;                           // the link is down, for ARP too
  unsigned count;                     // for `lose`
  unsigned sent[2];                   // frames on the link
  struct ipv4_hdr ip[2];              // of the last IPv4 packet each sent
};

// --- set-up ---
static inline struct seq net_isn(uint64_t seed, int host, uint64_t now_us)
{
  struct rng r;
  struct isn g;
  rng_seed(&r, seed);
  isn_init(&g, &r);
  return host == 0 ? isn_make(&g, NET_IP_0, CLIENT_PORT, NET_IP_1, SERVER_PORT, now_us)
                   : isn_make(&g, NET_IP_1, SERVER_PORT, NET_IP_0, CLIENT_PORT, now_us);
}

// With wrap, the connection between CLIENT_PORT and SERVER_PORT begins with both ISNs within 64 KiB below 2^32: the
// client's by the time, the server's by its seed.
static inline void net_choose(bool wrap, uint64_t seed[2], uint64_t *now_us)
{
  seed[0] = 1;
  seed[1] = 2;
  *now_us = 1000000;
  if (!wrap) return;
  *now_us = 4ull * (uint32_t)(0xffffff00u - net_isn(seed[0], 0, 0).v);
  while (net_isn(seed[1], 1, *now_us).v < 0xffff0000u) seed[1]++;
}

static inline void host_open(struct host *h, int i, uint64_t seed, uint64_t now_us)
{
  struct ref_config rc = {.num_flows = NET_FLOWS, .tx_ring_bytes = NET_RING, .rx_ring_bytes = NET_RING,
                          .caps = core_caps_full(NET_RING), .seed = seed};
  struct stack_config sc = {.mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)}, .ip = i ? NET_IP_1 : NET_IP_0, .prefix_len = 24,
                            .mtu = NET_MTU, .seed = seed, .time_wait_us = NET_TW_US};
  h->ref = ref_open(&rc);
  assert_non_null(h->ref);
  h->s = stack_open(&sc, ref_engine(h->ref), now_us);
  assert_non_null(h->s);
}

static inline int net_setup(void **state)
{
  uint64_t seed[2];
  struct net *n = calloc(1, sizeof *n);
  assert_non_null(n);
  net_choose(*(const bool *)*state, seed, &n->now_us);
  for (int i = 0; i < 2; i++) host_open(&n->h[i], i, seed[i], n->now_us);
  *state = n;
  return 0;
}

static inline int net_teardown(void **state)
{
  struct net *n = *state;
  for (struct net_frame *f; (f = n->first);) {
    n->first = f->next;
    free(f);
  }
  for (int i = 0; i < 2; i++) {
    stack_close(n->h[i].s);
    ref_close(n->h[i].ref);
  }
  free(n);
  return 0;
}

static const bool net_plain = false, net_wrap = true;
#define NET_TEST(f) \
  {#f, f, net_setup, net_teardown, (void *)(uintptr_t)&net_plain}, \
  {#f " (near 2^32)", f, net_setup, net_teardown, (void *)(uintptr_t)&net_wrap}

// --- the link ---
static inline bool net_lost(struct net *n, int from, const uint8_t *frame, size_t len)
{
  struct ipv4_hdr *ip = &n->ip[from];
  struct segment seg;
  if (n->cut) return true;
  if (frame[12] != 8 || frame[13] != 0) return false;
  assert_int_equal(ipv4_parse(frame + 14, len - 14, ip), IPV4_OK);
  if (!n->lose || ip->proto != IPV4_PROTO_TCP) return false;
  assert_int_equal(segment_parse(&seg, ip->src, ip->dst, frame + 14 + ip->hdr_len, ip->payload_len), SEGMENT_OK);
  return n->lose(n, from, &seg);
}

// On its way to a host.
static inline void net_put(struct net *n, int to, uint64_t at_us, const uint8_t *frame, size_t len)
{
  struct net_frame *f = calloc(1, sizeof *f), **at = &n->first;
  assert_non_null(f);
  assert_true(len <= sizeof f->bytes);
  f->at_us = at_us;
  f->to = to;
  f->len = len;
  memcpy(f->bytes, frame, len);
  while (*at && (*at)->at_us <= f->at_us) at = &(*at)->next;
  f->next = *at;
  *at = f;
}

static inline void net_send(struct net *n, int from, const uint8_t *frame, size_t len)
{
  bool loops = stack_loops(n->h[from].s, frame, len);
  if (!loops) n->sent[from]++;
  if (!loops && net_lost(n, from, frame, len)) return;
  net_put(n, loops ? from : 1 - from, n->now_us + (loops ? 0 : LINK_US), frame, len);
}

static inline void net_pump(struct net *n, int i)
{
  struct host *h = &n->h[i];
  uint8_t frame[NET_FRAME];
  const uint8_t *p;
  size_t len;
  uint16_t flow;
  bool ok;
  ref_run(h->ref, n->now_us);
  stack_poll(h->s, n->now_us);
  while (ref_next_fence(h->ref, &flow, &ok)) stack_fence(h->s, flow, ok, n->now_us);
  ref_run(h->ref, n->now_us);
  stack_poll(h->s, n->now_us);
  ref_run(h->ref, n->now_us);
  while ((len = stack_output(h->s, frame, sizeof frame)) > 0) net_send(n, i, frame, len);
  while (ref_next_frame(h->ref, &p, &len)) net_send(n, i, p, len);
}

static inline void net_deliver(struct net *n)
{
  struct net_frame *f = n->first;
  n->first = f->next;
  struct host *h = &n->h[f->to];
  if (!ref_input(h->ref, f->bytes, f->len, n->now_us)) stack_input(h->s, f->bytes, f->len, n->now_us);
  net_pump(n, f->to);
  free(f);
}

static inline uint64_t net_next(const struct net *n)
{
  uint64_t at = n->first ? n->first->at_us : UINT64_MAX;
  for (int i = 0; i < 2; i++) {
    uint64_t s = stack_next_deadline(n->h[i].s), e = ref_next_deadline(n->h[i].ref);
    if (s < at) at = s;
    if (e < at) at = e;
  }
  return at;
}

// Lets the network run for so long.
static inline void net_run(struct net *n, uint64_t us)
{
  uint64_t end = n->now_us + us, at;
  for (int i = 0; i < 2; i++) net_pump(n, i);
  while ((at = net_next(n)) <= end) {
    if (at > n->now_us) n->now_us = at;
    while (n->first && n->first->at_us <= n->now_us) net_deliver(n);
    for (int i = 0; i < 2; i++) net_pump(n, i);
  }
  n->now_us = end;
  for (int i = 0; i < 2; i++) net_pump(n, i);   // tells them the time: socket calls count from it
}

// --- what tests do with it ---
static inline int net_listen(struct net *n, int host, uint16_t port, int backlog)
{
  int sid = sock_socket(n->h[host].s, SOCK_TCP);
  assert_int_equal(sock_bind(n->h[host].s, sid, 0, port), 0);
  assert_int_equal(sock_listen(n->h[host].s, sid, backlog), 0);
  return sid;
}

static inline int net_dial(struct net *n, int host, uint16_t from, uint32_t ip, uint16_t port)
{
  int sid = sock_socket(n->h[host].s, SOCK_TCP);
  if (from) assert_int_equal(sock_bind(n->h[host].s, sid, 0, from), 0);
  assert_int_equal(sock_connect(n->h[host].s, sid, ip, port), -EINPROGRESS);
  return sid;
}

struct net_pair {
  int listener, sid[2];   // client on host 0, server on host 1
};

// A connection from CLIENT_PORT to SERVER_PORT.
static inline struct net_pair net_connect(struct net *n)
{
  struct net_pair p = {.listener = net_listen(n, 1, SERVER_PORT, 8)};
  p.sid[0] = net_dial(n, 0, CLIENT_PORT, NET_IP_1, SERVER_PORT);
  net_run(n, SECOND / 10);
  assert_int_equal(sock_poll(n->h[0].s, p.sid[0]), SOCK_OUT);
  p.sid[1] = sock_accept(n->h[1].s, p.listener, NULL);
  assert_true(p.sid[1] >= 0);
  return p;
}

static inline uint8_t net_byte(int from, uint32_t i) { return (uint8_t)((i + (uint32_t)from * 77) * 31 + (i >> 8)); }

// One way of a connection: what was written and read, each byte held against net_byte.
struct net_way {
  int from, to, from_sid, to_sid;
  uint32_t total, put, got;
};

static inline void net_way_step(struct net *n, struct net_way *w)
{
  uint8_t buf[5000];
  uint32_t want = w->total - w->put < 3000 ? w->total - w->put : 3000;
  for (uint32_t i = 0; i < want; i++) buf[i] = net_byte(w->from, w->put + i);
  ssize_t k = want ? sock_send(n->h[w->from].s, w->from_sid, buf, want) : 0;
  assert_true(k >= 0 || k == -EAGAIN);
  if (k > 0) w->put += (uint32_t)k;
  while ((k = sock_recv(n->h[w->to].s, w->to_sid, buf, sizeof buf)) > 0)
    for (ssize_t i = 0; i < k; i++) assert_int_equal(buf[i], net_byte(w->from, w->got++));
  assert_true(k == 0 || k == -EAGAIN);
}

// Moves all of each way, within so much time.
static inline void net_move(struct net *n, struct net_way *w, size_t ways, uint64_t limit_us)
{
  uint64_t end = n->now_us + limit_us;
  for (bool all = false; !all;) {
    assert_true(n->now_us < end);
    all = true;
    for (size_t i = 0; i < ways; i++) {
      net_way_step(n, &w[i]);
      all = all && w[i].got == w[i].total;
    }
    net_run(n, LINK_US);
  }
}

static inline void net_transfer(struct net *n, const struct net_pair *p, uint32_t bytes)
{
  struct net_way w[2] = {{.from = 0, .to = 1, .from_sid = p->sid[0], .to_sid = p->sid[1], .total = bytes},
                         {.from = 1, .to = 0, .from_sid = p->sid[1], .to_sid = p->sid[0], .total = bytes}};
  net_move(n, w, 2, 60 * (uint64_t)SECOND);
}

static inline ssize_t net_recv(struct net *n, int host, int sid)
{
  uint8_t byte;
  return sock_recv(n->h[host].s, sid, &byte, 1);
}

static inline uint64_t net_stat(const struct net *n, int host, enum stack_stat i) { return stack_stat(n->h[host].s, i); }

// Nothing is left of any connection but so many TIME-WAITs.
static inline void net_expect_clean(struct net *n, uint64_t tw_0, uint64_t tw_1)
{
  assert_int_equal(net_stat(n, 0, ST_CONN_NOW), 0);
  assert_int_equal(net_stat(n, 1, ST_CONN_NOW), 0);
  assert_int_equal(net_stat(n, 0, ST_TIME_WAIT_NOW), tw_0);
  assert_int_equal(net_stat(n, 1, ST_TIME_WAIT_NOW), tw_1);
}
#endif
