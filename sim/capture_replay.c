// SPDX-License-Identifier: Apache-2.0
#include "capture_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "check/monitor.h"
#include "endpoint.h"
#include "frame_text.h"
#include "net/eth.h"
#include "peers.h"
#include "played.h"
#include "recording.h"
#include "run.h"
#include "sock/netconf.h"
#include "summary.h"
#include "tcp/ref.h"

enum { WIRE_BYTES = 4 << 20, STEPS_PER_TURN = 100000, TURNS_PER_INSTANT = 100000, WHY_LEN = 320 };
// How long after the last frame of the capture: the NIC's delayed ACKs and first retransmissions are seen. The clock begins at START_US.
static const uint64_t START_US = 1000000, SETTLE_US = 1000000;

struct world {
  const struct capture_options *o;
  const struct pair_nic *nic;
  struct capture capture;
  struct convs convs;
  struct endpoint e;
  struct ref *ref;                   // NULL: the simulated NIC
  struct wire *end[2];               // the NIC's, recorded or not; the peers'
  struct recording *recording;
  struct wire_record_note note;
  struct monitor *monitor;
  struct peers *peers;
  struct played *played;
  struct frame_text *frames;
  FILE *text;
  uint64_t now_us, over_us, frames_in, frames_out;
  unsigned instant_turns;
  bool no_run, different;
  char why[WHY_LEN];                 // empty: all went well
  uint8_t frame[WIRE_FRAME_MAX];
};

static const uint8_t near_mac[6] = {0x02, 0x4c, 0x57, 0, 0, 0x02}, far_mac[6] = {0x02, 0x4c, 0x57, 0, 0, 0x01};

