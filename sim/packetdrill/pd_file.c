// SPDX-License-Identifier: Apache-2.0
#include "pd_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct pd_files *pd_files_open(void) { return calloc(1, sizeof(struct pd_files)); }

static void free_file(struct pd_file *f)
{
  free(f->epoll);
  free(f);
}

// A pipe goes with its second end.
static void leave_pipe(struct pd_file *f)
{
  if (f->kind == PD_PIPE_READ) f->pipe->readers = false;
  if (f->kind == PD_PIPE_WRITE) f->pipe->writers = false;
  if (!f->pipe->readers && !f->pipe->writers) free(f->pipe);
  f->pipe = NULL;
}

void pd_files_close(struct pd_files *fs)
{
  for (size_t i = 0; fs && i < PD_FILES; i++) {
    if (!fs->of[i]) continue;
    if (fs->of[i]->pipe) leave_pipe(fs->of[i]);
    free_file(fs->of[i]);
  }
  free(fs);
}

static void tell_watchers(struct pd_files *fs, const struct pd_file *f)
{
  for (size_t i = 0; i < PD_FILES; i++)
    for (size_t j = 0; fs->of[i] && fs->of[i]->epoll && j < fs->of[i]->epoll->n; j++)
      if (fs->of[i]->epoll->item[j].of == f) fs->of[i]->epoll->item[j].edge = true;
}

void pd_files_ready(struct pd_files *fs, int sid)
{
  for (size_t i = 0; i < PD_FILES; i++)
    if (fs->of[i] && fs->of[i]->kind == PD_SOCKET && fs->of[i]->sock.sid == sid) tell_watchers(fs, fs->of[i]);
}

struct pd_file *pd_file_new(struct pd *d, enum pd_kind kind, int *err)
{
  for (int i = 0; i < PD_FILES; i++) {
    if (d->files->of[i]) continue;
    struct pd_file *f = d->files->of[i] = calloc(1, sizeof *f);
    if (f) *f = (struct pd_file){.fd = PD_FD_FIRST + i, .kind = kind};
    *err = -ENOMEM;
    return f;
  }
  *err = -EMFILE;
  return NULL;
}

static void forget(struct pd *d, const struct pd_file *f) { d->files->of[f->fd - PD_FD_FIRST] = NULL; }

struct pd_file *pd_file_take(struct pd *d, int fd)
{
  struct pd_file *f = fd < PD_FD_FIRST || fd >= PD_FD_FIRST + PD_FILES ? NULL : d->files->of[fd - PD_FD_FIRST];
  if (f) f->uses++;
  return f;
}

void pd_file_give(struct pd_file *f)
{
  if (--f->uses == 0 && f->closed) free_file(f);
}

static void unwatch(struct pd_files *fs, const struct pd_file *f)
{
  for (size_t i = 0; i < PD_FILES; i++) {
    struct pd_epoll *e = fs->of[i] ? fs->of[i]->epoll : NULL;
    for (size_t j = 0; e && j < e->n;)
      if (e->item[j].of == f) e->item[j] = e->item[--e->n];
      else j++;
  }
}

int pd_file_close(struct pd *d, struct pd_file *f)
{
  unwatch(d->files, f);
  forget(d, f);
  f->closed = true;
  if (f->kind == PD_SOCKET) (f->sock.linger.l_onoff && !f->sock.linger.l_linger ? sock_abort : sock_close)(d->e.stack, f->sock.sid);
  if (f->pipe) leave_pipe(f);
  pd_news(d);   // who waits on it hears that it is gone
  return 0;
}

// --- what holds now ----------------------------------------------------------------------------------------------------

static short poll_socket(struct pd *d, const struct pd_socket *k)
{
  struct sock_info i;
  unsigned now = sock_poll(d->e.stack, k->sid);
  bool in = now & SOCK_IN || k->deaf, out = now & SOCK_OUT;
  short r = 0;
  if (sock_info(d->e.stack, k->sid, &i)) return POLLNVAL;
  if (k->type == SOCK_STREAM && i.state != SOCK_LISTENS && i.state != SOCK_SYN_SENT && i.state != SOCK_SYN_RECEIVED) {
    bool hup = now & SOCK_HUP || k->deaf, over = i.state == SOCK_CLOSED || i.state == SOCK_TIME_WAIT;
    out |= i.shut || over;   // it would not wait to say that it cannot
    if (hup && !(over && !now)) r |= POLLRDHUP;
    if (over || (hup && i.shut)) r |= POLLHUP;
  }
  if (i.err && !k->told) r |= POLLERR;
  return (short)(r | (in ? POLLIN | POLLRDNORM : 0) | (out ? POLLOUT | POLLWRNORM : 0));
}

