// SPDX-License-Identifier: Apache-2.0
#include "base/siphash.h"

#include "base/bytes.h"

struct state {
  uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned k) { return (x << k) | (x >> (64 - k)); }

// One SipRound: figure 2.1 of the paper.
static void sip_round(struct state *s)
{
  s->v0 += s->v1;
  s->v2 += s->v3;
  s->v1 = rotl(s->v1, 13) ^ s->v0;
  s->v3 = rotl(s->v3, 16) ^ s->v2;
  s->v0 = rotl(s->v0, 32);
  s->v2 += s->v1;
  s->v0 += s->v3;
  s->v1 = rotl(s->v1, 17) ^ s->v2;
  s->v3 = rotl(s->v3, 21) ^ s->v0;
  s->v2 = rotl(s->v2, 32);
}

static void compress(struct state *s, uint64_t m)
{
  s->v3 ^= m;
  sip_round(s);
  sip_round(s);
  s->v0 ^= m;
}

uint64_t siphash24(const uint8_t key[static 16], const void *p, size_t len)
{
  const uint8_t *b = p;
  uint64_t k0 = get_le64(key), k1 = get_le64(key + 8);
  struct state s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};

  size_t whole = len & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8) compress(&s, get_le64(b + i));

  uint64_t last = (uint64_t)len << 56;
  for (size_t i = 0; whole + i < len; i++) last |= (uint64_t)b[whole + i] << (8 * i);
  compress(&s, last);

  s.v2 ^= 0xff;
  for (int i = 0; i < 4; i++) sip_round(&s);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
