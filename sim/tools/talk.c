// SPDX-License-Identifier: Apache-2.0
#include "tools/talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REST_CYCLES = 100000, ROUNDS = 40, TSVAL_BASE = 5000000, MORE_IN = 20, MORE_OUT = 100, WIDE = 2000 };

// No two conversations say the same: what the rings still hold of an earlier one must not pass for right.
static uint8_t octet(const struct talk *t, unsigned at) { return (uint8_t)((at + t->number * 61) * 2654435761u >> 24); }
static uint8_t octet_in(const struct talk *t, unsigned at) { return octet(t, at + TALK_OCTETS); }
static uint8_t octet_out(const struct talk *t, unsigned at) { return octet(t, at); }

bool scene_wrong(struct scene *s, const char *fmt, ...)
{
  va_list ap;
  if (s->wrong[0]) return false;
  va_start(ap, fmt);
  vsnprintf(s->wrong, sizeof s->wrong, fmt, ap);
  va_end(ap);
  return false;
}

static struct engine *engine(struct scene *s) { return s->nic->base.engine; }

static struct talk *talk_of(struct scene *s, unsigned flow)
{
  for (unsigned i = 0; i < s->talks; i++)
    if (s->talk[i].flow == flow) return &s->talk[i];
  return NULL;
}

// --- what came out ---------------------------------------------------------------------------------------------------

// Octets of the NIC's stream that the peer has without a break; the FIN counts.
static unsigned heard(const struct talk *t)
{
  unsigned n = 0;
  while (n < TALK_OCTETS && t->came[n]) n++;
  return n + (t->fin_came && t->fin_at == n);
}

static void peer_hears(struct scene *s, struct talk *t, const struct segment *seg)
{
  unsigned at = (unsigned)seq_diff(seg->seq, t->o.snd), told = (unsigned)seq_diff(seg->ack, t->o.rcv);
  if (seg->flags & TCP_RST) {
    t->rst_came = true;
    return;
  }
  for (size_t i = 0; i < seg->payload_len; i++, at++) {
    if (at >= t->written || seg->payload[i] != octet_out(t, at)) {
      scene_wrong(s, "octet %u of what the NIC sends is not the host's", at);
      return;
    }
    t->came[at] = true;
  }
  if (seg->flags & TCP_FIN) {
    if (!t->closed || at != t->written) scene_wrong(s, "a FIN at %u, where the host has written %u octets", at, t->written);
    t->fin_came = true;
    t->fin_at = at;
  }
  if (told > t->told) t->told = told;   // may be that of a segment sent again
  if (seg->opt.has_timestamps) t->tsecr = seg->opt.tsval;
}

static void host_hears(struct scene *s)
{
  struct engine *e = engine(s);
  struct engine_event ev;
  struct talk *t;
  uint16_t flow;
  const uint8_t *data;
  size_t len;
  while (e->ops->next_event(e, &ev)) {
    if (!(t = talk_of(s, ev.flow))) scene_wrong(s, "an event of flow %u, which nobody opened", ev.flow);
    else t->now = ev;
  }
  while (e->ops->next_payload(e, &flow, &data, &len)) {
    if (!(t = talk_of(s, flow))) scene_wrong(s, "payload of flow %u, which nobody opened", flow);
    for (size_t i = 0; t && i < len; i++, t->given++)
      if (data[i] != octet_in(t, t->given)) scene_wrong(s, "octet %u that the host is given is not the peer's", t->given);
  }
}

static void listen(struct scene *s)
{
  unsigned flow;
  struct segment seg;
  struct slow_item item;
  struct talk *t;
  while (hand_hear(s->nic, &flow, &seg)) {
    if ((t = talk_of(s, flow))) peer_hears(s, t, &seg);
    else scene_wrong(s, "a frame that is nobody's");
  }
  host_hears(s);
  while (s->nic->base.ops->next_slow(&s->nic->base, &item)) {
    if (item.fence) {
      if (!item.ok) scene_wrong(s, "flow %u found no room in the flow table", item.flow);
    } else if (!s->talks || !(s->talk[0].let_go || s->talk[s->talks - 1].let_go)) {
      scene_wrong(s, "a frame of an open flow came by the slow path");
    }
  }
}

// --- turning ---------------------------------------------------------------------------------------------------------

static bool good(struct scene *s)
{
  if (hand_failed(s->nic)) scene_wrong(s, "the checker has found a difference");
  return !s->wrong[0];
}

bool scene_cycle(struct scene *s)
{
  unsigned one = 1;
  hand_run(s->nic, s->now_us, &one);
  return good(s);
}

