// SPDX-License-Identifier: Apache-2.0
// Congestion control: the arithmetic of the window. One event of the flow in; cwnd, ssthresh and what an algorithm keeps of its
// own (cc_*) follow. Its twins are rtl/tx/cc_none.sv, cc_reno.sv, cc_newreno.sv and cc_cubic.sv, behind one port list.
#include "tcp/core/core.h"

enum { CWND_MAX = NIC_CWND_MAX, DUP_THRESH = NIC_DUP_THRESH };

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }

// RFC 6928.
static uint32_t initial_window(uint32_t mss) { return min_u32(10 * mss, max_u32(2 * mss, 14600)); }

// --- CUBIC (RFC 9438) ------------------------------------------------------------------------------------------------------
// cc_b: W_max. Of an epoch (cc_on): cc_tick when it began, cc_k, cc_c: W_est, cc_a: what was acknowledged towards its next segment,
// cc_d: how far cwnd is on its way to the next segment, in bytes * bytes / 2^14.

// 0.7 (179 / 256) of it.
static uint32_t times_beta(uint32_t bytes) { return (uint32_t)((uint64_t)bytes * 179 >> 8); }

static void begin_epoch(struct snd_ctx *c, uint32_t tick)
{
  c->cc_on = true;
  c->cc_tick = tick;
  c->cc_k = c->cwnd < c->cc_b ? cubic_k(c->cc_b - c->cwnd, c->mss) : 0;
  c->cc_b = max_u32(c->cc_b, c->cwnd);
  c->cc_c = c->cwnd;
  c->cc_a = c->cc_d = 0;
}

// Section 4.3: what Reno would have, with alpha 0.53 (136 / 256) until it is back at the window of which ssthresh is 0.7.
static void estimate(struct snd_ctx *c, uint32_t acked)
{
  c->cc_a += times_beta(c->cc_c) < c->ssthresh ? acked * 136 >> 8 : acked;
  if (c->cc_a < c->cwnd) return;
  c->cc_a -= c->cwnd;
  c->cc_c = min_u32(c->cc_c + c->mss, CWND_MAX);
}

// Sections 4.2, 4.4 and 4.5: towards where the curve will be in a round trip's time, at most half as much again.
static void cubic_avoidance(struct snd_ctx *c, const struct cc_in *e)
{
  uint32_t acked = min_u32(e->acked, UINT16_MAX), cwnd = c->cwnd;
  if (!c->cc_on) begin_epoch(c, e->tick);
  uint32_t target = cubic_window(c->cc_b, c->cc_k, e->tick - c->cc_tick + (c->srtt_us >> 13), c->mss);
  uint32_t step = max_u32((uint32_t)((uint64_t)cwnd * c->mss >> 14), 1);
  target = min_u32(max_u32(target, cwnd), cwnd + cwnd / 2);
  estimate(c, acked);
  c->cc_d += (uint32_t)((uint64_t)acked * (target - cwnd) >> 14);
  if (c->cc_d >= step) {
    c->cc_d = min_u32(c->cc_d - step, step);
    c->cwnd = min_u32(cwnd + c->mss, CWND_MAX);
  }
  c->cwnd = max_u32(c->cwnd, c->cc_c);
}

// Sections 4.6 and 4.7: the next epoch's W_max, lower when the window had not come back to the last one.
static void end_epoch(struct snd_ctx *c)
{
  c->cc_b = c->cwnd < c->cc_b ? (uint32_t)((uint64_t)c->cwnd * 218 >> 8) : c->cwnd;
  c->cc_on = false;
}

// RFC 5681 equation 4; RFC 9438 section 4.6.
static uint32_t reduced(const struct core_caps *caps, const struct snd_ctx *c, uint32_t flight)
{
  uint32_t part = caps->congestion == CORE_CC_CUBIC ? times_beta(flight) : flight / 2;
  return max_u32(part, 2u * c->mss);
}

