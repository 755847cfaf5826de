// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "tcp/segment.h"

enum { SRC = 0x0a090002, DST = 0x0a090001 };

// A Linux SYN (MSS 1460, SACK permitted, timestamps 1/2, window scale 7, sequence number 2^32 - 2), put together and
// checksummed by a Python script that shares nothing with our code.
static const uint8_t linux_syn[40] = {
  0xd4, 0x31, 0x00, 0x07, 0xff, 0xff, 0xff, 0xfe, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x64, 0xc0, 0x00, 0x00,
  0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, 0x01, 0x03, 0x03, 0x07,
};

// Parses a copy of exactly len bytes, so that ASan sees any read beyond them. The payload pointer is not followed.
static enum segment_result parse_exact(struct segment *s, const uint8_t *p, size_t len)
{
  uint8_t *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  memcpy(copy, p, len);
  enum segment_result r = segment_parse(s, SRC, DST, copy, len);
  free(copy);
  return r;
}

// A segment with these option bytes (a multiple of 4) and a right checksum.
static size_t with_options(uint8_t out[60], const uint8_t *opt, size_t opt_len)
{
  const struct segment s = {.src_port = 1, .dst_port = 2, .flags = TCP_ACK};
  assert_int_equal(segment_emit(&s, SRC, DST, out, 60), 20);
  memcpy(out + 20, opt, opt_len);
  size_t len = 20 + opt_len;
  out[12] = (uint8_t)(len / 4 << 4);
  put_be16(out + 16, 0);
  uint8_t pseudo[12] = {0};
  put_be32(pseudo, SRC);
  put_be32(pseudo + 4, DST);
  pseudo[9] = 6;
  put_be16(pseudo + 10, (uint16_t)len);
  put_be16(out + 16, cksum_fold(cksum_add(cksum_add(0, pseudo, 12), out, len)));
  return len;
}

static struct segment_options parse_options_of(const uint8_t *opt, size_t opt_len)
{
  uint8_t bytes[60];
  struct segment s;
  assert_int_equal(parse_exact(&s, bytes, with_options(bytes, opt, opt_len)), SEGMENT_OK);
  return s.opt;
}

static void assert_options_equal(const struct segment_options *a, const struct segment_options *b)
{
  assert_int_equal(a->has_mss, b->has_mss);
  assert_int_equal(a->has_wscale, b->has_wscale);
  assert_int_equal(a->has_timestamps, b->has_timestamps);
  assert_int_equal(a->sack_permitted, b->sack_permitted);
  assert_int_equal(a->mss, b->mss);
  assert_int_equal(a->wscale, b->wscale);
  assert_int_equal(a->tsval, b->tsval);
  assert_int_equal(a->tsecr, b->tsecr);
}

static void test_parse_reads_every_field_of_a_linux_syn(void **state)
{
  (void)state;
  struct segment s;
  assert_int_equal(parse_exact(&s, linux_syn, sizeof linux_syn), SEGMENT_OK);
  assert_int_equal(s.src_port, 54321);
  assert_int_equal(s.dst_port, 7);
  assert_int_equal(s.seq.v, 0xfffffffe);
  assert_int_equal(s.ack.v, 0);
  assert_int_equal(s.flags, TCP_SYN);
  assert_int_equal(s.window, 64240);
  assert_int_equal(s.payload_len, 0);
  assert_int_equal(segment_seq_len(&s), 1);
  assert_true(s.opt.has_mss && s.opt.has_wscale && s.opt.has_timestamps && s.opt.sack_permitted);
  assert_int_equal(s.opt.mss, 1460);
  assert_int_equal(s.opt.wscale, 7);
  assert_int_equal(s.opt.tsval, 1);
  assert_int_equal(s.opt.tsecr, 2);
}

static void test_emit_writes_the_bytes_of_the_linux_syn(void **state)
{
  (void)state;
  const struct segment s = {
    .src_port = 54321, .dst_port = 7, .seq = {0xfffffffe}, .flags = TCP_SYN, .window = 64240,
    .opt = {true, true, true, true, 1460, 7, 1, 2},
  };
  uint8_t out[40];
  assert_int_equal(segment_emit(&s, SRC, DST, out, sizeof out), sizeof linux_syn);
  assert_memory_equal(out, linux_syn, sizeof linux_syn);
}

