// SPDX-License-Identifier: Apache-2.0
// For fuzz targets (*_fuzz.c, libFuzzer; scripts/fuzz.py runs them and makes their seeds). A target takes any bytes and ends by
// assert when something about them that must hold does not; its first bytes choose, the rest is what is parsed.
#ifndef LW_FUZZ_H
#define LW_FUZZ_H
#undef NDEBUG
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A copy that can be written to, of exactly that length, so that the address sanitizer sees a read behind it. free() it.
static inline uint8_t *fuzz_copy(const uint8_t *p, size_t len)
{
  uint8_t *copy = malloc(len ? len : 1);
  assert(copy);
  if (len) memcpy(copy, p, len);
  return copy;
}
#endif
