// SPDX-License-Identifier: Apache-2.0
#include "tcp/isn.h"

#include "base/bytes.h"
#include "base/siphash.h"

void isn_init(struct isn *g, struct rng *r)
{
  g->near = false;
  g->tick = 0;
  for (unsigned i = 0; i < sizeof g->secret; i++) g->secret[i] = (uint8_t)(rng_next(r) >> 56);
}

struct seq isn_make(struct isn *g, uint32_t local_ip, uint16_t local_port, uint32_t remote_ip, uint16_t remote_port,
                    uint64_t now_us)
{
  uint8_t tuple[12];
  put_be32(tuple, local_ip);
  put_be32(tuple + 4, remote_ip);
  put_be16(tuple + 8, local_port);
  put_be16(tuple + 10, remote_port);
  uint64_t f = siphash24(g->secret, tuple, sizeof tuple);
  uint64_t m = now_us / 4 > g->tick ? now_us / 4 : g->tick;   // RFC 6528 section 3
  g->tick = m + 1;
  if (g->near) return seq_of(g->base + (uint32_t)((f + m) & 0xffff));
  return seq_add(seq_of((uint32_t)f), (uint32_t)m);
}
