// SPDX-License-Identifier: Apache-2.0
// SYN cookies (RFC 4987 section 3.6): what a half-open connection would remember, in the numbers of the SYN-ACK itself, so
// that an answer to a stranger costs no memory. Pure functions of key, time and what is remembered.
//
//   ISS = IRS + H(key, tuple) + | 5: minutes (64 s) | 3: MSS, by table | 24: H(key, tuple, IRS, minutes, MSS) |
//   TSval of the SYN-ACK, its low bits: | 1: SACK permitted | 4: peer's window scale, 15: none |; the rest is the clock
#ifndef LW_COOKIE_H
#define LW_COOKIE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/seq.h"
#include "net/tuple.h"
#include "tcp/segment.h"

// How long a cookie holds at most; at least half of it.
enum { COOKIE_LIFE_US = 128000000 };

struct seq cookie_make(const uint8_t key[static 16], const struct tuple *t, struct seq irs, uint16_t mss, uint64_t now_us);
// True when `iss` is a cookie for this tuple and IRS that still holds; *mss is what it remembers: the largest of the table
// that does not exceed what cookie_make was given.
bool cookie_check(const uint8_t key[static 16], const struct tuple *t, struct seq irs, struct seq iss, uint64_t now_us,
                  uint16_t *mss);

// The TSval that remembers the SYN's window scale and SACK-permitted; never ahead of the clock, at most 33 ms behind.
uint32_t cookie_tsval(const struct segment_options *syn, uint64_t now_us);
// What it remembered, from the echo; the rest of *syn stays as it is.
void cookie_recall(uint32_t tsecr, struct segment_options *syn);
#endif
