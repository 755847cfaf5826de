// SPDX-License-Identifier: Apache-2.0
// A seeded pseudo-random generator: xoshiro256** (Blackman and Vigna 2018), its state filled by splitmix64. The same
// seed gives the same numbers on every machine, so a run can be repeated. Not for secrets of a real network.
#ifndef LW_RNG_H
#define LW_RNG_H
#include <stdint.h>

struct rng {
  uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);          // any seed, also 0
uint64_t rng_next(struct rng *r);                     // 64 random bits
uint32_t rng_below(struct rng *r, uint32_t n);        // evenly 0 .. n-1, without bias; n > 0
#endif
