// SPDX-License-Identifier: Apache-2.0
#include "tools/events.h"

enum { TICK_US = 1024, USER_TIMEOUT_MS = 1500 };

// --- events: what each is, made from what was said so far. False: it cannot happen now. ----------------------------------

static bool frame(struct scene *s, struct talk *t, struct event *e, struct segment g)
{
  talk_frame(s, t, e, &g);
  return true;
}

// Octets [from, from + len) of the peer's stream, up to its FIN when it has sent that.
static bool octets(struct scene *s, struct talk *t, struct event *e, unsigned from, unsigned len)
{
  struct segment g = talk_segment(t);
  g.seq = seq_add(t->o.rcv, from);
  g.payload_len = len;
  if (!t->fin_sent || from + len <= t->top) talk_mark(t, from, len);
  return frame(s, t, e, g);
}

static bool e_data(struct scene *s, struct talk *t, struct event *e) { return octets(s, t, e, talk_next(t), 8); }
static bool e_behind_gap(struct scene *s, struct talk *t, struct event *e) { return octets(s, t, e, t->top + t->fin_sent + 8, 8); }
static bool e_twice(struct scene *s, struct talk *t, struct event *e) { return octets(s, t, e, 0, 8); }

static bool e_overlap(struct scene *s, struct talk *t, struct event *e)
{
  unsigned from = talk_next(t) - 4 - (talk_next(t) > t->top);
  return octets(s, t, e, from, t->fin_sent && from + 16 > t->top ? t->top - from : 16);
}

static bool e_fin(struct scene *s, struct talk *t, struct event *e)
{
  struct segment g = talk_segment(t);
  g.seq = seq_add(t->o.rcv, t->top);
  g.flags |= TCP_FIN;
  t->fin_sent = true;
  return frame(s, t, e, g);
}

static unsigned out(const struct talk *t)   // octets of the NIC's that the peer has, and has not acknowledged
{
  unsigned n = 0;
  while (t->acked + n < TALK_OCTETS && t->came[t->acked + n]) n++;
  return n;
}

static bool e_ack(struct scene *s, struct talk *t, struct event *e)
{
  unsigned n = out(t);
  t->acked += n < TALK_MSS ? n : TALK_MSS;
  return frame(s, t, e, talk_segment(t));
}

static bool e_ack_all(struct scene *s, struct talk *t, struct event *e)
{
  t->acked += out(t);
  t->acked += t->fin_came && t->fin_at == t->acked;
  return frame(s, t, e, talk_segment(t));
}

static bool e_ack_again(struct scene *s, struct talk *t, struct event *e) { return frame(s, t, e, talk_segment(t)); }

// Every second segment behind the first, so that holes lie between: blocks beyond what was sent say nothing.
static bool blocks(struct scene *s, struct talk *t, struct event *e, int first, unsigned n)
{
  struct segment g = talk_segment(t);
  g.opt.n_sack = (uint8_t)n;
  for (unsigned i = 0; i < n; i++) {
    struct seq at = seq_add(g.ack, (uint32_t)((first + 2 * (int)i) * TALK_MSS));
    g.opt.sack[i] = (struct segment_sack){at, seq_add(at, TALK_MSS)};
  }
  return frame(s, t, e, g);
}

static bool e_sack(struct scene *s, struct talk *t, struct event *e) { return blocks(s, t, e, 1, 1); }
static bool e_sack_3(struct scene *s, struct talk *t, struct event *e) { return blocks(s, t, e, 2, 3); }
static bool e_dsack(struct scene *s, struct talk *t, struct event *e) { return blocks(s, t, e, -1, 2); }

static bool window(struct scene *s, struct talk *t, struct event *e, uint16_t wnd)
{
  t->wnd = wnd;
  return frame(s, t, e, talk_segment(t));
}

static bool e_open_window(struct scene *s, struct talk *t, struct event *e) { return window(s, t, e, t->o.scale ? 3 : 3000); }
static bool e_shut_window(struct scene *s, struct talk *t, struct event *e) { return window(s, t, e, 0); }

static bool e_probe(struct scene *s, struct talk *t, struct event *e)
{
  struct segment g = talk_segment(t);
  g.seq = seq_add(g.seq, UINT32_MAX);
  return frame(s, t, e, g);
}

static bool flags(struct scene *s, struct talk *t, struct event *e, uint8_t set, uint32_t off)
{
  struct segment g = talk_segment(t);
  g.flags |= set;
  g.seq = seq_add(g.seq, off);
  return frame(s, t, e, g);
}

