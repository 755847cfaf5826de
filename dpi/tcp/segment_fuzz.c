// SPDX-License-Identifier: Apache-2.0
// Any bytes as a TCP segment, or as its options alone: what is let through lies inside them, and what we would emit of it says
// the same.
//
//   byte 0: 0 options, 1 a segment as it is, else one with its checksum put right
#include "base/fuzz.h"

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/ipv4.h"
#include "tcp/segment.h"

enum { SRC = 0x0a090002, DST = 0x0a090001 };

static bool same(const struct segment_options *a, const struct segment_options *b)
{
  bool sack = a->n_sack == b->n_sack;
  for (unsigned i = 0; sack && i < a->n_sack; i++)
    sack = seq_eq(a->sack[i].start, b->sack[i].start) && seq_eq(a->sack[i].end, b->sack[i].end);
  return sack && a->has_mss == b->has_mss && a->mss == b->mss && a->has_wscale == b->has_wscale && a->wscale == b->wscale
         && a->has_timestamps == b->has_timestamps && a->tsval == b->tsval && a->tsecr == b->tsecr && a->sack_permitted == b->sack_permitted;
}

static void check_options(const struct segment_options *o)
{
  assert(o->n_sack <= SEGMENT_SACK_MAX);
  assert((o->has_mss || !o->mss) && (o->has_wscale || !o->wscale) && (o->has_timestamps || (!o->tsval && !o->tsecr)));
}

// As much of the options as fits with the rest into a header.
static struct segment_options emittable(struct segment_options o)
{
  if (o.n_sack) o.has_mss = o.has_wscale = o.sack_permitted = false;
  if (o.n_sack == SEGMENT_SACK_MAX) o.has_timestamps = false;
  if (!o.has_mss) o.mss = 0;
  if (!o.has_wscale) o.wscale = 0;
  if (!o.has_timestamps) o.tsval = o.tsecr = 0;
  return o;
}

static void check_segment(const struct segment *s, const uint8_t *p, size_t len)
{
  struct segment again, out = *s;
  assert(s->payload >= p + TCP_HEADER_MIN && s->payload <= p + TCP_HEADER_MAX && s->payload + s->payload_len == p + len);
  check_options(&s->opt);
  out.opt = emittable(s->opt);
  size_t cap = TCP_HEADER_MAX + s->payload_len;
  uint8_t *q = malloc(cap);
  assert(q);
  size_t n = segment_emit(&out, SRC, DST, q, cap);
  if (n <= UINT16_MAX) {
    assert(n && segment_parse(&again, SRC, DST, q, n) == SEGMENT_OK);
    assert(again.src_port == s->src_port && again.dst_port == s->dst_port && seq_eq(again.seq, s->seq) && seq_eq(again.ack, s->ack));
    assert(again.flags == s->flags && again.window == s->window && again.urgent == s->urgent && same(&again.opt, &out.opt));
    assert(again.payload_len == s->payload_len && !memcmp(again.payload, s->payload, s->payload_len));
  }
  free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1 || size > UINT16_MAX) return 0;
  size_t len = size - 1;
  uint8_t *p = fuzz_copy(data + 1, len);
  if (data[0] == 0) {
    struct segment_options o = {0};
    segment_parse_options(&o, p, len);
    check_options(&o);
  } else {
    struct segment s;
    if (data[0] > 1 && len >= TCP_HEADER_MIN) {
      put_be16(p + 16, 0);
      put_be16(p + 16, cksum_fold(cksum_add(ipv4_pseudo_sum(SRC, DST, IPV4_PROTO_TCP, (uint16_t)len), p, len)));
    }
    if (segment_parse(&s, SRC, DST, p, len) == SEGMENT_OK) check_segment(&s, p, len);
  }
  free(p);
  return 0;
}
