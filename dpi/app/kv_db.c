// SPDX-License-Identifier: Apache-2.0
#include "app/kv_db.h"

#include <assert.h>
#include <string.h>

#include "base/siphash.h"

enum { FIRST_BUCKETS = 1024, APPEND_SLACK_MAX = 1024 * 1024 };

struct entry {
  struct entry *next;
  uint64_t hash;
  struct kv_value *val;
  size_t key_len;
  uint8_t key[];
};

struct kv_db {
  struct kv_mem *mem;
  uint8_t hash_key[16];
  size_t count;
  size_t reserved;   // see kv_db_reserve
  size_t n_buckets;  // power of two
  struct entry **bucket;
};

// --- values ---

struct kv_value *kv_value_new(struct kv_mem *m, const void *data, size_t len)
{
  struct kv_value *v = kv_mem_alloc(m, sizeof *v + len);
  if (!v) return NULL;
  v->refs = 1;
  v->len = v->cap = len;
  if (len) memcpy(v->data, data, len);
  return v;
}

struct kv_value *kv_value_ref(struct kv_value *v)
{
  assert(v->refs < UINT32_MAX);
  v->refs++;
  return v;
}

void kv_value_unref(struct kv_mem *m, struct kv_value *v)
{
  if (v && --v->refs == 0) kv_mem_free(m, v, sizeof *v + v->cap);
}

// --- the table ---

static uint64_t hash_of(const struct kv_db *db, const void *key, size_t len)
{
  return siphash24(db->hash_key, key, len);
}

static struct entry **bucket_of(const struct kv_db *db, uint64_t hash)
{
  return &db->bucket[hash & (db->n_buckets - 1)];
}

// The link that points at the key's entry, or at the chain's end.
static struct entry **find(const struct kv_db *db, uint64_t hash, const void *key, size_t key_len)
{
  struct entry **at = bucket_of(db, hash);
  while (*at) {
    const struct entry *e = *at;
    if (e->hash == hash && e->key_len == key_len && (key_len == 0 || memcmp(e->key, key, key_len) == 0)) break;
    at = &(*at)->next;
  }
  return at;
}

struct kv_db *kv_db_open(struct kv_mem *m, const uint8_t hash_key[static 16])
{
  struct kv_db *db = calloc(1, sizeof *db);
  if (!db) return NULL;
  db->mem = m;
  memcpy(db->hash_key, hash_key, sizeof db->hash_key);
  db->n_buckets = FIRST_BUCKETS;
  db->bucket = calloc(db->n_buckets, sizeof *db->bucket);
  if (!db->bucket) {
    free(db);
    return NULL;
  }
  return db;
}

static size_t entry_bytes(size_t key_len) { return sizeof(struct entry) + key_len; }

static void free_entry(struct kv_db *db, struct entry *e)
{
  kv_value_unref(db->mem, e->val);
  kv_mem_free(db->mem, e, entry_bytes(e->key_len));
}

void kv_db_clear(struct kv_db *db)
{
  for (size_t i = 0; i < db->n_buckets; i++)
    while (db->bucket[i]) {
      struct entry *e = db->bucket[i];
      db->bucket[i] = e->next;
      free_entry(db, e);
    }
  db->count = 0;
}

void kv_db_close(struct kv_db *db)
{
  if (!db) return;
  kv_db_clear(db);
  if (db->n_buckets > FIRST_BUCKETS)
    kv_mem_free(db->mem, db->bucket, db->n_buckets * sizeof *db->bucket);
  else
    free(db->bucket);
  free(db);
}

// Doubles the table when it is full. Over budget it stays as it is: chains get longer, nothing fails. The first table is
// not charged, so that an empty database owes nothing.
static void grow(struct kv_db *db)
{
  if (db->count < db->n_buckets) return;
  size_t old_n = db->n_buckets, new_n = old_n * 2, left = kv_mem_left(db->mem);
  if (db->reserved && (left < db->reserved || left - db->reserved < new_n * sizeof(struct entry *) + KV_MEM_OVERHEAD)) return;
  struct entry **old = db->bucket, **bucket = kv_mem_alloc(db->mem, new_n * sizeof *bucket);
  if (!bucket) return;
  for (size_t i = 0; i < new_n; i++) bucket[i] = NULL;
  db->bucket = bucket;
  db->n_buckets = new_n;
  for (size_t i = 0; i < old_n; i++)
    while (old[i]) {
      struct entry *e = old[i], **to = bucket_of(db, e->hash);
      old[i] = e->next;
      e->next = *to;
      *to = e;
    }
  if (old_n > FIRST_BUCKETS)
    kv_mem_free(db->mem, old, old_n * sizeof *old);
  else
    free(old);
}

