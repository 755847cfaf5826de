// SPDX-License-Identifier: Apache-2.0
// For the monitor's tests: conversations of hand-made segments between us (10.0.0.1:1000, MONITOR_SENT) and them (10.0.0.2:2000),
// each run with ISNs in the open, at 2^31 and at 2^32, and what must come of them.
#ifndef LW_MONITOR_BED_H
#define LW_MONITOR_BED_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "check/monitor.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };
enum { TS = 1, SACK = 2, SCALE = 4 };          // what a handshake agrees on
enum { MSS = 1000, SHIFT = 3, FRAME_MAX = 4000 };
enum { OURS = MONITOR_SENT, THEIRS = MONITOR_RECEIVED };

struct bed {
  struct monitor *m;
  uint32_t isn[2];         // by way
  unsigned agreed;
  uint32_t tsval[2];       // last sent
  uint64_t now_us;
  uint16_t port;           // theirs
};

// One segment; what is left out is what a segment of that connection has. Numbers count from the ISNs.
struct seg {
  unsigned flags;
  uint32_t seq, len, ack;
  uint16_t window;         // 0: 5000
  bool closed;             // a window of 0
  bool other_bytes;        // not those of the stream
  unsigned n_sack;
  uint32_t sack[8];        // from, to, from, to...
  bool no_ts, set_ts, set_ecr;
  uint32_t tsval, tsecr;
  unsigned offers;         // of a SYN: TS, SACK, SCALE
  uint16_t mss;            // of a SYN; 0: MSS
  uint8_t shift;           // of a SYN; 0: SHIFT
  const char *raw;         // options in place of all others,
  size_t raw_len;          // as many bytes
  void (*twist)(uint8_t *frame, size_t *len);   // before the checksums are made
  void (*spoil)(uint8_t *frame, size_t *len);   // after
};
#define SENT(b, ...) put(b, OURS, &(struct seg){__VA_ARGS__})
#define RECEIVED(b, ...) put(b, THEIRS, &(struct seg){__VA_ARGS__})
#define RAW(text) .raw = text, .raw_len = sizeof text - 1

// --- frames ----------------------------------------------------------------------------------------------------------

static inline size_t add_timestamps(struct bed *b, int way, const struct seg *s, uint8_t *o)
{
  uint32_t val = s->set_ts ? s->tsval : b->tsval[way], ecr = s->set_ecr ? s->tsecr : s->flags & ACK ? b->tsval[!way] : 0;
  memcpy(o, "\1\1\10\12", 4);
  put_be32(o + 4, val);
  put_be32(o + 8, ecr);
  b->tsval[way] = val;
  return 12;
}

static inline size_t add_sack(const struct bed *b, int way, const struct seg *s, uint8_t *o)
{
  if (!s->n_sack) return 0;
  memcpy(o, "\1\1\5", 3);
  o[3] = (uint8_t)(2 + 8 * s->n_sack);
  for (unsigned i = 0; i < 2 * s->n_sack; i++) put_be32(o + 4 + 4 * i, b->isn[!way] + s->sack[i]);
  return 4 + 8 * (size_t)s->n_sack;
}

static inline size_t add_options(struct bed *b, int way, const struct seg *s, uint8_t *o)
{
  size_t n = 0;
  if (s->raw) {
    memcpy(o, s->raw, s->raw_len);
    return s->raw_len;
  }
  if (s->flags & SYN) {
    memcpy(o, "\2\4", 2);
    put_be16(o + 2, s->mss ? s->mss : MSS);
    n = 4;
    if (s->offers & SACK) memcpy(o + n, "\1\1\4\2", 4), n += 4;
    if (s->offers & SCALE) memcpy(o + n, "\1\3\3", 3), o[n + 3] = s->shift ? s->shift : SHIFT, n += 4;
  }
  bool ts = s->flags & SYN ? s->offers & TS : b->agreed & TS;
  if (ts && !s->no_ts && !(s->flags & RST)) n += add_timestamps(b, way, s, o + n);
  return n + add_sack(b, way, s, o + n);
}

static inline uint8_t byte_at(uint32_t place) { return (uint8_t)(place * 7 + place / 251); }

static inline void seal_ip(uint8_t *ip)
{
  put_be16(ip + 10, 0);
  put_be16(ip + 10, cksum_fold(cksum_add(0, ip, 20)));
}

static inline void seal_tcp(uint8_t *ip, size_t len)
{
  put_be16(ip + 36, 0);
  uint32_t sum = cksum_add(0, ip + 12, 8) + 6 + (uint32_t)len;
  put_be16(ip + 36, cksum_fold(cksum_add(sum, ip + 20, len)));
}

