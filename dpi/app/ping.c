// SPDX-License-Identifier: Apache-2.0
// Asks an echo service and times its answers: udpecho by datagrams (RFC 862). Each probe carries its number and the pattern
// behind it, and what comes back is held against that.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/client.h"
#include "app/pattern.h"
#include "base/bytes.h"
#include "base/text.h"

enum { SIZE_MOST = 65507, SIZE_FIRST = 56, NUMBER_BYTES = 4, FLYING = 64, COUNT_FIRST = 4 };

struct ping {
  struct app base;
  int sid;                     // -1: none
  uint64_t to;                 // ip << 16 | port
  uint64_t count, size, interval_ms, timeout_ms;   // options; count 0: endless
  uint64_t sent, back, wrong;  // probes; answers; those that were not what was sent
  uint64_t next_us;            // when the next probe is due, or the end
  struct { uint64_t at_us; bool back; } probe[FLYING];   // the last ones, by number
  uint64_t least_us, most_us, sum_us;
  uint8_t out[SIZE_MOST], in[SIZE_MOST];
};

static void say_line(const struct ping *p, uint64_t number, const char *text)
{
  fprintf(p->base.env->say, "%llu: %s\n", (unsigned long long)number, text);
  fflush(p->base.env->say);
}

static void leave(struct ping *p)
{
  if (p->sid >= 0) sock_close(p->base.stack, p->sid);
  p->sid = -1;
  p->base.due_us = 0;
}

// Probes that may still be answered when we are asked to stop.
static uint64_t flying(const struct ping *p)
{
  uint64_t n = 0;
  for (uint64_t i = p->sent > FLYING ? p->sent - FLYING : 0; i < p->sent; i++)
    n += !p->probe[i % FLYING].back && p->base.env->now_us < p->probe[i % FLYING].at_us + p->timeout_ms * 1000;
  return n;
}

static void finish(struct ping *p, uint64_t asked)
{
  double n = p->back ? (double)p->back * 1000 : 1;
  if (p->back)
    fprintf(p->base.env->say, "%llu sent, %llu came back, after %.3f/%.3f/%.3f ms (least, mean, most)\n", (unsigned long long)asked,
            (unsigned long long)p->back, (double)p->least_us / 1000, (double)p->sum_us / n, (double)p->most_us / 1000);
  bool well = p->back == asked && !p->wrong;
  if (well) client_end(&p->base, APP_DONE, "%s", "");
  else if (p->wrong) client_end(&p->base, APP_DIFFERS, "%llu came back otherwise than they were sent", (unsigned long long)p->wrong);
  else client_end(&p->base, APP_DIFFERS, "%llu of %llu came back", (unsigned long long)p->back, (unsigned long long)asked);
  leave(p);
}

static void make(const struct ping *p, uint64_t number, uint8_t *out)
{
  uint8_t be[NUMBER_BYTES];
  put_be32(be, (uint32_t)number);
  pattern_fill(out, number, (size_t)p->size);
  memcpy(out, be, p->size < NUMBER_BYTES ? (size_t)p->size : NUMBER_BYTES);
}

static void send_probe(struct ping *p)
{
  uint64_t now = p->base.env->now_us, i = p->sent++;
  p->probe[i % FLYING].at_us = now;
  p->probe[i % FLYING].back = false;
  make(p, i, p->out);
  ssize_t rc = sock_send(p->base.stack, p->sid, p->out, (size_t)p->size);
  if (rc < 0) say_line(p, i, strerror((int)-rc));
  bool last = p->sent == p->count;
  p->next_us = now + (last ? p->timeout_ms : p->interval_ms) * 1000;
}

