// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <assert.h>

static uint64_t rotl(uint64_t x, unsigned k) { return (x << k) | (x >> (64 - k)); }

static uint64_t splitmix64(uint64_t *x)
{
  uint64_t z = (*x += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed)
{
  for (int i = 0; i < 4; i++) r->s[i] = splitmix64(&seed);
}

uint64_t rng_next(struct rng *r)
{
  uint64_t *s = r->s;
  uint64_t out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotl(s[3], 45);
  return out;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
  assert(n > 0);
  // Lemire's method: the high half of a 32x32 product, redrawn when it fell into the short first interval.
  uint32_t redraw_below = (0u - n) % n;
  uint64_t m;
  do {
    m = (rng_next(r) >> 32) * n;
  } while ((uint32_t)m < redraw_below);
  return (uint32_t)(m >> 32);
}
