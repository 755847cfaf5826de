// SPDX-License-Identifier: Apache-2.0
// The restart points of a recording: of each segment but the first, or on the way in one without segments (recorder.h).
#ifndef LW_RESTART_H
#define LW_RESTART_H
#include "base/blob.h"
#include "stimulus.h"
#include "wire/segments.h"

struct restart {
  uint32_t segment;                // it is in this one, or begins it; 0: a recording without segments
  uint64_t cycle;                  // the last that was clocked; 0: the run's beginning, without a file
  bool on_the_way;
  struct stim_place place;         // of one on the way
  char path[SEGMENTS_PATH_LEN];    // empty: the run's beginning
};

// The last that is not after this cycle, in a recording whose segments are first to last (segments_find). False: what is there
// begins later; *r is where, then.
bool restart_before(const char *dir, uint32_t first, uint32_t last, uint64_t cycle, struct restart *r);
// A reader at what follows it. NULL with one line in err.
struct stim_reader *restart_open(const char *dir, const struct restart *r, struct stim_head *h, char err[static STIM_ERR_LEN]);
// Into an empty blob, up to the NIC's state, with what the hash was. False with one line in err.
bool restart_read(const struct restart *r, struct blob *b, uint64_t *hash, char err[static STIM_ERR_LEN]);
#endif
