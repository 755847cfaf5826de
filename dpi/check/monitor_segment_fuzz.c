// SPDX-License-Identifier: Apache-2.0
// Any bytes as a TCP segment, read by the stack and by the wire monitor, which share no code: they refuse the same headers, and
// make the same of the others, malformed options included.
#include "base/fuzz.h"

#include "base/bytes.h"
#include "base/cksum.h"
#include "check/monitor_segment.h"
#include "net/ipv4.h"
#include "tcp/segment.h"

enum { SRC = 0x0a090002, DST = 0x0a090001 };

static void compare_options(const struct segment_options *o, const struct mseg *m)
{
  assert(o->has_mss == m->has_mss && o->mss == m->mss && o->has_wscale == m->has_scale && o->wscale == m->scale);
  assert(o->has_timestamps == m->has_ts && o->tsval == m->tsval && o->tsecr == m->tsecr);
  assert(o->sack_permitted == m->sack_permitted && o->n_sack == m->n_sack);
  for (unsigned i = 0; i < o->n_sack; i++)
    assert(seq_eq(o->sack[i].start, m->sack_from[i]) && seq_eq(o->sack[i].end, m->sack_to[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > UINT16_MAX) return 0;
  uint8_t *p = fuzz_copy(data, size);
  struct segment s;
  struct mseg m;
  if (size >= TCP_HEADER_MIN) {
    put_be16(p + 16, 0);
    put_be16(p + 16, cksum_fold(cksum_add(ipv4_pseudo_sum(SRC, DST, IPV4_PROTO_TCP, (uint16_t)size), p, size)));
  }
  bool ours = segment_parse(&s, SRC, DST, p, size) == SEGMENT_OK, theirs = !mseg_parse(&m, p, size);
  assert(ours == theirs);
  if (ours) {
    assert(s.src_port == m.src_port && s.dst_port == m.dst_port && seq_eq(s.seq, m.seq) && seq_eq(s.ack, m.ack));
    assert(s.flags == (m.flags & 0xff) && s.window == m.window && s.payload == m.payload && s.payload_len == m.payload_len);
    compare_options(&s.opt, &m);
  }
  free(p);
  return 0;
}
