// SPDX-License-Identifier: Apache-2.0
#include "sock/icmperr.h"

#include <errno.h>

#include "base/bytes.h"
#include "net/eth.h"
#include "sock/datagram.h"
#include "sock/flow.h"
#include "sock/handshake.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

enum { QUOTED_BYTES = 8, ERRORS_PER_SECOND = 100 };

// --- in --------------------------------------------------------------------------------------------------------------

// In the words of sockets (RFC 1122 section 3.2.2).
static int error_of(const struct icmp_msg *m)
{
  if (m->type == ICMP_TYPE_TIME_EXCEEDED) return EHOSTUNREACH;
  if (m->type == ICMP_TYPE_PARAMETER) return EPROTO;
  if (m->code == ICMP_CODE_TOO_BIG) return EMSGSIZE;
  if (m->code == ICMP_CODE_PROTOCOL || m->code == ICMP_CODE_PORT) return ECONNREFUSED;
  return m->code == ICMP_CODE_NET || m->code == ICMP_CODE_NET_UNKNOWN ? ENETUNREACH : EHOSTUNREACH;
}

// RFC 5927 section 4.1: what the engine may have sent, and the peer has not acknowledged.
static bool in_flight(const struct conn *c, struct seq seq)
{
  uint32_t given = (uint32_t)seq_diff(c->snd_end, c->tx_freed) + c->close_given;
  return seq.v - c->tx_freed.v < given;
}

// False: no segment of ours. Before the connection stands, also what RFC 1122 section 4.2.3.9 calls a soft error ends it, as RFC
// 5461 section 4.1 reports of most stacks: a program would rather try the next address than wait three minutes. Once it
// stands none does, be it called hard (RFC 5461 section 4, RFC 5927 section 5.2): it is remembered for who asks, and as the
// reason if the connection times out.
static bool tell_connection(struct stack *s, const struct tuple *t, struct seq seq, int err)
{
  struct conn *c = conn_find(s, t);
  if (c && c->state == CONN_SYN_SENT && seq_eq(seq, c->iss)) {
    if (err != EMSGSIZE) handshake_drop(s, c, err);   // a SYN is never too big: says nothing about the connection
    return true;
  }
  if (!c || !flow_carried(c) || !in_flight(c, seq)) return false;
  if (err != EMSGSIZE) c->soft_err = err;
  return true;
}

static bool tell(struct stack *s, const struct ipv4_hdr *ip, const uint8_t *p, int err, uint32_t router)
{
  const struct tuple ports = {ip->src, ip->dst, get_be16(p), get_be16(p + 2)}, echo = {ip->src, ip->dst, get_be16(p + 4), get_be16(p + 6)};
  if (ip->proto == IPV4_PROTO_TCP) return tell_connection(s, &ports, seq_of(get_be32(p + 4)), err);
  if (ip->proto == IPV4_PROTO_UDP) return datagram_icmp(s, SOCKS_UDP, &ports, err, router);
  return ip->proto == IPV4_PROTO_ICMP && p[0] == ICMP_TYPE_ECHO_REQUEST && datagram_icmp(s, SOCKS_ECHO, &echo, err, router);
}

void icmperr_input(struct stack *s, const struct icmp_msg *m, uint32_t from)
{
  struct ipv4_hdr ip;
  int err = error_of(m);
  bool good = ipv4_parse_quoted(m->data, m->data_len, &ip) == IPV4_OK && m->data_len >= ip.hdr_len + (size_t)QUOTED_BYTES;
  if (!good || !route_is_addr(&s->net, ip.src) || ip.frag_offset != 0 || !tell(s, &ip, m->data + ip.hdr_len, err, from)) {
    s->stat[ST_ICMP_ERROR_STRAY]++;
    return;
  }
  s->stat[ST_ICMP_ERROR]++;
  unsigned len = ip.hdr_len + (unsigned)ip.payload_len;
  if (err == EMSGSIZE && pmtu_lower(s->pmtu, ip.dst, m->seq, len, s->now_us)) {
    s->stat[ST_PATH_MTU_LOWERED]++;
    flow_path_mtu(s, ip.dst);
  }
}

void icmperr_lost(struct stack *s, const uint8_t *frame, size_t len)
{
  struct ipv4_hdr ip;
  const uint8_t *p = frame + ETH_HDR_BYTES;
  if (ipv4_parse(p, len - ETH_HDR_BYTES, &ip) != IPV4_OK || ip.frag_offset != 0 || ip.payload_len < QUOTED_BYTES) return;
  tell(s, &ip, p + ip.hdr_len, EHOSTUNREACH, ip.src);
}

// --- out -------------------------------------------------------------------------------------------------------------

static bool may_be_answered(const uint8_t *frame, const struct ipv4_hdr *ip)
{
  uint8_t type = frame[ETH_HDR_BYTES + ip->hdr_len];
  return ip->proto != IPV4_PROTO_ICMP || type == ICMP_TYPE_ECHO_REQUEST || type == ICMP_TYPE_ECHO_REPLY;
}

void icmperr_send(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip, uint8_t type, uint8_t code)
{
  if (s->cfg.shared_ip || ip->payload_len < QUOTED_BYTES || !may_be_answered(frame, ip)) return;   // there the kernel answers
  if (s->now_us - s->icmp_errors_us >= 1000000) {
    s->icmp_errors_us = s->now_us;
    s->icmp_errors_n = 0;
  }
  if (s->icmp_errors_n++ >= ERRORS_PER_SECOND) return;
  const struct icmp_msg m = {.type = type, .code = code, .data = frame + ETH_HDR_BYTES, .data_len = ip->hdr_len + (size_t)QUOTED_BYTES};
  s->stat[type == ICMP_TYPE_UNREACHABLE ? ST_ICMP_UNREACHABLE_SENT : ST_ICMP_TIME_EXCEEDED_SENT]++;
  out_icmp(s, frame + 6, ip, &m);
}
