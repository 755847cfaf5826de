// SPDX-License-Identifier: Apache-2.0
#include "sock/out.h"

#include <string.h>

#include "net/eth.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/udp.h"
#include "sock/neigh.h"
#include "sock/stack_priv.h"

enum { IP_PAYLOAD_AT = ETH_HDR_BYTES + IPV4_HDR_BYTES };

static struct frame *take(struct stack *s)
{
  struct frame *f = frame_take(&s->out_pool);
  if (!f) s->stat[ST_OUT_DROPPED]++;
  return f;
}

// Where an IP payload is written, before send_ip puts the headers in front of it.
static uint8_t *ip_payload(struct frame *f) { return f->bytes + IP_PAYLOAD_AT; }
static size_t ip_payload_cap(const struct stack *s) { return s->out_pool.cap_bytes - IP_PAYLOAD_AT; }

// Puts the headers in front; a payload that did not fit (len 0) is a frame dropped.
static bool make_ip(struct stack *s, struct frame *f, const uint8_t mac[static 6], uint32_t dst_ip, uint8_t proto, size_t len)
{
  if (len == 0) {
    s->stat[ST_OUT_DROPPED]++;
    frame_give(&s->out_pool, f);
    return false;
  }
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, mac, sizeof eth.dst);
  memcpy(eth.src, s->cfg.mac, sizeof eth.src);
  eth_emit(f->bytes, ETH_HDR_BYTES, &eth);
  ipv4_emit(f->bytes + ETH_HDR_BYTES, IPV4_HDR_BYTES, s->cfg.ip, dst_ip, proto, 0, len);
  f->len = IP_PAYLOAD_AT + len;
  return true;
}

static void send_ip(struct stack *s, struct frame *f, const uint8_t mac[static 6], uint32_t dst_ip, uint8_t proto, size_t len)
{
  if (make_ip(s, f, mac, dst_ip, proto, len)) frame_push(&s->out, f);
}

uint16_t out_mss(const struct stack *s) { return (uint16_t)(s->cfg.mtu - IPV4_HDR_BYTES - TCP_HEADER_MIN); }

uint16_t out_window(const struct stack *s, uint8_t wscale)
{
  uint32_t ring = s->engine->rx_ring_bytes;
  return (uint16_t)((ring > UINT16_MAX ? UINT16_MAX : ring) >> wscale);
}

uint16_t out_window_after(const struct stack *s, uint8_t wscale, uint32_t unread)
{
  uint32_t units = (s->engine->rx_ring_bytes - unread) >> wscale;
  return (uint16_t)(units > UINT16_MAX ? UINT16_MAX : units);
}

// NULL: no buffer, or the segment did not fit.
static struct frame *make_segment(struct stack *s, const uint8_t mac[static 6], const struct tuple *t, struct ipv4_choice ip,
                                  const struct segment *seg)
{
  struct frame *f = take(s);
  if (!f) return NULL;
  struct segment out = *seg;
  out.src_port = t->local_port;
  out.dst_port = t->remote_port;
  size_t len = segment_emit(&out, t->local_ip, t->remote_ip, ip_payload(f), ip_payload_cap(s));
  if (!make_ip(s, f, mac, t->remote_ip, IPV4_PROTO_TCP, len)) return NULL;
  ipv4_choose(f->bytes + ETH_HDR_BYTES, ip);
  return f;
}

void out_segment(struct stack *s, const uint8_t mac[static 6], const struct tuple *t, struct ipv4_choice ip, const struct segment *seg)
{
  struct frame *f = make_segment(s, mac, t, ip, seg);
  if (f) frame_push(&s->out, f);
}

static const uint8_t unknown_mac[6] = {0};

void out_segment_routed(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const struct segment *seg)
{
  struct frame *f = make_segment(s, unknown_mac, t, ip, seg);
  if (f) neigh_send(s, t->remote_ip, f);
}

bool out_datagram(struct stack *s, const struct tuple *t, const void *data, size_t len)
{
  const struct udp_datagram u = {.src_port = t->local_port, .dst_port = t->remote_port, .data = data, .data_len = len};
  struct frame *f = take(s);
  if (!f) return false;
  size_t udp_len = udp_emit(ip_payload(f), ip_payload_cap(s), t->local_ip, t->remote_ip, &u);
  if (!make_ip(s, f, unknown_mac, t->remote_ip, IPV4_PROTO_UDP, udp_len)) return false;
  neigh_send(s, t->remote_ip, f);
  return true;
}

void out_arp_request(struct stack *s, uint32_t ip)
{
  struct frame *f = take(s);
  if (!f) return;
  f->len = arp_emit_request(f->bytes, s->out_pool.cap_bytes, s->cfg.mac, s->cfg.ip, ip);
  frame_push(&s->out, f);
}

void out_reset_reply(struct stack *s, const struct arrival *a)
{
  struct segment seg = {.flags = TCP_RST};
  if (a->seg.flags & TCP_ACK) {
    seg.seq = a->seg.ack;
  } else {
    seg.flags |= TCP_ACK;
    seg.ack = seq_add(a->seg.seq, segment_seq_len(&a->seg));
  }
  s->stat[ST_TCP_RST_SENT]++;
  out_segment(s, arrival_mac(a), &a->tuple, (struct ipv4_choice){0}, &seg);
}

void out_icmp(struct stack *s, const uint8_t mac[static 6], uint32_t dst_ip, const struct icmp_msg *m)
{
  struct frame *f = take(s);
  if (f) send_ip(s, f, mac, dst_ip, IPV4_PROTO_ICMP, icmp_emit(ip_payload(f), ip_payload_cap(s), m));
}

void out_echo_reply(struct stack *s, const uint8_t mac[static 6], uint32_t dst_ip, const struct icmp_msg *request)
{
  struct frame *f = take(s);
  if (!f) return;
  size_t len = icmp_emit_echo_reply(ip_payload(f), ip_payload_cap(s), request);
  send_ip(s, f, mac, dst_ip, IPV4_PROTO_ICMP, len);
}

void out_arp_reply(struct stack *s, const struct arp_packet *request)
{
  struct frame *f = take(s);
  if (!f) return;
  f->len = arp_emit_reply(f->bytes, s->out_pool.cap_bytes, s->cfg.mac, request);
  frame_push(&s->out, f);
}
