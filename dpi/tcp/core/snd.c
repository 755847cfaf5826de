// SPDX-License-Identifier: Apache-2.0
// The send half of the transport core.
#include "tcp/core/core.h"

enum { DUP_THRESH = NIC_DUP_THRESH };

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }
static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static bool uses_sack(const struct core_caps *caps, const struct snd_ctx *c) { return caps->sack && c->sack_ok; }

static struct intervals load(const struct snd_ctx *c)
{
  return (struct intervals){.n = c->sack_n,
                            .b = {{c->sack0_start, c->sack0_end}, {c->sack1_start, c->sack1_end},
                                  {c->sack2_start, c->sack2_end}, {c->sack3_start, c->sack3_end}}};
}

// Places that are not in use hold 0.
static void store(struct snd_ctx *c, const struct intervals *list)
{
  struct intervals clean = {.n = list->n}, *v = &clean;
  for (unsigned i = 0; i < list->n; i++) clean.b[i] = list->b[i];
  c->sack_n = (uint8_t)v->n;
  c->sack0_start = v->b[0].start, c->sack0_end = v->b[0].end;
  c->sack1_start = v->b[1].start, c->sack1_end = v->b[1].end;
  c->sack2_start = v->b[2].start, c->sack2_end = v->b[2].end;
  c->sack3_start = v->b[3].start, c->sack3_end = v->b[3].end;
}

static void set_pace(struct snd_ctx *c, const struct host_cmd *o)
{
  c->pace_rate = o->pace_rate;
  c->pace_burst = min_u32(o->pace_burst, NIC_CWND_MAX);
}

void snd_open(const struct core_caps *caps, struct snd_ctx *c, const struct host_cmd *o)
{
  *c = (struct snd_ctx){
      .open = true, .una = o->snd_nxt, .nxt = o->snd_nxt, .max = o->snd_nxt, .told = o->snd_nxt, .wnd = o->snd_wnd,
      .max_wnd = o->snd_wnd, .mss = o->mss, .rto_us = NIC_RTO_INIT_US,
      .nagle_off = o->nagle_off, .ts_ok = o->ts_ok, .sack_ok = o->sack_ok, .user_timeout_ms = o->user_timeout_ms,
  };
  if (caps->pacing) set_pace(c, o);
  cc_step(caps, c, &(struct cc_in){.kind = CC_OPEN});
  if (caps->rtt) c->rto_us = o->syn_again ? NIC_RTO_SLOW_US : NIC_RTO_FIRST_US;
  if (caps->recovery) c->recover = seq_add(o->snd_nxt, UINT32_MAX);
}

static void arm(struct snd_ctx *c, uint64_t now_us)
{
  c->rto_vld = true;
  c->rto_at_us = now_us + c->rto_us;
}

// --- scoreboard (RFC 6675) --------------------------------------------------------------------------------------------

void snd_sack(const struct core_caps *caps, struct snd_ctx *c, struct core_block b)
{
  uint32_t fresh;
  // A block below una is a D-SACK (RFC 2883), one beyond max a lie. Both ends are held against max: start <= end alone lets a
  // block through that reaches half around the sequence space, from beyond max to behind una.
  if (!c->open || !uses_sack(caps, c) || !seq_lt(b.start, b.end) || seq_lt(b.start, c->una) || !seq_lt(b.start, c->max) ||
      seq_lt(c->max, b.end)) return;
  struct intervals v = load(c);
  intervals_add(&v, CORE_INTERVALS, true, b, &fresh);
  store(c, &v);
  if (fresh) c->sack_new = true;
}

// IsLost: everything unSACKed below this edge has DUP_THRESH ranges or more than (DUP_THRESH - 1) * MSS bytes SACKed above.
static struct seq lost_edge(const struct snd_ctx *c, const struct intervals *v)
{
  uint32_t bytes = 0, ranges = 0;
  for (unsigned i = v->n; i-- > 0;) {
    bytes += (uint32_t)seq_diff(v->b[i].end, v->b[i].start);
    ranges++;
    if (ranges >= DUP_THRESH || bytes > (DUP_THRESH - 1) * (uint32_t)c->mss) return v->b[i].start;
  }
  return c->una;
}

// UnSACKed bytes of [from, to).
static uint32_t holes(const struct intervals *v, struct seq from, struct seq to)
{
  return seq_lt(from, to) ? (uint32_t)seq_diff(to, from) - intervals_bytes(v, from, to) : 0;
}

