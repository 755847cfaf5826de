// SPDX-License-Identifier: Apache-2.0
#include "sock/sockopt.h"

#include <errno.h>

#include "sock/datagram.h"
#include "sock/flow.h"
#include "sock/stack_priv.h"

// A second has 15625 / 16 ticks of 1.024 ms; what two ticks bring may leave at once.
static uint32_t bytes_a_tick(uint32_t bytes_per_s) { return (uint32_t)(((uint64_t)bytes_per_s * 16 + 15624) / 15625); }

struct flow_tuning sockopt_tuning(const struct sock_options *o)
{
  return (struct flow_tuning){
    .nagle_off = o->nodelay,
    .user_timeout_ms = o->user_timeout_ms,
    .pace_rate = bytes_a_tick(o->pacing_bytes_per_s),
    .pace_burst = 2 * bytes_a_tick(o->pacing_bytes_per_s),
    .keep_idle_ms = o->keepalive ? o->keep_idle_ms : 0,
    .keep_interval_ms = o->keep_interval_ms,
    .keep_count = o->keep_count,
    .ip = o->ip,
  };
}

// Whether the engine can do it, and which values make sense.
static int check(const struct engine *e, bool datagram, enum sock_opt opt, int value)
{
  static const struct { int min, max; } range[SOCK_OPT_N] = {
    [SOCK_OPT_NODELAY] = {0, 1},       [SOCK_OPT_USER_TIMEOUT_MS] = {0, INT32_MAX}, [SOCK_OPT_KEEPALIVE] = {0, 1}, [SOCK_OPT_PACING] = {0, INT32_MAX},
    [SOCK_OPT_KEEP_IDLE_MS] = {1, INT32_MAX}, [SOCK_OPT_KEEP_INTERVAL_MS] = {1, INT32_MAX}, [SOCK_OPT_KEEP_COUNT] = {1, 255},
    [SOCK_OPT_REUSEADDR] = {0, 1},
    [SOCK_OPT_DSCP] = {0, 63}, [SOCK_OPT_TTL] = {1, 255},
  };
  bool can = false;
  if (opt == SOCK_OPT_REUSEADDR) can = datagram || value == 1;   // TCP's ports are always free once their listener is closed
  else if (datagram) can = opt == SOCK_OPT_DSCP || opt == SOCK_OPT_TTL;
  else if (opt == SOCK_OPT_NODELAY) can = e->nagle || value == 1;   // without Nagle there is never a delay
  else if (opt == SOCK_OPT_USER_TIMEOUT_MS) can = e->user_timeout;
  else if (opt == SOCK_OPT_PACING) can = e->pacing;
  else if (opt >= SOCK_OPT_KEEPALIVE && opt <= SOCK_OPT_KEEP_COUNT) can = e->keepalive;
  else if (opt == SOCK_OPT_DSCP || opt == SOCK_OPT_TTL) can = e->ip_choice;
  if (!can) return -ENOPROTOOPT;
  return value < range[opt].min || value > range[opt].max ? -EINVAL : 0;
}

static void store(struct sock_options *o, enum sock_opt opt, int value)
{
  if (opt == SOCK_OPT_NODELAY) o->nodelay = value;
  if (opt == SOCK_OPT_USER_TIMEOUT_MS) o->user_timeout_ms = (uint32_t)value;
  if (opt == SOCK_OPT_PACING) o->pacing_bytes_per_s = (uint32_t)value;
  if (opt == SOCK_OPT_KEEPALIVE) o->keepalive = value;
  if (opt == SOCK_OPT_KEEP_IDLE_MS) o->keep_idle_ms = (uint32_t)value;
  if (opt == SOCK_OPT_KEEP_INTERVAL_MS) o->keep_interval_ms = (uint32_t)value;
  if (opt == SOCK_OPT_KEEP_COUNT) o->keep_count = (uint8_t)value;
  if (opt == SOCK_OPT_REUSEADDR) o->reuse = value;
  if (opt == SOCK_OPT_DSCP) o->ip.dscp = (uint8_t)value;
  if (opt == SOCK_OPT_TTL) o->ip.ttl = (uint8_t)value;
}

