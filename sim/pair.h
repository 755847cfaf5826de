// SPDX-License-Identifier: Apache-2.0
// `--wire pair`: two complete endpoints (stack and reference engine) in one process, joined by a pair wire with a fault wire
// in it, in virtual time: when nothing can move, the clock jumps to the next deadline. No clock, no privileges. Everything
// is drawn from the seed: what the programs do (load.h), MTUs, rings, capabilities, ISNs, the time of day, the faults.
#ifndef LW_PAIR_H
#define LW_PAIR_H
#include <stdbool.h>
#include <stdint.h>

#include "nic.h"
#include "options.h"
#include "wire/wire.h"

enum { PAIR_WHY = 320, PAIR_SETUP = 800, PAIR_REPORT = 6000, PAIR_RULE = 32 };

// How to make the simulated NIC; apart, so that the pair of two references links without the model.
struct pair_nic {
  struct nic_build (*build)(void);
  struct nic *(*open)(const struct nic_options *o, char err[static STIM_ERR_LEN]);
};

struct pair_options {
  uint64_t seed;
  const struct pair_nic *nic;            // host 0 is the simulated NIC, under the checker; NULL: both are the reference
  bool hard;                             // a lossy wire, a busy stranger, many connections, peers that know more and less: each in every seed
  const struct wire_fault_opts *fault;   // in place of those drawn; NULL: drawn. rx is towards host 0
  const char *record_dir;                // wire.pcapng and faults.log as host 0 sees them; NULL: none
  uint64_t record_limit;                 // bytes; 0: none
};

struct pair_result {
  bool ok, no_run;                       // no_run: it could not be done, which says nothing about the endpoints
  char setup[PAIR_SETUP];                // what the seed made of the hosts and the wire, a line each
  char why[PAIR_WHY];                    // when not
  char report[PAIR_REPORT];              // the checker's, when it found a difference
  char rule[PAIR_RULE];                  // that difference's; its cycle, and how many steps had retired until then
  uint64_t rule_cycle, rule_steps;
  uint64_t hash;                         // of every frame that was sent or received, with its time
  uint64_t frames, bytes, virtual_us;    // frames sent; payload bytes read by the programs
  uint64_t retransmissions, timeouts;
  uint64_t lost, duplicated, reordered, corrupted, forged;
  unsigned conns, aborted, retried;
};

// Runs one seed to its end: every byte right, every connection ended as planned, nothing left, within a day of virtual time
// and without four hours in which nothing arrives.
void pair_run(const struct pair_options *o, struct pair_result *r);
void pair_print(FILE *out, uint64_t seed, const struct pair_result *r);   // one line, then the set-up
bool pair_json(FILE *out, uint64_t seed, const struct pair_result *r);    // one object; false when not written in full

// lockwire run --wire pair; the exit status.
int pair_main(const struct run_options *o, const struct pair_nic *nic);
#endif
