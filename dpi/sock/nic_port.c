// SPDX-License-Identifier: Apache-2.0
#include "sock/nic_port.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct queued_cmd {
  uint64_t after_pin;   // payload packets that must have been taken before
  uint32_t bits[HOST_CMD_WORDS];
};

static struct nic_port *port_of(struct engine *e) { return (struct nic_port *)e; }

static uint64_t mac_bits(const uint8_t mac[static 6]) { return (uint64_t)get_be16(mac) << 32 | get_be32(mac + 2); }

static void put_cmd(struct nic_port *p, const struct host_cmd *c, bool after_payload)
{
  struct queued_cmd q = {.after_pin = after_payload ? p->pin_put : 0};
  host_cmd_pack(c, q.bits);
  recq_put(&p->cmds, 0, &q, sizeof q);
}

static struct host_cmd tuple_cmd(enum host_cmd_e kind, const struct flow_open *o)
{
  return (struct host_cmd){.kind = kind, .flow = o->flow, .local_ip = o->local_ip, .remote_ip = o->remote_ip,
                           .local_port = o->local_port, .remote_port = o->remote_port};
}

static void op_open(struct engine *e, const struct flow_open *o)
{
  struct nic_port *p = port_of(e);
  struct host_cmd c = tuple_cmd(CMD_OPEN, o);
  c.local_mac = mac_bits(o->local_mac);
  c.remote_mac = mac_bits(o->remote_mac);
  c.snd_nxt = o->snd_nxt;
  c.rcv_nxt = o->rcv_nxt;
  c.snd_wnd = o->snd_wnd;
  c.mss = o->mss;
  c.rcv_mss = o->rcv_mss;
  c.snd_wscale = o->snd_wscale;
  c.rcv_wscale = o->rcv_wscale;
  c.ts_ok = o->ts_ok;
  c.sack_ok = o->sack_ok;
  c.nagle_off = o->tuning.nagle_off;
  c.syn_again = o->syn_again;
  c.ts_recent = o->ts_recent;
  c.user_timeout_ms = o->tuning.user_timeout_ms;
  c.pace_rate = o->tuning.pace_rate;
  c.pace_burst = o->tuning.pace_burst;
  put_cmd(p, &c, false);
  p->flows[o->flow] = (struct nic_port_flow){
      .open = *o, .opening = true, .last = {.flow = o->flow, .rx_ready = o->rcv_nxt, .tx_freed = o->snd_nxt, .ts_recent = o->ts_recent}};
}

static void op_payload(struct engine *e, uint16_t flow, const uint8_t *data, size_t len)
{
  struct nic_port *p = port_of(e);
  if (!len) return;
  recq_put(&p->pin.q, flow, data, len);
  p->pin_put++;
}

static void op_close(struct engine *e, uint16_t flow)
{
  put_cmd(port_of(e), &(struct host_cmd){.kind = CMD_CLOSE, .flow = flow}, true);
}

static void op_abort(struct engine *e, uint16_t flow)
{
  put_cmd(port_of(e), &(struct host_cmd){.kind = CMD_ABORT, .flow = flow}, false);
}

static void op_release(struct engine *e, uint16_t flow)
{
  struct nic_port *p = port_of(e);
  // Behind all payload: what is still queued for the flow must not reach its successor.
  struct host_cmd c = tuple_cmd(CMD_RELEASE, &p->flows[flow].open);
  p->flows[flow].releasing = true;
  put_cmd(p, &c, true);
}

static void op_consume(struct engine *e, uint16_t flow, uint32_t len)
{
  if (len) put_cmd(port_of(e), &(struct host_cmd){.kind = CMD_CONSUME, .flow = flow, .len = len}, false);
}

static void op_tune(struct engine *e, uint16_t flow, const struct flow_tuning *t)
{
  const struct host_cmd c = {.kind = CMD_TUNE, .flow = flow, .nagle_off = t->nagle_off, .user_timeout_ms = t->user_timeout_ms,
                             .mss = t->mss, .pace_rate = t->pace_rate, .pace_burst = t->pace_burst};
  put_cmd(port_of(e), &c, false);
}

static void op_input(struct engine *e, const uint8_t *frame, size_t len)
{
  recq_put(&port_of(e)->rx.q, 0, frame, len);
}

// False for one that says once more that a flow is released: the levels of two changes near to each other, read twice.
static bool is_news(const struct nic_port *p, const struct host_event *h)
{
  return p->flows[h->flow].releasing || !(h->rx_released && h->tx_released);
}

static bool take_event(struct nic_port *p, struct host_event *h)
{
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  if (!recq_peek(&p->events, &tag, &data, &len)) return false;
  memcpy(h, data, sizeof *h);
  recq_pop(&p->events);
  return true;
}