bool scene_rest(struct scene *s)
{
  unsigned budget = REST_CYCLES;
  while (budget && hand_run(s->nic, s->now_us, &budget)) {}
  if (!good(s)) return false;
  if (!budget) return scene_wrong(s, "the NIC does not come to rest in %u cycles", (unsigned)REST_CYCLES);
  listen(s);
  return good(s);
}

bool scene_open(struct scene *s, const struct talk_options *o)
{
  struct talk *t = &s->talk[s->talks];
  uint16_t flow = (uint16_t)s->talks++;
  uint8_t scale = 0;
  while (scale < o->scale && 2u << scale < nic_build().rx_ring_bytes) scale++;
  *t = (struct talk){.o = *o, .number = s->opened++, .flow = flow, .wnd = o->scale ? 1 : WIDE};
  hand_open(s->nic, &(struct flow_open){
      .flow = flow, .snd_nxt = o->snd, .rcv_nxt = o->rcv, .snd_wnd = (uint32_t)t->wnd << o->scale, .mss = TALK_MSS, .rcv_mss = TALK_MSS,
      .snd_wscale = o->scale, .rcv_wscale = scale, .ts_ok = o->options, .sack_ok = o->options, .ts_recent = TSVAL_BASE,
      .tuning = {.user_timeout_ms = o->user_timeout_ms}});
  t->now = (struct engine_event){.flow = flow, .rx_ready = o->rcv, .tx_freed = o->snd};
  return scene_rest(s);
}

// --- events ----------------------------------------------------------------------------------------------------------

struct segment talk_segment(const struct talk *t)
{
  return (struct segment){.seq = seq_add(t->o.rcv, talk_next(t)), .ack = seq_add(t->o.snd, t->acked), .flags = TCP_ACK, .window = t->wnd};
}

unsigned talk_next(const struct talk *t)
{
  unsigned n = 0;
  while (n < TALK_OCTETS && t->sent[n]) n++;
  return n + (t->fin_sent && n == t->top);
}

void talk_frame(struct scene *s, const struct talk *t, struct event *e, const struct segment *seg)
{
  uint8_t payload[TALK_OCTETS], frame[HAND_FRAME];
  struct segment out = *seg;
  unsigned at = (unsigned)seq_diff(seg->seq, t->o.rcv);
  for (unsigned i = 0; i < seg->payload_len; i++) payload[i] = octet_in(t, at + i);
  out.payload = payload;
  if (t->o.options && !out.opt.has_timestamps) {
    out.opt.has_timestamps = true;
    out.opt.tsval = TSVAL_BASE + (uint32_t)(s->now_us >> 10);
    out.opt.tsecr = t->tsecr;
  }
  e->port = BY_FRAME;
  e->flow = t->flow;
  e->len = hand_frame(frame, t->flow, &out);
  memcpy(e->data, frame, e->len);
}

void talk_mark(struct talk *t, unsigned from, unsigned len)
{
  for (unsigned i = from; i < from + len; i++) t->sent[i] = true;
  if (t->top < from + len) t->top = from + len;
}

void talk_write(struct talk *t, struct event *e, unsigned len)
{
  e->port = BY_PAYLOAD;
  e->flow = t->flow;
  e->len = len;
  for (unsigned i = 0; i < len; i++) e->data[i] = octet_out(t, t->written++);
}

void event_put(struct scene *s, const struct event *e)
{
  struct engine *n = engine(s);
  if (e->port == BY_FRAME) hand_input(s->nic, e->data, e->len);
  if (e->port == BY_PAYLOAD) n->ops->payload(n, e->flow, e->data, e->len);
  if (e->port == BY_TIME) s->now_us += e->us;
  if (e->port != BY_COMMAND) return;
  switch (e->command) {
    case CMD_CLOSE: n->ops->close(n, e->flow); break;
    case CMD_ABORT: n->ops->abort(n, e->flow); break;
    case CMD_RELEASE: n->ops->release(n, e->flow); break;
    case CMD_CONSUME: n->ops->consume(n, e->flow, e->amount); break;
    default: n->ops->tune(n, e->flow, &e->tuning); break;
  }
}

unsigned event_cycles(const struct scene *s, const struct event *e)
{
  unsigned beat = s->nic->port.beat_bytes;
  return e->port == BY_FRAME || e->port == BY_PAYLOAD ? ((unsigned)e->len + beat - 1) / beat : 1;
}

// --- the end ---------------------------------------------------------------------------------------------------------

