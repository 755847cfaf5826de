// SPDX-License-Identifier: Apache-2.0
// Cycle by cycle; and how a run ends.
#include <stdio.h>
#include <string.h>

#include "fuzz/bed_priv.h"

enum { REST_CYCLES = 400000, ROUNDS = 40 };
#define PATIENCE_US UINT64_C(2400000000)   // far above the longest back-off

// --- what came out -----------------------------------------------------------------------------------------------------

static bool judged(struct bed *b)
{
  const struct monitor_violation *v = b->monitor ? monitor_verdict(b->monitor) : NULL;
  if (!v) return true;
  char text[BED_WHY] = "";
  FILE *f = fmemopen(text, sizeof text - 1, "w");
  if (f) {
    monitor_print(f, v);
    fclose(f);
  }
  return bed_wrong(b, "wire monitor: %s", text);
}

static void hear_frame(struct bed *b, const uint8_t *frame, size_t len)
{
  struct segment s;
  unsigned port = hand_flow_of(frame, len, &s);
  if (b->monitor) monitor_frame(b->monitor, MONITOR_SENT, frame, len, b->now_us);
  if (b->watch->frame) b->watch->frame(b->watch->user, MONITOR_SENT, frame, len, b->now_us);
  for (unsigned i = 0; i < STEP_FLOWS; i++)
    if (b->flow[i].state != FLOW_FREE && b->flow[i].port == port && s.opt.has_timestamps) b->flow[i].tsval = s.opt.tsval;
}

static void hear_slow(struct bed *b, const struct slow_item *it)
{
  if (!it->fence) {
    bed_says(b, "a frame of %zu bytes comes by the slow path", it->len);
    return;
  }
  if (it->flow >= STEP_FLOWS || b->flow[it->flow].state != FLOW_OPENING) {
    bed_wrong(b, "a fence of flow %u, which does not open", it->flow);
    return;
  }
  b->flow[it->flow].state = it->ok ? FLOW_OPEN : FLOW_REFUSED;
  bed_says(b, "flow %u is %s", it->flow, it->ok ? "open" : "refused: the flow table is full");
}

static void hear_event(struct bed *b, const struct engine_event *e)
{
  if (e->flow >= STEP_FLOWS || b->flow[e->flow].state == FLOW_FREE) {
    bed_wrong(b, "an event of flow %u, which nobody opened", e->flow);
    return;
  }
  struct bed_flow *f = &b->flow[e->flow];
  bed_says(b, "flow %u: %d octets to be read, %d to be acknowledged%s%s%s%s%s", e->flow, seq_diff(e->rx_ready, f->asked), seq_diff(f->written, e->tx_freed),
           e->peer_closed ? ", peer closed" : "", e->reset ? ", reset" : "", e->fin_acked ? ", FIN acknowledged" : "", e->timed_out ? ", timed out" : "",
           e->released ? ", released" : "");
  f->now = *e;
  if (!e->released) return;
  if (f->state == FLOW_LET_GO) f->state = FLOW_FREE;
  else bed_wrong(b, "flow %u is released, and nobody let go of it", e->flow);
}

static void hear(struct bed *b)
{
  struct carrier *c = &b->nic->base;
  struct engine_event e;
  struct slow_item item;
  const uint8_t *data;
  size_t len;
  uint16_t flow;
  b->nic->port.woken = false;
  while (c->ops->next_frame(c, &data, &len)) hear_frame(b, data, len);
  while (c->ops->next_slow(c, &item)) hear_slow(b, &item);
  while (b->engine->ops->next_event(b->engine, &e)) hear_event(b, &e);
  while (b->engine->ops->next_payload(b->engine, &flow, &data, &len)) {}   // the checker has held it against what came in
}

// --- cycles ------------------------------------------------------------------------------------------------------------

static bool good(struct bed *b)
{
  if (hand_failed(b->nic)) return bed_wrong(b, "the checker has found a difference: %s", check_failed_rule(b->nic->glue.check));
  return !b->why[0] && judged(b);
}

static unsigned let_in(const struct bed *b)
{
  static const unsigned port[STEP_PORTS] = {MODEL_HAVE_RX, MODEL_HAVE_SLOW, MODEL_HAVE_PIN, MODEL_HAVE_CMD};
  unsigned have = nic_inputs(b->nic), at = b->nic->cycles % 8;
  for (int i = 0; i < STEP_PORTS; i++)
    if (b->throttle[i] != UINT8_MAX && b->throttle[i] >> at & 1) have &= ~port[i];
  return have;
}

bool bed_cycle(struct bed *b)
{
  nic_replay_cycle(b->nic, let_in(b), b->now_us);
  if (b->nic->port.woken) hear(b);
  return good(b);
}

bool bed_rest(struct bed *b)
{
  for (unsigned i = 0; i < REST_CYCLES; i++) {
    uint64_t next_us = b->nic->base.ops->deadline(&b->nic->base);
    if (!nic_inputs(b->nic) && next_us > b->now_us) {
      check_quiescent(b->nic->glue.check, next_us);
      memset(b->on_way, 0, sizeof b->on_way);
      return good(b);
    }
    if (!bed_cycle(b)) return false;
  }
  return bed_wrong(b, "the NIC does not come to rest in %u cycles", (unsigned)REST_CYCLES);
}

// --- the end -----------------------------------------------------------------------------------------------------------

