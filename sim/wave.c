// SPDX-License-Identifier: Apache-2.0
#include "wave.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "frames.h"
#include "gtkw.h"

enum { WAVE_AROUND = 200, AROUND_MAX = 100000, SETTLE_CYCLES = 16, PATH_LEN = SEGMENTS_PATH_LEN, NEAR_LINES = 24 };

const char wave_usage[] =
    "  --frame N       which cycles frame N of DIR/wire.pcapng was in the NIC's streams (N as Wireshark shows it; S:N of DIR/wire-S.pcapng\n"
    "                  of a recording in segments), and the frames around it; nothing is replayed\n"
    "  --cycle N       the same of a cycle\n"
    "  --wave [OUT.fst]  replay to that frame or cycle, or without either to what the checker found in the run, and write the waves around it\n"
    "                  and a save file for GTKWave beside them (default: DIR/wave-frame-N.fst or so); the checker does not follow\n"
    "  --around CYCLES so many before and after (default: 200)\n";

struct wave {
  const struct wave_options *o;
  const char *dir;
  uint32_t first, last;             // segments
  struct frames *frames;
  const struct frame_at *list;      // in the window
  size_t n_list;
  struct frame_at at;               // the frame that was asked for
  struct restart start;
  uint64_t marker, from, to;        // cycles: shown are from..to
  uint64_t shown;                   // the last cycle in the file; 0: none
  char fst[PATH_LEN], save[PATH_LEN];
  char rx_text[FRAMES_TEXT_LEN], tx_text[FRAMES_TEXT_LEN];
  const struct frame_at *rx, *tx;   // whose texts these are
};

static bool fail(char *err, const char *what, const char *why)
{
  snprintf(err, WAVE_ERR_LEN, "%.140s: %.140s", what, why);
  return false;
}

// --- options ---------------------------------------------------------------------------------------------------------

static bool parse_frame(struct wave_options *o, const char *val)
{
  char segment[16];
  uint64_t v = 0;
  const char *colon = strchr(val, ':');
  size_t n = colon ? (size_t)(colon - val) : 0;
  if (n >= sizeof segment) return false;
  memcpy(segment, val, n);
  segment[n] = '\0';
  if (colon && !text_parse_uint(segment, 1, UINT32_MAX, &v)) return false;
  o->segment = (uint32_t)v;
  return o->have_frame = text_parse_uint(colon ? colon + 1 : val, 1, UINT32_MAX, &o->frame);
}

bool wave_option(struct wave_options *o, int argc, char **argv, int *i, char why[static WAVE_ERR_LEN])
{
  const char *arg = argv[*i], *val = *i + 1 < argc ? argv[*i + 1] : "";
  bool ok = true;
  if (!strcmp(arg, "--wave")) {
    size_t n = strlen(val);
    o->wave = true;
    if (n > 4 && !strcmp(val + n - 4, ".fst")) o->out = argv[++*i];
    return true;
  }
  if (!strcmp(arg, "--frame")) ok = parse_frame(o, val);
  else if (!strcmp(arg, "--cycle")) ok = o->have_cycle = text_parse_uint(val, 1, UINT64_MAX / MODEL_WAVE_CYCLE / 2, &o->cycle);
  else if (!strcmp(arg, "--around")) ok = text_parse_uint(val, 1, AROUND_MAX, &o->around);
  else return false;
  if (!ok) snprintf(why, WAVE_ERR_LEN, "replay: %s %.80s: not understood (see lockwire replay --help)", arg, val);
  if (o->have_frame && o->have_cycle) snprintf(why, WAVE_ERR_LEN, "replay: either --frame or --cycle");
  ++*i;
  return true;
}

bool wave_wanted(const struct wave_options *o) { return o->wave || o->have_frame || o->have_cycle || o->around; }

// --- the window ------------------------------------------------------------------------------------------------------

// The cycle of report.json, in which the checker found something.
static bool failed_cycle(const char *dir, uint64_t *cycle)
{
  char path[PATH_LEN], head[64] = "";
  snprintf(path, sizeof path, "%.4000s/report.json", dir);
  FILE *f = fopen(path, "r");
  if (!f) return false;
  if (!fgets(head, sizeof head, f)) head[0] = '\0';
  fclose(f);
  return sscanf(head, "{\"ok\": false, \"cycle\": %" SCNu64, cycle) == 1;
}

static bool choose(struct wave *w, char err[static WAVE_ERR_LEN])
{
  const struct wave_options *o = w->o;
  uint64_t around = o->around ? o->around : WAVE_AROUND;
  w->marker = o->cycle;
  if (!o->have_frame && !o->have_cycle && !failed_cycle(w->dir, &w->marker))
    return fail(err, w->dir, "its run found nothing wrong: say which --frame or --cycle");
  if (o->have_frame && !frames_find(w->frames, o->segment, o->frame, &w->at, err)) return false;
  if (o->have_frame) w->marker = w->at.first;
  w->from = w->marker > around ? w->marker - around : 1;
  w->to = (o->have_frame ? w->at.last : w->marker) + around;
  return true;
}

