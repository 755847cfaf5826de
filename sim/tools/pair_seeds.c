// SPDX-License-Identifier: Apache-2.0
// `lockwire seeds` without the model, so with the reference at both ends: quick to build, also with sanitizers.
#include "seeds.h"

int main(int argc, char **argv) { return seeds_main(argc - 1, argv + 1, NULL); }
