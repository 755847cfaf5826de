// SPDX-License-Identifier: Apache-2.0
// What the fuzzer is told of a run beside the edges of the code: which steps the NIC retired on a flow one after the other, how near
// to each other, and in which states it found the flow's contexts. The linker puts this between glue and checker (--wrap).
#include <string.h>

#include "check/check.h"
#include "fuzz/feedback.h"

enum { COUNTERS = 1 << 15, FLOWS = 16, NEAR = 5 };

// libFuzzer looks for what changed here as it does for edges, and clears it.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counter[COUNTERS];

static struct {
  uint64_t cycle, last_cycle[FLOWS];
  uint32_t last[FLOWS];
} seen;

void feedback_clear(void) { memset(&seen, 0, sizeof seen); }

static void count(uint32_t what) { counter[(what * 2654435761u) >> 17] = 1; }

// A step: of what kind, in which state. Coarse, or nearly every run would be a new one.
static void step(unsigned flow, uint32_t what, uint32_t state)
{
  if (flow >= FLOWS) return;
  uint64_t since = seen.cycle - seen.last_cycle[flow];
  count(what << 16 | seen.last[flow] << 4 | (uint32_t)(since < NEAR ? since : NEAR));
  count(1u << 31 | what << 20 | state);
  seen.last[flow] = what;
  seen.last_cycle[flow] = seen.cycle;
}

static uint32_t some(uint32_t n) { return n == 0 ? 0 : n < 4 ? 1 : 2; }

static uint32_t rcv_state(const struct rcv_ctx *c)
{
  uint32_t full = seq_diff(c->wnd_end, c->nxt) < c->mss;
  return (uint32_t)c->fin_done | (uint32_t)c->fin_vld << 1 | (uint32_t)c->delack_vld << 2 | some(c->ooo_n) << 3 | full << 5;
}

static uint32_t snd_state(const struct snd_ctx *c)
{
  uint32_t flags = (uint32_t)c->probe | (uint32_t)c->gave_up << 1 | (uint32_t)c->recovery << 2 | (uint32_t)c->rto_vld << 3;
  uint32_t place = (uint32_t)seq_eq(c->una, c->nxt) | (uint32_t)seq_eq(c->nxt, c->max) << 1 | (uint32_t)(c->wnd == 0) << 2;
  return flags | some(c->sack_n) << 4 | (uint32_t)(c->dup_acks > 2) << 6 | (uint32_t)(c->backoff > 0) << 7 | place << 8;
}

void __wrap_check_cycle(struct check *k, uint64_t cycle, uint64_t now_us)
{
  seen.cycle = cycle;
  __real_check_cycle(k, cycle, now_us);
}

void __wrap_check_frame(struct check *k, enum rx_class_e class_id)
{
  count(1u << 30 | class_id);
  __real_check_frame(k, class_id);
}

void __wrap_check_rcv(struct check *k, const struct check_rcv *e)
{
  step(e->flow, (uint32_t)e->kind << 5 | (uint32_t)(e->kind == REV_SEGMENT ? e->class_id : 0) << 1 | e->ack_now, rcv_state(&e->ctx));
  __real_check_rcv(k, e);
}

void __wrap_check_snd(struct check *k, const struct check_snd *e)
{
  step(e->flow, 256u | (uint32_t)e->kind << 4 | (uint32_t)(e->kind == SEV_INCOMING ? e->dd.kind : e->emit ? 4 + e->desc.kind : 0), snd_state(&e->ctx));
  __real_check_snd(k, e);
}

void __wrap_check_sample(struct check *k, const struct check_sample *e)
{
  count(3u << 29 | (uint32_t)e->desc.kind << 4 | (uint32_t)e->owed << 3 | (uint32_t)e->frame << 2 | (uint32_t)e->dup.vld << 1 | e->desc.fin);
  __real_check_sample(k, e);
}
