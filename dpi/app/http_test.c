// SPDX-License-Identifier: Apache-2.0
// The grammars of HTTP: heads cut anywhere, what a request means, and the small ones inside fields.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/http_req.h"
#include "app/http_text.h"

static struct http_head head;

// The same end, and as many bytes taken, however the bytes are cut.
static size_t feed(const char *text)
{
  size_t len = strlen(text), taken = 0;
  enum http_head_end end = HTTP_HEAD_MORE;
  for (size_t piece = len ? len : 1; piece >= 1; piece /= 2) {
    http_head_init(&head);
    size_t n = 0;
    while (n < len && head.end == HTTP_HEAD_MORE) n += http_head_feed(&head, (const uint8_t *)text + n, len - n < piece ? len - n : piece);
    if (piece < len) {
      assert_int_equal(head.end, end);
      assert_int_equal(n, taken);
    }
    end = head.end;
    taken = n;
  }
  return taken;
}

// --- heads ---

static void test_head_gives_words_and_fields(void **state)
{
  (void)state;
  static const char text[] = "\r\nGET /a b HTTP/1.1\r\nHost: x:80\r\nEMPTY:\r\nX: \t a:b \t\r\nx:2\n\r\nnext";
  assert_int_equal(feed(text), sizeof text - 5);
  assert_int_equal(head.end, HTTP_HEAD_WHOLE);
  assert_string_equal(http_head_word(&head, 0), "GET");
  assert_string_equal(http_head_word(&head, 1), "/a");
  assert_string_equal(http_head_word(&head, 2), "b HTTP/1.1");
  assert_string_equal(http_head_field(&head, "host", 0), "x:80");
  assert_string_equal(http_head_field(&head, "empty", 0), "");
  assert_string_equal(http_head_field(&head, "x", 0), "a:b");
  assert_string_equal(http_head_field(&head, "x", 1), "2");
  assert_null(http_head_field(&head, "x", 2));
  assert_null(http_head_field(&head, "y", 0));
}

static void test_head_of_a_response_may_lack_its_reason(void **state)
{
  (void)state;
  feed("HTTP/1.1 200 Very well: so\r\n\r\n");
  assert_string_equal(http_head_word(&head, 0), "HTTP/1.1");
  assert_string_equal(http_head_word(&head, 1), "200");
  assert_string_equal(http_head_word(&head, 2), "Very well: so");
  feed("HTTP/1.1 200\n\n");
  assert_int_equal(head.end, HTTP_HEAD_WHOLE);
  assert_string_equal(http_head_word(&head, 1), "200");
  assert_string_equal(http_head_word(&head, 2), "");
  feed("GET\n\n");
  assert_string_equal(http_head_word(&head, 0), "GET");
  assert_string_equal(http_head_word(&head, 1), "");
}

static void test_head_refuses_what_the_grammar_does_not_have(void **state)
{
  (void)state;
  static const char *const bad[] = {
      " GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\r\n\r\n", "GET /\rx", "GET / HTTP/1.1\r\nA: b\rc", "GET / HTTP/1.1\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n",
      "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n",
      "GET\t/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\rx", "\x16\x03\x01", "GET / HTTP/1.1\r\nA@: b\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    feed(bad[i]);
    assert_int_equal(head.end, HTTP_HEAD_BAD);
  }
  static const uint8_t nul[] = "GET /\0 HTTP/1.1\r\n\r\n";
  http_head_init(&head);
  http_head_feed(&head, nul, sizeof nul - 1);
  assert_int_equal(head.end, HTTP_HEAD_BAD);
  http_head_init(&head);
  assert_int_equal(http_head_feed(&head, nul, 5), 5);
  assert_int_equal(head.end, HTTP_HEAD_MORE);
}

