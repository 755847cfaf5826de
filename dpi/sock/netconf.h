// SPDX-License-Identifier: Apache-2.0
// The interface, its addresses, routes and neighbours, seen and changed while the stack runs: for programs as ifconfig, and for
// the shell. Addresses in host order; results are 0 or negative errno values as in net/route.h.
#ifndef LW_NETCONF_H
#define LW_NETCONF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/arp.h"
#include "net/route.h"

struct stack;

struct netconf_link {
  uint8_t mac[6];
  unsigned mtu;            // bytes of an IP packet
  bool shared_ip;          // the address is the kernel's as well: it cannot be changed here (-EPERM)
};
struct netconf_link netconf_link(const struct stack *s);

// The i-th address, in the order in which they were given; false: there are no more.
bool netconf_addr(const struct stack *s, size_t i, struct route_addr *a);
int netconf_addr_add(struct stack *s, struct route_addr a);   // is announced to the neighbours
// Its connections are reset, and their sockets told -ECONNABORTED; a socket bound to it can send no more.
int netconf_addr_del(struct stack *s, uint32_t ip);

// The i-th route that was given: the networks of the addresses go without saying.
bool netconf_route(const struct stack *s, size_t i, struct route *r);
int netconf_route_add(struct stack *s, struct route r);       // holds for what is opened or sent from now on
int netconf_route_del(struct stack *s, struct route r);       // by network; its gateway does not matter

// The neighbour at place i below netconf_neighbours; false: there is none at this place.
size_t netconf_neighbours(const struct stack *s);
bool netconf_neighbour(const struct stack *s, size_t i, struct arp_neighbour *n);
#endif
