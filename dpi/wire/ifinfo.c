// SPDX-License-Identifier: Apache-2.0
// Questions about a network interface: its MAC, MTU, addresses.
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/wire.h"

static bool ask(int fd, const char *ifname, uint8_t mac[static 6], unsigned *mtu, char err[static WIRE_ERR_LEN])
{
  struct ifreq r;
  memset(&r, 0, sizeof r);
  memcpy(r.ifr_name, ifname, strlen(ifname) + 1);
  if (ioctl(fd, SIOCGIFHWADDR, &r) != 0) {
    if (errno == ENODEV)
      snprintf(err, WIRE_ERR_LEN, "afpacket:%s: no such interface", ifname);
    else
      snprintf(err, WIRE_ERR_LEN, "afpacket:%s: %s", ifname, strerror(errno));
    return false;
  }
  if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER && r.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK) {
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: not an Ethernet interface", ifname);
    return false;
  }
  memcpy(mac, r.ifr_hwaddr.sa_data, 6);
  if (ioctl(fd, SIOCGIFMTU, &r) != 0) {
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: reading the MTU: %s", ifname, strerror(errno));
    return false;
  }
  *mtu = (unsigned)r.ifr_mtu;
  return true;
}

bool wire_if_info(const char *ifname, uint8_t mac[static 6], unsigned *mtu, char err[static WIRE_ERR_LEN])
{
  if (strlen(ifname) >= IFNAMSIZ) {
    snprintf(err, WIRE_ERR_LEN, "afpacket:%.32s: no such interface", ifname);
    return false;
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: socket: %s", ifname, strerror(errno));
    return false;
  }
  bool ok = ask(fd, ifname, mac, mtu, err);
  close(fd);
  return ok;
}

// getifaddrs names an address by its label, which may be "eth0:something" for an address of eth0.
static bool label_is_of(const char *label, const char *ifname)
{
  size_t n = strlen(ifname);
  return strncmp(label, ifname, n) == 0 && (label[n] == '\0' || label[n] == ':');
}

bool wire_if_has_ip(const char *ifname, uint32_t ip)
{
  struct ifaddrs *all;
  bool found = false;
  if (getifaddrs(&all) != 0) return false;
  for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
    if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !label_is_of(i->ifa_name, ifname)) continue;
    struct sockaddr_in a;
    memcpy(&a, i->ifa_addr, sizeof a);
    found = ntohl(a.sin_addr.s_addr) == ip;
  }
  freeifaddrs(all);
  return found;
}
