// SPDX-License-Identifier: Apache-2.0
// Any bytes as HTTP. Heads are the same whole and in pieces; what is asked for is answered from a directory of known files, with
// as many bytes as was said, the right ones, and none from outside; what a grammar takes means the same when it is written again.
//
//   byte 0: 0 to 3 a stream of requests, else a text for the grammars | byte 1: the longest piece | the rest
#define _DEFAULT_SOURCE
#include "base/fuzz.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/http_resp.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { NOW = 1000000000, MOST = 100000, NEVER = 8 };
static int root = -1;

// --- the files: each says by its size which it is, and has bytes of its own ------------------------------------------------

static uint8_t byte_at(uint64_t size, uint64_t at) { return (uint8_t)(size * 3 + at * 7 + at / 256); }

static void make_file(const char *name, unsigned size)
{
  const struct timespec then[2] = {{NOW / 2, 0}, {NOW / 2, 0}};
  int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  assert(fd >= 0);
  for (unsigned i = 0; i < size; i++) {
    uint8_t c = byte_at(size, i);
    assert(write(fd, &c, 1) == 1);
  }
  futimens(fd, then);
  close(fd);
}

// Beside the target itself, so that it goes with it.
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  static char self[PATH_MAX], name[PATH_MAX + 20];
  (void)argc;
  snprintf(self, sizeof self, "%s", (*argv)[0]);
  snprintf(name, sizeof name, "%s/http_files", dirname(self));
  mkdir(name, 0755);
  root = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert(root >= 0);
  make_file("a.txt", 100);
  make_file("empty", 0);
  make_file("b c.html", 3000);
  mkdirat(root, "d", 0755);
  make_file("d/index.html", 50);
  mkdirat(root, "e", 0755);
  make_file("e/<&\">", 7);
  if (symlinkat("/", root, "out") != 0) assert(faccessat(root, "out", F_OK, AT_SYMLINK_NOFOLLOW) == 0);
  return 0;
}

// --- heads and answers ---------------------------------------------------------------------------------------------------------

static size_t feed(struct http_head *h, const uint8_t *data, size_t len, size_t piece)
{
  size_t at = 0;
  http_head_init(h);
  while (at < len && h->end == HTTP_HEAD_MORE) {
    size_t n = len - at < piece ? len - at : piece;
    uint8_t *exact = fuzz_copy(data + at, n);
    size_t used = http_head_feed(h, exact, n);
    free(exact);
    assert(used <= n && (used == n || h->end != HTTP_HEAD_MORE));
    at += used;
  }
  return at;
}

static void check_head(const struct http_head *h)
{
  assert(h->len <= h->used && h->used <= HTTP_HEAD_BYTES && h->n_fields <= HTTP_HEAD_FIELDS);
  if (h->end != HTTP_HEAD_WHOLE) return;
  for (unsigned i = 0; i < 3; i++) assert(h->word[i] < h->len && memchr(http_head_word(h, i), '\0', (size_t)(h->len - h->word[i])));
  for (unsigned i = 0; i < h->n_fields; i++) {
    const char *name = h->text + h->field[i].name, *value = h->text + h->field[i].value;
    assert(*name && name + strlen(name) + 1 == value && memchr(value, '\0', (size_t)(h->text + h->len - value)));
    assert(!strpbrk(name, " \t:\r\n") && !strpbrk(value, "\r\n") && *value != ' ' && *value != '\t');
  }
}

// The body from `from` of the file of that size.
static void check_bytes(const uint8_t *body, uint64_t n, uint64_t size, uint64_t from)
{
  for (uint64_t i = 0; i < n; i++) assert(body[i] == byte_at(size, from + i));
}

