// SPDX-License-Identifier: Apache-2.0
#include "nic.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"

enum { ETH_HEADER = 14 };

static struct nic *of(struct carrier *c) { return (struct nic *)c; }

static uint64_t clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned inputs(const struct nic_port *p)
{
  return (nic_source_ready(&p->rx) ? MODEL_HAVE_RX : 0u) | (nic_source_ready(&p->slow_in) ? MODEL_HAVE_SLOW : 0u)
         | (nic_port_payload_ready(p) ? MODEL_HAVE_PIN : 0u) | (nic_port_cmd_ready(p) ? MODEL_HAVE_CMD : 0u);
}

static void nic_input(struct carrier *c, const uint8_t *frame, size_t len, uint64_t now_us)
{
  (void)now_us;
  recq_put(&of(c)->port.rx.q, 0, frame, len);
}

static void nic_slow_input(struct carrier *c, const uint8_t *frame, size_t len) { recq_put(&of(c)->port.slow_in.q, 0, frame, len); }

static void set_time(struct nic *n, uint64_t now_us)
{
  if (n->now_us != now_us) model_set_time(n->model, now_us);
  n->now_us = now_us;
}

static bool nic_due(struct carrier *c, uint64_t now_us)
{
  struct nic *n = of(c);
  uint64_t next_us;
  return inputs(&n->port) || !model_quiescent(n->model, &next_us) || next_us <= now_us;
}

static bool failed(const struct nic *n) { return n->glue.check && check_failed(n->glue.check); }

static bool nic_run(struct carrier *c, uint64_t now_us, unsigned *budget)
{
  struct nic *n = of(c);
  uint64_t next_us, began = clock_ns();
  bool quiet = false;
  n->port.woken = false;
  set_time(n, now_us);
  for (; *budget && !n->port.woken && !failed(n); --*budget) {
    unsigned have = inputs(&n->port);
    quiet = !have && model_quiescent(n->model, &next_us) && next_us > now_us;
    if (quiet) break;
    n->cycles++;
    if (n->glue.check) check_cycle(n->glue.check, n->cycles, now_us);
    model_cycle(n->model, have);
  }
  if (quiet && n->glue.check) check_quiescent(n->glue.check, next_us);
  n->eval_ns += clock_ns() - began;
  return !quiet && !failed(n);
}

static bool nic_next_slow(struct carrier *c, struct slow_item *it)
{
  struct nic_port *p = &of(c)->port;
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  if (p->slow_lent) recq_pop(&p->slow_out);
  p->slow_lent = recq_peek(&p->slow_out, &tag, &data, &len);
  if (!p->slow_lent) return false;
  bool fence = tag & NIC_SLOW_FENCE;
  *it = (struct slow_item){.fence = fence, .ok = tag & NIC_SLOW_OK, .flow = (uint16_t)(tag & 0xfff), .frame = fence ? NULL : data, .len = len};
  return true;
}

static bool nic_next_frame(struct carrier *c, const uint8_t **frame, size_t *len)
{
  struct nic_port *p = &of(c)->port;
  uint32_t tag;
  if (p->tx_lent) recq_pop(&p->tx);
  return p->tx_lent = recq_peek(&p->tx, &tag, frame, len);
}

static uint64_t nic_deadline(struct carrier *c)
{
  uint64_t next_us;
  return model_quiescent(of(c)->model, &next_us) ? next_us : 0;
}

static struct carrier_figures nic_figures(struct carrier *c)
{
  struct model *m = of(c)->model;
  return (struct carrier_figures){model_counter(m, NIC_CNT_RX_RING_BYTES), model_counter(m, NIC_CNT_TX_RING_BYTES),
                                  model_counter(m, NIC_CNT_TIMEOUTS), model_counter(m, NIC_CNT_REXMITS)};
}

static struct check *nic_failed(struct carrier *c)
{
  return failed(of(c)) ? of(c)->glue.check : NULL;
}

static void nic_close(struct carrier *c)
{
  struct nic *n = of(c);
  model_free(n->model);            // closes the wire that it opened
  nic_port_close(&n->port);
  check_close(n->glue.check);
  free(n);
}

static const struct carrier_ops ops = {
    .input = nic_input, .slow_input = nic_slow_input, .due = nic_due, .run = nic_run, .next_slow = nic_next_slow,
    .next_frame = nic_next_frame, .deadline = nic_deadline, .figures = nic_figures,
    .failed = nic_failed, .close = nic_close,
};

// What this build of the RTL can do.
static struct core_caps rtl_caps(const struct model_info *i)
{
  return (struct core_caps){.rx_ring_bytes = i->rx_ring_bytes, .cwnd_bytes = NIC_CWND_BYTES};
}

static struct check *open_check(const struct nic_options *o, const struct model_info *i)
{
  struct check_config c = {.num_flows = i->num_flows, .beat_bytes = i->data_bits / 8, .tx_ring_bytes = i->tx_ring_bytes, .caps = rtl_caps(i),
                           .max_frame = o->mtu + ETH_HEADER};
  memcpy(c.mac, o->mac, 6);
  return check_open(&c);
}

struct nic_build nic_build(void)
{
  struct model_info i = model_info();
  return (struct nic_build){i.num_flows, i.tx_ring_bytes, i.rx_ring_bytes, rtl_caps(&i)};
}

struct nic *nic_open(const struct nic_options *o)
{
  struct model_info info = model_info();
  struct nic *n = calloc(1, sizeof *n);
  struct rng rng;
  if (!n) return NULL;
  struct check *check = o->check ? open_check(o, &info) : NULL;
  bool room = nic_port_open(&n->port, info.data_bits / 8, (uint16_t)info.num_flows, info.tx_ring_bytes, info.rx_ring_bytes);
  if (!room || (o->check && !check)) {
    nic_port_close(&n->port);
    check_close(check);
    free(n);
    return NULL;
  }
  rng_seed(&rng, o->seed);
  struct model_config m = {.max_frame = o->mtu + ETH_HEADER, .hash_key = {rng_next(&rng), rng_next(&rng)}, .check = o->check};
  memcpy(m.mac, o->mac, 6);
  n->base = (struct carrier){&ops, &n->port.engine};
  n->glue = (struct glue){.port = &n->port, .check = check, .open_wire = o->open_wire, .user = o->user};
  n->model = model_new();
  model_start(n->model, &n->glue, &m);
  return n;
}
