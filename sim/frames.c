// SPDX-License-Identifier: Apache-2.0
#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "frame_text.h"
#include "restart.h"
#include "wire/wire.h"

enum {
  BLOCK_PACKET = 6, PACKET_HEAD = 28, BLOCK_TAIL = 4, OPT_COMMENT = 1,   // of pcapng, as dpi/wire/record.c writes it
  LAG_CYCLES = 1 << 16,        // a frame enters the NIC so soon after it was read
  INDEX_STEP = 1024,           // frames between two places that are remembered
  LOOK_AHEAD = 64,             // frames that were read and never entered are passed over, so many in a row
};

// --- wire.pcapng -----------------------------------------------------------------------------------------------------

struct capture {
  uint8_t *map;
  size_t len;
};

struct cursor {
  uint32_t segment;
  size_t at;
  uint64_t number;               // of the frame before
};

// A frame that was passed on the way through a segment, so that the next way begins there.
struct mark {
  struct cursor before;
  uint64_t cycle;
};

// On a stream, as the stimulus has it: a frame that entered, or a beat that left.
struct entered {
  uint64_t first, last;
  size_t len;
  uint32_t crc;
};

struct frames {
  const char *dir;
  uint32_t first, last;
  unsigned beat_bytes;
  struct capture *wire;          // of each segment
  struct mark *mark;
  struct entered *in;
  uint64_t *out;                 // cycles of transmit beats
  struct frame_at *list;
  size_t n_in, cap_in, n_out, cap_out, n_list, cap_list, next_out, n_mark, cap_mark;
  uint8_t frame[WIRE_FRAME_MAX];
};

static bool fail(char *err, const char *what, const char *why)
{
  snprintf(err, FRAMES_ERR_LEN, "%.120s: %.70s", what, why);
  return false;
}

// Room for one more; false: out of memory.
static bool grow(void *array, size_t *cap, size_t n, size_t size)
{
  if (n < *cap) return true;
  size_t want = *cap ? 2 * *cap : 1024;
  void *more = realloc(*(void **)array, want * size);
  if (!more) return false;
  *(void **)array = more;
  *cap = want;
  return true;
}

static bool map_file(struct capture *c, const char *path)
{
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = !fstat(fd, &st);
  if (ok && st.st_size > 0) c->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (c->map == MAP_FAILED) c->map = NULL;
  c->len = c->map ? (size_t)st.st_size : 0;
  return ok;
}

struct frames *frames_open(const char *dir, uint32_t first, uint32_t last, unsigned beat_bytes, char err[static FRAMES_ERR_LEN])
{
  char path[SEGMENTS_PATH_LEN];
  struct frames *f = calloc(1, sizeof *f);
  if (f) *f = (struct frames){.dir = dir, .first = first, .last = last, .beat_bytes = beat_bytes, .wire = calloc(last - first + 1, sizeof *f->wire)};
  if (!f || !f->wire) {
    fail(err, dir, "out of memory");
    frames_close(f);
    return NULL;
  }
  for (uint32_t n = first; n <= last; n++) {
    segments_path(dir, n, SEGMENT_WIRE, path);
    if (map_file(&f->wire[n - first], path)) continue;
    fail(err, path, strerror(errno));
    frames_close(f);
    return NULL;
  }
  return f;
}

void frames_close(struct frames *f)
{
  if (!f) return;
  for (uint32_t n = 0; f->wire && n <= f->last - f->first; n++)
    if (f->wire[n].map) munmap(f->wire[n].map, f->wire[n].len);
  free(f->wire);
  free(f->in);
  free(f->out);
  free(f->list);
  free(f->mark);
  free(f);
}

// "cycle=N dir=rx|tx flow=N|-", which need not end in NUL.
static void read_comment(const uint8_t *p, size_t len, struct frame_at *at)
{
  char text[96], dir[3] = "", flow[16] = "-";
  if (len >= sizeof text) len = sizeof text - 1;
  memcpy(text, p, len);
  text[len] = '\0';
  sscanf(text, "cycle=%" SCNu64 " dir=%2s flow=%15s", &at->wire_cycle, dir, flow);
  at->out = !strcmp(dir, "tx");
  at->flow = flow[0] == '-' ? -1 : atoi(flow);
}

static void read_packet(const uint8_t *b, size_t n, struct frame_at *at)
{
  at->time_us = (uint64_t)get_le32(b + 12) << 32 | get_le32(b + 16);
  at->len = get_le32(b + 20);
  at->bytes = b + PACKET_HEAD;
  if (at->len > n - PACKET_HEAD - BLOCK_TAIL) at->len = n - PACKET_HEAD - BLOCK_TAIL;
  const uint8_t *o = at->bytes + at->len + (-at->len & 3), *end = b + n - BLOCK_TAIL;
  while (end - o >= 4 && get_le16(o)) {
    size_t len = get_le16(o + 2);
    if (len > (size_t)(end - o - 4)) break;
    if (get_le16(o) == OPT_COMMENT) read_comment(o + 4, len, at);
    o += 4 + len + (-len & 3);
  }
}

