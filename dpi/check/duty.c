// SPDX-License-Identifier: Apache-2.0
// What the NIC owes, as deadlines in clocked cycles from the moment when it became due: a host that was held up cannot raise
// a false alarm. Of a flow: an ACK, a timer, data that the windows permit, news for the host. Of the stages: that what went
// in comes out. When the NIC calls itself quiescent nothing may be owed at all.
#include <inttypes.h>
#include <stdio.h>

#include "check/priv.h"

enum { SCAN_CYCLES = 4096 };

static const char *const duty_text[DUTY_N] = {
    [DUTY_ACK] = "an ACK is owed and has not left", [DUTY_DELACK] = "a delayed ACK's deadline has passed without its rcv_timeout",
    [DUTY_TIMEOUT] = "a timer of retransmission, probe or pacing has passed without its dd_timeout",
    [DUTY_SEND] = "there is something to send, or a timer to start, and no dd_next comes", [DUTY_RX_EVENT] = "the host was not told what was received",
    [DUTY_TX_EVENT] = "the host was not told what was acknowledged",
};

// A dd_next now would change something.
static bool has_to_send(const struct check *k, const struct check_flow *f)
{
  struct snd_ctx c = f->snd;
  const struct snd_view v = {.tail = seq_of(f->tail.now), .fin = f->fin.now};
  struct snd_actions a = snd_next(&k->cfg.caps, &c, &v, k->now_us);
  return a.emit || !snd_ctx_equal(&c, &f->snd);
}

static bool owes(const struct check *k, const struct check_flow *f, enum duty d)
{
  bool live = f->snd.open && !f->snd.gave_up;
  switch (d) {
    case DUTY_ACK: return live && (f->owed_bit.now || f->owed_now.now);
    case DUTY_DELACK: return f->rcv.open && f->rcv.delack_vld && k->now_us >= f->rcv.delack_us;
    case DUTY_TIMEOUT: return k->now_us >= snd_deadline(&f->snd);
    case DUTY_SEND: return f->snd.open && has_to_send(k, f);
    case DUTY_RX_EVENT: return f->rx_news;
    default: return f->tx_news;
  }
}

static bool overdue(const struct check *k, uint64_t since) { return since && k->cycle - since > k->duty_cycles; }

static void late(struct check *k, int flow, uint64_t cycles, const char *what)
{
  if (cycles) diff(k, flow, "duty", "For %" PRIu64 " clocked cycles: %s.", cycles, what);
  else diff(k, flow, "quiescent", "The NIC says that nothing is under way, but %s.", what);
}

// True when the flow must be looked at again.
static bool scan_flow(struct check *k, struct check_flow *f, bool quiescent)
{
  bool again = snd_deadline(&f->snd) != UINT64_MAX || (f->rcv.open && f->rcv.delack_vld);
  for (enum duty d = 0; d < DUTY_N; d++) {
    if (!owes(k, f, d)) {
      f->since[d] = 0;
      continue;
    }
    again = true;
    if (!f->since[d]) f->since[d] = k->cycle;
    if (quiescent) late(k, flow_id(k, f), 0, duty_text[d]);
    else if (overdue(k, f->since[d])) late(k, flow_id(k, f), k->cycle - f->since[d], duty_text[d]);
  }
  return again;
}

static void scan_flows(struct check *k, bool quiescent)
{
  struct check_flow *list = k->touched;
  k->touched = NULL;
  while (list) {
    struct check_flow *f = list;
    list = f->next_touched;
    f->touched = false;
    if (scan_flow(k, f, quiescent)) touch(k, f);
  }
}

static void scan_queues(struct check *k, bool quiescent)
{
  const struct {
    const struct recq *q;
    const char *what;
  } all[] = {
      {&k->rx_frame, "a frame came in and the parser is not done with it"}, {&k->segments, "a frame waits for the receive pipeline"},
      {&k->slow_out, "a frame or fence for the slow path has not left"}, {&k->tx_slow, "a frame of the slow path has not been sent"},
      {&k->tx_frame, "a frame whose header was sampled has not been sent"}, {&k->dd, "an ACK waits for the send pipeline"},
      {&k->descs, "a descriptor waits for the assembler"}, {&k->rx_told, "the receive status was not written"},
      {&k->tx_told, "the transmit status was not written"}, {&k->opens, "an open was not carried out"}, {&k->aborts, "an abort was not carried out"},
      {&k->tunes, "a tune was not carried out"},
      {&k->closes, "a close was not carried out"}, {&k->releases, "a release was not carried out"},
      {&k->consumes, "payload that the host asked for was not given"}, {&k->consumed, "payload that the host asked for was not read"},
      {&k->packets, "payload from the host was not enqueued"},
  };
  uint32_t since;
  const uint8_t *data;
  size_t len;
  for (size_t i = 0; i < N_FIELDS(all); i++) {
    if (!recq_peek(all[i].q, &since, &data, &len)) continue;
    uint32_t age = (uint32_t)k->cycle - since;
    if (quiescent) late(k, -1, 0, all[i].what);
    else if (age > k->duty_cycles && age < UINT32_MAX / 2) late(k, -1, age, all[i].what);
  }
}

void duty_scan(struct check *k)
{
  scan_flows(k, false);
  scan_queues(k, false);
  k->next_scan = k->cycle + SCAN_CYCLES;
}

void check_quiescent(struct check *k, uint64_t next_us)
{
  if (k->failed) return;
  k->quiet_us = next_us;
  scan_flows(k, true);
  scan_queues(k, true);
  if (k->out_left) late(k, -1, 0, "payload that the host asked for was given in part");
  for (const struct check_flow *f = k->touched; f; f = f->next_touched) {
    uint64_t at_us = snd_deadline(&f->snd);
    if (f->rcv.open && f->rcv.delack_vld && f->rcv.delack_us < at_us) at_us = f->rcv.delack_us;
    if (next_us <= at_us) continue;
    diff(k, flow_id(k, f), "deadline", "The NIC says that clocking cannot matter before a time that is later than a timer of this flow.");
    diff_row(k, "microseconds", at_us, next_us, false);
  }
}

void duty_moved(struct check *k, int flow, const char *what)
{
  if (k->quiet_us) diff(k, flow, "quiescent", "The NIC has said that nothing is under way, and without anything new %s.", what);
}

static const char *counter_text(unsigned index)
{
  switch (index) {
    case NIC_CNT_RX_RING_BYTES: return "payload received";
    case NIC_CNT_TX_RING_BYTES: return "payload from the host";
    case NIC_CNT_TX_FRAMES: return "frames assembled";
    case NIC_CNT_TX_PURE_ACKS: return "frames assembled without payload";
    case NIC_CNT_TX_SLOW: return "frames sent of the slow path";
    case NIC_CNT_TIMEOUTS: return "timers that ran out";
    case NIC_CNT_REXMITS: return "segments sent again";
    default: return index < NIC_CNT_RCV ? "frames by what the parser made of them" : "events by what the receive pipeline made of them";
  }
}

void check_counter(struct check *k, unsigned index, uint64_t value)
{
  if (k->failed || value == k->counts.nic[index]) return;
  diff(k, -1, "counter", "The NIC counts %s otherwise than they were seen (counter %u).", counter_text(index), index);
  diff_row(k, "counter", k->counts.nic[index], value, false);
}
