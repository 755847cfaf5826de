// SPDX-License-Identifier: Apache-2.0
// nic_port: commands as the RTL reads them and when it may have them, beats cut and joined, events folded into levels.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "sock/nic_port.h"

enum { FLOWS = 8, TX_RING = 4096, RX_RING = 8192 };

struct bed {
  struct nic_port p;
  struct engine *e;
  const struct engine_ops *o;
};

static int set_up(void **state)
{
  static struct bed b;
  unsigned beat_bytes = *state ? *(const unsigned *)*state : 64;
  if (!nic_port_open(&b.p, beat_bytes, FLOWS, TX_RING, RX_RING)) return -1;
  b.e = &b.p.engine;
  b.o = b.e->ops;
  *state = &b;
  return 0;
}

static int tear_down(void **state)
{
  nic_port_close(&((struct bed *)*state)->p);
  return 0;
}

static const struct flow_open an_open = {
    .flow = 5, .local_mac = {2, 0x11, 0x22, 0x33, 0x44, 0x55}, .remote_mac = {2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee},
    .local_ip = 0x0a000001, .remote_ip = 0xc0a80102, .local_port = 80, .remote_port = 54321,
    .snd_nxt = {0xfffffff0}, .rcv_nxt = {0x7fffffff}, .snd_wnd = 0x123456, .mss = 1400, .rcv_mss = 1460,
    .snd_wscale = 7, .rcv_wscale = 3, .syn_again = true,
};

static struct host_cmd take_cmd(struct bed *b)
{
  uint32_t bits[HOST_CMD_WORDS];
  struct host_cmd c;
  assert_true(nic_port_cmd_ready(&b->p));
  nic_port_take_cmd(&b->p, bits);
  host_cmd_unpack(&c, bits);
  return c;
}

// Takes the whole payload packet at hand; returns its length.
static size_t take_payload(struct bed *b, uint8_t *to, uint16_t *flow)
{
  size_t len = 0;
  bool last = false;
  while (!last) len += nic_port_payload_beat(&b->p, to + len, &last, flow);
  return len;
}

// --- commands -------------------------------------------------------------------------------------------------------
// A field of host_cmd_t by hand from rtl/nic_types.svh: the first member is highest; `skip` counts the bits before it.
static uint64_t field(const uint32_t *v, unsigned skip, unsigned width)
{
  uint64_t x = 0;
  for (unsigned i = HOST_CMD_BITS - skip; i-- > HOST_CMD_BITS - skip - width;) x = x << 1 | (v[i / 32] >> (i % 32) & 1);
  return x;
}

static void test_nic_port_packs_an_open_as_the_rtl_reads_it(void **state)
{
  struct bed *b = *state;
  uint32_t v[HOST_CMD_WORDS];
  b->o->open(b->e, &an_open);
  assert_true(nic_port_cmd_ready(&b->p));
  nic_port_take_cmd(&b->p, v);
  assert_int_equal(field(v, 0, 3), CMD_OPEN);
  assert_int_equal(field(v, 3, 12), 5);
  assert_int_equal(field(v, 47, 32), 0x0a000001);      // behind the 32 bits of consume's len
  assert_int_equal(field(v, 79, 32), 0xc0a80102);
  assert_int_equal(field(v, 111, 16), 80);
  assert_int_equal(field(v, 127, 16), 54321);
  assert_int_equal(field(v, 143, 48), 0x021122334455);
  assert_int_equal(field(v, 191, 48), 0x02aabbccddee);
  assert_int_equal(field(v, 239, 32), 0xfffffff0);
  assert_int_equal(field(v, 271, 32), 0x7fffffff);
  assert_int_equal(field(v, 303, 32), 0x123456);
  assert_int_equal(field(v, 335, 16), 1400);
  assert_int_equal(field(v, 351, 16), 1460);
  assert_int_equal(field(v, 367, 4), 7);
  assert_int_equal(field(v, 371, 4), 3);
  assert_int_equal(field(v, 375, 4), 1);               // ts_ok, sack_ok, nagle_off, syn_again
  assert_false(nic_port_cmd_ready(&b->p));
}

