// SPDX-License-Identifier: Apache-2.0
// The checker's state as bytes and back, for a replay that begins in the middle of a run. One walk serves both ways, so that they
// cannot drift apart; the same build reads it (its owner sees to that), so structs go as they lie in memory, without pointers and
// with zeros between their members, so that equal states are equal bytes.
#include <string.h>

#include "check/priv.h"

// --- clean_x: zeros between the members of a struct x ------------------------------------------------------------------

#define CLEAN(type, WORDS)                    \
  static void clean_##type(void *p)           \
  {                                           \
    uint32_t w[WORDS] = {0};                  \
    type##_pack(p, w);                        \
    memset(p, 0, sizeof(struct type));        \
    type##_unpack(p, w);                      \
  }
CLEAN(host_cmd, HOST_CMD_WORDS)
CLEAN(rcv_ctx, RCV_CTX_WORDS)
CLEAN(snd_ctx, SND_CTX_WORDS)
CLEAN(rx_status, RX_STATUS_WORDS)
CLEAN(tx_status, TX_STATUS_WORDS)
CLEAN(dd_in, DD_IN_WORDS)
CLEAN(dsack, DSACK_WORDS)
CLEAN(rcv_mirror, RCV_MIRROR_WORDS)
CLEAN(tx_desc, TX_DESC_WORDS)

static void clean_told_rx(void *p)
{
  const struct told_rx t = *(struct told_rx *)p;
  struct told_rx *c = memset(p, 0, sizeof t);
  c->flow = t.flow;
  c->s = t.s;
  clean_rx_status(&c->s);
}

static void clean_told_tx(void *p)
{
  const struct told_tx t = *(struct told_tx *)p;
  struct told_tx *c = memset(p, 0, sizeof t);
  c->flow = t.flow;
  c->tell = t.tell;
  c->s = t.s;
  clean_tx_status(&c->s);
}

static void clean_amount(void *p)
{
  const struct amount t = *(struct amount *)p;
  struct amount *c = memset(p, 0, sizeof t);
  c->flow = t.flow;
  c->bytes = t.bytes;
}

static void clean_flow(struct check_flow *c)
{
  clean_host_cmd(&c->open);
  clean_rcv_ctx(&c->rcv);
  clean_snd_ctx(&c->snd);
  clean_rcv_mirror(&c->mirror.now);
  clean_rcv_mirror(&c->mirror.before);
  clean_dsack(&c->dup);
  for (int i = 0; i < STATUS_LOG; i++) {
    clean_rx_status(&c->rx_status[i]);
    clean_tx_status(&c->tx_status[i]);
  }
}

// Each record once around the queue.
static void clean_queue(struct recq *q, void (*clean)(void *p))
{
  union {
    struct host_cmd cmd;
    struct dd_in dd;
    struct tx_desc desc;
    struct told_rx rx;
    struct told_tx tx;
    struct amount amount;
  } rec;
  for (size_t n = recq_records(q); n; n--) {
    uint32_t since;
    const uint8_t *data;
    size_t len;
    if (!recq_peek(q, &since, &data, &len) || len > sizeof rec) return;
    memcpy(&rec, data, len);
    clean(&rec);
    recq_put(q, since, &rec, len);
    recq_pop(q);
  }
}

static void clean_queues(struct check *k)
{
  struct recq *cmds[] = {&k->opens, &k->aborts, &k->tunes, &k->closes, &k->releases}, *amounts[] = {&k->consumes, &k->consumed, &k->packets};
  for (size_t i = 0; i < N_FIELDS(cmds); i++) clean_queue(cmds[i], clean_host_cmd);
  for (size_t i = 0; i < N_FIELDS(amounts); i++) clean_queue(amounts[i], clean_amount);
  clean_queue(&k->dd, clean_dd_in);
  clean_queue(&k->descs, clean_tx_desc);
  clean_queue(&k->rx_told, clean_told_rx);
  clean_queue(&k->tx_told, clean_told_tx);
}

// --- the walk --------------------------------------------------------------------------------------------------------

struct mover {
  struct blob *b;
  bool save, ok;
};

static void move(struct mover *m, void *p, size_t n)
{
  if (m->save) blob_put(m->b, p, n);
  else m->ok = m->ok && blob_get(m->b, p, n);
}

static void move_ring(struct mover *m, uint8_t *ring, size_t n)
{
  if (m->save) blob_put_sparse(m->b, ring, n);
  else m->ok = m->ok && blob_get_sparse(m->b, ring, n);
}

static void move_queue(struct mover *m, struct recq *q)
{
  if (m->save) recq_save(q, m->b);
  else m->ok = m->ok && recq_load(q, m->b);
}

static void move_numbers(struct check *k, struct mover *m)
{
  move(m, &k->cycle, sizeof k->cycle);
  move(m, &k->now_us, sizeof k->now_us);
  move(m, &k->before_us, sizeof k->before_us);
  move(m, &k->next_scan, sizeof k->next_scan);
  move(m, &k->quiet_us, sizeof k->quiet_us);
  move(m, &k->ip_id, sizeof k->ip_id);
  move(m, &k->packet_bytes, sizeof k->packet_bytes);
  move(m, &k->out_left, sizeof k->out_left);
  move(m, &k->counts, sizeof k->counts);
}

static void move_queues(struct check *k, struct mover *m)
{
  CHECK_QUEUES(k, all);
  for (size_t i = 0; i < N_FIELDS(all); i++) move_queue(m, all[i]);
}

// What is linked by pointers: where its own memory is, and in which lists it stands.
static void relink(struct check *k, struct check_flow *f)
{
  bool in_table = f->node.linked, touched = f->touched;
  f->node.linked = f->touched = false;
  if (in_table) tuple_map_insert(&k->map, &f->node);
  k->in_table += in_table;
  if (touched) touch(k, f);
}

static void move_flow(struct check *k, struct check_flow *f, struct mover *m)
{
  bool opened = f->tx;
  move(m, &opened, sizeof opened);
  if (!m->ok || !opened) return;                // as check_open made it
  struct check_flow c = *f;
  c.node.next = NULL;
  c.next_touched = NULL;
  c.tx = c.rx = NULL;
  if (m->save) clean_flow(&c);
  move(m, &c, sizeof c);
  if (!m->save) {
    if (!m->ok) return;
    *f = c;
    m->ok = check_flow_rings(k, f);
    if (!m->ok) return;
    relink(k, f);
  }
  move_ring(m, f->tx, k->cfg.tx_ring_bytes);
  move_ring(m, f->rx, k->cfg.caps.rx_ring_bytes);
}

static bool walk(struct check *k, struct blob *b, bool save)
{
  struct mover m = {b, save, true};
  move_numbers(k, &m);
  move_queues(k, &m);
  for (unsigned i = 0; i < k->cfg.num_flows; i++) move_flow(k, &k->flows[i], &m);
  return m.ok;
}

void check_save(struct check *k, struct blob *b)
{
  clean_queues(k);
  walk(k, b, true);
}

bool check_load(struct check *k, struct blob *b) { return walk(k, b, false); }
