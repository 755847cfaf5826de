// SPDX-License-Identifier: Apache-2.0
// The database of kv: byte strings to byte strings, a chained hash table under a memory budget. Any bytes are allowed in
// keys and values. Values are counted references, so that a long reply can be sent while the key is changed or deleted.
#ifndef LW_KV_DB_H
#define LW_KV_DB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/kv_mem.h"

enum { KV_VALUE_MAX = 512 * 1024 * 1024 };  // as in redis

// Never changed while refs > 1.
struct kv_value {
  uint32_t refs;
  size_t len, cap;  // bytes of data used, allocated
  uint8_t data[];
};

// A new value with one reference; NULL when over budget.
struct kv_value *kv_value_new(struct kv_mem *m, const void *data, size_t len);
struct kv_value *kv_value_ref(struct kv_value *v);
// Gives back one reference, freeing at the last; NULL is allowed.
void kv_value_unref(struct kv_mem *m, struct kv_value *v);

struct kv_db;

// hash_key: secret of the hash function, so that clients cannot make keys collide. The budget is borrowed. NULL: memory.
struct kv_db *kv_db_open(struct kv_mem *m, const uint8_t hash_key[static 16]);
void kv_db_close(struct kv_db *db);

size_t kv_db_count(const struct kv_db *db);
// The value, still owned by the database (kv_value_ref to keep it), or NULL.
struct kv_value *kv_db_get(const struct kv_db *db, const void *key, size_t key_len);
// False when over budget: then nothing changed.
bool kv_db_set(struct kv_db *db, const void *key, size_t key_len, const void *data, size_t len);
// Appends to the value, which begins empty; *new_len is its length after. False when over budget: nothing changed.
bool kv_db_append(struct kv_db *db, const void *key, size_t key_len, const void *data, size_t len, size_t *new_len);
// True when there was such a key.
bool kv_db_del(struct kv_db *db, const void *key, size_t key_len);
void kv_db_clear(struct kv_db *db);
// What setting a key that is not there takes of the budget, apart from the growth of the table, which may be refused.
size_t kv_db_cost(size_t key_len, size_t len);
// So much of the budget is for what is set next: the table does not grow into it. 0 ends that.
void kv_db_reserve(struct kv_db *db, size_t bytes);
#endif
