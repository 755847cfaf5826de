// SPDX-License-Identifier: Apache-2.0
#include "played.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/timers.h"

enum {
  BACKLOG = 1024, READ_BYTES = 65536, PORTS = 65536,
  CALLS = 20               // while the addresses are in use, each time twice as long after the one before: a second in all
};

struct player {
  struct tuple_node node;  // first; in the map, the first of its addresses and ports
  struct timer due, turn;  // when it may do something by time alone; in this turn, by its number
  struct player *after;    // of the same addresses and ports
  const struct conv *c;
  int sid;                 // -1: none
  bool begun, shut;
  unsigned calls;          // that came too early: the flow of the connection before is given back when its last frames have left
  uint64_t call_us;        // not before that the next
  size_t at;               // the next write
  struct played_result r;
};

struct played {
  const struct convs *v;
  struct peers *peers;
  struct stack *stack;
  struct player *player;
  struct tuple_map map;
  struct timers due, turn;
  struct player **blocked; // those whose time has come, but which another has to end for
  size_t n_blocked, ended; // ended: peers_ended then
  int *listener;
  size_t n_listeners;
  bool listens[PORTS];
  uint8_t in[READ_BYTES];
};

// One listener for each port at which somebody was served.
static void listen_at(struct played *p, uint16_t port)
{
  int sid = p->listens[port] ? -1 : sock_socket(p->stack, SOCK_TCP);
  if (sid < 0) return;
  p->listens[port] = true;
  if (sock_bind(p->stack, sid, 0, port) == 0 && sock_listen(p->stack, sid, BACKLOG) == 0) p->listener[p->n_listeners++] = sid;
  else sock_close(p->stack, sid);
}

struct played *played_open(const struct convs *v, struct peers *peers, struct stack *s)
{
  static const uint8_t key[16] = {2};
  struct played *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->v = v;
  p->peers = peers;
  p->stack = s;
  p->player = calloc(v->n + 1, sizeof *p->player);
  p->blocked = calloc(v->n + 1, sizeof *p->blocked);
  p->listener = calloc(v->n + 1, sizeof *p->listener);
  if (!p->player || !p->blocked || !p->listener || !tuple_map_init(&p->map, 1024 + v->n, key) || !timers_init(&p->due, v->n + 1)
      || !timers_init(&p->turn, v->n + 1)) {
    played_close(p);
    return NULL;
  }
  for (size_t i = v->n; i-- > 0;) {
    const struct conv *c = v->conv[i];
    struct player *y = &p->player[i];
    struct tuple_node *later = tuple_map_find(&p->map, &c->node.tuple);
    *y = (struct player){.node.tuple = c->node.tuple, .after = (struct player *)later, .c = c, .sid = -1};
    if (later) tuple_map_remove(&p->map, later);
    tuple_map_insert(&p->map, &y->node);
    if (c->active && c->syn_near) timers_set(&p->due, &y->due, peers_time(peers, i, c->open_us));
  }
  for (size_t i = 0; i < v->n; i++)
    if (!v->conv[i]->active && v->conv[i]->answered) listen_at(p, v->conv[i]->node.tuple.local_port);
  return p;
}

void played_close(struct played *p)
{
  if (!p) return;
  for (size_t i = 0; p->player && i < p->v->n; i++)
    if (p->player[i].sid >= 0) sock_abort(p->stack, p->player[i].sid);
  for (size_t i = 0; i < p->n_listeners; i++) sock_close(p->stack, p->listener[i]);
  tuple_map_free(&p->map);
  timers_free(&p->due);
  timers_free(&p->turn);
  free(p->player);
  free(p->blocked);
  free(p->listener);
  free(p);
}

// --- a connection ----------------------------------------------------------------------------------------------------

static void fails(struct played *p, struct player *y, int err)
{
  y->r.err = err;
  sock_close(p->stack, y->sid);
  y->sid = -1;
}

