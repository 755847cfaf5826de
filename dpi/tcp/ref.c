// SPDX-License-Identifier: Apache-2.0
#include "tcp/ref.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/recq.h"
#include "base/rng.h"
#include "base/timers.h"
#include "net/eth.h"
#include "net/ipv4.h"
#include "net/tuple.h"
#include "tcp/segment.h"

enum {
  HEADERS = ETH_HDR_BYTES + IPV4_HDR_BYTES,
  BURST = 16,              // segments of a flow before the next has its turn
  SEGMENT_MAX = 9000,
  R1 = 3,                  // retransmissions in vain before the host hears of it
};

struct ref_flow {
  struct tuple_node node;  // first: the map's node is the flow
  struct timer timer;
  struct flow_open o;
  struct rcv_ctx rcv;
  struct snd_ctx snd;
  struct core_ecn ecn;
  struct sent_mirror sent;
  uint8_t *tx, *rx;        // rings, in one piece that begins at tx; a byte's place is the low bits of its sequence number
  struct seq tail, consumed;
  bool used, fin, failed;  // failed: no memory for the rings
  bool ack_bit;
  uint8_t ack_now;
  struct dsack dup;        // to be reported by the next header without payload
  struct engine_event level;
  struct flow_tuning tuning;
  uint64_t keep_at_us;     // with tuning.keep_idle_ms: when the peer's silence is looked at
  uint8_t keep_probes;     // unanswered
  struct ref_flow *next_ready, *next_event;
  bool ready, dirty;
};

// A first-in first-out list through a member of the flows.
struct fifo {
  struct ref_flow *head, **tail;
};

struct ref {
  struct engine engine;    // first: the engine's functions get this
  struct core_caps caps;
  struct ref_flow *flows;
  struct tuple_map map;
  struct timers timers;
  struct fifo ready, dirty;
  struct recq tx, fences, pout;
  bool tx_lent, pout_lent;
  uint64_t now_us;
  struct ref_stats stats;
  uint8_t payload[SEGMENT_MAX], segment[SEGMENT_MAX + TCP_HEADER_MAX];
};

static struct ref *ref_of(struct engine *e) { return (struct ref *)e; }

// --- rings -----------------------------------------------------------------------------------------------------------

static void ring_put(uint8_t *ring, uint32_t size, struct seq at, const uint8_t *p, uint32_t len)
{
  assert(len <= size);
  uint32_t place = at.v & (size - 1), first = len < size - place ? len : size - place;
  memcpy(ring + place, p, first);
  memcpy(ring, p + first, len - first);
}

static void ring_get(const uint8_t *ring, uint32_t size, struct seq at, uint8_t *p, uint32_t len)
{
  assert(len <= size);
  uint32_t place = at.v & (size - 1), first = len < size - place ? len : size - place;
  memcpy(p, ring + place, first);
  memcpy(p + first, ring, len - first);
}

// --- what is to be done ------------------------------------------------------------------------------------------------

static void wake(struct ref *r, struct ref_flow *f)
{
  if (f->ready || !f->used) return;
  f->ready = true;
  f->next_ready = NULL;
  *r->ready.tail = f;
  r->ready.tail = &f->next_ready;
}

static void tell(struct ref *r, struct ref_flow *f)
{
  if (f->dirty) return;
  f->dirty = true;
  f->next_event = NULL;
  *r->dirty.tail = f;
  r->dirty.tail = &f->next_event;
}

static void set_timer(struct ref *r, struct ref_flow *f)
{
  uint64_t at = snd_deadline(&f->snd);
  if (f->rcv.delack_vld && f->rcv.delack_us < at) at = f->rcv.delack_us;
  if (f->tuning.keep_idle_ms && f->snd.open && !f->snd.gave_up && f->keep_at_us < at) at = f->keep_at_us;
  if (at == UINT64_MAX || !f->used) timers_cancel(&r->timers, &f->timer);
  else timers_set(&r->timers, &f->timer, at);
}

static void tell_stall(struct ref *r, struct ref_flow *f)
{
  bool stalled = f->snd.open && f->snd.retries >= R1;
  if (stalled == f->level.stalled) return;
  f->level.stalled = stalled;
  tell(r, f);
}

