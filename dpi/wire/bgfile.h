// SPDX-License-Identifier: Apache-2.0
// A file that is written behind the caller's back: bytes are gathered in one buffer while a thread writes the other, so that the
// kernel's copy is made on another core. The thread starts with the first buffer that is handed over, so after privileges
// were dropped when opening comes before that.
#ifndef LW_BGFILE_H
#define LW_BGFILE_H
#include <stddef.h>
#include <stdint.h>

enum { BGFILE_BUF_BYTES = 1 << 17 };   // two of them a file stay in the cache: with 1 MiB a run was 10 % slower

struct bgfile;

// Created, or cut to nothing, and the head written at once. NULL: errno says why.
struct bgfile *bgfile_open(const char *path, const void *head, size_t head_bytes);
// The n bytes that are written next, at most BGFILE_BUF_BYTES, go to the file in one write: all of them are there, or none.
void bgfile_together(struct bgfile *f, size_t n);
// Copies n bytes, at most BGFILE_BUF_BYTES. After an error nothing reaches the file any more.
void bgfile_write(struct bgfile *f, const void *p, size_t n);
// Hands over all that was written; it is in the file a moment later, also when the process is killed then. Returns 0, or the
// errno of the first write that failed.
int bgfile_flush(struct bgfile *f);
uint64_t bgfile_bytes(const struct bgfile *f);  // written so far
// Waits until all is in the file. Returns 0, or the errno of what failed; NULL is allowed.
int bgfile_close(struct bgfile *f);
// All n bytes at once, without a buffer. Returns 0, or the errno.
int bgfile_write_all(int fd, const uint8_t *p, size_t n);
#endif
