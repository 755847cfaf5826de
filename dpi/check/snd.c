// SPDX-License-Identifier: Apache-2.0
// The send side: payload in, the send pipeline's steps, the assembler's samples and frames.
#include <string.h>

#include "check/priv.h"

// --- payload in ------------------------------------------------------------------------------------------------------

void check_payload_in_beat(struct check *k, unsigned flow, const uint8_t *beat, unsigned nbytes, bool last)
{
  if (k->failed) return;
  k->quiet_us = 0;
  struct check_flow *f = flow_at(k, flow, "payload in");
  if (!f) return;
  ring_store(f->tx, k->cfg.tx_ring_bytes, f->pin_at, beat, nbytes);
  f->pin_at = seq_add(f->pin_at, nbytes);
  k->packet_bytes += nbytes;
  k->counts.nic[NIC_CNT_TX_RING_BYTES] += nbytes;
  if (!last) return;
  const struct amount a = {(uint16_t)flow, k->packet_bytes};
  put(k, &k->packets, &a, sizeof a);
  k->packet_bytes = 0;
}

void check_tail(struct check *k, unsigned flow, enum check_tail kind, struct seq tail, bool fin)
{
  struct amount a = {0};
  struct host_cmd c = {0};
  if (k->failed) return;
  struct check_flow *f = flow_at(k, flow, "tail");
  if (!f) return;
  struct seq want = seq_of(f->tail.now);
  bool known, was_fin = f->fin.now;
  if (kind == CHECK_TAIL_PAYLOAD) {
    known = take(&k->packets, &a, sizeof a) && a.flow == flow;
    want = seq_add(want, a.bytes);
  } else if (kind == CHECK_TAIL_CLOSE) {
    known = take(&k->closes, &c, sizeof c) && c.flow == flow;
    want = seq_add(want, !was_fin);
  } else {
    known = f->live;
    want = f->open.snd_nxt;
  }
  bool want_fin = kind == CHECK_TAIL_CLOSE;
  if (!known || !seq_eq(tail, want) || fin != want_fin) {
    diff(k, (int)flow, "tail", "The end of what the host gave is written wrongly, or out of turn.");
    diff_row(k, "tail", want.v, tail.v, false);
    diff_row(k, "FIN", want_fin, fin, false);
  }
  late_set(k, &f->tail, want.v);
  late_set(k, &f->fin, want_fin);
  touch(k, f);
}

// --- the send pipeline -----------------------------------------------------------------------------------------------

static void expect_ctx(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  static const char *const step[] = {"nothing", "dd_incoming", "dd_timeout", "dd_next", "an open", "an abort", "a tune"};
  uint32_t w[SND_CTX_WORDS] = {0}, g[SND_CTX_WORDS] = {0};
  late_set(k, &f->una, f->snd.una.v);
  late_set(k, &f->max, f->snd.max.v);
  if (snd_ctx_equal(&f->snd, &e->ctx)) return;
  snd_ctx_pack(&f->snd, w);
  snd_ctx_pack(&e->ctx, g);
  diff(k, flow_id(k, f), "send context", "After %s the send context is not what the transport core makes of it.", step[e->kind]);
  diff_fields(k, snd_ctx_fields, N_FIELDS(snd_ctx_fields), w, g);
}

static void expect_desc(struct check *k, struct check_flow *f, const struct check_snd *e, bool emit, struct tx_desc *d)
{
  uint32_t w[TX_DESC_WORDS] = {0}, g[TX_DESC_WORDS] = {0};
  d->flow = (uint16_t)flow_id(k, f);
  if (emit) tx_desc_pack(d, w);
  if (e->emit) tx_desc_pack(&e->desc, g);
  if (emit != e->emit) {
    diff(k, flow_id(k, f), "descriptor", "The send pipeline %s a descriptor.", emit ? "must emit" : "must not emit");
    diff_row(k, "emit", emit, e->emit, false);
    diff_fields(k, tx_desc_fields, N_FIELDS(tx_desc_fields), w, g);
  } else if (emit && !tx_desc_equal(d, &e->desc)) {
    diff(k, flow_id(k, f), "descriptor", "The send pipeline's descriptor is not what the transport core makes of the flow.");
    diff_fields(k, tx_desc_fields, N_FIELDS(tx_desc_fields), w, g);
  }
  if (emit) put(k, &k->descs, d, sizeof *d);
}