// --- frames out --------------------------------------------------------------------------------------------------------

static void put_frame(struct ref *r, const struct ref_flow *f, bool ecn_capable, const uint8_t *segment, size_t len)
{
  uint8_t headers[HEADERS];
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, f->o.remote_mac, 6);
  memcpy(eth.src, f->o.local_mac, 6);
  eth_emit(headers, ETH_HDR_BYTES, &eth);
  ipv4_emit(headers + ETH_HDR_BYTES, IPV4_HDR_BYTES, f->o.local_ip, f->o.remote_ip, IPV4_PROTO_TCP, 0, len);
  ipv4_choose(headers + ETH_HDR_BYTES, f->tuning.ip);
  if (ecn_capable) ipv4_set_ecn(headers + ETH_HDR_BYTES, IPV4_ECN_ECT0);
  recq_begin(&r->tx, 0);
  recq_append(&r->tx, headers, sizeof headers);
  recq_append(&r->tx, segment, len);
  recq_commit(&r->tx);
  r->stats.segments_out++;
}

// The header's sample of the receive side, as the NIC's assembler takes it; pays what ACKs are owed.
static void sample(struct ref *r, struct ref_flow *f, struct segment *s, bool pure)
{
  struct rcv_mirror m = rcv_mirror_of(&f->rcv);
  struct rcv_header h = rcv_sample(&r->caps, &m, &f->sent, !s->payload_len, &f->dup);
  s->window = h.wnd;
  s->ack = h.ack;
  f->sent = (struct sent_mirror){.ack = h.ack, .wnd_end = h.wnd_end};
  f->ack_bit = false;
  if (pure && f->ack_now) f->ack_now--;
  if (!s->payload_len) f->dup.vld = false;
  s->opt.has_timestamps = h.has_ts;
  s->opt.tsval = core_tsval(r->now_us);
  s->opt.tsecr = h.tsecr;
  s->opt.n_sack = h.n_sack;
  for (size_t i = 0; i < h.n_sack; i++) s->opt.sack[i] = (struct segment_sack){h.sack[i].start, h.sack[i].end};
}

static void send(struct ref *r, struct ref_flow *f, const struct tx_desc *d, bool rexmit)
{
  bool rst = d->kind == TX_RST;
  struct ecn_header ecn = ecn_leaves(&f->ecn, &f->snd, d, rexmit);
  struct segment s = {
      .src_port = f->o.local_port, .dst_port = f->o.remote_port, .seq = d->seq, .payload = r->payload, .payload_len = d->len,
      .flags = (uint8_t)(TCP_ACK | (d->fin ? TCP_FIN : 0) | (d->psh ? TCP_PSH : 0) | (rst ? TCP_RST : 0) | (ecn.ece ? TCP_ECE : 0) | (ecn.cwr ? TCP_CWR : 0)),
  };
  if (d->len) ring_get(f->tx, r->engine.tx_ring_bytes, d->seq, r->payload, d->len);
  sample(r, f, &s, d->kind == TX_ACK);
  size_t len = segment_emit(&s, f->o.local_ip, f->o.remote_ip, r->segment, sizeof r->segment);
  put_frame(r, f, ecn.capable, r->segment, len);
  if (!d->len) r->stats.pure_acks_out++;
}

// RST, and the flow is silent from now on.
static void reset_out(struct ref *r, struct ref_flow *f)
{
  struct tx_desc d;
  if (snd_abort(&f->snd, &d)) send(r, f, &d, false);
  f->rcv.open = f->rcv.delack_vld = false;
}

// Asks the flow what is next until it has no more, or the others have their turn.
static void serve(struct ref *r, struct ref_flow *f)
{
  for (int i = 0; i < BURST && f->used; i++) {
    struct snd_view v = {.tail = f->tail, .fin = f->fin, .ack_owed = f->ack_bit || f->ack_now, .ack_now = f->ack_now};
    struct snd_actions a = snd_next(&r->caps, &f->snd, &v, r->now_us);
    if (a.rexmit) r->stats.retransmissions++;
    if (a.emit && a.desc.kind != TX_FREE) send(r, f, &a.desc, a.rexmit);
    if (a.desc.tell) {
      f->level.tx_freed = a.desc.una;
      f->level.fin_acked = a.desc.fin_acked;
      f->level.timed_out = a.desc.timed_out;
      tell(r, f);
    }
    if (!a.more) return;
  }
  wake(r, f);
}

