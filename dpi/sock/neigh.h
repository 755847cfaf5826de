// SPDX-License-Identifier: Apache-2.0
// The neighbours: waiting until the MAC of the next hop is known, and what they are told of our addresses.
#ifndef LW_NEIGH_H
#define LW_NEIGH_H
#include <stdbool.h>
#include <stdint.h>

struct stack;
struct frame;
struct arp_packet;

// The MAC of the next hop to dst_ip, when it is known now.
bool neigh_mac(const struct stack *s, uint32_t dst_ip, uint8_t mac[static 6]);
// Sends a whole frame of the output pool, whose destination MAC is filled in here; it waits while the MAC is asked for.
void neigh_send(struct stack *s, uint32_t dst_ip, struct frame *f);
// A host beyond the next hop has answered what we sent, in a frame from `mac`: if the hop is still being asked for, that is its
// address, and what waits for it goes out before what is sent next.
void neigh_answered(struct stack *s, uint32_t dst_ip, const uint8_t mac[static 6]);
// Asks who else has our addresses, and tells everybody of them: now, and once more in 2 s (RFC 5227 section 2.3). Unlike section 2.1 we do
// not wait for an answer.
void neigh_announce(struct stack *s);
// Another station has said that an address of ours is its own (RFC 5227 section 2.4): it stays ours, is announced again, at most
// every 10 s, and the stack's owner is told (stack_take_conflict).
void neigh_conflict(struct stack *s, const struct arp_packet *a);
// Runs what is due: announcements, requests, frames that need wait no longer, neighbours that did not answer.
void neigh_run(struct stack *s);
#endif