// RFC 5681 section 3.1.
static void grow(const struct core_caps *caps, struct snd_ctx *c, const struct cc_in *e)
{
  uint32_t acked = e->acked;
  if (e->flight < c->cwnd / 2) {      // not what limits us: CUBIC's time stands still (RFC 9438 section 5.8)
    c->cc_on = false;                 // below W_max the next epoch goes on where this one was
    return;
  }
  if (c->cwnd < c->ssthresh) {
    c->cwnd = min_u32(c->cwnd + min_u32(acked, c->mss), CWND_MAX);
    return;
  }
  if (caps->congestion == CORE_CC_CUBIC) {
    cubic_avoidance(c, e);
    return;
  }
  c->cc_a += acked;                   // one MSS per window's worth of bytes
  if (c->cc_a < c->cwnd) return;
  c->cc_a -= c->cwnd;
  c->cwnd = min_u32(c->cwnd + c->mss, CWND_MAX);
}

// RFC 5681 section 3.2 step 2: what went beyond the window by limited transmit does not count. The segments that left the
// network open the window without SACK; with it the pipe knows (RFC 6675 section 5).
static void on_loss(const struct core_caps *caps, struct snd_ctx *c, const struct cc_in *e)
{
  if (caps->congestion == CORE_CC_CUBIC) end_epoch(c);
  c->ssthresh = reduced(caps, c, min_u32(e->flight, c->cwnd));
  c->cwnd = c->ssthresh + (e->sack ? 0 : DUP_THRESH * (uint32_t)c->mss);
  c->cc_a = 0;                        // what was counted belongs to the window that was
}

// RFC 6582 section 3.2 step 3: what was acknowledged has left the network, too.
static void on_partial(struct snd_ctx *c, const struct cc_in *e)
{
  c->cwnd -= min_u32(e->acked, c->cwnd);
  if (e->acked >= c->mss) c->cwnd += c->mss;
  c->cwnd = max_u32(c->cwnd, c->mss);
}

// RFC 6675 section 5, RFC 5681 section 3.2 step 6; NewReno sends no burst (RFC 6582 section 3.2 step 3, the first way).
static void on_exit(const struct core_caps *caps, struct snd_ctx *c, const struct cc_in *e)
{
  c->cwnd = c->ssthresh;
  if (!e->sack && caps->congestion != CORE_CC_RENO) c->cwnd = min_u32(c->ssthresh, max_u32(e->flight, c->mss) + c->mss);
}

static void on_timeout(const struct core_caps *caps, struct snd_ctx *c, const struct cc_in *e)
{
  c->cc_on = false;
  c->cc_b = 0;                        // RFC 9438 section 4.8: the next epoch's W_max is the window that it begins with
  if (e->first) c->ssthresh = reduced(caps, c, e->flight);   // not again for the same segment (RFC 5681 section 3.1)
  c->cwnd = c->mss;
  c->cc_a = 0;
}

void cc_step(const struct core_caps *caps, struct snd_ctx *c, const struct cc_in *e)
{
  if (!caps->congestion) {
    if (e->kind == CC_OPEN) c->cwnd = caps->cwnd_bytes;
    return;
  }
  switch ((enum cc_ev_e)e->kind) {
    case CC_QUIET: break;
    case CC_OPEN:
      c->cwnd = initial_window(c->mss);
      c->ssthresh = CWND_MAX;
      break;
    case CC_ACK: grow(caps, c, e); break;
    case CC_LOSS: on_loss(caps, c, e); break;
    case CC_DUP: c->cwnd = min_u32(c->cwnd + c->mss, CWND_MAX); break;   // RFC 5681 section 3.2 step 4
    case CC_PARTIAL: on_partial(c, e); break;
    case CC_EXIT: on_exit(caps, c, e); break;
    case CC_TIMEOUT: on_timeout(caps, c, e); break;
    case CC_IDLE:                        // RFC 5681 section 4.1
      c->cwnd = min_u32(c->cwnd, initial_window(c->mss));
      c->cc_a = 0;
      c->cc_on = false;
      break;
  }
}
