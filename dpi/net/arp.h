// SPDX-License-Identifier: Apache-2.0
// ARP for IPv4 over Ethernet (RFC 826): packets, and a bounded table of who has which MAC. Addresses in host order,
// times in microseconds of the caller's clock. A packet p begins behind the Ethernet header.
//
//   0..1 hardware 1 | 2..3 protocol 0x0800 | 4 length 6 | 5 length 4 | 6..7 operation
//   8..13 sender MAC | 14..17 sender IP | 18..23 target MAC | 24..27 target IP
#ifndef LW_ARP_H
#define LW_ARP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frames.h"
#include "net/eth.h"

enum { ARP_PACKET_BYTES = 28, ARP_FRAME_BYTES = ETH_HDR_BYTES + ARP_PACKET_BYTES };
enum { ARP_OP_REQUEST = 1, ARP_OP_REPLY = 2 };

struct arp_packet {
  uint16_t op;             // ARP_OP_REQUEST or ARP_OP_REPLY
  uint8_t sender_mac[6], target_mac[6];
  uint32_t sender_ip;      // 0 in a probe (RFC 5227 section 2.1.1)
  uint32_t target_ip;
};

enum arp_result {
  ARP_OK,
  ARP_SHORT,            // fewer than 28 bytes
  ARP_NOT_ETHERNET,     // another hardware type or address length
  ARP_NOT_IPV4,         // another protocol or address length
  ARP_BAD_OP,           // neither request nor reply
  ARP_BAD_SENDER,       // the sender's MAC is all zero or a group address
};
const char *arp_result_text(enum arp_result r);

// Reads p[0 .. len) (padding may follow the packet); *a is set only with ARP_OK.
enum arp_result arp_parse(const uint8_t *p, size_t len, struct arp_packet *a);
// Writes the packet; returns 28, or 0 when cap is smaller.
size_t arp_emit(uint8_t *p, size_t cap, const struct arp_packet *a);

// Whole frames; 42, or 0 when cap is smaller. A request goes to everyone; a reply to who asked. sender_ip 0 makes the
// request a probe, target_ip the same as sender_ip an announcement (RFC 5227 section 2.3).
size_t arp_emit_request(uint8_t *frame, size_t cap, const uint8_t mac[static 6], uint32_t sender_ip, uint32_t target_ip);
size_t arp_emit_reply(uint8_t *frame, size_t cap, const uint8_t mac[static 6], const struct arp_packet *request);

// --- the table ---
// An entry is known for 300 s after it was last heard. Frames for an address that is not known are parked, in order (RFC 1122
// section 2.3.2.2 wants the latest one at least; a whole fragmented datagram fits); the address is asked for at once and each
// second after, three times in all; then they are given back as lost. All that becomes due comes out of arp_next.
enum {
  ARP_TIMEOUT_US = 300 * 1000000, ARP_RETRY_US = 1000000, ARP_TRIES = 3,
  ARP_QUEUE = 128           // frames parked for one neighbour: 64 KiB at the smallest MTU
};

struct arp_table;

// So many entries (at least 1), and frames parked for all of them together. NULL: out of memory.
struct arp_table *arp_table_open(size_t entries, size_t frames, size_t frame_cap_bytes);
void arp_table_close(struct arp_table *t);         // NULL is allowed

// Takes in what a heard packet says of its sender (RFC 826: update what is known; a new entry only when `create`, that is
// when the packet was for us, so that chatter does not fill the table). When full, the entry that was heard longest ago
// makes room; never one that is being asked for. A sender IP of 0, or from 224.0.0.0 up, and a group MAC are not learnt.
// The old MAC of a known entry is overwritten; a caller that wants to see conflicts looks it up before.
void arp_learn(struct arp_table *t, uint32_t ip, const uint8_t mac[static 6], bool create, uint64_t now_us);

// True with the MAC when the address is known.
bool arp_lookup(const struct arp_table *t, uint32_t ip, uint8_t mac[static 6], uint64_t now_us);

// Parks a whole frame (its destination MAC is written later) until ip is known; arp_next asks for it.
enum arp_parked {
  ARP_PARKED,
  ARP_PARKED_FOR_OLDER,     // the neighbour's oldest was dropped for it
  ARP_NOT_PARKED            // it is lost: of no possible length, every entry is being asked for, or all room is taken by others
};
enum arp_parked arp_park(struct arp_table *t, uint32_t ip, const uint8_t *frame, size_t len, uint64_t now_us);

enum arp_due_kind {
  ARP_DUE_NOTHING,
  ARP_DUE_REQUEST,   // ask for ip
  ARP_DUE_FRAME,     // send this frame: its destination is filled in
  ARP_DUE_GAVE_UP,   // nobody answered for ip
  ARP_DUE_LOST       // this frame waited in vain, and is dropped
};
struct arp_due {
  enum arp_due_kind kind;
  uint32_t ip;
  const uint8_t *frame;  // inside the table, valid until the next call that takes a non-const table
  size_t frame_len;
};
// The next thing due; call it until ARP_DUE_NOTHING.
struct arp_due arp_next(struct arp_table *t, uint64_t now_us);
// When arp_next has something by time alone; 0 when at once; UINT64_MAX for never.
uint64_t arp_next_deadline(const struct arp_table *t);

// For who wants to look: place i below arp_table_size; false: there is nothing.
struct arp_neighbour {
  uint32_t ip;
  uint8_t mac[6];
  bool known;               // false: being asked for
  uint64_t heard_us;        // if known
};
size_t arp_table_size(const struct arp_table *t);
bool arp_neighbour_at(const struct arp_table *t, size_t i, struct arp_neighbour *n, uint64_t now_us);
#endif
