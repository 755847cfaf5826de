// SPDX-License-Identifier: Apache-2.0
#include "restart.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/blob.h"
#include "recorder.h"
#include "wire/whole.h"

// The head of the file alone: behind what the recorder has put come identity and cycle (nic.c).
static bool look(struct restart *r)
{
  uint8_t head[256];
  FILE *f = fopen(r->path, "rb");
  bool got = f && fread(head, sizeof head, 1, f) == 1;
  if (f) fclose(f);
  if (!got) return false;
  struct blob b = {.buf = head, .cap = sizeof head, .n = sizeof head}, again = b;
  uint64_t hash;
  char identity[STIM_ID_LEN];
  r->on_the_way = recorder_point_read(&b, &r->place, &hash);
  if (!r->on_the_way && !recorder_restart_read(&again, &hash)) return false;
  struct blob *rest = r->on_the_way ? &b : &again;
  return blob_get(rest, identity, sizeof identity) && blob_get(rest, &r->cycle, sizeof r->cycle);
}

// Of a run that was killed the stimulus may end before it.
static bool reached(const char *dir, const struct restart *r)
{
  char path[SEGMENTS_PATH_LEN];
  struct stat st;
  segments_path(dir, r->segment, SEGMENT_STIMULUS, path);
  return !r->on_the_way || (!stat(path, &st) && (uint64_t)st.st_size >= r->place.offset);
}

bool restart_before(const char *dir, uint32_t first, uint32_t last, uint64_t cycle, struct restart *r)
{
  struct restart next = {0};
  *r = (struct restart){.segment = first};
  if (first > 1) segments_path(dir, first, SEGMENT_RESTART, r->path);
  if (first > 1 && look(r) && r->cycle > cycle) return false;
  for (uint32_t n = first + 1; !first || n <= last; n++) {
    next.segment = first ? n : 0;
    segments_path(dir, n, SEGMENT_RESTART, next.path);
    if (!look(&next) || next.cycle > cycle || !reached(dir, &next)) break;
    *r = next;
  }
  return true;
}

struct stim_reader *restart_open(const char *dir, const struct restart *r, struct stim_head *h, char err[static STIM_ERR_LEN])
{
  char path[SEGMENTS_PATH_LEN];
  segments_path(dir, r->segment, SEGMENT_STIMULUS, path);
  struct stim_reader *s = stim_open(path, h, err);
  if (!s || !r->on_the_way || stim_seek(s, &r->place)) return s;
  snprintf(err, STIM_ERR_LEN, "%.120s: cut off", path);
  stim_reader_close(s);
  return NULL;
}

bool restart_read(const struct restart *r, struct blob *b, uint64_t *hash, char err[static STIM_ERR_LEN])
{
  struct stim_place place;
  if (!whole_read(r->path, b, err)) return false;
  if (r->on_the_way ? recorder_point_read(b, &place, hash) : recorder_restart_read(b, hash)) return true;
  snprintf(err, STIM_ERR_LEN, "%.120s: not a restart point of this version of lockwire", r->path);
  return false;
}
