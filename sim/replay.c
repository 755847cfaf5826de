// SPDX-License-Identifier: Apache-2.0
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "capture_replay.h"
#include "events_log.h"
#include "nic.h"
#include "run.h"
#include "stimulus.h"
#include "summary.h"
#include "wave.h"
#include "wire/segments.h"

enum { ITEMS_PER_CYCLE = 16, PROGRESS_CYCLES = 1 << 20, WHY_LEN = 200 };

enum { MTU_MIN = 576, MTU_MAX = 9000 };

struct replay_options {
  const char *dir, *stats, *events;   // dir: a recording, or a capture's file
  uint64_t from, to;               // of events: the cycles to be written
  const char *of_events;           // --from or --to, when one was given
  const char *after_wave;          // what stood behind --wave and is no file of waves by its name
  bool no_check, force, help;
  struct capture_options capture;  // what only a capture knows
  const char *of_capture;          // the first of its options that was given
  struct wave_options wave;
};

struct replay {
  struct glue_tap tap;             // first
  const struct replay_options *opt;
  uint32_t segment, first, last;   // being read, of those that are there; 0: a recording without segments
  struct stim_reader *reader;
  bool damaged;                    // in the segments before this one, first at damaged_cycle
  uint64_t damaged_cycle, from_cycle;
  struct nic *nic;
  struct wave *wave;               // NULL: none is asked for
  struct events_log *events;       // likewise
  struct stim_item next;           // read ahead
  bool have_next;
  struct stim_item item[ITEMS_PER_CYCLE];   // of this cycle, in their order; at: the next to be seen
  unsigned n, at;
  uint8_t data[ITEMS_PER_CYCLE][64];        // what enters in this cycle
  uint64_t now_us, hash, beats_in, beats_out, end_cycle;
  char wave_err[WAVE_ERR_LEN];
  char why[WHY_LEN];               // the first difference; empty: none
};

static const char *const port_name[GLUE_PORTS] = {
    "receive stream", "slow path in", "payload in", "command", "transmit stream", "slow path out", "fence", "payload out", "event",
};

static struct replay *of(struct glue_tap *t) { return (struct replay *)t; }

static void differs(struct replay *r, const char *what, unsigned port)
{
  if (r->why[0]) return;
  snprintf(r->why, sizeof r->why, "at cycle %" PRIu64 ": %s (%s)", r->nic->cycles, what, port < GLUE_PORTS ? port_name[port] : "?");
}

// --- the tap: what the model takes and gives -------------------------------------------------------------------------

static struct stim_item *expected(struct replay *r, unsigned port)
{
  if (r->at == r->n || r->item[r->at].kind != port) return NULL;
  return &r->item[r->at++];
}

static void fetch(struct glue_tap *t, enum glue_port port, uint8_t *data, struct glue_beat *b)
{
  struct replay *r = of(t);
  const struct stim_item *it = expected(r, port);
  if (!it || (port != GLUE_CMD && it->beat.nbytes > r->nic->glue.beat_bytes)) {
    differs(r, it ? "a beat is wider than this build's" : "the NIC takes something that it did not take then", port);
    b->nbytes = 1;
    b->last = true;
    return;
  }
  memcpy(data, it->beat.data, it->beat.nbytes);
  b->flow = it->beat.flow;
  b->nbytes = it->beat.nbytes;
  b->last = it->beat.last;
  r->beats_in++;
}

static void pass(struct glue_tap *t, const struct glue_beat *b)
{
  struct replay *r = of(t);
  if (stim_is_in(b->port)) return;
  const struct stim_item *it = expected(r, b->port);
  r->hash = stim_hash(r->hash, r->nic->cycles, b);
  r->beats_out++;
  if (!it) differs(r, "something leaves that did not leave then", b->port);
  else if (it->hash != (uint16_t)r->hash) differs(r, "what leaves is not what left then", b->port);
}

static const struct glue_tap_ops ops = {.pass = pass, .fetch = fetch};

// --- cycles ----------------------------------------------------------------------------------------------------------

