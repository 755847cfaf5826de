// SPDX-License-Identifier: Apache-2.0
#include "base/recq.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rec {
  uint32_t tag, len;
};

static size_t padded(size_t len) { return (len + 7) & ~(size_t)7; }

void recq_free(struct recq *q)
{
  free(q->buf);
  *q = (struct recq){0};
}

// Room for `more` bytes behind what is there: first by moving down, then by growing.
static void reserve(struct recq *q, size_t more)
{
  size_t end = q->tail + (q->writing ? sizeof(struct rec) + q->open_len : 0);
  if (end + more <= q->cap) return;
  if (q->head > q->cap / 2) {
    memmove(q->buf, q->buf + q->head, end - q->head);
    q->tail -= q->head;
    end -= q->head;
    q->head = 0;
    if (end + more <= q->cap) return;
  }
  size_t cap = q->cap ? q->cap * 2 : 4096;
  while (cap < end + more) cap *= 2;
  uint8_t *buf = realloc(q->buf, cap);
  if (!buf) {
    fputs("lockwire: out of memory\n", stderr);
    abort();
  }
  q->buf = buf;
  q->cap = cap;
}

void recq_begin(struct recq *q, uint32_t tag)
{
  assert(!q->writing);
  reserve(q, sizeof(struct rec));
  struct rec r = {tag, 0};
  memcpy(q->buf + q->tail, &r, sizeof r);
  q->writing = true;
  q->open_len = 0;
}

void recq_append(struct recq *q, const void *data, size_t len)
{
  assert(q->writing);
  reserve(q, padded(len) + 8);
  if (len) memcpy(q->buf + q->tail + sizeof(struct rec) + q->open_len, data, len);
  q->open_len += len;
}

void recq_commit(struct recq *q)
{
  assert(q->writing);
  uint32_t len = (uint32_t)q->open_len;
  memcpy(q->buf + q->tail + offsetof(struct rec, len), &len, sizeof len);
  q->tail += sizeof(struct rec) + padded(q->open_len);
  q->records++;
  q->writing = false;
}

void recq_put(struct recq *q, uint32_t tag, const void *data, size_t len)
{
  recq_begin(q, tag);
  recq_append(q, data, len);
  recq_commit(q);
}

bool recq_peek(const struct recq *q, uint32_t *tag, const uint8_t **data, size_t *len)
{
  if (recq_empty(q)) return false;
  struct rec r;
  memcpy(&r, q->buf + q->head, sizeof r);
  *tag = r.tag;
  *data = q->buf + q->head + sizeof r;
  *len = r.len;
  return true;
}

void recq_pop(struct recq *q)
{
  assert(!recq_empty(q));
  struct rec r;
  memcpy(&r, q->buf + q->head, sizeof r);
  q->head += sizeof r + padded(r.len);
  q->records--;
  if (q->head == q->tail && !q->writing) q->head = q->tail = 0;
}

// Record by record: what pads them is not of ours, and would make two equal runs differ.
void recq_save(const struct recq *q, struct blob *b)
{
  uint64_t records = q->records, open_len = q->writing ? q->open_len + 1 : 0;   // 0: none is being written
  struct rec r;
  size_t at = q->head;
  blob_put(b, &records, sizeof records);
  for (; records; records--, at += sizeof r + padded(r.len)) {
    memcpy(&r, q->buf + at, sizeof r);
    blob_put(b, q->buf + at, sizeof r + r.len);
  }
  blob_put(b, &open_len, sizeof open_len);
  if (!open_len) return;
  memcpy(&r, q->buf + at, sizeof r);
  blob_put(b, &r.tag, sizeof r.tag);
  blob_put(b, q->buf + at + sizeof r, q->open_len);
}

// A record's bytes, straight from b, where they must all be.
static bool append_from(struct recq *q, struct blob *b, uint64_t len)
{
  if (b->bad || len > b->n - b->at) return false;
  recq_append(q, b->buf + b->at, (size_t)len);
  b->at += (size_t)len;
  return true;
}

bool recq_load(struct recq *q, struct blob *b)
{
  uint64_t records, open_len;
  struct rec r;
  bool ok = blob_get(b, &records, sizeof records);
  for (; ok && records; records--) {
    if (!blob_get(b, &r, sizeof r)) return false;
    recq_begin(q, r.tag);
    ok = append_from(q, b, r.len);
    recq_commit(q);
  }
  if (!ok || !blob_get(b, &open_len, sizeof open_len)) return false;
  if (!open_len) return true;
  if (!blob_get(b, &r.tag, sizeof r.tag)) return false;
  recq_begin(q, r.tag);
  return append_from(q, b, open_len - 1);
}
