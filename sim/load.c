// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
  PORT_LISTEN = 7,
  PORT_FIRST = 40000,          // of connection 0's active side
  OPERATIONS = 2000,           // writes or reads of a side at most, about
  HARD_CONNS = 20,
  TRIES = 5,                   // a program that cannot connect tries again
  RETRY_US = 1000000,
  GIVE_UP_US = 120000000,      // the other side reset the connection and its RST was lost: nothing else will tell
  LATE_US = 20000000,
};
static const uint64_t NEVER = UINT64_MAX, CUT_GIVE_UP_US = 3600000000u;   // who waits for data hears nothing of a cut

static void wrong(struct load *l, const struct load_side *s, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void wrong(struct load *l, const struct load_side *s, const char *fmt, ...)
{
  va_list ap;
  if (l->why[0]) return;
  int n = snprintf(l->why, sizeof l->why, "connection %u, host %u: ", s->conn, s->host);
  va_start(ap, fmt);
  vsnprintf(l->why + n, sizeof l->why - (size_t)n, fmt, ap);
  va_end(ap);
}

static struct load_side *peer_of(struct load *l, const struct load_side *s) { return &l->side[s->conn][!s->host]; }

// --- the streams -----------------------------------------------------------------------------------------------------

// Eight bytes of a stream, from its key and their place (splitmix64's finalizer).
static uint64_t word_at(uint64_t key, uint64_t i)
{
  uint64_t z = key + i * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void stream_bytes(uint64_t key, uint64_t at, uint8_t *out, size_t n)
{
  uint64_t word = word_at(key, at / 8);
  for (size_t i = 0; i < n; i++, at++) {
    if (at % 8 == 0) word = word_at(key, at / 8);
    out[i] = (uint8_t)(word >> (8 * (at % 8)));
  }
}

// --- the plan --------------------------------------------------------------------------------------------------------

static bool one_in(struct rng *r, uint32_t n) { return rng_below(r, n) == 0; }

static uint32_t draw_chunk(struct rng *r)
{
  static const uint32_t most[] = {16, 600, 1460, 5000, 20000, LOAD_CHUNK};
  return 1 + rng_below(r, most[rng_below(r, 6)]);
}

static uint64_t draw_total(struct rng *r)
{
  static const uint32_t most[] = {1, 100, 3000, 100000, 400000, 2000000};
  return rng_below(r, most[rng_below(r, 6)] + 1);
}

static void draw_side(struct load_side *s, struct rng *r, unsigned conn, unsigned host)
{
  static const uint32_t pause[] = {0, 1000, 50000, 3000000};
  *s = (struct load_side){.conn = conn, .host = host, .sid = -1, .start_at = NEVER, .give_up_at = NEVER, .wake_at = NEVER};
  s->key = rng_next(r);
  s->write_max = draw_chunk(r);
  s->read_max = draw_chunk(r);
  s->total = draw_total(r);
  s->pause_per_mille = rng_below(r, 60);
  s->pause_max_us = pause[rng_below(r, 4)];
  if (one_in(r, 3)) s->late_us = 1 + rng_below(r, LATE_US);
  if (one_in(r, 10)) s->end = LOAD_ABORT;
  else if (one_in(r, 12)) s->end = LOAD_EARLY;
  rng_seed(&s->rng, rng_next(r));
}

// So many bytes more, in no small pieces.
static void speak(struct load_side *s, struct load_side *to, uint32_t bytes)
{
  s->total += bytes;
  s->write_max |= 2048;
  to->read_max |= 2048;
}

static void draw_conn(struct load *l, struct rng *r, unsigned i, bool crossing, bool hard, uint64_t now_us)
{
  struct load_side *s = l->side[i];
  for (unsigned h = 0; h < 2; h++) draw_side(&s[h], r, i, h);
  for (unsigned h = 0; h < 2; h++)     // enough that a window closes before a late reader
    if (s[!h].late_us) speak(&s[h], &s[!h], 65536 + rng_below(r, 250000));
  if (hard || one_in(r, 3))            // enough that data cross
    for (unsigned h = 0; h < 2; h++) speak(&s[h], &s[!h], 30000 + rng_below(r, 100000));
  for (unsigned h = 0; h < 2; h++)     // now and then so quiet that the window starts anew
    if (hard) s[h].pause_max_us |= 1000000;
  for (unsigned h = 0; h < 2; h++) {   // not hours of single bytes with pauses between
    uint32_t chunk = s[h].write_max < s[!h].read_max ? s[h].write_max : s[!h].read_max;
    if (s[h].total > (uint64_t)chunk * OPERATIONS) s[h].total = (uint64_t)chunk * OPERATIONS;
    s[h].end_at = rng_below(r, (uint32_t)s[h].total + 1);
  }
  uint64_t at = now_us + (one_in(r, 2) ? 0 : rng_below(r, 2000000));
  bool cross = one_in(r, 8) && crossing;
  unsigned who = rng_below(r, 2);
  for (unsigned h = 0; h < 2; h++) {
    s[h].active = cross || h == who;
    if (s[h].active) s[h].start_at = at;
  }
  s[rng_below(r, 2)].waits = one_in(r, 3);   // never both
}

void load_open(struct load *l, struct stack *stack[static 2], const uint32_t ip[static 2], unsigned flows, struct rng *rng, bool crossing,
               bool hard, uint64_t now_us)
{
  static const uint32_t more[] = {8, 8, 8, LOAD_CONNS - 4};   // few connections seldom meet in one cycle
  *l = (struct load){.n = one_in(rng, 8) ? 1 + rng_below(rng, 3) : 5 + rng_below(rng, more[rng_below(rng, 4)])};
  if (hard && l->n < HARD_CONNS) l->n = HARD_CONNS;
  if (l->n > flows - flows / 4) l->n = flows - flows / 4;   // some are held for a while by tries that failed, and by strangers
  for (unsigned i = 0; i < l->n; i++) draw_conn(l, rng, i, crossing, hard, now_us);
  for (unsigned h = 0; h < 2; h++) {
    l->stack[h] = stack[h];
    l->ip[h] = ip[h];
    l->listener[h] = sock_socket(stack[h], SOCK_TCP);
    if (sock_bind(stack[h], l->listener[h], 0, PORT_LISTEN) || sock_listen(stack[h], l->listener[h], LOAD_CONNS))
      snprintf(l->why, sizeof l->why, "host %u: cannot listen", h);
  }
}

// --- a side's life ---------------------------------------------------------------------------------------------------

static void leave(struct load *l, struct load_side *s, bool reset)
{
  if (s->sid >= 0) {
    if (reset) sock_abort(l->stack[s->host], s->sid);
    else sock_close(l->stack[s->host], s->sid);
  }
  s->sid = -1;
  s->done = true;
}

// A connection may fail only when the other side, or this one, meant it to.
static void failed(struct load *l, struct load_side *s, int err)
{
  s->err = err;
  if (peer_of(l, s)->end == LOAD_CLOSE && !l->cut)
    wrong(l, s, "failed with errno %d (%s) after %llu of %llu bytes sent, %llu received", err, strerror(err),
          (unsigned long long)s->sent, (unsigned long long)s->total, (unsigned long long)s->got);
  leave(l, s, false);
}

static void begin(struct load *l, struct load_side *s, uint64_t now_us)
{
  struct stack *k = l->stack[s->host];
  uint16_t own = (uint16_t)(PORT_FIRST + s->conn), to = peer_of(l, s)->active ? own : PORT_LISTEN;
  s->start_at = NEVER;
  s->tries++;
  s->sid = sock_socket(k, SOCK_TCP);
  int err = sock_bind(k, s->sid, 0, own);
  if (!err) err = sock_connect(k, s->sid, l->ip[!s->host], to);
  if (err == -EADDRINUSE && s->tries < TRIES) {   // of the last try, not gone yet
    sock_close(k, s->sid);
    s->sid = -1;
    s->start_at = now_us + RETRY_US;
  } else if (err != -EINPROGRESS) {
    wrong(l, s, "cannot connect: errno %d (%s)", -err, strerror(-err));
  }
}

// A connect that did not come about. Losses can be the reason for silence, and the crossing SYN of one who gave up.
static void refused(struct load *l, struct load_side *s, int err, uint64_t now_us)
{
  bool again = err == ETIMEDOUT || err == EHOSTUNREACH || (err == ECONNREFUSED && peer_of(l, s)->active);
  if (!again || s->tries == TRIES) {
    failed(l, s, err);
    return;
  }
  sock_close(l->stack[s->host], s->sid);
  s->sid = -1;
  s->start_at = now_us + RETRY_US;
  l->retried++;
}

static void stand(struct load_side *s, uint64_t now_us)
{
  s->up = true;
  s->read_at = now_us + s->late_us;
}

// Connecting: true when it stands.
static bool stands(struct load *l, struct load_side *s, uint64_t now_us)
{
  struct stack *k = l->stack[s->host];
  uint8_t byte;
  if (s->up) return true;
  unsigned ev = sock_poll(k, s->sid);
  if (ev & SOCK_ERR) {
    refused(l, s, (int)-sock_recv(k, s->sid, &byte, 1), now_us);
    return false;
  }
  if (ev & ~(unsigned)SOCK_STALL) stand(s, now_us);
  return s->up;
}

static void pause_after(struct load_side *s, uint64_t *at, uint64_t now_us)
{
  *at = now_us;
  if (s->pause_max_us && rng_below(&s->rng, 1000) < s->pause_per_mille) *at += 1 + rng_below(&s->rng, s->pause_max_us);
}

// Now and then a program chooses anew. Not every engine can do it.
static void tune(struct load *l, struct load_side *s)
{
  if (!one_in(&s->rng, 16)) return;
  uint32_t what = rng_below(&s->rng, 3);
  if (what == 0) sock_setsockopt(l->stack[s->host], s->sid, SOCK_OPT_NODELAY, (int)rng_below(&s->rng, 2));
  else if (what == 1) sock_setsockopt(l->stack[s->host], s->sid, SOCK_OPT_PACING, one_in(&s->rng, 3) ? 0 : 20000 << rng_below(&s->rng, 10));
  else sock_setsockopt(l->stack[s->host], s->sid, SOCK_OPT_USER_TIMEOUT_MS, one_in(&s->rng, 2) ? 0 : 1200000);
}

// Writes once. True when more may be done at once.
static bool write_some(struct load *l, struct load_side *s, uint64_t now_us)
{
  uint64_t stop = s->end == LOAD_CLOSE ? s->total : s->end_at;
  if (s->shut || now_us < s->write_at || s->sent == stop) return false;
  uint32_t n = 1 + rng_below(&s->rng, s->write_max);
  tune(l, s);
  if (n > stop - s->sent) n = (uint32_t)(stop - s->sent);
  stream_bytes(s->key, s->sent, l->out, n);
  ssize_t put = sock_send(l->stack[s->host], s->sid, l->out, n);
  if (put == -EAGAIN) return false;
  if (put < 0) {
    failed(l, s, (int)-put);
    return false;
  }
  if (put == 0 || (size_t)put > n) wrong(l, s, "send of %u bytes took %zd", n, put);
  s->sent += (uint64_t)put;
  pause_after(s, &s->write_at, now_us);
  if (s->sent == stop && one_in(&s->rng, 3)) s->write_at = now_us + 1 + rng_below(&s->rng, 1000000);   // its FIN comes alone
  return true;
}

static void end_of_stream(struct load *l, struct load_side *s)
{
  const struct load_side *p = peer_of(l, s);
  s->eof = true;
  if (!p->shut || s->got != p->sent)
    wrong(l, s, "end of stream after %llu bytes; the other side sent %llu%s", (unsigned long long)s->got,
          (unsigned long long)p->sent, p->shut ? "" : " and goes on");
}

static bool read_some(struct load *l, struct load_side *s, uint64_t now_us)
{
  const struct load_side *p = peer_of(l, s);
  if (s->eof || now_us < s->read_at) return false;
  uint32_t n = 1 + rng_below(&s->rng, s->read_max);
  ssize_t got = sock_recv(l->stack[s->host], s->sid, l->in, n);
  if (got == -EAGAIN) return false;
  if (got < 0) {
    failed(l, s, (int)-got);
    return false;
  }
  if (got == 0) {
    end_of_stream(l, s);
    return false;
  }
  if ((size_t)got > n || s->got + (uint64_t)got > p->sent) {
    wrong(l, s, "%zd bytes read at %llu, where %llu were sent", got, (unsigned long long)s->got, (unsigned long long)p->sent);
    return false;
  }
  stream_bytes(p->key, s->got, l->out, (size_t)got);
  for (ssize_t i = 0; i < got && !l->why[0]; i++)
    if (l->in[i] != l->out[i])
      wrong(l, s, "byte %llu is %02x, was sent as %02x", (unsigned long long)(s->got + (uint64_t)i), l->in[i], l->out[i]);
  s->got += (uint64_t)got;
  l->bytes += (uint64_t)got;
  pause_after(s, &s->read_at, now_us);
  return true;
}

// Ends what is to be ended.
static void finish(struct load *l, struct load_side *s, uint64_t now_us)
{
  struct stack *k = l->stack[s->host];
  if (now_us < s->write_at) return;
  if (s->end != LOAD_CLOSE) {
    if (s->sent < s->end_at) return;
    s->shut = s->end == LOAD_EARLY;
    l->aborted++;
    leave(l, s, s->end == LOAD_ABORT);
    return;
  }
  if (s->sent == s->total && !s->shut && !s->waits) {
    s->shut = true;
    int err = sock_shutdown(k, s->sid);
    if (err) {                               // reset since
      failed(l, s, -err);
      return;
    }
  }
  if (s->sent < s->total || !s->eof) return;
  s->shut = true;
  leave(l, s, false);
}

static uint64_t later(uint64_t at, uint64_t now_us) { return at > now_us ? at : NEVER; }

// Only what a readiness event or the end of a pause permits is tried: a wake-up that the stack forgets must show.
static void act(struct load *l, struct load_side *s, uint64_t now_us)
{
  struct load_side *p = peer_of(l, s);
  if (s->sid < 0 && now_us >= s->start_at) begin(l, s, now_us);
  if (s->sid < 0) return;
  if (p->done && p->end != LOAD_CLOSE && s->give_up_at == NEVER) s->give_up_at = now_us + GIVE_UP_US;
  if (now_us >= s->give_up_at) {
    leave(l, s, false);
    return;
  }
  bool due = s->kicked || s->wake_at <= now_us;
  s->kicked = false;
  if (!due || !stands(l, s, now_us)) return;
  bool again;
  do {
    again = write_some(l, s, now_us);
    if (s->sid >= 0) again |= read_some(l, s, now_us);
  } while (again && s->sid >= 0 && !l->why[0]);
  if (s->sid >= 0) finish(l, s, now_us);
  uint64_t w = later(s->write_at, now_us), r = later(s->read_at, now_us);
  s->wake_at = w < r ? w : r;
}

// --- the hosts -------------------------------------------------------------------------------------------------------

static void accept_all(struct load *l, unsigned host, uint64_t now_us)
{
  struct sock_addr peer;
  int sid;
  while ((sid = sock_accept(l->stack[host], l->listener[host], &peer)) >= 0) {
    unsigned conn = (unsigned)peer.port - PORT_FIRST;
    struct load_side *s = &l->side[conn % LOAD_CONNS][host];
    if (conn < l->n && peer.ip == l->ip[!host] && !s->active && s->done && s->end == LOAD_ABORT) {
      sock_abort(l->stack[host], sid);   // a SYN sent again came behind our RST, which leaves no TIME-WAIT
      continue;
    }
    if (conn >= l->n || peer.ip != l->ip[!host] || s->active || s->up) {
      wrong(l, s, "accepted from port %u, where nobody connected", peer.port);
      return;
    }
    s->sid = sid;
    s->kicked = true;
    stand(s, now_us);
  }
}

static void kick(struct load *l, unsigned host, int sid)
{
  for (unsigned i = 0; i < l->n; i++)
    if (l->side[i][host].sid == sid) l->side[i][host].kicked = true;
}

void load_serve(struct load *l, unsigned host, uint64_t now_us)
{
  int sid;
  unsigned events;
  while (sock_next_ready(l->stack[host], &sid, &events)) {
    if (sid == l->listener[host]) accept_all(l, host, now_us);
    else kick(l, host, sid);
  }
  for (unsigned i = 0; i < l->n && !l->why[0]; i++) act(l, &l->side[i][host], now_us);
}

uint64_t load_deadline(const struct load *l)
{
  uint64_t at = NEVER;
  for (unsigned i = 0; i < 2 * l->n; i++) {
    const struct load_side *s = &l->side[i / 2][i % 2];
    uint64_t of[] = {s->sid < 0 ? s->start_at : NEVER, s->sid >= 0 ? s->wake_at : NEVER, s->sid >= 0 ? s->give_up_at : NEVER};
    for (unsigned k = 0; k < 3; k++)
      if (of[k] < at) at = of[k];
  }
  return at;
}

void load_cut(struct load *l, uint64_t now_us)
{
  l->cut = true;
  for (unsigned i = 0; i < 2 * l->n; i++) l->side[i / 2][i % 2].give_up_at = now_us + CUT_GIVE_UP_US;
}

// A side that nobody connected to, because the other gave up before, has nothing to end.
static bool side_over(const struct load *l, unsigned conn, unsigned host)
{
  const struct load_side *s = &l->side[conn][host], *p = &l->side[conn][!host];
  return s->done || (!s->active && !s->up && p->done && (p->end != LOAD_CLOSE || l->cut));
}

bool load_over(const struct load *l)
{
  for (unsigned i = 0; i < 2 * l->n; i++)
    if (!side_over(l, i / 2, i % 2)) return false;
  return true;
}

void load_close(struct load *l)
{
  for (unsigned h = 0; h < 2; h++) {
    if (l->listener[h] >= 0) sock_close(l->stack[h], l->listener[h]);
    l->listener[h] = -1;
  }
}

const char *load_state(const struct load *l, char out[static LOAD_WHY])
{
  out[0] = '\0';
  for (unsigned i = 0; i < 2 * l->n; i++) {
    const struct load_side *s = &l->side[i / 2][i % 2];
    size_t at = strlen(out);
    if (side_over(l, i / 2, i % 2)) continue;
    snprintf(out + at, LOAD_WHY - at, " conn %u host %u%s sent %llu/%llu got %llu%s%s;", s->conn, s->host, s->up ? "" : " not up",
             (unsigned long long)s->sent, (unsigned long long)s->total, (unsigned long long)s->got, s->shut ? " shut" : "",
             s->eof ? " eof" : "");
  }
  return out;
}
