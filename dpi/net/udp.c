// SPDX-License-Identifier: Apache-2.0
#include "net/udp.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/ipv4.h"

const char *udp_result_text(enum udp_result r)
{
  switch (r) {
    case UDP_OK: return "ok";
    case UDP_SHORT: return "shorter than a UDP header";
    case UDP_BAD_LENGTH: return "UDP length below 8 bytes";
    case UDP_TRUNCATED: return "UDP length beyond the packet";
    case UDP_BAD_CHECKSUM: return "bad UDP checksum";
  }
  return "?";
}

static uint16_t checksum(const uint8_t *p, size_t len, uint32_t src_ip, uint32_t dst_ip)
{
  return cksum_fold(cksum_add(ipv4_pseudo_sum(src_ip, dst_ip, IPV4_PROTO_UDP, (uint16_t)len), p, len));
}

enum udp_result udp_parse(const uint8_t *p, size_t len, uint32_t src_ip, uint32_t dst_ip, struct udp_datagram *u)
{
  if (len < UDP_HDR_BYTES) return UDP_SHORT;
  size_t own_len = get_be16(p + 4);
  if (own_len < UDP_HDR_BYTES) return UDP_BAD_LENGTH;
  if (own_len > len) return UDP_TRUNCATED;
  if (get_be16(p + 6) != 0 && checksum(p, own_len, src_ip, dst_ip) != 0) return UDP_BAD_CHECKSUM;
  *u = (struct udp_datagram){
    .src_port = get_be16(p),
    .dst_port = get_be16(p + 2),
    .data = p + UDP_HDR_BYTES,
    .data_len = own_len - UDP_HDR_BYTES,
  };
  return UDP_OK;
}

size_t udp_emit(uint8_t *p, size_t cap, uint32_t src_ip, uint32_t dst_ip, const struct udp_datagram *u)
{
  if (cap > UINT16_MAX) cap = UINT16_MAX;
  if (cap < UDP_HDR_BYTES || u->data_len > cap - UDP_HDR_BYTES) return 0;
  size_t len = UDP_HDR_BYTES + u->data_len;
  if (u->data_len > 0) memmove(p + UDP_HDR_BYTES, u->data, u->data_len);
  put_be16(p, u->src_port);
  put_be16(p + 2, u->dst_port);
  put_be16(p + 4, (uint16_t)len);
  put_be16(p + 6, 0);
  uint16_t sum = checksum(p, len, src_ip, dst_ip);
  put_be16(p + 6, sum ? sum : 0xffff);   // RFC 768: 0 would say that there is none; both are the same number
  return len;
}
