// SPDX-License-Identifier: Apache-2.0
// What a program is told on the command line: `NAME:PORT[,opt[=val]]...`. Text to struct app_spec for the command line,
// struct app_opt to numbers for the programs. Every error is one clear line that names the program and the option.
#ifndef LW_APP_OPT_H
#define LW_APP_OPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/app.h"

enum { APP_SPEC_LEN = 256, APP_OPTS_MAX = 16 };

// One `--app` argument, taken apart. The strings live in `text`.
struct app_spec {
  const struct app_ops *ops;
  uint16_t port;
  struct app_opt opts[APP_OPTS_MAX];
  size_t n_opts;
  char text[APP_SPEC_LEN];
};

// False with one line in err: no such program, no port, a port outside 1..65535, too many or too long options.
bool app_spec_parse(struct app_spec *spec, const char *arg, char err[static APP_ERR_LEN]);

// One option that a program knows: where its value goes, and what is allowed.
struct app_opt_desc {
  const char *key;
  enum { APP_OPT_FLAG, APP_OPT_NUMBER, APP_OPT_BYTES } kind;  // BYTES takes a suffix k, M or G (powers of 1024)
  uint64_t min, max;                                          // of the number; a flag ignores them
  uint64_t *dst;                                              // a flag stores 1
};

// Stores each option by the table. False with one line in err: unknown or repeated key, missing or superfluous value,
// no number, out of range.
bool app_opts_apply(const char *app, const struct app_opt_desc *table, size_t n_table, const struct app_opt *opts,
                    size_t n_opts, char err[static APP_ERR_LEN]);
#endif
