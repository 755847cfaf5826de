// SPDX-License-Identifier: Apache-2.0
// One client of the key-value store, without its socket: bytes in, bytes out. Memory per session is fixed, apart from
// what the shared budget grants; when replies are not taken, no further request is begun (back-pressure).
#ifndef LW_KV_SESSION_H
#define LW_KV_SESSION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/kv_db.h"
#include "app/kv_resp.h"

enum { KV_NAME_MAX = 64 };

// What all sessions of one store share.
struct kv_server {
  struct kv_mem mem;
  struct kv_db *db;
  uint64_t last_id;
};

// False: out of memory. max_bytes is the budget for keys, values and long requests.
bool kv_server_init(struct kv_server *srv, size_t max_bytes, const uint8_t hash_key[static 16]);
void kv_server_free(struct kv_server *srv);

struct kv_command;

struct kv_session {
  struct kv_server *srv;
  struct kv_parser in;
  struct kv_out out;
  const struct kv_command *running;  // its replies did not all fit yet; NULL when none
  size_t step;                       // how far the running command has come
  bool closing;                      // nothing is read any more; close when the replies are sent
  uint64_t id;
  char name[KV_NAME_MAX];            // CLIENT SETNAME
};

void kv_session_init(struct kv_session *s, struct kv_server *srv);
void kv_session_free(struct kv_session *s);
// Goes on with what is under way, then with these bytes; returns how many it took. Takes fewer than len only while
// replies wait to be sent, or when closing.
size_t kv_session_feed(struct kv_session *s, const uint8_t *data, size_t len);
// True when taking away replies lets a command go on without new bytes: feed again, with len 0 if there are none.
static inline bool kv_session_busy(const struct kv_session *s) { return s->running != NULL; }
#endif
