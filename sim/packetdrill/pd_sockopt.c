// SPDX-License-Identifier: Apache-2.0
// getsockopt and setsockopt: what the stack has by the names that a script gives it. What it has not is ENOPROTOOPT.
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>

#include "pd_file.h"
#include "tcp/core/core.h"

// Options that are an int here and there; `scale` of ours make one of theirs.
static const struct {
  int level, name;
  enum sock_opt opt;
  int scale;
  bool flag, read_only;
} numbers[] = {
    {SOL_SOCKET, SO_KEEPALIVE, SOCK_OPT_KEEPALIVE, 1, true, false},
    {SOL_SOCKET, SO_MAX_PACING_RATE, SOCK_OPT_PACING, 1, false, false},
    {SOL_SOCKET, SO_RCVBUF, SOCK_OPT_RCVBUF, 1, false, true},
    {SOL_SOCKET, SO_SNDBUF, SOCK_OPT_SNDBUF, 1, false, true},
    {SOL_SOCKET, SO_REUSEADDR, SOCK_OPT_REUSEADDR, 1, true, false},
    {IPPROTO_TCP, TCP_NODELAY, SOCK_OPT_NODELAY, 1, true, false},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, SOCK_OPT_USER_TIMEOUT_MS, 1, false, false},
    {IPPROTO_TCP, TCP_KEEPIDLE, SOCK_OPT_KEEP_IDLE_MS, 1000, false, false},
    {IPPROTO_TCP, TCP_KEEPINTVL, SOCK_OPT_KEEP_INTERVAL_MS, 1000, false, false},
    {IPPROTO_TCP, TCP_KEEPCNT, SOCK_OPT_KEEP_COUNT, 1, false, false},
    {IPPROTO_IP, IP_TTL, SOCK_OPT_TTL, 1, false, false},
    {IPPROTO_IP, IP_TOS, SOCK_OPT_DSCP, 1, false, false},   // above the two bits of ECN
};
enum { N_NUMBERS = sizeof numbers / sizeof numbers[0], ECN_BITS = 2, LINGER_MOST_S = 1000000 };

static int find(int level, int name)
{
  for (int i = 0; i < N_NUMBERS; i++)
    if (numbers[i].level == level && numbers[i].name == name) return i;
  return -1;
}

// As much of it as the caller has room for.
static int answer(void *val, socklen_t *len, const void *from, size_t size)
{
  if (*len > size) *len = (socklen_t)size;
  memcpy(val, from, *len);
  return 0;
}

static int answer_int(void *val, socklen_t *len, int v) { return answer(val, len, &v, sizeof v); }

// --- TCP_INFO ------------------------------------------------------------------------------------------------------------

static uint8_t linux_state(enum sock_state s)
{
  static const uint8_t of[] = {[SOCK_CLOSED] = 7,      [SOCK_LISTENS] = 10,    [SOCK_SYN_SENT] = 2,   [SOCK_SYN_RECEIVED] = 3,
                               [SOCK_ESTABLISHED] = 1, [SOCK_FIN_WAIT_1] = 4,  [SOCK_FIN_WAIT_2] = 5, [SOCK_CLOSE_WAIT] = 8,
                               [SOCK_CLOSING] = 11,    [SOCK_LAST_ACK] = 9,    [SOCK_TIME_WAIT] = 6};
  return of[s];
}

static uint8_t ca_state(const struct snd_ctx *c)
{
  if (c->retries && !seq_eq(c->una, c->max)) return TCP_CA_Loss;
  if (c->recovery) return TCP_CA_Recovery;
  return c->dup_acks || c->sack_n ? TCP_CA_Disorder : TCP_CA_Open;
}

static uint32_t segments(uint32_t bytes, uint32_t mss) { return (bytes + mss - 1) / mss; }