static inline void put(struct bed *b, int way, const struct seg *s)
{
  uint8_t f[FRAME_MAX] = {2, 0, 0, 0, 0, (uint8_t)!way, 2, 0, 0, 0, 0, (uint8_t)way, 8, 0, 0x45}, *ip = f + 14, *tcp = ip + 20;
  size_t options = add_options(b, way, s, tcp + 20), len = 40 + options + s->len;
  put_be16(ip + 2, (uint16_t)len);
  ip[8] = 64;
  ip[9] = 6;
  put_be32(ip + 12, 0x0a000001u + (uint32_t)way);
  put_be32(ip + 16, 0x0a000001u + (uint32_t)!way);
  put_be16(tcp, way == OURS ? 1000 : b->port);
  put_be16(tcp + 2, way == OURS ? b->port : 1000);
  put_be32(tcp + 4, b->isn[way] + s->seq);
  put_be32(tcp + 8, s->flags & ACK ? b->isn[!way] + s->ack : 0);
  tcp[12] = (uint8_t)((20 + options) / 4 << 4);
  tcp[13] = (uint8_t)s->flags;
  put_be16(tcp + 14, s->closed ? 0 : s->window ? s->window : 5000);
  for (uint32_t i = 0; i < s->len; i++) tcp[20 + options + i] = (uint8_t)(byte_at(s->seq + i) ^ (s->other_bytes ? 1 : 0));
  size_t whole = 14 + len;
  if (s->twist) s->twist(f, &whole);
  seal_ip(ip);
  seal_tcp(ip, len - 20);
  if (s->spoil) s->spoil(f, &whole);
  uint8_t *exact = malloc(whole);    // exactly sized, so that ASan sees a read past the end
  assert_non_null(exact);
  memcpy(exact, f, whole);
  monitor_frame(b->m, (enum monitor_way)way, exact, whole, b->now_us);
  free(exact);
  b->now_us += 1000;
}

static inline void torn(uint8_t *f, size_t *len) { (void)len, f[20] = 0x20; }    // more fragments
static inline void beheaded(uint8_t *f, size_t *len)    // more fragments, behind 16 bytes of this
{
  torn(f, len);
  *len = 14 + 20 + 16;
  put_be16(f + 16, 20 + 16);
}

// --- conversations ---------------------------------------------------------------------------------------------------

static inline void half_open(struct bed *b) { RECEIVED(b, .flags = SYN), SENT(b, .flags = SYN | ACK, .ack = 1); }

// They call, we answer.
static inline void handshake(struct bed *b, unsigned agreed)
{
  RECEIVED(b, .flags = SYN, .offers = agreed);
  SENT(b, .flags = SYN | ACK, .ack = 1, .offers = agreed);
  b->agreed = agreed;
  RECEIVED(b, .flags = ACK, .seq = 1, .ack = 1);
}

typedef void conversation(struct bed *b);

static const uint32_t isns[][2] = {{1000, 50000}, {0xffffff00, 0xfffffe80}, {0x7fffff00, 0x7ffffe80}, {0xffffffff, 0x7fffffff}};
__attribute__((unused)) static const struct monitor_config ours = {.sent = MONITOR_NEAR}, ours_strict = {.sent = MONITOR_NEAR, .strict = true, .from_start = true},
                                   theirs = {.received = MONITOR_FAR}, both = {.sent = MONITOR_NEAR, .received = MONITOR_NEAR};

static inline void talk(const struct monitor_config *c, unsigned i, conversation *talks, struct bed *b)
{
  struct monitor_config small = *c;    // clearing memory takes longer than all else
  if (!small.max_flows) small.max_flows = 8;
  if (!small.store_bytes) small.store_bytes = 100000;
  *b = (struct bed){.m = monitor_open(&small), .isn = {isns[i][0], isns[i][1]}, .tsval = {isns[i][1], isns[i][0]}, .port = 2000};
  assert_non_null(b->m);
  talks(b);
}

static inline void passes_as(const struct monitor_config *c, conversation *talks)
{
  for (unsigned i = 0; i < sizeof isns / sizeof isns[0]; i++) {
    struct bed b;
    talk(c, i, talks, &b);
    const struct monitor_violation *v = monitor_verdict(b.m);
    if (v) monitor_print(stdout, v), putchar('\n');
    assert_null(v);
    assert_true(monitor_counts(b.m)->all_checks > 0);
    monitor_close(b.m);
  }
}

// The rule is broken first, and by the last segment.
static inline void caught_as(const struct monitor_config *c, conversation *talks, enum monitor_rule rule)
{
  for (unsigned i = 0; i < sizeof isns / sizeof isns[0]; i++) {
    struct bed b;
    talk(c, i, talks, &b);
    const struct monitor_violation *v = monitor_verdict(b.m);
    assert_non_null(v);
    assert_string_equal(monitor_rule_name(v->rule), monitor_rule_name(rule));
    assert_int_equal(v->frame, monitor_counts(b.m)->frames);
    assert_true(monitor_counts(b.m)->wrong[rule] > 0);
    monitor_close(b.m);
  }
}

static inline void passes(conversation *talks) { passes_as(&ours, talks); }
static inline void caught(conversation *talks, enum monitor_rule rule) { caught_as(&ours, talks, rule); }

static inline void fine_exchange(struct bed *b)
{
  handshake(b, TS | SACK | SCALE);
  RECEIVED(b, .flags = ACK, .seq = 1, .len = 500, .ack = 1);
  SENT(b, .flags = ACK, .seq = 1, .len = 700, .ack = 501);
  b->tsval[OURS] += 5;
  SENT(b, .flags = ACK | PSH, .seq = 701, .len = 300, .ack = 501);
  RECEIVED(b, .flags = ACK, .seq = 501, .ack = 1001);
  SENT(b, .flags = ACK | FIN, .seq = 1001, .ack = 501);
  RECEIVED(b, .flags = ACK | FIN, .seq = 501, .ack = 1002);
  SENT(b, .flags = ACK, .seq = 1002, .ack = 502);
}

#endif
