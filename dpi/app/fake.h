// SPDX-License-Identifier: Apache-2.0
// For the tests: a stand-in for sock.h whose connections have little room, one byte if a test wants, so that every way of getting stuck
// shows; and what the owner of the loop lends.
#ifndef LW_FAKE_H
#define LW_FAKE_H
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/app.h"
#include "sock/netconf.h"

// Connections as pairs of byte queues, the first (sid 0) what listens or connects if a program has one such; and one datagram socket.
enum { SIDS = 8, UDP_SID = SIDS, DATAGRAMS = 8, BYTES = 65536 };

struct queue {
  size_t off, len;
  uint8_t bytes[BYTES];
};

struct datagrams {
  size_t n, taken;
  struct { struct sock_addr addr; size_t len; uint8_t bytes[20000]; } of[DATAGRAMS];
};

struct stack {
  bool listening, bind_fails, no_way, tunes_not, half_open;
  int user_timeout_ms;
  int listener, waiting;  // connections to accept
  struct {
    bool open, aborted, shut, fin, reset;
    void *user;
    struct queue in, out;
  } sid[SIDS + 1];
  int udp_error;                     // of its socket or bind
  bool udp_bind_fails;
  int udp_ttl;                       // as set
  struct sock_addr udp_peer;         // connected to; port 0: not
  struct datagrams heard, said;
  int heard_error;                   // an error comes in place of the next
  struct route_table net;
  size_t room;  // of each out queue: what was not yet taken counts
};
static struct stack fake;
static bool fake_pings;   // the datagram socket is one for echoes

// Descriptors are told by hand, with fds_ready.
static struct app *fake_watch[64];

static bool fake_watch_fd(struct app_env *e, struct app *a, int fd)
{
  (void)e;
  assert_true(fd >= 0 && fd < 64 && !fake_watch[fd]);
  fake_watch[fd] = a;
  return true;
}

static void fake_unwatch(struct app_env *e, int fd)
{
  (void)e;
  if (fd >= 0) fake_watch[fd] = NULL;
}

static bool fake_tty;          // somebody types
static unsigned fake_prompts;

static bool fake_edit(struct app_env *e, const char *prompt, const char *history, char err[static APP_ERR_LEN])
{
  (void)e;
  (void)prompt;
  (void)history;
  err[0] = '\0';
  return fake_tty;
}

static void fake_prompt(struct app_env *e)
{
  (void)e;
  fake_prompts++;
}

static void fake_inside(struct app_env *e, const struct sock_info *i, FILE *out)
{
  (void)e;
  fprintf(out, "inside of %u\n", i->flow);
}

static const struct app_env_ops fake_env_ops = {fake_watch_fd, fake_unwatch, fake_edit, fake_prompt, fake_inside};
static struct app_env env = {.ops = &fake_env_ops, .stack = &fake, .in_fd = 0, .out_fd = 1};

// All descriptors that are watched may be ready.
static inline void fds_ready(void)
{
  for (int fd = 0; fd < 64; fd++)
    if (fake_watch[fd]) fake_watch[fd]->ops->fd_ready(fake_watch[fd], fd);
}

static inline size_t fds_watched(void)
{
  size_t n = 0;
  for (int fd = 0; fd < 64; fd++) n += fake_watch[fd] != NULL;
  return n;
}

int sock_socket(struct stack *s, enum sock_type type)
{
  fake_pings = type == SOCK_ICMP;
  if (type == SOCK_ICMP) type = SOCK_UDP;   // one for both
  if (type == SOCK_UDP && s->udp_error && !s->udp_bind_fails) return s->udp_error;
  int sid = type == SOCK_UDP ? UDP_SID : 0;
  while (sid < SIDS && s->sid[sid].open) sid++;
  s->sid[sid].open = true;
  return sid;
}

int sock_connect(struct stack *s, int sid, uint32_t ip, uint16_t port)
{
  assert_true(s->sid[sid].open && ip == 0x0a000001 && port == (fake_pings ? 0 : 7));
  if (s->no_way) return -ENETUNREACH;
  if (sid != UDP_SID) return -EINPROGRESS;
  s->udp_peer = (struct sock_addr){ip, port};
  return 0;
}

int sock_shutdown(struct stack *s, int sid)
{
  assert_false(s->sid[sid].shut);
  if (s->half_open) return -ENOTCONN;
  s->sid[sid].shut = true;
  return 0;
}

int sock_bind(struct stack *s, int sid, uint32_t ip, uint16_t port)
{
  assert_true(s->sid[sid].open && ip == 0 && port > 0);
  if (sid == UDP_SID) return s->udp_error;
  return s->bind_fails ? -EADDRINUSE : 0;
}

