// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/text.h"
#include "check/monitor.h"
#include "endpoint.h"
#include "load.h"
#include "recording.h"
#include "run.h"
#include "stranger.h"
#include "tcp/ref.h"

enum {
  FLOWS = 32,
  PAIR_BYTES = 4 << 20,              // in each direction of the pair wire
  STEPS_PER_TURN = 100000,           // of a carrier: as good as without end
  TURNS_PER_INSTANT = 100000,        // more without the clock moving on: it goes round in circles
  FRAMES_MOST = 2000000,             // of both hosts; more, and they only answer each other
};
// How long nothing may arrive: keep-alive probes begin after 2 h of silence. A slow connection (small segments, losses, neither SACK nor time
// stamps: each loss costs up to 60 s, RFC 6298 section 5) may take longer in all, but not for ever.
static const uint64_t STILL_US = 4ull * 3600 * 1000000, LIMIT_US = 24ull * 3600 * 1000000;

struct host {
  struct world *world;
  unsigned i;                        // 0 or 1
  struct endpoint e;
  struct ref *ref;                   // NULL: it is the simulated NIC
  struct monitor *monitor;           // judges what this host sends, by the frames alone
  struct wire *wire;
  struct stack_config cfg;
  struct ref_config ref_cfg;
  unsigned pause_most, rest_most;    // nic_options
};

struct world {
  struct rng rng;
  const struct pair_nic *nic;
  bool hard;
  struct recording *recording;       // NULL: none
  char command[64];
  struct host h[2];
  struct load load;
  struct wire *fault;                // around host 0's end: rx is host 1 -> host 0
  struct wire_fault_opts fault_opts;
  struct wire *stranger;             // around that
  struct stranger_opts stranger_opts;
  struct wire_record_note note;
  const uint64_t *cycles;            // of the NIC, NULL for none: frames are counted then
  uint64_t moved_us, moved_bytes;    // when bytes were last read, and how many in all
  uint64_t start_us, now_us, cut_us, hash;   // cut_us: the cable's end; UINT64_MAX: never
  uint64_t grain_us;                 // of the clock
  unsigned instant_turns;            // since the clock last moved
  unsigned wraps;                    // the host whose ISNs lie near 2^32, if they are near
  struct pair_result *result;
  uint8_t frame[WIRE_FRAME_MAX];
};

static void fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct world *w, const char *fmt, ...)
{
  va_list ap;
  char *why = w->result->why;
  if (why[0]) return;
  va_start(ap, fmt);
  vsnprintf(why, PAIR_WHY, fmt, ap);
  va_end(ap);
}

static void cannot(struct world *w, const char *why)
{
  if (!w->result->why[0]) w->result->no_run = true;
  fail(w, "%s", why);
}

static bool failed(const struct world *w) { return w->result->why[0]; }

// --- what is drawn from the seed -----------------------------------------------------------------------------------------

static uint32_t below(struct world *w, uint32_t n) { return rng_below(&w->rng, n); }
static bool per_cent(struct world *w, uint32_t n) { return below(w, 100) < n; }

static unsigned draw_mtu(struct world *w)
{
  static const unsigned usual[] = {1500, 1500, 576, 9000};
  return per_cent(w, 70) ? usual[below(w, 4)] : 576 + below(w, 9000 - 576 + 1);
}

static struct core_caps draw_caps(struct world *w, uint32_t rx_ring_bytes)
{
  struct core_caps c = core_caps_full(rx_ring_bytes);
  if (w->hard || per_cent(w, 40)) return c;
  if (per_cent(w, 20)) return (struct core_caps){.rx_ring_bytes = rx_ring_bytes, .cwnd_bytes = 20000};   // the bare minimum
  c.ooo = (uint8_t)below(w, CORE_INTERVALS + 1);
  c.sack = per_cent(w, 60);
  c.timestamps = per_cent(w, 60);
  c.delayed_ack = per_cent(w, 70);
  c.recovery = per_cent(w, 80);
  c.congestion = per_cent(w, 80) ? (enum core_cc)(1 + below(w, 3)) : CORE_CC_NONE;
  c.rtt = per_cent(w, 80);
  c.silly = per_cent(w, 70);
  c.challenge_limit = per_cent(w, 80);
  c.old_acks = per_cent(w, 80);
  c.rescue = per_cent(w, 80);
  c.user_timeout = per_cent(w, 80);
  c.pacing = per_cent(w, 80);
  if (!c.congestion) c.cwnd_bytes = 10000 + below(w, 100000);
  return c;
}

