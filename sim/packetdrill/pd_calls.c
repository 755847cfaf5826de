// SPDX-License-Identifier: Apache-2.0
// The system calls of packetdrill's interface, in terms of pd.h and pd_file.h: each finds its descriptor, tries, waits where the
// descriptor may, and tells errors by errno.
#include "pd_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "pd_file.h"

// What flags of send and recv mean here; every other is -EOPNOTSUPP.
enum { RECV_FLAGS = MSG_DONTWAIT | MSG_WAITALL | MSG_CMSG_CLOEXEC, SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };
enum { IOV_MOST = 64 };   // buffers of one call

// One call on a descriptor, from enter to leave.
struct op {
  struct pd *d;
  struct pd_call call;
  struct pd_file *f;        // NULL: -EBADF
};

static bool enter(struct op *o, void *userdata, int fd)
{
  *o = (struct op){.d = userdata};
  if (!o->d) return false;
  pd_begin(o->d, &o->call);
  o->f = pd_file_take(o->d, fd);
  return true;
}

static ssize_t leave(struct op *o, ssize_t r)
{
  if (!o->d) r = -ENODEV;
  else if (o->d->dead) r = -EIO;
  if (o->f) pd_file_give(o->f);
  if (o->d) pd_end(o->d, &o->call);
  if (r >= 0) return r;
  errno = (int)-r;
  return -1;
}

static int leave_int(struct op *o, ssize_t r) { return (int)leave(o, r); }

// enter for a call on a socket; otherwise *err is the errno.
static bool enter_socket(struct op *o, void *userdata, int fd, int *err)
{
  bool in = enter(o, userdata, fd);
  *err = !in ? -ENODEV : !o->f ? -EBADF : o->f->kind != PD_SOCKET ? -ENOTSOCK : 0;
  return !*err;
}

static uint64_t until(const struct pd *d, uint64_t us) { return us ? d->now_us + us : PD_NEVER; }
static uint64_t until_ms(const struct pd *d, int ms) { return ms < 0 ? PD_NEVER : d->now_us + (uint64_t)ms * 1000; }

// After -EAGAIN: true when the call may be tried again; otherwise *r says why not.
static bool again(struct op *o, bool may_wait, uint64_t until_us, ssize_t *r)
{
  if (*r != -EAGAIN || !may_wait) return false;
  *r = pd_wait(o->d, &o->call, until_us);
  if (!*r && o->f && o->f->closed) *r = -EBADF;
  return !*r;
}

static int take_addr(const struct sockaddr *addr, socklen_t len, struct sockaddr_in *a)
{
  if (!addr) return -EFAULT;
  if (len < sizeof *a) return -EINVAL;
  memcpy(a, addr, sizeof *a);
  return a->sin_family == AF_INET ? 0 : -EAFNOSUPPORT;
}

static void give_addr(const struct sockaddr_in *a, struct sockaddr *addr, socklen_t *len)
{
  if (!addr || !len) return;
  memcpy(addr, a, *len < sizeof *a ? *len : sizeof *a);
  *len = sizeof *a;
}

// --- sockets -----------------------------------------------------------------------------------------------------------

static int pd_do_socket(void *userdata, int domain, int type, int protocol)
{
  struct op o;
  int fd = -ENODEV, flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (!enter(&o, userdata, -1)) return leave_int(&o, fd);
  fd = domain == AF_INET ? pd_socket_new(o.d, type & ~flags, protocol) : -EAFNOSUPPORT;
  if (fd >= 0) (o.f = pd_file_take(o.d, fd))->nonblock = flags & SOCK_NONBLOCK;
  return leave_int(&o, fd);
}

static int pd_do_bind(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
  struct op o;
  struct sockaddr_in a;
  int r;
  if (enter_socket(&o, userdata, fd, &r) && !(r = take_addr(addr, len, &a))) r = pd_socket_bind(o.d, o.f, &a);
  return leave_int(&o, r);
}

static int pd_do_listen(void *userdata, int fd, int backlog)
{
  struct op o;
  int r;
  if (enter_socket(&o, userdata, fd, &r)) r = sock_listen(o.d->e.stack, o.f->sock.sid, backlog);
  return leave_int(&o, r);
}

static int pd_do_accept(void *userdata, int fd, struct sockaddr *addr, socklen_t *len)
{
  struct op o;
  struct sockaddr_in peer;
  int err;
  ssize_t r = -EAGAIN;
  if (!enter_socket(&o, userdata, fd, &err)) return leave_int(&o, err);
  uint64_t at = until(o.d, o.f->sock.rcv_us);
  do r = pd_socket_accept(o.d, o.f, &peer);
  while (again(&o, !o.f->nonblock, at, &r));
  if (r >= 0) give_addr(&peer, addr, len);
  return leave_int(&o, r);
}

