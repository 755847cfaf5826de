// SPDX-License-Identifier: Apache-2.0
#include "sock/stack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/eth.h"
#include "net/ipv4.h"
#include "sock/flow.h"
#include "sock/handover.h"
#include "sock/input.h"
#include "sock/neigh.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

// Held frames of all hand-overs together; neighbours, and frames that wait for all of them.
// Datagrams that are put together at once, each of them 64 KiB; path MTUs that are less than ours.
enum { HOLD_FRAMES = 1024, ARP_ENTRIES = 256, ARP_FRAMES = 256, REASS_DATAGRAMS = 32, PMTU_ENTRIES = 256 };

static const char *const stat_name[ST_N] = {
  [ST_ETH_BAD] = "eth_bad",
  [ST_NOT_OUR_MAC] = "not_our_mac",
  [ST_VLAN] = "vlan",
  [ST_OTHER_ETHERTYPE] = "other_ethertype",
  [ST_ARP_IN] = "arp_in",
  [ST_ARP_BAD] = "arp_bad",
  [ST_ARP_NO_ANSWER] = "arp_no_answer",
  [ST_ARP_DROPPED] = "arp_dropped",
  [ST_ARP_CONFLICT] = "arp_conflict",
  [ST_ICMP_ECHO] = "icmp_echo",
  [ST_PING_OUT] = "ping_out",
  [ST_PING_IN] = "ping_in",
  [ST_PING_QUEUE_FULL] = "ping_queue_full",
  [ST_ICMP_BAD] = "icmp_bad",
  [ST_ICMP_ERROR] = "icmp_error",
  [ST_ICMP_ERROR_STRAY] = "icmp_error_stray",
  [ST_ICMP_OTHER] = "icmp_other",
  [ST_PATH_MTU_LOWERED] = "path_mtu_lowered",
  [ST_IP_BAD] = "ip_bad",
  [ST_IP_NOT_OURS] = "ip_not_ours",
  [ST_IP_FRAGMENT] = "ip_fragment",
  [ST_IP_REASSEMBLED] = "ip_reassembled",
  [ST_IP_FRAGMENT_BAD] = "ip_fragment_bad",
  [ST_IP_FRAGMENT_DUPLICATE] = "ip_fragment_duplicate",
  [ST_IP_FRAGMENT_REFUSED] = "ip_fragment_refused",
  [ST_IP_REASSEMBLY_TIMEOUT] = "ip_reassembly_timeout",
  [ST_IP_REASSEMBLY_EVICTED] = "ip_reassembly_evicted",
  [ST_IP_OPTIONS] = "ip_options",
  [ST_IP_SOURCE_ROUTE] = "ip_source_route",
  [ST_OTHER_PROTO] = "other_proto",
  [ST_ICMP_UNREACHABLE_SENT] = "icmp_unreachable_sent",
  [ST_ICMP_TIME_EXCEEDED_SENT] = "icmp_time_exceeded_sent",
  [ST_UDP_IN] = "udp_in",
  [ST_UDP_OUT] = "udp_out",
  [ST_UDP_BAD] = "udp_bad",
  [ST_UDP_CHECKSUM] = "udp_checksum",
  [ST_UDP_NO_PORT] = "udp_no_port",
  [ST_UDP_QUEUE_FULL] = "udp_queue_full",
  [ST_TCP_BAD] = "tcp_bad",
  [ST_TCP_CHECKSUM] = "tcp_checksum",
  [ST_TCP_IGNORED] = "tcp_ignored",
  [ST_TCP_TOO_LONG] = "tcp_too_long",
  [ST_TCP_SYN] = "tcp_syn",
  [ST_TCP_BACKLOG_FULL] = "tcp_backlog_full",
  [ST_TCP_NO_FLOW_FREE] = "tcp_no_flow_free",
  [ST_TCP_POLICY_REFUSED] = "tcp_policy_refused",
  [ST_TCP_COOKIE_SENT] = "tcp_cookie_sent",
  [ST_TCP_COOKIE_ACCEPTED] = "tcp_cookie_accepted",
  [ST_TCP_COOKIE_BAD] = "tcp_cookie_bad",
  [ST_TCP_COOKIE_NO_ROOM] = "tcp_cookie_no_room",
  [ST_TCP_HALF_OPEN_EVICTED] = "tcp_half_open_evicted",
  [ST_TCP_HANDSHAKE_TIMEOUT] = "tcp_handshake_timeout",
  [ST_TCP_ACCEPTED] = "tcp_accepted",
  [ST_TCP_CONNECTED] = "tcp_connected",
  [ST_TCP_RST_SENT] = "tcp_rst_sent",
  [ST_TCP_TIMED_OUT] = "tcp_timed_out",
  [ST_FLOWS_OPENED] = "flows_opened",
  [ST_FLOWS_CLOSED] = "flows_closed",
  [ST_ORPHAN_TIMEOUT] = "orphan_timeout",
  [ST_HANDOVER_HELD] = "handover_held",
  [ST_HANDOVER_DROPPED] = "handover_dropped",
  [ST_AFTER_FENCE] = "after_fence",
  [ST_TIME_WAIT_RECYCLED] = "time_wait_recycled",
  [ST_OUT_DROPPED] = "out_dropped",
  [ST_TIME_WAIT_NOW] = "time_wait_now",
  [ST_CONN_NOW] = "conn_now",
};