static bool is_nic(const struct world *w, unsigned i) { return w->nic && i == 0; }

static void draw_host(struct world *w, struct host *h, unsigned i)
{
  const uint8_t mac[6] = {0x02, 0x4c, 0x57, 0, 0, (uint8_t)(i + 1)};
  h->cfg = (struct stack_config){.ip = 0x0a640001u + i, .prefix_len = 24, .mtu = draw_mtu(w), .seed = rng_next(&w->rng)};
  memcpy(h->cfg.mac, mac, 6);
  h->cfg.isn_near = per_cent(w, 85);   // before 2^32, and the other host's before 2^31; of ISNs the base is the lowest
  h->cfg.isn_base = (i == w->wraps ? 0 : 0x80000000u) - 65536 - below(w, per_cent(w, 70) ? 2000 : 300000);
  uint32_t rx = 4096u << below(w, 7), tx = 4096u << below(w, 7);
  h->ref_cfg = (struct ref_config){.num_flows = FLOWS, .tx_ring_bytes = tx, .rx_ring_bytes = rx, .caps = draw_caps(w, rx),
                                   .seed = rng_next(&w->rng)};
  h->ref_cfg.caps.ecn = h->ref_cfg.seed & 1;   // no draw of its own: what older seeds draw stays
  h->cfg.wscale_least = h->ref_cfg.seed >> 3 & 1 ? h->ref_cfg.seed >> 4 & 7 : 0;   // likewise
  static const uint32_t pause[] = {1, 4, 20, 80};
  h->pause_most = below(w, pause[below(w, 4)]);
  h->rest_most = h->ref_cfg.seed >> 7 & 7;   // likewise
  if (!is_nic(w, i)) return;
  struct nic_build b = w->nic->build();
  h->ref_cfg = (struct ref_config){.num_flows = (uint16_t)b.num_flows, .tx_ring_bytes = b.tx_ring_bytes, .rx_ring_bytes = b.rx_ring_bytes,
                                   .caps = b.caps, .seed = h->ref_cfg.seed};
}

static uint32_t ppb(struct world *w, uint32_t most_per_mille) { return below(w, most_per_mille + 1) * 1000000u; }

static void draw_faults(struct world *w)
{
  static const uint32_t delay[] = {1, 100, 5000, 150000};
  uint32_t harm = w->hard ? 3 : below(w, 4);   // 0: none, 3: harsh
  // An end that keeps nothing out of order, or knows no fast retransmit, would need hours of timeouts.
  for (int i = 0; i < 2; i++)
    if (harm == 3 && (!w->h[i].ref_cfg.caps.ooo || !w->h[i].ref_cfg.caps.recovery)) harm = 2;
  for (int i = 0; i < 2; i++) {
    struct wire_fault_dir *d = &w->fault_opts.dir[i];
    if (per_cent(w, 90)) d->delay_us = 1 + below(w, delay[below(w, 4)]);
    d->seed = rng_next(&w->rng);
    if (harm == 0) continue;
    d->loss_ppb = ppb(w, w->hard ? 40 : harm == 3 ? 100 : 20);
    d->dup_ppb = ppb(w, harm == 3 ? 100 : 20);
    d->reorder_ppb = ppb(w, harm == 3 ? 300 : 50);
    d->corrupt_ppb = ppb(w, harm == 3 ? 50 : 10);
  }
}

static void draw_stranger(struct world *w)
{
  static const uint32_t most[] = {1, 100, 600, 600};
  w->stranger_opts = (struct stranger_opts){.per_mille = w->hard ? 200 : below(w, most[below(w, 4)]), .strips = w->hard, .seed = rng_next(&w->rng)};
}

