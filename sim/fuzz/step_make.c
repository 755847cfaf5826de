// SPDX-License-Identifier: Apache-2.0
// Runs made by chance, and made different by chance.
#include <string.h>

#include "base/bytes.h"
#include "fuzz/step.h"
#include "tcp/segment.h"

// --- single steps ------------------------------------------------------------------------------------------------------

static bool per_cent(struct rng *r, uint32_t n) { return rng_below(r, 100) < n; }
static uint8_t byte(struct rng *r) { return (uint8_t)rng_next(r); }

static uint8_t draw_gap(struct rng *r)
{
  uint32_t way = rng_below(r, 100);
  if (way < 45) return UINT8_MAX;
  return (uint8_t)(way < 90 ? rng_below(r, way < 70 ? 12 : GAP_EXACT) : rng_below(r, UINT8_MAX));
}

static uint8_t draw_flow(struct rng *r) { return (uint8_t)(per_cent(r, 60) ? 0 : rng_below(r, per_cent(r, 70) ? 2 : STEP_FLOWS)); }

static uint16_t draw_length(struct rng *r)
{
  static const uint16_t usual[] = {1, 8, 32, 64, 100, 200, 536, 1000, 1448, 1460};
  return per_cent(r, 70) ? usual[rng_below(r, 10)] : (uint16_t)rng_below(r, 1500);
}

static int16_t draw_offset(struct rng *r)
{
  static const int16_t usual[] = {1, -1, 2, -2, 8, -8, 100, -100, 1000, -1000, 4096, -4096, 32767, -32768};
  return per_cent(r, 60) ? usual[rng_below(r, 14)] : (int16_t)rng_below(r, 3000);
}

// Makes a segment something else than the next one with an ACK of all.
static void vary(struct rng *r, uint8_t *p)
{
  static const uint8_t flags[] = {TCP_FIN, TCP_RST, TCP_SYN, TCP_PSH, TCP_URG, TCP_ACK, TCP_FIN | TCP_PSH, TCP_RST | TCP_ACK, TCP_ECE | TCP_CWR};
  switch (rng_below(r, 10)) {
    case 0: p[K_FLAGS] = flags[rng_below(r, sizeof flags)]; break;
    case 1: p[K_BASE] = (uint8_t)((p[K_BASE] & 0xf0) | FROM_SEGMENTS); put_le16(p + K_A, (uint16_t)rng_below(r, 5)); break;
    case 2: p[K_BASE] = (uint8_t)((p[K_BASE] & 0xf0) | rng_below(r, 8)); put_le16(p + K_A, (uint16_t)draw_offset(r)); break;
    case 3: p[K_BASE] = (uint8_t)((p[K_BASE] & 15) | (FROM_UNA | FROM_SEGMENTS) << 4); put_le16(p + K_B, (uint16_t)rng_below(r, 4)); break;
    case 4: p[K_BASE] = (uint8_t)((p[K_BASE] & 15) | rng_below(r, 8) << 4); put_le16(p + K_B, (uint16_t)draw_offset(r)); break;
    case 5: p[K_BASE] = (uint8_t)((p[K_BASE] & 15) | FROM_UNA << 4); p[K_OPT] = (uint8_t)(p[K_OPT] | (1 + rng_below(r, 4)) << 3); break;
    case 6: p[K_WND] = (uint8_t)(per_cent(r, 50) ? rng_below(r, 4) : byte(r)); break;
    case 7: p[K_OPT] = (uint8_t)((p[K_OPT] & 0xf8) | rng_below(r, 8)); break;
    case 8: p[K_OPT] = (uint8_t)((p[K_OPT] & 0x3f) | rng_below(r, 4) << 6); break;
    default: p[K_MANGLE] = (uint8_t)(1 + rng_below(r, MANGLES - 1)); break;
  }
}

static void draw_segment(struct rng *r, uint8_t *p)
{
  if (per_cent(r, 50)) put_le16(p + K_LEN, draw_length(r));
  for (unsigned i = 0; i < STEP_BLOCKS; i++) p[K_SACK + i] = (uint8_t)((2 + 3 * i + rng_below(r, 3)) << 4 | (1 + rng_below(r, 3)));
  p[K_X] = byte(r);
  p[K_Y] = byte(r);
  for (uint32_t n = rng_below(r, 4); n; n--) vary(r, p);
}

