// SPDX-License-Identifier: Apache-2.0
// What the files of this room share and nobody else sees: the stack itself, and a TCP segment on its way in.
#ifndef LW_STACK_PRIV_H
#define LW_STACK_PRIV_H
#include "base/rng.h"
#include "net/arp.h"
#include "net/pmtu.h"
#include "net/reass.h"
#include "net/route.h"
#include "sock/conn.h"
#include "base/frames.h"
#include "sock/socks.h"
#include "sock/stack.h"
#include "sock/timewait.h"
#include "tcp/isn.h"
#include "tcp/segment.h"

struct stack {
  struct stack_config cfg;
  struct engine *engine;      // borrowed
  uint64_t now_us;            // the latest time told: socket calls carry none
  struct rng rng;
  struct isn isn;
  struct route_table net;     // our addresses, and the ways out
  struct arp_table *arp;
  uint64_t neigh_due_us;      // when neigh_run has something to do
  unsigned announce_left;     // announcements of our addresses to be sent, the next at announce_us
  uint64_t announce_us;
  uint64_t conflict_us;       // when an address was last defended
  uint32_t conflict_ip;       // to be told to the owner; 0: none
  uint8_t conflict_mac[6];
  struct reass *reass;
  uint64_t input_due_us;      // when input_run has something to do
  struct pmtu_table *pmtu;
  uint64_t icmp_errors_us;    // since then, for a second, icmp_errors_n were to be sent
  unsigned icmp_errors_n;
  uint8_t port_key[16];       // RFC 6056: hides which port comes next
  uint16_t port_step;
  uint8_t cookie_key[16];     // cookie.h
  uint8_t id_key[16];         // hides which IP identification comes next
  uint16_t ip_id;
  uint8_t packet[UINT16_MAX - IPV4_HDR_BYTES];   // an IP payload on its way out
  struct conn_table conns;
  struct tw_table tw;
  struct socks socks;
  struct frame_pool hold_pool, out_pool;
  struct frame_list out;      // to be sent
  uint64_t stat[ST_N];
};

// A TCP segment that was addressed to us and is whole, with the frame that it came in.
struct arrival {
  const uint8_t *frame;
  size_t ip_header_len;       // 20 without options
  size_t ip_len;              // IP header and payload
  bool remade;                // put together from fragments
  struct tuple tuple;
  struct segment seg;
};

static inline const uint8_t *arrival_mac(const struct arrival *a) { return a->frame + 6; }
#endif
