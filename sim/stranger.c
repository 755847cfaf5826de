// SPDX-License-Identifier: Apache-2.0
#include "stranger.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "base/rng.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "tcp/segment.h"

enum {
  IP = ETH_HDR_BYTES, TCP = IP + IPV4_HDR_BYTES,
  FAR = 1 << 21,           // beyond any window
  EAGER_FRAMES = 60,       // after every second of so many at first, that short runs see something, too
};

struct stranger {
  struct wire w;           // first
  struct wire *inner;
  struct stranger_opts opts;
  struct rng rng;
  uint64_t count, seen;    // frames of its own; frames received
  uint8_t frame[2 * WIRE_FRAME_MAX];
  size_t len;              // of a frame that waits; 0: none
};

// What a forger works on: a copy of the frame before, in place; its segment when it has one.
struct forgery {
  struct rng *rng;
  uint8_t *f;
  size_t len;
  struct ipv4_hdr ip;
  struct segment seg;
  uint8_t payload[WIRE_FRAME_MAX];
  struct seq end;          // of what its sender has sent
};

static uint32_t below(struct forgery *g, uint32_t n) { return rng_below(g->rng, n); }
static uint32_t far(struct forgery *g) { return FAR + below(g, 1u << 30); }

// --- segments of an open connection ----------------------------------------------------------------------------------

static void reset_ahead(struct forgery *g)
{
  g->seg.flags = (uint8_t)(TCP_RST | (below(g, 2) ? TCP_ACK : 0));
  g->seg.seq = seq_add(g->end, 1 + below(g, 20000));
  g->seg.payload_len = 0;
}

static void reset_far(struct forgery *g)
{
  g->seg.flags = TCP_RST;
  g->seg.seq = seq_add(g->seg.seq, -far(g));
  g->seg.payload_len = 0;
}

static void syn(struct forgery *g)
{
  g->seg.flags = (uint8_t)(TCP_SYN | (below(g, 2) ? TCP_ACK : 0));
  g->seg.seq = seq_add(g->seg.seq, -far(g));   // never new to a TIME-WAIT
  g->seg.payload_len = 0;
}

static void bare_ack(struct forgery *g)
{
  g->seg.seq = g->end;
  g->seg.flags = TCP_ACK;
  g->seg.payload_len = 0;
}

static void ack_ahead(struct forgery *g)
{
  g->seg.ack = seq_add(g->seg.ack, far(g));
  bare_ack(g);
}

static void ack_old(struct forgery *g)
{
  g->seg.ack = seq_add(g->seg.ack, -far(g));
  bare_ack(g);
}

static void no_ack(struct forgery *g)
{
  g->seg.flags &= (uint8_t)~TCP_ACK;
  if (below(g, 2)) g->seg.seq = g->end;
}

static void data_far(struct forgery *g) { g->seg.seq = seq_add(g->seg.seq, far(g)); }
static void data_old(struct forgery *g) { g->seg.seq = seq_add(g->seg.seq, -far(g)); }

static void keepalive(struct forgery *g)
{
  g->seg.seq = seq_add(g->seg.seq, UINT32_MAX);
  g->seg.flags = TCP_ACK;
  g->seg.payload_len = 0;
}

static void urgent(struct forgery *g)
{
  g->seg.flags |= TCP_URG;
  g->seg.urgent = (uint16_t)below(g, 65536);
}

// Where time stamps were agreed upon, what comes without one, or with an old one, is refused (RFC 7323 sections 3.2, 5.3).
static void no_stamp(struct forgery *g)
{
  if (!g->seg.opt.has_timestamps) keepalive(g);
  else bare_ack(g);
  g->seg.opt.has_timestamps = false;
}

static void old_stamp(struct forgery *g)
{
  if (!g->seg.opt.has_timestamps) keepalive(g);
  else bare_ack(g);
  g->seg.opt.tsval -= far(g);
}

static void other_port(struct forgery *g)
{
  g->seg.dst_port ^= (uint16_t)(0x4000 + below(g, 256));
  g->seg.flags = (uint8_t)(below(g, 2) ? TCP_SYN : TCP_ACK);
}

