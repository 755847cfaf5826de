// SPDX-License-Identifier: Apache-2.0
// A wire on a network interface: a raw packet socket that sees every frame that arrives there (see packet(7)).
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/shared_ip.h"
#include "wire/wire.h"

enum { SOCKET_BUF_BYTES = 16 << 20, VLAN_TAG_BYTES = 4, MACS_BYTES = 12 };

struct afpacket {
  struct wire w;  // first: a wire is cast to its kind
  int fd;
  struct guards *guards;  // with a shared address, else NULL
  char ifname[IFNAMSIZ];
};

static struct afpacket *self(struct wire *w) { return (struct afpacket *)w; }

__attribute__((format(printf, 3, 4))) static bool say(char err[static WIRE_ERR_LEN], const char *ifname, const char *fmt, ...)
{
  va_list ap;
  int n = snprintf(err, WIRE_ERR_LEN, "afpacket:%s: ", ifname);
  va_start(ap, fmt);
  vsnprintf(err + n, WIRE_ERR_LEN - (size_t)n, fmt, ap);
  va_end(ap);
  return false;
}

// --- receive and send ---

static void die(struct afpacket *a, const char *doing, int e)
{
  a->w.dead = true;
  say(a->w.err, a->ifname, "%s: %s%s", doing, strerror(e), e == ENETDOWN ? " (the interface went down or away)" : "");
}

// What the kernel says beside the frame: an unfinished checksum is counted; a VLAN tag it took off is put back behind
// the two addresses. Returns the frame's length then.
static size_t apply_auxdata(struct afpacket *a, struct msghdr *m, uint8_t *buf, size_t len, size_t cap)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
    struct tpacket_auxdata aux;
    memcpy(&aux, CMSG_DATA(c), sizeof aux);
    if (aux.tp_status & TP_STATUS_CSUMNOTREADY) a->w.rx_unfinished_csum++;
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || len < MACS_BYTES || cap < MACS_BYTES + VLAN_TAG_BYTES) continue;
    if (len > cap - VLAN_TAG_BYTES) len = cap - VLAN_TAG_BYTES;
    memmove(buf + MACS_BYTES + VLAN_TAG_BYTES, buf + MACS_BYTES, len - MACS_BYTES);
    put_be16(buf + MACS_BYTES, aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q);
    put_be16(buf + MACS_BYTES + 2, aux.tp_vlan_tci);
    len += VLAN_TAG_BYTES;
  }
  return len;
}

static int afpacket_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct afpacket *a = self(w);
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
  } ctl;
  struct iovec v = {.iov_base = buf, .iov_len = cap};
  ssize_t n;
  if (w->dead) return -1;
  struct msghdr m;
  do {
    m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl};
    n = recvmsg(a->fd, &m, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return 0;
  if (n < 0) {
    die(a, "receiving", errno);
    return -1;
  }
  size_t len = apply_auxdata(a, &m, buf, (size_t)n, cap);
  w->rx_frames++;
  w->rx_bytes += len;
  return (int)len;
}

