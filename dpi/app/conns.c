// SPDX-License-Identifier: Apache-2.0
#include "app/conns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_opt.h"

enum { BACKLOG = 128, FIRST_SLOTS = 64 };

static bool fail(const struct app *a, uint16_t port, const char *what, int rc, char err[static APP_ERR_LEN])
{
  snprintf(err, APP_ERR_LEN, "%s: port %u: %s: %s", a->ops->name, port, what, strerror(-rc));
  return false;
}

bool conns_listen(struct conns *c, struct app *a, uint16_t port, char err[static APP_ERR_LEN])
{
  *c = (struct conns){.listener = -1};
  int sid = sock_socket(a->stack, SOCK_TCP);
  if (sid < 0) return fail(a, port, "no socket", sid, err);
  int rc = sock_bind(a->stack, sid, 0, port);
  if (rc == 0) {
    sock_set_user(a->stack, sid, a);
    rc = sock_listen(a->stack, sid, BACKLOG);
  }
  if (rc < 0) {
    sock_close(a->stack, sid);
    return fail(a, port, "cannot listen", rc, err);
  }
  if (!app_tune(a, sid, err)) {
    sock_close(a->stack, sid);
    return false;
  }
  c->listener = sid;
  return true;
}

bool conns_put(struct conns *c, int sid, void *conn)
{
  size_t i = (size_t)sid;
  if (i >= c->n) {
    size_t n = c->n ? c->n : FIRST_SLOTS;
    while (n <= i) n *= 2;
    void **of = realloc(c->of, n * sizeof *of);
    if (!of) return false;
    for (size_t j = c->n; j < n; j++) of[j] = NULL;
    c->of = of;
    c->n = n;
  }
  c->of[i] = conn;
  return true;
}

void *conns_get(const struct conns *c, int sid)
{
  return sid >= 0 && (size_t)sid < c->n ? c->of[sid] : NULL;
}

void conns_drop(struct conns *c, int sid)
{
  if (sid >= 0 && (size_t)sid < c->n) c->of[sid] = NULL;
}

void conns_close(struct conns *c, struct stack *s)
{
  if (c->listener >= 0) sock_close(s, c->listener);
  free(c->of);
  *c = (struct conns){.listener = -1};
}
