// SPDX-License-Identifier: Apache-2.0
// Echo (RFC 862): what comes in goes out. TCP: a peer that does not read stops its own sending, and each connection costs
// one small buffer. At the peer's FIN the rest is sent, then the connection is closed. UDP, when asked for: each datagram
// goes back to its sender.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/conns.h"

enum { ECHO_BUF_BYTES = 4096, ECHO_DATAGRAM_BYTES = 65507 };   // the longest datagram

struct echo {
  struct app base;
  struct conns conns;
  uint16_t port;
  int udp;          // sid of the datagram socket; -1: none
};

struct echo_conn {
  size_t off, len;  // buf[off..len) is still to be sent
  uint8_t buf[ECHO_BUF_BYTES];
};

static void drop(struct echo *e, int sid, struct echo_conn *c)
{
  conns_drop(&e->conns, sid);
  sock_close(e->base.stack, sid);
  free(c);
}

// Sends what is held. True when nothing is held any more; false: wait for room (-EAGAIN in *rc) or the end.
static bool flush(struct echo *e, int sid, struct echo_conn *c, ssize_t *rc)
{
  while (c->off < c->len) {
    *rc = sock_send(e->base.stack, sid, c->buf + c->off, c->len - c->off);
    if (*rc < 0) return false;
    c->off += (size_t)*rc;
  }
  c->off = c->len = 0;
  return true;
}

// Moves bytes until the socket has none, has no room, or has ended. The buffer is filled only when it is empty, so a
// connection that cannot send is not read from either: the back-pressure goes on to the peer.
static void pump(struct echo *e, int sid, struct echo_conn *c)
{
  ssize_t rc = 0;
  while (flush(e, sid, c, &rc)) {
    rc = sock_recv(e->base.stack, sid, c->buf, sizeof c->buf);
    if (rc <= 0) break;
    c->len = (size_t)rc;
  }
  if (rc != -EAGAIN) drop(e, sid, c);
}

static void accept_all(struct echo *e)
{
  int sid;
  while ((sid = sock_accept(e->base.stack, e->conns.listener, NULL)) >= 0) {
    struct echo_conn *c = calloc(1, sizeof *c);
    if (!c || !conns_put(&e->conns, sid, c)) {
      free(c);
      sock_abort(e->base.stack, sid);
      continue;
    }
    pump(e, sid, c);
  }
}

// One that comes from an echo port gets no answer: two echo services would go on for ever.
static void echo_datagrams(struct echo *e)
{
  uint8_t buf[ECHO_DATAGRAM_BYTES];
  struct sock_addr from;
  ssize_t n;
  while ((n = sock_recvfrom(e->base.stack, e->udp, buf, sizeof buf, &from)) >= 0)
    if (from.port != e->port && from.port != 0) sock_sendto(e->base.stack, e->udp, buf, (size_t)n, &from);
}

static void echo_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct echo *e = (struct echo *)a;
  if (sid == e->udp) {
    echo_datagrams(e);
    return;
  }
  if (sid == e->conns.listener) {
    accept_all(e);
    return;
  }
  struct echo_conn *c = conns_get(&e->conns, sid);
  if (c) pump(e, sid, c);
}

static void echo_close(struct app *a)
{
  if (!a) return;
  struct echo *e = (struct echo *)a;
  for (size_t i = 0; i < e->conns.n; i++)
    if (e->conns.of[i]) drop(e, (int)i, e->conns.of[i]);
  conns_close(&e->conns, a->stack);
  if (e->udp >= 0) sock_close(a->stack, e->udp);
  free(e);
}

static bool open_udp(struct echo *e, char err[static APP_ERR_LEN])
{
  struct stack *s = e->base.stack;
  int sid = sock_socket(s, SOCK_UDP);
  int rc = sid < 0 ? sid : sock_bind(s, sid, 0, e->port);
  if (rc < 0) {
    const char *why = rc == -EPROTONOSUPPORT ? "on a shared address UDP is the kernel's" : strerror(-rc);
    snprintf(err, APP_ERR_LEN, "echo: UDP port %u: %s", e->port, why);
    if (sid >= 0) sock_close(s, sid);
    return false;
  }
  sock_set_user(s, sid, e);
  e->udp = sid;
  return true;
}

static struct app *echo_open(struct app_env *env, uint16_t port, const struct app_opt *opts, size_t n_opts,
                             char err[static APP_ERR_LEN])
{
  uint64_t udp = 0;
  const struct app_opt_desc table[] = {{"udp", APP_OPT_FLAG, 0, 0, &udp}};
  struct app_common common;
  if (!app_opts_apply("echo", &common, table, 1, opts, n_opts, err)) return NULL;
  struct echo *e = calloc(1, sizeof *e);
  if (!e) {
    snprintf(err, APP_ERR_LEN, "echo: out of memory");
    return NULL;
  }
  e->base = (struct app){.ops = &echo_ops, .env = env, .stack = env->stack, .common = common};
  e->port = port;
  e->udp = -1;
  if (!conns_listen(&e->conns, &e->base, port, err)) {
    free(e);
    return NULL;
  }
  if (udp && !open_udp(e, err)) {
    echo_close(&e->base);
    return NULL;
  }
  return &e->base;
}

const struct app_ops echo_ops = {
    .name = "echo",
    .summary = "echo:PORT[,udp]  sends back what it gets (RFC 862); udp: datagrams too",
    .open = echo_open,
    .ready = echo_ready,
    .close = echo_close,
};
