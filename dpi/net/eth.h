// SPDX-License-Identifier: Apache-2.0
// Ethernet II headers (IEEE 802.3, without the FCS).
//
//   byte 0..5 destination | 6..11 source | 12..13 type | 14.. payload
//
// A VLAN-tagged frame is one of type ETH_TYPE_VLAN or ETH_TYPE_QINQ (802.1ad): the tag is not looked into.
#ifndef LW_ETH_H
#define LW_ETH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ETH_HDR_BYTES = 14, ETH_TYPE_MIN = 0x0600 };
enum { ETH_TYPE_IPV4 = 0x0800, ETH_TYPE_ARP = 0x0806, ETH_TYPE_VLAN = 0x8100, ETH_TYPE_QINQ = 0x88a8, ETH_TYPE_IPV6 = 0x86dd };

struct eth_hdr {
  uint8_t dst[6], src[6];
  uint16_t type;  // host order
};

enum eth_result {
  ETH_OK,
  ETH_SHORT,      // fewer than 14 bytes
  ETH_NO_TYPE,    // an 802.3 length in place of a type (below 0x0600)
};
const char *eth_result_text(enum eth_result r);

// Reads the header; *h is set only with ETH_OK. The payload is f[14 .. len).
enum eth_result eth_parse(const uint8_t *f, size_t len, struct eth_hdr *h);
// Writes the header; returns 14, or 0 when cap is smaller.
size_t eth_emit(uint8_t *f, size_t cap, const struct eth_hdr *h);

static inline bool eth_is_group(const uint8_t mac[static 6]) { return mac[0] & 1; }  // multicast or broadcast
bool eth_is_broadcast(const uint8_t mac[static 6]);
#endif
