// SPDX-License-Identifier: Apache-2.0
// A recording's directory while a run writes it: the files of its present segment, and the turn to the next when that is full
// (wire/segments.h). The NIC's part of it is recorder.h's.
#ifndef LW_RECORDING_H
#define LW_RECORDING_H
#include <stdio.h>

#include "base/blob.h"
#include "wire/segments.h"
#include "wire/wire.h"

struct recording;

// Makes the directory. limit_bytes: of stimulus, wire and restart points together; 0: none. NULL with one line in err.
struct recording *recording_open(const char *dir, uint64_t limit_bytes, char err[static WIRE_ERR_LEN]);
// The log of a fault wire, lent; and the wire that keeps every frame, around `wire`, which it takes over as wire_record_open does.
FILE *recording_faults(struct recording *r, char err[static WIRE_ERR_LEN]);
struct wire *recording_wire(struct recording *r, struct wire *wire, uint64_t epoch_us, const struct wire_record_note *note,
                            char err[static WIRE_ERR_LEN]);
const char *recording_dir(const struct recording *r);
bool recording_limited(const struct recording *r);   // so restart points will be wanted
void recording_path(const struct recording *r, enum segment_file file, char path[static SEGMENTS_PATH_LEN]);
// Files can still be made, now that privileges are gone. False with one line in err.
bool recording_may_grow(const struct recording *r, char err[static WIRE_ERR_LEN]);

// It is time for the next segment, with so many bytes of stimulus in this one.
bool recording_due(const struct recording *r, uint64_t stimulus_bytes);
// Where the restart point of the next segment is to be put, empty; without one (no NIC) it stays so. NULL: the one before could
// not be written, errno says why.
struct blob *recording_restart(struct recording *r);
// The next segment: what is recorded from now on goes to its files, its restart point is written meanwhile. False: errno.
bool recording_next(struct recording *r, uint64_t stimulus_bytes);
// Without a limit: so many cycles after the last, it is time for a restart point on the way.
bool recording_point_due(const struct recording *r, uint64_t cycles, uint64_t stimulus_bytes);
// Where it is to be put, empty; recording_point_end writes it, meanwhile, under the next number. What
// fails is no harm, there will be no more of them: then a replay begins further back. NULL: none is wanted.
struct blob *recording_point(struct recording *r);
void recording_point_end(struct recording *r);
// All of that where no NIC is recorded. NULL is allowed.
bool recording_turn(struct recording *r);
// Why something could not be written, an errno; 0: nothing failed yet. NULL is allowed.
int recording_error(const struct recording *r);
void recording_failed(struct recording *r, int error);   // what others write for it
// After its wire. False when not all could be written: errno. NULL is allowed.
bool recording_close(struct recording *r);
#endif
