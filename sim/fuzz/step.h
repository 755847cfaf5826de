// SPDX-License-Identifier: Apache-2.0
// The language in which a run of the NIC by hand is written: records of STEP_BYTES bytes. The first says how the run begins and ends,
// each other is a step: something that host, peer or clock do, and how many cycles pass before. Any bytes are a run: what makes no
// sense when its turn comes (a write to a flow that is closed) is left out, a record that is cut off does not count.
//
//   0     1     2    3     4..5  6..7  8..9    10     11   12   13      14 15  16..19
//   kind  flow  gap  base  a     b     length  flags  wnd  opt  mangle  x  y   sack        two bytes: low one first
//
//   segment   seq = base's low half + a, ack = its high half + b (enum step_from); flags with ACK turned round; window, options, SACK
//             blocks (from where, how long, in half segments); then something may be broken (enum step_mangle)
//   open      opt: time stamps, SACK, Nagle off, SYN sent again, window scale; x, a, b: sequence numbers; y, length: MSS; wnd; sack: user
//             timeout, pacing rate and burst, port
//   write, consume: a bytes    close, abort, release    tune: x, y, sack as in open
//   time      x: which way to jump (enum step_jump), by a     throttle   x: which port, y: in which of 8 cycles nothing enters there
//   frame     x: what it is (enum step_frame), length         slow       the host sends a frame of so many bytes by the slow path
//
// The head: 0 the end (bit 0: what is open comes to its end as between honest hosts; else it is let go of as it is), 1 the time
// of day, 2..5 throttles.
#ifndef LW_STEP_H
#define LW_STEP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

enum { STEP_BYTES = 20, STEP_MOST = 48, STEP_SIZE_MAX = STEP_BYTES * (1 + STEP_MOST), STEP_FLOWS = 8, STEP_PORTS = 4, STEP_BLOCKS = 4 };
enum { STEP_REST = UINT16_MAX };   // a gap: until the NIC is at rest

enum step_kind {
  STEP_SEGMENT, STEP_OPEN, STEP_WRITE, STEP_CONSUME, STEP_CLOSE, STEP_ABORT, STEP_RELEASE, STEP_TUNE, STEP_TIME, STEP_THROTTLE,
  STEP_FRAME, STEP_SLOW, STEP_KINDS
};

// Where the fields stand in a record; how gaps are written.
enum { K_KIND, K_FLOW, K_GAP, K_BASE, K_A, K_B = 6, K_LEN = 8, K_FLAGS = 10, K_WND, K_OPT, K_MANGLE, K_X, K_Y, K_SACK };
enum { GAP_EXACT = 64, GAP_COARSE = 128, COARSE_CYCLES = 8 };   // below the first: cycles; below the second: eights of cycles; else to rest

// What a sequence or acknowledgment number counts from; with FROM_SEGMENTS in segments, not in bytes.
enum step_from {
  FROM_NEXT, FROM_EDGE, FROM_FIRST, FROM_FIRST_END, FROM_SECOND, FROM_FIN, FROM_FAR, FROM_BACK,   // RCV.NXT, window, intervals ...
  FROM_MAX = 0, FROM_UNA, FROM_SND_NXT, FROM_RECOVER, FROM_OLD, FROM_REXMIT, FROM_SACKED, FROM_TAIL,   // sent, SND.UNA, SND.NXT ...
  FROM_SEGMENTS = 8
};

enum step_mangle {
  MANGLE_NONE, MANGLE_TCP_SUM, MANGLE_IP_SUM, MANGLE_BYTE, MANGLE_BYTE_SUMMED, MANGLE_CUT, MANGLE_PAD, MANGLE_MAC, MANGLE_VLAN,
  MANGLE_IP_OPTIONS, MANGLE_FRAGMENT, MANGLE_OFFSET, MANGLE_LENGTH, MANGLE_ECN, MANGLE_AGAIN, MANGLE_OTHER_BYTES, MANGLES
};

enum step_stamp { STAMP_RIGHT, STAMP_TURNED, STAMP_OLD, STAMP_NEW, STAMP_FAR, STAMP_FAR_BACK, STAMP_NO_ECHO, STAMP_FAR_ECHO };   // opt & 7
enum step_layout { LAYOUT_USUAL, LAYOUT_BARE, LAYOUT_STRANGE, LAYOUT_BROKEN };                       // opt >> 6
enum step_jump { JUMP_US, JUMP_TICKS, JUMP_DEADLINE, JUMP_BEFORE, JUMP_BEHIND, JUMP_DELAYED_ACK, JUMP_SECOND, JUMP_LONG, JUMPS };
enum step_frame { FRAME_ARP, FRAME_UDP, FRAME_ICMP, FRAME_FRAGMENT, FRAME_IPV6, FRAME_NOISE, FRAME_RUNT, FRAME_SYN, FRAME_STRANGER, FRAME_LONG, FRAMES };

struct step {
  enum step_kind kind;
  unsigned flow, gap;          // gap: cycles, or STEP_REST
  uint8_t base, flags, wnd, opt, mangle, x, y, sack[STEP_BLOCKS];
  int16_t a, b;
  uint16_t len;
};

struct step_head {
  bool talk;                   // to the end
  uint64_t now_us;             // to begin with
  uint8_t throttle[STEP_PORTS];
};

extern const char *const step_kind_name[STEP_KINDS];

struct step_head step_head(const uint8_t *data, size_t size);
unsigned step_count(size_t size);
struct step step_read(const uint8_t *data, unsigned i);   // i below step_count

// --- making them ---
// One that may make sense; a usual segment more often than not.
void step_draw(struct rng *r, uint8_t out[static STEP_BYTES]);
// Some that belong together: a conversation begins, segments are lost, a window shuts ... Returns their number, at most `most`.
enum { STEP_SCENES = 12, STEP_SCENE_MOST = 24 };
unsigned step_scene(struct rng *r, unsigned scene, unsigned flow, uint8_t *out, unsigned most);
// A whole run of one to three scenes, of its number alone; returns its bytes.
size_t step_seed(unsigned number, uint8_t out[static STEP_SIZE_MAX]);
// A run made a little different, at most `max` bytes; from another, too, when there is one. Returns its bytes.
size_t step_mutate(struct rng *r, uint8_t *data, size_t size, size_t max);
size_t step_cross(struct rng *r, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max);
#endif
