// SPDX-License-Identifier: Apache-2.0
// nic_case: one input of the fuzzer, step by step; and as files, for Wireshark and for `lockwire replay`. And the seeds it begins with.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frame_text.h"
#include "fuzz/bed.h"
#include "recording.h"
#include "tools/hand.h"

static const char usage[] =
    "nic_case: shows an input of nic_fuzz: what host, peer and clock do, what the NIC sends, and what is wrong with it\n\n"
    "usage: nic_case FILE [DIR]\n"
    "       nic_case --seeds DIR COUNT\n\n"
    "  FILE    the input\n"
    "  DIR     made, and in it: input, steps.txt (what is also printed), wire.pcapng (every frame both ways, with a handshake for each flow that\n"
    "          the host opened by hand), and the recording: `lockwire replay DIR` of the same build does it again, cycle for cycle\n"
    "  --seeds writes the first COUNT inputs that the fuzzer begins with into DIR\n\n"
    "status 0: nothing is wrong with it; 1: something is; 2: usage or files\n";

struct show {
  struct nic *nic;
  struct recording *recording;   // NULL: not asked for
  struct wire *wire;             // through which frames are recorded
  struct wire_record_note note;
  const uint8_t *frame;          // to be received by it
  size_t len;
  FILE *to[2];                   // the screen; steps.txt, NULL: likewise
  struct frame_text *text[2];    // there
};

static struct show *shown;       // for what ends the process

static void fail(const char *what, const char *why)
{
  fprintf(stderr, "nic_case: %s: %s\n", what, why);
  exit(2);
}

// --- a wire to nowhere: what is recorded is what passes it ---------------------------------------------------------------

static int nowhere_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  (void)w;
  if (!shown->len || shown->len > cap) return 0;
  memcpy(buf, shown->frame, shown->len);
  return (int)shown->len;
}

static bool nowhere_send(struct wire *w, const uint8_t *frame, size_t len)
{
  (void)w, (void)frame, (void)len;
  return true;
}

static int nowhere_fd(struct wire *w)
{
  (void)w;
  return -1;
}

static void nowhere_close(struct wire *w) { (void)w; }

static const struct wire_ops nowhere = {.recv = nowhere_recv, .send = nowhere_send, .fd = nowhere_fd, .close = nowhere_close};

// --- what is told --------------------------------------------------------------------------------------------------------

static void put_cycle(struct show *s, int i) { fprintf(s->to[i], "%8" PRIu64 "  ", s->nic->cycles); }

static void line(struct show *s, const char *text)
{
  for (int i = 0; i < 2; i++) {
    if (!s->to[i]) continue;
    put_cycle(s, i);
    fprintf(s->to[i], "%s\n", text);
  }
}

static void says(void *user, const char *text) { line(user, text); }

static void frame_passes(void *user, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t now_us)
{
  struct show *s = user;
  uint8_t buf[WIRE_FRAME_MAX];
  for (int i = 0; i < 2; i++) {
    if (!s->text[i]) continue;
    put_cycle(s, i);
    frame_text_put(s->text[i], way == MONITOR_SENT ? '<' : '>', frame, len, now_us);
  }
  if (!s->wire) return;
  s->note.cycle = s->nic->cycles;
  s->note.now_us = now_us;
  s->frame = frame;
  s->len = len;
  if (way == MONITOR_SENT) wire_send(s->wire, frame, len);
  else wire_recv(s->wire, buf, sizeof buf);
}

// --- files ---------------------------------------------------------------------------------------------------------------

static size_t load(const char *path, uint8_t out[static STEP_SIZE_MAX])
{
  FILE *f = fopen(path, "rb");
  if (!f) {
    perror(path);
    exit(2);
  }
  size_t n = fread(out, 1, STEP_SIZE_MAX, f);
  fclose(f);
  return n;
}

static FILE *create(const char *dir, const char *name)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "wb");
  if (f) return f;
  perror(path);
  exit(2);
}

static void save(const char *dir, const char *name, const void *data, size_t n)
{
  FILE *f = create(dir, name);
  bool ok = fwrite(data, 1, n, f) == n;
  if (fclose(f) != 0 || !ok) fail(dir, "cannot write");
}

static int seeds(const char *dir, unsigned count)
{
  uint8_t data[STEP_SIZE_MAX];
  char name[20];
  mkdir(dir, 0777);
  for (unsigned i = 0; i < count; i++) {
    snprintf(name, sizeof name, "%04u", i);
    save(dir, name, data, step_seed(i, data));
  }
  return 0;
}

// The NIC's own recording and the wire's, in one directory.
static void open_recording(struct show *s, const char *dir)
{
  static struct wire end = {.ops = &nowhere};
  char err[STIM_ERR_LEN], path[4096];
  s->recording = recording_open(dir, 0, err);
  if (!s->recording) fail(dir, err);
  snprintf(path, sizeof path, "%s/wire.pcapng", dir);
  static int error;
  s->wire = wire_record_open(&end, path, 0, &s->note, &error, err);
  if (!s->wire) fail(dir, err);
  s->to[1] = create(dir, "steps.txt");
}

static void close_all(struct show *s)
{
  nic_close(s->nic);
  wire_close(s->wire);
  if (s->recording && !recording_close(s->recording)) fail("recording", "cannot write all of it");
  for (int i = 0; i < 2; i++) frame_text_close(s->text[i]);
  if (s->to[1]) fclose(s->to[1]);
}

// An assertion of the RTL ends the process from inside the model: what was recorded up to then is to be whole.
static void on_abort(int sig)
{
  (void)sig;
  struct show *s = shown;
  if (!s || !s->recording) return;
  shown = NULL;
  line(s, "the process stops here: an assertion of the RTL, or of ours");
  fflush(stdout);
  recorder_close(s->nic->recorder, s->nic->glue.check, 0);
  wire_close(s->wire);
  recording_close(s->recording);
  fclose(s->to[1]);
}

static void report(struct show *s, const char *why)
{
  for (int i = 0; i < 2; i++) {
    if (!s->to[i]) continue;
    fprintf(s->to[i], "%s%s\n", why[0] ? "wrong: " : "", why[0] ? why : "nothing is wrong");
    if (why[0] && hand_failed(s->nic)) check_report(s->nic->glue.check, s->to[i], NULL);
  }
}

static int show(const char *file, const char *dir)
{
  uint8_t data[STEP_SIZE_MAX];
  char why[BED_WHY];
  struct show s = {.to = {stdout}};
  const struct bed_watch watch = {frame_passes, says, &s};
  size_t n = load(file, data);
  shown = &s;
  if (dir) open_recording(&s, dir);
  for (int i = 0; i < 2; i++)   // with the numbers that the host has, and the checker
    if (s.to[i] && !(s.text[i] = frame_text_open(s.to[i], false))) fail(file, "out of memory");
  s.nic = hand_nic_recorded(s.recording);
  if (!s.nic || !bed_settle(s.nic)) fail(file, "the NIC does not come up");
  if (dir) save(dir, "input", data, n);
  signal(SIGABRT, on_abort);
  bool ok = bed_run(s.nic, data, n, &watch, why);
  signal(SIGABRT, SIG_DFL);
  report(&s, why);
  close_all(&s);
  return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
  if (argc == 4 && !strcmp(argv[1], "--seeds")) return seeds(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
  if (argc == 2 && !strcmp(argv[1], "--help")) return fputs(usage, stdout) == EOF;
  if (argc != 2 && argc != 3) {
    fputs(usage, stderr);
    return 2;
  }
  return show(argv[1], argc == 3 ? argv[2] : NULL);
}
