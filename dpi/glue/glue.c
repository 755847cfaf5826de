// SPDX-License-Identifier: Apache-2.0
// The functions sim/cosim_top.sv and sim/nic_retire.sv import, and nothing else. The generated header is included so that a prototype that
// drifted is a compile error. Packed vectors arrive as 32-bit words, least significant first, so on a little-endian host
// a beat's bytes lie in memory in lane order.
#include "glue/glue.h"

#include <string.h>

#include "Vcosim_top__Dpi.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "beats are read as bytes of little-endian words");

static struct glue *glue_of(unsigned long long host) { return (struct glue *)(uintptr_t)host; }

void lw_open(unsigned long long host)
{
  struct glue *g = glue_of(host);
  if (g->open_wire) g->wire = g->open_wire(g->user, g->err);
}

void lw_close(unsigned long long host)
{
  struct glue *g = glue_of(host);
  wire_close(g->wire);
  g->wire = NULL;
}

// --- what leaves -----------------------------------------------------------------------------------------------------

static struct glue_beat beat_of(enum glue_port port, int flow, const svBitVecVal *data, int nbytes, bool last)
{
  return (struct glue_beat){port, (unsigned)flow, (const uint8_t *)data, (unsigned)nbytes, last};
}

static void pass(struct glue *g, const struct glue_beat *b)
{
  if (g->watch) g->watch->ops->beat(g->watch, b);
  if (g->tap) g->tap->ops->pass(g->tap, b);
}

static void beat_out(struct glue *g, struct recq *q, uint32_t tag, const struct glue_beat *b)
{
  nic_port_beat(g->port, q, tag, b->data, b->nbytes, b->last);
}

void lw_tx(unsigned long long host, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = glue_of(host);
  struct glue_beat b = beat_of(GLUE_TX, 0, data, nbytes, last);
  pass(g, &b);
  if (g->check) check_tx_beat(g->check, b.data, b.nbytes, last);
  if (g->port) beat_out(g, &g->port->tx, 0, &b);
}

void lw_slow_out(unsigned long long host, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = glue_of(host);
  struct glue_beat b = beat_of(GLUE_SLOW_OUT, 0, data, nbytes, last);
  pass(g, &b);
  if (g->check) check_slow_out_beat(g->check, b.data, b.nbytes, last);
  if (g->port) beat_out(g, &g->port->slow_out, NIC_SLOW_FRAME, &b);
}

void lw_fence(unsigned long long host, int flow, svBit ok)
{
  struct glue *g = glue_of(host);
  struct glue_beat b = beat_of(GLUE_FENCE, flow, NULL, 0, ok);
  pass(g, &b);
  if (g->check) check_fence(g->check, b.flow, ok);
  if (g->port) nic_port_fence(g->port, (uint16_t)flow, ok);
}

void lw_payload_out(unsigned long long host, int flow, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = glue_of(host);
  struct glue_beat b = beat_of(GLUE_POUT, flow, data, nbytes, last);
  pass(g, &b);
  if (g->check) check_payload_out_beat(g->check, b.flow, b.data, b.nbytes, last);
  if (g->port) beat_out(g, &g->port->pout, b.flow, &b);
}

void lw_event(unsigned long long host, const svBitVecVal *ev)
{
  struct glue *g = glue_of(host);
  struct host_event e;
  struct glue_beat b = beat_of(GLUE_EVENT, 0, ev, 4 * HOST_EVENT_WORDS, true);
  pass(g, &b);
  host_event_unpack(&e, ev);
  if (g->check) check_event(g->check, &e);
  if (g->port) nic_port_event(g->port, &e);
}

// --- what enters -----------------------------------------------------------------------------------------------------

// From the tap when it is the source; false: from the host's half.
static bool fetched(struct glue *g, enum glue_port port, svBitVecVal *data, struct glue_beat *b)
{
  *b = (struct glue_beat){.port = port, .data = (const uint8_t *)data};
  if (!g->tap || !g->tap->ops->fetch) return false;
  g->tap->ops->fetch(g->tap, port, (uint8_t *)data, b);
  return true;
}

// The lanes behind a packet's last byte: else they would hold what lay on the stack, and two equal runs two states.
static void clear_rest(const struct glue *g, svBitVecVal *data, unsigned nbytes)
{
  if (nbytes < g->beat_bytes) memset((uint8_t *)data + nbytes, 0, g->beat_bytes - nbytes);
}

static struct glue_beat frame_in(struct glue *g, enum glue_port port, svBitVecVal *data)
{
  struct glue_beat b;
  uint32_t tag;
  if (!fetched(g, port, data, &b)) {
    struct nic_source *from = port == GLUE_RX ? &g->port->rx : &g->port->slow_in;
    b.nbytes = nic_source_beat(from, g->beat_bytes, (uint8_t *)data, &b.last, &tag);
  }
  clear_rest(g, data, b.nbytes);
  pass(g, &b);
  return b;
}

void lw_rx(unsigned long long host, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = glue_of(host);
  struct glue_beat b = frame_in(g, GLUE_RX, data);
  *nbytes = (int)b.nbytes;
  *last = b.last;
  if (g->check) check_rx_beat(g->check, b.data, b.nbytes, b.last);
}

void lw_slow_in(unsigned long long host, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = glue_of(host);
  struct glue_beat b = frame_in(g, GLUE_SLOW_IN, data);
  *nbytes = (int)b.nbytes;
  *last = b.last;
  if (g->check) check_slow_in_beat(g->check, b.data, b.nbytes, b.last);
}