static struct stim_reader *open_segment(const struct replay *r, uint32_t number, struct stim_head *h, char err[static STIM_ERR_LEN])
{
  char path[SEGMENTS_PATH_LEN];
  segments_path(r->opt->dir, number, SEGMENT_STIMULUS, path);
  return stim_open(path, h, err);
}

// Another segment begins only where the one before has its end.
static bool next_segment(struct replay *r)
{
  uint64_t lost, cycle;
  struct stim_head h;
  char err[STIM_ERR_LEN];
  struct stim_reader *next = r->segment < r->last ? open_segment(r, r->segment + 1, &h, err) : NULL;
  if (!next) return false;
  bool bad = stim_damaged(r->reader, &cycle);
  if (!bad) cycle = r->nic->cycles;
  if (!r->damaged && (bad || !stim_complete(r->reader, &lost))) {
    r->damaged = true;
    r->damaged_cycle = cycle;
  }
  stim_reader_close(r->reader);
  r->reader = next;
  r->segment++;
  return true;
}

static void read_ahead(struct replay *r)
{
  do r->have_next = stim_next(r->reader, &r->next);
  while ((!r->have_next || r->next.kind == STIM_END) && next_segment(r));
  if (r->have_next && r->next.kind != STIM_END && r->next.cycle < r->nic->cycles) differs(r, "the recording goes back to a cycle before", GLUE_PORTS);
}

// The items of this cycle, and which inputs it has.
static unsigned load(struct replay *r, uint64_t cycle)
{
  static const unsigned have_of[] = {MODEL_HAVE_RX, MODEL_HAVE_SLOW, MODEL_HAVE_PIN, MODEL_HAVE_CMD};
  unsigned have = 0;
  for (r->n = r->at = 0; r->have_next && r->next.cycle == cycle && r->next.kind != STIM_END && r->n < ITEMS_PER_CYCLE; read_ahead(r)) {
    if (r->next.kind == STIM_TIME) {
      r->now_us = r->next.now_us;
      continue;
    }
    struct stim_item *it = &r->item[r->n];
    *it = r->next;
    if (stim_is_in(it->kind)) {
      have |= have_of[it->kind];
      if (it->kind != GLUE_CMD && it->beat.nbytes > sizeof r->data[0]) it->beat.nbytes = sizeof r->data[0];
      if (it->beat.nbytes <= sizeof r->data[0]) it->beat.data = memcpy(r->data[r->n], it->beat.data, it->beat.nbytes);
    }
    r->n++;
  }
  return have;
}

static bool one_cycle(struct replay *r)
{
  unsigned have = load(r, r->nic->cycles + 1);
  nic_replay_cycle(r->nic, have, r->now_us);
  if (r->nic->glue.fault[0] && !r->why[0]) snprintf(r->why, sizeof r->why, "%s", r->nic->glue.fault);
  if (r->at < r->n) differs(r, stim_is_in(r->item[r->at].kind) ? "the NIC does not take what it took then" : "something does not leave that left then", r->item[r->at].kind);
  return !r->why[0] && !(r->nic->glue.check && check_failed(r->nic->glue.check));
}

static void all_cycles(struct replay *r)
{
  bool tty = isatty(STDERR_FILENO);
  read_ahead(r);
  while (r->have_next && !r->why[0] && (r->next.kind != STIM_END || r->nic->cycles < r->next.cycle)) {
    if (r->wave && !wave_turn(r->wave, r->nic, r->wave_err)) break;
    if (!one_cycle(r)) break;
    if (tty && r->nic->cycles % PROGRESS_CYCLES == 0) fprintf(stderr, "\rlockwire: cycle %" PRIu64 " \033[K", r->nic->cycles);
  }
  if (tty) fputs("\r\033[K", stderr);
}

// --- the command -----------------------------------------------------------------------------------------------------

static int complain(const char *what, const char *why)
{
  fprintf(stderr, "lockwire: %s%s%s\n", what, why ? ": " : "", why ? why : "");
  return EXIT_USAGE;
}

static const char statuses[] =
    "status 0: the same as then, or, of a capture, no rule broken; a frame or cycle was found, or its waves written\n"
    "       1: the NIC differs from the recording, or the recording is damaged; checker or wire monitor found a rule broken\n"
    "       2: usage, files, another build; or a capture's replay that stands still or breaks off\n";

