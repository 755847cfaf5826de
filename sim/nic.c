// SPDX-License-Identifier: Apache-2.0
#include "nic.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "identity.h"

enum { ETH_HEADER = 14 };

static struct nic *of(struct carrier *c) { return (struct nic *)c; }

static uint64_t clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned nic_inputs(const struct nic *n)
{
  const struct nic_port *p = &n->port;
  return (nic_source_ready(&p->rx) ? MODEL_HAVE_RX : 0u) | (nic_source_ready(&p->slow_in) ? MODEL_HAVE_SLOW : 0u)
         | (nic_port_payload_ready(p) ? MODEL_HAVE_PIN : 0u) | (nic_port_cmd_ready(p) ? MODEL_HAVE_CMD : 0u);
}

// The same with pauses between frames, so that they meet what leaves at any time.
static unsigned paced(struct nic *n, unsigned have)
{
  if (!(have & MODEL_HAVE_RX) || n->port.rx.taken || !n->pause_most) return have;
  if (n->pause) {
    n->pause--;
    return have & ~(unsigned)MODEL_HAVE_RX;
  }
  n->pause = rng_below(&n->rng, n->pause_most + 1);
  return have;
}

// It is quiescent; whether it is clocked nevertheless.
static bool restless(struct nic *n)
{
  if (n->rest) return n->rest--;
  n->rest = n->rest_most ? rng_below(&n->rng, n->rest_most + 1) : 0;
  return false;
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
  return nic_inputs(n) || !model_quiescent(n->model, &next_us) || next_us <= now_us;
}

static bool checker_failed(const struct nic *n) { return n->glue.check && check_failed(n->glue.check); }

static bool failed(const struct nic *n) { return checker_failed(n) || n->glue.fault[0]; }

static void clock_once(struct nic *n, unsigned have)
{
  n->cycles++;
  if (n->recorder) recorder_time(n->recorder, n->now_us);
  if (n->glue.check) check_cycle(n->glue.check, n->cycles, n->seen_us);
  model_cycle(n->model, have);
  n->seen_us = n->now_us;
}

// It stands still, or might. Of its counters one each time: by the cycle, so that a replay reads those that the run did.
static void hold_quiescent(struct nic *n, uint64_t next_us)
{
  unsigned index = (unsigned)(n->cycles % CHECK_COUNTERS);
  check_quiescent(n->glue.check, next_us);
  check_counter(n->glue.check, index, model_counter(n->model, index));
}

// A recording that cannot go on. Whose it is says so where the run goes on without.
static void drop_recorder(struct nic *n)
{
  int error = errno;
  n->glue.tap = NULL;
  recorder_close(n->recorder, n->glue.check, error);
  n->recorder = NULL;
  if (n->must_record) snprintf(n->broken, sizeof n->broken, "recording: %s", strerror(error));
}

// --- restart points --------------------------------------------------------------------------------------------------

// identity, cycle, time, the time as the NIC has it, the model's state, whether there is a checker, and then the identity of its build and its state.
static void save(struct nic *n, struct blob *b, bool checked)
{
  blob_put(b, LW_IDENTITY, STIM_ID_LEN);
  blob_put(b, &n->cycles, sizeof n->cycles);
  blob_put(b, &n->now_us, sizeof n->now_us);
  blob_put(b, &n->seen_us, sizeof n->seen_us);
  blob_clear(&n->scratch);
  model_save(n->model, &n->scratch);
  blob_put_sparse(b, n->scratch.buf, n->scratch.n);
  b->bad |= n->scratch.bad;
  blob_put(b, &checked, sizeof checked);
  if (!checked) return;
  blob_put(b, LW_CHECK_IDENTITY, STIM_ID_LEN);
  check_save(n->glue.check, b);
}

static bool next_segment(struct nic *n)
{
  struct blob *b = recorder_restart(n->recorder);
  if (b) save(n, b, n->glue.check);
  return b && recorder_next(n->recorder);
}

// On the way; what begins there is not checked.
static void keep_point(struct nic *n)
{
  struct blob *b = model_info().can_save ? recorder_point(n->recorder) : NULL;
  if (!b) return;
  save(n, b, false);
  recorder_point_end(n->recorder);
}

static bool load_model(struct nic *n, struct blob *b)
{
  char id[STIM_ID_LEN];
  if (!blob_get(b, id, sizeof id) || memcmp(id, LW_IDENTITY, sizeof id) != 0) return false;
  blob_clear(&n->scratch);
  model_save(n->model, &n->scratch);   // says how long it is
  if (n->scratch.bad || !blob_get(b, &n->cycles, sizeof n->cycles) || !blob_get(b, &n->now_us, sizeof n->now_us)
      || !blob_get(b, &n->seen_us, sizeof n->seen_us) || !blob_get_sparse(b, n->scratch.buf, n->scratch.n)) return false;
  model_load(n->model, &n->scratch);
  return true;
}

