// SPDX-License-Identifier: Apache-2.0
// nic_layout.h (made by scripts/gen_layout.py): every struct packs back to the bits it was unpacked from, and a few
// fields stand where rtl/nic_types.svh puts them, bit positions counted by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants these first
#include <cmocka.h>

#include "base/rng.h"

#include "nic_layout.h"

enum { WORDS = 48, ROUNDS = 200 };

static void scramble(struct rng *r, uint32_t v[WORDS])
{
  for (int i = 0; i < WORDS; i++) v[i] = (uint32_t)rng_next(r);
}

// Packing over other bits must give the struct's bits and leave those above it.
static void assert_bits(const char *name, const uint32_t *in, const uint32_t *under, const uint32_t *out, unsigned bits)
{
  for (unsigned i = 0; i < WORDS * 32; i++) {
    const uint32_t *want = i < bits ? in : under;
    if ((want[i / 32] ^ out[i / 32]) >> (i % 32) & 1) fail_msg("%s: bit %u of %u", name, i, bits);
  }
}

#define ROUND_TRIP(name, BITS)                            \
  for (int round = 0; round < ROUNDS; round++) {          \
    uint32_t in[WORDS], under[WORDS], out[WORDS];         \
    struct name s;                                        \
    scramble(&r, in);                                     \
    scramble(&r, under);                                  \
    memcpy(out, under, sizeof out);                       \
    name##_unpack(&s, in);                                \
    name##_pack(&s, out);                                 \
    assert_bits(#name, in, under, out, BITS);             \
  }

static void test_layout_packs_every_struct_back_to_its_bits(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 5);
  ROUND_TRIP(host_cmd, NIC_HOST_CMD_W)
  ROUND_TRIP(host_event, NIC_HOST_EVENT_W)
  ROUND_TRIP(rx_status, NIC_RX_STATUS_W)
  ROUND_TRIP(tx_status, NIC_TX_STATUS_W)
  ROUND_TRIP(rcv_ctx, NIC_RCV_CTX_W)
  ROUND_TRIP(snd_ctx, NIC_SND_CTX_W)
  ROUND_TRIP(snd_mirror, NIC_SND_MIRROR_W)
  ROUND_TRIP(rcv_mirror, NIC_RCV_MIRROR_W)
  ROUND_TRIP(sent_mirror, NIC_SENT_MIRROR_W)
  ROUND_TRIP(rx_desc, NIC_RX_DESC_W)
  ROUND_TRIP(rx_verdict, NIC_RX_VERDICT_W)
  ROUND_TRIP(dd_segment, NIC_DD_SEGMENT_W)
  ROUND_TRIP(dd_in, NIC_DD_IN_W)
  ROUND_TRIP(dsack, NIC_DSACK_W)
  ROUND_TRIP(tx_desc, NIC_TX_DESC_W)
  ROUND_TRIP(tx_hdr, NIC_TX_HDR_W)
}

static uint64_t field(const uint32_t *v, unsigned hi, unsigned lo)
{
  uint64_t x = 0;
  for (unsigned i = hi + 1; i-- > lo;) x = x << 1 | (v[i / 32] >> (i % 32) & 1);
  return x;
}

static void test_layout_bits_are_read_and_written_at_every_place_and_width(void **state)
{
  (void)state;
  struct rng r;
  rng_seed(&r, 6);
  for (unsigned width = 1; width <= 64; width++)
    for (unsigned low = 0; low < 40; low++) {
      uint32_t v[WORDS], w[WORDS];
      scramble(&r, v);
      assert_int_equal(lw_bits_get(v, low, width), field(v, low + width - 1, low));
      uint64_t x = rng_next(&r);   // more bits than there is room for: the rest is cut
      memcpy(w, v, sizeof w);
      lw_bits_put(w, low, width, x);
      for (unsigned i = 0; i < 128; i++) {
        uint64_t want = i >= low && i < low + width ? x >> (i - low) & 1 : field(v, i, i);
        if (field(w, i, i) != want) fail_msg("bit %u, width %u at %u", i, width, low);
      }
    }
}

