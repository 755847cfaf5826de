// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071): the 16-bit one's complement sum of IPv4, ICMP, UDP and TCP.
//
//   uint32_t acc = cksum_add(0, header, 20);       // pieces one after the other; each but the last of even length
//   acc = cksum_add(acc, payload, len);            // an odd last byte counts as if a zero byte followed
//   uint16_t field = cksum_fold(acc);              // to put into the header, whose field was zero
//
// Checking: the sum over everything, the field included, folds to 0. The value is in host order (put_be16 writes it).
#ifndef LW_CKSUM_H
#define LW_CKSUM_H
#include <stddef.h>
#include <stdint.h>

// Adds len bytes to acc, which starts at 0. Never overflows: the result is partly folded (below 2^17).
// Small values that are already 16-bit words (a protocol number, a length) may simply be added to acc.
uint32_t cksum_add(uint32_t acc, const void *p, size_t len);

// The complemented 16-bit sum.
uint16_t cksum_fold(uint32_t acc);
#endif
