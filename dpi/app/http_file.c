// SPDX-License-Identifier: Apache-2.0
#include "app/http_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/http_text.h"

enum { LIST_MOST = 4000 };

static const char *type_of(const char *name)
{
  static const struct { const char *end, *type; } table[] = {
      {"html", "text/html; charset=utf-8"}, {"htm", "text/html; charset=utf-8"}, {"txt", "text/plain; charset=utf-8"},
      {"md", "text/plain; charset=utf-8"}, {"css", "text/css; charset=utf-8"}, {"csv", "text/csv; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"}, {"json", "application/json"}, {"xml", "application/xml"}, {"svg", "image/svg+xml"},
      {"png", "image/png"}, {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"}, {"webp", "image/webp"},
      {"ico", "image/vnd.microsoft.icon"}, {"mp4", "video/mp4"}, {"woff2", "font/woff2"}, {"wasm", "application/wasm"},
      {"pdf", "application/pdf"}, {"zip", "application/zip"}, {"gz", "application/gzip"}, {"tar", "application/x-tar"},
  };
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot && i < sizeof table / sizeof *table; i++)
    if (strcasecmp(dot + 1, table[i].end) == 0) return table[i].type;
  return "application/octet-stream";
}

static int status_of(int err)
{
  switch (err) {
    case ENOENT: case ENOTDIR: case ELOOP: case ENAMETOOLONG: case ENXIO: return 404;
    case EACCES: case EPERM: return 403;
    case EMFILE: case ENFILE: case ENOMEM: return 503;
    default: return 500;
  }
}

// The next part of a path, without the slashes around it and parts that are ".". False: it is over. `last`: nothing follows,
// not even a slash.
static bool next_part(const char **path, char part[static NAME_MAX + 2], bool *last)
{
  for (;;) {
    *path += strspn(*path, "/");
    size_t n = strcspn(*path, "/");
    if (n == 0) return false;
    snprintf(part, NAME_MAX + 2, "%.*s", (int)n, *path);   // what is longer is too long for a name even cut off
    *path += n;
    *last = **path == '\0';
    if (strcmp(part, ".") != 0) return true;
  }
}

// Goes down from dir, which it closes, to what is to be opened there; NULL when that is dir itself. -1 with errno.
static int walk(int dir, const char *path, char name[static NAME_MAX + 2], bool *has_name)
{
  bool last = false;
  *has_name = false;
  while (dir >= 0 && next_part(&path, name, &last)) {
    if (strcmp(name, "..") == 0) {
      close(dir);
      errno = ENOENT;
      return -1;
    }
    if (last) {
      *has_name = true;
      break;
    }
    int down = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int err = errno;
    close(dir);
    errno = err;
    dir = down;
  }
  return dir;
}

// O_NONBLOCK: a FIFO is not waited for, it is nothing that we serve.
static int open_here(int dir, const char *name) { return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }

static int finish(struct http_file *f, const struct stat *st, const char *name)
{
  f->size = (uint64_t)st->st_size;
  f->mtime = st->st_mtim.tv_sec;
  f->type = f->dir ? "text/html; charset=utf-8" : type_of(name);
  snprintf(f->etag, sizeof f->etag, "\"%llx-%llx\"", (unsigned long long)st->st_size,
           (unsigned long long)st->st_mtim.tv_sec * 1000000000u + (unsigned long long)st->st_mtim.tv_nsec);
  return 0;
}

static int fail(struct http_file *f, int status)
{
  if (f->fd >= 0) close(f->fd);
  f->fd = -1;
  return status;
}

// f->fd is a directory: its index.html in place of it, if there is one.
static int index_of(struct http_file *f, struct stat *st)
{
  int fd = open_here(f->fd, "index.html"), err = errno;
  if (fd < 0 && err == ENOENT) {
    f->dir = true;
    return finish(f, st, "");
  }
  if (fd < 0) return fail(f, status_of(err));
  close(f->fd);
  f->fd = fd;
  if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) return fail(f, 404);
  return finish(f, st, "index.html");
}

int http_file_open(struct http_file *f, int root, const char *path)
{
  char name[NAME_MAX + 2];
  struct stat st;
  bool has_name;
  *f = (struct http_file){.fd = -1};
  int dir = walk(fcntl(root, F_DUPFD_CLOEXEC, 0), path, name, &has_name);
  if (dir < 0) return status_of(errno);
  f->fd = open_here(dir, has_name ? name : ".");
  int err = errno;
  close(dir);
  if (f->fd < 0) return status_of(err);
  if (fstat(f->fd, &st) != 0) return fail(f, 500);
  if (S_ISDIR(st.st_mode)) return has_name ? fail(f, 301) : index_of(f, &st);
  return S_ISREG(st.st_mode) ? finish(f, &st, name) : fail(f, 404);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void write_item(FILE *out, const char *name)
{
  fputs("<li><a href=\"", out);
  http_encode(out, name);
  fputs("\">", out);
  http_html(out, name);
  fputs("</a>\n", out);
}

// A directory's name gets its slash. (The entry's type may not be known to the file system: then its link leads to a redirection.)
static char *copy_name(const struct dirent *e)
{
  char *name = malloc(strlen(e->d_name) + 2);
  if (name) sprintf(name, "%s%s", e->d_name, e->d_type == DT_DIR ? "/" : "");
  return name;
}

void http_file_list(struct http_file *f, FILE *out, const char *path)
{
  char **names = calloc(LIST_MOST, sizeof *names);
  DIR *d = names ? fdopendir(f->fd) : NULL;
  size_t n = 0;
  bool more = false;
  fputs("<!DOCTYPE html>\n<title>", out);
  http_html(out, path);
  fputs("</title>\n<ul>\n", out);
  if (strcmp(path, "/") != 0) fputs("<li><a href=\"../\">../</a>\n", out);
  for (struct dirent *e; d && (e = readdir(d));) {
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    more = n == LIST_MOST || !(names[n] = copy_name(e));
    if (more) break;
    n++;
  }
  if (n) qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n; i++) {
    write_item(out, names[i]);
    free(names[i]);
  }
  fputs(more ? "<li>and more\n</ul>\n" : "</ul>\n", out);
  if (d) closedir(d);
  else close(f->fd);
  f->fd = -1;
  free(names);
}