// A field by hand: the first member is highest; `skip` counts the bits of the members before it, so that members added
// behind do not move it.
#define TOP(BITS, skip, width) field(v, (BITS) - (skip) - 1, (BITS) - (skip) - (width))

static void test_layout_host_event_stands_where_the_rtl_puts_it(void **state)
{
  (void)state;
  uint32_t v[HOST_EVENT_WORDS] = {0};
  struct host_event e = {.flow = 0xabc, .rx_ready = {0x12345678}, .rx_reset = true, .ts_recent = 0x0f1e2d3c, .tx_freed = {0x9abcdef0},
                         .fin_acked = true};
  host_event_pack(&e, v);
  assert_int_equal(field(v, 113, 102), 0xabc);
  assert_int_equal(field(v, 101, 70), 0x12345678);
  assert_int_equal(field(v, 69, 68), 1);   // peer_closed, rx_reset
  assert_int_equal(field(v, 67, 36), 0x0f1e2d3c);
  assert_int_equal(field(v, 35, 35), 0);   // rx_released
  assert_int_equal(field(v, 34, 3), 0x9abcdef0);
  assert_int_equal(field(v, 2, 0), 4);     // fin_acked, timed_out, tx_released
}

static void test_layout_rcv_ctx_stands_where_the_rtl_puts_it(void **state)
{
  (void)state;
  uint32_t v[RCV_CTX_WORDS] = {0};
  struct rcv_ctx c = {.open = true, .nxt = {0xdeadbeef}, .wnd_end = {0x01020304}, .wnd_fwd = 0x99887766, .mss = 0x5678,
                      .snd_wscale = 0xe, .sack_ok = true, .ooo0_start = {0x80000001}, .delack_us = 0x1122334455667788};
  rcv_ctx_pack(&c, v);
  assert_int_equal(TOP(RCV_CTX_BITS, 0, 2), 2);            // open, fin_done
  assert_int_equal(TOP(RCV_CTX_BITS, 2, 32), 0xdeadbeef);
  assert_int_equal(TOP(RCV_CTX_BITS, 34, 32), 0x01020304);
  assert_int_equal(TOP(RCV_CTX_BITS, 130, 32), 0x99887766);
  assert_int_equal(TOP(RCV_CTX_BITS, 162, 16), 0x5678);
  assert_int_equal(TOP(RCV_CTX_BITS, 178, 4), 0xe);
  assert_int_equal(TOP(RCV_CTX_BITS, 186, 3), 2);          // ts_ok, sack_ok, fin_vld
  assert_int_equal(TOP(RCV_CTX_BITS, 224, 32), 0x80000001);
  assert_int_equal(TOP(RCV_CTX_BITS, 545, 64), 0x1122334455667788);
}

static void test_layout_snd_ctx_stands_where_the_rtl_puts_it(void **state)
{
  (void)state;
  uint32_t v[SND_CTX_WORDS] = {0};
  struct snd_ctx c = {.open = true, .gave_up = true, .una = {0xcafef00d}, .mss = 0x0578, .cwnd = 0x4000, .rto_vld = true,
                      .rto_at_us = 0x8877665544332211, .rto_us = 200000, .backoff = 9, .retries = 12};
  snd_ctx_pack(&c, v);
  assert_int_equal(TOP(SND_CTX_BITS, 0, 4), 0xa);          // open, probe, gave_up, told_flags
  assert_int_equal(TOP(SND_CTX_BITS, 4, 32), 0xcafef00d);
  assert_int_equal(TOP(SND_CTX_BITS, 196, 16), 0x0578);
  assert_int_equal(TOP(SND_CTX_BITS, 212, 32), 0x4000);
  assert_int_equal(TOP(SND_CTX_BITS, 276, 1), 1);
  assert_int_equal(TOP(SND_CTX_BITS, 277, 64), 0x8877665544332211);
  assert_int_equal(TOP(SND_CTX_BITS, 341, 32), 200000);
  assert_int_equal(TOP(SND_CTX_BITS, 373, 4), 9);
  assert_int_equal(TOP(SND_CTX_BITS, 377, 4), 12);
}