static bool connect_now(struct played *p, struct player *y, size_t i, uint64_t now_us)
{
  const struct tuple *t = &y->c->node.tuple;
  y->begun = true;
  y->sid = sock_socket(p->stack, SOCK_TCP);
  if (y->sid < 0) return true;
  sock_set_user(p->stack, y->sid, y);
  sock_bind(p->stack, y->sid, t->local_ip, t->local_port);
  int err = sock_connect(p->stack, y->sid, t->remote_ip, t->remote_port);
  if (err == -EADDRINUSE && y->calls < CALLS) {
    sock_close(p->stack, y->sid);
    y->sid = -1;
    y->begun = false;
    y->call_us = now_us + (1u << y->calls++);
    return true;
  }
  peers_begin(p->peers, i);
  if (err != 0 && err != -EINPROGRESS) fails(p, y, -err);
  return true;
}

static size_t number_of(const struct played *p, const struct player *y) { return (size_t)(y - p->player); }

static void wake(struct played *p, struct player *y) { timers_set(&p->turn, &y->turn, number_of(p, y)); }

// Whose connection it is: with the same addresses and ports there may be several, one after the other. One that the NIC did not let in has none.
static struct player *player_of(const struct played *p, const struct tuple *t)
{
  struct player *y = (struct player *)tuple_map_find(&p->map, t);
  while (y && (y->begun || y->c->active || !peers_result(p->peers, number_of(p, y)).opened)) y = y->after;
  return y;
}

static void accept_all(struct played *p, int listener)
{
  struct sock_addr peer, own;
  for (int sid; (sid = sock_accept(p->stack, listener, &peer)) >= 0;) {
    sock_getsockname(p->stack, sid, &own);
    struct player *y = player_of(p, &(struct tuple){own.ip, peer.ip, own.port, peer.port});
    if (y) {
      y->begun = true;
      y->sid = sid;
      sock_set_user(p->stack, sid, y);
      sock_setsockopt(p->stack, sid, SOCK_OPT_NODELAY, 1);
      wake(p, y);
    } else {
      sock_abort(p->stack, sid);
    }
  }
}

// What the far side sent at that place, where the capture has it; what it sent there first, if it sent twice.
static void compare(struct player *y, const uint8_t *in, size_t n)
{
  const struct conv *c = y->c;
  for (size_t i = 0; i < n; i++) {
    size_t at = (size_t)y->r.delivered + i;
    y->r.other += at >= c->in_len || (c->have[at] && c->in[at] != in[i]);
  }
}

static bool read_all(struct played *p, struct player *y)
{
  ssize_t n = 0;
  bool any = false;
  while (!y->r.end && (n = sock_recv(p->stack, y->sid, p->in, sizeof p->in)) > 0) {
    compare(y, p->in, (size_t)n);
    y->r.delivered += (uint64_t)n;
    any = true;
  }
  if (!y->r.end && n == 0) y->r.end = any = true;
  if (n < 0 && n != -EAGAIN && n != -ENOTCONN) {
    fails(p, y, (int)-n);
    return true;
  }
  return any;
}

static bool due(const struct played *p, const struct player *y, size_t i, const struct conv_write *w, uint64_t now_us)
{
  return y->r.delivered >= w->after && now_us >= peers_time(p->peers, i, w->us);
}

static bool write_due(struct played *p, struct player *y, size_t i, uint64_t now_us)
{
  bool any = false;
  while (y->at < y->c->n_writes && due(p, y, i, &y->c->write[y->at], now_us)) {
    uint64_t to = y->c->write[y->at].to;
    ssize_t n = to > y->r.written ? sock_send(p->stack, y->sid, y->c->out + y->r.written, to - y->r.written) : 0;
    if (n < 0) return any;
    y->r.written += (uint64_t)n;
    any |= n > 0;
    if (y->r.written < to) return any;
    y->at++;
  }
  return any;
}

// A reset cuts off whatever is still to be written, a close does not.
static bool end_due(struct played *p, struct player *y, size_t i, uint64_t now_us)
{
  const struct conv *c = y->c;
  if (c->resets && due(p, y, i, &c->reset, now_us)) {
    sock_abort(p->stack, y->sid);
    y->sid = -1;
    return true;
  }
  if (y->shut || !c->closes || y->at < c->n_writes || !due(p, y, i, &c->close, now_us)) return false;
  sock_shutdown(p->stack, y->sid);
  return y->shut = true;
}