static void test_nic_port_release_carries_the_tuple_of_the_open(void **state)
{
  struct bed *b = *state;
  b->o->open(b->e, &an_open);
  take_cmd(b);
  b->o->release(b->e, 5);
  struct host_cmd c = take_cmd(b);
  assert_true(c.kind == CMD_RELEASE && c.flow == 5);
  assert_true(c.local_ip == an_open.local_ip && c.remote_ip == an_open.remote_ip);
  assert_true(c.local_port == 80 && c.remote_port == 54321);
}

static void test_nic_port_keeps_commands_in_order(void **state)
{
  struct bed *b = *state;
  b->o->open(b->e, &an_open);
  b->o->consume(b->e, 5, 0);   // nothing to consume: no command
  b->o->consume(b->e, 5, 4242);
  b->o->close(b->e, 3);
  b->o->abort(b->e, 7);
  b->o->tune(b->e, 9, &(struct flow_tuning){.nagle_off = true, .user_timeout_ms = 5000, .pace_rate = 77, .pace_burst = 99, .mss = 700});
  assert_int_equal(take_cmd(b).kind, CMD_OPEN);
  struct host_cmd c = take_cmd(b);
  assert_true(c.kind == CMD_CONSUME && c.flow == 5 && c.len == 4242);
  c = take_cmd(b);
  assert_true(c.kind == CMD_CLOSE && c.flow == 3);
  c = take_cmd(b);
  assert_true(c.kind == CMD_ABORT && c.flow == 7);
  c = take_cmd(b);
  assert_true(c.kind == CMD_TUNE && c.flow == 9 && c.nagle_off && c.user_timeout_ms == 5000 && c.pace_rate == 77 && c.pace_burst == 99 && c.mss == 700);
  assert_false(nic_port_cmd_ready(&b->p));
}

static void test_nic_port_close_and_release_wait_until_payload_was_taken(void **state)
{
  struct bed *b = *state;
  uint8_t data[200] = {0}, got[256];
  uint16_t flow;
  bool last;
  b->o->payload(b->e, 3, data, 100);
  b->o->payload(b->e, 4, data, 130);
  b->o->close(b->e, 3);
  b->o->payload(b->e, 4, data, 10);
  b->o->release(b->e, 4);
  assert_false(nic_port_cmd_ready(&b->p));
  take_payload(b, got, &flow);
  assert_false(nic_port_cmd_ready(&b->p));
  nic_port_payload_beat(&b->p, got, &last, &flow);   // only a part of the second
  assert_true(!last && !nic_port_cmd_ready(&b->p));
  take_payload(b, got, &flow);
  assert_int_equal(take_cmd(b).kind, CMD_CLOSE);
  assert_false(nic_port_cmd_ready(&b->p));
  take_payload(b, got, &flow);
  assert_int_equal(take_cmd(b).kind, CMD_RELEASE);
}

static void test_nic_port_open_abort_and_consume_do_not_wait_for_payload(void **state)
{
  struct bed *b = *state;
  uint8_t data[10] = {0};
  b->o->payload(b->e, 3, data, 10);
  b->o->open(b->e, &an_open);
  b->o->abort(b->e, 3);
  b->o->consume(b->e, 3, 1);
  assert_int_equal(take_cmd(b).kind, CMD_OPEN);
  assert_int_equal(take_cmd(b).kind, CMD_ABORT);
  assert_int_equal(take_cmd(b).kind, CMD_CONSUME);
}

