// SPDX-License-Identifier: Apache-2.0
// The files of a recording in segments, so that a long run keeps its last part in bounded room: names, when the next segment
// begins, which have to go for it. All by numbers of bytes, so that two equal runs keep the same.
//
//   without a limit   stimulus.bin         wire.pcapng         faults.log: one segment, with restart-000001.bin ... on the way
//   with one          stimulus-000001.bin  wire-000001.pcapng  ..., from the second on with restart-000002.bin, the state to begin with
//
// A segment takes an eighth of the limit and what its restart point takes, which is room for that point to be an eighth, too,
// and still for half of the limit to be there at any time.
#ifndef LW_SEGMENTS_H
#define LW_SEGMENTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum segment_file { SEGMENT_STIMULUS, SEGMENT_RESTART, SEGMENT_WIRE, SEGMENT_FAULTS, SEGMENT_FILES };
enum { SEGMENTS_PART = 8, SEGMENTS_KEPT = 16, SEGMENTS_PATH_LEN = 4096 };
enum { SEGMENTS_POINT_CYCLES = 1 << 19 };

struct segments {
  const char *dir;                 // borrowed
  uint64_t limit_bytes;            // 0: none
  uint32_t first, now;             // the oldest that is there, the one being written; 0 without a limit
  uint64_t bytes[SEGMENTS_KEPT];   // of each, by its number; of the one being written: its restart point
  uint32_t points;                 // without a limit: restart points on the way
  uint64_t point_bytes, last_point_bytes;   // of all of them, of the last
};

// Removes what an earlier recording left in dir, which exists, and begins with the first segment.
void segments_begin(struct segments *s, const char *dir, uint64_t limit_bytes);
void segments_path(const char *dir, uint32_t number, enum segment_file file, char path[static SEGMENTS_PATH_LEN]);
// With so many bytes in it, besides its restart point, this segment is full.
bool segments_due(const struct segments *s, uint64_t bytes);
// The next segment, behind one with `bytes` in it. It begins with a restart point of so many bytes, which may not be there yet;
// those of the segments before it are. Removes the oldest. False (errno EFBIG): the restart points are too large for this limit.
bool segments_next(struct segments *s, uint64_t bytes, uint64_t restart_bytes);

// Without a limit: so many cycles after the last, with so many bytes in all other files, it is time for a restart point on the way.
// One as large as the last would not make them more than the rest.
bool segments_point_due(const struct segments *s, uint64_t cycles, uint64_t bytes);
uint32_t segments_point(struct segments *s, uint64_t point_bytes);   // one of so many bytes: its number

// What is there to be read: *first to *last, 0 for a recording without a limit. False: *missing is not there, though one before
// and one after it are.
bool segments_find(const char *dir, uint32_t *first, uint32_t *last, uint32_t *missing);
#endif
