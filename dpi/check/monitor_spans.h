// SPDX-License-Identifier: Apache-2.0
// What of a stream may have arrived at an endpoint: everything before `next`, and ranges behind it. When there are more ranges
// than room, the two nearest become one with the gap between them: the answer is then "may have" for a little more.
#ifndef LW_MONITOR_SPANS_H
#define LW_MONITOR_SPANS_H
#include <stdbool.h>
#include <stdint.h>

#include "base/seq.h"

enum { SPANS_MAX = 96 };

struct span {
  struct seq from, to;      // [from, to)
};
struct spans {
  uint16_t n;
  struct span s[SPANS_MAX]; // in order, neither overlapping nor touching; all within 2^31
};

void spans_add(struct spans *p, struct seq from, struct seq to);                // from < to
bool spans_cover(const struct spans *p, struct seq from, struct seq to);        // every byte of [from, to)
void spans_forget(struct spans *p, struct seq before);                          // those that end at or before it

struct arrived {
  struct seq next;          // one behind the longest beginning that arrived whole
  struct spans ahead;       // behind that
  struct spans twice;       // arrived twice or more
};

void arrived_begin(struct arrived *a, struct seq next);
// [from, to) arrives. What begins more than 2^30 ahead of `next` is not taken, no window reaches there (RFC 7323 section 2.3); nor
// what begins more than 2^29 behind it.
void arrived_add(struct arrived *a, struct seq from, struct seq to);
bool arrived_has(const struct arrived *a, struct seq from, struct seq to);      // every byte of [from, to)
bool arrived_reaches(const struct arrived *a, struct seq from);                  // near enough to be remembered
bool arrived_twice(const struct arrived *a, struct seq from, struct seq to);
#endif
