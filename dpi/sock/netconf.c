// SPDX-License-Identifier: Apache-2.0
#include "sock/netconf.h"

#include <errno.h>
#include <string.h>

#include "sock/flow.h"
#include "sock/handshake.h"
#include "sock/neigh.h"
#include "sock/stack_priv.h"

struct netconf_link netconf_link(const struct stack *s)
{
  struct netconf_link l = {.mtu = s->cfg.mtu, .shared_ip = s->cfg.shared_ip};
  memcpy(l.mac, s->cfg.mac, sizeof l.mac);
  return l;
}

bool netconf_addr(const struct stack *s, size_t i, struct route_addr *a)
{
  if (i >= s->net.n_addrs) return false;
  *a = s->net.addr[i];
  return true;
}

int netconf_addr_add(struct stack *s, struct route_addr a)
{
  int err = s->cfg.shared_ip ? -EPERM : route_addr_add(&s->net, a);
  if (!err) neigh_announce(s);
  return err;
}

static void end_connections(struct stack *s, uint32_t ip)
{
  for (size_t i = 0; i < s->conns.n; i++) {
    struct conn *c = &s->conns.conns[i];
    if (c->node.tuple.local_ip != ip) continue;
    if (c->state == CONN_SYN_SENT || c->state == CONN_SYN_RCVD) {
      handshake_drop(s, c, ECONNABORTED);
    } else if (flow_carried(c)) {
      if (c->sock) socks_ended(s, c->sock, ECONNABORTED);
      flow_abort(s, c);
    }
  }
}

int netconf_addr_del(struct stack *s, uint32_t ip)
{
  int err = s->cfg.shared_ip ? -EPERM : route_addr_del(&s->net, ip);
  if (!err) end_connections(s, ip);
  return err;
}

bool netconf_route(const struct stack *s, size_t i, struct route *r)
{
  if (i >= s->net.n_routes) return false;
  *r = s->net.route[i];
  return true;
}

int netconf_route_add(struct stack *s, struct route r) { return route_add(&s->net, r); }

int netconf_route_del(struct stack *s, struct route r) { return route_del(&s->net, r); }

size_t netconf_neighbours(const struct stack *s) { return arp_table_size(s->arp); }

bool netconf_neighbour(const struct stack *s, size_t i, struct arp_neighbour *n) { return arp_neighbour_at(s->arp, i, n, s->now_us); }
