// SPDX-License-Identifier: Apache-2.0
// httpd over a stand-in for the sockets and a directory of its own.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/apps.h"
#include "app/fake.h"

enum { BIG = 40000, SECOND = 1000000 };
static char dir[] = "/tmp/lockwire-httpd-XXXXXX";

static uint8_t big_byte(size_t i) { return (uint8_t)(i * 7 + (i >> 8)); }

static void write_file(const char *name, const void *data, size_t len)
{
  char path[300];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
  static const struct timespec then[2] = {{784111777, 0}, {784111777, 0}};   // Sun, 06 Nov 1994 08:49:37 GMT
  assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
}

// dir/secret is beside the root, which is dir/root.
static int make_tree(void **state)
{
  (void)state;
  static uint8_t big[BIG];
  for (size_t i = 0; i < BIG; i++) big[i] = big_byte(i);
  if (!mkdtemp(dir) || chdir(dir)) return -1;
  if (mkdir("root", 0755) || mkdir("root/sub", 0755) || mkdir("root/list", 0755)) return -1;
  if (mkfifo("root/fifo", 0644) || symlink("../secret", "root/out") || symlink("hello.txt", "root/in") || symlink("..", "root/up")
      || symlink("sub", "root/sublink")) return -1;
  write_file("secret", "secret\n", 7);
  write_file("root/hello.txt", "hello, world\n", 13);
  write_file("root/empty.css", "", 0);
  write_file("root/big", big, BIG);
  write_file("root/sub/index.html", "<p>sub\n", 7);
  write_file("root/list/b<&>.txt", "", 0);
  write_file("root/list/a b", "", 0);
  for (const char *c = "ywzx"; *c; c++) write_file((char[]){'r', 'o', 'o', 't', '/', 'l', 'i', 's', 't', '/', *c, '\0'}, "", 0);
  return mkdir("root/list/c", 0755);
}

static int remove_tree(void **state)
{
  (void)state;
  char cmd[300];
  snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
  return chdir("/") || system(cmd);
}

static struct app *open_httpd(void)
{
  char err[APP_ERR_LEN], root[300];
  snprintf(root, sizeof root, "%s/root", dir);
  const struct app_opt opt[] = {{"root", root}, {"timeout", "5"}};
  fake = (struct stack){.room = 1 << 14};
  env.now_us = 1000 * SECOND;
  env.epoch_us = 0;
  struct app *a = httpd_ops.open(&env, 80, opt, 2, err);
  assert_non_null(a);
  return a;
}

static void say_text(struct app *a, int sid, const char *text) { say(a, sid, text, strlen(text)); }

// All that came back on a connection, as a text.
static const char *heard(int sid)
{
  struct queue *q = &fake.sid[sid].out;
  assert_true(q->len < BYTES);
  q->bytes[q->len] = '\0';
  return (const char *)q->bytes;
}

// The answer to one request, on a connection that is closed then; it stays until the next.
static const char *ask(const char *request)
{
  struct app *a = open_httpd();
  connect_one(a);
  say_text(a, 1, request);
  take_all(a, 1);
  assert_true(fake.sid[1].shut || strstr(heard(1), "\r\nConnection: keep-alive\r\n"));
  finish(a, 1);
  assert_false(fake.sid[1].open);
  a->ops->close(a);
  return heard(1);
}

static const char *get(const char *path, const char *fields)
{
  char request[1000];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, fields);
  return ask(request);
}

static void assert_status(const char *answer, int status)
{
  int got = 0;
  assert_int_equal(sscanf(answer, "HTTP/1.1 %d ", &got), 1);
  if (got != status) print_error("%s\n", answer);
  assert_int_equal(got, status);
}

static void assert_has(const char *answer, const char *part)
{
  if (!strstr(answer, part)) print_error("%s\nhas no %s\n", answer, part);
  assert_non_null(strstr(answer, part));
}

static const char *body_of(const char *answer)
{
  const char *p = strstr(answer, "\r\n\r\n");
  assert_non_null(p);
  return p + 4;
}

