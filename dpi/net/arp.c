// SPDX-License-Identifier: Apache-2.0
#include "net/arp.h"

#include <string.h>

#include "base/bytes.h"

enum { HW_ETHERNET = 1 };

const char *arp_result_text(enum arp_result r)
{
  switch (r) {
    case ARP_OK: return "ok";
    case ARP_SHORT: return "shorter than an ARP packet";
    case ARP_NOT_ETHERNET: return "not about Ethernet addresses";
    case ARP_NOT_IPV4: return "not about IPv4 addresses";
    case ARP_BAD_OP: return "neither request nor reply";
    case ARP_BAD_SENDER: return "sender MAC is zero or a group address";
  }
  return "?";
}

static bool is_station(const uint8_t *mac)
{
  static const uint8_t zero[6];
  return !eth_is_group(mac) && memcmp(mac, zero, 6) != 0;
}

enum arp_result arp_parse(const uint8_t *p, size_t len, struct arp_packet *a)
{
  if (len < ARP_PACKET_BYTES) return ARP_SHORT;
  if (get_be16(p) != HW_ETHERNET || p[4] != 6) return ARP_NOT_ETHERNET;
  if (get_be16(p + 2) != ETH_TYPE_IPV4 || p[5] != 4) return ARP_NOT_IPV4;
  uint16_t op = get_be16(p + 6);
  if (op != ARP_OP_REQUEST && op != ARP_OP_REPLY) return ARP_BAD_OP;
  if (!is_station(p + 8)) return ARP_BAD_SENDER;
  a->op = op;
  memcpy(a->sender_mac, p + 8, 6);
  a->sender_ip = get_be32(p + 14);
  memcpy(a->target_mac, p + 18, 6);
  a->target_ip = get_be32(p + 24);
  return ARP_OK;
}

size_t arp_emit(uint8_t *p, size_t cap, const struct arp_packet *a)
{
  if (cap < ARP_PACKET_BYTES) return 0;
  put_be16(p, HW_ETHERNET);
  put_be16(p + 2, ETH_TYPE_IPV4);
  p[4] = 6;
  p[5] = 4;
  put_be16(p + 6, a->op);
  memcpy(p + 8, a->sender_mac, 6);
  put_be32(p + 14, a->sender_ip);
  memcpy(p + 18, a->target_mac, 6);
  put_be32(p + 24, a->target_ip);
  return ARP_PACKET_BYTES;
}

static size_t emit_frame(uint8_t *frame, size_t cap, const uint8_t *dst, const struct arp_packet *a)
{
  struct eth_hdr h = {.type = ETH_TYPE_ARP};
  if (cap < ARP_FRAME_BYTES) return 0;
  memcpy(h.dst, dst, 6);
  memcpy(h.src, a->sender_mac, 6);
  size_t n = eth_emit(frame, cap, &h);
  return n + arp_emit(frame + n, cap - n, a);
}

size_t arp_emit_request(uint8_t *frame, size_t cap, const uint8_t mac[static 6], uint32_t sender_ip, uint32_t target_ip)
{
  static const uint8_t everyone[6] = {255, 255, 255, 255, 255, 255};
  struct arp_packet a = {.op = ARP_OP_REQUEST, .sender_ip = sender_ip, .target_ip = target_ip};
  memcpy(a.sender_mac, mac, 6);
  return emit_frame(frame, cap, everyone, &a);
}

size_t arp_emit_reply(uint8_t *frame, size_t cap, const uint8_t mac[static 6], const struct arp_packet *request)
{
  struct arp_packet a = {.op = ARP_OP_REPLY, .sender_ip = request->target_ip, .target_ip = request->sender_ip};
  memcpy(a.sender_mac, mac, 6);
  memcpy(a.target_mac, request->sender_mac, 6);
  return emit_frame(frame, cap, request->sender_mac, &a);
}
