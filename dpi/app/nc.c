// SPDX-License-Identifier: Apache-2.0
// Standard input and output as one end of a connection, opened or accepted, or of an exchange of datagrams. Each way has one buffer,
// filled only when it is empty.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/client.h"
#include "base/text.h"

enum { WAY_BYTES = 16384, DATAGRAM_MOST = 65507, UDP_WAIT_S = 1, AGAIN_US = 1000 };

struct way {
  size_t off, len;            // buf[off..len) is still to be passed on
  bool ended;
  uint8_t buf[DATAGRAM_MOST];   // of a connection just WAY_BYTES
};

struct nc {
  struct app base;
  int sid, listener;          // -1: none
  uint64_t udp, wait_s;       // options
  bool met, shut;             // datagrams: we know whom to talk to; our end was told
  bool tty, watching;         // standard input is a terminal; standard input and output are ours
  size_t piece;               // of standard input, at most; a datagram holds it
  struct way up, down;        // to the peer, from the peer
};

static void leave(struct nc *n)
{
  struct app_env *e = n->base.env;
  if (n->watching) {
    e->ops->unwatch(e, e->in_fd);
    e->ops->unwatch(e, e->out_fd);
  }
  n->watching = false;
  if (n->sid >= 0) (n->base.end == APP_DONE ? sock_close : sock_abort)(n->base.stack, n->sid);
  if (n->listener >= 0) sock_close(n->base.stack, n->listener);
  n->sid = n->listener = -1;
  n->base.due_us = 0;
}

static void fail(struct nc *n, const char *what, ssize_t rc)
{
  client_end(&n->base, APP_FAILED, "%s%s", what, strerror((int)-rc));
  leave(n);
}

static void done(struct nc *n)
{
  n->base.end = APP_DONE;
  leave(n);
}

// The peer's silence ends it, once our input has ended.
static void await_silence(struct nc *n)
{
  if (n->wait_s && n->up.ended && n->met) n->base.due_us = n->base.env->now_us + n->wait_s * 1000000;
}