static const char usage[] =
    "lockwire replay: drive the NIC from a recording, cycle for cycle, or from any capture\n\n"
    "usage: lockwire replay DIR [--check on|off] [--force] [--stats FILE] [--events FILE [--from CYCLE] [--to CYCLE]]\n"
    "       lockwire replay DIR [--wave [OUT.fst]] [--frame N|--cycle N] [--around CYCLES] [--force]\n"
    "       lockwire replay FILE.pcap[ng] [--check on|off] [--stats FILE] [OPTION]...\n"
    "  DIR             what lockwire run --record DIR has written: the NIC must do the same at the same cycles\n"
    "  FILE            a capture from anywhere: the NIC stands in for one of its hosts, the others' frames are sent to it as they\n"
    "                  follow from what it does; ends with what it did against what the recorded host did\n"
    "  --check on|off  the lockstep checker follows (default: on)\n"
    "  --force         also when the recording was made by another build of the RTL: shows the first cycle that differs\n"
    "  --stats FILE    write what came of it as JSON\n"
    "  --events FILE   write each retired step, with the flow's context after it, and each beat as a line of JSON (sim/events_log.h)\n"
    "  --from CYCLE    of these only what happens in this cycle or later\n"
    "  --to CYCLE      and in this cycle or before\n"
    "of a capture:\n"
    "  --as ADDR       the host that the NIC stands in for (default: who is sent SYNs)\n"
    "  --engine E      rtl, or ref: the software reference takes the NIC's place (default: rtl)\n"
    "  --mtu N         576..9000: longer segments are cut (default: 1500)\n"
    "  --options O     linux or minimal: what the NIC's own SYNs offer (default: linux)\n"
    "  --seed N        of ISNs and hashes (default: 1)\n"
    "  --keep-vlan     frames with a VLAN tag stay as they are (default: tags are taken off)\n"
    "  --record DIR    record it as lockwire run does\n"
    "  --text FILE     write each frame as a line, and what was counted\n";

// An option of what is written down; false: it is none, or its value is missing or wrong.
static bool parse_events(struct replay_options *o, const char *name, const char *val)
{
  if (!val) return false;
  if (!strcmp(name, "--from") || !strcmp(name, "--to")) {
    o->of_events = name;
    return text_parse_uint(val, 0, UINT64_MAX, name[2] == 'f' ? &o->from : &o->to);
  }
  if (strcmp(name, "--events") != 0) return false;
  o->events = val;
  return true;
}

static bool take_engine(struct capture_options *c, const char *val)
{
  c->engine_ref = !strcmp(val, "ref");
  return c->engine_ref || !strcmp(val, "rtl");
}

static bool take_offer(struct capture_options *c, const char *val)
{
  c->options = !strcmp(val, "minimal") ? STACK_OPTIONS_MINIMAL : STACK_OPTIONS_LINUX;
  return c->options == STACK_OPTIONS_MINIMAL || !strcmp(val, "linux");
}

static bool take_mtu(struct capture_options *c, const char *val)
{
  uint64_t v;
  if (!text_parse_uint(val, MTU_MIN, MTU_MAX, &v)) return false;
  c->mtu = (unsigned)v;
  return true;
}

// An option of a capture with its value: 0 when it is none, 1 when the value is wrong, else 2.
static int take_capture(struct replay_options *o, const char *name, const char *val)
{
  struct capture_options *c = &o->capture;
  bool ok;
  if (!strcmp(name, "--as")) ok = text_parse_ipv4(val, &c->as);
  else if (!strcmp(name, "--engine")) ok = take_engine(c, val);
  else if (!strcmp(name, "--mtu")) ok = take_mtu(c, val);
  else if (!strcmp(name, "--options")) ok = take_offer(c, val);
  else if (!strcmp(name, "--seed")) ok = text_parse_uint(val, 0, UINT64_MAX, &c->seed);
  else if (!strcmp(name, "--record")) c->record = val, ok = true;
  else if (!strcmp(name, "--text")) c->text = val, ok = true;
  else return 0;
  if (!o->of_capture) o->of_capture = name;
  return ok ? 2 : 1;
}