int sock_setsockopt(struct stack *s, int sid, enum sock_opt opt, int value)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  struct engine *e = s->engine;
  int err = check(e, k->kind == SOCK_KIND_DATAGRAM, opt, value);
  if (err) return err;
  bool open = k->conn && flow_carried(k->conn);
  bool nothing_to_do = (opt == SOCK_OPT_NODELAY && !e->nagle) || opt == SOCK_OPT_REUSEADDR;
  if (open && !e->ops->tune && !nothing_to_do) return -ENOPROTOOPT;
  store(&k->opt, opt, value);
  if (k->conn) k->conn->ip = k->opt.ip;
  if (open) {
    struct flow_tuning t = sockopt_tuning(&k->opt);
    t.mss = k->conn->tuning.mss;
    flow_tune(s, k->conn, &t);
  }
  return 0;
}

static int get_datagram(struct sock *k, enum sock_opt opt, int *value)
{
  switch (opt) {
    case SOCK_OPT_REUSEADDR: *value = k->opt.reuse; return 0;
    case SOCK_OPT_DSCP: *value = k->opt.ip.dscp; return 0;
    case SOCK_OPT_TTL: *value = k->opt.ip.ttl ? k->opt.ip.ttl : IPV4_TTL; return 0;
    case SOCK_OPT_RECV_TTL: *value = k->got_ttl; return 0;
    case SOCK_OPT_RCVBUF: *value = SOCKS_RX_BYTES; return 0;
    case SOCK_OPT_SNDBUF: *value = (int)datagram_max(); return 0;
    case SOCK_OPT_ERROR: *value = -datagram_take_error(k); return 0;
    default: return -ENOPROTOOPT;
  }
}

int sock_getsockopt(struct stack *s, int sid, enum sock_opt opt, int *value)
{
  struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  if (k->kind == SOCK_KIND_DATAGRAM) return get_datagram(k, opt, value);
  switch (opt) {
    case SOCK_OPT_NODELAY: *value = k->opt.nodelay || !s->engine->nagle; return 0;
    case SOCK_OPT_USER_TIMEOUT_MS: *value = (int)k->opt.user_timeout_ms; return 0;
    case SOCK_OPT_PACING: *value = (int)k->opt.pacing_bytes_per_s; return 0;
    case SOCK_OPT_KEEPALIVE: *value = k->opt.keepalive; return 0;
    case SOCK_OPT_KEEP_IDLE_MS: *value = (int)k->opt.keep_idle_ms; return 0;
    case SOCK_OPT_KEEP_INTERVAL_MS: *value = (int)k->opt.keep_interval_ms; return 0;
    case SOCK_OPT_KEEP_COUNT: *value = k->opt.keep_count; return 0;
    case SOCK_OPT_REUSEADDR: *value = 1; return 0;
    case SOCK_OPT_DSCP: *value = k->opt.ip.dscp; return 0;
    case SOCK_OPT_TTL: *value = k->opt.ip.ttl ? k->opt.ip.ttl : IPV4_TTL; return 0;
    case SOCK_OPT_RCVBUF: *value = (int)(SOCKS_RX_BYTES + s->engine->rx_ring_bytes); return 0;
    case SOCK_OPT_SNDBUF: *value = (int)s->engine->tx_ring_bytes; return 0;
    case SOCK_OPT_ERROR: *value = k->err; return 0;
    case SOCK_OPT_SOFT_ERROR: *value = k->conn ? k->conn->soft_err : 0; return 0;
    case SOCK_OPT_RECV_TTL: case SOCK_OPT_N: break;
  }
  return -ENOPROTOOPT;
}

int sock_getsockname(struct stack *s, int sid, struct sock_addr *a)
{
  const struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  *a = (struct sock_addr){k->ip, k->port};
  return 0;
}

int sock_getpeername(struct stack *s, int sid, struct sock_addr *a)
{
  const struct sock *k = socks_get(s, sid);
  if (!k) return -EBADF;
  bool there = k->kind == SOCK_KIND_DATAGRAM ? k->connected
                                             : k->kind == SOCK_KIND_CONN && !k->err && (!k->conn || flow_carried(k->conn));
  if (!there) return -ENOTCONN;
  *a = k->peer;
  return 0;
}
