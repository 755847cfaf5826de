// SPDX-License-Identifier: Apache-2.0
#include "sock/handshake.h"

#include <errno.h>
#include <string.h>

#include "sock/cookie.h"
#include "sock/handover.h"
#include "sock/out.h"
#include "sock/stack_priv.h"
#include "tcp/core/core.h"

enum {
  SYNACK_RTO_US = 1000000,   // RFC 6298 section 2.1; doubled each time
  SYNACK_MAX = 6,            // the first and five more: given up 63 s after the SYN
  MSS_MIN = 48,              // a peer's smaller MSS counts as this: not one byte a segment at a stranger's wish
  ISN_STEP = 65536           // how far beyond the last connection's numbers its successor on the tuple begins
};

static struct seq rcv_nxt(const struct conn *c) { return seq_add(c->irs, 1); }
static struct seq snd_nxt(const struct conn *c) { return seq_add(c->iss, 1); }

// The smallest shift by which the engine's ring fits a 16-bit window (RFC 7323 section 2.3), unless a larger one is asked for.
static uint8_t own_wscale(const struct stack *s)
{
  uint8_t shift = s->cfg.wscale_least;
  while (shift < TCP_WSCALE_MAX && s->engine->rx_ring_bytes >> shift > UINT16_MAX) shift++;
  return shift;
}

struct segment_options handshake_offer(const struct stack *s)
{
  struct segment_options o = {.has_mss = true, .mss = out_mss(s)};
  if (s->cfg.options == STACK_OPTIONS_MINIMAL) return o;
  o.has_wscale = true;
  o.wscale = own_wscale(s);
  o.sack_permitted = s->engine->sack;
  o.has_timestamps = s->engine->timestamps;
  o.tsval = core_tsval(s->now_us);
  return o;
}

static void send_synack(struct stack *s, const struct conn *c, uint32_t tsval)
{
  const struct segment seg = {
    .seq = c->iss,
    .ack = rcv_nxt(c),
    .flags = (uint8_t)(TCP_SYN | TCP_ACK | (c->ecn_marks ? TCP_ECE : 0)),
    .window = out_window(s, 0),   // RFC 7323 section 2.2: a SYN's window is never scaled
    .opt = {.has_mss = true, .mss = out_mss(s), .has_wscale = c->wscale_ok, .wscale = c->rcv_wscale,
            .sack_permitted = c->sack_ok, .has_timestamps = c->ts_ok, .tsval = tsval, .tsecr = c->ts_recent},
  };
  out_segment(s, c->remote_mac, &c->node.tuple, c->ip, &seg);
}

// The SYN-ACK by the handshake's own clock.
static void send_synack_timed(struct stack *s, struct conn *c)
{
  send_synack(s, c, core_tsval(s->now_us));
  timers_set(&s->conns.timers, &c->timer, s->now_us + ((uint64_t)SYNACK_RTO_US << c->tries));
  c->tries++;
}

static uint16_t effective_mss(const struct stack *s, const struct segment_options *o)
{
  uint16_t mss = o->has_mss && o->mss > 0 ? o->mss : TCP_DEFAULT_MSS;   // RFC 9293 section 3.7.1, MUST-15
  if (mss < MSS_MIN) mss = MSS_MIN;
  return mss < out_mss(s) ? mss : out_mss(s);                           // MUST-16
}

static struct seq choose_iss(struct stack *s, const struct tuple *t, const struct seq *above)
{
  struct seq iss = isn_make(&s->isn, t->local_ip, t->local_port, t->remote_ip, t->remote_port, s->now_us);
  // RFC 1122 section 4.2.2.13: larger than the largest number of the previous connection. A fast one overtakes the clock.
  return above && seq_leq(iss, *above) ? seq_add(*above, ISN_STEP) : iss;
}

// RFC 3168 section 6.1.1: a SYN asks by both flags, a SYN-ACK agrees by ECE alone; both in a SYN-ACK are our own sent back.
static bool says_ecn(const struct segment *s)
{
  unsigned said = s->flags & (TCP_ECE | TCP_CWR);
  return said == (s->flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR);
}

void handshake_agree(struct stack *s, struct conn *c, const struct segment *syn)
{
  const struct segment_options *o = &syn->opt, own = handshake_offer(s);
  c->irs = syn->seq;
  c->snd_mss = effective_mss(s, o);
  c->wscale_ok = own.has_wscale && o->has_wscale;
  if (c->wscale_ok) {
    c->snd_wscale = o->wscale > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : o->wscale;   // RFC 7323 section 2.3
    c->rcv_wscale = own.wscale;
  }
  c->ts_ok = own.has_timestamps && o->has_timestamps;
  c->sack_ok = own.sack_permitted && o->sack_permitted;
  c->ecn_echoes = s->engine->ecn && says_ecn(syn);
  c->ecn_marks = c->ecn_echoes && c->tries <= 1;
  c->ts_recent = o->tsval;
  if (c->ts_ok) c->snd_mss = (uint16_t)(c->snd_mss - TCP_TIMESTAMPS_BYTES);   // in every segment (RFC 6691 section 2)
}