// An answer of so many bytes, in p->in.
static void take(struct ping *p, size_t len)
{
  uint64_t i = p->size >= NUMBER_BYTES && len >= NUMBER_BYTES ? get_be32(p->in) : p->sent - 1;
  bool known = p->sent - 1 - i < FLYING;
  make(p, i, p->out);
  if (!known || len != p->size || memcmp(p->in, p->out, len) != 0) {
    p->wrong++;
    say_line(p, i, "this is not what was sent");
    return;
  }
  char line[80];
  uint64_t us = p->base.env->now_us - p->probe[i % FLYING].at_us;
  bool again = p->probe[i % FLYING].back;
  snprintf(line, sizeof line, "%zu bytes after %.3f ms%s", len, (double)us / 1000, again ? ", once more" : "");
  say_line(p, i, line);
  if (again) return;
  p->probe[i % FLYING].back = true;
  if (!p->back || us < p->least_us) p->least_us = us;
  if (us > p->most_us) p->most_us = us;
  p->sum_us += us;
  p->back++;
}

static void set_due(struct ping *p)
{
  if (p->sid >= 0) p->base.due_us = p->next_us;
}

static void ping_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct ping *p = (struct ping *)a;
  ssize_t rc = 0;
  while (sid == p->sid && rc != -EAGAIN) {
    rc = sock_recv(a->stack, p->sid, p->in, sizeof p->in);
    if (rc >= 0) take(p, (size_t)rc);
    else if (rc != -EAGAIN) say_line(p, p->sent - 1, strerror((int)-rc));
    if (p->back + p->wrong == p->count && p->count) finish(p, p->sent);
  }
}

static void ping_timer(struct app *a)
{
  struct ping *p = (struct ping *)a;
  if (p->sent == p->count && p->count) finish(p, p->sent);
  else send_probe(p);
  set_due(p);
}

static void ping_stop(struct app *a)
{
  struct ping *p = (struct ping *)a;
  finish(p, p->sent - flying(p));
}

static void ping_close(struct app *a)
{
  if (!a) return;
  leave((struct ping *)a);
  free(a);
}

static bool begin(struct ping *p, uint16_t port, char err[static APP_ERR_LEN])
{
  p->sid = client_socket(&p->base, SOCK_UDP, port, err);
  if (p->sid < 0 || !client_connect(&p->base, p->sid, p->to, err)) return false;
  p->base.due_us = p->base.env->now_us;
  return true;
}

static struct app *ping_open(const struct app_ops *ops, struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts,
                             char err[static APP_ERR_LEN])
{
  struct ping *p = calloc(1, sizeof *p);
  if (!p) {
    snprintf(err, APP_ERR_LEN, "%s: out of memory", ops->name);
    return NULL;
  }
  p->base = (struct app){.ops = ops, .env = e, .stack = e->stack};
  p->sid = -1;
  p->count = COUNT_FIRST;
  p->size = SIZE_FIRST;
  p->interval_ms = 1000;
  p->timeout_ms = 2000;
  const struct app_opt_desc table[] = {{"to", APP_OPT_ADDR, 0, 0, &p->to}, {"count", APP_OPT_NUMBER, 0, UINT32_MAX, &p->count},
                                       {"size", APP_OPT_NUMBER, 0, SIZE_MOST, &p->size}, {"interval", APP_OPT_NUMBER, 1, 1000000, &p->interval_ms},
                                       {"timeout", APP_OPT_NUMBER, 1, 1000000, &p->timeout_ms}};
  if (app_opts_apply(ops->name, &p->base.common, table, sizeof table / sizeof *table, opts, n_opts, err)) {
    if (!p->to) snprintf(err, APP_ERR_LEN, "%s: to=ADDR:PORT is missing", ops->name);
    else if (begin(p, port, err)) return &p->base;
  }
  free(p);
  return NULL;
}

static struct app *udpecho_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  return ping_open(&udpecho_ops, e, port, opts, n_opts, err);
}

const struct app_ops udpecho_ops = {
    .name = "udpecho",
    .summary = "udpecho[:PORT]=ADDR:PORT[,count=N][,size=BYTES][,interval=MS][,timeout=MS]  datagrams (4 of 56 bytes, one a second) to an echo\n"
               "           service, which must all come back, the last within timeout (2000); count=0: until it is stopped",
    .ends = true,
    .usage = "ADDR:PORT [count=N] [size=BYTES] [interval=MS] [timeout=MS]",
    .open = udpecho_open,
    .ready = ping_ready,
    .timer = ping_timer,
    .stop = ping_stop,
    .close = ping_close,
};
