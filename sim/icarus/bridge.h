// SPDX-License-Identifier: Apache-2.0
// What model.c and tasks.c share of the simulation in vvp: whose glue the tasks work on, and the first unknown bit.
#ifndef LW_BRIDGE_H
#define LW_BRIDGE_H
#include <stdbool.h>
#include <stdint.h>

#include "glue/glue.h"

struct bridge {
  struct glue *glue;         // of the model that runs; NULL: none, and nothing is called
  bool check;                // retired events are reported, too; they are looked at either way
  bool unknown;              // in this process some bit was: its exit status is 1
  uint64_t cycle;            // of the clock, after reset, the first is 1
};

enum { NO_FLOW = -1 };

// A bit that must not be is unknown: the first is put down in the glue, which ends the run, and from then on nothing reaches C.
// `value` has the signal's digits, or is NULL.
void bridge_unknown(struct bridge *b, int flow, const char *signal, const char *value);
// Nothing reaches C: there is no model, or it has had an unknown bit.
bool bridge_silent(const struct bridge *b);

void tasks_register(struct bridge *b);
#endif