static void check_answer(struct http_resp *r, bool head, bool close, size_t piece)
{
  static uint8_t out[MOST];
  static struct http_head h;
  size_t n = 0;
  ssize_t got;
  unsigned long long from, to, size;
  while ((got = http_resp_read(r, out + n, MOST - n < piece ? MOST - n : piece)) > 0) n += (size_t)got;
  assert(got == 0 && n < MOST);
  size_t at = feed(&h, out, n, MOST);
  assert(h.end == HTTP_HEAD_WHOLE && strlen(http_head_word(&h, 1)) == 3);
  const char *length = http_head_field(&h, "content-length", 0), *range = http_head_field(&h, "content-range", 0);
  uint64_t len = 0;
  int status = atoi(http_head_word(&h, 1));
  assert(length ? http_number(length, &len) : status == 304);
  assert(!http_head_field(&h, "content-length", 1) && http_list_has(http_head_field(&h, "connection", 0), close ? "close" : "keep-alive"));
  assert(n - at == (head ? 0 : len));
  assert(*http_reason(status) && !strcmp(http_head_word(&h, 2), http_reason(status)));
  if (head || status > 206 || r->file.dir || !r->file.type) return;
  assert(r->file.size == 0 || r->file.size == 7 || r->file.size == 50 || r->file.size == 100 || r->file.size == 3000);
  if (status == 200) check_bytes(out + at, len, r->file.size, 0);
  if (status != 206 || !range) return;
  assert(sscanf(range, "bytes %llu-%llu/%llu", &from, &to, &size) == 3 && from <= to && to < size && size == r->file.size && to - from + 1 == len);
  check_bytes(out + at, len, size, from);
}

static void answer(struct http_head *h, size_t piece)
{
  struct http_req q;
  struct http_resp r;
  int status = h->end == HTTP_HEAD_WHOLE ? http_req_read(&q, h) : http_req_refusal(h);
  if (h->end != HTTP_HEAD_WHOLE) q = (struct http_req){0};
  assert(status || (q.path[0] == '/' && q.path >= h->text && q.path + strlen(q.path) < h->text + sizeof h->text));
  assert(status ? http_resp_refuse(&r, status, q.head, NOW) : http_resp_open(&r, &q, root, NOW));
  check_answer(&r, q.head, status || !q.keep_alive, piece);
  http_resp_close(&r);
}

static void requests(const uint8_t *data, size_t len, size_t piece)
{
  static struct http_head whole, cut;
  for (unsigned i = 0; len && i < NEVER; i++) {
    size_t used = feed(&whole, data, len, len), again = feed(&cut, data, len, piece);
    assert(used == again && whole.end == cut.end && whole.len == cut.len && !memcmp(whole.text, cut.text, whole.len));
    assert(whole.n_fields == cut.n_fields && !memcmp(whole.field, cut.field, whole.n_fields * sizeof whole.field[0]));
    check_head(&whole);
    if (whole.end == HTTP_HEAD_MORE) return;
    answer(&whole, 16 * piece);
    if (cut.end != HTTP_HEAD_WHOLE) return;
    data += used;
    len -= used;
  }
}

// --- the small grammars ----------------------------------------------------------------------------------------------------------

static void check_ranges(const char *text, uint64_t size)
{
  struct http_span s[HTTP_RANGES];
  int n = http_ranges(text, size, s);
  uint64_t sum = 0;
  assert(n >= -1 && n <= HTTP_RANGES);
  for (int i = 0; i < n; i++) {
    assert(s[i].len && s[i].at < size && s[i].len <= size - s[i].at);
    sum += s[i].len;
  }
  assert(sum <= size);
}

static void check_encoding(const char *text)
{
  char *written = NULL, *copy = strdup(text);
  size_t n;
  FILE *f = open_memstream(&written, &n);
  assert(f && copy);
  http_encode(f, text);
  fclose(f);
  assert(!strpbrk(written, " \t\r\n\"'<>?#") && http_decode(written) && !strcmp(written, text));
  if (http_decode(copy)) assert(strlen(copy) <= strlen(text));
  free(written);
  free(copy);
}

static void check_html(const char *text)
{
  char *written = NULL;
  size_t n;
  FILE *f = open_memstream(&written, &n);
  assert(f);
  http_html(f, text);
  fclose(f);
  assert(!strpbrk(written, "<>\""));
  free(written);
}

static void grammars(const uint8_t *data, size_t len, uint64_t size)
{
  char *text = malloc(len + 1), date[HTTP_DATE_LEN], number[24];
  time_t t, again;
  uint64_t v;
  assert(text);
  memcpy(text, data, len);
  text[len] = '\0';
  check_ranges(text, size * size * 40);
  check_encoding(text);
  check_html(text);
  http_list_has(text, "close");
  if (http_date_parse(text, &t)) assert(http_date_parse(http_date(date, t), &again) && again == t);
  if (http_number(text, &v)) {
    snprintf(number, sizeof number, "%llu", (unsigned long long)v);
    assert(v <= INT64_MAX && !strcmp(number, text + strspn(text, "0")) == (v != 0));
  }
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 2) return 0;
  if (data[0] < 4) requests(data + 2, size - 2, 1 + data[1]);
  else grammars(data + 2, size - 2, data[1]);
  return 0;
}
