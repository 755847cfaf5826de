// SPDX-License-Identifier: Apache-2.0
// Asks for echoes and times them: ping by ICMP, udpecho by datagrams to an echo service (RFC 862). Each probe carries a pattern of its own, of
// udpecho with its number before it, and what comes back is held against that.
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

enum { SIZE_MOST = 65507, SIZE_FIRST = 56, NUMBER_BYTES = 4, ICMP_HEAD_BYTES = 8, COUNT_FIRST = 4 };
enum { FLYING = 65536 };   // as many as ICMP's sequence numbers tell apart

struct ping {
  struct app base;
  bool icmp;                   // ping
  int sid;                     // -1: none
  uint64_t to;                 // ip << 16 | port, of ping 0
  uint64_t count, size, interval_ms, timeout_ms, ttl;   // options; count 0: endless; ttl 0: the stack's
  uint64_t sent, back, wrong, errors;   // probes; answers; those that were not what was sent; told in place of answers, of ping
  uint64_t settled;            // probes that were answered, in one way or the other
  uint64_t begun_us;
  uint64_t next_us;            // when the next probe is due, or the end
  struct { uint64_t at_us; bool settled; } probe[FLYING];   // the last ones, by number
  uint64_t least_us, most_us, sum_us;
  uint8_t out[SIZE_MOST], in[SIZE_MOST];
};

// ping counts from 1.
static void say_line(const struct ping *p, uint64_t number, const char *text)
{
  FILE *say = p->base.env->say;
  if (p->icmp) fprintf(say, "icmp_seq=%llu %s\n", (unsigned long long)number + 1, text);
  else fprintf(say, "%llu: %s\n", (unsigned long long)number, text);
  fflush(say);
}

static const char *target(const struct ping *p, char text[static TEXT_IPV4_LEN]) { return text_format_ipv4(text, (uint32_t)(p->to >> 16)); }

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
    n += !p->probe[i % FLYING].settled && p->base.env->now_us < p->probe[i % FLYING].at_us + p->timeout_ms * 1000;
  return n;
}

// As Linux's ping has them.
static void say_statistics(const struct ping *p, uint64_t asked)
{
  FILE *say = p->base.env->say;
  char ip[TEXT_IPV4_LEN];
  uint64_t lost = asked > p->back ? asked - p->back : 0;
  fprintf(say, "\n--- %s ping statistics ---\n%llu packets transmitted, %llu received, ", target(p, ip), (unsigned long long)asked, (unsigned long long)p->back);
  if (p->errors) fprintf(say, "+%llu errors, ", (unsigned long long)p->errors);
  fprintf(say, "%llu%% packet loss, time %llums\n", asked ? (unsigned long long)(lost * 100 / asked) : 0,
          (unsigned long long)((p->base.env->now_us - p->begun_us) / 1000));
}

static void say_times(const struct ping *p, uint64_t asked)
{
  double least = (double)p->least_us / 1000, mean = (double)p->sum_us / ((double)p->back * 1000), most = (double)p->most_us / 1000;
  if (p->icmp) fprintf(p->base.env->say, "rtt min/avg/max = %.3f/%.3f/%.3f ms\n", least, mean, most);
  else fprintf(p->base.env->say, "%llu sent, %llu came back, after %.3f/%.3f/%.3f ms (least, mean, most)\n", (unsigned long long)asked,
               (unsigned long long)p->back, least, mean, most);
}

// ping has done well with one answer, as Linux's has; udpecho with all.
static void finish(struct ping *p, uint64_t asked)
{
  if (p->icmp) say_statistics(p, asked);
  if (p->back) say_times(p, asked);
  bool well = p->icmp ? p->back > 0 : p->back == asked;
  if (p->wrong) client_end(&p->base, APP_DIFFERS, "%llu came back otherwise than they were sent", (unsigned long long)p->wrong);
  else if (well || p->icmp) client_end(&p->base, well ? APP_DONE : APP_DIFFERS, "%s", "");
  else client_end(&p->base, APP_DIFFERS, "%llu of %llu came back", (unsigned long long)p->back, (unsigned long long)asked);
  leave(p);
}

