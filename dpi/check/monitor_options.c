// SPDX-License-Identifier: Apache-2.0
#include "check/monitor_priv.h"

enum { SHIFT_MAX = 14 };

// --- time stamps -----------------------------------------------------------------------------------------------------

static bool later(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

static void stamps_add(struct stamps *t, uint32_t v)
{
  if (t->n && v == t->last) return;
  uint32_t *place = &t->v[t->n % TS_KEPT];
  if (t->n >= TS_KEPT) {
    if (!t->gone || later(*place, t->highest_gone)) t->highest_gone = *place;
    t->gone = true;
  }
  if (!t->n) t->first = v;
  *place = t->last = v;
  t->n++;
}

void stamps_begin(struct stamps *t, const struct syn *mine)
{
  *t = (struct stamps){0};
  if (!mine->ts) return;
  stamps_add(t, mine->ts_first);
  stamps_add(t, mine->ts_last);
  t->gone = mine->count > 2;
  t->highest_gone = mine->ts_last;
}

static bool stamps_have(const struct stamps *t, uint32_t v)
{
  for (uint32_t i = 0; i < t->n && i < TS_KEPT; i++)
    if (t->v[i] == v) return true;
  return t->gone && !later(t->first, v) && !later(v, t->highest_gone);
}

// RFC 7323: on every segment but a RST once agreed (3.2); the clock does not go back (4.1); the echo is of a stamp that
// came, and zero where there is no ACK (3.2).
static void judge_timestamps(const struct look *l)
{
  const struct mseg *s = l->s;
  if (s->flags & MSEG_RST) return;
  if (!(s->flags & MSEG_SYN) && (open_flow(l) ? l->f->ts : l->x->ts))
    judge_text(l, MONITOR_TS_PRESENT, s->has_ts, "time stamps on every segment", "one without");
  if (!s->has_ts) return;
  if (near(l) && l->x->stamps.n)
    judge(l, MONITOR_TS_VALUE, !later(l->x->stamps.last, s->tsval), "a TSval of at least", l->x->stamps.last, "TSval", s->tsval);
  if (!(s->flags & MSEG_ACK) && l->m->cfg.strict)
    judge(l, MONITOR_TS_ECHO, s->tsecr == 0, "without ACK a TSecr of", 0, "TSecr", s->tsecr);
  if (s->flags & MSEG_ACK && open_flow(l) && l->f->ts)
    judge(l, MONITOR_TS_ECHO, l->x->beheaded || stamps_have(&l->y->stamps, s->tsecr), "a TSval that came, the last of them", l->y->stamps.last, "TSecr",
          s->tsecr);
}

// --- what was agreed -------------------------------------------------------------------------------------------------

static void judge_syn(const struct look *l)
{
  const struct mseg *s = l->s;
  if (s->has_scale)
    judge(l, MONITOR_WINDOW_SCALE, s->scale <= SHIFT_MAX, "a window scale of at most", SHIFT_MAX, "a scale of", s->scale);
}

// The first kind that stands in neither SYN; 0 when there is none.
static uint8_t unasked_kind(const struct look *l)
{
  static const uint8_t known[] = {MSEG_OPT_SACK, MSEG_OPT_TIMESTAMPS, MSEG_OPT_USER_TIMEOUT};   // judged by themselves, or free
  struct mseg_kinds k = l->s->kinds;
  for (unsigned i = 0; i < 4; i++) k.bits[i] &= ~(l->x->mine.kinds.bits[i] | l->y->mine.kinds.bits[i]);
  for (unsigned i = 0; i < sizeof known; i++) k.bits[0] &= ~(UINT64_C(1) << known[i]);
  for (unsigned kind = 2; kind < 256; kind++)
    if (mseg_has(&k, (uint8_t)kind)) return (uint8_t)kind;
  return 0;
}

static void judge_agreed(const struct look *l)
{
  const struct flow *f = l->f;
  const struct mseg *s = l->s;
  uint8_t unasked = unasked_kind(l);
  if (s->n_sack) judge_text(l, MONITOR_OPTION_AGREED, f->sack, "SACK only when both SYNs permit it", "a SACK option");
  if (s->has_ts) judge_text(l, MONITOR_OPTION_AGREED, f->ts, "time stamps only when both SYNs have them", "time stamps");
  judge(l, MONITOR_OPTION_AGREED, !unasked, "options beyond those of RFC 9293, 7323 and 2018 only when a SYN has them; kind", 0, "kind", unasked);
  uint32_t ecn = s->flags & (MSEG_ECE | MSEG_CWR | MSEG_AE);
  judge(l, MONITOR_ECN, !ecn || f->ecn, "no ECN flags where they were not agreed; flags", 0, "flags", ecn);
}

static bool has_syn_option(const struct mseg *s)
{
  return mseg_has(&s->kinds, MSEG_OPT_MSS) || mseg_has(&s->kinds, MSEG_OPT_SCALE) || mseg_has(&s->kinds, MSEG_OPT_SACK_PERMITTED);
}

void options_judge(const struct look *l)
{
  const struct mseg *s = l->s;
  const char *wrong = s->options_wrong;
  judge_text(l, MONITOR_OPTION_FORM, !wrong, "well-formed options", wrong);
  if (wrong) return;
  if (s->flags & MSEG_SYN) {
    judge_syn(l);
  } else {
    judge_text(l, MONITOR_OPTION_PLACE, !has_syn_option(s), "MSS, window scale and SACK-permitted on SYNs only", "one of them elsewhere");
    if (open_flow(l)) judge_agreed(l);
  }
  judge_timestamps(l);
}

void options_feed(const struct look *l)
{
  if (!l->s->has_ts || l->s->flags & MSEG_RST) return;
  stamps_add(&l->x->stamps, l->s->tsval);
  if (!(l->s->flags & MSEG_SYN)) l->x->ts = true;
}
