// SPDX-License-Identifier: Apache-2.0
#include "tcp/isn.h"

#include "base/bytes.h"
#include "base/siphash.h"

void isn_init(struct isn *g, struct rng *r)
{
  g->near = false;
  for (unsigned i = 0; i < sizeof g->secret; i++) g->secret[i] = (uint8_t)(rng_next(r) >> 56);
}

struct seq isn_make(const struct isn *g, uint32_t local_ip, uint16_t local_port, uint32_t remote_ip, uint16_t remote_port,
                    uint64_t now_us)
{
  uint8_t tuple[12];
  put_be32(tuple, local_ip);
  put_be32(tuple + 4, remote_ip);
  put_be16(tuple + 8, local_port);
  put_be16(tuple + 10, remote_port);
  uint64_t f = siphash24(g->secret, tuple, sizeof tuple);
  if (g->near) return seq_of(g->base + (uint32_t)(f & 0xffff));
  return seq_add(seq_of((uint32_t)f), (uint32_t)(now_us / 4));   // RFC 6528 section 3
}