// Regression: an active open's program writes in the turn of its open; the open then put the tail back behind the bytes.
static void test_nic_port_payload_waits_for_the_fence_of_its_flow(void **state)
{
  struct bed *b = *state;
  uint8_t data[10] = {0};
  uint16_t flow;
  b->o->payload(b->e, 3, data, 10);     // another flow's goes on
  b->o->open(b->e, &an_open);
  b->o->payload(b->e, 5, data, 10);
  assert_true(nic_port_payload_ready(&b->p));
  take_payload(b, data, &flow);
  assert_int_equal(flow, 3);
  take_cmd(b);
  assert_false(nic_port_payload_ready(&b->p));
  nic_port_fence(&b->p, 5, true);
  assert_true(nic_port_payload_ready(&b->p));
  take_payload(b, data, &flow);
  assert_int_equal(flow, 5);
  assert_false(nic_port_payload_ready(&b->p));
}

// --- beats ----------------------------------------------------------------------------------------------------------
static void test_nic_port_cuts_records_into_beats_full_but_the_last(void **state)
{
  struct bed *b = *state;
  static const size_t lens[] = {1, 7, 8, 9, 54, 63, 64, 65, 128, 1514};
  uint8_t frame[1514], beat[64];
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = (uint8_t)(i * 13 + 1);
  for (size_t i = 0; i < 10; i++) b->o->input(b->e, frame, lens[i]);
  for (size_t i = 0; i < 10; i++) {
    size_t at = 0;
    bool last = false;
    uint32_t tag;
    while (!last) {
      assert_true(nic_source_ready(&b->p.rx));
      unsigned n = nic_source_beat(&b->p.rx, b->p.beat_bytes, beat, &last, &tag);
      assert_true(n > 0 && (last || n == b->p.beat_bytes) && at + n <= lens[i]);
      assert_memory_equal(beat, frame + at, n);
      at += n;
    }
    assert_int_equal(at, lens[i]);
  }
  assert_false(nic_source_ready(&b->p.rx));
}

static void test_nic_port_payload_keeps_its_flow_on_every_beat(void **state)
{
  struct bed *b = *state;
  uint8_t data[150], got[256];
  uint16_t flow = 0;
  memset(data, 0x5a, sizeof data);
  b->o->payload(b->e, 6, data, 0);     // nothing: no packet
  assert_false(nic_source_ready(&b->p.pin));
  b->o->payload(b->e, 6, data, 150);
  b->o->payload(b->e, 4095 % FLOWS, data, 9);
  data[0] = 0;                         // copied before the call returned
  size_t at = 0;
  for (bool last = false; !last;) {
    at += nic_port_payload_beat(&b->p, got + at, &last, &flow);
    assert_int_equal(flow, 6);
  }
  assert_true(at == 150 && got[0] == 0x5a && got[149] == 0x5a);
  assert_int_equal(take_payload(b, got, &flow), 9);
  assert_int_equal(flow, 7);
}

static void feed(struct bed *b, struct recq *q, uint32_t tag, const uint8_t *data, size_t len)
{
  for (size_t at = 0; at < len;) {
    size_t n = len - at < b->p.beat_bytes ? len - at : b->p.beat_bytes;
    nic_port_beat(&b->p, q, tag, data + at, (unsigned)n, at + n == len);
    at += n;
    assert_true(b->p.woken == (at == len));
  }
}

static void test_nic_port_joins_beats_into_records_and_wakes_at_the_last(void **state)
{
  struct bed *b = *state;
  static const size_t lens[] = {1, 8, 9, 63, 64, 65, 1514};
  uint8_t frame[1514];
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = (uint8_t)(i * 11 + 3);
  for (size_t i = 0; i < 7; i++) {
    b->p.woken = false;
    feed(b, &b->p.tx, 0, frame, lens[i]);
  }
  for (size_t i = 0; i < 7; i++) {
    uint32_t tag;
    const uint8_t *data;
    size_t len;
    assert_true(recq_peek(&b->p.tx, &tag, &data, &len));
    assert_int_equal(len, lens[i]);
    assert_memory_equal(data, frame, len);
    recq_pop(&b->p.tx);
  }
  assert_true(recq_empty(&b->p.tx));
}

