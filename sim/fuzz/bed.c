// SPDX-License-Identifier: Apache-2.0
#include "fuzz/bed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fuzz/bed_priv.h"

enum { SLOW_MOST = HAND_FRAME - 100, MSS_KINDS = 8, OPTION_TS = 1, OPTION_SACK = 2, OPTION_NO_NAGLE = 4, OPTION_SYN_AGAIN = 8, TIMEOUT_UNIT_MS = 100 };

bool bed_wrong(struct bed *b, const char *fmt, ...)
{
  va_list ap;
  if (b->why[0]) return false;
  va_start(ap, fmt);
  vsnprintf(b->why, BED_WHY, fmt, ap);
  va_end(ap);
  return false;
}

void bed_says(struct bed *b, const char *fmt, ...)
{
  char text[BED_WHY];
  va_list ap;
  if (!b->watch->says) return;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  b->watch->says(b->watch->user, text);
}

void bed_input(struct bed *b, const uint8_t *frame, size_t len)
{
  if (b->monitor) monitor_frame(b->monitor, MONITOR_RECEIVED, frame, len, b->now_us);
  if (b->watch->frame) b->watch->frame(b->watch->user, MONITOR_RECEIVED, frame, len, b->now_us);
  unsigned port = len < HAND_HEADERS ? UINT16_MAX : (unsigned)get_be16(frame + ETH_HDR_BYTES + IPV4_HDR_BYTES) - HAND_PEER_PORT;
  if (port <= UINT8_MAX) b->on_way[port] = true;
  hand_input(b->nic, frame, len);
}

static uint16_t mss_of(uint8_t code, uint16_t len)
{
  static const uint16_t usual[MSS_KINDS - 1] = {BED_MSS_MOST, 536, 1448, 100, 64, 32, BED_MSS_LEAST};
  unsigned kind = code % MSS_KINDS;
  return kind < MSS_KINDS - 1 ? usual[kind] : (uint16_t)(BED_MSS_LEAST + len % (BED_MSS_MOST - BED_MSS_LEAST));
}

// --- what the host does --------------------------------------------------------------------------------------------------

static bool carried(const struct bed_flow *f) { return f->state == FLOW_OPENING || f->state == FLOW_OPEN || f->state == FLOW_REFUSED; }

static struct flow_tuning tuning(const struct step *s, bool nagle_off)
{
  return (struct flow_tuning){.nagle_off = nagle_off, .user_timeout_ms = s->sack[0] * (uint32_t)TIMEOUT_UNIT_MS, .pace_rate = s->sack[1] * 4u,
                              .pace_burst = s->sack[1] * 4u + s->sack[2] * 8u};
}

// Where a stream begins: right before 2^32, before 2^31, elsewhere; when the port was used before, with an ISN far from those.
static struct seq beginning(const struct bed *b, unsigned port, unsigned way, int16_t by)
{
  static const uint32_t from[4] = {0, 1u << 31, 1, 1u << 30};
  return seq_of(from[way & 3] - (uint16_t)by + b->used[port] * 0x10000019u);
}

// Nobody has this port; or who has it is just let go of, and then only the NIC can say whose a frame is.
static bool port_is_free(struct bed *b, unsigned port)
{
  for (unsigned i = 0; i < STEP_FLOWS; i++) {
    struct bed_flow *f = &b->flow[i];
    if (f->state == FLOW_FREE || f->port != port) continue;
    if (f->state != FLOW_LET_GO) return false;
    monitor_close(b->monitor);
    b->monitor = NULL;
  }
  return true;
}

// The window scale that we offer is no larger than the peer's, nor than the ring gives a reason for.
static struct flow_open open_of(const struct bed *b, const struct step *s, unsigned port)
{
  unsigned scale = s->opt >> 4;
  struct flow_open o = {
      .flow = (uint16_t)s->flow, .remote_port = (uint16_t)(HAND_PEER_PORT + port), .mss = mss_of(s->y, s->len), .rcv_mss = mss_of(s->y >> 3, s->len),
      .snd_nxt = beginning(b, port, s->x, s->a), .rcv_nxt = beginning(b, port, s->x >> 2, s->b), .snd_wscale = (uint8_t)(scale ? scale - 1 : 0),
      .ts_ok = s->opt & OPTION_TS, .sack_ok = s->opt & OPTION_SACK, .syn_again = s->opt & OPTION_SYN_AGAIN, .tuning = tuning(s, s->opt & OPTION_NO_NAGLE)};
  while (o.rcv_wscale < o.snd_wscale && 2u << o.rcv_wscale < nic_build().rx_ring_bytes) o.rcv_wscale++;
  if (o.ts_ok && o.mss > 2 * TCP_TIMESTAMPS_BYTES) o.mss = (uint16_t)(o.mss - TCP_TIMESTAMPS_BYTES);
  o.ts_recent = o.ts_ok ? s->x * 0x1000193u : 0;
  return o;
}