unsigned stack_unacked(const struct stack *s)
{
  unsigned n = 0;
  for (size_t i = 0; i < s->conns.n; i++) {
    const struct conn *c = &s->conns.conns[i];
    n += flow_carried(c) && !c->sock && c->close_given && !c->fin_acked;
  }
  return n;
}

const char *stack_stat_name(enum stack_stat i) { return (unsigned)i < ST_N ? stat_name[i] : "?"; }

uint64_t stack_stat(const struct stack *s, enum stack_stat i) { return (unsigned)i < ST_N ? s->stat[i] : 0; }

static void draw_key(struct stack *s, uint8_t key[static 16])
{
  for (unsigned i = 0; i < 16; i++) key[i] = (uint8_t)(rng_next(&s->rng) >> 56);
}

struct stack *stack_open(const struct stack_config *c, struct engine *e, uint64_t now_us)
{
  assert(c->mtu >= 576 && c->mtu <= 9000 && e->num_flows > 0);
  struct stack *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->cfg = *c;
  if (s->cfg.time_wait_us == 0) s->cfg.time_wait_us = TW_DEFAULT_US;
  s->engine = e;
  s->now_us = now_us;
  if (c->ip) route_addr_add(&s->net, (struct route_addr){c->ip, c->prefix_len});
  if (c->gateway) route_add(&s->net, (struct route){0, 0, c->gateway});
  s->neigh_due_us = s->input_due_us = UINT64_MAX;
  rng_seed(&s->rng, c->seed);
  isn_init(&s->isn, &s->rng);
  s->isn.near = c->isn_near;
  s->isn.base = c->isn_base;
  uint8_t key[16];
  draw_key(s, key);
  draw_key(s, s->port_key);
  draw_key(s, s->cookie_key);
  draw_key(s, s->id_key);
  size_t cap = ETH_HDR_BYTES + c->mtu;
  s->arp = arp_table_open(ARP_ENTRIES, ARP_FRAMES, cap);
  s->reass = reass_open(REASS_DATAGRAMS);
  s->pmtu = pmtu_open(PMTU_ENTRIES, c->mtu);
  bool ok = s->arp && s->reass && s->pmtu && conn_table_init(s, key) && tw_table_init(s, key) &&
            frame_pool_init(&s->hold_pool, HOLD_FRAMES, cap) && frame_pool_init(&s->out_pool, OUT_FRAMES, cap);
  if (ok && c->announce) neigh_announce(s);
  if (ok) return s;
  stack_close(s);
  return NULL;
}

void stack_close(struct stack *s)
{
  if (!s) return;
  frame_pool_destroy(&s->out_pool);
  frame_pool_destroy(&s->hold_pool);
  socks_free(s);
  tw_table_free(s);
  conn_table_free(s);
  pmtu_close(s->pmtu);
  reass_close(s->reass);
  arp_table_close(s->arp);
  free(s);
}

void stack_input(struct stack *s, const uint8_t *frame, size_t len, uint64_t now_us)
{
  s->now_us = now_us;
  input_frame(s, frame, len);
}

void stack_fence(struct stack *s, uint16_t flow, bool ok, uint64_t now_us)
{
  s->now_us = now_us;
  assert(flow < s->conns.n);
  handover_fence(s, &s->conns.conns[flow], ok);
}

// Events before the payload that they announce; either may make the other.
static bool drain_engine(struct stack *s)
{
  struct engine *e = s->engine;
  bool any = false;
  struct engine_event ev;
  while (e->ops->next_event(e, &ev)) {
    assert(ev.flow < s->conns.n);
    flow_event(s, &ev);
    any = true;
  }
  uint16_t flow;
  const uint8_t *data;
  size_t len;
  while (e->ops->next_payload(e, &flow, &data, &len)) {
    assert(flow < s->conns.n);
    flow_payload(s, flow, data, len);
    any = true;
  }
  return any;
}

void stack_poll(struct stack *s, uint64_t now_us)
{
  s->now_us = now_us;
  while (drain_engine(s)) {}
  if (s->now_us >= s->neigh_due_us) neigh_run(s);   // a search from end to end
  input_run(s);
  conn_run_timers(s);
  tw_run_timers(s);
}

size_t stack_output(struct stack *s, uint8_t *frame, size_t cap)
{
  struct frame *f = frame_pop(&s->out);
  if (!f) return 0;
  assert(f->len <= cap);
  size_t len = f->len;
  memcpy(frame, f->bytes, len);
  frame_give(&s->out_pool, f);
  return len;
}

bool stack_loops(const struct stack *s, const uint8_t *frame, size_t len)
{
  return len >= ETH_HDR_BYTES && memcmp(frame, s->cfg.mac, sizeof s->cfg.mac) == 0;
}

uint64_t stack_next_deadline(const struct stack *s)
{
  uint64_t conns = timers_deadline(&s->conns.timers), tw = timers_deadline(&s->tw.timers);
  uint64_t soonest = conns < tw ? conns : tw;
  if (s->neigh_due_us < soonest) soonest = s->neigh_due_us;
  return s->input_due_us < soonest ? s->input_due_us : soonest;
}