static void test_nic_port_joins_streams_apart_when_they_interleave(void **state)
{
  struct bed *b = *state;
  uint8_t a[64], c[64];
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  memset(a, 1, sizeof a);
  memset(c, 2, sizeof c);
  unsigned n = b->p.beat_bytes;
  nic_port_beat(&b->p, &b->p.tx, 0, a, n, false);
  nic_port_beat(&b->p, &b->p.slow_out, NIC_SLOW_FRAME, c, n, false);
  nic_port_beat(&b->p, &b->p.tx, 0, a, n, true);
  nic_port_beat(&b->p, &b->p.slow_out, NIC_SLOW_FRAME, c, 1, true);
  assert_true(recq_peek(&b->p.tx, &tag, &data, &len) && len == 2 * n && data[n] == 1);
  assert_true(recq_peek(&b->p.slow_out, &tag, &data, &len) && len == n + 1 && data[n] == 2);
}

// --- out of the NIC -------------------------------------------------------------------------------------------------
static void test_nic_port_fence_lies_behind_the_frames_before_it(void **state)
{
  struct bed *b = *state;
  static const uint32_t want[] = {NIC_SLOW_FRAME, NIC_SLOW_FENCE | NIC_SLOW_OK | 5, NIC_SLOW_FENCE | 7};
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  uint8_t beat[8] = {9};
  nic_port_beat(&b->p, &b->p.slow_out, NIC_SLOW_FRAME, beat, 8, true);
  b->p.woken = false;
  nic_port_fence(&b->p, 5, true);
  assert_true(b->p.woken);
  nic_port_fence(&b->p, 7, false);
  for (size_t i = 0; i < 3; i++) {
    assert_true(recq_peek(&b->p.slow_out, &tag, &data, &len));
    assert_true(tag == want[i] && len == (i ? 0 : 8));
    recq_pop(&b->p.slow_out);
  }
}

static void give_event(struct bed *b, const struct host_event *h)
{
  nic_port_event(&b->p, h);
}

static struct engine_event next_event(struct bed *b)
{
  struct engine_event ev;
  assert_true(b->o->next_event(b->e, &ev));
  return ev;
}

static void test_nic_port_gives_an_events_levels(void **state)
{
  struct bed *b = *state;
  struct engine_event ev;
  assert_false(b->o->next_event(b->e, &ev));
  b->p.woken = false;
  give_event(b, &(struct host_event){.flow = 5, .rx_ready = {77}, .peer_closed = true, .ts_recent = 99, .tx_freed = {88}, .fin_acked = true});
  give_event(b, &(struct host_event){.flow = 2, .rx_reset = true, .timed_out = true});
  assert_true(b->p.woken);
  ev = next_event(b);
  assert_true(ev.flow == 5 && ev.rx_ready.v == 77 && ev.ts_recent == 99 && ev.peer_closed && !ev.reset);
  assert_true(ev.tx_freed.v == 88 && ev.fin_acked && !ev.timed_out && !ev.released);
  ev = next_event(b);
  assert_true(ev.flow == 2 && ev.reset && ev.timed_out && !ev.peer_closed && !ev.fin_acked);
  assert_false(b->o->next_event(b->e, &ev));
}

static void test_nic_port_keeps_the_opens_levels_when_a_flow_is_half_open(void **state)
{
  struct bed *b = *state;
  b->o->open(b->e, &an_open);
  give_event(b, &(struct host_event){.flow = 5, .rx_ready = {0x80000005}, .ts_recent = 4711, .tx_released = true, .tx_freed = {1}, .fin_acked = true});
  struct engine_event ev = next_event(b);
  assert_int_equal(ev.rx_ready.v, 0x80000005);
  assert_int_equal(ev.tx_freed.v, an_open.snd_nxt.v);
  assert_true(!ev.fin_acked && !ev.released);
  give_event(b, &(struct host_event){.flow = 5, .rx_released = true, .rx_ready = {1}, .peer_closed = true, .tx_freed = {0xfffffff8}});
  ev = next_event(b);
  assert_int_equal(ev.rx_ready.v, 0x80000005);
  assert_int_equal(ev.ts_recent, 4711);
  assert_int_equal(ev.tx_freed.v, 0xfffffff8);
  assert_true(!ev.peer_closed && !ev.released);
}

