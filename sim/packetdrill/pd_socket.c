// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "pd_file.h"
#include "sock/netconf.h"

enum { EPHEMERAL_FIRST = 32768, EPHEMERAL_END = 49152 };   // of bind to port 0; connect has others of its own

static bool is_stream(const struct pd_file *f) { return f->sock.type == SOCK_STREAM; }
static struct stack *stack_of(struct pd *d) { return d->e.stack; }

static struct sock_addr plain(const struct sockaddr_in *a) { return (struct sock_addr){ntohl(a->sin_addr.s_addr), ntohs(a->sin_port)}; }
static struct sockaddr_in bsd(struct sock_addr a)
{
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a.port), .sin_addr = {htonl(a.ip)}};
}

static int adopt(struct pd *d, int sid, int type, int protocol)
{
  int err;
  struct pd_file *f = sid < 0 ? NULL : pd_file_new(d, PD_SOCKET, &err);
  if (sid < 0) return sid;
  if (!f) {
    sock_close(stack_of(d), sid);
    return err;
  }
  f->sock = (struct pd_socket){.sid = sid, .type = type, .protocol = protocol};
  return f->fd;
}

int pd_socket_new(struct pd *d, int type, int protocol)
{
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return -ESOCKTNOSUPPORT;
  int usual = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol && protocol != usual) return -EPROTONOSUPPORT;
  return adopt(d, sock_socket(stack_of(d), type == SOCK_STREAM ? SOCK_TCP : SOCK_UDP), type, usual);
}

static bool is_ours(struct pd *d, uint32_t ip)
{
  struct route_addr a;
  for (size_t i = 0; netconf_addr(stack_of(d), i, &a); i++)
    if (a.ip == ip) return true;
  return route_is_loopback(ip);
}

int pd_socket_bind(struct pd *d, struct pd_file *f, const struct sockaddr_in *a)
{
  struct sock_addr to = plain(a), now;
  sock_getsockname(stack_of(d), f->sock.sid, &now);
  if (now.port) return -EINVAL;
  if (to.ip) pd_take_ip(d, to.ip);
  if (to.ip && !is_ours(d, to.ip)) return -EADDRNOTAVAIL;
  if (to.port || !is_stream(f)) return sock_bind(stack_of(d), f->sock.sid, to.ip, to.port);
  int r = -EADDRINUSE;
  for (unsigned port = EPHEMERAL_FIRST; port < EPHEMERAL_END && r == -EADDRINUSE; port++) r = sock_bind(stack_of(d), f->sock.sid, to.ip, (uint16_t)port);
  return r;
}

// Why a connection failed, a positive errno; 0: it did not.
static int failure(struct pd *d, const struct pd_file *f)
{
  int err = 0;
  if (is_stream(f)) sock_getsockopt(stack_of(d), f->sock.sid, SOCK_OPT_ERROR, &err);
  return err;
}

int pd_socket_error(struct pd *d, struct pd_file *f)
{
  int err = 0;
  sock_getsockopt(stack_of(d), f->sock.sid, SOCK_OPT_ERROR, &err);
  if (!is_stream(f) || !err) return err;
  if (f->sock.told) return 0;
  f->sock.told = true;
  return err;
}

int pd_socket_connect(struct pd *d, struct pd_file *f, const struct sockaddr_in *a)
{
  struct sock_addr to = plain(a);
  int r = sock_connect(stack_of(d), f->sock.sid, to.ip, to.port);
  if (r == -EINPROGRESS) f->sock.calling = true;
  if (r == -EISCONN && f->sock.calling) r = 0;
  if (r != -EINPROGRESS && r != -EALREADY) f->sock.calling = false;
  if (failure(d, f)) f->sock.told = true;
  return r;
}

int pd_socket_accept(struct pd *d, struct pd_file *f, struct sockaddr_in *peer)
{
  struct sock_addr from;
  int r = adopt(d, sock_accept(stack_of(d), f->sock.sid, &from), SOCK_STREAM, IPPROTO_TCP);
  if (r >= 0) *peer = bsd(from);
  return r;
}

