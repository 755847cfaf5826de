// SPDX-License-Identifier: Apache-2.0
#include "app/http_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const time_t YEAR_1 = -62135596800, YEAR_9999_END = 253402300799;   // the years that a date has digits for

static int hex(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_decode(char *text)
{
  char *to = text;
  for (const char *from = text; *from;) {
    if (*from != '%') {
      *to++ = *from++;
      continue;
    }
    int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
    if (low < 0 || (high | low) == 0) return false;
    *to++ = (char)(high << 4 | low);
    from += 3;
  }
  *to = '\0';
  return true;
}

void http_encode(FILE *out, const char *text)
{
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~/", c);
    if (plain) fputc(c, out);
    else fprintf(out, "%%%02X", c);
  }
}

void http_html(FILE *out, const char *text)
{
  for (; *text; text++) {
    if (*text == '<') fputs("&lt;", out);
    else if (*text == '>') fputs("&gt;", out);
    else if (*text == '&') fputs("&amp;", out);
    else if (*text == '"') fputs("&quot;", out);
    else fputc(*text, out);
  }
}

static const char blank[] = " \t";

bool http_list_has(const char *list, const char *word)
{
  size_t want = strlen(word);
  for (const char *p = list;; p++) {
    p += strspn(p, blank);
    size_t n = strcspn(p, ","), used = n;
    while (used && strchr(blank, p[used - 1])) used--;
    if (used == want && strncasecmp(p, word, want) == 0) return true;
    p += n;
    if (!*p) return false;
  }
}

static bool take_number(const char **p, uint64_t *v)
{
  *v = 0;
  const char *from = *p;
  for (; **p >= '0' && **p <= '9'; ++*p) {
    if (*v > (UINT64_MAX >> 1) / 10 - 1) return false;
    *v = *v * 10 + (uint64_t)(**p - '0');
  }
  return *p > from;
}

bool http_number(const char *text, uint64_t *out)
{
  uint64_t v;
  if (!take_number(&text, &v) || *text) return false;
  *out = v;
  return true;
}

// One of a set: "3-7", "3-" or "-5". False: malformed. *s is empty when no byte of it is there.
static bool take_range(const char **p, uint64_t size, struct http_span *s)
{
  uint64_t first = 0, last = 0;
  bool has_first = **p != '-';
  if (has_first && !take_number(p, &first)) return false;
  if (*(*p)++ != '-') return false;
  bool has_last = **p >= '0' && **p <= '9';
  if (has_last ? !take_number(p, &last) : !has_first) return false;
  if (has_first && has_last && last < first) return false;
  if (!has_first) {   // the last so many
    *s = last < size ? (struct http_span){size - last, last} : (struct http_span){0, size};
  } else if (first >= size) {
    *s = (struct http_span){0, 0};
  } else {
    *s = (struct http_span){first, (has_last && last < size ? last + 1 : size) - first};
  }
  return true;
}

int http_ranges(const char *value, uint64_t size, struct http_span out[static HTTP_RANGES])
{
  int n = 0;
  bool any = false;
  uint64_t sum = 0;
  if (strncasecmp(value, "bytes=", 6) != 0) return 0;
  for (const char *p = value + 6; *p;) {
    struct http_span s;
    p += strspn(p, " \t,");
    if (!*p) break;
    if (!take_range(&p, size, &s)) return 0;
    p += strspn(p, blank);
    if (*p && *p != ',') return 0;
    any = true;
    if (s.len == 0) continue;
    sum += s.len;
    if (n == HTTP_RANGES || sum > size) return 0;
    out[n++] = s;
  }
  return n ? n : any ? -1 : 0;
}

const char *http_date(char out[static HTTP_DATE_LEN], time_t t)
{
  struct tm tm;
  t = t < YEAR_1 ? YEAR_1 : t > YEAR_9999_END ? YEAR_9999_END : t;   // a file may say it is older, or from later
  gmtime_r(&t, &tm);
  strftime(out, HTTP_DATE_LEN, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  return out;
}

bool http_date_parse(const char *text, time_t *t)
{
  static const char *const form[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};
  for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
    struct tm tm = {0};
    const char *end = strptime(text, form[i], &tm);
    if (!end || *end) continue;
    *t = timegm(&tm);
    return *t >= YEAR_1 && *t <= YEAR_9999_END;
  }
  return false;
}
