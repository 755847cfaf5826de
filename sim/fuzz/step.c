// SPDX-License-Identifier: Apache-2.0
#include "fuzz/step.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/segment.h"

const char *const step_kind_name[STEP_KINDS] = {
    "segment", "open", "write", "consume", "close", "abort", "release", "tune", "time", "throttle", "frame", "slow",
};

struct step_head step_head(const uint8_t *data, size_t size)
{
  // The second to last is where a 32-bit count of microseconds would wrap, the last where the time stamps do.
  static const uint64_t day[4] = {1000000, 5, (1ull << 32) - 20000, (1ull << 42) - 30000};
  struct step_head h = {.now_us = day[0]};
  if (size < STEP_BYTES) return h;
  h.talk = data[0] & 1;
  h.now_us = day[data[1] & 3];
  memcpy(h.throttle, data + 2, sizeof h.throttle);
  return h;
}

unsigned step_count(size_t size)
{
  size_t n = size / STEP_BYTES;
  return n < 1 ? 0 : n > STEP_MOST ? STEP_MOST : (unsigned)(n - 1);
}

struct step step_read(const uint8_t *data, unsigned i)
{
  const uint8_t *p = data + (size_t)(i + 1) * STEP_BYTES;
  unsigned gap = p[K_GAP];
  struct step s = {
      .kind = (enum step_kind)(p[K_KIND] % STEP_KINDS), .flow = p[K_FLOW] % STEP_FLOWS,
      .gap = gap < GAP_EXACT ? gap : gap < GAP_COARSE ? (gap - GAP_EXACT) * COARSE_CYCLES : STEP_REST,
      .base = p[K_BASE], .flags = p[K_FLAGS] ^ TCP_ACK, .wnd = p[K_WND], .opt = p[K_OPT], .mangle = p[K_MANGLE] % MANGLES,
      .x = p[K_X], .y = p[K_Y], .a = (int16_t)get_le16(p + K_A), .b = (int16_t)get_le16(p + K_B), .len = get_le16(p + K_LEN)};
  memcpy(s.sack, p + K_SACK, sizeof s.sack);
  return s;
}
