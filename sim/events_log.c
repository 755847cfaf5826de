// SPDX-License-Identifier: Apache-2.0
#include "events_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(t) (sizeof(t) / sizeof *(t))
#define NAME(t, i) ((size_t)(i) < COUNT(t) && t[i] ? t[i] : "?")

// A flow's contexts as they were written last.
struct seen {
  bool rcv, snd;
  uint32_t rcv_ctx[RCV_CTX_WORDS], snd_ctx[SND_CTX_WORDS];
};

struct events_log {
  struct glue_watch watch;             // first
  struct events_log_options o;
  FILE *f;
  struct seen *seen;                   // a flow each
};

static struct events_log *of(struct glue_watch *w) { return (struct events_log *)w; }

static bool wanted(const struct events_log *l) { return *l->o.cycle >= l->o.from && *l->o.cycle <= l->o.to; }

// now_us: of a pipeline's step the time at its entry, of all else that of the cycle.
static void begin(struct events_log *l, const char *event, uint64_t now_us)
{
  fprintf(l->f, "{\"cycle\": %" PRIu64 ", \"us\": %" PRIu64 ", \"event\": \"%s\"", *l->o.cycle, now_us, event);
}

static void begin_flow(struct events_log *l, const char *event, unsigned flow, uint64_t now_us)
{
  begin(l, event, now_us);
  fprintf(l->f, ", \"flow\": %u", flow);
}

static void end(struct events_log *l) { fputs("}\n", l->f); }

static void text(struct events_log *l, const char *name, const char *value) { fprintf(l->f, ", \"%s\": \"%s\"", name, value); }

static void number(struct events_log *l, const char *name, uint64_t v)
{
  if (v) fprintf(l->f, ", \"%s\": %" PRIu64, name, v);
}

// The members of a packed struct that are not as in `was`; with that NULL: that are not 0.
static void members(struct events_log *l, const char *name, const struct nic_field *t, size_t n, const uint32_t *v, const uint32_t *was)
{
  const char *comma = "";
  fprintf(l->f, ", \"%s\": {", name);
  for (size_t i = 0; i < n; i++) {
    uint64_t x = lw_bits_get(v, t[i].low, t[i].width);
    if (x == (was ? lw_bits_get(was, t[i].low, t[i].width) : 0)) continue;
    fprintf(l->f, "%s\"%s\": %" PRIu64, comma, t[i].name, x);
    comma = ", ";
  }
  fputc('}', l->f);
}

// All of them.
static void context(struct events_log *l, const struct nic_field *t, size_t n, const uint32_t *v)
{
  fputs(", \"ctx\": {", l->f);
  for (size_t i = 0; i < n; i++) fprintf(l->f, "%s\"%s\": %" PRIu64, i ? ", " : "", t[i].name, lw_bits_get(v, t[i].low, t[i].width));
  fputc('}', l->f);
}

static void put_desc(struct events_log *l, const struct tx_desc *d)
{
  uint32_t w[TX_DESC_WORDS] = {0};
  tx_desc_pack(d, w);
  text(l, "desc_kind", NAME(tx_desc_names, d->kind));
  members(l, "desc", tx_desc_fields, COUNT(tx_desc_fields), w, NULL);
}

static void put_dup(struct events_log *l, const struct dsack *d)
{
  uint32_t w[DSACK_WORDS] = {0};
  dsack_pack(d, w);
  if (d->vld) members(l, "dup", dsack_fields, COUNT(dsack_fields), w, NULL);
}

// --- what passes -----------------------------------------------------------------------------------------------------

static const char *const port_name[GLUE_PORTS] = {"rx", "slow_in", "payload_in", "command", "tx", "slow_out", "fence", "payload_out", "event"};

static void put_event(struct events_log *l, const struct glue_beat *b)
{
  const uint32_t *w = (const uint32_t *)(const void *)b->data;
  members(l, "host_event", host_event_fields, COUNT(host_event_fields), w, NULL);
}

static void put_command(struct events_log *l, const struct glue_beat *b)
{
  const uint32_t *w = (const uint32_t *)(const void *)b->data;
  struct host_cmd c;
  host_cmd_unpack(&c, w);
  text(l, "kind", NAME(host_cmd_names, c.kind));
  members(l, "command", host_cmd_fields, COUNT(host_cmd_fields), w, NULL);
}