static short poll_pipe(const struct pd_file *f)
{
  const struct pd_pipe *p = f->pipe;
  if (f->kind == PD_PIPE_READ) return (short)((p->n ? POLLIN | POLLRDNORM : 0) | (p->writers ? 0 : POLLHUP));
  return (short)((p->n < PD_PIPE_BYTES ? POLLOUT | POLLWRNORM : 0) | (p->readers ? 0 : POLLERR));
}

static bool epoll_ready(struct pd *d, const struct pd_epoll *e);

short pd_file_poll(struct pd *d, const struct pd_file *f)
{
  if (f->kind == PD_SOCKET) return poll_socket(d, &f->sock);
  if (f->kind == PD_EPOLL) return epoll_ready(d, f->epoll) ? POLLIN | POLLRDNORM : 0;
  return poll_pipe(f);
}

// --- pipes -------------------------------------------------------------------------------------------------------------

int pd_pipe_new(struct pd *d, int fds[static 2])
{
  int err = -ENOMEM;
  struct pd_pipe *p = calloc(1, sizeof *p);
  struct pd_file *in = p ? pd_file_new(d, PD_PIPE_READ, &err) : NULL, *out = in ? pd_file_new(d, PD_PIPE_WRITE, &err) : NULL;
  if (!out) {
    if (in) forget(d, in);
    free(in);
    free(p);
    return err;
  }
  p->readers = p->writers = true;
  in->pipe = out->pipe = p;
  fds[0] = in->fd;
  fds[1] = out->fd;
  return 0;
}

static void pipe_changed(struct pd *d, const struct pd_pipe *p)
{
  for (size_t i = 0; i < PD_FILES; i++)
    if (d->files->of[i] && d->files->of[i]->pipe == p) tell_watchers(d->files, d->files->of[i]);
  pd_news(d);
}

// What lies together at the beginning, and what is free together behind the end.
static size_t filled(const struct pd_pipe *p) { return p->at + p->n < PD_PIPE_BYTES ? p->n : PD_PIPE_BYTES - p->at; }
static size_t vacant(const struct pd_pipe *p, size_t *at)
{
  *at = (p->at + p->n) % PD_PIPE_BYTES;
  size_t left = PD_PIPE_BYTES - p->n, to_end = PD_PIPE_BYTES - *at;
  return left < to_end ? left : to_end;
}

static size_t take_bytes(struct pd_pipe *p, uint8_t *to, size_t len)
{
  size_t done = 0;
  for (size_t n; p->n && done < len; done += n) {
    n = filled(p) < len - done ? filled(p) : len - done;
    memcpy(to + done, p->buf + p->at, n);
    p->at = (p->at + n) % PD_PIPE_BYTES;
    p->n -= n;
  }
  return done;
}

static size_t put_bytes(struct pd_pipe *p, const uint8_t *from, size_t len)
{
  size_t done = 0;
  for (size_t n, at; done < len && (n = vacant(p, &at)); done += n) {
    if (n > len - done) n = len - done;
    memcpy(p->buf + at, from + done, n);
    p->n += n;
  }
  return done;
}

ssize_t pd_pipe_read(struct pd *d, struct pd_file *f, const struct iovec *iov, int n)
{
  size_t done = 0;
  if (f->kind != PD_PIPE_READ) return -EBADF;
  for (int i = 0; i < n; i++) done += take_bytes(f->pipe, iov[i].iov_base, iov[i].iov_len);
  if (done) pipe_changed(d, f->pipe);
  return done || !f->pipe->writers ? (ssize_t)done : -EAGAIN;
}

ssize_t pd_pipe_write(struct pd *d, struct pd_file *f, const struct iovec *iov, int n)
{
  size_t done = 0;
  if (f->kind != PD_PIPE_WRITE) return -EBADF;
  if (!f->pipe->readers) return -EPIPE;
  for (int i = 0; i < n; i++) done += put_bytes(f->pipe, iov[i].iov_base, iov[i].iov_len);
  if (done) pipe_changed(d, f->pipe);
  return done ? (ssize_t)done : -EAGAIN;
}

