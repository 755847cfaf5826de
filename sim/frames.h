// SPDX-License-Identifier: Apache-2.0
// The frames of a recording's wire.pcapng, and in which cycles each was on the NIC's streams: from a frame to its cycles and back.
//
// A frame is known by its number in that file, as Wireshark shows it, and by the segment that the file belongs to, 0 without segments.
// One that came in was read from the wire first and entered the NIC later: its comment has the one cycle, `first` the other. So those that
// came in are held against the receive stream in the stimulus, in their order. One that went out left in the cycle that its comment has.
#ifndef LW_FRAMES_H
#define LW_FRAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAMES_ERR_LEN = 200, FRAMES_TEXT_LEN = 240 };

struct frame_at {
  uint32_t segment;
  uint64_t number;
  bool out;
  int flow;                       // -1: none
  uint64_t wire_cycle, time_us;   // when it passed the wire
  uint64_t first, last;           // cycles of its first and last beat on the receive or transmit stream, as a wave shows them
  const uint8_t *bytes;           // until frames_close
  size_t len;
};

struct frames;

// Segments as segments_find has them; beat_bytes of the build that recorded. NULL with one line in err.
struct frames *frames_open(const char *dir, uint32_t first, uint32_t last, unsigned beat_bytes, char err[static FRAMES_ERR_LEN]);
// One frame. False with one line in err: there is no such, or it never came to the NIC.
bool frames_find(struct frames *f, uint32_t segment, uint64_t number, struct frame_at *at, char err[static FRAMES_ERR_LEN]);
// All that were on a stream in cycles from..to, by their first cycle. *list belongs to f, until the next call. False with one line in err.
bool frames_between(struct frames *f, uint64_t from, uint64_t to, const struct frame_at **list, size_t *n, char err[static FRAMES_ERR_LEN]);
void frames_close(struct frames *f);   // NULL is allowed

// "812", or "3:812" of a segment.
const char *frame_name(const struct frame_at *at, char out[static 32]);
// As frame_text.h writes it, as much as there is room for.
const char *frame_text(const struct frame_at *at, char out[static FRAMES_TEXT_LEN]);
#endif
