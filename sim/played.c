// SPDX-License-Identifier: Apache-2.0
#include "played.h"

#include <errno.h>
#include <stdlib.h>

enum { BACKLOG = 1024, READ_BYTES = 65536 };

struct player {
  const struct conv *c;
  int sid;                 // -1: none
  bool begun, shut;
  size_t at;               // the next write
  struct played_result r;
};

struct played {
  const struct convs *v;
  struct peers *peers;
  struct stack *stack;
  struct player *player;
  size_t first;            // all before it have come to their end
  int *listener;
  size_t n_listeners;
  uint8_t in[READ_BYTES];
};

// One listener for each port at which somebody was served.
static bool listens(const struct played *p, uint16_t port)
{
  struct sock_addr a;
  for (size_t i = 0; i < p->n_listeners; i++)
    if (sock_getsockname(p->stack, p->listener[i], &a) == 0 && a.port == port) return true;
  return false;
}

static void listen_at(struct played *p, uint16_t port)
{
  int sid = sock_socket(p->stack, SOCK_TCP);
  if (sid < 0) return;
  if (sock_bind(p->stack, sid, 0, port) == 0 && sock_listen(p->stack, sid, BACKLOG) == 0) p->listener[p->n_listeners++] = sid;
  else sock_close(p->stack, sid);
}

struct played *played_open(const struct convs *v, struct peers *peers, struct stack *s)
{
  struct played *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->v = v;
  p->peers = peers;
  p->stack = s;
  p->player = calloc(v->n + 1, sizeof *p->player);
  p->listener = calloc(v->n + 1, sizeof *p->listener);
  if (!p->player || !p->listener) {
    played_close(p);
    return NULL;
  }
  for (size_t i = 0; i < v->n; i++) {
    const struct conv *c = v->conv[i];
    p->player[i] = (struct player){.c = c, .sid = -1};
    if (!c->active && c->answered && !listens(p, c->node.tuple.local_port)) listen_at(p, c->node.tuple.local_port);
  }
  return p;
}

void played_close(struct played *p)
{
  if (!p) return;
  for (size_t i = 0; p->player && i < p->v->n; i++)
    if (p->player[i].sid >= 0) sock_abort(p->stack, p->player[i].sid);
  for (size_t i = 0; i < p->n_listeners; i++) sock_close(p->stack, p->listener[i]);
  free(p->player);
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

static bool connect_now(struct played *p, struct player *y, size_t i)
{
  const struct tuple *t = &y->c->node.tuple;
  y->begun = true;
  y->sid = sock_socket(p->stack, SOCK_TCP);
  if (y->sid < 0) return true;
  peers_begin(p->peers, i);
  sock_bind(p->stack, y->sid, t->local_ip, t->local_port);
  int err = sock_connect(p->stack, y->sid, t->remote_ip, t->remote_port);
  if (err != 0 && err != -EINPROGRESS) fails(p, y, -err);
  return true;
}

static void accept_all(struct played *p, int listener)
{
  struct sock_addr peer, own;
  for (int sid; (sid = sock_accept(p->stack, listener, &peer)) >= 0;) {
    struct player *y = NULL;
    sock_getsockname(p->stack, sid, &own);
    for (size_t i = p->first; i < p->v->n && !y; i++) {
      const struct tuple *t = &p->player[i].c->node.tuple;
      if (!p->player[i].begun && !p->player[i].c->active && t->remote_ip == peer.ip && t->remote_port == peer.port && t->local_port == own.port && t->local_ip == own.ip)
        y = &p->player[i];
    }
    if (y) {
      y->begun = true;
      y->sid = sid;
      sock_setsockopt(p->stack, sid, SOCK_OPT_NODELAY, 1);
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

static bool serve(struct played *p, size_t i, uint64_t now_us)
{
  struct player *y = &p->player[i];
  const struct conv *c = y->c;
  if (!y->begun && c->active && c->syn_near && peers_may_begin(p->peers, i) && now_us >= peers_time(p->peers, i, c->open_us)) return connect_now(p, y, i);
  if (y->sid < 0) return false;
  bool any = read_all(p, y);
  if (y->sid >= 0) any |= write_due(p, y, i, now_us);
  if (y->sid >= 0) any |= end_due(p, y, i, now_us);
  if (y->sid >= 0 && y->shut && y->r.end && !c->resets) {
    sock_close(p->stack, y->sid);
    y->sid = -1;
  }
  return any;
}

bool played_serve(struct played *p, uint64_t now_us)
{
  bool any = false;
  for (size_t i = 0; i < p->n_listeners; i++) accept_all(p, p->listener[i]);
  while (p->first < p->v->n && p->player[p->first].begun && p->player[p->first].sid < 0) p->first++;
  for (size_t i = p->first; i < p->v->n; i++) any |= serve(p, i, now_us);
  return any;
}

// --- time ------------------------------------------------------------------------------------------------------------

static uint64_t time_of(const struct played *p, size_t i, const struct conv_write *w)
{
  return p->player[i].r.delivered >= w->after ? peers_time(p->peers, i, w->us) : UINT64_MAX;
}

static uint64_t next_of(const struct played *p, size_t i, uint64_t now_us)
{
  const struct player *y = &p->player[i];
  const struct conv *c = y->c;
  if (!y->begun) return c->active && c->syn_near && peers_may_begin(p->peers, i) ? peers_time(p->peers, i, c->open_us) : UINT64_MAX;
  if (y->sid < 0) return UINT64_MAX;
  const struct conv_write *w = y->at < c->n_writes ? &c->write[y->at] : c->closes && !y->shut ? &c->close : NULL;
  uint64_t at = w ? time_of(p, i, w) : UINT64_MAX, reset = c->resets ? time_of(p, i, &c->reset) : UINT64_MAX;
  return reset > now_us && reset < at ? reset : at;
}

uint64_t played_deadline(const struct played *p, uint64_t now_us)
{
  uint64_t at = UINT64_MAX;
  for (size_t i = p->first; i < p->v->n; i++) {
    uint64_t next = next_of(p, i, now_us);
    if (next > now_us && next < at) at = next;
  }
  return at;
}

struct played_result played_result(const struct played *p, size_t conv) { return p->player[conv].r; }