uint32_t snd_pipe(const struct core_caps *caps, const struct snd_ctx *c)
{
  struct intervals v = load(c);
  if (!c->recovery || !uses_sack(caps, c)) return holes(&v, c->una, c->nxt);
  struct seq lost = seq_max(lost_edge(c, &v), c->una);
  // Not lost, and what was sent again.
  return holes(&v, lost, c->max) + holes(&v, c->una, seq_max(c->high_rxt, c->una));
}

// The first unSACKed byte from `from` on, and where its hole ends (at most `limit`).
static struct core_block next_hole(const struct intervals *v, struct seq from, struct seq limit)
{
  for (unsigned i = 0; i < v->n; i++) {
    if (seq_lt(from, v->b[i].start)) return (struct core_block){from, seq_min(limit, v->b[i].start)};
    from = seq_max(from, v->b[i].end);
  }
  return (struct core_block){from, limit};
}

// --- RTT (RFC 6298 section 2); srtt is kept times 8, rttvar times 4 ------------------------------------------------------

static void set_rto(struct snd_ctx *c)
{
  uint32_t rto = (c->srtt_us >> 3) + max_u32(NIC_RTO_GRANULARITY_US, c->rttvar_us);
  c->rto_us = min_u32(max_u32(rto, NIC_RTO_INIT_US), NIC_RTO_MAX_US);
}

static void sample(struct snd_ctx *c, uint32_t rtt_us)
{
  rtt_us = min_u32(rtt_us, NIC_RTO_MAX_US);
  if (!c->srtt_us) {
    c->srtt_us = max_u32(rtt_us << 3, 1);
    c->rttvar_us = rtt_us << 1;
    return;
  }
  int32_t delta = (int32_t)rtt_us - (int32_t)(c->srtt_us >> 3);
  c->srtt_us = (uint32_t)((int32_t)c->srtt_us + delta);   // not 0: an eighth of it at most is taken away
  if (delta < 0) delta = -delta;
  c->rttvar_us = (uint32_t)((int32_t)c->rttvar_us + delta - (int32_t)(c->rttvar_us >> 2));
}

// A backed-off RTO stays until there is a new measurement (Karn; RFC 6298 section 5), that of a closed window until it opens.
static void measure(const struct core_caps *caps, struct snd_ctx *c, const struct dd_in *ev, uint64_t now_us)
{
  bool timed = c->rtt_vld && seq_leq(c->rtt_seq, ev->ack), echoed = ev->ts_vld && !c->rtt_vld;
  if (!caps->rtt) c->rto_us = NIC_RTO_INIT_US;
  if (timed || echoed || c->wnd) c->backoff = 0;
  if (!caps->rtt || !(timed || echoed)) return;
  // The echo is also right for what was sent twice: it tells which (RFC 7323 section 4).
  sample(c, timed ? (uint32_t)(now_us - c->rtt_at_us) : min_u32(core_tsval(now_us) - ev->tsecr, NIC_RTO_MAX_US >> 10) << 10);
  set_rto(c);
  if (timed) c->rtt_vld = false;
}

// The window opens: what backed off was the pace of probes, which says nothing of the network.
static void end_probing(const struct core_caps *caps, struct snd_ctx *c, uint64_t now_us)
{
  if (!caps->rtt || !c->backoff) return;
  c->backoff = 0;
  c->rto_us = NIC_RTO_FIRST_US;
  if (c->srtt_us) set_rto(c);
  if (c->rto_vld) arm(c, now_us);
}

// --- loss (RFC 5681, 6582, 6675) -----------------------------------------------------------------------------------------

static uint32_t flight(const struct snd_ctx *c) { return (uint32_t)seq_diff(c->max, c->una); }

static void enter_recovery(const struct core_caps *caps, struct snd_ctx *c)
{
  c->recovery = c->rxt_first = true;
  c->recover = c->max;
  c->high_rxt = c->una;
  c->rtt_vld = false;                 // Karn
  cc_step(caps, c, &(struct cc_in){.kind = CC_LOSS, .sack = uses_sack(caps, c), .flight = flight(c)});
}

