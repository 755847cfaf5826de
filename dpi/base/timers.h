// SPDX-License-Identifier: Apache-2.0
// Deadlines in a binary heap. A timer lives inside what it belongs to; setting, moving and cancelling cost O(log n),
// the first deadline O(1). No allocation after timers_init.
#ifndef LW_TIMERS_H
#define LW_TIMERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Zero-initialised: not running.
struct timer {
  uint64_t deadline_us;
  size_t place;             // in the heap, counted from 1; 0: not running
};

struct timers {
  struct timer **heap;      // heap[0] is the earliest
  size_t n, cap;
};

bool timers_init(struct timers *t, size_t cap);                              // at most cap timers run at once; false: no memory
void timers_free(struct timers *t);
void timers_set(struct timers *t, struct timer *x, uint64_t deadline_us);    // starts x, or moves it when it runs
void timers_cancel(struct timers *t, struct timer *x);                       // nothing when x does not run
struct timer *timers_first(const struct timers *t);                          // the earliest, NULL when none runs
uint64_t timers_deadline(const struct timers *t);                            // UINT64_MAX when none runs
#endif
