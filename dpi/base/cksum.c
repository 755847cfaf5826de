// SPDX-License-Identifier: Apache-2.0
#include "base/cksum.h"

#include "base/bytes.h"

uint32_t cksum_add(uint32_t acc, const void *p, size_t len)
{
  const uint8_t *b = p;
  uint64_t sum = acc;
  size_t i = 0;
  for (; i + 4 <= len; i += 4) sum += get_be32(b + i);  // 2^16 = 1 modulo 2^16 - 1: wide words add up to the same
  if (i + 2 <= len) {
    sum += get_be16(b + i);
    i += 2;
  }
  if (i < len) sum += (uint32_t)b[i] << 8;
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

uint16_t cksum_fold(uint32_t acc)
{
  acc = (acc & 0xffff) + (acc >> 16);
  acc = (acc & 0xffff) + (acc >> 16);
  return (uint16_t)~acc;
}
