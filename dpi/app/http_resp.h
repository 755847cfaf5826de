// SPDX-License-Identifier: Apache-2.0
// The answer to a request: a list of pieces, each some text and then a stretch of the file, handed out as bytes. Knows files, not
// sockets.
#ifndef LW_HTTP_RESP_H
#define LW_HTTP_RESP_H
#include <sys/types.h>

#include "app/http_file.h"
#include "app/http_req.h"
#include "app/http_text.h"

struct http_resp {
  struct http_file file;
  char *head, *body;         // the status line and fields; text of the body. Allocated
  size_t head_len, body_len;
  // The body: spans of the file, each behind the text up to text_end; what text is left follows the last.
  struct { size_t text_end; struct http_span span; } part[HTTP_RANGES];
  unsigned n_parts, at;      // at: the part that is under way
  size_t head_sent, body_sent;
  uint64_t span_sent;
};

// Both of these: false, out of memory; close it then, too. `now` is the time of day. Answers a request from the files below root.
bool http_resp_open(struct http_resp *r, const struct http_req *q, int root, time_t now);
// Answers with a status that refuses, and says that the connection closes. `head`: without the body.
bool http_resp_refuse(struct http_resp *r, int status, bool head, time_t now);
void http_resp_close(struct http_resp *r);
// The next bytes, at most cap; 0 at the end; -1: the file has become shorter than was said, or cannot be read.
ssize_t http_resp_read(struct http_resp *r, uint8_t *buf, size_t cap);
#endif