static void test_head_is_bounded(void **state)
{
  (void)state;
  static char text[2 * HTTP_HEAD_BYTES];
  memset(text, 'a', sizeof text - 1);
  memcpy(text, "GET /", 5);
  assert_int_equal(feed(text), HTTP_HEAD_BYTES);
  assert_int_equal(head.end, HTTP_HEAD_LONG);
  assert_int_equal(http_req_refusal(&head), 414);
  memcpy(text, "GET / HTTP/1.1\r\nA:", 18);
  feed(text);
  assert_int_equal(http_req_refusal(&head), 431);
  // The longest that fits.
  memcpy(text + HTTP_HEAD_BYTES - 4, "\r\n\r\n", 5);
  assert_int_equal(feed(text), HTTP_HEAD_BYTES);
  assert_int_equal(head.end, HTTP_HEAD_WHOLE);
  assert_int_equal(strlen(http_head_field(&head, "a", 0)), HTTP_HEAD_BYTES - 22);
  strcpy(text, "GET / HTTP/1.1\r\n");
  for (int i = 0; i < HTTP_HEAD_FIELDS; i++) strcat(text, "a:b\r\n");
  strcat(text, "\r\n");
  feed(text);
  assert_int_equal(head.end, HTTP_HEAD_WHOLE);
  strcpy(text + strlen(text) - 2, "a:b\r\n\r\n");
  feed(text);
  assert_int_equal(http_req_refusal(&head), 431);
  memset(text, '\n', sizeof text - 1);   // nothing but empty lines
  feed(text);
  assert_int_equal(head.end, HTTP_HEAD_LONG);
}

// --- requests ---

static int status_of(const char *text, struct http_req *r)
{
  feed(text);
  return head.end == HTTP_HEAD_WHOLE ? http_req_read(r, &head) : http_req_refusal(&head);
}

static void test_request_is_answered_or_refused_as_it_should(void **state)
{
  (void)state;
  static const struct { const char *text; int status; const char *path; bool keep; } t[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "/", true},
      {"GET / HTTP/1.7\r\nHost: a\r\n\r\n", 0, "/", true},
      {"GET / HTTP/1.0\r\n\r\n", 0, "/", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "/", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x , Close\r\n\r\n", 0, "/", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", 0, "/", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", 0, "/", true},
      {"GET /a%20b%2Fc?d=%zz HTTP/1.1\r\nHost: a\r\n\r\n", 0, "/a b/c", true},
      {"GET http://a.b:80/c HTTP/1.1\r\nHost: a\r\n\r\n", 0, "/c", true},
      {"GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", 0, "/", true},
      {"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", 0, "/", true},
      {"GET / HTTP/1.1\r\nHost:\r\nContent-Length: 0\r\n\r\n", 0, "/", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 0, "/", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "/", false},
      {"GET / HTTP/1.1\r\n\r\n", 400, NULL, false},                       // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, NULL, false},
      {"GET /%0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET /%gg HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET /\r\n\r\n", 400, NULL, false},                                // HTTP/0.9
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, NULL, false},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, NULL, false},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, NULL, false},
      {"PRI * HTTP/2.0\r\n\r\n", 505, NULL, false},
      {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405, NULL, false},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, NULL, false},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, NULL, false},
      {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    struct http_req r;
    int status = status_of(t[i].text, &r);
    if (status != t[i].status) print_error("%s", t[i].text);
    assert_int_equal(status, t[i].status);
    if (status) continue;
    assert_string_equal(r.path, t[i].path);
    assert_int_equal(r.keep_alive, t[i].keep);
    assert_false(r.head);
  }
}

static void test_request_carries_its_conditions(void **state)
{
  (void)state;
  struct http_req r;
  assert_int_equal(status_of("HEAD /x HTTP/1.1\r\nHost: a\r\nRange: bytes=1-\r\nIf-Range: \"t\"\r\nIf-None-Match: *\r\nIf-Modified-Since: then\r\n\r\n", &r), 0);
  assert_true(r.head);
  assert_string_equal(r.range, "bytes=1-");
  assert_string_equal(r.if_range, "\"t\"");
  assert_string_equal(r.if_none_match, "*");
  assert_string_equal(r.if_modified_since, "then");
  assert_int_equal(status_of("HEAD / HTTP/3.0\r\n\r\n", &r), 505);
  assert_true(r.head);
}

// --- inside fields ---