static void send_side(struct tcp_info *t, const struct sock_info *i)
{
  const struct snd_ctx *c = i->snd;
  uint32_t flight = (uint32_t)seq_diff(c->max, c->una), sacked = 0;
  const struct core_block b[] = {{c->sack0_start, c->sack0_end}, {c->sack1_start, c->sack1_end}, {c->sack2_start, c->sack2_end}, {c->sack3_start, c->sack3_end}};
  for (unsigned n = 0; n < c->sack_n; n++) sacked += (uint32_t)seq_diff(b[n].end, b[n].start);
  t->tcpi_ca_state = ca_state(c);
  t->tcpi_retransmits = c->retries;
  t->tcpi_backoff = c->backoff;
  t->tcpi_rto = c->rto_us;
  t->tcpi_rtt = c->srtt_us >> 3;
  t->tcpi_rttvar = c->rttvar_us >> 2;
  t->tcpi_unacked = segments(flight, c->mss);
  t->tcpi_sacked = segments(sacked, c->mss);
  t->tcpi_snd_cwnd = c->cwnd / c->mss;
  t->tcpi_snd_ssthresh = c->ssthresh >= NIC_CWND_MAX ? INT32_MAX : c->ssthresh / c->mss;
  t->tcpi_snd_wnd = c->wnd;
  t->tcpi_notsent_bytes = i->unacked > flight ? i->unacked - flight : 0;
}