// Where to begin: some cycles before the window. What was before the oldest segment has made room.
static bool choose_start(struct wave *w, bool force, char err[static WAVE_ERR_LEN])
{
  char what[40];
  uint64_t before = w->from > SETTLE_CYCLES ? w->from - SETTLE_CYCLES : 0;
  bool there = restart_before(w->dir, w->first, w->last, before, &w->start);
  if (force && w->first <= 1) w->start = (struct restart){.segment = w->first};   // restart points are for one build alone
  if (there) return true;
  snprintf(what, sizeof what, "cycle %" PRIu64, w->marker);
  if (w->marker <= w->start.cycle) return fail(err, what, "the recording begins later, what was before has made room");
  if (w->from <= w->start.cycle) w->from = w->start.cycle + 1;
  return true;
}

static bool name_files(struct wave *w, char err[static WAVE_ERR_LEN])
{
  const struct wave_options *o = w->o;
  int n;
  if (o->out) n = snprintf(w->fst, sizeof w->fst, "%s", o->out);
  else if (o->have_frame && o->segment) n = snprintf(w->fst, sizeof w->fst, "%s/wave-frame-%" PRIu32 "-%" PRIu64 ".fst", w->dir, o->segment, o->frame);
  else if (o->have_frame) n = snprintf(w->fst, sizeof w->fst, "%s/wave-frame-%" PRIu64 ".fst", w->dir, o->frame);
  else n = snprintf(w->fst, sizeof w->fst, "%s/wave-cycle-%" PRIu64 ".fst", w->dir, w->marker);
  if (n < 0 || (size_t)n + 2 > sizeof w->fst) return fail(err, w->dir, "its name is too long");
  snprintf(w->save, sizeof w->save, "%.*s.gtkw", n - 4, w->fst);
  return true;
}

static bool may_trace(const struct wave_options *o, const char *dir, char err[static WAVE_ERR_LEN])
{
  char which[48] = "";
  if (!o->wave || model_info().can_wave) return true;
  if (o->have_frame && o->segment) snprintf(which, sizeof which, " FRAME=%" PRIu32 ":%" PRIu64, o->segment, o->frame);
  else if (o->have_frame) snprintf(which, sizeof which, " FRAME=%" PRIu64, o->frame);
  else if (o->have_cycle) snprintf(which, sizeof which, " CYCLE=%" PRIu64, o->cycle);
  snprintf(err, WAVE_ERR_LEN, "this build cannot trace: make wave RUN=%.200s%s", dir, which);
  return false;
}

struct wave *wave_open(const struct wave_options *o, const char *dir, uint32_t first, uint32_t last, bool force, char err[static WAVE_ERR_LEN])
{
  struct wave *w = calloc(1, sizeof *w);
  if (!w) {
    fail(err, dir, "out of memory");
    return NULL;
  }
  *w = (struct wave){.o = o, .dir = dir, .first = first, .last = last};
  if (may_trace(o, dir, err) && (w->frames = frames_open(dir, first, last, model_info().data_bits / 8, err)) && choose(w, err)
      && choose_start(w, force, err) && name_files(w, err) && frames_between(w->frames, w->from, w->to, &w->list, &w->n_list, err)) return w;
  wave_close(w);
  return NULL;
}

void wave_close(struct wave *w)
{
  if (!w) return;
  frames_close(w->frames);
  free(w);
}

const struct restart *wave_start(const struct wave *w) { return &w->start; }

// --- the frames around -------------------------------------------------------------------------------------------------

static void tell_frame(const struct frame_at *p, bool asked, FILE *out)
{
  char name[32], text[FRAMES_TEXT_LEN], flow[16] = "-", cycles[48];
  if (p->flow >= 0) snprintf(flow, sizeof flow, "%d", p->flow);
  snprintf(cycles, sizeof cycles, "%" PRIu64 "-%" PRIu64, p->first, p->last);
  fprintf(out, "%s %10s  %-3s  flow %-4s  cycles %-21s  %s\n", asked ? ">" : " ", frame_name(p, name), p->out ? "out" : "in", flow, cycles,
          frame_text(p, text));
}

// How many lie between it and the marker.
static uint64_t distance(const struct wave *w, const struct frame_at *p)
{
  return p->first > w->marker ? p->first - w->marker : p->last < w->marker ? w->marker - p->last : 0;
}

// The nearest, in their order.
void wave_tell(const struct wave *w, FILE *out)
{
  uint64_t reach = 0;
  for (size_t n = 0; n < NEAR_LINES && reach < UINT64_MAX;) {   // as far as so many reach
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < w->n_list; i++)
      if (distance(w, &w->list[i]) >= reach && distance(w, &w->list[i]) < next) next = distance(w, &w->list[i]);
    for (size_t i = 0; i < w->n_list && next < UINT64_MAX; i++) n += distance(w, &w->list[i]) == next;
    reach = next == UINT64_MAX ? next : next + 1;
  }
  fprintf(out, "lockwire: %s: frames in cycles %" PRIu64 " to %" PRIu64 ", around cycle %" PRIu64 ":%s\n", w->dir, w->from, w->to, w->marker,
          w->n_list ? "" : " none");
  for (size_t i = 0; i < w->n_list; i++) {
    const struct frame_at *p = &w->list[i];
    if (distance(w, p) < reach) tell_frame(p, w->o->have_frame && p->number == w->o->frame && p->segment == w->o->segment, out);
  }
}

