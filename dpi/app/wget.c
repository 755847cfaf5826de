// SPDX-License-Identifier: Apache-2.0
// Gets a file by HTTP. It asks as HTTP/1.0, so the body comes as it is, and the connection ends behind it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/client.h"
#include "app/http_head.h"
#include "app/http_text.h"
#include "base/text.h"

enum { URL_MOST = 1000, BUF_BYTES = 16384, TIMEOUT_S = 60 };

struct wget {
  struct app base;
  int sid, fd;                 // -1: none
  const char *out;             // the file's name, "-" for standard output; NULL: from the URL
  uint64_t timeout_s;
  char request[URL_MOST + 100], name[URL_MOST];
  size_t request_off, request_len;
  struct http_head head;
  bool sized;                  // the answer has said its length
  uint64_t length, got;
  size_t off, len;             // buf[off..len) is still to be written
  uint8_t buf[BUF_BYTES];
};

static bool to_output(const struct wget *w) { return w->out && strcmp(w->out, "-") == 0; }

static void leave(struct wget *w)
{
  struct app_env *e = w->base.env;
  if (w->fd >= 0 && to_output(w)) e->ops->unwatch(e, w->fd);
  else if (w->fd >= 0) close(w->fd);
  if (w->sid >= 0) (w->base.end == APP_DONE ? sock_close : sock_abort)(w->base.stack, w->sid);
  w->sid = w->fd = -1;
  w->base.due_us = 0;
}

// These two return false, for it is over.
static bool fail(struct wget *w, ssize_t rc)
{
  if (w->head.end != HTTP_HEAD_WHOLE) client_end(&w->base, APP_FAILED, "%s", strerror((int)-rc));
  else client_end(&w->base, APP_FAILED, "after %llu bytes of the file: %s", (unsigned long long)w->got, strerror((int)-rc));
  leave(w);
  return false;
}

static bool refuse(struct wget *w, enum app_end how, const char *what, const char *more)
{
  client_end(&w->base, how, "%s%.90s", what, more);
  leave(w);
  return false;
}

static bool open_file(struct wget *w)
{
  if (to_output(w)) {
    w->fd = w->base.env->out_fd;
    if (w->fd >= 0 && w->base.env->ops->watch(w->base.env, &w->base, w->fd)) return true;
    w->fd = -1;
    return refuse(w, APP_FAILED, "standard output cannot be watched", "");
  }
  // A name that we chose must not take anything away.
  w->fd = open(w->out ? w->out : w->name, O_WRONLY | O_CREAT | O_CLOEXEC | (w->out ? O_TRUNC : O_EXCL), 0666);
  if (w->fd >= 0) return true;
  char why[APP_ERR_LEN];
  snprintf(why, sizeof why, "%.60s: %s%s", w->out ? w->out : w->name, strerror(errno), w->out ? "" : " (out=FILE names another)");
  return refuse(w, APP_FAILED, why, "");
}

// What the head says: false when it is over, true when the body follows, or another head behind a first, interim one.
static bool read_head(struct wget *w)
{
  const struct http_head *h = &w->head;
  const char *status = http_head_word(h, 1), *length = http_head_field(h, "content-length", 0);
  if (strncmp(http_head_word(h, 0), "HTTP/1.", 7) != 0 || strlen(status) != 3) return refuse(w, APP_DIFFERS, "this is not HTTP/1", "");
  if (status[0] == '1') {
    http_head_init(&w->head);
    return true;
  }
  char line[APP_ERR_LEN];
  const char *location = http_head_field(h, "location", 0);
  snprintf(line, sizeof line, "%s %.40s%s", status, http_head_word(h, 2), location ? ", see " : "");
  if (strcmp(status, "200") != 0) return refuse(w, APP_DIFFERS, line, location ? location : "");
  if (http_head_field(h, "transfer-encoding", 0)) return refuse(w, APP_DIFFERS, "a transfer coding, though HTTP/1.0 was asked: ", http_head_field(h, "transfer-encoding", 0));
  w->sized = length;
  if (length && !http_number(length, &w->length)) return refuse(w, APP_DIFFERS, "this is no Content-Length: ", length);
  return open_file(w);
}