static void draw_open(struct rng *r, uint8_t *p)
{
  p[K_OPT] = (uint8_t)(per_cent(r, 60) ? 3 | (byte(r) & 0xf4) : byte(r));
  if (per_cent(r, 50)) p[K_OPT] &= 15;
  p[K_X] = byte(r);
  put_le16(p + K_A, (uint16_t)rng_below(r, per_cent(r, 50) ? 100 : 10000));
  put_le16(p + K_B, (uint16_t)rng_below(r, per_cent(r, 50) ? 100 : 10000));
  p[K_Y] = byte(r);
  put_le16(p + K_LEN, draw_length(r));
  p[K_WND] = (uint8_t)(per_cent(r, 60) ? 2 : byte(r));
  if (per_cent(r, 15)) p[K_SACK] = byte(r);
  if (per_cent(r, 15)) p[K_SACK + 1] = p[K_SACK + 2] = (uint8_t)(1 + rng_below(r, 255));
  if (per_cent(r, 5)) p[K_SACK + 3] = byte(r);
}

void step_draw(struct rng *r, uint8_t out[static STEP_BYTES])
{
  static const uint8_t share[STEP_KINDS] = {50, 6, 12, 6, 3, 1, 2, 2, 10, 2, 4, 2};   // per cent
  uint32_t way = rng_below(r, 100);
  unsigned kind = 0;
  for (; way >= share[kind]; kind++) way -= share[kind];
  memset(out, 0, STEP_BYTES);
  out[K_KIND] = (uint8_t)kind;
  out[K_FLOW] = draw_flow(r);
  out[K_GAP] = draw_gap(r);
  switch ((enum step_kind)kind) {
    case STEP_SEGMENT: draw_segment(r, out); return;
    case STEP_OPEN: draw_open(r, out); return;
    case STEP_WRITE: put_le16(out + K_A, per_cent(r, 40) ? draw_length(r) : (uint16_t)rng_below(r, 5000)); return;
    default: break;
  }
  put_le16(out + K_A, (uint16_t)rng_below(r, 4096));
  out[K_X] = byte(r);
  out[K_Y] = kind == STEP_TUNE && per_cent(r, 70) ? 0 : byte(r);
  put_le16(out + K_LEN, draw_length(r));
  if (kind == STEP_TUNE && per_cent(r, 50)) out[K_SACK + 1] = byte(r);
}

// --- scenes ------------------------------------------------------------------------------------------------------------

struct reel {
  struct rng *r;
  uint8_t *at;
  unsigned n, most, flow;
};

// The next step, filled with what the fields are when nothing is said; what follows the last that there is room for is lost.
static uint8_t *next(struct reel *l, enum step_kind kind)
{
  uint8_t *p = l->at + (size_t)l->n * STEP_BYTES;
  if (l->n + 1 < l->most) l->n++;
  memset(p, 0, STEP_BYTES);
  p[K_KIND] = (uint8_t)kind;
  p[K_FLOW] = (uint8_t)l->flow;
  p[K_GAP] = draw_gap(l->r);
  return p;
}

static void put_open(struct reel *l, unsigned flow)
{
  uint8_t *p = next(l, STEP_OPEN);
  p[K_FLOW] = (uint8_t)flow;
  draw_open(l->r, p);
  p[K_GAP] = UINT8_MAX;
}

static void put_amount(struct reel *l, enum step_kind kind, unsigned amount) { put_le16(next(l, kind) + K_A, (uint16_t)amount); }

static uint8_t *put_data(struct reel *l, unsigned from_segments, unsigned len)
{
  uint8_t *p = next(l, STEP_SEGMENT);
  p[K_BASE] = FROM_SEGMENTS;
  put_le16(p + K_A, (uint16_t)from_segments);
  put_le16(p + K_LEN, (uint16_t)len);
  return p;
}