static void command(struct scene *s, const struct talk *t, enum host_cmd_e what, uint32_t amount)
{
  event_put(s, &(struct event){.port = BY_COMMAND, .flow = t->flow, .command = what, .amount = amount});
}

static unsigned ready(const struct talk *t) { return (unsigned)seq_diff(t->now.rx_ready, t->o.rcv); }
static unsigned freed(const struct talk *t) { return (unsigned)seq_diff(t->now.tx_freed, t->o.snd); }

static void host_finishes(struct scene *s, struct talk *t)
{
  struct event e = {0};
  if (ready(t) > t->asked) {
    command(s, t, CMD_CONSUME, ready(t) - t->asked);
    t->asked = ready(t);
  }
  if (t->closed) return;
  talk_write(t, &e, MORE_OUT);
  event_put(s, &e);
  command(s, t, CMD_CLOSE, 0);
  t->closed = true;
}

// All that the NIC has not acknowledged, in one segment, and the FIN.
static void peer_finishes(struct scene *s, struct talk *t)
{
  struct event e = {0};
  if (!t->fin_sent) talk_mark(t, t->top, MORE_IN);
  talk_mark(t, 0, t->top);
  t->fin_sent = true;
  t->acked = heard(t);
  t->wnd = t->o.scale ? 2 : WIDE;
  unsigned from = t->told < t->top ? t->told : t->top + (t->told > t->top);
  struct segment seg = talk_segment(t);
  seg.seq = seq_add(t->o.rcv, from);
  if (from <= t->top) {
    seg.payload_len = t->top - from;
    seg.flags |= TCP_FIN;
  }
  talk_frame(s, t, &e, &seg);
  event_put(s, &e);
}

static bool whole(const struct talk *t)
{
  return t->now.peer_closed && t->given == t->top && t->told == t->top + 1 && t->now.fin_acked && freed(t) == t->written + 1;
}

static bool lost(const struct talk *t) { return t->now.reset || t->now.timed_out || t->aborted || t->let_go; }

static bool converse(struct scene *s, struct talk *t)
{
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct talk was = *t;
    if (lost(t) || whole(t)) return true;
    host_finishes(s, t);
    peer_finishes(s, t);
    if (!scene_rest(s)) return false;
    uint64_t next_us = s->nic->base.ops->deadline(&s->nic->base);
    if (heard(&was) == heard(t) && was.told == t->told && next_us != UINT64_MAX && next_us > s->now_us) s->now_us = next_us;
    if (!scene_rest(s)) return false;
  }
  return scene_wrong(s, "the conversation does not end: the host was given %u of %u octets, the peer %u of %u; FIN of the peer %s, of the host %s",
                     t->given, t->top, heard(t), t->written, t->now.peer_closed ? "taken" : "not taken", t->now.fin_acked ? "acknowledged" : "not acknowledged");
}

static enum talk_how how(const struct talk *t)
{
  return t->let_go ? TALK_RELEASED : t->now.reset ? TALK_RESET : t->aborted ? TALK_ABORTED : t->now.timed_out ? TALK_TIMED_OUT : TALK_WHOLE;
}

bool scene_finish(struct scene *s, struct talk *t, struct talk_end *end)
{
  if (!scene_rest(s) || !converse(s, t)) return false;
  *end = (struct talk_end){.how = how(t), .ready = ready(t), .peer_closed = t->now.peer_closed, .rst_came = t->rst_came};
  if (t->let_go) *end = (struct talk_end){.how = TALK_RELEASED};
  if (end->how == TALK_WHOLE && t->rst_came) return scene_wrong(s, "the NIC sent RST");
  if (t->let_go ? !t->now.released : t->now.released) return scene_wrong(s, "the host was %s that the flow is released", t->let_go ? "not told" : "told");
  if (t->given != t->asked && !t->let_go) return scene_wrong(s, "the host was given %u of %u octets", t->given, t->asked);
  if (!t->let_go) command(s, t, CMD_RELEASE, 0);
  t->let_go = true;
  if (!scene_rest(s)) return false;
  return t->now.released || scene_wrong(s, "the host was not told that the flow is released");
}

bool scene_drop(struct scene *s)
{
  for (unsigned i = 0; i < s->talks; i++) {
    s->talk[i].let_go = true;
    command(s, &s->talk[i], CMD_RELEASE, 0);
  }
  return scene_rest(s);
}

bool talk_ends_equal(const struct talk_end *a, const struct talk_end *b)
{
  return a->how == b->how && a->ready == b->ready && a->peer_closed == b->peer_closed && a->rst_came == b->rst_came;
}
