// SPDX-License-Identifier: Apache-2.0
// Congestion control: the arithmetic of the window. One event of the flow in; cwnd, ssthresh and what an algorithm keeps of its
// own (cc_*) follow. Its twins are rtl/tx/cc_none.sv, cc_reno.sv and cc_newreno.sv, behind one port list.
#include "tcp/core/core.h"

enum { CWND_MAX = NIC_CWND_MAX, DUP_THRESH = NIC_DUP_THRESH };

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }

// RFC 6928.
static uint32_t initial_window(uint32_t mss) { return min_u32(10 * mss, max_u32(2 * mss, 14600)); }

// RFC 5681 equation 4.
static uint32_t half(const struct snd_ctx *c, uint32_t flight) { return max_u32(flight / 2, 2u * c->mss); }

// RFC 5681 section 3.1.
static void grow(struct snd_ctx *c, uint32_t acked, uint32_t flight)
{
  if (flight < c->cwnd / 2) return;   // not what limits us
  if (c->cwnd < c->ssthresh) {
    c->cwnd = min_u32(c->cwnd + min_u32(acked, c->mss), CWND_MAX);
    return;
  }
  c->cc_a += acked;                   // one MSS per window's worth of bytes
  if (c->cc_a < c->cwnd) return;
  c->cc_a -= c->cwnd;
  c->cwnd = min_u32(c->cwnd + c->mss, CWND_MAX);
}

// RFC 5681 section 3.2 step 2: what went beyond the window by limited transmit does not count. The segments that left the
// network open the window without SACK; with it the pipe knows (RFC 6675 section 5).
static void on_loss(struct snd_ctx *c, const struct cc_in *e)
{
  c->ssthresh = half(c, min_u32(e->flight, c->cwnd));
  c->cwnd = c->ssthresh + (e->sack ? 0 : DUP_THRESH * (uint32_t)c->mss);
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

static void on_timeout(struct snd_ctx *c, const struct cc_in *e)
{
  if (e->first) c->ssthresh = half(c, e->flight);   // not again for the same segment (RFC 5681 section 3.1)
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
    case CC_ACK: grow(c, e->acked, e->flight); break;
    case CC_LOSS: on_loss(c, e); break;
    case CC_DUP: c->cwnd = min_u32(c->cwnd + c->mss, CWND_MAX); break;   // RFC 5681 section 3.2 step 4
    case CC_PARTIAL: on_partial(c, e); break;
    case CC_EXIT: on_exit(caps, c, e); break;
    case CC_TIMEOUT: on_timeout(c, e); break;
    case CC_IDLE: c->cwnd = min_u32(c->cwnd, initial_window(c->mss)); break;   // RFC 5681 section 4.1
  }
}