// --- what is answered ---

static void test_file_comes_whole_whatever_the_room(void **state)
{
  (void)state;
  static const size_t rooms[] = {1, 7, 1000, 16384, 50000};
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
    struct app *a = open_httpd();
    fake.room = rooms[i];
    connect_one(a);
    say_text(a, 1, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    take_all(a, 1);
    const char *body = body_of(heard(1));
    assert_has(heard(1), "\r\nContent-Length: 40000\r\n");
    assert_int_equal((const char *)fake.sid[1].out.bytes + fake.sid[1].out.len - body, BIG);
    for (size_t k = 0; k < BIG; k++) assert_int_equal((uint8_t)body[k], big_byte(k));
    assert_true(fake.sid[1].shut && fake.sid[1].open);   // until the peer's end
    finish(a, 1);
    assert_false(fake.sid[1].open || fake.sid[1].aborted);
    a->ops->close(a);
  }
}

static void test_answer_says_what_it_is(void **state)
{
  (void)state;
  const char *r = get("/hello.txt", "");
  assert_string_equal(r, "HTTP/1.1 200 OK\r\nServer: lockwire\r\nDate: Thu, 01 Jan 1970 00:16:40 GMT\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n"
                      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"d-ae1b981bc490a00\"\r\nAccept-Ranges: bytes\r\n"
                      "Connection: keep-alive\r\n\r\nhello, world\n");
  r = get("/empty.css", "");
  assert_has(r, "\r\nContent-Type: text/css; charset=utf-8\r\nContent-Length: 0\r\n");
  assert_string_equal(body_of(r), "");
  r = ask("HEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_has(r, "\r\nContent-Length: 13\r\n");
  assert_string_equal(body_of(r), "");
  r = ask("GET http://x/%68ello.txt?q HTTP/1.0\r\n\r\n");
  assert_has(r, "\r\nConnection: close\r\n");
  assert_string_equal(body_of(r), "hello, world\n");
}

static void test_connection_carries_one_request_after_another(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  connect_one(a);
  say_text(a, 1, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\nHE");
  say_text(a, 1, "AD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_true(fake.sid[1].open && !fake.sid[1].shut);
  say_text(a, 1, "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  static const int want[] = {200, 404, 200, 404};
  const char *p = heard(1);
  for (int i = 0; i < 4; i++) {
    p = strstr(p, "HTTP/1.1 ");
    assert_non_null(p);
    assert_status(p++, want[i]);
  }
  assert_null(strstr(p, "HTTP/1.1 "));
  assert_true(fake.sid[1].shut);
  a->ops->close(a);
}

static void test_no_path_leads_out_of_the_root(void **state)
{
  (void)state;
  static const struct { const char *path; int status; } t[] = {
      {"/../secret", 404}, {"/..", 404}, {"/%2e%2e/secret", 404}, {"/sub/../../secret", 404}, {"/sub/..%2f..%2fsecret", 404},
      {"/.%2e%2fsecret", 404}, {"/sub/../hello.txt", 404},
      {"/out", 404}, {"/up/secret", 404}, {"/up", 404}, {"/in", 404}, {"/sublink/index.html", 404},   // no link is followed
      {"/fifo", 404}, {"/none", 404}, {"/hello.txt/", 404}, {"/hello.txt/x", 404}, {"/%00", 400},
      {"//hello.txt", 200}, {"/./hello.txt", 200}, {"/sub/./index.html", 200}, {"/sub", 301}, {"/sub/", 200}, {"/sub//", 200}, {"/list", 301},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    const char *r = get(t[i].path, "");
    if (strstr(r, "secret\n")) print_error("%s\n", t[i].path);
    assert_null(strstr(r, "secret\n"));
    assert_status(r, t[i].status);
  }
  char path[700] = "/";
  memset(path + 1, 'a', 600);
  assert_status(get(path, ""), 404);
}

static void test_directory_is_its_index_or_a_list(void **state)
{
  (void)state;
  assert_string_equal(body_of(get("/sub/", "")), "<p>sub\n");
  assert_has(get("/sub", ""), "\r\nLocation: /sub/\r\n");
  assert_has(get("//sub", ""), "\r\nLocation: /sub/\r\n");   // not the host "sub"
  const char *r = get("/list/", "");
  assert_has(r, "\r\nContent-Type: text/html; charset=utf-8\r\n");
  assert_null(strstr(r, "Accept-Ranges"));
  assert_string_equal(body_of(r), "<!DOCTYPE html>\n<title>/list/</title>\n<ul>\n<li><a href=\"../\">../</a>\n<li><a href=\"a%20b\">a b</a>\n"
                      "<li><a href=\"b%3C%26%3E.txt\">b&lt;&amp;&gt;.txt</a>\n<li><a href=\"c/\">c/</a>\n"
                      "<li><a href=\"w\">w</a>\n<li><a href=\"x\">x</a>\n<li><a href=\"y\">y</a>\n<li><a href=\"z\">z</a>\n</ul>\n");
  assert_has(get("/", ""), "<li><a href=\"hello.txt\">");
  assert_null(strstr(get("/", ""), "../"));
}

static void test_ranges_of_a_file(void **state)
{
  (void)state;
  const char *r = get("/hello.txt", "Range: bytes=7-11\r\n");
  assert_status(r, 206);
  assert_has(r, "\r\nContent-Length: 5\r\nContent-Range: bytes 7-11/13\r\n");
  assert_string_equal(body_of(r), "world");
  r = get("/hello.txt", "Range: bytes=0-0,-2\r\n");
  assert_status(r, 206);
  assert_has(r, "\r\nContent-Type: multipart/byteranges; boundary=lockwire-part-of-a-file\r\nContent-Length: 238\r\n");
  assert_int_equal(strlen(body_of(r)), 238);
  assert_string_equal(body_of(r), "\r\n--lockwire-part-of-a-file\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-0/13\r\n\r\nh"
                      "\r\n--lockwire-part-of-a-file\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 11-12/13\r\n\r\nd\n"
                      "\r\n--lockwire-part-of-a-file--\r\n");
  r = get("/hello.txt", "Range: bytes=13-\r\n");
  assert_status(r, 416);
  assert_has(r, "\r\nContent-Range: bytes */13\r\n");
  assert_status(get("/hello.txt", "Range: bytes=x\r\n"), 200);
  r = get("/hello.txt", "Range: bytes=1-5,x\r\n");   // ignored as a whole, though the first of them is well
  assert_status(r, 200);
  assert_has(r, "\r\nContent-Length: 13\r\n");
  assert_string_equal(body_of(r), "hello, world\n");
  assert_status(get("/hello.txt", "Range: bytes=1-\r\nIf-Range: \"d-ae1b981bc490a00\"\r\n"), 206);
  assert_status(get("/hello.txt", "Range: bytes=1-\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 206);
  assert_status(get("/hello.txt", "Range: bytes=1-\r\nIf-Range: \"other\"\r\n"), 200);
  assert_status(ask("HEAD /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-\r\n\r\n"), 200);
}

static void test_not_modified(void **state)
{
  (void)state;
  const char *r = get("/hello.txt", "If-None-Match: \"x\", \"d-ae1b981bc490a00\"\r\n");
  assert_status(r, 304);
  assert_string_equal(body_of(r), "");
  assert_null(strstr(r, "Content-Length"));
  assert_status(get("/hello.txt", "If-None-Match: *\r\n"), 304);
  assert_status(get("/hello.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 304);
  assert_status(get("/hello.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 200);
  assert_status(get("/hello.txt", "If-Modified-Since: whenever\r\n"), 200);
  assert_status(get("/hello.txt", "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT\r\n"), 200);
}

static void test_refusals_say_why_and_end_the_connection(void **state)
{
  (void)state;
  static char huge[20000];
  memset(huge, 'a', sizeof huge - 1);
  memcpy(huge, "GET / HTTP/1.1\r\nA: ", 19);
  static const struct { const char *request; int status; } t[] = {
      {"\x16\x03\x01\x02", 400}, {"GET / HTTP/1.1\r\n\r\n", 400}, {"GET / HTTP/2.0\r\n\r\n", 505}, {huge, 431},
      {"DELETE /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", 405}, {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    const char *r = ask(t[i].request);
    assert_status(r, t[i].status);
    assert_has(r, "\r\nConnection: close\r\n");
    assert_true(fake.sid[1].shut && !fake.sid[1].aborted);
  }
  assert_has(ask(t[4].request), "\r\nAllow: GET, HEAD\r\n");
  const char *r = ask("HEAD /%00 HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_has(r, "\r\nContent-Length: 16\r\n");
  assert_string_equal(body_of(r), "");
}

// --- time, and clients that are slow ---

static void pass(struct app *a, uint64_t us)
{
  env.now_us += us;
  if (!a->due_us || a->due_us > env.now_us) return;
  a->due_us = 0;
  a->ops->timer(a);
}

static void test_head_that_trickles_is_given_up(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  connect_one(a);
  for (int i = 0; i < 4; i++) {
    say_text(a, 1, "G");
    pass(a, SECOND);
    assert_int_equal(fake.sid[1].out.len, 0);
  }
  say_text(a, 1, "G");
  pass(a, SECOND - 1);
  assert_int_equal(fake.sid[1].out.len, 0);
  pass(a, 1);
  assert_status(heard(1), 408);
  take_all(a, 1);
  assert_true(fake.sid[1].shut && fake.sid[1].open);
  pass(a, 2 * SECOND);
  pass(a, 2 * SECOND - 1);
  assert_true(fake.sid[1].open);
  pass(a, 1);   // it was seen to have everything, and does not go
  assert_true(!fake.sid[1].open && fake.sid[1].aborted);
  assert_int_equal(a->due_us, 0);
  a->ops->close(a);
}

static void test_idle_connection_is_closed_in_silence(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  connect_one(a);
  pass(a, 4 * SECOND);
  say_text(a, 1, "GET /empty.css HTTP/1.1\r\nHost: a\r\n\r\n");
  size_t said = fake.sid[1].out.len;
  pass(a, 5 * SECOND - 1);
  assert_true(fake.sid[1].open);
  pass(a, 1);
  assert_false(fake.sid[1].open || fake.sid[1].aborted);
  assert_int_equal(fake.sid[1].out.len, said);
  a->ops->close(a);
}

static void test_answer_that_nobody_takes_is_given_up(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  fake.room = 100;
  connect_one(a);
  say_text(a, 1, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  for (int i = 0; i < 5; i++) {   // slow, but not dead
    pass(a, 4 * SECOND);
    assert_true(fake.sid[1].open);
    fake.sid[1].out.off = fake.sid[1].out.len;
    a->ops->ready(a, 1, SOCK_OUT);
  }
  pass(a, 5 * SECOND);
  assert_true(!fake.sid[1].open && fake.sid[1].aborted);
  a->ops->close(a);
}

static void test_tail_of_a_last_answer_has_the_time_that_all_of_it_has(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  connect_one(a);
  say_text(a, 1, "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert_true(fake.sid[1].shut);   // all is handed over, and nothing acknowledged
  for (int i = 0; i < 20; i++) {   // slow, but not dead
    pass(a, 2 * SECOND);
    pass(a, 2 * SECOND);
    assert_true(fake.sid[1].open);
    fake.sid[1].out.off++;
  }
  fake.sid[1].out.off = fake.sid[1].out.len;
  pass(a, 2 * SECOND);
  assert_true(fake.sid[1].open);
  pass(a, 2 * SECOND);   // it has everything, and does not go
  assert_true(!fake.sid[1].open && fake.sid[1].aborted);
  a->ops->close(a);
}

static void test_tail_that_nobody_takes_is_given_up(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  connect_one(a);
  say_text(a, 1, "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  for (int i = 0; i < 2; i++) {
    pass(a, 2 * SECOND);
    assert_true(fake.sid[1].open);
  }
  pass(a, 2 * SECOND);
  assert_true(!fake.sid[1].open && fake.sid[1].aborted);
  a->ops->close(a);
}

static void test_nothing_is_read_while_an_answer_is_sent(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  fake.room = 100;
  connect_one(a);
  for (int i = 0; i < 200; i++) {
    struct queue *q = &fake.sid[1].in;
    memcpy(q->bytes + q->len, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", 36);
    q->len += 36;
  }
  a->ops->ready(a, 1, SOCK_IN);
  assert_true(fake.sid[1].in.off <= 2048);
  take_all(a, 1);
  assert_int_equal(fake.sid[1].in.off, 7200);
  a->ops->close(a);
}

static void test_file_that_shrinks_ends_the_connection(void **state)
{
  (void)state;
  struct app *a = open_httpd();
  write_file("root/shrinks", dir, 20);
  assert_int_equal(truncate("root/shrinks", 100000), 0);
  fake.room = 100;
  connect_one(a);
  say_text(a, 1, "GET /shrinks HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_int_equal(truncate("root/shrinks", 10), 0);
  take_all(a, 1);
  assert_true(!fake.sid[1].open && fake.sid[1].aborted);
  a->ops->close(a);
}

static size_t open_fds(void)
{
  size_t n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

static void test_nothing_is_left_open(void **state)
{
  (void)state;
  size_t before = open_fds();
  struct app *a = open_httpd();
  fake.room = 10;
  fake.waiting = 3;
  a->ops->ready(a, 0, SOCK_IN);
  say_text(a, 1, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  say_text(a, 2, "GET /big");
  fake.sid[3].reset = true;
  a->ops->ready(a, 3, SOCK_ERR);
  assert_false(fake.sid[3].open);
  a->ops->close(a);
  for (int i = 0; i < SIDS; i++) assert_false(fake.sid[i].open);
  assert_int_equal(open_fds(), before);
}

static void test_open_wants_a_directory(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  const struct app_opt none = {"root", "/nowhere/at/all"}, file = {"root", "/etc/passwd"};
  fake = (struct stack){0};
  assert_null(httpd_ops.open(&env, 80, &none, 1, err));
  assert_string_equal(err, "httpd: root=/nowhere/at/all: No such file or directory");
  assert_null(httpd_ops.open(&env, 80, &file, 1, err));
  assert_string_equal(err, "httpd: root=/etc/passwd: Not a directory");
  assert_false(fake.sid[0].open);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_file_comes_whole_whatever_the_room),
      cmocka_unit_test(test_answer_says_what_it_is),
      cmocka_unit_test(test_connection_carries_one_request_after_another),
      cmocka_unit_test(test_no_path_leads_out_of_the_root),
      cmocka_unit_test(test_directory_is_its_index_or_a_list),
      cmocka_unit_test(test_ranges_of_a_file),
      cmocka_unit_test(test_not_modified),
      cmocka_unit_test(test_refusals_say_why_and_end_the_connection),
      cmocka_unit_test(test_head_that_trickles_is_given_up),
      cmocka_unit_test(test_idle_connection_is_closed_in_silence),
      cmocka_unit_test(test_answer_that_nobody_takes_is_given_up),
      cmocka_unit_test(test_tail_of_a_last_answer_has_the_time_that_all_of_it_has),
      cmocka_unit_test(test_tail_that_nobody_takes_is_given_up),
      cmocka_unit_test(test_nothing_is_read_while_an_answer_is_sent),
      cmocka_unit_test(test_file_that_shrinks_ends_the_connection),
      cmocka_unit_test(test_nothing_is_left_open),
      cmocka_unit_test(test_open_wants_a_directory),
  };
  return cmocka_run_group_tests_name("httpd", tests, make_tree, remove_tree);
}
