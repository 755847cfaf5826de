// SPDX-License-Identifier: Apache-2.0
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/whole.h"

struct recording {
  struct segments seg;
  char *dir;
  struct wire *wire;               // borrowed; NULL: none
  FILE *faults;
  struct blob restart;             // kept until it is written
  struct whole *writing;
  bool no_points;                  // no more restart points on the way
  int error;                       // the first that befell any of its files
};

struct recording *recording_open(const char *dir, uint64_t limit_bytes, char err[static WIRE_ERR_LEN])
{
  struct recording *r = calloc(1, sizeof *r);
  if (r && (r->dir = strdup(dir)) && (!mkdir(dir, 0777) || errno == EEXIST)) {
    segments_begin(&r->seg, r->dir, limit_bytes);
    return r;
  }
  snprintf(err, WIRE_ERR_LEN, "--record %.100s: %s", dir, strerror(errno));
  if (r) free(r->dir);
  free(r);
  return NULL;
}

const char *recording_dir(const struct recording *r) { return r->dir; }
bool recording_limited(const struct recording *r) { return r->seg.limit_bytes; }

void recording_path(const struct recording *r, enum segment_file file, char path[static SEGMENTS_PATH_LEN])
{
  segments_path(r->dir, r->seg.now, file, path);
}

FILE *recording_faults(struct recording *r, char err[static WIRE_ERR_LEN])
{
  char path[SEGMENTS_PATH_LEN];
  recording_path(r, SEGMENT_FAULTS, path);
  r->faults = fopen(path, "w");
  if (!r->faults) snprintf(err, WIRE_ERR_LEN, "%.100s: %s", path, strerror(errno));
  return r->faults;
}

struct wire *recording_wire(struct recording *r, struct wire *wire, uint64_t epoch_us, const struct wire_record_note *note,
                            char err[static WIRE_ERR_LEN])
{
  char path[SEGMENTS_PATH_LEN];
  recording_path(r, SEGMENT_WIRE, path);
  return r->wire = wire_record_open(wire, path, epoch_us, note, &r->error, err);
}

bool recording_may_grow(const struct recording *r, char err[static WIRE_ERR_LEN])
{
  if (!r->seg.limit_bytes || !faccessat(AT_FDCWD, r->dir, W_OK | X_OK, AT_EACCESS)) return true;
  snprintf(err, WIRE_ERR_LEN, "--record-limit: %.60s: %s without privileges: its owner must be who runs this", r->dir, strerror(errno));
  return false;
}

static uint64_t bytes_of(const struct recording *r, uint64_t stimulus_bytes)
{
  return stimulus_bytes + (r->wire ? wire_record_bytes(r->wire) : 0);
}

bool recording_due(const struct recording *r, uint64_t stimulus_bytes) { return segments_due(&r->seg, bytes_of(r, stimulus_bytes)); }

bool recording_point_due(const struct recording *r, uint64_t cycles, uint64_t stimulus_bytes)
{
  return !r->no_points && segments_point_due(&r->seg, cycles, bytes_of(r, stimulus_bytes));
}

static bool restart_written(struct recording *r)
{
  int error = whole_end(r->writing);
  r->writing = NULL;
  errno = error;
  return !error;
}

struct blob *recording_restart(struct recording *r)
{
  if (!restart_written(r)) return NULL;
  blob_clear(&r->restart);
  return &r->restart;
}

static bool write_restart(struct recording *r)
{
  char path[SEGMENTS_PATH_LEN];
  if (!r->restart.n) return true;
  errno = ENOMEM;
  if (r->restart.bad) return false;
  recording_path(r, SEGMENT_RESTART, path);
  r->writing = whole_write(path, &r->restart);
  return r->writing;
}

static void points_written(struct recording *r)
{
  r->no_points |= whole_end(r->writing) != 0;
  r->writing = NULL;
}

struct blob *recording_point(struct recording *r)
{
  if (r->seg.limit_bytes) return NULL;
  points_written(r);
  blob_clear(&r->restart);
  return r->no_points ? NULL : &r->restart;
}

void recording_point_end(struct recording *r)
{
  char path[SEGMENTS_PATH_LEN];
  segments_path(r->dir, segments_point(&r->seg, r->restart.n), SEGMENT_RESTART, path);
  r->writing = r->restart.bad ? NULL : whole_write(path, &r->restart);
  r->no_points = !r->writing;
}

// The fault wire's log goes on under the same FILE.
static bool next_faults(const struct recording *r)
{
  char path[SEGMENTS_PATH_LEN];
  if (!r->faults) return true;
  recording_path(r, SEGMENT_FAULTS, path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool ok = fd >= 0 && fflush(r->faults) == 0 && dup3(fd, fileno(r->faults), O_CLOEXEC) >= 0;
  int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  return ok;
}

static uint64_t fault_bytes(const struct recording *r)
{
  struct stat st;
  return r->faults && !fflush(r->faults) && !fstat(fileno(r->faults), &st) ? (uint64_t)st.st_size : 0;
}

// The segments up to now can be replayed without the new restart point: that it is still being written does no harm.
bool recording_next(struct recording *r, uint64_t stimulus_bytes)
{
  char path[SEGMENTS_PATH_LEN];
  if (!segments_next(&r->seg, bytes_of(r, stimulus_bytes) + fault_bytes(r), r->restart.n)) return false;
  recording_path(r, SEGMENT_WIRE, path);
  if (r->wire) wire_record_next(r->wire, path);
  return write_restart(r) && next_faults(r);
}

int recording_error(const struct recording *r) { return r ? r->error : 0; }

void recording_failed(struct recording *r, int error)
{
  if (!r->error) r->error = error;   // 0 is none
}

bool recording_turn(struct recording *r)
{
  bool good = !r || !recording_due(r, 0) || recording_next(r, 0);
  if (!good) recording_failed(r, errno);
  return good;
}

bool recording_close(struct recording *r)
{
  if (!r) return true;
  if (!r->seg.limit_bytes) points_written(r);
  int error = restart_written(r) ? r->error : errno;
  if (r->faults && fclose(r->faults) != 0 && !error) error = errno;
  blob_free(&r->restart);
  free(r->dir);
  free(r);
  errno = error;
  return !error;
}
