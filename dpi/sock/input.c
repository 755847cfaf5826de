// SPDX-License-Identifier: Apache-2.0
#include "sock/input.h"

#include <string.h>

#include "base/bytes.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "sock/connect.h"
#include "sock/datagram.h"
#include "sock/handover.h"
#include "sock/handshake.h"
#include "sock/icmperr.h"
#include "sock/neigh.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

static void input_arp(struct stack *s, const uint8_t *p, size_t len)
{
  struct arp_packet a;
  if (arp_parse(p, len, &a) != ARP_OK) {
    s->stat[ST_ARP_BAD]++;
    return;
  }
  s->stat[ST_ARP_IN]++;
  bool for_us = route_is_addr(&s->net, a.target_ip);
  if (route_is_addr(&s->net, a.sender_ip)) {
    if (memcmp(a.sender_mac, s->cfg.mac, 6) != 0) neigh_conflict(s, &a);
    return;
  }
  arp_learn(s->arp, a.sender_ip, a.sender_mac, for_us, s->now_us);
  neigh_run(s);   // a frame may have waited for this
  if (for_us && a.op == ARP_OP_REQUEST && !s->cfg.shared_ip) out_arp_reply(s, &a);
}

static void input_icmp(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip)
{
  struct icmp_msg m;
  if (icmp_parse(frame + ETH_HDR_BYTES + ip->hdr_len, ip->payload_len, &m) != ICMP_OK) {
    s->stat[ST_ICMP_BAD]++;
  } else if (m.type == ICMP_TYPE_ECHO_REQUEST) {
    s->stat[ST_ICMP_ECHO]++;
    if (!s->cfg.shared_ip) out_echo_reply(s, frame + 6, ip, &m);
  } else if (m.type == ICMP_TYPE_ECHO_REPLY) {
    datagram_echo_reply(s, ip, &m);
  } else if (m.type == ICMP_TYPE_UNREACHABLE || m.type == ICMP_TYPE_TIME_EXCEEDED || m.type == ICMP_TYPE_PARAMETER) {
    icmperr_input(s, &m, ip->src);
  } else {
    s->stat[ST_ICMP_OTHER]++;
  }
}

// RFC 9293 sections 3.10.7.1 (CLOSED) and 3.10.7.2 (LISTEN).
static void input_unknown(struct stack *s, const struct arrival *a)
{
  if (a->seg.flags & TCP_RST) return;
  struct sock *listener = socks_listener(s, &a->tuple);
  if (listener && a->seg.flags & TCP_ACK && handshake_cookie(s, a, listener)) return;
  if (!listener || a->seg.flags & TCP_ACK) {
    // On an address that we share the kernel answers for all ports but those that we had.
    if (s->cfg.shared_ip && !socks_tcp_port_was_ours(s, a->tuple.local_port))
      s->stat[ST_TCP_IGNORED]++;
    else
      out_reset_reply(s, a);
  } else if ((a->seg.flags & (TCP_SYN | TCP_FIN)) == TCP_SYN) {
    handshake_syn(s, a, listener, NULL);
  } else {
    s->stat[ST_TCP_IGNORED]++;
  }
}

static void input_segment(struct stack *s, const struct arrival *a)
{
  struct conn *c = conn_find(s, &a->tuple);
  if (c && c->state == CONN_SYN_SENT) {
    connect_input(s, c, a);
    return;
  }
  if (c && c->state == CONN_SYN_RCVD) {
    handshake_input(s, c, a);
    return;
  }
  if (c && c->state != CONN_RELEASING) {
    handover_input(s, c, a);
    return;
  }
  struct tw *w;
  if (c)
    // Until `released` the engine's own last frames and the peer's answers to them may still be on their way: a RST for
    // these would put an error behind a connection that ended in order, and the answer to a SYN or that of TIME-WAIT would
    // overtake the end of the connection before it. Who sent it sends it again.
    s->stat[ST_TCP_IGNORED]++;
  else if ((w = tw_find(s, &a->tuple)))
    tw_input(s, w, a);
  else
    input_unknown(s, a);
}

