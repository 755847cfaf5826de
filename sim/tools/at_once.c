// SPDX-License-Identifier: Apache-2.0
#include "tools/at_once.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  BUSY = 0,                    // the flow with the traffic; what is due on it depends on what it is at
  OCTETS = 8,                  // that each flow sends and receives, each time
  DUPLICATES = 3,              // ACKs that each flow comes to owe: as many as ack_bits counts
  FRAME_EVERY = 2, AHEAD = 256,   // of the traffic: cycles, and octets that are not acknowledged
  CYCLES_MORE = 2, CYCLES_ONCE = 100,   // allowed: for each flow beside the beats of its frame, and once
  REST_CYCLES = 1000000,
};

struct flow {
  struct seq snd, rcv;         // where the streams begin
  unsigned sent, taken;        // octets of the peer's; of these acknowledged by the NIC
  unsigned heard, freed;       // octets of the NIC's
  unsigned acks, again;        // frames since the timers were due: without data, with what had been sent before
};

struct desk {
  struct nic *nic;
  struct engine *engine;
  uint64_t now_us;
  unsigned flows, written;     // octets on the busy flow
  unsigned asked, given;       // likewise
  struct flow *f;
  char *line;
  bool bad;
};

static bool bad(struct desk *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool bad(struct desk *d, const char *fmt, ...)
{
  va_list ap;
  if (d->bad) return false;
  d->bad = true;
  va_start(ap, fmt);
  vsnprintf(d->line, AT_ONCE_LINE, fmt, ap);
  va_end(ap);
  return false;
}

// --- what came out ---------------------------------------------------------------------------------------------------

static void hears(struct desk *d, unsigned flow, const struct segment *s)
{
  struct flow *f = &d->f[flow];
  unsigned at = (unsigned)seq_diff(s->seq, f->snd), taken = (unsigned)seq_diff(s->ack, f->rcv);
  if (taken > f->sent || taken < f->taken) bad(d, "flow %u acknowledges %u octets of %u", flow, taken, f->sent);
  f->taken = taken;
  f->acks += !s->payload_len;
  f->again += s->payload_len && at < f->heard;
  if (at == f->heard) f->heard += (unsigned)s->payload_len;
}

static void listen(struct desk *d)
{
  unsigned flow;
  struct segment s;
  struct slow_item item;
  struct engine_event ev;
  uint16_t id;
  const uint8_t *data;
  size_t len;
  while (hand_hear(d->nic, &flow, &s)) {
    if (flow < d->flows) hears(d, flow, &s);
    else bad(d, "a frame that is nobody's");
  }
  while (d->nic->base.ops->next_slow(&d->nic->base, &item))
    if (!item.fence || !item.ok) bad(d, "a frame came by the slow path, or a flow did not open");
  while (d->engine->ops->next_event(d->engine, &ev)) {
    d->f[ev.flow].freed = (unsigned)seq_diff(ev.tx_freed, d->f[ev.flow].snd);
    unsigned ready = (unsigned)seq_diff(ev.rx_ready, d->f[ev.flow].rcv);
    if (ev.flow != BUSY || ready == d->asked) continue;
    d->engine->ops->consume(d->engine, BUSY, ready - d->asked);
    d->asked = ready;
  }
  while (d->engine->ops->next_payload(d->engine, &id, &data, &len)) d->given += (unsigned)len;
}

static bool good(struct desk *d)
{
  struct check *k = hand_failed(d->nic);
  if (k) check_report(k, stderr, NULL);
  return !d->bad && (!k || bad(d, "the checker has found a difference"));
}

static bool rest(struct desk *d)
{
  unsigned budget = REST_CYCLES;
  while (budget && hand_run(d->nic, d->now_us, &budget)) listen(d);
  listen(d);
  return good(d) && (budget || bad(d, "the NIC does not come to rest in %u cycles", (unsigned)REST_CYCLES));
}

// --- what goes in ----------------------------------------------------------------------------------------------------

// at: so many octets into the peer's stream.
static void say_at(struct desk *d, unsigned flow, unsigned at, unsigned len, bool acks)
{
  static const uint8_t zero[OCTETS];
  uint8_t frame[HAND_FRAME];
  const struct flow *f = &d->f[flow];
  const struct segment s = {.seq = seq_add(f->rcv, at), .ack = seq_add(f->snd, acks ? f->heard : f->freed), .flags = TCP_ACK,
                            .window = UINT16_MAX, .payload = zero, .payload_len = len};
  hand_input(d->nic, frame, hand_frame(frame, flow, &s));
}

static void say(struct desk *d, unsigned flow, unsigned len, bool acks)
{
  say_at(d, flow, d->f[flow].sent, len, acks);
  d->f[flow].sent += len;
}

static void write(struct desk *d, unsigned flow)
{
  static const uint8_t zero[OCTETS];
  d->engine->ops->payload(d->engine, (uint16_t)flow, zero, OCTETS);
}

static bool open_all(struct desk *d)
{
  for (unsigned i = 0; i < d->flows; i++) {
    struct flow *f = &d->f[i];
    *f = (struct flow){.snd = seq_of((i & 1 ? 1u << 31 : 0) - 4), .rcv = seq_of((i & 2 ? 1u << 31 : 0) - 4)};
    hand_open(d->nic, &(struct flow_open){.flow = (uint16_t)i, .snd_nxt = f->snd, .rcv_nxt = f->rcv, .snd_wnd = UINT16_MAX, .mss = OCTETS,
                                          .rcv_mss = OCTETS});
  }
  return rest(d);
}

// A segment of each flow is out, and each has received one that it has not acknowledged: all at one time.
static bool arm(struct desk *d)
{
  for (unsigned i = 1; i < d->flows; i++) write(d, i);
  if (!rest(d)) return false;
  for (unsigned i = 1; i < d->flows; i++) {
    d->f[i].acks = d->f[i].again = 0;
    say(d, i, OCTETS, false);
    if (!rest(d)) return false;
  }
  for (unsigned i = 1; i < d->flows; i++)
    if (d->f[i].acks || d->f[i].again || d->f[i].freed == d->f[i].heard) return bad(d, "flow %u's timers do not run", i);
  return true;
}

// What congestion control has held back leaves as the peer acknowledges.
static bool end_traffic(struct desk *d)
{
  for (unsigned left = d->written / OCTETS; left && d->f[BUSY].heard != d->written; left--) {
    say(d, BUSY, 0, true);
    if (!rest(d)) return false;
  }
  return d->f[BUSY].heard == d->written || bad(d, "of the traffic %u octets of %u went out", d->f[BUSY].heard, d->written);
}

static bool acknowledge(struct desk *d)
{
  if (!end_traffic(d)) return false;
  for (unsigned i = 0; i < d->flows; i++) {
    say(d, i, 0, true);
    if (!rest(d)) return false;
  }
  for (unsigned i = 0; i < d->flows; i++)
    if (d->f[i].freed != d->f[i].heard) return bad(d, "flow %u: the host was told of %u octets of %u acknowledged", i, d->f[i].freed, d->f[i].heard);
  return true;
}

static void traffic(struct desk *d, uint64_t cycle)
{
  struct flow *f = &d->f[BUSY];
  if (cycle % FRAME_EVERY == 0 && f->sent - f->taken < AHEAD) say(d, BUSY, OCTETS, true);
  if (d->written - f->freed >= AHEAD) return;
  write(d, BUSY);
  d->written += OCTETS;
}

// --- due -------------------------------------------------------------------------------------------------------------

static bool done(const struct desk *d, unsigned acks, unsigned again)
{
  for (unsigned i = 1; i < d->flows; i++)
    if (d->f[i].acks < acks || d->f[i].again < again) return false;
  return true;
}

static unsigned limit(const struct desk *d, unsigned frames)
{
  unsigned beat = d->nic->port.beat_bytes, beats = (HAND_HEADERS + OCTETS + beat - 1) / beat;
  return d->flows * frames * (beats + CYCLES_MORE) + CYCLES_ONCE;
}

// *cycles: from when all were due to the last flow's frame.
static bool due(struct desk *d, uint64_t us, unsigned acks, unsigned again, unsigned *cycles)
{
  unsigned one, given = d->given, heard = d->f[BUSY].heard;
  for (unsigned i = 1; i < d->flows; i++) d->f[i].acks = d->f[i].again = 0;
  d->now_us += us;
  for (*cycles = 0; !done(d, acks, again); ++*cycles) {
    if (*cycles == limit(d, acks + again)) return bad(d, "not every flow has answered within %u cycles", *cycles);
    traffic(d, *cycles);
    hand_run(d->nic, d->now_us, (one = 1, &one));
    listen(d);
    if (!good(d)) return false;
  }
  if (!rest(d)) return false;
  if (d->given == given || d->given != d->f[BUSY].sent || d->f[BUSY].heard == heard)
    return bad(d, "of the traffic %u octets of %u came in, %u of %u went out", d->given, d->f[BUSY].sent, d->f[BUSY].heard, d->written);
  return true;
}

// Both are due: what is sent again carries the ACK, unless that left just before.
static bool once(struct desk *d, unsigned acks_least, unsigned acks_most, unsigned again)
{
  for (unsigned i = 1; i < d->flows; i++) {
    const struct flow *f = &d->f[i];
    if (f->acks < acks_least || f->acks > acks_most || f->again != again)
      return bad(d, "flow %u has sent %u ACKs and %u segments again", i, f->acks, f->again);
    if (f->taken != f->sent) return bad(d, "flow %u has acknowledged %u octets of %u", i, f->taken, f->sent);
  }
  return true;
}

// Segments behind a gap on every flow, as fast as they come in: each has an ACK of its own, also where the flow owes one already (a peer
// without SACK counts them, RFC 5681 section 3.2). Then the gap is filled.
static bool duplicates(struct desk *d, unsigned *cycles)
{
  for (unsigned i = 1; i < d->flows; i++)
    for (unsigned n = 1; n <= DUPLICATES; n++) say_at(d, i, d->f[i].sent + n * OCTETS, OCTETS, true);
  if (!due(d, 0, DUPLICATES, 0, cycles) || !once(d, DUPLICATES, DUPLICATES, 0)) return false;
  for (unsigned i = 1; i < d->flows; i++) {
    d->f[i].acks = 0;
    say(d, i, OCTETS, true);
    d->f[i].sent += DUPLICATES * OCTETS;
  }
  return rest(d) && once(d, 1, 1, 0) && acknowledge(d);
}

bool at_once(struct nic *n, uint64_t now_us, char line[static AT_ONCE_LINE])
{
  unsigned flows = nic_build().num_flows, acks = 0, again = 0, both = 0, owed = 0;
  struct desk d = {.nic = n, .engine = n->base.engine, .now_us = now_us, .flows = flows, .f = calloc(flows, sizeof(struct flow)), .line = line};
  bool ok = (d.f || bad(&d, "out of memory")) && open_all(&d)
            && arm(&d) && due(&d, NIC_DELACK_US, 1, 0, &acks) && once(&d, 1, 1, 0)
            && due(&d, NIC_RTO_FIRST_US - NIC_DELACK_US, 0, 1, &again) && once(&d, 0, 0, 1) && acknowledge(&d)
            && arm(&d) && due(&d, NIC_RTO_MAX_US, 0, 1, &both) && once(&d, 0, 1, 1) && acknowledge(&d)
            && duplicates(&d, &owed);
  if (ok) snprintf(line, AT_ONCE_LINE, "%u flows: delayed ACKs in %u cycles, retransmissions in %u, both in %u; %u duplicate ACKs each in %u", flows, acks, again,
                   both, DUPLICATES, owed);
  free(d.f);
  return ok;
}
