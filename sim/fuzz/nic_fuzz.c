// SPDX-License-Identifier: Apache-2.0
// The libFuzzer target: each input is a run of one NIC (bed.h) that goes back to how it stood after its reset. What fails ends the
// process with what was wrong; `nic_case` shows the same input step by step.
#include "base/fuzz.h"

#include <stdio.h>

#include "fuzz/bed.h"
#include "fuzz/feedback.h"
#include "tools/hand.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static struct nic *nic;
static struct blob kept;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  nic = hand_nic();
  assert(nic && bed_settle(nic) && nic_keep(nic, &kept));
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char why[BED_WHY];
  bool back = nic_back(nic, &kept);
  assert(back);
  feedback_clear();
  if (bed_run(nic, data, size, NULL, why)) return 0;
  fprintf(stderr, "nic_fuzz: %s\n", why);
  if (hand_failed(nic)) check_report(nic->glue.check, stderr, "build/fuzz-nic/nic_case shows the input step by step");
  abort();
}

// Mostly by steps, now and then by bytes: libFuzzer knows what these were compared with.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
  uint8_t buf[STEP_SIZE_MAX];
  struct rng r;
  rng_seed(&r, seed);
  if (size >= 2 * STEP_BYTES && rng_below(&r, 8) == 0) {
    LLVMFuzzerMutate(data + (size_t)rng_below(&r, (uint32_t)(size / STEP_BYTES)) * STEP_BYTES, STEP_BYTES, STEP_BYTES);
    return size;
  }
  if (size > sizeof buf) size = sizeof buf;
  memcpy(buf, data, size);
  size_t n = step_mutate(&r, buf, size, max_size < sizeof buf ? max_size : sizeof buf);
  if (n > max_size) n = max_size;
  memcpy(data, buf, n);
  return n;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max_size, unsigned seed)
{
  struct rng r;
  rng_seed(&r, seed);
  return step_cross(&r, a, a_size, b, b_size, out, max_size < STEP_SIZE_MAX ? max_size : STEP_SIZE_MAX);
}
