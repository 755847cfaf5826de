// SPDX-License-Identifier: Apache-2.0
#include "four.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool four_site_find(struct four_site *s, vpiHandle call)
{
  vpiHandle arg, args = vpi_iterate(vpiArgument, call);
  *s = (struct four_site){0};
  while (args && (arg = vpi_scan(args))) {
    unsigned bits = (unsigned)vpi_get(vpiSize, arg);
    if (s->n == FOUR_ARGS || bits > 32 * FOUR_WORDS) {
      vpi_free_object(args);
      return false;
    }
    s->bits[s->n] = bits;
    s->arg[s->n++] = arg;
  }
  return true;
}

struct four_call four_begin(struct bridge *b, const struct four_site *s) { return (struct four_call){.b = b, .site = s, .flow = NO_FLOW}; }

static unsigned words(unsigned bits) { return (bits + 31) / 32; }

// The bits of word i that belong to a vector of so many.
static uint32_t word_mask(unsigned bits, unsigned i) { return bits >= 32 * (i + 1) ? UINT32_MAX : (UINT32_C(1) << (bits - 32 * i)) - 1; }

void four_take(struct four_call *c, struct four_vector *to)
{
  s_vpi_value value = {.format = vpiVectorVal};
  unsigned i = c->next++;
  to->bits = c->site->bits[i];
  vpi_get_value(c->site->arg[i], &value);
  for (unsigned w = 0; w < words(to->bits); w++) {
    uint32_t a = (uint32_t)value.value.vector[w].aval, b = (uint32_t)value.value.vector[w].bval & word_mask(to->bits, w);
    to->v[w] = a & ~b & word_mask(to->bits, w);
    to->x[w] = b;
    to->z[w] = b & ~a;
  }
}

static bool unknown(const struct four_vector *f, unsigned low, unsigned width)
{
  for (unsigned n; width; low += n, width -= n) {
    n = width < 64 ? width : 64;
    if (lw_bits_get(f->x, low, n)) return true;
  }
  return false;
}

// A digit as Verilog prints it: x or z where all of it is that, X where a part is unknown.
static char digit(const struct four_vector *f, unsigned low, unsigned width)
{
  unsigned all = (1u << width) - 1, v = (unsigned)lw_bits_get(f->v, low, width), x = (unsigned)lw_bits_get(f->x, low, width);
  return !x ? "0123456789abcdef"[v] : x != all ? 'X' : lw_bits_get(f->z, low, width) == all ? 'z' : 'x';
}

static void digits(const struct four_vector *f, unsigned low, unsigned width, char *out, size_t cap)
{
  int at = snprintf(out, cap, "%u'h", width);
  for (unsigned d = (width + 3) / 4; d-- && at > 0 && (size_t)at + 1 < cap;) {
    out[at++] = digit(f, low + 4 * d, 4 * d + 4 > width ? width - 4 * d : 4);
    out[at] = '\0';
  }
}

void four_must(struct four_call *c, const struct four_vector *of, const char *name, unsigned low, unsigned width)
{
  char text[40];
  if (c->bad || !unknown(of, low, width)) return;
  c->bad = true;
  digits(of, low, width, text, sizeof text);
  bridge_fault(c->b, c->flow, "X in %s (%s)", name, text);
}

uint64_t four_int_if(struct four_call *c, bool counts, const char *name)
{
  struct four_vector f;
  four_take(c, &f);
  if (counts) four_must(c, &f, name, 0, f.bits);
  return lw_bits_get(f.v, 0, f.bits);
}

uint64_t four_int(struct four_call *c, const char *name) { return four_int_if(c, true, name); }

static void byte_must(struct four_call *c, const struct four_vector *f, const char *name, unsigned byte)
{
  char text[80];
  if (c->bad || !unknown(f, 8 * byte, 8)) return;
  snprintf(text, sizeof text, "%s[%u:%u]", name, 8 * byte + 7, 8 * byte);
  four_must(c, f, text, 8 * byte, 8);
}

void four_lanes(struct four_call *c, const char *name, unsigned nbytes, uint32_t *v)
{
  struct four_vector f;
  four_take(c, &f);
  for (unsigned i = 0; i < nbytes && i < f.bits / 8; i++) byte_must(c, &f, name, i);
  memcpy(v, f.v, 4 * words(f.bits));
}

void four_enabled(struct four_call *c, const char *name, uint64_t enable)
{
  struct four_vector f;
  four_take(c, &f);
  for (unsigned i = 0; i < f.bits / 8; i++)
    if (enable >> i & 1) byte_must(c, &f, name, i);
}

static const struct nic_field *member(const struct four_fields *s, const char *name)
{
  for (unsigned i = 0; i < s->n; i++)
    if (!strcmp(s->field[i].name, name)) return &s->field[i];
  return NULL;
}

static bool among(const char *const *names, const char *name)
{
  for (; *names; names++)
    if (!strcmp(*names, name)) return true;
  return false;
}

static void take_struct(struct four_call *c, const struct four_fields *s, struct four_vector *f)
{
  four_take(c, f);
  assert(f->bits == s->field[0].low + s->field[0].width);   // the first is the highest
}

// Those of `names`; NULL: all.
static void members_must(struct four_call *c, const struct four_vector *f, const struct four_fields *s, const char *const *names)
{
  char name[80];
  for (unsigned i = 0; i < s->n && !c->bad; i++) {
    const struct nic_field *m = &s->field[i];
    if (names && !among(names, m->name)) continue;
    snprintf(name, sizeof name, "%s.%s", s->name, m->name);
    four_must(c, f, name, m->low, m->width);
  }
}

void four_struct_if(struct four_call *c, bool counts, const struct four_fields *s, uint32_t *v)
{
  struct four_vector f;
  take_struct(c, s, &f);
  if (counts) members_must(c, &f, s, NULL);
  memcpy(v, f.v, 4 * words(f.bits));
}

void four_struct(struct four_call *c, const struct four_fields *s, uint32_t *v) { four_struct_if(c, true, s, v); }

void four_struct_guarded(struct four_call *c, const struct four_guard *g, const struct four_fields *s, uint32_t *v)
{
  struct four_vector f;
  const struct nic_field *by = member(s, g->by);
  take_struct(c, s, &f);
  bool part = !unknown(&f, by->low, by->width) && lw_bits_get(f.v, by->low, by->width) != g->value;
  members_must(c, &f, s, part ? g->always : NULL);
  memcpy(v, f.v, 4 * words(f.bits));
}

int four_flow(const struct four_call *c, const struct four_fields *s)
{
  struct four_call ahead = *c;
  struct four_vector f;
  const struct nic_field *m = member(s, "flow");
  four_take(&ahead, &f);
  return m && !unknown(&f, m->low, m->width) ? (int)lw_bits_get(f.v, m->low, m->width) : NO_FLOW;
}

void four_give(struct four_call *c, const uint32_t *v)
{
  unsigned i = c->next++;
  s_vpi_vecval to[FOUR_WORDS];
  for (unsigned w = 0; w < words(c->site->bits[i]); w++) to[w] = (s_vpi_vecval){.aval = (PLI_INT32)v[w], .bval = 0};
  s_vpi_value value = {.format = vpiVectorVal, .value.vector = to};
  vpi_put_value(c->site->arg[i], &value, NULL, vpiNoDelay);
}
