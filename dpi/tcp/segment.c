// SPDX-License-Identifier: Apache-2.0
#include "tcp/segment.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/ipv4.h"

// Option kinds and their whole lengths in bytes (IANA "TCP Option Kind Numbers").
enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK_PERMITTED = 4, OPT_SACK = 5, OPT_TIMESTAMPS = 8 };
enum { LEN_MSS = 4, LEN_WSCALE = 3, LEN_SACK_PERMITTED = 2, LEN_TIMESTAMPS = 10, LEN_SACK_BLOCK = 8 };

const char *segment_result_text(enum segment_result r)
{
  static const char *const text[] = {
    [SEGMENT_OK] = "ok",
    [SEGMENT_TRUNCATED] = "TCP segment shorter than its fixed header",
    [SEGMENT_BAD_OFFSET] = "TCP data offset below 5 or beyond the segment",
    [SEGMENT_BAD_CHECKSUM] = "TCP checksum wrong",
  };
  return (size_t)r < sizeof text / sizeof text[0] ? text[r] : "unknown result";
}

// The sum over pseudo header (RFC 9293 section 3.1) and segment, not yet folded.
static uint32_t checksum_sum(uint32_t src_ip, uint32_t dst_ip, const uint8_t *p, size_t len)
{
  return cksum_add(ipv4_pseudo_sum(src_ip, dst_ip, IPV4_PROTO_TCP, (uint16_t)len), p, len);
}

// One option of `len` bytes, its kind and length bytes included; all of them are there.
static void parse_option(struct segment_options *o, const uint8_t *p, size_t len)
{
  if (p[0] == OPT_MSS && len == LEN_MSS) {
    o->has_mss = true;
    o->mss = get_be16(p + 2);
  } else if (p[0] == OPT_WSCALE && len == LEN_WSCALE) {
    o->has_wscale = true;
    o->wscale = p[2];
  } else if (p[0] == OPT_SACK_PERMITTED && len == LEN_SACK_PERMITTED) {
    o->sack_permitted = true;
  } else if (p[0] == OPT_TIMESTAMPS && len == LEN_TIMESTAMPS) {
    o->has_timestamps = true;
    o->tsval = get_be32(p + 2);
    o->tsecr = get_be32(p + 6);
  } else if (p[0] == OPT_SACK && len > 2 && len % LEN_SACK_BLOCK == 2 && len <= 2 + SEGMENT_SACK_MAX * LEN_SACK_BLOCK) {
    o->n_sack = (uint8_t)(len / LEN_SACK_BLOCK);
    for (size_t i = 0; i < o->n_sack; i++)
      o->sack[i] = (struct segment_sack){seq_of(get_be32(p + 2 + 8 * i)), seq_of(get_be32(p + 6 + 8 * i))};
  }
}

void segment_parse_options(struct segment_options *o, const uint8_t *p, size_t len)
{
  size_t i = 0;
  while (i < len && p[i] != OPT_END) {
    if (p[i] == OPT_NOP) {
      i++;
      continue;
    }
    if (len - i < 2) return;                            // a kind without its length byte
    size_t opt_len = p[i + 1];
    if (opt_len < 2 || opt_len > len - i) return;       // RFC 9293 section 3.2, MUST-7: be prepared for illegal lengths
    parse_option(o, p + i, opt_len);
    i += opt_len;
  }
}

enum segment_result segment_parse(struct segment *s, uint32_t src_ip, uint32_t dst_ip, const uint8_t *p, size_t len)
{
  if (len < TCP_HEADER_MIN) return SEGMENT_TRUNCATED;
  size_t header_len = (size_t)(p[12] >> 4) * 4;
  if (header_len < TCP_HEADER_MIN || header_len > len) return SEGMENT_BAD_OFFSET;
  if (cksum_fold(checksum_sum(src_ip, dst_ip, p, len)) != 0) return SEGMENT_BAD_CHECKSUM;
  *s = (struct segment){
    .src_port = get_be16(p),
    .dst_port = get_be16(p + 2),
    .seq = seq_of(get_be32(p + 4)),
    .ack = seq_of(get_be32(p + 8)),
    .flags = p[13],
    .window = get_be16(p + 14),
    .urgent = get_be16(p + 18),
    .payload = p + header_len,
    .payload_len = len - header_len,
  };
  segment_parse_options(&s->opt, p + TCP_HEADER_MIN, header_len - TCP_HEADER_MIN);
  return SEGMENT_OK;
}

