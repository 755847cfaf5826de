// SPDX-License-Identifier: Apache-2.0
#include "check/check.h"

#include <stdlib.h>
#include <string.h>

#include "check/priv.h"

struct check *check_open(const struct check_config *c)
{
  static const uint8_t key[16] = {0};   // the tuples are the host's own choice
  struct check *k = calloc(1, sizeof *k);
  if (!k) return NULL;
  k->cfg = *c;
  k->bad_flow = -1;
  // Round robin over all flows, each with the largest frame, some times over.
  k->duty_cycles = 20000 + 8ull * c->num_flows * (c->max_frame / c->beat_bytes + 1);
  k->flows = calloc(c->num_flows, sizeof *k->flows);
  if (!k->flows || !tuple_map_init(&k->map, c->num_flows, key)) {
    check_close(k);
    return NULL;
  }
  for (unsigned i = 0; i < c->num_flows; i++) {   // after reset every flow reads as released
    k->flows[i].rx_status[0].rx_released = true;
    k->flows[i].tx_status[0].tx_released = true;
  }
  return k;
}

void check_close(struct check *k)
{
  if (!k) return;
  CHECK_QUEUES(k, all);
  for (size_t i = 0; i < N_FIELDS(all); i++) recq_free(all[i]);
  for (unsigned i = 0; k->flows && i < k->cfg.num_flows; i++) {
    free(k->flows[i].tx);
    free(k->flows[i].rx);
  }
  free(k->flows);
  tuple_map_free(&k->map);
  free(k);
}

void check_cycle(struct check *k, uint64_t cycle, uint64_t now_us)
{
  if (k->failed) return;
  k->before_us = k->now_us;
  k->cycle = cycle;
  k->now_us = now_us;
  if (now_us >= k->quiet_us) k->quiet_us = 0;
  if (cycle >= k->next_scan) duty_scan(k);
}

bool check_failed(const struct check *k) { return k->failed; }
const struct check_counts *check_counts(const struct check *k) { return &k->counts; }
uint64_t check_failed_cycle(const struct check *k) { return k->cycle; }
const char *check_failed_rule(const struct check *k) { return k->rule; }

bool check_contexts(const struct check *k, unsigned flow, const struct rcv_ctx **rcv, const struct snd_ctx **snd)
{
  if (flow >= k->cfg.num_flows || !k->flows[flow].live) return false;
  *rcv = &k->flows[flow].rcv;
  *snd = &k->flows[flow].snd;
  return true;
}

// --- what the files share --------------------------------------------------------------------------------------------

bool take(struct recq *q, void *to, size_t len)
{
  uint32_t since;
  const uint8_t *data;
  size_t n;
  if (!recq_peek(q, &since, &data, &n) || n != len) return false;
  memcpy(to, data, len);
  recq_pop(q);
  return true;
}

bool gather(struct recq *q, const uint8_t *beat, unsigned nbytes, bool last, const uint8_t **data, size_t *len)
{
  uint32_t tag;
  if (!q->writing) recq_begin(q, 0);
  recq_append(q, beat, nbytes);
  if (!last) return false;
  recq_commit(q);
  return recq_peek(q, &tag, data, len);
}

struct check_flow *flow_at(struct check *k, unsigned flow, const char *who)
{
  if (flow < k->cfg.num_flows && k->flows[flow].tx) return &k->flows[flow];
  diff(k, -1, "flow", "The %s names flow %u, which was never opened.", who, flow);
  return NULL;
}

void touch(struct check *k, struct check_flow *f)
{
  if (f->touched) return;
  f->touched = true;
  f->next_touched = k->touched;
  k->touched = f;
}
