// SPDX-License-Identifier: Apache-2.0
// RESP2, the protocol of redis: requests out of a byte stream that may be cut anywhere, replies into a bounded buffer.
//
//   request  = "*" count CRLF count x ( "$" length CRLF bytes CRLF )       multibulk
//            | words with quotes and escapes, up to LF                     inline, for people
//   reply    = "+" text CRLF | "-" text CRLF | ":" number CRLF | "$" length CRLF bytes CRLF | "$-1" CRLF | "*" count CRLF ...
//
// No I/O. A request is held whole, under the budget of kv_mem; one that the budget has no room for is read to its end and
// marked oom. Small requests need no budget, so that a full store can still be read and emptied.
#ifndef LW_KV_RESP_H
#define LW_KV_RESP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/kv_db.h"
#include "app/kv_mem.h"

enum {
  KV_REQ_OWN_BYTES = 1024,     // of arguments a request may have outside the budget
  KV_REQ_OWN_ARGS = 16,
  KV_ARGS_MAX = 1024 * 1024,   // as in redis
  KV_INLINE_MAX = 64 * 1024,   // as in redis
  KV_OUT_BYTES = 8192,
  KV_REPLY_MAX = 1024,         // longest reply apart from bulks; also the longest bulk that is surely copied
  KV_PARSE_ERR_LEN = 96,
};

struct kv_arg {
  size_t off, len;
  struct kv_value *val;  // for the command's own use; given back when the request is done
};

struct kv_req {
  size_t argc;
  struct kv_arg *arg;
  uint8_t *buf;
  bool oom;  // the budget had no room: argc is 0
};

static inline const uint8_t *kv_req_arg(const struct kv_req *r, size_t i) { return r->buf + r->arg[i].off; }

enum kv_parse { KV_MORE, KV_REQUEST, KV_PROTOCOL_ERROR };

struct kv_parser {
  struct kv_mem *mem;
  struct kv_req req;  // whole when kv_parse says KV_REQUEST
  size_t buf_len, buf_cap, arg_cap;
  enum { KV_P_START, KV_P_LINE, KV_P_LINE_LF, KV_P_DOLLAR, KV_P_BYTES, KV_P_CR, KV_P_LF, KV_P_INLINE } state;
  bool in_count;       // the number line being read is "*count", not "$length"
  char line[24];       // its digits
  size_t line_len;
  size_t args_left, bytes_left, inline_len;
  char err[KV_PARSE_ERR_LEN];  // text after "-ERR " when kv_parse says KV_PROTOCOL_ERROR
  uint8_t own_buf[KV_REQ_OWN_BYTES];
  struct kv_arg own_arg[KV_REQ_OWN_ARGS];
};

void kv_parser_init(struct kv_parser *p, struct kv_mem *mem);
void kv_parser_free(struct kv_parser *p);
// Takes bytes up to the end of the next request; *used says how many. After KV_REQUEST the request stays until
// kv_parser_next. After KV_PROTOCOL_ERROR nothing more can be understood.
enum kv_parse kv_parse(struct kv_parser *p, const uint8_t *data, size_t len, size_t *used);
void kv_parser_next(struct kv_parser *p);
// An integer as redis takes it: no blanks, no plus, no leading zeros, within int64.
bool kv_parse_int(const uint8_t *text, size_t len, int64_t *out);

// Replies on their way: a buffer, then at most one value too long for it.
struct kv_out {
  struct kv_mem *mem;
  size_t off, len;  // buf[off..len) is to be sent
  struct kv_value *big;
  size_t big_off;
  uint8_t buf[KV_OUT_BYTES];
};

void kv_out_init(struct kv_out *o, struct kv_mem *mem);
void kv_out_free(struct kv_out *o);
// True when any one of the replies below fits. To be asked before each.
bool kv_out_ready(struct kv_out *o);
void kv_out_text(struct kv_out *o, const char *line);                   // a whole reply line with its sign, without CRLF
void kv_out_int(struct kv_out *o, int64_t n);
void kv_out_array(struct kv_out *o, size_t n);
void kv_out_nil(struct kv_out *o);
void kv_out_bulk(struct kv_out *o, const void *data, size_t len);       // len <= KV_REPLY_MAX - 32
void kv_out_value(struct kv_out *o, struct kv_value *v);                // any length; holds a reference as long as needed
// The next bytes to send, 0 when there are none; then how many of them went.
size_t kv_out_peek(const struct kv_out *o, const uint8_t **data);
void kv_out_sent(struct kv_out *o, size_t n);
#endif