void handshake_answer(struct stack *s, struct conn *c)
{
  c->state = CONN_SYN_RCVD;
  c->tries = 0;
  send_synack_timed(s, c);
}

// --- room, and what is done without ---------------------------------------------------------------------------------

static bool policy_lets_in(struct stack *s, const struct arrival *a, const struct sock *l)
{
  if (!l->policy) return true;
  struct sock_addr peer = {a->tuple.remote_ip, a->tuple.remote_port}, local = {a->tuple.local_ip, a->tuple.local_port};
  enum sock_verdict v = l->policy(l->policy_arg, &peer, &local);
  if (v == SOCK_LET_IN) return true;
  s->stat[ST_TCP_POLICY_REFUSED]++;
  if (v == SOCK_REFUSE) out_reset_reply(s, a);
  return false;
}

// Who brings a cookie back is there; a half-open connection may be a stranger's invention. The oldest gives its flow, but
// not before a living peer has had its time to answer.
static struct conn *evictable(const struct stack *s)
{
  struct conn *c = s->conns.half_first;
  return c && s->now_us - c->since_us >= SYNACK_RTO_US ? c : NULL;
}

// Nobody could be let in, however the handshake ended: what is open stays, and what waits to be accepted, too.
static bool no_place(struct stack *s, const struct sock *l)
{
  if (l->queued >= l->backlog) {
    s->stat[ST_TCP_BACKLOG_FULL]++;
    return true;
  }
  if (s->conns.free || evictable(s)) return false;
  s->stat[ST_TCP_NO_FLOW_FREE]++;
  return true;
}

// Whether half-open connections may have one more flow. They leave some to those who bring a cookie back.
static bool may_reserve(const struct stack *s, const struct sock *l)
{
  size_t most = s->conns.n - s->conns.n / 8;
  return l->children < l->backlog && s->conns.free && s->conns.n_half_open < most;
}

static struct conn *take_child(struct stack *s, const struct arrival *a, struct sock *l)
{
  struct conn *c = conn_take(s, &a->tuple);
  memcpy(c->remote_mac, arrival_mac(a), sizeof c->remote_mac);
  c->listener = l;
  c->ip = l->opt.ip;
  l->children++;
  conn_half_open(s, c);
  return c;
}

// RFC 4987 section 3.6. Without time stamps there is no place to remember window scale and SACK, and for ECN there is none: not agreed to.
static void send_cookie(struct stack *s, const struct arrival *a, struct sock *l)
{
  struct conn c = {.node.tuple = a->tuple, .ip = l->opt.ip};
  handshake_agree(s, &c, &a->seg);
  memcpy(c.remote_mac, arrival_mac(a), sizeof c.remote_mac);
  c.ecn_marks = false;
  if (!c.ts_ok) c.wscale_ok = c.sack_ok = false;
  c.rcv_wscale = c.wscale_ok ? c.rcv_wscale : 0;
  uint16_t mss = a->seg.opt.has_mss && a->seg.opt.mss > 0 ? a->seg.opt.mss : TCP_DEFAULT_MSS;
  c.iss = cookie_make(s->cookie_key, &a->tuple, c.irs, mss, s->now_us);
  l->cookies = true;
  l->cookie_us = s->now_us;
  s->stat[ST_TCP_COOKIE_SENT]++;
  send_synack(s, &c, cookie_tsval(&a->seg.opt, s->now_us));
}

static void evict(struct stack *s, struct conn *c)
{
  s->stat[ST_TCP_HALF_OPEN_EVICTED]++;
  handshake_drop(s, c, 0);
}

bool handshake_cookie(struct stack *s, const struct arrival *a, struct sock *l)
{
  const struct segment *seg = &a->seg;
  uint16_t mss;
  struct seq irs = seq_add(seg->seq, UINT32_MAX), iss = seq_add(seg->ack, UINT32_MAX);
  if (seg->flags & TCP_SYN || !l->cookies || s->now_us - l->cookie_us >= COOKIE_LIFE_US) return false;
  if (!cookie_check(s->cookie_key, &a->tuple, irs, iss, s->now_us, &mss)) {
    s->stat[ST_TCP_COOKIE_BAD]++;
    return false;
  }
  bool waits = l->queued < l->backlog;
  if (waits && !s->conns.free && evictable(s)) evict(s, evictable(s));
  if (!waits || !s->conns.free) {   // the peer sends again, and so brings it back once more
    s->stat[ST_TCP_COOKIE_NO_ROOM]++;
    return true;
  }
  struct segment syn = {.seq = irs, .opt = {.has_mss = true, .mss = mss, .has_timestamps = seg->opt.has_timestamps,
                                            .tsval = seg->opt.tsval}};
  if (handshake_offer(s).has_timestamps && seg->opt.has_timestamps) cookie_recall(seg->opt.tsecr, &syn.opt);
  struct conn *c = take_child(s, a, l);
  c->iss = iss;
  handshake_agree(s, c, &syn);
  s->stat[ST_TCP_COOKIE_ACCEPTED]++;
  handover_begin(s, c, a);
  return true;
}