static void expect_none(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  struct tx_desc none = {0};
  expect_desc(k, f, e, false, &none);
}

static void on_incoming(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  struct dd_in d;
  uint32_t w[DD_IN_WORDS] = {0}, g[DD_IN_WORDS] = {0};
  if (!take(&k->dd, &d, sizeof d) || d.kind != e->dd.kind || d.flow != e->dd.flow || d.flow != e->flow) {
    diff(k, (int)e->flow, "dd_incoming", "The send pipeline takes something that the receive pipeline did not tell next.");
    return;
  }
  if ((d.kind == DD_ACK || d.kind == DD_SACK) && !dd_in_equal(&d, &e->dd)) {
    dd_in_pack(&d, w);
    dd_in_pack(&e->dd, g);
    diff(k, (int)e->flow, "dd_incoming", "The send pipeline takes something else than what the receive pipeline told.");
    diff_fields(k, dd_in_fields, N_FIELDS(dd_in_fields), w, g);
    return;
  }
  if (d.kind == DD_SACK) {
    snd_sack(&k->cfg.caps, &f->snd, (struct core_block){d.ack, d.sack_end});
    expect_none(k, f, e);
    return;
  }
  if (d.kind != DD_RELEASE) {
    snd_ack(&k->cfg.caps, &f->snd, &d, e->now_us);
    expect_none(k, f, e);
    return;
  }
  struct tx_desc t = snd_release(&f->snd);
  expect_desc(k, f, e, true, &t);
}

static void on_next(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  const struct snd_view v = {.tail = seq_of(late_get(k, &f->tail)), .fin = late_get(k, &f->fin),
                             .ack_owed = late_get(k, &f->owed_bit) || late_get(k, &f->owed_now),
                             .ack_now = (uint8_t)late_get(k, &f->owed_now)};
  if (!seq_eq(v.tail, e->tail) || v.fin != e->fin || v.ack_owed != e->owed || v.ack_now != e->owed_now) {
    diff(k, (int)e->flow, "sampled", "dd_next read a store of others as it did not stand.");
    diff_row(k, "tail", v.tail.v, e->tail.v, false);
    diff_row(k, "FIN enqueued", v.fin, e->fin, false);
    diff_row(k, "ACK owed", v.ack_owed, e->owed, false);
    diff_row(k, "ACKs at once", v.ack_now, e->owed_now, false);
  }
  struct snd_actions a = snd_next(&k->cfg.caps, &f->snd, &v, e->now_us);
  k->counts.nic[NIC_CNT_REXMITS] += a.rexmit;
  f->since[DUTY_SEND] = 0;
  expect_desc(k, f, e, a.emit, &a.desc);
}

static void on_open(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  if (!f->live || recq_empty(&k->opens)) {
    diff(k, (int)e->flow, "open", "The send pipeline opens a flow that the host did not ask for.");
    return;
  }
  snd_open(&k->cfg.caps, &f->snd, &f->open);
  struct tx_desc t = {.kind = TX_OPEN, .seq = f->open.rcv_nxt, .una = f->open.snd_nxt};
  expect_desc(k, f, e, true, &t);
}

static void on_abort(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  struct host_cmd c;
  struct tx_desc t;
  if (!take(&k->aborts, &c, sizeof c) || c.flow != e->flow) {
    diff(k, (int)e->flow, "abort", "The send pipeline aborts a flow that the host did not ask for.");
    return;
  }
  bool emit = snd_abort(&f->snd, &t);
  expect_desc(k, f, e, emit, &t);
}