// The time of day matters: timestamps wrap at 2^42 us, counters of milliseconds and seconds at other places.
static uint64_t draw_start(struct world *w)
{
  static const uint64_t near[] = {1, 1ull << 32, 1ull << 42, 4294967296000u, 65536000000u, 1ull << 51};
  uint64_t at = near[below(w, 6)];
  return at > 100000000 ? at - below(w, 100000000) : at;
}

// A host that looks at its clock only now and then finds more than one thing due: timers and frames, and they race.
static uint64_t draw_grain(const struct world *w)
{
  static const uint64_t grain[] = {1, 1, 1000, 20000};
  return grain[w->h[0].ref_cfg.seed >> 1 & 3];   // no draw of its own, as ecn
}

// --- opening ---------------------------------------------------------------------------------------------------------

static int flow_of(void *user, const uint8_t *frame, size_t len)
{
  const struct world *w = user;
  return w->h[0].e.stack ? stack_flow_of(w->h[0].e.stack, frame, len) : -1;
}

// How far host 1 has sent on the connection of its frame (stranger.h).
static bool sent_to(void *user, const uint8_t *frame, size_t len, struct seq *end)
{
  struct world *w = user;
  int near = stack_flow_of(w->h[0].e.stack, frame, len), far = stack_flow_of(w->h[1].e.stack, frame, len);
  const struct snd_ctx *s = near < 0 || far < 0 ? NULL : ref_snd_ctx(w->h[1].ref, (uint16_t)far);
  if (s) *end = s->max;
  return s;
}

// record(stranger(fault(pair end))) for host 0, the bare end for host 1.
static bool open_wires(struct world *w, const struct pair_options *o, char err[static WIRE_ERR_LEN])
{
  struct wire *end[2];
  FILE *log = NULL;
  if (o->record_dir && !((w->recording = recording_open(o->record_dir, o->record_limit, err)) && (log = recording_faults(w->recording, err))))
    return false;
  if (!wire_pair_open(end, PAIR_BYTES, err)) return false;
  w->h[1].wire = end[1];
  w->h[0].wire = w->fault = wire_fault_open(end[0], &w->fault_opts, &w->now_us, log, err);
  if (!w->fault) return false;
  w->stranger_opts.sent_to = sent_to;
  w->stranger_opts.user = w;
  w->h[0].wire = w->stranger = stranger_open(w->fault, &w->stranger_opts, err);
  if (!w->stranger) w->fault = NULL;
  if (!w->stranger || !w->recording) return w->stranger;
  w->note = (struct wire_record_note){.now_us = w->now_us, .flow_of = flow_of, .user = w};
  w->h[0].wire = recording_wire(w->recording, w->stranger, 0, &w->note, err);
  if (!w->h[0].wire) w->fault = w->stranger = NULL;
  return w->h[0].wire;
}

// Every frame enters the hash with its time, its host and its direction.
static void hash_frame(struct world *w, unsigned where, const uint8_t *frame, size_t len)
{
  uint64_t x = w->hash ^ (w->now_us << 3) ^ where;
  uint8_t rest[8] = {0};
  for (; len >= 8; frame += 8, len -= 8) x = ((x << 29 | x >> 35) ^ get_le64(frame)) * 0x9e3779b97f4a7c15u;
  memcpy(rest, frame, len);
  x = ((x << 29 | x >> 35) ^ get_le64(rest) ^ (uint64_t)len << 56) * 0x9e3779b97f4a7c15u;
  w->hash = x ^ x >> 32;
  if (!w->cycles) w->note.cycle++;
}

static void serve(void *arg)
{
  const struct host *h = arg;
  load_serve(&h->world->load, h->i, h->world->now_us);
}

static void note_cycle(struct world *w)
{
  if (w->cycles) w->note.cycle = *w->cycles;
}

static void send(void *arg, const uint8_t *frame, size_t len)
{
  const struct host *h = arg;
  hash_frame(h->world, h->i * 2, frame, len);
  h->world->result->frames++;
  monitor_frame(h->monitor, MONITOR_SENT, frame, len, h->world->now_us);
  note_cycle(h->world);
  if (h->world->now_us < h->world->cut_us) wire_send(h->wire, frame, len);
}