bool nic_load(struct nic *n, struct blob *b, char err[static STIM_ERR_LEN])
{
  char id[STIM_ID_LEN];
  bool checked;
  snprintf(err, STIM_ERR_LEN, "not a restart point of this build of the RTL");
  if (!model_info().can_save) snprintf(err, STIM_ERR_LEN, "this build has no restart points, so it cannot begin at one");
  if (!load_model(n, b) || !blob_get(b, &checked, sizeof checked)) return false;
  if (!n->glue.check) return true;
  if (!checked) {
    check_close(n->glue.check);
    n->glue.check = NULL;
    model_set_check(n->model, false);
    return true;
  }
  snprintf(err, STIM_ERR_LEN, "its checker was of another build: replay it with that one, or with --check off");
  return blob_get(b, id, sizeof id) && !memcmp(id, LW_CHECK_IDENTITY, sizeof id) && check_load(n->glue.check, b);
}

// Eight times what a restart point may take: both ends of every ring, as the NIC and as the checker has it, contexts, FIFOs, what
// is under way.
uint64_t nic_record_min(void)
{
  enum { CONTEXTS = 8192, REST = 1 << 20 };
  struct model_info i = model_info();
  return SEGMENTS_PART * (i.num_flows * (2ull * (i.tx_ring_bytes + i.rx_ring_bytes) + CONTEXTS) + REST);
}

// --- the carrier -----------------------------------------------------------------------------------------------------

