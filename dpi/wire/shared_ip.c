// SPDX-License-Identifier: Apache-2.0
#include "wire/shared_ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

struct guards {
  size_t n;
  int fd[];
};

static bool attach(int fd, struct sock_filter *code, size_t n)
{
  struct sock_fprog prog = {.len = (unsigned short)n, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) == 0;
}

// A listening socket that refuses everything; -1 with errno. The filter comes before listen, so that no SYN slips in.
static int guard_open(uint32_t ip, uint16_t port)
{
  struct sock_filter refuse[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  // SO_REUSEADDR: connections of an earlier program in TIME_WAIT do not stand in the way; listeners still do.
  if (attach(fd, refuse, 1) && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0)
    return fd;
  int e = errno;
  close(fd);
  errno = e;
  return -1;
}

static void explain(const char *ifname, uint32_t ip, uint16_t port, char err[static WIRE_ERR_LEN])
{
  char a[TEXT_IPV4_LEN];
  text_format_ipv4(a, ip);
  int e = errno;
  if (e == EADDRINUSE)
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: shared address: TCP port %u of %s is taken by another process", ifname, port, a);
  else if (e == EADDRNOTAVAIL)
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: shared address: %s is not an address of this host", ifname, a);
  else if (e == EACCES)
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: shared address: port %u needs CAP_NET_BIND_SERVICE: run as root", ifname, port);
  else
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: shared address: guarding port %u: %s", ifname, port, strerror(e));
}

struct guards *guards_open(const char *ifname, uint32_t ip, const uint16_t *ports, size_t n, char err[static WIRE_ERR_LEN])
{
  if (n == 0 || n > SHARED_IP_PORTS_MAX) {
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: shared address: wants 1 to %d TCP ports, not %zu", ifname, SHARED_IP_PORTS_MAX, n);
    return NULL;
  }
  struct guards *g = malloc(sizeof *g + n * sizeof g->fd[0]);
  if (!g) {
    snprintf(err, WIRE_ERR_LEN, "afpacket:%s: out of memory", ifname);
    return NULL;
  }
  for (g->n = 0; g->n < n; g->n++) {
    g->fd[g->n] = guard_open(ip, ports[g->n]);
    if (g->fd[g->n] >= 0) continue;
    explain(ifname, ip, ports[g->n], err);
    guards_close(g);
    return NULL;
  }
  return g;
}

void guards_close(struct guards *g)
{
  if (!g) return;
  for (size_t i = 0; i < g->n; i++) close(g->fd[i]);
  free(g);
}

// Offsets into a frame: Ethernet header at 0, IPv4 header at 14. A load past the frame's end makes a filter refuse it.
enum { OFF_TYPE = 12, OFF_ARP_OP = 20, OFF_IHL = 14, OFF_FRAG = 20, OFF_PROTO = 23, OFF_DST = 30, OFF_L4 = 14, OFF_L4_DPORT = 16 };
enum { FILTER_HEAD = 27, ALL = 0x40000 };

bool shared_ip_attach_filter(int packet_fd, uint32_t ip, const uint16_t *ports, size_t n)
{
  // A jump's two numbers are how many instructions to skip when true and when false; "refuse" is the one at [5].
  const struct sock_filter head[FILTER_HEAD] = {
    [0] = BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
    [1] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),  // tagged: refuse
    [2] = BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_TYPE),
    [3] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0800, 5, 0),
    [4] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0806, 1, 0),
    [5] = BPF_STMT(BPF_RET | BPF_K, 0),
    [6] = BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_ARP_OP),
    [7] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 9),  // an ARP reply: falls on; anything else: refuse at [17]
    [8] = BPF_STMT(BPF_RET | BPF_K, ALL),
    [9] = BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFF_PROTO),
    [10] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 1, 0),
    [11] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 5),
    [12] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFF_DST),
    [13] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ip, 0, 3),
    [14] = BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_FRAG),
    [15] = BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 1, 0),  // fragment offset: a later fragment has no ports
    [16] = BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
    [17] = BPF_STMT(BPF_RET | BPF_K, 0),
    [18] = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, OFF_IHL),  // X = length of the IPv4 header
    [19] = BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFF_PROTO),
    [20] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 6),  // TCP: ports, from [27] on
    [21] = BPF_STMT(BPF_LD | BPF_B | BPF_IND, OFF_L4),
    [22] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 3, 0),  // ICMP: errors, which may be about our connections
    [23] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 11, 2, 0),
    [24] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12, 1, 0),
    [25] = BPF_STMT(BPF_RET | BPF_K, 0),
    [26] = BPF_STMT(BPF_RET | BPF_K, ALL),
  };
  struct sock_filter code[FILTER_HEAD + 1 + 2 * SHARED_IP_PORTS_MAX + 1];
  size_t len = FILTER_HEAD;
  memcpy(code, head, sizeof head);
  code[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_IND, OFF_L4_DPORT);
  for (size_t i = 0; i < n && i < SHARED_IP_PORTS_MAX; i++) {
    code[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ports[i], 0, 1);
    code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ALL);
  }
  code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
  return attach(packet_fd, code, len);
}