static struct carrier *open_ref(struct host *h)
{
  h->ref = ref_open(&h->ref_cfg);
  return h->ref ? carrier_ref_open(h->ref) : NULL;
}

static struct carrier *open_nic(struct world *w, const struct host *h)
{
  struct nic_options o = {.mtu = h->cfg.mtu, .seed = h->ref_cfg.seed, .check = true, .recording = w->recording, .must_record = true,
                          .command = w->command, .pause_most = h->pause_most, .rest_most = h->rest_most};
  memcpy(o.mac, h->cfg.mac, 6);
  char err[STIM_ERR_LEN];
  struct nic *n = w->nic->open(&o, err);
  if (!n) cannot(w, err);
  else w->cycles = &n->cycles;
  return n ? &n->base : NULL;
}

static bool open_hosts(struct world *w)
{
  for (unsigned i = 0; i < 2; i++) {
    struct host *h = &w->h[i];
    h->world = w;
    h->i = i;
    h->monitor = monitor_open(&(struct monitor_config){.sent = MONITOR_NEAR, .received = MONITOR_IGNORED, .from_start = true});
    if (!h->monitor) return false;
    struct carrier *c = is_nic(w, i) ? open_nic(w, h) : open_ref(h);
    if (!endpoint_open(&h->e, &h->cfg, c, &(struct endpoint_owner){serve, send, h}, w->now_us)) return false;
  }
  return true;
}

static void open_world(struct world *w, const struct pair_options *o)
{
  char err[WIRE_ERR_LEN];
  rng_seed(&w->rng, o->seed);
  w->nic = o->nic;
  w->hard = o->hard;
  snprintf(w->command, sizeof w->command, "lockwire run --wire pair --seed %" PRIu64, o->seed);
  w->wraps = below(w, 2);
  for (unsigned i = 0; i < 2; i++) draw_host(w, &w->h[i], i);
  draw_faults(w);
  draw_stranger(w);
  if (o->fault) w->fault_opts = *o->fault;
  w->now_us = w->start_us = w->moved_us = draw_start(w);
  w->grain_us = draw_grain(w);
  w->cut_us = per_cent(w, 94) ? UINT64_MAX : w->start_us + below(w, 20000000);
  if (!open_wires(w, o, err)) {
    cannot(w, err);
  } else if (!open_hosts(w)) {
    cannot(w, "out of memory");
  } else {
    const struct wire_fault_dir *d = w->fault_opts.dir;
    unsigned flows[2] = {w->h[0].e.carrier->engine->num_flows, w->h[1].e.carrier->engine->num_flows};
    load_open(&w->load, (struct stack *[2]){w->h[0].e.stack, w->h[1].e.stack}, (uint32_t[2]){w->h[0].cfg.ip, w->h[1].cfg.ip},
              flows[0] < flows[1] ? flows[0] : flows[1], &w->rng, d[0].delay_us && d[1].delay_us, w->hard, w->now_us);
  }
}

static void close_world(struct world *w)
{
  for (int i = 0; i < 2; i++) {
    endpoint_close(&w->h[i].e);
    monitor_close(w->h[i].monitor);
    wire_close(w->h[i].wire);
  }
  if (!recording_close(w->recording)) cannot(w, "the recording could not be written in full");
}

// --- turning ---------------------------------------------------------------------------------------------------------

static bool receive(struct world *w, unsigned i)
{
  struct host *h = &w->h[i];
  bool any = false;
  note_cycle(w);
  for (int len; (len = wire_recv(h->wire, w->frame, sizeof w->frame)) > 0; any = true) {
    hash_frame(w, i * 2 + 1, w->frame, (size_t)len);
    monitor_frame(h->monitor, MONITOR_RECEIVED, w->frame, (size_t)len, w->now_us);
    endpoint_input(&h->e, w->frame, (size_t)len, w->now_us);
  }
  return any;
}

