// SPDX-License-Identifier: Apache-2.0
// The stack: everything of TCP/IP that is not data transfer of an established flow, as a library. Frames in, frames
// out, time and randomness as arguments; no I/O, no clock, no threads. It owns the ARP table, the connection table, the
// sockets; it borrows an engine (tcp/engine.h) for the data of established connections.
#ifndef LW_STACK_H
#define LW_STACK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sock/sock.h"
#include "tcp/engine.h"

// What our SYNs offer and accept, each within what the engine can do. LINUX: MSS, SACK permitted, time stamps, NOP, window
// scale, as Linux does and in its order. MINIMAL: MSS.
enum stack_options { STACK_OPTIONS_LINUX, STACK_OPTIONS_MINIMAL };

struct stack_config {
  uint8_t mac[6];
  // What netconf.h can change later; what it would refuse is left out.
  uint32_t ip;             // host order; 0: none yet
  uint8_t prefix_len;      // of the local network
  uint32_t gateway;        // 0: none
  unsigned mtu;            // of the IP packet, bytes; 576..9000
  bool announce;           // our address at once (RFC 5227 section 2.3)
  bool shared_ip;          // the kernel answers ARP and ICMP for this address: we only learn from ARP
  uint64_t seed;           // randomness: ISN secret and all else
  uint32_t time_wait_us;   // 2MSL; 0 = default (60 s)
  enum stack_options options;
  uint8_t wscale_least;    // for tests: the shift that we offer, be it more than the engine's ring wants
  bool isn_near;           // for tests: ISNs within 64 KiB above isn_base, in place of RFC 6528
  uint32_t isn_base;
};

// Counters, by name in the summary and the JSON; each row of stack_stat_name. The two ..._NOW are how many there are.
enum stack_stat {
  // Link and IP: what came in, and why it went no further.
  ST_ETH_BAD,               // shorter than an Ethernet header, 802.3 length in place of a type, sent by a group
  ST_NOT_OUR_MAC,           // IP or ARP for another station, or IP for a group
  ST_VLAN, ST_OTHER_ETHERTYPE,
  ST_ARP_IN, ST_ARP_BAD,
  ST_ARP_NO_ANSWER,         // neighbours
  ST_ARP_DROPPED,           // frames that waited for one in vain, or had to make room for newer ones
  ST_ARP_CONFLICT,          // another station says that an address of ours is its own
  ST_ICMP_ECHO,             // requests
  ST_PING_OUT, ST_PING_IN,  // echo requests of programs, and answers to them
  ST_PING_QUEUE_FULL,       // their socket's receive buffer
  ST_ICMP_BAD,              // malformed
  ST_ICMP_ERROR,            // about what we have sent
  ST_ICMP_ERROR_STRAY,      // about what we have not
  ST_ICMP_OTHER,            // neither echo nor errors: source quench and redirects among them
  ST_PATH_MTU_LOWERED,
  ST_IP_BAD,                // header malformed, or a source that no host can have
  ST_IP_NOT_OURS,
  ST_IP_FRAGMENT,           // fragments, whatever becomes of them
  ST_IP_REASSEMBLED,        // datagrams
  ST_IP_FRAGMENT_BAD, ST_IP_FRAGMENT_DUPLICATE,
  ST_IP_FRAGMENT_REFUSED,   // overlap or contradict others of their datagram, or of one refused before
  ST_IP_REASSEMBLY_TIMEOUT, ST_IP_REASSEMBLY_EVICTED,   // datagrams given up
  ST_IP_OPTIONS,            // not dropped: handled like any other
  ST_IP_SOURCE_ROUTE,       // dropped (RFC 7126 section 4.3)
  ST_OTHER_PROTO,
  ST_ICMP_UNREACHABLE_SENT, // for those of ST_UDP_NO_PORT and ST_OTHER_PROTO that were answered
  ST_ICMP_TIME_EXCEEDED_SENT,   // for those of ST_IP_REASSEMBLY_TIMEOUT
  // UDP.
  ST_UDP_IN, ST_UDP_OUT,    // from and to programs
  ST_UDP_BAD, ST_UDP_CHECKSUM,
  ST_UDP_NO_PORT,           // no socket is bound to it
  ST_UDP_QUEUE_FULL,        // its socket's receive buffer
  // TCP.
  ST_TCP_BAD, ST_TCP_CHECKSUM, ST_TCP_IGNORED,
  ST_TCP_TOO_LONG,          // for a flow, whole again, and longer than the MTU
  ST_TCP_SYN, ST_TCP_BACKLOG_FULL, ST_TCP_NO_FLOW_FREE, ST_TCP_POLICY_REFUSED,
  ST_TCP_COOKIE_SENT, ST_TCP_COOKIE_ACCEPTED,
  ST_TCP_COOKIE_BAD,        // not one of ours, or too old
  ST_TCP_COOKIE_NO_ROOM,    // a good one for which there was no flow or no place to wait
  ST_TCP_HALF_OPEN_EVICTED, // gave its flow to one who brought a cookie back
  ST_TCP_HANDSHAKE_TIMEOUT, ST_TCP_ACCEPTED, ST_TCP_CONNECTED,
  ST_TCP_RST_SENT,
  ST_TCP_TIMED_OUT,         // given up by the engine: the peer left data, probes or keep-alives unanswered for too long
  ST_FLOWS_OPENED, ST_FLOWS_CLOSED, ST_ORPHAN_TIMEOUT,
  ST_HANDOVER_HELD, ST_HANDOVER_DROPPED,
  ST_AFTER_FENCE,           // frames of a flow that came through the slow path after its fence
  ST_TIME_WAIT_RECYCLED, ST_OUT_DROPPED,
  ST_TIME_WAIT_NOW, ST_CONN_NOW, ST_N
};
const char *stack_stat_name(enum stack_stat i);

// The engine is borrowed and must outlive the stack. NULL: out of memory.
struct stack *stack_open(const struct stack_config *c, struct engine *e, uint64_t now_us);
void stack_close(struct stack *s);   // NULL is allowed; programs are closed before

// One frame from the slow path.
void stack_input(struct stack *s, const uint8_t *frame, size_t len, uint64_t now_us);
// The fence of a flow came back through the slow path: no frame of its tuple follows by that way. Exactly one comes for
// each open(), in any order with the flow's events. ok is false when the flow table had no room: the connection is
// reset, and the flow released like any other.
void stack_fence(struct stack *s, uint16_t flow, bool ok, uint64_t now_us);
// Takes the engine's events and payload until there are none, and runs what is due.
void stack_poll(struct stack *s, uint64_t now_us);
// The next frame to send; 0 when there is none. cap >= 14 + mtu. A frame whose destination is our own MAC (stack_loops),
// from here or from the engine, never goes on the wire: the owner takes it in again, as if it had come from there.
size_t stack_output(struct stack *s, uint8_t *frame, size_t cap);
// A connection to ourselves: see stack_output.
bool stack_loops(const struct stack *s, const uint8_t *frame, size_t len);
// When stack_poll next has something to do by time alone; UINT64_MAX for never.
uint64_t stack_next_deadline(const struct stack *s);
// Another station uses an address of ours, which one, and who; told once, and again after 10 s if it goes on.
bool stack_take_conflict(struct stack *s, uint32_t *ip, uint8_t mac[static 6]);
// The flow of a frame's 4-tuple (either direction), or -1.
int stack_flow_of(const struct stack *s, const uint8_t *frame, size_t len);
uint64_t stack_stat(const struct stack *s, enum stack_stat i);
// Connections that programs have closed, and whose last data or FIN are not acknowledged.
unsigned stack_unacked(const struct stack *s);
#endif
