// SPDX-License-Identifier: Apache-2.0
// The host port: commands, payload out, events.
#include <stdlib.h>
#include <string.h>

#include "check/priv.h"

enum { EVENT_READ_CYCLES = 3 };   // an event has read its status at most so many cycles before it leaves

// --- commands --------------------------------------------------------------------------------------------------------

// All zero at first: what a restart point has of them does not depend on what this memory was before.
bool check_flow_rings(const struct check *k, struct check_flow *f)
{
  if (!f->tx) f->tx = calloc(1, k->cfg.tx_ring_bytes);
  if (!f->rx) f->rx = calloc(1, k->cfg.caps.rx_ring_bytes);
  return f->tx && f->rx;
}

static void begin(struct check *k, struct check_flow *f, const struct host_cmd *c)
{
  if (!check_flow_rings(k, f)) {
    diff(k, flow_id(k, f), "memory", "The checker is out of memory.");
    return;
  }
  f->live = true;
  f->open = *c;
  f->node.tuple = (struct tuple){c->local_ip, c->remote_ip, c->local_port, c->remote_port};
  f->pin_at = c->snd_nxt;
  f->out_at = c->rcv_nxt;
  f->n_history = 0;
  memset(f->since, 0, sizeof f->since);
}

void check_command(struct check *k, const struct host_cmd *c)
{
  if (k->failed) return;
  k->quiet_us = 0;
  const struct amount a = {c->flow, c->len};
  if (c->flow >= k->cfg.num_flows) {
    diff(k, -1, "command", "The host names flow %u, and there are %u.", c->flow, k->cfg.num_flows);
    return;
  }
  switch (c->kind) {
    case CMD_OPEN:
      begin(k, &k->flows[c->flow], c);
      put(k, &k->opens, c, sizeof *c);
      break;
    case CMD_CLOSE: put(k, &k->closes, c, sizeof *c); break;
    case CMD_ABORT: put(k, &k->aborts, c, sizeof *c); break;
    case CMD_TUNE: put(k, &k->tunes, c, sizeof *c); break;
    case CMD_RELEASE: put(k, &k->releases, c, sizeof *c); break;
    case CMD_CONSUME:
      put(k, &k->consumes, &a, sizeof a);
      put(k, &k->consumed, &a, sizeof a);
      break;
    default: break;
  }
}

// --- payload out -----------------------------------------------------------------------------------------------------

void check_consumed(struct check *k, unsigned flow, bool init, struct seq consumed)
{
  struct amount a = {0};
  if (k->failed) return;
  struct check_flow *f = flow_at(k, flow, "reader");
  if (!f) return;
  bool known = init ? f->live : take(&k->consumed, &a, sizeof a) && a.flow == flow;
  struct seq want = init ? f->open.rcv_nxt : seq_add(seq_of(f->consumed.now), a.bytes);
  if (!known || !seq_eq(want, consumed)) {
    diff(k, (int)flow, "consumed", "The pointer to what the host has read is written wrongly, or out of turn.");
    diff_row(k, "consumed", want.v, consumed.v, false);
  }
  late_set(k, &f->consumed, want.v);
}

static void out_bytes(struct check *k, struct check_flow *f, const uint8_t *beat, unsigned nbytes)
{
  uint8_t want[64];
  ring_load(f->rx, k->cfg.caps.rx_ring_bytes, f->out_at, want, nbytes);
  if (memcmp(beat, want, nbytes) != 0) {
    unsigned i = 0;
    while (beat[i] == want[i]) i++;
    diff(k, flow_id(k, f), "payload out", "A byte given to the host is not the one that came in at its sequence number %u.", f->out_at.v + i);
    diff_row(k, "byte", want[i], beat[i], true);
  }
  f->out_at = seq_add(f->out_at, nbytes);
}

void check_payload_out_beat(struct check *k, unsigned flow, const uint8_t *beat, unsigned nbytes, bool last)
{
  struct amount a;
  if (k->failed) return;
  struct check_flow *f = flow_at(k, flow, "payload out");
  if (!f) return;
  duty_moved(k, (int)flow, "the host is given payload");
  if (!k->out_left) {
    if (!take(&k->consumes, &a, sizeof a) || a.flow != flow) {
      diff(k, (int)flow, "payload out", "Payload is given to the host that it did not ask for next.");
      return;
    }
    k->out_left = a.bytes;
  }
  unsigned want = k->out_left < k->cfg.beat_bytes ? k->out_left : k->cfg.beat_bytes;
  if (nbytes != want || last != (k->out_left == nbytes)) {
    diff(k, (int)flow, "payload out", "A beat of payload for the host is cut wrongly.");
    diff_row(k, "bytes", want, nbytes, false);
    diff_row(k, "last", k->out_left == want, last, false);
    return;
  }
  k->out_left -= nbytes;
  out_bytes(k, f, beat, nbytes);
}

// --- status and events -----------------------------------------------------------------------------------------------

