// SPDX-License-Identifier: Apache-2.0
// lockwire replay FILE with the reference alone, to be built with sanitizers and without the model:
//   replay_san FILE [--keep-vlan] [--mtu N]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_replay.h"
#include "run.h"

enum { FLOWS = 64, RING_BYTES = 32768, MTU = 1500 };

uint64_t model_counter(struct model *m, unsigned index)   // summary.c's, for a NIC: there is none
{
  (void)m;
  (void)index;
  abort();
}

static struct nic_build build(void) { return (struct nic_build){FLOWS, RING_BYTES, RING_BYTES, core_caps_full(RING_BYTES)}; }

int main(int argc, char **argv)
{
  struct capture_options o = {.engine_ref = true, .mtu = MTU, .seed = 1, .text = "/dev/null", .stats = "/dev/null"};
  const struct pair_nic none = {.build = build};
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--keep-vlan")) o.keep_vlan = true;
    else if (!strcmp(argv[i], "--mtu") && i + 1 < argc) o.mtu = (unsigned)atoi(argv[++i]);
    else o.file = argv[i];
  }
  if (!o.file) {
    fputs("usage: replay_san FILE [--keep-vlan] [--mtu N]\n", stderr);
    return EXIT_USAGE;
  }
  return capture_replay(&o, &none, NULL);
}
