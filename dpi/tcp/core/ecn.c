// SPDX-License-Identifier: Apache-2.0
// ECN (RFC 3168) of a flow, beside its two contexts. Nothing here does anything for a flow that has not agreed to it.
#include "tcp/core/core.h"

// Marks count only on what lies in the window (section 6.1.5): who sends blindly could slow us down.
static bool in_window(enum rcv_class_e class_id) { return class_id == RCV_ACCEPT || class_id == RCV_OUT_OF_ORDER || class_id == RCV_NO_INTERVAL; }

// Section 6.1.3: from marked data on, until the peer has slowed down; what bears both left after that.
static void note_mark(struct core_ecn *e, enum rcv_class_e class_id, const struct ecn_arrival *s)
{
  if (!e->echoes || !s->len || !in_window(class_id)) return;
  e->echo = s->ce || (e->echo && !s->cwr);
}

// Whatever the window was reduced for, the peer hears of it with the first new data (section 6.1.2).
static void slowed(struct core_ecn *e, const struct snd_ctx *c)
{
  e->slow = e->cwr = true;
  e->until = c->max;
}

// Once a window, be it for marks or for loss (section 6.1.2): what is lost now had left before the window was reduced for a mark.
// The segments by which duplicate ACKs opened the window stay.
static void reduce_no_further(struct snd_ctx *c, uint32_t ssthresh)
{
  c->cwnd += ssthresh - c->ssthresh;
  c->ssthresh = ssthresh;
}

// As to loss. The window lasts until something that left behind the reduction is acknowledged: the CWR that went with it has reached the
// peer then. Never to more than it was.
static void reduce(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, const struct snd_ctx *was)
{
  if (c->cwnd > was->cwnd) c->cwnd = was->cwnd;
  if (e->slow) return;
  cc_step(caps, c, &(struct cc_in){.kind = CC_LOSS, .sack = true, .flight = (uint32_t)seq_diff(was->max, was->una)});
  if (c->cwnd > was->cwnd) c->cwnd = was->cwnd;
  slowed(e, c);
}

// An ACK that counts, and is not one that others have overtaken: the peer may have heard of our reduction since.
static bool heard(const struct rcv_actions *r, struct seq una)
{
  return (r->forward || in_window(r->class_id)) && seq_leq(una, r->dd.ack);
}

// What the marks change once snd_ack has made of `was` what c is now.
static void note_ack(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, const struct snd_ctx *was, bool ece)
{
  bool recovers = c->recovery && !(was->recovery && seq_eq(c->recover, was->recover));   // another may follow at once
  if (recovers && e->slow && seq_lt(c->una, e->until)) reduce_no_further(c, was->ssthresh);
  else if (recovers) slowed(e, c);
  if (seq_lt(e->until, c->una)) e->slow = false;
  if (ece && !c->recovery) reduce(caps, e, c, was);
}

void ecn_segment(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, const struct ecn_arrival *s, const struct rcv_actions *r,
                 uint64_t now_us)
{
  note_mark(e, r->class_id, s);
  if (!e->marks) {
    if (r->forward) snd_ack(caps, c, &r->dd, now_us);
    return;
  }
  struct snd_ctx was = *c;
  if (r->forward) snd_ack(caps, c, &r->dd, now_us);
  note_ack(caps, e, c, &was, s->ece && heard(r, was.una));
}

struct snd_actions ecn_timeout(const struct core_caps *caps, struct core_ecn *e, struct snd_ctx *c, uint64_t now_us)
{
  uint32_t cwnd_was = c->cwnd;
  struct snd_actions a = snd_timeout(caps, c, now_us);
  if (e->marks && c->cwnd < cwnd_was) slowed(e, c);   // a probe of a closed window is no loss
  return a;
}

struct ecn_header ecn_leaves(struct core_ecn *e, const struct snd_ctx *c, const struct tx_desc *d, bool rexmit)
{
  bool fresh = e->marks && d->kind == TX_DATA && d->len && !rexmit && c->wnd;   // sections 6.1.5 and 6.1.6: neither again nor a probe
  struct ecn_header h = {.capable = fresh, .cwr = fresh && e->cwr, .ece = e->echo && d->kind != TX_RST};
  if (h.cwr) e->cwr = false;
  return h;
}
