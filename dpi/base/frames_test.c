// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/frames.h"

enum { FRAMES = 5, CAP = 61 };

static void test_pool_gives_each_buffer_once(void **state)
{
  (void)state;
  struct frame_pool p;
  struct frame *f[FRAMES];
  assert_true(frame_pool_init(&p, FRAMES, CAP));
  for (int turn = 0; turn < 3; turn++) {
    for (int i = 0; i < FRAMES; i++) {
      f[i] = frame_take(&p);
      assert_non_null(f[i]);
      assert_int_equal(f[i]->len, 0);
      memset(f[i]->bytes, i, CAP);
      f[i]->len = CAP;
    }
    assert_null(frame_take(&p));
    for (int i = 0; i < FRAMES; i++)
      for (int k = 0; k < CAP; k++) assert_int_equal(f[i]->bytes[k], i);
    for (int i = 0; i < FRAMES; i++) frame_give(&p, f[i]);
  }
  frame_pool_destroy(&p);
}

static void test_list_is_first_in_first_out(void **state)
{
  (void)state;
  struct frame_pool p;
  struct frame_list l = {0};
  assert_true(frame_pool_init(&p, FRAMES, CAP));
  assert_null(frame_pop(&l));
  for (int turn = 0; turn < 2; turn++) {
    struct frame *f[3];
    for (int i = 0; i < 3; i++) {
      f[i] = frame_take(&p);
      frame_push(&l, f[i]);
    }
    assert_int_equal(l.n, 3);
    for (int i = 0; i < 3; i++) {
      assert_ptr_equal(frame_pop(&l), f[i]);
      frame_give(&p, f[i]);
    }
    assert_null(frame_pop(&l));
    assert_int_equal(l.n, 0);
  }
  frame_pool_destroy(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pool_gives_each_buffer_once),
    cmocka_unit_test(test_list_is_first_in_first_out),
  };
  return cmocka_run_group_tests_name("sock/frames", tests, NULL, NULL);
}
