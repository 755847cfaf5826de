// SPDX-License-Identifier: Apache-2.0
// What a run did, as a table for people and as JSON for machines, from one list of groups and counters.
#ifndef LW_SUMMARY_H
#define LW_SUMMARY_H
#include <stdint.h>
#include <stdio.h>

#include "model.h"
#include "sock/stack.h"
#include "tcp/ref.h"
#include "wire/wire.h"

struct run_figures {
  uint64_t seed, cycles, model_us, elapsed_us;   // model_us: spent evaluating the model
};

// What it is read from; the model or the reference is NULL.
struct summary_of {
  struct model *model;
  const struct ref *ref;
  const struct stack *stack;
  const struct wire *wire;
  const struct wire *fault;   // the fault wire inside it; NULL for none
};

uint64_t summary_payload(struct model *m, const struct ref *r);   // payload bytes through the rings, both ways
void summary_print(FILE *out, const struct run_figures *f, const struct summary_of *of);
// What happened that is counted by a name, and how often, a line each: classes of segments, drops, the stack's. wire may be NULL.
void summary_events(FILE *out, const struct summary_of *of);
void summary_counters(FILE *out, struct model *m);   // those of the NIC alone, as one JSON object
// False when the file could not be written in full.
bool summary_json(FILE *out, const struct run_figures *f, const struct summary_of *of);
#endif
