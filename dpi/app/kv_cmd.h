// SPDX-License-Identifier: Apache-2.0
// The commands of the key-value store: one table of {name, arity, function} serves dispatch, arity errors and COMMAND.
#ifndef LW_KV_CMD_H
#define LW_KV_CMD_H
#include <stdbool.h>
#include <stddef.h>

#include "app/kv_session.h"

struct kv_command {
  const char *name;     // lower case
  int arity;            // with the name; negative: at least so many
  // Answers the request in s->in.req, called when one reply fits (kv_out_ready). False: call again when the next one
  // fits; s->step is 0 at first and the command's own in between.
  bool (*run)(struct kv_session *s);
  unsigned flags;       // KV_F_*
  int first_key, last_key, key_step;  // as COMMAND reports them
  const char *summary;
};

enum { KV_F_WRITE = 1, KV_F_FAST = 2 };

// The command of the whole request in s->in.req; NULL after an -ERR (unknown, wrong arity).
const struct kv_command *kv_command_of(struct kv_session *s);
#endif
