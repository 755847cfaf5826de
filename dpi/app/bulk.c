// SPDX-License-Identifier: Apache-2.0
// Bulk transfer one way. sink (RFC 863, discard) reads and forgets; source (as chargen, RFC 864) sends the bytes of
// pattern.h.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/conns.h"
#include "app/pattern.h"

enum { PIECE_BYTES = 16384 };

struct bulk {
  struct app base;
  struct conns conns;
  uint64_t bytes;   // source: what each connection gets, 0 for endless
  uint8_t piece[PIECE_BYTES];                      // what is read goes here
  uint8_t pattern[PATTERN_PERIOD + PIECE_BYTES];   // source: a piece from anywhere in a period is in here
};

struct bulk_conn {
  uint64_t sent;
};

static void drop(struct bulk *b, int sid, void *c)
{
  conns_drop(&b->conns, sid);
  sock_close(b->base.stack, sid);
  free(c);
}

// Reads until there is no more; false at the end.
static bool swallow(struct bulk *b, int sid)
{
  ssize_t rc;
  do rc = sock_recv(b->base.stack, sid, b->piece, sizeof b->piece);
  while (rc > 0);
  return rc == -EAGAIN;
}

// Sends until there is no room; false when all is sent, or at an error.
static bool pour(struct bulk *b, int sid, struct bulk_conn *c)
{
  while (!b->bytes || c->sent < b->bytes) {
    size_t n = b->bytes && b->bytes - c->sent < PIECE_BYTES ? (size_t)(b->bytes - c->sent) : PIECE_BYTES;
    ssize_t rc = sock_send(b->base.stack, sid, b->pattern + c->sent % PATTERN_PERIOD, n);
    if (rc < 0) return rc == -EAGAIN;
    c->sent += (size_t)rc;
  }
  return false;
}

static void pump(struct bulk *b, int sid, struct bulk_conn *c)
{
  bool goes_on = swallow(b, sid);
  if (b->base.ops == &source_ops) goes_on = pour(b, sid, c) && (goes_on || b->bytes);
  if (!goes_on) drop(b, sid, c);
}

static void bulk_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct bulk *b = (struct bulk *)a;
  struct bulk_conn *c = conns_get(&b->conns, sid);
  if (c) pump(b, sid, c);
  if (sid != b->conns.listener) return;
  while ((sid = sock_accept(a->stack, b->conns.listener, NULL)) >= 0) {
    c = calloc(1, sizeof *c);
    if (c && conns_put(&b->conns, sid, c)) {
      pump(b, sid, c);
      continue;
    }
    free(c);
    sock_abort(a->stack, sid);
  }
}

static void bulk_close(struct app *a)
{
  if (!a) return;
  struct bulk *b = (struct bulk *)a;
  for (size_t i = 0; i < b->conns.n; i++)
    if (b->conns.of[i]) drop(b, (int)i, b->conns.of[i]);
  conns_close(&b->conns, a->stack);
  free(b);
}

static struct app *bulk_open(const struct app_ops *ops, struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts,
                             char err[static APP_ERR_LEN])
{
  struct bulk *b = calloc(1, sizeof *b);
  if (!b) {
    snprintf(err, APP_ERR_LEN, "%s: out of memory", ops->name);
    return NULL;
  }
  b->base = (struct app){.ops = ops, .env = e, .stack = e->stack};
  pattern_fill(b->pattern, 0, sizeof b->pattern);
  const struct app_opt_desc table[] = {{"bytes", APP_OPT_BYTES, 1, UINT64_MAX, &b->bytes}};
  if (app_opts_apply(ops->name, &b->base.common, table, ops == &source_ops, opts, n_opts, err)
      && conns_listen(&b->conns, &b->base, port, err))
    return &b->base;
  free(b);
  return NULL;
}

static struct app *sink_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  return bulk_open(&sink_ops, e, port, opts, n_opts, err);
}

static struct app *source_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  return bulk_open(&source_ops, e, port, opts, n_opts, err);
}

const struct app_ops sink_ops = {
    .name = "sink",
    .summary = "sink:PORT  reads and forgets (RFC 863)",
    .open = sink_open,
    .ready = bulk_ready,
    .close = bulk_close,
};

const struct app_ops source_ops = {
    .name = "source",
    .summary = "source:PORT[,bytes=N]  sends N bytes (k, M, G; default: endless), then closes",
    .open = source_open,
    .ready = bulk_ready,
    .close = bulk_close,
};