// Another duplicate ACK: whether recovery begins. Not again for what a timeout or an earlier recovery has taken care of. Without
// SACK, duplicate ACKs right at `recover` may come from what was sent again in vain (RFC 6582 sections 3.2 step 2 and 4); news
// of SACK cannot (RFC 6675 section 5.1).
static bool shows_loss(const struct core_caps *caps, struct snd_ctx *c)
{
  struct intervals v = load(c);
  bool sack = uses_sack(caps, c), lost = sack && seq_lt(c->una, lost_edge(c, &v));
  if (c->dup_acks < 15) c->dup_acks++;
  return (c->dup_acks >= DUP_THRESH || lost) && (sack ? seq_leq(c->recover, c->una) : seq_lt(c->recover, c->una));
}

static void on_duplicate(const struct core_caps *caps, struct snd_ctx *c)
{
  if (!c->recovery) {
    if (shows_loss(caps, c)) enter_recovery(caps, c);
  } else if (!uses_sack(caps, c)) {
    cc_step(caps, c, &(struct cc_in){.kind = CC_DUP});
  }
}

// An ACK that advances, with SACK news: it counts as a duplicate, too (RFC 6675 section 2). It may be the only one to come, when
// those before it were lost; in this it is like one that ends recovery and shows what was lost since that began.
static bool advance_shows_loss(const struct core_caps *caps, struct snd_ctx *c)
{
  c->dup_acks = 0;
  return c->sack_new && c->sack_n && shows_loss(caps, c);
}

static void in_recovery(const struct core_caps *caps, struct snd_ctx *c, uint32_t acked)
{
  bool sack = uses_sack(caps, c), whole = seq_leq(c->recover, c->una);   // all that was out when it began
  // Reno's ends with the first ACK that advances (RFC 5681 section 3.2 step 6), and another may begin.
  if (whole || (!sack && caps->congestion == CORE_CC_RENO)) {
    c->recovery = c->rxt_first = false;
    if (!whole) c->recover = seq_add(c->una, UINT32_MAX);
    if (advance_shows_loss(caps, c)) enter_recovery(caps, c);   // with SACK, cwnd is ssthresh already
    else cc_step(caps, c, &(struct cc_in){.kind = CC_EXIT, .sack = sack, .flight = flight(c)});
    return;
  }
  c->high_rxt = seq_max(c->high_rxt, c->una);
  if (sack) return;
  c->rxt_first = true;                 // a partial ACK shows the next hole (RFC 6582 section 3.2 step 3)
  cc_step(caps, c, &(struct cc_in){.kind = CC_PARTIAL, .acked = acked});
}

static void on_advance(const struct core_caps *caps, struct snd_ctx *c, const struct dd_in *ev, uint64_t now_us)
{
  uint32_t acked = (uint32_t)seq_diff(ev->ack, c->una), was_out = flight(c);
  struct intervals v = load(c);
  measure(caps, c, ev, now_us);
  c->una = ev->ack;
  c->nxt = seq_max(c->nxt, c->una);
  intervals_trim(&v, c->una);
  store(c, &v);
  arm(c, now_us);                      // RFC 6298 section 5.3
  if (caps->user_timeout) c->stuck_us = now_us;
  if (!caps->recovery) return;
  if (c->recovery) {
    in_recovery(caps, c, acked);
  } else if (advance_shows_loss(caps, c)) {
    enter_recovery(caps, c);
  } else {
    cc_step(caps, c, &(struct cc_in){.kind = CC_ACK, .sack = uses_sack(caps, c), .acked = acked, .flight = was_out, .tick = core_tsval(now_us)});
  }
  // What lies behind una never holds back a later recovery.
  if (!c->recovery && seq_lt(c->recover, c->una)) c->recover = seq_add(c->una, UINT32_MAX);
}

// RFC 5681 section 2 for a flow without SACK; with it, news in the scoreboard, also by an ACK that was overtaken (RFC 6675
// section 2). The refusals of probes all look alike, too, and tell of a closed window, not of loss.
static bool is_duplicate(const struct core_caps *caps, const struct snd_ctx *c, const struct dd_in *ev)
{
  if (!caps->recovery || !seq_leq(ev->ack, c->una) || seq_eq(c->una, c->max)) return false;
  if (uses_sack(caps, c)) return c->sack_new;
  return seq_eq(ev->ack, c->una) && ev->no_data && c->wnd && !(ev->wnd_vld && ev->wnd != c->wnd);
}

