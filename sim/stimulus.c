// SPDX-License-Identifier: Apache-2.0
#include "stimulus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "wire/bgfile.h"

enum {
  BLOCK_BYTES = 1 << 15, CYCLE_MAX = 1024, BLOCK_HEAD = 12,
  HEAD_BYTES = STIM_ID_LEN + 6 + 2 + 3 * 8, COMMAND_BYTES = 4 * HOST_CMD_WORDS, LAST = 0x80
};
static const char magic[8] = "LWSTIM1\n";

static void put_le64(uint8_t *p, uint64_t v)
{
  put_le32(p, (uint32_t)v);
  put_le32(p + 4, (uint32_t)(v >> 32));
}

uint64_t stim_hash(uint64_t hash, uint64_t cycle, const struct glue_beat *b)
{
  enum { WORD = 8 };
  const uint64_t k = 0x9e3779b97f4a7c15u;
  uint64_t x = (hash ^ cycle) * k ^ ((uint64_t)b->port << 56 | (uint64_t)b->flow << 32 | (uint64_t)b->nbytes << 8 | b->last);
  unsigned n = b->nbytes;
  const uint8_t *p = b->data;
  for (; n >= WORD; p += WORD, n -= WORD) x = ((x << 29 | x >> 35) ^ get_le64(p)) * k;
  for (; n; p++, n--) x = ((x << 29 | x >> 35) ^ *p) * k;
  return x ^ x >> 32;
}

// --- writing ---------------------------------------------------------------------------------------------------------

struct stim_writer {
  struct bgfile *file;
  uint64_t cycle, now_us, hash;
  size_t n;                            // bytes in the block, behind its head
  uint8_t block[BLOCK_HEAD + BLOCK_BYTES + CYCLE_MAX];
};

static size_t head_pack(const struct stim_head *h, uint8_t out[static HEAD_BYTES])
{
  uint8_t *p = out;
  memcpy(p, h->identity, STIM_ID_LEN);
  memcpy(p += STIM_ID_LEN, h->mac, 6);
  put_le16(p += 6, h->max_frame);
  put_le64(p += 2, h->hash_key[0]);
  put_le64(p += 8, h->hash_key[1]);
  put_le64(p += 8, h->seed);
  return HEAD_BYTES;
}

static void head_unpack(struct stim_head *h, const uint8_t *p)
{
  memcpy(h->identity, p, STIM_ID_LEN);
  h->identity[STIM_ID_LEN - 1] = '\0';
  memcpy(h->mac, p += STIM_ID_LEN, 6);
  h->max_frame = get_le16(p += 6);
  h->hash_key[0] = get_le64(p += 2);
  h->hash_key[1] = get_le64(p += 8);
  h->seed = get_le64(p += 8);
}

struct stim_writer *stim_create(const char *path, const struct stim_head *h, uint64_t hash, char err[static STIM_ERR_LEN])
{
  uint8_t head[sizeof magic + 4 + HEAD_BYTES];
  struct stim_writer *w = malloc(sizeof *w);
  if (!w) {
    snprintf(err, STIM_ERR_LEN, "out of memory");
    return NULL;
  }
  memcpy(head, magic, sizeof magic);
  put_le32(head + sizeof magic, HEAD_BYTES);
  head_pack(h, head + sizeof magic + 4);
  *w = (struct stim_writer){.file = bgfile_open(path, head, sizeof head), .hash = hash};
  if (!w->file) {
    snprintf(err, STIM_ERR_LEN, "%.120s: %s", path, strerror(errno));
    free(w);
    return NULL;
  }
  return w;
}

static void end_block(struct stim_writer *w)
{
  if (!w->n) return;
  put_le32(w->block, (uint32_t)w->n);
  put_le32(w->block + 4, (uint32_t)crc32(0, w->block + BLOCK_HEAD, (uInt)w->n));
  put_le32(w->block + 8, (uint32_t)crc32(0, w->block, 8));
  bgfile_write(w->file, w->block, BLOCK_HEAD + w->n);   // in one write
  w->n = 0;
}