void lw_payload_in(unsigned long long host, int *flow, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = glue_of(host);
  struct glue_beat b;
  uint16_t id;
  if (!fetched(g, GLUE_PIN, data, &b)) {
    b.nbytes = nic_port_payload_beat(g->port, (uint8_t *)data, &b.last, &id);
    b.flow = id;
  }
  clear_rest(g, data, b.nbytes);
  pass(g, &b);
  *flow = (int)b.flow;
  *nbytes = (int)b.nbytes;
  *last = b.last;
  if (g->check) check_payload_in_beat(g->check, b.flow, b.data, b.nbytes, b.last);
}

void lw_command(unsigned long long host, svBitVecVal *cmd)
{
  struct glue *g = glue_of(host);
  struct glue_beat b;
  struct host_cmd c;
  if (!fetched(g, GLUE_CMD, cmd, &b)) nic_port_take_cmd(g->port, cmd);
  b.nbytes = 4 * HOST_CMD_WORDS;
  b.last = true;
  pass(g, &b);
  if (!g->check) return;
  host_cmd_unpack(&c, cmd);
  check_command(g->check, &c);
}

// --- the retire port (sim/nic_retire.sv), called only while g->check is there ------------------------------------------

#define WATCH(g, op, ...)                                              \
  do {                                                                 \
    if ((g)->watch) (g)->watch->ops->op((g)->watch, __VA_ARGS__);      \
  } while (0)

void lw_retire_frame(unsigned long long host, int class_id)
{
  struct glue *g = glue_of(host);
  WATCH(g, frame, (enum rx_class_e)class_id);
  check_frame(g->check, (enum rx_class_e)class_id);
}

void lw_retire_rcv(unsigned long long host, int kind, int flow, int flags, int class_id, const svBitVecVal *desc, const svBitVecVal *snd,
                   const svBitVecVal *sent, int consumed, const svBitVecVal *ctx, const svBitVecVal *dd, const svBitVecVal *dup,
                   unsigned long long now_us)
{
  struct glue *g = glue_of(host);
  struct check_rcv e = {.kind = (enum rcv_ev_e)kind, .flow = (unsigned)flow, .hit = flags & 1, .ok = flags & 2, .ack_bit = flags & 4,
                        .ack_now = flags & 8, .ack_init = flags & 16, .dd_valid = flags & 32, .class_id = (enum rcv_class_e)class_id,
                        .consumed = seq_of((uint32_t)consumed), .now_us = now_us};
  rx_desc_unpack(&e.desc, desc);
  snd_mirror_unpack(&e.snd, snd);
  sent_mirror_unpack(&e.sent, sent);
  rcv_ctx_unpack(&e.ctx, ctx);
  dd_segment_unpack(&e.dd, dd);
  dsack_unpack(&e.dup, dup);
  WATCH(g, rcv, &e);
  check_rcv(g->check, &e);
}

void lw_retire_snd(unsigned long long host, int kind, int flow, unsigned long long now_us, const svBitVecVal *dd, int tail, int flags,
                   const svBitVecVal *ctx, const svBitVecVal *desc)
{
  struct glue *g = glue_of(host);
  struct check_snd e = {.kind = (enum snd_ev_e)kind, .flow = (unsigned)flow, .now_us = now_us, .tail = seq_of((uint32_t)tail),
                        .emit = flags & 1, .fin = flags & 2, .owed = flags & 4, .owed_now = (unsigned)flags >> 3 & 3};
  dd_in_unpack(&e.dd, dd);
  snd_ctx_unpack(&e.ctx, ctx);
  tx_desc_unpack(&e.desc, desc);
  WATCH(g, snd, &e);
  check_snd(g->check, &e);
}

void lw_retire_sample(unsigned long long host, const svBitVecVal *desc, int flags, const svBitVecVal *rcv, const svBitVecVal *dup)
{
  struct glue *g = glue_of(host);
  struct check_sample e = {.frame = flags & 1, .owed = flags & 2};
  tx_desc_unpack(&e.desc, desc);
  rcv_mirror_unpack(&e.rcv, rcv);
  dsack_unpack(&e.dup, dup);
  WATCH(g, sample, &e);
  check_sample(g->check, &e);
}

void lw_retire_tail(unsigned long long host, int flow, int kind, int tail, svBit fin)
{
  struct glue *g = glue_of(host);
  WATCH(g, tail, (unsigned)flow, (enum check_tail)kind, seq_of((uint32_t)tail), fin);
  check_tail(g->check, (unsigned)flow, (enum check_tail)kind, seq_of((uint32_t)tail), fin);
}

void lw_retire_consumed(unsigned long long host, int flow, svBit init, int consumed)
{
  struct glue *g = glue_of(host);
  WATCH(g, consumed, (unsigned)flow, init, seq_of((uint32_t)consumed));
  check_consumed(g->check, (unsigned)flow, init, seq_of((uint32_t)consumed));
}

void lw_retire_rx_status(unsigned long long host, int flow, const svBitVecVal *status)
{
  struct glue *g = glue_of(host);
  struct rx_status s;
  rx_status_unpack(&s, status);
  WATCH(g, rx_status, (unsigned)flow, &s);
  check_rx_status(g->check, (unsigned)flow, &s);
}

void lw_retire_tx_status(unsigned long long host, int flow, svBit tell, const svBitVecVal *status)
{
  struct glue *g = glue_of(host);
  struct tx_status s;
  tx_status_unpack(&s, status);
  WATCH(g, tx_status, (unsigned)flow, tell, &s);
  check_tx_status(g->check, (unsigned)flow, tell, &s);
}
