// SPDX-License-Identifier: Apache-2.0
// The bytes that source and echo-client send: byte n of a stream is (n + n / 256) modulo 256, so whoever gets them can check
// each by its place. They come again after PATTERN_PERIOD.
#ifndef LW_PATTERN_H
#define LW_PATTERN_H
#include <stddef.h>
#include <stdint.h>

enum { PATTERN_PERIOD = 65536 };

static inline uint8_t pattern_byte(uint64_t at) { return (uint8_t)(at + at / 256); }

static inline void pattern_fill(uint8_t *out, uint64_t at, size_t n)
{
  for (size_t i = 0; i < n; i++) out[i] = pattern_byte(at + i);
}
#endif