static int tcp_info(struct pd *d, const struct pd_file *f, void *val, socklen_t *len)
{
  struct sock_info i;
  struct tcp_info t = {0};
  sock_info(d->e.stack, f->sock.sid, &i);
  t.tcpi_state = linux_state(i.state);
  t.tcpi_options = (uint8_t)((i.timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (i.sack ? TCPI_OPT_SACK : 0) | (i.wscale ? TCPI_OPT_WSCALE : 0));
  t.tcpi_snd_wscale = (uint8_t)(i.snd_wscale & 15);
  t.tcpi_rcv_wscale = (uint8_t)(i.rcv_wscale & 15);
  t.tcpi_snd_mss = i.mss;
  t.tcpi_rcv_mss = t.tcpi_advmss = i.rcv_mss;
  t.tcpi_pmtu = d->mtu;
  t.tcpi_ato = NIC_DELACK_US;
  t.tcpi_reordering = NIC_DUP_THRESH;
  if (i.snd) send_side(&t, &i);
  if (i.rcv) t.tcpi_rcv_space = (uint32_t)seq_diff(i.rcv->wnd_end, i.rcv->nxt);
  return answer(val, len, &t, sizeof t);
}

// --- getsockopt ------------------------------------------------------------------------------------------------------------

static int get_number(struct pd *d, const struct pd_file *f, int i, void *val, socklen_t *len)
{
  int v, r = sock_getsockopt(d->e.stack, f->sock.sid, numbers[i].opt, &v);
  if (r) return r;
  if (numbers[i].opt == SOCK_OPT_DSCP) v <<= ECN_BITS;
  return answer_int(val, len, v / numbers[i].scale);
}

static int get_time(void *val, socklen_t *len, uint64_t us)
{
  const struct timeval t = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
  return answer(val, len, &t, sizeof t);
}

static int get_socket(struct pd *d, struct pd_file *f, int name, void *val, socklen_t *len)
{
  struct sock_info i;
  sock_info(d->e.stack, f->sock.sid, &i);
  switch (name) {
    case SO_ERROR: return answer_int(val, len, pd_socket_error(d, f));
    case SO_TYPE: return answer_int(val, len, f->sock.type);
    case SO_PROTOCOL: return answer_int(val, len, f->sock.protocol);
    case SO_DOMAIN: return answer_int(val, len, AF_INET);
    case SO_ACCEPTCONN: return answer_int(val, len, i.state == SOCK_LISTENS);
    case SO_LINGER: return answer(val, len, &f->sock.linger, sizeof f->sock.linger);
    case SO_RCVTIMEO: return get_time(val, len, f->sock.rcv_us);
    case SO_SNDTIMEO: return get_time(val, len, f->sock.snd_us);
    default: return -ENOPROTOOPT;
  }
}

static int get_tcp(struct pd *d, const struct pd_file *f, int name, void *val, socklen_t *len)
{
  static const char *const cc[] = {"none", "reno", "reno", "cubic"};   // NewReno is what Linux has by that name
  struct sock_info i;
  sock_info(d->e.stack, f->sock.sid, &i);
  const char *congestion = cc[d->nic ? nic_build().caps.congestion : CORE_CC_NEWRENO];
  switch (name) {
    case TCP_INFO: return tcp_info(d, f, val, len);
    case TCP_MAXSEG: return answer_int(val, len, i.mss ? i.mss : TCP_MSS_DEFAULT);
    case TCP_CONGESTION: return answer(val, len, congestion, strlen(congestion) + 1);
    default: return -ENOPROTOOPT;
  }
}

int pd_getsockopt(struct pd *d, struct pd_file *f, int level, int name, void *val, socklen_t *len)
{
  int i = find(level, name);
  if (i >= 0) return get_number(d, f, i, val, len);
  if (level == SOL_SOCKET) return get_socket(d, f, name, val, len);
  return level == IPPROTO_TCP && f->sock.type == SOCK_STREAM ? get_tcp(d, f, name, val, len) : -ENOPROTOOPT;
}

// --- setsockopt ------------------------------------------------------------------------------------------------------------

static int set_number(struct pd *d, const struct pd_file *f, int i, const void *val, socklen_t len)
{
  int v;
  bool stream = f->sock.type == SOCK_STREAM;
  if (len < sizeof v) return -EINVAL;
  memcpy(&v, val, sizeof v);
  if (numbers[i].read_only) return v < 0 ? -EINVAL : 0;   // a wish, as Linux takes it beyond its bounds; ours is one size
  if (numbers[i].flag) v = v != 0;
  if (numbers[i].opt == SOCK_OPT_REUSEADDR && stream) return 0;   // a port is free with its listener
  if (numbers[i].opt == SOCK_OPT_DSCP) {
    if (v < 0 || v & ((1 << ECN_BITS) - 1)) return -EINVAL;
    v >>= ECN_BITS;
  }
  if (v > INT32_MAX / numbers[i].scale) return -EINVAL;
  return sock_setsockopt(d->e.stack, f->sock.sid, numbers[i].opt, v * numbers[i].scale);
}

static int set_time(uint64_t *us, const void *val, socklen_t len)
{
  struct timeval t;
  if (len < sizeof t) return -EINVAL;
  memcpy(&t, val, sizeof t);
  if (t.tv_sec < 0 || t.tv_usec < 0 || t.tv_usec >= 1000000) return -EDOM;
  *us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
  return 0;
}

static int set_linger(struct pd_file *f, const void *val, socklen_t len)
{
  struct linger l;
  if (len < sizeof l) return -EINVAL;
  memcpy(&l, val, sizeof l);
  if (l.l_linger < 0 || l.l_linger > LINGER_MOST_S) l.l_linger = LINGER_MOST_S;
  f->sock.linger = (struct linger){.l_onoff = l.l_onoff != 0, .l_linger = l.l_linger};
  return 0;
}

int pd_setsockopt(struct pd *d, struct pd_file *f, int level, int name, const void *val, socklen_t len)
{
  int i = find(level, name);
  if (i >= 0) return set_number(d, f, i, val, len);
  if (level != SOL_SOCKET) return -ENOPROTOOPT;
  switch (name) {
    case SO_LINGER: return set_linger(f, val, len);
    case SO_RCVTIMEO: return set_time(&f->sock.rcv_us, val, len);
    case SO_SNDTIMEO: return set_time(&f->sock.snd_us, val, len);
    default: return -ENOPROTOOPT;
  }
}
