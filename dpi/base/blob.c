// SPDX-License-Identifier: Apache-2.0
#include "base/blob.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 512 };   // of sparse bytes: one byte says whether it is all zero

void blob_free(struct blob *b)
{
  free(b->buf);
  *b = (struct blob){0};
}

void blob_clear(struct blob *b)
{
  b->n = b->at = 0;
  b->bad = false;
}

void *blob_room(struct blob *b, size_t n)
{
  if (b->bad) return NULL;
  if (!b->buf || b->cap - b->n < n) {
    size_t cap = b->cap ? b->cap : 65536;
    while (cap - b->n < n) cap *= 2;
    uint8_t *buf = realloc(b->buf, cap);
    b->bad = !buf;
    if (!buf) return NULL;
    b->buf = buf;
    b->cap = cap;
  }
  b->n += n;
  return b->buf + b->n - n;
}

void blob_put(struct blob *b, const void *p, size_t n)
{
  void *to = blob_room(b, n);
  if (to && n) memcpy(to, p, n);
}

bool blob_get(struct blob *b, void *p, size_t n)
{
  if (b->bad || b->n - b->at < n) {
    b->bad = true;
    return false;
  }
  if (n) memcpy(p, b->buf + b->at, n);
  b->at += n;
  return true;
}

void blob_put_sparse(struct blob *b, const void *p, size_t n)
{
  static const uint8_t zeros[PIECE];
  for (const uint8_t *q = p; n;) {
    size_t k = n < PIECE ? n : PIECE;
    uint8_t any = memcmp(q, zeros, k) != 0;
    blob_put(b, &any, 1);
    if (any) blob_put(b, q, k);
    q += k;
    n -= k;
  }
}

bool blob_get_sparse(struct blob *b, void *p, size_t n)
{
  for (uint8_t *q = p; n;) {
    size_t k = n < PIECE ? n : PIECE;
    uint8_t any;
    if (!blob_get(b, &any, 1)) return false;
    if (!any) memset(q, 0, k);
    else if (!blob_get(b, q, k)) return false;
    q += k;
    n -= k;
  }
  return true;
}
