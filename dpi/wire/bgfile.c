// SPDX-License-Identifier: Apache-2.0
#include "wire/bgfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bgfile {
  int fd;
  uint64_t bytes;
  uint8_t *front;              // being filled, n bytes
  size_t n;
  bool has_thread;
  pthread_t thread;
  // What follows is shared with the thread.
  pthread_mutex_t lock;
  pthread_cond_t change;
  uint8_t *back;               // being written, back_n bytes; 0: idle
  size_t back_n;
  bool ending;
  int error;
};

int bgfile_write_all(int fd, const uint8_t *p, size_t n)
{
  while (n) {
    ssize_t k = write(fd, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return k ? errno : ENOSPC;
    p += k;
    n -= (size_t)k;
  }
  return 0;
}

// A buffer that has its memory from the start: a run does not grow by it later.
static uint8_t *touched(void)
{
  uint8_t *b = malloc(BGFILE_BUF_BYTES);
  return b ? memset(b, 0, BGFILE_BUF_BYTES) : NULL;
}

struct bgfile *bgfile_open(const char *path, const void *head, size_t head_bytes)
{
  struct bgfile *f = calloc(1, sizeof *f);
  if (!f) return NULL;
  f->front = touched();
  f->back = touched();
  f->fd = f->front && f->back ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
  f->bytes = head_bytes;
  int e = f->fd < 0 ? errno : bgfile_write_all(f->fd, head, head_bytes);
  if (!e) {
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->change, NULL);
    return f;
  }
  if (f->fd >= 0) close(f->fd);
  free(f->front);
  free(f->back);
  free(f);
  errno = e;
  return NULL;
}

static void *work(void *arg)
{
  struct bgfile *f = arg;
  pthread_mutex_lock(&f->lock);
  for (;;) {
    while (!f->back_n && !f->ending) pthread_cond_wait(&f->change, &f->lock);
    if (!f->back_n) break;
    size_t n = f->back_n;
    int error = f->error;
    pthread_mutex_unlock(&f->lock);
    if (!error) error = bgfile_write_all(f->fd, f->back, n);
    pthread_mutex_lock(&f->lock);
    f->error = error;
    f->back_n = 0;
    pthread_cond_broadcast(&f->change);
  }
  pthread_mutex_unlock(&f->lock);
  return NULL;
}

// The signals are the main thread's.
static bool start(struct bgfile *f)
{
  sigset_t all, was;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &was);
  f->has_thread = pthread_create(&f->thread, NULL, work, f) == 0;
  pthread_sigmask(SIG_SETMASK, &was, NULL);
  return f->has_thread;
}

int bgfile_flush(struct bgfile *f)
{
  if (!f->n) return f->error;
  if (!f->has_thread && !start(f)) {   // no thread to be had: then by ourselves
    if (!f->error) f->error = bgfile_write_all(f->fd, f->front, f->n);
    f->n = 0;
    return f->error;
  }
  pthread_mutex_lock(&f->lock);
  while (f->back_n) pthread_cond_wait(&f->change, &f->lock);
  uint8_t *full = f->front;
  f->front = f->back;
  f->back = full;
  f->back_n = f->n;
  int error = f->error;
  pthread_cond_broadcast(&f->change);
  pthread_mutex_unlock(&f->lock);
  f->n = 0;
  return error;
}

void bgfile_together(struct bgfile *f, size_t n)
{
  assert(n <= BGFILE_BUF_BYTES);
  if (f->n + n > BGFILE_BUF_BYTES) bgfile_flush(f);
}

void bgfile_write(struct bgfile *f, const void *p, size_t n)
{
  bgfile_together(f, n);
  memcpy(f->front + f->n, p, n);
  f->n += n;
  f->bytes += n;
}

uint64_t bgfile_bytes(const struct bgfile *f) { return f->bytes; }

int bgfile_close(struct bgfile *f)
{
  if (!f) return 0;
  bgfile_flush(f);
  if (f->has_thread) {
    pthread_mutex_lock(&f->lock);
    f->ending = true;
    pthread_cond_broadcast(&f->change);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
  }
  int error = f->error;
  if (close(f->fd) != 0 && !error) error = errno;
  pthread_cond_destroy(&f->change);
  pthread_mutex_destroy(&f->lock);
  free(f->front);
  free(f->back);
  free(f);
  return error;
}
