// SPDX-License-Identifier: Apache-2.0
#include "app/kv_resp.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// --- the request's store ---

static void release_store(struct kv_parser *p)
{
  for (size_t i = 0; i < p->req.argc; i++) kv_value_unref(p->mem, p->req.arg[i].val);
  if (p->req.buf != p->own_buf) kv_mem_free(p->mem, p->req.buf, p->buf_cap);
  if (p->req.arg != p->own_arg) kv_mem_free(p->mem, p->req.arg, p->arg_cap * sizeof *p->req.arg);
  p->req.buf = p->own_buf;
  p->req.arg = p->own_arg;
  p->buf_cap = sizeof p->own_buf;
  p->arg_cap = KV_REQ_OWN_ARGS;
  p->buf_len = 0;
  p->req.argc = 0;
}

// The budget has no room: the rest of the request is read and forgotten.
static void give_up_store(struct kv_parser *p)
{
  release_store(p);
  p->req.oom = true;
}

static void *grown(struct kv_parser *p, void *old, const void *own, size_t old_bytes, size_t new_bytes)
{
  if (old != own) return kv_mem_resize(p->mem, old, old_bytes, new_bytes);
  void *n = kv_mem_alloc(p->mem, new_bytes);
  if (n) memcpy(n, old, old_bytes);
  return n;
}

static void store(struct kv_parser *p, const uint8_t *data, size_t len)
{
  if (p->req.oom) return;
  if (len > p->buf_cap - p->buf_len) {
    size_t need = p->buf_len + len, cap = p->buf_cap;
    while (cap < need) cap *= 2;
    void *buf = grown(p, p->req.buf, p->own_buf, p->buf_cap, cap);
    if (!buf) {
      give_up_store(p);
      return;
    }
    p->req.buf = buf;
    p->buf_cap = cap;
  }
  memcpy(p->req.buf + p->buf_len, data, len);
  p->buf_len += len;
}

static void add_arg(struct kv_parser *p, size_t off, size_t len)
{
  if (p->req.oom) return;
  if (p->req.argc == p->arg_cap) {
    size_t old = p->arg_cap * sizeof *p->req.arg;
    void *arg = grown(p, p->req.arg, p->own_arg, old, old * 2);
    if (!arg) {
      give_up_store(p);
      return;
    }
    p->req.arg = arg;
    p->arg_cap *= 2;
  }
  p->req.arg[p->req.argc++] = (struct kv_arg){off, len, NULL};
}

void kv_parser_init(struct kv_parser *p, struct kv_mem *mem)
{
  *p = (struct kv_parser){.mem = mem};
  p->req.buf = p->own_buf;
  p->req.arg = p->own_arg;
  kv_parser_next(p);
}

void kv_parser_free(struct kv_parser *p) { release_store(p); }

void kv_parser_next(struct kv_parser *p)
{
  release_store(p);
  p->req.oom = false;
  p->state = KV_P_START;
  p->line_len = p->args_left = p->bytes_left = p->inline_len = 0;
}

// --- multibulk ---

bool kv_parse_int(const uint8_t *text, size_t len, int64_t *out)
{
  size_t i = len > 0 && text[0] == '-';
  bool negative = i == 1;
  if (i == len || (text[i] == '0' && (len > 1))) return false;
  uint64_t n = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
  for (; i < len; i++) {
    if (!isdigit(text[i])) return false;
    unsigned digit = (unsigned)(text[i] - '0');
    if (n > (limit - digit) / 10) return false;
    n = n * 10 + digit;
  }
  *out = negative ? (n == limit ? INT64_MIN : -(int64_t)n) : (int64_t)n;
  return true;
}

static enum kv_parse fail(struct kv_parser *p, const char *text)
{
  snprintf(p->err, sizeof p->err, "Protocol error: %s", text);
  return KV_PROTOCOL_ERROR;
}

static enum kv_parse fail_line(struct kv_parser *p)
{
  return fail(p, p->in_count ? "invalid multibulk length" : "invalid bulk length");
}

static void begin_line(struct kv_parser *p, bool in_count)
{
  p->state = KV_P_LINE;
  p->in_count = in_count;
  p->line_len = 0;
}

