// SPDX-License-Identifier: Apache-2.0
#include "net/reass.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/eth.h"

enum { UNIT = 8, UNITS = 65536 / UNIT, HEADERS_MAX = ETH_HDR_BYTES + 60 };

struct datagram {
  bool used, refused;
  uint8_t proto;
  uint8_t ecn;                      // which of the four codepoints its fragments had: a bit for each
  uint16_t id;
  uint32_t src, dst;
  uint64_t begun_us;
  size_t end;                       // of the highest fragment
  size_t units;                     // there, of UNITS
  bool has_last;                    // then `end` is the length of all
  size_t headers;                   // Ethernet's and IP's, just before the payload; 0: the first fragment is not there
  uint8_t there[UNITS / 8];         // a bit for each unit
  uint8_t bytes[HEADERS_MAX + UINT16_MAX];
};

struct reass {
  size_t n;
  struct datagram d[];
};

struct reass *reass_open(size_t datagrams)
{
  struct reass *r = calloc(1, sizeof *r + datagrams * sizeof r->d[0]);
  if (r) r->n = datagrams;
  return r;
}

void reass_close(struct reass *r) { free(r); }

static bool same(const struct datagram *d, const struct ipv4_hdr *ip)
{
  return d->used && d->id == ip->id && d->proto == ip->proto && d->src == ip->src && d->dst == ip->dst;
}

// The datagram's place: its own, else a free one, else that of the one begun first.
static struct datagram *place(struct reass *r, const struct ipv4_hdr *ip)
{
  struct datagram *best = &r->d[0];
  for (size_t i = 0; i < r->n; i++) {
    struct datagram *d = &r->d[i];
    if (same(d, ip)) return d;
    if (best->used && (!d->used || d->begun_us < best->begun_us)) best = d;
  }
  return best;
}

static void begin(struct datagram *d, const struct ipv4_hdr *ip, uint64_t now_us)
{
  d->used = true;
  d->refused = d->has_last = false;
  d->proto = ip->proto;
  d->id = ip->id;
  d->src = ip->src;
  d->dst = ip->dst;
  d->begun_us = now_us;
  d->end = d->units = d->headers = d->ecn = 0;
  memset(d->there, 0, sizeof d->there);
}

static uint8_t *payload(struct datagram *d) { return d->bytes + HEADERS_MAX; }

// Whether a fragment says otherwise than those before it where the datagram ends: behind all that are not the last.
static bool contradicts(const struct datagram *d, const struct ipv4_hdr *ip)
{
  size_t end = ip->frag_offset + (size_t)ip->payload_len;
  if (d->has_last) return ip->more_fragments ? end >= d->end : end != d->end;
  return !ip->more_fragments && end <= d->end;
}

// How many of its units are there already.
static size_t covered(const struct datagram *d, size_t first, size_t units)
{
  size_t n = 0;
  for (size_t u = first; u < first + units; u++) n += d->there[u / 8] >> u % 8 & 1;
  return n;
}

static void take(struct datagram *d, const uint8_t *frame, const struct ipv4_hdr *ip, size_t first, size_t units)
{
  size_t headers = ETH_HDR_BYTES + (size_t)ip->hdr_len, end = ip->frag_offset + (size_t)ip->payload_len;
  for (size_t u = first; u < first + units; u++) d->there[u / 8] |= (uint8_t)(1 << u % 8);
  d->units += units;
  d->ecn |= (uint8_t)(1 << (ip->tos & IPV4_ECN_MASK));
  if (end > d->end) d->end = end;
  if (!ip->more_fragments) d->has_last = true;
  memcpy(payload(d) + ip->frag_offset, frame + headers, ip->payload_len);
  if (first != 0) return;
  d->headers = headers;
  memcpy(payload(d) - headers, frame, headers);
}

// RFC 3168 section 5.3: a mark of one is a mark of all, but none can be where one of them was not to be marked.
static struct reass_result finish(struct datagram *d)
{
  bool marked = d->ecn & 1 << IPV4_ECN_CE, not_capable = d->ecn & 1 << 0;
  uint8_t *frame = payload(d) - d->headers, *ip = frame + ETH_HDR_BYTES;
  size_t hdr_len = d->headers - ETH_HDR_BYTES;
  d->used = false;
  if (hdr_len + d->end > UINT16_MAX) return (struct reass_result){.kind = REASS_BAD};
  if (marked && not_capable) return (struct reass_result){.kind = REASS_REFUSED};
  if (marked) ip[1] |= IPV4_ECN_CE;
  put_be16(ip + 2, (uint16_t)(hdr_len + d->end));
  put_be16(ip + 6, 0);
  put_be16(ip + 10, 0);
  put_be16(ip + 10, cksum_fold(cksum_add(0, ip, hdr_len)));
  return (struct reass_result){.kind = REASS_WHOLE, .frame = frame, .len = d->headers + d->end};
}

static enum reass_kind add(struct datagram *d, const uint8_t *frame, const struct ipv4_hdr *ip)
{
  size_t first = ip->frag_offset / UNIT, units = (ip->payload_len + (size_t)UNIT - 1) / UNIT, known = covered(d, first, units);
  if (d->refused || contradicts(d, ip)) return REASS_REFUSED;
  if (known == 0) {
    take(d, frame, ip, first, units);
    return REASS_WAITS;
  }
  bool repeats = known == units && memcmp(payload(d) + ip->frag_offset, frame + ETH_HDR_BYTES + ip->hdr_len, ip->payload_len) == 0;
  return repeats ? REASS_DUPLICATE : REASS_REFUSED;
}

struct reass_result reass_input(struct reass *r, const uint8_t *frame, const struct ipv4_hdr *ip, uint64_t now_us)
{
  struct reass_result res = {.kind = REASS_BAD};
  if (ip->payload_len == 0 || (ip->more_fragments && ip->payload_len % UNIT != 0)) return res;
  struct datagram *d = place(r, ip);
  bool known = same(d, ip), evicted = !known && d->used;
  if (!known) begin(d, ip, now_us);
  res.kind = add(d, frame, ip);
  if (res.kind == REASS_REFUSED) d->refused = true;
  if (d->has_last && d->units == (d->end + UNIT - 1) / UNIT) res = finish(d);
  res.evicted = evicted;
  return res;
}

static bool late(const struct datagram *d, uint64_t now_us) { return d->used && now_us - d->begun_us >= REASS_TIMEOUT_US; }

enum reass_given_up reass_expire(struct reass *r, uint64_t now_us, const uint8_t **frame)
{
  for (size_t i = 0; i < r->n; i++) {
    struct datagram *d = &r->d[i];
    if (!late(d, now_us)) continue;
    d->used = false;
    *frame = d->headers ? payload(d) - d->headers : NULL;
    if (d->refused) return REASS_FORGOTTEN;
    return d->headers ? REASS_LATE_FIRST : REASS_LATE;
  }
  return REASS_NONE;
}

uint64_t reass_deadline(const struct reass *r)
{
  uint64_t first = UINT64_MAX;
  for (size_t i = 0; i < r->n; i++)
    if (r->d[i].used && r->d[i].begun_us + REASS_TIMEOUT_US < first) first = r->d[i].begun_us + REASS_TIMEOUT_US;
  return first;
}
