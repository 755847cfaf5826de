// SPDX-License-Identifier: Apache-2.0
#include "net/route.h"

#include <errno.h>
#include <string.h>

static uint32_t mask(uint8_t prefix_len) { return prefix_len ? UINT32_MAX << (32 - prefix_len) : 0; }

static bool within(uint32_t ip, uint32_t net, uint8_t prefix_len) { return ((ip ^ net) & mask(prefix_len)) == 0; }

// Of the network of an address: itself, or its broadcast. RFC 3021: on a /31 both are hosts.
static bool is_edge(const struct route_addr *a, uint32_t ip)
{
  uint32_t host = ip & ~mask(a->prefix_len);
  return a->prefix_len < 31 && within(ip, a->ip, a->prefix_len) && (host == 0 || host == ~mask(a->prefix_len));
}

static bool is_reserved(uint32_t ip) { return ip >> 24 == 0 || ip >> 28 >= 14; }

static const struct route_addr *addr_of(const struct route_table *t, uint32_t ip)
{
  for (size_t i = 0; i < t->n_addrs; i++)
    if (t->addr[i].ip == ip) return &t->addr[i];
  return NULL;
}

// Our address in the narrowest network that has ip; NULL: no network of ours has it.
static const struct route_addr *addr_near(const struct route_table *t, uint32_t ip)
{
  const struct route_addr *best = NULL;
  for (size_t i = 0; i < t->n_addrs; i++) {
    const struct route_addr *a = &t->addr[i];
    if (within(ip, a->ip, a->prefix_len) && (!best || a->prefix_len > best->prefix_len)) best = a;
  }
  return best;
}

static const struct route *route_near(const struct route_table *t, uint32_t ip)
{
  const struct route *best = NULL;
  for (size_t i = 0; i < t->n_routes; i++) {
    const struct route *r = &t->route[i];
    if (within(ip, r->net, r->prefix_len) && (!best || r->prefix_len > best->prefix_len)) best = r;
  }
  return best;
}

bool route_is_addr(const struct route_table *t, uint32_t ip) { return addr_of(t, ip); }

bool route_is_ours(const struct route_table *t, uint32_t ip) { return route_is_loopback(ip) || addr_of(t, ip); }

bool route_is_no_host(const struct route_table *t, uint32_t ip)
{
  if (is_reserved(ip)) return true;
  for (size_t i = 0; i < t->n_addrs; i++)
    if (is_edge(&t->addr[i], ip) && (ip & ~mask(t->addr[i].prefix_len)) != 0) return true;
  return false;
}

bool route_find(const struct route_table *t, uint32_t dst, struct route_way *w)
{
  const struct route_addr *a = addr_near(t, dst);
  const struct route *r = route_near(t, dst);
  *w = (struct route_way){dst, dst};
  if (is_reserved(dst)) return false;
  if (route_is_ours(t, dst)) return true;
  if (r && a && r->prefix_len <= a->prefix_len) r = NULL;
  if ((!a && !r) || t->n_addrs == 0 || (a && !r && is_edge(a, dst))) return false;
  if (r && r->gateway) w->hop = r->gateway;
  const struct route_addr *from = addr_near(t, w->hop);
  w->src = from ? from->ip : t->addr[0].ip;
  return true;
}

bool route_source(const struct route_table *t, uint32_t bound, uint32_t dst, uint32_t *src)
{
  struct route_way w;
  bool way = route_find(t, dst, &w);
  *src = bound ? bound : w.src;
  return way && route_is_loopback(*src) == route_is_loopback(dst);
}

// --- changes -----------------------------------------------------------------------------------------------------------

int route_addr_add(struct route_table *t, struct route_addr a)
{
  if (a.prefix_len > 32 || is_reserved(a.ip) || route_is_loopback(a.ip) || is_edge(&a, a.ip)) return -EINVAL;
  if (addr_of(t, a.ip)) return -EEXIST;
  if (t->n_addrs == ROUTE_ADDRS) return -ENOBUFS;
  t->addr[t->n_addrs++] = a;
  return 0;
}

static bool on_link(const struct route_table *t, uint32_t ip)
{
  const struct route *r = route_near(t, ip);
  const struct route_addr *a = addr_near(t, ip);
  if (a && (!r || r->prefix_len <= a->prefix_len)) return !is_edge(a, ip);
  return r && !r->gateway;
}

static void remove_route(struct route_table *t, size_t i)
{
  memmove(&t->route[i], &t->route[i + 1], (--t->n_routes - i) * sizeof t->route[0]);
}

int route_addr_del(struct route_table *t, uint32_t ip)
{
  const struct route_addr *a = addr_of(t, ip);
  if (!a) return -ENOENT;
  size_t at = (size_t)(a - t->addr);
  memmove(&t->addr[at], &t->addr[at + 1], (--t->n_addrs - at) * sizeof t->addr[0]);
  for (size_t i = t->n_routes; i-- > 0;)
    if (t->route[i].gateway && !on_link(t, t->route[i].gateway)) remove_route(t, i);
  return 0;
}

static bool same_net(const struct route *a, const struct route *b) { return a->net == b->net && a->prefix_len == b->prefix_len; }

int route_add(struct route_table *t, struct route r)
{
  if (r.prefix_len > 32 || r.net & ~mask(r.prefix_len) || (r.prefix_len && (is_reserved(r.net) || route_is_loopback(r.net)))) return -EINVAL;
  if (r.gateway && (is_reserved(r.gateway) || route_is_ours(t, r.gateway))) return -EINVAL;
  if (r.gateway && !on_link(t, r.gateway)) return -ENETUNREACH;
  for (size_t i = 0; i < t->n_routes; i++)
    if (same_net(&t->route[i], &r)) return -EEXIST;
  if (t->n_routes == ROUTE_ROUTES) return -ENOBUFS;
  t->route[t->n_routes++] = r;
  return 0;
}

int route_del(struct route_table *t, struct route r)
{
  for (size_t i = 0; i < t->n_routes; i++) {
    if (!same_net(&t->route[i], &r)) continue;
    remove_route(t, i);
    return 0;
  }
  return -ENOENT;
}