static void on_tune(struct check *k, struct check_flow *f, const struct check_snd *e)
{
  struct host_cmd c;
  if (!take(&k->tunes, &c, sizeof c) || c.flow != e->flow) {
    diff(k, (int)e->flow, "tune", "The send pipeline tunes a flow that the host did not ask for.");
    return;
  }
  snd_tune(&k->cfg.caps, &f->snd, &c, e->now_us);
  expect_none(k, f, e);
}

void check_snd(struct check *k, const struct check_snd *e)
{
  if (k->failed) return;
  k->counts.snd++;
  struct check_flow *f = flow_at(k, e->flow, "send pipeline");
  if (!f) return;
  duty_moved(k, flow_id(k, f), "the send pipeline retires an event");
  if (e->now_us != k->before_us) {
    diff(k, (int)e->flow, "time", "The send pipeline's time is not that of the cycle in which the step began.");
    diff_row(k, "now_us", k->before_us, e->now_us, false);
  }
  switch (e->kind) {
    case SEV_INCOMING: on_incoming(k, f, e); break;
    case SEV_TIMEOUT:
      k->counts.nic[NIC_CNT_TIMEOUTS] += snd_timeout(&k->cfg.caps, &f->snd, e->now_us).expired;
      f->since[DUTY_TIMEOUT] = 0;
      expect_none(k, f, e);
      break;
    case SEV_NEXT: on_next(k, f, e); break;
    case SEV_OPEN: on_open(k, f, e); break;
    case SEV_TUNE: on_tune(k, f, e); break;
    default: on_abort(k, f, e); break;
  }
  note_put(k, f, &(struct note){.kind = 's', .sub = (uint8_t)e->kind, .class_id = e->desc.kind, .flags = e->emit, .seq = e->desc.seq.v,
                                .len = e->desc.len, .ack = e->dd.ack.v, .wnd = e->dd.wnd, .una = f->snd.una.v, .nxt = f->snd.nxt.v,
                                .max = f->snd.max.v});
  expect_ctx(k, f, e);
  touch(k, f);
}

// --- the assembler ---------------------------------------------------------------------------------------------------

// A range that is none may be anything: the store's words begin as they like.
static bool same_range(const struct dsack *a, const struct dsack *b) { return a->vld == b->vld && (!a->vld || dsack_equal(a, b)); }

// A header samples the receive side: it carries the ACK, pays for it, and is remembered as the last that the peer was told.
static void sample(struct check *k, struct check_flow *f, const struct check_sample *e)
{
  uint8_t frame[(1 << 14) + 128];
  uint32_t w[RCV_MIRROR_WORDS] = {0}, g[RCV_MIRROR_WORDS] = {0};
  const struct rcv_mirror *m = late_mirror_get(k, &f->mirror);
  const struct sent_mirror sent = {seq_of(f->sent_ack.now), seq_of(f->sent_end.now)};
  bool bare = !e->desc.len;
  if (!rcv_mirror_equal(m, &e->rcv) || (bare && !same_range(&f->dup, &e->dup))) {
    rcv_mirror_pack(m, w);
    rcv_mirror_pack(&e->rcv, g);
    diff(k, flow_id(k, f), "sample", "The assembler read the receive side as it did not stand.");
    diff_fields(k, rcv_mirror_fields, N_FIELDS(rcv_mirror_fields), w, g);
    diff_row(k, "D-SACK", f->dup.vld, e->dup.vld, false);
  }
  struct rcv_header h = rcv_sample(&k->cfg.caps, m, &sent, bare, &f->dup);
  size_t len = frame_make(k, f, &e->desc, &h, frame);
  put(k, &k->tx_frame, frame, len);
  k->ip_id++;
  k->counts.payload_out += e->desc.len;
  k->counts.nic[NIC_CNT_TX_FRAMES]++;
  k->counts.nic[NIC_CNT_TX_PURE_ACKS] += bare;
  late_set(k, &f->owed_bit, 0);
  f->since[DUTY_ACK] = 0;
  if (e->desc.kind == TX_ACK && f->owed_now.now) late_set(k, &f->owed_now, f->owed_now.now - 1);
  if (bare) f->dup.vld = false;
  late_set(k, &f->sent_ack, h.ack.v);
  late_set(k, &f->sent_end, h.wnd_end.v);
  note_put(k, f, &(struct note){.kind = 'a', .sub = e->desc.kind, .flags = 1, .seq = e->desc.seq.v, .len = e->desc.len, .ack = h.ack.v, .wnd = h.wnd});
}

