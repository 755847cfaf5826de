// SPDX-License-Identifier: Apache-2.0
// What a run did, as a table for people and as JSON for machines, from one list of groups and counters.
#ifndef LW_SUMMARY_H
#define LW_SUMMARY_H
#include <stdint.h>
#include <stdio.h>

#include "model.h"
#include "sock/stack.h"
#include "wire/wire.h"

struct run_figures {
  uint64_t seed, cycles, model_us, elapsed_us;   // model_us: spent evaluating the model
};

void summary_print(FILE *out, const struct run_figures *f, struct model *m, const struct stack *s, const struct wire *w);
// False when the file could not be written in full.
bool summary_json(FILE *out, const struct run_figures *f, struct model *m, const struct stack *s, const struct wire *w);
#endif