// What is no option: the recording, or capture.
static bool take_dir(struct replay_options *o, const char *arg, bool behind_wave, char why[static WAVE_ERR_LEN])
{
  if (behind_wave) o->after_wave = arg;
  if (arg[0] != '-' && !o->dir) {
    o->dir = arg;
    return true;
  }
  if (arg[0] != '-' && o->after_wave) snprintf(why, WAVE_ERR_LEN, "replay: --wave %.80s: the name of a file of waves ends in .fst", o->after_wave);
  else snprintf(why, WAVE_ERR_LEN, "replay: %.80s: not understood (see lockwire replay --help)", arg);
  return false;
}

// Options that need others, or exclude them.
static bool fit_together(const struct replay_options *o, char why[static WAVE_ERR_LEN])
{
  bool looks = wave_wanted(&o->wave) && !o->wave.wave;
  if (!o->dir) snprintf(why, WAVE_ERR_LEN, "replay: which recording, or capture? (see lockwire replay --help)");
  else if (o->of_events && !o->events) snprintf(why, WAVE_ERR_LEN, "replay: %s is for --events FILE", o->of_events);
  else if (o->events && o->no_check) snprintf(why, WAVE_ERR_LEN, "replay: --events needs the checker: without it nothing is reported as retired");
  else if (o->events && wave_wanted(&o->wave)) snprintf(why, WAVE_ERR_LEN, "replay: either --events or what is at a frame or cycle");
  else if (o->stats && looks) snprintf(why, WAVE_ERR_LEN, "replay: --stats is for a replay, and without --wave a frame or cycle is only looked up");
  return !why[0];
}

static bool parse(struct replay_options *o, int argc, char **argv, char why[static WAVE_ERR_LEN])
{
  o->capture = (struct capture_options){.mtu = 1500, .seed = 1};
  o->to = UINT64_MAX;
  for (int i = 0; i < argc && !why[0]; i++) {
    const char *val = i + 1 < argc ? argv[i + 1] : NULL;
    int taken = val ? take_capture(o, argv[i], val) : 0;
    if (taken == 1) {
      snprintf(why, WAVE_ERR_LEN, "replay: %.40s: %.80s is not one (see lockwire replay --help)", argv[i], val);
      return false;
    } else if (taken) {
      i++;
    } else if (!strcmp(argv[i], "--help")) {
      return o->help = true;
    } else if (!strcmp(argv[i], "--force")) {
      o->force = true;
    } else if (!strcmp(argv[i], "--keep-vlan")) {
      o->capture.keep_vlan = true;
      o->of_capture = argv[i];
    } else if (!strcmp(argv[i], "--check") && val && (!strcmp(val, "on") || !strcmp(val, "off"))) {
      o->no_check = !strcmp(argv[++i], "off");
    } else if (!strcmp(argv[i], "--stats") && val) {
      o->stats = argv[++i];
    } else if (wave_option(&o->wave, argc, argv, &i, why)) {
      continue;
    } else if (parse_events(o, argv[i], val)) {
      i++;
    } else if (!take_dir(o, argv[i], i > 0 && !strcmp(argv[i - 1], "--wave"), why)) {
      return false;
    }
  }
  return !why[0] && fit_together(o, why);
}

static bool same_build(const struct stim_head *h, const struct replay_options *o)
{
  if (!strcmp(h->identity, nic_identity()) || o->force) return true;
  fprintf(stderr, "lockwire: %s was recorded with another build of the RTL (%.12s, this is %.12s): replay it with that one, see with "
          "--force where they differ, or replay its wire.pcapng as a capture\n", o->dir, h->identity, nic_identity());
  return false;
}

