// SPDX-License-Identifier: Apache-2.0
#include "recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model.h"

enum { FLUSH_US = 1000000 };

struct recorder {
  struct glue_tap tap;             // first
  struct stim_writer *w;
  const uint64_t *cycle;
  struct recording *recording;
  struct stim_head head;
  uint64_t now_us, flushed_us;
  bool timed;
  uint64_t point_cycle;            // of the last restart point on the way
  char *report;                    // path of report.json
};

static struct recorder *of(struct glue_tap *t) { return (struct recorder *)t; }

static void pass(struct glue_tap *t, const struct glue_beat *b)
{
  const struct recorder *r = of(t);
  stim_put_beat(r->w, *r->cycle, b);
}

static const struct glue_tap_ops ops = {.pass = pass};

static bool write_manifest(const struct recorder_options *o, const char *path)
{
  struct model_info i = model_info();
  FILE *f = fopen(path, "w");
  if (!f) return false;
  fprintf(f, "{\n  \"format\": 1,\n  \"identity\": \"%s\",\n  \"data_bits\": %u,\n  \"flows\": %u,\n  \"tx_ring_bytes\": %" PRIu32
          ",\n  \"rx_ring_bytes\": %" PRIu32 ",\n  \"max_frame\": %u,\n  \"seed\": %" PRIu64 ",\n  \"command\": ",
          o->head.identity, i.data_bits, i.num_flows, i.tx_ring_bytes, i.rx_ring_bytes, o->head.max_frame, o->head.seed);
  text_put_json(f, o->command);
  fputs("\n}\n", f);
  bool ok = !ferror(f);
  return fclose(f) == 0 && ok;
}

struct recorder *recorder_open(const struct recorder_options *o, char err[static STIM_ERR_LEN])
{
  char path[SEGMENTS_PATH_LEN];
  struct recorder *r = calloc(1, sizeof *r);
  if (!r) {
    snprintf(err, STIM_ERR_LEN, "out of memory");
    return NULL;
  }
  *r = (struct recorder){.tap = {&ops}, .cycle = o->cycle, .recording = o->recording, .head = o->head};
  snprintf(path, sizeof path, "%s/manifest.json", recording_dir(o->recording));
  if (!write_manifest(o, path)) {
    snprintf(err, STIM_ERR_LEN, "%.120s: %s", path, strerror(errno));
    free(r);
    return NULL;
  }
  recording_path(o->recording, SEGMENT_STIMULUS, path);
  r->w = stim_create(path, &o->head, 0, err);
  snprintf(path, sizeof path, "%s/report.json", recording_dir(o->recording));
  r->report = strdup(path);
  if (r->w && r->report) return r;
  stim_close(r->w, 0);
  free(r->report);
  free(r);
  return NULL;
}

struct glue_tap *recorder_tap(struct recorder *r) { return &r->tap; }

void recorder_time(struct recorder *r, uint64_t now_us)
{
  if (r->timed && r->now_us == now_us) return;
  stim_put_time(r->w, *r->cycle, now_us);
  r->now_us = now_us;
  r->timed = true;
}

bool recorder_flush(struct recorder *r, uint64_t now_us)
{
  if (now_us - r->flushed_us < FLUSH_US) return true;
  r->flushed_us = now_us;
  return stim_flush(r->w);
}

// --- segments --------------------------------------------------------------------------------------------------------

static const char magic[8] = "LWREST1\n";

bool recorder_due(const struct recorder *r) { return recording_due(r->recording, stim_written(r->w)); }

struct blob *recorder_restart(struct recorder *r)
{
  uint64_t hash = stim_hash_now(r->w);
  struct blob *b = recording_restart(r->recording);
  if (!b) return NULL;
  blob_put(b, magic, sizeof magic);
  blob_put(b, &hash, sizeof hash);
  return b;
}

bool recorder_restart_read(struct blob *b, uint64_t *hash)
{
  char got[sizeof magic];
  return blob_get(b, got, sizeof got) && !memcmp(got, magic, sizeof magic) && blob_get(b, hash, sizeof *hash);
}

static const char point_magic[8] = "LWPOINT\n";

bool recorder_point_due(const struct recorder *r) { return recording_point_due(r->recording, *r->cycle - r->point_cycle, stim_written(r->w)); }

struct blob *recorder_point(struct recorder *r)
{
  struct blob *b = recording_point(r->recording);
  r->point_cycle = *r->cycle;
  if (!b) return NULL;
  uint64_t hash = stim_hash_now(r->w);
  struct stim_place place = stim_place(r->w);
  blob_put(b, point_magic, sizeof point_magic);
  blob_put(b, &place, sizeof place);
  blob_put(b, &hash, sizeof hash);
  return b;
}

void recorder_point_end(struct recorder *r) { recording_point_end(r->recording); }

bool recorder_point_read(struct blob *b, struct stim_place *place, uint64_t *hash)
{
  char got[sizeof point_magic];
  return blob_get(b, got, sizeof got) && !memcmp(got, point_magic, sizeof got) && blob_get(b, place, sizeof *place) && blob_get(b, hash, sizeof *hash);
}

// What was recorded is complete in its file before another is begun.
bool recorder_next(struct recorder *r)
{
  char path[SEGMENTS_PATH_LEN], err[STIM_ERR_LEN];
  uint64_t hash = stim_hash_now(r->w), bytes = stim_written(r->w);
  bool ok = stim_close(r->w, *r->cycle);
  r->w = NULL;
  if (!ok || !recording_next(r->recording, bytes)) return false;
  recording_path(r->recording, SEGMENT_STIMULUS, path);
  r->w = stim_create(path, &r->head, hash, err);
  r->timed = false;
  return r->w;
}

static bool write_report(const struct recorder *r, const struct check *k)
{
  FILE *f = fopen(r->report, "w");
  if (!f) return false;
  check_report_json(k, f);
  bool ok = !ferror(f);
  return fclose(f) == 0 && ok;
}

void recorder_close(struct recorder *r, const struct check *k, int error)
{
  if (!r) return;
  recording_failed(r->recording, error);
  if (!stim_close(r->w, *r->cycle)) recording_failed(r->recording, errno);
  if (k && !write_report(r, k)) recording_failed(r->recording, errno);
  free(r->report);
  free(r);
}
