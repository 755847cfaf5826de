// SPDX-License-Identifier: Apache-2.0
// The transport core: the executable specification of what the RTL's two pipelines do to a flow. A flow's state is two
// structs, struct rcv_ctx and struct snd_ctx, made field for field from rtl/nic_types.svh; each function is one event:
// context, event and time in, context and actions out. Integers only; no allocation, no I/O, no clock, no sockets.
// The twin of each in the RTL: rcv_segment.sv and rx_pipe.sv (rcv_*), dd_incoming.sv, dd_timeout.sv, dd_next.sv (snd_*).
#ifndef LW_CORE_H
#define LW_CORE_H
#include <stdbool.h>
#include <stdint.h>

#include "nic_layout.h"

// What the flow's engine was built with.
struct core_caps {
  uint32_t rx_ring_bytes;
  uint32_t cwnd_bytes;       // what may be in flight, until congestion control arrives
};

// A segment as the receive side sees it: header fields in host order, payload by length alone.
struct core_segment {
  struct seq seq, ack;
  uint32_t len;              // payload bytes
  uint16_t wnd;              // as in the header, not scaled
  uint8_t flags;             // bits NIC_FLAG_*
};

struct rcv_actions {
  enum rcv_class_e class_id;
  uint32_t off, len;         // payload bytes [off, off + len) are taken, at RCV.NXT as it was
  bool fin;                  // the peer's FIN was taken
  bool ack, ack_now;         // an ACK is owed; one that must not merge with others (RFC 5681 section 3.2)
  bool forward;              // the send side hears of it, as `dd`
  struct dd_in dd;
};

struct snd_actions {
  bool wake;                 // the flow may have something to send, or news for the host
  bool emit, more;           // snd_next: `desc` leaves; another snd_next would send again
  struct tx_desc desc;
};

// What the other owners show the step: the host's tail, the ACKs owed.
struct snd_view {
  struct seq tail;           // end of what was enqueued; with fin one phantom byte behind the data
  bool fin;
  bool ack_owed;
  uint8_t ack_now;           // immediate ACKs owed
};

void rcv_open(const struct core_caps *caps, struct rcv_ctx *c, const struct host_cmd *open);
void snd_open(const struct core_caps *caps, struct snd_ctx *c, const struct host_cmd *open);

// A segment of the flow arrived (RFC 9293 section 3.10.7.4); `snd` is what the send side published.
struct rcv_actions rcv_segment(struct rcv_ctx *c, const struct core_segment *s, const struct snd_mirror *snd);
// The host consumed up to `consumed`; true when a window update is owed (RFC 9293 section 3.8.6.2.2).
bool rcv_read(const struct core_caps *caps, struct rcv_ctx *c, struct seq consumed, const struct sent_mirror *sent);

struct snd_actions snd_ack(struct snd_ctx *c, const struct dd_in *ev, uint64_t now_us);
struct snd_actions snd_timeout(struct snd_ctx *c, uint64_t now_us);
struct snd_actions snd_next(struct snd_ctx *c, const struct snd_view *v, uint64_t now_us);
#endif