static void do_open(struct bed *b, const struct step *s)
{
  struct bed_flow *f = &b->flow[s->flow];
  unsigned port = s->sack[3] ? s->sack[3] : s->flow;
  if (f->state != FLOW_FREE || !port_is_free(b, port)) return;
  // What came before a SYN is looked up before it, and never handled in its connection.
  if (b->on_way[port] && !bed_rest(b)) return;
  *f = (struct bed_flow){.state = FLOW_OPENING, .port = port, .o = open_of(b, s, port), .tsval = core_tsval(b->now_us)};
  f->wnd = bed_window(UINT16_MAX, s->wnd);
  struct flow_open *o = &f->o;
  b->used[port]++;
  o->snd_wnd = (uint32_t)f->wnd << o->snd_wscale;
  f->written = o->snd_nxt;
  f->asked = o->rcv_nxt;
  f->now = (struct engine_event){.flow = o->flow, .rx_ready = o->rcv_nxt, .tx_freed = o->snd_nxt};
  bed_handshake(b, f, s->opt >> 4);
  bed_says(b, "host opens flow %u: NIC's stream from %u, peer's from %u, window %u << %u, MSS %u and %u%s%s%s, window scale %u%s", o->flow, o->snd_nxt.v,
           o->rcv_nxt.v, f->wnd, o->snd_wscale, o->mss, o->rcv_mss, o->ts_ok ? ", time stamps" : "", o->sack_ok ? ", SACK" : "",
           o->tuning.nagle_off ? ", no Nagle" : "", o->rcv_wscale, o->tuning.pace_rate ? ", paced" : "");
  hand_open(b->nic, o);
}

// As much as there is credit for: the FIN counts in tx_freed, not in `written`.
static void do_write(struct bed *b, const struct step *s)
{
  static uint8_t octets[1 << 16];
  struct bed_flow *f = &b->flow[s->flow];
  if (!carried(f) || f->closed || f->aborted) return;
  uint32_t room = nic_build().tx_ring_bytes - (uint32_t)seq_diff(f->written, seq_min(f->now.tx_freed, f->written));
  uint32_t n = (uint16_t)s->a < room ? (uint16_t)s->a : room;
  if (!n || n > sizeof octets) return;
  for (uint32_t i = 0; i < n; i++) octets[i] = (uint8_t)((f->written.v + i) * 2654435761u >> 24);
  bed_says(b, "host writes %u octets to flow %u", n, s->flow);
  b->engine->ops->payload(b->engine, (uint16_t)s->flow, octets, n);
  f->written = seq_add(f->written, n);
}

static void do_consume(struct bed *b, const struct step *s)
{
  struct bed_flow *f = &b->flow[s->flow];
  uint32_t ready = (uint32_t)seq_diff(f->now.rx_ready, f->asked), n = (uint16_t)s->a < ready ? (uint16_t)s->a : ready;
  if (f->state != FLOW_OPEN || !n) return;
  bed_says(b, "host reads %u octets of flow %u", n, s->flow);
  b->engine->ops->consume(b->engine, (uint16_t)s->flow, n);
  f->asked = seq_add(f->asked, n);
}

static void do_close(struct bed *b, struct bed_flow *f)
{
  if (!carried(f) || f->closed || f->aborted) return;
  f->closed = true;
  bed_says(b, "host closes flow %u", f->o.flow);
  b->engine->ops->close(b->engine, f->o.flow);
}

static void do_abort(struct bed *b, struct bed_flow *f)
{
  if (!carried(f) || f->aborted) return;
  f->aborted = true;
  bed_says(b, "host aborts flow %u", f->o.flow);
  b->engine->ops->abort(b->engine, f->o.flow);
}

static void do_release(struct bed *b, struct bed_flow *f)
{
  if (f->state != FLOW_OPEN && f->state != FLOW_REFUSED) return;
  f->state = FLOW_LET_GO;
  bed_says(b, "host lets go of flow %u", f->o.flow);
  b->engine->ops->release(b->engine, f->o.flow);
}

static void do_tune(struct bed *b, const struct step *s)
{
  struct bed_flow *f = &b->flow[s->flow];
  struct flow_tuning t = tuning(s, s->x & 1);
  if (!carried(f) || f->aborted) return;
  if (s->y) t.mss = mss_of(s->y, s->len);
  bed_says(b, "host tunes flow %u: Nagle %s, user timeout %u ms, pace %u, burst %u, MSS %u", f->o.flow, t.nagle_off ? "off" : "on", t.user_timeout_ms, t.pace_rate,
           t.pace_burst, t.mss);
  b->engine->ops->tune(b->engine, f->o.flow, &t);
}

// --- the clock, what else there is -----------------------------------------------------------------------------------------