// The number of a "*count" or "$length" line is whole.
static enum kv_parse end_line(struct kv_parser *p)
{
  int64_t n;
  if (!kv_parse_int((const uint8_t *)p->line, p->line_len, &n)) return fail_line(p);
  if (p->in_count) {
    if (n > KV_ARGS_MAX) return fail_line(p);
    p->args_left = n > 0 ? (size_t)n : 0;
    p->state = n > 0 ? KV_P_DOLLAR : KV_P_START;  // an empty or null array asks for nothing
    return KV_MORE;
  }
  if (n < 0 || n > KV_VALUE_MAX) return fail_line(p);
  p->bytes_left = (size_t)n;
  add_arg(p, p->buf_len, (size_t)n);
  p->state = n > 0 ? KV_P_BYTES : KV_P_CR;
  return KV_MORE;
}

// As much of the bulk as is here.
static size_t take_bytes(struct kv_parser *p, const uint8_t *data, size_t len)
{
  size_t n = len < p->bytes_left ? len : p->bytes_left;
  store(p, data, n);
  p->bytes_left -= n;
  if (p->bytes_left == 0) p->state = KV_P_CR;
  return n;
}

// --- inline ---

static int hex_of(uint8_t c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One character of a double-quoted word at s (s < end), with its escape undone; returns the source bytes used.
static size_t unescape(const uint8_t *s, const uint8_t *end, uint8_t *out)
{
  if (s[0] != '\\' || end - s < 2) {
    *out = s[0];
    return 1;
  }
  if (s[1] == 'x' && end - s >= 4 && hex_of(s[2]) >= 0 && hex_of(s[3]) >= 0) {
    *out = (uint8_t)(hex_of(s[2]) * 16 + hex_of(s[3]));
    return 4;
  }
  switch (s[1]) {
    case 'n': *out = '\n'; break;
    case 'r': *out = '\r'; break;
    case 't': *out = '\t'; break;
    case 'b': *out = '\b'; break;
    case 'a': *out = '\a'; break;
    default: *out = s[1];
  }
  return 2;
}

// The inside of a quoted word, from behind its opening quote. Writes at *to (never past s) and returns what follows the
// closing quote, NULL when there is none or a character clings to it.
static const uint8_t *take_quoted(const uint8_t *s, const uint8_t *end, uint8_t quote, uint8_t **to)
{
  while (s < end && *s != quote) {
    if (quote == '"') {
      s += unescape(s, end, *to);
    } else if (end - s >= 2 && s[0] == '\\' && s[1] == '\'') {
      **to = '\'';
      s += 2;
    } else {
      **to = *s++;
    }
    (*to)++;
  }
  if (s == end) return NULL;
  s++;
  return s == end || isspace(*s) ? s : NULL;
}

// Splits the line in req.buf into words, in place: a word is never longer than its source. False: unbalanced quotes.
static bool split_inline(struct kv_parser *p)
{
  const uint8_t *s = p->req.buf, *end = s + p->buf_len;
  uint8_t *to = p->req.buf;
  for (;;) {
    while (s < end && isspace(*s)) s++;
    if (s == end) return true;
    size_t off = (size_t)(to - p->req.buf);
    while (s < end && !isspace(*s)) {
      if (*s == '"' || *s == '\'') {
        uint8_t quote = *s++;
        s = take_quoted(s, end, quote, &to);
        if (!s) return false;
      } else {
        *to++ = *s++;
      }
    }
    add_arg(p, off, (size_t)(to - p->req.buf) - off);
    if (p->req.oom) return true;
  }
}

static enum kv_parse take_inline(struct kv_parser *p, const uint8_t *data, size_t len, size_t *used)
{
  const uint8_t *lf = memchr(data, '\n', len);
  size_t n = lf ? (size_t)(lf - data) : len;
  *used += n + (lf != NULL);
  p->inline_len += n;
  if (p->inline_len > KV_INLINE_MAX) return fail(p, "too big inline request");
  store(p, data, n);
  if (!lf) return KV_MORE;
  if (p->req.oom) return KV_REQUEST;
  if (p->buf_len > 0 && p->req.buf[p->buf_len - 1] == '\r') p->buf_len--;
  if (!split_inline(p)) return fail(p, "unbalanced quotes in request");
  if (p->req.argc > 0 || p->req.oom) return KV_REQUEST;
  kv_parser_next(p);  // an empty line asks for nothing
  return KV_MORE;
}

// --- the machine ---

// One byte in the states that go byte by byte.
static enum kv_parse step(struct kv_parser *p, uint8_t c)
{
  char text[40];
  switch (p->state) {
    case KV_P_LINE:
      if (c == '\r')
        p->state = KV_P_LINE_LF;
      else if (p->line_len < sizeof p->line)
        p->line[p->line_len++] = (char)c;
      else
        return fail_line(p);
      return KV_MORE;
    case KV_P_LINE_LF:
      return c == '\n' ? end_line(p) : fail_line(p);
    case KV_P_DOLLAR:
      if (c == '$') {
        begin_line(p, false);
        return KV_MORE;
      }
      snprintf(text, sizeof text, "expected '$', got '%c'", isprint(c) ? c : '?');
      return fail(p, text);
    case KV_P_CR:
      p->state = KV_P_LF;
      return c == '\r' ? KV_MORE : fail(p, "expected CRLF after bulk");
    default:
      assert(p->state == KV_P_LF);
      if (c != '\n') return fail(p, "expected CRLF after bulk");
      p->state = KV_P_DOLLAR;
      return --p->args_left == 0 ? KV_REQUEST : KV_MORE;
  }
}

enum kv_parse kv_parse(struct kv_parser *p, const uint8_t *data, size_t len, size_t *used)
{
  enum kv_parse r = KV_MORE;
  *used = 0;
  while (r == KV_MORE && *used < len) {
    const uint8_t *at = data + *used;
    if (p->state == KV_P_START) {
      if (*at == '*') {
        begin_line(p, true);
        ++*used;
      } else {
        p->state = KV_P_INLINE;
      }
    } else if (p->state == KV_P_INLINE) {
      r = take_inline(p, at, len - *used, used);
    } else if (p->state == KV_P_BYTES) {
      *used += take_bytes(p, at, len - *used);
    } else {
      ++*used;
      r = step(p, *at);
    }
  }
  return r;
}

// --- replies ---

void kv_out_init(struct kv_out *o, struct kv_mem *mem)
{
  o->mem = mem;
  o->off = o->len = o->big_off = 0;
  o->big = NULL;
}

void kv_out_free(struct kv_out *o)
{
  kv_value_unref(o->mem, o->big);
  kv_out_init(o, o->mem);
}

bool kv_out_ready(struct kv_out *o)
{
  if (o->big) return false;
  if (sizeof o->buf - o->len < KV_REPLY_MAX && o->off > 0) {
    memmove(o->buf, o->buf + o->off, o->len - o->off);
    o->len -= o->off;
    o->off = 0;
  }
  return sizeof o->buf - o->len >= KV_REPLY_MAX;
}

static void put(struct kv_out *o, const void *data, size_t len)
{
  assert(!o->big && len <= sizeof o->buf - o->len);
  if (len) memcpy(o->buf + o->len, data, len);
  o->len += len;
}

void kv_out_text(struct kv_out *o, const char *line)
{
  put(o, line, strlen(line));
  put(o, "\r\n", 2);
}

static void put_number(struct kv_out *o, char sign, int64_t n)
{
  char text[32];
  int len = snprintf(text, sizeof text, "%c%" PRId64 "\r\n", sign, n);
  put(o, text, (size_t)len);
}

void kv_out_int(struct kv_out *o, int64_t n) { put_number(o, ':', n); }
void kv_out_array(struct kv_out *o, size_t n) { put_number(o, '*', (int64_t)n); }
void kv_out_nil(struct kv_out *o) { kv_out_text(o, "$-1"); }

void kv_out_bulk(struct kv_out *o, const void *data, size_t len)
{
  put_number(o, '$', (int64_t)len);
  put(o, data, len);
  put(o, "\r\n", 2);
}

void kv_out_value(struct kv_out *o, struct kv_value *v)
{
  if (v->len + 32 <= sizeof o->buf - o->len) {
    kv_out_bulk(o, v->data, v->len);
    return;
  }
  put_number(o, '$', (int64_t)v->len);
  o->big = kv_value_ref(v);
  o->big_off = 0;
}

size_t kv_out_peek(const struct kv_out *o, const uint8_t **data)
{
  if (o->off < o->len) {
    *data = o->buf + o->off;
    return o->len - o->off;
  }
  if (!o->big) return 0;
  *data = o->big->data + o->big_off;
  return o->big->len - o->big_off;
}

void kv_out_sent(struct kv_out *o, size_t n)
{
  if (o->off < o->len) {
    o->off += n;
    assert(o->off <= o->len);
    if (o->off == o->len) o->off = o->len = 0;
    return;
  }
  if (!o->big) return;
  o->big_off += n;
  assert(o->big_off <= o->big->len);
  if (o->big_off < o->big->len) return;
  kv_value_unref(o->mem, o->big);
  o->big = NULL;
  put(o, "\r\n", 2);
}
