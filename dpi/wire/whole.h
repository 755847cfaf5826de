// SPDX-License-Identifier: Apache-2.0
// A file that is there whole or not at all: written behind the caller's back under another name (PATH.tmp), with a checksum at
// its end, and renamed when it is complete.
#ifndef LW_WHOLE_H
#define LW_WHOLE_H
#include <stdbool.h>

#include "base/blob.h"

enum { WHOLE_ERR_LEN = 200 };

struct whole;

// Begins to write what b holds; b is borrowed until whole_end. NULL: errno says why.
struct whole *whole_write(const char *path, const struct blob *b);
// Waits until it is there. Returns 0, or the errno of what failed; NULL is allowed.
int whole_end(struct whole *w);
// Into an empty blob. False with one line in err: not there, cut off, damaged.
bool whole_read(const char *path, struct blob *b, char err[static WHOLE_ERR_LEN]);
#endif
