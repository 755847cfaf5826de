// SPDX-License-Identifier: Apache-2.0
// The script's file descriptors: sockets, pipes, epoll instances, by numbers of our own from PD_FD_FIRST on, the lowest free one
// first. Under the lock of pd.h; nothing here waits. Errors are negative errno values.
#ifndef LW_PD_FILE_H
#define LW_PD_FILE_H
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "pd.h"

enum { PD_FD_FIRST = 1000, PD_FILES = 1024, PD_PIPE_BYTES = 65536, PD_EPOLL_ITEMS = 128 };

enum pd_kind { PD_SOCKET, PD_PIPE_READ, PD_PIPE_WRITE, PD_EPOLL };

struct pd_socket {
  int sid, type, protocol;      // type: SOCK_STREAM, SOCK_DGRAM
  bool calling;                 // connect was called, and has not yet said that it stands
  bool told;                    // why the connection failed was told: once, as ever
  bool deaf;                    // shut for reading
  struct linger linger;         // SO_LINGER
  uint64_t rcv_us, snd_us;      // SO_RCVTIMEO, SO_SNDTIMEO; 0: for ever
};

struct pd_pipe {
  size_t at, n;                 // the first byte, how many
  bool readers, writers;
  uint8_t buf[PD_PIPE_BYTES];
};

struct pd_watch {
  int fd;
  struct pd_file *of;
  struct epoll_event ev;
  bool edge;                    // something happened since it was told last
  bool off;                     // EPOLLONESHOT was told
};

struct pd_epoll {
  size_t n;
  struct pd_watch item[PD_EPOLL_ITEMS];
};

struct pd_file {
  int fd, uses;                 // freed with the last call that uses it, not before it is closed
  bool closed, nonblock;
  enum pd_kind kind;
  struct pd_socket sock;
  struct pd_pipe *pipe;         // of both ends
  struct pd_epoll *epoll;
};

struct pd_files {
  struct pd_file *of[PD_FILES];
  uint8_t gathered[65536];      // what goes from or to more than one buffer
};

struct pd_files *pd_files_open(void);   // NULL: out of memory
void pd_files_close(struct pd_files *fs);
// The stack says that a socket's readiness changed.
void pd_files_ready(struct pd_files *fs, int sid);

// A new descriptor; NULL with *err: -EMFILE, -ENOMEM.
struct pd_file *pd_file_new(struct pd *d, enum pd_kind kind, int *err);
// That of a number, to be given back; NULL: there is none.
struct pd_file *pd_file_take(struct pd *d, int fd);
void pd_file_give(struct pd_file *f);
int pd_file_close(struct pd *d, struct pd_file *f);
// POLL* that hold now.
short pd_file_poll(struct pd *d, const struct pd_file *f);

// --- sockets (pd_socket.c; options: pd_sockopt.c) ---
int pd_socket_new(struct pd *d, int type, int protocol);               // fd
int pd_socket_bind(struct pd *d, struct pd_file *f, const struct sockaddr_in *a);
int pd_socket_connect(struct pd *d, struct pd_file *f, const struct sockaddr_in *a);   // -EINPROGRESS, -EALREADY as connect
int pd_socket_accept(struct pd *d, struct pd_file *f, struct sockaddr_in *peer);       // fd
ssize_t pd_socket_recv(struct pd *d, struct pd_file *f, const struct iovec *iov, int n, struct sockaddr_in *from);
// Of a stream perhaps not all.
ssize_t pd_socket_send(struct pd *d, struct pd_file *f, const struct iovec *iov, int n, const struct sockaddr_in *to);
int pd_socket_shutdown(struct pd *d, struct pd_file *f, int how);
// Closes our side before close() does: 0: its FIN is acknowledged, or there is none to wait for; -EAGAIN.
int pd_socket_linger(struct pd *d, struct pd_file *f);
int pd_socket_error(struct pd *d, struct pd_file *f);                  // SO_ERROR: a positive errno, told once
int pd_getsockopt(struct pd *d, struct pd_file *f, int level, int name, void *val, socklen_t *len);
int pd_setsockopt(struct pd *d, struct pd_file *f, int level, int name, const void *val, socklen_t len);

// --- pipes ---
int pd_pipe_new(struct pd *d, int fds[static 2]);
ssize_t pd_pipe_read(struct pd *d, struct pd_file *f, const struct iovec *iov, int n);
ssize_t pd_pipe_write(struct pd *d, struct pd_file *f, const struct iovec *iov, int n);
// Moves bytes between a pipe and a socket, or two pipes, at most len.
ssize_t pd_splice(struct pd *d, struct pd_file *in, struct pd_file *out, size_t len);

// --- epoll ---
int pd_epoll_new(struct pd *d);
int pd_epoll_ctl(struct pd *d, struct pd_file *ep, int op, int fd, const struct epoll_event *ev);
int pd_epoll_take(struct pd *d, struct pd_file *ep, struct epoll_event *out, int max);   // how many are ready now
#endif
