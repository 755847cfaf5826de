// SPDX-License-Identifier: Apache-2.0
// The protocol alone: requests at every cut, every protocol error, numbers, the reply buffer.
#include "app/kv_resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const size_t BUDGET = 1 << 20;

// A request written down as "<3>SET<1>k", so that arguments with any bytes compare as one string; "OOM" and errors too.
struct log {
  size_t len;
  char text[4096];
};

static void log_add(struct log *l, const void *data, size_t len)
{
  assert_true(len < sizeof l->text - l->len);
  memcpy(l->text + l->len, data, len);
  l->len += len;
}

static void log_str(struct log *l, const char *s) { log_add(l, s, strlen(s)); }

static void log_request(struct log *l, const struct kv_req *r)
{
  if (r->oom) log_str(l, "OOM");
  for (size_t i = 0; i < r->argc; i++) {
    char head[32];
    snprintf(head, sizeof head, "<%zu>", r->arg[i].len);
    log_str(l, head);
    log_add(l, kv_req_arg(r, i), r->arg[i].len);
  }
  log_str(l, "|");
}

// Feeds data in pieces of at most `piece` bytes and writes down all that comes out; false after a protocol error.
static bool feed(struct kv_parser *p, const uint8_t *data, size_t len, size_t piece, struct log *l)
{
  for (size_t at = 0; at < len;) {
    size_t n = len - at < piece ? len - at : piece, used;
    enum kv_parse r = kv_parse(p, data + at, n, &used);
    assert_true(used <= n && (used > 0 || r != KV_MORE));
    at += used;
    if (r == KV_PROTOCOL_ERROR) {
      log_str(l, p->err);
      return false;
    }
    if (r == KV_REQUEST) {
      log_request(l, &p->req);
      kv_parser_next(p);
    }
  }
  return true;
}

// What the parser makes of data must be `want`, whole, byte by byte, and cut in two anywhere.
static void check_at_every_cut(const char *data, size_t len, const char *want, size_t want_len)
{
  for (size_t cut = 0; cut <= len; cut++) {
    struct kv_mem mem = {.max = BUDGET};
    struct kv_parser p;
    struct log l = {0};
    kv_parser_init(&p, &mem);
    size_t piece = cut == 0 ? 1 : len;
    if (feed(&p, (const uint8_t *)data, cut, piece, &l)) feed(&p, (const uint8_t *)data + cut, len - cut, piece, &l);
    assert_int_equal(l.len, want_len);
    assert_memory_equal(l.text, want, want_len);
    kv_parser_free(&p);
    assert_int_equal(mem.used, 0);
  }
}

#define CHECK(data, want) check_at_every_cut(data, sizeof(data) - 1, want, sizeof(want) - 1)

static void test_parser_takes_requests_at_every_cut(void **state)
{
  (void)state;
  CHECK("*1\r\n$4\r\nPING\r\n", "<4>PING|");
  CHECK("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n", "<3>SET<1>k<5>value|");
  CHECK("*2\r\n$3\r\nGET\r\n$0\r\n\r\n", "<3>GET<0>|");
  CHECK("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\nPING\r\n", "<4>PING|<4>PING|<4>PING|");
  CHECK("*0\r\n*-1\r\n*1\r\n$1\r\nA\r\n", "<1>A|");
  CHECK("*2\r\n$4\r\nECHO\r\n$6\r\n\r\n\0\n*$\r\n", "<4>ECHO<6>\r\n\0\n*$|");
}

static void test_parser_takes_inline_requests_at_every_cut(void **state)
{
  (void)state;
  CHECK("PING\r\n", "<4>PING|");
  CHECK("PING\n", "<4>PING|");
  CHECK("\r\n\n  \r\n", "");
  CHECK("  set  k\tv \r\nGET k\n", "<3>set<1>k<1>v|<3>GET<1>k|");
  CHECK("set \"a b\" 'c \"d'\r\n", "<3>set<3>a b<4>c \"d|");
  CHECK("echo \"\\x00\\xfF\\n\\r\\t\\b\\a\\\"\\\\\\q\"\r\n", "<4>echo<10>\0\xff\n\r\t\b\a\"\\q|");
  CHECK("echo '\\'' \"\" a\"b\"\r\n", "<4>echo<1>'<0><2>ab|");
  CHECK("echo \"\\xZZ\"\r\n", "<4>echo<3>xZZ|");
}

