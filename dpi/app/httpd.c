// SPDX-License-Identifier: Apache-2.0
// The socket side of a web server for the files below one directory (RFC 9110, RFC 9112): carries bytes between sockets, heads and
// answers, and holds clients to their time. A connection is not read from while its answer is being sent.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/conns.h"
#include "app/http_resp.h"
#include "base/timers.h"

enum {
  IN_BYTES = 2048, OUT_BYTES = 16384,
  CONNS_MOST = 4096,              // no engine has more flows
  TIMEOUT_S = 20, LINGER_US = 2000000
};

// READING: a request's head. SENDING: its answer. LINGERING: our FIN is out; what still comes is dropped until the peer's, because
// closing now would reset the connection, and might take the answer away (RFC 9112 section 9.6).
enum phase { READING, SENDING, LINGERING };

struct httpd {
  struct app base;
  struct conns conns;
  struct timers timers;
  size_t n_conns;
  int root;                       // the directory; -1: not open
  uint64_t timeout_us;
};

struct http_conn {
  struct timer timer;             // first
  int sid;
  enum phase phase;
  bool keep_alive;
  struct http_head head;
  struct http_resp resp;
  uint32_t tail;                  // LINGERING: bytes that were not acknowledged at moved_us, and since
  uint64_t moved_us;
  size_t in_off, in_len, out_off, out_len;
  uint8_t in[IN_BYTES], out[OUT_BYTES];
};

static time_t time_of_day(const struct httpd *h) { return (time_t)((h->base.env->epoch_us + h->base.env->now_us) / 1000000); }

static void set_timer(struct httpd *h, struct http_conn *c, uint64_t us) { timers_set(&h->timers, &c->timer, h->base.env->now_us + us); }

static void drop(struct httpd *h, struct http_conn *c, bool abort)
{
  timers_cancel(&h->timers, &c->timer);
  conns_drop(&h->conns, c->sid);
  http_resp_close(&c->resp);
  (abort ? sock_abort : sock_close)(h->base.stack, c->sid);
  h->n_conns--;
  free(c);
}

// The whole head has so long to come, from here on: bytes that trickle gain nothing.
static void begin_reading(struct httpd *h, struct http_conn *c)
{
  c->phase = READING;
  http_head_init(&c->head);
  set_timer(h, c, h->timeout_us);
}

static void begin_sending(struct httpd *h, struct http_conn *c)
{
  c->phase = SENDING;
  c->out_off = c->out_len = 0;
  set_timer(h, c, h->timeout_us);
}

// These return false when there is no memory for an answer.
static bool refuse(struct httpd *h, struct http_conn *c, int status, bool head)
{
  c->keep_alive = false;
  begin_sending(h, c);
  return http_resp_refuse(&c->resp, status, head, time_of_day(h));
}

static bool answer(struct httpd *h, struct http_conn *c)
{
  struct http_req q;
  int status = c->head.end == HTTP_HEAD_WHOLE ? http_req_read(&q, &c->head) : http_req_refusal(&c->head);
  if (status) return refuse(h, c, status, c->head.end == HTTP_HEAD_WHOLE && q.head);
  c->keep_alive = q.keep_alive;
  begin_sending(h, c);
  return http_resp_open(&c->resp, &q, h->root, time_of_day(h));
}

// What a phase came to: it goes on at once, it waits for its socket, or the connection is gone.
enum step { ON, WAIT, GONE };

static enum step lost(struct httpd *h, struct http_conn *c)
{
  drop(h, c, true);
  return GONE;
}

static enum step read_request(struct httpd *h, struct http_conn *c)
{
  c->in_off += http_head_feed(&c->head, c->in + c->in_off, c->in_len - c->in_off);
  if (c->head.end != HTTP_HEAD_MORE) return answer(h, c) ? ON : lost(h, c);
  ssize_t n = sock_recv(h->base.stack, c->sid, c->in, sizeof c->in);
  if (n == -EAGAIN) return WAIT;
  if (n <= 0) {
    drop(h, c, false);
    return GONE;
  }
  c->in_off = 0;
  c->in_len = (size_t)n;
  return ON;
}

static uint32_t unacked(const struct httpd *h, const struct http_conn *c)
{
  struct sock_info i;
  return sock_info(h->base.stack, c->sid, &i) == 0 ? i.unacked : 0;
}

static enum step over(struct httpd *h, struct http_conn *c)
{
  http_resp_close(&c->resp);
  if (c->keep_alive) {
    begin_reading(h, c);
    return ON;
  }
  sock_shutdown(h->base.stack, c->sid);
  c->phase = LINGERING;
  c->tail = unacked(h, c);
  c->moved_us = h->base.env->now_us;
  set_timer(h, c, LINGER_US);
  return ON;
}

static enum step send_answer(struct httpd *h, struct http_conn *c)
{
  if (c->out_off == c->out_len) {
    ssize_t n = http_resp_read(&c->resp, c->out, sizeof c->out);
    if (n < 0) return lost(h, c);
    if (n == 0) return over(h, c);
    c->out_off = 0;
    c->out_len = (size_t)n;
  }
  ssize_t n = sock_send(h->base.stack, c->sid, c->out + c->out_off, c->out_len - c->out_off);
  if (n == -EAGAIN) return WAIT;
  if (n < 0) return lost(h, c);
  c->out_off += (size_t)n;
  set_timer(h, c, h->timeout_us);
  return ON;
}

