// SPDX-License-Identifier: Apache-2.0
// The small grammars inside HTTP fields and targets: percent-encoding, ranges, dates, lists.
#ifndef LW_HTTP_TEXT_H
#define LW_HTTP_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { HTTP_DATE_LEN = 30, HTTP_RANGES = 16 };

// RFC 3986 section 2.1, in place. False: a broken %XX, or %00.
bool http_decode(char *text);
// Writes text with everything encoded that is not unreserved or `/`: fit for a URL within quotes or a field.
void http_encode(FILE *out, const char *text);
// Writes text so that HTML shows it as it is.
void http_html(FILE *out, const char *text);

// One of a comma-separated list is `word`, in whatever case (RFC 9110 section 5.6.1).
bool http_list_has(const char *list, const char *word);

struct http_span {
  uint64_t at, len;
};
// A Range field over `size` bytes (RFC 9110 section 14.1.2): how many spans, none of them empty; 0: it is to be ignored (another unit,
// malformed, more than HTTP_RANGES, or more bytes than there are); -1: it cannot be satisfied (416).
int http_ranges(const char *value, uint64_t size, struct http_span out[static HTTP_RANGES]);

const char *http_date(char out[static HTTP_DATE_LEN], time_t t);   // RFC 9110 section 5.6.7; returns out
bool http_date_parse(const char *text, time_t *t);                 // any of its three forms, of the years 1 to 9999
// Digits alone; false: not, or beyond 2^63.
bool http_number(const char *text, uint64_t *out);
#endif
