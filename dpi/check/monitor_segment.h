// SPDX-License-Identifier: Apache-2.0
// The monitor's own reading of a TCP segment (RFC 9293 section 3.1): it keeps what is wrong with the options instead of
// passing over it. Host order; the payload stays in the caller's buffer.
#ifndef LW_MONITOR_SEGMENT_H
#define LW_MONITOR_SEGMENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"

enum {
  MSEG_FIN = 0x001, MSEG_SYN = 0x002, MSEG_RST = 0x004, MSEG_PSH = 0x008, MSEG_ACK = 0x010, MSEG_URG = 0x020,
  MSEG_ECE = 0x040, MSEG_CWR = 0x080, MSEG_AE = 0x100,    // AE: accurate ECN, RFC 9768
  MSEG_RESERVED = 0xe00
};
enum {   // option kinds
  MSEG_OPT_END = 0, MSEG_OPT_NOP = 1, MSEG_OPT_MSS = 2, MSEG_OPT_SCALE = 3, MSEG_OPT_SACK_PERMITTED = 4, MSEG_OPT_SACK = 5,
  MSEG_OPT_TIMESTAMPS = 8, MSEG_OPT_USER_TIMEOUT = 28, MSEG_OPT_FAST_OPEN = 34, MSEG_OPT_EXPERIMENT = 254
};
enum { MSEG_SACK_MAX = 4 };

// A set of option kinds.
struct mseg_kinds {
  uint64_t bits[4];
};
static inline bool mseg_has(const struct mseg_kinds *k, uint8_t kind) { return k->bits[kind / 64] >> (kind % 64) & 1; }
static inline void mseg_add(struct mseg_kinds *k, uint8_t kind) { k->bits[kind / 64] |= UINT64_C(1) << (kind % 64); }

struct mseg {
  uint16_t src_port, dst_port;
  struct seq seq, ack;              // ack counts with MSEG_ACK only
  uint16_t flags;                   // MSEG_*
  uint16_t window;                  // as it stands in the header
  struct mseg_kinds kinds;          // that are there, whatever their form
  const char *options_wrong;        // NULL: all well formed
  bool has_mss, has_scale, sack_permitted, has_ts;   // there and well formed
  uint16_t mss;
  uint8_t scale;
  uint32_t tsval, tsecr;
  uint8_t n_sack;
  struct seq sack_from[MSEG_SACK_MAX], sack_to[MSEG_SACK_MAX];
  uint8_t options_len;              // bytes, padding included
  const uint8_t *payload;
  uint32_t payload_len;
};

// Reads p[0 .. len), a whole segment. NULL, or what is wrong with the header; *s is set only then with NULL. The checksum is
// not looked at.
const char *mseg_parse(struct mseg *s, const uint8_t *p, size_t len);

// SEG.LEN: payload, SYN and FIN.
static inline uint32_t mseg_len(const struct mseg *s)
{
  return s->payload_len + (s->flags & MSEG_SYN ? 1 : 0) + (s->flags & MSEG_FIN ? 1 : 0);
}
static inline struct seq mseg_data(const struct mseg *s) { return seq_add(s->seq, s->flags & MSEG_SYN ? 1 : 0); }  // of the first byte
static inline struct seq mseg_data_end(const struct mseg *s) { return seq_add(mseg_data(s), s->payload_len); }
static inline struct seq mseg_end(const struct mseg *s) { return seq_add(s->seq, mseg_len(s)); }
#endif
