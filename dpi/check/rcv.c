// SPDX-License-Identifier: Apache-2.0
// The receive side: frames from the stream to the parser, the receive pipeline's steps, the slow path out.
#include <string.h>

#include "check/priv.h"

enum { FENCE = 1 << 12, FENCE_OK = 1 << 13 };   // a fence in slow_out: a record of one number, of 2 bytes

// --- frames in -------------------------------------------------------------------------------------------------------

void check_rx_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last)
{
  const uint8_t *frame;
  size_t len;
  k->quiet_us = 0;
  if (k->failed || !gather(&k->in_rx, beat, nbytes, last, &frame, &len)) return;
  put(k, &k->rx_frame, frame, len);
  recq_pop(&k->in_rx);
  k->counts.frames_in++;
}

// A frame may be dropped for want of room, and only then (README.md: free choices): what was committed and not yet retired
// fills at least half of the frame FIFO, or of the descriptors'.
static bool may_be_full(const struct check *k) { return recq_bytes(&k->segments) >= 8192 || recq_records(&k->segments) >= 24; }

void check_frame(struct check *k, enum rx_class_e class_id)
{
  uint32_t since;
  const uint8_t *frame;
  size_t len;
  struct rx_desc d;
  if (k->failed) return;
  if (!recq_peek(&k->rx_frame, &since, &frame, &len)) {
    diff(k, -1, "frame", "The parser is done with a frame, and none came in.");
    return;
  }
  enum rx_class_e want = frame_class(&k->cfg, frame, len, &d);
  bool full = class_id == RX_DROP_FIFO_FULL && want < RX_DROP_RUNT;
  if (full && !may_be_full(k)) {
    diff(k, -1, "frame FIFO", "A frame was dropped for want of room, while only %zu bytes in %zu frames wait before the receive pipeline.",
         recq_bytes(&k->segments), recq_records(&k->segments));
  } else if (!full && class_id != want) {
    diff(k, -1, "frame class", "The parser takes a frame of %zu bytes for something else than it is (rx_class_e).", len);
    diff_row(k, "class", want, class_id, false);
  }
  if (class_id < RX_DROP_RUNT) put(k, &k->segments, frame, len);
  if (!k->failed) k->counts.nic[class_id]++;
  recq_pop(&k->rx_frame);
}

// --- the receive pipeline --------------------------------------------------------------------------------------------

static void expect_dd(struct check *k, const struct check_rcv *e, bool want, const struct dd_segment *d)
{
  bool ack = want && d->kind == DD_ACK;
  if (e->dd_valid != want) {
    diff(k, (int)d->flow, "dd_incoming", "The receive pipeline %s the send pipeline.", want ? "must tell this" : "has nothing to tell");
    diff_row(k, "told", want, e->dd_valid, false);
  } else if (want && (ack ? !dd_segment_equal(&e->dd, d) : e->dd.kind != d->kind || e->dd.flow != d->flow)) {
    uint32_t w[DD_SEGMENT_WORDS] = {0}, g[DD_SEGMENT_WORDS] = {0};
    dd_segment_pack(d, w);
    dd_segment_pack(&e->dd, g);
    diff(k, (int)d->flow, "dd_incoming", "What the receive pipeline tells the send pipeline is wrong.");
    diff_fields(k, dd_segment_fields, N_FIELDS(dd_segment_fields), w, g);
  }
  if (!want) return;
  const struct core_block block[CORE_INTERVALS] = {{d->sack0_start, d->sack0_end}, {d->sack1_start, d->sack1_end},
                                                   {d->sack2_start, d->sack2_end}, {d->sack3_start, d->sack3_end}};
  for (unsigned i = 0; i < d->n_sack; i++) {
    const struct dd_in b = {.kind = DD_SACK, .flow = d->flow, .ack = block[i].start, .sack_end = block[i].end};
    put(k, &k->dd, &b, sizeof b);
  }
  const struct dd_in last = {.kind = d->kind, .flow = d->flow, .ack = d->ack, .wnd = d->wnd, .wnd_vld = d->wnd_vld, .no_data = d->no_data,
                             .ts_vld = d->ts_vld, .tsecr = d->tsecr};
  put(k, &k->dd, &last, sizeof last);
}

// What the send side must be told of a segment.
static struct dd_segment told(const struct check *k, const struct check_flow *f, const struct rx_desc *d, const struct dd_in *in)
{
  struct dd_segment t = {.kind = in->kind, .flow = (uint16_t)flow_id(k, f), .ack = in->ack, .wnd = in->wnd, .wnd_vld = in->wnd_vld,
                         .no_data = in->no_data, .ts_vld = in->ts_vld, .tsecr = in->tsecr};
  if (!k->cfg.caps.sack || in->kind != DD_ACK) return t;
  t.n_sack = d->n_sack;
  t.sack0_start = d->sack0_start, t.sack0_end = d->sack0_end;
  t.sack1_start = d->sack1_start, t.sack1_end = d->sack1_end;
  t.sack2_start = d->sack2_start, t.sack2_end = d->sack2_end;
  t.sack3_start = d->sack3_start, t.sack3_end = d->sack3_end;
  return t;
}