static void test_ranges(void **state)
{
  (void)state;
  static const struct { const char *text; uint64_t size; int n; struct http_span want[3]; } t[] = {
      {"bytes=0-0", 10, 1, {{0, 1}}}, {"bytes=2-5", 10, 1, {{2, 4}}}, {"BYTES=2-", 10, 1, {{2, 8}}}, {"bytes=-3", 10, 1, {{7, 3}}},
      {"bytes=5-99", 10, 1, {{5, 5}}}, {"bytes=-99", 10, 1, {{0, 10}}}, {"bytes=9-9", 10, 1, {{9, 1}}},
      {"bytes=0-1, 4-5 ,,-1", 10, 3, {{0, 2}, {4, 2}, {9, 1}}}, {"bytes=0-1,50-60", 10, 1, {{0, 2}}},
      {"bytes=10-", 10, -1, {{0}}}, {"bytes=-0", 10, -1, {{0}}}, {"bytes=0-", 0, -1, {{0}}}, {"bytes=-5", 0, -1, {{0}}}, {"bytes=20-30,99-", 10, -1, {{0}}},
      {"bytes=3-2", 10, 0, {{0}}}, {"bytes=", 10, 0, {{0}}}, {"bytes=-", 10, 0, {{0}}}, {"bytes=a-", 10, 0, {{0}}}, {"bytes=1", 10, 0, {{0}}},
      {"bytes=1-2x", 10, 0, {{0}}}, {"bytes 1-2", 10, 0, {{0}}}, {"lines=1-2", 10, 0, {{0}}}, {"bytes=1-2;3-4", 10, 0, {{0}}},
      {"bytes=99999999999999999999-", 10, 0, {{0}}}, {"bytes=--1", 10, 0, {{0}}}, {"", 10, 0, {{0}}},
      {"bytes=0-,0-", 10, 0, {{0}}},   // more bytes than there are
      {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", 100, 0, {{0}}},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    struct http_span s[HTTP_RANGES];
    int n = http_ranges(t[i].text, t[i].size, s);
    if (n != t[i].n) print_error("%s\n", t[i].text);
    assert_int_equal(n, t[i].n);
    for (int k = 0; k < n; k++) {
      assert_int_equal(s[k].at, t[i].want[k].at);
      assert_int_equal(s[k].len, t[i].want[k].len);
    }
  }
}

static void test_dates(void **state)
{
  (void)state;
  char out[HTTP_DATE_LEN];
  time_t t;
  assert_string_equal(http_date(out, 784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
  for (int i = 0; i < 3; i++) {
    assert_true(http_date_parse(same[i], &t));
    assert_int_equal(t, 784111777);
  }
  assert_false(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT.", &t));
  assert_false(http_date_parse("yesterday", &t));
  assert_false(http_date_parse("Tue Nov  2 00:53:20 0", &t));   // before the year 1, and behind the year 9999's last second
  assert_true(http_date_parse("Mon, 01 Jan 0001 00:00:00 GMT", &t));
  assert_true(http_date_parse("Fri, 31 Dec 9999 23:59:59 GMT", &t));
  assert_false(http_date_parse("Fri, 31 Dec 9999 23:59:60 GMT", &t));
  assert_string_equal(http_date(out, 253402300800), "Fri, 31 Dec 9999 23:59:59 GMT");   // a date has four digits for its year
  assert_string_equal(http_date(out, INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
  assert_memory_equal(http_date(out, INT64_MIN), "Mon, 01 Jan ", 12);
}

static void test_lists_and_texts(void **state)
{
  (void)state;
  assert_true(http_list_has("close", "close"));
  assert_true(http_list_has("a,\tCLOSE , b", "close"));
  assert_false(http_list_has("a, closed", "close"));
  assert_false(http_list_has("", "close"));
  char text[] = "%41%2f+%C3%A4";
  assert_true(http_decode(text));
  assert_string_equal(text, "A/+\xc3\xa4");
  char *out;
  size_t len;
  FILE *f = open_memstream(&out, &len);
  http_encode(f, "/a \r\n\"%\xe4");
  http_html(f, "<a href=\"&\">");
  fclose(f);
  assert_string_equal(out, "/a%20%0D%0A%22%25%E4&lt;a href=&quot;&amp;&quot;&gt;");
  free(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_head_gives_words_and_fields),
      cmocka_unit_test(test_head_of_a_response_may_lack_its_reason),
      cmocka_unit_test(test_head_refuses_what_the_grammar_does_not_have),
      cmocka_unit_test(test_head_is_bounded),
      cmocka_unit_test(test_request_is_answered_or_refused_as_it_should),
      cmocka_unit_test(test_request_carries_its_conditions),
      cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_dates),
      cmocka_unit_test(test_lists_and_texts),
  };
  return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