static void test_parser_names_each_protocol_error_at_every_cut(void **state)
{
  (void)state;
  CHECK("*x\r\n", "Protocol error: invalid multibulk length");
  CHECK("*\r\n", "Protocol error: invalid multibulk length");
  CHECK("*+1\r\n", "Protocol error: invalid multibulk length");
  CHECK("*1048577\r\n", "Protocol error: invalid multibulk length");
  CHECK("*99999999999999999999999999999999\r\n", "Protocol error: invalid multibulk length");
  CHECK("*1\rx", "Protocol error: invalid multibulk length");
  CHECK("*1\r\nPING\r\n", "Protocol error: expected '$', got 'P'");
  CHECK("*1\r\n\x01", "Protocol error: expected '$', got '?'");
  CHECK("*1\r\n$-1\r\n", "Protocol error: invalid bulk length");
  CHECK("*1\r\n$536870913\r\n", "Protocol error: invalid bulk length");
  CHECK("*1\r\n$4x\r\n", "Protocol error: invalid bulk length");
  CHECK("*1\r\n$\r\n", "Protocol error: invalid bulk length");
  CHECK("*1\r\n$2\r\nabc\r\n", "Protocol error: expected CRLF after bulk");
  CHECK("*1\r\n$2\r\nab\rx", "Protocol error: expected CRLF after bulk");
  CHECK("PING\r\nset \"a\r\n", "<4>PING|Protocol error: unbalanced quotes in request");
  CHECK("set 'a'b\r\n", "Protocol error: unbalanced quotes in request");
}

static void test_parser_limits_inline_length(void **state)
{
  (void)state;
  static uint8_t data[KV_INLINE_MAX + 2];
  struct kv_mem mem = {.max = BUDGET};
  struct kv_parser p;
  size_t used;
  memset(data, 'a', sizeof data);
  data[KV_INLINE_MAX] = '\n';
  kv_parser_init(&p, &mem);
  assert_int_equal(kv_parse(&p, data, KV_INLINE_MAX + 1, &used), KV_REQUEST);
  assert_int_equal(p.req.arg[0].len, KV_INLINE_MAX);
  kv_parser_next(&p);
  data[KV_INLINE_MAX] = 'a';
  assert_int_equal(kv_parse(&p, data, KV_INLINE_MAX + 1, &used), KV_PROTOCOL_ERROR);
  assert_string_equal(p.err, "Protocol error: too big inline request");
  kv_parser_free(&p);
}

// n arguments of len bytes each.
static size_t make_request(char *text, size_t cap, size_t n, size_t len)
{
  size_t at = (size_t)snprintf(text, cap, "*%zu\r\n", n);
  for (size_t i = 0; i < n; i++) {
    at += (size_t)snprintf(text + at, cap - at, "$%zu\r\n", len);
    memset(text + at, 'a' + (int)(i % 26), len);
    at += len;
    at += (size_t)snprintf(text + at, cap - at, "\r\n");
  }
  return at;
}