static int pd_do_connect(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
  struct op o;
  struct sockaddr_in a;
  int err;
  if (!enter_socket(&o, userdata, fd, &err) || (err = take_addr(addr, len, &a))) return leave_int(&o, err);
  uint64_t at = until(o.d, o.f->sock.snd_us);
  ssize_t r, first;
  for (first = r = pd_socket_connect(o.d, o.f, &a); (r == -EINPROGRESS || r == -EALREADY) && !o.f->nonblock; r = pd_socket_connect(o.d, o.f, &a)) {
    r = -EAGAIN;
    if (!again(&o, true, at, &r)) break;
  }
  return leave_int(&o, r == -EAGAIN ? first : r);
}

static int pd_do_close(void *userdata, int fd)
{
  struct op o;
  if (!enter(&o, userdata, fd) || !o.f) return leave_int(&o, -EBADF);
  uint64_t at = until(o.d, (uint64_t)o.f->sock.linger.l_linger * 1000000);
  ssize_t r;
  do r = pd_socket_linger(o.d, o.f);
  while (again(&o, true, at, &r));   // as Linux, also of one that does not wait otherwise
  if (!o.f->closed) r = pd_file_close(o.d, o.f);
  return leave_int(&o, r);
}

static int pd_do_shutdown(void *userdata, int fd, int how)
{
  struct op o;
  int r;
  if (enter_socket(&o, userdata, fd, &r)) r = pd_socket_shutdown(o.d, o.f, how);
  return leave_int(&o, r);
}

static int pd_do_getsockopt(void *userdata, int fd, int level, int name, void *val, socklen_t *len)
{
  struct op o;
  int r;
  if (enter_socket(&o, userdata, fd, &r)) r = val && len ? pd_getsockopt(o.d, o.f, level, name, val, len) : -EFAULT;
  return leave_int(&o, r);
}

static int pd_do_setsockopt(void *userdata, int fd, int level, int name, const void *val, socklen_t len)
{
  struct op o;
  int r;
  if (enter_socket(&o, userdata, fd, &r)) r = val ? pd_setsockopt(o.d, o.f, level, name, val, len) : -EFAULT;
  return leave_int(&o, r);
}

// --- bytes in ------------------------------------------------------------------------------------------------------------

static size_t bytes_of(const struct iovec *iov, int n)
{
  size_t all = 0;
  for (int i = 0; i < n; i++) all += iov[i].iov_len;
  return all;
}

// The buffers behind the first `done` bytes.
static int behind(const struct iovec *iov, int n, size_t done, struct iovec out[static IOV_MOST])
{
  int k = 0;
  for (int i = 0; i < n; i++) {
    size_t skip = done < iov[i].iov_len ? done : iov[i].iov_len;
    done -= skip;
    if (iov[i].iov_len > skip) out[k++] = (struct iovec){(uint8_t *)iov[i].iov_base + skip, iov[i].iov_len - skip};
  }
  return k;
}

static ssize_t read_once(struct op *o, const struct iovec *iov, int n, struct sockaddr_in *from)
{
  if (o->f->kind == PD_SOCKET) return pd_socket_recv(o->d, o->f, iov, n, from);
  return o->f->kind == PD_EPOLL ? -EINVAL : pd_pipe_read(o->d, o->f, iov, n);
}

// What reading and writing ask first: 0, or what is wrong. flags: those that there are.
static int check_io(struct op *o, void *userdata, int fd, const struct iovec *iov, int n, int flags, int known, bool socket_only)
{
  if (!enter(o, userdata, fd)) return -ENODEV;
  if (!o->f) return -EBADF;
  if (socket_only && o->f->kind != PD_SOCKET) return -ENOTSOCK;
  if (flags & ~known) return -EOPNOTSUPP;
  return n < 0 || n > IOV_MOST || (n > 0 && !iov) ? -EINVAL : 0;
}