static bool afpacket_send(struct wire *w, const uint8_t *frame, size_t len)
{
  struct afpacket *a = self(w);
  ssize_t n;
  if (w->dead) {
    w->tx_drops++;
    return false;
  }
  do {
    n = send(a->fd, frame, len, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) {
    w->tx_frames++;
    w->tx_bytes += len;
    return true;
  }
  w->tx_drops++;
  // Too long, no room, or shorter than an Ethernet header: this frame is lost, as on any wire. Else the wire is.
  if (errno != EMSGSIZE && errno != ENOBUFS && errno != EAGAIN && errno != EINVAL && errno != ENOMEM) die(a, "sending", errno);
  return false;
}

static int afpacket_fd(struct wire *w) { return self(w)->fd; }

static void afpacket_close(struct wire *w)
{
  struct afpacket *a = self(w);
  if (a->fd >= 0) close(a->fd);
  guards_close(a->guards);
  free(a);
}

static const struct wire_ops afpacket_ops = {afpacket_recv, afpacket_send, afpacket_fd, afpacket_close, NULL};

// --- opening ---

// Protocol 0: the socket hears nothing until bind, when filter and options are in place.
static bool open_socket(struct afpacket *a, char err[static WIRE_ERR_LEN])
{
  a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (a->fd >= 0) return true;
  if (errno == EPERM || errno == EACCES)
    return say(err, a->ifname, "raw sockets need CAP_NET_RAW: run as root, or inside `unshare -Urn`");
  return say(err, a->ifname, "packet socket: %s", strerror(errno));
}

// As much as we are allowed: bursts are to survive while the simulation is busy with one frame.
static void enlarge_buffers(int fd)
{
  int bytes = SOCKET_BUF_BYTES;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static bool set_options(struct afpacket *a, char err[static WIRE_ERR_LEN])
{
  int on = 1;
  enlarge_buffers(a->fd);
  if (setsockopt(a->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
    return say(err, a->ifname, "PACKET_IGNORE_OUTGOING (wants Linux 4.20): %s", strerror(errno));
  if (setsockopt(a->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0)
    return say(err, a->ifname, "PACKET_AUXDATA: %s", strerror(errno));
  return true;
}

// The kernel half of a shared address. The guards come first: from then on no RST goes out.
static bool share_ip(struct afpacket *a, const struct wire_afpacket_opts *o, char err[static WIRE_ERR_LEN])
{
  char ip[TEXT_IPV4_LEN];
  if (!wire_if_has_ip(a->ifname, o->ip))
    return say(err, a->ifname, "shared address: the interface does not hold %s", text_format_ipv4(ip, o->ip));
  a->guards = guards_open(a->ifname, o->ip, o->ports, o->n_ports, err);
  if (!a->guards) return false;
  if (!shared_ip_attach_filter(a->fd, o->ip, o->ports, o->n_ports))
    return say(err, a->ifname, "shared address: packet filter: %s", strerror(errno));
  return true;
}

static bool join_mac(struct afpacket *a, int ifindex, const uint8_t mac[static 6], char err[static WIRE_ERR_LEN])
{
  struct packet_mreq m = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_UNICAST, .mr_alen = 6};
  char text[TEXT_MAC_LEN];
  memcpy(m.mr_address, mac, 6);
  if (setsockopt(a->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m) == 0) return true;
  return say(err, a->ifname, "the interface does not take the MAC %s: %s", text_format_mac(text, mac), strerror(errno));
}

static bool bind_to(struct afpacket *a, int ifindex, char err[static WIRE_ERR_LEN])
{
  struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex};
  if (bind(a->fd, (struct sockaddr *)&ll, sizeof ll) != 0) return say(err, a->ifname, "bind: %s", strerror(errno));
  int e = 0;
  socklen_t n = sizeof e;  // bind succeeds on an interface that is down, and leaves ENETDOWN on the socket
  if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &e, &n) == 0 && e == ENETDOWN)
    return say(err, a->ifname, "the interface is down: ip link set %s up", a->ifname);
  return true;
}

static bool set_up(struct afpacket *a, const struct wire_afpacket_opts *o, char err[static WIRE_ERR_LEN])
{
  uint8_t own[6];
  unsigned mtu;
  if (!wire_if_info(o->ifname, own, &mtu, err)) return false;  // checks the name's length, too
  memcpy(a->ifname, o->ifname, strlen(o->ifname) + 1);
  int ifindex = (int)if_nametoindex(a->ifname);
  return open_socket(a, err) && set_options(a, err) && (!o->shared_ip || share_ip(a, o, err)) &&
         (memcmp(own, o->mac, 6) == 0 || join_mac(a, ifindex, o->mac, err)) && bind_to(a, ifindex, err);
}

struct wire *wire_afpacket_open(const struct wire_afpacket_opts *o, char err[static WIRE_ERR_LEN])
{
  struct afpacket *a = calloc(1, sizeof *a);
  if (!a) {
    say(err, o->ifname, "out of memory");
    return NULL;
  }
  a->w.ops = &afpacket_ops;
  a->fd = -1;
  if (set_up(a, o, err)) return &a->w;
  afpacket_close(&a->w);
  return NULL;
}