// --- keep-alive (RFC 9293 section 3.8.4) -----------------------------------------------------------------------------------

static void keep_heard(struct ref *r, struct ref_flow *f)
{
  f->keep_probes = 0;
  f->keep_at_us = r->now_us + (uint64_t)f->tuning.keep_idle_ms * 1000;
}

// Only when nothing of ours is on its way (MUST-26): that has a timer of its own. A probe is what the peer has seen
// already, so it must answer; it carries no data (SHLD-12).
static void keep_due(struct ref *r, struct ref_flow *f)
{
  if (!f->tuning.keep_idle_ms || !f->snd.open || f->snd.gave_up || r->now_us < f->keep_at_us) return;
  if (!seq_eq(f->snd.una, f->snd.max) || f->snd.rto_vld) {
    keep_heard(r, f);
  } else if (f->keep_probes < f->tuning.keep_count) {
    f->keep_probes++;
    f->keep_at_us = r->now_us + (uint64_t)f->tuning.keep_interval_ms * 1000;
    send(r, f, &(struct tx_desc){.kind = TX_ACK, .seq = seq_add(f->snd.max, UINT32_MAX)}, false);
  } else {   // an ABORT in the program's place: a peer that lives and is not heard learns of it
    reset_out(r, f);
    f->level.timed_out = true;
    tell(r, f);
  }
}

// --- frames in ---------------------------------------------------------------------------------------------------------

static void on_segment(struct ref *r, struct ref_flow *f, const struct segment *s, bool ce)
{
  struct core_segment cs = {
      .seq = s->seq, .ack = s->ack, .len = (uint32_t)s->payload_len, .wnd = s->window, .flags = s->flags & 0x1f,
      .has_ts = s->opt.has_timestamps, .tsval = s->opt.tsval, .tsecr = s->opt.tsecr, .n_sack = s->opt.n_sack,
  };
  struct snd_mirror mirror = {.una = f->snd.una, .max = f->snd.max};
  struct rcv_actions a = rcv_segment(&r->caps, &f->rcv, &cs, &mirror, &f->sent, r->now_us);
  r->stats.segments_in++;
  keep_heard(r, f);
  if (a.len) ring_put(f->rx, r->engine.rx_ring_bytes, a.at, s->payload + a.off, a.len);
  r->stats.rx_bytes += a.len;
  struct seq ready = seq_add(f->rcv.nxt, -(uint32_t)f->rcv.fin_done);
  if (!seq_eq(ready, f->level.rx_ready) || a.fin || a.class_id == RCV_RESET) {
    f->level.rx_ready = ready;
    f->level.peer_closed = f->rcv.fin_done;
    f->level.reset = a.class_id == RCV_RESET;
    tell(r, f);
  }
  if (a.ack || a.ack_now) f->ack_bit = true;
  if (a.ack_now && f->ack_now < 3) f->ack_now++;
  if (a.dup.vld) f->dup = a.dup;
  if (a.forward) {
    for (unsigned i = 0; i < s->opt.n_sack; i++)
      snd_sack(&r->caps, &f->snd, (struct core_block){s->opt.sack[i].start, s->opt.sack[i].end});
  }
  const struct ecn_arrival ecn = {.len = cs.len, .ce = ce, .cwr = s->flags & TCP_CWR, .ece = s->flags & TCP_ECE};
  ecn_segment(&r->caps, &f->ecn, &f->snd, &ecn, &a, r->now_us);
  if (a.forward) tell_stall(r, f);
  if (a.forward || f->ack_bit) wake(r, f);
  set_timer(r, f);
}

