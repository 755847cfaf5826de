// SPDX-License-Identifier: Apache-2.0
// A shell over the sockets: a line, a command, from a terminal or a pipe. Lines that must wait for a connection (c, s, r) hold up those
// behind them; everything else goes on meanwhile, and says so.
#include "app/shell.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "app/client.h"
#include "base/text.h"

enum { BACKLOG = 16, READ_WAIT_S = 5 };

// --- what is said ----------------------------------------------------------------------------------------------------

static void say(struct shell *h, const char *fmt, va_list ap)
{
  vfprintf(h->base.env->say, fmt, ap);
  fputc('\n', h->base.env->say);
  fflush(h->base.env->say);
}

void shell_say(struct shell *h, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  say(h, fmt, ap);
  va_end(ap);
}

bool shell_fail(struct shell *h, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  say(h, fmt, ap);
  va_end(ap);
  h->failed++;
  return false;
}

static const char *addr_text(char out[static 24], struct sock_addr a)
{
  char ip[TEXT_IPV4_LEN];
  if (a.port == 0) return strcpy(out, "-");
  snprintf(out, 24, "%s:%u", a.ip ? text_format_ipv4(ip, a.ip) : "*", a.port);
  return out;
}

// --- what is typed ---------------------------------------------------------------------------------------------------

bool shell_wrong(struct shell *h, const char *text, const char *what)
{
  return shell_fail(h, "%s: %s (usage: %s %s)", text, what, h->command->name, h->command->args);
}

bool shell_port(struct shell *h, const char *text, uint16_t *port)
{
  uint64_t v;
  if (!text_parse_uint(text, 1, 65535, &v)) return shell_wrong(h, text, "not a port from 1 to 65535");
  *port = (uint16_t)v;
  return true;
}

bool shell_addr(struct shell *h, const char *text, uint32_t *ip)
{
  return text_parse_ipv4(text, ip) || shell_wrong(h, text, "not an address, as 10.0.0.1");
}

// One of the shell's sockets that is not busy with a file.
static bool parse_sid(struct shell *h, const char *text, int *sid)
{
  uint64_t v;
  if (!text_parse_uint(text, 0, INT32_MAX, &v) || sock_user(h->base.stack, (int)v) != h) return shell_wrong(h, text, "not a socket of the shell's, as ls shows them");
  *sid = (int)v;
  return !transfer_owns(h, *sid) || shell_fail(h, "socket %d is busy with a file", *sid);
}

int shell_socket(struct shell *h, uint16_t port)
{
  char err[APP_ERR_LEN];
  int sid = client_socket(&h->base, SOCK_TCP, port, err);
  if (sid < 0) shell_fail(h, "%s", err);
  return sid;
}

bool shell_connect(struct shell *h, int sid, uint32_t ip, uint16_t port)
{
  char err[APP_ERR_LEN];
  return client_connect(&h->base, sid, (uint64_t)ip << 16 | port, err) || shell_fail(h, "%s", err);
}

// --- commands --------------------------------------------------------------------------------------------------------

static bool do_accept(struct shell *h, char **arg)
{
  uint16_t port = 0;
  if (!shell_port(h, arg[0], &port)) return false;
  int sid = shell_socket(h, port);
  if (sid < 0) return false;
  int rc = sock_listen(h->base.stack, sid, BACKLOG);
  if (rc < 0) {
    sock_close(h->base.stack, sid);
    return shell_fail(h, "port %u: %s", port, strerror(-rc));
  }
  shell_say(h, "socket %d listens on port %u", sid, port);
  return true;
}

static bool do_connect(struct shell *h, char **arg)
{
  uint32_t ip = 0;
  uint16_t port = 0;
  if (!shell_addr(h, arg[0], &ip) || !shell_port(h, arg[1], &port)) return false;
  int sid = shell_socket(h, 0);
  if (sid < 0 || !shell_connect(h, sid, ip, port)) return false;
  h->wait.for_what = SHELL_CONNECT;
  h->wait.sid = sid;
  return true;
}

static bool do_list(struct shell *h, char **arg)
{
  struct stack *s = h->base.stack;
  (void)arg;
  shell_say(h, "%-4s %-4s %-12s %-21s %-21s %8s %8s", "sid", "type", "state", "local", "peer", "to read", "to send");
  for (int sid = -1; (sid = sock_info_next(s, sid)) >= 0;) {
    struct sock_info i;
    char local[24], peer[24];
    if (sock_info(s, sid, &i) != 0) continue;
    shell_say(h, "%-4d %-4s %-12s %-21s %-21s %8u %8u", sid, i.type == SOCK_TCP ? "tcp" : i.type == SOCK_UDP ? "udp" : "icmp", sock_state_name(i.state), addr_text(local, i.local),
              addr_text(peer, i.peer), i.waiting ? i.waiting : i.unread, i.unacked);
  }
  return true;
}

