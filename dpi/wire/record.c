// SPDX-License-Identifier: Apache-2.0
// A wire around a wire that keeps every frame in a pcapng file (draft-ietf-opsawg-pcapng): one section header, one
// interface description, then an enhanced packet block a frame. Blocks are written little-endian on every machine, and
// nothing in them tells of the machine, so that two equal runs give equal files.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/bgfile.h"
#include "wire/wire.h"

enum {
  BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6,
  BYTE_ORDER_MAGIC = 0x1a2b3c4d, LINKTYPE_ETHERNET = 1,
  OPT_END = 0, OPT_COMMENT = 1, OPT_SHB_USERAPPL = 4, OPT_IF_NAME = 2, OPT_IF_TSRESOL = 9, OPT_EPB_FLAGS = 2,
  DIR_INBOUND = 1, DIR_OUTBOUND = 2,  // bits 0-1 of epb_flags
  FLUSH_EVERY_US = 1000000, HEAD_MAX = 256,
};

struct record {
  struct wire w;  // first: a wire is cast to its kind; its counters mirror those of inner
  struct wire *inner;
  const struct wire_record_note *note;
  struct bgfile *f;  // NULL once recording ended
  char *path;
  int *error;        // the owner's; set once
  uint64_t epoch_us, flushed_us;
};

static struct record *self(struct wire *w) { return (struct record *)w; }

// --- pcapng blocks ---

// A block is put together in a small buffer; a packet's bytes go to the file in between.
struct block {
  uint8_t b[HEAD_MAX];
  size_t n;
};

static void add32(struct block *k, uint32_t v)
{
  put_le32(k->b + k->n, v);
  k->n += 4;
}

static void add_option(struct block *k, unsigned code, const void *value, size_t len)
{
  put_le16(k->b + k->n, (uint16_t)code);
  put_le16(k->b + k->n + 2, (uint16_t)len);
  memcpy(k->b + k->n + 4, value, len);
  memset(k->b + k->n + 4 + len, 0, -len & 3);
  k->n += 4 + len + (-len & 3);
}

static void start(struct block *k, uint32_t type)
{
  k->n = 0;
  add32(k, type);
  add32(k, 0);  // length: known at the end
}

// A block's length stands at its head and again at its end.
static void set_length(struct block *k, size_t total) { put_le32(k->b + 4, (uint32_t)total); }

static void end_block(struct block *k)
{
  size_t total = k->n + 4;
  set_length(k, total);
  add32(k, (uint32_t)total);
}

// Section header, then the one interface.
static void make_file_head(struct block *section, struct block *interface)
{
  static const char app[] = "lockwire";
  const uint8_t microseconds = 6;
  start(section, BLOCK_SECTION);
  add32(section, BYTE_ORDER_MAGIC);
  add32(section, 1);           // version 1.0
  add32(section, UINT32_MAX);  // section length, 64 bits: not given
  add32(section, UINT32_MAX);
  add_option(section, OPT_SHB_USERAPPL, app, sizeof app - 1);
  add_option(section, OPT_END, "", 0);
  end_block(section);
  start(interface, BLOCK_INTERFACE);
  add32(interface, LINKTYPE_ETHERNET);
  add32(interface, 0);  // snap length: none
  add_option(interface, OPT_IF_NAME, app, sizeof app - 1);
  add_option(interface, OPT_IF_TSRESOL, &microseconds, 1);
  add_option(interface, OPT_END, "", 0);
  end_block(interface);
}

// Whole packets alone reach the file, so that it can be read to its end when the process is killed.
static void put_packet(struct bgfile *f, uint64_t stamp_us, bool inbound, const char *comment, const uint8_t *frame, size_t len)
{
  static const uint8_t zeros[4];
  struct block head, tail = {.n = 0};
  uint8_t flags[4];
  size_t pad = -len & 3;
  start(&head, BLOCK_PACKET);
  add32(&head, 0);  // the one interface
  add32(&head, (uint32_t)(stamp_us >> 32));
  add32(&head, (uint32_t)stamp_us);
  add32(&head, (uint32_t)len);  // captured
  add32(&head, (uint32_t)len);  // on the wire
  put_le32(flags, inbound ? DIR_INBOUND : DIR_OUTBOUND);
  add_option(&tail, OPT_EPB_FLAGS, flags, 4);
  add_option(&tail, OPT_COMMENT, comment, strlen(comment));
  add_option(&tail, OPT_END, "", 0);
  size_t total = head.n + len + pad + tail.n + 4;
  set_length(&head, total);
  add32(&tail, (uint32_t)total);
  bgfile_together(f, total);
  bgfile_write(f, head.b, head.n);
  bgfile_write(f, frame, len);
  bgfile_write(f, zeros, pad);
  bgfile_write(f, tail.b, tail.n);
}