bool ref_input(struct ref *r, const uint8_t *frame, size_t len, uint64_t now_us)
{
  struct eth_hdr eth;
  struct ipv4_hdr ip;
  struct segment s;
  r->now_us = now_us;
  if (eth_parse(frame, len, &eth) != ETH_OK || eth.type != ETH_TYPE_IPV4) return false;
  const uint8_t *p = frame + ETH_HDR_BYTES;
  if (ipv4_parse(p, len - ETH_HDR_BYTES, &ip) != IPV4_OK || ip.proto != IPV4_PROTO_TCP || ip.fragment || ip.options_len)
    return false;
  if (ip.payload_len < TCP_HEADER_MIN) return false;
  p += ip.hdr_len;
  struct tuple t = {.local_ip = ip.dst, .remote_ip = ip.src, .local_port = get_be16(p + 2), .remote_port = get_be16(p)};
  struct ref_flow *f = (struct ref_flow *)tuple_map_find(&r->map, &t);
  if (!f || memcmp(eth.dst, f->o.local_mac, 6) != 0) return false;
  if (segment_parse(&s, ip.src, ip.dst, p, ip.payload_len) != SEGMENT_OK) return false;   // the stack counts it
  on_segment(r, f, &s, (ip.tos & IPV4_ECN_MASK) == IPV4_ECN_CE);
  return true;
}

// --- the engine's calls ------------------------------------------------------------------------------------------------

static struct ref_flow *live_flow(struct engine *e, uint16_t flow)
{
  struct ref_flow *f = &ref_of(e)->flows[flow];
  return f->used && !f->failed ? f : NULL;
}

static void op_tune(struct engine *e, uint16_t flow, const struct flow_tuning *t)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = live_flow(e, flow);
  if (!f) return;
  f->tuning = *t;
  snd_tune(&r->caps, &f->snd, &(struct host_cmd){.mss = t->mss, .nagle_off = t->nagle_off, .user_timeout_ms = t->user_timeout_ms, .pace_rate = t->pace_rate,
                                                     .pace_burst = t->pace_burst},
           r->now_us);
  keep_heard(r, f);
  set_timer(r, f);
  wake(r, f);   // what Nagle held back may leave
}

static void op_open(struct engine *e, const struct flow_open *o)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = &r->flows[o->flow];
  struct host_cmd c = {.snd_nxt = o->snd_nxt, .rcv_nxt = o->rcv_nxt, .snd_wnd = o->snd_wnd, .mss = o->mss, .rcv_mss = o->rcv_mss,
                       .snd_wscale = o->snd_wscale, .rcv_wscale = o->rcv_wscale, .ts_ok = o->ts_ok, .sack_ok = o->sack_ok,
                       .syn_again = o->syn_again, .nagle_off = o->tuning.nagle_off, .ts_recent = o->ts_recent, .user_timeout_ms = o->tuning.user_timeout_ms};
  struct ref_flow *next_ready = f->next_ready, *next_event = f->next_event;
  bool ready = f->ready, dirty = f->dirty;   // it may still stand in the lists from its last use
  *f = (struct ref_flow){.o = *o, .used = true, .tail = o->snd_nxt, .consumed = o->rcv_nxt, .ready = ready, .dirty = dirty,
                         .next_ready = next_ready, .next_event = next_event};
  f->tx = malloc(e->tx_ring_bytes + e->rx_ring_bytes);
  f->rx = f->tx ? f->tx + e->tx_ring_bytes : NULL;
  f->failed = !f->tx;
  snd_open(&r->caps, &f->snd, &c);
  rcv_open(&r->caps, &f->rcv, &c, r->now_us);
  f->sent = (struct sent_mirror){.ack = o->rcv_nxt, .wnd_end = seq_add(o->rcv_nxt, e->rx_ring_bytes < UINT16_MAX ? e->rx_ring_bytes : UINT16_MAX)};
  f->ecn = (struct core_ecn){.echoes = r->caps.ecn && o->ecn_echoes, .marks = r->caps.ecn && o->ecn_marks};
  f->level = (struct engine_event){.flow = o->flow, .rx_ready = o->rcv_nxt, .tx_freed = o->snd_nxt};
  f->node.tuple = (struct tuple){o->local_ip, o->remote_ip, o->local_port, o->remote_port};
  if (tuple_map_find(&r->map, &f->node.tuple)) f->failed = true;
  if (!f->failed) tuple_map_insert(&r->map, &f->node);
  op_tune(e, o->flow, &o->tuning);
  recq_put(&r->fences, o->flow | (f->failed ? 0u : 1u << 16), NULL, 0);
}

