// SPDX-License-Identifier: Apache-2.0
// record around a small wire made here; the file is read back by a pcapng reader of the test's own, written from the
// specification and sharing nothing with the writer.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first
#include <cmocka.h>

#include "wire/wire.h"

// --- the inner wire: hands out frames of growing length, remembers what it was given ---
struct toy {
  struct wire w;
  size_t next_len;
  bool refuse;
  uint8_t last[2000];
  size_t last_len;
  int *closed;
};

static int toy_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct toy *t = (struct toy *)w;
  if (w->dead) return -1;
  if (t->next_len == 0 || t->next_len > cap) return 0;
  memset(buf, (int)(t->next_len & 255), t->next_len);
  w->rx_frames++;
  return (int)t->next_len;
}

static bool toy_send(struct wire *w, const uint8_t *frame, size_t len)
{
  struct toy *t = (struct toy *)w;
  if (t->refuse) {
    w->tx_drops++;
    return false;
  }
  memcpy(t->last, frame, len);
  t->last_len = len;
  w->tx_frames++;
  return true;
}

static int toy_fd(struct wire *w)
{
  (void)w;
  return 1234;
}

static void toy_close(struct wire *w)
{
  ++*((struct toy *)w)->closed;
  free(w);
}

static const struct wire_ops toy_ops = {toy_recv, toy_send, toy_fd, toy_close, NULL};

static struct toy *toy_open(int *closed)
{
  struct toy *t = calloc(1, sizeof *t);
  assert_non_null(t);
  t->w.ops = &toy_ops;
  t->closed = closed;
  *closed = 0;
  return t;
}

// --- the reader ---
struct seen {
  uint64_t stamp;
  size_t len;
  uint8_t first, last;
  unsigned flags;
  char comment[100];
};

static uint32_t u32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t u16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }

// The option's value and length, or NULL; every option list must end within p[0..n).
static const uint8_t *option(const uint8_t *p, size_t n, uint32_t code, size_t *len)
{
  const uint8_t *found = NULL;
  for (size_t at = 0;;) {
    assert_true(at + 4 <= n);
    uint32_t c = u16(p + at), l = u16(p + at + 2);
    if (c == 0) {
      assert_int_equal(at + 4, n);
      return found;
    }
    assert_true(at + 4 + l <= n);
    if (c == code) {
      found = p + at + 4;
      *len = l;
    }
    at += 4 + ((l + 3) & ~3u);
  }
}

static void read_packet(const uint8_t *b, size_t n, struct seen *s)
{
  size_t cap = u32(b + 20), len = 0;
  assert_int_equal(u32(b + 8), 0);
  assert_int_equal(u32(b + 24), cap);
  size_t opts = 28 + ((cap + 3) & ~(size_t)3);
  assert_true(opts <= n - 4);
  s->stamp = (uint64_t)u32(b + 12) << 32 | u32(b + 16);
  s->len = cap;
  s->first = b[28];
  s->last = b[28 + cap - 1];
  const uint8_t *o = option(b + opts, n - 4 - opts, 2, &len);
  assert_non_null(o);
  assert_int_equal(len, 4);
  s->flags = u32(o);
  o = option(b + opts, n - 4 - opts, 1, &len);
  assert_non_null(o);
  assert_true(len < sizeof s->comment);
  memcpy(s->comment, o, len);
  s->comment[len] = '\0';
}

static void check_section(const uint8_t *b, size_t n)
{
  size_t len;
  assert_int_equal(u32(b), 0x0a0d0d0a);
  assert_int_equal(u32(b + 8), 0x1a2b3c4d);
  assert_int_equal(u16(b + 12), 1);
  assert_int_equal(u16(b + 14), 0);
  const uint8_t *app = option(b + 24, n - 28, 4, &len);
  assert_non_null(app);
  assert_int_equal(len, 8);
  assert_memory_equal(app, "lockwire", 8);
}

static void check_interface(const uint8_t *b, size_t n)
{
  size_t len;
  assert_int_equal(u32(b), 1);
  assert_int_equal(u16(b + 8), 1);
  const uint8_t *res = option(b + 16, n - 20, 9, &len);
  assert_non_null(res);
  assert_int_equal(len, 1);
  assert_int_equal(*res, 6);
}

// All packets of the file; any malformed block fails the test. Returns their number.
static size_t read_file(const char *path, struct seen *out, size_t max)
{
  static uint8_t b[1 << 20];
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(b, 1, sizeof b, f), at = 0, packets = 0;
  fclose(f);
  for (size_t block = 0; at < n; block++) {
    assert_true(at + 12 <= n);
    size_t len = u32(b + at + 4);
    assert_true(len >= 12 && len % 4 == 0 && at + len <= n);
    assert_int_equal(u32(b + at + len - 4), len);
    if (block == 0) check_section(b + at, len);
    if (block == 1) check_interface(b + at, len);
    if (block >= 2) {
      assert_int_equal(u32(b + at), 6);
      assert_true(packets < max);
      read_packet(b + at, len, &out[packets++]);
    }
    at += len;
  }
  return packets;
}

