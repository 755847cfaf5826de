// SPDX-License-Identifier: Apache-2.0
// A recording of the NIC: a tap that writes stimulus.bin, the manifest beside it, and restart points between segments.
#ifndef LW_RECORDER_H
#define LW_RECORDER_H
#include "glue/glue.h"
#include "recording.h"
#include "stimulus.h"

struct recorder;

struct recorder_options {
  struct recording *recording;     // borrowed
  struct stim_head head;
  const uint64_t *cycle;           // the NIC's clock cycle, borrowed
  const char *command;             // for the manifest: how the run was started
};

// NULL with one line in err.
struct recorder *recorder_open(const struct recorder_options *o, char err[static STIM_ERR_LEN]);
struct glue_tap *recorder_tap(struct recorder *r);
// The NIC's time input, told before the cycle that first sees it.
void recorder_time(struct recorder *r, uint64_t now_us);
// Writes out what is there, when a second of now_us has passed. False when a write failed: errno says why; the recording ends.
bool recorder_flush(struct recorder *r, uint64_t now_us);

// A segment is full: recorder_restart, then the NIC's state behind what that has put, then recorder_next. Both fail like a flush.
bool recorder_due(const struct recorder *r);
struct blob *recorder_restart(struct recorder *r);
bool recorder_next(struct recorder *r);
// What recorder_restart has put; false: b holds no restart point.
bool recorder_restart_read(struct blob *b, uint64_t *hash);

// Without segments there are restart points on the way, some seconds of a replay apart, for a wave to begin at. It is time for one:
// recorder_point (NULL: no more of them), then the NIC's state behind what that has put, then recorder_point_end.
bool recorder_point_due(const struct recorder *r);
struct blob *recorder_point(struct recorder *r);
void recorder_point_end(struct recorder *r);
// What recorder_point has put.
bool recorder_point_read(struct blob *b, struct stim_place *place, uint64_t *hash);

// Ends the recording, with what the checker found (NULL: there was none) in report.json; what fails is told to the recording, as `error`
// is, an errno of before or 0. r NULL is allowed.
void recorder_close(struct recorder *r, const struct check *k, int error);
#endif