static ssize_t do_read(void *userdata, int fd, const struct iovec *iov, int n, int flags, bool socket_only, struct sockaddr_in *from)
{
  struct op o;
  struct iovec rest[IOV_MOST];
  int err = check_io(&o, userdata, fd, iov, n, flags, RECV_FLAGS | MSG_ERRQUEUE, socket_only);
  if (err) return leave(&o, err);
  if (flags & MSG_ERRQUEUE) return leave(&o, -EAGAIN);   // nothing is ever queued there
  bool waits = !o.f->nonblock && !(flags & MSG_DONTWAIT), whole = flags & MSG_WAITALL && o.f->kind == PD_SOCKET && o.f->sock.type == SOCK_STREAM;
  uint64_t at = until(o.d, o.f->kind == PD_SOCKET ? o.f->sock.rcv_us : 0);
  size_t all = bytes_of(iov, n), done = 0;
  ssize_t r;
  do {
    do {
      r = read_once(&o, rest, behind(iov, n, done, rest), from);
      if (r > 0) done += (size_t)r;
    } while (r > 0 && whole && done < all);
  } while (again(&o, waits, at, &r));
  return leave(&o, done ? (ssize_t)done : r);
}

static ssize_t pd_do_readv(void *userdata, int fd, const struct iovec *iov, int n) { return do_read(userdata, fd, iov, n, 0, false, NULL); }

static ssize_t pd_do_read(void *userdata, int fd, void *buf, size_t count)
{
  const struct iovec iov = {buf, count};
  return do_read(userdata, fd, &iov, 1, 0, false, NULL);
}

static ssize_t pd_do_recvfrom(void *userdata, int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *from_len)
{
  const struct iovec iov = {buf, len};
  struct sockaddr_in a = {.sin_family = AF_UNSPEC};
  ssize_t r = do_read(userdata, fd, &iov, 1, flags, true, &a);
  if (r >= 0 && a.sin_family == AF_INET) give_addr(&a, from, from_len);
  return r;
}

static ssize_t pd_do_recv(void *userdata, int fd, void *buf, size_t len, int flags) { return pd_do_recvfrom(userdata, fd, buf, len, flags, NULL, NULL); }

static ssize_t pd_do_recvmsg(void *userdata, int fd, struct msghdr *msg, int flags)
{
  struct sockaddr_in a = {.sin_family = AF_UNSPEC};
  ssize_t r = do_read(userdata, fd, msg->msg_iov, (int)msg->msg_iovlen, flags, true, &a);
  if (r < 0) return r;
  socklen_t *len = &msg->msg_namelen;
  if (a.sin_family == AF_INET) give_addr(&a, msg->msg_name, len);
  else *len = 0;
  msg->msg_controllen = 0;
  msg->msg_flags = 0;
  return r;
}

// --- bytes out -----------------------------------------------------------------------------------------------------------

static ssize_t write_once(struct op *o, const struct iovec *iov, int n, const struct sockaddr_in *to)
{
  if (o->f->kind == PD_SOCKET) return pd_socket_send(o->d, o->f, iov, n, to);
  return o->f->kind == PD_EPOLL ? -EINVAL : pd_pipe_write(o->d, o->f, iov, n);
}

// A blocking one takes all of it, as long as it can.
static ssize_t do_write(void *userdata, int fd, const struct iovec *iov, int n, int flags, bool socket_only, const struct sockaddr_in *to)
{
  struct op o;
  struct iovec rest[IOV_MOST];
  int err = check_io(&o, userdata, fd, iov, n, flags, SEND_FLAGS, socket_only);
  if (err) return leave(&o, err);
  bool datagram = o.f->kind == PD_SOCKET && o.f->sock.type == SOCK_DGRAM;
  uint64_t at = until(o.d, o.f->kind == PD_SOCKET ? o.f->sock.snd_us : 0);
  size_t all = bytes_of(iov, n), done = 0;
  ssize_t r;
  do {
    do {
      r = write_once(&o, rest, behind(iov, n, done, rest), to);
      if (r > 0) done += (size_t)r;
    } while (r > 0 && !datagram && done < all);
  } while (again(&o, !o.f->nonblock && !(flags & MSG_DONTWAIT), at, &r));
  return leave(&o, done ? (ssize_t)done : r);
}

static ssize_t pd_do_writev(void *userdata, int fd, const struct iovec *iov, int n) { return do_write(userdata, fd, iov, n, 0, false, NULL); }

static ssize_t pd_do_write(void *userdata, int fd, const void *buf, size_t count)
{
  const struct iovec iov = {(void *)(uintptr_t)buf, count};
  return do_write(userdata, fd, &iov, 1, 0, false, NULL);
}

static ssize_t send_to(void *userdata, int fd, const struct iovec *iov, int n, int flags, const struct sockaddr *to, socklen_t to_len)
{
  struct sockaddr_in a;
  int err = to ? take_addr(to, to_len, &a) : 0;
  if (!err) return do_write(userdata, fd, iov, n, flags, true, to ? &a : NULL);
  errno = -err;
  return -1;
}