static void test_nic_port_keeps_the_opens_rx_level_when_only_the_send_side_spoke(void **state)
{
  struct bed *b = *state;
  b->o->open(b->e, &an_open);
  give_event(b, &(struct host_event){.flow = 5, .rx_released = true, .rx_ready = {1}, .tx_freed = {0xfffffff8}});
  assert_int_equal(next_event(b).rx_ready.v, an_open.rcv_nxt.v);
}

// ASan's leak check is the judge.
static void test_nic_port_close_frees_every_queue_when_they_are_full(void **state)
{
  struct bed *b = *state;
  struct recq *all[] = {&b->p.rx.q, &b->p.slow_in.q, &b->p.pin.q, &b->p.cmds, &b->p.tx, &b->p.slow_out, &b->p.pout, &b->p.events};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) recq_put(all[i], 0, "x", 1);
}

static void test_nic_port_keeps_the_last_levels_when_a_flow_is_half_released(void **state)
{
  struct bed *b = *state;
  b->o->open(b->e, &an_open);
  give_event(b, &(struct host_event){.flow = 5, .rx_ready = {10}, .peer_closed = true, .rx_reset = true, .tx_freed = {20},
                                     .fin_acked = true, .timed_out = true});
  next_event(b);
  b->o->release(b->e, 5);
  give_event(b, &(struct host_event){.flow = 5, .rx_released = true, .tx_freed = {21}, .fin_acked = true, .timed_out = true});
  struct engine_event ev = next_event(b);
  assert_true(ev.rx_ready.v == 10 && ev.peer_closed && ev.reset && ev.tx_freed.v == 21 && !ev.released);
  give_event(b, &(struct host_event){.flow = 5, .rx_released = true, .tx_released = true});
  ev = next_event(b);
  assert_true(ev.released && ev.rx_ready.v == 10 && ev.peer_closed && ev.reset);
  assert_true(ev.tx_freed.v == 21 && ev.fin_acked && ev.timed_out);
}

static void test_nic_port_forgets_the_levels_when_a_flow_is_opened_again(void **state)
{
  struct bed *b = *state;
  give_event(b, &(struct host_event){.flow = 5, .rx_ready = {10}, .peer_closed = true, .tx_freed = {20}, .fin_acked = true});
  next_event(b);
  b->o->release(b->e, 5);
  give_event(b, &(struct host_event){.flow = 5, .rx_released = true, .tx_released = true});
  assert_true(next_event(b).released);
  b->o->open(b->e, &an_open);
  give_event(b, &(struct host_event){.flow = 5, .rx_ready = an_open.rcv_nxt, .tx_released = true});
  struct engine_event ev = next_event(b);
  assert_true(!ev.peer_closed && !ev.fin_acked && !ev.released && ev.tx_freed.v == an_open.snd_nxt.v);
}

// Events have levels: where both sides are released near to each other, the NIC may say so twice.
static void test_nic_port_tells_once_that_a_flow_is_released(void **state)
{
  struct bed *b = *state;
  const struct host_event both = {.flow = 5, .rx_released = true, .tx_released = true};
  struct engine_event ev;
  b->o->open(b->e, &an_open);
  b->o->release(b->e, 5);
  give_event(b, &both);
  give_event(b, &both);
  give_event(b, &(struct host_event){.flow = 2, .rx_ready = {7}});
  assert_true(next_event(b).released);
  assert_int_equal(next_event(b).flow, 2);
  b->o->open(b->e, &an_open);
  give_event(b, &both);
  assert_false(b->o->next_event(b->e, &ev));
}