// The block of the next frame; NULL at the end of this segment, which may be cut off.
static const uint8_t *next_block(const struct frames *f, struct cursor *c, size_t *len)
{
  const struct capture *w = &f->wire[c->segment - f->first];
  while (w->len - c->at >= 12) {
    const uint8_t *b = w->map + c->at;
    *len = get_le32(b + 4);
    if (*len < 12 || *len % 4 || *len > w->len - c->at) break;
    c->at += *len;
    if (get_le32(b) != BLOCK_PACKET || *len < PACKET_HEAD + BLOCK_TAIL) continue;
    c->number++;
    return b;
  }
  return NULL;
}

static void put_mark(struct frames *f, const struct cursor *before, uint64_t cycle)
{
  const struct cursor *last = f->n_mark ? &f->mark[f->n_mark - 1].before : NULL;
  bool behind = !last || before->segment > last->segment || (before->segment == last->segment && before->number > last->number);
  if (behind && before->number % INDEX_STEP == 0 && grow(&f->mark, &f->cap_mark, f->n_mark, sizeof *f->mark))
    f->mark[f->n_mark++] = (struct mark){*before, cycle};
}

// Where to begin so that no frame of cycle `from` or later is left out.
static struct cursor begin_at(const struct frames *f, uint32_t segment, uint64_t from)
{
  struct cursor c = {.segment = segment};
  for (size_t i = 0; i < f->n_mark && f->mark[i].cycle < from; i++)
    if (f->mark[i].before.segment >= segment) c = f->mark[i].before;
  return c;
}

// The next frame, through all segments.
static bool next_frame(struct frames *f, struct cursor *c, struct frame_at *at)
{
  size_t len;
  struct cursor before = *c;
  const uint8_t *b;
  while (!(b = next_block(f, c, &len))) {
    if (c->segment == f->last) return false;
    before = *c = (struct cursor){.segment = c->segment + 1};
  }
  *at = (struct frame_at){.segment = c->segment, .number = c->number, .flow = -1};
  read_packet(b, len, at);
  put_mark(f, &before, at->wire_cycle);
  return true;
}

// --- the streams -----------------------------------------------------------------------------------------------------

static bool put_entered(struct frames *f, uint64_t first, uint64_t cycle, size_t len)
{
  if (!grow(&f->in, &f->cap_in, f->n_in, sizeof *f->in)) return false;
  f->in[f->n_in++] = (struct entered){first, cycle, len, (uint32_t)crc32(0, f->frame, (uInt)len)};
  return true;
}

struct assembly {
  size_t len;
  uint64_t first;
};

static bool put_item(struct frames *f, struct assembly *a, const struct stim_item *it)
{
  if (it->kind == GLUE_TX) {
    if (!grow(&f->out, &f->cap_out, f->n_out, sizeof *f->out)) return false;
    f->out[f->n_out++] = it->cycle;
  }
  if (it->kind != GLUE_RX) return true;
  if (!a->len) a->first = it->cycle;
  size_t n = it->beat.nbytes < sizeof f->frame - a->len ? it->beat.nbytes : sizeof f->frame - a->len;
  memcpy(f->frame + a->len, it->beat.data, n);
  a->len += n;
  bool ok = !it->beat.last || put_entered(f, a->first, it->cycle, a->len);
  if (it->beat.last) a->len = 0;
  return ok;
}

// What was on the streams in cycles from..to: from a restart point before them, through all segments behind it.
static bool read_streams(struct frames *f, const struct restart *start, uint64_t from, uint64_t to, char err[static FRAMES_ERR_LEN])
{
  struct assembly a = {0};
  struct stim_head h;
  struct stim_item it;
  bool more = true, memory = true;
  f->n_in = f->n_out = 0;
  for (uint32_t n = start->segment; more && n <= f->last; n++) {
    struct restart here = *start;
    if (n != start->segment) here = (struct restart){.segment = n};
    struct stim_reader *r = restart_open(f->dir, &here, &h, err);
    if (!r) return false;
    while (more && memory && stim_next(r, &it)) {
      more = it.cycle <= to;
      if (more && it.cycle >= from && it.kind != STIM_END) memory = put_item(f, &a, &it);
    }
    stim_reader_close(r);
  }
  return memory || fail(err, f->dir, "out of memory");
}

// --- one held against the other ---------------------------------------------------------------------------------------

static bool same(const struct entered *e, const struct frame_at *p)
{
  return e->len == p->len && e->first >= p->wire_cycle && e->crc == (uint32_t)crc32(0, p->bytes, (uInt)p->len);
}

