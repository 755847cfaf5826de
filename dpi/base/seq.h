// SPDX-License-Identifier: Apache-2.0
// TCP sequence numbers (RFC 9293 section 3.4): a type of its own, so that `a < b` does not compile.
#ifndef LW_SEQ_H
#define LW_SEQ_H
#include <stdbool.h>
#include <stdint.h>

struct seq {
  uint32_t v;
};

static inline struct seq seq_of(uint32_t v) { return (struct seq){v}; }
static inline struct seq seq_add(struct seq a, uint32_t n) { return (struct seq){a.v + n}; }
// Bytes from b up to a, modulo 2^32; negative when a is before b.
static inline int32_t seq_diff(struct seq a, struct seq b) { return (int32_t)(a.v - b.v); }
static inline bool seq_eq(struct seq a, struct seq b) { return a.v == b.v; }
static inline bool seq_lt(struct seq a, struct seq b) { return seq_diff(a, b) < 0; }
static inline bool seq_leq(struct seq a, struct seq b) { return seq_diff(b, a) >= 0; }
static inline struct seq seq_max(struct seq a, struct seq b) { return seq_lt(a, b) ? b : a; }
static inline struct seq seq_min(struct seq a, struct seq b) { return seq_lt(a, b) ? a : b; }
#endif
