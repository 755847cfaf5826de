// SPDX-License-Identifier: Apache-2.0
// Frames that C itself sends, into the stack's bounded output queue. A full queue drops the newest and counts it: what
// matters is sent again by a timer or asked for again by the peer.
#ifndef LW_OUT_H
#define LW_OUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/arp.h"
#include "net/ipv4.h"
#include "net/tuple.h"
#include "tcp/segment.h"

struct stack;
struct arrival;
struct icmp_msg;

enum { OUT_FRAMES = 256 };

// The largest TCP payload of one of our packets, which is what we announce (RFC 9293 section 3.7.1).
uint16_t out_mss(const struct stack *s);
// The most payload that a segment to this address carries now: the path may take less than we do.
uint16_t out_path_mss(const struct stack *s, uint32_t dst_ip, bool timestamps);
// The window field when the engine's whole ring is free. Never more than an unscaled SYN can offer: the engine, which widens the
// window from there, must not find its edge farther out.
uint16_t out_window(const struct stack *s, uint8_t wscale);
// The same once the engine has offered more than that: what is free of the ring, of which `unread` bytes are taken, the peer's FIN with them: it has a place in
// the window and none in the ring. The edge
// that the peer was shown must not go back (RFC 9293 section 3.8.6).
uint16_t out_window_after(const struct stack *s, uint8_t wscale, uint32_t unread);

// A segment of this connection, to this next hop. Ports are filled in here.
void out_segment(struct stack *s, const uint8_t mac[static 6], const struct tuple *t, struct ipv4_choice ip, const struct segment *seg);
// The same to whoever is the next hop to the tuple's remote address; while its MAC is asked for, the frame waits (neigh.h).
void out_segment_routed(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const struct segment *seg);
// A datagram of this tuple, routed likewise, in fragments where it exceeds the MTU. False: the output queue has no room for all
// of it; it was dropped.
bool out_datagram(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const void *data, size_t len);
// An echo request likewise: identifier and sequence number in the places of the ports.
bool out_echo(struct stack *s, const struct tuple *t, struct ipv4_choice ip, const void *data, size_t len);
// The RST for a segment that has no connection or acknowledges what was never sent (RFC 9293 section 3.5.2, groups 1 and
// 2), back to where it came from. The segment itself is no RST.
void out_reset_reply(struct stack *s, const struct arrival *a);
// An ICMP message in answer to a packet, back to where it came from.
void out_icmp(struct stack *s, const uint8_t mac[static 6], const struct ipv4_hdr *to, const struct icmp_msg *m);
// The answer to an echo request, and to an ARP request.
void out_echo_reply(struct stack *s, const uint8_t mac[static 6], const struct ipv4_hdr *to, const struct icmp_msg *request);
void out_arp_reply(struct stack *s, const struct arp_packet *request);
void out_arp_request(struct stack *s, uint32_t ip);
void out_arp_announce(struct stack *s, uint32_t ip);
void out_arp_probe(struct stack *s, uint32_t ip);   // who has it, be it ours
#endif