typedef void forger(struct forgery *g);
static forger *const segments[] = {reset_ahead, reset_far, syn, ack_ahead, ack_old, no_ack, data_far, data_old, keepalive, urgent,
                                   no_stamp, old_stamp, other_port};

static void put_segment(struct forgery *g)
{
  size_t n = segment_emit(&g->seg, g->ip.src, g->ip.dst, g->f + TCP, sizeof g->payload);
  ipv4_emit(g->f + IP, IPV4_HDR_BYTES, g->ip.src, g->ip.dst, IPV4_PROTO_TCP, g->ip.id, n);
  g->len = TCP + n;
}

// --- frames ----------------------------------------------------------------------------------------------------------

static void fit_ip(struct forgery *g)
{
  size_t n = (size_t)(g->f[IP] & 15) * 4;
  put_be16(g->f + IP + 10, 0);
  if (g->len >= IP + n) put_be16(g->f + IP + 10, cksum_fold(cksum_add(0, g->f + IP, n)));
}

static void fit_tcp(struct forgery *g)
{
  uint16_t n = (uint16_t)(g->len - TCP);
  put_be16(g->f + TCP + 16, 0);
  put_be16(g->f + TCP + 16, cksum_fold(cksum_add(ipv4_pseudo_sum(g->ip.src, g->ip.dst, IPV4_PROTO_TCP, n), g->f + TCP, n)));
}

static void insert(struct forgery *g, size_t at, size_t n, uint8_t byte)
{
  memmove(g->f + at + n, g->f + at, g->len - at);
  memset(g->f + at, byte, n);
  g->len += n;
}

static void other_mac(struct forgery *g) { g->f[1 + below(g, 5)] ^= (uint8_t)(1u << below(g, 8)); }
static void to_all(struct forgery *g) { memset(g->f, 0xff, 6); }

static void vlan(struct forgery *g)
{
  insert(g, 12, 4, 0);
  put_be16(g->f + 12, below(g, 2) ? ETH_TYPE_VLAN : ETH_TYPE_QINQ);
}

static void other_type(struct forgery *g) { put_be16(g->f + 12, (uint16_t)(below(g, 2) ? below(g, 65536) : ETH_TYPE_IPV6)); }

static void ip_options(struct forgery *g)
{
  size_t n = 4 * (1 + below(g, 10));
  insert(g, TCP, n, 1);
  g->f[IP] = (uint8_t)(0x45 + n / 4);
  put_be16(g->f + IP + 2, (uint16_t)(g->len - IP));
  fit_ip(g);
}

static void fragment(struct forgery *g)
{
  put_be16(g->f + IP + 6, (uint16_t)(below(g, 2) ? 0x2000 | below(g, 2) : 1u << below(g, 13)));
  fit_ip(g);
}

static void other_protocol(struct forgery *g)
{
  g->f[IP + 9] = (uint8_t)below(g, 256);
  if (g->f[IP + 9] == IPV4_PROTO_TCP) g->f[IP + 9] = IPV4_PROTO_UDP;
  fit_ip(g);
}

static void version(struct forgery *g)
{
  g->f[IP] ^= (uint8_t)(0x10u << below(g, 4));
  fit_ip(g);
}

static void header_length(struct forgery *g)
{
  g->f[IP] = (uint8_t)(0x40 | below(g, 16));
  fit_ip(g);
}

static void total_length(struct forgery *g)
{
  static const uint16_t near[] = {0, 19, 20, 39, 40, 41};
  uint16_t n = (uint16_t)(g->len - IP);
  put_be16(g->f + IP + 2, below(g, 2) ? near[below(g, 6)] : (uint16_t)(n + 1 + below(g, 100)));
  fit_ip(g);
}

// Too short, or beyond the end: any other would move payload.
static void data_offset(struct forgery *g)
{
  g->f[TCP + 12] = (uint8_t)((g->len < TCP + TCP_HEADER_MAX && below(g, 2) ? 15 : below(g, 5)) << 4);
  fit_tcp(g);
}

// Time stamps not where stacks put them.
static void odd_layout(struct forgery *g)
{
  keepalive(g);
  put_segment(g);
  if (!g->seg.opt.has_timestamps) return;
  memmove(g->f + TCP + 20, g->f + TCP + 22, 10);
  memset(g->f + TCP + 30, 1, 2);
  fit_tcp(g);
}

