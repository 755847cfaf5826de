// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4 with 64-bit output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash whose
// values cannot be foretold without the key. Used for initial sequence numbers (RFC 6528) and SYN cookies.
#ifndef LW_SIPHASH_H
#define LW_SIPHASH_H
#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const uint8_t key[static 16], const void *p, size_t len);
#endif
