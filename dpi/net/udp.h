// SPDX-License-Identifier: Apache-2.0
// UDP datagrams (RFC 768, RFC 1122 section 4.1) between bytes and a plain struct: pure parse and emit. Host order.
//
//   0..1 source port (0: none) | 2..3 destination port | 4..5 length with header | 6..7 checksum (0: none) | 8.. data
#ifndef LW_UDP_H
#define LW_UDP_H
#include <stddef.h>
#include <stdint.h>

enum { UDP_HDR_BYTES = 8 };

struct udp_datagram {
  uint16_t src_port, dst_port;
  const uint8_t *data;     // in the parsed bytes, or what is to be emitted
  size_t data_len;         // bytes
};

enum udp_result {
  UDP_OK,
  UDP_SHORT,            // fewer than 8 bytes
  UDP_BAD_LENGTH,       // its length is below the header's
  UDP_TRUNCATED,        // its length is beyond the IP payload
  UDP_BAD_CHECKSUM,
};
const char *udp_result_text(enum udp_result r);

// Reads the datagram at p[0 .. len), len being the IPv4 payload length: what follows the datagram's own length there is
// ignored. The addresses are those of its IP header. *u is set only with UDP_OK.
enum udp_result udp_parse(const uint8_t *p, size_t len, uint32_t src_ip, uint32_t dst_ip, struct udp_datagram *u);

// Writes header, data and checksum (RFC 1122 section 4.1.3.4: always); returns the length in bytes, or 0 when it exceeds
// cap or 65535. u->data may lie at p + 8.
size_t udp_emit(uint8_t *p, size_t cap, uint32_t src_ip, uint32_t dst_ip, const struct udp_datagram *u);
#endif