// An option that nobody here knows, with whatever it may hold, behind the time stamp where there is one (RFC 9293 section 3.1: ignored).
static void other_option(struct forgery *g)
{
  enum { EXPERIMENT = 253 };               // RFC 4727
  keepalive(g);
  put_segment(g);
  size_t hdr = (size_t)(g->f[TCP + 12] >> 4) * 4, n = 4 * (1 + below(g, (uint32_t)(TCP_HEADER_MAX - hdr) / 4));
  insert(g, TCP + hdr, n, 1);
  uint8_t *opt = g->f + TCP + hdr;
  opt[0] = EXPERIMENT;
  opt[1] = (uint8_t)(2 + below(g, (uint32_t)n - 1));
  for (unsigned i = 2; i < opt[1]; i++) opt[i] = (uint8_t)below(g, 256);
  g->f[TCP + 12] = (uint8_t)((hdr + n) / 4 << 4);
  put_be16(g->f + IP + 2, (uint16_t)(g->len - IP));
  fit_ip(g);
  fit_tcp(g);
}

static void bad_ip_sum(struct forgery *g) { g->f[IP + 10 + below(g, 2)] ^= (uint8_t)(1u << below(g, 8)); }
static void bad_tcp_sum(struct forgery *g) { g->f[TCP + 16 + below(g, 2)] ^= (uint8_t)(1u << below(g, 8)); }
static void cut(struct forgery *g) { g->len = 1 + below(g, (uint32_t)g->len - 1); }
static void padded(struct forgery *g) { insert(g, g->len, 1 + below(g, 46), 0xa5); }
static void oversize(struct forgery *g) { insert(g, g->len, 9100, 0xa5); }

static void ping(struct forgery *g)
{
  struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST, .id = (uint16_t)below(g, 65536), .data = g->payload, .data_len = below(g, 500)};
  memset(g->payload, 0x5a, m.data_len);
  size_t n = icmp_emit(g->f + TCP, sizeof g->payload, &m);
  ipv4_emit(g->f + IP, IPV4_HDR_BYTES, g->ip.src, g->ip.dst, IPV4_PROTO_ICMP, 0, n);
  g->len = TCP + n;
}

// A router's word about what the receiver may have in flight: a path that takes less, and other trouble.
static void router(struct forgery *g)
{
  static const uint8_t type[] = {ICMP_TYPE_UNREACHABLE, ICMP_TYPE_UNREACHABLE, ICMP_TYPE_TIME_EXCEEDED, ICMP_TYPE_PARAMETER};
  uint8_t quote[IPV4_HDR_BYTES + 8];
  ipv4_emit(quote, sizeof quote, g->ip.dst, g->ip.src, IPV4_PROTO_TCP, 0, 540 + below(g, 900));
  put_be16(quote + IPV4_HDR_BYTES, g->seg.dst_port);
  put_be16(quote + IPV4_HDR_BYTES + 2, g->seg.src_port);
  put_be32(quote + IPV4_HDR_BYTES + 4, seq_add(g->seg.ack, below(g, 2) ? 0 : below(g, 20000)).v);
  struct icmp_msg m = {.type = type[below(g, 4)], .code = below(g, 2) ? ICMP_CODE_TOO_BIG : (uint8_t)below(g, 16), .seq = (uint16_t)below(g, 1500),
                       .data = quote, .data_len = sizeof quote};
  size_t n = icmp_emit(g->f + TCP, sizeof g->payload, &m);
  ipv4_emit(g->f + IP, IPV4_HDR_BYTES, g->ip.src, g->ip.dst, IPV4_PROTO_ICMP, 0, n);
  g->len = TCP + n;
}

static forger *const frames[] = {other_mac, to_all, vlan, other_type, ip_options, fragment, other_protocol, version, header_length, total_length,
                                 data_offset, bad_ip_sum, bad_tcp_sum, cut, padded, oversize, odd_layout, odd_layout, odd_layout,
                                 odd_layout, other_option, other_option, ping, ping, router, router};

// --- the wire --------------------------------------------------------------------------------------------------------

static struct stranger *self(const struct wire *w) { return (struct stranger *)w; }

