// SPDX-License-Identifier: Apache-2.0
// ECN (RFC 3168) of a flow, beside its two contexts. Nothing here does anything for a flow that has not agreed to it.
#include "tcp/core/core.h"

void ecn_arrived(struct core_ecn *e, enum rcv_class_e class_id, uint32_t len, bool marked, bool cwr)
{
  bool counts = class_id == RCV_ACCEPT || class_id == RCV_OUT_OF_ORDER || class_id == RCV_DUPLICATE;
  if (!e->ok || !counts || !len) return;
  if (cwr) e->echo = false;
  if (marked) e->echo = true;          // of what has left after the peer slowed down
}

// Whatever the window was reduced for, the peer hears of it with the first new data (section 6.1.2).
static void slowed(struct core_ecn *e, const struct snd_ctx *c)
{
  e->slow = e->cwr = true;
  e->until = c->max;
}

// As to loss, once a window: a window lasts until something that left behind the reduction is acknowledged, and so the CWR that
// went with it has reached the peer. Recovery has reduced already.
static void echoed(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, uint32_t cwnd_was)
{
  if (c->recovery) return;
  if (c->cwnd > cwnd_was) c->cwnd = cwnd_was;   // no growth by such an ACK
  if (e->slow && seq_leq(c->una, e->until)) return;
  cc_step(caps, c, &(struct cc_in){.kind = CC_LOSS, .sack = true, .flight = (uint32_t)seq_diff(c->max, c->una)});
  slowed(e, c);
}

struct snd_actions ecn_ack(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, const struct dd_in *ev, bool ece, uint64_t now_us)
{
  uint32_t cwnd_was = c->cwnd;
  bool recovered = c->recovery;
  struct snd_actions a = ev ? snd_ack(caps, c, ev, now_us) : (struct snd_actions){0};
  if (!e->ok || !c->open) return a;
  if (!recovered && c->recovery) slowed(e, c);
  if (ece) echoed(caps, e, c, cwnd_was);
  return a;
}

void ecn_timed_out(struct core_ecn *e, const struct snd_ctx *c)
{
  if (e->ok) slowed(e, c);
}

struct ecn_header ecn_leaves(struct core_ecn *e, const struct snd_ctx *c, const struct tx_desc *d, bool rexmit)
{
  bool fresh = e->ok && d->kind == TX_DATA && d->len && !rexmit && c->wnd;   // sections 6.1.5 and 6.1.6: neither again nor a probe
  struct ecn_header h = {.capable = fresh, .cwr = fresh && e->cwr, .ece = e->echo && d->kind != TX_RST};
  if (h.cwr) e->cwr = false;
  return h;
}