// A beat that enters is taken at the end of its cycle and is on the stream in the next.
static void place_in(struct frames *f)
{
  size_t next = 0;
  for (size_t i = 0; i < f->n_list; i++) f->list[i].first = f->list[i].out ? f->list[i].first : UINT64_MAX;
  for (size_t e = 0; e < f->n_in; e++) {
    for (size_t i = next, seen = 0; i < f->n_list && seen < LOOK_AHEAD; i++) {
      struct frame_at *p = &f->list[i];
      if (p->out) continue;
      seen++;
      if (!same(&f->in[e], p)) continue;
      p->first = f->in[e].first + 1;
      p->last = f->in[e].last + 1;
      next = i + 1;
      break;
    }
  }
}

// Its last beat left in the cycle that the comment has.
static void place_out(struct frames *f, struct frame_at *p)
{
  size_t beats = (p->len + f->beat_bytes - 1) / f->beat_bytes;
  while (f->next_out < f->n_out && f->out[f->next_out] <= p->wire_cycle) f->next_out++;
  p->first = UINT64_MAX;
  if (beats > f->next_out) return;
  p->first = f->out[f->next_out - beats];
  p->last = f->out[f->next_out - 1];
}

static bool read_wire(struct frames *f, const struct restart *start, uint64_t from, uint64_t to, char err[static FRAMES_ERR_LEN])
{
  struct cursor c = begin_at(f, start->segment, from);
  struct frame_at at;
  f->n_list = f->next_out = 0;
  while (next_frame(f, &c, &at) && at.wire_cycle <= to) {
    if (at.wire_cycle < from) continue;
    if (!grow(&f->list, &f->cap_list, f->n_list, sizeof *f->list)) return fail(err, f->dir, "out of memory");
    f->list[f->n_list] = at;
    if (at.out) place_out(f, &f->list[f->n_list]);
    f->n_list++;
  }
  place_in(f);
  return true;
}

// The list: what passed the wire in cycles from - LAG..to, with its place on the streams, UINT64_MAX where it has none up to then.
static bool align(struct frames *f, uint64_t from, uint64_t to, char err[static FRAMES_ERR_LEN])
{
  struct restart start;
  uint64_t begin = from > LAG_CYCLES ? from - LAG_CYCLES : 0;
  restart_before(f->dir, f->first, f->last, begin, &start);
  return read_streams(f, &start, begin, to, err) && read_wire(f, &start, begin, to, err);
}

bool frames_find(struct frames *f, uint32_t segment, uint64_t number, struct frame_at *at, char err[static FRAMES_ERR_LEN])
{
  char what[40] = "frame ";
  struct cursor c = {.segment = segment};
  bool there = f->first ? segment >= f->first && segment <= f->last : segment == 0;
  frame_name(&(struct frame_at){.segment = segment, .number = number}, what + strlen(what));
  while (there && c.number < number) there = next_frame(f, &c, at) && at->segment == segment;
  if (!there || !number) return fail(err, what, f->first ? "there is no such; SEGMENT:N is frame N of wire-SEGMENT.pcapng" : "there is no such");
  // Most enter at once; a slow host may have let it wait.
  for (uint64_t wait = LAG_CYCLES;; wait *= 16) {
    if (!align(f, at->wire_cycle, at->wire_cycle + wait, err)) return false;
    for (size_t i = 0; i < f->n_list; i++) {
      if (f->list[i].segment != segment || f->list[i].number != number || f->list[i].first == UINT64_MAX) continue;
      *at = f->list[i];
      return true;
    }
    if (at->out || wait > UINT32_MAX) return fail(err, what, "it never was on the NIC's streams");
  }
}

static int by_cycle(const void *a, const void *b)
{
  const struct frame_at *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

bool frames_between(struct frames *f, uint64_t from, uint64_t to, const struct frame_at **list, size_t *n, char err[static FRAMES_ERR_LEN])
{
  *n = 0;
  // What begins before `to` may leave the wire after it.
  if (!align(f, from, to + LAG_CYCLES, err)) return false;
  for (size_t i = 0; i < f->n_list; i++)
    if (f->list[i].first <= to && f->list[i].last >= from) f->list[(*n)++] = f->list[i];
  f->n_list = *n;
  if (*n) qsort(f->list, *n, sizeof *f->list, by_cycle);
  *list = f->list;
  return true;
}

// --- in words --------------------------------------------------------------------------------------------------------

const char *frame_name(const struct frame_at *at, char out[static 32])
{
  if (at->segment) snprintf(out, 32, "%" PRIu32 ":%" PRIu64, at->segment, at->number);
  else snprintf(out, 32, "%" PRIu64, at->number);
  return out;
}

const char *frame_text(const struct frame_at *at, char out[static FRAMES_TEXT_LEN])
{
  memset(out, 0, FRAMES_TEXT_LEN);
  FILE *f = fmemopen(out, FRAMES_TEXT_LEN - 1, "w");
  if (!f) return out;
  frame_text_line(f, at->bytes, at->len);
  fclose(f);   // fails when not all had room
  return out;
}
