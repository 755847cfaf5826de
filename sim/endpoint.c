// SPDX-License-Identifier: Apache-2.0
#include "endpoint.h"

#include <string.h>

bool endpoint_open(struct endpoint *e, const struct stack_config *c, struct carrier *carrier, const struct endpoint_owner *owner,
                   uint64_t now_us)
{
  *e = (struct endpoint){.carrier = carrier, .owner = *owner, .now_us = now_us, .poked = true};
  e->stack = carrier ? stack_open(c, carrier->engine, now_us) : NULL;
  return e->stack;
}

void endpoint_close(struct endpoint *e)
{
  stack_close(e->stack);
  e->stack = NULL;
  if (e->carrier) e->carrier->ops->close(e->carrier);
  recq_free(&e->looped);
  e->carrier = NULL;
}

void endpoint_input(struct endpoint *e, const uint8_t *frame, size_t len, uint64_t now_us)
{
  e->now_us = now_us;
  e->carrier->ops->input(e->carrier, frame, len, now_us);
}

void endpoint_poke(struct endpoint *e) { e->poked = true; }

static void leave(struct endpoint *e, const uint8_t *frame, size_t len)
{
  if (stack_loops(e->stack, frame, len)) recq_put(&e->looped, 0, frame, len);
  else e->owner.send(e->owner.arg, frame, len);
}

// Our own frames in again. Those that this makes wait for the next round.
static bool take_looped(struct endpoint *e)
{
  size_t n = recq_records(&e->looped);
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  for (size_t i = 0; i < n && recq_peek(&e->looped, &tag, &data, &len); i++) {
    e->carrier->ops->input(e->carrier, data, len, e->now_us);
    recq_pop(&e->looped);
  }
  return n > 0;
}

// The stack's turn: what came out of the carrier, what is due, the programs; and what they make of it.
static void serve(struct endpoint *e)
{
  struct carrier *c = e->carrier;
  struct slow_item it;
  const uint8_t *data;
  size_t len;
  e->poked = false;
  while (c->ops->next_slow(c, &it)) {
    if (it.fence) stack_fence(e->stack, it.flow, it.ok, e->now_us);
    else stack_input(e->stack, it.frame, it.len, e->now_us);
  }
  stack_poll(e->stack, e->now_us);
  e->owner.serve(e->owner.arg);
  while ((len = stack_output(e->stack, e->frame, sizeof e->frame)) > 0) c->ops->slow_input(c, e->frame, len);
  while (c->ops->next_frame(c, &data, &len)) leave(e, data, len);
}

bool endpoint_turn(struct endpoint *e, uint64_t now_us, unsigned budget)
{
  struct carrier *c = e->carrier;
  e->now_us = now_us;
  bool any = false, more = take_looped(e) || e->poked || stack_next_deadline(e->stack) <= now_us;
  if (more) serve(e);
  while (budget && (c->ops->run(c, now_us, &budget) || e->poked)) {
    any = true;
    serve(e);
    take_looped(e);
  }
  return any || more || !recq_empty(&e->looped);
}

uint64_t endpoint_deadline(const struct endpoint *e)
{
  uint64_t stack = stack_next_deadline(e->stack), carrier = e->carrier->ops->deadline(e->carrier);
  return stack < carrier ? stack : carrier;
}