static void expect_ctx(struct check *k, struct check_flow *f, const struct check_rcv *e, const char *step)
{
  uint32_t w[RCV_CTX_WORDS] = {0}, g[RCV_CTX_WORDS] = {0};
  late_mirror_set(k, &f->mirror, &f->rcv);
  if (rcv_ctx_equal(&f->rcv, &e->ctx)) return;
  rcv_ctx_pack(&f->rcv, w);
  rcv_ctx_pack(&e->ctx, g);
  diff(k, flow_id(k, f), "receive context", "After %s the receive context is not what the transport core makes of it.", step);
  diff_fields(k, rcv_ctx_fields, N_FIELDS(rcv_ctx_fields), w, g);
}

static void owe(struct check *k, struct check_flow *f, const struct check_rcv *e, bool bit, bool now)
{
  if (e->ack_bit != bit || e->ack_now != now) {
    diff(k, flow_id(k, f), "ACK owed", "The ACK that this step owes is not what the RFC wants.");
    diff_row(k, "ack", bit, e->ack_bit, false);
    diff_row(k, "ack at once", now, e->ack_now, false);
  }
  if (bit) late_set(k, &f->owed_bit, 1);
  if (now && f->owed_now.now < 3) late_set(k, &f->owed_now, f->owed_now.now + 1);
}

static void tell(struct check *k, struct check_flow *f, bool reset, bool released)
{
  struct told_rx t = {.flow = (uint16_t)flow_id(k, f),
                      .s = {.ready = seq_add(f->rcv.nxt, -(uint32_t)f->rcv.fin_done), .peer_closed = f->rcv.fin_done, .ts_recent = f->rcv.ts_recent,
                            .rx_reset = reset, .rx_released = released}};
  put(k, &k->rx_told, &t, sizeof t);
}

static void expect_sampled(struct check *k, struct check_flow *f, const struct check_rcv *e, bool consumed)
{
  uint32_t una = late_get(k, &f->una), max = late_get(k, &f->max), ack = late_get(k, &f->sent_ack), end = late_get(k, &f->sent_end);
  if (e->snd.una.v != una || e->snd.max.v != max || e->sent.ack.v != ack || e->sent.wnd_end.v != end) {
    diff(k, flow_id(k, f), "mirror", "The receive pipeline read a store of the send side as it did not stand.");
    diff_row(k, "una", una, e->snd.una.v, false);
    diff_row(k, "max", max, e->snd.max.v, false);
    diff_row(k, "last ACK sent", ack, e->sent.ack.v, false);
    diff_row(k, "last edge sent", end, e->sent.wnd_end.v, false);
  }
  if (consumed && e->consumed.v != late_get(k, &f->consumed)) {
    diff(k, flow_id(k, f), "consumed", "The receive pipeline read the host's pointer as it did not stand.");
    diff_row(k, "consumed", late_get(k, &f->consumed), e->consumed.v, false);
  }
}

static void segment_step(struct check *k, struct check_flow *f, const struct check_rcv *e, const struct rx_desc *d, const uint8_t *frame)
{
  const struct core_segment s = {.seq = d->seq, .ack = d->ack, .len = d->pay_len, .wnd = d->wnd, .flags = d->flags, .has_ts = d->has_ts,
                                 .tsval = d->tsval, .tsecr = d->tsecr, .n_sack = k->cfg.caps.sack ? d->n_sack : 0};
  struct seq was = f->rcv.nxt;
  expect_sampled(k, f, e, false);
  struct rcv_actions a = rcv_segment(&k->cfg.caps, &f->rcv, &s, &e->snd, &e->sent, e->now_us);
  const struct note n = {.kind = 'r', .sub = REV_SEGMENT, .class_id = (uint8_t)a.class_id, .flags = d->flags, .seq = d->seq.v, .ack = d->ack.v,
                         .len = d->pay_len, .wnd = d->wnd, .nxt = f->rcv.nxt.v};
  note_put(k, f, &n);
  if (e->class_id != a.class_id) {
    diff(k, flow_id(k, f), "segment class", "The receive pipeline takes the segment for something else than the RFC does (rcv_class_e).");
    diff_row(k, "class", a.class_id, e->class_id, false);
  }
  expect_ctx(k, f, e, "a segment");
  owe(k, f, e, a.ack || a.ack_now, a.ack_now);
  if (!dsack_equal(&a.dup, &e->dup)) {
    diff(k, flow_id(k, f), "D-SACK", "What came twice is not put down as it is.");
    diff_row(k, "vld", a.dup.vld, e->dup.vld, false);
    diff_row(k, "start", a.dup.start.v, e->dup.start.v, false);
    diff_row(k, "stop", a.dup.stop.v, e->dup.stop.v, false);
  }
  if (a.dup.vld) f->dup = a.dup;
  const struct dd_segment t = told(k, f, d, &a.dd);
  expect_dd(k, e, a.forward, &t);
  k->counts.nic[NIC_CNT_RCV + a.class_id]++;
  if (a.len) ring_store(f->rx, k->cfg.caps.rx_ring_bytes, a.at, frame + d->pay_off + a.off, a.len);
  k->counts.nic[NIC_CNT_RX_RING_BYTES] += a.len;
  if (!seq_eq(f->rcv.nxt, was) || a.class_id == RCV_RESET) tell(k, f, a.class_id == RCV_RESET, false);
}

