// SPDX-License-Identifier: Apache-2.0
// The far hosts of a capture, played: each of their frames is sent to the NIC when its time has come and what it rests on is there.
// Numbers of the near side in it (acknowledgements, SACK blocks, time stamps echoed, what ICMP quotes) are made those of the NIC.
//
// A frame waits for the frames before it, until the NIC has sent what it acknowledges, and for the NIC's window, as far as all this
// was so in the capture. Where the NIC goes another way than the recorded endpoint, a real peer would help itself: when a connection
// has stood still for STALL_US, what the NIC lacks is sent again, or what it has sent is acknowledged. When that does not help, the
// frame cannot be placed.
#ifndef LW_PEERS_H
#define LW_PEERS_H
#include "conv.h"
#include "wire/wire.h"

struct peers;

struct peers_options {
  const struct convs *convs;           // borrowed; their items' `unused` is set here
  bool ethernet;                       // the capture's MAC addresses mean something
  uint8_t near_mac[6], far_mac[6];
  unsigned mtu;
  struct wire *wire;                   // borrowed: the far end
  uint64_t start_us;                   // the capture's first moment
};

// What a connection of the capture has come to.
struct peers_side {
  uint64_t bytes, acked, again;
  enum conv_end end;
};
struct peers_result {
  struct peers_side near, far;         // near: the NIC
  unsigned made_up;                    // frames sent that the capture does not have
  bool opened;                         // the handshake came to its end
};

struct peers *peers_open(const struct peers_options *o);   // NULL: out of memory
void peers_close(struct peers *p);                         // NULL is allowed
// Sends what may be sent. True when something was.
bool peers_play(struct peers *p, uint64_t now_us);
// A frame of the NIC's.
void peers_hear(struct peers *p, const uint8_t *frame, size_t len, uint64_t now_us);
// When something is to be sent by time alone, after now_us; UINT64_MAX: never. Whether all has been.
uint64_t peers_deadline(const struct peers *p, uint64_t now_us);
bool peers_over(const struct peers *p);
// The near side opens a connection: from now on the frames with its addresses and ports are its. Not before the one that had them has come to its end.
bool peers_may_begin(const struct peers *p, size_t conv);
size_t peers_ended(const struct peers *p);                 // how many have: when it grows, others may begin
void peers_begin(struct peers *p, size_t conv);
// The time at which what a connection's near side did at `us` of the capture is to be done now.
uint64_t peers_time(const struct peers *p, size_t conv, uint64_t us);
struct peers_result peers_result(const struct peers *p, size_t conv);
size_t peers_sent(const struct peers *p);                  // frames of the capture
#endif