static bool do_send(struct shell *h, char **arg)
{
  if (!parse_sid(h, arg[0], &h->wait.sid)) return false;
  h->wait.for_what = SHELL_SEND;
  h->wait.off = 0;
  h->wait.len = strlen(arg[1]);
  memcpy(h->wait.text, arg[1], h->wait.len);
  return true;
}

static bool do_read(struct shell *h, char **arg)
{
  uint64_t most;
  if (!parse_sid(h, arg[0], &h->wait.sid)) return false;
  if (!text_parse_uint(arg[1], 1, SHELL_LINE, &most)) return shell_wrong(h, arg[1], "not a number of bytes from 1 to 4096");
  h->wait.for_what = SHELL_READ;
  h->wait.len = (size_t)most;
  h->timeout_us = h->base.env->now_us + READ_WAIT_S * 1000000;
  return true;
}

static bool do_close(struct shell *h, char **arg)
{
  int sid;
  if (!parse_sid(h, arg[0], &sid)) return false;
  sock_close(h->base.stack, sid);
  shell_say(h, "socket %d is closed", sid);
  return true;
}

static bool do_state(struct shell *h, char **arg)
{
  uint64_t sid;
  struct sock_info i;
  if (!text_parse_uint(arg[0], 0, INT32_MAX, &sid) || sock_info(h->base.stack, (int)sid, &i) != 0)
    return shell_wrong(h, arg[0], "not a socket, as ls shows them");
  if (!i.mss) {
    shell_say(h, "socket %d: %s, without a connection", (int)sid, sock_state_name(i.state));
    return true;
  }
  shell_say(h, "socket %d: %s, flow %d, our first sequence number %u, the peer's %u, segments of %u bytes, window scale %u (ours %u)%s%s", (int)sid,
            sock_state_name(i.state), i.flow, i.iss.v, i.irs.v, i.mss, i.snd_wscale, i.rcv_wscale, i.timestamps ? ", time stamps" : "", i.sack ? ", SACK" : "");
  h->base.env->ops->inside(h->base.env, &i, h->base.env->say);
  fflush(h->base.env->say);
  return true;
}

static bool do_quit(struct shell *h, char **arg)
{
  (void)arg;
  if (h->quitting) transfer_drop_all(h);
  if (h->transfers) shell_say(h, "when all files are through (q again: now)");
  return h->quitting = true;
}

static bool do_help(struct shell *h, char **arg);

