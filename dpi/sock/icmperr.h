// SPDX-License-Identifier: Apache-2.0
// ICMP's errors: those that come, held against what we have sent before they touch anything, and those that we send.
#ifndef LW_ICMPERR_H
#define LW_ICMPERR_H
#include <stddef.h>
#include <stdint.h>

#include "net/icmp.h"
#include "net/ipv4.h"

struct stack;

// "Destination unreachable", "time exceeded" or "parameter problem", from router `from`. Only the packet that it quotes says whom it
// is about: the socket is told that sent it, if it did.
void icmperr_input(struct stack *s, const struct icmp_msg *m, uint32_t from);
// The same about a frame of ours that did not leave: nobody answers for its next hop.
void icmperr_lost(struct stack *s, const uint8_t *frame, size_t len);
// Answers a packet for us (its beginning, in the frame that it came in) by an error, at most 100 times a second: a scan of our
// ports, or a flood in somebody else's name, does not become one of ours. Nothing answers an ICMP error (RFC 1122 section 3.2.2).
void icmperr_send(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip, uint8_t type, uint8_t code);
#endif
