// SPDX-License-Identifier: Apache-2.0
// The ARP table: an array searched from end to end, since it is small and off the data path.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/arp.h"

enum entry_state {
  FREE,
  ASKING,   // frames are parked, tries requests went out, the next step is due at `at_us`
  READY,    // known, and its parked frames are to be sent
  KNOWN,    // known, heard last at `at_us`
  LOST,     // given up, and its parked frames are to be given back
};

struct entry {
  enum entry_state state;
  uint32_t ip;
  uint8_t mac[6];
  unsigned tries;
  uint64_t at_us;
  struct frame_list parked;
};

struct arp_table {
  struct frame_pool pool;
  struct frame *lent;       // by arp_next
  size_t n;
  struct entry e[];
};

struct arp_table *arp_table_open(size_t entries, size_t frames, size_t frame_cap_bytes)
{
  assert(entries > 0);
  if (entries > (SIZE_MAX - sizeof(struct arp_table)) / sizeof(struct entry)) return NULL;
  struct arp_table *t = calloc(1, sizeof *t + entries * sizeof t->e[0]);
  if (!t) return NULL;
  t->n = entries;
  if (frame_pool_init(&t->pool, frames, frame_cap_bytes)) return t;
  free(t);
  return NULL;
}

void arp_table_close(struct arp_table *t)
{
  if (!t) return;
  frame_pool_destroy(&t->pool);
  free(t);
}

static const struct entry *find(const struct arp_table *t, uint32_t ip)
{
  for (size_t i = 0; i < t->n; i++)
    if (t->e[i].state != FREE && t->e[i].ip == ip) return &t->e[i];
  return NULL;
}

static struct entry *find_mutable(struct arp_table *t, uint32_t ip)
{
  const struct entry *e = find(t, ip);
  return e ? &t->e[e - t->e] : NULL;
}

// A free entry, else the known one heard longest ago, else NULL.
static struct entry *make_room(struct arp_table *t)
{
  struct entry *oldest = NULL;
  for (size_t i = 0; i < t->n; i++) {
    struct entry *e = &t->e[i];
    if (e->state == FREE) return e;
    if (e->state == KNOWN && (!oldest || e->at_us < oldest->at_us)) oldest = e;
  }
  return oldest;
}

static bool is_fresh(const struct entry *e, uint64_t now_us)
{
  return (e->state == KNOWN || e->state == READY) && now_us - e->at_us < ARP_TIMEOUT_US;
}

void arp_learn(struct arp_table *t, uint32_t ip, const uint8_t mac[static 6], bool create, uint64_t now_us)
{
  if (ip == 0 || ip >> 28 >= 0xe || eth_is_group(mac)) return;  // 224/4 and above: group, reserved, broadcast
  struct entry *e = find_mutable(t, ip);
  if (!e) {
    e = create ? make_room(t) : NULL;
    if (!e) return;
    e->state = KNOWN;
    e->ip = ip;
  }
  if (e->state == ASKING) e->state = READY;
  memcpy(e->mac, mac, 6);
  e->at_us = now_us;
}

bool arp_lookup(const struct arp_table *t, uint32_t ip, uint8_t mac[static 6], uint64_t now_us)
{
  const struct entry *e = find(t, ip);
  if (!e || !is_fresh(e, now_us)) return false;
  memcpy(mac, e->mac, 6);
  return true;
}

// The frame that arp_next gave out is back.
static void take_back(struct arp_table *t)
{
  if (t->lent) frame_give(&t->pool, t->lent);
  t->lent = NULL;
}

enum arp_parked arp_park(struct arp_table *t, uint32_t ip, const uint8_t *frame, size_t len, uint64_t now_us)
{
  take_back(t);
  if (len < ETH_HDR_BYTES || len > t->pool.cap_bytes) return ARP_NOT_PARKED;
  struct entry *e = find_mutable(t, ip);
  if (!e) e = make_room(t);
  if (!e) return ARP_NOT_PARKED;
  bool for_older = e->parked.n > 0 && (e->parked.n == ARP_QUEUE || frame_pool_left(&t->pool) == 0);
  if (for_older) frame_give(&t->pool, frame_pop(&e->parked));
  struct frame *f = frame_take(&t->pool);
  if (!f) return ARP_NOT_PARKED;
  if (e->ip == ip && is_fresh(e, now_us)) {
    e->state = READY;
  } else if (e->ip != ip || (e->state != ASKING && e->state != LOST)) {
    e->state = ASKING;
    e->ip = ip;
    e->tries = 0;
    e->at_us = now_us;
  }
  memcpy(f->bytes, frame, len);
  f->len = len;
  frame_push(&e->parked, f);
  return for_older ? ARP_PARKED_FOR_OLDER : ARP_PARKED;
}

// The next parked frame of an entry that is READY or LOST; behind the last it is only known, or nothing.
static struct arp_due lend(struct arp_table *t, struct entry *e)
{
  bool lost = e->state == LOST;
  struct frame *f = t->lent = frame_pop(&e->parked);
  if (e->parked.n == 0) e->state = lost ? FREE : KNOWN;
  if (!lost) memcpy(f->bytes, e->mac, 6);
  return (struct arp_due){.kind = lost ? ARP_DUE_LOST : ARP_DUE_FRAME, .ip = e->ip, .frame = f->bytes, .frame_len = f->len};
}

static struct arp_due ask_again(struct entry *e, uint64_t now_us)
{
  e->at_us = now_us + ARP_RETRY_US;
  if (e->tries++ < ARP_TRIES) return (struct arp_due){.kind = ARP_DUE_REQUEST, .ip = e->ip};
  e->state = LOST;                     // there is a frame, or nobody would have asked
  return (struct arp_due){.kind = ARP_DUE_GAVE_UP, .ip = e->ip};
}

struct arp_due arp_next(struct arp_table *t, uint64_t now_us)
{
  take_back(t);
  for (size_t i = 0; i < t->n; i++) {
    struct entry *e = &t->e[i];
    if (e->state == READY || e->state == LOST) return lend(t, e);
    if (e->state == ASKING && now_us >= e->at_us) return ask_again(e, now_us);
  }
  return (struct arp_due){.kind = ARP_DUE_NOTHING};
}

uint64_t arp_next_deadline(const struct arp_table *t)
{
  uint64_t soonest = UINT64_MAX;
  for (size_t i = 0; i < t->n; i++) {
    const struct entry *e = &t->e[i];
    if (e->state == READY || e->state == LOST) return 0;
    if (e->state == ASKING && e->at_us < soonest) soonest = e->at_us;
  }
  return soonest;
}

size_t arp_table_size(const struct arp_table *t) { return t->n; }

bool arp_neighbour_at(const struct arp_table *t, size_t i, struct arp_neighbour *n, uint64_t now_us)
{
  const struct entry *e = &t->e[i];
  *n = (struct arp_neighbour){.ip = e->ip, .known = is_fresh(e, now_us), .heard_us = e->at_us};
  memcpy(n->mac, e->mac, 6);
  return n->known || e->state == ASKING;
}