static const struct shell_command commands[] = {
    {"a", "PORT", "listen, and accept whoever comes", 1, 1, do_accept},
    {"c", "ADDR PORT", "connect", 2, 2, do_connect},
    {"ls", "", "all sockets, with their states", 0, 0, do_list},
    {"s", "SID TEXT", "send the rest of the line", 2, 2, do_send},
    {"r", "SID N", "read at most N bytes; waits for the first", 2, 2, do_read},
    {"cl", "SID", "close", 1, 1, do_close},
    {"sf", "FILE ADDR PORT", "send a file to whoever listens there, in the background", 3, 3, shell_send_file},
    {"rf", "FILE PORT", "write what the first to connect sends into a file, in the background", 2, 2, shell_receive_file},
    {"li", "", "the interface and its addresses", 0, 0, shell_interfaces},
    {"lr", "", "the routes", 0, 0, shell_routes},
    {"ifconfig", "[add ADDR/LEN | del ADDR]", "give us an address, or take it; alone as li", 0, 2, shell_ifconfig},
    {"route", "add|del NET/LEN|default [GATEWAY]", "the way to a network; without a GATEWAY it is on the link", 2, 3, shell_route},
    {"st", "SID", "a connection's inner state, what is not 0 of it", 1, 1, do_state},
    {"help", "", "this", 0, 0, do_help},
    {"q", "", "close everything and leave, when all files are through; twice: now", 0, 0, do_quit},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static bool do_help(struct shell *h, char **arg)
{
  (void)arg;
  for (size_t i = 0; i < N_COMMANDS; i++) {
    char usage[48];
    snprintf(usage, sizeof usage, "%s %s", commands[i].name, commands[i].args);
    shell_say(h, "%-40s %s", usage, commands[i].text);
  }
  return true;
}

// --- a line ----------------------------------------------------------------------------------------------------------

static const char blank[] = " \t";

// Words by blanks; the last of `most` is the rest of the line, as it was typed or without the blanks at its end. Returns how
// many there are, one more than most when there are more.
static int split(char *line, char **word, int most, bool as_typed)
{
  int n = 0;
  for (char *p = line + strspn(line, blank); *p; p += strspn(p, blank)) {
    if (n == most) return n + 1;
    word[n++] = p;
    if (n == most && as_typed) break;
    p += strcspn(p, blank);
    if (*p) *p++ = '\0';
  }
  return n;
}

static void run_line(struct shell *h, char *line)
{
  char *arg[SHELL_WORDS] = {NULL}, *name = line + strspn(line, blank), *rest = name + strcspn(name, blank);
  if (!*name) return;
  if (*rest) *rest++ = '\0';
  for (size_t i = 0; i < N_COMMANDS; i++) {
    const struct shell_command *c = &commands[i];
    if (strcmp(c->name, name) != 0) continue;
    int n = split(rest, arg, c->most, c->run == do_send);
    h->command = c;
    if (n < c->least || n > c->most) shell_fail(h, "usage: %s %s: %s", c->name, c->args, c->text);
    else c->run(h, arg);
    return;
  }
  shell_fail(h, "%s: not a command (help shows them)", name);
}

// --- waiting ---------------------------------------------------------------------------------------------------------

static bool over(struct shell *h)
{
  h->wait.for_what = SHELL_NOTHING;
  return true;
}

static bool broke(struct shell *h, ssize_t rc)
{
  shell_fail(h, "socket %d: %s", h->wait.sid, strerror((int)-rc));
  return over(h);
}

static bool await_connection(struct shell *h)
{
  int sid = h->wait.sid;
  unsigned events = sock_poll(h->base.stack, sid);
  if (events & SOCK_ERR) {
    ssize_t rc = sock_recv(h->base.stack, sid, h->wait.text, 1);
    sock_close(h->base.stack, sid);
    shell_fail(h, "no connection: %s", strerror(rc < 0 ? (int)-rc : ECONNABORTED));
    return over(h);
  }
  if (!(events & SOCK_OUT)) return false;
  shell_say(h, "socket %d is connected", sid);
  return over(h);
}

static bool await_room(struct shell *h)
{
  struct shell_wait *w = &h->wait;
  while (w->off < w->len) {
    ssize_t rc = sock_send(h->base.stack, w->sid, w->text + w->off, w->len - w->off);
    if (rc == -EAGAIN) return false;
    if (rc < 0) return broke(h, rc);
    w->off += (size_t)rc;
  }
  shell_say(h, "sent %zu bytes", w->len);
  return over(h);
}

static bool await_data(struct shell *h)
{
  ssize_t n = sock_recv(h->base.stack, h->wait.sid, h->wait.text, h->wait.len);
  if (n == -EAGAIN && h->base.env->now_us < h->timeout_us) return false;
  if (n == -EAGAIN) shell_fail(h, "socket %d: nothing within %d s", h->wait.sid, READ_WAIT_S);
  if (n == -EAGAIN) return over(h);
  if (n < 0) return broke(h, n);
  if (n == 0) shell_say(h, "socket %d: the peer has ended", h->wait.sid);
  else fprintf(h->base.env->say, "read %zd bytes: ", n);
  for (ssize_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)h->wait.text[i];
    if (c == '\n') fputs("\\n", h->base.env->say);
    else fprintf(h->base.env->say, c == '\\' || c < 0x20 || c > 0x7e ? "\\x%02x" : "%c", c);
  }
  if (n) shell_say(h, "%s", "");
  return over(h);
}

// False: the line still waits.
static bool waited(struct shell *h)
{
  switch (h->wait.for_what) {
    case SHELL_CONNECT: return await_connection(h);
    case SHELL_SEND: return await_room(h);
    case SHELL_READ: return await_data(h);
    case SHELL_NOTHING: break;
  }
  return true;
}

// --- turns -----------------------------------------------------------------------------------------------------------

static void leave(struct shell *h)
{
  struct stack *s = h->base.stack;
  transfer_drop_all(h);
  for (int sid = -1; (sid = sock_info_next(s, sid)) >= 0;)
    if (sock_user(s, sid) == h) sock_close(s, sid);
  h->base.env->ops->unwatch(h->base.env, h->base.env->in_fd);
  h->base.due_us = 0;
  if (h->failed && !h->edited) client_end(&h->base, APP_FAILED, "%u of the lines failed", h->failed);
  else h->base.end = APP_DONE;
}

// The next line, without its end; a last one may lack it. False: there is none yet.
static bool take_line(struct shell *h, char line[static SHELL_LINE])
{
  char *end = memchr(h->in, '\n', h->len);
  if (!end && !(h->ended && h->len)) return false;
  size_t n = end ? (size_t)(end - h->in) : h->len, used = end ? n + 1 : n;
  memcpy(line, h->in, n);
  line[n] = '\0';
  if (n && line[n - 1] == '\r') line[n - 1] = '\0';
  h->len -= used;
  memmove(h->in, h->in + used, h->len);
  bool rest_of_long = h->skipping;
  h->skipping = false;
  if (rest_of_long) line[0] = '\0';
  return true;
}

