// SPDX-License-Identifier: Apache-2.0
// TIME-WAIT (RFC 9293 section 3.6.1): a small record of a finished connection that we closed first. It holds no flow.
// The table is bounded; when it is full the one with the earliest end makes room.
#ifndef LW_TIMEWAIT_H
#define LW_TIMEWAIT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/seq.h"
#include "base/timers.h"
#include "net/ipv4.h"
#include "net/tuple.h"

struct stack;
struct conn;
struct arrival;

enum { TW_MAX = 4096, TW_DEFAULT_US = 60000000 };

struct tw {
  struct tuple_node node;         // first: the map finds it
  struct timer timer;
  struct tw *next_free;
  struct seq snd_nxt, rcv_nxt;    // final: both FINs counted
  uint8_t remote_mac[6];
  uint8_t rcv_wscale;
  bool ts_ok;
  uint32_t ts_recent;
  struct ipv4_choice ip;
};

struct tw_table {
  struct tw *slots, *free;
  struct tuple_map map;
  struct timers timers;
};

bool tw_table_init(struct stack *s, const uint8_t key[static 16]);   // false: no memory
void tw_table_free(struct stack *s);
// The connection's both directions are done; its final numbers are taken over. Restarted for 2MSL.
void tw_enter(struct stack *s, const struct conn *c);
struct tw *tw_find(const struct stack *s, const struct tuple *t);    // NULL when there is none
void tw_input(struct stack *s, struct tw *w, const struct arrival *a);
void tw_run_timers(struct stack *s);
#endif
