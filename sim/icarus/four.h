// SPDX-License-Identifier: Apache-2.0
// A call of a system task, seen as its arguments from left to right: four-state vectors, taken as two-state words (least significant
// first) once it is known that no bit that counts is X or Z. The first that is ends in bridge_fault(); an unknown bit is taken as 0.
#ifndef LW_FOUR_H
#define LW_FOUR_H
#include <vpi_user.h>

// svdpi.h has the same type, and this is how it is told that it is there already; Icarus' header does not say so.
#define VPI_VECVAL

#include "bridge.h"
#include "nic_layout.h"

enum { FOUR_ARGS = 12, FOUR_WORDS = 64 };

// Where a task is called from: found once, as the simulation is built.
struct four_site {
  unsigned n, bits[FOUR_ARGS];
  vpiHandle arg[FOUR_ARGS];
};

struct four_call {
  struct bridge *b;
  const struct four_site *site;
  unsigned next;             // argument
  int flow;                  // for the message; the task sets it when it knows
  bool bad;                  // something that counts was unknown
};

// The values, 0 where they are unknown; which bits are; and which of those are Z.
struct four_vector {
  unsigned bits;
  uint32_t v[FOUR_WORDS], x[FOUR_WORDS], z[FOUR_WORDS];
};

// Of the call that vpi_handle names; false: more arguments, or wider ones, than there is room for.
bool four_site_find(struct four_site *s, vpiHandle call);
struct four_call four_begin(struct bridge *b, const struct four_site *s);

// All of it must be known; up to 64 bits.
uint64_t four_int(struct four_call *c, const char *name);
// It counts only if `counts`; else what is known of it.
uint64_t four_int_if(struct four_call *c, bool counts, const char *name);
// Of a beat its first nbytes bytes, in memory as a DPI import has them; the others as 0 where they are unknown.
void four_lanes(struct four_call *c, const char *name, unsigned nbytes, uint32_t *v);
// Of a word of memory the bytes that are enabled; `enable` is up to 64 of them.
void four_enabled(struct four_call *c, const char *name, uint64_t enable);
// A packed struct, each member of which must be known. The message names the member.
struct four_fields {
  const char *name;
  const struct nic_field *field;
  unsigned n;
};
void four_struct(struct four_call *c, const struct four_fields *f, uint32_t *v);
void four_struct_if(struct four_call *c, bool counts, const struct four_fields *f, uint32_t *v);
// Where its member `by` is known and not `value`, only the members in `always` count.
struct four_guard {
  const char *by;
  uint64_t value;
  const char *always[4];     // ends with NULL
};
void four_struct_guarded(struct four_call *c, const struct four_guard *g, const struct four_fields *f, uint32_t *v);
// The member `flow` of the struct that comes next, which is not taken yet; NO_FLOW: it is not known.
int four_flow(const struct four_call *c, const struct four_fields *f);
// As it stands, for a task that has more to ask; four_must then asks of a part of it.
void four_take(struct four_call *c, struct four_vector *to);
void four_must(struct four_call *c, const struct four_vector *of, const char *name, unsigned low, unsigned width);
// Sets the argument.
void four_give(struct four_call *c, const uint32_t *v);
#endif
