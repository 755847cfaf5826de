// SPDX-License-Identifier: Apache-2.0
// Addresses and numbers as people write them. Parsers take the whole string and nothing but it: no blanks, no signs, no
// trailing characters, and no leading zero in an IPv4 part (some readers take it as octal). On false the result is
// untouched. Addresses are in host order.
#ifndef LW_TEXT_H
#define LW_TEXT_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_IPV4_LEN = 16, TEXT_MAC_LEN = 18 };  // buffer sizes, with the final NUL

bool text_parse_ipv4(const char *s, uint32_t *ip);                        // "10.9.0.1"
bool text_parse_cidr(const char *s, uint32_t *ip, uint8_t *prefix_len);   // "10.9.0.1/24"; the length is required, 0..32
bool text_parse_mac(const char *s, uint8_t mac[static 6]);                // "02:00:5e:10:00:01", two hex digits each
bool text_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *v);  // decimal, min <= v <= max

// Both return out.
const char *text_format_ipv4(char out[static TEXT_IPV4_LEN], uint32_t ip);
const char *text_format_mac(char out[static TEXT_MAC_LEN], const uint8_t mac[static 6]);

// As a JSON string, quotes included. What is not printable ASCII is left out.
void text_put_json(FILE *out, const char *s);
#endif
