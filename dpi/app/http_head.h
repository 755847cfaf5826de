// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1 message, of a request or a response: start-line and fields (RFC 9112 sections 2 to 5), out of a stream
// that may be cut anywhere. Fixed memory; what the words mean is for http_req.h and wget.c.
//
//   word SP word [SP words] CRLF *( name ":" OWS value OWS CRLF ) CRLF
//
// A line may end in LF alone (section 2.2). Empty lines before the start-line are skipped. Refused are: control characters, CR
// without LF, a field that goes on in the next line (section 5.2), blanks before the colon (section 5.1).
#ifndef LW_HTTP_HEAD_H
#define LW_HTTP_HEAD_H
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_BYTES = 8192, HTTP_HEAD_FIELDS = 64 };   // longer heads are HTTP_HEAD_LONG, with more fields, too

enum http_head_end { HTTP_HEAD_MORE, HTTP_HEAD_WHOLE, HTTP_HEAD_BAD, HTTP_HEAD_LONG };

struct http_head {
  enum http_head_end end;
  uint8_t at;               // where in the grammar
  uint16_t used, len;       // bytes taken; text[0..len) is stored
  uint8_t n_words, n_fields;
  uint16_t word[3];         // places in text; those of the start-line that are not there are ""
  struct { uint16_t name, value; } field[HTTP_HEAD_FIELDS];   // names in lower case
  char text[HTTP_HEAD_BYTES + 1];
};

void http_head_init(struct http_head *h);
// Takes bytes while h->end is HTTP_HEAD_MORE, up to the end of the head; returns how many.
size_t http_head_feed(struct http_head *h, const uint8_t *data, size_t len);
// Once it is HTTP_HEAD_WHOLE: the start-line's words, and the n-th field called so, NULL when there are not so many.
const char *http_head_word(const struct http_head *h, unsigned i);
const char *http_head_field(const struct http_head *h, const char *name, unsigned n);
#endif