// True when it got on; false: it must wait, or is over.
static bool write_body(struct wget *w)
{
  size_t n = w->len - w->off;
  if (w->sized && n > w->length - w->got) n = (size_t)(w->length - w->got);   // what is behind it is not ours
  ssize_t rc = n ? write(w->fd, w->buf + w->off, n) : 0;
  if (rc < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (rc < 0) return fail(w, -errno);
  w->got += (uint64_t)rc;
  w->off = n ? w->off + (size_t)rc : w->len;
  return true;
}

static bool send_request(struct wget *w)
{
  ssize_t rc = sock_send(w->base.stack, w->sid, w->request + w->request_off, w->request_len - w->request_off);
  if (rc == -EAGAIN) return false;
  if (rc < 0) return fail(w, rc);
  w->request_off += (size_t)rc;
  return true;
}

static bool finish(struct wget *w, bool whole)
{
  const char *to = to_output(w) ? "standard output" : w->out ? w->out : w->name;
  if (whole) client_end(&w->base, APP_DONE, "%llu bytes to %.90s", (unsigned long long)w->got, to);
  else client_end(&w->base, APP_FAILED, "the connection ended after %llu of %llu bytes", (unsigned long long)w->got, (unsigned long long)w->length);
  leave(w);
  return false;
}

static void wait_for_server(struct wget *w) { w->base.due_us = w->base.env->now_us + w->timeout_s * 1000000; }

// More from the connection, into the empty buffer.
static bool receive(struct wget *w)
{
  ssize_t rc = sock_recv(w->base.stack, w->sid, w->buf, sizeof w->buf);
  if (rc == -EAGAIN) return false;
  if (rc < 0) return fail(w, rc);
  if (rc == 0 && w->head.end != HTTP_HEAD_WHOLE) return refuse(w, APP_DIFFERS, "the connection ended without an answer", "");
  if (rc == 0) return finish(w, !w->sized);
  w->off = 0;
  w->len = (size_t)rc;
  wait_for_server(w);
  return true;
}

static bool step(struct wget *w)
{
  if (w->request_off < w->request_len) return send_request(w);
  if (w->head.end == HTTP_HEAD_WHOLE && w->sized && w->got == w->length) return finish(w, true);
  if (w->off == w->len) return receive(w);
  if (w->head.end == HTTP_HEAD_WHOLE) return write_body(w);
  w->off += http_head_feed(&w->head, w->buf + w->off, w->len - w->off);
  if (w->head.end == HTTP_HEAD_MORE) return true;
  return w->head.end == HTTP_HEAD_WHOLE ? read_head(w) : refuse(w, APP_DIFFERS, "this is not HTTP/1", "");
}

static void wget_ready(struct app *a, int sid, unsigned events)
{
  (void)events;
  struct wget *w = (struct wget *)a;
  while (sid == w->sid && step(w)) {}
}

static void wget_fd_ready(struct app *a, int fd)
{
  (void)fd;
  struct wget *w = (struct wget *)a;
  while (w->sid >= 0 && step(w)) {}
}

static void wget_timer(struct app *a)
{
  struct wget *w = (struct wget *)a;
  if (w->sid < 0) return;
  if (w->head.end == HTTP_HEAD_WHOLE && w->off < w->len) wait_for_server(w);   // it is not silent: nobody takes what it said
  else fail(w, -ETIMEDOUT);
}

static void wget_close(struct app *a)
{
  if (!a) return;
  leave((struct wget *)a);
  free(a);
}

// The last part of a path without its query, if a file can be called so.
static void name_file(struct wget *w, const char *path)
{
  int end = (int)strcspn(path, "?"), from = end;
  while (from > 0 && path[from - 1] != '/') from--;
  snprintf(w->name, sizeof w->name, "%.*s", end - from, path + from);
  if (!w->name[0] || !strcmp(w->name, ".") || !strcmp(w->name, "..")) strcpy(w->name, "index.html");
}

// [http://]ADDR[:PORT][/PATH]
static bool parse_url(struct wget *w, const char *url, uint64_t *to)
{
  char addr[TEXT_IPV4_LEN + 6];   // with a colon and a port
  if (strncasecmp(url, "http://", 7) == 0) url += 7;
  size_t n = strcspn(url, "/");
  const char *path = url + n;
  for (const char *p = path; *p; p++)
    if (*p <= ' ' || *p == 0x7f || *p == '#') return false;
  bool has_port = memchr(url, ':', n);
  int len = snprintf(addr, sizeof addr, "%.*s%s", (int)n, url, has_port ? "" : ":80");
  if (len >= (int)sizeof addr || strlen(path) >= URL_MOST || !app_parse_addr(addr, to)) return false;
  w->request_len = (size_t)snprintf(w->request, sizeof w->request, "GET %s HTTP/1.0\r\nHost: %.*s\r\nUser-Agent: lockwire\r\n\r\n", *path ? path : "/", (int)n, url);
  name_file(w, path);
  return true;
}

static struct app *wget_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  struct wget *w = calloc(1, sizeof *w);
  if (!w) {
    snprintf(err, APP_ERR_LEN, "wget: out of memory");
    return NULL;
  }
  w->base = (struct app){.ops = &wget_ops, .env = e, .stack = e->stack};
  w->sid = w->fd = -1;
  w->timeout_s = TIMEOUT_S;
  http_head_init(&w->head);
  const char *url = NULL;
  uint64_t to;
  const struct app_opt_desc table[] = {{"to", APP_OPT_TEXT, 0, 0, &url}, {"out", APP_OPT_TEXT, 0, 0, &w->out},
                                       {"timeout", APP_OPT_NUMBER, 1, 3600, &w->timeout_s}};
  if (app_opts_apply("wget", &w->base.common, table, 3, opts, n_opts, err)) {
    if (!url || !parse_url(w, url, &to)) snprintf(err, APP_ERR_LEN, "wget: to=%.60s: wants a URL, as http://10.0.0.1:80/file", url ? url : "");
    else if ((w->sid = client_socket(&w->base, SOCK_TCP, port, err)) >= 0 && client_connect(&w->base, w->sid, to, err)) {
      wait_for_server(w);
      return &w->base;
    }
  }
  free(w);
  return NULL;
}

const struct app_ops wget_ops = {
    .name = "wget",
    .summary = "wget[:PORT]=[http://]ADDR[:PORT]/PATH[,out=FILE][,timeout=SECONDS]  gets a file by HTTP; out: - is standard output,\n"
               "           else a new file, named as in the URL; timeout: how long the server may be silent (60)",
    .ends = true,
    .usage = "[http://]ADDR[:PORT]/PATH [out=FILE|-] [timeout=SECONDS]",
    .open = wget_open,
    .ready = wget_ready,
    .fd_ready = wget_fd_ready,
    .timer = wget_timer,
    .close = wget_close,
};
