// SPDX-License-Identifier: Apache-2.0
#include "sock/datagram.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "net/eth.h"
#include "net/udp.h"
#include "sock/icmperr.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

enum { RECORD_BYTES = 8 };      // before each datagram in the receive buffer: sender's address 4, port 2, length 2

// --- ports -----------------------------------------------------------------------------------------------------------

// RFC 6056 section 3.3.1: anywhere, then the next that nobody has on any address. 0: all are in use.
static uint16_t choose_port(struct stack *s, const struct sock *k)
{
  const struct sock alone = {.space = k->space};
  uint32_t start = rng_below(&s->rng, SOCKS_DYNAMIC_N);
  for (uint32_t i = 0; i < SOCKS_DYNAMIC_N; i++) {
    uint16_t port = (uint16_t)(SOCKS_DYNAMIC_FIRST + (start + i) % SOCKS_DYNAMIC_N);
    if (socks_port_free(s, &alone, 0, port)) return port;
  }
  return 0;
}

int datagram_bind(struct stack *s, struct sock *k, uint32_t ip, uint16_t port)
{
  if (port != 0 && !socks_port_free(s, k, ip, port)) return -EADDRINUSE;
  if (port == 0) port = choose_port(s, k);
  if (port == 0) return -EADDRNOTAVAIL;
  socks_bind(s, k, ip, port);
  return 0;
}

// --- from birth to end -----------------------------------------------------------------------------------------------

bool datagram_open(struct sock *k)
{
  k->kind = SOCK_KIND_DATAGRAM;
  k->rx = malloc(SOCKS_RX_BYTES);
  return k->rx != NULL;
}

int datagram_connect(struct stack *s, struct sock *k, struct sock_addr to)
{
  struct route_way w = {0};
  bool dissolve = to.ip == 0 && to.port == 0;
  if (!dissolve && to.port == 0) return -EINVAL;
  if (!dissolve && !route_find(&s->net, to.ip, &w)) return -ENETUNREACH;
  int err = dissolve || k->port ? 0 : datagram_bind(s, k, 0, 0);
  if (err) return err;
  k->ip = k->bound_ip ? k->bound_ip : w.src;
  k->connected = !dissolve;
  k->peer = to;
  k->err = 0;
  return 0;
}

int datagram_take_error(struct sock *k)
{
  int err = k->err;
  k->err = 0;
  return -err;
}

unsigned datagram_poll(const struct sock *k)
{
  unsigned events = k->shut ? 0 : SOCK_OUT;
  if (socks_rx_used(k) > 0) events |= SOCK_IN;
  if (k->err) events |= SOCK_IN | SOCK_OUT | SOCK_ERR;
  return events;
}

static void tell(struct stack *s, struct sock *k, int err)
{
  k->err = err;
  socks_mark_ready(s, k);
}

// --- in --------------------------------------------------------------------------------------------------------------

// Into the buffer of whose it is, or dropped when that is full. False: nobody has the port.
static bool deliver(struct stack *s, const struct tuple *t, const uint8_t *data, size_t len)
{
  struct sock *k = socks_find(s, SOCKS_UDP, t);
  if (!k) return false;
  if (socks_rx_room(k) < RECORD_BYTES + len) {
    s->stat[ST_UDP_QUEUE_FULL]++;
    return true;
  }
  uint8_t record[RECORD_BYTES];
  put_be32(record, t->remote_ip);
  put_be16(record + 4, t->remote_port);
  put_be16(record + 6, (uint16_t)len);
  socks_rx_append(k, record, sizeof record);
  socks_rx_append(k, data, len);
  s->stat[ST_UDP_IN]++;
  socks_mark_ready(s, k);
  return true;
}

ssize_t datagram_recv(struct sock *k, void *buf, size_t cap, struct sock_addr *from)
{
  if (k->err) return datagram_take_error(k);
  if (socks_rx_used(k) == 0) return -EAGAIN;
  uint8_t record[RECORD_BYTES];
  socks_rx_take(k, record, sizeof record);
  size_t len = get_be16(record + 6), n = len < cap ? len : cap;
  socks_rx_take(k, buf, n);
  k->rx_taken += (uint32_t)(len - n);   // what the caller had no room for is lost
  if (from) *from = (struct sock_addr){get_be32(record), get_be16(record + 4)};
  return (ssize_t)n;
}

void datagram_input(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip)
{
  struct udp_datagram u;
  enum udp_result r = udp_parse(frame + ETH_HDR_BYTES + ip->hdr_len, ip->payload_len, ip->src, ip->dst, &u);
  if (r != UDP_OK) {
    s->stat[r == UDP_BAD_CHECKSUM ? ST_UDP_CHECKSUM : ST_UDP_BAD]++;
    return;
  }
  const struct tuple t = {ip->dst, ip->src, u.dst_port, u.src_port};
  if (deliver(s, &t, u.data, u.data_len)) return;
  s->stat[ST_UDP_NO_PORT]++;
  icmperr_send(s, frame, ip, ICMP_TYPE_UNREACHABLE, ICMP_CODE_PORT);   // RFC 1122 section 4.1.3.1
}

bool datagram_icmp(struct stack *s, const struct tuple *t, int err)
{
  struct sock *k = socks_find(s, SOCKS_UDP, t);
  if (k && k->connected) tell(s, k, err);
  return k;
}

void datagram_hop_lost(struct stack *s, uint32_t hop_ip)
{
  for (size_t i = 0; i < s->socks.n; i++) {
    struct sock *k = s->socks.of[i];
    struct route_way w;
    if (k && k->connected && route_find(&s->net, k->peer.ip, &w) && w.hop == hop_ip) tell(s, k, EHOSTUNREACH);
  }
}

// --- out -------------------------------------------------------------------------------------------------------------

size_t datagram_max(void) { return UINT16_MAX - IPV4_HDR_BYTES - UDP_HDR_BYTES; }

// 0: it may go to dst, from *src; else a negative errno.
static int check_send(const struct stack *s, struct sock *k, size_t len, const struct sock_addr *dst, uint32_t *src)
{
  struct route_way w;
  if (k->err) return datagram_take_error(k);
  if (k->shut) return -EPIPE;
  if (!dst) return -EDESTADDRREQ;
  if (dst->port == 0) return -EINVAL;
  if (len > datagram_max()) return -EMSGSIZE;
  if (k->ip && !route_is_ours(&s->net, k->ip)) return -EADDRNOTAVAIL;
  if (!route_find(&s->net, dst->ip, &w)) return -ENETUNREACH;
  *src = k->ip ? k->ip : w.src;
  return 0;
}

ssize_t datagram_send(struct stack *s, struct sock *k, const void *data, size_t len, const struct sock_addr *to)
{
  const struct sock_addr *dst = to ? to : k->connected ? &k->peer : NULL;
  struct tuple t;
  int err = check_send(s, k, len, dst, &t.local_ip);
  if (!err && k->port == 0) err = datagram_bind(s, k, 0, 0);
  if (err) return err;
  t = (struct tuple){t.local_ip, dst->ip, k->port, dst->port};
  if (route_is_ours(&s->net, dst->ip)) {
    const struct tuple back = {t.remote_ip, t.local_ip, t.remote_port, t.local_port};
    if (!deliver(s, &back, data, len)) datagram_icmp(s, &t, ECONNREFUSED);
  } else if (!out_datagram(s, &t, k->opt.ip, data, len)) {
    return -ENOBUFS;
  }
  s->stat[ST_UDP_OUT]++;
  return (ssize_t)len;
}
