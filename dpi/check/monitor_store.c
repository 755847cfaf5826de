// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_store.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 16384 };

struct page {
  uint32_t number;              // sequence number / PAGE_BYTES of what it holds
  uint32_t next_free;           // in the pool + 1; 0: none
  uint8_t kept[PAGE_BYTES / 8]; // one bit a byte
  uint8_t byte[PAGE_BYTES];
};

struct store {
  struct page *pool;
  size_t n, used;               // pages from `used` on were never taken
  uint32_t free;                // list of those given back
};

struct store *store_open(size_t bytes)
{
  struct store *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->n = bytes / sizeof s->pool[0] + 1;
  s->pool = calloc(s->n, sizeof s->pool[0]);
  if (s->pool) return s;
  free(s);
  return NULL;
}

void store_close(struct store *s)
{
  if (!s) return;
  free(s->pool);
  free(s);
}

static uint32_t take(struct store *s)
{
  uint32_t got = s->free;
  if (got) s->free = s->pool[got - 1].next_free;
  else if (s->used < s->n) got = (uint32_t)++s->used;
  return got;
}

static void give_back(struct store *s, uint32_t *page)
{
  if (!*page) return;
  s->pool[*page - 1].next_free = s->free;
  s->free = *page;
  *page = 0;
}

// The page of a sequence number; NULL when its place holds another or there is none left.
static struct page *page_of(struct store *s, struct stored *d, struct seq at)
{
  uint32_t number = at.v / PAGE_BYTES, *slot = &d->page[number % STORE_SLOTS];
  if (!*slot) {
    *slot = take(s);
    if (!*slot) return NULL;
    s->pool[*slot - 1].number = number;
    memset(s->pool[*slot - 1].kept, 0, PAGE_BYTES / 8);
  }
  struct page *p = &s->pool[*slot - 1];
  return p->number == number ? p : NULL;
}

static void put_byte(struct page *p, struct seq at, uint8_t is, struct store_result *r)
{
  uint32_t i = at.v % PAGE_BYTES;
  uint8_t bit = (uint8_t)(1 << i % 8);
  if (!(p->kept[i / 8] & bit)) {
    p->kept[i / 8] |= bit;
    p->byte[i] = is;
    return;
  }
  r->compared++;
  if (p->byte[i] == is || r->differs) return;
  r->differs = true;
  r->at = at;
  r->was = p->byte[i];
  r->is = is;
}

struct store_result store_put(struct store *s, struct stored *d, struct seq from, const uint8_t *p, uint32_t len)
{
  struct store_result r = {0};
  while (len) {
    uint32_t n = PAGE_BYTES - from.v % PAGE_BYTES;
    if (n > len) n = len;
    struct page *page = page_of(s, d, from);
    if (!page) r.unstored += n;
    for (uint32_t i = 0; page && i < n; i++) put_byte(page, seq_add(from, i), p[i], &r);
    from = seq_add(from, n);
    p += n;
    len -= n;
  }
  return r;
}

void store_forget(struct store *s, struct stored *d, struct seq from, struct seq to)
{
  uint32_t first = from.v / PAGE_BYTES, pages = (to.v / PAGE_BYTES - first) % (UINT32_MAX / PAGE_BYTES + 1);
  if (pages > STORE_SLOTS) pages = STORE_SLOTS;
  for (uint32_t i = 0; i < pages; i++) {
    uint32_t *slot = &d->page[(first + i) % STORE_SLOTS];
    if (*slot && seq_leq(seq_of((s->pool[*slot - 1].number + 1) * PAGE_BYTES), to)) give_back(s, slot);
  }
}

void store_clear(struct store *s, struct stored *d)
{
  for (unsigned i = 0; i < STORE_SLOTS; i++) give_back(s, &d->page[i]);
}