// Of so many segments beyond SND.UNA; blocks: SACK, that many.
static uint8_t *put_ack(struct reel *l, unsigned segments, unsigned blocks)
{
  uint8_t *p = next(l, STEP_SEGMENT);
  p[K_BASE] = (FROM_UNA | FROM_SEGMENTS) << 4;
  put_le16(p + K_B, (uint16_t)segments);
  p[K_OPT] = (uint8_t)(blocks << 3);
  for (unsigned i = 0; i < STEP_BLOCKS; i++) p[K_SACK + i] = (uint8_t)((4 + 4 * i) << 4 | 2);
  return p;
}

static void put_jump(struct reel *l, enum step_jump how)
{
  uint8_t *p = next(l, STEP_TIME);
  p[K_X] = (uint8_t)how;
  p[K_GAP] = UINT8_MAX;
}

static void put_window(struct reel *l, unsigned code) { put_ack(l, 0, 0)[K_WND] = (uint8_t)code; }
static void put_flags(struct reel *l, unsigned flags) { next(l, STEP_SEGMENT)[K_FLAGS] = (uint8_t)flags; }

static void scene_loss(struct reel *l)
{
  put_amount(l, STEP_WRITE, 4000);
  for (unsigned i = 0; i < 5; i++) put_ack(l, 0, rng_below(l->r, 4));
  put_ack(l, 1, rng_below(l->r, 3));
  put_ack(l, 20, 0);
}

static void scene_gaps(struct reel *l)
{
  for (unsigned i = 6; i > 0; i--) put_data(l, i, 1 + rng_below(l->r, 200));
  put_data(l, 0, 1000);
  put_amount(l, STEP_CONSUME, UINT16_MAX);
}

static void scene_window(struct reel *l)
{
  put_window(l, 1);
  put_amount(l, STEP_WRITE, 500);
  put_jump(l, JUMP_DEADLINE);
  put_jump(l, JUMP_DEADLINE);
  put_window(l, 2);
}

static void scene_full(struct reel *l)
{
  for (unsigned i = 0; i < 5; i++) put_data(l, 0, 1000);
  put_amount(l, STEP_CONSUME, 1);
  put_amount(l, STEP_CONSUME, UINT16_MAX);
}

static void scene_ends(struct reel *l)
{
  put_amount(l, STEP_WRITE, 100);
  put_amount(l, STEP_CLOSE, 0);
  put_flags(l, TCP_FIN);
  put_ack(l, 0, 0);
  next(l, STEP_SEGMENT);
  put_amount(l, STEP_RELEASE, 0);
}

static void scene_timeouts(struct reel *l)
{
  put_amount(l, STEP_WRITE, 3000);
  for (unsigned i = 0; i < 3; i++) put_jump(l, rng_below(l->r, 2) ? JUMP_DEADLINE : JUMP_SECOND);
  put_ack(l, 1, 0);
  put_ack(l, 10, 0);
}

static void scene_forged(struct reel *l)
{
  static const uint8_t flags[] = {TCP_RST, TCP_SYN, TCP_ACK, TCP_RST | TCP_ACK, TCP_SYN | TCP_FIN};
  for (unsigned i = 0; i < sizeof flags; i++) {
    uint8_t *p = next(l, STEP_SEGMENT);
    p[K_FLAGS] = flags[i];
    put_le16(p + K_A, (uint16_t)(rng_below(l->r, 3)));
  }
}

static void scene_both(struct reel *l)
{
  for (unsigned i = 0; i < 3; i++) {
    put_amount(l, STEP_WRITE, draw_length(l->r));
    put_data(l, 0, draw_length(l->r));
    put_amount(l, STEP_CONSUME, UINT16_MAX);
  }
  put_jump(l, JUMP_DELAYED_ACK);
}

static void scene_broken(struct reel *l)
{
  for (unsigned i = 1; i < 8; i++) {
    uint8_t *p = put_data(l, 0, 100);
    p[K_MANGLE] = (uint8_t)(1 + rng_below(l->r, MANGLES - 1));
    p[K_OPT] = (uint8_t)(byte(l->r) & 0xc7);
    p[K_X] = byte(l->r);
    p[K_Y] = byte(l->r);
  }
}

