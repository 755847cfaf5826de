// SPDX-License-Identifier: Apache-2.0
// The functions sim/cosim_top.sv and sim/nic_retire.sv import, and nothing else. The generated header is included so that a prototype that
// drifted is a compile error. Packed vectors arrive as 32-bit words, least significant first, so on a little-endian host
// a beat's bytes lie in memory in lane order.
#include "glue/glue.h"

#include <string.h>

#include "Vcosim_top__Dpi.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "beats are read as bytes of little-endian words");

void *lw_open(unsigned long long host)
{
  struct glue *g = (struct glue *)(uintptr_t)host;
  if (g->open_wire) g->wire = g->open_wire(g->user, g->err);
  return g;
}

void lw_close(void *h)
{
  struct glue *g = h;
  wire_close(g->wire);
  g->wire = NULL;
}

static void beat_out(struct glue *g, struct recq *q, uint32_t tag, const svBitVecVal *data, int nbytes, svBit last)
{
  nic_port_beat(g->port, q, tag, (const uint8_t *)data, (unsigned)nbytes, last);
}

void lw_tx(void *h, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = h;
  if (g->check) check_tx_beat(g->check, (const uint8_t *)data, (unsigned)nbytes, last);
  beat_out(g, &g->port->tx, 0, data, nbytes, last);
}

void lw_slow_out(void *h, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = h;
  if (g->check) check_slow_out_beat(g->check, (const uint8_t *)data, (unsigned)nbytes, last);
  beat_out(g, &g->port->slow_out, NIC_SLOW_FRAME, data, nbytes, last);
}

void lw_fence(void *h, int flow, svBit ok)
{
  struct glue *g = h;
  if (g->check) check_fence(g->check, (unsigned)flow, ok);
  nic_port_fence(g->port, (uint16_t)flow, ok);
}

void lw_payload_out(void *h, int flow, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = h;
  if (g->check) check_payload_out_beat(g->check, (unsigned)flow, (const uint8_t *)data, (unsigned)nbytes, last);
  beat_out(g, &g->port->pout, (uint32_t)flow, data, nbytes, last);
}

void lw_event(void *h, const svBitVecVal *ev)
{
  struct glue *g = h;
  struct host_event e;
  host_event_unpack(&e, ev);
  if (g->check) check_event(g->check, &e);
  nic_port_event(g->port, &e);
}

void lw_rx(void *h, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = h;
  bool end;
  uint32_t tag;
  *nbytes = (int)nic_source_beat(&g->port->rx, g->port->beat_bytes, (uint8_t *)data, &end, &tag);
  *last = end;
  if (g->check) check_rx_beat(g->check, (const uint8_t *)data, (unsigned)*nbytes, end);
}

void lw_slow_in(void *h, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = h;
  bool end;
  uint32_t tag;
  *nbytes = (int)nic_source_beat(&g->port->slow_in, g->port->beat_bytes, (uint8_t *)data, &end, &tag);
  *last = end;
  if (g->check) check_slow_in_beat(g->check, (const uint8_t *)data, (unsigned)*nbytes, end);
}

void lw_payload_in(void *h, int *flow, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = h;
  bool end;
  uint16_t id;
  *nbytes = (int)nic_port_payload_beat(g->port, (uint8_t *)data, &end, &id);
  *flow = id;
  *last = end;
  if (g->check) check_payload_in_beat(g->check, id, (const uint8_t *)data, (unsigned)*nbytes, end);
}

void lw_command(void *h, svBitVecVal *cmd)
{
  struct glue *g = h;
  struct host_cmd c;
  nic_port_take_cmd(g->port, cmd);
  if (!g->check) return;
  host_cmd_unpack(&c, cmd);
  check_command(g->check, &c);
}

// --- the retire port (sim/nic_retire.sv), called only while g->check is there ------------------------------------------

static struct check *check_of(unsigned long long host) { return ((struct glue *)(uintptr_t)host)->check; }

void lw_retire_frame(unsigned long long host, int class_id) { check_frame(check_of(host), (enum rx_class_e)class_id); }

void lw_retire_rcv(unsigned long long host, int kind, int flow, int flags, int class_id, const svBitVecVal *desc, const svBitVecVal *snd,
                   const svBitVecVal *sent, int consumed, const svBitVecVal *ctx, const svBitVecVal *dd)
{
  struct check_rcv e = {.kind = (enum rcv_ev_e)kind, .flow = (unsigned)flow, .hit = flags & 1, .ok = flags & 2, .ack_bit = flags & 4,
                        .ack_now = flags & 8, .ack_init = flags & 16, .dd_valid = flags & 32, .class_id = (enum rcv_class_e)class_id,
                        .consumed = seq_of((uint32_t)consumed)};
  rx_desc_unpack(&e.desc, desc);
  snd_mirror_unpack(&e.snd, snd);
  sent_mirror_unpack(&e.sent, sent);
  rcv_ctx_unpack(&e.ctx, ctx);
  dd_in_unpack(&e.dd, dd);
  check_rcv(check_of(host), &e);
}

void lw_retire_snd(unsigned long long host, int kind, int flow, unsigned long long now_us, const svBitVecVal *dd, int tail, int flags,
                   const svBitVecVal *ctx, const svBitVecVal *desc)
{
  struct check_snd e = {.kind = (enum snd_ev_e)kind, .flow = (unsigned)flow, .now_us = now_us, .tail = seq_of((uint32_t)tail),
                        .emit = flags & 1, .fin = flags & 2, .owed = flags & 4, .owed_now = (unsigned)flags >> 3 & 3};
  dd_in_unpack(&e.dd, dd);
  snd_ctx_unpack(&e.ctx, ctx);
  tx_desc_unpack(&e.desc, desc);
  check_snd(check_of(host), &e);
}

void lw_retire_sample(unsigned long long host, const svBitVecVal *desc, int flags, const svBitVecVal *rcv)
{
  struct check_sample e = {.frame = flags & 1, .owed = flags & 2};
  tx_desc_unpack(&e.desc, desc);
  rcv_mirror_unpack(&e.rcv, rcv);
  check_sample(check_of(host), &e);
}

void lw_retire_tail(unsigned long long host, int flow, int kind, int tail, svBit fin)
{
  check_tail(check_of(host), (unsigned)flow, (enum check_tail)kind, seq_of((uint32_t)tail), fin);
}

void lw_retire_consumed(unsigned long long host, int flow, svBit init, int consumed)
{
  check_consumed(check_of(host), (unsigned)flow, init, seq_of((uint32_t)consumed));
}

void lw_retire_rx_status(unsigned long long host, int flow, const svBitVecVal *status)
{
  struct rx_status s;
  rx_status_unpack(&s, status);
  check_rx_status(check_of(host), (unsigned)flow, &s);
}

void lw_retire_tx_status(unsigned long long host, int flow, svBit tell, const svBitVecVal *status)
{
  struct tx_status s;
  tx_status_unpack(&s, status);
  check_tx_status(check_of(host), (unsigned)flow, tell, &s);
}
