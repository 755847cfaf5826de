// SPDX-License-Identifier: Apache-2.0
// Many seeds of `lockwire run --wire pair` in one process, a line of JSON for each: for scripts/regress.py.
#ifndef LW_SEEDS_H
#define LW_SEEDS_H
#include "pair.h"

// lockwire seeds FIRST COUNT [--twice] [--hard] [--engine rtl|ref] [--fault SPEC]...; --twice runs each seed again and compares
// the hashes, --hard makes all of them hard (pair.h). nic NULL: the engine is the reference. The exit status.
int seeds_main(int argc, char **argv, const struct pair_nic *nic);
#endif
