// SPDX-License-Identifier: Apache-2.0
#include "wire/segments.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
  const char *name, *suffix;
} files[SEGMENT_FILES] = {{"stimulus", ".bin"}, {"restart", ".bin"}, {"wire", ".pcapng"}, {"faults", ".log"}};

void segments_path(const char *dir, uint32_t number, enum segment_file file, char path[static SEGMENTS_PATH_LEN])
{
  char no[16] = "";
  if (number) snprintf(no, sizeof no, "-%06" PRIu32, number);
  snprintf(path, SEGMENTS_PATH_LEN, "%s/%s%s%s", dir, files[file].name, no, files[file].suffix);
}

// The number in a name that segments_path makes, 0 for the name without one; -1: it is no such name.
static int64_t number_of(const char *name, enum segment_file file)
{
  size_t n = strlen(files[file].name);
  char *end;
  if (strncmp(name, files[file].name, n) != 0) return -1;
  if (!strcmp(name + n, files[file].suffix)) return 0;
  if (name[n] != '-' || name[n + 1] < '0' || name[n + 1] > '9') return -1;
  unsigned long long v = strtoull(name + n + 1, &end, 10);
  size_t suffix = strlen(files[file].suffix);
  if (!v || v > UINT32_MAX || strncmp(end, files[file].suffix, suffix) != 0) return -1;
  return !end[suffix] || !strcmp(end + suffix, ".tmp") ? (int64_t)v : -1;   // .tmp: it was being written (whole.h)
}

// What lockwire replay --wave made of it.
static bool is_wave(const char *name)
{
  const char *dot = strrchr(name, '.');
  return !strncmp(name, "wave-", 5) && dot && (!strcmp(dot, ".fst") || !strcmp(dot, ".gtkw"));
}

static void remove_all(const char *dir, bool unnumbered)
{
  char path[SEGMENTS_PATH_LEN];
  DIR *d = opendir(dir);
  for (const struct dirent *e; d && (e = readdir(d));) {
    for (enum segment_file f = 0; f < SEGMENT_FILES; f++) {
      int64_t n = number_of(e->d_name, f);
      if (!is_wave(e->d_name) && (n < 0 || (n == 0 && !unnumbered))) continue;
      snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
      unlink(path);
    }
  }
  if (d) closedir(d);
}

void segments_begin(struct segments *s, const char *dir, uint64_t limit_bytes)
{
  uint32_t first = limit_bytes ? 1 : 0;
  *s = (struct segments){.dir = dir, .limit_bytes = limit_bytes, .first = first, .now = first};
  remove_all(dir, limit_bytes);    // without a limit the others are written over
}

bool segments_due(const struct segments *s, uint64_t bytes) { return s->limit_bytes && bytes >= s->limit_bytes / SEGMENTS_PART; }

// The stimulus first: without it the others are not taken for a segment.
static void remove_oldest(struct segments *s)
{
  char path[SEGMENTS_PATH_LEN];
  for (enum segment_file f = 0; f < SEGMENT_FILES; f++) {
    segments_path(s->dir, s->first, f, path);
    unlink(path);
  }
  s->first++;
}

bool segments_next(struct segments *s, uint64_t bytes, uint64_t restart_bytes)
{
  uint64_t part = s->limit_bytes / SEGMENTS_PART, need = restart_bytes + part + part / 2, kept = 0;   // it may end a little late
  s->bytes[s->now % SEGMENTS_KEPT] += bytes;
  for (uint32_t n = s->first; n <= s->now; n++) kept += s->bytes[n % SEGMENTS_KEPT];
  while (kept + need > s->limit_bytes && s->first < s->now) {
    kept -= s->bytes[s->first % SEGMENTS_KEPT];
    remove_oldest(s);
  }
  if (kept + need > s->limit_bytes) {
    errno = EFBIG;
    return false;
  }
  s->now++;
  s->bytes[s->now % SEGMENTS_KEPT] = restart_bytes;
  return true;
}

bool segments_point_due(const struct segments *s, uint64_t cycles, uint64_t bytes)
{
  return !s->limit_bytes && cycles >= SEGMENTS_POINT_CYCLES && s->point_bytes + s->last_point_bytes <= bytes;
}

uint32_t segments_point(struct segments *s, uint64_t point_bytes)
{
  s->last_point_bytes = point_bytes;
  s->point_bytes += point_bytes;
  return ++s->points;
}

// A file that is empty was being made when the run was killed.
static bool has_bytes(const char *dir, uint32_t number)
{
  char path[SEGMENTS_PATH_LEN];
  struct stat st;
  segments_path(dir, number, SEGMENT_STIMULUS, path);
  return stat(path, &st) == 0 && st.st_size > 0;
}

bool segments_find(const char *dir, uint32_t *first, uint32_t *last, uint32_t *missing)
{
  DIR *d = opendir(dir);
  *first = *last = 0;
  for (const struct dirent *e; d && (e = readdir(d));) {
    int64_t n = number_of(e->d_name, SEGMENT_STIMULUS);
    if (n <= 0 || !has_bytes(dir, (uint32_t)n)) continue;
    if (!*first || n < *first) *first = (uint32_t)n;
    if (n > *last) *last = (uint32_t)n;
  }
  if (d) closedir(d);
  for (*missing = *first; *missing < *last; ++*missing)
    if (!has_bytes(dir, *missing)) return false;
  return true;
}
