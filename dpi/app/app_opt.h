// SPDX-License-Identifier: Apache-2.0
// What a program's options mean: struct app_opt, as the command line splits them, to numbers, by a table. Every error is
// one clear line that names the program and the option.
#ifndef LW_APP_OPT_H
#define LW_APP_OPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/app.h"

// One option that a program knows: where its value goes, and what is allowed.
struct app_opt_desc {
  const char *key;
  // BYTES takes a suffix k, M or G (powers of 1024); ADDR is as 10.0.0.1:80, stored as ip << 16 | port, IP as 10.0.0.1, stored
  // the same way; TEXT is not empty.
  enum { APP_OPT_FLAG, APP_OPT_NUMBER, APP_OPT_BYTES, APP_OPT_ADDR, APP_OPT_IP, APP_OPT_TEXT } kind;
  uint64_t min, max;                                          // of the number; others ignore them
  void *dst;                                                  // uint64_t, a flag stores 1; of TEXT const char *, borrowed
};

// Stores each option by the table, and those of struct app_common, which are all 0 when not given. False with one line in err:
// unknown or repeated key, missing or superfluous value, no number, out of range.
bool app_opts_apply(const char *app, struct app_common *common, const struct app_opt_desc *table, size_t n_table,
                    const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN]);
// 10.0.0.1:80 as ip << 16 | port; false: it is not that.
bool app_parse_addr(const char *text, uint64_t *out);
// Sets a program's common options on a socket of its own (accepted ones have them from their listener). False with one line in
// err when the engine cannot.
bool app_tune(const struct app *a, int sid, char err[static APP_ERR_LEN]);
#endif
