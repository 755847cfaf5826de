// SPDX-License-Identifier: Apache-2.0
// A run: the model, the stack, the programs and the wire, turned by one loop.
#ifndef LW_RUN_H
#define LW_RUN_H
#include "options.h"

enum { EXIT_GOOD = 0, EXIT_DIFFERENCE = 1, EXIT_USAGE = 2 };

// Runs until a signal or the time is up, prints the summary, returns the exit status.
int run_main(const struct run_options *o);
#endif
