// SPDX-License-Identifier: Apache-2.0
// segments: the bound holds whatever the sizes, half of it is kept, what is there is found, what is old goes.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/rng.h"
#include "wire/segments.h"

static char dir[] = "/tmp/lockwire-segments-XXXXXX";

static int set_up(void **state)
{
  (void)state;
  return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
  struct segments s;
  (void)state;
  segments_begin(&s, dir, 1);
  return rmdir(dir);
}

static void make(uint32_t number, enum segment_file file, const char *text)
{
  char path[SEGMENTS_PATH_LEN];
  segments_path(dir, number, file, path);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static bool there(uint32_t number, enum segment_file file)
{
  char path[SEGMENTS_PATH_LEN];
  segments_path(dir, number, file, path);
  return access(path, F_OK) == 0;
}

static void test_segments_have_their_names(void **state)
{
  (void)state;
  char path[SEGMENTS_PATH_LEN];
  segments_path("d", 0, SEGMENT_WIRE, path);
  assert_string_equal(path, "d/wire.pcapng");
  segments_path("d", 12, SEGMENT_RESTART, path);
  assert_string_equal(path, "d/restart-000012.bin");
}

static void test_segments_stay_below_the_limit_and_keep_half_of_it(void **state)
{
  (void)state;
  enum { LIMIT = 80000, PART = LIMIT / SEGMENTS_PART };
  static uint64_t size[2000];      // of what each number has on disk
  struct segments s;
  struct rng r;
  rng_seed(&r, 1);
  segments_begin(&s, dir, LIMIT);
  for (uint64_t written = 0; s.now < 1000;) {
    uint64_t bytes = PART + rng_below(&r, PART / 20), restart = rng_below(&r, PART);
    assert_false(segments_due(&s, PART - 1));
    assert_true(segments_due(&s, bytes));
    size[s.now] += bytes;
    written += bytes;
    size[s.now + 1] = restart;
    make(s.now, SEGMENT_STIMULUS, "x");
    assert_true(segments_next(&s, bytes, restart));
    uint64_t all = PART + PART / 20;   // what the new one will have
    for (uint32_t n = s.first; n <= s.now; n++) all += size[n];
    assert_true(all <= LIMIT);
    assert_true(written < LIMIT / 2 || all - PART >= LIMIT / 2 - PART / 4);
    if (s.first > 1) assert_false(there(s.first - 1, SEGMENT_STIMULUS));
    assert_true(there(s.first, SEGMENT_STIMULUS));
  }
}

static void test_segments_refuse_restart_points_that_leave_no_room(void **state)
{
  (void)state;
  struct segments s;
  segments_begin(&s, dir, 8000);
  assert_true(segments_next(&s, 1000, 4000));
  assert_false(segments_next(&s, 1000, 4000));
  assert_int_equal(errno, EFBIG);
}

static void test_segments_have_no_end_without_a_limit(void **state)
{
  (void)state;
  struct segments s;
  segments_begin(&s, dir, 0);
  assert_false(segments_due(&s, UINT64_MAX));
  assert_int_equal(s.now, 0);
}

static void make_named(const char *name, bool stays)
{
  char path[SEGMENTS_PATH_LEN];
  struct segments s;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fclose(f);
  segments_begin(&s, dir, 0);
  assert_true((access(path, F_OK) == 0) == stays);
  unlink(path);
}

static void test_segments_waves_of_an_earlier_recording_go(void **state)
{
  (void)state;
  make_named("wave-frame-7.fst", false);
  make_named("wave-cycle-1000.gtkw", false);
  make_named("wave-notes.txt", true);
  make_named("mywave-1.fst", true);
}

static void test_segments_of_an_earlier_recording_go(void **state)
{
  (void)state;
  struct segments s;
  for (int limit = 0; limit < 2; limit++) {
    make(0, SEGMENT_STIMULUS, "x");
    make(3, SEGMENT_STIMULUS, "x");
    make(3, SEGMENT_RESTART, "x");
    make(1234567, SEGMENT_WIRE, "x");
    segments_begin(&s, dir, (uint64_t)limit);
    assert_true(there(0, SEGMENT_STIMULUS) == !limit);
    assert_false(there(3, SEGMENT_STIMULUS) || there(3, SEGMENT_RESTART) || there(1234567, SEGMENT_WIRE));
  }
}

static void test_segments_are_found_by_their_stimulus(void **state)
{
  (void)state;
  uint32_t first, last, missing;
  struct segments s;
  segments_begin(&s, dir, 1);
  assert_true(segments_find(dir, &first, &last, &missing) && first == 0 && last == 0);
  make(2, SEGMENT_RESTART, "x");       // its stimulus was removed first
  for (uint32_t n = 3; n <= 6; n++) make(n, SEGMENT_STIMULUS, "x");
  make(7, SEGMENT_STIMULUS, "");       // killed at this moment
  assert_true(segments_find(dir, &first, &last, &missing));
  assert_int_equal(first, 3);
  assert_int_equal(last, 6);
  make(5, SEGMENT_STIMULUS, "");
  assert_false(segments_find(dir, &first, &last, &missing));
  assert_int_equal(missing, 5);
  assert_true(segments_find("/nowhere", &first, &last, &missing) && last == 0);
}

// A state that is small beside what is recorded has points as often as may be, a large one so that they are half of it all, but for the first.
static void test_segments_points_take_no_more_than_the_rest(void **state)
{
  (void)state;
  enum { TURNS = 1000, TURN_BYTES = 100 };
  for (uint64_t size = 1; size <= 1 << 20; size *= 4) {
    struct segments s;
    segments_begin(&s, dir, 0);
    assert_false(segments_point_due(&s, SEGMENTS_POINT_CYCLES - 1, 1 << 20));
    for (uint64_t i = 1, all = 0; i <= TURNS; i++) {
      if (!segments_point_due(&s, SEGMENTS_POINT_CYCLES, i * TURN_BYTES)) continue;
      all += size;
      uint32_t number = segments_point(&s, size);
      assert_int_equal(number, s.points);
      assert_true(number == 1 || all <= i * TURN_BYTES);
    }
    uint64_t most = TURNS * TURN_BYTES / size;
    assert_int_equal(s.points, !most ? 1 : most < TURNS ? most : TURNS);
  }
  struct segments limited;
  segments_begin(&limited, dir, 1 << 20);
  assert_false(segments_point_due(&limited, SEGMENTS_POINT_CYCLES, 1 << 20));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_segments_have_their_names),
      cmocka_unit_test(test_segments_stay_below_the_limit_and_keep_half_of_it),
      cmocka_unit_test(test_segments_refuse_restart_points_that_leave_no_room),
      cmocka_unit_test(test_segments_have_no_end_without_a_limit),
      cmocka_unit_test(test_segments_of_an_earlier_recording_go), cmocka_unit_test(test_segments_waves_of_an_earlier_recording_go),
      cmocka_unit_test(test_segments_are_found_by_their_stimulus),
      cmocka_unit_test(test_segments_points_take_no_more_than_the_rest),
  };
  return cmocka_run_group_tests_name("segments", tests, set_up, tear_down);
}
