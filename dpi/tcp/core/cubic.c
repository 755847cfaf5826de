// SPDX-License-Identifier: Apache-2.0
// CUBIC's curve (RFC 9438 section 4.2) in integers: time in ticks of 1.024 ms, windows in bytes. W(t) = C * (t - K)^3 + W_max with
// C = 0.4 segments / s^3; K is a cube root, taken by logarithms from two tables. Its twin is rtl/tx/cubic_curve.sv.
#include "tcp/core/core.h"

enum {
  C_TICKS = 472,             // C * (1.024 ms)^3 = 4.295e-10 segments, times 2^40
  LOG2_1_C = 7966,           // -log2(4.295e-10), times 256
  THIRD = 21846,             // of 2^16
  MAX_TICKS = (1 << 20) - 1,
};

// round(256 * log2(1 + (i + 0.5) / 64)), round(256 * 2^((i + 0.5) / 64)).
static const uint16_t log2_table[64] = {
  3, 9, 14, 20, 25, 30, 36, 41, 46, 51, 56, 61, 66, 71, 75, 80, 85, 89, 94, 98, 103, 107, 111, 116, 120, 124, 128, 132, 136, 140, 144,
  148, 152, 155, 159, 163, 167, 170, 174, 178, 181, 185, 188, 192, 195, 198, 202, 205, 208, 212, 215, 218, 221, 224, 228, 231, 234, 237,
  240, 243, 246, 249, 252, 255,
};
static const uint16_t exp2_table[64] = {
  257, 260, 263, 266, 269, 272, 275, 278, 281, 284, 287, 290, 293, 296, 300, 303, 306, 309, 313, 316, 320, 323, 327, 330, 334, 337, 341,
  345, 349, 352, 356, 360, 364, 368, 372, 376, 380, 384, 388, 393, 397, 401, 406, 410, 415, 419, 424, 428, 433, 438, 442, 447, 452, 457,
  462, 467, 472, 477, 482, 488, 493, 498, 504, 509,
};

// log2 times 256; x is not 0.
static uint32_t log2_of(uint32_t x)
{
  uint32_t e = 31;
  while (!(x >> e)) e--;
  return e * 256 + log2_table[(((uint64_t)x << 6) >> e) & 63];
}

uint32_t cubic_k(uint32_t below_max, uint32_t mss)
{
  if (!below_max) return 0;
  uint32_t log = (log2_of(below_max) + LOG2_1_C - log2_of(mss)) * THIRD >> 16;
  return ((uint32_t)exp2_table[log >> 2 & 63] << (log >> 8)) >> 8;
}

uint32_t cubic_window(uint32_t w_max, uint32_t k, uint32_t ticks, uint32_t mss)
{
  uint64_t d = ticks < k ? k - ticks : ticks - k;
  if (d > MAX_TICKS) d = MAX_TICKS;
  uint64_t cube = ((d * d >> 10) * d) >> 10;
  if (cube > UINT32_MAX) cube = UINT32_MAX;
  uint64_t apart = (cube * mss * C_TICKS) >> 20;
  if (ticks < k) return apart < w_max ? w_max - (uint32_t)apart : 0;
  return apart < NIC_CWND_MAX - (uint64_t)w_max ? w_max + (uint32_t)apart : NIC_CWND_MAX;
}
