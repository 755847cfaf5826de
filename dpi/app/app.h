// SPDX-License-Identifier: Apache-2.0
// A program that serves a port, or that is the client of one elsewhere. The same program runs on either engine: it sees sockets and nothing below them.
#ifndef LW_APP_H
#define LW_APP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sock/sock.h"

enum { APP_ERR_LEN = 160 };

struct app;

struct app_opt {
  const char *key, *val;  // val "" when the option stands without `=`
};

struct app_ops {
  const char *name;
  const char *summary;  // one line for --help, with its options
  bool ends;            // a client: ends by itself, and the run with it when no other client goes on
  // Opens and listens on `port` (a client: connects from it), or returns NULL with one line in err (unknown option, bad value, port in use).
  struct app *(*open)(struct stack *s, uint16_t port, const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN]);
  // A socket of this program became ready (see sock_next_ready). Sockets carry the app as their user pointer.
  void (*ready)(struct app *a, int sid, unsigned events);
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
  struct stack *stack;
  enum app_end end;          // the program sets it, with one line in why
  char why[APP_ERR_LEN];
  struct app_common common;
};

// NULL-terminated table of all programs.
extern const struct app_ops *const app_table[];
const struct app_ops *app_find(const char *name);
#endif
