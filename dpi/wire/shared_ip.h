// SPDX-License-Identifier: Apache-2.0
// Sharing the host's own IPv4 address with the kernel, for some TCP ports. Internal to dpi/wire (afpacket.c).
//
// Two halves:
// - Guards keep the kernel quiet. A frame for us reaches the kernel's TCP as well, which would answer it with RST. So
//   for each port there is a kernel socket, bound to (ip, port) and listening, whose socket filter refuses every segment:
//   the kernel finds a listener, hands it the segment, and the filter drops it without an answer. Guards are plain
//   descriptors of this process: they vanish with it, also after SIGKILL. Side effect: a program on this very host that
//   connects to the port gets no answer (its segments never reach the interface).
// - A packet filter keeps us away from the kernel's traffic: the packet socket sees just IPv4 TCP to (ip, one of the
//   ports), first fragments included, later ones not, and ARP replies. Nothing that carries a VLAN tag.
#ifndef LW_SHARED_IP_H
#define LW_SHARED_IP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

enum { SHARED_IP_PORTS_MAX = 1024 };

struct guards;

// One guard a port (host order). NULL with one line in err: port taken by another process, address not on this host,
// a port below 1024 without CAP_NET_BIND_SERVICE, too many ports.
struct guards *guards_open(const char *ifname, uint32_t ip, const uint16_t *ports, size_t n, char err[static WIRE_ERR_LEN]);
void guards_close(struct guards *g);  // NULL is allowed; the kernel answers on the ports again

// Attaches the packet filter to an AF_PACKET/SOCK_RAW socket. False with errno set. n <= SHARED_IP_PORTS_MAX.
bool shared_ip_attach_filter(int packet_fd, uint32_t ip, const uint16_t *ports, size_t n);
#endif