static ssize_t pd_do_sendto(void *userdata, int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
  const struct iovec iov = {(void *)(uintptr_t)buf, len};
  return send_to(userdata, fd, &iov, 1, flags, to, to_len);
}

static ssize_t pd_do_send(void *userdata, int fd, const void *buf, size_t len, int flags) { return pd_do_sendto(userdata, fd, buf, len, flags, NULL, 0); }

static ssize_t pd_do_sendmsg(void *userdata, int fd, const struct msghdr *msg, int flags)
{
  if (!msg->msg_controllen) return send_to(userdata, fd, msg->msg_iov, (int)msg->msg_iovlen, flags, msg->msg_name, msg->msg_namelen);
  errno = EOPNOTSUPP;
  return -1;
}

// --- descriptors ---------------------------------------------------------------------------------------------------------

static int pd_do_fcntl(void *userdata, int fd, int cmd, ...)
{
  struct op o;
  va_list ap;
  va_start(ap, cmd);
  int arg = cmd == F_SETFL || cmd == F_SETFD ? va_arg(ap, int) : 0, r = -EBADF;
  va_end(ap);
  if (enter(&o, userdata, fd) && o.f) {
    int way = o.f->kind == PD_PIPE_READ ? O_RDONLY : o.f->kind == PD_PIPE_WRITE ? O_WRONLY : O_RDWR;
    r = cmd == F_GETFL ? way | (o.f->nonblock ? O_NONBLOCK : 0) : cmd == F_SETFL || cmd == F_GETFD || cmd == F_SETFD ? 0 : -EINVAL;
    if (cmd == F_SETFL) o.f->nonblock = arg & O_NONBLOCK;
  }
  return leave_int(&o, r);
}

static int ioctl_socket(struct op *o, unsigned long request, int *val)
{
  struct sock_info i;
  sock_info(o->d->e.stack, o->f->sock.sid, &i);
  bool stream = o->f->sock.type == SOCK_STREAM;
  if (stream && i.state == SOCK_LISTENS) return -EINVAL;
  switch (request) {
    case SIOCINQ: *val = (int)i.unread; return 0;
    case SIOCOUTQ: *val = (int)i.unacked; return 0;
    case SIOCOUTQNSD:
      if (!i.snd) return -EINVAL;
      *val = (int)i.unacked - seq_diff(i.snd->max, i.snd->una);
      if (*val < 0) *val = 0;   // the FIN
      return 0;
    default: return -ENOTTY;
  }
}

static int pd_do_ioctl(void *userdata, int fd, unsigned long request, ...)
{
  struct op o;
  va_list ap;
  va_start(ap, request);
  int *val = va_arg(ap, int *), r = -EBADF;
  va_end(ap);
  if (enter(&o, userdata, fd) && o.f) {
    r = val ? 0 : -EFAULT;
    if (val && request == FIONBIO) o.f->nonblock = *val;
    else if (val && o.f->kind == PD_SOCKET) r = ioctl_socket(&o, request, val);
    else if (val && o.f->pipe && request == FIONREAD) *val = (int)o.f->pipe->n;
    else if (val) r = -ENOTTY;
  }
  return leave_int(&o, r);
}

static ssize_t poll_once(struct pd *d, struct pollfd *fds, nfds_t n)
{
  ssize_t ready = 0;
  for (nfds_t i = 0; i < n; i++) {
    struct pd_file *f = fds[i].fd < 0 ? NULL : pd_file_take(d, fds[i].fd);
    fds[i].revents = fds[i].fd < 0 ? 0 : f ? pd_file_poll(d, f) & (fds[i].events | POLLERR | POLLHUP) : POLLNVAL;
    if (f) pd_file_give(f);
    ready += fds[i].revents != 0;
  }
  return ready ? ready : -EAGAIN;
}

static int pd_do_poll(void *userdata, struct pollfd *fds, nfds_t n, int timeout_ms)
{
  struct op o;
  ssize_t r;
  if (!enter(&o, userdata, -1)) return leave_int(&o, -ENODEV);
  uint64_t at = until_ms(o.d, timeout_ms);
  do r = poll_once(o.d, fds, n);
  while (again(&o, timeout_ms, at, &r));
  return leave_int(&o, r == -EAGAIN ? 0 : r);
}

static int pd_do_epoll_create(void *userdata, int size)
{
  struct op o;
  int r = -EINVAL;
  if (enter(&o, userdata, -1) && size > 0) r = pd_epoll_new(o.d);
  return leave_int(&o, r);
}