static ssize_t from_pipe(struct pd *d, struct pd_pipe *p, struct pd_file *out, size_t len)
{
  size_t n = filled(p) < len ? filled(p) : len;
  struct iovec iov = {p->buf + p->at, n};
  if (!n) return p->writers && len ? -EAGAIN : 0;
  ssize_t r = out->kind == PD_SOCKET ? pd_socket_send(d, out, &iov, 1, NULL) : pd_pipe_write(d, out, &iov, 1);
  if (r <= 0) return r;
  p->at = (p->at + (size_t)r) % PD_PIPE_BYTES;
  p->n -= (size_t)r;
  pipe_changed(d, p);
  return r;
}

static ssize_t into_pipe(struct pd *d, struct pd_file *in, struct pd_pipe *p, size_t len)
{
  size_t at, room = vacant(p, &at);
  struct iovec iov = {p->buf + at, room < len ? room : len};
  if (!p->readers) return -EPIPE;
  if (!room) return -EAGAIN;
  ssize_t r = pd_socket_recv(d, in, &iov, 1, NULL);
  if (r <= 0) return r;
  p->n += (size_t)r;
  pipe_changed(d, p);
  return r;
}

ssize_t pd_splice(struct pd *d, struct pd_file *in, struct pd_file *out, size_t len)
{
  if (in->kind == PD_PIPE_READ && in->pipe != out->pipe && (out->kind == PD_SOCKET || out->kind == PD_PIPE_WRITE)) return from_pipe(d, in->pipe, out, len);
  if (in->kind == PD_SOCKET && out->kind == PD_PIPE_WRITE) return into_pipe(d, in, out->pipe, len);
  return -EINVAL;
}

// --- epoll -------------------------------------------------------------------------------------------------------------

static struct pd_watch *find_watch(struct pd_epoll *e, const struct pd_file *f)
{
  for (size_t i = 0; i < e->n; i++)
    if (e->item[i].of == f) return &e->item[i];
  return NULL;
}

int pd_epoll_new(struct pd *d)
{
  int err = -ENOMEM;
  struct pd_epoll *e = calloc(1, sizeof *e);
  struct pd_file *f = e ? pd_file_new(d, PD_EPOLL, &err) : NULL;
  if (f) f->epoll = e;
  else free(e);
  return f ? f->fd : err;
}

int pd_epoll_ctl(struct pd *d, struct pd_file *ep, int op, int fd, const struct epoll_event *ev)
{
  struct pd_file *f = pd_file_take(d, fd);
  if (!f) return -EBADF;
  pd_file_give(f);   // the lock holds it
  if (ep->kind != PD_EPOLL || f->kind == PD_EPOLL) return -EINVAL;
  struct pd_epoll *e = ep->epoll;
  struct pd_watch *w = find_watch(e, f);
  if (op == EPOLL_CTL_ADD ? w != NULL : !w) return op == EPOLL_CTL_ADD ? -EEXIST : -ENOENT;
  if (op != EPOLL_CTL_DEL && !ev) return -EFAULT;
  if (op == EPOLL_CTL_DEL) {
    *w = e->item[--e->n];
    return 0;
  }
  if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD) return -EINVAL;
  if (!w && e->n == PD_EPOLL_ITEMS) return -ENOSPC;
  if (!w) w = &e->item[e->n++];
  *w = (struct pd_watch){.fd = fd, .of = f, .ev = *ev, .edge = true};
  pd_news(d);
  return 0;
}

// EPOLLERR and EPOLLHUP are always asked for; POLL* and EPOLL* are the same bits.
static uint32_t happened(struct pd *d, const struct pd_watch *w)
{
  uint32_t now = (uint16_t)pd_file_poll(d, w->of) & (w->ev.events | EPOLLERR | EPOLLHUP);
  return w->off || (w->ev.events & EPOLLET && !w->edge) ? 0 : now;
}

static bool epoll_ready(struct pd *d, const struct pd_epoll *e)
{
  for (size_t i = 0; i < e->n; i++)
    if (happened(d, &e->item[i])) return true;
  return false;
}

int pd_epoll_take(struct pd *d, struct pd_file *ep, struct epoll_event *out, int max)
{
  int n = 0;
  if (ep->kind != PD_EPOLL || max <= 0) return -EINVAL;
  for (size_t i = 0; i < ep->epoll->n && n < max; i++) {
    struct pd_watch *w = &ep->epoll->item[i];
    uint32_t now = happened(d, w);
    if (!now) continue;
    out[n++] = (struct epoll_event){.events = now, .data = w->ev.data};
    w->edge = false;
    w->off = w->ev.events & EPOLLONESHOT;
  }
  return n;
}