// What must hold of every flow at any time (DESIGN section 4).
static void check_flows(struct world *w, unsigned i)
{
  const struct host *h = &w->h[i];
  for (uint16_t f = 0; f < FLOWS; f++) {
    const struct snd_ctx *s = ref_snd_ctx(h->ref, f);
    const struct rcv_ctx *r = ref_rcv_ctx(h->ref, f);
    if (!s || !r) continue;
    if (!seq_leq(s->una, s->nxt) || !seq_leq(s->nxt, s->max)) fail(w, "host %u flow %u: not una <= nxt <= max", i, f);
    if (s->open && !s->gave_up && !seq_eq(s->una, s->max) && !s->rto_vld) fail(w, "host %u flow %u: data in flight and no timer", i, f);
    if (!seq_leq(r->nxt, r->wnd_end)) fail(w, "host %u flow %u: RCV.NXT beyond the window", i, f);
  }
}

static FILE *open_report(struct world *w) { return fmemopen(w->result->report, PAIR_REPORT, "w"); }

// The wire monitor's verdict on what host i sent.
static void check_frames(struct world *w, unsigned i)
{
  const struct monitor_violation *v = monitor_verdict(w->h[i].monitor);
  if (!v || failed(w)) return;
  fail(w, "the wire monitor found host %u wrong: %s", i, monitor_rule_name(v->rule));
  FILE *f = open_report(w);
  if (!f) return;
  monitor_print(f, v);
  fputc('\n', f);
  fclose(f);
}

