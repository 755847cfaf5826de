// SPDX-License-Identifier: Apache-2.0
// The ARP table: an array searched from end to end, since it is small and off the data path.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/arp.h"

enum entry_state {
  FREE,
  ASKING,   // a frame is parked, tries requests went out, the next step is due at `at_us`
  READY,    // known, and its parked frame is to be sent
  KNOWN,    // known, heard last at `at_us`
};

struct entry {
  enum entry_state state;
  uint32_t ip;
  uint8_t mac[6];
  unsigned tries;
  uint64_t at_us;
  size_t parked_len;
  uint8_t parked[ARP_PARKED_BYTES];
};

struct arp_table {
  size_t n;
  struct entry e[];
};

struct arp_table *arp_table_open(size_t entries)
{
  assert(entries > 0);
  if (entries > (SIZE_MAX - sizeof(struct arp_table)) / sizeof(struct entry)) return NULL;
  struct arp_table *t = calloc(1, sizeof *t + entries * sizeof t->e[0]);
  if (t) t->n = entries;
  return t;
}

void arp_table_close(struct arp_table *t) { free(t); }

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

bool arp_park(struct arp_table *t, uint32_t ip, const uint8_t *frame, size_t len, uint64_t now_us)
{
  if (len < ETH_HDR_BYTES || len > ARP_PARKED_BYTES) return false;
  struct entry *e = find_mutable(t, ip);
  if (!e) e = make_room(t);
  if (!e) return false;
  if (e->ip == ip && is_fresh(e, now_us)) {
    e->state = READY;
  } else if (e->ip != ip || e->state != ASKING) {
    e->state = ASKING;
    e->ip = ip;
    e->tries = 0;
    e->at_us = now_us;
  }
  memcpy(e->parked, frame, len);
  e->parked_len = len;
  return true;
}

// What is due of one entry.
static struct arp_due step(struct entry *e, uint64_t now_us)
{
  struct arp_due d = {.kind = ARP_DUE_NOTHING, .ip = e->ip};
  if (e->state == READY) {
    e->state = KNOWN;
    memcpy(e->parked, e->mac, 6);
    d.kind = ARP_DUE_FRAME;
    d.frame = e->parked;
    d.frame_len = e->parked_len;
  } else if (e->state == ASKING && now_us >= e->at_us) {
    bool again = e->tries++ < ARP_TRIES;
    d.kind = again ? ARP_DUE_REQUEST : ARP_DUE_GAVE_UP;
    if (!again) e->state = FREE;
    e->at_us = now_us + ARP_RETRY_US;
  }
  return d;
}

struct arp_due arp_next(struct arp_table *t, uint64_t now_us)
{
  for (size_t i = 0; i < t->n; i++) {
    struct arp_due d = step(&t->e[i], now_us);
    if (d.kind != ARP_DUE_NOTHING) return d;
  }
  return (struct arp_due){.kind = ARP_DUE_NOTHING};
}

uint64_t arp_next_deadline(const struct arp_table *t)
{
  uint64_t soonest = UINT64_MAX;
  for (size_t i = 0; i < t->n; i++) {
    const struct entry *e = &t->e[i];
    if (e->state == READY) return 0;
    if (e->state == ASKING && e->at_us < soonest) soonest = e->at_us;
  }
  return soonest;
}
