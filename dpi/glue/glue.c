// SPDX-License-Identifier: Apache-2.0
// The functions sim/cosim_top.sv imports, and nothing else. The generated header is included so that a prototype that
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
  beat_out(g, &g->port->tx, 0, data, nbytes, last);
}

void lw_slow_out(void *h, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = h;
  beat_out(g, &g->port->slow_out, NIC_SLOW_FRAME, data, nbytes, last);
}

void lw_fence(void *h, int flow, svBit ok)
{
  struct glue *g = h;
  nic_port_fence(g->port, (uint16_t)flow, ok);
}

void lw_payload_out(void *h, int flow, const svBitVecVal *data, int nbytes, svBit last)
{
  struct glue *g = h;
  beat_out(g, &g->port->pout, (uint32_t)flow, data, nbytes, last);
}

void lw_event(void *h, const svBitVecVal *ev)
{
  struct glue *g = h;
  nic_port_event(g->port, ev);
}

void lw_rx(void *h, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = h;
  bool end;
  uint32_t tag;
  *nbytes = (int)nic_source_beat(&g->port->rx, g->port->beat_bytes, (uint8_t *)data, &end, &tag);
  *last = end;
}

void lw_slow_in(void *h, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = h;
  bool end;
  uint32_t tag;
  *nbytes = (int)nic_source_beat(&g->port->slow_in, g->port->beat_bytes, (uint8_t *)data, &end, &tag);
  *last = end;
}

void lw_payload_in(void *h, int *flow, svBitVecVal *data, int *nbytes, svBit *last)
{
  struct glue *g = h;
  bool end;
  uint16_t id;
  *nbytes = (int)nic_port_payload_beat(g->port, (uint8_t *)data, &end, &id);
  *flow = id;
  *last = end;
}

void lw_command(void *h, svBitVecVal *cmd)
{
  struct glue *g = h;
  nic_port_take_cmd(g->port, cmd);
}
