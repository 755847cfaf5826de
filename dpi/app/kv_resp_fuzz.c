// SPDX-License-Identifier: Apache-2.0
// Any bytes from a client of the key-value store. The parser makes the same requests of them whole and in pieces; a session
// answers them, also when its replies are taken slowly, and nothing of its memory is left.
//
//   byte 0: the budget | byte 1: the longest piece, and how fast replies are taken | the stream
#include "base/fuzz.h"

#include "app/kv_session.h"

enum { STORE_BYTES = 65536 };   // the least that kv takes

// Its loop is not what is looked into.
__attribute__((no_sanitize("coverage"))) static uint64_t mix(uint64_t h, const void *data, size_t len)
{
  const uint8_t *p = data;
  for (size_t i = 0; i < len; i++) h = (h ^ p[i]) * 0x100000001b3u;
  return h;
}

// A hash over all requests, up to the error that ends them.
static uint64_t requests(const uint8_t *data, size_t len, size_t piece, size_t budget)
{
  struct kv_mem mem = {.max = budget};
  struct kv_parser p;
  uint64_t h = 1;
  enum kv_parse r = KV_MORE;
  kv_parser_init(&p, &mem);
  for (size_t at = 0, used; at < len && r != KV_PROTOCOL_ERROR; at += used) {
    size_t n = len - at < piece ? len - at : piece;
    uint8_t *exact = fuzz_copy(data + at, n);
    r = kv_parse(&p, exact, n, &used);
    free(exact);
    assert(used <= n && (used == n || r != KV_MORE));
    if (r == KV_PROTOCOL_ERROR) h = mix(h, p.err, strlen(p.err));
    if (r != KV_REQUEST) continue;
    assert(!p.req.oom || p.req.argc == 0);
    h = mix(h, &p.req.argc, sizeof p.req.argc) + p.req.oom;
    for (size_t i = 0; i < p.req.argc; i++) h = mix(mix(h, &p.req.arg[i].len, sizeof p.req.arg[i].len), kv_req_arg(&p.req, i), p.req.arg[i].len);
    kv_parser_next(&p);
  }
  kv_parser_free(&p);
  assert(mem.used == 0);
  return h;
}

// All replies that are waiting, at most so many bytes at a time.
static void take(struct kv_session *s, size_t most)
{
  const uint8_t *out;
  size_t n = kv_out_peek(&s->out, &out);
  if (n > most) n = most;
  free(fuzz_copy(out, n));   // all of it is there
  if (n) kv_out_sent(&s->out, n);
}

static void session(const uint8_t *data, size_t len, size_t piece, size_t budget)
{
  static const uint8_t key[16] = {1};
  struct kv_server srv;
  struct kv_session *s = malloc(sizeof *s);
  assert(s && kv_server_init(&srv, budget, key));
  kv_session_init(s, &srv);
  const uint8_t *out;
  size_t idle = 0;
  for (size_t at = 0; (at < len || kv_session_busy(s)) && !s->closing && idle < 3;) {
    size_t n = len - at < piece ? len - at : piece, used = kv_session_feed(s, data + at, n), waits = kv_out_peek(&s->out, &out);
    assert(used <= n && (used == n || waits || s->closing));
    at += used;
    take(s, 64 * piece);
    idle = used || waits ? 0 : idle + 1;
  }
  assert(idle < 3);
  while (kv_out_peek(&s->out, &out)) take(s, SIZE_MAX);
  kv_session_free(s);
  kv_server_free(&srv);
  assert(srv.mem.used == 0);
  free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 2) return 0;
  size_t budget = (size_t)1024 << (data[0] & 7), piece = 1 + data[1];
  data += 2;
  size -= 2;
  assert(requests(data, size, size ? size : 1, budget) == requests(data, size, piece, budget));
  session(data, size, piece, STORE_BYTES + budget);
  return 0;
}
