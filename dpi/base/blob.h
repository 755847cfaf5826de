// SPDX-License-Identifier: Apache-2.0
// Bytes that state is written into and read back from, in the same order: a growing buffer with a reading position.
#ifndef LW_BLOB_H
#define LW_BLOB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct blob {
  uint8_t *buf;
  size_t cap, n, at;   // n bytes are there, at is the next to be read
  bool bad;            // memory ran out while writing, or more was read than is there
};

void blob_free(struct blob *b);    // a zeroed struct is an empty blob
void blob_clear(struct blob *b);   // empty again; keeps the memory
void *blob_room(struct blob *b, size_t n);   // n bytes more, to be filled in by the caller; NULL (and bad): out of memory
void blob_put(struct blob *b, const void *p, size_t n);
bool blob_get(struct blob *b, void *p, size_t n);   // false: not so much is left; p is not touched
// The same for what is likely to be zero in long stretches, which take next to no room.
void blob_put_sparse(struct blob *b, const void *p, size_t n);
bool blob_get_sparse(struct blob *b, void *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
