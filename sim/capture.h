// SPDX-License-Identifier: Apache-2.0
// A capture as it lies on disk, made into Ethernet frames with times: pcap or pcapng; Ethernet, Linux cooked, raw IP or BSD loopback;
// VLAN tags taken off; what a snap length has cut off is zeros again. What was captured on a loopback interface gets addresses that a
// wire can carry, and checksums, which nobody makes there.
#ifndef LW_CAPTURE_H
#define LW_CAPTURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The longest segments that Linux leaves to an adapter have 512 KiB.
enum { CAPTURE_ERR_LEN = 200, CAPTURE_FRAME_MAX = (512 << 10) + 1024 };
// 127.0.0.0/8, in which one host talks to itself: the side that listens is .2 (RFC 2544's network).
enum { CAPTURE_LOOPBACK_NEAR = 0x0ac61202, CAPTURE_LOOPBACK_FAR = 0x0ac61201 };

struct capture_frame {
  unsigned number;         // in the capture, from 1
  uint64_t us;             // since the first; never before the one before
  uint8_t *data;
  size_t len;              // bytes, without FCS
  size_t captured;         // of these; zeros from there on
  bool tagged;             // it had a VLAN tag
};

struct capture {
  struct capture_frame *frame;
  size_t n;
  uint64_t epoch_us;       // of the first
  bool ethernet;           // its MAC addresses mean something
};

// keep_tags: a frame with a VLAN tag stays as it is. False with one line in err: not readable, none of these.
bool capture_read(struct capture *c, const char *path, bool keep_tags, char err[static CAPTURE_ERR_LEN]);
void capture_free(struct capture *c);
#endif
