// SPDX-License-Identifier: Apache-2.0
#include "wire/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "wire/bgfile.h"

enum { SUM_BYTES = 4 };

struct whole {
  char *path, *part;
  int fd, error;               // error: the thread's until it is joined
  const struct blob *b;
  bool has_thread;
  pthread_t thread;
};

static void *work(void *arg)
{
  struct whole *w = arg;
  uint8_t sum[SUM_BYTES];
  put_le32(sum, (uint32_t)crc32_z(0, w->b->buf, w->b->n));
  w->error = bgfile_write_all(w->fd, w->b->buf, w->b->n);
  if (!w->error) w->error = bgfile_write_all(w->fd, sum, sizeof sum);
  if (close(w->fd) != 0 && !w->error) w->error = errno;
  if (!w->error && rename(w->part, w->path) != 0) w->error = errno;
  return NULL;
}

static void release(struct whole *w)
{
  free(w->path);
  free(w->part);
  free(w);
}

struct whole *whole_write(const char *path, const struct blob *b)
{
  sigset_t all, was;
  size_t len = strlen(path);
  struct whole *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  *w = (struct whole){.path = strdup(path), .part = malloc(len + 5), .b = b, .fd = -1};
  if (w->path && w->part) {
    snprintf(w->part, len + 5, "%s.tmp", path);
    w->fd = open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (w->fd < 0) {
    int e = errno;
    release(w);
    errno = e;
    return NULL;
  }
  sigfillset(&all);            // the signals are the main thread's
  pthread_sigmask(SIG_SETMASK, &all, &was);
  w->has_thread = pthread_create(&w->thread, NULL, work, w) == 0;
  pthread_sigmask(SIG_SETMASK, &was, NULL);
  if (!w->has_thread) work(w);
  return w;
}

int whole_end(struct whole *w)
{
  if (!w) return 0;
  if (w->has_thread) pthread_join(w->thread, NULL);
  int error = w->error;
  if (error) unlink(w->part);
  release(w);
  return error;
}

static bool refuse(const char *path, const char *why, char err[static WHOLE_ERR_LEN])
{
  snprintf(err, WHOLE_ERR_LEN, "%.120s: %s", path, why);
  return false;
}

bool whole_read(const char *path, struct blob *b, char err[static WHOLE_ERR_LEN])
{
  struct stat st;
  FILE *f = fopen(path, "rb");
  if (!f || fstat(fileno(f), &st) != 0) {
    refuse(path, strerror(errno), err);
    if (f) fclose(f);
    return false;
  }
  size_t n = st.st_size > 0 ? (size_t)st.st_size : 0;
  uint8_t *p = blob_room(b, n);
  bool read = p && fread(p, 1, n, f) == n;
  fclose(f);
  if (!read) return refuse(path, p ? "cannot be read" : "out of memory", err);
  if (n < SUM_BYTES || get_le32(p + n - SUM_BYTES) != (uint32_t)crc32_z(0, p, n - SUM_BYTES)) return refuse(path, "cut off or damaged", err);
  b->n -= SUM_BYTES;
  return true;
}