static void op_payload(struct engine *e, uint16_t flow, const uint8_t *data, size_t len)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = live_flow(e, flow);
  if (!f || f->fin) return;
  ring_put(f->tx, e->tx_ring_bytes, f->tail, data, (uint32_t)len);
  f->tail = seq_add(f->tail, (uint32_t)len);
  r->stats.tx_bytes += len;
  wake(r, f);
}

static void op_close(struct engine *e, uint16_t flow)
{
  struct ref_flow *f = live_flow(e, flow);
  if (!f || f->fin) return;
  f->fin = true;
  f->tail = seq_add(f->tail, 1);
  wake(ref_of(e), f);
}

static void op_abort(struct engine *e, uint16_t flow)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = live_flow(e, flow);
  if (!f || !f->snd.open) return;
  reset_out(r, f);
  set_timer(r, f);
}

static void op_release(struct engine *e, uint16_t flow)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = &r->flows[flow];
  if (live_flow(e, flow) && f->ack_bit && f->snd.open) serve(r, f);   // the ACK of the FIN that ended it
  tuple_map_remove(&r->map, &f->node);
  timers_cancel(&r->timers, &f->timer);
  free(f->tx);
  f->tx = f->rx = NULL;
  f->used = false;
  f->level.released = true;
  tell(r, f);
}

static void op_consume(struct engine *e, uint16_t flow, uint32_t len)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = live_flow(e, flow);
  uint8_t piece[4096];
  if (!f || !len) return;
  recq_begin(&r->pout, flow);
  for (uint32_t left = len; left;) {
    uint32_t n = left < sizeof piece ? left : sizeof piece;
    ring_get(f->rx, e->rx_ring_bytes, f->consumed, piece, n);
    recq_append(&r->pout, piece, n);
    f->consumed = seq_add(f->consumed, n);
    left -= n;
  }
  recq_commit(&r->pout);
  if (!rcv_read(&r->caps, &f->rcv, f->consumed, &f->sent)) return;
  f->ack_bit = true;
  wake(r, f);
}

static void op_input(struct engine *e, const uint8_t *frame, size_t len) { ref_input(ref_of(e), frame, len, ref_of(e)->now_us); }

static bool op_next_event(struct engine *e, struct engine_event *ev)
{
  struct ref *r = ref_of(e);
  struct ref_flow *f = r->dirty.head;
  if (!f) return false;
  r->dirty.head = f->next_event;
  if (!r->dirty.head) r->dirty.tail = &r->dirty.head;
  f->dirty = false;
  *ev = f->level;
  ev->ts_recent = f->rcv.ts_recent;
  return true;
}

static bool op_next_payload(struct engine *e, uint16_t *flow, const uint8_t **data, size_t *len)
{
  struct ref *r = ref_of(e);
  uint32_t tag;
  if (r->pout_lent) recq_pop(&r->pout);
  r->pout_lent = recq_peek(&r->pout, &tag, data, len);
  if (r->pout_lent) *flow = (uint16_t)tag;
  return r->pout_lent;
}

static bool contexts(struct engine *e, uint16_t flow, const struct rcv_ctx **rcv, const struct snd_ctx **snd)
{
  *rcv = ref_rcv_ctx(ref_of(e), flow);
  *snd = ref_snd_ctx(ref_of(e), flow);
  return *rcv;
}

static const struct engine_ops ops = {
    .open = op_open, .payload = op_payload, .close = op_close, .abort = op_abort, .release = op_release,
    .consume = op_consume, .input = op_input, .tune = op_tune, .next_event = op_next_event, .next_payload = op_next_payload,
};

// --- the owner's side ----------------------------------------------------------------------------------------------------

