// SPDX-License-Identifier: Apache-2.0
// Any fragments, in any order and at any times: each is answered as a second, plainer bookkeeping says, what becomes whole has
// every byte in its place, and what does not is given up in time.
//
//   byte 0: for how many datagrams there is room
//   then records: flags (below), time | datagram | offset in units of 8, 16 bits | length, 16 bits (modulo LONGEST)
#include "base/fuzz.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/eth.h"
#include "net/reass.h"

enum {
  MORE = 1,          // more fragments follow
  OTHER = 2,         // bytes that differ from those of the same datagram without this flag
  OPTIONS = 4,       // a header with options
  ECN_SHIFT = 3,     // two bits: the mark of congestion
  TIME_SHIFT = 6,    // the two highest bits: how much time passes first
};
enum { SRC = 0x0a090002, DST = 0x0a090001, ROOM = 4, UNIT = 8, UNITS = 8192, LONGEST = 1600, RECORD = 6, IDS = 8 };
static const uint64_t times[] = {1, 1000, 10000000, REASS_TIMEOUT_US};

// A datagram as it ought to be.
struct shadow {
  bool used, refused, has_last, whole, marked, unmarkable;
  unsigned id, hdr_len;      // hdr_len: of the first fragment, 0 without it
  uint64_t begun_us;
  size_t end, units;
  uint8_t there[UNITS];      // 1, or 2 where the bytes are the others
};

struct bed {
  struct reass *r;
  size_t room;
  uint64_t now_us;
  struct shadow s[ROOM];
};

// What a datagram has from byte `at` on; the others differ from it everywhere.
static const uint8_t *bytes_at(unsigned id, size_t at, bool other)
{
  static uint8_t bytes[2][UINT16_MAX + IDS * UNIT + LONGEST];
  if (!bytes[1][0])
    for (size_t i = 0; i < sizeof bytes[0]; i++) bytes[1][i] = (uint8_t)~(bytes[0][i] = (uint8_t)(i * 7 + i / 256));
  return bytes[other] + at + id * UNIT;
}

static struct shadow *find(struct bed *b, unsigned id)
{
  for (size_t i = 0; i < b->room; i++)
    if (b->s[i].used && b->s[i].id == id) return &b->s[i];
  return NULL;
}

static struct shadow *make_room(struct bed *b, unsigned id, bool *evicted)
{
  struct shadow *first = &b->s[0];
  for (size_t i = 0; i < b->room; i++)
    if (!b->s[i].used || (first->used && b->s[i].begun_us < first->begun_us)) first = &b->s[i];
  *evicted = first->used;
  *first = (struct shadow){.used = true, .id = id, .begun_us = b->now_us};
  return first;
}

// Its loops are not what is looked into.
__attribute__((no_sanitize("coverage"))) static enum reass_kind expect(struct shadow *d, const struct ipv4_hdr *ip, bool other)
{
  size_t first = ip->frag_offset / UNIT, end = ip->frag_offset + (size_t)ip->payload_len, known = 0, same = 0, n = (ip->payload_len + (size_t)UNIT - 1) / UNIT;
  for (size_t u = first; u < first + n; u++) {
    known += d->there[u] != 0;
    same += d->there[u] == 1 + other;
  }
  bool contradicts = d->has_last ? (ip->more_fragments ? end >= d->end : end != d->end) : !ip->more_fragments && end <= d->end;
  if (d->refused || contradicts || (known && same != n)) {
    d->refused = true;
    return REASS_REFUSED;
  }
  if (known) return REASS_DUPLICATE;
  memset(d->there + first, 1 + other, n);
  d->units += n;
  if (end > d->end) d->end = end;
  d->has_last |= !ip->more_fragments;
  if (first == 0) d->hdr_len = ip->hdr_len;
  d->marked |= (ip->tos & IPV4_ECN_MASK) == IPV4_ECN_CE;
  d->unmarkable |= (ip->tos & IPV4_ECN_MASK) == 0;
  d->whole = d->has_last && d->units * UNIT >= d->end;
  if (!d->whole) return REASS_WAITS;
  if (d->hdr_len + d->end <= UINT16_MAX && d->marked && d->unmarkable) return REASS_REFUSED;
  return d->hdr_len + d->end <= UINT16_MAX ? REASS_WHOLE : REASS_BAD;
}

static void check_whole(const struct shadow *d, const uint8_t *frame, size_t len)
{
  struct ipv4_hdr ip;
  assert(len == ETH_HDR_BYTES + d->hdr_len + d->end && ipv4_parse(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES, &ip) == IPV4_OK);
  assert(ip.src == SRC && ip.dst == DST && ip.id == d->id && !ip.fragment && ip.hdr_len == d->hdr_len && ip.payload_len == d->end);
  assert(((ip.tos & IPV4_ECN_MASK) == IPV4_ECN_CE) == d->marked);
  const uint8_t *p = frame + ETH_HDR_BYTES + d->hdr_len;
  for (size_t at = 0, n; at < d->end; at += n) {
    n = d->end - at < UNIT ? d->end - at : UNIT;
    assert(!memcmp(p + at, bytes_at(d->id, at, d->there[at / UNIT] == 2), n));
  }
}