static void make(const struct ping *p, uint64_t number, uint8_t *out)
{
  uint8_t be[NUMBER_BYTES];
  put_be32(be, (uint32_t)number);
  pattern_fill(out, number, (size_t)p->size);
  if (!p->icmp) memcpy(out, be, p->size < NUMBER_BYTES ? (size_t)p->size : NUMBER_BYTES);
}

static void send_probe(struct ping *p)
{
  char ip[TEXT_IPV4_LEN];
  uint64_t now = p->base.env->now_us, i = p->sent++;
  if (p->icmp && i == 0) fprintf(p->base.env->say, "PING %s: %llu data bytes\n", target(p, ip), (unsigned long long)p->size);
  p->probe[i % FLYING].at_us = now;
  p->probe[i % FLYING].settled = false;
  make(p, i, p->out);
  const struct sock_addr to = {(uint32_t)(p->to >> 16), p->icmp ? (uint16_t)(i + 1) : (uint16_t)p->to};
  ssize_t rc = sock_sendto(p->base.stack, p->sid, p->out, (size_t)p->size, &to);
  if (rc < 0) say_line(p, i, strerror((int)-rc));
  bool last = p->sent == p->count;
  p->next_us = now + (last ? p->timeout_ms : p->interval_ms) * 1000;
}

// Which probe has come back, or was answered by an error.
static uint64_t number_of(const struct ping *p, size_t len, struct sock_addr from)
{
  uint64_t last = p->sent - 1;
  if (p->icmp) return last - (uint16_t)(last + 1 - from.port);
  return p->size >= NUMBER_BYTES && len >= NUMBER_BYTES ? get_be32(p->in) : last;
}

static bool is_flying(const struct ping *p, uint64_t number) { return number < p->sent && p->sent - 1 - number < FLYING; }

// False when that was so before, or is too long ago to be known.
static bool settle(struct ping *p, uint64_t number)
{
  if (!is_flying(p, number) || p->probe[number % FLYING].settled) return false;
  p->probe[number % FLYING].settled = true;
  p->settled++;
  return true;
}

static void say_answer(const struct ping *p, uint64_t number, size_t len, uint64_t us, bool again)
{
  char ip[TEXT_IPV4_LEN], line[80];
  int ttl = 0;
  double ms = (double)us / 1000;
  if (!p->icmp) {
    snprintf(line, sizeof line, "%zu bytes after %.3f ms%s", len, ms, again ? ", once more" : "");
    say_line(p, number, line);
    return;
  }
  sock_getsockopt(p->base.stack, p->sid, SOCK_OPT_RECV_TTL, &ttl);
  fprintf(p->base.env->say, "%zu bytes from %s: ", len + ICMP_HEAD_BYTES, target(p, ip));
  snprintf(line, sizeof line, "ttl=%d time=%.3f ms%s", ttl, ms, again ? " (DUP!)" : "");
  say_line(p, number, line);
}

// An answer of so many bytes, in p->in.
static void take(struct ping *p, size_t len, struct sock_addr from)
{
  uint64_t i = number_of(p, len, from);
  make(p, i, p->out);
  if (!is_flying(p, i) || len != p->size || memcmp(p->in, p->out, len) != 0) {
    p->wrong++;
    say_line(p, i, "this is not what was sent");
    return;
  }
  uint64_t us = p->base.env->now_us - p->probe[i % FLYING].at_us;
  bool again = !settle(p, i);
  say_answer(p, i, len, us, again);
  if (again) return;
  if (!p->back || us < p->least_us) p->least_us = us;
  if (us > p->most_us) p->most_us = us;
  p->sum_us += us;
  p->back++;
}

// Of ping it is one about a probe, and from whoever says so; else about what was sent last.
static void take_error(struct ping *p, int err, struct sock_addr from)
{
  char ip[TEXT_IPV4_LEN];
  if (p->icmp && from.ip) {
    uint64_t i = number_of(p, 0, from);
    settle(p, i);
    p->errors++;
    fprintf(p->base.env->say, "From %s ", text_format_ipv4(ip, from.ip));
    say_line(p, i, strerror(err));
  } else {
    say_line(p, p->sent - 1, strerror(err));
  }
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
    struct sock_addr from = {0};
    rc = sock_recvfrom(a->stack, p->sid, p->in, sizeof p->in, &from);
    if (rc >= 0) take(p, (size_t)rc, from);
    else if (rc != -EAGAIN) take_error(p, (int)-rc, from);
    if (p->count && p->settled + p->wrong >= p->count) finish(p, p->sent);
  }
}

