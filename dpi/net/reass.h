// SPDX-License-Identifier: Apache-2.0
// Reassembly of fragmented IPv4 datagrams (RFC 791 section 3.2, RFC 1122 section 3.3.2): frames of fragments in, frames of whole
// packets out. Bounded: so many datagrams at once, each with its 64 KiB; for one more the one begun first is forgotten. Half a
// minute after its first fragment a datagram that is not whole is given up.
//
// A fragment that repeats, byte for byte, what is there already is ignored: networks double packets. Any other overlap refuses the
// datagram with all that still comes of it (RFC 5722, for IPv6; it has no use but to deceive).
#ifndef LW_REASS_H
#define LW_REASS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ipv4.h"

enum { REASS_TIMEOUT_US = 30000000 };

struct reass;

struct reass *reass_open(size_t datagrams);   // NULL: out of memory
void reass_close(struct reass *r);            // NULL is allowed

enum reass_kind {
  REASS_WAITS,         // for the rest
  REASS_WHOLE,
  REASS_DUPLICATE,
  REASS_BAD,           // no possible fragment: empty, not of whole 8-byte units and not the last, or all too long
  REASS_REFUSED        // it overlaps or contradicts others, also by its congestion mark, or its datagram was refused before
};
struct reass_result {
  enum reass_kind kind;
  bool evicted;            // another datagram was forgotten for this one
  // REASS_WHOLE: an Ethernet frame with one whole packet, its header that of the first fragment. Valid until the next call that takes
  // a non-const reass.
  const uint8_t *frame;
  size_t len;
};
// `frame` bears a fragment whose header was parsed as *ip.
struct reass_result reass_input(struct reass *r, const uint8_t *frame, const struct ipv4_hdr *ip, uint64_t now_us);

enum reass_given_up {
  REASS_NONE,          // nothing is due any more
  REASS_LATE,          // timed out; its first fragment never came
  REASS_LATE_FIRST,    // timed out; *frame is an Ethernet frame with the beginning of its first fragment, at least 8 bytes of payload
  REASS_FORGOTTEN      // one that was refused: it was counted then
};
// The next datagram that is given up; call it until REASS_NONE.
enum reass_given_up reass_expire(struct reass *r, uint64_t now_us, const uint8_t **frame);
uint64_t reass_deadline(const struct reass *r);   // UINT64_MAX: never
#endif
