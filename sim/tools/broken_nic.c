// SPDX-License-Identifier: Apache-2.0
// Linked around lockwire's own (--wrap), for tests of what a failing run does: what one of the judges is told of the NIC is wrong once.
// LW_BROKEN says which: `checker`, the 20th send step that retires; `monitor`, the 5th frame that leaves. Without it nothing is.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/monitor.h"

enum { STEP = 20, FRAME = 5, ACK_AT = 14 + 20 + 8 };

// glue.c; svBitVecVal is uint32_t, svBit a byte.
void __real_lw_retire_snd(unsigned long long host, int kind, int flow, unsigned long long now_us, const uint32_t *dd, int tail, int flags, const uint32_t *ctx,
                          const uint32_t *desc);
void __wrap_lw_retire_snd(unsigned long long host, int kind, int flow, unsigned long long now_us, const uint32_t *dd, int tail, int flags, const uint32_t *ctx,
                          const uint32_t *desc);
void __real_monitor_frame(struct monitor *m, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t at_us);
void __wrap_monitor_frame(struct monitor *m, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t at_us);

static bool broken(const char *judge)
{
  const char *which = getenv("LW_BROKEN");
  return which && !strcmp(which, judge);
}

void __wrap_lw_retire_snd(unsigned long long host, int kind, int flow, unsigned long long now_us, const uint32_t *dd, int tail, int flags, const uint32_t *ctx,
                          const uint32_t *desc)
{
  static unsigned steps;
  bool wrong = ++steps == STEP && broken("checker");
  __real_lw_retire_snd(host, kind, flow, now_us, dd, tail, wrong ? flags ^ 1 : flags, ctx, desc);   // whether a frame is sent
}

void __wrap_monitor_frame(struct monitor *m, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t at_us)
{
  static unsigned frames;
  static uint8_t copy[65536];
  if (way != MONITOR_SENT || ++frames != FRAME || !broken("monitor") || len > sizeof copy || len <= ACK_AT) {
    __real_monitor_frame(m, way, frame, len, at_us);
    return;
  }
  memcpy(copy, frame, len);
  copy[ACK_AT] ^= 0x40;
  __real_monitor_frame(m, way, copy, len, at_us);
}
