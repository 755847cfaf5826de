// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int hex_value(char c)
{
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One to three digits, at most 255, no leading zero. Returns what follows, NULL when there is no such number.
static const char *take_octet(const char *s, uint32_t *v)
{
  uint32_t x = 0;
  int n = 0;
  while (is_digit(s[n]) && n < 4) x = x * 10 + (uint32_t)(s[n++] - '0');
  if (n == 0 || n > 3 || x > 255 || (n > 1 && s[0] == '0')) return NULL;
  *v = x;
  return s + n;
}

// The address at the start of s. Returns what follows it, or NULL.
static const char *take_ipv4(const char *s, uint32_t *ip)
{
  uint32_t all = 0;
  for (int i = 0; i < 4; i++) {
    uint32_t part;
    if (i > 0 && *s++ != '.') return NULL;
    s = take_octet(s, &part);
    if (!s) return NULL;
    all = (all << 8) | part;
  }
  *ip = all;
  return s;
}

bool text_parse_ipv4(const char *s, uint32_t *ip)
{
  uint32_t v;
  const char *rest = take_ipv4(s, &v);
  if (!rest || *rest) return false;
  *ip = v;
  return true;
}

bool text_parse_cidr(const char *s, uint32_t *ip, uint8_t *prefix_len)
{
  uint32_t v, len;
  const char *rest = take_ipv4(s, &v);
  if (!rest || *rest != '/') return false;
  rest = take_octet(rest + 1, &len);
  if (!rest || *rest || len > 32) return false;
  *ip = v;
  *prefix_len = (uint8_t)len;
  return true;
}

bool text_parse_mac(const char *s, uint8_t mac[static 6])
{
  uint8_t v[6];
  if (strlen(s) != TEXT_MAC_LEN - 1) return false;
  for (int i = 0; i < 6; i++, s += 3) {
    int hi = hex_value(s[0]), lo = hex_value(s[1]);
    if (hi < 0 || lo < 0 || s[2] != (i < 5 ? ':' : '\0')) return false;
    v[i] = (uint8_t)(hi << 4 | lo);
  }
  memcpy(mac, v, sizeof v);
  return true;
}

bool text_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *v)
{
  uint64_t x = 0;
  if (!*s) return false;
  for (; *s; s++) {
    if (!is_digit(*s)) return false;
    uint64_t d = (uint64_t)(*s - '0');
    if (x > (UINT64_MAX - d) / 10) return false;
    x = x * 10 + d;
  }
  if (x < min || x > max) return false;
  *v = x;
  return true;
}

const char *text_format_ipv4(char out[static TEXT_IPV4_LEN], uint32_t ip)
{
  snprintf(out, TEXT_IPV4_LEN, "%u.%u.%u.%u", ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255, ip & 255);
  return out;
}

const char *text_format_mac(char out[static TEXT_MAC_LEN], const uint8_t mac[static 6])
{
  snprintf(out, TEXT_MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return out;
}

void text_put_json(FILE *out, const char *s)
{
  fputc('"', out);
  for (; *s; s++) {
    if (*s < ' ' || *s > '~') continue;
    if (*s == '"' || *s == '\\') fputc('\\', out);
    fputc(*s, out);
  }
  fputc('"', out);
}
