// SPDX-License-Identifier: Apache-2.0
// A wire around a wire that does harm, by seed. Each frame of a direction draws the same number of random numbers whatever
// is asked for, so that what happens to frame n depends on seed and n alone. A direction is a list of held frames, sorted
// by when they are due; frames that are not delayed are due at once. The list's nodes are used again and again.
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/text.h"
#include "wire/wire.h"

enum {
  HELD_MAX = 4096,             // frames of a direction; beyond that they are dropped, and counted
  REORDER_PASSES = 4,          // a reordered frame lets 1..4 later ones pass,
  REORDER_HOLD_US = 10000,     // but waits no longer than this
  ADDRESSES = 12,              // Ethernet destination and source
  ETHERTYPE_IPV4 = 0x0800,
  LOG_HEAD = 54,               // Ethernet, IPv4 and TCP header without options
};

struct held {
  struct held *prev, *next;
  uint64_t due_us, number;     // number: of the frame, for the log
  unsigned passes;             // later frames it still lets pass; 0: none
  size_t len, cap;
  uint8_t *bytes;
};

struct direction {
  struct wire_fault_dir opt;
  struct rng rng;
  struct held *first, *last, *unused;
  unsigned n;
  struct wire_fault_stats stats;
};

struct fault {
  struct wire w;               // first: a wire is cast to its kind; its counters mirror those of inner
  struct wire *inner;
  const uint64_t *now_us;
  FILE *log;
  struct direction dir[2];     // rx, tx
  uint8_t scratch[WIRE_FRAME_MAX];
};

static struct fault *self(const struct wire *w) { return (struct fault *)w; }

static bool active(const struct direction *d)
{
  const struct wire_fault_dir *o = &d->opt;
  return o->loss_ppb || o->dup_ppb || o->reorder_ppb || o->corrupt_ppb || o->delay_us;
}

// --- the list of held frames -----------------------------------------------------------------------------------------

static void insert_after(struct direction *d, struct held *at, struct held *h)
{
  h->prev = at;
  h->next = at ? at->next : d->first;
  *(at ? &at->next : &d->first) = h;
  *(h->next ? &h->next->prev : &d->last) = h;
}

// Behind all that are due no later: frames of equal delay keep their order.
static void insert(struct direction *d, struct held *h)
{
  struct held *at = d->last;
  while (at && at->due_us > h->due_us) at = at->prev;
  insert_after(d, at, h);
}

static void take_out(struct direction *d, struct held *h)
{
  *(h->prev ? &h->prev->next : &d->first) = h->next;
  *(h->next ? &h->next->prev : &d->last) = h->prev;
}

static struct held *hold(struct direction *d, const uint8_t *frame, size_t len, uint64_t due_us)
{
  struct held *h = d->unused;
  if (h) d->unused = h->next;
  else if (d->n == HELD_MAX || !(h = calloc(1, sizeof *h))) return NULL;
  else d->n++;
  if (h->cap < len) {
    uint8_t *p = realloc(h->bytes, len);
    if (!p) {
      h->next = d->unused;
      d->unused = h;
      return NULL;
    }
    h->bytes = p;
    h->cap = len;
  }
  memcpy(h->bytes, frame, len);
  h->len = len;
  h->due_us = due_us;
  h->passes = 0;
  return h;
}

static void give_back(struct direction *d, struct held *h)
{
  take_out(d, h);
  h->next = d->unused;
  d->unused = h;
}

static void free_all(struct direction *d)
{
  for (struct held *list[2] = {d->first, d->unused}, **l = list; l < list + 2; l++)
    for (struct held *h = *l, *next; h; h = next) {
      next = h->next;
      free(h->bytes);
      free(h);
    }
}

// --- faults ----------------------------------------------------------------------------------------------------------

// What happens to one frame. Every frame draws all of it.
struct fate {
  bool loss, dup, reorder, corrupt;
  unsigned passes;
  uint64_t bit;
};

static bool draw(struct direction *d, uint32_t ppb) { return rng_next(&d->rng) % 1000000000u < ppb; }

static struct fate draw_fate(struct direction *d)
{
  struct fate f;
  f.loss = draw(d, d->opt.loss_ppb);
  f.dup = draw(d, d->opt.dup_ppb);
  f.reorder = draw(d, d->opt.reorder_ppb);
  f.corrupt = draw(d, d->opt.corrupt_ppb);
  f.passes = 1 + (unsigned)(rng_next(&d->rng) >> 32) % REORDER_PASSES;
  f.bit = rng_next(&d->rng);
  return f;
}

