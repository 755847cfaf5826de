// SPDX-License-Identifier: Apache-2.0
// The files that httpd serves: what a path means below one directory, and never outside of it.
#ifndef LW_HTTP_FILE_H
#define LW_HTTP_FILE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { HTTP_ETAG_LEN = 40 };

struct http_file {
  int fd;                    // to be closed; -1: none
  bool dir;                  // a directory without an index.html, to be listed
  uint64_t size;
  time_t mtime;
  const char *type;          // Content-Type
  char etag[HTTP_ETAG_LEN];  // with its quotes
};

// Opens `path` (decoded, begins with '/') below the directory `root`; a directory by its index.html, if it has one. Each part of the
// path is opened from the one before, symbolic links are not followed, and ".." is nothing that is there, so no path
// leads out. 0, or the status: 301 (a directory without its final slash), 403, 404, 500, 503.
int http_file_open(struct http_file *f, int root, const char *path);
// Writes a directory's list as HTML; at most some thousand names, and says so when there are more. Closes f->fd.
void http_file_list(struct http_file *f, FILE *out, const char *path);
#endif
