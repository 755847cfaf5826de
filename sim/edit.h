// SPDX-License-Identifier: Apache-2.0
// Somebody at a terminal: lines edited (libedit) by a thread of its own, so that the run never waits for a key. What they type comes
// out of in_fd; what is said goes into `say`, and comes out above the line that is being typed.
#ifndef LW_EDIT_H
#define LW_EDIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct edit {
  int in_fd;      // non-blocking; its end is that of what is typed
  FILE *say;
};

// Takes the terminal of standard input and output. `history` is a file to keep lines in, or NULL; it is borrowed. NULL with one line in err.
struct edit *edit_open(const char *prompt, const char *history, char *err, size_t cap);
void edit_prompt(struct edit *e);   // a line may be typed now
// Everything said is shown, the terminal is as it was. NULL is allowed.
void edit_close(struct edit *e);
#endif
