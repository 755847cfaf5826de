// SPDX-License-Identifier: Apache-2.0
// The simulated NIC behind a C interface: verilated (model.cpp, the only C++ of the project), or in Icarus (sim/icarus/model.c).
#ifndef LW_MODEL_H
#define LW_MODEL_H
#include <stdbool.h>
#include <stdint.h>

#include "base/blob.h"

#ifdef __cplusplus
extern "C" {
#endif

struct model;
struct glue;

struct model_config {
  uint8_t mac[6];
  unsigned max_frame;        // bytes without FCS
  uint64_t hash_key[2];
  bool check;                // retired events are reported to the glue's checker
};

// What this build of the RTL is.
struct model_info {
  unsigned data_bits, num_flows;
  uint32_t tx_ring_bytes, rx_ring_bytes;
  unsigned congestion;       // parameter Cc of nic_top
  bool can_save;             // not with coverage, nor when it traces, nor on Icarus
  bool can_wave;             // it traces: make wave
};

enum { MODEL_HAVE_RX = 1, MODEL_HAVE_SLOW = 2, MODEL_HAVE_PIN = 4, MODEL_HAVE_CMD = 8 };

struct model *model_new(void);
struct model_info model_info(void);
// Starts the simulation (which opens the wire through lw_open) and holds reset for some cycles.
void model_start(struct model *m, struct glue *g, const struct model_config *c);
// Its complete state between two cycles, ring memories included, always of the same length; and back into a model of the same
// build that was started, whose glue and checker stay its own.
void model_save(struct model *m, struct blob *b);
void model_load(struct model *m, struct blob *b);
void model_set_check(struct model *m, bool check);
void model_set_time(struct model *m, uint64_t now_us);   // the NIC has it from the second cycle on: it comes from a register
// One clock cycle; `have` says which inputs C has for the next (MODEL_HAVE_*).
void model_cycle(struct model *m, unsigned have);
// Nothing changes by clocking before *next_us (UINT64_MAX: for ever) or new input.
bool model_quiescent(struct model *m, uint64_t *next_us);
uint64_t model_counter(struct model *m, unsigned index);

// --- waves; only where can_wave ---
// What a wave shows beside the NIC (sim/nic_view.sv): the cycle, and the frames on the wire that are on the NIC's streams in it, in words.
struct model_note {
  uint64_t cycle;
  uint32_t rx_frame, tx_frame;    // 0: none
  const char *rx_text, *tx_text;
};
enum { MODEL_WAVE_CYCLE = 10 };    // of the wave's units of time; cycle N begins at N times that
// Between two cycles: the wave begins with the next one, which is `first`'s. False: the file cannot be made.
bool model_wave_open(struct model *m, const char *path, const struct model_note *first);
// Before each model_cycle: what is to be shown of the cycle behind it; its texts are borrowed until then.
void model_wave_note(struct model *m, const struct model_note *next);
void model_wave_close(struct model *m);
// The names of all signals in such a file, with their ranges. False: it cannot be read.
bool model_wave_names(const char *path, void (*each)(void *user, const char *name), void *user);

// Ends the simulation (which closes the wire) and frees the model; NULL is allowed. Built with COVERAGE=1 it leaves what it went
// through as a file in the directory LW_COVERAGE, if the environment names one.
void model_free(struct model *m);

#ifdef __cplusplus
}
#endif
#endif
