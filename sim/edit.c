// SPDX-License-Identifier: Apache-2.0
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 500 };

struct editor {
  struct edit base;            // first
  const char *history_file;
  char prompt[32];
  int line_fd, said_fd;        // the other ends of in_fd and say
  bool over;                   // nothing more will be said
  bool may_type;               // the prompt is due
  EditLine *el;
  History *history;
  FILE *in, *out;              // the terminal
  mbstate_t partial;           // of a character
  pthread_t thread;
};

// What was said, to the terminal; a NUL in it asks for the prompt. False: nothing more will come.
static bool show(struct editor *e, bool typing)
{
  char buf[4096];
  ssize_t n = read(e->said_fd, buf, sizeof buf);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return !(e->over = true);
  if (typing) fputs("\r\033[K", e->out);
  for (ssize_t i = 0; i < n; i++) {
    if (buf[i]) fputc(buf[i], e->out);
    else e->may_type = true;
  }
  if (typing) el_set(e->el, EL_REFRESH);
  fflush(e->out);
  return true;
}

// EL_GETCFN: 1 with a character, 0 at the end, -1. While it waits, what is said is shown.
static int get_char(EditLine *el, wchar_t *wide)
{
  struct editor *e;
  char c;
  el_get(el, EL_CLIENTDATA, &e);
  for (;;) {
    struct pollfd fds[2] = {{.fd = fileno(e->in), .events = POLLIN}, {.fd = e->said_fd, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return -1;
    if (fds[1].revents && !show(e, true)) {
      fputc('\n', e->out);
      return -1;
    }
    if (!fds[0].revents) continue;
    ssize_t n = read(fds[0].fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return (int)n;
    size_t used = mbrtowc(wide, &c, 1, &e->partial);
    if (used == (size_t)-2) continue;
    if (used != (size_t)-1) return 1;
    memset(&e->partial, 0, sizeof e->partial);   // no character of this terminal's
  }
}

static char *get_prompt(EditLine *el)
{
  struct editor *e;
  el_get(el, EL_CLIENTDATA, &e);
  return e->prompt;
}

static bool send_line(struct editor *e, const char *line, size_t len)
{
  while (len) {
    ssize_t n = write(e->line_fd, line, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    line += n;
    len -= (size_t)n;
  }
  return true;
}

static void keep(struct editor *e, const char *line)
{
  HistEvent ev;
  if (line[strspn(line, " \t\r\n")] && e->history) history(e->history, &ev, H_ENTER, line);
}

static void *edit(void *arg)
{
  struct editor *e = arg;
  while (!e->over) {
    if (!e->may_type) {
      show(e, false);
      continue;
    }
    e->may_type = false;
    int n = 0;
    el_resize(e->el);
    const char *line = el_gets(e->el, &n);
    if (!line || n <= 0) break;
    keep(e, line);
    if (!send_line(e, line, (size_t)n)) break;
  }
  close(e->line_fd);           // Ctrl-D
  e->line_fd = -1;
  while (!e->over) show(e, false);
  return NULL;
}

static bool open_history(struct editor *e)
{
  HistEvent ev;
  e->history = history_init();
  if (!e->history) return false;
  history(e->history, &ev, H_SETSIZE, HISTORY_LINES);
  history(e->history, &ev, H_SETUNIQUE, 1);
  if (e->history_file) history(e->history, &ev, H_LOAD, e->history_file);   // there may be none yet
  el_set(e->el, EL_HIST, history, e->history);
  return true;
}

static bool open_pipes(struct editor *e)
{
  int line[2], said[2];
  if (pipe2(line, O_CLOEXEC) != 0) return false;
  e->base.in_fd = line[0];
  e->line_fd = line[1];
  fcntl(line[0], F_SETFL, O_NONBLOCK);
  if (pipe2(said, O_CLOEXEC) != 0) return false;
  e->said_fd = said[0];
  e->base.say = fdopen(said[1], "w");
  return e->base.say;
}

static bool open_terminal(struct editor *e)
{
  setlocale(LC_CTYPE, "");     // which bytes are a character
  e->in = fdopen(dup(STDIN_FILENO), "r");
  e->out = fdopen(dup(STDOUT_FILENO), "w");
  e->el = e->in && e->out ? el_init("lockwire", e->in, e->out, stderr) : NULL;
  if (!e->el) return false;
  el_set(e->el, EL_CLIENTDATA, e);
  el_set(e->el, EL_PROMPT, get_prompt);
  el_set(e->el, EL_EDITOR, "emacs");
  el_set(e->el, EL_SIGNAL, 0);
  el_set(e->el, EL_GETCFN, get_char);
  return open_history(e);
}

// Signals are the main thread's.
static bool start(struct editor *e)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  errno = pthread_create(&e->thread, NULL, edit, e);
  int err = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = err;
  return err == 0;
}

static void release(struct editor *e)
{
  HistEvent ev;
  if (e->el) el_end(e->el);
  if (e->history && e->history_file && history(e->history, &ev, H_SAVE, e->history_file) < 0)
    fprintf(stderr, "lockwire: history=%s: cannot be written\n", e->history_file);
  if (e->history) history_end(e->history);
  if (e->in) fclose(e->in);
  if (e->out) fclose(e->out);
  if (e->base.in_fd >= 0) close(e->base.in_fd);
  if (e->said_fd >= 0) close(e->said_fd);
  if (e->line_fd >= 0) close(e->line_fd);
  free(e);
}

struct edit *edit_open(const char *prompt, const char *history_file, char *err, size_t cap)
{
  struct editor *e = calloc(1, sizeof *e);
  if (e) {
    *e = (struct editor){.base.in_fd = -1, .line_fd = -1, .said_fd = -1, .history_file = history_file};
    snprintf(e->prompt, sizeof e->prompt, "%s", prompt);
    if (open_pipes(e) && open_terminal(e) && start(e)) return &e->base;
  }
  snprintf(err, cap, "shell: no line editing here: %s", strerror(errno));
  if (e && e->base.say) fclose(e->base.say);
  if (e) release(e);
  return NULL;
}

void edit_prompt(struct edit *e)
{
  fputc('\0', e->say);
  fflush(e->say);
}

void edit_close(struct edit *base)
{
  struct editor *e = (struct editor *)base;
  if (!e) return;
  fclose(base->say);           // the thread shows what is left, and ends
  pthread_join(e->thread, NULL);
  release(e);
}
