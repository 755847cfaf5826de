// SPDX-License-Identifier: Apache-2.0
// What a replay writes down of the NIC's inside: a line of JSON for each retired event and each beat, in the order of their cycles.
//
//   {"cycle": 812, "us": 4017, "event": "receive", "flow": 3, "kind": "RevSegment", ..., "ctx": {"nxt": 1200, ...}}
//   event   what it was                                   what else it has
//   beat    passed a port                                 port, bytes, last, data (hexadecimal); `command` or `host_event`
//   frame   the parser was done with a frame              class
//   receive a step of the receive pipeline                kind, hit, ok, class, segment, ack, ack_now, dup, una .. consumed as it read them, dd, ctx
//   send    a step of the send pipeline                   kind, dd_kind, dd, tail, fin, owed, owed_now, emit, desc_kind, desc, ctx
//   sample  a descriptor in the assembler                 desc_kind, desc, frame, owed, rcv, dup
//   tail, consumed, rx_status, tx_status                  a store was written
// Names of values and members are those of rtl/nic_types.svh; a member that is 0 is left out. `ctx` is the context after the step: all
// of it in the first line of a flow's pipeline and at its open, else the members that are not as in the line before, also those that are 0 now.
#ifndef LW_EVENTS_LOG_H
#define LW_EVENTS_LOG_H
#include "glue/glue.h"

struct events_log;

struct events_log_options {
  const char *path;
  uint64_t from, to;                    // cycles; what lies outside is not written
  unsigned num_flows;
  const uint64_t *cycle, *now_us;       // the NIC's, borrowed
};

// NULL: errno.
struct events_log *events_log_open(const struct events_log_options *o);
struct glue_watch *events_log_watch(struct events_log *l);
// False when not all could be written: errno. NULL is allowed.
bool events_log_close(struct events_log *l);
#endif
