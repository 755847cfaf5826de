// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_priv.h"

// RFC 9293 section 3.4: what is new begins where the last ended, and nothing is older than the ISN.
static void judge_sequence(const struct look *l)
{
  const struct half *x = l->x;
  bool ahead = seq_lt(x->max, l->s->seq);
  if (near(l)) judge(l, MONITOR_SEQUENCE, !ahead, "a sequence number of at most", x->max.v, "one of", l->s->seq.v);
  if (!ahead)
    judge(l, MONITOR_SEQUENCE, flow_was_sent(x, l->s->seq), "a sequence number of the connection, whose ISN is", x->mine.isn.v, "one of",
          l->s->seq.v);
}

// RFC 9293 section 3.7.1: payload and TCP options together stay within the MSS that the peer named, or 536. Who names less than 48 may be
// sent 48: else a stranger has each octet cost a segment, and with time stamps there is room for none (Linux: tcp_min_snd_mss).
static void judge_mss(const struct look *l)
{
  enum { LEAST = 48 };
  const struct mseg *s = l->s;
  uint32_t most = l->y->mine.mss < LEAST && !l->m->cfg.strict ? LEAST : l->y->mine.mss;
  if (!s->payload_len || l->m->cfg.offloads) return;
  judge(l, MONITOR_MSS, s->payload_len + s->options_len <= most, "payload and options of at most", most, "together", s->payload_len + s->options_len);
}

// RFC 9293 section 3.8.6: nothing beyond the highest edge ever offered, but for one octet that probes a window that closed
// just there (3.8.6.1). What a header in pieces offered is not known.
static void judge_window(const struct look *l)
{
  const struct half *y = l->y;
  struct seq end = mseg_end(l->s);
  if (l->s->flags & MSEG_SYN || !mseg_len(l->s)) return;
  bool probe = y->closed && seq_eq(y->closed_at, y->edge) && seq_eq(l->s->seq, y->edge) && mseg_len(l->s) == 1;
  judge(l, MONITOR_WINDOW, seq_leq(end, y->edge) || probe || l->x->beheaded, "nothing beyond", y->edge.v, "a segment up to", end.v);
}

// RFC 9293 section 3.10.2: data waits for the acknowledgment of the SYN (but see RFC 7413).
static void judge_early(const struct look *l)
{
  const struct half *x = l->x;
  if (!l->s->payload_len || l->s->flags & MSEG_SYN || l->f->fast_open) return;
  judge(l, MONITOR_HANDSHAKE, x->answered, "data only after its SYN was acknowledged, by at least", x->mine.isn.v + 1,
        "data at", l->s->seq.v);
}

// A FIN has one place, and nothing comes behind it (RFC 9293 section 3.6). What is acknowledged no longer counts: a keep-alive
// may carry any octet there (3.8.4).
static void judge_fin(const struct look *l)
{
  const struct half *x = l->x;
  struct seq end = mseg_data_end(l->s);
  bool fin = l->s->flags & MSEG_FIN;
  if (!mseg_len(l->s) || seq_leq(mseg_end(l->s), x->una)) return;
  if (x->has_fin)
    judge(l, MONITOR_FIN, fin ? seq_eq(end, x->fin) : seq_leq(end, x->fin), fin ? "its FIN again at" : "no data behind its FIN at",
          x->fin.v, fin ? "one at" : "data up to", end.v);
  else if (fin)
    judge(l, MONITOR_FIN, !x->has_data || seq_leq(x->data, end), "its FIN behind all that it sent, at least at", x->data.v, "one at", end.v);
}

// RFC 9293 section 3.8.1 speaks of one stream of octets: a sequence number has one octet, however often it is sent.
static void judge_bytes(const struct look *l)
{
  const struct mseg *s = l->s;
  struct monitor_counts *c = &l->m->counts;
  struct seq from = mseg_data(s), end = mseg_data_end(s);
  if (l->x->seen) from = seq_max(from, l->x->una);
  if (!seq_lt(from, end)) return;
  struct store_result r =
      store_put(l->m->store, &l->x->stored, from, s->payload + seq_diff(from, mseg_data(s)), (uint32_t)seq_diff(end, from));
  c->compared_bytes += r.compared;
  c->unstored_bytes += r.unstored;
  if (r.compared) judge(l, MONITOR_BYTES, !r.differs, "the octets that it sent there before, first", r.was, "another first", r.is);
}

void stream_judge(const struct look *l)
{
  if (open_flow(l)) {
    judge_sequence(l);
    judge_mss(l);
    judge_window(l);
    judge_early(l);
  }
  if (l->x->seen) judge_fin(l);
  judge_bytes(l);
}

void stream_feed(const struct look *l)
{
  struct half *x = l->x;
  struct seq end = mseg_end(l->s);
  if (!x->seen) {
    x->max = end;
    x->una = l->s->seq;
  }
  if (seq_lt(x->max, end) && !(l->s->flags & MSEG_SYN)) x->active = true;
  x->max = seq_max(x->max, end);
  if (l->s->payload_len) x->data = x->has_data ? seq_max(x->data, mseg_data_end(l->s)) : mseg_data_end(l->s);
  x->has_data |= l->s->payload_len > 0;
  if (x->max.v - x->mine.isn.v >= REACH) x->reached = true;
  if (l->s->flags & MSEG_FIN && !x->has_fin) {
    x->has_fin = true;
    x->fin = mseg_data_end(l->s);
  }
  if (open_flow(l)) arrived_add(&l->y->in, l->s->seq, end);
}