// --- fixtures ---
static int make_dir(void **state)
{
  static char dir[] = "/tmp/lockwire_record_XXXXXX";
  if (!mkdtemp(dir)) return -1;
  *state = dir;
  return 0;
}

static int remove_dir(void **state)
{
  char path[100];
  snprintf(path, sizeof path, "%s/f.pcapng", (char *)*state);
  remove(path);
  return rmdir(*state);
}

static const char *file_in(void **state)
{
  static char path[100];
  snprintf(path, sizeof path, "%s/f.pcapng", (char *)*state);
  return path;
}

static long size_of(const char *path)
{
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  return (long)st.st_size;
}

static int flow_of_length(void *user, const uint8_t *frame, size_t len)
{
  (void)frame;
  return len == 60 ? *(int *)user : -1;
}

static int write_error;

static struct wire *open_or_fail(struct toy *t, const char *path, uint64_t epoch_us, const struct wire_record_note *note)
{
  char err[WIRE_ERR_LEN] = "";
  struct wire *r = wire_record_open(&t->w, path, epoch_us, note, &write_error, err);
  if (!r) fail_msg("%s", err);
  return r;
}

// --- tests ---
static void test_record_keeps_every_frame_with_time_direction_and_comment(void **state)
{
  int closed, flow = 3;
  struct toy *t = toy_open(&closed);
  struct wire_record_note note = {.flow_of = flow_of_length, .user = &flow};
  uint64_t epoch_us = 1700000000000000;  // needs the timestamp's upper half
  struct wire *r = open_or_fail(t, file_in(state), epoch_us, &note);
  uint8_t buf[2000];
  memset(buf, 0xaa, sizeof buf);
  for (size_t len = 14; len < 214; len++) {  // every padding
    t->next_len = len;
    note.cycle = len * 1000;
    note.now_us = len;
    assert_int_equal(wire_recv(r, buf, sizeof buf), len);
    assert_true(wire_send(r, buf, len));
    assert_int_equal(t->last_len, len);
    assert_memory_equal(t->last, buf, len);
  }
  wire_close(r);
  assert_int_equal(closed, 1);

  static struct seen s[500];
  assert_int_equal(read_file(file_in(state), s, 500), 400);
  for (size_t i = 0; i < 400; i++) {
    size_t len = 14 + i / 2;
    char want[100];
    snprintf(want, sizeof want, "cycle=%zu dir=%s flow=%s", len * 1000, i % 2 ? "tx" : "rx", len == 60 ? "3" : "-");
    assert_string_equal(s[i].comment, want);
    assert_int_equal(s[i].flags & 3, i % 2 ? 2 : 1);
    assert_int_equal(s[i].stamp, epoch_us + len);
    assert_int_equal(s[i].len, len);
    assert_int_equal(s[i].first, len & 255);
    assert_int_equal(s[i].last, len & 255);
  }
}

static void test_record_gives_equal_files_for_equal_runs(void **state)
{
  static uint8_t first[4096], second[4096];
  size_t n[2] = {0, 0};
  for (int run = 0; run < 2; run++) {
    int closed;
    struct toy *t = toy_open(&closed);
    struct wire_record_note note = {.cycle = 5, .now_us = 7};
    struct wire *r = open_or_fail(t, file_in(state), 1, &note);
    wire_send(r, (const uint8_t *)"fourteen bytes", 14);
    wire_close(r);
    FILE *f = fopen(file_in(state), "rb");
    assert_non_null(f);
    n[run] = fread(run ? second : first, 1, sizeof first, f);
    fclose(f);
  }
  assert_int_equal(n[0], n[1]);
  assert_memory_equal(first, second, n[0]);
}

static void test_record_passes_on_what_inner_says(void **state)
{
  int closed;
  struct toy *t = toy_open(&closed);
  struct wire_record_note note = {0};
  struct wire *r = open_or_fail(t, file_in(state), 0, &note);
  uint8_t buf[100] = {0};
  assert_int_equal(wire_fd(r), 1234);
  assert_int_equal(wire_recv(r, buf, sizeof buf), 0);
  t->refuse = true;
  assert_false(wire_send(r, buf, 20));
  assert_int_equal(r->tx_drops, 1);
  t->w.dead = true;
  strcpy(t->w.err, "the toy broke");
  assert_int_equal(wire_recv(r, buf, sizeof buf), -1);
  assert_true(r->dead);
  assert_string_equal(r->err, "the toy broke");
  wire_close(r);
  struct seen s[2];
  assert_int_equal(read_file(file_in(state), s, 2), 1);  // the refused frame is kept: it was sent
}

