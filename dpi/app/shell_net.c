// SPDX-License-Identifier: Apache-2.0
// The shell's commands for the interface: its addresses and routes, seen and changed.
#include <stdio.h>
#include <string.h>

#include "app/shell.h"
#include "base/text.h"
#include "sock/netconf.h"

bool shell_interfaces(struct shell *h, char **arg)
{
  struct stack *s = h->base.stack;
  struct netconf_link l = netconf_link(s);
  struct route_addr a;
  char mac[TEXT_MAC_LEN], ip[TEXT_IPV4_LEN];
  (void)arg;
  shell_say(h, "ether %s mtu %u%s", text_format_mac(mac, l.mac), l.mtu, l.shared_ip ? ", shared with the host" : "");
  for (size_t i = 0; netconf_addr(s, i, &a); i++) shell_say(h, "inet %s/%u", text_format_ipv4(ip, a.ip), a.prefix_len);
  return true;
}

static void say_route(struct shell *h, const struct route *r, const char *by, uint32_t hop)
{
  char net[TEXT_IPV4_LEN], ip[TEXT_IPV4_LEN], text[TEXT_IPV4_LEN + 4] = "default";
  if (r->prefix_len) snprintf(text, sizeof text, "%s/%u", text_format_ipv4(net, r->net), r->prefix_len);
  shell_say(h, "%-18s %s%s", text, by, hop ? text_format_ipv4(ip, hop) : "");
}

bool shell_routes(struct shell *h, char **arg)
{
  struct stack *s = h->base.stack;
  struct route_addr a;
  struct route r;
  (void)arg;
  for (size_t i = 0; netconf_addr(s, i, &a); i++) {
    r = (struct route){.net = a.ip & (a.prefix_len ? UINT32_MAX << (32 - a.prefix_len) : 0), .prefix_len = a.prefix_len};
    say_route(h, &r, "on the link, from ", a.ip);
  }
  for (size_t i = 0; netconf_route(s, i, &r); i++) say_route(h, &r, r.gateway ? "via " : "on the link", r.gateway);
  return true;
}

// What came of `what`, or one line.
static bool done(struct shell *h, const char *what, int err)
{
  return err == 0 || shell_fail(h, "%s: %s", what, strerror(-err));
}

static bool usage(struct shell *h) { return shell_fail(h, "usage: %s %s: %s", h->command->name, h->command->args, h->command->text); }

bool shell_ifconfig(struct shell *h, char **arg)
{
  struct route_addr a;
  if (!arg[0]) return shell_interfaces(h, arg);
  if (!arg[1]) return usage(h);
  if (!strcmp(arg[0], "add")) {
    if (!text_parse_cidr(arg[1], &a.ip, &a.prefix_len)) return shell_wrong(h, arg[1], "not an address with prefix length, as 10.0.0.2/24");
    return done(h, arg[1], netconf_addr_add(h->base.stack, a));
  }
  if (strcmp(arg[0], "del") != 0) return usage(h);
  return shell_addr(h, arg[1], &a.ip) && done(h, arg[1], netconf_addr_del(h->base.stack, a.ip));
}

bool shell_route(struct shell *h, char **arg)
{
  struct route r = {0};
  bool add = !strcmp(arg[0], "add"), is_default = !strcmp(arg[1], "default");
  if (!add && strcmp(arg[0], "del") != 0) return usage(h);
  if (!is_default && !text_parse_cidr(arg[1], &r.net, &r.prefix_len)) return shell_wrong(h, arg[1], "not a network, as 10.1.0.0/16, nor default");
  if (arg[2] && !shell_addr(h, arg[2], &r.gateway)) return false;
  return done(h, arg[1], (add ? netconf_route_add : netconf_route_del)(h->base.stack, r));
}