static int tell(const struct replay *r, double seconds)
{
  uint64_t lost, damaged;
  const struct check *k = r->nic->glue.check;
  bool complete = stim_complete(r->reader, &lost), bad = stim_damaged(r->reader, &damaged), checked = !k || !check_failed(k);
  if (r->damaged) {
    bad = true;
    damaged = r->damaged_cycle;
  }
  if (r->why[0]) printf("lockwire: replay of %s DIFFERS %s\n", r->opt->dir, r->why);
  if (k && !checked) check_report(k, stdout, NULL);
  if (bad) printf("lockwire: %s is damaged after cycle %" PRIu64 "\n", r->opt->dir, damaged);
  bool same = !r->why[0] && checked && !bad;
  if (same && !complete)
    printf("lockwire: %s has no end (the run was killed): whole up to cycle %" PRIu64 "\n", r->opt->dir, r->nic->cycles);
  printf("lockwire: replayed %" PRIu64 " cycles in %.1f s, %" PRIu64 " beats in, %" PRIu64 " beats out: %s\n", r->nic->cycles - r->from_cycle, seconds,
         r->beats_in, r->beats_out, same ? "the same" : "NOT the same");
  return same ? EXIT_GOOD : EXIT_DIFFERENCE;
}

static bool write_stats(const struct replay *r, int status)
{
  FILE *f = fopen(r->opt->stats, "w");
  if (!f) return false;
  fprintf(f, "{\"same\": %s, \"from_cycle\": %" PRIu64 ", \"cycles\": %" PRIu64 ", \"beats_in\": %" PRIu64 ", \"beats_out\": %" PRIu64 ", \"why\": ",
          status == EXIT_GOOD ? "true" : "false", r->from_cycle, r->nic->cycles - r->from_cycle, r->beats_in, r->beats_out);
  text_put_json(f, r->why);
  fputs(", \"counters\": ", f);
  summary_counters(f, r->nic->model);
  fputs(", \"check\": ", f);
  if (r->nic->glue.check) check_report_json(r->nic->glue.check, f);
  else fputs("null\n", f);
  fputs("}\n", f);
  bool ok = !ferror(f);
  return fclose(f) == 0 && ok;
}

// From the restart point before what is to be seen, or of the first segment that is there, when the run's beginning is not.
static bool begin_in_the_middle(struct replay *r)
{
  char err[STIM_ERR_LEN];
  struct blob b = {0};
  struct restart from;
  bool checked = r->nic->glue.check;
  restart_before(r->opt->dir, r->first, r->last, 0, &from);
  if (r->wave) from = *wave_start(r->wave);
  if (!from.path[0]) return true;
  bool ok = restart_read(&from, &b, &r->hash, err);
  if (ok && !nic_load(r->nic, &b, err)) {
    complain(from.path, err);
    ok = false;
  } else if (!ok) {
    complain("replay", err);
  }
  blob_free(&b);
  if (!ok) return false;
  r->now_us = r->nic->now_us;
  r->from_cycle = r->nic->cycles;
  if (r->wave) return true;
  printf("lockwire: %s begins after cycle %" PRIu64 ": what was before has made room\n", r->opt->dir, r->from_cycle);
  if (checked && !r->nic->glue.check) printf("lockwire: it was recorded with --check off, and cannot be checked from there on\n");
  return true;
}

static int end_wave(struct replay *r)
{
  if (r->why[0]) printf("lockwire: replay of %s DIFFERS %s\n", r->opt->dir, r->why);
  if (r->wave_err[0] || !wave_end(r->wave, r->nic, stdout, r->wave_err)) return complain("replay", r->wave_err);
  return r->why[0] ? EXIT_DIFFERENCE : EXIT_GOOD;
}

// From here on, what retires and what passes.
static bool write_down(struct replay *r)
{
  const struct events_log_options o = {r->opt->events, r->opt->from, r->opt->to, nic_build().num_flows, &r->nic->cycles, &r->nic->now_us};
  r->events = events_log_open(&o);
  if (r->events) r->nic->glue.watch = events_log_watch(r->events);
  return r->events;
}