size_t kv_db_count(const struct kv_db *db) { return db->count; }

struct kv_value *kv_db_get(const struct kv_db *db, const void *key, size_t key_len)
{
  struct entry *e = *find(db, hash_of(db, key, key_len), key, key_len);
  return e ? e->val : NULL;
}

// Links a new key to val, whose reference it takes over. False when over budget.
static bool insert(struct kv_db *db, uint64_t hash, const void *key, size_t key_len, struct kv_value *val)
{
  struct entry *e = kv_mem_alloc(db->mem, entry_bytes(key_len));
  if (!e) return false;
  e->hash = hash;
  e->val = val;
  e->key_len = key_len;
  if (key_len) memcpy(e->key, key, key_len);
  struct entry **to = bucket_of(db, hash);
  e->next = *to;
  *to = e;
  db->count++;
  grow(db);
  return true;
}

// Writes in place when nobody else holds the value and not too much of its space would be wasted.
static bool overwrite(struct kv_value *v, const void *data, size_t len)
{
  if (v->refs != 1 || len > v->cap || v->cap - len > v->cap / 2) return false;
  if (len) memcpy(v->data, data, len);
  v->len = len;
  return true;
}

bool kv_db_set(struct kv_db *db, const void *key, size_t key_len, const void *data, size_t len)
{
  uint64_t hash = hash_of(db, key, key_len);
  struct entry *e = *find(db, hash, key, key_len);
  if (e && overwrite(e->val, data, len)) return true;
  struct kv_value *v = kv_value_new(db->mem, data, len);
  if (!v) return false;
  if (e) {
    kv_value_unref(db->mem, e->val);
    e->val = v;
    return true;
  }
  if (insert(db, hash, key, key_len, v)) return true;
  kv_value_unref(db->mem, v);
  return false;
}

// e's value with cap bytes of its own: resized in place, or copied when someone else holds it. NULL when over budget.
static struct kv_value *resized(struct kv_db *db, struct kv_value *v, size_t cap)
{
  if (v->refs == 1) {
    v = kv_mem_resize(db->mem, v, sizeof *v + v->cap, sizeof *v + cap);
    if (v) v->cap = cap;
    return v;
  }
  struct kv_value *copy = kv_mem_alloc(db->mem, sizeof *copy + cap);
  if (!copy) return NULL;
  copy->refs = 1;
  copy->len = v->len;
  copy->cap = cap;
  memcpy(copy->data, v->data, v->len);
  kv_value_unref(db->mem, v);
  return copy;
}

// Makes e's value one that nobody else holds, with room for len bytes in all; false when over budget.
static bool make_room(struct kv_db *db, struct entry *e, size_t len)
{
  if (e->val->refs == 1 && len <= e->val->cap) return true;
  // Room for as much again makes many appends linear; where the budget has not that much, just what is needed.
  size_t slack = len < APPEND_SLACK_MAX ? len : APPEND_SLACK_MAX;
  struct kv_value *v = resized(db, e->val, len + slack);
  if (!v) v = resized(db, e->val, len);
  if (!v) return false;
  e->val = v;
  return true;
}

bool kv_db_append(struct kv_db *db, const void *key, size_t key_len, const void *data, size_t len, size_t *new_len)
{
  struct entry *e = *find(db, hash_of(db, key, key_len), key, key_len);
  if (!e) {
    *new_len = len;
    return kv_db_set(db, key, key_len, data, len);
  }
  size_t sum = e->val->len + len;
  if (!make_room(db, e, sum)) return false;
  if (len) memcpy(e->val->data + e->val->len, data, len);
  e->val->len = sum;
  *new_len = sum;
  return true;
}

bool kv_db_del(struct kv_db *db, const void *key, size_t key_len)
{
  struct entry **at = find(db, hash_of(db, key, key_len), key, key_len), *e = *at;
  if (!e) return false;
  *at = e->next;
  free_entry(db, e);
  db->count--;
  return true;
}

void kv_db_reserve(struct kv_db *db, size_t bytes) { db->reserved = bytes; }

size_t kv_db_cost(size_t key_len, size_t len)
{
  return entry_bytes(key_len) + sizeof(struct kv_value) + len + 2 * KV_MEM_OVERHEAD;
}