struct snd_actions snd_ack(const struct core_caps *caps, struct snd_ctx *c, const struct dd_in *ev, uint64_t now_us)
{
  struct snd_actions a = {0};
  if (!c->open) return a;
  if (ev->kind == DD_RESET) c->open = c->rto_vld = false;
  if (ev->kind != DD_ACK || c->gave_up) return a;
  // Valid up to the highest ever sent, also when a timeout has pulled nxt back.
  bool advance = seq_lt(c->una, ev->ack) && seq_leq(ev->ack, c->max), shut = !c->wnd;
  bool opens = ev->wnd_vld && ev->wnd && ev->wnd != c->wnd;
  a.wake = true;
  if (advance) on_advance(caps, c, ev, now_us);
  else if (is_duplicate(caps, c, ev)) on_duplicate(caps, c);
  c->sack_new = false;
  if (ev->wnd_vld) {
    if (shut && ev->wnd) end_probing(caps, c, now_us);
    c->wnd = ev->wnd;
    c->max_wnd = max_u32(c->max_wnd, ev->wnd);
    if (ev->wnd) c->probe = false;
  }
  // How often the same segment went in vain (RFC 9293 section 3.8.3); answered probes are not in vain (section 3.8.6.1).
  shut |= !c->wnd;
  if (!caps->recovery || advance || shut || seq_eq(c->una, c->max)) c->retries = 0;
  if (caps->user_timeout && shut) c->stuck_us = now_us;
  // All acknowledged: RFC 6298 section 5.2. With nothing out the timer is that of a probe, or of a piece that would make a silly
  // window (RFC 9293 section 3.8.6.2.1): an ACK that has no news does not put it off.
  if (seq_eq(c->una, c->max) && (advance || opens)) c->rto_vld = false;
  return a;
}

// --- timer (RFC 6298 section 5.4 to 5.7) ---------------------------------------------------------------------------------

static void collapse(const struct core_caps *caps, struct snd_ctx *c)
{
  if (!caps->recovery) return;
  c->recovery = c->rxt_first = false;
  c->recover = c->max;
  c->dup_acks = 0;
  store(c, &(struct intervals){0});    // the receiver may have thrown it away (RFC 2018 section 8)
  if (seq_eq(c->nxt, c->una)) return;  // a probe alone, which was refused: that tells nothing of the network
  cc_step(caps, c, &(struct cc_in){.kind = CC_TIMEOUT, .sack = uses_sack(caps, c), .first = !c->backoff, .flight = flight(c)});
}

static bool has_user_timeout(const struct core_caps *caps, const struct snd_ctx *c) { return caps->user_timeout && c->user_timeout_ms; }

// The user timeout (RFC 9293 section 3.9.1) bounds the wait for the ACK of what is out, from when it was sent, an ACK advanced
// or a probe was answered; but what goes again first has its RTO to be acknowledged. It takes the place of the number of
// retransmissions, be it shorter or longer (section 3.8.3, R2). UINT64_MAX: never.
static uint64_t user_deadline(const struct core_caps *caps, const struct snd_ctx *c)
{
  bool counts = has_user_timeout(caps, c) && c->retries && !seq_eq(c->una, c->max);
  return counts ? c->stuck_us + (uint64_t)c->user_timeout_ms * 1000 : UINT64_MAX;
}

// A path that takes less than it did has dropped what is out (RFC 1191 section 6.5): all that is not SACKed goes again, without loss being
// seen in it. Recovery cuts anew by itself.
static void shorten(struct snd_ctx *c, uint16_t mss)
{
  if (!mss || mss >= c->mss) return;
  c->mss = mss;
  if (!c->recovery) c->nxt = c->una;
}

void snd_tune(const struct core_caps *caps, struct snd_ctx *c, const struct host_cmd *t, uint64_t now_us)
{
  shorten(c, t->mss);
  c->nagle_off = t->nagle_off;
  c->user_timeout_ms = t->user_timeout_ms;
  if (caps->pacing) set_pace(c, t);
  c->rto_at_us = min_u64(c->rto_at_us, max_u64(user_deadline(caps, c), now_us));
}

