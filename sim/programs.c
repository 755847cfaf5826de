// SPDX-License-Identifier: Apache-2.0
#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "edit.h"
#include "inside.h"
#include "run.h"

struct watch {
  struct app *app;   // NULL: not watched
  bool once;         // epoll has no such thing to tell; we tell it, soon
};

// --- descriptors -----------------------------------------------------------------------------------------------------

static bool grow(struct programs *p, size_t fd)
{
  if (fd < p->n_watch) return true;
  struct watch *w = realloc(p->watch, (fd + 16) * sizeof *w);
  if (!w) return false;
  memset(w + p->n_watch, 0, (fd + 16 - p->n_watch) * sizeof *w);
  p->watch = w;
  p->n_watch = fd + 16;
  return true;
}

static bool watch(struct app_env *e, struct app *a, int fd)
{
  struct programs *p = (struct programs *)e;
  if (!grow(p, (size_t)fd)) return false;
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = (uint64_t)fd + 1};
  bool once = false;
  if (p->watch[fd].app) errno = EEXIST;
  if (p->watch[fd].app || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
    once = errno == EPERM;   // a file: always ready
    if (!once) return false;
  }
  p->watch[fd] = (struct watch){a, once};
  p->told_once |= once;
  p->watched++;
  return true;
}

static void unwatch(struct app_env *e, int fd)
{
  struct programs *p = (struct programs *)e;
  if (fd < 0 || (size_t)fd >= p->n_watch || !p->watch[fd].app) return;
  epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  p->watch[fd] = (struct watch){0};
  p->watched--;
}

void programs_descriptor(struct programs *p, uint64_t data)
{
  size_t fd = (size_t)data - 1;
  struct app *a = fd < p->n_watch ? p->watch[fd].app : NULL;   // NULL: closed since
  if (a) a->ops->fd_ready(a, (int)fd);
}

static void tell_once(struct programs *p)
{
  p->told_once = false;
  for (size_t fd = 0; fd < p->n_watch; fd++) {
    if (!p->watch[fd].app || !p->watch[fd].once) continue;
    p->watch[fd].once = false;
    programs_descriptor(p, fd + 1);
  }
}