static bool nic_run(struct carrier *c, uint64_t now_us, unsigned *budget)
{
  struct nic *n = of(c);
  if (n->recorder && !recorder_flush(n->recorder, now_us)) drop_recorder(n);
  if (n->recorder && recorder_due(n->recorder) && !next_segment(n)) drop_recorder(n);
  if (n->recorder && recorder_point_due(n->recorder)) keep_point(n);
  uint64_t next_us, began = clock_ns();
  bool quiet = false;
  n->port.woken = false;
  set_time(n, now_us);
  for (; *budget && !n->port.woken && !failed(n); --*budget) {
    unsigned have = nic_inputs(n);
    quiet = !have && model_quiescent(n->model, &next_us) && next_us > now_us;
    if (quiet && n->glue.check) hold_quiescent(n, next_us);
    if (quiet && !restless(n)) break;
    clock_once(n, paced(n, have));
  }
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

static const char *nic_broken(struct carrier *c)
{
  const struct nic *n = of(c);
  return n->glue.fault[0] ? n->glue.fault : n->broken[0] ? n->broken : NULL;
}

static struct check *nic_failed(struct carrier *c)
{
  return checker_failed(of(c)) ? of(c)->glue.check : NULL;
}

void nic_close(struct nic *n)
{
  if (!n) return;
  recorder_close(n->recorder, n->glue.check, 0);
  model_free(n->model);            // closes the wire that it opened
  nic_port_close(&n->port);
  check_close(n->glue.check);
  blob_free(&n->scratch);
  free(n);
}

static void close_carrier(struct carrier *c) { nic_close(of(c)); }

// Those of the checker: the RTL's own cannot be seen.
static bool contexts(struct engine *e, uint16_t flow, const struct rcv_ctx **rcv, const struct snd_ctx **snd)
{
  const struct nic *n = (const struct nic *)((const char *)e - offsetof(struct nic, port.engine));
  return n->glue.check && check_contexts(n->glue.check, flow, rcv, snd);
}

static const struct carrier_ops ops = {
    .input = nic_input, .slow_input = nic_slow_input, .due = nic_due, .run = nic_run, .next_slow = nic_next_slow,
    .next_frame = nic_next_frame, .deadline = nic_deadline, .figures = nic_figures,
    .failed = nic_failed, .broken = nic_broken, .close = close_carrier,
};

// What this build of the RTL can do.
static struct core_caps rtl_caps(const struct model_info *i)
{
  return (struct core_caps){.rx_ring_bytes = i->rx_ring_bytes, .cwnd_bytes = i->congestion ? 0 : NIC_CWND_BYTES, .ooo = CORE_INTERVALS,
                            .sack = true, .timestamps = true, .delayed_ack = true, .recovery = true,
                            .congestion = (enum core_cc)i->congestion, .rtt = true, .silly = true, .challenge_limit = true, .old_acks = true, .rescue = true, .user_timeout = true, .pacing = true};
}

struct nic_build nic_build(void)
{
  struct model_info i = model_info();
  return (struct nic_build){i.num_flows, i.tx_ring_bytes, i.rx_ring_bytes, rtl_caps(&i)};
}

const char *nic_identity(void) { return LW_IDENTITY; }

// Model and checker, not yet started.
static struct nic *make(const struct stim_head *h, bool check)
{
  struct model_info i = model_info();
  struct check_config c = {.num_flows = i.num_flows, .beat_bytes = i.data_bits / 8, .tx_ring_bytes = i.tx_ring_bytes, .caps = rtl_caps(&i),
                           .max_frame = h->max_frame};
  memcpy(c.mac, h->mac, 6);
  struct nic *n = calloc(1, sizeof *n);
  if (!n) return NULL;
  n->base = (struct carrier){&ops, &n->port.engine};
  n->glue.beat_bytes = i.data_bits / 8;
  n->checked = c;
  n->glue.check = check ? check_open(&c) : NULL;
  n->model = model_new();
  if (n->model && (n->glue.check || !check)) return n;
  nic_close(n);
  return NULL;
}

static bool open_port(struct nic *n)
{
  struct model_info i = model_info();
  if (!nic_port_open(&n->port, i.data_bits / 8, (uint16_t)i.num_flows, i.tx_ring_bytes, i.rx_ring_bytes)) return false;
  const struct core_caps caps = rtl_caps(&i);
  n->port.engine.timestamps = caps.timestamps;
  n->port.engine.sack = caps.sack;
  n->port.engine.nagle = caps.silly;
  n->port.engine.user_timeout = caps.user_timeout;
  n->port.engine.pacing = caps.pacing;
  n->port.engine.contexts = contexts;
  return true;
}

static void start(struct nic *n, const struct stim_head *h)
{
  struct model_config m = {.max_frame = h->max_frame, .hash_key = {h->hash_key[0], h->hash_key[1]}, .check = n->glue.check != NULL};
  memcpy(m.mac, h->mac, 6);
  model_start(n->model, &n->glue, &m);
}

static struct stim_head head_of(const struct nic_options *o)
{
  struct rng rng;
  rng_seed(&rng, o->seed);
  struct stim_head h = {.max_frame = (uint16_t)(o->mtu + ETH_HEADER), .seed = o->seed, .hash_key = {rng_next(&rng), rng_next(&rng)}};
  memcpy(h.mac, o->mac, 6);
  snprintf(h.identity, sizeof h.identity, "%s", nic_identity());
  return h;
}

static bool record(struct nic *n, const struct nic_options *o, const struct stim_head *h, char err[static STIM_ERR_LEN])
{
  if (recording_limited(o->recording) && !model_info().can_save) {
    snprintf(err, STIM_ERR_LEN, "--record-limit: this build has no restart points");
    return false;
  }
  n->must_record = o->must_record;
  n->recorder = recorder_open(&(struct recorder_options){o->recording, *h, &n->cycles, o->command ? o->command : ""}, err);
  if (n->recorder) n->glue.tap = recorder_tap(n->recorder);
  return n->recorder;
}

struct nic *nic_open(const struct nic_options *o, char err[static STIM_ERR_LEN])
{
  struct stim_head h = head_of(o);
  struct nic *n = make(&h, o->check);
  snprintf(err, STIM_ERR_LEN, "out of memory");
  if (!n || !open_port(n) || (o->recording && !record(n, o, &h, err))) {
    nic_close(n);
    return NULL;
  }
  n->glue.port = &n->port;
  n->glue.open_wire = o->open_wire;
  n->glue.user = o->user;
  n->pause_most = o->pause_most;
  n->rest_most = o->rest_most;
  rng_seed(&n->rng, o->seed);
  start(n, &h);
  return n;
}

struct nic *nic_open_replay(const struct stim_head *h, bool check, struct glue_tap *tap)
{
  struct nic *n = make(h, check);
  if (!n) return NULL;
  n->glue.tap = tap;
  start(n, h);
  return n;
}

void nic_replay_cycle(struct nic *n, unsigned have, uint64_t now_us)
{
  uint64_t next_us;
  set_time(n, now_us);
  clock_once(n, have);
  if (n->glue.check && model_quiescent(n->model, &next_us) && next_us > now_us) hold_quiescent(n, next_us);
}

bool nic_keep(struct nic *n, struct blob *b)
{
  blob_put(b, &n->cycles, sizeof n->cycles);
  blob_put(b, &n->now_us, sizeof n->now_us);
  blob_put(b, &n->seen_us, sizeof n->seen_us);
  model_save(n->model, b);
  return !b->bad;
}

bool nic_back(struct nic *n, struct blob *b)
{
  b->at = 0;
  blob_get(b, &n->cycles, sizeof n->cycles);
  blob_get(b, &n->now_us, sizeof n->now_us);
  blob_get(b, &n->seen_us, sizeof n->seen_us);
  model_load(n->model, b);
  nic_port_close(&n->port);
  check_close(n->glue.check);
  n->glue.check = check_open(&n->checked);
  return open_port(n) && n->glue.check;
}
