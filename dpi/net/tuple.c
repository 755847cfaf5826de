// SPDX-License-Identifier: Apache-2.0
#include "net/tuple.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"

bool tuple_map_init(struct tuple_map *m, size_t expected, const uint8_t key[static 16])
{
  size_t n = 16;
  while (n < 2 * expected) n *= 2;
  *m = (struct tuple_map){.bucket = calloc(n, sizeof m->bucket[0]), .mask = n - 1};
  memcpy(m->key, key, sizeof m->key);
  return m->bucket != NULL;
}

void tuple_map_free(struct tuple_map *m)
{
  free(m->bucket);
  m->bucket = NULL;
}

static struct tuple_node **bucket_of(const struct tuple_map *m, const struct tuple *t)
{
  uint8_t bytes[12];
  put_be32(bytes, t->local_ip);
  put_be32(bytes + 4, t->remote_ip);
  put_be16(bytes + 8, t->local_port);
  put_be16(bytes + 10, t->remote_port);
  return &m->bucket[(size_t)siphash24(m->key, bytes, sizeof bytes) & m->mask];
}

static bool same(const struct tuple *a, const struct tuple *b)
{
  return a->remote_port == b->remote_port && a->remote_ip == b->remote_ip && a->local_port == b->local_port &&
         a->local_ip == b->local_ip;
}

struct tuple_node *tuple_map_find(const struct tuple_map *m, const struct tuple *t)
{
  struct tuple_node *n = *bucket_of(m, t);
  while (n && !same(&n->tuple, t)) n = n->next;
  return n;
}

void tuple_map_insert(struct tuple_map *m, struct tuple_node *n)
{
  assert(!n->linked);
  struct tuple_node **b = bucket_of(m, &n->tuple);
  n->next = *b;
  n->linked = true;
  *b = n;
}

void tuple_map_remove(struct tuple_map *m, struct tuple_node *n)
{
  if (!n->linked) return;
  struct tuple_node **at = bucket_of(m, &n->tuple);
  while (*at != n) at = &(*at)->next;
  *at = n->next;
  n->linked = false;
}
