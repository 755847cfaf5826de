// SPDX-License-Identifier: Apache-2.0
// Any bytes as each packet below TCP: what a parser lets through lies inside them, and is the same when it is emitted and
// parsed again.
//
//   byte 0: whose packet (modulo their number); its highest bit: with the checksum put right, which chance would not find
#include "base/fuzz.h"

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/udp.h"

enum { SRC = 0x0a090002, DST = 0x0a090001 };

static bool inside(const uint8_t *part, size_t part_len, const uint8_t *p, size_t len)
{
  return part >= p && part_len <= len && (size_t)(part - p) <= len - part_len;
}

// The checksum field at `at` so that the whole, with `sum` before it, is right.
static void repair(uint8_t *p, size_t at, size_t len, uint32_t sum)
{
  if (at + 2 > len) return;
  put_be16(p + at, 0);
  put_be16(p + at, cksum_fold(cksum_add(sum, p, len)));
}

static void fuzz_eth(uint8_t *p, size_t len, bool right)
{
  struct eth_hdr h;
  uint8_t out[ETH_HDR_BYTES];
  (void)right;
  if (eth_parse(p, len, &h) != ETH_OK) return;
  assert(h.type >= ETH_TYPE_MIN);
  assert(eth_emit(out, sizeof out, &h) == sizeof out && !memcmp(out, p, sizeof out));
}

static void fuzz_arp(uint8_t *p, size_t len, bool right)
{
  struct arp_packet a;
  uint8_t out[ARP_FRAME_BYTES];
  static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
  (void)right;
  if (arp_parse(p, len, &a) != ARP_OK) return;
  assert(arp_emit(out, sizeof out, &a) == ARP_PACKET_BYTES && !memcmp(out, p, ARP_PACKET_BYTES));
  assert(arp_emit_reply(out, sizeof out, mac, &a) == ARP_FRAME_BYTES);
  assert(!eth_is_group(out));   // it goes back to one station
}

static void fuzz_ipv4(uint8_t *p, size_t len, bool right)
{
  struct ipv4_hdr h, again;
  uint8_t out[IPV4_HDR_BYTES];
  if (right && len >= IPV4_HDR_BYTES) {
    size_t hdr = (size_t)(p[0] & 15) * 4;
    repair(p, 10, hdr < len ? hdr : len, 0);
  }
  bool ok = ipv4_parse(p, len, &h) == IPV4_OK, quoted = ipv4_parse_quoted(p, len, &again) == IPV4_OK;
  assert(!ok || quoted);   // it asks for less
  if (!ok) return;
  assert(!memcmp(&h.payload_len, &again.payload_len, sizeof h.payload_len) && h.src == again.src && h.proto == again.proto);
  assert(h.hdr_len >= IPV4_HDR_BYTES && h.hdr_len % 4 == 0 && h.options_len == h.hdr_len - IPV4_HDR_BYTES);
  assert((size_t)h.hdr_len + h.payload_len <= len);
  assert(h.options_len || !ipv4_source_routed(p, &h));
  assert(h.fragment == (h.more_fragments || h.frag_offset) && h.frag_offset % 8 == 0);
  assert(h.frag_offset + h.payload_len <= UINT16_MAX);
  if ((size_t)h.payload_len + IPV4_HDR_BYTES > len) return;
  uint8_t *whole = fuzz_copy(p, len);
  assert(ipv4_emit(out, sizeof out, h.src, h.dst, h.proto, h.id, h.payload_len) == sizeof out);
  ipv4_choose(out, (struct ipv4_choice){.dscp = h.tos >> 2, .ttl = h.ttl});
  memcpy(whole, out, sizeof out);
  assert(ipv4_parse(whole, len, &again) == IPV4_OK);
  assert(again.src == h.src && again.dst == h.dst && again.proto == h.proto && again.payload_len == h.payload_len);
  assert(again.ttl == (h.ttl ? h.ttl : IPV4_TTL) && again.tos >> 2 == h.tos >> 2 && !again.fragment);
  free(whole);
}

static void fuzz_icmp(uint8_t *p, size_t len, bool right)
{
  struct icmp_msg m, again;
  if (right) repair(p, 2, len, 0);
  if (icmp_parse(p, len, &m) != ICMP_OK) return;
  assert(m.data == p + ICMP_HDR_BYTES && m.data_len == len - ICMP_HDR_BYTES);
  uint8_t *out = malloc(len);
  assert(out && icmp_emit(out, len, &m) == len && icmp_emit(out, len - 1, &m) == 0);
  assert(icmp_emit(out, len, &m) == len && icmp_parse(out, len, &again) == ICMP_OK);
  assert(again.type == m.type && again.code == m.code && again.id == m.id && again.seq == m.seq);
  assert(!memcmp(out + ICMP_HDR_BYTES, p + ICMP_HDR_BYTES, m.data_len));
  free(out);
}

static void fuzz_udp(uint8_t *p, size_t len, bool right)
{
  struct udp_datagram u, again;
  if (right && len >= UDP_HDR_BYTES && len <= UINT16_MAX) {
    put_be16(p + 4, (uint16_t)len);
    repair(p, 6, len, ipv4_pseudo_sum(SRC, DST, IPV4_PROTO_UDP, (uint16_t)len));
    if (!get_be16(p + 6)) put_be16(p + 6, UINT16_MAX);   // RFC 768: zero says that there is none
    assert(udp_parse(p, len, SRC, DST, &u) == UDP_OK);
  }
  if (udp_parse(p, len, SRC, DST, &u) != UDP_OK) return;
  assert(inside(u.data, u.data_len, p, len));
  size_t n = UDP_HDR_BYTES + u.data_len;
  uint8_t *out = malloc(n);
  assert(out && udp_emit(out, n - 1, SRC, DST, &u) == 0 && udp_emit(out, n, SRC, DST, &u) == n);
  assert(udp_parse(out, n, SRC, DST, &again) == UDP_OK && again.src_port == u.src_port && again.dst_port == u.dst_port);
  assert(again.data_len == u.data_len && !memcmp(again.data, u.data, u.data_len));
  free(out);
}

static void (*const packets[])(uint8_t *p, size_t len, bool right) = {fuzz_eth, fuzz_arp, fuzz_ipv4, fuzz_icmp, fuzz_udp};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1) return 0;
  uint8_t *p = fuzz_copy(data + 1, size - 1);
  packets[(data[0] & 0x7f) % (sizeof packets / sizeof packets[0])](p, size - 1, data[0] & 0x80);
  free(p);
  return 0;
}
