// SPDX-License-Identifier: Apache-2.0
// bgfile: what was written is in the file, in order, whatever the sizes; errors are told.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/rng.h"
#include "wire/bgfile.h"

static char path[] = "/tmp/lockwire-bgfile-XXXXXX";

static int set_up(void **state)
{
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
  (void)state;
  return unlink(path);
}

static void test_bgfile_holds_what_was_written_in_order(void **state)
{
  (void)state;
  static uint8_t piece[BGFILE_BUF_BYTES];
  struct rng r;
  struct bgfile *f = bgfile_open(path, "head", 4);
  uint64_t total = 0;
  assert_non_null(f);
  rng_seed(&r, 1);
  for (int i = 0; i < 60; i++) {
    size_t n = i % 7 == 0 ? BGFILE_BUF_BYTES : 1 + rng_below(&r, BGFILE_BUF_BYTES);
    for (size_t k = 0; k < n; k++) piece[k] = (uint8_t)(total + k + (total + k) / 251);
    bgfile_write(f, piece, n);
    total += n;
    if (i % 5 == 0) assert_int_equal(bgfile_flush(f), 0);
  }
  assert_int_equal(bgfile_bytes(f), total + 4);
  assert_int_equal(bgfile_close(f), 0);
  FILE *in = fopen(path, "rb");
  assert_non_null(in);
  for (const char *h = "head"; *h; h++) assert_int_equal(fgetc(in), *h);
  for (uint64_t at = 0; at < total; at++)
    if (fgetc(in) != (uint8_t)(at + at / 251)) fail_msg("byte %llu differs", (unsigned long long)at);
  assert_int_equal(fgetc(in), EOF);
  fclose(in);
}

static void test_bgfile_tells_a_full_disk(void **state)
{
  (void)state;
  struct bgfile *f = bgfile_open("/dev/full", NULL, 0);
  assert_non_null(f);
  bgfile_write(f, "x", 1);
  bgfile_flush(f);               // may not know yet
  assert_int_equal(bgfile_close(f), ENOSPC);
}

static void test_bgfile_tells_at_once_that_the_head_has_no_room(void **state)
{
  (void)state;
  assert_null(bgfile_open("/dev/full", "head", 4));
  assert_int_equal(errno, ENOSPC);
}

static void test_bgfile_tells_where_it_cannot_be(void **state)
{
  (void)state;
  assert_null(bgfile_open("/nowhere/file", NULL, 0));
  assert_int_equal(errno, ENOENT);
  assert_int_equal(bgfile_close(NULL), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_bgfile_holds_what_was_written_in_order, set_up, tear_down),
      cmocka_unit_test(test_bgfile_tells_a_full_disk),
      cmocka_unit_test(test_bgfile_tells_at_once_that_the_head_has_no_room),
      cmocka_unit_test(test_bgfile_tells_where_it_cannot_be),
  };
  return cmocka_run_group_tests_name("bgfile", tests, NULL, NULL);
}