struct snd_actions snd_timeout(const struct core_caps *caps, struct snd_ctx *c, uint64_t now_us)
{
  struct snd_actions a = {.expired = c->open && c->rto_vld && now_us >= c->rto_at_us};
  bool tokens = c->open && c->pace_wait && now_us >= c->pace_at_us;
  uint64_t least = now_us + (c->retries ? 0 : c->rto_us);
  a.wake = a.expired || tokens;
  if (tokens) c->pace_wait = false;
  if (!a.expired) return a;
  if (has_user_timeout(caps, c) ? now_us >= user_deadline(caps, c) : c->retries >= NIC_MAX_RETRIES) {
    c->gave_up = true;
    c->told_flags = c->rto_vld = false;
    return a;
  }
  if (!seq_eq(c->una, c->max)) collapse(caps, c);
  c->nxt = c->una;                     // go back: what is cut anew carries the same bytes
  c->probe = !c->wnd || seq_eq(c->una, c->max);
  c->rto_us = min_u32(c->rto_us * 2, NIC_RTO_MAX_US);
  arm(c, now_us);
  if (c->retries != 15) c->retries++;
  c->rto_at_us = min_u64(c->rto_at_us, max_u64(user_deadline(caps, c), least));
  if (c->backoff != 15) c->backoff++;
  return a;
}

// --- what next ---------------------------------------------------------------------------------------------------------

// A segment that may leave: payload [seq, seq + len), then FIN. Nothing when len is 0 and fin is false.
struct cut {
  struct seq seq;
  uint32_t len;
  bool fin, rexmit;
  bool repair;                         // recovery's own: leaves nxt and max alone
  bool rescue;                         // a repair by the fourth rule: leaves high_rxt alone, too
  bool probe;                          // one byte (or the FIN) beyond a closed window
  bool blocked;                        // there is something, but nothing may be sent
  bool more;                           // when it has left, another may; never wrongly false
};

static struct seq data_end(const struct snd_view *v) { return seq_add(v->tail, -(uint32_t)v->fin); }

// What was sent before, from the hole on: at most a segment.
static struct cut cut_again(const struct snd_ctx *c, const struct snd_view *v, struct core_block hole)
{
  struct seq end = data_end(v), stop = seq_min(hole.end, end);
  struct cut k = {.seq = hole.start, .rexmit = true, .repair = true, .more = true};
  if (seq_lt(hole.start, stop)) k.len = min_u32((uint32_t)seq_diff(stop, hole.start), c->mss);
  // The FIN was sent when max stands behind it.
  k.fin = v->fin && seq_eq(seq_add(k.seq, k.len), end) && seq_lt(end, hole.end);
  return k;
}

// RFC 9293 section 3.8.6.2.1 (silly windows) and 3.7.4 (Nagle): whether less than a full segment may leave.
static bool small_allowed(const struct core_caps *caps, const struct snd_ctx *c, const struct snd_view *v, uint32_t len,
                          uint32_t avail)
{
  if (!caps->silly || len >= c->mss || c->probe) return true;
  if (!(c->nagle_off || seq_eq(c->nxt, c->una) || (v->fin && len == avail))) return false;
  return len == avail || len >= c->max_wnd / 2;
}

// From nxt on: new data, or all that follows una after a timeout.
static struct cut cut_at_nxt(const struct core_caps *caps, const struct snd_ctx *c, const struct snd_view *v)
{
  struct intervals sacked = load(c);
  bool again = seq_lt(c->nxt, c->max);
  struct core_block hole = again ? next_hole(&sacked, c->nxt, c->max) : (struct core_block){c->nxt, c->nxt};
  struct cut k = {.seq = hole.start, .rexmit = again && seq_lt(hole.start, c->max)};
  struct seq end = data_end(v), edge = seq_add(c->una, c->wnd);
  bool fin_pending = v->fin && !seq_eq(k.seq, v->tail);
  uint32_t avail = !v->fin || fin_pending ? (uint32_t)seq_diff(end, k.seq) : 0;
  uint32_t pipe = snd_pipe(caps, c), cwnd = c->cwnd, room = 0;
  // RFC 3042: new data beyond cwnd. With SACK, pipe has shrunk already by what a duplicate ACK reports (RFC 6675 section 5 step 3).
  if (caps->recovery && !uses_sack(caps, c) && !again && !c->recovery && c->dup_acks < DUP_THRESH)
    cwnd += c->dup_acks * (uint32_t)c->mss;
  if (seq_lt(k.seq, edge) && pipe < cwnd) room = min_u32((uint32_t)seq_diff(edge, k.seq), cwnd - pipe);
  k.probe = c->probe && seq_eq(c->nxt, c->una) && !room;   // RFC 9293 section 3.8.6.1
  if (k.probe) room = 1;
  k.len = min_u32(min_u32(avail, c->mss), room);
  if (k.rexmit && seq_lt(hole.end, c->max)) k.len = min_u32(k.len, (uint32_t)seq_diff(hole.end, k.seq));
  if (!k.rexmit && k.len && !small_allowed(caps, c, v, k.len, avail)) k.len = 0;
  k.fin = fin_pending && k.len == avail && k.len < room;
  k.blocked = (avail || fin_pending) && !k.len && !k.fin;
  // Where nxt reaches max, limited transmit may widen the window.
  k.more = (k.len != avail || (fin_pending && !k.fin)) && (k.len != room || (again && c->dup_acks));
  return k;
}

