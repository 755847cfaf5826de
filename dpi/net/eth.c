// SPDX-License-Identifier: Apache-2.0
#include "net/eth.h"

#include <string.h>

#include "base/bytes.h"

const char *eth_result_text(enum eth_result r)
{
  switch (r) {
    case ETH_OK: return "ok";
    case ETH_SHORT: return "shorter than an Ethernet header";
    case ETH_NO_TYPE: return "802.3 length in place of an Ethernet type";
  }
  return "?";
}

enum eth_result eth_parse(const uint8_t *f, size_t len, struct eth_hdr *h)
{
  if (len < ETH_HDR_BYTES) return ETH_SHORT;
  uint16_t type = get_be16(f + 12);
  if (type < ETH_TYPE_MIN) return ETH_NO_TYPE;
  memcpy(h->dst, f, 6);
  memcpy(h->src, f + 6, 6);
  h->type = type;
  return ETH_OK;
}

size_t eth_emit(uint8_t *f, size_t cap, const struct eth_hdr *h)
{
  if (cap < ETH_HDR_BYTES) return 0;
  memcpy(f, h->dst, 6);
  memcpy(f + 6, h->src, 6);
  put_be16(f + 12, h->type);
  return ETH_HDR_BYTES;
}

bool eth_is_broadcast(const uint8_t mac[static 6])
{
  static const uint8_t all_ones[6] = {255, 255, 255, 255, 255, 255};
  return memcmp(mac, all_ones, 6) == 0;
}