// A connection to ourselves has a frame come from our own address. Only what we have begun counts: a stranger's SYN in
// our name would have us answer ourselves for ever.
static bool between_our_own(const struct stack *s, const struct tuple *t)
{
  const struct tuple other = {t->remote_ip, t->local_ip, t->remote_port, t->local_port};
  return conn_find(s, t) || conn_find(s, &other) || tw_find(s, t) || tw_find(s, &other);
}

static void input_tcp(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip, bool remade)
{
  struct arrival a = {
    .frame = frame,
    .remade = remade,
    .ip_header_len = ip->hdr_len,
    .ip_len = (size_t)ip->hdr_len + ip->payload_len,
  };
  const uint8_t *p = frame + ETH_HDR_BYTES + ip->hdr_len;
  enum segment_result r = segment_parse(&a.seg, ip->src, ip->dst, p, ip->payload_len);
  if (r != SEGMENT_OK) {
    s->stat[r == SEGMENT_BAD_CHECKSUM ? ST_TCP_CHECKSUM : ST_TCP_BAD]++;
    return;
  }
  a.tuple = (struct tuple){ip->dst, ip->src, a.seg.dst_port, a.seg.src_port};
  if (route_is_ours(&s->net, ip->src) && !between_our_own(s, &a.tuple)) {
    s->stat[ST_IP_BAD]++;
    return;
  }
  input_segment(s, &a);
}

// RFC 1122 section 3.2.1.3: a source that no other host can have. RFC 9293 MUST-57: no SYN from a group address. What we send
// ourselves is TCP, in frames of our own; loopback addresses belong on both sides of it or on neither.
static bool bad_source(const struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip)
{
  if (route_is_no_host(&s->net, ip->src) || route_is_loopback(ip->src) != route_is_loopback(ip->dst)) return true;
  return route_is_ours(&s->net, ip->src) && (ip->proto != IPV4_PROTO_TCP || memcmp(frame + 6, s->cfg.mac, 6) != 0);
}

// A whole packet for us.
static void input_packet(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip, bool remade)
{
  if (ip->options_len > 0) s->stat[ST_IP_OPTIONS]++;
  if (ip->proto == IPV4_PROTO_TCP) {
    input_tcp(s, frame, ip, remade);
  } else if (ip->proto == IPV4_PROTO_ICMP) {
    input_icmp(s, frame, ip);
  } else if (ip->proto == IPV4_PROTO_UDP) {
    datagram_input(s, frame, ip);
  } else {
    s->stat[ST_OTHER_PROTO]++;
    icmperr_send(s, frame, ip, ICMP_TYPE_UNREACHABLE, ICMP_CODE_PROTOCOL);   // RFC 1122 section 3.2.2.1
  }
}

// On a shared address the later fragments of others' packets never come our way.
static void input_fragment(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip)
{
  static const enum stack_stat why[] = {[REASS_WHOLE] = ST_IP_REASSEMBLED, [REASS_DUPLICATE] = ST_IP_FRAGMENT_DUPLICATE,
                                        [REASS_BAD] = ST_IP_FRAGMENT_BAD, [REASS_REFUSED] = ST_IP_FRAGMENT_REFUSED};
  struct ipv4_hdr whole;
  s->stat[ST_IP_FRAGMENT]++;
  if (s->cfg.shared_ip) return;
  struct reass_result r = reass_input(s->reass, frame, ip, s->now_us);
  if (r.kind != REASS_WAITS) s->stat[why[r.kind]]++;
  if (r.evicted) s->stat[ST_IP_REASSEMBLY_EVICTED]++;
  s->input_due_us = reass_deadline(s->reass);
  if (r.kind == REASS_WHOLE && ipv4_parse(r.frame + ETH_HDR_BYTES, r.len - ETH_HDR_BYTES, &whole) == IPV4_OK)
    input_packet(s, r.frame, &whole, true);
}

