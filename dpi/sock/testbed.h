// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: a stack, a peer made of hand-written frames, and a double in the engine's place that
// records what it is told. A double because the real engine is the simulated NIC: it needs the simulator, and live tests
// use it. Here each call, its order and each frame can be seen, and the engine's answers come when the test wants.
#ifndef LW_TESTBED_H
#define LW_TESTBED_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/ipv4.h"
#include "sock/sock.h"
#include "sock/stack.h"
#include "tcp/isn.h"
#include "tcp/segment.h"

enum { BED_IP = 0x0a090001, PEER_IP = 0x0a090002, BED_PORT = 7, PEER_PORT = 40000, BED_MTU = 1500, BED_SEED = 42 };
enum { BED_FLOWS = 4, BED_RING = 32768, BED_CALLS = 2048, BED_QUEUE = 64, BED_BACKLOG = 8, SECOND = 1000000 };
enum { TW_US = 10 * SECOND };

static const uint8_t bed_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

// Every test runs twice: from these numbers, and from just below 2^32 so that all wrap on the way.
struct bed_start {
  uint32_t iss, irs;   // iss: of the connection from PEER_PORT
};
static const struct bed_start start_plain = {0x1000, 0x5000}, start_wrap = {0xffffffff, 0xfffffffe};

enum call_kind { CALL_OPEN, CALL_PAYLOAD, CALL_CLOSE, CALL_ABORT, CALL_RELEASE, CALL_CONSUME, CALL_INPUT };

struct call {
  enum call_kind kind;
  uint16_t flow;
  size_t len;                  // of payload, consume, input
  struct flow_open open;
  uint8_t bytes[2048];         // the beginning of payload or input
  uint64_t time_wait_now;      // the stack's count at this moment
};

struct bed {
  struct engine engine;        // first: the double is found by it
  struct stack *s;
  struct bed_start start;
  uint64_t now_us;
  int listener;
  struct call calls[BED_CALLS];
  size_t n_calls, seen;        // calls recorded; looked at by bed_expect_call
  struct engine_event level[BED_FLOWS], event[BED_QUEUE];
  size_t event_put, event_got;
  struct { uint16_t flow; size_t len; } payload[BED_QUEUE];
  size_t payload_put, payload_got;
  bool hold_payload;           // consumed bytes do not come yet
  uint32_t rx_count[BED_FLOWS];   // bytes delivered to the stack: byte i of a flow's stream is bed_byte(i)
  uint8_t scratch[1 << 16];
};

static inline uint8_t bed_byte(uint32_t i) { return (uint8_t)(i * 31 + (i >> 8)); }

// --- the engine double ---
static inline struct call *bed_record(struct engine *e, enum call_kind kind, uint16_t flow, const uint8_t *data, size_t len)
{
  struct bed *b = (struct bed *)(void *)e;
  assert_true(b->n_calls < BED_CALLS);
  struct call *c = &b->calls[b->n_calls++];
  *c = (struct call){.kind = kind, .flow = flow, .len = len, .time_wait_now = stack_stat(b->s, ST_TIME_WAIT_NOW)};
  if (data) memcpy(c->bytes, data, len < sizeof c->bytes ? len : sizeof c->bytes);
  return c;
}

static inline void bed_op_open(struct engine *e, const struct flow_open *o)
{
  struct bed *b = (struct bed *)(void *)e;
  bed_record(e, CALL_OPEN, o->flow, NULL, 0)->open = *o;
  b->level[o->flow] = (struct engine_event){.flow = o->flow, .rx_ready = o->rcv_nxt, .tx_freed = o->snd_nxt,
                                              .ts_recent = o->ts_recent};
  b->rx_count[o->flow] = 0;
}
static inline void bed_op_payload(struct engine *e, uint16_t f, const uint8_t *d, size_t n) { bed_record(e, CALL_PAYLOAD, f, d, n); }
static inline void bed_op_close(struct engine *e, uint16_t f) { bed_record(e, CALL_CLOSE, f, NULL, 0); }
static inline void bed_op_abort(struct engine *e, uint16_t f) { bed_record(e, CALL_ABORT, f, NULL, 0); }
static inline void bed_op_release(struct engine *e, uint16_t f) { bed_record(e, CALL_RELEASE, f, NULL, 0); }
static inline void bed_op_input(struct engine *e, const uint8_t *d, size_t n) { bed_record(e, CALL_INPUT, 0, d, n); }

