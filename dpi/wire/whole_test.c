// SPDX-License-Identifier: Apache-2.0
// whole: what was written is read back, and nothing that is cut off or changed; errors leave no file.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// cmocka wants these first
#include <cmocka.h>

#include "wire/whole.h"

static char dir[] = "/tmp/lockwire-whole-XXXXXX", path[64], part[70];

static int set_up(void **state)
{
  (void)state;
  if (!mkdtemp(dir)) return -1;
  snprintf(path, sizeof path, "%s/f", dir);
  snprintf(part, sizeof part, "%s.tmp", path);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  unlink(path);
  return rmdir(dir);
}

static bool reads(const char *words)
{
  struct blob b = {0};
  char err[WHOLE_ERR_LEN] = "";
  bool ok = whole_read(path, &b, err);
  if (words) assert_non_null(strstr(err, words));
  if (ok) {
    assert_int_equal(b.n, 3000000);
    for (size_t i = 0; i < b.n; i++) assert_int_equal(b.buf[i], (uint8_t)(i % 251));
  }
  blob_free(&b);
  return ok;
}

static void test_whole_is_read_back_and_refused_when_cut_or_changed(void **state)
{
  (void)state;
  struct blob b = {0};
  uint8_t *p = blob_room(&b, 3000000);
  assert_non_null(p);
  for (size_t i = 0; i < b.n; i++) p[i] = (uint8_t)(i % 251);
  assert_false(reads("No such file"));
  assert_int_equal(whole_end(whole_write(path, &b)), 0);
  assert_int_equal(access(part, F_OK), -1);
  assert_true(reads(NULL));
  FILE *f = fopen(path, "r+b");
  assert_non_null(f);
  fseek(f, 1234567, SEEK_SET);
  fputc(1, f);
  fclose(f);
  assert_false(reads("damaged"));
  assert_int_equal(whole_end(whole_write(path, &b)), 0);
  assert_int_equal(truncate(path, 1500000), 0);
  assert_false(reads("cut off"));
  assert_int_equal(truncate(path, 2), 0);
  assert_false(reads("cut off"));
  blob_free(&b);
}

static void test_whole_tells_what_failed_and_leaves_nothing(void **state)
{
  (void)state;
  struct blob b = {0};
  blob_put(&b, "some", 4);
  unlink(path);
  assert_int_equal(symlink("/dev/full", part), 0);
  struct whole *w = whole_write(path, &b);
  assert_non_null(w);
  assert_int_equal(whole_end(w), ENOSPC);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(access(part, F_OK), -1);
  assert_int_equal(mkdir(part, 0777), 0);
  assert_null(whole_write(path, &b));
  assert_int_equal(errno, EISDIR);
  rmdir(part);
  assert_int_equal(whole_end(NULL), 0);
  blob_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole_is_read_back_and_refused_when_cut_or_changed),
      cmocka_unit_test(test_whole_tells_what_failed_and_leaves_nothing),
  };
  return cmocka_run_group_tests_name("whole", tests, set_up, tear_down);
}
