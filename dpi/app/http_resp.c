// SPDX-License-Identifier: Apache-2.0
#include "app/http_resp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What of the answer depends on the request.
struct plan {
  int status;
  bool head, keep_alive;
  const char *path;          // with 301: where it is, but for the slash
  const char *type;          // of the body; NULL: plain text, or none
  uint64_t length;           // of the body
};

#define BOUNDARY "lockwire-part-of-a-file"

static bool write_head(struct http_resp *r, const struct plan *p, time_t now)
{
  char date[HTTP_DATE_LEN];
  FILE *out = open_memstream(&r->head, &r->head_len);
  if (!out) return false;
  fprintf(out, "HTTP/1.1 %d %s\r\nServer: lockwire\r\nDate: %s\r\n", p->status, http_reason(p->status), http_date(date, now));
  if (p->type) fprintf(out, "Content-Type: %s\r\n", p->type);
  if (p->status != 304) fprintf(out, "Content-Length: %llu\r\n", (unsigned long long)p->length);
  if (p->status == 405) fputs("Allow: GET, HEAD\r\n", out);
  if (p->status == 301) {
    fputs("Location: ", out);
    http_encode(out, p->path + strspn(p->path, "/") - 1);   // "//a" would name a host
    fputs("/\r\n", out);
  }
  if (p->status == 416) fprintf(out, "Content-Range: bytes */%llu\r\n", (unsigned long long)r->file.size);
  if (p->status == 206 && r->n_parts == 1) {
    struct http_span s = r->part[0].span;
    fprintf(out, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)s.at, (unsigned long long)(s.at + s.len - 1),
            (unsigned long long)r->file.size);
  }
  if (p->status < 400 && p->status != 301 && !r->file.dir)
    fprintf(out, "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n", http_date(date, r->file.mtime), r->file.etag);
  fprintf(out, "Connection: %s\r\n\r\n", p->keep_alive ? "keep-alive" : "close");
  return fclose(out) == 0;
}

// A body of text alone.
static bool write_text(struct http_resp *r, const struct plan *p)
{
  FILE *out = open_memstream(&r->body, &r->body_len);
  if (!out) return false;
  if (p->status == 200) http_file_list(&r->file, out, p->path);
  else fprintf(out, "%d %s\n", p->status, http_reason(p->status));
  return fclose(out) == 0;
}

// RFC 9110 section 14.6: each span behind a small head of its own.
static bool write_parts(struct http_resp *r, struct plan *p)
{
  FILE *out = open_memstream(&r->body, &r->body_len);
  if (!out) return false;
  p->length = 0;
  for (unsigned i = 0; i < r->n_parts; i++) {
    struct http_span s = r->part[i].span;
    fprintf(out, "\r\n--" BOUNDARY "\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n", r->file.type, (unsigned long long)s.at,
            (unsigned long long)(s.at + s.len - 1), (unsigned long long)r->file.size);
    fflush(out);   // body_len is told now
    r->part[i].text_end = r->body_len;
    p->length += s.len;
  }
  fputs("\r\n--" BOUNDARY "--\r\n", out);
  if (fclose(out) != 0) return false;
  p->length += r->body_len;
  p->type = "multipart/byteranges; boundary=" BOUNDARY;
  return true;
}

// RFC 9110 section 13.2.2. A tag is compared as a whole, quotes included, so finding it in the list is enough.
static bool not_modified(const struct http_resp *r, const struct http_req *q)
{
  time_t since;
  if (q->if_none_match) return strcmp(q->if_none_match, "*") == 0 || strstr(q->if_none_match, r->file.etag);
  return q->if_modified_since && http_date_parse(q->if_modified_since, &since) && r->file.mtime <= since;
}

static bool range_holds(const struct http_resp *r, const struct http_req *q)
{
  char date[HTTP_DATE_LEN];
  if (!q->range || q->head) return false;
  return !q->if_range || strcmp(q->if_range, r->file.etag) == 0 || strcmp(q->if_range, http_date(date, r->file.mtime)) == 0;
}