static void test_parser_keeps_big_requests_within_budget_and_marks_others_oom(void **state)
{
  (void)state;
  static char text[100000];
  static const struct {
    size_t n, len, budget;
    bool oom;
  } cases[] = {
      {3, 200, 0, false},       {16, 50, 0, false},      {17, 1, 0, true},      {1, 1025, 0, true},
      {17, 1, 10000, false},    {1, 90000, 1 << 20, false}, {1, 90000, 90000, true}, {2000, 10, 1 << 20, false},
      {2000, 10, 40000, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct kv_mem mem = {.max = cases[i].budget};
    struct kv_parser p;
    size_t len = make_request(text, sizeof text, cases[i].n, cases[i].len), used = 0;
    kv_parser_init(&p, &mem);
    for (size_t turn = 0; turn < 2; turn++) {  // the parser is whole again afterwards
      size_t at = 0;
      enum kv_parse r = KV_MORE;
      for (; at < len && r == KV_MORE; at += used)
        r = kv_parse(&p, (uint8_t *)text + at, len - at < 777 ? len - at : 777, &used);
      assert_int_equal(r, KV_REQUEST);
      assert_int_equal(at, len);
      assert_int_equal(p.req.oom, cases[i].oom);
      assert_true(mem.used <= mem.max);
      if (!cases[i].oom) {
        assert_int_equal(p.req.argc, cases[i].n);
        for (size_t k = 0; k < cases[i].n; k++) {
          assert_int_equal(p.req.arg[k].len, cases[i].len);
          assert_int_equal(kv_req_arg(&p.req, k)[cases[i].len - 1], 'a' + (int)(k % 26));
        }
      }
      kv_parser_next(&p);
      assert_int_equal(mem.used, 0);
    }
    kv_parser_free(&p);
  }
}

static void test_parse_int_is_strict(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    bool ok;
    int64_t n;
  } cases[] = {
      {"0", true, 0},           {"7", true, 7},      {"-1", true, -1},     {"9223372036854775807", true, INT64_MAX},
      {"-9223372036854775808", true, INT64_MIN},     {"9223372036854775808", false, 0},
      {"-9223372036854775809", false, 0},            {"99999999999999999999", false, 0},
      {"", false, 0},           {"-", false, 0},     {"-0", false, 0},     {"01", false, 0},
      {"+1", false, 0},         {" 1", false, 0},    {"1 ", false, 0},     {"1a", false, 0},
      {"--1", false, 0},        {"1.5", false, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t n = 0;
    bool ok = kv_parse_int((const uint8_t *)cases[i].text, strlen(cases[i].text), &n);
    assert_int_equal(ok, cases[i].ok);
    assert_true(n == cases[i].n);
  }
}

// Takes what is to be sent in pieces of at most `piece`.
static size_t drain(struct kv_out *o, char *to, size_t cap, size_t piece)
{
  size_t sum = 0, n;
  const uint8_t *data;
  while ((n = kv_out_peek(o, &data)) > 0) {
    if (n > piece) n = piece;
    assert_true(sum + n <= cap);
    memcpy(to + sum, data, n);
    kv_out_sent(o, n);
    sum += n;
  }
  return sum;
}

static void test_out_writes_each_kind_of_reply(void **state)
{
  (void)state;
  static struct kv_out o;
  static const char want[] = "+OK\r\n:-5\r\n*2\r\n$-1\r\n$3\r\na\0b\r\n$0\r\n\r\n";
  struct kv_mem mem = {.max = BUDGET};
  char got[256];
  for (size_t piece = 1; piece < sizeof want; piece++) {
    kv_out_init(&o, &mem);
    assert_true(kv_out_ready(&o));
    kv_out_text(&o, "+OK");
    kv_out_int(&o, -5);
    kv_out_array(&o, 2);
    kv_out_nil(&o);
    kv_out_bulk(&o, "a\0b", 3);
    kv_out_bulk(&o, NULL, 0);
    assert_int_equal(drain(&o, got, sizeof got, piece), sizeof want - 1);
    assert_memory_equal(got, want, sizeof want - 1);
    kv_out_free(&o);
  }
}

static void test_out_holds_a_long_value_until_it_is_sent(void **state)
{
  (void)state;
  static struct kv_out o;
  static char got[30000], data[20000];
  struct kv_mem mem = {.max = BUDGET};
  memset(data, 'v', sizeof data);
  struct kv_value *v = kv_value_new(&mem, data, sizeof data);
  kv_out_init(&o, &mem);
  kv_out_text(&o, "+A");
  kv_out_value(&o, v);
  assert_false(kv_out_ready(&o));
  kv_value_unref(&mem, v);
  assert_true(mem.used > sizeof data);
  size_t n = drain(&o, got, sizeof got, 999);
  assert_int_equal(n, 4 + 8 + sizeof data + 2);
  assert_memory_equal(got, "+A\r\n$20000\r\nvvv", 15);
  assert_memory_equal(got + n - 3, "v\r\n", 3);
  assert_int_equal(mem.used, 0);
  assert_true(kv_out_ready(&o));
  kv_out_free(&o);
}

static void test_out_freed_midway_gives_back_its_value(void **state)
{
  (void)state;
  static struct kv_out o;
  static char data[20000];
  struct kv_mem mem = {.max = BUDGET};
  struct kv_value *v = kv_value_new(&mem, data, sizeof data);
  kv_out_init(&o, &mem);
  kv_out_value(&o, v);
  kv_value_unref(&mem, v);
  kv_out_sent(&o, 5);
  kv_out_free(&o);
  assert_int_equal(mem.used, 0);
}

static void test_out_is_not_ready_when_full_and_makes_room_by_moving(void **state)
{
  (void)state;
  static struct kv_out o;
  struct kv_mem mem = {.max = BUDGET};
  size_t n = 0;
  kv_out_init(&o, &mem);
  for (; kv_out_ready(&o); n++) kv_out_text(&o, "+123456789012345678901234567890");
  assert_true(n * 33 <= KV_OUT_BYTES && n * 33 > KV_OUT_BYTES - KV_REPLY_MAX);
  kv_out_sent(&o, 33);
  assert_true(kv_out_ready(&o));
  kv_out_free(&o);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parser_takes_requests_at_every_cut),
      cmocka_unit_test(test_parser_takes_inline_requests_at_every_cut),
      cmocka_unit_test(test_parser_names_each_protocol_error_at_every_cut),
      cmocka_unit_test(test_parser_limits_inline_length),
      cmocka_unit_test(test_parser_keeps_big_requests_within_budget_and_marks_others_oom),
      cmocka_unit_test(test_parse_int_is_strict),
      cmocka_unit_test(test_out_writes_each_kind_of_reply),
      cmocka_unit_test(test_out_holds_a_long_value_until_it_is_sent),
      cmocka_unit_test(test_out_freed_midway_gives_back_its_value),
      cmocka_unit_test(test_out_is_not_ready_when_full_and_makes_room_by_moving),
  };
  return cmocka_run_group_tests_name("kv_resp", tests, NULL, NULL);
}