// NOP NOP, then the blocks: a multiple of four bytes.
static size_t emit_sack(const struct segment_options *o, uint8_t *p)
{
  if (!o->n_sack) return 0;
  memset(p, OPT_NOP, 2);
  p[2] = OPT_SACK;
  p[3] = (uint8_t)(2 + o->n_sack * LEN_SACK_BLOCK);
  for (size_t i = 0; i < o->n_sack; i++) {
    put_be32(p + 4 + LEN_SACK_BLOCK * i, o->sack[i].start.v);
    put_be32(p + 8 + LEN_SACK_BLOCK * i, o->sack[i].end.v);
  }
  return 4 + (size_t)o->n_sack * LEN_SACK_BLOCK;
}

// Writes the options in Linux's order, with NOPs so that each ends on a 4-byte boundary. At most 40 bytes: three SACK blocks
// beside time stamps, four without.
static size_t emit_options(const struct segment_options *o, uint8_t *p)
{
  size_t n = 0;
  if (o->has_mss) {
    p[n] = OPT_MSS;
    p[n + 1] = LEN_MSS;
    put_be16(p + n + 2, o->mss);
    n += LEN_MSS;
  }
  if (o->sack_permitted != o->has_timestamps) {
    memset(p + n, OPT_NOP, 2);
    n += 2;
  }
  if (o->sack_permitted) {
    p[n] = OPT_SACK_PERMITTED;
    p[n + 1] = LEN_SACK_PERMITTED;
    n += LEN_SACK_PERMITTED;
  }
  if (o->has_timestamps) {
    p[n] = OPT_TIMESTAMPS;
    p[n + 1] = LEN_TIMESTAMPS;
    put_be32(p + n + 2, o->tsval);
    put_be32(p + n + 6, o->tsecr);
    n += LEN_TIMESTAMPS;
  }
  if (o->has_wscale) {
    p[n] = OPT_NOP;
    p[n + 1] = OPT_WSCALE;
    p[n + 2] = LEN_WSCALE;
    p[n + 3] = o->wscale;
    n += 1 + LEN_WSCALE;
  }
  return n + emit_sack(o, p + n);
}

size_t segment_emit(const struct segment *s, uint32_t src_ip, uint32_t dst_ip, uint8_t *out, size_t cap)
{
  uint8_t header[TCP_HEADER_MAX] = {0};
  size_t header_len = TCP_HEADER_MIN + emit_options(&s->opt, header + TCP_HEADER_MIN);
  if (header_len > cap || s->payload_len > cap - header_len) return 0;
  put_be16(header, s->src_port);
  put_be16(header + 2, s->dst_port);
  put_be32(header + 4, s->seq.v);
  put_be32(header + 8, s->ack.v);
  header[12] = (uint8_t)(header_len / 4 << 4);
  header[13] = s->flags;
  put_be16(header + 14, s->window);
  put_be16(header + 18, s->urgent);
  memcpy(out, header, header_len);
  if (s->payload_len > 0) memcpy(out + header_len, s->payload, s->payload_len);
  size_t len = header_len + s->payload_len;
  put_be16(out + 16, cksum_fold(checksum_sum(src_ip, dst_ip, out, len)));
  return len;
}

uint32_t segment_seq_len(const struct segment *s)
{
  return (uint32_t)s->payload_len + (s->flags & TCP_SYN ? 1 : 0) + (s->flags & TCP_FIN ? 1 : 0);
}