static void scene_frames(struct reel *l)
{
  for (unsigned i = 0; i < FRAMES; i++) {
    uint8_t *p = next(l, STEP_FRAME);
    p[K_X] = (uint8_t)i;
    put_le16(p + K_LEN, draw_length(l->r));
  }
  put_le16(next(l, STEP_SLOW) + K_LEN, draw_length(l->r));
}

static void scene_tuned(struct reel *l)
{
  uint8_t *p = next(l, STEP_TUNE);
  p[K_X] = byte(l->r);
  p[K_SACK + 1] = (uint8_t)(1 + rng_below(l->r, 100));
  p[K_SACK + 2] = (uint8_t)(1 + rng_below(l->r, 100));
  put_amount(l, STEP_WRITE, 2000);
  put_jump(l, JUMP_DEADLINE);
  put_jump(l, JUMP_TICKS);
  p = next(l, STEP_TUNE);
  p[K_Y] = byte(l->r);
}

static void scene_many(struct reel *l)
{
  for (unsigned i = 1; i < STEP_FLOWS; i++) {
    put_open(l, i);
    put_le16(next(l, STEP_WRITE) + K_A, 200);
    l->at[(l->n - 1) * STEP_BYTES + K_FLOW] = (uint8_t)i;
  }
  put_jump(l, JUMP_DEADLINE);
}

unsigned step_scene(struct rng *r, unsigned scene, unsigned flow, uint8_t *out, unsigned most)
{
  static void (*const play[STEP_SCENES])(struct reel *) = {
      scene_loss, scene_gaps, scene_window, scene_full, scene_ends, scene_timeouts, scene_forged, scene_both, scene_broken, scene_frames,
      scene_tuned, scene_many};
  uint8_t buf[(STEP_SCENE_MOST + 1) * STEP_BYTES];
  struct reel l = {r, buf, 0, STEP_SCENE_MOST + 1, flow};
  play[scene % STEP_SCENES](&l);
  unsigned n = l.n < most ? l.n : most;
  memcpy(out, buf, (size_t)n * STEP_BYTES);
  return n;
}

// --- whole runs --------------------------------------------------------------------------------------------------------

size_t step_seed(unsigned number, uint8_t out[static STEP_SIZE_MAX])
{
  struct rng r;
  struct reel l;
  rng_seed(&r, number);
  l = (struct reel){&r, out + STEP_BYTES, 0, STEP_MOST, 0};
  memset(out, 0, STEP_BYTES);
  out[0] = (uint8_t)(number & 1);
  out[1] = (uint8_t)(number / 2 % 4);
  if (number % 3 == 2)
    for (unsigned i = 0; i < STEP_PORTS; i++) out[2 + i] = byte(&r) & byte(&r);
  put_open(&l, 0);
  unsigned n = l.n;
  n += step_scene(&r, number % STEP_SCENES, 0, out + STEP_BYTES * (1 + n), STEP_MOST - n);
  for (uint32_t more = rng_below(&r, 3); more; more--)
    n += step_scene(&r, rng_below(&r, STEP_SCENES), 0, out + STEP_BYTES * (1 + n), STEP_MOST - n);
  return (size_t)(n + 1) * STEP_BYTES;
}

static uint8_t *record(uint8_t *data, unsigned i) { return data + (size_t)(i + 1) * STEP_BYTES; }

// n steps are to stand before the i-th; returns how many there is room for.
static unsigned open_gap(uint8_t *data, unsigned *count, unsigned i, unsigned n, unsigned most)
{
  if (n > most - *count) n = most - *count;
  memmove(record(data, i + n), record(data, i), (size_t)(*count - i) * STEP_BYTES);
  *count += n;
  return n;
}

static void remove_steps(uint8_t *data, unsigned *count, unsigned i, unsigned n)
{
  memmove(record(data, i), record(data, i + n), (size_t)(*count - i - n) * STEP_BYTES);
  *count -= n;
}