static void do_time(struct bed *b, const struct step *s)
{
  uint64_t at_us = b->nic->base.ops->deadline(&b->nic->base), by = (uint16_t)s->a;
  bool due = at_us != UINT64_MAX && at_us > b->now_us;
  uint64_t to[JUMPS] = {[JUMP_US] = b->now_us + by, [JUMP_TICKS] = b->now_us + by * 1024, [JUMP_DELAYED_ACK] = b->now_us + NIC_DELACK_US,
                        [JUMP_SECOND] = b->now_us + NIC_RTO_FIRST_US, [JUMP_LONG] = b->now_us + (by << 16), [JUMP_DEADLINE] = at_us,
                        [JUMP_BEFORE] = at_us - 1, [JUMP_BEHIND] = at_us + 1};
  unsigned how = s->x % JUMPS;
  if (!due && (how == JUMP_DEADLINE || how == JUMP_BEFORE || how == JUMP_BEHIND)) return;
  bed_says(b, "%llu us pass", (unsigned long long)(to[how] - b->now_us));
  b->now_us = to[how];
}

static void do_throttle(struct bed *b, const struct step *s)
{
  static const char *const port[STEP_PORTS] = {"frames", "frames of the slow path", "payload", "commands"};
  b->throttle[s->x % STEP_PORTS] = s->y;
  bed_says(b, "from now on no %s enter in cycles of 8: %02x", port[s->x % STEP_PORTS], s->y);
}

static void do_segment(struct bed *b, const struct step *s)
{
  uint8_t frame[BED_FRAME];
  unsigned times;
  for (size_t len = bed_segment(b, s, frame, &times); times; times--) bed_input(b, frame, len);
}

static void do_frame(struct bed *b, const struct step *s)
{
  uint8_t frame[BED_FRAME];
  bed_input(b, frame, bed_frame(b, s, frame));
}

// Its type is nobody's: the wire monitor passes it over.
static void do_slow(struct bed *b, const struct step *s)
{
  uint8_t frame[HAND_FRAME];
  size_t len = ETH_HDR_BYTES + s->len % (unsigned)SLOW_MOST;
  hand_answer(frame, 0, &(struct segment){0});
  for (size_t i = ETH_HDR_BYTES; i < len; i++) frame[i] = (uint8_t)(i * 7 + s->x);
  put_be16(frame + 12, 0x88b5);
  bed_says(b, "host sends a frame of %zu bytes by the slow path", len);
  b->nic->base.ops->slow_input(&b->nic->base, frame, len);
}

static void carry_out(struct bed *b, const struct step *s)
{
  struct bed_flow *f = &b->flow[s->flow];
  switch (s->kind) {
    case STEP_SEGMENT: do_segment(b, s); break;
    case STEP_OPEN: do_open(b, s); break;
    case STEP_WRITE: do_write(b, s); break;
    case STEP_CONSUME: do_consume(b, s); break;
    case STEP_CLOSE: do_close(b, f); break;
    case STEP_ABORT: do_abort(b, f); break;
    case STEP_RELEASE: do_release(b, f); break;
    case STEP_TUNE: do_tune(b, s); break;
    case STEP_TIME: do_time(b, s); break;
    case STEP_THROTTLE: do_throttle(b, s); break;
    case STEP_FRAME: do_frame(b, s); break;
    default: do_slow(b, s); break;
  }
}

// --- a run -----------------------------------------------------------------------------------------------------------------

bool bed_settle(struct nic *n)
{
  unsigned budget = 100000;
  while (budget && hand_run(n, 0, &budget)) {}
  return budget;
}

static bool go_on(struct bed *b, unsigned gap)
{
  if (gap == STEP_REST) return bed_rest(b);
  while (gap--)
    if (!bed_cycle(b)) return false;
  return true;
}

static bool play(struct bed *b, const uint8_t *data, size_t size)
{
  for (unsigned i = 0; i < step_count(size); i++) {
    struct step s = step_read(data, i);
    if (!go_on(b, s.gap)) return false;
    carry_out(b, &s);
  }
  return bed_rest(b) && (!step_head(data, size).talk || bed_talk(b)) && bed_release(b);
}

bool bed_run(struct nic *n, const uint8_t *data, size_t size, const struct bed_watch *w, char why[static BED_WHY])
{
  static const struct bed_watch nobody;
  struct step_head h = step_head(data, size);
  struct bed b = {.nic = n, .engine = n->base.engine, .watch = w ? w : &nobody, .now_us = h.now_us,
                  .lies = getenv("LW_FUZZ_LIE"), .why = why};
  memcpy(b.throttle, h.throttle, sizeof b.throttle);
  for (unsigned i = 0; i < STEP_FLOWS; i++) b.flow[i].port = i;
  b.monitor = monitor_open(&(struct monitor_config){.sent = MONITOR_NEAR, .received = MONITOR_IGNORED, .from_start = true, .max_flows = 64,
                                                    .store_bytes = 1 << 20});
  why[0] = '\0';
  bool ok = play(&b, data, size);
  monitor_close(b.monitor);
  return ok && !why[0];
}