struct ref *ref_open(const struct ref_config *c)
{
  struct ref *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  struct rng rng;
  uint8_t key[16];
  rng_seed(&rng, c->seed);
  for (int i = 0; i < 4; i++) put_be32(key + 4 * i, (uint32_t)rng_next(&rng));
  r->engine = (struct engine){.ops = &ops, .num_flows = c->num_flows, .tx_ring_bytes = c->tx_ring_bytes,
                              .rx_ring_bytes = c->rx_ring_bytes, .timestamps = c->caps.timestamps, .sack = c->caps.sack, .ecn = c->caps.ecn,
                              .nagle = c->caps.silly, .user_timeout = c->caps.user_timeout, .pacing = c->caps.pacing, .keepalive = true, .ip_choice = true, .contexts = contexts};
  r->caps = c->caps;
  r->ready.tail = &r->ready.head;
  r->dirty.tail = &r->dirty.head;
  r->flows = calloc(c->num_flows, sizeof *r->flows);
  if (r->flows && tuple_map_init(&r->map, c->num_flows, key) && timers_init(&r->timers, c->num_flows)) return r;
  ref_close(r);
  return NULL;
}

void ref_close(struct ref *r)
{
  if (!r) return;
  for (unsigned i = 0; r->flows && i < r->engine.num_flows; i++) free(r->flows[i].tx);
  free(r->flows);
  tuple_map_free(&r->map);
  timers_free(&r->timers);
  recq_free(&r->tx);
  recq_free(&r->fences);
  recq_free(&r->pout);
  free(r);
}

struct engine *ref_engine(struct ref *r) { return &r->engine; }

void ref_run(struct ref *r, uint64_t now_us)
{
  r->now_us = now_us;
  for (struct timer *t; (t = timers_first(&r->timers)) && t->deadline_us <= now_us;) {
    struct ref_flow *f = (struct ref_flow *)((char *)t - offsetof(struct ref_flow, timer));
    if (ecn_timeout(&r->caps, &f->ecn, &f->snd, now_us).expired) r->stats.timeouts++;
    tell_stall(r, f);
    if (rcv_timeout(&f->rcv, &f->sent, now_us)) f->ack_bit = true;
    keep_due(r, f);
    wake(r, f);
    set_timer(r, f);
  }
  for (struct ref_flow *f; (f = r->ready.head);) {
    r->ready.head = f->next_ready;
    if (!r->ready.head) r->ready.tail = &r->ready.head;
    f->ready = false;
    if (!f->used || f->failed) continue;
    serve(r, f);
    set_timer(r, f);
  }
}

bool ref_next_frame(struct ref *r, const uint8_t **frame, size_t *len)
{
  uint32_t tag;
  if (r->tx_lent) recq_pop(&r->tx);
  r->tx_lent = recq_peek(&r->tx, &tag, frame, len);
  return r->tx_lent;
}

bool ref_next_fence(struct ref *r, uint16_t *flow, bool *ok)
{
  uint32_t tag;
  const uint8_t *none;
  size_t len;
  if (!recq_peek(&r->fences, &tag, &none, &len)) return false;
  recq_pop(&r->fences);
  *flow = (uint16_t)tag;
  *ok = tag >> 16 & 1;
  return true;
}

uint64_t ref_next_deadline(const struct ref *r) { return timers_deadline(&r->timers); }

bool ref_pending(const struct ref *r)
{
  return r->ready.head || r->dirty.head || !recq_empty(&r->fences) || recq_records(&r->pout) > r->pout_lent;
}

const struct ref_stats *ref_stats(const struct ref *r) { return &r->stats; }

static const struct ref_flow *open_flow(const struct ref *r, uint16_t flow)
{
  return flow < r->engine.num_flows && r->flows[flow].used ? &r->flows[flow] : NULL;
}

const struct rcv_ctx *ref_rcv_ctx(const struct ref *r, uint16_t flow)
{
  const struct ref_flow *f = open_flow(r, flow);
  return f ? &f->rcv : NULL;
}

const struct snd_ctx *ref_snd_ctx(const struct ref *r, uint16_t flow)
{
  const struct ref_flow *f = open_flow(r, flow);
  return f ? &f->snd : NULL;
}
