// SPDX-License-Identifier: Apache-2.0
// The host's half of the NIC's ports: the engine (tcp/engine.h) whose flows live in the RTL. What C has for the NIC waits
// here until the simulator takes it, a beat at a time; what the NIC gives is put together here into frames, packets and
// events. The stack and the main loop are on one side, dpi/glue on the other; nothing here knows of either.
// Beats are `beat_bytes` long, bytes in order; all are full but a packet's last.
#ifndef LW_NIC_PORT_H
#define LW_NIC_PORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/recq.h"
#include "tcp/engine.h"

#include "nic_layout.h"

// One direction of a stream into the NIC: records, and how far the first one was taken.
struct nic_source {
  struct recq q;
  size_t taken;
};

struct nic_port_flow {
  struct engine_event last;    // the levels as last told
  struct flow_open open;       // what it was opened with (release needs the tuple)
  bool opening;                // its fence is still to come
  bool releasing;              // that it is released is still to be told
};

struct nic_port {
  struct engine engine;        // first: the engine's functions get this
  unsigned beat_bytes;
  struct nic_source rx;        // frames for the receive stream
  struct nic_source slow_in;   // frames for the slow path's transmit stream
  struct nic_source pin;       // payload in; tag = flow
  struct recq cmds;            // struct host_cmd, each with the number of payload packets that go first
  uint64_t pin_put, pin_done;  // payload packets queued and wholly taken
  struct recq tx;              // frames that left for the wire
  struct recq slow_out;        // frames and fences of the slow path; tag: see NIC_SLOW_*
  struct recq pout;            // payload out; tag = flow
  struct recq events;          // struct host_event
  bool pout_lent;              // next_payload lent out the head record
  bool tx_lent, slow_lent;     // the owner keeps here whether it did so with those
  bool woken;                  // something came out since the owner last cleared this
  struct nic_port_flow *flows;
};

enum { NIC_SLOW_FRAME = 0, NIC_SLOW_FENCE = 1 << 30, NIC_SLOW_OK = 1 << 29 };   // low bits of a fence's tag: flow

// num_flows and the ring sizes as the RTL was built. False: out of memory.
bool nic_port_open(struct nic_port *p, unsigned beat_bytes, uint16_t num_flows, uint32_t tx_ring, uint32_t rx_ring);
void nic_port_close(struct nic_port *p);

// --- the simulator's side ---
static inline bool nic_source_ready(const struct nic_source *s) { return !recq_empty(&s->q); }
// The next beat; returns its number of bytes (what lies behind them in `beat` is not defined), *last at a record's end.
unsigned nic_source_beat(struct nic_source *s, unsigned beat_bytes, uint8_t *beat, bool *last, uint32_t *tag);
// A beat of payload may be taken: there is one, and its flow is open. Commands and payload go in by different ports, and an
// open that comes later than its payload would put the ring's tail back to the start.
bool nic_port_payload_ready(const struct nic_port *p);
unsigned nic_port_payload_beat(struct nic_port *p, uint8_t *beat, bool *last, uint16_t *flow);
// A command may be taken: the payload it must follow has been.
bool nic_port_cmd_ready(const struct nic_port *p);
void nic_port_take_cmd(struct nic_port *p, uint32_t bits[HOST_CMD_WORDS]);
// Beats out of the NIC: appended to the record at hand, which a last beat ends.
void nic_port_beat(struct nic_port *p, struct recq *q, uint32_t tag, const uint8_t *beat, unsigned nbytes, bool last);
void nic_port_fence(struct nic_port *p, uint16_t flow, bool ok);
void nic_port_event(struct nic_port *p, const struct host_event *e);
#endif
