// SPDX-License-Identifier: Apache-2.0
// One budget of bytes for everything of a kv program that a client can make grow: keys, values, requests under way.
// Sizes are the caller's to remember, so that nothing is stored twice. Each piece is charged with the heap's overhead.
#ifndef LW_KV_MEM_H
#define LW_KV_MEM_H
#include <stddef.h>
#include <stdlib.h>

enum { KV_MEM_OVERHEAD = 16 };

struct kv_mem {
  size_t used, max;
};

static inline size_t kv_mem_left(const struct kv_mem *m) { return m->used < m->max ? m->max - m->used : 0; }

// NULL when the budget (or the machine) has no more; then nothing changed.
static inline void *kv_mem_alloc(struct kv_mem *m, size_t n)
{
  size_t left = kv_mem_left(m);
  if (left < KV_MEM_OVERHEAD || n > left - KV_MEM_OVERHEAD) return NULL;
  void *p = malloc(n);
  if (p) m->used += n + KV_MEM_OVERHEAD;
  return p;
}

// p may be NULL with old 0. NULL as kv_mem_alloc: then p is still whole.
static inline void *kv_mem_resize(struct kv_mem *m, void *p, size_t old, size_t n)
{
  if (!p) return kv_mem_alloc(m, n);
  if (n > old && n - old > kv_mem_left(m)) return NULL;
  void *q = realloc(p, n);
  if (q) m->used = m->used - old + n;
  return q;
}

static inline void kv_mem_free(struct kv_mem *m, void *p, size_t n)
{
  if (!p) return;
  free(p);
  m->used -= n + KV_MEM_OVERHEAD;
}
#endif
