// SPDX-License-Identifier: Apache-2.0
// What the bed's files share.
#ifndef LW_BED_PRIV_H
#define LW_BED_PRIV_H
#include "fuzz/bed.h"
#include "tools/hand.h"

enum { BED_FRAME = 4096, BED_MSS_LEAST = 8, BED_MSS_MOST = 1460 };

// Of a flow number, as the host knows it.
struct bed_flow {
  enum { FLOW_FREE, FLOW_OPENING, FLOW_OPEN, FLOW_REFUSED, FLOW_LET_GO } state;
  struct flow_open o;
  unsigned port;               // the peer's, from HAND_PEER_PORT on
  struct seq written, asked;   // the ends of what was written, and of what was asked for
  bool closed, aborted;
  struct engine_event now;     // as it was told last
  uint16_t wnd;                // the peer's, as it stood in a header last
  uint32_t tsval;              // the NIC's last
};

struct bed {
  struct nic *nic;
  struct engine *engine;
  struct monitor *monitor;     // NULL: not judged any more
  const struct bed_watch *watch;
  uint64_t now_us;
  uint8_t throttle[STEP_PORTS];
  struct bed_flow flow[STEP_FLOWS];
  uint32_t used[UINT8_MAX + 1];   // how often a port was
  bool on_way[UINT8_MAX + 1];     // frames of a port that came since the NIC was at rest last
  bool lies;                   // for the test of what becomes of a finding: the handshake has half the MSS that the host opens with
  char *why;
};

bool bed_wrong(struct bed *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));   // false
void bed_says(struct bed *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A frame on its way to the NIC.
void bed_input(struct bed *b, const uint8_t *frame, size_t len);

// --- bed_frame.c ---
uint16_t bed_window(uint16_t as_before, uint8_t code);   // of a header, as a step has it
// The peer's segment; *times: so many of it at once.
size_t bed_segment(struct bed *b, const struct step *s, uint8_t out[static BED_FRAME], unsigned *times);
// A frame that is no flow's segment.
size_t bed_frame(struct bed *b, const struct step *s, uint8_t out[static BED_FRAME]);
// The next segment that an honest peer sends: time stamps and ports are right, the rest is the caller's.
size_t bed_honest(struct bed *b, const struct bed_flow *f, struct segment *seg, uint8_t out[static HAND_FRAME]);
// The three frames of the handshake that a flow would have had: SYN, SYN-ACK, ACK.
void bed_handshake(struct bed *b, const struct bed_flow *f, bool scaled);

// --- bed_end.c ---
// False from here on: something is wrong, *why has it.
bool bed_cycle(struct bed *b);
bool bed_rest(struct bed *b);
bool bed_talk(struct bed *b);
bool bed_release(struct bed *b);
#endif