#define N_OF(t) ((uint32_t)(sizeof(t) / sizeof *(t)))

// Only a TCP segment without IP options is a model for others.
static bool read_model(struct forgery *g)
{
  struct eth_hdr eth;
  if (eth_parse(g->f, g->len, &eth) != ETH_OK || eth.type != ETH_TYPE_IPV4) return false;
  if (ipv4_parse(g->f + IP, g->len - IP, &g->ip) != IPV4_OK || g->ip.options_len || g->ip.fragment || g->ip.proto != IPV4_PROTO_TCP) return false;
  if (segment_parse(&g->seg, g->ip.src, g->ip.dst, g->f + TCP, g->ip.payload_len) != SEGMENT_OK) return false;
  memcpy(g->payload, g->seg.payload, g->seg.payload_len);
  g->seg.payload = g->payload;
  g->seg.opt.n_sack = 0;
  g->len = TCP + (size_t)g->ip.payload_len;
  return true;
}

static void forge(struct stranger *s, const uint8_t *model, size_t len)
{
  struct forgery g = {.rng = &s->rng, .f = s->frame, .len = len};
  memcpy(s->frame, model, len);
  if (!read_model(&g) || !s->opts.sent_to(s->opts.user, model, len, &g.end)) return;
  if (rng_below(&s->rng, 4)) {
    segments[rng_below(&s->rng, N_OF(segments))](&g);
    put_segment(&g);
  } else {
    frames[rng_below(&s->rng, N_OF(frames))](&g);
  }
  s->len = g.len;
  s->count++;
}

// By the port, so that a SYN that is sent again loses the same. Where both ends open, both offers must arrive.
static size_t strip(struct stranger *s, uint8_t *frame, size_t len, size_t cap)
{
  struct forgery g = {.rng = &s->rng, .f = s->frame, .len = len};
  memcpy(s->frame, frame, len);
  if (!read_model(&g) || (g.seg.flags & (TCP_SYN | TCP_ACK)) != TCP_SYN || g.seg.src_port == g.seg.dst_port) return len;
  if (g.seg.src_port & 1) g.seg.opt.sack_permitted = false;
  if (g.seg.src_port & 2) g.seg.opt.has_timestamps = false;
  put_segment(&g);
  if (g.len > cap) return len;
  memcpy(frame, s->frame, g.len);
  return g.len;
}

static int stranger_recv(struct wire *w, uint8_t *buf, size_t cap)
{
  struct stranger *s = self(w);
  if (s->len) {
    size_t n = s->len < cap ? s->len : cap;
    memcpy(buf, s->frame, n);
    s->len = 0;
    return (int)n;
  }
  int n = wire_recv(s->inner, buf, cap);
  if (n > 0 && s->opts.strips) n = (int)strip(s, buf, (size_t)n, cap);
  if (n <= 0 || !s->opts.per_mille) return n;
  uint32_t rate = s->seen++ < EAGER_FRAMES ? 500 : s->opts.per_mille;
  if (rng_below(&s->rng, 1000) < rate) forge(s, buf, (size_t)n);
  return n;
}

static bool stranger_send(struct wire *w, const uint8_t *frame, size_t len) { return wire_send(self(w)->inner, frame, len); }
static int stranger_fd(struct wire *w) { return wire_fd(self(w)->inner); }
static uint64_t stranger_deadline(const struct wire *w) { return wire_deadline(self(w)->inner); }

static void stranger_close(struct wire *w)
{
  wire_close(self(w)->inner);
  free(w);
}

static const struct wire_ops stranger_ops = {stranger_recv, stranger_send, stranger_fd, stranger_close, stranger_deadline};

struct wire *stranger_open(struct wire *inner, const struct stranger_opts *o, char err[static WIRE_ERR_LEN])
{
  struct stranger *s = calloc(1, sizeof *s);
  if (!s) {
    snprintf(err, WIRE_ERR_LEN, "stranger: out of memory");
    wire_close(inner);
    return NULL;
  }
  s->w.ops = &stranger_ops;
  s->inner = inner;
  s->opts = *o;
  rng_seed(&s->rng, o->seed);
  return &s->w;
}

uint64_t stranger_count(const struct wire *w) { return self(w)->count; }
