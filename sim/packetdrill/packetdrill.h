// SPDX-License-Identifier: Apache-2.0
// The interface by which packetdrill (--so_filename) drives a stack that is a shared object: build/liblockwire_packetdrill.so
// exports packetdrill_interface_init, which fills in the table. Each function takes `userdata`, then the arguments of the system
// call of its name, and answers as that does: -1 with errno, when it must.
#ifndef LW_PACKETDRILL_H
#define LW_PACKETDRILL_H
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>   // useconds_t

struct packetdrill_interface {
  void *userdata;
  void (*free)(void *userdata);
  int (*socket)(void *userdata, int domain, int type, int protocol);
  int (*bind)(void *userdata, int fd, const struct sockaddr *addr, socklen_t len);
  int (*listen)(void *userdata, int fd, int backlog);
  int (*accept)(void *userdata, int fd, struct sockaddr *addr, socklen_t *len);
  int (*connect)(void *userdata, int fd, const struct sockaddr *addr, socklen_t len);
  ssize_t (*read)(void *userdata, int fd, void *buf, size_t count);
  ssize_t (*readv)(void *userdata, int fd, const struct iovec *iov, int n);
  ssize_t (*recv)(void *userdata, int fd, void *buf, size_t len, int flags);
  ssize_t (*recvfrom)(void *userdata, int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *from_len);
  ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *msg, int flags);
  ssize_t (*write)(void *userdata, int fd, const void *buf, size_t count);
  ssize_t (*writev)(void *userdata, int fd, const struct iovec *iov, int n);
  ssize_t (*send)(void *userdata, int fd, const void *buf, size_t len, int flags);
  ssize_t (*sendto)(void *userdata, int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t to_len);
  ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *msg, int flags);
  int (*fcntl)(void *userdata, int fd, int cmd, ...);
  int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
  int (*close)(void *userdata, int fd);
  int (*shutdown)(void *userdata, int fd, int how);
  int (*getsockopt)(void *userdata, int fd, int level, int name, void *val, socklen_t *len);
  int (*setsockopt)(void *userdata, int fd, int level, int name, const void *val, socklen_t len);
  int (*poll)(void *userdata, struct pollfd *fds, nfds_t n, int timeout_ms);
  // A packet to the stack, from its IPv4 header on.
  int (*netdev_send)(void *userdata, const void *buf, size_t count);
  // The next packet of the stack, from its IPv4 header on, and when it was sent; virtual time goes on until there is one. *count is
  // the buffer's size, then the packet's; 0: none came, and none will.
  int (*netdev_receive)(void *userdata, void *buf, size_t *count, long long *time_usecs);
  int (*usleep)(void *userdata, useconds_t usec);
  int (*gettimeofday)(void *userdata, struct timeval *tv, struct timezone *tz);
  int (*epoll_create)(void *userdata, int size);
  int (*epoll_ctl)(void *userdata, int epfd, int op, int fd, struct epoll_event *event);
  int (*epoll_wait)(void *userdata, int epfd, struct epoll_event *events, int max, int timeout_ms);
  int (*pipe)(void *userdata, int fds[2]);
  int (*splice)(void *userdata, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out, size_t len, unsigned flags);
};

// flags, separated by commas or blanks, KEY=VALUE or --KEY VALUE; NULL and "" for none: engine=ref|rtl, options=linux|minimal, seed=N, mtu=N,
// ip=ADDR, ecn=on|off, check=on|off (README.md). userdata is NULL when they are wrong, with a line on stderr; then every function fails.
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out);
#endif
