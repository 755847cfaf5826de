// SPDX-License-Identifier: Apache-2.0
// IPv4 headers (RFC 791), parsed with every check that needs no knowledge of who we are. Addresses in host order.
//
//   0 version 4, IHL 4 | 1 TOS | 2..3 total length | 4..5 identification | 6..7 reserved, DF, MF, offset (8-byte units)
//   8 TTL | 9 protocol | 10..11 header checksum | 12..15 source | 16..19 destination | 20.. options up to IHL
#ifndef LW_IPV4_H
#define LW_IPV4_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPV4_HDR_BYTES = 20, IPV4_TTL = 64 };
enum { IPV4_PROTO_ICMP = 1, IPV4_PROTO_TCP = 6, IPV4_PROTO_UDP = 17 };

struct ipv4_hdr {
  uint8_t hdr_len;         // bytes, options included; the payload begins here
  uint8_t options_len;     // bytes; 0 for most packets
  uint8_t tos, ttl, proto;
  bool dont_fragment;
  bool fragment;           // a piece of a datagram: more follow, or the offset is not 0
  bool more_fragments;
  uint16_t frag_offset;    // bytes
  uint16_t id;
  uint16_t payload_len;    // bytes, by the total length; Ethernet padding is not payload
  uint32_t src, dst;
};

enum ipv4_result {
  IPV4_OK,
  IPV4_SHORT,           // fewer than 20 bytes
  IPV4_BAD_VERSION,
  IPV4_BAD_IHL,         // header length below 20, or beyond what arrived
  IPV4_BAD_TOTAL_LEN,   // total length below the header's
  IPV4_TRUNCATED,       // total length beyond what arrived
  IPV4_BAD_CHECKSUM,
  IPV4_BAD_FRAGMENT,    // reaches beyond 65535 bytes
};
const char *ipv4_result_text(enum ipv4_result r);

// Reads the header at p, of a packet of which len bytes arrived (padding may follow it). *h is set only with IPV4_OK.
enum ipv4_result ipv4_parse(const uint8_t *p, size_t len, struct ipv4_hdr *h);

// Whether the options of a parsed header ask for a source route (RFC 791 section 3.1, RFC 7126 section 4.3).
bool ipv4_source_routed(const uint8_t *p, const struct ipv4_hdr *h);

// The same of a header that an ICMP error quotes: its payload is cut short, and a router on the way may have left its
// checksum stale, so neither is looked at.
enum ipv4_result ipv4_parse_quoted(const uint8_t *p, size_t len, struct ipv4_hdr *h);

// Writes a 20-byte header with DF set, TTL 64 and its checksum. Returns 20, or 0 when cap is smaller or header and
// payload together exceed 65535 bytes. With DF set the identification means nothing to a receiver (RFC 6864).
size_t ipv4_emit(uint8_t *p, size_t cap, uint32_t src, uint32_t dst, uint8_t proto, uint16_t id, size_t payload_len);

// What a program may choose in the headers of its packets: zeros for what ipv4_emit writes.
struct ipv4_choice {
  uint8_t dscp;            // Diffserv (RFC 2474), 0..63
  uint8_t ttl;
};
// Puts it into a header that ipv4_emit wrote.
void ipv4_choose(uint8_t *p, struct ipv4_choice c);

enum { IPV4_ECN_ECT0 = 2, IPV4_ECN_CE = 3, IPV4_ECN_MASK = 3 };   // in TOS (RFC 3168 section 5)
void ipv4_set_ecn(uint8_t *p, uint8_t ecn);

// Makes of it the header of a fragment: `offset` bytes (a multiple of 8) into its datagram, which all bear the same identification.
void ipv4_make_fragment(uint8_t *p, uint16_t id, size_t offset, bool more);

// The pseudo header's part of a TCP or UDP checksum, to go on from with cksum_add (RFC 9293 section 3.1).
uint32_t ipv4_pseudo_sum(uint32_t src, uint32_t dst, uint8_t proto, uint16_t payload_len);
#endif
