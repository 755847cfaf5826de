// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/recq.h"
#include "carrier.h"
#include "tcp/ref.h"

struct carrier_ref {
  struct carrier base;       // first
  struct ref *ref;
  struct recq slow, out;     // frames for the stack; frames of the stack
  bool slow_lent, out_lent;  // the head record was given away
};

static struct carrier_ref *of(struct carrier *c) { return (struct carrier_ref *)c; }

static bool take(struct recq *q, bool *lent, const uint8_t **frame, size_t *len)
{
  uint32_t tag;
  if (*lent) recq_pop(q);
  return *lent = recq_peek(q, &tag, frame, len);
}

static void ref_carrier_input(struct carrier *c, const uint8_t *frame, size_t len, uint64_t now_us)
{
  struct carrier_ref *r = of(c);
  if (!ref_input(r->ref, frame, len, now_us)) recq_put(&r->slow, 0, frame, len);
}

static void ref_carrier_slow_input(struct carrier *c, const uint8_t *frame, size_t len) { recq_put(&of(c)->out, 0, frame, len); }

static bool ref_carrier_due(struct carrier *c, uint64_t now_us)
{
  const struct carrier_ref *r = of(c);
  return ref_pending(r->ref) || ref_next_deadline(r->ref) <= now_us || recq_records(&r->slow) > r->slow_lent;
}

static bool ref_carrier_run(struct carrier *c, uint64_t now_us, unsigned *budget)
{
  struct carrier_ref *r = of(c);
  if (!ref_carrier_due(c, now_us)) return false;
  if (*budget) --*budget;
  ref_run(r->ref, now_us);
  return true;
}

// A fence lies behind every frame that came before its flow was open: those still wait here.
static bool ref_carrier_next_slow(struct carrier *c, struct slow_item *it)
{
  struct carrier_ref *r = of(c);
  *it = (struct slow_item){0};
  if (take(&r->slow, &r->slow_lent, &it->frame, &it->len)) return true;
  return it->fence = ref_next_fence(r->ref, &it->flow, &it->ok);
}

static bool ref_carrier_next_frame(struct carrier *c, const uint8_t **frame, size_t *len)
{
  struct carrier_ref *r = of(c);
  return take(&r->out, &r->out_lent, frame, len) || ref_next_frame(r->ref, frame, len);
}

static uint64_t ref_carrier_deadline(struct carrier *c) { return ref_next_deadline(of(c)->ref); }

static struct carrier_figures ref_carrier_figures(struct carrier *c)
{
  const struct ref_stats *s = ref_stats(of(c)->ref);
  return (struct carrier_figures){s->rx_bytes, s->tx_bytes, s->timeouts, s->retransmissions};
}

static struct check *ref_carrier_failed(struct carrier *c)
{
  (void)c;
  return NULL;
}

static const char *ref_carrier_broken(struct carrier *c)
{
  (void)c;
  return NULL;
}

static void ref_carrier_close(struct carrier *c)
{
  struct carrier_ref *r = of(c);
  ref_close(r->ref);
  recq_free(&r->slow);
  recq_free(&r->out);
  free(r);
}

static const struct carrier_ops ops = {
    .input = ref_carrier_input, .slow_input = ref_carrier_slow_input, .due = ref_carrier_due, .run = ref_carrier_run,
    .next_slow = ref_carrier_next_slow, .next_frame = ref_carrier_next_frame, .deadline = ref_carrier_deadline,
    .figures = ref_carrier_figures, .failed = ref_carrier_failed, .broken = ref_carrier_broken,
    .close = ref_carrier_close,
};

struct carrier *carrier_ref_open(struct ref *ref)
{
  struct carrier_ref *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  *r = (struct carrier_ref){.base = {&ops, ref_engine(ref)}, .ref = ref};
  return &r->base;
}