static void change_byte(struct rng *r, uint8_t *p)
{
  uint8_t *at = &p[rng_below(r, STEP_BYTES)];
  switch (rng_below(r, 4)) {
    case 0: *at = byte(r); break;
    case 1: *at = (uint8_t)(*at ^ 1u << rng_below(r, 8)); break;
    case 2: *at = (uint8_t)(*at + 1 + rng_below(r, 4)); break;
    default: *at = (uint8_t)(*at - 1 - rng_below(r, 4)); break;
  }
}

static void change_step(struct rng *r, uint8_t *p)
{
  switch (rng_below(r, 6)) {
    case 0: step_draw(r, p); break;
    case 1: p[K_GAP] = draw_gap(r); break;
    case 2: p[K_FLOW] = draw_flow(r); break;
    case 3:
      if (p[K_KIND] % STEP_KINDS == STEP_SEGMENT) {
        vary(r, p);
        break;
      }   // falls through
    default: change_byte(r, p); break;
  }
}

static void insert_some(struct rng *r, uint8_t *data, unsigned *count, unsigned i, unsigned most)
{
  uint8_t buf[STEP_SCENE_MOST * STEP_BYTES];
  unsigned n = 1;
  if (per_cent(r, 60)) step_draw(r, buf);
  else n = step_scene(r, rng_below(r, STEP_SCENES), draw_flow(r), buf, STEP_SCENE_MOST);
  n = open_gap(data, count, i, n, most);
  memcpy(record(data, i), buf, (size_t)n * STEP_BYTES);
}

static void copy_some(struct rng *r, uint8_t *data, unsigned *count, unsigned i, unsigned most)
{
  uint8_t buf[8 * STEP_BYTES];
  unsigned n = 1 + rng_below(r, 8), from = rng_below(r, *count);
  if (n > *count - from) n = *count - from;
  memcpy(buf, record(data, from), (size_t)n * STEP_BYTES);
  n = open_gap(data, count, i, n, most);
  memcpy(record(data, i), buf, (size_t)n * STEP_BYTES);
}

static void swap_two(struct rng *r, uint8_t *data, unsigned count)
{
  uint8_t buf[STEP_BYTES], *p = record(data, rng_below(r, count)), *q = record(data, rng_below(r, count));
  memcpy(buf, p, STEP_BYTES);
  memmove(p, q, STEP_BYTES);
  memcpy(q, buf, STEP_BYTES);
}

size_t step_mutate(struct rng *r, uint8_t *data, size_t size, size_t max)
{
  unsigned most = step_count(max), count = step_count(size);
  if (!count || most < count) return step_seed((unsigned)rng_next(r), data);
  for (uint32_t times = 1 + rng_below(r, 4); times; times--) {
    unsigned i = rng_below(r, count), n = 1 + rng_below(r, 3);
    switch (rng_below(r, 20)) {
      case 0: case 1: case 2: insert_some(r, data, &count, per_cent(r, 30) ? count : i, most); break;
      case 3: case 4: copy_some(r, data, &count, i, most); break;
      case 5: case 6: remove_steps(data, &count, i, n < count - i ? n : count - i); break;
      case 7: swap_two(r, data, count); break;
      case 8: change_byte(r, data); break;
      default: change_step(r, record(data, i)); break;
    }
    if (!count) return step_seed((unsigned)rng_next(r), data);
  }
  return (size_t)(count + 1) * STEP_BYTES;
}

// The first steps of one, then the last of the other.
size_t step_cross(struct rng *r, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max)
{
  unsigned most = step_count(max), na = step_count(a_size), nb = step_count(b_size);
  if (!na || !nb || !most) return 0;
  unsigned n = 1 + rng_below(r, na < most ? na : most), from = rng_below(r, nb), m = nb - from < most - n ? nb - from : most - n;
  memcpy(out, a, (size_t)(n + 1) * STEP_BYTES);
  memcpy(out + (size_t)(n + 1) * STEP_BYTES, b + (size_t)(from + 1) * STEP_BYTES, (size_t)m * STEP_BYTES);
  return (size_t)(n + m + 1) * STEP_BYTES;
}