static bool e_rst(struct scene *s, struct talk *t, struct event *e) { return flags(s, t, e, TCP_RST, 0); }
static bool e_rst_near(struct scene *s, struct talk *t, struct event *e) { return flags(s, t, e, TCP_RST, 1); }
static bool e_syn(struct scene *s, struct talk *t, struct event *e) { return flags(s, t, e, TCP_SYN, 0); }

static bool e_ack_unsent(struct scene *s, struct talk *t, struct event *e)
{
  struct segment g = talk_segment(t);
  g.ack = seq_add(g.ack, 5000);
  return frame(s, t, e, g);
}

static bool e_old_stamp(struct scene *s, struct talk *t, struct event *e)
{
  struct segment g = talk_segment(t);
  g.payload_len = 8;
  g.opt.has_timestamps = true;
  g.opt.tsval = 1;
  if (!t->o.options && !t->fin_sent) talk_mark(t, talk_next(t), 8);
  return frame(s, t, e, g);
}

static bool e_write(struct scene *s, struct talk *t, struct event *e)
{
  (void)s;
  if (t->closed || t->aborted || t->let_go) return false;
  talk_write(t, e, 10);
  return true;
}

static bool e_write_more(struct scene *s, struct talk *t, struct event *e)
{
  (void)s;
  if (t->closed || t->aborted || t->let_go) return false;
  talk_write(t, e, 4 * TALK_MSS + 5);
  return true;
}

static bool command(struct talk *t, struct event *e, enum host_cmd_e what)
{
  *e = (struct event){.port = BY_COMMAND, .flow = t->flow, .command = what, .tuning = {.nagle_off = true}};
  return !t->let_go;
}

static bool e_consume(struct scene *s, struct talk *t, struct event *e)
{
  unsigned n = (unsigned)seq_diff(t->now.rx_ready, t->o.rcv) - t->asked;
  (void)s;
  if (!command(t, e, CMD_CONSUME) || !n) return false;
  e->amount = (n + 1) / 2;
  t->asked += e->amount;
  return true;
}

static bool e_close(struct scene *s, struct talk *t, struct event *e)
{
  (void)s;
  if (!command(t, e, CMD_CLOSE) || t->closed || t->aborted) return false;
  return t->closed = true;
}

static bool e_abort(struct scene *s, struct talk *t, struct event *e)
{
  (void)s;
  if (!command(t, e, CMD_ABORT) || t->aborted) return false;
  return t->aborted = true;
}

static bool e_release(struct scene *s, struct talk *t, struct event *e)
{
  (void)s;
  if (!command(t, e, CMD_RELEASE)) return false;
  return t->let_go = true;
}

// Nagle off, no pacing, no user timeout.
static bool e_tune(struct scene *s, struct talk *t, struct event *e)
{
  (void)s;
  return command(t, e, CMD_TUNE) && !t->aborted;
}

// And a path that takes shorter segments.
static bool e_shorter(struct scene *s, struct talk *t, struct event *e)
{
  bool can = e_tune(s, t, e);
  e->tuning.mss = TALK_MSS * 5 / 8;
  return can;
}

static bool jump(struct talk *t, struct event *e, uint64_t us)
{
  *e = (struct event){.port = BY_TIME, .flow = t->flow, .us = us};
  return true;
}

static bool e_tick(struct scene *s, struct talk *t, struct event *e) { (void)s; return jump(t, e, TICK_US); }
static bool e_delayed_ack(struct scene *s, struct talk *t, struct event *e) { (void)s; return jump(t, e, NIC_DELACK_US); }
static bool e_timeout(struct scene *s, struct talk *t, struct event *e) { (void)s; return jump(t, e, NIC_RTO_FIRST_US); }

