// SPDX-License-Identifier: Apache-2.0
// What a request means (RFC 9110, RFC 9112): GET or HEAD of a path. Pure; the head is read in place.
#ifndef LW_HTTP_REQ_H
#define LW_HTTP_REQ_H
#include <stdbool.h>

#include "app/http_head.h"

struct http_req {
  bool head;                 // HEAD, not GET
  bool keep_alive;           // another request may follow on this connection
  const char *path;          // decoded, without query; begins with '/', and may hold anything but NUL
  // NULL when they are not there.
  const char *range, *if_range, *if_none_match, *if_modified_since;
};

// 0, or the status to refuse it with; then only r->head is set, and the connection is to be closed. A request with a body is answered
// as one without, but keep_alive is false: nobody has read the body. The head is whole, and belongs to r from now on.
int http_req_read(struct http_req *r, struct http_head *h);
// The status of a head that is BAD or LONG.
int http_req_refusal(const struct http_head *h);
const char *http_reason(int status);   // RFC 9110 section 15; "" when we know none
#endif
