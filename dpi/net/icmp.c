// SPDX-License-Identifier: Apache-2.0
#include "net/icmp.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"

const char *icmp_result_text(enum icmp_result r)
{
  switch (r) {
    case ICMP_OK: return "ok";
    case ICMP_SHORT: return "shorter than an ICMP header";
    case ICMP_BAD_CHECKSUM: return "bad ICMP checksum";
    case ICMP_BAD_CODE: return "echo with a code other than 0";
  }
  return "?";
}

enum icmp_result icmp_parse(const uint8_t *p, size_t len, struct icmp_msg *m)
{
  if (len < ICMP_HDR_BYTES) return ICMP_SHORT;
  if (cksum_fold(cksum_add(0, p, len)) != 0) return ICMP_BAD_CHECKSUM;
  if ((p[0] == ICMP_TYPE_ECHO_REQUEST || p[0] == ICMP_TYPE_ECHO_REPLY) && p[1] != 0) return ICMP_BAD_CODE;
  m->type = p[0];
  m->code = p[1];
  m->id = get_be16(p + 4);
  m->seq = get_be16(p + 6);
  m->data = p + ICMP_HDR_BYTES;
  m->data_len = len - ICMP_HDR_BYTES;
  return ICMP_OK;
}

size_t icmp_emit(uint8_t *p, size_t cap, const struct icmp_msg *m)
{
  if (cap < ICMP_HDR_BYTES || m->data_len > cap - ICMP_HDR_BYTES) return 0;
  size_t len = ICMP_HDR_BYTES + m->data_len;
  if (m->data_len) memmove(p + ICMP_HDR_BYTES, m->data, m->data_len);
  p[0] = m->type;
  p[1] = m->code;
  put_be16(p + 2, 0);
  put_be16(p + 4, m->id);
  put_be16(p + 6, m->seq);
  put_be16(p + 2, cksum_fold(cksum_add(0, p, len)));
  return len;
}