static void test_record_flushes_once_a_second(void **state)
{
  int closed;
  struct toy *t = toy_open(&closed);
  struct wire_record_note note = {.now_us = 5000000};
  struct wire *r = open_or_fail(t, file_in(state), 0, &note);
  uint8_t buf[100] = {0};
  long empty = size_of(file_in(state));
  assert_true(empty > 0);  // the file's head is there from the start
  wire_send(r, buf, 60);
  note.now_us += 999999;
  wire_recv(r, buf, sizeof buf);
  assert_int_equal(size_of(file_in(state)), empty);
  note.now_us += 1;
  wire_recv(r, buf, sizeof buf);  // no frame, but a second has passed
  while (size_of(file_in(state)) == empty) sched_yield();   // the file is written by a thread
  wire_close(r);
}

static void test_record_goes_on_in_another_file(void **state)
{
  int closed;
  char second[120];
  struct seen s[3];
  uint8_t buf[100] = {0};
  struct wire_record_note note = {0};
  snprintf(second, sizeof second, "%s.2", file_in(state));
  struct wire *r = open_or_fail(toy_open(&closed), file_in(state), 0, &note);
  uint64_t empty = wire_record_bytes(r);
  wire_send(r, buf, 60);
  uint64_t bytes = wire_record_bytes(r);
  wire_record_next(r, second);
  assert_int_equal(size_of(file_in(state)), bytes);   // complete at once
  assert_int_equal(wire_record_bytes(r), empty);
  wire_send(r, buf, 61);
  wire_send(r, buf, 62);
  wire_close(r);
  assert_int_equal(read_file(file_in(state), s, 3), 1);
  assert_int_equal(read_file(second, s, 3), 2);
  assert_int_equal(s[0].len, 61);
  remove(second);
}

static void test_record_ends_when_there_can_be_no_other_file(void **state)
{
  int closed;
  uint8_t buf[100] = {0};
  struct wire_record_note note = {0};
  struct wire *r = open_or_fail(toy_open(&closed), file_in(state), 0, &note);
  wire_send(r, buf, 60);
  wire_record_next(r, "/nowhere/at/all.pcapng");
  assert_true(wire_send(r, buf, 60));
  assert_int_equal(wire_record_bytes(r), 0);
  assert_int_equal(write_error, ENOENT);
  write_error = 0;
  wire_record_next(r, file_in(state));                // it has ended
  wire_close(r);
  struct seen s[3];
  assert_int_equal(read_file(file_in(state), s, 3), 1);
}

static void test_record_refuses_bad_path_and_closes_inner(void **state)
{
  (void)state;
  int closed;
  char err[WIRE_ERR_LEN] = "";
  struct wire_record_note note = {0};
  assert_null(wire_record_open(&toy_open(&closed)->w, "/nowhere/at/all.pcapng", 0, &note, &write_error, err));
  assert_string_equal(err, "record:/nowhere/at/all.pcapng: No such file or directory");
  assert_int_equal(closed, 1);
  assert_null(wire_record_open(&toy_open(&closed)->w, "/dev/full", 0, &note, &write_error, err));
  assert_string_equal(err, "record:/dev/full: No space left on device");
  assert_int_equal(closed, 1);
}

// In a child, with a file size limit for a full disk.
static void test_record_ends_with_its_error_and_frames_go_on(void **state)
{
  int status;
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int closed, sent = 0, error = 0;
    uint8_t buf[1000] = {0};
    struct wire_record_note note = {0};
    struct rlimit lim = {.rlim_cur = 4096, .rlim_max = 4096};
    signal(SIGXFSZ, SIG_IGN);
    struct wire *r = wire_record_open(&toy_open(&closed)->w, file_in(state), 0, &note, &error, (char[WIRE_ERR_LEN]){0});
    if (!r || setrlimit(RLIMIT_FSIZE, &lim) != 0) _exit(1);
    for (int i = 0; i < 1000; i++) {
      note.now_us += 10000;
      sent += wire_send(r, buf, sizeof buf);
    }
    int while_open = error;
    wire_close(r);
    _exit(sent == 1000 && closed == 1 && while_open == EFBIG && error == EFBIG ? 0 : 2);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_record_keeps_every_frame_with_time_direction_and_comment),
    cmocka_unit_test(test_record_gives_equal_files_for_equal_runs),
    cmocka_unit_test(test_record_passes_on_what_inner_says),
    cmocka_unit_test(test_record_flushes_once_a_second),
    cmocka_unit_test(test_record_goes_on_in_another_file),
    cmocka_unit_test(test_record_ends_when_there_can_be_no_other_file),
    cmocka_unit_test(test_record_refuses_bad_path_and_closes_inner),
    cmocka_unit_test(test_record_ends_with_its_error_and_frames_go_on),
  };
  return cmocka_run_group_tests_name("record", tests, make_dir, remove_dir);
}
