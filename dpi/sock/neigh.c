// SPDX-License-Identifier: Apache-2.0
#include "sock/neigh.h"

#include <string.h>

#include "sock/connect.h"
#include "sock/datagram.h"
#include "sock/out.h"
#include "sock/stack_priv.h"

bool neigh_next_hop(const struct stack *s, uint32_t dst_ip, uint32_t *hop_ip)
{
  uint32_t host_bits = s->cfg.prefix_len >= 32 ? 0 : UINT32_MAX >> s->cfg.prefix_len;
  bool on_link = ((dst_ip ^ s->cfg.ip) & ~host_bits) == 0;
  bool edge = (dst_ip & host_bits) == 0 || (dst_ip & host_bits) == host_bits;   // the network's own address, its broadcast
  if (dst_ip >> 24 == 0 || dst_ip >> 24 == 127 || dst_ip >> 28 >= 14) return false;
  if (on_link && host_bits > 1 && edge) return false;   // RFC 3021: on a /31 both are hosts
  *hop_ip = on_link ? dst_ip : s->cfg.gateway;
  return *hop_ip != 0;
}

bool neigh_mac(const struct stack *s, uint32_t dst_ip, uint8_t mac[static 6])
{
  uint32_t hop;
  if (!neigh_next_hop(s, dst_ip, &hop)) return false;
  if (hop != s->cfg.ip) return arp_lookup(s->arp, hop, mac, s->now_us);
  memcpy(mac, s->cfg.mac, 6);
  return true;
}

void neigh_send(struct stack *s, uint32_t dst_ip, struct frame *f)
{
  uint32_t hop;
  if (neigh_mac(s, dst_ip, f->bytes)) {
    frame_push(&s->out, f);
    return;
  }
  bool waits = neigh_next_hop(s, dst_ip, &hop) && arp_park(s->arp, hop, f->bytes, f->len, s->now_us);
  if (!waits) s->stat[ST_OUT_DROPPED]++;
  frame_give(&s->out_pool, f);
  neigh_run(s);   // asks at once
}

void neigh_answered(struct stack *s, uint32_t dst_ip, const uint8_t mac[static 6])
{
  uint32_t hop;
  if (!neigh_next_hop(s, dst_ip, &hop)) return;
  arp_learn(s->arp, hop, mac, false, s->now_us);
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

void neigh_run(struct stack *s)
{
  for (struct arp_due d; (d = arp_next(s->arp, s->now_us)).kind != ARP_DUE_NOTHING;) {
    if (d.kind == ARP_DUE_REQUEST) {
      out_arp_request(s, d.ip);
    } else if (d.kind == ARP_DUE_FRAME) {
      send_copy(s, &d);
    } else {
      s->stat[ST_ARP_NO_ANSWER]++;
      connect_hop_lost(s, d.ip);
      datagram_hop_lost(s, d.ip);
    }
  }
  s->neigh_due_us = arp_next_deadline(s->arp);
}
