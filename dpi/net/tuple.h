// SPDX-License-Identifier: Apache-2.0
// The 4-tuple that names a TCP connection, and a hash map from it to whatever embeds a tuple_node. The hash is keyed,
// so a stranger cannot choose tuples that collide.
#ifndef LW_TUPLE_H
#define LW_TUPLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Host order; `local` is ours.
struct tuple {
  uint32_t local_ip, remote_ip;
  uint16_t local_port, remote_port;
};

// The first member of what is mapped, so that a node's address is its owner's.
struct tuple_node {
  struct tuple tuple;
  struct tuple_node *next;   // in its bucket
  bool linked;
};

struct tuple_map {
  struct tuple_node **bucket;
  size_t mask;               // number of buckets - 1
  uint8_t key[16];
};

bool tuple_map_init(struct tuple_map *m, size_t expected, const uint8_t key[static 16]);   // false: no memory
void tuple_map_free(struct tuple_map *m);                                                  // the nodes are their owners'
struct tuple_node *tuple_map_find(const struct tuple_map *m, const struct tuple *t);       // NULL when there is none
void tuple_map_insert(struct tuple_map *m, struct tuple_node *n);                          // its tuple must not be there yet
void tuple_map_remove(struct tuple_map *m, struct tuple_node *n);                          // nothing when it is not linked
#endif
