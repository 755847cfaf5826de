// SPDX-License-Identifier: Apache-2.0
// The wire monitor: judges TCP endpoints by the frames alone, from the RFCs, sharing no code with the transport core or the
// reference. It sees each frame both ways with its time and holds what an endpoint sent against what it sent before and what
// it may have received.
//
// "May have": between the place of capture and the endpoint a frame can still be lost, so what was heard there is an upper
// bound of what the endpoint knows, and every rule is one that no correct endpoint can break whatever it missed. What began
// before the capture is judged by what can be known of it.
#ifndef LW_MONITOR_H
#define LW_MONITOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "net/tuple.h"

struct monitor;

enum monitor_way {
  MONITOR_SENT,       // by the host at which the frames are captured (or by the first of two hosts)
  MONITOR_RECEIVED,   // by that host, from any other
  MONITOR_NEITHER     // between others: counted, not looked at
};

// How those who send one way's frames are judged.
enum monitor_role {
  MONITOR_IGNORED,    // not at all: the frames only say what the other side may know
  MONITOR_NEAR,       // by every rule: each of its frames is here, whole and in the order in which it was sent
  MONITOR_FAR         // by the rules that hold although frames were lost, reordered, doubled or damaged before they came here
};

enum monitor_rule {
  MONITOR_ETHERNET, MONITOR_IP, MONITOR_HEADER, MONITOR_CHECKSUM, MONITOR_OPTION_FORM, MONITOR_OPTION_PLACE,
  MONITOR_OPTION_AGREED, MONITOR_WINDOW_SCALE, MONITOR_TS_PRESENT, MONITOR_TS_VALUE, MONITOR_TS_ECHO, MONITOR_ECN,
  MONITOR_HANDSHAKE, MONITOR_STRAY, MONITOR_SEQUENCE, MONITOR_MSS, MONITOR_WINDOW, MONITOR_BYTES, MONITOR_FIN, MONITOR_ACK_FLAG,
  MONITOR_ACK_TRUTH, MONITOR_ACK_BACK, MONITOR_EDGE, MONITOR_SACK_FORM, MONITOR_SACK_TRUTH, MONITOR_DSACK, MONITOR_RST,
  MONITOR_AFTER_RST,
  MONITOR_RULES
};
const char *monitor_rule_name(enum monitor_rule r);   // "ack-truth"
const char *monitor_rule_rfc(enum monitor_rule r);    // "RFC 9293 section 3.10.7.4"
const char *monitor_rule_text(enum monitor_rule r);   // what it asks, a sentence or two
bool monitor_rule_near_only(enum monitor_rule r);     // not judged of MONITOR_FAR

struct monitor_violation {
  enum monitor_rule rule;
  uint64_t frame;                // counted from 1 over all calls
  uint64_t at_us;                // the frame's time
  enum monitor_way way;          // who did it: MONITOR_SENT, the tuple's local side; MONITOR_RECEIVED, its remote side
  struct tuple tuple;            // all zero for a frame that has none
  const char *expected, *got;    // texts; with `numbers` they say what the two numbers are, as "an ACK of at most"
  bool numbers;
  uint32_t expected_value, got_value;
};

struct monitor_config {
  enum monitor_role sent, received;   // by way
  bool offloads;             // captured where an adapter computes checksums and cuts segments: checksums and MSS are not judged
  bool strict;               // also what the RFCs only say that one SHOULD, or may, and some stacks leave out: TSecr 0 on a SYN without ACK
                             // (RFC 7323 section 3.2), a window edge that does not even go back by less than it is scaled by (2.4), an MSS
                             // below 48 to the letter
  bool from_start;           // no connection is older than the capture: who sends on one that never was is at fault
  unsigned max_flows;        // connections followed at once; beyond, the one silent for longest is forgotten. 0: 1024
  size_t store_bytes;        // memory for bytes in flight, all flows together. 0: 64 MiB
  void (*report)(void *arg, const struct monitor_violation *v);   // called for each; may be NULL
  void *arg;
};

struct monitor_counts {
  uint64_t frames, tcp, neither;
  uint64_t arp, udp, icmp, vlan, fragments, other;      // not judged, by what they are
  uint64_t damaged;          // IP or TCP broken, of a side from which that proves nothing
  uint64_t unfinished;       // TCP checksums left to an offload
  uint64_t connections;      // whose handshake was seen
  uint64_t midway;           // followed without their handshake
  uint64_t forgotten;        // to stay within max_flows
  uint64_t compared_bytes;   // sent again and held against the first time
  uint64_t unstored_bytes;   // could not be kept: more than 4 MiB in flight, or store_bytes used up
  uint64_t checks[MONITOR_RULES], wrong[MONITOR_RULES];
  uint64_t all_checks, all_wrong;
};

struct monitor *monitor_open(const struct monitor_config *c);   // copied; NULL: out of memory
void monitor_close(struct monitor *m);                          // NULL is allowed

// One Ethernet frame (without FCS) as it was sent or received, in the order of the capture. now_us only tells when.
void monitor_frame(struct monitor *m, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t now_us);

const struct monitor_violation *monitor_verdict(const struct monitor *m);   // the first violation; NULL: nothing was wrong
const struct monitor_counts *monitor_counts(const struct monitor *m);

// "frame 12 at 0.001234 s, 10.0.0.1:7 > 10.0.0.2:40000: ack-truth: expected ..., got ... (RFC ...: ...)", without a line end.
void monitor_print(FILE *out, const struct monitor_violation *v);
#endif