// More of what is typed. False: there is none now.
static bool fill(struct shell *h)
{
  if (h->ended) return false;
  if (h->len == sizeof h->in - 1) {   // no line is so long
    if (!h->skipping) shell_fail(h, "a line of more than %zu bytes", sizeof h->in - 2);
    h->skipping = true;
    h->len = 0;
  }
  ssize_t n = read(h->base.env->in_fd, h->in + h->len, sizeof h->in - 1 - h->len);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) h->ended = true;
  else h->len += (size_t)n;
  return true;
}

static bool through(const struct shell *h)
{
  bool leaves = h->quitting || (h->ended && !h->len);
  return leaves && !h->transfers && !h->wait.for_what;
}

static void go_on(struct shell *h)
{
  char line[SHELL_LINE];
  while (!through(h)) {
    if (h->wait.for_what) {
      if (!waited(h)) return;
    } else if (take_line(h, line)) {
      run_line(h, line);
    } else if (fill(h)) {
      continue;
    } else {
      return;
    }
    if (h->edited && !h->wait.for_what) h->base.env->ops->prompt(h->base.env);
  }
  if (h->base.end == APP_RUNS) leave(h);
}

static void set_due(struct shell *h)
{
  uint64_t read_us = h->wait.for_what == SHELL_READ ? h->timeout_us : 0;
  h->base.due_us = h->look_us && (!read_us || h->look_us < read_us) ? h->look_us : read_us;
}

static void accept_all(struct shell *h, int sid)
{
  struct sock_addr peer;
  char text[24];
  for (int got; (got = sock_accept(h->base.stack, sid, &peer)) >= 0;) shell_say(h, "socket %d is %s, come to socket %d", got, addr_text(text, peer), sid);
}

static void tell_error(struct shell *h, int sid)
{
  int err = 0;
  if (sock_getsockopt(h->base.stack, sid, SOCK_OPT_ERROR, &err) == 0 && err) shell_say(h, "socket %d: %s", sid, strerror(err));
}

static void shell_ready(struct app *a, int sid, unsigned events)
{
  struct shell *h = (struct shell *)a;
  bool awaited = h->wait.for_what && h->wait.sid == sid;
  if (a->end != APP_RUNS) return;
  if (!transfer_ready(h, sid) && !awaited) {
    accept_all(h, sid);
    if (events & SOCK_ERR) tell_error(h, sid);
  }
  go_on(h);
  set_due(h);
}

static void shell_fd_ready(struct app *a, int fd)
{
  struct shell *h = (struct shell *)a;
  (void)fd;
  go_on(h);
  set_due(h);
}

static void shell_timer(struct app *a)
{
  struct shell *h = (struct shell *)a;
  transfer_timer(h);
  go_on(h);
  set_due(h);
}

static void shell_stop(struct app *a) { leave((struct shell *)a); }

static void shell_close(struct app *a)
{
  if (!a) return;
  if (a->end == APP_RUNS) leave((struct shell *)a);
  free(a);
}

static struct app *shell_open(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  (void)port;
  struct shell *h = calloc(1, sizeof *h);
  if (!h) {
    snprintf(err, APP_ERR_LEN, "shell: out of memory");
    return NULL;
  }
  h->base = (struct app){.ops = &shell_ops, .env = e, .stack = e->stack};
  const char *history = NULL;
  const struct app_opt_desc table[] = {{"history", APP_OPT_TEXT, 0, 0, &history}};
  if (app_opts_apply("shell", &h->base.common, table, 1, opts, n_opts, err)) {
    h->edited = e->ops->edit(e, "lockwire> ", history, err);
    if (!err[0] && e->in_fd >= 0 && e->ops->watch(e, &h->base, e->in_fd)) {
      if (h->edited) e->ops->prompt(e);
      return &h->base;
    }
    if (!err[0]) snprintf(err, APP_ERR_LEN, "shell: standard input cannot be watched");
  }
  free(h);
  return NULL;
}

const struct app_ops shell_ops = {
    .name = "shell",
    .summary = "shell[,history=FILE]  takes commands (help shows them) from standard input; lines are edited in a terminal, and kept in FILE if there is one",
    .ends = true,
    .usage = "[history=FILE]",
    .no_target = true,
    .open = shell_open,
    .ready = shell_ready,
    .fd_ready = shell_fd_ready,
    .timer = shell_timer,
    .stop = shell_stop,
    .close = shell_close,
};