// The two below return 1 when they got on, 0 when they must wait or are through, -1 when it is over.
static int input_to_peer(struct nc *n)
{
  struct way *w = &n->up;
  struct app_env *e = n->base.env;
  if (n->shut || !n->met) return 0;
  if (w->off == w->len && !w->ended) {
    ssize_t rc = read(e->in_fd, w->buf, n->piece);
    if (rc < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (rc < 0) return fail(n, "standard input: ", -errno), -1;
    w->off = 0;
    w->len = (size_t)rc;
    w->ended = rc == 0;
    await_silence(n);
  }
  ssize_t rc = w->ended ? 0 : sock_send(n->base.stack, n->sid, w->buf + w->off, w->len - w->off);
  if (w->ended) {
    rc = n->udp ? 0 : sock_shutdown(n->base.stack, n->sid);
    n->shut = rc == 0;
  }
  if (rc == -ENOBUFS) n->base.due_us = e->now_us + AGAIN_US;   // no edge tells of room for datagrams
  if (rc == -EAGAIN || rc == -ENOBUFS || rc == -ENOTCONN) return 0;
  if (rc < 0) return fail(n, "", rc), -1;
  w->off += (size_t)rc;
  return !n->shut;
}

// The first datagram says who it is.
static ssize_t hear(struct nc *n, uint8_t *buf, size_t cap)
{
  struct sock_addr from;
  if (!n->udp) return sock_recv(n->base.stack, n->sid, buf, cap);
  ssize_t rc = sock_recvfrom(n->base.stack, n->sid, buf, cap, &from);
  if (rc >= 0 && !n->met) n->met = sock_connect(n->base.stack, n->sid, from.ip, from.port) == 0;
  return rc;
}

static int peer_to_output(struct nc *n)
{
  struct way *w = &n->down;
  if (w->off == w->len) {
    if (w->ended) return 0;
    ssize_t rc = hear(n, w->buf, n->udp ? sizeof w->buf : WAY_BYTES);
    if (rc == -EAGAIN) return 0;
    if (rc < 0) return fail(n, "", rc), -1;
    w->off = 0;
    w->len = (size_t)rc;
    w->ended = rc == 0 && !n->udp;
    await_silence(n);
    return 1;
  }
  ssize_t rc = write(n->base.env->out_fd, w->buf + w->off, w->len - w->off);
  if (rc < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (rc < 0) return fail(n, "standard output: ", -errno), -1;
  w->off += (size_t)rc;
  return 1;
}

static void pump(struct nc *n)
{
  int in = 1, out = 1;
  while (n->sid >= 0 && (in > 0 || out > 0)) {
    in = input_to_peer(n);
    if (in >= 0) out = peer_to_output(n);
    if (in < 0 || out < 0) return;
  }
  // A terminal has no end by itself.
  if (n->sid >= 0 && n->down.ended && n->down.off == n->down.len && (n->shut || n->tty)) done(n);
}

static void nc_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct nc *n = (struct nc *)a;
  if (sid == n->listener) {
    int got = sock_accept(a->stack, sid, NULL);
    if (got < 0) return;
    n->sid = got;
    n->met = true;
    sock_close(a->stack, n->listener);
    n->listener = -1;
    sid = got;
  }
  if (sid == n->sid) pump(n);
}

static void nc_fd_ready(struct app *a, int fd)
{
  (void)fd;
  struct nc *n = (struct nc *)a;
  if (n->sid >= 0) pump(n);
}

static void nc_timer(struct app *a)
{
  struct nc *n = (struct nc *)a;
  if (!n->up.ended) pump(n);
  else if (!n->shut) fail(n, "", -ETIMEDOUT);    // not even connected yet
  else if (n->down.off < n->down.len) await_silence(n);   // not the peer's: nobody takes what it said
  else done(n);
}

static void nc_close(struct app *a)
{
  if (!a) return;
  leave((struct nc *)a);
  free(a);
}

// Its socket, connected or listening.
static bool begin(struct nc *n, uint16_t port, uint64_t to, char err[static APP_ERR_LEN])
{
  struct app *a = &n->base;
  int room = 0, sid = client_socket(a, n->udp ? SOCK_UDP : SOCK_TCP, port, err);
  if (sid < 0 || (to && !client_connect(a, sid, to, err))) return false;
  n->met = to;
  if (to || n->udp) n->sid = sid;
  else n->listener = sid;
  n->piece = WAY_BYTES;
  if (n->udp && sock_getsockopt(a->stack, sid, SOCK_OPT_SNDBUF, &room) == 0 && (size_t)room < n->piece) n->piece = (size_t)room;
  int rc = n->listener >= 0 ? sock_listen(a->stack, sid, 1) : 0;
  if (rc < 0) snprintf(err, APP_ERR_LEN, "nc: port %u: %s", port, strerror(-rc));
  return rc >= 0;
}

static bool watch_standard(struct nc *n, char err[static APP_ERR_LEN])
{
  struct app_env *e = n->base.env;
  errno = EBADF;
  if (e->in_fd >= 0 && e->out_fd >= 0 && e->ops->watch(e, &n->base, e->in_fd)) {
    n->watching = true;
    if (e->ops->watch(e, &n->base, e->out_fd)) return true;
  }
  snprintf(err, APP_ERR_LEN, "nc: standard input and output: %s", errno == EEXIST ? "another program has them" : strerror(errno));
  return false;
}

// A port alone: listen there.
static bool parse_target(const char *text, uint16_t *port, uint64_t *to)
{
  uint64_t p;
  *to = 0;
  if (!text) return *port > 0;
  if (text_parse_uint(text, 1, 65535, &p)) {
    *port = (uint16_t)p;
    return true;
  }
  return app_parse_addr(text, to);
}

static struct app *nc_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  struct nc *n = calloc(1, sizeof *n);
  if (!n) {
    snprintf(err, APP_ERR_LEN, "nc: out of memory");
    return NULL;
  }
  *n = (struct nc){.base = {.ops = &nc_ops, .env = e, .stack = e->stack}, .sid = -1, .listener = -1, .tty = isatty(e->in_fd)};
  const char *target = NULL;
  uint64_t to;
  const struct app_opt_desc table[] = {{"to", APP_OPT_TEXT, 0, 0, &target}, {"udp", APP_OPT_FLAG, 0, 0, &n->udp},
                                       {"wait", APP_OPT_NUMBER, 1, 1000000, &n->wait_s}};
  if (app_opts_apply("nc", &n->base.common, table, 3, opts, n_opts, err)) {
    if (n->udp && !n->wait_s) n->wait_s = UDP_WAIT_S;
    if (!parse_target(target, &port, &to)) snprintf(err, APP_ERR_LEN, "nc: to=%.60s: wants ADDR:PORT to connect, or a PORT to listen", target ? target : "");
    else if (begin(n, port, to, err) && watch_standard(n, err)) return &n->base;
  }
  nc_close(&n->base);
  return NULL;
}

const struct app_ops nc_ops = {
    .name = "nc",
    .summary = "nc[:PORT][=ADDR:PORT][,udp][,wait=SECONDS]  standard input and output as one end of a connection; without ADDR it waits for one;\n"
               "           wait: how long the peer may be silent when the input has ended (of datagrams 1, else for ever)",
    .ends = true,
    .usage = "ADDR:PORT|PORT [udp] [wait=SECONDS]",
    .open = nc_open,
    .ready = nc_ready,
    .fd_ready = nc_fd_ready,
    .timer = nc_timer,
    .close = nc_close,
};
