// SPDX-License-Identifier: Apache-2.0
// The simulated NIC as a carrier: the verilated model, the host's half of its ports, what the imports work on, the checker, and
// the recorder when asked for.
#ifndef LW_NIC_H
#define LW_NIC_H
#include "base/rng.h"
#include "carrier.h"
#include "glue/glue.h"
#include "model.h"
#include "recorder.h"
#include "sock/nic_port.h"

struct nic {
  struct carrier base;             // first
  struct model *model;
  struct nic_port port;
  struct glue glue;                // owns the wire that open_wire opened, and the checker
  struct recorder *recorder;       // NULL: none, or not any more
  bool must_record;
  struct blob scratch;             // of the model's state
  struct check_config checked;     // what the checker was opened with
  char broken[STIM_ERR_LEN];       // why it cannot go on; empty: it can
  uint64_t now_us, cycles, eval_ns;   // cycles clocked, and the time that took
  uint64_t seen_us;                // the time as the NIC has it: from a register, a cycle later (cosim_top.sv)
  struct rng rng;                  // of the pauses
  unsigned pause_most, pause;      // cycles: the longest, what is left of this one
  unsigned rest_most, rest;        // likewise, while it is quiescent
};

struct nic_options {
  uint8_t mac[6];
  unsigned mtu;                    // bytes of an IP packet
  uint64_t seed;                   // of the flow table's hash
  bool check;                      // the lockstep checker follows
  struct recording *recording;     // borrowed; NULL: none
  bool must_record;                // a recording that cannot go on stops the NIC
  const char *command;             // for the manifest
  unsigned pause_most;             // frames enter with up to so many idle cycles between them, drawn from the seed; 0: as they come
  unsigned rest_most;              // so many cycles at most are clocked although it is quiescent, likewise: they must not matter
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
const char *nic_identity(void);    // of the RTL's sources and parameters, hexadecimal
uint64_t nic_record_min(void);     // the least limit of a recording, in bytes, with which half of it is always there

// Builds and resets the NIC. NULL with one line in err. Whether the wire is open: glue.wire, else glue.err says why.
struct nic *nic_open(const struct nic_options *o, char err[static STIM_ERR_LEN]);
// The same from a recording's head: nothing behind the ports but `tap`, which has a fetch. NULL: out of memory.
struct nic *nic_open_replay(const struct stim_head *h, bool check, struct glue_tap *tap);
// Goes on from a restart point, what follows recorder_restart_read in b. Its checker is closed when the run had none. False with one
// line in err: that is not for this NIC, or not for this checker.
bool nic_load(struct nic *n, struct blob *b, char err[static STIM_ERR_LEN]);
// One cycle for who drives the cycles himself, a replay or a tool; `have` as model_cycle has it.
void nic_replay_cycle(struct nic *n, unsigned have, uint64_t now_us);
unsigned nic_inputs(const struct nic *n);   // what the host's half of the ports has for the next cycle, as `have`
// For many runs in one process: keeps a NIC that is at rest and has no flow in b, which is empty; then, as often as one likes, back to it,
// with a checker and ports as new. Not while it records. False: out of memory.
bool nic_keep(struct nic *n, struct blob *b);
bool nic_back(struct nic *n, struct blob *b);
void nic_close(struct nic *n);     // NULL is allowed; a carrier's close does the same
#endif