static void check_nic(struct world *w, unsigned i)
{
  struct carrier *c = w->h[i].e.carrier;
  struct check *k = c->ops->failed(c);
  if (!k || failed(w)) return;
  struct pair_result *r = w->result;
  const struct check_counts *n = check_counts(k);
  fail(w, "the checker found a difference");
  snprintf(r->rule, sizeof r->rule, "%s", check_failed_rule(k));
  r->rule_cycle = check_failed_cycle(k);
  r->rule_steps = n->rcv + n->snd + n->samples;
  FILE *f = open_report(w);
  if (!f) return;
  check_report(k, f, NULL);
  fclose(f);
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t next_time(const struct world *w)
{
  uint64_t at = load_deadline(&w->load);
  for (int i = 0; i < 2; i++) {
    const struct host *h = &w->h[i];
    at = least(at, least(endpoint_deadline(&h->e), wire_deadline(h->wire)));
  }
  return at;
}

static bool host_idle(const struct host *h)
{
  const struct stack *s = h->e.stack;
  return !stack_stat(s, ST_CONN_NOW) && !stack_stat(s, ST_TIME_WAIT_NOW)
         && stack_stat(s, ST_FLOWS_OPENED) == stack_stat(s, ST_FLOWS_CLOSED);
}

// Nothing moves: the clock goes on. False when all is over.
static bool advance(struct world *w)
{
  char state[LOAD_WHY];
  bool over = load_over(&w->load);
  if (over) load_close(&w->load);
  if (over && host_idle(&w->h[0]) && host_idle(&w->h[1]) && wire_deadline(w->h[0].wire) == UINT64_MAX) return false;
  uint64_t at = next_time(w);
  if (at == UINT64_MAX) {
    fail(w, "stuck, nothing is due:%s%s", load_state(&w->load, state), over ? " connections are left in the stack" : "");
    return false;
  }
  if (at <= w->now_us) return true;
  at += w->grain_us - 1 - (at - w->start_us - 1) % w->grain_us;
  w->instant_turns = 0;
  w->now_us = w->note.now_us = at;
  if (w->load.bytes != w->moved_bytes) {
    w->moved_bytes = w->load.bytes;
    w->moved_us = at;
  }
  if (at - w->start_us > LIMIT_US) fail(w, "not over after %" PRIu64 " s of virtual time:%s", LIMIT_US / 1000000, load_state(&w->load, state));
  if (at - w->moved_us > STILL_US) fail(w, "nothing arrives for %" PRIu64 " s of virtual time:%s", STILL_US / 1000000, load_state(&w->load, state));
  return true;
}

// One turn of both hosts at this instant. True when a frame moved.
static bool turn(struct world *w)
{
  uint64_t sent = w->result->frames;
  bool moved = false;
  for (unsigned i = 0; i < 2; i++) {
    moved |= receive(w, i);
    endpoint_poke(&w->h[i].e);         // the programs have plans of their own
    endpoint_turn(&w->h[i].e, w->now_us, STEPS_PER_TURN);
    const char *broken = w->h[i].e.carrier->ops->broken(w->h[i].e.carrier);
    if (broken) cannot(w, broken);
    if (w->h[i].ref) check_flows(w, i);
    else check_nic(w, i);
    check_frames(w, i);
  }
  if (w->now_us >= w->cut_us && !w->load.cut) load_cut(&w->load, w->now_us);
  if (w->load.why[0]) fail(w, "%s", w->load.why);
  if (w->result->frames > FRAMES_MOST) fail(w, "more than %d frames:%s", FRAMES_MOST, load_state(&w->load, (char[LOAD_WHY]){0}));
  if (++w->instant_turns > TURNS_PER_INSTANT) fail(w, "%d turns without the clock moving on", TURNS_PER_INSTANT);
  return moved || sent != w->result->frames;
}

static void figures(struct world *w)
{
  struct pair_result *r = w->result;
  r->hash = w->hash;
  r->bytes = w->load.bytes;
  r->virtual_us = w->now_us - w->start_us;
  r->conns = w->load.n;
  r->aborted = w->load.aborted;
  r->retried = w->load.retried;
  if (w->stranger) r->forged = stranger_count(w->stranger);
  for (int i = 0; i < 2; i++) {
    struct carrier *c = w->h[i].e.carrier;
    if (c) {
      struct carrier_figures f = c->ops->figures(c);
      r->retransmissions += f.retransmissions;
      r->timeouts += f.timeouts;
    }
    if (!w->fault) continue;
    const struct wire_fault_stats *s = wire_fault_stats(w->fault, (enum wire_fault_way)i);
    r->lost += s->lost;
    r->duplicated += s->duplicated;
    r->reordered += s->reordered;
    r->corrupted += s->corrupted;
  }
}

static size_t describe_host(const struct host *h, unsigned i, char *out, size_t cap)
{
  const struct core_caps *c = &h->ref_cfg.caps;
  int n = snprintf(out, cap, "  host %u%s: mtu %u, rings %u in, %u out, shift %u or more, isn %s%#x,%s%s%s%s%s%s%s%s intervals %u, cwnd %u\n", i, h->ref ? "" : " (the NIC)", h->cfg.mtu,
                   h->ref_cfg.rx_ring_bytes, h->ref_cfg.tx_ring_bytes, h->cfg.wscale_least, h->cfg.isn_near ? "near " : "anywhere, not near ",
                   h->cfg.isn_base, c->sack ? " sack" : "", c->timestamps ? " timestamps" : "", c->delayed_ack ? " delayed-ack" : "",
                   c->recovery ? " recovery" : "", c->congestion ? " congestion" : "", c->rtt ? " rtt" : "", c->silly ? " silly" : "",
                   c->challenge_limit ? " challenge-limit" : "", c->ooo, c->cwnd_bytes);
  return n < 0 || (size_t)n >= cap ? cap : (size_t)n;
}

static void describe(const struct world *w, char out[static PAIR_SETUP])
{
  size_t n = 0;
  for (unsigned i = 0; i < 2 && n < PAIR_SETUP; i++) n += describe_host(&w->h[i], i, out + n, PAIR_SETUP - n);
  for (unsigned i = 0; i < 2 && n < PAIR_SETUP; i++) {
    const struct wire_fault_dir *d = &w->fault_opts.dir[i];
    int k = snprintf(out + n, PAIR_SETUP - n, "  to host %u: loss=%g,dup=%g,reorder=%g,corrupt=%g,delay=%u\n", i, d->loss_ppb / 1e9,
                     d->dup_ppb / 1e9, d->reorder_ppb / 1e9, d->corrupt_ppb / 1e9, d->delay_us);
    n += k < 0 ? 0 : (size_t)k;
  }
  if (n < PAIR_SETUP)
    snprintf(out + n, PAIR_SETUP - n, "  forged: %u of 1000 frames to host 0; the clock goes on by %" PRIu64 " us%s\n", w->stranger_opts.per_mille,
             w->grain_us, w->cut_us == UINT64_MAX ? "" : "; the cable is cut");
}

void pair_run(const struct pair_options *o, struct pair_result *r)
{
  struct world *w = calloc(1, sizeof *w);
  *r = (struct pair_result){0};
  if (!w) {
    snprintf(r->why, sizeof r->why, "out of memory");
    return;
  }
  w->result = r;
  open_world(w, o);
  describe(w, r->setup);
  while (!failed(w) && (turn(w) || failed(w) || advance(w)))
    if (!w->nic && !recording_turn(w->recording)) cannot(w, "the recording cannot go on");
  figures(w);
  close_world(w);
  r->ok = !failed(w);
  free(w);
}

// --- telling ---------------------------------------------------------------------------------------------------------

void pair_print(FILE *out, uint64_t seed, const struct pair_result *r)
{
  fprintf(out, "pair: seed %" PRIu64 ": %u connections, %u ended early, %" PRIu64 " bytes in %" PRIu64 " frames, %" PRIu64
          " retransmissions, %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64 " reordered, %" PRIu64 " damaged, %" PRIu64 " forged, %.3f s, hash %016" PRIx64
          ": %s%s\n", seed, r->conns, r->aborted, r->bytes, r->frames, r->retransmissions, r->lost, r->duplicated, r->reordered,
          r->corrupted, r->forged, (double)r->virtual_us / 1e6, r->hash, r->ok ? "PASS" : "FAIL: ", r->why);
  fputs(r->setup, out);
  fputs(r->report, out);
}

bool pair_json(FILE *out, uint64_t seed, const struct pair_result *r)
{
  fprintf(out, "{\"seed\": %" PRIu64 ", \"ok\": %s, \"hash\": \"%016" PRIx64 "\", \"connections\": %u, \"ended_early\": %u, "
          "\"retried\": %u, \"bytes\": %" PRIu64 ", \"frames\": %" PRIu64 ", \"virtual_us\": %" PRIu64 ", \"retransmissions\": %" PRIu64
          ", \"timeouts\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64
          ", \"corrupted\": %" PRIu64 ", \"forged\": %" PRIu64 ", \"rule\": \"%s\", \"rule_cycle\": %" PRIu64 ", \"rule_steps\": %" PRIu64
          ", \"why\": ", seed, r->ok ? "true" : "false", r->hash, r->conns, r->aborted, r->retried, r->bytes, r->frames,
          r->virtual_us, r->retransmissions, r->timeouts, r->lost, r->duplicated, r->reordered, r->corrupted, r->forged,
          r->rule, r->rule_cycle, r->rule_steps);
  text_put_json(out, r->why);
  fputs("}\n", out);
  return !fflush(out) && !ferror(out);
}

static int complain(const char *file)
{
  fprintf(stderr, "lockwire: --stats %s: %s\n", file, strerror(errno));
  return EXIT_USAGE;
}

int pair_main(const struct run_options *o, const struct pair_nic *nic)
{
  struct wire_fault_opts fault = o->fault;
  for (int i = 0; i < 2; i++)
    if (!fault.dir[i].have_seed) fault.dir[i].seed = o->seed;
  struct pair_options p = {.seed = o->seed, .nic = o->engine_ref ? NULL : nic, .fault = o->have_fault ? &fault : NULL, .record_dir = o->record_dir, .record_limit = o->record_limit};
  struct pair_result r;
  FILE *stats = o->stats_file ? fopen(o->stats_file, "w") : NULL;
  if (o->stats_file && !stats) return complain(o->stats_file);
  pair_run(&p, &r);
  if (r.no_run) fprintf(stderr, "lockwire: %s\n", r.why);
  else pair_print(stdout, o->seed, &r);
  bool written = !stats || pair_json(stats, o->seed, &r);
  if (stats) fclose(stats);
  if (!written) return complain(o->stats_file);
  return r.ok ? EXIT_GOOD : r.no_run ? EXIT_USAGE : EXIT_DIFFERENCE;
}