static void note(struct fault *f, const struct direction *d, const char *what, const uint8_t *frame, size_t len, long bit)
{
  if (!f->log) return;
  fprintf(f->log, "t=%" PRIu64 " dir=%s frame=%" PRIu64 " fault=%s len=%zu", *f->now_us, d == &f->dir[0] ? "rx" : "tx",
          d->stats.frames, what, len);
  if (bit >= 0) fprintf(f->log, " bit=%ld", bit);
  fputs(" head=", f->log);
  for (size_t i = 0; i < len && i < LOG_HEAD; i++) fprintf(f->log, "%02x", frame[i]);
  fputc('\n', f->log);
}

// Frames that were held back count this one as having passed; who has let enough pass follows it.
static void let_pass(struct direction *d, struct held *passing)
{
  for (struct held *h = d->first, *next; h; h = next) {
    next = h->next;
    if (h == passing || !h->passes || h->due_us <= passing->due_us || --h->passes) continue;
    take_out(d, h);
    h->due_us = passing->due_us;
    insert_after(d, passing, h);
  }
}

static void admit_copy(struct fault *f, struct direction *d, const uint8_t *frame, size_t len, unsigned passes)
{
  uint64_t due_us = *f->now_us + d->opt.delay_us;
  struct held *h = hold(d, frame, len, passes ? due_us + REORDER_HOLD_US : due_us);
  if (!h) {
    d->stats.overflow++;
    note(f, d, "overflow", frame, len, -1);
    return;
  }
  insert(d, h);
  if (!passes) let_pass(d, h);
  h->passes = passes;
}

// A flipped bit is damage where a checksum can find it; in ARP, which has none, it would be a lie.
static bool can_corrupt(const uint8_t *frame, size_t len)
{
  return len > ADDRESSES + 2 && get_be16(frame + ADDRESSES) == ETHERTYPE_IPV4;
}

// One frame enters a direction. `frame` may be changed.
static void admit(struct fault *f, struct direction *d, uint8_t *frame, size_t len)
{
  struct fate t = draw_fate(d);
  d->stats.frames++;
  if (t.loss) {
    d->stats.lost++;
    note(f, d, "loss", frame, len, -1);
    return;
  }
  if (t.corrupt && can_corrupt(frame, len)) {
    uint64_t bit = ADDRESSES * 8 + t.bit % ((len - ADDRESSES) * 8);
    d->stats.corrupted++;
    note(f, d, "corrupt", frame, len, (long)bit);
    frame[bit / 8] = (uint8_t)(frame[bit / 8] ^ (0x80u >> (bit % 8)));
  }
  if (t.reorder) {
    d->stats.reordered++;
    note(f, d, "reorder", frame, len, -1);
  }
  if (d->opt.delay_us) d->stats.delayed++;
  admit_copy(f, d, frame, len, t.reorder ? t.passes : 0);
  if (!t.dup) return;
  d->stats.duplicated++;
  note(f, d, "dup", frame, len, -1);
  admit_copy(f, d, frame, len, 0);
}

// --- the wire --------------------------------------------------------------------------------------------------------

static struct held *first_due(const struct fault *f, const struct direction *d)
{
  return d->first && d->first->due_us <= *f->now_us ? d->first : NULL;
}

// Counters, death and its text are those of the wire inside.
static void mirror(struct fault *f)
{
  const struct wire_ops *ops = f->w.ops;
  f->w = *f->inner;
  f->w.ops = ops;
}

static bool send_due(struct fault *f)
{
  struct direction *d = &f->dir[1];
  bool sent = true;
  for (struct held *h; (h = first_due(f, d)); give_back(d, h)) sent &= wire_send(f->inner, h->bytes, h->len);
  return sent;
}

static int hand_over(struct direction *d, struct held *h, uint8_t *buf, size_t cap)
{
  size_t len = h->len < cap ? h->len : cap;
  memcpy(buf, h->bytes, len);
  give_back(d, h);
  return (int)len;
}

static int fault_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct fault *f = self(w);
  struct direction *d = &f->dir[0];
  struct held *h;
  int n;
  send_due(f);
  if (!active(d)) {
    n = wire_recv(f->inner, buf, cap);
    mirror(f);
    return n;
  }
  while (!(h = first_due(f, d))) {
    n = wire_recv(f->inner, f->scratch, sizeof f->scratch);
    if (n <= 0) {
      mirror(f);
      return n;
    }
    admit(f, d, f->scratch, (size_t)n);
  }
  mirror(f);
  return hand_over(d, h, buf, cap);
}

static bool fault_send(struct wire *w, const uint8_t *frame, size_t len)
{
  struct fault *f = self(w);
  bool sent = true;
  if (!active(&f->dir[1])) {
    sent = wire_send(f->inner, frame, len);
  } else if (len <= sizeof f->scratch) {
    memcpy(f->scratch, frame, len);
    admit(f, &f->dir[1], f->scratch, len);
    sent = send_due(f);
  }
  mirror(f);
  return sent;
}

