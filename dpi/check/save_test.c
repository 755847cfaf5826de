// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check/check.h"

enum { FLOWS = 16, RING = 4096, FLOW = 3 };

// What is kept of a command that its step has not come to yet; between the members of the command lies `dirt`.
static void save_with(struct blob *b, uint8_t kind, int dirt)
{
  struct check_config cfg = {.num_flows = FLOWS, .beat_bytes = 64, .tx_ring_bytes = RING, .caps = core_caps_full(RING), .max_frame = 1514};
  struct check *k = check_open(&cfg);
  struct host_cmd c;
  uint32_t words[HOST_CMD_WORDS] = {0};
  assert_non_null(k);
  memset(&c, dirt, sizeof c);
  host_cmd_unpack(&c, words);
  c.kind = kind;
  c.flow = FLOW;
  check_cycle(k, 1, 1);
  check_command(k, &c);
  check_save(k, b);
  assert_false(check_failed(k) || b->bad);
  check_close(k);
}

static void test_equal_states_are_saved_as_equal_bytes_with_any_command_pending(void **state)
{
  (void)state;
  for (uint8_t kind = CMD_OPEN; kind <= CMD_TUNE; kind++) {
    struct blob clean = {0}, dirty = {0};
    save_with(&clean, kind, 0);
    save_with(&dirty, kind, 0xff);
    assert_int_equal(clean.n, dirty.n);
    assert_memory_equal(clean.buf, dirty.buf, clean.n);
    blob_free(&clean);
    blob_free(&dirty);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_equal_states_are_saved_as_equal_bytes_with_any_command_pending),
  };
  return cmocka_run_group_tests_name("check/save", tests, NULL, NULL);
}
