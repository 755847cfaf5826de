// SPDX-License-Identifier: Apache-2.0
// Initial sequence numbers by RFC 6528: ISN = M + F(local address, local port, remote address, remote port, secret),
// M a clock of 4 microseconds a tick, F SipHash-2-4. Of one 4-tuple they grow with time; of others they say nothing.
// The clock also goes on by a tick with each number: two connections of a tuple that follow fast do not begin with the same. Cookies
// (dpi/sock/cookie.h) are not of this kind.
#ifndef LW_ISN_H
#define LW_ISN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/seq.h"

struct isn {
  uint8_t secret[16];
  uint64_t tick;           // M of the next one at least
  bool near;               // for tests: all lie within 64 KiB above `base`, modulo that, whatever the time, to be near a wrap
  uint32_t base;
};

// Draws the secret from the run's generator, so that a seed repeats a run.
void isn_init(struct isn *g, struct rng *r);
// Addresses and ports in host order.
struct seq isn_make(struct isn *g, uint32_t local_ip, uint16_t local_port, uint32_t remote_ip, uint16_t remote_port,
                    uint64_t now_us);
#endif
