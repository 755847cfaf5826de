// SPDX-License-Identifier: Apache-2.0
#include "base/frames.h"

#include <stdalign.h>
#include <stdlib.h>

bool frame_pool_init(struct frame_pool *p, size_t frames, size_t cap_bytes)
{
  const size_t align = alignof(struct frame);
  size_t stride = (sizeof(struct frame) + cap_bytes + align - 1) / align * align;
  *p = (struct frame_pool){.memory = malloc(frames * stride), .stride = stride, .cap_bytes = cap_bytes, .total = frames};
  return p->memory != NULL;
}

void frame_pool_destroy(struct frame_pool *p)
{
  free(p->memory);
  *p = (struct frame_pool){0};
}

// Buffers that were never used stay untouched, so that a large pool costs memory only when it is needed.
struct frame *frame_take(struct frame_pool *p)
{
  struct frame *f = p->free;
  if (f)
    p->free = f->next;
  else if (p->untouched < p->total)
    f = (struct frame *)(void *)(p->memory + p->stride * p->untouched++);
  if (!f) return NULL;
  *f = (struct frame){0};
  p->used++;
  return f;
}

void frame_give(struct frame_pool *p, struct frame *f)
{
  f->next = p->free;
  p->free = f;
  p->used--;
}

void frame_push(struct frame_list *l, struct frame *f)
{
  f->next = NULL;
  if (l->last)
    l->last->next = f;
  else
    l->first = f;
  l->last = f;
  l->n++;
}

struct frame *frame_pop(struct frame_list *l)
{
  struct frame *f = l->first;
  if (!f) return NULL;
  l->first = f->next;
  if (!l->first) l->last = NULL;
  l->n--;
  return f;
}