static void give_up(struct bed *b)
{
  unsigned want[4] = {0}, got[4] = {0};
  enum reass_given_up kind;
  const uint8_t *frame;
  struct ipv4_hdr ip;
  for (size_t i = 0; i < b->room; i++) {
    struct shadow *d = &b->s[i];
    if (!d->used || b->now_us - d->begun_us < REASS_TIMEOUT_US) continue;
    want[d->refused ? REASS_FORGOTTEN : d->hdr_len ? REASS_LATE_FIRST : REASS_LATE]++;
    d->used = false;
  }
  while ((kind = reass_expire(b->r, b->now_us, &frame)) != REASS_NONE) {
    got[kind]++;
    if (kind != REASS_LATE_FIRST) continue;
    assert(ipv4_parse_quoted(frame + ETH_HDR_BYTES, IPV4_HDR_BYTES + 4 + UNIT, &ip) == IPV4_OK && ip.src == SRC && ip.frag_offset == 0);
    const uint8_t *p = frame + ETH_HDR_BYTES + ip.hdr_len;
    assert(*p == *bytes_at(ip.id, 0, false) || *p == *bytes_at(ip.id, 0, true));
  }
  assert(!memcmp(want, got, sizeof want));
}

static void check_deadline(const struct bed *b)
{
  uint64_t first = UINT64_MAX;
  for (size_t i = 0; i < b->room; i++)
    if (b->s[i].used && b->s[i].begun_us + REASS_TIMEOUT_US < first) first = b->s[i].begun_us + REASS_TIMEOUT_US;
  assert(reass_deadline(b->r) == first);
}

static void enters(struct bed *b, const uint8_t *frame, const struct ipv4_hdr *ip, bool other)
{
  bool evicted = false, possible = ip->payload_len && !(ip->more_fragments && ip->payload_len % UNIT);
  struct shadow *d = possible ? find(b, ip->id) : NULL;
  if (possible && !d) d = make_room(b, ip->id, &evicted);
  enum reass_kind want = d ? expect(d, ip, other) : REASS_BAD;
  struct reass_result res = reass_input(b->r, frame, ip, b->now_us);
  assert(res.kind == want && res.evicted == evicted);
  if (want == REASS_WHOLE) check_whole(d, res.frame, res.len);
  if (d && d->whole) d->used = false;
}

static void record(struct bed *b, const uint8_t *p)
{
  unsigned id = p[1] % IDS, hdr = IPV4_HDR_BYTES + (p[0] & OPTIONS ? 4 : 0);
  size_t offset = get_be16(p + 2) % UNITS, len = get_be16(p + 4) % LONGEST, n = ETH_HDR_BYTES + hdr + len;
  uint8_t *frame = calloc(1, n), *h = frame + ETH_HDR_BYTES;
  struct ipv4_hdr ip;
  assert(frame);
  ipv4_emit(h, IPV4_HDR_BYTES, SRC, DST, IPV4_PROTO_UDP, (uint16_t)id, len);
  if (p[0] & OPTIONS) put_be32(h + IPV4_HDR_BYTES, 0x01010100);
  h[0] = (uint8_t)(0x40 | hdr / 4);
  h[1] = p[0] >> ECN_SHIFT & IPV4_ECN_MASK;
  put_be16(h + 2, (uint16_t)(hdr + len));
  put_be16(h + 6, (uint16_t)((p[0] & MORE ? 0x2000 : 0) | offset));
  put_be16(h + 10, 0);
  put_be16(h + 10, cksum_fold(cksum_add(0, h, hdr)));
  if (len) memcpy(h + hdr, bytes_at(id, offset * UNIT, p[0] & OTHER), len);
  b->now_us += times[p[0] >> TIME_SHIFT];
  give_up(b);
  if (ipv4_parse(h, n - ETH_HDR_BYTES, &ip) == IPV4_OK) enters(b, frame, &ip, p[0] & OTHER);
  check_deadline(b);
  free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct bed b;                // large, as these are; each run leaves them empty
  static struct reass *kept[ROOM];
  if (size < 1) return 0;
  struct reass **r = &kept[data[0] % ROOM];
  b.room = 1 + data[0] % ROOM;
  if (!*r) *r = reass_open(b.room);
  assert(*r);
  b.r = *r;
  for (data++, size--; size >= RECORD; data += RECORD, size -= RECORD) record(&b, data);
  b.now_us += REASS_TIMEOUT_US;
  give_up(&b);
  assert(reass_deadline(b.r) == UINT64_MAX);
  return 0;
}
