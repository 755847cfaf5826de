// SPDX-License-Identifier: Apache-2.0
// A save file for GTKWave: the NIC's signals in groups by pipeline, in the format in which each is read, and markers.
#ifndef LW_GTKW_H
#define LW_GTKW_H
#include <stdbool.h>
#include <stdint.h>

struct gtkw {
  const char *fst;                 // as the save file names it
  uint64_t from, to;               // what is shown, in the FST's units of time
  uint64_t marker, first, last;    // the primary one; A and B when first is not 0
};

// False: errno says why, or (ENOENT) the FST cannot be read.
bool gtkw_write(const char *path, const struct gtkw *g);
#endif
