// SPDX-License-Identifier: Apache-2.0
#include "app/http_req.h"

#include <string.h>
#include <strings.h>

#include "app/http_text.h"

const char *http_reason(int status)
{
  static const struct { int status; const char *reason; } table[] = {
      {200, "OK"}, {206, "Partial Content"}, {301, "Moved Permanently"}, {304, "Not Modified"}, {400, "Bad Request"},
      {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"}, {414, "URI Too Long"},
      {416, "Range Not Satisfiable"}, {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
      {501, "Not Implemented"}, {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].status == status) return table[i].reason;
  return "";
}

int http_req_refusal(const struct http_head *h)
{
  if (h->end == HTTP_HEAD_BAD) return 400;
  return h->n_fields ? 431 : 414;
}

// GET and HEAD are ours; others of RFC 9110 section 9 and RFC 5789 we know and do not do.
static int read_method(struct http_req *r, const char *word)
{
  static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  r->head = strcmp(word, "HEAD") == 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(word, known[i]) == 0) return i < 2 ? 0 : 405;
  return 501;
}

// HTTP/1.0 is all older ones, HTTP/1.1 all newer ones.
static int read_version(const char *word, bool *old)
{
  bool shape = strncmp(word, "HTTP/", 5) == 0 && word[5] >= '0' && word[5] <= '9' && word[6] == '.' && word[7] >= '0' && word[7] <= '9' && !word[8];
  if (!shape) return 400;
  *old = word[7] == '0';
  return word[5] == '1' ? 0 : 505;
}

// RFC 9112 section 3.2: a path, or a whole http URL. (Others belong to methods that we do not do.)
static int read_target(struct http_req *r, char *t)
{
  if (strncasecmp(t, "http://", 7) == 0) {
    t += 7;
    size_t authority = strcspn(t, "/?#");
    if (authority == 0) return 400;
    t += authority;
    if (*t != '/') memcpy(--t, "/", 2);   // RFC 3986 section 6.2.3
  }
  t[strcspn(t, "?")] = '\0';
  r->path = t;
  return *t == '/' && !strchr(t, '#') && http_decode(t) ? 0 : 400;
}

// RFC 9112 section 3.2: exactly one, of the newer version; never two.
static bool host_is_well(const struct http_head *h, bool old)
{
  const char *host = http_head_field(h, "host", 0);
  if (!host) return old;
  return !http_head_field(h, "host", 1) && !host[strcspn(host, " \t/?#@\"<>\\^`{|}")];
}

// A body that we shall not read, or lengths that contradict each other (RFC 9112 section 6.3). False: refuse.
static bool read_body(const struct http_head *h, bool *any)
{
  const char *length = http_head_field(h, "content-length", 0), *coding = http_head_field(h, "transfer-encoding", 0);
  uint64_t n = 0;
  if (length && (coding || http_head_field(h, "content-length", 1) || !http_number(length, &n))) return false;
  *any = n > 0 || coding;
  return true;
}

static bool connection_has(const struct http_head *h, const char *word)
{
  const char *list;
  for (unsigned i = 0; (list = http_head_field(h, "connection", i)); i++)
    if (http_list_has(list, word)) return true;
  return false;
}

int http_req_read(struct http_req *r, struct http_head *h)
{
  bool old = false, body = false;
  *r = (struct http_req){0};
  int method = read_method(r, http_head_word(h, 0)), status = read_version(http_head_word(h, 2), &old);
  if (!status) status = method;
  if (!status) status = read_target(r, h->text + h->word[1]);
  if (!status && (!host_is_well(h, old) || !read_body(h, &body))) status = 400;
  if (status) return status;
  r->keep_alive = !body && !connection_has(h, "close") && (!old || connection_has(h, "keep-alive"));
  r->range = http_head_field(h, "range", 0);
  r->if_range = http_head_field(h, "if-range", 0);
  r->if_none_match = http_head_field(h, "if-none-match", 0);
  r->if_modified_since = http_head_field(h, "if-modified-since", 0);
  return 0;
}