// What is to be sent of a file that is there. False: out of memory.
static bool plan_file(struct http_resp *r, const struct http_req *q, struct plan *p)
{
  struct http_span span[HTTP_RANGES];
  int n = range_holds(r, q) ? http_ranges(q->range, r->file.size, span) : 0;
  if (n == 0) span[0] = (struct http_span){0, r->file.size};   // whatever stood before what is wrong with it
  p->status = n < 0 ? 416 : n ? 206 : 200;
  if (n < 0) return write_text(r, p);
  p->type = r->file.type;
  p->length = span[0].len;
  r->n_parts = n ? (unsigned)n : 1;
  for (unsigned i = 0; i < r->n_parts; i++) r->part[i].span = span[i];
  return n <= 1 || write_parts(r, p);
}

// The body is planned, or text: all that is said of it, and for HEAD not the thing itself.
static bool finish(struct http_resp *r, struct plan *p, time_t now)
{
  if (!r->n_parts) p->length = r->body_len;
  if (!p->type && r->body) p->type = r->file.dir && p->status == 200 ? r->file.type : "text/plain; charset=utf-8";
  if (!write_head(r, p, now)) return false;
  if (!p->head) return true;
  r->n_parts = 0;
  r->body_len = 0;
  return true;
}

bool http_resp_open(struct http_resp *r, const struct http_req *q, int root, time_t now)
{
  struct plan p = {.head = q->head, .keep_alive = q->keep_alive, .path = q->path};
  *r = (struct http_resp){0};
  p.status = http_file_open(&r->file, root, q->path);
  if (p.status) return write_text(r, &p) && finish(r, &p, now);
  p.status = 200;
  if (r->file.dir) return write_text(r, &p) && finish(r, &p, now);
  if (!not_modified(r, q)) return plan_file(r, q, &p) && finish(r, &p, now);
  p.status = 304;
  return finish(r, &p, now);
}

bool http_resp_refuse(struct http_resp *r, int status, bool head, time_t now)
{
  struct plan p = {.status = status, .head = head};
  *r = (struct http_resp){.file.fd = -1};
  return write_text(r, &p) && finish(r, &p, now);
}

void http_resp_close(struct http_resp *r)
{
  if (r->file.fd >= 0) close(r->file.fd);
  free(r->head);
  free(r->body);
  *r = (struct http_resp){.file.fd = -1};
}

// Some of a text from *sent up to `end`.
static size_t take(const char *text, size_t *sent, size_t end, uint8_t *buf, size_t cap)
{
  size_t n = end - *sent < cap ? end - *sent : cap;
  if (n) memcpy(buf, text + *sent, n);
  *sent += n;
  return n;
}

static ssize_t take_span(struct http_resp *r, uint8_t *buf, size_t cap)
{
  struct http_span s = r->part[r->at].span;
  uint64_t left = s.len - r->span_sent;
  ssize_t n = left ? pread(r->file.fd, buf, left < cap ? (size_t)left : cap, (off_t)(s.at + r->span_sent)) : 0;
  if (left && n <= 0) return -1;
  r->span_sent += (uint64_t)n;
  if (r->span_sent == s.len) {
    r->at++;
    r->span_sent = 0;
  }
  return n;
}

ssize_t http_resp_read(struct http_resp *r, uint8_t *buf, size_t cap)
{
  size_t n = take(r->head, &r->head_sent, r->head_len, buf, cap);
  while (n < cap && r->at < r->n_parts) {
    n += take(r->body, &r->body_sent, r->part[r->at].text_end, buf + n, cap - n);
    ssize_t of_file = n < cap ? take_span(r, buf + n, cap - n) : 0;
    if (of_file < 0) return -1;
    n += (size_t)of_file;
  }
  return (ssize_t)(n + take(r->body, &r->body_sent, r->body_len, buf + n, cap - n));
}
