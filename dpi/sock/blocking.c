// SPDX-License-Identifier: Apache-2.0
#include "sock/blocking.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

// A call that waits for its socket; lives on the caller's stack.
struct waiter {
  int sid;
  bool closed;                 // the socket was closed under it
  pthread_cond_t news;
  struct waiter *prev, *next;
};

struct blocking {
  struct stack *s;
  pthread_mutex_t mutex;       // guards the stack, and all here
  struct waiter *first;
  bool stopped;
  void (*wake)(void *arg);
  void *arg;
};

struct blocking *blocking_open(struct stack *s, void (*wake)(void *arg), void *arg)
{
  struct blocking *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  b->s = s;
  b->wake = wake;
  b->arg = arg;
  pthread_mutex_init(&b->mutex, NULL);
  return b;
}

void blocking_close(struct blocking *b)
{
  if (!b) return;
  pthread_mutex_destroy(&b->mutex);
  free(b);
}

void blocking_stop(struct blocking *b)
{
  pthread_mutex_lock(&b->mutex);
  b->stopped = true;
  for (struct waiter *w = b->first; w; w = w->next) pthread_cond_signal(&w->news);
  pthread_mutex_unlock(&b->mutex);
}

static void tell_waiters(struct blocking *b, int sid, bool closed)
{
  for (struct waiter *w = b->first; w; w = w->next) {
    if (w->sid != sid) continue;
    w->closed |= closed;
    pthread_cond_signal(&w->news);
  }
}

struct stack *blocking_lock(struct blocking *b)
{
  pthread_mutex_lock(&b->mutex);
  return b->s;
}

// News of a socket that nobody waits for is no loss: a call looks before it waits, under the same lock.
void blocking_unlock(struct blocking *b)
{
  int sid;
  unsigned events;
  while (sock_next_ready(b->s, &sid, &events)) tell_waiters(b, sid, false);
  pthread_mutex_unlock(&b->mutex);
}

// --- one call ----------------------------------------------------------------------------------------------------------

struct call {
  struct blocking *b;
  int sid, timeout_ms;
  struct timespec until;       // with timeout_ms >= 0
  int err;                     // why it may not wait longer
};

static struct call begin(struct blocking *b, int sid, int timeout_ms)
{
  struct call c = {.b = b, .sid = sid, .timeout_ms = timeout_ms};
  clock_gettime(CLOCK_MONOTONIC, &c.until);
  if (timeout_ms > 0) {
    c.until.tv_sec += timeout_ms / 1000;
    c.until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (c.until.tv_nsec >= 1000000000L) {
      c.until.tv_sec++;
      c.until.tv_nsec -= 1000000000L;
    }
  }
  blocking_lock(b);
  return c;
}

static void waiter_add(struct blocking *b, struct waiter *w)
{
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
  pthread_cond_init(&w->news, &a);
  pthread_condattr_destroy(&a);
  w->next = b->first;
  if (b->first) b->first->prev = w;
  b->first = w;
}

static void waiter_remove(struct blocking *b, struct waiter *w)
{
  *(w->prev ? &w->prev->next : &b->first) = w->next;
  if (w->next) w->next->prev = w->prev;
  pthread_cond_destroy(&w->news);
}

// What was done so far goes out, then this thread waits. False when it may not: c->err says why.
static bool wait_news(struct call *c)
{
  struct blocking *b = c->b;
  struct waiter w = {.sid = c->sid};
  int timed = 0;
  if (b->stopped) {
    c->err = -ECANCELED;
    return false;
  }
  waiter_add(b, &w);
  if (b->wake) b->wake(b->arg);
  if (c->timeout_ms < 0) pthread_cond_wait(&w.news, &b->mutex);
  else timed = pthread_cond_timedwait(&w.news, &b->mutex, &c->until);
  waiter_remove(b, &w);
  if (w.closed) c->err = -EBADF;
  else if (b->stopped) c->err = -ECANCELED;
  else if (timed == ETIMEDOUT) c->err = -EAGAIN;
  return c->err == 0;
}

static ssize_t end(struct call *c, ssize_t result)
{
  struct blocking *b = c->b;
  blocking_unlock(b);
  if (b->wake) b->wake(b->arg);
  return result;
}

// --- the calls -----------------------------------------------------------------------------------------------------------

int blocking_connect(struct blocking *b, int sid, uint32_t ip, uint16_t port, int timeout_ms)
{
  struct call c = begin(b, sid, timeout_ms);
  int r = b->stopped ? -ECANCELED : sock_connect(b->s, sid, ip, port);
  if (r == -EALREADY) r = -EINPROGRESS;   // a call that goes on waiting
  while (r == -EINPROGRESS) {
    if (!wait_news(&c)) return (int)end(&c, c.err == -EAGAIN ? -EINPROGRESS : c.err);
    r = sock_connect(b->s, sid, ip, port);
    if (r == -EALREADY) r = -EINPROGRESS;
    if (r == -EISCONN) r = 0;
  }
  return (int)end(&c, r);
}

int blocking_accept(struct blocking *b, int sid, struct sock_addr *peer, int timeout_ms)
{
  struct call c = begin(b, sid, timeout_ms);
  int r;
  while ((r = b->stopped ? -ECANCELED : sock_accept(b->s, sid, peer)) == -EAGAIN)
    if (!wait_news(&c)) return (int)end(&c, c.err);
  return (int)end(&c, r);
}

// At least one call, since a datagram may be empty; it is taken whole, a stream perhaps in pieces.
ssize_t blocking_sendto(struct blocking *b, int sid, const void *data, size_t len, const struct sock_addr *to, int timeout_ms)
{
  struct call c = begin(b, sid, timeout_ms);
  const uint8_t *p = data;
  size_t done = 0;
  ssize_t r;
  do {
    r = b->stopped ? -ECANCELED : sock_sendto(b->s, sid, p + done, len - done, to);
    if (r > 0) done += (size_t)r;
    else if (r == -EAGAIN) r = wait_news(&c) ? 0 : c.err;
  } while (r >= 0 && done < len);
  return end(&c, done > 0 ? (ssize_t)done : r);
}

ssize_t blocking_send(struct blocking *b, int sid, const void *data, size_t len, int timeout_ms)
{
  return blocking_sendto(b, sid, data, len, NULL, timeout_ms);
}

ssize_t blocking_recvfrom(struct blocking *b, int sid, void *buf, size_t cap, struct sock_addr *from, int timeout_ms)
{
  struct call c = begin(b, sid, timeout_ms);
  ssize_t r;
  while ((r = b->stopped ? -ECANCELED : sock_recvfrom(b->s, sid, buf, cap, from)) == -EAGAIN)
    if (!wait_news(&c)) return end(&c, c.err);
  return end(&c, r);
}

ssize_t blocking_recv(struct blocking *b, int sid, void *buf, size_t cap, int timeout_ms)
{
  return blocking_recvfrom(b, sid, buf, cap, NULL, timeout_ms);
}

int blocking_close_socket(struct blocking *b, int sid)
{
  struct call c = begin(b, sid, 0);
  int r = sock_close(b->s, sid);
  if (r == 0) tell_waiters(b, sid, true);
  return (int)end(&c, r);
}

int blocking_shutdown(struct blocking *b, int sid)
{
  struct call c = begin(b, sid, 0);
  return (int)end(&c, sock_shutdown(b->s, sid));
}