static void test_nic_port_lends_payload_until_the_next_call(void **state)
{
  struct bed *b = *state;
  uint8_t one[8], two[8];
  uint16_t flow;
  const uint8_t *data;
  size_t len;
  memset(one, 1, sizeof one);
  memset(two, 2, sizeof two);
  assert_false(b->o->next_payload(b->e, &flow, &data, &len));
  nic_port_beat(&b->p, &b->p.pout, 5, one, 8, false);
  assert_false(b->o->next_payload(b->e, &flow, &data, &len));   // not whole yet
  nic_port_beat(&b->p, &b->p.pout, 5, one, 3, true);
  nic_port_beat(&b->p, &b->p.pout, 6, two, 8, true);
  assert_true(b->o->next_payload(b->e, &flow, &data, &len));
  assert_true(flow == 5 && len == 11 && data[0] == 1 && data[10] == 1);
  assert_true(b->o->next_payload(b->e, &flow, &data, &len));
  assert_true(flow == 6 && len == 8 && data[0] == 2);
  assert_false(b->o->next_payload(b->e, &flow, &data, &len));
  assert_true(recq_empty(&b->p.pout));
  nic_port_beat(&b->p, &b->p.pout, 7, two, 1, true);            // after the end: not popped unseen
  assert_true(b->o->next_payload(b->e, &flow, &data, &len));
  assert_true(flow == 7 && len == 1);
}

static void test_nic_port_tells_what_the_engine_was_built_with(void **state)
{
  struct bed *b = *state;
  assert_true((void *)b->e == (void *)&b->p);
  assert_true(b->e->num_flows == FLOWS && b->e->tx_ring_bytes == TX_RING && b->e->rx_ring_bytes == RX_RING);
}

static const unsigned beat8 = 8, beat64 = 64;
#define TEST(f) {#f, f, set_up, tear_down, NULL}
#define BEAT_TEST(f)                                                \
  {#f " (8 bytes)", f, set_up, tear_down, (void *)(uintptr_t)&beat8}, \
  {#f " (64 bytes)", f, set_up, tear_down, (void *)(uintptr_t)&beat64}

int main(void)
{
  const struct CMUnitTest tests[] = {
    TEST(test_nic_port_packs_an_open_as_the_rtl_reads_it),
    TEST(test_nic_port_release_carries_the_tuple_of_the_open),
    TEST(test_nic_port_keeps_commands_in_order),
    BEAT_TEST(test_nic_port_close_and_release_wait_until_payload_was_taken),
    TEST(test_nic_port_open_abort_and_consume_do_not_wait_for_payload),
    BEAT_TEST(test_nic_port_cuts_records_into_beats_full_but_the_last),
    BEAT_TEST(test_nic_port_payload_keeps_its_flow_on_every_beat),
    BEAT_TEST(test_nic_port_joins_beats_into_records_and_wakes_at_the_last),
    BEAT_TEST(test_nic_port_joins_streams_apart_when_they_interleave),
    TEST(test_nic_port_payload_waits_for_the_fence_of_its_flow),
    TEST(test_nic_port_fence_lies_behind_the_frames_before_it),
    TEST(test_nic_port_gives_an_events_levels),
    TEST(test_nic_port_keeps_the_opens_levels_when_a_flow_is_half_open),
    TEST(test_nic_port_keeps_the_opens_rx_level_when_only_the_send_side_spoke),
    TEST(test_nic_port_close_frees_every_queue_when_they_are_full),
    TEST(test_nic_port_keeps_the_last_levels_when_a_flow_is_half_released),
    TEST(test_nic_port_tells_once_that_a_flow_is_released),
    TEST(test_nic_port_forgets_the_levels_when_a_flow_is_opened_again),
    TEST(test_nic_port_lends_payload_until_the_next_call),
    TEST(test_nic_port_tells_what_the_engine_was_built_with),
  };
  return cmocka_run_group_tests_name("nic_port", tests, NULL, NULL);
}