static int pd_do_epoll_ctl(void *userdata, int epfd, int op, int fd, struct epoll_event *event)
{
  struct op o;
  int r = -EBADF;
  if (enter(&o, userdata, epfd) && o.f) r = pd_epoll_ctl(o.d, o.f, op, fd, event);
  return leave_int(&o, r);
}

static int pd_do_epoll_wait(void *userdata, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
  struct op o;
  ssize_t r;
  if (!enter(&o, userdata, epfd) || !o.f) return leave_int(&o, -EBADF);
  uint64_t at = until_ms(o.d, timeout_ms);
  do {
    r = events ? pd_epoll_take(o.d, o.f, events, max) : -EFAULT;
    if (!r) r = -EAGAIN;
  } while (again(&o, timeout_ms, at, &r));
  return leave_int(&o, r == -EAGAIN ? 0 : r);
}

static int pd_do_pipe(void *userdata, int fds[2])
{
  struct op o;
  int r = -ENODEV;
  if (enter(&o, userdata, -1)) r = pd_pipe_new(o.d, fds);
  return leave_int(&o, r);
}

// packetdrill gives addresses of its offsets, whatever they are: 0 is none.
static int pd_do_splice(void *userdata, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out, size_t len, unsigned flags)
{
  struct op o;
  ssize_t r = -EBADF;
  if (!enter(&o, userdata, fd_in) || !o.f) return leave_int(&o, r);
  struct pd_file *out = pd_file_take(o.d, fd_out);
  if (out) {
    bool waits = !(flags & SPLICE_F_NONBLOCK) && !o.f->nonblock && !out->nonblock;
    do r = (off_in && *off_in) || (off_out && *off_out) ? -ESPIPE : out->closed ? -EBADF : pd_splice(o.d, o.f, out, len);
    while (again(&o, waits, PD_NEVER, &r));
    pd_file_give(out);
  }
  return leave_int(&o, r);
}

// --- clock and wire ------------------------------------------------------------------------------------------------------

static int result(ssize_t r)
{
  if (r >= 0) return 0;
  errno = (int)-r;
  return -1;
}

static int pd_do_netdev_send(void *userdata, const void *buf, size_t count) { return result(userdata ? pd_send(userdata, buf, count) : -ENODEV); }

static int pd_do_netdev_receive(void *userdata, void *buf, size_t *count, long long *time_usecs)
{
  uint64_t at;
  if (!userdata) return result(-ENODEV);
  ssize_t n = pd_receive(userdata, buf, *count, &at);
  *count = n < 0 ? 0 : (size_t)n;
  if (time_usecs) *time_usecs = (long long)at;
  return result(n);
}

static int pd_do_usleep(void *userdata, useconds_t usec)
{
  if (userdata) pd_sleep(userdata, usec);
  return result(userdata ? 0 : -ENODEV);
}

static int pd_do_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz)
{
  if (!userdata) return result(-ENODEV);
  uint64_t now = pd_time(userdata);
  if (tv) *tv = (struct timeval){(time_t)(now / 1000000), (suseconds_t)(now % 1000000)};
  if (tz) *tz = (struct timezone){0, 0};
  return 0;
}

static void pd_do_free(void *userdata) { pd_close(userdata); }

const struct packetdrill_interface pd_calls = {
    .free = pd_do_free, .socket = pd_do_socket, .bind = pd_do_bind, .listen = pd_do_listen, .accept = pd_do_accept,
    .connect = pd_do_connect, .read = pd_do_read, .readv = pd_do_readv, .recv = pd_do_recv, .recvfrom = pd_do_recvfrom,
    .recvmsg = pd_do_recvmsg, .write = pd_do_write, .writev = pd_do_writev, .send = pd_do_send, .sendto = pd_do_sendto,
    .sendmsg = pd_do_sendmsg, .fcntl = pd_do_fcntl, .ioctl = pd_do_ioctl, .close = pd_do_close, .shutdown = pd_do_shutdown,
    .getsockopt = pd_do_getsockopt, .setsockopt = pd_do_setsockopt, .poll = pd_do_poll, .netdev_send = pd_do_netdev_send,
    .netdev_receive = pd_do_netdev_receive, .usleep = pd_do_usleep, .gettimeofday = pd_do_gettimeofday,
    .epoll_create = pd_do_epoll_create, .epoll_ctl = pd_do_epoll_ctl, .epoll_wait = pd_do_epoll_wait, .pipe = pd_do_pipe,
    .splice = pd_do_splice,
};