static bool same_desc(struct check *k, const struct rx_desc *want, const struct rx_desc *got)
{
  uint32_t w[RX_DESC_WORDS] = {0}, g[RX_DESC_WORDS] = {0};
  bool same = want->class_id == got->class_id && want->beats == got->beats && want->frame_len == got->frame_len;
  if (want->class_id == RX_LOOKUP) same = rx_desc_equal(want, got);
  if (same) return true;
  rx_desc_pack(want, w);
  rx_desc_pack(got, g);
  diff(k, -1, "descriptor", "The parser's description of a frame is not what its bytes say.");
  diff_fields(k, rx_desc_fields, N_FIELDS(rx_desc_fields), w, g);
  return false;
}

// The flow that a segment belongs to; NULL: nobody's.
static struct check_flow *owner(const struct check *k, const struct rx_desc *d)
{
  const struct tuple t = {d->local_ip, d->remote_ip, d->local_port, d->remote_port};
  return d->class_id == RX_LOOKUP ? (struct check_flow *)tuple_map_find(&k->map, &t) : NULL;
}

static void on_segment(struct check *k, const struct check_rcv *e)
{
  uint32_t since;
  const uint8_t *frame;
  size_t len;
  struct rx_desc d;
  if (!recq_peek(&k->segments, &since, &frame, &len)) {
    diff(k, -1, "segment", "The receive pipeline retires a segment, and no frame waits.");
    return;
  }
  frame_class(&k->cfg, frame, len, &d);
  if (!same_desc(k, &d, &e->desc)) return;
  struct check_flow *f = owner(k, &d);
  if (e->hit != (f != NULL) || (f && (unsigned)flow_id(k, f) != e->flow)) {
    diff(k, f ? flow_id(k, f) : -1, "flow table", "The flow table's answer for a segment is wrong.");
    diff_row(k, "found", f != NULL, e->hit, false);
    if (f && e->hit) diff_row(k, "flow", (uint64_t)flow_id(k, f), e->flow, false);
  } else if (f) {
    segment_step(k, f, e, &d, frame);
    touch(k, f);
  } else {
    put(k, &k->slow_out, frame, len);
    k->counts.nic[NIC_CNT_RCV + RCV_NO_FLOW]++;
    if (e->dd_valid) diff(k, -1, "dd_incoming", "A segment that is no flow's was told to the send pipeline.");
  }
  recq_pop(&k->segments);
}

static void on_read(struct check *k, struct check_flow *f, const struct check_rcv *e)
{
  expect_sampled(k, f, e, true);
  bool update = rcv_read(&k->cfg.caps, &f->rcv, e->consumed, &e->sent);
  expect_ctx(k, f, e, "a read");
  owe(k, f, e, update, false);
  expect_dd(k, e, false, &(struct dd_segment){.flow = (uint16_t)e->flow});
}

static void on_timeout(struct check *k, struct check_flow *f, const struct check_rcv *e)
{
  expect_sampled(k, f, e, false);
  bool owed = rcv_timeout(&f->rcv, &e->sent, e->now_us);
  expect_ctx(k, f, e, "a timeout");
  owe(k, f, e, owed, false);
  expect_dd(k, e, false, &(struct dd_segment){.flow = (uint16_t)e->flow});
}