static int fault_fd(struct wire *w) { return wire_fd(self(w)->inner); }

static uint64_t fault_deadline(const struct wire *w)
{
  const struct fault *f = self(w);
  uint64_t at = wire_deadline(f->inner);
  for (int i = 0; i < 2; i++)
    if (f->dir[i].first && f->dir[i].first->due_us < at) at = f->dir[i].first->due_us;
  return at;
}

static void fault_close(struct wire *w)
{
  struct fault *f = self(w);
  wire_close(f->inner);
  for (int i = 0; i < 2; i++) free_all(&f->dir[i]);
  free(f);
}

static const struct wire_ops fault_ops = {fault_recv, fault_send, fault_fd, fault_close, fault_deadline};

struct wire *wire_fault_open(struct wire *inner, const struct wire_fault_opts *o, const uint64_t *now_us, FILE *log,
                             char err[static WIRE_ERR_LEN])
{
  struct fault *f = calloc(1, sizeof *f);
  if (!f) {
    snprintf(err, WIRE_ERR_LEN, "fault: out of memory");
    wire_close(inner);
    return NULL;
  }
  f->w.ops = &fault_ops;
  f->inner = inner;
  f->now_us = now_us;
  f->log = log;
  for (unsigned i = 0; i < 2; i++) {
    f->dir[i].opt = o->dir[i];
    rng_seed(&f->dir[i].rng, 2 * o->dir[i].seed + i);   // the two directions never share their numbers
  }
  mirror(f);
  return &f->w;
}

const struct wire_fault_stats *wire_fault_stats(const struct wire *w, enum wire_fault_way way)
{
  assert(w->ops == &fault_ops);
  return &self(w)->dir[way].stats;
}

// --- options ---------------------------------------------------------------------------------------------------------

static bool parse_probability(const char *val, uint32_t *ppb)
{
  char *end;
  if (val[0] != '.' && (val[0] < '0' || val[0] > '9')) return false;   // strtod takes signs, blanks, words
  if (strpbrk(val, "xX")) return false;
  double p = strtod(val, &end);
  if (*end || !(p >= 0 && p <= 1)) return false;
  *ppb = (uint32_t)(p * 1e9 + 0.5);
  return true;
}

static bool set_key(struct wire_fault_dir *d, const char *key, const char *val)
{
  uint64_t v;
  if (!strcmp(key, "loss")) return parse_probability(val, &d->loss_ppb);
  if (!strcmp(key, "dup")) return parse_probability(val, &d->dup_ppb);
  if (!strcmp(key, "reorder")) return parse_probability(val, &d->reorder_ppb);
  if (!strcmp(key, "corrupt")) return parse_probability(val, &d->corrupt_ppb);
  if (!strcmp(key, "delay")) {
    if (!text_parse_uint(val, 0, WIRE_FAULT_DELAY_MAX_US, &v)) return false;
    d->delay_us = (uint32_t)v;
    return true;
  }
  if (strcmp(key, "seed") != 0) return false;
  d->have_seed = text_parse_uint(val, 0, UINT64_MAX, &d->seed);
  return d->have_seed;
}

bool wire_fault_parse(struct wire_fault_opts *o, const char *spec, char err[static WIRE_ERR_LEN])
{
  char copy[200], *list = copy;
  unsigned from = 0, to = 1;
  if (!strncmp(spec, "rx:", 3) || !strncmp(spec, "tx:", 3)) from = to = spec[0] == 't';
  if ((size_t)snprintf(copy, sizeof copy, "%s", spec + (from == to ? 3 : 0)) >= sizeof copy) {
    snprintf(err, WIRE_ERR_LEN, "%.60s...: longer than %zu characters", spec, sizeof copy - 1);
    return false;
  }
  if (!*list) {
    snprintf(err, WIRE_ERR_LEN, "%.60s: nothing is asked for; as loss=0.01,delay=500", spec);
    return false;
  }
  for (char *save = NULL, *item = strtok_r(list, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
    char *eq = strchr(item, '=');
    if (eq) *eq = '\0';
    for (unsigned i = from; i <= to; i++) {
      if (eq && set_key(&o->dir[i], item, eq + 1)) continue;
      snprintf(err, WIRE_ERR_LEN, "%.40s%s%.40s: not one of loss=, dup=, reorder=, corrupt= (0 to 1), delay= (us, at most %d), seed=",
               item, eq ? "=" : "", eq ? eq + 1 : "", WIRE_FAULT_DELAY_MAX_US);
      return false;
    }
  }
  return true;
}