static inline void bed_op_consume(struct engine *e, uint16_t flow, uint32_t len)
{
  struct bed *b = (struct bed *)(void *)e;
  bed_record(e, CALL_CONSUME, flow, NULL, len);
  assert_true(b->payload_put - b->payload_got < BED_QUEUE);
  b->payload[b->payload_put % BED_QUEUE].flow = flow;
  b->payload[b->payload_put++ % BED_QUEUE].len = len;
}

static inline bool bed_op_next_event(struct engine *e, struct engine_event *ev)
{
  struct bed *b = (struct bed *)(void *)e;
  if (b->event_got == b->event_put) return false;
  *ev = b->event[b->event_got++ % BED_QUEUE];
  return true;
}

static inline bool bed_op_next_payload(struct engine *e, uint16_t *flow, const uint8_t **data, size_t *len)
{
  struct bed *b = (struct bed *)(void *)e;
  if (b->payload_got == b->payload_put || b->hold_payload) return false;
  *flow = b->payload[b->payload_got % BED_QUEUE].flow;
  *len = b->payload[b->payload_got++ % BED_QUEUE].len;
  for (size_t i = 0; i < *len; i++) b->scratch[i] = bed_byte(b->rx_count[*flow]++);
  *data = b->scratch;
  return true;
}

static const struct engine_ops bed_ops = {
  .open = bed_op_open, .payload = bed_op_payload, .close = bed_op_close, .abort = bed_op_abort, .release = bed_op_release,
  .consume = bed_op_consume, .input = bed_op_input, .next_event = bed_op_next_event, .next_payload = bed_op_next_payload,
};

// --- set-up ---
struct bed_opts {
  uint32_t rx_ring;
  bool shared_ip, no_listener;
  uint32_t gateway;
  unsigned mtu;
  enum stack_options options;
};

// A time at which the first connection from PEER_PORT gets start.iss. bed_connect checks that it did.
static inline uint64_t bed_begin_us(const struct bed_start *st)
{
  struct rng r;
  struct isn g;
  rng_seed(&r, BED_SEED);
  isn_init(&g, &r);
  uint32_t at_0 = isn_make(&g, BED_IP, BED_PORT, PEER_IP, PEER_PORT, 0).v;
  return 4ull * (uint32_t)(st->iss - at_0);
}

static inline struct bed *bed_open(const struct bed_start *st, struct bed_opts o)
{
  struct bed *b = calloc(1, sizeof *b);
  assert_non_null(b);
  b->engine = (struct engine){.ops = &bed_ops, .num_flows = BED_FLOWS, .tx_ring_bytes = BED_RING,
                              .rx_ring_bytes = o.rx_ring ? o.rx_ring : BED_RING};
  b->start = *st;
  b->now_us = bed_begin_us(st);
  struct stack_config c = {.ip = BED_IP, .prefix_len = 24, .mtu = o.mtu ? o.mtu : BED_MTU, .seed = BED_SEED, .time_wait_us = TW_US,
                           .shared_ip = o.shared_ip, .gateway = o.gateway, .options = o.options};
  memcpy(c.mac, bed_mac, sizeof c.mac);
  b->s = stack_open(&c, &b->engine, b->now_us);
  assert_non_null(b->s);
  if (o.no_listener) return b;
  b->listener = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, b->listener, 0, BED_PORT), 0);
  assert_int_equal(sock_listen(b->s, b->listener, BED_BACKLOG), 0);
  return b;
}

static inline void bed_close(struct bed *b)
{
  stack_close(b->s);
  free(b);
}

static inline int bed_setup(void **state)
{
  *state = bed_open(*state, (struct bed_opts){0});
  return 0;
}

static inline int bed_teardown(void **state)
{
  bed_close(*state);
  return 0;
}

