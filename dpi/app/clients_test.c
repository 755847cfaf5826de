// SPDX-License-Identifier: Apache-2.0
// nc, wget, ping and udpecho over a stand-in for the sockets, with pipes for standard input and output.
#include <fcntl.h>
#include <stdlib.h>
#include <signal.h>
#include <unistd.h>

#include "app/apps.h"
#include "app/fake.h"
#include "base/bytes.h"

enum { SECOND = 1000000, LEN = 50000 };

static int in[2], out[2];        // pipes: we write in[1], and read out[0]
static char *said;               // what it says, in lines
static size_t said_len;
static char dir[] = "/tmp/lockwire-clients-XXXXXX";
static uint8_t data[LEN];

static void new_pipe(int p[static 2]) { assert_int_equal(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0); }

static int setup(void **state)
{
  (void)state;
  for (size_t i = 0; i < LEN; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
  new_pipe(in);
  new_pipe(out);
  fake = (struct stack){.room = 1 << 14};
  env.in_fd = in[0];
  env.out_fd = out[1];
  env.now_us = 1000;
  env.say = open_memstream(&said, &said_len);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  for (int i = 0; i < 2; i++) {
    if (in[i] >= 0) close(in[i]);
    if (out[i] >= 0) close(out[i]);
  }
  fclose(env.say);
  free(said);
  return fds_watched() || fake.sid[0].open || fake.sid[1].open || fake.sid[UDP_SID].open ? -1 : 0;
}

static int make_dir(void **state)
{
  (void)state;
  return !mkdtemp(dir) || chdir(dir);
}

static int remove_dir(void **state)
{
  (void)state;
  char cmd[100];
  snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
  return chdir("/") || system(cmd);
}

static struct app *begin(const struct app_ops *ops, uint16_t port, const struct app_opt *opts, size_t n)
{
  char err[APP_ERR_LEN];
  struct app *a = ops->open(&env, port, opts, n, err);
  if (!a) print_error("%s\n", err);
  assert_non_null(a);
  return a;
}

static void pass(struct app *a, uint64_t us)
{
  env.now_us += us;
  if (!a->due_us || a->due_us > env.now_us) return;
  a->due_us = 0;
  a->ops->timer(a);
}

static void assert_end(struct app *a, enum app_end end, const char *why)
{
  assert_int_equal(a->end, end);
  assert_string_equal(a->why, why);
  assert_int_equal(a->due_us, 0);
  assert_int_equal(fds_watched(), 0);
  a->ops->close(a);
}

// --- nc ---

static const struct app_opt to_peer = {"to", "10.0.0.1:7"};

static void close_in(void)
{
  close(in[1]);
  in[1] = -1;
}

static void test_nc_carries_both_ways_whatever_the_room(void **state)
{
  (void)state;
  static uint8_t back[LEN];
  static const size_t rooms[] = {1, 1000, 60000};
  for (size_t i = 0; i < 3; i++) {
    size_t len = i ? LEN : 300, written = 0, got = 0;
    struct app *a = begin(&nc_ops, 0, &to_peer, 1);
    fake.room = rooms[i];
    a->ops->ready(a, 0, SOCK_OUT);
    memcpy(fake.sid[0].in.bytes, data, len);
    fake.sid[0].in.len = len;
    fake.sid[0].fin = true;
    a->ops->ready(a, 0, SOCK_IN);
    while (a->end == APP_RUNS) {
      ssize_t n = in[1] < 0 ? 0 : write(in[1], data + written, len - written);
      if (n > 0) written += (size_t)n;
      if (written == len && in[1] >= 0) close_in();
      n = read(out[0], back + got, sizeof back - got);
      if (n > 0) got += (size_t)n;
      fds_ready();
      take_all(a, 0);
    }
    while (got < len) got += (size_t)read(out[0], back + got, sizeof back - got);
    assert_memory_equal(back, data, len);
    assert_int_equal(fake.sid[0].out.len, len);
    assert_memory_equal(fake.sid[0].out.bytes, data, len);
    assert_true(fake.sid[0].shut && !fake.sid[0].aborted);
    assert_end(a, APP_DONE, "");
    assert_int_equal(teardown(NULL) | setup(NULL), 0);
  }
}

static void test_nc_does_not_read_what_cannot_be_written(void **state)
{
  (void)state;
  struct app *a = begin(&nc_ops, 0, &to_peer, 1);
  while (write(out[1], data, LEN) > 0) {}   // full
  say(a, 0, data, LEN);
  assert_true(fake.sid[0].in.off <= 16384);
  fake.room = 0;
  for (ssize_t n = 1; n > 0;) {
    n = write(in[1], data, LEN);
    fds_ready();
  }
  assert_true(fake.sid[0].out.len == 0);
  a->ops->close(a);
  assert_true(fake.sid[0].aborted);
}

static void test_nc_ends_when_both_ends_have(void **state)
{
  (void)state;
  struct app *a = begin(&nc_ops, 0, &to_peer, 1);
  finish(a, 0);                        // the peer is first
  assert_int_equal(a->end, APP_RUNS);
  assert_int_equal(write(in[1], "late", 4), 4);
  close_in();
  fds_ready();
  assert_memory_equal(fake.sid[0].out.bytes, "late", 4);
  assert_end(a, APP_DONE, "");
}

static void test_nc_ends_its_side_once_it_is_connected(void **state)
{
  (void)state;
  struct app *a = begin(&nc_ops, 0, &to_peer, 1);
  fake.half_open = true;
  close_in();
  fds_ready();
  assert_false(fake.sid[0].shut);
  fake.half_open = false;
  a->ops->ready(a, 0, SOCK_OUT);
  assert_true(fake.sid[0].shut);
  a->ops->close(a);
}

static void test_nc_tells_what_broke(void **state)
{
  (void)state;
  struct app *a = begin(&nc_ops, 0, &to_peer, 1);
  fake.sid[0].reset = true;
  a->ops->ready(a, 0, SOCK_ERR);
  assert_end(a, APP_FAILED, "Connection reset by peer");
  fake.sid[0].reset = false;
  a = begin(&nc_ops, 0, &to_peer, 1);
  close(out[0]);
  out[0] = -1;
  say(a, 0, "x", 1);
  assert_end(a, APP_FAILED, "standard output: Broken pipe");
  assert_true(fake.sid[0].aborted);
}

static void test_nc_listens_for_one(void **state)
{
  (void)state;
  static const struct app_opt port = {"to", "7"};
  struct app *a = begin(&nc_ops, 0, &port, 1);
  assert_true(fake.listening);
  assert_int_equal(write(in[1], "early", 5), 5);
  fds_ready();
  connect_one(a);
  assert_false(fake.sid[0].open);
  assert_memory_equal(fake.sid[1].out.bytes, "early", 5);
  close_in();
  fds_ready();
  assert_true(fake.sid[1].shut);
  finish(a, 1);
  assert_end(a, APP_DONE, "");
  a = begin(&nc_ops, 4000, NULL, 0);
  a->ops->close(a);
  assert_false(fake.sid[0].open);
}

static void test_nc_waits_for_a_silent_peer_as_told(void **state)
{
  (void)state;
  const struct app_opt opt[] = {to_peer, {"wait", "3"}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  pass(a, 10 * SECOND);
  close_in();
  fds_ready();
  pass(a, 2 * SECOND);
  say(a, 0, "x", 1);
  pass(a, 3 * SECOND - 1);
  assert_int_equal(a->end, APP_RUNS);
  pass(a, 1);
  assert_end(a, APP_DONE, "");
}

static void test_nc_waits_for_a_blocked_output(void **state)
{
  (void)state;
  static uint8_t back[LEN];
  const struct app_opt opt[] = {to_peer, {"wait", "3"}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  close_in();
  fds_ready();
  while (write(out[1], data, 4096) > 0) {}
  say(a, 0, "the end", 7);
  pass(a, 3 * SECOND);
  assert_int_equal(a->end, APP_RUNS);
  for (ssize_t n = 1; n > 0;) n = read(out[0], back, sizeof back);
  fds_ready();
  assert_int_equal(read(out[0], back, sizeof back), 7);
  pass(a, 3 * SECOND);
  assert_end(a, APP_DONE, "");
}

static void test_nc_does_not_wait_longer_for_a_connection(void **state)
{
  (void)state;
  const struct app_opt opt[] = {to_peer, {"wait", "3"}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  fake.half_open = true;
  close_in();
  fds_ready();
  pass(a, 3 * SECOND);
  assert_true(fake.sid[0].aborted);
  assert_end(a, APP_FAILED, "Connection timed out");
}

static void test_nc_exchanges_datagrams(void **state)
{
  (void)state;
  char buf[10];
  const struct app_opt opt[] = {to_peer, {"udp", ""}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  assert_int_equal(write(in[1], data, 2000), 2000);
  fds_ready();
  assert_int_equal(fake.said.n, 2);   // no longer than one may be
  assert_int_equal(fake.said.of[0].len, 1472);
  assert_int_equal(fake.said.of[1].len, 528);
  hear(a, 7, (const uint8_t *)"answer", 6);
  hear(a, 7, data, 0);
  assert_int_equal(read(out[0], buf, sizeof buf), 6);
  close_in();
  fds_ready();
  pass(a, SECOND - 1);
  assert_int_equal(a->end, APP_RUNS);
  pass(a, 1);
  assert_end(a, APP_DONE, "");
}

static void test_nc_passes_on_whole_datagrams(void **state)
{
  (void)state;
  static uint8_t back[LEN];
  const struct app_opt opt[] = {to_peer, {"udp", ""}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  hear(a, 7, data, 20000);
  assert_int_equal(read(out[0], back, sizeof back), 20000);
  assert_memory_equal(back, data, 20000);
  close_in();
  fds_ready();
  pass(a, SECOND);
  assert_end(a, APP_DONE, "");
}

static void test_nc_goes_on_when_there_is_room_for_datagrams_again(void **state)
{
  (void)state;
  const struct app_opt opt[] = {to_peer, {"udp", ""}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  fake.said.n = DATAGRAMS;
  assert_int_equal(write(in[1], "x", 1), 1);
  fds_ready();
  fake.said.n = 0;
  pass(a, SECOND);
  assert_int_equal(fake.said.n, 1);
  fake.sid[UDP_SID].reset = true;
  a->ops->ready(a, UDP_SID, SOCK_ERR);
  assert_end(a, APP_FAILED, "Connection refused");
}

static void test_nc_answers_the_first_datagrams_sender(void **state)
{
  (void)state;
  const struct app_opt opt[] = {{"to", "4000"}, {"udp", ""}};
  struct app *a = begin(&nc_ops, 0, opt, 2);
  assert_int_equal(write(in[1], "answer", 6), 6);
  close_in();
  fds_ready();
  pass(a, 100 * SECOND);
  assert_int_equal(fake.said.n, 0);   // nobody yet
  hear(a, 7, (const uint8_t *)"hello", 5);
  assert_int_equal(fake.said.n, 1);
  assert_int_equal(fake.said.of[0].addr.port, 7);
  pass(a, SECOND);
  assert_end(a, APP_DONE, "");
}

static void test_nc_says_what_it_wants(void **state)
{
  (void)state;
  static const char *const bad[] = {"0", "65536", "10.0.0.1", "10.0.0.1:0", "host:80", ":80"};
  char err[APP_ERR_LEN];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const struct app_opt opt = {"to", bad[i]};
    assert_null(nc_ops.open(&env, 0, &opt, 1, err));
    assert_non_null(strstr(err, "wants ADDR:PORT to connect, or a PORT to listen"));
  }
  assert_null(nc_ops.open(&env, 0, NULL, 0, err));
  assert_non_null(strstr(err, "wants ADDR:PORT"));
}

// --- wget ---

static struct app *get(const char *url, const char *file)
{
  const struct app_opt opt[] = {{"to", url}, {"out", file ? file : ""}};
  struct app *a = begin(&wget_ops, 0, opt, file ? 2 : 1);
  a->ops->ready(a, 0, SOCK_OUT);
  return a;
}

static void answer(struct app *a, const char *head, const void *body, size_t len)
{
  struct queue *q = &fake.sid[0].in;
  q->off = q->len = 0;
  q->len = strlen(head);
  memcpy(q->bytes, head, q->len);
  memcpy(q->bytes + q->len, body, len);
  q->len += len;
  a->ops->ready(a, 0, SOCK_IN);
}

static void assert_file(const char *name, const void *want, size_t len)
{
  static char buf[LEN + 1];
  FILE *f = fopen(name, "r");
  assert_non_null(f);
  assert_int_equal(fread(buf, 1, sizeof buf, f), len);
  assert_memory_equal(buf, want, len);
  fclose(f);
}

static void test_wget_asks_and_writes_the_file(void **state)
{
  (void)state;
  struct app *a = get("http://10.0.0.1:7/a/file.bin?q=1", NULL);
  static const char want[] = "GET /a/file.bin?q=1 HTTP/1.0\r\nHost: 10.0.0.1:7\r\nUser-Agent: lockwire\r\n\r\n";
  assert_int_equal(fake.sid[0].out.len, sizeof want - 1);
  assert_memory_equal(fake.sid[0].out.bytes, want, sizeof want - 1);
  assert_int_equal(access("file.bin", F_OK), -1);
  answer(a, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n", data, LEN);
  assert_end(a, APP_DONE, "50000 bytes to file.bin");
  assert_false(fake.sid[0].aborted);
  assert_file("file.bin", data, LEN);
}

static void test_wget_without_a_length_takes_all_until_the_end(void **state)
{
  (void)state;
  struct app *a = get("10.0.0.1:7", "all");
  answer(a, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 200\r\n\r\n", data, 3000);
  assert_int_equal(a->end, APP_RUNS);
  finish(a, 0);
  assert_end(a, APP_DONE, "3000 bytes to all");
  assert_file("all", data, 3000);
  fake.sid[0].fin = false;
  a = get("10.0.0.1:7/", "all");   // a file that it was told to write is written anew
  answer(a, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", "", 0);
  assert_end(a, APP_DONE, "3 bytes to all");
  assert_file("all", "abc", 3);
  a = get("10.0.0.1:7/", "all");
  answer(a, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 0);
  assert_end(a, APP_DONE, "0 bytes to all");
  assert_file("all", "", 0);
}

static void test_wget_writes_standard_output_as_room_comes(void **state)
{
  (void)state;
  static uint8_t back[LEN];
  while (write(out[1], data, 4096) > 0) {}
  struct app *a = get("10.0.0.1:7/x", "-");
  answer(a, "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n", data, 40000);
  assert_true(fake.sid[0].in.off <= 16384);
  pass(a, 600 * SECOND);   // it is not the server who is silent
  assert_int_equal(a->end, APP_RUNS);
  for (ssize_t n = 1; n > 0;) n = read(out[0], back, sizeof back);
  size_t got = 0;
  while (got < 40000) {
    fds_ready();
    ssize_t n = read(out[0], back + got, sizeof back - got);
    if (n > 0) got += (size_t)n;
  }
  assert_memory_equal(back, data, 40000);
  assert_end(a, APP_DONE, "40000 bytes to standard output");
}

static void test_wget_tells_what_it_got_instead(void **state)
{
  (void)state;
  static const struct { const char *head; enum app_end end; const char *why; bool fin; } t[] = {
      {"HTTP/1.1 404 Not Found\r\n\r\n", APP_DIFFERS, "404 Not Found", false},
      {"HTTP/1.1 301 Moved\r\nLocation: /x/\r\n\r\n", APP_DIFFERS, "301 Moved, see /x/", false},
      {"220 smtp ready\r\n\r\n", APP_DIFFERS, "this is not HTTP/1", false},
      {"\r\n\001", APP_DIFFERS, "this is not HTTP/1", false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", APP_DIFFERS, "a transfer coding, though HTTP/1.0 was asked: chunked", false},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", APP_DIFFERS, "this is no Content-Length: x", false},
      {"HTTP/1.1 200", APP_DIFFERS, "the connection ended without an answer", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", APP_FAILED, "the connection ended after 3 of 100 bytes", true},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    struct app *a = get("10.0.0.1:7/none", "none");
    answer(a, t[i].head, "", 0);
    if (t[i].fin) finish(a, 0);
    assert_int_equal(access("none", F_OK), t[i].end == APP_FAILED ? 0 : -1);
    assert_end(a, t[i].end, t[i].why);
    fake.sid[0].fin = false;
  }
}

static void test_wget_gives_up_a_silent_or_broken_server(void **state)
{
  (void)state;
  struct app *a = get("10.0.0.1:7/y", NULL);
  pass(a, 59 * SECOND);
  answer(a, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", data, 10);
  pass(a, 60 * SECOND - 1);
  assert_int_equal(a->end, APP_RUNS);
  pass(a, 1);
  assert_true(fake.sid[0].aborted);
  assert_end(a, APP_FAILED, "after 10 bytes of the file: Connection timed out");
  a = get("10.0.0.1:7/z", NULL);
  fake.sid[0].reset = true;
  a->ops->ready(a, 0, SOCK_ERR);
  assert_end(a, APP_FAILED, "Connection reset by peer");
}

static void test_wget_takes_no_file_away(void **state)
{
  (void)state;
  fclose(fopen("there", "w"));
  struct app *a = get("10.0.0.1:7/there", NULL);
  answer(a, "HTTP/1.1 200 OK\r\n\r\n", data, 10);
  assert_end(a, APP_FAILED, "there: File exists (out=FILE names another)");
  assert_file("there", data, 0);
  a = get("10.0.0.1:7/x", "/nowhere/x");
  answer(a, "HTTP/1.1 200 OK\r\n\r\n", data, 10);
  assert_end(a, APP_FAILED, "/nowhere/x: No such file or directory");
}

static void test_wget_wants_a_url(void **state)
{
  (void)state;
  static const char *const bad[] = {"https://10.0.0.1/", "http://host/", "10.0.0.1:0/", "10.0.0.1/a b", "10.0.0.1/#x", "10.0.0.1?x", "http:///x", "10.0.0.1/\r\nX:y"};
  char err[APP_ERR_LEN];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const struct app_opt opt = {"to", bad[i]};
    assert_null(wget_ops.open(&env, 0, &opt, 1, err));
    assert_non_null(strstr(err, "wants a URL"));
  }
  static const struct { const char *url, *name; } good[] = {{"10.0.0.1:7", "index.html"}, {"10.0.0.1:7/", "index.html"}, {"HTTP://10.0.0.1:7/..", "index.html"},
                                                          {"10.0.0.1:7/a/.", "index.html"}, {"10.0.0.1:7/a/b?c=/d", "b"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char want[100];
    struct app *a = get(good[i].url, NULL);
    answer(a, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "x", 1);
    snprintf(want, sizeof want, "1 bytes to %s", good[i].name);
    assert_end(a, APP_DONE, want);
    assert_int_equal(unlink(good[i].name), 0);
  }
}

// --- udpecho ---

static struct app *probe(const char *count, const char *size)
{
  const struct app_opt opt[] = {to_peer, {"count", count}, {"size", size}};
  struct app *a = begin(&udpecho_ops, 0, opt, 3);
  pass(a, 0);
  return a;
}

// The i-th probe comes back, one byte changed if it is to be.
static void give_back(struct app *a, size_t i, bool spoil)
{
  uint8_t buf[2000];
  size_t len = fake.said.of[i].len;
  memcpy(buf, fake.said.of[i].bytes, len);
  if (spoil) buf[len - 1] ^= 1;
  hear(a, 7, buf, len);
}

static void test_udpecho_times_what_comes_back(void **state)
{
  (void)state;
  struct app *a = probe("2", "100");
  assert_int_equal(fake.said.n, 1);
  env.now_us += 1500;
  give_back(a, 0, false);
  pass(a, SECOND - 1500);
  assert_int_equal(fake.said.n, 2);
  assert_int_equal(get_be32(fake.said.of[1].bytes), 1);
  env.now_us += 500;
  give_back(a, 1, false);
  fflush(env.say);
  assert_string_equal(said, "0: 100 bytes after 1.500 ms\n1: 100 bytes after 0.500 ms\n2 sent, 2 came back, after 0.500/1.000/1.500 ms (least, mean, most)\n");
  assert_end(a, APP_DONE, "");
}

static void test_udpecho_tells_what_is_lost(void **state)
{
  (void)state;
  struct app *a = probe("2", "0");
  pass(a, SECOND);
  give_back(a, 1, false);
  give_back(a, 1, false);
  pass(a, 2 * SECOND - 1);
  assert_int_equal(a->end, APP_RUNS);
  pass(a, 1);
  assert_non_null(strstr(said, "once more"));
  assert_end(a, APP_DIFFERS, "1 of 2 came back");
}

static void test_udpecho_tells_what_differs(void **state)
{
  (void)state;
  struct app *a = probe("1", "10");
  give_back(a, 0, true);
  assert_end(a, APP_DIFFERS, "1 came back otherwise than they were sent");
  fake.said.n = 0;
  a = probe("1", "10");
  hear(a, 7, (const uint8_t *)"\0\0\0\5\x09\x0a\x0b\x0c\x0d\x0e", 10);   // one that was never sent
  assert_end(a, APP_DIFFERS, "1 came back otherwise than they were sent");
}

static void test_udpecho_stopped_counts_what_had_its_time(void **state)
{
  (void)state;
  struct app *a = probe("0", "56");
  give_back(a, 0, false);
  pass(a, SECOND);
  a->ops->stop(a);   // the second is still on its way
  assert_end(a, APP_DONE, "");
  fake.said.n = fake.heard.n = fake.heard.taken = 0;
  a = probe("0", "56");
  fake.sid[UDP_SID].reset = true;
  a->ops->ready(a, UDP_SID, SOCK_ERR);
  env.now_us += 3 * SECOND;
  a->ops->stop(a);
  assert_non_null(strstr(said, "0: Connection refused\n"));
  assert_end(a, APP_DIFFERS, "0 of 1 came back");
}

// --- ping ---

static struct app *probe_host(const char *count, const char *ttl)
{
  const struct app_opt opt[] = {{"to", "10.0.0.1"}, {"count", count}, {"size", "10"}, {"ttl", ttl}};
  struct app *a = begin(&ping_ops, 0, opt, 4);
  pass(a, 0);
  return a;
}

// The i-th request's answer, to the sequence number seq.
static void echo_back(struct app *a, size_t i, uint16_t seq) { hear(a, seq, fake.said.of[i].bytes, fake.said.of[i].len); }

static void test_ping_says_what_linuxs_does(void **state)
{
  (void)state;
  struct app *a = probe_host("2", "9");
  assert_int_equal(fake.udp_ttl, 9);
  assert_int_equal(fake.said.of[0].addr.port, 1);
  env.now_us += 1500;
  echo_back(a, 0, 1);
  echo_back(a, 0, 1);
  pass(a, SECOND - 1500);
  assert_int_equal(fake.said.of[1].addr.port, 2);
  pass(a, 2 * SECOND);
  fflush(env.say);
  assert_string_equal(said, "PING 10.0.0.1: 10 data bytes\n18 bytes from 10.0.0.1: icmp_seq=1 ttl=63 time=1.500 ms\n"
                            "18 bytes from 10.0.0.1: icmp_seq=1 ttl=63 time=1.500 ms (DUP!)\n\n--- 10.0.0.1 ping statistics ---\n"
                            "2 packets transmitted, 1 received, 50% packet loss, time 3000ms\nrtt min/avg/max = 1.500/1.500/1.500 ms\n");
  assert_end(a, APP_DONE, "");
}

static void test_ping_without_an_answer_ends_with_1(void **state)
{
  (void)state;
  struct app *a = probe_host("2", "64");
  fake.heard_error = EHOSTUNREACH;
  hear(a, 1, NULL, 0);
  pass(a, SECOND);
  pass(a, 2 * SECOND);
  fflush(env.say);
  assert_string_equal(said, "PING 10.0.0.1: 10 data bytes\nFrom 10.0.0.1 icmp_seq=1 No route to host\n\n--- 10.0.0.1 ping statistics ---\n"
                            "2 packets transmitted, 0 received, +1 errors, 100% packet loss, time 3000ms\n");
  assert_end(a, APP_DIFFERS, "");
  fake.said.n = fake.heard.n = fake.heard.taken = 0;
  a = probe_host("1", "64");
  fake.heard_error = EHOSTUNREACH;
  hear(a, 1, NULL, 0);                     // nothing else can come
  assert_end(a, APP_DIFFERS, "");
}

static void test_ping_counts_a_probe_once_whatever_is_said_of_it(void **state)
{
  (void)state;
  struct app *a = probe_host("2", "64");
  for (int i = 0; i < 3; i++) {
    fake.heard_error = EHOSTUNREACH;
    hear(a, 1, NULL, 0);
    assert_int_equal(a->end, APP_RUNS);
  }
  pass(a, SECOND);
  echo_back(a, 1, 2);
  fflush(env.say);
  assert_non_null(strstr(said, "2 packets transmitted, 1 received, +3 errors, 50% packet loss"));
  assert_end(a, APP_DONE, "");
}

static void test_ping_takes_an_answer_behind_many_others(void **state)
{
  (void)state;
  struct app *a = probe_host("0", "64");
  static uint8_t first[100];
  size_t len = fake.said.of[0].len;
  memcpy(first, fake.said.of[0].bytes, len);
  for (unsigned i = 1; i < 1000; i++) {
    fake.said.n = 0;
    pass(a, SECOND);
  }
  hear(a, 1, first, len);
  a->ops->stop(a);
  fflush(env.say);
  assert_non_null(strstr(said, "icmp_seq=1 ttl=63 time=999000.000 ms\n"));
  assert_end(a, APP_DONE, "");
}

static void test_ping_ends_when_nobody_listens(void **state)
{
  (void)state;
  FILE *say = env.say;
  assert_non_null(env.say = fopen("/dev/full", "w"));
  struct app *a = probe_host("0", "64");
  echo_back(a, 0, 1);
  pass(a, SECOND);
  fclose(env.say);
  env.say = say;
  assert_end(a, APP_DONE, "");
}

static void test_ping_tells_what_differs(void **state)
{
  (void)state;
  struct app *a = probe_host("3", "64");
  echo_back(a, 0, 2);                         // not sent yet
  pass(a, SECOND);
  echo_back(a, 0, 2);                         // another one's
  pass(a, SECOND);
  echo_back(a, 2, 3);
  assert_end(a, APP_DIFFERS, "2 came back otherwise than they were sent");
}

static void test_ping_knows_its_requests_when_their_numbers_begin_anew(void **state)
{
  (void)state;
  struct app *a = probe_host("0", "64");
  for (unsigned i = 0; i < 65537; i++) {
    fake.heard.n = fake.heard.taken = 0;
    echo_back(a, 0, (uint16_t)(i + 1));
    fake.said.n = 0;
    if (i < 65536) pass(a, SECOND);
  }
  a->ops->stop(a);
  fflush(env.say);
  assert_non_null(strstr(said, "\n65537 packets transmitted, 65537 received, 0% packet loss"));
  assert_end(a, APP_DONE, "");
}

static void test_ping_wants_a_way_there(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  fake.no_way = true;
  assert_null(ping_ops.open(&env, 0, &(struct app_opt){"to", "10.0.0.1"}, 1, err));
  assert_string_equal(err, "ping: to 10.0.0.1: Network is unreachable");
  assert_null(ping_ops.open(&env, 0, &(struct app_opt){"to", "10.0.0.1:7"}, 1, err));
  assert_string_equal(err, "ping: to=10.0.0.1:7: wants an address, as 10.0.0.1");
  assert_null(ping_ops.open(&env, 0, NULL, 0, err));
  assert_string_equal(err, "ping: to=ADDR is missing");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_nc_carries_both_ways_whatever_the_room),
      TEST(test_nc_does_not_read_what_cannot_be_written),
      TEST(test_nc_ends_when_both_ends_have),
      TEST(test_nc_ends_its_side_once_it_is_connected),
      TEST(test_nc_tells_what_broke),
      TEST(test_nc_listens_for_one),
      TEST(test_nc_waits_for_a_silent_peer_as_told),
      TEST(test_nc_waits_for_a_blocked_output),
      TEST(test_nc_does_not_wait_longer_for_a_connection),
      TEST(test_nc_exchanges_datagrams),
      TEST(test_nc_passes_on_whole_datagrams),
      TEST(test_nc_goes_on_when_there_is_room_for_datagrams_again),
      TEST(test_nc_answers_the_first_datagrams_sender),
      TEST(test_nc_says_what_it_wants),
      TEST(test_wget_asks_and_writes_the_file),
      TEST(test_wget_without_a_length_takes_all_until_the_end),
      TEST(test_wget_writes_standard_output_as_room_comes),
      TEST(test_wget_tells_what_it_got_instead),
      TEST(test_wget_gives_up_a_silent_or_broken_server),
      TEST(test_wget_takes_no_file_away),
      TEST(test_wget_wants_a_url),
      TEST(test_udpecho_times_what_comes_back),
      TEST(test_udpecho_tells_what_is_lost),
      TEST(test_udpecho_tells_what_differs),
      TEST(test_udpecho_stopped_counts_what_had_its_time),
      TEST(test_ping_says_what_linuxs_does),
      TEST(test_ping_without_an_answer_ends_with_1),
      TEST(test_ping_counts_a_probe_once_whatever_is_said_of_it),
      TEST(test_ping_takes_an_answer_behind_many_others),
      TEST(test_ping_ends_when_nobody_listens),
      TEST(test_ping_tells_what_differs),
      TEST(test_ping_knows_its_requests_when_their_numbers_begin_anew),
      TEST(test_ping_wants_a_way_there),
  };
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests_name("clients", tests, make_dir, remove_dir);
}