static void test_layout_descriptors_stand_where_the_rtl_puts_them(void **state)
{
  (void)state;
  uint32_t v[RX_DESC_WORDS] = {0};
  struct dd_in d = {.kind = DD_RELEASE, .flow = 0x123, .ack = {0xaabbccdd}, .wnd = 0x11223344, .wnd_vld = true};
  dd_in_pack(&d, v);
  assert_true(TOP(DD_IN_BITS, 0, 2) == DD_RELEASE && TOP(DD_IN_BITS, 2, 12) == 0x123);
  assert_true(TOP(DD_IN_BITS, 14, 32) == 0xaabbccdd && TOP(DD_IN_BITS, 46, 32) == 0x11223344);
  assert_int_equal(TOP(DD_IN_BITS, 78, 2), 2);             // wnd_vld, no_data
  struct tx_desc t = {.kind = TX_RELEASE, .flow = 0xfed, .seq = {0x80000001}, .len = 0x2345, .psh = true, .una = {0x7fffffff}};
  memset(v, 0, sizeof v);
  tx_desc_pack(&t, v);
  assert_true(TOP(TX_DESC_BITS, 0, 3) == TX_RELEASE && TOP(TX_DESC_BITS, 3, 12) == 0xfed);
  assert_true(TOP(TX_DESC_BITS, 15, 32) == 0x80000001 && TOP(TX_DESC_BITS, 47, 14) == 0x2345);
  assert_true(TOP(TX_DESC_BITS, 61, 5) == 0x8 && TOP(TX_DESC_BITS, 66, 32) == 0x7fffffff);
  struct rx_desc r = {.class_id = RX_DROP_FIFO_FULL, .frame_len = 0x2abc, .wnd = 0xabcd, .flags = 0x11, .pay_len = 0x1fff,
                      .pay_off = 54};
  memset(v, 0, sizeof v);
  rx_desc_pack(&r, v);
  assert_true(TOP(RX_DESC_BITS, 0, 5) == RX_DROP_FIFO_FULL && TOP(RX_DESC_BITS, 16, 14) == 0x2abc);
  assert_true(TOP(RX_DESC_BITS, 190, 16) == 0xabcd && TOP(RX_DESC_BITS, 206, 5) == 0x11);
  assert_true(TOP(RX_DESC_BITS, 211, 14) == 0x1fff && TOP(RX_DESC_BITS, 225, 7) == 54);
}

static void test_layout_constants_are_those_of_nic_pkg(void **state)
{
  (void)state;
  assert_true(NIC_FLAG_FIN == 0 && NIC_FLAG_SYN == 1 && NIC_FLAG_RST == 2 && NIC_FLAG_PSH == 3 && NIC_FLAG_ACK == 4);
  assert_true(CMD_OPEN == 1 && CMD_CONSUME == 5 && RCV_TOKEN == 12 && DD_RELEASE == 2 && TX_RELEASE == 5);
  assert_int_equal(HOST_CMD_BITS, NIC_HOST_CMD_W);
  assert_int_equal(RCV_CTX_BITS, NIC_RCV_CTX_W);
  assert_int_equal(SND_CTX_BITS, NIC_SND_CTX_W);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_layout_packs_every_struct_back_to_its_bits),
    cmocka_unit_test(test_layout_bits_are_read_and_written_at_every_place_and_width),
    cmocka_unit_test(test_layout_host_event_stands_where_the_rtl_puts_it),
    cmocka_unit_test(test_layout_rcv_ctx_stands_where_the_rtl_puts_it),
    cmocka_unit_test(test_layout_snd_ctx_stands_where_the_rtl_puts_it),
    cmocka_unit_test(test_layout_descriptors_stand_where_the_rtl_puts_them),
    cmocka_unit_test(test_layout_constants_are_those_of_nic_pkg),
  };
  return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
