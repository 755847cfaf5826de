// SPDX-License-Identifier: Apache-2.0
// text: what people write is read exactly, everything else is refused and leaves the result alone.
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first
#include <cmocka.h>

#define N(a) (sizeof(a) / sizeof *(a))

static void test_text_parses_good_ipv4(void **state)
{
  (void)state;
  static const struct {
    const char *s;
    uint32_t ip;
  } t[] = {{"0.0.0.0", 0}, {"10.9.0.1", 0x0a090001}, {"255.255.255.255", 0xffffffff}, {"192.168.100.20", 0xc0a86414}};
  for (size_t i = 0; i < N(t); i++) {
    uint32_t ip = 7;
    char out[TEXT_IPV4_LEN];
    assert_true(text_parse_ipv4(t[i].s, &ip));
    assert_int_equal(ip, t[i].ip);
    assert_string_equal(text_format_ipv4(out, ip), t[i].s);
  }
}

static void test_text_refuses_bad_ipv4(void **state)
{
  (void)state;
  static const char *t[] = {"", ".", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "1.2.3.256", "1.2.3.1000", "1..2.3",
                            " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "01.2.3.4", "1.2.3.00", "+1.2.3.4", "-1.2.3.4", "0x1.2.3.4",
                            "a.b.c.d", "1,2,3,4", "1.2.3.4/24", "4294967297.1.1.1"};
  for (size_t i = 0; i < N(t); i++) {
    uint32_t ip = 7;
    assert_false(text_parse_ipv4(t[i], &ip));
    assert_int_equal(ip, 7);
  }
}

static void test_text_parses_good_cidr(void **state)
{
  (void)state;
  uint32_t ip;
  uint8_t len;
  assert_true(text_parse_cidr("10.9.0.1/24", &ip, &len));
  assert_int_equal(ip, 0x0a090001);
  assert_int_equal(len, 24);
  assert_true(text_parse_cidr("0.0.0.0/0", &ip, &len));
  assert_int_equal(len, 0);
  assert_true(text_parse_cidr("1.2.3.4/32", &ip, &len));
  assert_int_equal(len, 32);
}

static void test_text_refuses_bad_cidr(void **state)
{
  (void)state;
  static const char *t[] = {"", "10.9.0.1", "10.9.0.1/", "10.9.0.1/33", "10.9.0.1/024", "10.9.0.1/-1", "10.9.0.1/24 ",
                            "10.9.0.1/24/1", "10.9.0/24", "/24", "10.9.0.1 /24", "10.9.0.1/x"};
  for (size_t i = 0; i < N(t); i++) {
    uint32_t ip = 7;
    uint8_t len = 9;
    assert_false(text_parse_cidr(t[i], &ip, &len));
    assert_int_equal(ip, 7);
    assert_int_equal(len, 9);
  }
}

static void test_text_parses_good_mac(void **state)
{
  (void)state;
  uint8_t mac[6];
  char out[TEXT_MAC_LEN];
  assert_true(text_parse_mac("02:00:5E:10:aF:09", mac));
  static const uint8_t want[6] = {0x02, 0x00, 0x5e, 0x10, 0xaf, 0x09};
  assert_memory_equal(mac, want, 6);
  assert_string_equal(text_format_mac(out, mac), "02:00:5e:10:af:09");
}

static void test_text_refuses_bad_mac(void **state)
{
  (void)state;
  static const char *t[] = {"", "02:00:5e:10:00", "02:00:5e:10:00:1", "02:00:5e:10:00:01:", "02:00:5e:10:00:01:02",
                            "02-00-5e-10-00-01", "02:00:5e:10:00:0g", "0200:5e:10:00:01x", " 2:00:5e:10:00:01", "02:00:5e:10:00:01 "};
  for (size_t i = 0; i < N(t); i++) {
    uint8_t mac[6] = {9, 9, 9, 9, 9, 9};
    static const uint8_t untouched[6] = {9, 9, 9, 9, 9, 9};
    assert_false(text_parse_mac(t[i], mac));
    assert_memory_equal(mac, untouched, 6);
  }
}

static void test_text_parses_uint_inside_range(void **state)
{
  (void)state;
  uint64_t v;
  assert_true(text_parse_uint("1", 1, 65535, &v));
  assert_int_equal(v, 1);
  assert_true(text_parse_uint("65535", 1, 65535, &v));
  assert_int_equal(v, 65535);
  assert_true(text_parse_uint("18446744073709551615", 0, UINT64_MAX, &v));
  assert_int_equal(v, UINT64_MAX);
}

static void test_text_refuses_bad_uint(void **state)
{
  (void)state;
  static const char *t[] = {"", "0", "65536", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "18446744073709551616",
                            "18446744073709551617", "99999999999999999999999"};
  for (size_t i = 0; i < N(t); i++) {
    uint64_t v = 7;
    assert_false(text_parse_uint(t[i], 1, 65535, &v));
    assert_int_equal(v, 7);
  }
  uint64_t v;
  assert_false(text_parse_uint("18446744073709551616", 0, UINT64_MAX, &v));
}

static void test_text_puts_json_that_parses(void **state)
{
  (void)state;
  static const struct {
    const char *s, *json;
  } t[] = {{"", "\"\""}, {"a b~", "\"a b~\""}, {"a \"b\" C:\\d", "\"a \\\"b\\\" C:\\\\d\""}, {"\n\t\177\303\244x", "\"x\""}};
  for (size_t i = 0; i < N(t); i++) {
    char out[64] = "";
    FILE *f = fmemopen(out, sizeof out, "w");
    assert_non_null(f);
    text_put_json(f, t[i].s);
    fclose(f);
    assert_string_equal(out, t[i].json);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_text_parses_good_ipv4),        cmocka_unit_test(test_text_refuses_bad_ipv4),
    cmocka_unit_test(test_text_parses_good_cidr),        cmocka_unit_test(test_text_refuses_bad_cidr),
    cmocka_unit_test(test_text_parses_good_mac),         cmocka_unit_test(test_text_refuses_bad_mac),
    cmocka_unit_test(test_text_parses_uint_inside_range), cmocka_unit_test(test_text_refuses_bad_uint),
    cmocka_unit_test(test_text_puts_json_that_parses),
  };
  return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
