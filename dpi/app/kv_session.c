// SPDX-License-Identifier: Apache-2.0
#include "app/kv_session.h"

#include <stdio.h>

#include "app/kv_cmd.h"

bool kv_server_init(struct kv_server *srv, size_t max_bytes, const uint8_t hash_key[static 16])
{
  *srv = (struct kv_server){.mem = {.max = max_bytes}};
  srv->db = kv_db_open(&srv->mem, hash_key);
  return srv->db != NULL;
}

void kv_server_free(struct kv_server *srv) { kv_db_close(srv->db); }

void kv_session_init(struct kv_session *s, struct kv_server *srv)
{
  s->srv = srv;
  s->running = NULL;
  s->step = 0;
  s->closing = false;
  s->id = ++srv->last_id;
  s->name[0] = '\0';
  kv_parser_init(&s->in, &srv->mem);
  kv_out_init(&s->out, &srv->mem);
}

void kv_session_free(struct kv_session *s)
{
  kv_parser_free(&s->in);
  kv_out_free(&s->out);
}

static void begin(struct kv_session *s)
{
  s->step = 0;
  if (s->in.req.oom) {
    kv_out_text(&s->out, "-OOM command not allowed when used memory > 'maxmemory'.");
    s->running = NULL;
  } else {
    s->running = kv_command_of(s);
  }
  if (!s->running) kv_parser_next(&s->in);
}

static void go_on(struct kv_session *s)
{
  if (!s->running->run(s)) return;
  s->running = NULL;
  kv_parser_next(&s->in);
}

static void fail(struct kv_session *s)
{
  char line[KV_PARSE_ERR_LEN + 8];
  snprintf(line, sizeof line, "-ERR %s", s->in.err);
  kv_out_text(&s->out, line);
  s->closing = true;
}

size_t kv_session_feed(struct kv_session *s, const uint8_t *data, size_t len)
{
  size_t used = 0;
  while (!s->closing && kv_out_ready(&s->out)) {
    if (s->running) {
      go_on(s);
      continue;
    }
    if (used == len) break;
    size_t n;
    enum kv_parse r = kv_parse(&s->in, data + used, len - used, &n);
    used += n;
    if (r == KV_REQUEST) begin(s);
    if (r == KV_PROTOCOL_ERROR) fail(s);
  }
  return used;
}
