// SPDX-License-Identifier: Apache-2.0
// Carries each connection to a real server, by a socket of the system's own: bytes, half-closes and resets, both ways. Each way has one
// buffer, filled only when it is empty, so who does not read is not read from.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/conns.h"
#include "base/text.h"

enum { WAY_BYTES = 16384 };

struct forward {
  struct app base;
  struct conns conns, fds;   // by sid (with the listener), and by descriptor
  uint16_t port;
  uint64_t to;               // ip << 16 | port
  bool told;                 // that the server cannot be reached; until it could be
};

// From one end to the other.
struct way {
  size_t off, len;           // buf[off..len) is still to be passed on
  bool ended, shut;          // the source has; the other end was told
  uint8_t buf[WAY_BYTES];
};

struct pass {
  int sid, fd;
  bool reached;              // the server has said, or taken, something
  struct way up, down;       // to the server, from the server
};

static void drop(struct forward *f, struct pass *c, bool abort)
{
  static const struct linger reset = {1, 0};
  if (abort) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  f->base.env->ops->unwatch(f->base.env, c->fd);
  close(c->fd);
  (abort ? sock_abort : sock_close)(f->base.stack, c->sid);
  conns_drop(&f->conns, c->sid);
  conns_drop(&f->fds, c->fd);
  free(c);
}

static ssize_t of_errno(ssize_t rc) { return rc >= 0 ? rc : -errno; }

static ssize_t fill(struct forward *f, struct pass *c, struct way *w)
{
  if (w == &c->up) return sock_recv(f->base.stack, c->sid, w->buf, sizeof w->buf);
  return of_errno(recv(c->fd, w->buf, sizeof w->buf, 0));
}

static ssize_t pass_on(struct forward *f, struct pass *c, const struct way *w)
{
  if (w == &c->down) return sock_send(f->base.stack, c->sid, w->buf + w->off, w->len - w->off);
  return of_errno(send(c->fd, w->buf + w->off, w->len - w->off, MSG_NOSIGNAL));
}

// The source's end, passed on. A socket that is still connecting must not be shut, it would give up: later, then.
static ssize_t shut(struct forward *f, struct pass *c, struct way *w)
{
  struct sockaddr_in peer;
  socklen_t len = sizeof peer;
  if (w == &c->up && getpeername(c->fd, (struct sockaddr *)&peer, &len) != 0) return -EAGAIN;
  w->shut = true;
  return w == &c->down ? sock_shutdown(f->base.stack, c->sid) : of_errno(shutdown(c->fd, SHUT_WR));
}

// Until it can go no further: 0 at its end, -EAGAIN, or why the connection is broken.
static ssize_t pump(struct forward *f, struct pass *c, struct way *w)
{
  for (ssize_t n; !w->shut;) {
    if (w->off < w->len) {
      n = pass_on(f, c, w);
      if (n > 0) w->off += (size_t)n;
    } else if (w->ended) {
      n = shut(f, c, w);
    } else {
      n = fill(f, c, w);
      w->off = 0;
      w->len = n > 0 ? (size_t)n : 0;
      w->ended = n == 0;
    }
    if (n < 0) return n;
    c->reached |= w == &c->down || w->off > 0;
  }
  return 0;
}

// Once, until it can be reached again.
static void unreachable(struct forward *f, int err)
{
  char ip[TEXT_IPV4_LEN];
  if (!f->told)
    fprintf(stderr, "lockwire: forward:%u: to %s:%u: %s\n", f->port, text_format_ipv4(ip, (uint32_t)(f->to >> 16)), (unsigned)(f->to & 0xffff), strerror(err));
  f->told = true;
}

// It is the client's end that is.
static bool sock_broken(const struct forward *f, const struct pass *c) { return sock_poll(f->base.stack, c->sid) & SOCK_ERR; }

static bool breaks(ssize_t rc) { return rc < 0 && rc != -EAGAIN; }

static void go_on(struct forward *f, struct pass *c)
{
  ssize_t up = pump(f, c, &c->up), down = pump(f, c, &c->down), rc = breaks(up) ? up : down;
  if (c->down.len > 0) f->told = false;
  if (breaks(rc) && !c->reached && !sock_broken(f, c)) unreachable(f, (int)-rc);
  if (breaks(rc) || (up == 0 && down == 0)) drop(f, c, breaks(rc));
}

// A socket on its way to the server; -1: there is none to be had.
static int connect_server(struct forward *f)
{
  static const int on = 1;
  const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->to), .sin_addr.s_addr = htonl((uint32_t)(f->to >> 16))};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fd >= 0 && (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS)) return fd;
  unreachable(f, errno);
  if (fd >= 0) close(fd);
  return -1;
}

static bool take(struct forward *f, int sid)
{
  struct pass *c = calloc(1, sizeof *c);
  int fd = c ? connect_server(f) : -1;
  if (fd >= 0) {
    c->sid = sid;
    c->fd = fd;
    if (conns_put(&f->conns, sid, c) && conns_put(&f->fds, fd, c) && f->base.env->ops->watch(f->base.env, &f->base, fd)) return true;
    conns_drop(&f->conns, sid);
    conns_drop(&f->fds, fd);
    close(fd);
  }
  free(c);
  return false;
}

static void forward_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct forward *f = (struct forward *)a;
  struct pass *c = conns_get(&f->conns, sid);
  if (c) go_on(f, c);
  if (sid != f->conns.listener) return;
  while ((sid = sock_accept(a->stack, f->conns.listener, NULL)) >= 0) {
    if (take(f, sid)) go_on(f, conns_get(&f->conns, sid));
    else sock_abort(a->stack, sid);
  }
}

static void forward_fd_ready(struct app *a, int fd)
{
  struct forward *f = (struct forward *)a;
  struct pass *c = conns_get(&f->fds, fd);
  if (c) go_on(f, c);
}

static void forward_close(struct app *a)
{
  if (!a) return;
  struct forward *f = (struct forward *)a;
  for (size_t i = 0; i < f->conns.n; i++)
    if (f->conns.of[i]) drop(f, f->conns.of[i], false);
  conns_close(&f->conns, a->stack);
  conns_close(&f->fds, a->stack);
  free(f);
}

static struct app *forward_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  struct forward *f = calloc(1, sizeof *f);
  if (!f) {
    snprintf(err, APP_ERR_LEN, "forward: out of memory");
    return NULL;
  }
  *f = (struct forward){.base = {.ops = &forward_ops, .env = e, .stack = e->stack}, .port = port, .fds.listener = -1};
  const struct app_opt_desc table[] = {{"to", APP_OPT_ADDR, 0, 0, &f->to}};
  if (app_opts_apply("forward", &f->base.common, table, 1, opts, n_opts, err)) {
    if (!f->to) snprintf(err, APP_ERR_LEN, "forward: to=ADDR:PORT is missing");
    else if (conns_listen(&f->conns, &f->base, port, err)) return &f->base;
  }
  free(f);
  return NULL;
}

const struct app_ops forward_ops = {
    .name = "forward",
    .summary = "forward:PORT=ADDR:PORT  carries each connection to a real server that this process can reach, on loopback, say",
    .open = forward_open,
    .ready = forward_ready,
    .fd_ready = forward_fd_ready,
    .close = forward_close,
};