int sock_listen(struct stack *s, int sid, int backlog)
{
  assert_true(s->sid[sid].open && backlog > 0);
  s->listening = true;
  s->listener = sid;
  return 0;
}

int sock_setsockopt(struct stack *s, int sid, enum sock_opt opt, int value)
{
  if (opt == SOCK_OPT_TTL) s->udp_ttl = value;
  if (opt == SOCK_OPT_TTL) return 0;
  assert_true(s->sid[sid].open && sid == 0 && opt == SOCK_OPT_USER_TIMEOUT_MS);
  if (s->tunes_not) return -ENOPROTOOPT;
  s->user_timeout_ms = value;
  return 0;
}

int sock_getsockopt(struct stack *s, int sid, enum sock_opt opt, int *value)
{
  if (opt == SOCK_OPT_RECV_TTL) *value = 63;
  if (opt == SOCK_OPT_RECV_TTL) return 0;
  assert_true(s->sid[sid].open && opt == (sid == UDP_SID ? SOCK_OPT_SNDBUF : SOCK_OPT_ERROR));
  *value = sid == UDP_SID ? 1472 : s->sid[sid].reset ? ECONNRESET : 0;
  return 0;
}

int sock_accept(struct stack *s, int sid, struct sock_addr *peer)
{
  if (!s->listening || sid != s->listener) return -EINVAL;
  if (s->waiting == 0) return -EAGAIN;
  if (peer) *peer = (struct sock_addr){0x0a000001, 5000};
  for (int i = 1; i < SIDS; i++)
    if (!s->sid[i].open) {
      s->waiting--;
      s->sid[i].open = true;
      s->sid[i].user = s->sid[sid].user;
      return i;
    }
  return -EAGAIN;
}

ssize_t sock_send(struct stack *s, int sid, const void *data, size_t len)
{
  if (sid == UDP_SID) return s->udp_peer.port ? sock_sendto(s, sid, data, len, &s->udp_peer) : -EDESTADDRREQ;
  struct queue *q = &s->sid[sid].out;
  assert_true(s->sid[sid].open && len > 0);
  if (s->sid[sid].reset) return -ECONNRESET;
  size_t held = q->len - q->off, n = held < s->room ? s->room - held : 0;
  if (n == 0) return -EAGAIN;
  if (n > len) n = len;
  assert_true(q->len + n <= BYTES);
  memcpy(q->bytes + q->len, data, n);
  q->len += n;
  return (ssize_t)n;
}

ssize_t sock_recv(struct stack *s, int sid, void *buf, size_t cap)
{
  if (sid == UDP_SID) return sock_recvfrom(s, sid, buf, cap, NULL);
  struct queue *q = &s->sid[sid].in;
  assert_true(s->sid[sid].open);
  if (s->sid[sid].reset) return -ECONNRESET;
  size_t n = q->len - q->off < cap ? q->len - q->off : cap;
  if (n == 0) return s->sid[sid].fin ? 0 : -EAGAIN;
  memcpy(buf, q->bytes + q->off, n);
  q->off += n;
  return (ssize_t)n;
}

ssize_t sock_sendto(struct stack *s, int sid, const void *data, size_t len, const struct sock_addr *to)
{
  struct datagrams *d = &s->said;
  assert_true(sid == UDP_SID && s->sid[sid].open && len <= sizeof d->of[0].bytes);
  if (d->n == DATAGRAMS) return -ENOBUFS;
  d->of[d->n].addr = *to;
  d->of[d->n].len = len;
  memcpy(d->of[d->n++].bytes, data, len);
  return (ssize_t)len;
}

ssize_t sock_recvfrom(struct stack *s, int sid, void *buf, size_t cap, struct sock_addr *from)
{
  struct datagrams *d = &s->heard;
  assert_true(sid == UDP_SID && s->sid[sid].open);
  if (s->sid[sid].reset) {   // told once
    s->sid[sid].reset = false;
    return -ECONNREFUSED;
  }
  if (d->taken == d->n) return -EAGAIN;
  if (s->heard_error) {   // once, of the datagram
    int err = s->heard_error;
    s->heard_error = 0;
    if (from) *from = d->of[d->taken].addr;
    d->taken++;
    return -err;
  }
  size_t i = d->taken++, n = d->of[i].len < cap ? d->of[i].len : cap;
  memcpy(buf, d->of[i].bytes, n);
  if (from) *from = d->of[i].addr;
  return (ssize_t)n;
}

int sock_close(struct stack *s, int sid)
{
  assert_true(s->sid[sid].open);
  s->sid[sid].open = false;
  return 0;
}

int sock_abort(struct stack *s, int sid)
{
  s->sid[sid].aborted = true;
  return sock_close(s, sid);
}