static void ping_timer(struct app *a)
{
  struct ping *p = (struct ping *)a;
  if (p->sent == p->count && p->count) finish(p, p->sent);
  else if (ferror(p->base.env->say)) finish(p, p->sent - flying(p));   // nobody listens any more
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
  p->sid = client_socket(&p->base, p->icmp ? SOCK_ICMP : SOCK_UDP, port, err);
  if (p->sid < 0 || !client_connect(&p->base, p->sid, p->to, err)) return false;
  if (p->ttl) sock_setsockopt(p->base.stack, p->sid, SOCK_OPT_TTL, (int)p->ttl);
  p->base.due_us = p->begun_us = p->base.env->now_us;
  return true;
}

static struct app *ping_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, bool icmp,
                             char err[static APP_ERR_LEN])
{
  const struct app_ops *ops = icmp ? &ping_ops : &udpecho_ops;
  struct ping *p = calloc(1, sizeof *p);
  if (!p) {
    snprintf(err, APP_ERR_LEN, "%s: out of memory", ops->name);
    return NULL;
  }
  p->base = (struct app){.ops = ops, .env = e, .stack = e->stack};
  p->icmp = icmp;
  p->sid = -1;
  p->count = COUNT_FIRST;
  p->size = SIZE_FIRST;
  p->interval_ms = 1000;
  p->timeout_ms = 2000;
  const struct app_opt_desc table[] = {{"to", icmp ? APP_OPT_IP : APP_OPT_ADDR, 0, 0, &p->to}, {"count", APP_OPT_NUMBER, 0, UINT32_MAX, &p->count},
                                       {"size", APP_OPT_NUMBER, 0, SIZE_MOST, &p->size}, {"interval", APP_OPT_NUMBER, 1, 1000000, &p->interval_ms},
                                       {"timeout", APP_OPT_NUMBER, 1, 1000000, &p->timeout_ms}, {"ttl", APP_OPT_NUMBER, 1, UINT8_MAX, &p->ttl}};
  if (app_opts_apply(ops->name, &p->base.common, table, sizeof table / sizeof *table, opts, n_opts, err)) {
    if (!p->to) snprintf(err, APP_ERR_LEN, "%s: to=%s is missing", ops->name, icmp ? "ADDR" : "ADDR:PORT");
    else if (begin(p, port, err)) return &p->base;
  }
  free(p);
  return NULL;
}

static struct app *echoes_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  return ping_open(e, port, opts, n_opts, true, err);
}

static struct app *udpecho_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  return ping_open(e, port, opts, n_opts, false, err);
}

const struct app_ops ping_ops = {
    .name = "ping",
    .summary = "ping=ADDR[,count=N][,size=BYTES][,interval=MS][,timeout=MS][,ttl=N]  ICMP echo requests (4 of 56 bytes, one a second), of which\n"
               "           one at least must be answered, the last within timeout (2000); count=0: until it is stopped",
    .ends = true,
    .usage = "ADDR [count=N] [size=BYTES] [interval=MS] [timeout=MS] [ttl=N]",
    .open = echoes_open,
    .ready = ping_ready,
    .timer = ping_timer,
    .stop = ping_stop,
    .close = ping_close,
};

const struct app_ops udpecho_ops = {
    .name = "udpecho",
    .summary = "udpecho[:PORT]=ADDR:PORT[,count=N][,size=BYTES][,interval=MS][,timeout=MS][,ttl=N]  datagrams (4 of 56 bytes, one a second) to an echo\n"
               "           service, which must all come back, the last within timeout (2000); count=0: until it is stopped",
    .ends = true,
    .usage = "ADDR:PORT [count=N] [size=BYTES] [interval=MS] [timeout=MS] [ttl=N]",
    .open = udpecho_open,
    .ready = ping_ready,
    .timer = ping_timer,
    .stop = ping_stop,
    .close = ping_close,
};
