// SPDX-License-Identifier: Apache-2.0
// The bytes that are in flight, kept to see that a retransmission carries the same. A pool of pages of 16 KiB for all flows; a
// flow's page is found by its sequence number, so that one flow keeps at most 4 MiB.
#ifndef LW_MONITOR_STORE_H
#define LW_MONITOR_STORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"

enum { STORE_SLOTS = 256 };

struct store;

// One direction of a flow. Zeroed: holds nothing.
struct stored {
  uint32_t page[STORE_SLOTS];   // number in the pool + 1; 0: none
};

struct store_result {
  uint64_t compared, unstored;  // bytes
  bool differs;
  struct seq at;                // the first byte that differs
  uint8_t was, is;
};

struct store *store_open(size_t bytes);     // NULL: out of memory
void store_close(struct store *s);          // NULL is allowed
// Bytes sent at `from`: those that are kept already are compared, the others kept.
struct store_result store_put(struct store *s, struct stored *d, struct seq from, const uint8_t *p, uint32_t len);
// Bytes up to `to` are needed no longer; they begin at or behind `from`.
void store_forget(struct store *s, struct stored *d, struct seq from, struct seq to);
void store_clear(struct store *s, struct stored *d);
#endif
