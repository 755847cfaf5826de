// SPDX-License-Identifier: Apache-2.0
#include "net/ipv4.h"

#include "base/bytes.h"
#include "base/cksum.h"

enum { FLAG_DF = 0x4000, FLAG_MF = 0x2000, OFFSET_MASK = 0x1fff };

const char *ipv4_result_text(enum ipv4_result r)
{
  switch (r) {
    case IPV4_OK: return "ok";
    case IPV4_SHORT: return "shorter than an IPv4 header";
    case IPV4_BAD_VERSION: return "version is not 4";
    case IPV4_BAD_IHL: return "header length below 20 bytes or beyond the packet";
    case IPV4_BAD_TOTAL_LEN: return "total length below the header's";
    case IPV4_TRUNCATED: return "total length beyond what arrived";
    case IPV4_BAD_CHECKSUM: return "bad header checksum";
    case IPV4_BAD_FRAGMENT: return "fragment beyond 65535 bytes";
  }
  return "?";
}

static void read_fields(const uint8_t *p, size_t hdr_len, struct ipv4_hdr *h)
{
  uint16_t frag = get_be16(p + 6);
  h->hdr_len = (uint8_t)hdr_len;
  h->options_len = (uint8_t)(hdr_len - IPV4_HDR_BYTES);
  h->tos = p[1];
  h->payload_len = (uint16_t)(get_be16(p + 2) - hdr_len);
  h->id = get_be16(p + 4);
  h->dont_fragment = frag & FLAG_DF;
  h->more_fragments = frag & FLAG_MF;
  h->frag_offset = (uint16_t)((frag & OFFSET_MASK) * 8);
  h->fragment = h->more_fragments || h->frag_offset != 0;
  h->ttl = p[8];
  h->proto = p[9];
  h->src = get_be32(p + 12);
  h->dst = get_be32(p + 16);
}

enum ipv4_result ipv4_parse(const uint8_t *p, size_t len, struct ipv4_hdr *h)
{
  if (len < IPV4_HDR_BYTES) return IPV4_SHORT;
  if (p[0] >> 4 != 4) return IPV4_BAD_VERSION;
  size_t hdr_len = (size_t)(p[0] & 15) * 4, total = get_be16(p + 2);
  if (hdr_len < IPV4_HDR_BYTES || hdr_len > len) return IPV4_BAD_IHL;
  if (total < hdr_len) return IPV4_BAD_TOTAL_LEN;
  if (total > len) return IPV4_TRUNCATED;
  if (cksum_fold(cksum_add(0, p, hdr_len)) != 0) return IPV4_BAD_CHECKSUM;
  if ((size_t)(get_be16(p + 6) & OFFSET_MASK) * 8 + total > UINT16_MAX) return IPV4_BAD_FRAGMENT;
  read_fields(p, hdr_len, h);
  return IPV4_OK;
}

bool ipv4_source_routed(const uint8_t *p, const struct ipv4_hdr *h)
{
  enum { END = 0, NOP = 1, LOOSE = 131, STRICT = 137 };
  for (size_t i = IPV4_HDR_BYTES; i < h->hdr_len && p[i] != END;) {
    if (p[i] == LOOSE || p[i] == STRICT) return true;
    if (p[i] != NOP && (i + 1 == h->hdr_len || p[i + 1] < 2)) return false;   // malformed: nothing behind it counts
    i += p[i] == NOP ? 1 : p[i + 1];
  }
  return false;
}

enum ipv4_result ipv4_parse_quoted(const uint8_t *p, size_t len, struct ipv4_hdr *h)
{
  if (len < IPV4_HDR_BYTES) return IPV4_SHORT;
  if (p[0] >> 4 != 4) return IPV4_BAD_VERSION;
  size_t hdr_len = (size_t)(p[0] & 15) * 4;
  if (hdr_len < IPV4_HDR_BYTES || hdr_len > len) return IPV4_BAD_IHL;
  if (get_be16(p + 2) < hdr_len) return IPV4_BAD_TOTAL_LEN;
  read_fields(p, hdr_len, h);
  return IPV4_OK;
}

size_t ipv4_emit(uint8_t *p, size_t cap, uint32_t src, uint32_t dst, uint8_t proto, uint16_t id, size_t payload_len)
{
  if (cap < IPV4_HDR_BYTES || payload_len > UINT16_MAX - IPV4_HDR_BYTES) return 0;
  p[0] = 4 << 4 | IPV4_HDR_BYTES / 4;
  p[1] = 0;
  put_be16(p + 2, (uint16_t)(IPV4_HDR_BYTES + payload_len));
  put_be16(p + 4, id);
  put_be16(p + 6, FLAG_DF);
  p[8] = IPV4_TTL;
  p[9] = proto;
  put_be16(p + 10, 0);
  put_be32(p + 12, src);
  put_be32(p + 16, dst);
  put_be16(p + 10, cksum_fold(cksum_add(0, p, IPV4_HDR_BYTES)));
  return IPV4_HDR_BYTES;
}

static void seal(uint8_t *p)
{
  put_be16(p + 10, 0);
  put_be16(p + 10, cksum_fold(cksum_add(0, p, IPV4_HDR_BYTES)));
}

void ipv4_choose(uint8_t *p, struct ipv4_choice c)
{
  if (!c.dscp && !c.ttl) return;
  p[1] = (uint8_t)(c.dscp << 2);
  if (c.ttl) p[8] = c.ttl;
  seal(p);
}

void ipv4_set_ecn(uint8_t *p, uint8_t ecn)
{
  p[1] = (uint8_t)((p[1] & ~IPV4_ECN_MASK) | ecn);
  seal(p);
}

void ipv4_make_fragment(uint8_t *p, uint16_t id, size_t offset, bool more)
{
  put_be16(p + 4, id);
  put_be16(p + 6, (uint16_t)((more ? FLAG_MF : 0) | offset / 8));
  seal(p);
}

uint32_t ipv4_pseudo_sum(uint32_t src, uint32_t dst, uint8_t proto, uint16_t payload_len)
{
  return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + proto + payload_len;
}
