// SPDX-License-Identifier: Apache-2.0
// The other end of an echo (RFC 862): connects, sends bytes, and holds what comes back against them. It ends by itself.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/client.h"
#include "app/pattern.h"

enum { PIECE_BYTES = 16384, BYTES_DEFAULT = 65536 };

struct client {
  struct app base;
  int sid;
  uint64_t bytes, sent, got;
  bool shut;
};

// The socket goes with the client's end; client_end has said which.
static void leave(struct client *c)
{
  if (c->base.end == APP_DONE) sock_close(c->base.stack, c->sid);
  else sock_abort(c->base.stack, c->sid);
  c->sid = -1;
}

static bool failed(struct client *c, ssize_t rc)
{
  if (rc >= 0 || rc == -EAGAIN) return false;
  client_end(&c->base, APP_FAILED, "after %llu of %llu bytes: %s", (unsigned long long)c->got, (unsigned long long)c->bytes, strerror((int)-rc));
  leave(c);
  return true;
}

static bool send_some(struct client *c)
{
  uint8_t piece[PIECE_BYTES];
  ssize_t rc = 0;
  while (c->sent < c->bytes) {
    size_t n = c->bytes - c->sent < sizeof piece ? (size_t)(c->bytes - c->sent) : sizeof piece;
    pattern_fill(piece, c->sent, n);
    rc = sock_send(c->base.stack, c->sid, piece, n);
    if (rc < 0) return !failed(c, rc);
    c->sent += (size_t)rc;
  }
  if (!c->shut) sock_shutdown(c->base.stack, c->sid);
  c->shut = true;
  return true;
}

// False when it is over.
static bool check(struct client *c, const uint8_t *data, size_t n)
{
  for (size_t i = 0; i < n; i++, c->got++)
    if (c->got == c->sent || data[i] != pattern_byte(c->got)) {
      client_end(&c->base, APP_DIFFERS, "byte %llu came back as %02x, was sent as %02x%s", (unsigned long long)c->got, data[i],
                 pattern_byte(c->got), c->got == c->sent ? " not at all" : "");
      leave(c);
      return false;
    }
  return true;
}

static void receive(struct client *c)
{
  uint8_t piece[PIECE_BYTES];
  ssize_t rc;
  while ((rc = sock_recv(c->base.stack, c->sid, piece, sizeof piece)) > 0)
    if (!check(c, piece, (size_t)rc)) return;
  if (failed(c, rc) || rc < 0) return;
  if (c->got == c->bytes) client_end(&c->base, APP_DONE, "%llu bytes came back as they were sent", (unsigned long long)c->bytes);
  else client_end(&c->base, APP_DIFFERS, "%llu of %llu bytes came back", (unsigned long long)c->got, (unsigned long long)c->bytes);
  leave(c);
}

static void client_ready(struct app *a, int sid, unsigned events)
{
  struct client *c = (struct client *)a;
  if (sid != c->sid || !(events & (SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_ERR))) return;
  if (send_some(c)) receive(c);
}

static void client_close(struct app *a)
{
  if (!a) return;
  struct client *c = (struct client *)a;
  if (c->sid >= 0) sock_abort(a->stack, c->sid);
  free(c);
}

static struct app *client_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts,
                               char err[static APP_ERR_LEN])
{
  struct client *c = calloc(1, sizeof *c);
  if (!c) {
    snprintf(err, APP_ERR_LEN, "echo-client: out of memory");
    return NULL;
  }
  *c = (struct client){.base = {.ops = &echo_client_ops, .env = e, .stack = e->stack}, .sid = -1, .bytes = BYTES_DEFAULT};
  uint64_t to = 0;
  const struct app_opt_desc table[] = {{"to", APP_OPT_ADDR, 0, 0, &to}, {"bytes", APP_OPT_BYTES, 1, UINT64_MAX, &c->bytes}};
  if (app_opts_apply("echo-client", &c->base.common, table, 2, opts, n_opts, err)) {
    if (!to) snprintf(err, APP_ERR_LEN, "echo-client: to=ADDR:PORT is missing");
    else if ((c->sid = client_socket(&c->base, SOCK_TCP, port, err)) >= 0 && client_connect(&c->base, c->sid, to, err)) return &c->base;
  }
  free(c);
  return NULL;
}

const struct app_ops echo_client_ops = {
    .name = "echo-client",
    .summary = "echo-client[:PORT]=ADDR:PORT[,bytes=N]  sends N bytes (k, M, G; default 64k), wants them back, ends",
    .ends = true,
    .usage = "ADDR:PORT [bytes=N]",
    .open = client_open,
    .ready = client_ready,
    .close = client_close,
};
