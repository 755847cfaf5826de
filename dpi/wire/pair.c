// SPDX-License-Identifier: Apache-2.0
// Two wires joined in process: a queue each way. Both ends and the queues are one piece of memory, freed with the second end.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/recq.h"
#include "wire/wire.h"

struct pair_end {
  struct wire w;               // first: a wire is cast to its kind
  struct pair *pair;
  struct recq in;
  bool closed;
};

struct pair {
  struct pair_end end[2];
  size_t max_bytes;
};

static struct pair_end *self(struct wire *w) { return (struct pair_end *)w; }

static struct pair_end *other(struct pair_end *e) { return &e->pair->end[e == &e->pair->end[0]]; }

static int pair_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct pair_end *e = self(w);
  uint32_t tag;
  const uint8_t *data;
  size_t len;
  if (!recq_peek(&e->in, &tag, &data, &len)) return 0;
  if (len > cap) len = cap;
  memcpy(buf, data, len);
  recq_pop(&e->in);
  w->rx_frames++;
  w->rx_bytes += len;
  return (int)len;
}

static bool pair_send(struct wire *w, const uint8_t *frame, size_t len)
{
  struct pair_end *to = other(self(w));
  if (to->closed || len == 0 || len > WIRE_FRAME_MAX || recq_bytes(&to->in) + len > to->pair->max_bytes) {
    w->tx_drops++;
    return false;
  }
  recq_put(&to->in, 0, frame, len);
  w->tx_frames++;
  w->tx_bytes += len;
  return true;
}

static int pair_fd(struct wire *w)
{
  (void)w;
  return -1;
}

static void pair_close(struct wire *w)
{
  struct pair_end *e = self(w);
  e->closed = true;
  recq_free(&e->in);
  e->in = (struct recq){0};
  if (other(e)->closed) free(e->pair);
}

static const struct wire_ops pair_ops = {pair_recv, pair_send, pair_fd, pair_close, NULL};

bool wire_pair_open(struct wire *end[static 2], size_t max_bytes, char err[static WIRE_ERR_LEN])
{
  struct pair *p = calloc(1, sizeof *p);
  if (!p) {
    snprintf(err, WIRE_ERR_LEN, "pair: out of memory");
    return false;
  }
  p->max_bytes = max_bytes;
  for (int i = 0; i < 2; i++) {
    p->end[i].w.ops = &pair_ops;
    p->end[i].pair = p;
    end[i] = &p->end[i].w;
  }
  return true;
}