static int run(struct replay *r, const struct stim_head *h)
{
  struct timespec from, to;
  r->nic = nic_open_replay(h, !r->opt->no_check && !r->wave, &r->tap);
  if (!r->nic) return complain("out of memory", NULL);
  if (!begin_in_the_middle(r)) {
    nic_close(r->nic);
    return EXIT_USAGE;
  }
  if (r->opt->events && !write_down(r)) {
    nic_close(r->nic);
    return complain(r->opt->events, strerror(errno));
  }
  clock_gettime(CLOCK_MONOTONIC, &from);
  all_cycles(r);
  clock_gettime(CLOCK_MONOTONIC, &to);
  int status = r->wave ? end_wave(r) : tell(r, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
  if (r->opt->stats && !write_stats(r, status)) status = complain(r->opt->stats, strerror(errno));
  if (!events_log_close(r->events)) status = complain(r->opt->events, strerror(errno));
  nic_close(r->nic);
  return status;
}

static bool same_head(const struct stim_head *a, const struct stim_head *b)
{
  return !strcmp(a->identity, b->identity) && !memcmp(a->mac, b->mac, sizeof a->mac) && a->max_frame == b->max_frame
         && !memcmp(a->hash_key, b->hash_key, sizeof a->hash_key) && a->seed == b->seed;
}

// All that is there belongs together; the reader stands at the beginning of the first.
static bool open_all(struct replay *r, struct stim_head *h)
{
  uint32_t missing;
  struct stim_head other;
  char path[SEGMENTS_PATH_LEN], err[STIM_ERR_LEN];
  if (!segments_find(r->opt->dir, &r->first, &r->last, &missing)) {
    segments_path(r->opt->dir, missing, SEGMENT_STIMULUS, path);
    complain(path, "is missing, or empty, between others");
    return false;
  }
  r->segment = r->first;
  r->reader = open_segment(r, r->first, h, err);
  if (!r->reader) complain("replay", err);
  for (uint32_t n = r->first; r->reader && n < r->last; n++) {
    struct stim_reader *next = open_segment(r, n + 1, &other, err);
    if (next && same_head(h, &other)) {
      stim_reader_close(next);
      continue;
    }
    complain("replay", next ? "these segments are of different recordings" : err);
    stim_reader_close(next);
    return false;
  }
  return r->reader;
}

// A frame or a cycle of the recording: what was there, and waves of it when they are asked for.
static int look(struct replay *r, const struct stim_head *h)
{
  struct stim_head again;
  char err[STIM_ERR_LEN];
  int status = EXIT_GOOD;
  r->wave = wave_open(&r->opt->wave, r->opt->dir, r->first, r->last, r->opt->force, r->wave_err);
  if (!r->wave) return complain("replay", r->wave_err);
  wave_tell(r->wave, stdout);
  if (r->opt->wave.wave) {
    stim_reader_close(r->reader);
    r->segment = wave_start(r->wave)->segment;
    r->reader = restart_open(r->opt->dir, wave_start(r->wave), &again, err);
    status = r->reader ? run(r, h) : complain("replay", err);
  }
  wave_close(r->wave);
  return status;
}

static int replay_recording(const struct replay_options *o, int argc, char **argv)
{
  struct replay r = {.tap = {&ops}, .opt = o};
  struct stim_head h;
  if (o->wave.wave) wave_hand_over(argc, argv);
  int status = EXIT_USAGE;
  if (open_all(&r, &h) && same_build(&h, o)) status = wave_wanted(&o->wave) ? look(&r, &h) : run(&r, &h);
  stim_reader_close(r.reader);
  return status;
}

int replay_main(int argc, char **argv, const struct pair_nic *nic)
{
  struct replay_options o = {0};
  struct stat s;
  char why[WAVE_ERR_LEN] = "";
  if (!parse(&o, argc, argv, why)) return complain(why, NULL);
  if (o.help) {
    fputs(usage, stdout);
    fputs(wave_usage, stdout);
    fputs(statuses, stdout);
    return EXIT_GOOD;
  }
  if (stat(o.dir, &s) != 0) return complain(o.dir, strerror(errno));
  if (S_ISDIR(s.st_mode)) return o.of_capture ? complain(o.of_capture, "is for captures, not for recordings") : replay_recording(&o, argc, argv);
  if (o.force || o.events || wave_wanted(&o.wave)) return complain(o.dir, "a capture has neither cycles nor waves: --record it first");
  o.capture.file = o.dir;
  o.capture.stats = o.stats;
  o.capture.no_check = o.no_check;
  uint64_t frame = 0;
  int status = capture_replay(&o.capture, nic, &frame);
  if (status == EXIT_DIFFERENCE && o.capture.record && !o.capture.engine_ref) wave_of_failure(o.capture.record, frame);
  return status;
}
