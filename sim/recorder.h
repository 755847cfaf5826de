// SPDX-License-Identifier: Apache-2.0
// A recording of the NIC: a tap that writes stimulus.bin, and the manifest beside it.
#ifndef LW_RECORDER_H
#define LW_RECORDER_H
#include "glue/glue.h"
#include "stimulus.h"

struct recorder;

struct recorder_options {
  const char *dir;                 // exists
  struct stim_head head;
  const uint64_t *cycle;           // the NIC's clock cycle, borrowed
  const char *command;             // for the manifest: how the run was started
  uint64_t limit_bytes;            // the recording ends when stimulus.bin has grown to this; 0: never
};

// NULL with one line in err.
struct recorder *recorder_open(const struct recorder_options *o, char err[static STIM_ERR_LEN]);
struct glue_tap *recorder_tap(struct recorder *r);
// The NIC's time input, told before the cycle that first sees it.
void recorder_time(struct recorder *r, uint64_t now_us);
// Writes out what is there, when a second of now_us has passed. False when a write failed: errno says why; the recording ends.
bool recorder_flush(struct recorder *r, uint64_t now_us);
// The limit is reached, and what follows is not recorded.
bool recorder_full(const struct recorder *r);
// Ends the recording, with what the checker found (NULL: there was none) in report.json. False when it could not be written
// in full; r NULL is allowed.
bool recorder_close(struct recorder *r, const struct check *k);
#endif
