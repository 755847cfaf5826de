// SPDX-License-Identifier: Apache-2.0
// Path MTUs that routers have told us of (RFC 1191): for some destinations less than our link's, for ten minutes each. Bounded; for
// one more the one told longest ago is forgotten. MTUs are bytes of an IP packet.
#ifndef LW_PMTU_H
#define LW_PMTU_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PMTU_LIFE_US = 600 * 1000000,
  PMTU_MIN = 552           // less is a lie or no place to be: RFC 1191 section 3 forbids below 68, Linux takes none below this
};

struct pmtu_table;

struct pmtu_table *pmtu_open(size_t entries, unsigned link_mtu);   // entries > 0. NULL: out of memory
void pmtu_close(struct pmtu_table *t);                             // NULL is allowed
unsigned pmtu_get(const struct pmtu_table *t, uint32_t dst, uint64_t now_us);
// "Fragmentation needed", about a packet of `len` bytes to dst: `mtu` as the router has it, 0 from an old one, for which the next
// usual MTU below len is taken (section 7.1). True when that is less than what was known, and than the packet.
bool pmtu_lower(struct pmtu_table *t, uint32_t dst, unsigned mtu, unsigned len, uint64_t now_us);
#endif
