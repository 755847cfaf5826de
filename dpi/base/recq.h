// SPDX-License-Identifier: Apache-2.0
// A queue of byte records: frames, payload packets. One growing buffer, so that the steady state allocates nothing.
// Records are written in pieces (begin, append..., commit) and read whole, in order.
#ifndef LW_RECQ_H
#define LW_RECQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"

struct recq {
  uint8_t *buf;
  size_t cap, head, tail;   // committed records lie in [head, tail)
  size_t open_len;          // bytes of the record being written, behind tail
  size_t records;           // committed
  bool writing;
};

void recq_free(struct recq *q);   // a zeroed struct is an empty queue
// Starts a record with a tag the reader gets back. One record is written at a time.
void recq_begin(struct recq *q, uint32_t tag);
void recq_append(struct recq *q, const void *data, size_t len);   // ends the program when memory is out
void recq_commit(struct recq *q);
void recq_put(struct recq *q, uint32_t tag, const void *data, size_t len);   // all three at once

static inline bool recq_empty(const struct recq *q) { return q->head == q->tail; }
static inline size_t recq_records(const struct recq *q) { return q->records; }
static inline size_t recq_bytes(const struct recq *q) { return q->tail - q->head; }
// The oldest record; false when there is none. *data is valid until the queue is next touched.
bool recq_peek(const struct recq *q, uint32_t *tag, const uint8_t **data, size_t *len);
void recq_pop(struct recq *q);
// All of it, with the record that is being written, and back into an empty queue; false: that is not what b holds.
void recq_save(const struct recq *q, struct blob *b);
bool recq_load(struct recq *q, struct blob *b);
#endif
