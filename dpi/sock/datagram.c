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

// Before each datagram in the receive buffer: sender's address 4, port 2, length 2, time to live 1, an errno 1. With an errno it is an
// error about an echo request of the socket's, whose sequence number is the port; the address is that of who says so.
enum { RECORD_BYTES = 10 };

struct record {
  struct sock_addr from;
  uint8_t ttl, err;
};

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
  uint32_t from = 0;
  bool dissolve = to.ip == 0 && to.port == 0;
  if (!dissolve && to.port == 0 && k->space == SOCKS_UDP) return -EINVAL;
  if (!dissolve && !route_source(&s->net, k->bound_ip, to.ip, &from)) return -ENETUNREACH;
  int err = dissolve || k->port ? 0 : datagram_bind(s, k, 0, 0);
  if (err) return err;
  k->ip = dissolve ? k->bound_ip : from;
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

// Into the buffer of a socket; dropped when that is full.
static void queue(struct stack *s, struct sock *k, const struct record *r, const uint8_t *data, size_t len)
{
  bool udp = k->space == SOCKS_UDP;
  if (socks_rx_room(k) < RECORD_BYTES + len) {
    s->stat[udp ? ST_UDP_QUEUE_FULL : ST_PING_QUEUE_FULL]++;
    return;
  }
  uint8_t head[RECORD_BYTES] = {[8] = r->ttl, [9] = r->err};
  put_be32(head, r->from.ip);
  put_be16(head + 4, r->from.port);
  put_be16(head + 6, (uint16_t)len);
  socks_rx_append(k, head, sizeof head);
  socks_rx_append(k, data, len);
  if (!r->err) s->stat[udp ? ST_UDP_IN : ST_PING_IN]++;
  socks_mark_ready(s, k);
}

// To whose it is. False: nobody has the port.
static bool deliver(struct stack *s, enum socks_space space, const struct tuple *t, uint8_t ttl, const uint8_t *data, size_t len)
{
  struct sock *k = socks_find(s, space, t);
  if (k) queue(s, k, &(struct record){{t->remote_ip, t->remote_port}, ttl, 0}, data, len);
  return k;
}

ssize_t datagram_recv(struct sock *k, void *buf, size_t cap, struct sock_addr *from)
{
  if (k->err) return datagram_take_error(k);
  if (socks_rx_used(k) == 0) return -EAGAIN;
  uint8_t head[RECORD_BYTES];
  socks_rx_take(k, head, sizeof head);
  size_t len = get_be16(head + 6), n = len < cap ? len : cap;
  socks_rx_take(k, buf, n);
  k->rx_taken += (uint32_t)(len - n);   // what the caller had no room for is lost
  k->got_ttl = head[8];
  if (from) *from = (struct sock_addr){get_be32(head), get_be16(head + 4)};
  return head[9] ? -head[9] : (ssize_t)n;
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
  if (deliver(s, SOCKS_UDP, &t, ip->ttl, u.data, u.data_len)) return;
  s->stat[ST_UDP_NO_PORT]++;
  icmperr_send(s, frame, ip, ICMP_TYPE_UNREACHABLE, ICMP_CODE_PORT);   // RFC 1122 section 4.1.3.1
}

void datagram_echo_reply(struct stack *s, const struct ipv4_hdr *ip, const struct icmp_msg *m)
{
  const struct tuple t = {ip->dst, ip->src, m->id, m->seq};
  if (!deliver(s, SOCKS_ECHO, &t, ip->ttl, m->data, m->data_len)) s->stat[ST_ICMP_OTHER]++;
}

bool datagram_icmp(struct stack *s, enum socks_space space, const struct tuple *t, int err, uint32_t router)
{
  struct sock *k = socks_find(s, space, t);
  if (k && space == SOCKS_ECHO) queue(s, k, &(struct record){{router, t->remote_port}, 0, (uint8_t)err}, NULL, 0);
  else if (k && k->connected) tell(s, k, err);
  return k;
}

// --- out -------------------------------------------------------------------------------------------------------------

size_t datagram_max(void) { return UINT16_MAX - IPV4_HDR_BYTES - UDP_HDR_BYTES; }

// 0: it may go to dst, from *src; else a negative errno.
static int check_send(const struct stack *s, struct sock *k, size_t len, const struct sock_addr *dst, uint32_t *src)
{
  if (k->err) return datagram_take_error(k);
  if (k->shut) return -EPIPE;
  if (!dst) return -EDESTADDRREQ;
  if (dst->port == 0 && k->space == SOCKS_UDP) return -EINVAL;
  if (len > datagram_max()) return -EMSGSIZE;
  if (k->ip && !route_is_ours(&s->net, k->ip)) return -EADDRNOTAVAIL;
  return route_source(&s->net, k->ip, dst->ip, src) ? 0 : -ENETUNREACH;
}

// To our own address. False: nobody has the port.
static bool send_inside(struct stack *s, struct sock *k, const struct tuple *t, const void *data, size_t len)
{
  const struct tuple back = {t->remote_ip, t->local_ip, t->remote_port, t->local_port};
  uint8_t ttl = k->opt.ip.ttl ? k->opt.ip.ttl : IPV4_TTL;
  if (k->space == SOCKS_UDP) return deliver(s, SOCKS_UDP, &back, ttl, data, len);
  s->stat[ST_ICMP_ECHO]++;
  queue(s, k, &(struct record){{t->remote_ip, t->remote_port}, IPV4_TTL, 0}, data, len);   // our own answer
  return true;
}

ssize_t datagram_send(struct stack *s, struct sock *k, const void *data, size_t len, const struct sock_addr *to)
{
  const struct sock_addr *dst = to ? to : k->connected ? &k->peer : NULL;
  struct tuple t;
  int err = check_send(s, k, len, dst, &t.local_ip);
  if (!err && k->port == 0) err = datagram_bind(s, k, 0, 0);
  if (err) return err;
  t = (struct tuple){t.local_ip, dst->ip, k->port, dst->port};
  bool udp = k->space == SOCKS_UDP;
  if (route_is_ours(&s->net, dst->ip)) {
    if (!send_inside(s, k, &t, data, len)) datagram_icmp(s, SOCKS_UDP, &t, ECONNREFUSED, t.remote_ip);
  } else if (!(udp ? out_datagram : out_echo)(s, &t, k->opt.ip, data, len)) {
    return -ENOBUFS;
  }
  s->stat[udp ? ST_UDP_OUT : ST_PING_OUT]++;
  return (ssize_t)len;
}