static bool lost(const struct bed_flow *f) { return f->state != FLOW_OPEN || f->aborted || f->now.reset || f->now.timed_out; }
static bool whole(const struct bed_flow *f) { return f->now.fin_acked && f->now.peer_closed; }

static void host_ends(struct bed *b, struct bed_flow *f)
{
  uint32_t n = (uint32_t)seq_diff(f->now.rx_ready, f->asked);
  if (n) b->engine->ops->consume(b->engine, f->o.flow, n);
  f->asked = f->now.rx_ready;
  if (!f->closed) b->engine->ops->close(b->engine, f->o.flow);
  f->closed = true;
}

// What fills the first hole, or goes to where somebody has claimed to be already: windows are taken from there on only (SND.WL1).
static uint32_t missing(const struct rcv_ctx *c)
{
  const struct seq start[] = {c->ooo0_start, c->ooo1_start, c->ooo2_start, c->ooo3_start};
  uint32_t n = seq_lt(c->nxt, c->wl1) ? (uint32_t)seq_diff(c->wl1, c->nxt) : 0;
  for (unsigned i = 0; i < c->ooo_n; i++) {
    uint32_t hole = (uint32_t)seq_diff(start[i], c->nxt);
    if (!n || hole < n) n = hole;
  }
  bool ends = c->fin_vld && seq_leq(c->nxt, c->fin_seq);   // one behind which data came is passed over
  return ends && (!n || (uint32_t)seq_diff(c->fin_seq, c->nxt) < n) ? (uint32_t)seq_diff(c->fin_seq, c->nxt) : n;
}

static void peer_ends(struct bed *b, struct bed_flow *f)
{
  const struct rcv_ctx *rcv;
  const struct snd_ctx *snd;
  uint8_t frame[HAND_FRAME];
  if (!b->engine->contexts(b->engine, f->o.flow, &rcv, &snd)) return;
  struct segment s = {.seq = rcv->nxt, .ack = snd->max, .flags = TCP_ACK, .window = UINT16_MAX >> (f->o.snd_wscale / 2)};
  if (!rcv->fin_done) {
    s.payload_len = missing(rcv);
    if (!s.payload_len || (rcv->fin_vld && seq_eq(rcv->fin_seq, rcv->nxt))) s.flags |= TCP_FIN;
  }
  size_t len = bed_honest(b, f, &s, frame);
  bed_input(b, frame, len);
}

// How far the two streams have come.
static uint64_t progress(struct bed *b, const struct bed_flow *f)
{
  const struct rcv_ctx *rcv;
  const struct snd_ctx *snd;
  if (!b->engine->contexts(b->engine, f->o.flow, &rcv, &snd)) return 0;
  return (uint64_t)(uint32_t)(seq_diff(snd->una, f->o.snd_nxt) + seq_diff(snd->max, f->o.snd_nxt)) << 32
         | (uint32_t)(seq_diff(rcv->nxt, f->o.rcv_nxt) + seq_diff(f->now.tx_freed, f->o.snd_nxt));
}

static bool talk_of(struct bed *b, struct bed_flow *f)
{
  uint64_t was = 0, since_us = b->now_us;
  for (unsigned idle = 0; !lost(f) && !whole(f); idle++) {
    if (idle == ROUNDS || b->now_us - since_us > PATIENCE_US)
      return bed_wrong(b, "flow %u does not come to its end: peer's FIN %s, host's %s", f->o.flow, f->now.peer_closed ? "taken" : "not taken",
                       f->now.fin_acked ? "acknowledged" : "not acknowledged");
    host_ends(b, f);
    peer_ends(b, f);
    if (!bed_rest(b)) return false;
    uint64_t next_us = b->nic->base.ops->deadline(&b->nic->base), is = progress(b, f);
    if (is != was) since_us = b->now_us;
    else if (next_us != UINT64_MAX) b->now_us = next_us;
    if (is != was || next_us != UINT64_MAX) idle = 0;   // of the others, too, time may have things to do
    was = is;
    if (!bed_rest(b)) return false;
  }
  return true;
}

// Each flow in turn says what is left to say, without pacing, until its two ends have closed, or time has ended it.
bool bed_talk(struct bed *b)
{
  bed_says(b, "from here on both ends are honest, and close");
  memset(b->throttle, 0, sizeof b->throttle);
  for (unsigned i = 0; i < STEP_FLOWS; i++)
    if (!lost(&b->flow[i])) b->engine->ops->tune(b->engine, (uint16_t)i, &(struct flow_tuning){0});
  for (unsigned i = 0; i < STEP_FLOWS; i++)
    if (!talk_of(b, &b->flow[i])) return false;
  return true;
}

bool bed_release(struct bed *b)
{
  for (unsigned i = 0; i < STEP_FLOWS; i++) {
    struct bed_flow *f = &b->flow[i];
    if (f->state != FLOW_OPEN && f->state != FLOW_REFUSED) continue;
    f->state = FLOW_LET_GO;
    b->engine->ops->release(b->engine, (uint16_t)i);
  }
  if (!bed_rest(b)) return false;
  for (unsigned i = 0; i < STEP_FLOWS; i++)
    if (b->flow[i].state != FLOW_FREE) return bed_wrong(b, "flow %u is let go of, and the host is not told that it is released", i);
  return true;
}