// --- the file --------------------------------------------------------------------------------------------------------

static const struct frame_at *on_stream(const struct wave *w, bool out, uint64_t cycle)
{
  for (size_t i = 0; i < w->n_list; i++) {
    const struct frame_at *p = &w->list[i];
    if (p->out == out && p->first <= cycle && cycle <= p->last) return p;
  }
  return NULL;
}

static uint32_t note_frame(const struct frame_at *p, const struct frame_at **had, char text[static FRAMES_TEXT_LEN])
{
  if (p != *had) {
    if (p) frame_text(p, text);
    else text[0] = '\0';
  }
  *had = p;
  return p ? (uint32_t)p->number : 0;
}

static struct model_note note_of(struct wave *w, uint64_t cycle)
{
  struct model_note n = {.cycle = cycle, .rx_text = w->rx_text, .tx_text = w->tx_text};
  n.rx_frame = note_frame(on_stream(w, false, cycle), &w->rx, w->rx_text);
  n.tx_frame = note_frame(on_stream(w, true, cycle), &w->tx, w->tx_text);
  return n;
}

bool wave_turn(struct wave *w, struct nic *n, char err[static WAVE_ERR_LEN])
{
  uint64_t cycle = n->cycles + 1;
  if (cycle < w->from) return true;
  if (cycle > w->to) return false;
  if (!w->shown) {
    struct model_note first = note_of(w, cycle);
    errno = 0;
    if (!model_wave_open(n->model, w->fst, &first)) return fail(err, w->fst, errno ? strerror(errno) : "cannot be written");
  }
  struct model_note next = note_of(w, cycle + 1);
  model_wave_note(n->model, &next);
  w->shown = cycle;
  return true;
}

bool wave_end(struct wave *w, struct nic *n, FILE *out, char err[static WAVE_ERR_LEN])
{
  char what[40];
  snprintf(what, sizeof what, "cycle %" PRIu64, w->marker);
  if (!w->shown) return fail(err, what, "the replay ended before it");
  model_wave_close(n->model);
  struct gtkw g = {.fst = w->fst, .from = w->from * MODEL_WAVE_CYCLE, .to = (w->shown + 1) * MODEL_WAVE_CYCLE, .marker = w->marker * MODEL_WAVE_CYCLE};
  if (w->o->have_frame) {
    g.first = w->at.first * MODEL_WAVE_CYCLE;
    g.last = w->at.last * MODEL_WAVE_CYCLE;
  }
  if (!gtkw_write(w->save, &g)) return fail(err, w->save, strerror(errno));
  fprintf(out, "lockwire: waves of cycles %" PRIu64 " to %" PRIu64 ", the marker at cycle %" PRIu64 ", which is %" PRIu64 " ns there; open them with\n"
          "gtkwave %s %s\n", w->from, w->shown, w->marker, w->marker * MODEL_WAVE_CYCLE, w->fst, w->save);
  if (w->shown < w->marker) fprintf(out, "lockwire: the replay ended at cycle %" PRIu64 ", before the marker\n", w->shown);
  return true;
}

// --- the build that traces ---------------------------------------------------------------------------------------------

// wave/lockwire beside this program; false: it is not there.
static bool find_tracing(char path[static PATH_LEN])
{
  ssize_t n = readlink("/proc/self/exe", path, PATH_LEN - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  if (model_info().can_wave) return true;
  char *slash = strrchr(path, '/');
  if (!slash || (size_t)(slash - path) + sizeof "/wave/lockwire" > PATH_LEN) return false;
  memcpy(slash, "/wave/lockwire", sizeof "/wave/lockwire");
  return !access(path, X_OK);
}

void wave_hand_over(int argc, char **argv)
{
  char path[PATH_LEN];
  if (model_info().can_wave || !find_tracing(path)) return;
  char **args = calloc((size_t)argc + 3, sizeof *args);
  if (!args) return;
  args[0] = path;
  args[1] = (char[]){"replay"};
  for (int i = 0; i < argc; i++) args[i + 2] = argv[i];
  execv(path, args);
  free(args);
}

void wave_of_failure(const char *dir, uint64_t frame)
{
  char path[PATH_LEN], number[24];
  uint64_t cycle;
  int status;
  if (failed_cycle(dir, &cycle)) frame = 0;
  else if (!frame) return;
  snprintf(number, sizeof number, "%" PRIu64, frame);
  bool can = find_tracing(path);
  fflush(NULL);
  pid_t pid = can ? fork() : -1;
  if (pid == 0) {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execl(path, path, "replay", dir, "--wave", frame ? "--frame" : (char *)NULL, number, (char *)NULL);
    _exit(127);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
    fprintf(stderr, "lockwire: to see it in waves: make wave RUN=%s%s%s\n", dir, frame ? " FRAME=" : "", frame ? number : "");
}