// The end of the highest hole, at most a segment: lost at the end of a window, it has nothing behind it to make it a hole
// that is known to be one, and without new data no ACK would come any more.
static struct cut cut_rescue(const struct snd_ctx *c, const struct snd_view *v, const struct intervals *sacked)
{
  unsigned i = sacked->n;
  struct core_block hole = {c->una, c->max};
  if (i && seq_eq(sacked->b[i - 1].end, c->max)) hole.end = sacked->b[--i].start;
  if (i) hole.start = sacked->b[i - 1].end;
  hole.start = seq_max(hole.start, seq_add(hole.end, -(uint32_t)c->mss));
  struct cut k = cut_again(c, v, hole);
  k.rescue = true;
  return k;
}

// RFC 6675 section 4, NextSeg: lost holes, then new data, then other holes; when an ACK has passed what recovery sent first,
// once the highest hole.
static struct cut cut_sack(const struct core_caps *caps, const struct snd_ctx *c, const struct snd_view *v)
{
  struct intervals sacked = load(c);
  struct cut none = {.seq = c->max};
  if (c->cwnd < snd_pipe(caps, c) + c->mss) return none;
  struct seq from = seq_max(c->high_rxt, c->una);
  struct seq top = sacked.n ? sacked.b[sacked.n - 1].start : c->una;
  struct core_block hole = next_hole(&sacked, from, top);
  bool there = seq_lt(hole.start, top);
  if (there && seq_lt(hole.start, lost_edge(c, &sacked))) return cut_again(c, v, hole);
  struct cut k = cut_at_nxt(caps, c, v);
  k.more = true;                       // perhaps a hole
  if (k.len || k.fin) return k;
  if (there) return cut_again(c, v, hole);
  return caps->rescue && seq_lt(c->rescue_rxt, c->una) ? cut_rescue(c, v, &sacked) : k;
}

static struct cut choose(const struct core_caps *caps, const struct snd_ctx *c, const struct snd_view *v)
{
  if (c->recovery && c->rxt_first) {
    struct intervals sacked = load(c);
    return cut_again(c, v, next_hole(&sacked, c->una, c->max));
  }
  return c->recovery && uses_sack(caps, c) ? cut_sack(caps, c, v) : cut_at_nxt(caps, c, v);
}

// RFC 5681 section 4.1: after an idle RTO the window starts anew.
static void restart_after_idle(const struct core_caps *caps, struct snd_ctx *c, uint64_t now_us)
{
  if (seq_eq(c->una, c->max) && c->sent_us && now_us - c->sent_us > c->rto_us) cc_step(caps, c, &(struct cc_in){.kind = CC_IDLE});
  c->sent_us = now_us;
}

// --- pacing --------------------------------------------------------------------------------------------------------------

// What the bucket holds now: pace_rate bytes for each tick since pace_tick, at most pace_burst. Data may leave while it holds
// 0 or more; what leaves may make it less. What nobody used for a second is lost.
static int32_t tokens(const struct snd_ctx *c, uint64_t now_us)
{
  uint32_t ticks = min_u32((uint32_t)(now_us >> 10) - c->pace_tick, 1023);
  int64_t t = (int64_t)(int32_t)c->tokens + (int64_t)((uint64_t)c->pace_rate * ticks);
  return (int32_t)(t < (int64_t)c->pace_burst ? t : (int64_t)c->pace_burst);
}