static void on_open(struct check *k, struct check_flow *f, const struct check_rcv *e)
{
  struct host_cmd o;
  uint16_t fence = (uint16_t)(FENCE | (e->ok ? FENCE_OK : 0) | e->flow);
  if (!take(&k->opens, &o, sizeof o) || o.flow != e->flow) {
    diff(k, (int)e->flow, "open", "A flow is opened that the host did not ask for.");
    return;
  }
  bool there = tuple_map_find(&k->map, &f->node.tuple);
  if (e->ok ? there : !there && k->in_table < TABLE_WAYS)
    diff(k, (int)e->flow, "flow table", "An open came out %s, but its tuple %s.", e->ok ? "well" : "badly", there ? "has a flow already" : "is new");
  rcv_open(&k->cfg.caps, &f->rcv, &o, e->now_us);
  f->rcv.open = e->ok;
  if (e->ok && !there) {
    tuple_map_insert(&k->map, &f->node);
    k->in_table++;
  }
  late_set(k, &f->owed_bit, 0);
  late_set(k, &f->owed_now, 0);
  f->dup.vld = false;
  expect_ctx(k, f, e, "an open");
  if (!e->ack_init || e->ack_bit) diff(k, (int)e->flow, "ACK owed", "An open does not clear the flow's ACK bits.");
  expect_dd(k, e, false, &(struct dd_segment){.flow = (uint16_t)e->flow});
  put(k, &k->slow_out, &fence, sizeof fence);
  tell(k, f, false, false);
}

static void on_release(struct check *k, struct check_flow *f, const struct check_rcv *e)
{
  struct host_cmd o;
  if (!take(&k->releases, &o, sizeof o) || o.flow != e->flow) {
    diff(k, (int)e->flow, "release", "A flow is released that the host did not ask for.");
    return;
  }
  k->in_table -= f->node.linked;
  tuple_map_remove(&k->map, &f->node);
  f->rcv.open = f->rcv.delack_vld = false;
  expect_ctx(k, f, e, "a release");
  if (e->ack_bit) diff(k, (int)e->flow, "ACK owed", "A release owes an ACK.");
  expect_dd(k, e, true, &(struct dd_segment){.kind = DD_RELEASE, .flow = (uint16_t)e->flow});
  tell(k, f, false, true);
}

void check_rcv(struct check *k, const struct check_rcv *e)
{
  if (k->failed) return;
  k->counts.rcv++;
  duty_moved(k, e->kind == REV_SEGMENT || e->flow >= k->cfg.num_flows ? -1 : (int)e->flow, "the receive pipeline retires an event");
  if (e->now_us != k->before_us) {
    diff(k, -1, "time", "The receive pipeline's time is not that of the cycle in which the step began.");
    diff_row(k, "now_us", k->before_us, e->now_us, false);
  }
  if (e->kind == REV_SEGMENT) {
    on_segment(k, e);
    return;
  }
  k->counts.nic[NIC_CNT_RCV + RCV_TOKEN]++;
  struct check_flow *f = flow_at(k, e->flow, "receive pipeline");
  if (!f) return;
  if (e->dup.vld) diff(k, flow_id(k, f), "D-SACK", "Something is said to have come twice, and no segment came.");
  if (e->kind == REV_READ) on_read(k, f, e);
  else if (e->kind == REV_TIMEOUT) on_timeout(k, f, e);
  else if (e->kind == REV_OPEN) on_open(k, f, e);
  else on_release(k, f, e);
  note_put(k, f, &(struct note){.kind = 'r', .sub = (uint8_t)e->kind, .nxt = f->rcv.nxt.v, .wnd = f->rcv.wnd_end.v});
  touch(k, f);
}

// --- the slow path out -----------------------------------------------------------------------------------------------

// A fence is a record of two bytes; no frame is that short.
void check_slow_out_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last)
{
  uint32_t since;
  const uint8_t *want, *got;
  size_t want_len, len;
  duty_moved(k, -1, "a frame leaves by the slow path");
  if (k->failed || !gather(&k->in_slow_out, beat, nbytes, last, &got, &len)) return;
  if (!recq_peek(&k->slow_out, &since, &want, &want_len) || want_len == sizeof(uint16_t))
    diff(k, -1, "slow path", "A frame of %zu bytes leaves by the slow path, and none should now.", len);
  else
    frame_same(k, -1, "slow path", want, want_len, got, len);
  if (!k->failed) recq_pop(&k->slow_out);
  recq_pop(&k->in_slow_out);
}

void check_fence(struct check *k, unsigned flow, bool ok)
{
  uint16_t want, got = (uint16_t)(FENCE | (ok ? FENCE_OK : 0) | flow);
  uint32_t since;
  const uint8_t *data;
  size_t len;
  if (k->failed) return;
  duty_moved(k, -1, "a fence leaves by the slow path");
  bool there = recq_peek(&k->slow_out, &since, &data, &len) && len == sizeof want;
  if (there) memcpy(&want, data, sizeof want);
  if (!there || want != got) {
    diff(k, (int)flow, "fence", "A fence leaves by the slow path, and it is not its turn.");
    return;
  }
  recq_pop(&k->slow_out);
}