static enum step linger(struct httpd *h, struct http_conn *c)
{
  ssize_t n = sock_recv(h->base.stack, c->sid, c->in, sizeof c->in);
  if (n > 0) return ON;
  if (n == -EAGAIN) return WAIT;
  drop(h, c, false);
  return GONE;
}

static void pump(struct httpd *h, struct http_conn *c)
{
  enum step s = ON;
  while (s == ON) s = c->phase == READING ? read_request(h, c) : c->phase == SENDING ? send_answer(h, c) : linger(h, c);
}

static void accept_all(struct httpd *h)
{
  int sid;
  while ((sid = sock_accept(h->base.stack, h->conns.listener, NULL)) >= 0) {
    struct http_conn *c = h->n_conns < CONNS_MOST ? calloc(1, sizeof *c) : NULL;
    if (!c || !conns_put(&h->conns, sid, c)) {
      free(c);
      sock_abort(h->base.stack, sid);
      continue;
    }
    h->n_conns++;
    c->sid = sid;
    c->resp.file.fd = -1;
    begin_reading(h, c);
    pump(h, c);
  }
}

// When time is up for the next connection, or for none.
static void set_due(struct httpd *h)
{
  uint64_t due = timers_deadline(&h->timers);
  h->base.due_us = due == UINT64_MAX ? 0 : due;
}

static void httpd_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct httpd *h = (struct httpd *)a;
  struct http_conn *c = conns_get(&h->conns, sid);
  if (sid == h->conns.listener) accept_all(h);
  else if (c) pump(h, c);
  set_due(h);
}

// The end of an answer may go on as slowly as the rest; the client's FIN is waited for from then on.
static bool tail_goes_on(struct httpd *h, struct http_conn *c)
{
  uint32_t tail = unacked(h, c);
  uint64_t now = h->base.env->now_us;
  if (tail == c->tail) return tail && now - c->moved_us < h->timeout_us;
  c->tail = tail;
  c->moved_us = now;
  return true;
}

// A request that began and did not come is told so; others have nothing to be told.
static void time_up(struct httpd *h, struct http_conn *c)
{
  if (c->phase == LINGERING && tail_goes_on(h, c)) {
    set_timer(h, c, LINGER_US);
    return;
  }
  bool began = c->phase == READING && c->head.used > 0;
  if (began && refuse(h, c, 408, false)) pump(h, c);
  else drop(h, c, c->phase != READING || began);
}

static void httpd_timer(struct app *a)
{
  struct httpd *h = (struct httpd *)a;
  for (struct timer *t; (t = timers_first(&h->timers)) && t->deadline_us <= a->env->now_us;) time_up(h, (struct http_conn *)t);
  set_due(h);
}

static void httpd_close(struct app *a)
{
  if (!a) return;
  struct httpd *h = (struct httpd *)a;
  for (size_t i = 0; i < h->conns.n; i++)
    if (h->conns.of[i]) drop(h, h->conns.of[i], false);
  conns_close(&h->conns, a->stack);
  timers_free(&h->timers);
  if (h->root >= 0) close(h->root);
  free(h);
}

static bool open_root(struct httpd *h, const char *dir, char err[static APP_ERR_LEN])
{
  if (!dir) snprintf(err, APP_ERR_LEN, "httpd: root=DIR is missing");
  else if ((h->root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) snprintf(err, APP_ERR_LEN, "httpd: root=%.60s: %s", dir, strerror(errno));
  return h->root >= 0;
}

static struct app *httpd_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  struct httpd *h = calloc(1, sizeof *h);
  if (!h || !timers_init(&h->timers, CONNS_MOST)) {
    snprintf(err, APP_ERR_LEN, "httpd: out of memory");
    free(h);
    return NULL;
  }
  h->base = (struct app){.ops = &httpd_ops, .env = e, .stack = e->stack};
  h->root = h->conns.listener = -1;
  const char *dir = NULL;
  uint64_t timeout_s = TIMEOUT_S;
  const struct app_opt_desc table[] = {{"root", APP_OPT_TEXT, 0, 0, &dir}, {"timeout", APP_OPT_NUMBER, 1, 3600, &timeout_s}};
  if (app_opts_apply("httpd", &h->base.common, table, 2, opts, n_opts, err) && open_root(h, dir, err)
      && conns_listen(&h->conns, &h->base, port, err)) {
    h->timeout_us = timeout_s * 1000000;
    return &h->base;
  }
  httpd_close(&h->base);
  return NULL;
}

const struct app_ops httpd_ops = {
    .name = "httpd",
    .summary = "httpd:PORT,root=DIR[,timeout=SECONDS]  serves the files below DIR; a request has so long to come, an answer to go on (20)",
    .open = httpd_open,
    .ready = httpd_ready,
    .timer = httpd_timer,
    .close = httpd_close,
};