void input_run(struct stack *s)
{
  const uint8_t *frame;
  struct ipv4_hdr ip;
  enum reass_given_up what;
  if (s->now_us < s->input_due_us) return;
  while ((what = reass_expire(s->reass, s->now_us, &frame)) != REASS_NONE) {
    if (what == REASS_FORGOTTEN) continue;
    s->stat[ST_IP_REASSEMBLY_TIMEOUT]++;
    if (what == REASS_LATE_FIRST && ipv4_parse_quoted(frame + ETH_HDR_BYTES, UINT16_MAX, &ip) == IPV4_OK)
      icmperr_send(s, frame, &ip, ICMP_TYPE_TIME_EXCEEDED, ICMP_CODE_REASSEMBLY);   // RFC 1122 section 3.3.2
  }
  s->input_due_us = reass_deadline(s->reass);
}

static void input_ipv4(struct stack *s, const uint8_t *frame, size_t len)
{
  struct ipv4_hdr ip;
  if (ipv4_parse(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES, &ip) != IPV4_OK || bad_source(s, frame, &ip))
    s->stat[ST_IP_BAD]++;
  else if (!route_is_ours(&s->net, ip.dst))
    s->stat[ST_IP_NOT_OURS]++;
  else if (ipv4_source_routed(frame + ETH_HDR_BYTES, &ip))
    s->stat[ST_IP_SOURCE_ROUTE]++;
  else if (ip.fragment)
    input_fragment(s, frame, &ip);
  else
    input_packet(s, frame, &ip, false);
}

// Why a frame that is neither ARP nor IPv4 for our station goes no further.
static enum stack_stat why_not(const struct eth_hdr *eth)
{
  if (eth->type == ETH_TYPE_VLAN || eth->type == ETH_TYPE_QINQ) return ST_VLAN;
  return eth->type == ETH_TYPE_IPV4 || eth->type == ETH_TYPE_ARP ? ST_NOT_OUR_MAC : ST_OTHER_ETHERTYPE;
}

void input_frame(struct stack *s, const uint8_t *frame, size_t len)
{
  struct eth_hdr eth;
  if (eth_parse(frame, len, &eth) != ETH_OK || eth_is_group(eth.src)) {
    s->stat[ST_ETH_BAD]++;
    return;
  }
  bool ours = memcmp(eth.dst, s->cfg.mac, sizeof eth.dst) == 0;
  if (eth.type == ETH_TYPE_ARP && (ours || eth_is_broadcast(eth.dst)))
    input_arp(s, frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES);
  else if (eth.type == ETH_TYPE_IPV4 && ours)   // RFC 1122 section 4.2.3.10: nothing of TCP to a group; nor of UDP
    input_ipv4(s, frame, len);
  else
    s->stat[why_not(&eth)]++;
}

// The tuple as we see it: whichever side is ours is the local one.
int stack_flow_of(const struct stack *s, const uint8_t *frame, size_t len)
{
  struct eth_hdr eth;
  struct ipv4_hdr ip;
  if (eth_parse(frame, len, &eth) != ETH_OK || eth.type != ETH_TYPE_IPV4) return -1;
  if (ipv4_parse(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES, &ip) != IPV4_OK) return -1;
  if (ip.proto != IPV4_PROTO_TCP || ip.fragment || ip.payload_len < 4) return -1;
  const uint8_t *ports = frame + ETH_HDR_BYTES + ip.hdr_len;
  uint16_t src_port = get_be16(ports), dst_port = get_be16(ports + 2);
  struct tuple t = {ip.dst, ip.src, dst_port, src_port};
  if (!route_is_ours(&s->net, ip.dst)) t = (struct tuple){ip.src, ip.dst, src_port, dst_port};
  const struct conn *c = conn_find(s, &t);
  return c ? c->flow : -1;
}