#define BED_TEST(f) \
  {#f, f, bed_setup, bed_teardown, (void *)(uintptr_t)&start_plain}, \
  {#f " (near 2^32)", f, bed_setup, bed_teardown, (void *)(uintptr_t)&start_wrap}

// --- the peer ---
struct peer {
  uint16_t port;
  struct seq snd_nxt, rcv_nxt;
  int flow, sid;
};

// The peer's segment as a frame; ip_options of 4 bytes when wanted.
static inline size_t bed_frame(uint8_t out[2048], uint16_t from_port, const struct segment *seg, bool ip_options)
{
  struct segment g = *seg;
  if (g.src_port == 0) g.src_port = from_port;
  if (g.dst_port == 0) g.dst_port = BED_PORT;
  if (g.window == 0) g.window = 1000;
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, bed_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(out, 14, &eth);
  size_t hdr = ip_options ? 24 : 20;
  size_t n = segment_emit(&g, PEER_IP, BED_IP, out + 14 + hdr, 2048 - 14 - hdr);
  assert_true(n > 0);
  ipv4_emit(out + 14, 20, PEER_IP, BED_IP, IPV4_PROTO_TCP, 7, n);
  if (ip_options) {
    memset(out + 34, 1, 4);   // four no-operations
    out[14] = 0x46;
    put_be16(out + 16, (uint16_t)(hdr + n));
    put_be16(out + 24, 0);
    uint32_t sum = 0;
    for (size_t i = 0; i < hdr; i += 2) sum += get_be16(out + 14 + i);
    put_be16(out + 24, (uint16_t)~(sum % 0xffff));
  }
  return 14 + hdr + n;
}

// The peer's machine answers for this address.
static inline void bed_answer_arp(struct bed *b, uint32_t ip)
{
  uint8_t frame[ARP_FRAME_BYTES];
  struct arp_packet ask = {.op = ARP_OP_REQUEST, .sender_ip = BED_IP, .target_ip = ip};
  memcpy(ask.sender_mac, bed_mac, 6);
  stack_input(b->s, frame, arp_emit_reply(frame, sizeof frame, peer_mac, &ask), b->now_us);
}

static inline void bed_send(struct bed *b, uint16_t from_port, const struct segment *seg)
{
  uint8_t frame[2048];
  size_t len = bed_frame(frame, from_port, seg, false);
  stack_input(b->s, frame, len, b->now_us);
}

// The next frame that the stack sends: whole, from us to the peer, checksums right.
static inline struct segment bed_expect_out(struct bed *b)
{
  static uint8_t frame[16384];
  size_t len = stack_output(b->s, frame, sizeof frame);
  assert_true(len > 0);
  struct ipv4_hdr ip;
  assert_memory_equal(frame, peer_mac, 6);
  assert_memory_equal(frame + 6, bed_mac, 6);
  assert_int_equal(ipv4_parse(frame + 14, len - 14, &ip), IPV4_OK);
  assert_int_equal(ip.src, BED_IP);
  assert_int_equal(ip.dst, PEER_IP);
  assert_int_equal(14 + ip.hdr_len + ip.payload_len, len);
  assert_int_equal(ip.tos & IPV4_ECN_MASK, 0);   // only an engine's data is ECN-capable
  struct segment seg;
  assert_int_equal(segment_parse(&seg, ip.src, ip.dst, frame + 14 + ip.hdr_len, ip.payload_len), SEGMENT_OK);
  return seg;
}

static inline void bed_expect_silence(struct bed *b)
{
  uint8_t frame[16384];
  assert_int_equal(stack_output(b->s, frame, sizeof frame), 0);
}

// The next recorded call, of this kind.
static inline const struct call *bed_expect_call(struct bed *b, enum call_kind kind)
{
  assert_true(b->seen < b->n_calls);
  const struct call *c = &b->calls[b->seen++];
  assert_int_equal(c->kind, kind);
  return c;
}

static inline void bed_expect_no_call(struct bed *b) { assert_int_equal(b->seen, b->n_calls); }

// Lets time pass and the stack do what is due.
static inline void bed_pass(struct bed *b, uint64_t us)
{
  b->now_us += us;
  stack_poll(b->s, b->now_us);
}

// The flow's state changes as `change` says (ored and taken over) and the stack hears of it.
static inline void bed_tell(struct bed *b, int flow)
{
  assert_true(b->event_put - b->event_got < BED_QUEUE);
  b->event[b->event_put++ % BED_QUEUE] = b->level[flow];
  stack_poll(b->s, b->now_us);
}

static inline void bed_data(struct bed *b, int flow, uint32_t n)
{
  b->level[flow].rx_ready = seq_add(b->level[flow].rx_ready, n);
  bed_tell(b, flow);
}

static inline void bed_freed(struct bed *b, int flow, uint32_t n)
{
  b->level[flow].tx_freed = seq_add(b->level[flow].tx_freed, n);
  bed_tell(b, flow);
}

static inline void bed_peer_fin(struct bed *b, int flow)
{
  b->level[flow].peer_closed = true;
  bed_tell(b, flow);
}

static inline void bed_fin_acked(struct bed *b, int flow)
{
  b->level[flow].fin_acked = true;
  bed_freed(b, flow, 1);
}

static inline void bed_released(struct bed *b, int flow)
{
  b->level[flow].released = true;
  bed_tell(b, flow);
}

// SYN and SYN-ACK.
static inline struct peer bed_syn(struct bed *b, uint16_t port)
{
  struct peer p = {.port = port, .flow = -1, .sid = -1, .snd_nxt = seq_of(b->start.irs + 1)};
  bed_send(b, port, &(struct segment){.seq = seq_of(b->start.irs), .flags = TCP_SYN});
  struct segment out = bed_expect_out(b);
  assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
  assert_int_equal(out.dst_port, port);
  assert_int_equal(out.ack.v, p.snd_nxt.v);
  p.rcv_nxt = seq_add(out.seq, 1);
  return p;
}

static inline struct segment bed_ack(const struct peer *p) { return (struct segment){.seq = p->snd_nxt, .ack = p->rcv_nxt, .flags = TCP_ACK}; }

// The handshake; the engine was told to open, no fence yet.
static inline struct peer bed_handshake(struct bed *b, uint16_t port)
{
  struct peer p = bed_syn(b, port);
  struct segment ack = bed_ack(&p);
  bed_send(b, port, &ack);
  p.flow = bed_expect_call(b, CALL_OPEN)->flow;
  bed_expect_silence(b);
  return p;
}

static inline void bed_fence(struct bed *b, struct peer *p)
{
  stack_fence(b->s, (uint16_t)p->flow, true, b->now_us);
  bed_expect_call(b, CALL_INPUT);
}

// A connection accepted and carried by the engine, with nothing left to look at.
static inline struct peer bed_connect(struct bed *b, uint16_t port)
{
  struct peer p = bed_handshake(b, port);
  bed_fence(b, &p);
  p.sid = sock_accept(b->s, b->listener, NULL);
  assert_true(p.sid >= 0);
  int sid;
  unsigned events;
  while (sock_next_ready(b->s, &sid, &events)) {}
  bed_expect_no_call(b);
  return p;
}
// The same with time stamps, the peer's being tsval.
static inline struct peer bed_connect_stamped(struct bed *b, uint16_t port, uint32_t tsval)
{
  b->engine.timestamps = true;
  bed_send(b, port, &(struct segment){.seq = seq_of(b->start.irs), .flags = TCP_SYN, .opt = {.has_timestamps = true, .tsval = tsval}});
  struct segment out = bed_expect_out(b);
  struct peer p = {.port = port, .snd_nxt = seq_of(b->start.irs + 1), .rcv_nxt = seq_add(out.seq, 1)};
  struct segment ack = bed_ack(&p);
  ack.opt = (struct segment_options){.has_timestamps = true, .tsval = tsval, .tsecr = out.opt.tsval};
  bed_send(b, port, &ack);
  p.flow = bed_expect_call(b, CALL_OPEN)->flow;
  bed_fence(b, &p);
  p.sid = sock_accept(b->s, b->listener, NULL);
  return p;
}
#endif