void check_rx_status(struct check *k, unsigned flow, const struct rx_status *s)
{
  struct told_rx t;
  uint32_t w[RX_STATUS_WORDS] = {0}, g[RX_STATUS_WORDS] = {0};
  if (k->failed) return;
  struct check_flow *f = flow_at(k, flow, "receive status");
  if (!f) return;
  if (!take(&k->rx_told, &t, sizeof t) || t.flow != flow) {
    diff(k, (int)flow, "receive status", "The receive side tells the host something out of turn.");
  } else if (!rx_status_equal(&t.s, s)) {
    rx_status_pack(&t.s, w);
    rx_status_pack(s, g);
    diff(k, (int)flow, "receive status", "What the receive side tells the host is wrong.");
    diff_fields(k, rx_status_fields, N_FIELDS(rx_status_fields), w, g);
  }
  memmove(f->rx_status + 1, f->rx_status, sizeof f->rx_status - sizeof *f->rx_status);
  memmove(f->rx_written + 1, f->rx_written, sizeof f->rx_written - sizeof *f->rx_written);
  f->rx_status[0] = *s;
  f->rx_written[0] = k->cycle;
  f->rx_news = true;
  touch(k, f);
}

void check_tx_status(struct check *k, unsigned flow, bool tell, const struct tx_status *s)
{
  struct told_tx t;
  uint32_t w[TX_STATUS_WORDS] = {0}, g[TX_STATUS_WORDS] = {0};
  if (k->failed) return;
  struct check_flow *f = flow_at(k, flow, "transmit status");
  if (!f) return;
  if (!take(&k->tx_told, &t, sizeof t) || t.flow != flow || t.tell != tell) {
    diff(k, (int)flow, "transmit status", "The send side tells the host something out of turn.");
  } else if (!tx_status_equal(&t.s, s)) {
    tx_status_pack(&t.s, w);
    tx_status_pack(s, g);
    diff(k, (int)flow, "transmit status", "What the send side tells the host is wrong.");
    diff_fields(k, tx_status_fields, N_FIELDS(tx_status_fields), w, g);
  }
  memmove(f->tx_status + 1, f->tx_status, sizeof f->tx_status - sizeof *f->tx_status);
  memmove(f->tx_written + 1, f->tx_written, sizeof f->tx_written - sizeof *f->tx_written);
  f->tx_status[0] = *s;
  f->tx_written[0] = k->cycle;
  if (tell) f->tx_news = true;
  touch(k, f);
}

// Whether what was written i writes ago was still there when an event of now read it.
static bool was_there(const struct check *k, const uint64_t *written, int i)
{
  return i == 0 || written[i - 1] + EVENT_READ_CYCLES >= k->cycle;
}

void check_event(struct check *k, const struct host_event *e)
{
  if (k->failed) return;
  k->counts.events++;
  struct check_flow *f = flow_at(k, e->flow, "event");
  if (!f) return;
  duty_moved(k, flow_id(k, f), "the host is told something");
  const struct rx_status r = {.ready = e->rx_ready, .peer_closed = e->peer_closed, .rx_reset = e->rx_reset, .ts_recent = e->ts_recent, .rx_released = e->rx_released};
  const struct tx_status t = {.freed = e->tx_freed, .fin_acked = e->fin_acked, .timed_out = e->timed_out, .tx_released = e->tx_released};
  int i = 0, j = 0;
  while (i < STATUS_LOG && !(rx_status_equal(&r, &f->rx_status[i]) && was_there(k, f->rx_written, i))) i++;
  while (j < STATUS_LOG && !(tx_status_equal(&t, &f->tx_status[j]) && was_there(k, f->tx_written, j))) j++;
  if (i == STATUS_LOG || j == STATUS_LOG) {
    diff(k, (int)e->flow, "event", "An event tells the host something else than the flow's state.");
    diff_row(k, "rx_ready", f->rx_status[0].ready.v, r.ready.v, false);
    diff_row(k, "peer_closed", f->rx_status[0].peer_closed, r.peer_closed, false);
    diff_row(k, "ts_recent", f->rx_status[0].ts_recent, r.ts_recent, false);
    diff_row(k, "rx_reset", f->rx_status[0].rx_reset, r.rx_reset, false);
    diff_row(k, "rx_released", f->rx_status[0].rx_released, r.rx_released, false);
    diff_row(k, "tx_freed", f->tx_status[0].freed.v, t.freed.v, false);
    diff_row(k, "fin_acked", f->tx_status[0].fin_acked, t.fin_acked, false);
    diff_row(k, "timed_out", f->tx_status[0].timed_out, t.timed_out, false);
    diff_row(k, "tx_released", f->tx_status[0].tx_released, t.tx_released, false);
    return;
  }
  if (i == 0) f->rx_news = false;
  if (j == 0) f->tx_news = false;
  f->since[DUTY_RX_EVENT] = f->since[DUTY_TX_EVENT] = 0;
  if (r.rx_released && t.tx_released) f->live = false;
}