static void put_byte(struct stim_writer *w, uint8_t b) { w->block[BLOCK_HEAD + w->n++] = b; }

static void put_varint(struct stim_writer *w, uint64_t v)
{
  for (; v >= 0x80; v >>= 7) put_byte(w, (uint8_t)(v | 0x80));
  put_byte(w, (uint8_t)v);
}

static void put_kind(struct stim_writer *w, uint64_t cycle, unsigned kind)
{
  if (w->n >= BLOCK_BYTES && cycle != w->cycle) end_block(w);   // never inside a cycle: what is whole replays
  put_varint(w, (cycle - w->cycle) << 4 | kind);
  w->cycle = cycle;
}

void stim_put_time(struct stim_writer *w, uint64_t cycle, uint64_t now_us)
{
  put_kind(w, cycle, STIM_TIME);
  put_varint(w, now_us - w->now_us);
  w->now_us = now_us;
}

static void put_in(struct stim_writer *w, const struct glue_beat *b)
{
  if (b->port == GLUE_PIN) {
    put_byte(w, (uint8_t)b->flow);
    put_byte(w, (uint8_t)(b->flow >> 8));
  }
  if (b->port != GLUE_CMD) put_byte(w, (uint8_t)(b->nbytes - 1) | (b->last ? LAST : 0));
  memcpy(w->block + BLOCK_HEAD + w->n, b->data, b->nbytes);
  w->n += b->nbytes;
}

void stim_put_beat(struct stim_writer *w, uint64_t cycle, const struct glue_beat *b)
{
  put_kind(w, cycle, b->port);
  if (stim_is_in(b->port)) {
    put_in(w, b);
    return;
  }
  w->hash = stim_hash(w->hash, cycle, b);
  put_byte(w, (uint8_t)w->hash);
  put_byte(w, (uint8_t)(w->hash >> 8));
}

bool stim_flush(struct stim_writer *w)
{
  end_block(w);
  errno = bgfile_flush(w->file);
  return !errno;
}

struct stim_place stim_place(struct stim_writer *w)
{
  end_block(w);
  return (struct stim_place){bgfile_bytes(w->file), w->cycle, w->now_us};
}

uint64_t stim_written(const struct stim_writer *w) { return bgfile_bytes(w->file) + w->n; }

uint64_t stim_hash_now(const struct stim_writer *w) { return w->hash; }

bool stim_close(struct stim_writer *w, uint64_t cycle)
{
  if (!w) return true;
  put_kind(w, cycle, STIM_END);
  end_block(w);
  errno = bgfile_close(w->file);
  free(w);
  return !errno;
}

// --- reading ---------------------------------------------------------------------------------------------------------

struct stim_reader {
  uint8_t *map;
  size_t len, at;                      // of the file; at: the next block
  const uint8_t *p, *end;              // in the block
  uint64_t cycle, now_us, damaged_cycle;
  bool complete, damaged;
};

static struct stim_reader *refuse(struct stim_reader *r, const char *path, const char *why, char err[static STIM_ERR_LEN])
{
  snprintf(err, STIM_ERR_LEN, "%.120s: %s", path, why);
  stim_reader_close(r);
  return NULL;
}

struct stim_reader *stim_open(const char *path, struct stim_head *h, char err[static STIM_ERR_LEN])
{
  struct stat st;
  struct stim_reader *r = calloc(1, sizeof *r);
  int fd = r ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0 || fstat(fd, &st) != 0) {
    if (fd >= 0) close(fd);
    return refuse(r, path, strerror(errno), err);
  }
  if (st.st_size > 0) r->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (r->map == MAP_FAILED) r->map = NULL;
  r->len = (size_t)st.st_size;
  size_t head = sizeof magic + 4 + HEAD_BYTES;
  if (!r->map || r->len < head) return refuse(r, path, "no recording, or cut off in its head", err);
  if (memcmp(r->map, magic, sizeof magic) != 0 || get_le32(r->map + sizeof magic) != HEAD_BYTES)
    return refuse(r, path, "not a recording of this version of lockwire", err);
  head_unpack(h, r->map + sizeof magic + 4);
  r->at = head;
  return r;
}