const struct kind kinds[] = {
    {"data", e_data, "segment in order", TALK_WHOLE},
    {"behind-gap", e_behind_gap, "segment behind a gap", TALK_WHOLE},
    {"twice", e_twice, "segment that came before", TALK_WHOLE},
    {"overlap", e_overlap, "segment that overlaps what came, and closes the gap", TALK_WHOLE},
    {"fin", e_fin, "FIN behind all that the peer has sent", TALK_WHOLE},
    {"ack", e_ack, "ACK of a segment more", TALK_WHOLE},
    {"ack-all", e_ack_all, "ACK of all that was sent", TALK_WHOLE},
    {"ack-again", e_ack_again, "duplicate ACK", TALK_WHOLE},
    {"sack", e_sack, "duplicate ACK with a SACK block", TALK_WHOLE},
    {"sack-3", e_sack_3, "duplicate ACK with three", TALK_WHOLE},
    {"dsack", e_dsack, "duplicate ACK with a D-SACK and a SACK block", TALK_WHOLE},
    {"open-window", e_open_window, "the peer's window opens", TALK_WHOLE},
    {"shut-window", e_shut_window, "the peer's window closes", TALK_WHOLE},
    {"probe", e_probe, "the peer's window probe, or keep-alive", TALK_WHOLE},
    {"rst", e_rst, "RST at RCV.NXT", TALK_RESET},
    {"rst-near", e_rst_near, "RST in the window (RFC 5961)", TALK_WHOLE},
    {"syn", e_syn, "SYN in the window", TALK_WHOLE},
    {"ack-unsent", e_ack_unsent, "ACK of what was never sent", TALK_WHOLE},
    {"old-stamp", e_old_stamp, "segment with an old time stamp (PAWS)", TALK_WHOLE},
    {"write", e_write, "the host writes less than a segment", TALK_WHOLE},
    {"write-more", e_write_more, "the host writes five segments", TALK_WHOLE},
    {"consume", e_consume, "the host reads half of what is there", TALK_WHOLE},
    {"close", e_close, "the host closes", TALK_WHOLE},
    {"abort", e_abort, "the host aborts", TALK_ABORTED},
    {"release", e_release, "the host lets go", TALK_RELEASED},
    {"tune", e_tune, "Nagle, pacing and user timeout off", TALK_WHOLE},
    {"shorter", e_shorter, "a shorter path: what is out goes again, cut anew", TALK_WHOLE},
    {"tick", e_tick, "1.024 ms pass: pacing is due", TALK_WHOLE},
    {"delayed-ack", e_delayed_ack, "40 ms pass: a delayed ACK is due", TALK_WHOLE},
    {"timeout", e_timeout, "1 s passes: retransmission, probe or giving up is due", TALK_TIMED_OUT},
};
const unsigned n_kinds = sizeof kinds / sizeof *kinds;

// --- states: all begin with 8 octets received, told to the host and not acknowledged ---------------------------------------

static bool does(struct scene *s, struct talk *t, make_event *make)
{
  struct event e = {0};
  if (make(s, t, &e)) event_put(s, &e);
  return scene_rest(s);
}

static bool s_idle(struct scene *s, struct talk *t) { return does(s, t, e_data); }
static bool s_flight(struct scene *s, struct talk *t) { return does(s, t, e_data) && does(s, t, e_write_more) && does(s, t, e_data); }

static bool s_recovery(struct scene *s, struct talk *t)
{
  bool ok = does(s, t, e_data) && does(s, t, e_write_more) && does(s, t, e_write_more) && does(s, t, e_tick) && does(s, t, e_ack)
            && does(s, t, e_behind_gap);
  for (int i = 0; i < 4 && ok; i++) ok = does(s, t, e_sack_3);
  return ok;
}

static bool s_shut(struct scene *s, struct talk *t) { return does(s, t, e_data) && does(s, t, e_shut_window) && does(s, t, e_write_more); }
static bool s_closing(struct scene *s, struct talk *t) { return does(s, t, e_data) && does(s, t, e_write_more) && does(s, t, e_close); }
static bool s_closed_by_peer(struct scene *s, struct talk *t) { return does(s, t, e_data) && does(s, t, e_write) && does(s, t, e_fin); }
static bool s_late(struct scene *s, struct talk *t) { return s_flight(s, t) && does(s, t, e_timeout); }

static bool s_paced(struct scene *s, struct talk *t)
{
  struct event e = {.port = BY_COMMAND, .flow = t->flow, .command = CMD_TUNE, .tuning = {.pace_rate = TALK_MSS, .pace_burst = TALK_MSS}};
  event_put(s, &e);
  return scene_rest(s) && s_flight(s, t);
}

const struct state states[] = {
    {"idle", s_idle, "nothing is out, an ACK is delayed", 0, false},
    {"flight", s_flight, "five segments are out, an ACK is delayed", 0, true},
    {"recovery", s_recovery, "ten segments are out, of which some are lost; what was received has a gap", 0, false},
    {"shut", s_shut, "the peer's window is closed, five segments wait", 0, false},
    {"closing", s_closing, "data and FIN are out", 0, false},
    {"closed-by-peer", s_closed_by_peer, "the peer's FIN was taken, data is out", 0, false},
    {"late", s_late, "the timer has run out once; the next time the flow is given up", USER_TIMEOUT_MS, false},
    {"paced", s_paced, "the segments that are to go wait for tokens", 0, false},
};
const unsigned n_states = sizeof states / sizeof *states;
