// SPDX-License-Identifier: Apache-2.0
#include "net/pmtu.h"

#include <stdlib.h>

struct entry {
  uint32_t dst;
  unsigned mtu;            // 0: free
  uint64_t told_us;
};

struct pmtu_table {
  unsigned link_mtu;
  size_t n;
  struct entry e[];
};

struct pmtu_table *pmtu_open(size_t entries, unsigned link_mtu)
{
  struct pmtu_table *t = calloc(1, sizeof *t + entries * sizeof t->e[0]);
  if (!t) return NULL;
  t->link_mtu = link_mtu;
  t->n = entries;
  return t;
}

void pmtu_close(struct pmtu_table *t) { free(t); }

static bool holds(const struct entry *e, uint64_t now_us) { return e->mtu && now_us - e->told_us < PMTU_LIFE_US; }

unsigned pmtu_get(const struct pmtu_table *t, uint32_t dst, uint64_t now_us)
{
  for (size_t i = 0; i < t->n; i++)
    if (t->e[i].dst == dst && holds(&t->e[i], now_us)) return t->e[i].mtu;
  return t->link_mtu;
}

// RFC 1191 section 7.1, table 7-1.
static unsigned usual_below(unsigned len)
{
  static const unsigned usual[] = {8166, 4352, 2002, 1492, 1006};
  for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
    if (usual[i] < len) return usual[i];
  return PMTU_MIN;
}

// The destination's own place, else a free one or that of the one told longest ago.
static struct entry *place(struct pmtu_table *t, uint32_t dst)
{
  struct entry *best = &t->e[0];
  for (size_t i = 0; i < t->n; i++) {
    struct entry *e = &t->e[i];
    if (e->mtu && e->dst == dst) return e;
    if (e->told_us < best->told_us) best = e;
  }
  return best;
}

bool pmtu_lower(struct pmtu_table *t, uint32_t dst, unsigned mtu, unsigned len, uint64_t now_us)
{
  unsigned known = pmtu_get(t, dst, now_us);
  if (mtu == 0) mtu = usual_below(len);
  if (mtu < PMTU_MIN) mtu = PMTU_MIN;
  if (mtu >= known || mtu >= len) return false;
  *place(t, dst) = (struct entry){dst, mtu, now_us};
  return true;
}