static void pay(struct snd_ctx *c, uint32_t bytes, uint64_t now_us)
{
  if (!c->pace_rate) return;
  c->tokens = (uint32_t)tokens(c, now_us) - bytes;
  c->pace_tick = (uint32_t)(now_us >> 10);
}

// At the next tick it is asked again. What came since counts, though nothing leaves: a debt may take longer than a second.
static void wait_for_tokens(struct snd_ctx *c, uint64_t now_us)
{
  if (c->pace_wait) return;
  pay(c, 0, now_us);
  c->pace_wait = true;
  c->pace_at_us = ((now_us >> 10) + 1) << 10;
}

static void send_cut(const struct core_caps *caps, struct snd_ctx *c, const struct snd_view *v, const struct cut *k,
                     struct snd_actions *a, uint64_t now_us)
{
  struct seq after = seq_add(k->seq, k->len + k->fin);
  a->emit = true;
  a->rexmit = k->rexmit;
  a->desc = (struct tx_desc){.kind = TX_DATA, .seq = k->seq, .len = (uint16_t)k->len, .fin = k->fin,
                             .psh = k->len && seq_eq(seq_add(k->seq, k->len), data_end(v))};
  restart_after_idle(caps, c, now_us);
  if (caps->pacing) pay(c, k->len + k->fin, now_us);
  if (caps->user_timeout && seq_eq(c->una, c->max)) c->stuck_us = now_us;
  if (k->rescue) {
    c->rescue_rxt = c->recover;
  } else if (k->repair) {
    if (caps->rescue && c->rxt_first) c->rescue_rxt = after;   // none before an ACK has passed it
    c->rxt_first = false;
    c->high_rxt = seq_max(c->high_rxt, after);
  } else {
    // A probe leaves nxt where it is: when the window opens without taking it, all is sent from una on.
    if (!k->probe) c->nxt = after;
    c->max = seq_max(c->max, after);
  }
  if (caps->rtt && k->rexmit) {
    c->rtt_vld = false;                // Karn
  } else if (caps->rtt && !c->rtt_vld) {
    c->rtt_vld = true;
    c->rtt_seq = after;
    c->rtt_at_us = now_us;
  }
  c->probe = false;
  if (!c->rto_vld) arm(c, now_us);     // RFC 6298 section 5.1
}

struct snd_actions snd_next(const struct core_caps *caps, struct snd_ctx *c, const struct snd_view *v, uint64_t now_us)
{
  struct snd_actions a = {.desc = {.kind = TX_FREE, .seq = snd_idle_seq(c)}};
  bool live = c->open && !c->gave_up;
  bool fin_acked = v->fin && seq_eq(c->una, v->tail);
  bool news = c->open && (!seq_eq(c->una, c->told) || ((fin_acked || c->gave_up) && !c->told_flags));
  struct cut k = live ? choose(caps, c, v) : (struct cut){0};
  bool sends = k.len || k.fin;
  if (sends && caps->pacing && c->pace_rate && tokens(c, now_us) < 0) {
    wait_for_tokens(c, now_us);
    sends = false;
  }

  if (sends) {
    send_cut(caps, c, v, &k, &a, now_us);
    a.more = k.more || v->ack_now;
  } else {
    if (k.blocked && seq_eq(c->una, c->max) && !c->rto_vld) arm(c, now_us);   // the probe timer
    a.emit = news || (live && v->ack_owed);
    if (live && v->ack_owed) {
      a.desc.kind = TX_ACK;
      a.more = v->ack_now > 1;
    }
  }
  a.desc.una = c->una;
  a.desc.tell = news;
  a.desc.fin_acked = fin_acked;
  a.desc.timed_out = c->gave_up;
  if (a.emit) {
    c->told = c->una;
    c->told_flags = fin_acked || c->gave_up;
  }
  a.wake = a.more;
  return a;
}

bool snd_abort(struct snd_ctx *c, struct tx_desc *d)
{
  bool was_open = c->open;
  *d = (struct tx_desc){.kind = TX_RST, .seq = snd_idle_seq(c), .una = c->una};   // RFC 9293 section 3.10.5
  c->open = c->rto_vld = false;
  return was_open;
}

struct tx_desc snd_release(struct snd_ctx *c)
{
  c->open = c->rto_vld = false;
  return (struct tx_desc){.kind = TX_RELEASE};
}
