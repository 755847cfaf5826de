// SPDX-License-Identifier: Apache-2.0
#include "sock/cookie.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "tcp/core/core.h"

enum { TICK_US = 64000000, TICKS = 32, MAC_BITS = 24, MSS_N = 8 };
enum { TS_BITS = 5, TS_SACK = 16, TS_WSCALE = 15 };

// What peers announce: by PPPoE, tunnels, Ethernet, jumbo frames; the smallest is the least we use (handshake.c).
static const uint16_t mss_table[MSS_N] = {48, 216, 536, 1024, 1220, 1400, 1460, 8960};

static uint32_t hash(const uint8_t key[static 16], const struct tuple *t, uint32_t irs, uint32_t word, uint8_t use)
{
  uint8_t in[21];
  put_be32(in, t->local_ip);
  put_be32(in + 4, t->remote_ip);
  put_be16(in + 8, t->local_port);
  put_be16(in + 10, t->remote_port);
  put_be32(in + 12, irs);
  put_be32(in + 16, word);
  in[20] = use;
  return (uint32_t)siphash24(key, in, sizeof in);
}

// `head`: minutes and MSS.
static uint32_t with_mac(const uint8_t key[static 16], const struct tuple *t, struct seq irs, uint32_t head)
{
  return head << MAC_BITS | (hash(key, t, irs.v, head, 1) & ((1u << MAC_BITS) - 1));
}

static uint32_t now_ticks(uint64_t now_us) { return (uint32_t)(now_us / TICK_US % TICKS); }

struct seq cookie_make(const uint8_t key[static 16], const struct tuple *t, struct seq irs, uint16_t mss, uint64_t now_us)
{
  uint32_t index = MSS_N - 1;
  while (index > 0 && mss_table[index] > mss) index--;
  uint32_t said = with_mac(key, t, irs, now_ticks(now_us) * MSS_N + index);
  return seq_of(irs.v + hash(key, t, 0, 0, 0) + said);
}

bool cookie_check(const uint8_t key[static 16], const struct tuple *t, struct seq irs, struct seq iss, uint64_t now_us,
                  uint16_t *mss)
{
  uint32_t said = iss.v - irs.v - hash(key, t, 0, 0, 0), head = said >> MAC_BITS;
  uint32_t age = (now_ticks(now_us) - head / MSS_N) % TICKS;
  if (said != with_mac(key, t, irs, head) || age >= COOKIE_LIFE_US / TICK_US) return false;
  *mss = mss_table[head % MSS_N];
  return true;
}

uint32_t cookie_tsval(const struct segment_options *syn, uint64_t now_us)
{
  uint32_t wscale = syn->has_wscale ? syn->wscale < TCP_WSCALE_MAX ? syn->wscale : TCP_WSCALE_MAX : TS_WSCALE;
  uint32_t said = (syn->sack_permitted ? TS_SACK : 0) | wscale;
  uint32_t now = core_tsval(now_us), ts = (now >> TS_BITS << TS_BITS) | said;
  return (int32_t)(ts - now) > 0 ? ts - (1u << TS_BITS) : ts;
}

void cookie_recall(uint32_t tsecr, struct segment_options *syn)
{
  uint32_t wscale = tsecr & TS_WSCALE;
  syn->sack_permitted = tsecr & TS_SACK;
  syn->has_wscale = wscale != TS_WSCALE;
  syn->wscale = syn->has_wscale ? (uint8_t)wscale : 0;
}