void sock_set_user(struct stack *s, int sid, void *user) { s->sid[sid].user = user; }
void *sock_user(struct stack *s, int sid) { return sid <= SIDS && s->sid[sid].open ? s->sid[sid].user : NULL; }

unsigned sock_poll(struct stack *s, int sid)
{
  assert_true(s->sid[sid].open);
  return s->sid[sid].reset ? SOCK_ERR | SOCK_IN : s->half_open ? 0 : SOCK_OUT;
}

const char *sock_state_name(enum sock_state state) { return state == SOCK_LISTENS ? "LISTEN" : "ESTABLISHED"; }

int sock_info_next(const struct stack *s, int sid)
{
  while (++sid <= SIDS)
    if (s->sid[sid].open) return sid;
  return -1;
}

int sock_info(struct stack *s, int sid, struct sock_info *i)
{
  if (sid > SIDS || !s->sid[sid].open) return -EBADF;
  bool listens = s->listening && sid == s->listener;
  const struct queue *in = &s->sid[sid].in, *out = &s->sid[sid].out;
  *i = (struct sock_info){.type = sid == UDP_SID ? SOCK_UDP : SOCK_TCP, .state = listens ? SOCK_LISTENS : SOCK_ESTABLISHED, .local = {listens ? 0 : 0x0a000002, 4000},
                          .peer = {0x0a000001, listens ? 0 : 7}, .unread = (uint32_t)(in->len - in->off), .unacked = (uint32_t)(out->len - out->off),
                          .flow = (uint16_t)sid, .iss = {100}, .irs = {200}, .mss = listens ? 0 : 1460, .sack = true};
  return 0;
}

// The interface: 10.0.0.2/24 at first, and what is given by hand.
struct netconf_link netconf_link(const struct stack *s)
{
  (void)s;
  return (struct netconf_link){.mac = {2, 0, 0, 0, 0, 2}, .mtu = 1500};
}

bool netconf_addr(const struct stack *s, size_t i, struct route_addr *a)
{
  if (i < s->net.n_addrs) *a = s->net.addr[i];
  return i < s->net.n_addrs;
}

bool netconf_route(const struct stack *s, size_t i, struct route *r)
{
  if (i < s->net.n_routes) *r = s->net.route[i];
  return i < s->net.n_routes;
}

int netconf_addr_add(struct stack *s, struct route_addr a) { return route_addr_add(&s->net, a); }
int netconf_addr_del(struct stack *s, uint32_t ip) { return route_addr_del(&s->net, ip); }
int netconf_route_add(struct stack *s, struct route r) { return route_add(&s->net, r); }
int netconf_route_del(struct stack *s, struct route r) { return route_del(&s->net, r); }

static inline struct app *open_app_with(const char *name, const struct app_opt *opt)
{
  char err[APP_ERR_LEN];
  fake = (struct stack){.room = 1 << 14};
  struct app *a = app_find(name)->open(&env, 7, opt, opt ? 1 : 0, err);
  assert_non_null(a);
  assert_true(fake.listening && fake.sid[0].user == a);
  return a;
}

static inline struct app *open_app(const char *name) { return open_app_with(name, NULL); }

static inline void connect_one(struct app *a)
{
  fake.waiting++;
  a->ops->ready(a, 0, SOCK_IN);
}

static inline void say(struct app *a, int sid, const void *data, size_t len)
{
  struct queue *q = &fake.sid[sid].in;
  assert_true(q->len + len <= BYTES);
  memcpy(q->bytes + q->len, data, len);
  q->len += len;
  a->ops->ready(a, sid, SOCK_IN);
}

// The peer takes what was sent, in pieces, until the program has no more to say.
static inline void take_all(struct app *a, int sid)
{
  struct queue *q = &fake.sid[sid].out;
  while (q->off < q->len) {
    q->off = q->len;
    if (fake.sid[sid].open) a->ops->ready(a, sid, SOCK_OUT);
  }
}

static inline void finish(struct app *a, int sid)
{
  fake.sid[sid].fin = true;
  a->ops->ready(a, sid, SOCK_IN | SOCK_HUP);
}

// A datagram from 10.0.0.1:port; a NULL: nobody is told yet.
static inline void hear(struct app *a, uint16_t port, const uint8_t *data, size_t len)
{
  struct datagrams *d = &fake.heard;
  d->of[d->n].addr = (struct sock_addr){0x0a000001, port};
  d->of[d->n].len = len;
  if (len) memcpy(d->of[d->n].bytes, data, len);
  d->n++;
  if (a) a->ops->ready(a, UDP_SID, SOCK_IN | SOCK_OUT);
}
#endif