static void test_emit_keeps_linux_order_of_options_when_one_is_missing(void **state)
{
  (void)state;
  const struct { struct segment_options o; size_t len; uint8_t bytes[20]; } rows[] = {
    {{.has_mss = true, .mss = 1460}, 4, {2, 4, 5, 0xb4}},
    {{.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true}, 12,
     {2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7}},
    {{.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7, .has_timestamps = true, .tsval = 1}, 20,
     {2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct segment s = {.flags = TCP_SYN, .opt = rows[i].o};
    uint8_t out[TCP_HEADER_MAX];
    assert_int_equal(segment_emit(&s, SRC, DST, out, sizeof out), TCP_HEADER_MIN + rows[i].len);
    assert_memory_equal(out + TCP_HEADER_MIN, rows[i].bytes, rows[i].len);
  }
}

static void test_parse_rejects_when_cut_at_any_length(void **state)
{
  (void)state;
  for (size_t len = 0; len < sizeof linux_syn; len++) {
    struct segment s;
    enum segment_result want = len < 20 ? SEGMENT_TRUNCATED : SEGMENT_BAD_OFFSET;
    assert_int_equal(parse_exact(&s, linux_syn, len), want);
  }
}

static void test_parse_rejects_when_any_bit_is_wrong(void **state)
{
  (void)state;
  for (size_t bit = 0; bit < 8 * sizeof linux_syn; bit++) {
    uint8_t bytes[sizeof linux_syn];
    struct segment s;
    memcpy(bytes, linux_syn, sizeof bytes);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_not_equal(parse_exact(&s, bytes, sizeof bytes), SEGMENT_OK);
  }
  struct segment s;
  assert_int_equal(segment_parse(&s, SRC ^ 1, DST, linux_syn, sizeof linux_syn), SEGMENT_BAD_CHECKSUM);
  assert_int_equal(segment_parse(&s, SRC, DST ^ 1, linux_syn, sizeof linux_syn), SEGMENT_BAD_CHECKSUM);
}

static void test_parse_rejects_when_offset_is_below_5(void **state)
{
  (void)state;
  uint8_t bytes[sizeof linux_syn];
  memcpy(bytes, linux_syn, sizeof bytes);
  for (unsigned offset = 0; offset < 5; offset++) {
    struct segment s;
    bytes[12] = (uint8_t)(offset << 4);
    assert_int_equal(parse_exact(&s, bytes, sizeof bytes), SEGMENT_BAD_OFFSET);
  }
}

static void test_emit_and_parse_agree_for_every_option_set_and_payload_length(void **state)
{
  (void)state;
  const uint8_t data[9] = "payload!";
  for (unsigned set = 0; set < 16; set++) {
    for (size_t n = 0; n <= sizeof data; n++) {
      struct segment s = {.src_port = 80, .dst_port = 40000, .seq = {0xfffffffc}, .ack = {0x7fffffff},
                          .flags = TCP_ACK | TCP_PSH | TCP_FIN, .window = 1, .urgent = 3, .payload = data, .payload_len = n};
      s.opt = (struct segment_options){set & 1, set & 2, set & 4, set & 8, set & 1 ? 536 : 0, set & 2 ? 14 : 0,
                                       set & 4 ? 0xdeadbeef : 0, set & 4 ? 0x01020304 : 0, 0, {{{0}, {0}}}};
      uint8_t out[80];
      struct segment back;
      size_t len = segment_emit(&s, SRC, DST, out, sizeof out);
      assert_int_equal(len % 4, n % 4);
      assert_int_equal(segment_parse(&back, SRC, DST, out, len), SEGMENT_OK);
      assert_int_equal(back.seq.v, s.seq.v);
      assert_int_equal(back.ack.v, s.ack.v);
      assert_int_equal(back.flags, s.flags);
      assert_int_equal(back.window, s.window);
      assert_int_equal(back.urgent, s.urgent);
      assert_int_equal(back.payload_len, n);
      if (n > 0) assert_memory_equal(back.payload, data, n);
      assert_options_equal(&back.opt, &s.opt);
      assert_int_equal(segment_seq_len(&back), n + 1);
    }
  }
}

static void test_emit_refuses_when_cap_is_too_small(void **state)
{
  (void)state;
  const uint8_t data[4] = {1, 2, 3, 4};
  const struct segment s = {.flags = TCP_SYN, .opt = {.has_mss = true, .mss = 1460}, .payload = data, .payload_len = 4};
  for (size_t cap = 0; cap < 28; cap++) {
    uint8_t *out = malloc(cap ? cap : 1);
    assert_non_null(out);
    assert_int_equal(segment_emit(&s, SRC, DST, out, cap), 0);
    free(out);
  }
}

static void test_options_unknown_kind_is_skipped_by_its_length(void **state)
{
  (void)state;
  const uint8_t opt[] = {253, 6, 2, 4, 9, 9, 2, 4, 0x05, 0xb4, 0, 0};
  struct segment_options o = parse_options_of(opt, sizeof opt);
  assert_true(o.has_mss);
  assert_int_equal(o.mss, 1460);
}

static void test_options_known_kind_of_wrong_length_is_skipped(void **state)
{
  (void)state;
  const uint8_t opt[] = {2, 3, 5, 3, 4, 7, 0, 4, 3, 1, 8, 3, 1, 3, 3, 5};
  struct segment_options o = parse_options_of(opt, sizeof opt);
  assert_false(o.has_mss || o.sack_permitted || o.has_timestamps);
  assert_int_equal(o.wscale, 5);
}

static void test_options_nothing_counts_after_end_of_list(void **state)
{
  (void)state;
  const uint8_t opt[] = {1, 3, 3, 2, 0, 2, 4, 5};
  struct segment_options o = parse_options_of(opt, sizeof opt);
  assert_true(o.has_wscale);
  assert_false(o.has_mss);
}

static void test_options_illegal_length_ends_parsing(void **state)
{
  (void)state;
  for (unsigned bad = 0; bad < 256; bad++) {
    if (bad >= 2 && bad <= 5) continue;   // legal here: 5 bytes are left from the bad option on
    const uint8_t opt[] = {3, 3, 9, 2, (uint8_t)bad, 5, 4, 2};
    struct segment_options o = parse_options_of(opt, sizeof opt);
    assert_true(o.has_wscale);
    assert_false(o.has_mss || o.sack_permitted);
  }
}

static void test_options_every_cut_of_a_long_option_stays_inside(void **state)
{
  (void)state;
  const uint8_t opt[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  for (size_t n = 4; n <= 12; n += 4) {
    struct segment_options o = parse_options_of(opt, n);
    assert_int_equal(o.has_timestamps, n == 12);
  }
  const uint8_t kind_only[4] = {1, 1, 1, 2};
  assert_false(parse_options_of(kind_only, 4).has_mss);
}

static void test_result_text_names_every_result(void **state)
{
  (void)state;
  assert_string_equal(segment_result_text(SEGMENT_OK), "ok");
  for (int r = SEGMENT_OK; r <= SEGMENT_BAD_CHECKSUM; r++) assert_true(strlen(segment_result_text((enum segment_result)r)) > 1);
  assert_string_equal(segment_result_text((enum segment_result)99), "unknown result");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parse_reads_every_field_of_a_linux_syn),
    cmocka_unit_test(test_emit_writes_the_bytes_of_the_linux_syn),
    cmocka_unit_test(test_emit_keeps_linux_order_of_options_when_one_is_missing),
    cmocka_unit_test(test_parse_rejects_when_cut_at_any_length),
    cmocka_unit_test(test_parse_rejects_when_any_bit_is_wrong),
    cmocka_unit_test(test_parse_rejects_when_offset_is_below_5),
    cmocka_unit_test(test_emit_and_parse_agree_for_every_option_set_and_payload_length),
    cmocka_unit_test(test_emit_refuses_when_cap_is_too_small),
    cmocka_unit_test(test_options_unknown_kind_is_skipped_by_its_length),
    cmocka_unit_test(test_options_known_kind_of_wrong_length_is_skipped),
    cmocka_unit_test(test_options_nothing_counts_after_end_of_list),
    cmocka_unit_test(test_options_illegal_length_ends_parsing),
    cmocka_unit_test(test_options_every_cut_of_a_long_option_stays_inside),
    cmocka_unit_test(test_result_text_names_every_result),
  };
  return cmocka_run_group_tests_name("tcp/segment", tests, NULL, NULL);
}