static bool opens(const struct player *y) { return !y->begun && y->c->active && y->c->syn_near; }

static uint64_t open_time(const struct played *p, size_t i)
{
  const struct player *y = &p->player[i];
  uint64_t at = peers_time(p->peers, i, y->c->open_us);
  return at > y->call_us ? at : y->call_us;
}

static bool serve(struct played *p, size_t i, uint64_t now_us)
{
  struct player *y = &p->player[i];
  if (opens(y) && peers_may_begin(p->peers, i) && now_us >= open_time(p, i)) return connect_now(p, y, i, now_us);
  if (y->sid < 0) return false;
  bool any = read_all(p, y);
  if (y->sid >= 0) any |= write_due(p, y, i, now_us);
  if (y->sid >= 0) any |= end_due(p, y, i, now_us);
  if (y->sid >= 0 && y->shut && y->r.end && !y->c->resets) {
    sock_close(p->stack, y->sid);
    y->sid = -1;
  }
  return any;
}

// --- time ------------------------------------------------------------------------------------------------------------

static uint64_t earliest_after(uint64_t now_us, uint64_t a, uint64_t b) { return b > now_us && b < a ? b : a; }

static uint64_t time_of(const struct played *p, size_t i, const struct conv_write *w)
{
  return p->player[i].r.delivered >= w->after ? peers_time(p->peers, i, w->us) : UINT64_MAX;
}

// When it has something to do by time alone; UINT64_MAX: never. All else the stack's sockets tell.
static uint64_t next_of(const struct played *p, size_t i, uint64_t now_us)
{
  const struct player *y = &p->player[i];
  const struct conv *c = y->c;
  if (opens(y)) return open_time(p, i);
  if (y->sid < 0) return UINT64_MAX;
  const struct conv_write *w = y->at < c->n_writes ? &c->write[y->at] : c->closes && !y->shut ? &c->close : NULL;
  uint64_t at = w ? earliest_after(now_us, UINT64_MAX, time_of(p, i, w)) : UINT64_MAX;
  return c->resets ? earliest_after(now_us, at, time_of(p, i, &c->reset)) : at;
}

static void schedule(struct played *p, struct player *y, uint64_t now_us)
{
  uint64_t at = next_of(p, number_of(p, y), now_us);
  if (opens(y) && at <= now_us) p->blocked[p->n_blocked++] = y;
  if (at > now_us && at < UINT64_MAX) timers_set(&p->due, &y->due, at);
  else timers_cancel(&p->due, &y->due);
}

// --- turns -----------------------------------------------------------------------------------------------------------

static struct player *player_of_due(struct timer *t) { return (struct player *)((char *)t - offsetof(struct player, due)); }
static struct player *player_of_turn(struct timer *t) { return (struct player *)((char *)t - offsetof(struct player, turn)); }

// Those to whom something has happened.
static void wake_all(struct played *p, uint64_t now_us)
{
  int sid;
  unsigned events;
  while (sock_next_ready(p->stack, &sid, &events)) {
    struct player *y = sock_user(p->stack, sid);
    if (y) wake(p, y);
    else accept_all(p, sid);
  }
  while (timers_deadline(&p->due) <= now_us) {
    struct timer *t = timers_first(&p->due);
    timers_cancel(&p->due, t);
    wake(p, player_of_due(t));
  }
  if (p->ended == peers_ended(p->peers)) return;
  p->ended = peers_ended(p->peers);
  while (p->n_blocked) wake(p, p->blocked[--p->n_blocked]);
}

bool played_serve(struct played *p, uint64_t now_us)
{
  bool any = false;
  wake_all(p, now_us);
  for (struct timer *t; (t = timers_first(&p->turn));) {
    struct player *y = player_of_turn(t);
    timers_cancel(&p->turn, t);
    any |= serve(p, number_of(p, y), now_us);
    schedule(p, y, now_us);
  }
  return any;
}

uint64_t played_deadline(const struct played *p, uint64_t now_us) { return earliest_after(now_us, UINT64_MAX, timers_deadline(&p->due)); }

struct played_result played_result(const struct played *p, size_t conv) { return p->player[conv].r; }