static bool cannot(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool cannot(struct world *w, const char *fmt, ...)
{
  va_list ap;
  if (w->why[0]) return false;
  va_start(ap, fmt);
  vsnprintf(w->why, sizeof w->why, fmt, ap);
  va_end(ap);
  w->no_run = true;
  return false;
}

// --- opening ---------------------------------------------------------------------------------------------------------

static int flow_of(void *user, const uint8_t *frame, size_t len)
{
  const struct world *w = user;
  return w->e.stack ? stack_flow_of(w->e.stack, frame, len) : -1;
}

static bool open_wires(struct world *w)
{
  char err[WIRE_ERR_LEN];
  if (w->o->record && !(w->recording = recording_open(w->o->record, 0, err))) return cannot(w, "%s", err);
  if (!wire_pair_open(w->end, WIRE_BYTES, err)) return cannot(w, "%s", err);
  if (!w->recording) return true;
  w->note = (struct wire_record_note){.now_us = w->now_us, .flow_of = flow_of, .user = w};
  w->end[0] = recording_wire(w->recording, w->end[0], w->capture.epoch_us - START_US, &w->note, err);
  return w->end[0] || cannot(w, "%s", err);
}

// The reference with what the NIC has and can, so that they do the same.
static struct carrier *open_ref(struct world *w)
{
  struct nic_build b = w->nic->build();
  w->ref = ref_open(&(struct ref_config){.num_flows = (uint16_t)b.num_flows, .tx_ring_bytes = b.tx_ring_bytes, .rx_ring_bytes = b.rx_ring_bytes,
                                         .caps = b.caps, .seed = w->o->seed});
  return w->ref ? carrier_ref_open(w->ref) : NULL;
}

static struct carrier *open_nic(struct world *w)
{
  char err[STIM_ERR_LEN], command[200];
  snprintf(command, sizeof command, "lockwire replay %s", w->o->file);
  struct nic_options o = {.mtu = w->o->mtu, .seed = w->o->seed, .check = !w->o->no_check, .recording = w->recording, .must_record = true, .command = command};
  memcpy(o.mac, near_mac, 6);
  struct nic *n = w->nic->open(&o, err);
  if (!n) cannot(w, "%s", err);
  return n ? &n->base : NULL;
}

// For the recording: at which cycle of the NIC a frame passes.
static void note_cycle(struct world *w)
{
  if (!w->ref) w->note.cycle = ((struct nic *)w->e.carrier)->cycles;
}

static void serve(void *arg)
{
  struct world *w = arg;
  if (w->played) played_serve(w->played, w->now_us);
}

static void send(void *arg, const uint8_t *frame, size_t len)
{
  struct world *w = arg;
  w->frames_out++;
  monitor_frame(w->monitor, MONITOR_SENT, frame, len, w->now_us);
  if (w->frames) frame_text_put(w->frames, '<', frame, len, w->now_us - START_US);
  note_cycle(w);
  wire_send(w->end[0], frame, len);
}

// All that is not the near side's own network is behind a gateway, for whom the peers answer, as for all.
static bool open_endpoint(struct world *w)
{
  const struct convs *v = &w->convs;
  uint32_t first = v->n_near ? v->near[0] : 0x0a630002;
  uint32_t gateway = (first & 0xff) == 1 ? first + 1 : (first & 0xffffff00) + 1;
  struct stack_config c = {.ip = first, .prefix_len = 24, .gateway = gateway, .mtu = w->o->mtu, .seed = w->o->seed, .options = w->o->options};
  memcpy(c.mac, near_mac, 6);
  w->monitor = monitor_open(&(struct monitor_config){.sent = MONITOR_NEAR, .received = MONITOR_IGNORED, .from_start = true});
  if (!w->monitor) return cannot(w, "out of memory");
  struct carrier *carrier = w->o->engine_ref ? open_ref(w) : open_nic(w);
  if (!endpoint_open(&w->e, &c, carrier, &(struct endpoint_owner){serve, send, w}, w->now_us)) return cannot(w, "out of memory");
  for (size_t i = 1; i < v->n_near; i++) {
    char addr[TEXT_IPV4_LEN];
    if (netconf_addr_add(w->e.stack, (struct route_addr){.ip = v->near[i], .prefix_len = 32}) != 0)
      return cannot(w, "%s: cannot be an address of the NIC (--as ADDR chooses one host)", text_format_ipv4(addr, v->near[i]));
  }
  return true;
}

static bool open_world(struct world *w)
{
  char err[CAPTURE_ERR_LEN], addr[TEXT_IPV4_LEN];
  struct conv_options co = {.as = w->o->as, .mtu = w->o->mtu};
  w->now_us = START_US;
  if (!capture_read(&w->capture, w->o->file, w->o->keep_vlan, err)) return cannot(w, "%s", err);
  if (!w->capture.n) return cannot(w, "%.200s: no frames in it", w->o->file);
  if (!convs_read(&w->convs, &w->capture, &co)) return cannot(w, "out of memory");
  if (w->o->as && !w->convs.n_near) return cannot(w, "--as %s: no packet of %.150s is from or to it", text_format_ipv4(addr, w->o->as), w->o->file);
  if (w->o->text && !(w->text = fopen(w->o->text, "w"))) return cannot(w, "--text %.200s: %s", w->o->text, strerror(errno));
  if (w->text && !(w->frames = frame_text_open(w->text, true))) return cannot(w, "out of memory");
  if (!open_wires(w) || !open_endpoint(w)) return false;
  struct peers_options po = {.convs = &w->convs, .ethernet = w->capture.ethernet, .mtu = w->o->mtu, .wire = w->end[1], .start_us = START_US};
  memcpy(po.near_mac, near_mac, 6);
  memcpy(po.far_mac, far_mac, 6);
  w->peers = peers_open(&po);
  w->played = w->peers ? played_open(&w->convs, w->peers, w->e.stack) : NULL;
  return w->played || cannot(w, "out of memory");
}

static void close_world(struct world *w)
{
  played_close(w->played);
  endpoint_close(&w->e);
  peers_close(w->peers);
  monitor_close(w->monitor);
  wire_close(w->end[0]);
  wire_close(w->end[1]);
  if (!recording_close(w->recording)) cannot(w, "the recording could not be written in full");
  frame_text_close(w->frames);
  if (w->text && fclose(w->text) != 0) cannot(w, "--text %.200s: %s", w->o->text, strerror(errno));
  convs_free(&w->convs);
  capture_free(&w->capture);
}

// --- turning ---------------------------------------------------------------------------------------------------------

static bool take_in(struct world *w)
{
  bool any = false;
  note_cycle(w);
  for (int len; (len = wire_recv(w->end[0], w->frame, sizeof w->frame)) > 0; any = true) {
    w->frames_in++;
    monitor_frame(w->monitor, MONITOR_RECEIVED, w->frame, (size_t)len, w->now_us);
    if (w->frames) frame_text_put(w->frames, '>', w->frame, (size_t)len, w->now_us - START_US);
    endpoint_input(&w->e, w->frame, (size_t)len, w->now_us);
  }
  return any;
}

static bool failed(const struct world *w)
{
  return w->why[0] || w->e.carrier->ops->failed(w->e.carrier) || monitor_verdict(w->monitor);
}

// One turn at this instant: true when something moved.
static bool turn(struct world *w)
{
  uint64_t out = w->frames_out;
  bool moved = peers_play(w->peers, w->now_us);
  moved |= take_in(w);
  endpoint_poke(&w->e);
  endpoint_turn(&w->e, w->now_us, STEPS_PER_TURN);
  for (int len; (len = wire_recv(w->end[1], w->frame, sizeof w->frame)) > 0;) peers_hear(w->peers, w->frame, (size_t)len, w->now_us);
  const char *broken = w->e.carrier->ops->broken(w->e.carrier);
  if (broken) cannot(w, "%s", broken);
  if (++w->instant_turns > TURNS_PER_INSTANT) cannot(w, "%d turns without the clock moving on", TURNS_PER_INSTANT);
  return moved || out != w->frames_out;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

// The clock goes on to what is due next. False: all frames are played, and what they stirred has settled.
static bool advance(struct world *w)
{
  bool over = peers_over(w->peers);
  uint64_t at = least(peers_deadline(w->peers, w->now_us), played_deadline(w->played, w->now_us));
  if (over && at == UINT64_MAX && w->over_us == UINT64_MAX) w->over_us = w->now_us + SETTLE_US;
  at = least(at, endpoint_deadline(&w->e));
  if (at == UINT64_MAX || at > w->over_us) return false;
  if (at > w->now_us) w->instant_turns = 0;
  if (at > w->now_us) w->now_us = w->note.now_us = at;
  return true;
}

static void play(struct world *w)
{
  bool tty = isatty(STDERR_FILENO);
  w->over_us = UINT64_MAX;
  for (uint64_t turns = 0; !failed(w) && (turn(w) || failed(w) || advance(w)); turns++)
    if (tty && turns % 4096 == 0) fprintf(stderr, "\rlockwire: %zu of %zu frames \033[K", peers_sent(w->peers), w->capture.n);
  if (tty) fputs("\r\033[K", stderr);
}

// --- telling ---------------------------------------------------------------------------------------------------------

static const char *end_text(enum conv_end e) { return e == CONV_FIN ? "FIN" : e == CONV_RST ? "RST" : "-"; }

static void count_unused(struct world *w, size_t n[CONV_UNUSED], unsigned first[CONV_UNUSED])
{
  memcpy(n, w->convs.unused, sizeof w->convs.unused);
  memcpy(first, w->convs.first_unused, sizeof w->convs.first_unused);
  for (size_t i = 0; i < w->convs.n; i++)
    for (size_t k = 0; k < w->convs.conv[i]->n_items; k++) {
      const struct conv_item *it = &w->convs.conv[i]->item[k];
      if (it->unused != CONV_USED && !n[it->unused]++) first[it->unused] = it->frame->number;
    }
}

static void tell_row(FILE *out, const char *name, uint64_t nic, uint64_t recorded)
{
  fprintf(out, "  %-28s %12" PRIu64 " %12" PRIu64 "%s\n", name, nic, recorded, nic == recorded ? "" : "   *");
}

static void tell_conv(const struct world *w, FILE *out, size_t i)
{
  const struct conv *c = w->convs.conv[i];
  const struct tuple *t = &c->node.tuple;
  struct peers_result r = peers_result(w->peers, i);
  struct played_result d = played_result(w->played, i);
  char far[TEXT_IPV4_LEN], near[TEXT_IPV4_LEN];
  text_format_ipv4(far, t->remote_ip);
  text_format_ipv4(near, t->local_ip);
  fprintf(out, "connection %zu: %s:%u %s %s:%u%s\n", i + 1, far, t->remote_port, c->active ? "<-" : "->", near, t->local_port,
          c->midway ? ", begun before the capture: its SYN was made up" : "");
  if (!r.opened) {
    fprintf(out, "  it does not come to stand%s\n", c->know_iss && c->know_irs && c->near.bytes + c->far.bytes ? ", as it did then   *" : "");
    return;
  }
  const struct conv_side *n = &c->near, *f = &c->far;
  fprintf(out, "  %-28s %12s %12s\n", "", "now", "then");
  tell_row(out, "bytes sent", r.near.bytes, n->bytes);
  tell_row(out, "of them acknowledged", r.near.acked, n->acked);
  tell_row(out, "sent again (segments)", r.near.again, n->again);
  tell_row(out, "bytes acknowledged", r.far.acked, f->acked);
  tell_row(out, "delivered to the program", d.delivered, f->acked);
  if (d.other) tell_row(out, "of them not what was sent", d.other, 0);
  fprintf(out, "  %-28s %12s %12s%s\n", "how its side ended", end_text(r.near.end), end_text(n->end),
          r.near.end == n->end ? "" : "   *");
  if (r.made_up) fprintf(out, "  %u frames of the peer were made up, for the NIC went another way\n", r.made_up);
}

static void tell(struct world *w, FILE *out)
{
  size_t n[CONV_UNUSED], unused = 0;
  unsigned first[CONV_UNUSED];
  count_unused(w, n, first);
  for (size_t i = 1; i < CONV_UNUSED; i++) unused += n[i];
  for (size_t i = 0; i < w->convs.n; i++) tell_conv(w, out, i);
  fprintf(out, "%zu frames: %zu played, %zu of the recorded endpoint, %zu not played\n", w->capture.n, peers_sent(w->peers), w->convs.near_frames, unused);
  for (size_t i = 1; i < CONV_UNUSED; i++)
    if (n[i]) fprintf(out, "  %zu from frame %u on: %s\n", n[i], first[i], conv_unused_text((enum conv_unused)i));
  if (w->convs.mended) fprintf(out, "  %zu with checksums that an adapter was to finish: finished\n", w->convs.mended);
  if (w->convs.lengthened) fprintf(out, "  %zu with no total length, for an adapter to cut: the frame's\n", w->convs.lengthened);
}

// The checker's and the monitor's words. True when both are content.
static bool tell_judges(const struct world *w, FILE *out)
{
  const struct check *k = w->e.carrier->ops->failed(w->e.carrier);
  const struct monitor_violation *v = monitor_verdict(w->monitor);
  if (k) check_report(k, out, NULL);
  if (v) {
    monitor_print(out, v);
    fputc('\n', out);
  }
  return !k && !v;
}

static void json_side(FILE *out, const char *name, uint64_t bytes, uint64_t acked, uint64_t again, enum conv_end end)
{
  fprintf(out, ", \"%s\": {\"bytes\": %" PRIu64 ", \"acked\": %" PRIu64 ", \"again\": %" PRIu64 ", \"end\": \"%s\"}", name, bytes, acked, again,
          end_text(end));
}

static bool write_stats(struct world *w, bool good)
{
  size_t n[CONV_UNUSED];
  unsigned first[CONV_UNUSED];
  FILE *out = fopen(w->o->stats, "w");
  if (!out) return false;
  count_unused(w, n, first);
  fprintf(out, "{\"good\": %s, \"frames\": %zu, \"played\": %zu, \"near\": %zu, \"virtual_us\": %" PRIu64 ", \"unused\": {", good ? "true" : "false", w->capture.n,
          peers_sent(w->peers), w->convs.near_frames, w->now_us - START_US);
  for (size_t i = 1, any = 0; i < CONV_UNUSED; i++)
    if (n[i]) fprintf(out, "%s\"%s\": %zu", any++ ? ", " : "", conv_unused_text((enum conv_unused)i), n[i]);
  fputs("},\n \"connections\": [", out);
  for (size_t i = 0; i < w->convs.n; i++) {
    const struct conv *c = w->convs.conv[i];
    struct peers_result r = peers_result(w->peers, i);
    struct played_result d = played_result(w->played, i);
    fprintf(out, "%s\n  {\"opened\": %s, \"made_up\": %u, \"delivered\": %" PRIu64, i ? "," : "", r.opened ? "true" : "false", r.made_up, d.delivered);
    json_side(out, "nic", r.near.bytes, r.near.acked, r.near.again, r.near.end);
    json_side(out, "recorded", c->near.bytes, c->near.acked, c->near.again, c->near.end);
    json_side(out, "peer", r.far.bytes, r.far.acked, r.far.again, r.far.end);
    fputc('}', out);
  }
  fputs("]}\n", out);
  bool ok = !ferror(out);
  return fclose(out) == 0 && ok;
}

static void write_text(struct world *w)
{
  struct summary_of of = {.ref = w->ref, .stack = w->e.stack};
  if (!w->ref) of.model = ((struct nic *)w->e.carrier)->model;
  fputs("--\n", w->text);
  tell(w, w->text);
  tell_judges(w, w->text);
  fputs("--\n", w->text);
  summary_events(w->text, &of);
}

int capture_replay(const struct capture_options *o, const struct pair_nic *nic, uint64_t *wrong_frame)
{
  struct world *w = calloc(1, sizeof *w);
  bool good = false;
  if (!w) return EXIT_USAGE;
  w->o = o;
  w->nic = nic;
  if (open_world(w)) {
    play(w);
    tell(w, stdout);
    good = tell_judges(w, stdout);
    if (wrong_frame && monitor_verdict(w->monitor)) *wrong_frame = monitor_verdict(w->monitor)->frame;
    if (w->text) write_text(w);
    if (o->stats && !write_stats(w, good && !w->why[0])) cannot(w, "--stats %.200s: %s", o->stats, strerror(errno));
    if (!w->why[0]) printf("lockwire: replay of %s in %.3f s of its time: %s\n", o->file, (double)(w->now_us - START_US) / 1e6,
                           good ? o->engine_ref || o->no_check ? "no rule broken" : "as the checker wants it" : "WRONG");
  }
  close_world(w);
  bool no_run = w->no_run;
  if (no_run) fprintf(stderr, "lockwire: %s\n", w->why);
  free(w);
  return no_run ? EXIT_USAGE : good ? EXIT_GOOD : EXIT_DIFFERENCE;
}