static void opened(struct check *k, struct check_flow *f, const struct tx_desc *d)
{
  uint32_t ring = k->cfg.caps.rx_ring_bytes;
  late_set(k, &f->sent_ack, d->seq.v);
  late_set(k, &f->sent_end, seq_add(d->seq, ring < UINT16_MAX ? ring : UINT16_MAX).v);
}

void check_sample(struct check *k, const struct check_sample *e)
{
  struct tx_desc d;
  if (k->failed) return;
  k->counts.samples++;
  struct check_flow *f = flow_at(k, e->desc.flow, "assembler");
  if (!f) return;
  duty_moved(k, flow_id(k, f), "the assembler samples a descriptor");
  if (!take(&k->descs, &d, sizeof d) || !tx_desc_equal(&d, &e->desc)) {
    diff(k, (int)e->desc.flow, "assembler", "The assembler takes a descriptor that the send pipeline did not emit next.");
    return;
  }
  bool owed = late_get(k, &f->owed_bit) || late_get(k, &f->owed_now);
  bool frame = d.kind == TX_DATA || d.kind == TX_RST || (d.kind == TX_ACK && owed);
  if (owed != e->owed || frame != e->frame) {
    diff(k, (int)d.flow, "ACK owed", "The assembler %s an ACK, and %s.", e->frame ? "makes a frame for" : "leaves out",
         owed ? "one is owed" : "none is owed");
    diff_row(k, "owed", owed, e->owed, false);
    diff_row(k, "frame", frame, e->frame, false);
  }
  if (frame) sample(k, f, e);
  if (d.kind == TX_OPEN) opened(k, f, &d);
  if (d.tell || d.kind == TX_OPEN || d.kind == TX_RELEASE) {
    const struct told_tx t = {.flow = d.flow, .tell = d.kind != TX_OPEN,
                              .s = {.freed = d.una, .fin_acked = d.fin_acked, .timed_out = d.timed_out, .tx_released = d.kind == TX_RELEASE}};
    put(k, &k->tx_told, &t, sizeof t);
  }
  touch(k, f);
}

// --- frames out ------------------------------------------------------------------------------------------------------

void check_slow_in_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last)
{
  const uint8_t *frame;
  size_t len;
  k->quiet_us = 0;
  if (k->failed || !gather(&k->in_slow, beat, nbytes, last, &frame, &len)) return;
  put(k, &k->tx_slow, frame, len);
  k->counts.nic[NIC_CNT_TX_SLOW]++;
  recq_pop(&k->in_slow);
}

static bool is_head(const struct recq *q, const uint8_t *got, size_t len)
{
  uint32_t since;
  const uint8_t *want;
  size_t want_len;
  return recq_peek(q, &since, &want, &want_len) && want_len == len && memcmp(want, got, len) == 0;
}

// The two sources share the stream frame by frame, in any order among themselves.
void check_tx_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last)
{
  uint32_t since;
  const uint8_t *got, *want;
  size_t len, want_len;
  duty_moved(k, -1, "a frame leaves");
  if (k->failed || !gather(&k->in_tx, beat, nbytes, last, &got, &len)) return;
  k->counts.frames_out++;
  if (is_head(&k->tx_frame, got, len)) recq_pop(&k->tx_frame);
  else if (is_head(&k->tx_slow, got, len)) recq_pop(&k->tx_slow);
  else if (recq_peek(&k->tx_frame, &since, &want, &want_len)) frame_same(k, -1, "frame sent", want, want_len, got, len);
  else if (recq_peek(&k->tx_slow, &since, &want, &want_len)) frame_same(k, -1, "frame sent", want, want_len, got, len);
  else diff(k, -1, "frame sent", "A frame of %zu bytes leaves that nothing has asked for.", len);
  recq_pop(&k->in_tx);
}
