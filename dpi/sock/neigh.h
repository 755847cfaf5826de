// SPDX-License-Identifier: Apache-2.0
// The next hop: where a packet of ours goes first, and waiting until the neighbour's MAC is known.
#ifndef LW_NEIGH_H
#define LW_NEIGH_H
#include <stdbool.h>
#include <stdint.h>

struct stack;
struct frame;

// RFC 1122 section 3.3.1.1: the destination itself on our network, the gateway otherwise. False: no way there, or an
// address that is no single host's.
bool neigh_next_hop(const struct stack *s, uint32_t dst_ip, uint32_t *hop_ip);
// The MAC of the next hop to dst_ip, when it is known now.
bool neigh_mac(const struct stack *s, uint32_t dst_ip, uint8_t mac[static 6]);
// Sends a whole frame of the output pool, whose destination MAC is filled in here; it waits while the MAC is asked for.
// One frame waits a neighbour, the newest (RFC 1122 section 2.3.2.2): a timer of TCP brings the others back, datagrams are lost.
void neigh_send(struct stack *s, uint32_t dst_ip, struct frame *f);
// A host beyond the next hop has answered what we sent, in a frame from `mac`: if the hop is still being asked for, that is its
// address, and what waits for it goes out before what is sent next.
void neigh_answered(struct stack *s, uint32_t dst_ip, const uint8_t mac[static 6]);
// Runs what is due: requests, frames that need wait no longer, neighbours that did not answer.
void neigh_run(struct stack *s);
#endif
