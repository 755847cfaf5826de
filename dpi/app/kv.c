// SPDX-License-Identifier: Apache-2.0
// The socket side of the key-value store: carries bytes between sockets and sessions, and closes what has ended. Each
// connection has one fixed buffer in; it is filled only when the session has taken all of it, so a client that does not
// read its replies is not read from either.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/conns.h"
#include "app/kv_session.h"

enum { KV_IN_BYTES = 4096 };
static const uint64_t MAXMEM_DEFAULT = UINT64_C(64) << 20, MAXMEM_MIN = UINT64_C(64) << 10, MAXMEM_MAX = UINT64_C(1) << 40;

struct kv {
  struct app base;
  struct conns conns;
  struct kv_server srv;
};

struct kv_conn {
  struct kv_session session;
  size_t off, len;  // in[off..len) is not yet taken by the session
  uint8_t in[KV_IN_BYTES];
};

static void drop(struct kv *k, int sid, struct kv_conn *c)
{
  conns_drop(&k->conns, sid);
  sock_close(k->base.stack, sid);
  kv_session_free(&c->session);
  free(c);
}

// Sends what there is. False: wait for room (-EAGAIN in *rc), or the end.
static bool flush(struct kv *k, int sid, struct kv_conn *c, ssize_t *rc)
{
  const uint8_t *data;
  size_t n;
  while ((n = kv_out_peek(&c->session.out, &data)) > 0) {
    *rc = sock_send(k->base.stack, sid, data, n);
    if (*rc < 0) return false;
    kv_out_sent(&c->session.out, (size_t)*rc);
  }
  return true;
}

static void pump(struct kv *k, int sid, struct kv_conn *c)
{
  ssize_t rc = 0;
  for (;;) {
    c->off += kv_session_feed(&c->session, c->in + c->off, c->len - c->off);
    if (!flush(k, sid, c, &rc)) break;
    if (c->session.closing) {
      rc = 0;
      break;
    }
    if (kv_session_busy(&c->session) || c->off < c->len) continue;
    rc = sock_recv(k->base.stack, sid, c->in, sizeof c->in);
    if (rc <= 0) break;
    c->off = 0;
    c->len = (size_t)rc;
  }
  if (rc != -EAGAIN) drop(k, sid, c);
}

static void accept_all(struct kv *k)
{
  int sid;
  while ((sid = sock_accept(k->base.stack, k->conns.listener, NULL)) >= 0) {
    struct kv_conn *c = malloc(sizeof *c);
    if (!c || !conns_put(&k->conns, sid, c)) {
      free(c);
      sock_abort(k->base.stack, sid);
      continue;
    }
    kv_session_init(&c->session, &k->srv);
    c->off = c->len = 0;
    pump(k, sid, c);
  }
}

static void kv_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct kv *k = (struct kv *)a;
  if (sid == k->conns.listener) {
    accept_all(k);
    return;
  }
  struct kv_conn *c = conns_get(&k->conns, sid);
  if (c) pump(k, sid, c);
}

static void kv_close(struct app *a)
{
  if (!a) return;
  struct kv *k = (struct kv *)a;
  for (size_t i = 0; i < k->conns.n; i++)
    if (k->conns.of[i]) drop(k, (int)i, k->conns.of[i]);
  conns_close(&k->conns, a->stack);
  kv_server_free(&k->srv);
  free(k);
}

static struct app *kv_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts,
                           char err[static APP_ERR_LEN])
{
  uint64_t maxmem = MAXMEM_DEFAULT;
  const struct app_opt_desc known[] = {{"maxmem", APP_OPT_BYTES, MAXMEM_MIN, MAXMEM_MAX, &maxmem}};
  struct app_common common;
  if (!app_opts_apply("kv", &common, known, sizeof known / sizeof known[0], opts, n_opts, err)) return NULL;

  // The one thing here that is not an argument: it decides only how keys fall into buckets, which nobody can see.
  uint8_t hash_key[16];
  if (getrandom(hash_key, sizeof hash_key, 0) != sizeof hash_key) {
    snprintf(err, APP_ERR_LEN, "kv: no randomness from the system");
    return NULL;
  }
  struct kv *k = calloc(1, sizeof *k);
  if (!k || !kv_server_init(&k->srv, (size_t)maxmem, hash_key)) {
    snprintf(err, APP_ERR_LEN, "kv: out of memory");
    free(k);
    return NULL;
  }
  k->base = (struct app){.ops = &kv_ops, .env = e, .stack = e->stack, .common = common};
  if (!conns_listen(&k->conns, &k->base, port, err)) {
    kv_server_free(&k->srv);
    free(k);
    return NULL;
  }
  return &k->base;
}

const struct app_ops kv_ops = {
    .name = "kv",
    .summary = "kv:PORT[,maxmem=BYTES]  a key-value store speaking RESP2 (redis); keys and values within maxmem (64M)",
    .open = kv_open,
    .ready = kv_ready,
    .close = kv_close,
};
