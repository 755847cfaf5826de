// SPDX-License-Identifier: Apache-2.0
// A program that serves a port, or that is the client of one elsewhere. The same program runs on either engine: it sees
// sockets, and what the owner of the loop lends it beside, and nothing below them.
#ifndef LW_APP_H
#define LW_APP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sock/sock.h"

enum { APP_ERR_LEN = 160 };

struct app;

struct app_opt {
  const char *key, *val;  // val "" when the option stands without `=`
};

// What the owner of the loop lends its programs beyond their sockets.
struct app_env {
  const struct app_env_ops *ops;
  struct stack *stack;
  uint64_t now_us;        // of this turn; it counts on evenly
  uint64_t epoch_us;      // the time of day, since 1970, when now_us was 0
  int in_fd, out_fd;      // data from and for whoever started us, non-blocking; -1: there is none
  FILE *say;              // lines for whoever started us
};

struct app_env_ops {
  // From now on fd_ready of `a` is called, at first soon, whenever fd may have become readable or writable. Edge-triggered, as
  // sockets are: the program does what it can until EAGAIN. What never gives EAGAIN, a file, is told once. fd is
  // non-blocking, and the program's to close. False with errno: it cannot be watched, or is already.
  bool (*watch)(struct app_env *e, struct app *a, int fd);
  void (*unwatch)(struct app_env *e, int fd);   // before it is closed; nothing when it is not watched
  // When somebody sits at a terminal, lines come edited from in_fd from now on, and `say` goes round what is being typed. Their history
  // is kept in a file, unless that is NULL. False when nobody does; or with a line in err, which is empty otherwise.
  bool (*edit)(struct app_env *e, const char *prompt, const char *history, char err[static APP_ERR_LEN]);
  void (*prompt)(struct app_env *e);            // the line is done with, the next may be typed
  void (*inside)(struct app_env *e, const struct sock_info *i, FILE *out);   // what carries a connection, in lines
};

struct app_ops {
  const char *name;
  const char *summary;  // one line for --help, with its options
  bool ends;            // a client: ends by itself, and the run with it when no other client goes on
  const char *usage;    // a client's: the arguments of `lockwire NAME`, the first of them is its option `to`,
  bool no_target;       // ... unless it has none
  // Opens and listens on `port` (a client: connects from it, 0: from any), or returns NULL with one line in err (unknown option, bad
  // value, port in use). The options' texts outlive the program.
  struct app *(*open)(struct app_env *e, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN]);
  // A socket of this program became ready (see sock_next_ready). Sockets carry the app as their user pointer.
  void (*ready)(struct app *a, int sid, unsigned events);
  void (*fd_ready)(struct app *a, int fd);   // see watch; NULL: it watches none
  void (*timer)(struct app *a);              // its due_us has come, and is 0 again; NULL: it has none
  void (*stop)(struct app *a);               // a client is to end before it is through: it may still say how far it came; or NULL
  void (*close)(struct app *a);  // closes what is open; NULL is allowed
};

// How a client ended. DIFFERS: it got something else than it should have; FAILED: no connection, or it broke.
enum app_end { APP_RUNS, APP_DONE, APP_DIFFERS, APP_FAILED };

// Options that every program takes, beside its own.
struct app_common {
  uint64_t user_timeout_s;  // user-timeout=SECONDS, RFC 9293 section 3.9.1; 0: the engine's own limit
};
extern const char app_common_help[];  // a line for --help

// Every program embeds this first.
struct app {
  const struct app_ops *ops;
  struct app_env *env;
  struct stack *stack;       // env's
  uint64_t due_us;           // when timer is to be called; 0: not
  enum app_end end;          // the program sets it, with one line in why, or with none when there is nothing to say
  char why[APP_ERR_LEN];
  struct app_common common;
};

// NULL-terminated table of all programs.
extern const struct app_ops *const app_table[];
const struct app_ops *app_find(const char *name);
#endif
