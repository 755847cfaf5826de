// SPDX-License-Identifier: Apache-2.0
#include "sock/neigh.h"

#include <string.h>

#include "sock/icmperr.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

enum { ANNOUNCE_N = 2, ANNOUNCE_GAP_US = 2000000, DEFEND_GAP_US = 10000000 };   // RFC 5227 section 1.1

bool neigh_mac(const struct stack *s, uint32_t dst_ip, uint8_t mac[static 6])
{
  struct route_way w;
  if (!route_find(&s->net, dst_ip, &w)) return false;
  if (!route_is_ours(&s->net, w.hop)) return arp_lookup(s->arp, w.hop, mac, s->now_us);
  memcpy(mac, s->cfg.mac, 6);
  return true;
}

void neigh_send(struct stack *s, uint32_t dst_ip, struct frame *f)
{
  struct route_way w;
  if (neigh_mac(s, dst_ip, f->bytes)) {
    frame_push(&s->out, f);
    return;
  }
  enum arp_parked r = ARP_NOT_PARKED;
  if (route_find(&s->net, dst_ip, &w)) r = arp_park(s->arp, w.hop, f->bytes, f->len, s->now_us);
  if (r == ARP_NOT_PARKED) s->stat[ST_OUT_DROPPED]++;
  if (r == ARP_PARKED_FOR_OLDER) s->stat[ST_ARP_DROPPED]++;
  frame_give(&s->out_pool, f);
  neigh_run(s);   // asks at once
}

void neigh_answered(struct stack *s, uint32_t dst_ip, const uint8_t mac[static 6])
{
  struct route_way w;
  if (!route_find(&s->net, dst_ip, &w)) return;
  arp_learn(s->arp, w.hop, mac, false, s->now_us);
  neigh_run(s);
}

static void send_copy(struct stack *s, const struct arp_due *d)
{
  struct frame *f = frame_take(&s->out_pool);
  if (!f) {
    s->stat[ST_OUT_DROPPED]++;
    return;
  }
  memcpy(f->bytes, d->frame, d->frame_len);
  f->len = d->frame_len;
  frame_push(&s->out, f);
}

// --- our own addresses -------------------------------------------------------------------------------------------------

void neigh_announce(struct stack *s)
{
  if (s->cfg.shared_ip) return;
  s->announce_left = ANNOUNCE_N;
  s->announce_us = s->now_us;
  neigh_run(s);
}

// A host may keep silent when it hears an announcement of its own address, as Linux does: first it is asked for, which it answers.
static void announce_due(struct stack *s)
{
  if (!s->announce_left || s->now_us < s->announce_us) return;
  for (size_t i = 0; i < s->net.n_addrs; i++) {
    if (s->announce_left == ANNOUNCE_N) out_arp_probe(s, s->net.addr[i].ip);
    out_arp_announce(s, s->net.addr[i].ip);
  }
  s->announce_left--;
  s->announce_us = s->now_us + ANNOUNCE_GAP_US;
}

void neigh_conflict(struct stack *s, const struct arp_packet *a)
{
  s->stat[ST_ARP_CONFLICT]++;
  if (s->conflict_us && s->now_us - s->conflict_us < DEFEND_GAP_US) return;
  s->conflict_us = s->now_us;
  s->conflict_ip = a->sender_ip;
  memcpy(s->conflict_mac, a->sender_mac, sizeof s->conflict_mac);
  if (!s->cfg.shared_ip) out_arp_announce(s, a->sender_ip);
}

bool stack_take_conflict(struct stack *s, uint32_t *ip, uint8_t mac[static 6])
{
  *ip = s->conflict_ip;
  memcpy(mac, s->conflict_mac, sizeof s->conflict_mac);
  s->conflict_ip = 0;
  return *ip != 0;
}

// --- what is due -------------------------------------------------------------------------------------------------------

void neigh_run(struct stack *s)
{
  announce_due(s);
  for (struct arp_due d; (d = arp_next(s->arp, s->now_us)).kind != ARP_DUE_NOTHING;) {
    if (d.kind == ARP_DUE_REQUEST) {
      out_arp_request(s, d.ip);
    } else if (d.kind == ARP_DUE_FRAME) {
      send_copy(s, &d);
    } else {
      s->stat[d.kind == ARP_DUE_LOST ? ST_ARP_DROPPED : ST_ARP_NO_ANSWER]++;
      if (d.kind == ARP_DUE_LOST) icmperr_lost(s, d.frame, d.frame_len);
    }
  }
  s->neigh_due_us = arp_next_deadline(s->arp);
  if (s->announce_left && s->announce_us < s->neigh_due_us) s->neigh_due_us = s->announce_us;
}
