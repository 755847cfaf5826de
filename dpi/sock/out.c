// SPDX-License-Identifier: Apache-2.0
#include "sock/out.h"

#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/udp.h"
#include "sock/neigh.h"
#include "sock/stack_priv.h"

enum { IP_PAYLOAD_AT = ETH_HDR_BYTES + IPV4_HDR_BYTES };

// A packet on its way out; its payload stands in s->packet.
struct packet {
  uint32_t src, dst;
  uint8_t proto;
  struct ipv4_choice choice;
  const uint8_t *mac;      // NULL: that of the next hop
  bool cut;                // routers may cut it: an answer is not sent again when it was too big for the way
};

static bool dropped(struct stack *s)
{
  s->stat[ST_OUT_DROPPED]++;
  return false;
}

// RFC 6864 section 4.1: not the same again within a datagram's lifetime; which comes next is nobody else's business (RFC 7739).
static uint16_t next_id(struct stack *s, const struct packet *p)
{
  uint8_t to[9];
  put_be32(to, p->src);
  put_be32(to + 4, p->dst);
  to[8] = p->proto;
  return (uint16_t)(siphash24(s->id_key, to, sizeof to) + s->ip_id++);
}

// A frame with payload [at, at + len); NULL: there is none left.
static struct frame *make_frame(struct stack *s, const struct packet *p, size_t at, size_t len)
{
  struct frame *f = frame_take(&s->out_pool);
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  if (!f) return NULL;
  if (p->mac) memcpy(eth.dst, p->mac, sizeof eth.dst);
  memcpy(eth.src, s->cfg.mac, sizeof eth.src);
  eth_emit(f->bytes, ETH_HDR_BYTES, &eth);
  ipv4_emit(f->bytes + ETH_HDR_BYTES, IPV4_HDR_BYTES, p->src, p->dst, p->proto, 0, len);
  ipv4_choose(f->bytes + ETH_HDR_BYTES, p->choice);
  memcpy(f->bytes + IP_PAYLOAD_AT, s->packet + at, len);
  f->len = IP_PAYLOAD_AT + len;
  return f;
}

static void send_frame(struct stack *s, const struct packet *p, struct frame *f)
{
  if (p->mac) frame_push(&s->out, f);
  else neigh_send(s, p->dst, f);
}

// All of its fragments or, where there is no room, none (RFC 791 section 3.2). len 0 is a payload that did not fit. What is not TCP may be cut.
static bool send_ip(struct stack *s, const struct packet *p, size_t len)
{
  size_t room = pmtu_get(s->pmtu, p->dst, s->now_us) - IPV4_HDR_BYTES;
  size_t step = len <= room ? len : room & ~(size_t)7;
  size_t n = step ? (len + step - 1) / step : 0;
  if (n == 0 || (n > 1 && p->proto == IPV4_PROTO_TCP) || n > frame_pool_left(&s->out_pool)) return dropped(s);
  bool cut = n > 1 || p->cut;
  uint16_t id = cut ? next_id(s, p) : 0;
  for (size_t at = 0; at < len; at += step) {
    struct frame *f = make_frame(s, p, at, len - at < step ? len - at : step);
    if (!f) return dropped(s);   // what was due to neighbours took it
    if (cut) ipv4_make_fragment(f->bytes + ETH_HDR_BYTES, id, at, len - at > step);
    send_frame(s, p, f);
  }
  return true;
}

uint16_t out_mss(const struct stack *s) { return (uint16_t)(s->cfg.mtu - IPV4_HDR_BYTES - TCP_HEADER_MIN); }

uint16_t out_path_mss(const struct stack *s, uint32_t dst_ip, bool timestamps)
{
  return (uint16_t)(pmtu_get(s->pmtu, dst_ip, s->now_us) - IPV4_HDR_BYTES - TCP_HEADER_MIN - (timestamps ? TCP_TIMESTAMPS_BYTES : 0));
}

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

static void send_segment(struct stack *s, const uint8_t *mac, const struct tuple *t, struct ipv4_choice ip, const struct segment *seg)
{
  struct segment out = *seg;
  out.src_port = t->local_port;
  out.dst_port = t->remote_port;
  const struct packet p = {.src = t->local_ip, .dst = t->remote_ip, .proto = IPV4_PROTO_TCP, .choice = ip, .mac = mac};
  send_ip(s, &p, segment_emit(&out, t->local_ip, t->remote_ip, s->packet, sizeof s->packet));
}

void out_segment(struct stack *s, const uint8_t mac[static 6], const struct tuple *t, struct ipv4_choice ip, const struct segment *seg)
{
  send_segment(s, mac, t, ip, seg);
}

void out_segment_routed(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const struct segment *seg)
{
  send_segment(s, NULL, t, ip, seg);
}

bool out_datagram(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const void *data, size_t len)
{
  const struct udp_datagram u = {.src_port = t->local_port, .dst_port = t->remote_port, .data = data, .data_len = len};
  const struct packet p = {.src = t->local_ip, .dst = t->remote_ip, .proto = IPV4_PROTO_UDP, .choice = ip};
  return send_ip(s, &p, udp_emit(s->packet, sizeof s->packet, t->local_ip, t->remote_ip, &u));
}

bool out_echo(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const void *data, size_t len)
{
  const struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST, .id = t->local_port, .seq = t->remote_port, .data = data, .data_len = len};
  const struct packet p = {.src = t->local_ip, .dst = t->remote_ip, .proto = IPV4_PROTO_ICMP, .choice = ip};
  return send_ip(s, &p, icmp_emit(s->packet, sizeof s->packet, &m));
}

static struct frame *take(struct stack *s)
{
  struct frame *f = frame_take(&s->out_pool);
  if (!f) dropped(s);
  return f;
}

static void send_arp_request(struct stack *s, uint32_t from, uint32_t ip)
{
  struct frame *f = take(s);
  if (!f) return;
  f->len = arp_emit_request(f->bytes, s->out_pool.cap_bytes, s->cfg.mac, from, ip);
  frame_push(&s->out, f);
}

void out_arp_request(struct stack *s, uint32_t ip)
{
  struct route_way w;
  send_arp_request(s, route_find(&s->net, ip, &w) ? w.src : 0, ip);
}

void out_arp_announce(struct stack *s, uint32_t ip) { send_arp_request(s, ip, ip); }

void out_arp_probe(struct stack *s, uint32_t ip) { send_arp_request(s, 0, ip); }

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

void out_icmp(struct stack *s, const uint8_t mac[static 6], const struct ipv4_hdr *to, const struct icmp_msg *m)
{
  const struct packet p = {.src = to->dst, .dst = to->src, .proto = IPV4_PROTO_ICMP, .mac = mac, .cut = true};
  send_ip(s, &p, icmp_emit(s->packet, sizeof s->packet, m));
}

void out_echo_reply(struct stack *s, const uint8_t mac[static 6], const struct ipv4_hdr *to, const struct icmp_msg *request)
{
  struct icmp_msg reply = *request;
  reply.type = ICMP_TYPE_ECHO_REPLY;
  out_icmp(s, mac, to, &reply);
}

void out_arp_reply(struct stack *s, const struct arp_packet *request)
{
  struct frame *f = take(s);
  if (!f) return;
  f->len = arp_emit_reply(f->bytes, s->out_pool.cap_bytes, s->cfg.mac, request);
  frame_push(&s->out, f);
}