// A flow that is half open or half released has levels on one side only: the other side keeps what was told last.
static bool op_next_event(struct engine *e, struct engine_event *ev)
{
  struct nic_port *p = port_of(e);
  struct host_event h;
  do {
    if (!take_event(p, &h)) return false;
  } while (!is_news(p, &h));
  struct engine_event *l = &p->flows[h.flow].last;
  if (!h.rx_released) {
    l->rx_ready = h.rx_ready;
    l->peer_closed = h.peer_closed;
    l->ts_recent = h.ts_recent;
    l->reset = h.rx_reset;
  }
  if (!h.tx_released) {
    l->tx_freed = h.tx_freed;
    l->fin_acked = h.fin_acked;
    l->timed_out = h.timed_out;
  }
  l->flow = h.flow;
  l->released = h.rx_released && h.tx_released;
  if (l->released) p->flows[h.flow].releasing = false;
  *ev = *l;
  return true;
}

static bool op_next_payload(struct engine *e, uint16_t *flow, const uint8_t **data, size_t *len)
{
  struct nic_port *p = port_of(e);
  uint32_t tag;
  if (p->pout_lent) recq_pop(&p->pout);
  p->pout_lent = recq_peek(&p->pout, &tag, data, len);
  if (p->pout_lent) *flow = (uint16_t)tag;
  return p->pout_lent;
}

static const struct engine_ops ops = {
    .open = op_open, .payload = op_payload, .close = op_close, .abort = op_abort, .release = op_release,
    .consume = op_consume, .input = op_input, .tune = op_tune, .next_event = op_next_event, .next_payload = op_next_payload,
};

bool nic_port_open(struct nic_port *p, unsigned beat_bytes, uint16_t num_flows, uint32_t tx_ring, uint32_t rx_ring)
{
  *p = (struct nic_port){
      .engine = {.ops = &ops, .num_flows = num_flows, .tx_ring_bytes = tx_ring, .rx_ring_bytes = rx_ring},
      .beat_bytes = beat_bytes,
      .flows = calloc(num_flows, sizeof(struct nic_port_flow)),
  };
  return p->flows != NULL;
}

void nic_port_close(struct nic_port *p)
{
  struct recq *all[] = {&p->rx.q, &p->slow_in.q, &p->pin.q, &p->cmds, &p->tx, &p->slow_out, &p->pout, &p->events};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) recq_free(all[i]);
  free(p->flows);
}

unsigned nic_source_beat(struct nic_source *s, unsigned beat_bytes, uint8_t *beat, bool *last, uint32_t *tag)
{
  const uint8_t *data;
  size_t len;
  bool there = recq_peek(&s->q, tag, &data, &len);
  assert(there && s->taken < len);
  (void)there;
  size_t n = len - s->taken < beat_bytes ? len - s->taken : beat_bytes;
  memcpy(beat, data + s->taken, n);
  s->taken += n;
  *last = s->taken == len;
  if (*last) {
    recq_pop(&s->q);
    s->taken = 0;
  }
  return (unsigned)n;
}

bool nic_port_payload_ready(const struct nic_port *p)
{
  uint32_t flow;
  const uint8_t *data;
  size_t len;
  return recq_peek(&p->pin.q, &flow, &data, &len) && !p->flows[flow].opening;
}

unsigned nic_port_payload_beat(struct nic_port *p, uint8_t *beat, bool *last, uint16_t *flow)
{
  uint32_t tag;
  unsigned n = nic_source_beat(&p->pin, p->beat_bytes, beat, last, &tag);
  *flow = (uint16_t)tag;
  if (*last) p->pin_done++;
  return n;
}

static struct queued_cmd head_cmd(const struct nic_port *p)
{
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  struct queued_cmd q;
  bool there = recq_peek(&p->cmds, &tag, &data, &len);
  assert(there && len == sizeof q);
  (void)there;
  memcpy(&q, data, sizeof q);
  return q;
}

bool nic_port_cmd_ready(const struct nic_port *p)
{
  return !recq_empty(&p->cmds) && head_cmd(p).after_pin <= p->pin_done;
}

void nic_port_take_cmd(struct nic_port *p, uint32_t bits[HOST_CMD_WORDS])
{
  struct queued_cmd q = head_cmd(p);
  memcpy(bits, q.bits, sizeof q.bits);
  recq_pop(&p->cmds);
}

void nic_port_beat(struct nic_port *p, struct recq *q, uint32_t tag, const uint8_t *beat, unsigned nbytes, bool last)
{
  if (!q->writing) recq_begin(q, tag);
  recq_append(q, beat, nbytes);
  if (!last) return;
  recq_commit(q);
  p->woken = true;
}

void nic_port_fence(struct nic_port *p, uint16_t flow, bool ok)
{
  p->flows[flow].opening = false;
  recq_put(&p->slow_out, NIC_SLOW_FENCE | (ok ? NIC_SLOW_OK : 0) | flow, NULL, 0);
  p->woken = true;
}

void nic_port_event(struct nic_port *p, const struct host_event *e)
{
  recq_put(&p->events, 0, e, sizeof *e);
  p->woken = true;
}