static void damaged(struct stim_reader *r)
{
  if (!r->damaged) r->damaged_cycle = r->cycle;
  r->damaged = true;
}

// A block that is cut off ends the recording; one that is damaged is remembered, and what it says is used: the replay shows
// where it leads astray.
static bool next_block(struct stim_reader *r)
{
  if (r->len - r->at < BLOCK_HEAD) return false;
  const uint8_t *b = r->map + r->at;
  uint32_t n = get_le32(b);
  if (get_le32(b + 8) != (uint32_t)crc32(0, b, 8)) {
    damaged(r);
    return false;
  }
  if (n > r->len - r->at - BLOCK_HEAD) return false;
  if (get_le32(b + 4) != (uint32_t)crc32(0, b + BLOCK_HEAD, n)) damaged(r);
  r->p = b + BLOCK_HEAD;
  r->end = r->p + n;
  r->at += BLOCK_HEAD + (size_t)n;
  return true;
}

static bool get_varint(struct stim_reader *r, uint64_t *v)
{
  *v = 0;
  for (unsigned s = 0; r->p < r->end && s < 64; s += 7) {
    uint8_t b = *r->p++;
    *v |= (uint64_t)(b & 0x7f) << s;
    if (!(b & 0x80)) return true;
  }
  return false;
}

static const uint8_t *get_bytes(struct stim_reader *r, size_t n)
{
  if ((size_t)(r->end - r->p) < n) return NULL;
  r->p += n;
  return r->p - n;
}

static bool get_in(struct stim_reader *r, struct stim_item *it)
{
  const uint8_t *p;
  it->beat = (struct glue_beat){.port = (enum glue_port)it->kind, .nbytes = COMMAND_BYTES, .last = true};
  if (it->kind == GLUE_PIN) {
    if (!(p = get_bytes(r, 2))) return false;
    it->beat.flow = get_le16(p);
  }
  if (it->kind != GLUE_CMD) {
    if (!(p = get_bytes(r, 1))) return false;
    it->beat.nbytes = (*p & 0x7f) + 1u;
    it->beat.last = *p & LAST;
  }
  return (it->beat.data = get_bytes(r, it->beat.nbytes)) != NULL;
}

static bool get_item(struct stim_reader *r, struct stim_item *it)
{
  uint64_t v;
  const uint8_t *p;
  if (!get_varint(r, &v)) return false;
  it->kind = v & 15;
  it->cycle = r->cycle += v >> 4;
  if (it->kind == STIM_END) return r->complete = true;
  if (stim_is_in(it->kind)) return get_in(r, it);
  if (stim_is_out(it->kind)) {
    if (!(p = get_bytes(r, 2))) return false;
    it->hash = get_le16(p);
    return true;
  }
  if (it->kind != STIM_TIME || !get_varint(r, &v)) return false;
  it->now_us = r->now_us += v;
  return true;
}

bool stim_next(struct stim_reader *r, struct stim_item *it)
{
  if (r->complete || (r->p == r->end && !next_block(r))) return false;
  if (get_item(r, it)) return true;
  r->p = r->end;
  r->at = r->len;
  return false;
}

bool stim_seek(struct stim_reader *r, const struct stim_place *p)
{
  if (p->offset > r->len) return false;
  r->at = (size_t)p->offset;
  r->p = r->end = NULL;
  r->cycle = p->cycle;
  r->now_us = p->now_us;
  return true;
}

bool stim_complete(const struct stim_reader *r, uint64_t *lost_bytes)
{
  *lost_bytes = r->len - r->at;
  return r->complete;
}

bool stim_damaged(const struct stim_reader *r, uint64_t *cycle)
{
  *cycle = r->damaged_cycle;
  return r->damaged;
}

void stim_reader_close(struct stim_reader *r)
{
  if (!r) return;
  if (r->map) munmap(r->map, r->len);
  free(r);
}
