// SPDX-License-Identifier: Apache-2.0
// What can happen to a flow, and the states that it can happen in.
#ifndef LW_EVENTS_H
#define LW_EVENTS_H
#include "tools/talk.h"

// Made from what was said so far, and noted as said. False: it cannot happen now.
typedef bool make_event(struct scene *s, struct talk *t, struct event *e);

struct kind {
  const char *name;
  make_event *make;
  const char *what;
  enum talk_how ends;          // what becomes of the flow; TALK_WHOLE: nothing
};
extern const struct kind kinds[];
extern const unsigned n_kinds;

struct state {
  const char *name;
  bool (*make)(struct scene *s, struct talk *t);   // from a flow just opened; false as in talk.h
  const char *what;
  uint32_t user_timeout_ms;    // to be opened with
  bool two;                    // also on two flows
};
extern const struct state states[];
extern const unsigned n_states;
#endif
