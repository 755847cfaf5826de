// SPDX-License-Identifier: Apache-2.0
// The simulated NIC as a carrier: the verilated model, the host's half of its ports, and what the imports work on.
#ifndef LW_NIC_H
#define LW_NIC_H
#include "carrier.h"
#include "glue/glue.h"
#include "model.h"
#include "sock/nic_port.h"

struct nic {
  struct carrier base;             // first
  struct model *model;
  struct nic_port port;
  struct glue glue;                // owns the wire that open_wire opened
  uint64_t now_us, cycles, eval_ns;   // cycles clocked, and the time that took
};

struct nic_options {
  uint8_t mac[6];
  unsigned mtu;                    // bytes of an IP packet
  uint64_t seed;                   // of the flow table's hash
  bool check;                      // the lockstep checker follows
  // Opens the wire as the simulation starts; NULL: it has none of its own.
  struct wire *(*open_wire)(void *user, char err[static WIRE_ERR_LEN]);
  void *user;
};

// What this build of the RTL is, and what it can do.
struct nic_build {
  unsigned num_flows;
  uint32_t tx_ring_bytes, rx_ring_bytes;
  struct core_caps caps;
};
struct nic_build nic_build(void);

// Builds and resets the NIC. NULL: out of memory. Whether the wire is open: glue.wire, else glue.err says why.
struct nic *nic_open(const struct nic_options *o);
#endif
