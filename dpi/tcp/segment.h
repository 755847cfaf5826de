// SPDX-License-Identifier: Apache-2.0
// TCP segments (RFC 9293 section 3.1) between bytes and a plain struct: pure parse and emit, no state. Everything is in
// host order. A segment's bytes are what the IP header says they are: the caller has cut Ethernet padding off.
//
//   0      2      4          8          12        13      14       16         18        20
//   | src  | dst  | sequence | ack      | offset  | flags | window | checksum | urgent  | options, payload ...
//   | port | port | number   | number   | (4 bit) |       |        |          | pointer |
#ifndef LW_SEGMENT_H
#define LW_SEGMENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"

enum {
  TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08,
  TCP_ACK = 0x10, TCP_URG = 0x20, TCP_ECE = 0x40, TCP_CWR = 0x80
};
enum {
  TCP_HEADER_MIN = 20, TCP_HEADER_MAX = 60, TCP_DEFAULT_MSS = 536, TCP_WSCALE_MAX = 14,
  TCP_TIMESTAMPS_BYTES = 12   // of the option with its two NOPs
};

enum { SEGMENT_SACK_MAX = 4 };

struct segment_sack {
  struct seq start, end;    // [start, end)
};

// The options we know. An absent one has its `has_` false and its value 0. SYN-only options are reported wherever they
// stand: the caller knows what they mean there.
struct segment_options {
  bool has_mss, has_wscale, has_timestamps, sack_permitted;
  uint16_t mss;             // RFC 9293 section 3.2
  uint8_t wscale;           // RFC 7323 section 2.2, as it came: may exceed TCP_WSCALE_MAX
  uint32_t tsval, tsecr;    // RFC 7323 section 3.2
  uint8_t n_sack;           // RFC 2018 section 3
  struct segment_sack sack[SEGMENT_SACK_MAX];
};

struct segment {
  uint16_t src_port, dst_port;
  struct seq seq, ack;      // ack means something with TCP_ACK only
  uint8_t flags;            // TCP_*
  uint16_t window;          // as it stands in the header, not scaled
  uint16_t urgent;
  struct segment_options opt;
  const uint8_t *payload;   // points into the parsed bytes
  size_t payload_len;
};

enum segment_result {
  SEGMENT_OK,
  SEGMENT_TRUNCATED,      // fewer than 20 bytes
  SEGMENT_BAD_OFFSET,     // the header's length is below 20 bytes or beyond the segment's end
  SEGMENT_BAD_CHECKSUM
};
const char *segment_result_text(enum segment_result r);

// Parses len bytes, at most 65535. *s is filled in only with SEGMENT_OK.
enum segment_result segment_parse(struct segment *s, uint32_t src_ip, uint32_t dst_ip, const uint8_t *p, size_t len);

// The options alone, in any order, on any segment (RFC 9293 section 3.1, MUST-5); *o starts as zeros. Unknown options, and known
// ones of a wrong length, are skipped by their length (MUST-6); a length that is below 2 or goes beyond the header ends the list, and
// what came before it counts (MUST-7); of two the last counts. Entries of sack beyond n_sack say nothing.
void segment_parse_options(struct segment_options *o, const uint8_t *p, size_t len);

// Writes header, options and payload with checksum, all together at most 65535 bytes; returns the length in bytes, 0 when it exceeds cap.
size_t segment_emit(const struct segment *s, uint32_t src_ip, uint32_t dst_ip, uint8_t *out, size_t cap);

// SEG.LEN: payload bytes, and one each for SYN and FIN (RFC 9293 section 3.4).
uint32_t segment_seq_len(const struct segment *s);
#endif