// --- bytes -------------------------------------------------------------------------------------------------------------

static ssize_t recv_datagram(struct pd *d, struct pd_file *f, const struct iovec *iov, int n, struct sockaddr_in *from)
{
  uint8_t *p = d->files->gathered;
  size_t cap = 0, left;
  struct sock_addr peer = {0, 0};
  for (int i = 0; i < n; i++) cap += iov[i].iov_len;
  ssize_t r = sock_recvfrom(stack_of(d), f->sock.sid, p, cap < sizeof d->files->gathered ? cap : sizeof d->files->gathered, &peer);
  if (r < 0) return r;
  left = (size_t)r;
  for (int i = 0; i < n && left; i++) {
    size_t k = iov[i].iov_len < left ? iov[i].iov_len : left;
    memcpy(iov[i].iov_base, p, k);
    p += k;
    left -= k;
  }
  if (from) *from = bsd(peer);
  return r;
}

ssize_t pd_socket_recv(struct pd *d, struct pd_file *f, const struct iovec *iov, int n, struct sockaddr_in *from)
{
  size_t done = 0;
  ssize_t r = 0;
  if (!is_stream(f)) return f->sock.deaf ? 0 : recv_datagram(d, f, iov, n, from);
  if (failure(d, f)) return f->sock.told ? 0 : -pd_socket_error(d, f);
  for (int i = 0; i < n; i++) {
    r = sock_recv(stack_of(d), f->sock.sid, iov[i].iov_base, iov[i].iov_len);
    if (r > 0) done += (size_t)r;
    if (r < 0 || (size_t)r < iov[i].iov_len) break;
  }
  if (done || r >= 0) return (ssize_t)done;
  return r == -EAGAIN && f->sock.deaf ? 0 : r;
}

// The buffers as one, as far as there is room; more than that only of a stream.
static size_t gather(struct pd *d, const struct iovec *iov, int n)
{
  size_t len = 0, room;
  for (int i = 0; i < n && (room = sizeof d->files->gathered - len); i++) {
    size_t k = iov[i].iov_len < room ? iov[i].iov_len : room;
    if (k) memcpy(d->files->gathered + len, iov[i].iov_base, k);
    len += k;
  }
  return len;
}

ssize_t pd_socket_send(struct pd *d, struct pd_file *f, const struct iovec *iov, int n, const struct sockaddr_in *to)
{
  struct sock_addr peer = to ? plain(to) : (struct sock_addr){0, 0};
  if (failure(d, f)) return f->sock.told ? -EPIPE : -pd_socket_error(d, f);
  return sock_sendto(stack_of(d), f->sock.sid, d->files->gathered, gather(d, iov, n), to ? &peer : NULL);
}

int pd_socket_shutdown(struct pd *d, struct pd_file *f, int how)
{
  struct sock_info i;
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  sock_info(stack_of(d), f->sock.sid, &i);
  if (i.state == SOCK_CLOSED || i.state == SOCK_LISTENS || i.state == SOCK_SYN_SENT) return -ENOTCONN;
  if (how != SHUT_WR) {
    f->sock.deaf = true;
    pd_files_ready(d->files, f->sock.sid);
    pd_news(d);
  }
  return how == SHUT_RD ? 0 : sock_shutdown(stack_of(d), f->sock.sid);
}

int pd_socket_linger(struct pd *d, struct pd_file *f)
{
  struct sock_info i;
  if (f->kind != PD_SOCKET || !is_stream(f) || !f->sock.linger.l_onoff || !f->sock.linger.l_linger) return 0;
  sock_info(stack_of(d), f->sock.sid, &i);
  if (i.unread) return 0;   // it will be a reset
  if (i.state == SOCK_ESTABLISHED || i.state == SOCK_CLOSE_WAIT) sock_shutdown(stack_of(d), f->sock.sid);
  sock_info(stack_of(d), f->sock.sid, &i);
  return i.state == SOCK_FIN_WAIT_1 || i.state == SOCK_CLOSING || i.state == SOCK_LAST_ACK ? -EAGAIN : 0;
}