static void put_bytes(struct events_log *l, const struct glue_beat *b)
{
  char hex[2 * 64 + 1] = "";
  for (unsigned i = 0; i < b->nbytes && i < 64; i++) {
    hex[2 * i] = "0123456789abcdef"[b->data[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[b->data[i] & 15];
    hex[2 * i + 2] = '\0';
  }
  fprintf(l->f, ", \"bytes\": %u, \"last\": %s, \"data\": \"%s\"", b->nbytes, b->last ? "true" : "false", hex);
}

static void on_beat(struct glue_watch *w, const struct glue_beat *b)
{
  struct events_log *l = of(w);
  if (!wanted(l)) return;
  begin_flow(l, "beat", b->flow, *l->o.now_us);
  text(l, "port", port_name[b->port]);
  if (b->port == GLUE_EVENT) put_event(l, b);
  else if (b->port == GLUE_CMD) put_command(l, b);
  else put_bytes(l, b);
  end(l);
}

// --- what retires ----------------------------------------------------------------------------------------------------

static void on_frame(struct glue_watch *w, enum rx_class_e class_id)
{
  struct events_log *l = of(w);
  if (!wanted(l)) return;
  begin(l, "frame", *l->o.now_us);
  text(l, "class", NAME(rx_class_names, class_id));
  end(l);
}

static void put_segment(struct events_log *l, const struct check_rcv *e)
{
  uint32_t w[RX_DESC_WORDS] = {0};
  rx_desc_pack(&e->desc, w);
  text(l, "class", NAME(rcv_class_names, e->class_id));
  members(l, "segment", rx_desc_fields, COUNT(rx_desc_fields), w, NULL);
}

static void put_read(struct events_log *l, const struct check_rcv *e)
{
  uint32_t w[DD_SEGMENT_WORDS] = {0};
  fprintf(l->f, ", \"una\": %" PRIu32 ", \"max\": %" PRIu32 ", \"sent_ack\": %" PRIu32 ", \"sent_wnd_end\": %" PRIu32 ", \"consumed\": %" PRIu32,
          e->snd.una.v, e->snd.max.v, e->sent.ack.v, e->sent.wnd_end.v, e->consumed.v);
  if (!e->dd_valid) return;
  dd_segment_pack(&e->dd, w);
  members(l, "dd", dd_segment_fields, COUNT(dd_segment_fields), w, NULL);
}

static void on_rcv(struct glue_watch *w, const struct check_rcv *e)
{
  struct events_log *l = of(w);
  if (!wanted(l)) return;
  begin_flow(l, "receive", e->flow, e->now_us);
  text(l, "kind", NAME(rcv_ev_names, e->kind));
  number(l, "hit", e->hit);
  number(l, "ok", e->ok);
  if (e->kind == REV_SEGMENT) put_segment(l, e);
  number(l, "ack", e->ack_bit);
  number(l, "ack_now", e->ack_now);
  put_dup(l, &e->dup);
  if (e->flow < l->o.num_flows && (e->kind != REV_SEGMENT || e->hit)) {   // else nobody's: it has no context
    struct seen *s = &l->seen[e->flow];
    uint32_t now[RCV_CTX_WORDS] = {0};
    rcv_ctx_pack(&e->ctx, now);
    put_read(l, e);
    if (s->rcv && e->kind != REV_OPEN) members(l, "ctx", rcv_ctx_fields, COUNT(rcv_ctx_fields), now, s->rcv_ctx);
    else context(l, rcv_ctx_fields, COUNT(rcv_ctx_fields), now);
    memcpy(s->rcv_ctx, now, sizeof now);
    s->rcv = true;
  }
  end(l);
}

static void put_dd(struct events_log *l, const struct dd_in *d)
{
  uint32_t w[DD_IN_WORDS] = {0};
  dd_in_pack(d, w);
  text(l, "dd_kind", NAME(dd_in_names, d->kind));
  members(l, "dd", dd_in_fields, COUNT(dd_in_fields), w, NULL);
}

static void on_snd(struct glue_watch *w, const struct check_snd *e)
{
  struct events_log *l = of(w);
  if (!wanted(l) || e->flow >= l->o.num_flows) return;
  struct seen *s = &l->seen[e->flow];
  uint32_t now[SND_CTX_WORDS] = {0};
  snd_ctx_pack(&e->ctx, now);
  begin_flow(l, "send", e->flow, e->now_us);
  text(l, "kind", NAME(snd_ev_names, e->kind));
  if (e->kind == SEV_INCOMING) put_dd(l, &e->dd);
  if (e->kind == SEV_NEXT) fprintf(l->f, ", \"tail\": %" PRIu32, e->tail.v);
  number(l, "fin", e->kind == SEV_NEXT && e->fin);
  number(l, "owed", e->kind == SEV_NEXT && e->owed);
  number(l, "owed_now", e->kind == SEV_NEXT ? e->owed_now : 0);
  number(l, "emit", e->emit);
  if (e->emit) put_desc(l, &e->desc);
  if (s->snd && e->kind != SEV_OPEN) members(l, "ctx", snd_ctx_fields, COUNT(snd_ctx_fields), now, s->snd_ctx);
  else context(l, snd_ctx_fields, COUNT(snd_ctx_fields), now);
  memcpy(s->snd_ctx, now, sizeof now);
  s->snd = true;
  end(l);
}

static void on_sample(struct glue_watch *w, const struct check_sample *e)
{
  struct events_log *l = of(w);
  uint32_t v[RCV_MIRROR_WORDS] = {0};
  if (!wanted(l)) return;
  rcv_mirror_pack(&e->rcv, v);
  begin_flow(l, "sample", e->desc.flow, *l->o.now_us);
  put_desc(l, &e->desc);
  number(l, "frame", e->frame);
  number(l, "owed", e->owed);
  if (e->frame) members(l, "rcv", rcv_mirror_fields, COUNT(rcv_mirror_fields), v, NULL);
  if (e->frame) put_dup(l, &e->dup);
  end(l);
}

static void on_tail(struct glue_watch *w, unsigned flow, enum check_tail kind, struct seq tail, bool fin)
{
  static const char *const by[] = {"payload", "close", "open"};
  struct events_log *l = of(w);
  if (!wanted(l)) return;
  begin_flow(l, "tail", flow, *l->o.now_us);
  text(l, "by", NAME(by, kind));
  fprintf(l->f, ", \"tail\": %" PRIu32, tail.v);
  number(l, "fin", fin);
  end(l);
}

static void on_consumed(struct glue_watch *w, unsigned flow, bool init, struct seq consumed)
{
  struct events_log *l = of(w);
  if (!wanted(l)) return;
  begin_flow(l, "consumed", flow, *l->o.now_us);
  number(l, "init", init);
  fprintf(l->f, ", \"consumed\": %" PRIu32, consumed.v);
  end(l);
}

static void on_rx_status(struct glue_watch *w, unsigned flow, const struct rx_status *s)
{
  struct events_log *l = of(w);
  uint32_t v[RX_STATUS_WORDS] = {0};
  if (!wanted(l)) return;
  rx_status_pack(s, v);
  begin_flow(l, "rx_status", flow, *l->o.now_us);
  members(l, "status", rx_status_fields, COUNT(rx_status_fields), v, NULL);
  end(l);
}

static void on_tx_status(struct glue_watch *w, unsigned flow, bool tell, const struct tx_status *s)
{
  struct events_log *l = of(w);
  uint32_t v[TX_STATUS_WORDS] = {0};
  if (!wanted(l)) return;
  tx_status_pack(s, v);
  begin_flow(l, "tx_status", flow, *l->o.now_us);
  number(l, "tell", tell);
  members(l, "status", tx_status_fields, COUNT(tx_status_fields), v, NULL);
  end(l);
}

static const struct glue_watch_ops ops = {on_beat, on_frame, on_rcv, on_snd, on_sample, on_tail, on_consumed, on_rx_status, on_tx_status};

// --- its life --------------------------------------------------------------------------------------------------------

struct events_log *events_log_open(const struct events_log_options *o)
{
  struct events_log *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  *l = (struct events_log){.watch = {&ops}, .o = *o, .f = fopen(o->path, "w"), .seen = calloc(o->num_flows, sizeof *l->seen)};
  if (l->f && l->seen) return l;
  int error = errno;
  events_log_close(l);
  errno = error;
  return NULL;
}

struct glue_watch *events_log_watch(struct events_log *l) { return &l->watch; }

bool events_log_close(struct events_log *l)
{
  if (!l) return true;
  bool ok = !l->f || !ferror(l->f);
  if (l->f && fclose(l->f) != 0) ok = false;
  free(l->seen);
  free(l);
  return ok;
}
