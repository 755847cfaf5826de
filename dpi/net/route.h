// SPDX-License-Identifier: Apache-2.0
// The addresses of our one interface, and where a packet goes from it first: the network of each address is on the link, the
// rest of the world lies behind routes; the longest prefix decides (RFC 1122 section 3.3.1). Small, bounded tables; host order.
//
// Errors are negative errno values: -EINVAL (no address of a host, bits beyond the prefix, prefix above 32), -EEXIST,
// -ENOBUFS (the table is full), -ENOENT, -ENETUNREACH (the gateway is not on the link).
#ifndef LW_ROUTE_H
#define LW_ROUTE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROUTE_ADDRS = 16, ROUTE_ROUTES = 64 };

struct route_addr {
  uint32_t ip;
  uint8_t prefix_len;      // of its network
};

struct route {
  uint32_t net;
  uint8_t prefix_len;      // 0: the default route
  uint32_t gateway;        // 0: on the link itself
};

struct route_table {
  struct route_addr addr[ROUTE_ADDRS];   // the first comes from our side where nothing else decides
  struct route route[ROUTE_ROUTES];
  size_t n_addrs, n_routes;
};

int route_addr_add(struct route_table *t, struct route_addr a);
// Routes whose gateway is on the link no longer go with it.
int route_addr_del(struct route_table *t, uint32_t ip);
int route_add(struct route_table *t, struct route r);
int route_del(struct route_table *t, struct route r);

static inline bool route_is_loopback(uint32_t ip) { return ip >> 24 == 127; }
bool route_is_addr(const struct route_table *t, uint32_t ip);   // one of our addresses
// The same, or in 127.0.0.0/8, which is in us wherever we are.
bool route_is_ours(const struct route_table *t, uint32_t ip);
// What no single host has: "this host" 0/8, groups, what is reserved, the broadcasts (RFC 1122 section 3.2.1.3).
bool route_is_no_host(const struct route_table *t, uint32_t ip);

struct route_way {
  uint32_t hop;            // who gets the frame: the destination itself, or a gateway
  uint32_t src;            // our address that such a packet comes from
};
// False: there is no way, or nobody there: no single host's address, also the network's own.
bool route_find(const struct route_table *t, uint32_t dst, struct route_way *w);
// Where what goes to dst comes from, by a socket bound to that address, or to none (0). False as above, and between a loopback address and
// another (RFC 1122 section 3.2.1.3).
bool route_source(const struct route_table *t, uint32_t bound, uint32_t dst, uint32_t *src);
#endif
