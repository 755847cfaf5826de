// SPDX-License-Identifier: Apache-2.0
// Files sent and received in the background, each on a connection of its own.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/shell.h"
#include "base/text.h"

enum { PIECE_BYTES = 16384, LOOK_US = 100000 };

struct transfer {
  struct transfer *next;
  bool sends, ended;          // sf; its file is over, and our FIN out
  int listener, sid, fd;      // -1: none
  uint64_t bytes;             // passed on
  struct sock_addr peer;
  size_t off, len;            // piece[off..len) is still to be passed on
  uint8_t piece[PIECE_BYTES];
  char name[];
};

static void drop(struct shell *h, struct transfer *t, bool abort)
{
  struct transfer **at = &h->transfers;
  while (*at != t) at = &(*at)->next;
  *at = t->next;
  if (t->listener >= 0) sock_close(h->base.stack, t->listener);
  if (t->sid >= 0) (abort ? sock_abort : sock_close)(h->base.stack, t->sid);
  if (t->fd >= 0) close(t->fd);
  free(t);
}

// These two return false, for the transfer is gone.
static bool failed(struct shell *h, struct transfer *t, const char *what, ssize_t rc)
{
  shell_fail(h, "%s %s: after %llu bytes: %s%s", t->sends ? "sf" : "rf", t->name, (unsigned long long)t->bytes, what, strerror((int)-rc));
  drop(h, t, true);
  return false;
}

static bool done(struct shell *h, struct transfer *t)
{
  char ip[TEXT_IPV4_LEN];
  text_format_ipv4(ip, t->peer.ip);
  if (t->sends) shell_say(h, "sf %s: %llu bytes to %s:%u", t->name, (unsigned long long)t->bytes, ip, t->peer.port);
  else shell_say(h, "rf %s: %llu bytes from %s:%u", t->name, (unsigned long long)t->bytes, ip, t->peer.port);
  drop(h, t, false);
  return false;
}

// Both of these: false, it is gone. It is over when the peer has ended, or has acknowledged everything: then nobody needs us any more.
static bool send_on(struct shell *h, struct transfer *t)
{
  struct stack *s = h->base.stack;
  while (!t->ended) {
    if (t->off == t->len) {
      ssize_t n = read(t->fd, t->piece, sizeof t->piece);
      if (n < 0) return failed(h, t, "", -errno);
      t->off = 0;
      t->len = (size_t)n;
    }
    ssize_t rc = t->len ? sock_send(s, t->sid, t->piece + t->off, t->len - t->off) : sock_shutdown(s, t->sid);
    if (rc == -EAGAIN || rc == -ENOTCONN) break;
    if (rc < 0) return failed(h, t, "", rc);
    t->ended = t->len == 0;
    t->off += (size_t)rc;
    t->bytes += (uint64_t)rc;
  }
  struct sock_info i;
  ssize_t rc = 1;
  while (rc > 0) rc = sock_recv(s, t->sid, (uint8_t[256]){0}, 256);   // what comes back is of no use
  if (rc < 0 && rc != -EAGAIN) return failed(h, t, "", rc);
  if (t->ended && (rc == 0 || (sock_info(s, t->sid, &i) == 0 && i.unacked == 0))) return done(h, t);
  if (t->ended && !h->look_us) h->look_us = h->base.env->now_us + LOOK_US;
  return true;
}

static bool receive_on(struct shell *h, struct transfer *t)
{
  if (t->sid < 0) {
    t->sid = sock_accept(h->base.stack, t->listener, &t->peer);
    if (t->sid < 0) return true;
    sock_close(h->base.stack, t->listener);
    t->listener = -1;
  }
  for (;;) {
    ssize_t n = sock_recv(h->base.stack, t->sid, t->piece, sizeof t->piece);
    if (n == -EAGAIN) return true;
    if (n < 0) return failed(h, t, "", n);
    if (n == 0) return done(h, t);
    for (ssize_t off = 0, rc; off < n; off += rc, t->bytes += (uint64_t)rc) {
      rc = write(t->fd, t->piece + off, (size_t)(n - off));
      if (rc < 0) return failed(h, t, "writing: ", -errno);
    }
  }
}

static void go_on(struct shell *h, struct transfer *t) { (t->sends ? send_on : receive_on)(h, t); }

static struct transfer *find(const struct shell *h, int sid)
{
  for (struct transfer *t = h->transfers; t; t = t->next)
    if (t->sid == sid || t->listener == sid) return t;
  return NULL;
}

bool transfer_owns(const struct shell *h, int sid) { return find(h, sid); }

bool transfer_ready(struct shell *h, int sid)
{
  struct transfer *t = find(h, sid);
  if (t) go_on(h, t);
  return t;
}

void transfer_timer(struct shell *h)
{
  h->look_us = 0;
  for (struct transfer *t = h->transfers, *next; t; t = next) {
    next = t->next;
    if (t->ended) go_on(h, t);
  }
}

void transfer_drop_all(struct shell *h)
{
  while (h->transfers) drop(h, h->transfers, true);
}

static struct transfer *begin(struct shell *h, const char *name, bool sends)
{
  struct transfer *t = calloc(1, sizeof *t + strlen(name) + 1);
  if (!t) {
    shell_fail(h, "out of memory");
    return NULL;
  }
  *t = (struct transfer){.sends = sends, .listener = -1, .sid = -1, .fd = -1, .next = h->transfers};
  strcpy(t->name, name);
  h->transfers = t;
  return t;
}

// A file, and nothing that could make us wait.
static bool open_file(struct shell *h, struct transfer *t)
{
  struct stat st;
  int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  t->fd = t->sends ? open(t->name, O_RDONLY | flags) : open(t->name, O_WRONLY | O_CREAT | O_TRUNC | flags, 0666);
  if (t->fd < 0) return shell_fail(h, "%s: %s", t->name, strerror(errno));
  if (fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode)) return true;
  return shell_fail(h, "%s: not a file", t->name);
}

bool shell_send_file(struct shell *h, char **arg)
{
  uint32_t ip = 0;
  uint16_t port = 0;
  if (!shell_addr(h, arg[1], &ip) || !shell_port(h, arg[2], &port)) return false;
  struct transfer *t = begin(h, arg[0], true);
  if (!t) return false;
  t->peer = (struct sock_addr){ip, port};
  if (open_file(h, t) && (t->sid = shell_socket(h, 0)) >= 0) {
    if (shell_connect(h, t->sid, ip, port)) return true;
    t->sid = -1;
  }
  drop(h, t, true);
  return false;
}

bool shell_receive_file(struct shell *h, char **arg)
{
  uint16_t port = 0;
  if (!shell_port(h, arg[1], &port)) return false;
  struct transfer *t = begin(h, arg[0], false);
  if (!t) return false;
  t->listener = shell_socket(h, port);
  int rc = t->listener >= 0 ? sock_listen(h->base.stack, t->listener, 1) : 0;
  if (rc < 0) shell_fail(h, "port %u: %s", port, strerror(-rc));
  if (t->listener >= 0 && rc == 0 && open_file(h, t)) {
    shell_say(h, "rf %s: waits on port %u", t->name, port);
    return true;
  }
  drop(h, t, true);
  return false;
}
