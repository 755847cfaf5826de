// SPDX-License-Identifier: Apache-2.0
// Frames in fixed buffers: a pool of so many, taken and given back without allocation, and first-in-first-out lists.
#ifndef LW_FRAMES_H
#define LW_FRAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
  struct frame *next;
  size_t len;
  uint8_t bytes[];          // frame_pool.cap_bytes of them
};

struct frame_pool {
  uint8_t *memory;
  struct frame *free;       // given back
  size_t stride, cap_bytes, untouched, total, used;
};

struct frame_list {
  struct frame *first, *last;
  size_t n;
};

bool frame_pool_init(struct frame_pool *p, size_t frames, size_t cap_bytes);   // false: no memory
void frame_pool_destroy(struct frame_pool *p);
struct frame *frame_take(struct frame_pool *p);                                // NULL when all are in use; len is 0
void frame_give(struct frame_pool *p, struct frame *f);
static inline size_t frame_pool_left(const struct frame_pool *p) { return p->total - p->used; }

void frame_push(struct frame_list *l, struct frame *f);
struct frame *frame_pop(struct frame_list *l);                                 // NULL when empty
#endif
