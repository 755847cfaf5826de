// SPDX-License-Identifier: Apache-2.0
// What model.c and tasks.c share of the simulation in vvp: whose glue the tasks work on, and what is wrong with the NIC.
#ifndef LW_BRIDGE_H
#define LW_BRIDGE_H
#include <stdbool.h>
#include <stdint.h>

#include "glue/glue.h"

struct bridge {
  struct glue *glue;         // of the model that runs; NULL: none, and nothing is called
  bool check;                // retired events are reported, too; they are looked at either way
  bool fault;                // there was one in this process: its exit status is 1
  uint64_t cycle;            // of the clock, after reset, the first is 1
};

enum { NO_FLOW = -1 };

// Something is wrong with the NIC, a bit that counts is unknown or an assertion does not hold: the first is put down in the glue, which
// ends the run, and from then on nothing reaches C.
__attribute__((format(printf, 3, 4))) void bridge_fault(struct bridge *b, int flow, const char *fmt, ...);
// Nothing reaches C: there is no model, or it is at fault.
bool bridge_silent(const struct bridge *b);

void tasks_register(struct bridge *b);
#endif