// --- the wire ---

static void failed(struct record *r, int error)
{
  if (error && !*r->error) *r->error = error;
}

static void give_up(struct record *r, int error)
{
  failed(r, error);
  bgfile_close(r->f);
  r->f = NULL;
}

static void flush_when_due(struct record *r)
{
  if (!r->f || r->note->now_us - r->flushed_us < FLUSH_EVERY_US) return;
  r->flushed_us = r->note->now_us;
  int error = bgfile_flush(r->f);
  if (error) give_up(r, error);
}

static void keep(struct record *r, bool inbound, const uint8_t *frame, size_t len)
{
  const struct wire_record_note *n = r->note;
  char comment[80];
  if (!r->f) return;
  int flow = n->flow_of ? n->flow_of(n->user, frame, len) : -1;
  int at = snprintf(comment, sizeof comment, "cycle=%" PRIu64 " dir=%s flow=", n->cycle, inbound ? "rx" : "tx");
  if (flow < 0)
    snprintf(comment + at, sizeof comment - (size_t)at, "-");
  else
    snprintf(comment + at, sizeof comment - (size_t)at, "%d", flow);
  put_packet(r->f, r->epoch_us + n->now_us, inbound, comment, frame, len);
}

// Counters, death and its text are those of the wire inside.
static void mirror(struct record *r)
{
  const struct wire_ops *ops = r->w.ops;
  r->w = *r->inner;
  r->w.ops = ops;
}

static int record_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct record *r = self(w);
  int n = wire_recv(r->inner, buf, cap);
  mirror(r);
  if (n > 0) keep(r, true, buf, (size_t)n);
  flush_when_due(r);
  return n;
}

static bool record_send(struct wire *w, const uint8_t *frame, size_t len)
{
  struct record *r = self(w);
  keep(r, false, frame, len);
  bool sent = wire_send(r->inner, frame, len);
  mirror(r);
  flush_when_due(r);
  return sent;
}

static int record_fd(struct wire *w) { return wire_fd(self(w)->inner); }

static uint64_t record_deadline(const struct wire *w) { return wire_deadline(((const struct record *)w)->inner); }

static void record_free(struct record *r)
{
  wire_close(r->inner);
  free(r->path);
  free(r);
}

static void record_close(struct wire *w)
{
  struct record *r = self(w);
  failed(r, bgfile_close(r->f));
  record_free(r);
}

uint64_t wire_record_bytes(const struct wire *w)
{
  const struct record *r = (const struct record *)w;
  return r->f ? bgfile_bytes(r->f) : 0;
}

static const struct wire_ops record_ops = {record_recv, record_send, record_fd, record_close, record_deadline};

static bool open_file(struct record *r)
{
  struct block section, interface;
  make_file_head(&section, &interface);
  uint8_t head[2 * HEAD_MAX];
  memcpy(head, section.b, section.n);
  memcpy(head + section.n, interface.b, interface.n);
  r->f = bgfile_open(r->path, head, section.n + interface.n);
  return r->f;
}

void wire_record_next(struct wire *w, const char *path)
{
  struct record *r = self(w);
  if (!r->f) return;
  int error = bgfile_close(r->f);
  char *next = strdup(path);
  r->f = NULL;
  if (next) {
    free(r->path);
    r->path = next;
  }
  if (!next) error = ENOMEM;
  else if (!error && !open_file(r)) error = errno;
  if (error) give_up(r, error);
}

struct wire *wire_record_open(struct wire *inner, const char *path, uint64_t epoch_us, const struct wire_record_note *note, int *error,
                              char err[static WIRE_ERR_LEN])
{
  struct record *r = calloc(1, sizeof *r);
  if (!r || !(r->path = strdup(path))) {
    snprintf(err, WIRE_ERR_LEN, "record: out of memory");
    free(r);
    wire_close(inner);
    return NULL;
  }
  r->w.ops = &record_ops;
  r->inner = inner;
  r->note = note;
  r->error = error;
  r->epoch_us = epoch_us;
  r->flushed_us = note->now_us;
  mirror(r);
  if (open_file(r)) return &r->w;
  snprintf(err, WIRE_ERR_LEN, "record:%.100s: %s", path, strerror(errno));
  record_free(r);
  return NULL;
}
