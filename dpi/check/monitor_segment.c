// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_segment.h"

#include "base/bytes.h"

enum { FIXED_BYTES = 20 };

static const char *read_sack(struct mseg *s, const uint8_t *body, size_t len)
{
  if (len < 8 || len % 8 != 0 || len > 8 * MSEG_SACK_MAX) return "a SACK option that does not hold 1 to 4 whole blocks";
  s->n_sack = 0;
  for (; len; body += 8, len -= 8, s->n_sack++) {
    s->sack_from[s->n_sack] = seq_of(get_be32(body));
    s->sack_to[s->n_sack] = seq_of(get_be32(body + 4));
  }
  return NULL;
}

// One option with a length byte; body is what follows that. NULL, or what is wrong with it.
static const char *read_option(struct mseg *s, uint8_t kind, const uint8_t *body, size_t len)
{
  switch (kind) {
    case MSEG_OPT_MSS:
      if (len != 2) return "an MSS option that is not 4 bytes long";
      s->has_mss = true;
      s->mss = get_be16(body);
      return NULL;
    case MSEG_OPT_SCALE:
      if (len != 1) return "a window scale option that is not 3 bytes long";
      s->has_scale = true;
      s->scale = body[0];
      return NULL;
    case MSEG_OPT_SACK_PERMITTED:
      if (len != 0) return "a SACK-permitted option that is not 2 bytes long";
      s->sack_permitted = true;
      return NULL;
    case MSEG_OPT_SACK:
      return read_sack(s, body, len);
    case MSEG_OPT_TIMESTAMPS:
      if (len != 8) return "a timestamps option that is not 10 bytes long";
      s->has_ts = true;
      s->tsval = get_be32(body);
      s->tsecr = get_be32(body + 4);
      return NULL;
    default:
      return NULL;
  }
}

// Everything behind the end of the list is padding, and zero (RFC 9293 section 3.1, MUST-69).
static const char *read_padding(const uint8_t *p, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (p[i] != 0) return "header bytes other than 0 behind the end of the options";
  return NULL;
}

static const char *read_options(struct mseg *s, const uint8_t *p, size_t len)
{
  const char *wrong = NULL;
  for (size_t i = 0, whole; i < len; i += whole) {
    uint8_t kind = p[i];
    if (kind == MSEG_OPT_END) return wrong ? wrong : read_padding(p + i, len - i);
    whole = 1;
    if (kind == MSEG_OPT_NOP) continue;
    mseg_add(&s->kinds, kind);
    if (len - i < 2 || p[i + 1] < 2 || p[i + 1] > len - i) return "an option whose length is missing, below 2 or beyond the header";
    whole = p[i + 1];
    const char *bad = read_option(s, kind, p + i + 2, whole - 2);
    if (!wrong) wrong = bad;
  }
  return wrong;
}

const char *mseg_parse(struct mseg *s, const uint8_t *p, size_t len)
{
  if (len < FIXED_BYTES) return "a TCP segment of less than 20 bytes";
  size_t header = (size_t)(p[12] >> 4) * 4;
  if (header < FIXED_BYTES) return "a data offset below 5";
  if (header > len) return "a data offset beyond the segment";
  *s = (struct mseg){.src_port = get_be16(p), .dst_port = get_be16(p + 2), .seq = seq_of(get_be32(p + 4)), .ack = seq_of(get_be32(p + 8)),
                     .flags = get_be16(p + 12) & 0xfff, .window = get_be16(p + 14)};
  s->options_len = (uint8_t)(header - FIXED_BYTES);
  s->payload = p + header;
  s->payload_len = (uint32_t)(len - header);
  s->options_wrong = read_options(s, p + FIXED_BYTES, header - FIXED_BYTES);
  return NULL;
}