// Standard input or output for our own use: non-blocking by a description of our own, because others have theirs in the
// one that we were given. A file needs nothing, and a socket cannot be opened again.
static int own(struct programs *p, int fd, int mode)
{
  struct stat st;
  char path[32];
  if (fstat(fd, &st) != 0) return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int again = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) ? open(path, mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
  if (again >= 0) return again;
  int flags = fcntl(fd, F_GETFL);
  if (!S_ISREG(st.st_mode) && flags >= 0 && !(flags & O_NONBLOCK)) p->made_nonblocking[fd] = fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

// --- the terminal, and what is behind the sockets ---------------------------------------------------------------------

static bool edit(struct app_env *e, const char *text, const char *history, char err[static APP_ERR_LEN])
{
  struct programs *p = (struct programs *)e;
  err[0] = '\0';
  if (p->edit || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return false;
  if ((size_t)e->in_fd < p->n_watch && p->watch[e->in_fd].app) {
    snprintf(err, APP_ERR_LEN, "shell: standard input: another program has it");
    return false;
  }
  p->edit = edit_open(text, history, err, APP_ERR_LEN);
  if (!p->edit) return false;
  close(e->in_fd);
  e->in_fd = p->edit->in_fd;
  e->say = p->edit->say;
  return true;
}

static void prompt(struct app_env *e)
{
  struct programs *p = (struct programs *)e;
  if (p->edit) edit_prompt(p->edit);
}

static void inside(struct app_env *e, const struct sock_info *i, FILE *out)
{
  (void)e;
  inside_print(out, i->rcv, i->snd);
}

// Gives the terminal back, with all that was said.
static void end_edit(struct programs *p)
{
  if (!p->edit) return;
  unwatch(&p->env, p->env.in_fd);
  edit_close(p->edit);
  p->edit = NULL;
  p->env.in_fd = -1;
  p->env.say = stdout;
}

// --- opening and closing ---------------------------------------------------------------------------------------------

static uint64_t epoch_us(uint64_t now_us)
{
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u - now_us;
}

bool programs_open(struct programs *p, const struct run_options *o, struct endpoint *e, int epoll_fd, uint64_t now_us,
                   char err[static OPT_ERR_LEN])
{
  static const struct app_env_ops ops = {watch, unwatch, edit, prompt, inside};
  *p = (struct programs){.opt = o, .endpoint = e, .epoll_fd = epoll_fd};
  p->env = (struct app_env){.ops = &ops, .stack = e->stack, .now_us = now_us, .epoch_us = epoch_us(now_us), .in_fd = -1, .out_fd = -1, .say = stdout};
  bool clients = false;
  for (size_t i = 0; i < o->n_apps; i++) clients |= o->apps[i].ops->ends;
  if (clients) {
    p->env.in_fd = own(p, STDIN_FILENO, O_RDONLY);
    p->env.out_fd = own(p, STDOUT_FILENO, O_WRONLY);
  }
  for (; p->n < o->n_apps; p->n++) {
    const struct app_spec *a = &o->apps[p->n];
    char why[APP_ERR_LEN];
    p->app[p->n] = a->ops->open(&p->env, a->port, a->opts, a->n_opts, why);
    if (p->app[p->n]) continue;
    snprintf(err, OPT_ERR_LEN, "%s%s", o->client ? "" : "--app ", why);
    return false;
  }
  return true;
}

void programs_close(struct programs *p)
{
  for (size_t i = 0; i < p->n; i++) p->app[i]->ops->close(p->app[i]);
  if (!p->env.ops) return;   // never opened
  end_edit(p);
  if (p->env.in_fd >= 0) close(p->env.in_fd);
  if (p->env.out_fd >= 0) close(p->env.out_fd);
  for (int fd = 0; fd < 2; fd++)
    if (p->made_nonblocking[fd]) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  free(p->watch);
  *p = (struct programs){0};
}

// --- turns -----------------------------------------------------------------------------------------------------------

void programs_set_time(struct programs *p, uint64_t now_us) { p->env.now_us = now_us; }

void programs_serve(struct programs *p)
{
  int sid;
  unsigned events;
  while (sock_next_ready(p->env.stack, &sid, &events)) {
    struct app *a = sock_user(p->env.stack, sid);
    if (a) a->ops->ready(a, sid, events);
  }
}

bool programs_due(struct programs *p)
{
  bool any = p->told_once;
  if (any) tell_once(p);
  for (size_t i = 0; i < p->n; i++) {
    struct app *a = p->app[i];
    if (!a->due_us || a->due_us > p->env.now_us) continue;
    a->due_us = 0;
    a->ops->timer(a);
    any = true;
  }
  return any;
}

uint64_t programs_deadline(const struct programs *p)
{
  uint64_t first = p->told_once ? 0 : UINT64_MAX;
  for (size_t i = 0; i < p->n; i++)
    if (p->app[i]->due_us && p->app[i]->due_us < first) first = p->app[i]->due_us;
  return first;
}

bool programs_over(const struct programs *p)
{
  bool any = false;
  for (size_t i = 0; i < p->n; i++) {
    if (!p->app[i]->ops->ends) continue;
    if (p->app[i]->end == APP_RUNS) return false;
    any = true;
  }
  return any;
}

static int end_one(const struct programs *p, const struct app *a, uint16_t port)
{
  const char *why = a->end == APP_RUNS ? "was not over yet" : a->why;
  if (why[0] && p->opt->client) fprintf(stderr, "lockwire: %s: %s\n", a->ops->name, why);
  else if (why[0]) fprintf(stderr, "lockwire: %s:%u: %s\n", a->ops->name, port, why);
  return a->end == APP_DONE ? EXIT_GOOD : a->end == APP_DIFFERS ? EXIT_DIFFERENCE : EXIT_USAGE;
}

int programs_end(struct programs *p)
{
  int status = EXIT_GOOD;
  for (size_t i = 0; i < p->n; i++)
    if (p->app[i]->ops->stop && p->app[i]->end == APP_RUNS) p->app[i]->ops->stop(p->app[i]);
  end_edit(p);
  fflush(p->env.say);
  if (p->opt->client && ferror(p->env.say)) {
    fprintf(stderr, "lockwire: %s: standard output cannot be written\n", p->opt->client->name);
    status = EXIT_USAGE;
  }
  for (size_t i = 0; i < p->n; i++) {
    if (!p->app[i]->ops->ends) continue;
    int how = end_one(p, p->app[i], p->opt->apps[i].port);
    if (how == EXIT_DIFFERENCE || status == EXIT_GOOD) status = how;
  }
  return status;
}