// --- SYN-RECEIVED ---------------------------------------------------------------------------------------------------

bool handshake_syn(struct stack *s, const struct arrival *a, struct sock *listener, const struct seq *above)
{
  s->stat[ST_TCP_SYN]++;
  if (!policy_lets_in(s, a, listener) || no_place(s, listener)) return false;
  if (!may_reserve(s, listener)) {
    // Of a tuple in TIME-WAIT the number would have to lie above the last one's: it may try again.
    if (!above) send_cookie(s, a, listener);
    return false;
  }
  struct conn *c = take_child(s, a, listener);
  c->iss = choose_iss(s, &a->tuple, above);
  handshake_agree(s, c, &a->seg);
  handshake_answer(s, c);
  return true;
}

bool segment_acceptable(const struct arrival *a, struct seq next, uint32_t wnd)
{
  uint32_t len = segment_seq_len(&a->seg);
  uint32_t first = a->seg.seq.v - next.v;          // distances from RCV.NXT, modulo 2^32
  if (len == 0) return wnd == 0 ? first == 0 : first < wnd;
  return first < wnd || first + len - 1 < wnd;     // wnd 0 accepts nothing with length
}

void handshake_send_ack(struct stack *s, const struct conn *c)
{
  const struct segment seg = {
    .seq = snd_nxt(c), .ack = rcv_nxt(c), .flags = TCP_ACK, .window = out_window(s, c->rcv_wscale),
    .opt = {.has_timestamps = c->ts_ok, .tsval = core_tsval(s->now_us), .tsecr = c->ts_recent}};
  out_segment(s, c->remote_mac, &c->node.tuple, c->ip, &seg);
}

// Not too often: where the other end is a connection that stands it answers each, and the two would not come to an end.
static void challenge(struct stack *s, struct conn *c)
{
  if (conn_may_challenge(c, s->now_us)) handshake_send_ack(s, c);
}

void handshake_input(struct stack *s, struct conn *c, const struct arrival *a)
{
  const struct segment *seg = &a->seg;
  bool pure_syn = (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
  if (seg->flags & TCP_SYN && !says_ecn(seg)) c->ecn_marks = false;   // it has asked in vain, and now does without
  if (pure_syn && seq_eq(seg->seq, c->irs)) {   // our SYN-ACK was lost; the timer goes on as it was
    send_synack(s, c, core_tsval(s->now_us));
    return;
  }
  if (seg->flags & TCP_SYN && seg->flags & TCP_ACK && !(seg->flags & TCP_RST) && !c->listener
      && seq_eq(seg->seq, c->irs) && seq_eq(seg->ack, snd_nxt(c))) {
    // Simultaneous open (RFC 9293 section 3.5, figure 7): the SYN we know, and now the ACK of ours.
    handover_begin(s, c, a);
    handshake_send_ack(s, c);
    return;
  }
  if (!segment_acceptable(a, rcv_nxt(c), out_window(s, 0))) {
    if (!(seg->flags & TCP_RST)) challenge(s, c);
    return;
  }
  if (seg->flags & TCP_RST) {                   // RFC 5961 section 3.2: only the exact number counts
    if (seq_eq(seg->seq, rcv_nxt(c)))
      handshake_drop(s, c, ECONNREFUSED);
    else
      challenge(s, c);
    return;
  }
  if (seg->flags & TCP_SYN) {                   // fourth: passive open returns to LISTEN, active open is not impressed
    if (c->listener)
      handshake_drop(s, c, 0);
    else
      challenge(s, c);
    return;
  }
  if (!(seg->flags & TCP_ACK)) return;          // fifth
  if (!seq_eq(seg->ack, snd_nxt(c))) {
    out_reset_reply(s, a);
    return;
  }
  handover_begin(s, c, a);
}

void handshake_timeout(struct stack *s, struct conn *c)
{
  if (c->tries < SYNACK_MAX) {
    send_synack_timed(s, c);
    return;
  }
  s->stat[ST_TCP_HANDSHAKE_TIMEOUT]++;
  handshake_drop(s, c, ETIMEDOUT);
}

void handshake_drop(struct stack *s, struct conn *c, int err)
{
  if (c->listener) {
    c->listener->children--;
    conn_not_half_open(s, c);
  }
  if (c->sock) {
    c->sock->conn = NULL;
    socks_ended(s, c->sock, err);
  }
  c->listener = NULL;
  c->sock = NULL;
  conn_give(s, c);
}
