// SPDX-License-Identifier: Apache-2.0
// ICMP messages (RFC 792): echo, which ping needs, asked and answered; and errors.
//
//   0 type | 1 code | 2..3 checksum over the whole message | 4..5 identifier | 6..7 sequence | 8.. data
//
// The data of an error is the packet it is about, from its IP header on: that header and eight bytes at least.
#ifndef LW_ICMP_H
#define LW_ICMP_H
#include <stddef.h>
#include <stdint.h>

enum { ICMP_HDR_BYTES = 8 };
enum {
  ICMP_TYPE_ECHO_REPLY = 0, ICMP_TYPE_UNREACHABLE = 3, ICMP_TYPE_ECHO_REQUEST = 8, ICMP_TYPE_TIME_EXCEEDED = 11,
  ICMP_TYPE_PARAMETER = 12
};
// Of ICMP_TYPE_UNREACHABLE (RFC 1122 section 3.2.2.1).
enum {
  ICMP_CODE_NET = 0, ICMP_CODE_HOST = 1, ICMP_CODE_PROTOCOL = 2, ICMP_CODE_PORT = 3, ICMP_CODE_TOO_BIG = 4,
  ICMP_CODE_NET_UNKNOWN = 6
};
enum { ICMP_CODE_REASSEMBLY = 1 };   // of ICMP_TYPE_TIME_EXCEEDED; 0: the time to live

struct icmp_msg {
  uint8_t type, code;
  uint16_t id, seq;        // of an echo; the four bytes behind the checksum in any other message: seq is the MTU of "too big" (RFC 1191)
  const uint8_t *data;     // behind the 8-byte header, in the caller's buffer
  size_t data_len;
};

enum icmp_result {
  ICMP_OK,
  ICMP_SHORT,           // fewer than 8 bytes
  ICMP_BAD_CHECKSUM,
  ICMP_BAD_CODE,        // an echo whose code is not 0
};
const char *icmp_result_text(enum icmp_result r);

// Reads the message p[0 .. len), len being the IPv4 payload length; *m is set only with ICMP_OK, also for other types.
enum icmp_result icmp_parse(const uint8_t *p, size_t len, struct icmp_msg *m);

// Writes a message; returns its length, or 0 when it does not fit into cap. m->data may lie in p (answering in place).
size_t icmp_emit(uint8_t *p, size_t cap, const struct icmp_msg *m);
#endif
